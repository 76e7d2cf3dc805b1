"""``python3 -m tests.venv``: makes ``.venv`` with dockopt and its tests, as the lock says.

Needs nothing but Python 3.11 and the standard library, and leaves the system's
Python alone. Run again, it does nothing unless what is to be installed changed.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
LOCK = ROOT / "tests" / "requirements.lock"
OLDEST = (3, 11)
STAMP = VENV / "installed"


def main() -> int:
    if tuple(sys.version_info) < OLDEST:
        print("dockopt needs Python 3.11 or newer", file=sys.stderr)
        return 3
    wanted = hashlib.sha256(LOCK.read_bytes() + (ROOT / "pyproject.toml").read_bytes()).hexdigest()
    if STAMP.is_file() and STAMP.read_text() == wanted:
        return 0
    if not make_venv():
        return 3
    python = next(path for path in VENV.glob("*/python*") if path.stem == "python")
    print("installing dockopt and its tests into .venv", file=sys.stderr)
    install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    wants: list[str | Path] = ["--constraint", LOCK, "--editable", f"{ROOT}[test]"]
    done = subprocess.run([python, *install, *wants], check=False)
    if done.returncode == 0:
        STAMP.write_text(wanted)
    return done.returncode


def make_venv() -> bool:
    """Makes ``.venv`` with pip. Debian keeps what that needs in a package of its own,
    which root may install."""
    make: list[str | Path] = [sys.executable, "-m", "venv", "--clear", VENV]
    if subprocess.run(make, capture_output=True, check=False).returncode == 0:
        return True
    package = f"python{sys.version_info.major}.{sys.version_info.minor}-venv"
    if shutil.which("apt-get") and hasattr(os, "geteuid") and os.geteuid() == 0:
        print(f"installing {package}", file=sys.stderr)
        for words in (["update"], ["install", "-y", "--no-install-recommends", package]):
            environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
            subprocess.run(
                ["apt-get", *words], stdout=subprocess.DEVNULL, env=environment, check=False
            )
    done = subprocess.run(make, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        print(done.stdout + done.stderr, file=sys.stderr)
        print(f"on Debian and Ubuntu: apt-get install {package}", file=sys.stderr)
    return done.returncode == 0


if __name__ == "__main__":
    raise SystemExit(main())
