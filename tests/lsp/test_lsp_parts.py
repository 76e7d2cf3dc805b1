"""Small parts of the server: settings, what the client can do, whether git has moved."""

from __future__ import annotations

import asyncio
import subprocess
from pathlib import Path
from typing import Any

import pytest
from lsprotocol import types

from optimizer.surfaces.lsp.client import Client
from optimizer.surfaces.lsp.documents import path_of
from optimizer.surfaces.lsp.git_head import head_stamp
from optimizer.surfaces.lsp.server import make_server
from optimizer.surfaces.lsp.settings import Settings


@pytest.mark.parametrize(
    ("values", "settings"),
    [
        (None, Settings()),
        ({"trusted": True, "history": 7}, Settings(True, 7)),
        ({"trusted": "yes", "history": "many", "other": 1}, Settings()),
        ({"trusted": 1, "history": True}, Settings()),
        ({"history": -5}, Settings(history=0)),
        ({"history": 10**12}, Settings(history=100_000)),
    ],
)
def test_settings_that_make_no_sense_are_left_out(values: object, settings: Settings) -> None:
    assert Settings().with_values(values) == settings


class Nowhere:
    """Takes what the server writes."""

    def write(self, data: bytes) -> None: ...

    def close(self) -> None: ...


@pytest.mark.asyncio
async def test_messages_leave_nothing_behind() -> None:
    server = make_server(lambda code: None)
    server.protocol.set_writer(Nowhere())
    document = {"uri": "untitled:1", "version": 1}
    item = {**document, "languageId": "dockerfile", "text": "FROM a\n"}
    messages: list[dict[str, Any]] = [
        {"id": 1, "method": "initialize", "params": {"processId": None, "rootUri": None,
                                                     "capabilities": {}}},
        {"method": "initialized", "params": {}},
        {"method": "textDocument/didOpen", "params": {"textDocument": item}},
        {"method": "textDocument/didChange",
         "params": {"textDocument": document, "contentChanges": [{"text": "FROM b\n"}]}},
        {"method": "workspace/didChangeWatchedFiles", "params": {"changes": []}},
        {"id": 2, "method": "textDocument/codeLens", "params": {"textDocument": document}},
        {"method": "textDocument/didClose", "params": {"textDocument": document}},
    ]  # fmt: skip
    for message in messages:
        message["jsonrpc"] = "2.0"
        server.protocol.handle_message(server.protocol.structure_message(message))
    others = asyncio.all_tasks() - {asyncio.current_task()}
    await asyncio.gather(*others)
    await asyncio.sleep(0)
    assert server.protocol._request_futures == {}


def test_a_client_that_says_nothing_can_do_nothing() -> None:
    assert Client.of(types.ClientCapabilities()) == Client()


def test_a_client_that_makes_files_takes_versions() -> None:
    edit = types.WorkspaceEditClientCapabilities(
        resource_operations=[types.ResourceOperationKind.Create]
    )
    said = types.ClientCapabilities(
        workspace=types.WorkspaceClientCapabilities(workspace_edit=edit)
    )
    assert Client.of(said) == Client(versioned_edits=True, creates_files=True)


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        ("file:///a/Docker%20file", Path("/a/Docker file")),
        ("untitled:Untitled-1", None),
        ("file:///a%00b", None),
        ("http://example.org/Dockerfile", None),
        ("", None),
    ],
)
def test_a_uri_leads_to_a_file_or_nowhere(uri: str, path: Path | None) -> None:
    assert path_of(uri) == path


def git(folder: Path, *words: str) -> None:
    who = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    subprocess.run(["git", *who, *words], cwd=folder, check=True, capture_output=True)


def test_a_stamp_is_another_one_after_commits_and_checkouts(tmp_path: Path) -> None:
    assert head_stamp(tmp_path) is None
    git(tmp_path, "init", "-q")
    stamps = [head_stamp(tmp_path)]
    for words in (
        ("commit", "-q", "--allow-empty", "-m", "one"),
        ("commit", "-q", "--allow-empty", "-m", "two"),
        ("checkout", "-q", "-b", "other"),
        ("reset", "-q", "--hard", "HEAD~1"),
    ):
        git(tmp_path, *words)
        stamps.append(head_stamp(tmp_path))
    assert len(set(stamps)) == len(stamps)
    assert head_stamp(tmp_path) == stamps[-1]


def test_a_linked_work_tree_has_a_stamp_of_its_own(tmp_path: Path) -> None:
    main, linked = tmp_path / "main", tmp_path / "linked"
    main.mkdir()
    git(main, "init", "-q")
    git(main, "commit", "-q", "--allow-empty", "-m", "one")
    git(main, "worktree", "add", "-q", str(linked))
    before = head_stamp(main), head_stamp(linked)
    git(linked, "commit", "-q", "--allow-empty", "-m", "two")
    assert head_stamp(main) == before[0]
    assert head_stamp(linked) != before[1]


def test_a_file_in_place_of_a_repository_is_none(tmp_path: Path) -> None:
    (tmp_path / ".git").write_bytes(b"\xff\x00" * 9000)
    assert head_stamp(tmp_path) is None
