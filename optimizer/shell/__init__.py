"""What stands inside a RUN: commands with their words, connections and redirections.

Nothing here runs anything, raises, or takes more than linear time. What is not sure to
be read as a shell reads it is opaque, with the reason.
"""
