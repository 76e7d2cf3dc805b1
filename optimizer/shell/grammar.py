"""tree-sitter-bash, called so that it reads what a shell reads, with offsets in characters.

The only module that imports tree-sitter-bash, on first use.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from time import thread_time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from tree_sitter import Node, Parser, Tree

JOINTS: Final = frozenset(("&&", "||", "|", "|&", ";", "&"))
REDIRECTS: Final = frozenset(("file_redirect", "herestring_redirect"))
SUBSTITUTIONS: Final = frozenset(("command_substitution", "process_substitution"))
WORDS_ONLY: Final = frozenset(("declaration_command", "unset_command", "test_command"))
"""Simple commands without assignments in front."""
SIMPLE: Final = WORDS_ONLY | {"command", "variable_assignment", "variable_assignments"}
COMPOUND: Final = frozenset(
    (
        *("subshell", "compound_statement", "if_statement", "while_statement"),
        *("for_statement", "c_style_for_statement", "case_statement", "function_definition"),
    )
)
WORDS: Final = frozenset(
    (
        *("word", "string", "raw_string", "ansi_c_string", "translated_string", "number", "$"),
        *("simple_expansion", "expansion", "arithmetic_expansion", "brace_expression"),
        *("command_substitution", "process_substitution"),
        *("variable_assignment", "variable_name"),
        *("declare", "typeset", "export", "readonly", "local", "unset", "unsetenv"),
    )
)
"""Pieces of words."""
RESERVED: Final = frozenset(
    (
        *("!", "{", "}", "case", "do", "done", "elif", "else", "esac", "fi", "for", "function"),
        *("if", "in", "select", "then", "until", "while", "coproc", "]]"),
    )
)
"""A simple command of such a name is a compound command that the grammar did not recognise."""

_CPU_SECONDS = 0.05
_CPU_SECONDS_PER_CHARACTER = 4e-6
"""The grammar repairs bad input in time quadratic in its length; a script that it reads
takes a fortieth of this budget."""

_MOST_PIPES = 2000
"""Bad input behind a pipeline is repaired in one step that cannot be stopped, in time
quadratic in the pipeline's length: 16,000 commands take 5 seconds, 2,000 a tenth."""

_STRANGE = re.compile(r"[^\t\n -~]")
_BRACKET = re.compile(r"(?<![^ \t\n;|&(!])\[(?!\[)")
_EQUALS = re.compile(r"(?<=[ \t])(?:==|=~)(?![^ \t\n;|&)])")
_BANG_BRACE = re.compile(r"(?<![^ \t\n;|&(])!(?=[ \t]+\{[ \t\n])")


class UnreadableError(Exception):
    """A script that cannot be read, or not for sure as a shell reads it; why, and where."""

    def __init__(self, reason: str, offset: int) -> None:
        super().__init__(reason)
        self.reason = reason
        self.offset = offset


def read_tree(text: str) -> Node:
    """Returns the root of the tree of ``text``, its byte offsets being offsets of characters.

    ``text`` holds no NUL: the grammar takes time quadratic in their number, and cannot be
    stopped while it does. Raises `UnreadableError`.
    """
    tree = _tree(text) if text.count("|") <= _MOST_PIPES else None
    if tree is None:
        raise UnreadableError("a script that takes too long to read", 0)
    root = tree.root_node
    if root.has_error:
        raise UnreadableError("shell syntax that is not understood", _first_error(root))
    return root


def is_tight(node: Node, start: int) -> bool:
    """Whether ``node`` begins at ``start`` and has no gap between its pieces."""
    if node.start_byte != start:
        return False
    if node.type == "concatenation":
        for child in node.children:
            if child.start_byte != start or child.type not in WORDS:
                return False
            start = child.end_byte
    return True


@lru_cache(256)
def _tree(text: str) -> Tree | None:
    # Kept for more than speed: the binding never lets go of what a reader gives it, so a server
    # that parsed the same command at each keystroke would grow.
    data = _masked(text).encode("ascii")
    parser = _parser()
    stop_at = thread_time() + _CPU_SECONDS + _CPU_SECONDS_PER_CHARACTER * len(data)
    try:
        return parser.parse(
            lambda offset, _: data[offset:],
            progress_callback=lambda _, __: thread_time() > stop_at,
        )
    except ValueError:
        parser.reset()
        return None


@cache
def _parser() -> Parser:
    import tree_sitter
    import tree_sitter_bash

    return tree_sitter.Parser(tree_sitter.Language(tree_sitter_bash.language()))


def _masked(text: str) -> str:
    """Replaces characters one by one where the grammar would not read them as shells do.

    To a shell, everything but ASCII, and white space but blank, tab and line feed, is an
    ordinary character of a word. So are ``[`` and, outside ``[[`` and arithmetic, ``==``,
    for which the grammar has a syntax of its own. It does not know ``! {``: the gap that
    is left there says where one was.
    """
    if _STRANGE.search(text):
        text = _STRANGE.sub("\x01", text)
    if "[" in text:
        text = _BRACKET.sub("\x01", text)
    if "=" in text and "[[" not in text and "((" not in text:
        text = _EQUALS.sub("\x01\x01", text)
    if "! " in text and "{" in text:
        text = _BANG_BRACE.sub(" ", text)
    return text


def _first_error(root: Node) -> int:
    """Returns where the first piece that the grammar could not read begins."""
    node = root
    while not (node.is_error or node.is_missing):
        broken = (child for child in node.children if child.has_error or child.is_missing)
        child = next(broken, None)
        if child is None:
            break
        node = child
    return node.start_byte
