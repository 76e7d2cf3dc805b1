"""The faces, byte for byte, and the words they share."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import pytest

from optimizer.context.file_edit import FileEdit
from optimizer.cst.nodes import Diagnostic
from optimizer.journal import Applied, ContextAnswer, Failure, Held, Outcome, Record, Skipped
from optimizer.proposal import Evidence, Measured, Safety, Spread
from optimizer.report import words
from optimizer.report.json import render
from optimizer.report.patch import patch
from optimizer.report.terminal import Screen, report, summary


class Snapshot(Protocol):
    """The part of pytest-snapshot's fixture that is used here; the package has no types."""

    snapshot_dir: Path

    def assert_match(self, value: bytes, snapshot_name: str) -> None: ...


GOLDEN = Path(__file__).resolve().parents[2] / "fixtures" / "report"

BEFORE = """\
FROM node:22
WORKDIR /app
# all of it
COPY . .
RUN npm ci
RUN npm run build
EXPOSE 3000
CMD ["node", "dist/index.js"]
"""
COPIED_FIRST = """\
FROM node:22
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci
# all of it
COPY . .
RUN npm run build
EXPOSE 3000
CMD ["node", "dist/index.js"]
"""
SLIM = COPIED_FIRST.replace("node:22", "node:22-slim")

COPY_FIRST = Applied(
    transform="copy-manifests-first",
    title="Copy what `npm ci` reads before the sources",
    safety=Safety.SAME_IMAGE,
    reason="`npm ci` reads only package.json, package-lock.json; below `COPY . .` every edit runs "
    "it again",
    line=4,
    end_line=5,
    evidence=(
        Evidence("steps_rerun", "edit README.md", 4, 3, "model"),
        Evidence("steps_rerun", "edit src/index.js", 4, 2, "model"),
    ),
    drops=(),
    assumes=("no package has an install script that reads the sources",),
    files=(FileEdit("backend/.dockerignore", None, "node_modules\n"),),
    before=BEFORE,
    after=COPIED_FIRST,
)
SWAP_BASE = Applied(
    transform="swap-slim-base",
    title="Build on node:22-slim",
    safety=Safety.CHANGES_IMAGE,
    reason="nothing in the file uses what node:22 has beside it",
    line=1,
    end_line=1,
    evidence=(),
    drops=("/usr/bin/gcc", "/usr/bin/python3"),
    assumes=(),
    files=(),
    before=COPIED_FIRST,
    after=SLIM,
)
REFUSED = Held(
    "copy-manifests-first",
    "install-script-reads-source",
    9,
    "package.json runs `node scripts/build.js` after the install, and that file is among the "
    "sources",
    "run `npm ci --ignore-scripts`, and the script in a step of its own",
)
BACKEND = Outcome(
    "backend/Dockerfile",
    (ContextAnswer("backend", "compose.yaml:services.api.build"),),
    BEFORE,
    SLIM,
    applied=(COPY_FIRST, SWAP_BASE),
    held=(REFUSED, *(replace(REFUSED, line=line) for line in (12, 15, 19))),
    seconds=0.00213,
)
HELD_ONLY = Outcome(
    "web/Dockerfile",
    (ContextAnswer(".", "bake.hcl:target.web"), ContextAnswer("web", "ci.yml:jobs.web")),
    BEFORE,
    BEFORE,
    held=(REFUSED,),
)
QUIET = Outcome("quiet/Dockerfile", (ContextAnswer("quiet", "its folder"),), BEFORE, BEFORE)
BLIND = Outcome(
    "-",
    (),
    BEFORE,
    BEFORE,
    skipped=(Skipped("copy-manifests-first", "context"), Skipped("other", "context")),
)
REFUSED_BY_BUILDKIT = Outcome(
    "bad/Dockerfile",
    (ContextAnswer("bad", "its folder"),),
    "FORM a\n",
    "FORM a\n",
    diagnostics=(Diagnostic(1, 1, "unknown instruction: FORM"), Diagnostic(2, 5, "second")),
)
UNREADABLE = Failure("gone/Dockerfile", "cannot read: No such file or directory")
CRLF = Outcome(
    "crlf/Dockerfile",
    (),
    "FROM a\r\nRUN b\r\n",
    "FROM a\r\nRUN \x1b[31mc\r\n",
    applied=(
        replace(
            SWAP_BASE,
            before="FROM a\r\nRUN b\r\n",
            after="FROM a\r\nRUN \x1b[31mc\r\n",
            drops=(),
        ),
    ),
)
ALL: list[Record] = [BACKEND, HELD_ONLY, QUIET, BLIND, REFUSED_BY_BUILDKIT, UNREADABLE, CRLF]


@pytest.fixture
def golden(snapshot: Snapshot) -> Snapshot:
    snapshot.snapshot_dir = GOLDEN
    return snapshot


def test_patch(golden: Snapshot) -> None:
    golden.assert_match(patch(ALL).encode(), "run.patch")


def test_patch_with_all_refusals(golden: Snapshot) -> None:
    golden.assert_match(patch([BACKEND], explain_held=True).encode(), "explain-held.patch")


def test_json(golden: Snapshot) -> None:
    golden.assert_match(render(ALL, "1.2.3").encode(), "run.json")


def test_terminal(golden: Snapshot) -> None:
    golden.assert_match(report(ALL, Screen(width=80)).encode(), "terminal.txt")


def test_terminal_in_colour(golden: Snapshot) -> None:
    golden.assert_match(report(ALL, Screen(colour=True)).encode(), "terminal.ansi")


def test_summary(golden: Snapshot) -> None:
    text = summary(ALL, Screen(), detail=True, hint=True)
    golden.assert_match(text.encode(), "summary.txt")


def test_json_keeps_every_byte() -> None:
    text = "FROM a\r\nRUN \udcff\x00\u2028\n"
    (file,) = json.loads(render([replace(QUIET, before=text, after=text)], "1"))["files"]
    assert file["before"] == text == file["after"]


def test_nothing_to_change_is_no_patch() -> None:
    assert patch([HELD_ONLY, QUIET, UNREADABLE, REFUSED_BY_BUILDKIT]) == ""


def test_an_only_file_is_always_spoken_of() -> None:
    text = summary([QUIET], Screen(), detail=True)
    assert text == (
        "quiet/Dockerfile  no change\n  context quiet, from its folder\n\n"
        "1 file, nothing to change\n"
    )


def test_no_colour_is_the_same_words() -> None:
    plain = report(ALL, Screen(colour=False))
    coloured = report(ALL, Screen(colour=True))
    assert "\x1b" not in plain
    for code in ("0", "1", "1;4", "1;31", "2", "31", "32", "33", "36"):
        coloured = coloured.replace(f"\x1b[{code}m", "")
    assert coloured == plain


@pytest.mark.parametrize(
    ("before", "after", "sentence"),
    [
        (6, 2, "edit a: 6 steps rerun -> 2"),
        (1, 0, "edit a: 1 step reruns -> 0"),
        (2.5, 1.25, "edit a: 2.5 steps rerun -> 1.25"),
    ],
)
def test_numbers_read_as_sentences(before: float, after: float, sentence: str) -> None:
    assert words.number(Evidence("steps_rerun", "edit a", before, after, "model")) == sentence


@pytest.mark.parametrize(
    ("evidence", "sentence", "basis"),
    [
        pytest.param(
            Evidence(
                *("steps_rerun", "edit a", 2, 1, "build"),
                Measured(Spread(2, 2, 2), Spread(1, 1, 1), 3),
                "model",
            ),
            "edit a: 2 steps rerun -> 1",
            "by the cache model, measured 2 -> 1",
            id="predicted-and-measured",
        ),
        pytest.param(
            Evidence(
                *("build_seconds", "cold build", 84, 9.52, "build"),
                Measured(Spread(84, 80.25, 91), Spread(9.52, 9.5, 9.6), 3),
            ),
            "cold build: 1.4 min -> 9.52 s",
            "measured in a build, median of 3: 1.34 min to 1.52 min -> 9.5 s to 9.6 s",
            id="seconds",
        ),
        pytest.param(
            Evidence(
                *("build_seconds", "cold build", 84, 9.52, "build"),
                Measured(Spread(84, 84, 84), Spread(9.52, 9.52, 9.52), 1),
            ),
            "cold build: 1.4 min -> 9.52 s",
            "measured in a build",
            id="once",
        ),
        pytest.param(
            Evidence("image_bytes", "image", 2_100_000_000, 512, "build"),
            "image: 2.1 GB -> 512 bytes",
            "measured in a build",
            id="bytes",
        ),
    ],
)
def test_measurements_read_as_sentences(evidence: Evidence, sentence: str, basis: str) -> None:
    assert words.number(evidence) == sentence
    assert words.basis(evidence) == basis


CONFIRMED = replace(
    COPY_FIRST,
    evidence=(
        Evidence(
            *("steps_rerun", "edit src/index.js", 4, 2, "build"),
            Measured(Spread(4, 4, 4), Spread(3, 2, 3), 3),
            "model",
        ),
        Evidence(
            *("push_bytes", "edit src/index.js", 81_000_000, 2_100, "build"),
            Measured(Spread(81e6, 81e6, 82e6), Spread(2_100, 2_100, 2_100), 3),
        ),
        Evidence("runs", "`npm ci` over 500 commits", 400, 12, "model"),
    ),
    confirmed=True,
    notes=("`./smoke` gives the same answer",),
)


def test_a_confirmed_change_shows_predicted_beside_measured_on_every_face() -> None:
    outcome = replace(BACKEND, applied=(CONFIRMED,), after=COPIED_FIRST, held=())
    rows = [
        "gain     edit src/index.js: 4 steps rerun -> 2 (by the cache model, measured 4 -> 2 to 3)",
        "measured edit src/index.js: 81 MB to push -> 2.1 kB (measured in a build, median of 3: "
        "81 MB to 82 MB -> 2.1 kB)",
        "gain     `npm ci` over 500 commits: 400 runs -> 12 (by the cache model)",
        "note     `./smoke` gives the same answer",
    ]
    text = patch([outcome])
    assert all(f"#   {row}\n" in text for row in rows)
    assert (
        "promise  same-image: the image keeps its configuration and every file (held in a" in text
    )
    drawn = " ".join(report([outcome], Screen(width=100)).split())
    assert all(" ".join(row.split()) in drawn for row in rows)
    (file,) = json.loads(render([outcome], "1"))["files"]
    (applied,) = file["applied"]
    assert (applied["confirmed"], applied["notes"]) == (True, ["`./smoke` gives the same answer"])
    assert [(each["basis"], each.get("predicted_by")) for each in applied["evidence"]] == [
        ("build", "model"),
        ("build", None),
        ("model", None),
    ]
    assert applied["evidence"][0]["measured"] == {
        "before": {"median": 4, "least": 4, "most": 4},
        "after": {"median": 3, "least": 2, "most": 3},
        "repetitions": 3,
    }


def test_the_strongest_number_falls_the_furthest() -> None:
    assert words.strongest(COPY_FIRST.evidence) == COPY_FIRST.evidence[1]
    assert words.strongest(()) is None


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain é 😀", "plain é 😀"),
        ("a\nb\tc\rd", "a\\nb\\tc\\rd"),
        ("\x1b[31m", "\\x1b[31m"),
        ("\x9b31m", "\\x9b31m"),
        ("\udcff", "\\xff"),
        ("\u202ereversed", "\\u202ereversed"),
        ("zero\u200bwidth", "zero\\u200bwidth"),
        ("\ud800", "\\ud800"),
    ],
)
def test_what_a_terminal_would_obey_is_shown_instead(text: str, shown: str) -> None:
    assert words.printable(text) == shown


@pytest.mark.parametrize("promise", Safety)
def test_every_promise_has_words(promise: Safety) -> None:
    assert words.promise(promise).startswith(f"{promise.label}: ")


def test_a_long_line_does_not_fill_the_terminal() -> None:
    long = "RUN " + "x" * 1_000_000
    change = replace(SWAP_BASE, before=f"{long}\n", after=f"{long}y\n")
    text = report(
        [replace(CRLF, before=change.before, after=change.after, applied=(change,))], Screen()
    )
    assert len(text) < 3000
    assert "999604 more characters" in text


def test_a_file_that_is_no_dockerfile_does_not_fill_the_screen() -> None:
    wrong = tuple(Diagnostic(line, 1, f"unknown instruction: X{line}") for line in range(1, 1001))
    lines = words.errors(replace(QUIET, diagnostics=wrong))
    assert len(lines) == 11
    assert lines[0] == "quiet/Dockerfile:1:1: error: unknown instruction: X1"
    assert lines[-1] == "quiet/Dockerfile:11:1: error: and 990 more like this"


@pytest.mark.parametrize(
    ("before", "sentence"),
    [(1, "the image: 1 unpruned directory -> 0"), (2, "the image: 2 unpruned directories -> 0")],
)
def test_directories_are_counted_in_words(before: float, sentence: str) -> None:
    assert (
        words.number(Evidence("unpruned_directories", "the image", before, 0, "text")) == sentence
    )
