"""The effects of a Dockerfile's text, with a context that exists in memory only."""

from __future__ import annotations

from collections.abc import Mapping

from optimizer.context.tree import BuildContext
from optimizer.cst.parse import parse
from optimizer.cst.source import Source
from optimizer.effects.effects import Effects
from optimizer.journal import ContextAnswer
from optimizer.model.stages import Invocation
from optimizer.view import Build, View


def view_of(text: str, files: Mapping[str, bytes] | None = None) -> View:
    context = BuildContext.from_listing(files or {})
    build = Build(context, Invocation(), ContextAnswer(".", "the test"))
    return View(parse(Source("Dockerfile", text)), build)


def effects_of(text: str, files: Mapping[str, bytes] | None = None) -> list[Effects]:
    """Returns the effects of every step, stage by stage."""
    view = view_of(text, files)
    return [view.effects(step) for stage in view.stages.stages for step in stage.steps]


def pair(
    first: str,
    second: str,
    files: Mapping[str, bytes] | None = None,
    above: str = "FROM debian:bookworm-slim",
) -> tuple[Effects, Effects]:
    """Returns the effects of two instructions that stand below ``above``."""
    one, other = effects_of(f"{above}\n{first}\n{second}\n", files)[-2:]
    return one, other
