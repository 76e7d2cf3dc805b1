"""Looks at documents, with the contexts and histories of their repositories kept in between.

Everything here belongs to the thread of the `Worker`.
"""

from __future__ import annotations

import gc
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from optimizer.catalog import transforms
from optimizer.context.dockerfiles import has_dockerfile_name
from optimizer.context.evidence.kinds import kind_of
from optimizer.context.tree import ContextError
from optimizer.cst.nodes import Dockerfile
from optimizer.cst.parse import parse
from optimizer.cst.source import Source
from optimizer.journal import Failure, Outcome
from optimizer.pipeline import Look, look, run
from optimizer.proposal import Safety
from optimizer.surfaces.config import Configs
from optimizer.surfaces.load import Repository, Request, Task, builds, plan_buffer
from optimizer.surfaces.lsp.documents import Document
from optimizer.surfaces.lsp.git_head import head_stamp
from optimizer.transform import Transform
from optimizer.view import Build

_log = logging.getLogger(__name__)

LARGEST = 1 << 20
"""Characters of a document that is looked at while it is typed; `dockopt fix` takes larger ones."""

MOST_INSTRUCTIONS = 500
"""Of such a document; some transforms compare all steps of a stage with each other."""

UNWATCHED_SECONDS = 30.0
"""How long the files of a context count as unchanged where the client does not tell of changes."""

_LEFT_OUT = "not looked at while it is typed, `dockopt fix` does"

_CONFIGURATIONS = frozenset({"dockopt.toml", "pyproject.toml"})


class Stale(Exception):
    """The document changed while it was looked at."""


@dataclass(frozen=True)
class Seen:
    """What was seen of one version of a document: a look, or a failure that says why there is
    none. ``task`` says where it lies in its repository."""

    document: Document
    look: Look | None = None
    failure: Failure | None = None
    task: Task | None = None
    seconds: float = 0.0
    number: int = 0
    """That of the look among all looks."""


@dataclass(frozen=True)
class FileEvent:
    """A file that came, went or changed; ``content_only`` says that it was there before and is."""

    path: Path
    content_only: bool


@dataclass(frozen=True)
class _Ways:
    """How a document is built, as of the moment ``read`` (of the monotonic clock)."""

    task: Task
    builds: tuple[Build, ...]
    overlay: Mapping[Path, bytes]
    read: float


@dataclass
class Analyst:
    """Looks at documents. ``is_told`` says that the client tells when files change."""

    request: Request = field(default_factory=Request)
    is_told: bool = False
    _configs: Configs = field(default_factory=Configs)
    _repositories: dict[Path, Repository] = field(default_factory=dict)
    _heads: dict[Path, object] = field(default_factory=dict)
    _ways: dict[Path, _Ways] = field(default_factory=dict)
    _number: int = 0

    def look(
        self, document: Document, overlay: Mapping[Path, bytes], go_on: Callable[[], None]
    ) -> Seen:
        """Returns what is to be said of ``document``; ``overlay`` stands in for files on disk.

        ``go_on`` is called between two answers, and may raise `Stale`. Nothing else is raised: an
        exception that nobody expected is the answer for this document alone.
        """
        started = time.perf_counter()
        try:
            seen = self._look(document, overlay, go_on)
        except Stale:
            raise
        except ContextError as error:
            what = f"the build context cannot be read: {error}"
            seen = Seen(document, failure=Failure(document.uri, what))
        except Exception as error:
            _log.exception("looking at %s", document.uri)
            what = f"internal error: {type(error).__name__}: {error}; please report it"
            seen = Seen(document, failure=Failure(document.uri, what))
        taken = time.perf_counter() - started
        self._number += 1
        if self._number == 1:
            # What the first look has loaded stays. The garbage collector would walk through all
            # of it every few hundred keystrokes, which then wait for some 50 ms.
            gc.collect()
            gc.freeze()
        return replace(seen, seconds=taken, number=self._number)

    def outcome(
        self, document: Document, overlay: Mapping[Path, bytes], least: Safety | None
    ) -> Outcome | Failure:
        """Returns what all transforms together make of ``document``, of changes that promise at
        least ``least`` and what its configuration asks for. Raises `ContextError`."""
        tree = _tree(document)
        if isinstance(tree, Failure):
            return tree
        ways = self._ways_of(document, overlay)
        if isinstance(ways, Failure):
            return ways
        if ways is None:
            return Failure(document.uri, "it lies nowhere, so its build context is not known")
        wanted = _least(ways.task) if least is None else max(least, _least(ways.task))
        config = ways.task.config
        chosen = _transforms(ways.task)
        return run(
            ways.task.path, tree.source, ways.builds, chosen, wanted, requested=config.select
        )

    def _look(
        self, document: Document, overlay: Mapping[Path, bytes], go_on: Callable[[], None]
    ) -> Seen:
        tree = _tree(document)
        if isinstance(tree, Failure):
            return Seen(document, failure=tree)
        ways = self._ways_of(document, overlay)
        if isinstance(ways, Failure):
            return Seen(document, failure=ways)
        if ways is None:
            return Seen(document, look(tree, (), (), Safety.CHANGES_IMAGE))
        config = ways.task.config
        found = look(
            tree, ways.builds, _transforms(ways.task), _least(ways.task), config.select, go_on
        )
        return Seen(document, found, task=ways.task)

    def _ways_of(self, document: Document, overlay: Mapping[Path, bytes]) -> _Ways | Failure | None:
        if document.path is None:
            return None
        known = self._ways.get(document.path)
        if known is not None and self._holds(known, overlay):
            return known
        task = plan_buffer(document.path, self._configs, self.request)
        if isinstance(task, Failure):
            return task
        repository = self._repositories.setdefault(task.root, Repository(task.root))
        found, _ = builds(task, self.request, repository, overlay)
        self._heads[task.root] = head_stamp(task.root)
        ways = _Ways(task, found, overlay, time.monotonic())
        self._ways[document.path] = ways
        return ways

    def _holds(self, known: _Ways, overlay: Mapping[Path, bytes]) -> bool:
        """Tells whether what was read for a document is still what is there."""
        root = known.task.root
        if self._heads.get(root) != head_stamp(root):
            self._forget_histories(root)
            return False
        if not self.is_told and time.monotonic() - known.read > UNWATCHED_SECONDS:
            self._ways.clear()
            return False
        return overlay == known.overlay

    def forget(self) -> None:
        """Reads everything again on next asking, but for histories."""
        self._configs = Configs()
        self._ways.clear()
        for root, known in self._repositories.items():
            self._repositories[root] = Repository(root).with_histories_of(known)

    def ask_history(self, commits: int) -> None:
        """Has ``commits`` commits say how often a file changes, from now on."""
        self.request = replace(self.request, history=commits)
        self._ways.clear()
        self._repositories.clear()

    def close(self, path: Path) -> None:
        """Forgets what was read for the document at ``path``."""
        self._ways.pop(path, None)

    def tell(self, events: Sequence[FileEvent]) -> bool:
        """Forgets what ``events`` put out of date, and returns whether that is anything."""
        events = [each for each in events if self._concerns(each.path)]
        if any(self._tells_of_builds(each) for each in events):
            self.forget()
        elif events:
            self._ways.clear()
        return bool(events)

    def _concerns(self, path: Path) -> bool:
        """Tells whether the file at ``path`` may count for a document."""
        if ".git" in path.parts:
            return False
        if path.name in _CONFIGURATIONS or self._speaks_of_builds(path):
            return True
        contexts = [each.context for ways in self._ways.values() for each in ways.builds]
        for context in contexts:
            if path.is_relative_to(context.root):
                inside = path.relative_to(context.root).as_posix()
                if not context.excluded(inside):
                    return True
        return False

    def _speaks_of_builds(self, path: Path) -> bool:
        """Tells whether the name of a file is one of those that say how images are built."""
        roots = [root for root in self._repositories if path.is_relative_to(root)]
        kinds = (kind_of(path.relative_to(root).as_posix()) for root in roots)
        return has_dockerfile_name(path.name) or any(kind is not None for kind in kinds)

    def _tells_of_builds(self, event: FileEvent) -> bool:
        """Tells whether an event may change how something is built: it is about more than what a
        file of the context holds, or that a plain file is there."""
        path = event.path
        if path.name in _CONFIGURATIONS or self._speaks_of_builds(path):
            return True
        return not event.content_only and not path.is_file()

    def _forget_histories(self, root: Path) -> None:
        self._repositories.pop(root, None)
        self._ways = {path: ways for path, ways in self._ways.items() if ways.task.root != root}


def _tree(document: Document) -> Dockerfile | Failure:
    """Returns what a document says, or why it is not looked at."""
    name = document.uri if document.path is None else document.path.name
    if len(document.text.value) > LARGEST:
        return Failure(name, f"longer than {LARGEST} characters: {_LEFT_OUT}")
    source = Source(name, document.text.value)
    if (at := source.text.find("\0")) >= 0:
        return Failure(name, "a NUL byte: no Dockerfile", *source.position(at))
    tree = parse(source)
    if len(tree.instructions) > MOST_INSTRUCTIONS and not tree.diagnostics:
        return Failure(name, f"more than {MOST_INSTRUCTIONS} instructions: {_LEFT_OUT}")
    return tree


def _least(task: Task) -> Safety:
    return task.config.safety or Safety.CHANGES_IMAGE


def _transforms(task: Task) -> tuple[Transform, ...]:
    return transforms(task.config.select, task.config.without)
