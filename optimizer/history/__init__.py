"""The commits of the repository, and which of them touch a path.

Read with git's plumbing commands or a library, never by a checkout. Nothing that the
repository configures is run.
"""
