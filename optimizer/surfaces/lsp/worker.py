"""The thread that looks at files, beside the event loop that talks to the client."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from typing import TypeVar

T = TypeVar("T")

_STACK = 64 << 20
"""Bytes: what the main thread of most systems has is a few times less, and the parsers of some
manifests go as deep as the manifest does."""


class Worker:
    """One thread that does jobs in the order in which they come. It does not keep the process."""

    def __init__(self) -> None:
        self._jobs: SimpleQueue[Callable[[], None]] = SimpleQueue()
        before = threading.stack_size(_STACK)
        threading.Thread(target=self._work, name="looks at files", daemon=True).start()
        threading.stack_size(before)

    def submit(self, job: Callable[[], T]) -> Future[T]:
        """Returns what will hold the result of ``job``; one that is cancelled first is not done."""
        future: Future[T] = Future()

        def run() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                future.set_result(job())
            except BaseException as error:
                future.set_exception(error)

        self._jobs.put(run)
        return future

    def _work(self) -> None:
        while True:
            self._jobs.get()()
