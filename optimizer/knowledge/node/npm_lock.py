"""npm's lockfile: which one counts, what it says about local paths, and whether it is current.

Sources: npm/cli workspaces/arborist, lib/shrinkwrap.js and lib/arborist/load-virtual.js;
lib/utils/validate-lockfile.js.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from optimizer.knowledge.manifests import JsonManifest, Survey, resolve
from optimizer.knowledge.node.project import DEPENDENCY_FIELDS


@dataclass(frozen=True, slots=True)
class Lock:
    """A lockfile. ``packages`` is empty for version 1, ``old`` is empty for version 3."""

    manifest: JsonManifest
    version: int
    packages: Mapping[str, Mapping[str, Any]]
    old: Mapping[str, Mapping[str, Any]]

    @property
    def path(self) -> str:
        """The absolute path of the lockfile."""
        return self.manifest.path

    @property
    def names_scripts(self) -> bool:
        """Tells whether the lockfile says which packages have install scripts (since version 2)."""
        return self.version >= 2

    def packages_with_scripts(self) -> Iterator[str]:
        """Yields the names of packages that have install scripts, or all where that is unknown."""
        for location, entry in self.packages.items():
            if "node_modules/" in location and entry.get("hasInstallScript"):
                yield str(entry.get("name") or location.rpartition("node_modules/")[2])
        if not self.names_scripts:
            yield from _old_names(self.old)

    def local_paths(self) -> Iterator[str]:
        """Yields the paths, relative to the lockfile, that entries take from the file system."""
        for location, entry in self.packages.items():
            if location and "node_modules/" not in location:
                yield location
            resolved = entry.get("resolved")
            if isinstance(resolved, str) and resolved.startswith("file:"):
                yield resolved.removeprefix("file:")
        for entry in _old_entries(self.old):
            version = entry.get("version")
            if isinstance(version, str) and version.startswith("file:"):
                yield version.removeprefix("file:")


def _old_names(dependencies: Mapping[str, Any]) -> Iterator[str]:
    for name, entry in dependencies.items():
        yield name
        if isinstance(entry, Mapping) and isinstance(entry.get("dependencies"), Mapping):
            yield from _old_names(entry["dependencies"])


def _old_entries(dependencies: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for entry in dependencies.values():
        if isinstance(entry, Mapping):
            yield entry
            if isinstance(entry.get("dependencies"), Mapping):
                yield from _old_entries(entry["dependencies"])


def read_lock(survey: Survey, prefix: str) -> Lock | None:
    """Reads the lockfile that counts: npm-shrinkwrap.json before package-lock.json.

    npm reads both and drops the second (shrinkwrap.js, load).
    """
    found = [
        path
        for name in ("npm-shrinkwrap.json", "package-lock.json")
        if survey.read(path := resolve(prefix, name))
    ]
    if not found:
        return None
    manifest = survey.json(found[0])
    version = manifest.data.get("lockfileVersion")
    return Lock(
        manifest,
        version if isinstance(version, int) else 1,
        _entries(manifest.data.get("packages")),
        _entries(manifest.data.get("dependencies")),
    )


def _entries(value: object) -> Mapping[str, Mapping[str, Any]]:
    if not isinstance(value, Mapping):
        return {}
    return {name: entry for name, entry in value.items() if isinstance(entry, Mapping)}


@dataclass(frozen=True, slots=True)
class Disagreement:
    """One point in which a lockfile and a manifest differ; ``key`` is named in the manifest."""

    text: str
    key: str


def missing_from_lock(lock: Lock, manifest: JsonManifest) -> Disagreement | None:
    """Returns a dependency of the root that the lockfile lacks or records otherwise.

    load-virtual.js (#checkRootEdges) compares the same fields. What the lock
    has in excess does not stop `npm ci` (validate-lockfile.js).
    """
    recorded = lock.packages.get("", {})
    for field in DEPENDENCY_FIELDS:
        wanted = _dependencies(manifest.data, field)
        locked = _dependencies(recorded, field)
        for name, spec in wanted.items():
            if lock.version < 2:
                if field != "peerDependencies" and name not in lock.old:
                    return Disagreement(f"{name}, which {lock.path} does not have", name)
            elif name not in locked:
                return Disagreement(f"{name}, which {lock.path} does not record", name)
            elif locked[name] != spec and not _local(spec):
                text = f"{name} {spec}, where {lock.path} records {locked[name]}"
                return Disagreement(text, name)
    return None


def _dependencies(data: Mapping[str, Any], field: str) -> dict[str, str]:
    found = data.get(field)
    if not isinstance(found, Mapping):
        return {}
    # load-virtual.js: an optional dependency does not count as a regular one.
    optional = data.get("optionalDependencies") if field == "dependencies" else None
    skip = optional if isinstance(optional, Mapping) else {}
    return {k: v for k, v in found.items() if isinstance(v, str) and k not in skip}


def _local(spec: str) -> bool:
    return spec.startswith(("file:", ".", "/", "~/"))


# shrinkwrap.js, pkgMetaKeys: what the lock records of a manifest, as far as it is stored unchanged.
_RECORDED = ("version", "license", "engines", "os", "cpu", "peerDependenciesMeta", "workspaces")


def would_change(lock: Lock, manifests: Mapping[str, JsonManifest]) -> str | None:
    """Says what an `npm install` that saves brings up to date in the lockfile; None for nothing.

    ``manifests`` are the root's (key "") and the members', by location. None
    means that the npm that made the lock leaves every byte of it. Another one
    may not: tried with npm 8 to 11 on locks of public repositories, the fields
    peer, devOptional and libc come and go with npm's version.
    """
    if lock.version < 2:
        return "has version 1, which npm 7 and later convert"
    if lock.version > 3:
        return f"has version {lock.version}, which is not known"
    for location, manifest in manifests.items():
        entry = lock.packages.get(location)
        if entry is None:
            return f"does not have {location}"
        if field := _differing_field(entry, manifest.data, location):
            return f"does not record {field} as {manifest.path} has it"
    for location, entry in lock.packages.items():
        if "node_modules/" not in location or entry.get("link") or entry.get("inBundle"):
            continue
        if entry.get("extraneous"):
            return f"has {location}, which nothing needs"
        if not entry.get("resolved") or (_from_registry(entry) and not entry.get("integrity")):
            return f"lacks the origin or the checksum of {location}"
    return None


def _from_registry(entry: Mapping[str, Any]) -> bool:
    return str(entry.get("resolved")).startswith("http")


def _differing_field(
    entry: Mapping[str, Any], data: Mapping[str, Any], location: str
) -> str | None:
    for field in DEPENDENCY_FIELDS:
        if _dependencies(entry, field) != _dependencies(data, field):
            return field
    for field in _RECORDED:
        if _recorded(data.get(field)) != _recorded(entry.get(field)):
            return field
    if _bins(data, location) != _bins(entry, location):
        return "bin"
    scripts = data.get("scripts")
    has_scripts = isinstance(scripts, Mapping) and any(
        scripts.get(event) for event in ("preinstall", "install", "postinstall")
    )
    if has_scripts != bool(entry.get("hasInstallScript")):
        return "hasInstallScript"
    if not location and data.get("name") != entry.get("name"):
        return "name"
    return None


def _recorded(value: object) -> object:
    """shrinkwrap.js, metaFieldFromPkg: empty values are not stored, of a licence only its type."""
    if isinstance(value, Mapping) and value.get("type"):
        return value["type"]
    return value or None


def _bins(data: Mapping[str, Any], location: str) -> dict[str, str]:
    value = data.get("bin")
    if isinstance(value, str):
        name = str(data.get("name") or posixpath.basename(location))
        value = {name.rpartition("/")[2]: value}
    if not isinstance(value, Mapping):
        return {}
    return {k: posixpath.normpath(v) for k, v in value.items() if isinstance(v, str)}
