"""What BuildKit refuses once the lines are split.

The checks are those of frontend/dockerfile/instructions/parse.go and of the line
parsers, with their messages. BuildKit stops at the first error; here each
instruction is checked on its own, and an error that only follows from an earlier
one is left out. The hint "(did you mean ...?)" that BuildKit may add is not part of
a message: where two names are equally near, it depends on the order of a Go map.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from optimizer.cst.arguments import (
    JSON_KEYWORDS,
    CsvError,
    NotStrings,
    PairError,
    RawPair,
    Slice,
    read_json,
    split_csv,
    split_pairs,
    split_words,
)
from optimizer.cst.glob import decodable
from optimizer.cst.golang import SPACE, GoValueError, is_bool, lower, parse_duration, parse_int32
from optimizer.cst.heredocs import read_opening
from optimizer.cst.lex import go_quote
from optimizer.cst.nodes import Diagnostic, Flag, Instruction, Node
from optimizer.cst.source import Source, Span

_TEXT, _TEXTS, _BOOLEAN = "text", "texts", "boolean"

_FLAGS: dict[str, dict[str, str]] = {
    # parse.go, parseAdd
    "ADD": {
        "chown": _TEXT,
        "chmod": _TEXT,
        "link": _BOOLEAN,
        "keep-git-dir": _BOOLEAN,
        "checksum": _TEXT,
        "unpack": _BOOLEAN,
        "exclude": _TEXTS,
    },
    # parse.go, parseCopy
    "COPY": {
        "chown": _TEXT,
        "from": _TEXT,
        "chmod": _TEXT,
        "link": _BOOLEAN,
        "exclude": _TEXTS,
        "parents": _BOOLEAN,
    },
    # parse.go, parseFrom
    "FROM": {"platform": _TEXT},
    # parse.go, parseHealthcheck
    "HEALTHCHECK": {
        "interval": _TEXT,
        "timeout": _TEXT,
        "start-period": _TEXT,
        "start-interval": _TEXT,
        "retries": _TEXT,
    },
    # commands_rundevice.go, commands_runmount.go, commands_runnetwork.go, commands_runsecurity.go
    "RUN": {"device": _TEXTS, "mount": _TEXTS, "network": _TEXT, "security": _TEXT},
}
"""The flags that an instruction takes; the ones that are not listed take none."""

_NETWORKS = frozenset(("default", "none", "host"))
_SECURITIES = frozenset(("insecure", "sandbox"))
_KEYWORD = re.compile(r"[^\t\v\f\r ]+")
_STAGE_NAME = re.compile(r"[a-z][a-z0-9\-_.]*")
_MILLISECOND = 10**6


class _RefusedError(Exception):
    """BuildKit's message, and the place in the file that it is about, where there is one."""

    def __init__(self, message: str, at: Span | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.at = at


def refusals(source: Source, nodes: Sequence[Node], lines: int) -> Iterator[Diagnostic]:
    """Yields what BuildKit refuses in ``nodes``, a file of so many ``lines``.

    ``Diagnostic.line`` is the line on which the instruction begins, as in BuildKit;
    the column is 1 where the place in question lies on another line.
    """
    instructions = [node for node in nodes if isinstance(node, Instruction)]
    if not instructions:
        yield Diagnostic(max(lines, 1), 1, "file with no instructions")
        return
    is_inside_stage = False
    for instruction in instructions:
        needs_stage = instruction.keyword not in ("ARG", "FROM")
        try:
            _check(instruction)
            if needs_stage and not is_inside_stage:
                raise _RefusedError("no build stage in current context")
        except _RefusedError as error:
            yield _diagnostic(source, instruction, error)
        is_inside_stage |= instruction.keyword != "ARG"
    if not is_inside_stage:
        line = instructions[-1].line
        yield Diagnostic(line, 1, "dockerfile contains no stages to build")


def _diagnostic(source: Source, instruction: Instruction, error: _RefusedError) -> Diagnostic:
    at = instruction.keyword_span if error.at is None else error.at
    line, column = source.position(at.start)
    return Diagnostic(
        instruction.line, column if line == instruction.line else 1, decodable(error.message)
    )


def _check(instruction: Instruction) -> None:
    """Raises `_RefusedError` for the first thing that BuildKit refuses about ``instruction``."""
    check = _CHECKS.get(instruction.keyword)
    if check is None:
        written = _KEYWORD.match(instruction.logical.text)
        raise _RefusedError(f"unknown instruction: {written[0] if written else ''}")
    check(instruction)


# BuildKit splits the arguments of the whole file before it looks at anything else, so what
# these two refuse comes before the flags and counts for ONBUILD's trigger, too.


def _arguments(instruction: Instruction) -> list[Slice]:
    keyword, arguments = instruction.keyword, instruction.arguments
    words = split_words(keyword, arguments, instruction.escape)
    if keyword not in JSON_KEYWORDS or "[" not in arguments:
        return words
    strings = read_json(keyword, arguments)
    if isinstance(strings, NotStrings):
        raise _RefusedError(
            "when using JSON array syntax, arrays must be comprised of strings only",
            instruction.locate(0, len(arguments)),
        )
    if strings is None:
        return words
    return words[:1] + strings if keyword == "HEALTHCHECK" else strings


def _pairs(instruction: Instruction) -> list[RawPair]:
    try:
        return split_pairs(instruction.keyword, instruction.arguments, instruction.escape)
    except PairError as error:
        at = instruction.locate(error.at.start, error.at.end)
        raise _RefusedError(str(error), at) from error


def _require_argument(instruction: Instruction, arguments: Sequence[object]) -> None:
    if not arguments:
        raise _RefusedError(f"{instruction.keyword} requires at least one argument")


def _check_flags(instruction: Instruction) -> None:
    """bflag.go, BFlags.Parse."""
    known = _FLAGS.get(instruction.keyword, {})
    seen: set[str] = set()
    for flag in instruction.flags:
        name, value, kind = f"--{flag.name}", flag.value, known.get(flag.name)
        if kind is None:
            raise _RefusedError(f"unknown flag: {name}", flag.span)
        if name in seen and kind != _TEXTS:
            raise _RefusedError(f"duplicate flag specified: {name}", flag.span)
        seen.add(name)
        if value == "" if kind == _BOOLEAN else value is None:
            raise _RefusedError(f"missing a value on flag: {name}", flag.span)
        if kind == _BOOLEAN and value is not None and lower(value) not in ("true", "false"):
            raise _RefusedError(f"expecting boolean value for flag {name}, not: {value}", flag.span)


def _check_at_least_one(instruction: Instruction) -> None:
    _require_argument(instruction, instruction.arguments)
    _check_flags(instruction)


def _check_exactly_one(instruction: Instruction) -> None:
    if not instruction.arguments:
        raise _RefusedError(f"{instruction.keyword} requires exactly one argument")
    # parse.go, parseStopSignal is the only one that leaves the flags alone.
    if instruction.keyword != "STOPSIGNAL":
        _check_flags(instruction)


def _check_arg(instruction: Instruction) -> None:
    pairs = _pairs(instruction)
    _require_argument(instruction, pairs)
    _check_names(instruction, pairs)


def _check_pairs(instruction: Instruction) -> None:
    pairs = _pairs(instruction)
    _check_flags(instruction)
    _require_argument(instruction, pairs)
    _check_names(instruction, pairs)


def _check_names(instruction: Instruction, pairs: list[RawPair]) -> None:
    for pair in pairs:
        if not pair.name.value and pair.separator:
            at = instruction.locate(pair.name.start, pair.name.end)
            raise _RefusedError(f"{instruction.keyword} names can not be blank", at)


def _check_from(instruction: Instruction) -> None:
    words = _arguments(instruction)
    if len(words) == 3 and words[1].value.casefold() == "as":
        name = words[2]
        if not _STAGE_NAME.fullmatch(lower(name.value)):
            raise _RefusedError(
                f"invalid name for build stage: {go_quote(name.value)}, "
                "name can't start with a number or contain symbols",
                instruction.locate(name.start, name.end),
            )
    elif len(words) != 1:
        raise _RefusedError("FROM requires either one or three arguments")
    _check_flags(instruction)


def _check_files(instruction: Instruction) -> None:
    keyword, words = instruction.keyword, _arguments(instruction)
    if len(words) < 2:
        raise _RefusedError(
            f"{keyword} requires at least two arguments, but only one was provided. "
            "Destination could not be determined"
        )
    _check_flags(instruction)
    destination = words[-1]
    if "<<" in destination.value and read_opening(destination.value):
        at = instruction.locate(destination.start, destination.end)
        raise _RefusedError(f"{keyword} cannot accept a heredoc as a destination", at)


def _check_onbuild(instruction: Instruction) -> None:
    inner = instruction.inner
    if inner is None:
        raise _RefusedError("ONBUILD requires at least one argument")
    if inner.keyword in ("ENV", "LABEL"):
        _pairs(inner)
    else:
        _arguments(inner)
    _check_flags(instruction)
    trigger = inner.keyword.upper()
    if trigger == "ONBUILD":
        message = "Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed"
        raise _RefusedError(message, inner.keyword_span)
    if trigger in ("MAINTAINER", "FROM"):
        message = f"{trigger} isn't allowed as an ONBUILD trigger"
        raise _RefusedError(message, inner.keyword_span)


def _check_shell(instruction: Instruction) -> None:
    arguments = _arguments(instruction)
    _check_flags(instruction)
    _require_argument(instruction, arguments)
    if instruction.exec_form is None:
        raise _RefusedError("SHELL requires the arguments to be in JSON form")


def _check_volume(instruction: Instruction) -> None:
    volumes = _arguments(instruction)
    _require_argument(instruction, volumes)
    _check_flags(instruction)
    for volume in volumes:
        if not volume.value.strip(SPACE):
            at = instruction.locate(volume.start, volume.end)
            raise _RefusedError("VOLUME specified can not be an empty string", at)


def _check_healthcheck(instruction: Instruction) -> None:
    arguments = _arguments(instruction)
    _require_argument(instruction, arguments)
    kind = decodable(arguments[0].value).upper()
    if kind == "NONE":
        if len(arguments) > 1:
            raise _RefusedError("HEALTHCHECK NONE takes no arguments")
        return
    _check_flags(instruction)
    if kind != "CMD":
        raise _RefusedError(f"Unknown type {go_quote(kind)} in HEALTHCHECK (try CMD)")
    if len(arguments) == 1:
        raise _RefusedError("Missing command after HEALTHCHECK CMD")
    given = {flag.name: flag for flag in instruction.flags if flag.value}
    for name in ("interval", "timeout", "start-period", "start-interval"):
        if name in given:
            _check_interval(given[name])
    if "retries" in given:
        _check_retries(given["retries"])


def _check_interval(flag: Flag) -> None:
    try:
        duration = parse_duration(flag.value or "")
    except GoValueError as error:
        raise _RefusedError(str(error), flag.span) from error
    if duration != 0 and duration < _MILLISECOND:
        message = f"Interval {go_quote(flag.name)} cannot be less than 1ms"
        raise _RefusedError(message, flag.span)


def _check_retries(flag: Flag) -> None:
    try:
        retries = parse_int32(flag.value or "")
    except GoValueError as error:
        raise _RefusedError(str(error), flag.span) from error
    if retries < 0:
        raise _RefusedError(f"--retries cannot be negative ({retries})", flag.span)


def _check_command(instruction: Instruction) -> None:
    if "[" in instruction.arguments:
        _arguments(instruction)
    _check_flags(instruction)


def _check_run(instruction: Instruction) -> None:
    _check_command(instruction)
    # BuildKit looks at the values in the order in which Go initializes its files.
    for name in _RUN_FLAG_CHECKS if instruction.flags else ():
        for flag in instruction.flags:
            if flag.name == name:
                _RUN_FLAG_CHECKS[name](flag)


def _fields(flag: Flag) -> list[Slice]:
    try:
        return list(split_csv(flag.value or ""))
    except CsvError as error:
        message = f"failed to parse csv {flag.name}s: {error}"
        raise _RefusedError(message, flag.span) from error


def _check_mount(flag: Flag) -> None:
    """commands_runmount.go, parseMount; the rest is checked after expansion."""
    for field in _fields(flag):
        name, _, value = field.value.partition("=")
        if lower(name) == "from" and "$" in value[:-1]:
            raise _RefusedError(
                "'from' doesn't support variable expansion, define alias stage instead", flag.span
            )


def _check_device(flag: Flag) -> None:
    """commands_rundevice.go, ParseDevice."""
    device = ""
    for field in _fields(flag):
        name, equals, value = field.value.partition("=")
        name = lower(name)
        if name == "name" and equals:
            if device:
                raise _RefusedError(f"device name already set to {device}", flag.span)
            device = value
        elif name == "required":
            if equals and not is_bool(value):
                raise _RefusedError(f"invalid value for required: {value}", flag.span)
        elif not device:
            device = field.value
        elif equals:
            raise _RefusedError(f"unexpected key '{name}' in '{field.value}'", flag.span)
        else:
            raise _RefusedError(
                f"invalid field '{field.value}' must be a key=value pair", flag.span
            )


def _check_network(flag: Flag) -> None:
    if flag.value not in _NETWORKS:
        raise _RefusedError(f"invalid network mode {go_quote(flag.value or '')}", flag.span)


def _check_security(flag: Flag) -> None:
    if flag.value not in _SECURITIES:
        raise _RefusedError(f"security {go_quote(flag.value or '')} is not valid", flag.span)


_RUN_FLAG_CHECKS: dict[str, Callable[[Flag], None]] = {
    "device": _check_device,
    "mount": _check_mount,
    "network": _check_network,
    "security": _check_security,
}

_CHECKS: dict[str, Callable[[Instruction], None]] = {
    "ADD": _check_files,
    "ARG": _check_arg,
    "CMD": _check_command,
    "COPY": _check_files,
    "ENTRYPOINT": _check_command,
    "ENV": _check_pairs,
    "EXPOSE": _check_at_least_one,
    "FROM": _check_from,
    "HEALTHCHECK": _check_healthcheck,
    "LABEL": _check_pairs,
    "MAINTAINER": _check_exactly_one,
    "ONBUILD": _check_onbuild,
    "RUN": _check_run,
    "SHELL": _check_shell,
    "STOPSIGNAL": _check_exactly_one,
    "USER": _check_exactly_one,
    "VOLUME": _check_volume,
    "WORKDIR": _check_exactly_one,
}
