"""What every forge can do with pull requests (GitLab calls them merge requests)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias

State: TypeAlias = Literal["open", "closed", "merged"]
"""``closed`` is closed without a merge."""


class ForgeFault(Exception):
    """The forge could not be asked, or refused: ``what`` happened, and the ``remedy``, each one
    sentence for people that holds no secret."""

    def __init__(self, what: str, remedy: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.remedy = remedy


@dataclass(frozen=True, slots=True)
class PullRequest:
    """One pull request. ``number`` is what people call it by."""

    number: int
    url: str
    state: State
    title: str
    body: str


@dataclass(frozen=True, slots=True)
class Draft:
    """A pull request that is to be opened from ``branch`` to ``base`` of one repository."""

    branch: str
    base: str
    title: str
    body: str
    draft: bool = False
    labels: tuple[str, ...] = ()
    reviewers: tuple[str, ...] = ()


class Forge(Protocol):
    """One repository on one forge. Every method raises `ForgeFault`."""

    @property
    def longest_body(self) -> int:
        """Characters that the text of a pull request may have."""

    def newest(self, branch: str, base: str) -> PullRequest | None:
        """Returns the open pull request from ``branch`` to ``base``, else the last one that
        there was."""

    def open(self, draft: Draft) -> PullRequest:
        """Opens a pull request, or returns the one that is open already. Its labels and reviewers
        may still be missing."""

    def dress(self, number: int, draft: Draft) -> None:
        """Adds the labels and reviewers of ``draft``, which `open` may have left out; what is
        there already stays."""

    def update(self, number: int, title: str, body: str) -> None:
        """Gives a pull request another title and text."""

    def close(self, number: int, body: str) -> None:
        """Closes a pull request without merging it, and gives it another text in one go."""


class Owner(Protocol):
    """An organisation, group or user on a forge."""

    def repositories(self) -> Sequence[str]:
        """Returns the addresses of its repositories that are not archived, for git to clone.
        Raises `ForgeFault`."""
