"""From a step to its effects: one reader for each kind of instruction."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import reduce

from optimizer.comments import Declared, declared
from optimizer.context.gopath import inside
from optimizer.cst.nodes import Dockerfile, Mount
from optimizer.effects.commands import (
    PROGRAMS,
    read_commands,
    reads_any_variable,
    variables_named,
)
from optimizer.effects.copies import (
    CopyStep,
    ForeignCopy,
    StageFiles,
    is_below,
    is_remote,
    is_there,
)
from optimizer.effects.effects import (
    RUNS_A_SHELL,
    CommandEffects,
    ContextReads,
    Effects,
    Inherited,
    Variables,
)
from optimizer.effects.paths import Paths, canonical, union
from optimizer.knowledge.installs import Obstacle
from optimizer.model.stages import Step
from optimizer.model.values import Known

_DOCKERFILE_EXPANDS = frozenset(
    {"ADD", "ARG", "COPY", "ENV", "EXPOSE", "LABEL", "STOPSIGNAL", "USER", "VOLUME", "WORKDIR"}
)
"""Instructions in which BuildKit replaces variables (the Dockerfile reference, "Environment
replacement")."""

_ACCOUNTS = ("/etc/passwd", "/etc/group")
_NO_PATH = frozenset("*?[]$`'\"\\")
"""What a declared path may not hold."""

_NO_SHELL: frozenset[Inherited] = frozenset({"workdir", "user"})
_IN_SHELL: frozenset[Inherited] = frozenset({"workdir", "user", "shell"})


def read_effects(
    tree: Dockerfile,
    step: Step,
    copied: Callable[[], CopyStep | ForeignCopy],
    files: Callable[[], StageFiles],
) -> Effects:
    """Returns the effects of ``step`` of ``tree``.

    ``copied`` returns what a COPY or ADD brings and ``files`` what was copied above; each is
    asked only where it counts. Never raises, whatever the step holds.
    """
    keyword = step.instruction.keyword
    if keyword == "RUN":
        return run_effects(tree, step, read_commands(tree, step, files))
    effects = Effects(step, variables=_named(step))
    if keyword in ("COPY", "ADD"):
        return _read_copy(effects, copied())
    return _read_setting(effects, keyword)


def _named(step: Step) -> Variables:
    instruction = step.instruction
    if instruction.keyword not in _DOCKERFILE_EXPANDS:
        return Variables()
    if instruction.heredocs:
        # COPY <<EOF expands the document, whose text is not part of the logical line.
        return Variables(opaque="a here-document may name any variable")
    return Variables(variables_named(instruction.logical.text))


def _read_setting(effects: Effects, keyword: str) -> Effects:
    """Instructions that change the state or the configuration, and at most make a directory."""
    step = effects.step
    match keyword:
        case "ENV" | "ARG":
            return replace(effects, assigns=_assigned(step))
        case "WORKDIR":
            places = _places(step, (step.instruction.arguments,))
            return replace(
                effects,
                writes=Paths(
                    opaque="where the WORKDIR lies is not known" if places is None else None
                ),
                obstacle=_unknown_directory(step) if places is None else None,
                makes=places or (),
                inherits=frozenset({"workdir", "user"}),
                sets=frozenset({"workdir"}),
            )
        case "USER":
            return replace(effects, sets=frozenset({"user"}))
        case "SHELL":
            return replace(effects, sets=frozenset({"shell"}))
        case "CMD" | "ENTRYPOINT" | "HEALTHCHECK":
            # An ENTRYPOINT may take a CMD away (convert.go, dispatchEntrypoint).
            name = "CMD" if keyword == "ENTRYPOINT" else keyword
            shell = step.instruction.exec_form is None
            takes: frozenset[Inherited] = frozenset({"shell"} if shell else ())
            return replace(effects, inherits=takes, settings=(name,))
        case "LABEL":
            labels = (pair.name.value for pair in step.instruction.pairs)
            return replace(effects, settings=tuple(f"LABEL {label}" for label in labels))
        case "STOPSIGNAL" | "MAINTAINER" | "ONBUILD":
            return replace(effects, settings=(keyword,))
        case "VOLUME":
            words = [word.value for word in step.instruction.words]
            volumes = _places(step, words)
            why = "where a VOLUME lies is not known"
            return replace(effects, writes=Paths(opaque=why) if volumes is None else Paths(volumes))
    return effects


def _unknown_directory(step: Step) -> Obstacle:
    return Obstacle(
        "unknown-directory",
        f"Which directory line {step.instruction.line} makes is not known before a build.",
        "Give the WORKDIR a path that is known.",
    )


def _assigned(step: Step) -> tuple[str, ...]:
    found = (step.state.expand(pair.name.value) for pair in step.instruction.pairs)
    return tuple(name.text if isinstance(name, Known) else "*" for name in found)


def _places(step: Step, words: Iterable[str]) -> tuple[str, ...] | None:
    """Returns absolute image paths; None where one of them is not known."""
    found: list[str] = []
    for word in words:
        value = step.state.expand(word)
        place = step.state.resolve(value.text) if isinstance(value, Known) else value
        if not isinstance(place, Known):
            return None
        found.append(place.text)
    return tuple(found)


def _read_copy(effects: Effects, copied: CopyStep | ForeignCopy) -> Effects:
    step, instruction = effects.step, effects.step.instruction
    target = instruction.words[-1].value if instruction.words else ""
    found = replace(
        effects,
        context=_sources(step),
        # BuildKit copies as root whatever USER says (convert_copy.go, dispatchCopy).
        inherits=frozenset() if target.startswith("/") else frozenset({"workdir"}),
        network=any(is_remote(word.value) for word in instruction.words[:-1]),
    )
    owners = Paths(_ACCOUNTS if _names_owner(step) else ())
    if isinstance(copied, CopyStep):
        folders = (s.target if s.is_dir else posixpath.dirname(s.target) for s in copied.sources)
        return replace(
            found,
            reads=owners.with_prefixes((copied.target,) if _depends_on_target(copied) else ()),
            writes=Paths(copies=(copied,)),
            makes=tuple(dict.fromkeys(folders)),
        )
    if copied.target is None:
        reason = f"where line {instruction.line} copies to is not known: {copied.reason}"
        anything = Paths(opaque=reason)
        obstacle = Obstacle(
            "unknown-copy", f"{reason[0].upper()}{reason[1:]}.", "Use an absolute target."
        )
        return replace(found, reads=anything, writes=anything, obstacle=obstacle)
    places = (copied.target,)
    return replace(found, reads=owners, writes=Paths(places), makes=places)


def _names_owner(step: Step) -> bool:
    """Tells whether ``--chown`` has a name, which BuildKit looks up in the image's own files
    (solver/llbsolver/file/user_linux.go)."""
    owner = step.instruction.flag("chown")
    return owner is not None and re.fullmatch(r"\d+(:\d+)?", owner) is None


def _depends_on_target(copy: CopyStep) -> bool:
    """Tells whether a single file lands in the target or replaces it, as the image has it."""
    written = copy.step.instruction.words[-1].value
    if is_there(copy.step, copy.target):
        return False
    return len(copy.sources) == 1 and not copy.sources[0].is_dir and not written.endswith("/")


def _sources(step: Step) -> ContextReads:
    """Returns what a COPY or ADD names in the build context."""
    instruction = step.instruction
    if instruction.flag("from") is not None:
        return ContextReads()
    patterns: list[str] = []
    documents = {heredoc.name for heredoc in instruction.heredocs}
    for word in instruction.words[:-1]:
        if word.value.lstrip("0123456789").startswith("<<") and documents:
            continue
        value = step.state.expand(word.value)
        if not isinstance(value, Known):
            return ContextReads(opaque=value.reason)
        if not is_remote(value.text):
            patterns.append(inside(value.text))
    excludes = tuple(f.value for f in instruction.flags if f.name == "exclude" and f.value)
    return ContextReads(tuple(patterns), excludes)


def run_effects(
    tree: Dockerfile, step: Step, commands: tuple[CommandEffects, ...] | Obstacle
) -> Effects:
    """Returns the effects of the RUN ``step`` of ``tree`` if ``commands`` were all it runs; an
    obstacle says why what it runs is not known."""
    instruction = step.instruction
    text = tree.text(instruction.code)
    any_variable = reads_any_variable(text)
    effects = Effects(
        step,
        reads=Paths(PROGRAMS),
        variables=RUNS_A_SHELL | Variables(variables_named(text), opaque=any_variable),
        inherits=_IN_SHELL if instruction.exec_form is None else _NO_SHELL,
    )
    said = declared(tree, instruction)
    bad = _undeclarable(said)
    if bad is not None:
        said = Declared()
    if isinstance(commands, Obstacle):
        effects = _opaque_run(effects, commands, said)
    else:
        effects = _united(effects, commands, said, step)
    if bad is not None and effects.obstacle is not None:
        effects = replace(effects, obstacle=_unreadable(bad))
    effects = _with_mounts(effects, step)
    return replace(effects, needs=_needed(effects))


def _needed(effects: Effects) -> tuple[str, ...]:
    """Returns the directories that a RUN finds: those it goes to, and those it writes in.

    What it reads below one of them is brought by a step that makes the directory, so that
    step stays above anyway.
    """
    entered = (folder for command in effects.commands for folder in command.enters)
    written = (posixpath.dirname(path) for path in effects.writes.prefixes)
    found = dict.fromkeys((*entered, *written))
    return tuple(path for path in found if canonical(path) not in effects.reads.above)


def _undeclarable(said: Declared) -> str | None:
    """Returns a declared word that names no path."""
    words = (*(said.reads or ()), *(said.writes or ()))
    return next((word for word in words if not word or set(word) & _NO_PATH), None)


def _unreadable(word: str) -> Obstacle:
    return Obstacle(
        "unreadable-declaration",
        f"`# dockopt:` above the instruction names {word!r}, which is no path.",
        "Name absolute paths or paths relative to the WORKDIR, without wildcards and variables.",
    )


def _opaque_run(effects: Effects, why: Obstacle, said: Declared) -> Effects:
    reads, writes = _declared_paths(effects.step, said)
    anything = Paths(opaque=why.reason)
    known = reads is not None and writes is not None
    return replace(
        effects,
        reads=anything if reads is None else effects.reads.with_prefixes(reads),
        writes=anything if writes is None else Paths(writes),
        variables=effects.variables | Variables(opaque=why.reason),
        network=True,
        obstacle=None if known else why,
    )


def _united(
    effects: Effects, commands: tuple[CommandEffects, ...], said: Declared, step: Step
) -> Effects:
    """Everything that the commands do together; what the author declares stands in for the
    opaque ones."""
    reads, writes = _declared_paths(step, said)
    opaque = [command for command in commands if command.obstacle is not None]
    known = [command for command in commands if command.obstacle is None]
    found = replace(
        effects,
        commands=commands,
        reads=union([effects.reads, *(command.reads for command in known)]),
        writes=union([command.writes for command in known]),
        variables=reduce(lambda one, each: one | each.variables, commands, effects.variables),
        network=any(command.network for command in commands),
    )
    if opaque:
        stand_in = _opaque_run(replace(found, obstacle=None), _first(opaque), said)
        return replace(stand_in, writes=union([stand_in.writes, found.writes]))
    return replace(
        found,
        reads=found.reads.with_prefixes(reads or ()),
        writes=found.writes.with_prefixes(writes or ()),
    )


def _first(opaque: list[CommandEffects]) -> Obstacle:
    obstacle = opaque[0].obstacle
    assert obstacle is not None
    return obstacle


def _declared_paths(
    step: Step, said: Declared
) -> tuple[tuple[str, ...] | None, tuple[str, ...] | None]:
    """Returns what a comment says that the step reads and writes, None for what it leaves out.

    A relative path starts at the working directory. One that is not known leaves the step
    as opaque as it is.
    """

    def places(words: tuple[str, ...] | None) -> tuple[str, ...] | None:
        found = [step.state.resolve(word) for word in words or ()]
        known = [place.text for place in found if isinstance(place, Known)]
        return None if words is None or len(known) < len(found) else tuple(known)

    return places(said.reads), places(said.writes)


def _with_mounts(effects: Effects, step: Step) -> Effects:
    """Takes away what lies under a mount, and adds what the mounts bring."""
    mounts = step.instruction.mounts
    if step.instruction.flag("network") == "none":
        effects = replace(effects, network=False)
    if not mounts:
        return effects
    targets = tuple(mount_targets(step, mounts))
    return replace(
        effects,
        reads=_outside(effects.reads, targets),
        writes=_outside(effects.writes, targets),
        makes=targets,
        context=_mounted_context(step, mounts),
        secrets=tuple(_secrets(mounts)),
        variables=effects.variables
        | Variables(frozenset().union(*(variables_named(mount.flag.text) for mount in mounts))),
    )


def mount_targets(step: Step, mounts: Iterable[Mount]) -> Iterator[str]:
    """Yields the absolute image paths at which ``mounts`` lie, those that are known."""
    for mount in mounts:
        written = mount.options.get("target")
        if written is None and mount.type == "secret" and "env" not in mount.options:
            written = f"/run/secrets/{mount.options.get('id', '')}"
        places = None if not written else _places(step, (written,))
        if places is not None:
            yield places[0]


def _outside(paths: Paths, targets: tuple[str, ...]) -> Paths:
    """Returns what is left of ``paths`` when the mounts at ``targets`` hide what is below them."""
    kept = (p for p in paths.prefixes if not any(is_below(p, target) for target in targets))
    return Paths(tuple(kept), paths.copies, paths.opaque)


def _mounted_context(step: Step, mounts: Iterable[Mount]) -> ContextReads:
    patterns: list[str] = []
    for mount in mounts:
        if mount.type != "bind" or mount.options.get("from"):
            continue
        value = step.state.expand(mount.options.get("source", ""))
        if not isinstance(value, Known):
            return ContextReads(opaque=value.reason)
        patterns.append(inside(value.text))
    return ContextReads(tuple(patterns))


def _secrets(mounts: Iterable[Mount]) -> Iterator[str]:
    for mount in mounts:
        if mount.type in ("secret", "ssh"):
            yield mount.options.get("id") or mount.options.get("target", "default")
