"""What npm, yarn, pnpm and bun write: node_modules by the lockfile, and their caches."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from posixpath import join
from typing import Any

from optimizer.knowledge.amounts.amount import Amount, Setting
from optimizer.knowledge.amounts.measured import (
    NPM_CACHE,
    PER_NPM_DEPENDENCY,
    SMALL_NPM,
    npm_bytes,
)
from optimizer.knowledge.installs import Call, Files

_INSTALLS = frozenset(
    ("install", "i", "ci", "clean-install", "add", "install-clean", "isntall", "update")
)
_BY_LOCK = frozenset(("ci", "clean-install", "install-clean"))
_WITH_VALUE = frozenset(
    ("--omit", "--include", "--cache", "--registry", "--prefix", "--loglevel", "--filter", "-F",
     "--cwd", "--store-dir", "-w", "--workspace", "--network-timeout", "--cache-folder")
)  # fmt: skip
_PRODUCTION = frozenset(("--omit=dev", "--production", "--prod", "-P", "--only=production"))
_GLOBAL = frozenset(("-g", "--global", "--location=global"))
_CACHES = {"npm": "/root/.npm/_cacache", "yarn": "/usr/local/share/.cache/yarn"}
_MODULES = "node_modules"

# Keys of yarn.lock (both forms), pnpm-lock.yaml and bun.lock that name one package each.
_YARN_KEY = re.compile(r'^"?(?P<name>@?[^@\s"]+)@[^\n]*:[ \t]*$', re.MULTILINE)
_PNPM_KEY = re.compile(
    r"^  '?/?(?P<name>@?[^@\s'/]+(?:/[^@\s'/]+)?)[@/]\d[^:\n]*:[ \t]*$", re.MULTILINE
)
_BUN_KEY = re.compile(r'^ {4}"(?:[^"]+)": \["(?P<name>@?[^@"]+)@', re.MULTILINE)
_OTHER_LOCKS = (("yarn.lock", _YARN_KEY), ("pnpm-lock.yaml", _PNPM_KEY), ("bun.lock", _BUN_KEY))


def written(call: Call, files: Files, setting: Setting) -> Sequence[Amount] | None:
    """Returns what one command leaves, None where it is not one that installs."""
    words = _operands(call.words[1:])
    options = frozenset(word for word in call.words[1:] if word.startswith("-"))
    verb = words[0] if words else "install" if call.program in ("yarn", "yarnpkg") else ""
    if call.program == "corepack" or verb in ("config", "set", "cache", "pkg"):
        return ()
    folder = join(call.directory, _MODULES)
    production = bool(options & _PRODUCTION) or "dev" in _values(call.words, "--omit")
    production |= call.env.get("NODE_ENV") == "production" and "--include=dev" not in options
    if verb == "prune" and (production or call.program == "pnpm"):
        return _pruned(call, files, folder)
    if verb not in _INSTALLS:
        return None
    if options & _GLOBAL or words[:1] == ["global"]:
        return _named(words[1:], "/usr/local/lib/node_modules")
    named = [word for word in words[1:] if verb not in _BY_LOCK and not word.startswith((".", "/"))]
    if named:
        return _named(named, folder)
    installed = _installed(call.directory, files, production)
    return None if installed is None else [Amount(folder, installed), *_cache(call, installed)]


def _pruned(call: Call, files: Files, folder: str) -> Sequence[Amount]:
    return [Amount(folder, _installed(call.directory, files, production=True), adds=False)]


def _cache(call: Call, installed: int) -> Iterator[Amount]:
    folder = _CACHES.get(call.program)
    if folder is not None:
        yield Amount(folder, round(installed * NPM_CACHE))


def _named(packages: Sequence[str], folder: str) -> Sequence[Amount]:
    names = [re.sub(r"(?<=.)@.*", "", package) for package in packages]
    found = sum(npm_bytes(name) + SMALL_NPM * (PER_NPM_DEPENDENCY - 1) for name in names)
    return [Amount(folder, found)]


def _operands(words: Sequence[str]) -> list[str]:
    rest, found = iter(words), list[str]()
    for word in rest:
        if word in _WITH_VALUE:
            next(rest, None)
        elif not word.startswith("-"):
            found.append(word)
    return found


def _values(words: Sequence[str], option: str) -> list[str]:
    return [after for word, after in pairwise(words) if word == option]


def _installed(directory: str, files: Files, production: bool) -> int | None:
    """Returns the bytes that an install of the project in ``directory`` puts into node_modules."""
    for name in ("npm-shrinkwrap.json", "package-lock.json"):
        lock = _json(files, join(directory, name))
        if lock is not None:
            return sum(npm_bytes(package) for package in _in_npm_lock(lock, production))
    for name, key in _OTHER_LOCKS:
        content = files.read(join(directory, name))
        if content is not None:
            names = {match["name"] for match in key.finditer(content.decode("utf-8", "replace"))}
            return round(sum(map(npm_bytes, names)) * _share(directory, files, production))
    return _by_manifest(directory, files, production)


def _in_npm_lock(lock: Mapping[str, Any], production: bool) -> Iterator[str]:
    packages = lock.get("packages")
    if not isinstance(packages, dict):
        yield from _in_old_lock(lock.get("dependencies"), production)
        return
    for location, entry in packages.items():
        _, inside, name = location.rpartition(f"{_MODULES}/")
        if not inside or not isinstance(entry, dict) or entry.get("link"):
            continue
        left_out = production and (entry.get("dev") or entry.get("devOptional"))
        if not left_out and _fits(entry):
            yield name


def _in_old_lock(dependencies: object, production: bool) -> Iterator[str]:
    for name, entry in dependencies.items() if isinstance(dependencies, dict) else ():
        if isinstance(entry, dict) and not (production and entry.get("dev")):
            yield name


def _fits(entry: Mapping[str, Any]) -> bool:
    """Tells whether a package is one for Linux with glibc on amd64."""
    wanted = (("os", "linux"), ("cpu", "x64"), ("libc", "glibc"))
    return all(
        not isinstance(entry.get(field), list)
        or value in entry[field]
        or any(str(each).startswith("!") and each != f"!{value}" for each in entry[field])
        for field, value in wanted
    )


def _share(directory: str, files: Files, production: bool) -> float:
    """Returns which part of a lockfile's packages a production install takes, by the number of
    dependencies that package.json names of each kind."""
    if not production:
        return 1.0
    manifest = _json(files, join(directory, "package.json")) or {}
    kinds = [manifest.get(field) for field in ("dependencies", "devDependencies")]
    used, unused = (len(kind) if isinstance(kind, dict) else 0 for kind in kinds)
    return used / (used + unused) if used + unused else 1.0


def _by_manifest(directory: str, files: Files, production: bool) -> int | None:
    manifest = _json(files, join(directory, "package.json"))
    if manifest is None:
        return None
    fields = ["dependencies", "optionalDependencies", *([] if production else ["devDependencies"])]
    kinds = [manifest.get(field) for field in fields]
    names = {name for kind in kinds if isinstance(kind, dict) for name in kind}
    return sum(npm_bytes(name) + SMALL_NPM * (PER_NPM_DEPENDENCY - 1) for name in names)


def _json(files: Files, path: str) -> Mapping[str, Any] | None:
    content = files.read(path)
    try:
        data = json.loads(content) if content is not None else None
    except (ValueError, RecursionError):
        return None
    return data if isinstance(data, dict) else None
