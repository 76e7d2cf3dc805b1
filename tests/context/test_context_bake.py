"""Builds in Bake files."""

from __future__ import annotations

from pathlib import Path

import pytest

from optimizer.context.find import OWN_FOLDER
from tests.context.repositories import Answer, Repository

_BODIES = [
    pytest.param("", ".", "Dockerfile", None, {}, id="defaults"),
    pytest.param('context = "app"', "app", "app/Dockerfile", None, {}, id="a-context"),
    pytest.param(
        'context = "app"\ndockerfile = "../docker/x"', "app", "docker/x", None, {}, id="above"
    ),
    pytest.param(
        'context = "app"\ndockerfile = "cwd://docker/x"', "app", "docker/x", None, {}, id="cwd"
    ),
    pytest.param('context = "${DIR}"', "app", "app/Dockerfile", None, {}, id="a-template"),
    pytest.param("context = DIR", "app", "app/Dockerfile", None, {}, id="a-variable"),
    pytest.param('context = "./${SUB}"', "app", "app/Dockerfile", None, {}, id="by-another"),
    pytest.param('target = "dev"', ".", "Dockerfile", "dev", {}, id="a-target"),
    pytest.param(
        'args = { A = "1", "B" = DIR, C = 3, D = true, E = null, F = UNSET, G = f(DIR) }',
        ".",
        "Dockerfile",
        None,
        {"A": "1", "B": "app", "C": "3", "D": "true", "F": None, "G": None},
        id="arguments",
    ),
    pytest.param(
        'args = { A = "x$${y}\\n\\"z\\"" }',
        ".",
        "Dockerfile",
        None,
        {"A": 'x${y}\n"z"'},
        id="escapes",
    ),
    pytest.param(
        'inherits = ["_base"]', "app", "app/Dockerfile", "base", {"A": "0"}, id="inherits"
    ),
    pytest.param(
        'inherits = ["_base"]\ntarget = "own"\nargs = { B = "1" }',
        "app",
        "app/Dockerfile",
        "own",
        {"A": "0", "B": "1"},
        id="over-what-it-inherits",
    ),
    pytest.param(
        'inherits = ["_base", "_other"]',
        "app",
        "app/Dockerfile",
        "other",
        {"A": "0"},
        id="in-order",
    ),
]


@pytest.mark.parametrize(("body", "context", "dockerfile", "target", "arguments"), _BODIES)
def test_a_target(
    tmp_path: Path,
    body: str,
    context: str,
    dockerfile: str,
    target: str | None,
    arguments: dict[str, str | None],
) -> None:
    repository = Repository(
        tmp_path,
        f"""
== Dockerfile
== app/Dockerfile
== docker/x
== docker-bake.hcl
variable "SUB" {{ default = DIR }}
variable "DIR" {{ default = "app" }}
variable "UNSET" {{}}
target "_base" {{
  context = "app"
  target = "base"
  args = {{ A = "0" }}
}}
target "_other" {{ target = "other" }}
target "it" {{
{body}
}}
""",
    )
    assert repository.answers(dockerfile) == [
        Answer(context, "docker-bake.hcl:target.it", target, arguments)
    ]


def test_platforms_and_named_contexts(tmp_path: Path) -> None:
    repository = Repository(
        tmp_path,
        """
== Dockerfile
== docker-bake.hcl
target "base" {}
target "it" {
  contexts = { base = "target:base" }
  platforms = ["linux/amd64", "linux/arm64"]
  target = "t"
}
""",
    )
    it = repository.found("Dockerfile")[1]
    assert it.platforms == ("linux/amd64", "linux/arm64")
    assert it.named_contexts == {"base": "target:base"}


def test_a_matrix_is_one_build_each(tmp_path: Path) -> None:
    repository = Repository(
        tmp_path,
        """
== one/Dockerfile
== two/Dockerfile
== docker-bake.hcl
target "it" {
  name = "it-${item.dir}"
  matrix = {
    item = [{ dir = "one" }, { dir = "two" }]
    v = ["1", "2"]
  }
  context = item.dir
  args = { V = v }
}
""",
    )
    for name in ("one", "two"):
        answers = repository.answers(f"{name}/Dockerfile")
        assert [(a.context, a.build_args) for a in answers] == [
            (name, {"V": "1"}),
            (name, {"V": "2"}),
        ]


def test_targets_that_only_pass_things_on_are_no_builds(tmp_path: Path) -> None:
    repository = Repository(
        tmp_path,
        """
== Dockerfile
== docker-bake.hcl
group "default" { targets = ["it", "both"] }
target "meta" {}
target "both" { args = { BOTH = "1" } }
target "it" {
  inherits = ["meta", "both"]
  target = "t"
}
""",
    )
    assert [each.found_by for each in repository.answers("Dockerfile")] == [
        "docker-bake.hcl:target.both",
        "docker-bake.hcl:target.it",
    ]


def test_json_and_overrides(tmp_path: Path) -> None:
    repository = Repository(
        tmp_path,
        """
== app/Dockerfile
== docker-bake.json
{"variable": {"V": {"default": "1"}},
 "target": {"it": {"context": "app", "args": {"V": "${V}", "W": "a\\\\b"}}}}
== docker-bake.override.hcl
target "it" { args = { W = "2" } }
== other-bake.hcl
target "more" { inherits = ["it"] }
""",
    )
    assert {(a.found_by, *a.build_args.items()) for a in repository.answers("app/Dockerfile")} == {
        ("docker-bake.json:target.it", ("V", "1"), ("W", "a\\b")),
        ("docker-bake.override.hcl:target.it", ("V", "1"), ("W", "2")),
    }
    (first, _) = repository.found("app/Dockerfile")
    assert first.also == ("other-bake.hcl:target.more",)


def test_it_may_be_called_from_its_folder_or_from_the_root(tmp_path: Path) -> None:
    repository = Repository(
        tmp_path,
        """
== own/Dockerfile.a
== own/docker-bake.hcl
target "a" { dockerfile = "Dockerfile.a" }
target "b" {
  dockerfile = "docker/b"
}
== docker/b
""",
    )
    assert repository.places("own/Dockerfile.a") == [("own", "own/docker-bake.hcl:target.a")]
    assert repository.places("docker/b") == [(".", "own/docker-bake.hcl:target.b")]


@pytest.mark.parametrize(
    "body",
    [
        'context = "https://github.com/a/b.git"',
        'dockerfile-inline = "FROM scratch"',
        "dockerfile-inline = <<EOT\nFROM scratch\nEOT\n",
    ],
)
def test_what_builds_no_file_of_here_says_nothing(tmp_path: Path, body: str) -> None:
    repository = Repository(
        tmp_path, f'== Dockerfile\n== docker-bake.hcl\ntarget "a" {{\n{body}\n}}\n'
    )
    assert repository.places("Dockerfile") == [(".", OWN_FOLDER)]


def test_what_is_computed_is_a_note(tmp_path: Path) -> None:
    repository = Repository(
        tmp_path,
        '== a/Dockerfile\n== docker-bake.hcl\ntarget "a" { context = X != "" ? X : "a" }\n',
    )
    (note,) = repository.notes("a/Dockerfile")
    assert note.startswith("docker-bake.hcl:target.a: ")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        pytest.param("docker-bake.hcl", 'target "a" {', id="open-block"),
        pytest.param("docker-bake.hcl", 'target "a" { args = ' + "[" * 2000, id="deep"),
        pytest.param("docker-bake.hcl", "# target\n" * 20_000, id="large"),
        pytest.param("docker-bake.json", '{"target": ', id="open-json"),
        pytest.param("docker-bake.json", '["target"]', id="no-blocks"),
        pytest.param("docker-bake.json", '{"target":' * 100_000, id="deep-json"),
    ],
)
def test_a_broken_file_is_a_note(tmp_path: Path, name: str, text: str) -> None:
    repository = Repository(tmp_path, f"== Dockerfile\n== {name}\n{text}\n")
    (note,) = repository.notes("Dockerfile")
    assert note.startswith(f"{name}: is no Bake file that can be read")


@pytest.mark.parametrize(
    "text",
    [
        pytest.param('target "a" { inherits = ["a", "a"] }', id="itself"),
        pytest.param(
            "".join(
                f'target "t{n}" {{ inherits = ["t{n + 1}", "t{n + 1}"] }}\n' for n in range(60)
            ),
            id="a-tree-of-parents",
        ),
        pytest.param(
            'variable "v0" { default = "aaaaaaaaaaaaaaaa" }\n'
            + "".join(
                f'variable "v{n + 1}" {{ default = "${{v{n}}}${{v{n}}}" }}\n' for n in range(40)
            )
            + 'target "a" { args = { V = v15 } }',
            id="variables-that-double",
        ),
        pytest.param('variable "v" { default = v }\ntarget "a" { args = { V = v } }', id="v-is-v"),
        pytest.param('target "a" { matrix = { x = 1, y = ["1"], z = [] } }', id="odd-matrix"),
        pytest.param(
            'target = 1\ngroup = "x"\nvariable = [1]\ntarget "a" { args = 1 }', id="types"
        ),
    ],
)
def test_endless_and_odd_files_have_an_end(tmp_path: Path, text: str) -> None:
    repository = Repository(tmp_path, f"== x/Dockerfile\n== docker-bake.hcl\n{text}\n")
    assert repository.places("x/Dockerfile") == [("x", OWN_FOLDER)]
