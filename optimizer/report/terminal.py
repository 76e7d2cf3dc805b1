"""The terminal face: what was found, why it pays, what it promises, the diff, what was held back.

Colour is a value that comes in; without it the same words come out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from textwrap import wrap
from typing import Literal, TypeAlias

from optimizer.journal import Applied, Outcome, Record
from optimizer.proposal import Safety
from optimizer.report.hunks import Hunk, hunks
from optimizer.report.patch import file_changes, hunk_heading
from optimizer.report.words import (
    change_rows,
    context,
    counts,
    held_rows,
    held_shown,
    number,
    printable,
    skipped,
    strongest,
    totals,
)

Style: TypeAlias = Literal[
    "path", "title", "label", "quiet", "good", "careful", "bad", "added", "removed", "place"
]

_CODES: dict[Style, str] = {
    "path": "1;4",
    "title": "1",
    "label": "2",
    "quiet": "2",
    "good": "32",
    "careful": "33",
    "bad": "1;31",
    "added": "32",
    "removed": "31",
    "place": "36",
}

_SAFETY_STYLES: dict[Safety, Style] = {
    Safety.SAME_IMAGE: "good",
    Safety.SAME_BEHAVIOR: "careful",
    Safety.CHANGES_IMAGE: "bad",
}


_LABEL = 9
"""Columns of the labels."""

_LINE = 400
"""Characters of a line that the diff shows."""


@dataclass(frozen=True, slots=True)
class Screen:
    """What the text is for: whether it takes colour, and how many columns it has."""

    colour: bool = False
    width: int = 80

    def paint(self, style: Style, text: str) -> str:
        """Returns ``text`` in a style; as it is where there is no colour or no text."""
        return f"\x1b[{_CODES[style]}m{text}\x1b[0m" if self.colour and text else text

    def row(self, indent: int, label: str, text: str, style: Style | None = None) -> Iterator[str]:
        """Yields a labelled text, folded at the edge of the screen."""
        margin = " " * indent
        room = max(self.width - indent - _LABEL, 20)
        for part in _folded(text, room) or [""]:
            shown = self.paint(style, part) if style else part
            yield margin + self.paint("quiet", f"{label:<{_LABEL}}") + shown
            label = ""


def _folded(text: str, width: int) -> list[str]:
    """Breaks ``text`` into lines, but no command between its backquotes."""
    joined = re.sub("`[^`]*`", lambda command: command[0].replace(" ", "\0"), text)
    lines = wrap(joined, width, break_long_words=False, break_on_hyphens=False)
    return [line.replace("\0", " ") for line in lines]


def report(records: Sequence[Record], screen: Screen, *, explain_held: bool = False) -> str:
    """Returns what was found in each file, with its diff."""
    parts = [_file(outcome, screen, explain_held) for outcome in _speaking(records)]
    return "\n".join("".join(f"{line}\n" for line in part) for part in parts)


def summary(
    records: Sequence[Record],
    screen: Screen,
    *,
    detail: bool,
    explain_held: bool = False,
    written: bool = False,
    hint: bool = False,
) -> str:
    """Returns the summary line; with ``detail`` a few lines for each file above it, with
    ``hint`` what to do next below it."""
    shown: list[str] = []
    speaking = _speaking(records)
    for outcome in speaking if detail else ():
        shown += [*_brief(outcome, screen, explain_held), ""]
    shown.append(screen.paint("title", totals(records, written=written)))
    changed = [applied for outcome in speaking for applied in outcome.applied]
    if hint and changed:
        explain = f"dockopt explain {changed[0].transform}"
        shown.append(
            screen.paint("quiet", f"`dockopt fix --write` applies it, `{explain}` says more")
        )
    return "".join(f"{line}\n" for line in shown)


def _speaking(records: Sequence[Record]) -> list[Outcome]:
    """Returns the files that there is something to say of; an only one always is."""
    read = [each for each in records if isinstance(each, Outcome) and not each.diagnostics]
    if len(records) == 1:
        return read
    return [each for each in read if each.changed or each.held or each.skipped]


def _file(outcome: Outcome, screen: Screen, explain_held: bool) -> Iterator[str]:
    yield from _heading(outcome, screen)
    for applied in outcome.applied:
        yield ""
        yield from _change(applied, screen)
    for path, changes in file_changes(outcome.path, outcome.applied).items():
        found = hunks(changes)
        yield ""
        if path != outcome.path:
            made = " (new file)" if changes[0].before is None else ""
            yield "    " + screen.paint("path", printable(path)) + made
        yield from _diff(found, screen)
    yield from _held(outcome, screen, explain_held)


def _heading(outcome: Outcome, screen: Screen) -> Iterator[str]:
    path = screen.paint("path", printable(outcome.path))
    yield f"{path}  {screen.paint('title', counts(outcome))}"
    for line in (*map(context, outcome.contexts), *map(printable, outcome.notes)):
        yield "  " + screen.paint("quiet", line)
    for line in skipped(outcome):
        yield "  " + screen.paint("careful", line)


def _change(applied: Applied, screen: Screen) -> Iterator[str]:
    for part in _folded(printable(applied.title), screen.width - 2):
        yield "  " + screen.paint("title", part)
    styles: dict[str, Style] = {
        "gain": "good",
        "cost": "careful",
        "measured": "quiet",
        "promise": _SAFETY_STYLES[applied.safety],
        "differs": "careful",
        "by": "quiet",
    }
    for label, text in change_rows(applied):
        yield from screen.row(4, label, text, styles.get(label))


def _diff(found: Sequence[Hunk], screen: Screen) -> Iterator[str]:
    crlf = all(line.endswith("\r\n") for hunk in found for _, line in hunk.lines)
    styles: dict[str, Style] = {"+": "added", "-": "removed"}
    for hunk in found:
        yield "    " + screen.paint("place", hunk_heading(hunk))
        for tag, line in hunk.lines:
            text = tag + _one_line(line.removesuffix("\n").removesuffix("\r" if crlf else ""))
            yield "    " + (screen.paint(styles[tag], text) if tag in styles else text)
            if not line.endswith("\n"):
                yield "    " + screen.paint("quiet", "\\ No newline at end of file")


def _one_line(line: str) -> str:
    shown = "\t".join(map(printable, line[:_LINE].split("\t")))
    return shown if len(line) <= _LINE else f"{shown} ... {len(line) - _LINE} more characters"


def _held(outcome: Outcome, screen: Screen, explain_held: bool) -> Iterator[str]:
    shown, more = held_shown(outcome, explain_held)
    if not shown:
        return
    yield ""
    yield "  " + screen.paint("title", "held back")
    for held in shown:
        place = screen.paint("place", f"line {held.line}")
        yield f"    {place}  {screen.paint('careful', held.code)}  " + screen.paint(
            "quiet", held.transform
        )
        for label, text in held_rows(held):
            yield from screen.row(6, label, text)
    if more:
        yield "    " + screen.paint("quiet", more)


def _brief(outcome: Outcome, screen: Screen, explain_held: bool) -> Iterator[str]:
    yield from _heading(outcome, screen)
    for applied in outcome.applied:
        promised = screen.paint(_SAFETY_STYLES[applied.safety], applied.safety.label)
        best = strongest(applied.evidence)
        gain = f", {number(best)}" if best else ""
        yield f"  {printable(applied.title)}"
        yield f"    {promised}{gain}"
    shown, more = held_shown(outcome, explain_held)
    for held in shown:
        yield f"  held back, line {held.line}, {held.code}"
        yield f"    {printable(held.reason)}"
        yield "    " + screen.paint("quiet", printable(held.unblock))
    if more:
        yield "  " + screen.paint("quiet", more)
