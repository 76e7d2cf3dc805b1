"""What CI systems run: the action, the template for GitLab, the hooks for pre-commit, the image."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

import pytest
import yaml

from optimizer.context.dockerfiles import has_dockerfile_name
from optimizer.context.tree import BuildContext
from tests.surfaces.shops import FILES
from tests.surfaces.test_surfaces_cli import dockopt

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
Done: TypeAlias = subprocess.CompletedProcess[str]


def document(name: str) -> Any:
    return yaml.safe_load((ROOT / name).read_text("utf-8"))


def steps() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = document("action.yml")["runs"]["steps"]
    return found


@pytest.mark.parametrize(
    "words",
    [
        ["vendor.github-actions", "action.yml"],
        ["vendor.gitlab-ci", "--data-transform", "gitlab-ci", ".gitlab/dockopt.gitlab-ci.yml"],
    ],
    ids=["action", "gitlab"],
)
def test_schemas_hold(words: list[str]) -> None:
    command = [str(BIN / "check-jsonschema"), "--builtin-schema", *words]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_no_input_is_text_of_a_script() -> None:
    for step in steps():
        assert "${{" not in step.get("run", "")


def test_every_input_is_used() -> None:
    text = json.dumps(document("action.yml")["runs"])
    for name in document("action.yml")["inputs"]:
        assert f"inputs.{name} " in text
    for step in steps():
        for name in step.get("env", ()):
            assert name.startswith(("REVIEWDOG_", "DOCKOPT_TOKEN")) or f"${name}" in step["run"]


def run(step: Mapping[str, Any], folder: Path, programs: str, /, **inputs: str) -> Done:
    """Runs a step of the action as the runner does, with ``programs`` for PATH."""
    known = document("action.yml")["inputs"]
    given = {name: str(each["default"]) for name, each in known.items()}
    given |= {name.replace("_", "-"): value for name, value in inputs.items()}
    assert given.keys() == known.keys()
    environment = {
        **os.environ,
        "PATH": programs,
        "RUNNER_TEMP": str(folder.parent),
        "GITHUB_OUTPUT": str(folder.parent / "output"),
        "GITHUB_STEP_SUMMARY": str(folder.parent / "summary"),
        **{
            name: re.sub(r"\$\{\{ inputs\.([\w-]+) \}\}", lambda found: given[found[1]], value)
            for name, value in step["env"].items()
        },
    }
    return subprocess.run(
        ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c", step["run"]],
        cwd=folder, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip


def look(folder: Path, **inputs: str) -> tuple[Done, str, str]:
    """Runs the action's main step; returns it, its output and its summary."""
    (step,) = (each for each in steps() if each.get("id") == "look")
    done = run(step, folder, f"{BIN}{os.pathsep}{os.environ['PATH']}", **inputs)
    output, summary = folder.parent / "output", folder.parent / "summary"
    return done, output.read_text(), summary.read_text() if summary.exists() else ""


def words_of(step: str, folder: Path, **inputs: str) -> tuple[Done, list[list[str]]]:
    """Runs a step with programs that only write down their words; returns those of dockopt."""
    (found,) = (each for each in steps() if each["name"] == step)
    programs = folder.parent / "programs"
    programs.mkdir(exist_ok=True)
    for name in ("dockopt", "reviewdog"):
        (programs / name).write_text(
            f'#!/bin/sh\nprintf "%s\\0" {name} "$@" >> {programs}/words\n'
            f"printf '\\n' >> {programs}/words\n"
            f"echo '::error::of a repository'\n: >> {folder.parent}/dockopt.rdjson\n"
        )
        (programs / name).chmod(0o755)
    done = run(found, folder, f"{programs}{os.pathsep}{os.environ['PATH']}", **inputs)
    lines = (programs / "words").read_text().split("\0\n")[:-1]
    calls = [line.split("\0") for line in lines]
    return done, [words for name, *words in calls if name == "dockopt"]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text or "")
    return folder


def test_the_action_shows_what_would_change(project: Path) -> None:
    done, output, summary = look(project, sarif="x.sarif")
    assert (done.returncode, output) == (0, "changed=true\n")
    assert summary.startswith("## dockopt: 1 of 1 file would change")
    assert "\n::notice file=Dockerfile,line=3," in done.stdout
    assert json.loads((project / "x.sarif").read_text())["version"] == "2.1.0"
    first, *_ = lines = done.stdout.splitlines()
    word = first.removeprefix("::stop-commands::")
    assert f"::{word}::" in lines
    assert lines.index(f"::{word}::") > 1


def test_the_action_fails_where_it_is_asked_to(project: Path) -> None:
    done, _, _ = look(project, fail="true", summary="false", annotations="false")
    assert done.returncode == 1
    assert "::notice" not in done.stdout
    (project / "Dockerfile").write_text("FORM a\n")
    done, output, _ = look(project, summary="false")
    assert (done.returncode, output.splitlines()[-1]) == (2, "changed=false")
    assert "\n::error file=Dockerfile,line=1,col=1::" in done.stdout


ODD = "$(touch pwned)"


def is_silenced(done: Done) -> bool:
    """Says whether what programs print stands where no line is a command of the runner."""
    first, *rest = done.stdout.splitlines()
    end = rest.index(f"::{first.removeprefix('::stop-commands::')}::")
    return first.startswith("::stop-commands::") and "::error::of a repository" in rest[:end]


def test_suggestions_are_of_what_is_asked_for(project: Path) -> None:
    done, (words,) = words_of(
        "Suggest changes", project, path=f"a b\n{ODD}", safety="same-image", select="x,y",
        without=ODD,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert is_silenced(done)
    assert words[:2] == ["fix", "--format"]
    assert words[-9:] == [
        "--safety", "same-image", "--select", "x,y", "--without", ODD, "--", "a b", ODD,
    ]  # fmt: skip
    assert not [*project.parent.rglob("pwned")]


def test_pull_requests_are_of_what_is_asked_for(project: Path) -> None:
    done, (words,) = words_of("Open pull requests", project)
    assert (done.returncode, words) == (0, ["pr", "--safety", "changes-image"])
    assert is_silenced(done)
    (project.parent / "programs" / "words").unlink()
    _, (words,) = words_of(
        "Open pull requests", project, safety="same-image", select="x", without=ODD,
        pull_request_options=f"--draft\n--labels=a b\n\n{ODD}\n",
    )  # fmt: skip
    assert words == [
        "pr", "--safety", "same-image", "--select", "x", "--without", ODD, "--draft",
        "--labels=a b", ODD,
    ]  # fmt: skip
    assert not [*project.parent.rglob("pwned")]


def test_no_input_does_anything_but_what_it_is_for(project: Path) -> None:
    odd = "$(touch pwned)\n`touch pwned`\n; touch pwned #\n--write\n"
    done, _, _ = look(project, path=odd, summary="false")
    assert done.returncode == 2
    done, _, _ = look(project, select="$(touch pwned)", summary="false")
    assert done.returncode == 2
    assert not [*project.parent.rglob("pwned")]
    assert (project / "Dockerfile").read_text() == FILES["Dockerfile"]


def test_what_dockopt_says_is_no_command(project: Path) -> None:
    """A folder may be called like a command of the runner; its lines stand where none counts."""
    odd = project / "::error::x"
    odd.mkdir()
    (odd / "Dockerfile").write_text("FORM a\n")
    done, _, _ = look(project, summary="false")
    first, *rest = done.stdout.splitlines()
    end = rest.index(f"::{first.removeprefix('::stop-commands::')}::")
    assert any(line.startswith("::error::x/Dockerfile:1:1: error") for line in rest[:end])
    after = [line for line in rest[end:] if line.startswith("::error")]
    assert after == [
        "::error file=%3A%3Aerror%3A%3Ax/Dockerfile,line=1,col=1::unknown instruction: FORM"
    ]


@pytest.mark.parametrize("hook", document(".pre-commit-hooks.yaml"), ids=lambda hook: hook["id"])
def test_hooks_know_a_dockerfile_by_its_name(hook: dict[str, Any]) -> None:
    def is_taken(path: str) -> bool:
        return bool(re.search(hook["files"], path)) and not re.search(hook["exclude"], path)

    for name in ("Dockerfile", "Dockerfile.dev", "api.Dockerfile", "Containerfile", "dockerfile-x"):
        assert has_dockerfile_name(name)
        assert is_taken(name)
        assert is_taken(f"a/b/{name}")
    for name in ("Dockerfile.dockerignore", "README.md", "docker-compose.yml"):
        assert not is_taken(name)


def test_hooks_run(project: Path) -> None:
    entries = {
        each["id"]: shlex.split(each["entry"]) for each in document(".pre-commit-hooks.yaml")
    }
    check = dockopt(project, *entries["dockopt-check"][1:], "Dockerfile")
    assert check.code == 1
    assert dockopt(project, *entries["dockopt"][1:], "Dockerfile").code == 0
    assert dockopt(project, *entries["dockopt-check"][1:], "Dockerfile").code == 0


def test_dockopt_finds_nothing_in_its_own_dockerfile() -> None:
    done = dockopt(ROOT, "fix", "Dockerfile", "--format", "json", "--history", "0")
    (file,) = done.json["files"]
    assert (file["status"], file["held"]) == ("unchanged", [])


def test_the_image_gets_what_it_copies_and_no_more() -> None:
    context = BuildContext(ROOT, dockerfile=ROOT / "Dockerfile")
    for path in ("pyproject.toml", "tests/requirements.lock", "optimizer/facade.py", "README.md"):
        assert context.get(path) is not None
    for path in (".git/HEAD", "tests/conftest.py", "fixtures/report/run.md", ".venv/bin/python"):
        assert context.get(path) is None
