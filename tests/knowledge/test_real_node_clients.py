"""yarn, pnpm and bun themselves: what dockopt says they read is enough, and needed.

The law is that of test_real_clients: an install that runs on the named files alone, with
everything else laid over it afterwards, leaves the same files as one that ran on everything.
Dependencies lie beside the project, so no registry is asked.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest

from optimizer.knowledge.installs import Call, Inputs, Install
from optimizer.knowledge.node import bun, pnpm, yarn
from tests.knowledge.clients import PACKAGES, programs
from tests.knowledge.test_real_clients import DiskFiles, Place, Seen, law, named, needed

pytestmark = pytest.mark.clients

ENV = {
    "npm_config_update_notifier": "false",
    "npm_config_offline": "true",
    "YARN_ENABLE_TELEMETRY": "0",
    "YARN_ENABLE_NETWORK": "0",
    "YARN_ENABLE_MESSAGE_NAMES": "0",
    "BUN_CONFIG_NO_CLEAR_TERMINAL": "true",
    "DO_NOT_TRACK": "1",
}  # fmt: skip

_TIMES = re.compile(rb'("?(?:prunedAt|lastValidatedTimestamp)"?:).*')
"""Times of the install, which no two have in common."""


class NodePlace(Place):
    """A place where a package manager of a chosen version comes first."""

    def __init__(self, base: Path, client: str) -> None:
        super().__init__(base, ENV)
        self.env["PATH"] = f"{programs(client)}:{self.env['PATH']}"

    def fill(self, files: Mapping[str, Any], only: Iterable[str] | None = None) -> None:
        """Puts new files in the place of old ones, as a COPY does: other links to those stay."""
        for name in files if only is None else ():
            (self.app / name).unlink(missing_ok=True)
        super().fill(files, only)

    def seen(self) -> Seen:
        return {path: _without_times(path, mode, content)
                for path, (mode, content) in super().seen().items()}  # fmt: skip


def _without_times(path: str, mode: int, content: str | bytes) -> tuple[int, str | bytes]:
    if isinstance(content, bytes):
        if path.endswith("install-state.gz"):
            content = b"" if gzip.decompress(content) else content
        content = _TIMES.sub(rb"\1", content)
    return mode, content


CLI = "#!/usr/bin/env node\n1\n"


def workspace(link: str, own: str, **root: Any) -> dict[str, Any]:
    """A workspace whose parts depend on each other and on directories beside them."""
    return {
        "package.json": {
            "name": "app", "version": "1.0.0", "private": True, "workspaces": ["packages/*"],
            "dependencies": {"lib": "file:./lib", **({"near": link} if link else {})},
            "scripts": {"postinstall": "echo done"}, **root,
        },
        "packages/a/package.json": {
            "name": "a", "version": "1.0.0", "bin": {"acli": "cli.js", "later": "dist/x.js"},
        },
        "packages/a/cli.js": CLI,
        "packages/a/src.js": "",
        "packages/b/package.json": {"name": "b", "version": "2.0.0", "dependencies": {"a": own}},
        "packages/.hidden/package.json": {"name": "hidden", "version": "1.0.0"},
        "lib/package.json": {"name": "lib", "version": "1.0.0", "bin": "bin/x.js"},
        "lib/bin/x.js": "#!/usr/bin/env node\n",
        "lib/more.js": "2",
        "near/package.json": {"name": "near", "version": "1.0.0", "bin": "x.js"},
        "near/x.js": "#!/usr/bin/env node\n",
        "near/more.js": "3",
        "src/index.js": "1",
        "README.md": "read",
    }  # fmt: skip


def locked(place: Place, command: str, files: Mapping[str, Any], lock: str) -> dict[str, Any]:
    """The files with the lockfile that the client itself makes, and what it makes of manifests."""
    place.clear()
    place.fill(files)
    done = place.run(command)
    assert done.returncode == 0, done.stdout + done.stderr
    kept = {name: (place.app / name).read_text() for name in files if name.endswith("package.json")}
    return {**files, **kept, lock: (place.app / lock).read_text()}


def test_yarn_1_installs_a_workspace(tmp_path: Path) -> None:
    place = NodePlace(tmp_path, "yarn-1")
    files = workspace("link:./near", "1.0.0")

    law(place, yarn, "yarn install", {**files, ".yarnrc": "", ".yarnclean": "*.md\n"})
    files = locked(place, "yarn install", files, "yarn.lock")
    found = law(place, yarn, "yarn --frozen-lockfile", files)
    for path in ("packages/a/package.json", "packages/a/cli.js"):
        needed(place, "yarn --frozen-lockfile", files, path, found)


@pytest.mark.parametrize("client", ["yarn-3", "yarn-4"])
@pytest.mark.parametrize("linker", ["pnp", "node-modules", "pnpm"])
def test_yarn_berry_installs_a_workspace(tmp_path: Path, client: str, linker: str) -> None:
    place = NodePlace(tmp_path, client)
    files = workspace("portal:./near", "workspace:*", packageManager="yarn@4.0.0")
    files = {**files, ".yarnrc.yml": f"nodeLinker: {linker}\nenableGlobalCache: false\n"}

    law(place, yarn, "yarn install", {**files, "yarn.lock": ""})
    files = locked(place, "yarn install", {**files, "yarn.lock": ""}, "yarn.lock")
    found = law(place, yarn, "yarn install --immutable", files)
    for path in ("packages/a/package.json", "near/package.json"):
        needed(place, "yarn install --immutable", files, path, found)


@pytest.mark.parametrize("client", ["yarn-3", "yarn-4"])
def test_yarn_berry_leaves_manifests_of_its_own_form(tmp_path: Path, client: str) -> None:
    place = NodePlace(tmp_path, client)
    files = workspace("link:./near", "workspace:*")
    files = {**files, ".yarnrc.yml": "nodeLinker: node-modules\n", "yarn.lock": ""}
    assert "packages/b/package.json" in str(place.ask(yarn, "yarn install", files).rewrites)
    files = locked(place, "yarn install", files, "yarn.lock")

    answer = place.ask(yarn, "yarn install --immutable", files)

    assert not [path for path in answer.rewrites if path.endswith("b/package.json")]


@pytest.mark.parametrize("client", ["pnpm-8", "pnpm-9", "pnpm-10"])
def test_pnpm_installs_a_workspace(tmp_path: Path, client: str) -> None:
    place = NodePlace(tmp_path, client)
    files = workspace("link:./near", "workspace:*")
    files["pnpm-workspace.yaml"] = "packages:\n  - packages/*\n  - '!**/test/**'\n"
    files["packages/test/package.json"] = {"name": "test"}

    law(place, pnpm, "pnpm install", files)
    files = locked(place, "pnpm install", files, "pnpm-lock.yaml")
    found = law(place, pnpm, "pnpm install --frozen-lockfile", files)
    for path in ("packages/a/package.json", "packages/a/cli.js", "near/package.json"):
        needed(place, "pnpm install --frozen-lockfile", files, path, found)


@pytest.mark.parametrize("client", ["pnpm-8", "pnpm-9", "pnpm-10"])
def test_pnpm_runs_its_hooks(tmp_path: Path, client: str) -> None:
    place = NodePlace(tmp_path, client)
    hook = (
        "module.exports = {hooks: {readPackage(pkg) {"
        "if (pkg.name === 'app') pkg.dependencies = {lib: 'file:./lib'}; return pkg}}}"
    )
    files = {
        "package.json": {"name": "app", "version": "1.0.0", "dependencies": {"lib": "file:./lib"}},
        ".pnpmfile.cjs": hook,
        "lib/package.json": {"name": "lib", "version": "1.0.0"},
        "src/index.js": "",
    }

    law(place, pnpm, "pnpm install", files)


def two_steps(place: Place, module: Any, command: str, files: Mapping[str, Any]) -> None:
    """The step that a module gives a held install, on the files that it names, and the install
    itself on everything below it: they leave what the install alone leaves."""
    place.clear()
    place.fill(files)
    disk = DiskFiles(str(place.app))
    step = module.dependency_step(Call(tuple(command.split()), str(place.app), place.env), disk)
    assert isinstance(step, Install), step
    inputs = module.inputs(step, disk)
    assert isinstance(inputs, Inputs), inputs
    whole = place.whole(command, files)

    place.clear()
    place.fill(files, only=named(inputs))
    first = place.run(" ".join(step.call.words))
    place.fill(files)
    second = place.run(command)

    assert (first.returncode, second.returncode) == (0, 0), first.stdout + second.stdout
    assert place.seen() == whole


NEEDS_SOURCES = {"scripts": {"postinstall": "node src/index.js"}}


@pytest.mark.parametrize("client", ["pnpm-8", "pnpm-9"])
def test_pnpm_fetches_before_an_install_that_needs_sources(tmp_path: Path, client: str) -> None:
    place = NodePlace(tmp_path, client)
    files = workspace(
        "link:./near", "workspace:*", **NEEDS_SOURCES, packageManager=PACKAGES[client]
    )
    files["pnpm-workspace.yaml"] = "packages:\n  - packages/*\n"
    files = locked(place, "pnpm install", files, "pnpm-lock.yaml")

    two_steps(place, pnpm, "pnpm install --frozen-lockfile", files)


@pytest.mark.parametrize("client", ["yarn-3", "yarn-4"])
def test_yarn_berry_links_before_it_builds_what_needs_sources(tmp_path: Path, client: str) -> None:
    place = NodePlace(tmp_path, client)
    files = workspace("link:./near", "workspace:*", **NEEDS_SOURCES, packageManager="yarn@4.0.0")
    files = {**files, ".yarnrc.yml": "nodeLinker: node-modules\n", "yarn.lock": ""}
    files = locked(place, "yarn install", files, "yarn.lock")

    two_steps(place, yarn, "yarn install --immutable", files)


def test_bun_installs_a_workspace(tmp_path: Path) -> None:
    place = NodePlace(tmp_path, "bun-1")
    files = workspace("", "workspace:*")

    law(place, bun, "bun install", files)
    files = locked(place, "bun install", files, "bun.lock")
    found = law(place, bun, "bun install --frozen-lockfile", files)
    for path in ("packages/a/package.json", "packages/a/cli.js"):
        needed(place, "bun install --frozen-lockfile", files, path, found)
