"""Which files the packages of an rpm database own.

Read is the form that rpm has written since 4.16 on Fedora, RHEL 9 and their kin: an SQLite file
whose table ``Packages`` holds one header for each package (rpm lib/backend/sqlite.c). The header
is rpm's own (docs/manual/format_header.md): counts of index entries and of data bytes, entries of
tag, type, offset and count, then the data; all numbers are big-endian.
"""

from __future__ import annotations

import struct
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from optimizer.verify.stream import Readable

if TYPE_CHECKING:
    import sqlite3

LARGEST: Final = 256 << 20
"""Bytes of a database that is read; one of a full desktop has some 200 MB."""

_LARGEST_HEADER: Final = 64 << 20
_BLOCK: Final = 1 << 18
_MOST_STEPS: Final = 200
_STEPS_AT_ONCE: Final = 1_000_000

_NAME, _DIRINDEXES, _BASENAMES, _DIRNAMES = 1000, 1116, 1117, 1118
_INT32, _STRING, _STRING_ARRAY = 4, 6, 8
"""Tags and types of the header (rpm include/rpm/rpmtag.h)."""


class Unreadable(Exception):
    """The file is no database that can be read here. The message says why, for half a sentence."""


def owned(stream: Readable, size: int, wanted: Callable[[bytes], bool]) -> Iterator[bytes]:
    """Yields what the packages of a database own, in the form of apk's database: ``P:`` and a
    package, ``F:`` and a folder, ``R:`` and a file in it, for the paths that are ``wanted``.

    ``stream`` gives the ``size`` bytes of ``rpmdb.sqlite``; they lie in a temporary file
    meanwhile. Raises `Unreadable`, OSError where that file cannot be written, and what the stream
    raises.
    """
    if size > LARGEST:
        raise Unreadable(f"longer than {LARGEST >> 20} MiB")
    try:
        import sqlite3
    except ImportError:
        raise Unreadable("an SQLite file, for which this Python has no module") from None
    with tempfile.TemporaryDirectory(prefix="dockopt-verify-") as folder:
        path = Path(folder, "rpmdb.sqlite")
        with path.open("wb") as file:
            while block := stream.read(_BLOCK):
                file.write(block)
        try:
            for header in _headers(path, size):
                yield from _lines(header, wanted)
        except sqlite3.Error as error:
            raise Unreadable(f"a broken SQLite file ({error})") from error
        except (struct.error, IndexError, ValueError) as error:
            raise Unreadable("a database with a broken header") from error


def _headers(path: Path, size: int) -> Iterator[bytes]:
    import sqlite3

    # Nobody else writes it, and no journal lies beside it.
    connection = sqlite3.connect(f"{path.as_uri()}?mode=ro&immutable=1", uri=True)
    try:
        _bound(connection)
        rows = connection.execute("SELECT sql FROM sqlite_master WHERE name = 'Packages'")
        made = next(rows, ("",))[0]
        if not isinstance(made, str) or not made.startswith("CREATE TABLE"):
            raise Unreadable("an SQLite file without a table of packages")
        read = 0
        for (header,) in connection.execute("SELECT blob FROM Packages"):
            read += len(header) if isinstance(header, bytes) else size + 1
            if read > size:
                raise Unreadable("a broken SQLite file")
            yield header
    finally:
        connection.close()


def _bound(connection: sqlite3.Connection) -> None:
    """Keeps a file that was made to be slow from being so."""
    import sqlite3

    left = iter(range(_MOST_STEPS))
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LARGEST_HEADER)
    connection.set_progress_handler(lambda: next(left, None) is None, _STEPS_AT_ONCE)
    connection.execute("PRAGMA trusted_schema = OFF")


def _lines(header: bytes, wanted: Callable[[bytes], bool]) -> Iterator[bytes]:
    values = dict(_values(header))
    names = values.get(_NAME, [])
    folders, files = values.get(_DIRNAMES, []), values.get(_BASENAMES, [])
    paths = [
        (folders[index], file)
        for index, file in zip(_numbers(values.get(_DIRINDEXES, [])), files, strict=False)
        if wanted(folders[index] + file)
    ]
    if not names or not paths:
        return
    yield b"P:" + names[0]
    here = None
    for folder, file in paths:
        if folder != here:
            yield b"F:" + folder.strip(b"/")
            here = folder
        yield b"R:" + file


def _values(header: bytes) -> Iterator[tuple[int, list[bytes]]]:
    """Yields the tags that matter: texts, or numbers of four bytes each."""
    entries, length = struct.unpack_from(">II", header)
    start = 8 + 16 * entries
    data = header[start : start + length]
    for at in range(8, start, 16):
        tag, kind, offset, count = struct.unpack_from(">IIII", header, at)
        if tag not in (_NAME, _DIRINDEXES, _BASENAMES, _DIRNAMES):
            continue
        if kind in (_STRING, _STRING_ARRAY):
            yield tag, data[offset:].split(b"\0", count)[:count]
        elif kind == _INT32:
            numbers = data[offset : offset + 4 * count]
            yield tag, [numbers[at : at + 4] for at in range(0, len(numbers), 4)]


def _numbers(values: list[bytes]) -> Iterator[int]:
    return (int.from_bytes(value, "big") for value in values)
