"""Neovim, headless, with the configuration of `editors/neovim`."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.lsp.test_lsp_wire import NPM
from tests.lsp.wire import ROOT, WAIT

CONFIGURATION = ROOT / "editors" / "neovim" / "dockopt.lua"
SCRIPT = Path(__file__).with_name("neovim.lua")
NEOVIM = shutil.which("nvim")

pytestmark = pytest.mark.skipif(NEOVIM is None, reason="no nvim here: apt-get install neovim")


def edit(file: Path, tmp_path: Path) -> dict[str, Any]:
    """Lets Neovim do what the script says with ``file`` and returns what the script says then."""
    said = tmp_path / "said.json"
    home = tmp_path / "home"
    home.mkdir()
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home),
        "SAID": str(said),
        "WAIT": str(WAIT),
    }
    assert NEOVIM is not None
    words = (NEOVIM, "--headless", "--clean", "-c", f"luafile {CONFIGURATION}")
    done = subprocess.run(
        [*words, "-c", f"edit {file}", "-c", f"luafile {SCRIPT}"],
        cwd=file.parent,
        env=environment,
        capture_output=True,
        text=True,
        timeout=4 * WAIT,
        check=False,
    )
    assert said.exists(), done.stdout + done.stderr
    answer: dict[str, Any] = json.loads(said.read_text())
    assert "failed" not in answer, (answer, done.stderr)
    return answer


@pytest.mark.parametrize("newline", ["\n", "\r\n"], ids=["unix", "dos"])
def test_neovim_applies_a_quick_fix(tmp_path: Path, newline: str) -> None:
    folder = Path(shutil.copytree(NPM / "before", tmp_path / "app"))
    file = folder / "Dockerfile"
    file.write_text(file.read_text(), newline=newline)
    answer = edit(file, tmp_path)
    golden = (NPM / "after" / "Dockerfile").read_bytes()
    assert file.read_bytes() == golden.replace(b"\n", newline.encode())
    assert answer["code"] == "copy-manifests-first"
    assert answer["patch"][0].startswith("diff --git ")
