"""What Ruby projects install: Bundler."""
