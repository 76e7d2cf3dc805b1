"""Repositories as text: files under lines like ``== path``, and what is found in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from optimizer.context.find import Contexts, FoundContext, RepositoryEvidence


def lay_out(root: Path, text: str) -> Path:
    """Writes the files of ``text`` under ``root``, which becomes a repository; a path that ends
    with a slash is a folder. Returns ``root``."""
    (root / ".git").mkdir()
    for block in text.lstrip("\n").split("== ")[1:]:
        name, _, content = block.partition("\n")
        path = root / name.strip()
        if name.strip().endswith("/"):
            path.mkdir(parents=True, exist_ok=True)
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, "utf-8")
    return root


@dataclass(frozen=True)
class Answer:
    """One answer in words: paths relative to the root."""

    context: str
    found_by: str
    target: str | None
    build_args: Mapping[str, str | None]


class Repository:
    """A repository that is laid out, and the question asked of it."""

    def __init__(self, root: Path, text: str) -> None:
        self.root = lay_out(root, text)
        self.evidence = RepositoryEvidence(self.root)

    def contexts(self, dockerfile: str) -> Contexts:
        return self.evidence.contexts_of(self.root / dockerfile)

    def found(self, dockerfile: str) -> list[FoundContext]:
        return list(self.contexts(dockerfile).found)

    def answers(self, dockerfile: str) -> list[Answer]:
        return [
            Answer(
                each.path.relative_to(self.root.resolve()).as_posix(),
                each.found_by,
                each.target,
                dict(each.build_args),
            )
            for each in self.found(dockerfile)
        ]

    def places(self, dockerfile: str) -> list[tuple[str, str]]:
        """Returns context and place of every answer."""
        return [(each.context, each.found_by) for each in self.answers(dockerfile)]

    def notes(self, dockerfile: str) -> list[str]:
        return [str(note) for note in self.contexts(dockerfile).notes]
