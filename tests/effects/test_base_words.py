"""Another image in a FROM line, around its variables or in the default of an ARG."""

from __future__ import annotations

import pytest

from optimizer.cst.edit import apply
from optimizer.effects.base_words import renamed_base
from optimizer.knowledge.installs import Obstacle
from tests.views import view


def renamed(text: str, image: str, given: frozenset[str] = frozenset()) -> str | Obstacle:
    seen = view(text)
    found = renamed_base(seen.dockerfile, seen.stages, seen.stages.stages[-1], image, given)
    return found if isinstance(found, Obstacle) else apply(seen.dockerfile, found)


SLIM = "python:3.12-slim"
WRITTEN = [
    ("FROM python:3.12\n", f"FROM {SLIM}\n"),
    ("FROM --platform=$BUILDPLATFORM python:3.12 AS x\n",
     f"FROM --platform=$BUILDPLATFORM {SLIM} AS x\n"),
    ("ARG V=3.12\nFROM python:$V\n", "ARG V=3.12\nFROM python:$V-slim\n"),
    ("ARG V=3.12\nFROM python:${V} as x\n", "ARG V=3.12\nFROM python:${V}-slim as x\n"),
    ("ARG I=python\nFROM ${I}:3.12\n", "ARG I=python\nFROM ${I}:3.12-slim\n"),
    ("ARG B=python:3.12\nFROM $B\n", f"ARG B={SLIM}\nFROM $B\n"),
    ('ARG B="python:3.12"\nFROM $B\n', f'ARG B="{SLIM}"\nFROM $B\n'),
    ("ARG A=1 B=python:3.12\nFROM $B\n", f"ARG A=1 B={SLIM}\nFROM $B\n"),
]  # fmt: skip


@pytest.mark.parametrize(("before", "after"), WRITTEN, ids=[row[0] for row in WRITTEN])
def test_written(before: str, after: str) -> None:
    assert renamed(before, SLIM) == after


def test_codename_behind_a_variable() -> None:
    text = "ARG V=3.12\nFROM python:${V}-bookworm\n"
    wanted = "ARG V=3.12\nFROM python:${V}-slim-bookworm\n"
    assert renamed(text, "python:3.12-slim-bookworm") == wanted


HELD = [
    ("two consumers", "ARG B=python:3.12\nFROM $B AS a\nFROM $B\n", frozenset()),
    ("declared again", "ARG B=python:3.12\nFROM $B\nARG B\nRUN echo $B\n", frozenset()),
    ("declared twice", "ARG B=python:3.11\nARG B=python:3.12\nFROM $B\n", frozenset()),
    ("given", "ARG B=python:3.12\nFROM $B\n", frozenset(("B",))),
    ("behind another", "ARG A=python:3.12\nARG B=$A\nFROM $B\n", frozenset()),
    ("with a default in place", "ARG B=python:3.12\nFROM ${B:-python:3.11}\n", frozenset()),
]


@pytest.mark.parametrize(("text", "given"), [row[1:] for row in HELD], ids=[r[0] for r in HELD])
def test_held(text: str, given: frozenset[str]) -> None:
    found = renamed(text, SLIM, given)
    assert isinstance(found, Obstacle)
    assert found.code == "unknown-argument"


def test_text_behind_a_tag_that_may_be_any_is_held() -> None:
    """`3.12-bookworm` and `-slim` together are no tag of python."""
    found = renamed("ARG T=3.12-bookworm\nFROM python:$T AS a\nFROM python:$T\n", SLIM)
    assert isinstance(found, Obstacle)
