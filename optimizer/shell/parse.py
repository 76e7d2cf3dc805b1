"""Shell text to a `Script`, on tree-sitter-bash.

Of the grammar's tree only its tokens and its nesting of compound commands are taken;
`optimizer.shell.lists` and `optimizer.shell.pieces` put the rest together. What lies
between two tokens must be blank: text that the grammar skipped makes a script opaque,
and so does every node of an unexpected kind.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Final, cast

from optimizer.cst.source import Span
from optimizer.shell.compounds import read_frame
from optimizer.shell.grammar import (
    SIMPLE,
    SUBSTITUTIONS,
    WORDS_ONLY,
    UnreadableError,
    is_tight,
    read_tree,
)
from optimizer.shell.heredocs import find_heredocs, without_heredocs
from optimizer.shell.lists import Draft, read_list
from optimizer.shell.pieces import Pieces
from optimizer.shell.script import (
    Chain,
    ChainItem,
    Command,
    Compound,
    Context,
    OpaqueScript,
    Operator,
    Pipeline,
    Redirection,
    Script,
    ShellOptions,
)
from optimizer.shell.words import ShellText, ShellWord, TornWordError

if TYPE_CHECKING:
    from tree_sitter import Node

LONGEST: Final = 32 * 1024
"""In characters. The longest of 3,600 public RUN bodies has 7,500."""

_DEEPEST = 40
"""How deep compound commands and substitutions may nest."""

# A word whose quotes are closed, without the forms that take a closer look.
_SOUND = re.compile(
    r"""(?:[^\\'"$` \t\n;|&<>()]++|\\.|'[^']*+'"""
    r"""|"(?:[^"\\$`]++|\\.|\$\{?[A-Za-z_0-9]++)*+"|\$[A-Za-z_0-9]++|\$\{[A-Za-z_0-9]++\})++""",
    re.DOTALL,
)
_DESCRIPTOR = re.compile(r"[0-9]{1,4}")
_BACKTICK_ESCAPE = re.compile(r"\\[$`\\\"]")

_DEFAULTING = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*):?=")
_ARITHMETIC = re.compile(r"\(\(|\$\[|\blet\b")
_ARITHMETIC_CHANGE = re.compile(
    r"([A-Za-z_][A-Za-z0-9_]*)[ \t]*(?:\+\+|--|(?:[-+*/%&|^]|<<|>>)?=(?!=))"
    r"|(?:\+\+|--)[ \t]*([A-Za-z_][A-Za-z0-9_]*)"
)


def parse_script(
    text: str, at: Callable[[int, int], Span], options: ShellOptions | None = None
) -> Script | OpaqueScript:
    """Reads ``text`` as a POSIX shell or bash would, running nothing.

    ``at`` leads from a slice of the text to the file; ``options`` are kept in the result.
    Never raises: text that is no script, and text of which it is not sure that a shell
    reads it the same way, is opaque. Takes time linear in the text.
    """
    source = ShellText(text, at)
    if "\0" in text:
        return _opaque(source, "a NUL byte", text.index("\0"))
    if len(text) > LONGEST:
        return OpaqueScript(f"a script of more than {LONGEST} characters")
    try:
        reader = Reader(source)
        chain = reader.read()
    except UnreadableError as error:
        return _opaque(source, error.reason, error.offset)
    except TornWordError as error:
        return _opaque(source, "a word that does not end where it should", error.offset)
    reader.commands.sort(key=lambda command: command.start)
    commands = tuple(reader.commands)
    return Script(source, chain, commands, options or ShellOptions(), _reassigned(text))


def _opaque(source: ShellText, reason: str, offset: int) -> OpaqueScript:
    return OpaqueScript(reason, source.at(offset, min(offset + 1, len(source.text))))


def _reassigned(text: str) -> frozenset[str]:
    """Returns the variables that expansions and arithmetic may change.

    Behind the first arithmetic of the script, whatever looks like a change is taken for one.
    """
    names: list[str] = _DEFAULTING.findall(text) if "${" in text else []
    arithmetic = _ARITHMETIC.search(text)
    if arithmetic is not None:
        for change in _ARITHMETIC_CHANGE.finditer(text, arithmetic.start()):
            names.append(change[1] or change[2])
    return frozenset(names)


class Reader:
    """Builds the parts of one script, and collects its commands.

    ``text`` is the script without its here-documents, which `heredocs` holds by the
    offset of their operator.
    """

    def __init__(self, source: ShellText) -> None:
        self.source = source
        found = find_heredocs(source.text) if "<<" in source.text else []
        self.text = without_heredocs(source.text, found)
        self.heredocs = {heredoc.start: heredoc for heredoc in found}
        self.unseen = set(self.heredocs)
        self.nested = "(" in self.text or "`" in self.text
        """Whether any word may hold a substitution."""
        self.commands: list[Command] = []
        self.depth = 0

    def read(self) -> Chain:
        """Builds the whole script."""
        root = read_tree(self.text)
        chain = self.chain(root.children, 0, len(self.text), frozenset())
        if self.unseen:
            raise UnreadableError("a here-document that is not understood", min(self.unseen))
        return chain

    def chain(
        self, nodes: Iterable[Node], start: int, end: int, context: frozenset[Context]
    ) -> Chain:
        """Builds the list that ``nodes`` are, between ``start`` and ``end`` of the script."""
        if self.depth == _DEEPEST:
            raise UnreadableError("commands nested too deeply", start)
        self.depth += 1
        pipelines = read_list(self.text, nodes, start, end)
        items = tuple([self._item(pipeline, context) for pipeline in pipelines])
        self.depth -= 1
        return items

    def _item(self, pipeline: list[Draft], context: frozenset[Context]) -> ChainItem:
        first = pipeline[0]
        added: list[Context] = []
        if first.joint == "||":
            added.append("alternative")
        if first.background:
            added.append("background")
        if first.negated:
            added.append("negated")
        if len(pipeline) > 1:
            added.append("pipe")
        if added:
            context = context.union(added)
        operator = cast(Operator, first.joint)
        if len(pipeline) == 1 and not first.negated:
            return ChainItem(operator, self._body(first, context), first.background)
        items = tuple([self._body(draft, context) for draft in pipeline])
        return ChainItem(operator, Pipeline(items, first.negated), first.background)

    def _body(self, draft: Draft, context: frozenset[Context]) -> Command | Compound:
        node = draft.node
        if node is not None and node.type not in SIMPLE:
            return self._compound(node, draft.pieces, context)
        pieces = Pieces(self, context)
        if node is None:
            nodes = draft.pieces
        elif node.type == "test_command":
            pieces.is_test = True
            nodes = [*_leaves(node, self.text), *draft.pieces]
        elif node.type == "variable_assignment":
            nodes = [node, *draft.pieces]
        else:
            pieces.words_only = node.type in WORDS_ONLY
            nodes = node.children + draft.pieces
        for piece in nodes:
            pieces.add(piece)
        command = pieces.command()
        self.commands.append(command)
        return command

    def _compound(self, node: Node, trailing: list[Node], context: frozenset[Context]) -> Compound:
        frame = read_frame(self, node, context)
        pieces = Pieces(self, context)
        for piece in trailing:
            pieces.add(piece)
        if pieces.words or pieces.assignments:
            raise UnreadableError("a word behind a compound command", pieces.start)
        substitutions: list[Chain] = []
        for header in frame.headers:
            substitutions += self.substitutions(header, context)
        return Compound(
            frame.kind,
            self.source,
            node.start_byte,
            max(node.end_byte, pieces.end),
            frame.blocks,
            tuple(pieces.redirections),
            (*substitutions, *pieces.substitutions),
            frame.name,
            frame.has_default,
        )

    def word(self, start: int, end: int, *, is_test: bool = False) -> ShellWord:
        """Makes a word of a slice of the script.

        Where it is none, raises `TornWordError`; between ``[[`` and ``]]`` it is taken as
        it is written.
        """
        word = ShellWord(self.source, start, end)
        if start < end and _SOUND.fullmatch(self.text, start, end) is None:
            try:
                _ = word.parts
            except TornWordError:
                if not is_test:
                    raise
                return ShellWord(self.source, start, end, verbatim=True)
        return word

    def gap_in_line(self, start: int, end: int) -> str:
        """Returns the text between two pieces of one command, continuations taken out."""
        return self.text[start:end].replace("\\\n", "")

    def redirection(self, node: Node) -> tuple[Redirection, list[Node]]:
        """Builds a redirection; also returns words that the grammar put into it."""
        descriptor, operator, words = self._redirection_parts(node)
        name, body = operator.type, None
        heredoc = self.heredocs.get(operator.start_byte)
        if heredoc is not None:
            name, body = heredoc.operator, heredoc.body
            self.unseen.discard(heredoc.start)
        target, end = None, operator.end_byte
        if words and self.gap_in_line(end, words[0].start_byte).strip(" \t"):
            raise UnreadableError("text that the grammar skipped", end)
        if words and not name.endswith("&-"):
            target, words = self._target(words)
            end = target.end
        found = Redirection(self.source, node.start_byte, end, name, descriptor, target, body)
        return found, words

    def _redirection_parts(self, node: Node) -> tuple[int | None, Node, list[Node]]:
        first, *rest = node.children
        if first.type != "file_descriptor":
            return None, first, rest
        digits = self.text[first.start_byte : first.end_byte]
        if _DESCRIPTOR.fullmatch(digits) is None:
            raise UnreadableError("a descriptor that is not understood", node.start_byte)
        return int(digits), rest[0], rest[1:]

    def _target(self, nodes: list[Node]) -> tuple[ShellWord, list[Node]]:
        count = 1
        while count < len(nodes) and nodes[count].start_byte == nodes[count - 1].end_byte:
            count += 1
        if not all(is_tight(node, node.start_byte) for node in nodes[:count]):
            raise UnreadableError("a word with a gap", nodes[0].start_byte)
        return self.word(nodes[0].start_byte, nodes[count - 1].end_byte), nodes[count:]

    def substitutions(self, node: Node, context: frozenset[Context]) -> Iterator[Chain]:
        """Builds the chains of the outermost substitutions inside ``node``, in order."""
        inside: frozenset[Context] = context.union(("command-substitution",))
        stack = [node]
        while stack:
            node = stack.pop()
            if node.type not in SUBSTITUTIONS:
                stack += node.children[::-1]
                continue
            opening, *nodes, closing = node.children
            start, end = opening.end_byte, closing.start_byte
            if opening.type == "`" and _BACKTICK_ESCAPE.search(self.text, start, end):
                raise UnreadableError("an escape inside backticks", start)
            yield self.chain(nodes, start, end, inside)

    def heredoc_substitutions(
        self, redirection: Redirection, context: frozenset[Context]
    ) -> Iterator[Chain]:
        """Builds the chains inside the lines of a here-document that the shell expands."""
        assert redirection.target is not None
        assert redirection.body is not None
        start, end = redirection.body
        lines = self.source.text[start:end]
        if redirection.quoted:
            return
        if "`" in lines:
            raise UnreadableError("backticks in a here-document", start)
        if "$(" not in lines:
            return
        # The grammar is shown this document alone, at its own place.
        delimiter = redirection.target.text
        opening = f"a {redirection.operator}{delimiter}\n"
        if len(opening) > start:
            raise UnreadableError("a here-document behind no command", start)
        shown = f"{' ' * (start - len(opening))}{opening}{lines}{delimiter}"
        without, self.text, self.nested = self.text, self.source.text, True
        yield from self.substitutions(read_tree(shown), context)
        self.text = without


_TESTS = frozenset(
    ("test_command", "unary_expression", "binary_expression", "parenthesized_expression")
)


def _leaves(node: Node, text: str) -> Iterator[Node]:
    """Yields the operands and operators between ``[[`` and ``]]``, and these."""
    if text[node.start_byte : node.start_byte + 3].rstrip(" \t\n") != "[[":
        raise UnreadableError("a test that is not understood", node.start_byte)
    stack = [node]
    while stack:
        node = stack.pop()
        if node.type in _TESTS:
            stack += node.children[::-1]
        else:
            yield node
