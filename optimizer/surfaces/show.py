"""`dockopt print`: what the parser and the model see in one file."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Literal

from optimizer.cst.nodes import Dockerfile
from optimizer.cst.parse import parse
from optimizer.journal import Failure, Outcome
from optimizer.model.stages import Invocation
from optimizer.report.words import errors
from optimizer.surfaces.console import WRONG, put, tell
from optimizer.surfaces.load import read_file, read_source


def show(
    what: Literal["instructions", "stages"],
    file: Path,
    form: Literal["text", "json"],
    invocation: Invocation,
) -> int:
    """Prints the analysis and returns the exit code. What BuildKit would refuse is printed all
    the same, and told on standard error."""
    path = str(file)
    data = sys.stdin.buffer.read() if path == "-" else read_file(file)
    source = read_source(path, data)
    if isinstance(source, Failure):
        return _tell_errors(source)
    dockerfile = parse(source)
    text = _stages(dockerfile, form, invocation) if what == "stages" else _text(dockerfile, form)
    put(text.encode("utf-8", "backslashreplace"))
    refused = Outcome(path, (), source.text, source.text, diagnostics=dockerfile.diagnostics)
    return _tell_errors(refused)


def _text(dockerfile: Dockerfile, form: str) -> str:
    from optimizer.report import instructions

    if form == "json":
        return _json(instructions.as_json(dockerfile, dockerfile.source.path))
    return instructions.as_text(dockerfile)


def _stages(dockerfile: Dockerfile, form: str, invocation: Invocation) -> str:
    from optimizer.model.stages import read_stages
    from optimizer.report import stages

    found = read_stages(dockerfile, invocation)
    if form == "json":
        return _json(stages.as_json(found, dockerfile.source.path))
    return stages.as_text(found)


def _json(values: dict[str, object]) -> str:
    import json

    return json.dumps(values, indent=2) + "\n"


def _tell_errors(record: Failure | Outcome) -> int:
    found = errors(record)
    tell("".join(f"{line}\n" for line in found))
    return WRONG if found else 0
