"""How many bytes commands write: installs of packages, builds, and the caches they leave.

A module beside this one answers for the programs of one ecosystem with `Amount` values. All of
them are estimates; `optimizer.knowledge.amounts.measured` holds the figures and says how each was
measured. What cannot be told is None, never a guess that looks like a number.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any

from optimizer.knowledge.amounts.amount import Amount, Setting
from optimizer.knowledge.installs import Call, Files

__all__ = ["Amount", "Setting", "written"]

_MODULES: Mapping[str, re.Pattern[str]] = {
    "node": re.compile(r"npm|npx|yarn|yarnpkg|pnpm|bun|bunx|corepack"),
    "python": re.compile(r"(?:pip|python|pypy)[\d.]*|uv|poetry|pipenv|pdm"),
    "compiled": re.compile(r"go|cargo|mvnw?|gradlew?|make|cmake|gcc|g\+\+|cc|c\+\+|rustc"),
    "packages": re.compile(r"apt|apt-get|apk"),
}
"""By the module's name in this room, the programs that it knows."""


def written(call: Call, files: Files, setting: Setting) -> Sequence[Amount] | None:
    """Returns what ``call`` leaves on disk, None where nothing here knows the command.

    ``files`` are those of the context that lie in the image when it runs.
    """
    for name, programs in _MODULES.items():
        if programs.fullmatch(call.program):
            module: Any = import_module(f"{__name__}.{name}")
            found: Sequence[Amount] | None = module.written(call, files, setting)
            return found if found is None else tuple(_outside(found, setting.mounts))
    return None


def _outside(amounts: Sequence[Amount], mounts: Sequence[str]) -> list[Amount]:
    """Leaves out what lands in a cache mount or a tmpfs, which no layer has."""
    return [
        each
        for each in amounts
        if not any(f"{each.path}/".startswith(f"{mount.rstrip('/')}/") for mount in mounts)
    ]
