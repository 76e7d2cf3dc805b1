"""The faces of `dockopt cache`: a table for people and JSON for programs. Pure functions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from optimizer.journal import ContextAnswer
from optimizer.report.terminal import Screen, Style
from optimizer.report.words import context, printable
from optimizer.step_table import StepRow, StepTable

SCHEMA_VERSION = 1

_BARS = {90: 10, 0: 6}
"""Columns of a bar that stands for all commits, on a screen of at least so many."""

_EIGHTHS = " ▏▎▍▌▋▊▉█"

_FIXED = 41
"""Columns of a row beside its two texts, the bar, and the answer to --change."""

_LEAST = 24
"""Columns that the two texts get on a screen however narrow."""


@dataclass(frozen=True, slots=True)
class CacheReport:
    """What `dockopt cache` found of one file.

    ``after`` is the table of what `dockopt fix` would make of it with ``applied``, None where
    that is nothing. ``others`` are further ways in which the file is built, which are not
    shown. ``changed`` are the paths that were asked for, ``ignored`` those among them that
    the build does not send.
    """

    path: str
    context: ContextAnswer
    before: StepTable
    after: StepTable | None
    applied: tuple[str, ...] = ()
    others: tuple[ContextAnswer, ...] = ()
    changed: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def as_text(report: CacheReport, screen: Screen, *, bars: bool) -> str:
    """Returns the tables; ``bars`` draws how often each step runs."""
    return "".join(f"{line}\n" for line in _lines(report, screen, bars))


def _lines(report: CacheReport, screen: Screen, bars: bool) -> Iterator[str]:
    yield f"{screen.paint('path', printable(report.path))}  {context(report.context)}"
    for line in _notes(report):
        yield "  " + screen.paint("quiet", line)
    yield ""
    yield from _table(report, report.before, screen, bars)
    if report.after is None:
        yield ""
        yield "`dockopt fix` has nothing to propose here."
        return
    yield ""
    yield screen.paint("title", f"with {', '.join(report.applied)}")
    yield ""
    yield from _table(report, report.after, screen, bars)
    yield ""
    yield _gain(report, report.after, screen)


def _notes(report: CacheReport) -> Iterator[str]:
    table = report.before
    if table.basis == "history":
        yield f"{table.words}, {table.touching} of which change a file of the context"
    else:
        yield f"no history: {table.words}"
    if table.note:
        yield printable(table.note)
    yield _costs(table)
    for other in report.others:
        yield f"also built with {context(other)}: not shown, --context names it"
    for path in report.ignored:
        yield f"{printable(path)} is not sent to the build"
    yield from map(printable, report.notes)


def _costs(table: StepTable) -> str:
    bases = {row.basis for row in table.rows}
    if bases <= {"measured"}:
        return "seconds are measured"
    if "measured" in bases:
        estimated = [str(row.line) for row in table.rows if row.basis == "estimate"]
        return f"seconds are measured, and estimated in {_line_list(estimated)}"
    if "configured" in bases:
        return "seconds are estimates and what `costs` says; --timings takes a build's log"
    return "seconds are estimates; --timings takes a build's log"


def _line_list(lines: Sequence[str]) -> str:
    return f"line {lines[0]}" if len(lines) == 1 else f"lines {', '.join(lines)}"


def _table(report: CacheReport, table: StepTable, screen: Screen, bars: bool) -> Iterator[str]:
    bar = next(size for width, size in _BARS.items() if screen.width >= width) if bars else 0
    asked = 8 if report.changed else 0
    room = max(screen.width - _FIXED - bar - asked, _LEAST)
    wide = min(max((len(row.text) for row in table.rows), default=4), room * 3 // 5)
    rest = room - wide
    head = f"{'line':>5}  {'step':<{wide}}  {'runs again when':<{rest}}  {'commits':>8}"
    head += (f"  {'':<{bar}}" if bar else "") + f"  {'each':>7}  {'seconds':>9}"
    yield screen.paint("label", head.rstrip())
    for row in table.rows:
        line = f"{row.line:>5}  {_cut(row.text, wide):<{wide}}  {_cut(_when(row), rest):<{rest}}"
        line += f"  {row.runs:>8}"
        if bar:
            line += "  " + screen.paint(_style(row, table), _bar(row.runs, table.commits, bar))
        line += f"  {row.seconds:>7.1f}  {row.total:>9.1f}"
        if report.changed:
            line += "  runs" if row.reruns else "  cached"
        yield line.rstrip()
    total = f"{'total':>{len(head) - 9}}" if table.rows else "total"
    yield f"{total}{table.seconds:>9.1f}"


def _when(row: StepRow) -> str:
    return "; ".join(causes(row)) or "no file does"


def causes(row: StepRow) -> list[str]:
    """Says what runs a step again, the most frequent cause first; nothing where no file does."""
    own = _own(row)
    above = f"line {row.below} runs" if row.below is not None else ""
    parts = [above, *own] if above else own
    if row.arguments:
        parts.append(", ".join(f"${name}" for name in row.arguments) + " changes")
    return parts


def _own(row: StepRow) -> list[str]:
    if row.unknown is not None:
        return ["a file changes (which is not known)"]
    if "" in row.inputs:
        return ["any file changes"]
    return [f"{', '.join(row.inputs)} changes"] if row.inputs else []


def _style(row: StepRow, table: StepTable) -> Style:
    share = row.runs / table.commits if table.commits else 0
    return "bad" if share > 0.5 else "careful" if share > 0.1 else "good"


def _bar(part: int, whole: int, width: int) -> str:
    """Draws ``part`` of ``whole``; what is not nothing shows."""
    eighths = round(8 * width * part / whole) if whole else 0
    full, rest = divmod(max(eighths, 1 if part else 0), 8)
    return ("█" * full + (_EIGHTHS[rest] if rest else "")).ljust(width)


def _cut(text: str, width: int) -> str:
    text = printable(text)
    return text if len(text) <= width else text[: width - 3] + "..."


def _gain(report: CacheReport, after: StepTable, screen: Screen) -> str:
    was, now = report.before.seconds, after.seconds
    share = f" (-{round(100 * (was - now) / was)} %)" if 0 < was > now else ""
    text = f"{report.before.words}: {was:.0f} s of rebuilds -> {now:.0f} s{share}"
    return screen.paint("good" if now < was else "quiet", text)


def as_json(report: CacheReport) -> dict[str, object]:
    """Returns the report for programs, schema version 1."""
    table = report.before
    return {
        "schema_version": SCHEMA_VERSION,
        "path": report.path,
        "context": {"path": report.context.path, "found_by": report.context.found_by},
        "other_contexts": [
            {"path": each.path, "found_by": each.found_by} for each in report.others
        ],
        "history": {
            "basis": table.basis,
            "commits": table.commits,
            "touching_context": table.touching,
            "note": table.note,
        },
        "changed": list(report.changed),
        "not_sent": list(report.ignored),
        "applied": list(report.applied),
        "before": _table_json(table),
        "after": _table_json(report.after) if report.after else None,
        "notes": list(report.notes),
    }


def _table_json(table: StepTable) -> dict[str, object]:
    return {
        "rebuild_seconds": round(table.seconds, 3),
        "steps": [
            {
                "id": row.id,
                "line": row.line,
                "text": row.text,
                "inputs": list(row.inputs),
                "inputs_unknown": row.unknown,
                "arguments": list(row.arguments),
                "own_commits": row.own,
                "rebuild_commits": row.runs,
                "below_line": row.below,
                "seconds": row.seconds,
                "seconds_basis": row.basis,
                "reruns": row.reruns,
            }
            for row in table.rows
        ],
    }
