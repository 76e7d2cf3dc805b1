"""What PHP code starts.

Sources: the PHP manual (program execution functions, pcntl_exec, popen, mail), and the
documentation of symfony/process and of Laravel's Process facade.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from optimizer.knowledge.code import (
    Code,
    Found,
    Grammar,
    Value,
    name_of,
    note_faults,
    read,
    string,
    unread,
)
from optimizer.knowledge.installs import HOLE
from optimizer.knowledge.started import Started

if TYPE_CHECKING:
    from tree_sitter import Node

_WORDS: Final = re.compile(r"(?i)\b(?:\w*exec|passthru|system|proc_open|popen)\b|`|\bProcess\b")

_SHELL: Final = frozenset(("exec", "shell_exec", "passthru", "system", "popen"))
_CALLERS: Final = frozenset(("call_user_func", "call_user_func_array", "array_map"))
_MAIL: Final = frozenset(("mail", "mb_send_mail"))
_PROCESS: Final = re.compile(r"(?:\\?Symfony\\Component\\Process\\)?Process")
_FACADE: Final = frozenset(("run", "start", "command", "pipe", "path"))


def started(source: bytes) -> Started:
    """Returns what a source starts, as `Reader.started` does."""
    code = read(source, _GRAMMAR)
    if code is None:
        return unread(source, re.compile(_WORDS.pattern.encode()))
    found = Found()
    for node in code.nodes:
        if node.type == "function_call_expression":
            _function(code, node, found)
        elif node.type == "shell_command_expression":
            found.script([string(node)], node)
        elif node.type == "object_creation_expression":
            _new(code, node, found)
        elif node.type == "scoped_call_expression":
            _static(code, node, found)
    note_faults(code, found, _WORDS)
    return found.result()


def _function(code: Code, node: Node, found: Found) -> None:
    name = (code.called(node) or "").lower().rpartition("\\")[2]
    if name in _SHELL:
        found.script(_at(code, node, 0), node)
    elif name == "proc_open":
        for value in _at(code, node, 0):
            # A list goes to no shell (PHP 7.4).
            if isinstance(value, tuple):
                found.words([value], node)
            else:
                found.script([value], node)
    elif name == "pcntl_exec":
        found.words(_at(code, node, 0), node)
    elif name in _MAIL:
        # sendmail_path, by default "sendmail -t -i".
        found.words(["sendmail"], node)
    elif name in _CALLERS and any(value in _SHELL for value in _at(code, node, 0)):
        found.unknown(node)


def _new(code: Code, node: Node, found: Found) -> None:
    kind = next((child for child in node.named_children if "name" in child.type), None)
    if kind is None or not _PROCESS.fullmatch(name_of(kind)):
        return
    if b"Symfony" not in code.bytes:
        return
    for value in _at(code, node, 0):
        if isinstance(value, str):
            # A text went to a shell before Symfony 5.
            found.script([value], node)
        else:
            found.words([value], node)


def _static(code: Code, node: Node, found: Found) -> None:
    scope, name = node.child_by_field_name("scope"), node.child_by_field_name("name")
    if scope is None or name is None or not _PROCESS.fullmatch(name_of(scope)):
        return
    method = name_of(name)
    is_facade = method in _FACADE and b"Facades" in code.bytes
    if method == "fromShellCommandline" or is_facade:
        found.script(_at(code, node, 0), node)


def _at(code: Code, node: Node, at: int) -> Sequence[Value]:
    arguments = code.arguments(node)
    return code.values(arguments[at]) if at < len(arguments) else (None,)


def _special(code: Code, node: Node, depth: int) -> Sequence[Value] | None:
    """``sprintf("a %s", $x)``, ``implode(" ", $words)``, ``escapeshellcmd($text)``."""
    if node.type == "array_creation_expression":
        return list(code.listed(_items(node), depth))
    if node.type != "function_call_expression":
        return None
    name, arguments = (code.called(node) or "").lower(), code.arguments(node)
    if name == "sprintf" and arguments:
        values = code.values(arguments[0], depth + 1)
        return [_VERB.sub(HOLE, value) if isinstance(value, str) else None for value in values]
    if name in ("implode", "join") and len(arguments) == 2:
        lists = code.values(arguments[1], depth + 1)
        return [
            " ".join(HOLE if word is None else word for word in each)
            if isinstance(each, tuple)
            else None
            for each in lists
        ]
    if name in ("escapeshellcmd", "trim", "array_merge", "array_filter") and arguments:
        return code.values(arguments[0], depth + 1)
    return None


def _items(node: Node) -> Iterator[Node]:
    for child in node.named_children:
        if child.type == "array_element_initializer" and child.named_child_count:
            yield child.named_children[-1]


_VERB: Final = re.compile(r"%(?:\d+\$)?[-+ 0-9.']*[a-zA-Z]")

_GRAMMAR: Final = Grammar(
    "php",
    strings=frozenset(("string", "encapsed_string", "heredoc", "nowdoc")),
    lists=frozenset(),
    names=frozenset(("variable_name",)),
    binds={
        "assignment_expression": ("left", "right"),
        "const_element": ("name", "value"),
        "property_element": ("name", "default_value"),
    },
    takes={
        "formal_parameters": "",
        "foreach_statement": "1",
        "catch_clause": "name",
        "list_literal": "",
    },
    calls={
        "function_call_expression": ("function", "arguments"),
        "scoped_call_expression": ("name", "arguments"),
        "object_creation_expression": ("name", "arguments"),
    },
    extends={"augmented_assignment_expression": "left"},
    transparent=frozenset(("parenthesized_expression", "argument", "expression_statement")),
    joins=frozenset(("binary_expression",)),
    choices={"conditional_expression": (1, 2)},
    constants={"PHP_BINARY": "php"},
    special=_special,
    also=frozenset(("shell_command_expression",)),
)
