"""What each command of a RUN is for: building, or setting up what a container runs in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias

from optimizer.comments import declared
from optimizer.effects.commands import short
from optimizer.effects.effects import CommandEffects, Effects
from optimizer.effects.paths import Paths
from optimizer.effects.read import mount_targets
from optimizer.effects.split.site import Site
from optimizer.knowledge import ecosystems, producers
from optimizer.knowledge.cleaning import CACHES, cleans_downloads, fetches_lists
from optimizer.knowledge.commands import subject
from optimizer.knowledge.installs import Call, Obstacle
from optimizer.knowledge.products import Product
from optimizer.model.stages import Step
from optimizer.model.values import Known
from optimizer.shell.script import Command

Role: TypeAlias = Literal["builds", "repeats", "packages", "prepares", "tidies", "shell"]
"""``builds``: leaves something by a program that a container need not have. ``repeats``: changes
what the base has, so it is run in both stages. ``packages``: the package manager of the
distribution. ``prepares``: any base image can do it again. ``tidies``: takes away or fetches what
only package managers look at. ``shell``: changes nothing but the shell."""

PACKAGE_MANAGERS = frozenset(("apt-get", "apt", "apk", "dnf", "microdnf", "yum", "zypper"))
"""Programs whose installs are done again in the runtime stage."""

_PREPARING = frozenset(("shell", "files", "text", "archives", "search", "accounts", "distributions",
                        "fetchers", "system"))  # fmt: skip
"""Subjects of `optimizer.knowledge.commands` whose programs every base image has, or gets by a
package that stays: nothing of them is a tool for building."""

_STATE_OF_THE_SYSTEM = {
    "setcap": "COPY may lose the capability of a file",
    "update-alternatives": "the alternatives may name programs that are only in the builder",
    "alternatives": "the alternatives may name programs that are only in the builder",
    "strip": "it needs the tools that only the builder has",
}
"""setcap(8): the capability is an extended attribute of the file. update-alternatives(1): it
fails where the program is missing."""


_NEVER_COPIED = frozenset(
    ("/", "/bin", "/dev", "/etc", "/home", "/lib", "/opt", "/proc", "/root", "/run", "/sbin",
     "/srv", "/sys", "/tmp", "/usr", "/usr/bin", "/usr/lib", "/usr/local", "/usr/sbin",
     "/usr/share", "/var", "/var/lib")
)  # fmt: skip
"""Directories of the whole system: a copy of one would bring what the runtime stage has otherwise
on purpose."""


@dataclass(frozen=True, slots=True)
class Task:
    """A command and what it is for; ``product`` is what it leaves where it builds."""

    command: CommandEffects
    role: Role
    product: Product | None = None


@dataclass
class Above:
    """What was found out of a stage so far, from top to bottom: the ``paths`` that builds left,
    and the ``calls``."""

    paths: list[str] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)


def read_tasks(site: Site, step: Step, above: Above) -> tuple[Task, ...] | Obstacle:
    """Returns the tasks of the RUN ``step``, in order; an obstacle where one of its commands leaves
    something and it is not known what. What they leave is added to ``above``."""
    effects = site.effects(step)
    said = _declared(site, step)
    if not effects.commands:
        if said is None:
            return effects.obstacle or _nothing_known(effects)
        found = _built(step, _whole(site, effects), Product(said))
        above.paths += said
        return found if isinstance(found, Obstacle) else (found,)
    tasks: list[Task] = []
    for command in effects.commands:
        found = _task(site, step, command, said, above)
        if isinstance(found, Obstacle):
            return found
        tasks.append(found)
        if found.product is not None:
            above.paths += found.product.keeps
        if command.call is not None:
            above.calls.append(command.call)
    return tuple(tasks)


def _declared(site: Site, step: Step) -> tuple[str, ...] | None:
    """Returns what a comment says that the step writes, None where it says nothing or where the
    effects say that it cannot be read."""
    words = declared(site.tree, step.instruction).writes
    if words is None:
        return None
    places = [step.state.resolve(word) for word in words]
    known = tuple(place.text for place in places if isinstance(place, Known))
    return known if len(known) == len(places) else None


def _nothing_known(effects: Effects) -> Obstacle:
    return Obstacle(
        "opaque-command",
        f"What line {effects.step.instruction.line} does is not known.",
        "Say what it writes in a comment above it: `# dockopt: writes=PATH,...`.",
    )


def _whole(site: Site, effects: Effects) -> CommandEffects:
    instruction = effects.step.instruction
    return CommandEffects(
        site.tree.text(instruction.code),
        None,
        effects.reads,
        effects.writes,
        span=instruction.code,
    )


def _task(
    site: Site,
    step: Step,
    command: CommandEffects,
    said: tuple[str, ...] | None,
    above: Above,
) -> Task | Obstacle:
    call = ecosystems.unwrapped(command.call) if command.call is not None else None
    if call is not None and call.words:
        found = producers.product(call, site.made(step, above.paths, above.calls))
        if isinstance(found, Product):
            return _built(step, command, found)
        if found is not None and said is None:
            return found
    if command.obstacle is not None or command.install is not None or command.refused is not None:
        return _unknown(command) if said is None else _built(step, command, Product(said))
    known = _known(command, call)
    if isinstance(known, Obstacle) and said is not None:
        return _built(step, command, Product(said))
    return known


def _built(step: Step, command: CommandEffects, product: Product) -> Task | Obstacle:
    """Returns the task of a command that leaves ``product``, as far as that lies in the image."""
    if product.again:
        return Task(command, "repeats")
    if any(path in _NEVER_COPIED for path in product.keeps):
        return _unknown(command)
    mounted = Paths(tuple(mount_targets(step, step.instruction.mounts)))
    if any(map(mounted.covers, product.keeps)):
        return Obstacle(
            "mount-carries-files",
            f"`{short(command.text)}` writes into a mount, which no COPY can take files of.",
            "Let it write to the image.",
        )
    drops = tuple(path for path in product.drops if not mounted.covers(path))
    return Task(command, "builds", replace(product, drops=drops))


def _unknown(command: CommandEffects) -> Obstacle:
    if command.install is None and command.obstacle is not None:
        why = command.obstacle
        return Obstacle(
            why.code,
            f"`{short(command.text)}` may write any file, so what of it the runtime stage needs is "
            "not known.",
            "Say what the RUN writes in a comment above it: `# dockopt: writes=PATH,...`.",
        )
    return Obstacle(
        "unknown-product",
        f"What `{short(command.text)}` leaves for the run time is not known.",
        "Say where it is in a comment above the RUN: `# dockopt: writes=PATH,...`.",
    )


def _known(command: CommandEffects, call: Call | None) -> Task | Obstacle:
    """A command whose effects are known and that no producer knows."""
    if call is None or not call.words:
        return Task(command, "prepares" if command.writes else "shell")
    if call.program in _STATE_OF_THE_SYSTEM:
        return _system_state(command, _STATE_OF_THE_SYSTEM[call.program])
    if _tidies(call, command):
        return Task(command, "tidies")
    if call.program in PACKAGE_MANAGERS:
        return Task(command, "packages")
    if not command.writes:
        return Task(command, "shell")
    if subject(call.program) in _PREPARING:
        return Task(command, "prepares")
    return _unknown(command)


def _system_state(command: CommandEffects, why: str) -> Obstacle:
    return Obstacle(
        "system-state",
        f"`{short(command.text)}` changes the system beyond files that can be copied: {why}.",
        "Split the stage by hand.",
    )


def _tidies(call: Call, command: CommandEffects) -> bool:
    """Tells whether a command only fetches package lists, or takes downloads away."""
    if call.program in PACKAGE_MANAGERS and fetches_lists(call) and "add" not in call.words:
        return True
    if call.program in PACKAGE_MANAGERS and set(call.words[1:]) & {"autoremove", "autopurge"}:
        return True
    if cleans_downloads(call):
        return True
    return call.program == "rm" and bool(command.writes) and _below(command.writes, CACHES)


def _below(paths: Paths, places: tuple[str, ...]) -> bool:
    where = Paths((*places, "/tmp", "/var/tmp"))
    return paths.opaque is None and not paths.copies and all(map(where.covers, paths.prefixes))


_OF_PACKAGE_MANAGERS = Paths(("/var/lib/apt", "/var/cache", "/etc/apk/cache", "/var/lib/dnf"))
"""Where the package managers of distributions keep lists and downloads."""


def serves_packages(task: Task) -> bool:
    """Tells whether a task fetches for a package manager of the distribution, or tidies up for
    it."""
    call = task.command.call
    if task.role != "tidies" or call is None:
        return False
    if call.program in PACKAGE_MANAGERS:
        return True
    return any(map(_OF_PACKAGE_MANAGERS.covers, task.command.writes.prefixes))


def fetches(task: Task) -> bool:
    """Tells whether a task fetches the lists of packages that a later one counts on."""
    return task.command.call is not None and fetches_lists(task.command.call)


def inside(command: Command | CommandEffects, bounds: tuple[int, int]) -> bool:
    """Tells whether a command stands between two places of the file."""
    return bounds[0] <= command.span.start and command.span.end <= bounds[1]


def products_of(tasks: tuple[Task, ...]) -> Iterator[Product]:
    """Yields what the building ones among ``tasks`` leave."""
    return (task.product for task in tasks if task.product is not None)
