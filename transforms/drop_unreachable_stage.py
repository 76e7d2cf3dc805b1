r"""Name the stages that nothing builds.

What it does
============
Says which stages no build needs that is known: not the last stage, and no target that a
Compose or Bake file, a CI workflow, a Makefile or a script of the repository names. It
changes nothing.

Why it pays
===========
BuildKit leaves such a stage out, so it costs no build any time. It costs those who read the
file, and those who keep its images and packages up to date. Builders that know no targets
build it each time.

Example
=======
Whether nobody types `docker build --target lint .` cannot be seen in any file, so it is
left to a person.
```dockerfile unchanged may-be-a-target
FROM golang:1.24 AS build
WORKDIR /src
COPY . .
RUN go build -o /app .

FROM build AS lint
RUN go vet ./...

FROM debian:12-slim
COPY --from=build /app /app
CMD ["/app"]
```

When it holds back
==================
It says nothing of a stage that a variable in a FROM may choose (`FROM build-$MODE`), and nothing
at all where a place of the repository builds the file in a way that is known only at that moment
(`--target "$STAGE"`).

Safety
======
It changes nothing: a stage that is gone is missed only when somebody asks for it, perhaps in
another repository, and it wins no build any time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar

from optimizer.facade import Refusal, Stage, Transform, Unreached, View


class DropUnreachableStage(Transform):
    id = "drop-unreachable-stage"
    best = None
    codes: ClassVar[Mapping[str, str]] = {
        "may-be-a-target": "No known build reaches a stage, but somebody may ask for it by name.",
    }

    def propose(self, view: View) -> Iterator[Refusal]:
        for each in view.unreached:
            yield Refusal(
                "may-be-a-target", each.stage.instruction.code, _reason(each), _unblock(each.stage)
            )


def _reason(found: Unreached) -> str:
    said = f"No build that is known needs {_called(found.stage)}"
    if found.alone_for_it:
        named = ", ".join(map(_called, found.alone_for_it))
        said += f", nor what only that needs: {named}"
    return f"{said}."


def _unblock(stage: Stage) -> str:
    if stage.name is None:
        return "Remove it: BuildKit builds a stage without a name only for stages that take of it."
    return f"Remove it if nobody builds it with `--target {stage.name}`."


def _called(stage: Stage) -> str:
    if stage.name is None:
        return f"the stage in line {stage.instruction.line}"
    return f"the stage `{stage.name}`"
