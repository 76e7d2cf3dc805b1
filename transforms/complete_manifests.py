r"""Copy every manifest that an install reads, not only some of them.

What it does
============
Adds the files that an install of dependencies reads to the COPY above it, where the
sources that follow below bring them too late: a lockfile, the manifest of a workspace
member, a patch, the package manager's settings.

Why it pays
===========
An install that does not see its lockfile takes whatever versions are the newest on that
day; one that does not see a workspace member, a patch or a replaced module fails or
installs something else than on a developer's machine. And the layer cache keeps the wrong
result, since the file that would have changed it is no part of the cache key.

Example
=======
```tree
package.json={"name": "app", "dependencies": {}}
package-lock.json={"name": "app", "lockfileVersion": 3, "packages": {"": {"name": "app"}}}
.npmrc=save-exact=true
src/index.js
.dockerignore=node_modules
```
```dockerfile before
FROM node:22
WORKDIR /app
COPY package.json ./
RUN npm install
COPY . .
CMD ["node", "src/index.js"]
```
```dockerfile after
FROM node:22
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm install
COPY . .
CMD ["node", "src/index.js"]
```

When it holds back
==================
Where a step above that nobody knows may make the file.
```tree
package.json={"name": "app", "dependencies": {}}
package-lock.json={"name": "app", "lockfileVersion": 3, "packages": {"": {"name": "app"}}}
tools/login.sh
.dockerignore=node_modules
```
```dockerfile unchanged may-be-made-above
FROM node:22
WORKDIR /app
COPY tools/login.sh package.json ./
RUN ./login.sh
RUN npm install
COPY . .
```

It says nothing where a step above makes the file, where the sources that follow lie
somewhere else in the image, and where it is not known what the install reads.

Safety
======
changes-image: with its lockfile or its settings an install may install other versions.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar

from optimizer.facade import (
    CopyStep,
    Edit,
    Evidence,
    Insert,
    Missing,
    Obstacle,
    Proposal,
    Refusal,
    Replace,
    Safety,
    Span,
    Step,
    Transform,
    View,
    added_words,
    copy_lines,
    list_to_extend,
    place_in_list,
)


class CompleteManifests(Transform):
    id = "complete-manifests"
    best = Safety.CHANGES_IMAGE
    codes: ClassVar[Mapping[str, str]] = {
        "may-be-made-above": "A step above that dockopt does not know may make the file.",
    }

    def propose(self, view: View) -> Iterator[Proposal | Refusal]:
        for stage in view.stages.stages:
            for step in stage.steps:
                missing = view.missing_inputs(step) if view.may_install(step) else None
                if isinstance(missing, Obstacle):
                    yield Refusal.of(missing, step.instruction.code)
                elif missing is not None:
                    yield _proposal(view, step, missing)


def _proposal(view: View, step: Step, missing: Missing) -> Proposal:
    named = _named(missing)
    lines = sorted(copy.step.instruction.line for copy in missing.brought_by)
    return Proposal(
        title=f"Copy {named} above `{missing.title}` too",
        at=step.instruction.code,
        edits=tuple(_edits(view, step, missing)),
        safety=Safety.CHANGES_IMAGE,
        reason=f"`{missing.title}` reads {named}, and line {lines[0]} brings that too late.",
        evidence=(
            Evidence("missing_inputs", f"of `{missing.title}`", len(missing.paths), 0, "text"),
        ),
        assumes=(f"`{missing.title}` is meant to see what lies in the build context.",),
    )


def _named(missing: Missing) -> str:
    names = missing.entries
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _edits(view: View, step: Step, missing: Missing) -> Iterator[Edit]:
    """Yields the words for the COPY lines that can take more, and new lines for the rest."""
    stage = view.stages.stages[step.stage_index]
    own = [
        copy
        for copy in view.copies_above(stage, step)
        if isinstance(copy, CopyStep) and copy.step.stage_index == stage.index
    ]
    more: dict[CopyStep, list[str]] = {}
    for copy, (files, trees) in missing.brought_by.items():
        rest: list[str] = []
        for path in sorted(files, key=place_in_list):
            entry = copy.find(path)
            assert entry is not None
            fitting = list_to_extend(path, entry.path, own)
            if fitting is None:
                rest.append(path)
            else:
                more.setdefault(fitting, []).append(entry.path)
        if rest or trees:
            yield Insert(copy_lines(view.dockerfile, copy, rest, trees), before=step.instruction)
    for fitting, entries in more.items():
        end = fitting.step.instruction.words[-2].span.end
        yield Replace(Span(end, end), added_words(fitting, entries))
