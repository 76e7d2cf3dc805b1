"""The values that stand in sources, as far as the text of one file tells.

What a name stands for is the union of all that the file assigns to it, wherever that is; a name
that something else may set (a parameter, a loop, a caught error) is not known. Nothing is run.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Final, TypeAlias

from optimizer.knowledge.grammars import descendants, find, is_broken, line_of, parse, text_of
from optimizer.knowledge.installs import HOLE
from optimizer.knowledge.started import ANYTHING, Place, Started

if TYPE_CHECKING:
    from tree_sitter import Node

Value: TypeAlias = "str | tuple[str | None, ...] | None"
"""A text with `HOLE` for what is not known in it, or a list of such texts, where None stands for
any number of items; None where even that is not known."""

MOST_VALUES: Final = 8
"""Values that one expression may have; with more it is not known."""
_DEEPEST: Final = 12
_MOST_NODES: Final = 200_000
"""Nodes of one source that are looked at."""
_MOST_STEPS: Final = 100_000
"""Expressions of one source that are followed, each time that they are."""
_MOST_MENTIONS: Final = 5_000
_LONGEST_NAME: Final = 400
"""In bytes."""

_ESCAPE: Final = re.compile(
    r"\\(?:(\r?\n)|u\{?([0-9a-fA-F]{1,6})\}?|x([0-9a-fA-F]{2})|(.))", re.DOTALL
)
_CONTROL: Final = {"n": "\n", "t": "\t", "r": "\r", "0": HOLE}
_CONTENT: Final = re.compile(r".*(?:_content|_fragment)")
_DOTTED: Final = re.compile(r"[\w$@\\]+(?:(?:\??\.|::|->)[\w$]+)*")
_CHANGES: Final = re.compile(
    r"(.+?)(?:\.|->)(?:insert|unshift|reverse|sort|shift|pop|splice|prepend|replace|clear)!?"
)
"""Methods that put something else in front of a list."""
_APPENDS: Final = re.compile(r"(.+?)(?:\.|->)(?:append|extend|push|add|addAll)")

_PLUS: Final = frozenset(("+", "."))
_OR: Final = frozenset(("||", "??", "or"))


@dataclass(frozen=True, slots=True)
class Grammar:
    """The names that a grammar of tree-sitter has for what is needed here.

    ``binds`` are the nodes that give a name a value, with the fields of both; ``takes`` those
    whose names (below the field or the child with this number, anywhere in them where it is "") get
    a value that is not known. ``constants`` are texts of expressions with the text that they stand
    for; ``special`` answers for expressions of the language's own, None where it knows none.
    """

    language: str
    strings: frozenset[str]
    lists: frozenset[str]
    names: frozenset[str]
    binds: Mapping[str, tuple[str, str]]
    takes: Mapping[str, str]
    calls: Mapping[str, tuple[str, str]]
    """The nodes that call something, with the fields of the function and of its arguments."""
    extends: Mapping[str, str] = field(default_factory=dict)
    """The nodes of ``+=`` and its like, with the field of the name."""
    transparent: frozenset[str] = frozenset()
    """Nodes that are what their last child is: parentheses, casts, arguments."""
    joins: frozenset[str] = frozenset()
    """Nodes of operators with two sides."""
    choices: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    """Nodes of conditional expressions, with the places of both answers among their children."""
    constants: Mapping[str, str] = field(default_factory=dict)
    special: Callable[[Code, Node, int], Sequence[Value] | None] | None = None
    also: frozenset[str] = frozenset()
    """Other nodes that the reader looks at."""

    @property
    def looked_at(self) -> frozenset[str]:
        """The kinds of nodes that are ever looked at by themselves."""
        return self.also.union(self.binds, self.takes, self.calls, self.extends)


def read(source: bytes, *grammars: Grammar) -> Code | None:
    """Returns the code of a source by the first of ``grammars`` that has no fault with it, else by
    the last; None where it takes too long to read."""
    found: Code | None = None
    for grammar in grammars:
        root = parse(source, grammar.language)
        if root is not None:
            found = Code(root, grammar)
            if not root.has_error:
                break
    return found


@dataclass
class Code:
    """One source."""

    root: Node
    grammar: Grammar

    _left: list[int] = field(default_factory=lambda: [_MOST_STEPS], repr=False)

    @cached_property
    def nodes(self) -> tuple[Node, ...]:
        """The nodes that are looked at, in the order of the text, and what is broken."""
        return find(self.root, self.grammar.language, self.grammar.looked_at)[:_MOST_NODES]

    def mentions(self, pattern: re.Pattern[bytes]) -> Iterator[Node]:
        """Yields the smallest node with a name of its own around each match of ``pattern``."""
        for match in islice(pattern.finditer(self.bytes), _MOST_MENTIONS):
            node = self.root.named_descendant_for_byte_range(match.start(), match.end())
            if node is not None:
                yield node

    @property
    def is_whole(self) -> bool:
        """Whether all of it was looked at so far."""
        return len(self.nodes) < _MOST_NODES and self._left[0] > 0

    def _below(self, node: Node) -> Iterator[Node]:
        for each in descendants(node):
            self._left[0] -= 1
            if self._left[0] <= 0:
                return
            yield each

    @cached_property
    def bytes(self) -> bytes:
        """The whole text."""
        return self.root.text or b""

    @cached_property
    def assigned(self) -> Mapping[str, tuple[Node | None, ...]]:
        """The expressions that each name is given, None for a value that is not known."""
        found: dict[str, list[Node | None]] = {}
        for node in self.nodes:
            for name, value in self._bound(node):
                found.setdefault(name, []).append(value)
        return {name: tuple(values) for name, values in found.items()}

    @cached_property
    def extended(self) -> frozenset[str]:
        """The names behind whose values something is put."""
        found: set[str] = set()
        for node in self.nodes:
            name = node.child_by_field_name(self.grammar.extends.get(node.type, "left"))
            if node.type in self.grammar.extends and name is not None:
                found.add(name_of(name))
            elif node.type in self.grammar.calls:
                appended = _APPENDS.fullmatch(self.called(node) or "")
                found.update([appended[1]] if appended is not None else ())
        return frozenset(found)

    def _bound(self, node: Node) -> Iterator[tuple[str, Node | None]]:
        fields = self.grammar.binds.get(node.type)
        if fields is not None:
            name, value = node.child_by_field_name(fields[0]), node.child_by_field_name(fields[1])
            value = value or (node.named_children[-1] if node.named_child_count > 1 else None)
            if name is not None and value is not None and value != name:
                yield from self._paired(name, value)
        taken = self.grammar.takes.get(node.type)
        if taken is not None:
            inside = _part(node, taken)
            for each in self._below(inside) if inside is not None else ():
                if each.type in self.grammar.names:
                    yield name_of(each), None
        if node.type in self.grammar.calls:
            changed = _CHANGES.fullmatch(self.called(node) or "")
            if changed is not None:
                yield changed[1], None

    def _paired(self, name: Node, value: Node) -> Iterator[tuple[str, Node | None]]:
        """Go's ``a, b = 1, 2``; other patterns take values that are not known."""
        names, values = name.named_children, value.named_children
        if name.type.endswith("_list") and value.type.endswith("_list"):
            if len(names) == len(values):
                yield from ((name_of(n), v) for n, v in zip(names, values, strict=True))
                return
        elif _DOTTED.fullmatch(name_of(name)):
            is_one = value.type == "expression_list" and len(values) == 1
            yield name_of(name), values[0] if is_one else value
            return
        for each in self._below(name):
            if each.type in self.grammar.names:
                yield name_of(each), None

    def called(self, node: Node) -> str | None:
        """Returns the name of what a call calls (``subprocess.run``), "" for what has none."""
        function = node.child_by_field_name(self.grammar.calls[node.type][0])
        return "" if function is None else dotted(function)

    def arguments(self, node: Node) -> list[Node]:
        """Returns the arguments of a call, without comments."""
        found = node.child_by_field_name(self.grammar.calls[node.type][1])
        if found is None:
            found = next((c for c in node.named_children if "argument" in c.type), None)
        children = found.named_children if found is not None else []
        return [child for child in children if child.type != "comment"]

    def values(self, node: Node, depth: int = 0) -> tuple[Value, ...]:
        """Returns what an expression may stand for."""
        self._left[0] -= 1
        if depth >= _DEEPEST or self._left[0] <= 0:
            return (None,)
        found = tuple(dict.fromkeys(self._values(node, depth)))
        return found if 0 < len(found) <= MOST_VALUES else (None,)

    def _values(self, node: Node, depth: int) -> Iterable[Value]:
        grammar = self.grammar
        if grammar.special is not None:
            special = grammar.special(self, node, depth)
            if special is not None:
                return special
        if node.type in grammar.strings:
            return (string(node),)
        if node.type in grammar.lists:
            return self._list(node, depth)
        if node.type in grammar.transparent and node.named_child_count:
            return self.values(node.named_children[-1], depth + 1)
        if node.type in grammar.choices:
            children = [child for child in node.named_children if child.type != "comment"]
            places = [at for at in grammar.choices[node.type] if at < len(children)]
            return [value for at in places for value in self.values(children[at], depth + 1)]
        if node.type in grammar.joins:
            return self._joined(node, depth)
        text = name_of(node)
        if text in grammar.constants:
            return (grammar.constants[text],)
        return self._named(text, depth) if _DOTTED.fullmatch(text) else (None,)

    def _named(self, text: str, depth: int) -> Iterable[Value]:
        own = re.sub(r"^(?:self|cls|this|static|@+)(?:\.|->|::)?\$?", "", text)
        bound = self.assigned.get(text) or self.assigned.get(own)
        if not bound or len(bound) > MOST_VALUES:
            return (None,)
        values = [
            value
            for each in bound
            for value in ((None,) if each is None else self.values(each, depth + 1))
        ]
        is_longer = text in self.extended or own in self.extended
        return [join(value, None) for value in values] if is_longer else values

    def _list(self, node: Node, depth: int) -> Iterable[Value]:
        return self.listed(node.named_children, depth)

    def listed(self, nodes: Iterable[Node], depth: int = 0) -> Iterable[Value]:
        """Returns the lists that expressions, one behind the other, make."""
        lists: list[tuple[str | None, ...]] = [()]
        for child in nodes:
            if child.type == "comment":
                continue
            spread = "spread" in child.type or "splat" in child.type or "variadic" in child.type
            inner = child.named_children[-1] if spread and child.named_child_count else child
            items = [_item(value, spread) for value in self.values(inner, depth + 1)]
            lists = [before + item for before in lists for item in items][: MOST_VALUES + 1]
        return lists

    def _joined(self, node: Node, depth: int) -> Iterable[Value]:
        sides = [child for child in node.named_children if child.type != "comment"]
        operators = {child.type for child in node.children if not child.is_named}
        if operators and operators <= _OR:
            return [value for side in sides for value in self.values(side, depth + 1)]
        if operators - _PLUS:
            return (None,)
        found: list[Value] = [*self.values(sides[0], depth + 1)] if sides else [None]
        for side in sides[1:]:
            others = self.values(side, depth + 1)
            found = [join(one, other) for one in found for other in others][: MOST_VALUES + 1]
        return found


def _part(node: Node, place: str) -> Node | None:
    if place.isdigit():
        return node.named_children[int(place)] if int(place) < node.named_child_count else None
    return node.child_by_field_name(place) if place else node


def _item(value: Value, spread: bool) -> tuple[str | None, ...]:
    if isinstance(value, tuple):
        return value if spread else (HOLE,)
    return (None,) if spread else (HOLE if value is None else value,)


def join(one: Value, other: Value) -> Value:
    """Returns what ``+`` makes of two values."""
    if isinstance(one, str):
        return one + (other if isinstance(other, str) else HOLE)
    if isinstance(one, tuple):
        return one + (other if isinstance(other, tuple) else (None,))
    return HOLE + other if isinstance(other, str) else None


def dotted(node: Node) -> str:
    """Returns the text of a name such as ``a.b.c``, "" for an expression that is none."""
    text = "".join(name_of(node).split())
    return text if _DOTTED.fullmatch(text) else ""


def name_of(node: Node) -> str:
    """Returns the text of a node, "" for one that is too long for a name."""
    return text_of(node) if node.end_byte - node.start_byte <= _LONGEST_NAME else ""


def string(node: Node) -> str:
    """Returns the text of a string, with `HOLE` for what is put into it."""
    raw = text_of(node)
    if not node.named_child_count:
        return _unquoted(raw)
    found: list[str] = []
    is_raw = "raw" in node.type or re.match(r"[a-zA-Z]*[rR][a-zA-Z]*[\"']", raw) is not None
    for child in node.named_children:
        if child.type == "escape_sequence" or _CONTENT.fullmatch(child.type):
            text = text_of(child)
            found.append(text if is_raw else _ESCAPE.sub(_unescaped, text))
        elif child.type in ("string", "string_literal", "encapsed_string"):
            found.append(string(child))
        elif not child.type.endswith(("_start", "_end")):
            found.append(HOLE)
    return "".join(found)


def _unquoted(raw: str) -> str:
    quoted = re.fullmatch(r"[@$a-zA-Z]*([\"'`]{1,3})(.*)\1", raw, re.DOTALL)
    return quoted[2] if quoted is not None else ""


def _unescaped(match: re.Match[str]) -> str:
    newline, long, short, char = match.groups()
    if newline:
        return ""
    if long or short:
        number = int(long or short, 16)
        return chr(number) if 0 < number < 0x110000 and not 0xD800 <= number < 0xE000 else HOLE
    return _CONTROL.get(char, char)


@dataclass
class Found:
    """What was found to be started so far."""

    commands: dict[tuple[str, ...], None] = field(default_factory=dict)
    scripts: dict[str, None] = field(default_factory=dict)
    opaque: Place | None = None

    def words(self, lists: Iterable[Value], node: Node) -> None:
        """Notes lists of words that start a program each; a text is the program itself."""
        for value in lists:
            listed = (value,) if isinstance(value, str) else value or (None,)
            known: list[str] = []
            for word in listed:
                if word is None:
                    break
                known.append(word)
            if not known or HOLE in known[0].rpartition("/")[2] or not known[0].strip():
                self.unknown(node)
            else:
                self.commands[tuple(known)] = None

    def script(self, texts: Iterable[Value], node: Node) -> None:
        """Notes texts that a shell reads; of a list, it is the first word."""
        for value in texts:
            text = value[0] if isinstance(value, tuple) and value else value
            if not isinstance(text, str) or not text.strip() or text.startswith(HOLE):
                self.unknown(node)
            else:
                self.scripts[text.replace(HOLE, ANYTHING)] = None

    def split(self, texts: Iterable[Value], node: Node) -> None:
        """Notes texts that are split at blanks, without a shell."""
        self.words((tuple(v.split()) if isinstance(v, str) else v for v in texts), node)

    def unknown(self, node: Node) -> None:
        """Notes that something is started there that is not known."""
        if self.opaque is None:
            shown = " ".join(text_of(node).split())
            self.opaque = Place(line_of(node), shown if len(shown) <= 60 else shown[:59] + "…")

    def result(self) -> Started:
        """Returns all that was noted."""
        return Started(tuple(self.commands), tuple(self.scripts), self.opaque)


def unread(source: bytes, words: re.Pattern[bytes]) -> Started:
    """Returns the answer for a source that cannot be parsed: unknown where it names ``words``."""
    found = words.search(source)
    if found is None:
        return Started()
    line = source.count(b"\n", 0, found.start()) + 1
    return Started(opaque=Place(line, found[0].decode("utf-8", "replace").strip()))


def note_faults(code: Code, found: Found, words: re.Pattern[str]) -> None:
    """Notes a fault of syntax as unknown where its text names one of ``words``."""
    if not code.is_whole:
        found.unknown(code.root)
    end = 0
    for node in code.nodes if code.root.has_error else ():
        # What lies in a part that was looked at need not be looked at again.
        if node.end_byte > end and is_broken(node):
            end = node.end_byte
            if words.search(text_of(node)):
                found.unknown(node)
                return
