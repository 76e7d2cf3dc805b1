"""Opening a pull request where there may be one already."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from optimizer.forge.forge import Draft, Forge, PullRequest
from optimizer.forge.session import Refused, Unclear


def newest_of(found: Sequence[PullRequest]) -> PullRequest | None:
    """Returns the one of ``found``, the newest first, that is open, else the first one."""
    return next((each for each in found if each.state == "open"), next(iter(found), None))


def opened(
    forge: Forge, draft: Draft, send: Callable[[], PullRequest], there_already: int
) -> PullRequest:
    """Returns what ``send`` opens, or the one that is open already: the forge says so with the
    status ``there_already``, or its answer did not come. Raises `ForgeFault`."""
    try:
        return send()
    except (Refused, Unclear) as fault:
        if isinstance(fault, Refused) and fault.status != there_already:
            raise
        there = forge.newest(draft.branch, draft.base)
        if there is None or there.state != "open":
            raise
        return there
