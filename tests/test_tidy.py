"""Format, lint, types, import contracts, and the promises that the file tree makes."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from optimizer.catalog import transforms

ROOT = Path(__file__).resolve().parent.parent


def run(*command: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_code_is_formatted() -> None:
    run("ruff", "format", "--check", ".")


def test_code_has_no_lint() -> None:
    run("ruff", "check", ".")


def test_types_hold() -> None:
    run("mypy")


def test_rooms_only_look_down() -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_transform_file_is_in_the_catalogue() -> None:
    files = {path.stem for path in (ROOT / "transforms").glob("*.py")} - {"__init__"}
    assert {transform.id.replace("-", "_") for transform in transforms()} == files


def test_wheel_would_hold_the_two_packages_alone() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    assert project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"] == [
        "optimizer",
        "transforms",
    ]


def test_lock_names_every_dependency() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["test"]]
    locked = {
        line.partition("==")[0].lower()
        for line in (ROOT / "tests" / "requirements.lock").read_text("utf-8").splitlines()
        if "==" in line
    }
    names = {re.split(r"[<>=;\[ ]", requirement)[0].lower() for requirement in wanted}
    assert names - locked == set()


def test_readme_shows_what_the_command_prints() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    block = re.search(
        r"```console\n\$ dockopt (?P<words>[^\n]+)\n(?P<output>.*?)```", readme, re.DOTALL
    )
    assert block is not None
    done = subprocess.run(
        [sys.executable, "-m", "optimizer", *block["words"].split()],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == block["output"]


def test_readme_and_ci_run_the_same_tests() -> None:
    command = "python3 -m tests.venv && .venv/bin/python -m pytest\n"
    assert command in (ROOT / "README.md").read_text("utf-8")
    assert command in (ROOT / ".ci" / "run").read_text("utf-8")


def test_git_ignores_nothing_of_the_fixtures() -> None:
    # Their own ignore files count for git too: what these name has to be added by force.
    command = ["git", "ls-files", "--others", "--ignored", "--exclude-standard", "-z", "fixtures"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert [name for name in listed.stdout.split("\0") if name and "__pycache__" not in name] == []


TEXT_SUFFIXES = {".py", ".md", ".toml", ".yaml", ".yml", ".json", ".txt", ".lock", ""}


@pytest.mark.parametrize("pattern", [r"registry\.npm" + r"js\.org", r"\bpypi" + r"\.org\b"])
def test_no_file_names_a_package_registry(pattern: str) -> None:
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split("\0")
    found = [
        name
        for name in listed
        if name
        and Path(name).suffix in TEXT_SUFFIXES
        and (ROOT / name).is_file()
        and re.search(pattern, (ROOT / name).read_text("utf-8", "replace"))
    ]
    assert found == []
