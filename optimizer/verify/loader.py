"""Where the program loaders of glibc and musl find a shared library inside an image.

Rules: ld.so(8) and glibc elf/dl-load.c (_dl_map_new_object); musl ldso/dynlink.c (load_library).
"""

from __future__ import annotations

import struct
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property
from posixpath import basename, dirname, join

from optimizer.verify.image import Facts
from optimizer.verify.rootfs import Root, environment

_CACHE_MAGIC = b"glibc-ld.so.cache1.1"

_TRIPLETS = {
    "EM_X86_64/64": "x86_64-linux-gnu",
    "EM_AARCH64/64": "aarch64-linux-gnu",
    "EM_386/32": "i386-linux-gnu",
    "EM_ARM/32": "arm-linux-gnueabihf",
    "EM_PPC64/64": "powerpc64le-linux-gnu",
    "EM_S390/64": "s390x-linux-gnu",
    "EM_RISCV/64": "riscv64-linux-gnu",
}
"""Multiarch names of Debian's architectures (wiki.debian.org/Multiarch/Tuples)."""

_MUSL_DEFAULT = ("/lib", "/usr/local/lib", "/usr/lib")
_MUSL_OWN = ("c.", "pthread.", "rt.", "m.", "dl.", "util.", "xnet.")
"""Names behind ``lib`` that musl's loader answers itself (ldso/dynlink.c, reserved)."""

_MOST_LOADED = 2000


@dataclass(frozen=True)
class Loaded:
    """A file of a process: where it was found, what it asks for, and what asked for it."""

    path: str
    facts: Facts
    parent: Loaded | None = None

    @property
    def origin(self) -> str:
        return dirname(self.path)


@dataclass(frozen=True)
class Lacking:
    """A library that the file at ``path`` names and that its loader does not find."""

    path: str
    name: str


class Libraries:
    """The shared libraries of an image, as its loaders find them."""

    def __init__(self, root: Root) -> None:
        self._root = root
        self._env = environment(root.image).get("LD_LIBRARY_PATH", "")
        self._found: dict[tuple[str, str, str], str | None] = {}

    def process(self, path: str) -> tuple[list[Lacking], list[str]]:
        """Loads the file at ``path`` and, breadth first, whatever it names.

        Returns what is not found, and the files that are loaded. At most 2000 are followed.
        """
        facts = self._facts(path)
        if facts is None:
            return [], []
        top = Loaded(path, facts)
        musl = self._is_musl(facts)
        waiting, names = deque([top]), {facts.soname or basename(path)}
        lacking, loaded = [], [path]
        while waiting and len(loaded) < _MOST_LOADED:
            file = waiting.popleft()
            for name in file.facts.needs:
                if name in names or (musl and _is_musl_own(name)):
                    continue
                names.add(name)
                found = self._find(name, file, musl)
                if found is None:
                    lacking.append(Lacking(file.path, name))
                    continue
                below = self._facts(found)
                if below is not None:
                    names.add(below.soname or name)
                    waiting.append(Loaded(found, below, file))
                    loaded.append(found)
        return lacking, loaded

    def elsewhere(self, name: str) -> str | None:
        """Returns a path in the image with that library where no loader looks for it."""
        return self._by_name.get(name)

    @cached_property
    def has_musl(self) -> bool:
        """Whether musl is the image's C library. Alpine's gcompat brings glibc's loader name."""
        if not any(fnmatchcase(path, "/lib/ld-musl-*.so.1") for path in self._root.files):
            return False
        facts = self._facts(self._by_name.get("libc.so.6", ""))
        return facts is None or facts.soname != "libc.so.6"

    @cached_property
    def _by_name(self) -> dict[str, str]:
        return {
            basename(path): path
            for path, entry in sorted(self._root.files.items())
            if ".so" in path and entry.kind in ("file", "link") and self._facts(path) is not None
        }

    def _facts(self, path: str) -> Facts | None:
        entry = self._root.entry(path)
        facts = entry.facts if entry is not None and entry.kind == "file" else None
        return facts if facts is not None and facts.machine is not None else None

    def _is_musl(self, facts: Facts) -> bool:
        if facts.interpreter is not None:
            real = self._root.resolve(facts.interpreter) or facts.interpreter
            return "ld-musl" in real or self.has_musl
        return self.has_musl or any(name.startswith("libc.musl") for name in facts.needs)

    def _find(self, name: str, file: Loaded, musl: bool) -> str | None:
        """Returns the path at which ``file`` finds ``name``; a name with a slash is a path."""
        machine = file.facts.machine or ""
        if "/" in name:
            path = self._root.absolute(self._expanded(name, file))
            return path if self._fits(path, machine) else None
        before, behind = self._own_folders(file, musl)
        found = self._first(before, name, machine) or self._first(
            self._split(self._env), name, machine
        )
        return found or self._first(behind, name, machine) or self._system(name, machine, musl)

    def _own_folders(self, file: Loaded, musl: bool) -> tuple[list[str], list[str]]:
        """Returns the folders that files of the process ask for: those in front of
        LD_LIBRARY_PATH, and those behind it."""
        if musl:
            return [], [folder for one in _line(file) for folder in self._folders(one)]
        if file.facts.search and not file.facts.rpath:
            return [], self._folders(file)
        line = (one for one in _line(file) if one.facts.rpath)
        return [folder for one in line for folder in self._folders(one)], []

    def _folders(self, file: Loaded) -> list[str]:
        return [self._root.absolute(self._expanded(folder, file)) for folder in file.facts.search]

    def _expanded(self, text: str, file: Loaded) -> str:
        machine = file.facts.machine or ""
        triplet = _TRIPLETS.get(machine, "")
        library = f"lib/{triplet}" if self._is_multiarch(machine) else "lib64"
        values = {"ORIGIN": file.origin, "LIB": library, "PLATFORM": triplet.partition("-")[0]}
        for token, value in values.items():
            text = text.replace(f"${{{token}}}", value).replace(f"${token}", value)
        return text

    def _split(self, search: str) -> list[str]:
        if not search:
            return []
        return [self._root.absolute(folder) for folder in search.replace(";", ":").split(":")]

    def _first(self, folders: Sequence[str], name: str, machine: str) -> str | None:
        paths = (join(folder, name) for folder in folders)
        return next((path for path in paths if self._fits(path, machine)), None)

    def _fits(self, path: str, machine: str) -> bool:
        """Whether a library for that machine lies there; loaders pass over others."""
        facts = self._facts(path)
        return facts is not None and facts.machine == machine

    def _system(self, name: str, machine: str, musl: bool) -> str | None:
        key = (name, machine, "musl" if musl else "glibc")
        if key not in self._found:
            self._found[key] = (
                self._first(self._musl_folders, name, machine)
                if musl
                else self._cached(name, machine)
                or self._first(self._defaults(machine), name, machine)
            )
        return self._found[key]

    def _cached(self, name: str, machine: str) -> str | None:
        """Looks into /etc/ld.so.cache: folders of ld.so.conf count only once ldconfig ran."""
        paths = self._cache.get(name, ())
        return next((path for path in paths if self._fits(path, machine)), None)

    def _defaults(self, machine: str) -> list[str]:
        if self._is_multiarch(machine):
            triplet = _TRIPLETS[machine]
            return [f"/lib/{triplet}", f"/usr/lib/{triplet}", "/lib", "/usr/lib"]
        wide = ["/lib64", "/usr/lib64"] if machine.endswith("/64") else []
        return [*wide, "/lib", "/usr/lib"]

    def _is_multiarch(self, machine: str) -> bool:
        triplet = _TRIPLETS.get(machine)
        return triplet is not None and self._root.entry(f"/usr/lib/{triplet}") is not None

    @cached_property
    def _cache(self) -> dict[str, list[str]]:
        return read_cache(self._text("/etc/ld.so.cache"))

    @cached_property
    def _musl_folders(self) -> Sequence[str]:
        paths = [path for path in self._root.files if fnmatchcase(path, "/etc/ld-musl-*.path")]
        if not paths:
            return _MUSL_DEFAULT
        text = self._text(paths[0]).decode(errors="surrogateescape")
        return [folder for folder in text.replace("\n", ":").split(":") if folder]

    def _text(self, path: str) -> bytes:
        entry = self._root.entry(path)
        return (entry.facts.text or b"") if entry is not None and entry.facts is not None else b""


def read_cache(data: bytes) -> dict[str, list[str]]:
    """Reads ld.so.cache (glibc sysdeps/generic/dl-cache.h, struct cache_file_new).

    Returns paths by name, and nothing for what is no cache of that form.
    """
    start = data.find(_CACHE_MAGIC)
    if start < 0 or len(data) < start + 48:
        return {}
    base = data[start:]
    order = ">" if base[28] & 3 == 3 else "<"
    count = min(struct.unpack_from(f"{order}I", base, 20)[0], (len(base) - 48) // 24)
    found: dict[str, list[str]] = {}
    for index in range(count):
        _, key, value = struct.unpack_from(f"{order}iII", base, 48 + 24 * index)
        found.setdefault(_string(base, key), []).append(_string(base, value))
    return found


def _string(data: bytes, offset: int) -> str:
    text = data[offset : offset + 4096].partition(b"\0")[0]
    return text.decode("utf-8", "surrogateescape")


def _line(file: Loaded) -> Iterator[Loaded]:
    """The file, what asked for it, what asked for that one, up to the program."""
    step: Loaded | None = file
    while step is not None:
        yield step
        step = step.parent


def _is_musl_own(name: str) -> bool:
    return name.startswith("lib") and name[3:].startswith(_MUSL_OWN)
