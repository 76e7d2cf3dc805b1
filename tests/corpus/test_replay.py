"""The replay over a repository whose history is known to the commit."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from tests.corpus.replay import Candidate, replay, show

EDITS, UPDATES = 30, 3
DOCKERFILE = "FROM node:22\nWORKDIR /app\nCOPY . .\nRUN npm ci\n"


def commit(root: Path, **files: str) -> None:
    """Writes files by path and commits them."""
    for path, text in files.items():
        place = root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
    identity = ("-c", "user.name=a", "-c", "user.email=a@example.com")
    for words in (("add", "-A"), ("commit", "-q", "-m", "a change")):
        subprocess.run(["git", "-C", str(root), *identity, *words], check=True)


def lock(version: int) -> str:
    package = {"name": "app", "version": f"1.0.{version}"}
    return json.dumps({**package, "lockfileVersion": 3, "packages": {"": package}})


def repository(root: Path) -> Candidate:
    subprocess.run(["git", "init", "-q", str(root)], check=True)
    files = {"Dockerfile": DOCKERFILE, "src/index.js": "", ".dockerignore": "node_modules\n.git\n"}
    commit(root, **files, **manifests(0))
    for number in range(EDITS):
        commit(root, **{"src/index.js": f"{number}\n"})
    for number in range(1, UPDATES + 1):
        commit(root, **manifests(number))
    return Candidate("owner/name", root, "Dockerfile", ".")


def manifests(version: int) -> dict[str, str]:
    package = json.dumps({"name": "app", "version": f"1.0.{version}"})
    return {"package.json": package, "package-lock.json": lock(version)}


def test_a_rewrite_avoids_every_rebuild_that_no_manifest_causes(tmp_path: Path) -> None:
    replayed = replay(repository(tmp_path / "name"), limit=1000)
    assert not isinstance(replayed, str)
    (found,) = replayed
    total = 1 + EDITS + UPDATES
    assert (found.commits, found.touching, found.author) == (total, total, total)
    assert found.rewritten == found.bound == 1 + UPDATES
    assert found.avoided == found.avoidable == EDITS
    assert "100.0 %" in "\n".join(show([found]))


def test_a_file_that_is_gone_is_said_to_be(tmp_path: Path) -> None:
    known = repository(tmp_path / "name")
    (known.root / "Dockerfile").unlink()
    assert replay(known, limit=1000) == "it is gone from the work tree"
