"""What of the build context is noise: it changes, and gets into the image, and nothing reads it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cached_property
from posixpath import basename, dirname, join, splitext

from optimizer.context.file_edit import FileEdit
from optimizer.context.gitignore import GitIgnore
from optimizer.context.tree import BuildContext, ContextError, ContextFile
from optimizer.cst.nodes import Dockerfile
from optimizer.effects.commands import short
from optimizer.effects.copies import CopyStep, ForeignCopy, is_remote
from optimizer.effects.hiding import copies_from_host, hide
from optimizer.knowledge.build_only import DOCKERFILES
from optimizer.knowledge.installs import Obstacle
from optimizer.knowledge.noise import (
    ROWS,
    STANDARD,
    VERSION_CONTROL,
    Noise,
    dotenv_reader,
    git_reader,
    holds_secret,
    is_dotenv,
    may_be_secret,
)
from optimizer.knowledge.sources import SOURCE_SUFFIXES
from optimizer.model.stages import Stages, Step

MOST_ENTRIES = 20_000
"""Files and directories of the context, at most, among which noise is looked for."""
MOST_BYTES = 8 << 20
"""Text, at most, that is searched for what reads such files, in bytes."""
LARGEST = 256 << 10
"""The largest file that is searched, in bytes: one that people write is smaller."""
_LISTED = 12

_SETTINGS = frozenset(
    (".json", ".toml", ".yml", ".yaml", ".xml", ".gradle", ".cfg", ".ini", ".mk", ".cmake",
     ".props", ".targets", ".csproj", ".fsproj", ".vbproj", ".sbt", ".gemspec", ".bash", ".zsh",
     ".conf", ".properties", ".mod", ".txt", "")
)  # fmt: skip
_LOCKS = re.compile(r"package-lock\.json|.*\.lock|pnpm-lock\.yaml|go\.sum|npm-shrinkwrap\.json")
_NO_CODE = re.compile(
    r"LICEN[CS]E|NOTICE|AUTHORS|CHANGELOG|COPYING|CODEOWNERS|\.git(?!modules).*|.*ignore"
    r"|(?:docker-)?compose.*\.ya?ml"
    rf"|(?i:{DOCKERFILES})"
)
"""Files that tell a program nothing, or one that runs beside the image. What Dockerfiles run is
read by itself."""


@dataclass(frozen=True, slots=True)
class Found:
    """One kind of noise in one context. ``entries`` are those that lie there, ``patterns`` the
    lines that hide them, none where no line hides them alone; ``drops`` is where they would lie in
    the image."""

    row: Noise
    entries: tuple[ContextFile, ...]
    patterns: tuple[str, ...]
    drops: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Quiet:
    """What keeps noise out of the context.

    ``copy`` is the one that brings the most kinds of it, and ``brought`` those. ``bytes`` is how
    much the context has today and without it, None where that was not counted. ``sample`` is one
    file of it, ``drops`` the image paths that go.
    """

    file: FileEdit
    found: tuple[Found, ...]
    copy: CopyStep
    brought: tuple[Found, ...]
    bytes: tuple[int, int] | None
    sample: str | None
    drops: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Secret:
    """A secret in the context that a step copies into the image. ``file`` hides it; ``reader`` is
    what may read it, by its text or its place."""

    path: str
    step: Step
    drops: tuple[str, ...]
    file: FileEdit | None
    reader: str | None


@dataclass(frozen=True)
class Surroundings:
    """One file with its context, and what is asked of both but worked out once."""

    tree: Dockerfile
    stages: Stages
    context: BuildContext
    neighbours: Callable[[], Sequence[Dockerfile]]
    copy: Callable[[Step], CopyStep | ForeignCopy]
    _ignored: dict[str, GitIgnore | None] = field(default_factory=dict, repr=False)

    @cached_property
    def trees(self) -> tuple[Dockerfile, ...]:
        """This file and those that may be built with the same context: they lie in it, or beside
        this file."""
        root, own = self.context.root, self.context.dockerfile
        beside = None if own is None else str(own.parent)
        return (
            self.tree,
            *(
                other
                for other in self.neighbours()
                if not root.is_absolute()
                or _inside(other.source.path, str(root))
                or dirname(other.source.path) == beside
            ),
        )

    @cached_property
    def copies(self) -> tuple[CopyStep, ...]:
        """The copies of whole directories of the context."""
        steps = (step for stage in self.stages.stages for step in stage.steps)
        found = (self.copy(s) for s in steps if s.instruction.keyword in ("COPY", "ADD"))
        return tuple(
            copy
            for copy in found
            if isinstance(copy, CopyStep) and any(source.is_dir for source in copy.sources)
        )

    @cached_property
    def _walked(self) -> tuple[tuple[ContextFile, ...], bool]:
        found: list[ContextFile] = []
        todo = sorted({s.entry.path for c in self.copies for s in c.sources if s.is_dir})
        todo = [path for path in todo if not any(path != o and _inside(path, o) for o in todo)]
        todo.reverse()
        while todo:
            for entry in self.context.children(todo.pop()):
                if len(found) >= MOST_ENTRIES:
                    return tuple(found), False
                found.append(entry)
                if entry.kind == "dir" and self.row(entry) is None:
                    todo.append(entry.path)
        return tuple(found), True

    @property
    def entries(self) -> tuple[ContextFile, ...]:
        """What those copies bring, without what lies in noise; the first `MOST_ENTRIES`."""
        return self._walked[0]

    def row(self, entry: ContextFile) -> Noise | None:
        """Returns the row of the table that ``entry`` is noise by."""
        name = basename(entry.path)
        for row in ROWS:
            if row.fits(name, entry.kind == "dir") and entry.kind in ("dir", "file"):
                if row.pattern == row.name and "/" in entry.path:
                    continue
                if not row.of_clone or self.git_ignores(entry.path, row.is_dir):
                    return row
        return None

    def git_ignores(self, path: str, is_dir: bool) -> bool:
        """Tells whether the ``.gitignore`` files of the context leave ``path`` out."""
        names = path.split("/")
        for depth in range(1, len(names) + 1):
            folder = depth < len(names) or is_dir
            for at in reversed(range(depth)):
                rules = self._rules("/".join(names[:at]))
                decided = None if rules is None else rules.decides(names[at:depth], folder)
                if decided:
                    return True
                if decided is not None:
                    break
        return False

    def _rules(self, folder: str) -> GitIgnore | None:
        if folder not in self._ignored:
            text = self._text(join(folder, ".gitignore"))
            self._ignored[folder] = None if text is None else GitIgnore.parse(text)
        return self._ignored[folder]

    def _text(self, path: str) -> str | None:
        entry = self.context.get(path)
        if entry is None or entry.kind != "file" or entry.size > LARGEST:
            return None
        try:
            return self.context.read_bytes(path).decode("utf-8", "replace")
        except ContextError:
            return None

    @cached_property
    def texts(self) -> tuple[tuple[str, str], ...] | None:
        """What people wrote: settings, scripts and sources, with their paths; None where that is
        more than is looked at."""
        if not self._walked[1]:
            return None
        found: list[tuple[str, str]] = []
        total = 0
        for entry in self.entries:
            if entry.kind == "file" and _tells(entry.path):
                text = self._text(entry.path)
                total += len(text or "")
                if total > MOST_BYTES:
                    return None
                if text is not None:
                    found.append((entry.path, text))
        return tuple(found)

    def makes(self, row: Noise) -> bool:
        """Tells whether a RUN of each file that copies a whole directory makes what ``row`` is."""
        assert row.built_by is not None
        for tree in self.trees:
            runs = (each for each in tree.instructions if each.keyword == "RUN")
            if _copies_whole(tree) and not any(
                row.built_by.search(tree.text(run.code)) for run in runs
            ):
                return False
        return True

    @cached_property
    def copies_all(self) -> bool:
        """Whether a copy brings the whole context, so that all of it was looked at."""
        whole = any(not source.entry.path for copy in self.copies for source in copy.sources)
        return whole and self._walked[1]

    @cached_property
    def commands(self) -> tuple[tuple[int, str], ...]:
        """The instructions of all the files that run something, with their lines."""
        return tuple(
            (each.line, tree.text(each.code))
            for tree in self.trees
            for each in tree.instructions
            if each.keyword in ("RUN", "CMD", "ENTRYPOINT", "HEALTHCHECK", "ONBUILD")
        )

    @cached_property
    def has_work_tree(self) -> bool:
        """Whether what git knows of the sources is in the context with them."""
        entry = self.context.get(".git")
        return entry is not None and not _is_emptied(self.context, (entry,))

    @cached_property
    def git_reader(self) -> str | None:
        """What may ask git about the sources, and where it stands."""
        return self.reader(git_reader)

    def reader(self, reads: Callable[[str], str | None]) -> str | None:
        """Returns the first thing that reads something, by ``reads``, and where it stands. Whoever
        removes it where it is there does not."""
        for line, text in self.commands:
            if (found := reads(_without_removals(text))) is not None:
                return f"`{found}` in line {line}"
        if self.texts is None:
            return "more files than are looked at"
        for path, text in self.texts:
            if (found := reads(text)) is not None:
                return f"`{found}` in {path}"
        return None


def _inside(path: str, folder: str) -> bool:
    return not folder or path.startswith(folder + "/")


def _copies_whole(tree: Dockerfile) -> bool:
    return any(
        word.value.rstrip("/") in ("", ".", "*") or "$" in word.value
        for instruction in tree.instructions
        if instruction.keyword in ("COPY", "ADD") and instruction.flag("from") is None
        for word in instruction.words[:-1]
    )


def _names(tree: Dockerfile, path: str) -> bool:
    """Tells whether a COPY, ADD or mount of ``tree`` names ``path``, by a wildcard perhaps."""
    if copies_from_host(tree, basename(path)):
        return True
    words = (
        word.value.removeprefix("./").strip("/")
        for instruction in tree.instructions
        if instruction.keyword in ("COPY", "ADD") and instruction.flag("from") is None
        for word in instruction.words[:-1]
    )
    return any(
        ("$" in word and not is_remote(word)) or (word != "*" and fnmatchcase(path, word))
        for word in words
    )


def _tells(path: str) -> bool:
    name = basename(path)
    suffix = splitext(name)[1].lower()
    named = suffix in SOURCE_SUFFIXES or suffix in _SETTINGS
    return named and not _LOCKS.fullmatch(name) and not _NO_CODE.fullmatch(name)


def noise(around: Surroundings) -> tuple[Quiet | None, tuple[Obstacle, ...]]:
    """Returns what keeps the noise of a context out of it, None where there is none, and why some
    of it has to stay. Of a context that cannot be read nothing is said."""
    try:
        return _quiet(around)
    except ContextError:
        return None, ()


def _quiet(around: Surroundings) -> tuple[Quiet | None, tuple[Obstacle, ...]]:
    held: list[Obstacle] = []
    found: list[Found] = []
    for each in _lying(around):
        obstacle = _needed(around, each)
        if obstacle is None:
            found.append(each)
        elif each.entries and obstacle not in held:
            held.append(obstacle)
    found = [each for each in found if each.patterns and not _is_wanted(around.context, each)]
    patterns = dict.fromkeys(pattern for each in found for pattern in each.patterns)
    file = hide(around.context, tuple(patterns)) if patterns else None
    if file is None:
        return None, tuple(held)
    entries = [entry for each in found for entry in each.entries]
    drops = tuple(dict.fromkeys(path for each in found for path in each.drops))
    by_copy = [(copy, tuple(e for e in found if _brings(copy, e))) for copy in around.copies]
    most = max(by_copy, key=lambda each: len(each[1]))
    sizes, sample = _bytes(around, file), _sample(around, entries)
    return Quiet(file, tuple(found), *most, sizes, sample, drops), tuple(held)


def _brings(copy: CopyStep, found: Found) -> bool:
    paths = [entry.path for entry in found.entries] or [found.row.name]
    folders = [source.entry.path for source in copy.sources if source.is_dir]
    return any(_inside(path, folder) for path in paths for folder in folders)


def _is_wanted(context: BuildContext, found: Found) -> bool:
    """Tells whether an exception of the author's brings something of it back."""
    wanted = [each.text for each in context.rules.patterns if each.exception]
    return any(found.row.name in text.split("/") for text in wanted)


def _lying(around: Surroundings) -> Iterator[Found]:
    """Yields the kinds of noise that a copy brings, or would bring from a developer's machine."""
    if not around.copies:
        return
    by_row: dict[Noise, list[ContextFile]] = {}
    for entry in around.entries:
        if (row := around.row(entry)) is not None:
            by_row.setdefault(row, []).append(entry)
    for row in ROWS:
        entries = tuple(by_row.get(row, ()))
        if _is_emptied(around.context, entries):
            continue
        if entries or _would_lie(around, row):
            patterns = tuple(_patterns(around, row, entries))
            yield Found(row, entries, patterns, tuple(_drops(around, row, entries)))


def _is_emptied(context: BuildContext, entries: Sequence[ContextFile]) -> bool:
    """Tells whether ``entries`` are directories of which the ignore file hides all that is in
    them (``.git/*``): what is left of them never changes."""
    return bool(entries) and all(
        entry.kind == "dir" and not context.children(entry.path) for entry in entries
    )


def _patterns(around: Surroundings, row: Noise, entries: Sequence[ContextFile]) -> Iterator[str]:
    """Yields the lines that hide ``entries`` and nothing else that was looked at."""
    others = (
        entry
        for entry in around.entries
        if row.fits(basename(entry.path), entry.kind == "dir") and around.row(entry) is None
    )
    if around.copies_all and next(others, None) is None:
        yield row.pattern
    elif len(entries) <= _LISTED and all(_PLAIN.fullmatch(entry.path) for entry in entries):
        yield from (entry.path for entry in entries)


_PLAIN = re.compile(r"[\w@+][\w./@+-]*|\.\w[\w./@+-]*")


def _would_lie(around: Surroundings, row: Noise) -> bool:
    return (
        row.name in STANDARD
        and any(not source.entry.path for copy in around.copies for source in copy.sources)
        and around.git_ignores(row.name, row.is_dir)
        and not around.context.excluded(row.name)
        and around.context.get(row.name) is None
    )


def _drops(around: Surroundings, row: Noise, entries: Sequence[ContextFile]) -> Iterator[str]:
    paths = [entry.path for entry in entries[:_LISTED]] or [row.name]
    for copy in around.copies:
        for source in copy.sources:
            inside = (path for path in paths if _inside(path, source.entry.path))
            yield from (source.image_path(path) for path in inside if source.is_dir)


def _needed(around: Surroundings, found: Found) -> Obstacle | None:
    """Returns why a kind of noise has to stay in the context."""
    row = found.row
    paths = [entry.path for entry in found.entries] or [row.name]
    name = paths[0]
    if any(_names(tree, path) for tree in around.trees for path in paths[:_LISTED]):
        return Obstacle(
            "noise-is-copied",
            f"{name} looks like {row.kind}, but a COPY, ADD or mount names it.",
            f"Leave {name} where it is, or copy something else.",
        )
    if row.name != ".github" and row.kind == VERSION_CONTROL:
        if around.git_reader is not None:
            return Obstacle(
                "version-control-is-read",
                f"{name} gets into the image and changes with every commit, but "
                f"{around.git_reader} may read it.",
                f"Pass the version in with ARG, and add `{row.pattern}` to .dockerignore.",
            )
    elif _is_kept_by_git(around, found) and around.git_reader is not None:
        return Obstacle(
            "version-control-is-read",
            "Files that nothing else reads are in git as well: without them git calls the sources "
            f"changed, and {around.git_reader} may ask it.",
            "Pass the version in with ARG, and add `.git` to .dockerignore first.",
        )
    wanted = next((text for each in around.commands if (text := _wanted(each[1], found))), None)
    if wanted is not None:
        return Obstacle(
            "noise-is-named",
            f"{name} looks like {row.kind}, but `{short(wanted)}` names it.",
            f"Take that out, or let it be `rm -f`, and add `{row.pattern}` to .dockerignore.",
        )
    if row.built_by is not None and not around.makes(row):
        return Obstacle(
            "made-on-the-host",
            f"{name} is made on the host, and no RUN makes it in the image.",
            f"Make it in the image, and add `{row.pattern}` to .dockerignore.",
        )
    return None


def _is_kept_by_git(around: Surroundings, found: Found) -> bool:
    """Tells whether git, whose data are in the context, may miss what is left out: a work tree
    that lacks a file is a changed one (git-describe(1), --dirty; setuptools-scm, README; `go help
    build`, -buildvcs)."""
    is_dir = found.row.is_dir
    return around.has_work_tree and not all(
        around.git_ignores(entry.path, is_dir) for entry in found.entries
    )


_COMMANDS = re.compile(r"&&|\|\||[;\n](?!\s*\|)")
_CONTINUED = re.compile(r"[\\`]\r?\n")
_FORCE = re.compile(r"--force|-[a-zA-Z]*f[a-zA-Z]*")
_REMOVERS = ("rm", "rmdir", "unlink", "mv")
_REMOVAL = re.compile(r"\s*(?:RUN\s+)?rm\s+-\w*f\w*(?:\s+[\w./*@+${}\"'-]+)+\s*", re.IGNORECASE)
"""A removal of files that need not be there, and nothing else; commands that make up names are."""


def _without_removals(code: str) -> str:
    commands = _COMMANDS.split(_CONTINUED.sub(" ", code))
    return "\n".join(each for each in commands if not _REMOVAL.fullmatch(each))


def _wanted(code: str, found: Found) -> str | None:
    """Returns the command of an instruction that has to find a kind of noise: one that names it,
    other than to remove it where it is there. What a RUN makes in the image is there anyhow, until
    something removes it."""
    for command in _COMMANDS.split(_CONTINUED.sub(" ", code)):
        words = [word.strip("'\"[],(){}") for word in command.split()]
        removes = next((at for at, word in enumerate(words) if word in _REMOVERS), None)
        forced = removes is not None and any(map(_FORCE.fullmatch, words[removes:]))
        if forced or (found.row.built_by is not None and removes is None):
            continue
        if ("find" in words and "xargs" not in words) or not any(_is(w, found) for w in words):
            continue
        return command.strip()
    return None


def _is(word: str, found: Found) -> bool:
    """Tells whether a word of a command is the path of such noise, or below it."""
    name = found.row.name
    if word.startswith("/"):
        return any(fnmatchcase(place, word) or _inside(word, place) for place in found.drops)
    if any(mark in name for mark in "*~"):
        return any(fnmatchcase(entry.path, word.removeprefix("./")) for entry in found.entries)
    return name in word.split("/")


def _bytes(around: Surroundings, file: FileEdit) -> tuple[int, int] | None:
    """Returns how large the context is, and how large it will be, but for the ignore file."""
    after = around.context.with_file(file.path, file.after.encode("utf-8", "surrogateescape"))
    sizes = []
    for context in (around.context, after):
        total = 0
        for number, entry in enumerate(context.files()):
            if number >= MOST_ENTRIES:
                return None
            total += entry.size if entry.path != file.path else 0
        sizes.append(total)
    return sizes[0], sizes[1]


def _sample(around: Surroundings, entries: Sequence[ContextFile]) -> str | None:
    """Returns a file of the noise whose edit tells what it costs."""
    for entry in entries:
        for each in around.context.files(entry.path):
            if each.kind == "file":
                return each.path
    return None


def secrets(around: Surroundings) -> tuple[Secret, ...]:
    """Returns the secrets that a copy of a directory brings into the image. Of a context that
    cannot be read nothing is said."""
    try:
        return tuple(_secret(around, path) for path in _secret_paths(around))
    except ContextError:
        return ()


def _secret_paths(around: Surroundings) -> Iterator[str]:
    for entry in around.entries:
        name = basename(entry.path)
        if entry.kind != "file" or not may_be_secret(name) or entry.size > LARGEST:
            continue
        if any(_names(tree, entry.path) for tree in around.trees):
            continue
        if holds_secret(name, around.context.read_bytes(entry.path)):
            yield entry.path


def _secret(around: Surroundings, path: str) -> Secret:
    brought = [
        (copy, source.image_path(path))
        for copy in around.copies
        for source in copy.sources
        if source.is_dir and _inside(path, source.entry.path)
    ]
    reader = around.reader(_mentions(basename(path), dirname(path)))
    file = hide(around.context, (path,)) if reader is None else None
    return Secret(path, brought[0][0].step, tuple(place for _, place in brought), file, reader)


def _mentions(name: str, folder: str) -> Callable[[str], str | None]:
    """Returns what finds a reader of the file ``name`` in a text."""
    if is_dotenv(name):
        return dotenv_reader
    if name in (".npmrc", ".yarnrc.yml", ".pypirc", ".netrc", "auth.json"):
        wanted = re.compile(r"\b(?:npm|pnpm|yarn|bun|pip3?|uv|poetry|composer|curl|git)\b")
    else:
        # A program may take all the keys of a directory.
        words = [re.escape(name), rf"\*{re.escape(splitext(name)[1])}"]
        words += [re.escape(basename(folder))] if folder else []
        wanted = re.compile("|".join(words))

    def reads(text: str) -> str | None:
        found = wanted.search(text)
        return None if found is None else found[0].strip()

    return reads
