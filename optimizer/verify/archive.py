"""From the stream that an engine exports (``docker save``, an OCI layout) to an `Image`.

Nothing is unpacked and nothing is kept of a file but its digest and what a hook makes of it,
so memory grows with the number of paths, not with their size. Blobs come in the order of their
digests, so that every layer is read when it comes and laid over the others at the end.
"""

from __future__ import annotations

import hashlib
import json
import posixpath
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from optimizer.verify.image import Entry, Facts, Image
from optimizer.verify.tar import (
    BLOCK,
    ArchiveError,
    Buffered,
    Content,
    Member,
    Readable,
    members,
    unpacked,
)

CONFIG_FIELDS = (
    "Cmd",
    "Entrypoint",
    "Env",
    "ExposedPorts",
    "User",
    "WorkingDir",
    "Volumes",
    "Labels",
    "Healthcheck",
    "StopSignal",
    "Shell",
    "OnBuild",
)
"""The fields of an image configuration that a container or a later ``FROM`` sees
(OCI image specification, config.md, with Docker's Healthcheck, Shell and OnBuild)."""

LARGEST_DOCUMENT = 32 << 20
"""Bytes of a manifest or configuration."""

_WHITEOUT = ".wh."
_OPAQUE = ".wh..wh..opq"
"""OCI image specification, layer.md: a removed path, and a directory that hides what is below."""
_MOST_LINKS = 40
"""Links that are followed on the way to one path (path_resolution(7))."""

Hook: TypeAlias = Callable[[str, int, Readable], Facts | None]
"""Is called with path, size and content of every file while it streams by. It need not read."""


@dataclass(frozen=True, slots=True)
class Removed:
    """A whiteout: the path is gone, or with ``below`` all that lies below it."""

    below: bool = False


@dataclass(frozen=True, slots=True)
class HardLink:
    """Another name for a path of this layer or of one below."""

    target: str
    entry: Entry


@dataclass(frozen=True, slots=True)
class Layer:
    """The rows of a layer in the order of its archive, and its size in the stream in bytes."""

    rows: tuple[tuple[str, Entry | Removed | HardLink], ...]
    size: int


@dataclass
class Reader:
    """Reads exports. Layers that several images share are read once.

    ``facts`` is called for the content of every file.
    """

    facts: Hook | None = None
    _layers: dict[str, Layer] = field(default_factory=dict)

    def read(self, stream: Readable) -> Image:
        """Returns the only image of an export. Raises ArchiveError for anything else."""
        images = {id(image): image for image in self.read_all(stream).values()}
        if len(images) != 1:
            raise ArchiveError(f"the export holds {len(images)} images")
        return next(iter(images.values()))

    def read_all(self, stream: Readable) -> Mapping[str, Image]:
        """Returns the images of an export by the digest of their configuration and by their names.

        Reads to the end of the stream, so that the one who writes can finish.
        """
        documents: dict[str, Any] = {}
        layers: dict[str, Layer] = {}
        source = Buffered(stream)
        for member, content in members(source):
            name = posixpath.normpath(member.name)
            if member.kind in ("link", "hard link"):
                layers.update(_linked(layers, name, member))
            elif member.kind == "file":
                self._take(name, member, content, documents, layers)
        while source.read(BLOCK):
            pass
        found: dict[str, Image] = {}
        for names, config, parts in _manifests(documents):
            image = _image(documents, config, parts, layers)
            found.update(dict.fromkeys([_digest(config), *names], image))
        return found

    def _take(
        self,
        name: str,
        member: Member,
        content: Content,
        documents: dict[str, Any],
        layers: dict[str, Layer],
    ) -> None:
        if name in self._layers:
            layers[name] = self._layers[name]
            return
        blob = Buffered(content)
        start = blob.peek(512)
        if member.size <= LARGEST_DOCUMENT and start[:1] in (b"{", b"[") and not _is_tar(start):
            documents[name] = _document(blob, member.size)
        elif name.startswith("blobs/") or name.endswith(".tar"):
            layers[name] = Layer(tuple(read_layer(blob, self.facts)), member.size)
            if name.startswith("blobs/"):
                self._layers[name] = layers[name]


def read_layer(
    stream: Readable, facts: Hook | None = None
) -> Iterator[tuple[str, Entry | Removed | HardLink]]:
    """Yields the rows of one layer's archive, packed or not, by absolute path.

    Raises ArchiveError.
    """
    archive = unpacked(stream)
    for member, content in members(archive):
        path = _absolute(member.name)
        folder, name = posixpath.split(path)
        if name == _OPAQUE:
            yield folder, Removed(below=True)
        elif name.startswith(f"{_WHITEOUT}{_WHITEOUT}"):
            continue
        elif name.startswith(_WHITEOUT):
            yield posixpath.join(folder, name.removeprefix(_WHITEOUT)), Removed()
        else:
            yield path, _entry(path, member, content, facts)
    # What follows an archive (padding) has to be read for a checksum at the end of its gzip data.
    while archive.read(BLOCK):
        pass


def merge(layers: Sequence[Layer]) -> dict[str, Entry]:
    """Lays layers over each other, the lowest first; returns all paths, sorted."""
    root = _Node(Entry("dir", 0o755, 0, 0))
    for layer in layers:
        for path, row in layer.rows:
            if isinstance(row, Removed):
                _remove(root, path, row)
        for path, row in layer.rows:
            if isinstance(row, HardLink):
                _place(root, path, _link_target(root, row))
            elif isinstance(row, Entry):
                _place(root, path, row)
    return dict(sorted(_walk(root)))


@dataclass(slots=True)
class _Node:
    """A path of the merged file system. Without an ``entry`` only something below it was named."""

    entry: Entry | None = None
    below: dict[str, _Node] = field(default_factory=dict)


def _place(root: _Node, path: str, entry: Entry) -> None:
    if path == "/":
        root.entry = entry
        return
    folder, name = posixpath.split(path)
    parent = _folder(root, folder)
    node = parent.below.get(name)
    if node is None or entry.kind != "dir":
        parent.below[name] = _Node(entry)
        return
    if node.entry is not None and node.entry.kind != "dir":
        node.below = {}
    node.entry = entry


def _folder(root: _Node, path: str) -> _Node:
    """Returns the folder a layer names, through the links of the layers below it, as one that
    unpacks it would find it (containerd, fs.RootPath)."""
    node, names, links = root, _names(path), 0
    trail: list[_Node] = []
    while names:
        name = names.pop()
        if name == "..":
            node = trail.pop() if trail else root
            continue
        following = node.below.setdefault(name, _Node())
        entry = following.entry
        if entry is not None and entry.kind == "link" and links < _MOST_LINKS:
            links += 1
            names += _names(entry.target)
            if entry.target.startswith("/"):
                node, trail = root, []
            continue
        trail.append(node)
        node = following
    return node


def _names(path: str) -> list[str]:
    """Returns the names of a path, the last one first."""
    return [name for name in reversed(path.split("/")) if name not in ("", ".")]


def _remove(root: _Node, path: str, row: Removed) -> None:
    node: _Node | None = root
    names = _names(path)
    for name in reversed(names if row.below else names[1:]):
        node = node.below.get(name) if node is not None else None
    if node is not None and row.below:
        node.below = {}
    elif node is not None and names:
        node.below.pop(names[0], None)


def _link_target(root: _Node, link: HardLink) -> Entry:
    """Returns what a hard link stands for; itself, with the path it names, where that is gone."""
    folder, name = posixpath.split(link.target)
    node = _folder(root, folder).below.get(name)
    if node is None or node.entry is None:
        return replace(link.entry, target=link.target)
    return node.entry


def _walk(root: _Node) -> Iterator[tuple[str, Entry]]:
    waiting = [("/", root)]
    while waiting:
        path, node = waiting.pop()
        if node.entry is not None:
            yield path, node.entry
        start = "" if path == "/" else path
        waiting += [(f"{start}/{name}", below) for name, below in node.below.items()]


def _entry(path: str, member: Member, content: Content, facts: Hook | None) -> Entry | HardLink:
    kind = "file" if member.kind == "hard link" else member.kind
    entry = Entry(kind, member.mode, member.uid, member.gid, xattrs=member.xattrs)
    if member.kind == "hard link":
        return HardLink(_absolute(member.target), entry)
    if member.kind == "file":
        hashed = _Hashed(content)
        found = facts(path, member.size, hashed) if facts is not None else None
        while hashed.read(BLOCK):
            pass
        return replace(entry, digest=hashed.digest, size=member.size, facts=found)
    return replace(entry, target=member.target, device=member.device)


class _Hashed:
    """Reads on, and keeps the digest of what came by."""

    def __init__(self, content: Content) -> None:
        self._content = content
        self._hash = hashlib.sha256()

    @property
    def digest(self) -> str:
        return self._hash.hexdigest()

    def read(self, size: int = -1, /) -> bytes:
        data = self._content.read(size)
        self._hash.update(data)
        return data


def _absolute(name: str) -> str:
    # normpath keeps two slashes at the start, which mean nothing here.
    return posixpath.normpath("/" + name.lstrip("/"))


def _is_tar(start: bytes) -> bool:
    return start[257:262] == b"ustar"


def _document(blob: Buffered, size: int) -> object:
    try:
        return json.loads(blob.exactly(size))
    except (ValueError, RecursionError):
        return None


def _linked(layers: Mapping[str, Layer], name: str, member: Member) -> dict[str, Layer]:
    """An old ``docker save`` links a layer that an image has twice."""
    target = posixpath.normpath(posixpath.join(posixpath.dirname(name), member.target))
    known = layers.get(target) or layers.get(posixpath.normpath(member.target))
    return {name: known} if known is not None else {}


def _manifests(
    documents: Mapping[str, Any],
) -> Iterator[tuple[Sequence[str], str, Sequence[str]]]:
    """Yields names, configuration and layers of every image.

    Docker's ``manifest.json`` says them where there is one, else the OCI layout's ``index.json``.
    """
    docker = documents.get("manifest.json")
    if isinstance(docker, list):
        for each in docker:
            names = [*map(_text, _list(each, "RepoTags"))]
            parts = [posixpath.normpath(_text(part)) for part in _list(each, "Layers")]
            yield names, posixpath.normpath(_text(_get(each, "Config"))), parts
        return
    waiting = [_list(documents.get("index.json"), "manifests")]
    seen: set[str] = set()
    while waiting:
        for descriptor in waiting.pop():
            blob = _blob(descriptor)
            if blob in seen or _is_attestation(descriptor):
                continue
            seen.add(blob)
            document = documents.get(blob)
            waiting.append(_list(document, "manifests"))
            if (config := _get(document, "config")) is not None:
                yield (), _blob(config), [*map(_blob, _list(document, "layers"))]


def _is_attestation(descriptor: object) -> bool:
    """BuildKit puts what it attests beside an image as one for the platform ``unknown``
    (moby/buildkit docs/attestations/attestation-storage.md)."""
    return bool(_get(_get(descriptor, "platform"), "os") == "unknown")


def _blob(descriptor: object) -> str:
    algorithm, _, digest = _text(_get(descriptor, "digest")).partition(":")
    return f"blobs/{algorithm}/{digest}"


def _get(document: object, key: str) -> Any:
    return document.get(key) if isinstance(document, Mapping) else None


def _list(document: object, key: str) -> list[Any]:
    value = _get(document, key)
    return value if isinstance(value, list) else []


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ArchiveError("the export has a broken manifest")
    return value


def _image(
    documents: Mapping[str, Any], config: str, parts: Sequence[str], layers: Mapping[str, Layer]
) -> Image:
    for part in parts:
        if part not in layers:
            raise ArchiveError(f"the export lacks the layer {part}")
    if not isinstance(documents.get(config), Mapping):
        raise ArchiveError(f"the export lacks the configuration {config}")
    fields = _get(documents[config], "config")
    return Image(
        {name: _get(fields, name) for name in CONFIG_FIELDS},
        merge([layers[part] for part in parts]),
        {_digest(part): layers[part].size for part in parts},
    )


def _digest(part: str) -> str:
    """Returns ``sha256:...`` for the path of a blob, or of a configuration as old engines
    name it."""
    if part.startswith("blobs/"):
        return part.removeprefix("blobs/").replace("/", ":", 1)
    return f"sha256:{part.removesuffix('.json')}"
