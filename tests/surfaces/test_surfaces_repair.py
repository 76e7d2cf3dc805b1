"""`fix --verify` plans a file again with the packages that a build shows its image to lack."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from optimizer.journal import Applied, ContextAnswer, Denied, Outcome
from optimizer.proposal import Safety
from optimizer.surfaces import load, verify
from optimizer.surfaces.config import Config
from optimizer.surfaces.load import Request, Shown, Task
from optimizer.surfaces.run import look_at
from optimizer.surfaces.verify import MOST_REPAIRS, Plan
from optimizer.verify.verdict import Finding, Verdict

APPS = Path(__file__).parents[2] / "fixtures" / "apps"
LIBPQ = Finding("/app", "libpq.so.5 is missing: /app needs it", "libpq5")
UNOWNED = Finding("/app", "libown.so is missing: /app needs it")
Looks = Callable[[Shown, Sequence[Denied]], Outcome]


def outcome(after: str) -> Outcome:
    change = Applied(
        *("swap-slim-base", "Start from python:slim", Safety.CHANGES_IMAGE, "", 1, 1),
        *((), (), (), (), "FROM python\n", after),
    )
    return Outcome(
        "Dockerfile", (ContextAnswer(".", "the test"),), "FROM python\n", after, (change,)
    )


def with_packages(shown: Shown, denied: Sequence[Denied]) -> Outcome:
    """Plans as a transform does that takes what was shown."""
    return outcome("".join(["FROM python:slim\n", *(f"RUN add {each}\n" for each in shown.needed)]))


@pytest.fixture
def plan(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[Looks], Plan]:
    def made(looks: Looks) -> Plan:
        def look_at(*_: object, denied: Sequence[Denied], shown: Shown) -> Outcome:
            return looks(shown, denied)

        monkeypatch.setattr(verify, "look_at", look_at)
        task = Task(tmp_path / "Dockerfile", (), tmp_path, tmp_path, Config())
        return Plan(task, Request())

    return made


def test_packages_that_are_lacking_are_added_and_a_note_says_why(
    plan: Callable[[Looks], Plan],
) -> None:
    planned = plan(with_packages)
    first = with_packages(Shown(), ())
    record = planned.again(first, [Verdict("broken", (LIBPQ,))])
    assert isinstance(record, Outcome)
    assert record.after == "FROM python:slim\nRUN add libpq5\n"
    assert planned.denied == []
    assert planned.notes(record.applied[0]) == (
        "libpq5 was added because a build showed that it is needed: "
        "libpq.so.5 is missing: /app needs it",
    )


def test_what_breaks_in_another_way_too_is_held_back(plan: Callable[[Looks], Plan]) -> None:
    planned = plan(with_packages)
    planned.again(with_packages(Shown(), ()), [Verdict("broken", (LIBPQ, UNOWNED))])
    assert [each.code for each in planned.denied] == ["build-broke-promise"]
    assert planned.shown == Shown()


def test_where_no_transform_takes_the_package_the_change_is_held_back(
    plan: Callable[[Looks], Plan],
) -> None:
    planned = plan(lambda shown, denied: outcome("FROM python:slim\n"))
    planned.again(outcome("FROM python:slim\n"), [Verdict("broken", (LIBPQ,))])
    assert [each.code for each in planned.denied] == ["build-broke-promise"]
    assert planned.shown == Shown()


def test_package_that_was_added_and_helped_nothing_is_not_added_again(
    plan: Callable[[Looks], Plan],
) -> None:
    planned = plan(with_packages)
    record = planned.again(with_packages(Shown(), ()), [Verdict("broken", (LIBPQ,))])
    assert isinstance(record, Outcome)
    planned.again(record, [Verdict("broken", (LIBPQ,))])
    assert len(planned.denied) == 1


def test_what_broke_is_told_where_another_change_takes_its_place(tmp_path: Path) -> None:
    shutil.copytree(APPS / "fastapi-uv", tmp_path, dirs_exist_ok=True)
    (task,) = load.plan([tmp_path / "Dockerfile"], Request())
    assert isinstance(task, Task)
    first = look_at(task, Request(), {})
    assert isinstance(first, Outcome)
    split = next(each for each in first.applied if each.transform == "split-builder-stage")
    denied = [verify.held_back(split, Verdict("broken", (UNOWNED,)))]
    second = look_at(task, Request(), {}, denied=denied)
    assert isinstance(second, Outcome)
    assert "split-builder-stage" not in {each.transform for each in second.applied}
    told = [each.code for each in second.held if each.transform == "split-builder-stage"]
    assert told == ["build-broke-promise"]


def test_rounds_come_to_an_end(plan: Callable[[Looks], Plan]) -> None:
    planned = plan(with_packages)
    record = with_packages(Shown(), ())
    for number in range(MOST_REPAIRS + 1):
        found = Finding("/app", f"lib{number}.so is missing", f"lib{number}")
        answer = planned.again(record, [Verdict("broken", (found,))])
        assert isinstance(answer, Outcome)
        record = answer
    assert planned.shown.needed == tuple(f"lib{number}" for number in range(MOST_REPAIRS))
    assert len(planned.denied) == 1
