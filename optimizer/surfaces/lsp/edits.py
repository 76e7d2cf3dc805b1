"""New texts as the smallest edits of what the client has."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lsprotocol import types

from optimizer.cst.lines import split_lines, unchanged_blocks
from optimizer.cst.source import Span
from optimizer.surfaces.lsp.client import Client
from optimizer.surfaces.lsp.positions import Text

_ANNOTATION = "dockopt"

_START = types.Range(types.Position(0, 0), types.Position(0, 0))


@dataclass(frozen=True, slots=True)
class Changed:
    """One file whose text becomes ``after``. ``before`` is None where it is made; ``version`` is
    None where the client does not have it open."""

    uri: str
    version: int | None
    before: Text | None
    after: str


def workspace_edit(
    changed: Sequence[Changed], client: Client, ask: types.ChangeAnnotation | None
) -> types.WorkspaceEdit | None:
    """Returns the edit of all files; None where ``client`` cannot make all of it.

    ``ask`` is what the client is to ask its user first, as far as it can.
    """
    if any(each.before is None for each in changed) and not client.creates_files:
        return None
    if not client.versioned_edits:
        if any(each.before is None for each in changed):
            return None
        return types.WorkspaceEdit(changes={each.uri: [*_edits(each)] for each in changed})
    if not client.annotates_edits:
        ask = None
    operations = [operation for each in changed for operation in _operations(each, ask)]
    annotations = None if ask is None else {_ANNOTATION: ask}
    return types.WorkspaceEdit(document_changes=operations, change_annotations=annotations)


def _operations(
    changed: Changed, ask: types.ChangeAnnotation | None
) -> Iterator[types.CreateFile | types.TextDocumentEdit]:
    if changed.before is None:
        made = types.CreateFileOptions(overwrite=False, ignore_if_exists=False)
        annotation = None if ask is None else _ANNOTATION
        yield types.CreateFile(changed.uri, options=made, annotation_id=annotation)
    identifier = types.OptionalVersionedTextDocumentIdentifier(changed.uri, changed.version)
    edits: list[types.TextEdit | types.AnnotatedTextEdit | types.SnippetTextEdit] = [
        each if ask is None else types.AnnotatedTextEdit(_ANNOTATION, each.range, each.new_text)
        for each in _edits(changed)
    ]
    yield types.TextDocumentEdit(identifier, edits)


def _edits(changed: Changed) -> Iterator[types.TextEdit]:
    """Yields one edit for each run of lines that differs."""
    if changed.before is None:
        yield types.TextEdit(_START, changed.after)
        return
    old, new = split_lines(changed.before.value), split_lines(changed.after)
    offset = line = target = 0
    for start, there, size in unchanged_blocks(old, new):
        end = offset + sum(map(len, old[line:start]))
        text = "".join(new[target:there])
        if end > offset or text:
            yield types.TextEdit(changed.before.range(Span(offset, end)), text)
        offset = end + sum(map(len, old[start : start + size]))
        line, target = start + size, there + size
