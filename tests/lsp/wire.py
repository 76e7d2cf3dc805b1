"""A client that speaks the protocol in bytes: it can send what no library would."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
WAIT = 180.0
"""Seconds after which an answer counts as missing, on however busy a machine."""

COMMAND = (sys.executable, "-m", "optimizer", "lsp")

PUSHED: Mapping[str, Any] = {
    "workspace": {
        "workspaceEdit": {
            "documentChanges": True,
            "resourceOperations": ["create"],
            "changeAnnotationSupport": {},
        }
    },
    "textDocument": {
        "codeAction": {"dataSupport": True, "resolveSupport": {"properties": ["edit"]}},
        "hover": {"contentFormat": ["markdown"]},
    },
    "window": {"workDoneProgress": True, "showDocument": {"support": True}},
}
"""The capabilities of a client that can do everything and waits for diagnostics."""

PULLING: Mapping[str, Any] = {
    **PUSHED,
    "textDocument": {**PUSHED["textDocument"], "diagnostic": {}},
}


@dataclass
class Wire:
    """One server process and what it says. Use it in a ``with``."""

    folder: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    command: Sequence[str] = COMMAND
    messages: list[dict[str, Any]] = field(default_factory=list)
    """What came and nobody has taken yet."""
    _queue: SimpleQueue[dict[str, Any] | None] = field(default_factory=SimpleQueue)
    _number: int = 0

    def __enter__(self) -> Wire:
        self.process = subprocess.Popen(
            self.command,
            cwd=self.folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, **self.environment},
        )
        threading.Thread(target=self._read, daemon=True).start()
        self._errors: list[bytes] = []
        threading.Thread(target=self._read_errors, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.process.kill()
        self.process.wait(WAIT)

    @property
    def errors(self) -> str:
        return b"".join(self._errors).decode("utf-8", "replace")

    def initialize(self, capabilities: Mapping[str, Any] = PUSHED, **more: Any) -> dict[str, Any]:
        """Says hello as a client would and returns what the server can do."""
        said = {"processId": None, "rootUri": None, "capabilities": capabilities, **more}
        result: dict[str, Any] = self.ask("initialize", said)
        self.notify("initialized", {})
        return result

    def open(self, path: Path | str, text: str, language: str = "dockerfile") -> str:
        uri = path if isinstance(path, str) else path.as_uri()
        item = {"uri": uri, "languageId": language, "version": 1, "text": text}
        self.notify("textDocument/didOpen", {"textDocument": item})
        return uri

    def change(self, uri: str, version: int, *changes: Mapping[str, Any]) -> None:
        document = {"uri": uri, "version": version}
        self.notify(
            "textDocument/didChange", {"textDocument": document, "contentChanges": [*changes]}
        )

    def diagnostics(self, uri: str, version: int) -> list[dict[str, Any]]:
        """Waits for the diagnostics that are pushed for a version of a document."""

        def fits(message: dict[str, Any]) -> bool:
            params = message.get("params", {})
            is_push = message.get("method") == "textDocument/publishDiagnostics"
            return is_push and (params["uri"], params.get("version")) == (uri, version)

        found: list[dict[str, Any]] = self.take(fits)["params"]["diagnostics"]
        return found

    def ask(self, method: str, params: object) -> Any:
        """Returns the result of a request; an error is an assertion."""
        answer = self.answer(self.request(method, params))
        assert "error" not in answer, answer
        return answer["result"]

    def request(self, method: str, params: object) -> int:
        """Sends a request and returns its number."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": params}
        self.send({"jsonrpc": "2.0", **message})
        return self._number

    def answer(self, number: int) -> dict[str, Any]:
        return self.take(lambda message: message.get("id") == number and "method" not in message)

    def notify(self, method: str, params: object) -> None:
        self.send({"jsonrpc": "2.0", "method": method, "params": params})

    def send(self, message: object) -> None:
        body = json.dumps(message).encode()
        self.send_bytes(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))

    def send_bytes(self, data: bytes) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def take(self, fits: Any, seconds: float = WAIT) -> dict[str, Any]:
        """Returns the first message that ``fits``, and keeps those before it."""
        for index, message in enumerate(self.messages):
            if fits(message):
                return self.messages.pop(index)
        while True:
            try:
                found = self._queue.get(timeout=seconds)
            except Empty:
                found = None
            assert found is not None, f"no such message; the server said:\n{self.errors}"
            if fits(found):
                return found
            self.messages.append(found)

    def _read(self) -> None:
        assert self.process.stdout is not None
        while header := self.process.stdout.readline():
            if header.lower().startswith(b"content-length:"):
                length = int(header.partition(b":")[2])
                while self.process.stdout.readline().strip():
                    pass
                self._queue.put(json.loads(self.process.stdout.read(length)))
        self._queue.put(None)

    def _read_errors(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self._errors.append(line)
