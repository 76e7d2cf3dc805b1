"""Go builds that lack a download above the sources, and those that need none."""

from __future__ import annotations

from typing import Any

import pytest

from optimizer.knowledge.go import modules as go
from optimizer.knowledge.installs import HOLE, Call, Inputs, Install, Obstacle
from tests.knowledge.conftest import MemoryFiles

MOD = "module m\n\ngo 1.22\n\nrequire h.c/a v1.0.0\n"
SUMS = "h.c/a v1.0.0 h1:x=\nh.c/a v1.0.0/go.mod h1:y=\n"
APP = {"go.mod": MOD, "go.sum": SUMS, "main.go": ""}


def files_of(files: dict[str, Any]) -> MemoryFiles:
    return MemoryFiles({k if k.startswith("/") else f"/app/{k}": v for k, v in files.items()})


def step(
    command: str, files: dict[str, Any] = APP, env: Any = None, directory: str = "/app"
) -> Any:
    words = tuple(word.replace("HOLE", HOLE) for word in command.split())
    return go.dependency_step(Call(words, directory, env or {}), files_of(files))


@pytest.mark.parametrize(
    "command",
    ["go build", "go build -o /bin/app ./cmd/app", "go install ./...", "go install h.c/a/cmd/x",
     "go test -run X -count=1 ./...", "go run . --listen", "go run main.go -m -C web x@y",
     "go vet ./...", "go generate ./...", "go list ./...", "go get -d -v ./...", "go get",
     "go mod tidy", "go mod vendor", "go build -ldflags HOLE -o HOLE .",
     "go build -mod=readonly .", "go build -mod mod .", "go build -tags=netgo ./cmd/HOLE",
     "/usr/local/go/bin/go build .", "xx-go build -o app ."],
)  # fmt: skip
def test_a_build_gets_its_download(command: str) -> None:
    answer = step(command)

    assert isinstance(answer, Install), answer
    assert answer.call.words == ("go", "mod", "download")
    assert answer.call.directory == "/app"
    assert "only tests need" in answer.assumes[0]


@pytest.mark.parametrize(
    "command",
    ["go version", "go env", "go fmt ./...", "go install h.c/tool@v1", "go run h.c/tool@latest x",
     "go get h.c/a@v2", "go list -m all", "go build -mod=vendor .", "go build -mod vendor .",
     "go build -C HOLE .", "go build -mod=HOLE .", "go tool nm x", "go mod verify", "gofmt", "go"],
)  # fmt: skip
def test_other_commands_get_none(command: str) -> None:
    assert step(command) is None


@pytest.mark.parametrize(
    ("reason", "files", "env"),
    [
        ("no module", {"main.go": ""}, {}),
        ("nothing required", {"go.mod": "module m\ngo 1.22\n", "main.go": ""}, {}),
        ("only packages of the project",
         {"go.mod": MOD + "replace h.c/a => ./a\n", "a/go.mod": "module h.c/a\n"}, {}),
        ("vendored", {**APP, "vendor/modules.txt": ""}, {}),
        ("vendored by flag", APP, {"GOFLAGS": "-trimpath -mod=vendor"}),
        ("no modules", APP, {"GO111MODULE": "off"}),
        ("vendored workspace",
         {"go.work": "go 1.22\nuse .\n", "vendor/modules.txt": "", **APP}, {}),
    ],
)  # fmt: skip
def test_a_build_that_fetches_nothing_gets_none(
    reason: str, files: dict[str, Any], env: dict[str, str]
) -> None:
    assert step("go build .", files, env) is None, reason


@pytest.mark.parametrize("line", ["go 1.13\n", "go 1.9\n"])
def test_vendor_counts_from_go_1_14_on(line: str) -> None:
    files = {**APP, "go.mod": MOD.replace("go 1.22\n", line), "vendor/modules.txt": ""}

    assert isinstance(step("go build .", files), Install)


@pytest.mark.parametrize(
    ("command", "directory", "place"),
    [
        ("go build -C server .", "/app", "/app/server"),
        ("go build ./cmd", "/app/server/cmd/x", "/app/server"),
    ],
)
def test_it_runs_where_the_module_lies(command: str, directory: str, place: str) -> None:
    files = {f"server/{name}": text for name, text in APP.items()}

    assert step(command, files, directory=directory).call.directory == place


WORK = {
    "go.work": "go 1.22\nuse (\n./a\n./b\n)\n",
    "go.work.sum": "",
    "a/go.mod": "module a\ngo 1.22\n",
    "b/go.mod": MOD,
    "b/go.sum": SUMS,
}


def test_a_workspace_is_fetched_whole() -> None:
    install = step("go build .", WORK, directory="/app/b")

    assert install.call.directory == "/app"
    answer = go.inputs(install, files_of(WORK))
    assert isinstance(answer, Inputs)
    assert set(answer.reads) == {f"/app/{name}" for name in WORK}


def test_members_may_keep_a_vendor_directory_that_nobody_uses() -> None:
    assert isinstance(step("go build ./b", {**WORK, "b/vendor/modules.txt": ""}), Install)


@pytest.mark.parametrize(
    ("reason", "command", "files", "code"),
    [
        ("no sums", "go build .", {"go.mod": MOD, "main.go": ""}, "missing-lockfile"),
        ("no sums, and they would be made", "go mod tidy", {"go.mod": MOD}, "missing-lockfile"),
        ("sums are missing", "go build .", {**APP, "go.sum": "h.c/b v1 h1:x=\n"},
         "incomplete-go-sum"),
        ("another go.mod", "go build -modfile=ci.mod .", APP, "unknown-install-flag"),
        ("other files", "go build -overlay o.json .", APP, "unknown-install-flag"),
        ("no module", "go get -d -v ./...", {"main.go": ""}, "install-reads-source"),
        ("nothing required yet", "go mod tidy", {"go.mod": "module m\n"}, "install-reads-source"),
        ("a module that old Go may not see", "go build -C /go/src/m .",
         {"/go/src/m/go.mod": MOD.replace("go 1.22\n", "go 1.12\n"), "/go/src/m/go.sum": SUMS},
         "gopath-mode"),
        ("replacement not copied", "go build .",
         {**APP, "go.mod": MOD + "replace h.c/a => ../a\n"}, "manifest-outside-copy"),
        ("broken", "go build .", {**APP, "go.mod": "module m\nrequire (\n"},
         "unreadable-manifest"),
        ("a file that git does not know", "go build ./b",
         {**{k: v for k, v in WORK.items() if k != "go.work.sum"}, ".git/HEAD": ""},
         "build-reads-git-state"),
    ],
)  # fmt: skip
def test_a_download_that_would_not_be_right_says_why(
    reason: str, command: str, files: dict[str, Any], code: str
) -> None:
    answer = step(command, files)

    assert isinstance(answer, Obstacle), (reason, answer)
    assert answer.code == code


def test_only_what_steers_downloads_goes_along() -> None:
    env = {"GOOS": "linux", "CGO_ENABLED": "0", "GOPROXY": "p", "GOPRIVATE": "h.c", "VERSION": "1"}

    assert set(step("go build .", APP, env).call.env) == {"GOPROXY", "GOPRIVATE"}


def test_the_users_settings_are_looked_at() -> None:
    answer = go.inputs(step("go build .", APP, {"HOME": "/root"}), files_of(APP))

    assert isinstance(answer, Inputs)
    assert {"/root/.netrc", "/root/.gitconfig", "/root/.ssh"} <= set(answer.settings)
