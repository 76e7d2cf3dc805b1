"""Views of Dockerfiles that exist in memory only."""

from __future__ import annotations

from collections.abc import Mapping

from optimizer.cache.costs import Costs
from optimizer.cache.volatility import Changes
from optimizer.context.tree import BuildContext
from optimizer.cst.parse import parse
from optimizer.cst.source import Source
from optimizer.journal import ContextAnswer
from optimizer.model.stages import Invocation
from optimizer.view import Build, View


def view(
    text: str,
    files: Mapping[str, bytes] | None = None,
    changes: Changes | None = None,
    costs: Costs | None = None,
) -> View:
    """Returns the view of ``text`` with ``files`` as its context, and ``changes`` as what
    commits change there."""
    context = BuildContext.from_listing({"Dockerfile": text.encode(), **(files or {})})
    answer = ContextAnswer(".", "the test")
    build = Build(context, Invocation(), answer, costs=costs or Costs())
    if changes is not None:
        build.__dict__["changes"] = changes
    return View(parse(Source("Dockerfile", text)), build)
