"""Which gems a command installs.

Source: rubygems/rubygems bundler/lib/bundler/lockfile_parser.rb (the lines of ``specs:``). A gem
for a platform (``x86_64-linux``) is built when it is released and brings the libraries that it
links, but for those of a minimal system (rake-compiler-dock). A gem of a path is compiled only
where its gemspec names ``extensions`` (bundler/lib/bundler/source/path.rb, install); Bundler
evaluates that gemspec when it installs and when the program starts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from optimizer.knowledge.brings import Brings, LanguagePackage
from optimizer.knowledge.installs import HOLE, Call, Files
from optimizer.knowledge.manifests import ancestors, resolve
from optimizer.knowledge.started import Started, started

_SPEC = re.compile(r"^    ([A-Za-z0-9._-]+) \(([^)]*)\)$", re.MULTILINE)
_FOR_LINUX = re.compile(r"-(?:x86_64|aarch64|arm64)-linux(?:-gnu)?$")
_PATHS = re.compile(r"^PATH\n((?:[ \n].*\n?)*)", re.MULTILINE)
_REMOTE = re.compile(r"^  remote: (.+)$", re.MULTILINE)
_MAY_COMPILE = re.compile(rb"extension|extconf|eval|send|\bload\b|\.so\b")
"""What a gemspec has where it compiles something, or may say so elsewhere."""
_LARGEST_GEMSPEC = 64 * 1024


def brings(call: Call, files: Files) -> Brings | None:
    """Says what ``call`` installs; see `optimizer.knowledge.brings.Module`."""
    words = [word for word in call.words[1:] if not word.startswith("-")]
    if call.program == "gem":
        if words[:1] != ["install"]:
            return None
        if any(HOLE in word or word.endswith(".gem") for word in words):
            return Brings(unknown="a gem is named by a variable or by a file")
        return Brings(tuple(LanguagePackage("rubygems", _bare(word)) for word in words[1:]))
    if words[:1] not in ([], ["install"], ["update"]):
        return None
    return _locked(call, files)


def _bare(word: str) -> str:
    return word.partition(":")[0]


def _locked(call: Call, files: Files) -> Brings:
    gemfile = call.env.get("BUNDLE_GEMFILE")
    names = [f"{gemfile}.lock"] if gemfile and HOLE not in gemfile else ["Gemfile.lock"]
    for folder in (call.directory, *ancestors(call.directory)):
        content = files.read(resolve(folder, names[0]))
        if content is not None:
            text = content.decode("utf-8", "replace")
            text = text.replace("\r\n", "\n")
            beside = path_gems(text, folder, files)
            plain = frozenset(gem.name for gem in beside if gem.is_plain)
            return Brings(tuple(_gems(text, plain)))
    return Brings(unknown="there is no Gemfile.lock among the copied files")


def _gems(text: str, plain: frozenset[str]) -> Iterator[LanguagePackage]:
    """Yields the gems of a lockfile; ``plain`` are those that are shown to be Ruby alone."""
    found: dict[str, bool] = {}
    for match in _SPEC.finditer(text):
        is_plain = match[1] in plain or bool(_FOR_LINUX.search(match[2]))
        found[match[1]] = found.get(match[1], False) or is_plain
    for name, is_plain in found.items():
        yield LanguagePackage("rubygems", name, is_plain)


@dataclass(frozen=True, slots=True)
class PathGem:
    """A gem of a path: its ``name``, its ``folder`` in the image, and whether its gemspec, among
    the copied files, is shown to compile nothing and to start no program."""

    name: str
    folder: str
    is_plain: bool


def path_gems(text: str, directory: str, files: Files) -> Iterator[PathGem]:
    """Yields the gems of paths in the lockfile ``text``, which lies in ``directory``."""
    for section in _PATHS.findall(text.replace("\r\n", "\n")):
        remote = _REMOTE.search(section)
        if remote is None:
            continue
        path = resolve(directory, remote[1].strip())
        for name, _ in _SPEC.findall(section):
            # Bundler looks two folders deep: gems of one path may lie side by side.
            places = (path, f"{path}/{name}")
            found = (each for each in places if files.kind(f"{each}/{name}.gemspec") == "file")
            folder = next(found, None)
            gemspec = None if folder is None else files.read(f"{folder}/{name}.gemspec")
            yield PathGem(name, folder or path, gemspec is not None and _is_plain(gemspec))


def _is_plain(gemspec: bytes) -> bool:
    if len(gemspec) > _LARGEST_GEMSPEC or _MAY_COMPILE.search(gemspec):
        return False
    return started(".rb", gemspec) == Started()
