"""Which packages of npm's registry a command installs.

Sources: npm's docs, package-lock.json (``hasInstallScript``, ``os``); yarnpkg/yarn,
src/lockfile/parse.js; yarnpkg/berry, packages/yarnpkg-parsers; pnpm/spec, lockfile/6.0.md and
9.0.md. A package of machine code is compiled by node-gyp, or fetches what its author compiled, and
depends on a package that helps with either (nodejs/node-addon-api, prebuild, node-pre-gyp); npm
lists the packages with scripts of their own, so those count too. Lockfiles of yarn and pnpm 9 do
not, so packages that are known to compile count there by their names.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from optimizer.knowledge.brings import Brings, LanguagePackage
from optimizer.knowledge.installs import HOLE, Call, Files
from optimizer.knowledge.manifests import Held, ancestors, resolve
from optimizer.knowledge.node.locked import COMPILED
from optimizer.knowledge.node.yaml_files import read_section

_HELPERS = frozenset(
    ("@mapbox/node-pre-gyp", "@napi-rs/cli", "bindings", "cmake-js", "ffi-napi", "nan",
     "napi-build-utils", "napi-macros", "neon-cli", "node-addon-api", "node-gyp",
     "node-gyp-build", "node-gyp-build-optional-packages", "node-pre-gyp", "prebuild",
     "prebuild-install", "prebuildify", "ref-napi", "require-addon")
)  # fmt: skip
"""What packages of machine code depend on: they find, fetch or compile it."""

_INSTALLS = {
    "npm": ("install", "i", "ci", "clean-install", "install-clean", "add", "it"),
    "yarn": ("", "install", "add", "global", "workspaces"),
    "pnpm": ("install", "i", "add", "deploy", "fetch"),
    "bun": ("install", "i", "add"),
}
_LOCKS = {
    "npm": ("npm-shrinkwrap.json", "package-lock.json"),
    "yarn": ("yarn.lock",),
    "pnpm": ("pnpm-lock.yaml",),
    "bun": ("bun.lock",),
}
_YARN_ENTRY = re.compile(r'^"?(@?[^@"\s]+)@', re.MULTILINE)
_YARN_DEPENDENCY = re.compile(r'^    "?(@?[^@"\s:]+)"?[ :]')
_PNPM_KEY = re.compile(r"/?(@?[^@/]+(?:/[^@/]+)?)(?:@|/\d).*")


def brings(call: Call, files: Files) -> Brings | None:
    """Says what ``call`` installs; see `optimizer.knowledge.brings.Module`."""
    manager = "yarn" if call.program == "yarnpkg" else call.program
    words = [word for word in call.words[1:] if not word.startswith("-")]
    verb = words[0] if words else ""
    if manager not in _INSTALLS or verb not in _INSTALLS[manager]:
        return None
    if HOLE in "".join(call.words):
        return Brings(unknown="the command holds a variable whose value is not known")
    named = [_bare(word) for word in words[1:] if word != "add"]
    is_global = {"-g", "--global"} & set(call.words) or verb == "global"
    if verb in ("add", "global") or is_global or (manager != "yarn" and named and verb != "deploy"):
        found = tuple(LanguagePackage("npm", name) for name in named)
        return Brings(found) if found else Brings(unknown="what it installs is not named")
    return _locked(call, files, manager)


def _bare(word: str) -> str:
    return word[:1] + word[1:].partition("@")[0]


def _locked(call: Call, files: Files, manager: str) -> Brings:
    for folder in (call.directory, *ancestors(call.directory)):
        for name in _LOCKS[manager]:
            content = files.read(resolve(folder, name))
            if content is not None:
                return _read(name, content.decode("utf-8", "replace"))
    return Brings(unknown=f"there is no {_LOCKS[manager][-1]} among the copied files")


def _read(name: str, text: str) -> Brings:
    try:
        if name == "yarn.lock":
            return Brings(tuple(_packages(_of_yarn(text))))
        if name == "pnpm-lock.yaml":
            return Brings(tuple(_packages(_of_pnpm(text))))
        if name == "bun.lock":
            return Brings(unknown="bun.lock does not say what its packages do when installed")
        return _of_npm(json.loads(text))
    except (Held, ValueError, RecursionError, AttributeError, TypeError):
        return Brings(unknown=f"{name} is broken")


def _packages(found: Iterable[tuple[str, bool]]) -> Iterator[LanguagePackage]:
    plain: dict[str, bool] = {}
    for name, is_plain in found:
        plain[name] = plain.get(name, True) and is_plain
    for name, is_plain in plain.items():
        yield LanguagePackage("npm", name, is_plain)


def _of_npm(data: Mapping[str, Any]) -> Brings:
    entries = data.get("packages")
    if not isinstance(entries, Mapping):
        return Brings(unknown="the lockfile is of npm 6, which does not list install scripts")
    return Brings(tuple(_packages(_npm_entries(entries))))


def _npm_entries(entries: Mapping[str, Any]) -> Iterator[tuple[str, bool]]:
    for location, entry in entries.items():
        if "node_modules/" not in location or entry.get("link") or not _is_for_linux(entry):
            continue
        name = str(entry.get("name") or location.rpartition("node_modules/")[2])
        needs = _HELPERS & {*entry.get("dependencies", ()), *entry.get("optionalDependencies", ())}
        yield name, not entry.get("hasInstallScript") and not needs


def _is_for_linux(entry: Mapping[str, Any]) -> bool:
    systems = entry.get("os")
    if not isinstance(systems, list):
        return True
    return "linux" in systems or all(str(each).startswith("!") for each in systems)


def _of_yarn(text: str) -> Iterator[tuple[str, bool]]:
    """Yields the entries of either lockfile: a heading that starts the line, and below it
    ``dependencies`` with one more step of indentation for each name."""
    name, needs = "", False
    for line in text.splitlines():
        if line[:1] not in ("", " ", "#"):
            if name:
                yield name, not needs
            match = _YARN_ENTRY.match(line)
            name = match[1] if match else ""
            needs = name in COMPILED
        elif (match := _YARN_DEPENDENCY.match(line)) is not None:
            needs = needs or match[1] in _HELPERS
    if name:
        yield name, not needs


def _of_pnpm(text: str) -> Iterator[tuple[str, bool]]:
    """Since version 9 the dependencies stand under ``snapshots``."""
    packages, snapshots = (read_section(text, key, "/") for key in ("packages", "snapshots"))
    for key, entry in [*packages.items(), *snapshots.items()]:
        match = _PNPM_KEY.fullmatch(str(key))
        if match is None or not _is_for_linux(entry or {}):
            continue
        needs = _HELPERS & {*(entry.get("dependencies") or ())} if entry else set()
        needs |= COMPILED & {match[1]}
        yield match[1], not needs and not (entry or {}).get("requiresBuild")
