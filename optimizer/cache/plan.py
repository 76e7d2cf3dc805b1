"""The steps of one stage as items to be ordered: what they cost, what may move, what must not.

Beside the conflicts of `optimizer.effects.conflict` there are rules, which hold whatever a step
reads and writes, and barriers: things that could be moved, but whose authors want them where
they are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from posixpath import basename

from optimizer.cache.order import Item, allows, best_order, put_back, stays
from optimizer.effects.copies import is_below
from optimizer.effects.effects import CommandEffects, Effects
from optimizer.effects.precedence import Precedence
from optimizer.knowledge.arguments import follows_a_branch, pins_version
from optimizer.model.stages import Step

LEAST_SECONDS = 0.5
"""What a move has to save per commit, on average over the commits looked at."""

LEAST_SHARE = 0.01
"""What a move has to save of the seconds that its stage costs."""

PLACED = frozenset({"ADD", "COPY", "RUN"})
"""Instructions that may stand elsewhere for their own sake."""

VALUES = frozenset({"ARG", "ENV"})
"""Instructions that run what is below them again, from the next RUN on, when a value changes."""

FETCHERS: Mapping[str, frozenset[str]] = {
    "aria2c": frozenset(),
    "curl": frozenset(),
    "git": frozenset({"clone", "fetch", "pull", "submodule"}),
    "svn": frozenset({"checkout", "co", "export"}),
    "wget": frozenset(),
}
"""Programs that fetch what their own words name, with the verbs that do; none where all do."""


@dataclass(frozen=True, slots=True)
class Row:
    """One instruction of a stage.

    ``item`` is what it costs and which scenarios change its own inputs. ``value`` is the
    variable that an ARG or ENV sets to something else with every build, None where it
    sets none. ``moves`` says that it may move at all, ``busts`` that it is there to have what
    follows it built again, ``stands`` that its author wants it where it is.
    """

    effects: Effects
    item: Item
    value: str | None = None
    moves: bool = True
    busts: bool = False
    stands: bool = False

    @property
    def step(self) -> Step:
        return self.effects.step

    @property
    def keyword(self) -> str:
        return self.step.instruction.keyword

    @property
    def reads_environment(self) -> bool:
        """Tells whether it is a RUN that installs or builds what is the project's: any of that
        may look at any variable."""
        return self.effects.obstacle is not None or any(
            command.install is not None for command in self.effects.commands
        )

    @property
    def is_blind(self) -> bool:
        """Tells whether it copies what the context has not: what it brings is not known."""
        return any(not copy.sources for copy in self.effects.writes.copies)

    @property
    def is_unpinned(self) -> bool:
        """Tells whether it fetches something and names no version."""
        return any(map(_is_unpinned, self.effects.commands))


def _is_unpinned(command: CommandEffects) -> bool:
    program = command.words[0].rpartition("/")[2] if command.words else ""
    verbs = FETCHERS.get(program)
    is_fetched = verbs is not None and not (verbs and verbs.isdisjoint(command.words or ()))
    return (is_fetched and not pins_version(command.text)) or follows_a_branch(command.text)


@dataclass(frozen=True)
class Plan:
    """The rows of a stage in the order of the file. ``scenarios`` says how many commits are
    looked at, ``barriers`` what has to stay above each row beside conflicts and rules, as
    bits, by what stands behind it."""

    rows: Sequence[Row]
    scenarios: int
    precedence: Precedence
    rules: Sequence[int]
    barriers: Mapping[str, Sequence[int]]

    @classmethod
    def of(cls, rows: Sequence[Row], scenarios: int) -> Plan:
        return cls(
            rows=rows,
            scenarios=scenarios,
            precedence=Precedence(tuple(row.effects for row in rows)),
            rules=_pairs(rows, _keep_order),
            barriers={name: _pairs(rows, holds) for name, holds in _BARRIERS.items()},
        )

    @property
    def today(self) -> tuple[int, ...]:
        """The author's order."""
        return tuple(range(len(self.rows)))

    def runs(self, order: Sequence[int], index: int) -> int:
        """Returns in how many scenarios a row runs again when the rows stand in ``order``."""
        return next(above.bit_count() for at, above in self._above(order) if at == index)

    def rerun(self, order: Sequence[int], index: int) -> int:
        """Returns how many steps with a vertex run again when only a row's own inputs change."""
        below = (self.rows[other] for other in order[order.index(index) :])
        broken = self.rows[index].keyword not in VALUES
        count = 0
        for row in below:
            broken = broken or row.keyword == "RUN"
            count += broken and row.keyword in (*PLACED, "WORKDIR")
        return count

    def cost(self, order: Sequence[int]) -> float:
        """Returns the seconds that the stage costs over all scenarios."""
        return sum(self.rows[i].item.seconds * n.bit_count() for i, n in self._above(order))

    def _above(self, order: Sequence[int]) -> Iterator[tuple[int, int]]:
        """Yields each row with the scenarios in which it runs again. What the value of an ARG or
        ENV touches it touches from the next RUN on."""
        above, waiting = 0, 0
        for index in order:
            row = self.rows[index]
            if row.keyword in VALUES:
                waiting |= row.item.touched
            else:
                above |= row.item.touched | (waiting if row.keyword == "RUN" else 0)
            yield index, above

    def saves(self, order: Sequence[int]) -> float:
        """Returns the seconds that ``order`` saves over all scenarios."""
        return self.cost(self.today) - self.cost(order)

    def spared(self, order: Sequence[int], index: int) -> float:
        """Returns the seconds that one row is spared in ``order``."""
        before, after = self.runs(self.today, index), self.runs(order, index)
        return self.rows[index].item.seconds * (before - after)

    def waste(self, index: int) -> float:
        """Returns the seconds that a row runs though its own inputs did not change."""
        item = self.rows[index].item
        return item.seconds * (self.runs(self.today, index) - item.touched.bit_count())

    @property
    def least(self) -> float:
        """What no order is cheaper than."""
        return sum(row.item.seconds * row.item.touched.bit_count() for row in self.rows)

    def pays(self, saved: float) -> bool:
        """Tells whether saving so many seconds, over all scenarios, is worth a move."""
        share = LEAST_SHARE * self.cost(self.today)
        return saved > 0 and saved >= max(LEAST_SECONDS * self.scenarios, share)

    def above(
        self, without: str | None = None, but: Set[tuple[int, int]] = frozenset()
    ) -> tuple[int, ...]:
        """Returns what has to stay above each row, leaving out one of the barriers, or what
        stands between the pairs ``but``."""
        also = list(self.rules)
        for name, masks in self.barriers.items():
            if name != without:
                also = [mine | its for mine, its in zip(also, masks, strict=True)]
        for first, second in but:
            also[second] &= ~(1 << first)
        return self.precedence.above(also, but)

    def best(
        self, without: str | None = None, but: Set[tuple[int, int]] = frozenset()
    ) -> tuple[int, ...]:
        """Returns the cheapest order, without the moves that save too little to be worth it."""
        above = self.above(without, but)
        order = best_order([row.item for row in self.rows], above).order
        back: tuple[int, ...] | None = order
        while back is not None:
            order, back = back, self._least_worth(back, above)
        return self._sunk(order, above)

    def _least_worth(self, order: tuple[int, ...], above: Sequence[int]) -> tuple[int, ...] | None:
        """Returns ``order`` with the move taken back that saves least; None where all pay."""
        kept = stays(order)
        backs = [put_back(order, index, kept) for index in order if index not in kept]
        allowed = [back for back in backs if allows(above, back)]
        back = min(allowed, key=self.cost, default=None)
        if back is None or self.pays(self.cost(back) - self.cost(order)):
            return None
        return back

    def _sunk(self, order: tuple[int, ...], above: Sequence[int]) -> tuple[int, ...]:
        """Lets each value that goes down follow to right above its first reader."""
        for index in reversed(range(len(self.rows))):
            passed = any(other > index for other in order[: order.index(index)])
            if self.rows[index].value and self.rows[index].moves and passed:
                order = self._at_reader(order, index, above)
        return order

    def _at_reader(
        self, order: tuple[int, ...], index: int, above: Sequence[int]
    ) -> tuple[int, ...]:
        """Puts a value right above its first reader and what stands there for the same purpose."""
        rest = [other for other in order if other != index]
        readers = (at for at, other in enumerate(rest) if above[other] >> index & 1)
        at = next(readers, order.index(index))
        while at and rest[at - 1] > index and self.rows[rest[at - 1]].keyword in VALUES:
            at -= 1
        return (*rest[:at], index, *rest[at:])


def _pairs(rows: Sequence[Row], holds: Callable[[Row, Row], bool]) -> list[int]:
    """Returns for each row the set of rows above it with which ``holds`` is true."""
    return [
        sum(1 << other for other in range(at) if holds(rows[other], rows[at]))
        for at in range(len(rows))
    ]


def _keep_order(first: Row, second: Row) -> bool:
    """Tells whether two rows keep their order whatever they read and write: what does not move
    stays in order, and what sets a state stays where it is to those that run in it."""
    if (not first.moves and not second.moves) or first.is_blind or second.is_blind:
        return True
    if any(_names_copied(*both) or _feeds(*both) for both in ((first, second), (second, first))):
        return True
    pair = {first.keyword, second.keyword}
    if pair == {"ENV"} or not set(first.effects.assigns).isdisjoint(second.effects.assigns):
        return True
    if not pair.isdisjoint({"USER", "SHELL"}):
        return not pair.isdisjoint(PLACED)
    return "RUN" in pair and any(row.value and not row.moves for row in (first, second))


def _feeds(copy: Row, run: Row) -> bool:
    """Tells whether a copy goes where a RUN installs dependencies. What that reads there is
    settled by splitting the copy, not by passing it."""
    targets = [source.target for each in copy.effects.writes.copies for source in each.sources]
    if copy.keyword in ("ADD", "COPY"):
        targets += copy.effects.writes.prefixes
    folders = [each.install.call.directory for each in run.effects.commands if each.install]
    return any(
        is_below(target, folder) or is_below(folder, target)
        for folder in folders
        for target in targets
    )


def _names_copied(copy: Row, run: Row) -> bool:
    """Tells whether a RUN names a path in a directory that is copied. The context of a real build
    may hold files there that a checkout has not, such as what a pipeline built before."""
    targets = [
        source.target
        for each in copy.effects.writes.copies
        for source in each.sources
        if source.is_dir
    ]
    return any(
        is_below(path, target) and (basename(path) or "/") in command.text
        for command in run.effects.commands
        for path in (*command.reads.prefixes, *command.writes.prefixes)
        for target in targets
    )


_BARRIERS: Mapping[str, Callable[[Row, Row], bool]] = {
    "intended-cache-bust": lambda first, second: first.busts or second.busts,
    "kept-by-comment": lambda first, second: first.stands or second.stands,
    # An install may look at any variable, and the program that it installs for does.
    "variable-may-be-read": lambda first, second: (
        {first.keyword, second.keyword} == {"ENV", "RUN"}
        and (first.reads_environment or second.reads_environment)
    ),
    # It would be kept as it was fetched once.
    "unpinned-download": lambda first, second: second.is_unpinned and first.item.touched != 0,
}
"""What holds beside conflicts and rules, by the refusal code for it."""
