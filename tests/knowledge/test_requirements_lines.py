"""The lines of requirements files, against pip's own parser."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.knowledge.python.requirements import (
    Line,
    RequirementsError,
    decode,
    local_path,
    read_lines,
)


@pytest.mark.parametrize(
    ("requirement", "path"),
    [
        ("flask", None), ("flask==1.0", None), ("flask[async]>=2", None), ("./lib", "./lib"),
        ("lib/", "lib/"), (".", "."), ("..", ".."), (".[dev]", "."), ("./lib[dev]", "./lib"),
        ("/abs/lib", "/abs/lib"), ("a.whl", "a.whl"), ("v/a-1.0.tar.gz", "v/a-1.0.tar.gz"),
        ("file:///x/y", "/x/y"), ("a @ file:///x/y.whl", "/x/y.whl"), ("a@file:///x", "/x"),
        ("a @ https://h/x.whl", None), ("https://h/a.whl", None), ("git+https://h/a", None),
        ("git+ssh://git@h/a.git", None), ("./lib ; python_version < '3'", "./lib"),
        ("flask; sys_platform == 'a/b'", None), ("file:///x/y%20z", "/x/y z"),
        ("a.zip", "a.zip"), ("./a@b", "./a@b"), ("hg+http://h/x", None),
    ],
)  # fmt: skip
def test_requirements_that_are_paths(requirement: str, path: str | None) -> None:
    assert local_path(requirement) == path


pip_req_file = pytest.importorskip("pip._internal.req.req_file", reason="pip is not importable")


def pips_lines(text: str) -> list[tuple[int, str]]:
    return list(pip_req_file.preprocess(text))


def read(text: str) -> tuple[list[Line], int]:
    """Returns the lines, and the line of the error that ended them or 0."""
    lines: list[Line] = []
    try:
        lines.extend(read_lines(text, {}))
    except RequirementsError as error:
        return lines, error.line
    return lines, 0


@given(st.text(st.sampled_from("ab-#= \\\n\t$'\"r/."), max_size=40))
def test_lines_are_joined_and_stripped_as_pip_does(text: str) -> None:
    """Joining, comments and numbers: every requirement or option stands on pip's logical line."""
    theirs = dict(pips_lines(text))
    ours, broken = read(text)

    assert {line.number for line in ours} <= theirs.keys()
    assert broken == 0 or broken in theirs
    for line in ours:
        if line.kind == "requirement":
            assert theirs[line.number].startswith(line.value)


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused_with_a_line(content: bytes) -> None:
    try:
        text = decode(content)
    except RequirementsError:
        assert content.startswith(
            (b"#", b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff", b"\0\0\xfe\xff")
        ) or (b"\n#" in content)
        return
    lines, broken = read(text)
    assert all(1 <= line.number <= text.count("\n") + len(text) + 1 for line in lines)
    assert broken <= len(text.splitlines())


def test_a_long_file_takes_linear_time() -> None:
    text = "a \\\n" * 50_000 + "b\n" + "# " * 200_000 + "\n" + "x" * 1_000_000 + " #" * 100_000
    text += "\nc" + " " * 1_000_000 + "d\n" + "[" * 1_000_000

    lines = list(read_lines(text, {}))
    assert len(lines) == 4
    assert local_path(lines[-1].value) is None
