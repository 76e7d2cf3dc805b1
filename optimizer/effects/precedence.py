"""Which steps of a stage must stand above which."""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass, field, replace

from optimizer.effects.conflict import Conflict, conflict
from optimizer.effects.effects import Effects
from optimizer.effects.paths import Paths

EVERYWHERE = frozenset(
    (":", "[", "cat", "cd", "chgrp", "chmod", "chown", "cp", "echo", "exit", "export", "false",
     "ln", "ls", "mkdir", "mv", "printf", "pwd", "rm", "rmdir", "set", "test", "touch", "true",
     "umask")
)  # fmt: skip
"""Tools that every distribution has from the start (POSIX.1-2024; Debian policy 3.8, essential
packages; busybox), so that no package above a RUN gives or takes them."""


@dataclass(frozen=True)
class Precedence:
    """The steps with these effects, in the order of the file. Steps are named by index; each
    pair is compared at most once, when somebody asks."""

    effects: Sequence[Effects]
    _found: dict[tuple[int, int], Conflict | None] = field(default_factory=dict, repr=False)

    def conflict(self, first: int, second: int) -> Conflict | None:
        """Returns what keeps ``second`` from going above ``first``."""
        if (first, second) not in self._found:
            one, other = self.effects[first], self.effects[second]
            if one.commands and other.commands:
                one, other = _without_programs(one), _without_programs(other)
            self._found[first, second] = conflict(one, other)
        return self._found[first, second]

    def conflicts(self, index: int) -> Iterator[tuple[int, Conflict]]:
        """Yields what keeps a step from going above each of those above it, nearest first."""
        for other in reversed(range(index)):
            found = self.conflict(other, index)
            if found is not None:
                yield other, found

    def above(
        self, also: Sequence[int], but: Set[tuple[int, int]] = frozenset()
    ) -> tuple[int, ...]:
        """Returns for each step the set (as bits) of those that have to stay above it.

        ``also`` are sets that hold beside the conflicts, ``but`` are pairs whose conflict is
        not to count. The sets are complete: what has to stay above one of them is in them too.
        """
        found: list[int] = []
        for index in range(len(self.effects)):
            needs = 0
            for other in reversed(range(index)):
                if needs >> other & 1:
                    continue
                pair = (other, index)
                if also[index] >> other & 1 or (pair not in but and self.conflict(*pair)):
                    needs |= 1 << other | found[other]
            found.append(needs)
        return tuple(found)


def _without_programs(effects: Effects) -> Effects:
    """Leaves out of what a RUN reads the programs and libraries that are there from the start;
    only another RUN beside it may leave them alone, a copy may bring a whole system."""
    programs = {c.words[0].rpartition("/")[2] if c.words else "" for c in effects.commands}
    if effects.obstacle is not None or not programs <= EVERYWHERE:
        return effects
    read = dict.fromkeys(path for each in effects.commands for path in each.reads.prefixes)
    return replace(effects, reads=Paths(tuple(read), effects.reads.copies, effects.reads.opaque))
