r"""Give files their owner in the COPY that brings them.

What it does
============
Takes a `chown` of files that a COPY of the same stage brought out of its RUN, and gives the COPY
the flag `--chown` instead. Where the directory was there before, as one that WORKDIR made, the
`chown` stays for that directory alone.

Why it pays
===========
A RUN that changes the owner puts every file into its layer once more, and the image holds all of
them twice. The flag costs nothing.

Example
=======
```tree
server.js
package.json={"name": "app"}
```
```dockerfile before
FROM node:22
COPY . /app
RUN chown -R node:node /app
USER node
WORKDIR /app
CMD ["node", "server.js"]
```
```dockerfile after
FROM node:22
COPY --chown=node:node . /app
USER node
WORKDIR /app
CMD ["node", "server.js"]
```

A `chown` that names no group leaves that of root, and so does the flag.
```tree
server.js
package.json={"name": "app"}
```
```dockerfile before
FROM node:22
WORKDIR /app
COPY . .
RUN chown -R node .
USER node
CMD ["node", "server.js"]
```
```dockerfile after
FROM node:22
WORKDIR /app
COPY --chown=node:0 . .
RUN chown node /app
USER node
CMD ["node", "server.js"]
```

When it holds back
==================
What a RUN wrote belongs to somebody else still when only COPY has the flag.
```tree
server.js
package.json={"name": "app", "dependencies": {}}
package-lock.json={"name": "app", "lockfileVersion": 3, "packages": {"": {"name": "app"}}}
```
```dockerfile unchanged changes-other-files
FROM node:22
WORKDIR /app
COPY . .
RUN npm ci
RUN chown -R node:node /app
```

A name is looked up where the COPY stands, and one that is not there yet counts as root.
```tree
app.py
```
```dockerfile unchanged user-made-later
FROM python:3.12-slim
COPY . /app
RUN useradd --create-home app && chown -R app:app /app
```

It holds back too where the base image may have files there, where a COPY takes files from another
stage, and where a command in between may look at them.

It looks at the first 500 steps of a stage.

Safety
======
same-image: what differs is the number of layers.
"""

from __future__ import annotations

from collections.abc import Iterator

from optimizer.facade import Proposal, Refusal, Safety, Transform, View, flag_proposals


class CopyWithChown(Transform):
    id = "copy-with-chown"
    best = Safety.SAME_IMAGE

    def propose(self, view: View) -> Iterator[Proposal | Refusal]:
        yield from flag_proposals(view, "chown")
