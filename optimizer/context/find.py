"""Which folder is the build context of a Dockerfile, and who says so.

The repository is searched once: `RepositoryEvidence` reads every file that may
tell how images are built, and answers for any number of Dockerfiles.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Final

from optimizer.context.evidence.build import (
    UNKNOWN,
    Build,
    Evidence,
    ImageUse,
    Strength,
    Unread,
    is_known,
    placed,
    shown,
    without_marks,
)
from optimizer.context.evidence.kinds import kind_of
from optimizer.context.evidence.used import Used
from optimizer.context.gopath import inside
from optimizer.context.service import Service
from optimizer.context.walk import walk
from optimizer.cst.parse import parse
from optimizer.cst.source import Source

OWN_FOLDER: Final = "its own folder"
COPIED_FILES: Final = "the files that it copies"
_NOT_KNOWN: Final = "is known only when it is built"

_LARGEST_FILE: Final = 1 << 20
_MOST_TEXT: Final = 64_000_000
"""Characters of all files that are opened."""
_MOST_BUILDS: Final = 2000
"""Of one file."""
_MOST_ENTRIES: Final = 500_000
"""Files of a repository that are looked at by name; the Linux kernel has 90,000."""
_MOST_ENTRIES_OUTSIDE: Final = 20_000
"""The same for a folder that is no repository: it may be somebody's whole home directory."""


@dataclass(frozen=True, slots=True)
class Note:
    """A place that speaks of a Dockerfile, or may, but of which no use was made."""

    found_by: str
    reason: str

    def __str__(self) -> str:
        return f"{self.found_by}: {self.reason}"


@dataclass(frozen=True, slots=True)
class FoundContext:
    """One way in which a Dockerfile is built."""

    path: Path
    """The context, resolved; inside the root."""
    found_by: str
    """The place that says so, such as ``compose.yaml:services.api.build``."""
    target: str | None = None
    build_args: Mapping[str, str | None] = field(default_factory=dict)
    """None as a value: given, but not known from the file."""
    platforms: tuple[str, ...] = ()
    named_contexts: Mapping[str, str] = field(default_factory=dict)
    """What ``--build-context`` puts in place of stages and images, as the place spells it."""
    strength: Strength = Strength.DECLARED
    also: tuple[str, ...] = ()
    """Other places that say the same."""
    services: tuple[Service, ...] = ()
    """The Compose services that run the image, and the commands that other files run in it."""
    dependents: tuple[str, ...] = ()
    """Where other Dockerfiles start from the image or copy from it: file and line."""


@dataclass(frozen=True, slots=True)
class Contexts:
    """All the ways in which a Dockerfile is built, the best evidence first; never empty."""

    found: tuple[FoundContext, ...]
    notes: tuple[Note, ...] = ()


def _copied_names(dockerfile: Path) -> tuple[str, ...]:
    """Returns the plain paths that COPY and ADD lines take from the build context; none where the
    file cannot be read."""
    try:
        with dockerfile.open("rb") as file:
            data = file.read(_LARGEST_FILE)
    except OSError:
        return ()
    return tuple(
        inside(word.value)
        for instruction in parse(Source.from_bytes(str(dockerfile), data)).instructions
        if instruction.keyword in ("COPY", "ADD")
        and instruction.flag("from") is None
        and not instruction.heredocs
        for word in instruction.words[:-1]
        if _PLAIN.fullmatch(word.value)
    )


_PLAIN: Final = re.compile(r"(?![a-z]+://|git@)[\w./@+ -]+")
"""A path without wildcards and variables, and no address."""


def find_contexts(dockerfile: Path, root: Path) -> Contexts:
    """Finds the build contexts of one Dockerfile in the repository (or folder) ``root``.

    Where nothing there mentions the Dockerfile, the answer is its own folder.
    For many Dockerfiles, make one `RepositoryEvidence` and ask that. Never raises.
    """
    return RepositoryEvidence(root).contexts_of(dockerfile)


@dataclass(frozen=True, slots=True)
class _Remark:
    """A note, and the Dockerfiles it concerns."""

    note: Note
    paths: str
    """Relative to the root, with `UNKNOWN` for any text."""
    strength: Strength = Strength.DECLARED

    def concerns(self, dockerfile: str, found: Sequence[FoundContext]) -> bool:
        """Says whether the note is of use beside what was found: one that only may be about this
        Dockerfile is not, when a source as good as its own was definite."""
        if not is_known(self.paths) and any(each.strength <= self.strength for each in found):
            return False
        # What is unknown may be empty, and then a slash beside it goes too.
        first, *rest = self.paths.replace(f"/{UNKNOWN}/", f"/{UNKNOWN}").split(UNKNOWN)
        if not rest:
            return dockerfile == first
        if not dockerfile.startswith(first) or not dockerfile.endswith(rest[-1]):
            return False
        at = len(first)
        for piece in rest:
            place = dockerfile.find(piece, at)
            if place < 0:
                return False
            at = place + len(piece)
        return True


@dataclass(frozen=True, slots=True)
class _Answer:
    """A build that exists on disk."""

    dockerfile: str
    real_dockerfile: str
    found: FoundContext


class RepositoryEvidence:
    """What the files of one repository say about how its images are built; read when first
    asked, and then kept."""

    def __init__(self, root: Path) -> None:
        self.root = _real(root)
        self._characters = 0

    def contexts_of(self, dockerfile: Path) -> Contexts:
        """Returns the build contexts of a Dockerfile, as `find_contexts` does."""
        # A link in place of the file is another name for it; its folder is that of the link.
        folder = _real(dockerfile.parent)
        real = _real(dockerfile)
        answers, remarks = self._evidence
        found = answers.get(str(real), ())
        notes: tuple[Note, ...] = ()
        if real.is_relative_to(self.root):
            path = real.relative_to(self.root).as_posix()
            notes = tuple(dict.fromkeys(r.note for r in remarks if r.concerns(path, found)))
        return Contexts(found or (self._guessed(folder, real),), notes)

    def _guessed(self, folder: Path, dockerfile: Path) -> FoundContext:
        """Returns the context where nothing speaks of the Dockerfile: its own folder, or the next
        one above in which all that it names to copy is there, where some of that is missing."""
        names = _copied_names(dockerfile) if folder != self.root else ()
        above = (folder, *(each for each in folder.parents if each.is_relative_to(self.root)))
        for place in above:
            if all(os.path.lexists(place / name) for name in names):
                said = OWN_FOLDER if place == folder else COPIED_FILES
                return FoundContext(place, said, strength=Strength.PROSE)
        return FoundContext(folder, OWN_FOLDER, strength=Strength.PROSE)

    @cached_property
    def _evidence(self) -> tuple[Mapping[str, tuple[FoundContext, ...]], Sequence[_Remark]]:
        found: dict[str, list[FoundContext]] = {}
        remarks: dict[_Remark, None] = {}
        used = Used()
        answers: list[_Answer] = []
        for evidence in self._read_all():
            if isinstance(evidence, Unread):
                prefix = f"{evidence.folder}/" if evidence.folder else ""
                note = Note(evidence.found_by, evidence.reason)
                remarks[_Remark(note, f"{prefix}{UNKNOWN}")] = None
                continue
            if isinstance(evidence, ImageUse):
                used.add_use(evidence)
                continue
            for answer in self._resolved(evidence):
                if isinstance(answer, _Remark):
                    remarks[answer] = None
                else:
                    used.add_build(evidence, answer.dockerfile)
                    answers.append(answer)
        for answer, uses in zip(answers, used.by_build(), strict=True):
            found.setdefault(answer.real_dockerfile, []).append(_with_uses(answer.found, uses))
        return {file: _merged(each) for file, each in found.items()}, list(remarks)

    # Reading

    def _read_all(self) -> Iterator[Evidence]:
        entries = 0
        most = _MOST_ENTRIES if (self.root / ".git").exists() else _MOST_ENTRIES_OUTSIDE
        for folder in walk(self.root, self.root):
            for name in folder.files:
                path = folder.join(name)
                kind = kind_of(path)
                if kind is not None and folder.keeps(name):
                    text = self.text(path)
                    if text is not None:
                        yield from _some(kind.read(path, text, self), path)
            entries += len(folder.files) + 1
            if entries > most or self._characters > _MOST_TEXT:
                yield Unread(str(self.root), "holds more than can be searched: not all was read")
                return

    def text(self, path: str) -> str | None:
        """Returns the text of a file of the repository; see `evidence.build.Files`."""
        full = f"{self.root}/{path}"
        try:
            status = os.lstat(full)
            if not stat.S_ISREG(status.st_mode) or status.st_size > _LARGEST_FILE:
                return None
            if not _real(full).is_relative_to(self.root):
                return None
            with Path(full).open("rb") as file:
                data = file.read(_LARGEST_FILE)
        except (OSError, ValueError):
            return None
        self._characters += len(data)
        return without_marks(data.decode("utf-8", "replace").removeprefix("\ufeff"))

    # Resolving

    def _resolved(self, build: Build) -> Iterator[_Answer | _Remark]:
        """Looks a build up on disk: which Dockerfile it means, and whether its context is there.

        A script may be called in several folders; the first in which it would work counts.
        """
        remark: _Remark | None = None
        for start in build.starts:
            resolved = self._resolved_from(build, start)
            if isinstance(resolved, _Answer):
                yield resolved
                if build.target is not None and not is_known(build.target):
                    yield _remark(
                        build, resolved.dockerfile, "its target", build.target, _NOT_KNOWN
                    )
                return
            # The last start is the root: what is unknown below it covers the other starts.
            remark = resolved or remark
        # What prose leaves to its readers could be any Dockerfile.
        if remark and (is_known(remark.paths) or build.strength < Strength.PROSE):
            yield remark

    def _resolved_from(self, build: Build, start: str) -> _Answer | _Remark | None:
        files = [file for file in (placed(f, start) for f in build.dockerfiles) if file is not None]
        for file in files:
            if not is_known(file):
                return _remark(build, file, "its Dockerfile", file, _NOT_KNOWN)
            if _is_a(stat.S_ISREG, _real(f"{self.root}/{file}")):
                return self._with_context(build, file, placed(build.context, start))
        return None

    def _with_context(self, build: Build, file: str, context: str | None) -> _Answer | _Remark:
        def remark(reason: str) -> _Remark:
            return _remark(build, file, "its context", context or build.context, reason)

        if context is None:
            return remark("lies outside the repository")
        if not is_known(context):
            return remark(_NOT_KNOWN)
        real = _real(f"{self.root}/{context}")
        if not real.is_relative_to(self.root):
            return remark("is a link out of the repository")
        if not _is_a(stat.S_ISDIR, real):
            return remark("does not exist")
        return _Answer(file, str(_real(f"{self.root}/{file}")), _found(build, real))


def _real(path: str | Path) -> Path:
    """Resolves links; unlike `Path.resolve` also where they lead in a circle."""
    return Path(os.path.realpath(path))


def _is_a(kind: Callable[[int], bool], path: Path) -> bool:
    """Unlike `Path.is_file`, says no where a name is too long for the file system."""
    try:
        return kind(path.stat().st_mode)
    except OSError:
        return False


def _some(evidence: Iterator[Evidence], path: str) -> Iterator[Evidence]:
    yield from islice(evidence, _MOST_BUILDS)
    if next(evidence, None) is not None:
        yield Unread(path, f"describes more than {_MOST_BUILDS} builds: not all read")


def _found(build: Build, context: Path) -> FoundContext:
    return FoundContext(
        path=context,
        found_by=build.found_by,
        target=build.target if build.target is not None and is_known(build.target) else None,
        build_args=build.build_args,
        platforms=build.platforms,
        named_contexts={name: shown(where) for name, where in build.named_contexts.items()},
        strength=build.strength,
        services=build.services,
    )


def _with_uses(found: FoundContext, uses: Sequence[ImageUse]) -> FoundContext:
    if not uses:
        return found
    services = [
        Service(use.found_by, entrypoint=use.entrypoint, command=use.command)
        for use in uses
        if not use.is_base
    ]
    return replace(
        found,
        services=tuple(dict.fromkeys((*found.services, *services))),
        dependents=tuple(use.found_by for use in uses if use.is_base),
    )


def _remark(build: Build, dockerfile: str, part: str, value: str, reason: str) -> _Remark:
    note = Note(build.found_by, f"{part} {shown(value)} {reason}")
    return _Remark(note, dockerfile, build.strength)


def _merged(answers: Sequence[FoundContext]) -> tuple[FoundContext, ...]:
    """Joins answers that say the same, the strongest first."""
    merged: dict[object, FoundContext] = {}
    for answer in sorted(answers, key=lambda each: each.strength):
        key = (
            answer.path,
            answer.target,
            frozenset(answer.build_args.items()),
            frozenset(answer.named_contexts.items()),
        )
        merged[key] = _joined(merged[key], answer) if key in merged else answer
    return tuple(merged.values())


def _joined(first: FoundContext, other: FoundContext) -> FoundContext:
    places = dict.fromkeys((first.found_by, *first.also, other.found_by))
    return replace(
        first,
        platforms=tuple(dict.fromkeys(first.platforms + other.platforms)),
        also=tuple(places)[1:],
        services=tuple(dict.fromkeys(first.services + other.services)),
        dependents=tuple(dict.fromkeys(first.dependents + other.dependents)),
    )
