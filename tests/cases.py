"""The cases under ``fixtures/cases``: what is in one, and how to run it.

A case is ``fixtures/cases/<transform>/<reason>/`` with ``before/`` (a build
context with its Dockerfile), ``after/`` (the files that change; none: nothing
changes), ``journal.txt`` (what was applied and held back) and, where the
defaults do not fit, ``case.toml``: ``dockerfile``, ``target``, ``lanes``.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from optimizer.catalog import transforms
from optimizer.context.tree import BuildContext
from optimizer.cst.source import Source
from optimizer.journal import ContextAnswer, Outcome
from optimizer.model.stages import Invocation
from optimizer.pipeline import run
from optimizer.proposal import Safety
from optimizer.view import Build

CASES = Path(__file__).resolve().parent.parent / "fixtures" / "cases"


@dataclass(frozen=True)
class Case:
    """One directory of `CASES`."""

    folder: Path
    dockerfile: str
    target: str | None
    lanes: tuple[str, ...]

    @property
    def id(self) -> str:
        """``<transform>/<reason>``."""
        return self.folder.relative_to(CASES).as_posix()

    @property
    def before(self) -> Path:
        return self.folder / "before"

    @property
    def after(self) -> Path:
        return self.folder / "after"

    def outcome(self, text: str | None = None) -> Outcome:
        """Runs the case's transform alone on ``before/``, or on ``text`` in its place."""
        path = self.before / self.dockerfile
        source = Source.from_bytes(self.dockerfile, path.read_bytes())
        if text is not None:
            source = Source(self.dockerfile, text)
        build = Build(
            BuildContext(self.before, dockerfile=path),
            Invocation(target=self.target),
            ContextAnswer(".", "the case"),
        )
        return run(
            self.dockerfile,
            source,
            (build,),
            transforms(select=(self.folder.parent.name,)),
            Safety.CHANGES_IMAGE,
        )


def all_cases() -> Iterator[Case]:
    """Yields every case, in the order of its id."""
    for folder in sorted(path for path in CASES.glob("*/*") if path.is_dir()):
        said = folder / "case.toml"
        options = tomllib.loads(said.read_text("utf-8")) if said.is_file() else {}
        yield Case(
            folder,
            options.get("dockerfile", "Dockerfile"),
            options.get("target"),
            tuple(options.get("lanes", ())),
        )


def journal(outcome: Outcome) -> str:
    """Says what was applied and held back, one line each, in words that do not change."""
    lines = [
        f"applied {change.transform} {change.safety.label}"
        + "".join(f" drops={path}" for path in change.drops)
        for change in outcome.applied
    ]
    lines += [f"held {held.transform} {held.code} line {held.line}" for held in outcome.held]
    return "".join(f"{line}\n" for line in lines)
