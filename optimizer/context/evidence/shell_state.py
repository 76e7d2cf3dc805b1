"""What is true at one place of a shell script: the folder, and the variables with known values.

A body that may run or not leaves behind less than it found: what it assigns is
unknown afterwards, and so is the folder if it changes that.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from optimizer.context.evidence.build import UNKNOWN, bounded, join

_DEEPEST: Final = 100
_ASSIGNED: Final = re.compile(r"(?m)(?:^|[\s;&|(])([A-Za-z_]\w*)\+?=")
_NEVER_KNOWN: Final = frozenset({"@", "*", "#", "?", "$", "!", "-", "HOME", "OLDPWD"})


class TooDeepError(Exception):
    """A script nests deeper than people do."""


@dataclass(slots=True)
class _Frame:
    """A compound command that is open."""

    kind: str
    folder: str
    """Where it began."""
    before: dict[str, str | None] = field(default_factory=dict)
    """The variables that its branch has assigned so far, with what they were."""
    touched: set[str] = field(default_factory=set)
    """The variables that its other branches assigned."""


class State:
    """The state of one script, changed as its commands are read.

    Kinds of compound commands are ``(``, ``{``, ``function``, ``if``, ``loop``,
    ``case``, ``list`` (what follows a test and ``&&``, or ``||``) and ``word(``
    (a parenthesis inside a command, which changes nothing).
    """

    def __init__(self, text: str, folder: str, variables: dict[str, str], script: str) -> None:
        self.folder = folder
        self._text = text
        self._variables = variables
        self._script = script
        self._former_folders: list[str] = []
        self._frames: list[_Frame] = []
        self._functions = 0
        self._set_often: set[str] | None = None

    def of_substitution(self, text: str) -> State:
        """Returns the state in which a command substitution runs."""
        return State(text, self.folder, self._variables, self._script)

    # Compound commands

    def is_in(self, kind: str) -> bool:
        """Says whether the innermost compound command is of this kind."""
        return bool(self._frames) and self._frames[-1].kind == kind

    def innermost_but_list(self) -> str:
        """Returns the kind of the innermost compound command that is no list, or nothing."""
        kinds = [frame.kind for frame in self._frames[-2:] if frame.kind != "list"]
        return kinds[-1] if kinds else ""

    def enter(self, kind: str) -> None:
        """Opens a compound command; raises `TooDeepError`."""
        if len(self._frames) == _DEEPEST:
            raise TooDeepError
        self._functions += kind == "function"
        self._frames.append(_Frame(kind, self.folder))

    def leave(self, kind: str) -> bool:
        """Closes the innermost compound command, if it is of this kind; says whether it was."""
        if not self.is_in(kind):
            return False
        frame = self._frames.pop()
        if kind == "{":
            for name, value in frame.before.items():
                self._remember(name, value)
        elif kind == "(":
            self._restore(frame)
        elif kind != "word(":
            self._forget(frame)
        return True

    def next_branch(self, kind: str) -> None:
        """Begins another branch of the innermost compound command, if it is of this kind."""
        if self.is_in(kind):
            self._restore(self._frames[-1])

    def _restore(self, frame: _Frame) -> None:
        self.folder = frame.folder
        for name, value in frame.before.items():
            if value is None:
                self._variables.pop(name, None)
            else:
                self._variables[name] = value
        frame.touched.update(frame.before)
        frame.before.clear()

    def _forget(self, frame: _Frame) -> None:
        if frame.kind == "function":
            self._functions -= 1
            self.folder = frame.folder
        elif self.folder != frame.folder:
            self.folder = UNKNOWN
        for name, value in frame.before.items():
            self._remember(name, value)
        for name in (*frame.touched, *frame.before):
            self.set(name, UNKNOWN)

    # Variables and folders

    def set(self, name: str, value: str) -> None:
        """Assigns a variable."""
        self._remember(name, self._variables.get(name))
        self._variables[name] = bounded(value)

    def append(self, name: str, value: str) -> None:
        """Assigns with ``+=``."""
        self.set(name, self._variables.get(name, "") + value)

    def declare(self, name: str) -> None:
        """Declares a variable without a value: one that nothing has set stays unknown."""
        if name not in self._variables:
            self.set(name, UNKNOWN)

    def _remember(self, name: str, value: str | None) -> None:
        if self._frames:
            self._frames[-1].before.setdefault(name, value)

    def value(self, name: str) -> str | None:
        """Returns what is known of a variable; None: nothing in the script sets it."""
        if name in ("0", "BASH_SOURCE"):
            return self._script
        if name == "PWD":
            return self.folder
        if name in _NEVER_KNOWN or (self._functions and self._may_change_before_call(name)):
            return UNKNOWN
        return self._variables.get(name)

    def _may_change_before_call(self, name: str) -> bool:
        """Says whether more than one place sets a variable, and not the function it is used in:
        by the time somebody calls the function, any of these places may have been the last."""
        if self._set_often is None:
            once: set[str] = set()
            self._set_often = set()
            for match in _ASSIGNED.finditer(self._text):
                (self._set_often if match[1] in once else once).add(match[1])
        return name in self._set_often and not any(name in f.before for f in self._frames)

    def change_folder(self, command: str, words: Sequence[str]) -> None:
        """Follows ``cd``, ``pushd`` and ``popd``."""
        if command == "popd" or words == ["-"]:
            self.folder = self._former_folders.pop() if self._former_folders else UNKNOWN
        elif len(words) != 1:
            self.folder = UNKNOWN
        else:
            self._former_folders.append(self.folder)
            self.folder = bounded(join(self.folder, words[0]))
