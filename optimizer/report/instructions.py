"""The face of ``dockopt print instructions``: what the parser saw, as JSON and as text."""

from __future__ import annotations

from collections.abc import Iterator

from optimizer.cst.nodes import Diagnostic, Dockerfile, Heredoc, Instruction
from optimizer.report.words import count, printable

SCHEMA_VERSION = 1

_WIDTH = 72
"""How much of an instruction's arguments is shown."""


def as_json(dockerfile: Dockerfile, path: str) -> dict[str, object]:
    """Returns the instructions of the file at ``path`` as values for JSON.

    Lines, flags and here-documents are BuildKit's. An ONBUILD instruction has
    ``inner``, the instruction that it holds.
    """
    return {
        "schema_version": SCHEMA_VERSION,
        "path": path,
        "escape": dockerfile.escape,
        "instructions": [_instruction(each) for each in dockerfile.instructions],
        "diagnostics": [_diagnostic(each) for each in dockerfile.diagnostics],
    }


def _instruction(instruction: Instruction) -> dict[str, object]:
    values: dict[str, object] = {
        "keyword": instruction.keyword,
        "line": instruction.line,
        "end_line": instruction.end_line,
        "flags": [flag.text for flag in instruction.flags],
        "json": instruction.exec_form is not None,
        "heredocs": [_heredoc(each) for each in instruction.heredocs],
    }
    if instruction.inner is not None:
        values["inner"] = _instruction(instruction.inner)
    return values


def _heredoc(heredoc: Heredoc) -> dict[str, object]:
    return {"name": heredoc.name, "expand": heredoc.expand, "chomp": heredoc.chomp}


def _diagnostic(diagnostic: Diagnostic) -> dict[str, object]:
    return {
        "line": diagnostic.line,
        "column": diagnostic.column,
        "message": diagnostic.message,
    }


def as_text(dockerfile: Dockerfile) -> str:
    """Returns the instructions as a table for reading, with a final line end."""
    instructions = dockerfile.instructions
    blocks = [f"{count(len(instructions), 'instruction')}, escape {dockerfile.escape}"]
    if instructions:
        lines = max(len(_lines(each)) for each in instructions)
        keywords = max(len(_keyword(each)) for each in instructions)
        rows = (row for each in instructions for row in _rows(each, lines, keywords))
        blocks.append("\n".join(rows))
    if dockerfile.diagnostics:
        rows = (
            f"  {each.line}:{each.column}  {printable(each.message)}"
            for each in dockerfile.diagnostics
        )
        blocks.append("\n".join(["BuildKit refuses", *rows]))
    return "\n\n".join(blocks) + "\n"


def _lines(instruction: Instruction) -> str:
    first, last = instruction.line, instruction.end_line
    return str(first) if first == last else f"{first}-{last}"


def _keyword(instruction: Instruction) -> str:
    return _shortened(instruction.keyword, 2 * len("HEALTHCHECK"))


def _rows(instruction: Instruction, lines: int, keywords: int) -> Iterator[str]:
    start = f"  {_lines(instruction):<{lines}}  {_keyword(instruction):<{keywords}}"
    yield f"{start}  {_arguments(instruction)}".rstrip()
    for row in _details(instruction):
        yield f"{'':{lines + keywords + 6}}{row}"
    if instruction.inner is not None:
        for row in _details(instruction.inner):
            yield f"{'':{lines + keywords + 6}}{instruction.inner.keyword} {row}"


def _arguments(instruction: Instruction) -> str:
    return _shortened(instruction.arguments, _WIDTH)


def _details(instruction: Instruction) -> Iterator[str]:
    for flag in instruction.flags:
        yield f"flag {printable(flag.text)}"
    if instruction.exec_form is not None:
        yield "JSON form"
    if instruction.keyword == "ONBUILD":
        return
    for heredoc in instruction.heredocs:
        how = "expands" if heredoc.expand else "as it is"
        chomp = ", leading tabs removed" if heredoc.chomp else ""
        yield f"here-document {printable(heredoc.name)}: {how}{chomp}"


def _shortened(text: str, width: int) -> str:
    # No more than the part that can show is looked at: an instruction may be megabytes long.
    shown = " ".join(printable(text[: 8 * width]).split())
    return shown if len(shown) <= width else shown[: width - 3] + "..."
