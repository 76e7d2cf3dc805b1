"""The folders of a working tree, without what git ignores.

Links are never followed, nested repositories belong to somebody else, and
folders that only hold what package managers put there are passed by.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from optimizer.context.gitignore import GitIgnore

_LARGEST_IGNORE_FILE: Final = 1 << 20

_PASSED_BY: Final = frozenset(
    {
        # Version control: git, Mercurial, Subversion, Jujutsu.
        ".git", ".hg", ".svn", ".jj",
        # npm, pnpm and Yarn; Bower.
        "node_modules", ".pnpm-store", "bower_components",
        # venv and virtualenv by convention; tox, nox, mypy, pytest, Ruff, Python itself.
        ".venv", ".tox", ".nox", ".mypy_cache", ".pytest_cache", ".ruff_cache", "__pycache__",
        # Gradle, Terraform, Next.js, Nuxt, direnv.
        ".gradle", ".terraform", ".next", ".nuxt", ".direnv",
    }
)  # fmt: skip
"""Folders that tools fill and nobody edits. Source: each tool's own default."""

_VENDORED_BY: Final = frozenset({"modules.txt", "autoload.php", "bundle", "github.com"})
"""What tells a ``vendor`` folder that a tool made from one that people did: ``go mod vendor``,
Composer, Bundler and ``GOPATH`` vendoring put these into it."""


@dataclass(frozen=True, slots=True)
class _Rules:
    """The ignore files in force in one folder, the nearest first, each with its depth."""

    files: tuple[tuple[int, GitIgnore], ...] = ()

    def ignore(self, components: Sequence[str], is_folder: bool) -> bool:
        for depth, file in self.files:
            if (ignored := file.decides(components[depth:], is_folder)) is not None:
                return ignored
        return False

    def with_file(self, path: str, depth: int) -> _Rules:
        text = _read_ignore_file(path)
        return self if text is None else _Rules(((depth, GitIgnore.parse(text)), *self.files))


@dataclass(frozen=True, slots=True)
class Folder:
    """One folder: ``path`` is relative to the root, in posix form and empty for the root."""

    path: str
    files: tuple[str, ...]
    """Names of regular files, sorted."""
    links: tuple[str, ...]
    """Names of links, sorted."""
    _rules: _Rules

    def keeps(self, name: str) -> bool:
        """Says whether git would not ignore the file ``name`` of this folder."""
        return not self._rules.ignore((*_components(self.path), name), False)

    def join(self, name: str) -> str:
        """Returns the path of ``name``, relative to the root."""
        return f"{self.path}/{name}" if self.path else name


def walk(folder: Path, root: Path) -> Iterator[Folder]:
    """Lists ``folder`` and what lies below it, parents first and in the order of names.

    ``root`` is where ignore files begin to count; it holds ``folder``. Folders
    that cannot be read are left out. Where ``root`` is a git repository, the
    repositories inside it are left out too.
    """
    top = folder.relative_to(root).as_posix()
    top = "" if top == "." else top
    rules = _rules_above(root, _components(top))
    in_repository = (root / ".git").exists()
    stack = [(top, rules)]
    while stack:
        path, rules = stack.pop()
        entries = _entries(root / path)
        names = {entry.name for entry in entries}
        nested = in_repository and ".git" in names
        if path != top and (nested or _is_vendored(path, names)):
            continue
        if ".gitignore" in names:
            rules = rules.with_file(f"{root / path}/.gitignore", len(_components(path)))
        files = tuple(e.name for e in entries if e.is_file(follow_symlinks=False))
        yield Folder(path, files, tuple(e.name for e in entries if e.is_symlink()), rules)
        prefix = f"{path}/" if path else ""
        stack.extend(
            (prefix + entry.name, rules)
            for entry in reversed(entries)
            if entry.is_dir(follow_symlinks=False)
            and entry.name not in _PASSED_BY
            and not (rules.files and rules.ignore(_components(prefix + entry.name), True))
        )


def _components(path: str) -> tuple[str, ...]:
    return tuple(path.split("/")) if path else ()


def _entries(path: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(path) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except OSError:
        return []


def _is_vendored(path: str, names: Iterable[str]) -> bool:
    return path.rpartition("/")[2] == "vendor" and not _VENDORED_BY.isdisjoint(names)


def _rules_above(root: Path, components: Sequence[str]) -> _Rules:
    """Returns the rules that reach a folder from above; those that ignore the folder itself
    do not count, since it was asked for by name."""
    rules = _Rules()
    for depth in range(len(components)):
        rules = rules.with_file(f"{root.joinpath(*components[:depth])}/.gitignore", depth)
    ignored = any(rules.ignore(components[:depth], True) for depth in range(1, len(components) + 1))
    return _Rules() if ignored else rules


def _read_ignore_file(path: str) -> str | None:
    """Reads an ignore file; like git since 2.32, not through a link."""
    try:
        if not stat.S_ISREG(os.lstat(path).st_mode):
            return None
        with Path(path).open("rb") as file:
            return file.read(_LARGEST_IGNORE_FILE).decode("utf-8", "surrogateescape")
    except OSError:
        return None
