"""BuildKit apart from an engine: with a registry to take base images from, in a container of
buildx's own (``docker-container``), and as one that somebody else runs (``remote``)."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.engine.bases import BUILDKIT, provide
from tests.engine.daemon import Engine

START_SECONDS = 60


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


@contextmanager
def registry(engine: Engine, *images: str) -> Iterator[str]:
    """Serves stand-ins under the names that they have on Docker Hub; gives the address."""
    provide(engine, ["registry:2", *images])
    address = f"127.0.0.1:{free_port()}"
    with _container(engine, "registry:2", ["--env", f"REGISTRY_HTTP_ADDR={address}"], []):
        _wait_for(address)
        for image in images:
            there = f"{address}/library/{image}"
            _docker(engine, "tag", image, there)
            _docker(engine, "push", "--quiet", there)
            _docker(engine, "image", "rm", there)
        yield address


def configuration(folder: Path, mirror: str, *, host_network: bool = True) -> Path:
    """Writes what BuildKit has to know: where base images are, and what builds may ask for."""
    path = folder / "buildkitd.toml"
    allowed = '"network.host"' if host_network else ""
    path.write_text(
        f"insecure-entitlements = [{allowed}]\n"
        f'[registry."docker.io"]\nmirrors = ["{mirror}"]\n[registry."{mirror}"]\nhttp = true\n'
    )
    return path


@contextmanager
def boxed(engine: Engine, config: Path) -> Iterator[str]:
    """Makes a builder of the driver ``docker-container``; gives its name."""
    provide(engine, [BUILDKIT])
    words = ["--driver=docker-container", f"--driver-opt=image={BUILDKIT},network=host"]
    name = _created(engine, *words, f"--buildkitd-config={config}")
    try:
        _buildx(engine, "inspect", "--bootstrap", name)
        yield name
    finally:
        _buildx(engine, "rm", name)


@contextmanager
def farm(engine: Engine, config: Path) -> Iterator[tuple[str, str]]:
    """Runs BuildKit as another machine would and makes a builder of the driver ``remote``; gives
    its name, and the container's."""
    provide(engine, [BUILDKIT])
    address = f"127.0.0.1:{free_port()}"
    options = ["--privileged", f"--volume={config}:/etc/buildkit/buildkitd.toml"]
    with _container(engine, BUILDKIT, options, [f"--addr=tcp://{address}"]) as container:
        _wait_for(address)
        name = _created(engine, "--driver=remote", f"tcp://{address}")
        try:
            yield name, container
        finally:
            _buildx(engine, "rm", name)


@contextmanager
def silent_registry() -> Iterator[str]:
    """Listens and never answers; gives the address."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


@contextmanager
def _container(
    engine: Engine, image: str, options: list[str], arguments: list[str]
) -> Iterator[str]:
    words = ["run", "--detach", "--network=host", *options, image, *arguments]
    name = _docker(engine, *words).strip()
    try:
        yield name
    finally:
        _docker(engine, "rm", "--force", "--volumes", name)


def _wait_for(address: str) -> None:
    host, _, port = address.partition(":")
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            socket.create_connection((host, int(port)), 1).close()
            return
        except OSError:
            if time.monotonic() >= deadline:
                raise
            time.sleep(0.1)


def _created(engine: Engine, *words: str) -> str:
    done = engine.buildx("create", *words)
    assert done.returncode == 0, done.stderr.decode(errors="replace")
    return done.stdout.decode().strip()


def _buildx(engine: Engine, *words: str) -> None:
    done = engine.buildx(*words)
    assert done.returncode == 0, done.stderr.decode(errors="replace")


def _docker(engine: Engine, *words: str) -> str:
    done = engine.docker(*words)
    assert done.returncode == 0, done.stderr.decode(errors="replace")
    return done.stdout.decode()
