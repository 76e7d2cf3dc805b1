"""RUN to a `Script`: which text a shell gets, which shell it is, and where the text lies.

BuildKit's rules are those of dispatchRun and withShell in
frontend/dockerfile/dockerfile2llb/convert.go.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from optimizer.cst.heredocs import read_opening
from optimizer.cst.nodes import Dockerfile, Heredoc, Instruction, LogicalLine, Word
from optimizer.cst.source import Span
from optimizer.shell.interpreter import read_shell_call, windows_shell
from optimizer.shell.parse import parse_script
from optimizer.shell.script import (
    ChainItem,
    Command,
    OpaqueScript,
    Script,
    ShellOptions,
)
from optimizer.shell.words import ShellText, ShellWord

DEFAULT_SHELL: Final = ("/bin/sh", "-c")
"""What BuildKit puts in front of the shell form on Linux (dockerfile2llb, defaultShell)."""

_LEADING_TABS = re.compile(r"^\t+", re.MULTILINE)
_FIRST_WORD = re.compile(r"[^ \t]+")


def read_run(
    dockerfile: Dockerfile, instruction: Instruction, shell: Sequence[str] = DEFAULT_SHELL
) -> Script | OpaqueScript:
    """Returns the commands that a RUN of ``dockerfile`` runs.

    ``shell`` is what SHELL set, or the default. The exec form is one command of
    verbatim words. Never raises.
    """
    words = instruction.exec_form
    if words is not None:
        return _exec_form(instruction, words)
    documents = instruction.heredocs
    if len(documents) == 1 and read_opening(instruction.arguments) is not None:
        return _document(dockerfile, documents[0], shell)
    line = _whole_line(dockerfile, instruction)
    first = _FIRST_WORD.match(line.text)
    foreign = windows_shell(first[0].strip("\"'")) if first is not None else None
    if first is not None and foreign is not None:
        return OpaqueScript(f"a script for {foreign}", instruction.locate(0, first.end()))
    return _shell_form(line, shell)


def _shell_form(line: LogicalLine, shell: Sequence[str]) -> Script | OpaqueScript:
    """Reads a script that BuildKit hands to ``shell`` as its last word."""
    foreign = windows_shell(shell[0]) if shell else None
    if foreign is not None:
        return OpaqueScript(f"a script for {foreign}")
    call = read_shell_call([*shell, line.text])
    if call is None or call.command != len(shell):
        return OpaqueScript(f"a script for {' '.join(shell)}")
    return parse_script(line.text, line.span, call.options)


def _whole_line(dockerfile: Dockerfile, instruction: Instruction) -> LogicalLine:
    """Returns the arguments with the lines of the here-documents behind them."""
    at = instruction.arguments_at
    end = at + len(instruction.arguments)
    pieces = [instruction.arguments]
    inside = [
        (start - at, real) for start, real in instruction.logical.segments if at < start < end
    ]
    segments = [(0, instruction.logical.offset(at)), *inside]
    length = len(instruction.arguments)
    for document in instruction.heredocs:
        body = dockerfile.text(document.body)
        segments.append((length + 1, document.body.start))
        pieces.append(f"\n{body}{document.name}")
        length += len(pieces[-1])
    return LogicalLine("".join(pieces), tuple(segments))


def _document(
    dockerfile: Dockerfile, document: Heredoc, shell: Sequence[str]
) -> Script | OpaqueScript:
    """``RUN <<EOF``: the lines are the script, or a program that names its interpreter."""
    line = _lines(dockerfile, document)
    if not line.text.startswith("#!"):
        return _shell_form(line, shell)
    words = line.text.partition("\n")[0][2:].split()
    if len(words) > 1 and words[1] == "-S":
        del words[1]
    call = read_shell_call([*words, "script"])
    if call is None or call.file != len(words):
        return OpaqueScript(f"a program for {' '.join(words)}", document.body)
    return parse_script(line.text, line.span, call.options)


def _lines(dockerfile: Dockerfile, document: Heredoc) -> LogicalLine:
    """Returns the body, for ``<<-`` without the tabs its lines begin with."""
    text = dockerfile.text(document.body)
    start = document.body.start
    if not document.chomp:
        return LogicalLine(text, ((0, start),))
    pieces: list[str] = []
    segments = [(0, start)]
    length = position = 0
    for tabs in _LEADING_TABS.finditer(text):
        pieces.append(text[position : tabs.start()])
        length += len(pieces[-1])
        position = tabs.end()
        segments.append((length, start + position))
    pieces.append(text[position:])
    return LogicalLine("".join(pieces), tuple(segments))


def _exec_form(instruction: Instruction, words: Sequence[Word]) -> Script | OpaqueScript:
    """One command whose words no shell reads."""
    if not words:
        return OpaqueScript("an exec form without words", instruction.code)
    foreign = windows_shell(words[0].value)
    if foreign is not None:
        return OpaqueScript(f"a script for {foreign}", words[0].span)
    read = tuple(_verbatim(word) for word in words)
    span = Span(words[0].span.start, words[-1].span.end)
    text = " ".join(word.value for word in words)
    source = ShellText(text, lambda _, __: span)
    command = Command(source, 0, len(text), read)
    return Script(source, (ChainItem("", command),), (command,), ShellOptions("exec"))


def _verbatim(word: Word) -> ShellWord:
    source = ShellText(word.value, lambda _, __: word.span)
    return ShellWord(source, 0, len(word.value), verbatim=True)
