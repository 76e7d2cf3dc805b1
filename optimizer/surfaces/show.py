"""`dockopt print`: what the parser and the model see in one file."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from optimizer.context.tree import ContextError
from optimizer.cst.nodes import Dockerfile
from optimizer.cst.parse import parse
from optimizer.journal import Failure, Outcome
from optimizer.model.stages import Invocation
from optimizer.report.words import errors
from optimizer.surfaces.console import WRONG, put, tell
from optimizer.surfaces.load import read_file, read_source

if TYPE_CHECKING:
    from optimizer.view import View


def show(
    what: Literal["instructions", "stages", "effects", "cache"],
    file: Path,
    form: Literal["text", "json"],
    invocation: Invocation,
    context: Path | None = None,
    changed: Sequence[str] = (),
) -> int:
    """Prints the analysis and returns the exit code. What BuildKit would refuse is printed all
    the same, and told on standard error.

    ``context`` is the build context, None for the file's own folder; ``changed`` are paths in
    it for which ``cache`` says what runs again.
    """
    path = str(file)
    data = sys.stdin.buffer.read() if path == "-" else read_file(file)
    source = read_source(path, data)
    if isinstance(source, Failure):
        return _tell_errors(source)
    dockerfile = parse(source)
    if what in ("effects", "cache"):
        try:
            view = _view(dockerfile, invocation, context)
            text = _cache(view, form, changed) if what == "cache" else _effects(view, form)
        except ContextError as error:
            return _tell_errors(Failure(path, f"the build context cannot be read: {error}"))
    elif what == "stages":
        text = _stages(dockerfile, form, invocation)
    else:
        text = _text(dockerfile, form)
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


def _view(dockerfile: Dockerfile, invocation: Invocation, context: Path | None) -> View:
    from optimizer.context.tree import BuildContext
    from optimizer.journal import ContextAnswer
    from optimizer.view import Build, View

    path = Path(dockerfile.source.path)
    from_input = str(path) == "-"
    root = context or (Path() if from_input else path.parent)
    tree = BuildContext(root, None if from_input else path)
    return View(dockerfile, Build(tree, invocation, ContextAnswer(str(root), "--context")))


def _effects(view: View, form: str) -> str:
    from optimizer.report import effects

    found = [view.effects(step) for stage in view.stages.stages for step in stage.steps]
    if form == "json":
        return _json(effects.as_json(found, view.dockerfile.source.path))
    return effects.as_text(found)


def _cache(view: View, form: str, changed: Sequence[str]) -> str:
    from optimizer.cache.model import ContextChange
    from optimizer.cache.rerun import rerun
    from optimizer.report import keys

    model = view.cache
    change = ContextChange(changed=tuple(changed))
    found = rerun(model, model.after(change)) if changed else None
    if form == "json":
        return _json(keys.as_json(model, view.dockerfile.source.path, changed, found))
    return keys.as_text(model, changed, found)


def _json(values: dict[str, object]) -> str:
    import json

    return json.dumps(values, indent=2) + "\n"


def _tell_errors(record: Failure | Outcome) -> int:
    found = errors(record)
    tell("".join(f"{line}\n" for line in found))
    return WRONG if found else 0
