"""Emacs, in batch mode, with eglot and the configuration of `editors/emacs`."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.lsp.test_lsp_wire import NPM
from tests.lsp.wire import ROOT, WAIT

CONFIGURATION = ROOT / "editors" / "emacs" / "dockopt.el"
SCRIPT = Path(__file__).with_name("emacs.el")
NEEDS = "(progn (package-initialize) (require 'eglot) (require 'dockerfile-mode))"


def has_emacs() -> bool:
    emacs = shutil.which("emacs")
    if emacs is None:
        return False
    words = (emacs, "--batch", "--eval", NEEDS)
    return subprocess.run(words, capture_output=True, check=False).returncode == 0


@pytest.mark.skipif(
    not has_emacs(), reason="apt-get install emacs-nox elpa-eglot elpa-dockerfile-mode"
)
def test_emacs_applies_a_quick_fix(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(NPM / "before", tmp_path / "app"))
    file = folder / "Dockerfile"
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "CONFIGURATION": str(CONFIGURATION),
        "FILE": str(file),
        "WAIT": str(WAIT),
    }
    done = subprocess.run(
        ["emacs", "--batch", "-l", str(SCRIPT)],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=4 * WAIT,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert file.read_bytes() == (NPM / "after" / "Dockerfile").read_bytes(), done.stderr
    assert "patch:" in done.stderr
