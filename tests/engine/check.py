"""BuildKit's own verdict on a Dockerfile, asked of the engine without building anything.

``--call=targets`` parses the file and its instructions and asks no registry for base images.
Only a refused file (or one without any target, which no build takes either) is asked about a
second time, with ``--check``, which says why and where.
"""

from __future__ import annotations

import json
import re
import tempfile
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

from tests.engine.daemon import Engine

DIRECTIVE = re.compile(rb"#\s*(?P<name>[a-zA-Z][a-zA-Z0-9]*)\s*=\s*.+")
"""A parser directive (BuildKit parser/directives.go)."""


@dataclass(frozen=True)
class Verdict:
    """Whether BuildKit takes a file; if not, what it says, and about which line."""

    accepted: bool
    message: str = ""
    line: int | None = None


def judge(engine: Engine, dockerfile: bytes) -> Verdict:
    """Asks BuildKit. A ``# syntax=`` line has to be taken out before: it needs a registry."""
    with tempfile.TemporaryDirectory() as name:
        context = Path(name)
        (context / "Dockerfile").write_bytes(dockerfile)
        done = engine.buildx("build", "--call=targets,format=json", name)
        if done.returncode == 0 and json.loads(done.stdout).get("targets"):
            return Verdict(True)
        # The build error comes with its place only here.
        check = engine.buildx("build", "--call=check,format=json", name)
    try:
        error = json.loads(check.stdout).get("buildError") or {}
    except ValueError:
        return Verdict(False, done.stderr.decode(errors="replace").strip().splitlines()[-1])
    ranges = (error.get("location") or {}).get("ranges") or [{}]
    return Verdict(False, error.get("message", ""), ranges[0].get("start", {}).get("line"))


def without_syntax_line(dockerfile: bytes) -> bytes:
    """Returns the same file without its ``# syntax=`` directive, every line in its old place.

    The other directives move up and a comment takes the last one's place, because a comment
    in front of them would end the directives.
    """
    lines = dockerfile.split(b"\n")
    directives = list(takewhile(lambda match: match is not None, map(DIRECTIVE.match, lines)))
    kept = [match[0] for match in directives if match and match["name"].lower() != b"syntax"]
    comments = [b"#"] * (len(directives) - len(kept))
    return b"\n".join(kept + comments + lines[len(directives) :])
