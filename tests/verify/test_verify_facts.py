"""What is kept of a file is what the loader, the kernel and the checks ask for; no bytes crash."""

from __future__ import annotations

import io
import re
import shutil
import struct
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.verify.elf import read_elf
from optimizer.verify.facts import facts
from optimizer.verify.image import Facts
from optimizer.verify.stream import IN_MEMORY, Forward
from tests.verify.rootfs_images import compiled

GCC = pytest.mark.skipif(shutil.which("gcc") is None, reason="no gcc on this machine")


class Narrow(io.RawIOBase):
    """A stream that gives a few bytes at a time and cannot go back, as an archive's may."""

    def __init__(self, data: bytes, width: int = 7) -> None:
        self._data, self._at, self._width = data, 0, width

    def read(self, count: int = -1, /) -> bytes:
        count = self._width if count < 0 else min(count, self._width)
        self._at += count
        return self._data[self._at - count : self._at]


def kept(data: bytes, path: str = "/app/x") -> Facts | None:
    found = facts(path, len(data), io.BytesIO(data))
    assert facts(path, len(data), Narrow(data)) == found
    return found


def elf_file(needs: list[bytes], *, wide: bool = True, order: str = "<") -> bytes:
    """A hand-made ELF file with a dynamic section and no section headers."""
    names = b"\0" + b"".join(name + b"\0" for name in needs)
    word, entry = ("Q", 16) if wide else ("I", 8)
    header, part = (64, 56) if wide else (52, 32)
    table = header + 2 * part
    dynamic = table + len(names)
    offsets = [1 + sum(len(name) + 1 for name in needs[:at]) for at in range(len(needs))]
    tags = [(5, 0x1000 + table), (10, len(names)), *((1, offset) for offset in offsets), (0, 0)]
    section = b"".join(struct.pack(f"{order}{word}{word}", *tag) for tag in tags)
    size = dynamic + entry * len(tags)
    ident = b"\x7fELF" + bytes([2 if wide else 1, 1 if order == "<" else 2, 1]) + bytes(9)
    fields = (3, 62, 1, 0, header, 0, 0, header, part, 2, 0, 0, 0)
    start = ident + struct.pack(f"{order}HHI{word}{word}{word}IHHHHHH", *fields)

    def segment(kind: int, at: int, length: int) -> bytes:
        if wide:
            values = (kind, 4, at, 0x1000 + at, 0, length, length, 8)
            return struct.pack(f"{order}IIQQQQQQ", *values)
        return struct.pack(f"{order}IIIIIIII", kind, at, 0x1000 + at, 0, length, length, 4, 8)

    parts = segment(1, 0, size) + segment(2, dynamic, len(section))
    return start + parts + names + section


@pytest.mark.parametrize("wide", [True, False])
@pytest.mark.parametrize("order", ["<", ">"])
def test_every_class_and_byte_order_is_read(wide: bool, order: str) -> None:
    found = kept(elf_file([b"libpq.so.5", b"libc.so.6"], wide=wide, order=order))
    assert found is not None
    assert found.needs == ("libpq.so.5", "libc.so.6")
    assert found.machine == f"EM_X86_64/{64 if wide else 32}"


@GCC
@pytest.mark.parametrize(
    ("tags", "rpath"), [("--disable-new-dtags", True), ("--enable-new-dtags", False)]
)
def test_a_library_says_what_readelf_says(tmp_path: Path, tags: str, rpath: bool) -> None:
    options = ["-shared", "-fPIC", "-nostdlib", "-Wl,-soname,libx.so.1", f"-Wl,{tags}"]
    data = compiled(tmp_path, "libx.so", "int x(){return 1;}", *options, "-Wl,-rpath,$ORIGIN:/o")
    assert kept(data) == Facts(
        search=("$ORIGIN", "/o"), machine="EM_X86_64/64", soname="libx.so.1", rpath=rpath
    )


@GCC
def test_programs_of_this_machine_say_what_readelf_says() -> None:
    for name in ("bash", "gcc", "tar", "ls"):
        path = Path(shutil.which(name) or "").resolve()
        command = ["readelf", "--wide", "--dynamic", "--program-headers", str(path)]
        text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        read = kept(path.read_bytes())
        assert read is not None
        assert list(read.needs) == re.findall(r"\(NEEDED\).*\[(.*)\]", text)
        assert [read.interpreter] == re.findall(r"program interpreter: (.*)\]", text)


def test_section_headers_are_not_looked_at() -> None:
    data = bytearray(elf_file([b"libc.so.6"]))
    data[40:48] = struct.pack("<Q", 1 << 60)
    data[60:64] = struct.pack("<HH", 0xFFFF, 0xFFFE)
    found = kept(bytes(data))
    assert found is not None
    assert found.needs == ("libc.so.6",)


def test_names_behind_the_end_are_said_to_be_broken() -> None:
    found = kept(elf_file([b"libc.so.6"])[:-50])
    assert found is not None
    assert "broken" in found.unread


def test_a_program_is_read_no_further_than_its_dynamic_section() -> None:
    data = elf_file([b"libc.so.6"])
    stream = io.BytesIO(data + bytes(4 * IN_MEMORY))
    found = facts("/bin/x", len(data) + 4 * IN_MEMORY, stream)
    assert found is not None
    assert found.needs == ("libc.so.6",)
    assert stream.tell() < len(data) + IN_MEMORY


def test_a_dynamic_section_behind_much_code_is_found() -> None:
    data = bytearray(elf_file([b"libc.so.6"]))
    at = 64 + 56 + 8
    dynamic = struct.unpack_from("<Q", data, at)[0]
    far = 2 * IN_MEMORY
    moved = bytes(data[:at]) + struct.pack("<Q", far) + bytes(data[at + 8 :])
    whole = moved.ljust(far, b"\0") + bytes(data[dynamic:])
    found = facts("/bin/x", len(whole), io.BytesIO(whole))
    assert found is not None
    assert found.needs == ("libc.so.6",)


@given(st.binary(max_size=400), st.integers(min_value=0, max_value=1 << 62))
def test_random_bytes_never_crash(data: bytes, size: int) -> None:
    for start in (b"", b"\x7fELF", b"\x7fELF\x02\x01\x01", b"#!"):
        content = start + data
        kept(content)
        # An archive that lies about the size of a file.
        with Forward(io.BytesIO(content)) as file:
            read_elf(file, size)


@given(st.data())
def test_a_damaged_elf_file_never_crashes(data: st.DataObject) -> None:
    content = bytearray(elf_file([b"libpq.so.5", b"libc.so.6"]))
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(4, len(content) - 1))
        content[at] = data.draw(st.sampled_from((0, 1, 0x7F, 0x80, 0xFF)))
    kept(bytes(content))


def test_a_dynamic_section_of_a_gigabyte_is_not_held() -> None:
    data = bytearray(elf_file([b"libc.so.6"]))
    struct.pack_into("<Q", data, 64 + 56 + 32, 1 << 30)
    found = facts("/x", 1 << 31, io.BytesIO(bytes(data) + b"\x01" * (1 << 20)))
    assert found is not None


@pytest.mark.parametrize(
    ("line", "program", "argument"),
    [
        ("#!/bin/sh", "/bin/sh", ""),
        ("#! /usr/bin/env  -S node --a b ", "/usr/bin/env", "-S node --a b"),
        ("#!/bin/sh\r", "/bin/sh\r", ""),
        ("#!" + "/x" * 300, ("/x" * 300)[:254], ""),
        ("#!", "", ""),
    ],
)
def test_the_first_line_is_read_as_the_kernel_does(line: str, program: str, argument: str) -> None:
    assert kept(f"{line}\necho\n".encode(), "/usr/bin/x") == Facts(
        interpreter=program, argument=argument
    )


def test_only_shell_scripts_of_the_application_are_kept() -> None:
    text = b'#!/bin/sh\nexec gosu app "$@"\n'
    for path, wanted in [("/docker-entrypoint.sh", text), ("/app/run", text), ("/bin/x", None)]:
        found = kept(text, path)
        assert found is not None
        assert found.text == wanted
    python = kept(b"#!/usr/bin/python3\nprint()\n", "/app/run")
    assert python is not None
    assert python.text is None


def test_package_lists_keep_libraries_and_tools_alone() -> None:
    listed = b"/.\n/usr/share/doc/x\n/usr/lib/x86_64-linux-gnu/libpq.so.5\n/usr/bin/psql\n"
    found = kept(listed, "/var/lib/dpkg/info/libpq5:amd64.list")
    assert found == Facts(text=b"/usr/lib/x86_64-linux-gnu/libpq.so.5\n/usr/bin/psql")


def test_a_line_without_an_end_in_a_package_list_is_cut() -> None:
    found = facts("/var/lib/dpkg/info/x.list", 10_000_000, io.BytesIO(b"/usr/bin/x" * 1_000_000))
    assert found is not None
    assert found.text is not None
    assert len(found.text) < 1 << 18
