"""The lists of a distribution's packages that a RUN of apt-get leaves in its layer."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from optimizer.cst.edit import Edit, Remove, Replace
from optimizer.cst.nodes import Dockerfile
from optimizer.cst.source import Span
from optimizer.effects.commands import short
from optimizer.effects.copies import is_below
from optimizer.effects.effects import CommandEffects, Effects
from optimizer.effects.read import mount_targets
from optimizer.effects.taken import chain
from optimizer.knowledge.cleaning import fetches_lists, wants_lists
from optimizer.knowledge.ecosystems import unwrapped
from optimizer.knowledge.installs import Call, Obstacle
from optimizer.model.stages import Stages, Step

LISTS: Final = "/var/lib/apt/lists"
"""apt.conf(5), Dir::State::lists."""

_REMOVED = f"rm -rf {LISTS}/*"
_APT = ("apt-get", "apt")
_READERS = ("apt-cache", "apt-file", "apt-show-versions", "aptitude", "add-apt-repository")
"""Other programs that look into the lists (their manuals)."""
_TOOLS = re.compile(
    r"npm|npx|yarn|pnpm|bun|node|pip[\d.]*|uv|poetry|pipenv|pdm|go|cargo|rustc|mvnw?|gradlew?|sbt"
    r"|bundle|gem|rake|composer|dotnet|mix|tsc|cmake|ninja|gcc|g\+\+|cc|configure|sed|tar|php"
)
"""Programs that install no packages of the distribution, whatever else they do."""
_OWN = re.compile(r"\bapt\b|apt-get|aptitude")


@dataclass(frozen=True, slots=True)
class KeptLists:
    """A RUN that fetches lists and keeps them; ``command`` fetches them, ``edit`` removes them at
    its end."""

    command: CommandEffects
    edit: Edit

    @property
    def named(self) -> str:
        """The command, in short."""
        return short(self.command.text)


def kept_lists(tree: Dockerfile, effects: Effects) -> KeptLists | Obstacle | None:
    """Returns what removes the lists that the RUN with these ``effects`` leaves.

    None: it fetches none, installs nothing by them, removes them itself, or keeps them in a mount.
    `Obstacle`: nothing can be put behind its last command.
    """
    step = effects.step
    calls = [(each, unwrapped(each.call)) for each in effects.commands if each.call is not None]
    fetching = [each for each, call in calls if call is not None and _fetches(call)]
    installs = any(call is not None and wants_lists(call) for _, call in calls)
    if not fetching or not installs or _LISTS_WORD.search(tree.text(step.instruction.code)):
        return None
    if any(_meet(target) for target in mount_targets(step, step.instruction.mounts)):
        return None
    if any(_OTHER_USER.search(each.text) for each in fetching):
        return _not_of_root(fetching[0])
    edit = _behind(tree, effects)
    return KeptLists(fetching[0], edit) if edit is not None else _not_flat(fetching[0])


_OTHER_USER = re.compile(r"\bsudo\s")
"""What says that the user of the RUN is not the one who fetches (sudo(8))."""


_LISTS_WORD = re.compile(r"/var/lib/apt|dir::state|dist-?clean|/var/lib/\*|/var/\*", re.IGNORECASE)
"""What says that the RUN looks after the lists itself, or keeps them somewhere else."""


def _fetches(call: Call) -> bool:
    return call.program in _APT and fetches_lists(call)


def _meet(target: str) -> bool:
    return is_below(target, LISTS) or is_below(LISTS, target)


def _behind(tree: Dockerfile, effects: Effects) -> Edit | None:
    """Puts the removal behind the last command; None where the RUN goes on behind that, as a
    here-document, a compound command or a comment does."""
    instruction = effects.step.instruction
    last = max(effects.commands, key=lambda each: each.span.end, default=None)
    end = instruction.code.end
    if instruction.heredocs or instruction.exec_form is not None or last is None:
        return None
    if last.span.end != end:
        return None
    return Replace(Span(end, end), _joined(tree.text(instruction.code), instruction.escape))


def _joined(code: str, escape: str) -> str:
    """Returns the removal with what joins it to ``code``, in the style of its other lines."""
    lines = code.split("\n")
    if len(lines) == 1:
        return f" && {_REMOVED}"
    leading = [found["margin"] for found in map(_LEADING.match, lines) if found is not None]
    if leading:
        return f" {escape}\n{leading[-1]}&& {_REMOVED}"
    trailing = [n for n, line in enumerate(lines[:-1]) if _TRAILING.search(line)]
    margin = _margin(lines[trailing[-1] + 1] if trailing else lines[-1])
    if trailing:
        return f" && {escape}\n{margin}{_REMOVED}"
    return f" {escape}\n{margin}&& {_REMOVED}"


_LEADING = re.compile(r"(?P<margin>[ \t]*)&&")
_TRAILING = re.compile(r"&&[ \t]*[\\`][ \t]*\r?\Z")


def _margin(line: str) -> str:
    return line[: len(line) - len(line.lstrip(" \t"))]


def _not_flat(command: CommandEffects) -> Obstacle:
    return Obstacle(
        "no-place-behind",
        f"The RUN of `{short(command.text)}` does not end with a plain command.",
        f"Put `{_REMOVED}` at its end.",
    )


def _not_of_root(command: CommandEffects) -> Obstacle:
    return Obstacle(
        "lists-belong-to-root",
        f"`{short(command.text)}` fetches lists as root, and the user of the RUN may not be able to"
        " remove them.",
        f"Put `sudo {_REMOVED}` at its end.",
    )


def lists_wanted_later(step: Step, later: Iterable[Effects]) -> Obstacle | None:
    """Returns the command below ``step`` that may install by its lists.

    ``later`` are the effects of the RUNs that start from its files, see `runs_below`.
    """
    for effects in later:
        found = _wants(effects)
        if found is not None:
            line = effects.step.instruction.line
            return Obstacle(
                "lists-are-used-later",
                f"`{short(found)}` in line {line} may install by the lists of line "
                f"{step.instruction.line}.",
                "Put `apt-get update &&` in front of it, or give it lists of its own.",
            )
    return None


def runs_below(stages: Stages, step: Step) -> Iterator[Step]:
    """Yields the RUNs behind ``step`` of its stage, and those of the stages built on that."""
    own = stages.stages[step.stage_index]
    for stage in stages.stages:
        if own not in chain(stage):
            continue
        for other in stage.steps:
            is_below_it = stage is not own or other.number > step.number
            if is_below_it and other.instruction.keyword == "RUN":
                yield other


def _wants(effects: Effects) -> str | None:
    """Returns the text of what may look into lists that the RUN did not fetch itself."""
    if not effects.commands and effects.obstacle is not None:
        return effects.step.instruction.arguments
    for command in effects.commands:
        call = unwrapped(command.call) if command.call is not None else None
        if call is not None and _fetches(call):
            return None
        if call is not None and (wants_lists(call) or call.program in _READERS):
            return command.text
        if _PLACE.search(command.text) and not _may_miss(call):
            return command.text
        is_tool = call is not None and _TOOLS.fullmatch(call.program) is not None
        if command.obstacle is not None and (not is_tool or _OWN.search(command.text)):
            return command.text
    return None


_PLACE = re.compile(r"/var/lib/(?:apt|\*)|/var/\*")


def _may_miss(call: Call | None) -> bool:
    """Tells whether ``call`` takes files away, and does not mind where there are none (rm(1))."""
    if call is None or call.program != "rm":
        return False
    return any(re.fullmatch(r"--force|-[a-zA-Z]*f[a-zA-Z]*", word) for word in call.words)


def lists_copied(stages: Stages, step: Step) -> Obstacle | None:
    """Returns the COPY that takes the lists of ``step`` by their name into a stage."""
    own = stages.stages[step.stage_index]
    for other in (each for stage in stages.stages for each in stage.steps):
        instruction = other.instruction
        if instruction.keyword != "COPY" or not any(own in chain(s) for s in other.depends_on):
            continue
        if any(_PLACE.match("/" + word.value.lstrip("/")) for word in instruction.words[:-1]):
            return Obstacle(
                "lists-are-used-later",
                f"Line {instruction.line} copies the lists of line {step.instruction.line}.",
                "Fetch them where they are used.",
            )
    return None


@dataclass(frozen=True, slots=True)
class LoneUpdate:
    """A RUN that only fetches lists, and the one below it that installs by them; ``edits`` make one
    RUN of both."""

    update: Step
    install: Step
    command: CommandEffects
    edits: tuple[Edit, ...]

    @property
    def named(self) -> str:
        """The install, in short."""
        return short(self.command.text)


def lone_update(tree: Dockerfile, update: Effects, below: Effects) -> LoneUpdate | Obstacle | None:
    """Returns what makes one RUN of ``update`` and of ``below``, the RUN right below it.

    None: the first does more than to fetch lists, or the second does not install by them.
    `Obstacle`: they cannot be joined by ``&&`` without another meaning, or without the loss of a
    comment.
    """
    upper, lower = update.step.instruction, below.step.instruction
    if len(update.commands) != 1 or upper.flags or upper.heredocs or upper.exec_form is not None:
        return None
    fetch = update.commands[0]
    call = unwrapped(fetch.call) if fetch.call is not None else None
    install = _first_by_lists(below)
    if lower.flag("network") == "none" or call is None or not _fetches(call):
        return None
    if fetch.span.end != upper.code.end or install is None:
        return None
    if not is_chain(tree, below):
        return _not_joined(update, "it is no plain chain of commands")
    if upper.comments and lower.comments:
        return _not_joined(update, "both have comments of their own")
    edits = _edits(tree, update.step, below.step)
    return LoneUpdate(update.step, below.step, install, edits)


def _first_by_lists(effects: Effects) -> CommandEffects | None:
    """Returns the first command that installs by lists, where none in front of it fetches any."""
    for command in effects.commands:
        call = unwrapped(command.call) if command.call is not None else None
        if call is not None and _fetches(call):
            return None
        if call is not None and call.program in _APT and wants_lists(call):
            return command
    return None


def is_chain(tree: Dockerfile, effects: Effects) -> bool:
    """Tells whether a RUN is a chain of commands that ``&&`` joins, so that another one can stand
    in front."""
    instruction = effects.step.instruction
    if instruction.heredocs or instruction.exec_form is not None:
        return False
    at = instruction.locate(0, 0).start
    for command in effects.commands:
        if command.span.start < at or not _JOIN.fullmatch(
            tree.source.text[at : command.span.start]
        ):
            return False
        at = command.span.end
    return at == instruction.code.end


_JOIN = re.compile(r"(?:\s|[\\`]\r?\n|&&)*+")


def _edits(tree: Dockerfile, upper: Step, lower: Step) -> tuple[Edit, ...]:
    """Joins two RUNs, in the place of the one that has comments, else of the lower one."""
    top, bottom = upper.instruction, lower.instruction
    at = bottom.locate(0, 0).start
    if not top.comments:
        text = tree.source.text[top.locate(0, 0).start : top.code.end]
        return Remove(top), Replace(Span(at, at), f"{text} && ")
    between = Span(top.code.end, at)
    if bottom.flags:
        flags = tree.source.text[bottom.flags[0].span.start : at]
        start = top.locate(0, 0).start
        return Replace(Span(start, start), flags), Replace(between, " && ")
    return (Replace(between, " && "),)


def _not_joined(update: Effects, why: str) -> Obstacle:
    return Obstacle(
        "update-not-joined",
        f"The RUN below line {update.step.instruction.line} installs by its lists, and {why}.",
        "Put the update in front of the install by hand.",
    )
