"""A chmod or chown of files that a COPY brought, as a flag of that COPY.

A RUN that changes the mode or the owner of a file puts the whole file into its layer once more
(overlayfs, "Non-directories": it is copied up; the OCI image specification, layer.md, "Change
Types"). What the flags do is BuildKit's (fsutil, copy/copy.go): they hold for all that the COPY
brings, and for the directories that it makes on the way, but not for a directory that was there.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TypeAlias

from optimizer.comments import is_set_apart, line_below
from optimizer.context.tree import ContextFile
from optimizer.cst.edit import Edit, Insert, Remove, Replace
from optimizer.cst.nodes import Dockerfile
from optimizer.cst.source import Span
from optimizer.effects.commands import short
from optimizer.effects.copies import CopyStep, ForeignCopy, is_below, is_there
from optimizer.effects.effects import CommandEffects, Effects
from optimizer.effects.package_lists import is_chain
from optimizer.effects.paths import Paths
from optimizer.effects.taken import chain
from optimizer.knowledge.commands.places import ACCOUNTS
from optimizer.knowledge.frontends import knows_chmod, knows_symbolic_chmod
from optimizer.knowledge.image_files import has_directory, may_hold
from optimizer.knowledge.installs import HOLE, Call, Obstacle
from optimizer.knowledge.modes import Mode, Owner, read_mode, read_owner
from optimizer.model.stages import ImageBase, Stage, Step
from optimizer.model.triggers import runs_triggers

MOST_STEPS = 500
"""Steps of a stage, at most, among which commands and copies are looked for."""
MOST_FILES = 20_000
"""Files of a COPY, at most, whose modes are compared and whose bytes are counted."""

_PROGRAMS = ("chmod", "chown")
_RECURSIVE = ("-R", "--recursive")
_QUIET = ("-v", "-c", "-f", "--verbose", "--changes", "--silent", "--quiet")
_PLAIN = re.compile(r"[\w./+@:,=-]+")
_WILDCARDS = frozenset("*?[{~")

_What: TypeAlias = Mode | Owner


@dataclass(frozen=True, slots=True)
class CopyFlag:
    """What makes a flag of COPY of one command.

    ``bytes`` is how much its layer holds twice today, None where that was not counted;
    ``assumes`` are sentences for the reviewer.
    """

    command: CommandEffects
    flag: str
    edits: tuple[Edit, ...]
    bytes: int | None
    assumes: tuple[str, ...]

    @property
    def named(self) -> str:
        """The command, in short."""
        return short(self.command.text)


@dataclass(frozen=True, slots=True)
class Place:
    """The RUN that is looked at, in its file. ``stage`` is its own."""

    tree: Dockerfile
    stage: Stage
    step: Step
    effects: Callable[[Step], Effects]
    copy: Callable[[Step], CopyStep | ForeignCopy]


@dataclass(frozen=True, slots=True)
class _Change:
    """One chmod or chown: what it gives, and to which absolute paths."""

    command: CommandEffects
    program: str
    what: _What
    paths: tuple[str, ...]
    is_recursive: bool

    def reaches(self, path: str) -> bool:
        """Tells whether it changes ``path``."""
        return any(
            path == each or (self.is_recursive and is_below(path, each)) for each in self.paths
        )


def copy_flags(place: Place, program: str) -> Iterator[CopyFlag | Obstacle]:
    """Yields, for each call of ``program`` (``chmod`` or ``chown``) in a RUN that changes what a
    COPY or ADD of the stage brought, the flag that does the same, or why none does. Behind
    `MOST_STEPS` steps it yields nothing."""
    if place.step.number > MOST_STEPS or place.step.state.is_windows:
        return
    for command in place.effects(place.step).commands:
        call = command.call
        if call is None or call.program != program:
            continue
        change = _read(place, command, call)
        found = change if not isinstance(change, _Change) else _Look(place, change).answer()
        if isinstance(change, _Change) and isinstance(found, CopyFlag):
            found = _copied_up_anyway(place, change) or found
        if found is not None:
            yield found


def _copied_up_anyway(place: Place, change: _Change) -> Obstacle | None:
    """Returns an obstacle where another command of the same RUN, one that stays, puts all that
    ``change`` is about into the layer too."""
    for command in place.effects(place.step).commands:
        call = command.call
        if call is None or call.program not in _PROGRAMS or command is change.command:
            continue
        other = _read(place, command, call)
        if not isinstance(other, _Change) or not other.is_recursive:
            continue
        reaches_all = all(other.reaches(path) for path in change.paths)
        if reaches_all and isinstance(_Look(place, other).answer(), Obstacle):
            return Obstacle(
                "no-gain",
                f"`{short(command.text)}` in the same RUN puts the files into its layer all the"
                " same.",
                f"Let COPY do that too, by --{other.program}.",
            )
    return None


def _read(place: Place, command: CommandEffects, call: Call) -> _Change | Obstacle | None:
    """Reads one command; None where it changes nothing that a COPY brought, as far as is known."""
    options = [word for word in call.words[1:] if word in (*_RECURSIVE, *_QUIET)]
    operands = [word for word in call.words[1:] if word not in options]
    paths = tuple(posixpath.normpath(posixpath.join(call.directory, w)) for w in operands[1:])
    if not paths or any(HOLE in word for word in (operands[0], *paths)):
        return None
    recursive = any(option in _RECURSIVE for option in options)
    what = read_mode(operands[0]) if call.program == "chmod" else read_owner(operands[0])
    if what is None or operands[0].startswith("-"):
        return None
    change = _Change(command, call.program, what, paths, recursive)
    if not any(_brings(place.copy(step), change) for step in _copies(place)):
        return None
    if any(not _PLAIN.fullmatch(word) for word in operands) or _varies(place, command):
        return Obstacle(
            "operands-vary",
            f"What `{short(command.text)}` changes, or into what, is known in the build alone.",
            "Name files and values without variables and wildcards.",
        )
    return change


def _varies(place: Place, command: CommandEffects) -> bool:
    text = place.tree.text(command.span)
    return "$" in text or "`" in text or bool(_WILDCARDS & set(text))


def _copies(place: Place) -> Iterator[Step]:
    """Yields the COPY and ADD steps of the stage above the RUN."""
    for step in place.stage.steps[: place.step.number - 1]:
        if step.instruction.keyword in ("COPY", "ADD"):
            yield step


def _brings(copy: CopyStep | ForeignCopy, change: _Change) -> bool:
    """Tells whether ``copy`` may write what ``change`` changes; of a wildcard, its directory."""
    for path in change.paths:
        plain = path if not _WILDCARDS & set(path) else posixpath.dirname(path)
        if isinstance(copy, ForeignCopy):
            target = copy.target
            if target is not None and (is_below(target, plain) or is_below(plain, target)):
                return True
        elif copy.writes_below(plain):
            return True
    return False


@dataclass(frozen=True, slots=True)
class _Look:
    """One change, and what stands in the way of a flag."""

    place: Place
    change: _Change

    def answer(self) -> CopyFlag | Obstacle | None:
        copies = self._own_copies()
        if isinstance(copies, Obstacle):
            return copies
        if not copies:
            return None
        if not self.change.is_recursive and self._changes_a_directory(copies):
            return None
        found = (
            self._other_shape(copies)
            or self._frontend()
            or self._between(copies[0])
            or (self._other_files(copies[0]) if self._takes_folders(copies) else None)
            or self._parents(copies)
        )
        return found or self._flagged(copies)

    def _own_copies(self) -> tuple[CopyStep, ...] | Obstacle:
        """Returns the copies of the stage that bring what is changed, an `Obstacle` where another
        one may."""
        found: list[CopyStep] = []
        for step in _copies(self.place):
            copy = self.place.copy(step)
            if isinstance(copy, CopyStep):
                found += [copy] if _brings(copy, self.change) else []
            elif copy.target is None or _brings(copy, self.change):
                return self._no(
                    "copied-from-elsewhere",
                    f"line {step.instruction.line} copies what"
                    f" the build context does not show: {copy.reason}",
                    "Give that line the flag by hand where all it copies is meant.",
                )
        return tuple(found)

    def _changes_a_directory(self, copies: Sequence[CopyStep]) -> bool:
        files = (_file_at(copies, path) for path in self.change.paths)
        return any(entry is None for entry in files)

    def _takes_folders(self, copies: Sequence[CopyStep]) -> bool:
        return self.change.is_recursive and self._changes_a_directory(copies)

    def _no(self, code: str, why: str, unblock: str) -> Obstacle:
        return Obstacle(
            code, f"`{short(self.change.command.text)}` is no flag of COPY: {why}.", unblock
        )

    def _other_shape(self, copies: Sequence[CopyStep]) -> Obstacle | None:
        """Looks at the copies and at the RUN by themselves."""
        flag = self.change.program
        for copy in copies:
            instruction = copy.step.instruction
            given = instruction.flag("chmod")
            # A chown takes the set-user-ID away that a mode of four digits gives (chown(2)).
            special = given is not None and not re.fullmatch("0?[0-7]{3}", given)
            if (
                instruction.flag(flag) is not None
                or instruction.flag("link") is not None
                or special
            ):
                return self._no(
                    "flag-stands-there",
                    f"line {instruction.line} has a flag that it does not go together with",
                    f"Set --{flag} of that line by hand.",
                )
            if not all(self.change.reaches(source.target) for source in copy.sources):
                return self._no(
                    "copies-more",
                    f"line {instruction.line} copies other files too",
                    f"Copy these files by a line of their own, with --{flag}.",
                )
        effects = self.place.effects(self.place.step)
        if not is_chain(self.place.tree, effects) or self.place.step.instruction.mounts:
            return self._no(
                "run-not-flat",
                "its RUN is no plain chain of commands",
                "Give it a RUN of its own.",
            )
        return None

    def _frontend(self) -> Obstacle | None:
        named = _syntax(self.place.tree)
        if self.change.program == "chown" or named is None or knows_chmod(named):
            return None
        return self._no(
            "frontend-too-old",
            f"the file is read by the frontend {named}, which is not known to take it",
            "Name docker/dockerfile:1 in the `# syntax=` line, or none.",
        )

    def _between(self, first: CopyStep) -> Obstacle | None:
        """Looks at what runs between the first of the copies and the change."""
        steps = self.place.stage.steps[first.step.number : self.place.step.number - 1]
        for step in steps:
            if step.instruction.keyword in ("COPY", "ADD"):
                continue
            effects = self.place.effects(step)
            if (found := self._uses(step, effects.commands, effects)) is not None:
                return found
        own = self.place.effects(self.place.step)
        above = [each for each in own.commands if each.span.end <= self.change.command.span.start]
        return self._uses(self.place.step, [e for e in above if not self._commutes(e)], None)

    def _commutes(self, command: CommandEffects) -> bool:
        """Tells whether it makes no difference which comes first: a chown, and a chmod without the
        set-user-ID bits that a chown takes away (chown(2))."""
        call = command.call
        if call is None or call.program not in _PROGRAMS or call.program == self.change.program:
            return False
        operand = next((word for word in call.words[1:] if not word.startswith("-")), "")
        read = read_mode if call.program == "chmod" else read_owner
        return read(operand) is not None

    def _uses(
        self, step: Step, commands: Sequence[CommandEffects], effects: Effects | None
    ) -> Obstacle | None:
        """Returns why the change may not come before these ``commands`` of ``step``."""
        line, paths = step.instruction.line, Paths(self.change.paths)
        if effects is not None and effects.obstacle is not None:
            return self._opaque(line)
        writes = [*([effects.writes] if effects is not None else []), *(c.writes for c in commands)]
        if any(each.obstacle is not None for each in commands):
            return self._opaque(line)
        if any(each.meets(paths) is not None for each in writes):
            return self._written(line)
        if self._looks_names_up() and any(each.meets(Paths(ACCOUNTS)) for each in writes):
            return self._no(
                "user-made-later",
                f"line {line}, below the COPY, may make the user or the group",
                f"Make them above line {self._first_line()}.",
            )
        names = {posixpath.basename(path) for path in self.change.paths}
        runs = any(each.call is not None and each.call.program in names for each in commands)
        if runs or any(each.reads.meets(paths) is not None for each in commands):
            return self._no(
                "used-in-between",
                f"line {line} uses the files as they are before",
                f"Put line {line} below it.",
            )
        return None

    def _first_line(self) -> int:
        steps = (s for s in _copies(self.place) if _brings(self.place.copy(s), self.change))
        return next(steps).instruction.line

    def _looks_names_up(self) -> bool:
        return isinstance(self.change.what, Owner) and self.change.what.has_names

    def _opaque(self, line: int) -> Obstacle:
        return self._no(
            "opaque-command",
            f"a command in line {line} may read or write any file",
            "Put the COPY below it, or say what it does by `# dockopt: writes=... reads=...`.",
        )

    def _written(self, line: int) -> Obstacle:
        return self._no(
            "changes-other-files",
            f"it changes what line {line} writes too",
            f"Let line {line} write it as that user, or with that mode.",
        )

    def _other_files(self, first: CopyStep) -> Obstacle | None:
        """Looks for what else lies below the paths: of the base image, or of any step above."""
        if runs_triggers(self.place.stage):
            return self._unknown_base()
        for stage in reversed(tuple(chain(self.place.stage))):
            own = stage is self.place.stage
            steps = stage.steps[: first.step.number - 1] if own else stage.steps
            for step in steps:
                if (found := self._leaves(stage, step)) is not None:
                    return found
        *_, root = chain(self.place.stage)
        base = root.base
        if not isinstance(base, ImageBase):
            return self._unknown_base()
        tag = base.reference.tag or "latest"
        if any(may_hold(base.reference.familiar, tag, path) for path in self.change.paths):
            return self._unknown_base()
        return self._below_workdirs(first)

    def _leaves(self, stage: Stage, step: Step) -> Obstacle | None:
        """Returns an obstacle where ``step`` may leave something below the paths."""
        keyword, line = step.instruction.keyword, step.instruction.line
        if keyword in ("COPY", "ADD"):
            if stage is self.place.stage or not self._copy_meets(step):
                return None
            return self._no(
                "changes-other-files",
                f"line {line} of another stage copies some of what it changes",
                "Change it in that stage.",
            )
        effects = self.place.effects(step)
        if effects.obstacle is not None and effects.writes.opaque is not None:
            return self._opaque(line)
        paths = Paths(self.change.paths)
        for command in effects.commands:
            if not self._only_makes(command) and command.writes.meets(paths) is not None:
                return self._written(line)
        mounted = keyword == "RUN" and any(self._strictly_below(path) for path in effects.makes)
        if mounted or (keyword == "VOLUME" and effects.writes.meets(paths) is not None):
            return self._written(line)
        return None

    def _copy_meets(self, step: Step) -> bool:
        copy = self.place.copy(step)
        return (isinstance(copy, ForeignCopy) and copy.target is None) or _brings(copy, self.change)

    def _only_makes(self, command: CommandEffects) -> bool:
        """Tells whether a command makes directories at the paths or above, and nothing in them."""
        call = command.call
        return (
            call is not None
            and call.program == "mkdir"
            and not any(map(self._strictly_below, command.writes.prefixes))
        )

    def _strictly_below(self, path: str) -> bool:
        return any(path != each and is_below(path, each) for each in self.change.paths)

    def _unknown_base(self) -> Obstacle:
        return self._no(
            "unknown-base-files",
            "the base image may have files there, which it changes too",
            "Copy into a directory that the base image does not have.",
        )

    def _below_workdirs(self, first: CopyStep) -> Obstacle | None:
        """A directory that a WORKDIR made below the paths keeps its owner and mode."""
        for stage in chain(self.place.stage):
            own = stage is self.place.stage
            for step in stage.steps[: self.place.step.number - 1] if own else stage.steps:
                if step.instruction.keyword != "WORKDIR":
                    continue
                makes = self.place.effects(step).makes
                if any(self._strictly_below(path) for path in makes):
                    return self._written(step.instruction.line)
        return None

    def _parents(self, copies: Sequence[CopyStep]) -> Obstacle | None:
        """BuildKit gives the directories that a COPY makes on its way the same owner; a number for
        the mode they got before 2025 not at all and get now (fsutil, copy/copy.go, MkdirAll in Copy
        and in prepareTargetDir, and commit 183e7fb). 755 is what they have without it."""
        what = self.change.what
        if isinstance(what, Mode) and what.of(0o755, True) == 0o755:
            return None
        made = [posixpath.dirname(path) for path in self.change.paths]
        if isinstance(what, Mode):
            targets = ((s, s.target) for copy in copies for s in copy.sources)
            folders = (path if s.is_dir else posixpath.dirname(path) for s, path in targets)
            made += [path for path in folders if self._strictly_below(path)]
        for path in made:
            if self._strictly_below(path) or not is_there(copies[0].step, path):
                return self._no(
                    "makes-directories",
                    f"the COPY may make {path}, which the flag would hold for in some versions",
                    f"Make {path} above it, for example by WORKDIR.",
                )
        return None

    def _flagged(self, copies: Sequence[CopyStep]) -> CopyFlag | Obstacle:
        value = self._value(copies)
        if isinstance(value, Obstacle):
            return value
        flag = f"--{self.change.program}={value}"
        edits = [_with_flag(copy, flag) for copy in copies]
        edits += self._rest(copies)
        return CopyFlag(
            self.change.command, flag, tuple(edits), _bytes(copies), self._assumed(copies)
        )

    def _value(self, copies: Sequence[CopyStep]) -> str | Obstacle:
        """Returns what the flag has to say."""
        what = self.change.what
        if isinstance(what, Owner):
            return what.flag() or self._no(
                "operands-vary",
                "which group the user logs in with is known in the image alone",
                "Name the group.",
            )
        if what.is_octal:
            return what.text
        entries = list(islice(_entries(copies), MOST_FILES + 1))
        modes = {what.of(_mode(entry), entry.kind == "dir") for entry in entries}
        if len(modes) == 1 and len(entries) <= MOST_FILES:
            return f"{modes.pop():03o}"
        named = _syntax(self.place.tree)
        if named is not None and knows_symbolic_chmod(named) and not what.masks:
            return what.text
        return self._no(
            "modes-differ",
            "what it makes of a file hangs on the mode that it has",
            "Name docker/dockerfile:1 in a `# syntax=` line, which takes it as it is.",
        )

    def _assumed(self, copies: Sequence[CopyStep]) -> tuple[str, ...]:
        if isinstance(self.change.what, Owner):
            return ()
        known = ("The builder knows `COPY --chmod`, as BuildKit does.",)
        if self.change.what.is_octal:
            return known
        return (*known, "The files have the modes of git (644 and 755) where the image is built.")

    def _rest(self, copies: Sequence[CopyStep]) -> Iterator[Edit]:
        """Yields what takes the command away, or leaves it the directories that were there."""
        there = [path for path in self.change.paths if self._is_left(path, copies)]
        command, tree = self.change.command, self.place.tree
        if there:
            assert command.call is not None
            given = next(w for w in command.call.words[1:] if not w.startswith("-"))
            yield Replace(command.span, f"{self.change.program} {given} {' '.join(there)}")
            return
        if len(self.place.effects(self.place.step).commands) == 1:
            yield from _without_run(tree, self.place.step, copies[0].step)
            return
        yield _without_command(tree, self.place, command)

    def _is_left(self, path: str, copies: Sequence[CopyStep]) -> bool:
        """Tells whether what there is of a directory at ``path`` may be another than what the flag
        makes of it: the COPY leaves one that was there as it was."""
        if _file_at(copies, path) is not None:
            return False
        what, first = self.change.what, copies[0]
        if isinstance(what, Mode) and what.of(0o755, True) != 0o755:
            return True
        if any(self._makes(step, path) for step in self._above(first, "RUN")) or self._in_base(
            path
        ):
            return True
        makes = any(self._makes(step, path) for step in self._above(first, "WORKDIR"))
        return isinstance(what, Owner) and makes

    def _in_base(self, path: str) -> bool:
        *_, root = chain(self.place.stage)
        base = root.base
        return isinstance(base, ImageBase) and has_directory(base.reference.familiar, path)

    def _above(self, first: CopyStep, *keywords: str) -> Iterator[Step]:
        for stage in chain(self.place.stage):
            own = stage is self.place.stage
            for step in stage.steps[: first.step.number - 1] if own else stage.steps:
                if step.instruction.keyword in keywords:
                    yield step

    def _makes(self, step: Step, path: str) -> bool:
        effects = self.place.effects(step)
        made = (*effects.makes, *effects.writes.prefixes)
        return any(is_below(each, path) for each in made)


def _with_flag(copy: CopyStep, flag: str) -> Edit:
    at = copy.step.instruction.locate(0, 0).start
    return Replace(Span(at, at), f"{flag} ")


def _without_run(tree: Dockerfile, step: Step, copying: Step) -> Iterator[Edit]:
    """Takes a RUN away; its comments go to what does its work now."""
    instruction = step.instruction
    if instruction.comments:
        text = "".join(tree.text(comment).rstrip("\r\n") + "\n" for comment in instruction.comments)
        yield Insert(text, before=copying.instruction)
    yield Remove(instruction)
    if is_set_apart(tree, instruction):
        yield Replace(line_below(tree, instruction), "")


def _without_command(tree: Dockerfile, place: Place, command: CommandEffects) -> Edit:
    """Takes one command out of a chain, with the `&&` that joins it to its neighbour."""
    commands = place.effects(place.step).commands
    at = next(n for n, each in enumerate(commands) if each is command)
    if at + 1 < len(commands):
        return Replace(Span(command.span.start, commands[at + 1].span.start), "")
    return Replace(Span(commands[at - 1].span.end, command.span.end), "")


def _file_at(copies: Sequence[CopyStep], path: str) -> ContextFile | None:
    """Returns the file that the copies leave at ``path``; None for a directory or nothing."""
    for copy in reversed(copies):
        entry = copy.find(path)
        if entry is not None:
            return entry if entry.kind == "file" else None
    return None


def _entries(copies: Sequence[CopyStep]) -> Iterator[ContextFile]:
    """Yields the files and directories that the copies bring; links have no mode of their own."""
    for copy in copies:
        for source in copy.sources:
            if source.is_dir:
                yield source.entry
                found = copy.context.files(source.entry.path)
                yield from (entry for entry in found if entry.kind in ("file", "dir"))
            elif source.entry.kind == "file":
                yield source.entry


def _mode(entry: ContextFile) -> int:
    """Returns the mode that git gives what it checks out, with the usual mask (git-config(1),
    core.sharedRepository; gitformat-index(5): 644 and 755 are all it keeps)."""
    return 0o755 if entry.kind == "dir" or entry.is_executable else 0o644


def _bytes(copies: Sequence[CopyStep]) -> int | None:
    entries = list(islice(_entries(copies), MOST_FILES + 1))
    return sum(each.size for each in entries) if len(entries) <= MOST_FILES else None


def _syntax(tree: Dockerfile) -> str | None:
    """Returns the frontend that the file names."""
    return next((each.value for each in tree.directives if each.name == "syntax"), None)
