"""A forge on this machine: it speaks the documented APIs of GitHub, GitLab and Gitea, and serves
its repositories over HTTP with git's own ``git http-backend``.

What the APIs answer is taken from docs.github.com/rest/pulls, docs.gitlab.com/api/merge_requests
and the description that Gitea serves of itself (templates/swagger/v1_json.tmpl).
"""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

TOKEN = "tok-3f9c1a7e55d2"

APIS = {"github": "/api/v3", "gitlab": "/api/v4", "gitea": "/api/v1"}


@dataclass
class Fault:
    """What goes wrong with the next request whose method and path fit. Without a ``status`` the
    connection is cut: after the request was carried out, where ``late``."""

    method: str
    path: str
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""
    late: bool = False


@dataclass
class Pull:
    number: int
    title: str
    body: str
    head: str
    base: str
    state: str = "open"
    draft: bool = False
    labels: list[Any] = field(default_factory=list)
    reviewers: list[Any] = field(default_factory=list)
    is_from_fork: bool = False


@dataclass(frozen=True)
class Exchange:
    """One request to the API that was answered."""

    method: str
    path: str
    query: frozenset[str]
    document: Any
    status: int
    answer: Any


@dataclass
class ForgeServer:
    """One forge with one repository. ``requests`` are those to its API, in order; ``exchanges``
    those that it answered itself."""

    repositories: Path
    kind: str = "github"
    page: int = 100
    pulls: list[Pull] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    requests: list[tuple[str, str]] = field(default_factory=list)
    exchanges: list[Exchange] = field(default_factory=list)
    labels: dict[str, int] = field(default_factory=lambda: {"docker": 7, "bot": 8})
    users: dict[str, int] = field(default_factory=lambda: {"ann": 41})
    owned: list[str] = field(default_factory=list)
    open_to_all: bool = False
    web: str = ""

    @property
    def api(self) -> str:
        return self.web + APIS[self.kind]

    @property
    def address(self) -> str:
        return f"{self.web}/team/shop.git"

    @property
    def bare(self) -> Path:
        return self.repositories / "team" / "shop.git"

    def open_pulls(self) -> list[Pull]:
        return [each for each in self.pulls if each.state == "open"]

    def writes(self) -> list[tuple[str, str]]:
        return [each for each in self.requests if each[0] != "GET"]

    def fault(self, method: str, path: str) -> Fault | None:
        for each in self.faults:
            if each.method == method and re.search(each.path, path):
                self.faults.remove(each)
                return each
        return None


@contextmanager
def forge_server(repositories: Path, kind: str = "github") -> Iterator[ForgeServer]:
    """Gives a forge that listens on this machine alone."""
    forge = ForgeServer(repositories, kind)

    class Handler(_Handler):
        server_forge = forge

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    forge.web = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield forge
    finally:
        server.shutdown()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_forge: ForgeServer

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Tests want no log."""

    def _any(self) -> None:
        body = self._body()
        if self.path.startswith("/api/"):
            self._api(body)
        else:
            self._git(body)

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _any  # noqa: N815

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "") == "chunked":
            parts = []
            while size := int(self.rfile.readline(), 16):
                parts.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(parts)
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _answer(self, status: int, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _cut(self) -> None:
        self.close_connection = True
        self.connection.close()

    # The API

    def _api(self, body: bytes) -> None:
        forge = self.server_forge
        parts = urlsplit(self.path)
        forge.requests.append((self.command, parts.path))
        fault = forge.fault(self.command, self.path)
        if fault is not None and fault.status is None and not fault.late:
            return self._cut()
        if fault is not None and fault.status is not None:
            return self._answer(fault.status, fault.body.encode(), fault.headers)
        if not self._is_known():
            return self._answer(401, b'{"message": "Bad credentials"}')
        query = dict(parse_qsl(parts.query))
        sent = json.loads(body or b"null")
        answer = _Api(forge, self.command, parts.path, query, sent).answer()
        name = parts.path.removeprefix(APIS[forge.kind])
        forge.exchanges.append(
            Exchange(self.command, name, frozenset(query), sent, answer[0], answer[1])
        )
        if fault is not None:
            return self._cut()
        status, document, links = answer
        headers = {"Content-Type": "application/json"} | ({"Link": links} if links else {})
        return self._answer(status, json.dumps(document).encode(), headers)

    def _is_known(self) -> bool:
        expected = {
            "github": ("Authorization", f"Bearer {TOKEN}"),
            "gitlab": ("PRIVATE-TOKEN", TOKEN),
            "gitea": ("Authorization", f"token {TOKEN}"),
        }
        name, value = expected[self.server_forge.kind]
        return self.headers.get(name) == value

    # git

    def _git(self, body: bytes) -> None:
        forge = self.server_forge
        login = self.headers.get("Authorization", "").removeprefix("Basic ")
        user, _, password = base64.b64decode(login).decode().partition(":")
        if not forge.open_to_all and (not user or password != TOKEN):
            return self._answer(401, b"", {"WWW-Authenticate": 'Basic realm="forge"'})
        parts = urlsplit(self.path)
        environment = {
            "PATH": os.environ["PATH"],
            "GIT_PROJECT_ROOT": str(forge.repositories),
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_NOSYSTEM": "1",
            "PATH_INFO": unquote(parts.path),
            "QUERY_STRING": parts.query,
            "REQUEST_METHOD": self.command,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "REMOTE_ADDR": "127.0.0.1",
            "REMOTE_USER": user or "anybody",
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
        }
        done = subprocess.run(
            ["git", "http-backend"], input=body, env=environment, capture_output=True, check=False
        )
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n") if ": " in line)
        status = int(headers.pop("Status", "200").split(" ")[0])
        return self._answer(status, content, headers)


@dataclass
class _Api:
    """One request to the API of one of the three."""

    forge: ForgeServer
    method: str
    path: str
    query: Mapping[str, str]
    document: Any

    def answer(self) -> tuple[int, Any, str]:
        """Returns the status, the document, and what the ``Link`` header says."""
        name = self.path.removeprefix(APIS[self.forge.kind])
        routes: list[tuple[str, str, Callable[..., tuple[int, Any]]]] = {
            "github": self._github, "gitlab": self._gitlab, "gitea": self._gitea,
        }[self.forge.kind]()  # fmt: skip
        for method, pattern, handle in routes:
            found = re.fullmatch(pattern, name)
            if found and method == self.method:
                status, document = handle(*found.groups())
                return self._paged(status, document)
        return 404, {"message": "Not Found"}, ""

    def _paged(self, status: int, document: Any) -> tuple[int, Any, str]:
        if not isinstance(document, list):
            return status, document, ""
        size = min(int(self.query.get("per_page", self.query.get("limit", "30"))), self.forge.page)
        page = int(self.query.get("page", "1"))
        shown = document[(page - 1) * size : page * size]
        if page * size >= len(document):
            return status, shown, ""
        more = "&".join(f"{k}={v}" for k, v in {**self.query, "page": str(page + 1)}.items())
        return status, shown, f'<{self.forge.web}{self.path}?{more}>; rel="next"'

    def _github(self) -> list[tuple[str, str, Callable[..., tuple[int, Any]]]]:
        repo = "/repos/team/shop"
        return [
            ("GET", f"{repo}/pulls", self._github_list),
            ("POST", f"{repo}/pulls", lambda: self._create(422, "body", self.document["head"],
                                                           self.document["base"])),
            ("PATCH", rf"{repo}/pulls/(\d+)", lambda n: self._edit(n, "body", "state")),
            ("POST", rf"{repo}/issues/(\d+)/labels", self._add_labels),
            ("POST", rf"{repo}/pulls/(\d+)/requested_reviewers", self._add_reviewers),
            ("GET", "/orgs/team/repos", self._repositories),
            ("GET", "/users/ann/repos", self._repositories),
        ]  # fmt: skip

    def _gitlab(self) -> list[tuple[str, str, Callable[..., tuple[int, Any]]]]:
        repo = "/projects/team%2Fshop/merge_requests"
        return [
            ("GET", repo, self._gitlab_list),
            ("POST", repo, self._gitlab_create),
            ("GET", rf"{repo}/(\d+)", lambda n: (200, self._shown(self._pull(n)))),
            ("PUT", rf"{repo}/(\d+)", lambda n: self._edit(n, "description", "state_event")),
            ("GET", "/users", self._find_user),
            ("GET", "/groups/team/projects", self._repositories),
        ]

    def _gitea(self) -> list[tuple[str, str, Callable[..., tuple[int, Any]]]]:
        repo = "/repos/team/shop"
        return [
            ("GET", f"{repo}/pulls", self._gitea_list),
            ("POST", f"{repo}/pulls", lambda: self._create(409, "body", self.document["head"],
                                                           self.document["base"])),
            ("GET", rf"{repo}/pulls/(\d+)", lambda n: (200, self._shown(self._pull(n)))),
            ("PATCH", rf"{repo}/pulls/(\d+)", lambda n: self._edit(n, "body", "state")),
            ("GET", f"{repo}/labels", self._list_labels),
            ("POST", rf"{repo}/issues/(\d+)/labels", self._add_labels),
            ("POST", rf"{repo}/pulls/(\d+)/requested_reviewers", self._add_reviewers),
            ("GET", "/orgs/team/repos", self._repositories),
        ]  # fmt: skip

    def _github_list(self) -> tuple[int, Any]:
        owner, _, head = self.query["head"].partition(":")
        found = [
            each
            for each in reversed(self.forge.pulls)
            if each.head == head
            and each.base == self.query["base"]
            and owner == ("fork" if each.is_from_fork else "team")
        ]
        return 200, [self._shown(each) for each in found]

    def _gitlab_list(self) -> tuple[int, Any]:
        head, base = self.query["source_branch"], self.query["target_branch"]
        found = [
            each for each in reversed(self.forge.pulls) if (each.head, each.base) == (head, base)
        ]
        return 200, [self._shown(each) for each in found]

    def _gitea_list(self) -> tuple[int, Any]:
        is_open = self.query["state"] == "open"
        found = [each for each in reversed(self.forge.pulls) if (each.state == "open") == is_open]
        return 200, [self._shown(each) for each in found]

    def _gitlab_create(self) -> tuple[int, Any]:
        status, document = self._create(
            409, "description", self.document["source_branch"], self.document["target_branch"]
        )
        if status == 201:
            pull = self.forge.pulls[-1]
            pull.labels = [each for each in self.document["labels"].split(",") if each]
            pull.reviewers = self.document["reviewer_ids"]
        return status, document

    def _create(self, conflict: int, body: str, head: str, base: str) -> tuple[int, Any]:
        heads = subprocess.run(
            ["git", "for-each-ref", "--format=%(refname:short)", "refs/heads"],
            cwd=self.forge.bare, capture_output=True, text=True, check=True,
        ).stdout.split()  # fmt: skip
        if head not in heads or base not in heads:
            return 422, {"message": "Validation Failed"}
        if any((each.head, each.base) == (head, base) for each in self.forge.open_pulls()):
            return conflict, {"message": "it exists already"}
        made = Pull(
            len(self.forge.pulls) + 1, self.document["title"], self.document[body], head, base
        )
        made.draft = self.document.get("draft", made.title.startswith("Draft: ")) is True
        self.forge.pulls.append(made)
        return 201, self._shown(made)

    def _edit(self, number: str, body: str, state: str) -> tuple[int, Any]:
        pull = self._pull(number)
        pull.title = self.document.get("title", pull.title)
        pull.body = self.document.get(body, pull.body)
        if self.document.get(state) in ("closed", "close"):
            pull.state = "closed"
        return 200, self._shown(pull)

    def _add_labels(self, number: str) -> tuple[int, Any]:
        self._pull(number).labels += self.document["labels"]
        return 200, []

    def _add_reviewers(self, number: str) -> tuple[int, Any]:
        teams = self.document.get("team_reviewers", [])
        self._pull(number).reviewers += [*self.document["reviewers"], *teams]
        return 201, {}

    def _list_labels(self) -> tuple[int, Any]:
        return 200, [{"id": number, "name": name} for name, number in self.forge.labels.items()]

    def _find_user(self) -> tuple[int, Any]:
        found = self.forge.users.get(self.query["username"])
        return 200, [] if found is None else [{"id": found}]

    def _repositories(self) -> tuple[int, Any]:
        key = "http_url_to_repo" if self.forge.kind == "gitlab" else "clone_url"
        return 200, [
            {key: each, "archived": each.endswith("archived.git")} for each in self.forge.owned
        ]

    def _pull(self, number: str) -> Pull:
        return self.forge.pulls[int(number) - 1]

    def _shown(self, pull: Pull) -> dict[str, Any]:
        url = f"{self.forge.web}/team/shop/pulls/{pull.number}"
        if self.forge.kind == "gitlab":
            state = "opened" if pull.state == "open" else pull.state
            return {
                "iid": pull.number, "web_url": url, "state": state, "title": pull.title,
                "description": pull.body, "draft": pull.draft,
                "source_project_id": 9 if pull.is_from_fork else 5, "target_project_id": 5,
            }  # fmt: skip
        merged = pull.state == "merged"
        return {
            "number": pull.number, "html_url": url, "title": pull.title, "body": pull.body,
            "state": "closed" if merged else pull.state, "draft": pull.draft, "merged": merged,
            "merged_at": "2026-01-01T00:00:00Z" if merged else None,
            "head": {"ref": pull.head, "repo_id": 9 if pull.is_from_fork else 5},
            "base": {"ref": pull.base, "repo_id": 5},
        }  # fmt: skip
