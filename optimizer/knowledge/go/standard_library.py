"""What a Go program imports of the standard library, which has to be compiled in each fresh stage.

Since Go 1.20 no distribution of Go has its packages compiled any more (its release notes, "Go
command"); the images set GOTOOLCHAIN=local (docker-library/golang). What is compiled lies in the
build cache under the hash of all that went in (`go help cache`), so a build of the packages alone
leaves what a later build with the same flags takes, and nothing that another could take wrongly.
Tried with go 1.24: `go build net/http` needs no go.mod, and writes no program.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from posixpath import basename

from optimizer.knowledge.distribution.stored import lines
from optimizer.knowledge.go.modules import Command, read_command
from optimizer.knowledge.go.products import closure, is_at_least
from optimizer.knowledge.installs import HOLE, Call, Files, Obstacle
from optimizer.knowledge.manifests import resolve
from optimizer.knowledge.products import Made, Precompiled

MOST_NAMES = 25
"""Packages, at most, that one command names; more are left to the build."""

VARIABLES = (
    "GO*",
    "CGO_*",
    "CC",
    "CXX",
    "AR",
    "FC",
    "PKG_CONFIG*",
    "XDG_CACHE_HOME",
    "HOME",
    "PATH",
)
"""What decides how packages are compiled, and where that is kept (`go help environment`)."""

# `go help build`. What a package is compiled with, or which of its files:
_COMPILES = ("race", "msan", "asan", "trimpath", "tags", "buildmode")
# with a pattern of packages in front that holds for all of them:
_OF_ALL = ("gcflags", "asmflags")
# and what is of no matter to packages of the standard library: linking, output, modules.
_ELSEWHERE = frozenset(
    ("o", "ldflags", "v", "x", "p", "n", "mod", "modcacherw", "buildvcs", "C", "json", "work",
     "installsuffix", "gcflags", "asmflags")
)  # fmt: skip

_MODULES = re.compile(r"-{1,2}(?:mod|modfile|overlay)\b")
# Names that no build on Linux can be asked for, or that are none of packages.
_NOT_BUILT = frozenset(
    ("C", "unsafe", "syscall/js", "runtime/cgo", "runtime/race", "arena", "plugin")
)
_SYSTEMS = frozenset(
    ("aix", "android", "darwin", "dragonfly", "freebsd", "hurd", "illumos", "ios", "js", "linux",
     "nacl", "netbsd", "openbsd", "plan9", "solaris", "wasip1", "windows", "zos", "unix", "386",
     "amd64", "amd64p32", "arm", "armbe", "arm64", "arm64be", "loong64", "mips", "mipsle", "mips64",
     "mips64le", "mips64p32", "mips64p32le", "ppc", "ppc64", "ppc64le", "riscv", "riscv64", "s390",
     "s390x", "sparc", "sparc64", "wasm", "test")
)  # fmt: skip
"""internal/syslist: ends of file names that hold for some systems alone, and those of tests."""
_CONDITION = re.compile(rb"^//\s*(?:go:build|\+build)\b", re.MULTILINE)
_COMMENT = re.compile(rb"//[^\n]*|/\*.*?\*/", re.DOTALL)
_PACKAGE = re.compile(rb"^[ \t]*package[ \t]+\w+", re.MULTILINE)
_IMPORT = re.compile(rb"[\s;]*\bimport\b\s*(?:\((?P<several>[^)]*)\)|(?P<one>[^\n;]*))")
_PATH = re.compile(rb'"([^"\s]+)"|`([^`\s]+)`')


def precompiled(call: Call, made: Made) -> Precompiled | Obstacle | None:
    """Returns the command that compiles what ``call`` builds of the standard library. None:
    ``call`` builds nothing, or from an image that has the packages compiled or is not known to be
    one of Go. `Obstacle`: it builds, and compiles all of them each time."""
    if call.program != "go" or not is_at_least(made, 1, 20):
        return None
    command = read_command(call.words[1:])
    if command.verb not in ("build", "install") or any("@" in a for a in command.arguments):
        return None
    if "a" in command.options:
        return Obstacle(
            "compiles-all-again",
            f"`{' '.join(call.words[:2])} -a` compiles every package again, whatever was compiled.",
            "Take -a out: the Go command knows what is up to date since Go 1.10.",
        )
    flags = _flags(command, call.env)
    found = closure(call, made)
    if flags is None or found is None:
        return None
    directories = {path.rpartition("/")[0] for path in found}
    if any(made.files.kind(resolve(each, "default.pgo")) is not None for each in directories):
        # `go help build`, -pgo: the profile of a program counts for all packages of it.
        return None
    packages = _without_brought(_imported(made.files, found))
    return Precompiled(flags, packages, VARIABLES) if packages else None


def is_precompiling(call: Call) -> bool:
    """Tells whether ``call`` builds packages of the standard library alone."""
    if call.program != "go":
        return False
    command = read_command(call.words[1:])
    known = _needed()
    named = command.arguments
    all_known = all(each == "std" or each in known for each in named)
    return command.verb == "build" and bool(named) and all_known


def together(found: Sequence[Precompiled]) -> Precompiled:
    """Returns what builds with the same flags compile together."""
    packages = frozenset(name for each in found for name in each.packages)
    return replace(found[0], packages=_without_brought(packages))


def _flags(command: Command, env: Mapping[str, str]) -> tuple[str, ...] | None:
    """Returns the flags with which packages have to be compiled to be of use; None where that is
    not known."""
    if _MODULES.search(env.get("GOFLAGS", "")) or HOLE in env.get("GOFLAGS", ""):
        return None
    found: list[str] = []
    for name, value in command.options.items():
        if HOLE in value and name not in _ELSEWHERE:
            return None
        if name in _COMPILES:
            found.append(f"-{name}={shlex.quote(value)}" if value else f"-{name}")
        elif name in _OF_ALL and value.startswith("all="):
            if HOLE in value:
                return None
            found.append(f"-{name}={shlex.quote(value)}")
        elif name not in _ELSEWHERE:
            return None
    return tuple(found)


def _imported(files: Files, paths: Sequence[str]) -> frozenset[str]:
    """Returns the packages of the standard library that files import which hold for any system."""
    known = _needed()
    found: set[str] = set()
    for path in paths:
        parts = basename(path).removesuffix(".go").split("_")
        if parts[0] == "" or _SYSTEMS & {*parts[1:]} or path.endswith("_test.go"):
            continue
        content = files.read(path) or b""
        if not _CONDITION.search(content) and b'"C"' not in content:
            found.update(name for name in _names(content) if name in known)
    return frozenset(found - _NOT_BUILT)


def _names(content: bytes) -> Iterator[str]:
    """The Go specification, "Source file organization": imports follow the package clause."""
    text = _COMMENT.sub(b"", content)
    clause = _PACKAGE.search(text)
    at = clause.end() if clause is not None else len(text)
    while (match := _IMPORT.match(text, at)) is not None:
        at = match.end()
        for path in _PATH.finditer(match["several"] or match["one"] or b""):
            yield (path[1] or path[2]).decode("utf-8", "replace")


def _without_brought(packages: frozenset[str]) -> tuple[str, ...]:
    """Returns ``packages`` without those that others of them bring along."""
    brought = frozenset[str]().union(*map(_brought, packages))
    return tuple(sorted(packages - brought))[:MOST_NAMES]


@lru_cache(maxsize=1)
def _needed() -> Mapping[str, tuple[str, ...]]:
    """By package, what it needs of the others, without what one of these brings along."""
    rows = (line.split(" ") for line in lines("golang"))
    return {name: tuple(each for each in rest if each) for name, *rest in rows}


@lru_cache(maxsize=512)
def _brought(package: str) -> frozenset[str]:
    known = _needed()
    found: set[str] = set()
    waiting = [*known.get(package, ())]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += known.get(name, ())
    return frozenset(found)
