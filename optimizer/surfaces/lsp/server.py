"""The features of the server: which request asks for what."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from lsprotocol import types
from lsprotocol.converters import get_converter
from pygls.exceptions import (
    JsonRpcContentModified,
    JsonRpcException,
    JsonRpcInternalError,
    JsonRpcInvalidParams,
    JsonRpcInvalidRequest,
    JsonRpcRequestCancelled,
)
from pygls.lsp.server import LanguageServer

from optimizer.catalog import transforms
from optimizer.context.tree import ContextError
from optimizer.cst.source import Span
from optimizer.journal import Failure, Outcome
from optimizer.proposal import Safety
from optimizer.report.pages import page
from optimizer.report.patch import applied_diff, outcome_diff
from optimizer.surfaces.lsp.actions import (
    FIX_ALL,
    OutOfDate,
    Wanted,
    actions,
    edit_of_all,
    edit_of_offer,
    find_offer,
    least_for_all,
)
from optimizer.surfaces.lsp.analyst import Analyst, FileEvent, Seen
from optimizer.surfaces.lsp.client import Client
from optimizer.surfaces.lsp.diagnostics import diagnostics, page_uri
from optimizer.surfaces.lsp.documents import Document, Documents, path_of
from optimizer.surfaces.lsp.judging import Judged, Judging
from optimizer.surfaces.lsp.looks import Looks
from optimizer.surfaces.lsp.protocol import Protocol
from optimizer.surfaces.lsp.settings import Settings
from optimizer.surfaces.lsp.steps import hover_at, lenses
from optimizer.surfaces.lsp.worker import Worker
from optimizer.surfaces.version import version
from optimizer.transform import Transform

T = TypeVar("T")

_log = logging.getLogger(__name__)

_ACTIONS = types.CodeActionOptions(
    code_action_kinds=[types.CodeActionKind.QuickFix, FIX_ALL], resolve_provider=True
)
_PULL = types.DiagnosticOptions(
    inter_file_dependencies=True, workspace_diagnostics=False, identifier="dockopt"
)
_WATCHED = types.DidChangeWatchedFilesRegistrationOptions([types.FileSystemWatcher("**/*")])


class Server(LanguageServer):
    """What one client is served with. ``end`` ends the process with an exit code."""

    def __init__(self, end: Callable[[int], None]) -> None:
        super().__init__(
            "dockopt", version(), protocol_cls=Protocol, converter_factory=get_converter
        )
        self.client = Client()
        self.settings = Settings()
        self.documents = Documents()
        self.worker = Worker()
        self.analyst = Analyst()
        self.judging = Judging()
        self.looks = Looks(self.documents, self.worker, self.analyst, self.push)
        assert isinstance(self.protocol, Protocol)
        self.protocol.documents = self.documents
        self.protocol.end = end

    def report_server_error(self, error: Exception, source: object) -> None:
        """Logs what went wrong with a message; pygls would put each in front of the user."""
        expected = isinstance(error, JsonRpcException) and error.code != JsonRpcInternalError.CODE
        _log.log(logging.INFO if expected else logging.ERROR, "%s", error)

    def shutdown(self) -> None:
        """Waits for nothing, as pygls would for the thread that reads: the process ends now."""

    def push(self, seen: Seen) -> None:
        """Sends the diagnostics of a look to a client that does not ask for them."""
        if not self.client.pulls_diagnostics:
            document = seen.document
            self.text_document_publish_diagnostics(
                types.PublishDiagnosticsParams(document.uri, diagnostics(seen), document.version)
            )

    async def on_worker(self, job: Callable[[], T]) -> T:
        """Does what needs an analysis where analyses are done."""
        return await asyncio.wrap_future(self.worker.submit(job))

    def set(self, values: object) -> None:
        """Takes over the user's settings, and looks again where that makes a difference."""
        before, self.settings = self.settings, self.settings.with_values(values)
        if before.history != self.settings.history:
            self.worker.submit(partial(self.analyst.ask_history, self.settings.history))
            if any(self.documents):
                self.look_again()

    def look_again(self) -> None:
        """Looks at all documents, because something around them has changed."""
        self.looks.begin_all()
        if self.client.pulls_diagnostics and self.client.refreshes_diagnostics:
            self.workspace_diagnostic_refresh(None)
        if self.client.refreshes_lenses:
            self.workspace_code_lens_refresh(None)

    async def outcome(self, document: Document, least: Safety | None = None) -> Outcome:
        """Returns what all transforms together make of a document. Raises JSON-RPC errors."""
        overlay = self.documents.overlay()
        job = partial(self.analyst.outcome, document, overlay, least)
        try:
            found = await self.on_worker(job)
        except ContextError as error:
            raise JsonRpcInvalidRequest(f"the build context cannot be read: {error}") from None
        if isinstance(found, Failure):
            raise JsonRpcInvalidRequest(found.message)
        return found

    def wanted_document(self, uri: object) -> Document:
        """Returns the open document of a command's argument. Raises a JSON-RPC error."""
        document = self.documents.get(uri) if isinstance(uri, str) else None
        if document is None or not document.is_dockerfile:
            raise JsonRpcInvalidParams("the first argument has to hold the uri of an open document")
        return document


def make_server(end: Callable[[int], None]) -> Server:
    """Returns a server that has all features."""
    server = Server(end)
    for add in (_lifetime, _synchronization, _diagnosing, _acting, _showing, _commands):
        add(server)
    return server


def _lifetime(server: Server) -> None:
    @server.feature(types.INITIALIZE)
    def initialize(params: types.InitializeParams) -> None:
        server.client = Client.of(params.capabilities)
        server.documents.encoding = str(
            getattr(server.workspace.position_encoding, "value", server.workspace.position_encoding)
        )
        server.analyst.is_told = server.client.watches_files
        server.set(params.initialization_options)

    @server.feature(types.INITIALIZED)
    def initialized(_: types.InitializedParams) -> None:
        if server.client.watches_files:
            method = types.WORKSPACE_DID_CHANGE_WATCHED_FILES
            watch = types.Registration(str(uuid.uuid4()), method, _WATCHED)
            server.client_register_capability(types.RegistrationParams([watch]))

    @server.feature(types.WORKSPACE_DID_CHANGE_CONFIGURATION)
    def configured(params: types.DidChangeConfigurationParams) -> None:
        settings = params.settings
        server.set(settings.get("dockopt") if isinstance(settings, Mapping) else None)


def _synchronization(server: Server) -> None:
    def begin(document: Document | None) -> None:
        if document is None:
            return
        if document.is_dockerfile:
            server.looks.begin(document.uri)
        else:
            server.look_again()

    @server.feature(types.TEXT_DOCUMENT_DID_OPEN)
    def opened(params: types.DidOpenTextDocumentParams) -> None:
        begin(server.documents.get(params.text_document.uri))

    @server.feature(types.TEXT_DOCUMENT_DID_CHANGE)
    def changed(params: types.DidChangeTextDocumentParams) -> None:
        begin(server.documents.get(params.text_document.uri))

    @server.feature(types.TEXT_DOCUMENT_DID_SAVE)
    def saved(params: types.DidSaveTextDocumentParams) -> None:
        if not server.client.watches_files:
            server.worker.submit(server.analyst.forget)
            server.look_again()

    @server.feature(types.TEXT_DOCUMENT_DID_CLOSE)
    def closed(params: types.DidCloseTextDocumentParams) -> None:
        uri = params.text_document.uri
        if not server.looks.forget(uri):
            # What was typed there no longer stands in for the file on disk.
            server.look_again()
        if (path := path_of(uri)) is not None:
            server.worker.submit(partial(server.analyst.close, path))
        if not server.client.pulls_diagnostics:
            empty = types.PublishDiagnosticsParams(uri, [])
            server.text_document_publish_diagnostics(empty)

    @server.feature(types.WORKSPACE_DID_CHANGE_WATCHED_FILES)
    async def touched(params: types.DidChangeWatchedFilesParams) -> None:
        found = [(path_of(each.uri), each.type) for each in params.changes]
        events = [
            FileEvent(path, content_only=kind == types.FileChangeType.Changed)
            for path, kind in found
            if path is not None
        ]
        if await server.on_worker(partial(server.analyst.tell, events)):
            server.look_again()


def _diagnosing(server: Server) -> None:
    @server.feature(types.TEXT_DOCUMENT_DIAGNOSTIC, _PULL)
    async def pulled(params: types.DocumentDiagnosticParams) -> types.DocumentDiagnosticReport:
        seen = await server.looks.newest(params.text_document.uri)
        if seen is None:
            return types.RelatedFullDocumentDiagnosticReport([])
        number = str(seen.number)
        if params.previous_result_id == number:
            return types.RelatedUnchangedDocumentDiagnosticReport(number)
        return types.RelatedFullDocumentDiagnosticReport(diagnostics(seen), result_id=number)


def _acting(server: Server) -> None:
    async def edit(seen: Seen, wanted: Wanted) -> types.WorkspaceEdit | None:
        if wanted.transform:
            offer = find_offer(seen, wanted)
            return edit_of_offer(seen, offer, server.documents, server.client)
        if seen.document.version != wanted.version:
            raise OutOfDate
        outcome = await server.outcome(seen.document, least_for_all(server.client))
        return edit_of_all(seen, outcome, server.documents, server.client)

    @server.feature(types.TEXT_DOCUMENT_CODE_ACTION, _ACTIONS)
    async def code_actions(params: types.CodeActionParams) -> Sequence[types.CodeAction]:
        seen = await server.looks.newest(params.text_document.uri)
        if seen is None:
            return []
        text = seen.document.text
        span = Span(*sorted((text.offset(params.range.start), text.offset(params.range.end))))
        only = params.context.only
        kinds = None if only is None else [str(getattr(each, "value", each)) for each in only]
        found = actions(seen, span, kinds, server.client)
        if server.client.resolves_edits:
            return found
        return [each for each in found if await resolved(each, seen)]

    async def resolved(action: types.CodeAction, seen: Seen) -> bool:
        """Fills in the edit for a client that cannot ask for it later; False where it cannot be
        made."""
        if action.edit is None:
            try:
                action.edit = await edit(seen, Wanted.of(action.data))
            except (OutOfDate, JsonRpcInvalidRequest):
                return False
        return action.edit is not None

    @server.feature(types.CODE_ACTION_RESOLVE)
    async def resolve(action: types.CodeAction) -> types.CodeAction:
        if action.edit is not None:
            return action
        try:
            wanted = Wanted.of(action.data)
            seen = await server.looks.newest(wanted.uri)
            if seen is None:
                raise OutOfDate
            action.edit = await edit(seen, wanted)
        except OutOfDate:
            raise JsonRpcContentModified("the file changed since") from None
        if action.edit is None:
            raise JsonRpcInvalidRequest("the change makes a file, which this client cannot do")
        return action


def _showing(server: Server) -> None:
    @server.feature(types.TEXT_DOCUMENT_CODE_LENS, types.CodeLensOptions(resolve_provider=False))
    async def code_lenses(params: types.CodeLensParams) -> Sequence[types.CodeLens]:
        seen = await server.looks.newest(params.text_document.uri)
        return [] if seen is None else await server.on_worker(partial(lenses, seen))

    @server.feature(types.TEXT_DOCUMENT_HOVER)
    async def hover(params: types.HoverParams) -> types.Hover | None:
        seen = await server.looks.newest(params.text_document.uri)
        if seen is None:
            return None
        markdown = server.client.reads_markdown
        return await server.on_worker(partial(hover_at, seen, params.position, markdown=markdown))


def _commands(server: Server) -> None:
    @server.command("dockopt.patch")
    async def patch(*arguments: Any) -> str:
        """Returns the patch of one change, or of all."""
        wanted = _first(arguments)
        document = server.wanted_document(wanted.get("uri"))
        if not wanted.get("transform"):
            return outcome_diff(await server.outcome(document))
        seen = await server.looks.newest(document.uri)
        try:
            if seen is None or seen.task is None:
                raise OutOfDate
            offer = find_offer(seen, Wanted.of(wanted))
        except OutOfDate:
            raise JsonRpcContentModified("the file changed since") from None
        return applied_diff(seen.task.path, offer.change)

    @server.command("dockopt.page")
    def read_page(*arguments: Any) -> str:
        """Returns the page of a transform."""
        return page(_transform(_first(arguments)))

    @server.command("dockopt.openPage")
    async def open_page(*arguments: Any) -> bool:
        """Has the client show the page of a transform; returns whether it did."""
        uri = page_uri(_transform(_first(arguments)).id)
        if uri is None or not server.client.shows_documents:
            return False
        params = types.ShowDocumentParams(uri, take_focus=True)
        return (await server.window_show_document_async(params)).success

    @server.command("dockopt.verify")
    async def verify(*arguments: Any) -> dict[str, object]:
        """Builds a saved file and its rewrite, in a workspace that is trusted."""
        document = server.wanted_document(_first(arguments).get("uri"))
        if not server.settings.trusted:
            raise JsonRpcInvalidRequest(
                "the workspace is not trusted, so nothing of it is built: the setting "
                "`dockopt.trusted` says that it is"
            )
        path = document.path
        if path is None or _saved(path) != document.text.value:
            raise JsonRpcInvalidRequest("save the file first: builds take it from disk")
        judged = await _judged(server, path)
        return {"code": judged.code, "report": judged.report, "said": list(judged.said)}


async def _judged(server: Server, path: Path) -> Judged:
    """Runs the judge with progress, which the client may cancel. Raises a JSON-RPC error then."""
    progress, token = server.work_done_progress, str(uuid.uuid4())
    if not server.client.shows_progress:
        return await server.judging.verify(path, path.parent, lambda line: None)
    await progress.create_async(token)
    title = f"dockopt: verify {path.name}"
    progress.begin(token, types.WorkDoneProgressBegin(title, cancellable=True))

    def say(line: str) -> None:
        progress.report(token, types.WorkDoneProgressReport(message=line))

    run = asyncio.ensure_future(server.judging.verify(path, path.parent, say))
    cancelled = asyncio.wrap_future(progress.tokens[token])
    try:
        await asyncio.wait((run, cancelled), return_when=asyncio.FIRST_COMPLETED)
        if not run.done():
            raise JsonRpcRequestCancelled("the user has cancelled it")
        return run.result()
    finally:
        run.cancel()
        await asyncio.wait((run,))
        progress.end(token, types.WorkDoneProgressEnd())
        progress.tokens.pop(token, None)


def _saved(path: Path) -> str | None:
    try:
        return path.read_bytes().decode("utf-8", "surrogateescape")
    except OSError:
        return None


def _first(arguments: Sequence[object]) -> Mapping[str, object]:
    """Returns the argument of a command, which is one object."""
    found = arguments[0] if arguments else None
    return found if isinstance(found, Mapping) else {}


def _transform(wanted: Mapping[str, object]) -> Transform:
    """Returns the transform that a command's argument names. Raises a JSON-RPC error."""
    topic = wanted.get("transform")
    found = next((each for each in transforms() if each.id == topic), None)
    if found is None:
        raise JsonRpcInvalidParams("`transform` in the first argument is none")
    return found
