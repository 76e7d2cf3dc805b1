"""The JSON face, schema version 1. Only this module knows it.

An undecodable byte of a file is a lone surrogate (PEP 383) in the exact texts,
written as ``\\udcff``: Python reads it back, and `surrogateescape` makes the byte.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from optimizer.journal import Applied, Failure, Outcome, Record
from optimizer.proposal import Evidence, Measured, Spread
from optimizer.report.patch import applied_diff, outcome_diff
from optimizer.report.words import errors

SCHEMA_VERSION = 1


def render(records: Sequence[Record], version: str) -> str:
    """Returns the report of a run; ``version`` is the one of the program."""
    files = [_file(record) for record in records]
    report = {
        "schema_version": SCHEMA_VERSION,
        "tool": {"name": "dockopt", "version": version},
        "files": files,
        "summary": _summary(records),
    }
    return json.dumps(report, indent=2) + "\n"


def _summary(records: Sequence[Record]) -> dict[str, int]:
    outcomes = [record for record in records if isinstance(record, Outcome)]
    return {
        "files": len(records),
        "changed": sum(outcome.changed for outcome in outcomes),
        "held": sum(len(outcome.held) for outcome in outcomes),
        "errors": sum(bool(errors(record)) for record in records),
    }


def _file(record: Record) -> dict[str, object]:
    if isinstance(record, Failure):
        return _failed(record)
    wrong = errors(record)
    context = record.contexts[0] if record.contexts else None
    return {
        "path": record.path,
        "context": context and {"path": context.path, "found_by": context.found_by},
        "status": "error" if wrong else "changed" if record.changed else "unchanged",
        "error": "\n".join(wrong) or None,
        "before": record.before,
        "after": record.after,
        "patch": outcome_diff(record),
        "other_files": [
            {"path": file.path, "before": file.before, "after": file.after} for file in record.files
        ],
        "applied": [_applied(record.path, applied) for applied in record.applied],
        "held": [
            {
                "transform": held.transform,
                "code": held.code,
                "line": held.line,
                "reason": held.reason,
                "unblock": held.unblock,
            }
            for held in record.held
        ],
        "skipped": [{"transform": each.transform, "needs": each.needs} for each in record.skipped],
        "timing_ms": round(record.seconds * 1000, 1),
    }


def _failed(failure: Failure) -> dict[str, object]:
    return {
        "path": failure.path,
        "context": None,
        "status": "error",
        "error": "\n".join(errors(failure)),
        "before": None,
        "after": None,
        "patch": "",
        "other_files": [],
        "applied": [],
        "held": [],
        "skipped": [],
        "timing_ms": 0.0,
    }


def _applied(path: str, applied: Applied) -> dict[str, object]:
    return {
        "transform": applied.transform,
        "safety": applied.safety.label,
        "title": applied.title,
        "line": applied.line,
        "end_line": applied.end_line,
        "reason": applied.reason,
        "drops": list(applied.drops),
        "assumes": list(applied.assumes),
        "evidence": [evidence(each) for each in applied.evidence],
        **({"confirmed": True, "notes": list(applied.notes)} if applied.confirmed else {}),
        "patch": applied_diff(path, applied),
    }


def evidence(of: Evidence) -> dict[str, object]:
    """Returns one number before and after a change, with what was measured of it."""
    values: dict[str, object] = {}
    if of.measured is not None:
        values["measured"] = _measured(of.measured)
    if of.predicted_by is not None:
        values["predicted_by"] = of.predicted_by
    return {
        "metric": of.metric,
        "scenario": of.scenario,
        "before": of.before,
        "after": of.after,
        "basis": of.basis,
        **values,
    }


def _measured(measured: Measured) -> dict[str, object]:
    return {
        "before": _spread(measured.before),
        "after": _spread(measured.after),
        "repetitions": measured.repetitions,
    }


def _spread(spread: Spread) -> dict[str, float]:
    return {"median": spread.median, "least": spread.least, "most": spread.most}
