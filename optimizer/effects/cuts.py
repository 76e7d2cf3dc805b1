"""The beginnings of a RUN that install dependencies and may have a RUN of their own.

Both halves together leave what the whole leaves: they run the same commands in the same order,
each from the state that it had, and the second half runs right where the first one succeeds.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import accumulate

from optimizer.comments import effect_comments
from optimizer.cst.nodes import Dockerfile
from optimizer.effects.commands import short
from optimizer.effects.copies import is_below
from optimizer.effects.effects import CommandEffects, Effects
from optimizer.effects.installs import InstallStep, read_install
from optimizer.effects.paths import Paths, union
from optimizer.effects.read import mount_targets, run_effects
from optimizer.knowledge.cleaning import (
    CACHES,
    cleans_downloads,
    cleans_up,
    fetches_lists,
    synchronises,
    wants_lists,
)
from optimizer.knowledge.ecosystems import download_caches
from optimizer.knowledge.installs import Call, Obstacle
from optimizer.model.stages import Step
from optimizer.shell.carry import StuckError, carried
from optimizer.shell.cut import Cut, Joint, cut_run, joints
from optimizer.shell.run import read_run
from optimizer.shell.script import Command, Script

MOST_CUTS = 20
"""Places of one RUN, at most, at which a cut is tried: the lowest ones and the uppermost."""

_DISTRIBUTIONS = frozenset(("apk", "apt", "apt-get", "dnf", "microdnf", "yum", "zypper"))
"""Package managers that keep nothing but what they download where people mount caches."""


def install_halves(
    tree: Dockerfile, effects: Effects, ships: bool
) -> Iterator[InstallStep | Obstacle]:
    """Yields the first halves of the RUN with these ``effects``, longest first, each an install
    whose every command is known; an `Obstacle` where the RUN may not be cut at such a place.
    ``ships`` says that its layers may be layers of the image.

    Yields nothing where no install of the RUN stands above the first command that is not known.
    """
    known = _known(effects.commands)
    first = next((n for n, command in enumerate(known) if command.install is not None), None)
    script = _script(tree, effects.step) if first is not None else None
    if first is None or script is None:
        return
    run = _Run(tree, effects, script, ships)
    places = [joint for joint in joints(script) if first < run.count(joint) <= len(known)]
    if not places and len(known) < len(effects.commands):
        yield _inseparable(known[first], effects.commands[len(known)])
    for joint in (*places[: -MOST_CUTS - 1 : -1], *places[:1][: len(places) - MOST_CUTS]):
        yield run.half(joint)


def lower_half(tree: Dockerfile, effects: Effects, first: int) -> Cut | Obstacle:
    """Returns the cut that gives the commands of a RUN from the one numbered ``first`` on, counted
    from 0, a RUN of their own; an `Obstacle` where the RUN may not be cut there."""
    script = _script(tree, effects.step)
    if script is None:
        return _not_repeatable("it is no shell script that is known")
    run = _Run(tree, effects, script, ships=False)
    joint = next((each for each in joints(script) if run.count(each) == first), None)
    if joint is None:
        return _not_repeatable("no `&&` is there to cut it at")
    return run.left_in_mounts(effects.commands[:first]) or run.cut(joint, ())


def _script(tree: Dockerfile, step: Step) -> Script | None:
    """Returns the script of a RUN, None where it is none or cannot be read."""
    shell = step.state.shell
    if not isinstance(shell, tuple) or step.instruction.exec_form is not None:
        return None
    script = read_run(tree, step.instruction, shell)
    return script if isinstance(script, Script) else None


def _known(commands: Sequence[CommandEffects]) -> Sequence[CommandEffects]:
    """Returns the commands above the first one that is not known."""
    for number, command in enumerate(commands):
        if command.obstacle is not None or command.refused is not None:
            return commands[:number]
    return commands


def _inseparable(install: CommandEffects, other: CommandEffects) -> Obstacle:
    assert install.install is not None
    return Obstacle(
        "install-inside-longer-run",
        f"`{short(other.text)}` runs in the same RUN as `{install.install.title}`, what it reads "
        "is not known, and no `&&` between them is one to cut the RUN at.",
        f"Give `{install.install.title}` a RUN of its own, or join the two with `&&` alone.",
    )


@dataclass(frozen=True)
class _Run:
    """One RUN that is to be cut."""

    tree: Dockerfile
    effects: Effects
    script: Script
    ships: bool

    @cached_property
    def _ends(self) -> Sequence[int]:
        """Where what has run ends in the file, command by command: the items at the top level of
        a script run one behind the other."""
        return tuple(accumulate((c.span.end for c in self.effects.commands), max))

    def count(self, joint: Joint) -> int:
        """Counts the commands above a joint."""
        return bisect_right(self._ends, self.script.source.at(joint.end - 1, joint.end).end)

    def half(self, joint: Joint) -> InstallStep | Obstacle:
        """Returns what is above ``joint`` as an install, with the cut that makes it one."""
        count = self.count(joint)
        above, below = self.effects.commands[:count], self.effects.commands[count:]
        obstacle = self.left_in_mounts(above) or _stale(above, below)
        if obstacle is not None:
            return obstacle
        moved = self._cleaning(joint, above, below)
        if isinstance(moved, Obstacle):
            return moved
        part = run_effects(self.tree, self.effects.step, (*above, *(c for _, c in moved)))
        install = read_install(part)
        assert isinstance(install, InstallStep), "a half holds known commands and an install"
        cut = self.cut(joint, [number for number, _ in moved])
        if isinstance(cut, Obstacle):
            return cut
        assumes = (*install.inputs.assumes, *_assumed([c for _, c in moved], below))
        return replace(install, inputs=replace(install.inputs, assumes=assumes), cut=cut)

    def cut(self, joint: Joint, also: Sequence[int]) -> Cut | Obstacle:
        step = self.effects.step
        try:
            carry = carried(self.script, joint, frozenset(step.state.variables))
        except StuckError as stuck:
            return _not_repeatable(str(stuck))
        instruction = step.instruction
        if instruction.heredocs and not self._is_document():
            return _not_repeatable("a here-document belongs to the whole RUN")
        cut = cut_run(self.tree, instruction, self.script, joint, carry, also)
        if cut is None:
            return _not_repeatable("how its commands are joined is not understood")
        comments = "".join(f"{line}\n" for line in effect_comments(self.tree, instruction))
        return replace(cut, rest=comments + cut.rest)

    def _is_document(self) -> bool:
        """Tells whether the script is one whole here-document of the RUN."""
        documents = self.effects.step.instruction.heredocs
        start = self.script.source.at(0, 1).start
        return len(documents) == 1 and start >= documents[0].body.start

    def left_in_mounts(self, above: Sequence[CommandEffects]) -> Obstacle | None:
        """Looks for files that the first half would leave where the second does not find them."""
        step = self.effects.step
        for mount in step.instruction.mounts:
            target = next(mount_targets(step, [mount]), None)
            kept = mount.type in ("secret", "ssh")
            if kept or (mount.type == "bind" and "readwrite" not in mount.options):
                continue
            if mount.type != "cache" or target is None:
                return _in_mount(f"a {mount.type} mount")
            for command in above:
                if any(is_below(path, target) for path in _lasting(command)):
                    return _in_mount(f"the cache mount at {target}")
        return None

    def _cleaning(
        self, joint: Joint, above: Sequence[CommandEffects], below: Sequence[CommandEffects]
    ) -> list[tuple[int, CommandEffects]] | Obstacle:
        """Returns the commands below, with the number of their items, that have to clean up in
        the first half too, since its layer would keep what they take away."""
        if not self.ships:
            return []
        written = union([command.writes for command in above])
        found: list[tuple[int, CommandEffects]] = []
        for command in below:
            call = command.call or _as_written(command)
            if any(c.call is not None and synchronises(call, c.call) for c in above):
                return _grows(command)
            if not cleans_up(call):
                continue
            if command.obstacle is None and written.meets(command.writes) is None:
                continue
            number = self._separable(joint, command)
            if number is None or not _is_of_caches(command) or _wanted(command, below):
                return _grows(command)
            found.append((number, command))
        return found

    def _separable(self, joint: Joint, command: CommandEffects) -> int | None:
        """Returns the item that is ``command`` alone, sure to run and written out in full."""
        behind = self.script.chain[joint.above :]
        for number, item in enumerate(behind, joint.above):
            body = item.body
            if not isinstance(body, Command) or body.span != command.span:
                continue
            plain = all(word.literal is not None for word in body.words) and not body.redirections
            joined = all(each.operator == "&&" for each in behind)
            return number if plain and joined else None
        return None


def _as_written(command: CommandEffects) -> Call:
    """Returns a command whose words are not all known, as the script spells it."""
    return Call(tuple(command.text.split()) or ("",), "", {})


def _is_of_caches(command: CommandEffects) -> bool:
    """Tells whether a command takes away nothing but what package managers downloaded, wherever
    it runs."""
    if command.call is None or command.obstacle is not None:
        return False
    if command.call.program != "rm":
        return cleans_downloads(command.call)
    paths = [word for word in command.call.words[1:] if not word.startswith("-")]
    return all(any(is_below(path, cache) for cache in CACHES) for path in paths)


def _wanted(command: CommandEffects, below: Sequence[CommandEffects]) -> bool:
    """Tells whether a known command in front of ``command`` wants what that one takes away."""
    before = below[: below.index(command)]
    known = [each for each in before if each.obstacle is None]
    return any(command.writes.meets(Paths(each.reads.prefixes)) for each in known)


def _assumed(moved: Sequence[CommandEffects], below: Sequence[CommandEffects]) -> Iterator[str]:
    for command in moved:
        for other in below[: below.index(command)]:
            if other.obstacle is not None:
                yield f"`{short(other.text)}` does not need what `{short(command.text)}` removes."


def _lasting(command: CommandEffects) -> Iterator[str]:
    """Yields where a command writes more than what it downloads."""
    if command.call is not None and command.call.program in _DISTRIBUTIONS:
        return
    caches = download_caches(command.call) if command.call is not None else ()
    for path in command.writes.prefixes:
        if not any(is_below(path, cache.path) for cache in caches):
            yield path


def _stale(above: Sequence[CommandEffects], below: Sequence[CommandEffects]) -> Obstacle | None:
    """Looks for package lists that the second half would find in an old layer."""
    fetched = {c.call.program for c in above if c.call is not None and fetches_lists(c.call)}
    for command in below:
        if command.call is None or not fetched:
            continue
        if fetches_lists(command.call):
            fetched.discard(command.call.program)
        elif wants_lists(command.call):
            return Obstacle(
                "package-lists-go-stale",
                f"`{short(command.text)}` would find the package lists of an old layer.",
                "Install the packages right behind the command that fetches the lists.",
            )
    return None


def _in_mount(where: str) -> Obstacle:
    return Obstacle(
        "mount-carries-files",
        f"What the install leaves in {where} may be gone in a RUN of its own.",
        "Let the install write to the image.",
    )


def _grows(command: CommandEffects) -> Obstacle:
    return Obstacle(
        "layer-keeps-removed-files",
        f"`{short(command.text)}` takes away or rewrites what the install left, and the layer of "
        "the install alone would keep it.",
        "Put it right behind the install, or install in a stage that is no part of the image.",
    )


def _not_repeatable(why: str) -> Obstacle:
    return Obstacle(
        "shell-state-not-repeatable",
        f"The RUN cannot be cut in two: {why}.",
        "Give the install a RUN of its own.",
    )
