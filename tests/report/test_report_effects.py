"""What ``dockopt print effects`` shows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Protocol

import pytest

from optimizer.report.effects import as_json, as_text
from tests.effects.views import effects_of

ANALYSES = Path(__file__).resolve().parents[2] / "fixtures" / "analyses" / "effects"
FILES = {
    "package.json": b"{}",
    "src/a.js": b"",
    "src/read.md": b"",
    "lib.tar.gz": b"",
    "conf/a": b"",
    "a": b"",
}


class Snapshot(Protocol):
    """The part of pytest-snapshot's fixture that is used here; the package has no types."""

    snapshot_dir: Path

    def assert_match(self, value: bytes, snapshot_name: str) -> None: ...


@pytest.mark.parametrize("case", sorted(path.name for path in ANALYSES.iterdir()))
def test_text(case: str, snapshot: Snapshot) -> None:
    snapshot.snapshot_dir = ANALYSES / case
    found = effects_of((ANALYSES / case / "Dockerfile").read_text(), FILES)
    snapshot.assert_match(as_text(found).encode(), "effects.txt")


def test_json() -> None:
    found = as_json(effects_of("FROM debian\nCOPY src /a\nRUN rm -rf /a/b > $LOG\n", FILES), "D")
    json.dumps(found)
    assert found["path"] == "D"
    assert isinstance(found["steps"], list)
    copy, run = found["steps"]
    assert copy["writes"]["copies"] == [{"source": "src", "target": "/a"}]
    assert copy["context"] == {"patterns": ["src"], "excludes": [], "opaque": None}
    assert run["obstacle"]["code"] == "opaque-command"
    assert run["commands"][0]["words"] == ["rm", "-rf", "/a/b"]
    assert run["variables"]["names"] == ["LOG"]
