"""SARIF and reviewdog's format where changes make an ignore file: what one file can take alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.report.test_report_machines import fixed, suggested, unescaped
from tests.surfaces.test_surfaces_cli import DOCKERFILE, INSTALL, LOCKFILE, MANIFEST, dockopt


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Two Dockerfiles that share a context without an ignore file."""
    folder = tmp_path / "project"
    files = {
        ".git/HEAD": "ref: refs/heads/main\n",
        ".gitignore": "node_modules\n",
        "Dockerfile": DOCKERFILE,
        "Dockerfile.dev": DOCKERFILE,
        "package.json": MANIFEST,
        "package-lock.json": LOCKFILE,
        "src/index.js": "1",
    }
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def answers(folder: Path, form: str, *words: str) -> Any:
    return dockopt(folder, "fix", "--history", "0", "--format", form, *words).json


def is_right_alone(folder: Path, text: str) -> None:
    """Holds that dockopt itself makes ``text`` of the Dockerfile when no other file changes."""
    alone = answers(folder, "json", "Dockerfile", "--without", "ignore-noise")["files"][0]
    assert alone["other_files"] == []
    assert alone["after"] == text


def test_what_needs_the_ignore_file_is_not_suggested(project: Path) -> None:
    """The install may go first only where host packages stay out."""
    for diagnostic in answers(project, "rdjson")["diagnostics"]:
        assert "suggestions" not in diagnostic
        assert "Other files change with it" in diagnostic["message"]
    (run,) = answers(project, "sarif")["runs"]
    assert len(run["results"]) == 3
    assert not [each for each in run["results"] if "fixes" in each]


def test_what_does_not_need_it_is_suggested(project: Path) -> None:
    before = DOCKERFILE.replace(INSTALL, "RUN npm ci")
    for name in ("Dockerfile", "Dockerfile.dev"):
        (project / name).write_text(before)
    mounted = before.replace("RUN npm ci", INSTALL)
    found = answers(project, "rdjson")["diagnostics"]
    assert len(found) == 2
    for diagnostic in found:
        assert suggested(before, diagnostic["suggestions"][0]) == mounted
        assert 'Not in the suggestion: "Copy what' in diagnostic["message"]
    (run,) = answers(project, "sarif")["runs"]
    offered = [each for each in run["results"] if "fixes" in each]
    assert [each["ruleId"] for each in offered] == ["mount-package-cache"] * 2
    for each in offered:
        (change,) = each["fixes"][0]["artifactChanges"]
        assert fixed(before, change["replacements"]) == mounted


def test_what_is_there_already_is_no_other_file(project: Path) -> None:
    (project / ".dockerignore").write_text(".git\nnode_modules\n")
    for diagnostic in answers(project, "rdjson")["diagnostics"]:
        is_right_alone(project, suggested(DOCKERFILE, diagnostic["suggestions"][0]))


def test_an_ignore_file_that_is_extended_has_a_fix_of_its_own(project: Path) -> None:
    (project / ".dockerignore").write_text("node_modules\n")
    (run,) = answers(project, "sarif", "Dockerfile")["runs"]
    noise, first = run["results"]
    assert noise["ruleId"] == "ignore-noise"
    (change,) = noise["fixes"][0]["artifactChanges"]
    assert change["artifactLocation"]["uri"] == ".dockerignore"
    assert fixed("node_modules\n", change["replacements"]) == "node_modules\n.git\n"
    (change,) = first["fixes"][0]["artifactChanges"]
    is_right_alone(project, fixed(DOCKERFILE, change["replacements"]))


@pytest.mark.parametrize("form", ["github", "markdown"])
def test_which_other_file_changes_is_told(project: Path, form: str) -> None:
    said = dockopt(project, "fix", "--history", "0", "--format", form, "Dockerfile").out.decode()
    told = {"github": "file: makes .dockerignore", "markdown": "| line 3, `.dockerignore` |"}
    assert told[form] in said


@pytest.mark.parametrize("form", ["json", "sarif", "github", "rdjson", "markdown", "diff"])
def test_advice_alone_is_no_change(project: Path, form: str) -> None:
    stage = "FROM node:22-slim AS lint\nRUN npm test\n\nFROM node:22-slim\nCMD node\n"
    (project / "Dockerfile").write_text(stage)
    words = ("fix", "--check", "--explain-held", "--format", form, "Dockerfile")
    done = dockopt(project, *words)
    assert done.code == 0
    if form != "diff":
        assert "may-be-a-target" in done.out.decode()


@pytest.mark.parametrize(
    "name", ["a\n::error::b", "::add-mask::a", "a%0A::error::b,c:d", "a\r##[x]"]
)
def test_no_name_and_no_text_is_a_workflow_command(project: Path, name: str) -> None:
    """Also where it is another file that changes."""
    folder = project / name
    folder.mkdir()
    for path in ("package.json", "package-lock.json"):
        (folder / path).write_text((project / path).read_text())
    odd = f"RUN npm ci --prefix '%0A::error::x' && echo '{name.splitlines()[-1]}'"
    (folder / "Dockerfile").write_text(f"{DOCKERFILE}{odd}\n")
    words = ("fix", "--history", "0", "--explain-held", "--format", "github")
    said = dockopt(project, *words, str(folder)).out.decode()
    assert "\r" not in said
    lines = said.split("\n")
    assert lines.pop() == ""
    assert len(lines) > 1
    for line in lines:
        command, properties, _ = unescaped(line)
        assert command == "notice"
        assert properties["file"] == f"{name}/Dockerfile"
