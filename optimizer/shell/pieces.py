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
_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:\[[^]]*\])?\+?=")


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
        self.last = "beginning"
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
        if kind == "command_name":
            node = node.children[0]
            kind = node.type
        if kind in REDIRECTS:
            self._redirection(node)
        elif kind == "concatenation":
            # The grammar joins `a` `b` across the blank; pieces are joined here again.
            for child in node.children:
                self.add(child)
        elif kind == "variable_assignment" and not self.words and self._assigns(node):
            self._assignment(node, start, end)
        elif kind in WORDS or self.is_test:
            self._word(node, start, end)
        else:
            raise UnreadableError(f"a piece of no command ({kind})", start)

    def _gap(self, end: int) -> None:
        gap = self.reader.gap_in_line(self.end, end)
        if gap.strip(" \t"):
            raise UnreadableError("text that the grammar skipped", self.end)
        if not gap:
            # Nothing but a continuation: what follows goes on with the same word.
            self.end = end

    def _word(self, node: Node, start: int, end: int) -> None:
        if start == self.end:
            if self.last != "word":
                raise UnreadableError(f"a word that goes on behind its {self.last}", start)
            self.words[-1] = (self.words[-1][0], end)
        else:
            self.words.append((start, end))
        self.last = "word"
        self.end = end
        if self.reader.nested:
            self._substitutions(node)

    def _substitutions(self, node: Node) -> None:
        start, end = node.start_byte, node.end_byte
        if self.text.find("(", start, end) >= 0 or self.text.find("`", start, end) >= 0:
            self.substitutions += self.reader.substitutions(node, self.context)

    def _assigns(self, node: Node) -> bool:
        """Whether it is an assignment to a shell too: ``--x=1`` is none."""
        name = node.children[0]
        text = self.text[name.start_byte : name.end_byte].partition("[")[0]
        return not self.words_only and _NAME.fullmatch(text) is not None

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
        plain = self.text[name.start_byte : name.end_byte].partition("[")[0]
        adds = operator.type == "+="
        self.assignments.append(Assignment(self.reader.source, start, end, plain, word, adds))
        self.last = "assignment"
        self.end = end
        self._substitutions(node)

    def _redirection(self, node: Node) -> None:
        redirection, words = self.reader.redirection(node)
        start = redirection.start
        if start == self.end and self.last == "word":
            before = self.text[self.words[-1][0] : start]
            numbered = redirection.descriptor is not None
            if numbered or before.isdigit() or before.endswith("}"):
                raise UnreadableError("a descriptor that is not understood", start)
        self.redirections.append(redirection)
        self.last = "redirection"
        self.end = redirection.end
        for child in node.children:
            if child.end_byte <= self.end:
                self._substitutions(child)
        if redirection.body is not None:
            self.substitutions += self.reader.heredoc_substitutions(redirection, self.context)
        for word in words:
            self.add(word)

    def command(self) -> Command:
        reader = self.reader
        words = tuple([reader.word(start, end, is_test=self.is_test) for start, end in self.words])
        if words:
            name = words[0].text.replace("\\\n", "")
            if name in RESERVED or ("=" in name and _ASSIGNMENT.match(name)):
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
