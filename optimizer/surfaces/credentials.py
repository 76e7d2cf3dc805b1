"""What ``--secret`` and ``--ssh`` say, in the words of docker buildx and podman.

A word goes to the builder as it is. What is wrong with it is said here before anything is built,
and no message says more of a secret than its id.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path


def wrong_secret(word: str, environment: Mapping[str, str]) -> str | None:
    """Returns what is wrong with ``id=NAME[,src=FILE|env=VARIABLE]``; None for nothing.

    Without a source the id is the name of a variable, else of a file (moby/buildkit
    session/secrets/secretsprovider/store.go, NewStore).
    """
    fields = dict(_fields(word))
    name = fields.get("id", "")
    if not name:
        return "a secret is written id=NAME,src=FILE or id=NAME,env=VARIABLE"
    file = fields.get("src") or fields.get("source")
    variable = fields.get("env")
    if fields.get("type") == "env":
        variable, file = variable or file or name, None
    if file is None and variable is None:
        return None if name in environment or Path(name).is_file() else f"no secret {name} is there"
    if variable is not None and variable not in environment:
        return f"the variable of the secret {name} is not set"
    if file is not None and not Path(file).is_file():
        return f"the file of the secret {name} is not there"
    return None


def wrong_ssh(word: str, environment: Mapping[str, str]) -> str | None:
    """Returns what is wrong with ``default|ID[=SOCKET|KEY[,KEY]]``; None for nothing."""
    name, _, places = word.partition("=")
    if not name:
        return "ssh is written default, or ID=SOCKET or ID=KEY"
    if not places:
        known = environment.get("SSH_AUTH_SOCK")
        return None if known else f"ssh {name}: SSH_AUTH_SOCK is not set, so there is no agent"
    if not Path(places.partition(",")[0]).exists():
        return f"ssh {name}: its key or socket is not there"
    return None


def _fields(word: str) -> list[tuple[str, str]]:
    """Reads a word as the builders do: one line of comma-separated values, else nothing."""
    try:
        rows = list(csv.reader([word]))
    except csv.Error:
        return []
    pairs = [field.partition("=") for field in (rows[0] if rows else [])]
    return [(name.strip().lower(), value) for name, _, value in pairs]
