"""The documents that the client has open, as it last told them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from lsprotocol import types
from pygls.uris import to_fs_path

from optimizer.context.dockerfiles import has_dockerfile_name
from optimizer.cst.source import Source
from optimizer.surfaces.lsp.positions import Text

_LANGUAGE = "dockerfile"
_IGNORE_FILE = ".dockerignore"


@dataclass(frozen=True, eq=False)
class Document:
    """One version of one document. ``path`` is None for what has no place on disk."""

    uri: str
    path: Path | None
    language: str
    version: int
    text: Text

    @property
    def is_dockerfile(self) -> bool:
        """Whether it is to be looked at: its client or its name says what it is."""
        if self.path is not None and self.path.name.endswith(_IGNORE_FILE):
            return False
        named = self.path is not None and has_dockerfile_name(self.path.name)
        return self.language == _LANGUAGE or named


@dataclass
class Documents:
    """All open documents by URI. ``encoding`` is what the client counts in."""

    encoding: str = "utf-16"
    _open: dict[str, Document] = field(default_factory=dict)

    def __iter__(self) -> Iterator[Document]:
        return iter(tuple(self._open.values()))

    def get(self, uri: str) -> Document | None:
        return self._open.get(uri)

    def at(self, path: Path) -> Document | None:
        """Returns the open document that lies at ``path``, by whatever links it was opened."""
        real = os.path.realpath(path)
        places = ((each, each.path) for each in self)
        found = (each for each, at in places if at is not None and os.path.realpath(at) == real)
        return next(found, None)

    def open(self, item: types.TextDocumentItem) -> Document:
        text = Text(item.text, self.encoding)
        document = Document(item.uri, path_of(item.uri), item.language_id, item.version, text)
        self._open[item.uri] = document
        return document

    def change(
        self,
        identifier: types.VersionedTextDocumentIdentifier,
        changes: Sequence[types.TextDocumentContentChangeEvent],
    ) -> Document | None:
        """Returns the new version; None where no such document is open."""
        document = self._open.get(identifier.uri)
        if document is None:
            return None
        text = document.text
        for each in changes:
            text = text.with_change(getattr(each, "range", None), each.text)
        changed = replace(document, version=identifier.version, text=text)
        self._open[identifier.uri] = changed
        return changed

    def close(self, uri: str) -> Document | None:
        return self._open.pop(uri, None)

    def overlay(self) -> dict[Path, bytes]:
        """Returns what the client has in place of files that are no Dockerfiles."""
        return {
            each.path.resolve(): Source("", each.text.value).data
            for each in self
            if each.path is not None and not each.is_dockerfile
        }


def path_of(uri: str) -> Path | None:
    """Returns where a URI lies on disk, None where it does not."""
    if not uri.startswith("file:") or "%00" in uri or "\0" in uri:
        return None
    name = to_fs_path(uri)
    path = Path(name) if name else None
    return path if path is not None and path.is_absolute() else None
