"""What machines may put in place of the lines of a file, for the faces that carry fixes.

A change is offered together with those before it: every change of a chain was judged on the text
that the one before it left, so the first changes of a chain are right together, and one out of
its middle need not be.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from optimizer.cst.lines import split_lines
from optimizer.journal import Applied, Outcome
from optimizer.report.hunks import Replacement, replacements
from optimizer.report.patch import file_changes
from optimizer.report.words import printable


@dataclass(frozen=True, slots=True)
class FileFix:
    """The lines of one file that are to read otherwise; ``before`` is its text as it was read."""

    path: str
    before: str
    replacements: tuple[Replacement, ...]


def fixes(outcome: Outcome, count: int) -> tuple[FileFix, ...] | str:
    """Returns what the first ``count`` changes make of the files, the Dockerfile first; or a
    sentence that says why it cannot be put into such a form."""
    found = []
    for path, chain in file_changes(outcome.path, outcome.applied[:count]).items():
        before = chain[0].before
        if before is None:
            return "It makes a file, which a suggestion cannot."
        parts = tuple(replacements(chain))
        if not _is_text("".join(part.text for part in parts)):
            return "It holds bytes that are no text, which a suggestion cannot."
        if parts:
            found.append(FileFix(path, before, parts))
    return tuple(found)


def offered(outcome: Outcome, index: int) -> tuple[int, tuple[FileFix, ...] | str]:
    """Returns the fix for one change, and how many changes before it come with it; a sentence
    where it has none. What one file can take alone goes before what needs several."""
    applied = outcome.applied[index]
    if outcome.alone is not None:
        names = [_name(each) for each in outcome.alone.applied]
        if _name(applied) in names:
            at = names.index(_name(applied))
            return at, fixes(outcome.alone, at + 1)
    if outcome.rests_on:
        return 0, f"It counts on a change of {', '.join(map(printable, outcome.rests_on))}."
    return index, fixes(outcome, index + 1)


def suggested(outcome: Outcome) -> tuple[FileFix | None, str]:
    """Returns what is to stand in the Dockerfile where no other file can be changed along with
    it, and a sentence on what that leaves out, "" where it is all of it."""
    within = outcome.alone or outcome
    found = fixes(within, len(within.applied))
    if isinstance(found, str):
        return None, found
    if not found or within.files or within.rests_on:
        return None, TOGETHER
    there = {_name(each) for each in within.applied}
    left = [each for each in outcome.applied if _name(each) not in there]
    said = "".join(f'Not in the suggestion: "{printable(each.title)}". ' for each in left)
    return found[0], said + TOGETHER if left else ""


TOGETHER = "Other files change with it: `dockopt fix --write` makes all of it at once."


def whole(fix: FileFix) -> Replacement:
    """Returns one replacement for all of a file's: from the first line that changes to the last.

    Such a one cannot be taken by half.
    """
    lines = split_lines(fix.before)
    start, end = fix.replacements[0].start, fix.replacements[-1].end
    parts = []
    at = start
    for each in fix.replacements:
        parts += [*lines[at : each.start], each.text]
        at = each.end
    return Replacement(start, end, "".join(parts))


def original_lines(outcome: Outcome, index: int) -> tuple[int, int]:
    """Returns the first and the last line of a change, in the text as it was read."""
    applied = outcome.applied[index]
    start = applied.origin or applied.line
    last = max(len(split_lines(outcome.before)), 1)
    end = start + applied.end_line - applied.line if applied.before == outcome.before else start
    return min(start, last), min(max(end, start), last)


def fingerprint(outcome: Outcome, index: int) -> str:
    """Returns a name for a change that stays while the lines around it move."""
    applied = outcome.applied[index]
    start, end = original_lines(outcome, index)
    text = "".join(split_lines(outcome.before)[start - 1 : end])
    parts = (applied.transform, outcome.path, applied.title, text)
    digest = hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass"))
    return digest.hexdigest()[:32]


def _name(applied: Applied) -> tuple[str, str, int]:
    return applied.transform, applied.title, applied.origin


def _is_text(text: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in text)
