"""The whole catalogue over real Dockerfiles: no crash, nothing lost, settled, patches apply."""

from __future__ import annotations

import os

import pytest

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
)

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
