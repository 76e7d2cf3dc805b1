"""The driver for ``docker buildx``: any builder that it knows, also one on another machine."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import IO

from optimizer.verify.archive import Reader
from optimizer.verify.builders import (
    ASK_SECONDS,
    REPOSITORY,
    START,
    Built,
    EngineFault,
    Failed,
    Order,
    Watch,
    ask,
    blame_engine,
    exported,
    laid_out,
    silent_registry,
    size_said,
)
from optimizer.verify.image import Image
from optimizer.verify.processes import Ended, run
from optimizer.verify.progress import Patience, Progress
from optimizer.verify.tar import ArchiveError

_GET_DOCKER = "Install Docker Engine with buildx, or choose a builder: --builder NAME."


@dataclass
class Buildx:
    """One builder of ``docker buildx``. ``builder`` is its name, None for the one in use.

    Images go through the local engine where there is one, which can then run them; else they
    come straight from the builder.
    """

    reader: Reader
    builder: str | None = None
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))

    @property
    def name(self) -> str:
        return f"docker buildx ({self.builder or self._inspected['name']})"

    @property
    def run_command(self) -> tuple[str, ...] | None:
        return ("docker", "run") if self._has_engine else None

    def check(self) -> None:
        """Raises `EngineFault` where the builder is missing or does not answer."""
        _ = self._inspected

    def build(self, order: Order, watch: Watch) -> Built:
        """Builds and reads the image, as `optimizer.verify.builders.Builder` says."""
        reference = f"{REPOSITORY}:{secrets.token_hex(8)}" if self._has_engine else None
        mounts = secrets.token_hex(8) if order.cold else None
        try:
            return self._build(order, watch, reference, mounts)
        except BaseException:
            if reference is not None:
                self._remove(reference)
            raise
        finally:
            if mounts is not None and "type=cache" in order.dockerfile:
                self._forget(mounts)

    def _build(
        self, order: Order, watch: Watch, reference: str | None, mounts: str | None
    ) -> Built:
        progress = Progress()
        images: list[Image] = []

        def said(line: bytes) -> None:
            progress.feed(line)
            watch(progress)

        def read(stream: IO[bytes]) -> None:
            try:
                images.append(self.reader.read(stream))
            except ArchiveError:
                # A build that fails exports nothing, which is then told by its own words.
                return

        with laid_out(order) as (dockerfile, context):
            ended = run(
                self._build_command(order, dockerfile, context, reference, mounts),
                {**self.environment, "BUILDX_NO_DEFAULT_ATTESTATIONS": "1"},
                order.seconds,
                said,
                None if reference is not None else read,
                stuck=Patience(progress).is_over,
            )
        if ended.code != 0 or ended.timed_out:
            return self._failed(order, ended, progress)
        if reference is not None:
            images.append(
                exported(["docker", "save", reference], self.environment, self.reader, START)
            )
        if not images:
            raise EngineFault(f"{self.name} exported no image", START)
        seconds = max(0.0, ended.seconds - progress.export_seconds)
        return Built(images[0], reference, seconds, progress.vertexes)

    def remove(self, built: Built) -> None:
        if built.reference is not None:
            self._remove(built.reference)

    def image_bytes(self, image: str) -> int | None:
        """Asks the local engine, as `optimizer.verify.builders.Builder` says."""
        if not self._has_engine:
            return None
        return size_said(self._ask("docker", "image", "inspect", "--format={{.Size}}", image))

    def _build_command(
        self,
        order: Order,
        dockerfile: Path,
        context: Path,
        reference: str | None,
        mounts: str | None = None,
    ) -> list[str]:
        words = ["docker", "buildx", "build", "--progress=rawjson", f"--file={dockerfile}"]
        if self.builder is not None:
            words.append(f"--builder={self.builder}")
        if mounts is not None:
            # Cache mounts outlive --no-cache; in a namespace of their own they are empty.
            # (moby/buildkit frontend/dockerui, keyCacheNSArg)
            words.append("--no-cache")
            words.append(f"--build-arg=BUILDKIT_CACHE_MOUNT_NS={mounts}")
        if order.network is not None:
            words.append(f"--network={order.network}")
            if order.network == "host":
                words.append("--allow=network.host")
        if order.invocation.target is not None:
            words.append(f"--target={order.invocation.target}")
        if order.invocation.platform is not None:
            words.append(f"--platform={order.invocation.platform}")
        for name, value in order.invocation.build_args.items():
            words.append(f"--build-arg={name}" if value is None else f"--build-arg={name}={value}")
        words += order.credentials
        words += ["--load", f"--tag={reference}"] if reference else ["--output=type=oci,dest=-"]
        return [*words, "--", str(context)]

    def _failed(self, order: Order, ended: Ended, progress: Progress) -> Built:
        """Tells a failure of the Dockerfile from one of the engine. Raises `EngineFault`."""
        if ended.timed_out:
            # What was at work may have been cancelled before the client ended.
            running = next(iter(progress.running), progress.failed)
            if running is not None and running.image is not None:
                raise silent_registry(self.name, running.image, ended)
            step = running.step or running.name if running is not None else None
            message = f"no end after {order.seconds:g} s"
            failed = Failed("time", message, step, running.log if running is not None else ())
            return Built(None, None, ended.seconds, progress.vertexes, failed)
        vertex = progress.failed
        message = vertex.error if vertex is not None else _last(progress)
        log = vertex.log if vertex is not None else ()
        blame_engine(self.name, "\n".join([message, *progress.messages, *log[-5:]]))
        if not self._answers():
            raise EngineFault(f"{self.name}: the engine went away during a build", START)
        if vertex is not None and vertex.image is not None and self._only_here(vertex.image):
            message += f" (it is on the local engine, which the builder {self.builder} cannot see)"
        step = vertex.step or vertex.name if vertex is not None else None
        return Built(
            None, None, ended.seconds, progress.vertexes, Failed("error", message, step, log)
        )

    def _only_here(self, image: str) -> bool:
        """Tells whether the local engine has an image that its builder cannot take from there."""
        if self._inspected["driver"] == "docker" or not self._has_engine:
            return False
        return self._ask("docker", "image", "inspect", image).returncode == 0

    def _forget(self, mounts: str) -> None:
        """Takes away the cache mounts of a cold build, which nobody will ask for again."""
        with contextlib.suppress(EngineFault):
            words = ["docker", "buildx", "prune", "--force", f"--filter=description~={mounts}"]
            self._ask(*words, *([f"--builder={self.builder}"] if self.builder else []))

    def _remove(self, reference: str) -> None:
        self._ask("docker", "image", "rm", "--force", reference)

    @cached_property
    def _inspected(self) -> Mapping[str, str]:
        """What ``buildx inspect`` says: ``name`` and ``driver``."""
        names = [self.builder] if self.builder is not None else []
        done = self._ask("docker", "buildx", "inspect", "--bootstrap", *names, seconds=120)
        text = done.stdout.decode("utf-8", "replace")
        if done.returncode != 0:
            said = done.stderr.decode("utf-8", "replace").strip().splitlines() or [""]
            if re.search("unknown command|is not a docker command|unknown shorthand", said[0]):
                raise EngineFault("docker has no buildx", _GET_DOCKER)
            raise self._no_answer(said[-1])
        found = dict(re.findall(r"(?m)^(Name|Driver):[ \t]+(\S+)", text)[:2])
        if re.search(r"(?m)^Error:", text) and not re.search(r"(?m)^Status:[ \t]+running", text):
            error = re.search(r"(?m)^Error:[ \t]+(.*)", text)
            raise self._no_answer(error[1] if error else text)
        return {"name": found.get("Name", "default"), "driver": found.get("Driver", "docker")}

    def _no_answer(self, said: str) -> EngineFault:
        why = said.removeprefix("ERROR: ")
        if self.builder is None:
            return EngineFault(f"no builder answers: {why}", START)
        remedy = "Start it, or choose another one of `docker buildx ls`: --builder NAME."
        return EngineFault(f"the builder {self.builder} does not answer: {why}", remedy)

    @cached_property
    def _has_engine(self) -> bool:
        """Whether images can go to an engine here."""
        return self._inspected["driver"] == "docker" or self._engine_answers()

    def _engine_answers(self) -> bool:
        return self._ask("docker", "version").returncode == 0

    def _answers(self) -> bool:
        """Whether the builder is still there."""
        if self._inspected["driver"] == "docker":
            return self._engine_answers()
        names = [self.builder] if self.builder is not None else []
        done = self._ask("docker", "buildx", "inspect", *names)
        return (
            done.returncode == 0
            and re.search(rb"(?m)^Status:[ \t]+running", done.stdout) is not None
        )

    def _ask(
        self, *command: str, seconds: float = ASK_SECONDS
    ) -> subprocess.CompletedProcess[bytes]:
        return ask(command, self.environment, _GET_DOCKER, seconds)


def _last(progress: Progress) -> str:
    said = progress.messages[-1] if progress.messages else "the build failed without a word"
    return said.removeprefix("ERROR: ")
