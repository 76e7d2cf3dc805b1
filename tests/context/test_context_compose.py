"""Builds in Compose files."""

from __future__ import annotations

from pathlib import Path

import pytest

from optimizer.context.find import OWN_FOLDER
from tests.context.repositories import Answer, Repository

_BUILDS = [
    pytest.param(".", ".", "Dockerfile", id="short-form"),
    pytest.param("./api", "api", "api/Dockerfile", id="short-form-of-a-folder"),
    pytest.param("{context: api}", "api", "api/Dockerfile", id="a-context"),
    pytest.param("{dockerfile: Dockerfile.dev}", ".", "Dockerfile.dev", id="no-context"),
    pytest.param("{context: api, dockerfile: ../docker/api}", "api", "docker/api", id="above"),
    pytest.param("{context: ., dockerfile: docker/api}", ".", "docker/api", id="below"),
    pytest.param("{context: ., dockerfile: ./docker//api}", ".", "docker/api", id="untidy-path"),
    pytest.param('{context: ".\\\\api"}', "api", "api/Dockerfile", id="written-on-windows"),
    pytest.param("'${DIR:-api}'", "api", "api/Dockerfile", id="default"),
    pytest.param("'${DIR-api}'", "api", "api/Dockerfile", id="default-if-unset"),
    pytest.param("'${A:-${B:-api}}'", "api", "api/Dockerfile", id="default-in-a-default"),
    pytest.param("'$PWD/api'", "api", "api/Dockerfile", id="the-project-folder"),
    pytest.param("{context: '${FROM_ENV}'}", "api", "api/Dockerfile", id="set-in-dot-env"),
    pytest.param("{context: '${QUOTED}'}", "api", "api/Dockerfile", id="quoted-in-dot-env"),
]


@pytest.mark.parametrize(("build", "context", "dockerfile"), _BUILDS)
def test_a_build_names_context_and_dockerfile(
    tmp_path: Path, build: str, context: str, dockerfile: str
) -> None:
    repository = Repository(
        tmp_path,
        f"""
== Dockerfile
== Dockerfile.dev
== api/Dockerfile
== docker/api
== .env
# paths
FROM_ENV=api
export QUOTED="api" # the API
== compose.yaml
services:
  it:
    build: {build}
""",
    )
    assert repository.places(dockerfile) == [(context, "compose.yaml:services.it.build")]


@pytest.mark.parametrize(
    "build",
    [
        "https://github.com/a/b.git",
        "{context: 'git@github.com:a/b.git'}",
        "{context: ., dockerfile_inline: FROM scratch}",
        "!reset null",
        "[.]",
        "~",
        "{context: [.]}",
        "{context: {a: b}, dockerfile: ~}",
    ],
)
def test_what_builds_no_file_of_here_says_nothing(tmp_path: Path, build: str) -> None:
    repository = Repository(
        tmp_path, f"== x/Dockerfile\n== compose.yml\nservices: {{a: {{build: {build}}}}}\n"
    )
    assert repository.places("x/Dockerfile") == [("x", OWN_FOLDER)]


_ARGUMENTS = [
    pytest.param("{A: b}", {"A": "b"}, id="map"),
    pytest.param("[A=b, 'C=d=e', F]", {"A": "b", "C": "d=e", "F": None}, id="list"),
    pytest.param("{A: , B: ~, C: ''}", {"A": None, "B": None, "C": ""}, id="null-and-empty"),
    pytest.param("{A: 1, B: true, C: 007}", {"A": "1", "B": "true", "C": None}, id="plain"),
    pytest.param("{A: 3.10, B: '3.10'}", {"A": "3.1", "B": "3.10"}, id="floats-lose-their-zero"),
    pytest.param("{A: 1.2.3, B: v1}", {"A": "1.2.3", "B": "v1"}, id="versions"),
    pytest.param("{A: 2024-01-02}", {"A": None}, id="dates-are-go-values"),
    pytest.param("{A: '${X:-1}', B: '$X'}", {"A": "1", "B": None}, id="variables"),
    pytest.param("{A: '${SECRET:-1}'}", {"A": None}, id="dot-env-is-not-told"),
    pytest.param("{A: '$$X'}", {"A": "$X"}, id="escaped-dollar"),
    pytest.param("{A: '${X:?needed}', B: '${X:+y}'}", {"A": None, "B": None}, id="other-forms"),
]


@pytest.mark.parametrize(("arguments", "expected"), _ARGUMENTS)
def test_arguments(tmp_path: Path, arguments: str, expected: dict[str, str | None]) -> None:
    repository = Repository(
        tmp_path,
        f"""
== Dockerfile
== .env
SECRET=hidden
== compose.yaml
services: {{a: {{build: {{context: ., target: t, args: {arguments}}}}}}}
""",
    )
    (found,) = repository.answers("Dockerfile")
    assert found == Answer(".", "compose.yaml:services.a.build", "t", expected)


def test_platforms_and_named_contexts(tmp_path: Path) -> None:
    repository = Repository(
        tmp_path,
        """
== Dockerfile
== compose.yaml
services:
  a:
    platform: linux/arm64
    build:
      context: .
      additional_contexts: {base: ./base, alpine: docker-image://alpine:3}
""",
    )
    (found,) = repository.found("Dockerfile")
    assert found.platforms == ("linux/arm64",)
    assert found.named_contexts == {"base": "./base", "alpine": "docker-image://alpine:3"}


def test_anchors_and_merge_keys(tmp_path: Path) -> None:
    repository = Repository(
        tmp_path,
        """
== app/Dockerfile
== compose.yaml
x-build: &build
  context: app
  args: {A: "1"}
services:
  a:
    build: *build
  b:
    build:
      <<: *build
      target: dev
""",
    )
    assert repository.answers("app/Dockerfile") == [
        Answer("app", "compose.yaml:services.a.build", None, {"A": "1"}),
        Answer("app", "compose.yaml:services.b.build", "dev", {"A": "1"}),
    ]


def test_extends_in_the_same_and_in_another_file(tmp_path: Path) -> None:
    repository = Repository(
        tmp_path,
        """
== lib/app/Dockerfile
== lib/common.yml
services:
  base: {build: {context: ./app, args: {A: "1", B: "2"}}}
== compose.yaml
services:
  one:
    extends: {file: lib/common.yml, service: base}
    build: {args: {B: "3"}, target: t}
  two:
    extends: one
  loop:
    extends: loop
""",
    )
    arguments = {"A": "1", "B": "3"}
    (found,) = repository.answers("lib/app/Dockerfile")
    assert found == Answer("lib/app", "compose.yaml:services.one.build", "t", arguments)


def test_includes(tmp_path: Path) -> None:
    repository = Repository(
        tmp_path,
        """
== infra/db/Dockerfile
== web/Dockerfile
== infra/parts.yaml
include: [../compose.yaml]
services: {db: {build: ./db}}
== infra/web.yaml
services: {web: {build: ./web}}
== compose.yaml
include:
  - infra/parts.yaml
  - path: infra/web.yaml
    project_directory: .
  - missing.yaml
""",
    )
    assert repository.places("infra/db/Dockerfile") == [
        ("infra/db", "infra/parts.yaml:services.db.build")
    ]
    assert repository.places("web/Dockerfile") == [("web", "infra/web.yaml:services.web.build")]


def test_overlays_take_the_rest_from_the_file_they_are_laid_over(tmp_path: Path) -> None:
    repository = Repository(
        tmp_path,
        """
== app/Dockerfile
== app/Dockerfile.dev
== docker-compose.yml
services: {a: {build: {context: app, args: {A: "1"}, target: prod}}}
== docker-compose.override.yml
services: {a: {build: {context: app, args: {B: "2"}}}}
== docker-compose.test.yml
services: {a: {build: {target: test}}}
== docker-compose.dev.yml
services: {a: {build: {context: app, dockerfile: Dockerfile.dev}}}
== docker-compose.reset.yml
services:
  a:
    build:
      target: !reset null
      args: !reset {}
== docker-compose.alone.yml
services:
  a:
    build: !override
      context: app
      target: alone
""",
    )
    assert {
        (a.found_by, a.target, *a.build_args) for a in repository.answers("app/Dockerfile")
    } == {
        ("docker-compose.yml:services.a.build", "prod", "A"),
        ("docker-compose.override.yml:services.a.build", "prod", "A", "B"),
        ("docker-compose.test.yml:services.a.build", "test", "A"),
        ("docker-compose.reset.yml:services.a.build", None),
        ("docker-compose.alone.yml:services.a.build", "alone"),
    }
    (dev,) = repository.answers("app/Dockerfile.dev")
    assert (dev.target, dev.build_args) == (None, {})


@pytest.mark.parametrize(
    ("text", "line"),
    [
        pytest.param("services: [", "line 2", id="open-bracket"),
        pytest.param("services:\n\ta: b", "line 2", id="tab"),
        pytest.param("services: *gone", "gone", id="unknown-alias"),
        pytest.param("services: \x07", "characters", id="control-character"),
        pytest.param("services: {build: " + "[" * 5000, "nested", id="deep"),
    ],
)
def test_a_broken_file_is_a_note(tmp_path: Path, text: str, line: str) -> None:
    repository = Repository(
        tmp_path, f"== sub/Dockerfile\n== Dockerfile\n== sub/compose.yaml\n{text} # build\n"
    )
    (note,) = repository.notes("sub/Dockerfile")
    assert note.startswith("sub/compose.yaml: ")
    assert line in note
    assert repository.notes("Dockerfile") == []


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("services: {a: {build: x}, a: {build: .}}", id="the-last-of-equal-keys"),
        pytest.param("services: {a: !custom {build: .}}", id="an-unknown-tag"),
        pytest.param("services: {a: {build: !!python/object:os.system .}}", id="a-python-tag"),
        pytest.param("services: {a: {build: .}, b: 1, c: [], [x]: y, ? {z: 1} : 2}", id="odd-keys"),
        pytest.param("--- 1\n---\nservices: {a: {build: .}}", id="several-documents"),
        pytest.param("services: {a: {build: &x ., ports: [*x]}}", id="aliases"),
    ],
)
def test_odd_but_readable(tmp_path: Path, text: str) -> None:
    repository = Repository(tmp_path, f"== Dockerfile\n== compose.yaml\n{text}\n")
    assert repository.places("Dockerfile") == [(".", "compose.yaml:services.a.build")]


def test_aliases_of_aliases_are_not_unfolded(tmp_path: Path) -> None:
    levels = "".join(f"x{n}: &x{n} [{f'*x{n - 1}, ' * 9}]\n" for n in range(1, 40))
    repository = Repository(
        tmp_path,
        f"""
== Dockerfile
== compose.yaml
x0: &x0 [build]
{levels}
services: {{a: {{build: {{context: ., args: *x39}}}}}}
""",
    )
    assert repository.places("Dockerfile") == [(".", "compose.yaml:services.a.build")]


def test_merging_has_an_end(tmp_path: Path) -> None:
    wide = ", ".join(f"k{n}: 1" for n in range(2000))
    many = "".join(f"x{n}: {{<<: *w}}\n" for n in range(2000))
    repository = Repository(
        tmp_path, f"== Dockerfile\n== compose.yaml\nw: &w {{{wide}}}\n{many}build: 1\n"
    )
    (note,) = repository.notes("Dockerfile")
    assert "merges too much" in note
