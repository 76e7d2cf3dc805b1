"""What a build leaves, seen from the container that is started: which paths its commands name.

The modules that know what builds leave (`optimizer.knowledge.producers`) share what they say of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase

from optimizer.knowledge.installs import HOLE, Call, Obstacle
from optimizer.knowledge.manifests import resolve, within
from optimizer.knowledge.products import Made
from optimizer.knowledge.running import Running

_OPTION_VALUE = re.compile(r"--?[\w.-]+[=:](?P<value>.+)", re.DOTALL)
_MOVES_ONLY = frozenset(("cd", "pushd"))
_WILD = re.compile(r"[*?\[]")


def named_paths(running: Running) -> tuple[str, ...]:
    """Returns the absolute paths that words of the running commands may name; of a pattern the
    words as they are, and of a class path each of its parts."""
    found: dict[str, None] = {}
    for call in running.calls:
        for path in _paths_of(call):
            found[path] = None
    return tuple(found)


def _paths_of(call: Call) -> Iterator[str]:
    if call.program in _MOVES_ONLY or HOLE in call.directory:
        return
    for index, word in enumerate(call.words):
        match = _OPTION_VALUE.fullmatch(word)
        text = match["value"] if match else word
        if not text or HOLE in text or (index and text.startswith("-")):
            continue
        if index == 0 and "/" not in text:
            continue
        for part in text.split(":"):
            if part:
                yield resolve(call.directory, part)


def below(running: Running, directory: str) -> tuple[str, ...]:
    """Returns the paths that the running commands name in ``directory``."""
    return tuple(path for path in named_paths(running) if within(path, directory))


def runs(running: Running, name: str) -> bool:
    """Tells whether a program called ``name`` is started, or may be."""
    own = {call.program for call in running.calls}
    return running.opaque is not None or name in own or name in running.programs


def matches(path: str, pattern: str) -> bool:
    """Tells whether a shell that finds ``path`` puts it in the place of ``pattern``."""
    if path.count("/") != pattern.count("/"):
        return False
    pairs = zip(path.split("/"), pattern.split("/"), strict=True)
    return all(fnmatchcase(name, part) for name, part in pairs)


def is_pattern(word: str) -> bool:
    """Tells whether a shell looks for files that ``word`` matches."""
    return _WILD.search(word) is not None


def title(call: Call) -> str:
    """Returns a command in words for a sentence, what is not known as ``…``."""
    text = " ".join(" ".join(call.words).replace(HOLE, "…").split())
    return text if len(text) <= 60 else text[:59] + "…"


def _started(call: Call) -> str:
    """Returns the name of the program, or of the script that a shell is given."""
    if call.program in ("sh", "bash", "dash", "ash") and len(call.words) > 1:
        return call.words[1].rpartition("/")[2]
    return call.program


def not_known(
    call: Call, why: str, unblock: str | None = None, path: str | None = None
) -> Obstacle:
    """Says that what ``call`` leaves for the run time cannot be told."""
    return Obstacle(
        "product-not-known",
        f"What `{title(call)}` leaves for the run time is not known: {why}.",
        unblock or "Say what it leaves in a comment above it: `# dockopt: writes=PATH,...`.",
        path,
    )


def runs_sources(call: Call, made: Made, *programs: str) -> Obstacle | None:
    """Returns an obstacle where a container starts one of the build tools ``programs``, and so
    builds, or needs what the build keeps for itself, when it is started."""
    started = {_started(each): each for each in made.running.calls}
    for name in programs:
        if name in started or name in made.running.programs:
            shown = title(started[name]) if name in started else name
            return Obstacle(
                "runs-from-sources",
                f"A container of this image runs `{shown}`, so it needs the build tool and the "
                f"sources that `{title(call)}` works on.",
                "Let CMD run what the build makes.",
            )
    return None
