"""What a Go build compiles of the standard library, and the Go command itself on that."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from optimizer.knowledge.go.standard_library import is_precompiling, precompiled, together
from optimizer.knowledge.installs import Call, Obstacle
from optimizer.knowledge.products import Made, Precompiled
from optimizer.knowledge.running import Running
from tests.knowledge.conftest import MemoryFiles
from tests.knowledge.test_real_clients import DiskFiles

MOD = "module example.com/app\n\ngo 1.21\n"
SERVER = """package main

import (
\t"fmt" // "debug/elf" is none
\tlogger "log"
\t"net/http"
\t_ `embed`

\t"example.com/app/internal/words"
)

/* import "debug/pe" */

func main() {
\thttp.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, words.All()) })
\tlogger.Fatal(http.ListenAndServe(":80", nil))
}
"""
WORDS = 'package words\n\nimport "encoding/csv"\n\nfunc All() any { return csv.ErrQuote }\n'
FILES = {"go.mod": MOD, "main.go": SERVER, "internal/words/words.go": WORDS}


def asked(
    command: str, files: dict[str, str] = FILES, tag: str = "1.24", env: Any = None
) -> Precompiled | Obstacle | None:
    at = MemoryFiles({f"/app/{name}": content for name, content in files.items()})
    made = Made(("golang", tag), at, Running())
    return precompiled(Call(tuple(command.split()), "/app", env or {}), made)


def test_packages_that_others_bring_are_not_named() -> None:
    answer = asked("go build -o /server .")

    assert isinstance(answer, Precompiled)
    assert answer.packages == ("embed", "encoding/csv", "net/http")
    assert answer.flags == ()


@pytest.mark.parametrize(
    ("command", "flags"),
    [
        ("go build -trimpath -ldflags=-s -o x", ("-trimpath",)),
        ("go install -race -v ./...", ("-race",)),
        ("go build -tags netgo,osusergo -buildvcs=false .", ("-tags=netgo,osusergo",)),
        ("go build -gcflags=all=-N .", ("-gcflags=all=-N",)),
        ("go build -gcflags=-N -mod=readonly .", ()),
        ("go build -buildmode=pie main.go", ("-buildmode=pie",)),
    ],
)
def test_flags_that_count_for_all_packages_are_said_again(
    command: str, flags: tuple[str, ...]
) -> None:
    answer = asked(command)

    assert isinstance(answer, Precompiled)
    assert answer.flags == flags


@pytest.mark.parametrize(
    ("command", "tag", "env"),
    [
        ("go build .", "1.19", {}),
        ("go build .", "1.17-alpine", {}),
        ("go test ./...", "1.24", {}),
        ("go install h.c/tool@latest", "1.24", {}),
        ("go build ./missing", "1.24", {}),
        ("go build -toolexec x .", "1.24", {}),
        ("go build -overlay x .", "1.24", {}),
        ("go build .", "1.24", {"GOFLAGS": "-mod=vendor"}),
        ("go build .", "1.24", {"GOFLAGS": "-v -modfile=other.mod"}),
    ],
)
def test_nothing_is_said_of_other_builds(command: str, tag: str, env: dict[str, str]) -> None:
    assert asked(command, tag=tag, env=env) is None


@pytest.mark.parametrize(
    "files",
    [
        {"x_windows.go": 'package main\n\nimport _ "debug/elf"\n'},
        {"x_linux_arm64.go": 'package main\n\nimport _ "debug/elf"\n'},
        {"x_test.go": 'package main\n\nimport _ "debug/elf"\n'},
        {"_x.go": 'package main\n\nimport _ "debug/elf"\n'},
        {"x.go": '//go:build windows\n\npackage main\n\nimport _ "debug/elf"\n'},
        {"x.go": '// +build windows\n\npackage main\n\nimport _ "debug/elf"\n'},
        {"x.go": 'package main\n\nimport "C"\nimport _ "debug/elf"\n'},
        {"x.go": 'package main\n\nimport _ "syscall/js"\n'},
        {"internal/other/x.go": 'package other\n\nimport _ "debug/elf"\n'},
        {"x.go": 'package main\n\nvar s = `\nimport "debug/elf"`\n'},
    ],
)
def test_files_for_some_systems_count_for_nothing(files: dict[str, str]) -> None:
    answer = asked("go build .", {**FILES, **files})

    assert isinstance(answer, Precompiled)
    assert answer.packages == ("embed", "encoding/csv", "net/http")


def test_a_profile_counts_for_all_packages() -> None:
    assert asked("go build .", {**FILES, "default.pgo": "x"}) is None


def test_a_build_that_compiles_all_again_is_named() -> None:
    answer = asked("go build -a -installsuffix cgo .")

    assert isinstance(answer, Obstacle)
    assert answer.code == "compiles-all-again"


def test_several_builds_name_each_package_once() -> None:
    one = Precompiled((), ("fmt", "os"), ())
    other = Precompiled((), ("net/http", "time/tzdata"), ())

    assert together([one, other]).packages == ("net/http", "time/tzdata")


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        ("go build net/http", True),
        ("go build -trimpath std", True),
        ("go build net/http ./...", False),
        ("go build", False),
        ("go install net/http", False),
        ("go build github.com/x/y", False),
    ],
)
def test_a_step_that_compiles_it_is_known(command: str, answer: bool) -> None:
    assert is_precompiling(Call(tuple(command.split()), "/app", {})) is answer


class Go:
    """The machine's Go command with a build cache of its own."""

    def __init__(self, base: Path) -> None:
        self.env = {
            "PATH": os.environ["PATH"], "HOME": str(base / "home"), "GOTOOLCHAIN": "local",
            "GOFLAGS": "-buildvcs=false", "GOPROXY": "off",
        }  # fmt: skip

    def run(self, *words: str, cwd: Path) -> str:
        done = subprocess.run(
            ["go", *words], cwd=cwd, env=self.env, check=True, capture_output=True, text=True
        )
        return done.stderr


@pytest.mark.clients
def test_the_build_finds_what_was_compiled_and_makes_the_same(tmp_path: Path) -> None:
    if shutil.which("go") is None:
        pytest.skip("go is not installed")
    app, empty = tmp_path / "app", tmp_path / "empty"
    empty.mkdir()
    for name, content in FILES.items():
        (app / name).parent.mkdir(parents=True, exist_ok=True)
        (app / name).write_text(content)
    build = ("go", "build", "-trimpath", "-tags=netgo", "-ldflags=-s")
    made = Made(("golang", "latest"), DiskFiles(str(app)), Running())
    answer = precompiled(Call(build, str(app), {}), made)
    assert isinstance(answer, Precompiled)
    behind, alone = Go(tmp_path / "behind"), Go(tmp_path / "alone")

    # Where no go.mod is, as above the sources of a project without modules of others.
    behind.run("build", *answer.flags, *answer.packages, cwd=empty)
    compiled = behind.run(*build[1:], "-v", "-o", "../behind/server", cwd=app)
    alone.run(*build[1:], "-o", "../alone/server", cwd=app)

    assert compiled.split() == ["example.com/app/internal/words", "example.com/app"]
    assert not list(empty.iterdir())
    programs = [(tmp_path / name / "server").read_bytes() for name in ("behind", "alone")]
    assert programs[0] == programs[1]
