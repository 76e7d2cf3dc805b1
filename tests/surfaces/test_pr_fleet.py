"""`dockopt pr --fleet`: many repositories, a journal, workers that die."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from optimizer.forge.address import BadAddress
from optimizer.forge.connect import Wanted
from optimizer.surfaces.pr import fleet as fleets
from optimizer.surfaces.pr.fleet import Fleet, listed, visit_all
from optimizer.surfaces.pr.journal import JournalFault, journal
from optimizer.surfaces.pr.publish import Done
from optimizer.surfaces.pr.visit import Options, Visit
from optimizer.surfaces.pr.workers import in_processes
from tests.forge.server import APIS, TOKEN, forge_server
from tests.surfaces.shops import Shop, options

OPENED = Done("Dockerfile", "dockopt/x", "opened", "", "https://forge.example/1")


pytestmark = pytest.mark.usefixtures("nobody")


@pytest.fixture
def shops(tmp_path: Path) -> list[Shop]:
    return [Shop.at(tmp_path / f"owner{at}" / "shop.git") for at in range(2)]


def named(shops: Sequence[Shop], folder: Path, *more: str) -> Fleet:
    """Writes the list of ``shops``."""
    lines = ["# ours", "", *(str(each.bare) for each in shops), *more]
    (folder / "list").write_text("\n".join(lines) + "\n")
    return Fleet(str(folder / "list"), folder / "journal.sqlite", jobs=2)


def rows(path: Path, table: str) -> list[tuple[object, ...]]:
    with sqlite3.connect(path) as connection:
        return connection.execute(f"SELECT * FROM {table} ORDER BY 1, 2, 3").fetchall()


def test_a_round_and_the_next(
    shops: list[Shop], tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    fleet = named(shops, tmp_path, str(tmp_path / "gone"))
    assert visit_all(fleet, options()) == 3
    said = capsysbinary.readouterr()
    assert said.out.count(b" pushed ") == 2
    assert b"gone" in said.out
    assert b"3 repositories: 2 pushed" in said.err
    assert all(len(each.branches) == 1 for each in shops)
    (first,) = rows(fleet.journal, "rounds")
    assert first[3] is not None
    named(shops, tmp_path)
    assert visit_all(fleet, options()) == 0
    assert b"2 repositories: 2 unchanged" in capsysbinary.readouterr().err
    assert len(rows(fleet.journal, "rounds")) == 2
    assert len(rows(fleet.journal, "pull_requests")) == 4


class Killed(BaseException):
    """The end of the process that leads the round."""


def test_a_round_that_was_killed_is_gone_on_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "list").write_text("a\nb\nc\n")
    fleet = Fleet(str(tmp_path / "list"), tmp_path / "journal.sqlite")
    asked: list[Sequence[str]] = []

    def dies(_: Fleet, __: Options, sources: Sequence[str]) -> Iterator[Visit]:
        asked.append(sources)
        yield Visit("b", "1" * 40, (OPENED,))
        yield Visit("a", error="the network went away")
        raise Killed

    def lives(_: Fleet, __: Options, sources: Sequence[str]) -> Iterator[Visit]:
        asked.append(sources)
        for source in sources:
            yield Visit(source, "2" * 40, (OPENED, replace(OPENED, path="other")))

    monkeypatch.setattr(fleets, "_found", dies)
    with pytest.raises(Killed):
        visit_all(fleet, options())
    (tmp_path / "list").write_text("another list\n")
    monkeypatch.setattr(fleets, "_found", lives)
    assert visit_all(fleet, options()) == 0
    assert asked == [["a", "b", "c"], ["a", "c"]]
    assert len(rows(fleet.journal, "rounds")) == 1
    assert sorted(row[1] for row in rows(fleet.journal, "pull_requests")) == list("aabcc")  # type: ignore[type-var]
    assert visit_all(fleet, options()) == 0
    assert asked[-1] == ["another list"]


def test_a_visit_that_comes_twice_is_there_once(tmp_path: Path) -> None:
    with journal(tmp_path / "j", "list") as notes:
        notes.expect(["a", "a"])
        for _ in range(2):
            notes.record(Visit("a", "1" * 40, (OPENED,)))
        notes.record(Visit("a", "1" * 40, (replace(OPENED, action="unchanged"),)))
        assert notes.counts() == {"done": 1}
        assert notes.actions() == {"unchanged": 1}


def test_one_process_at_a_time_has_a_journal(tmp_path: Path) -> None:
    path = tmp_path / "j"
    with (
        journal(path, "list"),
        pytest.raises(JournalFault, match="another run"),
        journal(path, "list"),
    ):
        pass
    path.write_bytes(b"something else" * 100)
    with pytest.raises(JournalFault, match="no journal"), journal(path, "list"):
        pass


def test_a_journal_of_another_version_is_left_alone(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "j") as connection:
        connection.execute("PRAGMA user_version = 9")
    with pytest.raises(JournalFault, match="another version"), journal(tmp_path / "j", "list"):
        pass


def deadly_git(folder: Path, monkeypatch: pytest.MonkeyPatch, source: str, *, once: bool) -> None:
    """Puts a git in front that kills the process which started it, for one repository."""
    bin_, done = folder / "bin", folder / "done"
    bin_.mkdir()
    real = shutil.which("git")
    unless = f"[ -e {done} ] || " if once else ""
    (bin_ / "git").write_text(
        f'#!/bin/sh\ncase "$*" in *{source}*) {unless}{{ touch {done}; kill -9 $PPID; }};; esac\n'
        f'exec {real} "$@"\n'
    )
    (bin_ / "git").chmod(0o755)
    monkeypatch.setenv("PATH", f"{bin_}{os.pathsep}{os.environ['PATH']}")


def test_a_worker_that_dies_costs_its_repository_alone(
    shops: list[Shop], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deadly = tmp_path / "deadly"
    deadly_git(tmp_path, monkeypatch, str(deadly), once=False)
    sources = [str(shops[0].bare), f"file://{deadly}", str(shops[1].bare)]
    found = {each.source: each for each in in_processes(sources, options(), 2)}
    assert [*sorted(found)] == sorted(sources)
    assert "died" in found[sources[1]].error
    assert [found[each].done[0].action for each in (sources[0], sources[2])] == ["pushed"] * 2


@pytest.mark.parametrize("kind", sorted(APIS))
def test_the_list_of_an_organisation(tmp_path: Path, kind: str) -> None:
    with forge_server(tmp_path, kind) as server:
        server.owned = ["https://forge.example/team/a.git", "https://forge.example/team/b.git"]
        asked = options(wanted=Wanted(kind, server.api))  # type: ignore[arg-type]
        assert listed(f"{server.web}/team", asked, {"DOCKOPT_TOKEN": TOKEN}) == server.owned
    with pytest.raises(BadAddress):
        listed("https://forge.example/team", options(), {"DOCKOPT_TOKEN": TOKEN})


def test_lists_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(SystemExit):
        listed(str(tmp_path / "gone"), options(), {})


def test_a_cluster_gives_the_same_though_a_worker_dies(
    shops: list[Shop], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import distributed

    deadly_git(tmp_path, monkeypatch, str(shops[1].bare), once=True)
    fleet = named(shops, tmp_path)
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=None, worker_dashboard_address=None
    ) as cluster:
        scheduler = cluster.scheduler_address
        assert visit_all(replace(fleet, scheduler=scheduler), options()) == 0
        assert (tmp_path / "done").exists()
        assert all(len(each.branches) == 1 for each in shops)
        first = rows(fleet.journal, "pull_requests")
        assert [row[4] for row in first] == ["pushed", "pushed"]
        assert visit_all(replace(fleet, scheduler=scheduler), options()) == 0
    again = rows(fleet.journal, "pull_requests")[len(first) :]
    assert [row[4] for row in again] == ["unchanged", "unchanged"]


def test_the_command_line(shops: list[Shop], tmp_path: Path) -> None:
    fleet = named(shops[:1], tmp_path)
    words = ["pr", "--fleet", fleet.list, "--journal", str(fleet.journal), "--no-verify",
             "--history", "0", "--author", "Bot <bot@example.com>"]  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-m", "optimizer", *words], capture_output=True, text=True, check=False
    )
    assert (done.returncode, "1 repository: 1 pushed" in done.stderr) == (0, True), done.stderr
    assert "dockopt/dockerfile-" in str(rows(fleet.journal, "pull_requests"))
