"""Cargo.toml as far as a download of crates looks at it: which packages it leads to, and which
source files have to be there for it to count as a package.

Sources: "The Manifest Format", "Cargo Targets" and "Specifying Dependencies" of the Cargo Book;
rust-lang/cargo src/workspace/parser/{mod,targets}.rs; trials with cargo 1.95.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from posixpath import dirname
from typing import Any

from optimizer.knowledge.manifests import Survey, hold, resolve, unreadable

_DEPENDENCIES = ("dependencies", "build-dependencies", "build_dependencies")
_DEV_DEPENDENCIES = ("dev-dependencies", "dev_dependencies")
_FOLDERS: Mapping[str, str] = {
    "bin": "src/bin", "example": "examples", "test": "tests", "bench": "benches",
}  # fmt: skip
"""Where the targets of a kind lie (parser/targets.rs, DEFAULT_*_DIR_NAME)."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """A Cargo.toml, read; ``path`` is its absolute path in the image."""

    path: str
    data: Mapping[str, Any]

    @property
    def directory(self) -> str:
        return dirname(self.path)

    @property
    def package(self) -> Mapping[str, Any] | None:
        """Its package; None for a manifest that is only the root of a workspace."""
        for key in ("package", "project"):
            if key in self.data:
                return table(self.data, key)
        return None

    @property
    def workspace(self) -> Mapping[str, Any] | None:
        return table(self.data, "workspace") if "workspace" in self.data else None


def read_manifest(survey: Survey, path: str) -> Manifest:
    """Reads the Cargo.toml at ``path`` and notes it. Raises `Held` where it is none."""
    return Manifest(path, read_toml(survey, path))


def read_toml(survey: Survey, path: str) -> Mapping[str, Any]:
    """Returns the content of the TOML file at ``path`` and notes it. Raises `Held`."""
    try:
        return _parsed(survey.content(path))
    except tomllib.TOMLDecodeError as error:
        place = re.search(r"at line (\d+)", str(error))
        unreadable(path, f"is not valid TOML: {error}", int(place[1]) if place else None)
    except (UnicodeDecodeError, RecursionError) as error:
        unreadable(path, f"is not valid TOML: {error}", 1)


@lru_cache(maxsize=32)
def _parsed(content: bytes) -> Mapping[str, Any]:
    return tomllib.loads(content.decode("utf-8").removeprefix("\ufeff"))


def table(data: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """Returns the table at ``key``, an empty one where there is none or something else."""
    found = data.get(key)
    return found if isinstance(found, Mapping) else {}


def tables(data: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    """Returns the tables of the list at ``key``."""
    found = data.get(key)
    return [each for each in found if isinstance(each, Mapping)] if isinstance(found, list) else []


def strings(data: Mapping[str, Any], key: str) -> list[str]:
    """Returns the strings of the list at ``key``, or the one string there."""
    found = data.get(key)
    if isinstance(found, str):
        return [found]
    return [each for each in found if isinstance(each, str)] if isinstance(found, list) else []


def path_dependencies(manifest: Manifest, root: Manifest | None, dev: bool) -> Iterator[str]:
    """Yields the directories of the packages that ``manifest`` depends on by path.

    ``root`` is the manifest of its workspace, which says where inherited ones lie. Without
    ``dev`` those of its tests and examples are left out: cargo looks at them in members only.
    """
    inherited = table(root.workspace or {}, "dependencies") if root is not None else {}
    kinds = (*_DEPENDENCIES, *(_DEV_DEPENDENCIES if dev else ()))
    platforms = [each for each in table(manifest.data, "target").values() if _is_table(each)]
    for place in (manifest.data, *platforms):
        for kind in kinds:
            for name, wanted in table(place, kind).items():
                if not _is_table(wanted):
                    continue
                if wanted.get("workspace") is True and root is not None:
                    yield from _located(root.directory, inherited.get(name))
                else:
                    yield from _located(manifest.directory, wanted)


def patched(data: Mapping[str, Any], directory: str) -> Iterator[str]:
    """Yields the directories that ``[patch]`` and ``[replace]`` put in place of other packages;
    their paths start at ``directory``."""
    for registry in table(data, "patch").values():
        if _is_table(registry):
            for wanted in registry.values():
                yield from _located(directory, wanted)
    for wanted in table(data, "replace").values():
        yield from _located(directory, wanted)


def _located(directory: str, wanted: object) -> Iterator[str]:
    if isinstance(wanted, Mapping) and isinstance(wanted.get("path"), str):
        yield resolve(directory, wanted["path"])


def _is_table(value: object) -> bool:
    return isinstance(value, Mapping)


def note_targets(survey: Survey, manifest: Manifest) -> None:
    """Notes the source files without which cargo does not take ``manifest`` for a package.

    parser/targets.rs: a target that the manifest names with its path is not looked for, one
    without is; parser/mod.rs: a package needs one target besides its build script. Raises
    `Held` where cargo finds none.
    """
    package = manifest.package
    if package is None:
        return
    named = _named_targets(survey, manifest, package)
    _note_build_script(survey, manifest, package)
    found = None if named else next(_inferred(survey, manifest, package), None)
    if found is not None:
        survey.read(found)
    elif not named:
        hold(
            "manifest-outside-copy",
            f"{manifest.path} is a package without a target among the copied files.",
            "Copy its src directory from the build context.",
            manifest.path,
        )


def _named_targets(survey: Survey, manifest: Manifest, package: Mapping[str, Any]) -> bool:
    """Notes the files of the targets that the manifest names; tells whether it names any."""
    library = "lib" in manifest.data
    if library and "path" not in table(manifest.data, "lib"):
        _note_one(survey, manifest, "lib", ["src/lib.rs"])
    named = set()
    for kind in _FOLDERS:
        for target in tables(manifest.data, kind):
            name = str(target.get("name", ""))
            named.add((kind, name))
            if "path" not in target:
                _note_one(survey, manifest, name, _places(kind, name, package))
    run = package.get("default-run")
    if isinstance(run, str) and ("bin", run) not in named:
        _note_one(survey, manifest, run, _places("bin", run, package))
        return True
    return library or bool(named)


def _places(kind: str, name: str, package: Mapping[str, Any]) -> list[str]:
    folder = _FOLDERS[kind]
    main = ["src/main.rs"] if kind == "bin" and name == package.get("name") else []
    return [*main, f"{folder}/{name}.rs", f"{folder}/{name}/main.rs"]


def _note_one(survey: Survey, manifest: Manifest, name: str, places: list[str]) -> None:
    for place in places:
        if survey.read(resolve(manifest.directory, place)):
            return
    hold(
        "manifest-outside-copy",
        f"{manifest.path} names the target {name}, and none of {', '.join(places)} is copied.",
        "Copy it from the build context, or name its path in Cargo.toml.",
        manifest.path,
    )


def _note_build_script(survey: Survey, manifest: Manifest, package: Mapping[str, Any]) -> None:
    """parser/mod.rs: a package with ``links`` has to have a build script."""
    if "links" in package and "build" not in package:
        survey.read(resolve(manifest.directory, "build.rs"))


def _inferred(survey: Survey, manifest: Manifest, package: Mapping[str, Any]) -> Iterator[str]:
    """Yields the source files that cargo takes for targets by their place."""
    if package.get("autolib") is not False:
        yield from _there(survey, manifest, "src/lib.rs")
    if package.get("autobins") is not False:
        yield from _there(survey, manifest, "src/main.rs")
    for kind, folder in _FOLDERS.items():
        if package.get(f"auto{kind}es" if kind == "bench" else f"auto{kind}s") is False:
            continue
        for name in survey.files.children(resolve(manifest.directory, folder)):
            if name.startswith("."):
                continue
            if name.endswith(".rs"):
                yield from _there(survey, manifest, f"{folder}/{name}")
            else:
                yield from _there(survey, manifest, f"{folder}/{name}/main.rs")


def _there(survey: Survey, manifest: Manifest, place: str) -> Iterator[str]:
    path = resolve(manifest.directory, place)
    if survey.has_file(path):
        yield path
