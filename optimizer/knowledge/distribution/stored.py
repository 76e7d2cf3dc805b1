"""The generated tables beside this module, which ``python -m tests.distribution`` makes.

The head of each says what it is made of. They are read when they are asked about.
"""

from __future__ import annotations

import pkgutil


def lines(name: str) -> list[str]:
    """Returns the lines of a table without its head."""
    content = pkgutil.get_data(__package__, f"tables/{name}.txt")
    assert content is not None, "the loader of this package gives no data"
    return [line for line in content.decode("utf-8").splitlines() if line[:1] != "#"]
