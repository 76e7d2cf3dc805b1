"""The step that brings in what a build needs besides its sources, to stand above them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from optimizer.cst.nodes import Dockerfile
from optimizer.effects.commands import PROGRAMS, settle, short
from optimizer.effects.copies import StageFiles, is_below, workdir_of
from optimizer.effects.effects import RUNS_A_SHELL, CommandEffects, Effects, Variables
from optimizer.effects.installs import InstallStep
from optimizer.effects.paths import Paths, union
from optimizer.effects.read import mount_targets
from optimizer.knowledge import ecosystems
from optimizer.knowledge.cleaning import cleans_up
from optimizer.knowledge.installs import HOLE, Call, Inputs, Install, Obstacle
from optimizer.model.stages import Step
from optimizer.model.values import Known

_SETTINGS = ("/etc", "/root", "/home")
"""Where programs look for settings and credentials that are not named (FHS 3.0, 3.7 to 3.14)."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True, slots=True)
class DependencyStep:
    """A RUN that is not in the file yet: ``install`` for what ``build`` needs, run where that runs.

    ``inputs`` are what it reads and writes of the project; ``effects`` are those of the RUN as if
    it stood where the build stands, ``beside`` what is left of them without ``inputs``. ``code``
    is its text behind the flags.
    """

    install: Install
    build: CommandEffects
    inputs: Inputs
    effects: Effects
    beside: Effects
    code: str

    @property
    def needed_by(self) -> str:
        """The command whose dependencies it brings in, in short."""
        return short(self.build.text)

    @property
    def leaves(self) -> tuple[str, ...]:
        """The prefixes that it creates or replaces, cut where the path is not known any more."""
        return settle(self.inputs.writes) or ("/",)

    @property
    def assumes(self) -> tuple[str, ...]:
        """What a reviewer has to take for granted, in sentences."""
        return tuple(dict.fromkeys((*self.install.assumes, *self.inputs.assumes)))

    @property
    def step(self) -> InstallStep:
        """The same as a RUN of its own."""
        return InstallStep(self.install.title, self.inputs, self.beside)


def dependency_step(
    effects: Effects, files: StageFiles, above: Iterable[Effects]
) -> DependencyStep | Obstacle | None:
    """Returns the step that the RUN with these ``effects`` lacks.

    ``files`` are what was copied above it, ``above`` the effects of the steps above that may
    bring in dependencies. None: the RUN builds nothing whose dependencies could come first, or
    they do, or it has no network to fetch them. An `Obstacle` says why they cannot.
    """
    if effects.step.instruction.flag("network") == "none":
        return None
    before = [command for each in above for command in each.commands]
    for command in effects.commands:
        found = _lacking(command, files, before, effects.commands)
        if isinstance(found, Obstacle):
            return found
        if found is not None:
            install, known = found
            step = _step(effects, command, install, known)
            return _prepared(effects, step) or step
    return None


def brought_in(
    effects: Effects, files: StageFiles, above: Iterable[Effects]
) -> tuple[tuple[CommandEffects, Install], ...]:
    """Returns the commands of a RUN that find their dependencies there, each with the install
    that would have brought them in; the arguments are those of `dependency_step`."""
    wanted = [
        (command, install)
        for command in effects.commands
        if command.call is not None and command.inputs is None
        if isinstance(install := ecosystems.dependency_step(command.call, files), Install)
    ]
    # Few RUNs build anything, and looking at all RUNs above each would take the square of time.
    commands = (command for each in above for command in each.commands) if wanted else ()
    installing = [command for command in commands if command.install is not None]
    found: list[tuple[CommandEffects, Install]] = []
    for command, install in wanted if installing else ():
        known = ecosystems.inputs(install, files)
        if any(_brings(other, install, known) for other in installing):
            found.append((command, install))
    return tuple(found)


def _lacking(
    command: CommandEffects,
    files: StageFiles,
    before: Sequence[CommandEffects],
    beside: Sequence[CommandEffects],
) -> tuple[Install, Inputs] | Obstacle | None:
    """Returns the install that ``command`` lacks, with what it reads and writes; ``before`` are
    the commands of steps above, ``beside`` those of its own."""
    install = _wanted(command, files)
    others = [each for each in (*before, *beside) if each is not command]
    if install is None or isinstance(install, Obstacle):
        brought = any(_is_of_same_program(other, command) for other in others)
        return None if brought else install
    known = ecosystems.inputs(install, files)
    if any(_brings(other, install, known) for other in others) or any(
        _fetches(other, install, files) for other in before
    ):
        return None
    if isinstance(known, Obstacle):
        return known
    unknown = _unknown_part(install.call)
    return (install, known) if unknown is None else _not_settled(command, unknown)


def _wanted(command: CommandEffects, files: StageFiles) -> Install | Obstacle | None:
    # An install that needs the sources, such as one that makes an autoloader, has a step too.
    if command.call is None or command.inputs is not None or HOLE in command.call.directory:
        return None
    return ecosystems.dependency_step(command.call, files)


def _is_of_same_program(other: CommandEffects, command: CommandEffects) -> bool:
    """Tells whether ``other`` installs, with the program that ``command`` runs."""
    bare = ecosystems.unwrapped(command.call) if command.call is not None else None
    return (
        other.install is not None
        and bare is not None
        and other.install.call.program == bare.program
    )


def _fetches(other: CommandEffects, install: Install, files: StageFiles) -> bool:
    """Tells whether a build in a step above has fetched the same already."""
    wanted = _wanted(other, files)
    return (
        isinstance(wanted, Install)
        and wanted.ecosystem == install.ecosystem
        and wanted.call.directory == install.call.directory
    )


def _not_settled(command: CommandEffects, unknown: str) -> Obstacle:
    return Obstacle(
        "setup-in-the-same-run",
        f"`{short(command.text)}` runs with {unknown}, whose value is not known before a build.",
        f"Set {unknown} with ENV above the sources.",
    )


def _brings(other: CommandEffects, install: Install, known: Inputs | Obstacle) -> bool:
    """Tells whether a command brings in what ``install`` would, so far as manifests tell."""
    if other.install is None or other.install.ecosystem != install.ecosystem:
        return False
    if other.install.call.directory == install.call.directory or isinstance(known, Obstacle):
        return True
    return other.inputs is None or set(known.reads) <= set(other.inputs.reads)


def _unknown_part(call: Call) -> str | None:
    """Names what of a call cannot be written down because it is not known."""
    # HOME is the same in both steps, known or not.
    unknown = (f"${name}" for name, value in call.env.items() if HOLE in value and name != "HOME")
    return next(unknown, "an option" if any(HOLE in word for word in call.words) else None)


def _prepared(effects: Effects, lacking: DependencyStep) -> Obstacle | None:
    """Returns what stands against a step above the RUN: a command of the RUN that readies the
    machine or the manifests for it."""
    settings = lacking.inputs.settings or _SETTINGS
    needed = union((lacking.effects.reads, lacking.effects.writes, Paths(settings)))
    written = Paths((*lacking.inputs.writes, *lacking.inputs.rewrites))
    for other in effects.commands:
        if other is lacking.build:
            return None
        if changes_modes_only((other,)) and other.writes.meets(written) is None:
            continue
        if other.obstacle is not None:
            return _readies(other, lacking.build, "what it does is not known")
        if (at := other.writes.meets(needed)) is not None:
            return _readies(other, lacking.build, f"it writes {at}")
    return None


def taken_away(effects: Effects, lacking: DependencyStep) -> Obstacle | None:
    """Returns what a later command of the RUN takes away of what the step would leave: a layer of
    its own would keep it."""
    written = Paths(lacking.inputs.writes)
    at = next(n for n, each in enumerate(effects.commands) if each is lacking.build)
    for command in effects.commands[at + 1 :]:
        call = command.call
        if call is None or not cleans_up(call):
            continue
        if command.obstacle is not None or command.writes.meets(written) is not None:
            return Obstacle(
                "layer-keeps-removed-files",
                f"`{short(command.text)}` takes away what `{lacking.install.title}` would leave, "
                "and the layer of a step of its own would keep it.",
                "Build in a stage that is no part of the image.",
            )
    return None


def changes_modes_only(commands: Sequence[CommandEffects]) -> bool:
    """Tells whether ``commands`` are chmod and nothing else: what files hold stays as it is, and
    a dependency step asks for no more, since a script of the context is run by naming its shell."""
    return bool(commands) and all(
        each.call is not None and each.call.program == "chmod" and each.obstacle is None
        for each in commands
    )


def _readies(other: CommandEffects, command: CommandEffects, why: str) -> Obstacle:
    return Obstacle(
        "setup-in-the-same-run",
        f"`{short(other.text)}` runs before `{short(command.text)}` in the same RUN, and {why}.",
        f"Give `{short(other.text)}` a RUN of its own above the sources.",
    )


def _step(
    effects: Effects, command: CommandEffects, install: Install, known: Inputs
) -> DependencyStep:
    read = Paths(PROGRAMS)
    own = CommandEffects(
        install.title,
        install.call.words,
        Paths((*known.reads, *known.trees, *known.settings)),
        Paths((*known.writes, *known.rewrites)),
        network=True,
        install=install,
        inputs=known,
    )
    anything = Variables(opaque=f"`{install.title}` may run scripts of packages")
    beside = replace(
        effects,
        commands=(own,),
        reads=read,
        writes=Paths(),
        variables=RUNS_A_SHELL | anything,
        network=True,
        obstacle=None,
        needs=(),
    )
    return DependencyStep(
        install,
        command,
        known,
        replace(beside, reads=read.with_prefixes(own.reads.prefixes), writes=own.writes),
        beside,
        _code(effects.step, install.call),
    )


def _code(step: Step, call: Call) -> str:
    """Spells ``call`` for the shell of ``step``."""
    moved = [] if call.directory == workdir_of(step) else [f"cd {shlex.quote(call.directory)}"]
    assigned = [f"{name}={shlex.quote(value)}" for name, value in _assigned(step, call.env)]
    return " && ".join([*moved, " ".join([*assigned, shlex.join(call.words)])])


def _assigned(step: Step, env: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yields the variables that the call needs and that the state of the step does not give."""
    for name, value in env.items():
        given = step.state.lookup(name)
        known = given.text if isinstance(given, Known) else None
        if known != value and name != "HOME" and _NAME.fullmatch(name):
            yield name, value


def keeps_downloads(step: Step, lacking: DependencyStep) -> bool:
    """Tells whether a cache mount of ``step`` may keep what ``lacking`` would download.

    One for what a build makes, such as Go's build cache or cargo's target, keeps none of it.
    """
    caches = [mount for mount in step.instruction.mounts if mount.type == "cache"]
    targets = list(mount_targets(step, caches))
    return len(targets) < len(caches) or any(
        is_below(target, path) or is_below(path, target)
        for target in targets
        for path in lacking.inputs.writes
    )


def run_line(tree: Dockerfile, step: Step, code: str) -> str:
    """Returns a RUN of ``code`` with the spelling and the flags of the RUN ``step``, except cache
    mounts: what `keeps_downloads` lets pass is of no use to a download."""
    instruction = step.instruction
    keyword = "run" if tree.text(instruction.keyword_span).islower() else "RUN"
    caches = [mount.flag for mount in instruction.mounts if mount.type == "cache"]
    flags = [tree.text(flag.span) for flag in instruction.flags if flag not in caches]
    return " ".join([keyword, *flags, code]) + "\n"
