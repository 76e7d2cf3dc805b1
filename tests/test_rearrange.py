"""Instructions in another order: nothing lost, comments along, the author's paragraphs."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optimizer.cst.edit import apply
from optimizer.cst.nodes import Dockerfile
from optimizer.cst.parse import parse
from optimizer.cst.source import Source
from optimizer.rearrange import rearrange


def read(text: str) -> Dockerfile:
    return parse(Source("Dockerfile", text))


def rearranged(text: str, order: list[int], held: tuple[int, ...] = ()) -> str:
    """Puts the instructions below FROM, counted from 0, into ``order``."""
    tree = read(text)
    steps = tree.instructions[1:]
    edits = rearrange(tree, [steps[i] for i in order], frozenset(steps[i] for i in held))
    return apply(tree, edits)


CASES = {
    "a paragraph stays one": (
        "FROM a\nCOPY . .\n\nRUN b\n\nRUN c\n",
        [1, 0, 2],
        "FROM a\n\nRUN b\n\nCOPY . .\n\nRUN c\n",
    ),
    "paragraphs change places": (
        "FROM a\n\nCOPY . .\n\nRUN b\n\nRUN c\n",
        [1, 0, 2],
        "FROM a\n\nRUN b\n\nCOPY . .\n\nRUN c\n",
    ),
    "a part joins what it comes to stand beside": (
        "FROM a\nWORKDIR /app\n\nCOPY . .\nRUN b\nRUN c\n",
        [0, 2, 1, 3],
        "FROM a\nWORKDIR /app\n\nRUN b\nCOPY . .\nRUN c\n",
    ),
    "fewer lines move": (
        "FROM a\nCOPY . .\nRUN b \\\n  c\nRUN d \\\n  e\n",
        [1, 2, 0],
        "FROM a\nRUN b \\\n  c\nRUN d \\\n  e\nCOPY . .\n",
    ),
    "below a block it stands alone": (
        "FROM a\nCOPY . .\nWORKDIR d\n\nRUN b \\\n  c\n\nRUN d\n",
        [1, 2, 0, 3],
        "FROM a\nWORKDIR d\n\nRUN b \\\n  c\n\nCOPY . .\n\nRUN d\n",
    ),
    "comments travel": (
        "FROM a\n# all of it\nCOPY . .\n# more\nRUN b\n# then\nRUN c\n",
        [1, 0, 2],
        "FROM a\n# more\nRUN b\n# all of it\nCOPY . .\n# then\nRUN c\n",
    ),
    "a heading is not left behind": (
        "FROM a\nCOPY . .\nCOPY b c\n\n# --- packages ---\n\nRUN b\nCMD c\n",
        [2, 0, 1, 3],
        "FROM a\n\n# --- packages ---\n\nRUN b\nCOPY . .\nCOPY b c\nCMD c\n",
    ),
    "a heading moves with all that it heads": (
        "FROM a\n\n# --- sources ---\n\nCOPY . .\n\n# --- packages ---\n\nRUN b \\\n  c\n\nCMD c\n",
        [1, 0, 2],
        "FROM a\n\n# --- packages ---\n\nRUN b \\\n  c\n\n# --- sources ---\n\nCOPY . .\n\nCMD c\n",
    ),
    "what goes up goes above a heading": (
        "FROM a\n\n# --- sources ---\n\nCOPY . .\nCOPY d .\nRUN b\n\nCMD c\n",
        [2, 0, 1, 3],
        "FROM a\nRUN b\n\n# --- sources ---\n\nCOPY . .\nCOPY d .\n\nCMD c\n",
    ),
    "the last paragraph leaves no blank line": (
        "FROM a\nCOPY . .\nCOPY b c\n\nRUN b\n",
        [2, 0, 1],
        "FROM a\n\nRUN b\n\nCOPY . .\nCOPY b c\n",
    ),
    "line ends stay": (
        "FROM a\r\nCOPY . .\r\n\r\nRUN b\r\n\r\nRUN c\r\n",
        [1, 0, 2],
        "FROM a\r\n\r\nRUN b\r\n\r\nCOPY . .\r\n\r\nRUN c\r\n",
    ),
    "no line end at the end stays so": (
        "FROM a\nCOPY . .\nRUN b",
        [1, 0],
        "FROM a\nRUN b\nCOPY . .",
    ),
}


@pytest.mark.parametrize(("before", "order", "after"), CASES.values(), ids=CASES.keys())
def test_rearranged(before: str, order: list[int], after: str) -> None:
    assert rearranged(before, order) == after


def test_what_is_held_stays_and_the_other_moves() -> None:
    text = "FROM a\nUSER b\nRUN c \\\n d\nUSER e\n"
    assert rearranged(text, [1, 0, 2], held=(0, 2)) == "FROM a\nRUN c \\\n d\nUSER b\nUSER e\n"


def test_what_leads_joins_what_it_precedes() -> None:
    text = "FROM a\n\nARG x\n\nRUN b\n\n# said\nLABEL y=$x\n"
    tree = read(text)
    arg, run, label = tree.instructions[1:]
    edits = rearrange(tree, [run, arg, label], leading=frozenset({arg}))
    assert apply(tree, edits) == "FROM a\n\nRUN b\n\nARG x\n# said\nLABEL y=$x\n"


def _above(number: int) -> list[str]:
    comment = f"# at {number}\n"
    return ["", "", "\n", comment, f"\n{comment}", f"\n{comment}\n", f"\n{comment}\n{comment}"]


@st.composite
def texts_and_orders(draw: st.DrawFn) -> tuple[str, list[int]]:
    parts = ["FROM a\n"]
    size = draw(st.integers(1, 6))
    for number in range(size):
        parts.append(draw(st.sampled_from(_above(number))))
        parts.append(f"RUN {number}" + " \\\n  more" * draw(st.integers(0, 2)) + "\n")
    if draw(st.booleans()):
        parts.append("\n")
    text = "".join(parts)
    text = text if draw(st.booleans()) else text.removesuffix("\n")
    order = draw(st.permutations(range(size)))
    return text.replace("\n", draw(st.sampled_from(["\n", "\r\n"]))), order


@settings(max_examples=1500, deadline=None)
@given(texts_and_orders())
def test_laws(drawn: tuple[str, list[int]]) -> None:
    text, order = drawn
    before, after = read(text), read(rearranged(text, order))
    assert not after.diagnostics
    expected = [before.instructions[0], *(before.instructions[1 + i] for i in order)]
    assert _with_comments(after) == [_of(before, index) for index in map(id, expected)]
    assert _lines(after) == _lines(before)
    if "\n\n\n" not in text.replace("\r", ""):
        assert "\n\n\n" not in after.source.text.replace("\r", "")
    assert after.source.text.endswith("\n") or not text.endswith("\n")
    assert ("\r" in text) == ("\r" in after.source.text) or "\n" not in after.source.text
    if order == sorted(order):
        assert after.source.text == text


def _with_comments(tree: Dockerfile) -> list[str]:
    return [tree.text(one.span).strip() for one in tree.instructions]


def _of(tree: Dockerfile, identity: int) -> str:
    return next(tree.text(one.span).strip() for one in tree.instructions if id(one) == identity)


def _lines(tree: Dockerfile) -> Counter[str]:
    return Counter(line.strip() for line in tree.source.text.splitlines() if line.strip())
