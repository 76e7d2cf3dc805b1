"""A smoke command has to give the same answer; what it cannot tell, it does not tell."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from optimizer.verify.builders import Built
from optimizer.verify.containers import Completed
from optimizer.verify.image import Image
from optimizer.verify.smoke import compare, smoke

OK = Completed(0, "1\n2\n")


def built(reference: str | None) -> Built:
    return Built(Image({}, {}), reference, 1.0)


def verdict(before: Completed, after: Completed, *again: Completed) -> tuple[str, str]:
    answers = {"before": iter([before, *(again or [before])]), "after": iter([after])}

    def run(image: str, argv: Sequence[str]) -> Completed:
        assert argv == ["/bin/sh", "-c", "test"]
        return next(answers[image])

    found = smoke(run, ["/bin/sh", "-c", "test"])(built("before"), built("after"))
    return found.outcome, found.findings[0].message if found.findings else ""


SAME = {
    "the same": (OK, OK),
    "blanks at the ends of lines": (OK, Completed(0, "1  \n2\r\n\n")),
    "no line at the end": (OK, Completed(0, "1\n2")),
}


@pytest.mark.parametrize("reason", SAME)
def test_equal_answers_keep_the_promise(reason: str) -> None:
    assert verdict(*SAME[reason]) == ("kept", "")


BROKEN = {
    "another line": (Completed(0, "1\n3\n"), "'3' instead of '2' in line 2 of its output"),
    "a line less": (Completed(0, "1\n"), "nothing instead of '2' in line 2 of its output"),
    "a blank in front": (Completed(0, " 1\n2\n"), "' 1' instead of '1' in line 1 of its output"),
    "an exit code": (
        Completed(1, "", "boom\n"),
        "with exit code 1 instead of 0: boom",
    ),
    "errors": (
        Completed(0, "1\n2\n", "warning"),
        "'warning' instead of nothing in line 1 of its errors",
    ),
    "no end": (Completed(137, "", timed_out=True), "nothing within its time"),
}


@pytest.mark.parametrize("reason", BROKEN)
def test_another_answer_breaks_it(reason: str) -> None:
    after, message = BROKEN[reason]
    assert verdict(OK, after) == ("broken", f"the smoke command answers {message}")


@pytest.mark.parametrize(
    ("before", "part"),
    [
        (Completed(3, "", "boom"), "exit code 3: boom"),
        (Completed(127, "", "no such file"), "a list of words needs no shell"),
        (Completed(137, "", timed_out=True), "has no end in the original image"),
    ],
)
def test_a_command_that_fails_in_the_original_tells_nothing(before: Completed, part: str) -> None:
    outcome, message = verdict(before, before)
    assert outcome == "unverifiable"
    assert part in message


def test_a_command_that_never_answers_twice_alike_tells_nothing() -> None:
    first, second, third = (Completed(0, f"at {time}") for time in (1, 2, 3))
    outcome, message = verdict(first, second, third)
    assert (outcome, "two different answers" in message) == ("unverifiable", True)


def test_images_that_only_the_builder_has_cannot_be_asked() -> None:
    def run(image: str, argv: Sequence[str]) -> Completed:
        raise AssertionError

    found = smoke(run, ["true"])(built(None), built("after"))
    assert found.outcome == "unverifiable"


def test_the_first_difference_is_the_one_that_is_told() -> None:
    assert compare(Completed(0, "a\nb\nc"), Completed(0, "a\nx\ny")) == (
        "'x' instead of 'b' in line 2 of its output"
    )
