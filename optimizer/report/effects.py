"""The face of ``dockopt print effects``: what each step reads and writes, as JSON and as text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from optimizer.effects.commands import PROGRAMS
from optimizer.effects.copies import CopyStep
from optimizer.effects.effects import CommandEffects, ContextReads, Effects, Variables
from optimizer.effects.paths import Paths
from optimizer.knowledge.installs import Obstacle
from optimizer.report.words import printable

SCHEMA_VERSION = 1

_WIDTH = 72
"""How much of an instruction or a command is shown."""


def as_json(effects: Sequence[Effects], path: str) -> dict[str, object]:
    """Returns the effects of all steps of the file at ``path``, as values for JSON.

    A set of paths is ``{"prefixes": [...], "copies": [...], "opaque": reason}``: everything at
    or below the prefixes, and the files of the context that the copies bring from ``source``
    to ``target``. With a reason for being opaque it may be any path.
    """
    return {
        "schema_version": SCHEMA_VERSION,
        "path": path,
        "steps": [_step(each) for each in effects],
    }


def _step(effects: Effects) -> dict[str, object]:
    instruction = effects.step.instruction
    return {
        "id": effects.step.id,
        "line": instruction.line,
        "end_line": instruction.end_line,
        "keyword": instruction.keyword,
        "reads": _paths(effects.reads),
        "writes": _paths(effects.writes),
        "makes": sorted(effects.makes),
        "needs": sorted(effects.needs),
        "context": _context(effects.context),
        "variables": _variables(effects.variables),
        "inherits": sorted(effects.inherits),
        "sets": sorted(effects.sets),
        "assigns": list(effects.assigns),
        "settings": list(effects.settings),
        "network": effects.network,
        "secrets": list(effects.secrets),
        "obstacle": _obstacle(effects.obstacle),
        "commands": [_command(command) for command in effects.commands],
    }


def _command(command: CommandEffects) -> dict[str, object]:
    return {
        "text": command.text,
        "words": None if command.words is None else list(command.words),
        "reads": _paths(command.reads),
        "writes": _paths(command.writes),
        "variables": _variables(command.variables),
        "network": command.network,
        "repeatable": command.repeatable,
        "install": command.install and command.install.title,
        "obstacle": _obstacle(command.obstacle),
    }


def _paths(paths: Paths) -> dict[str, object]:
    return {
        "prefixes": sorted(paths.prefixes),
        "copies": [
            {"source": source.entry.path, "target": source.target}
            for copy in paths.copies
            for source in copy.sources
        ],
        "opaque": paths.opaque,
    }


def _context(context: ContextReads) -> dict[str, object]:
    return {
        "patterns": list(context.patterns),
        "excludes": list(context.excludes),
        "opaque": context.opaque,
    }


def _variables(variables: Variables) -> dict[str, object]:
    return {
        "names": sorted(variables.names),
        "patterns": sorted(variables.patterns),
        "opaque": variables.opaque,
    }


def _obstacle(obstacle: Obstacle | None) -> dict[str, str] | None:
    if obstacle is None:
        return None
    return {"code": obstacle.code, "reason": obstacle.reason, "unblock": obstacle.unblock}


def as_text(effects: Sequence[Effects]) -> str:
    """Returns the effects of all steps for reading, with a final line end."""
    width = max((len(each.step.id) for each in effects), default=0)
    rows: list[str] = []
    for each in effects:
        line = f"line {each.step.instruction.line}"
        text = _short(each.step.instruction.logical.text)
        rows.append(f"{each.step.id:<{width}}  {line:<8}  {text}")
        rows += [f"{'':{width + 12}}{row}" for row in rows_of(each)]
    return "".join(f"{row}\n" for row in rows)


def rows_of(effects: Effects) -> Iterator[str]:
    """Yields what one step reads, writes and takes from the state it runs in, a line each."""
    if effects.commands:
        yield from (row for command in effects.commands for row in _command_rows(command))
        if any(command.obstacle is not None for command in effects.commands):
            own = (path for path in effects.reads.prefixes if path not in PROGRAMS)
            yield from _listed("reads in all", Paths(tuple(own), opaque=effects.reads.opaque))
            yield from _listed("writes in all", effects.writes)
    else:
        yield from _listed("reads", effects.reads)
        yield from _listed("writes", effects.writes)
    yield from _said("from the context", _context_words(effects.context))
    yield from _said("makes", sorted(effects.makes))
    yield from _said("needs", sorted(effects.needs))
    yield from _said("takes", sorted(effects.inherits))
    yield from _said("sets", sorted(effects.sets))
    yield from _said("assigns", [f"${name}" for name in effects.assigns])
    yield from _said("settings", effects.settings)
    if effects.variables.opaque is not None:
        yield f"any variable: {printable(effects.variables.opaque)}"
    else:
        yield from _said("names", [f"${name}" for name in sorted(effects.variables.names)])
    if effects.network:
        yield "network"
    yield from _said("secrets", effects.secrets)
    if effects.obstacle is not None:
        yield f"opaque: {effects.obstacle.code}: {printable(effects.obstacle.reason)}"


def _command_rows(command: CommandEffects) -> Iterator[str]:
    yield f"$ {_short(command.text)}"
    if command.obstacle is not None:
        yield f"  opaque: {printable(command.obstacle.reason)}"
        return
    yield from (f"  {row}" for row in _listed("reads", command.reads))
    yield from (f"  {row}" for row in _listed("writes", command.writes))


def _listed(what: str, paths: Paths) -> Iterator[str]:
    if paths.opaque is not None:
        yield f"{what} any path: {printable(paths.opaque)}"
        return
    words = [*sorted(paths.prefixes), *(word for copy in paths.copies for word in _copied(copy))]
    yield from _said(what, words)


def _copied(copy: CopyStep) -> Iterator[str]:
    for source in copy.sources:
        yield f"{source.target} (from {source.entry.path or '.'})"


def _context_words(context: ContextReads) -> list[str]:
    if context.opaque is not None:
        return [f"any file: {context.opaque}"]
    words = [pattern or "." for pattern in context.patterns]
    return [*words, *(f"but {pattern}" for pattern in context.excludes)]


def _said(what: str, words: Iterable[str]) -> Iterator[str]:
    text = " ".join(map(printable, words))
    if text:
        yield f"{what} {text}"


def _short(text: str) -> str:
    shown = " ".join(printable(text[: 8 * _WIDTH]).split())
    return shown if len(shown) <= _WIDTH else shown[: _WIDTH - 3] + "..."
