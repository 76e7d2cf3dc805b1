"""Regular expressions that are compiled on first use.

A run of dockopt uses a fraction of the patterns that its modules hold, and compiling
all of them at import would take a good part of the time that a small file takes.
"""

from __future__ import annotations

import re
from typing import Any, cast


class _LazyPattern:
    """Stands for ``re.compile(*arguments)`` and becomes it on first use."""

    def __init__(self, pattern: str, flags: int) -> None:
        self._source = pattern
        self._flags = flags

    def __getattr__(self, name: str) -> Any:
        value = getattr(re.compile(self._source, self._flags), name)
        # Kept on the instance, so that the next use does not come here.
        setattr(self, name, value)
        return value


def pattern(text: str, flags: int = 0) -> re.Pattern[str]:
    """Returns the pattern ``text``, to be used by its methods; an invalid one raises on first use."""
    return cast("re.Pattern[str]", _LazyPattern(text, flags))
