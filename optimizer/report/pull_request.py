"""What a pull request says: its title and text, and the messages of its commits.

The text holds two comments that stand alone on their lines. Between them dockopt writes; what
people write around them stays. The first one carries what the next run has to know.
"""

from __future__ import annotations

import hashlib
import json
import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from textwrap import wrap

from optimizer.journal import Applied, Outcome
from optimizer.report.markdown import block, changes, code, folded, held_back, numbers, text
from optimizer.report.words import change_rows, count, printable

LONGEST_TITLE = 120
"""Characters; forges take about 255, and cut what they show far earlier."""

_WIDTH = 72

_CALL = re.compile(r"(?<=[@#!])(?=\w)|(?<=GH-)(?=\d)", re.IGNORECASE)
"""Where a name is called or an issue is named."""

_BREAK = "\u200b"


@dataclass(frozen=True, slots=True)
class Memory:
    """What a pull request remembers: the texts that it was made for, as `digest` gives them,
    whether dockopt closed it, the `mark` of the title that dockopt gave it, and whether its labels
    and reviewers may still be missing."""

    digest: str
    closed: bool = False
    title: str = ""
    bare: bool = False


@dataclass(frozen=True, slots=True)
class Check:
    """What builds on an engine had to say, in one sentence, for the reader of a pull request."""

    done: bool
    sentence: str


def digest(outcomes: Sequence[Outcome]) -> str:
    """Returns a name for the Dockerfiles as they were read."""
    parts = (part for each in outcomes for part in (each.path, each.before))
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()


def mark(title: str) -> str:
    """Returns a short name for a title, by which it is known again."""
    return hashlib.sha256(title.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def title(outcomes: Sequence[Outcome]) -> str:
    """Returns the title, one line in which nothing calls anybody."""
    changed = [each for each in outcomes if each.changed]
    applied = [change for each in changed for change in each.applied]
    if len(changed) > 1:
        return f"Make {count(len(changed), 'Dockerfile')} build better"
    what = applied[0].title if len(applied) == 1 else f"{count(len(applied), 'change')} by dockopt"
    return _line(f"{changed[0].path}: {what}")


def subject(applied: Applied) -> str:
    """Returns the first line of the message of a change."""
    return _line(applied.title)


def message(path: str, applied: Applied, sign_off: str | None = None) -> str:
    """Returns the message of the commit that makes one change.

    Whatever stems from a file is indented and one line, so that it is no trailer, no divider and
    no patch to the tools that read messages. ``sign_off`` is ``Name <mail>``.
    """
    body: list[str] = []
    for label, said in change_rows(applied):
        body += wrap(
            f"{label}: {_quiet(said)}",
            _WIDTH,
            initial_indent="  ",
            subsequent_indent="    ",
            break_long_words=False,
            break_on_hyphens=False,
        )
    trailers = [
        f"Dockopt-Transform: {applied.transform}",
        f"Dockopt-Safety: {applied.safety.label}",
    ]
    if sign_off is not None:
        trailers.append(f"Signed-off-by: {sign_off}")
    where = f"In {_quiet(printable(path))}:"
    return "\n".join([subject(applied), "", where, "", *body, "", *trailers]) + "\n"


def text_of(outcomes: Sequence[Outcome], check: Check, longest: int) -> str:
    """Returns the text of a pull request without its comments, of ``longest`` characters at
    most: what does not fit is left out from the end, with a word."""
    changed = [each for each in outcomes if each.changed]
    parts = [_opening(changed, check)]
    for outcome in changed:
        parts.append("\n".join(_file(outcome, several=len(changed) > 1)))
    held = [each for outcome in outcomes for each in outcome.held]
    parts += [held_back(held), _reproduce(changed), _turn_off(changed)]
    kept: list[str] = []
    room = longest - len(_LEFT_OUT)
    for part in filter(None, parts):
        room -= len(part) + 1
        if room < 0:
            kept.append(_LEFT_OUT)
            break
        kept.append(part)
    return "\n".join(kept)


_LEFT_OUT = "_More does not fit here: `dockopt fix` prints all of it._\n"


def with_memory(said: str, memory: Memory, before: str = "") -> str:
    """Returns the whole text: ``said`` between the comments, and around them what people wrote in
    ``before``, the text that is there."""
    values: dict[str, object] = {"digest": memory.digest, "closed": memory.closed}
    values |= {"title": memory.title, **({"bare": True} if memory.bare else {})}
    document = json.dumps(values, sort_keys=True)
    ours = f"<!-- dockopt:begin {document} -->\n{said}\n<!-- dockopt:end -->"
    found = _parts(before)
    if found is None:
        return f"{before.rstrip()}\n\n{ours}\n" if before.strip() else f"{ours}\n"
    start, end, _ = found
    return before[:start] + ours + before[end:]


def memory_of(body: str) -> Memory | None:
    """Returns what a text remembers; None where its comments are gone."""
    found = _parts(body)
    return found[2] if found is not None else None


_BEGIN = re.compile(r"^<!-- dockopt:begin (?P<document>\{[^\n]{1,500}\}) -->\r?$", re.MULTILINE)
_END = re.compile(r"^<!-- dockopt:end -->\r?$", re.MULTILINE)


_NUMBER = re.compile(r"\d+(?:\.\d+)?(?:e[+-]?\d+)?(?: (?:bytes|[kMG]B|s|min)\b)?")
_RANGE = " (0 to 0)"
"""Behind a measured number, unless it came out the same each time."""


def says_the_same(one: str, other: str) -> bool:
    """Says whether two whole texts of one pull request say the same, in other numbers perhaps:
    those move with every commit to the base and with every build. Browsers send other line ends
    than dockopt."""
    return memory_of(one) == memory_of(other) and _steady(one) == _steady(other)


def _steady(body: str) -> str:
    return _NUMBER.sub("0", body.replace("\r\n", "\n")).replace(_RANGE, "")


def _parts(body: str) -> tuple[int, int, Memory] | None:
    """Returns where ours starts and ends, and what it remembers: the first part that is whole."""
    for begin in _BEGIN.finditer(body):
        memory = _read(begin["document"])
        end = _END.search(body, begin.end())
        if memory is not None and end is not None:
            return begin.start(), end.end(), memory
    return None


def _read(document: str) -> Memory | None:
    try:
        values = json.loads(document)
        digest, title = str(values["digest"]), str(values["title"])
        return Memory(digest, values["closed"] is True, title, values.get("bare") is True)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def _opening(changed: Sequence[Outcome], check: Check) -> str:
    paths = ", ".join(code(each.path) for each in changed[:20])
    made = count(sum(len(each.applied) for each in changed), "commit")
    return (
        f"dockopt rewrites {paths}: {made}, one for each change, and each says why it pays "
        f"and what it promises.\n\n{text(check.sentence)}\n"
    )


def _file(outcome: Outcome, *, several: bool) -> Iterator[str]:
    if several:
        yield f"### {code(outcome.path)}\n"
    contexts = ", ".join(
        f"{code(each.path or '.')} (from {text(each.found_by)})" for each in outcome.contexts
    )
    if contexts:
        yield f"Build context: {contexts}\n"
    yield from (f"- {text(note)}\n" for note in outcome.notes)
    yield numbers(outcome.applied)
    yield changes(outcome)


def _reproduce(changed: Sequence[Outcome]) -> str:
    paths = " ".join(shlex.quote(printable(each.path)) for each in changed)
    lines = [f"dockopt fix {paths}"]
    lines += [f"dockopt verify {shlex.quote(printable(each.path))}" for each in changed]
    said = "The first prints the patch, the second builds before and after and compares:\n\n"
    return folded("How to reproduce this", said + block("\n".join(lines), "sh"))


def _turn_off(changed: Sequence[Outcome]) -> str:
    names = sorted({each.transform for outcome in changed for each in outcome.applied})
    said = (
        "For one file, in a comment of the Dockerfile; for all, in `dockopt.toml`. "
        "Closing this pull request is a no as well, until the Dockerfile changes. Commits that "
        "are added to its branch are never overwritten.\n\n"
    )
    lines = [f"# dockopt: ignore={','.join(names)}"]
    settings = [f"without = {json.dumps(names)}"]
    return folded(
        "How to turn it off",
        said + block("\n".join(lines), "dockerfile") + "\n" + block("\n".join(settings), "toml"),
    )


def _line(said: str) -> str:
    shown = _quiet(printable(said)).strip()
    return shown if len(shown) <= LONGEST_TITLE else shown[: LONGEST_TITLE - 4].rstrip() + " ..."


def _quiet(said: str) -> str:
    """Breaks what a forge would take for a call or an issue to close."""
    return _CALL.sub(_BREAK, said)
