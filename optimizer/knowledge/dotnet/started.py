"""What C# code starts. Source: the API of System.Diagnostics (Process, ProcessStartInfo)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from optimizer.knowledge.code import Code, Found, Grammar, Value, name_of, note_faults, read, unread
from optimizer.knowledge.started import Started

if TYPE_CHECKING:
    from tree_sitter import Node

_WORDS: Final = re.compile(r"\bProcess\b|StartInfo\b|CliWrap")
_START: Final = re.compile(r"(?:System\.Diagnostics\.)?Process\.Start")
_WRAP: Final = re.compile(r"(?:CliWrap\.)?Cli\.Wrap")
_INFO: Final = re.compile(r"(?:System\.Diagnostics\.)?ProcessStartInfo")


def started(source: bytes) -> Started:
    """Returns what a source starts, as `Reader.started` does."""
    code = read(source, _GRAMMAR)
    if code is None:
        return unread(source, re.compile(_WORDS.pattern.encode()))
    found = Found()
    for node in code.nodes:
        if node.type == "invocation_expression":
            name = code.called(node) or ""
            if _WRAP.fullmatch(name) or (_START.fullmatch(name) and not _by_info(code, node)):
                found.words(_at(code, node), node)
        elif node.type in ("object_creation_expression", "implicit_object_creation_expression"):
            _new(code, node, found)
        elif node.type == "assignment_expression":
            _file_name(code, node, found)
    note_faults(code, found, _WORDS)
    return found.result()


def _by_info(code: Code, node: Node) -> bool:
    """``Process.Start(info)``: what it starts stands where the info is made."""
    arguments = code.arguments(node)
    if len(arguments) != 1:
        return False
    values = code.values(arguments[0])
    return values == (None,)


def _new(code: Code, node: Node, found: Found) -> None:
    kind = node.child_by_field_name("type")
    if kind is not None and _INFO.fullmatch(name_of(kind)) and code.arguments(node):
        found.words(_at(code, node), node)


def _file_name(code: Code, node: Node, found: Found) -> None:
    left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
    if left is None or right is None:
        return
    if re.fullmatch(r"(?:.*\.)?FileName", name_of(left), re.DOTALL):
        found.words(code.values(right), node)


def _at(code: Code, node: Node) -> Sequence[Value]:
    arguments = code.arguments(node)
    return code.values(arguments[0]) if arguments else (None,)


_GRAMMAR: Final = Grammar(
    "c_sharp",
    strings=frozenset(
        ("string_literal", "verbatim_string_literal", "interpolated_string_expression",
         "raw_string_literal")
    ),
    lists=frozenset(),
    names=frozenset(("identifier",)),
    binds={
        "variable_declarator": ("name", "value"),
        "assignment_expression": ("left", "right"),
    },
    takes={"parameter_list": "", "foreach_statement": "left", "catch_declaration": ""},
    calls={
        "invocation_expression": ("function", "arguments"),
        "object_creation_expression": ("type", "arguments"),
    },
    transparent=frozenset(("parenthesized_expression", "argument", "cast_expression")),
    joins=frozenset(("binary_expression",)),
    choices={"conditional_expression": (1, 2)},
    also=frozenset(("implicit_object_creation_expression",)),
)  # fmt: skip
