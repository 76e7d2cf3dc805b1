"""Python package managers of chosen versions, each in a virtual environment of the machine's cache.

They come through pip, once; where they cannot be had, a test skips.
"""

from __future__ import annotations

import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

PACKAGES = {
    "poetry-1": ("poetry==1.8.5", "poetry-plugin-export==1.8.0"),
    "poetry-2": ("poetry==2.5.1",),
    "uv": ("uv==0.13.9",),
    "pipenv": ("pipenv==2026.10.3",),
    # PDM 2.29 does not start with hishel 2.
    "pdm": ("pdm==2.29.4", "hishel<2"),
}


def programs(client: str) -> Path:
    """Returns the folder with the programs of one of `PACKAGES`. Skips where it cannot be had."""
    found = _programs(client)
    if found is None:
        pytest.skip(f"{PACKAGES[client][0]} could not be had through pip")
    return found


@cache
def _programs(client: str) -> Path | None:
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "dockopt-clients"
    folder = base / "+".join(PACKAGES[client]).replace("<", "-below-")
    ready = folder / "ready"
    if not ready.exists() and not _fetch(PACKAGES[client], folder):
        return None
    ready.touch()
    return folder / "bin"


def _fetch(packages: tuple[str, ...], folder: Path) -> bool:
    """Makes the environment; what is there of an earlier trial is done again."""
    commands: tuple[list[str | Path], ...] = (
        [sys.executable, "-m", "venv", "--clear", folder],
        [folder / "bin/python", "-m", "pip", "install", "--quiet", *packages],
    )
    return all(
        subprocess.run(command, capture_output=True, check=False, timeout=600).returncode == 0
        for command in commands
    )
