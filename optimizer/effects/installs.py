"""What a RUN that installs dependencies reads and writes, all its commands together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from optimizer.effects.calls import PlacedCall, StepCalls
from optimizer.effects.copies import StageFiles
from optimizer.knowledge.commands import touch
from optimizer.knowledge.ecosystems import inputs, recognise
from optimizer.knowledge.installs import Call, Inputs, Install, Obstacle, Touch


@dataclass(frozen=True, slots=True)
class InstallStep:
    """A RUN whose every command is known. ``title`` names its installs (``npm ci``);
    ``beside`` is what its other commands touch."""

    title: str
    inputs: Inputs
    beside: tuple[Touch, ...]


def read_install(
    calls: StepCalls, files: Callable[[], StageFiles]
) -> InstallStep | Obstacle | None:
    """Reads one RUN. ``files`` returns what lies in the image then; it is asked only for an
    install.

    Returns None where it installs no dependencies of the project, and an
    `Obstacle` where it does, but reads more than can be named.
    """
    verdicts = [(call, _classify(call)) for call in calls.calls]
    installs = [verdict for _, verdict in verdicts if isinstance(verdict, Install)]
    obstacles = [verdict for _, verdict in verdicts if isinstance(verdict, Obstacle)]
    if obstacles:
        return obstacles[0]
    if not installs:
        return next(filter(None, map(_lost, calls.calls)), None)
    for call, verdict in verdicts:
        if verdict is None:
            return _in_the_way(call, installs[0])
    there = files()
    answers = [inputs(install, there) for install in installs]
    for answer in answers:
        if isinstance(answer, Obstacle):
            return answer
    return InstallStep(
        title=" and ".join(dict.fromkeys(install.title for install in installs)),
        inputs=_merged([answer for answer in answers if isinstance(answer, Inputs)]),
        beside=tuple(
            verdict if isinstance(verdict, Touch) else Touch(writes=call.writes)
            for call, verdict in verdicts
        ),
    )


def touches(calls: StepCalls) -> tuple[Touch, ...] | PlacedCall | str:
    """Returns what the commands of a RUN touch; the first command that is not known, or
    why none is."""
    if calls.opaque is not None:
        return calls.opaque
    found: list[Touch] = []
    for call in calls.calls:
        verdict = _classify(call)
        if not isinstance(verdict, Touch):
            return call
        found.append(verdict)
    return tuple(found)


def _classify(placed: PlacedCall) -> Install | Touch | Obstacle | None:
    """Says what one command is; what it is redirected to counts as written."""
    if placed.call is None:
        return None
    verdict = recognise(placed.call) or touch(placed.call)
    if placed.writes and isinstance(verdict, Touch):
        return Touch(verdict.reads, verdict.writes + placed.writes)
    return verdict


def _lost(placed: PlacedCall) -> Obstacle | None:
    """Returns what stands in the way of an install whose directory is not known."""
    if placed.call is not None or not placed.words:
        return None
    if not isinstance(recognise(Call(placed.words, "/")), Install | Obstacle):
        return None
    return Obstacle(
        "unknown-directory",
        f"`{_short(placed.text)}` installs, but the directory it runs in is not known.",
        "Set an absolute WORKDIR above it.",
    )


def _in_the_way(call: PlacedCall, install: Install) -> Obstacle:
    return Obstacle(
        "install-inside-longer-run",
        f"`{_short(call.text)}` runs in the same RUN as `{install.title}`, and what it reads "
        "is not known.",
        f"Give `{install.title}` a RUN of its own.",
    )


def _short(text: str, limit: int = 60) -> str:
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def _merged(parts: Sequence[Inputs]) -> Inputs:
    def together(name: str) -> tuple[str, ...]:
        return tuple(dict.fromkeys(value for part in parts for value in getattr(part, name)))

    return Inputs(
        reads=together("reads"),
        writes=together("writes"),
        trees=together("trees"),
        rewrites=together("rewrites"),
        assumes=together("assumes"),
    )
