"""The scripts of the official PHP images, and PECL.

Source: docker-library/php, docker-php-ext-{configure,enable,install} and docker-php-source. The
scripts that build run the build systems of PHP's own sources or of packages, which are taken to
keep to the places of the system, to PHP's sources and to temporary files; any variable may steer
a compiler. On Alpine they install the compiler for the time of the build.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from optimizer.knowledge.commands.line import Unknown, homes, places, temporary
from optimizer.knowledge.commands.places import SYSTEM
from optimizer.knowledge.installs import HOLE, Call, Touch

_SOURCES = ("/usr/src/php", "/usr/src/php.tar.xz", "/usr/src/php.tar.xz.asc")


def _sources(call: Call) -> Touch:
    """docker-php-source extract|delete: unpacks PHP's sources, or removes them."""
    return Touch(_SOURCES, ("/usr/src/php",), repeatable=True)


def _built(call: Call) -> Touch:
    """Names of extensions and options of their configure scripts; a path may name anything."""
    if any(word.startswith(("/", ".", HOLE)) for word in call.words[1:]):
        raise Unknown
    prefixes = [w.partition("=")[2] for w in call.words[1:] if re.match(r"--[\w-]+=/", w)]
    reads = (*SYSTEM, *_SOURCES, *places(call, prefixes))
    return Touch(reads, (*SYSTEM, "/usr/src/php", *temporary(call)), ("*",), network=True)


def _enabled(call: Call) -> Touch:
    """docker-php-ext-enable: one ini file an extension; on Alpine it installs nm for a moment."""
    if any("/" in word or word.startswith(HOLE) for word in call.words[1:]):
        raise Unknown
    return Touch(SYSTEM, SYSTEM, ("PHP*", "*_proxy", "*_PROXY"), network=True)


_HARMLESS = ("version", "list", "info", "help", "channel-info", "search", "remote-info")


def _pecl(call: Call) -> Touch:
    """pecl, pear: packages by name from their channels, built with their own scripts."""
    words = [word for word in call.words[1:] if not word.startswith("-")]
    verb = words[0] if words else "help"
    left = homes(call, ".pearrc")
    caches = ("/tmp/pear", *left)
    if verb in _HARMLESS:
        return Touch((*SYSTEM, *left), caches, ("PHP_*",), network=True)
    if verb not in ("install", "upgrade", "update-channels", "channel-update", "clear-cache",
                    "config-set", "uninstall"):  # fmt: skip
        raise Unknown
    if any(re.match(r"[./\0]|.*\.(?:xml|tgz|tar)$", word) for word in words[1:]
           if verb != "config-set"):  # fmt: skip
        raise Unknown
    return Touch((*SYSTEM, *left), (*SYSTEM, *caches, *temporary(call)), ("*",), network=True)


ROWS: Mapping[str, Callable[[Call], Touch]] = {
    "docker-php-source": _sources,
    "docker-php-ext-install": _built,
    "docker-php-ext-configure": _built,
    "docker-php-ext-enable": _enabled,
    "pecl": _pecl,
    "pear": _pecl,
}
