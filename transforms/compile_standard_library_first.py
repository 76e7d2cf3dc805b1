r"""Compile what a Go program imports of the standard library before the sources are copied.

What it does
============
Puts a RUN above the sources that builds the packages of the standard library which the program
imports, with the flags and the variables of its own build. Packages that others bring along are
not named.

Why it pays
===========
Since Go 1.20 no image has the standard library compiled. Below the sources every edit compiles it
again: half a minute for `net/http`. What the step leaves in the build cache is found by the hash of
all that went in, so the build takes it where it fits and compiles anew where it does not. Unlike a
cache mount, the layer is there on a fresh builder and with a cache in a registry as well.

Example
=======
```tree
go.mod=module example.com/server\n\ngo 1.24\n
main.go=package main\n\nimport (\n\t"html/template"\n\t"log"\n\t"net/http"\n)\n
```
```dockerfile before
FROM golang:1.24 AS builder
WORKDIR /src
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -o /server .

FROM gcr.io/distroless/static-debian12
COPY --from=builder /server /server
CMD ["/server"]
```
```dockerfile after
FROM golang:1.24 AS builder
WORKDIR /src
RUN CGO_ENABLED=0 go build -trimpath html/template net/http
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -o /server .

FROM gcr.io/distroless/static-debian12
COPY --from=builder /server /server
CMD ["/server"]
```

When it holds back
==================
```tree
go.mod=module example.com/server\n\ngo 1.24\n
main.go=package main\n\nimport "net/http"\n
```
```dockerfile unchanged compiles-all-again
FROM golang:1.24 AS builder
WORKDIR /src
COPY . .
RUN CGO_ENABLED=0 go build -a -o /server .

FROM gcr.io/distroless/static-debian12
COPY --from=builder /server /server
CMD ["/server"]
```

It holds back too where a variable that counts is set below the sources (`state-between`). It says
nothing where a cache mount keeps what is compiled, in a stage whose layers are shipped, and of
images that have the packages compiled (Go 1.19 and older). Packages of other modules are not named:
the line would fail as soon as the program does without one of them; the standard library stays.

Safety
======
same-image: the stage is no part of the image, and the Go command makes the same program from what
lies in its cache as from what it compiles itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import ClassVar

from optimizer.facade import (
    Evidence,
    Insert,
    NotPrecompiled,
    Precompiling,
    Proposal,
    Refusal,
    Safety,
    Stage,
    Transform,
    View,
)


class CompileStandardLibraryFirst(Transform):
    id = "compile-standard-library-first"
    best = Safety.SAME_IMAGE
    codes: ClassVar[Mapping[str, str]] = {}

    def propose(self, view: View) -> Iterator[Proposal | Refusal]:
        for stage in view.stages.stages:
            found = view.precompiling(stage)
            if isinstance(found, NotPrecompiled):
                yield Refusal.of(found.obstacle, found.step.instruction.code)
            elif found is not None:
                yield _proposal(view, stage, found)


def _proposal(view: View, stage: Stage, found: Precompiling) -> Proposal:
    above = stage.steps[found.top.number - 2] if found.top.number > 1 else None
    proposal = Proposal(
        title="Compile the standard library before the sources",
        at=found.top.instruction.code,
        edits=(
            Insert(found.line, before=found.top.instruction)
            if above is None
            else Insert(found.line, after=above.instruction),
        ),
        safety=Safety.SAME_IMAGE,
        reason=f"Below the sources every edit lets `{found.build}` compile the standard library.",
        evidence=(Evidence("library_builds", f"edit {found.edited}", 1, 0, basis="model"),),
    )
    after = view.after(view.edited(proposal.edits), proposal)
    spared = view.spared(after, found.edited).evidence
    return replace(proposal, evidence=(spared, *proposal.evidence)) if spared else proposal
