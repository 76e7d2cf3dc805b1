"""The process: what clients may do to it, and when it ends."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from optimizer.surfaces.lsp.analyst import LARGEST
from tests.lsp.apply import edited, edits_of
from tests.lsp.test_lsp_wire import NPM
from tests.lsp.wire import COMMAND, PULLING, PUSHED, ROOT, WAIT, Wire

INFORMATION = 3
TEXT = (NPM / "before" / "Dockerfile").read_text()
FIXED = (NPM / "after" / "Dockerfile").read_text()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(NPM / "before", tmp_path / "app"))


@pytest.fixture
def wire(folder: Path) -> Iterator[Wire]:
    with Wire(folder) as wire:
        yield wire


def codes(found: list[dict[str, Any]]) -> list[str]:
    return [each["code"] for each in found]


def offered(found: list[dict[str, Any]]) -> list[str]:
    """Returns the transforms whose changes are offered."""
    return [each["code"] for each in found if each["severity"] == INFORMATION]


def actions(wire: Wire, uri: str, line: int) -> list[dict[str, Any]]:
    where = {"start": {"line": line, "character": 0}, "end": {"line": line, "character": 0}}
    params = {"textDocument": {"uri": uri}, "range": where, "context": {"diagnostics": []}}
    found: list[dict[str, Any]] = wire.ask("textDocument/codeAction", params)
    return found


def command(name: str, **values: object) -> dict[str, object]:
    return {"command": f"dockopt.{name}", "arguments": [values]}


def gone(process: int) -> bool:
    """Waits for a process to end, which may be nobody's child any more."""
    for _ in range(int(WAIT * 10)):
        try:
            os.kill(process, 0)
            status = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
        except (OSError, IndexError):
            return True
        if status == "Z":
            return True
        time.sleep(0.1)
    return False


# Buffers


def test_every_text_on_the_way_to_a_file_is_answered(wire: Wire, folder: Path) -> None:
    wire.initialize()
    uri = wire.open(folder / "Dockerfile", "")
    place = {"line": 0, "character": 0}
    for version, character in enumerate(TEXT, 2):
        change = {"range": {"start": place, "end": place}, "text": character}
        wire.change(uri, version, change)
        line, column = place["line"], place["character"]
        place = (
            {"line": line + 1, "character": 0}
            if character == "\n"
            else {"line": line, "character": column + 1}
        )
    found = wire.diagnostics(uri, len(TEXT) + 1)
    assert "copy-manifests-first" in offered(found)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        pytest.param("", "syntax", id="empty"),
        pytest.param("def f():\n    return 1\n" * 50, "syntax", id="a program"),
        pytest.param("FROM a\nRUN b\0c\n", "not-looked-at", id="binary"),
        pytest.param("FROM a\nRUN \\\n", "syntax", id="half typed"),
        pytest.param("FROM a\n" + "RUN true\n" * (5 << 17), "not-looked-at", id="5 MB"),
        pytest.param("FROM a\n" + "RUN b\n" * 600, "not-looked-at", id="too many steps"),
    ],
)
def test_what_is_no_dockerfile_gets_a_word_and_no_fix(
    wire: Wire, folder: Path, text: str, code: str
) -> None:
    wire.initialize()
    uri = wire.open(folder / "Dockerfile", text)
    found = wire.diagnostics(uri, 1)
    assert code in codes(found) or not found
    assert len(found) <= 11
    assert actions(wire, uri, 1) == []
    wire.change(uri, 2, {"text": TEXT})
    assert "copy-manifests-first" in offered(wire.diagnostics(uri, 2))


def test_the_largest_text_that_is_looked_at_gets_an_answer(wire: Wire, folder: Path) -> None:
    wire.initialize()
    line = "# " + "😀" * 10_000 + "\n"
    text = TEXT + line * ((LARGEST - len(TEXT)) // len(line))
    uri = wire.open(folder / "Dockerfile", text)
    assert "copy-manifests-first" in offered(wire.diagnostics(uri, 1))


def test_line_ends_and_characters_of_several_units_stay_as_they_are(
    wire: Wire, folder: Path
) -> None:
    wire.initialize()
    text = TEXT.replace("WORKDIR", "# é😀\u2028\x0b\x0c\x85\nWORKDIR").replace("\n", "\r\n")
    uri = wire.open(folder / "Dockerfile", "\r\n")
    first = {"line": 0, "character": 0}
    wire.change(
        uri, 2, {"range": {"start": first, "end": {"line": 1, "character": 0}}, "text": text}
    )
    found, *_ = wire.diagnostics(uri, 2)
    fix, *_ = actions(wire, uri, found["range"]["start"]["line"])
    made = wire.ask("codeAction/resolve", fix)["edit"]
    wanted = FIXED.replace("WORKDIR", "# é😀\u2028\x0b\x0c\x85\nWORKDIR").replace("\n", "\r\n")
    assert edited(text, edits_of(made, uri)) == wanted


def test_text_that_is_no_unicode_is_answered(wire: Wire, folder: Path) -> None:
    wire.initialize()
    uri = wire.open(folder / "Dockerfile", TEXT + "# \ud800\n")
    assert "copy-manifests-first" in offered(wire.diagnostics(uri, 1))
    lens, *_ = wire.ask("textDocument/codeLens", {"textDocument": {"uri": uri}})
    assert lens["command"]["command"] == ""


def test_a_document_that_lies_nowhere_is_read_and_not_judged(wire: Wire) -> None:
    wire.initialize()
    uri = wire.open("untitled:Untitled-1", TEXT)
    assert wire.diagnostics(uri, 1) == []
    wire.change(uri, 2, {"text": "FORM a\n"})
    assert codes(wire.diagnostics(uri, 2)) == ["syntax"]


@pytest.mark.parametrize("name", ["%00", "a" * 5000, "a%0Ab", "%ff", "..%2F..%2Fetc%2Fpasswd"])
def test_a_document_with_an_odd_name_is_answered(wire: Wire, folder: Path, name: str) -> None:
    wire.initialize()
    uri = wire.open(f"{folder.as_uri()}/{name}", TEXT)
    wire.diagnostics(uri, 1)
    assert wire.ask("textDocument/hover", {"textDocument": {"uri": uri}, "position": {
        "line": 99, "character": 99}}) is None  # fmt: skip


def test_what_is_no_dockerfile_by_name_and_language_is_left_alone(wire: Wire, folder: Path) -> None:
    wire.initialize(PULLING)
    uri = wire.open(folder / "index.js", TEXT, "javascript")
    asked = {"textDocument": {"uri": uri}}
    assert wire.ask("textDocument/diagnostic", asked)["items"] == []
    assert wire.ask("textDocument/codeLens", asked) == []


# What lies around a document


def test_two_folders_are_read_each_with_its_own_context(wire: Wire, tmp_path: Path) -> None:
    wire.initialize()
    other = tmp_path / "empty"
    other.mkdir()
    full = wire.open(tmp_path / "app" / "Dockerfile", TEXT)
    empty = wire.open(other / "Dockerfile", TEXT)
    assert "copy-manifests-first" in offered(wire.diagnostics(full, 1))
    assert "copy-manifests-first" not in offered(wire.diagnostics(empty, 1))


def test_a_file_may_be_deleted_under_the_server(wire: Wire, folder: Path) -> None:
    wire.initialize()
    uri = wire.open(folder / "Dockerfile", TEXT)
    found, *_ = wire.diagnostics(uri, 1)
    fix, *_ = actions(wire, uri, found["range"]["start"]["line"])
    shutil.rmtree(folder)
    assert edited(TEXT, edits_of(wire.ask("codeAction/resolve", fix)["edit"], uri)) == FIXED
    wire.notify("textDocument/didSave", {"textDocument": {"uri": uri}})
    wire.change(uri, 2, {"text": "# typed on\n" + TEXT})
    assert "copy-manifests-first" not in offered(wire.diagnostics(uri, 2))


def test_a_change_beside_the_document_is_looked_at_when_the_client_tells(
    wire: Wire, folder: Path
) -> None:
    watching = {"didChangeWatchedFiles": {"dynamicRegistration": True}}
    wire.initialize({**PUSHED, "workspace": {**PUSHED["workspace"], **watching}})
    asked = wire.take(lambda message: message.get("method") == "client/registerCapability")
    (registration,) = asked["params"]["registrations"]
    assert registration["method"] == "workspace/didChangeWatchedFiles"
    wire.send({"jsonrpc": "2.0", "id": asked["id"], "result": None})
    uri = wire.open(folder / "Dockerfile", TEXT)
    assert "copy-manifests-first" in offered(wire.diagnostics(uri, 1))
    lockfile = folder / "package-lock.json"
    lockfile.unlink()
    event = {"uri": lockfile.as_uri(), "type": 3}
    wire.notify("workspace/didChangeWatchedFiles", {"changes": [event]})
    assert "copy-manifests-first" not in offered(wire.diagnostics(uri, 1))


def test_a_change_beside_the_document_is_looked_at_after_saving(wire: Wire, folder: Path) -> None:
    wire.initialize()
    uri = wire.open(folder / "Dockerfile", TEXT)
    assert "copy-manifests-first" in offered(wire.diagnostics(uri, 1))
    (folder / "package-lock.json").unlink()
    wire.notify("textDocument/didSave", {"textDocument": {"uri": uri}})
    assert "copy-manifests-first" not in offered(wire.diagnostics(uri, 1))


def test_an_ignore_file_counts_as_it_is_typed(wire: Wire, folder: Path) -> None:
    wire.initialize()
    uri = wire.open(folder / "Dockerfile", TEXT)
    assert "copy-manifests-first" in offered(wire.diagnostics(uri, 1))
    ignore = wire.open(folder / ".dockerignore", "package-lock.json\n", "ignore")
    assert "copy-manifests-first" not in offered(wire.diagnostics(uri, 1))
    wire.notify("textDocument/didClose", {"textDocument": {"uri": ignore}})
    assert "copy-manifests-first" in offered(wire.diagnostics(uri, 1))


def test_a_new_commit_counts(wire: Wire, folder: Path) -> None:
    def git(*words: str) -> None:
        who = ("-c", "user.name=a", "-c", "user.email=a@example.org")
        subprocess.run(["git", *who, *words], cwd=folder, check=True, capture_output=True)

    def first_lens() -> str:
        asked = {"textDocument": {"uri": uri}}
        return str(wire.ask("textDocument/codeLens", asked)[-1]["command"]["title"])

    git("init", "-q")
    git("add", "-A")
    for number in range(25):
        (folder / "news.txt").write_text(str(number))
        git("add", "-A")
        git("commit", "-qm", "news")
    wire.initialize()
    uri = wire.open(folder / "Dockerfile", TEXT)
    assert "of 25 commits" in first_lens()
    (folder / "news.txt").write_text("more")
    git("commit", "-qam", "news")
    wire.change(uri, 2, {"text": "# typed on\n" + TEXT})
    assert "of 26 commits" in first_lens()


def test_a_configuration_that_is_wrong_is_said(wire: Wire, folder: Path) -> None:
    (folder / "dockopt.toml").write_text("\nsafety = 'none'\n")
    wire.initialize()
    uri = wire.open(folder / "Dockerfile", TEXT)
    found, *_ = wire.diagnostics(uri, 1)
    assert found["code"] == "not-looked-at"
    assert "dockopt.toml:2: safety has to be one of" in found["message"]


# Files that a change makes or edits


@pytest.mark.parametrize(
    "reason", ["host-node-modules-not-ignored", "bun-install-below-copy-everything"]
)
def test_a_fix_makes_the_ignore_file_or_adds_to_it(wire: Wire, tmp_path: Path, reason: str) -> None:
    case = NPM.with_name(reason)
    folder = Path(shutil.copytree(case / "before", tmp_path / "case"))
    text = (folder / "Dockerfile").read_text()
    wire.initialize()
    uri = wire.open(folder / "Dockerfile", text)
    found = wire.diagnostics(uri, 1)
    place = next(each for each in found if each["code"] == "copy-manifests-first")
    fix, *_ = actions(wire, uri, place["range"]["start"]["line"])
    edit = wire.ask("codeAction/resolve", fix)["edit"]
    ignore = folder / ".dockerignore"
    old = ignore.read_text() if ignore.exists() else ""
    creates = [each for each in edit["documentChanges"] if each.get("kind") == "create"]
    assert bool(creates) == (not ignore.exists())
    after = case / "after"
    assert edited(old, edits_of(edit, ignore.as_uri())) == (after / ".dockerignore").read_text()
    assert edited(text, edits_of(edit, uri)) == (after / "Dockerfile").read_text()
    # What somebody else wrote meanwhile is not written over.
    ignore.write_text(f"{old}# mine\n")
    assert "error" in wire.answer(wire.request("codeAction/resolve", fix))


def fix_of(wire: Wire, uri: str, transform: str) -> dict[str, Any]:
    """Returns the first quick fix of a transform, wherever it stands."""
    where = {"start": {"line": 0, "character": 0}, "end": {"line": 1 << 20, "character": 0}}
    params = {"textDocument": {"uri": uri}, "range": where, "context": {"diagnostics": []}}
    kind = f"quickfix.dockopt.{transform}"
    found = wire.ask("textDocument/codeAction", params)
    return next(each for each in found if each["kind"] == kind)


@pytest.mark.parametrize("saved", [True, False], ids=["on disk", "never saved"])
def test_a_fix_edits_the_ignore_file_as_it_is_typed(
    wire: Wire, tmp_path: Path, saved: bool
) -> None:
    case = ROOT / "fixtures" / "cases" / "ignore-noise" / "lines-of-the-author-stay"
    folder = Path(shutil.copytree(case / "before", tmp_path / "noise"))
    path = folder / ".dockerignore"
    typed = "# typed \U0001f600, not saved\r\n"
    if not saved:
        path.unlink()
    wire.initialize()
    ignore = wire.open(path, typed, "ignore")
    uri = wire.open(folder / "Dockerfile", (folder / "Dockerfile").read_text())
    wire.diagnostics(uri, 1)
    fix = fix_of(wire, uri, "ignore-noise")
    edit = wire.ask("codeAction/resolve", fix)["edit"]
    (change,) = edit["documentChanges"]
    assert change["textDocument"] == {"uri": ignore, "version": 1}
    after = edited(typed, edits_of(edit, ignore))
    assert after.startswith(typed)
    assert ".idea" in after
    wire.change(ignore, 2, {"text": "# typed on\n"})
    edit = wire.ask("codeAction/resolve", fix)["edit"]
    assert edit["documentChanges"][0]["textDocument"]["version"] == 2
    assert edited("# typed on\n", edits_of(edit, ignore)).startswith("# typed on\n")


def test_a_client_that_makes_no_files_is_offered_none(wire: Wire, tmp_path: Path) -> None:
    case = ROOT / "fixtures" / "cases" / "ignore-noise" / "editor-files-and-caches"
    folder = Path(shutil.copytree(case / "before", tmp_path / "noise"))
    edits = {"workspaceEdit": {"documentChanges": True}}
    wire.initialize({**PUSHED, "workspace": edits})
    uri = wire.open(folder / "Dockerfile", (folder / "Dockerfile").read_text())
    assert "ignore-noise" in offered(wire.diagnostics(uri, 1))
    kinds = [each["kind"] for line in range(4) for each in actions(wire, uri, line)]
    assert not [each for each in kinds if each.endswith("ignore-noise")]
    fix_all = {"title": "all", "data": {"uri": uri, "version": 1, "transform": "", "title": "",
                                        "at": 0}}  # fmt: skip
    said = wire.answer(wire.request("codeAction/resolve", fix_all))["error"]["message"]
    assert "makes a file" in said


def test_what_is_only_advice_is_shown_without_a_fix(wire: Wire, tmp_path: Path) -> None:
    case = ROOT / "fixtures" / "cases" / "drop-unreachable-stage" / "two-stages-of-no-use"
    folder = Path(shutil.copytree(case / "before", tmp_path / "stages"))
    wire.initialize()
    uri = wire.open(folder / "Dockerfile", (folder / "Dockerfile").read_text())
    found = wire.diagnostics(uri, 1)
    assert codes(found).count("may-be-a-target") == 2
    place = next(each for each in found if each["code"] == "may-be-a-target")
    titles = [each["title"] for each in actions(wire, uri, place["range"]["start"]["line"])]
    assert "Ignore drop-unreachable-stage here" in titles
    assert not [each for each in codes(found) if each == "drop-unreachable-stage"]


def test_what_promises_less_is_asked_about_first(wire: Wire, tmp_path: Path) -> None:
    case = ROOT / "fixtures" / "cases" / "swap-slim-base"
    for journal in sorted(case.glob("*/journal.txt")):
        if "changes-image" in journal.read_text() and (journal.parent / "after").is_dir():
            break
    folder = Path(shutil.copytree(journal.parent / "before", tmp_path / "slim"))
    wire.initialize()
    uri = wire.open(folder / "Dockerfile", (folder / "Dockerfile").read_text())
    found = wire.diagnostics(uri, 1)
    place = next(each for each in found if each["code"] == "swap-slim-base")
    fixes = actions(wire, uri, place["range"]["start"]["line"])
    fix = next(each for each in fixes if each["kind"].endswith("swap-slim-base"))
    assert fix["title"].endswith("(changes-image)")
    assert not fix.get("isPreferred")
    (asked,) = wire.ask("codeAction/resolve", fix)["edit"]["changeAnnotations"].values()
    assert asked["needsConfirmation"] is True
    fix_all = next(each for each in fixes if each["kind"] == "source.fixAll.dockopt")
    edit = wire.ask("codeAction/resolve", fix_all)["edit"]
    assert [each["needsConfirmation"] for each in edit["changeAnnotations"].values()] == [True]


# Garbage


GARBAGE = (
    b"\x00\xff" * 100 + b"\r\n",
    b"Content-Length: -1\r\n\r\n",
    b"Content-Length: nonsense\r\n\r\n",
    b"Content-Length: 2\r\n\r\n[]",
    b"Content-Length: 1\r\n\r\n5",
    b"Content-Length: 3\r\n\r\n{a}",
    b"Content-Length: 4\r\n\r\n\xff\xff\xff\xff",
    b"Content-Length: 40000\r\n\r\n" + b"[" * 40000,
)


def test_bytes_that_are_no_message_are_passed_over(wire: Wire, folder: Path) -> None:
    wire.initialize()
    for garbage in GARBAGE:
        wire.send_bytes(garbage)
    uri = wire.open(folder / "Dockerfile", TEXT)
    assert "copy-manifests-first" in offered(wire.diagnostics(uri, 1))


def test_messages_that_make_no_sense_are_answered_or_passed_over(wire: Wire, folder: Path) -> None:
    wire.initialize()
    uri = wire.open(folder / "Dockerfile", TEXT)
    wire.diagnostics(uri, 1)
    document = {"textDocument": {"uri": uri}}
    requests: tuple[tuple[str, Any], ...] = (
        ("textDocument/hover", {}),
        ("textDocument/hover", {**document, "position": {"line": -5, "character": 1 << 40}}),
        ("textDocument/codeAction", {**document, "range": 3}),
        ("codeAction/resolve", {"title": "x"}),
        ("codeAction/resolve", {"title": "x", "data": {"uri": uri, "version": "1", "at": None}}),
        ("workspace/executeCommand", {"command": "dockopt.patch", "arguments": [[]]}),
        ("workspace/executeCommand", {"command": "dockopt.page", "arguments": [{"transform": 1}]}),
        ("workspace/executeCommand", {"command": "rm -rf"}),
        ("no/such", {}),
        ("textDocument/diagnostic", {"textDocument": {"uri": 7}}),
    )
    for method, params in requests:
        assert wire.answer(wire.request(method, params))["jsonrpc"] == "2.0"
    notifications: tuple[tuple[str, Any], ...] = (
        ("textDocument/didChange", {"textDocument": {"uri": "file:///no", "version": 1},
                                    "contentChanges": [{"text": "x"}]}),
        ("textDocument/didChange", {"textDocument": {"uri": uri}}),
        ("textDocument/didClose", {"textDocument": {"uri": "file:///no"}}),
        ("textDocument/didOpen", {"textDocument": 5}),
        ("workspace/didChangeWatchedFiles", {"changes": [{"uri": "x:", "type": 9}]}),
        ("workspace/didChangeConfiguration", {"settings": {"dockopt": {"history": "many"}}}),
        ("workspace/didChangeConfiguration", {"settings": ["dockopt"]}),
        ("$/cancelRequest", {"id": 99}),
        ("$/cancelRequest", {}),
        ("window/workDoneProgress/cancel", {"token": "none"}),
        ("no/such", None),
    )  # fmt: skip
    for method, params in notifications:
        wire.notify(method, params)
    wild = {"start": {"line": 1 << 30, "character": 5}, "end": {"line": 0, "character": 1 << 30}}
    wire.change(uri, 2, {"range": wild, "text": "FROM x\n"})
    wire.change(uri, 3, {"text": TEXT})
    assert "copy-manifests-first" in offered(wire.diagnostics(uri, 3))


def test_a_request_that_is_cancelled_is_answered(wire: Wire, folder: Path) -> None:
    wire.initialize(PULLING)
    uri = wire.open(folder / "Dockerfile", TEXT)
    number = wire.request("textDocument/diagnostic", {"textDocument": {"uri": uri}})
    wire.notify("$/cancelRequest", {"id": number})
    wire.answer(number)
    found = wire.ask("textDocument/diagnostic", {"textDocument": {"uri": uri}})
    assert "copy-manifests-first" in offered(found["items"])
    again = {"textDocument": {"uri": uri}, "previousResultId": found["resultId"]}
    assert wire.ask("textDocument/diagnostic", again)["kind"] == "unchanged"


# Building


def docker(tmp_path: Path) -> dict[str, str]:
    """Puts a `docker` in front of all others that tells that it was called, and takes its time."""
    program = tmp_path / "bin" / "docker"
    program.parent.mkdir()
    program.write_text('#!/bin/sh\necho $$ >> "$CALLED"\nexec sleep 600\n')
    program.chmod(0o755)
    path = f"{program.parent}{os.pathsep}{os.environ['PATH']}"
    return {"PATH": path, "CALLED": str(tmp_path / "called")}


def test_nothing_is_built_unless_it_is_asked_for_and_trusted(folder: Path, tmp_path: Path) -> None:
    with Wire(folder, docker(tmp_path)) as wire:
        wire.initialize()
        uri = wire.open(folder / "Dockerfile", TEXT)
        found, *_ = wire.diagnostics(uri, 1)
        for action in actions(wire, uri, found["range"]["start"]["line"]):
            wire.ask("codeAction/resolve", action)
        wire.ask("workspace/executeCommand", command("patch", uri=uri))
        refused = wire.answer(wire.request("workspace/executeCommand", command("verify", uri=uri)))
        assert "not trusted" in refused["error"]["message"]
        settings = {"settings": {"dockopt": {"trusted": True}}}
        wire.notify("workspace/didChangeConfiguration", settings)
        wire.change(uri, 2, {"text": "# not saved\n" + TEXT})
        refused = wire.answer(wire.request("workspace/executeCommand", command("verify", uri=uri)))
        assert "save the file" in refused["error"]["message"]
        assert not (tmp_path / "called").exists()


@pytest.mark.parametrize("end", ["cancelled", "client gone"])
def test_a_verification_ends_with_who_asked_for_it(folder: Path, tmp_path: Path, end: str) -> None:
    with Wire(folder, docker(tmp_path)) as wire:
        wire.initialize(initializationOptions={"trusted": True})
        uri = wire.open(folder / "Dockerfile", TEXT)
        number = wire.request("workspace/executeCommand", command("verify", uri=uri))
        create = wire.take(lambda each: each.get("method") == "window/workDoneProgress/create")
        wire.send({"jsonrpc": "2.0", "id": create["id"], "result": None})
        begin = wire.take(lambda each: each.get("method") == "$/progress")
        assert begin["params"]["value"]["cancellable"] is True
        called = tmp_path / "called"
        while not called.exists() or not called.read_text().endswith("\n"):
            time.sleep(0.05)
        if end == "cancelled":
            token = {"token": begin["params"]["token"]}
            wire.notify("window/workDoneProgress/cancel", token)
            assert "cancelled" in wire.answer(number)["error"]["message"]
            uri = wire.open(folder / "Dockerfile", TEXT)
            assert "copy-manifests-first" in offered(wire.diagnostics(uri, 1))
        else:
            assert wire.process.stdin is not None
            wire.process.stdin.close()
        assert gone(int(called.read_text().split()[0]))


def test_a_verification_without_an_engine_says_so(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    with Wire(folder, {"PATH": str(tmp_path / "bin")}) as wire:
        wire.initialize({}, initializationOptions={"trusted": True})
        uri = wire.open(folder / "Dockerfile", TEXT)
        answer = wire.ask("workspace/executeCommand", command("verify", uri=uri))
        assert answer["code"] == 3
        assert any("docker" in line for line in answer["said"])


def test_modules_of_the_workspace_are_not_loaded(folder: Path) -> None:
    for name in ("optimizer", "yaml", "transforms", "lsprotocol", "json"):
        (folder / f"{name}.py").write_text("open('loaded', 'w')\n")
    (folder / "compose.yaml").write_text("services: {a: {build: .}}\n")
    program = Path(sys.executable).with_name("dockopt")
    process = subprocess.run(
        [program, "lsp"], cwd=folder, input=b"", capture_output=True, check=False
    )
    assert process.returncode == 1, process.stderr
    assert not (folder / "loaded").exists()


# The end


def test_it_ends_when_told_to_though_the_client_stays(wire: Wire) -> None:
    wire.initialize()
    assert wire.ask("shutdown", None) is None
    wire.notify("exit", None)
    assert wire.process.wait(WAIT) == 0


def test_it_ends_where_the_client_closes_its_end(wire: Wire, folder: Path) -> None:
    wire.initialize()
    wire.open(folder / "Dockerfile", "FROM a\n" + "RUN apt-get update && npm ci\n" * 5000)
    assert wire.process.stdin is not None
    wire.process.stdin.close()
    assert wire.process.wait(WAIT) == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_it_ends_on_a_signal(wire: Wire, number: signal.Signals) -> None:
    wire.initialize()
    wire.process.send_signal(number)
    assert wire.process.wait(WAIT) == 128 + number


CLIENT = """
import json, os, subprocess, sys, time
server = subprocess.Popen(sys.argv[1:], stdin=0, stdout=subprocess.DEVNULL)
print(server.pid, flush=True)
time.sleep(600)
"""


def test_it_ends_with_a_client_that_is_killed_though_its_streams_stay_open(tmp_path: Path) -> None:
    read, write = os.pipe()
    client = subprocess.Popen(
        [sys.executable, "-c", CLIENT, *COMMAND], cwd=ROOT, stdin=read, stdout=subprocess.PIPE
    )
    assert client.stdout is not None
    server = int(client.stdout.readline())
    said: dict[str, Any] = {"processId": client.pid, "rootUri": None, "capabilities": {}}
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": said})
    os.write(write, f"Content-Length: {len(body)}\r\n\r\n{body}".encode())
    client.kill()
    client.wait(WAIT)
    ended = gone(server)
    os.close(write)
    os.close(read)
    assert ended


# Memory


def test_memory_stays_flat_over_many_edits(folder: Path) -> None:
    command = (sys.executable, "-m", "tests.lsp.counted")
    with Wire(folder, {"PYTHONPATH": str(ROOT)}, command) as wire:
        wire.initialize()
        uri = wire.open(folder / "Dockerfile", TEXT)
        held: list[list[int]] = []
        version = 1
        for _ in range(4):
            for _ in range(100):
                version += 1
                wire.change(uri, version, {"text": f"# {version}\n{TEXT}# {version}\n"})
                wire.diagnostics(uri, version)
            wire.messages.clear()
            held.append(wire.ask("test/held", {}))
        # Less than one object in two edits: what is kept of each would be more.
        assert all(now - before < 100 for now, before in zip(held[-1], held[1], strict=True)), held
