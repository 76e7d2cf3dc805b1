"""The real histories of repositories that copy everything before they install.

For each of their Dockerfiles it counts how often every install of dependencies ran again over
the last commits: with the author's file, with what dockopt makes of it, and at least, which is
once for each commit that touches a dependency manifest in the build context of the file.
The files are those of today's work tree; the commits change what is in the context.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from posixpath import basename

from optimizer.cache.rebuilds import Rebuild
from optimizer.catalog import transforms
from optimizer.context.find import RepositoryEvidence
from optimizer.context.tree import BuildContext
from optimizer.cst.parse import parse
from optimizer.cst.source import Source
from optimizer.effects.copies import CopyStep, StageFiles
from optimizer.effects.installs import InstallStep
from optimizer.history.commits import History
from optimizer.history.read import read_history
from optimizer.journal import ContextAnswer, Outcome
from optimizer.knowledge.manifest_names import is_manifest
from optimizer.model.stages import Invocation, Stage, Step
from optimizer.pipeline import run
from optimizer.proposal import Safety
from optimizer.view import Build, View
from tests.corpus.runs import ORDERING, VARIABLE

SMELLS = frozenset(
    {"copyall-before-install", "copydir-before-install", "copyall-before-project-install"}
)
"""What the corpus calls files that copy everything, or a whole folder, before they install."""


@dataclass(frozen=True)
class Candidate:
    """One Dockerfile of the corpus' list: the clone it lies in, and its paths from there."""

    repository: str
    root: Path
    dockerfile: str
    context: str


@dataclass(frozen=True)
class Replay:
    """What became of one install, in numbers of commits.

    ``commits`` are looked at, ``touching`` change a file of the context; the install runs again
    in ``author`` of them with the file as it is, and in ``rewritten`` with what dockopt makes of
    it. ``bound`` touch a file that the install reads where dockopt knows what it reads, else any
    dependency manifest. ``held`` are the codes of what was held back at its line.
    """

    candidate: Candidate
    line: int
    commits: int
    touching: int
    author: int
    rewritten: int
    bound: int
    held: tuple[str, ...]

    @property
    def offered(self) -> bool:
        """Whether a rewrite makes it run less often."""
        return self.rewritten < self.author

    @property
    def avoidable(self) -> int:
        """The reruns that the author's order costs beyond the bound."""
        return self.author - self.bound

    @property
    def avoided(self) -> int:
        """Those of them that the rewrite saves."""
        return self.author - self.rewritten


def candidates(folder: Path) -> Iterator[Candidate]:
    """Yields the files of the corpus' list whose repository has a clone below ``folder``, called
    by its name alone or by owner and name with any of ``/``, ``__``, ``+`` in between."""
    table = Path(os.environ[VARIABLE]) / "dev_repos.tsv"
    with table.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines, delimiter="\t"):
            root = clone(folder, row["repo"])
            if root is not None and SMELLS & {*row["smells"].split(",")}:
                yield Candidate(row["repo"], root, row["dockerfile"], row["context_dir"])


def clone(folder: Path, repository: str) -> Path | None:
    """Returns the clone of ``repository`` below ``folder``, None where there is none."""
    owner, _, name = repository.partition("/")
    names = (repository, f"{owner}__{name}", f"{owner}+{name}", f"{owner}-{name}", name)
    return next((folder / each for each in names if (folder / each / ".git").exists()), None)


def replay(candidate: Candidate, limit: int) -> list[Replay] | str:
    """Returns the numbers of each install of one file over the last ``limit`` commits, or why
    there are none."""
    file = candidate.root / candidate.dockerfile
    if not file.is_file():
        return "it is gone from the work tree"
    history = read_history(candidate.root, limit)
    source = Source.from_bytes(candidate.dockerfile, file.read_bytes())
    build = _build(candidate, file, history)
    before = View(parse(source), build)
    if before.volatility.basis != "history":
        return build.changes.note or "no history"
    outcome = run(source.path, source, (build,), transforms(select=ORDERING), Safety.CHANGES_IMAGE)
    new = {_text(each): each for each in _after(before, outcome).rebuilds}
    found = [
        Replay(
            candidate,
            line=was.step.instruction.line,
            commits=len(history.commits),
            touching=build.changes.every.bit_count(),
            author=was.times,
            rewritten=new[text].times,
            bound=_bound(before, was).bit_count(),
            held=_held(outcome, was.step),
        )
        for text, was in _installs(before).items()
        if text in new and was.times
    ]
    return found or "no install below a COPY that anything is known of"


def _held(outcome: Outcome, step: Step) -> tuple[str, ...]:
    lines = range(step.instruction.line, step.instruction.end_line + 1)
    return tuple(dict.fromkeys(held.code for held in outcome.held if held.line in lines))


def _build(candidate: Candidate, file: Path, history: History) -> Build:
    """Builds the file as its repository says, with the context that the list names where it is
    one of several."""
    listed = (candidate.root / candidate.context).resolve()
    found = RepositoryEvidence(candidate.root.resolve()).contexts_of(file.resolve()).found
    chosen = next((each for each in found if each.path.resolve() == listed), found[0])
    return Build(
        BuildContext(chosen.path, dockerfile=file),
        Invocation(chosen.target, chosen.build_args),
        ContextAnswer(os.path.relpath(chosen.path, candidate.root), chosen.found_by),
        history=lambda: history,
    )


def _after(before: View, outcome: Outcome) -> View:
    context = before.context
    for file in outcome.files:
        inner = os.path.relpath(file.path, before.build.answer.path)
        context = context.with_file(inner, Source(file.path, file.after).data)
    build = replace(before.build, context=context) if outcome.files else before.build
    return View(parse(Source(outcome.path, outcome.after)), build)


def _installs(view: View) -> dict[str, Rebuild]:
    """Returns the steps that install dependencies of the project, by stage and text."""
    return {
        _text(each): each
        for each in view.rebuilds
        if view.may_install(each.step) and view.install(each.step) is not None
    }


def _text(rebuild: Rebuild) -> str:
    step = rebuild.step
    return f"{step.stage_index} {' '.join(step.instruction.logical.text.split())}"


def _bound(view: View, install: Rebuild) -> int:
    """Returns the commits that run the install again and touch what it reads."""
    stage = view.stages.stages[install.step.stage_index]
    known = view.install(install.step)
    below = view.build.changes.below
    if isinstance(known, InstallStep):
        mask = 0
        for path in _read_of_context(view, stage, install.step, known):
            mask |= below.get(path, 0)
        return mask & install.runs
    mask = 0
    for path, commits in view.build.changes.masks.items():
        mask |= commits if is_manifest(basename(path)) else 0
    return mask & install.runs


def _read_of_context(view: View, stage: Stage, step: Step, install: InstallStep) -> Iterator[str]:
    copies = [copy for copy in view.copies_above(stage, step) if isinstance(copy, CopyStep)]
    files = StageFiles(tuple(copies))
    for path in (*install.inputs.reads, *install.inputs.trees):
        entry = files.entry(path)
        if entry is not None:
            yield entry.path


def show(found: Sequence[Replay]) -> Iterator[str]:
    """Yields the table, a line for each install, and the totals."""
    wide = max((len(_name(each)) for each in found), default=10)
    head = ("commits", "context", "author", "rewritten", "bound", "avoided")
    yield f"{'install':<{wide}}" + "".join(f"{each:>11}" for each in head)
    for each in found:
        numbers = (each.commits, each.touching, each.author, each.rewritten, each.bound)
        yield (
            f"{_name(each):<{wide}}"
            + "".join(f"{number:>11}" for number in numbers)
            + f"{_share(each.avoided, each.avoidable):>11}"
            + ("" if each.offered else f"  no rewrite: {', '.join(each.held) or 'none offered'}")
        )
    offered = [each for each in found if each.offered]
    for title, part in (("where a rewrite is offered", offered), ("all of them", found)):
        avoided = sum(each.avoided for each in part)
        avoidable = sum(each.avoidable for each in part)
        author, bound = sum(each.author for each in part), sum(each.bound for each in part)
        yield (
            f"{title}: {len(part)} installs, {author} rebuilds by the author's order, "
            f"{author - avoided} by dockopt's, {bound} at least; "
            f"{_share(avoided, avoidable)} of the avoidable ones avoided"
        )


def _name(replayed: Replay) -> str:
    candidate = replayed.candidate
    return f"{candidate.repository} {candidate.dockerfile}:{replayed.line}"


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %" if whole else "-"


def main(folder: Path, count: int, limit: int) -> int:
    """Prints the replay of ``count`` repositories and returns the exit code: 1 where there are
    fewer."""
    found: list[Replay] = []
    for candidate in candidates(folder):
        known = {each.candidate.repository for each in found}
        if len(known) == count and candidate.repository not in known:
            break
        answer = replay(candidate, limit)
        if isinstance(answer, str):
            print(f"left out: {candidate.repository} {candidate.dockerfile}: {answer}")
        else:
            found += answer
    for line in show(found):
        print(line)
    repositories = len({each.candidate.repository for each in found})
    if repositories < count:
        print(f"only {repositories} repositories of {count}: clone more below {folder}")
    return 1 if repositories < count else 0
