"""Which stages no known build reaches."""

from __future__ import annotations

import pytest

from optimizer.cst.parse import parse
from optimizer.cst.source import Source
from optimizer.model.stages import Invocation, read_stages
from optimizer.model.unreached import unreached

TREE = """\
FROM scratch AS a
FROM a AS b
FROM scratch AS c
COPY --from=b / /
FROM a AS last
"""


def left(text: str, *targets: str, target: str | None = None) -> list[tuple[str, list[str]]]:
    tree = parse(Source("Dockerfile", text))
    invocation = Invocation(target=target)
    found = unreached(tree, read_stages(tree, invocation), invocation, targets)
    return [(each.stage.label, [own.label for own in each.alone_for_it]) for each in found]


CHAINS = [
    ("nobody asks for it", (), None, [("c", ["b"])]),
    ("another build makes it", ("c",), None, []),
    ("another build makes what it needs", ("b",), None, [("c", [])]),
    ("this build makes it", (), "c", []),
    ("a target that is not there", ("nosuch",), None, [("c", ["b"])]),
    ("names have no case", ("C",), None, []),
]


@pytest.mark.parametrize(
    ("targets", "target", "answer"), [row[1:] for row in CHAINS], ids=[row[0] for row in CHAINS]
)
def test_targets_are_followed(
    targets: tuple[str, ...], target: str | None, answer: list[tuple[str, list[str]]]
) -> None:
    assert left(TREE, *targets, target=target) == answer


def test_what_two_unreached_stages_need_is_alone_for_neither() -> None:
    text = "FROM scratch AS a\nFROM a AS b\nFROM a AS c\nFROM scratch\n"
    assert left(text) == [("b", []), ("c", [])]


CHOSEN = [
    ("in braces", "x-${V}", []),
    ("bare", "x-$V", []),
    ("with a default", "${V:-x-one}", []),
    ("in the middle", "$A-o$B", []),
    ("another word", "y-$V", ["x-one"]),
    ("too short for both ends", "x-one$V-one", ["x-one"]),
]


@pytest.mark.parametrize(
    ("base", "answer"), [row[1:] for row in CHOSEN], ids=[row[0] for row in CHOSEN]
)
def test_variable_in_a_from_may_choose_a_stage(base: str, answer: list[str]) -> None:
    text = f"ARG V=y\nARG A=y\nARG B=y\nFROM scratch AS x-one\nFROM {base} AS last\n"
    assert [name for name, _ in left(text)] == answer


def test_trigger_takes_files_of_it() -> None:
    text = "FROM scratch AS a\nFROM scratch AS b\nONBUILD COPY --from=a / /\nFROM b\n"
    assert left(text) == []


def test_many_stages_of_no_use_are_not_listed() -> None:
    assert left("FROM scratch\n" * 1000) == []
    assert len(left("FROM scratch\n" * 100)) == 99
