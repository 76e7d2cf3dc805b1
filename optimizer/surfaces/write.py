"""Writes what was printed, and nothing half.

A file is replaced by a rename, so a run that is killed leaves the old file or
the new one; only if it still holds what was read; never outside the repository.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from optimizer.cst.source import Source
from optimizer.journal import Failure, Outcome


def write_outcome(base: Path, root: Path, outcome: Outcome) -> Failure | None:
    """Writes the files of ``outcome``, whose paths start at ``base``.

    The other files go first: an ignore file that is new beside an old Dockerfile
    does no harm, the reverse may. Nothing is written when any of the files has
    changed since it was read, is not writable, or lies behind a link that leaves ``root``.
    """
    edits = [*_edits(outcome)]
    for step in (_check, _write):
        for edit in edits:
            try:
                step(_target(base / edit.path, root), edit)
            except OSError as error:
                return Failure(edit.path, f"cannot write: {error.strerror or error}")
    return None


def write_report(path: Path, data: bytes) -> None:
    """Puts ``data`` into the file the user named, whole or not at all.

    Devices and pipes are written into. Raises OSError.
    """
    if path.exists() and not path.is_file():
        path.write_bytes(data)
        return
    _swap(Path(os.path.realpath(path)), data, lambda: None)


@dataclass(frozen=True, slots=True)
class _Edit:
    """The bytes of one file; ``before`` is None where it is made."""

    path: str
    before: bytes | None
    after: bytes


def _edits(outcome: Outcome) -> Iterator[_Edit]:
    for file in outcome.files:
        before = None if file.before is None else Source(file.path, file.before).data
        yield _Edit(file.path, before, Source(file.path, file.after).data)
    if outcome.before != outcome.after:
        old, new = (Source(outcome.path, text) for text in (outcome.before, outcome.after))
        yield _Edit(outcome.path, old.data, new.data)


def _target(path: Path, root: Path) -> Path:
    """Returns the file itself, links followed."""
    target = Path(os.path.realpath(path))
    if not target.is_relative_to(os.path.realpath(root)):
        raise OSError("a link leads out of the repository")
    return target


def _check(target: Path, edit: _Edit) -> None:
    """Raises OSError unless ``target`` holds what was read and may be replaced."""
    if edit.before is None:
        if os.path.lexists(target):
            raise OSError("it was made while dockopt ran")
    elif target.read_bytes() != edit.before:
        raise OSError("it changed while dockopt ran")
    elif not os.access(target, os.W_OK):
        raise PermissionError("no permission")


def _write(target: Path, edit: _Edit) -> None:
    _swap(target, edit.after, lambda: _check(target, edit))


def _swap(target: Path, data: bytes, check: Callable[[], None]) -> None:
    """Renames a new file with ``data`` to ``target``, with the mode and owner of the one it
    replaces. ``check`` is called last before that."""
    like = target.stat() if target.exists() else None
    temporary = target.with_name(f".dockopt-{secrets.token_hex(8)}.tmp")
    # 0o666 leaves the mode of a file that is made to the umask; one that stands for another
    # is private until it has that one's owner.
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    descriptor = os.open(temporary, flags, 0o666 if like is None else 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            if like is not None:
                _resemble(descriptor, like)
            os.fsync(descriptor)
        check()
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _sync_folder(target.parent)


def _resemble(descriptor: int, like: os.stat_result) -> None:
    own = os.fstat(descriptor)
    if (own.st_uid, own.st_gid) != (like.st_uid, like.st_gid):
        try:
            os.fchown(descriptor, like.st_uid, like.st_gid)
        except PermissionError as error:
            raise PermissionError("its owner could not be kept") from error
    os.fchmod(descriptor, like.st_mode & 0o7777)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
