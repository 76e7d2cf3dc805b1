"""Files that list the commands of several processes: Procfile, and supervisord's settings."""

from __future__ import annotations

import configparser
import re
import shlex
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from typing import Final

from optimizer.knowledge.installs import HOLE, Call, Files
from optimizer.knowledge.manifests import resolve

_PROCFILE_LINE: Final = re.compile(r"^[A-Za-z0-9_-]+:\s*(.+)$", re.MULTILINE)
_EXPANSION: Final = re.compile(r"%\([^()]*\)[sd]")
# supervisord.org, configuration: where it looks without -c.
_SUPERVISOR_PLACES: Final = (
    "/usr/etc/supervisord.conf", "/usr/supervisord.conf", "supervisord.conf",
    "etc/supervisord.conf", "/etc/supervisord.conf", "/etc/supervisor/supervisord.conf",
)  # fmt: skip
_SECTIONS: Final = re.compile(r"(?:program|eventlistener|fcgi-program):.+")
_MOST_FILES: Final = 50


def procfile_commands(call: Call, files: Files) -> tuple[str, ...] | None:
    """Returns the texts that foreman, honcho and their like hand to a shell, as the Procfile says
    (``foreman start``); None where ``call`` is none of them, or its file is not known."""
    words = call.words[1:]
    if call.program not in ("foreman", "honcho", "overmind", "hivemind", "goreman", "forego"):
        return None
    name = next(
        (words[at + 1] for at, word in enumerate(words[:-1]) if word in ("-f", "--procfile")),
        "Procfile",
    )
    data = files.read(resolve(call.directory, name))
    if data is None:
        return None
    return tuple(_PROCFILE_LINE.findall(data.decode("utf-8", "replace")))


def supervised(call: Call, files: Files) -> tuple[tuple[str, ...], ...] | None:
    """Returns the commands of the programs that ``supervisord`` starts, word by word; None where
    its settings are not known. What comes from its environment is `HOLE`."""
    found: list[tuple[str, ...]] = []
    paths = _settings(call, files)
    if not paths:
        return None
    for number, path in enumerate(paths):
        data = files.read(path)
        parser = configparser.RawConfigParser(strict=False, inline_comment_prefixes=(" ;", "\t;"))
        if data is None or number >= _MOST_FILES:
            return None
        try:
            parser.read_string(data.decode("utf-8", "replace"))
        except (configparser.Error, ValueError):
            return None
        for section in parser.sections():
            if _SECTIONS.fullmatch(section):
                found.extend(_command(parser.get(section, "command", fallback="")))
            elif section == "include":
                paths.extend(_included(path, parser.get(section, "files", fallback=""), files))
    return tuple(found)


def _settings(call: Call, files: Files) -> list[str]:
    words: Sequence[str] = call.words[1:]
    for at, word in enumerate(words):
        if word in ("-c", "--configuration") and at + 1 < len(words):
            return [resolve(call.directory, words[at + 1])]
        if word.startswith("--configuration="):
            return [resolve(call.directory, word.partition("=")[2])]
    places = (resolve(call.directory, place) for place in _SUPERVISOR_PLACES)
    first = next((place for place in places if files.kind(place) == "file"), None)
    if first is not None:
        return [first]
    # Debian's own settings include these.
    return list(_included("/etc/supervisor/x", "/etc/supervisor/conf.d/*.conf", files))


def _included(path: str, patterns: str, files: Files) -> Iterator[str]:
    for pattern in patterns.split():
        whole = resolve(path.rpartition("/")[0] or "/", pattern)
        folder, _, name = whole.rpartition("/")
        for child in files.children(folder or "/"):
            if fnmatchcase(child, name):
                yield resolve(folder or "/", child)


def _command(text: str) -> Iterator[tuple[str, ...]]:
    try:
        words = shlex.split(_EXPANSION.sub(HOLE, text))
    except ValueError:
        words = [HOLE]
    if words:
        yield tuple(words)
