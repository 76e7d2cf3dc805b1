"""Another image in a FROM line, where a part of its name may come from an argument."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from optimizer.cst.edit import Edit, Replace
from optimizer.cst.nodes import Dockerfile, Instruction, Pair, Word
from optimizer.cst.source import Span
from optimizer.knowledge.installs import Obstacle
from optimizer.model.stages import ImageBase, Stage, Stages
from optimizer.model.values import Known, Value

_VARIABLE = re.compile(
    r"\$(?:\{(?P<braced>[A-Za-z_][A-Za-z0-9_]*)\}|(?P<bare>[A-Za-z_][A-Za-z0-9_]*))"
)
_NUMBER = re.compile(r"\d+(?:\.\d+)*")


@dataclass(frozen=True, slots=True)
class _Part:
    """A piece of a word as it is written: ``start`` and ``end`` are its place there, ``value`` is
    what it stands for, ``name`` that of a variable."""

    start: int
    end: int
    value: str
    name: str | None = None


def renamed_base(
    tree: Dockerfile, stages: Stages, stage: Stage, image: str, given: frozenset[str]
) -> tuple[Edit, ...] | Obstacle:
    """Returns the edits that let ``stage`` start from ``image``.

    What is written in the FROM line changes there, around its variables. Where all that differs
    comes from a variable, the default of its ARG changes, if nothing else names it and the build
    gives it no value (``given`` are the names that it gives).
    """
    assert isinstance(stage.base, ImageBase)
    word, old = stage.instruction.words[0], stage.base.text
    written = tree.text(word.span)
    if "$" not in written:
        return (Replace(word.span, image),) if written == old else _obstacle(written)
    parts = _parts(written, stages)
    if parts is None or "".join(part.value for part in parts) != old:
        return _obstacle(written)
    start, end, text = _difference(old, image)
    place = _place(parts, start, end)
    if place is not None:
        at = word.span.start
        return (Replace(Span(at + place[0], at + place[1]), text),)
    whole = next((p for p in parts if p.name and _covers(parts, p, start, end)), None)
    if whole is None or whole.name is None or whole.name in given:
        return _obstacle(written)
    return _in_default(tree, stages, word, whole.name, whole.value, _changed(parts, whole, image))


def _parts(written: str, stages: Stages) -> list[_Part] | None:
    """Takes a word apart; None where it holds more than plain text and plain variables."""
    parts: list[_Part] = []
    at = 0
    for match in _VARIABLE.finditer(written):
        name = match["braced"] or match["bare"]
        value: Value | None = stages.global_args.get(name)
        if not isinstance(value, Known):
            return None
        if match.start() > at:
            parts.append(_Part(at, match.start(), written[at : match.start()]))
        parts.append(_Part(match.start(), match.end(), value.text, name))
        at = match.end()
    if at < len(written):
        parts.append(_Part(at, len(written), written[at:]))
    plain = "".join(part.value for part in parts if part.name is None)
    return None if set(plain) & set("$\\\"'") else parts


def _difference(old: str, new: str) -> tuple[int, int, str]:
    """Returns where ``old`` changes, and into what."""
    start = 0
    while start < min(len(old), len(new)) and old[start] == new[start]:
        start += 1
    end = 0
    while end < min(len(old), len(new)) - start and old[-1 - end] == new[-1 - end]:
        end += 1
    return start, len(old) - end, new[start : len(new) - end]


def _place(parts: list[_Part], start: int, end: int) -> tuple[int, int] | None:
    """Returns where in the written word the change lies, None where it touches a variable.

    Text may follow a variable only where that holds a bare version: behind a codename the same
    text would make another tag.
    """
    at = 0
    for part in parts:
        until = at + len(part.value)
        if part.name is None and at <= start and end <= until:
            return part.start + start - at, part.start + end - at
        if part.name is not None and start == end == until and part is parts[-1]:
            return (part.end, part.end) if _NUMBER.fullmatch(part.value) else None
        at = until
    return None


def _covers(parts: list[_Part], wanted: _Part, start: int, end: int) -> bool:
    at = 0
    for part in parts:
        if part is wanted:
            return at <= start and end <= at + len(part.value)
        at += len(part.value)
    return False


def _changed(parts: list[_Part], whole: _Part, image: str) -> str:
    """Returns what the variable has to hold for the word to be ``image``."""
    index = parts.index(whole)
    before = sum(len(part.value) for part in parts[:index])
    behind = sum(len(part.value) for part in parts[index + 1 :])
    return image[before : len(image) - behind]


def _in_default(
    tree: Dockerfile, stages: Stages, word: Word, name: str, old: str, new: str
) -> tuple[Edit, ...] | Obstacle:
    pairs = [pair for pair in _declared(stages) if pair.name.value == name]
    uses = [each for each in _uses(tree, name) if not _inside(each, word.span)]
    own = [pair.name.span for pair in pairs]
    others = [span for span in uses if not any(_inside(span, each) for each in own)]
    value = pairs[0].value if len(pairs) == 1 else None
    if value is None or others:
        return _shared(name)
    text = tree.text(value.span)
    if text.count(old) != 1 or text.strip("\"'") != old:
        return _shared(name)
    at = value.span.start + text.index(old)
    return (Replace(Span(at, at + len(old)), new),)


def _declared(stages: Stages) -> Iterator[Pair]:
    arguments: Iterator[Instruction] = (each for each in stages.preamble if each.keyword == "ARG")
    for instruction in arguments:
        yield from instruction.pairs


def _uses(tree: Dockerfile, name: str) -> Iterator[Span]:
    """Yields every place that names the argument, comments left out."""
    pattern = re.compile(rf"(?<![A-Za-z0-9_]){re.escape(name)}(?![A-Za-z0-9_])")
    for instruction in tree.instructions:
        text = tree.text(instruction.code)
        for match in pattern.finditer(text):
            at = instruction.code.start
            yield Span(at + match.start(), at + match.end())


def _inside(span: Span, other: Span) -> bool:
    return other.start <= span.start and span.end <= other.end


def _obstacle(written: str) -> Obstacle:
    return Obstacle(
        "unknown-argument",
        f"What {written} stands for may be changed by the build command.",
        "Write the image in FROM without the argument.",
    )


def _shared(name: str) -> Obstacle:
    return Obstacle(
        "unknown-argument",
        f"{name} is not used by this FROM alone, and a new default would change the rest too.",
        "Give this stage an argument of its own.",
    )
