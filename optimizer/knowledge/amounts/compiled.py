"""What builds of Go, Rust, C and Java leave: programs, object files and downloaded modules."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from posixpath import join

from optimizer.knowledge.amounts.amount import Amount, Setting
from optimizer.knowledge.amounts.measured import (
    C_PROGRAM,
    CARGO_CRATE,
    CARGO_REGISTRY_CRATE,
    GO_CACHE,
    GO_MODULE,
    GO_PROGRAM,
    JAR,
    M2_DEPENDENCY,
    M2_PLUGINS,
    RUST_PROGRAM,
)
from optimizer.knowledge.installs import Call, Files

_GO_BUILDS = frozenset(("build", "install"))
_SUMMED = re.compile(r"^(?P<module>\S+ \S+?) h1:", re.MULTILINE)
_CRATE = re.compile(r"^\[\[package\]\]", re.MULTILINE)
_ARTIFACT = re.compile(r"<dependency>")


def written(call: Call, files: Files, setting: Setting) -> Sequence[Amount] | None:
    """Returns what one command leaves, None where it is not known."""
    program = call.program
    if program == "go":
        return _go(call, files)
    if program == "cargo":
        return _cargo(call, files)
    if program.startswith(("mvn", "gradle")):
        return list(_jvm(call, files))
    return [Amount(call.directory, C_PROGRAM)]


def _go(call: Call, files: Files) -> Sequence[Amount] | None:
    verb = call.words[1] if len(call.words) > 1 else ""
    modules = _count(files, join(call.directory, "go.sum"), _SUMMED)
    downloads = Amount(_gopath(call) + "/pkg/mod", modules * GO_MODULE)
    if verb in ("mod", "get"):
        return [downloads]
    if verb not in _GO_BUILDS:
        return () if verb in ("version", "env", "vet", "clean", "fmt") else None
    return [_go_program(call, verb), Amount("/root/.cache/go-build", GO_CACHE), downloads]


def _go_program(call: Call, verb: str) -> Amount:
    if verb == "install":
        return Amount(_gopath(call) + "/bin", GO_PROGRAM)
    for word, after in pairwise(call.words):
        if word == "-o":
            return Amount(_absolute(call, after), GO_PROGRAM)
    return Amount(call.directory, GO_PROGRAM)


def _gopath(call: Call) -> str:
    return call.env.get("GOPATH", "/go").rstrip("/")


def _cargo(call: Call, files: Files) -> Sequence[Amount] | None:
    verb = call.words[1] if len(call.words) > 1 else ""
    crates = max(_count(files, join(call.directory, "Cargo.lock"), _CRATE), 1)
    registry = Amount("/usr/local/cargo/registry", crates * CARGO_REGISTRY_CRATE)
    if verb == "fetch":
        return [registry]
    if verb not in ("build", "install", "rustc"):
        return None
    folder = "release" if {"--release", "-r"} & set(call.words) or verb == "install" else "debug"
    target = join(call.directory, "target", folder)
    made = "/usr/local/cargo/bin" if verb == "install" else f"{target}/program"
    return [Amount(f"{target}/deps", crates * CARGO_CRATE), Amount(made, RUST_PROGRAM), registry]


def _jvm(call: Call, files: Files) -> Iterator[Amount]:
    """Plugins are the larger part of what a first build downloads."""
    dependencies = _count(files, join(call.directory, "pom.xml"), _ARTIFACT)
    folder = "/root/.m2" if call.program.startswith("mvn") else "/root/.gradle"
    yield Amount(folder, M2_PLUGINS + dependencies * M2_DEPENDENCY)
    made = "target" if call.program.startswith("mvn") else "build"
    yield Amount(join(call.directory, made), JAR + dependencies * M2_DEPENDENCY)


def _count(files: Files, path: str, pattern: re.Pattern[str]) -> int:
    content = files.read(path)
    if content is None:
        return 0
    return sum(1 for _ in pattern.finditer(content.decode("utf-8", "replace")))


def _absolute(call: Call, path: str) -> str:
    return join(call.directory, path)
