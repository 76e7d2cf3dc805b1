"""What the project's own code starts: every source that can be in the image, read once.

A source counts wherever it lies, whether or not something is seen to load it: frameworks load code
by names in settings, so nothing short of running it tells what is loaded. Left out is what only
other programs than the image's run, by the rules of the tools themselves:

- packages that were installed into the tree (``node_modules``, ``vendor``, virtual environments):
  what they need of the distribution is known by package;
- tests, by the names that test runners look for, unless the image runs tests or code that is no
  test loads from their folders; a ``_test.go`` is never compiled into a program (go help test);
- files of build tools (``setup.py``, ``gulpfile.js``), unless a command of the image names them.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from optimizer.context.tree import BuildContext, ContextError, ContextFile
from optimizer.effects.copies import READ_LIMIT
from optimizer.knowledge.started import (
    COMPILED,
    LANGUAGES,
    Place,
    Started,
    names_a_start,
    started,
    suffix_of,
)

MOST_FILES: Final = 20_000
"""Files of an image that are looked at by name."""
MOST_SOURCES: Final = 5_000
MOST_BYTES: Final = 64 << 20
MOST_PARSED: Final = 4 << 20
"""In bytes: sources that hold a word without which their language starts nothing."""

_INSTALLED: Final = re.compile(
    r"(?:^|/)(?:node_modules|vendor|bower_components|site-packages|\.?venv|virtualenv|\.git|\.tox"
    r"|__pycache__|\.yarn|jspm_packages|Pods)/"
)
_TEST: Final = re.compile(
    r"(?:^|/)(?:tests?|__tests__|__mocks__|specs?|testdata|e2e|cypress|src/test|src/[a-z]+Test)/"
    r"|(?:^|/)(?:test_[^/]+\.py|[^/]+_test\.(?:py|go|exs|rb)|conftest\.py|[^/]+_spec\.rb"
    r"|[^/]+[.-](?:test|spec|cy|e2e-spec)\.[cm]?[jt]sx?|[^/]+Tests?\.(?:java|php|cs|kt))$"
)
"""Sources: the default patterns of pytest, go test, Jest, Vitest, Mocha, Cypress, RSpec, minitest,
ExUnit, Surefire and PHPUnit."""
_ALWAYS_TEST: Final = re.compile(r"_test\.go$|(?:^|/)testdata/")
_BUILD: Final = re.compile(
    r"(?:^|/)(?:setup\.py|noxfile\.py|fabfile\.py|tasks\.py|conanfile\.py|gulpfile[^/]*|Gruntfile[^/]*"
    r"|Rakefile|build\.rs|[^/]+\.config\.[cm]?[jt]s|\.eslintrc\.[cm]?js)$"
)
_LOADS_TESTS: Final = re.compile(
    rb"^[ \t]*(?:from|import)[ \t]+\.*(?:\w+\.)?(?:tests?|specs?|e2e)\b(?!\.TestCase)"
    rb"|(?:require|import|from)\b[^\n]{0,80}?['\"][^'\"\n]*/(?:tests?|__tests__|__mocks__|specs?|e2e)/",
    re.MULTILINE,
)
_TEST_PARTS: Final = (b"test", b"spec", b"e2e", b"__mocks__")
_SHEBANG: Final = re.compile(rb"#![ \t]*(?:\S*/)?(?:env[ \t]+(?:-S[ \t]+)?)?(?:\S*/)?([\w.-]+)")


@dataclass(frozen=True, slots=True)
class Code:
    """What one source starts, whether it loads tests, and how many bytes were parsed to know it."""

    path: str
    started: Started
    loads_tests: bool
    parsed: int = 0


@dataclass
class OwnCode:
    """The sources of one build context that were read so far. It outlives the versions of a file:
    a source is read once, however many views ask."""

    _read: dict[str, Code | None] = field(default_factory=dict, repr=False)

    def code(self, context: BuildContext, entry: ContextFile) -> Code | None:
        """Returns what the file starts, None for what is no source."""
        if entry.path in context.written:
            return _read(context, entry)
        if entry.path not in self._read:
            self._read[entry.path] = _read(context, entry)
        return self._read[entry.path]

    def of(
        self,
        context: BuildContext,
        entries: Iterable[ContextFile],
        named: frozenset[str],
        runs_tests: bool,
    ) -> Survey:
        """Returns what the sources among ``entries`` start. ``named`` are the paths of those that
        commands of the image name; they count in any case."""
        counted: list[Code] = []
        tests: list[Code] = []
        parsed = 0
        survey = Survey()
        for entry in _readable(self._sources(entries, survey), survey):
            code = self.code(context, entry)
            if code is None:
                continue
            parsed += code.parsed
            if parsed > MOST_PARSED:
                survey.cut = "its sources name more that may start programs than is read"
                break
            if entry.path in named:
                counted.append(code)
            elif _TEST.search(entry.path):
                tests.extend([] if _ALWAYS_TEST.search(entry.path) and not runs_tests else [code])
            elif not _BUILD.search(entry.path):
                counted.append(code)
                survey.is_compiled |= posixpath.splitext(entry.path)[1] in COMPILED
        if runs_tests or any(code.loads_tests for code in counted):
            counted += tests
        survey.has_sources = bool(counted)
        survey.codes = [code for code in counted if code.started != Started()]
        return survey

    def _sources(self, entries: Iterable[ContextFile], survey: Survey) -> Iterator[ContextFile]:
        sources = size = 0
        for looked_at, entry in enumerate(entries):
            if looked_at > MOST_FILES or sources > MOST_SOURCES or size > MOST_BYTES:
                survey.cut = "it has more sources than are looked at"
                return
            if entry.kind == "file" and not _INSTALLED.search(entry.path) and _may_be_code(entry):
                sources += 1
                size += min(entry.size, READ_LIMIT)
                yield entry


@dataclass
class Survey:
    """What the sources of an image start. ``cut`` says why not all were read; ``is_compiled`` that
    some of them become a program of their own, ``has_sources`` that there are any."""

    codes: list[Code] = field(default_factory=list)
    cut: str | None = None
    is_compiled: bool = False
    has_sources: bool = False


def _readable(entries: Iterator[ContextFile], survey: Survey) -> Iterator[ContextFile]:
    try:
        yield from entries
    except ContextError as error:
        survey.cut = f"a part of the build context cannot be read: {error}"


def _may_be_code(entry: ContextFile) -> bool:
    """A file without an end may be a script that names its interpreter (``bin/rails``)."""
    name = posixpath.basename(entry.path)
    end = posixpath.splitext(name)[1].lower()
    if end in LANGUAGES:
        return True
    return "." not in name and entry.is_executable


def _read(context: BuildContext, entry: ContextFile) -> Code | None:
    try:
        source = context.read_bytes(entry.path, limit=READ_LIMIT)
    except ContextError as error:
        place = Place(1, f"cannot be read: {error}")
        return Code(entry.path, Started(opaque=place), False)
    end: str | None = posixpath.splitext(entry.path)[1].lower()
    if end not in LANGUAGES:
        shebang = _SHEBANG.match(source)
        end = suffix_of(shebang[1].decode("ascii", "replace")) if shebang is not None else None
    if end is None:
        return None
    parsed = len(source) if names_a_start(end, source) else 0
    loads_tests = any(part in source for part in _TEST_PARTS) and (
        _LOADS_TESTS.search(source) is not None
    )
    return Code(entry.path, started(end, source), loads_tests, parsed)
