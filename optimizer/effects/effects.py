"""What a step reads and writes, and what it takes from the state that it runs in."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from optimizer.context.gopath import PathPattern, PatternError
from optimizer.cst.source import Span
from optimizer.effects.paths import Paths
from optimizer.knowledge.installs import Call, Inputs, Install, Obstacle
from optimizer.knowledge.variables import ALWAYS_READ, matches
from optimizer.model.stages import Step

Inherited: TypeAlias = Literal["workdir", "user", "shell"]
"""What a step takes from the instructions above it, variables aside."""

_WILDCARDS = frozenset("*?[\\")


@dataclass(frozen=True, slots=True)
class Variables:
    """The environment variables and build arguments that a step depends on.

    ``names`` are those that its text names; ``patterns`` those that its programs read
    (``npm_config_*``); ``opaque`` says why any other may count, None where none does.
    """

    names: frozenset[str] = frozenset()
    patterns: frozenset[str] = frozenset()
    opaque: str | None = None

    def reads(self, name: str) -> bool:
        """Tells whether the variable ``name`` may change what the step does."""
        return self.opaque is not None or name in self.names or matches(name, self.patterns)

    def __or__(self, other: Variables) -> Variables:
        return Variables(
            self.names | other.names,
            self.patterns | other.patterns,
            self.opaque if self.opaque is not None else other.opaque,
        )


NOTHING = Paths()
"""No path at all."""

NO_VARIABLES = Variables()
"""No variable at all."""

RUNS_A_SHELL = Variables(patterns=ALWAYS_READ)
"""What any RUN depends on: its shell, the loader and the C library read these."""


_NO_PLACE = Span(0, 0)


@dataclass(frozen=True, slots=True)
class CommandEffects:
    """One command of a RUN, at the moment it runs.

    ``words`` are its expanded words, None where they are not known. ``obstacle`` says why its
    reads and writes could be anything; None where they are known. For an install of
    dependencies ``install`` and ``inputs`` are set; ``refused`` says why an install cannot be
    told from its manifests, even where its effects are known roughly. ``repeatable`` is as
    in `Touch`.
    """

    text: str
    words: tuple[str, ...] | None
    reads: Paths = NOTHING
    writes: Paths = NOTHING
    variables: Variables = NO_VARIABLES
    network: bool = False
    repeatable: bool = False
    obstacle: Obstacle | None = None
    install: Install | None = None
    inputs: Inputs | None = None
    refused: Obstacle | None = None
    enters: tuple[str, ...] = ()
    """The directories that it starts in and changes to, as far as they are known."""
    call: Call | None = None
    """The command as its program gets it, wrappers taken off, with `HOLE` where a word or a value
    is not known; None where the words could be others."""
    span: Span = _NO_PLACE
    """Where it stands in the file."""


@dataclass(frozen=True)
class ContextReads:
    """What a step takes from the build context, kept apart from the image's own paths.

    ``patterns`` are expanded sources relative to the context, cleaned (``""`` is all of it),
    which may hold COPY's wildcards; ``excludes`` are the values of ``--exclude``. ``opaque``
    says why the sources are not known.
    """

    patterns: tuple[str, ...] = ()
    excludes: tuple[str, ...] = ()
    opaque: str | None = None
    _read: dict[str, PathPattern | None] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def __bool__(self) -> bool:
        """Tells whether the step may take anything from the context."""
        return bool(self.patterns) or self.opaque is not None

    def selects(self, path: str) -> bool:
        """Tells whether a change of the context file ``path``, there or not, changes what the
        step takes. What the ignore file leaves out is for the caller to rule out."""
        if self.opaque is not None:
            return True
        return any(self._selects(pattern, path) for pattern in self.patterns)

    def _selects(self, pattern: str, path: str) -> bool:
        if not pattern or path == pattern or path.startswith(pattern + "/"):
            return True
        if _WILDCARDS.isdisjoint(pattern):
            return False
        if pattern not in self._read:
            self._read[pattern] = _pattern(pattern)
        compiled = self._read[pattern]
        if compiled is None:
            return False
        names = path.split("/")
        depth = pattern.count("/") + 1
        return compiled.has_class or compiled.matches("/".join(names[:depth]))


NO_CONTEXT = ContextReads()
"""Nothing of the build context."""


@dataclass(frozen=True)
class Effects:
    """Everything that decides whether a step may change places with another one.

    ``commands`` are those of a RUN in order, else empty. ``reads`` and ``writes`` are the
    union over them, or what COPY, ADD and WORKDIR do; ``makes`` are directories that come to
    be where they are missing, ``needs`` those that have to be there already. ``settings`` names
    what it sets in the image's configuration (``CMD``, ``LABEL a``). ``inherits`` is what the
    step takes from the state, ``sets`` what it changes of it, ``assigns`` the variables that
    an ENV or ARG sets (``*`` where a name is not known). ``network`` says that it may ask other
    machines, ``secrets`` are the ids of its secret and ssh mounts. ``obstacle`` is the first
    reason why it is opaque.
    """

    step: Step
    commands: tuple[CommandEffects, ...] = ()
    reads: Paths = NOTHING
    writes: Paths = NOTHING
    makes: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()
    context: ContextReads = NO_CONTEXT
    variables: Variables = NO_VARIABLES
    inherits: frozenset[Inherited] = frozenset()
    sets: frozenset[Inherited] = frozenset()
    assigns: tuple[str, ...] = ()
    network: bool = False
    secrets: tuple[str, ...] = ()
    obstacle: Obstacle | None = None


def _pattern(text: str) -> PathPattern | None:
    try:
        return PathPattern(text)
    except PatternError:
        return None
