"""What a Dockerfile is made of.

The nodes of a `Dockerfile` tile its text: joined in order they give it back,
byte for byte, whatever the text is. An instruction owns the comment lines right
above it (no blank line between) and its own line end, so that a moved or removed
instruction takes them along. Everything else (blank lines, detached comments,
the byte order mark) is a `Filler`.

Words, flags and pairs are read from the *logical line*: what BuildKit sees once
continuations are joined and comments inside them are dropped. `LogicalLine`
leads from there back to the file.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeAlias

from optimizer.cst.arguments import (
    JSON_KEYWORDS,
    CsvError,
    PairError,
    Slice,
    read_json,
    split_csv,
    split_pairs,
    split_words,
)
from optimizer.cst.source import Source, Span

_MOUNT_OPTIONS = {
    "src": "source",
    "dst": "target",
    "destination": "target",
    "ro": "readonly",
    "rw": "readwrite",
}
"""The spellings that BuildKit takes for one option (commands_runmount.go, parseMount)."""


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """Something BuildKit refuses (or a parser directive it would refuse).

    ``line`` and ``column`` count from 1; ``line`` is the one BuildKit reports.
    """

    line: int
    column: int
    message: str


@dataclass(frozen=True, slots=True)
class Directive:
    """``# name=value`` above everything else: ``syntax``, ``escape`` or ``check``."""

    span: Span
    line: int
    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Filler:
    """Text between instructions that no instruction owns."""

    span: Span


@dataclass(frozen=True, slots=True)
class LogicalLine:
    """One instruction as BuildKit reads it: continuations joined, comment lines dropped,
    white space at both ends removed.

    ``segments`` holds ``(offset in text, offset in the file)`` for each run of
    characters that are contiguous in the file, in ascending order.
    """

    text: str
    segments: tuple[tuple[int, int], ...]

    def offset(self, at: int) -> int:
        """Returns the file offset of the character at ``at``."""
        low, high = 0, len(self.segments)
        while high - low > 1:
            middle = (low + high) // 2
            if self.segments[middle][0] <= at:
                low = middle
            else:
                high = middle
        logical, real = self.segments[low]
        return real + at - logical

    def span(self, start: int, end: int) -> Span:
        """Returns the file span of the non-empty slice ``[start, end)``.

        It may contain continuations and comments that the slice does not.
        """
        if end <= start:
            at = self.offset(start)
            return Span(at, at)
        return Span(self.offset(start), self.offset(end - 1) + 1)


@dataclass(frozen=True, slots=True)
class Word:
    """One argument. ``value`` is the logical text (JSON strings decoded), not expanded."""

    span: Span
    value: str


@dataclass(frozen=True, slots=True)
class Flag:
    """``--name`` or ``--name=value``. ``text`` is the whole flag with quotes taken off."""

    span: Span
    text: str

    @property
    def name(self) -> str:
        return self.text[2:].partition("=")[0]

    @property
    def value(self) -> str | None:
        """The text behind ``=``; None for a flag without one."""
        _, equals, value = self.text.partition("=")
        return value if equals else None


@dataclass(frozen=True, slots=True)
class Pair:
    """One assignment of ENV, LABEL or ARG, quotes and escapes as written.

    ``value`` is None for ``ARG name``. ``separator`` is ``=`` or, in the old
    spelling ``ENV name value``, a blank.
    """

    name: Word
    value: Word | None
    separator: str


@dataclass(frozen=True, slots=True)
class Heredoc:
    """A here-document. ``span`` covers the body and the terminator's line with its line end."""

    span: Span
    body: Span
    name: str
    expand: bool
    chomp: bool
    descriptor: int


@dataclass(frozen=True, slots=True)
class Mount:
    """A ``--mount=`` flag of RUN.

    The values are as written, variables included. Names are in lower case and in
    their long form: ``dst`` and ``destination`` are under ``target``, ``src`` under
    ``source``, ``ro`` under ``readonly``, ``rw`` under ``readwrite``. An option
    without a value has "". Of an option that is repeated, the last one counts.
    """

    flag: Flag
    options: dict[str, str]

    @property
    def type(self) -> str:
        return self.options.get("type", "bind").lower()


@dataclass(frozen=True, eq=False)
class Instruction:
    """One instruction.

    ``span`` includes the owned comment lines above and the line end; ``code``
    runs from the keyword to the last character before that line end (here-document
    bodies included). ``line`` and ``end_line`` are BuildKit's, counted from 1.
    """

    span: Span
    code: Span
    comments: tuple[Span, ...]
    line: int
    end_line: int
    logical: LogicalLine
    keyword: str
    """Upper case, as in the reference."""
    keyword_span: Span
    flags: tuple[Flag, ...]
    arguments: str
    """The logical text behind the flags, trimmed."""
    arguments_at: int
    """Where ``arguments`` begins in ``logical.text``."""
    heredocs: tuple[Heredoc, ...]
    escape: str
    inner: Instruction | None = None
    """The instruction that ONBUILD holds."""

    def flag(self, name: str) -> str | None:
        """Returns the value of the first flag called ``name`` ("" for one without a value),
        or None where there is no such flag."""
        for flag in self.flags:
            if flag.name == name:
                return flag.value or ""
        return None

    def locate(self, start: int, end: int) -> Span:
        """Returns the file span of ``arguments[start:end]``."""
        return self.logical.span(self.arguments_at + start, self.arguments_at + end)

    def _word(self, part: Slice) -> Word:
        return Word(self.locate(part.start, part.end), part.value)

    @cached_property
    def exec_form(self) -> tuple[Word, ...] | None:
        """The strings of the JSON form, or None where the instruction is not in it.

        The span of each runs from quote to quote. ONBUILD is never in it, its
        ``inner`` instruction may be; HEALTHCHECK is when its command is.
        """
        if self.keyword not in JSON_KEYWORDS or "[" not in self.arguments:
            return None
        strings = read_json(self.keyword, self.arguments)
        return tuple(map(self._word, strings)) if isinstance(strings, list) else None

    @cached_property
    def words(self) -> tuple[Word, ...]:
        """The arguments, as BuildKit splits them.

        The strings of the JSON form (behind the type, for HEALTHCHECK); one word
        for the whole shell form and for MAINTAINER, STOPSIGNAL, USER and WORKDIR;
        ARG, ENV and LABEL at white space outside quotes, which stay; else at blanks.
        """
        words = split_words(self.keyword, self.arguments, self.escape)
        if self.exec_form is None:
            return tuple(map(self._word, words))
        kind = words[:1] if self.keyword == "HEALTHCHECK" else []
        return (*map(self._word, kind), *self.exec_form)

    @cached_property
    def pairs(self) -> tuple[Pair, ...]:
        """The assignments of ENV, LABEL and ARG; empty for other instructions, and where
        BuildKit refuses the arguments."""
        if self.keyword not in ("ARG", "ENV", "LABEL"):
            return ()
        try:
            pairs = split_pairs(self.keyword, self.arguments, self.escape)
        except PairError:
            return ()
        return tuple(
            Pair(self._word(name), None if value is None else self._word(value), separator)
            for name, value, separator in pairs
        )

    @cached_property
    def mounts(self) -> tuple[Mount, ...]:
        """The ``--mount`` flags of RUN, without those whose value BuildKit cannot split."""
        if self.keyword != "RUN":
            return ()
        mounts = (_mount(flag) for flag in self.flags if flag.name == "mount")
        return tuple(mount for mount in mounts if mount is not None)


def _mount(flag: Flag) -> Mount | None:
    try:
        fields = list(split_csv(flag.value or ""))
    except CsvError:
        return None
    options = {}
    for field_ in fields:
        name, _, value = field_.value.partition("=")
        name = name.lower()
        options[_MOUNT_OPTIONS.get(name, name)] = value
    return Mount(flag, options)


Node: TypeAlias = Directive | Filler | Instruction


@dataclass(frozen=True, eq=False)
class Dockerfile:
    """A whole file. Never edited; `optimizer.cst.edit` makes the text of a new one."""

    source: Source
    escape: str
    nodes: tuple[Node, ...]
    diagnostics: tuple[Diagnostic, ...] = field(default=())

    @cached_property
    def instructions(self) -> tuple[Instruction, ...]:
        return tuple(node for node in self.nodes if isinstance(node, Instruction))

    @cached_property
    def directives(self) -> tuple[Directive, ...]:
        return tuple(node for node in self.nodes if isinstance(node, Directive))

    def text(self, span: Span) -> str:
        """Returns what the file says at ``span``."""
        return self.source.text[span.start : span.end]
