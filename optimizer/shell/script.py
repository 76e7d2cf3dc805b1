"""What a shell script is made of: commands, and how they are connected."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, TypeAlias

from optimizer.cst.source import Span
from optimizer.shell.words import Environment, ShellText, ShellWord, Text

Context: TypeAlias = Literal[
    "alternative",  # right of ||
    "background",  # in a list that & ends
    "branch",  # behind then, else, or a pattern of case
    "command-substitution",  # in $(...), `...`, <(...) or >(...)
    "condition",  # between if, elif, while or until and then or do
    "function",
    "loop",  # between do and done
    "negated",  # in a pipeline behind !
    "pipe",
    "subshell",
]

Operator: TypeAlias = Literal["", "&&", "||", ";", "\n", "&"]


@dataclass(frozen=True)
class Assignment:
    """``name=value``. ``value`` is None for an array and for an element of one."""

    source: ShellText
    start: int
    end: int
    name: str
    value: ShellWord | None
    append: bool
    """Whether it is ``name+=value``."""

    @cached_property
    def text(self) -> str:
        return self.source.text[self.start : self.end]

    @cached_property
    def span(self) -> Span:
        return self.source.at(self.start, self.end)

    def expand(self, env: Environment) -> str | None:
        """Returns the value that is assigned, None where it is not known."""
        if self.value is None or self.append:
            return None
        for part in self.value.parts:
            # A tilde behind a colon stands for a home directory here, as in PATH=$PATH:~/bin.
            if isinstance(part, Text) and not part.quoted and ":~" in part.value:
                return None
        return self.value.expand(env)


@dataclass(frozen=True)
class Redirection:
    """``2>file``. ``descriptor`` is None where none is written.

    ``operator`` includes a closing dash (``>&-``), which has no target. The target
    of ``<<`` is the delimiter as written; ``body`` is then the slice of the script
    that the here-document's lines take.
    """

    source: ShellText
    start: int
    end: int
    operator: str
    descriptor: int | None
    target: ShellWord | None
    body: tuple[int, int] | None = None

    @cached_property
    def text(self) -> str:
        return self.source.text[self.start : self.end]

    @cached_property
    def span(self) -> Span:
        return self.source.at(self.start, self.end)

    @property
    def writes(self) -> bool:
        """Whether the target is a file that is created or changed."""
        if self.operator in (">&", "&>") and self.target is not None:
            return not self.target.text.rstrip("-").isdigit()
        return self.operator in (">", ">>", ">|", "<>", "&>>")

    @property
    def document(self) -> str | None:
        """The text of a here-document that the shell passes on as it is written.

        None for other redirections, and for a document that the shell expands first.
        """
        if self.body is None:
            return None
        text = self.source.text[slice(*self.body)]
        return None if not self.quoted and any(char in text for char in "$`\\") else text

    @property
    def quoted(self) -> bool:
        """Whether a part of a here-document's delimiter is quoted."""
        return self.target is not None and any(char in self.target.text for char in "'\"\\")


@dataclass(frozen=True)
class Command:
    """A simple command: a program or builtin with its words, or assignments alone.

    ``[ ... ]`` and ``[[ ... ]]`` are commands too, with the words ``[`` and ``]``.
    ``substitutions`` are the chains inside its words, assignments, redirections and
    here-documents, in order; their commands stand behind it in `Script.commands`.
    """

    source: ShellText
    start: int
    end: int
    words: tuple[ShellWord, ...]
    assignments: tuple[Assignment, ...] = ()
    redirections: tuple[Redirection, ...] = ()
    context: frozenset[Context] = frozenset()
    substitutions: tuple[Chain, ...] = ()

    @property
    def name(self) -> ShellWord | None:
        """The first word; None for a command of assignments or redirections alone."""
        return self.words[0] if self.words else None

    @cached_property
    def text(self) -> str:
        """The command as written, from its first word or assignment to its last piece."""
        return self.source.text[self.start : self.end]

    @cached_property
    def span(self) -> Span:
        return self.source.at(self.start, self.end)

    def fields(self, env: Environment) -> tuple[str, ...] | None:
        """Returns the words as the program gets them, None where one is not known.

        Globs are kept as written.
        """
        found: list[str] = []
        for word in self.words:
            fields = word.fields(env)
            if fields is None:
                return None
            found += fields
        return tuple(found)


@dataclass(frozen=True)
class Pipeline:
    """Commands joined by ``|``, or one with ``!`` in front."""

    items: tuple[Command | Compound, ...]
    negated: bool


Role: TypeAlias = Literal["body", "condition", "branch", "loop"]


@dataclass(frozen=True)
class Block:
    """A chain inside a compound command, and what decides whether it runs."""

    role: Role
    chain: Chain


Kind: TypeAlias = Literal[
    "subshell",
    "group",
    "if",
    "while",
    "until",
    "for",
    "select",
    "case",
    "function",
    "arithmetic",
]


@dataclass(frozen=True)
class Compound:
    """``( )``, ``{ }``, ``if``, ``while``, ``for``, ``case``, a function definition or ``(( ))``.

    ``name`` is the function's name or the loop's variable.
    """

    kind: Kind
    source: ShellText
    start: int
    end: int
    blocks: tuple[Block, ...]
    redirections: tuple[Redirection, ...] = ()
    substitutions: tuple[Chain, ...] = ()
    name: str | None = None
    has_default: bool = False
    """Whether one of the branches runs for sure (``else``)."""

    @cached_property
    def span(self) -> Span:
        return self.source.at(self.start, self.end)


@dataclass(frozen=True)
class ChainItem:
    """One link: ``operator`` stands before it, "" for the first one.

    ``background`` is set where ``&`` ends the list that the item is in.
    """

    operator: Operator
    body: Command | Compound | Pipeline
    background: bool = False


Chain: TypeAlias = tuple[ChainItem, ...]


@dataclass(frozen=True, slots=True)
class ShellOptions:
    """How a shell was started.

    ``startup_files`` says that it reads profiles or the like before the script
    (``-l``, ``-i``), so that no variable is known.
    """

    name: str = "sh"
    errexit: bool = False
    pipefail: bool = False
    startup_files: bool = False


@dataclass(frozen=True)
class Script:
    """A script as a shell reads it.

    ``commands`` are all simple commands, those in groups, branches, functions and
    substitutions included, ordered by where they begin. ``chain`` is how the top
    level is connected. ``reassigned`` names variables that expansions and
    arithmetic change on the way (``${x:=1}``, ``$((x++))``); their values are
    never known.
    """

    source: ShellText
    chain: Chain
    commands: tuple[Command, ...]
    options: ShellOptions = field(default=ShellOptions())
    reassigned: frozenset[str] = frozenset()

    @property
    def text(self) -> str:
        return self.source.text


@dataclass(frozen=True, slots=True)
class OpaqueScript:
    """A RUN that is not read as commands, and why; ``span`` is the place, where there is one."""

    reason: str
    span: Span | None = None
