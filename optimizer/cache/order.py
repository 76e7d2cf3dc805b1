"""The cheapest safe order of steps: a shortest path over the down-closed sets of what must stand
above what.

A step runs in every scenario that touches it or a step above it. What stands above it
counts as a *set*, so a step placed behind the set ``D`` costs its seconds times the size of
``U(D) | S(i)``, whatever the order inside ``D`` is, and the cheapest order is a shortest path from
the empty set to the full one. The search is A*: what is left costs at least what it would
cost with nothing above it but ``D`` and what it needs. The price of a wrong turn is then the only
length of an edge, and an edge without one can be taken at once.

Costs are compared in whole microseconds, so that equal orders are equal.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence, Set
from dataclasses import dataclass, field
from functools import cached_property
from heapq import heappop, heappush

MOST_SETS = 2000
"""Sets that are looked at for the cheapest order. Every stage of up to 10 movable steps has
fewer; above that only steps that are tied by nothing reach it."""

MOST_PREFIXES = 20_000
"""Beginnings of an order that are looked at to find the nearest of several cheapest ones."""

MOST_ITEMS = 64
"""Items that are ordered at all, so that time stays bounded; more stay in the author's order."""

_MICROSECOND = 1_000_000


@dataclass(frozen=True, slots=True)
class Item:
    """One movable step: the seconds it takes to run, and the set of scenarios (commits), as
    bits, that change its own inputs."""

    seconds: float
    touched: int


@dataclass(frozen=True, slots=True)
class Ordering:
    """An order of items by index. ``seconds`` is what it costs over all scenarios together;
    ``exact`` says that no allowed order is cheaper."""

    order: tuple[int, ...]
    seconds: float
    exact: bool


def total_seconds(items: Sequence[Item], order: Sequence[int]) -> float:
    """Returns what running ``items`` in ``order`` costs over all scenarios: a step runs in
    every scenario that touches it or a step above it."""
    return _Problem.of(items, ()).cost(order) / _MICROSECOND


def best_order(items: Sequence[Item], above: Sequence[int]) -> Ordering:
    """Returns the cheapest order, and of several the one nearest to 0, 1, 2, ...

    ``above[i]`` is the set, as bits, of the items that must stand above item ``i``. Nearest is
    the order that moves the fewest items (all but a longest increasing subsequence), then the
    first in alphabetical order; so no item moves that wins nothing.

    Beyond `MOST_SETS` the order is built step by step from whatever makes the rest dearer
    by the least, and the author's own is kept where that is no dearer. Beyond
    `MOST_PREFIXES` the items of a cheapest order are put back one at a time. Raises ValueError
    where 0, 1, 2, ... is not itself allowed.
    """
    for index, needs in enumerate(above):
        if needs < 0 or needs >> index:
            raise ValueError(f"item {index} would have to stand below a later one")
    problem = _Problem.of(items, above)
    author = tuple(range(len(items)))
    cost = problem.cost(author)
    if cost == problem.least:
        return Ordering(author, cost / _MICROSECOND, True)
    if len(items) > MOST_ITEMS:
        return Ordering(author, cost / _MICROSECOND, False)
    found = _cheapest(problem, cost)
    order = found or min(author, _greedy(problem), key=problem.cost)
    if problem.cost(order) == cost:
        return Ordering(author, cost / _MICROSECOND, found is not None)
    nearest = _nearest(problem, problem.cost(order)) if found else None
    order = nearest or _all_put_back(problem, order)
    return Ordering(order, problem.cost(order) / _MICROSECOND, found is not None)


@dataclass(frozen=True)
class _Problem:
    """``costs`` in microseconds; ``touched`` and ``above`` are sets as bits."""

    costs: tuple[int, ...]
    touched: tuple[int, ...]
    above: tuple[int, ...]

    @classmethod
    def of(cls, items: Sequence[Item], above: Sequence[int]) -> _Problem:
        return cls(
            tuple(round(item.seconds * _MICROSECOND) for item in items),
            tuple(item.touched for item in items),
            tuple(above),
        )

    @cached_property
    def closed(self) -> tuple[int, ...]:
        """For each item the scenarios that run it wherever it stands: those that touch it or
        what must stand above it."""
        closed: list[int] = []
        for own, needs in zip(self.touched, self.above, strict=True):
            scenarios = own
            for other in _members(needs):
                scenarios |= closed[other]
            closed.append(scenarios)
        return tuple(closed)

    @cached_property
    def least(self) -> int:
        """What no order is cheaper than."""
        pairs = zip(self.costs, self.closed, strict=True)
        return sum(cost * closed.bit_count() for cost, closed in pairs)

    @cached_property
    def everything(self) -> int:
        return (1 << len(self.costs)) - 1

    def cost(self, order: Sequence[int]) -> int:
        total, union = 0, 0
        for index in order:
            union |= self.touched[index]
            total += self.costs[index] * union.bit_count()
        return total

    def turns(self, placed: int, union: int) -> list[tuple[int, int]]:
        """Returns ``(item, price)`` for each item that may come next: by how much it makes the
        rest dearer than it has to be."""
        rest = _members(self.everything & ~placed)
        dear = [
            (self.costs[index], union | self.closed[index]) for index in rest if self.costs[index]
        ]
        now = sum(cost * scenarios.bit_count() for cost, scenarios in dear)
        turns: list[tuple[int, int]] = []
        for index in rest:
            if self.above[index] & ~placed:
                continue
            touched = self.touched[index]
            if not touched & ~union:
                turns.append((index, 0))
                continue
            # The item's own share is the same before and after, so it need not be left out.
            then = sum(cost * (scenarios | touched).bit_count() for cost, scenarios in dear)
            turns.append((index, then - now))
        return turns


def _members(bits: int) -> list[int]:
    found: list[int] = []
    while bits:
        low = bits & -bits
        found.append(low.bit_length() - 1)
        bits ^= low
    return found


def _cheapest(problem: _Problem, bound: int) -> tuple[int, ...] | None:
    """Returns a cheapest order, or None where it would take more than `MOST_SETS` sets.

    A turn without a price is taken without looking at the others: an order that takes it
    later is no cheaper, since nothing in between is spared anything.
    """
    queue: list[tuple[int, int, int, tuple[int, ...], int]] = [(problem.least, 0, 0, (), 0)]
    done: set[int] = set()
    while queue:
        cost, _, placed, order, union = heappop(queue)
        if placed == problem.everything:
            return order
        if placed in done:
            continue
        done.add(placed)
        if len(done) > MOST_SETS:
            return None
        turns = problem.turns(placed, union)
        free = next((turn for turn in turns if turn[1] == 0), None)
        for index, price in [free] if free else turns:
            then = placed | 1 << index
            if cost + price <= bound and then not in done:
                union_then = union | problem.touched[index]
                entry = (cost + price, -len(order) - 1, then, (*order, index), union_then)
                heappush(queue, entry)
    raise AssertionError("the author's order is always found")


def _greedy(problem: _Problem) -> tuple[int, ...]:
    """Takes the turn with the least price each time, of several the author's next item."""
    order: list[int] = []
    placed, union = 0, 0
    while placed != problem.everything:
        index, _ = min(problem.turns(placed, union), key=lambda turn: (turn[1], turn[0]))
        order.append(index)
        placed |= 1 << index
        union |= problem.touched[index]
    return tuple(order)


def _nearest(problem: _Problem, optimum: int) -> tuple[int, ...] | None:
    """Returns, of the orders that cost ``optimum``, the one nearest to the author's; None where
    it would take more than `MOST_PREFIXES` beginnings."""
    search = _Search(problem)
    for moved in range(1, len(problem.costs)):
        search.kept = len(problem.costs) - moved
        search.failed.clear()
        order = search.complete((), 0, 0, optimum - problem.least, ())
        if order is not None or search.left < 0:
            return order
    raise AssertionError("an order of that cost is always found")


@dataclass
class _Search:
    """Looks for the alphabetically first order that keeps ``kept`` items in place.

    ``left`` is how many beginnings it may still look at.
    """

    problem: _Problem
    kept: int = 0
    left: int = MOST_PREFIXES
    failed: set[tuple[int, int, tuple[int, ...]]] = field(default_factory=set)

    def complete(
        self,
        order: tuple[int, ...],
        placed: int,
        union: int,
        slack: int,
        tails: tuple[int, ...],
    ) -> tuple[int, ...] | None:
        """Completes the beginning ``order``; ``slack`` is what wrong turns may still cost, and
        ``tails[k]`` the smallest last item of an increasing subsequence of ``k + 1`` items."""
        problem = self.problem
        if placed == problem.everything:
            return order
        key = (placed, slack, tails)
        self.left -= 1
        if key in self.failed or self.left < 0 or not self._can_keep(placed, tails):
            return None
        for index, price in problem.turns(placed, union):
            if price <= slack:
                found = self.complete(
                    (*order, index),
                    placed | 1 << index,
                    union | problem.touched[index],
                    slack - price,
                    _extended(tails, index),
                )
                if found is not None or self.left < 0:
                    return found
        self.failed.add(key)
        return None

    def _can_keep(self, placed: int, tails: tuple[int, ...]) -> bool:
        """Tells whether enough of the items that are left stand behind those kept so far."""
        rest = self.problem.everything & ~placed
        return any(
            length + (rest >> last + 1).bit_count() >= self.kept
            for length, last in enumerate((-1, *tails))
        )


def _extended(tails: tuple[int, ...], index: int) -> tuple[int, ...]:
    at = bisect_left(tails, index)
    return (*tails[:at], index, *tails[at + 1 :])


def stays(order: Sequence[int]) -> frozenset[int]:
    """Returns the items of ``order`` that stay in place: a longest increasing subsequence."""
    tails: list[int] = []
    before: dict[int, int | None] = {}
    for index in order:
        at = bisect_left(tails, index)
        before[index] = tails[at - 1] if at else None
        tails[at : at + 1] = [index]
    kept: set[int] = set()
    last = tails[-1] if tails else None
    while last is not None:
        kept.add(last)
        last = before[last]
    return frozenset(kept)


def put_back(order: Sequence[int], index: int, kept: Set[int]) -> tuple[int, ...]:
    """Returns ``order`` with the item ``index`` in the author's place among those ``kept``."""
    rest = [other for other in order if other != index]
    places = (at + 1 for at, other in enumerate(rest) if other in kept and other < index)
    at = max(places, default=0)
    return (*rest[:at], index, *rest[at:])


def allows(above: Sequence[int], order: Sequence[int]) -> bool:
    """Tells whether in ``order`` everything stands below what has to be above it."""
    placed = 0
    for index in order:
        if above[index] & ~placed:
            return False
        placed |= 1 << index
    return True


def _all_put_back(problem: _Problem, order: tuple[int, ...]) -> tuple[int, ...]:
    """Puts each moved item back in its place where that makes the order no dearer."""
    cost = problem.cost(order)
    for index in sorted(set(order) - stays(order)):
        back = put_back(order, index, stays(order) - {index})
        if allows(problem.above, back) and problem.cost(back) <= cost:
            order, cost = back, problem.cost(back)
    return order
