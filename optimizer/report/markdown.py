"""The Markdown face (GitHub Flavored Markdown), for job summaries and pull requests.

Whatever came from a file goes through `text`, `code` or `block`: it can neither draw anything of
its own nor call people, close issues or run commands of a forge.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from optimizer.journal import Applied, ContextAnswer, Held, Outcome, Record
from optimizer.numbers import value
from optimizer.proposal import Evidence, Spread
from optimizer.report.patch import outcome_diff
from optimizer.report.words import (
    count,
    counts,
    faults,
    lines,
    printable,
    promise,
    skipped,
    totals,
)

LONGEST = 600
"""Characters of one text that came from a file."""

HELD_SHOWN = 50
"""Refusals of one file that are listed."""

DIFF_SHOWN = 20_000
"""Characters of a patch that is shown; a longer one is left out, for half of it helps nobody."""

_MARKUP = re.compile(
    r"[]!\"#$%&*+<=>?@\[\\^_`{|}~]"
    # What opens an item of a list, or makes a link.
    r"|\A-|(?<=\A\d)[.)]|(?<=\A\d\d)[.)]|(?<=www)\.|:(?=//)",
    re.IGNORECASE,
)
_REFERENCE = re.compile(r"(?<=[@#!~$%&^])(?=[\w\[])|(?<=GH-)(?=\d)", re.IGNORECASE)
_BREAK = "\u200b"
"""A zero-width space: a forge that looks for ``@name`` or ``#12`` finds neither."""


def text(words: str) -> str:
    """Returns a sentence as Markdown that shows just its characters. What stands between
    backquotes is shown as code, in one line."""
    parts = re.split(r"`([^`]*)`", printable(_clipped(words)))
    return "".join(code(part) if at % 2 else _plain(part) for at, part in enumerate(parts))


def code(words: str) -> str:
    """Returns ``words`` as code, in one line, also in a cell of a table."""
    shown = printable(_clipped(words))
    if not shown.strip(" "):
        return ""
    if "|" in shown:
        return f"<code>{_plain(shown)}</code>"
    runs = [len(run) for run in re.findall("`+", shown)]
    fence = "`" * (max(runs, default=0) + 1)
    pad = " " if shown[0] in "` " or shown[-1] in "` " else ""
    return f"{fence}{pad}{shown}{pad}{fence}"


def block(words: str, language: str = "") -> str:
    """Returns a fenced block that nothing in ``words`` can end."""
    shown = "\n".join("\t".join(map(printable, line.split("\t"))) for line in words.split("\n"))
    runs = [len(run) for run in re.findall("`+", shown)]
    fence = "`" * max(3, max(runs, default=0) + 1)
    end = "" if shown.endswith("\n") else "\n"
    return f"{fence}{language}\n{shown}{end}{fence}\n"


def folded(heading: str, body: str) -> str:
    """Returns a part that is shown on a click; ``heading`` is plain words of ours."""
    return f"<details>\n<summary>{heading}</summary>\n\n{body}\n</details>\n"


def render(records: Sequence[Record]) -> str:
    """Returns the report of a run."""
    parts = [f"## dockopt: {text(totals(records))}\n"]
    parts += ["\n".join(_file(each)) for each in records if _speaks(each)]
    return "\n".join(parts)


def changes(outcome: Outcome) -> str:
    """Returns the table of changes with what each promises, and below it why each pays here."""
    rows = [
        (str(at), text(each.title), code(each.safety.label), code(each.transform), _where(each))
        for at, each in enumerate(outcome.applied, 1)
    ]
    table = _table(("", "Change", "Promise", "Transform", "Where"), rows)
    return table + "\n" + "\n".join(_reasons(outcome.applied))


def numbers(applied: Sequence[Applied]) -> str:
    """Returns the numbers before and after, those that the model predicts apart from those that
    builds gave; "" where there are none."""
    evidence = list(dict.fromkeys(each for change in applied for each in change.evidence))
    parts = []
    if predicted := [_predicted(each) for each in evidence if _is_predicted(each)]:
        parts.append("**Predicted** by the cache model\n\n" + _table(_NUMBERS, predicted))
    if measured := [each for each in evidence if each.measured is not None]:
        rows = [_measured(each) for each in measured]
        parts.append("**Measured** in real builds\n\n" + _table((*_NUMBERS, "Builds"), rows))
    return "\n".join(parts)


def held_back(held: Sequence[Held]) -> str:
    """Returns what was held back, folded; "" where nothing was."""
    if not held:
        return ""
    shown = [
        f"- line {each.line}, {code(each.transform)}, {code(each.code)}: {text(each.reason)}\n"
        f"  To unblock it: {text(each.unblock)}"
        for each in held[:HELD_SHOWN]
    ]
    if len(held) > HELD_SHOWN:
        shown.append(f"- and {len(held) - HELD_SHOWN} more")
    return folded(f"Held back: {len(held)}", "\n".join(shown) + "\n")


def _clipped(words: str) -> str:
    return words if len(words) <= LONGEST else words[:LONGEST] + " ..."


def _plain(words: str) -> str:
    return _MARKUP.sub(_escape, _REFERENCE.sub(_BREAK, words))


_ENTITIES = {each: f"&#{ord(each)};" for each in "<>&:|"}


def _escape(match: re.Match[str]) -> str:
    """Escapes one character: a backslash before punctuation shows it as it is (CommonMark 2.4);
    what opens HTML, an entity or a link is written as one, which also holds inside HTML."""
    return _ENTITIES.get(match[0]) or "\\" + match[0]


def _speaks(record: Record) -> bool:
    if not isinstance(record, Outcome):
        return True
    return bool(record.changed or record.held or record.skipped or record.diagnostics)


def _file(record: Record) -> Iterator[str]:
    yield f"### {code(record.path)}\n"
    wrong = faults(record)
    for line, column, message in wrong:
        yield f"- error in line {line}, column {column}: {text(message)}"
    if wrong or not isinstance(record, Outcome):
        yield ""
        return
    yield "; ".join((counts(record), *map(_context, record.contexts))) + "\n"
    yield from (f"- {text(note)}\n" for note in (*record.notes, *skipped(record)))
    if record.applied:
        yield numbers(record.applied)
        yield changes(record)
        yield _diff(record)
    yield held_back(record.held)


def _context(answer: ContextAnswer) -> str:
    return f"context {code(answer.path or '.')} from {text(answer.found_by)}"


def _diff(outcome: Outcome) -> str:
    diff = outcome_diff(outcome)
    if len(diff) > DIFF_SHOWN:
        return f"The patch has {count(diff.count(chr(10)), 'line')}; `dockopt fix` prints it.\n"
    return folded("The patch", block(diff, "diff"))


def _where(applied: Applied) -> str:
    return ", ".join((lines(applied), *(code(each.path) for each in applied.files)))


def _reasons(applied: Sequence[Applied]) -> Iterator[str]:
    for at, each in enumerate(applied, 1):
        yield f"**{at}. {text(each.title)}**\n"
        yield f"- {text(each.reason)}"
        held = " It held in a real build." if each.confirmed else ""
        yield f"- {text(promise(each.safety))}.{held}"
        if each.drops:
            shown = ", ".join(map(code, each.drops[:HELD_SHOWN]))
            more = len(each.drops) - HELD_SHOWN
            yield f"- Differs: {shown}" + (f" and {more} more" if more > 0 else "")
        yield from (f"- Assumes: {text(line)}" for line in each.assumes)
        yield from (f"- {text(line)}" for line in each.notes)
        yield ""


_NUMBERS = ("What", "Before", "After")


def _is_predicted(evidence: Evidence) -> bool:
    return evidence.measured is None or evidence.predicted_by is not None


def _predicted(evidence: Evidence) -> tuple[str, ...]:
    estimate = "estimate" in (evidence.basis, evidence.predicted_by)
    what = _what(evidence) + (" (estimated costs)" if estimate else "")
    return (what, value(evidence, evidence.before), value(evidence, evidence.after))


def _measured(evidence: Evidence) -> tuple[str, ...]:
    assert evidence.measured is not None
    before, after = evidence.measured.before, evidence.measured.after
    spreads = (_spread(evidence, each) for each in (before, after))
    return (_what(evidence), *spreads, f"{evidence.measured.repetitions} each")


def _spread(evidence: Evidence, spread: Spread) -> str:
    middle, least, most = (
        value(evidence, each) for each in (spread.median, spread.least, spread.most)
    )
    return middle if least == most else f"{middle} ({least} to {most})"


def _what(evidence: Evidence) -> str:
    """Returns what a number counts: its sentence, without the number."""
    unit = evidence.metric.replace("_", " ")
    return f"{text(evidence.scenario)}, {text(unit)}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    shown = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(row)} |\n" for row in shown)
