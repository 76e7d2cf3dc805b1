"""The build context: which folder it is, and what a build would send of it."""
