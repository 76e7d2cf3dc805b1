"""Where each command of a script runs: its directory, its variables, and whether it runs at all.

A script is followed from top to bottom without running it. What cannot be followed is
unknown; nothing is guessed but that ``cd`` succeeds where no ``||`` comes behind it.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from posixpath import join, normpath

from optimizer.shell.interpreter import read_set
from optimizer.shell.nested import nested_script
from optimizer.shell.script import (
    Chain,
    ChainItem,
    Command,
    Compound,
    Pipeline,
    Redirection,
    Script,
)
from optimizer.shell.unwrap import Unwrapped, unwrap
from optimizer.shell.words import ShellWord

_DEEPEST = 20
"""How deep commands may nest for scripts inside them to be followed."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_LOOP_NAME = re.compile(r"\b(?:for|select)[ \t\n]+([A-Za-z_][A-Za-z0-9_]*)")

_DECLARERS = frozenset(("declare", "export", "local", "readonly", "typeset"))
_SETTERS = frozenset(("getopts", "let", "mapfile", "printf", "read", "readarray", "unset", "wait"))
_MOVERS = frozenset(("cd", "popd", "pushd"))
_SCRIPTS = frozenset((".", "eval", "source"))

# POSIX.1-2024, Shell Command Language, 2.15: assignments in front of these stay in force.
_SPECIAL = frozenset((":", ".", "eval", "exec", "exit", "export", "readonly", "return", "set"))
_SPECIAL_TOO = frozenset(("shift", "times", "trap", "unset", "break", "continue"))

_BUILTINS = _DECLARERS | _SETTERS | _MOVERS | _SCRIPTS | _SPECIAL | _SPECIAL_TOO | {"alias"}

# Wrappers behind which a builtin still works on the shell that runs the script.
_TRANSPARENT = frozenset(("builtin", "command", "time"))


@dataclass(frozen=True, slots=True)
class Visit:
    """One command at the moment it runs.

    ``env`` holds the variables of the shell, where None or a missing name is an unknown
    value; ``exported`` are the names of those that programs see, ``perhaps_exported``
    these and the names of those that they may see. ``conditional`` says that the script
    can succeed without running the command (or without waiting for it), ``must_succeed``
    that the script fails when the command fails. ``writes`` are the absolute paths of the
    files that its redirections create or change, and those of the compound commands
    around it, ``reads`` those of the files that they open for reading; None stands for a path
    that is not known. ``redefined`` says that the name is that of a function or an alias of the
    script.
    """

    command: Command
    cwd: str | None
    env: Mapping[str, str | None]
    exported: frozenset[str]
    perhaps_exported: frozenset[str]
    conditional: bool
    must_succeed: bool
    unwrapped: Unwrapped
    writes: tuple[str | None, ...] = ()
    redefined: bool = False
    reads: tuple[str | None, ...] = ()

    @property
    def words(self) -> tuple[ShellWord, ...]:
        """The words behind wrappers such as ``sudo`` (see `unwrap`)."""
        return self.unwrapped.words

    @property
    def argv(self) -> tuple[str, ...] | None:
        """The words as the program gets them, globs as written; None where not all of
        them are known, or where the shell runs something else under that name."""
        if self.redefined:
            return None
        found: list[str] = []
        for word in self.words:
            fields = word.fields(self.env)
            if fields is None:
                return None
            found += fields
        return tuple(found)

    @property
    def environment(self) -> dict[str, str | None]:
        """The variables that the program gets, those of its own assignments included;
        None or a missing name is an unknown value."""
        seen: dict[str, str | None] = {}
        if self.unwrapped.keeps_environment:
            for name in self.perhaps_exported:
                seen[name] = self.env.get(name) if name in self.exported else None
            for assignment in self.command.assignments:
                seen[assignment.name] = assignment.expand(self.env)
        seen.update(self.unwrapped.assignments)
        return seen


def walk(script: Script, cwd: str | None, env: Mapping[str, str | None]) -> tuple[Visit, ...]:
    """Returns the commands of ``script`` in the order in which they run, substitutions
    before the command they are in; in place of ``sh -c 'script'`` the commands of that
    script.

    ``cwd`` is the absolute directory in which the shell starts, None where it is not
    known; ``env`` are the variables it starts with.
    """
    visits: list[Visit] = []
    _Walker(script, visits, True, ()).run(_start(cwd, env), True)
    return tuple(visits)


@dataclass(frozen=True, slots=True)
class _State:
    """What is known at one point. ``variables`` is never changed in place."""

    cwd: str | None
    previous: str | None
    """OLDPWD."""
    variables: Mapping[str, str | None]
    exported: frozenset[str]
    perhaps: frozenset[str]
    """What is exported, and what may be."""
    errexit: bool = False
    pipefail: bool = False

    def assign(self, name: str, value: str | None, export: bool = False) -> _State:
        return replace(
            self,
            variables={**self.variables, name: value},
            exported=self.exported | {name} if export else self.exported,
            perhaps=self.perhaps | {name} if export else self.perhaps,
        )

    def forget(self, names: Iterable[str]) -> _State:
        return replace(self, variables={**self.variables, **dict.fromkeys(names)})

    def forget_all(self) -> _State:
        return _State(
            None,
            None,
            dict.fromkeys(self.variables),
            frozenset(),
            self.perhaps.union(self.variables),
            self.errexit,
            self.pipefail,
        )

    def move(self, cwd: str | None) -> _State:
        return replace(self, cwd=cwd, previous=self.cwd)


def _merged(states: Iterable[_State | None]) -> _State | None:
    return reduce(_merge, states, None)


def _start(cwd: str | None, env: Mapping[str, str | None]) -> _State:
    names = frozenset(env)
    return _State(cwd, None, dict(env), names, names)


_UNKNOWN = _State(None, None, {}, frozenset(), frozenset())


def _merge(one: _State | None, other: _State | None) -> _State | None:
    """Returns what holds in both states; None stands for a point that is not reached."""
    if one is None or other is None or one == other:
        return one or other
    variables: dict[str, str | None] = {}
    for name in {**one.variables, **other.variables}:
        value = one.variables.get(name)
        variables[name] = value if value == other.variables.get(name) else None
    return _State(
        one.cwd if one.cwd == other.cwd else None,
        one.previous if one.previous == other.previous else None,
        variables,
        one.exported & other.exported,
        one.perhaps | other.perhaps,
        one.errexit and other.errexit,
        one.pipefail and other.pipefail,
    )


class _Walker:
    """Follows one script.

    Three things go down with every part: the state before it, whether it runs for
    sure in every run that succeeds (``certain``), and whether its failure makes the
    script fail (``fatal``). The state behind it comes back, None where that point is
    not reached.
    """

    def __init__(
        self,
        script: Script,
        visits: list[Visit],
        fatal: bool,
        writes: tuple[str | None, ...],
        reads: tuple[str | None, ...] = (),
        level: int = 0,
    ) -> None:
        self.script = script
        self.visits = visits
        self.level = level
        self.writes = writes
        self.reads = reads
        """The files that the compound commands around the point reached write, and read."""
        self.exit_is_fatal = fatal
        """Whether ``exit 1`` makes the whole script fail."""
        self.may_stop = False
        """Whether the shell may have ended, with success, before the point reached."""
        self.trapped = False
        """Whether a trap may change the outcome."""
        self.redefined: dict[str, bool] = {}
        """The functions and aliases met, and whether one of them may end the shell."""

    def run(self, state: _State, certain: bool) -> None:
        """Follows the whole script, from the state that its shell inherits."""
        options = self.script.options
        if options.startup_files or (options.name == "bash" and "BASH_ENV" in state.variables):
            # bash(1), INVOCATION: files that are read first may set any variable.
            state = state.forget(state.variables)
        state = replace(
            state.forget(self.script.reassigned),
            errexit=options.errexit,
            pipefail=options.pipefail,
        )
        self.chain(self.script.chain, state, certain, self.exit_is_fatal)

    def chain(
        self, chain: Chain, state: _State | None, certain: bool, fatal: bool
    ) -> _State | None:
        self.level += 1
        lists = split_lists(chain)
        for number, items in enumerate(lists):
            errexit = state is not None and state.errexit
            if items[0].background:
                self._apart(items, state)
            else:
                decisive = fatal and number == len(lists) - 1
                state = self._and_or(items, state, certain, decisive, fatal and errexit)
            if errexit and not fatal:
                # A failure may have ended this subshell, and nothing else.
                certain = False
        self.level -= 1
        return state

    def _apart(self, items: Sequence[ChainItem], state: _State | None) -> None:
        """Follows a list in the background: nobody waits for it or asks how it ended."""
        outside = (self.may_stop, self.exit_is_fatal)
        self.exit_is_fatal = False
        self._and_or(items, state, False, False, False)
        self.may_stop, self.exit_is_fatal = outside

    def _and_or(
        self,
        items: Sequence[ChainItem],
        state: _State | None,
        certain: bool,
        decisive: bool,
        exits: bool,
    ) -> _State | None:
        """Follows commands joined by ``&&`` and ``||``.

        With ``decisive`` the script fails where the list fails; with ``exits`` (``set
        -e``) only where its last command does.
        """
        guard = items[-1] if items[-1].operator == "||" and _fails(items[-1].body) else None
        if guard is not None:
            items = items[:-1]
            decisive = decisive or self.exit_is_fatal
        rescued = max(n for n, item in enumerate(items) if n == 0 or item.operator == "||")
        good = state
        failed: list[_State | None] = []
        for number, item in enumerate(items):
            passed_over: _State | None = None
            before = good
            if item.operator == "||":
                passed_over, before = good, _merged(failed)
                failed = []
            runs = certain and (number == 0 or (decisive and number > rescued))
            ends = (decisive and number >= rescued) or (exits and number == len(items) - 1)
            after = self._body(item.body, before, runs and not self.may_stop, ends)
            may_fail = number < rescued or guard is not None
            failed.append(_merge(before, after) if may_fail else after)
            good = _merge(passed_over, after)
        if guard is not None:
            self._body(guard.body, _merged(failed), False, False)
        return good if decisive or guard is not None else _merged([*failed, good])

    def _body(
        self,
        body: Command | Pipeline | Compound,
        state: _State | None,
        certain: bool,
        fatal: bool,
    ) -> _State | None:
        if isinstance(body, Command):
            return self._command(body, state, certain, fatal)
        if isinstance(body, Compound):
            return self._compound(body, state, certain, fatal)
        if len(body.items) == 1:
            return self._body(body.items[0], state, certain, False)
        pipefail = state is not None and state.pipefail
        for number, item in enumerate(body.items):
            is_last = number == len(body.items) - 1
            ends = fatal and not body.negated and (is_last or pipefail)
            self._subshell((ChainItem("", item),), state, certain, ends)
        return state

    def _subshell(self, chain: Chain, state: _State | None, certain: bool, fatal: bool) -> None:
        """Follows a chain whose directory, variables and end are its own."""
        outside = (self.may_stop, self.exit_is_fatal)
        self.exit_is_fatal = fatal
        self.chain(chain, state, certain, fatal)
        self.may_stop, self.exit_is_fatal = outside

    def _compound(
        self, compound: Compound, state: _State | None, certain: bool, fatal: bool
    ) -> _State | None:
        for chain in compound.substitutions:
            self._subshell(chain, state, certain, False)
        outside = self.writes, self.reads
        self.writes += _written(compound.redirections, state or _UNKNOWN)
        self.reads += _read(compound.redirections, state or _UNKNOWN)
        after = self._inside(compound, state, certain, fatal)
        self.writes, self.reads = outside
        return after

    def _inside(
        self, compound: Compound, state: _State | None, certain: bool, fatal: bool
    ) -> _State | None:
        match compound.kind:
            case "group":
                return self.chain(compound.blocks[0].chain, state, certain, fatal)
            case "subshell":
                self._subshell(compound.blocks[0].chain, state, certain, fatal)
            case "if" | "case":
                return self._branches(compound, state, certain, fatal)
            case "for" | "select" | "while" | "until":
                return self._loop(compound, state, certain, fatal)
            case "function":
                self._function(compound)
        return state

    def _branches(
        self, compound: Compound, state: _State | None, certain: bool, fatal: bool
    ) -> _State | None:
        after: _State | None = None
        for number, block in enumerate(compound.blocks):
            if block.role == "condition":
                state = self.chain(block.chain, state, certain and number == 0, False)
            else:
                after = _merge(after, self.chain(block.chain, state, False, fatal))
        return after if compound.has_default else _merge(after, state)

    def _loop(
        self, compound: Compound, state: _State | None, certain: bool, fatal: bool
    ) -> _State | None:
        if state is not None:
            state = self._before_any_round(compound, state)
        after = state
        for block in compound.blocks:
            if block.role == "condition":
                state = after = self.chain(block.chain, state, certain, False)
            else:
                # Without errexit only the last round's outcome counts.
                ends = fatal and state is not None and state.errexit
                after = _merge(after, self.chain(block.chain, state, False, ends))
        return after

    def _before_any_round(self, compound: Compound, state: _State) -> _State:
        """Forgets what one round of a loop may change for the next."""
        commands = self.script.commands
        first = bisect_left(commands, compound.start, key=lambda command: command.start)
        last = bisect_left(commands, compound.end, key=lambda command: command.start)
        text = self.script.text[compound.start : compound.end]
        names = set(_LOOP_NAME.findall(text))
        for command in commands[first:last]:
            words = unwrap(command.words, {}).words
            name = _plain_name(words)
            if name in _SCRIPTS or name in self.redefined:
                return state.forget_all()
            if name in _MOVERS:
                state = replace(state, cwd=None, previous=None)
            names |= _touched(command, words)
        return state.forget(names)

    def _function(self, compound: Compound) -> None:
        """Shows the commands of a function; where it is called, nothing is known of them."""
        outside = (self.may_stop, self.exit_is_fatal)
        self.may_stop = self.exit_is_fatal = False
        name = compound.name or ""
        self.redefined.setdefault(name, False)
        self.chain(compound.blocks[0].chain, _UNKNOWN, False, False)
        self.redefined[name] = self.redefined[name] or self.may_stop
        self.may_stop, self.exit_is_fatal = outside

    def _command(
        self, command: Command, state: _State | None, certain: bool, fatal: bool
    ) -> _State | None:
        for chain in command.substitutions:
            self._subshell(chain, state, certain, False)
        known = state or _UNKNOWN
        unwrapped = unwrap(command.words, known.variables)
        name = _plain_name(unwrapped.words)
        replaces = "exec" in unwrapped.wrappers
        ends = self.exit_is_fatal if replaces else fatal
        visit = Visit(
            command,
            known.cwd,
            known.variables,
            known.exported,
            known.perhaps,
            not certain,
            ends and not self.trapped,
            unwrapped,
            self.writes + _written(command.redirections, known),
            name in self.redefined,
            self.reads + _read(command.redirections, known),
        )
        if not self._nested(visit, certain):
            self.visits.append(visit)
        if state is None:
            return None
        if not command.words:
            return self._assignments(command, state)
        if replaces:
            self.may_stop = True
            return None
        if not _TRANSPARENT.issuperset(unwrapped.wrappers):
            return state
        return self._builtin(name, visit, state)

    def _nested(self, visit: Visit, certain: bool) -> bool:
        """Follows the script inside a command; says whether there is one."""
        if visit.redefined or self.level > _DEEPEST or not visit.words:
            return False
        inner = nested_script(visit.words, visit.command.redirections)
        if not isinstance(inner, Script):
            return False
        walker = _Walker(
            inner, self.visits, visit.must_succeed, visit.writes, visit.reads, self.level
        )
        walker.run(_start(visit.cwd, visit.environment), certain)
        return True

    def _assignments(self, command: Command, state: _State) -> _State:
        for assignment in command.assignments:
            value = assignment.expand(state.variables)
            known = assignment.name not in self.script.reassigned
            state = state.assign(assignment.name, value if known else None)
        return state

    def _builtin(self, name: str | None, visit: Visit, state: _State) -> _State | None:
        """Returns what holds behind a command that may be a builtin of the shell."""
        if name not in _BUILTINS and name not in self.redefined:
            return state
        arguments = [_single(word, state.variables) for word in visit.words[1:]]
        if name in _SPECIAL or name in _SPECIAL_TOO:
            state = state.forget(assignment.name for assignment in visit.command.assignments)
        if name in self.redefined or name in _SCRIPTS:
            # A script that is not there ends a shell, too (POSIX.1-2024, 2.8.1).
            stops = self.redefined.get(name or "", False) or not self.exit_is_fatal
            self.may_stop = self.may_stop or stops
            return state.forget_all()
        if name in _MOVERS:
            return _moved(name, arguments, state)
        if name in _DECLARERS:
            return self._declared(name, visit, arguments, state)
        if name in _SETTERS:
            touched = _touched(visit.command, visit.words)
            if name == "unset":
                state = replace(state, exported=state.exported - touched)
            return state.forget(touched)
        if name in ("exit", "return"):
            if not (self.exit_is_fatal and is_failure(arguments)):
                self.may_stop = True
            return None
        if name == "set":
            return _with_options(arguments, state)
        if name == "trap":
            self.trapped = self.may_stop = True
        elif name == "alias":
            for word in visit.words[1:]:
                self.redefined.setdefault(word.text.partition("=")[0], False)
        return state

    def _declared(
        self,
        name: str,
        visit: Visit,
        arguments: Sequence[str | None],
        state: _State,
    ) -> _State:
        """``export A=1``: the new value, and whether programs see it."""
        flags = "".join(word[1:] for word in arguments if word is not None and word[:1] == "-")
        exports = name == "export" or "x" in flags
        for word, text in zip(visit.words[1:], arguments, strict=True):
            named = _NAME.match(word.text)
            if named is None:
                continue
            value = None
            if text is not None and not flags.strip("xgr"):
                _, equals, value = text.partition("=")
                if not equals:
                    value = state.variables.get(named[0])
            if named[0] in self.script.reassigned:
                value = None
            state = state.assign(named[0], value, exports)
        return state


def split_lists(chain: Chain) -> list[list[ChainItem]]:
    """Splits a chain at ``;``, ``&`` and line ends."""
    lists: list[list[ChainItem]] = []
    for item in chain:
        if item.operator in ("&&", "||") and lists:
            lists[-1].append(item)
        else:
            lists.append([item])
    return lists


def _fails(body: Command | Pipeline | Compound) -> bool:
    """Whether ``body`` ends the shell with a failure for sure: ``exit 1``, or a group that
    ends with it."""
    if isinstance(body, Command):
        words = [word.literal for word in body.words]
        return words[:1] == ["exit"] and is_failure(words[1:])
    if isinstance(body, Pipeline) or body.kind != "group":
        return False
    chain = body.blocks[0].chain
    plain = all(item.operator in ("", ";", "\n") and not item.background for item in chain)
    return plain and _fails(chain[-1].body)


def is_failure(arguments: Sequence[str | None]) -> bool:
    """Whether ``exit`` with these words reports a failure for sure."""
    status = arguments[0] if len(arguments) == 1 else None
    return status is not None and status.isdecimal() and int(status[-6:]) % 256 != 0


def _plain_name(words: Sequence[ShellWord]) -> str | None:
    return words[0].literal if words else None


def _single(word: ShellWord, env: Mapping[str, str | None]) -> str | None:
    fields = word.fields(env)
    return fields[0] if fields is not None and len(fields) == 1 else None


def _written(redirections: Sequence[Redirection], state: _State) -> tuple[str | None, ...]:
    """Returns the absolute paths of the files that redirections create or change."""
    return tuple(_place(each, state) for each in redirections if each.writes and each.target)


def _read(redirections: Sequence[Redirection], state: _State) -> tuple[str | None, ...]:
    """Returns the absolute paths of the files that redirections open for reading."""
    return tuple(
        _place(each, state)
        for each in redirections
        if each.operator in ("<", "<>") and each.target is not None
    )


def _place(redirection: Redirection, state: _State) -> str | None:
    """Returns the absolute path of a redirection's target, None where it is not known."""
    assert redirection.target is not None
    target = redirection.target.expand(state.variables)
    if not target or redirection.target.has_glob:
        return None
    if target.startswith("/"):
        return _absolute(target)
    return None if state.cwd is None else _absolute(join(state.cwd, target))


def _touched(command: Command, words: Sequence[ShellWord]) -> set[str]:
    """Returns the variables that a command with these words may change."""
    names = {assignment.name for assignment in command.assignments}
    name = _plain_name(words)
    if name in _DECLARERS or name in _SETTERS:
        for word in words[1:]:
            found = _NAME.match(word.text.lstrip("-\"'"))
            if found is not None:
                names.add(found[0])
    return names


def _moved(name: str, arguments: Sequence[str | None], state: _State) -> _State:
    """``cd``, ``pushd`` and ``popd`` (POSIX.1-2024, cd)."""
    options = [word for word in arguments if word in ("-L", "-e", "--")]
    targets = [word for word in arguments if word not in options]
    if name == "popd" or len(targets) > 1:
        return state.move(None)
    if name == "cd" and not targets:
        return state.move(state.variables.get("HOME"))
    target = targets[0] if targets else None
    if target == "-":
        return state.move(state.previous if name == "cd" else None)
    if target is None or target[:1] in ("-", "+") or _is_glob(target):
        return state.move(None)
    if target == "":
        return state
    plain = target.startswith(("/", "./", "../")) or target in (".", "..")
    if not plain and "CDPATH" in state.variables:
        return state.move(None)
    if target.startswith("/"):
        return state.move(_absolute(target))
    return state.move(None if state.cwd is None else _absolute(join(state.cwd, target)))


def _is_glob(target: str) -> bool:
    return any(char in target for char in "*?[")


def _absolute(path: str) -> str:
    # normpath keeps two leading slashes, as POSIX lets it.
    return "/" + normpath(path).lstrip("/")


def _with_options(arguments: Sequence[str | None], state: _State) -> _State:
    options = read_set(arguments)
    return replace(
        state,
        errexit=state.errexit if options.errexit is None else options.errexit,
        pipefail=state.pipefail if options.pipefail is None else options.pipefail,
    )
