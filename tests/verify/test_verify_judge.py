"""The judge, with a builder that makes images out of the text: verdicts, bisecting, tidiness."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count, pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.context.file_edit import FileEdit
from optimizer.journal import Applied
from optimizer.proposal import Safety
from optimizer.verify import judge as judges
from optimizer.verify.builders import Built, EngineFault, Failed, Order, Watch
from optimizer.verify.image import Entry, Image
from optimizer.verify.judge import Baseline, Builds, Judge
from optimizer.verify.progress import Progress
from optimizer.verify.verdict import Finding, Verdict


@pytest.fixture(autouse=True, scope="module")
def at_once() -> Iterator[None]:
    """Builds here do not depend on the clock."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(judges, "_APART_SECONDS", 0.0)
        yield


@dataclass
class Fake:
    """Every line ``PATH=CONTENT`` of a text is a file; ``random`` stands for another content each
    time, ``late`` for one that changes after the second build, ``fails`` breaks the build,
    ``hangs`` never ends, ``dies`` takes the engine along."""

    name: str = "fake"
    run_command: tuple[str, ...] | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    orders: list[Order] = field(default_factory=list)
    removed: list[Built] = field(default_factory=list)

    def check(self) -> None: ...

    def build(self, order: Order, watch: Watch) -> Built:
        self.orders.append(order)
        number = len(self.orders)
        watch(Progress())
        lines = [line.partition("=") for line in order.dockerfile.split()]
        words = {content for _, _, content in lines}
        if "dies" in words:
            raise EngineFault("it died", "Start it.")
        if "fails" in words:
            failed = Failed(
                "error", "x did not complete successfully: exit code: 1", "RUN y", ("z",)
            )
            return Built(None, None, 1.0, failed=failed)
        if "hangs" in words:
            return Built(None, None, 1.0, failed=Failed("time", "no end after 9 s", "RUN y"))
        chance = {"random": f"{number}", "late": f"{number > 2}"}
        files = {
            f"/{path}": Entry("file", 0o644, 0, 0, digest=chance.get(content, content), size=1)
            for path, _, content in lines
        }
        return Built(Image({}, files), f"image:{number}", 1.0)

    def image_bytes(self, image: str) -> int | None:
        return None

    def remove(self, built: Built) -> None:
        self.removed.append(built)


def quiet(_: str) -> Watch:
    return lambda progress: None


def chain(
    texts: Sequence[str], safety: Safety = Safety.SAME_IMAGE, drops: Sequence[str] = ()
) -> list[Applied]:
    return [
        Applied("t", "", safety, "", 1, 1, (), tuple(drops), (), (), before, after)
        for before, after in pairwise(texts)
    ]


def judge(texts: Sequence[str], builder: Fake | None = None, **more: object) -> Judge:
    return judge_changes(chain(texts, **more), texts[0], builder)  # type: ignore[arg-type]


def judge_changes(changes: Sequence[Applied], original: str, builder: Fake | None = None) -> Judge:
    builds = Builds(builder or Fake(), quiet)
    return Judge(Baseline(builds, Order(original, Path())), changes)


def outcomes(found: Judge) -> list[str]:
    return [verdict.outcome for verdict in found.verdicts()]


def test_what_holds_takes_three_builds() -> None:
    found = judge(["a=1", "a=1 ", "a=1  "])
    assert outcomes(found) == ["kept", "kept"]
    assert len(found.baseline.builds.made) == 3


def test_what_differs_by_chance_is_not_held_against_a_change() -> None:
    assert outcomes(judge(["a=random b=1", "a=random b=1 "])) == ["kept"]


@pytest.mark.parametrize(
    ("text", "note"),
    [
        ("a=random b=1", "1 place differs between builds of the same text: /a"),
        ("a=random b=random", "2 places differ between builds of the same text: /a, /b"),
        (
            "a=random b=random c=random d=random",
            "4 places differ between builds of the same text, such as /a",
        ),
    ],
)
def test_what_differs_by_chance_is_said(text: str, note: str) -> None:
    (verdict,) = judge([text, f"{text} "]).verdicts()
    assert verdict.notes == (note,)


def test_what_changes_with_the_minute_is_not_the_change() -> None:
    found = judge(["a=late", "a=late "])
    assert outcomes(found) == ["kept"]
    assert len(found.baseline.built) == 3


def test_what_an_earlier_change_brought_and_differs_by_chance_is_not_the_later_change() -> None:
    brings, moves = "a=1 b=random", "a=1 b=random "
    changes = [
        *chain(["a=1", brings], Safety.CHANGES_IMAGE),
        *chain([brings, moves], Safety.SAME_IMAGE),
    ]
    assert outcomes(judge_changes(changes, "a=1")) == ["kept", "kept"]
    wrong = [changes[0], *chain([brings, "a=2 b=random"], Safety.SAME_IMAGE)]
    assert outcomes(judge_changes(wrong, "a=1")) == ["kept", "broken"]


def test_the_original_is_not_built_for_ever() -> None:
    texts = ["a=1", *(f"a={number}" for number in range(2, 20))]
    found = judge(texts)
    assert set(outcomes(found)) == {"broken"}
    assert len(found.baseline.built) <= 4


@pytest.mark.parametrize(
    ("original", "outcome", "message"),
    [
        ("a=fails", "before-broken", "the original does not build at `RUN y`: z (exit code: 1)"),
        ("a=hangs", "unverifiable", "the original has no end after 9 s at `RUN y`"),
    ],
)
def test_an_original_without_an_image(original: str, outcome: str, message: str) -> None:
    found = judge([original, "a=1", "a=2"])
    first, second = found.verdicts()
    assert first == second
    assert (first.outcome, first.findings[0].message) == (outcome, message)
    assert len(found.baseline.builds.made) == 1


@pytest.mark.parametrize(
    ("after", "outcome", "message"),
    [
        ("a=fails", "broken", "the rewrite does not build at `RUN y`: z (exit code: 1)"),
        ("a=hangs", "unverifiable", "the rewrite has no end after 9 s at `RUN y`"),
        ("b=1", "broken", "/a is missing: a file of 1 bytes in the original"),
    ],
)
def test_a_rewrite_that_is_not_the_original(after: str, outcome: str, message: str) -> None:
    (verdict,) = judge(["a=1", after]).verdicts()
    assert (verdict.outcome, verdict.findings[0].message) == (outcome, message)


def test_a_change_behind_a_broken_build_is_not_judged() -> None:
    assert outcomes(judge(["a=1", "a=fails", "a=fails "])) == ["broken", "unverifiable"]


def test_promises_are_not_mixed() -> None:
    changes = [
        *chain(["a=1", "a=1 "]),
        *chain(["a=1 ", "a=1 b=1"], Safety.CHANGES_IMAGE),
        *chain(["a=1 b=1", "a=2 b=1"]),
    ]
    assert outcomes(judge_changes(changes, "a=1")) == ["kept", "kept", "broken"]


def test_drops_of_one_change_excuse_no_other() -> None:
    changes = [
        *chain(["a=1", "a=1 b=1"], Safety.SAME_BEHAVIOR, ["/b"]),
        *chain(["a=1 b=1", "a=1 b=1 c=1"]),
    ]
    assert outcomes(judge_changes(changes, "a=1")) == ["kept", "broken"]


def test_checks_are_asked_where_bytes_do_not_tell() -> None:
    def check(_: Built, __: Built) -> Verdict:
        return Verdict("broken", (Finding("/x", "it does not run"),))

    same = judge(["a=1", "a=1 "])
    same.checks = (check,)
    assert outcomes(same) == ["kept"]
    other = judge(["a=1", "a=1 b=1"], safety=Safety.SAME_BEHAVIOR, drops=["/b"])
    other.checks = (check,)
    assert outcomes(other) == ["broken"]


@pytest.mark.parametrize(
    ("safety", "outcomes_of_all"),
    [
        (Safety.SAME_IMAGE, ["broken", "kept", "kept"]),
        (Safety.SAME_BEHAVIOR, ["broken", "unverifiable", "kept"]),
        (Safety.CHANGES_IMAGE, ["broken", "unverifiable", "kept"]),
    ],
)
def test_the_smoke_command_is_asked_whatever_is_promised(
    safety: Safety, outcomes_of_all: Sequence[str]
) -> None:
    """What it cannot tell is no matter where every byte is the same, and is said."""
    answers = (
        Verdict("broken", (Finding("smoke", "it answers 2 instead of 1"),)),
        Verdict("unverifiable", (Finding("smoke", "it fails in the original image"),)),
        Verdict("kept", (), ("it gives the same answer",)),
    )
    for answer, outcome in zip(answers, outcomes_of_all, strict=True):
        found = judge(["a=1", "a=1 "], safety=safety)
        found.smoke = lambda before, after, answer=answer: answer
        (verdict,) = found.verdicts()
        assert verdict.outcome == outcome
        said = {*verdict.notes, *(each.message for each in verdict.findings)}
        assert {*answer.notes, *(each.message for each in answer.findings)} <= said


def test_other_files_come_over_the_context_and_ignore_files_beside_the_dockerfile() -> None:
    builder = Fake()
    files = (
        FileEdit("web/.dockerignore", None, "x"),
        FileEdit("web/package.json", "1", "2"),
    )
    change = Applied("t", "", Safety.SAME_IMAGE, "", 1, 1, (), (), (), files, "a=1", "a=1 ")
    found = judge_changes([change], "a=1", builder)
    found.root = "web"
    assert outcomes(found) == ["kept"]
    assert [order.ignore for order in builder.orders] == [None, None, "x"]
    assert builder.orders[-1].files == {"package.json": "2"}


@given(st.integers(1, 12), st.data())
def test_the_guilty_change_is_found_in_few_builds(size: int, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, size - 1))
    texts = [f"a={number > at} " + " " * number for number in range(size + 1)]
    found = judge(texts)
    guilty = found.guilty()
    assert guilty is not None
    assert guilty[0] == at
    assert len(found._built) <= size.bit_length() + 1


@given(st.lists(st.sampled_from(["same", "other"]), min_size=1, max_size=8))
def test_every_change_gets_its_own_verdict(kinds: list[str]) -> None:
    numbers, texts = count(), ["a=x"]
    for kind in kinds:
        texts.append(f"a={next(numbers)}" if kind == "other" else f"{texts[-1]} ")
    expected = ["broken" if kind == "other" else "kept" for kind in kinds]
    assert outcomes(judge(texts)) == expected


def test_nothing_is_guilty_where_all_holds() -> None:
    assert judge(["a=1", "a=1 "]).guilty() is None


@pytest.mark.parametrize("keep", [False, True])
def test_every_image_goes_unless_it_is_to_stay(keep: bool) -> None:
    builder = Fake()
    with Builds(builder, quiet, keep) as builds:
        changes = chain(["a=1", "a=2", "a=3"])
        Judge(Baseline(builds, Order("a=1", Path())), changes).verdicts()
    assert builder.removed == ([] if keep else builds.made)


def test_images_go_when_the_engine_dies_and_the_first_fault_is_told() -> None:
    class Dead(Fake):
        def image_bytes(self, image: str) -> int | None:
            return None

        def remove(self, built: Built) -> None:
            super().remove(built)
            raise EngineFault("gone", "")

    builder = Dead()
    with pytest.raises(EngineFault, match="it died"), Builds(builder, quiet) as builds:
        Judge(Baseline(builds, Order("a=1", Path())), chain(["a=1", "a=dies"])).verdicts()
    assert builder.removed == builds.made
