"""Package managers of Python."""
