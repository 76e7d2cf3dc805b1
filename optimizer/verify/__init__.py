"""The judge: builds a file before and after on a real engine and holds every promise to it.

The only room that builds anything, and only when the user asks. Everything it makes on the
engine it takes away again.
"""
