"""What a shell carries from the commands above a place to those below it.

By POSIX.1-2024, Shell Command Language, 2.12, that is its directory, its variables, functions
and aliases, its options, the umask and limits, traps, and open files; the rest is gone when a new
shell starts. Here everything that changes one of these is either said again as it is written,
or the place is none to cut at.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass, field
from posixpath import join, normpath

from optimizer.shell.cut import Carry, Joint, is_apart, joints, literal_name
from optimizer.shell.script import ChainItem, Command, Script
from optimizer.shell.unwrap import unwrap
from optimizer.shell.walk import is_failure, split_lists
from optimizer.shell.words import ShellWord

_REPEATED = frozenset(
    (".", "cd", "export", "readonly", "set", "shopt", "source", "ulimit", "umask", "unset")
)
"""Builtins that change the shell, and change it in the same way when they are said again."""

_STUCK = frozenset(
    ("alias", "bind", "builtin", "coproc", "declare", "dirs", "disown", "enable", "eval", "exec",
     "getopts", "let", "local", "mapfile", "popd", "pushd", "read", "readarray", "shift", "trap",
     "typeset", "unalias", "wait")
)  # fmt: skip
"""Builtins that change the shell in another way the second time, or in one that is not followed
here (bash(1), SHELL BUILTIN COMMANDS; dash(1), Builtins)."""

_STEADY = frozenset(("arch", "basename", "cut", "dirname", "echo", "printf", "sed", "tr", "uname"))
"""Commands whose output hangs on their words and the machine alone, so that it is the same in the
next step (POSIX.1-2024, the utilities' pages; GNU coreutils 9.1, arch)."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_OF_THE_SHELL = re.compile(r"\$\{?(?:[0-9@*#?!$]|_\b|BASHPID|PPID|RANDOM|SRANDOM|SECONDS|LINENO)")
"""What a shell sets itself, for every process or command anew."""
_LAST_WORD = re.compile(r"\$_\b|\$\{_\}")
_NOT_STEADY = re.compile(r"\$\(\(|\$\[|`")
_LOOP_NAME = re.compile(r"\b(?:for|select)[ \t\n]+([A-Za-z_][A-Za-z0-9_]*)")
_OLD_PLACE = re.compile(r"\bOLDPWD\b|\bcd\s+(?:--\s+)?-(?=\s|$)|~-")


class StuckError(Exception):
    """Something that a second shell would not have; the text says what."""


def carried(script: Script, joint: Joint, exported: Set[str]) -> Carry:
    """Returns what of the items above ``joint`` a second shell has to begin with.

    ``exported`` are the names of variables that programs see from the start. Raises `StuckError`.
    """
    above = [command for command in script.commands if command.start < joint.end]
    for command in above:
        _check(command)
    rest = script.text[joint.start :]
    if _LAST_WORD.search(rest):
        raise StuckError("`$_` is another word in a second shell")
    if "$$" in rest and "$$" in script.text[: joint.end]:
        raise StuckError("`$$` is another number in a second shell")
    changes = _Changes(script, joint, set(exported), set(_changed_inside(script, joint)))
    kept = changes.run()
    _check_lost(changes, rest)
    repeated = tuple(_without_ways_back(script, kept, rest))
    return Carry(repeated, _last_needed(script, joint, repeated))


def _last_needed(script: Script, joint: Joint, repeated: Sequence[int]) -> int:
    """Counts the items of the first half without those at its end that the second one says, and
    without a last ``cd ..``."""
    places = {each.above for each in joints(script)}
    end = joint.above
    while end - 1 in places and (end - 1 in repeated or _leads_up(script.chain[end - 1])):
        end -= 1
    return end


def _leads_up(item: ChainItem) -> bool:
    if not isinstance(item.body, Command):
        return False
    words = [word.literal or "" for word in item.body.words]
    return re.fullmatch(r"cd \.\.(/\.\.)*/?", " ".join(words)) is not None


def _check(command: Command) -> None:
    """Raises `StuckError` for a command above the cut that changes the shell for good."""
    if "function" in command.context:
        raise StuckError("a function is defined above")
    if is_apart(command) or not command.words:
        return
    unwrapped = unwrap(command.words, {})
    name = literal_name(command)
    inner = unwrapped.words[0].literal if unwrapped.words else None
    if (name is None or inner is None) and "/" not in command.words[0].text:
        raise StuckError(f"`{_short(command.text)}` may be a builtin of the shell")
    words = [word.literal for word in command.words[1:]]
    if name in ("exit", "return"):
        if not is_failure(words):
            raise StuckError(f"`{_short(command.text)}` may end the shell")
        return
    changes = inner in _REPEATED or inner in _STUCK or "exec" in unwrapped.wrappers
    wrapped = bool(unwrapped.wrappers) and changes
    sets = name == "printf" and words[:1] == ["-v"]
    if name in _STUCK or wrapped or sets:
        raise StuckError(f"`{_short(command.text)}` changes the shell, and cannot be repeated")


def _changed_inside(script: Script, joint: Joint) -> Iterator[str]:
    """Yields the variables that are changed where they cannot be said again: in compound
    commands, and by expansions."""
    top = {id(item.body) for item in script.chain}
    yield from script.reassigned
    yield from _LOOP_NAME.findall(script.text[: joint.end])
    for command in script.commands:
        if command.start < joint.end and id(command) not in top and not is_apart(command):
            if literal_name(command) in _REPEATED:
                raise StuckError(f"`{_short(command.text)}` may or may not run")
            if not command.words:
                yield from (assignment.name for assignment in command.assignments)


@dataclass
class _Changes:
    """Goes through the items above a cut; ``lost`` are variables whose value a second shell
    would not have, ``exported`` those that programs see."""

    script: Script
    joint: Joint
    exported: set[str]
    lost: set[str]
    allexport: bool = False
    kept: list[int] = field(default_factory=list)

    def run(self) -> list[int]:
        number = 0
        lists = split_lists(self.script.chain)
        for at, items in enumerate(lists):
            is_last = at == len(lists) - 1
            plain = (is_last or len(items) == 1) and all(i.operator != "||" for i in items)
            for item in items:
                if number == self.joint.above:
                    return self.kept
                self._item(number, item, plain)
                number += 1
        return self.kept

    def _item(self, number: int, item: ChainItem, runs: bool) -> None:
        body = item.body
        if not isinstance(body, Command):
            return
        name = literal_name(body)
        if name is not None and name not in _REPEATED:
            return
        if not body.words and not body.assignments:
            return
        problem = None if runs else "may or may not run"
        problem = problem or self._unsteady(body)
        if not body.words:
            self._assigned(number, body, problem)
        elif problem is not None:
            raise StuckError(f"`{_short(body.text)}` {problem}")
        else:
            self._builtin(number, name, body)

    def _assigned(self, number: int, command: Command, problem: str | None) -> None:
        names = {assignment.name for assignment in command.assignments}
        if problem is None:
            self.kept.append(number)
            self.lost -= names
        elif self.allexport or not self.exported.isdisjoint(names):
            raise StuckError(f"`{_short(command.text)}` {problem}")
        else:
            self.lost |= names

    def _builtin(self, number: int, name: str | None, command: Command) -> None:
        if command.assignments:
            raise StuckError(f"`{_short(command.text)}` changes the shell twice")
        if name == "set":
            self._set(command)
        if name in ("export", "readonly"):
            self.exported |= {
                found[0] for word in command.words[1:] if (found := _NAME.match(word.text))
            }
        self.kept.append(number)

    def _set(self, command: Command) -> None:
        words = [word.literal for word in command.words[1:]]
        named = False
        for word in words:
            is_name = named and word is not None and word.isalpha()
            if word is None or not (is_name or re.fullmatch(r"[-+][A-Za-z]+", word)):
                raise StuckError(f"`{_short(command.text)}` sets the words of the script")
            named = not is_name and "o" in word
            if "a" in word.lstrip("-+") or word == "allexport":
                self.allexport = True

    def _unsteady(self, command: Command) -> str | None:
        """Says why a command would not do the same again, None where it would."""
        if command.redirections:
            return "is redirected"
        words = [*command.words, *(a.value for a in command.assignments if a.value is not None)]
        if any(a.value is None for a in command.assignments):
            return "sets an array"
        if any(word.has_glob for word in command.words):
            return "matches files"
        if not all(map(_is_steady_word, words)) or not _are_steady(command):
            return "is worked out anew each time"
        if not self.lost.isdisjoint(_NAME.findall(command.text)):
            return "hangs on a variable that is worked out anew each time"
        return None


def _is_steady_word(word: ShellWord) -> bool:
    """Tells whether a word becomes the same again, as long as its variables and the commands
    inside it do."""
    return not (_OF_THE_SHELL.search(word.text) or _NOT_STEADY.search(word.text))


def _are_steady(command: Command) -> bool:
    """Tells whether every command inside substitutions prints the same again."""
    for chain in command.substitutions:
        for item in chain:
            bodies = getattr(item.body, "items", (item.body,))
            for body in bodies:
                if not isinstance(body, Command) or literal_name(body) not in _STEADY:
                    return False
                if body.redirections or body.substitutions:
                    return False
    return True


def _check_lost(carry: _Changes, rest: str) -> None:
    read = set(_NAME.findall(rest))
    lost = sorted(carry.lost & (read | carry.exported))
    if lost or (carry.allexport and carry.lost):
        name = lost[0] if lost else min(carry.lost)
        raise StuckError(f"${name} has a value that is worked out anew each time")


def _without_ways_back(script: Script, kept: Sequence[int], rest: str) -> Iterator[int]:
    """Leaves out ``cd`` that later ones undo: ``cd web && npm ci && cd ..``."""
    moves = [n for n in kept if literal_name(_command(script, n)) == "cd"]
    targets = [[word.literal for word in _command(script, n).words[1:]] for n in moves]
    plain = all(len(t) == 1 and t[0] and t[0][0] not in "-~" for t in targets)
    others = {literal_name(_command(script, n)) for n in kept} - {"cd", "set"}
    if not plain or others & {".", "source", None} or _OLD_PLACE.search(rest):
        yield from kept
        return
    needed: set[int] = set()
    place = "."
    for number, (target, *_) in zip(moves, targets, strict=True):
        assert target is not None
        place = normpath(join(place, target))
        if place == ".":
            needed.clear()
        else:
            needed = {number} if target.startswith("/") else needed | {number}
    yield from (n for n in kept if n in needed or n not in moves)


def _command(script: Script, number: int) -> Command:
    body = script.chain[number].body
    assert isinstance(body, Command)
    return body


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 60 else line[:59] + "…"
