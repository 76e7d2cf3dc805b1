"""cargo itself: what dockopt says a download reads is enough, and needed.

No test here needs a registry: the packages lie in the workspace, and one in a git repository
beside it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest

from optimizer.knowledge.installs import Call, Inputs, Install
from optimizer.knowledge.rust import cargo
from tests.knowledge.test_real_clients import DiskFiles

FEED = '[package]\nname = "feed"\nversion = "1.2.0"\nedition = "2021"\n[lib]\npath = "l.rs"\n'


def package(name: str, more: str = "") -> str:
    return f'[package]\nname = "{name}"\nversion = "0.1.0"\nedition = "2021"\n{more}'


def _answers(program: str) -> bool:
    asked = subprocess.run([program, "--version"], capture_output=True, check=False)
    return asked.returncode == 0


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A package in a git repository."""
    for program in ("cargo", "git"):
        # rustup's cargo is there, and no use, where no toolchain is set up for the user.
        if shutil.which(program) is None or not _answers(program):
            pytest.skip(f"{program} is not installed")
    here = tmp_path_factory.mktemp("feed")
    (here / "Cargo.toml").write_text(FEED)
    (here / "l.rs").write_text("")
    who = ["-c", "user.name=a", "-c", "user.email=a@b"]
    for words in (["init", "-q"], ["add", "."], [*who, "commit", "-q", "-m", "x"]):
        subprocess.run(["git", *words], cwd=here, check=True, capture_output=True)
    return here


class Project:
    """A project directory in which cargo runs."""

    def __init__(self, base: Path, repository: Path) -> None:
        self.app, self.repository = base / "app", repository
        self.home = base / "home"
        self.env = {
            "PATH": os.environ["PATH"], "HOME": str(self.home),
            "CARGO_HOME": str(base / "cargo"),
            **{name: os.environ[name] for name in ("RUSTUP_HOME",) if name in os.environ},
        }  # fmt: skip
        if "RUSTUP_HOME" not in self.env:
            self.env["RUSTUP_HOME"] = str(Path.home() / ".rustup")

    def fill(self, files: Mapping[str, str], only: Iterable[str] | None = None) -> None:
        shutil.rmtree(self.app, ignore_errors=True)
        kept = None if only is None else set(only)
        for name, text in files.items():
            path = Path(os.path.normpath(self.app / name))
            if kept is None or str(path) in kept:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text.replace("FEED", self.repository.as_uri()))
        self.app.mkdir(exist_ok=True)

    def run(self, command: str, where: str = ".") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command.split(), cwd=self.app / where, env=self.env, timeout=120,
            capture_output=True, text=True, check=False,
        )  # fmt: skip

    def locked(self, files: Mapping[str, str]) -> dict[str, str]:
        """Returns ``files`` with the lockfile that cargo writes for them."""
        self.fill(files)
        done = self.run("cargo generate-lockfile")
        assert done.returncode == 0, done.stderr
        return {**files, "Cargo.lock": (self.app / "Cargo.lock").read_text()}

    def ask(self, command: str) -> Inputs:
        install = cargo.recognise(Call(tuple(command.split()), str(self.app), self.env))
        assert isinstance(install, Install)
        answer = cargo.inputs(install, DiskFiles(str(self.app.parent)))
        assert isinstance(answer, Inputs), answer
        return answer


@pytest.fixture
def project(tmp_path: Path, repository: Path) -> Project:
    return Project(tmp_path, repository)


DEPENDS = '[dependencies]\nfeed = { git = "FEED" }\n'

PROJECTS: Mapping[str, Mapping[str, str]] = {
    "a program": {
        "Cargo.toml": package("app", DEPENDS),
        "src/main.rs": "fn main() {}\n",
        "src/other.rs": "",
        "README.md": "",
        "build.rs": "fn main() {}\n",
    },
    "named targets": {
        "Cargo.toml": package(
            "app",
            DEPENDS + '[[bin]]\nname = "app"\npath = "src/main.rs"\n'
            '[[bench]]\nname = "speed"\nharness = false\n',
        ),
        "src/main.rs": "fn main() {}\n",
        "benches/speed.rs": "",
        "benches/other.rs": "",
    },
    "a library, links and a program to run": {
        "Cargo.toml": package(
            "app", 'links = "z"\ndefault-run = "tool"\n' + DEPENDS + "[lib]\ndoctest = false\n"
        ),
        "build.rs": "fn main() {}\n",
        "src/lib.rs": "",
        "src/bin/tool/main.rs": "fn main() {}\n",
        "src/bin/second.rs": "fn main() {}\n",
    },
    "examples alone": {"Cargo.toml": package("app", DEPENDS), "examples/e.rs": "fn main() {}\n"},
    "a workspace": {
        "Cargo.toml": '[workspace]\nresolver = "2"\nmembers = ["crates/*", "tools/[ab]"]\n'
        'exclude = ["crates/old"]\n[workspace.dependencies]\nshared = { path = "shared" }\n'
        'feed = { git = "FEED" }\n',
        "crates/one/Cargo.toml": package(
            "one", "[dependencies]\nshared.workspace = true\nfeed.workspace = true\n"
        ),
        "crates/one/src/main.rs": "fn main() {}\n",
        "crates/two/Cargo.toml": package(
            "two", '[target."cfg(windows)".dev-dependencies]\nlocal = { path = "../../local" }\n'
        ),
        "crates/two/src/lib.rs": "",
        "crates/old/Cargo.toml": package("old", '[dependencies]\nx = { path = "gone" }\n'),
        "crates/old/src/lib.rs": "",
        "tools/a/Cargo.toml": package("a"),
        "tools/a/src/lib.rs": "",
        "tools/c/Cargo.toml": "no package",
        "shared/Cargo.toml": package("shared"),
        "shared/src/lib.rs": "",
        "local/Cargo.toml": package("local"),
        "local/src/lib.rs": "",
    },
    "a member that is only depended on": {
        "Cargo.toml": package(
            "app", DEPENDS + 'inner = { path = "inner", optional = true }\n[workspace]\n'
        ),
        "src/main.rs": "fn main() {}\n",
        "inner/Cargo.toml": package("inner", '[dev-dependencies]\ndeep = { path = "../deep" }\n'),
        "inner/src/lib.rs": "",
        "deep/Cargo.toml": package("deep"),
        "deep/src/lib.rs": "",
    },
    "no workspace, so nobody else's tests": {
        "Cargo.toml": package("app", DEPENDS + 'inner = { path = "inner" }\n'),
        "src/main.rs": "fn main() {}\n",
        "inner/Cargo.toml": package("inner", '[dev-dependencies]\ndeep = { path = "../deep" }\n'),
        "inner/src/lib.rs": "",
        "deep/Cargo.toml": package("deep"),
        "deep/src/lib.rs": "",
    },
    "a package beside the context of another workspace": {
        "Cargo.toml": package("app", DEPENDS + 'far = { path = "../far/lib" }\n'),
        "src/main.rs": "fn main() {}\n",
        "../far/Cargo.toml": '[workspace]\nmembers = ["lib"]\n[workspace.package]\n'
        'version = "3.0.0"\n',
        "../far/lib/Cargo.toml": '[package]\nname = "far"\nversion.workspace = true\n',
        "../far/lib/src/lib.rs": "",
    },
    "a patch and settings": {
        "Cargo.toml": package("app", DEPENDS + '[patch."FEED"]\nfeed = { path = "fixed" }\n'),
        ".cargo/config.toml": "[net]\ngit-fetch-with-cli = true\n",
        "src/main.rs": "fn main() {}\n",
        "fixed/Cargo.toml": FEED.replace("l.rs", "src/lib.rs"),
        "fixed/src/lib.rs": "",
    },
    "a patch in the settings": {
        "Cargo.toml": package("app", DEPENDS),
        ".cargo/config.toml": '[patch."FEED"]\nfeed = { path = "fixed" }\n',
        "src/main.rs": "fn main() {}\n",
        "fixed/Cargo.toml": FEED,
    },
}

HARMLESS = {".cargo/config.toml", "../far/Cargo.toml"}
"""Files that cargo reads but can do without: git settings, and the root of another workspace."""


@pytest.mark.parametrize("reason", PROJECTS)
def test_cargo_fetch_works_on_what_is_named_and_on_no_less(project: Project, reason: str) -> None:
    files = project.locked(PROJECTS[reason])
    project.fill(files)
    answer = project.ask("cargo fetch --locked")

    project.fill(files, answer.reads)
    done = project.run("cargo fetch --locked")
    assert done.returncode == 0, done.stderr

    named = {os.path.relpath(path, project.app) for path in answer.reads}
    assert named <= files.keys()
    for left in named - HARMLESS:
        project.fill(files, [path for path in answer.reads if path != str(project.app / left)])
        for outside in (each for each in files if each.startswith("..") and each == left):
            (project.app / outside).unlink(missing_ok=True)
        assert project.run("cargo fetch --locked").returncode != 0, left


def test_the_build_below_needs_no_network(project: Project) -> None:
    files = project.locked(PROJECTS["a workspace"])
    project.fill(files)
    answer = project.ask("cargo fetch --locked")
    project.fill(files, answer.reads)
    assert project.run("cargo fetch --locked").returncode == 0
    project.fill(files)

    done = project.run("cargo build --offline --locked --workspace")

    assert done.returncode == 0, done.stderr


def test_cargo_fetch_runs_nothing_of_the_project(project: Project) -> None:
    files = project.locked(
        {**PROJECTS["a program"], "build.rs": "fn main() { std::process::exit(1) }\n"}
    )
    project.fill(files)

    assert project.run("cargo fetch --locked").returncode == 0
    assert project.run("cargo build --locked").returncode != 0


def test_cargo_fetch_updates_a_lockfile_unless_it_is_told_not_to(project: Project) -> None:
    files = project.locked({"Cargo.toml": package("app"), "src/main.rs": ""})
    project.fill({**files, "Cargo.toml": package("app", DEPENDS)})

    assert project.run("cargo fetch --locked").returncode != 0
    assert (project.app / "Cargo.lock").read_text() == files["Cargo.lock"]
    assert project.run("cargo fetch").returncode == 0
    assert (project.app / "Cargo.lock").read_text() != files["Cargo.lock"]


def test_a_directory_without_a_manifest_is_no_member(project: Project) -> None:
    files = project.locked(PROJECTS["a workspace"])
    project.fill({**files, "crates/notes/todo.txt": ""})

    done = project.run("cargo fetch --locked")

    assert done.returncode != 0
    assert "crates/notes" in done.stderr
