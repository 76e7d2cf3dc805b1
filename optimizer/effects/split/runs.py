"""What of each RUN the runtime stage does again, in the author's own words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from optimizer.cst.source import Span
from optimizer.effects.commands import short
from optimizer.effects.copies import CopyStep, StageFiles, is_below, join
from optimizer.effects.paths import Paths
from optimizer.effects.split.output import MARKS, Output
from optimizer.effects.split.packages import Packages
from optimizer.effects.split.pieces import Piece, Pieces, read_pieces
from optimizer.effects.split.site import Site
from optimizer.effects.split.tasks import Task, fetches, serves_packages
from optimizer.knowledge.installs import Obstacle
from optimizer.knowledge.manifests import resolve
from optimizer.model.stages import Step


@dataclass(frozen=True, slots=True)
class Rerun:
    """A RUN in the runtime stage: what is done ``above`` the place where things are copied that it
    builds, and what ``below``; None where nothing is."""

    above: str | None = None
    below: str | None = None

    def __bool__(self) -> bool:
        """Tells whether anything of it is done again."""
        return self.above is not None or self.below is not None


@dataclass(frozen=True)
class Runs:
    """The RUNs of a stage, with their ``tasks``; ``output`` is what they leave, ``packages`` says
    which packages stay."""

    site: Site
    tasks: Mapping[Step, tuple[Task, ...]]
    output: Output
    packages: Packages
    gone: tuple[str, ...] = ()
    """The copied paths that the runtime stage goes without."""

    def reruns(self, upper: Sequence[Step]) -> Mapping[Step, Rerun] | Obstacle:
        """Returns what the runtime stage does again of the RUNs among ``upper``, the steps of the
        builder; an obstacle where something can neither be copied nor done again."""
        found: dict[Step, Rerun] = {}
        for step in upper:
            if step in self.tasks:
                rerun = self._rerun(step, fetched=False)
                if isinstance(rerun, Obstacle):
                    return rerun
                found[step] = rerun
        for step in self._fetching(found):
            rerun = self._rerun(step, fetched=True)
            assert not isinstance(rerun, Obstacle), "it was none before"
            found[step] = rerun
        return found

    def goes_on_with_lost(self, lower: Sequence[Step]) -> Obstacle | None:
        """Returns what stands against a step below the builder: it reads what only that has."""
        for step in lower:
            for task in self.tasks.get(step, ()):
                reads = task.role not in ("packages", "tidies")
                if reads and (lost := self.output.reads_lost(task.command)) is not None:
                    return _reads_output(task, lost)
                for path, has in self._marked(step, task).items():
                    if not has:
                        return _reads_output(task, path)
        return None

    def _marked(self, step: Step, task: Task) -> dict[str, bool]:
        """Returns the paths among the sources to which ``task`` gives an owner or a mode, each with
        whether the runtime stage has it: chown(1) and chmod(1) fail where it has not."""
        call = task.command.call
        if task.role != "prepares" or call is None or call.program not in MARKS:
            return {}
        workdirs = self.site.workdirs
        places = [place for place in workdirs if place != "/"]
        return {
            path: path in workdirs or self._has(step, path)
            for path in task.command.writes.prefixes
            if any(is_below(path, place) for place in places)
        }

    def _has(self, step: Step, path: str) -> bool:
        at = Paths((path,))
        if self.output.built.meets(at) is not None or self._is_made(step, path):
            return True
        files = self.site.files(step)
        return files.kind(path) is not None and not self._is_left(files, path)

    def _is_left(self, files: StageFiles, path: str) -> bool:
        """Tells whether all that is copied to ``path`` is left to the builder."""
        if any(is_below(path, each) for each in self.gone):
            return True
        if files.kind(path) != "dir" or not any(is_below(each, path) for each in self.gone):
            return False
        return all(self._is_left(files, join(path, name)) for name in files.children(path))

    def _is_made(self, step: Step, path: str) -> bool:
        """Tells whether the runtime stage makes ``path`` itself, above the end of ``step``."""
        at = Paths((path,))
        for other in self.site.stage.steps[: step.number]:
            is_copy = other.instruction.keyword in ("ADD", "COPY")
            is_foreign = is_copy and not isinstance(self.site.copy(other), CopyStep)
            if is_foreign and self.site.effects(other).writes.meets(at) is not None:
                return True
            if any(_makes(task, at) for task in self.tasks.get(other, ())):
                return True
        return False

    def _unmarked(self, step: Step, pieces: Pieces, task: Task) -> dict[Span, str] | Obstacle:
        """Returns the changes that take those words out of ``task`` that name what the runtime
        stage has not."""
        lost = [path for path, has in self._marked(step, task).items() if not has]
        command, call = pieces.command(task), task.command.call
        if not lost:
            return {}
        changes: dict[Span, str] = {}
        for above, word in pairwise(command.words if command is not None else ()):
            named = "" if call is None else resolve(call.directory, word.literal or word.text)
            if any(is_below(named, path) for path in lost):
                changes[Span(above.span.end, word.span.end)] = ""
        return changes if len(changes) == len(lost) else _reads_output(task, lost[0])

    def _fetching(self, reruns: Mapping[Step, Rerun]) -> Iterator[Step]:
        """Yields the RUNs whose package lists, or whose tidying, other RUNs of the runtime stage
        count on."""
        steps = [step for step in self.site.stage.steps if step in self.tasks]
        installs = [step for step in steps if self._installs(step, reruns)]
        for step in steps:
            roles = {task.role for task in self.tasks[step]}
            if step not in reruns or "packages" in roles:
                continue
            tidies = [task for task in self.tasks[step] if serves_packages(task)]
            later = any(each.number > step.number for each in installs)
            earlier = any(each.number < step.number for each in installs)
            if any(later if fetches(task) else earlier for task in tidies):
                yield step

    def _installs(self, step: Step, reruns: Mapping[Step, Rerun]) -> bool:
        """Tells whether the runtime stage installs packages of the distribution in ``step``."""
        if not any(task.role == "packages" for task in self.tasks[step]):
            return False
        return step not in reruns or bool(reruns[step])

    def _rerun(self, step: Step, *, fetched: bool) -> Rerun | Obstacle:
        tasks = self.tasks[step]
        pieces = read_pieces(self.site.tree, step.instruction, step.state.shell, tasks)
        if any(map(_is_torn, pieces.pieces)):
            return _inseparable(step)
        builds = [any(task.product for task in piece.tasks) for piece in pieces.pieces]
        upper, lower = self._apart(pieces.pieces, builds.index(True) if True in builds else None)
        above = self._again(step, pieces, upper, fetched)
        below = self._again(step, pieces, lower, fetched)
        if isinstance(above, Obstacle):
            return above
        return below if isinstance(below, Obstacle) else Rerun(above, below)

    def _apart(
        self, pieces: Sequence[Piece], first: int | None
    ) -> tuple[Sequence[Piece], Sequence[Piece]]:
        """Tells the pieces that stand above what is copied from those below it: from the ``first``
        that builds on, those that have to do with it, and what follows them."""
        if first is None:
            return pieces, ()
        upper, lower = list(pieces[:first]), list[Piece]()
        for piece in pieces[first:]:
            is_tied = any(self._goes_on(task) for task in piece.tasks)
            roles = {task.role for task in piece.tasks}
            if roles <= {"shell"} or (is_tied and not roles <= {"tidies"}):
                lower.append(piece)
            elif roles <= {"tidies"} or not any(_acts(each) for each in lower):
                upper.append(piece)
            else:
                lower.append(piece)
        return upper, lower

    def _goes_on(self, task: Task) -> bool:
        """Tells whether a command builds, or has to do with what is built."""
        built = self.output.built
        command = task.command
        return task.role in ("builds", "repeats") or bool(
            command.reads.meets(built) or command.writes.meets(built)
        )

    def _again(
        self, step: Step, pieces: Pieces, among: Sequence[Piece], fetched: bool
    ) -> str | Obstacle | None:
        """Returns the RUN with those of the pieces ``among`` that the runtime stage needs."""
        changes: dict[Span, str] = {}
        kept: list[Piece] = []
        for piece in among:
            answers = [self._needed(step, pieces, task, changes, fetched) for task in piece.tasks]
            held = next((answer for answer in answers if isinstance(answer, Obstacle)), None)
            if held is not None:
                return held
            if any(answers):
                kept.append(piece)
        if not kept:
            return None
        chosen = [p for p in among if p in kept or _is_beside(p, kept)]
        text = "\n".join(self.site.tree.text(t.command.span) for p in chosen for t in p.tasks)
        return pieces.text(chosen, changes, lambda flag: _is_wanted(flag, text))

    def _needed(
        self,
        step: Step,
        pieces: Pieces,
        task: Task,
        changes: dict[Span, str],
        fetched: bool,
    ) -> bool | Obstacle:
        """Tells whether the runtime stage has to do again what ``task`` does; the words that it
        changes for that are added to ``changes``."""
        if task.role == "packages":
            found = self.packages.changes(pieces, task, self.tasks[step], self._below(step))
            changes.update(found or {})
            return found is not None
        if task.role == "prepares":
            return self._prepared(step, pieces, task, changes)
        if task.role == "tidies":
            return (fetched and serves_packages(task)) or self._takes_copied(task)
        return task.role == "repeats"

    def _takes_copied(self, task: Task) -> bool:
        """Tells whether a task takes away what a COPY of the runtime stage may bring."""
        if task.command.call is None or task.command.call.program != "rm":
            return False
        copies = (s for s in self.site.stage.steps if s.instruction.keyword in ("ADD", "COPY"))
        above = (s for s in copies if s.instruction.code.end < task.command.span.start)
        effects = (self.site.effects(step) for step in above)
        return any(task.command.writes.meets(each.writes) is not None for each in effects)

    def _below(self, step: Step) -> tuple[Task, ...]:
        """Returns the tasks of the RUNs below ``step``."""
        below = (found for other, found in self.tasks.items() if other.number > step.number)
        return tuple(task for found in below for task in found)

    def _prepared(
        self, step: Step, pieces: Pieces, task: Task, changes: dict[Span, str]
    ) -> bool | Obstacle:
        if (lost := self.output.reads_lost(task.command)) is not None:
            return _reads_output(task, lost)
        if (gone := self.output.taken_away(task)) is not None:
            return _reads_output(task, gone)
        if self.output.is_done_by_copying(task):
            return False
        marked = self._marked(step, task)
        if marked and not any(marked.values()) and len(marked) == len(task.command.writes.prefixes):
            return False
        found = self._unmarked(step, pieces, task)
        if isinstance(found, Obstacle):
            return found
        changes.update(found)
        return True


def _makes(task: Task, at: Paths) -> bool:
    """Tells whether ``task``, done again, may make what is ``at`` a path."""
    call = task.command.call
    marks = call is not None and call.program in MARKS
    return task.role == "prepares" and not marks and task.command.writes.meets(at) is not None


def _acts(piece: Piece) -> bool:
    """Tells whether a piece does something that the runtime stage may have to do again."""
    return any(task.role not in ("builds", "shell", "tidies") for task in piece.tasks)


def _is_torn(piece: Piece) -> bool:
    """Tells whether a piece builds and does something that has to be done again."""
    roles = {task.role for task in piece.tasks} - {"shell", "tidies"}
    return len(roles) > 1 and "builds" in roles


def _is_beside(piece: Piece, kept: Sequence[Piece]) -> bool:
    """Tells whether a piece that does nothing itself goes along with those that are kept: one that
    changes the shell above them, one that fetches lists or tidies up for a package manager."""
    roles = {task.role for task in piece.tasks}
    if not roles <= {"shell", "tidies"}:
        return False
    if roles <= {"shell"}:
        return any(other.start > piece.start for other in kept)
    return any(task.role in ("packages", "repeats") for other in kept for task in other.tasks)


def _inseparable(step: Step) -> Obstacle:
    return Obstacle(
        "run-not-separable",
        f"Line {step.instruction.line} builds and sets up the system, and its commands cannot be "
        "told apart.",
        "Join them with `&&` alone, or give what builds a RUN of its own.",
    )


def _reads_output(task: Task, path: str) -> Obstacle:
    return Obstacle(
        "build-output-moved",
        f"`{short(task.command.text)}` goes on with {path}, which only the builder has.",
        "Let the build write where the container looks for it.",
    )


def _is_wanted(flag: str, text: str) -> bool:
    """Tells whether the flag of a RUN serves the commands ``text``: mounts of secrets, keys, files
    and of other package managers' caches go with the command that wants them."""
    name, _, value = flag[2:].partition("=")
    if name != "mount":
        return True
    places = [part.partition("=")[2] for part in value.split(",") if "/" in part]
    if any(place.startswith(("/var/cache", "/var/lib", "/etc/apk/cache")) for place in places):
        return True
    return any(place in text for place in places)
