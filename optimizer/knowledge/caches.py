"""Which commands download packages, where they may keep them, and what keeps them from it.

Of what a package manager keeps only downloads count that nothing needs once the command is
done. What a later step reads is none: Go's modules, cargo's registry, the local repository of
Maven, Gradle's and sbt's caches, conda's packages (hard links of environments), Bundler's gems,
and the archives of Yarn 2 and later, which Plug'n'Play reads at run time. bun 1.1 leaves files in
/tmp where its cache lies in another file system (tried), so it is none of them either.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from optimizer.knowledge.ecosystems import download_caches, unwrapped
from optimizer.knowledge.installs import HOLE, Call, DownloadCache, Obstacle

APT_ARCHIVES = "/var/cache/apt-archives"
"""Where apt-get is told to keep packages. The directory of its own, /var/cache/apt/archives, is
emptied behind each install in Debian's and Ubuntu's images (debuerreotype,
debuerreotype-minimizing-config; /etc/apt/apt.conf.d/docker-clean)."""


@dataclass(frozen=True, slots=True)
class _Manager:
    """A package manager: the verbs that download, the options that turn its cache off, the
    variables that do so (each with the values that do not), the files with its settings (relative
    to the directory, to ``~``, or absolute), whether the cache holds what was compiled for the
    image, whether it installs without a verb too, the file and the text in it without which another
    version of it may run, what starts the options and the variables that name another place, and
    what finds commands that go on with what is kept."""

    verbs: frozenset[str]
    off: frozenset[str] = frozenset()
    off_by: Mapping[str, frozenset[str]] = field(default_factory=dict)
    settings: tuple[str, ...] = ()
    is_of_image: bool = False
    installs_by_itself: bool = False
    lock: tuple[str, str] | None = None
    elsewhere: tuple[str, ...] = ("--cache",)
    elsewhere_by: tuple[str, ...] = ()
    goes_on: re.Pattern[str] | None = None


_FALSE = frozenset(("", "0", "false", "no", "off", "n", "f"))
"""uv's spellings of a switch that is off (clap, ``FalseyValueParser``)."""

_PIP = _Manager(
    # pip's user guide, "Caching", and its command line, "--no-cache-dir"; wheels that it compiles
    # itself are kept by interpreter, tag and link, and their tag names no C library (PEP 425).
    frozenset(("install", "download", "wheel")),
    frozenset(("--no-cache-dir", "--no-cache")),
    # Whatever it says, and be it "off": _handle_no_cache_dir in pip's cli/cmdoptions.py.
    {"PIP_NO_CACHE_DIR": frozenset(("",))},
    ("/etc/pip.conf", "~/.pip/pip.conf", "~/.config/pip/pip.conf"),
    is_of_image=True,
)
_MANAGERS: Mapping[str, _Manager] = {
    # npm's configuration, "cache". What it keeps is found by its content (cacache). `--no-cache`
    # makes the place a directory called "false" (https://github.com/npm/cli/issues/6612).
    "npm": _Manager(
        frozenset(("add", "ci", "clean-install", "i", "install", "install-clean")),
        settings=(".npmrc", "~/.npmrc", "/usr/local/etc/npmrc"),
        elsewhere=("--cache", "--no-cache"),
    ),
    # Yarn 1's reference, "yarn cache" and "yarn install"; its lockfiles say so. Archives as they
    # came, unpacked (src/fetchers/tarball-fetcher.js).
    "yarn": _Manager(
        frozenset(("add", "install")),
        settings=(".yarnrc", ".npmrc", "~/.yarnrc", "~/.npmrc", "/usr/local/share/.yarnrc"),
        installs_by_itself=True,
        lock=("yarn.lock", "# yarn lockfile v1"),
        elsewhere_by=("XDG_CACHE_HOME",),
    ),
    # pnpm's documentation, "storeDir", "packageImportMethod", "sideEffectsCache" (what scripts
    # compiled is kept) and "enableGlobalVirtualStore" (links into the store); across file systems
    # it copies. Commands that look packages up again do so in the store ("prune", "deploy").
    "pnpm": _Manager(
        frozenset(("add", "i", "install")),
        settings=(".npmrc", "pnpm-workspace.yaml", "~/.npmrc", "~/.config/pnpm/rc"),
        is_of_image=True,
        elsewhere=("--store", "--package-import-method", "--global", "-g"),
        elsewhere_by=("npm_config_package_import_method", "pnpm_config_package_import_method"),
        goes_on=re.compile(r"\bpnpm\b[^\n&|;]{0,200}?\b(?:deploy|fetch|prune|rebuild|rb|store)\b"),
    ),
    "pip": _PIP,
    # uv's documentation, "Caching": it keeps the wheels that it builds.
    "uv": _Manager(
        frozenset(("sync", "install")),
        frozenset(("--no-cache", "--no-cache-dir", "-n")),
        {"UV_NO_CACHE": _FALSE},
        ("uv.toml", "pyproject.toml", "~/.config/uv/uv.toml", "/etc/uv/uv.toml"),
        is_of_image=True,
    ),
    # Poetry's documentation, "Configuration": artifacts are found by link, wheels by tag.
    "poetry": _Manager(
        frozenset(("install", "sync")),
        frozenset(("--no-cache",)),
        settings=("poetry.toml", "~/.config/pypoetry/config.toml"),
        is_of_image=True,
    ),
    # Composer's documentation, "COMPOSER_CACHE_DIR" and "--no-cache": archives as they came.
    "composer": _Manager(
        frozenset(("install", "i")),
        frozenset(("--no-cache",)),
        {"COMPOSER_NO_CACHE": _FALSE},
        ("composer.json", "~/.composer/config.json"),
    ),
    # apt-get(8): archives are kept by name, version and architecture; two distributions may
    # have different packages of one name, and apt-get looks at no more than the size of what is
    # there (apt, apt-pkg/acquire-item.cc, pkgAcqArchive).
    "apt-get": _Manager(frozenset(("install",)), is_of_image=True),
}
_PROGRAMS: Mapping[str, re.Pattern[str]] = {
    **{name: re.compile(name) for name in ("npm", "pnpm", "uv", "poetry", "apt-get")},
    "yarn": re.compile(r"yarn(?:pkg)?"),
    "composer": re.compile(r"composer(?:\.phar)?"),
    "pip": re.compile(r"pip[\d.]*"),
}
_PYTHON = re.compile(r"python[\d.]*")
_OFFLINE = frozenset(("--offline", "--prefer-offline", "--no-index", "--no-download", "--dry-run"))
"""Options of all of them with which they use what is there already, or nothing."""

NAMES_CACHE = re.compile(
    r"(?:^|[{,])[ \t]*[\"']?(?:cache|cache[-_.]?(?:dir|folder)|store[-_]?dir)[\"']?[ \t]*[=:]"
    r"|^[ \t]*[\"']?(?:--\w*\.?)?cache-folder[\"']?[ \t]"
    r"|(?:enable[-_]?global[-_]?virtual[-_]?store|package[-_]?import[-_]?method)[\"']?[ \t]*[=:]",
    re.IGNORECASE | re.MULTILINE,
)
"""A line of a settings file that says where a cache lies (the pages named above)."""

MOVES_CACHE = re.compile(
    r"\b(?:npm|pnpm|yarn|pip[\d.]*|poetry|composer)[ \t][^\n&|;]{0,80}?\bconfig\b"
    r"[^\n&|;]{0,80}?\b(?:cache|store)"
)
"""A command that says so."""


@dataclass(frozen=True, slots=True)
class Keeping:
    """How the downloads of one command can be kept.

    ``caches`` are the directories, ``manager`` whose they are. ``off`` are words of the command
    that keep it from keeping them. ``settings`` are files, by absolute path, that may name
    another place. ``is_of_image`` says that what is kept may fit no other image. ``lock`` is a
    file, by absolute path, and a text in it, without which another version may run that keeps
    nothing there. ``goes_on`` finds commands in other steps that go on with what is kept.
    """

    manager: str
    caches: tuple[DownloadCache, ...]
    off: tuple[str, ...]
    settings: tuple[str, ...]
    is_of_image: bool
    lock: tuple[str, str] | None
    goes_on: re.Pattern[str] | None


def keeping(call: Call) -> Keeping | Obstacle | None:
    """Says how what ``call`` downloads can be kept.

    None: it downloads nothing, or nothing that would be of use only to itself. `Obstacle`: it
    would, but the place is not known or somebody turned keeping off.
    """
    bare = unwrapped(call)
    name = _name(bare) if bare is not None else None
    if bare is None or name is None:
        return None
    manager, words = _MANAGERS[name], bare.words[1:]
    alone = manager.installs_by_itself and all(word.startswith("-") for word in words)
    if (manager.verbs.isdisjoint(words) and not alone) or not _OFFLINE.isdisjoint(words):
        return None
    if name == "uv" and words[:1] == ("python",):
        # uv's documentation, UV_PYTHON_CACHE_DIR: without it no archive of an interpreter is kept.
        return None
    if any(_is_elsewhere(name, word) for word in words):
        return None
    if any(bare.env.get(variable) for variable in manager.elsewhere_by):
        return _not_known(name)
    switches = manager.off_by.items()
    off = next((name for name, no in switches if bare.env.get(name, "").lower() not in no), None)
    if off is not None:
        return _turned_off(off)
    if name == "composer" and not any(bare.env.get(each) for each in _COMPOSER_PLACES):
        return _one_of_two()
    caches = _caches(name, bare)
    if not caches or any(HOLE in cache.path for cache in caches):
        return _not_known(name)
    return Keeping(
        name,
        caches,
        tuple(word for word in words if word in manager.off),
        tuple(_settings(manager, bare)),
        manager.is_of_image,
        manager.lock and (posixpath.join(bare.directory, manager.lock[0]), manager.lock[1]),
        manager.goes_on,
    )


def _name(call: Call) -> str | None:
    """Returns the manager that ``call`` runs."""
    if _PYTHON.fullmatch(call.program) and call.words[1:3] == ("-m", "pip"):
        return "pip"
    found = (name for name, program in _PROGRAMS.items() if program.fullmatch(call.program))
    return next(found, None)


def manager(call: Call) -> str | None:
    """Returns the name of the package manager that ``call`` runs, of those that `keeping` knows."""
    bare = unwrapped(call)
    return _name(bare) if bare is not None else None


def _is_elsewhere(name: str, word: str) -> bool:
    """Tells whether the option ``word`` names a cache, or a file that may name one."""
    if name == "apt-get":
        return word.startswith(("-c", "--config-file")) or "dir::" in word.lower()
    return word.startswith(_MANAGERS[name].elsewhere)


def _caches(name: str, call: Call) -> tuple[DownloadCache, ...]:
    if name == "apt-get":
        # apt locks the directory (archives/lock), but a second one then fails (apt-pkg/fileutl.cc).
        return (DownloadCache(APT_ARCHIVES, is_locked=False),)
    found = download_caches(call)
    # Of Yarn's two places the first is Yarn 1's.
    return found[:1] if name == "yarn" else found


def _settings(manager: _Manager, call: Call) -> list[str]:
    home = call.env.get("HOME", "")
    places = (call.directory, home)
    found = []
    for name in manager.settings:
        if name.startswith("~"):
            found.append(places[1] + name[1:])
        else:
            found.append(name if name.startswith("/") else f"{places[0].rstrip('/')}/{name}")
    return found


def _turned_off(name: str) -> Obstacle:
    return Obstacle(
        "cache-turned-off",
        f"${name} keeps the package manager from keeping anything.",
        f"Take {name} away if it is there to keep the image small: a cache mount is no part of it.",
    )


_COMPOSER_PLACES = ("COMPOSER_CACHE_DIR", "COMPOSER_HOME")
"""Composer's documentation, "Environment variables"."""


def _one_of_two() -> Obstacle:
    """composer/src/Composer/Factory.php, getCacheDir and useXdg: ~/.cache/composer where /etc/xdg
    is a directory, else ~/.composer/cache."""
    return Obstacle(
        "cache-place-unknown",
        "Where composer keeps its downloads hangs on whether the image has /etc/xdg.",
        "Set COMPOSER_CACHE_DIR with ENV above it.",
    )


def _not_known(name: str) -> Obstacle:
    return Obstacle(
        "cache-place-unknown",
        f"Where {name} keeps its downloads hangs on a home directory or a variable that is not "
        "known.",
        "Set HOME with ENV above it.",
    )
