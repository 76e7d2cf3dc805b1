"""How much of the corpus is read, and that what is read is where it says."""

from __future__ import annotations

from collections import Counter

from optimizer.shell.script import OpaqueScript, Script
from optimizer.shell.walk import walk
from tests.shell.corpus import CorpusRun


def is_for_windows(run: CorpusRun) -> bool:
    script = run.script
    if isinstance(script, OpaqueScript) and script.reason.startswith("a script for"):
        return True
    lines = run.dockerfile.source.text.lower().splitlines()
    return any(
        line.startswith("from") and ("windows" in line or "nanoserver" in line) for line in lines
    )


def test_posix_scripts_are_read(corpus: tuple[CorpusRun, ...]) -> None:
    posix = [run for run in corpus if not is_for_windows(run)]
    opaque = [run for run in posix if isinstance(run.script, OpaqueScript)]
    share = 1 - len(opaque) / len(posix)
    print(f"{len(posix) - len(opaque)} of {len(posix)} POSIX RUN bodies are read ({share:.2%})")
    for run in opaque:
        print(f"  {run.place}: {run.script}")
    assert share >= 0.99


def test_words_are_where_they_say(corpus: tuple[CorpusRun, ...]) -> None:
    seen: Counter[str] = Counter()
    for run in corpus:
        script = run.script
        if isinstance(script, OpaqueScript) or script.options.name == "exec":
            continue
        for word in (word for command in script.commands for word in command.words):
            written = run.dockerfile.text(word.span)
            # A word that goes on behind a continuation is longer in the file.
            contiguous = len(written) == len(word.text)
            seen["contiguous" if contiguous else "continued"] += 1
            assert not contiguous or written == word.text, f"{run.place}: {word.text}"
    print(dict(seen))
    assert seen["contiguous"] > 100 * seen["continued"]


def test_commands_are_walked(corpus: tuple[CorpusRun, ...]) -> None:
    seen: Counter[str] = Counter()
    for run in corpus:
        if isinstance(run.script, Script):
            for visit in walk(run.script, "/app", {"PATH": "/bin", "HOME": "/root"}):
                seen["visits"] += 1
                seen["words known"] += visit.argv is not None
                seen["directory known"] += visit.cwd is not None
                seen["conditional"] += visit.conditional
    print(dict(seen))
    assert seen["words known"] > seen["visits"] / 2
    assert seen["directory known"] > seen["visits"] / 2
