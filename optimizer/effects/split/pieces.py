"""A RUN in pieces: which of its commands stand together, and its text with some of them alone."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from optimizer.cst.nodes import Dockerfile, Instruction
from optimizer.cst.source import Span
from optimizer.effects.split.tasks import Task, inside
from optimizer.shell.cut import item_slice
from optimizer.shell.run import read_run
from optimizer.shell.script import ChainItem, Command, Script
from optimizer.shell.walk import split_lists


@dataclass(frozen=True, slots=True)
class Piece:
    """Items of a script's chain that cannot be told apart, with the tasks that they hold.
    ``start`` and ``end`` count items."""

    start: int
    end: int
    tasks: tuple[Task, ...]


@dataclass(frozen=True)
class Pieces:
    """The RUN ``instruction`` of ``tree``, piece by piece. ``script`` is None where it can only be
    taken whole; it is one piece then."""

    tree: Dockerfile
    instruction: Instruction
    script: Script | None
    pieces: tuple[Piece, ...]

    def command(self, task: Task) -> Command | None:
        """Returns the command of the script that ``task`` is, None where it is not there as such,
        as where it stands in a script inside the script."""
        if self.script is None:
            return None
        found = (each for each in self.script.commands if each.span == task.command.span)
        return next(found, None)

    def text(
        self,
        kept: Sequence[Piece],
        changes: Mapping[Span, str],
        keeps_flag: Callable[[str], bool],
    ) -> str:
        """Returns the instruction with the pieces ``kept`` alone and ``changes`` made to them, and
        of its flags those for whose text ``keeps_flag`` holds."""
        code = self.instruction.code
        if len(kept) == len(self.pieces) and not changes:
            return self.tree.text(code)
        if self.script is None:
            return self._changed(code, changes)
        script = self.script
        first = self._item(script, 0).start
        parts = [self._head(Span(code.start, first), keeps_flag)]
        for number, piece in enumerate(kept):
            for at in range(piece.start, piece.end):
                item = self._item(script, at)
                begins = number == 0 and at == piece.start
                start = item.start if begins else self._item(script, at - 1).end
                parts.append(self._changed(Span(start, item.end), changes))
        last = self._item(script, len(script.chain) - 1).end
        parts.append(self.tree.text(Span(last, code.end)))
        return "".join(parts)

    def _item(self, script: Script, number: int) -> Span:
        return script.source.at(*item_slice(script.chain[number]))

    def _head(self, span: Span, keeps_flag: Callable[[str], bool]) -> str:
        text = self.tree.text(span)
        for flag in self.instruction.flags:
            if not keeps_flag(flag.text):
                written = self.tree.text(flag.span)
                text = re.sub(re.escape(written) + r"[ \t]*(?:\\\r?\n[ \t]*)?", "", text, count=1)
        return text

    def _changed(self, span: Span, changes: Mapping[Span, str]) -> str:
        parts: list[str] = []
        at = span.start
        for place in sorted(changes):
            if span.start <= place.start and place.end <= span.end:
                parts += [self.tree.text(Span(at, place.start)), changes[place]]
                at = place.end
        return "".join((*parts, self.tree.text(Span(at, span.end))))


def read_pieces(
    tree: Dockerfile,
    instruction: Instruction,
    shell: object,
    tasks: tuple[Task, ...],
) -> Pieces:
    """Takes the RUN ``instruction``, whose shell is ``shell``, apart; ``tasks`` are all of its."""
    whole = Pieces(tree, instruction, None, (Piece(0, 1, tasks),))
    if not isinstance(shell, tuple) or instruction.exec_form is not None:
        return whole
    script = read_run(tree, instruction, shell)
    if not isinstance(script, Script) or not script.chain or _is_tangled(instruction, script):
        return whole
    pieces: list[Piece] = []
    at = 0
    for items in split_lists(script.chain):
        for group in _groups(items):
            bounds = _bounds(script, at, at + group)
            held = tuple(task for task in tasks if inside(task.command, bounds))
            pieces.append(Piece(at, at + group, held))
            at += group
    if sum(len(piece.tasks) for piece in pieces) != len(tasks):
        return whole
    return Pieces(tree, instruction, script, tuple(pieces))


def _is_tangled(instruction: Instruction, script: Script) -> bool:
    """Tells whether taking commands out is not safe: they run beside each other, or lines of a
    here-document that one of them reads stand elsewhere."""
    if any(item.background for item in script.chain):
        return True
    if any(each.body is not None for c in script.commands for each in c.redirections):
        return True
    start = script.source.at(0, 1).start
    return bool(instruction.heredocs) and start < instruction.heredocs[0].body.start


def _groups(items: Sequence[ChainItem]) -> list[int]:
    """Returns how many items stand together: all of a list where one is an alternative."""
    if any(item.operator == "||" for item in items):
        return [len(items)]
    return [1] * len(items)


def _bounds(script: Script, start: int, end: int) -> tuple[int, int]:
    first, last = item_slice(script.chain[start]), item_slice(script.chain[end - 1])
    return script.source.at(*first).start, script.source.at(*last).end
