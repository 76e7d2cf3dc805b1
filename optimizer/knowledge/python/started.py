"""What Python code starts.

Sources: the Python library reference (subprocess, os, asyncio, shutil, pty), and the documentation
of sh, plumbum, pexpect, psutil, sarge and invoke. Read with tree-sitter-python: libcst's parser
overflows the stack on deep nesting and takes the process with it, and Python's own knows only the
syntax of the version that runs it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from optimizer.knowledge.code import (
    Code,
    Found,
    Grammar,
    Value,
    dotted,
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

_WORDS: Final = re.compile(
    r"subprocess|os\.(?:system|popen|exec|spawn|posix_spawn)|create_subprocess|pexpect|plumbum"
)

_ARGV: Final = frozenset(
    f"{module}.{name}"
    for module in ("subprocess", "psutil")
    for name in ("run", "call", "check_call", "check_output", "Popen")
) | {"asyncio.subprocess.Popen", "anyio.run_process", "anyio.open_process", "trio.run_process",
     "trio.open_process"}  # fmt: skip
"""The first argument is a list, or with ``shell`` a text for a shell."""
_SHELL: Final = frozenset(
    ("os.system", "os.popen", "subprocess.getoutput", "subprocess.getstatusoutput",
     "commands.getoutput", "commands.getstatusoutput", "asyncio.create_subprocess_shell",
     "asyncio.subprocess.create_subprocess_shell", "sarge.run", "sarge.capture_stdout",
     "sarge.get_stdout", "invoke.run", "fabric.api.local", "fabric.local")
)  # fmt: skip
_EACH: Final = {
    "asyncio.create_subprocess_exec": 0,
    "asyncio.subprocess.create_subprocess_exec": 0,
    **dict.fromkeys(("os.execl", "os.execle", "os.execlp", "os.execlpe"), 0),
    **dict.fromkeys(("os.spawnl", "os.spawnle", "os.spawnlp", "os.spawnlpe"), 1),
}
"""Every argument from this one on is a word; for ``os`` the second of them is ``argv[0]``."""
_WITH_LIST: Final = {
    **dict.fromkeys(
        ("os.execv", "os.execve", "os.execvp", "os.execvpe", "os.posix_spawn", "os.posix_spawnp"), 0
    ),
    **dict.fromkeys(("os.spawnv", "os.spawnve", "os.spawnvp", "os.spawnvpe"), 1),
}
"""This argument is the program, the next one the list whose first item is ``argv[0]``."""
_LOOKED_UP: Final = frozenset(("shutil.which", "distutils.spawn.find_executable", "pexpect.which"))
_SPLIT: Final = frozenset(
    ("pexpect.spawn", "pexpect.run", "pexpect.spawnu", "pexpect.runu",
     "pexpect.popen_spawn.PopenSpawn", "pty.spawn")
)  # fmt: skip
_ALL: Final = _ARGV | _SHELL | _EACH.keys() | _WITH_LIST.keys() | _LOOKED_UP | _SPLIT

_NOT_STARTED: Final = frozenset(
    ("sh.ErrorReturnCode", "sh.CommandNotFound", "sh.TimeoutException", "sh.Command",
     "sh.SignalException", "sh.contrib", "sh.bake")
)  # fmt: skip
_STARTS: Final = re.compile(
    r"^(?:(?:subprocess|psutil|os|asyncio|anyio|trio|commands|sarge|fabric|invoke|shutil|distutils"
    r"|pexpect|pty|sh)\.)|\.(?:subprocess_shell|subprocess_exec)$|invoke|fabric"
)
"""What the full name of a function looks like that may be one of these."""
_CALLBACKS: Final = frozenset(("subprocess.Popen", "psutil.Popen", "asyncio.subprocess.Popen"))
"""Classes that code names without starting anything: in annotations, for isinstance."""


_COMPILES: Final = re.compile(
    rb"\bpyximport\b|\btorch\s*\.\s*compile\b|\bcpp_extension\b|\bcython\.inline\b"
)
"""What compiles while a program runs, with the C compiler that is there: Cython's user guide,
"Source Files and Compilation"; PyTorch's docs, torch.compile and torch.utils.cpp_extension."""


def started(source: bytes) -> Started:
    """Returns what a source starts, as `Reader.started` does."""
    result = _started(source)
    if _COMPILES.search(source) is None:
        return result
    return replace(result, commands=(*result.commands, ("cc",)))


def _started(source: bytes) -> Started:
    code = read(source, _GRAMMAR)
    if code is None:
        return unread(source, re.compile(_WORDS.pattern.encode()))
    found = Found()
    aliases = _aliases(code, found)
    for node in code.nodes:
        if node.type == "call":
            name = _resolved(code.called(node) or "", aliases)
            if _STARTS.search(name):
                _called(code, node, name, found)
        elif node.type == "subscript":
            _subscript(code, node, aliases, found)
    for node in code.mentions(_pattern(aliases)):
        if node.type in ("identifier", "attribute"):
            _named(node, aliases, found)
    note_faults(code, found, _WORDS)
    return found.result()


def _called(code: Code, node: Node, name: str, found: Found) -> None:
    arguments, keywords = _arguments(code, node)
    if name in _ARGV:
        _argv(code, node, arguments, keywords, found)
    elif name in _SHELL or name.endswith(".subprocess_shell"):
        found.script(_at(code, arguments, 0), node)
    elif name in _EACH or name.endswith(".subprocess_exec"):
        first = _EACH.get(name, 1)
        found.words(code.listed(arguments[first:]), node)
    elif name in _WITH_LIST:
        at = _WITH_LIST[name]
        rest = _at(code, arguments, at + 1)
        found.words(_with_list(_at(code, arguments, at), rest), node)
    elif name in _LOOKED_UP:
        found.words(_at(code, arguments, 0), node)
    elif name in _SPLIT:
        found.split(_at(code, arguments, 0), node)
    elif name.startswith("sh.") and name.count(".") == 1:
        _by_name(code, node, name, arguments, found)
    elif name.endswith(".run") and ("invoke" in name or "fabric" in name):
        found.script(_at(code, arguments, 0), node)


def _argv(
    code: Code, node: Node, arguments: Sequence[Node], keywords: Mapping[str, Node], found: Found
) -> None:
    first = keywords.get("args", arguments[0] if arguments else None)
    values: Sequence[Value] = (None,) if first is None else code.values(first)
    if "executable" in keywords:
        found.words(code.values(keywords["executable"]), node)
    shell = name_of(keywords["shell"]) if "shell" in keywords else "False"
    if shell != "False" or "**" in keywords:
        texts = [v for v in values if not isinstance(v, tuple) or shell == "True"]
        if texts:
            found.script(texts, node)
    if shell != "True":
        found.words([v for v in values if shell == "False" or isinstance(v, tuple)], node)


def _with_list(programs: Sequence[Value], lists: Sequence[Value]) -> Iterator[Value]:
    for program in programs:
        for each in lists:
            rest = each[1:] if isinstance(each, tuple) else (None,)
            yield (program, *rest) if isinstance(program, str) else None


def _by_name(code: Code, node: Node, name: str, arguments: Sequence[Node], found: Found) -> None:
    """``sh.git("status")``; ``sh.Command("x")``; dashes are underscores (sh, "Commands")."""
    if name == "sh.Command":
        found.words(_at(code, arguments, 0), node)
    elif name not in _NOT_STARTED:
        program = name[3:].rstrip("_").replace("_", "-")
        rest = [word for each in code.listed(arguments) for word in (each or ())]
        found.words([(program, *rest)], node)


def _subscript(code: Code, node: Node, aliases: Mapping[str, str], found: Found) -> None:
    """``plumbum.local["ls"]``."""
    value, key = node.child_by_field_name("value"), node.child_by_field_name("subscript")
    owner = "" if value is None else _resolved(dotted(value), aliases)
    if key is not None and owner == "plumbum.local":
        found.words(code.values(key), node)


def _named(node: Node, aliases: Mapping[str, str], found: Found) -> None:
    """Something that starts programs, handed on: what it will be called with is not known."""
    name = _resolved(dotted(node), aliases)
    if name not in _ALL or name in _CALLBACKS or found.opaque is not None:
        return
    parent = node.parent
    if parent is None or parent.type in ("aliased_import", "dotted_name", "keyword_argument"):
        return
    if parent.type == "attribute" and parent.child_by_field_name("attribute") == node:
        return
    if parent.type == "call" and parent.child_by_field_name("function") == node:
        return
    if parent.type not in ("type", "parameters", "import_from_statement"):
        found.unknown(parent)


def _pattern(aliases: Mapping[str, str]) -> re.Pattern[bytes]:
    """Returns what finds everything that starts programs, by the names that the source has for
    it."""
    spelled = [
        [*alias.split("."), *full[len(name) + 1 :].split(".")] if full != name else [alias]
        for alias, name in aliases.items()
        for full in _ALL
        if full == name or full.startswith(name + ".")
    ]
    texts = (r"\s*\.\s*".join(map(re.escape, words)) for words in spelled)
    return re.compile(rf"\b(?:{'|'.join(texts) or '(?!)'})\b".encode())


def _aliases(code: Code, found: Found) -> dict[str, str]:
    """Returns what the names that the source imports stand for."""
    names: dict[str, str] = {}
    for node in code.nodes:
        if node.type not in ("import_statement", "import_from_statement"):
            continue
        module = node.child_by_field_name("module_name")
        start = "" if module is None else dotted(module) + "."
        for child in node.children_by_field_name("name"):
            _alias(child, start, names)
            if start == "plumbum.cmd.":
                program = name_of(child).partition(" ")[0].replace("_", "-")
                found.words([program], child)
        if any(child.type == "wildcard_import" for child in node.children):
            starts = (name for name in _ALL if name.rpartition(".")[0] == start[:-1])
            names.update({name.rpartition(".")[2]: name for name in starts})
    return names


def _alias(child: Node, start: str, names: dict[str, str]) -> None:
    if child.type == "aliased_import":
        name, alias = child.child_by_field_name("name"), child.child_by_field_name("alias")
        if name is not None and alias is not None:
            names[name_of(alias)] = start + dotted(name)
    elif start:
        names[dotted(child)] = start + dotted(child)
    else:
        top = dotted(child).partition(".")[0]
        names[top] = top


def _resolved(name: str, aliases: Mapping[str, str]) -> str:
    if not name:
        return ""
    first, dot, rest = name.partition(".")
    return f"{aliases.get(first, first if dot else '')}{dot}{rest}"


def _arguments(code: Code, node: Node) -> tuple[list[Node], dict[str, Node]]:
    """Returns the arguments by place and by name; ``**`` stands for names that are not known."""
    places: list[Node] = []
    names: dict[str, Node] = {}
    for each in code.arguments(node):
        name, value = each.child_by_field_name("name"), each.child_by_field_name("value")
        if each.type == "keyword_argument" and name is not None and value is not None:
            names[name_of(name)] = value
        elif each.type == "dictionary_splat":
            names["**"] = each
        else:
            places.append(each)
    return places, names


def _at(code: Code, arguments: Sequence[Node], at: int) -> Sequence[Value]:
    return code.values(arguments[at]) if at < len(arguments) else (None,)


_FORMATS: Final = re.compile(r"%(?:\(\w+\))?[-#0-9. +]*[a-zA-Z]|\{[^{}]*\}")
_QUOTING: Final = frozenset(("str", "os.fspath", "shlex.quote", "quote", "pipes.quote", "Path"))
_SPLITTING: Final = frozenset(("shlex.split", "split"))
_LISTING: Final = frozenset(("list", "tuple"))


def _special(code: Code, node: Node, depth: int) -> Sequence[Value] | None:
    """``"a {}".format(x)``, ``"a %s" % x``, ``" ".join(words)``, ``shlex.split(text)``."""
    if node.type == "binary_operator" and any(child.type == "%" for child in node.children):
        left = node.named_children[0]
        return [_filled(value) for value in code.values(left, depth + 1)]
    if node.type != "call":
        return None
    function, arguments = node.child_by_field_name("function"), code.arguments(node)
    name = code.called(node) or ""
    if function is not None and function.type == "attribute":
        method = function.child_by_field_name("attribute")
        owner = function.child_by_field_name("object")
        if method is not None and owner is not None:
            found = _method(code, name_of(method), owner, arguments, depth)
            if found is not None:
                return found
    if len(arguments) != 1:
        return None
    values = code.values(arguments[0], depth + 1)
    if name in _QUOTING or name in _LISTING:
        return values
    if name in _SPLITTING:
        return [tuple(value.split()) if isinstance(value, str) else None for value in values]
    return None


def _method(
    code: Code, method: str, owner: Node, arguments: Sequence[Node], depth: int
) -> Sequence[Value] | None:
    if method == "format":
        return [_filled(value) for value in code.values(owner, depth + 1)]
    if method == "join" and len(arguments) == 1 and owner.type == "string":
        between = string(owner)
        lists = code.values(arguments[0], depth + 1)
        return [_together(between, each) for each in lists]
    if method == "split" and not arguments:
        texts = code.values(owner, depth + 1)
        return [tuple(text.split()) if isinstance(text, str) else None for text in texts]
    return None


def _filled(value: Value) -> Value:
    return _FORMATS.sub(HOLE, value) if isinstance(value, str) else None


def _together(between: str, items: Value) -> Value:
    if not isinstance(items, tuple):
        return None
    return between.join(HOLE if item is None else item for item in items)


_GRAMMAR: Final = Grammar(
    "python",
    strings=frozenset(("string", "concatenated_string")),
    lists=frozenset(("list", "tuple")),
    names=frozenset(("identifier",)),
    binds={"assignment": ("left", "right"), "named_expression": ("name", "value")},
    takes={
        "parameters": "",
        "lambda_parameters": "",
        "for_statement": "left",
        "for_in_clause": "left",
        "as_pattern_target": "",
        "pattern_list": "",
    },
    calls={"call": ("function", "arguments")},
    extends={"augmented_assignment": "left"},
    transparent=frozenset(("parenthesized_expression", "await")),
    joins=frozenset(("binary_operator", "boolean_operator")),
    choices={"conditional_expression": (0, 2)},
    constants={"sys.executable": "python"},
    special=_special,
    also=frozenset(("subscript", "import_statement", "import_from_statement")),
)
