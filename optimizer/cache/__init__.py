"""What BuildKit's layer cache makes of a file: which steps an edit makes it run again."""
