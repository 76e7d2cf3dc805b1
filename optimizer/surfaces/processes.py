"""Looks at files in several processes, so that a file on which one dies costs that file alone."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from pathlib import Path

from optimizer.journal import Record
from optimizer.surfaces.load import Repository, Request, Task
from optimizer.surfaces.run import Progress, internal_error, look_at

_CHUNK = 16


def look_in_processes(
    tasks: Sequence[Task], request: Request, jobs: int, progress: Progress
) -> list[Record]:
    """Returns what was found for each task, in their order."""
    records: dict[int, Record] = {}
    chunks = [range(at, min(at + _CHUNK, len(tasks))) for at in range(0, len(tasks), _CHUNK)]
    with worker_pool(min(jobs, len(chunks))) as pool:
        futures = {
            _submit(pool, [tasks[index] for index in chunk], request): chunk for chunk in chunks
        }
        for future in as_completed(futures):
            try:
                done = future.result()
            except BrokenProcessPool:
                continue
            records.update(zip(futures[future], done, strict=True))
            progress(len(done))
    missing = deque(index for index in range(len(tasks)) if index not in records)
    while missing:
        for index, record in _until_one_dies(tasks, missing, request):
            records[index] = record
            progress(1)
    return [records[index] for index in range(len(tasks))]


def _until_one_dies(
    tasks: Sequence[Task], missing: deque[int], request: Request
) -> Iterator[tuple[int, Record]]:
    """Looks at one file after the other in one process, which shows on which of them it dies."""
    with worker_pool(1) as pool:
        while missing:
            index = missing.popleft()
            try:
                yield index, _submit(pool, [tasks[index]], request).result()[0]
            except BrokenProcessPool:
                yield index, internal_error(tasks[index], "the process that looked at it died")
                return


def _submit(
    pool: ProcessPoolExecutor, tasks: Sequence[Task], request: Request
) -> Future[list[Record]]:
    """Hands a chunk to ``pool``."""
    with deaf():
        return pool.submit(_look_at_chunk, tasks, request)


@contextmanager
def deaf() -> Iterator[None]:
    """Lets processes that start meanwhile never hear Ctrl-C, which a terminal sends to all."""
    heard = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, heard)


_repositories: dict[Path, Repository] = {}
"""What this process has read; only the processes of a pool use it, and they live for one run."""


def _look_at_chunk(tasks: Sequence[Task], request: Request) -> list[Record]:
    return [look_at(task, request, _repositories) for task in tasks]


@contextmanager
def worker_pool(jobs: int) -> Iterator[ProcessPoolExecutor]:
    """Gives a pool whose processes end at once when the run is interrupted."""
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(jobs, mp_context=context, initializer=_end_with_parent)
    try:
        yield pool
    except BaseException:
        for process in multiprocessing.active_children():
            process.terminate()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def _end_with_parent() -> None:
    """Ends a worker whose parent was killed; it would wait for work forever."""
    parent = multiprocessing.parent_process()
    assert parent is not None

    def wait() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()
