"""Runs `dockopt verify` beside the server, for a client that asked for it."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

CLEANING_SECONDS = 60.0
"""What a run that is ended gets to take away what it left on the engine."""

_LONGEST_LINE = 16 << 20
"""Bytes of a line of progress."""

_SAID = 20
"""Lines of standard error that are kept for an answer."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What a run gave: its exit code, its report as JSON values (None where there is none), and
    the last of what it said."""

    code: int
    report: object
    said: tuple[str, ...]


@dataclass
class Judging:
    """The runs that are under way. A run is a process of its own, so it can be ended, and what it
    does to signals stays there."""

    _running: set[asyncio.subprocess.Process] = field(default_factory=set)

    async def verify(self, file: Path, folder: Path, say: Callable[[str], None]) -> Judged:
        """Builds ``file`` and its rewrite and returns the verdicts; ``say`` gets each line of
        progress. Ended when cancelled, with what it left on the engine taken away."""
        # -P: `-m` would put the current folder, which is the workspace, in front of all modules.
        command = (sys.executable, "-P", "-m", "optimizer", "verify", "--format", "json")
        process = await asyncio.create_subprocess_exec(
            *command,
            str(file),
            cwd=folder,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            limit=_LONGEST_LINE,
        )
        self._running.add(process)
        try:
            said, output = await asyncio.gather(_lines(process, say), _output(process))
            return Judged(await process.wait(), _values(output), tuple(said[-_SAID:]))
        finally:
            await self._ended(process)

    async def _ended(self, process: asyncio.subprocess.Process) -> None:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.terminate()
            try:
                await asyncio.wait_for(process.communicate(), CLEANING_SECONDS)
            except TimeoutError:
                process.kill()
        self._running.discard(process)

    def end(self) -> None:
        """Asks all runs to end; they clean up without anybody waiting."""
        for process in tuple(self._running):
            if process.returncode is None:
                with suppress(ProcessLookupError):
                    process.terminate()


async def _lines(process: asyncio.subprocess.Process, say: Callable[[str], None]) -> list[str]:
    assert process.stderr is not None
    lines: list[str] = []
    while data := await process.stderr.readline():
        line = data.decode("utf-8", "replace").rstrip()
        say(line)
        lines.append(line)
    return lines


async def _output(process: asyncio.subprocess.Process) -> bytes:
    assert process.stdout is not None
    return await process.stdout.read()


def _values(output: bytes) -> object:
    try:
        return json.loads(output)
    except ValueError:
        return None
