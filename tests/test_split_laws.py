"""What holds of every split: the configuration stays, and knowing less never makes it bolder."""

from __future__ import annotations

import pytest

from optimizer.cst.edit import Insert, apply
from optimizer.cst.parse import parse
from optimizer.cst.source import Source
from optimizer.model.stages import read_stages
from tests.cases import Case, all_cases

ID = "split-builder-stage"
SPLIT = [
    pytest.param(case, id=case.id)
    for case in all_cases()
    if case.folder.parent.name == ID and (case.after / case.dockerfile).is_file()
]


def source_of(case: Case) -> Source:
    return Source.from_bytes(case.dockerfile, (case.before / case.dockerfile).read_bytes())


@pytest.mark.parametrize("case", SPLIT)
def test_an_unknown_command_anywhere_holds_the_split_back(case: Case) -> None:
    tree = parse(source_of(case))
    target = read_stages(tree, case.build.invocation).target
    assert target is not None
    for step in (target.steps[0], target.steps[len(target.steps) // 2], target.steps[-1]):
        text = apply(tree, [Insert("RUN unknown-thing", before=step.instruction)])
        outcome = case.outcome(text)
        assert ID not in {change.transform for change in outcome.applied}
        assert ID in {held.transform for held in outcome.held}


@pytest.mark.parametrize("case", SPLIT)
def test_the_target_ends_as_it_did_and_the_builder_is_no_target(case: Case) -> None:
    before = read_stages(parse(source_of(case)), case.build.invocation)
    after = read_stages(parse(Source("Dockerfile", case.outcome().after)), case.build.invocation)
    old, new = before.target, after.target
    assert old is not None
    assert new is not None
    assert (new.name, new.index) == (old.name, old.index + 1)
    assert len(after.stages) == len(before.stages) + 1
    for name in ("env", "workdir", "user", "shell"):
        assert getattr(new.end, name) == getattr(old.end, name)
