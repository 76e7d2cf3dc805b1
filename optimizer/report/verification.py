"""What builds on a real engine said of the changes of one file, for people and for programs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from optimizer.journal import Applied
from optimizer.report.json import evidence
from optimizer.report.terminal import Screen, Style
from optimizer.report.words import (
    basis,
    context,
    count,
    gain_label,
    lines,
    number,
    printable,
    promise,
)
from optimizer.verify.judge import Verification
from optimizer.verify.verdict import Finding, Verdict

SCHEMA_VERSION = 1

FINDINGS_SHOWN = 5
LOG_SHOWN = 10

_STYLES: dict[str, Style] = {
    "kept": "good",
    "broken": "bad",
    "before-broken": "bad",
    "unverifiable": "careful",
}

_WORDS = {
    "kept": "kept: the promise held in a real build",
    "broken": "broken: the promise did not hold",
    "before-broken": "before-broken: the original cannot be built, so there is nothing to compare",
    "unverifiable": "unverifiable: no build could tell",
}


def as_text(found: Sequence[Verification], screen: Screen) -> str:
    """Returns the verdicts for people."""
    return "\n".join("".join(f"{line}\n" for line in _text(each, screen)) for each in found)


def as_json(found: Sequence[Verification], version: str) -> dict[str, object]:
    """Returns the verdicts for programs; ``version`` is that of dockopt."""
    return {
        "schema_version": SCHEMA_VERSION,
        "tool": {"name": "dockopt", "version": version},
        "verified": [_values(each) for each in found],
    }


def _text(found: Verification, screen: Screen) -> Iterator[str]:
    yield screen.paint("path", printable(found.path))
    way = context(found.way)
    if found.invocation.target is not None:
        way += f", target {printable(found.invocation.target)}"
    if found.invocation.platform is not None:
        way += f", for {printable(found.invocation.platform)}"
    yield screen.paint("quiet", way)
    builds = f"built with {printable(found.builder)} in {found.seconds:.0f} s"
    yield screen.paint("quiet", builds)
    for change, verdict in zip(found.changes, found.verdicts, strict=True):
        yield ""
        yield from _change(change, verdict, screen)
    if found.kept_images:
        yield ""
        yield f"kept: {', '.join(found.kept_images)}"


def _change(change: Applied, verdict: Verdict, screen: Screen) -> Iterator[str]:
    yield screen.paint("title", printable(change.title))
    yield from screen.row(2, "verdict", _WORDS[verdict.outcome], _STYLES[verdict.outcome])
    for finding in verdict.findings[:FINDINGS_SHOWN]:
        yield from screen.row(2, "because", _sentence(finding))
    if len(verdict.findings) > FINDINGS_SHOWN:
        more = len(verdict.findings) - FINDINGS_SHOWN
        yield from screen.row(2, "", f"and {count(more, 'more')[:-1] if more > 1 else '1 more'}")
    # Of a build that broke the last words count; of one that held, all that was looked at.
    for note in verdict.notes if verdict.outcome == "kept" else verdict.notes[-LOG_SHOWN:]:
        yield from screen.row(2, "note", printable(note))
    for each in change.evidence:
        if each.measured is not None:
            yield from screen.row(2, gain_label(each), f"{number(each)} ({basis(each)})")
    yield from screen.row(2, "promise", promise(change.safety))
    yield from screen.row(2, "by", f"{change.transform}, {lines(change)}")


def _sentence(finding: Finding) -> str:
    owner = f" (package {finding.package} has it)" if finding.package else ""
    return printable(finding.message) + owner


def _values(found: Verification) -> dict[str, object]:
    return {
        "path": found.path,
        "context": {"path": found.way.path, "found_by": found.way.found_by},
        "target": found.invocation.target,
        "platform": found.invocation.platform,
        "builder": found.builder,
        "outcome": found.outcome,
        "seconds": round(found.seconds, 1),
        "changes": [
            {
                "transform": change.transform,
                "title": change.title,
                "safety": change.safety.label,
                "line": change.line,
                "end_line": change.end_line,
                "verdict": verdict.outcome,
                "findings": [
                    {"where": each.where, "message": each.message, "package": each.package}
                    for each in verdict.findings
                ],
                "notes": list(verdict.notes),
                "evidence": [evidence(each) for each in change.evidence],
            }
            for change, verdict in zip(found.changes, found.verdicts, strict=True)
        ],
        "kept_images": list(found.kept_images),
    }
