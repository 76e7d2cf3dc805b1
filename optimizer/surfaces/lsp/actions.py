"""What the client can do about what was seen: quick fixes, comments, everything at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lsprotocol import types

from optimizer.comments import hold, ignore
from optimizer.context.file_edit import FileEdit
from optimizer.cst.edit import Edit, apply
from optimizer.cst.nodes import Dockerfile, Instruction
from optimizer.cst.source import Source, Span
from optimizer.journal import Outcome
from optimizer.pipeline import Offer, Refused
from optimizer.proposal import Safety
from optimizer.report.words import printable, promise
from optimizer.surfaces.load import read_file
from optimizer.surfaces.lsp.analyst import Seen
from optimizer.surfaces.lsp.client import Client
from optimizer.surfaces.lsp.diagnostics import hinted, is_shown, offered
from optimizer.surfaces.lsp.documents import Document, Documents
from optimizer.surfaces.lsp.edits import Changed, workspace_edit
from optimizer.surfaces.lsp.positions import Text

FIX_ALL = f"{types.CodeActionKind.SourceFixAll.value}.dockopt"
_FIX = f"{types.CodeActionKind.QuickFix.value}.dockopt"


class OutOfDate(Exception):
    """What an action speaks of is no longer there."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a client names when it asks for the edit of an action later: the document, the
    transform, and what it would do where (the title of its change, and the offset of its place).
    All changes together have no transform."""

    uri: str
    version: int
    transform: str = ""
    title: str = ""
    at: int = 0

    def as_data(self) -> dict[str, object]:
        return {
            "uri": self.uri,
            "version": self.version,
            "transform": self.transform,
            "title": self.title,
            "at": self.at,
        }

    @classmethod
    def of(cls, data: object) -> Wanted:
        """Reads what `as_data` wrote. Raises `OutOfDate` for anything else."""
        if not isinstance(data, Mapping):
            raise OutOfDate
        uri, version = data.get("uri"), data.get("version")
        transform, title, at = data.get("transform"), data.get("title"), data.get("at")
        if not (isinstance(uri, str) and isinstance(version, int) and isinstance(at, int)):
            raise OutOfDate
        if not (isinstance(transform, str) and isinstance(title, str)):
            raise OutOfDate
        return cls(uri, version, transform, title, at)


def actions(
    seen: Seen, span: Span, only: Sequence[str] | None, client: Client
) -> list[types.CodeAction]:
    """Returns the actions for ``span`` whose kinds are among ``only``, those of all kinds where
    that is None. The edits of changes come later."""
    found = [*_fixes(seen, span, client), *_comments(seen, span, client), *_fix_all(seen)]
    return [each for each in found if only is None or _is_among(each, only)]


def find_offer(seen: Seen, wanted: Wanted) -> Offer:
    """Returns the offer that is ``wanted``. Raises `OutOfDate` where it is not made any more."""
    found = (
        each
        for each in (seen.look.offers if seen.look is not None else ())
        if (each.change.transform, each.change.title) == (wanted.transform, wanted.title)
        and each.at.start == wanted.at
    )
    offer = next(found, None)
    if offer is None or seen.document.version != wanted.version:
        raise OutOfDate
    return offer


def edit_of_offer(
    seen: Seen, offer: Offer, documents: Documents, client: Client
) -> types.WorkspaceEdit | None:
    """Returns the edit that makes one change, None where ``client`` cannot make all of it. Raises
    `OutOfDate` where another file is not as it was read."""
    change = offer.change
    files = [*_other_files(seen, change.files, documents)]
    changed = [*files, *_own_text(seen.document, change.after)]
    return workspace_edit(changed, client, _question(change.title, change.safety))


def edit_of_all(
    seen: Seen, outcome: Outcome, documents: Documents, client: Client
) -> types.WorkspaceEdit | None:
    """Returns the edit that makes all changes of ``outcome``; None and raises as above."""
    changed = [
        *_other_files(seen, outcome.files, documents),
        *_own_text(seen.document, outcome.after),
    ]
    least = min((each.safety for each in outcome.applied), default=Safety.SAME_IMAGE)
    return workspace_edit(changed, client, _question("All changes of dockopt", least))


def least_for_all(client: Client) -> Safety | None:
    """Returns what changes have to promise to be made together: what the user cannot be asked
    about has to keep the image's behaviour."""
    return None if client.annotates_edits else Safety.SAME_BEHAVIOR


def _is_among(action: types.CodeAction, only: Sequence[str]) -> bool:
    kind = str(getattr(action.kind, "value", action.kind))
    return any(kind == each or kind.startswith(f"{each}.") for each in only)


def _meets(first: Span, second: Span) -> bool:
    return first.start <= second.end and second.start <= first.end


def _fixes(seen: Seen, span: Span, client: Client) -> Iterator[types.CodeAction]:
    for offer in _offers(seen, span):
        change = offer.change
        if any(each.before is None for each in change.files) and not client.creates_files:
            continue
        wanted = Wanted(
            seen.document.uri,
            seen.document.version,
            change.transform,
            change.title,
            offer.at.start,
        )
        yield types.CodeAction(
            title=f"{printable(change.title)} ({change.safety.label})",
            kind=f"{_FIX}.{change.transform}",
            diagnostics=[offered(offer, seen.document.text)],
            is_preferred=change.safety >= Safety.SAME_BEHAVIOR and not offer.on_request,
            data=wanted.as_data(),
        )


def _comments(seen: Seen, span: Span, client: Client) -> Iterator[types.CodeAction]:
    """Yields the actions that put a comment above the instruction that something is about."""
    if seen.look is None:
        return
    tree, text = seen.look.tree, seen.document.text
    for offer in _offers(seen, span):
        about = [offered(offer, text)]
        if offer.holds is not None:
            edit = hold(tree, offer.holds)
            title = f"Hold `{offer.holds.keyword}` in line {offer.holds.line} where it stands"
            yield from _comment(seen, tree, edit, title, about, client)
        yield from _ignoring(seen, tree, offer.at, offer.change.transform, about, client)
    for refused in _refused(seen, span):
        about = [hinted(refused, text)]
        yield from _ignoring(seen, tree, refused.refusal.at, refused.transform, about, client)


def _ignoring(
    seen: Seen,
    tree: Dockerfile,
    at: Span,
    transform: str,
    about: list[types.Diagnostic],
    client: Client,
) -> Iterator[types.CodeAction]:
    instruction = _instruction(tree, at)
    if instruction is not None:
        edit = ignore(tree, instruction, transform)
        yield from _comment(seen, tree, edit, f"Ignore {transform} here", about, client)


def _comment(
    seen: Seen,
    tree: Dockerfile,
    edit: Edit,
    title: str,
    about: list[types.Diagnostic],
    client: Client,
) -> Iterator[types.CodeAction]:
    changed = [*_own_text(seen.document, apply(tree, (edit,)))]
    made = workspace_edit(changed, client, None)
    yield types.CodeAction(title=title, kind=_FIX, diagnostics=about, edit=made)


def _fix_all(seen: Seen) -> Iterator[types.CodeAction]:
    if seen.look is None or all(each.on_request for each in seen.look.offers):
        return
    wanted = Wanted(seen.document.uri, seen.document.version)
    yield types.CodeAction(
        title="Make all changes that dockopt offers in this file",
        kind=FIX_ALL,
        data=wanted.as_data(),
    )


def _offers(seen: Seen, span: Span) -> list[Offer]:
    if seen.look is None:
        return []
    return [each for each in seen.look.offers if _meets(each.at, span)]


def _refused(seen: Seen, span: Span) -> list[Refused]:
    """Returns the refusals that are shown, each transform once for a place."""
    if seen.look is None:
        return []
    found = [each for each in seen.look.refused if is_shown(each) and _meets(each.refusal.at, span)]
    return [*{(each.transform, each.refusal.at): each for each in found}.values()]


def _instruction(tree: Dockerfile, at: Span) -> Instruction | None:
    return next(
        (each for each in tree.instructions if each.span.start <= at.start < each.span.end), None
    )


def _own_text(document: Document, after: str) -> Iterator[Changed]:
    if after != document.text.value:
        yield Changed(document.uri, document.version, document.text, after)


def _other_files(seen: Seen, files: Sequence[FileEdit], documents: Documents) -> Iterator[Changed]:
    for file in files:
        if seen.task is None:
            raise OutOfDate
        path = seen.task.base / file.path
        document = documents.at(path)
        if document is not None:
            if document.text.value != file.before:
                raise OutOfDate
            yield Changed(document.uri, document.version, document.text, file.after)
            continue
        if _on_disk(path) != file.before:
            raise OutOfDate
        before = None if file.before is None else Text(file.before, seen.document.text.encoding)
        yield Changed(path.as_uri(), None, before, file.after)


def _on_disk(path: Path) -> str | None:
    """Returns the text of a file, None where there is none."""
    data = read_file(path)
    return Source.from_bytes(path.name, data).text if isinstance(data, bytes) else None


def _question(title: str, safety: Safety) -> types.ChangeAnnotation | None:
    """Returns what a user is to be asked before a change that does not promise the same behaviour
    is made."""
    if safety >= Safety.SAME_BEHAVIOR:
        return None
    return types.ChangeAnnotation(
        label=printable(title), needs_confirmation=True, description=promise(safety)
    )
