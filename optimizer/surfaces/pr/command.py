"""`dockopt pr`: visits one repository and says what became of each Dockerfile."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Literal, TypeAlias

from optimizer.report.words import count, printable
from optimizer.surfaces.console import NO_ENGINE, WRONG, build_progress, put, tell
from optimizer.surfaces.pr.publish import Done
from optimizer.surfaces.pr.visit import Options, Visit, visit
from optimizer.surfaces.verify import ended_in_order
from optimizer.surfaces.version import version

SCHEMA_VERSION = 1

Format: TypeAlias = Literal["text", "json"]


def pull_requests(source: str, options: Options, form: Format) -> int:
    """Does the whole run for one repository and returns the exit code."""
    with ended_in_order(), build_progress() as announce:
        found = visit(source, options, lambda sentence: tell(f"{printable(sentence)}\n"), announce)
    report([found], form)
    return exit_code([found])


def report(visits: Sequence[Visit], form: Format) -> None:
    """Prints what became of each unit, and on standard error what went wrong."""
    if form == "json":
        put((json.dumps(as_json(visits), indent=2) + "\n").encode("ascii"))
    else:
        put("".join(f"{line}\n" for each in visits for line in _lines(each)).encode())
    for each in visits:
        if each.error:
            tell(f"dockopt: error: {printable(each.source)}: {each.error}\n")
            tell(f"{each.remedy}\n" if each.remedy else "")


def exit_code(visits: Sequence[Visit]) -> int:
    """Returns 0 where all went as it should, 2 where something that was named is not there, 3
    where git, a forge or an engine failed."""
    if any(each.usage for each in visits):
        return WRONG
    return NO_ENGINE if any(each.failed for each in visits) else 0


def as_json(visits: Sequence[Visit]) -> dict[str, object]:
    """Returns a run for programs."""
    return {
        "schema_version": SCHEMA_VERSION,
        "tool": {"name": "dockopt", "version": version()},
        "repositories": [
            {
                "source": each.source,
                "commit": each.commit or None,
                "error": each.error or None,
                "pull_requests": [_values(done) for done in each.done],
            }
            for each in visits
        ],
    }


def _values(done: Done) -> dict[str, object]:
    return {
        "path": done.path,
        "branch": done.branch or None,
        "action": done.action,
        "detail": done.detail or None,
        "url": done.url or None,
    }


def _lines(found: Visit) -> list[str]:
    shown = [done for done in found.done if done.action != "nothing"]
    lines = []
    for done in shown:
        where = printable(" ".join(filter(None, (done.url, done.detail))))
        lines.append(f"{done.action:<10} {printable(done.path)}" + (f"  {where}" if where else ""))
    if not shown and not found.error:
        lines.append(f"nothing to change in {count(len(found.done), 'Dockerfile')}")
    return lines
