"""A plan as edits of the file: the author's lines become the builder, a runtime stage follows."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from optimizer.comments import blank_line_above, effect_comments, without_blank_line_below
from optimizer.cst.edit import Edit, Insert, Move
from optimizer.cst.nodes import Dockerfile, Instruction
from optimizer.effects.copies import CopyStep, workdir_of
from optimizer.effects.manifests import PLAIN
from optimizer.effects.paths import Paths
from optimizer.effects.split.output import Kept, plain
from optimizer.effects.split.plan import Part, Plan
from optimizer.effects.split.site import Site
from optimizer.model.new_stages import free_name, named, renumbered
from optimizer.model.stages import Stage, Step

_NAMES = ("builder", "build", "build-stage")


def split_edits(site: Site, plan: Plan) -> tuple[Edit, ...]:
    """Returns the edits that carry out ``plan``."""
    return tuple(_Split(site, plan).edits())


def builder_name(site: Site) -> str:
    """Returns a name for the builder that nothing in the file means already."""
    return free_name(site.tree, site.stages, _NAMES)


@dataclass(frozen=True)
class _Line:
    """One instruction of the runtime stage: the ``text`` of a new one, or the author's ``moved``
    there. ``step`` is the step that it stands for."""

    step: Step
    text: str | None = None
    moved: Instruction | None = None
    apart: bool = False

    @property
    def is_sources(self) -> bool:
        return self.step.instruction.keyword in ("COPY", "ADD")


@dataclass(frozen=True)
class _Split:
    site: Site
    plan: Plan

    @property
    def tree(self) -> Dockerfile:
        return self.site.tree

    @property
    def stage(self) -> Stage:
        return self.site.stage

    @cached_property
    def name(self) -> str:
        return builder_name(self.site)

    @cached_property
    def lower_case(self) -> bool:
        """Whether the author writes keywords small."""
        return self.tree.text(self.stage.instruction.keyword_span).islower()

    def edits(self) -> Iterator[Edit]:
        yield named(self.stage.instruction, self.name, self._word("AS"))
        yield from self._leftover()
        for part in self.plan.parts:
            if part.manifests:
                yield Insert(part.manifests, before=part.step.instruction)
        anchor = self.plan.parts[-1].step.instruction
        for text in self._prunes():
            yield Insert(text, after=anchor)
        yield Insert(self._opening(), after=anchor)
        for line in self._lines():
            lead = "\n" if line.apart else ""
            if line.moved is not None:
                yield Move(line.moved, after=anchor, lead=lead)
            else:
                yield Insert(f"{lead}{line.text}\n", after=anchor)
        yield from renumbered(self.site.stages, self.stage, by=1)

    def _word(self, keyword: str) -> str:
        return keyword.lower() if self.lower_case else keyword

    def _opening(self) -> str:
        """Returns the FROM of the runtime stage, which keeps the author's name for it."""
        return f"\n{self.tree.text(self.stage.instruction.code)}\n"

    def _prunes(self) -> Iterator[str]:
        workdir = workdir_of(self.plan.parts[-1].step)
        for command, directory in self.plan.prunes:
            moved = "" if directory == workdir else f"cd {directory} && "
            yield f"{self._word('RUN')} {moved}{command}\n"

    def _lines(self) -> Sequence[_Line]:
        found: list[_Line] = []
        apart = False
        for part in self.plan.parts:
            # What is not there any more leaves its blank line to what follows.
            apart = apart or blank_line_above(self.tree, part.step.instruction)
            count = len(found)
            if part.fate == "runtime":
                found.append(_Line(part.step, moved=part.step.instruction, apart=apart))
                apart = False
                continue
            text = self._own(part)
            if text is not None:
                found.append(_Line(part.step, text, apart=apart))
            for kept in part.kept:
                self._place(found, part, kept, apart)
            if part.rerun.below is not None:
                text = self._commented(part.step, part.rerun.below)
                found.append(_Line(part.step, text, apart=apart and len(found) == count))
            apart = apart and len(found) == count
        return found

    def _own(self, part: Part) -> str | None:
        """Returns what of a step stands above the copies that it brings."""
        step = part.step
        if step.instruction.keyword != "RUN":
            if part.fate != "both":
                return None
            return (
                part.rest.lines.rstrip("\n") if part.rest else self.tree.text(step.instruction.code)
            )
        above = part.rerun.above
        return None if above is None else self._commented(step, above)

    def _commented(self, step: Step, text: str) -> str:
        comments = effect_comments(self.tree, step.instruction)
        return "".join(f"{line}\n" for line in comments) + text

    def _place(self, lines: list[_Line], part: Part, kept: Kept, apart: bool) -> None:
        """Puts the COPY of ``kept`` at the end of ``lines``, or above the sources there."""
        at = len(lines)
        if kept.early:
            path = Paths((plain(kept.path),))
            while at and lines[at - 1].is_sources and not self._writes(lines[at - 1], path):
                at -= 1
        above = lines[at - 1] if at else None
        below = lines[at] if at < len(lines) else None
        if above is not None and above.step is part.step:
            apart = False
        elif below is not None:
            apart = below.apart
        lines.insert(at, _Line(part.step, self._copy(kept), apart=apart))

    def _writes(self, line: _Line, path: Paths) -> bool:
        copy = self.site.copy(line.step)
        if isinstance(copy, CopyStep):
            return Paths(copies=(copy,)).meets(path) is not None
        return self.site.effects(line.step).writes.meets(path) is not None

    def _copy(self, kept: Kept) -> str:
        flags = [f"--from={self.name}"]
        if kept.owner is not None:
            flags.append(f"--chown={kept.owner}")
        folder = plain(kept.path)
        words = [kept.path, kept.path if folder == kept.path else f"{folder}/"]
        if not PLAIN.match(folder):
            words = [json.dumps(words, ensure_ascii=False)]
        return " ".join([self._word("COPY"), *flags, *words])

    def _leftover(self) -> Iterator[Edit]:
        """Yields the blank lines that moved instructions would leave too many."""
        moved = [
            part.step.instruction
            for part in self.plan.parts
            if part.fate == "runtime" and not part.manifests
        ]
        group: list[Instruction] = []
        for instruction in moved:
            if group and group[-1].span.end != instruction.span.start:
                yield from self._between(group)
                group = []
            group.append(instruction)
        yield from self._between(group)

    def _between(self, group: Sequence[Instruction]) -> Iterator[Edit]:
        if not group or not blank_line_above(self.tree, group[0]):
            return
        yield from without_blank_line_below(self.tree, group[-1])
