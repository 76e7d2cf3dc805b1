"""The command lines of poetry, uv, pipenv, pdm and conda: a verb, its operands and its options.

Every tool brings the two lists of its options, those with a value and those without; an option
in neither list is unknown, and what it makes the tool read is not guessed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CommandLine:
    """A command line: ``verb`` is its first one or two words, ``operands`` what stands alone
    after them, ``options`` the values of each option as written, ``""`` for one without."""

    verb: str
    operands: tuple[str, ...]
    options: Mapping[str, tuple[str, ...]]
    unknown: str | None

    def has(self, *names: str) -> bool:
        """Tells whether one of the options ``names`` is there."""
        return any(name in self.options for name in names)

    def all(self, *names: str) -> tuple[str, ...]:
        """Returns the values of the options ``names``, spelling by spelling."""
        return tuple(value for name in names for value in self.options.get(name, ()))

    def last(self, *names: str) -> str | None:
        """Returns the value that counts where an option stands more than once; None for none."""
        return next(iter(reversed(self.all(*names))), None)


def options(text: str) -> frozenset[str]:
    """Returns the options that stand in ``text``, with blanks between them."""
    return frozenset(text.split())


def read(
    words: Sequence[str],
    valued: frozenset[str],
    flags: frozenset[str],
    pairs: frozenset[str] = frozenset(),
) -> CommandLine:
    """Reads the words after the program. ``pairs`` are first words whose verb has two, such as
    ``env`` of ``conda env create``.

    Short options may stand together (``-nq``), and a short one may hold its value (``-ofile``):
    argparse, cleo and clap all take both.
    """
    plain: list[str] = []
    found: dict[str, list[str]] = {}
    unknown = None
    queue = list(reversed(words))
    while queue:
        word = queue.pop()
        if word == "--":
            plain.extend(reversed(queue))
            break
        if not word.startswith("-") or word == "-":
            plain.append(word)
            continue
        name, equals, value = word.partition("=")
        if not word.startswith("--") and len(word) > 2:
            name, equals, value = word[:2], "=", word[2:].removeprefix("=")
            if name in flags:
                queue.append("-" + value)
                equals = value = ""
        if name in valued and not equals:
            value = queue.pop() if queue else ""
        elif name not in valued and name not in flags:
            unknown = unknown or name
        found.setdefault(name, []).append(value)
    length = 2 if plain and plain[0] in pairs else 1
    values = {name: tuple(each) for name, each in found.items()}
    return CommandLine(" ".join(plain[:length]), tuple(plain[length:]), values, unknown)


def with_options(words: Sequence[str], verb: str, *added: str) -> tuple[str, ...]:
    """Returns ``words`` with ``added`` put behind the word ``verb``."""
    at = list(words).index(verb) + 1
    return (*words[:at], *added, *words[at:])
