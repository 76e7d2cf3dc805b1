"""What COPY and ADD put into an image: the files of the filtered build context, by image path.

The source follows BuildKit (``dispatchCopy`` in ``dockerfile2llb/convert.go`` and
the copier it calls): a directory's *contents* land in the target; a file lands
under its own name where the target ends in ``/``, where there are several
sources, or where the target is a directory already.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from posixpath import basename, dirname, normpath, splitext

from optimizer.context.tree import BuildContext, ContextFile
from optimizer.cst.nodes import Instruction, Word
from optimizer.knowledge.installs import Kind
from optimizer.model.stages import Step
from optimizer.model.values import Known, Unknown

READ_LIMIT = 8 * 1024 * 1024
"""Largest manifest that is read, in bytes. The largest real lockfiles are a few MB."""

_MOST_LINKS = 40

ARCHIVE_SUFFIXES = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz", ".tar.zst")
"""Ends of the names of archives that ADD unpacks (moby, archive.DetectCompression)."""


ALWAYS_THERE = frozenset(
    ("/", "/bin", "/boot", "/dev", "/etc", "/home", "/lib", "/media", "/mnt", "/opt", "/proc",
     "/root", "/run", "/sbin", "/srv", "/sys", "/tmp", "/usr", "/usr/bin", "/usr/include",
     "/usr/lib", "/usr/local", "/usr/local/bin", "/usr/local/etc", "/usr/local/include",
     "/usr/local/lib", "/usr/local/sbin", "/usr/local/share", "/usr/local/src", "/usr/sbin",
     "/usr/share", "/usr/src", "/var", "/var/cache", "/var/lib", "/var/local", "/var/log",
     "/var/mail", "/var/opt", "/var/run", "/var/spool", "/var/tmp")
)  # fmt: skip
"""Directories that images of Linux distributions have (FHS 3.0; Debian's base-files)."""


@dataclass(frozen=True, slots=True)
class CopySource:
    """One source of a COPY: ``entry`` of the context lands at ``target``.

    For a directory ``target`` is where its contents land, so a file ``entry/x``
    lands at ``target/x``.
    """

    entry: ContextFile
    target: str
    word: Word

    @property
    def is_dir(self) -> bool:
        return self.entry.kind == "dir"

    def context_path(self, image_path: str) -> str | None:
        """Returns the context path whose file would land at ``image_path``, if any."""
        if not self.is_dir:
            return self.entry.path if image_path == self.target else None
        if image_path == self.target:
            return self.entry.path
        if not is_below(image_path, self.target):
            return None
        rest = image_path[len(self.target) :].lstrip("/")
        return f"{self.entry.path}/{rest}" if self.entry.path else rest

    def image_path(self, context_path: str) -> str:
        """Returns where the file at ``context_path``, within this source, lands."""
        if not self.is_dir:
            return self.target
        rest = context_path[len(self.entry.path) :].lstrip("/")
        return join(self.target, rest)


@dataclass(frozen=True, eq=False)
class CopyStep:
    """A COPY or ADD whose sources are files of the build context and whose target is known."""

    step: Step
    target: str
    sources: tuple[CopySource, ...]
    context: BuildContext

    @property
    def attributes(self) -> tuple[str | None, str | None]:
        """The owner and the mode that its flags give to the files."""
        instruction = self.step.instruction
        return instruction.flag("chown"), instruction.flag("chmod")

    def find(self, image_path: str) -> ContextFile | None:
        """Returns the context file that this step puts at ``image_path``; the last source wins."""
        return self._hit(image_path)[1]

    def source_of(self, image_path: str) -> CopySource | None:
        """Returns the source that provides ``image_path``."""
        return self._hit(image_path)[0]

    def _hit(self, image_path: str) -> tuple[CopySource, ContextFile] | tuple[None, None]:
        for source in reversed(self.sources):
            path = source.context_path(image_path)
            entry = self.context.get(path) if path is not None else None
            if entry is not None:
                return source, entry
        return None, None

    def writes_below(self, prefix: str) -> bool:
        """Tells whether the step writes ``prefix`` itself or anything below it."""
        return any(is_below(source.target, prefix) for source in self.sources) or (
            self.find(prefix) is not None
        )

    def files(self) -> Iterator[tuple[str, ContextFile]]:
        """Yields ``(image path, file)`` for everything but directories, lazily."""
        for source in self.sources:
            if source.is_dir:
                for entry in self.context.files(source.entry.path):
                    if entry.kind != "dir":
                        yield source.image_path(entry.path), entry
            else:
                yield source.target, source.entry


@dataclass(frozen=True, slots=True, eq=False)
class ForeignCopy:
    """A COPY or ADD that brings what the context cannot tell: another stage's files, an
    image's, a URL's, an archive's, or files under a path that is not known.

    ``target`` is None where it could be anywhere.
    """

    step: Step
    target: str | None
    reason: str


def read_copy(step: Step, context: BuildContext) -> CopyStep | ForeignCopy:
    """Reads one COPY or ADD step."""
    state, words = step.state, step.instruction.words
    if not words:
        return ForeignCopy(step, None, "it has no target")
    written = state.expand(words[-1].value)
    resolved = state.resolve(written.text) if isinstance(written, Known) else written
    if not isinstance(written, Known) or not isinstance(resolved, Known):
        reason = resolved.reason if isinstance(resolved, Unknown) else "its target is not known"
        return ForeignCopy(step, None, reason)
    target = normpath(resolved.text)
    found = _matches(step, context)
    if isinstance(found, str):
        return ForeignCopy(step, target, found)
    into = _is_folder(step, written.text, target, [entry for entry, _ in found])
    if into is None:
        return ForeignCopy(step, target, f"whether {target} is a directory is not known")
    sources = tuple(
        CopySource(
            entry,
            join(target, basename(entry.path)) if into and entry.kind != "dir" else target,
            word,
        )
        for entry, word in found
    )
    return CopyStep(step, target, sources, context)


def _matches(step: Step, context: BuildContext) -> list[tuple[ContextFile, Word]] | str:
    """Returns what the sources name in the context, or why they name something else."""
    instruction = step.instruction
    foreign = _foreign_reason(instruction)
    if foreign is not None:
        return foreign
    found: list[tuple[ContextFile, Word]] = []
    for word in instruction.words[:-1]:
        source = step.state.expand(word.value)
        if not isinstance(source, Known):
            return source.reason
        if is_remote(source.text):
            return f"{source.text} is not in the build context"
        found.extend((entry, word) for entry in context.glob(source.text))
    linked = next((entry.path for entry, _ in found if entry.kind == "link"), None)
    if linked is not None:
        return f"it copies what the link {linked} points to"
    if instruction.keyword == "ADD" and any(_is_archive(entry) for entry, _ in found):
        return "ADD unpacks an archive"
    return found


def _is_folder(
    step: Step, written: str, target: str, entries: Sequence[ContextFile]
) -> bool | None:
    """Tells whether files land *in* ``target``; None where that depends on the image."""
    if len(entries) != 1 or written.endswith(("/", "/.")) or written in (".", ""):
        return True
    if entries[0].kind == "dir" or is_there(step, target):
        return True
    same_ending = splitext(target)[1] == splitext(entries[0].path)[1] != ""
    return False if same_ending or basename(target) == basename(entries[0].path) else None


def is_there(step: Step, path: str) -> bool:
    """Tells whether ``path`` is a directory for sure when ``step`` runs: its WORKDIR, one above
    that, or one that every distribution has, where the stage does not start empty."""
    workdir = workdir_of(step)
    if workdir is not None and is_below(workdir, path):
        return True
    return path in ALWAYS_THERE and step.state.others is not None


def workdir_of(step: Step) -> str | None:
    """Returns the working directory that ``step`` finds, None where it is not known."""
    workdir = step.state.workdir
    return workdir.text if isinstance(workdir, Known) else None


def _foreign_reason(instruction: Instruction) -> str | None:
    source = instruction.flag("from")
    if source is not None:
        return f"it copies from {source}"
    if instruction.heredocs:
        return "it writes a here-document"
    for name in ("parents", "exclude", "unpack"):
        if instruction.flag(name) is not None:
            return f"--{name} is not modelled"
    return None


def is_remote(source: str) -> bool:
    """Tells whether ADD fetches ``source`` instead of taking it from the context."""
    return source.startswith(("http://", "https://", "git@", "git://", "ssh://"))


def _is_archive(entry: ContextFile) -> bool:
    return entry.kind == "file" and entry.path.lower().endswith(ARCHIVE_SUFFIXES)


def is_below(path: str, prefix: str) -> bool:
    """Tells whether ``path`` is ``prefix`` or lies in it. Both are absolute and normal."""
    return prefix == "/" or path == prefix or path.startswith(prefix + "/")


def join(folder: str, rest: str) -> str:
    """Joins an absolute folder and a relative path."""
    if not rest:
        return folder
    return f"{folder.rstrip('/')}/{rest}"


@dataclass(frozen=True)
class StageFiles:
    """The files that a list of copies leaves in the image, later copies on top.

    It answers only for files of the build context; what a RUN made or removed
    is for the caller to rule out.
    """

    copies: tuple[CopyStep, ...]

    def provider(self, path: str) -> CopyStep | None:
        """Returns the copy whose file lies at ``path`` in the end."""
        for copy in reversed(self.copies):
            if copy.find(path) is not None:
                return copy
        return None

    def entry(self, path: str) -> ContextFile | None:
        """Returns the context file at the image path ``path``."""
        copy = self.provider(path)
        return copy.find(path) if copy else None

    def kind(self, path: str) -> Kind | None:
        """Returns what lies at ``path``, or None where nothing was copied there. A directory lies
        there too where a copy made it for a file."""
        entry = self.entry(path)
        if entry is not None:
            return entry.kind
        sources = (source for copy in self.copies for source in copy.sources)
        return "dir" if any(is_below(source.target, path) for source in sources) else None

    def read(self, path: str) -> bytes | None:
        """Returns the content at ``path``; None for no file, or one above `READ_LIMIT`."""
        copy = self.provider(path)
        entry = copy.find(path) if copy else None
        if copy is None or entry is None or entry.kind != "file" or entry.size > READ_LIMIT:
            return None
        return copy.context.read_bytes(entry.path, limit=READ_LIMIT)

    def is_executable(self, path: str) -> bool:
        """Tells whether everybody may run the file at ``path``: by its mode in the context, or by
        that of ``--chmod``, where that is a number."""
        copy = self.provider(path)
        entry = copy.find(path) if copy else None
        if copy is None or entry is None or entry.kind != "file":
            return False
        given = copy.attributes[1]
        if given is None:
            return entry.is_executable
        return re.fullmatch(r"[0-7]{3,4}", given) is not None and int(given, 8) & 0o111 == 0o111

    def behind_links(self, path: str) -> str:
        """Returns where ``path`` leads by the links that were copied, itself where by none.

        A path in a loop of links, or behind more of them than Linux follows (path_resolution(7):
        40), stands for itself.
        """
        if not any(is_below(path, target) for target in self._targets):
            return path
        found = path
        for _ in range(_MOST_LINKS):
            led = self._behind_first_link(found)
            if led is None:
                return found
            found = led
        return path

    @cached_property
    def _targets(self) -> frozenset[str]:
        """Where the sources land: whatever was copied lies there or below."""
        return frozenset(source.target for copy in self.copies for source in copy.sources)

    def _behind_first_link(self, path: str) -> str | None:
        at = path.find("/", 1)
        while True:
            link = path if at < 0 else path[:at]
            entry = self.entry(link)
            target = entry.target if entry is not None else None
            if target is not None:
                whole = target if target.startswith("/") else f"{dirname(link)}/{target}"
                return "/" + normpath(whole).lstrip("/") + ("" if at < 0 else path[at:])
            if at < 0:
                return None
            at = path.find("/", at + 1)

    def children(self, path: str) -> tuple[str, ...]:
        """Returns the names in the directory at ``path``, sorted."""
        names: set[str] = set()
        for copy in self.copies:
            for source in copy.sources:
                inner = source.context_path(path)
                if inner is not None and source.is_dir:
                    names.update(basename(child.path) for child in copy.context.children(inner))
                elif is_below(source.target, path):
                    names.add(source.target[len(path) :].lstrip("/").partition("/")[0])
        return tuple(sorted(names - {""}))
