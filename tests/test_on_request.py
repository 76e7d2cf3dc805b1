"""A transform on request changes nothing until somebody names it, and says what it would win."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest

from optimizer.cst.edit import Replace
from optimizer.cst.source import Source
from optimizer.journal import Outcome
from optimizer.pipeline import run
from optimizer.proposal import Answer, Evidence, Proposal, Safety
from optimizer.report.pages import listing, page
from optimizer.transform import Transform
from optimizer.view import View
from tests.views import view

TEXT = "FROM busybox\nCMD old\n"


class Renames(Transform):
    """Rename what the container starts."""

    id = "renames"
    best = Safety.CHANGES_IMAGE
    on_request = True

    def propose(self, view: View) -> Iterator[Answer]:
        for step in view.stages.stages[0].steps:
            if "old" in step.instruction.logical.text:
                span = step.instruction.code
                yield Proposal(
                    "Start the new one",
                    span,
                    (Replace(span, "CMD new"),),
                    Safety.CHANGES_IMAGE,
                    "it is newer",
                    evidence=(Evidence("image_bytes", "the image", 2e9, 5e7, "estimate"),),
                )


def outcome(requested: Sequence[str]) -> Outcome:
    source = Source("Dockerfile", TEXT)
    return run("Dockerfile", source, (view(TEXT).build,), (Renames(),), Safety(1), (), requested)


def test_it_is_applied_where_it_is_named() -> None:
    found = outcome(["renames"])
    assert found.after == "FROM busybox\nCMD new\n"
    assert [each.transform for each in found.applied] == ["renames"]
    assert not found.held


@pytest.mark.parametrize("requested", [(), ("copy-manifests-first",)])
def test_it_is_held_back_with_its_numbers_where_it_is_not(requested: Sequence[str]) -> None:
    found = outcome(requested)
    assert not found.changed
    (held,) = found.held
    assert (held.code, held.line) == ("on-request", 2)
    assert held.reason == "Start the new one: the image: 2 GB -> 50 MB"
    assert "--select renames" in held.unblock


@pytest.mark.parametrize(("requested", "skipped"), [((), []), (("renames",), ["renames"])])
def test_it_lacks_no_context_where_nobody_asks(
    requested: Sequence[str], skipped: list[str]
) -> None:
    source = Source("Dockerfile", TEXT)
    found = run("Dockerfile", source, (), (Renames(),), Safety(1), (), requested)
    assert [each.transform for each in found.skipped] == skipped


def test_explain_says_so() -> None:
    assert "(at best changes-image, on request)" in listing([Renames()], {})
    assert "\nOn request\n==========\n" in page(Renames())
    assert "`--select renames`" in page(Renames())
