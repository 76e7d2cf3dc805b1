"""What is asked of an image beyond its bytes, in the order from cheap to dear."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from optimizer.context.entries import ContextError
from optimizer.context.tree import BuildContext
from optimizer.verify.builders import Builder
from optimizer.verify.closure import References, closure
from optimizer.verify.containers import Containers
from optimizer.verify.inside import MANIFESTS, inside
from optimizer.verify.promises import Check
from optimizer.verify.smoke import smoke, without_engine

_LARGEST_MANIFEST = 1 << 20
_MOST_MANIFESTS = 50
SECONDS = 120.0
"""The time that a command in a container may take."""


def checks(
    builder: Builder,
    manifests: Mapping[str, str],
    references: References | None = None,
    seconds: float = SECONDS,
) -> tuple[Check, ...]:
    """Returns the checks that a builder's images can be put to where their bytes may differ.

    ``manifests`` come from `read_manifests`; ``references`` are asked which package owns what
    is missing; ``seconds`` is the time that each command in a container may take. The images
    have to be read with `optimizer.verify.facts.facts`.
    """
    found = closure(references)
    if builder.run_command is None:
        return (found,)
    return (found, inside(Containers(builder.run_command, builder.environment, seconds), manifests))


def smoke_check(builder: Builder, command: Sequence[str], seconds: float = SECONDS) -> Check | None:
    """Returns the check that the user's smoke command makes, None where there is no command.

    ``command`` are its words, ``seconds`` is the time that it may take in each image.
    """
    if not command:
        return None
    if builder.run_command is None:
        return without_engine
    return smoke(Containers(builder.run_command, builder.environment, seconds), command)


def read_manifests(context: BuildContext) -> Mapping[str, str]:
    """Returns the dependency manifests of a build context and of two floors of folders in it,
    text by path: the first 50, empty where one cannot be read."""
    found: dict[str, str] = {}
    for folder in ("", "*/", "*/*/"):
        for name in MANIFESTS:
            for file in context.glob(f"{folder}{name}"):
                if len(found) < _MOST_MANIFESTS and "node_modules" not in file.path.split("/"):
                    found[file.path] = _text(context, file.path)
    return found


def _text(context: BuildContext, path: str) -> str:
    try:
        return context.read_bytes(path, _LARGEST_MANIFEST).decode("utf-8", "replace")
    except ContextError:
        return ""
