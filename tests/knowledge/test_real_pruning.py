"""npm, yarn, pnpm and bun themselves: what dockopt prunes is gone, and the rest still runs.

Packages are archives beside the project, so no registry is asked.
"""

from __future__ import annotations

import io
import json
import subprocess
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from optimizer.knowledge.installs import Call
from optimizer.knowledge.producers import product
from optimizer.knowledge.products import Made, Product
from optimizer.knowledge.running import Running
from tests.knowledge.test_real_clients import DiskFiles
from tests.knowledge.test_real_node_clients import NodePlace

pytestmark = pytest.mark.clients

_BUILD = "require('fs').writeFileSync('built.txt', 'built')"
PACKAGES: Mapping[str, Mapping[str, str]] = {
    "needed": {"package.json": '{"name": "needed", "version": "1.0.0"}', "index.js": ""},
    "native": {
        "package.json": json.dumps(
            {"name": "native", "version": "1.0.0", "scripts": {"install": "node build.js"}}
        ),
        "build.js": _BUILD,
        "index.js": "require('fs').readFileSync(__dirname + '/built.txt')",
    },
    "tool": {
        "package.json": '{"name": "tool", "version": "1.0.0", "bin": {"devtool": "cli.js"}}',
        "cli.js": "#!/usr/bin/env node\n",
    },
}
APP: Mapping[str, Any] = {
    "name": "app", "version": "1.0.0", "private": True, "scripts": {"prepare": "devtool"},
    "dependencies": {"needed": "file:./needed.tgz", "native": "file:./native.tgz"},
    "devDependencies": {"tool": "file:./tool.tgz"},
    "pnpm": {"onlyBuiltDependencies": ["native"]},
    "trustedDependencies": ["native"],
}  # fmt: skip
CODE = "require('needed'); require('native')"


def archive(files: Mapping[str, str]) -> bytes:
    """Returns a package as npm packs it."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, text in files.items():
            info = tarfile.TarInfo(f"package/{name}")
            info.size, info.mode = len(text), 0o755
            tar.addfile(info, io.BytesIO(text.encode()))
    return buffer.getvalue()


def installed(place: NodePlace, command: str, **more: Any) -> NodePlace:
    """Fills the place with the project and installs it."""
    place.clear()
    archives = {f"{name}.tgz": archive(files) for name, files in PACKAGES.items()}
    place.fill({"package.json": APP, "index.js": CODE, **archives, **more})
    done = place.run(command)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (place.app / "node_modules" / "tool").exists()
    return place


def pruned(place: NodePlace, command: str) -> Product:
    """Runs what the product of the install says, where it says so."""
    call = Call(tuple(command.split()), str(place.app), place.env)
    entry = Call(("node", "index.js"), str(place.app))
    made = Made(("node", "22"), DiskFiles(str(place.app)), Running((entry,), frozenset({"node"})))
    found = product(call, made)
    assert isinstance(found, Product), found
    if found.prune is not None:
        done = subprocess.run(
            ["sh", "-c", found.prune], cwd=found.directory, env=place.env, timeout=60,
            capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
    return found


def runs(place: NodePlace) -> None:
    done = place.run("node index.js")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("client", "command", "more"),
    [
        ("pnpm-8", "pnpm install", {}),
        ("pnpm-9", "pnpm install", {}),
        ("pnpm-10", "pnpm install", {}),
        ("yarn-4", "yarn install", {
            "yarn.lock": "",
            ".yarnrc.yml": "nodeLinker: node-modules\nenableGlobalCache: false\n",
            "package.json": {**APP, "packageManager": "yarn@4.5.3"},
        }),
    ],
)  # fmt: skip
def test_development_dependencies_go_and_the_rest_runs(
    tmp_path: Path, client: str, command: str, more: dict[str, Any]
) -> None:
    place = installed(NodePlace(tmp_path, client), command, **more)

    found = pruned(place, command)

    assert found.prune is not None
    assert not (place.app / "node_modules" / "tool").exists()
    runs(place)


def test_npm_prunes_and_the_rest_runs(tmp_path: Path) -> None:
    place = installed(NodePlace(tmp_path, "pnpm-9"), "npm install")
    generated = place.app / "node_modules" / ".prisma" / "client.js"
    generated.parent.mkdir()
    generated.write_text("")

    found = pruned(place, "npm install")

    assert found.prune == "npm prune --omit=dev"
    assert not (place.app / "node_modules" / "tool").exists()
    assert generated.exists()
    runs(place)


def test_npm_takes_generated_packages_along(tmp_path: Path) -> None:
    schema = 'generator client {\n  output = "../node_modules/generated"\n}\n'
    place = installed(
        NodePlace(tmp_path, "pnpm-9"), "npm install", **{"prisma/schema.prisma": schema}
    )
    (place.app / "node_modules" / "generated").mkdir()

    assert pruned(place, "npm install").prune is None
    assert place.run("npm prune --omit=dev").returncode == 0
    assert not (place.app / "node_modules" / "generated").exists()


def test_npm_runs_scripts_of_members_without_what_they_need(tmp_path: Path) -> None:
    member = {"name": "a", "version": "1.0.0", "scripts": {"postinstall": "devtool"}}
    more = {
        "package.json": {**APP, "workspaces": ["packages/*"]},
        "packages/a/package.json": member,
    }
    place = installed(NodePlace(tmp_path, "pnpm-9"), "npm install", **more)

    found = pruned(place, "npm install")

    assert found.prune is None
    assert "`postinstall`" in found.assumes[0]
    assert place.run("npm prune --omit=dev").returncode != 0


def test_yarn_1_keeps_what_was_built_and_takes_other_changes_back(tmp_path: Path) -> None:
    plain = {**APP, "scripts": {}}
    place = installed(NodePlace(tmp_path, "yarn-1"), "yarn install", **{"package.json": plain})

    assert pruned(place, "yarn install").prune is not None
    assert not (place.app / "node_modules" / "tool").exists()
    runs(place)

    place = installed(NodePlace(tmp_path, "yarn-1"), "yarn install")
    patch = place.app / "node_modules" / "needed" / "patched.js"
    patch.write_text("")
    assert pruned(place, "yarn install").prune is None
    place.run("yarn install --production --ignore-scripts --prefer-offline")
    assert not patch.exists()


def test_bun_leaves_them_and_loses_what_was_built(tmp_path: Path) -> None:
    place = installed(NodePlace(tmp_path, "bun-1"), "bun install")

    assert pruned(place, "bun install").prune is None
    place.run("bun install --production --ignore-scripts")
    assert (place.app / "node_modules" / "tool").exists()
