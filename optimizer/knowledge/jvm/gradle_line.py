"""Gradle's command line. Source: the Gradle user manual, "Command-Line Interface Reference"."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_VALUED: Mapping[str, str] = {
    "p": "project-dir", "b": "build-file", "c": "settings-file", "g": "gradle-user-home",
    "I": "init-script", "P": "project-prop", "D": "system-prop", "x": "exclude-task",
    "F": "dependency-verification", "M": "write-verification-metadata",
}  # fmt: skip
_LONG_VALUED = frozenset(
    (*_VALUED.values(), "include-build", "console", "warning-mode", "max-workers", "priority",
     "project-cache-dir", "configuration", "update-locks", "configuration-cache-problems", "tests")
)  # fmt: skip
_PLAIN: Mapping[str, str] = {
    "s": "stacktrace", "S": "full-stacktrace", "i": "info", "d": "debug", "q": "quiet",
    "w": "warn", "m": "dry-run", "a": "no-rebuild", "u": "no-search-upward", "v": "version",
    "h": "help", "?": "help", "V": "show-version", "t": "continuous", "U": "refresh-dependencies",
}  # fmt: skip
_LONG_PLAIN = frozenset(
    (*_PLAIN.values(), "daemon", "no-daemon", "foreground", "refresh-keys", "offline", "parallel",
     "no-parallel", "build-cache", "no-build-cache", "configuration-cache",
     "no-configuration-cache", "scan", "no-scan", "continue", "no-continue", "watch-fs",
     "no-watch-fs", "configure-on-demand", "no-configure-on-demand", "rerun-tasks", "status",
     "stop", "profile", "write-locks", "export-keys", "isolated-projects",
     "problems-report", "no-problems-report")
)  # fmt: skip
_ATTACHED = re.compile(r"-(?P<name>[pbcgIPDxFM])=?(?P<value>.+)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Line:
    """What stands behind `gradle`: options by long name, tasks, the first unknown option."""

    options: tuple[tuple[str, str], ...]
    tasks: tuple[str, ...]
    unknown: str | None

    def has(self, *names: str) -> bool:
        """Tells whether one of the options ``names`` is given."""
        return any(name in names for name, _ in self.options)

    def all(self, name: str) -> list[str]:
        """Returns every value of the option ``name``."""
        return [value for each, value in self.options if each == name]

    def value(self, name: str) -> str | None:
        """Returns the last value of the option ``name``."""
        return next(reversed(self.all(name)), None)


def read_line(words: Sequence[str]) -> Line:
    """Reads the words behind the program."""
    options: list[tuple[str, str]] = []
    tasks: list[str] = []
    unknown = None
    queue = list(reversed(words))
    while queue:
        word = queue.pop()
        if not word.startswith("-") or word == "-":
            tasks.append(word)
            continue
        bare, equals, attached = word.lstrip("-").partition("=")
        long = word.startswith("--")
        name = bare if bare in _LONG_VALUED else _VALUED.get(bare)
        match = None if long else _ATTACHED.fullmatch(word)
        if name is not None:
            options.append((name, attached if equals else queue.pop() if queue else ""))
        elif bare in _LONG_PLAIN or (bare in _PLAIN and not long):
            options.append((_PLAIN.get(bare, bare), ""))
        elif match is not None:
            options.append((_VALUED[match["name"]], match["value"]))
        else:
            unknown = unknown or word
    return Line(tuple(options), tuple(tasks), unknown)
