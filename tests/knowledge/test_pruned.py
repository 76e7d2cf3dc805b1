"""Commands that take development dependencies out, and builds that leave the rest alone."""

from __future__ import annotations

import json
from typing import Any

import pytest

from optimizer.knowledge.installs import HOLE, Call, Obstacle
from optimizer.knowledge.node.pruned import pruned, spares
from optimizer.knowledge.products import Pruned
from tests.knowledge.conftest import MemoryFiles

MODULES = ("/app/node_modules",)
BUILDS = {"compilerOptions": {"outDir": "dist"}}


def asked(
    command: str, package: Any = None, files: Any = None, env: Any = None
) -> Pruned | Obstacle | None:
    at = MemoryFiles({"/app/package.json": json.dumps(package or {}), **(files or {})})
    words = tuple(word.replace("HOLE", HOLE) for word in command.split())
    return pruned(Call(words, "/app", env or {}), at)


@pytest.mark.parametrize(
    "command",
    [
        "npm prune --omit=dev",
        "npm prune --production --no-audit",
        "pnpm prune --prod",
        "pnpm prune -P --ignore-scripts",
        "yarn --production",
        "yarn install --production --ignore-scripts --prefer-offline --frozen-lockfile",
        "yarn workspaces focus --production",
        "yarnpkg install --production=true",
    ],
)
def test_what_is_pruned_is_known(command: str) -> None:
    answer = asked(command)

    assert isinstance(answer, Pruned)
    assert (answer.title, answer.root, answer.modules) == (command, "/app", MODULES)
    assert {"/app/package.json", "/app/.npmrc", "/root/.npmrc"} <= {*answer.reads}


@pytest.mark.parametrize(
    "command",
    [
        "npm prune",
        "npm prune --omit=optional",
        "npm prune --omit=dev left-pad",
        "npm prune --omit=dev --prefix web",
        "npm ci --omit=dev",
        "pnpm prune",
        "pnpm install --prod",
        "yarn install",
        "yarn add --production x",
        "yarn workspaces focus api --production",
        "bun install --production",
        "npm prune --omit=HOLE",
    ],
)
def test_other_commands_are_none(command: str) -> None:
    assert asked(command) is None


def test_production_may_be_a_variable() -> None:
    assert isinstance(asked("npm prune", env={"NODE_ENV": "production"}), Pruned)


def test_members_of_a_workspace_have_packages_of_their_own() -> None:
    files = {"/app/web/package.json": "{}", "/app/api/package.json": "{}"}
    answer = asked("npm prune --omit=dev", {"workspaces": ["web", "api"]}, files)

    assert isinstance(answer, Pruned)
    assert answer.modules == ("/app/node_modules", "/app/api/node_modules", "/app/web/node_modules")


@pytest.mark.parametrize(
    ("command", "script", "blocked"),
    [
        ("npm prune --omit=dev", "dependencies", True),
        ("npm prune --omit=dev", "prepare", False),
        ("npm prune --omit=dev --ignore-scripts", "dependencies", False),
        ("pnpm prune --prod", "prepare", True),
        ("yarn install --production", "postinstall", True),
        ("yarn install --production --ignore-scripts", "postinstall", False),
    ],
)
def test_scripts_of_the_project_may_read_anything(command: str, script: str, blocked: bool) -> None:
    answer = asked(command, {"scripts": {script: "node x.js"}})

    assert isinstance(answer, Obstacle if blocked else Pruned)
    if isinstance(answer, Obstacle):
        assert answer.code == "prune-runs-scripts"


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        ("npx tsc", True),
        ("npm run build", True),
        ("npm run other", False),
        ("npm run missing", False),
        ("npx vite build", True),
        ("npx vite build --outDir node_modules/out", False),
        ("npx vite build --outDir ..", False),
        ("npx prisma generate", False),
        ("npx patch-package", False),
        ("npx rimraf dist", True),
        ("npx rimraf node_modules/.cache", False),
        ("npx rimraf *", False),
        ("npx eslint src", True),
        ("node build.js", False),
        ("npx playwright install", False),
    ],
)
def test_builds_that_write_elsewhere_are_known(command: str, answer: bool) -> None:
    package = {"scripts": {"build": "rm -rf dist && tsc", "other": "node scripts/build.js"}}
    files = {
        "/app/package.json": json.dumps(package),
        "/app/tsconfig.json": json.dumps(BUILDS),
    }

    assert spares(Call(tuple(command.split()), "/app", {}), MemoryFiles(files), MODULES) is answer
