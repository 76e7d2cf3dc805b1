"""`dockopt verify` on a real engine: verdicts, everything that goes wrong, nothing left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from optimizer.journal import Applied
from optimizer.proposal import Safety
from optimizer.verify.archive import Reader
from optimizer.verify.builders import Order, Watch
from optimizer.verify.buildkit import Buildx
from optimizer.verify.judge import Baseline, Builds, Judge
from optimizer.verify.progress import Progress
from tests.engine import daemon
from tests.engine.bases import provide
from tests.engine.daemon import Engine, start_engine
from tests.engine.measure import write

pytestmark = pytest.mark.engine

ROOT = Path(__file__).resolve().parents[2]
WAIT = 300

HONEST = "mkdir -p node_modules && cp package.json node_modules/"
NOSY = "mkdir -p node_modules && ls > node_modules/seen"


def dockerfile(npm: str = HONEST, more: str = "") -> str:
    """A Dockerfile that dockopt rewrites; ``npm`` is what its npm does."""
    return (
        "FROM busybox:1.35\n"
        f"RUN printf '#!/bin/sh\\n{npm}\\n' > /bin/npm && chmod +x /bin/npm\n"
        f"WORKDIR /app\nCOPY . .\nRUN npm ci\n{more}"
    )


@dataclass
class User:
    """Somebody with a project and an engine."""

    engine: Engine
    folder: Path
    scratch: Path

    def __post_init__(self) -> None:
        self.there = frozenset(self._on_engine())

    @property
    def environment(self) -> Mapping[str, str]:
        return {**self.engine.environment, "TMPDIR": str(self.scratch), "NO_COLOR": "1"}

    def start(self, *words: str) -> subprocess.Popen[str]:
        # A shell starts what runs in the background with Ctrl-C ignored.
        program = ["env", "--default-signal=INT", sys.executable, "-m", "optimizer"]
        return subprocess.Popen(
            [*program, *words, "--network", "host"],
            cwd=self.folder,
            env={**self.environment, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *words: str) -> tuple[int, str, str]:
        """Runs dockopt; returns its exit code and what it said on both streams."""
        process = self.start(*words)
        out, err = process.communicate(timeout=WAIT)
        return process.returncode, out, err

    def left_behind(self) -> list[str]:
        """Returns what is on the engine, and of temporary files, that was not there before."""
        found = [each for each in self._on_engine() if each not in self.there]
        return [*found, *(path.name for path in self.scratch.iterdir())]

    def _on_engine(self) -> list[str]:
        images = self.engine.docker("images", "--all", "--quiet", "--filter", "dangling=true")
        made = self.engine.docker("images", "--quiet", "dockopt-verify")
        containers = self.engine.docker("ps", "--all", "--quiet")
        return (images.stdout + made.stdout + containers.stdout).decode().split()


def project(folder: Path, text: str) -> None:
    write("Dockerfile", text)(folder)
    write("package.json", '{"name": "app", "version": "1.0.0"}')(folder)
    write(
        "package-lock.json",
        '{"name": "app", "version": "1.0.0", "lockfileVersion": 3, '
        '"packages": {"": {"name": "app", "version": "1.0.0"}}}',
    )(folder)
    write(".dockerignore", "node_modules\n")(folder)
    write("src/index.js", "1")(folder)


def tree(folder: Path) -> dict[str, str]:
    return {str(path): path.read_text() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def user(engine: Engine, busybox: str, tmp_path: Path) -> User:
    return new_user(engine, tmp_path)


def new_user(engine: Engine, folder: Path) -> User:
    (folder / "project").mkdir()
    (folder / "scratch").mkdir()
    project(folder / "project", dockerfile())
    return User(engine, folder / "project", folder / "scratch")


class TestVerdicts:
    def test_kept(self, user: User) -> None:
        before = tree(user.folder)
        code, out, _ = user.run("verify", "Dockerfile", "--format", "json")
        (found,) = json.loads(out)["verified"]
        assert (code, found["outcome"]) == (0, "kept")
        assert [change["verdict"] for change in found["changes"]] == ["kept"]
        assert user.left_behind() == []
        assert tree(user.folder) == before

    def test_broken_is_named_in_one_line(self, user: User) -> None:
        project(user.folder, dockerfile(NOSY))
        code, out, _ = user.run("verify", "Dockerfile")
        assert code == 1
        assert "/app/node_modules/seen has other content" in " ".join(out.split())
        assert user.left_behind() == []

    def test_fix_holds_back_what_broke(self, user: User) -> None:
        project(user.folder, dockerfile(NOSY))
        code, out, err = user.run("fix", "--verify", "--format", "json", "Dockerfile")
        (file,) = json.loads(out)["files"]
        assert (code, file["status"], file["applied"]) == (0, "unchanged", [])
        assert [held["code"] for held in file["held"]] == ["build-broke-promise"]
        assert "/app/node_modules/seen has other content" in file["held"][0]["reason"], err
        assert user.left_behind() == []

    def test_fix_shows_what_was_confirmed(self, user: User) -> None:
        code, out, _ = user.run("fix", "--verify", "Dockerfile")
        assert code == 0
        assert "(held in a real build)" in out
        assert "+COPY package.json package-lock.json ./" in out

    def test_before_broken(self, user: User) -> None:
        project(user.folder, dockerfile(more="RUN echo why >&2; exit 7\n"))
        code, out, _ = user.run("verify", "Dockerfile")
        said = " ".join(out.split())
        assert code == 2
        assert (
            "the original does not build at `RUN echo why >&2; exit 7`: why (exit code: 7)" in said
        )
        assert user.left_behind() == []

    def test_kept_images_stay_when_asked_for(self, user: User) -> None:
        code, out, _ = user.run("verify", "Dockerfile", "--keep", "--format", "json")
        (found,) = json.loads(out)["verified"]
        assert code == 0
        assert len(found["kept_images"]) == 3
        done = user.engine.docker("image", "rm", *found["kept_images"])
        assert done.returncode == 0
        assert user.left_behind() == []

    def test_an_ignore_file_beside_the_dockerfile_counts(self, user: User) -> None:
        write("Dockerfile.dockerignore", "src\n")(user.folder)
        project(user.folder, dockerfile(more="RUN ! test -e src\n"))
        write("Dockerfile.dockerignore", "src\nnode_modules\n")(user.folder)
        assert user.run("verify", "Dockerfile")[0] == 0

    def test_containerd_store(self, containerd_engine: Engine, tmp_path: Path) -> None:
        user = new_user(containerd_engine, tmp_path)
        assert user.run("verify", "Dockerfile")[0] == 0
        assert user.left_behind() == []


class TestFaults:
    def test_a_build_that_hangs_is_cancelled(self, user: User) -> None:
        project(user.folder, dockerfile(more="RUN echo begun; sleep 61234\n"))
        code, out, _ = user.run("verify", "Dockerfile", "--time-limit", "10")
        assert code == 3
        assert "the original has no end after 10 s at `RUN echo begun; sleep 61234`" in " ".join(
            out.split()
        )
        assert gone("sleep\x0061234")
        assert user.left_behind() == []

    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    def test_interrupted(self, user: User, number: signal.Signals) -> None:
        project(user.folder, dockerfile(more="RUN echo begun; sleep 61235\n"))
        process = user.start("verify", "Dockerfile")
        wait_for(lambda: not gone("sleep\x0061235", 0))
        process.send_signal(number)
        process.communicate(timeout=60)
        assert process.returncode == 130
        assert gone("sleep\x0061235")
        assert user.left_behind() == []

    def test_a_registry_that_does_not_answer(self, user: User) -> None:
        project(user.folder, dockerfile().replace("busybox:1.35", "registry.invalid/x:1"))
        code, out, err = user.run("verify", "Dockerfile")
        assert (code, out) == (3, "")
        assert "the registry does not answer" in err.splitlines()[-2]
        assert user.left_behind() == []

    def test_a_killed_engine(self, tmp_path: Path) -> None:
        engine = start_engine()
        try:
            provide(engine, ["busybox:1.35"])
            user = new_user(engine, tmp_path)
            project(user.folder, dockerfile(more="RUN echo begun; sleep 61236\n"))
            process = user.start("verify", "Dockerfile")
            wait_for(lambda: not gone("sleep\x0061236", 0))
            os.kill(engine.pid, signal.SIGKILL)
            out, err = process.communicate(timeout=WAIT)
        finally:
            engine.stop()
        assert (process.returncode, out) == (3, "")
        assert "the engine went away" in err.splitlines()[-2]
        assert [*user.scratch.iterdir()] == []

    def test_a_full_disk(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(daemon, "MEMORY_WANTED", 0)
        monkeypatch.setattr(daemon, "MEMORY_LIMIT", 64 << 20)
        engine = start_engine()
        try:
            provide(engine, ["busybox:1.35"])
            user = new_user(engine, tmp_path)
            project(user.folder, dockerfile(more="RUN dd if=/dev/zero of=/big bs=1M count=500\n"))
            code, out, err = user.run("verify", "Dockerfile")
            assert (code, out) == (3, "")
            assert "the disk is full" in err.splitlines()[-2]
            assert user.left_behind() == []
        finally:
            engine.stop()


MEASURED = """
import resource, sys
from pathlib import Path
from optimizer.verify.archive import Reader
from optimizer.verify.builders import Order
from optimizer.verify.buildkit import Buildx
size = int(sys.argv[1])
builder = Buildx(Reader())
text = f"FROM busybox:1.35\\nRUN truncate -s {size} /big\\n"
order = Order(text, Path(sys.argv[2]), network="host")
built = builder.build(order, lambda progress: None)
builder.remove(built)
assert built.image.files["/big"].size == size
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10)
"""


def test_memory_stays_flat_on_an_image_of_2_gb(user: User) -> None:
    def peak(size: int) -> int:
        done = subprocess.run(
            [sys.executable, "-c", MEASURED, str(size), str(user.folder)],
            env={**user.environment, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            check=True,
            timeout=WAIT,
        )
        return int(done.stdout)

    assert peak(2 << 30) < peak(1 << 20) + (16 << 20)


@pytest.fixture
def original(user: User) -> Order:
    return Order(BASE, user.folder, network="host", seconds=120)


BASE = "FROM busybox:1.35\nENV A=1\nRUN echo 1 > /one\nRUN date > /now\n"

GOOD = ("RUN echo 1 > /one\n", "RUN echo 1 > /one # same\n")
LOST_ENV = ("ENV A=1\n", "")
LOST_FILE = ("RUN echo 1 > /one # same\n", "")
MODE = ("RUN date > /now\n", "RUN date > /now && chmod 600 /now\n")
BREAKS = ("RUN date > /now\n", "RUN date > /now\nRUN nonsense\n")
GROWS = ("RUN date > /now\n", "RUN date > /now\nRUN echo > /new\n")


def changes(*pairs: tuple[str, str], safety: Safety = Safety.SAME_IMAGE) -> list[Applied]:
    found, text = [], BASE
    for number, (old, new) in enumerate(pairs):
        assert old in text
        after = text.replace(old, new)
        found.append(
            Applied(f"t{number}", "", safety, "", 1, 1, (), (), (), (), before=text, after=after)
        )
        text = after
    return found


def quiet(_: str) -> Watch:
    def watch(_: Progress) -> None:
        return None

    return watch


@pytest.fixture
def builds(user: User) -> Iterator[Builds]:
    builder = Buildx(Reader(), environment=user.environment)
    with Builds(builder, quiet) as found:
        yield found
    assert user.left_behind() == []


class TestJudge:
    def test_the_guilty_change_is_found(self, builds: Builds, original: Order) -> None:
        judge = Judge(Baseline(builds, original), changes(GOOD, LOST_ENV, MODE))
        verdicts = judge.verdicts()
        assert [each.outcome for each in verdicts] == ["kept", "broken", "broken"]
        assert verdicts[1].findings[0].message == "Env lost A=1"
        assert verdicts[2].findings[0].message == "/now has mode 0600, it had 0644"
        assert judge.guilty() == (1, verdicts[1])

    def test_changes_that_hold_are_built_together(self, builds: Builds, original: Order) -> None:
        same_again = ("RUN date > /now\n", "RUN date > /now # same\n")
        judge = Judge(Baseline(builds, original), changes(GOOD, same_again))
        assert [each.outcome for each in judge.verdicts()] == ["kept", "kept"]
        assert len(builds.made) == 3

    def test_a_build_that_breaks(self, builds: Builds, original: Order) -> None:
        (verdict,) = Judge(Baseline(builds, original), changes(BREAKS)).verdicts()
        assert verdict.outcome == "broken"
        assert verdict.findings[0].message.startswith(
            "the rewrite does not build at `RUN nonsense`"
        )

    @pytest.mark.parametrize(
        ("safety", "drops", "outcome"),
        [
            (Safety.SAME_IMAGE, (), "broken"),
            (Safety.SAME_BEHAVIOR, (), "broken"),
            (Safety.SAME_BEHAVIOR, ("/new",), "kept"),
            (Safety.CHANGES_IMAGE, (), "kept"),
        ],
    )
    def test_promises(
        self,
        builds: Builds,
        original: Order,
        safety: Safety,
        drops: tuple[str, ...],
        outcome: str,
    ) -> None:
        (change,) = changes(GROWS, safety=safety)
        judge = Judge(Baseline(builds, original), [replace(change, drops=drops)])
        (verdict,) = judge.verdicts()
        assert verdict.outcome == outcome
        shown = any("/new is new" in note for note in verdict.notes)
        assert shown is (safety is Safety.CHANGES_IMAGE)

    def test_a_cold_build_finds_its_cache_mounts_empty(self, builds: Builds, user: User) -> None:
        text = "FROM busybox:1.35\nRUN --mount=type=cache,target=/c echo x >> /c/x && cp /c/x /x\n"
        order = Order(text, user.folder, network="host")
        sizes = [builds.make(order, "").image for _ in range(2)]
        assert [image.files["/x"].size for image in sizes if image] == [2, 2]

    def test_oci_layout_from_the_builder_itself(
        self, containerd_engine: Engine, user: User
    ) -> None:
        builder = Buildx(Reader(), environment=containerd_engine.environment)
        order = Order(BASE, user.folder, network="host")
        through_engine = builder.build(order, lambda _: None)
        builder.remove(through_engine)
        straight = Straight(Reader(), environment=containerd_engine.environment)
        built = straight.build(order, lambda _: None)
        assert built.reference is None
        assert built.image is not None
        assert through_engine.image is not None
        assert built.image.files.keys() == through_engine.image.files.keys()
        assert built.image.config == through_engine.image.config


class Straight(Buildx):
    """A builder whose images do not go through an engine, as one on another machine."""

    @property
    def _has_engine(self) -> bool:
        return False


def gone(command: str, seconds: float = 15) -> bool:
    """Tells whether no process has ``command`` (words with NUL between) as its command line."""
    deadline = time.monotonic() + seconds
    while True:
        if not any(command in line for line in command_lines()):
            return True
        if time.monotonic() >= deadline:
            return False
        time.sleep(0.2)


def command_lines() -> Iterator[str]:
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes().decode(errors="replace")
        except OSError:
            continue
        # The clients and the shell have it within a longer word.
        if line.startswith("sleep"):
            yield line


def wait_for(what: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.2)
