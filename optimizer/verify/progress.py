"""What a running build says of itself: BuildKit's ``--progress=rawjson``, read line by line.

Each line is a status (moby/buildkit client/graph.go, SolveStatus): vertexes come many times,
with more known of them each time; logs are base64.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

LOG_LINES = 40
"""Lines of the log that are kept of one step."""

REGISTRY_SECONDS = 120
"""How long a registry may take to describe an image. BuildKit itself waits without an end."""

_LONGEST_LINE = 2000
_METADATA = "[internal] load metadata for "
"""BuildKit's name of asking about a base image (dockerfile2llb, toDispatchState)."""

_EXPORT = re.compile("exporting to |importing to docker")
"""BuildKit's and buildx's names of what comes after the last step (exporter/containerimage and
its neighbours; buildx util/dockerutil, LoadImage)."""

_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[ -/]*[0-~])")
"""What a terminal obeys in place of showing it (ECMA-48: control sequences, operating system
commands, others)."""

_STEP = re.compile(r"\[(?:(?P<stage>.*) )?(?P<number>\d+)/(?P<of>\d+)\] (?P<text>.*)", re.DOTALL)
"""BuildKit's name of a step: ``[builder 2/4] RUN make`` (dockerfile2llb, prefixCommand)."""


def as_left(line: str) -> str:
    """Returns what a terminal would have left of a line of output: colours and the like are no
    text, and what a carriage return went back over is gone."""
    return _ESCAPES.sub("", line).rstrip("\r").rpartition("\r")[2]


@dataclass(frozen=True, slots=True)
class Vertex:
    """One node of the build graph, as it was last described. ``log`` is the end of its output."""

    name: str
    digest: str
    cached: bool = False
    started: datetime | None = None
    completed: datetime | None = None
    error: str = ""
    log: tuple[str, ...] = ()

    @property
    def seconds(self) -> float:
        """How long it ran; 0 where it did not, or has not finished."""
        if self.started is None or self.completed is None:
            return 0.0
        return (self.completed - self.started).total_seconds()

    @property
    def running(self) -> bool:
        """Whether it is at work."""
        return self.started is not None and self.completed is None

    @property
    def step(self) -> str | None:
        """The text of a step of the Dockerfile; None for BuildKit's own vertexes."""
        match = _STEP.fullmatch(self.name)
        return match["text"] if match is not None else None

    @property
    def image(self) -> str | None:
        """The image that a registry is asked about; None for other vertexes."""
        _, asked, image = self.name.partition(_METADATA)
        return image if asked else None


@dataclass
class Progress:
    """A build while it runs. `feed` it the lines of its progress as they come."""

    messages: deque[str] = field(default_factory=lambda: deque(maxlen=LOG_LINES))
    """The last lines that are no status: the client's own words."""
    _states: dict[str, dict[str, Any]] = field(default_factory=dict)
    _logs: dict[str, deque[str]] = field(default_factory=dict)
    _partial: dict[str, str] = field(default_factory=dict)

    def feed(self, line: bytes) -> None:
        """Takes one line. What is no status is kept as a message."""
        try:
            status = json.loads(line)
        except (ValueError, RecursionError):
            status = None
        if not isinstance(status, dict):
            text = line.decode("utf-8", "replace").strip()
            if text:
                self.messages.append(text[:_LONGEST_LINE])
            return
        for vertex in _objects(status.get("vertexes")):
            self._states.setdefault(str(vertex.get("digest")), {}).update(vertex)
        for entry in _objects(status.get("logs")):
            self._log(str(entry.get("vertex")), entry.get("data"))

    @property
    def vertexes(self) -> tuple[Vertex, ...]:
        """All vertexes so far, in the order in which they were first named."""
        # Whoever draws them may do so in another thread, while new ones come in.
        return tuple(self._vertex(digest, state) for digest, state in [*self._states.items()])

    @property
    def running(self) -> tuple[Vertex, ...]:
        """The vertexes at work."""
        return tuple(each for each in self.vertexes if each.running)

    @property
    def asking(self) -> Vertex | None:
        """The vertex that waits for a registry to describe an image."""
        return next((each for each in self.running if each.image is not None), None)

    @property
    def export_seconds(self) -> float:
        """How long it took to write down the image that was made, and to hand it over."""
        exports = [each for each in self.vertexes if _EXPORT.match(each.name)]
        started = [each.started for each in exports if each.started is not None]
        completed = [each.completed for each in exports if each.completed is not None]
        return (max(completed) - min(started)).total_seconds() if started and completed else 0.0

    @property
    def failed(self) -> Vertex | None:
        """The vertex that broke the build. Those that were cancelled by it do not count."""
        broken = [each for each in self.vertexes if each.error]
        honest = [each for each in broken if not each.error.endswith("context canceled")]
        return next(iter([*honest, *broken]), None)

    def _log(self, vertex: str, data: object) -> None:
        try:
            text = (
                base64.b64decode(data).decode("utf-8", "replace") if isinstance(data, str) else ""
            )
        except (binascii.Error, ValueError):
            return
        *lines, rest = (self._partial.get(vertex, "") + text).split("\n")
        self._partial[vertex] = rest[-_LONGEST_LINE:]
        kept = self._logs.setdefault(vertex, deque(maxlen=LOG_LINES))
        kept.extend(as_left(line)[:_LONGEST_LINE] for line in lines)

    def _vertex(self, digest: str, state: Mapping[str, Any]) -> Vertex:
        rest = as_left(self._partial.get(digest, ""))
        return Vertex(
            name=str(state.get("name", "")),
            digest=digest,
            cached=bool(state.get("cached")),
            started=_time(state.get("started")),
            completed=_time(state.get("completed")),
            error=str(state.get("error") or ""),
            log=(*self._logs.get(digest, ()), *([rest] if rest else [])),
        )


@dataclass
class Patience:
    """How long a build waits for a registry: the time that it may take is for building."""

    progress: Progress
    _digest: str = ""
    _since: float = 0.0

    def is_over(self) -> bool:
        """Tells whether one question has had no answer for `REGISTRY_SECONDS`."""
        vertex = self.progress.asking
        if vertex is None or vertex.digest != self._digest:
            self._digest, self._since = vertex.digest if vertex else "", time.monotonic()
        return vertex is not None and time.monotonic() - self._since >= REGISTRY_SECONDS


def _objects(value: object) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _time(value: object) -> datetime | None:
    try:
        return datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
