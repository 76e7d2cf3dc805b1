"""Commands that run another command: ``sudo``, ``env``, ``timeout`` and their like.

Options are those of the manuals of sudo(8), coreutils, util-linux and the shells'
builtins. A call with an option that is not listed is left as it is, and so are
``xargs``, ``chroot``, ``su`` and ``find -exec``, whose command is made up later or
runs elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from optimizer.shell.words import Environment, ShellWord


@dataclass(frozen=True, slots=True)
class _Wrapper:
    """``flags`` are options without an argument, ``valued`` letters of options with one;
    ``operands`` words follow the options, then assignments, then the command."""

    flags: frozenset[str] = frozenset()
    valued: str = ""
    operands: int = 0
    assignments: bool = False
    keeps_environment: bool = True


_WRAPPERS = {
    "builtin": _Wrapper(),
    # command -v and -V only look the command up.
    "command": _Wrapper(frozenset(("-p",))),
    "env": _Wrapper(assignments=True),
    "exec": _Wrapper(),
    "ionice": _Wrapper(frozenset(("-t",)), valued="cn"),
    "nice": _Wrapper(valued="n"),
    "nohup": _Wrapper(),
    "setsid": _Wrapper(frozenset(("-w", "--wait"))),
    "stdbuf": _Wrapper(valued="ioe"),
    # sudoers decides which variables survive, with -E too.
    "sudo": _Wrapper(
        frozenset(("-E", "-H", "-n", "-EH", "-HE", "--preserve-env", "--set-home")),
        assignments=True,
        keeps_environment=False,
    ),
    "time": _Wrapper(frozenset(("-p", "-v")), valued="fo"),
    "timeout": _Wrapper(
        frozenset(("-v", "--foreground", "--preserve-status", "--verbose")),
        valued="ks",
        operands=1,
    ),
}

_ASSIGNMENT = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)=(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Unwrapped:
    """The command that runs in the end, and what its wrappers give it.

    ``assignments`` are variables that ``env`` or ``sudo`` set. Without
    ``keeps_environment`` no other variable is known to reach it.
    """

    words: tuple[ShellWord, ...]
    wrappers: tuple[str, ...] = ()
    assignments: tuple[tuple[str, str], ...] = ()
    keeps_environment: bool = True


def unwrap(words: Sequence[ShellWord], env: Environment) -> Unwrapped:
    """Takes the wrappers off a command's words; ``env`` are the variables known there."""
    at = 0
    wrappers: list[str] = []
    assignments: list[tuple[str, str]] = []
    keeps_environment = True
    while at < len(words):
        name = (words[at].literal or "").rpartition("/")[2]
        wrapper = _WRAPPERS.get(name)
        behind = None if wrapper is None else _behind(wrapper, words, at + 1, env)
        if wrapper is None or behind is None:
            break
        at, found = behind
        wrappers.append(name)
        assignments += found
        keeps_environment = keeps_environment and wrapper.keeps_environment
    return Unwrapped(tuple(words[at:]), tuple(wrappers), tuple(assignments), keeps_environment)


def _behind(
    wrapper: _Wrapper, words: Sequence[ShellWord], at: int, env: Environment
) -> tuple[int, list[tuple[str, str]]] | None:
    """Returns where the wrapped command begins, and the assignments before it; None for
    no command, or for words that are not understood."""
    at_operands = _behind_options(wrapper, words, at)
    if at_operands is None:
        return None
    at = at_operands + wrapper.operands
    assignments: list[tuple[str, str]] = []
    while wrapper.assignments and at < len(words):
        fields = words[at].fields(env)
        found = None if fields is None or len(fields) != 1 else _ASSIGNMENT.fullmatch(fields[0])
        if found is None:
            if "=" in words[at].text:
                return None
            break
        assignments.append((found[1], found[2]))
        at += 1
    return (at, assignments) if at < len(words) else None


def _behind_options(wrapper: _Wrapper, words: Sequence[ShellWord], at: int) -> int | None:
    while at < len(words):
        word = words[at].literal
        if word is None or not word.startswith("-"):
            return at
        at += 1
        if word == "--":
            return at
        if word in wrapper.flags:
            continue
        letter = word[1:2]
        if not letter or letter not in wrapper.valued:
            return None
        if len(word) == 2:
            at += 1
    return at
