"""The user's own test: one command that must give the same answer in both images."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest

from optimizer.verify.builders import Built
from optimizer.verify.containers import Completed, Run
from optimizer.verify.promises import Check
from optimizer.verify.verdict import Finding, Verdict

WHERE = "smoke"
_LONGEST = 120


def smoke(run: Run, command: Sequence[str]) -> Check:
    """Returns the check that runs ``command`` in both images and compares the answers: exit
    code, output and errors, without blanks at the ends of lines.

    A command that fails in the original says nothing, and neither does one that answers the
    original twice in different ways.
    """

    def check(before: Built, after: Built) -> Verdict:
        if before.reference is None or after.reference is None:
            return without_engine(before, after)
        first = run(before.reference, command)
        if (wrong := _fails(first, command)) is not None:
            return _unverifiable(wrong)
        second = run(after.reference, command)
        difference = compare(first, second)
        if difference is None:
            return Verdict("kept", (), ("the smoke command gives the same answer in both images",))
        if compare(first, run(before.reference, command)) is not None:
            return _unverifiable("the smoke command gives the original two different answers")
        return Verdict("broken", (Finding(WHERE, f"the smoke command answers {difference}"),))

    return check


def without_engine(before: Built, after: Built) -> Verdict:
    """The check for images that no engine here can run."""
    return _unverifiable("the smoke command cannot run: the builder keeps its images")


def compare(before: Completed, after: Completed) -> str | None:
    """Returns the first thing in which two answers differ, None where they agree."""
    if after.timed_out:
        return "nothing within its time"
    if before.code != after.code:
        said = _last_line(after.errors) or _last_line(after.output)
        return f"with exit code {after.code} instead of {before.code}{f': {said}' if said else ''}"
    streams = (("output", before.output, after.output), ("errors", before.errors, after.errors))
    for stream, old, new in streams:
        rows = zip_longest(_lines(old), _lines(new))
        for number, (left, right) in enumerate(rows, start=1):
            if left != right:
                return f"{_shown(right)} instead of {_shown(left)} in line {number} of its {stream}"
    return None


def _fails(completed: Completed, command: Sequence[str]) -> str | None:
    if completed.timed_out:
        return "the smoke command has no end in the original image"
    if completed.code == 0:
        return None
    said = _last_line(completed.errors) or _last_line(completed.output)
    reason = f": {said}" if said else ""
    what = f"fails in the original image with exit code {completed.code}{reason}"
    if not completed.started and command[:1] == ["/bin/sh"]:
        what += ' (a list of words needs no shell: smoke = ["/app", "--version"])'
    return f"the smoke command {what}"


def _unverifiable(message: str) -> Verdict:
    return Verdict("unverifiable", (Finding(WHERE, message),))


def _lines(text: str) -> list[str]:
    return [line.rstrip() for line in text.rstrip().split("\n")] if text.strip() else []


def _last_line(text: str) -> str:
    return next((line for line in reversed(_lines(text)) if line), "")[:_LONGEST]


def _shown(line: str | None) -> str:
    if line is None:
        return "nothing"
    return repr(line if len(line) <= _LONGEST else f"{line[:_LONGEST]}...")
