"""What a step reads and writes.

Paths are absolute prefixes in the image. What is not known is said to be
unknown, with the reason; nothing here guesses.
"""
