"""``[tool.dockopt]`` in ``pyproject.toml``, or ``dockopt.toml``: the nearest upward counts."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from optimizer.journal import Failure
from optimizer.proposal import Safety

_LISTS = ("select", "without", "exclude")
KEYS = (*_LISTS, "safety", "context", "smoke", "costs")
"""All keys that a configuration may hold."""

_LONGEST = 7 * 24 * 3600
"""Seconds that a command may be said to take."""

SAFETIES: Mapping[str, Safety] = {safety.label: safety for safety in reversed(Safety)}
"""The promises by the names that people write, the strongest first."""


@dataclass(frozen=True, slots=True)
class Config:
    """What one file configures.

    ``exclude`` holds patterns as in ``.gitignore``, relative to the folder of
    ``path``; ``context`` is absolute; ``costs`` are seconds by the first words of
    a command. ``smoke`` are the words of a command that has to give the same answer in
    both images; a text is one for ``/bin/sh -c``. ``path`` is None where there is no file.
    """

    path: Path | None = None
    text: str = ""
    select: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    safety: Safety | None = None
    context: Path | None = None
    costs: Mapping[str, float] = field(default_factory=dict)
    smoke: tuple[str, ...] = ()


@dataclass
class Configs:
    """The configurations of one run, each file read once."""

    _known: dict[Path, Config | Failure] = field(default_factory=dict)

    def of(self, folder: Path) -> Config | Failure:
        """Returns the configuration in force in ``folder``, which is absolute."""
        if folder not in self._known:
            found = _read_folder(folder)
            if found is None:
                found = Config() if folder == folder.parent else self.of(folder.parent)
            self._known[folder] = found
        return self._known[folder]


def wrong_key(path: Path, text: str, key: str | None, message: str) -> Failure:
    """Returns a failure at the line of the configuration that sets ``key``.

    None stands for the table itself. A key that is written in a way that is not
    found counts as standing there too.
    """
    start = 0
    if path.name == "pyproject.toml":
        header = re.search(r"^[ \t]*\[[ \t]*tool[ \t]*\.[ \t]*dockopt", text, re.MULTILINE)
        start = header.start() if header else 0
    found = None
    if key is not None:
        setting = rf"^[ \t\[]*(?:tool\.dockopt\.)?[\"']?{re.escape(key)}[\"']?[ \t]*[.=\]]"
        found = re.compile(setting, re.MULTILINE).search(text, start)
    line = text.count("\n", 0, found.start() if found else start) + 1
    return Failure(str(path), message, line)


def _read_folder(folder: Path) -> Config | Failure | None:
    """Returns what ``folder`` itself configures, None where it has nothing to say."""
    own, shared = folder / "dockopt.toml", folder / "pyproject.toml"
    for path in (own, shared):
        if not path.is_file():
            continue
        try:
            text = path.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            if path == own:
                return Failure(str(path), f"cannot read: {getattr(error, 'strerror', error)}")
            continue
        if path == own or "dockopt" in text:
            found = _parse(path, text)
            if found is not None:
                return found
    return None


def _parse(path: Path, text: str) -> Config | Failure | None:
    import tomllib

    try:
        document = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        return _syntax_failure(path, text, str(error))
    if path.name != "pyproject.toml":
        return _config(path, text, document)
    tool = document.get("tool")
    table = tool.get("dockopt") if isinstance(tool, dict) else None
    if table is None:
        return None
    if not isinstance(table, dict):
        return wrong_key(path, text, "dockopt", "tool.dockopt has to be a table")
    return _config(path, text, table)


def _syntax_failure(path: Path, text: str, message: str) -> Failure:
    """Turns ``... (at line 3, column 5)`` of tomllib into a place."""
    what, _, at = message.removesuffix(")").rpartition(" (at ")
    numbers = re.findall(r"\d+", at)
    if what and len(numbers) == 2:
        return Failure(str(path), what, int(numbers[0]), int(numbers[1]))
    return Failure(str(path), what or message, text.count("\n") + 1)


def _config(path: Path, text: str, table: Mapping[str, Any]) -> Config | Failure:
    for key, value in table.items():
        if (wrong := _objection(key, value)) is not None:
            return wrong_key(path, text, key, wrong)
    return Config(
        path,
        text,
        **{key: tuple(table[key]) for key in _LISTS if key in table},
        safety=SAFETIES[table["safety"]] if "safety" in table else None,
        context=path.parent / table["context"] if "context" in table else None,
        costs={name: float(seconds) for name, seconds in table.get("costs", {}).items()},
        smoke=_command(table.get("smoke", ())),
    )


def _command(value: str | Sequence[str]) -> tuple[str, ...]:
    return ("/bin/sh", "-c", value) if isinstance(value, str) else tuple(value)


def _objection(key: str, value: object) -> str | None:
    """Says what is wrong with one setting."""
    if key not in KEYS:
        return f"unknown key {key!r}; known are {', '.join(KEYS)}"
    if key in _LISTS and not _are_strings(value):
        return f"{key} has to be a list of strings"
    if key == "safety" and not (isinstance(value, str) and value in SAFETIES):
        return f"safety has to be one of {', '.join(SAFETIES)}"
    if key == "context" and not isinstance(value, str):
        return "context has to be a folder"
    if key == "costs" and not _are_seconds(value):
        return "costs has to be a table of commands with their seconds"
    if key == "smoke" and not (value and (isinstance(value, str) or _are_strings(value))):
        return "smoke has to be a command, or a list of its words"
    return None


def _are_strings(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)


def _are_seconds(value: object) -> bool:
    return isinstance(value, dict) and all(
        name.strip()
        and isinstance(each, int | float)
        and not isinstance(each, bool)
        and 0 <= each <= _LONGEST
        for name, each in value.items()
    )
