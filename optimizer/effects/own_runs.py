"""Whether the RUNs of a stage do in a smaller image what they do in the full one."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from optimizer.effects.brought import installs, runs_of
from optimizer.effects.commands import BUILTINS, short
from optimizer.effects.copies import StageFiles
from optimizer.effects.effects import CommandEffects, Effects
from optimizer.knowledge.brings import Brings, brings
from optimizer.knowledge.distribution.packages import needs_of, provider
from optimizer.knowledge.ecosystems import unwrapped
from optimizer.knowledge.full_programs import ACCOUNTS
from optimizer.knowledge.installs import Call, Obstacle
from optimizer.knowledge.released import Release
from optimizer.knowledge.twins import Twin
from optimizer.model.stages import Stage, Step


class Seen(Protocol):
    """What of a view is asked."""

    @property
    def effects(self) -> Callable[[Step], Effects]: ...

    @property
    def files_above(self) -> Callable[[Step], StageFiles]: ...


_COMPILES: Final = frozenset(
    ("ant", "c++", "cargo", "cc", "clang", "cmake", "g++", "gcc", "go", "gradle", "gradlew",
     "javac", "make", "mvn", "mvnw", "rustc", "sbt")
)  # fmt: skip
_WANTS_MANUALS: Final = re.compile(
    r"(?:openjdk-\d+|default|temurin-\d+)-(?:jre|jdk).*|postgresql.*"
)
"""Packages whose scripts fail where there is no /usr/share/man/man1, which slim images leave out
(Debian bugs 863199 and 864404)."""

_LEFT_OUT: Final = re.compile(
    r"/usr/share/(?:doc|man|info|locale|groff|linda|lintian|gnome/help|omf|cups/doc-root)\b"
)

_UNPACKERS: Final = {"J": "xz", "xz": "xz", "j": "bzip2", "bzip2": "bzip2", "zstd": "zstd"}
_ENDINGS: Final = {".xz": "xz", ".txz": "xz", ".bz2": "bzip2", ".tbz2": "bzip2", ".zst": "zstd"}


@dataclass(frozen=True, slots=True)
class OwnRuns:
    """What the RUNs of a stage do about packages of the distribution: ``installed`` are those that
    they install, ``wanted`` those that they find in the full image and use."""

    installed: frozenset[str]
    wanted: tuple[str, ...]


def check_runs(
    seen: Seen,
    stage: Stage,
    twin: Twin,
    releases: Sequence[Release],
    said: tuple[str, ...] | None,
) -> OwnRuns | Obstacle:
    """Returns what the RUNs of ``stage`` do about packages, or why one of them needs what ``twin``
    lacks.

    ``said`` are the packages that the author names, None where nothing is said.
    """
    given = frozenset(said or ())
    installed: set[str] = set()
    wanted: dict[str, None] = {}
    for step in runs_of(stage):
        effects = seen.effects(step)
        if effects.obstacle is not None and not effects.commands:
            return _opaque(step, effects.obstacle.reason, twin)
        for command in effects.commands:
            held = _held(seen, step, command, twin, releases, installed | given, said)
            if held is not None:
                return held
            installed.update(installs(command.call))
            if _makes_accounts(command.call, twin, installed | given):
                wanted["adduser"] = None
    return OwnRuns(frozenset(installed), tuple(wanted))


def _makes_accounts(call: Call | None, twin: Twin, there: Collection[str]) -> bool:
    program = call.program if call is not None else ""
    is_adduser = program in ACCOUNTS and twin.lacks_program(program)
    return is_adduser and "adduser" not in there


def _held(
    seen: Seen,
    step: Step,
    command: CommandEffects,
    twin: Twin,
    releases: Sequence[Release],
    installed: set[str],
    said: tuple[str, ...] | None,
) -> Obstacle | None:
    call = unwrapped(command.call) if command.call is not None else None
    if call is None:
        if command.obstacle is None or said is not None:
            return None
        return _opaque(step, f"`{short(command.text)}` is not followed", twin)
    lacking = next(
        (name for name in _programs(call) if _is_lacking(name, twin, releases, installed)), None
    )
    if lacking is not None:
        return _not_in_twin(step, lacking, twin)
    left_out = _left_out(call, twin)
    if left_out is not None:
        return Obstacle(
            "left-out-of-slim-images",
            f"{left_out} (line {step.instruction.line}) finds no manuals and no documents in "
            f"{twin.name}:{twin.tag}.",
            "Do without them, or make their directory first, and start from the slim image "
            "yourself.",
        )
    found = brings(call, lambda: seen.files_above(step))
    if found is not None and twin.lacks_program("gcc"):
        return _compiled(step, command, found, twin, releases)
    if command.obstacle is not None and said is None and found is None:
        return _opaque(step, f"what `{short(command.text)}` starts is not known", twin)
    return None


def _left_out(call: Call, twin: Twin) -> str | None:
    """Returns what of a command needs a file that slim images of Debian leave out of every package
    (debuerreotype, scripts/.slimify-excludes: documents, manuals and translations)."""
    if "slim" not in twin.tag:
        return None
    package = next((name for name in installs(call) if _WANTS_MANUALS.fullmatch(name)), None)
    return package or next((word for word in call.words if _LEFT_OUT.search(word)), None)


def _programs(call: Call) -> Iterator[str]:
    """Yields the program of a command, and those that it starts to unpack something."""
    if call.words[0] not in BUILTINS:
        yield call.program
    if call.program in ("tar", "bsdtar"):
        for word in call.words[1:]:
            ending = next((name for name in _ENDINGS if word.endswith(name)), None)
            if ending is not None:
                yield _ENDINGS[ending]
        first = call.words[1] if len(call.words) > 1 else ""
        if re.fullmatch(r"-?[A-Za-z]+", first):
            yield from (_UNPACKERS[letter] for letter in first if letter in "jJ")
        yield from (
            _UNPACKERS[w[2:]] for w in call.words if w.startswith("--") and w[2:] in _UNPACKERS
        )


def _is_lacking(program: str, twin: Twin, releases: Sequence[Release], installed: set[str]) -> bool:
    if not twin.lacks_program(program) or program in ACCOUNTS:
        return False
    return program not in installed and provider(program, releases) not in installed


def _compiled(
    step: Step,
    command: CommandEffects,
    found: Brings,
    twin: Twin,
    releases: Sequence[Release],
) -> Obstacle | None:
    """Says why an install may need a compiler, None where it is shown to need none."""
    if found.is_built:
        return None
    if found.unknown is not None:
        return _may_compile(step, command, found.unknown, twin)
    for package in found.packages:
        if package.is_plain:
            continue
        known = needs_of(package.ecosystem, package.name, releases)
        # Wheels are there for what needs nothing; elsewhere what is not plain compiles on the spot.
        has_wheel = package.ecosystem == "pypi" and known.unknown is None and not known.packages
        if not known.is_plain and not has_wheel:
            return _may_compile(step, command, f"{package.name} may be compiled", twin)
    return None


def _may_compile(step: Step, command: CommandEffects, why: str, twin: Twin) -> Obstacle:
    return Obstacle(
        "compiles-in-this-stage",
        f"`{short(command.text)}` (line {step.instruction.line}) may need a compiler that "
        f"{twin.name}:{twin.tag} has not: {why}.",
        "Install in a stage of its own, and copy what it installs from there.",
    )


def _not_in_twin(step: Step, program: str, twin: Twin) -> Obstacle:
    line = step.instruction.line
    if program in _COMPILES:
        return Obstacle(
            "compiles-in-this-stage",
            f"`{program}` runs in this stage (line {line}), and {twin.name}:{twin.tag} has no "
            "compiler.",
            "Build in a stage of its own, and copy the result from there.",
        )
    return Obstacle(
        "program-not-in-twin",
        f"`{program}` runs in this stage (line {line}) and is not in {twin.name}:{twin.tag}.",
        f"Install it above line {line}, or do without it.",
    )


def _opaque(step: Step, why: str, twin: Twin) -> Obstacle:
    return Obstacle(
        "runs-unknown-programs",
        f"The RUN in line {step.instruction.line} may start programs that {twin.name}:{twin.tag} "
        f"lacks: {why.rstrip('.')}.",
        "Say above the FROM which packages the stage needs: `# dockopt: needs=PACKAGE,...`, or "
        "`# dockopt: needs=` for none.",
    )
