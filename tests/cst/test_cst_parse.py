"""The parser sees what BuildKit sees, and every part knows its place."""

from __future__ import annotations

import pytest

from optimizer.cst.nodes import Directive, Filler, Instruction
from tests.cst.edge_cases import EDGES, Edge
from tests.cst.trees import check, read, seen


@pytest.mark.parametrize("edge", [pytest.param(edge, id=edge.id) for edge in EDGES])
def test_instructions_are_those_that_buildkit_sees(edge: Edge) -> None:
    dockerfile = read(edge.text)
    assert seen(dockerfile) == edge.seen
    first = [(each.line, each.message) for each in dockerfile.diagnostics[:1]]
    assert first == ([edge.refused] if edge.refused else [])
    check(dockerfile)


def test_edge_cases_are_many_and_all_different() -> None:
    assert len({edge.id for edge in EDGES}) == len({edge.text for edge in EDGES}) == len(EDGES)
    assert len(EDGES) > 200


def kinds(text: str) -> list[tuple[str, str]]:
    dockerfile = read(text)
    return [(type(node).__name__, dockerfile.text(node.span)) for node in dockerfile.nodes]


NODES = [
    ("empty file has no nodes", "", []),
    ("byte order mark alone", "\ufeff", [("Filler", "\ufeff")]),
    (
        "byte order mark is a node of its own",
        "\ufeff\nFROM a",
        [("Filler", "\ufeff"), ("Filler", "\n"), ("Instruction", "FROM a")],
    ),
    (
        "comment above belongs to the instruction",
        "# a\n  # b\nFROM c\n",
        [("Instruction", "# a\n  # b\nFROM c\n")],
    ),
    (
        "comment with a blank line below belongs to nobody",
        "# a\n\n# b\nFROM c\n",
        [("Filler", "# a\n\n"), ("Instruction", "# b\nFROM c\n")],
    ),
    (
        "blanks and comments between instructions are one filler",
        "FROM a\n\n# b\n \nRUN c\n",
        [("Instruction", "FROM a\n"), ("Filler", "\n# b\n \n"), ("Instruction", "RUN c\n")],
    ),
    (
        "comments at the end belong to nobody",
        "FROM a\n# b\n# c",
        [("Instruction", "FROM a\n"), ("Filler", "# b\n# c")],
    ),
    (
        "directives are no comments",
        "# syntax=a\n# escape=`\n# b\nFROM c\n",
        [
            ("Directive", "# syntax=a\n"),
            ("Directive", "# escape=`\n"),
            ("Instruction", "# b\nFROM c\n"),
        ],
    ),
    (
        "refused directives are directives",
        "# syntax=a\n# syntax=b\nFROM c\n",
        [
            ("Directive", "# syntax=a\n"),
            ("Directive", "# syntax=b\n"),
            ("Instruction", "FROM c\n"),
        ],
    ),
    (
        "comments inside a continuation belong to the instruction",
        "FROM a\nRUN b \\\n# c\n\n d\n# e\n",
        [
            ("Instruction", "FROM a\n"),
            ("Instruction", "RUN b \\\n# c\n\n d\n"),
            ("Filler", "# e\n"),
        ],
    ),
    (
        "here-documents belong to the instruction",
        "FROM a\nCOPY <<A <<B /\n# a\nA\n\nB\n# b\nRUN c\n",
        [
            ("Instruction", "FROM a\n"),
            ("Instruction", "COPY <<A <<B /\n# a\nA\n\nB\n"),
            ("Instruction", "# b\nRUN c\n"),
        ],
    ),
    (
        "here-document without an end goes on to the end of the file",
        "FROM a\nRUN <<A\nb\n\nRUN c\n",
        [("Instruction", "FROM a\n"), ("Instruction", "RUN <<A\nb\n\nRUN c\n")],
    ),
]


@pytest.mark.parametrize(
    ("text", "expected"), [pytest.param(*row, id=reason) for reason, *row in NODES]
)
def test_nodes_tile_the_text(text: str, expected: list[tuple[str, str]]) -> None:
    assert kinds(text) == expected
    check(read(text))


DIRECTIVES = [
    ("syntax", "# syntax=docker/dockerfile:1\n", [(1, "syntax", "docker/dockerfile:1")]),
    (
        "all three",
        "#SYNTAX = a  b \r\n\t# check=skip=all;error=true\n# Escape=`\n",
        [(1, "syntax", "a  b"), (2, "check", "skip=all;error=true"), (3, "escape", "`")],
    ),
    ("of nothing but blanks, the last is the value", "# syntax= \t\n", [(1, "syntax", "\t")]),
    ("no value, no directive", "# syntax=\n", []),
    ("a comment ends them", "# syntax=a\n# b\n# escape=`\n", [(1, "syntax", "a")]),
    ("a name of another tool ends them", "# hadolint ignore=a\n# escape=`\n", []),
]


@pytest.mark.parametrize(
    ("text", "expected"), [pytest.param(*row, id=reason) for reason, *row in DIRECTIVES]
)
def test_directives(text: str, expected: list[tuple[int, str, str]]) -> None:
    dockerfile = read(text + "FROM a\n")
    assert [(each.line, each.name, each.value) for each in dockerfile.directives] == expected


def test_escape_is_the_files() -> None:
    assert read("# escape=`\nFROM a\n").escape == "`"
    assert read("# escape=`\n# escape=\\\nFROM a\n").escape == "`"
    assert read("# escape=x\nFROM a\n").escape == "\\"
    assert read("# escape=`\nFROM a\n").instructions[0].escape == "`"


def test_every_part_is_found_across_lines() -> None:
    text = (
        "FROM a\r\n"
        "# why\r\n"
        "  COPY --from=b \\\r\n"
        "  # comment\r\n"
        "    --chown='c d' \\\r\n"
        "\r\n"
        "    e\\\r\n"
        "f <<G /h\r\n"
        "i\r\n"
        "G\r\n"
    )
    dockerfile = read(text)
    copy = dockerfile.instructions[1]
    show = dockerfile.text
    assert show(copy.span) == text.removeprefix("FROM a\r\n")
    assert show(copy.code) == text.removeprefix("FROM a\r\n# why\r\n  ").removesuffix("\r\n")
    assert [show(span) for span in copy.comments] == ["# why"]
    assert (copy.line, copy.end_line) == (3, 10)
    assert copy.logical.text == "COPY --from=b     --chown='c d'     ef <<G /h"
    assert show(copy.keyword_span) == "COPY"
    assert [(show(flag.span), flag.name, flag.value) for flag in copy.flags] == [
        ("--from=b", "from", "b"),
        ("--chown='c d'", "chown", "c d"),
    ]
    assert [(show(word.span), word.value) for word in copy.words] == [
        ("e\\\r\nf", "ef"),
        ("<<G", "<<G"),
        ("/h", "/h"),
    ]
    assert show(copy.heredocs[0].body) == "i\r\n"
    assert show(copy.heredocs[0].span) == "i\r\nG\r\n"
    assert show(copy.locate(0, len(copy.arguments))) == "e\\\r\nf <<G /h"


def test_flags_are_found_by_name() -> None:
    copy = read("FROM a\nCOPY --from=b --link --from=c --chown= d e\n").instructions[1]
    assert copy.flag("from") == "b"
    assert copy.flag("link") == ""
    assert copy.flag("chown") == ""
    assert copy.flag("chmod") is None
    assert [flag.value for flag in copy.flags] == ["b", None, "c", ""]


def test_flag_ends_at_a_no_break_space_but_not_inside_another_character() -> None:
    """BuildKit looks at bytes and would tear U+00E0, which holds the byte 0xA0, apart."""
    copy = read("FROM a\nCOPY --from=\u00e0b --link\u00a0--chown=c\x85\u00a0--chmod=d e\n")
    assert [flag.text for flag in copy.instructions[1].flags] == [
        "--from=\u00e0b",
        "--link",
        "--chown=c",
    ]
    assert copy.instructions[1].arguments == "--chmod=d e"


def test_inner_instruction_of_onbuild_knows_its_place() -> None:
    dockerfile = read("FROM a\n# b\nONBUILD \\\n  COPY --link <<C \\\n /d\ne\nC\n")
    onbuild = dockerfile.instructions[1]
    inner = onbuild.inner
    assert inner is not None
    assert inner.keyword == "COPY"
    assert dockerfile.text(inner.code) == "COPY --link <<C \\\n /d\ne\nC"
    assert dockerfile.text(inner.keyword_span) == "COPY"
    assert [dockerfile.text(flag.span) for flag in inner.flags] == ["--link"]
    assert [dockerfile.text(word.span) for word in inner.words] == ["<<C", "/d"]
    assert inner.heredocs == onbuild.heredocs
    assert (inner.line, inner.end_line) == (onbuild.line, onbuild.end_line)
    assert inner.comments == ()
    assert onbuild.comments != ()


def test_onbuild_of_onbuild_is_not_followed() -> None:
    onbuild = read("FROM a\n" + "ONBUILD " * 50_000 + "RUN a\n").instructions[1]
    assert onbuild.inner is not None
    assert onbuild.inner.keyword == "ONBUILD"
    assert onbuild.inner.inner is None


def test_nodes_are_equal_only_to_themselves() -> None:
    one, other = read("FROM a\nFROM a\n"), read("FROM a\nFROM a\n")
    assert one != other
    assert one.instructions[0] != one.instructions[1]
    assert len({*one.instructions, *other.instructions}) == 4


def test_kinds_of_nodes() -> None:
    nodes = read("# syntax=a\n\nFROM b\n").nodes
    assert [type(node) for node in nodes] == [Directive, Filler, Instruction]
