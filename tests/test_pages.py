"""Every transform's page: its examples rewrite, its refusals refuse, and a second run is quiet."""

from __future__ import annotations

import pytest

from optimizer.catalog import refusal_codes, transforms
from optimizer.context.tree import BuildContext
from optimizer.cst.source import Source
from optimizer.journal import ContextAnswer, Outcome
from optimizer.model.stages import Invocation
from optimizer.pipeline import run
from optimizer.proposal import Safety
from optimizer.transform import Example, Transform
from optimizer.view import Build

HEADINGS = ("What it does", "Why it pays", "Example", "When it holds back", "Safety")


def outcome(transform: Transform, example: Example, text: str) -> Outcome:
    files = {name: content.encode() for name, content in example.tree.items()}
    context = BuildContext.from_listing({**files, "Dockerfile": text.encode()})
    build = Build(context, Invocation(), ContextAnswer(".", "the example"))
    source = Source("Dockerfile", text)
    return run("Dockerfile", source, (build,), (transform,), Safety(1), requested=(transform.id,))


CASES = [
    pytest.param(transform, example, id=f"{transform.id}-{number}")
    for transform in transforms()
    for number, example in enumerate(transform.examples, 1)
]


@pytest.mark.parametrize(("transform", "example"), CASES)
def test_example_does_what_the_page_says(transform: Transform, example: Example) -> None:
    result = outcome(transform, example, example.before)
    if example.after is not None:
        assert result.after == example.after
        assert {change.transform for change in result.applied} == {transform.id}
    else:
        assert result.after == example.before
        assert example.code in {held.code for held in result.held}


@pytest.mark.parametrize(("transform", "example"), CASES)
def test_second_run_is_quiet(transform: Transform, example: Example) -> None:
    once = outcome(transform, example, example.before)
    assert outcome(transform, example, once.after).after == once.after


@pytest.mark.parametrize("transform", transforms(), ids=lambda transform: transform.id)
def test_page_is_whole(transform: Transform) -> None:
    lines = transform.page.splitlines()
    titles = [lines[i] for i in range(len(lines) - 1) if lines[i + 1].startswith("===")]
    assert tuple(titles) == HEADINGS
    is_advice = transform.best is None
    assert any(example.after is not None for example in transform.examples) != is_advice
    assert any(example.code is not None for example in transform.examples)
    promised = {
        change.safety
        for example in transform.examples
        for change in outcome(transform, example, example.before).applied
    }
    assert max(promised, default=None) == transform.best


@pytest.mark.parametrize("transform", transforms(), ids=lambda transform: transform.id)
def test_refusal_codes_on_the_page_have_a_meaning(transform: Transform) -> None:
    codes = {example.code for example in transform.examples if example.code}
    assert codes <= set(refusal_codes())
