"""Workflow commands of GitHub Actions: an annotation on the lines of each change.

How values are escaped is said by actions/toolkit (packages/core/src/command.ts, escapeData and
escapeProperty). GitHub shows ten notices of a step and drops the rest (the same repository,
docs/problem-matchers.md, "Limitations").
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from optimizer.journal import Held, Outcome, Record
from optimizer.report.suggestions import original_lines
from optimizer.report.words import faults, printable, told_rows


def render(records: Sequence[Record], *, explain_held: bool = False) -> str:
    """Returns one command on a line of its own for each change and each error; with
    ``explain_held`` for each refusal too."""
    return "".join(f"{line}\n" for each in records for line in _record(each, explain_held))


def command(name: str, properties: Mapping[str, object], message: str) -> str:
    """Returns one workflow command; nothing in its values can end it or start another."""
    shown = ",".join(f"{key}={_property(str(value))}" for key, value in properties.items())
    return f"::{name}{' ' if shown else ''}{shown}::{_data(message)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def _record(record: Record, explain_held: bool) -> Iterator[str]:
    for line, column, message in faults(record):
        yield command("error", {"file": _path(record.path), "line": line, "col": column}, message)
    if isinstance(record, Outcome):
        yield from (_change(record, index) for index in range(len(record.applied)))
        yield from (_held(record, held) for held in record.held if explain_held)


def _change(outcome: Outcome, index: int) -> str:
    applied = outcome.applied[index]
    start, end = original_lines(outcome, index)
    rows = (f"{label}: {text}" for label, text in told_rows(applied))
    return command(
        "notice",
        {
            "file": _path(outcome.path),
            "line": start,
            "endLine": end,
            "title": f"{applied.transform}: {printable(applied.title)}",
        },
        "\n".join(rows),
    )


def _held(outcome: Outcome, held: Held) -> str:
    title = f"{held.transform}: held back, {held.code}"
    message = f"{printable(held.reason)}\n{printable(held.unblock)}"
    place = {"file": _path(outcome.path), "line": held.line, "title": title}
    return command("notice", place, message)


def _path(path: str) -> str:
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
