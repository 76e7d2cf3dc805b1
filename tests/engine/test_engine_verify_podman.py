"""The driver for podman and buildah, where a machine has them (Debian: podman, buildah)."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import pytest

from optimizer.verify.archive import Reader
from optimizer.verify.builders import EngineFault, Order
from optimizer.verify.podman import Podman
from tests.engine.daemon import Engine
from tests.engine.farms import silent_registry
from tests.engine.measure import write
from tests.engine.users import ROOT

pytestmark = pytest.mark.engine

PROGRAMS: tuple[Literal["podman", "buildah"], ...] = ("podman", "buildah")
INTERRUPTED = """
from pathlib import Path
from optimizer.verify.archive import Reader
from optimizer.verify.builders import Order
from optimizer.verify.podman import Podman
order = Order({text!r}, Path({context!r}), network="host", cold={cold})
def watch(progress):
    if list(progress.messages)[-1:] == ["begun"]:
        print("begun", flush=True)
Podman(Reader(), {program!r}).build(order, watch)
"""
STAGES = (
    "FROM busybox:1.35 AS tools\nRUN echo 1 > /one\nFROM busybox:1.35\nENV A=1\n"
    "HEALTHCHECK CMD x\nCOPY --from=tools /one /one\nCOPY f /f\n"
)


@pytest.fixture(scope="module")
def environment(
    engine: Engine, busybox: str, tmp_path_factory: pytest.TempPathFactory
) -> Mapping[str, str]:
    """A store of its own that holds the smallest stand-in; no control groups are needed."""
    if not all(map(shutil.which, PROGRAMS)):
        pytest.skip("podman and buildah are not installed: apt-get install podman buildah")
    folder = tmp_path_factory.mktemp("containers")
    config = folder / "storage.conf"
    config.write_text(
        f'[storage]\ndriver = "vfs"\ngraphroot = "{folder}/root"\nrunroot = "{folder}/run"\n'
    )
    own = {"CONTAINERS_STORAGE_CONF": str(config), "BUILDAH_ISOLATION": "chroot"}
    found = {**os.environ, **own}
    saved = engine.docker("save", busybox).stdout
    subprocess.run(["podman", "load"], input=saved, env=found, check=True, capture_output=True)
    return found


def left_behind(environment: Mapping[str, str]) -> list[str]:
    """Returns the images and working containers beside the stand-in."""
    found = []
    for words in (["images", "--all", "--quiet"], ["containers", "--all", "--quiet"]):
        done = subprocess.run(["buildah", *words], env=environment, capture_output=True, check=True)
        found += done.stdout.decode().split()
    assert found, "the stand-in is gone"
    return found[1:]


@pytest.mark.parametrize("program", PROGRAMS)
class TestPodman:
    def test_builds_and_reads(
        self, program: Literal["podman", "buildah"], environment: Mapping[str, str], context: Path
    ) -> None:
        write("f", "x")(context)
        write("left-out", "x")(context)
        builder = Podman(Reader(), program, environment)
        builder.check()
        order = Order(STAGES + "COPY . /all\n", context, network="host", ignore="left-out\n")
        built = builder.build(order, lambda _: None)
        builder.remove(built)
        assert built.image is not None
        assert {"/one", "/f", "/all/f"} < built.image.files.keys()
        assert "/all/left-out" not in built.image.files
        assert "A=1" in built.image.config["Env"]
        assert built.image.config["Healthcheck"] == {"Test": ["CMD-SHELL", "x"]}
        assert left_behind(environment) == []

    def test_a_build_that_fails_with_layers_leaves_none(
        self, program: Literal["podman", "buildah"], environment: Mapping[str, str], context: Path
    ) -> None:
        text = "FROM busybox:1.35\nRUN echo 1 > /one\nRUN echo 2 > /two\nRUN exit 7\n"
        builder = Podman(Reader(), program, environment)
        order = Order(text, context, network="host", cold=False)
        assert builder.build(order, lambda _: None).failed is not None
        assert left_behind(environment) == []

    @pytest.mark.parametrize("cold", [True, False])
    def test_interrupted(
        self,
        cold: bool,
        program: Literal["podman", "buildah"],
        environment: Mapping[str, str],
        context: Path,
    ) -> None:
        text = "FROM busybox:1.35\nRUN echo 1 > /one\nRUN echo begun; sleep 61239\n"
        (context.parent / "tmp").mkdir()
        script = INTERRUPTED.format(program=program, context=str(context), text=text, cold=cold)
        process = subprocess.Popen(
            ["env", "--default-signal=INT", sys.executable, "-c", script],
            env={**environment, "PYTHONPATH": str(ROOT), "TMPDIR": str(context.parent / "tmp")},
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == -signal.SIGINT
        assert left_behind(environment) == []
        assert [*(context.parent / "tmp").iterdir()] == []

    def test_failures(
        self, program: Literal["podman", "buildah"], environment: Mapping[str, str], context: Path
    ) -> None:
        builder = Podman(Reader(), program, environment)
        text = "FROM busybox:1.35\nRUN echo why >&2; exit 7\n"
        failed = builder.build(Order(text, context, network="host"), lambda _: None).failed
        assert failed is not None
        assert (failed.why, failed.step) == ("error", "RUN echo why >&2; exit 7")
        assert failed.log[0] == "why"
        text = "FROM busybox:1.35\nRUN echo begun; sleep 61237\n"
        order = Order(text, context, network="host", seconds=8)
        failed = builder.build(order, lambda _: None).failed
        assert failed is not None
        assert (failed.why, failed.step) == ("time", "RUN echo begun; sleep 61237")
        order = Order("FROM registry.invalid/x:1\n", context, network="host")
        with pytest.raises(EngineFault, match="the registry does not answer"):
            builder.build(order, lambda _: None)
        with silent_registry() as address:
            order = Order(f"FROM {address}/x:1\n", context, network="host", seconds=5)
            with pytest.raises(EngineFault, match=f"does not answer about {address}/x:1 within"):
                builder.build(order, lambda _: None)
        assert left_behind(environment) == []
