"""Edits as a client makes them: by lines and code units, with nothing of the server's code."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

CODECS = {"utf-8": ("utf-8", 1), "utf-16": ("utf-16-le", 2), "utf-32": ("utf-32-le", 4)}


def place(text: str, position: Mapping[str, int], encoding: str = "utf-16") -> int:
    """Returns the offset in code points of a place, as the protocol defines it."""
    codec, size = CODECS[encoding]
    lines = re.split("(\r\n|\n|\r)", text)
    before = "".join(lines[: 2 * position["line"]])
    line = lines[2 * position["line"]].encode(codec, "surrogatepass")
    head = line[: size * position["character"]]
    assert len(head) == size * position["character"], "a place behind the end of its line"
    return len(before) + len(head.decode(codec, "surrogatepass"))


def edited(text: str, edits: Sequence[Mapping[str, Any]], encoding: str = "utf-16") -> str:
    """Returns the text with all ``edits`` made, whose places are those of the text as it is."""
    spans = [
        (
            place(text, each["range"]["start"], encoding),
            place(text, each["range"]["end"], encoding),
            each["newText"],
        )
        for each in edits
    ]
    last = len(text)
    for start, end, new in sorted(spans, key=lambda span: span[:2], reverse=True):
        assert start <= end <= last, "edits overlap"
        text = text[:start] + new + text[end:]
        last = start
    return text


def edits_of(made: Mapping[str, Any], uri: str) -> list[Mapping[str, Any]]:
    """Returns the edits that a workspace edit makes in one document."""
    if "documentChanges" not in made:
        return list(made["changes"].get(uri, ()))
    return [
        edit
        for change in made["documentChanges"]
        if "edits" in change and change["textDocument"]["uri"] == uri
        for edit in change["edits"]
    ]
