"""`dockopt verify` on a real engine: verdicts, everything that goes wrong, nothing left behind."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
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
from tests.engine.bases import make_room, provide
from tests.engine.daemon import Engine, start_engine
from tests.engine.farms import silent_registry
from tests.engine.measure import write
from tests.engine.users import NOSY, ROOT, WAIT, User, dockerfile, new_user, project
from tests.lsp.wire import Wire
from tests.surfaces.terminals import start

pytestmark = pytest.mark.engine


def tree(folder: Path) -> dict[str, str]:
    return {str(path): path.read_text() for path in folder.rglob("*") if path.is_file()}


def offline(text: str) -> str:
    """Returns a Dockerfile whose RUNs ask for no network: the engine has only the host's to give,
    and an editor has no option for that."""
    return text.replace("RUN ", "RUN --network=none ")


def ask_to_verify(wire: Wire, user: User, text: str) -> int:
    """Opens a project in an editor that trusts it; returns the number of the request."""
    project(user.folder, text)
    wire.initialize(initializationOptions={"trusted": True})
    uri = wire.open(user.folder / "Dockerfile", text)
    wire.diagnostics(uri, 1)
    asked = {"command": "dockopt.verify", "arguments": [{"uri": uri}]}
    number = wire.request("workspace/executeCommand", asked)
    create = wire.take(lambda each: each.get("method") == "window/workDoneProgress/create")
    wire.send({"jsonrpc": "2.0", "id": create["id"], "result": None})
    return number


@pytest.fixture
def user(engine: Engine, busybox: str, tmp_path: Path) -> User:
    return new_user(engine, tmp_path)


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
        code, out, err = user.run("fix", "--verify", "Dockerfile")
        assert code == 0, err
        assert "(held in a real build)" in out
        assert "+COPY package.json package-lock.json ./" in out
        assert (
            "#   gain     edit src/index.js: 2 steps rerun -> 1 (by the cache model, "
            "measured 2 -> 1)\n" in out
        )
        assert re.search(
            r"#   measured cold build: [\d.]+ m?s -> [\d.]+ m?s \(measured in a build\)\n", out
        )
        assert re.search(r"#   measured image: [\d.]+ MB -> [\d.]+ MB \(measured in a", out)
        assert user.left_behind() == []

    def test_fix_shows_programs_what_was_measured(self, user: User) -> None:
        words = ["fix", "--verify", "--measure", "2", "--format", "json", "Dockerfile"]
        code, out, err = user.run(*words)
        assert code == 0, err
        (file,) = json.loads(out)["files"]
        (applied,) = file["applied"]
        assert applied["confirmed"] is True
        (steps,) = [each for each in applied["evidence"] if each["metric"] == "steps_rerun"]
        assert (steps["before"], steps["after"]) == (2, 1)
        assert (steps["basis"], steps["predicted_by"]) == ("build", "model")
        assert steps["measured"]["before"] == {"median": 2, "least": 2, "most": 2}
        assert steps["measured"]["after"] == {"median": 1, "least": 1, "most": 1}
        others = {each["metric"]: each for each in applied["evidence"] if each is not steps}
        assert {"build_seconds", "image_bytes", "rebuild_seconds", "push_bytes"} <= others.keys()
        assert others["build_seconds"]["measured"]["repetitions"] == 2

    def test_fix_measures_nothing_where_nobody_wants_it(self, user: User) -> None:
        words = ["fix", "--verify", "--measure", "0", "--format", "json", "Dockerfile"]
        code, out, err = user.run(*words)
        assert (code, err.count("building the")) == (0, 3)
        (applied,) = json.loads(out)["files"][0]["applied"]
        assert applied["confirmed"] is True
        assert all("measured" not in each for each in applied["evidence"])

    def test_a_smoke_command_is_run_in_equal_images_too(self, user: User) -> None:
        write("dockopt.toml", 'smoke = "cat node_modules/package.json | wc -l"\n')(user.folder)
        write(".dockerignore", "node_modules\ndockopt.toml\n")(user.folder)
        code, out, _ = user.run("verify", "Dockerfile", "--measure", "0")
        said = " ".join(out.split())
        assert code == 0
        assert "note the smoke command gives the same answer in both images" in said
        out = user.run("fix", "--verify", "Dockerfile", "--measure", "0")[1]
        assert "#   note     the smoke command gives the same answer in both images\n" in out
        write("dockopt.toml", 'smoke = "cat /nowhere"\n')(user.folder)
        code, out, _ = user.run("verify", "Dockerfile", "--measure", "0")
        assert code == 0
        assert "the smoke command fails in the original image" in " ".join(out.split())

    def test_secrets_reach_the_build_and_nobody_else(self, user: User, tmp_path: Path) -> None:
        secret = tmp_path / "token"
        secret.write_text("hunter2")
        mounted = "RUN --mount=type=secret,id=npm test $(cat /run/secrets/npm | wc -c) = 7\n"
        project(user.folder, dockerfile(more=mounted))
        words = ["verify", "Dockerfile", "--secret", f"id=npm,src={secret}"]
        code, out, err = user.run(*words)
        assert code == 0, err
        code, out, err = user.run("verify", "Dockerfile")
        assert code == 2
        assert "hunter2" not in out + err

    def test_an_agent_reaches_the_build(self, user: User) -> None:
        project(user.folder, dockerfile(more="RUN --mount=type=ssh test -S $SSH_AUTH_SOCK\n"))
        place = user.scratch.parent / "agent"
        with socket.socket(socket.AF_UNIX) as agent:
            agent.bind(str(place))
            agent.listen()
            words = ["verify", "Dockerfile", "--measure", "0"]
            assert user.run(*words, "--ssh", f"default={place}")[0] == 0
            assert user.run(*words)[0] == 2
        assert user.left_behind() == []

    def test_bisect_names_the_guilty_change(self, user: User) -> None:
        project(user.folder, dockerfile(NOSY))
        code, out, _ = user.run("bisect", "Dockerfile", "--format", "json")
        assert code == 1
        (found,) = json.loads(out)["verified"]
        (change,) = found["changes"]
        assert (change["transform"], change["verdict"]) == ("copy-manifests-first", "broken")
        assert change["findings"][0]["message"].startswith(
            "/app/node_modules/seen has other content"
        )
        project(user.folder, dockerfile())
        assert user.run("bisect", "Dockerfile")[0] == 0
        assert user.left_behind() == []

    def test_before_broken(self, user: User) -> None:
        project(user.folder, dockerfile(more="RUN echo why >&2; exit 7\n"))
        code, out, err = user.run("verify", "Dockerfile")
        said = " ".join(out.split())
        assert code == 2
        assert err.splitlines()[-1] == (
            "Dockerfile:7:1: error: the original does not build at "
            "`RUN echo why >&2; exit 7`: why (exit code: 7)"
        )
        assert (
            "the original does not build at `RUN echo why >&2; exit 7`: why (exit code: 7)" in said
        )
        assert user.left_behind() == []

    def test_kept_images_stay_when_asked_for(self, user: User) -> None:
        code, out, _ = user.run(
            "verify", "Dockerfile", "--keep", "--measure", "0", "--format", "json"
        )
        (found,) = json.loads(out)["verified"]
        assert code == 0
        assert len(found["kept_images"]) == 3
        done = user.engine.docker("image", "rm", *found["kept_images"])
        assert done.returncode == 0
        assert user.left_behind() == []

    def test_fix_says_what_it_kept(self, user: User) -> None:
        code, _, err = user.run("fix", "--verify", "--keep", "--measure", "0", "Dockerfile")
        (line,) = [line for line in err.splitlines() if line.startswith("kept: ")]
        names = line.removeprefix("kept: ").split(", ")
        assert (code, len(names)) == (0, 3)
        assert user.engine.docker("image", "rm", *names).returncode == 0
        assert user.left_behind() == []

    def test_an_ignore_file_beside_the_dockerfile_counts(self, user: User) -> None:
        write("Dockerfile.dockerignore", "src\n")(user.folder)
        project(user.folder, dockerfile(more="RUN ! test -e src\n"))
        write("Dockerfile.dockerignore", "src\nnode_modules\n")(user.folder)
        assert user.run("verify", "Dockerfile", "--measure", "0")[0] == 0

    def test_containerd_store(self, containerd_engine: Engine, tmp_path: Path) -> None:
        user = new_user(containerd_engine, tmp_path)
        assert user.run("verify", "Dockerfile", "--measure", "0")[0] == 0
        assert user.left_behind() == []


class TestEditor:
    """What an editor asks the language server to verify."""

    def test_verdict_and_progress(self, user: User) -> None:
        with Wire(user.folder, user.environment) as wire:
            number = ask_to_verify(wire, user, offline(dockerfile()))
            answer = wire.answer(number)["result"]
        said = [each["params"]["value"] for each in wire.messages if each["method"] == "$/progress"]
        assert any(each.get("message") == "building the original" for each in said), said
        assert said[-1]["kind"] == "end"
        assert answer["code"] == 0, answer
        (found,) = answer["report"]["verified"]
        assert found["changes"][0]["transform"] == "copy-manifests-first"
        assert user.left_behind() == []

    def test_cancelled(self, user: User) -> None:
        text = offline(dockerfile(more="RUN echo begun; sleep 61240\n"))
        with Wire(user.folder, user.environment) as wire:
            number = ask_to_verify(wire, user, text)
            begin = wire.take(lambda each: each.get("method") == "$/progress")
            wait_for(lambda: not gone("sleep\x0061240", 0))
            token = {"token": begin["params"]["token"]}
            wire.notify("window/workDoneProgress/cancel", token)
            assert "cancelled" in wire.answer(number)["error"]["message"]
        assert gone("sleep\x0061240")
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

    @pytest.mark.parametrize(
        ("words", "numbers"),
        [
            (["verify"], [signal.SIGINT]),
            (["verify"], [signal.SIGTERM]),
            (["bisect"], [signal.SIGHUP]),
            # Who is impatient must not leave more behind than who is not.
            (["fix", "--verify", "--write"], [signal.SIGINT, signal.SIGINT, signal.SIGTERM]),
        ],
    )
    def test_interrupted(self, user: User, words: list[str], numbers: list[signal.Signals]) -> None:
        project(user.folder, dockerfile(more="RUN echo begun; sleep 61235\n"))
        before = tree(user.folder)
        process = user.start(*words, "Dockerfile")
        wait_for(lambda: not gone("sleep\x0061235", 0))
        for number in numbers:
            process.send_signal(number)
            time.sleep(0.3)
        process.communicate(timeout=60)
        assert process.returncode == 130
        assert gone("sleep\x0061235")
        assert user.left_behind() == []
        assert tree(user.folder) == before

    def test_ctrl_c_on_a_terminal(self, user: User) -> None:
        project(user.folder, dockerfile(more="RUN echo begun; sleep 61238\n"))
        words = ["verify", "Dockerfile", "--network", "host"]
        session = start(user.folder, 80, user.environment, *words)
        session.until(lambda screen: "    begun" in screen.text and screen.drawn > 2)
        heading, step, said = session.screen.text.splitlines()
        assert "building the original" in heading
        assert "RUN echo begun; sleep 61238" in step
        assert said.strip() == "begun"
        os.write(session.master, b"\x03")
        assert session.end() == 130
        assert session.screen.cursor_shown
        assert session.screen.text == ""
        assert gone("sleep\x0061238")
        assert user.left_behind() == []

    def test_a_registry_that_does_not_answer(self, user: User) -> None:
        project(user.folder, dockerfile().replace("busybox:1.35", "registry.invalid/x:1"))
        code, out, err = user.run("verify", "Dockerfile")
        assert (code, out) == (3, "")
        assert "the registry does not answer" in err.splitlines()[-2]
        assert user.left_behind() == []

    def test_a_registry_that_never_answers(self, user: User) -> None:
        with silent_registry() as address:
            project(user.folder, dockerfile().replace("busybox:1.35", f"{address}/x:1"))
            code, out, err = user.run("verify", "Dockerfile", "--time-limit", "5")
        assert (code, out) == (3, "")
        assert f"the registry does not answer about {address}/x:1" in err.splitlines()[-2]
        assert err.splitlines()[-1].startswith("Pull the base image by hand")
        assert user.left_behind() == []

    def test_a_full_folder_for_temporary_files(self, user: User) -> None:
        project(user.folder, dockerfile(more=f"# {'x' * 8192}\n"))
        mounted = ["mount", "-t", "tmpfs", "-o", "size=4k", "dockopt-full", str(user.scratch)]
        subprocess.run(mounted, check=True)
        try:
            code, out, err = user.run("verify", "Dockerfile")
            assert user.left_behind() == []
        finally:
            subprocess.run(["umount", str(user.scratch)], check=True)
        assert (code, out) == (3, "")
        assert err.splitlines()[-2:] == [
            "dockopt: error: nothing can be written for the build: No space left on device",
            "Make room, or name another folder: TMPDIR.",
        ]

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
import pathlib, re, sys
from optimizer.surfaces.cli import main
try:
    main()
finally:
    status = pathlib.Path("/proc/self/status").read_text()
    print(int(re.search(r"VmHWM:\\s*(\\d+) kB", status)[1]) << 10, file=sys.stderr)
"""
"""The peak of this program alone: getrusage(2) counts what its process held before execve(2)."""


def test_memory_stays_flat_on_an_image_of_2_gb(user: User) -> None:
    # The engine writes the image out before it hands it on.
    make_room(user.engine, most_full=0.2)

    def peak(size: int) -> int:
        """Returns the bytes of memory that the whole command took at most, its children apart."""
        project(user.folder, dockerfile(more=f"RUN truncate -s {size} /big\n"))
        words = ["verify", "Dockerfile", "--network", "host", "--measure", "0"]
        done = subprocess.run(
            [sys.executable, "-c", MEASURED, *words],
            cwd=user.folder,
            env={**user.environment, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            check=False,
            timeout=WAIT * 2,
        )
        assert done.returncode == 0, done.stderr.decode()
        return int(done.stderr.split()[-1])

    assert peak(2 << 30) < peak(200 << 20) + (16 << 20)
    assert user.left_behind() == []


@pytest.fixture
def original(user: User) -> Order:
    return Order(BASE, user.folder, network="host", seconds=120)


CHANCE = "RUN cat /proc/sys/kernel/random/uuid > /now\n"
"""Different in every build, also in two of the same second (random(4))."""
BASE = f"FROM busybox:1.35\nENV A=1\nRUN echo 1 > /one\n{CHANCE}"

GOOD = ("RUN echo 1 > /one\n", "RUN echo 1 > /one # same\n")
LOST_ENV = ("ENV A=1\n", "")
LOST_FILE = ("RUN echo 1 > /one # same\n", "")
MODE = (CHANCE, f"{CHANCE.rstrip()} && chmod 600 /now\n")
BREAKS = (CHANCE, f"{CHANCE}RUN nonsense\n")
GROWS = (CHANCE, f"{CHANCE}RUN echo > /new\n")


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
        same_again = (CHANCE, f"{CHANCE.rstrip()} # same\n")
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
