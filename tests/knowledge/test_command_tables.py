"""The tables of commands as a whole: complete, with the options that the tools themselves name."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from importlib import import_module

import pytest

from optimizer.knowledge import commands
from optimizer.knowledge.commands import files, text, touch
from optimizer.knowledge.commands.line import Syntax, Unknown
from optimizer.knowledge.installs import Call

SUBJECTS = sorted(commands._SUBJECTS)


@pytest.mark.parametrize("subject", SUBJECTS)
def test_every_program_has_a_row(subject: str) -> None:
    rows = import_module(f"optimizer.knowledge.commands.{subject}").ROWS

    assert sorted(rows) == sorted(commands._SUBJECTS[subject].split())


def test_no_program_has_two_rows() -> None:
    assert len(commands._MODULES) == sum(len(v.split()) for v in commands._SUBJECTS.values())


def test_subjects_are_loaded_when_they_are_met() -> None:
    script = (
        "import sys; from optimizer.knowledge.commands import touch;"
        "from optimizer.knowledge.installs import Call; touch(Call(('echo',), '/'));"
        "print([m for m in sys.modules if m.startswith('optimizer.knowledge.commands.')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )

    assert "commands.shell" in done.stdout
    assert "commands.distributions" not in done.stdout


# Options that make a tool follow links, run a program or read names from a file, and print-only
# ones of newer versions.
LEFT_OUT = {
    "chown": {"--dereference"},
    "install": {"--strip-program"},
    "ls": {"-H", "-L", "--dereference", "--dereference-command-line",
           "--dereference-command-line-symlink-to-dir"},
    "du": {"-L", "--dereference", "--files0-from", "-H"},
    "wc": {"--files0-from"},
    "sort": {"--files0-from", "--compress-program"},
    "split": {"--filter"},
    "tail": {"-f", "-F", "--follow"},
    "shred": {"--random-source"},
    # An example of a list in the text.
    "cut": {"-M"},
    "od": {"-S", "--traditional"},
    "grep": {"-R", "--dereference-recursive"},
}  # fmt: skip
TOOLS = {**{name: files.SYNTAX[name] for name in files.SYNTAX}, **text.SYNTAX}
COREUTILS = [
    name for name in TOOLS
    if name not in ("awk", "jq", "column", "rev", "strings", "cksum", "cmp", "diff", "sed")
]  # fmt: skip


@pytest.mark.parametrize("name", COREUTILS)
def test_options_are_those_that_the_tool_names(name: str) -> None:
    """Every option of ``--help`` is known or left out on purpose."""
    if shutil.which(name) is None:
        pytest.skip(f"{name} is not installed")
    shown = subprocess.run([name, "--help"], capture_output=True, text=True, check=False).stdout
    named = set(re.findall(r"^ {1,6}(-\w)\b", shown, re.MULTILINE))
    named |= set(re.findall(r"^ {1,6}(?:-\w, )?(--[a-z][\w-]*)", shown, re.MULTILINE))
    named |= set(re.findall(r"^ {1,6}-\w, (-\w),", shown, re.MULTILINE))
    known = set(TOOLS[name].kinds)

    assert named
    assert named - known - LEFT_OUT.get(name, set()) == set()


@pytest.mark.parametrize(
    ("words", "operands", "options"),
    [
        ("-ab x -- -c", ("x", "-c"), {"-a": ("",), "-b": ("",)}),
        ("-v1 -v 2 --value=3 --value 4", (), {"-v": ("1", "2", "3", "4")}),
        ("-av1", (), {"-a": ("",), "-v": ("1",)}),
        ("-o -o5 --opt --opt=6", (), {"-o": ("", "5", "", "6")}),
        ("-12 x", ("x",), {"-#": ("12",)}),
        ("- x", ("-", "x"), {}),
    ],
)  # fmt: skip
def test_options_follow_getopt(
    words: str, operands: tuple[str, ...], options: dict[str, tuple[str, ...]]
) -> None:
    found = Syntax("-a -b -v|--value= -o|--opt[=] -#").read(words.split())

    assert found.operands == operands
    assert found.options == options


@pytest.mark.parametrize("words", ["-z", "--frob", "-v", "--value", "-az", "--opt2=x", "-a --b=c"])
def test_other_options_are_unknown(words: str) -> None:
    with pytest.raises(Unknown):
        Syntax("-a -b -v|--value= -o|--opt[=] -#").read(words.split())


ODD: list[list[str]] = [
    [], [""], ["-"], ["--"], ["x"], ["--frob=\n"], ["-C"], ["/"] * 50, ["{}", "+"], ["a" * 5000],
    ["-" * 3000], ["\\"], ["'", '"'], ["-e"], ["s/"], ["é", "\udcff"],
]  # fmt: skip


@pytest.mark.parametrize("program", sorted(commands._MODULES))
def test_odd_words_end_in_an_answer_or_in_none(program: str) -> None:
    for words in ODD:
        found = touch(Call((program, *words), "/w"))
        assert found is None or all(p.startswith("/") for p in (*found.reads, *found.writes))
