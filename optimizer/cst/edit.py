"""Edits as values: insert, remove, replace, move.

Every edit names places of one `Dockerfile` as it stands; `apply` makes the new
text. A moved instruction takes the comments that it owns along. Text that is put
in is given with ``"\\n"`` and gets the file's own line ends.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple, TypeAlias

from optimizer.cst.nodes import Dockerfile, Node
from optimizer.cst.source import Span

_BOM = "\ufeff"


@dataclass(frozen=True, slots=True)
class Insert:
    """Whole lines put in right above or right below a node.

    A line end behind the last line may be left out. Raises `ValueError` unless
    exactly one of ``before`` and ``after`` is given.
    """

    text: str
    before: Node | None = None
    after: Node | None = None

    def __post_init__(self) -> None:
        _check_anchors(self.before, self.after)


@dataclass(frozen=True, slots=True)
class Remove:
    """A node taken out, with the comments it owns and its line end."""

    node: Node


@dataclass(frozen=True, slots=True)
class Replace:
    """What stands at ``span`` exchanged for ``text``, as it is given (an empty span inserts)."""

    span: Span
    text: str


@dataclass(frozen=True, slots=True)
class Move:
    """A node put right above or right below another, ``lead`` in front of it.

    Raises `ValueError` unless exactly one of ``before`` and ``after`` is given.
    """

    node: Node
    before: Node | None = None
    after: Node | None = None
    lead: str = ""

    def __post_init__(self) -> None:
        _check_anchors(self.before, self.after)


Edit: TypeAlias = Insert | Remove | Replace | Move


class EditConflict(Exception):
    """Two edits of one text that want the same characters."""

    def __init__(self, first: Edit, second: Edit) -> None:
        super().__init__(f"{_describe(first)} and {_describe(second)} overlap")
        self.first = first
        self.second = second


class _Change(NamedTuple):
    """What stands at ``[start, end)`` becomes ``text``, which may have to be whole lines."""

    start: int
    end: int
    text: str
    is_lines: bool
    edit: Edit


def apply(dockerfile: Dockerfile, edits: Sequence[Edit]) -> str:
    """Returns the text of ``dockerfile`` with all ``edits`` made.

    No edits give the same text, and what lies outside the named places stays as it
    is. Of several texts that are put in at one place, the first in ``edits`` comes
    first. Where the last line of a file has no line end, lines put in behind it get
    one in front of them and none at their end.

    What the new text means is for the caller to see: lines put behind an
    instruction whose last line is continued become a part of it.

    Raises `EditConflict` where two edits overlap, and `ValueError` for a node or a
    span that is not of ``dockerfile``.
    """
    nodes = frozenset(map(id, dockerfile.nodes))
    changes = [change for edit in edits for change in _changes(dockerfile, edit, nodes)]
    changes.sort(key=lambda change: (change.start, change.end))
    _check_conflicts(changes)
    return _rewrite(dockerfile, changes)


def _changes(dockerfile: Dockerfile, edit: Edit, nodes: frozenset[int]) -> Iterator[_Change]:
    match edit:
        case Insert(text=text, before=before, after=after):
            place = _place(dockerfile, before, after, nodes)
            lines = text if text.endswith("\n") or not text else text + "\n"
            yield _Change(place, place, _file_newlines(dockerfile, lines), True, edit)
        case Remove(node=node):
            span = _span(node, nodes)
            yield _Change(span.start, span.end, "", False, edit)
        case Replace(span=span, text=text):
            if not 0 <= span.start <= span.end <= len(dockerfile.source.text):
                raise ValueError(f"{span} is outside the text")
            yield _Change(span.start, span.end, _file_newlines(dockerfile, text), False, edit)
        case Move(node=node, before=before, after=after, lead=lead):
            span = _span(node, nodes)
            place = _place(dockerfile, before, after, nodes)
            moved = dockerfile.text(span)
            if not moved.endswith("\n"):
                moved += dockerfile.source.newline
            yield _Change(span.start, span.end, "", False, edit)
            moved = _file_newlines(dockerfile, lead) + moved
            yield _Change(place, place, moved, True, edit)


def _check_anchors(before: Node | None, after: Node | None) -> None:
    if (before is None) == (after is None):
        raise ValueError("give exactly one of before and after")


def _span(node: Node, nodes: frozenset[int]) -> Span:
    if id(node) not in nodes:
        raise ValueError(f"the node at {node.span} is not of this Dockerfile")
    return node.span


def _place(
    dockerfile: Dockerfile, before: Node | None, after: Node | None, nodes: frozenset[int]
) -> int:
    if before is not None:
        place = _span(before, nodes).start
    else:
        assert after is not None
        place = _span(after, nodes).end
    has_bom = dockerfile.source.text.startswith(_BOM)
    return max(place, 1) if has_bom else place


def _file_newlines(dockerfile: Dockerfile, text: str) -> str:
    return text.replace("\r\n", "\n").replace("\n", dockerfile.source.newline)


def _check_conflicts(changes: Sequence[_Change]) -> None:
    """Looks for overlaps in ``changes``, which are sorted; touching is none."""
    for first, second in pairwise(changes):
        if second.start < first.end:
            raise EditConflict(first.edit, second.edit)


def _rewrite(dockerfile: Dockerfile, changes: Sequence[_Change]) -> str:
    text = dockerfile.source.text
    parts: list[str] = []
    last, is_lines_last = "\n", False
    at = 0
    for change in changes:
        for part, is_lines in ((text[at : change.start], False), (change.text, change.is_lines)):
            if not part:
                continue
            if is_lines and not (last.endswith("\n") or last == _BOM):
                parts.append(dockerfile.source.newline)
            parts.append(part)
            last, is_lines_last = part, is_lines
        at = change.end
    rest = text[at:]
    result = "".join((*parts, rest))
    if is_lines_last and not rest and not text.endswith("\n"):
        return result.removesuffix("\n").removesuffix("\r")
    return result


def _describe(edit: Edit) -> str:
    if isinstance(edit, Replace):
        return f"replacing {edit.span.start}-{edit.span.end}"
    if isinstance(edit, Insert):
        anchor = edit.before or edit.after
        assert anchor is not None
        side = "before" if edit.before else "after"
        return f"inserting {side} {anchor.span.start}-{anchor.span.end}"
    verb = "moving" if isinstance(edit, Move) else "removing"
    return f"{verb} {edit.node.span.start}-{edit.node.span.end}"
