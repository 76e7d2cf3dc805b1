"""The numbers that show what a change is worth, before and after it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from optimizer.cache.rebuilds import Rebuild
from optimizer.cst.source import Span
from optimizer.knowledge.installs import Obstacle
from optimizer.proposal import Evidence, Proposal
from optimizer.view import View


def evidence(before: View, after: View, proposal: Proposal) -> tuple[Evidence, ...]:
    """Returns what ``proposal`` gains: for one edit that it names, what it says itself, and over
    the history where that tells a difference.

    Assumed commits stand in for a history only where nothing else shows the gain. Numbers over
    other commits than before are none: where files are ignored, too few may be left that touch
    the context.
    """
    shown = proposal.shown_by
    spared = before.spared(after, shown).evidence if shown is not None else None
    found = [*([spared] if spared else []), *proposal.evidence]
    same = before.volatility.basis == after.volatility.basis
    if same and (before.volatility.basis == "history" or not found):
        found += (each for each in _over_history(before, after) if each.before != each.after)
    return tuple(found)


def no_gain(ways: Sequence[tuple[View, View]], proposal: Proposal) -> Obstacle | None:
    """Returns why ``proposal`` wins nothing: the edit that it names makes as much run again as
    before, in each of the ``ways`` in which the file is built (the views before and after).

    A way that does not build the stage tells nothing.
    """
    if proposal.shown_by is None:
        return None
    if all(_leaves_out(before, proposal.at) for before, _ in ways):
        return Obstacle(
            "no-gain",
            "The build that is known of does not make the stage in which this stands.",
            "Name the stage with --target to have it looked at.",
        )
    found = [before.spared(after, proposal.shown_by) for before, after in ways]
    telling = [each for each in found if each.steps[0]]
    if not telling or any(each.seconds[1] < each.seconds[0] for each in telling):
        return None
    return Obstacle(
        "no-gain",
        f"After an edit of {proposal.shown_by} as much runs again as before: a step above changes "
        "too.",
        "Let the steps above stand on less, for example by copying fewer files from other stages.",
    )


def _leaves_out(view: View, at: Span) -> bool:
    """Tells whether the build is known to make nothing of the stage of the step at ``at``."""
    stages = view.stages
    spare = (each for each in stages.stages if each not in stages.needed)
    return stages.target is not None and any(
        step.instruction.code == at for stage in spare for step in stage.steps
    )


def _over_history(before: View, after: View) -> Iterator[Evidence]:
    old, new = before.rebuilds, after.rebuilds
    if [each.times for each in old] == [each.times for each in new]:
        # What a step costs is looked up by its text: another text alone saves nothing.
        return
    words = before.volatility.words
    saved = _most_saved(before, old, after, new)
    if saved is not None:
        text, was, now = saved
        yield Evidence("runs", f"`{text}` over {words}", was, now, "model")
    was_seconds, now_seconds = (sum(each.total for each in found) for found in (old, new))
    measured = all(before.cost(each.step).basis == "measured" for each in old if each.times)
    yield Evidence(
        "rebuild_seconds",
        words,
        round(was_seconds, 1),
        round(now_seconds, 1),
        "model" if measured else "estimate",
    )


def _most_saved(
    before: View, old: Sequence[Rebuild], after: View, new: Sequence[Rebuild]
) -> tuple[str, int, int] | None:
    """Returns the step of which the fewest seconds are left: its text, and how often it runs.

    Steps are the same where their text is; one that stands in the file twice is left out.
    """
    then, now = _by_text(before, old), _by_text(after, new)
    gains = [
        ((was.times - now[text].times) * was.seconds, text)
        for text, was in then.items()
        if text in now
    ]
    gain, text = max(gains, default=(0.0, ""), key=lambda pair: pair[0])
    return (text, then[text].times, now[text].times) if gain > 0 else None


def _by_text(view: View, found: Sequence[Rebuild]) -> dict[str, Rebuild]:
    texts = [" ".join(each.step.instruction.logical.text.split()) for each in found]
    numbers = Counter(texts)
    return {text: each for text, each in zip(texts, found, strict=True) if numbers[text] == 1}
