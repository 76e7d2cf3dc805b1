r"""Take development dependencies out in a stage of its own, beside the build.

What it does
============
Parts a stage that installs, builds and prunes below its install. From there two stages go on: one
takes the development dependencies out, the other builds with them. Whoever copies the installed
packages copies them from the first. A stage that does nothing but prune, on top of the one that
builds, starts from the install instead.

Why it pays
===========
An edit of the sources builds again, but what is pruned hangs on the manifests alone: it is neither
made nor compared again, and a cold build prunes while it compiles.

Example
=======
```tree
package.json={"dependencies": {"ms": "2"}, "devDependencies": {"vite": "5"}}
src/server.js
.dockerignore=node_modules
```
```dockerfile before
FROM node:22 AS builder
WORKDIR /app
COPY package.json ./
RUN npm install
COPY . .
RUN npx vite build
RUN npm prune --omit=dev

FROM node:22-slim
WORKDIR /app
COPY --from=builder /app/node_modules ./node_modules
COPY --from=builder /app/dist ./dist
CMD ["node", "dist/server.js"]
```
```dockerfile after
FROM node:22 AS dependencies
WORKDIR /app
COPY package.json ./
RUN npm install

FROM dependencies AS production-dependencies
RUN npm prune --omit=dev

FROM dependencies AS builder
COPY . .
RUN npx vite build

FROM node:22-slim
WORKDIR /app
COPY --from=production-dependencies /app/node_modules ./node_modules
COPY --from=builder /app/dist ./dist
CMD ["node", "dist/server.js"]
```

A stage of its own that stands on the build:
```tree
package.json={"dependencies": {"ms": "2"}, "devDependencies": {"vite": "5"}}
src/server.js
.dockerignore=node_modules
```
```dockerfile before
FROM node:22 AS builder
WORKDIR /app
COPY package.json ./
RUN npm install
COPY . .
RUN npx vite build

FROM builder AS production
RUN npm prune --omit=dev

FROM node:22-slim
WORKDIR /app
COPY --from=production /app/node_modules ./node_modules
COPY --from=builder /app/dist ./dist
CMD ["node", "dist/server.js"]
```
```dockerfile after
FROM node:22 AS dependencies
WORKDIR /app
COPY package.json ./
RUN npm install

FROM dependencies AS builder
COPY . .
RUN npx vite build

FROM dependencies AS production
RUN npm prune --omit=dev

FROM node:22-slim
WORKDIR /app
COPY --from=production /app/node_modules ./node_modules
COPY --from=builder /app/dist ./dist
CMD ["node", "dist/server.js"]
```

When it holds back
==================
A build that is not followed to tools which write elsewhere may leave something among the packages.
```tree
package.json={"dependencies": {"ms": "2"}, "devDependencies": {"vite": "5"}}
build.js
src/server.js
.dockerignore=node_modules
```
```dockerfile unchanged changes-installed-packages
FROM node:22 AS builder
WORKDIR /app
COPY package.json ./
RUN npm install
COPY . .
RUN node build.js
RUN npm prune --omit=dev

FROM node:22-slim
WORKDIR /app
COPY --from=builder /app/node_modules ./node_modules
COPY --from=builder /app/dist ./dist
CMD ["node", "dist/server.js"]
```

It holds back too where a COPY takes the packages along with the rest (`pruned-with-the-rest`),
where pruning runs scripts of the project (`prune-runs-scripts`), and where the stage is built on,
mounted or built by itself (`stage-is-used-elsewhere`).

Safety
======
same-behavior: the packages are those that the same command leaves in the same tree. What build
tools keep for their next run among the packages (`node_modules/.cache`) does not get into the image
any more, and `drops` names it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar

from optimizer.facade import (
    Obstacle,
    Proposal,
    PrunedApart,
    Refusal,
    Safety,
    Stage,
    Transform,
    View,
)


class PruneInOwnStage(Transform):
    id = "prune-in-own-stage"
    best = Safety.SAME_BEHAVIOR
    codes: ClassVar[Mapping[str, str]] = {}

    def propose(self, view: View) -> Iterator[Proposal | Refusal]:
        for stage in view.stages.stages:
            found = view.pruned_apart(stage)
            if isinstance(found, Obstacle):
                last = next(s for s in reversed(stage.steps) if s.instruction.keyword == "RUN")
                yield Refusal.of(found, last.instruction.code)
            elif found is not None:
                yield _proposal(view, stage, found)


def _proposal(view: View, stage: Stage, apart: PrunedApart) -> Proposal:
    title = apart.pruned.title
    landings = dict.fromkeys(place for _, place in apart.copies if place is not None)
    return Proposal(
        title=f"Run `{title}` in a stage of its own"
        if apart.start is None
        else f"Run `{title}` beside the build, not on top of it",
        at=apart.step.instruction.code,
        edits=view.apart_edits(stage, apart),
        safety=Safety.SAME_BEHAVIOR,
        reason=f"`{title}` needs manifests alone; below the sources every edit runs it again.",
        shown_by=apart.edited,
        drops=tuple(f"{place}/.cache" for place in landings),
        assumes=tuple(_assumed(apart)),
    )


def _assumed(apart: PrunedApart) -> Iterator[str]:
    if apart.put_back:
        yield f"The install leaves {', '.join(apart.put_back)} as the build context has it."
