"""Commands that take files away, or write them anew as they are.

In a layer of its own such a command saves nothing: the files stay in the layer below, and those
written anew are there twice (the OCI image specification, layer.md, "Whiteouts" and "Change
Types").
"""

from __future__ import annotations

from collections.abc import Mapping

from optimizer.knowledge.installs import Call

_ALWAYS = frozenset(("rm", "rmdir", "shred", "strip", "truncate", "unlink", "upx", "node-prune"))
"""Programs that do nothing else (POSIX.1-2024; GNU coreutils 9.1; binutils; upx(1))."""

_RECURSIVE = frozenset(("chgrp", "chmod", "chown"))
"""A new owner or mode brings the whole file into the layer; one file is not worth a word."""

_VERBS: Mapping[str, frozenset[str]] = {
    # apt-get(8), apt(8)
    **dict.fromkeys(
        ("apt-get", "apt", "aptitude"),
        frozenset(("autoclean", "autopurge", "autoremove", "clean", "purge", "remove")),
    ),
    "dpkg": frozenset(("--purge", "--remove", "-P", "-r")),
    # apk(8), apk-cache(8)
    "apk": frozenset(("clean", "del", "purge")),
    # dnf(8), yum(8), zypper(8)
    **dict.fromkeys(
        ("dnf", "yum", "microdnf", "zypper"),
        frozenset(("autoremove", "clean", "erase", "remove")),
    ),
    # The command references of each package manager.
    "npm": frozenset(("clean", "prune", "rm", "uninstall")),
    "pnpm": frozenset(("prune", "remove", "rm", "uninstall")),
    "yarn": frozenset(("autoclean", "clean", "remove")),
    "bun": frozenset(("remove", "rm")),
    **dict.fromkeys(("pip", "pip3"), frozenset(("purge", "uninstall"))),
    "uv": frozenset(("clean", "prune", "uninstall")),
    **dict.fromkeys(("conda", "mamba", "micromamba"), frozenset(("clean", "remove"))),
    "poetry": frozenset(("clear",)),
    "pipenv": frozenset(("clean", "uninstall")),
    "gem": frozenset(("cleanup", "uninstall")),
    "bundle": frozenset(("clean",)),
    "composer": frozenset(("clear-cache", "clearcache", "cc")),
    "go": frozenset(("clean",)),
    "cargo": frozenset(("clean", "uninstall")),
    "dotnet": frozenset(("nuget",)),
    "find": frozenset(("-delete", "rm")),
    "xargs": frozenset(("rm",)),
}


CACHES = (
    "/var/lib/apt/lists", "/var/cache/apt", "/var/cache/apk", "/var/cache/dnf", "/var/cache/yum",
    "/root/.npm", "/root/.cache", "/usr/local/share/.cache",
)  # fmt: skip
"""Where package managers keep what they downloaded, and nothing else (apt.conf(5), Dir::State and
Dir::Cache; apk(8), --cache-dir; dnf.conf(5), cachedir; npm config, cache; XDG Base Directory
Specification, XDG_CACHE_HOME; yarn 1, yarn cache dir)."""


def cleans_up(call: Call) -> bool:
    """Tells whether ``call`` takes files away that were there before, or writes them anew."""
    words = call.words[1:]
    if call.program in _ALWAYS:
        return True
    if call.program in _RECURSIVE:
        return any(w == "--recursive" or (w[:1] == "-" and "R" in w[:3]) for w in words)
    return not _VERBS.get(call.program, frozenset()).isdisjoint(words)


_SYNCHRONISES: Mapping[str, frozenset[str]] = {
    # npm-ci(1), npm-install(1) ("extraneous" packages); yarn install; pnpm install; bun install
    "npm": frozenset(("ci", "clean-install", "i", "install", "install-clean")),
    "yarn": frozenset(("install", "workspaces")),
    **dict.fromkeys(("pnpm", "bun"), frozenset(("ci", "i", "install"))),
    "composer": frozenset(("i", "install", "update")),
    **dict.fromkeys(("uv", "poetry", "pdm", "pipenv"), frozenset(("install", "sync"))),
    "bundle": frozenset(("clean", "install")),
}
"""Installs that bring a project's directory to just what is asked for, so that a second one takes
away what the first one brought (each one's command reference)."""


def synchronises(call: Call, earlier: Call) -> bool:
    """Tells whether ``call`` may take away what ``earlier`` installed in the same directory."""
    verbs = _SYNCHRONISES.get(call.program)
    if verbs is None or (call.program, call.directory) != (earlier.program, earlier.directory):
        return False
    return not verbs.isdisjoint(call.words[1:]) or call.words[1:] == ()


_DOWNLOADS = frozenset(
    ("apt clean", "apt-get clean", "apt-get autoclean", "apk cache", "bun pm",
     "composer clear-cache", "composer clearcache", "conda clean", "dnf clean", "mamba clean",
     "micromamba clean", "microdnf clean", "npm cache", "pip cache", "pip3 cache", "pnpm store",
     "poetry cache", "uv cache", "yarn cache", "yum clean", "zypper clean")
)  # fmt: skip
"""Commands that take away nothing but what was downloaded, by their first words (the manuals and
command references named above)."""


def cleans_downloads(call: Call) -> bool:
    """Tells whether ``call`` takes away nothing but what package managers downloaded."""
    words = [call.program, *(word for word in call.words[1:] if not word.startswith("-"))]
    return " ".join(words[:2]) in _DOWNLOADS


_FETCHES_LISTS: Mapping[str, str] = {"apt-get": "update", "apt": "update", "apk": "update"}
_WANTS_LISTS: Mapping[str, frozenset[str]] = {
    "apt-get": frozenset(("install", "build-dep", "upgrade", "dist-upgrade", "download", "source")),
    "apt": frozenset(("install", "build-dep", "upgrade", "full-upgrade", "download", "source")),
    "apk": frozenset(("add", "upgrade", "fetch")),
}


def fetches_lists(call: Call) -> bool:
    """Tells whether ``call`` fetches the lists of a distribution's packages."""
    return _FETCHES_LISTS.get(call.program) in call.words[1:]


def wants_lists(call: Call) -> bool:
    """Tells whether ``call`` installs by such lists: those of an old layer name packages that the
    mirrors have no longer (Docker's documentation, "Building best practices", apt-get)."""
    return not _WANTS_LISTS.get(call.program, frozenset()).isdisjoint(call.words[1:])
