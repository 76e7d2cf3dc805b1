"""Go: which commands download modules, and what they read and write."""

from __future__ import annotations

from typing import Any

import pytest

from optimizer.knowledge.go import modules as go
from optimizer.knowledge.go.gomod import (
    Directive,
    GoModError,
    read_directives,
    read_sums,
    replacements,
)
from optimizer.knowledge.installs import Inputs, Install, Obstacle, Touch

SUMS = "h.c/a v1.0.0 h1:x=\nh.c/a v1.0.0/go.mod h1:y=\n"
PLAIN = {"go.mod": "module m\n\ngo 1.21\n\nrequire h.c/a v1.0.0\n", "go.sum": SUMS, "main.go": ""}


@pytest.mark.parametrize(
    "command",
    ["go mod download", "go mod download -x", "go mod download all", "go mod verify",
     "/usr/local/go/bin/go mod download", "go mod download h.c/a", "go mod download --json",
     "go get h.c/a", "go get -d -v h.c/a/...", "go get -u h.c/a@v1", "go mod download -C web"],
)  # fmt: skip
def test_downloads_are_recognised(recognise: Any, command: str) -> None:
    answer = recognise(go, command)

    assert isinstance(answer, Install)
    assert answer.ecosystem == "go"


@pytest.mark.parametrize(
    "command",
    ["go install h.c/tool@latest", "go install -v h.c/a@v1 h.c/b@v2", "go env", "go version",
     "go env -w GOPROXY=https://p", "go clean -modcache", "go install -ldflags -s h.c/a@v1"],
)  # fmt: skip
def test_commands_that_leave_the_project_alone_are_touches(recognise: Any, command: str) -> None:
    assert isinstance(recognise(go, command), Touch)


@pytest.mark.parametrize(
    "command",
    [
        "go build ./...",
        "go build -o /bin/app .",
        "go test ./...",
        "go generate",
        "go run .",
        "go install .",
        "go install ./cmd/app",
        "go install tool",
        "go install h.c/a",
        "go list -m all",
        "go vet",
        "go mod tidy -v",
        "go mod vendor",
        "go get",
        "go get -d -v ./...",
        "go get .",
        "go",
        "go mod init m",
        "go mod edit -go 1.21",
        "go work sync",
        "gofmt -l .",
        "cargo",
    ],
)
def test_builds_and_others_are_not_ours(recognise: Any, command: str) -> None:
    assert recognise(go, command) is None


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("go mod download -modfile=other.mod", "unknown-install-flag"),
        ("go install -overlay=x h.c/a@v1", "unknown-install-flag"),
    ],
)
def test_commands_that_read_more_are_obstacles(recognise: Any, command: str, code: str) -> None:
    answer = recognise(go, command)

    assert isinstance(answer, Obstacle)
    assert answer.code == code


@pytest.mark.parametrize(
    ("reason", "files", "reads"),
    [
        ("module", PLAIN, ["go.mod", "go.sum"]),
        ("no sums", {"go.mod": PLAIN["go.mod"], "main.go": ""}, ["go.mod"]),
        ("no requirements", {"go.mod": "module m\ngo 1.21\n", "main.go": ""}, ["go.mod"]),
        (
            "local replacement",
            {
                **PLAIN,
                "go.mod": PLAIN["go.mod"] + "replace h.c/a => ./a\n",
                "a/go.mod": "module a\n",
                "a/go.sum": "",
                "a/a.go": "",
            },
            ["go.mod", "go.sum", "a/go.mod"],
        ),
        (
            "local replacement above",
            {
                **PLAIN,
                "go.mod": PLAIN["go.mod"] + "replace h.c/a => ../a\n",
                "/a/go.mod": "module a\n",
            },
            ["go.mod", "go.sum", "/a/go.mod"],
        ),
        (
            "replacement of one version",
            {
                **PLAIN,
                "a/go.mod": "module a\n",
                "go.mod": PLAIN["go.mod"] + "replace h.c/a v1.0.0 => ./a\n",
            },
            ["go.mod", "go.sum", "a/go.mod"],
        ),
        (
            "unused replacement",
            {**PLAIN, "go.mod": PLAIN["go.mod"] + "replace h.c/z => ./z\n"},
            ["go.mod", "go.sum"],
        ),
        ("vendor of another tool", {**PLAIN, "vendor/autoload.php": ""}, ["go.mod", "go.sum"]),
        (
            "credentials",
            {**PLAIN, "/root/.netrc": "", "/root/.gitconfig": ""},
            ["go.mod", "go.sum", "/root/.netrc", "/root/.gitconfig"],
        ),
        (
            "user's settings",
            {**PLAIN, "/root/.config/go/env": "GOPRIVATE=h.c\n"},
            ["go.mod", "go.sum", "/root/.config/go/env"],
        ),
        (
            "workspace",
            {
                "go.work": "go 1.21\nuse (\n\t.\n\t./lib // why\n)\n",
                "lib/go.sum": "",
                "go.mod": "module m\ngo 1.21\n",
                "lib/go.mod": "module l\ngo 1.21\n",
            },
            ["go.work", "go.mod", "lib/go.mod", "lib/go.sum"],
        ),
        ("workspace above", {"/go.work": "use ./app\n", **PLAIN}, ["/go.work", "go.mod", "go.sum"]),
    ],
)
def test_files_that_the_download_reads(
    ask: Any, reason: str, files: dict[str, Any], reads: list[str]
) -> None:
    answer = ask(go, "go mod download", files)

    assert isinstance(answer, Inputs), (reason, answer)
    assert set(answer.reads) == {p if p.startswith("/") else f"/app/{p}" for p in reads}
    assert answer.trees == answer.rewrites == ()


def test_the_module_is_found_above(ask: Any) -> None:
    answer = ask(go, "go mod download", PLAIN, directory="/app/cmd/x")

    assert answer.reads == ("/app/go.mod", "/app/go.sum")


def test_a_flag_names_the_directory(ask: Any) -> None:
    files = {f"web/{name}": text for name, text in PLAIN.items()}

    assert ask(go, "go mod download -C web", files).reads == ("/app/web/go.mod", "/app/web/go.sum")


def test_gowork_off_leaves_the_workspace_aside(ask: Any) -> None:
    files = {**PLAIN, "go.work": "use ./gone\n"}

    assert ask(go, "go mod download", files, env={"GOWORK": "off"}).reads == (
        "/app/go.mod",
        "/app/go.sum",
    )
    assert isinstance(ask(go, "go mod download", files), Obstacle)


def test_sums_of_a_workspace_may_be_added(ask: Any) -> None:
    files = {"go.work": "use .\n", "go.work.sum": "", **PLAIN}
    answer = ask(go, "go mod download", files)

    assert answer.rewrites == ("/app/go.work.sum",)
    assert len(answer.assumes) == 1


def test_a_missing_go_sum_is_written_as_before(ask: Any) -> None:
    answer = ask(go, "go mod download", {"go.mod": PLAIN["go.mod"]})

    assert "/app/go.sum" in answer.writes
    assert "go.sum does not exist" in answer.assumes[0]


def test_go_adds_a_missing_go_line(ask: Any) -> None:
    answer = ask(go, "go mod download", {"go.mod": "module m\n"})

    assert answer.rewrites == ("/app/go.mod",)


def test_a_proxy_in_the_context_is_read(ask: Any) -> None:
    files = {**PLAIN, "proxy/h.c/a/@v/list": "", "other/x": ""}
    env = {"GOPROXY": "file:///app/proxy,https://p"}

    assert ask(go, "go mod download", files, env=env).trees == ("/app/proxy",)


LONG = "h.c/b v0.0.0-20240101000000-abcdefabcdef"


@pytest.mark.parametrize(
    ("reason", "command", "files", "env", "code", "place"),
    [
        ("no module", "go mod download", {"main.go": ""}, {}, "manifest-outside-copy",
         ("/app/go.mod", None)),
        ("no hash of a go.mod", "go mod download", {**PLAIN, "go.sum": "h.c/a v1.0.0 h1:x=\n"}, {},
         "incomplete-go-sum", ("/app/go.sum", None)),
        ("hash of another version", "go mod download",
         {**PLAIN, "go.sum": SUMS.replace("v1.0.0", "v1.0.1")}, {}, "incomplete-go-sum",
         ("/app/go.sum", None)),
        ("no hash of a replacement", "go mod download",
         {**PLAIN, "go.mod": PLAIN["go.mod"] + f"replace h.c/a => {LONG}\n"}, {},
         "incomplete-go-sum", ("/app/go.sum", None)),
        ("all downloads add hashes of archives", "go mod download all",
         {**PLAIN, "go.sum": SUMS.split("\n")[1] + "\n"}, {}, "incomplete-go-sum",
         ("/app/go.sum", None)),
        ("named downloads add hashes of archives", "go mod download h.c/a@v1.0.0",
         {**PLAIN, "go.sum": SUMS.split("\n")[1] + "\n"}, {}, "incomplete-go-sum",
         ("/app/go.sum", None)),
        ("vendored", "go mod download", {**PLAIN, "vendor/modules.txt": ""}, {},
         "vendored-dependencies", ("/app/vendor/modules.txt", None)),
        ("vendored by flag", "go mod download", PLAIN, {"GOFLAGS": "-mod=vendor"},
         "vendored-dependencies", (None, None)),
        ("another go.mod", "go mod download", PLAIN, {"GOFLAGS": "-v -modfile=go.ci.mod"},
         "unknown-install-flag", (None, None)),
        ("another go.mod from the user's settings", "go mod download",
         {**PLAIN, "/root/.config/go/env": "GOFLAGS=-modfile=x.mod"}, {}, "unknown-install-flag",
         (None, None)),
        ("no modules", "go mod download", PLAIN, {"GO111MODULE": "off"}, "gopath-mode",
         (None, None)),
        ("replacement not copied", "go mod download",
         {**PLAIN, "go.mod": PLAIN["go.mod"] + "replace h.c/a => ../a\n"}, {},
         "manifest-outside-copy", ("/a/go.mod", None)),
        ("member of a workspace not copied", "go mod download", {"go.work": "\nuse ./lib\n"}, {},
         "manifest-outside-copy", ("/app/go.work", 2)),
        ("go.work not copied", "go mod download", PLAIN, {"GOWORK": "/w/go.work"},
         "manifest-outside-copy", ("/w/go.work", None)),
        ("no version yet", "go mod download",
         {"go.mod": "module m\ngo 1.21\nrequire h.c/a latest\n"}, {}, "install-edits-manifest",
         ("/app/go.mod", 3)),
        ("edits the module", "go get h.c/a@v2", PLAIN, {}, "install-edits-manifest",
         ("/app/go.mod", None)),
        ("open block", "go mod download", {"go.mod": "module m\nrequire (\n h.c/a v1.0.0\n"}, {},
         "unreadable-manifest", ("/app/go.mod", 4)),
        ("half a requirement", "go mod download", {"go.mod": "module m\n\nrequire h.c/a\n"}, {},
         "unreadable-manifest", ("/app/go.mod", 3)),
        ("half a replacement", "go mod download", {"go.mod": "module m\nreplace h.c/a ./a\n"}, {},
         "unreadable-manifest", ("/app/go.mod", 2)),
        ("broken sums", "go mod download", {**PLAIN, "go.sum": SUMS + "\n<<<<<<< ours\n"}, {},
         "unreadable-manifest", ("/app/go.sum", 4)),
        ("too large", "go mod download", {**PLAIN, "go.mod": None}, {}, "unreadable-manifest",
         ("/app/go.mod", None)),
        ("module cache in the context", "go mod download", {**PLAIN, "mods/cache/x": ""},
         {"GOMODCACHE": "/app/mods"}, "installed-packages-in-context", ("/app/mods", None)),
        ("sources below GOPATH", "go get h.c/a", {"/go/src/m/main.go": ""}, {}, "gopath-mode",
         ("/go/src", None)),
    ],
)  # fmt: skip
def test_obstacles_name_file_and_line(
    ask: Any, reason: str, command: str, files: dict[str, Any], env: dict[str, str], code: str,
    place: tuple[str | None, int | None],
) -> None:  # fmt: skip
    answer = ask(go, command, files, env=env)

    assert isinstance(answer, Obstacle), (reason, answer)
    assert (answer.code, (answer.path, answer.line)) == (code, place)


def test_hashes_of_archives_alone_do_not_matter_without_arguments(ask: Any) -> None:
    files = {**PLAIN, "go.sum": "h.c/a v1.0.0/go.mod h1:y=\n"}

    assert isinstance(ask(go, "go mod download", files), Inputs)


def test_a_local_replacement_needs_no_hash(ask: Any) -> None:
    files = {
        "go.mod": PLAIN["go.mod"] + "replace h.c/a => ./a\n",
        "go.sum": "",
        "a/go.mod": "module a\n",
    }

    assert isinstance(ask(go, "go mod download", files), Inputs)


def test_go_get_outside_of_a_module_reads_nothing(ask: Any) -> None:
    answer = ask(go, "go get h.c/tool", {"/srv/x": ""})

    assert answer.reads == answer.trees == ()
    assert "/go/pkg" in answer.writes


def test_a_linked_go_mod_is_an_obstacle(ask: Any, link: Any) -> None:
    answer = ask(go, "go mod download", {**PLAIN, "go.mod": link("go.real.mod")})

    assert (answer.code, answer.path) == ("manifest-is-a-link", "/app/go.mod")


@pytest.mark.parametrize(
    ("env", "path"),
    [
        ({}, "/go/pkg"),
        ({"GOPATH": "/g:/h"}, "/h/pkg"),
        ({"GOMODCACHE": "/mods"}, "/mods"),
        ({"HOME": "/home/me"}, "/home/me/go/pkg"),
    ],
)
def test_places_that_the_download_writes_to(ask: Any, env: dict[str, str], path: str) -> None:
    assert path in ask(go, "go mod download", PLAIN, env=env).writes


def test_the_download_leaves_the_build_cache_alone(ask: Any) -> None:
    written = ask(go, "go mod download", PLAIN, env={"GOCACHE": "/c"}).writes

    assert not {"/c", "/root/.cache"} & set(written)


def test_directives() -> None:
    text = (
        "// Deprecated: x\nmodule `m` // why\n\nrequire (\n\th.c/a v1.0.0 // indirect\n\n"
        '\t"h.c/b" v1.0.0\n)\nexclude h.c/c v1.0.0\nretract [v1.0.0, v1.2.0]\ntool ()\n'
    )

    assert read_directives(text) == (
        Directive("module", ("m",), 2),
        Directive("require", ("h.c/a", "v1.0.0"), 5),
        Directive("require", ("h.c/b", "v1.0.0"), 7),
        Directive("exclude", ("h.c/c", "v1.0.0"), 9),
        Directive("retract", ("[v1.0.0,", "v1.2.0]"), 10),
    )


def test_addresses_keep_their_slashes() -> None:
    assert read_directives("module h.c/a//b\n")[0].words == ("h.c/a",)


@pytest.mark.parametrize("text", ["require (", 'module "m', "require ( h.c/a v1 )", ")"])
def test_broken_files_name_the_line(text: str) -> None:
    with pytest.raises(GoModError) as error:
        read_directives("\n" + text)
    assert error.value.line == 2


def test_replacements_know_what_is_local() -> None:
    found = list(replacements(read_directives("replace (\na => ./x\nb v1 => /y\nc => d v2\n)")))

    assert [(r.old, r.version, r.new, r.new_version, r.is_local) for r in found] == [
        ("a", None, "./x", None, True),
        ("b", "v1", "/y", None, True),
        ("c", None, "d", "v2", False),
    ]


def test_sums() -> None:
    assert read_sums(SUMS + "\n") == {("h.c/a", "v1.0.0"), ("h.c/a", "v1.0.0/go.mod")}


def test_long_files_take_linear_time() -> None:
    text = (
        "module m\nrequire (\n" + "h.c/a v1.0.0 // indirect\n" * 100_000 + ")\n" + "x" * 1_000_000
    )

    assert len(read_directives(text)) == 100_002
