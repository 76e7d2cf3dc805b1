"""Which programs the project's own code starts, by the language that it is written in.

A module such as `optimizer.knowledge.python.started` answers for one source. It is loaded when a
source is met that holds a word without which no code of the language starts anything, so code that
starts nothing costs one search of its bytes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Final, Protocol

LONGEST: Final = 1 << 20
"""In bytes. A source that is longer was written by a program; it is not read."""

ANYTHING: Final = "${0}"
"""Stands in a script for text that is not known: a variable that no shell script assigns."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where something is started that is not known; ``line`` counts from 1."""

    line: int
    text: str


@dataclass(frozen=True, slots=True)
class Started:
    """What one source starts.

    ``commands`` are words of programs, as far as they are known from the first on; a word may
    hold `HOLE`. ``scripts`` are texts that go to ``/bin/sh``, with `ANYTHING` for what is not
    known. ``opaque`` is the first place that starts something whose name is not known, None where
    there is none.
    """

    commands: tuple[tuple[str, ...], ...] = ()
    scripts: tuple[str, ...] = ()
    opaque: Place | None = None

    @property
    def programs(self) -> frozenset[str]:
        """The names of the programs that are started without a shell, without their folders."""
        return frozenset(words[0].rpartition("/")[2] for words in self.commands)

    @property
    def needs_shell(self) -> bool:
        """Whether something goes through ``/bin/sh``."""
        return bool(self.scripts)


class Reader(Protocol):
    """What a module of a language offers; the module itself is the object."""

    def started(self, source: bytes) -> Started:
        """Returns what a source starts. Never raises, whatever it holds."""


@dataclass(frozen=True, slots=True)
class _Language:
    module: str | None
    """Below `optimizer.knowledge`; None for a language that is not read: then whatever ``words``
    name is started, and not known."""
    parts: tuple[bytes, ...]
    """One of these stands in every source that ``words`` is found in; they are looked for first,
    since that is quicker by far. Empty where nothing of the kind is known."""
    words: re.Pattern[bytes]
    """What stands in every source that starts something."""

    def search(self, source: bytes) -> re.Match[bytes] | None:
        """Returns the first word of a source that may start something, None for none."""
        if self.parts and not any(part in source for part in self.parts):
            return None
        return self.words.search(source)


def _language(module: str | None, parts: bytes, words: bytes) -> _Language:
    return _Language(module, tuple(parts.split()), re.compile(words))


# Sources: the reference of each language's standard library, and of the libraries named.
_PYTHON: Final = _language(
    "python.started",
    b"process system open exec spawn pty which find_executable pexpect plumbum sarge "
    b"sh invoke fabric anyio trio commands pyximport torch cpp_extension cython.inline",
    rb"subprocess|\bos\b[^\n]{0,200}?\b(?:system|popen|exec|spawn|posix_spawn)\b"
    rb"|\.(?:system|popen|exec[lv]|spawn[lv]|posix_s)|\bpty\b|\bwhich[ \t]*\(|find_executable"
    rb"|pexpect|plumbum|sarge|Popen"
    rb"|(?:import|from)[ \t]+(?:sh|invoke|fabric|anyio|trio|commands)\b"
    rb"|\bpyximport\b|\btorch\s*\.\s*compile\b|\bcpp_extension\b|\bcython\.inline\b",
)
_NODE: Final = _language(
    "node.started",
    b"child_process execa shelljs zx cross-spawn Bun. Deno. tinyexec",
    rb"child_process|execa|shelljs|\bzx\b|cross-spawn|Bun\.|Deno\.|tinyexec",
)
_GO: Final = _language(
    "go.started",
    b"exec syscall. StartProcess /x/sys /script /cmd /go-sh /sh",
    rb'"os/exec"|syscall\.|StartProcess|/x/sys|"github\.com/(?:go-cmd/cmd|bitfield/script'
    rb'|codeskyblue/go-sh|magefile/mage/sh)"|"k8s\.io/utils/exec"|"mvdan\.cc/sh',
)
_RUBY: Final = _language(
    "ruby.started",
    b"system ` %x exec spawn open Open3 Open4 TTY::",
    rb"\bsystem\b|`|%x|\bexec\b|\bspawn\b|[Pp]open|Open3|Open4|POSIX::Spawn|TTY::",
)
_PHP: Final = _language(
    "php.started",
    b"",
    rb"(?i)\b(?:(?:shell_|pcntl_)?exec|passthru|system|proc_open|popen|mail|mb_send_mail)\b"
    rb"|`|\bProcess\b",
)
_JAVA: Final = _language(
    "jvm.started",
    b"ProcessBuilder getRuntime DefaultExecutor CommandLine getSystem com.sun. jdk.jshell",
    rb"ProcessBuilder|getRuntime|DefaultExecutor|CommandLine\b"
    rb"|\bgetSystem(?:JavaCompiler|DocumentationTool)\b|\bcom\.sun\.(?:tools|jdi)\b|\bjdk\.jshell\b",
)
_CSHARP: Final = _language(
    "dotnet.started", b"Process StartInfo CliWrap", rb"Process\b|StartInfo\b|CliWrap"
)
_RUST: Final = _language(
    "rust.started", b"Command duct xshell execv execl", rb"Command\b|\bduct\b|xshell|execv|execl"
)
_C: Final = _language(
    None, b"system popen exec spawn", rb"\b(?:system|popen|exec[lv]p?e?|posix_spawnp?)[ \t]*\("
)
_KOTLIN: Final = _Language(None, _JAVA.parts, _JAVA.words)
_ELIXIR: Final = _language(
    None, b"System. Port. os MuonTrap", rb"System\.(?:cmd|shell)|Port\.open|:os\.cmd|MuonTrap"
)
_PERL: Final = _language(
    None, b"system exec qx ` open", rb"\b(?:system|exec|qx)\b|`|\bopen\b[^\n]*\|"
)
_SWIFT: Final = _language(None, b"Process posix_spawn", rb"\bProcess\b|posix_spawn")

LANGUAGES: Final[Mapping[str, _Language]] = {
    **dict.fromkeys((".py", ".pyw"), _PYTHON),
    **dict.fromkeys((".js", ".cjs", ".mjs", ".jsx", ".ts", ".cts", ".mts", ".tsx"), _NODE),
    ".go": _GO,
    **dict.fromkeys((".rb", ".rake", ".ru"), _RUBY),
    **dict.fromkeys((".php", ".phtml", ".inc"), _PHP),
    ".java": _JAVA,
    ".cs": _CSHARP,
    ".rs": _RUST,
    **dict.fromkeys((".c", ".cc", ".cpp", ".cxx", ".h", ".hh", ".hpp"), _C),
    **dict.fromkeys((".kt", ".kts", ".scala", ".groovy", ".clj"), _KOTLIN),
    **dict.fromkeys((".ex", ".exs", ".erl"), _ELIXIR),
    **dict.fromkeys((".pl", ".pm"), _PERL),
    ".swift": _SWIFT,
}
"""The languages by the ends of the names of their sources."""

COMPILED: Final = frozenset(
    (
        ".go",
        ".java",
        ".cs",
        ".rs",
        ".c",
        ".cc",
        ".cpp",
        ".cxx",
        ".kt",
        ".scala",
        ".ex",
        ".erl",
        ".swift",
    )
)
"""Ends of sources that become a program of their own, which then starts what they say."""

_BY_INTERPRETER: Final = (
    (re.compile(r"(?:python|pypy)[\d.]*"), ".py"),
    (re.compile(r"node(?:js)?|bun|deno|tsx|ts-node"), ".ts"),
    (re.compile(r"ruby"), ".rb"),
    (re.compile(r"php[\d.]*"), ".php"),
    (re.compile(r"perl"), ".pl"),
)


def suffix_of(interpreter: str) -> str | None:
    """Returns the end of names of sources that ``interpreter`` (a program's name) runs, None
    where it is not known as one."""
    return next((end for names, end in _BY_INTERPRETER if names.fullmatch(interpreter)), None)


def names_a_start(suffix: str, source: bytes) -> bool:
    """Tells whether the source has to be parsed to know what it starts."""
    return LANGUAGES[suffix].search(source) is not None


def started(suffix: str, source: bytes) -> Started:
    """Returns what the source starts; ``suffix`` is a key of `LANGUAGES`. Never raises."""
    language = LANGUAGES[suffix]
    found = language.search(source)
    if found is None:
        return Started()
    line = source.count(b"\n", 0, found.start()) + 1
    if language.module is None or len(source) > LONGEST:
        return Started(opaque=Place(line, found[0].decode("utf-8", "replace").strip()))
    module: Any = import_module(f"optimizer.knowledge.{language.module}")
    reader: Reader = module
    return reader.started(source)
