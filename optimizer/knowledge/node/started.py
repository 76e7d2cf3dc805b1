"""What JavaScript and TypeScript code starts.

Sources: the Node.js reference (child_process, util.promisify), and the documentation of execa 9,
cross-spawn 7, ShellJS 0.10, zx 8, tinyexec 1, Bun (Bun.spawn, Bun.$) and Deno (Deno.Command).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
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

_WORDS: Final = re.compile(r"child_process|execa|shelljs|\bzx\b|cross-spawn|Bun\.|Deno\.|tinyexec")

_SHELL: Final = frozenset(
    ("child_process.exec", "child_process.execSync", "shelljs.exec", "shelljs.default.exec")
)
_WITH_LIST: Final = frozenset(
    ("child_process.execFile", "child_process.execFileSync", "child_process.spawn",
     "child_process.spawnSync", "execa", "execa.default", "execa.execa", "execa.execaSync",
     "execa.sync", "execa.execa.sync", "cross-spawn", "cross-spawn.default", "cross-spawn.spawn",
     "cross-spawn.sync", "tinyexec.x", "tinyexec.exec", "Deno.Command")
)  # fmt: skip
"""A program, a list of words, and options that may ask for a shell."""
_SPLIT: Final = frozenset(
    ("execa.execaCommand", "execa.execaCommandSync", "execa.command", "execa.commandSync",
     "execa.execa.command", "execa.execa.commandSync", "execa.$", "execa.$.sync")
)  # fmt: skip
_BASH: Final = frozenset(("zx.$", "zx.$.sync", "zx/core.$"))
_ONE_LIST: Final = frozenset(("Bun.spawn", "Bun.spawnSync", "Deno.run"))
_LOOKED_UP: Final = frozenset(("shelljs.which", "zx.which", "Bun.which"))
_NODE: Final = frozenset(("child_process.fork", "execa.execaNode", "execa.node"))
_ALL: Final = (
    _SHELL | _WITH_LIST | _SPLIT | _BASH | _ONE_LIST | _LOOKED_UP | _NODE | {"Bun.$"}
)  # fmt: skip

_MODULES: Final = frozenset(name.partition(".")[0] for name in _ALL)
_DECLARES: Final = frozenset(
    ("variable_declarator", "import_specifier", "import_clause", "namespace_import",
     "import_require_clause", "required_parameter", "optional_parameter", "formal_parameters",
     "pair_pattern", "object_pattern", "type_query", "nested_identifier", "labeled_statement")
)  # fmt: skip


def started(source: bytes) -> Started:
    """Returns what a source starts, as `Reader.started` does."""
    code = read(source, *_GRAMMARS)
    if code is None:
        return unread(source, re.compile(_WORDS.pattern.encode()))
    reading = _Reading(code)
    reading.learn_names()
    for node in code.nodes:
        if node.type in ("call_expression", "new_expression"):
            reading.called(node)
    for node in code.mentions(reading.pattern()):
        if node.type in ("identifier", "member_expression", "shorthand_property_identifier"):
            reading.named(node)
    note_faults(code, reading.found, _WORDS)
    return reading.found.result()


@dataclass
class _Reading:
    """One source while it is read; ``names`` are what its names stand for (``cp.exec``)."""

    code: Code
    names: dict[str, str] = field(default_factory=lambda: {"Bun": "Bun", "Deno": "Deno"})
    found: Found = field(default_factory=Found)

    def learn_names(self) -> None:
        """Follows imports and the assignments of what was imported."""
        for node in self.code.nodes:
            if node.type == "import_statement":
                self._import(node)
        if b"zx/globals" in self.code.bytes:
            self.names["$"] = "zx.$"
        if b"shelljs/global" in self.code.bytes:
            self.names.update({"exec": "shelljs.exec", "which": "shelljs.which"})
        declared = [node for node in self.code.nodes if node.type == "variable_declarator"]
        for _ in range(3):
            known = len(self.names)
            for node in declared:
                self._declare(node)
            if len(self.names) == known:
                return

    def pattern(self) -> re.Pattern[bytes]:
        """Returns what finds everything that starts programs, by the names that the source has
        for it."""
        texts = [rf"\)\s*\.\s*{re.escape(full.rpartition('.')[2])}" for full in sorted(_ALL)]
        for name, origin in self.names.items():
            for full in _ALL:
                if full == origin or full.startswith(origin + "."):
                    words = [name, *(word for word in full[len(origin) :].split(".") if word)]
                    texts.append(r"\s*\??\.\s*".join(map(re.escape, words)))
        return re.compile(rf"(?<![\w$.])(?:{'|'.join(texts)})(?![\w$])".encode())

    def _import(self, node: Node) -> None:
        source = node.child_by_field_name("source") or next(
            (c for c in self.code_below(node) if c.type == "string"), None
        )
        module = _module(string(source)) if source is not None else ""
        if module.partition("/")[0] not in _MODULES:
            return
        for child in self.code_below(node):
            if child.type == "import_specifier":
                name, alias = child.child_by_field_name("name"), child.child_by_field_name("alias")
                if name is not None:
                    self.names[name_of(alias or name)] = f"{module}.{name_of(name)}"
            elif child.type == "identifier" and not _is_in(child, "import_specifier"):
                self.names[name_of(child)] = module

    def code_below(self, node: Node) -> Iterable[Node]:
        """Returns the nodes inside of ``node``, which is a statement."""
        queue = list(node.named_children)
        while queue:
            child = queue.pop()
            yield child
            queue += child.named_children

    def _declare(self, node: Node) -> None:
        name, value = node.child_by_field_name("name"), node.child_by_field_name("value")
        origin = self.origin(value) if value is not None else None
        if name is None or origin is None:
            return
        if name.type == "identifier":
            self.names[name_of(name)] = origin
        for child in name.named_children if name.type == "object_pattern" else ():
            key, alias = child.child_by_field_name("key"), child.child_by_field_name("value")
            if child.type == "shorthand_property_identifier_pattern":
                self.names[name_of(child)] = f"{origin}.{name_of(child)}"
            elif key is not None and alias is not None:
                self.names[name_of(alias)] = f"{origin}.{name_of(key)}"

    def origin(self, node: Node, depth: int = 0) -> str | None:
        """Returns what an expression stands for in a module (``child_process.exec``)."""
        if depth > 6:
            return None
        if node.type in ("identifier", "shorthand_property_identifier"):
            return self.names.get(name_of(node))
        if node.type == "member_expression":
            owner, name = node.child_by_field_name("object"), node.child_by_field_name("property")
            above = self.origin(owner, depth + 1) if owner is not None else None
            return None if above is None or name is None else f"{above}.{name_of(name)}"
        if node.type in ("await_expression", "parenthesized_expression", "sequence_expression"):
            children = node.named_children
            return self.origin(children[-1], depth + 1) if children else None
        return self._made(node, depth) if node.type == "call_expression" else None

    def _made(self, node: Node, depth: int) -> str | None:
        function = node.child_by_field_name("function")
        arguments = self.code.arguments(node)
        if function is None or not arguments:
            return None
        name = name_of(function)
        if name in ("require", "import") and arguments[0].type == "string":
            module = _module(string(arguments[0]))
            return module if module.partition("/")[0] in _MODULES else None
        if name.rpartition(".")[2] in ("promisify", "$"):
            return self.origin(arguments[0] if name.endswith("promisify") else function, depth + 1)
        return None

    def called(self, node: Node) -> None:
        """Notes what a call starts."""
        fields = self.code.grammar.calls[node.type]
        function = node.child_by_field_name(fields[0])
        name = self.origin(function) if function is not None else None
        if name is None:
            return
        template = node.child_by_field_name("arguments")
        if template is not None and template.type == "template_string":
            self._template(node, name, string(template))
        else:
            self._called(node, name, self.code.arguments(node))

    def _template(self, node: Node, name: str, text: str) -> None:
        if name in _BASH or name == "Bun.$":
            self.found.script([text], node)
            if name in _BASH:
                self.found.words(["bash"], node)
        elif name in _SPLIT or name in _WITH_LIST:
            self.found.split([text], node)

    def _called(self, node: Node, name: str, arguments: Sequence[Node]) -> None:
        if name in _SHELL:
            self.found.script(self._at(arguments, 0), node)
        elif name in _WITH_LIST:
            self._with_list(node, arguments)
        elif name in _SPLIT and not (arguments and arguments[0].type == "object"):
            self.found.split(self._at(arguments, 0), node)
        elif name in _ONE_LIST:
            self.found.words(self._one_list(arguments), node)
        elif name in _LOOKED_UP:
            self.found.words(self._at(arguments, 0), node)
        elif name in _NODE:
            paths = self._at(arguments, 0)
            self.found.words([("node", p if isinstance(p, str) else HOLE) for p in paths], node)

    def _with_list(self, node: Node, arguments: Sequence[Node]) -> None:
        rest: Sequence[Value] = [()]
        if len(arguments) > 1 and arguments[1].type != "object":
            rest = self.code.values(arguments[1])
        lists: list[Value] = []
        for program in self._at(arguments, 0):
            for words in rest:
                tail = words if isinstance(words, tuple) else (None,)
                lists.append((program, *tail) if isinstance(program, str) else None)
        shell = self._shell(arguments[1:])
        if shell is not True:
            # With a shell that is only perhaps there, the first word is a program all the same.
            self.found.words(lists, node)
        if shell is not False:
            self.found.script([_as_text(each) for each in lists], node)

    def _shell(self, arguments: Sequence[Node]) -> bool | None:
        """Whether options ask for a shell, None where that is not known."""
        for each in arguments:
            if each.type != "object":
                continue
            for pair in each.named_children:
                key, value = pair.child_by_field_name("key"), pair.child_by_field_name("value")
                if key is not None and value is not None and name_of(key).strip("'\"") == "shell":
                    return {"true": True, "false": False}.get(
                        name_of(value), True if value.type == "string" else None
                    )
        return False

    def _one_list(self, arguments: Sequence[Node]) -> Sequence[Value]:
        if not arguments or arguments[0].type != "object":
            return self._at(arguments, 0)
        for pair in arguments[0].named_children:
            key, value = pair.child_by_field_name("key"), pair.child_by_field_name("value")
            if key is not None and value is not None and name_of(key) == "cmd":
                return self.code.values(value)
        return (None,)

    def _at(self, arguments: Sequence[Node], at: int) -> Sequence[Value]:
        return self.code.values(arguments[at]) if at < len(arguments) else (None,)

    def named(self, node: Node) -> None:
        """Notes what starts programs and is handed on: its words are not known."""
        if self.found.opaque is not None or self.origin(node) not in _ALL:
            return
        parent = node.parent
        if parent is None:
            return
        if parent.type in _DECLARES or parent.type == "member_expression":
            return
        if parent.type in ("call_expression", "new_expression"):
            return
        call = parent.parent if parent.type == "arguments" else None
        if call is None or self.origin(call) is None:
            self.found.unknown(parent)


def _is_in(node: Node, kind: str) -> bool:
    return node.parent is not None and node.parent.type == kind


def _module(text: str) -> str:
    return text.removeprefix("node:").removesuffix("/promises")


def _as_text(words: Value) -> Value:
    if not isinstance(words, tuple):
        return words
    return " ".join(HOLE if word is None else word for word in words)


def _special(code: Code, node: Node, depth: int) -> Sequence[Value] | None:
    """``words.join(" ")``, ``words.concat(more)``, ``text.split(" ")``, ``path.join(...)``."""
    if node.type != "call_expression":
        return None
    function, arguments = node.child_by_field_name("function"), code.arguments(node)
    if function is None or function.type != "member_expression":
        return None
    owner, name = function.child_by_field_name("object"), function.child_by_field_name("property")
    if owner is None or name is None:
        return None
    method, values = name_of(name), code.values(owner, depth + 1)
    if method == "join" and len(arguments) == 1 and name_of(owner) != "path":
        return [_as_text(value) if isinstance(value, tuple) else None for value in values]
    if method == "concat":
        return [(*value, None) if isinstance(value, tuple) else None for value in values]
    if method == "split":
        return [tuple(value.split()) if isinstance(value, str) else None for value in values]
    return values if method in ("trim", "toString") else None


_CONSTANTS: Final[Mapping[str, str]] = {"process.execPath": "node", "process.argv0": "node"}
_GRAMMARS: Final = tuple(
    Grammar(
        language,
        strings=frozenset(("string", "template_string")),
        lists=frozenset(("array",)),
        names=frozenset(
            ("identifier", "shorthand_property_identifier_pattern", "property_identifier")
        ),
        binds={
            "variable_declarator": ("name", "value"),
            "assignment_expression": ("left", "right"),
            "public_field_definition": ("name", "value"),
            "field_definition": ("property", "value"),
        },
        takes={
            "formal_parameters": "",
            "for_in_statement": "left",
            "catch_clause": "parameter",
            "arrow_function": "parameter",
        },
        calls={
            "call_expression": ("function", "arguments"),
            "new_expression": ("constructor", "arguments"),
        },
        extends={"augmented_assignment_expression": "left"},
        transparent=frozenset(("parenthesized_expression", "await_expression")),
        joins=frozenset(("binary_expression",)),
        choices={"ternary_expression": (1, 2)},
        constants=_CONSTANTS,
        special=_special,
        also=frozenset(("import_statement",)),
    )
    for language in ("tsx", "typescript", "javascript")
)
