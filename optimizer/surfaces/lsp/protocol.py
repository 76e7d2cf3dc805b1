"""What of the protocol pygls leaves to do otherwise: documents, garbage, and the end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lsprotocol import types
from pygls.exceptions import JsonRpcException
from pygls.protocol import LanguageServerProtocol, lsp_method

from optimizer.surfaces.lsp.documents import Documents


class Protocol(LanguageServerProtocol):
    """pygls's protocol with documents of our own.

    pygls splits lines where `str.splitlines` does (at U+2028 and form feeds too, where the
    protocol does not), so its incremental changes go wrong in texts that hold such characters.
    """

    documents: Documents
    end: Callable[[int], None]
    """Ends the process with an exit code."""

    @lsp_method(types.TEXT_DOCUMENT_DID_OPEN)
    def lsp_text_document__did_open(self, params: types.DidOpenTextDocumentParams) -> Any:
        self.documents.open(params.text_document)
        yield self.fm.features[types.TEXT_DOCUMENT_DID_OPEN], (params,), None

    @lsp_method(types.TEXT_DOCUMENT_DID_CHANGE)
    def lsp_text_document__did_change(self, params: types.DidChangeTextDocumentParams) -> Any:
        self.documents.change(params.text_document, params.content_changes)
        yield self.fm.features[types.TEXT_DOCUMENT_DID_CHANGE], (params,), None

    @lsp_method(types.TEXT_DOCUMENT_DID_CLOSE)
    def lsp_text_document__did_close(self, params: types.DidCloseTextDocumentParams) -> Any:
        self.documents.close(params.text_document.uri)
        yield self.fm.features[types.TEXT_DOCUMENT_DID_CLOSE], (params,), None

    @lsp_method(types.EXIT)
    def lsp_exit(self, *_: object) -> Any:
        """pygls would wait for the client to close its end."""
        self.end(0 if self._shutdown else 1)
        yield from ()

    def _execute_handler(
        self,
        msg_id: int | str,
        handler: Callable[..., Any],
        callback: Callable[..., None],
        args: tuple[Any, ...] | None = None,
        kwargs: dict[str, Any] | None = None,
    ) -> None:
        """pygls would keep what a notification gave for good, as if somebody might cancel it."""
        super()._execute_handler(msg_id, handler, callback, args, kwargs)
        future = self._request_futures.get(msg_id)
        if future is not None:
            future.add_done_callback(lambda _: self._request_futures.pop(msg_id, None))

    def structure_message(self, data: dict[str, Any]) -> Any:
        """Reads a message. A request that cannot be read is answered, so that nobody waits."""
        try:
            return super().structure_message(data)
        except JsonRpcException as error:
            if isinstance(data.get("id"), int | str) and "method" in data:
                self._send_response(data["id"], error=error.to_response_error())
            raise
