"""What Go code starts. Sources: the documentation of os/exec, os (StartProcess) and syscall."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
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

_WORDS: Final = re.compile(r"exec\.|syscall\.|StartProcess")

# The argument that is the program; every further one is a word.
_EACH: Final = {"os/exec.Command": 0, "os/exec.CommandContext": 1, "os/exec.LookPath": 0}
_WITH_LIST: Final = frozenset(
    ("syscall.Exec", "syscall.ForkExec", "syscall.StartProcess", "os.StartProcess",
     "golang.org/x/sys/unix.Exec")
)  # fmt: skip
"""A program, and the list whose first item is ``argv[0]``."""
_ALL: Final = _EACH.keys() | _WITH_LIST

_OTHERS: Final = re.compile(
    r'"github\.com/(?:go-cmd/cmd|bitfield/script|codeskyblue/go-sh|magefile/mage/sh)"'
    r'|"k8s\.io/utils/exec"|"mvdan\.cc/sh'
)

_VERB: Final = re.compile(r"%[-+# 0-9.*\[\]]*[a-zA-Z]")


def started(source: bytes) -> Started:
    """Returns what a source starts, as `Reader.started` does."""
    code = read(source, _GRAMMAR)
    if code is None:
        return unread(source, re.compile(_WORDS.pattern.encode()))
    found = Found()
    packages = _imports(code)
    for node in code.nodes:
        if node.type == "selector_expression":
            name = _qualified(name_of(node), packages)
            parent = node.parent
            if name not in _ALL or parent is None:
                continue
            if parent.type == "call_expression" and parent.child_by_field_name("function") == node:
                _called(code, parent, name, found)
            else:
                found.unknown(parent)
        elif node.type == "composite_literal" and _is_cmd(node, packages):
            found.unknown(node)
        elif node.type == "import_spec" and _OTHERS.search(name_of(node)):
            # What is started through these packages is not followed.
            found.unknown(node)
    note_faults(code, found, _WORDS)
    return found.result()


def _called(code: Code, node: Node, name: str, found: Found) -> None:
    arguments = code.arguments(node)
    if name in _WITH_LIST:
        programs: Sequence[Value] = code.values(arguments[0]) if arguments else (None,)
        found.words(programs, node)
    else:
        found.words(code.listed(arguments[_EACH[name] :]), node)


def _is_cmd(node: Node, packages: Mapping[str, str]) -> bool:
    """``exec.Cmd{Path: path}``."""
    kind = node.child_by_field_name("type")
    return kind is not None and _qualified(name_of(kind), packages) == "os/exec.Cmd"


def _qualified(text: str, packages: Mapping[str, str]) -> str:
    package, dot, name = text.partition(".")
    return f"{packages[package]}.{name}" if dot and package in packages else ""


def _imports(code: Code) -> dict[str, str]:
    """Returns the import paths of the source by the names that it has for them."""
    found: dict[str, str] = {}
    for node in code.nodes:
        path = node.child_by_field_name("path") if node.type == "import_spec" else None
        if path is not None:
            name = node.child_by_field_name("name")
            text = string(path)
            found[name_of(name) if name is not None else text.rpartition("/")[2]] = text
    return found


def _special(code: Code, node: Node, depth: int) -> Sequence[Value] | None:
    """``fmt.Sprintf("a %s", x)``, ``append(words, more...)``, ``[]string{"a"}``,
    ``strings.Join(words, " ")``."""
    if node.type == "composite_literal":
        body = node.child_by_field_name("body")
        return list(code.listed(body.named_children, depth)) if body is not None else None
    if node.type != "call_expression":
        return None
    name, arguments = code.called(node), code.arguments(node)
    if name == "fmt.Sprintf" and arguments:
        values = code.values(arguments[0], depth + 1)
        return [_VERB.sub(HOLE, value) if isinstance(value, str) else None for value in values]
    if name == "append" and arguments:
        values = code.values(arguments[0], depth + 1)
        return [(*value, None) if isinstance(value, tuple) else None for value in values]
    if name == "strings.Join" and len(arguments) == 2:
        between = code.values(arguments[1], depth + 1)
        lists = code.values(arguments[0], depth + 1)
        if between == (" ",):
            return [
                " ".join(HOLE if word is None else word for word in each)
                if isinstance(each, tuple)
                else None
                for each in lists
            ]
    return None


_GRAMMAR: Final = Grammar(
    "go",
    strings=frozenset(("interpreted_string_literal", "raw_string_literal")),
    lists=frozenset(),
    names=frozenset(("identifier",)),
    binds={
        "short_var_declaration": ("left", "right"),
        "assignment_statement": ("left", "right"),
        "var_spec": ("name", "value"),
        "const_spec": ("name", "value"),
    },
    takes={"parameter_list": "", "range_clause": "left"},
    calls={"call_expression": ("function", "arguments")},
    transparent=frozenset(("parenthesized_expression", "literal_element")),
    joins=frozenset(("binary_expression",)),
    special=_special,
    also=frozenset(("selector_expression", "composite_literal", "import_spec")),
)
