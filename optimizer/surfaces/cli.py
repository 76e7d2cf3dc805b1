"""The process: what `dockopt` and ``python -m optimizer`` start."""

from __future__ import annotations

import gc
import os
import sys

OBJECTS = 100_000
"""New objects between two searches for garbage. Trees and analyses hold no cycles, so searching
them as often as Python does by default costs time and finds nothing."""


def main() -> None:
    """Runs the command line and exits with its code.

    Ctrl-C exits with 130 and nothing more to say, even while modules are loading.
    An exception that nobody expected is one line and code 2; the environment
    variable ``DOCKOPT_DEBUG`` asks for the whole story.
    """
    try:
        gc.set_threshold(OBJECTS)
        _open_closed_streams()
        from optimizer.surfaces.commands import app

        app(prog_name="dockopt")
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        if os.environ.get("DOCKOPT_DEBUG"):
            raise
        print(
            f"dockopt: internal error: {type(error).__name__}: {error}; this is a defect of "
            "dockopt, please report it (DOCKOPT_DEBUG=1 shows where)",
            file=sys.stderr,
        )
        sys.exit(2)


def _open_closed_streams() -> None:
    """Gives the process the streams that it was started without (``dockopt fix >&-``)."""
    for name in ("stdin", "stdout", "stderr"):
        if getattr(sys, name) is None:
            mode = "r" if name == "stdin" else "w"
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115, PTH123
