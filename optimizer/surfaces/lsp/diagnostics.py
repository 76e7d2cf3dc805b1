"""What was seen of a document, as diagnostics."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from lsprotocol import types

from optimizer.catalog import UnknownTransform, transforms
from optimizer.cst.nodes import Diagnostic
from optimizer.cst.source import Span
from optimizer.journal import Failure
from optimizer.pipeline import Offer, Refused
from optimizer.report.editor import proposal_message, refusal_message
from optimizer.report.words import ERRORS_SHOWN, printable
from optimizer.surfaces.lsp.analyst import Seen
from optimizer.surfaces.lsp.positions import Text

SOURCE = "dockopt"

_SAYS_NOTHING_NEW = frozenset({"kept-by-comment", "below-safety", "no-gain", "taken-back"})
"""Refusals for which there is nothing to do: somebody decided so, or it would win nothing."""

REFUSALS_SHOWN = 20
"""Of one document; a file that is half typed may have one on each of many lines."""


def diagnostics(seen: Seen) -> list[types.Diagnostic]:
    """Returns one diagnostic for each thing that BuildKit refuses, each change that is offered and
    each refusal that a reader can do something about."""
    text = seen.document.text
    if seen.failure is not None:
        return [_failure(seen.failure, text)]
    if seen.look is None:
        return []
    refused = [each for each in seen.look.refused if is_shown(each)]
    return [
        *(_error(each, text) for each in seen.look.diagnostics[:ERRORS_SHOWN]),
        *(offered(each, text) for each in seen.look.offers),
        *(hinted(each, text) for each in refused[:REFUSALS_SHOWN]),
        *(_cut(each, text) for each in seen.look.cut),
    ]


def is_shown(refused: Refused) -> bool:
    """Tells whether a refusal is worth a hint."""
    return refused.refusal.code not in _SAYS_NOTHING_NEW


def offered(offer: Offer, text: Text) -> types.Diagnostic:
    """Returns the diagnostic for a change that is offered; those that nobody asked for by name
    are hints."""
    severity = types.DiagnosticSeverity.Information
    if offer.on_request:
        severity = types.DiagnosticSeverity.Hint
    return types.Diagnostic(
        range=text.first_line(offer.at),
        message=proposal_message(offer.change),
        severity=severity,
        source=SOURCE,
        code=offer.change.transform,
        code_description=_page_link(offer.change.transform),
    )


def hinted(refused: Refused, text: Text) -> types.Diagnostic:
    """Returns the diagnostic for a refusal."""
    return types.Diagnostic(
        range=text.first_line(refused.refusal.at),
        message=refusal_message(refused.refusal),
        severity=types.DiagnosticSeverity.Hint,
        source=SOURCE,
        code=refused.refusal.code,
        code_description=_page_link(refused.transform),
    )


def page_uri(transform: str) -> str | None:
    """Returns where the page of a transform lies: on top of the file that defines it."""
    try:
        (found,) = transforms(select=(transform,))
    except UnknownTransform:
        return None
    file = getattr(sys.modules[type(found).__module__], "__file__", None)
    return None if file is None else Path(file).as_uri()


def _page_link(transform: str) -> types.CodeDescription | None:
    uri = page_uri(transform)
    return None if uri is None else types.CodeDescription(uri)


def _cut(transform: str, text: Text) -> types.Diagnostic:
    return types.Diagnostic(
        range=text.first_line(Span(0, len(text.value))),
        message=f"{transform} has more to say than is looked at while the file is typed.",
        severity=types.DiagnosticSeverity.Hint,
        source=SOURCE,
        code="cut-off",
        code_description=_page_link(transform),
    )


def _error(diagnostic: Diagnostic, text: Text) -> types.Diagnostic:
    return types.Diagnostic(
        range=_line(diagnostic.line, diagnostic.column, text),
        message=printable(diagnostic.message),
        severity=types.DiagnosticSeverity.Error,
        source=SOURCE,
        code="syntax",
    )


def _failure(failure: Failure, text: Text) -> types.Diagnostic:
    """A failure may be about another file, such as the configuration; it stands on top then."""
    return types.Diagnostic(
        range=text.first_line(Span(0, len(text.value))),
        message=f"{printable(failure.path)}:{failure.line}: {printable(failure.message)}",
        severity=types.DiagnosticSeverity.Warning,
        source=SOURCE,
        code="not-looked-at",
    )


def _line(line: int, column: int, text: Text) -> types.Range:
    """Returns the rest of a line from a place that counts from 1, as `Source.position` does."""
    lines = _starts(text.value)
    start = next((at for number, at in enumerate(lines, 1) if number == line), len(text.value))
    at = min(start + column - 1, len(text.value))
    return text.first_line(Span(at, len(text.value)))


def _starts(text: str) -> Iterator[int]:
    """Yields where lines start; only LF ends one, as in BuildKit's scanner."""
    at = 0
    yield at
    while (found := text.find("\n", at)) >= 0:
        at = found + 1
        yield at
