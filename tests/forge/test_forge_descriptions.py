"""What the clients send, and what the server of the tests answers, held to what the forges publish
of their APIs: GitHub's OpenAPI description, and the types that are made from Gitea's."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from optimizer.forge.connect import Access, owner
from optimizer.forge.forge import Draft
from tests.forge.server import TOKEN, Exchange, ForgeServer, forge_server
from tests.forge.test_forge_clients import connected, repositories
from tests.knowledge.clients import programs

__all__ = ["repositories"]

pytestmark = pytest.mark.clients


def exchanged(server: ForgeServer) -> list[Exchange]:
    """Does all that a client can, and returns what was said."""
    case = connected(server)
    case.forge.newest("dockopt/x", "main")
    draft = Draft("dockopt/x", "main", "x", "y", server.kind == "github", ("docker",), ("ann",))
    case.forge.open(draft)
    case.forge.open(draft)
    case.forge.newest("dockopt/x", "main")
    case.forge.update(1, "z", "z")
    case.forge.close(1, "z")
    server.owned = ["https://forge.example/team/a.git"]
    for name in ("team", "ann") if server.kind == "github" else ("team",):
        owner(Access(server.kind, server.api, TOKEN), name).repositories()  # type: ignore[arg-type]
    return server.exchanges


def operation(paths: Mapping[str, Any], exchange: Exchange) -> Any:
    for path, methods in paths.items():
        pattern = re.sub(r"\\\{[^}]+\\\}", "[^/]+", re.escape(path))
        found = methods.get(exchange.method.lower())
        if found and re.fullmatch(pattern, exchange.path):
            return found
    raise AssertionError(f"no operation {exchange.method} {exchange.path}")


def names(schema: Any) -> frozenset[str]:
    """Returns the properties of an object, or of those that a list holds, in all its forms."""
    found = set(schema.get("properties", ())) | set(
        names(schema["items"]) if "items" in schema else ()
    )
    for kind in ("oneOf", "anyOf", "allOf"):
        for each in schema.get(kind, ()):
            found |= names(each)
    return frozenset(found)


def content(of: Any) -> Any:
    return of.get("content", {}).get("application/json", {}).get("schema", {})


def test_github(repositories: Path) -> None:
    package = programs("github-description").parent / "@octokit" / "openapi" / "generated"
    description = json.loads((package / "api.github.com.deref.json").read_text("utf-8"))
    with forge_server(repositories, "github") as server:
        said = exchanged(server)
    assert len(said) > 8
    for each in said:
        if each.status == 404:
            continue
        known = operation(description["paths"], each)
        assert each.query - {"page"} <= {parameter["name"] for parameter in known["parameters"]}
        assert str(each.status) in known["responses"]
        if each.document is not None:
            assert set(each.document) <= names(content(known["requestBody"]))
        answers = each.answer if isinstance(each.answer, list) else [each.answer]
        for answer in answers:
            assert set(answer) - {"merged"} <= names(content(known["responses"][str(each.status)]))


def interfaces(text: str) -> Iterator[tuple[str, frozenset[str]]]:
    for block in re.finditer(r"^interface (\w+) \{\n(.*?)^\}", text, re.MULTILINE | re.DOTALL):
        yield block[1], frozenset(re.findall(r"^    (\w+)\??:", block[2], re.MULTILINE))


def test_gitea(repositories: Path) -> None:
    package = programs("gitea-description").parent / "gitea-js" / "dist"
    text = (package / "index.d.ts").read_text("utf-8")
    types = dict(interfaces(text))
    calls = {
        (found[1], found[2]): found[3]
        for found in re.finditer(r"@request (\w+):(\S+)\n.*?\*/\n(.*?=> Promise)", text, re.DOTALL)
    }
    with forge_server(repositories, "gitea") as server:
        said = exchanged(server)
    assert len(said) > 8
    for each in said:
        signature = next(
            signature
            for (method, path), signature in calls.items()
            if method == each.method
            and re.fullmatch(re.sub(r"\\\{[^}]+\\\}", "[^/]+", re.escape(path)), each.path)
        )
        for name in each.query:
            assert re.search(rf"\b{name}\?:", signature)
        if each.document is not None:
            body = re.search(r"body: (\w+)", signature)
            assert body is not None
            assert set(each.document) <= types[body[1]]
    assert {"number", "html_url", "state", "title", "body", "merged", "head", "base"} <= types[
        "PullRequest"
    ]
