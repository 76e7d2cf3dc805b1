"""Manifests that are programs, and sources, as syntax trees. They are read here and never run.

They are parsed by the grammars of tree-sitter, which are loaded on first use.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from importlib import import_module
from time import thread_time
from typing import TYPE_CHECKING, Any, Final

from optimizer.knowledge.manifests import Survey, hold, unreadable

if TYPE_CHECKING:
    from tree_sitter import Node, Parser, Query

LONGEST: Final = 128 * 1024
"""In bytes; the longest Gemfile and mix.exs of public repositories have a tenth of it."""

_CHUNK: Final = 4096
"""In bytes: the text of each node is asked for in pieces of this length."""
_CPU_SECONDS = 0.05
_CPU_SECONDS_PER_BYTE = 4e-6
"""A grammar repairs bad input in time quadratic in its length."""

_FUNCTIONS: Final = {
    "php": ("php", "language_php"),
    "tsx": ("typescript", "language_tsx"),
    "typescript": ("typescript", "language_typescript"),
}
"""Packages that hold several grammars, and the function of each."""


def read_program(survey: Survey, path: str, language: str) -> Node:
    """Returns the tree of the file at ``path``, which is noted as read.

    ``language`` is ``ruby`` or ``elixir``. Raises `Held` where the file is too long, cannot be
    read or has an error of syntax.
    """
    data = survey.content(path)
    if len(data) > LONGEST:
        hold(
            "unreadable-manifest",
            f"{path} has {len(data)} bytes, which is more than dockopt looks at in a program.",
            "Make the file shorter.",
            path,
        )
    root = parse(data, language)
    if root is None:
        unreadable(path, f"cannot be parsed as {language.capitalize()}", 1)
    if root.has_error:
        line = next((line_of(node) for node in descendants(root) if is_broken(node)), 1)
        unreadable(path, f"is not valid {language.capitalize()}", line)
    return root


def parse(data: bytes, language: str) -> Node | None:
    """Returns the tree of a source, None where it takes too long to read.

    ``language`` is the name of a grammar: ``ruby``, ``python``, ``typescript``, ``tsx``, ... A tree
    of bad syntax has nodes that are broken, see `is_broken`.
    """
    parser = _parser(language)
    stop_at = thread_time() + _CPU_SECONDS + _CPU_SECONDS_PER_BYTE * len(data)
    try:
        return parser.parse(
            lambda offset, _: data[offset : offset + _CHUNK],
            progress_callback=lambda _, __: thread_time() > stop_at,
        ).root_node
    except ValueError:
        parser.reset()
        return None


def is_broken(node: Node) -> bool:
    """Tells whether the grammar could not read ``node``, or put it in to be able to go on."""
    return node.is_error or node.is_missing


def descendants(node: Node) -> Iterator[Node]:
    """Yields ``node`` and everything below it, in the order of the text."""
    queue = [node]
    while queue:
        found = queue.pop()
        yield found
        queue.extend(reversed(found.children))


def text_of(node: Node) -> str:
    """Returns the text of ``node``."""
    return (node.text or b"").decode("utf-8", "replace")


def line_of(node: Node) -> int:
    """Returns the line on which ``node`` begins, from 1."""
    return node.start_point[0] + 1


def find(root: Node, language: str, kinds: frozenset[str]) -> tuple[Node, ...]:
    """Returns the nodes of these kinds below ``root``, and those that are errors of syntax, in the
    order of the text. Kinds that the grammar does not have are none."""
    from tree_sitter import QueryCursor

    captured = QueryCursor(_query(language, kinds)).captures(root)
    found = [node for nodes in captured.values() for node in nodes]
    return tuple(sorted(found, key=lambda node: (node.start_byte, -node.end_byte)))


@cache
def _query(language: str, kinds: frozenset[str]) -> Query:
    from tree_sitter import Query

    grammar = _parser(language).language
    assert grammar is not None
    known = [kind for kind in sorted(kinds) if grammar.id_for_node_kind(kind, True) is not None]
    return Query(grammar, "".join(f"({kind}) @found\n" for kind in (*known, "ERROR")))


@cache
def _parser(language: str) -> Parser:
    from tree_sitter import Language, Parser

    package, function = _FUNCTIONS.get(language, (language, "language"))
    module: Any = import_module(f"tree_sitter_{package}")
    return Parser(Language(getattr(module, function)()))
