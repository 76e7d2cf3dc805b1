"""The state in force at a step: variables, working directory, user and shell.

The rules are BuildKit's (frontend/dockerfile/dockerfile2llb/convert.go). Two
of them surprise. ENV and ARG write to one and the same set of variables, so the
later of two wins; only what ENV wrote becomes part of the image, and a stage
built on another starts by setting it again. And the variables of ARG are seen by
the stages built on the stage that declares it.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from optimizer.cst.lex import Lexer, LexError
from optimizer.cst.nodes import Instruction
from optimizer.knowledge.images import DEFAULT_PATH, BaseImage
from optimizer.model.predefined import NOT_IN_ENVIRONMENT, PROXIES
from optimizer.model.values import Bindings, Known, Unknown, Value, given_args

DEFAULT_SHELL = ("/bin/sh", "-c")
"""BuildKit defaultshell.go."""

LONGEST_VALUE = 131_072
"""Linux starts no process with a longer variable (MAX_ARG_STRLEN)."""

MOST_TEXT = 1 << 22
"""How many characters the variables of one file may take in all."""

_ORDINARY = re.compile(r"[\w./:@,+= -]*", re.ASCII)
_WINDOWS_PATH = re.compile(r"[A-Za-z]:|\\")
_ANY_NAME = Unknown("an ENV sets a variable whose name is not known")
_WINDOWS = Unknown("paths in Windows images are not followed")


@dataclass(frozen=True, eq=False)
class State:
    """What a step finds.

    ``env`` holds what becomes part of the image, ``args`` the arguments in force and
    ``overrides`` the arguments that this stage declares behind an ENV of that name.
    ``others`` says why another name may be set all the same; None where such a name
    is unset. ``user`` is ``root`` where nothing sets another.
    """

    env: Bindings
    args: Bindings
    overrides: Bindings
    others: Unknown | None
    workdir: Value
    user: Value
    shell: tuple[str, ...] | Unknown
    is_windows: bool
    escape: str

    def lookup(self, name: str) -> Value | None:
        """Returns the value of a variable, None for one that is unset."""
        for bindings in (self.overrides, self.env, self.args):
            value = bindings.get(name)
            if value is not None:
                return value
        if self.others is None:
            return None
        return Unknown(f"${name} is not set in this file, but {self.others.reason}")

    @cached_property
    def variables(self) -> Mapping[str, Value]:
        """What ``$name`` gives for each name that the file sets, and what a RUN finds set."""
        return {**self.args, **self.env, **self.overrides}

    def expand(self, word: str) -> Value:
        """Returns ``word`` with its variables replaced and its quotes taken off.

        A word that BuildKit refuses is unknown; the reason is BuildKit's message.
        """
        return expand(word, self, self.escape)

    def resolve(self, path: str) -> Value:
        """Returns an expanded path as an absolute one, cleaned of ``.``, ``..`` and slashes."""
        if self.is_windows:
            return _WINDOWS
        if path.startswith("/"):
            return Known(_clean(path))
        if isinstance(self.workdir, Unknown):
            return self.workdir
        return Known(_clean(posixpath.join(self.workdir.text, path)))


class Scope:
    """What the instructions of all stages share: global arguments and the command's arguments.

    It also counts the text that variables take, so that expansions which grow
    without end are cut off.
    """

    def __init__(
        self, build_args: Mapping[str, str | None], global_args: Mapping[str, Value]
    ) -> None:
        self.build_args = given_args(build_args)
        self.global_args = Bindings(global_args)
        self._text = 0

    def lookup(self, name: str) -> Value | None:
        """Returns the value of a global argument, None for one that is unset."""
        return self.global_args.get(name)

    def value(self, what: str, word: str, names: State | Scope, escape: str) -> Value:
        """Expands the value of ``what``. Raises `LexError` where BuildKit refuses it."""
        if self._text > MOST_TEXT and not _ORDINARY.fullmatch(word):
            return Unknown(f"{what}: the variables take more than {MOST_TEXT} characters")
        lookup = _Lookup(names)
        value = _process(word, lookup, escape)
        text = value.text if isinstance(value, Known) else ""
        self._text += lookup.length + len(text)
        if len(text) > LONGEST_VALUE:
            return Unknown(f"{what} grows beyond {LONGEST_VALUE} characters")
        return value

    def declare(self, instruction: Instruction) -> None:
        """Adds the arguments of an ARG above the first FROM (convert.go, buildMetaArgs).

        Raises `LexError` where BuildKit refuses one.
        """
        for pair in instruction.pairs:
            name, word = pair.name.value, pair.value.value if pair.value else None
            value = self.build_args.get(name)
            if value is None and word is not None:
                value = self.value(f"${name}", word, self, instruction.escape)
            if value is None and name not in self.global_args:
                value = _from_outside(name)
            if value is not None:
                self.global_args = self.global_args.having(name, value)


def expand(word: str, names: State | Scope, escape: str) -> Value:
    """Expands ``word``; one that BuildKit refuses is unknown."""
    try:
        return _process(word, _Lookup(names), escape)
    except LexError as error:
        return Unknown(error.message)


class _Lookup:
    """Answers the lexer, and remembers the first variable whose value is not known."""

    def __init__(self, names: State | Scope) -> None:
        self.unknown: Unknown | None = None
        self.length = 0
        self._names = names

    def get(self, name: str, /) -> str | None:
        value = self._names.lookup(name)
        if value is None:
            return None
        if isinstance(value, Unknown):
            self.unknown = self.unknown or value
            return ""
        self.length += len(value.text)
        return value.text


def _process(word: str, lookup: _Lookup, escape: str) -> Value:
    if _ORDINARY.fullmatch(word):
        return Known(word)
    try:
        text = Lexer(escape).process_word(word, lookup).text
    except LexError:
        if lookup.unknown is None:
            raise
        return lookup.unknown
    return lookup.unknown or Known(text)


def empty_state(escape: str, is_windows: bool) -> State:
    """The state in a stage ``FROM scratch`` (convert.go and image.go, emptyImage)."""
    env = Bindings() if is_windows else Bindings({"PATH": Known(DEFAULT_PATH)})
    return State(
        env=env,
        args=Bindings(),
        overrides=Bindings(),
        others=None,
        workdir=_WINDOWS if is_windows else Known("/"),
        user=Known("root"),
        shell=_WINDOWS if is_windows else DEFAULT_SHELL,
        is_windows=is_windows,
        escape=escape,
    )


def image_state(name: str, row: BaseImage | None, escape: str, is_windows: bool) -> State:
    """The state in a stage that starts from the image ``name``; ``row`` is what is known of it.

    An image that is not known is taken to have Docker's own shell: images that set
    another one set a POSIX shell, or are for Windows.
    """
    if row is None or is_windows:
        workdir: Value = Unknown(f"the working directory of {name} is not known")
        user: Value = Unknown(f"the user of {name} is not known")
        env: dict[str, Value] = {}
    else:
        workdir, user = Known(row.workdir), Known(row.user)
        env = {key: Known(text) for key, text in row.env.items()}
    if not is_windows:
        # Where the image sets none, BuildKit does.
        env.setdefault("PATH", Unknown(f"the PATH of {name} is not known"))
    return State(
        env=Bindings(env),
        args=Bindings(),
        overrides=Bindings(),
        others=Unknown(f"{name} may set it"),
        workdir=_WINDOWS if is_windows else workdir,
        user=user,
        shell=Unknown(f"the shell of {name} is not known") if is_windows else DEFAULT_SHELL,
        is_windows=is_windows,
        escape=escape,
    )


def inherited(state: State) -> State:
    """Returns the state in which a stage starts that is built on one that ends in ``state``."""
    args = Bindings() if state.others == _ANY_NAME else state.args
    return replace(state, args=args, overrides=Bindings())


def after(state: State, instruction: Instruction, scope: Scope) -> State:
    """Returns the state behind ``instruction``; raises `LexError` where BuildKit refuses it."""
    match instruction.keyword:
        case "ENV":
            return _after_env(state, instruction, scope)
        case "ARG":
            return _after_arg(state, instruction, scope)
        case "WORKDIR" if instruction.arguments:
            return _after_workdir(state, instruction, scope)
        case "USER" if instruction.arguments:
            user = scope.value("USER", instruction.arguments, state, state.escape)
            return replace(state, user=user)
        case "SHELL" if instruction.exec_form is not None:
            words = tuple(word.value for word in instruction.exec_form)
            return replace(state, shell=words)
    return state


def _after_env(state: State, instruction: Instruction, scope: Scope) -> State:
    """All pairs of one ENV see the variables from before it."""
    behind = state
    for pair in instruction.pairs:
        name = scope.value("ENV", pair.name.value, state, state.escape)
        word = pair.value.value if pair.value else ""
        if isinstance(name, Unknown):
            return _without_variables(state)
        value = scope.value(f"${name.text}", word, state, state.escape)
        behind = replace(behind, env=behind.env.having(name.text, value))
        if name.text in behind.overrides:
            behind = replace(behind, overrides=behind.overrides.having(name.text, value))
    return behind


def _without_variables(state: State) -> State:
    none = Bindings()
    return replace(state, env=none, args=none, overrides=none, others=_ANY_NAME)


def _after_arg(state: State, instruction: Instruction, scope: Scope) -> State:
    """Each argument of one ARG sees those before it (convert.go, dispatchArg)."""
    for pair in instruction.pairs:
        name, word = pair.name.value, pair.value.value if pair.value else None
        value = _argument(name, word, state, scope)
        if value is None or name in NOT_IN_ENVIRONMENT:
            continue
        state = replace(state, args=state.args.having(name, value))
        if name in state.env:
            state = replace(state, overrides=state.overrides.having(name, value))
    return state


def _argument(name: str, word: str | None, state: State, scope: Scope) -> Value | None:
    given = scope.build_args.get(name)
    if given is not None:
        return given
    if word is not None:
        return scope.value(f"${name}", word, state, state.escape)
    declared = scope.global_args.get(name)
    if declared is not None:
        return declared
    return None if name in state.env or name in state.args else _from_outside(name)


def _from_outside(name: str) -> Unknown:
    if name in PROXIES:
        return Unknown(f"${name} comes from the machine that builds")
    return Unknown(f"${name} has no default, its value comes from the build command")


def _after_workdir(state: State, instruction: Instruction, scope: Scope) -> State:
    """Joins as util/system/path.go, NormalizeWorkdir, does, and cleans the path."""
    path = scope.value("WORKDIR", instruction.arguments, state, state.escape)
    if isinstance(path, Unknown):
        return replace(state, workdir=path)
    if _WINDOWS_PATH.match(path.text):
        state = replace(state, is_windows=True)
    return replace(state, workdir=state.resolve(path.text))


def _clean(path: str) -> str:
    """Go's path.Clean of an absolute path: POSIX lets two slashes in front stand, Go does not."""
    return "/" + posixpath.normpath(path).lstrip("/")
