"""What is kept of each file while an image archive streams by: enough for the checks."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from optimizer.verify import elf, rpm
from optimizer.verify.image import Facts
from optimizer.verify.stream import Forward, Readable, read_up_to

_SHEBANG: Final = 256
"""Bytes of a script that Linux looks at (BINPRM_BUF_SIZE, include/uapi/linux/binfmts.h)."""

_SMALL: Final = 1 << 20
_SCRIPT: Final = 1 << 16
_DATABASE: Final = 256 << 20
_LONGEST_LINE: Final = 1 << 16

_WHOLE: Final = re.compile(
    r"/etc/(passwd|group|ld\.so\.conf(\.d/[^/]+\.conf)?|ld\.so\.cache|ld-musl-[^/]+\.path)"
    r"|(/etc|/usr/lib)/os-release"
)
"""Small files that a check reads: users, and where the loaders of glibc and musl look
(ld.so(8), ldconfig(8); musl: ldso/dynlink.c)."""

_OWNED: Final = re.compile(rb"\.so(\.|$)|/s?bin/")
"""The paths of a package that something else may need by name: libraries and tools."""

_DPKG: Final = re.compile(r"/var/lib/dpkg/(info/[^/]+\.list|status\.d/[^/]+\.md5sums)")
"""Which files a package owns: dpkg(1), and the form that distroless images give it."""

_APK: Final = frozenset({"/lib/apk/db/installed", "/usr/lib/apk/db/installed"})
"""apk's own list of packages and files, at its old and its new place (apk-package(5))."""

_RPM: Final = re.compile(
    r"(/var/lib/rpm|/usr/lib/sysimage/rpm|/usr/share/rpm)/"
    r"(?P<name>Packages(\.db)?|rpmdb\.sqlite)"
)
"""rpm's databases, at the places that distributions give them (rpm macros.in, _dbpath)."""

_RPM_FORMS: Final = {
    "Packages": "a package database of rpm in its old form (Berkeley DB)",
    "Packages.db": "a package database of rpm in the form of SUSE (ndb)",
}
"""Forms that are seen and not read (rpm lib/backend: bdb_ro.cc, ndb/glue.c)."""

_DISTRIBUTION: Final = re.compile(r"/(usr/(s?bin|lib\w*|share|libexec)|s?bin|lib\w*)/")
"""Where packages put their programs: scripts there have been checked by others."""

_SHELLS: Final = re.compile(rb"#![ \t]*(/\S*/)?(env[ \t]+)?(ba|da|a|k|z)?sh\b")


def facts(path: str, size: int, stream: Readable) -> Facts | None:
    """Returns what the checks want to know of the file at ``path``, or None for nothing.

    ``path`` is absolute in the image, ``size`` the file's bytes. ``stream`` is read from its
    start, and only as far as needed; the caller reads on. Memory is bounded whatever the
    file holds. Raises what the stream raises, and OSError where the temporary file for a
    program of more than 8 MiB cannot be written.
    """
    if _WHOLE.fullmatch(path):
        return _text(size, stream)
    if _DPKG.fullmatch(path):
        return Facts(text=_lines(stream, lambda line: bool(_OWNED.search(line))))
    if path in _APK:
        return Facts(text=_lines(stream, lambda line: line[:2] in (b"P:", b"F:", b"R:")))
    if match := _RPM.fullmatch(path):
        return _rpm(match["name"], size, stream)
    start = read_up_to(stream, min(size, len(elf.MAGIC)))
    if start == elf.MAGIC:
        with Forward(stream, start) as file:
            return elf.read_elf(file, size)
    return _script(path, size, start, stream) if start[:2] == b"#!" else None


def _text(size: int, stream: Readable) -> Facts:
    if size > _SMALL:
        return Facts(unread=f"longer than {_SMALL >> 20} MiB")
    return Facts(text=read_up_to(stream, size))


def _lines(stream: Readable, wanted: Callable[[bytes], bool]) -> bytes:
    """Returns the wanted lines of a text of any length, without holding the others."""
    kept: list[bytes] = []
    rest, length = b"", 0
    while length < _DATABASE and (block := stream.read(_LONGEST_LINE)):
        length += len(block)
        *lines, rest = (rest + block).split(b"\n")
        kept += [line for line in lines if wanted(line)]
        rest = rest[:_LONGEST_LINE]
    return b"\n".join([*kept, *([rest] if wanted(rest) else [])])


def _rpm(name: str, size: int, stream: Readable) -> Facts:
    if name in _RPM_FORMS:
        return Facts(unread=_RPM_FORMS[name])
    try:
        lines = [*rpm.owned(stream, size, lambda path: bool(_OWNED.search(path)))]
    except rpm.Unreadable as error:
        return Facts(unread=f"a package database of rpm: {error}")
    return Facts(text=b"\n".join(lines))


def _script(path: str, size: int, start: bytes, stream: Readable) -> Facts:
    """Reads the first line as Linux does (fs/binfmt_script.c): one program, one argument."""
    whole = size <= _SCRIPT and not _DISTRIBUTION.match(path)
    start += read_up_to(stream, (_SCRIPT if whole else _SHEBANG) - len(start))
    line = start[2:_SHEBANG].partition(b"\n")[0].strip(b" \t")
    words = re.split(rb"[ \t]+", line, maxsplit=1)
    return Facts(
        interpreter=_decoded(words[0]),
        argument=_decoded(words[1]) if len(words) > 1 else "",
        text=start if whole and _SHELLS.match(start) else None,
    )


def _decoded(name: bytes) -> str:
    return name.decode("utf-8", "surrogateescape")
