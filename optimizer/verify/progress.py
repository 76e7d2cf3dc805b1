"""What a running build says of itself: BuildKit's ``--progress=rawjson``, read line by line.

Each line is a status (moby/buildkit client/graph.go, SolveStatus): vertexes come many times,
with more known of them each time; logs are base64.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

LOG_LINES = 40
"""Lines of the log that are kept of one step."""

_LONGEST_LINE = 2000
_STEP = re.compile(r"\[(?:(?P<stage>.*) )?(?P<number>\d+)/(?P<of>\d+)\] (?P<text>.*)", re.DOTALL)
"""BuildKit's name of a step: ``[builder 2/4] RUN make`` (dockerfile2llb, prefixCommand)."""


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
    def step(self) -> str | None:
        """The text of a step of the Dockerfile; None for BuildKit's own vertexes."""
        match = _STEP.fullmatch(self.name)
        return match["text"] if match is not None else None


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
        return tuple(self._vertex(digest, state) for digest, state in self._states.items())

    @property
    def running(self) -> tuple[Vertex, ...]:
        """The vertexes at work."""
        return tuple(
            each for each in self.vertexes if each.started is not None and each.completed is None
        )

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
        kept.extend(line.rstrip("\r")[:_LONGEST_LINE] for line in lines)

    def _vertex(self, digest: str, state: Mapping[str, Any]) -> Vertex:
        rest = self._partial.get(digest)
        return Vertex(
            name=str(state.get("name", "")),
            digest=digest,
            cached=bool(state.get("cached")),
            started=_time(state.get("started")),
            completed=_time(state.get("completed")),
            error=str(state.get("error") or ""),
            log=(*self._logs.get(digest, ()), *([rest] if rest else [])),
        )


def _objects(value: object) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _time(value: object) -> datetime | None:
    try:
        return datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
