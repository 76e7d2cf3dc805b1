"""A project of Node.js while an install of it is looked at, whichever package manager installs.

npm, yarn, pnpm and bun agree on package.json; what they do with a dependency that lies beside
the project differs, and `Protocols` says how.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from optimizer.knowledge.installs import Call
from optimizer.knowledge.manifests import JsonManifest, Survey, ancestors, hold, resolve, within

DEPENDENCY_FIELDS = (
    "dependencies", "devDependencies", "optionalDependencies", "peerDependencies",
)  # fmt: skip

Use: TypeAlias = Literal["copied", "linked", "looked at", "ran"]
"""What becomes of a directory that a dependency names: its files are copied, so that all of
it is read; a link leads to it, so that its manifest and its programs are read, or its manifest
alone; or code in it runs, which may read anything."""


@dataclass(frozen=True, slots=True)
class Protocols:
    """How a package manager takes dependencies that are paths.

    ``uses`` are its protocols; ``bare`` is what becomes of a path without one, None where that
    is no path to it. ``hard_links`` says that a copied file is the file itself, so that what
    happens to the one happens to the other.
    """

    uses: Mapping[str, Use]
    bare: Use | None = "copied"
    hard_links: bool = False


@dataclass(frozen=True, slots=True)
class LocalPath:
    """A dependency on a path: the manifest that names it, the path, and what becomes of it."""

    manifest: JsonManifest
    path: str
    use: Use


@dataclass(slots=True)
class Project:
    """The manifests below ``root``, by their locations relative to it ("." is the root's).

    ``copied`` and ``linked`` are the directories that dependencies name, by what becomes of them.
    """

    survey: Survey
    call: Call
    root: str
    protocols: Protocols
    links_programs: bool = True
    manifests: dict[str, JsonManifest] = field(default_factory=dict)
    copied: set[str] = field(default_factory=set)
    linked: set[str] = field(default_factory=set)

    def add(self, directory: str) -> JsonManifest:
        """Notes the manifest in ``directory`` as read and returns it."""
        manifest = self.survey.json(resolve(directory, "package.json"))
        self.manifests[posixpath.relpath(directory, self.root)] = manifest
        return manifest

    @property
    def directories(self) -> tuple[str, ...]:
        """The absolute directories of the manifests."""
        return tuple(posixpath.dirname(manifest.path) for manifest in self.manifests.values())

    def add_root(self) -> JsonManifest:
        """Notes the manifest of the root and returns it. Holds where there is none."""
        path = resolve(self.root, "package.json")
        if not self.survey.has_file(path):
            hold(
                "manifest-outside-copy",
                f"{path} is not among the files copied from the build context.",
                "Copy package.json from the build context before the install.",
                path,
            )
        return self.add(self.root)

    def add_member(self, directory: str) -> None:
        """Notes the manifest of a workspace member and the programs that links lead to."""
        manifest = self.add(directory)
        if self.links_programs:
            link_programs(self.survey, manifest)

    def follow(self, paths: Iterable[LocalPath]) -> None:
        """Notes what the dependencies on ``paths`` read, and what those depend on in turn."""
        queue = list(paths)
        while queue:
            local = queue.pop()
            place = posixpath.relpath(local.path, self.root)
            if local.use == "ran":
                hold(
                    "local-dependency",
                    f"{local.manifest.path} has a dependency that {local.path} generates.",
                    "Commit what it generates as a package of its own.",
                    local.manifest.path,
                )
            if self.survey.has_file(local.path):
                self.survey.read(local.path)
            elif self.survey.has_dir(local.path) and place not in self.manifests:
                manifest = self._directory(local)
                self.manifests[place] = manifest
                queue += local_paths(manifest, self.protocols, self.root)
            elif local.use == "copied" and self.survey.has_dir(local.path):
                self._whole(local)

    def _directory(self, local: LocalPath) -> JsonManifest:
        path = resolve(local.path, "package.json")
        if not self.survey.has_file(path):
            hold(
                "local-dependency",
                f"{local.manifest.path} depends on {local.path}, which has no package.json.",
                "Add a package.json to the directory.",
                local.manifest.path,
            )
        manifest = self.survey.json(path)
        if local.use == "copied":
            self._whole(local)
        else:
            self.linked.add(local.path)
        changes = local.use == "linked" or (local.use == "copied" and self.protocols.hard_links)
        if self.links_programs and changes:
            link_programs(self.survey, manifest)
        return manifest

    def _whole(self, local: LocalPath) -> None:
        """A directory whose files are copied; it may not hold the project itself."""
        if within(self.root, local.path) or within(self.call.directory, local.path):
            hold(
                "local-dependency",
                f"{local.manifest.path} depends on {local.path}, which holds the project itself.",
                "Depend on a directory that does not hold the whole project.",
                local.manifest.path,
            )
        self.survey.tree(local.path)
        self.copied.add(local.path)

    def hold_for_installed_packages(self) -> None:
        """Holds where the build context brings packages, here or in the directories above."""
        for directory in (*self.directories, *ancestors(posixpath.dirname(self.root))):
            hold_for_installed_packages(self.survey, directory, self.call.program)


def hold_for_installed_packages(survey: Survey, directory: str, program: str) -> None:
    """Holds where ``directory`` has packages from the build context; Node.js finds them."""
    path = resolve(directory, "node_modules")
    if survey.files.kind(path):
        hold(
            "installed-packages-in-context",
            f"{path} comes with the build context and meets what {program} installs.",
            "Add `**/node_modules` to .dockerignore.",
            path,
        )


def link_programs(survey: Survey, manifest: JsonManifest) -> None:
    """Notes the programs of a package that a link leads to.

    Those that are there are linked (pnpm: wrapped according to their first line), made
    executable, and their CRLF cut; those that are not are left out. Tried with npm 11, yarn 1,
    3 and 4, pnpm 8 to 10 and bun 1.
    """
    for path in program_paths(survey, manifest):
        if survey.read(path):
            survey.rewrite(path)
            if not survey.files.is_executable(path):
                hold(
                    "program-not-executable",
                    f"{path} is a program that may not be run as it lies in the build context: the "
                    "install makes it executable, and the later copy would take that back.",
                    "Make it executable where it is committed: `git update-index --chmod=+x`.",
                    path,
                )
            if survey.content(path).partition(b"\n")[0].endswith(b"\r"):
                hold(
                    "program-not-executable",
                    f"The first line of {path}, a program, ends in CR LF: the install cuts the CR, "
                    "and the later copy would bring it back.",
                    "Commit it with LF line ends.",
                    path,
                    1,
                )


def program_paths(survey: Survey, manifest: JsonManifest) -> Iterator[str]:
    """Yields the paths of the programs that ``bin`` and ``directories.bin`` name."""
    directory = posixpath.dirname(manifest.path)
    named = manifest.data.get("bin")
    paths = [named] if isinstance(named, str) else []
    paths += named.values() if isinstance(named, Mapping) else []
    yield from (resolve(directory, path) for path in paths if isinstance(path, str))
    folders = manifest.data.get("directories")
    if isinstance(folders, Mapping) and isinstance(folders.get("bin"), str):
        folder = resolve(directory, folders["bin"])
        yield from (f"{folder}/{name}" for name in survey.files.children(folder))


def local_paths(
    manifest: JsonManifest, protocols: Protocols, root: str, *more: object
) -> Iterator[LocalPath]:
    """Yields the paths that the dependencies of ``manifest`` name.

    Overrides and resolutions count for the manifest of ``root`` alone; ``more`` are other
    mappings of dependencies that are relative to the manifest.
    """
    directory = posixpath.dirname(manifest.path)
    sections = [manifest.data.get(name) for name in DEPENDENCY_FIELDS]
    if directory == root:
        sections += [manifest.data.get("overrides"), manifest.data.get("resolutions")]
    for section in (*sections, *more):
        for spec in _specs(section):
            local = _local(manifest, spec, protocols, root)
            if local is not None:
                yield local


def _specs(section: object) -> Iterator[str]:
    if isinstance(section, Mapping):
        for value in section.values():
            if isinstance(value, str):
                yield value
            else:
                yield from _specs(value)


_PROTOCOL = re.compile(r"(?P<protocol>[a-z]+):(?P<rest>.*)", re.DOTALL)
_BARE = re.compile(r"\.{1,2}$|\.{0,2}/|~/")


def _local(
    manifest: JsonManifest, spec: str, protocols: Protocols, root: str
) -> LocalPath | None:  # fmt: skip
    match = _PROTOCOL.match(spec)
    use = protocols.uses.get(match["protocol"]) if match else None
    if match and use is not None:
        path = re.sub(r"^//(?=/)", "", match["rest"]).partition("#")[0].partition("::")[0]
    elif _BARE.match(spec) and protocols.bare is not None:
        path, use = spec, protocols.bare
    else:
        return None
    base = posixpath.dirname(manifest.path)
    if path.startswith("~/"):
        base, path = root, path[2:]
    return LocalPath(manifest, resolve(base, path), use)


def dependency_names(manifest: JsonManifest) -> Iterator[str]:
    """Yields the names in the dependency fields of a manifest."""
    for name in DEPENDENCY_FIELDS:
        section = manifest.data.get(name)
        if isinstance(section, Mapping):
            yield from section


def package_manager(survey: Survey, directory: str) -> str | None:
    """Returns the ``packageManager`` of the nearest package.json that has one (corepack's README:
    "When authoring packages"), with its version: ``yarn@4.1.0``. Notes that manifest as read."""
    for place in ancestors(directory):
        path = resolve(place, "package.json")
        if survey.has_file(path):
            named = survey.json(path, note=False).data.get("packageManager")
            if isinstance(named, str):
                survey.read(path)
                return named.partition("+")[0]
    return None


Nested: TypeAlias = Callable[[Call], None]
"""Looks at an install that a lifecycle script runs."""
