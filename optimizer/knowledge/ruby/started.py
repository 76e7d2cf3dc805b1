"""What Ruby code starts.

Sources: the documentation of Kernel (system, exec, spawn, backticks, open), Process, IO.popen,
Open3, PTY and Shellwords, and of the gems open4, posix-spawn and tty-command.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
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

_WORDS: Final = re.compile(r"\b(?:system|exec|spawn|popen\w*|Open3|Open4)\b|`|%x")

_KERNEL: Final = frozenset(("system", "exec", "spawn"))
_OWNERS: Final = frozenset(("", "Kernel", "Process", "::Kernel", "::Process", "POSIX::Spawn"))
_OPEN: Final = re.compile(
    r"(?:::)?(?:Open3\.(?:popen\w+|capture\w+|pipeline\w*)|Open4\.\w+|IO\.popen|PTY\.(?:spawn|getpty)"
    r"|POSIX::Spawn::Child\.(?:new|build))"
)
_COMMAND_OBJECT: Final = re.compile(r"TTY::Command\.new")
_SHELL_SIGNS: Final = re.compile(r"[ \t\n*?{}\[\]<>()~&|\\$;'`\"#=%]")
"""process.c, rb_exec_fillarg: a single text with one of these goes to a shell."""


def started(source: bytes) -> Started:
    """Returns what a source starts, as `Reader.started` does."""
    code = read(source, _GRAMMAR)
    if code is None:
        return unread(source, re.compile(_WORDS.pattern.encode()))
    found = Found()
    for node in code.nodes:
        if node.type == "subshell":
            found.script([string(node)], node)
        elif node.type == "call":
            _call(code, node, found)
    note_faults(code, found, _WORDS)
    return found.result()


def _call(code: Code, node: Node, found: Found) -> None:
    receiver, method = node.child_by_field_name("receiver"), node.child_by_field_name("method")
    if method is None:
        return
    owner, name = (name_of(receiver) if receiver is not None else ""), name_of(method)
    if (name in _KERNEL and owner in _OWNERS) or _OPEN.fullmatch(f"{owner}.{name}"):
        _start(code, node, found)
    elif _COMMAND_OBJECT.fullmatch(f"{owner}.{name}"):
        # tty-command starts what its object is asked to run, wherever that is.
        found.unknown(node)
    elif name in ("open", "read", "readlines") and owner in ("", "Kernel", "IO"):
        _piped(code, node, found)
    elif name in ("send", "public_send", "method", "__send__") and owner in _OWNERS:
        _sent(code, node, found)


def _start(code: Code, node: Node, found: Found) -> None:
    arguments = [each for each in code.arguments(node) if each.type not in _NOT_WORDS]
    if not arguments:
        found.unknown(node)
        return
    if len(arguments) == 1 and arguments[0].type != "splat_argument":
        for value in code.values(arguments[0]):
            if isinstance(value, str) and _SHELL_SIGNS.search(value.replace(HOLE, " ")):
                found.script([value], node)
            else:
                found.words([value], node)
        return
    found.words(code.listed(arguments), node)


_NOT_WORDS: Final = frozenset(("pair", "hash", "block_argument", "hash_splat_argument"))


def _piped(code: Code, node: Node, found: Found) -> None:
    """``open("|ls")``."""
    for value in code.values(code.arguments(node)[0]) if code.arguments(node) else ():
        if isinstance(value, str) and value.startswith("|"):
            found.script([value[1:]], node)


def _sent(code: Code, node: Node, found: Found) -> None:
    names = [name_of(each).lstrip(":") for each in code.arguments(node)[:1]]
    if any(name in _KERNEL for name in names):
        found.unknown(node)


def _special(code: Code, node: Node, depth: int) -> Sequence[Value] | None:
    """``words.join(" ")``, ``Shellwords.split(text)``, ``text.freeze``, ``%w[a b]``."""
    if node.type == "call":
        receiver, method = node.child_by_field_name("receiver"), node.child_by_field_name("method")
        if receiver is None or method is None:
            return None
        return _sent_to(code, receiver, name_of(method), depth)
    return None


def _sent_to(code: Code, receiver: Node, method: str, depth: int) -> Sequence[Value] | None:
    values: Iterable[Value]
    if method in ("freeze", "to_s", "strip", "squish", "shellescape", "compact", "flatten"):
        return code.values(receiver, depth + 1)
    if method in ("join", "shelljoin"):
        values = code.values(receiver, depth + 1)
        return [
            " ".join(HOLE if word is None else word for word in value)
            if isinstance(value, tuple)
            else None
            for value in values
        ]
    if method in ("split", "shellsplit"):
        values = code.values(receiver, depth + 1)
        return [tuple(value.split()) if isinstance(value, str) else None for value in values]
    return None


_GRAMMAR: Final = Grammar(
    "ruby",
    strings=frozenset(("string", "bare_string", "chained_string", "heredoc_body")),
    lists=frozenset(("array", "string_array")),
    names=frozenset(("identifier", "constant", "instance_variable")),
    binds={"assignment": ("left", "right")},
    takes={
        "method_parameters": "",
        "block_parameters": "",
        "lambda_parameters": "",
        "for": "pattern",
        "exception_variable": "",
        "left_assignment_list": "",
    },
    calls={"call": ("method", "arguments")},
    extends={"operator_assignment": "left"},
    transparent=frozenset(("parenthesized_statements",)),
    joins=frozenset(("binary",)),
    choices={"conditional": (1, 2)},
    constants={"RbConfig.ruby": "ruby", "Gem.ruby": "ruby"},
    special=_special,
    also=frozenset(("subshell",)),
)
