"""What Java code starts. Sources: the API of java.lang (Runtime, ProcessBuilder) and of Apache
Commons Exec; for what only a JDK has, the API of javax.tools and of the modules jdk.compiler,
jdk.jdi and jdk.jshell."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from optimizer.knowledge.code import Code, Found, Grammar, Value, name_of, note_faults, read, unread
from optimizer.knowledge.started import Started

if TYPE_CHECKING:
    from tree_sitter import Node

_WORDS: Final = re.compile(r"ProcessBuilder|getRuntime|DefaultExecutor|CommandLine\b")
_OF_THE_JDK: Final = re.compile(
    rb"\bgetSystem(?:JavaCompiler|DocumentationTool)\b|\bcom\.sun\.(?:tools|jdi)\.|\bjdk\.jshell\b"
)
"""The tools of the JDK as libraries: where there is only a JRE, ``getSystemJavaCompiler`` returns
null, and the packages are missing. The rest of ``javax.tools`` is in both."""
_STARTS: Final = re.compile(
    rb"[\"'/](?:java[chpw]|jar|jcmd|jdb|jdeps|jhsdb|jlink|jmap|jmod|jpackage|jps|jshell|jstack"
    rb"|jstat|jstatd)[\"' ]"
)
"""The tools of a JDK as words of a command (docs.oracle.com: Java Development Kit, Tool
Specifications)."""
_LISTING: Final = frozenset(("Arrays.asList", "List.of", "Collections.singletonList"))


SOURCES: Final = (".java", ".kt", ".scala", ".groovy")
"""What the sources of programs for the JVM end in."""


def may_use_the_jdk(source: bytes) -> bool:
    """Tells whether a source uses the tools of the JDK as libraries, or starts programs, by the
    words that this takes; those of Kotlin, Scala and Groovy are Java's."""
    return _OF_THE_JDK.search(source) is not None or _STARTS.search(source) is not None


def started(source: bytes) -> Started:
    """Returns what a source starts, as `Reader.started` does; the compiler stands for any tool of
    the JDK."""
    result = _started(source)
    if _OF_THE_JDK.search(source) is None:
        return result
    return replace(result, commands=(*result.commands, ("javac",)))


def _started(source: bytes) -> Started:
    code = read(source, _GRAMMAR)
    if code is None:
        return unread(source, re.compile(_WORDS.pattern.encode()))
    found = Found()
    text = source.decode("utf-8", "replace")
    for node in code.nodes:
        if node.type == "object_creation_expression":
            _new(code, node, found)
        elif node.type == "method_invocation":
            _invoked(code, node, text, found)
        elif node.type == "method_reference" and "ProcessBuilder" in name_of(node):
            found.unknown(node)
    note_faults(code, found, _WORDS)
    return found.result()


def _new(code: Code, node: Node, found: Found) -> None:
    kind = node.child_by_field_name("type")
    name = name_of(kind).rpartition(".")[2] if kind is not None else ""
    if name == "ProcessBuilder":
        arguments = code.arguments(node)
        # Without words it gets them by `command`.
        if arguments:
            _words(code, node, arguments, found)
    elif name == "CommandLine" and code.arguments(node):
        found.words(code.values(code.arguments(node)[0]), node)


def _invoked(code: Code, node: Node, text: str, found: Found) -> None:
    owner, name = node.child_by_field_name("object"), node.child_by_field_name("name")
    if name is None:
        return
    method, arguments = name_of(name), code.arguments(node)
    on = name_of(owner) if owner is not None else ""
    if method == "exec" and "Runtime" in text and arguments:
        values = code.values(arguments[0])
        # Runtime.exec(String) splits at blanks.
        found.words(
            (tuple(value.split()) if isinstance(value, str) else value for value in values), node
        )
    elif method == "command" and arguments and "ProcessBuilder" in text:
        _words(code, node, arguments, found)
    elif method in ("startPipeline",) and on == "ProcessBuilder":
        return
    elif method == "parse" and on.rpartition(".")[2] == "CommandLine":
        found.split(code.values(arguments[0]) if arguments else (None,), node)


def _words(code: Code, node: Node, arguments: Sequence[Node], found: Found) -> None:
    if len(arguments) == 1:
        found.words(code.values(arguments[0]), node)
    else:
        found.words(code.listed(arguments), node)


def _special(code: Code, node: Node, depth: int) -> Sequence[Value] | None:
    """``Arrays.asList("a", b)``, ``new String[] {"a"}``, ``new ArrayList<>(list)``."""
    if node.type == "method_invocation":
        owner, name = node.child_by_field_name("object"), node.child_by_field_name("name")
        called = f"{name_of(owner) if owner is not None else ''}." + (name_of(name) if name else "")
        arguments = code.arguments(node)
        if called in _LISTING:
            return list(code.listed(arguments, depth))
        if called == "String.format":
            return code.values(arguments[0], depth + 1) if arguments else None
    if node.type == "array_creation_expression":
        value = node.child_by_field_name("value")
        return list(code.listed(value.named_children, depth)) if value is not None else None
    if node.type == "object_creation_expression":
        kind, arguments = node.child_by_field_name("type"), code.arguments(node)
        if kind is not None and "List" in name_of(kind):
            return code.values(arguments[0], depth + 1) if arguments else ((),)
    return None


_GRAMMAR: Final = Grammar(
    "java",
    strings=frozenset(("string_literal",)),
    lists=frozenset(("array_initializer",)),
    names=frozenset(("identifier",)),
    binds={"variable_declarator": ("name", "value"), "assignment_expression": ("left", "right")},
    takes={
        "formal_parameters": "",
        "inferred_parameters": "",
        "enhanced_for_statement": "name",
        "catch_formal_parameter": "",
    },
    calls={
        "method_invocation": ("name", "arguments"),
        "object_creation_expression": ("type", "arguments"),
    },
    transparent=frozenset(("parenthesized_expression", "cast_expression")),
    joins=frozenset(("binary_expression",)),
    choices={"ternary_expression": (1, 2)},
    special=_special,
    also=frozenset(("method_reference",)),
)
