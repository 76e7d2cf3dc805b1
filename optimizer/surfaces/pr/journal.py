"""What a fleet has seen, proposed, opened and closed, in a SQLite file.

A *round* is one walk over a list. A round that was not ended is gone on with: repositories that are
done in it are not visited again. Only the process that leads a round writes, one transaction for
each visit, so that a visit is in the journal whole and once, however often a worker ran.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from optimizer.surfaces.pr.visit import Visit

_SCHEMA = """
CREATE TABLE IF NOT EXISTS rounds (
    id INTEGER PRIMARY KEY, list TEXT NOT NULL, started REAL NOT NULL, ended REAL
);
CREATE TABLE IF NOT EXISTS visits (
    round INTEGER NOT NULL REFERENCES rounds(id), source TEXT NOT NULL, state TEXT NOT NULL,
    commit_id TEXT, error TEXT, remedy TEXT, at REAL, PRIMARY KEY (round, source)
);
CREATE TABLE IF NOT EXISTS pull_requests (
    round INTEGER NOT NULL REFERENCES rounds(id), source TEXT NOT NULL, path TEXT NOT NULL,
    branch TEXT NOT NULL, action TEXT NOT NULL, detail TEXT NOT NULL, url TEXT NOT NULL,
    PRIMARY KEY (round, source, path, branch)
);
PRAGMA user_version = 1;
"""

VERSION = 1


class JournalFault(Exception):
    """The journal cannot be used; the message is one sentence."""


class Journal:
    """One round in the file of a fleet."""

    def __init__(self, connection: sqlite3.Connection, number: int) -> None:
        self._connection = connection
        self.round = number

    def expect(self, sources: Iterable[str]) -> None:
        """Notes what is to be visited."""
        rows = [(self.round, source) for source in sources]
        with self._connection:
            self._connection.executemany(
                "INSERT OR IGNORE INTO visits (round, source, state) VALUES (?, ?, 'waiting')", rows
            )

    def waiting(self) -> Sequence[str]:
        """Returns what is not done yet, in the order in which it was expected; what failed is
        tried again."""
        rows = self._connection.execute(
            "SELECT source FROM visits WHERE round = ? AND state != 'done' ORDER BY rowid",
            (self.round,),
        )
        return [source for (source,) in rows]

    def record(self, visit: Visit) -> None:
        """Notes what came of a visit, in the place of what an earlier try may have left."""
        state = "failed" if visit.failed else "done"
        with self._connection as connection:
            connection.execute(
                "UPDATE visits SET state = ?, commit_id = ?, error = ?, remedy = ?, at = ? "
                "WHERE round = ? AND source = ?",
                (state, visit.commit, visit.error, visit.remedy, time.time(), self.round,
                 visit.source),
            )  # fmt: skip
            connection.execute(
                "DELETE FROM pull_requests WHERE round = ? AND source = ?",
                (self.round, visit.source),
            )
            connection.executemany(
                "INSERT OR REPLACE INTO pull_requests VALUES (?, ?, ?, ?, ?, ?, ?)",
                [(self.round, visit.source, each.path, each.branch, each.action, each.detail,
                  each.url) for each in visit.done],
            )  # fmt: skip

    def end(self) -> None:
        """Ends the round, so that the next run starts another one."""
        with self._connection as connection:
            connection.execute(
                "UPDATE rounds SET ended = ? WHERE id = ?", (time.time(), self.round)
            )

    def counts(self) -> dict[str, int]:
        """Returns how many visits of the round are in each state."""
        return dict(
            self._connection.execute(
                "SELECT state, COUNT(*) FROM visits WHERE round = ? GROUP BY state", (self.round,)
            )
        )

    def actions(self) -> dict[str, int]:
        """Returns how often each thing was done to a pull request in the round."""
        return dict(
            self._connection.execute(
                "SELECT action, COUNT(*) FROM pull_requests WHERE round = ? GROUP BY action",
                (self.round,),
            )
        )

    def rows(self) -> Sequence[tuple[str, str, str, str, str]]:
        """Returns source, path, action, address and detail of everything that was not nothing,
        with the errors of visits among them."""
        found = self._connection.execute(
            "SELECT source, path, action, url, detail FROM pull_requests "
            "WHERE round = :round AND action != 'nothing' "
            "UNION ALL SELECT source, '', 'failed', '', error || ' ' || remedy FROM visits "
            "WHERE round = :round AND error != '' ORDER BY 1, 2",
            {"round": self.round},
        )
        return found.fetchall()


@contextmanager
def journal(path: Path, name: str) -> Iterator[Journal]:
    """Opens the file at ``path`` and the round of the list ``name`` that is not ended, or starts
    one. One process at a time has it. Raises `JournalFault`."""
    try:
        connection = sqlite3.connect(path, timeout=1.0)
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version not in (0, VERSION):
            raise JournalFault(f"{path} is the journal of another version of dockopt")
        connection.executescript(_SCHEMA)
        found = connection.execute(
            "SELECT id FROM rounds WHERE list = ? AND ended IS NULL", (name,)
        ).fetchone()
        with connection:
            number = found[0] if found else _started(connection, name)
    except sqlite3.OperationalError as error:
        said = "another run has it" if "locked" in str(error) else str(error)
        raise JournalFault(f"the journal {path} cannot be opened: {said}") from None
    except sqlite3.DatabaseError as error:
        raise JournalFault(f"{path} is no journal: {error}") from None
    try:
        yield Journal(connection, number)
    finally:
        connection.close()


def _started(connection: sqlite3.Connection, name: str) -> int:
    made = connection.execute(
        "INSERT INTO rounds (list, started) VALUES (?, ?)", (name, time.time())
    )
    assert made.lastrowid is not None
    return made.lastrowid
