"""What a builder gets to see, whose fault a failure is, and processes that really end."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import IO

import pytest

from optimizer.verify import processes, progress
from optimizer.verify.archive import Reader
from optimizer.verify.builders import (
    EngineFault,
    Order,
    blame_engine,
    exported,
    laid_out,
    size_said,
)
from optimizer.verify.buildkit import Buildx
from optimizer.verify.podman import Podman
from optimizer.verify.processes import run
from tests.engine.measure import write

BUILDS = Path(__file__).resolve().parents[2] / "fixtures" / "builds"


@pytest.fixture
def context(tmp_path: Path) -> Path:
    folder = tmp_path / "context"
    write("a", "1")(folder)
    write("sub/b", "2")(folder)
    (folder / "a").chmod(0o600)
    (folder / "link").symlink_to("a")
    (folder / "gone").symlink_to("nowhere")
    return folder


def contents(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): (
            f"-> {path.readlink()}" if path.is_symlink() else path.read_text()
        )
        for path in folder.rglob("*")
        if path.is_symlink() or path.is_file()
    }


def test_the_dockerfile_lies_apart_with_the_ignore_file_that_counts(context: Path) -> None:
    with laid_out(Order("FROM \udcff\n", context, ignore="x")) as (dockerfile, seen):
        assert seen == context
        assert not dockerfile.is_relative_to(context)
        assert {path.name for path in dockerfile.parent.iterdir()} == {
            "Dockerfile",
            "Dockerfile.dockerignore",
        }
        assert dockerfile.read_bytes() == b"FROM \xff\n"
    assert not dockerfile.parent.exists()


def test_other_files_change_in_a_copy_alone(context: Path) -> None:
    before = contents(context)
    with laid_out(Order("", context, files={"a": "new", "x/y": "made"})) as (_, seen):
        assert contents(seen) == {**before, "a": "new", "x/y": "made"}
        assert (seen / "a").stat().st_mode & 0o777 == 0o600
    assert contents(context) == before


@pytest.mark.parametrize(
    ("script", "what"),
    [
        ("echo 'write /x: no space left on device' >&2; exit 1", "docker: the disk is full"),
        ("printf half; echo 'no such image' >&2; exit 1", "docker save failed: no such image"),
        ("exit 0", "docker save gave no image: the export holds 0 images"),
    ],
    ids=["disk-full", "half-an-archive", "nothing"],
)
def test_a_client_that_fails_is_believed_before_its_archive(
    script: str, what: str, tmp_path: Path
) -> None:
    client = tmp_path / "docker"
    client.write_text(f"#!/bin/sh\n{script}\n")
    client.chmod(0o755)
    environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    with pytest.raises(EngineFault, match=what):
        exported(["docker", "save", "x"], environment, Reader(), "")


@pytest.mark.parametrize(
    ("said", "what"),
    [
        ("write /x: no space left on device", "the disk is full"),
        ("sh: write error: No space left on device", "the disk is full"),
        ((BUILDS / "no-registry.rawjson").read_text(), "the registry does not answer"),
        ("error reading from server: EOF", "the engine went away"),
        ("Cannot connect to the Docker daemon at unix:///x", "the engine went away"),
        (
            "failed to solve: granting entitlement network.host is not allowed by build daemon",
            "the builder has no host's network to give",
        ),
    ],
)
def test_faults_of_the_engine(said: str, what: str) -> None:
    with pytest.raises(EngineFault) as caught:
        blame_engine("buildx", said)
    assert caught.value.what.startswith(f"buildx: {what}: ")
    assert "\n" not in caught.value.what
    assert caught.value.remedy


@pytest.mark.parametrize(
    "said",
    [
        (BUILDS / "a-step-fails.rawjson").read_text(),
        (BUILDS / "a-source-is-missing.rawjson").read_text(),
        (BUILDS / "no-dockerfile.rawjson").read_text(),
        "x: failed to resolve source metadata for x: docker.io/library/x: not found",
        "curl: (7) Failed to connect to x port 80: Connection refused",
    ],
)
def test_faults_of_the_dockerfile(said: str) -> None:
    blame_engine("buildx", said)


@pytest.mark.parametrize("builder", [Buildx, Podman])
def test_a_missing_program_is_told_with_what_helps(
    builder: type[Buildx] | type[Podman], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EngineFault) as caught:
        builder(Reader()).check()
    assert caught.value.what.endswith("is not installed")
    assert caught.value.remedy.startswith("Install ")


def test_a_command_names_everything_that_was_ordered(tmp_path: Path) -> None:
    from optimizer.model.stages import Invocation

    invocation = Invocation("final", {"A": "1", "B": None}, "linux/arm64")
    order = Order("", tmp_path, invocation, network="host", ignore="x")
    words = Buildx(Reader(), "farm")._build_command(order, tmp_path / "D", tmp_path, None, "n")
    assert {
        "--builder=farm",
        "--target=final",
        "--platform=linux/arm64",
        "--build-arg=A=1",
        "--build-arg=B",
        "--network=host",
        "--no-cache",
        "--build-arg=BUILDKIT_CACHE_MOUNT_NS=n",
        f"--file={tmp_path / 'D'}",
        "--output=type=oci,dest=-",
    } < set(words)
    words = Podman(Reader())._build_command(order, tmp_path / "D", tmp_path, "x:1")
    assert {
        "--target=final",
        "--platform=linux/arm64",
        "--build-arg=A=1",
        "--build-arg=B",
        "--network=host",
        "--no-cache",
        f"--ignorefile={tmp_path / 'D'}.dockerignore",
    } < set(words)


def python(script: str) -> list[str]:
    return [sys.executable, "-c", script]


def test_lines_come_as_they_are_written_and_output_is_read_meanwhile() -> None:
    lines: list[bytes] = []
    sizes: list[int] = []

    def read(stream: IO[bytes]) -> None:
        while data := stream.read(1 << 16):
            sizes.append(len(data))

    script = "import sys; sys.stderr.write('a\\nb\\n'); sys.stdout.write('x' * 1_000_000)"
    ended = run(python(script), os.environ, 60, lines.append, read)
    assert (ended.code, ended.timed_out, lines, sum(sizes)) == (0, False, [b"a\n", b"b\n"], 10**6)


def test_what_has_no_end_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    script = (
        "import subprocess, sys, pathlib\n"
        "child = subprocess.Popen(['sleep', '600'])\n"
        f"pathlib.Path({str(note)!r}).write_text(str(child.pid))\n"
        "child.wait()\n"
    )
    ended = run(python(script), os.environ, 3, lambda line: None)
    assert ended.timed_out
    deadline = time.monotonic() + 10
    while Path(f"/proc/{note.read_text()}/stat").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not Path(f"/proc/{note.read_text()}/stat").exists()


def test_a_failure_to_read_is_raised_and_the_writer_ends() -> None:
    def read(stream: IO[bytes]) -> None:
        stream.read(1)
        raise ValueError("no archive")

    with pytest.raises(ValueError, match="no archive"):
        run(python("print('x' * 1_000_000)"), os.environ, 60, lambda line: None, read)


def test_what_is_stuck_is_ended() -> None:
    ended = run(
        python("import time; time.sleep(600)"), os.environ, 600, _ignore, stuck=lambda: True
    )
    assert ended.timed_out


def test_a_plugin_that_outlives_its_client_is_ended() -> None:
    """It keeps the streams open, so that nobody would see them end."""
    plugin = "import signal, time; signal.signal(15, signal.SIG_IGN); time.sleep(600)"
    script = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {plugin!r}])"
    pieces: list[bytes] = []
    assert run(python(script), os.environ, 3, pieces.append).timed_out


def test_a_line_without_an_end_comes_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "LONGEST_LINE", 1000)
    pieces: list[bytes] = []
    run(python("import sys; sys.stderr.write('x' * 2500)"), os.environ, 60, pieces.append)
    assert [*map(len, pieces)] == [1000, 1000, 500]


def _ignore(_: object) -> None:
    pass


ASKING = '{"vertexes":[{"digest":"a","name":"[internal] load metadata for r/x:1","started":"%s"}]}'
NOW = "2026-01-01T00:00:00Z"


def pretend(
    folder: Path, monkeypatch: pytest.MonkeyPatch, driver: str, build: str, engine: bool
) -> None:
    """Makes a ``docker`` that notes its words, one call a line; its builds do what ``build`` says
    and fail, and there is an engine beside the builder or there is none."""
    program = folder / "docker"
    program.write_text(
        f'#!/bin/sh\necho "$*" >> {folder}/calls\n'
        f'case "$1 $2" in\n'
        f"'buildx inspect') printf 'Name: kube\\nDriver: {driver}\\nStatus: running\\n' ;;\n"
        f"'version ') exit {0 if engine else 1} ;;\n"
        f"'image inspect') exit {0 if engine else 1} ;;\n"
        f"'buildx build') {build}; exit 1 ;;\n"
        "esac\n"
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")


def calls(folder: Path, start: str) -> list[list[str]]:
    lines = (folder / "calls").read_text().splitlines()
    return [line.split() for line in lines if line.startswith(start)]


@pytest.mark.parametrize("engine", [True, False])
@pytest.mark.parametrize("driver", ["kubernetes", "remote", "docker-container"])
def test_a_builder_elsewhere_gives_its_image_to_the_engine_or_to_us(
    driver: str, engine: bool, tmp_path: Path, context: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Drivers other than docker's own load no image by themselves, and all can write archives
    (Docker's manual, "Build drivers")."""
    pretend(tmp_path, monkeypatch, driver, "echo ERROR: it does not >&2", engine)
    builder = Buildx(Reader(), "kube")
    built = builder.build(Order("RUN --mount=type=cache,target=/c x", context), _ignore)
    assert built.failed is not None
    assert built.failed.message == "it does not"
    (words,) = calls(tmp_path, "buildx build")
    assert "--builder=kube" in words
    assert ("--load" in words) is engine
    assert any(word.startswith("--tag=dockopt-verify:") for word in words) is engine
    assert ("--output=type=oci,dest=-" in words) is not engine
    (mounts,) = [word for word in words if "BUILDKIT_CACHE_MOUNT_NS" in word]
    (prune,) = calls(tmp_path, "buildx prune")
    assert "--builder=kube" in prune
    assert f"--filter=description~={mounts.rpartition('=')[2]}" in prune


def test_nobody_waits_for_ever_for_a_registry(
    tmp_path: Path, context: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "REGISTRY_SECONDS", 1)
    asking = ASKING % NOW
    pretend(tmp_path, monkeypatch, "docker", f"echo '{asking}' >&2; sleep 600", engine=True)
    with pytest.raises(EngineFault, match=r"the registry does not answer about r/x:1 within \d+ s"):
        Buildx(Reader()).build(Order("FROM r/x:1", context, seconds=600), _ignore)


def test_an_image_that_only_the_engine_has_is_told(
    tmp_path: Path, context: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = ASKING.replace('"started"', '"error":"r/x:1: not found","completed":"%s","started"')
    build = f"echo '{said % (NOW, NOW)}' >&2"
    pretend(tmp_path, monkeypatch, "remote", build, engine=True)
    failed = Buildx(Reader(), "kube").build(Order("FROM r/x:1", context), _ignore).failed
    assert failed is not None
    assert failed.message == (
        "r/x:1: not found (it is on the local engine, which the builder kube cannot see)"
    )
    pretend(tmp_path, monkeypatch, "remote", build, engine=False)
    failed = Buildx(Reader(), "kube").build(Order("FROM r/x:1", context), _ignore).failed
    assert failed is not None
    assert failed.message == "r/x:1: not found"


@pytest.mark.parametrize(
    ("code", "said", "size"),
    [(0, b"187000000\n", 187000000), (0, b"<no value>\n", None), (0, b"", None), (1, b"5\n", None)],
)
def test_size_of_an_image_is_a_number_or_not_known(
    code: int, said: bytes, size: int | None
) -> None:
    assert size_said(subprocess.CompletedProcess([], code, said)) == size
