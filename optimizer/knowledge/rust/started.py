"""What Rust code starts. Sources: the documentation of std::process, tokio::process, and the
crates duct, xshell and which."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from optimizer.knowledge.code import Code, Found, Grammar, name_of, note_faults, read, unread
from optimizer.knowledge.started import Started

if TYPE_CHECKING:
    pass

_WORDS: Final = re.compile(r"Command\s*::\s*new|duct|xshell|exec[vl]")
_MODULES: Final = re.compile(r"(?:std|tokio|async_std|async_process|smol)(?:::\w+)*::Command")
_CRATES: Final = re.compile(r"\b(?:duct|xshell)\b|\bexec[vl]\w*\s*\(")


def started(source: bytes) -> Started:
    """Returns what a source starts, as `Reader.started` does."""
    code = read(source, _GRAMMAR)
    if code is None:
        return unread(source, re.compile(_WORDS.pattern.encode()))
    found = Found()
    names = _names(code)
    for node in code.nodes:
        if node.type == "call_expression":
            called = "".join((code.called(node) or "").split())
            owner, _, method = called.rpartition("::")
            if method == "new" and (owner in names or _MODULES.fullmatch(owner)):
                arguments = code.arguments(node)
                found.words(code.values(arguments[0]) if arguments else (None,), node)
        elif node.type == "use_declaration" and _CRATES.search(name_of(node)):
            # Their macros and functions are not followed.
            found.unknown(node)
    note_faults(code, found, _WORDS)
    return found.result()


def _names(code: Code) -> frozenset[str]:
    """Returns what the source calls the type ``Command`` of a process module; one that declares
    or imports another of that name (clap's) has it under no other."""
    found: set[str] = set()
    for node in code.nodes:
        if node.type == "use_declaration":
            text = "".join(name_of(node).split())
            if "process" in text:
                found.update(re.findall(r"\bCommandas(\w+)", text) or ["Command"])
                found.add("process::Command")
    return frozenset(found)


_GRAMMAR: Final = Grammar(
    "rust",
    strings=frozenset(("string_literal", "raw_string_literal")),
    lists=frozenset(("array_expression",)),
    names=frozenset(("identifier",)),
    binds={"let_declaration": ("pattern", "value"), "const_item": ("name", "value"),
           "static_item": ("name", "value"), "assignment_expression": ("left", "right")},
    takes={"parameters": "", "closure_parameters": "", "for_expression": "pattern",
           "match_pattern": ""},
    calls={"call_expression": ("function", "arguments")},
    transparent=frozenset(("parenthesized_expression", "reference_expression", "try_expression")),
    joins=frozenset(),
    also=frozenset(("use_declaration",)),
)  # fmt: skip
