"""What a change announces covers, and what it does not."""

from __future__ import annotations

import pytest

from optimizer.proposal import Safety
from optimizer.verify.builders import Built
from optimizer.verify.compare import Chance
from optimizer.verify.image import Entry, Image
from optimizer.verify.promises import Promise, judge

FOLDER = Entry("dir", 0o755, 0, 0)
FILE = Entry("file", 0o644, 0, 0, digest="1", size=1)
MAVEN = {"/root/.m2": FOLDER, "/root/.m2/repository": FOLDER, "/root/.m2/repository/a": FILE}


@pytest.mark.parametrize(
    ("before", "after", "kept"),
    [
        (MAVEN, {}, True),
        ({**MAVEN, "/root/.m2/settings.xml": FILE}, {}, False),
        ({"/root/.m2": FOLDER}, {}, False),
        ({}, {"/root/.m2": FOLDER}, False),
        (MAVEN, {"/root/.m2": Entry("dir", 0o700, 0, 0)}, False),
    ],
    ids=["with-all-it-held", "with-another-file", "empty", "new", "of-another-mode"],
)
def test_a_directory_goes_with_what_was_announced(
    before: dict[str, Entry], after: dict[str, Entry], kept: bool
) -> None:
    promise = Promise(Safety.SAME_BEHAVIOR, ("/root/.m2/repository",))
    old, new = (Built(Image({}, files), None, 1.0) for files in (before, after))
    assert (judge(promise, old, new, Chance()).outcome == "kept") is kept
