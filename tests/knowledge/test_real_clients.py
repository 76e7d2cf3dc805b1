"""npm, pip and go themselves: what dockopt says they read is enough, and needed.

The law: an install that runs on the named files alone, with everything else
laid over it afterwards, leaves the same files as one that ran on everything.
No test here needs a registry: dependencies lie beside the project.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from optimizer.knowledge.go import modules as go
from optimizer.knowledge.installs import Call, Inputs, Install, Kind
from optimizer.knowledge.manifests import Survey
from optimizer.knowledge.node import npm, npm_lock
from optimizer.knowledge.node.workspaces import member_directories
from optimizer.knowledge.python import pip


@dataclass
class DiskFiles:
    """The files below one directory, as the knowledge room asks for them."""

    root: str

    def kind(self, path: str) -> Kind | None:
        if not path.startswith(self.root) and not self.root.startswith(path):
            return None
        if Path(path).is_symlink():
            return "link"
        return "file" if Path(path).is_file() else "dir" if Path(path).is_dir() else None

    def read(self, path: str) -> bytes | None:
        return Path(path).read_bytes() if self.kind(path) == "file" else None

    def is_executable(self, path: str) -> bool:
        return Path(path).stat().st_mode & 0o111 == 0o111

    def children(self, path: str) -> tuple[str, ...]:
        here = Path(path).iterdir() if self.kind(path) == "dir" else ()
        return tuple(sorted(child.name for child in here))


Seen = dict[str, tuple[int, str | bytes]]


class Place:
    """A project directory that can be filled, installed in, and looked at."""

    def __init__(self, base: Path, env: Mapping[str, str]) -> None:
        self.base, self.app, self.home = base, base / "app", base / "home"
        self.env = {"PATH": os.environ["PATH"], "HOME": str(self.home), **env}

    def fill(self, files: Mapping[str, Any], only: Iterable[str] | None = None) -> None:
        keep = None if only is None else tuple(only)
        for name, content in files.items():
            path = self.app / name
            if keep is not None and not str(path).startswith(keep):
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            text = content if isinstance(content, str | bytes) else json.dumps(content)
            path.write_bytes(text if isinstance(text, bytes) else text.encode())
            # Programs of packages are committed as such; one that is not is held back.
            path.chmod(0o755 if path.suffix == ".js" else 0o644)

    def clear(self) -> None:
        for place in (self.app, self.home, self.base / "out"):
            shutil.rmtree(place, ignore_errors=True)
            # Go's counters of itself are written beside it, even while the directory goes.
            place.mkdir(parents=True, exist_ok=place is self.home)

    def run(self, command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command.split(), cwd=self.app, env=self.env, timeout=60,
            capture_output=True, text=True, check=False,
        )  # fmt: skip

    def seen(self) -> Seen:
        """Every file and link that the project and the output hold, with mode and content."""
        found: Seen = {}
        for top in (self.app, self.base / "out"):
            for path in top.rglob("*"):
                if path.is_symlink():
                    found[str(path)] = (0, str(path.readlink()))
                elif path.is_file():
                    found[str(path)] = (path.stat().st_mode, path.read_bytes())
        return found

    def ask(self, module: Any, command: str, files: Mapping[str, Any]) -> Inputs:
        self.clear()
        self.fill(files)
        install = module.recognise(Call(tuple(command.split()), str(self.app), self.env))
        assert isinstance(install, Install)
        answer = module.inputs(install, DiskFiles(str(self.app)))
        assert isinstance(answer, Inputs), answer
        return answer

    def whole(self, command: str, files: Mapping[str, Any]) -> Seen:
        self.clear()
        self.fill(files)
        done = self.run(command)
        assert done.returncode == 0, done.stderr
        return self.seen()

    def split(self, command: str, files: Mapping[str, Any], only: Iterable[str]) -> Seen:
        self.clear()
        self.fill(files, only=only)
        self.app.mkdir(exist_ok=True)
        self.run(command)
        self.fill(files)
        return self.seen()


def named(answer: Inputs) -> tuple[str, ...]:
    return (*answer.reads, *(f"{tree}/" for tree in answer.trees))


def law(place: Place, module: Any, command: str, files: Mapping[str, Any]) -> tuple[Inputs, Seen]:
    """The install on the named files alone leaves what the install on everything leaves."""
    answer = place.ask(module, command, files)
    whole, split = place.whole(command, files), place.split(command, files, named(answer))
    for path in answer.rewrites:
        assert split.pop(path, None) is not None
        whole.pop(path)
    assert split == whole
    assert {os.path.relpath(path, place.app) for path in answer.reads} <= files.keys()
    return answer, whole


def needed(
    place: Place, command: str, files: Mapping[str, Any], left: str, found: tuple[Inputs, Seen]
) -> None:
    """Without the file ``left`` the install leaves something else."""
    answer, whole = found
    only = tuple(path for path in named(answer) if path != str(place.app / left))
    assert len(only) < len(named(answer))
    split = place.split(command, files, only)
    assert {path: split.get(path) for path in whole} != whole


def program(name: str) -> None:
    if shutil.which(name) is None:
        pytest.skip(f"{name} is not installed")


NPM_ENV = {
    "npm_config_offline": "true", "npm_config_audit": "false", "npm_config_fund": "false",
    "npm_config_update_notifier": "false", "npm_config_globalconfig": "/nonexistent",
}  # fmt: skip


@pytest.fixture
def node(tmp_path: Path) -> Place:
    program("npm")
    return Place(tmp_path, NPM_ENV)


WORKSPACE = {
    "package.json": {
        "name": "app", "version": "1.0.0", "workspaces": ["packages/*"],
        "dependencies": {"lib": "file:lib"}, "scripts": {"prepare": "echo done"},
    },
    "packages/a/package.json": {"name": "a", "version": "1.0.0", "bin": "cli.js"},
    "packages/a/cli.js": "#!/usr/bin/env node\n1\n",
    "packages/a/src.js": "",
    "packages/b/package.json": {"name": "b", "version": "2.0.0", "dependencies": {"a": "1"}},
    "lib/package.json": {"name": "lib", "version": "1.0.0", "bin": {"libx": "bin/x.js"}},
    "lib/bin/x.js": "#!/usr/bin/env node\n",
    "src/index.js": "1",
    "README.md": "",
}  # fmt: skip


def with_lock(place: Place, files: Mapping[str, Any]) -> dict[str, Any]:
    place.clear()
    place.fill(files)
    assert place.run("npm install --package-lock-only").returncode == 0
    return {**files, "package-lock.json": (place.app / "package-lock.json").read_text()}


def test_npm_install_of_a_workspace(node: Place) -> None:
    law(node, npm, "npm install", WORKSPACE)


def test_npm_ci_of_a_workspace_and_what_it_needs(node: Place) -> None:
    files = with_lock(node, WORKSPACE)

    found = law(node, npm, "npm ci", files)
    needed(node, "npm ci", files, "packages/a/cli.js", found)


def test_npm_settings_and_scripts(node: Place) -> None:
    files = {
        "package.json": {"name": "app", "scripts": {"postinstall": "cd client && npm install"}},
        ".npmrc": "package-lock=false\n",
        "client/package.json": {"name": "client", "dependencies": {"x": "file:x"}},
        "client/x/package.json": {"name": "x", "version": "1.0.0"},
        "client/app.js": "",
    }

    law(node, npm, "npm install", files)


def test_npm_ci_stops_without_a_lockfile_and_with_an_old_one(node: Place) -> None:
    manifest = {"package.json": {"name": "app", "dependencies": {"lib": "file:lib"}}}
    lib = {"lib/package.json": {"name": "lib", "version": "1.0.0"}}
    old = with_lock(node, {"package.json": {"name": "app"}, **lib})

    for files in ({**manifest, **lib}, {**old, **manifest}):
        node.clear()
        node.fill(files)
        assert node.run("npm ci").returncode != 0


def test_npm_install_rewrites_the_lockfile_as_foretold(node: Place) -> None:
    files = with_lock(node, WORKSPACE)
    lockfile = node.app / "package-lock.json"
    root = WORKSPACE["package.json"]
    assert isinstance(root, dict)
    members = {"": ".", "packages/a": "packages/a", "packages/b": "packages/b", "lib": "lib"}
    changes: list[dict[str, Any]] = [
        {}, {"description": "new"}, {"version": "2.0.0"},
    ]  # fmt: skip
    for change in changes:
        node.fill({**files, "package.json": {**root, **change}})
        survey = Survey(DiskFiles(str(node.app)))
        lock = npm_lock.read_lock(survey, str(node.app))
        assert lock is not None
        manifests = {
            location: survey.json(f"{node.app / path}/package.json")
            for location, path in members.items()
        }
        foretold = npm_lock.would_change(lock, manifests)

        assert node.run("npm install --package-lock-only").returncode == 0
        changed = lockfile.read_text() != files["package-lock.json"]
        assert changed == (foretold is not None), (change, foretold)


def test_workspace_patterns_agree_with_npm(node: Place) -> None:
    """Asks map-workspaces, the module that npm itself uses, about the same tree."""
    root = subprocess.run(
        ["npm", "root", "-g"], env=node.env, capture_output=True, text=True, check=True
    )
    module = Path(root.stdout.strip(), "npm/node_modules/@npmcli/map-workspaces")
    if not module.is_dir():
        pytest.skip("this npm keeps map-workspaces elsewhere")
    folders = ["a", "b", "a/deep/b", "a/deep", ".hidden", "a/node_modules/c", "c-d", "ab"]
    node.clear()
    node.fill({f"p/{name}/package.json": {"name": name.replace("/", "-")} for name in folders})
    cases: list[list[str]] = [
        ["p/*"], ["p/**"], ["p/a"], ["./p/a"], ["p/a/"], ["/p/b"], ["p/?"], ["p/{a,c-d}"], ["p/a*"],
        ["p/*", "!p/a"], ["!p/a", "p/*"], ["p/**", "!p/a/**"], ["p/**", "!**/deep"], ["**"],
        ["p/**", "!p/a/**", "p/a/deep/b"], ["p/a/*/b"], ["p/.*"], ["!!p/a"], ["nowhere/*"], ["*/b"],
        ["p/**/b"], ["p/a/**/b"], ["p/**", "!p/a/**", "p/a"],
    ]  # fmt: skip
    script = (
        "const m=require(process.argv[1]);(async()=>{const r=[];"
        "for(const w of JSON.parse(process.argv[2])){"
        "r.push([...(await m({cwd:process.cwd(),pkg:{workspaces:w}})).values()].sort())}"
        "console.log(JSON.stringify(r))})()"
    )
    done = subprocess.run(
        ["node", "-e", script, str(module), json.dumps(cases)],
        cwd=node.app, env=node.env, capture_output=True, text=True, check=True,
    )  # fmt: skip

    for patterns, theirs in zip(cases, json.loads(done.stdout), strict=True):
        node.fill({"package.json": {"workspaces": patterns}})
        survey = Survey(DiskFiles(str(node.app)))
        manifest = survey.json(str(node.app / "package.json"))
        assert list(member_directories(survey, str(node.app), manifest)) == theirs, patterns


def wheel(name: str, version: str) -> tuple[str, bytes]:
    from io import BytesIO

    buffer = BytesIO()
    info = f"{name}-{version}.dist-info"
    with zipfile.ZipFile(buffer, "w") as archive:
        for path, text in (
            (f"{name}.py", f"VERSION = {version!r}\n"),
            (f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"),
            (f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\n"
                              "Tag: py3-none-any\n"),
            (f"{info}/RECORD", ""),
        ):  # fmt: skip
            archive.writestr(zipfile.ZipInfo(path), text)
    return f"{name}-{version}-py3-none-any.whl", buffer.getvalue()


@pytest.fixture
def python(tmp_path: Path) -> Place:
    program("pip")
    env = {
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_NO_INDEX": "1",
        "PIP_ROOT_USER_ACTION": "ignore",
    }
    return Place(tmp_path, {**env, "PIP_CONFIG_FILE": str(tmp_path / "app/pip.conf")})


def test_pip_reads_what_requirements_include(python: Place) -> None:
    wheels = dict(wheel(name, version) for name in ("one", "two") for version in ("1.0", "2.0"))
    files: dict[str, Any] = {
        "req/prod.txt": "-r ../base.txt\n-c limits/c.txt\ntwo\n",
        "req/limits/c.txt": "two<2\n",
        "base.txt": "# -*- coding: utf-8 -*-\n--find-links store\none ==\\\n  ${ONE}\n",
        "requirements.txt": "two==2.0\n",
        "setup.py": "raise SystemExit(1)\n",
        "app.py": "",
        **{f"store/{name}": content for name, content in wheels.items()},
    }
    python.env["ONE"] = "1.0"
    command = f"pip install --no-compile -q --target {python.base}/out/site -r req/prod.txt"

    found = law(python, pip, command, files)
    needed(python, command, files, "req/limits/c.txt", found)


def test_pip_reads_archives_where_it_runs_and_its_settings(python: Place) -> None:
    name, content = wheel("one", "1.0")
    files: dict[str, Any] = {
        "req/r.txt": f"./{name}\n",
        name: content,
        f"req/{name}": b"",
        "x.py": "",
        "pip.conf": "[install]\nconstraint = c.txt\n",
        "c.txt": "one==1.0\n",
    }
    command = f"pip install --no-compile -q --target {python.base}/out/site -r req/r.txt"

    law(python, pip, command, files)


def proxy(base: Path, name: str, version: str, gomod: str) -> None:
    """One module as `go help goproxy` lays it out in a directory."""
    place = base / "proxy" / name / "@v"
    place.mkdir(parents=True, exist_ok=True)
    (place / f"{version}.mod").write_text(gomod)
    (place / f"{version}.info").write_text(json.dumps({"Version": version}))
    with zipfile.ZipFile(place / f"{version}.zip", "w") as archive:
        archive.writestr(zipfile.ZipInfo(f"{name}@{version}/go.mod"), gomod)
        archive.writestr(zipfile.ZipInfo(f"{name}@{version}/x.go"), "package x\n")


@pytest.fixture
def golang(tmp_path: Path) -> Place:
    program("go")
    place = Place(
        tmp_path,
        {
            "GOPROXY": f"file://{tmp_path}/proxy",
            "GOSUMDB": "off",
            "GOTOOLCHAIN": "local",
            "GOMODCACHE": f"{tmp_path}/out/mod",
            "GOFLAGS": "-modcacherw",
            "GOPATH": f"{tmp_path}/go",
            "GOCACHE": f"{tmp_path}/gocache",
        },
    )
    proxy(tmp_path, "h.c/b", "v1.0.0", "module h.c/b\n\ngo 1.17\n")
    proxy(tmp_path, "h.c/c", "v1.0.0", "module h.c/c\n\ngo 1.17\n")
    proxy(tmp_path, "h.c/a", "v1.0.0", "module h.c/a\n\ngo 1.17\n\nrequire h.c/b v1.0.0\n")
    place.clear()
    return place


GO_MOD = """module m

go 1.21

require (
\th.c/a v1.0.0
\th.c/b v1.0.0 // indirect
\th.c/l v0.0.0
)

replace h.c/l => ./l
"""
GO_FILES = {
    "go.mod": GO_MOD,
    "l/go.mod": "module h.c/l\n\ngo 1.21\n",
    "l/go.sum": "",
    "l/l.go": "package l\n",
    "main.go": 'package main\n\nimport (\n\t_ "h.c/a"\n\t_ "h.c/l"\n)\n\nfunc main() {}\n',
    "unused/go.mod": "module u\n",
}


def with_sums(place: Place) -> dict[str, str]:
    place.fill(GO_FILES)
    done = place.run("go mod download all")
    assert done.returncode == 0, done.stderr
    return {**GO_FILES, "go.sum": (place.app / "go.sum").read_text()}


def test_go_reads_the_manifests_of_replaced_modules(golang: Place) -> None:
    files = with_sums(golang)

    found = law(golang, go, "go mod download", files)
    needed(golang, "go mod download", files, "l/go.mod", found)


def test_go_without_sums_leaves_the_same_file(golang: Place) -> None:
    law(golang, go, "go mod download", GO_FILES)


def test_go_adds_hashes_of_manifests_only(golang: Place) -> None:
    files = with_sums(golang)
    sums = files["go.sum"].splitlines(keepends=True)
    manifests = [line for line in sums if "/go.mod " in line]
    golang.clear()
    golang.fill({**files, "go.sum": manifests[0]})
    assert golang.run("go mod download").returncode == 0

    assert set((golang.app / "go.sum").read_text().splitlines(keepends=True)) == set(manifests)


def test_go_workspaces_read_every_manifest_and_sum(golang: Place) -> None:
    files = {
        "go.work": "go 1.21\n\nuse (\n\t.\n\t./other\n)\n",
        "other/go.mod": "module o\n\ngo 1.21\n\nrequire h.c/c v1.0.0\n",
        **with_sums(golang),
    }
    golang.clear()
    golang.fill({**files, "go.work": "go 1.21\n\nuse ./other\n"})
    assert golang.run("go mod download").returncode == 0
    files["other/go.sum"] = (golang.app / "go.work.sum").read_text()

    found = law(golang, go, "go mod download", files)
    needed(golang, "go mod download", files, "other/go.mod", found)


def offline_after_download(place: Place, command: str, files: Mapping[str, Any]) -> None:
    """The build works without a proxy once the step that dockopt names for it has run on the
    files that it names for that."""
    call = Call(tuple(command.split()), str(place.app), place.env)
    place.clear()
    place.fill(files)
    install = go.dependency_step(call, DiskFiles(str(place.app)))
    assert isinstance(install, Install), install
    answer = go.inputs(install, DiskFiles(str(place.app)))
    assert isinstance(answer, Inputs), answer
    place.clear()
    place.fill(files, only=named(answer))
    done = subprocess.run(
        install.call.words, cwd=install.call.directory, env=place.env, timeout=60,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    place.fill(files)
    place.env["GOPROXY"] = "off"
    done = place.run(command)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "command", ["go build -n .", "go get -v ./...", "go list -deps ./...", "go test -n ./..."]
)
def test_go_builds_offline_after_the_download(golang: Place, command: str) -> None:
    offline_after_download(golang, command, with_sums(golang))


def test_go_builds_a_workspace_offline_after_the_download(golang: Place) -> None:
    files = {
        "go.work": "go 1.21\n\nuse (\n\t.\n\t./other\n)\n",
        "other/go.mod": "module o\n\ngo 1.21\n\nrequire h.c/c v1.0.0\n",
        "other/main.go": 'package main\n\nimport _ "h.c/c"\n\nfunc main() {}\n',
        **with_sums(golang),
    }
    golang.clear()
    golang.fill({**files, "go.work": "go 1.21\n\nuse ./other\n"})
    assert golang.run("go mod download").returncode == 0
    files["other/go.sum"] = (golang.app / "go.work.sum").read_text()
    golang.clear()
    golang.fill(files)
    assert golang.run("go build -n ./other").returncode == 0

    offline_after_download(golang, "go build -C other -n .", files)


def test_go_takes_vendored_modules_as_foretold(golang: Place) -> None:
    """From `go 1.14` on a vendor directory counts, and a build without it is not offline."""
    files = with_sums(golang)
    golang.fill(files)
    assert golang.run("go mod vendor").returncode == 0
    vendored = {
        os.path.relpath(path, golang.app): Path(path).read_text()
        for path in golang.seen()
        if "/vendor/" in path
    }
    golang.clear()
    golang.fill({**files, **vendored})
    call = Call(("go", "build", "."), str(golang.app), golang.env)
    assert go.dependency_step(call, DiskFiles(str(golang.app))) is None
    golang.env["GOPROXY"] = "off"

    assert golang.run("go build -n .").returncode == 0


def test_pip_reads_the_same_options(monkeypatch: pytest.MonkeyPatch) -> None:
    """Asks pip's own parser about command lines; the two must name the same files."""
    for name in os.environ:
        if name.startswith("PIP_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    commands = pytest.importorskip("pip._internal.commands", reason="pip is not importable")
    from optimizer.knowledge.python.pip_options import read_options

    lines = [
        "-r a -rb --requirement c --requirement=d -c e -ce2 --constraint=f -e g --editable=h x y",
        "-Ur a -qqr b --no-cache-dir -Uqr c --pre -t out -i https://h --find-links=w -f v z",
        "--upgrade-strategy eager --only-binary :all: --root-user-action=ignore -r a -- -r b",
        "--constr c.txt --edit e -vvv --trusted-host h --progress-bar off --prefix=/p q",
        "-r a --config-settings k=v -C k=v --report out.json --no-binary=:none: --find w",
    ]
    for line in lines:
        theirs, words = commands.create_command("install").parse_args(line.split())
        ours = read_options(line.split(), uv=False)
        assert list(ours.words) == words
        assert list(ours.all("requirement")) == theirs.requirements
        assert list(ours.all("constraint")) == theirs.constraints
        assert list(ours.all("editable")) == theirs.editables
        assert list(ours.all("find-links")) == theirs.find_links
        assert ours.unknown == ()
