"""Seals tell dockopt's commits from those of people."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.surfaces.pr.seal import Commit, is_ours, read_commit, sealed, trailer

TREE, PARENT, OTHER = "1" * 40, "2" * 40, "3" * 40
TEXT = "A title\n\nDockopt-Transform: copy-manifests-first\nDockopt-Safety: same-image\n"
OURS = Commit(TREE, (PARENT,), sealed(TEXT, TREE, PARENT))


def test_a_commit_as_it_was_made_is_ours() -> None:
    assert is_ours(OURS)
    assert trailer(OURS.message, "Dockopt-Transform") == "copy-manifests-first"
    assert trailer(OURS.message, "Dockopt-Nothing") == ""


@pytest.mark.parametrize(
    "commit",
    [
        replace(OURS, tree=OTHER),
        replace(OURS, parents=(OTHER,)),
        replace(OURS, parents=()),
        replace(OURS, parents=(PARENT, OTHER)),
        replace(OURS, message=OURS.message.replace(b"title", b"Title")),
        replace(OURS, message=OURS.message + b"Signed-off-by: a <a@b.c>\n"),
        replace(OURS, message=OURS.message.removesuffix(b"\n")),
        replace(OURS, message=b"fixup! " + OURS.message),
        replace(OURS, message=TEXT.encode()),
        replace(OURS, message=b""),
    ],
)
def test_whatever_else_is_a_persons(commit: Commit) -> None:
    assert not is_ours(commit)


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0")))
def test_any_text_can_be_sealed(text: str) -> None:
    message = sealed(f"{text}\n", TREE, PARENT)
    assert is_ours(Commit(TREE, (PARENT,), message))
    assert not is_ours(Commit(OTHER, (PARENT,), message))


@given(st.binary())
def test_any_object_can_be_read(data: bytes) -> None:
    assert not is_ours(read_commit(data))


def test_a_commit_object_is_read() -> None:
    data = f"tree {TREE}\nparent {PARENT}\nauthor a <b> 1 +0000\ngpgsig x\n y\n\n".encode()
    assert read_commit(data + OURS.message) == OURS
