"""What the analyses take inside a warm process: no start of Python, nothing read from disk."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median, quantiles

from optimizer.cache.volatility import changes
from optimizer.catalog import transforms
from optimizer.context.tree import BuildContext
from optimizer.cst.parse import parse
from optimizer.cst.source import Source
from optimizer.effects.effects import ContextReads
from optimizer.history.commits import Commit, History
from optimizer.history.read import read_history
from optimizer.journal import ContextAnswer
from optimizer.model.stages import Invocation
from optimizer.transform import Transform
from optimizer.view import Build, View
from tests.corpus.runs import GENEROUS

COMMITS = 1_000
PATHS = 20_000
CHANGED = 20
"""Files that one commit of the generated repository changes."""


@dataclass(frozen=True)
class Part:
    """One stretch of work on one file, with a name for the table."""

    name: str
    run: Callable[[View], object]


def parts() -> Iterator[Part]:
    yield Part("stages", lambda view: view.stages)
    yield Part("effects", _effects)
    yield Part("cache", lambda view: view.rebuilds)
    for transform in transforms():
        if transform.id == "order-by-volatility":
            yield Part("order", partial(_propose, transform))


def _propose(transform: Transform, view: View) -> None:
    for _ in transform.propose(view):
        pass


def _effects(view: View) -> None:
    for stage in view.stages.stages:
        for step in stage.steps:
            view.effects(step)


def analyses(files: Sequence[Path], rounds: int = 2) -> None:
    """Prints what the analyses of one file take: the median and the 99th percentile over
    ``files``, each in milliseconds of processor time, the best of ``rounds``."""
    names = [*(part.name for part in parts()), "together"]
    found: dict[str, list[float]] = {name: [] for name in names}
    listed = tuple(
        Commit(str(number), 0, ("src/index.js", "package.json")[: 1 + (number % 5 == 0)])
        for number in range(200)
    )
    for path in files:
        source = Source.from_bytes(path.name, path.read_bytes())
        tree = parse(source)
        if tree.diagnostics:
            continue
        best: dict[str, float] = {}
        for _ in range(rounds):
            context = BuildContext.from_listing({**GENEROUS, "Dockerfile": source.data})
            history = History(context.root, listed)
            answer = ContextAnswer(".", "the benchmark")
            view = View(tree, Build(context, Invocation(), answer, history=partial(_same, history)))
            taken = {part.name: _processor(partial(part.run, view)) for part in parts()}
            taken["together"] = sum(taken.values())
            best = {name: min(best.get(name, 1e9), value) for name, value in taken.items()}
        for name, value in best.items():
            found[name].append(value * 1000)
    print(f"\nanalyses of one file, {len(found['together'])} corpus files, warm process")
    for name, values in found.items():
        high = quantiles(values, n=100)[98]
        print(f"  {name:<9} median {median(values):7.2f} ms cpu   p99 {high:7.2f} ms cpu")


def _same(history: History) -> History:
    return history


def _processor(run: Callable[[], object]) -> float:
    before = time.process_time()
    run()
    return time.process_time() - before


def history() -> None:
    """Prints what it takes to read 1,000 commits of a generated repository, and to say for 20
    steps which of them touch each."""
    with tempfile.TemporaryDirectory(prefix="dockopt-bench-") as name:
        root = Path(name)
        _generate(root)
        before, started = os.times(), time.perf_counter()
        found = read_history(root, COMMITS)
        seconds, after = time.perf_counter() - started, os.times()
        processor = sum(after[:4]) - sum(before[:4])
        print(f"\nhistory of {len(found.commits)} commits, {len(found.masks)} paths")
        print(f"  read      {seconds:7.3f} s   {processor:7.3f} s cpu, git included")
        (root / ".dockerignore").write_text("node_modules\n**/*.md\n!README.md\n*.log\n")
        started_cpu = time.process_time()
        known = changes(BuildContext(root), found)
        for number in range(20):
            folder = f"folder{number}"
            known.touching(ContextReads((folder, f"{folder}/*.js", "*.json")))
        print(f"  20 steps  {time.process_time() - started_cpu:7.3f} s cpu")


def running(files: int = 500) -> None:
    """Prints what it takes to say what an image of ``files`` sources runs: the first time, with
    the sources read from disk, and for the next version of the Dockerfile."""
    with tempfile.TemporaryDirectory(prefix="dockopt-bench-") as name:
        root = Path(name)
        for number in range(files):
            end, text = _SOURCES[number % len(_SOURCES)]
            start = _STARTS[end] if number % 20 == 0 else ""
            path = root / f"folder{number % 40}" / f"part{number}{end}"
            path.parent.mkdir(exist_ok=True)
            path.write_text(start + text * 40)
        build = Build(BuildContext(root), Invocation(), ContextAnswer(".", "the benchmark"))
        tree = parse(Source("Dockerfile", "FROM debian\nCOPY . .\nCMD npm start\n"))
        print(f"\nwhat an image of {files} sources runs")
        for version in ("first", "next", "next"):
            view = View(tree, build)
            seconds = _processor(partial(_run_target, view))
            print(f"  {version:<9} {seconds * 1000:7.2f} ms cpu")


_SOURCES = (
    (".py", "def name(one, two):\n    return [one for one in two if one.subject]\n"),
    (".ts", "export function name(one: string) {\n  return one.system(`${one}`);\n}\n"),
    (".go", "func name(one string) error {\n\treturn system(one)\n}\n"),
)
_STARTS = {
    ".py": "import subprocess\nsubprocess.run(['git', 'log'])\n",
    ".ts": "import { execFile } from 'child_process';\nexecFile('git', ['log']);\n",
    ".go": 'package a\nimport "os/exec"\nvar c = exec.Command("git", "log")\n',
}


def _run_target(view: View) -> None:
    assert view.stages.target is not None
    view.running(view.stages.target)


def _generate(root: Path) -> None:
    subprocess.run(["git", "init", "-q", str(root)], check=True)
    subprocess.run(
        ["git", "fast-import", "--quiet"], cwd=root, input="".join(_stream()).encode(), check=True
    )
    subprocess.run(["git", "symbolic-ref", "HEAD", "refs/heads/main"], cwd=root, check=True)


def _stream() -> Iterator[str]:
    """Yields what git-fast-import reads: a commit with all paths, then 20 changes in each."""
    paths = [f"folder{n % 40}/part{n % 500}/{n}.js" for n in range(PATHS)]
    for number in range(COMMITS):
        yield f"commit refs/heads/main\ncommitter a <a@example.com> {number} +0000\ndata 0\n"
        start = number * CHANGED * 7
        for path in paths if number == 0 else (paths[(start + n) % PATHS] for n in range(CHANGED)):
            text = f"{number} {path}"
            yield f"M 100644 inline {path}\ndata {len(text)}\n{text}\n"
