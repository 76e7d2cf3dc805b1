"""The newest look at each open document: begun after a change, given up after the next."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from optimizer.surfaces.lsp.analyst import Analyst, Seen, Stale
from optimizer.surfaces.lsp.documents import Document, Documents
from optimizer.surfaces.lsp.worker import Worker

PROMPT_SECONDS = 0.02
"""A look that took no longer is begun at once after a change."""

LONGEST_WAIT = 0.5
"""Seconds; a look that takes long waits as long as the last one took, so that typing keeps no
more than half of a processor busy, but not longer than this."""


@dataclass
class Looks:
    """Looks at ``documents`` on ``worker``. ``tell`` is called with each look that is done."""

    documents: Documents
    worker: Worker
    analyst: Analyst
    tell: Callable[[Seen], None]
    _seen: dict[str, tuple[Seen, int]] = field(default_factory=dict)
    _tasks: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    _moment: int = 0
    """Counts how often what lies around the documents has changed."""

    def begin(self, uri: str) -> None:
        """Sees to it that the newest version of a document is looked at."""
        known = self._tasks.get(uri)
        if known is None or known.done():
            self._tasks[uri] = asyncio.create_task(self._follow(uri))

    def begin_all(self) -> None:
        """Looks at all documents again, because something around them has changed."""
        self._moment += 1
        for document in self.documents:
            if document.is_dockerfile:
                self.begin(document.uri)

    def forget(self, uri: str) -> bool:
        """Lets go of what was seen of a document that is closed; tells whether it was looked at."""
        self._seen.pop(uri, None)
        return self._tasks.pop(uri, None) is not None

    async def newest(self, uri: str) -> Seen | None:
        """Returns what was seen of the version that is the newest when this returns; None where
        the document is not open, or is no Dockerfile."""
        while (document := self.documents.get(uri)) is not None and document.is_dockerfile:
            if (seen := self._fresh(document)) is not None:
                return seen
            self.begin(uri)
            # Who asks may lose interest; the look goes on for others.
            await asyncio.shield(self._tasks[uri])
        return None

    def _fresh(self, document: Document) -> Seen | None:
        seen, moment = self._seen.get(document.uri, (None, 0))
        if seen is None or seen.document is not document or moment != self._moment:
            return None
        return seen

    async def _follow(self, uri: str) -> None:
        while (document := self.documents.get(uri)) is not None:
            if not document.is_dockerfile or self._fresh(document) is not None:
                return
            await asyncio.sleep(self._wait(uri))
            await self._look(uri)

    def _wait(self, uri: str) -> float:
        seen, _ = self._seen.get(uri, (None, 0))
        if seen is None or seen.seconds <= PROMPT_SECONDS:
            return 0.0
        return min(seen.seconds, LONGEST_WAIT)

    async def _look(self, uri: str) -> None:
        document = self.documents.get(uri)
        if document is None:
            return
        moment, overlay = self._moment, self.documents.overlay()

        def go_on() -> None:
            if self.documents.get(uri) is not document:
                raise Stale

        look = partial(self.analyst.look, document, overlay, go_on)
        try:
            seen = await asyncio.wrap_future(self.worker.submit(look))
        except Stale:
            return
        if self.documents.get(uri) is document:
            self._seen[uri] = seen, moment
            self.tell(seen)
