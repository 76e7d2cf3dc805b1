"""Files that a Go program carries in itself, and whether it reads them from the disk as well.

Sources: the documentation of the package embed ("Directives"); golang/go
src/cmd/go/internal/load/pkg.go (resolveEmbed).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from optimizer.knowledge.artefacts import is_pattern, matches
from optimizer.knowledge.installs import Files
from optimizer.knowledge.manifests import resolve

_DIRECTIVE = re.compile(r"^//go:embed[ \t]+(?P<patterns>[^\n]+)$", re.MULTILINE)
_PATTERN = re.compile(r'"(?P<quoted>[^"\n]*)"|`(?P<raw>[^`\n]*)`|(?P<plain>\S+)')
_STRING = re.compile(r'"(?P<quoted>(?:[^"\\\n]|\\.)*)"|`(?P<raw>[^`]*)`')
_CALL = re.compile(r"(?P<owner>\w+\.)?(?P<name>\w+)\((?:[\w.&]+\s*,\s*)?$")
_OF_A_FILE_SYSTEM = frozenset(
    ("ParseFS", "Sub", "ReadFile", "ReadDir", "Open", "Glob", "Stat", "WalkDir", "New", "StaticFS",
     "FileFromFS", "MustSub")
)  # fmt: skip
"""Functions that take a path in an embedded tree: those of embed, io/fs and html/template, of
golang-migrate's source/iofs, and gin's (their own documentation)."""
_OF_THE_DISK = frozenset(("os.", "ioutil.", "filepath.", "http.", "afero.", "path."))
_MOST_STRINGS = 50_000


def embedded(files: Files, sources: Sequence[str]) -> tuple[str, ...]:
    """Returns the files and directories that the Go files ``sources`` embed and name in no other
    string than one that is handed to a function for embedded trees."""
    texts = {path: (files.read(path) or b"").decode("utf-8", "replace") for path in sources}
    found: dict[str, str] = {}
    for path, text in texts.items():
        for word in _patterns(text):
            for place, first in _places(files, resolve(path, ".."), word):
                found[place] = first
    if not found:
        return ()
    named = _named_otherwise(texts, frozenset(found.values()))
    return tuple(sorted(place for place, first in found.items() if first not in named))


def _patterns(text: str) -> Iterator[str]:
    for directive in _DIRECTIVE.finditer(text):
        for match in _PATTERN.finditer(directive["patterns"]):
            yield (match["quoted"] or match["raw"] or match["plain"]).removeprefix("all:")


def _places(files: Files, directory: str, word: str) -> Iterator[tuple[str, str]]:
    """Yields the paths that a pattern embeds, and their first name below the package. Of a
    directory the names with a dot or an underscore in front are left out, and so is the directory
    as a whole where it has any."""
    parts = word.strip("/").split("/")
    depth = next((n for n, part in enumerate(parts) if is_pattern(part)), len(parts))
    folder = resolve(directory, "/".join(parts[:depth]) or ".")
    if depth == len(parts):
        if folder != directory and files.kind(folder) is not None and _is_plain(files, folder):
            yield folder, parts[0]
        return
    if depth != len(parts) - 1:
        return
    for name in files.children(folder):
        path = resolve(folder, name)
        if matches(path, resolve(folder, parts[-1])) and _is_plain(files, path):
            yield path, parts[0] if depth else name


def _is_plain(files: Files, path: str) -> bool:
    waiting, seen = [path], 0
    while waiting:
        place = waiting.pop()
        for name in files.children(place) if files.kind(place) == "dir" else ():
            seen += 1
            if name.startswith((".", "_")) or seen > _MOST_STRINGS:
                return False
            waiting.append(resolve(place, name))
    return True


def _named_otherwise(texts: Mapping[str, str], names: frozenset[str]) -> frozenset[str]:
    """Returns those of ``names`` that a string names which may be a path on the disk."""
    found: set[str] = set()
    left = _MOST_STRINGS
    for text in texts.values():
        for match in _STRING.finditer(text):
            left -= 1
            if left < 0:
                return names
            value = match["quoted"] if match["quoted"] is not None else match["raw"]
            first = value.removeprefix("./").partition("/")[0]
            if first in names and not _is_handed_over(text, match.start()):
                found.add(first)
    return frozenset(found)


def _is_handed_over(text: str, start: int) -> bool:
    line = text[max(text.rfind("\n", 0, start) + 1, start - 200) : start]
    call = _CALL.search(line)
    if call is None or call["name"] not in _OF_A_FILE_SYSTEM:
        return False
    return call["owner"] is not None and call["owner"] not in _OF_THE_DISK
