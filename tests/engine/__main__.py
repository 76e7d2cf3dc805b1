"""``python -m tests.engine up|down|status|run [pytest arguments]|table [application ...]
|sizes [application ...]``: the engine, or the lane.

``up`` leaves a private engine running and says how to reach it, ``down`` takes it away.
``run`` runs the lane: pytest starts an engine of its own and stops it. ``table`` prints what the
applications of ``fixtures/apps`` cost to build before and after dockopt, predicted and measured;
``sizes`` what those weigh that it makes smaller.
Exit code 3: this machine cannot have an engine, and the two lines on standard error say why.
"""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from pathlib import Path

from tests.engine.daemon import Engine, running_engine, start_engine
from tests.engine.parts import EngineUnavailable, require_machine
from tests.engine.sizes import sizes
from tests.engine.table import table

HERE = Path(__file__).parent


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.engine", description=__doc__)
    parser.add_argument("command", choices=["up", "down", "status", "run", "table", "sizes"])
    options, rest = parser.parse_known_args(arguments)
    if rest and options.command not in ("run", "table", "sizes"):
        parser.error(f"{options.command} takes no arguments")
    try:
        require_machine()
        if options.command == "run":
            return run(rest)
        if options.command == "table":
            return table(rest)
        if options.command == "sizes":
            return sizes(rest)
        return {"up": up, "down": down, "status": status}[options.command]()
    except EngineUnavailable as unavailable:
        print(unavailable, file=sys.stderr)
        return 3


def up() -> int:
    describe(running_engine() or start_engine(outlive=True))
    return 0


def down() -> int:
    engine = running_engine()
    if engine is not None:
        engine.stop()
    return 0


def status() -> int:
    engine = running_engine()
    if engine is None or not engine.answers():
        print("no engine is up")
        return 1
    describe(engine)
    return 0


def run(rest: list[str]) -> int:
    """Replaces this process by pytest; the engine then belongs to pytest and goes with it."""
    sys.stdout.flush()
    # Paths among the arguments take the place of the whole lane.
    chosen = [] if names_tests(rest) else [str(HERE)]
    os.execv(sys.executable, [sys.executable, "-m", "pytest", "--engine", *chosen, *rest])
    raise AssertionError("execv does not return")


def names_tests(rest: list[str]) -> bool:
    """Whether there is a path among pytest's arguments. Words of an expression may be longer than
    a file's name can be, which ``Path.exists`` raises for and ``os.path.exists`` does not."""
    return any(os.path.exists(word.partition("::")[0]) for word in rest)  # noqa: PTH110


def describe(engine: Engine) -> None:
    for name in ("DOCKER_HOST", "DOCKER_CONFIG", "PATH"):
        print(f"export {name}={shlex.quote(engine.environment[name])}")
    print(f"# log: {engine.log}")


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
