"""Text to tree: never raises, keeps every byte, takes time linear in the text.

The rules are those of BuildKit's frontend/dockerfile/parser/parser.go. Where
BuildKit stops with an error, a `Diagnostic` is kept and reading goes on, so that
the nodes tile any text.
"""

from __future__ import annotations

import re
from operator import attrgetter
from typing import NamedTuple

from optimizer.cst.arguments import read_json, split_flags
from optimizer.cst.glob import decodable
from optimizer.cst.golang import SPACE, lower
from optimizer.cst.heredocs import Opening, openings
from optimizer.cst.nodes import (
    Diagnostic,
    Directive,
    Dockerfile,
    Filler,
    Flag,
    Heredoc,
    Instruction,
    LogicalLine,
    Node,
)
from optimizer.cst.source import Source, Span
from optimizer.cst.validate import refusals

_BOM = "\ufeff"
_LONGEST_LINE = 65_535
"""Bytes, without the line feed: bufio.MaxScanTokenSize - 1."""

_DIRECTIVE_NAMES = frozenset(("syntax", "escape", "check"))
_DIRECTIVE = re.compile(r"(?P<name>[a-zA-Z][a-zA-Z0-9]*)[\t\n\f\r ]*=(?P<value>.+)", re.DOTALL)
_DIRECTIVE_BLANK = "\t\n\f\r "

_HEREDOC_KEYWORDS = frozenset(("ADD", "COPY", "RUN"))
_KEYWORD = re.compile(r"([^\t\v\f\r ]*)[\t\v\f\r ]*")


def parse(source: Source) -> Dockerfile:
    """Reads ``source``; what BuildKit refuses is in the result's ``diagnostics``."""
    return _Reader(source).read()


class _Command(NamedTuple):
    """Keyword, flags and arguments, as offsets into a logical text."""

    start: int
    keyword_end: int
    keyword: str
    flags: tuple[Flag, ...]
    arguments: str
    arguments_at: int


class _Reader:
    """Walks over the lines of one file once."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.lines = source.text.split("\n")
        self.starts = list(source.line_starts)
        if self.lines[-1]:
            self.starts.append(len(source.text))
        else:
            self.lines.pop()
        self.number = 0
        """How many lines are read."""
        self.escape = "\\"
        self.nodes: list[Node] = []
        self.diagnostics: list[Diagnostic] = []

    def read(self) -> Dockerfile:
        too_long = self._too_long()
        if self.source.text.startswith(_BOM):
            self.nodes.append(Filler(Span(0, 1)))
            self.lines[0] = self.lines[0][1:]
            self.starts[0] = 1
        self._read_directives()
        self._read_instructions()
        if too_long:
            # BuildKit never gets to see the instructions, so there is nothing to say of them.
            self.diagnostics.append(too_long)
        else:
            self.diagnostics += refusals(self.source, self.nodes, len(self.lines))
        self.diagnostics.sort(key=attrgetter("line"))
        return Dockerfile(self.source, self.escape, tuple(self.nodes), tuple(self.diagnostics))

    def _too_long(self) -> Diagnostic | None:
        """Looks for the line at which BuildKit's scanner gives up (bufio.ErrTooLong)."""
        if len(self.source.text) * 4 <= _LONGEST_LINE:
            return None
        for number, line in enumerate(self.lines, 1):
            if len(line) * 4 > _LONGEST_LINE and len(line.encode(errors="replace")) > _LONGEST_LINE:
                message = f"dockerfile line greater than max allowed size of {_LONGEST_LINE}"
                return Diagnostic(number, 1, message)
        return None

    def _read_directives(self) -> None:
        """Reads the parser directives (directives.go, DirectiveParser.ParseLine).

        The first line that is none ends them; other comments and blank lines do, too.
        """
        seen: set[str] = set()
        while self.number < len(self.lines):
            directive = self._directive()
            if directive is None:
                return
            if directive.name in seen:
                message = f"only one {directive.name} parser directive can be used"
                self.diagnostics.append(Diagnostic(directive.line, 1, message))
            elif directive.name == "escape":
                self._set_escape(directive)
            seen.add(directive.name)
            self.nodes.append(directive)
            self.number += 1

    def _directive(self) -> Directive | None:
        line = self.lines[self.number].rstrip("\r").lstrip(SPACE)
        match = _DIRECTIVE.fullmatch(line[1:].lstrip(SPACE)) if line[:1] == "#" else None
        if match is None or match["name"].lower() not in _DIRECTIVE_NAMES:
            return None
        # Of nothing but blanks, Go's regular expression takes the last one for the value.
        value = match["value"].strip(_DIRECTIVE_BLANK) or match["value"][-1]
        span = Span(self.starts[self.number], self.starts[self.number + 1])
        return Directive(span, self.number + 1, match["name"].lower(), value)

    def _set_escape(self, directive: Directive) -> None:
        if directive.value in ("`", "\\"):
            self.escape = directive.value
            return
        shown = decodable(directive.value)
        message = f"invalid escape token '{shown}' does not match ` or \\"
        self.diagnostics.append(Diagnostic(directive.line, 1, message))

    def _read_instructions(self) -> None:
        """Reads the rest of the file: instructions, and between them what none of them owns."""
        lines, starts = self.lines, self.starts
        gap = block = starts[self.number]
        comments: list[Span] = []
        while self.number < len(lines):
            line = lines[self.number]
            content = line.lstrip(SPACE)
            if content and content[0] != "#":
                if gap < block:
                    self.nodes.append(Filler(Span(gap, block)))
                self.nodes.append(self._instruction(block, tuple(comments)))
                gap = block = starts[self.number]
                comments.clear()
                continue
            start = starts[self.number]
            self.number += 1
            if content:
                indent = len(line) - len(content)
                comments.append(Span(start + indent, start + len(line.rstrip("\r"))))
            else:
                comments.clear()
                block = starts[self.number]
        if gap < starts[-1]:
            self.nodes.append(Filler(Span(gap, starts[-1])))

    def _instruction(self, start: int, comments: tuple[Span, ...]) -> Instruction:
        first = self.number
        joined, segments = self._join()
        logical = _logical_line(joined, segments)
        command = _split_command(logical, 0, self.escape)
        inner = None
        if command.keyword == "ONBUILD" and command.arguments:
            inner = _split_command(logical, command.arguments_at, self.escape)
        heredocs: tuple[Heredoc, ...] = ()
        if "<<" in joined:
            heredocs = self._heredocs(joined, inner or command, first + 1)
        last = self.number - 1
        end = self.starts[last] + len(self.lines[last].rstrip("\r"))

        def build(
            command: _Command, span: Span, comments: tuple[Span, ...], inner: Instruction | None
        ) -> Instruction:
            return Instruction(
                span=span,
                code=Span(logical.offset(command.start), end),
                comments=comments,
                line=first + 1,
                end_line=last + 1,
                logical=logical,
                keyword=command.keyword,
                keyword_span=logical.span(command.start, command.keyword_end),
                flags=command.flags,
                arguments=command.arguments,
                arguments_at=command.arguments_at,
                heredocs=heredocs,
                escape=self.escape,
                inner=inner,
            )

        held = None
        if inner:
            held = build(inner, Span(logical.offset(inner.start), end), (), None)
        return build(command, Span(start, self.starts[self.number]), comments, held)

    def _join(self) -> tuple[str, list[tuple[int, int]]]:
        """Reads the lines of one instruction; returns its text and where its parts come from."""
        lines, escape = self.lines, self.escape
        line = lines[self.number]
        part = line.lstrip(SPACE)
        at = self.starts[self.number] + len(line) - len(part)
        self.number += 1
        part, continues = _without_continuation(part.rstrip("\r"), escape)
        parts, segments, length = [part], [(0, at)], len(part)
        while continues and self._skip_inside():
            line, at = lines[self.number], self.starts[self.number]
            self.number += 1
            part, continues = _without_continuation(line.rstrip("\r"), escape)
            parts.append(part)
            segments.append((length, at))
            length += len(part)
        return "".join(parts), segments

    def _skip_inside(self) -> bool:
        """Steps over comments and empty lines inside a continuation; False at the file's end."""
        while self.number < len(self.lines):
            content = self.lines[self.number].lstrip(SPACE)
            if content and content[0] != "#":
                return True
            self.number += 1
        return False

    def _heredocs(self, joined: str, command: _Command, line: int) -> tuple[Heredoc, ...]:
        """Reads the here-documents behind a logical line (parser.go, Parse)."""
        is_possible = (
            command.keyword in _HEREDOC_KEYWORDS
            and read_json(command.keyword, command.arguments) is None
        )
        if not is_possible:
            return ()
        found: list[Heredoc] = []
        for opening in openings(joined):
            heredoc, is_terminated = self._heredoc(opening)
            found.append(heredoc)
            if not is_terminated:
                self.diagnostics.append(Diagnostic(line, 1, "unterminated heredoc"))
                break
        return tuple(found)

    def _heredoc(self, opening: Opening) -> tuple[Heredoc, bool]:
        """Reads one body; without a terminator it goes on to the end of the file."""
        start = body_end = self.starts[self.number]
        is_terminated = False
        while self.number < len(self.lines) and not is_terminated:
            line = self.lines[self.number].rstrip("\r")
            if opening.chomp:
                line = line.lstrip("\t")
            is_terminated = line == opening.name
            body_end = self.starts[self.number if is_terminated else self.number + 1]
            self.number += 1
        heredoc = Heredoc(
            span=Span(start, self.starts[self.number]),
            body=Span(start, body_end),
            name=opening.name,
            expand=opening.expand,
            chomp=opening.chomp,
            descriptor=opening.descriptor,
        )
        return heredoc, is_terminated


def _without_continuation(line: str, escape: str) -> tuple[str, bool]:
    """Takes the continuation character off; tells whether there was one.

    It may have blanks behind it, but not a second one in front of it (parser.go,
    lineContinuationRegex).
    """
    bare = line.rstrip(" \t")
    if bare[-1:] != escape or bare[-2:-1] == escape:
        return line, False
    return bare[:-1], True


def _logical_line(joined: str, segments: list[tuple[int, int]]) -> LogicalLine:
    text = joined.strip(SPACE)
    if len(segments) == 1:
        return LogicalLine(text, tuple(segments))
    indent = len(joined) - len(joined.lstrip(SPACE))
    # Of parts that begin at one place, the last is the one that is not empty.
    shifted = {max(at - indent, 0): real + max(indent - at, 0) for at, real in segments}
    return LogicalLine(text, tuple(shifted.items()))


def _split_command(logical: LogicalLine, start: int, escape: str) -> _Command:
    """Splits keyword, flags and arguments (split_command.go, splitCommand)."""
    text = logical.text
    match = _KEYWORD.match(text, start)
    assert match is not None
    slices, at = split_flags(text, match.end(), escape)
    arguments = text[at:].lstrip(SPACE)
    return _Command(
        start=start,
        keyword_end=match.end(1),
        keyword=_upper(match[1]),
        flags=tuple([Flag(logical.span(flag.start, flag.end), flag.value) for flag in slices]),
        arguments=arguments,
        arguments_at=len(text) - len(arguments),
    )


def _upper(keyword: str) -> str:
    """BuildKit compares keywords in lower case, so not all that reads RUN in upper case is."""
    if keyword.isascii():
        return keyword.upper()
    lowered = lower(keyword)
    return lowered.upper() if lowered.isascii() else keyword
