"""What holds for every text: lossless trees, exact places, edits that stay where they are."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.cst.edit import Edit, Insert, Move, Remove, Replace, apply
from optimizer.cst.nodes import Dockerfile
from optimizer.cst.parse import parse
from optimizer.cst.source import Source, Span
from tests.cst.edge_cases import EDGES
from tests.cst.trees import check, read, seen

PIECES = [
    *("FROM a\n", "FROM a AS b\n", "RUN ", "COPY ", "ENV ", "ARG ", "LABEL ", "CMD ", "ONBUILD "),
    *("HEALTHCHECK ", "VOLUME ", "USER ", "run ", "FORM ", "SHELL "),
    *("a", "b c", "a=b", '"', "'", "[", "]", '["a", "b"]', '["a", 1]', ",", "=", "$A", "${A:-b}"),
    *("--from=a ", "--link ", "--mount=type=cache,target=/a ", '--x="a b" ', "-- ", "--"),
    *("<<E ", "<<-E ", '<<"E" ', "<<E <<F ", "3<<E ", "<< E ", "<<"),
    *(
        "\nE\n",
        "\n\tE\n",
        "\nF\n",
        "\n",
        "\r\n",
        "\n\n",
        " \\\n",
        "\\\n",
        " `\n",
        "\\\r\n",
        "\\",
        "`",
    ),
    *("# c\n", "#\n", "  # c\n", "# escape=`\n", "# syntax=a\n", "# check=a\n", " ", "\t", "`"),
    *(
        "\ufeff",
        "\u00a0",
        "\v",
        "\x85",
        "\u2028",
        "\x1c",
        "\0",
        "\udcff",
        "\udca0",
        "\U0001f600",
        "é",
    ),
]
soups = st.lists(st.sampled_from(PIECES), max_size=25).map("".join)
texts = soups | st.sampled_from([edge.text for edge in EDGES])


@given(st.binary(max_size=200))
def test_any_bytes_come_out_as_they_went_in(data: bytes) -> None:
    dockerfile = read(data)
    check(dockerfile)
    assert apply(dockerfile, ()).encode("utf-8", "surrogateescape") == data


@given(st.text(max_size=60))
def test_any_text_is_read_even_if_no_bytes_stand_for_it(text: str) -> None:
    dockerfile = parse(Source("Dockerfile", text))
    check(dockerfile)
    assert apply(dockerfile, ()) == text


@given(texts)
def test_every_part_of_every_tree_is_in_its_place(text: str) -> None:
    check(read(text))


@given(texts)
def test_a_read_text_reads_the_same_again(text: str) -> None:
    once, again = read(text), read(apply(read(text), ()))
    assert seen(once) == seen(again)
    assert once.diagnostics == again.diagnostics


def with_crlf(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\n", "\r\n")


def with_bom(text: str) -> str:
    return "\ufeff" + text.removeprefix("\ufeff")


def without_last_line_end(text: str) -> str:
    return text.rstrip("\r\n")


def places(dockerfile: Dockerfile) -> list[tuple[str, int, int, str, tuple[str, ...]]]:
    return [
        (
            each.keyword,
            each.line,
            each.end_line,
            each.arguments,
            tuple(flag.text for flag in each.flags),
        )
        for each in dockerfile.instructions
    ]


@given(texts.filter(lambda text: "\r" not in text))
def test_crlf_changes_no_instruction(text: str) -> None:
    plain, crlf = read(text), read(with_crlf(text))
    assert places(plain) == places(crlf)
    assert plain.diagnostics == crlf.diagnostics


@given(texts.map(lambda text: text.lstrip("\ufeff")))
def test_byte_order_mark_changes_no_instruction(text: str) -> None:
    plain, marked = read(text), read(with_bom(text))
    assert places(plain) == places(marked)
    assert plain.diagnostics == marked.diagnostics


VARIANTS: list[Callable[[str], str]] = [str, with_crlf, with_bom, without_last_line_end]


@pytest.mark.parametrize("variant", VARIANTS)
def test_real_files_come_out_as_they_went_in(
    corpus: dict[str, bytes], variant: Callable[[str], str]
) -> None:
    for name, data in corpus.items():
        text = variant(data.decode("utf-8", "surrogateescape"))
        source = Source.from_bytes(name, text.encode("utf-8", "surrogateescape"))
        dockerfile = parse(source)
        assert "".join(dockerfile.text(node.span) for node in dockerfile.nodes) == text, name
        assert source.data == text.encode("utf-8", "surrogateescape"), name
        assert apply(dockerfile, ()) == text, name


def test_every_part_of_real_files_is_in_its_place(corpus: dict[str, bytes]) -> None:
    for data in list(corpus.values())[::8]:
        check(read(data))


def test_real_files_mean_the_same_in_each_variant(corpus: dict[str, bytes]) -> None:
    for name, data in list(corpus.items())[::3]:
        text = data.decode("utf-8", "surrogateescape")
        plain = read(text)
        assert places(read(with_bom(text))) == places(plain), name
        assert places(read(with_crlf(text))) == places(plain), name


# -- edits ---------------------------------------------------------------------------------------


@given(texts, st.data())
def test_remove_cuts_out_a_node_and_nothing_else(text: str, data: st.DataObject) -> None:
    dockerfile = read(text)
    if not dockerfile.nodes:
        return
    node = data.draw(st.sampled_from(dockerfile.nodes))
    rest = dockerfile.source.text[: node.span.start] + dockerfile.source.text[node.span.end :]
    assert apply(dockerfile, [Remove(node)]) == rest


@given(texts, st.data())
def test_replace_touches_its_span_alone(text: str, data: st.DataObject) -> None:
    dockerfile = read(text)
    size = len(dockerfile.source.text)
    start = data.draw(st.integers(0, size))
    end = data.draw(st.integers(start, size))
    before, after = dockerfile.source.text[:start], dockerfile.source.text[end:]
    assert apply(dockerfile, [Replace(Span(start, end), "xyz")]) == before + "xyz" + after


@given(texts.filter(lambda text: text.endswith("\n")), st.data())
def test_insert_adds_its_lines_and_nothing_else(text: str, data: st.DataObject) -> None:
    dockerfile = read(text)
    node = data.draw(st.sampled_from(dockerfile.nodes))
    newline = dockerfile.source.newline
    source = dockerfile.source.text
    at = node.span.end
    expected = source[:at] + f"# x{newline}# y{newline}" + source[at:]
    assert apply(dockerfile, [Insert("# x\n# y", after=node)]) == expected


@given(texts.filter(lambda text: text.endswith("\n") and "\ufeff" not in text), st.data())
def test_move_keeps_every_line(text: str, data: st.DataObject) -> None:
    dockerfile = read(text)
    node, anchor = (data.draw(st.sampled_from(dockerfile.nodes)) for _ in range(2))
    moved = apply(dockerfile, [Move(node, before=anchor)])
    parts = [dockerfile.text(each.span) for each in dockerfile.nodes]
    own = parts.pop(dockerfile.nodes.index(node))
    rest = [each for each in dockerfile.nodes if each is not node]
    index = dockerfile.nodes.index(anchor) if node is anchor else rest.index(anchor)
    parts.insert(index, own)
    assert moved == "".join(parts)


@given(texts, st.data())
def test_move_equals_remove_and_insert(text: str, data: st.DataObject) -> None:
    dockerfile = read(text)
    if "\r" in text or not dockerfile.nodes:
        return
    node, anchor = (data.draw(st.sampled_from(dockerfile.nodes)) for _ in range(2))
    own = dockerfile.text(node.span)
    as_two: list[Edit] = [Remove(node), Insert(own, after=anchor)]
    assert apply(dockerfile, [Move(node, after=anchor)]) == apply(dockerfile, as_two)


@given(texts)
def test_removing_every_node_leaves_nothing(text: str) -> None:
    dockerfile = read(text)
    assert apply(dockerfile, [Remove(node) for node in dockerfile.nodes]) == ""


# -- time ----------------------------------------------------------------------------------------


def calls(text: str) -> int:
    """Counts the calls, of Python's and of C's functions, that reading ``text`` takes."""
    count = 0

    def tick(frame: FrameType, event: str, argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    source = Source("Dockerfile", text)
    sys.setprofile(tick)
    try:
        dockerfile = parse(source)
        for instruction in dockerfile.instructions:
            _ = instruction.words, instruction.pairs, instruction.mounts, instruction.exec_form
    finally:
        sys.setprofile(None)
    return count


LONG: list[tuple[str, str, str, str]] = [
    ("instructions", "FROM a\n", "RUN b\n", ""),
    ("here-documents", "FROM a\n", "RUN <<E\nb\nE\n", ""),
    ("here-documents on one line", "FROM a\nRUN ", "<<E ", "\nE"),
    ("a here-document's body", "FROM a\nRUN <<E\n", "b\n", "E\n"),
    ("here-documents without an end", "FROM a\n", "RUN <<E\n", ""),
    ("continuations", "FROM a\nRUN b", " \\\n c", "\n"),
    ("comments in a continuation", "FROM a\nRUN b \\\n", "# c\n", "d\n"),
    ("comments", "", "# c\n", "FROM a\n"),
    ("blank lines", "", "\n", "FROM a\n"),
    ("directives", "", "# syntax=a\n", "FROM a\n"),
    ("words", "FROM a\nCOPY ", "b ", "c\n"),
    ("pairs", "FROM a\nENV ", "b=c ", "\n"),
    ("pairs with quotes", "FROM a\nENV b=", "\"c'", "\n"),
    ("pairs with escapes", "FROM a\nENV b=", "\\c", "\n"),
    ("flags", "FROM a\nRUN ", "--mount=a ", "b\n"),
    ("quotes in a flag", "FROM a\nRUN --mount=", "'b'", "\n"),
    ("mount options", "FROM a\nRUN --mount=", "a=b,", " c\n"),
    ("quotes in mount options", "FROM a\nRUN --mount='\"", '""', "\"' c\n"),
    ("JSON strings", 'FROM a\nCMD ["b"', ', "c"', "]\n"),
    ("JSON numbers", "FROM a\nCMD [1", ", 2", "]\n"),
    ("JSON arrays", "FROM a\nCMD ", "[", "\n"),
    ("JSON blanks", "FROM a\nCMD [", " ", "x\n"),
    ("ONBUILD", "FROM a\n", "ONBUILD ", "RUN b\n"),
    ("less-than signs", "FROM a\nRUN ", "<", "\n"),
    ("dollars behind a here-document", "FROM a\nRUN <<E ", "$b ", "\nE\n"),
    ("NULs", "FROM a\nRUN ", "\0", "\n"),
    ("durations", "FROM a\nHEALTHCHECK --interval=", "1s", " CMD b\n"),
    ("digits", "FROM a\nHEALTHCHECK --retries=", "0", " CMD b\n"),
    ("blanks in a directive", "# syntax=", " ", "a\nFROM b\n"),
]


@pytest.mark.parametrize(
    ("head", "unit", "tail"), [pytest.param(*row, id=reason) for reason, *row in LONG]
)
def test_work_grows_no_faster_than_the_text(head: str, unit: str, tail: str) -> None:
    small, large = (calls(head + unit * size + tail) for size in (500, 1_000))
    assert large <= 2.1 * small + 50


HOSTILE: list[tuple[str, str, str, int, str]] = [
    ("one line of 10 MB", "FROM a\nRUN ", "b", 10_000_000, ""),
    ("one line of backslashes", "FROM a\nRUN ", "\\", 2_000_000, ""),
    ("one line of blanks", "FROM a\nRUN b", " ", 2_000_000, "c"),
    ("a directive of blanks", "# syntax=", " ", 2_000_000, "a\nFROM b\n"),
    ("a JSON string without an end", 'FROM a\nCMD ["', "b", 2_000_000, ""),
    ("a JSON array of blanks", 'FROM a\nCMD ["b"', " ", 2_000_000, "c"),
    ("a JSON number of digits", "FROM a\nCMD [", "1", 2_000_000, "]"),
    ("a stage name", "FROM a AS ", "B", 2_000_000, "\n"),
    ("a here-document's name", "FROM a\nRUN <<", "E", 2_000_000, "\nb\n"),
    ("NULs", "", "\0", 2_000_000, ""),
    ("carriage returns", "", "\r", 2_000_000, ""),
    ("100,000 instructions", "FROM a\n", "RUN b\n", 100_000, ""),
    ("10,000 here-documents", "FROM a\n", "RUN <<E\nb\nE\n", 10_000, ""),
]


@pytest.mark.parametrize(
    ("head", "unit", "count", "tail"), [pytest.param(*row, id=reason) for reason, *row in HOSTILE]
)
def test_large_texts_are_read(head: str, unit: str, count: int, tail: str) -> None:
    text = head + unit * count + tail
    dockerfile = parse(Source("Dockerfile", text))
    assert sum(len(node.span) for node in dockerfile.nodes) == len(text)
