"""How a shell is called: which shell, with which options, and where its script comes from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from optimizer.shell.script import ShellOptions

_POSIX_SHELLS = frozenset(("sh", "ash", "bash", "dash"))
_WINDOWS_SHELLS = {"cmd": "cmd", "powershell": "PowerShell", "pwsh": "PowerShell"}

# bash(1), OPTIONS, and dash(1): options without effect on which commands run and where.
_SILENT_LETTERS = frozenset("abfhkmptuvxBCEHPTV")
_SILENT_LONG = frozenset(("--norc", "--noprofile", "--posix", "--verbose", "--noediting"))
_LONG_WITH_ARGUMENT = frozenset(("--rcfile", "--init-file"))


@dataclass(frozen=True, slots=True)
class ShellCall:
    """The words of a command that starts a POSIX shell.

    ``command`` is the index of the word that is the script (``-c``), ``file`` that of
    the word that names it; with neither, the script is what is read on standard input.
    """

    options: ShellOptions
    command: int | None = None
    file: int | None = None


def windows_shell(word: str) -> str | None:
    """Returns ``PowerShell`` or ``cmd`` where ``word`` starts one of them."""
    name = word.replace("\\", "/").rpartition("/")[2].lower()
    return _WINDOWS_SHELLS.get(name.removesuffix(".exe"))


def read_shell_call(words: Sequence[str | None]) -> ShellCall | None:
    """Reads the words that start a shell. None where they start no POSIX shell, or start
    it with an option or a word that is not understood."""
    start = _shell_at(words)
    if start is None:
        return None
    reader = _Options(str(words[start]).rpartition("/")[2])
    at = start + 1
    while at < len(words):
        word = words[at]
        if word is None:
            return None
        if word in ("-", "--"):
            at += 1
            break
        if len(word) < 2 or word[0] not in "-+":
            break
        taken = reader.take(word, words[at + 1 : at + 2])
        if taken is None:
            return None
        at += taken
    if at == len(words):
        return None if reader.command else ShellCall(reader.options())
    if reader.command:
        return ShellCall(reader.options(), command=at)
    return ShellCall(reader.options(), file=None if reader.standard_input else at)


def starts_shell(words: Sequence[str | None]) -> bool:
    """Whether the first two of a command's words name a POSIX shell."""
    return _shell_at(words) is not None


def _shell_at(words: Sequence[str | None]) -> int | None:
    """Returns the index of the shell's name; behind ``env`` and ``busybox`` too."""
    for at, word in enumerate(words[:2]):
        name = "" if word is None else word.rpartition("/")[2]
        if name in _POSIX_SHELLS:
            return at
        if name not in ("env", "busybox"):
            return None
    return None


class _Options:
    """The options of one call, as they are read."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.errexit = False
        self.pipefail = False
        self.startup_files = False
        self.command = False
        self.standard_input = False

    def options(self) -> ShellOptions:
        return ShellOptions(self.name, self.errexit, self.pipefail, self.startup_files)

    def take(self, word: str, following: Sequence[str | None]) -> int | None:
        """Reads one option; returns how many words it takes, None where it is unknown."""
        if word.startswith("--"):
            return self._long(word)
        taken = 1
        for letter in word[1:]:
            if letter == "o":
                if not following or following[0] is None:
                    return None
                self.name_option(following[0], word[0] == "-")
                taken = 2
            elif not self._letter(letter, word[0] == "-"):
                return None
        return taken

    def name_option(self, name: str, on: bool) -> None:
        if name == "errexit":
            self.errexit = on
        elif name == "pipefail":
            self.pipefail = on

    def _letter(self, letter: str, on: bool) -> bool:
        if letter == "e":
            self.errexit = on
        elif letter == "c":
            self.command = True
        elif letter == "s":
            self.standard_input = True
        elif letter in "il":
            self.startup_files = True
        else:
            return letter in _SILENT_LETTERS
        return True

    def _long(self, word: str) -> int | None:
        if word == "--login":
            self.startup_files = True
        elif word in _LONG_WITH_ARGUMENT:
            self.startup_files = True
            return 2
        return 1 if word in _SILENT_LONG or word == "--login" else None


@dataclass(frozen=True, slots=True)
class SetOptions:
    """What ``set`` with some words changes; None for what it leaves alone."""

    errexit: bool | None = None
    pipefail: bool | None = None


def read_set(words: Sequence[str | None]) -> SetOptions:
    """Reads the words behind ``set``. A word that is not known turns both options off."""
    if None in words:
        return SetOptions(False, False)
    errexit: bool | None = None
    pipefail: bool | None = None
    at = 0
    while at < len(words):
        word = words[at] or ""
        at += 1
        if word in ("-", "--") or word[:1] not in ("-", "+"):
            break
        on = word[0] == "-"
        if "e" in word:
            errexit = on
        if "o" in word and at < len(words):
            name = words[at]
            at += 1
            if name == "errexit":
                errexit = on
            elif name == "pipefail":
                pipefail = on
    return SetOptions(errexit, pipefail)
