"""Which transforms exist. The only place that looks up to `transforms`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module

from optimizer import pipeline
from optimizer.effects import obstacles as effects
from optimizer.knowledge import obstacles as knowledge
from optimizer.transform import Transform


class UnknownTransform(LookupError):
    """A transform was named that does not exist. ``args[0]`` is the name."""


def transforms(select: Sequence[str] = (), without: Sequence[str] = ()) -> tuple[Transform, ...]:
    """Returns the transforms in pipeline order: those in ``select`` (all, when empty)
    but for those in ``without``. Raises `UnknownTransform` for a name that is none."""
    catalogue: tuple[Transform, ...] = import_module("transforms").CATALOGUE
    known = {transform.id for transform in catalogue}
    for name in (*select, *without):
        if name not in known:
            raise UnknownTransform(name)
    return tuple(
        transform
        for transform in catalogue
        if (not select or transform.id in select) and transform.id not in without
    )


def refusal_codes() -> Mapping[str, str]:
    """Returns every refusal code with its meaning, one sentence each."""
    codes = {**knowledge.CODES, **effects.CODES, **pipeline.CODES}
    for transform in transforms():
        codes.update(transform.codes)
    return codes
