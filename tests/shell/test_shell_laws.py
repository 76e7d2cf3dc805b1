"""What holds for any text: nothing is raised, places are right, time is linear."""

from __future__ import annotations

import gc
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from time import thread_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.cst.parse import parse
from optimizer.cst.source import Source, Span
from optimizer.shell.parse import LONGEST, parse_script
from optimizer.shell.run import read_run
from optimizer.shell.script import Chain, Command, Compound, OpaqueScript, Script
from optimizer.shell.walk import walk
from tests.shell.generated import Generator

ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=60)

PIECES = st.sampled_from(
    (
        *(" ", " ", " ", "\n", "\t", "\r\n", "a", "b", "npm", "cd x", "=", "'", '"', "\\", "\\\n"),
        *("`", "$", "$x", "${x}", "${x:-", "$(", "$((", "))", ")", "(", "{ ", "; }", "{a,b}", "#"),
        *("&&", "||", "|", "&", ";", ";;", ">", "<", "<<E\n", "\nE\n", "<<<", "2>&1", "! ", "[ "),
        *("]", "[[ ", "]]", "if ", "then ", "else ", "fi", "for x in ", "do ", "done", "case x in"),
        *("esac", "while ", "f() ", "A=1 ", "export ", "é", "😀", "\udcff", "\0", "\x01", "~", "*"),
    )
)
SHELL_LIKE = st.lists(PIECES, max_size=25).map("".join)


def commands_of(chain: Chain) -> list[Command]:
    """Returns the commands that a chain leads to, in the order of the tree."""
    found: list[Command] = []
    for item in chain:
        bodies = [item.body] if isinstance(item.body, Command | Compound) else item.body.items
        for body in bodies:
            if isinstance(body, Command):
                found.append(body)
            else:
                for block in body.blocks:
                    found += commands_of(block.chain)
            for inner in body.substitutions:
                found += commands_of(inner)
    return found


def check(text: str) -> Script | OpaqueScript:
    """Reads ``text`` and checks all that must hold for the answer."""
    read = parse_script(text, Span)
    if isinstance(read, OpaqueScript):
        assert read.reason
        return read
    for command in read.commands:
        assert 0 <= command.start <= command.end <= len(text)
        assert command.text == text[command.span.start : command.span.end]
        places = sorted(
            [
                *((word.start, word.end) for word in command.words),
                *((each.start, each.end) for each in command.assignments),
                *((each.start, each.end) for each in command.redirections),
            ]
        )
        assert places, "a command of nothing"
        assert all(one[1] <= other[0] for one, other in pairwise(places))
        assert (places[0][0], places[-1][1]) == (command.start, command.end)
        for word in command.words:
            assert word.text == text[word.span.start : word.span.end]
            literal = word.literal
            assert literal is None or word.fields({}) == (literal,)
            assert literal is None or word.expand({"x": "1", "HOME": "/h"}) == literal
    starts = [command.start for command in read.commands]
    assert starts == sorted(starts)
    in_tree = commands_of(read.chain)
    assert sorted(map(id, in_tree)) == sorted(map(id, read.commands))
    for visit in walk(read, "/app", {"x": "1 2"}):
        assert visit.cwd is None or visit.cwd.startswith("/")
        assert visit.argv is None or all(isinstance(word, str) for word in visit.argv)
        assert visit.environment is not None
    return read


@given(ANY_TEXT)
def test_any_text(text: str) -> None:
    check(text)


@given(SHELL_LIKE)
def test_text_of_shell_pieces(text: str) -> None:
    check(text)


def test_generated_scripts() -> None:
    generator = Generator(3)
    read = [check(generator.script()) for _ in range(400)]
    assert sum(isinstance(each, Script) for each in read) > 200


@given(st.lists(SHELL_LIKE, max_size=3), st.sampled_from(("\\", "`")), st.booleans())
def test_runs_of_any_dockerfile(lines: list[str], escape: str, exec_form: bool) -> None:
    """Words have the text that their places in the file have, continuations aside."""
    body = f" {escape}\n  ".join(lines)
    text = f"# escape={escape}\nFROM a\nRUN {'[' if exec_form else ''}{body}\nRUN b c\n"
    dockerfile = parse(Source("Dockerfile", text))
    for instruction in dockerfile.instructions:
        if instruction.keyword != "RUN":
            continue
        read = read_run(dockerfile, instruction)
        if isinstance(read, OpaqueScript) or read.options.name == "exec":
            continue
        for word in (word for command in read.commands for word in command.words):
            written = dockerfile.text(word.span)
            if len(written) == len(word.text):
                assert written == word.text
            else:
                assert escape in written
                assert len(written) > len(word.text)


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=30))
def test_quoted_text_is_that_text(text: str) -> None:
    quoted = "'" + text.replace("'", "'\\''") + "'"
    read = check(f"a {quoted} b")
    assert isinstance(read, Script)
    assert read.commands[0].fields({}) == ("a", text, "b")


# Each is repeated until it is as long as a script may be.
HOSTILE = (
    *("(a)", "a=(", "$[", "<<<", "f() ", ")", "|", "a <<A <<B ", "<<A\n", "cat <<A\nx\nA\n"),
    *("${x:-", "$(", '"$(', "`", "{ ", "if a; then ", "a && ", "a;", "A=$A$A;", "export A=1 && "),
    *("\\\n", "\x01", "é", "'", '"', "[ a ]; ", "for i in a; do ", 'sh -c "', "a|", "((", "=~ "),
)


@pytest.fixture
def alone() -> Iterator[None]:
    """What other tests have left is not walked through by the garbage collector in this one's
    time: late in a run that takes seconds."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.mark.usefixtures("alone")
@pytest.mark.parametrize("piece", HOSTILE)
@pytest.mark.parametrize("end", ["", ")"], ids=["as-it-is", "and-a-parenthesis"])
def test_hostile_script_gets_an_answer(piece: str, end: str) -> None:
    start = thread_time()
    read = parse_script((piece * LONGEST)[: LONGEST - 10] + end, Span)
    if isinstance(read, Script):
        assert walk(read, "/app", {"A": "x"})
    else:
        assert read.reason
    # Processor time. Half a second is usual, bad input that is not given up takes over ten.
    assert thread_time() - start < 3


@pytest.mark.usefixtures("alone")
@pytest.mark.parametrize(
    "text",
    ["a\0" * 50_000, "a " * 1_000_000, "\0" * 10_000_000, "(" * 10_000_000, "<<A " * 100_000],
    ids=["nuls", "long", "nothing-but-nuls", "parentheses", "here-documents"],
)
def test_time_of_huge_input(text: str) -> None:
    start = thread_time()
    assert isinstance(parse_script(text, Span), OpaqueScript)
    assert thread_time() - start < 1


def test_nesting_leaves_room_on_the_stack() -> None:
    deep = "( " * 38 + "sh -c '" + "( " * 18 + "a" + " )" * 18 + "'" + " )" * 38
    frames = sys.getrecursionlimit() - 300

    def at_depth(depth: int) -> None:
        if depth:
            at_depth(depth - 1)
        else:
            check(deep)

    at_depth(max(frames - 700, 0))


def test_tree_sitter_is_imported_for_the_first_script_only() -> None:
    text = (
        "import sys, optimizer.shell.run, optimizer.shell.walk;"
        "assert not [name for name in sys.modules if name.startswith('tree_sitter')]"
    )
    subprocess.run([sys.executable, "-c", text], check=True)
