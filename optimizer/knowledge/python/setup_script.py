"""Reads a setup.py without running it: which files it opens, and what it tells setuptools.

The script is followed statement by statement with values that are known or not; both sides of
every condition count. A call of anything that is not in the tables below ends it: what such code
reads cannot be named. Sources: setuptools' documentation ("Keywords", "Dependencies Management"),
and the Python library reference for the functions of the tables.

Values while it is followed: str, tuple and dict as they are, `Text` and `Lines` for the content of
a file, `_Path` and `_Opened`, `_Function`, and `_UNKNOWN` for what may be anything harmless.
"""

from __future__ import annotations

import ast
import posixpath
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

MOST_NODES = 8000
"""Nodes of the syntax tree that are followed, so that time stays bounded."""
MOST_DEPTH = 100
MOST_CALLS = 2000
"""Calls that are followed, those in functions of the script counted each time."""

# Modules whose import reads nothing of the project (Python library reference; setuptools).
_MODULES = frozenset(
    """
    __future__ os os.path sys io re codecs pathlib typing textwrap platform itertools functools
    collections string ast datetime warnings configparser json setuptools distutils distutils.core
    distutils.util distutils.version packaging.version setuptools.extension glob locale
    """.split()  # noqa: SIM905
)
_GIT_MODULES = frozenset({"versioneer", "setuptools_scm", "setuptools_git_versioning", "pbr",
                          "setuptools_git", "miniver", "dunamai", "git", "hatch_vcs"})  # fmt: skip
_GIT_KEYWORDS = frozenset({"use_scm_version", "pbr", "setuptools_git_versioning"})
_BUILTINS = frozenset(
    """
    print len str list dict tuple set frozenset sorted reversed isinstance any all filter map zip
    range enumerate int float bool min max repr format next iter bytes abs sum hasattr type super
    FileNotFoundError OSError IOError ValueError RuntimeError Exception ImportError SystemExit
    NotImplementedError AssertionError
    """.split()  # noqa: SIM905
)
_FUNCTIONS = re.compile(
    r"re\.\w+|os\.path\.(?:exists|isfile|isdir|splitext|basename)|os\.(?:getenv|getcwd)|sys\.exit"
    r"|os\.environ\.get|platform\.\w+|textwrap\.\w+|ast\.literal_eval|itertools\.\w+|warnings\.\w+"
    r"|collections\.\w+|datetime\.[\w.]+|json\.loads|packaging\.version\.\w+|string\.\w+"
    r"|distutils\.version\.\w+|distutils\.util\.\w+|functools\.\w+|locale\.\w+|sys\.\w+\.\w+"
    r"|setuptools\.(?:Extension|extension\.Extension)|distutils\.core\.Extension"
)
_METHODS = frozenset(
    """
    read readlines readline strip lstrip rstrip split rsplit splitlines join format replace lower
    upper group groups groupdict search match findall startswith endswith append extend insert
    update get items keys values pop decode encode partition rpartition sort count index add
    copy setdefault title close title removeprefix removesuffix remove
    """.split()  # noqa: SIM905
)


@dataclass(frozen=True, slots=True)
class Text:
    """The content of the file at ``path``, or a part of it."""

    path: str


@dataclass(frozen=True, slots=True)
class Lines:
    """The lines of the file at ``path``; ``whole`` says that only comments may be missing."""

    path: str
    whole: bool = True


@dataclass(frozen=True, slots=True)
class _Path:
    path: str


@dataclass(frozen=True, slots=True)
class _Opened:
    path: str


@dataclass(frozen=True, slots=True)
class _Function:
    node: Any


class _Unknown:
    pass


_UNKNOWN = _Unknown()


class NotFollowed(Exception):
    """The script does something whose reads cannot be named: ``line``, and what it does.

    ``is_git`` says that it asks git for the version.
    """

    def __init__(self, message: str, line: int, is_git: bool = False) -> None:
        super().__init__(message)
        self.line = line
        self.is_git = is_git


@dataclass(slots=True)
class SetupScript:
    """What a setup.py does: ``opened`` are the paths that it opens, from its own directory on,
    ``executed`` those of them that it runs as code; ``keywords`` is what it tells setup()."""

    opened: dict[str, None] = field(default_factory=dict)
    executed: dict[str, None] = field(default_factory=dict)
    keywords: dict[str, Any] = field(default_factory=dict)

    @property
    def requirements(self) -> str | None:
        """The file that holds install_requires line by line, or None."""
        found = self.keywords.get("install_requires")
        return found.path if isinstance(found, Lines) and found.whole else None


def read_setup_script(text: str) -> SetupScript:
    """Follows the setup.py with this text. Raises `NotFollowed`, and SyntaxError where it is not
    Python."""
    _parsed(text)
    import libcst
    from libcst.metadata import MetadataWrapper, PositionProvider

    wrapper = MetadataWrapper(libcst.parse_module(text), unsafe_skip_copy=True)
    lines = wrapper.resolve(PositionProvider)
    reader = _Reader(lambda node: int(lines[node].start.line) if node in lines else 1)
    try:
        reader.follow(wrapper.module.body, reader.names)
    except RecursionError as error:
        raise NotFollowed("calls itself more deeply than can be followed", 1) from error
    return reader.found


def is_only_constants(text: str) -> bool:
    """Tells whether Python code does nothing but give constants to names."""
    try:
        tree = _parsed(text)
    except (SyntaxError, NotFollowed):
        return False
    plain = (ast.Assign, ast.AnnAssign, ast.Expr)
    return all(isinstance(each, plain) and _is_literal(each.value) for each in tree.body)


def _is_literal(value: ast.expr | None) -> bool:
    if value is None:
        return True
    try:
        ast.literal_eval(value)
    except (ValueError, TypeError, SyntaxError, RecursionError):
        return False
    return True


def _parsed(text: str) -> ast.Module:
    """Parses with Python's own parser, which does not overflow on deep nesting as libcst's does,
    and bounds what comes after it."""
    try:
        tree = ast.parse(text)
    except (RecursionError, MemoryError, ValueError) as error:
        raise NotFollowed("is nested more deeply than can be followed", 1) from error
    level: list[ast.AST] = [tree]
    count = depth = 0
    while level:
        count, depth = count + len(level), depth + 1
        if count > MOST_NODES or depth > MOST_DEPTH:
            raise NotFollowed("is longer or nested more deeply than can be followed", 1)
        level = [child for node in level for child in ast.iter_child_nodes(node)]
    return tree


@dataclass(slots=True)
class _Reader:
    """Follows one script. ``line_of`` says on which line a node starts."""

    line_of: Callable[[Any], int]
    found: SetupScript = field(default_factory=SetupScript)
    names: dict[str, Any] = field(default_factory=lambda: {"__file__": "setup.py"})
    modules: dict[str, str] = field(default_factory=dict)
    calls: int = 0

    def stop(self, node: Any, what: str, is_git: bool = False) -> NotFollowed:
        return NotFollowed(what, self.line_of(node), is_git)

    # Statements.

    def follow(self, body: Sequence[Any], env: dict[str, Any]) -> list[Any]:
        """Follows statements and returns what they return."""
        returned: list[Any] = []
        for statement in body:
            returned += self._statement(statement, env)
        return returned

    def _statement(self, node: Any, env: dict[str, Any]) -> list[Any]:
        import libcst as cst

        match node:
            case cst.IndentedBlock() | cst.SimpleStatementSuite():
                return self._block(node, env)
            case cst.SimpleStatementLine():
                return [each for small in node.body for each in self._small(small, env)]
            case cst.FunctionDef():
                if node.decorators:
                    raise self.stop(node, f"decorates {node.name.value}")
                env[node.name.value] = _Function(node)
                return []
            case cst.ClassDef():
                self._branches([node.body], env)
                env[node.name.value] = _UNKNOWN
                return []
            case cst.If():
                self.value(node.test, env)
                return self._branches([node.body, node.orelse], env)
            case cst.Else() | cst.Finally():
                return self._block(node.body, env)
            case cst.For():
                self.value(node.iter, env)
                self._bind(node.target, _UNKNOWN, env)
                return self._branches([node.body, node.orelse], env)
            case cst.While():
                self.value(node.test, env)
                return self._branches([node.body, node.orelse], env)
            case cst.With():
                for item in node.items:
                    value = self.value(item.item, env)
                    if item.asname is not None:
                        self._bind(item.asname.name, value, env)
                return self._block(node.body, env)
            case cst.Try():
                parts = [node.body, *node.handlers, node.orelse]
                returned = self._branches(parts, env)
                return returned + (self._statement(node.finalbody, env) if node.finalbody else [])
            case cst.ExceptHandler():
                if node.type is not None:
                    self.value(node.type, env)
                return self._block(node.body, env)
        raise self.stop(node, "has a statement that is not followed")

    def _branches(self, parts: Sequence[Any], env: dict[str, Any]) -> list[Any]:
        """Follows parts of which any may run or not; a name that they leave with different values
        is one whose value is not known."""
        returned: list[Any] = []
        ends = [env]
        for part in filter(None, parts):
            own = dict(env)
            returned += self._statement(part, own)
            ends.append(own)
        for name in {name for end in ends for name in end}:
            values = [end[name] for end in ends if name in end]
            same = all(value == values[0] for value in values)
            env[name] = values[0] if same else _UNKNOWN
        return returned

    def _block(self, node: Any, env: dict[str, Any]) -> list[Any]:
        import libcst as cst

        if isinstance(node, cst.SimpleStatementSuite):
            return [each for small in node.body for each in self._small(small, env)]
        return self.follow(node.body, env)

    def _small(self, node: Any, env: dict[str, Any]) -> list[Any]:
        import libcst as cst

        match node:
            case cst.Expr():
                self.value(node.value, env)
            case cst.Assign():
                value = self.value(node.value, env)
                for target in node.targets:
                    self._bind(target.target, value, env)
            case cst.AnnAssign():
                if node.value is not None:
                    self._bind(node.target, self.value(node.value, env), env)
            case cst.AugAssign():
                self.value(node.value, env)
                self._bind(node.target, _UNKNOWN, env)
            case cst.Return():
                return [self.value(node.value, env)] if node.value else [None]
            case cst.Import():
                for alias in node.names:
                    self._import(node, _dotted(alias.name), alias)
            case cst.ImportFrom():
                self._import_from(node)
            case cst.Raise():
                self.value(node.exc, env) if node.exc else None
            case cst.Assert():
                self.value(node.test, env)
            case cst.Pass() | cst.Global() | cst.Del() | cst.Break() | cst.Continue():
                pass
            case _:
                raise self.stop(node, "has a statement that is not followed")
        return []

    def _import(self, node: Any, name: str, alias: Any) -> None:
        self._check_module(node, name)
        bound = _dotted(alias.asname.name) if alias.asname else name.partition(".")[0]
        self.modules[bound] = name if alias.asname else bound

    def _import_from(self, node: Any) -> None:
        import libcst as cst

        name = _dotted(node.module) if node.module else ""
        if node.relative or not name:
            raise self.stop(node, "imports a module of the project")
        self._check_module(node, name)
        if isinstance(node.names, cst.ImportStar):
            raise self.stop(node, f"imports everything of {name}")
        for alias in node.names:
            own = _dotted(alias.name)
            if f"{name}.{own}" in ("os.system", "os.popen"):
                raise self.stop(node, f"imports {own} of {name}")
            bound = _dotted(alias.asname.name) if alias.asname else own
            self.modules[bound] = f"{name}.{own}"

    def _check_module(self, node: Any, name: str) -> None:
        if name.partition(".")[0] in _GIT_MODULES:
            raise self.stop(node, f"imports {name}, which takes the version from git", True)
        if name not in _MODULES:
            raise self.stop(node, f"imports {name}")

    def _bind(self, target: Any, value: Any, env: dict[str, Any]) -> None:
        import libcst as cst

        if isinstance(target, cst.Name):
            env[target.value] = value
        elif isinstance(target, cst.Tuple | cst.List):
            for element in target.elements:
                self._bind(element.value, _UNKNOWN, env)
        elif isinstance(target, cst.Subscript):
            self._inside(target, env)
            self._forget(target.value, env)
        elif isinstance(target, cst.Attribute):
            raise self.stop(target, f"sets {self._text(target)}")

    # Expressions.

    def value(self, node: Any, env: dict[str, Any]) -> Any:
        """Returns what an expression is, as far as that is known."""
        import libcst as cst

        match node:
            case cst.SimpleString() | cst.ConcatenatedString():
                return node.evaluated_value
            case cst.Name():
                return self._name(node.value, env)
            case cst.Call():
                return self._call(node, env)
            case cst.Attribute():
                return self._attribute(node, env)
            case cst.List() | cst.Tuple() | cst.Set():
                return tuple(self.value(element.value, env) for element in node.elements)
            case cst.Dict():
                return self._dict(node, env)
            case cst.BinaryOperation():
                return self._operation(node, env)
            case cst.ListComp() | cst.GeneratorExp() | cst.SetComp():
                return self._comprehension(node, env)
            case cst.IfExp():
                for part in (node.test, node.body, node.orelse):
                    self.value(part, env)
                return _UNKNOWN
            case cst.Lambda():
                self.value(node.body, {**env, **dict.fromkeys(_parameters(node), _UNKNOWN)})
                return _UNKNOWN
            case cst.FormattedString():
                return self._formatted(node, env)
            case cst.Await() | cst.Yield() | cst.NamedExpr():
                raise self.stop(node, "has an expression that is not followed")
        for child in node.children:
            if isinstance(child, cst.BaseExpression):
                self.value(child, env)
            else:
                self._inside(child, env)
        return _UNKNOWN

    def _inside(self, node: Any, env: dict[str, Any]) -> None:
        """Looks at expressions that hang below a node that is none: an index, a comparison."""
        import libcst as cst

        for child in node.children:
            if isinstance(child, cst.BaseExpression):
                self.value(child, env)
            else:
                self._inside(child, env)

    def _formatted(self, node: Any, env: dict[str, Any]) -> Any:
        import libcst as cst

        parts: list[Any] = []
        for part in node.parts:
            if isinstance(part, cst.FormattedStringText):
                parts.append(part.value)
            else:
                self._inside(part, env)
                parts.append(_path_of(self.value(part.expression, env)))
        known = [part for part in parts if isinstance(part, str)]
        return "".join(known) if len(known) == len(parts) else _UNKNOWN

    def _name(self, name: str, env: dict[str, Any]) -> Any:
        if name in ("None", "True", "False"):
            return {"None": None, "True": True, "False": False}[name]
        return env.get(name, self.names.get(name, _UNKNOWN))

    def _attribute(self, node: Any, env: dict[str, Any]) -> Any:
        value = self.value(node.value, env)
        if isinstance(value, _Path):
            if node.attr.value == "parent":
                return _Path(posixpath.dirname(value.path) or ".")
            if node.attr.value == "name":
                return posixpath.basename(value.path)
        return _UNKNOWN

    def _dict(self, node: Any, env: dict[str, Any]) -> Any:
        import libcst as cst

        found: dict[str, Any] = {}
        for element in node.elements:
            if isinstance(element, cst.DictElement):
                key, value = self.value(element.key, env), self.value(element.value, env)
                if isinstance(key, str):
                    found[key] = value
            else:
                inner = self.value(element.value, env)
                found.update(inner if isinstance(inner, dict) else {})
        return found

    def _operation(self, node: Any, env: dict[str, Any]) -> Any:
        import libcst as cst

        left, right = self.value(node.left, env), self.value(node.right, env)
        if isinstance(node.operator, cst.Divide) and isinstance(left, _Path):
            name = _path_of(right)
            return _Path(posixpath.join(left.path, name)) if name is not None else _UNKNOWN
        if isinstance(node.operator, cst.Add):
            if isinstance(left, str) and isinstance(right, str):
                return left + right
            if isinstance(left, tuple) and isinstance(right, tuple):
                return left + right
        return _UNKNOWN

    def _comprehension(self, node: Any, env: dict[str, Any]) -> Any:
        inner = dict(env)
        source = self.value(node.for_in.iter, inner)
        source = Lines(source.path) if isinstance(source, _Opened) else source
        self._bind(node.for_in.target, _UNKNOWN, inner)
        for condition in node.for_in.ifs:
            self.value(condition.test, inner)
        self.value(node.elt, inner)
        if not isinstance(source, Lines) or node.for_in.inner_for_in is not None:
            return _UNKNOWN
        whole = source.whole and all(_drops_comments(each.test) for each in node.for_in.ifs)
        return Lines(source.path, whole and _keeps_line(node.elt))

    # Calls.

    def _call(self, node: Any, env: dict[str, Any]) -> Any:
        self.calls += 1
        if self.calls > MOST_CALLS:
            raise self.stop(node, "calls more than can be followed")
        name = self._called(node.func)
        keywords = {a.keyword.value: a.value for a in node.args if a.keyword and not a.star}
        spread = [self.value(a.value, env) for a in node.args if a.star == "**"]
        plain = self._plain_arguments(node, env)
        match name:
            case "setuptools.setup" | "distutils.core.setup":
                return self._setup(node, keywords, spread, env)
            case "open" | "io.open" | "codecs.open":
                return self._open(node, plain, keywords, env)
            case "exec":
                return self._exec(node, plain)
            case "compile" if plain and isinstance(plain[0], Text):
                return plain[0]
            case "setuptools.find_packages" | "setuptools.find_namespace_packages":
                for each in (*plain, *(self.value(v, env) for v in keywords.values())):
                    self._check_below(node, each)
                return _UNKNOWN
            case "pathlib.Path" | "pathlib.PurePath":
                return self._joined(plain, _Path)
            case "glob.glob" | "glob.iglob" | "os.listdir" | "os.walk":
                if not all(isinstance(each, str) for each in plain):
                    raise self.stop(node, f"calls {name} on a directory that is not known")
                self._check_below(node, plain)
                return _UNKNOWN
        values = [*plain, *(self.value(v, env) for v in keywords.values())]
        if name is not None and name.startswith("os.path."):
            return self._os_path(node, name.removeprefix("os.path."), plain)
        if name is not None and self._is_harmless(name):
            if name.endswith("Extension"):
                self._check_below(node, list(_strings(tuple(values))))
            for each in values:
                if isinstance(each, _Function):
                    self._inline(node, each, [], {}, env)
            return plain[0] if name in ("list", "sorted", "tuple", "str") and plain else _UNKNOWN
        return self._own_call(node, name, plain, keywords, env)

    def _plain_arguments(self, node: Any, env: dict[str, Any]) -> list[Any]:
        plain: list[Any] = []
        for argument in node.args:
            if argument.keyword is None and argument.star != "**":
                value = self.value(argument.value, env)
                plain += value if argument.star and isinstance(value, tuple) else [value]
        return plain

    def _called(self, func: Any) -> str | None:
        """Returns the full name of a function of a module or of Python itself."""
        import libcst as cst

        parts: list[str] = []
        while isinstance(func, cst.Attribute):
            parts.append(func.attr.value)
            func = func.value
        if not isinstance(func, cst.Name):
            return None
        first = self.modules.get(func.value)
        if first is None:
            return func.value if not parts and func.value not in self.names else None
        return ".".join((first, *reversed(parts)))

    def _is_harmless(self, name: str) -> bool:
        return name in _BUILTINS or _FUNCTIONS.fullmatch(name) is not None

    def _own_call(
        self, node: Any, name: str | None, plain: list[Any], keywords: Any, env: dict[str, Any]
    ) -> Any:
        import libcst as cst

        if isinstance(node.func, cst.Name):
            function = self._name(node.func.value, env)
            if isinstance(function, _Function):
                return self._inline(node, function, plain, keywords, env)
        if name is None and isinstance(node.func, cst.Attribute):
            return self._method(node, plain, keywords, env)
        raise self.stop(node, f"calls {name or self._text(node.func)}")

    def _text(self, node: Any) -> str:
        import libcst

        return " ".join(libcst.Module([]).code_for_node(node).split())[:60]

    def _inline(
        self, node: Any, function: _Function, plain: list[Any], keywords: Any, env: dict[str, Any]
    ) -> Any:
        import libcst as cst

        parameters = function.node.params
        inner: dict[str, Any] = dict.fromkeys(_parameters(function.node), _UNKNOWN)
        names = [each.name.value for each in parameters.params]
        for each in (*parameters.params, *parameters.kwonly_params):
            if each.default is not None:
                inner[each.name.value] = self.value(each.default, env)
        inner.update(zip(names, plain, strict=False))
        inner.update({key: self.value(value, env) for key, value in keywords.items()})
        if isinstance(parameters.star_arg, cst.Param):
            inner[parameters.star_arg.name.value] = tuple(plain[len(names) :])
        returned = self._block(function.node.body, inner)
        return returned[0] if len(returned) == 1 else _UNKNOWN

    def _method(self, node: Any, plain: list[Any], keywords: Any, env: dict[str, Any]) -> Any:
        on = self.value(node.func.value, env)
        name = node.func.attr.value
        if isinstance(on, _Path):
            return self._path_method(node, on, name, plain)
        if isinstance(on, _Opened) and name == "read":
            return Text(on.path)
        if isinstance(on, _Opened) and name == "readlines":
            return Lines(on.path)
        if isinstance(on, Text) and name in ("splitlines", "split"):
            by_line = name == "splitlines" or plain[:1] in ([], ["\n"])
            return Lines(on.path) if by_line else _UNKNOWN
        if isinstance(on, Text) and name in ("strip", "rstrip", "lstrip", "decode"):
            return on
        if name in ("append", "extend", "update", "insert", "remove", "pop"):
            self._forget(node.func.value, env)
            return _UNKNOWN
        if name in _METHODS:
            return _UNKNOWN
        raise self.stop(node, f"calls {self._text(node.func)}")

    def _forget(self, target: Any, env: dict[str, Any]) -> None:
        import libcst as cst

        if isinstance(target, cst.Name):
            env[target.value] = _UNKNOWN

    def _path_method(self, node: Any, on: _Path, name: str, plain: list[Any]) -> Any:
        match name:
            case "read_text" | "read_bytes":
                return Text(self._opens(node, on.path))
            case "open":
                return self._open(node, [on, *plain], {}, {})
            case "resolve" | "absolute" | "expanduser":
                return on
            case "joinpath":
                return self._joined([on, *plain], _Path)
            case "exists" | "is_file" | "is_dir" | "as_posix":
                return _UNKNOWN
        raise self.stop(node, f"calls {name} of a path")

    def _joined(self, parts: Sequence[Any], kind: Callable[[str], Any]) -> Any:
        found = [_path_of(each) for each in parts]
        known = [each for each in found if each is not None]
        return kind(posixpath.join("", *known)) if len(known) == len(found) else _UNKNOWN

    def _os_path(self, node: Any, name: str, plain: list[Any]) -> Any:
        path = _path_of(plain[0]) if plain else None
        match name:
            case "join":
                return self._joined(plain, str)
            case "dirname" if path is not None:
                return posixpath.dirname(path) or "."
            case "abspath" | "realpath" | "normpath" if path is not None:
                return path
            case "exists" | "isfile" | "isdir" | "basename" | "splitext" | "relpath" | "getmtime":
                return _UNKNOWN
            case "dirname" | "abspath" | "realpath" | "normpath":
                return _UNKNOWN
        raise self.stop(node, f"calls os.path.{name}")

    def _open(self, node: Any, plain: list[Any], keywords: Any, env: dict[str, Any]) -> Any:
        mode = plain[1] if len(plain) > 1 else self.value(keywords["mode"], env) if (
            "mode" in keywords
        ) else "r"  # fmt: skip
        named = self.value(keywords["file"], env) if "file" in keywords else None
        path = _path_of(plain[0] if plain else named)
        if path is None:
            raise self.stop(node, "opens a file whose name is not known")
        if not isinstance(mode, str) or set(mode) & set("wax+"):
            raise self.stop(node, f"writes {path}")
        return _Opened(self._opens(node, path))

    def _opens(self, node: Any, path: str) -> str:
        normal = posixpath.normpath(path)
        self._check_below(node, normal)
        self.found.opened[normal] = None
        return normal

    def _check_below(self, node: Any, value: Any) -> None:
        """Stops where a path leads out of the project's directory."""
        for each in value if isinstance(value, list | tuple) else [value]:
            if isinstance(each, str) and (each.startswith("/") or ".." in each.split("/")):
                raise self.stop(node, f"names {each}, which lies outside of the project")

    def _exec(self, node: Any, plain: list[Any]) -> Any:
        if not plain or not isinstance(plain[0], Text):
            raise self.stop(node, "runs code that is not known")
        self.found.executed[plain[0].path] = None
        return _UNKNOWN

    def _setup(
        self, node: Any, keywords: Mapping[str, Any], spread: list[Any], env: dict[str, Any]
    ) -> Any:
        told = {key: self.value(value, env) for key, value in keywords.items()}
        for each in spread:
            if not isinstance(each, dict):
                raise self.stop(node, "gives setup() keywords that are not known")
            told = {**each, **told}
        for keyword in sorted(told.keys() & _GIT_KEYWORDS):
            raise self.stop(node, f"has {keyword}, so git says the version", True)
        for keyword in ("cmdclass", "distclass", "script_args"):
            if told.get(keyword):
                raise self.stop(node, f"has {keyword}, so its own code runs in the build")
        if told.get("setup_requires"):
            named = str(told["setup_requires"]).lower()
            is_git = any(each in named.replace("-", "_") for each in _GIT_MODULES)
            raise self.stop(node, "has setup_requires, so other packages take part", is_git)
        for keyword, value in told.items():
            if keyword in ("package_dir", "package_data", "data_files", "packages", "scripts"):
                for each in _strings(value):
                    self._check_below(node, each)
        self.found.keywords.update(told)
        return _UNKNOWN


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from _strings(each)
    elif isinstance(value, tuple):
        for each in value:
            yield from _strings(each)


def _parameters(function: Any) -> Iterator[str]:
    """Yields the names of the parameters of a function or lambda."""
    import libcst as cst

    parameters = function.params
    for each in (*parameters.posonly_params, *parameters.params, *parameters.kwonly_params):
        yield each.name.value
    for each in (parameters.star_arg, parameters.star_kwarg):
        if isinstance(each, cst.Param):
            yield each.name.value


def _path_of(value: Any) -> str | None:
    if isinstance(value, _Path):
        return value.path
    return value if isinstance(value, str) else None


def _dotted(node: Any) -> str:
    parts: list[str] = []
    while hasattr(node, "attr"):
        parts.append(node.attr.value)
        node = node.value
    return ".".join((node.value, *reversed(parts)))


def _keeps_line(node: Any) -> bool:
    """Tells whether a comprehension hands on the line itself, perhaps without blanks around it."""
    import libcst as cst

    if isinstance(node, cst.Call) and isinstance(node.func, cst.Attribute):
        stripped = node.func.attr.value in ("strip", "rstrip", "lstrip") and not node.args
        return stripped and isinstance(node.func.value, cst.Name)
    return isinstance(node, cst.Name)


def _drops_comments(test: Any) -> bool:
    """Tells whether a condition leaves out nothing but empty lines, comments and options."""
    import libcst as cst

    if isinstance(test, cst.BooleanOperation):
        return (
            isinstance(test.operator, cst.And)
            and _drops_comments(test.left)
            and _drops_comments(test.right)
        )
    if isinstance(test, cst.UnaryOperation) and isinstance(test.operator, cst.Not):
        call = test.expression
        if not isinstance(call, cst.Call) or not isinstance(call.func, cst.Attribute):
            return False
        words = [argument.value for argument in call.args]
        return call.func.attr.value == "startswith" and all(
            isinstance(word, cst.SimpleString) and word.evaluated_value in ("#", "-", "--")
            for word in words
        )
    return _keeps_line(test)
