"""Other readers of Dockerfiles agree with ours, save where they are known to be wrong.

* ``e2b-dockerfile-utils`` is BuildKit's parser in Python.
* ``dockerfile`` is BuildKit's parser as of v0.12.5, compiled. It runs in a process of
  its own: it hangs behind a fork, crashes on lone surrogates, and leaks.
* ``dockerfile-parse`` is a reader that many tools use. It cannot write a file back
  as it was, and reads lines by rules of its own.
"""

from __future__ import annotations

import importlib.util
import io
import json
import re
import subprocess
import sys
from collections.abc import Sequence

import e2b_dockerfile_utils
import pytest
from dockerfile_parse import DockerfileParser

from optimizer.cst.nodes import Dockerfile
from tests.cst.edge_cases import EDGES, Edge
from tests.cst.trees import read

Document = tuple[str, str, bool, bool]
"""Name and body of a here-document, whether it expands, whether tabs are chomped."""

Place = tuple[str, int, int, tuple[str, ...], tuple[Document, ...]]
"""Keyword in lower case, first and last line, flags, here-documents."""

BY_ID = {edge.id: edge for edge in EDGES}


def lower(keyword: str) -> str:
    """Go maps one character to one, and U+0130 to a plain i."""
    return keyword.replace("\u0130", "i").lower()


def places(dockerfile: Dockerfile) -> list[Place]:
    return [
        (
            lower(each.keyword),
            each.line,
            each.end_line,
            tuple(flag.text for flag in each.flags),
            tuple(
                (doc.name, dockerfile.text(doc.body), doc.expand, doc.chomp)
                for doc in each.heredocs
            ),
        )
        for each in dockerfile.instructions
    ]


# -- e2b-dockerfile-utils ------------------------------------------------------------------------

E2B_DISAGREES = {
    "Keywords: keyword with a dotless i is unknown": "upper case turns it into an I",
    "Keywords: keyword with a Kelvin sign for a K": "compares in upper case",
    "Keywords: keyword with a dotted capital I": "compares in upper case",
    "Directives: no-break space before the equals sign is none": r"Python's \s takes it",
    "Flags: no-break space in front of a flag": "looks at characters, BuildKit at bytes",
    "Flags: undecodable no-break space ends a flag and stands between flags": "the same",
    "Flags: undecodable no-break space in front of a flag": "the same",
    "JSON form: NaN is the shell form": "Python's json reads NaN",
    "JSON form: number that is too large is the shell form": "Python's json reads infinity",
    "Here-documents: default value in the name makes it none": "keeps the word that BuildKit drops",
    "Here-documents: under ONBUILD": "does not look inside ONBUILD",
    "Here-documents: under ONBUILD in a COPY": "does not look inside ONBUILD",
    "Here-documents: undecodable name is read as U+FFFD": "compares what stands in the file",
}


def e2b_agrees(text: str) -> bool:
    """It stops at what it refuses; then we have to refuse the same line."""
    dockerfile = read(text)
    try:
        ast = e2b_dockerfile_utils.parse_dockerfile_ast(text)
    except e2b_dockerfile_utils.DockerfileSyntaxError as error:
        line = re.search(r"on line (\d+)", str(error))
        assert line is not None
        return int(line[1]) in [each.line for each in dockerfile.diagnostics]
    theirs = [
        (
            lower(each.name),
            each.start_line,
            each.end_line,
            tuple(each.flags),
            tuple((doc.name, doc.content, doc.expand, doc.chomp) for doc in each.heredocs),
        )
        for each in ast.instructions
    ]
    return places(dockerfile) == theirs and dockerfile.escape == ast.escape_token


@pytest.mark.parametrize("edge", [pytest.param(edge, id=edge.id) for edge in EDGES])
def test_e2b_agrees_on_the_edges(edge: Edge) -> None:
    assert e2b_agrees(edge.text) == (edge.id not in E2B_DISAGREES)


def test_e2b_agrees_on_real_files(corpus: dict[str, bytes]) -> None:
    wrong = [
        name
        for name, data in corpus.items()
        if not e2b_agrees(data.decode("utf-8", "surrogateescape"))
    ]
    assert wrong == []


def test_listed_edges_exist() -> None:
    assert set(E2B_DISAGREES) | set(DOCKERFILE_DISAGREES) <= set(BY_ID)


# -- dockerfile ----------------------------------------------------------------------------------

DOCKERFILE_DISAGREES = {
    "Directives: check first": "v0.12.5 does not know the directive",
    "Directives: no-break space behind the hash": "v0.12.5 takes only ASCII white space there",
    "Flags: backtick in a flag's value": "v0.12.5 always escapes with a backslash there",
    "Here-documents: blanks in front of the name": "v0.12.5 allows none",
    "Here-documents: default value in the name makes it none": "v0.12.5 keeps the word",
    "Here-documents: under ONBUILD": "the package does not look inside ONBUILD",
    "Here-documents: under ONBUILD in a COPY": "the package does not look inside ONBUILD",
}

READ_WITH_DOCKERFILE = """
import json, sys
import dockerfile
for line in sys.stdin:
    try:
        commands = dockerfile.parse_string(json.loads(line))
    except dockerfile.GoParseError as error:
        print(json.dumps(error.args[0]))
    else:
        print(json.dumps([
            [each.cmd, each.start_line, each.end_line, each.flags,
             [[doc.name, doc.content] for doc in each.heredocs]]
            for each in commands
        ]))
"""


def dockerfile_agrees(texts: Sequence[str]) -> list[bool]:
    """Where it raises an error, we have to have that error."""
    if importlib.util.find_spec("dockerfile") is None:
        pytest.skip("the package dockerfile has no wheel for this machine")
    done = subprocess.run(
        [sys.executable, "-c", READ_WITH_DOCKERFILE],
        input="".join(json.dumps(text) + "\n" for text in texts),
        capture_output=True,
        text=True,
        check=True,
    )
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    return [_agrees_with(read(text), answer) for text, answer in zip(texts, answers, strict=True)]


def _agrees_with(ours: Dockerfile, answer: object) -> bool:
    if isinstance(answer, str):
        return answer in [each.message for each in ours.diagnostics]
    assert isinstance(answer, list)
    theirs = [
        (lower(keyword), line, end_line, tuple(flags), [tuple(document) for document in documents])
        for keyword, line, end_line, flags, documents in answer
    ]
    mine = [
        (*place, [document[:2] for document in documents]) for *place, documents in places(ours)
    ]
    return mine == theirs


def can_be_given_to_dockerfile(text: str) -> bool:
    """It cuts a text off at a NUL and crashes on undecodable bytes."""
    return "\0" not in text and text.isascii() | (text == text.encode(errors="replace").decode())


def test_dockerfile_agrees_on_the_edges() -> None:
    edges = [edge for edge in EDGES if can_be_given_to_dockerfile(edge.text)]
    agreed = dockerfile_agrees([edge.text for edge in edges])
    wrong = {edge.id for edge, agrees in zip(edges, agreed, strict=True) if not agrees}
    assert wrong == set(DOCKERFILE_DISAGREES)


def test_dockerfile_agrees_on_real_files(corpus: dict[str, bytes]) -> None:
    texts = {name: data.decode("utf-8", "surrogateescape") for name, data in corpus.items()}
    texts = {name: text for name, text in texts.items() if can_be_given_to_dockerfile(text)}
    agreed = dockerfile_agrees(list(texts.values()))
    assert [name for name, agrees in zip(texts, agreed, strict=True) if not agrees] == []


# -- dockerfile-parse ----------------------------------------------------------------------------

Row = tuple[str, int, int]
"""Keyword, first and last line."""

DOCKERFILE_PARSE_DISAGREES: list[tuple[str, str, list[Row]]] = [
    (
        "a here-document's body becomes instructions",
        "RUN <<E\nCOPY a b\nE\n",
        [("RUN", 1, 1), ("COPY", 2, 2), ("E", 3, 3)],
    ),
    ("a byte order mark becomes part of the keyword", "\ufeffRUN a\n", [("\ufeffRUN", 1, 1)]),
    ("two backslashes continue a line", "RUN a \\\\\nUSER b\n", [("RUN", 1, 2)]),
    ("a backslash behind the keyword becomes part of it", "RUN\\\n a\n", [("RUN\\", 1, 2)]),
    ("a keyword over two lines is cut", "RU\\\nN a\n", [("RU\\", 1, 2)]),
    (
        "a blank line ends a continuation",
        "RUN a \\\n\n  b\nUSER c\n",
        [("RUN", 1, 2), ("B", 3, 3), ("USER", 4, 4)],
    ),
    (
        "white space that is no blank stands behind a continuation",
        "RUN a \\\v\nUSER b\n",
        [("RUN", 1, 2)],
    ),
    ("a continuation at the end of the file loses the instruction", "RUN a \\\n", []),
    ("a comment there does, too", "RUN a \\\n# c\n", []),
    (
        "another directive in front of escape hides it",
        "# check=skip=all\n# escape=`\nRUN a `\n b\n",
        [("RUN", 3, 3), ("B", 4, 4)],
    ),
    ("U+001C is white space", "\x1c\nRUN a\n", [("RUN", 2, 2)]),
    ("a no-break space ends a keyword", "RUN\u00a0a\n", [("RUN", 1, 1)]),
    ("a long s makes an instruction", "U\u017fER a\n", [("USER", 1, 1)]),
]


def dockerfile_parse_rows(data: bytes) -> list[Row]:
    structure = DockerfileParser(fileobj=io.BytesIO(data)).structure
    return [
        (each["instruction"], each["startline"] + 1, each["endline"] + 1)
        for each in structure
        if each["instruction"] != "COMMENT"
    ]


def rows(dockerfile: Dockerfile) -> list[Row]:
    return [(each.keyword, each.line, each.end_line) for each in dockerfile.instructions]


@pytest.mark.parametrize(
    ("text", "theirs"),
    [pytest.param(*row, id=reason) for reason, *row in DOCKERFILE_PARSE_DISAGREES],
)
def test_dockerfile_parse_disagrees(text: str, theirs: list[Row]) -> None:
    assert dockerfile_parse_rows(text.encode()) == theirs
    assert rows(read(text)) != theirs


def test_dockerfile_parse_cannot_read_bytes_that_are_no_utf_8() -> None:
    with pytest.raises(UnicodeDecodeError):
        dockerfile_parse_rows(b"RUN caf\xe9\n")


def test_dockerfile_parse_agrees_on_real_files_but_for_known_reasons(
    corpus: dict[str, bytes],
) -> None:
    checked = 0
    for name, data in corpus.items():
        dockerfile = read(data)
        if not is_known_to_disagree(dockerfile):
            assert dockerfile_parse_rows(data) == rows(dockerfile), name
            checked += 1
    assert checked > len(corpus) / 2


def is_known_to_disagree(dockerfile: Dockerfile) -> bool:
    """Tells whether one of the rows above is about something that is in the file."""
    text, escape = dockerfile.source.text, dockerfile.escape
    messages = [each.message for each in dockerfile.diagnostics]
    return (
        text.startswith("\ufeff")
        or text.rstrip().endswith(escape)
        or escape * 2 + "\n" in text
        or "unterminated heredoc" in messages
        or any(
            each.heredocs
            or text.startswith(escape, each.keyword_span.end)
            or _has_blank_line(dockerfile.text(each.code))
            for each in dockerfile.instructions
        )
    )


def _has_blank_line(code: str) -> bool:
    return any(not line.strip() for line in code.split("\n"))
