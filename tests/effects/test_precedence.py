"""Which steps of a stage must stand above which."""

from __future__ import annotations

import pytest

from optimizer.context.tree import BuildContext
from optimizer.cst.parse import parse
from optimizer.cst.source import Source
from optimizer.effects.precedence import Precedence
from optimizer.journal import ContextAnswer
from optimizer.model.stages import Invocation
from optimizer.view import Build, View

APT = "RUN apt-get update && apt-get install -y curl"
PAIRS = [
    ("RUN mkdir -p /data && chmod 700 /data", APT, None),
    (APT, "RUN mkdir -p /data && chmod 700 /data", None),
    (APT, "RUN curl -o /data/x https://example.com/x-1.2", "read-after-write"),
    (APT, "RUN cp -r /usr/lib /data", "read-after-write"),
    (APT, "RUN rm -rf /var/lib/apt/lists", "write-after-read"),
    ("COPY bin /bin", "RUN mkdir -p /data", "read-after-write"),
    ("COPY src /data", "RUN chmod 700 /data", "read-after-write"),
    ("COPY src /data", APT, None),
]


@pytest.mark.parametrize(("first", "second", "condition"), PAIRS)
def test_conflict(first: str, second: str, condition: str | None) -> None:
    found = precedence(first, second).conflict(0, 1)
    assert (found.condition if found else None) == condition


def test_sets_are_complete() -> None:
    steps = precedence("COPY src /data", "RUN chmod 700 /data", "RUN cp -r /data /copy", APT)
    assert steps.above([0, 0, 0, 0]) == (0, 0b1, 0b11, 0)


def test_what_holds_beside_the_conflicts_counts_and_leaving_out_does() -> None:
    steps = precedence("COPY src /data", "RUN chmod 700 /data", APT)
    assert steps.above([0, 0, 0b1]) == (0, 0b1, 0b1)
    assert steps.above([0, 0, 0], but={(0, 1)}) == (0, 0, 0)


def precedence(*steps: str) -> Precedence:
    text = "\n".join(["FROM debian:12", *steps, ""])
    context = BuildContext.from_listing({"src/a.c": b"", "bin/tool": b"", "Dockerfile": b""})
    build = Build(context, Invocation(), ContextAnswer(".", "the test"))
    view = View(parse(Source("Dockerfile", text)), build)
    return Precedence([view.effects(step) for step in view.stages.stages[0].steps])
