"""What Elixir projects install: Mix."""
