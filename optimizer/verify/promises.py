"""Holds one promise to two images."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from optimizer.proposal import Safety
from optimizer.verify.builders import Built
from optimizer.verify.compare import Chance, Difference, changed, covers, finding
from optimizer.verify.image import Image
from optimizer.verify.verdict import Finding, Verdict

SHOWN = 20
"""Differences that a verdict names; how many more there are, it says."""

PLACES_SHOWN = 3
"""Places that differ by chance and are all named."""

Check: TypeAlias = Callable[[Built, Built], Verdict]
"""Looks for what bytes do not tell: whether the image of the second still works. ``kept`` when
it found nothing; its notes say what was looked at."""


@dataclass(frozen=True, slots=True)
class Promise:
    """What one change promises, or several together. ``drops`` are the image paths that may
    differ, ``files`` the files of the context that changed too and may lie in the image."""

    safety: Safety
    drops: tuple[str, ...] = ()
    files: tuple[str, ...] = ()

    def allows(self, difference: Difference) -> bool:
        """Tells whether a difference was announced."""
        path = difference.path
        if path is None:
            return False
        return any(covers(drop, path) for drop in self.drops) or any(
            path.endswith(f"/{file}") for file in self.files
        )


def judge(
    promise: Promise,
    before: Built,
    after: Built,
    chance: Chance,
    checks: Sequence[Check] = (),
    smoke: Check | None = None,
) -> Verdict:
    """Returns the verdict on two builds that both gave an image.

    ``same-image`` promises equality; the others also have to pass ``checks``. ``smoke`` is the
    user's own command, which must not find a difference whatever is promised; where it cannot
    tell, equal images hold all the same, and a note says so.
    """
    assert before.image is not None
    assert after.image is not None
    found = changed(before.image, after.image, chance)
    wrong = [
        each
        for each in found
        if not promise.allows(each) and not _held_dropped_alone(promise, each, before.image)
    ]
    lines = tuple(finding(each, before.image, after.image) for each in wrong[:SHOWN])
    more = (f"{len(wrong) - SHOWN} more differences",) if len(wrong) > SHOWN else ()
    notes = _chance_notes(chance)
    asked = (smoke,) if smoke is not None else ()
    if promise.safety is Safety.CHANGES_IMAGE:
        shown = tuple(f"differs: {each.message}" for each in lines)
        return _checked((*shown, *more, *notes), before, after, (*checks, *asked))
    if wrong:
        return Verdict("broken", lines, (*more, *notes))
    if promise.safety is Safety.SAME_IMAGE:
        return _checked(notes, before, after, tuple(map(_only_differences, asked)))
    return _checked(notes, before, after, (*checks, *asked))


def _held_dropped_alone(promise: Promise, difference: Difference, before: Image) -> bool:
    """Tells whether a difference is a directory that is gone with all that it held, which was
    announced: who takes ``/root/.m2/repository`` away leaves no ``/root/.m2``."""
    path = difference.path
    old = before.files.get(path) if path is not None else None
    if old is None or old.kind != "dir" or difference.field:
        return False
    held = [each for each in before.files if each.startswith(f"{path}/")]
    below = (each for each in held if before.files[each].kind != "dir")
    return bool(held) and all(any(covers(d, each) for d in promise.drops) for each in below)


def _only_differences(check: Check) -> Check:
    """Makes a note of what a check cannot tell."""

    def checked(before: Built, after: Built) -> Verdict:
        verdict = check(before, after)
        if verdict.outcome != "unverifiable":
            return verdict
        return Verdict("kept", (), (*verdict.notes, *(each.message for each in verdict.findings)))

    return checked


def _checked(
    notes: tuple[str, ...], before: Built, after: Built, checks: Sequence[Check]
) -> Verdict:
    verdicts = [check(before, after) for check in checks]
    notes += tuple(note for verdict in verdicts for note in verdict.notes)
    for outcome in ("broken", "unverifiable"):
        findings: tuple[Finding, ...] = tuple(
            each for verdict in verdicts if verdict.outcome == outcome for each in verdict.findings
        )
        if any(verdict.outcome == outcome for verdict in verdicts):
            return Verdict("broken" if outcome == "broken" else "unverifiable", findings, notes)
    return Verdict("kept", (), notes)


def _chance_notes(chance: Chance) -> tuple[str, ...]:
    places = sorted({where for where, _ in chance.places})
    if not places:
        return ()
    what = "place differs" if len(places) == 1 else "places differ"
    which = f": {', '.join(places)}" if len(places) <= PLACES_SHOWN else f", such as {places[0]}"
    return (f"{len(places)} {what} between builds of the same text{which}",)
