"""What builds of C and C++ leave for the run time: programs, libraries, installed files.

Sources are named in the modules of each tool beside this one; `configure --prefix` is that of the
GNU Coding Standards ("How Configuration Should Work", "Directory Variables").
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from posixpath import basename, join

from optimizer.knowledge.artefacts import named_paths, not_known, runs_sources
from optimizer.knowledge.build_only import (
    Sources,
    any_holds,
    only_for_building,
    source_files,
    top_of,
)
from optimizer.knowledge.c import cmake
from optimizer.knowledge.c.compilers import COMPILER, read_compilation
from optimizer.knowledge.c.recipes import NAMES, NotKnown, Recipes, read_call
from optimizer.knowledge.installs import HOLE, Call, Obstacle
from optimizer.knowledge.manifests import ancestors, resolve, within
from optimizer.knowledge.products import Linking, Made, Product

SOURCES = Sources(
    # GCC's file names ("Overall Options"); CMake, Meson, Autotools: their own names.
    re.compile(
        r".*\.(?:c|cc|cpp|cxx|c\+\+|h|hh|hpp|hxx|inl|ipp|s|S|o|a|d|lo|la|cmake|mk|am|ac|m4)"
        r"|(?:Makefile|configure|.*\.h|.*\.hpp|.*\.pc)\.in|CMakeLists\.txt|CMakePresets\.json|meson\.build|meson_options\.txt|configure"
        r"|config\.(?:guess|sub)|install-sh|missing|depcomp|ltmain\.sh|autogen\.sh|\.clang-format"
        r"|\.clang-tidy|conanfile\.(?:txt|py)|vcpkg\.json"
    ),
    frozenset(("CMakeFiles", "autom4te.cache")),
    re.compile(rb"__FILE__|SOURCE_DIR|source_root|\bCURDIR\b|\bPWD\b|\bpwd\b|abs_(?:top_)?srcdir"),
)
_SHARED = frozenset(
    ("/", "/usr", "/usr/local", "/bin", "/usr/bin", "/usr/local/bin", "/opt", "/lib", "/usr/lib")
)
"""Prefixes below which other things lie too, so that they cannot be taken as a whole."""

_SOURCES = (".c", ".h", ".inc", ".y", ".l", ".s", ".S", ".in", ".def")
_LOOKS_FOR_MORE = re.compile(
    rb"\b(?:system|popen|v?fork|exec[lv]\w*|fexecve|posix_spawn\w*|wordexp|dlm?open|iconv_open"
    rb"|syscall|asm|__asm__|getaddrinfo|get(?:serv|proto|rpc)\w+)\s*\(|atomic|execve"
    rb"|\"/(?:bin|etc|lib|opt|usr)/"
)
"""What sources hold whose program starts others, or looks for libraries, tables of character sets
or of services, or other files of the system when it runs, or may want libatomic (POSIX.1-2024;
glibc manual, "Running a Command", "Generic Charset Conversion", "Services Database"; GCC manual,
"Options for Linking": from GCC 16 on libatomic is linked unasked)."""


def product(call: Call, made: Made) -> Product | Obstacle | None:
    """Says what a build of C or C++ leaves; see `optimizer.knowledge.products.Producer`."""
    program = call.program
    if program in ("cmake", "make", "gmake", "ninja", "meson"):
        blocked = runs_sources(call, made, "make", "cmake", "ninja", "gcc", "g++")
        if blocked is not None:
            return blocked
    if COMPILER.fullmatch(program):
        return _compiled(call, made)
    if program in ("make", "gmake"):
        return _made(call, made)
    if program in ("configure", "autoreconf", "aclocal", "automake", "autoconf"):
        return Product((), compiles=True)
    if program in ("cmake", "ninja"):
        return _by_cmake(call, made)
    return _in_own_prefix(call, made, "what Meson makes") if program == "meson" else None


def _compiled(call: Call, made: Made) -> Product | Obstacle:
    found = read_compilation(call.words)
    if found.output is None:
        return Product((), compiles=True)
    if HOLE in found.output or HOLE in call.directory:
        return not_known(call, "the name of the program is not known before the build")
    kept = (resolve(call.directory, found.output),)
    described = _described(call, made, kept, (), found.is_static)
    return _alone(described, call, made, [found.libc_alone])


def _made(call: Call, made: Made) -> Product | Obstacle:
    """What the recipes link and install. Where nothing that runs is linked, as in a directory that
    CMake or configure filled, what the prefix says."""
    place = _directory(call)
    if place is not None and (built := cmake.build_of(place, made)) is not None:
        return _settle(call, made, built, "install" in call.words)
    try:
        found = read_call(call.words, call.directory, call.env, made.files)
    except NotKnown as error:
        return _in_own_prefix(call, made, str(error))
    except RecursionError:
        return not_known(call, "its Makefile is nested too deeply")
    return _of_recipes(call, made, found)


def _directory(call: Call) -> str | None:
    words = call.words
    for index, word in enumerate(words[:-1]):
        if word in ("-C", "--directory"):
            return None if HOLE in words[index + 1] else resolve(call.directory, words[index + 1])
    return None if HOLE in call.directory else call.directory


def _of_recipes(call: Call, made: Made, found: Recipes) -> Product:
    """Programs that are installed are run from there, unless the container names them where they
    were linked."""
    named = named_paths(made.running)
    used = [path for path in found.linked if path in named]
    kept = (*found.installed, *(used if found.installed else found.linked))
    gone = [path for path in found.linked if path in made.made and path not in kept]
    # GNU make manual, "Catalogue of Built-In Rules": objects lie beside their sources.
    place = _directory(call)
    objects = [] if place is None else [join(place, f"*.{ending}") for ending in ("o", "d", "a")]
    is_static = bool(found.static) and all(found.static)
    described = _described(call, made, kept, gone, is_static, [*found.linked, *objects])
    are_linked_here = {basename(p) for p in kept} <= {basename(p) for p in found.linked}
    return _alone(described, call, made, found.libc_alone) if are_linked_here else described


def _alone(
    described: Product, call: Call, made: Made, links: Sequence[tuple[str, ...] | None]
) -> Product:
    """Says that what is linked with the C library alone needs nothing else, certificates neither:
    it has no TLS that knows where they lie. Its sources must all be there to be read, and hold
    nothing that may look for more."""
    place = _directory(call)
    sources = source_files(made.files, top_of(made.files, place), _SOURCES) if place else None
    if not links or None in links or not sources:
        return described
    objects = {basename(path)[:-2] for each in links for path in each or ()}
    known = {basename(path)[:-2] for path in sources if path.endswith(".c")}
    if not objects <= known or any_holds(made.files, sources, _LOOKS_FOR_MORE):
        return described
    needs = described.needs - {"certificates"}
    return replace(described, needs_libc_alone=True, needs=needs)


def _described(
    call: Call,
    made: Made,
    kept: Sequence[str],
    replaces: Sequence[str],
    is_static: bool,
    drops: Sequence[str] = (),
) -> Product:
    linking: Linking = "static" if is_static else "dynamic"
    sources = next((p for p in ancestors(call.directory) if p != "/" and any(
        made.files.kind(resolve(p, name)) == "file" for name in (*NAMES, "CMakeLists.txt")
    )), call.directory)  # fmt: skip
    return Product(
        tuple(dict.fromkeys(kept)),
        drops=tuple(path for path in dict.fromkeys(drops) if path not in kept),
        linking=linking,
        compiles=True,
        build_only=only_for_building(made.files, sources, SOURCES, made.running),
        replaces=tuple(replaces),
        needs=frozenset(("certificates", "time zones", "users")),
    )


def _by_cmake(call: Call, made: Made) -> Product | Obstacle:
    try:
        found = cmake.read_call(call, made)
    except NotKnown as error:
        return _in_own_prefix(call, made, str(error))
    if found is None:
        return Product((), compiles=True)
    built, installs = found
    return _settle(call, made, built, installs)


def _settle(call: Call, made: Made, built: cmake.Built, installs: bool) -> Product | Obstacle:
    """Returns what an install brings, or what a build links."""
    why = built.unknown_install if installs else built.unknown
    if why is not None:
        return _in_own_prefix(call, made, why) if installs else not_known(call, why)
    if not installs:
        return _described(call, made, built.linked, (), built.is_static, [built.directory])
    named = named_paths(made.running)
    gone = [path for path in built.linked if path in made.made and path not in named]
    return _described(call, made, built.installed, gone, built.is_static, [built.directory])


def _in_own_prefix(call: Call, made: Made, why: str) -> Product | Obstacle:
    """Returns the whole prefix where a command above named one that nothing else lies in: all that
    is installed lies there. A build that is installed later leaves nothing by itself."""
    prefix = _prefix(call, made)
    is_install = "install" in call.words or "--install" in call.words
    if prefix is None or prefix in _SHARED or HOLE in prefix:
        return not_known(call, why)
    if not is_install:
        return Product((), compiles=True)
    if any(within(path, prefix) for path in named_paths(made.running) if not path):
        return not_known(call, why)
    return _described(call, made, (prefix,), (), is_static=False)


def _prefix(call: Call, made: Made) -> str | None:
    """The ``--prefix`` of the last configure script, Meson or CMake above, or of the call."""
    for each in (call, *reversed(made.before)):
        for index, word in enumerate(each.words):
            match = re.fullmatch(r"(?:--prefix|-DCMAKE_INSTALL_PREFIX(?::PATH)?)=(.+)", word)
            if match is not None:
                return resolve(each.directory, match[1])
            if word == "--prefix" and index + 1 < len(each.words):
                return resolve(each.directory, each.words[index + 1])
    return None
