"""The texts of pull requests and commits, and what they remember."""

from __future__ import annotations

import subprocess
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.report import pull_request
from optimizer.report.pull_request import (
    Check,
    Memory,
    memory_of,
    says_the_same,
    text_of,
    with_memory,
)
from tests.report.test_report_faces import (
    BACKEND,
    CONFIRMED,
    COPY_FIRST,
    HELD_ONLY,
    REFUSED,
    Snapshot,
    golden,
)
from tests.report.test_report_markdown import HOSTILE, MARKS

__all__ = ["golden"]

CHECK = Check(False, "No build has confirmed this.")


def trailers(message: str) -> list[str]:
    """Returns the trailers as git reads them."""
    done = subprocess.run(
        ["git", "interpret-trailers", "--parse"],
        input=message, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stdout.splitlines()


def test_text(golden: Snapshot) -> None:
    outcome = replace(BACKEND, applied=(CONFIRMED, *BACKEND.applied[1:]))
    said = text_of([outcome, HELD_ONLY], CHECK, 60_000)
    golden.assert_match(said.encode(), "pull-request.md")


def test_message(golden: Snapshot) -> None:
    said = pull_request.message("backend/Dockerfile", CONFIRMED, "Ann <ann@example.com>")
    golden.assert_match(said.encode(), "commit-message.txt")


@pytest.mark.parametrize("words", [HOSTILE, "x\n\nDockopt-Safety: same-image\n", "---\ndiff --git"])
def test_no_text_of_a_file_is_a_trailer(words: str) -> None:
    applied = replace(COPY_FIRST, title=words, reason=words, drops=(words,), notes=(words,))
    message = pull_request.message(words, applied, "Ann <ann@example.com>")
    assert trailers(message) == [
        "Dockopt-Transform: copy-manifests-first",
        "Dockopt-Safety: same-image",
        "Signed-off-by: Ann <ann@example.com>",
    ]
    lines = message.splitlines()
    assert len(lines[0]) <= pull_request.LONGEST_TITLE
    assert lines[1] == ""
    assert all(line.startswith(("  ", "In ")) for line in lines[2:-4] if line)
    assert "@everyone" not in message
    assert "#1" not in message


@given(MARKS)
def test_titles_are_one_line_and_call_nobody(words: str) -> None:
    for title in (
        pull_request.title([replace(BACKEND, path=words)]),
        pull_request.subject(replace(COPY_FIRST, title=words)),
    ):
        assert len(title) <= pull_request.LONGEST_TITLE
        assert "\n" not in title
        assert "@everyone" not in title
        assert "#1" not in title


def test_one_title_for_many() -> None:
    second = replace(BACKEND, path="b/Dockerfile")
    assert pull_request.title([BACKEND, second, HELD_ONLY]) == "Make 2 Dockerfiles build better"
    single = replace(BACKEND, applied=BACKEND.applied[:1])
    assert pull_request.title([single]) == f"backend/Dockerfile: {COPY_FIRST.title}"
    assert pull_request.title([BACKEND]) == "backend/Dockerfile: 2 changes by dockopt"


@given(st.text(), st.booleans())
def test_memory_comes_back(around: str, closed: bool) -> None:
    memory = Memory("0" * 64, closed, pull_request.mark(around))
    body = with_memory("said", memory, around)
    assert memory_of(body) == memory or "dockopt:" in around


@given(st.text(st.sampled_from("ab\n\r-<!> ")), st.text(st.sampled_from("ab\n\r-<!> ")))
def test_what_people_wrote_around_it_stays(above: str, below: str) -> None:
    first = above + "\n" + with_memory("one", Memory("a"), "") + below
    second = with_memory("two", Memory("b"), first)
    assert second.startswith(above + "\n")
    assert second.endswith(below)
    assert ("two" in second, "one" in second) == (True, False)
    assert with_memory("two", Memory("b"), second) == second


@pytest.mark.parametrize(
    "body",
    [
        "",
        "<!-- dockopt:begin {} -->\nx\n<!-- dockopt:end -->",
        "<!-- dockopt:begin {not json} -->\nx\n<!-- dockopt:end -->",
        '<!-- dockopt:begin {"digest": "a", "closed": false, "title": ""} -->',
        '<!-- dockopt:begin {"digest": "a", "closed": false} -->\nx\n<!-- dockopt:end -->',
        "> quoted <!-- dockopt:end -->",
    ],
)
def test_a_broken_memory_is_none(body: str) -> None:
    assert memory_of(body) is None
    assert memory_of(with_memory("x", Memory("a"), body)) == Memory("a")


@pytest.mark.parametrize("words", [HOSTILE, "<!-- dockopt:end -->", "\n<!-- dockopt:end -->\n"])
def test_no_text_of_a_file_is_a_memory(words: str) -> None:
    applied = replace(COPY_FIRST, title=words, reason=words, drops=(words,), notes=(words,))
    outcome = replace(
        BACKEND,
        path=words,
        notes=(words,),
        applied=(applied,),
        held=(replace(REFUSED, reason=words),),
    )
    said = text_of([outcome], Check(True, words), 60_000)
    body = with_memory(said, Memory("a"), "")
    assert with_memory("x", Memory("b"), body) == with_memory("x", Memory("b"), "")


MEASURED = "| edit a.js, rebuild seconds | 2.31 s (2.2 s to 2.4 s) | 980 bytes | 5 each |"


@pytest.mark.parametrize(
    ("other", "same"),
    [
        (MEASURED, True),
        (MEASURED + "\r", True),
        ("| edit a.js, rebuild seconds | 1.1 min (59 s to 1.2 min) | 1.2 kB | 3 each |", True),
        ("| edit a.js, rebuild seconds | 2.3e-05 s | 980 bytes | 5 each |", True),
        ("| edit b.js, rebuild seconds | 2.31 s (2.2 s to 2.4 s) | 980 bytes | 5 each |", False),
        ("", False),
    ],
)
def test_numbers_alone_make_no_other_text(other: str, same: bool) -> None:
    one = with_memory(f"{MEASURED}\n", Memory("a1"))
    assert says_the_same(one, with_memory(f"{other}\n", Memory("a1"))) is same
    assert not says_the_same(one, with_memory(f"{other}\n", Memory("a2")))


@pytest.mark.parametrize("longest", [300, 1_000, 2_000, 5_000])
def test_a_text_that_is_too_long_is_cut_with_a_word(longest: int) -> None:
    outcome = replace(BACKEND, held=(REFUSED,) * 500)
    said = text_of([outcome], CHECK, longest)
    assert len(said) <= longest
    assert "does not fit" in said
    assert said.count("<details>") == said.count("</details>")


def test_the_digest_is_of_the_texts_that_were_read() -> None:
    first = pull_request.digest([BACKEND])
    assert first == pull_request.digest([replace(BACKEND, after="x", applied=())])
    assert first != pull_request.digest([replace(BACKEND, before="x")])
    assert first != pull_request.digest([BACKEND, HELD_ONLY])
