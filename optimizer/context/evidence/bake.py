"""Bake files: targets with what they inherit, in HCL and in JSON.

Source: docs.docker.com/build/bake/reference and docker/buildx, bake/bake.go.
Only values are read, no functions: what an expression computes is unknown.
"""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, product
from typing import Any, Final

from optimizer.context.evidence.build import (
    LONGEST_VALUE,
    START,
    UNKNOWN,
    Build,
    Evidence,
    Files,
    Strength,
    Unread,
    default_dockerfiles,
    folders_up,
    is_known,
    is_remote,
    join,
)

# buildx, bake/bake.go, defaultFilenames, the Bake files among them.
_BASES: Final = ("docker-bake.json", "docker-bake.hcl")
_OVERRIDES: Final = ("docker-bake.override.json", "docker-bake.override.hcl")

_LARGEST: Final = 64 * 1024
"""python-hcl2 takes about 0.1 s for 10 kB."""
_DEEPEST: Final = 16
_MOST_COMBINATIONS: Final = 256

_REFERENCE: Final = re.compile(r"[A-Za-z_][\w-]*(?:\.[A-Za-z_][\w-]*)*")
_TEMPLATE_PART: Final = re.compile(r"\$\$\{|%%\{|\$\{|%\{|\\.", re.DOTALL)
_ESCAPES: Final = {"n": "\n", "t": "\t", "r": "\r"}


class _BakeError(ValueError):
    """The file cannot be read."""


@dataclass(frozen=True, slots=True)
class _Template:
    """A quoted string as it stands in the file, with ``${...}`` and escapes in it."""

    text: str


@dataclass(frozen=True, slots=True)
class _Expression:
    """Anything else that is no literal."""

    text: str


_Scope = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _File:
    """One or more Bake files, laid over each other: blocks by type and name."""

    blocks: Mapping[str, Mapping[str, Mapping[str, Any]]]

    def of(self, kind: str) -> Mapping[str, Mapping[str, Any]]:
        return self.blocks.get(kind, {})

    def over(self, base: _File) -> _File:
        kinds = {**base.blocks, **self.blocks}
        return _File({kind: _joined(base.of(kind), self.of(kind)) for kind in kinds})


def read(path: str, text: str, files: Files) -> Iterator[Evidence]:
    """Lists the builds of one Bake file. An override is laid over the file it overrides; any
    other file finds there what it inherits and does not define."""
    folder, _, name = path.rpartition("/")
    try:
        own = _parse(name, text)
        below = _File({}) if name in _BASES else _base(folder, files)
    except _BakeError as error:
        yield Unread(path, f"is no Bake file that can be read: {error}", folder)
        return
    whole = own.over(below)
    scope = _variables(whole)
    inherited = _inherited(whole, scope)
    for target in own.of("target"):
        if not target.startswith("_") and target not in inherited:
            yield from _builds(whole, target, scope, f"{path}:target.{target}", folder)


def _base(folder: str, files: Files) -> _File:
    base = _File({})
    for name in _BASES:
        if (text := files.text(posixpath.join(folder, name))) is not None:
            base = _parse(name, text).over(base)
    return base


def _joined(
    base: Mapping[str, Mapping[str, Any]], own: Mapping[str, Mapping[str, Any]]
) -> dict[str, Mapping[str, Any]]:
    return {name: _merged(base.get(name, {}), own.get(name, {})) for name in {**base, **own}}


def _merged(base: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """Lays one target over another (bake.go, Target.Merge): mappings join, the rest replaces."""
    merged = {**base, **own}
    for key in ("args", "contexts", "labels"):
        if isinstance(base.get(key), dict) and isinstance(own.get(key), dict):
            merged[key] = {**base[key], **own[key]}
    return merged


# Reading


def _parse(name: str, text: str) -> _File:
    if len(text) > _LARGEST:
        raise _BakeError(f"it is larger than {_LARGEST} bytes")
    document = _parse_json(text) if name.endswith(".json") else _parse_hcl(text)
    if not isinstance(document, dict):
        raise _BakeError("it holds no blocks")
    blocks: dict[str, dict[str, Mapping[str, Any]]] = {}
    for kind in ("variable", "target", "group"):
        named: dict[str, Mapping[str, Any]] = {}
        for block in _listed(document.get(kind)):
            for label, body in block.items() if isinstance(block, dict) else ():
                for each in _listed(body):
                    if isinstance(each, dict):
                        named[label] = _merged(named.get(label, {}), each)
        blocks[kind] = named
    return _File(blocks)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _parse_json(text: str) -> Any:
    try:
        return _json_value(json.loads(text))
    except (ValueError, RecursionError) as error:
        raise _BakeError(str(error)) from error


def _json_value(value: Any) -> Any:
    """Strings of HCL's JSON syntax are templates."""
    if isinstance(value, dict):
        return {key: _json_value(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_json_value(item) for item in value]
    return _Template(value.replace("\\", "\\\\")) if isinstance(value, str) else value


def _parse_hcl(text: str) -> Any:
    import hcl2

    try:
        return _hcl_value(hcl2.loads(text.removeprefix("\ufeff") + "\n"))
    except Exception as error:
        # python-hcl2 passes on whatever its parser generator raises, RecursionError included.
        raise _BakeError(str(error).split("\n", 1)[0]) from error


def _hcl_value(value: Any) -> Any:
    """python-hcl2 8 gives strings with their quotes, names bare, other expressions in ``${}``."""
    if isinstance(value, dict):
        return {_unquoted(key): _hcl_value(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_hcl_value(item) for item in value]
    if not isinstance(value, str):
        return value
    if value.startswith('"<<'):
        return _Expression("heredoc()")
    if value.startswith('"'):
        return _Template(value[1:-1])
    if value.startswith("${") and value.endswith("}"):
        return _Expression(value[2:-1])
    return _Expression(value)


def _unquoted(key: Any) -> str:
    text = str(key)
    return text[1:-1] if text.startswith('"') else text


# Evaluation


def _variables(file: _File) -> dict[str, Any]:
    """Evaluates the defaults, which may name each other in any order."""
    # bake.go: BAKE_CMD_CONTEXT is where the command is called, seen from a remote definition.
    scope: dict[str, Any] = {"BAKE_CMD_CONTEXT": "."}
    pending = {name: body.get("default") for name, body in file.of("variable").items()}
    for _ in range(_DEEPEST):
        if not pending:
            break
        for name in [n for n, default in pending.items() if not _waits(default, pending)]:
            default = pending.pop(name)
            scope[name] = UNKNOWN if default is None else _value(default, scope)
    return scope


def _waits(default: Any, pending: Mapping[str, Any]) -> bool:
    if not isinstance(default, _Template | _Expression):
        return False
    return any(name[0] in pending for name in _REFERENCE.finditer(default.text))


def _value(value: Any, scope: _Scope) -> Any:
    """Evaluates to text, a list, a mapping or None; what cannot be known is `UNKNOWN`."""
    if isinstance(value, dict):
        return {key: _value(item, scope) for key, item in value.items()}
    if isinstance(value, list):
        return [_value(item, scope) for item in value]
    if isinstance(value, _Template):
        return _expanded(value.text, scope)
    if isinstance(value, _Expression):
        return _looked_up(value.text.strip(), scope)
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if value is None else str(value)


def _looked_up(reference: str, scope: _Scope) -> Any:
    if not _REFERENCE.fullmatch(reference):
        return UNKNOWN
    value: Any = scope
    for name in reference.split("."):
        if not isinstance(value, Mapping) or name not in value:
            return UNKNOWN
        value = value[name]
    return value


def _expanded(text: str, scope: _Scope) -> str:
    parts: list[str] = []
    at = length = 0
    while match := _TEMPLATE_PART.search(text, at):
        parts.append(text[at : match.start()])
        at = match.end()
        if match[0] in ("$${", "%%{"):
            parts.append(match[0][1:])
        elif match[0].startswith("\\"):
            parts.append(_ESCAPES.get(match[0][1], match[0][1]))
        else:
            end = text.find("}", at)
            end = len(text) if end < 0 else end
            value = _looked_up(text[at:end].strip("~ "), scope) if match[0] == "${" else UNKNOWN
            parts.append(value if isinstance(value, str) else UNKNOWN)
            at = end + 1
        length += len(parts[-1])
        if length > LONGEST_VALUE:
            return UNKNOWN
    parts.append(text[at:])
    return "".join(parts)


# Targets


def _inherited(file: _File, scope: _Scope) -> set[str]:
    """Returns the targets that exist for others to inherit: no group names them."""
    grouped = {name for g in file.of("group").values() for name in _texts(g.get("targets"), scope)}
    parents = {
        name for t in file.of("target").values() for name in _texts(t.get("inherits"), scope)
    }
    return parents - grouped


def _texts(value: Any, scope: _Scope) -> list[str]:
    items = _value(value, scope)
    return [item for item in items if isinstance(item, str)] if isinstance(items, list) else []


def _builds(
    file: _File, name: str, scope: _Scope, found_by: str, folder: str
) -> Iterator[Evidence]:
    target = file.of("target")[name]
    for combination in _combinations(target.get("matrix"), scope):
        inner = {**scope, **combination}
        resolved = _with_parents(file, target, inner, 0, [_MOST_COMBINATIONS])
        build = _build(
            {key: _value(item, inner) for key, item in resolved.items()}, found_by, folder
        )
        if build is not None:
            yield build


def _combinations(matrix: Any, scope: _Scope) -> Sequence[Mapping[str, Any]]:
    axes = _value(matrix, scope) if isinstance(matrix, dict) else {}
    values = [axis if isinstance(axis, list) else [UNKNOWN] for axis in axes.values()]
    return [
        dict(zip(axes, combination, strict=True))
        for combination in islice(product(*values), _MOST_COMBINATIONS)
    ]


def _with_parents(
    file: _File, target: Mapping[str, Any], scope: _Scope, depth: int, budget: list[int]
) -> Mapping[str, Any]:
    """Resolves ``inherits``: later parents win over earlier ones, the target over all."""
    resolved: Mapping[str, Any] = {}
    for name in _texts(target.get("inherits"), scope):
        budget[0] -= 1
        parent = file.of("target").get(name)
        if parent is not None and depth < _DEEPEST and budget[0] > 0:
            resolved = _merged(resolved, _with_parents(file, parent, scope, depth + 1, budget))
    own = {key: value for key, value in target.items() if key not in ("inherits", "matrix", "name")}
    return _merged(resolved, own)


def _build(target: Mapping[str, Any], found_by: str, folder: str) -> Build | None:
    if target.get("dockerfile-inline") is not None:
        return None
    context = _path(target.get("context"), ".")
    if is_remote(context):
        return None
    context = join(START, context)
    given = target.get("dockerfile")
    stage = target.get("target")
    return Build(
        found_by=found_by,
        strength=Strength.DECLARED,
        context=context,
        dockerfiles=default_dockerfiles(context)
        if given is None
        else (_dockerfile(given, context),),
        target=stage if isinstance(stage, str) and stage else None,
        build_args=_arguments(target.get("args")),
        platforms=_known(target.get("platforms")),
        named_contexts={k: v for k, v in _items(target.get("contexts")) if isinstance(v, str)},
        starts=folders_up(folder),
        names=_known(target.get("tags")),
    )


def _path(value: Any, default: str) -> str:
    text = default if value is None else value if isinstance(value, str) else UNKNOWN
    return text.removeprefix("cwd://") or default


def _dockerfile(value: Any, context: str) -> str:
    """bake.go, toBuildOpt: relative to the context, or with ``cwd://`` to the current folder."""
    folder = START if isinstance(value, str) and value.startswith("cwd://") else context
    return join(folder, _path(value, "Dockerfile"))


def _items(value: Any) -> list[tuple[str, Any]]:
    return list(value.items()) if isinstance(value, dict) else []


def _arguments(value: Any) -> dict[str, str | None]:
    """A null argument is not passed (bake.go, toBuildOpt)."""
    return {
        name: item if isinstance(item, str) and is_known(item) else None
        for name, item in _items(value)
        if item is not None and is_known(name)
    }


def _known(value: Any) -> tuple[str, ...]:
    items = value if isinstance(value, list) else []
    return tuple(item for item in items if isinstance(item, str) and is_known(item))
