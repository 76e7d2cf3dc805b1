"""The words for what the journal holds as values, used by every face."""

from __future__ import annotations

import re
from collections.abc import Sequence

from optimizer.journal import Applied, ContextAnswer, Failure, Held, Outcome, Record
from optimizer.numbers import sentence, value
from optimizer.proposal import Evidence, Safety, Spread

HELD_SHOWN = 3
"""Refusals of one file that are shown unless all are asked for."""

ERRORS_SHOWN = 10
"""Errors of one file that are shown: what is no Dockerfile has one on every line."""

_PROMISES = {
    Safety.SAME_IMAGE: "the image keeps its configuration and every file",
    Safety.SAME_BEHAVIOR: "the image keeps its configuration; only the files named here differ",
    Safety.CHANGES_IMAGE: "it builds; the image differs",
}

_BASES = {
    "text": "read off the text",
    "declared": "as a comment declares",
    "model": "by the cache model",
    "estimate": "by the cache model, with estimated costs",
    "build": "measured in a build",
}

_UNPRINTABLE = re.compile(
    "[\x00-\x1f\x7f-\x9f"
    "\xad\u200b\u2028\u2029\u2060\ufeff"
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
    "\ud800-\udfff]"
)
"""Controls; what is invisible or ends a line; marks that reorder text; undecodable bytes."""


def printable(text: str) -> str:
    r"""Makes text that came from a file safe to show: one line, nothing that a terminal obeys.

    A byte that is not UTF-8 shows as ``\xff``.
    """
    return _UNPRINTABLE.sub(_escape, text)


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    short = {"\t": "\\t", "\n": "\\n", "\r": "\\r"}.get(match[0])
    return short or (f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}")


def count(number: int, one: str, more: str | None = None) -> str:
    """Returns ``1 change`` or ``2 changes``."""
    return f"{number} {one if number == 1 else more or one + 's'}"


def number(evidence: Evidence) -> str:
    """Returns the sentence for one number: ``edit src/app.js: 6 steps rerun -> 2``."""
    return printable(sentence(evidence))


def basis(evidence: Evidence) -> str:
    """Says where a number comes from, and what builds say of it."""
    measured = evidence.measured
    if measured is None:
        return _BASES[evidence.basis]
    ranges = f"{_range(evidence, measured.before)} -> {_range(evidence, measured.after)}"
    if evidence.predicted_by is not None:
        return f"{_BASES[evidence.predicted_by]}, measured {ranges}"
    if measured.repetitions == 1:
        return _BASES["build"]
    return f"{_BASES['build']}, median of {measured.repetitions}: {ranges}"


def gain_label(evidence: Evidence) -> str:
    """Returns what a number is called in front of it: not everything that builds gave is a gain."""
    if evidence.measured and evidence.predicted_by is None:
        return "measured"
    return "gain" if evidence.after <= evidence.before else "cost"


def _range(evidence: Evidence, spread: Spread) -> str:
    least, most = (value(evidence, each) for each in (spread.least, spread.most))
    return least if least == most else f"{least} to {most}"


def strongest(evidence: Sequence[Evidence]) -> Evidence | None:
    """Returns the number that falls to the smallest part of what it was."""
    return min(evidence, key=_remaining, default=None)


def _remaining(evidence: Evidence) -> float:
    return evidence.after / evidence.before if evidence.before else 1.0


def promise(safety: Safety) -> str:
    """Returns what a safety level promises: its name and a sentence for a first reader."""
    return f"{safety.label}: {_PROMISES[safety]}"


def lines(applied: Applied) -> str:
    """Returns where a change was made."""
    if applied.line == applied.end_line:
        return f"line {applied.line}"
    return f"lines {applied.line}-{applied.end_line}"


def change_rows(applied: Applied) -> list[tuple[str, str]]:
    """Returns what is said of a change below its title, as labels with text."""
    rows = [(gain_label(each), f"{number(each)} ({basis(each)})") for each in applied.evidence]
    held = " (held in a real build)" if applied.confirmed else ""
    rows += [("promise", promise(applied.safety) + held), ("why", printable(applied.reason))]
    if applied.drops:
        rows.append(("differs", ", ".join(map(printable, applied.drops))))
    rows += [("assumes", printable(each)) for each in applied.assumes]
    rows += [("note", printable(each)) for each in applied.notes]
    rows.append(("by", f"{applied.transform}, {lines(applied)}"))
    return rows


def told_rows(applied: Applied) -> list[tuple[str, str]]:
    """Returns the rows of a change for those who do not see its patch: which other files it
    makes or changes is said too."""
    verbs = ((each.path, "makes" if each.before is None else "changes") for each in applied.files)
    *rows, by = change_rows(applied)
    return [*rows, *(("file", f"{verb} {printable(path)}") for path, verb in verbs), by]


def held_rows(held: Held) -> list[tuple[str, str]]:
    """Returns what is said of a refusal below its heading, as labels with text."""
    return [("why", printable(held.reason)), ("unblock", printable(held.unblock))]


def held_heading(held: Held) -> str:
    """Returns the place, the transform and the code of a refusal."""
    return f"line {held.line}: {held.transform}: {held.code}"


def held_shown(outcome: Outcome, explain_held: bool) -> tuple[Sequence[Held], str]:
    """Returns the refusals to show, and a note on those that are not, "" where all are."""
    shown = outcome.held if explain_held else outcome.held[:HELD_SHOWN]
    hidden = len(outcome.held) - len(shown)
    return shown, f"{hidden} more: --explain-held" if hidden else ""


def skipped(outcome: Outcome) -> list[str]:
    """Returns one sentence for each thing that transforms lacked."""
    needs: dict[str, list[str]] = {}
    for each in outcome.skipped:
        needs.setdefault(each.needs, []).append(each.transform)
    return [f"not tried without {need}: {', '.join(names)}" for need, names in needs.items()]


def context(answer: ContextAnswer) -> str:
    """Returns which build context was used and how it was found."""
    return f"context {printable(answer.path) or '.'}, from {printable(answer.found_by)}"


def counts(outcome: Outcome) -> str:
    """Returns how much was found in one file."""
    parts = [count(len(outcome.applied), "change")] if outcome.applied else ["no change"]
    if outcome.held:
        parts.append(f"{len(outcome.held)} held back")
    return ", ".join(parts)


def errors(record: Record) -> list[str]:
    """Returns the error lines of a file, ``path:line:column: error: message``."""
    path = printable(record.path)
    return [f"{path}:{line}:{column}: error: {what}" for line, column, what in faults(record)]


def faults(record: Record) -> list[tuple[int, int, str]]:
    """Returns the errors of a file, each with its line and column, in words that are printable."""
    found: list[tuple[int, int, str]]
    if isinstance(record, Failure):
        found = [(record.line, record.column, record.message)]
    else:
        found = [(each.line, each.column, each.message) for each in record.diagnostics]
    if len(found) > ERRORS_SHOWN:
        line, column, _ = found[ERRORS_SHOWN]
        found[ERRORS_SHOWN:] = [(line, column, f"and {len(found) - ERRORS_SHOWN} more like this")]
    return [(line, column, printable(what)) for line, column, what in found]


def totals(records: Sequence[Record], *, written: bool = False) -> str:
    """Returns the summary of a run in one sentence."""
    outcomes = [record for record in records if isinstance(record, Outcome)]
    changed = sum(outcome.changed for outcome in outcomes)
    changes = sum(len(outcome.applied) for outcome in outcomes)
    held = sum(len(outcome.held) for outcome in outcomes)
    failed = sum(bool(errors(record)) for record in records)
    parts = [f"{count(len(records), 'file')}, nothing to change"]
    if changed:
        verb = "changed" if written else "would change"
        parts = [f"{changed} of {count(len(records), 'file')} {verb} ({count(changes, 'change')})"]
    if held:
        parts.append(f"{held} held back")
    if failed:
        parts.append(count(failed, "error"))
    return ", ".join(parts)
