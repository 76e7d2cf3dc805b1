"""The version of the installed program."""

from __future__ import annotations


def version() -> str:
    """Returns it as the package's metadata has it."""
    from importlib import metadata

    return metadata.version("dockopt")
