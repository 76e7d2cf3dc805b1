"""What pip, uv, poetry, pipenv and pdm write: site-packages, by requirements or lockfile."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from posixpath import join
from typing import Any

from optimizer.knowledge.amounts.amount import Amount, Setting
from optimizer.knowledge.amounts.measured import (
    PER_PYPI_REQUIREMENT,
    PIP_CACHE,
    SMALL_PYPI,
    pypi_bytes,
)
from optimizer.knowledge.installs import Call, Files

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_FILE = ("-r", "--requirement", "--requirements")
_WITH_VALUE = frozenset(
    ("-c", "--constraint", "-t", "--target", "--prefix", "-i", "--index-url", "--extra-index-url",
     "-f", "--find-links", "--no-binary", "--only-binary", "--trusted-host", "--timeout",
     "--python", "-p", "--progress-bar", "--root-user-action")
)  # fmt: skip
_MOST_FILES = 20
_LOCKS = ("uv.lock", "poetry.lock", "pdm.lock", "pylock.toml")
_SITE = "/usr/local/lib"
"""Where packages land for an interpreter that is in no virtual environment: below it."""


def written(call: Call, files: Files, setting: Setting) -> Sequence[Amount] | None:
    """Returns what one command leaves, None where it is not one that installs."""
    words = list(call.words[1:])
    program = call.program
    if program.startswith(("python", "pypy")):
        if words[:1] != ["-m"] or words[1:2] not in (["pip"], ["venv"], ["virtualenv"]):
            return None
        program, words = words[1], words[2:]
    if program in ("venv", "virtualenv"):
        return _environment(call, words)
    if program == "uv" and words[:1] == ["pip"]:
        program, words = "uv pip", words[1:]
    verb = next((word for word in words if not word.startswith("-")), "")
    if (program.startswith("pip") and program != "pipenv") or program == "uv pip":
        if verb != "install":
            return () if verb in ("cache", "config", "list", "check", "--version") else None
        return _pip(call, words[words.index("install") + 1 :], files, program)
    if verb in ("install", "sync"):
        return _locked(call, files, program)
    return None


def _environment(call: Call, words: Sequence[str]) -> Sequence[Amount]:
    """A virtual environment has a copy of pip in it."""
    operands = [word for word in words if not word.startswith("-")]
    return [Amount(_absolute(call, operand), pypi_bytes("pip")) for operand in operands[:1]]


def _pip(call: Call, words: Sequence[str], files: Files, program: str) -> Sequence[Amount]:
    names, rest = set[str](), iter(words)
    no_cache = call.env.get("PIP_NO_CACHE_DIR") or "--no-cache-dir" in words
    target = _SITE
    for word in rest:
        option, _, value = word.partition("=")
        if option in _FILE:
            names.update(_in_file(_absolute(call, value or next(rest, "")), files))
        elif option in ("-t", "--target", "--prefix"):
            target = _absolute(call, value or next(rest, ""))
        elif option in _WITH_VALUE:
            _ = value or next(rest, "")
        elif not word.startswith("-") and (match := _NAME.match(word)) and "/" not in word:
            names.add(_normal(match[0]))
    installed = round(sum(map(pypi_bytes, names)) + _others(len(names)))
    folder = _home(call) or target
    cache = [] if no_cache or program == "uv pip" else _cache(installed)
    return [Amount(folder, installed), *cache]


def _cache(installed: int) -> list[Amount]:
    return [Amount("/root/.cache/pip", round(installed * PIP_CACHE))]


def _others(named: int) -> float:
    """Returns the bytes of the packages that come with ``named`` ones without being named."""
    return SMALL_PYPI * (PER_PYPI_REQUIREMENT - 1) * named


def _in_file(path: str, files: Files) -> Iterator[str]:
    """Yields the names in a requirements file and those that it includes."""
    waiting, seen = [path], set[str]()
    while waiting and len(seen) < _MOST_FILES:
        path = waiting.pop()
        content = files.read(path)
        if content is None or path in seen:
            continue
        seen.add(path)
        for line in content.decode("utf-8", "replace").splitlines():
            words = line.split("#")[0].split()
            if words[:1] and words[0] in _FILE and len(words) > 1:
                waiting.append(f"{path.rpartition('/')[0]}/{words[1]}")
            elif words and (match := _NAME.match(words[0])):
                yield _normal(match[0])


def _locked(call: Call, files: Files, program: str) -> Sequence[Amount] | None:
    """Reads the lockfile beside the project, whose packages are all of those that come."""
    for name in _LOCKS:
        content = files.read(join(call.directory, name))
        if content is not None:
            names = list(_in_lock(content))
            break
    else:
        return None
    folder = _home(call) or (join(call.directory, ".venv") if program in ("uv", "pdm") else _SITE)
    return [Amount(folder, sum(map(pypi_bytes, names)))]


def _in_lock(content: bytes) -> Iterator[str]:
    import tomllib

    try:
        data: dict[str, Any] = tomllib.loads(content.decode("utf-8", "replace"))
    except (tomllib.TOMLDecodeError, RecursionError):
        return
    packages = data.get("package", data.get("packages"))
    for entry in packages if isinstance(packages, list) else ():
        if isinstance(entry, dict) and isinstance(entry.get("name"), str):
            yield _normal(entry["name"])


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _home(call: Call) -> str | None:
    """Returns the virtual environment that a command installs into, if any."""
    program = call.words[0]
    if program.startswith("/") and program.count("/bin/") and not program.startswith("/usr/"):
        return program.partition("/bin/")[0]
    for name in ("VIRTUAL_ENV", "UV_PROJECT_ENVIRONMENT"):
        if call.env.get(name, "").startswith("/"):
            return call.env[name].rstrip("/")
    first = call.env.get("PATH", "").split(":")[0]
    named = re.fullmatch(r"(/(?!usr/|s?bin\b)\S*)/bin", first)
    return named[1] if named else None


def _absolute(call: Call, path: str) -> str:
    return join(call.directory, path)
