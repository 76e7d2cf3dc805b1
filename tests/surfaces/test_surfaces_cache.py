"""`dockopt cache`, and what `dockopt fix` says of the history: real repositories with commits."""

from __future__ import annotations

import json
import sys
from contextlib import chdir
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from optimizer.report.cache import as_text
from optimizer.report.terminal import Screen
from optimizer.surfaces.commands import app
from tests.history.repository import Repository
from tests.reports import cache_report

FILES: dict[str, str | None] = {
    "api/Dockerfile": "FROM node:22-slim\nWORKDIR /app\nCOPY . .\nRUN npm ci\nUSER node\n",
    "api/.dockerignore": "node_modules\ndocs\n",
    "api/package.json": '{"name": "app", "version": "1.0.0"}',
    "api/package-lock.json": '{"name": "app", "version": "1.0.0", "lockfileVersion": 3, '
    '"packages": {"": {"name": "app", "version": "1.0.0"}}}',
    "api/src/index.js": "",
}
LOG = """#7 [3/4] COPY . .
#7 DONE 0.5s
#8 [4/4] RUN npm ci
#8 DONE 40.0s
"""


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """26 commits: the first, 20 of sources, 2 of the lockfile, 3 of what does not count."""
    repository = Repository(tmp_path_factory.mktemp("cache") / "repository")
    repository.commit(FILES)
    for number in range(20):
        repository.commit({"api/src/index.js": str(number)})
    lock = FILES["api/package-lock.json"]
    repository.commit({"api/package-lock.json": f"{lock}\n"})
    repository.commit({"api/package-lock.json": f"{lock}\n\n"})
    repository.commit({"api/docs/a.md": "1"})
    repository.commit({"web/index.html": "1"})
    repository.commit({"api/docs/a.md": "2"})
    (repository.root / "log.txt").write_text(LOG)
    return repository.root


class Done:
    """What a command printed."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        with chdir(folder):
            result = CliRunner().invoke(
                app, arguments, prog_name="dockopt", catch_exceptions=False, env={"NO_COLOR": "1"}
            )
        self.code, self.out, self.err = result.exit_code, result.stdout, result.stderr

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def steps(table: Any) -> list[tuple[str, int, int, float]]:
    return [
        (each["text"], each["own_commits"], each["rebuild_commits"], each["seconds"])
        for each in table["steps"]
    ]


def test_before_and_after_over_the_history(root: Path) -> None:
    done = Done(root, "cache", "api/Dockerfile", "--format", "json", "--timings", "log.txt")
    found = done.json
    assert (done.code, done.err, found["schema_version"]) == (0, "", 1)
    assert found["context"]["path"] == "api"
    assert found["history"] == {
        "basis": "history", "commits": 26, "touching_context": 23, "note": None,
    }  # fmt: skip
    assert steps(found["before"]) == [
        ("WORKDIR /app", 0, 0, 0.1),
        ("COPY . .", 23, 23, 0.5),
        ("RUN npm ci", 0, 23, 40.0),
    ]
    assert found["applied"] == ["copy-manifests-first", "mount-package-cache"]
    assert steps(found["after"]) == [
        ("WORKDIR /app", 0, 0, 0.1),
        ("COPY package.json package-lock.json ./", 3, 3, 0.1),
        ("RUN --mount=type=cache,target=/root/.npm npm ci", 0, 3, 40.0),
        ("COPY . .", 23, 23, 0.5),
    ]
    assert found["before"]["rebuild_seconds"] == pytest.approx(23 * 40.5)
    assert found["after"]["rebuild_seconds"] == pytest.approx(23 * 0.5 + 3 * 40.1)
    assert [each["seconds_basis"] for each in found["before"]["steps"]] == [
        "estimate", "measured", "measured",
    ]  # fmt: skip


def test_in_words(root: Path) -> None:
    out = Done(root, "cache", "api/Dockerfile").out
    assert "the last 26 commits, 23 of which change a file of the context" in out
    assert "seconds are estimates" in out
    assert "with copy-manifests-first, mount-package-cache" in out
    assert "the last 26 commits: 462 s of rebuilds -> 63 s (-86 %)" in out
    assert "\x1b" not in out
    assert "█" not in out
    rows = [line.split() for line in out.splitlines() if " RUN " in line]
    assert [row[-3] for row in rows] == ["23", "3"]


def test_what_one_change_runs_again(root: Path) -> None:
    def reruns(folder: Path, file: str, path: str) -> list[bool]:
        found = Done(folder, "cache", file, "--change", path, "--format", "json").json
        return [each["reruns"] for each in found["after"]["steps"]]

    sources, manifest = [False, False, False, True], [False, True, True, True]
    assert reruns(root, "api/Dockerfile", "api/src/index.js") == sources
    assert reruns(root, "api/Dockerfile", "src/index.js") == sources
    assert reruns(root / "api", "Dockerfile", "src/index.js") == sources
    assert reruns(root, "api/Dockerfile", "src/not-there-yet.js") == sources
    assert reruns(root, "api/Dockerfile", "package.json") == manifest
    assert reruns(root, "api/Dockerfile", "web/index.html") == sources


def test_a_change_that_is_not_sent(root: Path) -> None:
    found = Done(root, "cache", "api/Dockerfile", "--change", "docs/a.md", "--format", "json").json
    assert found["not_sent"] == ["docs/a.md"]
    assert not any(each["reruns"] for each in found["before"]["steps"])


def test_no_history_is_assumed(root: Path) -> None:
    done = Done(root, "cache", "api/Dockerfile", "--history", "0")
    assert "no history: 100 assumed commits (75 edit sources" in done.out
    short = Done(root, "cache", "api/Dockerfile", "--history", "5")
    assert "only 2 of the last 5 commits touch the build context" in short.out


def test_what_of_the_log_is_not_in_the_file(root: Path, tmp_path: Path) -> None:
    (tmp_path / "log").write_text(LOG + "#9 [5/5] RUN make\n#9 DONE 1.0s\n")
    out = Done(root, "cache", "api/Dockerfile", "--timings", str(tmp_path / "log")).out
    assert "line 2 is not in the log, or came from cache there" in out
    assert "the log times a step that is not in the file: RUN make" in out


def test_a_log_that_is_none(root: Path, tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text('{"vertexes": []}\njunk\n')
    for command in (["cache", "api/Dockerfile"], ["fix", "api"]):
        done = Done(root, *command, "--timings", str(log))
        assert (done.code, done.out) == (2, "")
        assert done.err == f"{log}:2:1: error: this line is no record of --progress=rawjson\n"


@pytest.mark.parametrize("name", ["api", "nothing-here", "log.txt"])
def test_what_is_no_dockerfile(root: Path, name: str) -> None:
    done = Done(root, "cache", name)
    assert (done.code, done.out) == (2, "")
    assert ": error: " in done.err


def test_a_dockerfile_on_standard_input(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with chdir(root):
        result = CliRunner().invoke(
            app,
            ["cache", "-", "--context", "api", "--format", "json"],
            input=FILES["api/Dockerfile"],
        )
    assert result.exit_code == 0
    assert json.loads(result.stdout)["history"]["touching_context"] == 23


def test_fix_says_what_the_history_shows(root: Path) -> None:
    evidence = Done(root, "fix", "api", "--format", "json").json["files"][0]["applied"][0][
        "evidence"
    ]
    assert [
        (each["metric"], each["before"], each["after"], each["basis"]) for each in evidence
    ] == [
        ("steps_rerun", 2, 1, "model"),
        ("runs", 23, 3, "model"),
        ("rebuild_seconds", 462.3, 62.6, "estimate"),
    ]
    assert evidence[1]["scenario"] == "`RUN npm ci` over the last 26 commits"
    out = Done(root, "fix", "api").out
    assert "gain     `RUN npm ci` over the last 26 commits: 23 runs -> 3" in out


def test_fix_without_history_reads_none(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "optimizer.history.read", None)
    found = Done(root, "fix", "api", "--history", "0", "--format", "json").json
    assert [each["metric"] for each in found["files"][0]["applied"][0]["evidence"]] == [
        "steps_rerun"
    ]


def test_costs_of_the_configuration(root: Path) -> None:
    config = root / "dockopt.toml"
    config.write_text('[costs]\n"npm ci" = 100\n')
    try:
        found = Done(root, "cache", "api/Dockerfile", "--format", "json").json
        assert [each["seconds"] for each in found["before"]["steps"]] == [0.1, 0.1, 100.0]
        for wrong in ("costs = 5", "costs = {npm = -1}", "costs = {npm = true}"):
            config.write_text(f"{wrong}\n")
            done = Done(root, "cache", "api/Dockerfile")
            assert done.code == 2
            assert "costs has to be a table of commands with their seconds" in done.err
    finally:
        config.unlink()


@pytest.mark.parametrize("width", [60, 80, 100, 140])
def test_a_terminal_of_any_width(width: int) -> None:
    lines = as_text(cache_report(), Screen(width=width), bars=True).splitlines()
    table = [line for line in lines if line.startswith("  ") and "█" in line]
    assert table
    assert all(len(line) <= max(width, 73) for line in table)
