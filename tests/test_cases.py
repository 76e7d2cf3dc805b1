"""Every case of `tests.cases` gives the files and the journal that stand beside it.

``python -m pytest --snapshot-update`` writes ``after/`` and ``journal.txt`` anew.
"""

from __future__ import annotations

import pytest
from pytest_snapshot.plugin import Snapshot

from optimizer.catalog import transforms
from tests.cases import Case, all_cases, journal

CASES = [pytest.param(case, id=case.id) for case in all_cases()]


@pytest.mark.parametrize("case", CASES)
def test_case_gives_what_stands_beside_it(case: Case, snapshot: Snapshot) -> None:
    outcome = case.outcome()
    changed = {file.path: file.after.encode("utf-8", "surrogateescape") for file in outcome.files}
    if outcome.after != outcome.before:
        changed[case.dockerfile] = outcome.after.encode("utf-8", "surrogateescape")
    snapshot.snapshot_dir = case.folder
    snapshot.assert_match(journal(outcome).encode(), "journal.txt")
    if changed or case.after.is_dir():
        snapshot.assert_match_dir(_nested(changed), "after")


@pytest.mark.parametrize("case", CASES)
def test_case_is_settled_after_one_run(case: Case) -> None:
    once = case.outcome()
    if not once.files:
        assert case.outcome(once.after).after == once.after


@pytest.mark.parametrize("case", [pytest.param(each, id=each.id) for each in all_cases()])
def test_all_transforms_together_come_to_rest_in_either_order(case: Case) -> None:
    for catalogue in (transforms(), tuple(reversed(transforms()))):
        once = case.outcome(catalogue=catalogue)
        assert not any(held.code == "does-not-settle" for held in once.held)
        if not once.files:
            again = case.outcome(once.after, catalogue=(*catalogue, *catalogue))
            assert case.outcome(again.after, catalogue=catalogue).after == again.after


def _nested(files: dict[str, bytes]) -> dict[str, object]:
    """Turns paths into the nested dictionaries that pytest-snapshot compares folders with."""
    tree: dict[str, object] = {}
    for path, content in files.items():
        *folders, name = path.split("/")
        level = tree
        for folder in folders:
            level = level.setdefault(folder, {})  # type: ignore[assignment]
        level[name] = content
    return tree
