"""Where a RUN may be cut, what its second half says again, and how both look."""

from __future__ import annotations

import pytest

from optimizer.cst.edit import Insert, Replace, apply
from optimizer.cst.parse import parse
from optimizer.cst.source import Source
from optimizer.shell.carry import StuckError, carried
from optimizer.shell.cut import cut_run, joints
from optimizer.shell.run import read_run
from optimizer.shell.script import Script
from tests.shell.reading import script


def places(text: str) -> list[str]:
    """Returns what stands below each place at which a script may be cut."""
    read = script(text)
    return [read.text[joint.start :] for joint in joints(read)]


@pytest.mark.parametrize(
    ("text", "below"),
    [
        pytest.param("a && b && c", ["b && c", "c"], id="every-and"),
        pytest.param("a && b || c", [], id="not-where-something-catches-a-failure"),
        pytest.param("a || b && c", ["c"], id="behind-something-caught"),
        pytest.param("a; b && c", ["c"], id="only-in-the-last-list"),
        pytest.param("a && b; c", [], id="not-where-a-failure-is-passed-over"),
        pytest.param("set -e; a; b", ["a; b", "b"], id="semicolon-under-errexit"),
        pytest.param("set -e; a && b; c", ["a && b; c"], id="errexit-passes-over-an-and-list"),
        pytest.param("set -e; a; set +e; b; c", ["a; set +e; b; c", "set +e; b; c"], id="off"),
        pytest.param(
            "set -e; if x; then set +e; fi; b", ["if x; then set +e; fi; b"], id="maybe-off"
        ),
        pytest.param("(a && b) && c", ["c"], id="not-in-a-subshell"),
        pytest.param(
            "set -e; (a; b) && c", ["(a; b) && c"], id="not-where-errexit-would-begin-to-count"
        ),
        pytest.param("set -e; { a; b; } | c && d", ["{ a; b; } | c && d"], id="nor-in-a-pipeline"),
        pytest.param("set -x; (a; b) && c", ["c"], id="behind-a-subshell-without-errexit"),
        pytest.param("a | b && c", ["c"], id="behind-a-pipeline"),
        pytest.param("a && ! b", [], id="not-in-front-of-a-negation"),
        pytest.param("a & b && c", [], id="not-below-a-background-job"),
        pytest.param("if a; then b && c; fi", [], id="not-in-a-branch"),
        pytest.param("cat <<E && b\nx\nE\n", [], id="not-below-a-here-document"),
    ],
)
def test_place(text: str, below: list[str]) -> None:
    assert places(text) == below


def said_again(text: str) -> list[str]:
    """Returns what the last command of a script needs to have said again in front of it."""
    read = script(text)
    found = carried(read, joints(read)[-1], frozenset(("PATH", "HOME")))
    chain = [read.chain[number].body for number in found.repeated]
    return [read.text[body.start : body.end] for body in chain]  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("text", "again"),
    [
        pytest.param("npm ci && x", [], id="nothing"),
        pytest.param("cd web && npm ci && x", ["cd web"], id="directory"),
        pytest.param("cd web && npm ci && cd .. && x", [], id="way-there-and-back"),
        pytest.param("cd a && p && cd ../b && p && cd .. && x", [], id="round-trip"),
        pytest.param("cd a && p && cd /b && cd c && x", ["cd /b", "cd c"], id="rooted"),
        pytest.param("cd a && p && cd .. && cd - && x", ["cd a", "cd ..", "cd -"], id="dash"),
        pytest.param("set -eux; umask 027; p; x", ["set -eux", "umask 027"], id="options"),
        pytest.param("export A=1 B=$HOME && p && x", ["export A=1 B=$HOME"], id="export"),
        pytest.param("A=1 && p && x $A", ["A=1"], id="assignment"),
        pytest.param("A=1 p && x", [], id="assignment-of-one-command"),
        pytest.param("A=$(uname -m) && p && x $A", ["A=$(uname -m)"], id="steady-substitution"),
        pytest.param("A=$(date) && p $A && x", [], id="not-read-below"),
        pytest.param("(cd a && export B=1) && x", [], id="subshell"),
        pytest.param(". /etc/os-release && p && x", [". /etc/os-release"], id="sourced"),
        pytest.param("command cd && x", None, id="wrapped"),
        pytest.param("A=$(date) && p && x $A", None, id="worked-out-anew"),
        pytest.param("A=$RANDOM && p && x $A", None, id="random"),
        pytest.param("A=$(date) && export B=$A && x", None, id="hangs-on-another"),
        pytest.param("PATH=$(p) && x", None, id="exported-already"),
        pytest.param("set -a && A=$(date) && x", None, id="exported-by-option"),
        pytest.param("for A in 1 2; do p; done && x $A", None, id="loop-variable"),
        pytest.param(": ${A:=5} && x $A", None, id="default-that-is-assigned"),
        pytest.param("if p; then cd a; fi && x", None, id="may-not-run"),
        pytest.param("cd a || exit 1; p && x", None, id="alternative"),
        pytest.param("f() { p; } ; f && x", None, id="function"),
        pytest.param("alias a=b && x", None, id="alias"),
        pytest.param("trap p EXIT && x", None, id="trap"),
        pytest.param("eval a && x", None, id="eval"),
        pytest.param("exec 3>f && x", None, id="exec"),
        pytest.param("exit 0 && x", None, id="exit"),
        pytest.param("$A b && x", None, id="unknown-name"),
        pytest.param("pushd a && x", None, id="stack-of-directories"),
        pytest.param("set -- a b && x $1", None, id="positional"),
        pytest.param("cd a* && x", None, id="glob"),
        pytest.param("cd a > log && x", None, id="redirected"),
        pytest.param("echo $$ > f && x $$", None, id="process-number"),
        pytest.param("p a && x $_", None, id="last-word"),
        pytest.param("printf -v A x && y", None, id="printf-variable"),
        pytest.param("A=(1 2) && x $A", None, id="array"),
    ],
)
def test_carried(text: str, again: list[str] | None) -> None:
    if again is None:
        with pytest.raises(StuckError):
            said_again(text)
    else:
        assert said_again(text) == again


def cut_at(text: str, below: str) -> str:
    """Returns ``text``, one RUN, cut in front of ``below``."""
    tree = parse(Source("Dockerfile", text))
    run = tree.instructions[-1]
    read = read_run(tree, run)
    assert isinstance(read, Script)
    joint = next(j for j in joints(read) if read.text.startswith(below, j.start))
    cut = cut_run(tree, run, read, joint, carried(read, joint, frozenset()))
    assert cut is not None
    return apply(tree, [Replace(cut.span, cut.tail), Insert(cut.rest, after=run)])


@pytest.mark.parametrize(
    ("text", "after"),
    [
        pytest.param("RUN a && b\n", "RUN a\nRUN b\n", id="one-line"),
        pytest.param("run  a&&b", "run  a\nrun  b", id="no-blanks-no-line-end"),
        pytest.param(
            "RUN a \\\n    && b \\\n    && c\n", "RUN a\nRUN b \\\n    && c\n", id="in-front"
        ),
        pytest.param(
            "RUN a && \\\n    b && \\\n    c\n", "RUN a\nRUN b && \\\n    c\n", id="behind"
        ),
        pytest.param(
            "RUN \\\n  cd w && \\\n  a && \\\n  b\n",
            "RUN \\\n  cd w && \\\n  a\nRUN \\\n  cd w && \\\n  b\n",
            id="own-line",
        ),
        pytest.param(
            "RUN a && \\\n  # why b\n\n  b && \\\n  # why c\n  c\n",
            "RUN a\n# why b\nRUN b && \\\n  # why c\n  c\n",
            id="comments",
        ),
        pytest.param("RUN # x\n", None, id="nothing-to-cut"),
        pytest.param(
            "RUN --mount=type=cache,target=c \\\n    # a\n    --network=none \\\n    a && b\n",
            "RUN --mount=type=cache,target=c \\\n    # a\n    --network=none \\\n    a\n"
            "RUN --mount=type=cache,target=c \\\n    --network=none \\\n    b\n",
            id="flags",
        ),
        pytest.param("RUN a && b\r\n", "RUN a\r\nRUN b\r\n", id="crlf"),
        pytest.param(
            "RUN <<E\nset -e\na # x\n# why\nb\nE\n",
            "RUN <<E\nset -e\na # x\nE\nRUN <<E\nset -e\n# why\nb\nE\n",
            id="document",
        ),
        pytest.param(
            "RUN <<-E\n\tset -e\n\ta;\n\tb\n\tE\n",
            "RUN <<-E\n\tset -e\n\ta\n\tE\nRUN <<-E\n\tset -e\n\tb\n\tE\n",
            id="tabs",
        ),
        pytest.param(
            "RUN <<E\n#!/bin/sh -e\na\nb\nE\n",
            "RUN <<E\n#!/bin/sh -e\na\nE\nRUN <<E\n#!/bin/sh -e\nb\nE\n",
            id="interpreter",
        ),
    ],
)
def test_layout(text: str, after: str | None) -> None:
    if after is None:
        with pytest.raises(StopIteration):
            cut_at(text, "b")
    else:
        assert cut_at(text, "b") == after
