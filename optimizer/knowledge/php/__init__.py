"""What PHP projects install: Composer."""
