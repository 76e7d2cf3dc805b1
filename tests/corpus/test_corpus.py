"""The whole catalogue over real Dockerfiles: no crash, nothing lost, settled, patches apply."""

from __future__ import annotations

import os
import random

import pytest

from optimizer.catalog import transforms
from optimizer.cst.source import Source
from optimizer.report.patch import patch
from tests.corpus.runs import (
    KINDS,
    VARIABLE,
    applies,
    context_of,
    corpus_files,
    findings,
    rewrite,
    with_files,
)

MOST_RUNS = 4
"""Runs of one choice of transforms, at most, until it has nothing more to say: in another order
than the catalogue's a transform may see only in the next run what a later one made."""

pytestmark = pytest.mark.skipif(
    VARIABLE not in os.environ,
    reason=f"{VARIABLE} is not set: it names a folder that holds dockerfiles/",
)


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_that_must_not_be(kind: str) -> None:
    changed = 0
    for path in corpus_files():
        source = Source.from_bytes(path.name, path.read_bytes())
        context = context_of(kind, source)
        outcome = rewrite(source, context)
        assert list(findings(source, outcome, context)) == []
        changed += outcome.changed
    if kind != "empty":
        assert changed > 0


def test_patches_apply_with_git() -> None:
    for path in corpus_files():
        for variant in (b"\n", b"\r\n"):
            data = path.read_bytes().replace(b"\r\n", b"\n").replace(b"\n", variant)
            source = Source.from_bytes("Dockerfile", data)
            outcome = rewrite(source, context_of("generous", source))
            if outcome.changed:
                after = Source("Dockerfile", outcome.after).data
                text = patch([outcome]).encode("utf-8", "surrogateescape")
                assert applies(text, "Dockerfile", data, after), path.name


def test_transforms_in_any_choice_and_order_do_not_fight() -> None:
    """Each file with a choice of transforms of its own, asked again and again until it is quiet."""
    for path in corpus_files():
        draw = random.Random(path.name)
        source = Source.from_bytes(path.name, path.read_bytes())
        context = context_of(draw.choice(KINDS), source)
        all_of_them = transforms()
        chosen = draw.sample(all_of_them, draw.randint(1, len(all_of_them)))
        for _ in range(MOST_RUNS):
            outcome = rewrite(source, context, chosen)
            held = {each.code for each in outcome.held}
            assert held.isdisjoint({"does-not-settle", "gate-failed"}), path.name
            if not outcome.changed:
                break
            source = Source(path.name, outcome.after)
            context = with_files(context, outcome)
        else:
            pytest.fail(f"{path.name} is not quiet after {MOST_RUNS} runs of {chosen}")
