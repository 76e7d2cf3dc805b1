"""Runs git's plumbing commands so that nothing the repository configures is run or followed.

What counts is git(1), "Environment Variables", and git-config(1): pagers, external diffs and
text conversions belong to porcelain; the file system monitor and lazy fetches of a partial
clone are what plumbing could still start, and both are turned off.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Timer
from typing import IO, Final

_OPTIONS: Final = (
    "--no-pager",
    "--no-replace-objects",
    "-c",
    "core.fsmonitor=false",
    "-c",
    "core.hooksPath=" + os.devnull,
    "-c",
    "protocol.allow=never",
)
_ENVIRONMENT: Final = {
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_ALLOW_PROTOCOL": "none",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_GRAFT_FILE": os.devnull,
    "GIT_PAGER": "cat",
    "LC_ALL": "C",
}


class GitError(Exception):
    """git is missing, refuses the repository, or took too long; the text is one sentence for
    people."""


class Git:
    """git in one folder. Every command ends after ``timeout`` seconds at the latest."""

    def __init__(
        self, folder: Path, timeout: float, environment: Mapping[str, str] | None = None
    ) -> None:
        """``environment`` stands beside what keeps git from running anything of the repository,
        and may name the protocols that it speaks (``GIT_ALLOW_PROTOCOL``).

        Raises `GitError` where there is no git on this machine.
        """
        found = shutil.which("git")
        # A relative entry of PATH would find a program of the repository.
        if found is None or not Path(found).is_absolute():
            raise GitError("git is not installed")
        self._command = (found, *_OPTIONS)
        self._folder = folder
        self._timeout = timeout
        self._more = dict(environment or {})

    def text(self, *words: str, given: bytes = b"") -> str:
        """Returns what the command prints, without the last line end; ``given`` is its standard
        input. Raises `GitError` where it fails."""
        with self.stream(words, given) as output:
            return os.fsdecode(output.read()).removesuffix("\n")

    @contextmanager
    def stream(self, words: Sequence[str], given: bytes = b"") -> Iterator[IO[bytes]]:
        """Gives what the command prints, as it comes; ``given`` is its standard input.

        Leaving early ends the command. Raises `GitError` where it fails or is late.
        """
        late = Event()
        with tempfile.TemporaryFile() as source, tempfile.TemporaryFile() as errors:
            source.write(given)
            source.seek(0)
            process = self._start(words, source, errors)
            timer = Timer(self._timeout, _end_late, (process, late))
            timer.daemon = True
            timer.start()
            assert process.stdout is not None
            try:
                with process.stdout as output:
                    yield output
                    left = bool(output.read(1))
                if left:
                    _kill(process)
                failed = process.wait() != 0 and not left
            finally:
                timer.cancel()
                if process.poll() is None:
                    _kill(process)
                    process.wait()
            if late.is_set():
                raise GitError(f"git did not answer within {self._timeout:g} seconds")
            if failed:
                errors.seek(0)
                raise GitError(_complaint(os.fsdecode(errors.read(10_000))))

    def _start(
        self, words: Sequence[str], source: IO[bytes], errors: IO[bytes]
    ) -> subprocess.Popen[bytes]:
        try:
            return subprocess.Popen(
                [*self._command, *words],
                cwd=self._folder,
                env={**_environment(os.environ), **self._more},
                stdin=source,
                stdout=subprocess.PIPE,
                stderr=errors,
                start_new_session=True,
            )
        except OSError as error:
            raise GitError(f"git cannot be started: {error.strerror}") from None


def _environment(given: Mapping[str, str]) -> dict[str, str]:
    """Leaves out what points git at another repository (a hook runs with ``GIT_DIR`` set) and
    keeps the user's own configuration, which says what is safe."""
    kept = {
        name: value
        for name, value in given.items()
        if not name.startswith("GIT_") or name.startswith(("GIT_CONFIG", "GIT_CEILING"))
    }
    return {**kept, **_ENVIRONMENT}


def _end_late(process: subprocess.Popen[bytes], late: Event) -> None:
    late.set()
    _kill(process)


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Ends the process and what it may have started."""
    try:
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    except ProcessLookupError:
        pass


def _complaint(errors: str) -> str:
    """Returns git's own words, or what they mean."""
    first = next((line for line in errors.splitlines() if line.startswith("fatal:")), "")
    if "dubious ownership" in errors:
        return (
            "git does not read a repository that belongs to somebody else; "
            "`git config --global --add safe.directory DIR` allows it"
        )
    if "not a git repository" in errors:
        return "this is no git repository"
    if not first:
        first = next((line for line in errors.splitlines() if line.startswith("error:")), "")
    shown = first.removeprefix("fatal: ").removeprefix("error: ")
    return f"git fails: {shown or 'it says nothing more'}"
