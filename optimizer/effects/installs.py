"""What a RUN that installs dependencies reads and writes, all its commands together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from optimizer.effects.commands import short
from optimizer.effects.effects import CommandEffects, Effects
from optimizer.effects.paths import Paths, union
from optimizer.knowledge.installs import Inputs, Install, Obstacle
from optimizer.shell.cut import Cut

_NOTHING = Inputs((), ())


@dataclass(frozen=True, slots=True)
class InstallStep:
    """A RUN whose every command is known. ``title`` names its installs (``npm ci``);
    ``beside`` is what the RUN does apart from what the installs read and write of the project."""

    title: str
    inputs: Inputs
    beside: Effects
    cut: Cut | None = None
    """Where it is the first half of a longer RUN: how that one comes apart."""


def read_install(effects: Effects) -> InstallStep | Obstacle | None:
    """Reads the RUN with these ``effects``.

    Returns None where it installs no dependencies of the project, and an `Obstacle` where it
    does, but reads more than can be named.
    """
    refused = next((each.refused for each in effects.commands if each.refused), None)
    if refused is not None:
        return refused
    installs = [each.install for each in effects.commands if each.install is not None]
    if not installs:
        return None
    for command in effects.commands:
        if command.obstacle is not None:
            return _in_the_way(command, installs[0])
    return InstallStep(
        title=" and ".join(dict.fromkeys(install.title for install in installs)),
        inputs=_merged([each.inputs for each in effects.commands if each.inputs is not None]),
        beside=_without_installs(effects),
    )


def _without_installs(effects: Effects) -> Effects:
    """Returns what is left of a RUN's effects without what its installs read of the project
    and write: of these, what a copy may do is asked for file by file."""
    project: set[str] = set()
    writes: list[Paths] = []
    for each in effects.commands:
        known = each.inputs or _NOTHING
        project.update(known.reads, known.trees)
        own = {*known.writes, *known.rewrites}
        writes.append(Paths(tuple(path for path in each.writes.prefixes if path not in own)))
    reads = tuple(path for path in effects.reads.prefixes if path not in project)
    return replace(effects, reads=Paths(reads), writes=union(writes))


def _in_the_way(command: CommandEffects, install: Install) -> Obstacle:
    return Obstacle(
        "install-inside-longer-run",
        f"`{short(command.text)}` runs in the same RUN as `{install.title}`, and what it reads "
        "is not known.",
        f"Give `{install.title}` a RUN of its own.",
    )


def _merged(parts: Sequence[Inputs]) -> Inputs:
    def together(name: str) -> tuple[str, ...]:
        return tuple(dict.fromkeys(value for part in parts for value in getattr(part, name)))

    return Inputs(
        reads=together("reads"),
        writes=together("writes"),
        trees=together("trees"),
        rewrites=together("rewrites"),
        assumes=together("assumes"),
        optional=together("optional"),
        settings=together("settings"),
    )
