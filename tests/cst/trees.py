"""What the tests of this folder do with trees, and what must hold for each of them."""

from __future__ import annotations

import itertools

from optimizer.cst.nodes import Dockerfile, Filler, Instruction
from optimizer.cst.parse import parse
from optimizer.cst.source import Source, Span
from tests.cst.edge_cases import Here, Seen

KEYWORDS = frozenset(
    [
        "ADD",
        "ARG",
        "CMD",
        "COPY",
        "ENTRYPOINT",
        "ENV",
        "EXPOSE",
        "FROM",
        "HEALTHCHECK",
        "LABEL",
        "MAINTAINER",
        "ONBUILD",
        "RUN",
        "SHELL",
        "STOPSIGNAL",
        "USER",
        "VOLUME",
        "WORKDIR",
    ]
)


def read(text: str | bytes) -> Dockerfile:
    """Parses a text, or bytes as they come from a file."""
    data = text if isinstance(text, bytes) else text.encode("utf-8", "surrogateescape")
    return parse(Source.from_bytes("Dockerfile", data))


def seen(dockerfile: Dockerfile) -> tuple[Seen, ...]:
    """Returns what the tree says, in the form of the edge cases."""
    return tuple(_seen(dockerfile, each) for each in dockerfile.instructions)


def _seen(dockerfile: Dockerfile, instruction: Instruction, is_inner: bool = False) -> Seen:
    return Seen(
        keyword=instruction.keyword,
        line=0 if is_inner else instruction.line,
        end_line=0 if is_inner else instruction.end_line,
        arguments=_arguments(instruction),
        flags=tuple(flag.text for flag in instruction.flags),
        json=instruction.exec_form is not None,
        heredocs=()
        if is_inner
        else tuple(
            Here(each.name, dockerfile.text(each.body), each.expand, each.chomp, each.descriptor)
            for each in instruction.heredocs
        ),
        inner=_seen(dockerfile, instruction.inner, is_inner=True) if instruction.inner else None,
    )


def _arguments(instruction: Instruction) -> tuple[str, ...]:
    if instruction.keyword not in KEYWORDS - {"ONBUILD"}:
        return ()
    if instruction.keyword not in ("ENV", "LABEL"):
        return tuple(word.value for word in instruction.words)
    return tuple(
        part
        for pair in instruction.pairs
        if pair.value is not None
        for part in (pair.name.value, pair.value.value, pair.separator.strip())
    )


def check(dockerfile: Dockerfile) -> None:
    """Asserts what holds for the tree of any text."""
    _check_tiling(dockerfile)
    for instruction in dockerfile.instructions:
        _check_instruction(dockerfile, instruction)
        if instruction.inner is not None:
            _check_parts(dockerfile, instruction.inner)
    lines = [each.line for each in dockerfile.diagnostics]
    assert lines == sorted(lines)
    assert all(1 <= line <= max(1, len(dockerfile.source.line_starts)) for line in lines)
    assert all(each.column >= 1 and each.message for each in dockerfile.diagnostics)


def _check_tiling(dockerfile: Dockerfile) -> None:
    text = dockerfile.source.text
    assert "".join(dockerfile.text(node.span) for node in dockerfile.nodes) == text
    at = 0
    for node in dockerfile.nodes:
        assert node.span.start == at
        assert node.span.end > at
        at = node.span.end
        is_bom = isinstance(node, Filler) and dockerfile.text(node.span) == "\ufeff"
        assert is_bom or text[at - 1] == "\n" or at == len(text)


def _check_instruction(dockerfile: Dockerfile, instruction: Instruction) -> None:
    starts = dockerfile.source.line_starts
    first, last = instruction.code.start, instruction.span.end - 1
    assert instruction.line <= dockerfile.source.position(first)[0]
    assert dockerfile.source.position(last)[0] == instruction.end_line
    for comment in instruction.comments:
        assert instruction.span.start <= comment.start < starts[instruction.line - 1]
        assert dockerfile.text(comment).startswith("#")
        assert "\n" not in dockerfile.text(comment)
    end = instruction.code.end
    assert dockerfile.text(Span(end, instruction.span.end)).strip("\r\n") == ""
    for before, after in zip(instruction.heredocs, instruction.heredocs[1:], strict=False):
        assert before.span.end == after.span.start
    for heredoc in instruction.heredocs:
        assert heredoc.body.start == heredoc.span.start
        assert _is_inside(heredoc.body, heredoc.span)
        assert _is_inside(heredoc.span, instruction.span)
    _check_parts(dockerfile, instruction)


def _check_parts(dockerfile: Dockerfile, instruction: Instruction) -> None:
    """Every character of the logical line stands where the tree says, and so do the words."""
    logical, text = instruction.logical, dockerfile.source.text
    places = [logical.offset(at) for at in range(len(logical.text))]
    assert all(a < b for a, b in itertools.pairwise(places))
    assert "".join(text[at] for at in places) == logical.text
    at = instruction.arguments_at
    assert logical.text[at : at + len(instruction.arguments)] == instruction.arguments
    spans = [instruction.keyword_span, *(flag.span for flag in instruction.flags)]
    words = instruction.words
    spans += [word.span for word in words]
    assert all(_is_inside(span, instruction.code) for span in spans)
    assert all(a.end <= b.start for a, b in itertools.pairwise(spans))
    for word in words if instruction.exec_form is None else ():
        if "\n" not in dockerfile.text(word.span):
            assert dockerfile.text(word.span) == word.value
    for word in instruction.exec_form or ():
        assert dockerfile.text(word.span).startswith('"')
        assert dockerfile.text(word.span).endswith('"')
    for pair in instruction.pairs:
        assert _is_inside(pair.name.span, instruction.code)
        assert pair.value is None or _is_inside(pair.value.span, instruction.code)
    assert all(mount.flag in instruction.flags for mount in instruction.mounts)


def _is_inside(inner: Span, outer: Span) -> bool:
    return outer.start <= inner.start <= inner.end <= outer.end
