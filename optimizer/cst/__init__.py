"""Text to tree and back, byte for byte.

What holds in this room, and what the rooms above may rely on:

* **The nodes tile the text.** Joined in order they give it back, for any bytes:
  CRLF, a byte order mark, no final line end, NULs, undecodable bytes.
* **Parsing never raises** and takes time linear in the text. What BuildKit refuses
  is a `Diagnostic` with BuildKit's message; the tree is there all the same.
* **BuildKit decides** what an instruction, a flag, a word, a pair or a
  here-document is (frontend/dockerfile/parser and instructions, as of August 2026),
  down to what counts as white space. Flags with characters outside ASCII are the
  one exception: BuildKit tears some of them apart, see `arguments.split_flags`.
* **Every part knows its place** in the file, across continuations, comments inside
  them, and CRLF. Places are code points of one text (`Span`), lines are counted
  from 1 as BuildKit counts them.
* **A tree is never changed.** `edit.apply` makes a new text of it, and touches no
  byte outside the places that were named.
* **No meaning, no IO.** Variables are not expanded, stages are not looked up, and
  nothing is read from disk.
"""
