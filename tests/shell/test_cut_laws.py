"""A RUN in two leaves what it leaves as one: the same commands run in the same state, and the
machine's own shells do the same.

The scripts are made up here and do nothing but note where they are.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from optimizer.cst.edit import Insert, Replace, apply
from optimizer.cst.nodes import Dockerfile
from optimizer.cst.parse import parse
from optimizer.cst.source import Source
from optimizer.shell.carry import StuckError, carried
from optimizer.shell.cut import Carry, cut_run, item_slice, joints
from optimizer.shell.run import read_run
from optimizer.shell.script import Script
from optimizer.shell.walk import walk

SHELLS = [name for name in ("dash", "bash", "busybox") if shutil.which(name)]
ENV = {"A": "0", "HOME": "/root"}

PROBE = """#!/bin/sh
echo "$1|$PWD|$3|$4|$5|${A-}|${B-}|$(umask)" >> "$LOG"
echo "$1" >> "note$1"
exit "$2"
"""
NEXT = """#!/bin/sh
echo >> "$LOG.asked"
wc -l < "$LOG.asked"
"""


@st.composite
def probe(draw: st.DrawFn) -> str:
    number = draw(st.integers(1, 99))
    status = draw(st.sampled_from((0, 0, 0, 0, 0, 0, 1)))
    return f'p {number} {status} "${{A-}}" "${{B-}}" "$-"'


STATES = st.sampled_from(
    (
        *("cd /ROOT/a", "cd b", "cd ..", "cd .", "cd a/b", "cd -", "cd", "cd $A", "cd ../c"),
        *("A=1", "B=$A", "A='x  y'", 'B="$A-$A"', "A=$(echo q)", "A=$(next)", "A=${B:-3}"),
        *("A=~/b", "B=${A##*/}", "A=$((1+1))", "A=$?", "A=1 B=2", "A="),
        *("export A", "export A=2", 'export A="$A:x" B=3', "export B=$(next)", "unset A"),
        *("set -e", "set -u", "set -eu", "set +e", "set -a", "set -o errexit", "set -- a b"),
        *("umask 077", "umask 022", "ulimit -c 0", "readonly C=1", ": ${A:=5}"),
        *("trap 'p 7 0' EXIT", "exit 0", "exit 1", "eval A=7", "read A < /dev/null"),
        *("alias q=true", "f() { cd /; }", "exec true", "shift", ". ./lib.sh"),
        *("command cd /ROOT/c", "> made", "A=3 export B"),
        *("local A=1", "true & wait", "cd /ROOT/*a", "A=*", "pushd a", "cd a > /dev/null"),
    )
)  # fmt: skip


def commands() -> st.SearchStrategy[str]:
    inner = st.recursive(
        st.one_of(probe(), probe(), STATES),
        lambda inside: st.one_of(
            inside,
            st.builds("( {}; {} )".format, inside, inside),
            st.builds("{{ {}; {}; }}".format, inside, inside),
            st.builds("if {}; then {}; else {}; fi".format, inside, inside, inside),
            st.builds("for A in x y; do {}; done".format, inside),
            # The right side waits for the left one, so that the log has one order. That keeps the
            # pipe open until it is done, also where its last command writes elsewhere.
            st.builds("{{ {}; :; }} | {{ cat; {}; }}".format, inside, probe()),
            st.builds("! {}".format, inside),
            st.builds("{} > out".format, probe()),
            st.builds("{} || {}".format, probe(), inside),
        ),
        max_leaves=4,
    )
    return st.one_of(probe(), probe(), STATES, STATES, inner)


JOINTS = st.sampled_from(
    (" && ", " && ", " && ", "&&", " && \\\n    ", " \\\n  && ", "; ", "; \\\n  ", " || ",
     " && \\\n# a comment\n    ", " \\\n  # one\n\n  # two\n  && ", ";")
)  # fmt: skip
STARTS = st.sampled_from(("", "", "", "set -e; ", "set -e && ", "cd a && ", "set -eu; \\\n   "))


@st.composite
def scripts(draw: st.DrawFn) -> str:
    text = draw(STARTS) + draw(commands())
    for _ in range(draw(st.integers(1, 5))):
        text += draw(JOINTS) + draw(commands())
    return text


def run_of(text: str) -> tuple[Dockerfile, list[Script]]:
    """Returns the file, and the scripts of its RUNs."""
    tree = parse(Source("Dockerfile", text))
    runs = [each for each in tree.instructions if each.keyword == "RUN"]
    read = [read_run(tree, each) for each in runs]
    return tree, [each for each in read if isinstance(each, Script)]


class Halves(NamedTuple):
    """What a RUN came apart into."""

    text: str
    first: Script
    second: Script
    carry: Carry
    above: int


def halves(text: str) -> Iterator[Halves]:
    """Yields the RUN that ``text`` is, cut wherever that may be done."""
    tree, scripts = run_of(text)
    if not scripts:
        return
    (script,) = scripts
    run = tree.instructions[-1]
    for joint in joints(script):
        try:
            carry = carried(script, joint, frozenset(ENV))
        except StuckError:
            continue
        cut = cut_run(tree, run, script, joint, carry)
        if cut is None:
            continue
        after = apply(tree, [Replace(cut.span, cut.tail), Insert(cut.rest, after=run)])
        _, (first, second) = run_of(after)
        yield Halves(after, first, second, carry, joint.above)


_PLAIN_CD = re.compile(r"cd /[\w/]*$")
_HEEDLESS = ("cd /", "export ", "set ", "umask ", "unset ", "A=", "B=", "local ", "readonly ")


def seen(script: Script, items: Iterable[int]) -> list[tuple[object, ...]]:
    """Returns what dockopt sees of each command of a script that lies in one of ``items``. Where a
    command starts does not count for one that does not look at it: a ``cd`` to an absolute path
    makes up for those above it, and what only sets the shell is the same anywhere. Nor do variables
    count for a ``cd`` to a path that is written out: one that nothing reads is not said again.
    """
    slices = [item_slice(script.chain[number]) for number in items]
    return [
        (
            visit.command.text,
            None if visit.command.text.startswith(_HEEDLESS) else visit.cwd,
            visit.argv,
            *(None if _PLAIN_CD.match(visit.command.text) else visit.env.get(n) for n in "AB"),
        )
        for visit in walk(script, "/r/b", ENV)
        if any(start <= visit.command.start < end for start, end in slices)
    ]


@settings(max_examples=400, deadline=None)
@given(scripts())
@example("B=$A || B=$A && cd /ROOT/a")
def test_both_halves_have_the_commands_of_the_whole(text: str) -> None:
    _, read = run_of(f"FROM x\nRUN {text}")
    for half in halves(f"FROM x\nRUN {text}"):
        (whole,), carry = read, half.carry
        left_out = {*range(carry.end, half.above)} - {*carry.repeated}
        assert all(item_text(whole, number).startswith("cd ..") for number in left_out)
        said_twice = sum(number < carry.end for number in carry.repeated)
        then = seen(whole, {*range(len(whole.chain))} - left_out)
        now = seen(half.first, range(len(half.first.chain)))
        now += seen(half.second, range(said_twice, len(half.second.chain)))
        assert [one[0] for one in now] == [one[0] for one in then]
        for mine, its in zip(now, then, strict=True):
            # Of the whole less may be known, where a command of it may have failed unseen.
            assert all(a == b or b is None for a, b in zip(mine, its, strict=True)), half.text


def item_text(script: Script, number: int) -> str:
    return script.text[slice(*item_slice(script.chain[number]))]


class World(NamedTuple):
    """What a script left: its log, and every file with its content and mode."""

    succeeded: bool
    log: str
    files: dict[str, tuple[int, bytes]]


def shell_command(name: str, text: str) -> list[str]:
    return ["busybox", "ash", "-c", text] if name == "busybox" else [name, "-c", text]


def perform(shell: str, texts: list[str], tools: Path) -> World:
    """Runs ``texts`` one behind the other, as long as they succeed, in a tree of their own."""
    with tempfile.TemporaryDirectory() as name:
        root = Path(name).resolve() / "root"
        for folder in ("a/b", "b/a/b", "b/b", "c", "home/b"):
            (root / folder).mkdir(parents=True)
        for folder in ("b", "a", "a/b"):
            (root / folder / "lib.sh").write_text("A=lib; B=lib\n")
        log = root.parent / "log"
        log.touch()
        env = {"A": "0", "HOME": str(root / "home"), "LOG": str(log)}
        env["PATH"] = f"{tools}:{os.environ['PATH']}"
        succeeded = True
        for text in texts:
            done = subprocess.run(
                shell_command(shell, text.replace("/ROOT", str(root))),
                env=env, cwd=root / "b", capture_output=True, check=False, umask=0o022,
            )  # fmt: skip
            succeeded = done.returncode == 0
            if not succeeded:
                break
        files = {
            path.relative_to(root).as_posix(): (
                path.stat().st_mode,
                path.read_bytes() if path.is_file() else b"",
            )
            for path in sorted(root.rglob("*"))
        }
        said = log.read_text().replace(str(root), "/ROOT").replace(str(root.parent), "/ABOVE")
        return World(succeeded, said, files)


@pytest.fixture(scope="module")
def tools(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tools")
    for name, text in (("p", PROBE), ("next", NEXT)):
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    return folder


COUNTED: Counter[str] = Counter()


@pytest.mark.skipif(not SHELLS, reason="no POSIX shell to ask on this machine")
@pytest.mark.parametrize("shell", SHELLS)
def test_both_halves_leave_what_the_whole_leaves(shell: str, tools: Path) -> None:
    COUNTED.clear()

    @settings(max_examples=80, deadline=None)
    @given(scripts(), st.integers(0, 3))
    def check(text: str, number: int) -> None:
        text = f"FROM x\nRUN {text}"
        _, whole = run_of(text)
        found = list(halves(text))
        if not found:
            return
        half = found[number % len(found)]
        both = perform(shell, [half.first.text, half.second.text], tools)
        assert both == perform(shell, [whole[0].text], tools), half.text
        COUNTED["succeeded"] += both.succeeded
        COUNTED["repeated"] += bool(half.carry.repeated)

    check()
    assert COUNTED["succeeded"] > 5, COUNTED
    assert COUNTED["repeated"] > 5, COUNTED
