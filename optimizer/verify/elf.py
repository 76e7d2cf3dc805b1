"""What the loader reads of an ELF file: program headers and the dynamic section.

Section headers are not looked at: the loader does without them, and so do stripped files.
Facts about the format: System V ABI, chapters 4 and 5 (elf(5)).
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any, NamedTuple

from optimizer.verify.image import Facts
from optimizer.verify.stream import Forward

MAGIC = b"\x7fELF"

_HEADER = 64
_MOST_SEGMENTS = 512
_MOST_DYNAMIC = 1 << 18
_LONGEST_NAME = 4096
_MOST_NEEDS = 4096


class Segment(NamedTuple):
    """A part of the file, at ``offset``, that lies in memory at ``address``."""

    kind: str
    offset: int
    address: int
    size: int


class BrokenElf(ValueError):
    """An ELF file that does not hold what its headers say."""


def read_elf(file: Forward, size: int) -> Facts:
    """Returns what the loader would ask of an ELF file of ``size`` bytes.

    Reads no more than the headers, the dynamic section and the names that it points to. A
    file that contradicts itself gives facts with ``unread``.
    """
    try:
        return _read(file, size)
    except OSError:
        raise
    # pyelftools answers bytes that are no ELF file with whatever Python raises on the way.
    except Exception as error:
        return Facts(unread=f"a broken ELF file ({type(error).__name__})")


def _read(file: Forward, size: int) -> Facts:
    from elftools.elf.elffile import ELFFile

    elf = ELFFile(io.BytesIO(_header_without_sections(file.at(0, _HEADER))))
    segments = list(_segments(elf, file, size))
    machine = f"{elf.header['e_machine']}/{elf.elfclass}"
    interpreter = next((part for part in segments if part.kind == "PT_INTERP"), None)
    dynamic = next((part for part in segments if part.kind == "PT_DYNAMIC"), None)
    loader = None if interpreter is None else _name(file, interpreter.offset, interpreter.size)
    if dynamic is None:
        return Facts(interpreter=loader, machine=machine)
    tags = list(_tags(elf, file.at(dynamic.offset, min(dynamic.size, _MOST_DYNAMIC))))
    names = _Names(file, size, segments, dict(tags))
    runpath = [value for tag, value in tags if tag == "DT_RUNPATH"]
    rpath = [value for tag, value in tags if tag == "DT_RPATH"]
    search = [names.at(value) for value in (runpath or rpath)[:1]]
    sonames = [names.at(value) for tag, value in tags if tag == "DT_SONAME"]
    needs = [value for tag, value in tags if tag == "DT_NEEDED"][:_MOST_NEEDS]
    return Facts(
        needs=tuple(names.at(value) for value in needs),
        interpreter=loader,
        search=tuple(path for text in search for path in text.split(":")),
        machine=machine,
        soname=sonames[0] if sonames else None,
        rpath=bool(rpath and not runpath),
    )


def _header_without_sections(header: bytes) -> bytes:
    """Returns the header with no section table, which would stand at the end of the file."""
    if len(header) < 52:
        raise BrokenElf("no header")
    wide = header[4] == 2
    offset, width, counts = (40, 8, 58) if wide else (32, 4, 46)
    blank = bytearray(header)
    blank[offset : offset + width] = bytes(width)
    # e_shentsize stays, e_shnum and e_shstrndx are none.
    blank[counts + 2 : counts + 6] = bytes(4)
    return bytes(blank)


def _segments(elf: Any, file: Forward, size: int) -> Iterator[Segment]:
    count, width = elf.header["e_phnum"], elf.header["e_phentsize"]
    start = elf.header["e_phoff"]
    if count > _MOST_SEGMENTS or width > 1024:
        raise BrokenElf("too many program headers")
    table = file.at(start, count * width) if start < size else b""
    for at in range(0, count * width, width or 1):
        head = elf.structs.Elf_Phdr.parse(table[at : at + width])
        kind, offset, length = str(head["p_type"]), head["p_offset"], head["p_filesz"]
        if kind in ("PT_DYNAMIC", "PT_INTERP") and offset + length > size:
            raise BrokenElf("a segment behind the end")
        if offset <= size:
            yield Segment(kind, offset, head["p_vaddr"], min(length, size - offset))


def _tags(elf: Any, section: bytes) -> Iterator[tuple[str, int]]:
    width = 2 * elf.elfclass // 8
    for at in range(0, len(section) - width + 1, width):
        entry = elf.structs.Elf_Dyn.parse(section[at : at + width])
        if entry["d_tag"] == "DT_NULL":
            return
        yield str(entry["d_tag"]), entry["d_val"]


class _Names:
    """The table that entries of a dynamic section point into."""

    def __init__(
        self, file: Forward, size: int, segments: list[Segment], tags: dict[str, int]
    ) -> None:
        self._file = file
        self._size = tags.get("DT_STRSZ", 0)
        address = tags.get("DT_STRTAB", 0)
        self._offset = next(
            (
                part.offset + address - part.address
                for part in segments
                if part.kind == "PT_LOAD" and 0 <= address - part.address < part.size
            ),
            size,
        )

    def at(self, index: int) -> str:
        if index >= self._size:
            raise BrokenElf("a name outside of the names")
        return _name(self._file, self._offset + index, min(self._size - index, _LONGEST_NAME))


def _name(file: Forward, offset: int, limit: int) -> str:
    text, end, _ = file.at(offset, min(limit, _LONGEST_NAME)).partition(b"\0")
    if not end:
        raise BrokenElf("a name without an end")
    return text.decode("utf-8", "surrogateescape")
