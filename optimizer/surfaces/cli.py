"""The process: what `dockopt` and ``python -m optimizer`` start."""

from __future__ import annotations

import sys


def main() -> None:
    """Runs the command line and exits with the code of `optimizer.surfaces.commands`.

    Ctrl-C exits with 130 and nothing more to say, even while modules are loading.
    """
    try:
        from optimizer.surfaces.commands import app

        app(prog_name="dockopt")
    except KeyboardInterrupt:
        sys.exit(130)
