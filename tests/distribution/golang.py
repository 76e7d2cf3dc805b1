"""What the packages of Go's standard library bring along, asked of a Go command."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator, Mapping

_OWN = re.compile(r"(?:^|/)(?:internal|vendor)(?:/|$)")


def brought_along(go: str) -> Mapping[str, frozenset[str]]:
    """Returns, for each package that programs may import, those that it needs in the end."""
    form = '{{.ImportPath}}: {{join .Deps " "}}'
    listed = subprocess.run([go, "list", "-f", form, "std"], check=True, capture_output=True)
    return dict(_read(listed.stdout.decode()))


def _read(text: str) -> Iterator[tuple[str, frozenset[str]]]:
    for line in text.splitlines():
        name, _, needed = line.partition(":")
        if not _OWN.search(name):
            yield name, frozenset(each for each in needed.split() if not _OWN.search(each))


def rows(needed: Mapping[str, frozenset[str]]) -> Iterator[str]:
    """Yields a line for each package: its name, and of what it needs only that which nothing else
    that it needs brings along."""
    for name, all_of_it in sorted(needed.items()):
        others = frozenset[str]().union(*(needed.get(each, frozenset()) for each in all_of_it))
        yield " ".join((name, *sorted(all_of_it - others)))


def version(go: str) -> str:
    """Returns what the Go command says of itself: ``go1.24.4``."""
    said = subprocess.run([go, "version"], check=True, capture_output=True, text=True).stdout
    return said.split()[2]
