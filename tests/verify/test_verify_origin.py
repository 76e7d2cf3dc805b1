"""A file of the image that the build context has is said to be that one."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from optimizer.verify.origin import in_context, with_origin
from optimizer.verify.verdict import Finding
from tests.verify.rootfs_images import image

HOST = "module.exports = 'from the host'\n"
PATH = "/app/node_modules/ms/index.js"
BEFORE = image({PATH: "installed", "/app/same": "same"})
AFTER = image({PATH: HOST, "/app/same": "same", "/app/ms/index.js": HOST})


def told(context: Path, where: str = PATH) -> str:
    return with_origin(Finding(where, "it differs"), BEFORE, AFTER, context).message


def test_the_longest_end_of_the_path_counts(tmp_path: Path) -> None:
    (tmp_path / "node_modules/ms").mkdir(parents=True)
    (tmp_path / "index.js").write_text(HOST)
    assert told(tmp_path) == "it differs: it is index.js of the build context"
    (tmp_path / "node_modules/ms/index.js").write_text(HOST)
    assert told(tmp_path) == "it differs: it is node_modules/ms/index.js of the build context"
    assert told(tmp_path, "/app/ms/index.js").endswith("it is index.js of the build context")


def test_other_bytes_are_from_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "index.js").write_text(HOST.upper())
    (tmp_path / "same").write_text("same")
    for where in (PATH, "/app/same", "/app/gone", "config Env", "build"):
        assert told(tmp_path, where) == "it differs"


def test_links_and_folders_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "there").write_text(HOST)
    (tmp_path / "index.js").symlink_to("there")
    (tmp_path / "ms").mkdir()
    assert told(tmp_path) == "it differs"


@given(st.text())
def test_no_path_crashes(path: str) -> None:
    in_context(path, AFTER.files[PATH], Path("/nowhere"))
