"""What ``dockopt print stages`` shows."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Protocol

import pytest

from optimizer.cst.parse import parse
from optimizer.cst.source import Source
from optimizer.model.stages import Invocation, Stages, read_stages
from optimizer.report.stages import as_json, as_text

ANALYSES = Path(__file__).resolve().parents[2] / "fixtures" / "analyses" / "stages"
CASES = sorted(path.name for path in ANALYSES.iterdir())


class Snapshot(Protocol):
    """The part of pytest-snapshot's fixture that is used here; the package has no types."""

    snapshot_dir: Path

    def assert_match(self, value: bytes, snapshot_name: str) -> None: ...


def read(path: Path, invocation: Invocation | None = None) -> Stages:
    return read_stages(
        parse(Source.from_bytes("Dockerfile", path.read_bytes())), invocation or Invocation()
    )


def stages(text: str, invocation: Invocation | None = None) -> Stages:
    return read_stages(parse(Source("Dockerfile", text)), invocation or Invocation())


@pytest.mark.parametrize("case", CASES)
def test_text(case: str, snapshot: Snapshot) -> None:
    snapshot.snapshot_dir = ANALYSES / case
    text = as_text(read(ANALYSES / case / "Dockerfile"))
    snapshot.assert_match(text.encode(), "stages.txt")


def test_json_of_a_stage() -> None:
    found = as_json(
        stages("ARG V=1\nFROM golang:$V AS a\nFROM a\nARG X\nWORKDIR src\nCOPY --from=b c d\n"), "D"
    )
    assert found["path"] == "D"
    assert found["target"] == "1"
    assert isinstance(found["stages"], list)
    first, second = found["stages"]
    assert first["base"] == {
        "kind": "image",
        "reference": "docker.io/library/golang:1",
        "text": "golang:1",
    }
    assert first["needed"] is True
    assert first["image_env"]["GOPATH"] == {"value": "/go"}
    assert second["base"] == {"kind": "stage", "stage": "a"}
    assert second["state"]["workdir"] == {"value": "/go"}
    assert [step["sets"] for step in second["steps"]] == [
        {"arg": {"X": {"unknown": "$X has no default, its value comes from the build command"}}},
        {"workdir": {"value": "/go/src"}},
        {},
    ]
    assert found["edges"] == [
        {"stage": "a", "by": "FROM", "line": 2, "takes_from": first["base"]},
        {"stage": "1", "by": "FROM", "line": 3, "takes_from": second["base"]},
        {
            "stage": "1",
            "by": "COPY --from",
            "line": 6,
            "takes_from": {"kind": "image", "reference": "docker.io/library/b", "text": "b"},
        },
    ]


def test_json_of_problems() -> None:
    found = as_json(stages("FROM $A\nFROM x", Invocation(target="y")), "D")
    assert found["target"] is None
    assert found["problems"] == [
        {"line": 1, "column": 1, "message": "base name ($A) should not be blank"},
        {"line": 2, "column": 1, "message": 'target stage "y" could not be found'},
    ]


def test_a_file_without_stages() -> None:
    assert as_text(stages("")) == "0 stages\n"
    assert as_json(stages(""), "D")["stages"] == []


def test_what_the_target_does_not_need() -> None:
    text = as_text(stages("FROM x AS a\nFROM y AS b\nFROM z", Invocation(target="a")))
    assert text.endswith("\n\nnot needed: b, 2\n")
    assert "target: stage a\n" in text


def test_deep_graphs_are_drawn_to_a_limit() -> None:
    text = as_text(stages("".join(f"FROM a{n} AS a{n + 1}\n" for n in range(300))))
    graph = text.partition("\ngraph\n")[2].splitlines()
    assert len(graph) < 60
    assert graph[-1].endswith("(and so on)")


def test_nothing_raises_over_the_corpus() -> None:
    folder = os.environ.get("DOCKOPT_CORPUS")
    if not folder:
        pytest.skip("DOCKOPT_CORPUS is not set: it names a folder that holds dockerfiles/")
    files = [path for path in Path(folder, "dockerfiles").rglob("*") if path.is_file()]
    assert files
    for path in files:
        found = read(path)
        lines = as_text(found).splitlines()
        assert all(line.isprintable() for line in lines)
        data = json.loads(json.dumps(as_json(found, str(path))))
        assert len(data["stages"]) == len(found.stages)
