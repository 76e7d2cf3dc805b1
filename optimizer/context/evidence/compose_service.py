"""What a Compose service says of its container: commands, health check, volumes.

Source: compose-spec, 05-services.md (command, entrypoint, healthcheck, volumes, tty, stdin_open),
develop.md; compose-go splits texts as shells do quotes, without a shell (format, shellwords).
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator
from typing import Final

from optimizer.context.evidence.build import UNKNOWN
from optimizer.context.evidence.yaml_text import Scalar, Value, YamlMapping, YamlSequence
from optimizer.context.service import Bind, Service

Expand = Callable[[str | None], str | None]

_HOST_PATH: Final = re.compile(r"[./~\\]|[A-Za-z]:[\\/]|\0")
_WINDOWS_PATH: Final = re.compile(r"([A-Za-z]:[\\/][^:]*):(.*)")


def read_service(service: YamlMapping, found_by: str, line: int, expand: Expand) -> Service:
    """Returns what the mapping of one service says; ``expand`` puts variables in."""
    return Service(
        found_by=found_by,
        line=line,
        entrypoint=_words(service.get("entrypoint"), expand),
        command=_words(service.get("command"), expand),
        health=_health(service.mapping("healthcheck"), expand),
        binds=tuple(_binds(service.get("volumes"), expand)),
        is_interactive=_is_true(service, "tty") and _is_true(service, "stdin_open"),
        watches=_syncs(service.get("develop", "watch")),
        lines=tuple(service.lines.items()),
    )


def _is_true(service: YamlMapping, key: str) -> bool:
    return (service.text(key) or "").lower() in ("true", "yes", "on")


def _syncs(watch: Value | None) -> bool:
    """An action ``rebuild`` makes a new image; the others change the running container."""
    rules = watch.items if isinstance(watch, YamlSequence) else []
    return any(isinstance(r, YamlMapping) and r.text("action") != "rebuild" for r in rules)


def _words(value: Value | None, expand: Expand) -> tuple[str, ...] | None:
    if isinstance(value, Scalar):
        text = expand(value) or ""
        try:
            return tuple(shlex.split(text))
        except ValueError:
            return (UNKNOWN,)
    if isinstance(value, YamlSequence):
        items = (item for item in value.items if isinstance(item, Scalar))
        return tuple(expand(item) or "" for item in items)
    return None


def _health(section: YamlMapping, expand: Expand) -> tuple[str, ...] | None:
    if _is_true(section, "disable"):
        return ()
    test = section.get("test")
    if isinstance(test, Scalar):
        return ("/bin/sh", "-c", expand(test) or "")
    words = _words(test, expand)
    if not words:
        return words
    kind, rest = words[0], words[1:]
    if kind == "CMD-SHELL":
        return ("/bin/sh", "-c", *rest[:1])
    return rest if kind == "CMD" else ()


def _binds(value: Value | None, expand: Expand) -> Iterator[Bind]:
    """Yields the bind mounts; named and anonymous volumes bring nothing of the host's."""
    for item in value.items if isinstance(value, YamlSequence) else ():
        if isinstance(item, YamlMapping):
            source, target = expand(item.text("source")), expand(item.text("target"))
            if item.text("type") == "bind" and source and target:
                yield Bind(source, target)
        elif isinstance(item, Scalar):
            bind = _short(expand(item) or "")
            if bind is not None:
                yield bind


def _short(text: str) -> Bind | None:
    """``./src:/app:ro``; without a path of the host it is a volume."""
    windows = _WINDOWS_PATH.fullmatch(text)
    source, rest = (windows[1], windows[2]) if windows else (text.partition(":")[::2])
    target = rest.partition(":")[0]
    return Bind(source, target) if target and _HOST_PATH.match(source) else None
