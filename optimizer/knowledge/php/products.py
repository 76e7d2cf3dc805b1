"""What Composer and the scripts of the official PHP images leave for the run time.

Sources: the Composer reference ("Command-line interface / Commands", "composer.json schema"),
docker-library/php (docker-php-ext-install, docker-php-ext-enable), PECL's manual; trials with
Composer 2.5.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from optimizer.knowledge.installs import HOLE, Call, Files, Install, Obstacle
from optimizer.knowledge.manifests import Held, JsonManifest, Survey, ancestors, resolve
from optimizer.knowledge.php import composer
from optimizer.knowledge.products import Made, Product

_EXTENSIONS: Final = "/usr/local/lib/php/extensions"
_SETTINGS: Final = "/usr/local/etc/php/conf.d"
_LEFT_BY_PECL = tuple(
    f"/usr/local/{path}" for path in ("lib/php/.registry", "lib/php/doc", "lib/php/test",
                                      "lib/php/data", "lib/php/.channels", "include/php/ext")
)  # fmt: skip
NEVER_WHOLE: Final = frozenset(
    (
        "/",
        "/etc",
        "/home",
        "/opt",
        "/root",
        "/srv",
        "/tmp",
        "/usr",
        "/usr/local",
        "/var",
        "/var/lib",
    )
)
"""Directories that hold more than a project, so that they are never kept whole."""

_MOST_SOURCES = 4_000
_MOST_BYTES = 30_000_000
# Flags that say how the autoloader is made, and what may be installed (InstallCommand.php).
_CARRIED = frozenset(
    ("-o", "--optimize-autoloader", "-a", "--classmap-authoritative", "--apcu-autoloader",
     "--ignore-platform-reqs", "-n", "--no-interaction")
)  # fmt: skip


def product(call: Call, made: Made) -> Product | Obstacle | None:
    """Says what ``call`` leaves for the run time; see `optimizer.knowledge.products.Producer`."""
    if call.program == "docker-php-ext-install":
        return _extensions(call.words[1:])
    if call.program in ("docker-php-ext-configure", "docker-php-source"):
        return Product((), drops=("/usr/src/php",), compiles=True)
    if HOLE in call.directory or any(HOLE in word for word in call.words):
        return None
    try:
        return _product(call, made)
    except Held as held:
        return _not_known(call, held.obstacle.reason, held.obstacle.unblock)


def _product(call: Call, made: Made) -> Product | Obstacle | None:
    match call.program:
        case "docker-php-ext-enable":
            return Product((_SETTINGS,), interpreter="php")
        case "pecl":
            return _pecl(call)
        case "install-php-extensions":
            # It brings packages of the distribution as well, and takes away what it built with.
            return _installed_again(call)
    found = composer.recognise(call)
    if isinstance(found, Install):
        return _installed(found, made)
    if isinstance(found, Obstacle):
        return _not_known(call, found.reason, found.unblock)
    return _run(call, made)


def _not_known(call: Call, why: str, unblock: str | None = None) -> Obstacle:
    return Obstacle(
        "unknown-product",
        f"What `{' '.join(call.words)}` leaves for the run time is not known: {why}",
        unblock or "Say what it leaves in a comment above it: `# dockopt: writes=PATH,...`.",
    )


# Extensions


def _extensions(words: Sequence[str]) -> Product | None:
    """docker-php-ext-install: one library and one ini file an extension; ``-j`` counts jobs."""
    pairs = zip(words, ("", *words), strict=False)
    named = {word for word, above in pairs if not word.startswith("-") and above != "-j"}
    if any(HOLE in word for word in named):
        return None
    return Product(
        (_EXTENSIONS, _SETTINGS),
        drops=("/usr/src/php", "/usr/local/include/php/ext"),
        interpreter="php",
        linking="dynamic",
        ecosystem="php-ext",
        packages=tuple(sorted(named)),
        compiles=True,
    )


def _installed_again(call: Call) -> Product:
    """install-php-extensions (mlocati/docker-php-extension-installer, README)."""
    named = {re.split(r"[-^@]", word)[0] for word in call.words[1:] if word[:1].isalpha()}
    return Product(
        (),
        interpreter="php",
        linking="dynamic",
        ecosystem="php-ext",
        packages=tuple(sorted(named)),
        again=True,
    )


def _pecl(call: Call) -> Product | None:
    """pecl install NAME-VERSION: a library, without an ini file."""
    words = [word for word in call.words[1:] if not word.startswith("-")]
    if words[:1] != ["install"]:
        return None
    names = {re.sub(r"-(?:\d[\w.]*|stable|beta|alpha|devel)$", "", word) for word in words[1:]}
    return Product(
        (_EXTENSIONS,),
        drops=(*_LEFT_BY_PECL, "/tmp/pear"),
        interpreter="php",
        linking="dynamic",
        ecosystem="php-ext",
        packages=tuple(sorted(names)),
        compiles=True,
    )


# Composer


def _installed(install: Install, made: Made) -> Product | Obstacle:
    call, files = install.call, made.files
    root = _directory(call)
    survey = Survey(files)
    path = resolve(root, "composer.json")
    if not survey.has_file(path):
        return _not_known(call, f"{path} is not among the copied files.")
    manifest = survey.json(path)
    lock = _lock(survey, root)
    keeps = _places(call, manifest, root)
    if keeps == (root,) and root in NEVER_WHOLE:
        return _not_known(call, f"the project lies in {root}.", "Give it a directory of its own.")
    caches = [cache.path for cache in composer.download_caches(call)]
    prune, kept = _without_development(call, manifest, lock, made, root, keeps)
    return Product(
        keeps,
        drops=(*caches, *(keeps if prune else ())),
        prune=prune,
        directory=root,
        interpreter="php",
        ecosystem="packagist",
        packages=tuple(sorted({str(each.get("name")) for each in _rows(lock, "packages")})),
        assumes=() if kept is None else (f"Development packages stay in the image: {kept}.",),
    )


def _directory(call: Call) -> str:
    for name, value in zip(call.words, (*call.words[1:], "."), strict=True):
        if name in ("-d", "--working-dir") and not value.startswith("memory_limit"):
            return resolve(call.directory, value)
        if name.startswith("--working-dir="):
            return resolve(call.directory, name.partition("=")[2])
    return call.directory


def _lock(survey: Survey, root: str) -> Mapping[str, Any]:
    path = resolve(root, "composer.lock")
    return survey.json(path).data if survey.has_file(path) else {}


def _rows(lock: Mapping[str, Any], section: str) -> Iterator[Mapping[str, Any]]:
    rows = lock.get(section)
    yield from (row for row in rows if isinstance(row, Mapping)) if isinstance(rows, list) else ()


def _section(manifest: JsonManifest, name: str) -> Mapping[str, Any]:
    section = manifest.data.get(name)
    return section if isinstance(section, Mapping) else {}


def _places(call: Call, manifest: JsonManifest, root: str) -> tuple[str, ...]:
    """Returns where packages go: vendor, or the whole project where scripts or plugins may write
    elsewhere in it."""
    config, extra = _section(manifest, "config"), _section(manifest, "extra")
    runs = bool(_section(manifest, "scripts")) and "--no-scripts" not in call.words
    allowed = config.get("allow-plugins")
    plugins = allowed is True or (isinstance(allowed, Mapping) and any(allowed.values()))
    if runs or "installer-paths" in extra or (plugins and "--no-plugins" not in call.words):
        return (root,)
    vendor = call.env.get("COMPOSER_VENDOR_DIR") or config.get("vendor-dir") or "vendor"
    if "bin-dir" in config or "COMPOSER_BIN_DIR" in call.env or not isinstance(vendor, str):
        return (root,)
    return (resolve(root, vendor),)


def _without_development(
    call: Call, manifest: JsonManifest, lock: Mapping[str, Any], made: Made, root: str,
    keeps: Sequence[str],
) -> tuple[str | None, str | None]:  # fmt: skip
    """Returns the command that takes out development packages, or why they stay; neither where
    there are none."""
    if "--no-dev" in call.words or call.env.get("COMPOSER_NO_DEV") in ("1", "true"):
        return None, None
    if not _section(manifest, "require-dev"):
        return None, None
    if keeps == (root,):
        return None, "scripts or plugins of the project may have registered them"
    if not lock:
        return None, "no composer.lock says which they are"
    if made.running.opaque is not None:
        return None, f"what a container runs is not known: {made.running.opaque}"
    if (user := _user_of(lock, made.files, root)) is not None:
        return None, user
    words = [word for word in call.words if word in _CARRIED]
    program = call.words[0] if call.program.startswith("composer") else "composer"
    return " ".join((program, "install", "--no-dev", "--no-scripts", *words)), None


def _user_of(lock: Mapping[str, Any], files: Files, root: str) -> str | None:
    """Returns why code of the project may load a development package, None where that is ruled
    out: no source names one of their namespaces."""
    spaces: set[str] = set()
    for row in _rows(lock, "packages-dev"):
        autoload = row.get("autoload")
        autoload = autoload if isinstance(autoload, Mapping) else {}
        if "files" in autoload or "classmap" in autoload:
            # Functions and classes without a namespace of their own: they may be called anything.
            name = str(row.get("name"))
            if name.partition("/")[0] not in ("phpunit", "sebastian", "myclabs", "phar-io"):
                return f"{name} may be loaded under any name"
        for kind in ("psr-4", "psr-0"):
            section = autoload.get(kind)
            spaces.update(key.rstrip("\\") for key in section or () if key)
    if not spaces:
        return None
    either = "|".join(re.escape(space) for space in sorted(spaces, key=len, reverse=True))
    pattern = re.compile(rf"(?:{either})\\".replace("\\\\", r"\\{1,2}").encode())
    left, seen = _MOST_BYTES, 0
    for path in _sources(files, root):
        content = files.read(path)
        left, seen = left - len(content or b""), seen + 1
        if content is None or left < 0 or seen > _MOST_SOURCES:
            return f"{path} is more code than is searched for what it loads"
        if (match := pattern.search(content)) is not None:
            return f"{path} names {match[0].decode('utf-8', 'replace')}, which is one of them"
    return None if seen else f"no code of the project lies in {root} yet"


_CODE = re.compile(r"\.(?:php|phtml|inc|twig|ya?ml|neon|xml)$")
_OF_CHECKERS = re.compile(r"phpunit|phpstan|psalm|rector|ecs\.|\.php-cs|phpcs|infection")
"""Settings of programs that test and check code."""


def _sources(files: Files, root: str) -> Iterator[str]:
    queue = [(root, 0)]
    while queue:
        directory, depth = queue.pop()
        for name in files.children(directory):
            path = resolve(directory, name)
            kind = files.kind(path)
            if kind == "file" and re.search(r"\.(?:php|phtml|inc|twig|ya?ml|neon|xml)$", name):
                if not _OF_CHECKERS.match(name):
                    yield path
            elif kind == "dir" and depth < 40 and name not in ("vendor", "tests", "test", ".git",
                                                               "node_modules", "spec"):  # fmt: skip
                queue.append((path, depth + 1))


# Programs of the project


def _run(call: Call, made: Made) -> Product | Obstacle | None:
    """`php artisan config:cache`, `php bin/console cache:warmup`, `composer dump-autoload`."""
    own = [word for word in call.words[1:] if not word.startswith("-")]
    verb = own[0] if own else ""
    by_composer = call.program.startswith("composer")
    runs = by_composer and verb in ("dump-autoload", "dumpautoload", "run", "run-script")
    script = call.program.startswith("php") and made.files.kind(
        resolve(call.directory, verb or ".")
    ) == "file"  # fmt: skip
    if not runs and not script:
        return None
    found = (at for at in ancestors(call.directory) if _has_manifest(made.files, at))
    root = next(found, call.directory)
    if root in NEVER_WHOLE:
        return _not_known(call, f"the project lies in {root}.", "Give it a directory of its own.")
    title = " ".join(call.words)
    return Product(
        (root,),
        interpreter="php",
        assumes=(f"What `{title}` leaves for the run time lies in {root}.",),
    )


def _has_manifest(files: Files, directory: str) -> bool:
    return files.kind(resolve(directory, "composer.json")) == "file"
