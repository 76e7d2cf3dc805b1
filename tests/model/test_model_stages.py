"""Stages and the graph between them, as BuildKit finds them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.cst.parse import parse
from optimizer.cst.source import Source
from optimizer.model.graph import circle, reachable
from optimizer.model.stages import (
    Base,
    ImageBase,
    Invocation,
    ScratchBase,
    StageBase,
    Stages,
    UnknownBase,
    read_stages,
)
from optimizer.model.values import Known, Unknown


def stages(text: str, invocation: Invocation | None = None) -> Stages:
    return read_stages(parse(Source("Dockerfile", text)), invocation or Invocation())


def short(base: Base) -> str:
    """A base in one word: a stage's index, an image's text, scratch, or a question mark."""
    if isinstance(base, StageBase):
        return str(base.stage.index)
    if isinstance(base, ImageBase):
        return base.text
    return "scratch" if isinstance(base, ScratchBase) else "?"


BASES = [
    ("image", "FROM node:20", "node:20"),
    ("scratch", "FROM scratch", "scratch"),
    ("stage", "FROM x AS a\nFROM a", "0"),
    ("names of stages are in lower case", "FROM x AS Build\nFROM build", "0"),
    ("keyword in lower case", "from x as a\nfrom a", "0"),
    ("a base is not lowered", "FROM x AS a\nFROM A", "?"),
    ("the nearest stage of that name", "FROM x AS a\nFROM y AS a\nFROM a", "1"),
    ("a stage further down is an image", "FROM a\nFROM x AS a", "x"),
    ("a stage is not its own base", "FROM a AS a", "a"),
    ("an index is an image", "FROM x\nFROM 0", "0"),
    ("a stage called scratch", "FROM x AS scratch\nFROM scratch", "0"),
    ("a tag makes it an image", "FROM x AS a\nFROM a:latest", "a:latest"),
    ("global argument", "ARG V=20\nFROM node:$V", "node:20"),
    ("default in place", "FROM node:${V:-20}", "node:20"),
    ("argument that names a stage", "ARG B=a\nFROM x AS a\nFROM $B", "0"),
    ("argument of a stage is out of sight", "FROM x AS a\nARG B=y\nFROM z$B", "z"),
    ("variable of a stage is out of sight", "FROM x AS a\nENV B=y\nFROM z$B", "z"),
    ("quotes are taken off", 'FROM "node:20"', "node:20"),
    ("no value", "ARG B\nFROM $B", "?"),
    ("blank", "FROM $B", "?"),
    ("no reference", "FROM a:b:c", "?"),
    ("two words", "FROM a b", "?"),
    ("refused stage name", "FROM x AS 1\nFROM 1", "1"),
    ("predefined argument", "FROM x AS stage-amd64\nFROM stage-$TARGETARCH", "0"),
    ("here-document", "FROM x\nRUN <<E\nFROM y\nE\n", "x"),
]


@pytest.mark.parametrize(
    ("text", "base"), [row[1:] for row in BASES], ids=[row[0] for row in BASES]
)
def test_base(text: str, base: str) -> None:
    found = stages(text, Invocation(platform="linux/amd64"))
    assert short(found.stages[-1].base) == base


SOURCES = [
    ("name", "FROM x AS a\nFROM y\nCOPY --from=a b c", ["0"]),
    ("name in capitals", "FROM x AS a\nFROM y\nCOPY --from=A b c", ["0"]),
    ("index", "FROM x\nFROM y\nCOPY --from=0 b c", ["0"]),
    ("index with a sign", "FROM x\nFROM y\nCOPY --from=+0 b c", ["0"]),
    ("image", "FROM y\nCOPY --from=busybox b c", ["busybox"]),
    ("scratch", "FROM y\nCOPY --from=scratch b c", ["scratch"]),
    ("none", "FROM y\nCOPY b c", []),
    ("empty", "FROM y\nCOPY --from= b c", []),
    ("JSON form", 'FROM x AS a\nFROM y\nCOPY --from=a ["b", "c"]', ["0"]),
    ("variable", "FROM x AS a\nFROM y\nARG V=a\nCOPY --from=$V b c", ["?"]),
    ("stage further down", "FROM y\nCOPY --from=a b c\nFROM x AS a", ["?"]),
    ("the stage itself", "FROM y AS a\nCOPY --from=a b c", ["?"]),
    ("index that is not there", "FROM y\nCOPY --from=7 b c", ["?"]),
    ("negative index", "FROM y\nCOPY --from=-1 b c", ["?"]),
    ("no reference", "FROM y\nCOPY --from=a:b:c b c", ["?"]),
    ("mount", "FROM x AS a\nFROM y\nRUN --mount=from=a,target=/a b", ["0"]),
    ("mount of an image", "FROM y\nRUN --mount=from=busybox,target=/a b", ["busybox"]),
    ("a mount knows no index", "FROM x\nFROM y\nRUN --mount=from=0,target=/a b", ["0"]),
    (
        "mounts",
        "FROM x AS a\nFROM y\nRUN --mount=from=a,dst=/a --mount=from=z,dst=/z b",
        ["0", "z"],
    ),
    ("mount without a source", "FROM y\nRUN --mount=type=cache,target=/a b", []),
    ("mount from a variable", "FROM y\nRUN --mount=from=$V,target=/a b", ["?"]),
    ("ADD takes from the context", "FROM x AS a\nFROM y\nADD --from=a b c", []),
    ("ONBUILD is not run here", "FROM x AS a\nFROM y\nONBUILD COPY --from=a b c", []),
    ("the last of two names", "FROM x AS a\nFROM x AS a\nFROM y\nCOPY --from=a b c", ["1"]),
]


@pytest.mark.parametrize(
    ("text", "sources"), [row[1:] for row in SOURCES], ids=[row[0] for row in SOURCES]
)
def test_sources(text: str, sources: list[str]) -> None:
    found = [step for stage in stages(text).stages for step in stage.steps]
    step = next(
        step for step in found if step.instruction.keyword in ("COPY", "ADD", "RUN", "ONBUILD")
    )
    assert [short(source) for source in step.sources] == sources
    images = [source for source in step.sources if isinstance(source, ImageBase)]
    stage_indexes = [stage.index for stage in step.depends_on]
    assert len(images) + len(stage_indexes) <= len(sources)


def test_a_mount_index_is_an_image() -> None:
    step = stages("FROM x\nFROM y\nRUN --mount=from=0,target=/a b").stages[1].steps[0]
    assert isinstance(step.sources[0], ImageBase)
    assert step.depends_on == ()


NEEDED = [
    ("the last stage", "FROM x\nFROM y", None, [1]),
    ("its base", "FROM x AS a\nFROM a", None, [0, 1]),
    ("what it copies from", "FROM x AS a\nFROM y\nFROM z\nCOPY --from=a b c", None, [0, 2]),
    ("what it mounts", "FROM x AS a\nFROM z\nRUN --mount=from=a,target=/a b", None, [0, 1]),
    ("what that needs", "FROM x AS a\nFROM a AS b\nFROM y\nFROM z\nCOPY --from=b b c", None,
     [0, 1, 3]),
    ("a target", "FROM x AS a\nFROM y AS b\nFROM z", "b", [1]),
    ("a target in capitals", "FROM x AS a\nFROM y AS b\nFROM z", "B", [1]),
    ("a target is no index", "FROM x AS a\nFROM y", "0", []),
    ("a target that is not there", "FROM x", "a", []),
    ("the last of two targets", "FROM x AS a\nFROM y AS a\nFROM z", "a", [1]),
    ("a trigger's stage", "FROM x AS a\nFROM y AS b\nONBUILD COPY --from=a b c\nFROM b", None,
     [0, 1, 2]),
    ("no stage", "ARG A", None, []),
    ("empty file", "", None, []),
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "target", "needed"), [row[1:] for row in NEEDED], ids=[row[0] for row in NEEDED]
)
def test_needed(text: str, target: str | None, needed: list[int]) -> None:
    found = stages(text, Invocation(target=target))
    assert [stage.index for stage in found.needed] == needed
    assert (found.target is None) == (not needed)


PROBLEMS = [
    ("no problem", "FROM x AS a\nFROM a\nCOPY --from=a b c", []),
    ("blank base", "FROM $B", ["1: base name ($B) should not be blank"]),
    ("refused base", "FROM X", [
        '1: failed to parse stage name "X": invalid reference format: '
        "repository name (library/X) must be lowercase"]),
    ("refused image to copy from", "FROM x\nCOPY --from=a:b:c d e", [
        '2: failed to parse stage name "a:b:c": invalid reference format']),
    ("refused word in FROM", "FROM ${A^^}", [
        '1: failed to process "${A^^}": unsupported modifier (^) in substitution']),
    ("refused word in a global argument", "ARG A=${B:?no}\nFROM x", [
        '1: failed to process "${B:?no}": B: no']),
    ("refused word in ENV", "FROM scratch\nENV A=${B:?no}", [
        '2: failed to process "${B:?no}": B: no']),
    ("refused word in a stage that nobody needs", "FROM scratch\nENV A=${B:?no}\nFROM x", []),
    ("an image may set it", "FROM x\nENV A=${B:?no}", []),
    ("refused word in WORKDIR", "FROM x\nWORKDIR ${A", [
        '2: failed to process "${A": unsupported modifier (\ufffd) in substitution']),
    ("empty platform", "FROM --platform=$A x", ["1: empty platform value from expression $A"]),
    ("variable in --from", "FROM x\nARG A=y\nCOPY --from=$A b c", [
        "3: variable expansion is not supported for --from, define a new stage with FROM using "
        "ARG from global scope as a workaround"]),
    ("nobody needs it by index", "FROM x\nCOPY --from=1 b c\nFROM y", []),
    ("index that is not there", "FROM x\nCOPY --from=2 b c\nFROM y", ["2: invalid stage index 2"]),
    ("stage further down", "FROM x AS b\nCOPY --from=a c d\nFROM y AS a\nFROM b", [
        '2: cannot copy from stage "a", it needs to be defined before current stage "b"']),
    ("stage further down, by index", "FROM x\nCOPY --from=1 c d\nFROM y\nCOPY --from=0 c d", [
        "4: circular dependency detected on stage: stage-0"]),
    ("nobody needs it", "FROM x AS b\nCOPY --from=a c d\nFROM y AS a", []),
    ("mount of a stage further down",
     "FROM x AS b\nRUN --mount=from=a,target=/t c\nFROM y AS a\nFROM b", [
        '2: cannot mount from stage "a" to "/t", '
        "stage needs to be defined before current command"]),
    ("circle", "FROM x AS a\nCOPY --from=b c d\nFROM y AS b\nCOPY --from=a c d", [
        "4: circular dependency detected on stage: a"]),
    ("circle of one", "FROM x AS a\nCOPY --from=a c d", [
        "2: circular dependency detected on stage: a"]),
    ("circle through a base is no circle", "FROM x AS a\nCOPY --from=b c d\nFROM a AS b", [
        '2: cannot copy from stage "b", it needs to be defined before current stage "a"']),
    ("second stage of the name is further down",
     "FROM x AS a\nFROM y\nCOPY --from=a b c\nFROM z AS a\nFROM y\nCOPY --from=1 b c", [
        '3: cannot copy from stage "a", it needs to be defined before current stage "stage-1"']),
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "problems"), [row[1:] for row in PROBLEMS], ids=[row[0] for row in PROBLEMS]
)
def test_problems(text: str, problems: list[str]) -> None:
    assert [f"{each.line}: {each.message}" for each in stages(text).problems] == problems


def test_a_target_that_is_not_there_is_a_problem() -> None:
    found = stages("FROM x\nFROM y", Invocation(target="z"))
    assert [each.message for each in found.problems] == ['target stage "z" could not be found']


def test_names_and_ids() -> None:
    found = stages(
        "ARG A\nFROM x AS Build\nRUN a\nRUN b\nFROM y\nRUN c\n"
        "FROM y AS e\nRUN d\nFROM y AS e\nRUN f"
    )
    assert [stage.name for stage in found.stages] == ["build", None, "e", "e"]
    ids = [step.id for stage in found.stages for step in stage.steps]
    assert ids == ["build/1", "build/2", "1/1", "2/1", "3/1"]
    assert [step.stage_index for stage in found.stages for step in stage.steps] == [0, 0, 1, 2, 3]
    assert found.stage_named("BUILD") is found.stages[0]
    assert found.stage_named("e") is found.stages[3]
    assert found.stage_named("1") is None
    assert [each.keyword for each in found.preamble] == ["ARG"]


def test_platform_of_a_stage() -> None:
    text = "FROM --platform=linux/$TARGETARCH x\nFROM --platform=$BUILDPLATFORM x\nFROM x\n"
    first, second, third = stages(text, Invocation(platform="linux/arm64")).stages
    assert first.platform == Known("linux/arm64")
    assert isinstance(second.platform, Unknown)
    assert third.platform is None


def test_reasons_of_bases_that_are_not_known() -> None:
    base = stages("ARG B\nFROM $B").stages[0].base
    assert base == UnknownBase("$B has no default, its value comes from the build command")


def test_triggers_of_the_stage_below() -> None:
    found = stages("FROM x AS a\nONBUILD RUN b\nRUN c\nFROM a AS d\nRUN e\nFROM d")
    assert [[each.keyword for each in stage.triggers] for stage in found.stages] == [
        [],
        ["RUN"],
        [],
    ]


@given(st.dictionaries(st.integers(0, 8), st.lists(st.integers(0, 8), max_size=4)))
def test_circles_are_found_where_there_are_any(edges: dict[int, list[int]]) -> None:
    def behind(node: int) -> set[int]:
        return {found for target in edges.get(node, ()) for found in reachable(edges, target)}

    found = circle(edges, range(9))
    has_circle = any(node in behind(node) for node in range(9))
    assert (found is not None) == has_circle
    if found is not None:
        root, node, at = found
        assert node in reachable(edges, root)
        assert node in reachable(edges, edges[node][at])


LINES = st.sampled_from(
    ["FROM a AS b", "FROM b", "FROM scratch", "FROM $A", "ARG A", "ARG A=b", "ENV A=$A$B B=1",
     "ENV $A=1", "WORKDIR $A/x", "USER ${B:?x}", "COPY --from=b x y", "COPY --from=1 x y",
     "RUN <<E", "E", "RUN --mount=from=b,target=/x y", "ONBUILD ENV A=1",
     "ONBUILD COPY --from=b x y", "SHELL []", 'SHELL ["a"]', "x", "# escape=`", "\\", "FROM",
     "ENV", "ENV ${", "\udcff"]
)  # fmt: skip


@given(st.lists(LINES, max_size=12), st.sampled_from([None, "b", "x", ""]))
def test_every_instruction_is_in_one_stage(lines: list[str], target: str | None) -> None:
    tree = parse(Source("Dockerfile", "\n".join(lines)))
    check(read_stages(tree, Invocation(target=target, build_args={"B": "b"})), tree.instructions)


def check(found: Stages, instructions: tuple[object, ...]) -> None:
    """The laws that hold for every file."""
    placed: list[object] = [*found.preamble]
    for index, stage in enumerate(found.stages):
        assert stage.index == index
        placed.append(stage.instruction)
        placed += [step.instruction for step in stage.steps]
        assert not isinstance(stage.base, StageBase) or stage.base.stage.index < index
        for step in stage.steps:
            assert all(below.index < index for below in step.depends_on)
    assert placed == [*instructions]
    ids = [step.id for stage in found.stages for step in stage.steps]
    assert len(ids) == len(set(ids))
    assert (found.target is None) == (not found.needed)


def test_the_laws_hold_for_the_corpus() -> None:
    folder = os.environ.get("DOCKOPT_CORPUS")
    if not folder:
        pytest.skip("DOCKOPT_CORPUS is not set: it names a folder that holds dockerfiles/")
    files = [path for path in Path(folder, "dockerfiles").rglob("*") if path.is_file()]
    assert files
    for path in files:
        tree = parse(Source.from_bytes(str(path), path.read_bytes()))
        check(read_stages(tree, Invocation()), tree.instructions)
