"""Images made by code, for the tests of what an image lacks: from a table, a folder or a tar."""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import subprocess
import tarfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import IO, Any

from optimizer.verify.facts import facts
from optimizer.verify.image import Entry, Image


def file(content: bytes | str, path: str, mode: int = 0o644, uid: int = 0, gid: int = 0) -> Entry:
    """An entry with the facts that are read of ``content``."""
    data = content.encode() if isinstance(content, str) else content
    digest = hashlib.sha256(data).hexdigest()
    known = facts(path, len(data), io.BytesIO(data))
    return Entry("file", mode, uid, gid, digest=digest, size=len(data), facts=known)


def link(target: str) -> Entry:
    return Entry("link", 0o777, 0, 0, target=target)


def image(
    contents: Mapping[str, bytes | str | Entry], config: Mapping[str, Any] | None = None
) -> Image:
    """An image of files by path: bytes, or a text; what lies in a folder ``bin`` can be run."""
    entries = {
        path: content
        if isinstance(content, Entry)
        else file(content, path, 0o755 if "bin/" in path else 0o644)
        for path, content in contents.items()
    }
    return Image(dict(config or {}), entries)


def without(before: Image, *paths: str) -> Image:
    return Image(before.config, {p: e for p, e in before.files.items() if p not in paths})


def folder_image(folders: Iterable[Path], config: Mapping[str, Any] | None = None) -> Image:
    """An image of folders of this machine, at their own paths, and of the links to them."""
    entries: dict[str, Entry] = {}
    for top in folders:
        names = [top] if top.is_symlink() or top.is_file() else []
        for here, inside, files in () if top.is_symlink() else os.walk(top):
            names += [Path(here, name) for name in (*inside, *files)]
        entries |= {str(path): entry for path in names if (entry := _entry(path)) is not None}
    return Image(dict(config or {}), entries)


def tar_image(stream: IO[bytes], config: Mapping[str, Any] | None = None) -> Image:
    """An image of a root file system as a tar stream (``docker export``)."""
    entries: dict[str, Entry] = {}
    with tarfile.open(fileobj=stream, mode="r|") as archive:
        for member in archive:
            path = "/" + member.name.strip("/")
            if member.isdir():
                entries[path] = Entry("dir", member.mode, member.uid, member.gid)
            elif member.issym():
                entries[path] = link(member.linkname)
            elif member.islnk():
                entries[path] = entries["/" + member.linkname.strip("/")]
            elif member.isfile():
                opened = archive.extractfile(member)
                assert opened is not None
                known = facts(path, member.size, opened)
                entries[path] = Entry("file", member.mode, member.uid, member.gid, facts=known)
    return Image(dict(config or {}), entries)


def compiled(folder: Path, name: str, source: str, *options: str) -> bytes:
    """What the machine's gcc makes of a C text."""
    gcc = shutil.which("gcc")
    assert gcc is not None
    text = folder / f"{name}.c"
    text.write_text(source)
    subprocess.run([gcc, "-o", folder / name, text, *options], check=True, cwd=folder)
    return (folder / name).read_bytes()


def _entry(path: Path) -> Entry | None:
    status = path.lstat()
    if path.is_symlink():
        return link(str(path.readlink()))
    if path.is_dir():
        return Entry("dir", status.st_mode & 0o7777, status.st_uid, status.st_gid)
    if not path.is_file():
        return None
    with path.open("rb") as stream:
        known = facts(str(path), status.st_size, stream)
    mode = status.st_mode & 0o7777
    return Entry("file", mode, status.st_uid, status.st_gid, size=status.st_size, facts=known)
