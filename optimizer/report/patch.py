r"""The patch that ``git apply`` and ``patch -p1`` accept.

What a reader wants to know stands above each file behind ``# ``, which no tool
takes for a part of the patch: GNU patch also reads *indented* patches, so blanks
alone would not do, and whatever came from a file is made one printable line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from optimizer.journal import Applied, Outcome, Record
from optimizer.report.hunks import Change, Hunk, hunks
from optimizer.report.words import (
    change_rows,
    context,
    counts,
    errors,
    held_heading,
    held_rows,
    held_shown,
    printable,
    skipped,
)


def patch(records: Sequence[Record], *, explain_held: bool = False) -> str:
    """Returns one patch for all files that changed, with its notes; "" where none did.

    Undecodable bytes are surrogates (PEP 383), as in the texts that came in.
    """
    return "\n".join(
        "".join(f"# {line}".rstrip(" ") + "\n" for line in _notes(record, explain_held))
        + outcome_diff(record)
        for record in records
        if isinstance(record, Outcome) and record.changed and not errors(record)
    )


def outcome_diff(outcome: Outcome) -> str:
    """Returns the patch of one file and of the other files that go with it, without notes."""
    return _joined(outcome.path, outcome.applied)


def applied_diff(path: str, applied: Applied) -> str:
    """Returns the patch of one change, against the texts that the one before it left."""
    return _joined(path, [applied])


def file_changes(path: str, applied: Sequence[Applied]) -> dict[str, list[Change]]:
    """Returns what happened to each file, ``path`` first, then the others by their path."""
    changes: dict[str, list[Change]] = {path: []}
    for each in applied:
        if each.before != each.after:
            changes[path].append(Change(each.transform, each.before, each.after))
        for file in each.files:
            change = Change(each.transform, file.before, file.after)
            changes.setdefault(file.path, []).append(change)
    return {name: chain for name, chain in changes.items() if chain}


def file_diff(path: str, changes: Sequence[Change]) -> str:
    """Returns the patch of one file; "" where its last text is its first one."""
    created = changes[0].before is None
    found = hunks(changes)
    if not found and not created:
        return ""
    old, new = quoted(f"a/{path}"), quoted(f"b/{path}")
    head = [f"diff --git {old} {new}\n"]
    if created:
        head.append("new file mode 100644\n")
    if found:
        tab = "\t" if " " in path else ""
        head.append("--- /dev/null\n" if created else f"--- {old}{tab}\n")
        head.append(f"+++ {new}{tab}\n")
    return "".join([*head, *(line for hunk in found for line in hunk_lines(hunk))])


def hunk_lines(hunk: Hunk) -> Iterator[str]:
    """Yields the lines of a hunk, each with its line end."""
    yield hunk_heading(hunk) + "\n"
    for tag, line in hunk.lines:
        yield tag + line
        if not line.endswith("\n"):
            yield "\n\\ No newline at end of file\n"


def hunk_heading(hunk: Hunk) -> str:
    """Returns the line that opens a hunk; behind its second ``@@`` stand the transforms."""
    old = _range(hunk.old_start, hunk.old_count)
    new = _range(hunk.new_start, hunk.new_count)
    return f"@@ -{old} +{new} @@ {', '.join(hunk.transforms)}"


def quoted(path: str) -> str:
    """Returns a path as git writes it: in C quotes where it holds a quote, a backslash, a
    control or a byte above 127 (quote.c, quote_c_style with core.quotePath)."""
    data = path.encode("utf-8", "surrogateescape")
    if not _SPECIAL.search(data):
        return path
    return '"' + _SPECIAL.sub(_c_escape, data).decode("ascii") + '"'


_SPECIAL = re.compile(rb'[\x00-\x1f"\\\x7f-\xff]')
_C_ESCAPES = dict(zip(b'\a\b\t\n\v\f\r"\\', b'abtnvfr"\\', strict=True))


def _c_escape(match: re.Match[bytes]) -> bytes:
    code = match[0][0]
    if code in _C_ESCAPES:
        return b"\\" + bytes([_C_ESCAPES[code]])
    return b"\\%03o" % code


def _joined(path: str, applied: Sequence[Applied]) -> str:
    files = file_changes(path, applied)
    return "".join(file_diff(name, changes) for name, changes in files.items())


def _range(start: int, size: int) -> str:
    """Returns a range as POSIX diff -u writes it: an empty one names the line above it."""
    first = start + 1 if size else start
    return f"{first}" if size == 1 else f"{first},{size}"


def _notes(outcome: Outcome, explain_held: bool) -> Iterator[str]:
    yield f"{printable(outcome.path)}: {counts(outcome)}"
    yield from map(context, outcome.contexts)
    yield from map(printable, outcome.notes)
    for applied in outcome.applied:
        yield ""
        yield printable(applied.title)
        yield from _rows(change_rows(applied))
    shown, more = held_shown(outcome, explain_held)
    if shown:
        yield ""
        yield "held back"
    for held in shown:
        yield held_heading(held)
        yield from _rows(held_rows(held))
    if more:
        yield more
    yield from skipped(outcome)


def _rows(rows: Sequence[tuple[str, str]]) -> Iterator[str]:
    for label, text in rows:
        yield f"  {label:<8} {text}"
