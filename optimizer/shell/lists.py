"""Lists: which commands there are between two keywords, and the operators that join them.

By POSIX.1-2024, Shell Command Language, 2.9.2 and 2.9.3, from the tokens of the
grammar's tree in the order of the text. Its own nesting of lists and redirections is
not used: in ``a && b > f`` it redirects the whole list.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from optimizer.shell.grammar import COMPOUND, JOINTS, REDIRECTS, SIMPLE, UnreadableError

if TYPE_CHECKING:
    from tree_sitter import Node

_SPREAD = frozenset(("list", "pipeline", "redirected_statement", "negated_command"))
_BLANK = re.compile(r"(?:[ \t\n]|\\\n)*")


class Draft:
    """An item of a list while its redirections are still coming in.

    ``joint`` is the operator before it; ``pieces`` are redirections and words that
    the grammar put beside the item and not into it.
    """

    __slots__ = ("background", "joint", "negated", "node", "pieces")

    def __init__(self, joint: str, negated: bool, node: Node | None) -> None:
        self.joint = joint
        self.negated = negated
        self.node = node
        self.pieces: list[Node] = []
        self.background = False


def read_list(text: str, nodes: Iterable[Node], start: int, end: int) -> list[list[Draft]]:
    """Returns the pipelines of the list that ``nodes`` are, between two offsets of ``text``.

    Raises `UnreadableError`.
    """
    lister = _Lister(text, start)
    for node in _flat(nodes):
        lister.add(node)
    pipelines: list[list[Draft]] = []
    for draft in lister.finish(end):
        if draft.joint in ("|", "|&"):
            pipelines[-1].append(draft)
        else:
            pipelines.append([draft])
    return pipelines


def _flat(nodes: Iterable[Node]) -> Iterator[Node]:
    """Yields the items, operators and redirections of a list in the order of the text."""
    stack = list(nodes)[::-1]
    while stack:
        node = stack.pop()
        if node.type in _SPREAD:
            stack += node.children[::-1]
        else:
            yield node


class _Lister:
    """Puts the items of one list together from its tokens."""

    def __init__(self, text: str, start: int) -> None:
        self.text = text
        self.position = start
        self.drafts: list[Draft] = []
        self.open: Draft | None = None
        self.joint = ""
        self.negated = False

    def add(self, node: Node) -> None:
        kind = node.type
        start = node.start_byte
        if start != self.position:
            self._gap(start)
        self.position = node.end_byte
        if kind in SIMPLE or kind in COMPOUND:
            if self.open is not None:
                raise UnreadableError("two commands with nothing between them", start)
            self._start(node)
        elif kind in JOINTS:
            self._join(kind, start)
        elif kind in REDIRECTS:
            self._piece(node)
        elif kind == "!":
            self._negate(start)
        elif kind == "comment":
            self._comment(start)
        else:
            raise UnreadableError(f"a piece of no command ({kind})", start)

    def _comment(self, start: int) -> None:
        before = self.text[max(start - 2, 0) : start]
        while before == "\\\n":
            start -= 2
            before = self.text[max(start - 2, 0) : start]
        if before and before[-1] not in " \t\n;|&()":
            raise UnreadableError("a comment that is none", start)

    def finish(self, end: int) -> list[Draft]:
        self._gap(end)
        if self.negated or (self.open is None and self.joint not in ("", ";", "\n", "&")):
            raise UnreadableError("a list that ends with an operator", end)
        return self.drafts

    def _gap(self, end: int) -> None:
        gap = self.text[self.position : end]
        if not gap.strip(" "):
            return
        if not _is_blank(gap):
            # The exclamation mark of "! {", which the grammar was not shown.
            bang = gap.find("!")
            if not _is_blank(gap.replace("!", "", 1)):
                raise UnreadableError("text that the grammar skipped", self.position)
            self._line_end(gap[:bang])
            self._negate(self.position + bang)
        else:
            self._line_end(gap)

    def _line_end(self, gap: str) -> None:
        if self.open is not None and "\n" in gap.replace("\\\n", ""):
            self.open = None
            self.joint = "\n"

    def _start(self, node: Node | None) -> Draft:
        draft = Draft(self.joint, self.negated, node)
        self.open = draft
        self.drafts.append(draft)
        self.joint = ""
        self.negated = False
        return draft

    def _piece(self, node: Node) -> None:
        draft = self.open or self._start(None)
        draft.pieces.append(node)

    def _join(self, joint: str, start: int) -> None:
        if self.open is None:
            raise UnreadableError("an operator with no command before it", start)
        if joint == "&":
            for draft in reversed(self.drafts):
                draft.background = True
                if draft.joint in ("", ";", "\n", "&"):
                    break
        self.open = None
        self.joint = joint

    def _negate(self, start: int) -> None:
        if self.open is not None or self.negated or self.joint in ("|", "|&"):
            raise UnreadableError("an exclamation mark that negates nothing", start)
        self.negated = True


def _is_blank(gap: str) -> bool:
    return not gap.strip(" \t\n") or _BLANK.fullmatch(gap) is not None
