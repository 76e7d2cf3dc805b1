"""Installs that the lifecycle scripts of an install run: ``"postinstall": "cd web && yarn"``."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

from optimizer.knowledge.installs import Call, Install, Obstacle
from optimizer.knowledge.manifests import Held, Survey, hold

_MODULES = {"npm": "npm", "yarn": "yarn", "yarnpkg": "yarn", "pnpm": "pnpm", "bun": "bun"}
_DEEPEST = 8


def looker(survey: Survey, above: frozenset[str]) -> Callable[[Call], None]:
    """Returns what looks at an install within those of ``above``, each ``directory words``.

    An install that runs itself again is looked at once. Holds where the command is no install.
    """

    def look(call: Call) -> None:
        place = f"{call.directory} {call.words}"
        if place in above or len(above) >= _DEEPEST:
            return
        module: Any = import_module(f"optimizer.knowledge.node.{_MODULES[call.program]}")
        answer = module.recognise(call)
        if isinstance(answer, Obstacle):
            raise Held(answer)
        if not isinstance(answer, Install):
            hold(
                "install-script-reads-source",
                f"A lifecycle script runs `{' '.join(call.words)}`, and what that reads of the "
                "project is not known.",
                "Install with --ignore-scripts and run the script after the sources are copied.",
            )
        module.look(call, survey, above | {place})

    return look
