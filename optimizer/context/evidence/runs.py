"""``docker run`` and its relatives: what runs in an image beside what the image says itself."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from optimizer.context.evidence.build import UNKNOWN, ImageUse, is_known

_ENGINES: Final = frozenset({"docker", "podman", "nerdctl", "finch"})
_COMPOSE: Final = frozenset({"docker-compose", "podman-compose"})

# docker/cli, cli/command/container/opts.go and run.go (podman-run(1) and nerdctl take the same);
# docker/compose, cmd/compose/run.go and exec.go, and cmd/compose/compose.go for what stands in
# front of the verb.
_FLAGS: Final = frozenset(
    ("all-resources", "build", "compatibility", "detach", "disable-content-trust", "dry-run",
     "help", "init", "interactive", "no-deps", "no-healthcheck", "no-hosts", "no-TTY", "no-tty",
     "oom-kill-disable", "privileged", "publish-all", "quiet", "quiet-build", "quiet-pull",
     "read-only", "remove-orphans", "replace", "rm", "rmi", "service-ports", "sig-proxy", "tty",
     "use-aliases", "verbose", "debug", "tls", "tlsverify", "remote")
)  # fmt: skip
"""Options that take no value as a word of its own."""
_SHORT: Final = frozenset("acefhlmnpuvwH")
"""Short options that take a value."""

_PROMPT: Final = re.compile(r"(?:.*/)?(?:ba|da|a|z|fi|k)?sh")


def run_of(words: Sequence[str], found_by: str, folder: str) -> Iterator[ImageUse]:
    """Yields what a command runs in an image; nothing where it leaves that to the image, opens a
    prompt for people, or where only the call decides it. The words have no wrappers in front, and
    are called in ``folder``."""
    engine = posixpath.basename(words[0]) if words else ""
    if engine not in _ENGINES | _COMPOSE:
        return
    _, rest = _options(words[1:])
    is_service = engine in _COMPOSE
    if rest[:1] in (["compose"], ["container"]):
        is_service = rest[0] == "compose"
        _, rest = _options(rest[1:])
    if rest[:1] == ["run"] or (is_service and rest[:1] == ["exec"]):
        entrypoint, call = _options(rest[1:])
        use = _use(found_by, call, entrypoint, rest[0] == "exec")
        if use is not None:
            yield replace(use, is_service=is_service, folder=folder)


def _use(found_by: str, call: list[str], entrypoint: str | None, is_exec: bool) -> ImageUse | None:
    name, words = (call[0], tuple(call[1:])) if call else ("", ())
    first = (entrypoint,) if entrypoint else ()
    if not is_told((*first, *words)):
        return None
    if is_exec:
        return ImageUse(found_by, name, entrypoint=words)
    return ImageUse(found_by, name, first or None, words or None)


def is_told(words: Sequence[str]) -> bool:
    """Says whether a command is known, and no mere prompt."""
    if not words or not is_known(words[0]):
        return False
    return len(words) > 1 or _PROMPT.fullmatch(words[0]) is None


def _options(words: Sequence[str]) -> tuple[str | None, list[str]]:
    """Returns the value of ``--entrypoint``, and the words behind the options: what stands behind
    the first word that is none belongs to what that names."""
    entrypoint: str | None = None
    rest = list(reversed(words))
    while rest and (rest[-1].startswith("-") or rest[-1] == UNKNOWN):
        word = rest.pop()
        name, equals, value = word.removeprefix("--").partition("=")
        if word.startswith("--") and not equals and name not in _FLAGS:
            value = rest.pop() if rest else ""
        elif not word.startswith("--") and _wants_value(word[1:]):
            rest[-1:] = []
        if word.startswith("--entrypoint"):
            entrypoint = value
    return entrypoint, rest[::-1]


def _wants_value(cluster: str) -> bool:
    """Says whether short options end in one whose value is the next word."""
    at = next((at for at, letter in enumerate(cluster) if letter in _SHORT), -1)
    return at >= 0 and at == len(cluster) - 1
