"""How long the steps of a real build took, read from BuildKit's progress log.

``--progress=rawjson`` prints one JSON object a line, of whose ``vertexes`` (client/graph.go)
``name``, ``started``, ``completed`` and ``cached`` count. ``--progress=plain`` prints
``#8 [builder 2/5] RUN npm ci`` and later ``#8 DONE 12.3s`` (util/progress/progressui). The name
of a vertex is that of its stage, its number there, and the instruction (dispatch and
prefixCommand in dockerfile2llb/convert.go).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from optimizer.cst.nodes import Dockerfile
from optimizer.model.stages import Stage, Step
from optimizer.model.values import Known

_NAME = re.compile(
    r"\[(?:[a-z0-9]+/\S+ )?(?:(?P<stage>[^\s\]]+) +)?(?P<number>\d+)/\d+\] (?P<text>.*)",
    re.DOTALL,
)
_PLAIN = re.compile(r"(?:^|\s)#(?P<vertex>\d+) (?P<rest>.*)")
_VARIABLE = re.compile(r"\$(?:(\w+)|\{(\w+)\})", re.ASCII)
_DONE = re.compile(r"DONE (?P<seconds>\d+(?:\.\d+)?)s")
_FRACTION = re.compile(r"(\.\d{6})\d+")


class LogError(ValueError):
    """A log that is none. ``line`` counts from 1."""

    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.line = line


@dataclass(frozen=True, slots=True)
class Timing:
    """One step that the build ran. ``stage`` is None where the file has but one, ``text`` the
    instruction with single blanks between its words."""

    stage: str | None
    number: int
    text: str
    seconds: float


@dataclass(frozen=True)
class Timings:
    """The steps that a build ran; what came from cache has no time."""

    steps: tuple[Timing, ...]
    _by_text: dict[str, list[Timing]] = field(init=False, repr=False, default_factory=dict)

    def __post_init__(self) -> None:
        for timing in self.steps:
            self._by_text.setdefault(timing.text, []).append(timing)

    def seconds(self, tree: Dockerfile, stage: Stage, step: Step) -> float | None:
        """Returns how long ``step`` of ``stage`` in ``tree`` took, None where the log does not say.

        Of steps with the same text that of the same stage counts, else the slowest.
        """
        found = [timing for text in _texts(tree, step) for timing in self._by_text.get(text, ())]
        names = {stage.name or f"stage-{stage.index}", None}
        own = [timing for timing in found if timing.stage in names]
        return max((timing.seconds for timing in own or found), default=None)

    def unknown(self, tree: Dockerfile, steps: Sequence[Step]) -> tuple[Timing, ...]:
        """Returns the steps of the log that are none of ``steps``."""
        texts = {text for step in steps for text in _texts(tree, step)}
        return tuple(timing for timing in self.steps if timing.text not in texts)


def read_timings(text: str) -> Timings:
    """Reads the log of one build or several; the last run of a step counts.

    Raises `LogError` where a line of a rawjson log is none, and where a plain log shows no
    step that ran.
    """
    raw = text.lstrip("\ufeff \t\r\n").startswith("{")
    found = _raw(text) if raw else _plain(text)
    steps: dict[tuple[str | None, int, str], Timing] = {}
    for name, seconds in found:
        match = _NAME.fullmatch(name)
        if match is not None and not match["text"].startswith("FROM "):
            timing = Timing(match["stage"], int(match["number"]), _one_line(match["text"]), seconds)
            steps[timing.stage, timing.number, timing.text] = timing
    if not steps:
        raise LogError("no step of a build that ran; a log of --progress=rawjson or plain is "
                       "wanted", 1)  # fmt: skip
    return Timings(tuple(steps.values()))


def _texts(tree: Dockerfile, step: Step) -> Iterator[str]:
    """Yields how a build's log may spell a step: as it stands, and with variables filled in."""
    instruction = step.instruction
    text = instruction.logical.text
    if instruction.keyword == "RUN" and len(instruction.heredocs) == 1:
        text += f" ({_summary(tree.text(instruction.heredocs[0].body))})"
    yield _one_line(text)
    if "$" in text:
        yield _one_line(_VARIABLE.sub(lambda name: _value(step, name), text))


def _summary(document: str) -> str:
    """convert.go, summarizeHeredoc."""
    lines = document.strip().split("\n")
    return lines[0].rstrip("\r") + ("..." if len(lines) > 1 else "")


def _value(step: Step, name: re.Match[str]) -> str:
    """convert.go, processCmdEnv: what is set is filled in, quotes and all else stay."""
    value = step.state.lookup(name[1] or name[2])
    return value.text if isinstance(value, Known) else name[0]


_CACHE_MOUNT = "--mount=type=cache,"


def _one_line(text: str) -> str:
    keyword, _, rest = text.strip().partition(" ")
    words = rest.split()
    while words and words[0].startswith(_CACHE_MOUNT):
        # With a cache mount or without it, it is the same step.
        words.pop(0)
    return " ".join((keyword.upper(), *words))


def _raw(text: str) -> Iterator[tuple[str, float]]:
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip("\ufeff \t\r"):
            continue
        try:
            record = json.loads(line.lstrip("\ufeff"))
            vertexes = record.get("vertexes") or ()
            for vertex in vertexes:
                seconds = _lasted(vertex)
                if seconds is not None:
                    yield str(vertex["name"]), seconds
        except (ValueError, TypeError, AttributeError, KeyError, RecursionError):
            raise LogError("this line is no record of --progress=rawjson", number) from None


def _lasted(vertex: Mapping[str, Any]) -> float | None:
    if vertex.get("cached") or not vertex.get("completed") or not vertex.get("started"):
        return None
    return max(0.0, (_time(vertex["completed"]) - _time(vertex["started"])).total_seconds())


def _time(text: str) -> datetime:
    """Go prints nanoseconds, of which Python takes microseconds."""
    return datetime.fromisoformat(_FRACTION.sub(r"\1", text))


def _plain(text: str) -> Iterator[tuple[str, float]]:
    names: dict[str, str] = {}
    for line in text.split("\n"):
        match = _PLAIN.search(line.rstrip("\r"))
        if match is None:
            continue
        vertex, rest = match["vertex"], match["rest"]
        if rest.startswith("[") and _NAME.fullmatch(rest):
            names[vertex] = rest
        elif (done := _DONE.fullmatch(rest)) and vertex in names:
            yield names.pop(vertex), float(done["seconds"])
