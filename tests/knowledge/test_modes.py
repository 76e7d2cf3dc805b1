"""What chmod makes of a mode, held to the real one; and what chown's operand becomes as a flag."""

from __future__ import annotations

import os
import stat
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.knowledge.modes import read_mode, read_owner

CHANGES = st.builds(
    lambda who, sign, rights: f"{who}{sign}{rights}",
    st.text("ugoa", max_size=3),
    st.sampled_from("+-="),
    st.text("rwxX", max_size=3),
)
MODES = st.lists(CHANGES, min_size=1, max_size=3).map(",".join)


def by_chmod(folder: Path, text: str, mode: int, is_dir: bool) -> int:
    place = folder / "place"
    place.mkdir() if is_dir else place.touch()
    try:
        place.chmod(mode)
        subprocess.run(["chmod", "--", text, str(place)], check=True, umask=0o022)
        return stat.S_IMODE(os.lstat(place).st_mode)
    finally:
        place.rmdir() if is_dir else place.unlink()


@given(text=MODES, mode=st.sampled_from([0o644, 0o755, 0o600, 0o711]), is_dir=st.booleans())
def test_a_mode_becomes_what_chmod_makes_of_it(
    tmp_path_factory: pytest.TempPathFactory, text: str, mode: int, is_dir: bool
) -> None:
    found = read_mode(text)
    assert found is not None
    assert found.of(mode, is_dir) == by_chmod(tmp_path_factory.getbasetemp(), text, mode, is_dir)


@pytest.mark.parametrize("text", ["4755", "g=u", "u+s", "+t", "7", "abc", "", "x" * 1000])
def test_what_is_no_plain_mode_is_not_read(text: str) -> None:
    assert read_mode(text) is None


@pytest.mark.parametrize(
    ("text", "masks"),
    [("+x", False), ("a+w", False), ("+w", True), ("=r", True), ("u=rw", False), ("755", False)],
)
def test_the_mask_counts_where_nobody_is_named(text: str, masks: bool) -> None:
    found = read_mode(text)
    assert found is not None
    assert found.masks is masks


@pytest.mark.parametrize(
    ("text", "flag"),
    [
        ("app", "app:0"),
        ("app:", "app"),
        ("app:web", "app:web"),
        (":web", "0:web"),
        ("1000", "1000:0"),
        ("1000:1000", "1000:1000"),
        ("1000:", None),
    ],
)
def test_an_owner_becomes_the_flag_that_gives_the_same(text: str, flag: str | None) -> None:
    found = read_owner(text)
    assert found is not None
    assert found.flag() == flag


@pytest.mark.parametrize("text", ["", ":", "app.web", "+5", "app:web:more", "a b"])
def test_what_names_nobody_is_not_read(text: str) -> None:
    assert read_owner(text) is None
