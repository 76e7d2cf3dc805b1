"""Gemfiles and gemspecs: which files their Ruby opens when Bundler runs it. It is not run here.

A file is followed as far as it says plain things: the names below, strings that can be put
together from what is known, and definitions of its own. Both sides of a condition are
followed. Anything else holds, since Ruby may open any file.

Sources: Bundler 2.3 and 2.6, lib/bundler/{dsl,ruby_dsl,shared_helpers}.rb and
lib/bundler.rb (load_gemspec); the documentation of Ruby's core classes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from posixpath import dirname
from typing import TYPE_CHECKING, NoReturn

from optimizer.knowledge.commands.line import names
from optimizer.knowledge.grammars import line_of, read_program, text_of
from optimizer.knowledge.manifests import Survey, hold, resolve

if TYPE_CHECKING:
    from tree_sitter import Node

# Methods of values that open nothing: those of String, Symbol, Array, Hash, Enumerable, Range,
# Comparable, Integer, Proc#call aside, Gem::Version, Gem::Requirement and RbConfig.
_OF_VALUES = names(
    """
    ! != < <= <=> == === =~ > >= [] + - * % << all? any? append at between? bump capitalize
    captures casecmp casecmp? chars chomp chop compact compact! concat count cover? cycle
    delete delete_if delete_prefix delete_suffix detect dig downcase dup each each_line
    each_pair each_with_index each_with_object empty? end_with? entries eql? equal? except
    fetch fetch_values filter filter_map find find_all find_index first flat_map flatten
    freeze frozen? fdiv grep grep_v group_by gsub gsub! has_key? has_value? hash include?
    index inject insert inspect instance_of? is_a? itself join key key? keys kind_of? last
    length line lines map map! match match? max member? merge merge! min minmax new nil?
    none? nonzero? one? partition pop prepend presence present? blank? prerelease? pred push
    reduce reject reject! release replace respond_to? reverse rindex rpartition sample
    satisfied_by? scan segments select select! shift size slice sort sort_by split squeeze
    start_with? store strip strip! sub sub! succ sum swapcase take take_while tap then to_a
    to_f to_h to_i to_r to_s to_set to_str to_sym tr transform_keys transform_values
    truncate union uniq uniq! unshift upcase upcase! update value? values version with_index
    yield_self zero? zip approximate_recommendation canonical_segments to_proc message name
    floor ceil round abs
    """
)
# Functions of Kernel and Module that open nothing.
_OF_KERNEL = names(
    """
    raise puts warn print p pp abort exit format sprintf Array Integer Float String Hash
    lambda proc block_given? attr_reader attr_accessor attr_writer private public protected
    module_function private_constant extend include freeze binding catch throw rand srand
    sleep private_class_method public_constant __method__ loop fail
    """
)
# Constants whose methods open nothing.
_PURE = re.compile(
    r"ENV|RUBY_\w+|Gem::(?:Version|Requirement|Dependency|Platform|Specification|VERSION|Ruby\w+)"
    r"|Gem|RbConfig(?:::CONFIG)?|Regexp|String|Symbol|Array|Hash|Integer|Float|Set|Struct|Time|Date"
    r"|JSON|Comparable|Bundler::VERSION|Module|Class|Object|ARGV|Range|Rational|URI|Shellwords"
    r"|Bundler::CurrentRuby|Bundler\.current_ruby|Etc|OpenStruct"
)
_READERS = frozenset({"read", "readlines", "binread", "foreach", "open", "load_file",
                      "safe_load_file", "unsafe_load_file"})  # fmt: skip
_PROBES = frozenset({"exist?", "exists?", "file?", "readable?", "symlink?", "size?", "zero?"})
_PATHS = frozenset({"join", "expand_path", "dirname", "basename", "extname", "absolute_path",
                    "realpath", "absolute_path?"})  # fmt: skip
_PLAIN_CALLS = frozenset(
    {("Pathname", "new"), *((on, name) for on in ("YAML", "Psych", "JSON")
                            for name in ("load", "safe_load", "parse", "generate", "dump"))}
)  # fmt: skip
_OPENERS = frozenset({"File", "IO", "YAML", "Psych", "JSON", "Pathname"})
# Re-opening one of these changes what Bundler does.
_NOT_TO_REOPEN = frozenset({"Bundler", "Gem", "File", "IO", "Dir", "Kernel", "Object", "Pathname",
                            "YAML", "BasicObject"})  # fmt: skip
_OF_FILES = frozenset({"__dir__", "__FILE__", "__LINE__", "self"})
_MOST_FILES = 60
"""Ruby files that one Gemfile is followed into."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a piece of Ruby stands: the file, and the directory that it runs in."""

    path: str
    directory: str

    @property
    def folder(self) -> str:
        """The directory that the file lies in."""
        return dirname(self.path)


Words = Callable[["Reader", str, "Node"], bool]
"""Carries out a call by its name where it is a word of its own in this kind of file, and says
whether it was one."""


@dataclass(slots=True)
class Reader:
    """One Ruby file while it is followed. ``words`` are those of its kind."""

    survey: Survey
    place: Place
    env: Mapping[str, str]
    words: Words
    lists_files: bool = False
    """Whether names of files may be listed, since nothing that counts comes of them."""
    depth: int = 0
    seen: dict[str, None] = field(default_factory=dict)
    known: dict[str, str | None] = field(default_factory=dict)
    defined: set[str] = field(default_factory=set)
    load_path: list[str] = field(default_factory=list)

    def follow(self) -> None:
        """Follows the file. Raises `Held` where it does what is not known."""
        self.seen[self.place.path] = None
        if len(self.seen) > _MOST_FILES:
            hold(
                "config-reads-source",
                f"{self.place.path} is one of more than {_MOST_FILES} Ruby files that are loaded.",
                "Load fewer files from the Gemfile.",
                self.place.path,
            )
        self.visit(read_program(self.survey, self.place.path, "ruby"))

    def load(self, path: str, place: Place | None = None) -> None:
        """Follows the file at ``path``, which this one loads; silent where it is not there."""
        if path in self.seen or not self.survey.has_file(path):
            return
        other = Reader(
            self.survey,
            place or Place(path, self.place.directory),
            self.env,
            self.words,
            self.lists_files,
            self.depth + 1,
            self.seen,
            self.known,
            self.defined,
            self.load_path,
        )
        other.follow()

    def visit(self, node: Node) -> None:
        """Follows ``node`` and everything below it."""
        match node.type:
            case "subshell":
                self._subshell(node)
            case "heredoc_beginning" if "`" in text_of(node):
                self._refuse(node, "runs a command")
            case "call":
                self._call(node)
            case "identifier":
                self._bare(node)
            case "element_reference":
                self._element(node)
            case "assignment" | "operator_assignment":
                self._assignment(node)
            case "method" | "singleton_method":
                self._definition(node)
            case "class" | "module":
                self._opened(node)
            case "block_argument":
                self._block_argument(node)
            case "block_parameters" | "lambda_parameters" | "method_parameters":
                self._parameters(node)
            case "hash_key_symbol" | "alias" | "undef" | "constant" | "scope_resolution":
                pass
            case _:
                for child in node.named_children:
                    self.visit(child)

    def _subshell(self, node: Node) -> None:
        if self.lists_files and re.match(r"(?:[`]|%x.)\s*git (?:ls-files|diff)", text_of(node)):
            return
        if re.search(r"\bgit\b", text_of(node)):
            hold(
                "version-from-git",
                f"{self.place.path} asks git about the repository.",
                "Write the value down in the file.",
                self.place.path,
                line_of(node),
            )
        self._refuse(node, "runs a command")

    def _element(self, node: Node) -> None:
        """``ENV["X"]`` looks a value up, ``Dir["*"]`` lists files."""
        on = text_of(node.named_children[0]) if node.named_child_count else ""
        if on in ("Dir", "::Dir", "Pathname") and not self.lists_files:
            self._refuse(node, "lists files")
        for child in node.named_children:
            self.visit(child)

    def _parameters(self, node: Node) -> None:
        for child in node.named_children:
            name = child.child_by_field_name("name") or child
            for each in [name, *name.named_children]:
                if each.type == "identifier":
                    self.known[text_of(each)] = None
            if (value := child.child_by_field_name("value")) is not None:
                self.visit(value)

    def _definition(self, node: Node) -> None:
        name = node.child_by_field_name("name")
        if name is not None:
            self.defined.add(text_of(name))
        for child in node.named_children:
            if name is None or child != name:
                self.visit(child)

    def _opened(self, node: Node) -> None:
        name = node.child_by_field_name("name")
        root = text_of(name).partition("::")[0] if name is not None else ""
        if root in _NOT_TO_REOPEN:
            self._refuse(node, f"changes {root}")
        self.defined.add(root)
        for child in node.named_children:
            if name is None or child != name:
                self.visit(child)

    def _assignment(self, node: Node) -> None:
        left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
        if left is None or right is None:
            return
        if left.type == "call" and self.words(self, text_of(left).rpartition(".")[2] + "=", node):
            return
        self.visit(right)
        name = text_of(left)
        if left.type == "identifier":
            value = self.text(right) if node.type == "assignment" else None
            self.known[name] = value if name not in self.known else None
        elif left.type == "constant":
            self.defined.add(name)
            self.known[name] = self.text(right)
        elif left.type == "left_assignment_list":
            self.known.update({text_of(each): None for each in left.named_children})
        elif left.type not in ("instance_variable", "global_variable", "class_variable",
                               "element_reference", "call", "scope_resolution"):  # fmt: skip
            self._refuse(node, "assigns what dockopt cannot follow")
        elif left.type == "global_variable" and name in ("$:", "$LOAD_PATH", "$stdin", "$0"):
            self._refuse(node, f"sets {name}")

    def _bare(self, node: Node) -> None:
        name = text_of(node)
        if name in self.known or name in self.defined or name in _OF_FILES:
            return
        if not self.words(self, name, node) and name not in _OF_KERNEL:
            self._refuse(node, f"calls `{name}`")

    def _block_argument(self, node: Node) -> None:
        for child in node.named_children:
            if child.type == "simple_symbol":
                if text_of(child).lstrip(":") not in _OF_VALUES:
                    self._refuse(node, f"calls `{text_of(child)}`")
            else:
                self.visit(child)

    def _call(self, node: Node) -> None:
        name_node = node.child_by_field_name("method")
        receiver = node.child_by_field_name("receiver")
        name = text_of(name_node) if name_node is not None else "call"
        if receiver is None:
            self._own_call(node, name)
        elif not self._path_call(node, receiver, name):
            self._value_call(node, receiver, name)

    def _own_call(self, node: Node, name: str) -> None:
        given = arguments(node)
        if name in ("require", "require_relative", "load"):
            self._required(node, name, given)
        elif name in ("instance_eval", "eval", "class_eval") and given:
            self._evaluated(node, given)
        elif self.words(self, name, node):
            return
        elif name in _OF_KERNEL or name in self.defined or name == "Pathname":
            self._inside(node)
        else:
            self._refuse(node, f"calls `{name}`")

    def _inside(self, node: Node) -> None:
        """Follows the arguments and the block of a call."""
        for field_name in ("arguments", "block"):
            if (part := node.child_by_field_name(field_name)) is not None:
                self.visit(part)

    def inside(self, node: Node) -> None:
        """Follows the arguments and the block of the call ``node``."""
        self._inside(node)

    def _required(self, node: Node, name: str, given: Sequence[Node]) -> None:
        wanted = self.text(given[0]) if given else None
        if wanted is None:
            self._refuse(node, f"has a `{name}` of a name that is not known", "unresolved-variable")
        bases = [self.place.folder] if name == "require_relative" else [self.place.directory]
        if name == "require" and not wanted.startswith((".", "/")):
            bases = [*self.load_path]
        for base in bases:
            for suffix in ("", ".rb"):
                path = resolve(base, wanted + suffix)
                if path.endswith(".rb") or name == "load":
                    self.load(path)

    def _evaluated(self, node: Node, given: Sequence[Node]) -> None:
        """``eval(File.read("x"), binding)``: the file is followed as a part of this one."""
        read = given[0]
        method = read.child_by_field_name("method") if read.type == "call" else None
        path = self._path(arguments(read)[0]) if method and arguments(read) else None
        if method is None or text_of(method) not in ("read", "binread") or path is None:
            self._refuse(node, "evaluates text")
        if not self.survey.has_file(path):
            self._missing(node, path)
        self.load(path, Place(path, self.place.directory))

    def _path_call(self, node: Node, receiver: Node, name: str) -> bool:
        """Carries out ``File.read(x)`` and the like; False where the call is of another kind."""
        on = text_of(receiver)
        if receiver.type == "call" and self._is_pathname(receiver):
            if name in _READERS | _PROBES:
                self._opens(node, name, [receiver])
                return True
            return False
        if on == "Dir" and self.lists_files:
            self._inside(node)
            return True
        if on == "IO" and name == "popen" and self.lists_files and "git" in text_of(node):
            return True
        if on not in _OPENERS:
            return False
        given = arguments(node)
        if name in _READERS | _PROBES:
            self._opens(node, name, given)
        elif name == "directory?":
            path = self._path(given[0]) if given else None
            if path is None or self.survey.has_dir(path):
                self._refuse(node, "asks whether a directory is there")
        elif name not in _PATHS and (on, name) not in _PLAIN_CALLS:
            self._refuse(node, f"calls {on}.{name}")
        else:
            self._inside(node)
        return True

    def _is_pathname(self, node: Node) -> bool:
        return re.match(r"Pathname(?:\.new)?\s*\(", text_of(node)) is not None

    def _opens(self, node: Node, name: str, given: Sequence[Node]) -> None:
        path = self._path(given[0]) if given else None
        if path is None:
            self._refuse(node, "opens a file of a name that is not known", "unresolved-variable")
        if name == "open" and any(re.search(r"[wa+]", text_of(each)) for each in given[1:]):
            self._refuse(node, f"writes {path}")
        if self.survey.has_dir(path):
            self._refuse(node, f"looks at the directory {path}")
        if self.survey.read(path):
            self.survey.content(path)
        for each in (node.child_by_field_name("block"), *given):
            if each is not None:
                self.visit(each)

    def _value_call(self, node: Node, receiver: Node, name: str) -> None:
        on = text_of(receiver)
        if on in ("$:", "$LOAD_PATH") and name in ("unshift", "push", "<<", "append", "prepend"):
            self._extend_load_path(arguments(node))
            return
        if on == "Bundler" and name in ("root", "default_gemfile"):
            return
        if receiver.type in ("constant", "scope_resolution"):
            if self.words(self, f"{on}.{name}", node):
                return
            root = on.removeprefix("::").partition("::")[0]
            if not _PURE.fullmatch(on.removeprefix("::")) and root not in self.defined:
                self._refuse(node, f"calls {on}.{name}")
            if root in ("Gem", "Object", "Module", "Class") and name not in _OF_VALUES | {
                "ruby_version", "platforms", "win_platform?", "local", "create", "rubygems_version",
                "java_platform?",
            }:  # fmt: skip
                self._refuse(node, f"calls {on}.{name}")
        else:
            known = name in _OF_VALUES or name in self.defined
            if not known and not self.words(self, f".{name}", node):
                self._refuse(node, f"calls `.{name}`")
            self.visit(receiver)
        self._inside(node)

    def _extend_load_path(self, given: Sequence[Node]) -> None:
        for each in given:
            if (path := self._path(each)) is not None:
                self.load_path.append(path)

    def _path(self, node: Node) -> str | None:
        value = self.text(node)
        return None if value is None else resolve(self.place.directory, value)

    def text(self, node: Node) -> str | None:
        """Returns the text that ``node`` stands for, None where that is not known."""
        match node.type:
            case "string":
                return self._joined(node)
            case "chained_string":
                return _together([self.text(each) for each in node.named_children])
            case "parenthesized_statements" | "argument_list" if node.named_child_count == 1:
                return self.text(node.named_children[0])
            case "identifier":
                name = text_of(node)
                return self.place.folder if name == "__dir__" else self.known.get(name)
            case "constant" | "file":
                name = text_of(node)
                return self.place.path if name == "__FILE__" else self.known.get(name)
            case "binary":
                return self._added(node)
            case "element_reference":
                return self._variable(text_of(node.named_children[0]), node.named_children[1:])
            case "call":
                return self._computed(node)
        return self.place.path if text_of(node) == "__FILE__" else None

    def _joined(self, node: Node) -> str | None:
        parts: list[str | None] = []
        for child in node.named_children:
            if child.type == "string_content":
                parts.append(text_of(child))
            elif child.type == "interpolation" and child.named_child_count == 1:
                parts.append(self.text(child.named_children[0]))
            else:
                return None
        return _together(parts)

    def _added(self, node: Node) -> str | None:
        operator = node.child_by_field_name("operator")
        sides = [node.child_by_field_name(side) for side in ("left", "right")]
        if operator is None or text_of(operator) != "+":
            return None
        return _together([self.text(side) if side is not None else None for side in sides])

    def _variable(self, on: str, given: Sequence[Node]) -> str | None:
        name = self.text(given[0]) if on == "ENV" and given else None
        return self.env.get(name) if name is not None else None

    def _computed(self, node: Node) -> str | None:
        name_node, receiver = (
            node.child_by_field_name("method"),
            node.child_by_field_name("receiver"),
        )
        name = text_of(name_node) if name_node is not None else ""
        on = text_of(receiver) if receiver is not None else ""
        values = [self.text(each) for each in arguments(node)]
        if on == "ENV" and name == "fetch" and values:
            default = values[1] if len(values) > 1 else None
            return self.env.get(values[0] or "", default)
        if name in ("to_s", "freeze") and receiver is not None:
            return self.text(receiver)
        if (on, name) == ("Bundler", "root"):
            return self.place.folder
        if (on, name) in (("Pathname", "new"), ("", "Pathname"), ("File", "realpath")):
            return values[0] if values else None
        if on == "File" and values and None not in values:
            known = [value for value in values if value is not None]
            if name == "join":
                return "/".join(known)
            if name == "dirname":
                return dirname(known[0])
            if name in ("expand_path", "absolute_path"):
                base = resolve(self.place.directory, known[1]) if known[1:] else None
                return resolve(base or self.place.directory, known[0])
        if name == "join" and receiver is not None and "__dir__" in on:
            return _together([self.text(receiver), *(f"/{value}" if value else None
                                                     for value in values)])  # fmt: skip
        return None

    def path_of(self, node: Node, base: str) -> str | None:
        """Returns the absolute path that ``node`` names, relative ones from ``base``."""
        value = self.text(node)
        return None if value is None else resolve(base, value)

    def _missing(self, node: Node, path: str) -> NoReturn:
        hold(
            "manifest-outside-copy",
            f"{self.place.path} loads {path}, which is not among the copied files.",
            "Copy that file too.",
            self.place.path,
            line_of(node),
        )

    def _refuse(self, node: Node, what: str, code: str = "config-reads-source") -> NoReturn:
        hold(
            code,
            f"{self.place.path} is a program, and line {line_of(node)} {what}, "
            "so what it reads is not known.",
            "Write the value down, or copy what the line reads above the install yourself.",
            self.place.path,
            line_of(node),
        )

    def refuse(self, node: Node, what: str, code: str = "config-reads-source") -> NoReturn:
        """Holds at ``node``, since the program ``what`` there."""
        self._refuse(node, what, code)


def _together(parts: Sequence[str | None]) -> str | None:
    known = [part for part in parts if part is not None]
    return "".join(known) if len(known) == len(parts) else None


def arguments(node: Node) -> list[Node]:
    """Returns the arguments of a call, without its options and its block."""
    found = node.child_by_field_name("arguments")
    return [
        each
        for each in (found.named_children if found is not None else [])
        if each.type not in ("pair", "block_argument", "comment")
    ]


def options(node: Node) -> dict[str, Node]:
    """Returns the options of a call by name: ``path: "x"`` and ``"path" => "x"``."""
    found = node.child_by_field_name("arguments")
    pairs = list(found.named_children) if found is not None else []
    pairs += [pair for each in pairs if each.type == "hash" for pair in each.named_children]
    known: dict[str, Node] = {}
    for pair in pairs:
        if pair.type == "pair":
            key, value = pair.child_by_field_name("key"), pair.child_by_field_name("value")
            if key is not None and value is not None:
                known[text_of(key).strip("\"':")] = value
    return known
