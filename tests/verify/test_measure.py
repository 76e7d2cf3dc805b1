"""What is edited, what is counted, where the numbers go; the builder has set answers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pytest

from optimizer.context.tree import BuildContext
from optimizer.history.commits import Commit, History
from optimizer.journal import Applied, ContextAnswer
from optimizer.model.stages import Invocation
from optimizer.proposal import Evidence, Measured, Safety, Spread
from optimizer.report.terminal import Screen
from optimizer.report.verification import as_json, as_text
from optimizer.verify.builders import Built, Failed, Order, Watch
from optimizer.verify.image import Image
from optimizer.verify.judge import Baseline, Builds, Judge, Verification
from optimizer.verify.measure import (
    LARGEST_SOURCE,
    Rebuild,
    Sample,
    Unmeasured,
    edited_most,
    edited_paths,
    filled,
    measure,
    measured,
)
from optimizer.verify.progress import Vertex
from optimizer.verify.verdict import Verdict

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def vertex(name: str, *, cached: bool = False, completed: bool = True) -> Vertex:
    return Vertex(name, name, cached, NOW, NOW if completed else None)


@dataclass
class SetAnswers:
    """Builds in no time: an edit makes the last layer another one and runs the last step."""

    name: str = "set answers"
    run_command: tuple[str, ...] | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    failing: str | None = None
    broken: bool = False
    orders: list[Order] = field(default_factory=list)
    removed: int = 0

    def check(self) -> None:
        pass

    def build(self, order: Order, watch: Watch) -> Built:
        self.orders.append(order)
        if self.broken or self.failing in order.files:
            failed = Failed("error", "process did not complete: exit code: 2", "RUN lint")
            return Built(None, None, 1.0, (), failed)
        seconds = 10.0 + len(self.orders) if order.cold else 1.0
        top = "".join(order.files.values()) or "as it is"
        image = Image({}, {}, {"base": 700, "install": 200, top: 11})
        steps = (
            vertex("[internal] load build context"),
            vertex("[1/4] FROM python:3.11"),
            vertex("[2/4] COPY requirements.txt ./", cached=not order.cold),
            vertex("[3/4] RUN pip install -r requirements.txt", cached=not order.cold),
            vertex("[4/4] COPY . .", cached=not (order.cold or order.files)),
            vertex("exporting to image"),
        )
        return Built(image, None, seconds, steps)

    def image_bytes(self, image: str) -> int | None:
        return None

    def remove(self, built: Built) -> None:
        self.removed += 1


@pytest.fixture
def context(tmp_path: Path) -> BuildContext:
    (tmp_path / "app.py").write_text("print(1)\n")
    (tmp_path / "data.py").write_bytes(b"\0\1")
    (tmp_path / "long.py").write_text("#" * (LARGEST_SOURCE + 1))
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib/a.py").write_text("A = 1")
    (tmp_path / "skipped.py").write_text("")
    (tmp_path / ".dockerignore").write_text("skipped.py\n")
    return BuildContext(tmp_path)


def history(*commits: tuple[str, ...]) -> History:
    return History(Path(), tuple(Commit(str(n), n, paths) for n, paths in enumerate(commits)))


def sampled(
    context: BuildContext, builder: SetAnswers, *paths: str, repetitions: int = 3
) -> Sample:
    order = Order("FROM python:3.11\n", context.root)
    return measure(builder, order, context, paths, lambda which: lambda _: None, repetitions)


class TestEditedMost:
    def test_file_of_most_commits(self, context: BuildContext) -> None:
        commits = history(("app.py",), ("lib/a.py", "app.py"), ("README.md",), ("README.md",))
        assert edited_most(commits, context) == "app.py"

    def test_first_by_name_of_several(self, context: BuildContext) -> None:
        assert edited_most(history(("lib/a.py", "app.py")), context) == "app.py"

    @pytest.mark.parametrize(
        "path",
        [
            pytest.param("README.md", id="no-source"),
            pytest.param("gone.py", id="gone"),
            pytest.param("skipped.py", id="not-sent"),
            pytest.param("data.py", id="no-text"),
            pytest.param("long.py", id="too-long"),
            pytest.param("lib", id="a-folder"),
        ],
    )
    def test_what_no_edit_can_be_made_of(self, path: str, context: BuildContext) -> None:
        assert edited_most(history((path,), (path,)), context) is None
        assert edited_most(history((path,), (path,), ("lib/a.py",)), context) == "lib/a.py"

    def test_context_below_the_root_of_the_repository(self, context: BuildContext) -> None:
        commits = history(("app.py", "web/lib/a.py"), ("app.py",), ("website/app.py",))
        assert edited_most(commits, context, "web") == "lib/a.py"

    def test_no_history(self, context: BuildContext) -> None:
        assert edited_most(history(), context) is None


class TestMeasure:
    def test_numbers_are_those_of_the_builds(self, context: BuildContext) -> None:
        builder = SetAnswers()
        sample = sampled(context, builder, "app.py")
        assert sample.cold_seconds == (11, 12, 13)
        assert sample.image_bytes == 911
        assert sample.rebuilds == {"app.py": (Rebuild(1.0, 1, 11),) * 3}
        assert [order.cold for order in builder.orders] == [True] * 3 + [False] * 4
        assert builder.removed == len(builder.orders)

    def test_every_edit_is_new_and_leaves_the_tree_alone(self, context: BuildContext) -> None:
        builder = SetAnswers()
        sampled(context, builder, "app.py")
        texts = [order.files["app.py"] for order in builder.orders if order.files]
        assert len({*texts, "print(1)\n"}) == 4
        assert {text.rstrip("\n") for text in texts} == {"print(1)"}
        assert (context.root / "app.py").read_text() == "print(1)\n"

    def test_what_cannot_be_edited_is_left_out(self, context: BuildContext) -> None:
        sample = sampled(context, SetAnswers(), "data.py", "gone.py", "lib/a.py", repetitions=1)
        assert list(sample.rebuilds) == ["lib/a.py"]

    def test_an_edit_that_breaks_the_build_is_left_out_and_said(
        self, context: BuildContext
    ) -> None:
        builder = SetAnswers(failing="app.py")
        sample = sampled(context, builder, "app.py", "lib/a.py")
        assert list(sample.rebuilds) == ["lib/a.py"]
        (failure,) = sample.failures
        assert failure.startswith("the build after an edit of app.py, 1 of 3 fails at `RUN lint`:")
        assert builder.removed == len(builder.orders)

    def test_a_build_that_fails_anyway_is_no_measure(self, context: BuildContext) -> None:
        with pytest.raises(Unmeasured, match=r"the build cold, 1 of 3 fails at `RUN lint`: .*: 2"):
            sampled(context, SetAnswers(broken=True), "app.py")

    def test_every_build_is_announced(self, context: BuildContext) -> None:
        said: list[str] = []

        def announce(which: str) -> Watch:
            said.append(which)
            return lambda _: None

        order = Order("FROM python:3.11\n", context.root)
        measure(SetAnswers(), order, context, ["app.py"], announce, 2)
        assert said == [
            "cold, 1 of 2",
            "cold, 2 of 2",
            "with what is in the cache",
            "after an edit of app.py, 1 of 2",
            "after an edit of app.py, 2 of 2",
        ]


class TestFilled:
    BEFORE = Sample((9.0, 8.0, 30.0), 900, {"app.py": (Rebuild(7.0, 2, 211), Rebuild(5.0, 2, 215))})
    AFTER = Sample((8.0, 9.0, 10.0), 901, {"app.py": (Rebuild(1.0, 1, 11), Rebuild(2.0, 1, 15))})
    CHANGE = Applied(
        "copy-manifests-first",
        "Copy first",
        Safety.SAME_IMAGE,
        "",
        1,
        2,
        (
            Evidence("steps_rerun", "edit app.py", 2, 1, "model"),
            Evidence("steps_rerun", "edit other.py", 2, 1, "model"),
            Evidence("install_share", "the last 20 commits", 9, 1, "model"),
        ),
        (),
        (),
        (),
        "before",
        "after",
    )

    def test_prediction_gets_what_was_measured(self) -> None:
        first, *others = filled(self.CHANGE, self.BEFORE, self.AFTER).evidence
        assert (first.before, first.after) == (2, 1)
        assert (first.basis, first.predicted_by) == ("build", "model")
        assert first.measured == Measured(Spread(2, 2, 2), Spread(1, 1, 1), 2)
        assert others[:2] == list(self.CHANGE.evidence[1:])

    def test_what_people_feel_is_added(self) -> None:
        added = filled(self.CHANGE, self.BEFORE, self.AFTER).evidence[3:]
        assert [(each.metric, each.scenario, each.before, each.after) for each in added] == [
            ("build_seconds", "cold build", 9.0, 9.0),
            ("image_bytes", "image", 900, 901),
            ("rebuild_seconds", "edit app.py", 6.0, 1.5),
            ("push_bytes", "edit app.py", 213, 13),
        ]
        assert {(each.basis, each.predicted_by) for each in added} == {("build", None)}
        assert added[0].measured == Measured(Spread(9, 8, 30), Spread(9, 8, 10), 3)

    def test_second_time_changes_nothing(self) -> None:
        once = filled(self.CHANGE, self.BEFORE, self.AFTER)
        assert filled(once, self.BEFORE, self.AFTER) == once

    def test_predicted_seconds_are_no_second_number(self) -> None:
        predicted = Evidence("rebuild_seconds", "edit app.py", 8.0, 1.0, "model")
        change = replace(self.CHANGE, evidence=(predicted,))
        evidence = filled(change, self.BEFORE, self.AFTER).evidence
        (seconds,) = [each for each in evidence if each.metric == "rebuild_seconds"]
        assert (seconds.before, seconds.after) == (8.0, 1.0)
        assert (seconds.basis, seconds.predicted_by) == ("build", "model")
        assert seconds.measured == Measured(Spread(6.0, 5.0, 7.0), Spread(1.5, 1.0, 2.0), 2)

    def test_paths_come_from_the_history_and_the_predictions(self) -> None:
        assert edited_paths([self.CHANGE], "lib/a.py") == ("lib/a.py", "app.py", "other.py")
        assert edited_paths([self.CHANGE], "other.py") == ("other.py", "app.py")
        assert edited_paths([]) == ()


class TestChanges:
    """Versions of a file: each change is measured between the text before and after it."""

    def judge(self, context: BuildContext, builder: SetAnswers) -> Judge:
        texts = ["FROM a\n", "FROM b\n", "FROM c\n"]
        changes = [
            replace(TestFilled.CHANGE, before=before, after=after)
            for before, after in pairwise(texts)
        ]
        builds = Builds(builder, lambda which: lambda _: None)
        return Judge(Baseline(builds, Order(texts[0], context.root)), changes)

    def test_every_version_is_built_once(self, context: BuildContext) -> None:
        builder = SetAnswers()
        changes = measured(self.judge(context, builder), context, "lib/a.py", 1)
        cold = [order.dockerfile for order in builder.orders if order.cold]
        assert cold == ["FROM a\n", "FROM b\n", "FROM c\n"]
        scenarios = [each.scenario for each in changes[0].evidence if each.metric == "push_bytes"]
        assert scenarios == ["edit lib/a.py", "edit app.py"]
        seconds = [
            (each.before, each.after)
            for change in changes
            for each in change.evidence
            if each.metric == "build_seconds"
        ]
        first, second, third = (10.0 + n for n, o in enumerate(builder.orders, 1) if o.cold)
        assert seconds == [(first, second), (second, third)]

    def test_builds_of_the_judge_count_and_the_last_of_them_first(
        self, context: BuildContext
    ) -> None:
        """The first build of an original may pull its bases."""
        builder = SetAnswers()
        judge = self.judge(context, builder)
        assert {verdict.outcome for verdict in judge.verdicts()} == {"kept"}
        made = [order.dockerfile for order in builder.orders if order.cold]
        assert made == ["FROM a\n", "FROM a\n", "FROM c\n"]
        (change, _) = measured(judge, context, None, 1)
        cold = [order.dockerfile for order in builder.orders if order.cold]
        assert cold == [*made, "FROM b\n"]
        (seconds,) = [each for each in change.evidence if each.metric == "build_seconds"]
        assert seconds.before == 12

    def test_what_cannot_be_measured_is_said_once(self, context: BuildContext) -> None:
        said: list[str] = []
        judge = self.judge(context, SetAnswers(failing="app.py"))
        changes = measured(judge, context, "lib/a.py", 1, said.append)
        assert [each.partition(" fails")[0] for each in said] == [
            "the build after an edit of app.py, 1 of 1"
        ]
        scenarios = {each.scenario for each in changes[0].evidence if each.measured is not None}
        assert scenarios == {"cold build", "image", "edit lib/a.py"}

    def test_people_and_programs_see_the_numbers(self, context: BuildContext) -> None:
        judge = self.judge(context, SetAnswers())
        changes = measured(judge, context, None, 2)[:1]
        way = ContextAnswer(".", "its own folder")
        verdicts = (Verdict("kept"),)
        found = Verification("Dockerfile", way, Invocation(), "set", changes, verdicts, 1.0)
        text = as_text([found], Screen(colour=False, width=100))
        assert (
            "edit app.py: 1 s to rebuild -> 1 s (measured in a build, median of 2: 1 s -> 1 s)"
            in text
        )
        assert "edit app.py: 11 bytes to push -> 11 bytes" in text
        values = json.loads(json.dumps(as_json([found], "1")))
        (change,) = values["verified"][0]["changes"]
        steps = next(each for each in change["evidence"] if each["metric"] == "steps_rerun")
        assert (steps["before"], steps["after"]) == (2, 1)
        assert (steps["basis"], steps["predicted_by"]) == ("build", "model")
        by_metric = {each["metric"]: each for each in change["evidence"] if "measured" in each}
        assert by_metric["rebuild_seconds"]["measured"] == {
            "before": {"median": 1.0, "least": 1.0, "most": 1.0},
            "after": {"median": 1.0, "least": 1.0, "most": 1.0},
            "repetitions": 2,
        }
