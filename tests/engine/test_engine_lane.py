"""The lane itself: the engine leaves nothing behind, builds are reported, images are compared."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from optimizer.verify.compare import Chance, changed, compare
from optimizer.verify.image import Image
from tests.engine.bases import LABEL, STAND_INS, SUITES, make_room, provide, stand_ins_named_in
from tests.engine.build import build
from tests.engine.daemon import Engine, remove_stale_runs, start_engine
from tests.engine.image import ImageReader
from tests.engine.measure import write

pytestmark = pytest.mark.engine

ROOT = Path(__file__).resolve().parents[2]


def processes_of(engine_folder: Path) -> list[str]:
    """Returns the command lines that name a run folder."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if str(engine_folder) in line:
            found.append(line)
    return found


def image(engine: Engine, images: ImageReader, context: Path, dockerfile: str) -> Image:
    write("Dockerfile", dockerfile)(context)
    built = build(engine, context, no_cache=True, tag="compared:1")
    assert built.ok, built.log
    return images.read("compared:1")


class TestEngine:
    def test_stopped_engine_leaves_nothing(self) -> None:
        engine = start_engine()
        assert processes_of(engine.folder)
        engine.stop()
        assert not engine.folder.exists()
        assert not processes_of(engine.folder)
        assert str(engine.folder) not in Path("/proc/mounts").read_text()

    def test_engine_goes_with_a_parent_that_is_killed(self) -> None:
        script = (
            "from tests.engine.daemon import start_engine\n"
            "engine = start_engine()\n"
            "print(engine.folder, flush=True)\n"
            "import time; time.sleep(600)\n"
        )
        parent = subprocess.Popen(
            [sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        assert parent.stdout is not None
        folder = Path(parent.stdout.readline().strip())
        assert folder.is_dir()
        assert processes_of(folder)
        parent.send_signal(signal.SIGKILL)
        parent.communicate()
        deadline = time.monotonic() + 10
        while folder.exists() and time.monotonic() < deadline:
            remove_stale_runs(folder.parent)
            time.sleep(0.1)
        assert not folder.exists()
        assert not processes_of(folder)

    def test_running_engine_is_not_taken_for_a_stale_one(self, engine: Engine) -> None:
        remove_stale_runs(engine.folder.parent)
        assert engine.answers()

    def test_another_machine_is_told_what_is_missing(self) -> None:
        script = (
            "import os, sys\n"
            "from tests.engine.__main__ import main\n"
            "os.setuid(65534)\n"
            "sys.exit(main(['up']))\n"
        )
        done = subprocess.run(
            [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False
        )
        assert done.returncode == 3
        assert done.stderr.splitlines() == [
            "The engine lane needs root: an engine mounts file systems and makes namespaces.",
            "Run the same command as root.",
        ]


@pytest.mark.usefixtures("busybox")
class TestBuild:
    def test_failed_build_is_a_result(self, engine: Engine, context: Path) -> None:
        write("Dockerfile", "FROM busybox:1.35\nRUN echo said >&2 && exit 7\n")(context)
        built = build(engine, context)
        assert (built.ok, built.image_id) == (False, None)
        assert "RUN echo said >&2 && exit 7: said" in built.log
        assert any("exit code: 7" in vertex.error for vertex in built.vertexes)

    def test_build_without_an_end_is_a_result(self, engine: Engine, context: Path) -> None:
        write("Dockerfile", "FROM busybox:1.35\nRUN echo begun && sleep 600\n")(context)
        built = build(engine, context, seconds=3)
        assert not built.ok
        assert "begun" in built.log
        assert built.log.endswith("no end after 3 s")

    def test_vertexes_have_times(self, engine: Engine, context: Path) -> None:
        write("Dockerfile", "FROM busybox:1.35\nRUN sleep 1\n")(context)
        built = build(engine, context, no_cache=True)
        (slept,) = [vertex for vertex in built.vertexes if "sleep" in vertex.name]
        assert 1 <= slept.seconds < 10
        assert not slept.cached


@pytest.mark.usefixtures("busybox")
class TestImage:
    @pytest.mark.parametrize(
        ("lines", "expected"),
        [
            pytest.param("RUN echo b > /f", ["/f"], id="content"),
            pytest.param("RUN chmod 600 /f", ["/f"], id="mode"),
            pytest.param("RUN chown 1:1 /f", ["/f"], id="owner"),
            pytest.param("RUN rm /f && ln -s /etc /f", ["/f"], id="kind"),
            pytest.param("RUN rm /f", ["/f"], id="removed"),
            pytest.param("RUN rm -r /d && mkdir /d", ["/d/e"], id="directory-made-anew"),
            pytest.param("RUN rm -r /d && echo > /d", ["/d", "/d/e"], id="hides-below"),
            pytest.param("RUN mkfifo /p", ["/p"], id="fifo"),
            pytest.param("RUN mknod /p c 1 3", ["/p"], id="device"),
            pytest.param("RUN touch -d @1 /f", [], id="time-only"),
            pytest.param("RUN ln /f /g && rm /g", [], id="link-made-and-removed"),
            pytest.param("ENV A=1", ["config Env"], id="env"),
            pytest.param("USER app", ["config User"], id="user"),
            pytest.param("WORKDIR /d", ["config WorkingDir"], id="workdir"),
            pytest.param("LABEL a=1", ["config Labels"], id="label"),
            pytest.param("EXPOSE 80", ["config ExposedPorts"], id="expose"),
            pytest.param("VOLUME /d", ["config Volumes"], id="volume"),
            pytest.param('CMD ["x"]', ["config Cmd"], id="cmd"),
            pytest.param('ENTRYPOINT ["x"]', ["config Cmd", "config Entrypoint"], id="entrypoint"),
            pytest.param("HEALTHCHECK CMD x", ["config Healthcheck"], id="healthcheck"),
            pytest.param("STOPSIGNAL 9", ["config StopSignal"], id="stopsignal"),
            pytest.param('SHELL ["/bin/ash","-c"]', ["config Shell"], id="shell"),
            pytest.param("ONBUILD RUN x", ["config OnBuild"], id="onbuild"),
        ],
    )
    def test_difference_is_seen(
        self, lines: str, expected: list[str], engine: Engine, images: ImageReader, context: Path
    ) -> None:
        start = "FROM busybox:1.35\nRUN echo a > /f && mkdir /d && echo e > /d/e\n"
        before = image(engine, images, context, start)
        after = image(engine, images, context, f"{start}{lines}\n")
        found = dict.fromkeys(difference.where for difference in compare(before, after))
        assert [*found] == expected

    def test_hard_links_are_files(self, engine: Engine, images: ImageReader, context: Path) -> None:
        files = image(
            engine, images, context, "FROM busybox:1.35\nRUN echo a > /f && ln /f /g\n"
        ).files
        assert files["/f"] == files["/g"]
        assert files["/f"].digest

    def test_what_is_chance_is_not_held_against_a_change(
        self, engine: Engine, images: ImageReader, context: Path
    ) -> None:
        start = (
            "FROM busybox:1.35\nRUN head -c 8 /dev/urandom > /random && touch /$(date +%s).log\n"
        )
        before = image(engine, images, context, start)
        time.sleep(1)
        control = image(engine, images, context, start)
        after = image(engine, images, context, f"{start}RUN echo a > /f\n")
        assert len(compare(before, control)) == 3
        assert [d.where for d in changed(before, after, Chance.of([before, control]))] == ["/f"]

    def test_images_read_together_are_those_read_alone(
        self, engine: Engine, images: ImageReader
    ) -> None:
        provide(engine, ["busybox:1.35", "node:18-slim"])
        names = ["node:18-slim", "busybox:1.35"]
        assert images.read_all(names) == tuple(map(images.read, names))

    def test_unknown_image_is_an_error(self, images: ImageReader) -> None:
        with pytest.raises(RuntimeError, match="nosuchimage"):
            images.read("nosuchimage:1")

    def test_containerd_store_gives_the_same_image(
        self, engine: Engine, containerd_engine: Engine, images: ImageReader, context: Path
    ) -> None:
        dockerfile = "FROM busybox:1.35\nRUN echo a > /f && rm /etc/group\nENV A=1\n"
        graph = image(engine, images, context, dockerfile)
        store = image(containerd_engine, ImageReader(containerd_engine), context, dockerfile)
        assert compare(graph, store) == ()


class TestStandIns:
    @pytest.mark.parametrize(
        ("name", "has", "has_not"),
        [
            ("node:18-slim", "node npm npx", "python3 gcc make git curl"),
            ("python:3.11-slim", "python python3 python3.11 pip pip3", "gcc make git curl"),
        ],
    )
    def test_programs_are_those_of_the_official_image(
        self, name: str, has: str, has_not: str, engine: Engine, context: Path
    ) -> None:
        provide(engine, [name])
        lines = [f"RUN {program} --version" for program in has.split()]
        lines += [f"RUN ! command -v {program}" for program in has_not.split()]
        write("Dockerfile", "\n".join([f"FROM {name}", *lines, ""]))(context)
        built = build(engine, context, no_cache=True)
        assert built.ok, built.log

    def test_room_is_made_by_dropping_all_but_the_smallest(self, engine: Engine) -> None:
        provide(engine, ["busybox:1.35", "debian:bookworm-slim"])
        assert 0 < engine.fullness < 1
        make_room(engine, most_full=0.0)
        listed = engine.docker("images", "--format={{.Repository}}:{{.Tag}}").stdout.decode()
        assert {"busybox:1.35"} == {*listed.split()} & {*STAND_INS, *SUITES}

    def test_stand_in_says_what_it_is(self, engine: Engine, images: ImageReader) -> None:
        provide(engine, ["busybox:1.35"])
        assert images.read("busybox:1.35").config["Labels"] == {LABEL: "busybox:1.35"}

    def test_bases_are_found_in_a_dockerfile(self) -> None:
        text = (
            "FROM --platform=linux/amd64 node:18 AS a\nRUN --mount=from=golang:1.19,target=/x y\n"
            "COPY --from=busybox:1.35 /a /b\nFROM nowhere:1\n# FROM python:3.11\n"
        )
        assert stand_ins_named_in(text) == ("busybox:1.35", "golang:1.19", "node:18")

    def test_every_stand_in_stands_on_another(self) -> None:
        below = {stand_in.base for stand_in in STAND_INS.values()} - {None}
        assert below <= {*STAND_INS, "debian:bookworm-slim", "debian:trixie-slim"}
