"""BuildKit's own linter (``docker build --check``), asked without an engine.

The program beside this module is BuildKit's code with an engine around it that has no images and
no files but an ignore file. It is compiled once for each version of its source, with modules that
Go fetches, and kept in a folder of the machine's cache.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pytest

SOURCE = Path(__file__).with_name("buildkit")


@dataclass(frozen=True)
class Finding:
    """One thing that BuildKit warns of. Where it stands does not count: lines move."""

    rule: str
    detail: str


@dataclass(frozen=True)
class Answer:
    """What BuildKit says of one file: the warnings, and why it cannot be built (empty: it can)."""

    warnings: frozenset[Finding]
    error: str


@dataclass(frozen=True)
class Check:
    """The compiled program."""

    program: Path

    def __call__(self, questions: Iterable[tuple[bytes, bytes]]) -> list[Answer]:
        """Returns the answer to each Dockerfile and ignore file, in their order. A file without
        ignored paths has an empty one."""
        asked = "".join(
            json.dumps({"dockerfile": _encoded(dockerfile), "ignore": _encoded(ignore)}) + "\n"
            for dockerfile, ignore in questions
        )
        done = subprocess.run(
            [str(self.program)], input=asked, capture_output=True, text=True, check=True
        )
        return [_answer(line) for line in done.stdout.splitlines()]


def compiled() -> Check:
    """Compiles the program where that is not done yet. Skips where Go, or a module that it needs,
    cannot be had."""
    if shutil.which("go") is None:
        pytest.skip("go is not installed")
    files = [SOURCE / name for name in ("go.mod", "go.sum", "main.go")]
    version = hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()[:16]
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    program = base / "dockopt-clients" / f"buildkit-check-{version}"
    if not program.exists():
        _compile(program)
    return Check(program)


def _compile(program: Path) -> None:
    program.parent.mkdir(parents=True, exist_ok=True)
    # Brings the modules: what fails behind it is the program's fault.
    if (listed := _go("list", "-deps", ".")).returncode != 0:
        pytest.skip(f"BuildKit's linter could not be had: {listed.stderr.strip()[-300:]}")
    new = program.with_name(f"{program.name}.{os.getpid()}")
    built = _go("build", "-buildvcs=false", "-ldflags=-s -w", "-o", str(new), ".")
    assert built.returncode == 0, built.stderr
    new.rename(program)


def _go(command: str, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "GOTOOLCHAIN": "local", "GOWORK": "off"}
    return subprocess.run(
        ["go", command, "-mod=readonly", *words],
        cwd=SOURCE, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip


def _encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _answer(line: str) -> Answer:
    found = json.loads(line)
    warnings = (Finding(each["rule"], each["detail"]) for each in found["warnings"] or ())
    return Answer(frozenset(warnings), found["error"])
