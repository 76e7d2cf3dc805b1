"""What files of the repository run in images that they build, and start from them."""

from __future__ import annotations

from pathlib import Path

import pytest

from optimizer.context.find import FoundContext, find_contexts
from tests.context.repositories import lay_out

WORKFLOW = ".github/workflows/ci.yml"


def found(tmp_path: Path, text: str, dockerfile: str = "Dockerfile") -> FoundContext:
    """Returns the only way in which the Dockerfile is built."""
    lay_out(tmp_path, text + "\n== Dockerfile\nFROM debian\n")
    (only,) = find_contexts(tmp_path / dockerfile, tmp_path).found
    return only


def steps(*runs: str, job: str = "") -> str:
    lines = "".join(f"      - run: {run}\n" for run in runs)
    return f"== {WORKFLOW}\njobs:\n  test:\n{job}    steps:\n{lines}"


COMMANDS = {
    "a command in the image": ("docker run --rm app npm test", ("npm", "test")),
    "options with values": (
        "docker run -e A=b -v $PWD:/app --network host app npm test", ("npm", "test")
    ),
    "short options together": ("docker run -itu 1000 app npm test", ("npm", "test")),
    "the container's verb": ("docker container run app npm test", ("npm", "test")),
    "another engine": ("podman run app npm test", ("npm", "test")),
    "a tag that is meant": ("docker run app:latest npm test", ("npm", "test")),
    "arguments with options of their own": ("docker run app pytest -v -x", ("pytest", "-v", "-x")),
}  # fmt: skip


@pytest.mark.parametrize(("run", "words"), COMMANDS.values(), ids=COMMANDS)
def test_commands_that_run_in_the_image(tmp_path: Path, run: str, words: tuple[str, ...]) -> None:
    only = found(tmp_path, steps("docker build -t app .", run))

    (service,) = only.services
    assert service.command == words
    assert service.place("command") == f"{WORKFLOW}:jobs.test.steps[1]"


def test_an_entry_point_of_the_command_line_counts(tmp_path: Path) -> None:
    only = found(tmp_path, steps("docker build -t app .", "docker run --entrypoint=npm app test"))

    assert [(each.entrypoint, each.command) for each in only.services] == [(("npm",), ("test",))]


ELSEWHERE = {
    "the command runs outside": "npm test",
    "another image": "docker run other npm test",
    "another tag": "docker run app:dev npm test",
    "the image's own command": "docker run app",
    "a prompt for people": "docker run -it app bash",
    "a command that only the call decides": "docker run app $CMD",
    "a word that only looks like it": "echo docker run app npm test",
}


@pytest.mark.parametrize("run", ELSEWHERE.values(), ids=ELSEWHERE)
def test_commands_that_say_nothing(tmp_path: Path, run: str) -> None:
    assert found(tmp_path, steps("docker build -t app .", run)).services == ()


def test_names_with_unknown_parts_agree_within_a_file(tmp_path: Path) -> None:
    name = "ghcr.io/${{ github.repository }}:${{ github.sha }}"

    only = found(tmp_path, steps(f"docker build -t {name} .", f"docker run {name} npm test"))

    assert [each.command for each in only.services] == [("npm", "test")]


def test_the_last_build_of_a_name_above_is_run(tmp_path: Path) -> None:
    lay_out(
        tmp_path,
        steps(
            "docker build -t app --target test .",
            "docker run app npm test",
            "docker build -t app .",
        )
        + "== Dockerfile\nFROM debian AS test\nFROM debian\n",
    )

    ways = find_contexts(tmp_path / "Dockerfile", tmp_path).found

    assert {each.target: len(each.services) for each in ways} == {"test": 1, None: 0}


def test_the_action_that_builds_names_the_image(tmp_path: Path) -> None:
    text = f"""== {WORKFLOW}
jobs:
  test:
    steps:
      - uses: docker/build-push-action@v6
        with:
          load: true
          tags: |
            example/app:ci
            example/app:latest
      - run: docker run example/app:ci npm run lint
"""

    assert [each.command for each in found(tmp_path, text).services] == [("npm", "run", "lint")]


@pytest.mark.parametrize(
    "container", ["container: example/app:1", "container:\n      image: example/app:1"]
)
def test_a_job_in_the_image(tmp_path: Path, container: str) -> None:
    job = f"    {container}\n"
    text = steps("npm test", job=job) + (
        "== .github/workflows/image.yml\njobs:\n  build:\n    steps:\n"
        "      - run: docker build -t example/app:1 .\n"
    )

    (service,) = found(tmp_path, text).services

    assert service.entrypoint == ("/bin/sh", "-c", "npm test")
    assert service.place("entrypoint") == f"{WORKFLOW}:jobs.test.steps[0]"


def test_a_gitlab_job_in_the_image(tmp_path: Path) -> None:
    text = """== .gitlab-ci.yml
build:
  image: docker
  script: docker build -t $CI_REGISTRY_IMAGE:$CI_COMMIT_SHA .
unit:
  image: $CI_REGISTRY_IMAGE:$CI_COMMIT_SHA
  script:
    - npm run lint
    - npm test
"""

    (service,) = found(tmp_path, text).services

    assert service.entrypoint == ("/bin/sh", "-c", "npm run lint\nnpm test")
    assert service.place("entrypoint") == ".gitlab-ci.yml:unit.script"


def test_a_gitlab_job_in_another_image(tmp_path: Path) -> None:
    text = """== .gitlab-ci.yml
build:
  script: docker build -t $CI_REGISTRY_IMAGE:$CI_COMMIT_SHA .
unit:
  image: node:22
  script: npm test
"""

    assert found(tmp_path, text).services == ()


@pytest.mark.parametrize(
    "call",
    [
        "docker compose run --rm web pytest -q",
        "docker-compose run -e A=b web pytest -q",
        "docker compose -f compose.yaml exec -T web pytest -q",
        "cd . && docker compose run web pytest -q",
    ],
)
def test_a_service_that_is_run_otherwise(tmp_path: Path, call: str) -> None:
    compose = "== compose.yaml\nservices:\n  web:\n    build: .\n"

    only = found(tmp_path, compose + steps(call))

    said = only.services[-1]
    assert (said.entrypoint or ()) + (said.command or ()) == ("pytest", "-q")
    assert said.place("command") == f"{WORKFLOW}:jobs.test.steps[0]"


def test_a_service_of_the_same_name_elsewhere_is_not_meant(tmp_path: Path) -> None:
    text = (
        "== compose.yaml\nservices:\n  web:\n    build: .\n"
        "== b/compose.yaml\nservices:\n  web:\n    build: .\n== b/Dockerfile\nFROM debian\n"
    )

    only = found(tmp_path, text + steps("cd b && docker compose run web pytest"))

    assert [each.command for each in only.services] == [None]


def test_a_makefile_runs_tests_in_the_image(tmp_path: Path) -> None:
    text = (
        "== Makefile\nIMAGE = shop\nbuild:\n\tdocker build -t $(IMAGE) .\n"
        "test:\n\tdocker run --rm $(IMAGE) npm test\n"
    )

    (service,) = found(tmp_path, text).services

    assert service.command == ("npm", "test")
    assert service.place("command") == "Makefile:5"


def test_what_a_readme_tells_people_to_run_says_nothing(tmp_path: Path) -> None:
    text = "== README.md\n```sh\ndocker build -t app .\ndocker run app npm test\n```\n"

    assert found(tmp_path, text).services == ()


BASES = {
    "FROM": ("FROM shop/base:1\n", 1),
    "FROM with a name": ("# x\nFROM --platform=linux/amd64 shop/base:1 AS web\n", 2),
    "an argument": ("ARG BASE=shop/base:1\nFROM ${BASE}\n", 2),
    "an argument for a part": ("ARG TAG=1\nFROM shop/base:$TAG\n", 2),
    "files of it": ("FROM debian\nCOPY --chown=1 --from=shop/base:1 /app /app\n", 2),
}


@pytest.mark.parametrize(("text", "line"), BASES.values(), ids=BASES)
@pytest.mark.parametrize(
    "said",
    [
        "== compose.yaml\nservices:\n  base:\n    build: .\n    image: shop/base:1\n",
        "== Makefile\nbase:\n\tdocker build --tag=shop/base:1 .\n",
        "== hack/build.sh\ndocker build -t docker.io/shop/base:1 .\n",
    ],
)
def test_other_dockerfiles_start_from_the_image(
    tmp_path: Path, text: str, line: int, said: str
) -> None:
    only = found(tmp_path, f"{said}== web/Dockerfile\n{text}")

    assert only.dependents == (f"web/Dockerfile:{line}",)


@pytest.mark.parametrize(
    "text",
    [
        "FROM shop/base:2\n",
        "FROM debian AS shop\nFROM shop\n",
        "FROM debian\n# FROM shop/base:1\n",
        "ARG BASE\nFROM ${BASE}\n",
    ],
)
def test_other_dockerfiles_that_start_elsewhere(tmp_path: Path, text: str) -> None:
    said = (
        "== compose.yaml\nservices:\n  base:\n    build: .\n    image: shop/base:1\n"
        "== Makefile\nx:\n\tdocker build -t shop .\n"
    )

    assert found(tmp_path, f"{said}== web/Dockerfile\n{text}").dependents == ()


def test_a_dockerfile_is_not_its_own_base(tmp_path: Path) -> None:
    lay_out(
        tmp_path,
        "== compose.yaml\nservices:\n  a:\n    build: .\n    image: redis\n"
        "== Dockerfile\nFROM redis\n",
    )

    (only,) = find_contexts(tmp_path / "Dockerfile", tmp_path).found

    assert only.dependents == ()


def test_many_names_and_uses_are_bounded(tmp_path: Path) -> None:
    lines = "docker build -t app .\n" * 60
    only = found(tmp_path, f"== build.sh\n{lines}" + "docker run app npm test\n" * 300)

    assert len(only.services) <= 60
