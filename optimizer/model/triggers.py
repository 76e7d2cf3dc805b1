"""ONBUILD: instructions of a base image that run in the stage built on it."""

from __future__ import annotations

from optimizer.model.stages import ImageBase, Stage


def runs_triggers(stage: Stage) -> bool:
    """Tells whether steps that the stage does not show may run before its first one.

    For an image it goes by the tag: the official images that had ONBUILD
    instructions carried it in their tag (docker-library/official-images#2076).
    """
    base = stage.base
    if isinstance(base, ImageBase):
        return "onbuild" in (base.reference.tag or "")
    return bool(stage.triggers)
