"""Builds in Makefiles, scripts, and commands that are written for people."""

from __future__ import annotations

from pathlib import Path

import pytest

from optimizer.context.find import OWN_FOLDER
from tests.context.repositories import Answer, Repository

_MAKEFILES = [
    pytest.param("all:\n\tdocker build app", 2, id="plain"),
    pytest.param("all:\n\t@-docker build app", 2, id="recipe-prefixes"),
    pytest.param("all:\n\tcd app && docker build .", 2, id="cd"),
    pytest.param("all:\n\tcd other\n\tdocker build app", 3, id="a-shell-for-each-line"),
    pytest.param("all:\n\tdocker build \\\n\t  --pull \\\n\t  app", 2, id="continued"),
    pytest.param("D = app\nall:\n\tdocker build $(D)", 3, id="variable"),
    pytest.param("D := app\nall:\n\tdocker build ${D}", 3, id="braces"),
    pytest.param("D ?= app # where\nall:\n\tdocker build $(D)", 3, id="default-with-comment"),
    pytest.param("export D=app\nall:\n\tdocker build $(D)", 3, id="exported"),
    pytest.param("D = $(E)\nE = app\nall:\n\tdocker build $(D)", 4, id="deferred"),
    pytest.param("DOCKER ?= docker\nall:\n\t$(DOCKER) build app", 3, id="the-engine"),
    pytest.param("B = docker build\nB += --pull\nall:\n\t$(B) app", 4, id="appended"),
    pytest.param("all:\n\tdocker build $(CURDIR)/app", 2, id="curdir"),
    pytest.param("R := $(shell pwd)\nall:\n\tdocker build $(R)/app", 3, id="shell-pwd"),
    pytest.param("all:\n\tdocker build $$(pwd)/app", 2, id="pwd-of-the-shell"),
    pytest.param("all:\n\tdocker build $$PWD/app", 2, id="variable-of-the-shell"),
    pytest.param(
        "R := $(dir $(abspath $(lastword $(MAKEFILE_LIST))))\nall:\n\tdocker build $(R)app",
        3,
        id="makefile-list",
    ),
    pytest.param(
        "R = $(shell git rev-parse --show-toplevel)\nall:\n\tdocker build $(R)/app", 3, id="git"
    ),
    pytest.param("ifdef X\nendif\nD = app\nall:\n\tdocker build $(D)", 5, id="behind-a-condition"),
    pytest.param("all: ; true\nb:\n\tif true; then docker build app; fi", 3, id="condition"),
]


@pytest.mark.parametrize(("text", "line"), _MAKEFILES)
def test_a_makefile(tmp_path: Path, text: str, line: int) -> None:
    repository = Repository(tmp_path, f"== Dockerfile\n== app/Dockerfile\n== Makefile\n{text}\n")
    assert repository.places("app/Dockerfile") == [("app", f"Makefile:{line}")]
    assert repository.places("Dockerfile") == [(".", OWN_FOLDER)]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("all:\n\tdocker build $(D)", id="nobody-sets-it"),
        pytest.param("ifdef X\nD = a\nendif\nall:\n\tdocker build $(D)", id="a-condition-does"),
        pytest.param("D = a\nD = b\nall:\n\tdocker build $(D)", id="two-places-do"),
        pytest.param("all: D = a\nall:\n\tdocker build $(D)", id="a-target-does"),
        pytest.param("D = $(D)\nall:\n\tdocker build $(D)", id="it-names-itself"),
        pytest.param("D = $(shell find)\nall:\n\tdocker build $(D)", id="a-program-does"),
        pytest.param("D != find\nall:\n\tdocker build $(D)", id="another-program"),
        pytest.param("%:\n\tdocker build $*", id="the-stem"),
        pytest.param("a/%:\n\tdocker build $@", id="the-target"),
        pytest.param("all:\n\tfor d in a b; do docker build $$d; done", id="a-loop"),
    ],
)
def test_what_make_decides_later_is_a_note(tmp_path: Path, text: str) -> None:
    repository = Repository(tmp_path, f"== a/Dockerfile\n== Makefile\n{text}\n")
    assert repository.places("a/Dockerfile") == [("a", OWN_FOLDER)]
    (note,) = repository.notes("a/Dockerfile")
    assert note.startswith("Makefile:")


def test_a_makefile_is_called_in_its_folder_and_a_fragment_from_above(tmp_path: Path) -> None:
    repository = Repository(
        tmp_path,
        """
== sub/Dockerfile
== sub/Makefile
all:
	docker build .
== app/Dockerfile
== mk/docker.mk
image:
	docker build app
""",
    )
    assert repository.places("sub/Dockerfile") == [("sub", "sub/Makefile:2")]
    assert repository.places("app/Dockerfile") == [("app", "mk/docker.mk:2")]


_SCRIPTS = [
    pytest.param("docker build ..", id="from-its-folder"),
    pytest.param("docker build -f Dockerfile .", id="from-the-root"),
    pytest.param('cd "$(dirname "$0")/.." && docker build .', id="dirname"),
    pytest.param('cd "$(dirname "${BASH_SOURCE[0]}")/.."\ndocker build .', id="bash-source"),
    pytest.param("cd `dirname $0`/..\ndocker build .", id="backquotes"),
    pytest.param("cd ${0%/*}/..\ndocker build .", id="suffix-removed"),
    pytest.param(
        'D=$( cd -- "$(dirname -- "$0")" >/dev/null 2>&1 ; pwd -P )\ndocker build "$D/.."', id="pwd"
    ),
    pytest.param('R="$(git rev-parse --show-toplevel)"\ndocker build "$R"', id="git"),
    pytest.param('docker build "$(realpath "$(dirname "$0")/..")"', id="realpath"),
]


@pytest.mark.parametrize("text", _SCRIPTS)
def test_a_script_finds_the_root(tmp_path: Path, text: str) -> None:
    repository = Repository(
        tmp_path, f"== Dockerfile\n== scripts/x\n== scripts/build.sh\n#!/bin/sh\n{text}\n"
    )
    ((context, place),) = repository.places("Dockerfile")
    assert (context, place.partition(":")[0]) == (".", "scripts/build.sh")


def test_the_nearest_folder_that_works_counts(tmp_path: Path) -> None:
    repository = Repository(
        tmp_path,
        "== Dockerfile\n== a/Dockerfile\n== a/b/scripts/build.sh\ndocker build -t x .\n",
    )
    assert repository.places("a/Dockerfile") == [("a", "a/b/scripts/build.sh:1")]
    assert repository.places("Dockerfile") == [(".", OWN_FOLDER)]


@pytest.mark.parametrize(
    ("path", "text", "place"),
    [
        pytest.param("hack/build", "#!/usr/bin/env bash\ndocker build app", ":2", id="shebang"),
        pytest.param("hack/build", "docker build app", None, id="no-shebang"),
        pytest.param("hack/build", "#!/usr/bin/python\ndocker build app", None, id="python"),
        pytest.param(
            "package.json",
            '{"scripts": {"image": "cd app && docker build ."}}',
            ":scripts.image",
            id="package-json",
        ),
        pytest.param("package.json", '{"scripts": ["docker build app"]}', None, id="a-list"),
        pytest.param("package.json", '{"x": "docker build app"}', None, id="another-field"),
        pytest.param("justfile", "d := 'app'\nimage:\n  docker build {{d}}\n", ":3", id="just"),
        pytest.param(
            "justfile",
            "image:\n  docker build {{justfile_directory()}}/app\n",
            ":2",
            id="just-folder",
        ),
        pytest.param(
            "Taskfile.yml",
            "vars: {D: app}\ntasks: {image: {cmds: [ls, {cmd: 'docker build {{.D}}'}]}}",
            ":tasks.image.cmds[1]",
            id="task",
        ),
        pytest.param(
            "Taskfile.yml",
            "tasks: {image: {dir: app, cmds: [docker build .]}}",
            ":tasks.image.cmds[0]",
            id="task-folder",
        ),
        pytest.param(
            "Taskfile.yml", "tasks: {image: docker build app}", ":tasks.image.cmds[0]", id="short"
        ),
        pytest.param(
            "README.md", "Run\n\n```sh\n$ docker build \\\n    app\n```\n", ":4", id="readme"
        ),
        pytest.param("README.md", "~~~\n# cd app\n# docker build .\n~~~", ":3", id="root-prompt"),
        pytest.param("README.md", "- like so\n  ```console\n  > docker build app", None, id="open"),
        pytest.param("README.md", "Run docker build app\n", None, id="no-fence"),
        pytest.param("README.md", "```yaml\ndocker build app\n```", None, id="other-language"),
        pytest.param("app/Dockerfile", "# docker build app\nFROM x", ":1", id="comment"),
        pytest.param("app/Dockerfile", "#  $ docker build \\\n#  app", ":1", id="two-lines"),
        pytest.param("app/Dockerfile", "# It's `docker build app`.\n", None, id="prose"),
        pytest.param("app/Dockerfile", "RUN docker build app\n", None, id="an-instruction"),
    ],
)
def test_another_file(tmp_path: Path, path: str, text: str, place: str | None) -> None:
    repository = Repository(tmp_path, f"== app/Dockerfile\n== {path}\n{text}\n")
    expected = OWN_FOLDER if place is None else f"{path}{place}"
    assert repository.places("app/Dockerfile") == [("app", expected)]


_UNDERSTOOD = [
    pytest.param("D=app; docker build $D", id="variable"),
    pytest.param("export D=app\ndocker build ${D}", id="export"),
    pytest.param("docker build ${1:-app}", id="default-of-an-argument"),
    pytest.param(": ${D:=app}\ndocker build $D", id="assigned-default"),
    pytest.param("readonly D='app'\ndocker build \"$D\"", id="readonly"),
    pytest.param("cd app; docker build .", id="cd"),
    pytest.param("(cd other; ls); docker build app", id="subshell"),
    pytest.param("(cd app && docker build .)", id="in-a-subshell"),
    pytest.param("([ -d app ] && cd app && docker build .)", id="test-in-a-subshell"),
    pytest.param("pushd app; docker build .; popd", id="pushd"),
    pytest.param("pushd other; popd; docker build app", id="popd"),
    pytest.param("cd other; cd -; docker build app", id="cd-back"),
    pytest.param("if [ -d x ]; then docker build app; fi", id="condition"),
    pytest.param("if x; then cd other; else docker build app; fi", id="other-branch"),
    pytest.param(
        "D=app\nif x; then if y; then D=b; fi; else docker build $D; fi", id="nested-condition"
    ),
    pytest.param("case $1 in\n build) docker build app ;;\nesac", id="case"),
    pytest.param("case $1 in x) cd other ;; y) docker build app ;; esac", id="case-branches"),
    pytest.param("build() { docker build app; }\nbuild", id="function"),
    pytest.param("function build {\n  cd app\n  docker build .\n}", id="function-keyword"),
    pytest.param("f() { cd other; }\ndocker build app", id="function-that-leaves"),
    pytest.param("f() { { ls; }; cd other; }\ndocker build app", id="group-in-a-function"),
    pytest.param("A=(--pull -f app/Dockerfile)\ndocker build \"${A[@]}\" app", id="array"),
    pytest.param("docker build $OPTIONS app", id="unknown-options"),
    pytest.param("docker build app \"$@\"", id="unknown-words"),
    pytest.param("cat <<EOF\ndocker build .\nEOF\ndocker build app", id="here-document"),
    pytest.param("cat <<-'E'\n\tdocker build .\n\tE\ndocker build app", id="indented"),
    pytest.param("echo docker build .; docker build app", id="echo"),
    pytest.param("# docker build .\ndocker build app # here", id="comments"),
    pytest.param("docker build app > log 2>&1", id="redirections"),
    pytest.param("docker build app | tee log", id="pipe"),
    pytest.param("set -ex; sudo -E docker build app", id="sudo"),
    pytest.param("DOCKER_BUILDKIT=1 docker build app", id="environment"),
    pytest.param("env A=b docker build app", id="env"),
    pytest.param("time docker build app", id="time"),
    pytest.param("if ! docker build app; then exit 1; fi", id="negated"),
    pytest.param("bash -euc 'cd app; docker build .'", id="bash-c"),
    pytest.param("eval \"docker build app\"", id="eval"),
    pytest.param("docker build app || exit 1", id="or-exit"),
    pytest.param("cd app || exit; docker build .", id="cd-or-exit"),
    pytest.param("echo $((1 + 2)) $(date +%s); docker build app", id="other-expansions"),
    pytest.param("for ((i=0; i<3; i++)); do docker build app; done", id="arithmetic-loop"),
    pytest.param("docker build \\\r\n  app\r\n", id="crlf"),
]  # fmt: skip


@pytest.mark.parametrize("text", _UNDERSTOOD)
def test_shell_that_is_understood(tmp_path: Path, text: str) -> None:
    repository = Repository(tmp_path, f"== Dockerfile\n== app/Dockerfile\n== x.sh\n{text}\n")
    ((context, place),) = repository.places("app/Dockerfile")
    assert (context, place.partition(":")[0]) == ("app", "x.sh")
    assert repository.places("Dockerfile") == [(".", OWN_FOLDER)]


_DECIDED_LATER = [
    pytest.param("docker build app/$1", id="argument"),
    pytest.param("docker build $UNSET", id="environment"),
    pytest.param("read D; docker build $D", id="input"),
    pytest.param("D=$(find); docker build $D", id="output"),
    pytest.param("D=app; if x; then D=b; fi; docker build $D", id="condition"),
    pytest.param("D=app; [ -n x ] && D=b; docker build $D", id="test"),
    pytest.param("D=app; x || D=b; docker build $D", id="or"),
    pytest.param("for D in app b; do docker build $D; done", id="loop"),
    pytest.param("while x; do D=app; done; docker build $D", id="while"),
    pytest.param("case x in a) D=app;; esac; docker build $D", id="case"),
    pytest.param("D=app\nb() { docker build $D; }\nD=b\nb", id="before-the-call"),
    pytest.param("D=app\nf() { D=b; }\nf\ndocker build $D", id="by-a-function"),
    pytest.param("D=app; unset D; docker build $D", id="unset"),
    pytest.param("if x; then cd app; fi; docker build .", id="folder"),
    pytest.param("cd $1; docker build .", id="unknown-folder"),
    pytest.param("cd; docker build .", id="home"),
    pytest.param("cd a || cd b; docker build .", id="either-folder"),
]


@pytest.mark.parametrize("text", _DECIDED_LATER)
def test_what_a_script_decides_later_is_a_note(tmp_path: Path, text: str) -> None:
    files = "== Dockerfile\n== app/x/Dockerfile\n== a/b\n"
    repository = Repository(tmp_path, f"{files}== x.sh\n{text}\n")
    assert repository.places("app/x/Dockerfile") == [("app/x", OWN_FOLDER)]
    (note,) = repository.notes("app/x/Dockerfile")
    assert note.startswith("x.sh:")


_COMMANDS = [
    pytest.param("docker build .", Answer(".", "x.sh:1", None, {}), id="docker"),
    pytest.param("docker buildx build .", Answer(".", "x.sh:1", None, {}), id="buildx"),
    pytest.param(
        "docker buildx --builder b build .", Answer(".", "x.sh:1", None, {}), id="builder"
    ),
    pytest.param("docker image build .", Answer(".", "x.sh:1", None, {}), id="image-build"),
    pytest.param("docker -H x --debug build .", Answer(".", "x.sh:1", None, {}), id="global"),
    pytest.param("/usr/bin/docker build .", Answer(".", "x.sh:1", None, {}), id="path"),
    pytest.param("podman build", Answer(".", "x.sh:1", None, {}), id="podman-needs-no-context"),
    pytest.param("buildah bud --layers .", Answer(".", "x.sh:1", None, {}), id="buildah"),
    pytest.param("nerdctl build -q .", Answer(".", "x.sh:1", None, {}), id="nerdctl"),
    pytest.param("depot build --project p .", Answer(".", "x.sh:1", None, {}), id="depot"),
    pytest.param("docker build --target t .", Answer(".", "x.sh:1", "t", {}), id="target"),
    pytest.param("docker build --target=t .", Answer(".", "x.sh:1", "t", {}), id="equals"),
    pytest.param("docker build . --target t", Answer(".", "x.sh:1", "t", {}), id="behind"),
    pytest.param(
        "docker build -t x:y -qf Dockerfile .", Answer(".", "x.sh:1", None, {}), id="short"
    ),
    pytest.param(
        "docker build -f=Dockerfile .", Answer(".", "x.sh:1", None, {}), id="short-equals"
    ),
    pytest.param("docker build --pull --no-cache .", Answer(".", "x.sh:1", None, {}), id="flags"),
    pytest.param(
        "docker build --build-arg A=b=c --build-arg D --build-arg E=$F .",
        Answer(".", "x.sh:1", None, {"A": "b=c", "D": None, "E": None}),
        id="arguments",
    ),
    pytest.param("docker build -- .", Answer(".", "x.sh:1", None, {}), id="end-of-options"),
]


@pytest.mark.parametrize(("command", "answer"), _COMMANDS)
def test_a_command(tmp_path: Path, command: str, answer: Answer) -> None:
    repository = Repository(tmp_path, f"== Dockerfile\n== x.sh\n{command}\n")
    assert repository.answers("Dockerfile") == [answer]


@pytest.mark.parametrize(
    "command",
    [
        pytest.param("docker build - < Dockerfile", id="standard-input"),
        pytest.param("docker build -f - .", id="file-from-standard-input"),
        pytest.param("docker build https://github.com/a/b.git", id="remote"),
        pytest.param("docker build git@github.com:a/b", id="remote-over-ssh"),
        pytest.param("docker build", id="no-context"),
        pytest.param("docker build a b", id="two-contexts"),
        pytest.param("docker compose build .", id="compose"),
        pytest.param("docker run build .", id="run"),
        pytest.param("docker buildx bake build .", id="bake"),
        pytest.param("cargo build .", id="another-program"),
        pytest.param('printf "docker build ."', id="printed"),
        pytest.param("'docker build .'", id="one-word"),
        pytest.param("ssh host docker build .", id="elsewhere"),
        pytest.param("kaniko --destination x", id="kaniko-without-context"),
        pytest.param("kaniko --context git://x", id="kaniko-remote"),
    ],
)
def test_no_build_of_a_folder_here(tmp_path: Path, command: str) -> None:
    repository = Repository(tmp_path, f"== Dockerfile\n== x.sh\n{command}\n")
    assert repository.places("Dockerfile") == [(".", OWN_FOLDER)]
    assert repository.notes("Dockerfile") == []


@pytest.mark.parametrize(
    ("command", "dockerfile"),
    [
        pytest.param("docker build -f docker/x app", "docker/x", id="docker-from-here"),
        pytest.param("podman build -f docker/x app", "docker/x", id="podman-from-here"),
        pytest.param("podman build -f sub/y app", "app/sub/y", id="podman-in-the-context"),
        pytest.param("podman build app", "app/Containerfile", id="podman-default"),
        pytest.param("docker build app", "app/Dockerfile", id="docker-default"),
        pytest.param("kaniko --context app --dockerfile sub/y", "app/sub/y", id="kaniko"),
        pytest.param("kaniko -c . --context-sub-path app -f docker/x", "docker/x", id="kaniko-sub"),
    ],
)
def test_where_the_dockerfile_is_looked_for(tmp_path: Path, command: str, dockerfile: str) -> None:
    files = ("docker/x", "app/sub/y", "app/Containerfile", "app/Dockerfile")
    text = "".join(f"== {file}\n" for file in files)
    repository = Repository(tmp_path, f"{text}== x.sh\n{command}\n")
    for file in files:
        found = repository.places(file)[0]
        assert (found == ("app", "x.sh:1")) == (file == dockerfile)
