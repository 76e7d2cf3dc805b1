"""Which commits change what a step takes from the build context."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.cache.volatility import ASSUMED, Changes, changes
from optimizer.context.tree import BuildContext
from optimizer.effects.effects import ContextReads
from optimizer.history.commits import Commit, History
from tests.views import view

PARTS = st.sampled_from(["a", "b", "a.js", "b.js", "lib", "[x]", "a*"])
PATHS = st.lists(PARTS, min_size=1, max_size=3).map("/".join)
PATTERNS = st.lists(st.sampled_from(["a", "*", "*.js", "lib", "?", "[ab]", "a\\*", "[[]x]", "["]),
                    max_size=3).map("/".join)  # fmt: skip


@given(
    st.dictionaries(PATHS, st.integers(1, 255), max_size=12),
    st.lists(PATTERNS, max_size=3).map(tuple),
)
def test_a_step_is_touched_by_what_it_selects(
    masks: dict[str, int], patterns: tuple[str, ...]
) -> None:
    reads = ContextReads(patterns)
    expected = 0
    for path, mask in masks.items():
        expected |= mask if reads.selects(path) else 0
    assert Changes(masks, 8, "history").touching(reads) == expected


def test_what_is_not_known_is_touched_by_everything() -> None:
    found = Changes({"a": 0b01, "b": 0b10}, 2, "history")
    assert found.touching(ContextReads(opaque="it is a variable")) == 0b11


def history(root: Path, *commits: str) -> History:
    """A history whose commits, newest first, change these paths."""
    listed = tuple(
        Commit(str(number), 0, tuple(text.split())) for number, text in enumerate(commits)
    )
    return History(root, listed)


def counted(root: Path, context: Path, *commits: str) -> Changes:
    return changes(BuildContext(context), history(root, *commits), fewest=1)


def test_the_context_is_a_folder_of_the_repository(tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    found = counted(tmp_path, tmp_path / "app", "app/src/a other/b", "application/c", "app/src/a")
    assert found.masks == {"src/a": 0b101}
    assert (found.count, found.basis) == (3, "history")


def test_the_repository_lies_in_the_context(tmp_path: Path) -> None:
    (tmp_path / "work/app").mkdir(parents=True)
    assert counted(tmp_path / "work/app", tmp_path, "a").masks == {"work/app/a": 1}


def test_the_context_is_apart_from_the_repository(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    found = counted(tmp_path / "one", tmp_path / "two", "a")
    assert (found.basis, found.note) == ("assumed", "the build context is not in the repository")


def test_what_the_ignore_file_leaves_out_does_not_count(tmp_path: Path) -> None:
    (tmp_path / ".dockerignore").write_text("docs\n!docs/api.md\n")
    found = counted(tmp_path, tmp_path, "docs/a.md docs/api.md", "src/b", "docs/a.md")
    assert found.masks == {"docs/api.md": 0b001, "src/b": 0b010}


def test_too_few_commits_are_no_history(tmp_path: Path) -> None:
    commits = ["a"] * 19 + ["other/b"] * 5
    (tmp_path / ".dockerignore").write_text("other\n")
    found = changes(BuildContext(tmp_path), history(tmp_path, *commits))
    assert found.basis == "assumed"
    assert found.note == (
        "only 19 of the last 24 commits touch the build context, too few to judge by"
    )
    enough = changes(BuildContext(tmp_path), history(tmp_path, "a", *commits))
    assert (enough.basis, enough.count, enough.note) == ("history", 25, None)


def test_without_a_history_sources_change_more_often_than_manifests() -> None:
    context = BuildContext.from_listing({"package.json": b"", "src/a.js": b"", "Dockerfile": b""})
    found = changes(context, None)
    assert (found.basis, found.note, found.count) == ("assumed", None, sum(ASSUMED.values()))
    manifests = found.touching(ContextReads(("package*.json",)))
    sources = found.touching(ContextReads(("src",)))
    both = found.touching(ContextReads(("",)))
    assert manifests.bit_count() == ASSUMED["manifest"]
    assert sources.bit_count() == ASSUMED["source"]
    assert both == manifests | sources
    assert found.always.bit_count() == ASSUMED["base"]
    assert found.always & both == 0


def test_why_there_is_no_history_is_passed_on(tmp_path: Path) -> None:
    found = changes(BuildContext(tmp_path), History(tmp_path, (), "git is not installed"))
    assert (found.basis, found.note) == ("assumed", "git is not installed")


FILE = """FROM node:22 AS build
COPY package.json ./
RUN npm ci
COPY . .
RUN npm run build
FROM nginx:1
WORKDIR /srv
COPY --from=build /dist ./
RUN true
"""


@pytest.mark.parametrize(
    ("line", "own", "runs"),
    [(2, 0b01, 0b01), (3, 0b00, 0b01), (4, 0b11, 0b11), (5, 0b00, 0b11),
     (7, 0b00, 0b00), (8, 0b00, 0b11), (9, 0b00, 0b11)],
)  # fmt: skip
def test_a_commit_goes_down_the_file(line: int, own: int, runs: int) -> None:
    """Bit 0 changes the manifest, bit 1 the sources."""
    masks = {"package.json": 0b01, "src/a.js": 0b10}
    found = view(FILE, {"package.json": b"{}", "src/a.js": b""}, Changes(masks, 2, "history"))
    rebuild = next(each for each in found.rebuilds if each.step.instruction.line == line)
    assert (rebuild.own, rebuild.runs) == (own, runs)


def test_a_new_base_image_runs_everything_on_top_of_it() -> None:
    found = view(FILE, {"package.json": b"{}"}, Changes({}, 1, "assumed", always=1))
    assert {each.runs for each in found.rebuilds} == {1}


def test_a_mounted_file_is_an_input() -> None:
    text = "FROM node:22\nRUN --mount=type=bind,source=package.json,target=/p npm ci\n"
    changed = Changes({"package.json": 0b01, "a": 0b10}, 2, "history")
    assert [each.runs for each in view(text, {"package.json": b"{}"}, changed).rebuilds] == [0b01]


def test_a_stage_without_steps() -> None:
    text = "FROM node:22 AS base\nFROM base AS app\nFROM app\nCOPY . .\n"
    found = view(text, {"a": b""}, Changes({"a": 0b1}, 1, "history"))
    assert [each.runs for each in found.rebuilds] == [0b1]
