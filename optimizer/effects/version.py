"""What analyses of effects ask of a view; `optimizer.view.View` answers it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from optimizer.cst.nodes import Dockerfile
from optimizer.effects.effects import Effects
from optimizer.model.stages import Stages, Step


class Version(Protocol):
    """One version of a file: its text, its stages, and what each step reads and writes. An
    analysis that asks more has a protocol of its own on top."""

    @property
    def dockerfile(self) -> Dockerfile: ...

    @property
    def stages(self) -> Stages: ...

    @property
    def effects(self) -> Callable[[Step], Effects]: ...
