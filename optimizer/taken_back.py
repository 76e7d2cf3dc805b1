"""Orders that people gave up: what a commit took out of a Dockerfile is not proposed again.

An order is told by what stands above a RUN: which files of the context were copied by then.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

from optimizer.cst.nodes import Dockerfile
from optimizer.cst.parse import parse
from optimizer.cst.source import Source
from optimizer.effects.commands import short
from optimizer.history.versions import MOST_VERSIONS, PastChange
from optimizer.knowledge.costs import estimate
from optimizer.knowledge.installs import Obstacle

_DEAR = 1.0
"""Seconds, as estimated, from which on a RUN counts."""

Order = tuple[frozenset[str], str]
"""The sources copied above a RUN in its stage, and the text of the RUN."""


def taken_back(
    before: Dockerfile, after: Dockerfile, past: Sequence[PastChange]
) -> Obstacle | None:
    """Returns why the orders that ``after`` has and ``before`` has not are none to propose:
    one of the ``past`` changes took one of them out. None where none did."""
    if not past:
        return None
    new = orders(after) - orders(before)
    for change in past:
        given_up = new & (_orders_of(change.before) - _orders_of(change.after))
        if given_up:
            _, text = min(given_up, key=lambda order: (len(order[0]), order[1]))
            return Obstacle(
                "taken-back",
                f"The file had this order for `{short(text)}` before, and commit "
                f"{change.id[:10]} ({change.subject}) took it back.",
                "Make the change by hand, or ask for an answer without history: --history 0.",
            )
    return None


def orders(tree: Dockerfile) -> frozenset[Order]:
    """Returns the order of every RUN of ``tree`` that costs anything to speak of: nobody puts a
    `chmod` into an order for its own sake."""
    found: set[Order] = set()
    copied: frozenset[str] = frozenset()
    for instruction in tree.instructions:
        if instruction.keyword == "FROM":
            copied = frozenset()
        elif instruction.keyword in ("COPY", "ADD") and instruction.flag("from") is None:
            copied |= {word.value.removeprefix("./") for word in instruction.words[:-1]}
        elif instruction.keyword == "RUN":
            text = " ".join(instruction.logical.text.split())
            if any(estimate(words) >= _DEAR for words in _commands(text)):
                found.add((copied, text))
    return frozenset(found)


def _commands(text: str) -> Iterator[list[str]]:
    """Yields the words of the commands of a RUN, roughly: enough to tell what they cost."""
    for part in re.split(r"&&|\|\||[;|]", text.partition(" ")[2]):
        words = part.split()
        if words:
            yield words


@lru_cache(2 * MOST_VERSIONS)
def _orders_of(text: str) -> frozenset[Order]:
    """Each text is asked for with every proposal, and stands in two changes that follow each
    other."""
    return orders(parse(Source("Dockerfile", text)))
