"""Makefiles and justfiles: recipes, with the variables that have plain values."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from typing import Final

from optimizer.context.evidence.build import (
    ROOT,
    START,
    UNKNOWN,
    Evidence,
    Files,
    Strength,
    bounded,
    folders_up,
    join,
)
from optimizer.context.evidence.command_line import Script, builds_of, mentions_build

_DEEPEST: Final = 8
_LONGEST_LINE: Final = 16_384
_MOST_EXPANDED: Final = 4_000_000
"""Characters that the variables of one Makefile may put in, all together."""

_ASSIGNMENT: Final = re.compile(
    r" *(?:(?:export|override|private) +)*([A-Za-z_][\w.-]*)[ \t]*(\?|\+|:{0,3}|!)=[ \t]*(.*)",
    re.DOTALL,
)
_TARGET_ASSIGNMENT: Final = re.compile(
    r"[^\t#=:][^#=:]*::?[ \t]*(?:(?:export|override|private) +)*([A-Za-z_][\w.-]*)[ \t]*[?+:]{0,3}="
)
_CONDITIONAL: Final = re.compile(r" *(ifeq|ifneq|ifdef|ifndef|else|endif|define|endef)\b")
_REFERENCE: Final = re.compile(r"\$(?:\$|[({]|(.)?)", re.DOTALL)
_BRACKET: Final = re.compile(r"[(){}]")
_SIMPLE: Final = re.compile(r"[A-Za-z_][\w.-]*")
_FUNCTION: Final = re.compile(r"([a-z]+)[ \t]+(.*)", re.DOTALL)

_JUST_ASSIGNMENT: Final = re.compile(
    r"(?:export\s+)?([A-Za-z_][\w-]*)\s*:=\s*(?:'([^']*)'|\"([^\"\\]*)\")\s*"
)
_JUST_PLACE: Final = re.compile(r"\{\{([^{}]{0,200})\}\}")
_JUST_FOLDERS: Final = frozenset({"justfile_directory()", "source_directory()"})


def read_makefile(path: str, text: str, files: Files) -> Iterator[Evidence]:
    """Lists the builds of a Makefile; each recipe line is a script of its own.

    Source: GNU make manual. A variable that conditions, targets or several
    places set has no plain value.
    """
    if not mentions_build(text):
        return
    folder = posixpath.dirname(path)
    lines = list(_logical_lines(text))
    variables = _Variables(lines, path)
    # A Makefile is called in its own folder; a fragment in that of whoever includes it.
    starts = folders_up(folder) if path.endswith(".mk") else (folder,)
    for number, line in lines:
        recipe = variables.expand(line.lstrip("@-+ \t")) if line.startswith("\t") else ""
        if not mentions_build(recipe):
            continue
        yield from builds_of(
            Script(
                recipe,
                lambda _, number=number: f"{path}:{number}",  # type: ignore[misc]
                Strength.SCRIPT,
                starts=starts,
                line=number,
            )
        )


def _logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """Joins continuation lines; a backslash in a recipe stays for the shell."""
    parts: list[str] = []
    start = 1
    for number, raw in enumerate(text.split("\n"), 1):
        line = raw.removesuffix("\r")
        if not parts:
            start = number
        if line.endswith("\\") and not line.endswith("\\\\"):
            parts.append(line[:-1])
            continue
        parts.append(line)
        yield start, " ".join([parts[0], *(part.lstrip(" \t") for part in parts[1:])])
        parts = []
    if parts:
        yield start, " ".join(parts)


class _Variables:
    """The variables of one Makefile."""

    def __init__(self, lines: list[tuple[int, str]], path: str) -> None:
        self._values: dict[str, str] = {}
        self._expanded: dict[str, str] = {}
        self._left = _MOST_EXPANDED
        self._makefile = f"{ROOT}/{path}"
        depth = 0
        for _, line in lines:
            if line.startswith("\t"):
                continue
            if keyword := _CONDITIONAL.match(line):
                depth += {"else": 0, "endif": -1, "endef": -1}.get(keyword[1], 1)
            elif assignment := _ASSIGNMENT.fullmatch(line):
                self._assign(*assignment.groups(), is_certain=depth <= 0)
            elif target := _TARGET_ASSIGNMENT.match(line):
                self._values[target[1]] = UNKNOWN

    def _assign(self, name: str, operator: str, value: str, *, is_certain: bool) -> None:
        value = value.partition(" #")[0].rstrip(" \t")
        if operator == "?" and name in self._values:
            return
        if operator == "+" and name in self._values:
            value = f"{self._values[name]} {value}"
        elif name in self._values:
            value = UNKNOWN
        if operator == "!":
            value = f"$(shell {value})"
        self._values[name] = bounded(value) if is_certain else UNKNOWN

    def expand(self, text: str, depth: int = 0) -> str:
        """Replaces references as make does, before a shell sees the text."""
        parts: list[str] = []
        length = at = 0
        while match := _REFERENCE.search(text, at):
            parts.append(text[at : match.start()])
            at = match.end()
            if match[0] == "$$":
                parts.append("$")
            elif match[0][-1] in "({":
                end = _closing(text, at)
                parts.append(self._reference(text[at:end], depth))
                at = end + 1
            else:
                parts.append(UNKNOWN)
            length += len(parts[-1])
            if length > _LONGEST_LINE:
                return UNKNOWN
        parts.append(text[at:])
        self._left -= length
        return "".join(parts) if self._left > 0 else UNKNOWN

    def _reference(self, body: str, depth: int) -> str:
        if depth == _DEEPEST:
            return UNKNOWN
        if body == "CURDIR" or body == "PWD":
            return START
        if _SIMPLE.fullmatch(body):
            return self._expanded_value(body, depth)
        function = _FUNCTION.fullmatch(body)
        if function is None:
            return UNKNOWN
        return self._call(function[1], function[2], depth)

    def _expanded_value(self, name: str, depth: int) -> str:
        if name not in self._expanded:
            # A variable that names itself, directly or not, stays unknown.
            self._expanded[name] = UNKNOWN
            self._expanded[name] = self.expand(self._values.get(name, UNKNOWN), depth + 1)
        return self._expanded[name]

    def _call(self, name: str, argument: str, depth: int) -> str:
        if name == "shell":
            words = argument.split()
            if words == ["pwd"]:
                return START
            return ROOT if words == ["git", "rev-parse", "--show-toplevel"] else UNKNOWN
        if name in ("lastword", "firstword") and argument.strip() == "$(MAKEFILE_LIST)":
            return self._makefile
        value = self.expand(argument, depth + 1).strip()
        if not value or any(mark in value for mark in (UNKNOWN, " ")):
            return UNKNOWN
        if name in ("abspath", "realpath"):
            return join(START, value)
        if name == "dir":
            return f"{posixpath.dirname(value) or '.'}/" if value not in (START, ROOT) else UNKNOWN
        return value if name == "strip" else UNKNOWN


def _closing(text: str, at: int) -> int:
    depth = 1
    for bracket in _BRACKET.finditer(text, at):
        depth += 1 if bracket[0] in "({" else -1
        if not depth:
            return bracket.start()
    return len(text)


def read_justfile(path: str, text: str, files: Files) -> Iterator[Evidence]:
    """Lists the builds of a justfile. Source: just.systems/man: recipes run in the justfile's
    folder, a line at a time."""
    if not mentions_build(text):
        return
    folder = posixpath.dirname(path)
    lines = list(_logical_lines(text))
    variables = _just_variables(lines)
    for number, line in lines:
        if not line.startswith((" ", "\t")) or not mentions_build(line):
            continue
        recipe = _JUST_PLACE.sub(lambda m: _just_value(m[1], variables), line)
        yield from builds_of(
            Script(
                recipe.lstrip("@- \t"),
                lambda _, number=number: f"{path}:{number}",  # type: ignore[misc]
                Strength.SCRIPT,
                starts=(folder,),
                line=number,
            )
        )


def _just_variables(lines: list[tuple[int, str]]) -> dict[str, str]:
    variables: dict[str, str] = {}
    for _, line in lines:
        if assignment := _JUST_ASSIGNMENT.fullmatch(line):
            variables[assignment[1]] = bounded(assignment[2] or assignment[3] or "")
    return variables


def _just_value(expression: str, variables: Mapping[str, str]) -> str:
    name = expression.strip()
    return START if name in _JUST_FOLDERS else variables.get(name, UNKNOWN)
