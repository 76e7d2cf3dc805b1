"""Runs a builder's client: reads what it says as it comes, and really ends it in time."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import IO

GRACE_SECONDS = 10
"""How long a client may take to cancel its build before it is killed."""

LONGEST_LINE = 1 << 26
"""Bytes of a line at most; a longer one comes in pieces. No status of a build is so long."""

_LOOK_SECONDS = 0.5


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
    stuck: Callable[[], bool] = lambda: False,
) -> Ended:
    """Runs ``command`` to its end and returns how it was.

    ``said`` gets the lines of standard error as they come, where ``merged`` those of both
    streams; ``read`` reads standard output, in
    a thread of its own, and its exceptions are raised here. ``stuck`` is asked now and then
    whether to wait no longer, in another thread. Whatever happens, the process and
    all that it started in its session are gone afterwards. Raises OSError where it cannot start.
    """
    started = time.monotonic()
    with _session(command, environment, reads=read is not None, merged=merged) as process:
        stream = process.stdout if merged else process.stderr
        assert stream is not None
        with _limited(process, seconds, stuck) as over:
            reader = _Reading(read, process.stdout) if read is not None else None
            for line in iter(partial(stream.readline, LONGEST_LINE), b""):
                said(line)
            code = process.wait()
            if reader is not None:
                reader.finish()
    return Ended(code, time.monotonic() - started, over.is_set())


@contextmanager
def _session(
    command: Sequence[str], environment: Mapping[str, str], *, reads: bool, merged: bool
) -> Iterator[subprocess.Popen[bytes]]:
    """Starts a process in a session of its own and ends all of that session.

    A terminal's Ctrl-C then comes to this process alone, which ends the other in order. It comes
    to the main thread, where it would lose a process that is just being started; so another
    thread does that.
    """
    processes: list[subprocess.Popen[bytes]] = []
    errors: list[OSError] = []
    done = threading.Event()

    def start() -> None:
        try:
            process = subprocess.Popen(
                command,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE if reads or merged else subprocess.DEVNULL,
                stderr=subprocess.STDOUT if merged else subprocess.PIPE,
                start_new_session=True,
            )
            processes.append(process)
        except OSError as error:
            errors.append(error)
        finally:
            done.set()

    try:
        threading.Thread(target=start, daemon=True).start()
        done.wait()
        for error in errors:
            raise error
        yield processes[0]
    finally:
        done.wait(GRACE_SECONDS)
        for process in processes:
            stop(process)
            for pipe in (process.stdout, process.stderr):
                if pipe is not None:
                    pipe.close()


@contextmanager
def _limited(
    process: subprocess.Popen[bytes], seconds: float, stuck: Callable[[], bool]
) -> Iterator[threading.Event]:
    """Stops ``process`` when its time is over or it is stuck; gives what is then set."""
    over, ended = threading.Event(), threading.Event()
    deadline = time.monotonic() + seconds

    def look() -> None:
        while not ended.wait(min(_LOOK_SECONDS, max(0.0, deadline - time.monotonic()))):
            if time.monotonic() >= deadline or stuck():
                over.set()
                stop(process)
                return

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield over
    finally:
        ended.set()


def stop(process: subprocess.Popen[bytes]) -> None:
    """Asks a process and its session to end, and kills what of them does not."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        if not _lives(process):
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        deadline = time.monotonic() + GRACE_SECONDS
        while _lives(process) and time.monotonic() < deadline:
            time.sleep(0.02)


def _lives(process: subprocess.Popen[bytes]) -> bool:
    """Tells whether the process or another of its group is there: a client's plugin may go on
    when the client has ended, and keep the streams open."""
    process.poll()
    try:
        os.killpg(process.pid, 0)
    except ProcessLookupError:
        return False
    return True


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
