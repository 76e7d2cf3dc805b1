"""Scripts and Dockerfiles of a line or two, read for a test."""

from __future__ import annotations

from optimizer.cst.nodes import Dockerfile, Instruction
from optimizer.cst.parse import parse
from optimizer.cst.source import Source, Span
from optimizer.shell.parse import parse_script
from optimizer.shell.run import read_run
from optimizer.shell.script import Command, OpaqueScript, Script
from optimizer.shell.words import ShellWord


def script(text: str) -> Script:
    """Returns ``text`` as a script whose spans are offsets in it; fails where it is opaque."""
    read = parse_script(text, Span)
    assert isinstance(read, Script), read
    return read


def command(text: str) -> Command:
    """Returns the only command of ``text``."""
    (found,) = script(text).commands
    return found


def word(text: str) -> ShellWord:
    """Returns ``text`` as the first argument of a command."""
    return script(f"x {text}").commands[0].words[1]


def runs(text: str) -> tuple[Dockerfile, list[Instruction]]:
    """Returns a Dockerfile and its RUN instructions."""
    dockerfile = parse(Source("Dockerfile", text))
    return dockerfile, [found for found in dockerfile.instructions if found.keyword == "RUN"]


def run(text: str, *shell: str) -> tuple[Dockerfile, Script | OpaqueScript]:
    """Returns a Dockerfile and its only RUN as read with ``shell`` or the default shell."""
    dockerfile, (instruction,) = runs(text)
    if shell:
        return dockerfile, read_run(dockerfile, instruction, shell)
    return dockerfile, read_run(dockerfile, instruction)
