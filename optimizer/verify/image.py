"""What an image is, read from an archive as a stream: its configuration and root file system."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

Kind: TypeAlias = Literal["file", "dir", "link", "device", "pipe"]


@dataclass(frozen=True, slots=True)
class Facts:
    """What is kept of a file's content while it streams by, beside its digest.

    ``needs`` are the shared libraries that an ELF file names and ``soname`` its own name;
    ``interpreter`` is the program loader of an ELF file or the program behind ``#!``, and
    ``argument`` what stands behind that program, as one text. ``search`` is the RUNPATH of an
    ELF file, or its RPATH where it has no RUNPATH, and then ``rpath`` holds. ``machine`` is
    the processor with the word size (``EM_X86_64/64``); None for what is no ELF file.
    ``text`` is the content of the small files that a check asks for (``/etc/passwd``), or the
    lines of a longer one that matter. ``unread`` says why a file could not be read.
    """

    needs: tuple[str, ...] = ()
    interpreter: str | None = None
    search: tuple[str, ...] = ()
    machine: str | None = None
    text: bytes | None = None
    soname: str | None = None
    rpath: bool = False
    argument: str = ""
    unread: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """One path of a root file system. Hard links are entries of their own with the content of
    what they link to. ``digest`` is that of a file's bytes, ``size`` their number."""

    kind: Kind
    mode: int
    uid: int
    gid: int
    target: str = ""
    digest: str = ""
    size: int = 0
    device: tuple[int, int] = (0, 0)
    xattrs: tuple[tuple[str, str], ...] = ()
    facts: Facts | None = None


@dataclass(frozen=True)
class Image:
    """An image: configuration fields by name and the merged root file system by absolute path.

    ``layers`` holds the compressed or plain size in bytes of each layer by its digest.
    """

    config: Mapping[str, Any]
    files: Mapping[str, Entry]
    layers: Mapping[str, int] = field(default_factory=dict)
