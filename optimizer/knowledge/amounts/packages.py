"""What apt and apk write: packages of the distribution and the lists of them."""

from __future__ import annotations

from collections.abc import Sequence

from optimizer.knowledge.amounts.amount import Amount, Setting
from optimizer.knowledge.amounts.measured import APT_LISTS
from optimizer.knowledge.distribution.packages import installed_bytes, releases_of
from optimizer.knowledge.installs import Call, Files

_APT_VALUES = frozenset(("-o", "--option", "-t", "--target-release", "-c", "--config-file"))
_APK_VALUES = frozenset(("-t", "--virtual", "-X", "--repository", "-p", "--root"))


def written(call: Call, files: Files, setting: Setting) -> Sequence[Amount] | None:
    """Returns what one command leaves, None where it is not known."""
    values = _APK_VALUES if call.program == "apk" else _APT_VALUES
    words = _operands(call.words[1:], values)
    verb = words[0] if words else ""
    if call.program == "apk":
        return _installed(words[1:], setting) if verb == "add" else ()
    if verb == "update":
        return [] if setting.clears_lists else [Amount("/var/lib/apt/lists", APT_LISTS)]
    return _installed(words[1:], setting) if verb == "install" else ()


def _operands(words: Sequence[str], values: frozenset[str]) -> list[str]:
    rest, found = iter(words), list[str]()
    for word in rest:
        if word in values:
            next(rest, None)
        elif not word.startswith("-"):
            found.append(word)
    return found


def _installed(words: Sequence[str], setting: Setting) -> Sequence[Amount]:
    names = tuple(dict.fromkeys(word.partition("=")[0].partition("/")[0] for word in words))
    releases = releases_of(*setting.image) if setting.image is not None else ()
    return [Amount("/usr", installed_bytes(names, releases) if releases else None)]
