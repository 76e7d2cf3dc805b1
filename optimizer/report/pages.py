"""What `dockopt explain` prints: the list of transforms and refusal codes, and the pages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from textwrap import wrap

from optimizer.report.left_out import LEFT_OUT, SUMMARY, TOPIC
from optimizer.transform import Transform

_WIDTH = 100

_ON_REQUEST = (
    "It changes a file only where it is named, with `--select {0}` or with `select` in the "
    "configuration. Else what it would save is said as held back (`on-request`)."
)


def listing(transforms: Sequence[Transform], codes: Mapping[str, str]) -> str:
    """Returns all transforms with their summaries, and all refusal codes with their meaning."""
    lines = ["Transforms, in the order in which they are applied", ""]
    for transform in transforms:
        lines += _entry(transform.id, f"{transform.summary} ({_promise(transform)})")
    lines += ["", "Refusal codes: why a change was held back", ""]
    for code in sorted(codes):
        lines += _entry(code, codes[code])
    lines += ["", SUMMARY, "", *_entry(TOPIC, f"{', '.join(LEFT_OUT)}.")]
    lines += ["", "dockopt explain ID prints the page of a transform, or who gives a code."]
    return "\n".join(lines) + "\n"


def page(transform: Transform) -> str:
    """Returns the page of a transform, and the refusal codes of its own."""
    lines = [transform.id, "", transform.page.rstrip()]
    if transform.on_request:
        lines += ["", "On request", "==========", *wrap(_ON_REQUEST.format(transform.id), _WIDTH)]
    if transform.codes:
        lines += ["", "Refusal codes of its own", "========================"]
        for code in sorted(transform.codes):
            lines += _entry(code, transform.codes[code])
    return "\n".join(lines) + "\n"


def _promise(transform: Transform) -> str:
    if transform.best is None:
        return "changes nothing"
    on_request = ", on request" if transform.on_request else ""
    return f"at best {transform.best.label}{on_request}"


def left_out_page() -> str:
    """Returns what no transform does on purpose, and why."""
    lines = [TOPIC, "", SUMMARY, "=" * len(SUMMARY)]
    for what, why in LEFT_OUT.items():
        lines += ["", *wrap(what, _WIDTH), *(f"    {line}" for line in wrap(why, _WIDTH - 4))]
    return "\n".join(lines) + "\n"


def code_page(code: str, meaning: str, transforms: Sequence[Transform]) -> str:
    """Returns what a refusal code means, and which transforms give it."""
    own = [each.id for each in transforms if code in each.codes]
    named = [each.id for each in transforms if f"`{code}`" in each.page or code in _shown(each)]
    givers = ", ".join(dict.fromkeys([*own, *named])) or "any transform"
    return "\n".join([code, "", *wrap(meaning, _WIDTH), "", f"Given by: {givers}"]) + "\n"


def _shown(transform: Transform) -> set[str]:
    return {each.code for each in transform.examples if each.code}


def _entry(name: str, text: str) -> Iterator[str]:
    yield f"  {name}"
    yield from (f"      {line}" for line in wrap(text, _WIDTH - 6))
