"""One journal, many faces: records in, text out.

Everything here is pure. A sentence about a change is written once, in the
transform or in `words`; the faces differ in length, never in content.
"""
