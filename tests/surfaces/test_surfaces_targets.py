"""A stage that a place in the repository builds is in use."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from optimizer.journal import Outcome
from optimizer.surfaces.load import Request, Task, plan
from optimizer.surfaces.run import look_at

DOCKERFILE = """\
FROM golang:1.24 AS build
COPY . .
RUN go build -o /app .
FROM build AS lint
RUN go vet ./...
FROM scratch
COPY --from=build /app /app
"""

PLACES: list[tuple[str, Mapping[str, str], bool]] = [
    ("nobody builds it", {}, True),
    ("Compose", {"compose.yaml": "services: {a: {build: {context: ., target: lint}}}\n"}, False),
    ("a Makefile", {"Makefile": "lint:\n\tdocker build --target lint .\n"}, False),
    ("another stage is built", {"Makefile": "x:\n\tdocker build --target build .\n"}, True),
    ("any stage may be built", {"b.sh": '#!/bin/sh\ndocker build --target "$1" .\n'}, False),
    ("another file is built", {"x/Dockerfile": DOCKERFILE, "x/Makefile": "x:\n\tdocker build .\n"},
     True),
]  # fmt: skip


def said(folder: Path, request: Request) -> bool:
    task = next(each for each in plan([folder / "Dockerfile"], request) if isinstance(each, Task))
    outcome = look_at(task, request, {})
    assert isinstance(outcome, Outcome)
    return "may-be-a-target" in {held.code for held in outcome.held}


@pytest.mark.parametrize(("files", "is_said"), [r[1:] for r in PLACES], ids=[r[0] for r in PLACES])
def test_stage_that_a_place_builds(tmp_path: Path, files: Mapping[str, str], is_said: bool) -> None:
    (tmp_path / ".git").mkdir()
    for name, text in {"Dockerfile": DOCKERFILE, **files}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    assert said(tmp_path, Request(history=0)) == is_said


def test_places_count_whatever_context_is_asked_for(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text(DOCKERFILE)
    asked = Request(context=tmp_path, history=0)
    assert said(tmp_path, asked)
    (tmp_path / "Makefile").write_text("lint:\n\tdocker build --target lint .\n")
    assert not said(tmp_path, asked)
