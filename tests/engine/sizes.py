"""``python -m tests.engine sizes [APPLICATION ...]``: what the little applications weigh and cost
before and after all that dockopt does to them, as it predicts and as it is.

A row is one application of ``fixtures/apps`` that dockopt makes smaller. Sizes are in MB of 10^6
bytes, predicted and measured; times are measured once, on a machine that may have other work. The
last row holds the medians. Predictions know the sizes of the base images that the engine has, as
``dockopt fix --verify`` does: stand-ins are smaller than what they stand for.
"""

from __future__ import annotations

import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from optimizer.context.tree import BuildContext
from optimizer.cst.parse import parse
from optimizer.cst.source import Source
from optimizer.journal import ContextAnswer
from optimizer.model.stages import ImageBase, Invocation, read_stages
from optimizer.verify.archive import Reader
from optimizer.verify.builders import Order
from optimizer.verify.buildkit import Buildx
from optimizer.verify.facts import facts
from optimizer.verify.measure import Sample, measure
from optimizer.view import Build, View
from tests.engine.bases import make_room, provide, stand_ins_named_in
from tests.engine.daemon import Engine, start_engine
from tests.engine.table import APPS, ROOT, source_to_edit

HEADS = ("application", "before MB", "after MB", "less %", "cold s", "more %", "edit s", "less %",
         "smoke")  # fmt: skip
WIDTHS = (24, 13, 13, 6, 13, 6, 13, 6, 5)
SMALLER = frozenset(("split-builder-stage", "swap-slim-base"))
"""The transforms that make an image smaller."""


@dataclass(frozen=True)
class Version:
    """One text of a Dockerfile: the bytes of its image as predicted (None: not at all) and as
    measured, the seconds of a cold build and of one after an edit, and what the smoke command
    answered (None: it failed)."""

    predicted: int | None
    image_bytes: int
    cold_seconds: float
    edit_seconds: float
    answer: str | None


@dataclass(frozen=True)
class Pair:
    """An application before and after."""

    app: str
    before: Version
    after: Version

    @property
    def smaller(self) -> float:
        """The part of the image that is gone, from 0 to 1."""
        return 1 - self.after.image_bytes / self.before.image_bytes

    @property
    def faster(self) -> float:
        """The part of a rebuild after an edit that is gone."""
        return 1 - self.after.edit_seconds / self.before.edit_seconds

    @property
    def slower(self) -> float:
        """What a cold build takes more, as a part of what it took."""
        return self.after.cold_seconds / self.before.cold_seconds - 1

    @property
    def works(self) -> bool:
        return self.before.answer is not None and self.before.answer == self.after.answer


def sizes(names: Sequence[str]) -> int:
    """Builds the applications on an engine of its own and prints a row for each pair."""
    unknown = sorted(set(names) - {folder.name for folder in APPS.iterdir()})
    if unknown:
        print(f"no such application: {', '.join(unknown)}", file=sys.stderr)
        return 2
    _print(HEADS)
    engine = start_engine()
    found: list[Pair] = []
    try:
        for app in names or sorted(folder.name for folder in APPS.iterdir()):
            for pair in pairs(engine, app):
                found.append(pair)
                _print(_row(pair))
    finally:
        engine.stop()
    if found:
        _print(_medians(found))
    return 0


def pairs(engine: Engine, app: str) -> Iterator[Pair]:
    """Builds an application before and after; yields nothing where it is not made smaller."""
    with tempfile.TemporaryDirectory(prefix="dockopt-sizes-") as name:
        context = Path(name) / app
        shutil.copytree(APPS / app, context, symlinks=True)
        make_room(engine)
        file = rewritten(context)
        if not SMALLER & {change["transform"] for change in file["applied"]}:
            return
        smoke = tomllib.loads((context / "dockopt.toml").read_text())["smoke"]
        edited = source_to_edit(context)
        before, after = (
            _version(engine, context, file[side], edited, smoke) for side in ("before", "after")
        )
        yield Pair(app, before, after)


def rewritten(context: Path) -> dict[str, Any]:
    """Returns what ``dockopt fix`` says of the Dockerfile in ``context``."""
    done = subprocess.run(
        [sys.executable, "-m", "optimizer", "fix", "--format", "json", "Dockerfile"],
        cwd=context,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        check=True,
    )
    (file,) = json.loads(done.stdout)["files"]
    return dict(file)


def predicted(engine: Engine, context: Path, text: str) -> int | None:
    """Returns the predicted bytes of the image of ``text``, given the engine's base images."""
    tree = parse(Source("Dockerfile", text))
    base_bytes: dict[str, int] = {}
    for stage in read_stages(tree, Invocation()).stages:
        if isinstance(stage.base, ImageBase):
            known = image_bytes(engine, stage.base.text)
            base_bytes |= {} if known is None else {stage.base.text: known}
    build = Build(
        BuildContext(context, dockerfile=context / "Dockerfile"),
        Invocation(),
        ContextAnswer(".", "the application"),
        base_bytes=base_bytes,
    )
    size = View(tree, build).image_size
    return None if size is None else size.bytes


def image_bytes(engine: Engine, image: str) -> int | None:
    """Returns the size of an image as the engine says it, None where it has none."""
    done = engine.docker("image", "inspect", "--format={{.Size}}", image)
    return int(done.stdout) if done.returncode == 0 else None


def _version(engine: Engine, context: Path, text: str, edited: str, smoke: str) -> Version:
    provide(engine, stand_ins_named_in(text))
    builder = Buildx(Reader(facts), environment=engine.environment)
    order = Order(text, context, network="host")
    sample = _sample(builder, order, context, edited)
    built = builder.build(replace(order, cold=False), lambda progress: None)
    try:
        answer = _answer(engine, built.reference, smoke)
        measured = image_bytes(engine, built.reference or "") or 0
    finally:
        builder.remove(built)
        engine.forget_builds()
    (rebuild,) = sample.rebuilds[edited]
    return Version(
        predicted(engine, context, text),
        measured,
        sample.cold_seconds[0],
        rebuild.seconds,
        answer,
    )


def _sample(builder: Buildx, order: Order, context: Path, edited: str) -> Sample:
    tree = BuildContext(context)
    return measure(builder, order, tree, [edited], lambda which: lambda progress: None, 1)


def _answer(engine: Engine, image: str | None, smoke: str) -> str | None:
    shell = ["--entrypoint", "/bin/sh", image or "", "-c", smoke]
    done = engine.docker("run", "--rm", "--network", "none", *shell)
    return done.stdout.decode() if done.returncode == 0 else None


def _print(row: Sequence[str]) -> None:
    """Prints a row at once: the next one may take minutes."""
    cells = (cell.ljust(width) for cell, width in zip(row, WIDTHS, strict=True))
    print("  ".join(cells).rstrip(), flush=True)


def _row(pair: Pair) -> tuple[str, ...]:
    before, after = pair.before, pair.after
    return (
        pair.app,
        _megabytes(before),
        _megabytes(after),
        f"{100 * pair.smaller:.0f}",
        f"{before.cold_seconds:.1f} -> {after.cold_seconds:.1f}",
        f"{100 * pair.slower:+.0f}",
        f"{before.edit_seconds:.1f} -> {after.edit_seconds:.1f}",
        f"{100 * pair.faster:.0f}",
        "ok" if pair.works else "FAILS",
    )


def _megabytes(version: Version) -> str:
    guess = "?" if version.predicted is None else f"{version.predicted / 1e6:.0f}"
    return f"{guess} / {version.image_bytes / 1e6:.0f}"


def medians(found: Sequence[Pair]) -> Mapping[str, float]:
    """Returns the medians of what the pairs gain, as parts of what there was."""
    return {
        name: statistics.median(getattr(pair, name) for pair in found)
        for name in ("smaller", "slower", "faster")
    }


def _medians(found: Sequence[Pair]) -> tuple[str, ...]:
    middle = medians(found)
    return (
        f"median of {len(found)}",
        "",
        "",
        f"{100 * middle['smaller']:.0f}",
        "",
        f"{100 * middle['slower']:+.0f}",
        "",
        f"{100 * middle['faster']:.0f}",
        f"{sum(pair.works for pair in found)} ok",
    )
