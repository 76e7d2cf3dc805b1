"""Archives as engines export them, made in memory."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import zstandard

Row = tuple[str, Mapping[str, Any], bytes]
"""Path, attributes of `tarfile.TarInfo`, content."""

PACKED: Mapping[str, Callable[[bytes], bytes]] = {
    "plain": lambda data: data,
    "gzip": lambda data: gzip.compress(data, mtime=0),
    "gzip-in-two": lambda data: gzip.compress(data[:700]) + gzip.compress(data[700:]),
    "zstd": lambda data: zstandard.ZstdCompressor().compress(data),
}


def tar(rows: Sequence[Row], form: int = tarfile.PAX_FORMAT) -> bytes:
    """Returns an archive with these members."""
    stream = io.BytesIO()
    with tarfile.open(
        fileobj=stream, mode="w", format=form, encoding="utf-8", errors="surrogateescape"
    ) as archive:
        for name, attributes, content in rows:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            for key, value in attributes.items():
                setattr(member, key, value)
            archive.addfile(member, io.BytesIO(content))
    return stream.getvalue()


def file(name: str, content: bytes = b"", **attributes: Any) -> Row:
    return name, {"mode": 0o644, **attributes}, content


def folder(name: str, **attributes: Any) -> Row:
    return name, {"type": tarfile.DIRTYPE, "mode": 0o755, **attributes}, b""


def link(name: str, target: str) -> Row:
    return name, {"type": tarfile.SYMTYPE, "linkname": target, "mode": 0o777}, b""


def hard_link(name: str, target: str) -> Row:
    return name, {"type": tarfile.LNKTYPE, "linkname": target, "mode": 0o644}, b""


def capable(name: str, value: str) -> Row:
    return file(name, b"x", pax_headers={"SCHILY.xattr.security.capability": value})


def docker_save(
    layers: Sequence[bytes],
    config: Mapping[str, Any] | None = None,
    tags: Sequence[str] = (),
    *,
    backwards: bool = False,
) -> bytes:
    """Returns what ``docker save`` writes since version 25: an OCI layout with Docker's manifest
    beside it. ``backwards`` puts the manifest in front and the layers last first."""
    document = json.dumps({"config": config or {}}).encode()
    blobs = [file(blob_name(data), data) for data in (document, *layers)]
    manifest = [
        {
            "Config": blob_name(document),
            "RepoTags": [*tags] or None,
            "Layers": [*map(blob_name, layers)],
        }
    ]
    rows = [*blobs, file("manifest.json", json.dumps(manifest).encode())]
    return tar(rows[::-1] if backwards else rows)


def old_docker_save(layers: Sequence[bytes], config: Mapping[str, Any] | None = None) -> bytes:
    """Returns what ``docker save`` wrote before: a folder for each layer."""
    document = json.dumps({"config": config or {}}).encode()
    name = f"{hashlib.sha256(document).hexdigest()}.json"
    rows = [file(f"{number}/layer.tar", data) for number, data in enumerate(layers)]
    manifest = [{"Config": name, "Layers": [row[0] for row in rows]}]
    return tar([*rows, file(name, document), file("manifest.json", json.dumps(manifest).encode())])


def oci_layout(layers: Sequence[bytes], config: Mapping[str, Any] | None = None) -> bytes:
    """Returns an OCI layout as BuildKit exports it: an index of an index, with an attestation."""
    document = json.dumps({"config": config or {}}).encode()
    manifest = _manifest(document, layers)
    statement = b"{}"
    attestation = _manifest(statement, [b'{"_type": "https://in-toto.io/Statement/v0.1"}'])
    unknown = {"platform": {"os": "unknown", "architecture": "unknown"}}
    inner = json.dumps(
        {"manifests": [_descriptor(manifest), {**_descriptor(attestation), **unknown}]}
    ).encode()
    index = json.dumps({"manifests": [_descriptor(inner)]}).encode()
    blobs = (document, manifest, statement, attestation, inner, *layers)
    return tar([*(file(blob_name(data), data) for data in blobs), file("index.json", index)])


def blob_name(data: bytes) -> str:
    return f"blobs/sha256/{hashlib.sha256(data).hexdigest()}"


def _manifest(config: bytes, layers: Sequence[bytes]) -> bytes:
    parts = {"config": _descriptor(config), "layers": [*map(_descriptor, layers)]}
    return json.dumps(parts).encode()


def _descriptor(data: bytes) -> dict[str, Any]:
    return {"digest": f"sha256:{hashlib.sha256(data).hexdigest()}", "size": len(data)}
