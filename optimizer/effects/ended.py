"""Images of a file that get no security fixes any more."""

from __future__ import annotations

from optimizer.knowledge.end_of_life import end_of_life
from optimizer.knowledge.official import place_of
from optimizer.model.stages import ImageBase, Stage, Stages


def ended_images(stages: Stages) -> tuple[tuple[str, str, Stage], ...]:
    """Returns the images that stages start from and that get no fixes any more: what each is
    called in the file, since when (a date), and the first stage that starts from it."""
    found: dict[str, tuple[str, str, Stage]] = {}
    for stage in stages.stages:
        base = stage.base
        if not isinstance(base, ImageBase) or base.text in found:
            continue
        tag = base.reference.tag
        if tag is None:
            continue
        place = place_of(
            base.text.partition("@")[0].removesuffix(f":{tag}"), base.reference.familiar
        )
        day = end_of_life(place.name, tag) if place is not None else None
        if day is not None:
            found[base.text] = (base.text, day, stage)
    return tuple(found.values())
