"""The order of whole stages, held to all orders that their conflicts allow.

A generator makes Dockerfiles; effects, conflicts, volatility and costs are the real ones.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from optimizer.cache.order import best_order
from optimizer.cache.plan import Plan
from optimizer.cache.volatility import FEWEST_COMMITS
from optimizer.context.tree import BuildContext
from optimizer.cst.parse import parse
from optimizer.cst.source import Source
from optimizer.journal import ContextAnswer
from optimizer.model.stages import Invocation, Step
from optimizer.view import Build, View
from tests.histories import history_of
from transforms.order_by_volatility import OrderByVolatility, read_rows

FILES = ("src/a.c", "src/b.c", "lib/c.c", "conf/d.conf", "conf/e.conf", "Makefile")
MOVABLE = (
    "COPY . /app",
    "COPY src /app/src",
    "COPY lib /opt/lib",
    "COPY conf/ /etc/tool/",
    "COPY Makefile ./",
    "RUN apt-get update && apt-get install -y curl",
    "RUN mkdir -p /var/lib/tool /app/src",
    "RUN useradd --create-home tool",
    "RUN chown -R tool /app",
    "RUN cp -r /app/src /opt/built",
    "RUN rm -rf /opt/lib/c.c",
    "RUN wget -q -O /opt/tool.tgz https://example.com/tool-1.2.tgz",
    "RUN make -C /app",
    "RUN echo $GIT_SHA > /etc/tool.version",
    "ARG GIT_SHA",
    "ENV REVISION=$GIT_SHA",
)
FIXED = (
    "WORKDIR /app",
    "WORKDIR /srv/tool",
    "USER tool",
    "USER root",
    'SHELL ["/bin/bash", "-c"]',
    "ENV PATH=/opt/bin:$PATH",
    "LABEL revision=$GIT_SHA",
    "EXPOSE 80",
    'CMD ["tool"]',
)


MOST_ORDERS = 20_000


@st.composite
def stages(draw: st.DrawFn) -> tuple[str, list[tuple[str, ...]]]:
    movable = draw(st.lists(st.sampled_from(MOVABLE), min_size=2, max_size=8))
    fixed = draw(st.lists(st.sampled_from(FIXED), max_size=3))
    lines = draw(st.permutations([*movable, *fixed]))
    commits = draw(
        st.lists(st.lists(st.sampled_from(FILES), min_size=1, max_size=3), min_size=1, max_size=6)
    )
    # A shorter history does not count.
    commits *= FEWEST_COMMITS // len(commits) + 1
    return "\n".join(["FROM debian:12", *lines, ""]), [tuple(sorted(set(each))) for each in commits]


def view_of(text: str, commits: Sequence[Sequence[str]]) -> View:
    files = dict.fromkeys(FILES, b"") | {"Dockerfile": text.encode()}
    context = BuildContext.from_listing(files)
    build = Build(
        context,
        Invocation(),
        ContextAnswer(".", "the test"),
        history=lambda: history_of(context.root, commits),
    )
    return View(parse(Source("Dockerfile", text)), build)


def plan_of(view: View) -> Plan:
    return Plan.of(read_rows(view, view.stages.stages[0], {}), view.volatility.count)


def allowed(plan: Plan) -> Iterator[list[int]]:
    """Yields every order in which no pair stands the other way round that must not."""
    size = len(plan.rows)
    needs = [
        {
            first
            for first in range(second)
            if plan.rules[second] >> first & 1
            or any(masks[second] >> first & 1 for masks in plan.barriers.values())
            or plan.precedence.conflict(first, second) is not None
        }
        for second in range(size)
    ]
    order: list[int] = []

    def extend() -> Iterator[list[int]]:
        if len(order) == size:
            yield order
        for index in range(size):
            if index not in order and needs[index].issubset(order):
                order.append(index)
                yield from extend()
                order.pop()

    return extend()


def seconds(plan: Plan, order: Sequence[int]) -> float:
    """What a stage costs, scenario by scenario: a step runs when it or one above it is touched."""
    total = 0.0
    for scenario in range(plan.scenarios):
        broken = False
        for index in order:
            item = plan.rows[index].item
            broken = broken or bool(item.touched >> scenario & 1)
            total += item.seconds * broken
    return total


@settings(max_examples=300, deadline=None)
@given(stages())
def test_cheapest_of_all_orders_that_are_allowed(drawn: tuple[str, list[tuple[str, ...]]]) -> None:
    plan = plan_of(view_of(*drawn))
    found = best_order([row.item for row in plan.rows], plan.above())
    assert found.exact
    orders = list(islice(map(tuple, allowed(plan)), MOST_ORDERS + 1))
    assume(len(orders) <= MOST_ORDERS)
    least = min(seconds(plan, order) for order in orders)
    assert found.seconds == pytest.approx(least, abs=1e-4)
    assert seconds(plan, found.order) == pytest.approx(least, abs=1e-4)


@settings(max_examples=300, deadline=None)
@given(stages())
def test_proposals_are_cheaper_and_every_step_does_what_it_did(
    drawn: tuple[str, list[tuple[str, ...]]],
) -> None:
    text, commits = drawn
    view = view_of(text, commits)
    plan = plan_of(view)
    for answer in OrderByVolatility().propose(view):
        if hasattr(answer, "edits"):
            after = view_of(view.edited(answer.edits).source.text, commits)
            assert _cost(plan_of(after)) < _cost(plan)
            assert sorted(map(does, steps(after), [after] * 99)) == sorted(
                map(does, steps(view), [view] * 99)
            )


def _cost(plan: Plan) -> float:
    return plan.cost(plan.today)


def steps(view: View) -> tuple[Step, ...]:
    return view.stages.stages[0].steps


def does(step: Step, view: View) -> str:
    """Says what a step does, and in which state where that counts."""
    effects, state = view.effects(step), step.state
    inherited = {
        "workdir": state.workdir,
        "user": state.user,
        "shell": state.shell,
    }
    return repr(
        (
            step.instruction.logical.text,
            sorted(effects.reads.prefixes),
            sorted(effects.writes.prefixes),
            [source.target for copy in effects.writes.copies for source in copy.sources],
            {name: inherited[name] for name in sorted(effects.inherits)},
            {name: state.lookup(name) for name in sorted(effects.variables.names)},
        )
    )
