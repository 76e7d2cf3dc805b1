"""The Dockerfiles of a folder, and the repository it belongs to."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from optimizer.context.walk import walk
from optimizer.knowledge.sources import SOURCE_SUFFIXES

_NAME: Final = re.compile(r"(?:.+\.)?(?:docker|container)file(?:[.\-_].+)?", re.IGNORECASE)

# Engines read "<Dockerfile name>.dockerignore" beside a Dockerfile (moby/buildkit, dockerui).
_NOT_DOCKERFILES: Final = (
    ".dockerignore",
    # Backups of editors, of patch and of merge tools.
    "~", ".orig", ".rej", ".bak", ".backup", ".old", ".swp", ".swo", ".tmp", ".save",
    # Templates: Jinja, Go templates, ERB, Mustache, Handlebars, EJS, Liquid, autoconf, m4.
    ".j2", ".jinja", ".jinja2", ".tmpl", ".tpl", ".template", ".gotmpl", ".erb", ".mustache",
    ".hbs", ".ejs", ".liquid", ".in", ".m4",
)  # fmt: skip

_PERHAPS: Final = SOURCE_SUFFIXES | {
    ".adoc", ".bats", ".diff", ".json", ".lock", ".log", ".md", ".mdx", ".patch", ".pdf", ".png",
    ".ps1", ".rst", ".snap", ".svg", ".toml", ".txt", ".xml", ".yaml", ".yml",
}  # fmt: skip
"""``Dockerfile.go`` builds a Go service and ``dockerfile.go`` parses Dockerfiles: behind these
ends only the text can tell."""

_FIRST_BYTES: Final = 4096
_FIRST_INSTRUCTION: Final = re.compile(
    rb"\A(?:\xef\xbb\xbf)?(?:[ \t\r\f\v]*(?:#[^\n]*)?\n)*[ \t]*(?:FROM|ARG)[ \t\\]", re.IGNORECASE
)


def repository_root(path: Path) -> Path:
    """Returns the nearest folder above ``path`` that holds ``.git`` (``path`` itself included),
    resolved; else the folder that ``path`` is or lies in."""
    folder = (path if path.is_dir() else path.parent).resolve()
    for candidate in (folder, *folder.parents):
        if (candidate / ".git").exists():
            return candidate
    return folder


def find_dockerfiles(folder: Path) -> Iterator[Path]:
    """Lists the Dockerfiles in ``folder`` and below, parents first and by name.

    What git ignores is left out, as are templates and backups. A link to a
    Dockerfile counts only where the file has no such name of its own.
    """
    real = folder.resolve()
    root = repository_root(real)
    for inside in walk(real, root):
        for name in sorted(inside.files + inside.links):
            if not has_dockerfile_name(name) or not inside.keeps(name):
                continue
            path = root / inside.join(name)
            if name in inside.links and not _leads_to_another_name(path, root):
                continue
            if path.suffix.lower() not in _PERHAPS or _starts_like_one(path):
                yield folder / path.relative_to(real)


def has_dockerfile_name(name: str) -> bool:
    """Says whether a file of this name is a Dockerfile by all that the name tells."""
    return _NAME.fullmatch(name) is not None and not name.lower().endswith(_NOT_DOCKERFILES)


def _starts_like_one(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return _FIRST_INSTRUCTION.match(file.read(_FIRST_BYTES)) is not None
    except OSError:
        return False


def _leads_to_another_name(link: Path, root: Path) -> bool:
    """Says whether a link leads to a file of the repository that is not found by its own name."""
    # Path.resolve raises where links lead in a circle.
    target = Path(os.path.realpath(link))
    return target.is_relative_to(root) and target.is_file() and not has_dockerfile_name(target.name)
