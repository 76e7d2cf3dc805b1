"""C and C++ compilers: what one call makes, and how that is linked.

Source: the GCC manual, "Overall Options", "Options for Linking"; clang(1).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from posixpath import basename

from optimizer.knowledge.installs import HOLE

COMPILER = re.compile(r"(?:.*-)?(?:gcc|g\+\+|c\+\+|cc|clang|clang\+\+|c99|c89)(?:-\d+(?:\.\d+)?)?")
_PARTS = frozenset(("-c", "-S", "-E", "-M", "-MM", "-fsyntax-only"))
_VALUED = frozenset(("-o", "-I", "-L", "-l", "-D", "-U", "-x", "-include", "-isystem", "-MF", "-MT",
                     "-MQ", "-Xlinker", "-u", "-T", "-arch", "-idirafter", "-iquote"))  # fmt: skip

_C_COMPILER = re.compile(r"(?:[\w.]+-)*(?:gcc|cc|c99|c89)(?:-\d+(?:\.\d+)?)?")
_OBJECTS = re.compile(r"(?!-)[\w./+-]+\.[co]")
_LINKS_NOTHING_MORE = re.compile(
    r"-(?:O\w?|g\d?|s|ansi|pedantic|pedantic-errors|pipe|pthread|pie|no-pie|rdynamic|std=[\w:]+"
    r"|W(?:[\w-]+=?\w*)?|[DI][^\s,]+|l(?:c|m|pthread|rt|resolv|util)|m(?:arch|cpu|tune)=[\w.+-]+"
    r"|f(?:PIC|pic|PIE|pie|no-[\w-]+|omit-frame-pointer|common|wrapv|strict-aliasing|lto"
    r"|stack-protector(?:-\w+)?|stack-clash-protection|cf-protection|(?:un)?signed-char"
    r"|(?:function|data)-sections|visibility=\w+))"
    r"|-Wl,(?:--gc-sections|--as-needed|-O1|-z,(?:relro|now|noexecstack)|-s|--build-id)"
)
"""Options with which gcc links nothing but the C library and, of its own libraries, libgcc. The
libraries named here are parts of glibc ("Options for Linking"; Debian's libc6, list of files). A
link fails where a symbol is in none of the libraries that are named, so what the objects are made
of makes no difference."""


@dataclass(frozen=True, slots=True)
class Compilation:
    """What a compiler makes: ``output`` as written, None for parts that are linked later.
    ``libc_alone`` are the sources and objects of what is shown to link no shared library but the C
    library, None for all else."""

    output: str | None
    is_static: bool
    libc_alone: tuple[str, ...] | None = None


def read_compilation(words: Sequence[str]) -> Compilation:
    """Reads the words of a compiler's call; without ``-o`` a program is called ``a.out``."""
    output, makes_part, has_input = "a.out", False, False
    queue = list(reversed(words[1:]))
    while queue:
        word = queue.pop()
        if word in _VALUED and queue:
            value = queue.pop()
            output = value if word == "-o" else output
        elif word.startswith("-o") and len(word) > 2:
            output = word[2:]
        elif word in _PARTS:
            makes_part = True
        elif not word.startswith("-"):
            has_input = True
    static = "-static" in words or "-static-pie" in words
    libc_alone = _links_libc_alone(words)
    return Compilation(None if makes_part or not has_input else output, static, libc_alone)


def _links_libc_alone(words: Sequence[str]) -> tuple[str, ...] | None:
    if _C_COMPILER.fullmatch(basename(words[0])) is None or any(HOLE in word for word in words):
        return None
    objects: list[str] = []
    queue = list(reversed(words[1:]))
    while queue:
        word = queue.pop()
        if word in ("-o", "-I", "-D") and queue:
            queue.pop()
        elif _OBJECTS.fullmatch(word):
            objects.append(word)
        elif not _LINKS_NOTHING_MORE.fullmatch(word) and not re.fullmatch(r"-o\w\S*", word):
            return None
    return tuple(objects)
