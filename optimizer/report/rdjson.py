"""The face for reviewdog (reviewdog/reviewdog, proto/rdf/reviewdog.proto, ``DiagnosticResult``).

One suggestion stands for all changes of a file, so that no reviewer can take half of a rewrite.
What changes other files too is not part of it: a suggestion is of one file.
A range without columns is of whole lines, the last one included, without its line end.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence

from optimizer.cst.lines import split_lines
from optimizer.journal import Outcome, Record
from optimizer.report.hunks import Replacement
from optimizer.report.suggestions import FileFix, original_lines, suggested, whole
from optimizer.report.words import faults, held_heading, printable, told_rows


def render(records: Sequence[Record], *, explain_held: bool = False) -> str:
    """Returns the diagnostics of a run: one for each file that would change, with what is to
    stand there, and one for each error; with ``explain_held`` one for each refusal too."""
    diagnostics = [each for record in records for each in _record(record, explain_held)]
    report = {"source": {"name": "dockopt"}, "severity": "INFO", "diagnostics": diagnostics}
    return json.dumps(report, indent=2) + "\n"


def _record(record: Record, explain_held: bool) -> Iterator[dict[str, object]]:
    for line, _, message in faults(record):
        yield _diagnostic(record.path, line, line, "ERROR", message, "error")
    if not isinstance(record, Outcome):
        return
    if record.applied:
        yield _change(record)
    for held in record.held if explain_held else ():
        message = "\n".join((held_heading(held), printable(held.reason), printable(held.unblock)))
        yield _diagnostic(record.path, held.line, held.line, "INFO", message, held.transform)


def _change(outcome: Outcome) -> dict[str, object]:
    sentences = []
    for applied in outcome.applied:
        sentences += [printable(applied.title)]
        sentences += [f"  {label}: {text}" for label, text in told_rows(applied)]
    transforms = ",".join(dict.fromkeys(applied.transform for applied in outcome.applied))
    fix, more = suggested(outcome)
    sentences += [more] if more else []
    if fix is None:
        start, end = original_lines(outcome, 0)
        return _diagnostic(outcome.path, start, end, "INFO", "\n".join(sentences), transforms)
    replacement = _of_lines(fix)
    span = _range(replacement.start + 1, replacement.end)
    message = "\n".join(sentences)
    first, last = replacement.start + 1, replacement.end
    return {
        **_diagnostic(outcome.path, first, last, "INFO", message, transforms),
        "suggestions": [{"range": span, "text": replacement.text}],
    }


def _of_lines(fix: FileFix) -> Replacement:
    """Returns the whole change as lines that are there, their last line end left out; an
    insertion takes a neighbour along."""
    lines = split_lines(fix.before)
    change = whole(fix)
    start, end, text = change.start, change.end, change.text
    if start == end or not text:
        if end < len(lines):
            text, end = text + lines[end], end + 1
        elif start > 0:
            start, text = start - 1, lines[start - 1] + text
    return Replacement(start, end, re.sub(r"\r?\n\Z", "", text))


def _diagnostic(
    path: str, start: int, end: int, severity: str, message: str, code: str
) -> dict[str, object]:
    return {
        "message": message,
        "location": {
            "path": path.encode("utf-8", "surrogateescape").decode("utf-8", "replace"),
            "range": _range(start, end),
        },
        "severity": severity,
        "code": {"value": code},
    }


def _range(start: int, end: int) -> dict[str, object]:
    return {"start": {"line": start}, "end": {"line": end}}
