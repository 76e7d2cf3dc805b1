"""What dockopt knows without running a script is what the machine's own shells do.

The scripts are made up here and do nothing but change directory and set variables.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import NamedTuple

import pytest

from optimizer.cst.source import Span
from optimizer.shell.parse import parse_script
from optimizer.shell.script import Script
from optimizer.shell.walk import Visit, walk
from tests.shell.reading import script

SHELLS = [name for name in ("dash", "bash", "busybox") if shutil.which(name)]

pytestmark = pytest.mark.skipif(not SHELLS, reason="no POSIX shell to ask on this machine")


def shell_command(name: str, text: str) -> list[str]:
    return ["busybox", "ash", "-c", text] if name == "busybox" else [name, "-c", text]


ENV = {
    **{"x": "1", "y": "a b", "e": "", "g": "*", "h": " lead", "t": "tail ", "q": 'it"s'},
    **{"b": "back\\slash", "HOME": "/root"},
}
PIECES = (
    *("a", "bc", " ", "  ", "\t", '"', '"', "'", "'", "\\ ", '\\"', "\\\\", "\\$", "\\a", "'a b'"),
    *('"a b"', '"$x"', '"$y"', "$x", "$y", "$e", "$h", "$t", "$q", "$b", "${x}", "${y:-z}"),
    *("${e:-z}", "${e-z}", "${e:+w}", "${x:+w}", '"${e:-z w}"', "${e:-z w}", '${e:-"q r"}', "~"),
    *("~/p", "/", "-", "=", "--", "{a,b}", "{1..3}", "{", "}", "{}", ",", ".", "$", "é", "\\\n"),
    *('"a\\\nb"', "#", "!", "%", "@", '"\\a"', '"\\`"', "[", "$g", "a=~/b", ":~", "''", '""'),
    *('"$e"', "$e$e", "^", "+", "${y:+$x}", "\\~", "~a", "\\\n "),
)


def word_lines(random: Random, count: int) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yields arguments as text, and what dockopt says they become."""
    while count:
        text = "".join(random.choice(PIECES) for _ in range(random.randint(1, 7)))
        read = parse_script(f"x {text}", Span)
        if not isinstance(read, Script) or len(read.commands) != 1:
            continue
        command = read.commands[0]
        fields = command.fields(ENV)
        if fields is None or any(word.has_glob for word in command.words):
            continue
        count -= 1
        yield text, fields[1:]


@pytest.mark.parametrize("shell", SHELLS)
def test_words_become_the_same_arguments(shell: str) -> None:
    lines = list(word_lines(Random(1), 1500))
    # printf says its format once, with or without arguments to put in.
    text = "\n".join(f"printf '<%s>' X {line}\nprintf '\\n;\\n'" for line, _ in lines)
    done = subprocess.run(shell_command(shell, text), env=ENV, capture_output=True, check=True)
    shown = done.stdout.decode().split("\n;\n")[:-1]
    assert len(shown) == len(lines)
    for (line, fields), real in zip(lines, shown, strict=True):
        assert real == "<X>" + "".join(f"<{field}>" for field in fields), line


PROBE = """#!/bin/sh
printf '%s|%s|%s|%s|%s|%s\\n' "$1" "$(pwd -P)" "$3" "$4" "${A-}" "${B-}" >> "$LOG"
exit "$2"
"""


class Ran(NamedTuple):
    """What a probe saw: directory, the shell's variables, its own environment."""

    directory: str
    variables: dict[str, str]
    environment: dict[str, str]


class Scripts:
    """Makes scripts of probes: ``p NUMBER STATUS`` notes that it ran, and where."""

    def __init__(self, seed: int, root: Path) -> None:
        self.random = Random(seed)
        self.root = root
        self.number = 0
        self.functions = True
        """Whether functions may be called; not inside one, or it would call itself."""

    def script(self) -> str:
        self.number = 0
        text = self.list(2)
        for _ in range(self.random.randint(0, 4)):
            text += self.random.choice(("; ", "\n", " && ", " && ", " & wait; ")) + self.list(2)
        return text

    def probe(self) -> str:
        self.number += 1
        status = self.random.choice((0, 0, 0, 1))
        return f'p {self.number} {status} "${{A-}}" "${{B-}}"'

    def list(self, depth: int) -> str:
        chance = self.random.random
        text = self.command(depth)
        for _ in range(self.random.choice((0, 0, 1, 1, 2, 3))):
            joint = self.random.choice((" && ", " && ", " || ", "; ", "; ", "\n", " | "))
            text += joint + self.command(depth)
        if chance() < 0.06:
            text = f"cd /nope || {text}"
        if chance() < 0.06:
            text = text.replace(" && ", " || exit 1; ", 1)
        return f"cd /nope && {self.probe()} || {text}" if chance() < 0.03 else text

    def command(self, depth: int) -> str:
        if self.random.random() < 0.4:
            return self.probe()
        if depth and self.random.random() < 0.3:
            return self.compound(depth - 1)
        value = self.random.choice(("1", "2", "$A", "$B", '"x y"', "$(echo q)", "${A:-3}"))
        name = self.random.choice("AB")
        chosen: str = self.random.choice(
            (
                *(f"cd {self.root}/{folder}" for folder in ("", "a", "a/b", "c")),
                *("cd -", "cd ..", "cd", "cd .", f"command cd {self.root}/a"),
                *(f"{name}={value}", f"{name}={value}", f"{name}={value} {self.probe()}"),
                *(f"export {name}", f"export {name}={value}", f"unset {name}", "true", "false"),
                *("set -e", "set +e", "exit 1", "exit 0", "exit", ":", "read A < /dev/null"),
                *("eval A=7", "A=$((1+1))", ": ${A:=5}", ". ./none.sh || :"),
                *(("f1", "f2") if self.functions else ()),
                *("trap 'exit 0' EXIT", "command export A=9"),
                *(f"sh -c '{self.probe()}; {self.probe()}'", f"sh -ec '{self.probe()}; cd'"),
            )
        )
        return chosen

    def compound(self, depth: int) -> str:
        self.number += 1
        n = self.number
        form = self.random.choice(
            (
                *("( {} )", "{{ {}; }}", "if {}; then {}; fi", "if {}; then {}; else {}; fi"),
                *("for i in 1 2; do {}; done", "case x in x) {};; *) {};; esac", "X=$({})"),
                f"n{n}=0; while [ $n{n} -lt 2 ]; do n{n}=$((n{n}+1)); {{}}; done",
                "f1() {{ {}; }}",
                *("f2() {{ {}; }}", "case x in y) {};; z) {};; esac"),
            )
        )
        outside, self.functions = self.functions, self.functions and form[0] != "f"
        count = form.replace("{{", "").replace("}}", "").count("{}")
        text = form.format(*(self.list(depth) for _ in range(count)))
        self.functions = outside
        return text


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path.resolve()
    for folder in ("a/b", "b", "c", "bin"):
        (root / folder).mkdir(parents=True)
    (root / "bin" / "p").write_text(PROBE)
    (root / "bin" / "p").chmod(0o755)
    return root


def run_script(shell: str, text: str, root: Path, log: Path) -> tuple[int, dict[str, list[Ran]]]:
    log.touch()
    done = subprocess.run(
        shell_command(shell, text),
        env={
            **{"A": "0", "HOME": f"{root}/c", "LOG": str(log)},
            "PATH": f"{root}/bin:{os.environ['PATH']}",
        },
        cwd=root / "b",
        capture_output=True,
        check=False,
    )
    ran: dict[str, list[Ran]] = defaultdict(list)
    for line in log.read_text().splitlines():
        number, directory, a, b, exported_a, exported_b = line.split("|")
        ran[number].append(Ran(directory, {"A": a, "B": b}, {"A": exported_a, "B": exported_b}))
    return done.returncode, ran


def wrong(visit: Visit, status: int, ran: list[Ran], counted: Counter[str]) -> str | None:
    """Says what is wrong with one visit, in view of what the real shell did."""
    succeeded = status == 0
    counted["certain"] += not visit.conditional
    if not visit.conditional and succeeded and not ran:
        return "it did not run for sure"
    if visit.must_succeed and succeeded and ran and visit.words[2].literal != "0":
        return "its failure did not count"
    environment = visit.environment
    for real in ran:
        counted["directory"] += visit.cwd is not None
        if visit.cwd not in (None, real.directory):
            return f"it ran in {real.directory}"
        for name in ("A", "B"):
            counted["variable"] += visit.env.get(name) is not None
            if visit.env.get(name) not in (None, real.variables[name]):
                return f"{name} was {real.variables[name]}"
            if environment.get(name) not in (None, real.environment[name]):
                return f"{name} was exported as {real.environment[name]}"
    return None


@pytest.mark.parametrize("shell", SHELLS)
def test_walk_says_nothing_that_a_shell_does_not_do(shell: str, root: Path) -> None:
    scripts = Scripts(1, root)
    counted: Counter[str] = Counter()
    for number in range(200):
        text = scripts.script()
        read = parse_script(text, Span)
        if not isinstance(read, Script):
            continue
        status, ran = run_script(shell, text, root, root / f"log{number}")
        for visit in walk(read, f"{root}/b", {"A": "0", "HOME": f"{root}/c"}):
            words = [word.literal for word in visit.words]
            if words[:1] == ["p"]:
                problem = wrong(visit, status, ran[str(words[1])], counted)
                assert problem is None, f"{text}\n{visit.command.text} at {visit.cwd}: {problem}"
    assert counted["certain"] > 100, counted
    assert counted["directory"] > 100, counted
    assert counted["variable"] > 100, counted


def test_probe_is_seen(root: Path) -> None:
    status, ran = run_script(SHELLS[0], 'cd ../a; A=1; p 1 0 "$A" ""', root, root / "log")
    assert status == 0
    assert ran["1"] == [Ran(f"{root}/a", {"A": "1", "B": ""}, {"A": "1", "B": ""})]
    (*_, visit) = walk(script('cd ../a; A=1; p 1 0 "$A" ""'), f"{root}/b", {"A": "0"})
    assert wrong(visit, status, ran["1"], Counter()) is None
    assert wrong(visit, status, [], Counter()) == "it did not run for sure"
