"""The Markdown face, as a Markdown parser reads it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from optimizer.report import markdown
from optimizer.report.words import printable
from tests.report.test_report_faces import ALL, BACKEND, CONFIRMED, REFUSED, Snapshot, golden

__all__ = ["golden"]

READER = MarkdownIt("gfm-like")

MARKS = st.text(
    st.sampled_from(list("`|<>&#@!*_[](){}~$%^\\/:.-+=\"' \n\ta1w")), max_size=40
) | st.sampled_from(
    [
        "</details><script>alert(1)</script>",
        "![x](https://tracker.example/x.png)",
        "[link](javascript:alert(1))",
        "https://evil.example www.evil.example a@evil.example",
        "@everyone fixes #1 closes GH-2 !3 &4",
        "<!-- -->",
        "a | b | c",
        "1. x",
        "- x",
        "&copy; &#64;team",
        "```\n# heading\n",
        "a\n/approve\n/merge",
        "\\|`\\`|",
    ]
)


def tokens(text: str) -> Iterator[Token]:
    for token in READER.parse(text):
        yield token
        yield from token.children or ()


def shown(text: str) -> str:
    """Returns what a reader sees of one paragraph."""
    said = "".join(token.content for token in tokens(text) if token.type in ("text", "code_inline"))
    return said.replace("\u200b", "")


OURS = {"text", "code_inline", "paragraph_open", "paragraph_close", "inline", "text_special"}


@given(MARKS)
def test_text_draws_nothing_of_its_own(words: str) -> None:
    found = [*tokens("x " + markdown.text(words))]
    # Code with a bar in it is HTML, for the sake of tables.
    html = [token.content for token in found if token.type == "html_inline"]
    assert set(html) <= {"<code>", "</code>"}
    assert {token.type for token in found} <= {*OURS, "html_inline"}


@given(MARKS.filter(lambda words: "`" not in words))
def test_text_shows_its_characters(words: str) -> None:
    said = shown(markdown.text(words) + "x")
    assert said == printable(words).lstrip() + "x"


@given(MARKS)
def test_code_shows_its_characters(words: str) -> None:
    found = markdown.code(words)
    if "|" in words:
        assert {token.type for token in tokens(f"x {found} x")} <= {*OURS, "html_inline"}
    elif found:
        (span,) = [token for token in tokens(found) if token.type == "code_inline"]
        assert span.content.strip() == printable(words).strip()


@given(MARKS)
def test_nothing_leaves_its_cell(words: str) -> None:
    table = f"| a | b |\n| --- | --- |\n| {markdown.code(words)} | {markdown.text(words)} |\n"
    opened = [token.type for token in tokens(table)]
    assert opened.count("td_open") == 2
    assert opened.count("tr_open") == 2


@given(MARKS)
def test_a_block_ends_where_it_ends(words: str) -> None:
    found = [*READER.parse(markdown.block(words, "diff") + "after\n")]
    assert [token.type for token in found] == [
        "fence",
        "paragraph_open",
        "inline",
        "paragraph_close",
    ]


@given(MARKS)
def test_nobody_is_called_and_nothing_is_closed(words: str) -> None:
    said = "".join(token.content for token in tokens(markdown.text(words)) if token.type == "text")
    for each in ("@everyone", "#1", "GH-2", "!3", "@team"):
        assert each not in said


HOSTILE = (
    "</details>\n# x\n| `a` | <img src=x> @everyone closes #1 https://evil.example\n/close\n```\n"
)


def test_a_report_of_hostile_texts_is_built_like_any_other() -> None:
    evidence = replace(BACKEND.applied[0].evidence[0], scenario=HOSTILE)
    hostile = replace(
        BACKEND,
        path=HOSTILE,
        notes=(HOSTILE,),
        applied=tuple(
            replace(
                each, title=HOSTILE, reason=HOSTILE, drops=(HOSTILE,), assumes=(HOSTILE,),
                notes=(HOSTILE,), evidence=(evidence,),
            )
            for each in BACKEND.applied
        ),
        held=(replace(REFUSED, reason=HOSTILE, unblock=HOSTILE),),
    )  # fmt: skip
    harmless = replace(
        hostile,
        path="x",
        notes=("x",),
        applied=tuple(
            replace(
                each, title="x", reason="x", drops=("x",), assumes=("x",), notes=("x",),
                evidence=(replace(evidence, scenario="x"),),
            )
            for each in hostile.applied
        ),
        held=(replace(REFUSED, reason="x", unblock="x"),),
    )  # fmt: skip

    def built(outcome: object) -> list[str]:
        text = markdown.render([outcome])  # type: ignore[list-item]
        return [
            token.type
            for token in tokens(text)
            if token.type not in ("text", "code_inline", "html_inline", "text_special")
        ]

    assert built(hostile) == built(harmless)
    drawn = READER.render(markdown.render([hostile]))
    assert "<img" not in drawn
    assert "<a " not in drawn
    assert drawn.count("</details>") == READER.render(markdown.render([harmless])).count(
        "</details>"
    )


def test_markdown(golden: Snapshot) -> None:
    confirmed = replace(BACKEND, applied=(CONFIRMED, *BACKEND.applied[1:]))
    golden.assert_match(markdown.render([*ALL, confirmed]).encode(), "run.md")


def test_predicted_and_measured_stand_apart() -> None:
    predicted, measured = markdown.numbers([CONFIRMED]).split("**Measured** in real builds")
    assert "500 commits" in predicted
    assert "81 MB" not in predicted
    assert "81 MB (81 MB to 82 MB)" in measured
    assert "500 commits" not in measured


@pytest.mark.parametrize("length", [10, 10_000])
def test_long_lists_are_cut_with_a_word(length: int) -> None:
    text = markdown.held_back([REFUSED] * length)
    assert text.count("To unblock it") == min(length, markdown.HELD_SHOWN)
    assert ("and 9950 more" in text) == (length == 10_000)
