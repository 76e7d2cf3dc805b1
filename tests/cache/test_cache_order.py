"""The cheapest order, held to all permutations."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optimizer.cache import order as under_test
from optimizer.cache.order import Item, best_order, stays, total_seconds

SECONDS = st.sampled_from([0.0, 0.1, 0.2, 0.3, 0.7, 1.0, 5.5, 30.0])
"""0.1 + 0.2 is not 0.3 in floating point: ties have to be ties all the same."""


@st.composite
def problems(draw: st.DrawFn, most: int = 6, scenarios: int = 5) -> tuple[list[Item], list[int]]:
    size = draw(st.integers(0, most))
    masks = st.integers(0, (1 << scenarios) - 1)
    items = [Item(draw(SECONDS), draw(masks)) for _ in range(size)]
    dense = draw(st.booleans())
    above = []
    for index in range(size):
        needs = draw(st.integers(0, (1 << index) - 1))
        above.append(needs if dense else needs & draw(st.integers(0, (1 << index) - 1)))
    return items, above


def allowed(above: Sequence[int]) -> Iterator[tuple[int, ...]]:
    for order in permutations(range(len(above))):
        place = {index: at for at, index in enumerate(order)}
        if all(
            place[other] < place[index]
            for index, needs in enumerate(above)
            for other in range(index)
            if needs >> other & 1
        ):
            yield order


def moved(order: Sequence[int]) -> int:
    tails: list[int] = []
    for index in order:
        at = bisect_left(tails, index)
        tails[at : at + 1] = [index]
    return len(order) - len(tails)


def tenths(items: Sequence[Item], order: Sequence[int]) -> int:
    """What an order costs, in tenths of a second and without a rounding error."""
    total, above = 0, 0
    for index in order:
        above |= items[index].touched
        total += round(items[index].seconds * 10) * above.bit_count()
    return total


def by_brute_force(items: Sequence[Item], above: Sequence[int]) -> tuple[int, ...]:
    return min(allowed(above), key=lambda order: (tenths(items, order), moved(order), order))


@settings(max_examples=2000, deadline=None)
@given(problems())
def test_same_order_as_by_brute_force(problem: tuple[list[Item], list[int]]) -> None:
    items, above = problem
    found = best_order(items, above)
    assert found.order == by_brute_force(items, above)
    assert found.exact
    assert found.seconds == pytest.approx(tenths(items, found.order) / 10)


@settings(max_examples=60, deadline=None)
@given(problems(most=8, scenarios=7))
def test_same_order_as_by_brute_force_with_eight_items(
    problem: tuple[list[Item], list[int]],
) -> None:
    items, above = problem
    assert best_order(items, above).order == by_brute_force(items, above)


@settings(max_examples=500, deadline=None)
@given(problems(most=14, scenarios=9))
def test_never_dearer_than_the_author_and_always_allowed(
    problem: tuple[list[Item], list[int]],
) -> None:
    items, above = problem
    found = best_order(items, above)
    assert tenths(items, found.order) <= tenths(items, range(len(items)))
    placed = 0
    for index in found.order:
        assert above[index] & ~placed == 0
        placed |= 1 << index
    assert placed == (1 << len(items)) - 1


@settings(max_examples=500, deadline=None)
@given(problems())
def test_an_order_that_is_cheapest_already_stays(problem: tuple[list[Item], list[int]]) -> None:
    items, above = problem
    order = best_order(items, above).order
    renamed = [
        sum(1 << order.index(other) for other in range(len(items)) if above[index] >> other & 1)
        for index in order
    ]
    again = best_order([items[index] for index in order], renamed)
    assert again.order == tuple(range(len(items)))


def test_install_goes_above_sources_and_nothing_else_moves() -> None:
    sources, install, build = Item(1, 0b1111), Item(60, 0), Item(20, 0b0001)
    assert best_order([sources, install, build], [0, 0, 0b011]).order == (1, 0, 2)


def test_steps_that_change_together_count_once() -> None:
    """A weighted sort by seconds per change would put the frequent one last."""
    first, second, third = Item(10, 0b0011), Item(10, 0b0111), Item(10, 0b0011)
    found = best_order([second, first, third], [0, 0, 0])
    assert found.order == (1, 2, 0)


def test_a_step_that_wins_nothing_stays() -> None:
    items = [Item(5, 0b1), Item(5, 0b1), Item(0, 0b1), Item(5, 0b1)]
    assert best_order(items, [0, 0, 0, 0]).order == (0, 1, 2, 3)


def test_a_free_step_that_changes_with_every_build_sinks() -> None:
    argument, install, build = Item(0, 0b1111), Item(60, 0b0001), Item(20, 0b0011)
    assert best_order([argument, install, build], [0, 0, 0b010]).order == (1, 2, 0)


def test_seconds_are_those_of_all_scenarios() -> None:
    items = [Item(1, 0b11), Item(10, 0b01)]
    assert total_seconds(items, (0, 1)) == 22
    assert total_seconds(items, (1, 0)) == 12
    assert best_order(items, [0, 0]).seconds == 12


def test_an_author_who_could_not_build_is_an_error() -> None:
    with pytest.raises(ValueError, match="item 0"):
        best_order([Item(1, 0), Item(1, 0)], [0b10, 0])


def _tangle(size: int) -> list[Item]:
    """Items none of which changes with another one, so that nothing can be taken at once."""
    return [Item(1 + index * 7 % 5, 1 << index | 1 << index * 5 % 61) for index in range(size)]


def test_past_the_bound_it_says_so_and_is_no_dearer(monkeypatch: pytest.MonkeyPatch) -> None:
    items = _tangle(9)
    exact = best_order(items, [0] * 9)
    monkeypatch.setattr(under_test, "MOST_SETS", 3)
    bounded = best_order(items, [0] * 9)
    assert exact.exact
    assert not bounded.exact
    assert exact.seconds <= bounded.seconds <= total_seconds(items, range(9))


def test_past_the_other_bound_items_are_put_back_one_by_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    items = [Item(5, 0b1), Item(5, 0b0), Item(5, 0b1), Item(5, 0b1)]
    monkeypatch.setattr(under_test, "MOST_PREFIXES", 0)
    assert best_order(items, [0, 0, 0, 0]).order == (1, 0, 2, 3)


def test_forty_items_with_few_constraints_stay_within_the_bounds() -> None:
    chained = [Item(1 + index % 7, (1 << index * 3) - 1) for index in reversed(range(40))]
    found = best_order(chained, [0] * 40)
    assert found.order == tuple(reversed(range(40)))
    assert found.exact
    tangled = best_order(_tangle(40), [0] * 40)
    assert total_seconds(_tangle(40), range(40)) >= tangled.seconds


def test_more_items_than_are_ordered_stay_where_they_are() -> None:
    items = [Item(1, 1 << 100 - index) for index in range(100)]
    found = best_order(items, [0] * 100)
    assert found.order == tuple(range(100))
    assert not found.exact


@given(st.permutations(range(9)))
def test_what_stays_is_a_longest_increasing_subsequence(order: list[int]) -> None:
    kept = [index for index in order if index in stays(order)]
    assert kept == sorted(kept)
    assert len(order) - len(kept) == moved(order)
