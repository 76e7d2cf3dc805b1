"""dockopt's answers beside the edits of people, over a repository with both kinds of them."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.corpus import humans
from tests.corpus.runs import VARIABLE

UNORDERED = "FROM python:3.12\nWORKDIR /app\nCOPY . .\nRUN pip install -r requirements.txt\n"
ORDERED = (
    "FROM python:3.12\nWORKDIR /app\nCOPY requirements.txt ./\n"
    "RUN pip install -r requirements.txt\nCOPY . .\n"
)
KIND = "copyall-before-install"


def commit(root: Path, dockerfile: str, requirements: str = "flask==3.0.0\n") -> str:
    root.joinpath("Dockerfile").write_text(dockerfile)
    root.joinpath("requirements.txt").write_text(requirements)
    root.joinpath("app.py").write_text("import flask\n")
    identity = ("-c", "user.name=a", "-c", "user.email=a@example.com")
    for words in (("add", "-A"), ("commit", "-q", "--allow-empty", "-m", "a change")):
        subprocess.run(["git", "-C", str(root), *identity, *words], check=True)
    asked = ["git", "-C", str(root), "rev-parse", "HEAD"]
    return subprocess.run(asked, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def clones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "clones/owner__name"
    root.mkdir(parents=True)
    subprocess.run(["git", "init", "-q", str(root)], check=True)
    one, two, three = commit(root, UNORDERED), commit(root, ORDERED), commit(root, UNORDERED)
    four = commit(root, UNORDERED, "-r ${BASE}.txt\n")
    lines = ["repo", "path", "after_commit", "before_commit", "before_path", "date", "kinds"]
    rows = [
        ["owner/name", "Dockerfile", two, one, "Dockerfile", "", f"fixed:{KIND};single->multi"],
        ["owner/name", "Dockerfile", three, two, "Dockerfile", "", f"REGRESSED:{KIND}"],
        ["owner/name", "Dockerfile", two, four, "Dockerfile", "", f"fixed:{KIND}"],
        ["owner/name", "gone", two, one, "gone", "", f"fixed:{KIND}"],
        ["owner/name", "Dockerfile", two, one, "Dockerfile", "", "single->multi"],
        ["owner/other", "Dockerfile", two, one, "Dockerfile", "", f"fixed:{KIND}"],
    ]
    table = [[*lines, "subject"], *([*row, "a change"] for row in rows)]
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    text = "".join("\t".join(row) + "\n" for row in table)
    corpus.joinpath("dev_human_edits.tsv").write_text(text)
    monkeypatch.setenv(VARIABLE, str(corpus))
    return tmp_path / "clones"


def test_edits_are_asked_about_where_the_order_is_the_worse(clones: Path) -> None:
    found = [humans.compared(edit) for edit in humans.human_edits(clones)]

    answers = [(each.edit.was_made, each.answer) for each in found]
    assert answers == [
        (True, "proposed"),
        (False, "held back"),
        (True, "held back"),
        (True, "no tree"),
    ]
    assert "taken-back" in found[1].why


def test_the_report_counts_and_a_repeated_proposal_fails(
    clones: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert humans.main(clones) == 0
    printed = capsys.readouterr().out
    assert "edits that people made: agreement 1 of 2 (" in printed
    assert "edits that people took back: 0 of 1 proposed again (1 held back)" in printed

    monkeypatch.setattr(humans, "past_changes", lambda history, path: ())
    assert humans.main(clones) == 1
    assert "1 of 1 proposed again (1 as they had it)" in capsys.readouterr().out


def test_without_clones_it_says_so(
    clones: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert humans.main(tmp_path) == 2
    assert "no clone" in capsys.readouterr().out
