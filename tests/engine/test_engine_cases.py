"""Every case with ``lanes = ["engine"]`` leaves the image as it was."""

from __future__ import annotations

import re
import secrets
import shutil
import time
from pathlib import Path

import pytest

from optimizer.verify.compare import ABSENT, Chance, Difference, changed
from optimizer.verify.image import Image
from tests.cases import Case, all_cases
from tests.engine.bases import make_room, provide, stand_ins_named_in
from tests.engine.build import build
from tests.engine.daemon import Engine
from tests.engine.image import ImageReader

pytestmark = pytest.mark.engine

CASES = [pytest.param(case, id=case.id) for case in all_cases() if "engine" in case.lanes]


def cold_build(engine: Engine, case: Case, context: Path, dockerfile: Path) -> str:
    """Builds with nothing to reuse, cache mounts included, and returns the image's id."""
    built = build(
        engine,
        context,
        dockerfile,
        target=case.target,
        no_cache=True,
        build_args={"BUILDKIT_CACHE_MOUNT_NS": secrets.token_hex(8)},
    )
    assert built.ok, built.log
    assert built.image_id is not None
    return built.image_id


def lay_over(case: Case, context: Path, beside: Path) -> Path:
    """Changes the context as the case does and returns the new Dockerfile, put ``beside`` it.

    The Dockerfile in the context stays as it is: where the context is copied whole, its
    text would be a difference (and, for a tool that hashes folders, make more).
    """
    dockerfile = beside / "Dockerfile"
    shutil.copy(case.after / case.dockerfile, dockerfile)
    for path in case.after.rglob("*"):
        place = path.relative_to(case.after)
        if path.is_file() and place.as_posix() != case.dockerfile:
            shutil.copy(path, context / place)
    ignore = context / f"{case.dockerfile}.dockerignore"
    if ignore.is_file():
        shutil.copy(ignore, beside / "Dockerfile.dockerignore")
    return dockerfile


def is_said(difference: Difference, case: Case, before: Image) -> bool:
    """Tells whether a difference is another file that the case changes, one it drops, or a
    directory that is gone since it held nothing but those."""
    journal = (case.folder / "journal.txt").read_text()
    changed = [
        path.relative_to(case.after).as_posix() for path in case.after.rglob("*") if path.is_file()
    ]
    paths = [*changed, *re.findall(r" drops=/*(\S+)", journal)]
    wanted = re.compile("|".join(rf"/{re.escape(path)}(?:/|$)" for path in paths) or "(?!)")
    if wanted.search(difference.where) is not None:
        return True
    below = [each for each in before.files if each.startswith(f"{difference.where}/")]
    files = (each for each in below if before.files[each].kind != "dir")
    return bool(below) and difference.after == ABSENT and all(map(wanted.search, files))


@pytest.mark.parametrize("case", CASES)
def test_image_stays_as_it_was(
    case: Case, engine: Engine, images: ImageReader, context: Path, tmp_path: Path
) -> None:
    shutil.copytree(case.before, context, symlinks=True, dirs_exist_ok=True)
    dockerfile = context / case.dockerfile
    make_room(engine)
    provide(engine, stand_ins_named_in(dockerfile.read_text("utf-8", "surrogateescape")))
    # Not for the builds, but for the room that earlier ones take.
    engine.forget_builds()
    before = cold_build(engine, case, context, dockerfile)
    if not (case.after / case.dockerfile).is_file():
        return
    unchanged = tmp_path / "unchanged"
    shutil.copytree(context, unchanged, symlinks=True)
    after = cold_build(engine, case, context, lay_over(case, context, tmp_path))
    original, rewritten = images.read_all([before, after])
    found = changed(original, rewritten, Chance.of([original]))
    if found:
        # It may be chance: what tools write down in whole seconds, for one thing. Where nothing
        # differs, chance has nothing to take away.
        time.sleep(1)
        control = cold_build(engine, case, unchanged, unchanged / case.dockerfile)
        again = images.read(control)
        found = changed(original, rewritten, Chance.of([original, again]))
    assert [
        str(difference) for difference in found if not is_said(difference, case, original)
    ] == []
