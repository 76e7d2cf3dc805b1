"""shfmt and dockopt see the same commands, words, redirections and connections.

Scripts that dockopt leaves opaque are not compared, nor those that shfmt refuses; there
are tests of their own for how many real scripts are opaque.
"""

from __future__ import annotations

import re
from collections import Counter

import pytest

from optimizer.cst.source import Span
from optimizer.shell.parse import parse_script
from optimizer.shell.script import Script
from tests.shell.corpus import CorpusRun, shell_texts
from tests.shell.generated import Generator
from tests.shell.reading import script
from tests.shell.shfmt import Seen, seen_by_dockopt, seen_by_shfmt, seen_by_shfmt_in_each

# What shfmt reads in another way than dash and bash, which were asked. Where one of these
# patterns is in a script, a difference is not held against dockopt.
DISAGREEMENTS: list[tuple[str, re.Pattern[str], str]] = [
    (
        "a comment ends with its line, and a backslash before the line end is part of it",
        re.compile(r"#[^\n]*\\\n"),
        "a # b \\\nc",
    ),
    (
        "time is a word like others here, not a keyword",
        re.compile(r"\btime\b"),
        "time a b",
    ),
    (
        "a function's body ends with its compound command",
        re.compile(r"\(\)"),
        "f() { a; } && b",
    ),
    (
        "an exclamation mark right before a parenthesis negates a subshell",
        re.compile(r"!\("),
        "a && !(b | c)",
    ),
    (
        "a word with a slash before the equals sign is no assignment",
        re.compile(r"/[^ ]*==[^ ]*\["),
        "a/b==c[ d",
    ),
]


@pytest.mark.parametrize(
    ("pattern", "example"),
    [case[1:] for case in DISAGREEMENTS],
    ids=[case[0].replace(" ", "-") for case in DISAGREEMENTS],
)
def test_disagreement_is_still_there(pattern: re.Pattern[str], example: str) -> None:
    assert pattern.search(example)
    assert seen_by_shfmt(example) != seen_by_dockopt(script(example))


def differences(text: str) -> tuple[str, tuple[list[Seen], list[Seen]] | None]:
    """Compares the two readers on one script; returns what came out, and what differs."""
    read = parse_script(text, Span)
    if not isinstance(read, Script):
        return "opaque", None
    theirs = seen_by_shfmt(text)
    if theirs is None:
        return "refused by shfmt", None
    ours = seen_by_dockopt(read)
    if ours == theirs:
        return "same", None
    if any(pattern.search(text) for _, pattern, _ in DISAGREEMENTS):
        return "known disagreement", None
    return "different", (ours, theirs)


def test_generated_scripts() -> None:
    generator = Generator(1)
    outcomes: Counter[str] = Counter()
    for _ in range(300):
        text = generator.script()
        outcome, difference = differences(text)
        outcomes[outcome] += 1
        assert difference is None, text
    assert outcomes["same"] > 150, outcomes


def test_real_scripts(corpus: tuple[CorpusRun, ...]) -> None:
    texts = shell_texts(corpus)
    different: list[str] = []
    for start in range(0, len(texts), 200):
        some = texts[start : start + 200]
        theirs = seen_by_shfmt_in_each(some)
        assert theirs is not None, "shfmt refuses one of these scripts"
        different += [
            text
            for text, seen in zip(some, theirs, strict=True)
            if seen != seen_by_dockopt(script(text))
            and not any(pattern.search(text) for _, pattern, _ in DISAGREEMENTS)
        ]
    print(f"{len(texts)} scripts compared with shfmt, {len(different)} differ")
    assert different == []


def test_broken_real_scripts(corpus: tuple[CorpusRun, ...]) -> None:
    generator = Generator(2)
    texts = [text for text in shell_texts(corpus) if len(text) < 1500]
    outcomes: Counter[str] = Counter()
    for _ in range(300):
        text = generator.broken(texts)
        outcome, difference = differences(text)
        outcomes[outcome] += 1
        assert difference is None, text
    assert outcomes["same"] > 150, outcomes
