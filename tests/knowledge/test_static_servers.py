"""Programs of Node.js that serve a built site: which folder, on which port, and how."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from optimizer.knowledge.installs import Call, Obstacle
from optimizer.knowledge.node.servers import Served, served
from tests.knowledge.conftest import MemoryFiles


def asked(
    command: str, files: Mapping[str, Any] | None = None, env: Mapping[str, str] | None = None
) -> Served | Obstacle | None:
    content = {f"/app/{name}": text for name, text in (files or {}).items()}
    return served(Call(tuple(command.split()), "/app", env or {}), MemoryFiles(content))


@pytest.mark.parametrize(
    ("command", "port", "folder", "falls_back"),
    [
        ("serve", 3000, None, True),
        ("serve .", 3000, None, True),
        ("serve -s build", 3000, "/app/build", True),
        ("serve build", 3000, "/app/build", False),
        ("serve -s build -l 5000", 5000, "/app/build", True),
        ("serve -l tcp://0.0.0.0:80 -s dist", 80, "/app/dist", True),
        ("serve --single --listen=8080 dist", 8080, "/app/dist", True),
        ("http-server", 8080, "/app/public", False),
        ("http-server dist -p 80 -a 0.0.0.0 -c-1", 80, "/app/dist", False),
        ("vite preview", 4173, None, True),
        ("vite preview --host --port 3000", 3000, None, True),
        ("vite preview --host 0.0.0.0", 4173, None, True),
        ("vite", 5173, None, True),
        ("vite --port=80", 80, None, True),
        ("react-scripts start", 3000, None, True),
        ("vue-cli-service serve --port 80", 80, None, True),
        ("ng serve --host 0.0.0.0", 4200, None, True),
    ],
)
def test_a_server_serves_a_folder_on_a_port(
    command: str, port: int, folder: str | None, falls_back: bool
) -> None:
    found = asked(command)
    assert isinstance(found, Served)
    assert (found.port, found.folder, found.falls_back) == (port, folder, falls_back)


def test_the_port_may_come_from_the_environment_or_the_configuration() -> None:
    assert isinstance(found := asked("serve dist", env={"PORT": "80"}), Served)
    assert found.port == 80
    config = {"vite.config.ts": "export default { preview: { host: true, port: 8000 } }"}
    assert isinstance(found := asked("vite preview", config), Served)
    assert found.port == 8000


@pytest.mark.parametrize(
    ("command", "files"),
    [
        ("serve -s build -l unix:/run/serve.sock", {}),
        ("serve -s build -c rules.json", {}),
        ("serve -s build --cors", {}),
        ("serve -s build --ssl-cert cert.pem", {}),
        ("serve -s build", {"serve.json": "{}"}),
        ("serve -s build", {"build/serve.json": "{}"}),
        ("http-server --proxy http://localhost:8080?", {}),
        ("http-server -S", {}),
        ("vite preview", {"vite.config.js": "export default { server: { proxy: {} } }"}),
        ("vite preview", {"vite.config.js": "export default { preview: { port: free() } }"}),
        ("react-scripts start", {"package.json": {"proxy": "http://api"}}),
        ("react-scripts start", {"src/setupProxy.js": ""}),
        ("vue-cli-service serve", {"vue.config.js": "module.exports = {devServer: {proxy: ''}}"}),
        ("ng serve --proxy-config proxy.json", {}),
        ("next start", {}),
        ("nuxt start", {}),
        ("node .output/server/index.mjs", {}),
        ("node .next/standalone/server.js", {}),
    ],
)
def test_a_web_server_alone_would_not_do_the_same(command: str, files: dict[str, Any]) -> None:
    found = asked(command, files)
    assert isinstance(found, Obstacle)
    assert found.code == "server-does-more"


@pytest.mark.parametrize("command", ["node server.js", "vite build", "ng build", "serve \0", "sh"])
def test_other_commands_are_no_servers(command: str) -> None:
    assert asked(command) is None
