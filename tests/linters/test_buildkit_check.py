"""BuildKit's own linter says of no rewrite what it did not say of the original.

The fixtures with the ignore file of their context, and the corpus where it is at hand.
"""

from __future__ import annotations

import pytest

from tests.cases import Case, all_cases
from tests.corpus.runs import is_at_hand, rewritten_files
from tests.linters.check import Answer, Check, Finding, compiled

pytestmark = pytest.mark.clients

SAID_OF_THE_WHOLE = {
    "ConsistentInstructionCasing": "It names the instructions that are in the minority: a file "
    "that mixes upper and lower case has others of them where it has more lines.",
}
"""Rules of which not every finding counts, but whether there is one, each with the reason. No rule
may be broken by a rewrite where the original does not break it."""


@pytest.fixture(scope="module")
def check() -> Check:
    return compiled()


def new(before: Answer, after: Answer) -> list[Finding | str]:
    """Returns what is said of ``after`` alone."""
    broken = {each.rule for each in before.warnings} & set(SAID_OF_THE_WHOLE)
    warnings = sorted(after.warnings - before.warnings, key=lambda each: each.detail)
    found: list[Finding | str] = [each for each in warnings if each.rule not in broken]
    return found if after.error == before.error else [*found, after.error]


def ignored(case: Case, name: str) -> bytes:
    """Returns the ignore file that a case is built with, ``before`` or ``after`` it."""
    for path in (case.folder / name, case.before):
        for file in (f"{case.dockerfile}.dockerignore", ".dockerignore"):
            if (path / file).is_file():
                return (path / file).read_bytes()
    return b""


REWRITTEN = [case for case in all_cases() if (case.after / case.dockerfile).is_file()]


@pytest.fixture(scope="module")
def answers(check: Check) -> dict[str, tuple[Answer, Answer]]:
    """What is said of each rewritten fixture, before and after."""
    questions = [
        ((case.folder / name / case.dockerfile).read_bytes(), ignored(case, name))
        for case in REWRITTEN
        for name in ("before", "after")
    ]
    found = iter(check(questions))
    return {case.id: (next(found), next(found)) for case in REWRITTEN}


@pytest.mark.parametrize("case", [pytest.param(case, id=case.id) for case in REWRITTEN])
def test_nothing_new_is_said_of_the_rewrite(
    case: Case, answers: dict[str, tuple[Answer, Answer]]
) -> None:
    assert new(*answers[case.id]) == []


@pytest.mark.skipif(not is_at_hand(), reason="DOCKOPT_CORPUS is not set: there is no corpus")
def test_nothing_new_is_said_of_the_corpus(check: Check) -> None:
    rewritten = list(rewritten_files())
    questions = [
        (text, ignore)
        for each in rewritten
        for text, ignore in (
            (each.before, each.ignored_before),
            (each.after, each.ignored_after),
        )
    ]
    found = iter(check(questions))
    said = {each.name: new(next(found), next(found)) for each in rewritten}
    assert rewritten
    assert {name: each for name, each in said.items() if each} == {}


def test_the_linter_finds_something_at_all(check: Check) -> None:
    text = b"from debian AS b\nCOPY key.pem /a\nCMD echo $x\nENV x $y\n"
    (found,) = check([(text, b"*.pem\n")])
    assert {each.rule for each in found.warnings} == {
        "ConsistentInstructionCasing",
        "CopyIgnoredFile",
        "FromAsCasing",
        "JSONArgsRecommended",
        "LegacyKeyValueFormat",
        "UndefinedVar",
    }
    assert found.error == ""


def test_rule_about_the_whole_file_counts_where_it_was_not_broken() -> None:
    upper = Answer(frozenset({Finding("ConsistentInstructionCasing", "FROM")}), "")
    lower = Answer(frozenset({Finding("ConsistentInstructionCasing", "copy")}), "")
    assert new(upper, lower) == []
    assert new(Answer(frozenset(), ""), lower) == [*lower.warnings]


def test_what_cannot_be_built_is_an_error(check: Check) -> None:
    (found,) = check([(b"FROM debian\nCOPY --from=b a b\nFROM debian AS b\n", b"")])
    assert found.error
