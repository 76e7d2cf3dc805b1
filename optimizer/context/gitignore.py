"""What ``.gitignore`` files leave out of a working tree, with git's meaning.

Matching is linear in the name, whatever the pattern: every ``*`` but the last
becomes an atomic group, because the first place where the following text fits
is as good as any later one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

_GLOB: Final = re.compile(r"[*?\[\\]")
_CLASSES: Final = {
    "alnum": "0-9A-Za-z",
    "alpha": "A-Za-z",
    "blank": r" \t",
    "cntrl": r"\x00-\x1f\x7f",
    "digit": "0-9",
    "graph": r"\x21-\x7e",
    "lower": "a-z",
    "print": r"\x20-\x7e",
    "punct": r"\x21-\x2f\x3a-\x40\x5b-\x60\x7b-\x7e",
    "space": r"\t-\r ",
    "upper": "A-Z",
    "xdigit": "0-9A-Fa-f",
}
"""Named classes of a bracket. Source: git, wildmatch.c, dowild (the ASCII classes of ctype.h)."""

_NEVER: Final = re.compile(r"(?!)")
_ANY_FOLDERS: Final = None


@dataclass(frozen=True, slots=True)
class _Pattern:
    """One line. ``parts`` holds a name matcher for each path component, or None for ``**``."""

    ignores: bool
    folders_only: bool
    anchored: bool
    parts: tuple[str | re.Pattern[str] | None, ...]

    def matches(self, components: Sequence[str], is_folder: bool) -> bool:
        if self.folders_only and not is_folder:
            return False
        if not self.anchored:
            return _fits(self.parts[0], components[-1])
        return _path_fits(self.parts, components)


@dataclass(frozen=True, slots=True)
class GitIgnore:
    """The patterns of one ``.gitignore``, the last one first."""

    patterns: tuple[_Pattern, ...]

    @classmethod
    def parse(cls, text: str) -> GitIgnore:
        """Reads a file; a pattern that git cannot read matches nothing, so this never raises.

        Source: git, dir.c, add_patterns_from_buffer and parse_path_pattern.
        """
        lines = text.removeprefix("\ufeff").split("\n")
        patterns = (_pattern(line.removesuffix("\r")) for line in reversed(lines))
        return cls(tuple(pattern for pattern in patterns if pattern is not None))

    def decides(self, components: Sequence[str], is_folder: bool) -> bool | None:
        """Says whether a path is ignored (True) or kept (False), or None where no pattern
        matches it. ``components`` is relative to the folder of the file."""
        for pattern in self.patterns:
            if pattern.matches(components, is_folder):
                return pattern.ignores
        return None


def _pattern(line: str) -> _Pattern | None:
    if line.startswith("#"):
        return None
    line = _without_trailing_spaces(line)
    ignores = not line.startswith("!")
    text = line if ignores else line[1:]
    folders_only = text.endswith("/")
    text = text.removesuffix("/")
    if not text:
        return None
    anchored = "/" in text
    if not anchored:
        return _Pattern(ignores, folders_only, False, (_matcher(text),))
    parts = tuple(
        _ANY_FOLDERS if part == "**" else _matcher(part)
        for part in text.replace("\\/", "/").removeprefix("/").split("/")
    )
    return _Pattern(ignores, folders_only, True, parts)


def _without_trailing_spaces(line: str) -> str:
    """Cuts trailing spaces, except one that a backslash keeps (dir.c, trim_trailing_spaces)."""
    kept = line.rstrip(" ")
    escapes = len(kept) - len(kept.rstrip("\\"))
    return line[: len(kept) + 1] if escapes % 2 and len(kept) < len(line) else kept


def _fits(matcher: str | re.Pattern[str] | None, name: str) -> bool:
    if isinstance(matcher, str):
        return matcher == name
    return matcher is None or matcher.fullmatch(name) is not None


def _path_fits(parts: Sequence[str | re.Pattern[str] | None], components: Sequence[str]) -> bool:
    """Compares component by component; only the last ``**`` ever has to take one more."""
    part = at = 0
    retry: tuple[int, int] | None = None
    while at < len(components) or part < len(parts):
        if part < len(parts) and parts[part] is _ANY_FOLDERS:
            # "a/**" is what lies inside a, so a ** at the end takes one component at least.
            last = part == len(parts) - 1
            if last and at < len(components):
                return True
            if last:
                return False
            part += 1
            retry = (part, at)
        elif part < len(parts) and at < len(components) and _fits(parts[part], components[at]):
            part += 1
            at += 1
        elif retry is not None and retry[1] < len(components):
            part, at = retry[0], retry[1] + 1
            retry = (part, at)
        else:
            return False
    return True


def _matcher(pattern: str) -> str | re.Pattern[str]:
    """Compiles one component, in the syntax of git's wildmatch.c (dowild)."""
    if not _GLOB.search(pattern):
        return pattern
    chunks = [""]
    at = 0
    while at < len(pattern):
        char = pattern[at]
        if char == "*":
            chunks.append("")
            at += 1
            continue
        if char == "?":
            regex, at = ".", at + 1
        elif char == "\\":
            if at + 1 == len(pattern):
                return _NEVER
            regex, at = re.escape(pattern[at + 1]), at + 2
        elif char == "[":
            regex, at = _bracket(pattern, at + 1)
            if not regex:
                return _NEVER
        else:
            regex, at = re.escape(char), at + 1
        chunks[-1] += regex
    return re.compile(_joined(chunks), re.DOTALL)


def _joined(chunks: Sequence[str]) -> str:
    if len(chunks) == 1:
        return chunks[0]
    middle = "".join(f"(?>.*?{chunk})" for chunk in chunks[1:-1] if chunk)
    return f"{chunks[0]}{middle}.*{chunks[-1]}"


def _bracket(pattern: str, at: int) -> tuple[str, int]:
    """Reads a bracket from behind its ``[``; the answer is empty where it is not closed."""
    negated = pattern[at : at + 1] in ("!", "^")
    at += negated
    members: list[str] = []
    first = True
    while first or pattern[at : at + 1] != "]":
        first = False
        if pattern.startswith("[:", at) and (end := pattern.find(":]", at)) > 0:
            name = pattern[at + 2 : end]
            if name not in _CLASSES:
                return "", at
            members.append(_CLASSES[name])
            at = end + 2
            continue
        low, at = _member(pattern, at)
        high = low
        if pattern[at : at + 1] == "-" and pattern[at + 1 : at + 2] not in ("", "]"):
            high, at = _member(pattern, at + 1)
        if not low or not high:
            return "", at
        # A range that runs backwards still has its first character.
        members.append(re.escape(low))
        if low < high:
            members.append(f"{re.escape(low)}-{re.escape(high)}")
    return f"[{'^' if negated else ''}{''.join(members)}]", at + 1


def _member(pattern: str, at: int) -> tuple[str, int]:
    if pattern[at : at + 1] == "\\":
        at += 1
    return pattern[at : at + 1], at + 1
