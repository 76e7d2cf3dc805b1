"""The server over the wire, with the capabilities that real editors announce."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_lsp
from lsprotocol import types
from lsprotocol.converters import get_converter
from pytest_lsp import ClientServerConfig, LanguageClient, client_capabilities

from tests.lsp.apply import CODECS, edited, edits_of
from tests.lsp.wire import COMMAND, WAIT

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"
SHOP = FIXTURES / "examples" / "shop"
NPM = FIXTURES / "cases" / "copy-manifests-first" / "npm-ci-below-copy-everything"
EDITORS = ("visual_studio_code", "neovim", "neovim@0.7", "emacs")


@pytest_lsp.fixture(config=ClientServerConfig(server_command=[*COMMAND]))  # type: ignore[untyped-decorator]
async def client(lsp_client: LanguageClient) -> AsyncIterator[None]:
    yield
    await lsp_client.shutdown_session()


async def begin(client: LanguageClient, said: types.ClientCapabilities) -> types.InitializeResult:
    # pytest-lsp has no answer to it; what is watched is a matter of the client.
    if types.CLIENT_REGISTER_CAPABILITY not in client.protocol.fm.features:
        client.feature(types.CLIENT_REGISTER_CAPABILITY)(lambda params: None)
    params = types.InitializeParams(capabilities=said, workspace_folders=[])
    return await client.initialize_session(params)


def opened(client: LanguageClient, path: Path, text: str, version: int = 1) -> str:
    item = types.TextDocumentItem(path.as_uri(), "dockerfile", version, text)
    client.text_document_did_open(types.DidOpenTextDocumentParams(item))
    return path.as_uri()


async def diagnostics(
    client: LanguageClient, uri: str, said: types.ClientCapabilities
) -> list[types.Diagnostic]:
    """Returns the diagnostics as the client gets them: asked for, or sent."""
    if said.text_document is not None and said.text_document.diagnostic is not None:
        params = types.DocumentDiagnosticParams(types.TextDocumentIdentifier(uri))
        report = await client.text_document_diagnostic_async(params)
        assert isinstance(report, types.RelatedFullDocumentDiagnosticReport)
        assert uri not in client.diagnostics, "they were sent as well"
        return [*report.items]
    while uri not in client.diagnostics:
        waiting = client.wait_for_notification(types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)
        await asyncio.wait_for(waiting, WAIT)
    return [*client.diagnostics[uri]]


async def actions(
    client: LanguageClient, uri: str, where: types.Range, only: list[str] | None = None
) -> list[types.CodeAction]:
    context = types.CodeActionContext([], only)
    params = types.CodeActionParams(types.TextDocumentIdentifier(uri), where, context)
    found = await client.text_document_code_action_async(params)
    return [each for each in found or () if isinstance(each, types.CodeAction)]


async def edit_of(client: LanguageClient, action: types.CodeAction) -> Any:
    if action.edit is None:
        action = await client.code_action_resolve_async(action)
    return json.loads(json.dumps(get_converter().unstructure(action.edit)))


@pytest.fixture
def npm(tmp_path: Path) -> Path:
    return Path(shutil.copytree(NPM / "before", tmp_path / "npm")) / "Dockerfile"


@pytest.mark.parametrize("editor", EDITORS)
@pytest.mark.asyncio
async def test_an_editor_applies_a_quick_fix(
    client: LanguageClient, npm: Path, editor: str
) -> None:
    said = client_capabilities(editor)
    await begin(client, said)
    text = npm.read_text()
    uri = opened(client, npm, text)
    found, *_ = await diagnostics(client, uri, said)
    assert found.code == "copy-manifests-first"
    assert found.code_description is not None
    assert found.code_description.href.endswith("/transforms/copy_manifests_first.py")
    fix, *_ = await actions(client, uri, found.range)
    after = edited(text, edits_of(await edit_of(client, fix), uri))
    assert after == (NPM / "after" / "Dockerfile").read_text()


@pytest.mark.parametrize("encoding", [*CODECS])
@pytest.mark.asyncio
async def test_places_are_in_the_encoding_that_the_client_asks_for(
    client: LanguageClient, npm: Path, encoding: str
) -> None:
    said = client_capabilities("visual_studio_code")
    said.general = types.GeneralClientCapabilities(position_encodings=[encoding])
    result = await begin(client, said)
    assert str(result.capabilities.position_encoding) == encoding
    text = npm.read_text().replace("COPY . .", "COPY . . # 😀é").replace("\n", "\r\n")
    uri = opened(client, npm, text)
    before = await diagnostics(client, uri, said)
    # Typed behind characters of several code units: the comment, then something to look at.
    line = text.split("\r\n").index("COPY . . # 😀é")
    codec, size = CODECS[encoding]
    column = len("COPY . . # 😀é".encode(codec)) // size
    where = types.Range(types.Position(line, column - 2), types.Position(line, column))
    assert before
    client.diagnostics.clear()
    change = types.TextDocumentContentChangePartial(where, "")
    identifier = types.VersionedTextDocumentIdentifier(2, uri)
    client.text_document_did_change(types.DidChangeTextDocumentParams(identifier, [change]))
    await diagnostics(client, uri, said)


@pytest.mark.asyncio
async def test_the_edit_of_a_fix_names_the_version_and_is_refused_for_another(
    client: LanguageClient, npm: Path
) -> None:
    said = client_capabilities("visual_studio_code")
    await begin(client, said)
    uri = opened(client, npm, npm.read_text(), version=7)
    found, *_ = await diagnostics(client, uri, said)
    fix, *_ = await actions(client, uri, found.range)
    assert fix.edit is None
    made = await edit_of(client, fix)
    assert made["documentChanges"][0]["textDocument"]["version"] == 7
    identifier = types.VersionedTextDocumentIdentifier(8, uri)
    typed = types.TextDocumentContentChangeWholeDocument("# new\n" + npm.read_text())
    client.text_document_did_change(types.DidChangeTextDocumentParams(identifier, [typed]))
    with pytest.raises(Exception, match="the file changed since"):
        await client.code_action_resolve_async(fix)


@pytest.mark.asyncio
async def test_everything_at_once_is_what_the_command_makes(
    client: LanguageClient, npm: Path
) -> None:
    said = client_capabilities("visual_studio_code")
    await begin(client, said)
    text = npm.read_text()
    uri = opened(client, npm, text)
    nowhere = types.Range(types.Position(0, 0), types.Position(0, 0))
    (fix_all,) = await actions(client, uri, nowhere, ["source.fixAll"])
    assert fix_all.kind == "source.fixAll.dockopt"
    after = edited(text, edits_of(await edit_of(client, fix_all), uri))
    command = [sys.executable, "-m", "optimizer", "fix", "--format", "json", str(npm)]
    done = subprocess.run(command, cwd=npm.parent, capture_output=True, check=True)
    (file,) = json.loads(done.stdout)["files"]
    assert len(file["applied"]) > 1
    assert after == file["after"]
    assert await actions(client, uri, nowhere, ["refactor"]) == []
