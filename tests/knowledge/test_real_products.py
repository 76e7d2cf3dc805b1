"""Compilers and build tools themselves: the programs that dockopt says they leave are those that
they leave, and are linked as it says."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from elftools.elf.dynamic import DynamicSection
from elftools.elf.elffile import ELFFile

from optimizer.knowledge.installs import Call
from optimizer.knowledge.producers import product
from optimizer.knowledge.products import Made, Product
from optimizer.knowledge.running import Running
from tests.knowledge.test_real_clients import DiskFiles, program


@dataclass
class Project:
    """A directory that builds run in, and what was said and done so far."""

    base: Path
    env: dict[str, str]
    image: tuple[str, str] | None = None
    calls: list[Call] = field(default_factory=list)

    @property
    def app(self) -> Path:
        return self.base / "app"

    def fill(self, files: Mapping[str, str]) -> None:
        for name, text in files.items():
            path = self.app / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    def build(self, command: str, where: str = ".", **env: str) -> Product:
        """Asks what ``command`` leaves, then runs it."""
        words = tuple(word.replace("BASE", str(self.base)) for word in shlex.split(command))
        directory = os.path.normpath(self.app / where)
        call = Call(words, directory, {**self.env, **env})
        state = Made(self.image, DiskFiles(str(self.app)), Running(), before=tuple(self.calls))
        found = product(call, state)
        assert isinstance(found, Product), found
        done = subprocess.run(
            words, cwd=directory, env={**self.env, **env}, timeout=300, text=True,
            capture_output=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        self.calls.append(call)
        return found

    def programs(self) -> set[str]:
        """Returns the programs and shared libraries below the directory, by their first bytes."""
        found = set()
        for path in self.base.rglob("*"):
            if path.is_file() and path.read_bytes()[:4] == b"\x7fELF" and _runs(path):
                found.add(str(path))
        return found


def _runs(path: Path) -> bool:
    """Tells whether a file is linked, and no part of a later link."""
    hidden = {"deps", "build", "examples", "incremental", "CMakeFiles"}
    with path.open("rb") as stream:
        return ELFFile(stream)["e_type"] in ("ET_EXEC", "ET_DYN") and not hidden & {*path.parts}


def is_loaded(path: str) -> bool:
    """Tells whether a program asks for a loader."""
    with Path(path).open("rb") as stream:
        return any(part["p_type"] == "PT_INTERP" for part in ELFFile(stream).iter_segments())


def inside(paths: Iterable[str], project: Project) -> set[str]:
    return {os.path.relpath(path, project.base) for path in paths}


def law(project: Project, found: Product) -> None:
    """All that is named is there; all programs that are there are named."""
    assert all(Path(path).exists() for path in found.keeps), found.keeps
    assert inside(project.programs(), project) <= inside(found.keeps, project)
    loaded = [is_loaded(path) or path.endswith(".so") for path in found.keeps]
    assert found.linking != "static" or not any(loaded)
    assert found.linking != "dynamic" or not loaded or any(loaded)


GO_MAIN = 'package main\n\nimport "fmt"\n\nfunc main() { fmt.Println("x") }\n'
GO_NET = 'package main\n\nimport "net"\n\nfunc main() { net.LookupHost("x") }\n'
GO = {
    "go.mod": "module ex.com/shop/v2\n\ngo 1.19\n",
    "main.go": GO_NET,
    "main_test.go": "package main\n",
    "gen.go": "//go:build ignore\n\npackage other\n\nfunc main() {}\n",
    "cmd/api/main.go": GO_NET,
    "srv/v3/main.go": GO_MAIN,
    "lib/lib.go": "package lib\n",
    "testdata/x/main.go": GO_MAIN,
    "nested/go.mod": "module ex.com/nested\n\ngo 1.19\n",
    "nested/main.go": GO_MAIN,
}


@pytest.fixture
def go(tmp_path: Path) -> Project:
    program("go")
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    cache = base / "dockopt-clients" / "go-build"
    project = Project(
        tmp_path,
        {"PATH": os.environ["PATH"], "HOME": str(tmp_path / "home"), "GOCACHE": str(cache),
         "GOPATH": str(tmp_path / "gopath"), "GOFLAGS": "-mod=mod -buildvcs=false",
         "GOTOOLCHAIN": "local"},
        ("golang", "1.22"),
    )  # fmt: skip
    project.fill(GO)
    return project


@pytest.mark.parametrize(
    ("command", "where"),
    [
        ("go build", "."),
        ("go build -o server", "."),
        ("go build -o BASE/out/ ./...", "."),
        ("go build ../srv/v3", "lib"),
        ("go build", "cmd/api"),
        ("go build ex.com/shop/v2/cmd/api", "lib"),
        ("go build ./...", "."),
        ("go build ./cmd/...", "."),
        ("go build main.go", "."),
        ("go build -C cmd/api -o ../x", "."),
        ("go install ./...", "."),
        ("go install", "nested"),
        ("go vet ./cmd/...", "."),
    ],
)
def test_go(go: Project, command: str, where: str) -> None:
    law(go, go.build(command, where))


@pytest.mark.parametrize(
    ("flags", "cgo"),
    [
        ("", "0"),
        ("-buildmode=pie", "0"),
        ("-ldflags '-extldflags \"-static\"'", None),
        ("-tags netgo,osusergo -ldflags '-linkmode external -extldflags \"-static\"'", None),
    ],
)
def test_go_links_as_it_is_told(go: Project, flags: str, cgo: str | None) -> None:
    program("gcc")
    env = {} if cgo is None else {"CGO_ENABLED": cgo}
    law(go, go.build(f"go build -o x {flags} ./cmd/api", **env))


RUST_PACKAGE = '[package]\nname = "{}"\nversion = "0.1.0"\nedition = "2021"\n'
RUST = {
    "Cargo.toml": RUST_PACKAGE.format("my-shop")
    + '[features]\ndefault = ["mail"]\nmail = []\nadmin = []\n'
    + '[[bin]]\nname = "mailer"\nrequired-features = ["mail"]\n'
    + '[[bin]]\nname = "admin"\npath = "src/admin.rs"\nrequired-features = ["admin"]\n'
    + '[workspace]\nmembers = ["crates/*"]\n',
    "src/main.rs": "fn main() {}",
    "src/admin.rs": "fn main() {}",
    "src/bin/mailer.rs": "fn main() {}",
    "src/bin/worker/main.rs": "fn main() {}",
    "crates/cli/Cargo.toml": RUST_PACKAGE.format("cli"),
    "crates/cli/src/main.rs": "fn main() {}",
    "crates/core/Cargo.toml": RUST_PACKAGE.format("core-lib")
    + '[lib]\ncrate-type = ["rlib", "cdylib"]\n',
    "crates/core/src/lib.rs": "",
}


@pytest.fixture
def cargo(tmp_path: Path) -> Project:
    asked = shutil.which("cargo") and subprocess.run(
        ["cargo", "--version"], capture_output=True, check=False
    )
    if not asked or asked.returncode:
        pytest.skip("cargo is not installed")
    rustup = os.environ.get("RUSTUP_HOME") or str(Path.home() / ".rustup")
    project = Project(
        tmp_path,
        {"PATH": os.environ["PATH"], "HOME": str(tmp_path / "home"), "RUSTUP_HOME": rustup,
         "CARGO_HOME": str(tmp_path / "cargo"), "CARGO_NET_OFFLINE": "true"},
        ("rust", "1.80"),
    )  # fmt: skip
    project.fill(RUST)
    return project


@pytest.mark.parametrize(
    ("command", "where"),
    [
        ("cargo build --release", "."),
        ("cargo build", "crates/cli"),
        ("cargo build --workspace --exclude my-shop", "."),
        ("cargo build -p cli -p core-lib", "."),
        ("cargo build --bin worker --target-dir BASE/t", "."),
        ("cargo build --features admin --no-default-features", "."),
        ("cargo build --profile=bench", "."),
        ("cargo install --path . --offline --root BASE/opt --target-dir BASE/build", "."),
        ("cargo install --path crates/cli --offline --target-dir BASE/build", "."),
        ("cargo check", "."),
    ],
)
def test_cargo(cargo: Project, command: str, where: str) -> None:
    law(cargo, cargo.build(command, where))


C = {
    "main.c": "int f(void); int main(void) { return f(); }\n",
    "f.c": "int f(void) { return 0; }\n",
    "Makefile": "PREFIX ?= /usr/local\nall: tool util\n\ntool: main.o f.o\n\t$(CC) -o $@ $^\n\n"
    "main.o f.o: Makefile\n\nutil: main.c f.c\n\t$(CC) $(LDFLAGS) -o util main.c f.c\n\n"
    "install: tool\n\tmkdir -p $(DESTDIR)$(PREFIX)/bin\n"
    "\tinstall -m 755 tool $(DESTDIR)$(PREFIX)/bin\n\tcp util $(DESTDIR)$(PREFIX)/bin/renamed\n",
    "CMakeLists.txt": "cmake_minimum_required(VERSION 3.10)\nproject(shop C)\n"
    "include(GNUInstallDirs)\nadd_library(f SHARED f.c)\nadd_executable(shop main.c)\n"
    "target_link_libraries(shop f)\ninstall(TARGETS shop f\n  LIBRARY DESTINATION lib/shop)\n"
    "install(FILES main.c RENAME shop.conf DESTINATION ${CMAKE_INSTALL_SYSCONFDIR})\n"
    "install(DIRECTORY data DESTINATION share/shop)\n"
    "install(DIRECTORY data/ DESTINATION share/flat)\n",
    "data/a.txt": "",
}


@pytest.fixture
def c(tmp_path: Path) -> Project:
    for name in ("gcc", "make"):
        program(name)
    project = Project(tmp_path, {"PATH": os.environ["PATH"], "HOME": str(tmp_path)})
    project.fill(C)
    return project


@pytest.mark.parametrize(
    "command",
    ["make", "make -j2 util", "make LDFLAGS=-static util", "gcc main.c f.c",
     "gcc -static -o x main.c f.c", "gcc -shared -fPIC -o libf.so f.c", "gcc -c main.c f.c"],
)  # fmt: skip
def test_make_and_the_compiler(c: Project, command: str) -> None:
    law(c, c.build(command))


PLAIN_C = {
    "main.c": "#include <math.h>\n#include <pthread.h>\n#include <stdio.h>\n"
    "static void *f(void *x) { return x; }\n"
    "int main(int n, char **v) { pthread_t t; (void)v; pthread_create(&t, 0, f, 0);\n"
    'return printf("%f", sqrt(n)) < 0; }\n',
}


@pytest.mark.parametrize(
    "options",
    ["-O2 -g -Wall -Wextra", "-pthread -std=c11 -pedantic", "-fPIE -pie -fstack-protector-strong",
     "-flto -fno-plt -march=native", "-Wl,--gc-sections -Wl,-z,relro -Wl,-z,now -s",
     "-ffunction-sections -fdata-sections -fvisibility=hidden -DX=1 -I.", "-lrt -lresolv -lutil",
     "-lz", "-lstdc++ -Wl,--no-as-needed", "-fopenmp", "-fsanitize=address"],
)  # fmt: skip
def test_c_library_alone(c: Project, options: str) -> None:
    shutil.rmtree(c.app)
    c.fill(PLAIN_C)
    found = c.build(f"gcc -o x main.c {options} -lm")
    needed = {name.split(".so")[0] for name in shared(found.keeps[0])}
    is_plain = not options.startswith(("-lz", "-lstdc", "-fopenmp", "-fsanitize"))
    assert found.needs_libc_alone is is_plain
    assert not is_plain or needed <= LIBC


LIBC = {"ld-linux-aarch64", "ld-linux-x86-64", "libc", "libm", "libpthread", "libresolv", "librt",
        "libutil"}  # fmt: skip
"""Libraries of Debian's libc6 (its list of files)."""


def shared(path: str) -> set[str]:
    """Returns the shared libraries that a program asks for."""
    with Path(path).open("rb") as stream:
        section = ELFFile(stream).get_section_by_name(".dynamic")
        assert isinstance(section, DynamicSection)
        tags: Any = section.iter_tags("DT_NEEDED")
        return {str(tag.needed) for tag in tags}


def test_make_install(c: Project) -> None:
    c.build("make")
    found = c.build("make install DESTDIR=BASE/out PREFIX=/opt")

    assert inside(found.keeps, c) == {"out/opt/bin/tool", "out/opt/bin/renamed"}
    assert all(Path(path).exists() for path in found.keeps)


def test_cmake(c: Project) -> None:
    program("cmake")
    c.build("cmake -S . -B BASE/b -DCMAKE_INSTALL_PREFIX=BASE/opt")
    linked = c.build("cmake --build BASE/b")
    assert all(Path(path).exists() for path in linked.keeps)
    assert inside(c.programs(), c) == inside(linked.keeps, c)

    for command in ("cmake --install BASE/b", "make -C BASE/b install"):
        shutil.rmtree(c.base / "opt", ignore_errors=True)
        found = c.build(command)
        files = {path for path in (c.base / "opt").rglob("*") if path.is_file()}
        assert all(Path(path).exists() for path in found.keeps)
        assert {f for f in files if not any(Path(k) in (f, *f.parents) for k in found.keeps)} == (
            set()
        )


def test_javac_and_jar(tmp_path: Path) -> None:
    program("javac")
    project = Project(tmp_path, {"PATH": os.environ["PATH"], "HOME": str(tmp_path)})
    project.fill({"src/a/Main.java": "package a; class Main { class Inner {} }"})
    classes = project.build("javac -d out src/a/Main.java")
    beside = project.build("javac src/a/Main.java")
    archive = project.build("jar cfe shop.jar a.Main -C out .")

    found = {str(path) for path in project.base.rglob("*") if path.suffix in (".class", ".jar")}
    kept = [Path(path) for each in (classes, beside, archive) for path in each.keeps]
    assert all(path.exists() for path in kept)
    assert all(any(k in (Path(f), *Path(f).parents) for k in kept) for f in found)
