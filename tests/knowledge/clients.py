"""Package managers of chosen versions, kept in a folder of the machine's cache.

They come through npm, once; where that is not there or cannot get them, a test skips.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest

PACKAGES = {
    "yarn-1": "yarn@1.22.22",
    "yarn-3": "@yarnpkg/cli-dist@3.8.7",
    "yarn-4": "@yarnpkg/cli-dist@4.5.3",
    "pnpm-8": "pnpm@8.15.9",
    "pnpm-9": "pnpm@9.15.9",
    "pnpm-10": "pnpm@10.15.1",
    "bun-1": "bun@1.2.23",
    "github-description": "@octokit/openapi@23.0.2",
    "gitea-description": "gitea-js@1.23.0",
}


def programs(client: str) -> Path:
    """Returns the folder with the programs of one of `PACKAGES`. Skips where it cannot be had."""
    found = _programs(client)
    if found is None:
        pytest.skip(f"{PACKAGES[client]} could not be had through npm")
    return found


@cache
def _programs(client: str) -> Path | None:
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "dockopt-clients"
    folder = base / PACKAGES[client].replace("/", "+")
    ready = folder / "ready"
    if not ready.exists() and not _fetch(PACKAGES[client], folder):
        return None
    ready.touch()
    return folder / "node_modules" / ".bin"


def _fetch(package: str, folder: Path) -> bool:
    if shutil.which("npm") is None:
        return False
    folder.mkdir(parents=True, exist_ok=True)
    command = ["npm", "install", "--prefix", ".", "--no-audit", "--no-fund", package]
    done = subprocess.run(command, cwd=folder, capture_output=True, check=False, timeout=300)
    return done.returncode == 0
