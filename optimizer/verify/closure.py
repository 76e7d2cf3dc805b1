"""What an image needs at run time and does not have, read from the image without running it.

An image may lack things and work (plugins nobody loads, scripts for other systems), so only
what one image lacks and another has is a finding: `newly_missing`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from posixpath import basename, dirname
from typing import Final, Literal, TypeAlias

from optimizer.verify.builders import Built
from optimizer.verify.entrypoint import Tool, arguments, calls, person, tools, unknown_names
from optimizer.verify.image import Entry, Image
from optimizer.verify.loader import Lacking, Libraries
from optimizer.verify.packages import Packages
from optimizer.verify.promises import Check
from optimizer.verify.rootfs import Root
from optimizer.verify.verdict import Finding, Verdict

Kind: TypeAlias = Literal[
    "library", "loader", "interpreter", "tool", "permission", "capability", "user", "argument"
]

_PACKED: Final[frozenset[Kind]] = frozenset({"library", "loader", "interpreter", "tool"})
"""What comes with a package of the distribution."""

_DEPENDENCY = re.compile(r"/(node_modules|site-packages|dist-packages|vendor|gems|\.cargo)/")
"""Folders with what dependencies bring along, such as build scripts nobody starts."""

_ENV = re.compile(r"(?:.*/)?env")
_ENV_OPTIONS = re.compile(r"-(?:\w*S|-split-string=?)\s*|-i\s+|--\s+|[A-Za-z_]\w*=\S*\s+")


@dataclass(frozen=True, slots=True)
class Missing:
    """One thing that ``path`` needs and the image lacks.

    ``path`` is an image path or an instruction (``HEALTHCHECK``), ``name`` what is missing
    as it is asked for, ``hint`` what else is known. ``optional`` holds for what
    an image most likely does without: scripts inside dependencies, and libraries of plugins
    that their program brings.
    """

    kind: Kind
    path: str
    name: str
    hint: str = ""
    optional: bool = False

    def sentence(self, more: int = 0) -> str:
        """One line for a reader; ``more`` is how many other files need the same."""
        others = f" and {more} more file{'s'[: more > 1]}" if more else ""
        verb = "need" if more else "needs"
        return _SENTENCES[self.kind].format(
            name=self.name, path=f"{self.path}{others}", verb=verb, names=f"name{'s'[more > 0 :]}"
        )


_SENTENCES: Mapping[Kind, str] = {
    "library": "{name} is missing: {path} {verb} it",
    "loader": "the program loader {name} is missing: {path} cannot start",
    "interpreter": "the interpreter {name} is missing: {path} {names} it behind #!",
    "tool": "{name} is missing: {path} runs it",
    "permission": "{name} may not be run by the image's user: {path} runs it",
    "capability": "{path} has lost its file capabilities (setcap)",
    "user": "USER {name} is missing in {path}",
    "argument": "{name} is missing: {path} names it",
}


References: TypeAlias = Callable[[Built], Mapping[str, Image]]
"""Gives the images that may know whose file it is that a build lacks, by what to call them."""


def closure(references: References | None = None) -> Check:
    """Returns the check that the second image has all that it needs at run time and the first
    one had.

    The package databases of ``references`` and of the first image say who owns what is missing.
    Raises what ``references`` raises, which is asked only where something is missing.
    """

    def check(before: Built, after: Built) -> Verdict:
        assert before.image is not None
        assert after.image is not None
        lacking = _necessary(before.image, after.image)
        packed = any(one.kind in _PACKED for one in lacking)
        images = references(after) if references is not None and packed else {}
        found = _findings(lacking, before.image, images)
        notes = newly_missing_options(before.image, after.image)
        looked = () if found else (_ALL_THERE,)
        return Verdict("broken" if found else "kept", found, (*looked, *notes))

    return check


_ALL_THERE = "every program finds its libraries, every script its interpreter"


def missing(image: Image) -> tuple[Missing, ...]:
    """Returns everything that ``image`` needs and lacks, in a fixed order.

    Every ELF file finds its loader and its libraries by the rules of that loader, every
    script that may be run its interpreter, the entry command and HEALTHCHECK their programs,
    and USER its line in /etc/passwd.
    """
    root = Root(image)
    found = [*_of_config(root), *_of_elf_files(root), *_of_scripts(root)]
    return tuple(dict.fromkeys(found))


def newly_missing(
    before: Image, after: Image, references: Mapping[str, Image] | None = None
) -> tuple[Finding, ...]:
    """Returns what ``after`` needs and lacks and ``before`` did not lack.

    A file that lacked the same under another path or with other content does not count.
    ``references`` are images by what to call them ("the builder image") whose package
    database names who owns a missing file; where none knows, ``before`` is asked.
    """
    return _findings(_necessary(before, after), before, references or {})


def newly_missing_options(before: Image, after: Image) -> tuple[str, ...]:
    """Returns sentences for what is newly missing and breaks no promise: interpreters of
    scripts inside dependencies (most are build scripts that nothing starts at run time), and
    libraries of plugins that lie in the same dependency."""
    new = [one for one in _new(before, after) if one.optional]
    return tuple(group[0].sentence(len(group) - 1) for group in _groups(new))


def _necessary(before: Image, after: Image) -> list[Missing]:
    return [one for one in _new(before, after) if not one.optional]


def _findings(
    lacking: Iterable[Missing], before: Image, references: Mapping[str, Image]
) -> tuple[Finding, ...]:
    owners = _Owners({**references, "the original image": before})
    return tuple(_finding(group, owners) for group in _groups(lacking))


def _new(before: Image, after: Image) -> Iterator[Missing]:
    old = missing(before)
    known = {(one.kind, one.name, one.path) for one in old}
    known |= {(one.kind, one.name, _digest(before, one.path)) for one in old}
    lost = (*_lost_arguments(before, after), *_lost_capabilities(before, after))
    for one in (*missing(after), *lost):
        ways = (one.path, _digest(after, one.path))
        if not any((one.kind, one.name, way) in known for way in ways):
            yield one


def _digest(image: Image, path: str) -> str:
    entry = image.files.get(path)
    return (entry.digest if entry is not None else "") or path


def _groups(found: Iterable[Missing]) -> Iterator[list[Missing]]:
    """Puts files that lack the same thing together."""
    groups: dict[tuple[Kind, str], list[Missing]] = {}
    for one in found:
        groups.setdefault((one.kind, one.name), []).append(one)
    yield from groups.values()


def _finding(group: list[Missing], owners: _Owners) -> Finding:
    first = group[0]
    hint, package = owners.of(first)
    parts = [first.sentence(len(group) - 1), first.hint, hint]
    return Finding(first.path, "; ".join(part for part in parts if part), package)


class _Owners:
    """Asks one image after the other who owns what is missing."""

    def __init__(self, references: Mapping[str, Image]) -> None:
        self._packages = {name: Packages(image) for name, image in references.items()}

    def of(self, lacking: Missing) -> tuple[str, str | None]:
        """Returns half a sentence, and the package where one owns what is missing."""
        if lacking.kind not in _PACKED:
            return "", None
        found = ""
        for label, packages in self._packages.items():
            owner = packages.owner_of_name(basename(lacking.name))
            if owner is not None and owner.package is not None:
                return f"in {label} the package {owner.package} owns it", owner.package
            if owner is not None and not found:
                reason = packages.unread or "no package owns it"
                found = f"in {label} it lies at {owner.path}, and {reason}"
        return found, None


def _of_elf_files(root: Root) -> Iterator[Missing]:
    """Programs come first: what they load is judged as part of them, with the folders that
    they bring, and everything else (extension modules, plugins) on its own."""
    libraries = Libraries(root)
    files = [
        path
        for path, entry in sorted(root.files.items())
        if entry.kind == "file" and entry.facts is not None and entry.facts.machine is not None
    ]
    loaders = {path: name for path in files if (name := _loader(root, path)) is not None}
    for program, loader in loaders.items():
        if root.entry(loader) is None:
            yield Missing("loader", program, loader)
    loaded: set[str] = set()
    for path in [*loaders, *(path for path in files if path not in loaders)]:
        if path in loaded:
            continue
        lacking, process = libraries.process(path)
        loaded |= {root.resolve(file) or file for file in process}
        for one in lacking:
            where = root.resolve(one.path) or one.path
            hint = _whereabouts(libraries, one.name)
            optional = path not in loaders and _comes_first(libraries, one)
            yield Missing("library", where, one.name, hint, optional)


def _loader(root: Root, path: str) -> str | None:
    facts = root.files[path].facts
    return facts.interpreter if facts is not None else None


def _comes_first(libraries: Libraries, lacking: Lacking) -> bool:
    """Whether a plugin names a library below its own folder, or in the same folder of
    dependencies. Whoever loads such plugins loads that library by its path first: java does
    so with ``server/libjvm.so``, Python packages with the libraries of others."""
    path = libraries.elsewhere(lacking.name)
    if path is None:
        return False
    dependency = _DEPENDENCY.search(lacking.path)
    top = dirname(lacking.path) + "/" if dependency is None else lacking.path[: dependency.end()]
    return path.startswith(top)


def _whereabouts(libraries: Libraries, name: str) -> str:
    if name in ("libc.so.6", "ld-linux-x86-64.so.2") and libraries.has_musl:
        return "it was built for glibc, and the image has musl"
    path = libraries.elsewhere(name)
    if path is None:
        return ""
    return f"it lies at {path}, where the loader does not look (ldconfig, LD_LIBRARY_PATH)"


def _of_scripts(root: Root) -> Iterator[Missing]:
    for path, entry in sorted(root.files.items()):
        facts = entry.facts
        if facts is None or entry.kind != "file" or not entry.mode & 0o111:
            continue
        if facts.machine is None and facts.interpreter:
            optional = _DEPENDENCY.search(path) is not None
            name = _interpreter(root, facts.interpreter, facts.argument)
            if name is not None:
                yield Missing("interpreter", path, name, optional=optional)


def _interpreter(root: Root, program: str, argument: str) -> str | None:
    """Returns what is missing for a script with that first line."""
    if root.which(root.absolute(program)) is None:
        return program
    if not _ENV.fullmatch(program):
        return None
    while match := _ENV_OPTIONS.match(argument):
        argument = argument[match.end() :]
    name = argument.split()[0].strip("'\"") if argument.split() else ""
    if not name or name.startswith("-") or root.which(name) is not None:
        return None
    return name


def _of_config(root: Root) -> Iterator[Missing]:
    for name, path in unknown_names(root):
        yield Missing("user", path, name)
    who = person(root)
    for call in calls(root.image):
        for tool in tools(root, call):
            found = root.which(tool.name)
            if found is None:
                yield _missing_tool(root, tool)
            elif who is not None and not root.may_run(found, who):
                yield Missing("permission", tool.script or tool.field, tool.name)


def _missing_tool(root: Root, tool: Tool) -> Missing:
    """Tells a file without execute bits from one that is not there."""
    path = root.absolute(tool.name)
    entry = root.entry(path) if "/" in tool.name else None
    if entry is not None and entry.kind == "file":
        return Missing("permission", tool.script or tool.field, tool.name)
    return Missing("tool", tool.script or tool.field, tool.name)


def _lost_arguments(before: Image, after: Image) -> Iterator[Missing]:
    """Words of the entry command that are paths in ``before`` and lead nowhere in ``after``."""
    old = Root(before)
    new = Root(after)
    existing = {
        (call.field, word)
        for call in calls(before)
        for word in arguments(call)
        if old.entry(old.absolute(word)) is not None
    }
    for call in calls(after):
        for word in arguments(call):
            if (call.field, word) in existing and new.entry(new.absolute(word)) is None:
                yield Missing("argument", call.field, word)


def _lost_capabilities(before: Image, after: Image) -> Iterator[Missing]:
    """Programs that may do less than they could: a copy from another stage keeps the bytes,
    and not always what ``setcap`` wrote beside them (capabilities(7))."""
    for path, entry in before.files.items():
        now = after.files.get(path)
        if now is not None and now.kind == "file" and _is_able(entry) and not _is_able(now):
            yield Missing("capability", path, path)


def _is_able(entry: Entry) -> bool:
    return any(name == "security.capability" for name, _ in entry.xattrs)
