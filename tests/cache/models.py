"""Cache models of contexts on disk, and the change between two moments of one."""

from __future__ import annotations

import stat
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from optimizer.cache.model import CacheModel
from optimizer.context.tree import BuildContext
from optimizer.cst.parse import parse
from optimizer.cst.source import Source
from optimizer.journal import ContextAnswer
from optimizer.model.stages import Invocation
from optimizer.view import Build, View


@dataclass(frozen=True)
class Built:
    """A context at one moment: what decides, by path, and a copy of it in memory."""

    text: str
    entries: Mapping[str, tuple[str, int, bytes | str]]
    context: BuildContext
    invocation: Invocation

    @classmethod
    def of(cls, folder: Path, options: Mapping[str, Any] | None = None) -> Built:
        """Reads ``folder``; ``options`` are those of `tests.engine.build.build`."""
        entries = {
            path.relative_to(folder).as_posix(): _entry(path) for path in sorted(folder.rglob("*"))
        }
        files: dict[str, Any] = {}
        for path, (kind, _, content) in entries.items():
            if kind == "dir":
                files[path + "/"] = b""
            elif kind == "link":
                from optimizer.context.tree import Link

                files[path] = Link(str(content))
            else:
                files[path] = content
        invocation = Invocation(
            (options or {}).get("target"), dict((options or {}).get("build_args", {}))
        )
        text = (folder / "Dockerfile").read_text()
        return cls(text, entries, BuildContext.from_listing(files), invocation)


def _entry(path: Path) -> tuple[str, int, bytes | str]:
    mode = path.lstat().st_mode
    if stat.S_ISLNK(mode):
        return "link", 0, str(path.readlink())
    if stat.S_ISDIR(mode):
        return "dir", 0, b""
    return "file", stat.S_IMODE(mode), path.read_bytes()


def differing(one: Built, other: Built) -> tuple[str, ...]:
    """Returns the paths whose content, mode, kind or presence differs."""
    paths = one.entries.keys() | other.entries.keys()
    return tuple(sorted(p for p in paths if one.entries.get(p) != other.entries.get(p)))


def view_of(built: Built) -> View:
    tree = parse(Source("Dockerfile", built.text))
    answer = ContextAnswer(".", "a test")
    return View(tree, Build(built.context, built.invocation, answer))


def model_of(built: Built, before: Built | None = None, *, merges: bool = False) -> CacheModel:
    """Returns the model of ``built``; what differs from ``before`` counts as changed."""
    model = replace(view_of(built).cache, merges=merges)
    if before is None:
        return model
    return replace(model, versions=dict.fromkeys(differing(before, built), 1))
