"""One visit to one repository: clone, look, build, publish.

A visit is what a worker of a fleet does too, so what goes in and comes out can be sent between
processes, and it never raises for the state of the world.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from optimizer.context.dockerfiles import repository_root
from optimizer.forge.address import Address, BadAddress, read_address
from optimizer.forge.connect import USERS, Access, Wanted, access, forge
from optimizer.forge.forge import Forge, ForgeFault
from optimizer.history.git import GitError
from optimizer.journal import Failure, Outcome, Record
from optimizer.report.pull_request import Check
from optimizer.report.words import errors, printable
from optimizer.surfaces.load import Engine, Repository, Request, Task, plan
from optimizer.surfaces.pr.clone import (
    Clone,
    Login,
    NothingThere,
    cloned,
    identity,
    password,
    remote_of,
)
from optimizer.surfaces.pr.dry_run import write_down
from optimizer.surfaces.pr.orphans import orphans
from optimizer.surfaces.pr.publish import Done, Looks, publish
from optimizer.surfaces.pr.unit import PREFIX, Author, NotAsStored, Unit, branch_name
from optimizer.surfaces.run import Overlay, in_harmony, look_at, look_at_each
from optimizer.verify.builders import EngineFault

if TYPE_CHECKING:
    from optimizer.verify.judge import Announce

Verify: TypeAlias = Literal["auto", "yes", "no"]

Say: TypeAlias = Callable[[str], None]
"""Is told in a sentence what happens."""

_NOTHING_BEFORE: Overlay = {}


@dataclass(frozen=True, slots=True)
class Options:
    """What the user wants of every repository. ``folder`` is where a dry run writes; ``author``
    is a name and a mail address, None for what git is configured with."""

    request: Request = field(default_factory=Request)
    base: str | None = None
    remote: str = "origin"
    group: bool = False
    wanted: Wanted = field(default_factory=Wanted)
    author: tuple[str, str] | None = None
    signs_off: bool = False
    looks: Looks = field(default_factory=Looks)
    folder: Path | None = None
    verify: Verify = "auto"
    engine: Engine = field(default_factory=Engine)


@dataclass(frozen=True, slots=True)
class Visit:
    """What came of one repository: ``commit`` is the one that was looked at, ``error`` a sentence
    where the visit ended early, ``remedy`` what helps; ``usage`` says that the user named
    something that is not there."""

    source: str
    commit: str = ""
    done: tuple[Done, ...] = ()
    error: str = ""
    remedy: str = ""
    usage: bool = False

    @property
    def failed(self) -> bool:
        return bool(self.error) or any(each.action == "failed" for each in self.done)


def visit(
    source: str,
    options: Options,
    say: Say,
    announce: Announce,
    environment: Mapping[str, str] = os.environ,
) -> Visit:
    """Looks at the repository at ``source``, a folder or an address, and publishes what it finds.

    Builds are done under ``announce``. Never raises for what the network, the forge, the engine
    or the repository do.
    """
    found: Access | None = None
    try:
        address = _address(source, options)
        found = _access(address, options, environment)
        return _without_token(_visited(address, found, options, say, announce, source), found)
    except BadAddress as error:
        ended = Visit(source, error=str(error), usage=True)
    except NothingThere as error:
        ended = Visit(source, error=str(error), usage=options.base is not None)
    except (ForgeFault, EngineFault) as fault:
        ended = Visit(source, error=printable(fault.what), remedy=printable(fault.remedy))
    except (GitError, OSError) as error:
        ended = Visit(source, error=printable(str(error)))
    return _without_token(ended, found)


def _access(address: Address, options: Options, environment: Mapping[str, str]) -> Access | None:
    """Returns how to reach the forge; a dry run asks it nothing, and has a token only to clone."""
    try:
        return access(address, options.wanted, environment, password)
    except ForgeFault:
        if options.folder is None:
            raise
        return None


def _without_token(visit: Visit, found: Access | None) -> Visit:
    """Takes the token out of what others said: a forge or a server may say it back."""
    if found is None:
        return visit

    def hidden(text: str) -> str:
        return text.replace(found.token, "***")

    done = tuple(replace(each, detail=hidden(each.detail)) for each in visit.done)
    return replace(visit, error=hidden(visit.error), remedy=hidden(visit.remedy), done=done)


def _address(source: str, options: Options) -> Address:
    """Returns what is to be cloned: the remote of a clone, a repository, or an address."""
    folder = Path(source)
    if not folder.is_dir():
        if folder.is_absolute():
            raise BadAddress("there is no such folder")
        return read_address(source)
    root = repository_root(folder)
    if not (root / ".git").exists():
        if (root / "HEAD").is_file() and (root / "objects").is_dir():
            return read_address(str(root))
        raise BadAddress(f"{source} is no clone and no repository of git")
    url = remote_of(root, options.remote)
    if url is None:
        if options.folder is None:
            raise BadAddress(f"the clone has no remote {options.remote}, so nothing can be pushed")
        return read_address(str(root))
    nearby = (root / url).resolve()
    return read_address(str(nearby) if "://" not in url and nearby.is_dir() else url)


def _visited(
    address: Address,
    found: Access | None,
    options: Options,
    say: Say,
    announce: Announce,
    source: str,
) -> Visit:
    login = None
    if found is not None and address.scheme in ("http", "https"):
        login = Login(address.web, USERS[found.kind], found.token)
    speaks = None
    if found is not None and options.folder is None:
        speaks = forge(found, address, tell=say)
    say(f"cloning {address.url}")
    with cloned(address, login, options.base) as clone:
        done: list[Done] = []
        try:
            done.extend(_Published(clone, options, speaks, say, announce).all())
        except EngineFault as fault:
            return Visit(source, clone.commit, tuple(done), fault.what, fault.remedy)
        except (GitError, OSError) as error:
            return Visit(source, clone.commit, tuple(done), printable(str(error)))
        return Visit(source, clone.commit, tuple(done))


@dataclass
class _Published:
    """One clone, whose units are published one after the other."""

    clone: Clone
    options: Options
    forge: Forge | None
    say: Say
    announce: Announce

    def all(self) -> Iterator[Done]:
        """Yields what became of each unit. A unit that fails leaves the others alone; an engine
        that fails ends it all."""
        author = self._author()
        prefix = PREFIX if self.options.folder is None else None
        there = self.clone.branches(prefix) if prefix is not None else {}
        seen: set[str] = set()
        answered: dict[str, bool] = {}
        every = True
        for unit in self._units(there):
            if isinstance(unit, Done):
                every = False
                yield unit
                continue
            seen.add(unit.branch)
            done = self._done(unit, author, there.get(unit.branch))
            every = every and done.action != "failed" and not unit.unconfirmed
            if done.action not in ("failed", "left-alone") and not unit.unconfirmed:
                answered.update((each.path, each.changed) for each in unit.outcomes)
            yield done
        others = {name: commit for name, commit in there.items() if name not in seen}
        for unit in orphans(self.clone, others, answered, every=every):
            yield self._done(unit, author, there[unit.branch])

    def _done(self, unit: Unit, author: Author, there: str | None) -> Done:
        try:
            if self.options.folder is not None:
                return write_down(self.clone, unit, author, self.forge, self.options.folder)
            return publish(self.clone, unit, author, self.forge, self.options.looks, there)
        except ForgeFault as fault:
            said = printable(" ".join(filter(None, (fault.what, fault.remedy))))
        except (GitError, NotAsStored) as error:
            said = printable(str(error))
        return Done(unit.path, unit.branch, "failed", said)

    def _author(self) -> Author:
        found = self.options.author or identity(Path.cwd()) or ("dockopt", "dockopt@localhost")
        return Author(*found, signs_off=self.options.signs_off)

    def _units(self, there: Mapping[str, str]) -> Iterator[Unit | Done]:
        """Yields what this run has an answer for, or why it has none. ``there`` are the branches
        of earlier runs."""
        tasks: list[Task] = []
        root = self.clone.folder.resolve()
        for each in plan([self.clone.folder], self.options.request):
            if isinstance(each, Failure):
                if each.message != "no Dockerfile in this folder":
                    yield self._failure(each)
            elif each.root != root:
                said = "its configuration names a build context outside of the repository"
                yield Done(each.file.relative_to(root).as_posix(), "", "failed", said)
            else:
                tasks.append(replace(each, base=root))
        whole = branch_name(None, self.clone.base, self.clone.default)
        if not self.options.group:
            yield from self._one_by_one(tasks)
        elif tasks:
            yield from self._together(tasks, whole)
        elif whole in there:
            yield Unit(whole, (), _UNCHECKED)

    def _one_by_one(self, tasks: Sequence[Task]) -> Iterator[Unit | Done]:
        repositories: dict[Path, Repository] = {}
        for task in tasks:
            record = look_at(task, self.options.request, repositories)
            if errors(record):
                yield self._failure(record)
                continue
            assert isinstance(record, Outcome)
            outcome, check = self._checked(task, record)
            if isinstance(outcome, Failure):
                yield self._failure(outcome)
                continue
            name = branch_name(task.path, self.clone.base, self.clone.default)
            yield Unit(name, (outcome,), check, record.changed and not outcome.changed)

    def _together(self, tasks: Sequence[Task], branch: str) -> Iterator[Unit | Done]:
        kept: list[Check] = []
        unconfirmed: list[Task] = []

        def settle(task: Task, outcome: Outcome, overlay: Overlay) -> Record:
            record, check = self._checked(task, outcome, overlay)
            if isinstance(record, Outcome) and record.changed:
                kept.append(check)
            else:
                unconfirmed.append(task)
            return record

        request = self.options.request
        apart = look_at_each(tasks, request, 1, lambda done: None)
        outcomes: list[Outcome] = []
        for record in in_harmony(tasks, request, apart, settle):
            if isinstance(record, Outcome) and not errors(record):
                outcomes.append(record)
            else:
                yield self._failure(record)
        if outcomes:
            check = kept[0] if kept else _UNCHECKED
            yield Unit(branch, tuple(outcomes), check, bool(unconfirmed))

    def _checked(
        self, task: Task, outcome: Outcome, overlay: Overlay = _NOTHING_BEFORE
    ) -> tuple[Record, Check]:
        """Returns what builds confirm of an outcome that was found with ``overlay``. Raises
        `EngineFault` where an engine that is there fails, so that nothing is pushed that was not
        judged."""
        if not outcome.changed or self.options.verify == "no":
            return outcome, _UNCHECKED
        from optimizer.surfaces.verify import confirmed, missing

        engine = self.options.engine
        fault = missing(engine)
        if fault is not None:
            if self.options.verify == "yes":
                raise fault
            return outcome, Check(False, f"{_UNCHECKED.sentence} (There: {fault.what}.)")
        self.say(f"building {printable(task.path)}")
        request = self.options.request
        record = confirmed(task, request, outcome, engine, self.announce, overlay)
        return record, _CHECKED

    def _failure(self, record: Record) -> Done:
        """Says what is wrong with a file, without where the clone of this run happens to be."""
        folders = (f"{self.clone.folder}/", f"{self.clone.folder.resolve()}/")
        said, path = "; ".join(errors(record)), record.path
        for folder in folders:
            said, path = said.replace(folder, ""), path.replace(folder, "")
        return Done(printable(path), "", "failed", said)


_UNCHECKED = Check(
    False, "No build has confirmed this: the numbers are predicted, and the promises are computed."
)
_CHECKED = Check(
    True,
    "Real builds have confirmed this: the original was built twice and the rewrite once, and "
    "every change held its promise.",
)
