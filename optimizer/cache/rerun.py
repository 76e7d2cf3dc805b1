"""Which vertices run again, and what broke their keys."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass

from optimizer.cache.contents import Algebra, Contents
from optimizer.cache.keys import Above, Part, Selection, StageFiles, Vertex
from optimizer.cache.model import CacheModel, Comparison


@dataclass(frozen=True, slots=True)
class Rerun:
    """A vertex that BuildKit runs again, and the part of its key that is another one now.

    Where several parts are, ``part`` is the first of the vertex's own. ``certain`` is False
    where everything hangs on files of another stage, which may come out the same.
    """

    vertex: Vertex
    part: Part
    certain: bool


def rerun(before: CacheModel, after: CacheModel) -> tuple[Rerun, ...]:
    """Returns the vertices of ``after`` for which ``before`` made no equal key, in build order."""
    old, new = Comparison(before, after).keys()
    known = set(old.results)
    twins = _twins(before, after)
    found: list[Rerun] = []
    certain: dict[int, bool] = {}
    for vertex in after.vertices:
        if new.results[vertex.number] in known:
            continue
        twin = twins.get(vertex.number)
        broken = _broken(vertex, new, twin, old)
        certain[vertex.number] = any(_is_certain(part, certain) for part in broken)
        found.append(Rerun(vertex, broken[0], certain[vertex.number]))
    return tuple(found)


def touched(
    model: CacheModel, within: Callable[[Selection], int], images: int = 0
) -> Mapping[Vertex, int]:
    """Returns for each vertex, in build order, the scenarios, as bits, in which it runs again.

    ``within`` returns the scenarios that touch a selection of the context, ``images`` are
    those that move the images that the file names.
    """
    known: dict[Selection, int] = {}

    def context(_: Vertex, selection: Selection) -> int:
        if selection not in known:
            known[selection] = within(selection)
        return known[selection]

    def combine(name: Hashable, children: Sequence[int]) -> int:
        bits = images if images and _is_image(name) else 0
        for child in children:
            bits |= child
        return bits

    results = model.evaluate(Algebra(combine, context)).results
    return dict(zip(model.vertices, results, strict=True))


def _is_image(name: Hashable) -> bool:
    """Tells whether the model asks for an image: what lies in it, or a step that starts on it."""
    if not isinstance(name, tuple) or not name:
        return False
    kind, *rest = name
    return kind in ("base", "image") or any(_is_image(each) for each in rest)


def _twins(before: CacheModel, after: CacheModel) -> dict[int, Vertex]:
    """Finds for each vertex the one of the older version that stands in its place."""
    by_text: dict[tuple[int, str], list[Vertex]] = {}
    by_place: dict[tuple[int, int], Vertex] = {}
    for stage, layers in _by_stage(before).items():
        for place, vertex in enumerate(layers):
            by_text.setdefault((stage, vertex.text), []).append(vertex)
            by_place[stage, place] = vertex
    twins: dict[int, Vertex] = {}
    for stage, layers in _by_stage(after).items():
        for place, vertex in enumerate(layers):
            same = by_text.get((stage, vertex.text))
            twin = same.pop(0) if same else by_place.get((stage, place))
            if twin is not None and _keyword(twin) == _keyword(vertex):
                twins[vertex.number] = twin
    return twins


def _by_stage(model: CacheModel) -> dict[int, list[Vertex]]:
    stages: dict[int, list[Vertex]] = {}
    for vertex in model.vertices:
        stages.setdefault(vertex.stage.index, []).append(vertex)
    return stages


def _keyword(vertex: Vertex) -> str:
    return vertex.text.partition(" ")[0]


def _broken(
    vertex: Vertex, new: Contents[int], twin: Vertex | None, old: Contents[int]
) -> list[Part]:
    """Returns the parts that differ, what stands above last; never empty."""
    whole = Part("step", vertex.text, "a step that was not there")
    if twin is None:
        return [whole]
    before: dict[str, list[int]] = {}
    for part, result in zip(twin.key, old.parts[twin.number], strict=True):
        before.setdefault(part.name, []).append(result)
    broken = [
        part
        for part, result in zip(vertex.key, new.parts[vertex.number], strict=True)
        if not _takes(before, part.name, result)
    ]
    gone = [part for part in twin.key if before.get(part.name)]
    broken += [] if broken else gone
    broken.sort(key=lambda part: part.name in ("parent", "layer"))
    return broken or [whole]


def _takes(before: dict[str, list[int]], name: str, result: int) -> bool:
    results = before.get(name, [])
    if result in results:
        results.remove(result)
        return True
    return False


def _is_certain(part: Part, certain: Mapping[int, bool]) -> bool:
    if isinstance(part.value, Above):
        return certain.get(part.value.number, True)
    return not isinstance(part.value, StageFiles)
