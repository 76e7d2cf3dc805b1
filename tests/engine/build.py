"""One build on the engine, and what its progress log says about every vertex."""

from __future__ import annotations

import base64
import json
import subprocess
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from tests.engine.daemon import Engine

BUILD_SECONDS = 300


@dataclass(frozen=True)
class Vertex:
    """One node of the build graph, as ``--progress=rawjson`` last described it."""

    name: str
    digest: str
    cached: bool
    started: datetime | None
    completed: datetime | None
    error: str

    @property
    def seconds(self) -> float:
        """How long it ran; 0 where it did not."""
        if self.started is None or self.completed is None:
            return 0.0
        return (self.completed - self.started).total_seconds()


@dataclass(frozen=True)
class BuildResult:
    """The outcome of a build. ``image_id`` is None unless ``ok``; ``log`` is for people.

    The containerd store keeps an image only under a name: give such a build a ``tag``.
    """

    ok: bool
    log: str
    vertexes: tuple[Vertex, ...]
    image_id: str | None


def build(
    engine: Engine,
    context: Path,
    dockerfile: Path | None = None,
    *,
    no_cache: bool = False,
    target: str | None = None,
    build_args: Mapping[str, str] | None = None,
    contexts: Mapping[str, Path] | None = None,
    tag: str | None = None,
    seconds: float = BUILD_SECONDS,
) -> BuildResult:
    """Builds ``context`` with the host's network and returns what happened.

    ``dockerfile`` defaults to the context's own; ``contexts`` are named contexts. A build
    that fails, or takes longer than ``seconds``, is a result with ``ok`` false.
    """
    options = ["--no-cache"] if no_cache else []
    options += ["--target", target] if target is not None else []
    options += ["--tag", tag] if tag is not None else []
    for name, value in (build_args or {}).items():
        options += ["--build-arg", f"{name}={value}"]
    for name, folder in (contexts or {}).items():
        options += ["--build-context", f"{name}={folder}"]
    with tempfile.TemporaryDirectory() as scratch:
        image_file = Path(scratch) / "image"
        command = [
            *("build", "--network", "host", "--progress", "rawjson"),
            *("--provenance=false", "--iidfile", str(image_file)),
            *("--file", str(dockerfile or context / "Dockerfile")),
            *options,
            str(context),
        ]
        try:
            done = engine.buildx(*command, timeout=seconds)
        except subprocess.TimeoutExpired as expired:
            log = (expired.stderr or b"").decode(errors="replace")
            vertexes, messages = read_progress(log.splitlines())
            return BuildResult(False, f"{messages}\nno end after {seconds} s", vertexes, None)
        vertexes, log = read_progress(done.stderr.decode(errors="replace").splitlines())
        image = image_file.read_text() if done.returncode == 0 else None
    return BuildResult(done.returncode == 0, log, vertexes, image)


def read_progress(lines: Iterable[str]) -> tuple[tuple[Vertex, ...], str]:
    """Reads rawjson progress: every vertex in order of appearance, and a log in plain text.

    A vertex comes many times; the last word on each of its fields counts. But one that has
    run is not cached: where two stages take the same vertex, BuildKit says so to the second
    one after it has run for the first. Lines that are not JSON (the client's own messages) go
    to the log.
    """
    states: dict[str, dict[str, str | bool]] = {}
    # What a step says comes in pieces that may end within a line.
    begun: dict[tuple[str, int], bytes] = {}
    log: list[str] = []

    def say(digest: str, text: bytes) -> None:
        name = states.get(digest, {}).get("name", "")
        log.extend(f"{name}: {row}" for row in text.decode(errors="replace").splitlines())

    for line in lines:
        try:
            record = json.loads(line)
        except ValueError:
            log.append(line)
            continue
        for vertex in record.get("vertexes") or ():
            state = states.setdefault(vertex["digest"], {})
            has_run = "completed" in state and not state.get("cached")
            state.update(vertex, **({"cached": False} if has_run else {}))
        for entry in record.get("logs") or ():
            stream = entry["vertex"], entry.get("stream", 0)
            text = begun.pop(stream, b"") + base64.b64decode(entry.get("data", ""))
            whole, newline, begun[stream] = text.rpartition(b"\n")
            say(entry["vertex"], whole + newline)
    for (digest, _), text in begun.items():
        say(digest, text)
    log += [f"{state['name']}: {state['error']}" for state in states.values() if state.get("error")]
    return tuple(_vertex(state) for state in states.values()), "\n".join(log)


def _vertex(state: Mapping[str, str | bool]) -> Vertex:
    return Vertex(
        name=str(state["name"]),
        digest=str(state["digest"]),
        cached=bool(state.get("cached", False)),
        started=_time(state.get("started")),
        completed=_time(state.get("completed")),
        error=str(state.get("error", "")),
    )


def _time(value: str | bool | None) -> datetime | None:
    return datetime.fromisoformat(value) if isinstance(value, str) else None
