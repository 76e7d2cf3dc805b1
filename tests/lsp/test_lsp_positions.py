"""Places in a text, held to the protocol's own definition of lines and code units."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lsprotocol.types import Position, Range

from optimizer.cst.source import Span
from optimizer.surfaces.lsp.positions import Text
from tests.lsp.apply import CODECS, edited, place

ALPHABET = "aF\n\r\té€😀\u2028\x0b\x0c\x85\ud800\ufeff"
TEXTS = st.text(st.sampled_from(ALPHABET), max_size=40) | st.text(max_size=20)
ENCODINGS = st.sampled_from([*CODECS])


def json(position: Position) -> dict[str, int]:
    return {"line": position.line, "character": position.character}


@given(TEXTS, ENCODINGS, st.data())
def test_places_lead_there_and_back(value: str, encoding: str, data: st.DataObject) -> None:
    text = Text(value, encoding)
    offset = data.draw(st.integers(0, len(value)))
    if value[offset - 1 : offset + 1] == "\r\n":
        return
    position = text.position(offset)
    assert text.offset(position) == offset
    assert place(value, json(position), encoding) == offset


@given(TEXTS, ENCODINGS, st.text(st.sampled_from(ALPHABET), max_size=6), st.data())
def test_a_change_is_made_where_the_client_means_it(
    value: str, encoding: str, new: str, data: st.DataObject
) -> None:
    offsets = st.integers(0, len(value)).filter(lambda at: value[at - 1 : at + 1] != "\r\n")
    start, end = sorted((data.draw(offsets), data.draw(offsets)))
    text = Text(value, encoding)
    where = text.range(Span(start, end))
    edit = {"range": {"start": json(where.start), "end": json(where.end)}, "newText": new}
    assert text.with_change(where, new).value == edited(value, [edit], encoding)


@given(TEXTS, ENCODINGS, st.integers(0, 60), st.integers(0, 60))
def test_any_place_is_somewhere(value: str, encoding: str, line: int, character: int) -> None:
    offset = Text(value, encoding).offset(Position(line, character))
    assert 0 <= offset <= len(value)


@pytest.mark.parametrize(
    ("position", "offset"),
    [
        pytest.param(Position(0, 99), 3, id="behind the end of a line"),
        pytest.param(Position(99, 0), 7, id="behind the last line"),
        pytest.param(Position(0, 2), 1, id="within a character"),
        pytest.param(Position(1, 1), 6, id="behind two characters that end a line"),
    ],
)
def test_places_that_are_none_count_as_the_nearest(position: Position, offset: int) -> None:
    assert Text("a😀b\r\ncd").offset(position) == offset


def test_a_change_whose_end_comes_first_is_the_change_of_what_lies_between() -> None:
    where = Range(Position(0, 3), Position(0, 1))
    assert Text("abcd").with_change(where, "-").value == "a-d"


def test_a_change_without_a_place_is_the_whole_text() -> None:
    assert Text("old", "utf-8").with_change(None, "new") == Text("new", "utf-8")


def test_a_span_of_several_lines_is_cut_after_the_first() -> None:
    where = Text("RUN a \\\r\n b\r\n").first_line(Span(0, 11))
    assert where == Range(Position(0, 0), Position(0, 7))
