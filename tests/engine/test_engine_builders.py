"""Builders other than the engine's own: BuildKit in a container of buildx's, and one that
somebody else runs. They see no image of the engine, so a registry has the base images.

The driver ``kubernetes`` needs a cluster. It takes the same words as ``remote``, and gives images
in the same two ways (tests/verify/test_verify_builders.py).
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.engine.daemon import Engine
from tests.engine.farms import boxed, configuration, farm, registry, silent_registry
from tests.engine.users import NOSY, User, dockerfile, new_user, project

pytestmark = pytest.mark.engine

NO_ENGINE = {"DOCKER_HOST": "unix:///nowhere/docker.sock"}
DRIVERS = ["docker-container", "remote"]


@pytest.fixture(scope="module")
def mirror(engine: Engine, busybox: str) -> Iterator[str]:
    with registry(engine, busybox) as address:
        yield address


@dataclass(frozen=True)
class Farm:
    builder: str
    container: str | None = None


@pytest.fixture(scope="module")
def farms(
    engine: Engine, mirror: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Farm]]:
    config = configuration(tmp_path_factory.mktemp("buildkit"), mirror)
    with boxed(engine, config) as box, farm(engine, config) as (remote, container):
        yield {"docker-container": Farm(box), "remote": Farm(remote, container)}


@pytest.fixture
def user(engine: Engine, farms: dict[str, Farm], tmp_path: Path) -> User:
    return new_user(engine, tmp_path)


def said(out: str) -> str:
    return " ".join(out.split())


@pytest.mark.parametrize("driver", DRIVERS)
class TestVerdicts:
    def test_kept_and_images_run_on_the_local_engine(
        self, driver: str, farms: dict[str, Farm], user: User
    ) -> None:
        (user.folder / "dockopt.toml").write_text('smoke = "cat node_modules/package.json"\n')
        words = ["verify", "Dockerfile", "--builder", farms[driver].builder, "--format", "json"]
        code, out, err = user.run(*words, "--measure", "0")
        (found,) = json.loads(out)["verified"]
        assert (code, found["outcome"]) == (0, "kept"), err
        assert found["builder"] == f"docker buildx ({farms[driver].builder})"
        assert user.left_behind() == []

    def test_broken_is_named(self, driver: str, farms: dict[str, Farm], user: User) -> None:
        project(user.folder, dockerfile(NOSY))
        code, out, _ = user.run("verify", "Dockerfile", "--builder", farms[driver].builder)
        assert code == 1
        assert "/app/node_modules/seen has other content" in said(out)
        assert user.left_behind() == []

    def test_cache_mounts_are_cold_and_gone(
        self, driver: str, farms: dict[str, Farm], user: User
    ) -> None:
        more = "RUN --mount=type=cache,target=/c echo x >> /c/x && cp /c/x /x\n"
        project(user.folder, dockerfile(more=more))
        builder = farms[driver].builder
        words = ["verify", "Dockerfile", "--builder", builder, "--measure", "0"]
        assert user.run(*words)[0] == 0
        used = user.engine.buildx("du", "--builder", builder, "--verbose").stdout
        assert b"exec.cachemount" not in used

    def test_an_image_of_the_engine_alone_is_not_there(
        self, driver: str, farms: dict[str, Farm], user: User
    ) -> None:
        user.engine.docker("tag", "busybox:1.35", "only-here:1")
        project(user.folder, dockerfile().replace("busybox:1.35", "only-here:1"))
        builder = farms[driver].builder
        code, out, _ = user.run("verify", "Dockerfile", "--builder", builder)
        user.engine.docker("image", "rm", "only-here:1")
        assert code == 2
        assert (
            "only-here:1: not found (it is on the local engine, which the builder "
            f"{builder} cannot see)"
        ) in said(out)
        assert user.left_behind() == []

    def test_a_build_that_hangs_is_cancelled(
        self, driver: str, farms: dict[str, Farm], user: User
    ) -> None:
        project(user.folder, dockerfile(more="RUN echo begun; sleep 61244\n"))
        words = ["verify", "Dockerfile", "--time-limit", "10", "--builder", farms[driver].builder]
        code, out, _ = user.run(*words)
        assert code == 3
        assert "the original has no end after 10 s at `RUN echo begun; sleep 61244`" in said(out)
        assert user.left_behind() == []


class TestWithoutAnEngine:
    """The farm is all that there is."""

    @pytest.fixture
    def alone(self, user: User) -> User:
        user.more = NO_ENGINE
        return user

    def test_kept(self, farms: dict[str, Farm], alone: User) -> None:
        words = ["verify", "Dockerfile", "--builder", farms["remote"].builder, "--format", "json"]
        code, out, err = alone.run(*words, "--measure", "1")
        (found,) = json.loads(out)["verified"]
        assert (code, found["outcome"]) == (0, "kept"), err
        measured = {each["metric"] for each in found["changes"][0]["evidence"] if each["measured"]}
        assert {"build_seconds", "image_bytes", "rebuild_seconds", "push_bytes"} <= measured
        assert alone.left_behind() == []

    def test_what_has_to_run_cannot(self, farms: dict[str, Farm], alone: User) -> None:
        (alone.folder / "dockopt.toml").write_text('smoke = "true"\n')
        words = ["verify", "Dockerfile", "--builder", farms["remote"].builder, "--measure", "0"]
        code, out, _ = alone.run(*words)
        assert code == 0
        assert "the smoke command cannot run: the builder keeps its images" in said(out)


class TestFaults:
    def test_a_builder_that_nobody_knows(self, user: User) -> None:
        code, out, err = user.run("verify", "Dockerfile", "--builder", "nosuch")
        assert (code, out) == (3, "")
        assert err.splitlines() == [
            'dockopt: error: the builder nosuch does not answer: no builder "nosuch" found',
            "Start it, or choose another one of `docker buildx ls`: --builder NAME.",
        ]

    def test_a_host_network_that_is_not_given(
        self, engine: Engine, mirror: str, tmp_path: Path, user: User
    ) -> None:
        config = configuration(tmp_path, mirror, host_network=False)
        with farm(engine, config) as (builder, _):
            code, out, err = user.run("verify", "Dockerfile", "--builder", builder)
        assert (code, out) == (3, "")
        assert "the builder has no host's network to give" in err.splitlines()[-2]
        assert err.splitlines()[-1].startswith("Leave --network out")

    @pytest.mark.parametrize("delay", [0, 10])
    def test_a_farm_that_goes_away(
        self, delay: int, engine: Engine, mirror: str, tmp_path: Path, user: User
    ) -> None:
        project(user.folder, dockerfile(more="RUN sleep 61245\n"))
        with farm(engine, configuration(tmp_path, mirror)) as (builder, container):
            process = user.start("verify", "Dockerfile", "--builder", builder)
            assert process.stderr is not None
            assert process.stderr.readline() == "building the original\n"
            time.sleep(delay)
            engine.docker("kill", container)
            out, err = process.communicate(timeout=120)
            assert (process.returncode, out) == (3, "")
            assert "the engine went away" in err.splitlines()[-2]

    def test_a_registry_that_never_answers(self, farms: dict[str, Farm], user: User) -> None:
        with silent_registry() as address:
            project(user.folder, dockerfile().replace("busybox:1.35", f"{address}/x:1"))
            words = ["verify", "Dockerfile", "--builder", farms["remote"].builder]
            code, out, err = user.run(*words, "--time-limit", "5")
        assert (code, out) == (3, "")
        assert f"the registry does not answer about {address}/x:1" in err.splitlines()[-2]
        assert user.left_behind() == []
