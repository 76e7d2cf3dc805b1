"""Runs a builder's client: reads what it says as it comes, and really ends it in time."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import IO

GRACE_SECONDS = 10
"""How long a client may take to cancel its build before it is killed."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a process ended. ``timed_out``: it was stopped because its time was over."""

    code: int
    seconds: float
    timed_out: bool


def run(
    command: Sequence[str],
    environment: Mapping[str, str],
    seconds: float,
    said: Callable[[bytes], None],
    read: Callable[[IO[bytes]], None] | None = None,
    *,
    merged: bool = False,
) -> Ended:
    """Runs ``command`` to its end and returns how it was.

    ``said`` gets the lines of standard error as they come, where ``merged`` those of both
    streams; ``read`` reads standard output, in
    a thread of its own, and its exceptions are raised here. Whatever happens, the process and
    all that it started in its session are gone afterwards. Raises OSError where it cannot start.
    """
    started = time.monotonic()
    process = subprocess.Popen(
        command,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE if read is not None or merged else subprocess.DEVNULL,
        stderr=subprocess.STDOUT if merged else subprocess.PIPE,
        # A terminal's Ctrl-C then comes to this process alone, which ends the client in order.
        start_new_session=True,
    )
    over = threading.Event()

    def expire() -> None:
        over.set()
        stop(process)

    timer = threading.Timer(seconds, expire)
    timer.daemon = True
    reader = _Reading(read, process.stdout) if read is not None else None
    try:
        timer.start()
        for line in (process.stdout if merged else process.stderr) or ():
            said(line)
        code = process.wait()
        if reader is not None:
            reader.finish()
    finally:
        timer.cancel()
        stop(process)
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()
    return Ended(code, time.monotonic() - started, over.is_set())


def stop(process: subprocess.Popen[bytes]) -> None:
    """Asks a process and its session to end, and kills them where they do not."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        if process.poll() is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(GRACE_SECONDS)


class _Reading:
    """A thread that reads a stream to its end."""

    def __init__(self, read: Callable[[IO[bytes]], None], stream: IO[bytes] | None) -> None:
        assert stream is not None
        self._error: BaseException | None = None
        self._read, self._stream = read, stream
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def _work(self) -> None:
        try:
            self._read(self._stream)
        except BaseException as error:
            self._error = error
            # The writer must be able to come to its end.
            with contextlib.suppress(OSError, ValueError):
                while self._stream.read(1 << 20):
                    pass

    def finish(self) -> None:
        """Waits for the end; raises what reading raised."""
        self._thread.join()
        if self._error is not None:
            raise self._error
