"""What the Go command leaves for the run time."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.knowledge.products import asked, held, left, running

MAIN = 'package main\n\nimport "fmt"\n\nfunc main() { fmt.Println() }\n'
APP = {"go.mod": "module ex.com/shop\n\ngo 1.22\n", "main.go": MAIN}
CMDS = {
    "go.mod": "module ex.com/shop\n\ngo 1.22\n",
    "cmd/api/main.go": MAIN,
    "cmd/worker/main.go": MAIN,
    "store/store.go": "package store\n",
    "cmd/api/testdata/x/main.go": MAIN,
    "_old/main.go": MAIN,
    "nested/go.mod": "module ex.com/nested\n",
    "nested/main.go": MAIN,
}
GO = {"GOPATH": "/go"}


@pytest.mark.parametrize(
    ("command", "files", "keeps"),
    [
        ("go build", APP, ["/app/shop"]),
        ("go build .", {**APP, "go.mod": "module ex.com/shop/v2\n"}, ["/app/shop"]),
        ("go build .", {**APP, "go.mod": "module shop\n"}, ["/app/shop"]),
        ("go build .", {**APP, "go.mod": "module v2\n"}, ["/app/v2"]),
        ("go build -o server .", APP, ["/app/server"]),
        ("go build -v -ldflags HOLE -o /usr/local/bin/shop", APP, ["/usr/local/bin/shop"]),
        ("go build -o /usr/local/bin", APP, ["/usr/local/bin/shop"]),
        ("go build -o /usr/local/bin/", APP, ["/usr/local/bin/shop"]),
        ("go build -o bin/ ./cmd/...", CMDS, ["/app/bin/api", "/app/bin/worker"]),
        ("go build -o /out/ ./...", CMDS, ["/out/api", "/out/worker"]),
        ("go build ./cmd/api", CMDS, ["/app/api"]),
        ("go build ex.com/shop/cmd/api", CMDS, ["/app/api"]),
        ("go build ./store", CMDS, []),
        ("go build ./...", CMDS, []),
        ("go build -o /dev/null ./cmd/api", CMDS, []),
        ("go build main.go", APP, ["/app/main"]),
        ("go build main.go util.go", {**APP, "util.go": MAIN}, ["/app/main"]),
        ("go build *.go", {**APP, "a.go": MAIN, "a_test.go": MAIN}, ["/app/a"]),
        ("go build -C cmd/api -o ../../x", CMDS, ["/app/x"]),
        ("go install", APP, ["/go/bin/shop"]),
        ("go install ./cmd/...", CMDS, ["/go/bin/api", "/go/bin/worker"]),
        ("go mod download", APP, []),
        ("go vet ./...", APP, []),
    ],
)  # fmt: skip
def test_programs_are_named_as_go_names_them(
    command: str, files: dict[str, Any], keeps: list[str]
) -> None:
    assert sorted(left(command, files, env=GO).keeps) == keeps


def test_gobin_and_gopath_say_where_programs_are_installed() -> None:
    assert left("go install", APP, env={"GOBIN": "/out"}).keeps == ("/out/shop",)
    assert left("go install", APP, env={"GOPATH": "/a:/b"}).keeps == ("/a/bin/shop",)
    assert left("go install", APP, env={"HOME": "/root"}).keeps == ("/root/go/bin/shop",)
    assert held("go install", APP, env={**GO, "GOARCH": "arm64"}).code == "product-not-known"


@pytest.mark.parametrize(
    ("command", "files"),
    [
        ("go build -o HOLE .", APP),
        ("go build HOLE", APP),
        ("go build", {"main.go": MAIN}),
        ("go build ./cmd/x", APP),
        ("go build -o bin/ ex.com/other/cmd/x", APP),
    ],
)
def test_a_program_whose_name_is_not_known_is_held(command: str, files: dict[str, Any]) -> None:
    assert held(command, files).code == "product-not-known"


def test_caches_of_the_go_command_are_left_behind() -> None:
    default = ("/go/pkg/mod", "/root/.cache/go-build", "/root/.config/go")
    assert left("go build -o x", APP, env=GO).drops == default
    moved = {"HOME": "/home/bo", "GOMODCACHE": "/mod", "GOCACHE": "/builds"}
    assert left("go build -o x", APP, env=moved).drops == ("/mod", "/builds", "/home/bo/.config/go")


def test_a_program_for_another_system_has_another_name() -> None:
    assert held("go build", APP, env={"GOOS": "windows"}).code == "product-not-known"
    assert left("go build -o x.exe", APP, env={"GOOS": "windows"}).keeps == ("/app/x.exe",)


def test_a_program_named_by_the_command_needs_no_manifest() -> None:
    assert left("go build -o /bin/x", {"main.go": MAIN}).keeps == ("/bin/x",)


@pytest.mark.parametrize("command", ["go run .", "air -c .air.toml"])
def test_a_container_that_builds_keeps_its_tools(command: str) -> None:
    assert held("go build -o x .", APP, [command]).code == "runs-from-sources"


def test_tools_stay_where_the_container_runs_them() -> None:
    tool = "go install github.com/pressly/goose/v3/cmd/goose@v3.1"
    assert left(tool, {}, ["./app"], env=GO).drops[0] == "/go/bin/goose"
    assert left(tool, {}, ["./app"], env=GO).keeps == ()
    assert left(tool, {}, ["goose up", "./app"], env=GO).keeps == ("/go/bin/goose",)
    assert left(tool, {}, running("./app", opaque="a script"), env=GO).keeps
    assert held("go install x.y/a/...@latest", {}, env=GO).code == "product-not-known"


def test_go_get_installed_programs_before_1_18() -> None:
    assert left("go get -d ./...", APP).keeps == ()
    assert left("go get ./...", APP, image=("golang", "1.22")).keeps == ()
    assert left("go get ./...", APP, image=("golang", "latest")).keeps == ()
    assert held("go get ./...", APP, image=("golang", "1.17")).code == "product-not-known"
    assert held("go get ./...", APP, image=None).code == "product-not-known"


NET = MAIN.replace('"fmt"', '"net/http"')
STATIC = '-linkmode external -extldflags "-static"'


@pytest.mark.parametrize(
    ("command", "env", "source", "linking"),
    [
        ("go build -o x", {"CGO_ENABLED": "0"}, NET, "static"),
        ("go build -o x", {}, NET, "dynamic"),
        ("go build -o x", {"CGO_ENABLED": "1"}, NET, "unknown"),
        ("go build -o x", {}, MAIN, "unknown"),
        ("go build -o x", {}, MAIN.replace('"fmt"', '"C"'), "dynamic"),
        ("go build -o x -buildmode=pie", {"CGO_ENABLED": "0"}, NET, "unknown"),
        ("go build -o x", {"CGO_ENABLED": "0", "GOFLAGS": "-buildmode=pie"}, NET, "unknown"),
        ("go build -o x -ldflags '-extldflags \"-static\"'", {}, NET, "dynamic"),
        (f"go build -o x -ldflags '{STATIC}'", {}, NET, "dynamic"),
        (f"go build -o x -tags netgo,osusergo -ldflags '{STATIC}'", {}, NET, "static"),
    ],
)  # fmt: skip
def test_linking_is_static_where_that_is_shown(
    command: str, env: dict[str, str], source: str, linking: str
) -> None:
    assert left(command, {**APP, "main.go": source}, env=env).linking == linking


def test_a_module_that_is_compiled_with_c_is_dynamic() -> None:
    mod = APP["go.mod"] + "require github.com/mattn/go-sqlite3 v1.14.22\n"

    assert left("go build -o x", {**APP, "go.mod": mod}).linking == "dynamic"


@pytest.mark.parametrize(
    ("source", "needs"),
    [
        (MAIN, set()),
        (NET, set()),
        (NET.replace("fmt.Println()", 'http.Get("https://x")'), {"certificates"}),
        (MAIN.replace('"fmt"', 'web "net/http"'), {"certificates"}),
        (MAIN.replace('import "fmt"', 'import (\n\t. "net/http"\n)'), {"certificates"}),
        (MAIN.replace('"fmt"', '"net/smtp"'), {"certificates"}),
        (MAIN.replace('"fmt"', '"plugin"'), {"certificates"}),
        (MAIN.replace('"fmt"', '"C"'), {"certificates"}),
        (MAIN.replace("fmt.Println()", 'time.LoadLocation("UTC")'), {"time zones"}),
        (MAIN.replace('"fmt"', '"time"\nimport _ "time/tzdata"'), set()),
        (MAIN.replace('"fmt"', '"os/user"'), {"users"}),
    ],
)
def test_needs_are_told_from_the_sources(source: str, needs: set[str]) -> None:
    assert left("go build -o x", {**APP, "main.go": source}).needs == needs


def test_other_modules_may_need_anything() -> None:
    mod = APP["go.mod"] + "require ex.com/other v1.0.0\n"

    assert left("go build -o x", {**APP, "go.mod": mod}).needs == {
        "certificates", "time zones", "users",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("command", "more", "env"),
    [
        ("go build -o x", {"go.work": "go 1.24\nuse .\n"}, {}),
        ("go build -o x", {}, {"GOWORK": "/all/go.work"}),
        ("go build -modfile=other.mod -o x", {}, {}),
        ("go build -o x", {}, {"GOFLAGS": "-modfile=other.mod"}),
    ],
)
def test_modules_that_this_go_mod_does_not_name_may_need_anything(
    command: str, more: dict[str, str], env: dict[str, str]
) -> None:
    assert len(left(command, {**APP, **more}, env=env).needs) == 3


@pytest.mark.parametrize("quote", ['"', "`"])
def test_packages_that_the_program_imports_count(quote: str) -> None:
    main = f"package main\n/*\ntype of program\n*/\nimport {quote}ex.com/shop/in{quote}\n"
    inner = 'package in\nimport "net/smtp"\n'
    files = {**APP, "main.go": main + "func main() {}\n", "in/in.go": inner}

    assert left("go build -o x", files).needs == {"certificates"}


FULL = {
    **CMDS,
    "Dockerfile": "", "README.md": "", ".github/workflows/ci.yml": "", ".golangci.yml": "",
    "go.sum": "", "templates/page.html": "", "static/app.js": "", "migrations/1_init.sql": "",
    "config.yaml": "", "LICENSE": "", "store/store_test.go": "", "store/queries.sql": "",
    "Makefile": "", "templates/README.md": "", "uploads/.gitignore": "*", "logs/.gitkeep": "",
}  # fmt: skip


def test_what_the_program_may_read_stays() -> None:
    found = left("go build -o server ./cmd/api", FULL, ["./server"])

    assert found.build_only is not None
    assert set(found.build_only) == {
        "/app/Dockerfile", "/app/README.md", "/app/.github", "/app/.golangci.yml", "/app/go.mod",
        "/app/go.sum", "/app/Makefile", "/app/cmd", "/app/_old", "/app/nested",
        "/app/store/store.go", "/app/store/store_test.go", "/app/templates/README.md",
    }  # fmt: skip


def test_what_a_command_names_stays() -> None:
    found = left("go build -o server ./cmd/api", FULL, ["./server --docs=README.md --x cmd"])

    assert found.build_only is not None
    assert not {"/app/README.md", "/app/cmd"} & set(found.build_only)


@pytest.mark.parametrize("command", ["./server --root .", "./server /app", "make run"])
def test_nothing_is_left_out_where_all_may_be_read(command: str) -> None:
    assert left("go build -o server ./cmd/api", FULL, [command]).build_only is None


def test_a_program_that_reads_go_keeps_its_sources() -> None:
    source = MAIN.replace('"fmt"', '"go/parser"')

    assert left("go build -o x", {**APP, "main.go": source}).build_only is None


def test_a_build_in_a_folder_leaves_out_what_lies_beside_it() -> None:
    files = {"README.md": "", **{f"server/{name}": text for name, text in APP.items()}}
    found = left("go build -o /bin/x .", files, directory="/app/server")

    assert found.build_only == ("/app/README.md", "/app/server")


def test_vendored_modules_are_for_the_build() -> None:
    files = {**APP, "vendor/modules.txt": "", "vendor/ex.com/a/LICENSE": ""}
    found = left("go build -o /bin/x .", files)

    assert found.build_only is not None
    assert "/app/vendor" in found.build_only


def test_commands_that_run_code_have_no_answer() -> None:
    assert asked("go generate ./...", APP) is None
    assert asked("go run ./gen", APP) is None


def test_packages_of_the_module_count_where_they_are_imported() -> None:
    imports = MAIN.replace('"fmt"', '"ex.com/shop/store"')
    files = {**CMDS, "cmd/api/main.go": imports, "store/store.go": 'package store\nimport "net"\n'}

    assert left("go build -o x ./cmd/api", files).linking == "dynamic"
    assert left("go build -o x ./cmd/worker", files).linking == "unknown"


def test_a_container_that_works_elsewhere_needs_nothing_of_the_sources() -> None:
    def spare(command: str, source: str = MAIN, directory: str = "/", **env: str) -> Any:
        files = {
            **APP,
            "main.go": source,
            "templates/a.html": "",
            "config.yaml": "a: b\n",
            "Dockerfile": "WORKDIR /src\n",
        }
        container = running(command, directory=directory)
        calls = tuple(replace(each, env=env) for each in container.calls)
        state = replace(container, calls=calls)
        found = left("go build -o /out/x .", {f"/src/{k}": v for k, v in files.items()}, state,
                     directory="/src")  # fmt: skip
        return set(found.build_only or ())

    whole = {"/src/Dockerfile", "/src/config.yaml", "/src/go.mod", "/src/main.go", "/src/templates"}
    some = {"/src/Dockerfile", "/src/go.mod", "/src/main.go"}
    assert spare("/out/x", directory="/data") == whole
    assert spare("/out/x", directory="/src") == some
    assert spare("/out/x") == some
    assert spare("/out/x -c /src/config.yaml", directory="/data") == some
    assert spare("/out/x", directory="/data", TEMPLATES="/src/templates") == some
    assert spare("/out/x", MAIN + '// "/src/templates"', directory="/data") == some
    assert spare("/out/x", MAIN + "// /srcs", directory="/data") == whole
    assert spare("/out/x", MAIN + "runtime.Caller(0)", directory="/data") == some


def embedding(directive: str, body: str) -> str:
    return (
        f'package main\n\nimport "embed"\n\n//go:embed {directive}\nvar files embed.FS\n\n{body}\n'
    )


@pytest.mark.parametrize(
    ("directive", "body", "spared"),
    [
        ("static", "", ["static"]),
        ("static templates/*.html", "", ["static", "templates"]),
        ("all:static", "", ["static"]),
        ("*.yaml", "", ["config.yaml"]),
        ("static", 'var x, _ = fs.Sub(files, "static")', ["static"]),
        ("templates/*.html", 'var x = template.ParseFS(files, "templates/*.html")', ["templates"]),
        ("static", 'var x, _ = files.ReadFile("static/app.js")', ["static"]),
        ("static", 'func f() { http.Handle("/static/", nil) }', ["static"]),
        ("static", 'var x, _ = os.ReadFile("static/app.js")', []),
        ("static", 'var dir = "./static"', []),
        ("static", 'var x = os.DirFS("static")', []),
        ("static", 'var x, _ = os.Open("static")', []),
        ("templates/*.html", 'func f() { router.LoadHTMLGlob("templates/*") }', []),
        ("hidden", "", []),
        ("*/*.html", "", []),
        ("absent", "", []),
    ],
)
def test_embedded_files_are_for_the_build_alone(
    directive: str, body: str, spared: list[str]
) -> None:
    files = {
        **APP, "main.go": embedding(directive, body), "static/app.js": "", "config.yaml": "",
        "templates/page.html": "", "hidden/.secret": "", "hidden/a": "",
    }  # fmt: skip
    found = left("go build -o x .", files)

    assert set(found.build_only or ()) == {
        "/app/go.mod", "/app/main.go", *(f"/app/{name}" for name in spared)
    }  # fmt: skip


def test_embedded_files_that_the_container_names_stay() -> None:
    files = {**APP, "main.go": embedding("static", ""), "static/app.js": ""}
    named = running("./x --dir static")
    told = replace(running("./x"), calls=(replace(running("./x").calls[0], env={"D": "./static"}),))

    for container in (named, told):
        assert left("go build -o x .", files, container).build_only == (
            "/app/go.mod", "/app/main.go",
        )  # fmt: skip
