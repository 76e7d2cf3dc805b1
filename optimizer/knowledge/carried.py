"""Commands that carry what a build left to another place, or take it away: `cp`, `mv`, `rm`.

They answer only for paths that commands above them left; a path of the context is the business of
its own copy. A link is none of them: COPY would bring the file that it leads to, so it is made
again where it is needed. Sources: POSIX.1-2024 (cp, mv, rm, strip), coreutils' install(1), upx(1).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from posixpath import basename

from optimizer.knowledge.artefacts import is_pattern, matches, named_paths, not_known
from optimizer.knowledge.commands.line import Line, Syntax, Unknown
from optimizer.knowledge.installs import HOLE, Call, Obstacle
from optimizer.knowledge.manifests import resolve, within
from optimizer.knowledge.products import Made, Product

_COPY = Syntax(
    "-a|--archive -d -f|--force -H -i|--interactive -l|--link -L|--dereference -n|--no-clobber"
    " -P|--no-dereference -p -r|-R|--recursive -s|--symbolic-link -u|--update -v|--verbose -x"
    " -t|--target-directory= -T|--no-target-directory -b --preserve[=] --no-preserve= --parents"
    " --reflink[=] --sparse="
)
_MOVE = Syntax(
    "-f|--force -i|--interactive -n|--no-clobber -u|--update -v|--verbose"
    " -t|--target-directory= -T|--no-target-directory -b"
)
_INSTALL = Syntax(
    "-c -C|--compare -d|--directory -D -g|--group= -m|--mode= -o|--owner= -p -s|--strip"
    " -t|--target-directory= -T|--no-target-directory -v|--verbose -b"
)
_REMOVE = Syntax("-f|--force -r|-R|--recursive -v|--verbose -i -d|--dir")
_IN_PLACE = frozenset(("strip", "upx"))
_BUILD_FOLDERS = ("target", "build", "bin", "obj", "_build", "out", "dist", "cmake-build-release")
"""Directories that build tools make, where nothing is meant to be run from (`cargo help build`,
Maven's and Gradle's and CMake's conventions)."""


def product(call: Call, made: Made) -> Product | Obstacle | None:
    """Says where ``call`` brings what was left above; see
    `optimizer.knowledge.products.Producer`."""
    if call.program in _IN_PLACE:
        kept = _left(call, [word for word in call.words[1:] if not word.startswith("-")], made)
        return _of_the_kind(Product(tuple(kept)), kept, made) if kept else None
    try:
        return _answer(call, made)
    except Unknown:
        return None


def _answer(call: Call, made: Made) -> Product | Obstacle | None:
    match call.program:
        case "cp" | "mv" | "install":
            syntax = {"cp": _COPY, "mv": _MOVE, "install": _INSTALL}[call.program]
            line = syntax.read(call.words[1:])
            return (
                None if line.has("-d") and call.program == "install" else _carry(call, line, made)
            )
        case "rm":
            gone = _left(call, _REMOVE.read(call.words[1:]).operands, made, below=True)
            return Product((), replaces=tuple(gone)) if gone else None
    return None


def _left(call: Call, words: Sequence[str], made: Made, below: bool = False) -> list[str]:
    """Returns the paths left above that ``words`` name; with ``below`` also those in them."""
    found: dict[str, None] = {}
    for word in words:
        if HOLE in word:
            continue
        path = resolve(call.directory, word)
        for left in made.made:
            if matches(left, path) or (below and within(left, path)):
                found[left] = None
    return list(found)


def _carry(call: Call, line: Line, made: Made) -> Product | Obstacle | None:
    into = line.value("-t")
    if into is None and len(line.operands) < 2:
        return None
    sources = line.operands if into is not None else line.operands[:-1]
    target_word = into if into is not None else line.operands[-1]
    left = _left(call, sources, made)
    inside = _left(call, sources, made, below=True)
    if not inside and not any(HOLE in word for word in sources):
        return None
    if HOLE in target_word or (not inside and any(HOLE in word for word in sources)):
        return not_known(call, "what it takes or where to is not known before the build")
    target = resolve(call.directory, target_word)
    is_folder = into is not None or target_word.endswith(("/", "/.")) or (
        not line.has("-T") and _is_folder(call, target, made, left, sources)
    )  # fmt: skip
    kept = tuple(_targets(call, sources, left or inside, target, is_folder))
    gone = inside if call.program == "mv" else [p for p in inside if _is_left_behind(p, made)]
    carried = Product(kept, replaces=tuple(path for path in gone if path not in kept))
    return _of_the_kind(carried, inside, made)


def _of_the_kind(carried: Product, paths: Sequence[str], made: Made) -> Product:
    """Says of what was carried from ``paths`` what is known of the products that left them."""
    origins = [each for each in made.products if {*each.keeps} & {*paths}]
    carried = replace(carried, taken_from=tuple(paths))
    if not origins:
        return carried
    first = origins[0]
    alike = all(each.linking == first.linking for each in origins)
    return replace(
        carried,
        interpreter=first.interpreter,
        linking=first.linking if alike else "unknown",
        ecosystem=first.ecosystem,
        packages=tuple(dict.fromkeys(name for each in origins for name in each.packages)),
        needs=frozenset(need for each in origins for need in each.needs),
        framework=first.framework,
    )


def _targets(
    call: Call, sources: Sequence[str], left: Sequence[str], target: str, is_folder: bool
) -> Iterator[str]:
    """Yields where things land; a copied directory stands for all that is in it."""
    if not is_folder:
        yield target
        return
    for word in sources:
        path = resolve(call.directory, word)
        if word.endswith("/.") or word == ".":
            yield target
        elif is_pattern(word):
            yield from (resolve(target, basename(each)) for each in left if matches(each, path))
        else:
            yield resolve(target, basename(path))


def _is_folder(
    call: Call, target: str, made: Made, left: Sequence[str], sources: Sequence[str]
) -> bool:
    """Tells whether ``target`` is a directory when the command runs: one that is always there,
    that files were copied into, or that more than one thing is brought to."""
    if len(sources) > 1 or len(left) > 1:
        return True
    if target in _ALWAYS_THERE or within(call.directory, target):
        return True
    if made.files.kind(target) == "dir":
        return True
    return any(within(path, target) and path != target for path in made.made)


def _is_left_behind(path: str, made: Made) -> bool:
    """Tells whether ``path`` lies in a directory that only the build works in, and no command of
    the container names it: the copy is what is run."""
    if not any(f"/{name}/" in path for name in _BUILD_FOLDERS):
        return False
    return not any(
        within(path, named) or within(named, path) for named in named_paths(made.running)
    )


_ALWAYS_THERE = frozenset(
    ("/", "/bin", "/sbin", "/usr", "/usr/bin", "/usr/sbin", "/usr/lib", "/usr/local",
     "/usr/local/bin", "/usr/local/sbin", "/usr/local/lib", "/opt", "/srv", "/tmp", "/var", "/root",
     "/home", "/etc")
)  # fmt: skip
"""Directories of every distribution (FHS 3.0)."""
