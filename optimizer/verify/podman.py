"""The driver for ``podman build`` and ``buildah build``, which take the same options.

Their progress is plain text: ``STEP 2/5: RUN make``, in files with several stages
``[1/2] STEP 2/5: RUN make`` (containers/buildah imagebuildah/stage_executor.go).
"""

from __future__ import annotations

import os
import re
import secrets
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Literal

from optimizer.verify.archive import Reader
from optimizer.verify.builders import (
    REPOSITORY,
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
from optimizer.verify.progress import Patience, Progress, Vertex, as_left

_GET = "Install podman or buildah, or use docker buildx: --builder NAME."
_STEP = re.compile(r"(?:\[(?P<stage>\d+)/\d+\] )?STEP (?P<number>\d+)/(?P<of>\d+): (?P<text>.*)")


_ID = 11
"""Digits of an id that are always shown."""

_LAYER = re.compile(r"--> (?P<cached>Using cache )?(?P<id>[0-9a-f]{11,64})")
"""What a step made (containers/buildah imagebuildah/stage_executor.go, logImageID)."""

_PULL = "Trying to pull "
"""The start of the line before a registry is asked (containers/common libimage/pull.go)."""

_WORKING = re.compile(r"-working-container(-\d+)?$")
"""The end of the name of a container in which a build works (containers/buildah, new.go)."""


class TextProgress(Progress):
    """Plain text made into vertexes: one for each step, from its line to the next step's."""

    def __init__(self) -> None:
        super().__init__()
        self.layers: dict[str, bool] = {}
        """The images that steps ended in, by the start of their id: whether this build made it."""
        self._steps: list[Vertex] = []

    def feed(self, line: bytes) -> None:
        text = as_left(line.decode("utf-8", "replace").rstrip())
        match = _STEP.fullmatch(text)
        if match is None:
            self._output(text)
            return
        self._end("")
        stage = f"{match['stage']} " if match["stage"] else ""
        name = f"[{stage}{match['number']}/{match['of']}] {match['text']}"
        self._steps.append(Vertex(name, f"{len(self._steps)}", started=datetime.now(UTC)))

    @property
    def vertexes(self) -> tuple[Vertex, ...]:
        return tuple(self._steps)

    @property
    def asking(self) -> Vertex | None:
        """The step that waits for a registry to describe an image."""
        last = self._steps[-1] if self._steps else None
        return last if last is not None and asked_for(last) is not None else None

    @property
    def messages_text(self) -> str:
        return "\n".join(self.messages)

    def _output(self, text: str) -> None:
        if not text:
            return
        self.messages.append(text)
        if (layer := _LAYER.fullmatch(text)) is not None:
            self.layers.setdefault(layer["id"][:_ID], layer["cached"] is None)
        if text.startswith("Error:"):
            self._end(text.removeprefix("Error:").strip())
        elif self._steps:
            last = self._steps[-1]
            cached = last.cached or text.startswith("--> Using cache")
            log = (*last.log, text)[-self.messages.maxlen :] if self.messages.maxlen else ()
            self._steps[-1] = replace(last, cached=cached, log=log)

    def _end(self, error: str) -> None:
        if self._steps and self._steps[-1].completed is None:
            self._steps[-1] = replace(self._steps[-1], completed=datetime.now(UTC), error=error)


def asked_for(step: Vertex) -> str | None:
    """Returns the image that a registry was asked about last, where nothing came of it yet."""
    _, asked, image = (step.log[-1] if step.log else "").partition(_PULL)
    return image.rstrip(".") if asked else None


@dataclass
class Podman:
    """``podman`` or ``buildah`` as they are set up on this machine."""

    reader: Reader
    program: Literal["podman", "buildah"] = "podman"
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))

    @property
    def name(self) -> str:
        return self.program

    @property
    def run_command(self) -> tuple[str, ...] | None:
        return ("podman", "run") if self.program == "podman" else None

    def check(self) -> None:
        """Raises `EngineFault` where the program is missing or cannot work."""
        done = self._ask("info")
        if done.returncode != 0:
            said = done.stderr.decode("utf-8", "replace").strip().splitlines() or [""]
            raise EngineFault(f"{self.program} cannot work: {said[-1]}", _GET)

    def build(self, order: Order, watch: Watch) -> Built:
        """Builds and reads the image, as `optimizer.verify.builders.Builder` says."""
        reference = f"localhost/{REPOSITORY}:{secrets.token_hex(8)}"
        progress = TextProgress()
        before = self._working_containers()

        def said(line: bytes) -> None:
            progress.feed(line)
            watch(progress)

        try:
            with laid_out(order) as (dockerfile, context):
                # Cache mounts lie in the folder for temporary files (buildah, pkg/parse), and what
                # a build leaves there that is ended from outside.
                folder = str(dockerfile.parent) if order.cold else self._warm.name
                environment = {**self.environment, "TMPDIR": folder}
                command = self._build_command(order, dockerfile, context, reference)
                ended = run(
                    command,
                    environment,
                    order.seconds,
                    said,
                    merged=True,
                    stuck=Patience(progress).is_over,
                )
            if ended.code != 0 or ended.timed_out:
                self._tidy(before, progress)
                return self._failed(order, ended, progress)
            return Built(self._saved(reference), reference, ended.seconds, progress.vertexes)
        except BaseException:
            self._tidy(before, progress)
            self._remove(reference)
            raise

    def remove(self, built: Built) -> None:
        if built.reference is not None:
            self._remove(built.reference)

    def image_bytes(self, image: str) -> int | None:
        """Asks podman's storage, as `optimizer.verify.builders.Builder` says; buildah does not
        tell sizes."""
        if self.program != "podman":
            return None
        return size_said(self._ask("image", "inspect", "--format={{.Size}}", image))

    def _build_command(
        self, order: Order, dockerfile: Path, context: Path, reference: str
    ) -> list[str]:
        # Docker's format keeps HEALTHCHECK, SHELL and ONBUILD, which OCI's has no place for.
        words = [self.program, "build", "--format=docker", f"--file={dockerfile}"]
        words += [f"--tag={reference}", "--force-rm"]
        # Without layers nothing is left behind but the image itself.
        words += ["--no-cache", "--layers=false"] if order.cold else ["--layers"]
        if order.ignore is not None:
            words.append(f"--ignorefile={dockerfile}.dockerignore")
        if order.network is not None:
            words.append(f"--network={order.network}")
        if order.invocation.target is not None:
            words.append(f"--target={order.invocation.target}")
        if order.invocation.platform is not None:
            words.append(f"--platform={order.invocation.platform}")
        for name, value in order.invocation.build_args.items():
            words.append(f"--build-arg={name}" if value is None else f"--build-arg={name}={value}")
        words += order.credentials
        return [*words, str(context)]

    def _failed(self, order: Order, ended: Ended, progress: TextProgress) -> Built:
        last = progress.vertexes[-1] if progress.vertexes else None
        step = last.step if last is not None else None
        log = last.log if last is not None else ()
        if ended.timed_out:
            if last is not None and (image := asked_for(last)) is not None:
                raise silent_registry(self.program, image, ended)
            failed = Failed("time", f"no end after {order.seconds:g} s", step, log)
        else:
            blame_engine(self.program, progress.messages_text)
            message = progress.messages[-1] if progress.messages else "it failed without a word"
            failed = Failed("error", message.removeprefix("Error: "), step, log)
        return Built(None, None, ended.seconds, progress.vertexes, failed)

    def _saved(self, reference: str) -> Image:
        if self.program == "podman":
            command = ["podman", "save", "--quiet", "--format=docker-archive", reference]
        else:
            command = ["buildah", "push", "--quiet", reference, "docker-archive:/dev/stdout"]
        return exported(command, self.environment, self.reader, _GET)

    @cached_property
    def _warm(self) -> tempfile.TemporaryDirectory[str]:
        """The folder for temporary files of all builds that are not cold; it goes with the
        driver."""
        return tempfile.TemporaryDirectory(prefix="dockopt-verify-", ignore_cleanup_errors=True)

    def _working_containers(self) -> Mapping[str, str]:
        """Returns the names, by id, of the containers in which builds work."""
        if self.program == "podman":
            done = self._ask("ps", "--all", "--external", "--format={{.ID}} {{.Names}}")
        else:
            columns = "--format={{.ContainerID}} {{.ContainerName}}"
            done = self._ask("containers", "--all", "--noheading", columns)
        rows = [line.split() for line in done.stdout.decode("utf-8", "replace").splitlines()]
        return {row[0]: row[1] for row in rows if len(row) == 2 and _WORKING.search(row[1])}

    def _tidy(self, before: Mapping[str, str], progress: TextProgress) -> None:
        """Takes away what is left of a build that failed or was ended from outside: containers,
        which have the name of the image that they start from, and what its steps made."""
        bases = [
            vertex.step.split()[-1 if " AS " not in vertex.step.upper() else -3]
            for vertex in progress.vertexes
            if vertex.step is not None and vertex.step.upper().startswith("FROM ")
        ]
        names = {re.split("[:@]", base.rpartition("/")[2])[0] for base in bases}
        for container, name in self._working_containers().items():
            image = _WORKING.sub("", name)
            if container not in before and (image in names or image[:_ID] in progress.layers):
                self._ask("rm", *(["--force"] if self.program == "podman" else []), container)
        for layer in [each for each, made in progress.layers.items() if made][::-1]:
            self._ask(*self._rmi, layer)

    @property
    def _rmi(self) -> Sequence[str]:
        return ["image", "rm"] if self.program == "podman" else ["rmi"]

    def _remove(self, reference: str) -> None:
        self._ask(*self._rmi, "--force", reference)

    def _ask(self, *words: str) -> subprocess.CompletedProcess[bytes]:
        return ask([self.program, *words], self.environment, _GET)
