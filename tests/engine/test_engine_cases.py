"""Every case with ``lanes = ["engine"]`` leaves the image as it was."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from tests.cases import Case, all_cases
from tests.engine.bases import provide, stand_ins_named_in
from tests.engine.build import build
from tests.engine.daemon import Engine
from tests.engine.image import Difference, Image, ImageReader, changed_by

pytestmark = pytest.mark.engine

CASES = [pytest.param(case, id=case.id) for case in all_cases() if "engine" in case.lanes]


def cold_image(
    engine: Engine, images: ImageReader, case: Case, context: Path, dockerfile: Path
) -> Image:
    """Builds with nothing to reuse, cache mounts included, and reads what came out."""
    provide(engine, stand_ins_named_in(dockerfile.read_text("utf-8", "surrogateescape")))
    engine.forget_builds()
    built = build(engine, context, dockerfile, target=case.target, no_cache=True)
    assert built.ok, built.log
    assert built.image_id is not None
    return images.read(built.image_id)


def is_the_change_itself(difference: Difference, case: Case) -> bool:
    """Tells whether an image differs in a file that the case changes, or says it drops."""
    journal = case.folder / "journal.txt"
    said = journal.read_text() if journal.is_file() else ""
    changed = [
        path.relative_to(case.after).as_posix() for path in case.after.rglob("*") if path.is_file()
    ]
    paths = [*changed, *re.findall(r" drops=(\S+)", said)]
    return any(
        re.search(rf"/{re.escape(path)}(/|$)", difference.where) is not None for path in paths
    )


@pytest.mark.parametrize("case", CASES)
def test_image_stays_as_it_was(
    case: Case, engine: Engine, images: ImageReader, context: Path, tmp_path: Path
) -> None:
    shutil.copytree(case.before, context, symlinks=True, dirs_exist_ok=True)
    dockerfile = context / case.dockerfile
    before = cold_image(engine, images, case, context, dockerfile)
    if not case.after.is_dir():
        return
    control = cold_image(engine, images, case, context, dockerfile)
    shutil.copytree(case.after, context, symlinks=True, dirs_exist_ok=True)
    after = cold_image(engine, images, case, context, dockerfile)
    unasked = [
        difference
        for difference in changed_by(before, control, after)
        if not is_the_change_itself(difference, case)
    ]
    assert not unasked, "\n".join(map(str, unasked))
