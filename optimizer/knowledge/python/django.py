"""What Django's commands write: where STATIC_ROOT is, as the settings say it.

Sources: Django's documentation ("The staticfiles app", "Settings", "django-admin"), and its
django/core/files/storage/filesystem.py (a relative STATIC_ROOT is taken from the working
directory). Settings are read as syntax trees and never imported.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from optimizer.knowledge.code import dotted
from optimizer.knowledge.grammars import LONGEST, find, parse, text_of
from optimizer.knowledge.installs import HOLE, Call, Files, Obstacle
from optimizer.knowledge.manifests import resolve
from optimizer.knowledge.products import Made, Product

if TYPE_CHECKING:
    from tree_sitter import Node

MOST_SETTINGS: Final = 200
"""Files, at most, in which the settings of a Django project are looked for."""
_MOST_MODULES: Final = 20
"""Modules, at most, that the settings are put together from."""
_DEEPEST: Final = 20

_STATIC_ROOT = re.compile(rb"^[ \t]*STATIC_ROOT[ \t]*=[ \t]*(.+)$", re.MULTILINE)
_MAY_HOLD_SETTINGS = re.compile(r"(?:settings|base|prod|common|default)[^/]*(?:/[^/]+)?\.py$")
_NAMES_SETTINGS = re.compile(rb"DJANGO_SETTINGS_MODULE")
_DEFAULT = re.compile(
    rb"""os\.environ\.setdefault\(\s*["']DJANGO_SETTINGS_MODULE["']\s*,\s*["']([\w.]+)["']\s*,?\s*\)"""
)
_READS_VARIABLES = re.compile(rb"dotenv|read_env")
"""Loaders of files with variables, one of which may name other settings."""
_MAY_SAY_MORE = re.compile(
    rb"\binclude\(|\bexec\(|globals\(|locals\(|vars\(|setattr\(|[\"']location[\"']|\blocation="
)
"""What may set STATIC_ROOT without naming it, and a storage with a place of its own."""
_MAY_WRITE = re.compile(rb"mkdir|makedirs|FileHandler|\bopen\(|write_text|write_bytes|\.touch\(")
"""What may leave more files of the project when the settings are loaded."""

_SAME_PATH: Final = frozenset(
    ("Path", "pathlib.Path", "str", "os.fspath", "os.path.abspath", "os.path.realpath",
     "os.path.normpath", "abspath", "realpath", "normpath")
)  # fmt: skip
_JOINS: Final = frozenset(("os.path.join", "join", "path.join"))
_DIRNAMES: Final = frozenset(("os.path.dirname", "dirname", "path.dirname"))
_METHODS: Final = frozenset(("resolve", "absolute", "as_posix"))
_STRING = re.compile(r"[rRuU]?(\"\"\"|'''|\"|')([^\\{}]*)\1")


def product(call: Call, made: Made, script: str, words: Sequence[str]) -> Product | Obstacle | None:
    """Says what ``manage.py``, at ``script`` as the command names it, leaves when it is given
    ``words``; None for its commands that write nothing."""
    verb = next((word for word in words if not word.startswith("-")), "")
    if verb == "compilemessages":
        return Product((call.directory,), interpreter="python3")
    if verb != "collectstatic":
        return None
    root = _static_root(call, made, script, words)
    if isinstance(root, Obstacle):
        return root
    project = posixpath.dirname(resolve(call.directory, script))
    return Product(
        (root,),
        drops=() if root == call.directory else (f"{project}*/__pycache__",),
        interpreter="python3",
        assumes=(f"`collectstatic` writes nothing outside {root}, as STATIC_ROOT says.",),
    )


def _static_root(call: Call, made: Made, script: str, words: Sequence[str]) -> str | Obstacle:
    """Returns the directory that the settings name; the project's where it is only known that it
    lies below that."""
    listed = _listed(call, made)
    own = next((path for path in listed if path.endswith("/commands/collectstatic.py")), None)
    if own is not None:
        return _not_known(f"the project has a command of its own for it ({own})")
    settings = (path for path in listed if _MAY_HOLD_SETTINGS.search(path))
    found = {value for path in settings for value in _static_roots(made, path)}
    if len(found) == 1:
        value = found.pop()
        literal = re.fullmatch(r"""['"](/[\w./-]+)['"]""", value)
        if literal is not None:
            return resolve("/", literal[1])
        exact = _exactly(call, made.files, script, words)
        if exact is not None:
            return exact
        below = re.fullmatch(
            r"""(?:os\.path\.join\(\s*)?(?:BASE_DIR|PROJECT_DIR|ROOT_DIR|PROJECT_ROOT)\s*[/,]\s*"""
            r"""['"]([\w./-]+)['"]\s*\)?|str\(\s*BASE_DIR\s*/\s*['"]([\w./-]+)['"]\s*\)""",
            value,
        )
        if below is not None:
            # BASE_DIR may be the project's directory or one below it: all of it is kept.
            return call.directory
    return _not_known("STATIC_ROOT is not written out")


def _not_known(why: str) -> Obstacle:
    return Obstacle(
        "unknown-product",
        f"Where `manage.py collectstatic` writes is not known: {why}.",
        "Write STATIC_ROOT out in the settings, or say it in a comment above the RUN: "
        "`# dockopt: writes=PATH`.",
    )


def _listed(call: Call, made: Made) -> list[str]:
    """Returns the Python files of the project, three directories deep, that may be its settings or
    its own commands."""
    found: list[str] = []
    pending = [(call.directory, 0)]
    while pending and len(found) < MOST_SETTINGS:
        folder, depth = pending.pop()
        for name in made.files.children(folder)[:MOST_SETTINGS]:
            path = resolve(folder, name)
            kind = made.files.kind(path)
            if kind == "dir" and depth < 3:
                pending.append((path, depth + 1))
            elif kind == "file" and (name == "collectstatic.py" or _MAY_HOLD_SETTINGS.search(path)):
                found.append(path)
    return found


def _static_roots(made: Made, path: str) -> list[str]:
    content = made.files.read(path) or b""
    values = (match[1] for match in _STATIC_ROOT.finditer(content))
    return [value.partition(b" #")[0].strip().decode("utf-8", "replace") for value in values]


def _exactly(call: Call, files: Files, script: str, words: Sequence[str]) -> str | None:
    """Returns the directory alone that `collectstatic` fills and that no COPY does; None where that
    is not shown, or where loading the settings may write something else."""
    manage = resolve(call.directory, script)
    source = files.read(manage) or b""
    name = _settings_name(call, source, words)
    if name is None or _MAY_WRITE.search(source):
        return None
    modules = _modules(files, posixpath.dirname(manage), name)
    if modules is None:
        return None
    found = {
        module.value("STATIC_ROOT", modules) for module in modules if module.has("STATIC_ROOT")
    }
    value = found.pop() if len(found) == 1 else None
    if not value:
        return None
    path = posixpath.normpath(resolve(call.directory, value))
    is_below = path.startswith(f"{call.directory.rstrip('/')}/")
    return path if is_below and files.kind(path) is None else None


def _settings_name(call: Call, manage: bytes, words: Sequence[str]) -> str | None:
    """Returns the module of the settings: --settings, the variable, or what manage.py sets."""
    if any(word.startswith(("--settings", "--pythonpath")) for word in words):
        return None
    if _READS_VARIABLES.search(manage) or len(_NAMES_SETTINGS.findall(manage)) != 1:
        return None
    default = _DEFAULT.search(manage)
    if default is None:
        return None
    name = call.env.get("DJANGO_SETTINGS_MODULE", default[1].decode())
    return None if HOLE in name else name


def _modules(files: Files, root: str, name: str) -> tuple[Module, ...] | None:
    """Returns the modules that the settings are put together from; None where one may take a
    setting from elsewhere."""
    found: dict[str, Module] = {}
    pending = [_file_of(files, posixpath.join(root, *name.split(".")))]
    while pending:
        path = pending.pop()
        if path is None or len(found) == _MOST_MODULES:
            return None
        if path in found:
            continue
        module = _read(files, path)
        if module is None:
            return None
        found[path] = module
        for base, is_all in module.imports(root):
            other = _file_of(files, base)
            if other is not None or is_all:
                pending.append(other)
    return tuple(found.values())


def _file_of(files: Files, base: str) -> str | None:
    names = (f"{base}.py", f"{base}/__init__.py")
    return next((name for name in names if files.kind(name) == "file"), None)


def _read(files: Files, path: str) -> Module | None:
    source = files.read(path)
    if source is None or len(source) > LONGEST:
        return None
    if _MAY_SAY_MORE.search(source) or _MAY_WRITE.search(source):
        return None
    root = parse(source, "python")
    return None if root is None or root.has_error else Module(path, root)


@dataclass(frozen=True)
class Module:
    """A module of the settings: its ``path`` in the image, and its tree."""

    path: str
    root: Node

    def imports(self, root: str) -> Iterator[tuple[str, bool]]:
        """Yields the modules that it takes names from, as paths without an ending, and whether it
        takes all of them. Names of the project are looked up below ``root``."""
        for node in find(self.root, "python", frozenset(("import_from_statement",))):
            module = node.child_by_field_name("module_name")
            if module is None:
                continue
            text = text_of(module)
            name = text.lstrip(".")
            dots = len(text) - len(name)
            folder = root
            if dots:
                folder = posixpath.normpath(posixpath.join(self.path, *[".."] * dots))
            is_all = any(child.type == "wildcard_import" for child in node.children)
            yield posixpath.join(folder, *name.split(".")) if name else folder, is_all

    def has(self, name: str) -> bool:
        """Tells whether it sets ``name`` anywhere."""
        return any(left == name for left, _ in self._assigned())

    def _assigned(self) -> Iterator[tuple[str, Node]]:
        for node in find(self.root, "python", frozenset(("assignment", "augmented_assignment"))):
            left = node.child_by_field_name("left")
            if left is not None:
                yield text_of(left), node

    def value(self, name: str, modules: Sequence[Module], depth: int = 0) -> str | None:
        """Returns the text or path that ``name`` stands for in the settings; None where it is not
        known, or set in more than one place or under a condition."""
        if depth > _DEEPEST:
            return None
        nodes = [node for left, node in self._assigned() if left == name]
        if not nodes:
            others = [module for module in modules if module is not self and module.has(name)]
            one = others[0] if len(others) == 1 else None
            return None if one is None else one.value(name, modules, depth + 1)
        statement = nodes[0].parent
        right = nodes[0].child_by_field_name("right")
        is_plain = statement is not None and statement.parent == self.root
        if len(nodes) > 1 or nodes[0].type != "assignment" or right is None or not is_plain:
            return None
        return self._text(right, modules, depth + 1)

    def _text(self, node: Node, modules: Sequence[Module], depth: int) -> str | None:
        if depth > _DEEPEST:
            return None
        match node.type:
            case "string":
                literal = _STRING.fullmatch(text_of(node))
                return None if literal is None else literal[2]
            case "identifier":
                name = text_of(node)
                return self.path if name == "__file__" else self.value(name, modules, depth + 1)
            case "parenthesized_expression":
                return self._text(node.named_children[0], modules, depth + 1)
            case "binary_operator":
                is_path = any(child.type == "/" for child in node.children)
                return self._joined(node.named_children, modules, depth) if is_path else None
            case "attribute":
                return self._parent(node, modules, depth)
            case "subscript":
                return self._parents(node, modules, depth)
            case "call":
                return self._called(node, modules, depth)
        return None

    def _joined(self, nodes: Sequence[Node], modules: Sequence[Module], depth: int) -> str | None:
        found = [self._text(node, modules, depth + 1) for node in nodes]
        known = [text for text in found if text is not None]
        return posixpath.join(*known) if known and len(known) == len(found) else None

    def _parent(self, node: Node, modules: Sequence[Module], depth: int) -> str | None:
        """``path.parent``."""
        owner, name = node.child_by_field_name("object"), node.child_by_field_name("attribute")
        if owner is None or name is None or text_of(name) != "parent":
            return None
        path = self._text(owner, modules, depth + 1)
        return None if path is None else posixpath.dirname(path)

    def _parents(self, node: Node, modules: Sequence[Module], depth: int) -> str | None:
        """``path.parents[1]``."""
        value, index = node.child_by_field_name("value"), node.child_by_field_name("subscript")
        if value is None or index is None or value.type != "attribute":
            return None
        owner, name = value.child_by_field_name("object"), value.child_by_field_name("attribute")
        if owner is None or name is None or text_of(name) != "parents":
            return None
        path = self._text(owner, modules, depth + 1)
        if path is None or not re.fullmatch(r"\d", text_of(index)):
            return None
        for _ in range(int(text_of(index)) + 1):
            path = posixpath.dirname(path)
        return path

    def _called(self, node: Node, modules: Sequence[Module], depth: int) -> str | None:
        function, given = (node.child_by_field_name(each) for each in ("function", "arguments"))
        if function is None or given is None:
            return None
        nodes = [child for child in given.named_children if child.type != "comment"]
        name = dotted(function)
        if name in _JOINS:
            return self._joined(nodes, modules, depth)
        if (name in _SAME_PATH or name in _DIRNAMES) and len(nodes) == 1:
            path = self._text(nodes[0], modules, depth + 1)
            if path is None:
                return None
            return posixpath.dirname(path) if name in _DIRNAMES else posixpath.normpath(path)
        if function.type != "attribute":
            return None
        owner, method = (function.child_by_field_name(each) for each in ("object", "attribute"))
        if owner is None or method is None:
            return None
        if text_of(method) in _METHODS and not any(map(_is_no_option, nodes)):
            path = self._text(owner, modules, depth + 1)
            return None if path is None else posixpath.normpath(path)
        if text_of(method) == "joinpath":
            return self._joined((owner, *nodes), modules, depth)
        return None


def _is_no_option(node: Node) -> bool:
    """`resolve` alone takes an option, which says whether the path has to be there."""
    return node.type != "keyword_argument"
