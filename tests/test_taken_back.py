"""What people took out of a Dockerfile is not proposed to them again."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from optimizer.catalog import transforms
from optimizer.context.tree import BuildContext
from optimizer.cst.parse import parse
from optimizer.cst.source import Source
from optimizer.history.versions import PastChange
from optimizer.journal import ContextAnswer, Outcome
from optimizer.model.stages import Invocation
from optimizer.pipeline import run
from optimizer.proposal import Safety
from optimizer.taken_back import orders
from optimizer.view import Build

NOW = "FROM python:3.12\nWORKDIR /app\nCOPY . .\nRUN pip install -r requirements.txt\n"
ORDERED = (
    "FROM python:3.12\nWORKDIR /app\nCOPY ./requirements.txt .\n"
    "RUN pip install  -r requirements.txt\nCOPY . .\n"
)
OTHER = ORDERED.replace("requirements.txt .", "requirements.txt setup.cfg .")


def outcome(past: Sequence[tuple[str, str]]) -> Outcome:
    files = {"Dockerfile": NOW, "requirements.txt": "flask==3.0.0\n", "app.py": "import flask\n"}
    context = BuildContext.from_listing({name: text.encode() for name, text in files.items()})
    changes = [
        PastChange(f"{number}".ljust(40, "0"), "Speed up", before, after)
        for number, (before, after) in enumerate(past, 1)
    ]
    build = Build(context, Invocation(), ContextAnswer(".", "the test"), past=lambda: changes)
    source = Source("Dockerfile", NOW)
    return run("Dockerfile", source, (build,), transforms(("copy-manifests-first",)), Safety(1))


def test_an_order_that_a_commit_took_back_is_held_back_and_named() -> None:
    found = outcome([(ORDERED, NOW)])

    assert not found.changed
    (held,) = found.held
    assert held.code == "taken-back"
    assert "1000000000 (Speed up)" in held.reason
    assert "`RUN pip install -r requirements.txt`" in held.reason


@pytest.mark.parametrize(
    "past",
    [
        [],
        [(NOW, ORDERED)],
        [(OTHER, NOW)],
        [(ORDERED, ORDERED + "USER app\n")],
        [("not a dockerfile", ""), (NOW, "\x00\udcff")],
    ],
    ids=["nothing", "made", "another order", "kept", "hostile"],
)
def test_other_changes_stand_against_nothing(past: list[tuple[str, str]]) -> None:
    found = outcome(past)

    assert found.changed
    assert found.held == ()


def test_a_command_that_costs_nothing_has_no_order() -> None:
    tree = parse(Source("Dockerfile", "FROM a\nCOPY x y\nRUN chmod +x y && ln -s y z\nRUN make\n"))

    assert orders(tree) == {(frozenset({"x"}), "RUN make")}


def test_an_older_commit_counts_as_well() -> None:
    assert not outcome([(NOW, NOW + "USER app\n"), (ORDERED, NOW)]).changed
