"""The words for the numbers that show what a change is worth."""

from __future__ import annotations

from optimizer.proposal import Evidence

_METRICS = {
    "steps_rerun": ("step reruns", "steps rerun"),
    "runs": ("run", "runs"),
    "unpruned_directories": ("unpruned directory", "unpruned directories"),
    "dependency_downloads": ("download of dependencies", "downloads of dependencies"),
    "stale_lists": ("install by old package lists", "installs by old package lists"),
    "kept_lists": ("kept set of package lists", "kept sets of package lists"),
    "full_downloads": ("download of all packages", "downloads of all packages"),
    "library_builds": ("build of the standard library", "builds of the standard library"),
    "tool_downloads": ("download of the build tool", "downloads of the build tool"),
    "missing_inputs": ("missing input", "missing inputs"),
    "shipped_secrets": ("secret in the image", "secrets in the image"),
    "rebuild_seconds": ("second of rebuilds", "seconds of rebuilds"),
}
"""What a number counts, for one and for more. Other metrics read as they are called."""

_AFTER_EDIT = {"rebuild_seconds": " to rebuild", "push_bytes": " to push"}
"""What a scaled number is of, where the scenario alone does not say it."""

_SCALES = {"seconds": ((60, "min"), (1, "s")), "bytes": ((1e9, "GB"), (1e6, "MB"), (1e3, "kB"))}
"""By the last word of a metric: the units it is shown in, the largest first, as multiples of
its own (SI prefixes, as Docker shows sizes)."""


def sentence(evidence: Evidence) -> str:
    """Returns the sentence for one number: ``edit src/app.js: 6 steps rerun -> 2``."""
    return f"{evidence.scenario}: {_change(evidence)}"


def _change(evidence: Evidence) -> str:
    if evidence.metric.rpartition("_")[2] in _SCALES:
        before, after = (value(evidence, each) for each in (evidence.before, evidence.after))
        what = _AFTER_EDIT.get(evidence.metric, "") if evidence.scenario.startswith("edit ") else ""
        return f"{before}{what} -> {after}"
    one, more = _METRICS.get(evidence.metric, (evidence.metric.replace("_", " "),) * 2)
    unit = one if evidence.before == 1 else more
    return f"{evidence.before:g} {unit} -> {evidence.after:g}"


def value(evidence: Evidence, number: float) -> str:
    """Shows a number of the metric of ``evidence``; seconds and bytes in a unit that keeps it
    short: ``1.4 min``, ``12 MB``."""
    word = evidence.metric.rpartition("_")[2]
    for scale, unit in _SCALES.get(word, ()):
        if number >= scale:
            short = f"{number / scale:.3g}"
            return f"{number / scale:.0f} {unit}" if "e" in short else f"{short} {unit}"
    if word not in _SCALES:
        return f"{number:g}"
    return f"{number:.2g} s" if word == "seconds" else f"{number:.0f} bytes"
