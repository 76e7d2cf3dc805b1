"""The files of the context that lie in an image, or went into it, through stages."""

from __future__ import annotations

import pytest

from optimizer.effects.shipped import Shipped
from tests.effects.views import view_of

FILES = {"a/run.sh": b"run", "a/lib/x.py": b"x", "b.txt": b"b"}
ONE = "FROM debian AS one\nWORKDIR /src\nCOPY . .\n"


def shipped(text: str) -> Shipped:
    view = view_of(text, FILES)
    assert view.stages.target is not None
    return Shipped(view.stages.target, view.context, view.copy)


FOUND = {
    "a copy of its own": ("FROM debian\nCOPY a/run.sh /x", "/x", b"run"),
    "an executable of its own": ("FROM debian\nCOPY --chmod=755 a/run.sh /x/", "/x/run.sh", b"run"),
    "one with a mode": ("FROM debian\nCOPY --chmod=755 a/run.sh /x", "/x", b"run"),
    "one of its parent": ("FROM debian AS p\nCOPY a /a\nFROM p", "/a/run.sh", b"run"),
    "a file of another stage": (ONE + "FROM debian\nCOPY --from=one /src/b.txt /x", "/x", b"b"),
    "a file into a folder": (ONE + "FROM debian\nCOPY --from=one /src/b.txt /x/", "/x/b.txt", b"b"),
    "several files": (
        ONE + "FROM debian\nCOPY --from=one /src/b.txt /src/a/run.sh /x/",
        "/x/run.sh",
        b"run",
    ),
    "a folder": (ONE + "FROM debian\nCOPY --from=one /src/a /x", "/x/lib/x.py", b"x"),
    "through two stages": (
        ONE + "FROM debian AS two\nCOPY --from=one /src /y\nFROM debian\nCOPY --from=two /y/a /x",
        "/x/run.sh",
        b"run",
    ),
    "the last copy counts": (
        ONE + "FROM debian\nCOPY --from=one /src/b.txt /x\nCOPY a/run.sh /x",
        "/x",
        b"run",
    ),
    "a file that a RUN made": (ONE + "FROM debian\nCOPY --from=one /src/made /x", "/x", None),
    "a file beside": (ONE + "FROM debian\nCOPY --from=one /src/a /x", "/y", None),
    "another image": ("FROM debian\nCOPY --from=busybox /b.txt /x", "/x", None),
    "a stage that takes from itself": ("FROM debian AS me\nCOPY --from=me /x /x", "/x", None),
}


@pytest.mark.parametrize(("text", "path", "content"), FOUND.values(), ids=FOUND)
def test_files_are_found_where_they_lie(text: str, path: str, content: bytes | None) -> None:
    files = shipped(text)

    assert files.read(path) == content
    assert (files.kind(path) == "file") == (content is not None)


def test_names_in_a_folder_of_another_stage_are_known() -> None:
    assert shipped(ONE + "FROM debian\nCOPY --from=one /src/a /x").children("/x") == (
        "lib",
        "run.sh",
    )


SOURCES = {
    "its own": ("FROM debian\nCOPY a /a", {"a/run.sh", "a/lib/x.py"}),
    "those of stages it takes from": (ONE + "FROM debian\nCOPY --from=one /out /out", set(FILES)),
    "those that a RUN mounts": ("FROM debian\nRUN --mount=source=a,target=/m make", {
        "a/run.sh", "a/lib/x.py"}),
    "those whose place is not known": ("FROM debian\nARG X\nCOPY a $X", {"a/run.sh", "a/lib/x.py"}),
    "none of a stage beside it": (ONE + "FROM debian\nCOPY b.txt /", {"b.txt"}),
    "none of a mounted cache": ("FROM debian\nRUN --mount=type=cache,target=/m make", set()),
}  # fmt: skip


@pytest.mark.parametrize(("text", "paths"), SOURCES.values(), ids=SOURCES)
def test_sources_that_may_be_in_the_image(text: str, paths: set[str]) -> None:
    assert {entry.path for entry in shipped(text).sources()} == paths
