"""Debian's own indexes, as apt fetches and checks them into a cache folder of their own."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.engine.parts import KEYRING, debian_mirror

_CONTENTS = {
    "MetaKey": "$(COMPONENT)/Contents-$(ARCHITECTURE)",
    "ShortDescription": "Contents",
    "Description": "$(RELEASE)/$(COMPONENT) Contents",
    "KeepCompressed": "true",
    "Optional": "true",
}
"""As apt-file sets it up (apt-file: debian/apt-file.conf)."""


def fetch(suite: str, folder: Path, *, contents: bool = True) -> Path:
    """Brings the ``Packages`` and ``Contents`` indexes of ``suite`` below ``folder``, with the
    machine's apt and keys, and returns the folder with the files.

    ``Contents`` stay away unless they are wanted, and where the mirror's do not fit its release.
    Raises `subprocess.CalledProcessError` where apt fails otherwise.
    """
    own = folder / suite
    for name in ("sources", "lists/partial", "cache/archives/partial"):
        (own / name).mkdir(parents=True, exist_ok=True)
    (own / "sources/suite.sources").write_text(
        f"Types: deb\nURIs: {debian_mirror()}\nSuites: {suite}\nComponents: main\n"
        f"Signed-By: {KEYRING}\n"
    )
    plain: dict[str, object] = {
        "Dir::Etc::sourcelist": "/dev/null",
        "Dir::Etc::sourceparts": own / "sources",
        "Dir::State::lists": own / "lists",
        "Dir::Cache": own / "cache",
        "APT::Sandbox::User": "root",
        "APT::Architectures": "amd64",
        "Acquire::Languages": "none",
        "Acquire::Check-Valid-Until": "false",
        "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled": "false",
    }
    target = "Acquire::IndexTargets::deb::Contents-deb"
    whole = plain | {f"{target}::{key}": value for key, value in _CONTENTS.items()}
    if not contents or subprocess.run(_update(whole), check=False).returncode != 0:
        subprocess.run(_update(plain), check=True)
    return own / "lists"


def _update(settings: Mapping[str, object]) -> list[str]:
    options = [part for name, value in settings.items() for part in ("-o", f"{name}={value}")]
    return ["apt-get", *options, "update"]


def text(folder: Path, pattern: str) -> Iterator[str]:
    """Yields the lines of the index in ``folder`` whose name matches ``pattern``, unpacked; none
    where apt brought none."""
    helper = os.environ.get("APT_HELPER", "/usr/lib/apt/apt-helper")
    for file in sorted(folder.glob(pattern)):
        done = subprocess.Popen(
            [helper, "cat-file", str(file)], stdout=subprocess.PIPE, text=True, encoding="utf-8"
        )
        assert done.stdout is not None
        yield from (line.rstrip("\n") for line in done.stdout)
        done.wait()


def released_on(folder: Path) -> str:
    """Returns the ``Date`` of the ``InRelease`` file in ``folder``."""
    for line in text(folder, "*InRelease"):
        found = re.match(r"Date: (.+)", line)
        if found:
            return found[1]
    raise ValueError(f"no InRelease with a date in {folder}")


def stanzas(lines: Iterator[str]) -> Iterator[Mapping[str, str]]:
    """Yields the paragraphs of a ``Packages`` index (deb822(5)); continued lines are left out."""
    fields: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not line:
            if fields:
                yield fields
            fields = {}
        elif colon and line[0] not in " \t":
            fields[name] = value.strip()
    if fields:
        yield fields
