"""The cases under ``fixtures``: what is in one, and how to run it.

A case is ``fixtures/cases/<transform>/<reason>/``, where that transform runs alone, or
``fixtures/pipelines/<reason>/``, where all of them run, with ``before/`` (a build
context with its Dockerfile), ``after/`` (the files that change; none: nothing
changes), ``journal.txt`` (what was applied and held back) and, where the
defaults do not fit, ``case.toml``: ``dockerfile``, ``target``, ``lanes``, ``build-args`` (names
that the command gives with values that are not known), ``[[history]]`` (so many ``commits``, the
newest first, that changed ``paths``), ``seconds`` (by the first words of a command) and
``targets`` (stages that other builds make).
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from optimizer.cache.costs import Costs
from optimizer.catalog import transforms
from optimizer.context.tree import BuildContext
from optimizer.cst.source import Source
from optimizer.history.commits import History
from optimizer.journal import ContextAnswer, Outcome
from optimizer.model.stages import Invocation
from optimizer.pipeline import run
from optimizer.proposal import Safety
from optimizer.transform import Transform
from optimizer.view import Build
from tests.histories import history_of

FIXTURES = Path(__file__).resolve().parent.parent / "fixtures"
CASES = FIXTURES / "cases"
PIPELINES = FIXTURES / "pipelines"


@dataclass(frozen=True)
class Case:
    """One directory of `CASES` or of `PIPELINES`."""

    folder: Path
    dockerfile: str = "Dockerfile"
    target: str | None = None
    lanes: tuple[str, ...] = ()
    build_args: tuple[str, ...] = ()
    history: tuple[tuple[str, ...], ...] | None = None
    seconds: Mapping[str, float] = field(default_factory=dict)
    targets: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """``<transform>/<reason>``, or ``pipelines/<reason>``."""
        return "/".join(self.folder.parts[-2:])

    @property
    def before(self) -> Path:
        return self.folder / "before"

    @property
    def after(self) -> Path:
        return self.folder / "after"

    @property
    def transforms(self) -> tuple[Transform, ...]:
        """The one that the case is of, or all of them."""
        return transforms(select=self.requested)

    @property
    def requested(self) -> tuple[str, ...]:
        """The ids of the transforms that are asked for by name."""
        of = self.folder.parent
        return () if of == PIPELINES else (of.name,)

    @property
    def build(self) -> Build:
        """How the case is built."""
        return Build(
            BuildContext(self.before, dockerfile=self.before / self.dockerfile),
            Invocation(target=self.target, build_args=dict.fromkeys(self.build_args)),
            ContextAnswer(".", "the case"),
            history=self._history,
            costs=Costs(configured=self.seconds),
            targets=lambda: self.targets,
        )

    def _history(self) -> History | None:
        return None if self.history is None else history_of(self.before, self.history)

    def outcome(
        self, text: str | None = None, catalogue: tuple[Transform, ...] | None = None
    ) -> Outcome:
        """Runs the case's transforms on ``before/``, or on ``text`` in its place; with
        ``catalogue`` those instead."""
        source = Source.from_bytes(self.dockerfile, (self.before / self.dockerfile).read_bytes())
        if text is not None:
            source = Source(self.dockerfile, text)
        chosen = self.transforms if catalogue is None else catalogue
        requested = self.requested if catalogue is None else ()
        return run(self.dockerfile, source, (self.build,), chosen, Safety(1), requested=requested)


def all_cases() -> Iterator[Case]:
    """Yields every case, in the order of its id."""
    folders = (*CASES.glob("*/*"), *PIPELINES.glob("*"))
    for folder in sorted(path for path in folders if path.is_dir()):
        said = folder / "case.toml"
        options = tomllib.loads(said.read_text("utf-8")) if said.is_file() else {}
        history = options.get("history")
        yield Case(
            folder,
            options.get("dockerfile", "Dockerfile"),
            options.get("target"),
            tuple(options.get("lanes", ())),
            tuple(options.get("build-args", ())),
            None if history is None else tuple(_commits(history)),
            options.get("seconds", {}),
            tuple(options.get("targets", ())),
        )


def _commits(rows: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, ...]]:
    for row in rows:
        yield from [tuple(row["paths"])] * row["commits"]


def journal(outcome: Outcome) -> str:
    """Says what was applied and held back, one line each, in words that do not change."""
    lines = [
        f"applied {change.transform} {change.safety.label}"
        + "".join(f" drops={path}" for path in change.drops)
        for change in outcome.applied
    ]
    lines += [f"held {held.transform} {held.code} line {held.line}" for held in outcome.held]
    return "".join(f"{line}\n" for line in lines)
