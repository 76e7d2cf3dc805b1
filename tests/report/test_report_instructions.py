"""``dockopt print instructions``: the form of the JSON, and a table that can be read."""

from __future__ import annotations

import json

from optimizer.cst.parse import parse
from optimizer.cst.source import Source
from optimizer.report.instructions import as_json, as_text

TEXT = """\
# syntax=docker/dockerfile:1
FROM --platform=$BUILDPLATFORM a AS b
RUN --mount=type=cache,target=/x --network=none \\
    # why
    c \\
    d
COPY <<EOF <<-'F' /y
e
EOF
\tF
ONBUILD RUN --mount=type=cache,target=/z ["g", "h"]
CMD ["i"]
FORM j
"""


def read(text: str) -> dict[str, object]:
    return as_json(parse(Source("a/Dockerfile", text)), "a/Dockerfile")


def seen(
    keyword: str,
    line: int,
    end_line: int,
    *flags: str,
    json: bool = False,
    heredocs: tuple[dict[str, object], ...] = (),
) -> dict[str, object]:
    return {
        "keyword": keyword,
        "line": line,
        "end_line": end_line,
        "flags": list(flags),
        "json": json,
        "heredocs": list(heredocs),
    }


def test_json_says_what_the_parser_saw() -> None:
    documents: tuple[dict[str, object], ...] = (
        {"name": "EOF", "expand": True, "chomp": False},
        {"name": "F", "expand": False, "chomp": True},
    )
    inner = seen("RUN", 11, 11, "--mount=type=cache,target=/z", json=True)
    assert read(TEXT) == {
        "schema_version": 1,
        "path": "a/Dockerfile",
        "escape": "\\",
        "instructions": [
            seen("FROM", 2, 2, "--platform=$BUILDPLATFORM"),
            seen("RUN", 3, 6, "--mount=type=cache,target=/x", "--network=none"),
            seen("COPY", 7, 10, heredocs=documents),
            {**seen("ONBUILD", 11, 11), "inner": inner},
            seen("CMD", 12, 12, json=True),
            seen("FORM", 13, 13),
        ],
        "diagnostics": [{"line": 13, "column": 1, "message": "unknown instruction: FORM"}],
    }


def test_json_can_be_written_for_undecodable_bytes() -> None:
    json.dumps(read("FROM a\nRUN --x=\udcff <<E\udcff\nb\n")).encode()


def test_table() -> None:
    assert as_text(parse(Source("Dockerfile", TEXT))) == (
        "6 instructions, escape \\\n"
        "\n"
        "  2     FROM     a AS b\n"
        "                 flag --platform=$BUILDPLATFORM\n"
        "  3-6   RUN      c d\n"
        "                 flag --mount=type=cache,target=/x\n"
        "                 flag --network=none\n"
        "  7-10  COPY     <<EOF <<-'F' /y\n"
        "                 here-document EOF: expands\n"
        "                 here-document F: as it is, leading tabs removed\n"
        '  11    ONBUILD  RUN --mount=type=cache,target=/z ["g", "h"]\n'
        "                 RUN flag --mount=type=cache,target=/z\n"
        "                 RUN JSON form\n"
        '  12    CMD      ["i"]\n'
        "                 JSON form\n"
        "  13    FORM     j\n"
        "\n"
        "BuildKit refuses\n"
        "  13:1  unknown instruction: FORM\n"
    )


def test_table_of_an_inner_here_document() -> None:
    text = "FROM a\nONBUILD RUN <<-E\nb\n\tE\n"
    assert as_text(parse(Source("Dockerfile", text))) == (
        "2 instructions, escape \\\n"
        "\n"
        "  1    FROM     a\n"
        "  2-4  ONBUILD  RUN <<-E\n"
        "                RUN here-document E: expands, leading tabs removed\n"
    )


def test_table_of_nothing() -> None:
    assert as_text(parse(Source("Dockerfile", ""))) == (
        "0 instructions, escape \\\n\nBuildKit refuses\n  1:1  file with no instructions\n"
    )


def test_table_is_short_and_printable_for_any_file() -> None:
    hostile = "FROM a\nRUN --x=\x1b[31m <<\udcff " + "b" * 100_000 + "\n" + "c" * 1_000 + "\n"
    text = as_text(parse(Source("Dockerfile", hostile)))
    text.encode()
    assert all(line.isprintable() for line in text.split("\n"))
    assert len(text) < 3_000
