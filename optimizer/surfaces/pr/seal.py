"""A seal says that a commit is just what dockopt made: it names the tree, the parent and the text.

Whoever amends, rebases or merges makes a commit whose seal does not fit, and that is a person's.
The seal is no secret and no signature: it tells work apart, it proves nothing about who did it.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

_TRAILER = re.compile(rb"^Dockopt-Seal: ([0-9a-f]{64})\n\Z", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Commit:
    """One commit as git-cat-file prints it."""

    tree: str
    parents: tuple[str, ...]
    message: bytes


def sealed(message: str, tree: str, parent: str) -> bytes:
    """Returns a message, which ends in trailers, with its seal below them."""
    text = message.encode("utf-8", "backslashreplace")
    return text + b"Dockopt-Seal: " + _digest(text, tree, parent).encode("ascii") + b"\n"


def is_ours(commit: Commit) -> bool:
    """Says whether a commit is as dockopt made it."""
    found = _TRAILER.search(commit.message)
    if found is None or len(commit.parents) != 1:
        return False
    text = commit.message[: found.start()]
    return found[1].decode("ascii") == _digest(text, commit.tree, commit.parents[0])


def read_commit(data: bytes) -> Commit:
    """Reads a commit object (git-cat-file(1)): headers, a blank line, the message."""
    head, _, message = data.partition(b"\n\n")
    headers = [line.partition(b" ") for line in head.split(b"\n")]
    trees = [value.decode("ascii", "replace") for key, _, value in headers if key == b"tree"]
    parents = [value.decode("ascii", "replace") for key, _, value in headers if key == b"parent"]
    return Commit("".join(trees[:1]), tuple(parents), message)


def trailer(message: bytes, name: str) -> str:
    """Returns the value of a trailer of ours; "" where there is none."""
    found = re.search(rb"^" + name.encode("ascii") + rb": ([\x20-\x7e]*)$", message, re.MULTILINE)
    return found[1].decode("ascii") if found else ""


def _digest(text: bytes, tree: str, parent: str) -> str:
    return hashlib.sha256(f"{tree}\n{parent}\n".encode("ascii") + text).hexdigest()
