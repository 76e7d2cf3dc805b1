r"""Keep out of the build context what no step needs.

What it does
============
Adds lines to `.dockerignore`, or makes it, for what a COPY of a whole directory brings along though
nothing reads it: version control data, dependencies and build output of the host, caches of tools,
logs, editor files. It looks at what lies in the context, and at what git ignores there: a
developer's machine has it sooner or later. Secrets that get into the image are named.

Why it pays
===========
`git fetch`, an editor or a test run change such files, and every step below the COPY runs again.
All of it is sent to the builder, and pulled with the image.

Example
=======
```tree
.git/HEAD=ref: refs/heads/main\n
.git/index
.vscode/settings.json={}
.gitignore=node_modules\n
package.json={"name": "app", "dependencies": {}}
package-lock.json={"name": "app", "lockfileVersion": 3, "packages": {"": {"name": "app"}}}
server.js
```
```dockerfile before
FROM node:22
WORKDIR /app
COPY . .
RUN npm ci
CMD ["node", "server.js"]
```
```dockerfile after
FROM node:22
WORKDIR /app
COPY . .
RUN npm ci
CMD ["node", "server.js"]
```

The Dockerfile stays as it is; `.dockerignore` gets the lines `.git`, `**/node_modules` and
`**/.vscode`.

When it holds back
==================
A version may come from the tags of the repository. Settings, scripts and sources are looked
through for what asks git or reads `.git`, the other Dockerfiles that share the ignore file too.
Files that git keeps stay then as well: without them the version would be that of changed sources.
```tree
.git/HEAD=ref: refs/heads/main\n
.github/workflows/ci.yml=on: push\n
pyproject.toml=[build-system]\nrequires = ["setuptools", "setuptools-scm"]\n
app.py
```
```dockerfile unchanged version-control-is-read
FROM python:3.12-slim
WORKDIR /app
COPY . .
RUN pip install .
```

Dependencies and build output of the host are left where no RUN makes them in the image.
```tree
dist/index.js
.gitignore=dist\n
```
```dockerfile unchanged made-on-the-host
FROM node:22-slim
WORKDIR /app
COPY . .
CMD ["node", "dist/index.js"]
```

A command may fail without them.
```tree
.vscode/settings.json={}
```
```dockerfile unchanged noise-is-named
FROM debian:12
WORKDIR /app
COPY . .
RUN rm -r .vscode
```

A file with secrets may be what a program reads when it starts.
```tree
.env=DATABASE_PASSWORD=hunter2hunter2\n
app.py=from dotenv import load_dotenv
```
```dockerfile unchanged secret-is-read
FROM python:3.12-slim
WORKDIR /app
COPY . .
CMD ["python", "app.py"]
```

Dependencies, build output and logs count only where git ignores them: a fresh clone has not got
them, and builds all the same. What an exception of `.dockerignore` brings back is left there.

Safety
======
same-behavior: what goes from the image is named, and what reads such files was looked for.
changes-image for secrets, which a program may read in a way that nobody sees.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar

from optimizer.facade import (
    Evidence,
    NoiseAround,
    Obstacle,
    Proposal,
    Quiet,
    Refusal,
    Safety,
    Secret,
    Transform,
    View,
    noise,
    secrets,
)


class IgnoreNoise(Transform):
    id = "ignore-noise"
    best = Safety.SAME_BEHAVIOR
    codes: ClassVar[Mapping[str, str]] = {
        "secret-is-read": "A secret gets into the image, and a step or program may read it.",
    }

    def propose(self, view: View) -> Iterator[Proposal | Refusal]:
        around = NoiseAround(
            view.dockerfile, view.stages, view.context, view.build.neighbours, view.copy
        )
        if not around.copies:
            return
        at = around.copies[0].step.instruction.code
        for secret in secrets(around):
            yield _about(secret)
        quiet, held = noise(around)
        for obstacle in held:
            yield Refusal.of(obstacle, at)
        if quiet is not None:
            yield _proposal(quiet)


def _proposal(quiet: Quiet) -> Proposal:
    kinds = tuple(dict.fromkeys(each.row.kind for each in quiet.found))
    copying = quiet.copy.step.instruction
    text = " ".join(copying.logical.text.split())
    lines = [pattern.removeprefix("**/") for each in quiet.brought for pattern in each.patterns]
    size = quiet.bytes
    return Proposal(
        title=f"Keep {_listed(kinds)} out of the build context",
        at=copying.code,
        edits=(),
        safety=Safety.SAME_BEHAVIOR,
        reason=f"`{text}` brings {_listed(lines)}, and every change of it "
        "lets the steps below run again.",
        shown_by=quiet.sample,
        evidence=(Evidence("context_bytes", "the build context", *size, "model"),)
        if size is not None and size[0] != size[1]
        else (),
        files=(quiet.file,),
        drops=quiet.drops,
        assumes=("Nothing reads these files in a way that its text does not show.",),
    )


def _about(secret: Secret) -> Proposal | Refusal:
    code = secret.step.instruction.code
    if secret.file is None:
        reader = secret.reader or "an exception of the ignore file"
        found = Obstacle(
            "secret-is-read",
            f"{secret.path} may hold secrets and gets into the image, and {reader} may read it.",
            f"Give it to the build with `RUN --mount=type=secret`, or to the container when it "
            f"starts, and add `{secret.path}` to .dockerignore.",
        )
        return Refusal.of(found, code)
    return Proposal(
        title=f"Keep the secrets of {secret.path} out of the image",
        at=code,
        edits=(),
        safety=Safety.CHANGES_IMAGE,
        reason=f"{secret.path} may hold secrets, and whoever pulls the image can read them.",
        evidence=(Evidence("shipped_secrets", secret.path, 1, 0, "text"),),
        files=(secret.file,),
        drops=secret.drops,
        assumes=(f"Nothing in the image reads {secret.path}.",),
    )


def _listed(names: tuple[str, ...] | list[str]) -> str:
    shown = names[:4]
    more = len(names) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")
