r"""Give files their mode in the COPY that brings them.

What it does
============
Takes a `chmod` of files that a COPY of the same stage brought out of its RUN, and gives the COPY
the flag `--chmod` instead.

Why it pays
===========
A RUN that changes a mode puts the whole file into its layer once more, and the image holds it
twice. The flag costs nothing, and one step is gone.

Example
=======
```tree
entrypoint.sh=exec "$@"\n
```
```dockerfile before
FROM debian:12
COPY entrypoint.sh /usr/local/bin/
RUN chmod +x /usr/local/bin/entrypoint.sh
ENTRYPOINT ["entrypoint.sh"]
```
```dockerfile after
FROM debian:12
COPY --chmod=755 entrypoint.sh /usr/local/bin/
ENTRYPOINT ["entrypoint.sh"]
```

When it holds back
==================
A flag holds for everything that its COPY brings.
```tree
entrypoint.sh=exec "$@"\n
app.py
```
```dockerfile unchanged copies-more
FROM python:3.12-slim
WORKDIR /app
COPY . .
RUN chmod +x entrypoint.sh
```

With `-R` also what was in the directory before gets the mode, and the flag leaves that alone.
```tree
site/index.html
```
```dockerfile unchanged unknown-base-files
FROM nginx:1.28
COPY site /usr/share/nginx/html
RUN chmod -R 755 /usr/share/nginx/html
```

A mode such as `g+w` hangs on the mode that each file has. Where it makes the same of all of them
the flag says that one as a number; else it takes docker/dockerfile 1.14 or newer in the
`# syntax=` line.

It says nothing of a mode that has more than the nine rights, such as 4755, nor of a directory
without what is in it.

It looks at the first 500 steps of a stage.

Safety
======
same-image: what differs is the number of layers.
"""

from __future__ import annotations

from collections.abc import Iterator

from optimizer.facade import Proposal, Refusal, Safety, Transform, View, flag_proposals


class CopyWithChmod(Transform):
    id = "copy-with-chmod"
    best = Safety.SAME_IMAGE

    def propose(self, view: View) -> Iterator[Proposal | Refusal]:
        yield from flag_proposals(view, "chmod")
