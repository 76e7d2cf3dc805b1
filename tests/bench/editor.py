"""What an editor waits for: from a keystroke to diagnostics, over the wire, and what the server
holds after many of them."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median, quantiles

from tests.corpus.runs import GENEROUS
from tests.lsp.wire import Wire

COMMITS = 200
KEYSTROKES = 500
EDITS = 10_000
_PAGE = os.sysconf("SC_PAGE_SIZE")
_TICK = os.sysconf("SC_CLK_TCK")


def editor(files: Sequence[Path], edits: int = EDITS) -> None:
    """Prints the time from keystroke to diagnostics in the median file (by size) of ``files``,
    with its context and a history of 200 commits read, and the memory over ``edits`` edits."""
    file = sorted(files, key=lambda path: path.stat().st_size)[len(files) // 2]
    text = file.read_bytes().decode("utf-8", "replace")
    with tempfile.TemporaryDirectory(prefix="dockopt-bench-") as name:
        _make_repository(Path(name), text)
        with Wire(Path(name)) as wire:
            wire.initialize()
            uri = wire.open(Path(name) / "Dockerfile", text)
            wire.diagnostics(uri, 1)
            print(f"\na keystroke in {file.name} ({len(text)} characters), over the wire")
            _keystrokes(wire, uri, text)
            _memory(wire, uri, text, edits)


def _keystrokes(wire: Wire, uri: str, text: str) -> None:
    """Types a comment at the end of the text, a character at a time."""
    line = text.count("\n")
    taken, processor = [], _processor(wire)
    wire.change(uri, 2, {"text": text + "#"})
    wire.diagnostics(uri, 2)
    for number in range(KEYSTROKES):
        place = {"line": line, "character": 1 + number}
        started = time.perf_counter()
        wire.change(uri, 3 + number, {"range": {"start": place, "end": place}, "text": "x"})
        wire.diagnostics(uri, 3 + number)
        taken.append((time.perf_counter() - started) * 1000)
    each = (_processor(wire) - processor) / KEYSTROKES * 1000
    p95 = quantiles(taken, n=20)[18]
    print(f"  to diagnostics  median {median(taken):7.2f} ms   p95 {p95:7.2f} ms", end="")
    print(f"   {each:7.2f} ms cpu of the server")


def _memory(wire: Wire, uri: str, text: str, edits: int) -> None:
    """Makes edits of the whole text, of which every tenth is waited for."""
    held = []
    for number in range(edits):
        version = 10_000 + number
        wire.change(uri, version, {"text": f"# {number}\n{text}"})
        if number % 10 == 9:
            wire.diagnostics(uri, version)
            wire.messages.clear()
        if number % (edits // 5) == edits // 5 - 1:
            held.append(_resident(wire))
    shown = ", ".join(f"{each:.0f}" for each in held)
    print(f"  memory over {edits} edits  {shown} MiB")


def _processor(wire: Wire) -> float:
    fields = Path(f"/proc/{wire.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICK


def _resident(wire: Wire) -> float:
    pages = Path(f"/proc/{wire.process.pid}/statm").read_text().split()[1]
    return int(pages) * _PAGE / (1 << 20)


def _make_repository(root: Path, text: str) -> None:
    for name, data in {**GENEROUS, "Dockerfile": text.encode()}.items():
        if isinstance(data, bytes):
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
    _git(root, "init", "-q")
    for number in range(COMMITS):
        (root / "news.txt").write_text(str(number))
        _git(root, "add", "-A")
        _git(root, "commit", "-qm", "news")


def _git(root: Path, *words: str) -> None:
    who = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    subprocess.run(["git", *who, *words], cwd=root, check=True)
