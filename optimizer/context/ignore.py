"""What ``.dockerignore`` leaves out of the build context, with moby's meaning to the letter.

Three programs decide it, and this module follows them in turn: ignorefile
reads the lines, patternmatcher gives each pattern its meaning, and fsutil's
filter walks the tree with what is known of the parent directories. They are
read as they behave on Linux and macOS, where ``\\`` escapes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from typing import TYPE_CHECKING, ClassVar, Final

from optimizer.context.gopath import PatternError, check_pattern, clean, encoded
from optimizer.cst.golang import SPACE
from optimizer.cst.source import Source

if TYPE_CHECKING:
    from optimizer.context.regexps import Automaton, Term

# bufio.MaxScanTokenSize, less the line feed.
_LONGEST_LINE: Final = 64 * 1024 - 1
_BOM: Final = "\ufeff"
_SURROGATES: Final = re.compile("[\ud800-\udfff]")
_PLAIN: Final = re.compile(r"[^*?\[\]\\]*").fullmatch
# Only patterns with one of these can become an expression that Go refuses.
_UNUSUAL: Final = re.compile(r"[\[\]\\{|]").search
# patternmatcher.go, shouldEscape. It names "|", "{" and "}" as well, but its table of
# eight bytes has no room for characters above "?": they stay operators of the expression.
_ESCAPED: Final = frozenset(".+()$")
# Expressions are run in groups of about this many terms, so that one state stays small.
_GROUP: Final = 4096
_NONE: Final[frozenset[int]] = frozenset()


class IgnoreSyntaxError(ValueError):
    """An ignore file that stops the build. ``message`` is Go's; ``line`` counts from 1."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(f"line {line}: {message}")
        self.line = line
        self.message = message


@dataclass(frozen=True, slots=True)
class _Matcher:
    """The comparison that patternmatcher.go, Pattern.compile picks for one pattern."""

    exact: str | None = None
    prefix: str | None = None
    suffix: str | None = None
    expressions: tuple[tuple[Term, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class IgnorePattern:
    """One pattern as moby compares it: cleaned, and without the ``!`` of an exception."""

    line: int
    text: str
    exception: bool


class _PatternSet:
    """All patterns of a file, compared with a path at once.

    Neighbouring patterns that all exclude, or are all exceptions, form a run;
    runs are numbered from 0. moby keeps for every pattern whether it has matched
    a parent directory; within a run it never matters which of them did.
    """

    def __init__(self, patterns: Sequence[IgnorePattern]) -> None:
        self._starts_with_exception = bool(patterns) and patterns[0].exception
        self._exact: dict[str, list[int]] = {}
        self._prefixes: dict[str, list[int]] = {}
        self._suffixes: dict[str, list[int]] = {}
        expressions: list[tuple[int, tuple[Term, ...]]] = []
        runs = groupby(patterns, lambda pattern: pattern.exception)
        for number, (_, run) in enumerate(runs):
            for pattern in run:
                matcher = _matcher(pattern.text)
                expressions += [(number, expression) for expression in matcher.expressions]
                _note(self._exact, matcher.exact, number)
                _note(self._prefixes, matcher.prefix, number)
                _note(self._suffixes, matcher.suffix, number)
        self._any_prefix = tuple(self._prefixes)
        self._any_suffix = tuple(self._suffixes)
        self._automata = _automata(expressions)

    def is_exception(self, run: int) -> bool:
        """Says whether the patterns of a run bring back what others exclude."""
        return bool(run & 1) != self._starts_with_exception

    def matching(self, path: str, directory: str, name: str) -> list[int]:
        """Returns the runs with a pattern for ``path``, which is ``name`` in ``directory``."""
        runs: list[int] = []
        if path in self._exact:
            runs += self._exact[path]
        if path.startswith(self._any_prefix):
            runs += _runs(self._prefixes, path.startswith)
        if path.endswith(self._any_suffix):
            runs += _runs(self._suffixes, path.endswith)
        for automaton in self._automata:
            runs += automaton.matching(directory, name)
        return runs

    def below(self, directory: str) -> Iterator[int]:
        """Yields the runs that may match something below ``directory``; the others never do."""
        inside = directory + "/"
        yield from self._above.get(directory, ())
        if inside.startswith(self._any_prefix):
            yield from _runs(self._prefixes, inside.startswith)
        for runs in self._suffixes.values():
            yield from runs
        for automaton in self._automata:
            yield from automaton.below(directory)

    @cached_property
    def _above(self) -> dict[str, list[int]]:
        """The runs whose patterns begin with the name of a directory, by that directory."""
        above: dict[str, list[int]] = {}
        for path, runs in (*self._exact.items(), *self._prefixes.items()):
            for slash in re.finditer("/", path):
                above.setdefault(path[: slash.start()], []).extend(runs)
        return above


@dataclass(frozen=True, slots=True)
class _Directory:
    """What is known of a directory: which runs have matched it or a parent, and what follows."""

    hits: frozenset[int]
    excluded: bool
    pruned: bool


class IgnoreRules:
    """The patterns of one ignore file.

    Comparing is linear in the length of the path, whatever the patterns. What is
    learned of a directory is kept for the paths in it, so one object belongs to
    one thread.
    """

    EMPTY: ClassVar[IgnoreRules]

    def __init__(self, text: str, patterns: tuple[IgnorePattern, ...]) -> None:
        """Takes the file's text and the patterns read from it; `parse` does both."""
        self.text = text
        self.patterns = patterns
        self._directories = {"": _Directory(_NONE, excluded=False, pruned=False)}

    @classmethod
    def parse(cls, data: bytes) -> IgnoreRules:
        """Reads the bytes of an ignore file.

        Raises `IgnoreSyntaxError` for a file that BuildKit refuses. It finds a
        mistake in a regular expression only when it first compares a path with
        the pattern; here every pattern is checked.
        """
        text = data.decode("utf-8", "surrogateescape")
        # Each of moby's three passes sees the whole file before the next one begins.
        lines = list(_read_lines(text))
        patterns = tuple(pattern for line in lines if (pattern := _read_pattern(*line)))
        for pattern in patterns:
            _check_expression(pattern)
        return cls(text, patterns)

    def excludes(self, path: str) -> bool:
        """Says whether a build leaves ``path`` out of the context it sends.

        ``path`` is relative to the context, clean, with ``/`` between names. It
        need not exist; the names in front of its last are taken for directories.
        The directories above a path that is sent are sent, excluded or not.

        This is what the client's walk says. Where a pattern stands again behind
        its own exception (``a``, ``!a/b``, ``a``), the walk sends ``a/b``, but the
        client then finds the file excluded and sends it without content.
        """
        if not self.patterns or not path:
            return False
        directory, _, name = path.rpartition("/")
        parent = self._directories.get(directory) or self._directory(directory)
        return parent.pruned or self._evaluate(parent.hits, path, directory, name)[1]

    def prunes(self, directory: str) -> bool:
        """Says whether ``directory`` is left out with all that may ever lie in it."""
        return self._directory(directory).pruned

    @cached_property
    def _patterns(self) -> _PatternSet:
        return _PatternSet(self.patterns)

    def _directory(self, path: str) -> _Directory:
        missing: list[str] = []
        while (known := self._directories.get(path)) is None:
            missing.append(path)
            path = path.rpartition("/")[0]
        for path in reversed(missing):
            if not known.pruned:
                known = self._enter(known, path)
            self._directories[path] = known
        return known

    def _enter(self, parent: _Directory, path: str) -> _Directory:
        hits, excluded = self._evaluate(parent.hits, path, *path.rpartition("/")[::2])
        # An exception that has matched already was overruled by a later pattern,
        # which overrules it for everything below as well.
        pruned = excluded and not any(
            self._patterns.is_exception(run) and run not in hits
            for run in self._patterns.below(path)
        )
        return _Directory(hits, excluded, pruned)

    def _evaluate(
        self, above: frozenset[int], path: str, directory: str, name: str
    ) -> tuple[frozenset[int], bool]:
        """patternmatcher.go, MatchesUsingParentResults: the runs that hit, and the outcome."""
        matching = self._patterns.matching(path, directory, name)
        if not matching and not above:
            return _NONE, False
        hits: list[int] = []
        excluded = False
        for run in sorted(above.union(matching)):
            exception = self._patterns.is_exception(run)
            # A pattern that could not change the outcome is not compared, and
            # then counts as no match for the paths below.
            if exception == excluded or run in above:
                hits.append(run)
                excluded = not exception
        return frozenset(hits), excluded


IgnoreRules.EMPTY = IgnoreRules("", ())


def with_pattern(text: str, pattern: str) -> str:
    """Returns the text of an ignore file with ``pattern`` as its new last line.

    The line ends as most of the file's lines do, and the file keeps ending (or
    not ending) with a line feed; an empty file gets one.
    """
    newline = Source("", text).newline
    if not text.removeprefix(_BOM) or text.endswith("\n"):
        return text + pattern + newline
    return text + newline + pattern


def _read_lines(text: str) -> Iterator[tuple[int, str]]:
    """ignorefile.go, ReadAll: yields the patterns of a file, relative to the context."""
    for number, line in enumerate(text.split("\n"), start=1):
        if len(line) > _LONGEST_LINE // 4 and len(encoded(line)) > _LONGEST_LINE:
            raise IgnoreSyntaxError(number, "bufio.Scanner: token too long")
        pattern = line.removeprefix(_BOM) if number == 1 else line
        if not pattern.startswith("#") and (pattern := pattern.strip(SPACE)):
            # Patterns travel to the daemon and back as JSON, which has no undecodable bytes.
            yield number, _SURROGATES.sub("\ufffd", _clean_line(pattern))


def _clean_line(pattern: str) -> str:
    inverted = pattern.startswith("!")
    if inverted:
        pattern = pattern[1:].strip(SPACE)
    if pattern:
        pattern = clean(pattern)
        if len(pattern) > 1:
            pattern = pattern.removeprefix("/")
    return "!" + pattern if inverted else pattern


def _read_pattern(number: int, line: str) -> IgnorePattern | None:
    """patternmatcher.go, New: cleans once more and looks for mistakes."""
    line = line.strip(SPACE)
    if not line:
        return None
    line = clean(line)
    if line == "!":
        raise IgnoreSyntaxError(number, 'illegal exclusion pattern: "!"')
    text = line.removeprefix("!")
    try:
        check_pattern(text)
    except PatternError as error:
        raise IgnoreSyntaxError(number, str(error)) from None
    return IgnorePattern(number, text, text != line)


def _check_expression(pattern: IgnorePattern) -> None:
    if _UNUSUAL(pattern.text):
        from optimizer.context.regexps import RegexpError

        try:
            _matcher(pattern.text)
        except RegexpError:
            raise IgnoreSyntaxError(pattern.line, str(PatternError())) from None


def _matcher(text: str) -> _Matcher:
    """patternmatcher.go, Pattern.compile; raises `RegexpError` where the expression is refused."""
    if _PLAIN(text):
        return _Matcher(exact=text)
    # text/scanner drops a byte order mark in front of what it scans.
    scanned = text.removeprefix(_BOM)
    if scanned.startswith("**") and _PLAIN(scanned[2:]):
        # Two bytes are cut off, even where they belong to a byte order mark.
        suffix = encoded(text)[2:].decode("utf-8", "surrogateescape")
        return _Matcher(suffix=suffix, exact=suffix[1:] if suffix.startswith("/") else None)
    if text.endswith("**") and _PLAIN(text[:-2]):
        return _Matcher(prefix=text[:-2])
    from optimizer.context.regexps import parse_regexp

    return _Matcher(expressions=parse_regexp(_translate(scanned)))


def _translate(pattern: str) -> str:
    """patternmatcher.go, Pattern.compile: the regular expression that stands for a pattern."""
    expression = ["^"]
    at = 0
    while at < len(pattern):
        char = pattern[at]
        at += 1
        if char == "*" and pattern.startswith("*", at):
            at += 2 if pattern.startswith("/", at + 1) else 1
            expression.append(".*" if at == len(pattern) else "(.*/)?")
        elif char == "*":
            expression.append("[^/]*")
        elif char == "?":
            expression.append("[^/]")
        elif char in _ESCAPED:
            expression.append("\\" + char)
        elif char == "\\":
            expression.append(pattern[at - 1 : at + 1])
            at += 1
        else:
            expression.append(char)
    return "".join(expression) + "$"


def _note(runs: dict[str, list[int]], text: str | None, run: int) -> None:
    if text is not None and run not in runs.setdefault(text, [])[-1:]:
        runs[text].append(run)


def _runs(texts: Mapping[str, list[int]], wanted: Callable[[str], bool]) -> Iterator[int]:
    for text, runs in texts.items():
        if wanted(text):
            yield from runs


def _automata(expressions: Sequence[tuple[int, tuple[Term, ...]]]) -> tuple[Automaton, ...]:
    """Puts labelled expressions into automata of bounded size."""
    if not expressions:
        return ()
    from optimizer.context.regexps import Automaton

    groups: list[list[tuple[int, tuple[Term, ...]]]] = []
    size = _GROUP
    for expression in expressions:
        if size >= _GROUP:
            groups.append([])
            size = 0
        groups[-1].append(expression)
        size += len(expression[1])
    return tuple(map(Automaton, groups))
