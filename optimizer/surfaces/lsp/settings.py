"""What the client's user has set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from optimizer.surfaces.load import HISTORY

_MOST_COMMITS = 100_000


@dataclass(frozen=True, slots=True)
class Settings:
    """``trusted`` says that the workspace may be built; ``history`` is how many commits say how
    often a file changes."""

    trusted: bool = False
    history: int = HISTORY

    def with_values(self, values: object) -> Settings:
        """Returns the settings with those of ``values`` that are there and make sense."""
        if not isinstance(values, Mapping):
            return self
        trusted, history = values.get("trusted"), values.get("history")
        if not isinstance(trusted, bool):
            trusted = self.trusted
        if not isinstance(history, int) or isinstance(history, bool):
            history = self.history
        return Settings(trusted, min(max(history, 0), _MOST_COMMITS))
