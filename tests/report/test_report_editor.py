"""What an editor shows of changes and steps."""

from __future__ import annotations

from dataclasses import replace

from optimizer.journal import Applied
from optimizer.proposal import Evidence, Refusal, Safety
from optimizer.report.editor import hover, lens, proposal_message, refusal_message
from optimizer.step_table import StepRow, StepTable, step_table
from tests.views import view

ROW = StepRow("0/3", 4, "RUN npm ci", (), None, ("NODE_ENV",), 0, 187, 3, 41.2, "estimate", False)
TABLE = StepTable((ROW,), "history", 200, 190, "200 commits", None)
CHANGE = Applied(
    transform="t",
    title="Copy `a\x1b` first",
    safety=Safety.SAME_BEHAVIOR,
    reason="",
    line=1,
    end_line=1,
    evidence=(
        Evidence("steps_rerun", "edit a", 4, 3, "model"),
        Evidence("rebuild_seconds", "edit a", 60, 6, "estimate"),
    ),
    drops=(),
    assumes=(),
    files=(),
    before="",
    after="",
)


def test_a_change_is_said_with_its_strongest_number_and_its_promise() -> None:
    assert proposal_message(CHANGE) == (
        "Copy `a\\x1b` first (edit a: 1 min to rebuild -> 6 s). Promise: same-behavior: the image "
        "keeps its configuration; only the files named here differ."
    )


def test_a_change_without_a_number_is_said_without() -> None:
    assert "(" not in proposal_message(replace(CHANGE, evidence=()))


def test_a_refusal_says_why_and_what_would_help() -> None:
    refusal = Refusal("c", view("FROM a\n").dockerfile.instructions[0].code, "No.", "Do it.")
    assert refusal_message(refusal) == "Held back: No. Do it."


def test_a_lens_says_how_often_and_why_a_step_runs_again() -> None:
    assert lens(ROW, TABLE) == (
        "rebuilds on 187 of 200 commits, about 41 s each: line 3 runs or $NODE_ENV changes"
    )


def test_a_lens_says_what_is_measured_and_what_is_assumed() -> None:
    row = replace(ROW, seconds=0.4, basis="measured", below=None, arguments=())
    table = replace(TABLE, basis="assumed", commits=100)
    assert lens(row, table) == "rebuilds on 187 of 100 assumed commits, 0.4 s each"


def test_a_hover_says_what_a_step_reads_writes_and_depends_on() -> None:
    seen = view("FROM node\nCOPY a.txt /b/\n", {"a.txt": b""})
    step = seen.stages.stages[0].steps[0]
    (vertex,) = seen.cache.vertices
    table = step_table(seen)
    said = hover(seen.effects(step), vertex, table.rows[0], table)
    assert "writes /b/a.txt (from a.txt)" in said
    assert "from the context a.txt" in said
    assert "files of the context: a.txt" in said


def test_a_hover_of_a_hostile_step_stays_in_its_block() -> None:
    seen = view("FROM node\nRUN echo '~~~' > '/a~~~b' \\\n && true\n")
    step = seen.stages.stages[0].steps[0]
    (vertex,) = seen.cache.vertices
    said = hover(seen.effects(step), vertex, None, step_table(seen))
    assert [line for line in said.split("\n") if "~~~" in line] == ["~~~text", "~~~"] * 2


def test_a_hover_of_a_setting_says_that_it_is_no_step_of_its_own() -> None:
    seen = view("FROM node\nENV A=1\n")
    step = seen.stages.stages[0].steps[0]
    said = hover(seen.effects(step), None, None, step_table(seen))
    assert "assigns $A" in said
    assert "no step of its own" in said
