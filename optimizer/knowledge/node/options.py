"""Command lines of yarn, pnpm and bun: which words are options, and which stand for themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class OptionTable:
    """The options that a program knows, by their long names; ``short`` maps letters to them.

    ``optional`` take a value only behind an equals sign, or where it is true or false.
    """

    booleans: frozenset[str]
    valued: frozenset[str]
    short: Mapping[str, str]
    optional: frozenset[str] = frozenset()


def names(text: str) -> frozenset[str]:
    """Returns the words of ``text``."""
    return frozenset(text.split())


@dataclass(frozen=True, slots=True)
class Words:
    """What stands after the program: ``plain`` words in order, the options with their values
    (``"true"`` and ``"false"`` for switches), and options that the table does not have."""

    plain: tuple[str, ...]
    options: Mapping[str, str]
    repeated: tuple[tuple[str, str], ...]
    unknown: tuple[str, ...]

    def on(self, option: str) -> bool:
        """Tells whether a switch is on."""
        return self.options.get(option) == "true"

    def off(self, option: str) -> bool:
        """Tells whether a switch is off."""
        return self.options.get(option) == "false"

    def all(self, option: str) -> tuple[str, ...]:
        """Returns the values of an option that may stand more than once, in order."""
        return tuple(value for name, value in self.repeated if name == option)


def read_words(words: Sequence[str], table: OptionTable) -> Words:
    """Reads the words after the program's name."""
    plain: list[str] = []
    found: list[tuple[str, str]] = []
    unknown: list[str] = []
    queue = list(reversed(words))
    while queue:
        word = queue.pop()
        if word == "--":
            plain.extend(reversed(queue))
            break
        if not word.startswith("-") or word == "-":
            plain.append(word)
        elif word.startswith("--"):
            _long(word, queue, table, found, unknown)
        else:
            _short(word, queue, table, found, unknown)
    return Words(tuple(plain), dict(found), tuple(found), tuple(unknown))


def _long(
    word: str, queue: list[str], table: OptionTable, found: list[tuple[str, str]],
    unknown: list[str],
) -> None:  # fmt: skip
    name, equals, value = word[2:].partition("=")
    known = table.booleans | table.valued | table.optional
    negated = name.startswith("no-") and name not in known
    name = name.removeprefix("no-") if negated else name
    if name not in known and not (negated and name):
        unknown.append(word)
    elif name in table.valued and not negated:
        found.append((name, value if equals else queue.pop() if queue else ""))
    elif negated:
        found.append((name, "false"))
        if name not in known:
            unknown.append(word)
    elif not equals and name in table.optional and queue and queue[-1] in ("true", "false"):
        found.append((name, queue.pop()))
    else:
        found.append((name, value if equals else "true"))


def _short(
    word: str, queue: list[str], table: OptionTable, found: list[tuple[str, str]],
    unknown: list[str],
) -> None:  # fmt: skip
    for position, letter in enumerate(word[1:], 1):
        name = table.short.get(letter)
        if name is None:
            unknown.append(word)
            return
        if name in table.valued:
            rest = word[position + 1 :].removeprefix("=")
            found.append((name, rest or (queue.pop() if queue else "")))
            return
        found.append((name, "true"))
