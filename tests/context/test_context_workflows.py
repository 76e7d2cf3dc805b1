"""Builds in GitHub workflows."""

from __future__ import annotations

from pathlib import Path

import pytest

from optimizer.context.evidence.build import UNKNOWN
from optimizer.context.evidence.github_expressions import Scope
from optimizer.context.evidence.yaml_text import read_yaml
from optimizer.context.find import OWN_FOLDER
from tests.context.repositories import Answer, Repository

_CI = ".github/workflows/ci.yml"
_STEP = f"{_CI}:jobs.build.steps[0]"

_STEPS = [
    pytest.param("uses: docker/build-push-action@v6", ".", "Dockerfile", id="git-context"),
    pytest.param(
        "uses: docker/build-push-action@v6\n        with: {context: app}",
        "app",
        "app/Dockerfile",
        id="a-context",
    ),
    pytest.param(
        "uses: docker/build-push-action@v6\n        with: {context: app, file: docker/x}",
        "app",
        "docker/x",
        id="the-file-is-seen-from-the-workspace",
    ),
    pytest.param(
        "uses: docker/build-push-action@v6\n        with: {file: docker/x}",
        ".",
        "docker/x",
        id="git-context-with-a-file",
    ),
    pytest.param(
        "uses: docker/build-push-action@v6\n"
        "        with: {context: '{{defaultContext}}:app', file: sub/x}",
        "app",
        "app/sub/x",
        id="git-context-of-a-folder-with-a-file",
    ),
    pytest.param(
        "uses: docker/build-push-action@v6\n        with: {context: '${{ github.workspace }}/app'}",
        "app",
        "app/Dockerfile",
        id="the-workspace",
    ),
    pytest.param(
        "uses: depot/build-push-action@v1\n        with: {context: app}",
        "app",
        "app/Dockerfile",
        id="depot",
    ),
    pytest.param(
        "uses: redhat-actions/buildah-build@v2\n"
        "        with: {context: app, containerfiles: ./docker/x}",
        "app",
        "docker/x",
        id="buildah",
    ),
    pytest.param(
        "uses: mr-smithers-excellent/docker-build-push@v6\n"
        "        with: {directory: app, dockerfile: docker/x}",
        "app",
        "docker/x",
        id="docker-build-push",
    ),
    pytest.param("run: docker build app", "app", "app/Dockerfile", id="run"),
    pytest.param(
        "run: |\n          cd app\n          docker build -f ../docker/x .",
        "app",
        "docker/x",
        id="run-with-cd",
    ),
    pytest.param(
        "run: docker build .\n        working-directory: app",
        "app",
        "app/Dockerfile",
        id="working-directory",
    ),
    pytest.param(
        "run: docker build $DIR\n        env: {DIR: app}", "app", "app/Dockerfile", id="step-env"
    ),
    pytest.param("run: docker build ${{ env.WHERE }}", "app", "app/Dockerfile", id="workflow-env"),
    pytest.param(
        "run: docker build $GITHUB_WORKSPACE/app", "app", "app/Dockerfile", id="workspace-variable"
    ),
    pytest.param(
        "run: |\n          docker buildx build \\\n            --push \\\n            app",
        "app",
        "app/Dockerfile",
        id="continued-lines",
    ),
    pytest.param("uses: ./.github/actions/build", "app", "app/Dockerfile", id="composite"),
]


@pytest.mark.parametrize(("step", "context", "dockerfile"), _STEPS)
def test_a_step(tmp_path: Path, step: str, context: str, dockerfile: str) -> None:
    repository = Repository(
        tmp_path,
        f"""
== Dockerfile
== app/Dockerfile
== app/sub/x
== docker/x
== .github/actions/build/action.yml
inputs: {{dir: {{default: app}}}}
runs:
  steps:
    - run: docker build ${{{{ inputs.dir }}}}
== {_CI}
env: {{WHERE: app}}
on: push
jobs:
  build:
    steps:
      - {step}
""",
    )
    ((found, place),) = repository.places(dockerfile)
    assert found == context
    assert place == _STEP or place.endswith(f"(called from {_CI}:jobs.build)")


def test_everything_an_action_is_given(tmp_path: Path) -> None:
    repository = Repository(
        tmp_path,
        f"""
== Dockerfile
== {_CI}
jobs:
  build:
    steps:
      - uses: docker/build-push-action@v6
        with:
          target: prod
          platforms: linux/amd64, linux/arm64
          build-args: |
            A=1
            B=${{{{ github.sha }}}}
            C
          build-contexts: |
            base=docker-image://alpine
""",
    )
    (found,) = repository.found("Dockerfile")
    assert found.target == "prod"
    assert found.build_args == {"A": "1", "B": None, "C": None}
    assert found.platforms == ("linux/amd64", "linux/arm64")
    assert found.named_contexts == {"base": "docker-image://alpine"}


def test_a_matrix_is_one_build_each(tmp_path: Path) -> None:
    repository = Repository(
        tmp_path,
        f"""
== a/Dockerfile
== b/Dockerfile
== c/Dockerfile
== d/Dockerfile
== {_CI}
jobs:
  build:
    strategy:
      matrix:
        dir: [a, b, c]
        version: [1, 2]
        exclude:
          - {{dir: c}}
          - {{dir: b, version: 2}}
        include:
          - {{dir: a, target: dev}}
          - {{dir: d, version: 9}}
    steps:
      - run: >-
          docker build --build-arg V=${{{{ matrix.version }}}}
          --target=${{{{ matrix.target || 'prod' }}}} ${{{{ matrix.dir }}}}
""",
    )

    def built(name: str) -> list[tuple[str | None, str | None]]:
        answers = repository.answers(f"{name}/Dockerfile")
        return [(a.target, a.build_args.get("V")) for a in answers if a.found_by != OWN_FOLDER]

    assert built("a") == [("dev", "1"), ("dev", "2")]
    assert built("b") == [("prod", "1")]
    assert built("c") == []
    assert built("d") == [("prod", "9")]


def test_a_matrix_of_mappings(tmp_path: Path) -> None:
    repository = Repository(
        tmp_path,
        f"""
== one/Dockerfile.x
== {_CI}
jobs:
  build:
    strategy:
      matrix:
        image:
          - {{dir: one, files: [Dockerfile.x]}}
    steps:
      - uses: docker/build-push-action@v6
        with:
          context: ${{{{ matrix.image['dir'] }}}}
          file: ${{{{ matrix.image.dir }}}}/${{{{ matrix.image.files[0] }}}}
""",
    )
    assert repository.places("one/Dockerfile.x") == [("one", _STEP)]


def test_a_matrix_that_is_computed_is_a_note(tmp_path: Path) -> None:
    repository = Repository(
        tmp_path,
        f"""
== a/Dockerfile
== {_CI}
jobs:
  build:
    strategy: {{matrix: "${{{{ fromJson(needs.x.outputs.m) }}}}"}}
    steps: [{{run: "docker build a/${{{{ matrix.dir }}}}"}}]
""",
    )
    assert repository.places("a/Dockerfile") == [("a", OWN_FOLDER)]
    (note,) = repository.notes("a/Dockerfile")
    assert note.startswith(_STEP)


def test_reusable_workflows_are_read_with_their_callers_inputs(tmp_path: Path) -> None:
    repository = Repository(
        tmp_path,
        f"""
== a/Dockerfile
== b/Dockerfile
== .github/workflows/build.yml
on:
  workflow_call:
    inputs:
      dir: {{required: true, type: string}}
      target: {{type: string, default: prod}}
jobs:
  image:
    steps:
      - uses: docker/build-push-action@v6
        with: {{context: "${{{{ inputs.dir }}}}", target: "${{{{ inputs.target }}}}"}}
== {_CI}
on: push
jobs:
  one:
    uses: ./.github/workflows/build.yml
    with: {{dir: a}}
  two:
    strategy: {{matrix: {{dir: [b]}}}}
    uses: ./.github/workflows/build.yml
    with: {{dir: "${{{{ matrix.dir }}}}", target: dev}}
  again:
    uses: ./.github/workflows/ci.yml
""",
    )
    place = ".github/workflows/build.yml:jobs.image.steps[0] (called from .github/workflows/ci.yml"
    assert repository.answers("a/Dockerfile") == [Answer("a", f"{place}:jobs.one)", "prod", {})]
    assert repository.answers("b/Dockerfile") == [Answer("b", f"{place}:jobs.two)", "dev", {})]
    assert repository.notes("a/Dockerfile") == []


@pytest.mark.parametrize(
    ("checkout", "run", "context"),
    [
        pytest.param("{path: src}", "docker build src/app", "app", id="into-a-folder"),
        pytest.param("{path: src}", "docker build app", None, id="beside-the-folder"),
        pytest.param("{repository: other/one}", "docker build app", None, id="another-repository"),
        pytest.param(
            "{repository: '${{ github.repository }}'}", "docker build app", "app", id="its-own-name"
        ),
    ],
)
def test_checkouts(tmp_path: Path, checkout: str, run: str, context: str | None) -> None:
    repository = Repository(
        tmp_path,
        f"""
== app/Dockerfile
== {_CI}
jobs:
  build:
    steps:
      - uses: actions/checkout@v4
        with: {checkout}
      - run: {run}
""",
    )
    ((found, place),) = repository.places("app/Dockerfile")
    assert (found, place != OWN_FOLDER) == ("app", context is not None)


@pytest.mark.parametrize("folder", [".gitea", ".forgejo"])
def test_relatives_of_github(tmp_path: Path, folder: str) -> None:
    path = f"{folder}/workflows/a.yaml"
    repository = Repository(
        tmp_path, f"== a/Dockerfile\n== {path}\njobs: {{b: {{steps: [{{run: docker build a}}]}}}}\n"
    )
    assert repository.places("a/Dockerfile") == [("a", f"{path}:jobs.b.steps[0]")]


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("matrix.a", "1"),
        ("matrix['a']", "1"),
        ("matrix.none", ""),
        ("matrix.list[1]", "y"),
        ("matrix.list[9]", ""),
        ("matrix.map.key", "k"),
        ("env.NAME", "n"),
        ("env.UNSET", UNKNOWN),
        ("secrets.X", UNKNOWN),
        ("'it''s'", "it's"),
        ("matrix.none || 'b'", "b"),
        ("matrix.a || 'b'", "1"),
        ("matrix.a && 'b'", "b"),
        ("matrix.none && 'b'", ""),
        ("secrets.X || 'b'", UNKNOWN),
        ("matrix.a == '1' && 'yes' || 'no'", "yes"),
        ("matrix.a == '2' && 'yes' || 'no'", "no"),
        ("matrix.a != '2'", "true"),
        ("env.NAME == 'N'", "true"),
        ("secrets.X == 'b' && 'c'", UNKNOWN),
        ("!matrix.none", "true"),
        ("(matrix.none || matrix.a) && 'c'", "c"),
        ("true", "true"),
        ("null", ""),
        ("format('{0}', matrix.a)", UNKNOWN),
        ("format('{0}', (matrix.a)) || 'x'", UNKNOWN),
        ("matrix.a matrix.a", UNKNOWN),
        ("", UNKNOWN),
        ("'open", UNKNOWN),
        ("(" * 500, UNKNOWN),
        ("!" * 500, UNKNOWN),
    ],
)
def test_expressions(expression: str, value: str) -> None:
    (matrix,) = read_yaml("{a: 1, list: [x, y], map: {key: k}}")
    scope = Scope({"matrix": matrix, "env": {"NAME": "n"}}, frozenset({"matrix"}))
    assert scope.expand(f"<${{{{ {expression} }}}}>") == f"<{value}>"


def test_an_endless_workflow_has_an_end(tmp_path: Path) -> None:
    axes = ", ".join(f"a{n}: [{'1, ' * 20}]" for n in range(20))
    jobs = "".join(f"  j{n}: *job\n" for n in range(200))
    repository = Repository(
        tmp_path,
        f"""
== Dockerfile
== {_CI}
x: &job {{strategy: {{matrix: {{{axes}}}}}, steps: [{{run: docker build .}}]}}
jobs:
{jobs}
""",
    )
    (note,) = repository.notes("Dockerfile")
    assert "more" in note
