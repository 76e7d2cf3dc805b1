"""The SARIF 2.1.0 face (OASIS, "Static Analysis Results Interchange Format", errata 01).

A proposal is a result of kind ``fail`` and level ``note``; what was held back is one of kind
``review``. Regions are whole lines: a region that ends in column 1 ends before that line (3.30.8).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from urllib.parse import quote

from optimizer.cst.lines import split_lines
from optimizer.journal import Applied, Failure, Held, Outcome, Record
from optimizer.report.hunks import Replacement
from optimizer.report.suggestions import FileFix, fingerprint, offered, original_lines
from optimizer.report.words import count, faults, printable, told_rows
from optimizer.transform import Transform

SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)

_ROOT = "SRCROOT"
"""The base of all paths: the folder that they start at, which a consumer knows (3.4.4)."""


def render(
    records: Sequence[Record],
    version: str,
    transforms: Sequence[Transform],
    *,
    explain_held: bool = False,
) -> str:
    """Returns the log of a run; ``transforms`` are the rules that results may name."""
    rules = {transform.id: number for number, transform in enumerate(transforms)}
    driver = {
        "name": "dockopt",
        "semanticVersion": version,
        "rules": [_rule(transform) for transform in transforms],
    }
    outcomes = [record for record in records if isinstance(record, Outcome)]
    results = [
        *(_proposed(each, i, rules) for each in outcomes for i in range(len(each.applied))),
        *(_held(each, held, rules) for each in outcomes if explain_held for held in each.held),
    ]
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "invocations": [_invocation(records)],
        "results": results,
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2) + "\n"


def _rule(transform: Transform) -> dict[str, object]:
    promise = {"best": transform.best.label} if transform.best is not None else {}
    return {
        "id": transform.id,
        "name": "".join(word.title() for word in transform.id.split("-")),
        "shortDescription": {"text": transform.summary},
        "help": {"text": transform.page},
        "defaultConfiguration": {"level": "note"},
        "properties": {"tags": ["docker"], **promise},
    }


def _proposed(outcome: Outcome, index: int, rules: dict[str, int]) -> dict[str, object]:
    applied = outcome.applied[index]
    before, found = offered(outcome, index)
    fix = {} if isinstance(found, str) or not found else {"fixes": [_fix(found, before)]}
    more = (found,) if isinstance(found, str) else ()
    return {
        "ruleId": applied.transform,
        **_rule_index(applied.transform, rules),
        "level": "note",
        "message": {"text": "\n".join((*_sentences(applied), *more))},
        "locations": [_location(outcome.path, *original_lines(outcome, index))],
        "partialFingerprints": {"dockopt/v1": fingerprint(outcome, index)},
        **fix,
        "properties": {"safety": applied.safety.label, "confirmed": applied.confirmed},
    }


def _sentences(applied: Applied) -> list[str]:
    rows = [f"{label}: {text}" for label, text in told_rows(applied) if label != "by"]
    return [printable(applied.title) + ".", *rows]


def _held(outcome: Outcome, held: Held, rules: dict[str, int]) -> dict[str, object]:
    sentences = (f"Held back ({held.code}).", printable(held.reason), printable(held.unblock))
    last = max(len(split_lines(outcome.before)), 1)
    line = min(max(held.line, 1), last)
    return {
        "ruleId": held.transform,
        **_rule_index(held.transform, rules),
        "kind": "review",
        "level": "none",
        "message": {"text": "\n".join(sentences)},
        "locations": [_location(outcome.path, line, line)],
        "properties": {"code": held.code},
    }


def _rule_index(transform: str, rules: dict[str, int]) -> dict[str, int]:
    return {"ruleIndex": rules[transform]} if transform in rules else {}


def _fix(files: tuple[FileFix, ...], before: int) -> dict[str, object]:
    with_others = f", with {count(before, 'change')} before it" if before else ""
    return {
        "description": {"text": f"Make this change{with_others}."},
        "artifactChanges": [
            {
                "artifactLocation": _artifact(file.path),
                "replacements": [_replacement(file.before, each) for each in file.replacements],
            }
            for file in files
        ],
    }


def _replacement(text: str, replacement: Replacement) -> dict[str, object]:
    lines = split_lines(text)
    start_line, start_column = _position(lines, replacement.start)
    end_line, end_column = _position(lines, replacement.end)
    return {
        "deletedRegion": {
            "startLine": start_line,
            "startColumn": start_column,
            "endLine": end_line,
            "endColumn": end_column,
        },
        "insertedContent": {"text": replacement.text},
    }


def _position(lines: Sequence[str], index: int) -> tuple[int, int]:
    """Returns the place in front of a line; behind the last character for the line after all."""
    if lines and index == len(lines) and not lines[-1].endswith("\n"):
        return index, len(lines[-1]) + 1
    return index + 1, 1


def _location(path: str, start: int, end: int) -> dict[str, object]:
    return {
        "physicalLocation": {
            "artifactLocation": _artifact(path),
            "region": {"startLine": start, "endLine": end},
        }
    }


def _artifact(path: str) -> dict[str, str]:
    uri = quote(path.encode("utf-8", "surrogateescape"), safe="/")
    return {"uri": uri, "uriBaseId": _ROOT}


def _invocation(records: Sequence[Record]) -> dict[str, object]:
    return {
        "executionSuccessful": not any(isinstance(record, Failure) for record in records),
        "toolExecutionNotifications": [
            {
                "level": "error",
                "message": {"text": message},
                "locations": [_location(record.path, line, line)],
            }
            for record in records
            for line, _, message in faults(record)
        ],
    }
