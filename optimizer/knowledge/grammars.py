"""Manifests that are programs, as syntax trees. They are read here and never run.

Ruby and Elixir are parsed by the grammars of tree-sitter, which are loaded on first use.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from importlib import import_module
from time import thread_time
from typing import TYPE_CHECKING, Any, Final

from optimizer.knowledge.manifests import Survey, hold, unreadable

if TYPE_CHECKING:
    from tree_sitter import Node, Parser

LONGEST: Final = 128 * 1024
"""In bytes; the longest Gemfile and mix.exs of public repositories have a tenth of it."""

_CPU_SECONDS = 0.05
_CPU_SECONDS_PER_BYTE = 4e-6
"""A grammar repairs bad input in time quadratic in its length."""


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
    parser = _parser(language)
    stop_at = thread_time() + _CPU_SECONDS + _CPU_SECONDS_PER_BYTE * len(data)
    try:
        root = parser.parse(
            lambda offset, _: data[offset:],
            progress_callback=lambda _, __: thread_time() > stop_at,
        ).root_node
    except ValueError:
        parser.reset()
        unreadable(path, f"cannot be parsed as {language.capitalize()}", 1)
    if root.has_error:
        line = next((line_of(node) for node in descendants(root) if is_broken(node)), 1)
        unreadable(path, f"is not valid {language.capitalize()}", line)
    return root


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


@cache
def _parser(language: str) -> Parser:
    from tree_sitter import Language, Parser

    module: Any = import_module(f"tree_sitter_{language}")
    return Parser(Language(module.language()))
