"""Builds in the pipelines of other CI services."""

from __future__ import annotations

from pathlib import Path

import pytest

from optimizer.context.find import OWN_FOLDER
from tests.context.repositories import Answer, Repository

_GITLAB = [
    pytest.param("script: docker build app", id="one-command"),
    pytest.param("script: [cd app, docker build .]", id="commands-share-a-shell"),
    pytest.param("before_script: [cd app]\n  script: [docker build .]", id="before-script"),
    pytest.param("script: [[cd app], [[docker build .]]]", id="lists-in-lists"),
    pytest.param("script: ['docker build $CI_PROJECT_DIR/app']", id="the-project-folder"),
    pytest.param("variables: {D: app}\n  script: ['docker build $D']", id="job-variable"),
    pytest.param("script: ['docker build ./$SHARED']", id="shared-variable"),
    pytest.param("script: ['docker build $WITH_ROOT']", id="variable-with-a-variable"),
    pytest.param("extends: .hidden", id="extends"),
    pytest.param("extends: [.other, .hidden]\n  variables: {E: app}", id="extends-several"),
    pytest.param("<<: *anchor", id="an-anchor"),
    pytest.param(
        "parallel: {matrix: [{P: [app]}]}\n  script: ['docker build $P']", id="parallel-matrix"
    ),
    pytest.param(
        'script: [\'/kaniko/executor --context "${CI_PROJECT_DIR}/app" '
        "--dockerfile ${CI_PROJECT_DIR}/app/Dockerfile']",
        id="kaniko",
    ),
]


@pytest.mark.parametrize("job", _GITLAB)
def test_a_gitlab_job(tmp_path: Path, job: str) -> None:
    repository = Repository(
        tmp_path,
        f"""
== Dockerfile
== app/Dockerfile
== .gitlab-ci.yml
variables:
  SHARED: {{value: app}}
  WITH_ROOT: $CI_PROJECT_DIR/app
.anchor: &anchor
  script: [docker build app]
.other:
  variables: {{E: elsewhere}}
.hidden:
  variables: {{D: app, E: app}}
  script: ["docker build $E"]
pack:
  {job}
""",
    )
    assert repository.places("app/Dockerfile") == [("app", ".gitlab-ci.yml:pack.script")]
    assert repository.places("Dockerfile") == [(".", OWN_FOLDER)]


_OTHERS = [
    pytest.param(
        ".circleci/config.yml",
        "jobs:\n  b:\n    steps:\n      - run: {command: docker build ., working_directory: app}\n",
        "jobs.b.steps[0].run.command",
        id="circleci-folder",
    ),
    pytest.param(
        ".circleci/config.yml",
        "jobs:\n  b:\n    steps:\n      - run: docker build --target << parameters.t >> app\n",
        "jobs.b.steps[0].run",
        id="circleci-parameter",
    ),
    pytest.param(
        "azure-pipelines.yml",
        "steps:\n- script: docker build $(Build.SourcesDirectory)/app\n",
        "steps[0].script",
        id="azure-script",
    ),
    pytest.param(
        "azure-pipelines.yml",
        "steps:\n- task: Docker@2\n  inputs: {command: build, Dockerfile: app/Dockerfile}\n",
        "steps[0]",
        id="azure-task",
    ),
    pytest.param(
        "ci/azure-pipelines-pr.yml",
        "steps:\n- task: Docker@2\n"
        "  inputs: {Dockerfile: $(Build.SourcesDirectory)/app/Dockerfile, buildContext: app}\n",
        "steps[0]",
        id="azure-task-with-context",
    ),
    pytest.param(".travis.yml", "script:\n- cd app\n- docker build .\n", "script", id="travis"),
    pytest.param(
        "bitbucket-pipelines.yml",
        "pipelines:\n  default:\n  - step:\n      script: [docker build app]\n",
        "pipelines.default[0].step.script",
        id="bitbucket",
    ),
    pytest.param(
        ".drone.yml",
        "steps:\n- image: plugins/docker\n  settings: {context: app, dockerfile: app/Dockerfile}\n",
        "steps[0]",
        id="drone-plugin",
    ),
    pytest.param(
        "cloudbuild.yaml",
        "steps:\n- name: gcr.io/cloud-builders/docker\n  args: [build, -t, x, app]\n",
        "steps[0]",
        id="cloud-build",
    ),
    pytest.param(
        "cloudbuild.yaml",
        "steps:\n- name: gcr.io/cloud-builders/docker\n  dir: app\n  args: [build, .]\n",
        "steps[0]",
        id="cloud-build-folder",
    ),
    pytest.param(
        "cloudbuild.yaml",
        "steps:\n- name: gcr.io/kaniko-project/executor:v1\n"
        "  args: [--context=app, --dockerfile=app/Dockerfile]\n",
        "steps[0]",
        id="cloud-build-kaniko",
    ),
    pytest.param(
        "buildspec.yml",
        "phases:\n  build:\n    commands:\n    - docker build $CODEBUILD_SRC_DIR/app\n",
        "phases.build.commands",
        id="codebuild",
    ),
    pytest.param(
        ".buildkite/pipeline.yml",
        "env: {D: app}\nsteps:\n- command: docker build $D\n",
        "steps[0].command",
        id="buildkite",
    ),
]


@pytest.mark.parametrize(("path", "text", "place"), _OTHERS)
def test_another_service(tmp_path: Path, path: str, text: str, place: str) -> None:
    repository = Repository(tmp_path, f"== Dockerfile\n== app/Dockerfile\n== {path}\n{text}")
    assert repository.places("app/Dockerfile") == [("app", f"{path}:{place}")]
    assert repository.places("Dockerfile") == [(".", OWN_FOLDER)]


_JENKINS = [
    pytest.param("sh 'docker build app'", id="sh"),
    pytest.param('sh "docker build ${env.WORKSPACE}/app"', id="interpolated"),
    pytest.param("sh '''\n  cd app\n  docker build .\n'''", id="long-string"),
    pytest.param('sh """\n  docker build \\\\\n    app\n"""', id="continued-line"),
    pytest.param("sh(script: 'docker build app', returnStdout: true)", id="named-argument"),
    pytest.param("dir('app') {\n  sh 'docker build .'\n}", id="dir"),
    pytest.param("dir('x') {\n  sh 'ls'\n}\nsh 'docker build app'", id="dir-ends"),
    pytest.param("def image = docker.build('x', 'app')", id="docker-build"),
    pytest.param('docker.build("x:${env.ID}", "--pull -f app/Dockerfile app")', id="options"),
    pytest.param("dir('app') { docker.build('x') }", id="docker-build-default"),
    pytest.param("agent { dockerfile { dir 'app' } }", id="agent"),
    pytest.param("agent {\n dockerfile {\n  filename 'Dockerfile'\n  dir 'app'\n }\n}", id="lines"),
    pytest.param(
        "// sh 'docker build .'\n/* sh 'docker build .' */\nsh 'docker build app'", id="c"
    ),
]


@pytest.mark.parametrize("text", _JENKINS)
def test_a_jenkinsfile(tmp_path: Path, text: str) -> None:
    repository = Repository(
        tmp_path, f"== Dockerfile\n== app/Dockerfile\n== Jenkinsfile\nnode {{\n{text}\n}}\n"
    )
    ((context, place),) = repository.places("app/Dockerfile")
    assert context == "app"
    assert place.startswith("Jenkinsfile:")
    assert repository.places("Dockerfile") == [(".", OWN_FOLDER)]


def test_an_agent_from_the_root(tmp_path: Path) -> None:
    repository = Repository(
        tmp_path, "== Dockerfile\n== Jenkinsfile\npipeline { agent { dockerfile true } }\n"
    )
    assert repository.places("Dockerfile") == [(".", "Jenkinsfile:1")]


_SKAFFOLD = """
apiVersion: skaffold/v4beta11
build:
  artifacts:
    - image: one
      context: app
      docker: {dockerfile: ../docker/x, target: t, buildArgs: {A: "1", B: "{{.B}}"}}
    - image: two
      context: app
    - image: three
      context: other
      buildpacks: {builder: b}
profiles:
  - name: dev
    build: {artifacts: [{image: one, context: app, kaniko: {target: dev}}]}
"""


def test_skaffold(tmp_path: Path) -> None:
    repository = Repository(
        tmp_path,
        f"== app/Dockerfile\n== docker/x\n== other/Dockerfile\n== skaffold.yaml\n{_SKAFFOLD}",
    )
    assert repository.answers("docker/x") == [
        Answer("app", "skaffold.yaml:build.artifacts[0]", "t", {"A": "1", "B": None})
    ]
    assert [(a.context, a.target) for a in repository.answers("app/Dockerfile")] == [
        ("app", None),
        ("app", "dev"),
    ]
    assert repository.places("other/Dockerfile") == [("other", OWN_FOLDER)]


@pytest.mark.parametrize(
    ("path", "text", "context"),
    [
        pytest.param(
            ".devcontainer/devcontainer.json",
            '{"build": {"dockerfile": "Dockerfile"}}',
            ".devcontainer",
            id="beside-it",
        ),
        pytest.param(
            ".devcontainer/devcontainer.json",
            '// comment\n{"build": {"dockerfile": "Dockerfile", /* up */ "context": "..",},}',
            ".",
            id="comments-and-trailing-commas",
        ),
        pytest.param(
            ".devcontainer/devcontainer.json",
            '{"dockerFile": "Dockerfile", "context": ".."}',
            ".",
            id="the-old-form",
        ),
        pytest.param(
            ".devcontainer.json",
            '{"build": {"dockerfile": ".devcontainer/Dockerfile", '
            '"context": "${localWorkspaceFolder}"}}',
            ".",
            id="the-workspace",
        ),
    ],
)
def test_dev_containers(tmp_path: Path, path: str, text: str, context: str) -> None:
    repository = Repository(tmp_path, f"== .devcontainer/Dockerfile\n== {path}\n{text}\n")
    assert repository.places(".devcontainer/Dockerfile") == [(context, f"{path}:build")]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (".gitlab-ci.yml", "script: [docker build"),
        (".circleci/config.yml", "run: 'docker build"),
        (".github/workflows/a.yml", "run: 'docker build"),
        ("skaffold.yaml", "artifacts: ["),
        ("Taskfile.yml", "tasks: [docker build"),
        ("package.json", '{"scripts": {"a": "docker build ."'),
        (".devcontainer/devcontainer.json", '{"dockerFile": '),
    ],
)
def test_a_broken_file_is_a_note(tmp_path: Path, path: str, text: str) -> None:
    repository = Repository(
        tmp_path, f"== Dockerfile\n== .devcontainer/Dockerfile\n== {path}\n{text}\n"
    )
    (note,) = repository.notes(".devcontainer/Dockerfile")
    assert note.startswith(f"{path}: is no ")


def test_aliases_of_aliases_are_not_unfolded(tmp_path: Path) -> None:
    levels = "".join(f"x{n}: &x{n} [{f'*x{n - 1}, ' * 9}]\n" for n in range(1, 40))
    text = f"x0: &x0 [docker build .]\n{levels}job: {{script: *x39}}\n"
    repository = Repository(
        tmp_path, f"== Dockerfile\n== .gitlab-ci.yml\n{text}== .travis.yml\n{text}"
    )
    (found,) = repository.found("Dockerfile")
    assert (found.found_by, found.also) == (".gitlab-ci.yml:job.script", (".travis.yml:x0",))
