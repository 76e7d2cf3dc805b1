"""Applies transforms one change at a time: apply, parse again, look again.

For each transform in order the first acceptable proposal is applied and the
transform is asked again on the new text, until it is quiet. So every change is
judged on the text it is applied to, and edits never collide. A change has to
hold for every way in which the file is built.
"""

from __future__ import annotations

import posixpath
from bisect import bisect_right
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from operator import itemgetter
from time import perf_counter

from optimizer.comments import Said, said
from optimizer.context.file_edit import FileEdit
from optimizer.cst.edit import Edit, Insert, Move, Remove, Replace
from optimizer.cst.lines import split_lines, unchanged_blocks
from optimizer.cst.nodes import Diagnostic, Dockerfile, Instruction
from optimizer.cst.parse import parse
from optimizer.cst.source import Source, Span
from optimizer.evidence import evidence, no_gain
from optimizer.gates import first_failure
from optimizer.journal import Applied, Denied, Held, Outcome, Skipped
from optimizer.numbers import sentence
from optimizer.proposal import Answer, Proposal, Refusal, Safety
from optimizer.taken_back import taken_back
from optimizer.transform import Transform
from optimizer.view import Build, View

ROUNDS = 100
"""Changes that one transform may make to one file before it counts as one that does not settle."""

MOST_WORK = 100_000
"""Instructions that one transform may look at in all its rounds, so that time stays linear."""

MOST_LOOKED = 10_000
"""Instructions that one transform may look at in one `look`, each change that it offers counting
as a look at all of them; somebody waits for the answer."""

CODES: Mapping[str, str] = {
    "kept-by-comment": "The author marked an instruction with `# dockopt: keep`.",
    "gate-failed": "The change was computed, but a check on its result failed.",
    "below-safety": "The change promises less than --safety asks for.",
    "builds-disagree": "The file is built in several ways and the change does not hold for all.",
    "build-broke-promise": "A real build showed that the change does not keep its promise.",
    "build-could-not-tell": "No real build could confirm the change, and --verify asks for one.",
    "on-request": "The change is made only where its transform is named with --select.",
    "no-gain": "The change is right, but the layer cache would be reused no better.",
    "taken-back": "A commit of the repository took this very order back.",
    "does-not-settle": "The transform kept changing the file. Please report it.",
}
"""The refusal codes that the pipeline itself adds, each with its meaning."""


def run(
    path: str,
    source: Source,
    builds: Sequence[Build],
    transforms: Sequence[Transform],
    least: Safety,
    denied: Sequence[Denied] = (),
    requested: Collection[str] = (),
) -> Outcome:
    """Returns what ``transforms`` make of ``source``, and the journal of how.

    ``path`` is what reports call the file, relative to the repository root.
    Changes that are ``denied`` are held back with what is said of them there, and so
    are those of a transform on request whose id is not ``requested``.
    Without ``builds`` nothing is known of the context and every transform is
    skipped. A file that BuildKit refuses is left as it is, with its diagnostics.
    """
    started = perf_counter()
    tree = parse(source)
    outcome = Outcome(
        path, tuple(build.answer for build in builds), before=source.text, after=source.text
    )
    views = tuple(View(tree, build) for build in builds)
    if tree.diagnostics:
        outcome = replace(outcome, diagnostics=tree.diagnostics)
    elif not views:
        wanted = (each for each in transforms if not each.on_request or each.id in requested)
        skipped = tuple(Skipped(transform.id, "context") for transform in wanted)
        outcome = replace(outcome, skipped=skipped)
    else:
        rules = _Rules(least, denied, frozenset(requested))
        outcome = _rewritten(outcome, views, transforms, rules)
    return replace(outcome, seconds=perf_counter() - started)


def _rewritten(
    outcome: Outcome,
    views: Sequence[View],
    transforms: Sequence[Transform],
    rules: _Rules,
) -> Outcome:
    """Runs ``transforms`` for the builds that `_sound` leaves."""
    sound, problems = _sound(views)
    if problems:
        return replace(outcome, diagnostics=problems)
    state = _State(sound, rules, outcome.before)
    for transform in transforms:
        state.settle(transform)
    refused = (view for view in views if view.stages.target is None)
    return replace(
        outcome,
        contexts=tuple(dict.fromkeys(view.build.answer for view in sound)),
        after=state.text,
        applied=tuple(state.applied),
        held=tuple(state.held_back(transforms)),
        notes=tuple(
            f"{view.build.answer.found_by} is left out: {view.stages.problems[-1].message}"
            for view in refused
        ),
    )


def _sound(views: Sequence[View]) -> tuple[tuple[View, ...], tuple[Diagnostic, ...]]:
    """Returns the views of the builds whose target exists, or the diagnostics for which the file
    is left as it is: its stages take files from each other, or the target that the user chose
    exists in no build.

    Where the target of none exists and nobody chose it, the file is looked at as a build without
    a target sees it. Other problems of stages do not count: a FROM that is blank or no reference
    is often one that a build argument completes.
    """
    if (circle := views[0].stages.circle) is not None:
        return (), (circle,)
    sound = tuple(view for view in views if view.stages.target is not None)
    if not sound and views[0].build.chosen:
        return (), views[0].stages.problems
    return sound or (_without_target(views[0]),), ()


def _without_target(view: View) -> View:
    invocation = replace(view.build.invocation, target=None)
    return View(view.dockerfile, replace(view.build, invocation=invocation))


@dataclass(frozen=True, slots=True)
class Offer:
    """One change to a version of a file as it stands, whatever else is offered there. ``holds``
    is the instruction that a comment has to hold in place to be rid of it, None where the change
    touches none. With ``on_request`` nobody asked for its transform by name."""

    change: Applied
    at: Span
    holds: Instruction | None
    on_request: bool


@dataclass(frozen=True, slots=True)
class Refused:
    """What the transform called ``transform`` holds back on a version of a file."""

    transform: str
    refusal: Refusal


@dataclass(frozen=True, slots=True)
class Look:
    """What all transforms say of one version of a file: ``view`` is that of its strongest build,
    None where BuildKit refuses the file, with ``diagnostics``, or no build is known. ``cut`` are
    the transforms that may have more to say: they had too much for one look."""

    tree: Dockerfile
    view: View | None
    offers: tuple[Offer, ...] = ()
    refused: tuple[Refused, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()
    cut: tuple[str, ...] = ()


def look(
    tree: Dockerfile,
    builds: Sequence[Build],
    transforms: Sequence[Transform],
    least: Safety,
    requested: Collection[str] = (),
    go_on: Callable[[], None] = lambda: None,
) -> Look:
    """Returns what each of ``transforms`` would change in ``tree`` as it stands, and what it
    holds back; the other arguments are those of `run`.

    ``go_on`` is called between two answers; what it raises ends the work.
    """
    if tree.diagnostics or not builds:
        return Look(tree, None, diagnostics=tree.diagnostics)
    views, problems = _sound(tuple(View(tree, build) for build in builds))
    if problems:
        return Look(tree, None, diagnostics=problems)
    state = _State(views, _Rules(least, (), frozenset(requested)), tree.source.text)
    offers: list[Offer] = []
    refused: list[Refused] = []
    cut: list[str] = []
    most = max(2, MOST_LOOKED // len(tree.instructions))
    for transform in transforms:
        answers = state.all_answers(transform)
        for answer in islice(answers, most):
            go_on()
            if isinstance(answer, Offer):
                offers.append(answer)
            else:
                refused.append(Refused(transform.id, answer))
        go_on()
        if next(answers, None) is not None:
            cut.append(transform.id)
    return Look(tree, views[0], tuple(offers), tuple(refused), cut=tuple(cut))


@dataclass(frozen=True, slots=True)
class _Rules:
    """What the user wants of changes: the ``least`` promise, none of those that are ``denied``,
    and the transforms that are ``requested`` by name."""

    least: Safety
    denied: Sequence[Denied]
    requested: frozenset[str]


@dataclass
class _State:
    """One run in progress: the file as it is now, seen through every build."""

    views: tuple[View, ...]
    rules: _Rules
    original: str
    applied: list[Applied] = field(default_factory=list)
    refusals: dict[str, tuple[str, list[Refusal]]] = field(default_factory=dict)
    """By transform: the text on which it became quiet, and what it refused there."""
    offers: dict[str, tuple[Held, ...]] = field(default_factory=dict)
    """By transform on request: what it would do to the file as it was at its turn."""

    @property
    def text(self) -> str:
        return self.views[0].dockerfile.source.text

    def settle(self, transform: Transform) -> None:
        """Applies the proposals of ``transform`` until it has no acceptable one left.

        A transform that does not come to rest leaves no change behind.
        """
        if transform.on_request and transform.id not in self.rules.requested:
            self.offers[transform.id] = tuple(self._offers(transform))
            return
        views, before = self.views, len(self.applied)
        rounds = max(2, min(ROUNDS, MOST_WORK // len(views[0].dockerfile.instructions)))
        for _ in range(rounds):
            refusals: list[Refusal] = []
            for answer in _answers(self.views, transform):
                verdict = answer if isinstance(answer, Refusal) else self._judge(transform, answer)
                if isinstance(verdict, Refusal):
                    refusals.append(verdict)
                else:
                    assert isinstance(answer, Proposal)
                    applied = _applied(self.views[0], verdict[0], transform, answer)
                    self.applied.append(replace(applied, origin=self._origin(answer.at)))
                    self.views = verdict
                    break
            else:
                self.refusals[transform.id] = (self.text, refusals)
                return
        self.views = views
        del self.applied[before:]
        at = views[0].dockerfile.instructions[0].code
        unsettled = Refusal(
            "does-not-settle",
            at,
            f"{transform.id} still changed the file after {rounds} changes.",
            f"Leave it out with --without {transform.id}.",
        )
        self.refusals[transform.id] = (self.text, [unsettled])

    def all_answers(self, transform: Transform) -> Iterator[Offer | Refusal]:
        """Yields what ``transform`` would do to the file as it is now, and what it holds back.
        Why one on request would not do anything is of interest to nobody."""
        on_request = transform.on_request and transform.id not in self.rules.requested
        tree = self.views[0].dockerfile
        for answer in _answers(self.views, transform):
            verdict = answer if isinstance(answer, Refusal) else self._judge(transform, answer)
            if isinstance(answer, Proposal) and not isinstance(verdict, Refusal):
                change = _applied(self.views[0], verdict[0], transform, answer)
                yield Offer(change, answer.at, _holds(tree, answer), on_request)
            elif isinstance(verdict, Refusal) and not on_request:
                yield verdict

    def _offers(self, transform: Transform) -> Iterator[Held]:
        """Yields what a transform that nobody asked for by name would do, and what that wins. Why
        it would not do anything is of interest to nobody then."""
        for answer in _answers(self.views, transform):
            verdict = answer if isinstance(answer, Refusal) else self._judge(transform, answer)
            if isinstance(answer, Refusal) or isinstance(verdict, Refusal):
                continue
            gains = map(sentence, evidence(self.views[0], verdict[0], answer))
            yield Held(
                transform.id,
                "on-request",
                self._origin(answer.at),
                f"{answer.title}: {'; '.join(gains) or answer.reason}",
                f"Ask for it with --select {transform.id}.",
            )

    def _judge(self, transform: Transform, proposal: Proposal) -> tuple[View, ...] | Refusal:
        """Returns the views after ``proposal``, or why it must not be applied."""
        for each in self.rules.denied:
            change = (transform.id, proposal.title, self._origin(proposal.at))
            if (each.transform, each.title, each.origin) == change:
                return Refusal(each.code, proposal.at, each.reason, each.unblock)
        if proposal.safety < self.rules.least:
            return Refusal(
                "below-safety",
                proposal.at,
                f"{proposal.title}: it promises {proposal.safety.label} only.",
                f"Accept it with --safety {proposal.safety.label}.",
            )
        if (kept := _kept(self.views[0].dockerfile, proposal)) is not None:
            return Refusal(
                "kept-by-comment",
                proposal.at,
                f"Line {kept.line} is marked `# dockopt: keep`.",
                "Take the comment away.",
            )
        tree = self.views[0].edited(proposal.edits)
        after = tuple(view.after(tree, proposal) for view in self.views)
        for old, new in zip(self.views, after, strict=True):
            failure = first_failure(old, new, proposal)
            if failure is not None:
                return Refusal("gate-failed", proposal.at, failure, "Change the file by hand.")
        if (lost := no_gain([*zip(self.views, after, strict=True)], proposal)) is not None:
            return Refusal.of(lost, proposal.at)
        past = self.views[0].build.past_changes
        if (gone := taken_back(self.views[0].dockerfile, tree, past)) is not None:
            return Refusal.of(gone, proposal.at)
        return after

    def _origin(self, at: Span) -> int:
        """Returns the line of a place in the text as it was read."""
        line, _ = self.views[0].dockerfile.source.position(at.start)
        return _LineMap(self.text, self.original)(line)

    def held_back(self, transforms: Sequence[Transform]) -> Iterator[Held]:
        """Yields what was refused, with lines of the text as it was read."""
        lines = _LineMap(self.text, self.original)
        told: set[str] = set()
        for transform in transforms:
            if transform.id in self.offers:
                yield from self.offers[transform.id]
                continue
            text, refusals = self.refusals[transform.id]
            if text != self.text:
                asked = _answers(self.views, transform)
                verdicts = [
                    answer if isinstance(answer, Refusal) else self._judge(transform, answer)
                    for answer in asked
                ]
                refusals = [verdict for verdict in verdicts if isinstance(verdict, Refusal)]
            for refusal in refusals:
                line, _ = self.views[0].dockerfile.source.position(refusal.at.start)
                told.add(refusal.reason)
                yield Held(transform.id, refusal.code, lines(line), refusal.reason, refusal.unblock)
            for each in self.rules.denied:
                # Another change may have taken its place, so that nothing proposes it any more.
                if each.transform == transform.id and each.reason not in told:
                    yield Held(each.transform, each.code, each.origin, each.reason, each.unblock)


def _answers(views: Sequence[View], transform: Transform) -> Iterator[Answer]:
    """Yields the answers of ``transform`` that hold for all ``views``, in file order.

    With one view nothing is computed before it is asked for.
    """
    about = said(views[0].dockerfile)

    def answers(view: View) -> Iterator[Answer]:
        for answer in transform.propose(view):
            if not _ignored(about, transform.id, answer):
                yield answer

    if len(views) == 1:
        yield from answers(views[0])
        return
    per_view = [list(answers(view)) for view in views]
    seen: set[tuple[str, Span]] = set()
    for index, found in enumerate(per_view):
        for answer in found:
            verdict = _dissent(answer, per_view, views) or answer
            if isinstance(verdict, Proposal):
                if index == 0:
                    yield verdict
            elif (verdict.code, verdict.at) not in seen:
                seen.add((verdict.code, verdict.at))
                yield verdict


def _dissent(
    answer: Answer, per_view: Sequence[Sequence[Answer]], views: Sequence[View]
) -> Refusal | None:
    """Returns the refusal that stands against a proposal in another view, if any."""
    if isinstance(answer, Refusal):
        return None
    for others, view in zip(per_view, views, strict=True):
        if any(_same_change(answer, other) for other in others):
            continue
        for other in others:
            if isinstance(other, Refusal):
                return other
        found = view.build.answer
        return Refusal(
            "builds-disagree",
            answer.at,
            f"The file is also built with the context {found.path} ({found.found_by}), "
            "and there the same change does not apply.",
            "Name the build that counts with --context or --target.",
        )
    return None


def _same_change(proposal: Proposal, answer: Answer) -> bool:
    return (
        isinstance(answer, Proposal)
        and answer.edits == proposal.edits
        and answer.files == proposal.files
        and answer.safety == proposal.safety
    )


def _ignored(about: Sequence[Said], transform: str, answer: Answer) -> bool:
    """Tells whether a comment of an instruction that ``answer`` touches turns the transform off."""
    spans = {answer.at}
    if isinstance(answer, Proposal):
        spans.update(node.code for node in map(_edited, answer.edits) if node is not None)
    return any(
        transform in each.ignore and span.start in range(*_bounds(each.instruction))
        for each in about
        for span in spans
    )


def _bounds(instruction: Instruction) -> tuple[int, int]:
    return instruction.span.start, instruction.span.end


def _kept(tree: Dockerfile, proposal: Proposal) -> Instruction | None:
    """Returns an instruction that ``proposal`` touches although its author holds it in place."""
    for each in said(tree):
        if each.keep and any(_touches(edit, each.instruction) for edit in proposal.edits):
            return each.instruction
    return None


def _holds(tree: Dockerfile, proposal: Proposal) -> Instruction | None:
    """Returns the instruction that has to be held in place against ``proposal``: the one that it
    is about, else the first one that it touches."""
    touched = [
        each for each in tree.instructions if any(_touches(edit, each) for edit in proposal.edits)
    ]
    about = (each for each in touched if each.code == proposal.at)
    return next(about, touched[0] if touched else None)


def _touches(edit: Edit, instruction: Instruction) -> bool:
    if isinstance(edit, Replace):
        return edit.span.start < instruction.span.end and instruction.span.start < edit.span.end
    return _edited(edit) is instruction


def _edited(edit: Edit) -> Instruction | None:
    if isinstance(edit, Move | Remove) and isinstance(edit.node, Instruction):
        return edit.node
    return None


def _applied(before: View, after: View, transform: Transform, proposal: Proposal) -> Applied:
    source = before.dockerfile.source
    spans = [proposal.at, *(span for edit in proposal.edits for span in _reach(edit))]
    line, _ = source.position(min(span.start for span in spans))
    end_line, _ = source.position(max(max(span.start, span.end - 1) for span in spans))
    return Applied(
        transform=transform.id,
        title=proposal.title,
        safety=proposal.safety,
        reason=proposal.reason,
        line=line,
        end_line=end_line,
        evidence=evidence(before, after, proposal),
        drops=proposal.drops,
        assumes=proposal.assumes,
        files=tuple(_from_root(before, file) for file in proposal.files),
        before=source.text,
        after=after.dockerfile.source.text,
    )


def _reach(edit: Edit) -> Iterator[Span]:
    """Yields the places of the old text that ``edit`` speaks of."""
    if isinstance(edit, Insert | Move):
        anchor = edit.before or edit.after
        if anchor is not None:
            yield anchor.code if isinstance(anchor, Instruction) else anchor.span
    node = _edited(edit)
    if node is not None:
        yield node.code


def _from_root(view: View, file: FileEdit) -> FileEdit:
    """Names a file of the context by its path from the repository root."""
    return replace(file, path=posixpath.normpath(f"{view.build.answer.path}/{file.path}"))


class _LineMap:
    """Leads from lines of one text to the nearest lines of another, both counted from 1: a changed
    line to the one that stands at the same place between the unchanged ones around it."""

    def __init__(self, text: str, original: str) -> None:
        self._blocks: Sequence[tuple[int, int, int]] = ()
        self._lines = 0
        if text != original:
            lines = split_lines(original)
            self._blocks = [(0, 0, 0), *unchanged_blocks(split_lines(text), lines)]
            self._lines = len(lines)

    def __call__(self, line: int) -> int:
        if not self._blocks:
            return line
        at = bisect_right(self._blocks, line - 1, key=itemgetter(0)) - 1
        start, target, _ = self._blocks[at]
        following = self._blocks[at + 1 : at + 2]
        room = (following[0][1] if following else self._lines) - target
        return target + max(min(line - 1 - start, room - 1), 0) + 1
