"""RUN instructions of real Dockerfiles, each with the SHELL in force."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from optimizer.cst.nodes import Dockerfile, Instruction
from optimizer.cst.parse import parse
from optimizer.cst.source import Source
from optimizer.shell.run import DEFAULT_SHELL, read_run
from optimizer.shell.script import OpaqueScript, Script


@dataclass(frozen=True)
class CorpusRun:
    """One RUN of one file."""

    dockerfile: Dockerfile
    instruction: Instruction
    shell: tuple[str, ...]

    @cached_property
    def script(self) -> Script | OpaqueScript:
        return read_run(self.dockerfile, self.instruction, self.shell)

    @property
    def place(self) -> str:
        return f"{self.dockerfile.source.path}:{self.instruction.line}"


def runs_of(name: str, data: bytes) -> Iterator[CorpusRun]:
    dockerfile = parse(Source.from_bytes(name, data))
    shell: tuple[str, ...] = DEFAULT_SHELL
    for instruction in dockerfile.instructions:
        words = instruction.exec_form
        if instruction.keyword == "FROM":
            shell = DEFAULT_SHELL
        elif instruction.keyword == "SHELL" and words is not None:
            shell = tuple(word.value for word in words)
        elif instruction.keyword == "RUN":
            yield CorpusRun(dockerfile, instruction, shell)


def shell_texts(runs: tuple[CorpusRun, ...]) -> list[str]:
    """Returns the distinct scripts that a POSIX shell gets, sorted."""
    scripts = (run.script for run in runs)
    return sorted(
        {
            script.text
            for script in scripts
            if isinstance(script, Script) and script.options.name != "exec"
        }
    )
