"""hadolint says of no rewrite what it did not say of the original.

The fixtures, and the corpus where it is at hand.
"""

from __future__ import annotations

import json
import subprocess
import sysconfig
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.cases import Case, all_cases
from tests.corpus.runs import is_at_hand, rewritten_files

HADOLINT = Path(sysconfig.get_path("scripts")) / "hadolint"

EXCEPTIONS = {
    "DL1000": "hadolint reads no here-document of COPY.",
    "DL3003": "A RUN that is cut goes with `cd` to where its first half went: a WORKDIR in its "
    "place would move the image's own working directory.",
    "DL3007": "Distroless images have their release in their name, and no tag for it.",
    "DL3008": "Versions of packages are not pinned: Debian drops old ones from its mirrors.",
    "DL3018": "Versions of packages are not pinned: Alpine drops old ones from its mirrors.",
    "DL3021": "`.` is a directory to BuildKit, with or without a slash.",
    "DL3059": "RUNs are not merged: what prunes a build would run it again.",
    "DL3060": "The step that installs first leaves its cache to the one that builds; "
    "`yarn cache clean` in between would empty it.",
    "SC1010": "`mix do` is a command of Mix, no word of the shell.",
}
"""Rules that rewritten files may break where the original does not, each with the reason."""


def findings(dockerfile: Path) -> frozenset[str]:
    """Returns the rules that hadolint names. How often does not count: a stage that is split has
    lines of its author's in both parts."""
    return findings_of([dockerfile]).get(dockerfile.name, frozenset())


def findings_of(dockerfiles: Sequence[Path]) -> dict[str, frozenset[str]]:
    """Returns the rules by the name of the file; the files have different names."""
    found: dict[str, set[str]] = {}
    for start in range(0, len(dockerfiles), 100):
        command = [str(HADOLINT), "--no-fail", "--no-color", "--format", "json"]
        command += map(str, dockerfiles[start : start + 100])
        done = subprocess.run(command, capture_output=True, check=True)
        for each in json.loads(done.stdout):
            found.setdefault(Path(each["file"]).name, set()).add(each["code"])
    return {name: frozenset(codes) for name, codes in found.items()}


REWRITTEN = [
    pytest.param(case, id=case.id)
    for case in all_cases()
    if (case.after / case.dockerfile).is_file()
]


@pytest.mark.parametrize("case", REWRITTEN)
def test_nothing_new_is_said_of_the_rewrite(case: Case) -> None:
    new = findings(case.after / case.dockerfile) - findings(case.before / case.dockerfile)
    assert new <= set(EXCEPTIONS)


@pytest.mark.skipif(not is_at_hand(), reason="DOCKOPT_CORPUS is not set: there is no corpus")
def test_nothing_new_is_said_of_the_corpus(tmp_path: Path) -> None:
    files: dict[str, tuple[Path, Path]] = {}
    for number, each in enumerate(rewritten_files()):
        pair = (tmp_path / f"{number}.before", tmp_path / f"{number}.after")
        pair[0].write_bytes(each.before)
        pair[1].write_bytes(each.after)
        files[each.name] = pair
    found = findings_of([path for pair in files.values() for path in pair])
    nothing: frozenset[str] = frozenset()
    said = {
        name: sorted(found.get(after.name, nothing) - found.get(before.name, nothing))
        for name, (before, after) in files.items()
    }
    assert files
    assert {name: new for name, new in said.items() if not set(new) <= set(EXCEPTIONS)} == {}


def test_the_linter_finds_something_at_all(tmp_path: Path) -> None:
    file = tmp_path / "Dockerfile"
    file.write_text("FROM debian\nRUN cd /tmp && pip install six\n")
    assert {"DL3003", "DL3006", "DL3013", "DL3042"} <= findings(file)


def test_a_cache_mount_takes_the_place_of_no_cache_dir(tmp_path: Path) -> None:
    file = tmp_path / "Dockerfile"
    mount = "--mount=type=cache,target=/root/.cache/pip"
    file.write_text(f"FROM python:3.12\nRUN {mount} pip install six==1.16.0\n")
    assert "DL3042" not in findings(file)
