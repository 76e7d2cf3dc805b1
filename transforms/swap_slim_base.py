r"""Start the final stage from the slim or runtime-only twin of its image.

What it does
============
Exchanges the image that the shipped stage starts from for its smaller twin: the same release of
the same distribution, the same version of the language (`python:3.12` becomes `python:3.12-slim`,
`eclipse-temurin:21` becomes `eclipse-temurin:21-jre`, the stage that holds a program of Go starts
from Debian). What the run time needs and the twin lacks is installed in one line; the certificates
of authorities, where a program needs nothing else, are copied from the stage that built it. It
looks at what a container runs, at the RUNs of the stage, and through `COPY --from` at what was
installed in other stages.

Why it pays
===========
The full images bring compilers, version control and the headers of some forty libraries. Nothing
of it runs in production; all of it is pulled, stored, scanned and kept up to date.

Example
=======
```tree
requirements.txt=flask==3.0.3
app.py=print("hello")
```
```dockerfile before
FROM python:3.12 AS builder
COPY requirements.txt .
RUN pip install --prefix=/install -r requirements.txt

FROM python:3.12
COPY --from=builder /install /usr/local
WORKDIR /app
COPY app.py .
CMD ["python", "app.py"]
```
```dockerfile after
FROM python:3.12 AS builder
COPY requirements.txt .
RUN pip install --prefix=/install -r requirements.txt

FROM python:3.12-slim
COPY --from=builder /install /usr/local
WORKDIR /app
COPY app.py .
CMD ["python", "app.py"]
```

When it holds back
==================
Where the stage itself compiles something: then it has to be split first.
```tree
requirements.txt=psycopg2==2.9.9
app.py
```
```dockerfile unchanged compiles-in-this-stage
FROM python:3.12
WORKDIR /app
COPY . .
RUN pip install -r requirements.txt
CMD ["python", "app.py"]
```

Where the image is pinned by its digest, comes from a registry of which it is not known what it
holds, or is named by an argument that others use too; where a program that runs is not in the
twin; and where it is not known what an installed package needs. A comment above the FROM settles
that: `# dockopt: needs=libpq5,git` (or `# dockopt: needs=` for nothing).

It says nothing of images that are slim already, and never goes from glibc to musl. An image that
gets no security fixes any more is named, whatever else holds.

Safety
======
changes-image: programs and libraries that nothing of the project uses are no longer there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar

from optimizer.facade import (
    AUTHORITIES,
    Edit,
    Effects,
    Evidence,
    Insert,
    Obstacle,
    Proposal,
    Refusal,
    RuntimeBase,
    Safety,
    Span,
    Stage,
    Transform,
    View,
    added_packages,
    ended_images,
    renamed_base,
)


class SwapSlimBase(Transform):
    id = "swap-slim-base"
    best = Safety.CHANGES_IMAGE
    codes: ClassVar[Mapping[str, str]] = {
        "end-of-life-image": "An image gets no security fixes any more.",
    }

    def propose(self, view: View) -> Iterator[Proposal | Refusal]:
        for stage in _shipped(view):
            found = view.runtime_twin(stage)
            if isinstance(found, RuntimeBase):
                found = view.meant_to_be_fat(stage) or found
            if isinstance(found, Obstacle):
                yield Refusal.of(found, stage.instruction.code)
            elif found is not None:
                yield _proposal(view, stage, found)
        yield from _ended(view)


def _shipped(view: View) -> Iterator[Stage]:
    """Yields the stage that the target makes, and the file's last one: where a build is known that
    stops at another stage (for development), the last one is what is shipped."""
    stages = view.stages
    last = stages.stages[-1] if stages.stages else None
    yield from (s for s in stages.stages if s is stages.target or s is last)


def _proposal(view: View, stage: Stage, found: RuntimeBase) -> Proposal | Refusal:
    given = frozenset(view.build.invocation.build_args)
    edits = renamed_base(view.dockerfile, view.stages, found.stage, found.image, given)
    if isinstance(edits, Obstacle):
        return Refusal.of(edits, stage.instruction.code)
    more = [*_packages(view, found), *_lines(view, found)]
    changed = (*edits, *more)
    return Proposal(
        title=f"Start from {found.image}",
        at=stage.instruction.code,
        edits=changed,
        safety=Safety.CHANGES_IMAGE,
        reason=_reason(view, stage, found),
        evidence=tuple(_smaller(view, changed)),
        assumes=(*found.assumes, *_of_arguments(view, found)),
    )


def _of_arguments(view: View, found: RuntimeBase) -> Iterator[str]:
    written = view.dockerfile.text(found.stage.instruction.words[0].span)
    if "$" in written:
        yield f"No build gives {written} another form than its defaults have."


def _packages(view: View, found: RuntimeBase) -> Iterator[Edit]:
    if found.packages:
        is_alpine = found.twin.name == "alpine" or "alpine" in found.twin.tag
        effects = _early_runs(view, found.stage)
        yield added_packages(
            view.dockerfile, found.stage, effects, found.packages, is_alpine=is_alpine
        )


def _early_runs(view: View, stage: Stage) -> Iterator[Effects]:
    """Yields the effects of the RUNs at the top: none below a USER, and none below one that does
    anything but install packages of the distribution."""
    for step in stage.steps:
        if step.instruction.keyword == "USER":
            return
        if step.instruction.keyword == "RUN":
            effects = view.effects(step)
            yield effects
            if not any(
                c.words and c.words[0] in ("apt-get", "apt", "apk") for c in effects.commands
            ):
                return


def _lines(view: View, found: RuntimeBase) -> Iterator[Edit]:
    """Yields the lines right below FROM: the copy of the certificates, and the settings."""
    start = found.stage.instruction
    is_lower = view.dockerfile.text(start.keyword_span).islower()
    copied = (f"COPY --from={found.lists} {AUTHORITIES} {AUTHORITIES}",) if found.lists else ()
    for line in (*copied, *found.settings):
        keyword, _, rest = line.partition(" ")
        yield Insert(f"{keyword.lower() if is_lower else keyword} {rest}\n", after=start)


def _reason(view: View, stage: Stage, found: RuntimeBase) -> str:
    old = view.dockerfile.text(found.stage.instruction.words[0].span)
    named = ", ".join(found.packages)
    added = f", but for {named}, which is installed" if named else ""
    if found.lists is not None:
        added = f", but for the certificates of authorities, which are copied from {found.lists}"
    return f"Nothing that runs needs what only {old} has{added}."


def _smaller(view: View, edits: tuple[Edit, ...]) -> Iterator[Evidence]:
    before = view.image_size
    after = View(view.edited(edits), view.build).image_size
    if before is not None and after is not None and after.bytes < before.bytes:
        yield Evidence("image_bytes", "the image", before.bytes, after.bytes, "estimate")


def _ended(view: View) -> Iterator[Refusal]:
    """Yields one answer for all images of the file that get no fixes any more."""
    ended = ended_images(view.stages)
    if ended:
        named = ", ".join(f"{image} (since {day})" for image, day, _ in ended)
        at: Span = ended[0][2].instruction.code
        yield Refusal(
            "end-of-life-image",
            at,
            f"No security fixes come any more for {named}.",
            "Move to a release that is still kept up.",
        )
