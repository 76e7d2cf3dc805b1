"""A file is replaced whole or not at all, keeps its mode and owner, and never outside."""

from __future__ import annotations

import os
import random
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from optimizer.context.file_edit import FileEdit
from optimizer.cst.source import Source
from optimizer.journal import Applied, Outcome
from optimizer.proposal import Safety
from optimizer.surfaces.write import write_outcome, write_report

OLD = "FROM a\r\nRUN \udcff b"
NEW = "\ufeffFROM a\r\nRUN \udcff c"


def outcome(path: str = "Dockerfile", *files: FileEdit) -> Outcome:
    change = Applied("t", "", Safety.SAME_IMAGE, "", 1, 1, (), (), (), files, OLD, NEW)
    return Outcome(path, (), OLD, NEW, (change,))


def put(path: Path, text: str = OLD) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(Source("", text).data)
    return path


def text(path: Path) -> str:
    return Source.from_bytes("", path.read_bytes()).text


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_bytes_are_exact(tmp_path: Path) -> None:
    file = put(tmp_path / "Dockerfile")
    assert write_outcome(tmp_path, tmp_path, outcome()) is None
    assert file.read_bytes() == b"\xef\xbb\xbfFROM a\r\nRUN \xff c"
    assert names(tmp_path) == {"Dockerfile"}


@pytest.mark.parametrize("mode", [0o600, 0o644, 0o664, 0o755, 0o4755])
def test_mode_is_kept(tmp_path: Path, mode: int) -> None:
    file = put(tmp_path / "Dockerfile")
    file.chmod(mode)
    assert write_outcome(tmp_path, tmp_path, outcome()) is None
    assert stat.S_IMODE(file.stat().st_mode) == mode


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_owner_is_kept(tmp_path: Path) -> None:
    file = put(tmp_path / "Dockerfile")
    os.chown(file, 1234, 4321)
    file.chmod(0o640)
    assert write_outcome(tmp_path, tmp_path, outcome()) is None
    status = file.stat()
    assert (status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode)) == (1234, 4321, 0o640)


def test_owner_that_cannot_be_kept_stops_the_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = put(tmp_path / "Dockerfile")
    real = os.fstat

    def of_somebody_else(descriptor: int) -> os.stat_result:
        found = list(real(descriptor))
        found[4] += 1
        return os.stat_result(found)

    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "fstat", of_somebody_else)
    monkeypatch.setattr(os, "fchown", refuse)
    failure = write_outcome(tmp_path, tmp_path, outcome())
    assert failure is not None
    assert "owner" in failure.message
    assert text(file) == OLD
    assert names(tmp_path) == {"Dockerfile"}


def test_made_file_takes_the_umask(tmp_path: Path) -> None:
    put(tmp_path / "Dockerfile")
    old = os.umask(0o027)
    try:
        made = outcome("Dockerfile", FileEdit(".dockerignore", None, "x\n"))
        assert write_outcome(tmp_path, tmp_path, made) is None
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / ".dockerignore").stat().st_mode) == 0o640
    assert text(tmp_path / ".dockerignore") == "x\n"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda file: put(file, "FROM other\n"), "it changed while dockopt ran"),
        (lambda file: file.unlink(), "No such file or directory"),
        (lambda file: (file.unlink(), file.mkdir()), "Is a directory"),
    ],
    ids=["changed", "deleted", "became-a-folder"],
)
def test_what_changed_underneath_stays(tmp_path: Path, change: object, message: str) -> None:
    file = put(tmp_path / "Dockerfile")
    assert callable(change)
    change(file)
    before = file.read_bytes() if file.is_file() else None
    ignore = FileEdit(".dockerignore", None, "x\n")
    failure = write_outcome(tmp_path, tmp_path, outcome("Dockerfile", ignore))
    assert failure is not None
    assert failure.message == f"cannot write: {message}"
    assert (file.read_bytes() if file.is_file() else None) == before
    assert not (tmp_path / ".dockerignore").exists()


def test_changed_ignore_file_keeps_the_dockerfile_old(tmp_path: Path) -> None:
    file = put(tmp_path / "Dockerfile")
    put(tmp_path / ".dockerignore", "theirs\n")
    failure = write_outcome(
        tmp_path, tmp_path, outcome("Dockerfile", FileEdit(".dockerignore", "a\n", "a\nb\n"))
    )
    assert failure is not None
    assert failure.path == ".dockerignore"
    assert text(file) == OLD


def test_ignore_file_that_was_made_meanwhile_stays(tmp_path: Path) -> None:
    put(tmp_path / "Dockerfile")
    put(tmp_path / ".dockerignore", "theirs\n")
    failure = write_outcome(
        tmp_path, tmp_path, outcome("Dockerfile", FileEdit(".dockerignore", None, "b\n"))
    )
    assert failure is not None
    assert "made while" in failure.message
    assert text(tmp_path / ".dockerignore") == "theirs\n"


def test_link_inside_the_repository_stays_a_link(tmp_path: Path) -> None:
    file = put(tmp_path / "docker" / "real")
    link = tmp_path / "Dockerfile"
    link.symlink_to("docker/real")
    assert write_outcome(tmp_path, tmp_path, outcome()) is None
    assert link.is_symlink()
    assert text(file) == NEW


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_link_out_of_the_repository_is_refused(tmp_path: Path, kind: str) -> None:
    outside = put(tmp_path / "outside" / "Dockerfile")
    root = tmp_path / "root"
    root.mkdir()
    if kind == "file":
        (root / "Dockerfile").symlink_to(outside)
        path = "Dockerfile"
    else:
        (root / "sub").symlink_to(outside.parent, target_is_directory=True)
        path = "sub/Dockerfile"
    failure = write_outcome(root, root, outcome(path))
    assert failure is not None
    assert "leads out of the repository" in failure.message
    assert text(outside) == OLD


def test_file_without_write_permission_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = put(tmp_path / "Dockerfile")
    # Root may write anything, so the answer of the system is given here.
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    failure = write_outcome(tmp_path, tmp_path, outcome())
    assert failure is not None
    assert failure.message == "cannot write: no permission"
    assert text(file) == OLD


def test_full_disk_leaves_the_old_file_and_no_rubbish(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = put(tmp_path / "Dockerfile")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    failure = write_outcome(tmp_path, tmp_path, outcome())
    assert failure is not None
    assert "No space left" in failure.message
    assert text(file) == OLD
    assert names(tmp_path) == {"Dockerfile"}


CHILD = """
import sys
from pathlib import Path
from tests_write import outcome
from optimizer.surfaces.write import write_outcome
root = Path(sys.argv[1])
turns = 0
print("ready", flush=True)
while True:
    write_outcome(root, root, outcome(turns % 2))
    turns += 1
"""
MODULE = """
from optimizer.journal import Applied, Outcome
from optimizer.proposal import Safety
OLD, NEW = "FROM a\\n" * 200_000, "FROM b\\n" * 200_000
def outcome(turn):
    before, after = (NEW, OLD) if turn else (OLD, NEW)
    change = Applied("t", "", Safety.SAME_IMAGE, "", 1, 1, (), (), (), (), before, after)
    return Outcome("Dockerfile", (), before, after, (change,))
"""


def test_killed_at_any_moment_leaves_the_old_file_or_the_new_one(tmp_path: Path) -> None:
    (tmp_path / "tests_write.py").write_text(MODULE)
    root = tmp_path / "root"
    file = put(root / "Dockerfile", "FROM a\n" * 200_000)
    whole = {b"FROM a\n" * 200_000, b"FROM b\n" * 200_000}
    seen = set()
    moment = random.Random(7)
    for _ in range(8):
        file.write_bytes(b"FROM a\n" * 200_000)
        child = subprocess.Popen(
            [sys.executable, "-c", CHILD, str(root)],
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(tmp_path)},
        )
        assert child.stdout is not None
        assert child.stdout.readline() == b"ready\n"
        time.sleep(moment.uniform(0, 0.06))
        child.send_signal(signal.SIGKILL)
        child.wait()
        child.stdout.close()
        seen.add(file.read_bytes())
    assert seen <= whole


def test_report_replaces_a_file_and_follows_a_link(tmp_path: Path) -> None:
    real = tmp_path / "real.patch"
    real.write_text("old")
    real.chmod(0o600)
    link = tmp_path / "link.patch"
    link.symlink_to(real)
    write_report(link, b"new")
    assert link.is_symlink()
    assert real.read_bytes() == b"new"
    assert stat.S_IMODE(real.stat().st_mode) == 0o600


def test_report_goes_into_a_device() -> None:
    write_report(Path(os.devnull), b"new")
    assert not Path(os.devnull).is_file()
