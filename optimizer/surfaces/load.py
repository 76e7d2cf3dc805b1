"""From what the user named to files, configurations and builds."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache, partial
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

from optimizer.cache.costs import Costs
from optimizer.catalog import UnknownTransform, transforms
from optimizer.context.dockerfiles import find_dockerfiles, repository_root
from optimizer.context.find import FoundContext, RepositoryEvidence
from optimizer.context.gitignore import GitIgnore
from optimizer.context.tree import BuildContext
from optimizer.cst.nodes import Dockerfile
from optimizer.cst.parse import parse
from optimizer.cst.source import Source
from optimizer.effects.own_code import OwnCode
from optimizer.history.commits import History
from optimizer.history.versions import PastChange
from optimizer.journal import ContextAnswer, Failure
from optimizer.model.stages import Invocation
from optimizer.proposal import Safety
from optimizer.surfaces.config import Config, Configs, wrong_key
from optimizer.view import Build

if TYPE_CHECKING:
    from optimizer.cache.timings import Timings

LARGEST_FILE = 64 << 20
"""Bytes; far more than BuildKit takes, whose frontend gets the file in one 16 MB message."""


HISTORY = 500
"""Commits that are looked at unless --history says otherwise."""


@dataclass(frozen=True, slots=True)
class Request:
    """What the command line asks for; empty where it says nothing. ``history`` is a number of
    commits, 0 for none."""

    context: Path | None = None
    targets: tuple[str, ...] = ()
    build_args: Mapping[str, str] = field(default_factory=dict)
    platforms: tuple[str, ...] = ()
    select: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    safety: Safety | None = None
    history: int = HISTORY
    timings: Timings | None = None


@dataclass(frozen=True, slots=True)
class Engine:
    """How the user wants builds done. ``builder`` is a name that docker buildx knows, ``network``
    what RUN steps get, ``seconds`` the time that one build may take; with ``keep`` the images
    stay on the engine. ``measure`` is how often each build is measured, 0 for not at all;
    ``secrets`` and ``ssh`` go to the builder as they are."""

    builder: str | None = None
    network: str | None = None
    seconds: float = 1800
    keep: bool = False
    measure: int = 0
    secrets: tuple[str, ...] = ()
    ssh: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Shown:
    """What an engine has shown of a file that is planned again: ``base_bytes`` are the sizes of
    images that it has, by the reference in FROM, ``needed`` the packages of the distribution that
    an image turned out to lack."""

    base_bytes: Mapping[str, int] = field(default_factory=dict)
    needed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Task:
    """One Dockerfile to look at.

    ``file`` is the file itself, ``names`` the paths by which it was found, which
    may be links to it. Links must not lead out of ``root``; ``base`` is where all
    reported paths of the run start. ``data`` is what came in on standard input.
    """

    file: Path
    names: tuple[Path, ...]
    root: Path
    base: Path
    config: Config
    data: bytes | None = None

    @property
    def path(self) -> str:
        """What reports call the file."""
        return "-" if self.data is not None else relative(self.file, self.base)


@dataclass(frozen=True)
class Repository:
    """What the files of one repository share; read on first asking."""

    root: Path
    progress: Callable[[int, int], None] | None = None
    _histories: dict[Path, History] = field(default_factory=dict, repr=False)

    def history(self, folder: Path, limit: int) -> History | None:
        """Returns the last ``limit`` commits of the repository that ``folder`` lies in."""
        if limit == 0:
            return None
        top = repository_root(folder)
        if top not in self._histories:
            from optimizer.history.read import read_history

            self._histories[top] = read_history(top, limit, self.progress)
        return self._histories[top]

    def past(self, file: Path, limit: int) -> tuple[PastChange, ...]:
        """Returns what the last ``limit`` commits did to ``file``."""
        history = self.history(file.parent, limit)
        if history is None or not history.commits:
            return ()
        from optimizer.history.versions import past_changes

        real, top = file.resolve(), history.root.resolve()
        inside = real.is_relative_to(top)
        return past_changes(history, real.relative_to(top).as_posix()) if inside else ()

    @cached_property
    def evidence(self) -> RepositoryEvidence:
        """What its files say about how its images are built."""
        return RepositoryEvidence(self.root)

    def targets(self, names: Sequence[Path]) -> frozenset[str] | None:
        """Returns the stages that its files build of the Dockerfile with these names; None where
        one of them may build it in a way that is not known."""
        answers = [self.evidence.contexts_of(name) for name in names]
        if any(answer.notes for answer in answers):
            return None
        found = (each.target for answer in answers for each in answer.found)
        return frozenset(target for target in found if target is not None)

    @cached_property
    def dockerfiles(self) -> Mapping[Path, Dockerfile]:
        """The Dockerfiles that can be read, by where they really are."""
        found: dict[Path, Dockerfile] = {}
        for path in find_dockerfiles(self.root):
            data = read_file(path)
            if isinstance(data, bytes):
                found[path.resolve()] = parse(Source.from_bytes(str(path), data))
        return found

    def with_histories_of(self, other: Repository) -> Repository:
        """Returns this repository with what ``other`` has read of the histories."""
        self._histories.update(other._histories)
        return self

    def neighbours(self, file: Path) -> Sequence[Dockerfile]:
        """Returns all Dockerfiles but ``file``."""
        return [tree for path, tree in self.dockerfiles.items() if path != file]


def plan(paths: Sequence[Path], request: Request) -> list[Task | Failure]:
    """Returns one task for each Dockerfile, in the order of ``paths``, each once.

    What cannot be looked at is a `Failure`, a broken configuration one for all
    files under it. Paths of failures are as the user wrote them.
    """
    planned: dict[object, Task | Failure] = {}
    configs = Configs()
    for path in paths:
        for found in _find(path, configs, request):
            key = found.file if isinstance(found, Task) else found
            planned[key] = _with_names_of(planned.get(key), found)
    roots = {task.root for task in planned.values() if isinstance(task, Task)}
    base = Path(os.path.commonpath(roots)) if roots else Path()
    return [
        replace(each, base=base) if isinstance(each, Task) else each for each in planned.values()
    ]


def plan_buffer(path: Path, configs: Configs, request: Request) -> Task | Failure:
    """Returns the task for a Dockerfile whose text an editor holds. ``path`` is where it lies or
    will lie, which does not have to exist."""
    return _task(path, repository_root(path), configs, request, strict=False)


def plan_input(data: bytes, request: Request) -> Task | Failure:
    """Returns the task for a Dockerfile that came in on standard input."""
    folder = (request.context or Path()).resolve()
    config = _checked(Configs().of(folder))
    if isinstance(config, Failure):
        return replace(config, path=_as_seen_from_here(config.path))
    root = repository_root(folder)
    return Task(Path("-"), (), root, root, config, data)


def read_file(path: Path) -> bytes | str:
    """Returns the bytes of a regular file, or a sentence that says why not."""
    try:
        # O_NONBLOCK: opening a named pipe must not wait for somebody to write into it.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
        with os.fdopen(descriptor, "rb") as file:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                return "is not a regular file"
            if status.st_size > LARGEST_FILE:
                return f"is larger than {LARGEST_FILE >> 20} MB"
            return file.read()
    except OSError as error:
        return f"cannot read: {error.strerror}"


def read_source(path: str, data: bytes | str) -> Source | Failure:
    """Returns the text of a file, or why it is none; ``data`` is what `read_file` answered."""
    if isinstance(data, str):
        return Failure(path, data)
    source = Source.from_bytes(path, data)
    at = source.text.find("\0")
    if at < 0:
        return source
    return Failure(path, "a NUL byte: this is a binary file, or UTF-16", *source.position(at))


_NOTHING_SHOWN = Shown()


def builds(
    task: Task,
    request: Request,
    repository: Repository,
    overlay: Mapping[Path, bytes],
    shown: Shown = _NOTHING_SHOWN,
) -> tuple[tuple[Build, ...], tuple[str, ...]]:
    """Returns the ways in which the file is built, the most certain first, and notes on how
    they were found.

    Words of the command line and of the configuration stand in for what was
    found. ``overlay`` holds files that the run has changed but not written.
    """
    found, notes = _contexts(task, request, repository)
    costs = Costs(request.timings, task.config.costs)
    ways: dict[tuple[Path, str], Build] = {}
    for each in found:
        tree = BuildContext(each.path, dockerfile=task.names[0] if task.names else None)
        code = OwnCode()
        for path, data in overlay.items():
            if path.is_relative_to(each.path):
                tree = tree.with_file(path.relative_to(each.path).as_posix(), data)
        answer = ContextAnswer(relative(each.path, task.base), each.found_by)
        for invocation in _invocations(each, request):
            build = Build(
                tree,
                invocation,
                answer,
                chosen=bool(request.targets),
                neighbours=lambda: repository.neighbours(task.file),
                history=partial(repository.history, each.path, request.history),
                costs=costs,
                past=tuple
                if task.data is not None
                else partial(repository.past, task.file, request.history),
                base_bytes=shown.base_bytes,
                shown_needed=shown.needed,
                targets=partial(repository.targets, task.names),
                services=each.services,
                dependents=each.dependents,
                places=(each.found_by, *each.also),
                code=code,
            )
            key = (each.path, repr(invocation))
            ways[key] = ways[key].with_others(build) if key in ways else build
    return tuple(ways.values()), notes


def relative(path: Path, base: Path) -> str:
    """Returns ``path`` from ``base`` with ``/`` between names; ``.`` for ``base`` itself."""
    return Path(os.path.relpath(path, base)).as_posix()


def _with_names_of(known: Task | Failure | None, found: Task | Failure) -> Task | Failure:
    """Adds the name by which a file was found again."""
    if not isinstance(known, Task) or not isinstance(found, Task):
        return found
    return replace(known, names=tuple(dict.fromkeys([*known.names, *found.names])))


def _find(path: Path, configs: Configs, request: Request) -> Iterator[Task | Failure]:
    if not path.is_dir():
        yield _task(path, repository_root(path), configs, request)
        return
    root = repository_root(path)
    empty = True
    for file in find_dockerfiles(path):
        empty = False
        task = _task(file, root, configs, request)
        if isinstance(task, Failure) or not _excluded(task.config, task.names[0]):
            yield task
    if empty:
        yield Failure(str(path), "no Dockerfile in this folder")


def _task(
    path: Path, root: Path, configs: Configs, request: Request, *, strict: bool = True
) -> Task | Failure:
    try:
        name = path.parent.resolve() / path.name
        file = name.resolve(strict=strict)
    except (OSError, RuntimeError) as error:
        return Failure(str(path), f"cannot read: {getattr(error, 'strerror', 'a loop of links')}")
    if not file.is_relative_to(root):
        return Failure(str(path), "a link leads out of the repository")
    config = _checked(configs.of(name.parent))
    if isinstance(config, Failure):
        return replace(config, path=_as_seen_from_here(config.path))
    context = request.context or config.context
    if context is not None:
        root = Path(os.path.commonpath([root, context.resolve()]))
    return Task(file, (name,), root, root, config)


def _as_seen_from_here(path: str) -> str:
    here = Path.cwd()
    return relative(Path(path), here) if Path(path).is_relative_to(here) else path


def _checked(config: Config | Failure) -> Config | Failure:
    """Refuses a configuration that names a transform or a folder that does not exist."""
    if isinstance(config, Failure) or config.path is None:
        return config
    for key, names in (("select", config.select), ("without", config.without)):
        try:
            transforms(select=names)
        except UnknownTransform as error:
            message = f"{key} names an unknown transform: {error.args[0]}"
            return wrong_key(config.path, config.text, key, message)
    if config.context is not None and not config.context.is_dir():
        message = f"context is no folder: {config.context}"
        return wrong_key(config.path, config.text, "context", message)
    return config


def _excluded(config: Config, file: Path) -> bool:
    if config.path is None or not config.exclude:
        return False
    rules = _exclude_rules(config.exclude)
    parts = file.relative_to(config.path.parent).parts
    return any(rules.decides(parts[:end], end < len(parts)) for end in range(1, len(parts) + 1))


@lru_cache
def _exclude_rules(patterns: tuple[str, ...]) -> GitIgnore:
    return GitIgnore.parse("\n".join(patterns))


def _contexts(
    task: Task, request: Request, repository: Repository
) -> tuple[Sequence[FoundContext], tuple[str, ...]]:
    if request.context is not None:
        return [FoundContext(request.context.resolve(), "--context")], ()
    if task.config.context is not None and task.config.path is not None:
        found_by = f"{task.config.path.name}:context"
        return [FoundContext(task.config.context.resolve(), found_by)], ()
    answers = [repository.evidence.contexts_of(name) for name in task.names]
    found = [each for answer in answers for each in answer.found]
    notes = [f"not used: {note}" for answer in answers for note in answer.notes]
    notes += [
        f"{each.found_by} puts {name} in place of what the file says, and that is not looked at"
        for each in found
        for name in each.named_contexts
    ]
    return found, tuple(dict.fromkeys(notes))


def _invocations(found: FoundContext, request: Request) -> Iterator[Invocation]:
    targets = request.targets or (found.target,)
    platforms = request.platforms or found.platforms or (None,)
    build_args = {**found.build_args, **request.build_args}
    for target, platform in product(targets, platforms):
        yield Invocation(target, build_args, platform)
