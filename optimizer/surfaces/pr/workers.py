"""Who visits the repositories of a fleet: processes of this machine, or a Dask cluster."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import as_completed
from concurrent.futures.process import BrokenProcessPool
from typing import TYPE_CHECKING

from optimizer.forge.forge import ForgeFault
from optimizer.surfaces.pr.visit import Options, Visit, visit
from optimizer.surfaces.processes import deaf, worker_pool

if TYPE_CHECKING:
    from optimizer.verify.builders import Watch

TRIES = 2
"""Times that a cluster tries a visit again whose worker died."""


def work(source: str, options: Options) -> Visit:
    """Visits one repository without a word. Tokens are those of the worker's own environment."""
    try:
        return visit(source, options, lambda sentence: None, _unseen)
    except Exception as error:
        said = f"internal error: {type(error).__name__}: {error}; this is a defect of dockopt"
        return Visit(source, error=said)


def in_processes(sources: Sequence[str], options: Options, jobs: int) -> Iterator[Visit]:
    """Yields what came of each repository, as it comes. One on which a process dies costs that
    one alone: those that were under way with it are visited again, one by one."""
    left = list(dict.fromkeys(sources))
    while left:
        for found in _until_one_dies(left, options, jobs):
            left.remove(found.source)
            yield found
        for source in left[:jobs]:
            left.remove(source)
            yield _alone(source, options)


def _until_one_dies(sources: Sequence[str], options: Options, jobs: int) -> Iterator[Visit]:
    with worker_pool(min(jobs, len(sources))) as pool:
        with deaf():
            futures = [pool.submit(work, source, options) for source in sources]
        for future in as_completed(futures):
            try:
                yield future.result()
            except BrokenProcessPool:
                return


def _alone(source: str, options: Options) -> Visit:
    found = next(_until_one_dies([source], options, 1), None)
    return found or Visit(source, error="the process that visited it died")


def in_cluster(sources: Sequence[str], options: Options, scheduler: str) -> Iterator[Visit]:
    """Yields what came of each repository, as it comes from the workers of a Dask scheduler.

    A task has the name of its repository, so that no repository is visited by two at once. Raises
    `ForgeFault` where there is no Dask, or no scheduler at that address.
    """
    try:
        import distributed
    except ImportError:
        raise ForgeFault("Dask is not installed", "Install dockopt[dask].") from None
    try:
        client = distributed.Client(scheduler, timeout=30, set_as_default=False)
    except (OSError, ValueError) as error:
        raise ForgeFault(f"no scheduler answers at {scheduler} ({error})") from None
    wanted = list(dict.fromkeys(sources))
    with client:
        futures = {
            client.submit(
                work, each, options, key=f"dockopt-{each}", retries=TRIES, pure=False
            ): each
            for each in wanted
        }
        for future in distributed.as_completed(futures, loop=client.loop):
            try:
                yield future.result()
            except Exception as error:
                yield Visit(futures[future], error=f"its worker failed: {type(error).__name__}")
            future.release()


def _unseen(which: str) -> Watch:
    return lambda progress: None
