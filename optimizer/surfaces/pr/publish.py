"""Brings one branch and its pull request to where they are to be, from wherever they are.

Nothing is remembered from run to run but what the branch and the pull request say themselves, so a
run that was killed is continued by the next one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from optimizer.forge.forge import Draft, Forge, PullRequest
from optimizer.report.pull_request import (
    Memory,
    digest,
    mark,
    memory_of,
    says_the_same,
    text_of,
    title,
    with_memory,
)
from optimizer.surfaces.pr.clone import Clone
from optimizer.surfaces.pr.seal import Commit, is_ours, trailer
from optimizer.surfaces.pr.unit import Author, Unit, commits

Action: TypeAlias = Literal[
    "opened",
    "updated",
    "unchanged",
    "closed",
    "nothing",
    "left-alone",
    "pushed",
    "failed",
    "written",
]

MOST_OWN = 300
"""Commits of a branch that are read, which is more than dockopt makes for one file."""

_UNKNOWN_FORGE_BODY = 60_000


@dataclass(frozen=True, slots=True)
class Looks:
    """How pull requests are opened. Later runs leave these alone, so that a label or a reviewer
    whom people took off does not come back; Renovate does the same with reviewers
    (renovatebot/renovate, pull request 36108)."""

    draft: bool = False
    labels: tuple[str, ...] = ()
    reviewers: tuple[str, ...] = ()

    @property
    def dressed(self) -> bool:
        return bool(self.labels or self.reviewers)


@dataclass(frozen=True, slots=True)
class Done:
    """What became of one unit. ``detail`` is a sentence, ``url`` where to look."""

    path: str
    branch: str
    action: Action
    detail: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class _Standing:
    """A branch as it is on the other side: its commit, and those of ours on top of ``bottom``,
    the first one first. ``peoples`` says that somebody else's are among them."""

    commit: str
    own: tuple[str, ...]
    bottom: str
    peoples: bool


def publish(
    clone: Clone, unit: Unit, author: Author, forge: Forge | None, looks: Looks, there: str | None
) -> Done:
    """Pushes and opens, updates or closes what ``unit`` asks for; ``there`` is the commit of its
    branch on the other side, None where there is no such branch.

    Raises `GitError`, `ForgeFault` and `NotAsStored`.
    """
    standing = _standing(clone, unit.branch, there) if there is not None else None
    known = forge.newest(unit.branch, clone.base) if forge is not None else None
    if not unit.changed:
        return _emptied(clone, unit, forge, standing, known)
    if (no := _refused_by_a_person(unit, known)) is not None:
        return Done(unit.path, unit.branch, "left-alone", no, known.url if known else "")
    if standing is not None and standing.peoples:
        url = known.url if known is not None and known.state == "open" else ""
        said = "people added commits to its branch, and those are not dockopt's to change"
        return Done(unit.path, unit.branch, "left-alone", said, url)
    planned = commits(clone, unit, author)
    moved = standing is None or not _is_same(clone, standing, planned)
    if moved:
        clone.push(unit.branch, planned[-1], standing.commit if standing else "")
    if forge is None:
        said = "there is no forge that dockopt knows, so no pull request was opened"
        return Done(unit.path, unit.branch, "pushed" if moved else "unchanged", said)
    return _shown(clone, unit, forge, looks, known, moved=moved)


def text(unit: Unit, forge: Forge | None, before: str = "", *, bare: bool = False) -> str:
    """Returns the whole text of the pull request of ``unit``; ``before`` is the one it has.
    ``bare`` notes that labels and reviewers are still to be added."""
    longest = forge.longest_body if forge is not None else _UNKNOWN_FORGE_BODY
    memory = Memory(digest(unit.outcomes), title=mark(title(unit.outcomes)), bare=bare)
    around = len(with_memory("", memory, before))
    return with_memory(text_of(unit.outcomes, unit.check, longest - around), memory, before)


def _shown(
    clone: Clone,
    unit: Unit,
    forge: Forge,
    looks: Looks,
    known: PullRequest | None,
    *,
    moved: bool,
) -> Done:
    """Opens the pull request of a branch that is as it is to be, or updates its text."""
    draft = Draft(
        unit.branch, clone.base, title(unit.outcomes), text(unit, forge, bare=looks.dressed),
        looks.draft, looks.labels, looks.reviewers,
    )  # fmt: skip
    if known is None or known.state != "open":
        opened = forge.open(draft)
        if looks.dressed:
            forge.dress(opened.number, draft)
            forge.update(opened.number, draft.title, text(unit, forge))
        return Done(unit.path, unit.branch, "opened", url=opened.url)
    memory = memory_of(known.body)
    if memory is not None and memory.bare:
        forge.dress(known.number, draft)
    heading, said = _heading(unit, known), text(unit, forge, known.body)
    stays = said == known.body or (not moved and says_the_same(said, known.body))
    if heading != known.title or not stays:
        forge.update(known.number, heading, said)
        moved = True
    return Done(unit.path, unit.branch, "updated" if moved else "unchanged", url=known.url)


def _heading(unit: Unit, known: PullRequest) -> str:
    """Returns the title for one that is open: ours, unless a person gave it another one."""
    memory = memory_of(known.body)
    is_ours = memory is None or memory.title == mark(known.title)
    return title(unit.outcomes) if is_ours else known.title


def _emptied(
    clone: Clone,
    unit: Unit,
    forge: Forge | None,
    standing: _Standing | None,
    known: PullRequest | None,
) -> Done:
    """Closes what is left of a unit that has nothing to change any more."""
    is_open = known is not None and known.state == "open"
    if unit.unconfirmed:
        said = "no build confirmed its changes"
        return Done(unit.path, unit.branch, "left-alone" if is_open else "nothing", said)
    if not is_open and (standing is None or not (standing.own or standing.peoples)):
        return Done(unit.path, unit.branch, "nothing")
    if standing is not None and standing.peoples:
        said = "nothing is left to change, but people added commits to its branch"
        return Done(unit.path, unit.branch, "left-alone", said, known.url if known else "")
    if is_open and known is not None and forge is not None:
        memory = Memory(digest(unit.outcomes), closed=True)
        forge.close(known.number, with_memory(_farewell(unit), memory, known.body))
    if standing is not None and standing.own:
        clone.push(unit.branch, "", standing.commit)
    said = "another branch makes its changes" if unit.replaced else "nothing is left to change"
    return Done(unit.path, unit.branch, "closed", said, known.url if known else "")


def _farewell(unit: Unit) -> str:
    """Returns the text of a pull request that is closed."""
    if unit.replaced:
        return "dockopt makes these changes in another pull request now, so it closed this one.\n"
    return "dockopt finds nothing to change here any more, so it closed this pull request.\n"


def _refused_by_a_person(unit: Unit, known: PullRequest | None) -> str | None:
    """Returns why a pull request that was closed is a no; None where it is none."""
    if known is None or known.state != "closed":
        return None
    memory = memory_of(known.body)
    if memory is None:
        return "it was closed, and what it was made for cannot be read any more"
    if memory.closed or memory.digest != digest(unit.outcomes):
        return None
    return "it was closed, and the Dockerfile has not changed since"


def _standing(clone: Clone, branch: str, commit: str) -> _Standing:
    """Reads a branch from its newest commit down, as far as commits are dockopt's own."""
    clone.fetch(branch)
    own: list[str] = []
    at = commit
    while len(own) < MOST_OWN:
        read = clone.read(at)
        if not is_ours(read) or clone.holds(clone.commit, at):
            break
        own.append(at)
        (at,) = read.parents
    peoples = not own and not clone.holds(clone.commit, commit)
    return _Standing(commit, tuple(reversed(own)), at, peoples)


def _is_same(clone: Clone, standing: _Standing, planned: Sequence[str]) -> bool:
    """Says whether a branch makes the planned changes already, in the same order, on a commit
    that the base still has. What messages say of numbers may differ: they move with every commit
    to the base, and a push for that alone would start everybody's builds again."""
    return (
        len(standing.own) == len(planned)
        and clone.holds(clone.commit, standing.bottom)
        and all(
            clone.changes(old) == clone.changes(new)
            and _promises(clone.read(old)) == _promises(clone.read(new))
            for old, new in zip(standing.own, planned, strict=True)
        )
    )


def _promises(commit: Commit) -> tuple[str, ...]:
    names = ("Dockopt-Transform", "Dockopt-Safety")
    return tuple(trailer(commit.message, name) for name in names)
