"""The driver for ``podman build`` and ``buildah build``, which take the same options.

Their progress is plain text: ``STEP 2/5: RUN make``, in files with several stages
``[1/2] STEP 2/5: RUN make`` (containers/buildah imagebuildah/stage_executor.go).
"""

from __future__ import annotations

import os
import re
import secrets
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
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
)
from optimizer.verify.image import Image
from optimizer.verify.processes import Ended, run
from optimizer.verify.progress import Progress, Vertex

_GET = "Install podman or buildah, or use docker buildx: --builder NAME."
_STEP = re.compile(r"(?:\[(?P<stage>\d+)/\d+\] )?STEP (?P<number>\d+)/(?P<of>\d+): (?P<text>.*)")


_WORKING = re.compile(r"-working-container(-\d+)?$")
"""The end of the name of a container in which a build works (containers/buildah, new.go)."""


class TextProgress(Progress):
    """Plain text made into vertexes: one for each step, from its line to the next step's."""

    def __init__(self) -> None:
        super().__init__()
        self._steps: list[Vertex] = []

    def feed(self, line: bytes) -> None:
        text = line.decode("utf-8", "replace").rstrip()
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
    def messages_text(self) -> str:
        return "\n".join(self.messages)

    def _output(self, text: str) -> None:
        if not text:
            return
        self.messages.append(text)
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
                environment = dict(self.environment)
                if order.cold:
                    # Cache mounts lie in the folder for temporary files (buildah, pkg/parse).
                    environment["TMPDIR"] = str(dockerfile.parent)
                command = self._build_command(order, dockerfile, context, reference)
                ended = run(command, environment, order.seconds, said, merged=True)
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

    def _build_command(
        self, order: Order, dockerfile: Path, context: Path, reference: str
    ) -> list[str]:
        # Docker's format keeps HEALTHCHECK, SHELL and ONBUILD, which OCI's has no place for.
        words = [self.program, "build", "--format=docker", f"--file={dockerfile}"]
        words.append(f"--tag={reference}")
        if order.cold:
            # Without layers nothing is left behind but the image itself.
            words += ["--no-cache", "--layers=false", "--force-rm"]
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
        return [*words, str(context)]

    def _failed(self, order: Order, ended: Ended, progress: TextProgress) -> Built:
        last = progress.vertexes[-1] if progress.vertexes else None
        step = last.step if last is not None else None
        log = last.log if last is not None else ()
        if ended.timed_out:
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

    def _working_containers(self) -> Mapping[str, str]:
        """Returns the names, by id, of the containers in which builds work."""
        if self.program == "buildah":
            return {}
        columns = "--format={{.ID}} {{.Names}}"
        done = self._ask("ps", "--all", "--external", columns)
        rows = [line.split() for line in done.stdout.decode("utf-8", "replace").splitlines()]
        return {row[0]: row[1] for row in rows if len(row) == 2 and _WORKING.search(row[1])}

    def _tidy(self, before: Mapping[str, str], progress: TextProgress) -> None:
        """Takes away the containers that podman leaves where a build is ended from outside;
        buildah leaves none. A container has the name of the image that its stage starts from."""
        bases = [
            vertex.step.split()[-1 if " AS " not in vertex.step.upper() else -3]
            for vertex in progress.vertexes
            if vertex.step is not None and vertex.step.upper().startswith("FROM ")
        ]
        names = {re.split("[:@]", base.rpartition("/")[2])[0] for base in bases}
        for container, name in self._working_containers().items():
            if container not in before and _WORKING.sub("", name) in names:
                self._ask("rm", "--force", container)

    def _remove(self, reference: str) -> None:
        command = ["image", "rm"] if self.program == "podman" else ["rmi"]
        self._ask(*command, "--force", reference)

    def _ask(self, *words: str) -> subprocess.CompletedProcess[bytes]:
        return ask([self.program, *words], self.environment, _GET)
