"""Words, pairs, mounts and JSON strings: their values, and where they stand in the file."""

from __future__ import annotations

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from optimizer.cst.nodes import Instruction
from tests.cst.trees import read


def instruction(text: str) -> tuple[Instruction, str]:
    """Reads one instruction behind a FROM; returns it with the text of the file."""
    dockerfile = read("FROM a\n" + text)
    return dockerfile.instructions[1], dockerfile.source.text


EXEC_FORMS = [
    ("strings", 'RUN ["a", "b c"]\n', [('"a"', "a"), ('"b c"', "b c")]),
    ("escapes", 'CMD ["a\\tb", "\\u00e9"]\n', [('"a\\tb"', "a\tb"), ('"\\u00e9"', "é")]),
    ("two escapes for one character", 'CMD ["\\ud83d\\ude00"]\n', [('"\\ud83d\\ude00"', "😀")]),
    ("over lines", 'RUN ["a", \\\n # c\n  "b\\\n c"]\n', [('"a"', "a"), ('"b\\\n c"', "b c")]),
    ("behind flags", 'COPY --link ["a", "b"]\n', [('"a"', "a"), ('"b"', "b")]),
    ("behind a type", 'HEALTHCHECK CMD ["a"]\n', [('"a"', "a")]),
    ("empty", "CMD []\n", []),
    ("undecodable bytes stay", 'CMD ["\udcff"]\n', [('"\udcff"', "\udcff")]),
]


@pytest.mark.parametrize(
    ("text", "expected"), [pytest.param(*row, id=reason) for reason, *row in EXEC_FORMS]
)
def test_exec_form(text: str, expected: list[tuple[str, str]]) -> None:
    node, source = instruction(text)
    assert node.exec_form is not None
    assert [(word.span.of(source), word.value) for word in node.exec_form] == expected


@pytest.mark.parametrize(
    "text",
    ["RUN a\n", "RUN [a]\n", 'EXPOSE ["80"]\n', "CMD [1]\n", 'ONBUILD RUN ["a"]\n', "RUN\n"],
)
def test_no_exec_form(text: str) -> None:
    assert instruction(text)[0].exec_form is None


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))))
def test_exec_form_reads_what_json_writes(strings: list[str]) -> None:
    node, _ = instruction(f"CMD {json.dumps(strings)}\n")
    assert node.exec_form is not None
    assert [word.value for word in node.exec_form] == strings


strings = st.lists(st.text("ab\\\"'", max_size=3), max_size=3)
other_values = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.lists(strings, max_size=2)
    | st.dictionaries(st.text("ab", max_size=2), strings, max_size=2)
)


@given(strings, other_values, strings)
def test_json_that_is_not_all_strings_is_refused(
    before: list[object], value: object, after: list[object]
) -> None:
    dockerfile = read(f"FROM a\nCMD {json.dumps([*before, value, *after])}\n")
    message = "when using JSON array syntax, arrays must be comprised of strings only"
    assert [each.message for each in dockerfile.diagnostics] == [message]


@given(st.lists(st.sampled_from(['"a"', '"\\u0e', "a1", '\\"', *'[]{},:"\\0-.+e \t', "null"])))
@example(["1e999"])
def test_json_is_told_from_the_shell_form_as_json_does(parts: list[str]) -> None:
    """Python's reader agrees with Go's, but takes numbers that are too large."""
    text = "[" + "".join(parts).rstrip("\\ \t") + "]"
    try:
        value = json.loads(text)
    except ValueError:
        value = None
    dockerfile = read(f"FROM a\nCMD {text}\n")
    strings = dockerfile.instructions[1].exec_form
    if value is None or "inf" in repr(value):
        assert strings is None
        assert not dockerfile.diagnostics
    elif all(isinstance(each, str) for each in value):
        assert [word.value for word in strings or ()] == value
        assert not dockerfile.diagnostics
    else:
        assert strings is None
        assert dockerfile.diagnostics


def test_json_deeper_than_go_follows_is_the_shell_form() -> None:
    deep = read("FROM a\nCMD " + "[" * 10_000 + "]" * 10_000 + "\n")
    assert deep.diagnostics
    too_deep = read("FROM a\nCMD " + "[" * 10_001 + "]" * 10_001 + "\n")
    assert not too_deep.diagnostics


PAIRS = [
    ("ENV", "ENV a=b c='d e'\n", [("a", "=", "b"), ("c", "=", "'d e'")]),
    ("old spelling", "ENV a  b c\n", [("a", " ", "b c")]),
    ("empty value", "ENV a= b=c\n", [("a", "=", ""), ("b", "=", "c")]),
    ("LABEL", 'LABEL "a b"=c\n', [('"a b"', "=", "c")]),
    ("ARG", "ARG a b=c d=\n", [("a", "", None), ("b", "=", "c"), ("d", "=", "")]),
    ("flags stand in front", "ENV --x a=b\n", [("a", "=", "b")]),
    ("refused", "ENV a=b c\n", []),
    ("no arguments", "ENV\n", []),
    ("another instruction", "RUN a=b\n", []),
]


@pytest.mark.parametrize(
    ("text", "expected"), [pytest.param(*row, id=reason) for reason, *row in PAIRS]
)
def test_pairs(text: str, expected: list[tuple[str, str, str | None]]) -> None:
    node, source = instruction(text)
    assert [
        (pair.name.value, pair.separator, pair.value.value if pair.value else None)
        for pair in node.pairs
    ] == expected
    for pair in node.pairs:
        assert pair.name.span.of(source) == pair.name.value
        assert pair.value is None or pair.value.span.of(source) == pair.value.value


def test_pairs_over_lines() -> None:
    text = 'ENV a=b \\\r\n  # c\r\n  d="e \\\r\n f" \\\r\n  g\\\r\nh=i\r\n'
    node, source = instruction(text)
    assert [
        (pair.name.span.of(source), pair.value and pair.value.span.of(source))
        for pair in node.pairs
    ] == [("a", "b"), ("d", '"e \\\r\n f"'), ("g\\\r\nh", "i")]
    assert [pair.name.value for pair in node.pairs] == ["a", "d", "gh"]
    assert [pair.value and pair.value.value for pair in node.pairs] == ["b", '"e  f"', "i"]


def test_empty_value_has_an_empty_span_behind_the_equals_sign() -> None:
    node, source = instruction("ENV a= b=c\n")
    assert node.pairs[0].value is not None
    assert node.pairs[0].value.span.start == source.index("=") + 1
    assert len(node.pairs[0].value.span) == 0


MOUNTS = [
    (
        "cache",
        "RUN --mount=type=cache,target=/a,sharing=locked b\n",
        [{"type": "cache", "target": "/a", "sharing": "locked"}],
    ),
    (
        "other names for the same",
        "RUN --mount=src=a,dst=b,ro c\n",
        [{"source": "a", "target": "b", "readonly": ""}],
    ),
    (
        "names in upper case",
        "RUN --mount=TYPE=Cache,Destination=/A b\n",
        [{"type": "Cache", "target": "/A"}],
    ),
    (
        "several",
        "RUN --mount=type=ssh --network=none --mount=type=secret,id=a,required=true b\n",
        [{"type": "ssh"}, {"type": "secret", "id": "a", "required": "true"}],
    ),
    ("the last one counts", "RUN --mount=target=a,dst=b c\n", [{"target": "b"}]),
    (
        "quoted field",
        "RUN --mount='type=bind,\"target=/a,b\"' c\n",
        [{"type": "bind", "target": "/a,b"}],
    ),
    ("quote in a quoted field", 'RUN --mount=\'"target=a""b"\' c\n', [{"target": 'a"b'}]),
    ("quoted as a whole", 'RUN --mount="target=a b" c\n', [{"target": "a b"}]),
    ("value with an equals sign", "RUN --mount=id=a=b c\n", [{"id": "a=b"}]),
    ("empty field", "RUN --mount=target=a, b\n", [{"target": "a", "": ""}]),
    ("variables stay", "RUN --mount=target=$A b\n", [{"target": "$A"}]),
    ("broken quotes", 'RUN --mount=a\\"b --mount=target=c d\n', [{"target": "c"}]),
    ("empty value", "RUN --mount= a\n", []),
    ("another instruction", "COPY --mount=target=a b c\n", []),
]


@pytest.mark.parametrize(
    ("text", "expected"), [pytest.param(*row, id=reason) for reason, *row in MOUNTS]
)
def test_mounts(text: str, expected: list[dict[str, str]]) -> None:
    node, _ = instruction(text)
    assert [mount.options for mount in node.mounts] == expected


def test_type_of_a_mount() -> None:
    node, _ = instruction("RUN --mount=target=a --mount=type=CACHE,target=b c\n")
    assert [mount.type for mount in node.mounts] == ["bind", "cache"]


def test_mounts_of_an_inner_instruction() -> None:
    node, _ = instruction("ONBUILD RUN --mount=type=cache,target=/a b\n")
    assert node.mounts == ()
    assert node.inner is not None
    assert [mount.options["target"] for mount in node.inner.mounts] == ["/a"]
