"""Values in the configuration of build tools of JavaScript, read as text and never run.

`tsconfig.json` is JSON with comments (TypeScript handbook, "What is a tsconfig.json"); Vite,
webpack and their kin are configured by modules, of which only plain values are understood: strings,
and paths put together of strings and the directory of the file.
"""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from optimizer.knowledge.grammars import LONGEST, descendants, parse, text_of
from optimizer.knowledge.installs import HOLE, Files
from optimizer.knowledge.manifests import resolve

if TYPE_CHECKING:
    from tree_sitter import Node

_COMMENT = re.compile(r'("(?:\\.|[^"\\])*")|//[^\n]*|/\*.*?\*/', re.DOTALL)
_LAST_COMMA = re.compile(r'("(?:\\.|[^"\\])*")|,(?=\s*[}\]])')
_MODULES = ("js", "mjs", "cjs", "ts", "mts", "cts")
_JOINS = frozenset(("resolve", "join", "path.resolve", "path.join"))
_HERE = frozenset(("__dirname", "import.meta.dirname", "process.cwd()", "import.meta.url"))
_MOST_NODES = 50_000
_DEEPEST: Final = 40


def read_json(files: Files, path: str) -> Mapping[str, Any] | None:
    """Returns the object in a JSON file that may have comments and final commas; None where there
    is none that can be read."""
    content = files.read(path)
    if content is None or len(content) > 4 * LONGEST:
        return None
    text = content.decode("utf-8", "replace").removeprefix("\ufeff")
    for noise in (_COMMENT, _LAST_COMMA):
        text = noise.sub(lambda match: match[1] or "", text)
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return data if isinstance(data, dict) else None


def config_file(files: Files, directory: str, stem: str) -> str | None:
    """Returns the path of a module of settings in ``directory``, None where there is none;
    ``stem`` is its name without the end (``vite.config``)."""
    paths = (resolve(directory, f"{stem}.{end}") for end in _MODULES)
    return next((path for path in paths if files.kind(path) == "file"), None)


def setting(files: Files, path: str, *keys: str) -> str | None:
    """Returns the string or path that a module of settings gives under nested ``keys``.

    A path that the module puts together from its own directory is absolute. None where the module
    does not say it, `HOLE` where it does and the value is not known.
    """
    root = _root(files, path)
    if root is None:
        return HOLE
    found: set[str] = set()
    objects = 0
    for count, node in enumerate(descendants(root)):
        if count > _MOST_NODES:
            return HOLE
        objects += node.type == "object"
        if node.type == "spread_element" and _may_hold(node, keys):
            return HOLE
        if node.type in ("pair", "method_definition", "shorthand_property_identifier"):
            value = _value_of(node, keys, posixpath.dirname(path))
            if value is not None:
                found.add(value)
    if not objects or len(found) > 1:
        return HOLE
    return found.pop() if found else None


def mentions(files: Files, path: str, word: str) -> bool:
    """Tells whether a module of settings may have the key or word ``word``."""
    content = files.read(path)
    return content is None or re.search(rf"\b{re.escape(word)}\b".encode(), content) is not None


def _root(files: Files, path: str) -> Node | None:
    content = files.read(path)
    if content is None or len(content) > LONGEST:
        return None
    root = parse(content, "typescript" if path.endswith("ts") else "tsx")
    return None if root is None or root.has_error else root


def _may_hold(spread: Node, keys: Sequence[str]) -> bool:
    """Tells whether what is spread into an object may give a value under ``keys``."""
    place = _place(spread)
    return place is not None and list(keys[: len(place)]) == place and len(place) < len(keys)


def _value_of(node: Node, keys: Sequence[str], directory: str) -> str | None:
    """Returns what ``node`` gives under exactly ``keys``, or `HOLE` where it gives an object that
    is not written out."""
    place = _place(node)
    if place is None or list(keys[: len(place)]) != place or not place:
        return None
    value = node.child_by_field_name("value") if node.type == "pair" else None
    if len(place) == len(keys):
        return HOLE if value is None else _text(value, directory)
    plain = value is not None and value.type in ("object", "false", "true", "null", "undefined")
    return None if plain else HOLE


def _place(node: Node) -> list[str] | None:
    """Returns the keys that lead to a pair (or to a spread) from the outermost object around it;
    None where one of them is computed, or where it is in a call inside that object."""
    keys: list[str] = []
    current: Node | None = node
    for _ in range(_DEEPEST):
        assert current is not None
        if current.type in ("pair", "method_definition"):
            key = current.child_by_field_name("key" if current.type == "pair" else "name")
            keys.append(text_of(key).strip("'\"") if key is not None else "")
        elif current.type == "shorthand_property_identifier":
            keys.append(text_of(current))
        parent = current.parent
        if parent is None or parent.type != "object":
            return None
        outer = parent.parent
        if outer is None or outer.type != "pair":
            return None if _is_inside_an_object(parent) else keys[::-1]
        current = outer
    return None


def _is_inside_an_object(node: Node) -> bool:
    above = node.parent
    while above is not None:
        if above.type == "object":
            return True
        above = above.parent
    return False


def _text(node: Node, directory: str) -> str:
    """Returns the string or path that an expression stands for, `HOLE` where it is not known."""
    parts = _parts(node)
    if parts is None:
        return HOLE
    return parts[0] if len(parts) == 1 and parts[0] else resolve(directory, posixpath.join(*parts))


def _parts(node: Node) -> list[str] | None:
    """Returns the parts of a path, "" for the directory of the file."""
    text = text_of(node)
    if text in _HERE:
        return [""]
    if node.type == "string":
        return [text[1:-1]] if "\\" not in text else None
    if node.type == "template_string":
        return [text[1:-1]] if "${" not in text and "\\" not in text else None
    if node.type in ("as_expression", "parenthesized_expression") and node.named_children:
        return _parts(node.named_children[0])
    if node.type == "new_expression" and text.startswith("new URL("):
        return _url(node)
    if node.type != "call_expression":
        return None
    function = node.child_by_field_name("function")
    called = text_of(function) if function is not None else ""
    arguments = list(_arguments(node))
    if called.rpartition(".")[2] == "fileURLToPath" and len(arguments) == 1:
        return _parts(arguments[0])
    return _joined(arguments) if called in _JOINS and arguments else None


def _url(node: Node) -> list[str] | None:
    arguments = list(_arguments(node))
    if len(arguments) != 2 or text_of(arguments[1]) != "import.meta.url":
        return None
    found = _parts(arguments[0])
    return ["", *found] if found is not None else None


def _joined(arguments: Sequence[Node]) -> list[str] | None:
    found: list[str] = []
    for argument in arguments:
        part = _parts(argument)
        if part is None:
            return None
        found += part
    return found if found[0] == "" or found[0].startswith("/") else ["", *found]


def _arguments(node: Node) -> Iterator[Node]:
    found = node.child_by_field_name("arguments")
    yield from found.named_children if found is not None else ()
