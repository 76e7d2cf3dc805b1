"""What the client at the other end can do."""

from __future__ import annotations

from dataclasses import dataclass

from lsprotocol import types
from pygls.capabilities import get_capability


@dataclass(frozen=True, slots=True)
class Client:
    """The capabilities that make a difference; by default those of a client that has none."""

    pulls_diagnostics: bool = False
    versioned_edits: bool = False
    creates_files: bool = False
    annotates_edits: bool = False
    resolves_edits: bool = False
    reads_markdown: bool = False
    watches_files: bool = False
    shows_documents: bool = False
    shows_progress: bool = False
    refreshes_diagnostics: bool = False
    refreshes_lenses: bool = False

    @classmethod
    def of(cls, said: types.ClientCapabilities) -> Client:
        """Reads what a client said when it came."""

        def has(field: str) -> bool:
            return bool(get_capability(said, field))

        def lists(field: str, value: object) -> bool:
            return value in (get_capability(said, field) or ())

        return cls(
            pulls_diagnostics=has("text_document.diagnostic"),
            # Operations on files can stand in document changes alone; Neovim announces only them.
            versioned_edits=has("workspace.workspace_edit.document_changes")
            or has("workspace.workspace_edit.resource_operations"),
            creates_files=lists(
                "workspace.workspace_edit.resource_operations", types.ResourceOperationKind.Create
            ),
            annotates_edits=has("workspace.workspace_edit.change_annotation_support"),
            resolves_edits=has("text_document.code_action.data_support")
            and lists("text_document.code_action.resolve_support.properties", "edit"),
            reads_markdown=lists("text_document.hover.content_format", types.MarkupKind.Markdown),
            watches_files=has("workspace.did_change_watched_files.dynamic_registration"),
            shows_documents=has("window.show_document.support"),
            shows_progress=has("window.work_done_progress"),
            refreshes_diagnostics=has("workspace.diagnostics.refresh_support"),
            refreshes_lenses=has("workspace.code_lens.refresh_support"),
        )
