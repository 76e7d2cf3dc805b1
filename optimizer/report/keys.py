"""The faces of ``dockopt print cache``: what each cache key holds, and what a change breaks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from optimizer.cache.keys import Above, Part, Selection, StageFiles, Vertex
from optimizer.cache.model import CacheModel
from optimizer.cache.rerun import Rerun
from optimizer.report.words import count, printable

SCHEMA_VERSION = 1

_WIDTH = 88
"""How much of a line's text is shown."""


def as_json(
    model: CacheModel, path: str, changed: Sequence[str], found: Sequence[Rerun] | None
) -> dict[str, object]:
    """Returns the vertices of the file at ``path`` in build order as values for JSON.

    ``found`` is what runs again after the context files ``changed`` changed, None where
    nothing was asked. Then each vertex has ``reruns``: null, or the part of its key that is
    another one and whether that is certain (files of another stage may come out the same).
    """
    reruns = {each.vertex.number: each for each in found or ()}
    return {
        "schema_version": SCHEMA_VERSION,
        "path": path,
        "changed": list(changed),
        "ignored": _ignored(model, changed),
        "vertices": [
            _vertex(vertex)
            | ({} if found is None else {"reruns": _rerun(reruns.get(vertex.number))})
            for vertex in model.vertices
        ],
    }


def _ignored(model: CacheModel, changed: Sequence[str]) -> list[str]:
    return [path for path in changed if model.context.excluded(path)]


def _vertex(vertex: Vertex) -> dict[str, object]:
    return {
        "id": vertex.step.id,
        "stage": vertex.stage.label,
        "line": vertex.step.instruction.line,
        "text": vertex.text,
        "key": [_part(part) for part in vertex.key],
    }


def _part(part: Part) -> dict[str, object]:
    values: dict[str, object] = {"part": part.name, "words": part.words}
    if isinstance(part.value, Above):
        values["vertex"] = part.value.number
    elif isinstance(part.value, Selection):
        values["patterns"] = list(part.value.patterns)
        values["excludes"] = list(part.value.excludes)
    elif isinstance(part.value, StageFiles):
        values["paths"] = list(part.value.paths)
    return values


def _rerun(found: Rerun | None) -> dict[str, object] | None:
    if found is None:
        return None
    return {"part": found.part.name, "words": found.part.words, "certain": found.certain}


def as_text(model: CacheModel, changed: Sequence[str], found: Sequence[Rerun] | None) -> str:
    """Returns the chain of keys for reading; with ``found``, what runs again and why."""
    return "".join(f"{line}\n" for line in _lines(model, changed, found))


def _lines(
    model: CacheModel, changed: Sequence[str], found: Sequence[Rerun] | None
) -> Iterator[str]:
    yield f"{count(len(model.vertices), 'vertex', 'vertices')}"
    stage = None
    reruns = {each.vertex.number: each for each in found or ()}
    for vertex in model.vertices:
        if vertex.stage is not stage:
            stage = vertex.stage
            yield ""
            yield f"stage {stage.label}"
        yield f"  line {vertex.step.instruction.line}  {_shown(vertex.text)}"
        for part in vertex.key:
            yield f"      {part.name:<12}{_shown(part.words)}"
    if found is not None:
        yield ""
        yield from _answer(model, changed, reruns)


def _answer(model: CacheModel, changed: Sequence[str], reruns: dict[int, Rerun]) -> Iterator[str]:
    yield f"after a change of {', '.join(map(printable, changed))}"
    for path in _ignored(model, changed):
        yield f"  {printable(path)} is ignored: no build sees it"
    for vertex in model.vertices:
        found = reruns.get(vertex.number)
        line = f"line {vertex.step.instruction.line}  {_shown(vertex.text)}"
        if found is None:
            yield f"  cached  {line}"
            continue
        yield f"  {'runs  ' if found.certain else 'may   '}  {line}"
        yield f"          {found.part.name}: {_shown(found.part.words)}"


def _shown(text: str) -> str:
    line = " ".join(printable(text[: 4 * _WIDTH]).split())
    return line if len(line) <= _WIDTH else line[: _WIDTH - 3] + "..."
