r"""Keep what package managers download in a cache mount of the builder.

What it does
============
Gives a RUN that installs packages a cache mount at the place where its package manager
keeps downloads, and takes out what would fight it in the same change: options such as
`--no-cache-dir`, and commands behind the install that empty the cache.

Known are apt-get, npm, Yarn 1, pnpm, pip, uv, Poetry and Composer.

Why it pays
===========
When one line of a dependency manifest changes, the whole install runs again, and
without a cache it downloads every package again. With a cache mount it downloads what
is new. The mount is no part of the image, so the layer gets no larger; where the
downloads are kept in the layer today, it gets smaller.

A builder that starts empty every time, as on many CI services, downloads as before.

Example
=======
```tree
package.json={"name": "app", "dependencies": {}}
package-lock.json={"name": "app", "lockfileVersion": 3, "packages": {"": {"name": "app"}}}
```
```dockerfile before
FROM node:22
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci
```
```dockerfile after
FROM node:22
WORKDIR /app
COPY package.json package-lock.json ./
RUN --mount=type=cache,target=/root/.npm npm ci
```

What pip keeps holds wheels that it compiled for this image, so the mount is for this
image alone (`id=`).
```tree
requirements.txt=flask==3.0.0\n
```
```dockerfile before
FROM python:3.12-slim
COPY requirements.txt ./
RUN pip install --no-cache-dir -r requirements.txt
```
```dockerfile after
FROM python:3.12-slim
COPY requirements.txt ./
RUN --mount=type=cache,id=pip-python-3.12-slim,target=/root/.cache/pip \
    pip install -r requirements.txt
```

The images of Debian and Ubuntu empty apt-get's own directory behind each install, so
it is told another one. The image keeps that setting, and the lists of packages are
fetched with each update, as before.
```dockerfile before
FROM debian:12
RUN apt-get update && apt-get install -y git
```
```dockerfile after
FROM debian:12
RUN --mount=type=cache,id=apt-get-debian-12,target=/var/cache/apt-archives,sharing=locked \
    apt-get update && apt-get install -o Dir::Cache::Archives=/var/cache/apt-archives -y git
```

When it holds back
==================
A cache mount belongs to root unless a number is given, so the user has to be known.
```tree
package.json={"name": "app", "dependencies": {}}
package-lock.json={"name": "app", "lockfileVersion": 3, "packages": {"": {"name": "app"}}}
```
```dockerfile unchanged user-unknown
FROM node:22
RUN useradd --create-home app
USER app
WORKDIR /home/app
COPY package.json package-lock.json ./
RUN npm ci
```

Where a variable turns the cache off, its author has to take it away.
```tree
requirements.txt=flask==3.0.0\n
```
```dockerfile unchanged cache-turned-off
FROM python:3.12-slim
ENV PIP_NO_CACHE_DIR=1
COPY requirements.txt ./
RUN pip install -r requirements.txt
```

Build output such as cargo's `target` is never kept, nor is what a later step reads: Go's
modules, cargo's registry, Maven's repository. A builder without their mount, or one that
started empty while the layer above came from a registry's cache, would have to fetch them
in the middle of a build. A RUN that has a cache mount already is its author's.

Safety
======
same-image where the downloads are not in the image today; else same-behavior, and what
is no longer in the image is named.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar

from optimizer.facade import (
    CacheMounts,
    Evidence,
    Obstacle,
    Proposal,
    Refusal,
    Safety,
    Step,
    Surroundings,
    Transform,
    View,
    cache_mounts,
)


class MountPackageCache(Transform):
    id = "mount-package-cache"
    best = Safety.SAME_IMAGE
    codes: ClassVar[Mapping[str, str]] = {
        "base-image-varies": "What is kept fits one image alone, and FROM takes it by an argument.",
        "cache-is-cleaned": "A command of the RUN empties the cache and cannot be taken out.",
        "cache-is-populated": "The image brings files where the cache mount would lie.",
        "cache-is-used-later": "A later step takes what the package manager keeps.",
        "cache-moved": "Settings say that downloads are kept somewhere else.",
        "frontend-too-old": "The frontend of `# syntax=` is not known to take cache mounts.",
        "mount-parent-is-roots": "The directories above the mount would belong to root.",
        "user-unknown": "The number of the user that runs the command is not known.",
    }

    def propose(self, view: View) -> Iterator[Proposal | Refusal]:
        around = Surroundings(view.dockerfile, view.stages)
        steps = (step for stage in view.stages.stages for step in stage.steps)
        for step in steps:
            found = _looked_at(view, around, step) if step.instruction.keyword == "RUN" else None
            if isinstance(found, Obstacle):
                yield Refusal.of(found, step.instruction.code)
            elif found is not None:
                yield _proposal(view, step, found)


def _looked_at(view: View, around: Surroundings, step: Step) -> CacheMounts | Obstacle | None:
    return cache_mounts(around, view.effects(step), lambda: view.files_above(step))


def _proposal(view: View, step: Step, found: CacheMounts) -> Proposal:
    stage = view.stages.stages[step.stage_index]
    drops = view.reach_the_image(stage, found.left)
    named = found.named
    return Proposal(
        title=f"Keep what `{named}` downloads",
        at=step.instruction.code,
        edits=found.edits,
        safety=Safety.SAME_BEHAVIOR if drops else Safety.SAME_IMAGE,
        reason=f"`{named}` downloads every package again whenever one of them changes.",
        evidence=(Evidence("full_downloads", f"each run of `{named}`", 1, 0, "text"),),
        drops=drops,
        assumes=("The builder knows cache mounts and keeps them from one build to the next.",),
    )
