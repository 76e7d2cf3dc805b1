"""Makefiles as rules and variables, as far as they are plain.

What conditionals, functions or included files decide is not known: it stands as `HOLE`.

Source: the GNU make manual ("Rules", "Pattern Rules", "How to Use Variables", "Functions",
"Automatic Variables", "Catalogue of Built-In Rules", "Variables Used by Implicit Rules").
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from optimizer.knowledge.installs import HOLE

_MOST_LINES: Final = 5_000
_DEEPEST: Final = 12
_LONGEST: Final = 16_384
_MOST_EXPANDED: Final = 2_000_000
"""Characters that the variables of one Makefile may put in, all together."""

_ASSIGNMENT = re.compile(
    r" *(?:(?:export|override|private|unexport) +)*(?P<name>[\w.-]+)[ \t]*"
    r"(?P<operator>\?|\+|:{0,3}|!)=[ \t]*(?P<value>.*)",
    re.DOTALL,
)
_CONDITIONAL = re.compile(r" *(?P<word>ifeq|ifneq|ifdef|ifndef|else|endif)\b")
_DEPENDENCIES = re.compile(r" *(?:-include|sinclude)\s+(?:\S*\.d\b|\$[({]\w*DEP\w*[^)}]*[)}]|\s)+",
                           re.IGNORECASE)  # fmt: skip
"""Lists of headers that an earlier run of the compiler wrote ("Generating Prerequisites
Automatically")."""
_EXPORTS = re.compile(r" *(?:un)?export(?:\s+[\w.-]+)*\s*")
_NOT_READ = re.compile(r" *(?:-?include|sinclude|define|vpath|load)\b")
_RULE = re.compile(r"(?P<targets>[^:=]+?)(?P<kind>::?)(?!=)(?P<rest>.*)", re.DOTALL)
_BUILT_IN: Mapping[str, str] = {
    "CC": "cc", "CXX": "c++", "LD": "ld", "AR": "ar", "RM": "rm -f", "MAKE": "make",
    "CPP": "cc -E", "AS": "as", "ARFLAGS": "rv",
}  # fmt: skip
"""GNU make manual, "Variables Used by Implicit Rules"."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: its targets and prerequisites as written, and the lines of its recipe. ``certain``
    is False for one that stands in a conditional."""

    targets: str
    prerequisites: str
    recipe: tuple[str, ...]
    certain: bool


@dataclass(slots=True)
class Makefile:
    """A Makefile, read. ``partly`` says what of it was not read, None where nothing."""

    rules: list[Rule]
    variables: dict[str, str]
    partly: str | None
    _left: int = _MOST_EXPANDED
    _known: dict[str, str] = field(default_factory=dict)

    def expand(self, text: str, automatic: Mapping[str, str] | None = None, depth: int = 0) -> str:
        """Returns ``text`` with variables put in; ``automatic`` are those of one rule (``@``)."""
        parts: list[str] = []
        at = 0
        while (sign := text.find("$", at)) >= 0:
            parts.append(text[at:sign])
            at = sign + 2
            follows = text[sign + 1 : sign + 2]
            if follows == "$":
                parts.append("$")
            elif follows in ("(", "{"):
                end = _closing(text, sign + 2, follows)
                parts.append(self._reference(text[sign + 2 : end], automatic or {}, depth))
                at = end + 1
            else:
                parts.append((automatic or {}).get(follows, HOLE) if follows else "")
        parts.append(text[at:])
        found = "".join(parts)
        self._left -= len(found)
        return found if len(found) <= _LONGEST and self._left > 0 else HOLE

    def _reference(self, body: str, automatic: Mapping[str, str], depth: int) -> str:
        if depth > _DEEPEST:
            return HOLE
        if re.fullmatch(r"[@<^?*+%][DF]?", body):
            return automatic.get(body, HOLE)
        if re.fullmatch(r"[\w.-]+", body):
            if body not in self._known:
                self._known[body] = HOLE
                value = self.variables.get(body, _BUILT_IN.get(body, ""))
                self._known[body] = self.expand(value, None, depth + 1)
            return self._known[body]
        name, _, argument = body.partition(" ")
        if name == "strip":
            return self.expand(argument, automatic, depth + 1).strip()
        return HOLE


def _closing(text: str, at: int, opener: str) -> int:
    """Returns where the bracket closes that opened before ``at``, the end where it does not."""
    closer = ")" if opener == "(" else "}"
    depth = 1
    for index in range(at, len(text)):
        if text[index] == opener:
            depth += 1
        elif text[index] == closer:
            depth -= 1
            if not depth:
                return index
    return len(text)


def read_makefile(text: str, given: Mapping[str, str], env: Mapping[str, str]) -> Makefile:
    """Reads a Makefile. ``given`` are the variables of the command line, which outdo its own;
    ``env`` are those of the environment, which its own outdo."""
    lines = _logical_lines(text)
    found = Makefile([], {**env}, None)
    if len(lines) > _MOST_LINES:
        found.partly = "it has too many lines"
        return found
    depth = index = 0
    while index < len(lines):
        line = lines[index]
        index += 1
        if line.startswith("\t") or not line.strip():
            continue
        line = _without_comment(line)
        if (match := _CONDITIONAL.match(line)) is not None:
            depth += {"else": 0, "endif": -1}.get(match["word"], 1)
        elif _DEPENDENCIES.fullmatch(line) or _EXPORTS.fullmatch(line):
            continue
        elif (match := _NOT_READ.match(line)) is not None:
            found.partly = found.partly or f"it has `{line.strip()[:40]}`"
        elif (match := _ASSIGNMENT.fullmatch(line)) is not None:
            _assign(found, match, given, is_certain=depth <= 0)
        elif (match := _RULE.match(line)) is not None:
            start = index
            while index < len(lines) and (
                lines[index].startswith("\t") or not lines[index].strip()
            ):
                index += 1
            _add_rule(found, match, lines[start:index], is_certain=depth <= 0)
        elif line.strip():
            found.partly = found.partly or f"it has `{line.strip()[:40]}`"
    found.variables.update(given)
    return found


def _assign(
    found: Makefile, match: re.Match[str], given: Mapping[str, str], is_certain: bool
) -> None:
    name, operator, value = match["name"], match["operator"], match["value"].strip()
    known = found.variables.get(name)
    if operator == "?" and known is not None:
        return
    if not is_certain or operator == "!":
        value = HOLE
    elif operator == "+" and known is not None:
        value = f"{known} {value}"
    elif operator.startswith(":") and name not in given:
        value = found.expand(value).replace("$", "$$")
        found._known.clear()
    found.variables[name] = value[:_LONGEST]
    found._known.pop(name, None)


def _add_rule(
    found: Makefile, match: re.Match[str], recipe: Sequence[str], is_certain: bool
) -> None:
    rest, _, inline = match["rest"].partition(";")
    if _ASSIGNMENT.fullmatch(rest.strip()):
        # A variable for one target; elsewhere it may have another value.
        name = _ASSIGNMENT.fullmatch(rest.strip())
        assert name is not None
        found.variables[name["name"]] = HOLE
        return
    lines = [inline.strip()] if inline.strip() else []
    lines += [line.strip() for line in recipe if line.strip()]
    targets, prerequisites = match["targets"], rest
    if (static := re.match(r"([^:]*):(.*)", rest)) is not None:
        # A static pattern rule: targets: target-pattern: prerequisite-patterns.
        prerequisites = static[2]
    found.rules.append(Rule(targets.strip(), prerequisites.strip(), tuple(lines), is_certain))


def _logical_lines(text: str) -> list[str]:
    found: list[str] = []
    parts: list[str] = []
    for raw in text.split("\n"):
        line = raw.removesuffix("\r")
        if line.endswith("\\") and not line.endswith("\\\\"):
            parts.append(line[:-1])
            continue
        whole = [*parts, line]
        found.append(" ".join([whole[0], *(part.strip() for part in whole[1:])]))
        parts = []
    if parts:
        found.append(" ".join(parts))
    return found


def _without_comment(line: str) -> str:
    match = re.search(r"(?<!\\)#", line)
    return line[: match.start()].rstrip() if match else line
