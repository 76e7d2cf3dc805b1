"""bun: which commands install, and what they read, write, rewrite, or why that is not known."""

from __future__ import annotations

from typing import Any

import pytest

from optimizer.knowledge.installs import Inputs, Install, Obstacle
from optimizer.knowledge.node import bun

PLAIN = {"package.json": {"name": "app"}, "bun.lock": "{}", "src/index.ts": ""}
READS = ("/app/bun.lock", "/app/package.json")
WORKSPACE = {
    "package.json": {"name": "app", "workspaces": ["packages/*"]},
    "bun.lock": "{}",
    "packages/a/package.json": {"name": "a", "bin": "cli.ts"},
    "packages/a/cli.ts": "",
    "packages/a/src.ts": "",
}


@pytest.mark.parametrize(
    "command",
    ["bun install", "bun i", "bun ci", "bun install --frozen-lockfile", "bun install --production",
     "bun install -p --no-save", "bun --cwd web install", "bun install --ignore-scripts",
     "bun install --linker isolated", "bun i --backend=copyfile --silent"],
)  # fmt: skip
def test_installs_are_recognised(recognise: Any, command: str) -> None:
    answer = recognise(bun, command)

    assert isinstance(answer, Install)
    assert answer.ecosystem == "bun"


@pytest.mark.parametrize(
    "command", ["bun run build", "bun build x.ts", "bun test", "bun x tsc", "bun dist/main.js",
                "bun add -g serve", "bun --version", "bunx tsc", "bun"],
)  # fmt: skip
def test_other_commands_are_not_ours(recognise: Any, command: str) -> None:
    assert recognise(bun, command) is None


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("bun install --frobnicate", "unknown-install-flag"),
        ("bun add left-pad", "install-edits-manifest"),
        ("bun install left-pad", "install-edits-manifest"),
        ("bun remove x", "install-edits-manifest"),
        ("bun update", "install-edits-manifest"),
        ("bun link", "project-install"),
    ],
)
def test_commands_that_read_more_are_obstacles(recognise: Any, command: str, code: str) -> None:
    answer = recognise(bun, command)

    assert isinstance(answer, Obstacle)
    assert answer.code == code


@pytest.mark.parametrize(
    ("reason", "files", "env", "more"),
    [
        ("plain", {}, {}, []),
        ("settings", {"bunfig.toml": "", ".npmrc": "", "/root/.bunfig.toml": ""}, {},
         ["bunfig.toml", ".npmrc", "/root/.bunfig.toml"]),
        ("certificates", {"bunfig.toml": '[install]\ncafile = "ca.pem"\n', "ca.pem": ""}, {},
         ["bunfig.toml", "ca.pem"]),
        ("variables", {".env": "", ".env.local": "", ".env.production": "", ".env.test": ""},
         {"NODE_ENV": "production"}, [".env", ".env.local", ".env.production"]),
        ("a binary lockfile", {"bun.lockb": b"\0"}, {}, ["bun.lockb"]),
        ("patches", {"package.json": {"patchedDependencies": {"a@1": "patches/a.patch"}},
                     "patches/a.patch": "", "patches/b.patch": ""}, {}, ["patches/a.patch"]),
        ("an archive", {"package.json": {"dependencies": {"t": "./t.tgz"}}, "t.tgz": b""}, {},
         ["t.tgz"]),
        ("members", WORKSPACE, {}, ["packages/a/package.json", "packages/a/cli.ts"]),
        ("other lockfiles beside its own are not read", {"yarn.lock": "", "pnpm-lock.yaml": ""},
         {}, []),
        ("sources are not read", {"tsconfig.json": "", "index.ts": ""}, {}, []),
    ],
)  # fmt: skip
def test_reads(
    ask: Any, reason: str, files: dict[str, Any], env: dict[str, str], more: list[str]
) -> None:
    answer = ask(bun, "bun install", {**PLAIN, **files}, env=env)

    assert isinstance(answer, Inputs), answer
    assert set(answer.reads) == {
        *READS, *(path if path.startswith("/") else f"/app/{path}" for path in more)
    }, reason  # fmt: skip


def test_versions_come_from_the_lockfiles_of_others(ask: Any) -> None:
    answer = ask(bun, "bun install", {"package.json": {}, "yarn.lock": "", "package-lock.json": ""})

    assert {"/app/yarn.lock", "/app/package-lock.json"} <= {*answer.reads}
    assert "/app/bun.lock" in answer.writes


def test_a_member_installs_from_its_root(ask: Any) -> None:
    answer = ask(bun, "bun install", WORKSPACE, directory="/app/packages/a")

    assert {"/app/package.json", "/app/bun.lock"} <= {*answer.reads}
    assert {"/app/node_modules", "/app/packages/a/node_modules"} <= {*answer.writes}


@pytest.mark.parametrize(
    ("command", "files", "rewrites"),
    [
        ("bun install", {}, ["/app/bun.lock"]),
        ("bun install --frozen-lockfile", {}, []),
        ("bun install --no-save", {}, []),
        ("bun ci", {}, []),
        ("bun install", {"bunfig.toml": "[install]\nfrozenLockfile = true\n"}, []),
    ],
)
def test_what_an_install_writes_anew(
    ask: Any, command: str, files: dict[str, Any], rewrites: list[str]
) -> None:
    assert list(ask(bun, command, {**PLAIN, **files}).rewrites) == rewrites


SCRIPT = {"scripts": {"prepare": "bun build.ts"}}
NEEDS = {"dependencies": {"nx": "20"}}


@pytest.mark.parametrize(
    ("reason", "command", "files", "held"),
    [
        ("the root's", "bun install", {"package.json": SCRIPT}, True),
        ("a member's", "bun install", {**WORKSPACE, "packages/a/package.json": SCRIPT}, True),
        ("left out", "bun install --ignore-scripts", {"package.json": SCRIPT}, False),
        ("known", "bun install", {"package.json": {"scripts": {"prepare": "bunx husky"}}}, False),
        ("a script by name", "bun install",
         {"package.json": {"scripts": {"prepare": "bun run x", "x": "echo"}}}, False),
        ("dependencies'", "bun install", {"package.json": NEEDS, "nx.json": ""}, True),
        ("dependencies' that are not trusted", "bun install",
         {"package.json": {**NEEDS, "trustedDependencies": []}, "nx.json": ""}, False),
    ],
)  # fmt: skip
def test_scripts(ask: Any, reason: str, command: str, files: dict[str, Any], held: bool) -> None:
    answer = ask(bun, command, {**PLAIN, **files})

    assert (getattr(answer, "code", None) == "install-script-reads-source") == held, answer


@pytest.mark.parametrize(
    ("reason", "command", "files", "code", "place"),
    [
        ("no manifest", "bun install", {"src/x.ts": ""}, "manifest-outside-copy",
         ("/app/package.json", None)),
        ("no lockfile", "bun install --frozen-lockfile", {"package.json": {}}, "missing-lockfile",
         ("/app/bun.lock", None)),
        ("settings are no TOML", "bun install", {**PLAIN, "bunfig.toml": "[install]\na = \n"},
         "unreadable-manifest", ("/app/bunfig.toml", 2)),
        ("takes over pnpm's workspace", "bun install", {"package.json": {}, "pnpm-lock.yaml": ""},
         "install-edits-manifest", ("/app/pnpm-lock.yaml", None)),
        ("host packages", "bun install", {**PLAIN, "node_modules/a/x.js": ""},
         "installed-packages-in-context", ("/app/node_modules", None)),
    ],
)  # fmt: skip
def test_obstacles_name_file_and_line(
    ask: Any, reason: str, command: str, files: dict[str, Any], code: str,
    place: tuple[str | None, int | None],
) -> None:  # fmt: skip
    answer = ask(bun, command, files)

    assert isinstance(answer, Obstacle), reason
    assert (answer.code, (answer.path, answer.line)) == (code, place), answer.reason
