"""One simple command, or the redirections of a compound one, from the pieces of its line."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from optimizer.shell.grammar import REDIRECTS, RESERVED, WORDS, UnreadableError, is_tight
from optimizer.shell.script import Assignment, Chain, Command, Context, Redirection

if TYPE_CHECKING:
    from tree_sitter import Node

    from optimizer.shell.parse import Reader

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class Pieces:
    """Puts one command, or the redirections of a compound one, together from its nodes."""

    def __init__(self, reader: Reader, context: frozenset[Context]) -> None:
        self.reader = reader
        self.text = reader.text
        self.context = context
        self.words_only = False
        """Whether what looks like an assignment is a word, as behind ``export``."""
        self.is_test = False
        """Whether patterns and operators may be words, as behind ``[[``."""
        self.start = -1
        self.end = -1
        self.last = ""
        """What ended at ``end``: a word, an assignment or a redirection."""
        self.words: list[tuple[int, int]] = []
        self.assignments: list[Assignment] = []
        self.redirections: list[Redirection] = []
        self.substitutions: list[Chain] = []

    def add(self, node: Node) -> None:
        kind, start, end = node.type, node.start_byte, node.end_byte
        if self.start < 0:
            self.start = start
        elif start != self.end >= 0:
            self._gap(start)
        if kind in REDIRECTS:
            self._redirection(node)
        elif kind == "concatenation" or kind == "command_name":
            # The grammar joins `a` `b` across the blank; pieces are joined here again.
            for child in node.children:
                self.add(child)
        elif kind == "variable_assignment" and not self.words and self._assigns(node):
            self._assignment(node, start, end)
        elif kind not in WORDS and not self.is_test:
            raise UnreadableError(f"a piece of no command ({kind})", start)
        else:
            if start == self.end and self.last != "redirection":
                if self.last == "assignment":
                    raise UnreadableError("an assignment that goes on", start)
                start = self.words.pop()[0]
            self.words.append((start, end))
            self._ended("word", node, end)

    def _gap(self, end: int) -> None:
        gap = self.reader.gap_in_line(self.end, end)
        if gap.strip(" \t"):
            raise UnreadableError("text that the grammar skipped", self.end)
        if not gap:
            # Nothing but a continuation: what follows goes on with the same word.
            self.end = end

    def _ended(self, last: str, node: Node, end: int) -> None:
        """Takes note of what was read, and of the substitutions in it."""
        self.last = last
        self.end = end
        if self.reader.nested:
            start = node.start_byte
            if self.text.find("(", start, end) >= 0 or self.text.find("`", start, end) >= 0:
                self.substitutions += self.reader.substitutions(node, self.context)

    def _assigns(self, node: Node) -> bool:
        """Whether it is an assignment to a shell too: ``--x=1`` is none."""
        name = node.children[0]
        return not self.words_only and (
            name.type == "subscript"
            or _NAME.fullmatch(self.text, name.start_byte, name.end_byte) is not None
        )

    def _assignment(self, node: Node, start: int, end: int) -> None:
        name, operator, *value = node.children
        if name.end_byte != operator.start_byte or (
            value and not is_tight(value[0], operator.end_byte)
        ):
            raise UnreadableError("an assignment with a gap", start)
        if start == self.end:
            raise UnreadableError("two assignments in one word", start)
        word = None
        if name.type == "variable_name" and not (value and value[0].type == "array"):
            word = self.reader.word(operator.end_byte, end)
        self.assignments.append(
            Assignment(
                self.reader.source,
                start,
                end,
                self.text[name.start_byte : name.end_byte].partition("[")[0],
                word,
                operator.type == "+=",
            )
        )
        self._ended("assignment", node, end)

    def _redirection(self, node: Node) -> None:
        redirection, words = self.reader.redirection(node)
        start = redirection.start
        if start == self.end and self.last == "word":
            before = self.text[self.words[-1][0] : start]
            numbered = redirection.descriptor is not None
            if numbered or before.isdigit() or before.endswith("}"):
                raise UnreadableError("a descriptor that is not understood", start)
        self.redirections.append(redirection)
        self._ended("redirection", node, redirection.end)
        if redirection.body is not None:
            self.substitutions += self.reader.heredoc_substitutions(redirection, self.context)
        for word in words:
            self.add(word)

    def command(self) -> Command:
        reader = self.reader
        words = tuple([reader.word(start, end, is_test=self.is_test) for start, end in self.words])
        if words:
            name = words[0].text.replace("\\\n", "")
            if name in RESERVED or (name != words[0].text and "=" in name):
                raise UnreadableError("a name that is not understood", words[0].start)
        return Command(
            reader.source,
            self.start,
            self.end,
            words,
            tuple(self.assignments),
            tuple(self.redirections),
            self.context,
            tuple(self.substitutions),
        )
