"""Edits change what they name and nothing else."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from optimizer.cst.edit import Edit, EditConflict, Insert, Move, Remove, Replace, apply
from optimizer.cst.nodes import Instruction
from optimizer.cst.source import Span
from tests.cst.trees import read

TEXT = "# syntax=x\n\n# base\nFROM a\n\n# why\nCOPY b c\nRUN d \\\n  # e\n  f\n# end\n"


def test_no_edits_give_the_same_text() -> None:
    for text in ("", "\ufeff", "FROM a", TEXT, TEXT.replace("\n", "\r\n"), "\udcff\0"):
        assert apply(read(text), ()) == text


Make = Callable[[tuple[Instruction, ...]], list[Edit]]

CASES: list[tuple[str, str, Make, str]] = [
    (
        "insert above goes above the comments that the instruction owns",
        "FROM a\n# why\nRUN b\n",
        lambda i: [Insert("USER c\n", before=i[1])],
        "FROM a\nUSER c\n# why\nRUN b\n",
    ),
    (
        "insert below",
        "FROM a\nRUN b\n",
        lambda i: [Insert("USER c\n", after=i[0])],
        "FROM a\nUSER c\nRUN b\n",
    ),
    (
        "insert below goes below the here-document",
        "FROM a\nRUN <<E\nb\nE\nUSER c\n",
        lambda i: [Insert("ARG d\n", after=i[1])],
        "FROM a\nRUN <<E\nb\nE\nARG d\nUSER c\n",
    ),
    (
        "the last line end may be left out",
        "FROM a\nRUN b\n",
        lambda i: [Insert("USER c", after=i[0])],
        "FROM a\nUSER c\nRUN b\n",
    ),
    (
        "several lines",
        "FROM a\n",
        lambda i: [Insert("\n# c\nUSER c\n", after=i[0])],
        "FROM a\n\n# c\nUSER c\n",
    ),
    ("nothing", "FROM a\n", lambda i: [Insert("", after=i[0])], "FROM a\n"),
    (
        "two at one place keep their order",
        "FROM a\nRUN b\n",
        lambda i: [Insert("USER c\n", after=i[0]), Insert("USER d\n", before=i[1])],
        "FROM a\nUSER c\nUSER d\nRUN b\n",
    ),
    (
        "and the other way round",
        "FROM a\nRUN b\n",
        lambda i: [Insert("USER d\n", before=i[1]), Insert("USER c\n", after=i[0])],
        "FROM a\nUSER d\nUSER c\nRUN b\n",
    ),
    (
        "CRLF",
        "FROM a\r\nRUN b\r\n",
        lambda i: [Insert("USER c\n\nARG d", after=i[0])],
        "FROM a\r\nUSER c\r\n\r\nARG d\r\nRUN b\r\n",
    ),
    (
        "behind a last line without a line end",
        "FROM a",
        lambda i: [Insert("RUN b\n", after=i[0])],
        "FROM a\nRUN b",
    ),
    (
        "twice behind a last line without a line end",
        "FROM a",
        lambda i: [Insert("RUN b\n", after=i[0]), Insert("RUN c\n", after=i[0])],
        "FROM a\nRUN b\nRUN c",
    ),
    (
        "behind a last line without a line end in CRLF",
        "FROM a\r\nARG b\r\nRUN c",
        lambda i: [Insert("RUN d\n", after=i[2])],
        "FROM a\r\nARG b\r\nRUN c\r\nRUN d",
    ),
    (
        "in front of a last line without a line end",
        "FROM a\nRUN b",
        lambda i: [Insert("ARG c\n", before=i[1])],
        "FROM a\nARG c\nRUN b",
    ),
    (
        "behind a byte order mark",
        "\ufeffFROM a\n",
        lambda i: [Insert("ARG b\n", before=i[0])],
        "\ufeffARG b\nFROM a\n",
    ),
    ("remove", "FROM a\nRUN b\nUSER c\n", lambda i: [Remove(i[1])], "FROM a\nUSER c\n"),
    (
        "remove takes the comments that the instruction owns",
        "FROM a\n# no\n\n# yes\nRUN b\nUSER c\n",
        lambda i: [Remove(i[1])],
        "FROM a\n# no\n\nUSER c\n",
    ),
    ("remove the last line", "FROM a\nRUN b", lambda i: [Remove(i[1])], "FROM a\n"),
    ("remove all", "FROM a\nRUN b", lambda i: [Remove(i[0]), Remove(i[1])], ""),
    (
        "move up",
        "FROM a\nRUN b\n# why\nCOPY c d\n",
        lambda i: [Move(i[2], before=i[1])],
        "FROM a\n# why\nCOPY c d\nRUN b\n",
    ),
    (
        "move down",
        "FROM a\n# why\nCOPY c d\nRUN b\n",
        lambda i: [Move(i[1], after=i[2])],
        "FROM a\nRUN b\n# why\nCOPY c d\n",
    ),
    (
        "move with its here-document",
        "FROM a\nRUN <<E\nb\nE\nUSER c\n",
        lambda i: [Move(i[1], after=i[2])],
        "FROM a\nUSER c\nRUN <<E\nb\nE\n",
    ),
    (
        "move with something in front",
        "FROM a\nRUN b\nUSER c\n",
        lambda i: [Move(i[1], after=i[2], lead="\n")],
        "FROM a\nUSER c\n\nRUN b\n",
    ),
    (
        "move with something in front in CRLF",
        "FROM a\r\nRUN b\r\nUSER c\r\n",
        lambda i: [Move(i[1], after=i[2], lead="\n")],
        "FROM a\r\nUSER c\r\n\r\nRUN b\r\n",
    ),
    (
        "move behind a last line without a line end",
        "FROM a\nRUN b\nUSER c",
        lambda i: [Move(i[1], after=i[2])],
        "FROM a\nUSER c\nRUN b",
    ),
    (
        "move of a last line without a line end touches no other line",
        "FROM a\nRUN b\nUSER c",
        lambda i: [Move(i[2], before=i[1])],
        "FROM a\nUSER c\nRUN b\n",
    ),
    (
        "move to where it stands",
        "FROM a\nRUN b\nUSER c\n",
        lambda i: [Move(i[1], before=i[1])],
        "FROM a\nRUN b\nUSER c\n",
    ),
    (
        "move of the last line to where it stands",
        "FROM a\nRUN b",
        lambda i: [Move(i[1], after=i[0])],
        "FROM a\nRUN b",
    ),
    (
        "move keeps the line ends that a line has",
        "FROM a\nRUN b\r\nUSER c\nARG d\n",
        lambda i: [Move(i[1], after=i[3])],
        "FROM a\nUSER c\nARG d\nRUN b\r\n",
    ),
    (
        "change places",
        "FROM a\nRUN b\nUSER c\n",
        lambda i: [Move(i[1], after=i[2]), Move(i[2], before=i[1])],
        "FROM a\nUSER c\nRUN b\n",
    ),
    (
        "insert beside what is removed",
        "FROM a\nRUN b\nUSER c\n",
        lambda i: [Remove(i[1]), Insert("ARG d\n", before=i[1]), Insert("ARG e\n", after=i[1])],
        "FROM a\nARG d\nARG e\nUSER c\n",
    ),
    (
        "insert behind a last line that is removed",
        "FROM a\nRUN b",
        lambda i: [Remove(i[1]), Insert("ARG d\n", after=i[1])],
        "FROM a\nARG d",
    ),
]


@pytest.mark.parametrize(
    ("text", "make", "expected"), [pytest.param(*row, id=reason) for reason, *row in CASES]
)
def test_edits(text: str, make: Make, expected: str) -> None:
    dockerfile = read(text)
    assert apply(dockerfile, make(dockerfile.instructions)) == expected


def test_replace_changes_what_it_names() -> None:
    dockerfile = read("FROM a\r\nRUN b\r\n")
    run = dockerfile.instructions[1]
    at = run.keyword_span.end
    assert apply(dockerfile, [Replace(Span(at, at), " --network=none")]) == (
        "FROM a\r\nRUN --network=none b\r\n"
    )
    assert apply(dockerfile, [Replace(run.words[0].span, "c \\\n    d")]) == (
        "FROM a\r\nRUN c \\\r\n    d\r\n"
    )
    assert apply(dockerfile, [Replace(Span(0, len(dockerfile.source.text)), "")]) == ""


def test_nothing_comes_in_front_of_a_byte_order_mark() -> None:
    dockerfile = read("\ufeffFROM a\n")
    mark = dockerfile.nodes[0]
    assert apply(dockerfile, [Insert("# b\n", before=mark)]) == "\ufeff# b\nFROM a\n"


def test_fillers_and_directives_are_nodes_too() -> None:
    dockerfile = read("# syntax=a\n\nFROM b\n")
    directive, filler, _ = dockerfile.nodes
    assert apply(dockerfile, [Remove(filler)]) == "# syntax=a\nFROM b\n"
    assert apply(dockerfile, [Insert("# escape=`\n", after=directive)]) == (
        "# syntax=a\n# escape=`\n\nFROM b\n"
    )


def conflicts() -> list[tuple[str, list[Edit]]]:
    run, user = DOCKERFILE.instructions[1:]
    inside = Span(run.code.start + 1, run.code.start + 2)
    return [
        ("remove twice", [Remove(run), Remove(run)]),
        ("remove and move", [Remove(run), Move(run, after=user)]),
        ("remove and replace inside", [Remove(run), Replace(inside, "")]),
        ("replace inside and move", [Replace(inside, ""), Move(run, after=user)]),
        ("replace overlapping", [Replace(inside, ""), Replace(Span(inside.start, 18), "")]),
        ("insert inside", [Remove(run), Replace(Span(inside.start, inside.start), "x")]),
        (
            "a wide one over a narrow one",
            [Replace(Span(0, 20), ""), Replace(Span(2, 3), ""), Insert("x", before=user)],
        ),
    ]


DOCKERFILE = read("FROM a\nRUN bcdefghi\nUSER j\n")


@pytest.mark.parametrize("edits", [pytest.param(edits, id=reason) for reason, edits in conflicts()])
def test_overlaps_are_refused(edits: list[Edit]) -> None:
    for order in (edits, edits[::-1]):
        with pytest.raises(EditConflict) as caught:
            apply(DOCKERFILE, order)
        assert {caught.value.first, caught.value.second} <= set(order)
        assert caught.value.first is not caught.value.second


def test_conflict_says_what_is_at_odds() -> None:
    run, user = DOCKERFILE.instructions[1:]
    with pytest.raises(EditConflict, match=r"^removing 7-20 and moving 7-20 overlap$"):
        apply(DOCKERFILE, [Remove(run), Move(run, after=user)])


def test_touching_is_no_overlap() -> None:
    run, user = DOCKERFILE.instructions[1:]
    assert apply(DOCKERFILE, [Remove(run), Remove(user)]) == "FROM a\n"
    assert apply(DOCKERFILE, [Replace(run.span, "x\n"), Replace(user.span, "y\n")]) == (
        "FROM a\nx\ny\n"
    )


def test_nodes_of_another_text_are_refused() -> None:
    other = read(DOCKERFILE.source.text).instructions
    mine: Instruction = DOCKERFILE.instructions[1]
    wrong: list[Edit] = [Remove(other[1]), Insert("x", after=other[1]), Move(mine, after=other[2])]
    for each in wrong:
        with pytest.raises(ValueError, match="not of this Dockerfile"):
            apply(DOCKERFILE, [each])
    with pytest.raises(ValueError, match="outside the text"):
        apply(DOCKERFILE, [Replace(Span(0, 1000), "")])


def test_anchor_is_one_of_two() -> None:
    node = DOCKERFILE.instructions[1]
    with pytest.raises(ValueError, match="exactly one"):
        Insert("x")
    with pytest.raises(ValueError, match="exactly one"):
        Insert("x", before=node, after=node)
    with pytest.raises(ValueError, match="exactly one"):
        Move(node)
