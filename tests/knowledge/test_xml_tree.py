"""XML manifests: elements with their lines, and documents that are refused."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.knowledge.xml_tree import MOST_ELEMENTS, XmlError, read_xml


def test_elements_know_their_names_texts_and_lines() -> None:
    root = read_xml(
        b'<a xmlns="x:y">\n <b k="v"> one\n <!-- no -->two</b>\n<b/><n:c xmlns:n="z"/></a>'
    )

    assert (root.name, root.line) == ("a", 1)
    assert [(b.name, b.line) for b in root.all("b")] == [("b", 2), ("b", 4)]
    assert root.value("b").split() == ["one", "two"]
    assert root.children[0].attributes == {"k": "v"}
    assert root.find("c") is not None
    assert root.find("b", "nothing") is None
    assert [element.name for element in root.walk()] == ["a", "b", "b", "c"]
    assert [element.get("K") for element in root] == ["v", None, None]


@pytest.mark.parametrize(
    ("document", "line"),
    [
        (b"", 1),
        (b"<a>\n<b>\n</a>", 3),
        (b"<a>&x;</a>", 1),
        (b'\n<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>', 2),
        (b'<?xml version="1.0" encoding="nonsense"?><a/>', 1),
        (b"<a/><b/>", 1),
        (b"\xff\xfe<", 1),
        (b"<a>" * 100_000, 1),
        (b"<r>" + b"<a/>\n" * (MOST_ELEMENTS + 1) + b"</r>", MOST_ELEMENTS),
    ],
)
def test_documents_that_are_refused_name_their_line(document: bytes, line: int) -> None:
    with pytest.raises(XmlError) as caught:
        read_xml(document)

    assert caught.value.line == line


@given(st.binary(max_size=200))
def test_any_bytes_are_a_tree_or_a_refusal(document: bytes) -> None:
    with contextlib.suppress(XmlError):
        assert read_xml(b"<a>" + document).name == "a"
