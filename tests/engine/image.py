"""What an image is, read from ``docker save`` as a stream, and how two images differ.

Times are ignored: of files, of the image, and the history. Everything else that a
container can see is compared.
"""

from __future__ import annotations

import hashlib
import io
import json
import posixpath
import re
import subprocess
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import IO, Any

from tests.engine.daemon import Engine

CONFIG_KEYS = (
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

WHITEOUT = ".wh."
OPAQUE = ".wh..wh..opq"
"""OCI image specification, layer.md: a removed path, and a directory that hides what is below."""

XATTR = "SCHILY.xattr."
ABSENT = "absent"
SAVE_SECONDS = 120
BLOCK = 1 << 20
_NUMBER = re.compile(r"\d+")


@dataclass(frozen=True)
class Entry:
    """One path of a root file system."""

    kind: str
    mode: int
    uid: int
    gid: int
    target: str = ""
    """Of a symbolic link."""
    content: str = ""
    """Digest of a file's bytes."""
    device: tuple[int, int] = (0, 0)
    xattrs: tuple[tuple[str, str], ...] = ()


Layer = tuple[tuple[str, Entry | None], ...]
"""Paths in the order of the archive; None for a whiteout."""


@dataclass(frozen=True)
class Image:
    """An image's configuration and its merged root file system (paths without leading slash)."""

    config: Mapping[str, Any]
    files: Mapping[str, Entry]


@dataclass(frozen=True, order=True)
class Difference:
    """One thing two images disagree on: ``config Env`` or ``file app/main.js``."""

    where: str
    before: str
    after: str

    @property
    def one_sided(self) -> bool:
        """Whether only one of the images has it at all."""
        return ABSENT in (self.before, self.after)

    def __str__(self) -> str:
        return f"{self.where}: {self.before} -> {self.after}"


class ImageReader:
    """Reads images of one engine. Layers that several images share are parsed once."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._layers: dict[str, Layer] = {}

    def read(self, image: str) -> Image:
        """Returns the image with that id or name. Raises RuntimeError where there is none."""
        return self.read_all([image])[0]

    def read_all(self, images: Sequence[str]) -> tuple[Image, ...]:
        """Returns several images, whose shared layers then cross the pipe once.

        Raises RuntimeError with docker's message where one does not exist.
        """
        process = subprocess.Popen(
            ["docker", "save", *images],
            env=dict(self._engine.environment),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        assert process.stdout is not None
        with process:
            try:
                documents = self._read_archive(process.stdout)
            except tarfile.ReadError:
                documents = {}
            finally:
                _, errors = process.communicate(timeout=SAVE_SECONDS)
        if "manifest.json" not in documents:
            raise RuntimeError(f"docker save {' '.join(images)}: {errors.decode(errors='replace')}")
        return tuple(self._image(documents, image) for image in images)

    def _image(self, documents: Mapping[str, Any], image: str) -> Image:
        """Finds an image's manifest by the name it was asked for, or by its id."""
        digest = image.removeprefix("sha256:")
        (manifest,) = (
            manifest
            for manifest in documents["manifest.json"]
            if manifest["Config"].endswith(digest) or image in (manifest["RepoTags"] or ())
        )
        config = documents[manifest["Config"]].get("config") or {}
        layers = [self._layers[name] for name in manifest["Layers"]]
        return Image({key: config.get(key) for key in CONFIG_KEYS}, merge_layers(layers))

    def _read_archive(self, stream: IO[bytes]) -> dict[str, Any]:
        """Reads every layer of the stream; returns its JSON documents by name.

        Blobs come in the order of their digests, not of the layers.
        """
        documents: dict[str, Any] = {}
        with tarfile.open(fileobj=stream, mode="r|", bufsize=BLOCK) as archive:
            for member in archive:
                if not member.isfile() or member.name in self._layers:
                    continue
                content = archive.extractfile(member)
                assert isinstance(content, io.BufferedReader)
                if content.peek(1)[:1] in (b"{", b"["):
                    documents[member.name] = json.load(content)
                elif member.name.startswith("blobs/"):
                    self._layers[member.name] = read_layer(content)
        while stream.read(BLOCK):
            pass
        return documents


def read_layer(stream: IO[bytes]) -> Layer:
    """Reads one layer's archive, compressed or not."""
    rows: list[tuple[str, Entry | None]] = []
    known: dict[str, Entry] = {}
    with tarfile.open(
        fileobj=stream, mode="r|*", bufsize=BLOCK, encoding="utf-8", errors="surrogateescape"
    ) as archive:
        for member in archive:
            path = posixpath.normpath(member.name).lstrip("/")
            if posixpath.basename(path).startswith(WHITEOUT):
                rows.append((path, None))
                continue
            entry = known[path] = _entry(archive, member, known)
            rows.append((path, entry))
    return tuple(rows)


def merge_layers(layers: list[Layer]) -> Mapping[str, Entry]:
    """Lays layers over each other, lowest first."""
    files: dict[str, Entry] = {}
    for layer in layers:
        for path, entry in layer:
            if entry is None:
                _white_out(files, path)
        for path, entry in layer:
            if entry is None:
                continue
            below = files.get(path)
            if below is not None and below.kind == "directory" and entry.kind != "directory":
                _remove_below(files, path)
            files[path] = entry
    return files


def compare(before: Image, after: Image) -> tuple[Difference, ...]:
    """Returns everything in which two images differ, sorted."""
    found = [
        Difference(f"config {key}", _shown(before.config[key]), _shown(after.config[key]))
        for key in CONFIG_KEYS
        if before.config[key] != after.config[key]
    ]
    for path in before.files.keys() | after.files.keys():
        old, new = before.files.get(path), after.files.get(path)
        if old != new:
            found.append(Difference(f"file {path}", *_entries_shown(old, new)))
    return tuple(sorted(found))


def changed_by(before: Image, control: Image, after: Image) -> tuple[Difference, ...]:
    """Returns the differences between ``before`` and ``after`` that are not mere chance.

    ``control`` is a second build of ``before``: what differs between those two (a cache with
    times in it) is not held against ``after``. Neither is a file that only one of the images
    has, when the control shows a file whose name differs in nothing but numbers (a log).
    """
    chance = compare(before, control)
    places = {difference.where for difference in chance}
    names = {_NUMBER.sub("#", difference.where) for difference in chance if difference.one_sided}
    return tuple(
        difference
        for difference in compare(before, after)
        if difference.where not in places
        and not (difference.one_sided and _NUMBER.sub("#", difference.where) in names)
    )


def _entry(archive: tarfile.TarFile, member: tarfile.TarInfo, known: Mapping[str, Entry]) -> Entry:
    xattrs = tuple(
        sorted(
            (name.removeprefix(XATTR), value)
            for name, value in member.pax_headers.items()
            if name.startswith(XATTR)
        )
    )
    entry = Entry(_kind(member), member.mode, member.uid, member.gid, xattrs=xattrs)
    if member.islnk():
        return known[posixpath.normpath(member.linkname).lstrip("/")]
    if member.issym():
        return replace(entry, target=member.linkname)
    if member.isfile():
        content = archive.extractfile(member)
        assert content is not None
        digest = hashlib.sha256()
        for block in _blocks(content):
            digest.update(block)
        return replace(entry, content=digest.hexdigest())
    return replace(entry, device=(member.devmajor, member.devminor))


def _kind(member: tarfile.TarInfo) -> str:
    if member.isdir():
        return "directory"
    if member.issym():
        return "link"
    if member.isfile() or member.islnk():
        return "file"
    return "fifo" if member.isfifo() else "device"


def _blocks(stream: IO[bytes]) -> Iterator[bytes]:
    while block := stream.read(BLOCK):
        yield block


def _white_out(files: dict[str, Entry], path: str) -> None:
    folder, name = posixpath.split(path)
    if name == OPAQUE:
        _remove_below(files, folder)
        return
    hidden = posixpath.join(folder, name.removeprefix(WHITEOUT))
    files.pop(hidden, None)
    _remove_below(files, hidden)


def _remove_below(files: dict[str, Entry], folder: str) -> None:
    for path in [path for path in files if path.startswith(f"{folder}/")]:
        del files[path]


def _shown(value: object) -> str:
    return ABSENT if value is None else json.dumps(value, sort_keys=True)


def _entries_shown(old: Entry | None, new: Entry | None) -> tuple[str, str]:
    """Shows only the fields in which two entries differ."""
    if old is None or new is None:
        return _whole(old), _whole(new)
    names = [
        name for name in Entry.__dataclass_fields__ if getattr(old, name) != getattr(new, name)
    ]
    return _fields(old, names), _fields(new, names)


def _whole(entry: Entry | None) -> str:
    if entry is None:
        return ABSENT
    return f"{entry.kind} {_fields(entry, ['mode', 'uid', 'gid'])}"


def _fields(entry: Entry, names: list[str]) -> str:
    return " ".join(
        f"{name}={getattr(entry, name):04o}" if name == "mode" else f"{name}={getattr(entry, name)}"
        for name in names
    )
