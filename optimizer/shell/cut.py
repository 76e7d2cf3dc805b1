"""Cutting a RUN in two: where its shell lets it, and what the second half has to say again.

The rules are POSIX.1-2024, Shell Command Language, 2.9.3 (lists), 2.9.4.1 (subshells), 2.12
(what a shell's environment is made of) and 2.15 (``set -e``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from optimizer.cst.nodes import Dockerfile, Instruction
from optimizer.cst.source import Span
from optimizer.shell.interpreter import read_set
from optimizer.shell.script import ChainItem, Command, Compound, Pipeline, Script
from optimizer.shell.walk import split_lists

_PASSES_ERRORS_ON = frozenset((".", "eval", "set", "source", "trap"))
"""Builtins that may turn ``set -e`` on or off."""


@dataclass(frozen=True, slots=True)
class Joint:
    """A place between two items of a script's chain where the script may be cut.

    ``above`` counts the items above it. The one right above ends at ``end``, the one right
    below begins at ``start``, both offsets in the script.
    """

    above: int
    end: int
    start: int


@dataclass(frozen=True, slots=True)
class Carry:
    """What a second shell has to say again: the items ``repeated`` of the first half. That one
    needs no more than its first ``end`` items, as those behind them change nothing but a shell
    that ends there."""

    repeated: tuple[int, ...]
    end: int


@dataclass(frozen=True, slots=True)
class Cut:
    """A RUN in two: what stands at ``span`` becomes ``tail``, and ``rest``, whole lines, is the
    RUN that follows it."""

    span: Span
    tail: str
    rest: str


def joints(script: Script) -> tuple[Joint, ...]:
    """Returns the places at which the second half runs just where the first half succeeds.

    That is so at ``&&`` in the last list where no ``||`` follows, and where ``set -e`` is on
    at ``;`` and at line ends behind a single command. Elsewhere what is below runs although
    what is above failed.
    """
    found: list[Joint] = []
    above = 0
    errexit = script.options.errexit
    lists = split_lists(script.chain)
    for number, items in enumerate(lists):
        if any(item.background for item in items):
            break
        if number == len(lists) - 1:
            found += _joints_of_last(script, above, items)
            break
        above += len(items)
        errexit = _errexit_behind(script, items, errexit)
        if errexit and len(items) == 1 and _ends_the_shell(items[0]):
            found += _joint(script, above)
    return tuple(found)


def _joints_of_last(script: Script, above: int, items: Sequence[ChainItem]) -> Iterator[Joint]:
    alternatives = [number for number, item in enumerate(items) if item.operator == "||"]
    for number in range(max(alternatives, default=0) + 1, len(items)):
        if not (_may_end_on_errors(script) and _hides_errors(script, items[:number])):
            yield from _joint(script, above + number)


def _may_end_on_errors(script: Script) -> bool:
    """Tells whether ``set -e`` may be on somewhere in the script."""
    if script.options.errexit:
        return True
    return any(
        read_set([word.literal for word in command.words[1:]]).errexit is not None
        if literal_name(command) == "set"
        else literal_name(command) in _PASSES_ERRORS_ON
        for command in script.commands
    )


def _hides_errors(script: Script, items: Sequence[ChainItem]) -> bool:
    """Tells whether one of ``items`` may hold a command whose failure ``set -e`` passes over in
    front of ``&&``, and not at the end of a script (2.15, ``set -e``, 2): one in a compound
    command or in a function."""
    bodies = [
        part
        for item in items
        for part in (item.body.items if isinstance(item.body, Pipeline) else (item.body,))
    ]
    return any(isinstance(body, Compound) for body in bodies) or any(
        "function" in command.context for command in script.commands
    )


def _joint(script: Script, above: int) -> Iterator[Joint]:
    """Yields the joint below so many items, unless a here-document or a ``!`` is in its way."""
    behind = script.chain[above].body
    if isinstance(behind, Pipeline) and behind.negated:
        return
    joint = Joint(above, item_slice(script.chain[above - 1])[1], item_slice(behind)[0])
    for command in script.commands:
        if command.start < joint.end and any(r.body is not None for r in command.redirections):
            return
    yield joint


def item_slice(item: ChainItem | Command | Compound | Pipeline) -> tuple[int, int]:
    """Returns where an item begins and ends in its script, a ``!`` in front left out."""
    body = item.body if isinstance(item, ChainItem) else item
    if isinstance(body, Pipeline):
        return body.items[0].start, body.items[-1].end
    return body.start, body.end


def _ends_the_shell(item: ChainItem) -> bool:
    """Tells whether ``set -e`` ends the shell where this item fails, in every shell."""
    body = item.body
    return isinstance(body, Command) or (isinstance(body, Pipeline) and not body.negated)


def _errexit_behind(script: Script, items: Sequence[ChainItem], errexit: bool) -> bool:
    for item in items:
        start, end = item_slice(item)
        inside = [c for c in script.commands if start <= c.start < end and not is_apart(c)]
        if inside == [item.body] and inside[0].name and inside[0].name.literal == "set":
            said = read_set([word.literal for word in inside[0].words[1:]]).errexit
            errexit = errexit if said is None else said
        elif any(literal_name(command) in _PASSES_ERRORS_ON for command in inside):
            errexit = False
    return errexit


def is_apart(command: Command) -> bool:
    """Tells whether a command runs in a shell of its own, so that it changes no other's state."""
    return not _APART.isdisjoint(command.context)


_APART = frozenset(("background", "command-substitution", "pipe", "subshell"))


def literal_name(command: Command) -> str | None:
    return command.name.literal if command.name is not None else None


def cut_run(
    dockerfile: Dockerfile,
    instruction: Instruction,
    script: Script,
    joint: Joint,
    carry: Carry,
    also: Sequence[int] = (),
) -> Cut | None:
    """Returns the RUN ``instruction`` cut at ``joint``, in the author's layout.

    The first half ends with the items ``also`` of the second. None where what joins the commands
    is not understood.
    """
    text = _Text(dockerfile, instruction, script)
    pieces: list[str] = []
    for number in carry.repeated:
        glue = text.glue(number + 1)
        if glue is None:
            return None
        pieces.append(text.item(number) + glue)
    if any(text.glue(number) is None for number in (carry.end, joint.above, *also)):
        return None
    tail = "".join(_without_comments(text.gap(number)) + text.item(number) for number in also)
    return text.cut(carry.end, joint.above, "".join(pieces), tail)


_COMMENT_BEHIND = re.compile(r"\A(;?)[ \t]+#[^\n]*")
_GLUE = re.compile(r"[ \t\r\n\\`]*(?:&&|;)?[ \t\r\n\\`]*")


class _Text:
    """The text of one RUN in the file, item by item."""

    def __init__(self, dockerfile: Dockerfile, instruction: Instruction, script: Script) -> None:
        self.file = dockerfile
        self.instruction = instruction
        self.script = script
        documents = instruction.heredocs
        self.document = documents[0] if documents else None

    def span(self, number: int) -> Span:
        start, end = item_slice(self.script.chain[number])
        return self.script.source.at(start, end)

    def item(self, number: int) -> str:
        return self.file.text(self.span(number))

    def gap(self, number: int) -> str:
        """Returns what stands between an item and the one above it."""
        return self.file.text(Span(self.span(number - 1).end, self.span(number).start))

    def glue(self, number: int) -> str | None:
        """Returns the gap above an item without comments and blank lines; None where there is
        more in it than one operator."""
        glue = _without_comments(self.gap(number))
        if self.document is not None:
            glue = _COMMENT_BEHIND.sub(r"\1", glue)
        return glue if _GLUE.fullmatch(glue) else None

    def cut(self, above: int, below: int, repeated: str, tail: str) -> Cut:
        """Returns the cut that leaves the items up to ``above`` in the first half, and in the
        second those from ``below`` on, ``repeated`` in front of them."""
        between = (self.gap(number) for number in range(above, below + 1))
        comments = [comment for gap in between for comment in _comments(gap)]
        end = self.span(above - 1).end
        rest = self.file.text(Span(self.span(below).start, self.instruction.code.end))
        if self.document is None:
            head = self._head(self.script.source.at(0, 1).start)
            whole = "".join((*(f"{line}\n" for line in comments), head, repeated, rest, "\n"))
            return Cut(Span(end, self.instruction.code.end), tail, whole)
        # A comment behind a command, in its line, stays with it.
        beside = self.gap(above).partition("\n")[0]
        indent = self._indent()
        head = self._head(self.document.body.start) + self._interpreter()
        return Cut(
            Span(end, self.document.body.end),
            f"{tail}{beside if '#' in beside else ''}\n",
            "".join((head, indent, repeated, *(f"{c}\n{indent}" for c in comments), rest, "\n")),
        )

    def _head(self, end: int) -> str:
        """Returns the keyword and what follows it up to the script."""
        return _without_comments(self.file.text(Span(self.instruction.code.start, end)))

    def _interpreter(self) -> str:
        first = self.script.text.partition("\n")[0]
        return f"{first}\n" if first.startswith("#!") else ""

    def _indent(self) -> str:
        start = self.span(0).start
        line = self.file.source.text.rfind("\n", 0, start) + 1
        between = self.file.text(Span(line, start))
        return "" if between.strip(" \t") else between


def _without_comments(text: str) -> str:
    """Returns the first line, and of the others those that are neither blank nor a comment."""
    first, *others = text.split("\n")
    # The last piece is no whole line: what follows it stands behind it.
    kept = [line for line in others[:-1] if not _is_comment(line) and line.strip()]
    return "\n".join([first, *kept, *others[-1:]])


def _comments(text: str) -> Iterator[str]:
    return (line.strip() for line in text.split("\n")[1:-1] if _is_comment(line))


def _is_comment(line: str) -> bool:
    return line.lstrip().startswith("#")
