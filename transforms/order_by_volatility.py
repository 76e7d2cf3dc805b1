r"""Put what changes seldom above what changes often.

What it does
============
Moves the steps of a stage into the cheapest order that gives the same image:
system packages, downloads and settings above the sources, and an ARG or ENV whose
value changes with every build down to where it is first read.

Why it pays
===========
A step runs again when anything above it has changed. An install of system
packages below `COPY . .` runs again after every edit, though it reads nothing of
what was copied. Below an `ARG GIT_SHA` every RUN runs again with every commit,
whether it reads the value or not.

How often a step changes is read from the history of the repository, and its
seconds from a build log or an estimate by kind of command. Of all orders that keep
what depends on each other the cheapest is taken; of several, the one that moves
least. A move has to save at least half a second per commit and one hundredth of
what the stage costs; what saves less stays.

Example
=======
```tree
src/main.c
Makefile
```
```dockerfile before
FROM debian:12
WORKDIR /src
# all of it
COPY . .
RUN apt-get update && apt-get install -y build-essential
RUN make
```
```dockerfile after
FROM debian:12
WORKDIR /src
RUN apt-get update && apt-get install -y build-essential
# all of it
COPY . .
RUN make
```

An argument that every build gives another value runs what is below it again.
```tree
src/main.c
```
```dockerfile before
FROM debian:12
ARG GIT_SHA
RUN apt-get update && apt-get install -y curl
EXPOSE 80
LABEL revision=$GIT_SHA
```
```dockerfile after
FROM debian:12
RUN apt-get update && apt-get install -y curl
EXPOSE 80
ARG GIT_SHA
LABEL revision=$GIT_SHA
```

When it holds back
==================
Where a name or a comment says that the cache is to be left unused, nothing passes.
```tree
src/main.c
```
```dockerfile unchanged intended-cache-bust
FROM debian:12
COPY . /src
ARG CACHEBUST
RUN apt-get update && apt-get install -y build-essential
```

A command whose reads and writes are not known may need to stand where it does.
```tree
setup.sh
src/main.c
```
```dockerfile unchanged opaque-command
FROM debian:12
COPY . /src
RUN /src/setup.sh
RUN apt-get update && apt-get install -y build-essential
```

LABEL, EXPOSE, CMD and HEALTHCHECK are never moved: on BuildKit that wins nothing.
An ENV never passes an install, nor does an ARG that something in between may read.
A download that names no version stays below what changes: above it it would grow
old. And no RUN is merged with another.

Safety
======
same-image: two steps change places only if neither reads or writes what the other
writes, and each finds the variables, directory, user and shell that it found before.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import replace
from typing import ClassVar

from optimizer.facade import (
    LEAST_SECONDS,
    Basis,
    Conflict,
    CopyStep,
    Effects,
    Evidence,
    Instruction,
    Item,
    Known,
    Obstacle,
    Pair,
    Plan,
    Proposal,
    Refusal,
    Row,
    Safety,
    Stage,
    StageBase,
    Step,
    Transform,
    View,
    blank_line_above,
    busts_cache,
    changes_per_build,
    rearrange,
    runs_triggers,
    said,
    sample_edit,
    says_bust_cache,
    watches,
)

MOST_STEPS = 64
"""Instructions of a stage that are weighed against each other, so that time stays bounded."""

LEAST_COPY = 1.0
"""Seconds from which on a copy counts."""

_METADATA = frozenset(
    {"CMD", "ENTRYPOINT", "EXPOSE", "HEALTHCHECK", "LABEL", "MAINTAINER", "STOPSIGNAL"}
)
"""Instructions without a vertex that nothing below them takes a state from."""

_BARRIERS: Mapping[str, tuple[str, str]] = {
    "intended-cache-bust": (
        "Something here says that what follows is meant to be built again.",
        "Take it away if that is no longer so.",
    ),
    "kept-by-comment": (
        "The author holds an instruction where it stands.",
        "Take the comment away.",
    ),
    "unpinned-download": (
        "The download names no version: today every change above it fetches it anew, and above "
        "those it would be kept as it was fetched once.",
        "Name a version or a commit.",
    ),
}
"""Why nothing passes, and what would let it, for the barriers of a plan."""


class OrderByVolatility(Transform):
    id = "order-by-volatility"
    best = Safety.SAME_IMAGE
    codes: ClassVar[Mapping[str, str]] = {
        "intended-cache-bust": "Something says that the cache is meant to be left unused here.",
        "onbuild-base": "The base image runs instructions of its own that are not in the file.",
        "opaque-command": "A command in between may read or write any file.",
        "stage-too-long": "The stage has more steps than are weighed against each other.",
        "state-between": "USER, SHELL, WORKDIR or a variable changes in between.",
        "unpinned-download": "A download without a version would grow old if it ran less often.",
        "variable-may-be-read": "A value that changes with every build stands above an install "
        "that may look at it.",
        "write-after-write": "Two steps write the same place, so their order matters.",
    }

    def propose(self, view: View) -> Iterator[Proposal | Refusal]:
        touched: dict[int, int] = {}
        for stage in view.stages.stages:
            if not _may_win(view, stage, touched):
                continue
            if runs_triggers(stage):
                yield Refusal.of(_ONBUILD, stage.instruction.code)
                continue
            rows = read_rows(view, stage, touched)
            if len(rows) > MOST_STEPS:
                yield Refusal.of(_too_long(len(rows)), stage.instruction.code)
                continue
            plan = Plan.of(rows, view.volatility.count)
            today = plan.cost(plan.today)
            if not plan.pays(today - plan.least):
                continue
            order = plan.best()
            if not plan.pays(today - plan.cost(order)):
                yield from _held_back(plan)
            else:
                yield _proposal(view, plan, order)


_ONBUILD = Obstacle(
    "onbuild-base",
    "The base image runs ONBUILD instructions that this file does not show.",
    "Use a base image without ONBUILD.",
)


def _too_long(size: int) -> Obstacle:
    return Obstacle(
        "stage-too-long",
        f"The stage has {size} steps; more than {MOST_STEPS} are not weighed against each other.",
        "Split the stage.",
    )


def _may_win(view: View, stage: Stage, touched: dict[int, int]) -> bool:
    """Tells whether steps of ``stage`` run again for enough seconds when their own inputs did not
    change, whatever they depend on; ``touched`` gets what runs any of it again."""
    above, wasted = _base(view, stage, touched), 0.0
    changing: set[str] = set()
    for step in stage.steps:
        keyword = step.instruction.keyword
        if keyword in ("ARG", "ENV"):
            names = _changing(view, view.effects(step), changing)
            changing.update(names)
            above |= _always(view) if names else 0
        elif keyword in ("ADD", "COPY", "RUN"):
            own = _inputs(view, step, touched)
            if above & ~own:
                wasted += _seconds(view, step) * (above & ~own).bit_count()
            above |= own
    touched[stage.index] = above
    return wasted >= LEAST_SECONDS * view.volatility.count


def read_rows(view: View, stage: Stage, touched: Mapping[int, int]) -> tuple[Row, ...]:
    """Reads the instructions of ``stage`` that take part: those with a vertex, those that the
    state comes from, and what may read a value that changes with every build.

    ``touched`` holds for each stage above, by index, the commits that run any of it again.
    """
    rows: list[Row] = []
    changing: set[str] = set()
    held = _held(view)
    below = _base(view, stage, touched)
    for step in stage.steps:
        effects = view.effects(step)
        names = _changing(view, effects, changing)
        changing.update(names)
        if step.instruction.keyword not in _METADATA or changing:
            mask = below | _inputs(view, step, touched)
            if names:
                mask = _always(view)
            item = Item(_seconds(view, step), mask)
            value, busts = next(iter(names), None), _busts(view, effects)
            rows.append(Row(effects, item, value, busts=busts, stands=step.instruction in held))
    return _with_moves(rows)


def _seconds(view: View, step: Step) -> float:
    """Returns what a step costs. Copies of a few files cost next to nothing: for their sake alone
    nothing moves."""
    seconds = view.seconds(step)
    return seconds if step.instruction.keyword == "RUN" or seconds >= LEAST_COPY else 0.0


def _always(view: View) -> int:
    """Returns all commits."""
    return (1 << view.volatility.count) - 1


def _base(view: View, stage: Stage, touched: Mapping[int, int]) -> int:
    """Returns the commits that run all of ``stage`` again: a new base image, or the stage that
    it is built on."""
    if isinstance(stage.base, StageBase):
        return touched.get(stage.base.stage.index, 0)
    return view.volatility.changes.always


def _inputs(view: View, step: Step, touched: Mapping[int, int]) -> int:
    """Returns the commits that change what a step takes: files of the context, and at most
    whenever anything of it runs again those of other stages."""
    mask = view.volatility.mask(step)
    for stage in step.depends_on:
        mask |= touched.get(stage.index, 0)
    return mask


def _held(view: View) -> frozenset[Instruction]:
    """Returns the instructions that their author wants to have where they are."""
    return frozenset(
        each.instruction
        for each in said(view.dockerfile)
        if each.keep or OrderByVolatility.id in each.ignore
    )


def _with_moves(rows: list[Row]) -> tuple[Row, ...]:
    """Says which rows may move: a RUN or copy, an ARG whose changing value is named further
    down, an ENV with one."""
    read_below: set[str] = set()
    for at, row in reversed(list(enumerate(rows))):
        sinks = row.value is not None and not row.busts
        is_read = row.keyword == "ENV" or not read_below.isdisjoint(row.effects.assigns)
        moves = row.keyword in ("ADD", "COPY", "RUN") or (sinks and is_read)
        rows[at] = replace(row, moves=moves)
        read_below |= row.effects.variables.names
    return tuple(rows)


def _changing(view: View, effects: Effects, changing: Set[str]) -> tuple[str, ...]:
    """Returns the variables that an ARG or ENV sets to something else with every build."""
    instruction = effects.step.instruction
    if instruction.keyword not in ("ARG", "ENV"):
        return ()
    if not changing.isdisjoint(effects.variables.names):
        return effects.assigns
    if instruction.keyword == "ENV":
        return ()
    return tuple(pair.name.value for pair in instruction.pairs if _differs(view, pair))


def _differs(view: View, pair: Pair) -> bool:
    """Tells whether an ARG gets another value in every build. Without an invocation that says
    so, it goes by the name and by a default that stands for something else."""
    name, default = pair.name.value, pair.value.value if pair.value else None
    given = view.build.invocation.build_args
    if name in given:
        return given[name] is None and changes_per_build(name, None)
    outside = view.stages.global_args.get(name)
    if default is None and isinstance(outside, Known):
        default = outside.text
    return changes_per_build(name, default)


def _busts(view: View, effects: Effects) -> bool:
    """Tells whether an instruction is there to have what follows it built again."""
    instruction = effects.step.instruction
    words = [word.value for word in instruction.words]
    match instruction.keyword:
        case "ARG" | "ENV":
            found = any(map(busts_cache, effects.assigns))
        case "ADD" | "COPY":
            found = words[-1:] == ["/dev/null"] or any(map(watches, words[:-1]))
        case _:
            found = False
    return found or says_bust_cache(view.dockerfile, [instruction])


def _proposal(view: View, plan: Plan, order: tuple[int, ...]) -> Proposal:
    """Puts the rows of ``plan`` into ``order``, and says what wins most by it."""
    order = _whole_paragraphs(view, plan, order)
    rows = [plan.rows[index] for index in order]
    spared, cause = _most_spared(plan, order)
    copy = view.copy(cause.step) if cause.keyword in ("ADD", "COPY") else None
    values = [row.value for row in rows if row.value and row.moves]
    return Proposal(
        title=f"Run `{_short(spared)}` above {_name(cause)}",
        at=spared.step.instruction.code,
        edits=rearrange(
            view.dockerfile,
            [row.step.instruction for row in rows],
            held=frozenset(row.step.instruction for row in rows if not row.moves),
            leading=frozenset(row.step.instruction for row in rows if row.value),
        ),
        safety=Safety.SAME_IMAGE,
        reason=_reason(plan, order, spared, cause),
        shown_by=_edited(copy) if isinstance(copy, CopyStep) else None,
        evidence=tuple(_evidence(view, plan, order, cause)),
        assumes=tuple(f"${value} has another value in every build." for value in values),
    )


def _edited(copy: CopyStep) -> str | None:
    """Returns a file whose edit shows the gain."""
    return sample_edit(copy) or next((entry.path for _, entry in copy.files()), None)


def _evidence(view: View, plan: Plan, order: tuple[int, ...], cause: Row) -> Iterator[Evidence]:
    """Yields the numbers for a value that changes with every build, which no file stands for."""
    if cause.value is None:
        return
    at = plan.rows.index(cause)
    before, after = plan.rerun(plan.today, at), plan.rerun(order, at)
    yield Evidence("steps_rerun", f"another ${cause.value}", before, after, "model")
    today, then = (round(plan.cost(each), 1) for each in (plan.today, order))
    words = f"{view.volatility.words}, each with another ${cause.value}"
    measured = all(view.cost(row.step).basis == "measured" for row in plan.rows)
    basis: Basis = "model" if measured else "estimate"
    yield Evidence("rebuild_seconds", words, today, then, basis)


def _whole_paragraphs(view: View, plan: Plan, order: tuple[int, ...]) -> tuple[int, ...]:
    """Lets copies that go down go on to the end of the paragraph that they would part, where that
    costs nothing."""
    above = plan.above()
    for index in order:
        at = order.index(index)
        while plan.rows[index].keyword in ("ADD", "COPY") and at and order[at - 1] > index:
            follows = plan.rows[order[at + 1]] if at + 1 < len(order) else None
            if follows is None or order[at + 1] < order[at - 1]:
                break
            if blank_line_above(view.dockerfile, follows.step.instruction):
                break
            then = (*order[:at], order[at + 1], index, *order[at + 2 :])
            if above[order[at + 1]] >> index & 1 or plan.cost(then) > plan.cost(order):
                break
            order, at = then, at + 1
    return order


def _most_spared(plan: Plan, order: tuple[int, ...]) -> tuple[Row, Row]:
    """Returns the row that is spared the most seconds and, of what it stood below and now stands
    above, that which changes most often."""
    place = {index: at for at, index in enumerate(order)}
    spared = max(plan.today, key=lambda index: plan.spared(order, index))
    left = [index for index in range(spared) if place[index] > place[spared]]
    cause = max(left, key=lambda index: plan.rows[index].item.touched.bit_count(), default=spared)
    return plan.rows[spared], plan.rows[cause]


def _reason(plan: Plan, order: tuple[int, ...], spared: Row, cause: Row) -> str:
    index = plan.rows.index(spared)
    before, after = plan.runs(plan.today, index), plan.runs(order, index)
    return (
        f"`{_short(spared)}` needs nothing of {_name(cause)}; below it, it runs in {before} of "
        f"{plan.scenarios} builds, above it in {after}."
    )


def _name(row: Row) -> str:
    return f"${row.value}" if row.value else f"`{_short(row)}`"


def _short(row: Row, limit: int = 50) -> str:
    """Names a row in few words: a script by the first of its commands that fetches something."""
    instruction, commands = row.step.instruction, row.effects.commands
    whole = instruction.arguments if row.keyword == "RUN" else instruction.logical.text
    if instruction.heredocs and commands:
        whole = next((each for each in commands if each.network), commands[0]).text
    text = " ".join(whole.split())
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def _held_back(plan: Plan) -> Iterator[Refusal]:
    """Yields what stands in the way of orders that would be worth it. Of the steps that could
    be spared only those count that fetch something: whether a build or a chmod could go up its
    author knows."""
    for code, (reason, unblock) in _BARRIERS.items():
        at = _first_in_the_way(plan, code)
        if at is not None and plan.pays(plan.saves(plan.best(without=code))):
            yield Refusal(code, plan.rows[at].step.instruction.code, reason, unblock)
            return
    yield from _values_held_back(plan)
    for index, row in enumerate(plan.rows):
        if row.effects.network and not row.reads_environment and plan.pays(plan.waste(index)):
            obstacle = _in_the_way(plan, index)
            if obstacle is not None:
                yield Refusal.of(obstacle, row.step.instruction.code)


def _first_in_the_way(plan: Plan, code: str) -> int | None:
    """Returns the row that a reader is sent to for a barrier, None where there is no such one."""
    marked = {
        "intended-cache-bust": [row.busts for row in plan.rows],
        "kept-by-comment": [row.stands for row in plan.rows],
    }
    marks: Sequence[bool | int] = marked.get(code, plan.barriers[code])
    return next((at for at, mark in enumerate(marks) if mark), None)


def _values_held_back(plan: Plan) -> Iterator[Refusal]:
    """Yields the values that stand above installs which may look at them, where going down were
    worth it."""
    installs = [
        at for at, row in enumerate(plan.rows) if any(c.install for c in row.effects.commands)
    ]
    values = [at for at, row in enumerate(plan.rows) if row.value and row.moves]
    pairs = frozenset((value, at) for value in values for at in installs if value < at)
    if not pairs or not plan.pays(plan.saves(plan.best(but=pairs))):
        return
    value, at = min(pairs)
    name, install = plan.rows[value].value, _short(plan.rows[at])
    yield Refusal(
        "variable-may-be-read",
        plan.rows[value].step.instruction.code,
        f"${name} has another value in every build, so `{install}` below it runs every time; it "
        "may look at any variable.",
        f"Declare ${name} below it if nothing there reads it.",
    )


def _in_the_way(plan: Plan, index: int) -> Obstacle | None:
    """Returns what a row would have to pass: the nearest of the conflicts of one kind without
    which going up were worth it."""
    kinds: dict[str, list[tuple[int, Conflict]]] = {}
    for other, found in plan.precedence.conflicts(index):
        code = _code(plan.rows[index], found)
        if code is not None:
            kinds.setdefault(code, []).append((other, found))
    for code, conflicts in kinds.items():
        free = frozenset((other, index) for other, _ in conflicts)
        if plan.pays(plan.saves(plan.best(but=free))):
            return _obstacle(code, plan.rows[index], conflicts[0][1])
    return None


def _code(row: Row, found: Conflict) -> str | None:
    """Returns the refusal code for a conflict that a reader might resolve. A command that names
    what another step writes has its right place; packages write where they like."""
    if found.condition in ("opaque-command", "state-between"):
        return found.condition
    if found.condition == "made-directory" or found.first.instruction.keyword == "RUN":
        return None
    is_read = found.condition == "read-after-write" and not row.effects.writes.covers(found.at)
    is_named = found.at.rpartition("/")[2] in row.step.instruction.logical.text
    return None if is_read or is_named else "write-after-write"


def _obstacle(code: str, row: Row, found: Conflict) -> Obstacle:
    line, name = found.first.instruction.line, _short(row)
    if code == "opaque-command":
        why = f": {found.obstacle.reason}" if found.obstacle else "."
        return Obstacle(
            code,
            f"`{name}` stands below line {line}, which it may need{why}",
            f"Move it above line {line} if it needs nothing of that.",
        )
    if code == "state-between":
        return Obstacle(
            code,
            f"`{name}` would run without what line {line} sets ({found.at}).",
            f"Move line {line} up as well if that is right.",
        )
    return Obstacle(
        code,
        f"`{name}` and line {line} touch the same place, {found.at}, so their order matters.",
        f"Move line {line} below it if it reads nothing of that.",
    )
