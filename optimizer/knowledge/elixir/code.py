"""mix.exs and config/*.exs: which files their Elixir opens when Mix loads them. Nothing is run.

A file is followed as far as it says plain things. Of a module, what stands outside of its
functions runs when the file is loaded; a function is followed where something that runs calls
it. Anything else holds, since Elixir may open any file.

Sources: elixir-lang/elixir 1.14 and 1.18, lib/mix/lib/mix/{project,cli,config,dep/loader}.ex and
lib/mix/lib/mix/tasks/{deps.get,deps.compile,loadconfig}.ex; the documentation of Config.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from posixpath import dirname
from typing import TYPE_CHECKING, NoReturn

from optimizer.knowledge.commands.line import names
from optimizer.knowledge.grammars import descendants, line_of, read_program, text_of
from optimizer.knowledge.manifests import Survey, hold, resolve

if TYPE_CHECKING:
    from tree_sitter import Node

# Modules of Elixir and Erlang whose functions open nothing.
_PURE = names(
    """
    String Enum Map Keyword List Atom Integer Float Regex Version Tuple URI Date DateTime
    NaiveDateTime Time Base Stream MapSet Range Access Kernel Macro Logger IO Calendar
    Bitwise Application :lists :maps :erlang :binary :string Jason JSON Exception Function
    Inspect Mix.Utils
    """
)
_PURE_FUNCTIONS = names(
    """
    System.get_env System.fetch_env System.fetch_env! System.version System.otp_release
    System.build_info System.schedulers_online System.schedulers System.monotonic_time
    System.system_time System.os_time System.put_env System.delete_env
    System.compiled_endianness System.tmp_dir System.tmp_dir! System.user_home
    System.user_home! Mix.env Mix.target Mix.shell Mix.raise Mix.debug? Mix.Project.config
    Mix.Project.deps_path Mix.Project.build_path Mix.Project.app_path Mix.Project.get!
    Mix.Project.umbrella? Mix.ensure_application! Code.ensure_loaded? Code.ensure_loaded
    Code.ensure_compiled Code.put_compiler_option Code.compiler_options Path.join
    Path.expand Path.dirname Path.basename Path.absname Path.relative_to
    Path.relative_to_cwd Path.type Path.extname Path.rootname Path.split Module.concat
    Module.split :os.type :os.getenv :crypto.strong_rand_bytes :inet.ntoa
    :timer.hours :timer.minutes :timer.seconds :erlang.system_info File.cwd! File.cwd
    Code.compiler_option
    """
)
_SPECIAL = names(
    """
    def defp defmodule defmacro defmacrop defstruct if unless case cond for fn with try
    receive quote unquote use import require alias and or not in raise reraise throw exit
    is_nil is_binary is_list is_map is_atom is_integer is_tuple is_boolean is_function
    is_map_key to_string to_charlist hd tl elem length map_size tuple_size inspect put_in
    get_in update_in max min abs div rem round trunc byte_size self struct
    binary_part config import_config config_env config_target then tap dbg sigil_w sigil_r
    match? put_elem is_number is_float is_struct is_bitstring defguard defguardp
    destructure function_exported?
    """
)
_READERS = frozenset(("File.read!", "File.read", "File.stream!"))
_PROBES = frozenset(("File.exists?", "File.regular?", "File.stat", "File.stat!"))
_LOADERS = frozenset(
    ("Code.require_file", "Code.eval_file", "Code.load_file", "Code.compile_file",
     "Config.Reader.read!")
)  # fmt: skip
_COMMANDS = frozenset(("System.cmd", "System.shell", ":os.cmd", "Port.open", "Mix.shell.cmd"))
_USES = frozenset(("Mix.Project", "Mix.Config", "Mix.Task", "Config"))
_MOST_FILES = 200


@dataclass(slots=True)
class Program:
    """The Elixir files that are loaded together, while they are followed."""

    survey: Survey
    env: Mapping[str, str]
    mix_env: str
    seen: dict[str, None] = field(default_factory=dict)

    def add(self, path: str) -> None:
        """Counts the file at ``path``. Raises `Held` where there are too many."""
        self.seen[path] = None
        if len(self.seen) > _MOST_FILES:
            hold(
                "config-reads-source",
                f"{path} is one of more than {_MOST_FILES} Elixir files that are loaded.",
                "Load fewer files from mix.exs.",
                path,
            )


@dataclass(slots=True)
class Script:
    """One file while it is followed; it runs in ``directory``."""

    program: Program
    path: str
    directory: str
    root: Node = field(init=False)
    attributes: dict[str, Node] = field(init=False, default_factory=dict)
    functions: dict[str, list[Node]] = field(init=False, default_factory=dict)
    modules: set[str] = field(init=False, default_factory=set)
    names: set[str] = field(init=False, default_factory=set)
    called: dict[str, None] = field(init=False, default_factory=dict)
    pairs: list[tuple[str, Node, Node]] = field(init=False, default_factory=list)
    """The keyword pairs that were met: name, value, and the pair itself."""

    def __post_init__(self) -> None:
        self.program.add(self.path)
        self.root = read_program(self.program.survey, self.path, "elixir")
        self._collect()

    def _collect(self) -> None:
        for node in descendants(self.root):
            if node.type == "call":
                name, given = target_of(node), arguments(node)
                if name in ("def", "defp", "defmacro", "defmacrop") and given:
                    self.functions.setdefault(_function_name(given[0]), []).append(node)
                elif name == "defmodule" and given:
                    self.modules.add(text_of(given[0]))
            elif node.type == "unary_operator" and text_of(node).startswith("@"):
                inner = node.named_children[0] if node.named_child_count else None
                if inner is not None and inner.type == "call" and arguments(inner):
                    self.attributes.setdefault(target_of(inner), arguments(inner)[0])

    def follow(self, entries: Sequence[str] = ()) -> None:
        """Follows what runs when the file is loaded, and the functions ``entries``."""
        self._visit(self.root)
        for name in entries:
            self.call(name)

    def follow_all(self) -> None:
        """Follows the whole file, since any of its functions may be called."""
        self.follow(tuple(self.functions))

    def call(self, name: str) -> None:
        """Follows the function ``name`` of this file."""
        if name in self.called:
            return
        self.called[name] = None
        for node in self.functions.get(name, ()):
            head, *body = [child for child in node.named_children if child.type != "comment"][1:]
            self.names.update(
                text_of(each) for each in descendants(head) if each.type == "identifier"
            )
            for each in (*head.named_children[1:], *body):
                self._visit(each)

    def _visit(self, node: Node) -> None:
        match node.type:
            case "call":
                self._call(node)
            case "pair":
                self._pair(node)
            case "unary_operator" if text_of(node).startswith("&"):
                self._captured(node)
            case "unary_operator" if text_of(node).startswith("@"):
                self._attribute(node)
            case "identifier":
                self._bare(node)
            case "binary_operator" if text_of_operator(node) in ("=", "<-", "->"):
                self._bound(node)
            case "stab_clause":
                self._clause(node)
            case _:
                for child in node.named_children:
                    self._visit(child)

    def _attribute(self, node: Node) -> None:
        """A module attribute: what it is set to runs, what it is read from ran already."""
        inner = node.named_children[0] if node.named_child_count else None
        if inner is not None and inner.type == "call":
            for each in arguments(inner):
                self._visit(each)

    def _pair(self, node: Node) -> None:
        key, value = node.child_by_field_name("key"), node.child_by_field_name("value")
        if key is not None and value is not None:
            self.pairs.append((text_of(key).strip().rstrip(":").strip('"'), value, node))
            self._visit(value)

    def _clause(self, node: Node) -> None:
        left = node.child_by_field_name("left")
        for each in descendants(left) if left is not None else ():
            if each.type == "identifier":
                self.names.add(text_of(each))
        for child in node.named_children:
            if left is None or child != left:
                self._visit(child)

    def _bound(self, node: Node) -> None:
        left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
        for each in descendants(left) if left is not None else ():
            if each.type == "identifier":
                self.names.add(text_of(each))
        if right is not None:
            self._visit(right)

    def _captured(self, node: Node) -> None:
        """``&name/1`` in a list of steps runs later; handed to a function it may run at once."""
        if not _is_handed_over(node):
            return
        what = text_of(node).lstrip("&").rpartition("/")[0]
        if "(" in text_of(node) or not _CAPTURE.fullmatch(text_of(node)):
            for child in node.named_children:
                self._visit(child)
        elif what in self.functions:
            self.call(what)
        elif not self._is_pure(what):
            self._refuse(node, f"calls {what}")

    def _is_pure(self, what: str) -> bool:
        return what.rpartition(".")[0] in _PURE or what in _PURE_FUNCTIONS

    def _bare(self, node: Node) -> None:
        """A variable, or a function of the file that is called without brackets."""
        name = text_of(node)
        if name in self.functions and name not in self.names:
            self.call(name)

    def _call(self, node: Node) -> None:
        what, given = target_of(node), arguments(node)
        if what in ("def", "defp", "defmacro", "defmacrop"):
            return
        if what in _READERS | _PROBES:
            self._opens(node, given)
        elif what in _LOADERS:
            self._loads(node, given)
        elif what in _COMMANDS:
            self._runs(node, given)
        elif what == "import_config":
            self._imports(node, given)
        elif what == "use" and given and text_of(given[0]) not in _USES:
            self._refuse(node, f"uses {text_of(given[0])}")
        elif "." in what:
            self._remote(node, what)
        elif what in self.functions:
            self.call(what)
        elif what not in _SPECIAL:
            self._refuse(node, f"calls `{what or text_of(node).split()[0]}`")
        for child in node.named_children[0 if "." not in what and not what else 1 :]:
            self._visit(child)

    def _remote(self, node: Node, what: str) -> None:
        module, _, name = what.rpartition(".")
        if self._is_pure(what):
            return
        if module in self.modules or module == "__MODULE__":
            self.call(name)
        elif module[:1].isupper() or module.startswith(":"):
            self._refuse(node, f"calls {what}")
        else:
            target = node.child_by_field_name("target")
            if target is not None:
                self._visit(target)

    def _opens(self, node: Node, given: Sequence[Node]) -> None:
        path = self.file(given[0]) if given else None
        if path is None:
            self._refuse(node, "opens a file of a name that is not known", "unresolved-variable")
        survey = self.program.survey
        if survey.has_dir(path):
            self._refuse(node, f"looks at the directory {path}")
        survey.read(path)

    def _loads(self, node: Node, given: Sequence[Node]) -> None:
        path = None
        if given:
            base = self.file(given[1]) if given[1:] else self.directory
            name = self.text(given[0])
            path = resolve(base, name) if base is not None and name is not None else None
        if path is None:
            self._refuse(node, "loads a file of a name that is not known", "unresolved-variable")
        if path in self.program.seen:
            return
        if not self.program.survey.has_file(path):
            self._missing(node, path)
        other = Script(self.program, path, self.directory)
        self.modules |= other.modules
        other.follow_all()

    def _runs(self, node: Node, given: Sequence[Node]) -> None:
        if given and "git" in text_of(given[0]):
            hold(
                "version-from-git",
                f"{self.path} asks git about the repository.",
                "Write the value down in the file.",
                self.path,
                line_of(node),
            )
        self._refuse(node, "runs a command")

    def _imports(self, node: Node, given: Sequence[Node]) -> None:
        """lib/elixir/lib/config.ex, import_config: names are taken from the file's own folder."""
        name = self.text(given[0]) if given else None
        if name is None:
            self._refuse(node, "imports a file of a name that is not known", "unresolved-variable")
        path = resolve(dirname(self.path), name)
        if path in self.program.seen:
            return
        if not self.program.survey.has_file(path):
            self._missing(node, path)
        Script(self.program, path, self.directory).follow_all()

    def _missing(self, node: Node, path: str) -> NoReturn:
        hold(
            "manifest-outside-copy",
            f"{self.path} loads {path}, which is not among the copied files.",
            "Copy that file too, and see that .dockerignore does not leave it out.",
            self.path,
            line_of(node),
        )

    def file(self, node: Node) -> str | None:
        """Returns the absolute path that ``node`` names, None where that is not known."""
        name = self.text(node)
        return None if name is None else resolve(self.directory, name)

    def text(self, node: Node) -> str | None:
        """Returns the text that ``node`` stands for, None where that is not known."""
        match node.type:
            case "string":
                parts = [self._part(child) for child in node.named_children]
                known = [part for part in parts if part is not None]
                return "".join(known) if len(known) == len(parts) else None
            case "identifier" if text_of(node) == "__DIR__":
                return dirname(self.path)
            case "identifier" if text_of(node) == "__ENV__":
                return None
            case "unary_operator" if text_of(node).startswith("@"):
                value = self.attributes.get(text_of(node)[1:])
                return self.text(value) if value is not None else None
            case "call":
                return self._computed(node)
            case "binary_operator":
                return self._operated(node)
        return dirname(self.path) if text_of(node) == "__DIR__" else None

    def _part(self, node: Node) -> str | None:
        if node.type == "quoted_content":
            return text_of(node)
        if node.type == "interpolation" and node.named_child_count == 1:
            return self.text(node.named_children[0])
        return None

    def _computed(self, node: Node) -> str | None:
        what, given = target_of(node), arguments(node)
        if what in ("Mix.env", "config_env"):
            return self.program.mix_env
        if what in ("System.get_env", "System.fetch_env!") and given:
            name = self.text(given[0])
            default = self.text(given[1]) if given[1:] else None
            return self.program.env.get(name, default) if name is not None else None
        values = [self.text(each) for each in given]
        known = [value for value in values if value is not None]
        if what == "Path.join" and len(given) == 1 and given[0].type == "list":
            values = [self.text(each) for each in given[0].named_children]
            known = [value for value in values if value is not None]
        if not values or len(known) != len(values):
            return None
        if what == "Path.join":
            return "/".join(known)
        if what in ("Path.expand", "Path.absname"):
            return resolve(
                resolve(self.directory, known[1]) if known[1:] else self.directory, known[0]
            )
        return dirname(known[0]) if what == "Path.dirname" else None

    def _operated(self, node: Node) -> str | None:
        """``"a" <> "b"``, and ``__DIR__ |> Path.join("x")``."""
        left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
        if left is None or right is None:
            return None
        first = self.text(left)
        if text_of_operator(node) == "<>":
            second = self.text(right)
            return first + second if first is not None and second is not None else None
        if text_of_operator(node) == "|>" and first is not None and right.type == "call":
            rest = [self.text(each) for each in arguments(right)]
            if target_of(right) == "Path.join" and None not in rest:
                return "/".join([first, *(each for each in rest if each is not None)])
            if target_of(right) == "Path.expand" and not rest:
                return resolve(self.directory, first)
        return None

    def _refuse(self, node: Node, what: str, code: str = "config-reads-source") -> NoReturn:
        hold(
            code,
            f"{self.path} is a program, and line {line_of(node)} {what}, "
            "so what it reads is not known.",
            "Write the value down, or copy what the line reads above the install yourself.",
            self.path,
            line_of(node),
        )

    def refuse(self, node: Node, what: str, code: str = "config-reads-source") -> NoReturn:
        """Holds at ``node``, since the program ``what`` there."""
        self._refuse(node, what, code)


def text_of_operator(node: Node) -> str:
    """Returns the sign of a binary operator."""
    operator = node.child_by_field_name("operator")
    return text_of(operator) if operator is not None else ""


def target_of(node: Node) -> str:
    """Returns what a call calls: ``File.read!``, ``deps``; empty for a value that is called."""
    target = node.child_by_field_name("target")
    if target is None or target.type not in ("identifier", "dot"):
        return ""
    return "".join(text_of(target).split())


def arguments(node: Node) -> list[Node]:
    """Returns the arguments of a call, without keywords and blocks."""
    found = next((child for child in node.named_children if child.type == "arguments"), None)
    return [
        each
        for each in (found.named_children if found is not None else [])
        if each.type not in ("keywords", "comment")
    ]


def tuples(nodes: Sequence[Node]) -> Iterator[Node]:
    """Yields the tuples below ``nodes``."""
    for node in nodes:
        yield from (each for each in descendants(node) if each.type == "tuple")


_CAPTURE = re.compile(r"&[\w.:!?]+/\d+")


def _is_handed_over(node: Node) -> bool:
    """Tells whether a function is an argument of a call, be it inside of a list."""
    above = node.parent
    while above is not None:
        if above.type == "call" and target_of(above) not in _SPECIAL:
            return True
        if above.type == "binary_operator" and text_of_operator(above) == "|>":
            return True
        above = above.parent
    return False


def _function_name(head: Node) -> str:
    """The name in ``name``, ``name(a)`` and ``name(a) when ...``."""
    if head.type == "binary_operator" and head.named_child_count:
        return _function_name(head.named_children[0])
    return target_of(head) if head.type == "call" else text_of(head)
