"""The settings that cargo and rustup find from a directory upward.

Sources: "Configuration" and "Source Replacement" of the Cargo Book; "Overrides" of the rustup
book; rust-lang/cargo src/sources/config.rs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NoReturn

from optimizer.knowledge.manifests import Survey, ancestors, hold, resolve
from optimizer.knowledge.rust.manifest import patched, read_toml, strings, table

_TOOLS = ("rustc", "rustc-wrapper", "rustc-workspace-wrapper")
"""Programs that cargo runs to ask the compiler about the platform ("build.rustc")."""


def config_files(survey: Survey, directory: str) -> tuple[str, ...]:
    """Returns cargo's settings at and above ``directory``; ``config`` counts before
    ``config.toml`` where both lie in one place."""
    found = []
    for place in ancestors(directory):
        names = (resolve(place, f".cargo/{name}") for name in ("config", "config.toml"))
        found += [path for path in names if survey.has_file(path)][:1]
    return tuple(found)


def toolchain_file(survey: Survey, directory: str) -> str | None:
    """Returns the file that tells rustup which toolchain to take in ``directory``."""
    for place in ancestors(directory):
        for name in ("rust-toolchain", "rust-toolchain.toml"):
            if survey.has_file(path := resolve(place, name)):
                return path
    return None


def note_settings(survey: Survey, directory: str) -> Iterator[str]:
    """Notes the settings for ``directory`` and yields the directories of the packages that they
    put in place of others. Raises `Held` where they make cargo read more than manifests."""
    for path in config_files(survey, directory):
        base = resolve(path, "../..")
        data = read_toml(survey, path)
        _check(survey, data, path, base)
        yield from patched(data, base)


def note_toolchain(survey: Survey, directory: str) -> None:
    """Notes the toolchain file. Raises `Held` where it names a toolchain in the project."""
    path = toolchain_file(survey, directory)
    if path is None or not survey.read(path):
        return
    is_toml = path.endswith(".toml") or b"[" in survey.content(path)
    if is_toml and "path" in table(read_toml(survey, path), "toolchain"):
        _hold(path, "takes the toolchain from a directory")


def _check(survey: Survey, data: Mapping[str, Any], path: str, base: str) -> None:
    if "paths" in data:
        _hold(path, "puts directories in place of dependencies (`paths`)")
    if "include" in data:
        _hold(path, "includes other files (`include`)")
    build = table(data, "build")
    for tool in _TOOLS:
        if isinstance(build.get(tool), str) and "/" in build[tool]:
            _hold(path, f"makes cargo run {build[tool]} (`build.{tool}`)")
    for target in strings(build, "target"):
        if target.endswith(".json") and not survey.read(resolve(base, target)):
            _hold(path, f"names the platform {target} (`build.target`)")
    if isinstance(authority := table(data, "http").get("cainfo"), str):
        survey.read(resolve(base, authority))
    _check_sources(survey, table(data, "source"), path, base)
    if table(data, "net").get("offline") is True:
        _hold_vendored(path, "tells cargo to stay offline (`net.offline`)")


def _check_sources(survey: Survey, sources: Mapping[str, Any], path: str, base: str) -> None:
    """Holds where a registry is replaced by a directory of the project."""
    for name in sources:
        source = table(sources, name)
        replacement = table(sources, str(source.get("replace-with")))
        for key in ("directory", "local-registry"):
            if isinstance(place := replacement.get(key), str):
                where = resolve(base, place)
                _hold_vendored(path, f"takes the packages of {name} from {where}")


def _hold(path: str, what: str) -> NoReturn:
    hold(
        "config-reads-source",
        f"{path} {what}.",
        "Take it out of the settings, or give it with a variable where the build needs it.",
        path,
    )


def _hold_vendored(path: str, what: str) -> NoReturn:
    hold(
        "vendored-dependencies",
        f"{path} {what}, so there is nothing to download.",
        "Take the download out of the Dockerfile.",
        path,
    )
