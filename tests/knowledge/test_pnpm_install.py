"""pnpm: which commands install, and what they read, write, rewrite, or why that is not known."""

from __future__ import annotations

from typing import Any

import pytest

from optimizer.knowledge.installs import Inputs, Install, Obstacle
from optimizer.knowledge.node import pnpm

LOCK = "lockfileVersion: '9.0'\n\nimporters:\n\n  .: {}\n"
PLAIN = {"package.json": {"name": "app"}, "pnpm-lock.yaml": LOCK, "src/index.js": ""}
READS = ("/app/package.json", "/app/pnpm-lock.yaml")
WORKSPACE = {
    **PLAIN,
    "pnpm-workspace.yaml": "packages:\n  - packages/*\n  - '!packages/x'\n  - '!**/test/**'\n",
    "packages/a/package.json": {"name": "a", "bin": "cli.js"},
    "packages/a/cli.js": "",
    "packages/a/src.js": "",
    "packages/a/.npmrc": "",
    "packages/x/package.json": {"name": "x"},
    "packages/test/package.json": {"name": "test"},
}


@pytest.mark.parametrize(
    "command",
    [
        "pnpm install", "pnpm i", "pnpm i --frozen-lockfile", "pnpm install --prod",
        "pnpm install --frozen-lockfile --prefer-offline --ignore-scripts", "pnpm ci",
        "pnpm fetch", "pnpm fetch --prod", "pnpm -r install", "pnpm recursive install",
        "pnpm --filter web install", "pnpm -F web... install", "pnpm install -P --offline",
        "pnpm -C web i", "pnpm --dir web i", "pnpm install --no-optional --no-frozen-lockfile",
        "pnpm i --shamefully-hoist --reporter=append-only", "pnpm install --store-dir /s",
        "pnpm i --config.node-linker=hoisted", "pnpm -w install", "pnpm add left-pad",
    ],
)  # fmt: skip
def test_installs_are_recognised(recognise: Any, command: str) -> None:
    answer = recognise(pnpm, command)

    assert isinstance(answer, Install)
    assert answer.ecosystem == "pnpm"


@pytest.mark.parametrize(
    "command",
    ["pnpm build", "pnpm run build", "pnpm -r build", "pnpm --filter web run build", "pnpm test",
     "pnpm add -g turbo", "pnpm --version", "pnpm store prune", "pnpm rebuild", "pnpm exec tsc",
     "pnpm prune --prod", "pnpm config set store-dir /s", "npm ci", "pnpm install --help"],
)  # fmt: skip
def test_other_commands_are_not_ours(recognise: Any, command: str) -> None:
    assert recognise(pnpm, command) is None


@pytest.mark.parametrize(
    ("command", "env", "code"),
    [
        ("pnpm install --frobnicate", {}, "unknown-install-flag"),
        ("pnpm deploy --filter=web --prod /out", {}, "project-install"),
        ("pnpm --filter web deploy /out", {}, "project-install"),
        ("pnpm link", {}, "project-install"),
        ("pnpm it", {}, "install-runs-tests"),
        ("pnpm update", {}, "install-edits-manifest"),
        ("pnpm remove x", {}, "install-edits-manifest"),
        ("pnpm i", {"NODE_OPTIONS": "-r ./x.js"}, "config-reads-source"),
    ],
)
def test_commands_that_read_more_are_obstacles(
    recognise: Any, command: str, env: dict[str, str], code: str
) -> None:
    answer = recognise(pnpm, command, env=env)

    assert isinstance(answer, Obstacle)
    assert answer.code == code


@pytest.mark.parametrize(
    ("reason", "command", "files", "more"),
    [
        ("plain", "pnpm i", {}, []),
        ("settings", "pnpm i", {".npmrc": "", "/root/.npmrc": "", "/root/.config/pnpm/rc": ""},
         [".npmrc", "/root/.npmrc", "/root/.config/pnpm/rc"]),
        ("hooks", "pnpm i", {".pnpmfile.cjs": "module.exports = {}"}, [".pnpmfile.cjs"]),
        ("hooks of another name", "pnpm i",
         {".npmrc": "pnpmfile=hooks/p.cjs\n", "hooks/p.cjs": "", ".pnpmfile.cjs": ""},
         [".npmrc", "hooks/p.cjs"]),
        ("hooks left out", "pnpm i --ignore-pnpmfile", {".pnpmfile.cjs": "require('./x')"}, []),
        ("patches, pnpm 9", "pnpm i",
         {"package.json": {"pnpm": {"patchedDependencies": {"a@1": "patches/a.patch"}}},
          "patches/a.patch": "", "patches/unused.patch": ""}, ["patches/a.patch"]),
        ("patches, pnpm 10", "pnpm i",
         {"pnpm-workspace.yaml": "patchedDependencies:\n  a@1: patches/a.patch\n",
          "patches/a.patch": ""}, ["pnpm-workspace.yaml", "patches/a.patch"]),
        ("a list of builds", "pnpm i",
         {"package.json": {"pnpm": {"onlyBuiltDependenciesFile": "b.json"}}, "b.json": ""},
         ["b.json"]),
        ("an archive", "pnpm i",
         {"package.json": {"dependencies": {"t": "file:t.tgz"}}, "t.tgz": b""}, ["t.tgz"]),
        ("an archive by override", "pnpm i",
         {"package.json": {"pnpm": {"overrides": {"t": "file:t.tgz"}}}, "t.tgz": b""}, ["t.tgz"]),
        ("an archive by override, pnpm 10", "pnpm i",
         {"pnpm-workspace.yaml": "overrides:\n  t: file:t.tgz\n", "t.tgz": b""},
         ["pnpm-workspace.yaml", "t.tgz"]),
        ("a link needs manifest and programs", "pnpm i",
         {"package.json": {"dependencies": {"l": "link:l"}}, "l/package.json": {"bin": "x.js"},
          "l/x.js": "", "l/y.js": ""}, ["l/package.json", "l/x.js"]),
        ("a bare path is a link", "pnpm i",
         {"package.json": {"dependencies": {"l": "./l"}}, "l/package.json": {}, "l/y.js": ""},
         ["l/package.json"]),
        ("members", "pnpm i", WORKSPACE,
         ["pnpm-workspace.yaml", "packages/a/package.json", "packages/a/cli.js",
          "packages/a/.npmrc"]),
        ("other package managers' files are not read", "pnpm i",
         {"yarn.lock": "", "package-lock.json": "{", ".yarnrc.yml": "", "bunfig.toml": ""}, []),
        ("workspaces in package.json count for nothing", "pnpm i",
         {"package.json": {"workspaces": ["a"]}, "a/package.json": {}}, []),
    ],
)  # fmt: skip
def test_reads(ask: Any, reason: str, command: str, files: dict[str, Any], more: list[str]) -> None:
    answer = ask(pnpm, command, {**PLAIN, **files})

    assert isinstance(answer, Inputs), answer
    assert set(answer.reads) == {
        *READS, *(path if path.startswith("/") else f"/app/{path}" for path in more)
    }, reason  # fmt: skip


def test_fetch_reads_no_manifests_of_members(ask: Any) -> None:
    lock = LOCK + (
        "patchedDependencies:\n  a@1:\n    hash: x\n    path: patches/a.patch\n\n"
        "packages:\n\n  t@file:v/t.tgz:\n    resolution: {tarball: file:v/t.tgz}\n"
    )
    lock += "  l@file:l:\n    resolution: {directory: l, type: directory}\n"
    files = {**WORKSPACE, "pnpm-lock.yaml": lock, "patches/a.patch": "", "v/t.tgz": b"",
             "patches/b.patch": "", "l/x.js": ""}  # fmt: skip
    answer = ask(pnpm, "pnpm fetch", files)

    assert set(answer.reads) == {
        *READS, "/app/pnpm-workspace.yaml", "/app/patches/a.patch", "/app/v/t.tgz"
    }  # fmt: skip
    assert answer.rewrites == ()
    assert answer.trees == ("/app/l",)


def test_fetch_needs_the_lockfile_alone(ask: Any) -> None:
    assert ask(pnpm, "pnpm fetch", {"pnpm-lock.yaml": LOCK}).reads == ("/app/pnpm-lock.yaml",)


def test_a_member_installs_from_its_root(ask: Any) -> None:
    answer = ask(pnpm, "pnpm i", WORKSPACE, directory="/app/packages/a")

    assert {*READS, "/app/pnpm-workspace.yaml"} <= {*answer.reads}
    assert {"/app/node_modules", "/app/packages/a/node_modules"} <= {*answer.writes}


def test_a_directory_copied_as_dependency_is_read_whole(ask: Any) -> None:
    files = {**PLAIN, "package.json": {"dependencies": {"l": "file:l"}},
             "l/package.json": {"bin": "x.js"}, "l/x.js": "", "l/y.js": ""}  # fmt: skip
    answer = ask(pnpm, "pnpm i --frozen-lockfile", files)

    assert answer.trees == ("/app/l",)
    assert answer.rewrites == ("/app/l/x.js",)


@pytest.mark.parametrize(
    ("command", "files", "env", "rewrites"),
    [
        ("pnpm i", {}, {}, ["/app/pnpm-lock.yaml"]),
        ("pnpm i --frozen-lockfile", {}, {}, []),
        ("pnpm i", {}, {"CI": "true"}, []),
        ("pnpm i --no-frozen-lockfile", {}, {"CI": "true"}, ["/app/pnpm-lock.yaml"]),
        ("pnpm i", {".npmrc": "frozen-lockfile=true\n"}, {}, []),
        ("pnpm i", {".npmrc": "lockfile=false\n"}, {}, []),
        ("pnpm i", {"pnpm-workspace.yaml": "lockfile: false\n"}, {}, []),
        ("pnpm ci", {}, {}, []),
    ],
)
def test_what_an_install_writes_anew(
    ask: Any, command: str, files: dict[str, Any], env: dict[str, str], rewrites: list[str]
) -> None:
    answer = ask(pnpm, command, {**PLAIN, **files}, env=env)

    assert isinstance(answer, Inputs), answer
    assert list(answer.rewrites) == rewrites


SCRIPT = {"scripts": {"prepare": "node x.js"}}
NEEDS = {"dependencies": {"nx": "20"}}


@pytest.mark.parametrize(
    ("reason", "command", "files", "held"),
    [
        ("the root's", "pnpm i", {"package.json": SCRIPT}, True),
        ("a member's", "pnpm i", {**WORKSPACE, "packages/a/package.json": SCRIPT}, True),
        ("one that no install runs", "pnpm i",
         {"package.json": {"scripts": {"prepublish": "node x.js"}}}, False),
        ("a link's are not run", "pnpm i",
         {"package.json": {"dependencies": {"l": "link:l"}}, "l/package.json": SCRIPT}, False),
        ("left out", "pnpm i --ignore-scripts", {"package.json": SCRIPT}, False),
        ("left out by setting", "pnpm i",
         {"package.json": SCRIPT, "pnpm-workspace.yaml": "ignoreScripts: true\n"}, False),
        ("known", "pnpm i",
         {"package.json": {"scripts": {"preinstall": "npx only-allow pnpm",
                                       "postinstall": "pnpm exec patch-package"}}}, False),
        ("dependencies' before pnpm 10", "pnpm i",
         {"package.json": {**NEEDS, "packageManager": "pnpm@9.1.0"}, "nx.json": ""}, True),
        ("dependencies' since", "pnpm i",
         {"package.json": {**NEEDS, "packageManager": "pnpm@10.1.0"}, "nx.json": ""}, False),
        ("dependencies' that are allowed", "pnpm i",
         {"package.json": {**NEEDS, "packageManager": "pnpm@10.1.0"}, "nx.json": "",
          "pnpm-workspace.yaml": "onlyBuiltDependencies:\n  - nx\n"}, True),
        ("dependencies' that are allowed in package.json", "pnpm i",
         {"package.json": {**NEEDS, "packageManager": "pnpm@10.1.0",
                           "pnpm": {"onlyBuiltDependencies": ["nx"]}}, "nx.json": ""}, True),
        ("all of them", "pnpm i",
         {"package.json": {**NEEDS, "packageManager": "pnpm@10.1.0"}, "nx.json": "",
          "pnpm-workspace.yaml": "dangerouslyAllowAllBuilds: true\n"}, True),
    ],
)  # fmt: skip
def test_scripts(ask: Any, reason: str, command: str, files: dict[str, Any], held: bool) -> None:
    answer = ask(pnpm, command, {**PLAIN, **files})

    assert (getattr(answer, "code", None) == "install-script-reads-source") == held, answer


@pytest.mark.parametrize(
    ("reason", "command", "files", "code", "place"),
    [
        ("no manifest", "pnpm i", {"pnpm-lock.yaml": LOCK}, "manifest-outside-copy",
         ("/app/package.json", None)),
        ("truncated", "pnpm i", {**PLAIN, "package.json": '{\n "name":\n'}, "unreadable-manifest",
         ("/app/package.json", 3)),
        ("no lockfile", "pnpm i --frozen-lockfile", {"package.json": {}}, "missing-lockfile",
         ("/app/pnpm-lock.yaml", None)),
        ("no lockfile to fetch", "pnpm fetch", {"package.json": {}}, "missing-lockfile",
         ("/app/pnpm-lock.yaml", None)),
        ("merge left open", "pnpm i", {**PLAIN, "pnpm-lock.yaml": "a:\n>>>>>>> theirs\n"},
         "unreadable-manifest", ("/app/pnpm-lock.yaml", 2)),
        ("too large", "pnpm i", {**PLAIN, "pnpm-lock.yaml": None}, "unreadable-manifest",
         ("/app/pnpm-lock.yaml", None)),
        ("workspace is no YAML", "pnpm i", {**PLAIN, "pnpm-workspace.yaml": "packages:\n - [a\n"},
         "unreadable-manifest", ("/app/pnpm-workspace.yaml", 3)),
        ("broken part of the lockfile", "pnpm fetch",
         {**PLAIN, "pnpm-lock.yaml": LOCK + "patchedDependencies:\n  a: [\n"},
         "unreadable-manifest", ("/app/pnpm-lock.yaml", 8)),
        ("hooks that load more", "pnpm i", {**PLAIN, ".pnpmfile.cjs": "require('./hooks')"},
         "config-reads-source", ("/app/.pnpmfile.cjs", None)),
        ("lockfiles by branch", "pnpm i", {**PLAIN, ".npmrc": "git-branch-lockfile=true"},
         "config-reads-source", (None, None)),
        ("members are copied", "pnpm i",
         {**WORKSPACE, "package.json": {"dependencies": {"a": "workspace:*"},
                                        "dependenciesMeta": {"a": {"injected": True}}}},
         "local-dependency", ("/app/package.json", 1)),
        ("all members are copied", "pnpm i",
         {**WORKSPACE, ".npmrc": "inject-workspace-packages=true"}, "local-dependency",
         ("/app/pnpm-workspace.yaml", None)),
        ("manifest in another form", "pnpm i", {**WORKSPACE, "packages/y/package.yaml": ""},
         "unreadable-manifest", ("/app/packages/y", None)),
        ("host packages", "pnpm i", {**WORKSPACE, "packages/a/node_modules/b/x.js": ""},
         "installed-packages-in-context", ("/app/packages/a/node_modules", None)),
        ("writes into a manifest", "pnpm add left-pad", PLAIN, "install-edits-manifest",
         ("/app/package.json", None)),
        ("workspace above", "pnpm i", {**PLAIN, "pnpm-workspace.yaml": "packages: [../x]\n"},
         "workspace-outside-root", ("/app/pnpm-workspace.yaml", None)),
    ],
)  # fmt: skip
def test_obstacles_name_file_and_line(
    ask: Any, reason: str, command: str, files: dict[str, Any], code: str,
    place: tuple[str | None, int | None],
) -> None:  # fmt: skip
    answer = ask(pnpm, command, files)

    assert isinstance(answer, Obstacle), reason
    assert (answer.code, (answer.path, answer.line)) == (code, place), answer.reason
    assert answer.reason.endswith(".")
    assert answer.unblock.endswith(".")


@pytest.mark.parametrize("name", ["package.json", "pnpm-lock.yaml", "pnpm-workspace.yaml"])
def test_a_linked_manifest_is_an_obstacle(ask: Any, link: Any, name: str) -> None:
    answer = ask(pnpm, "pnpm i", {**PLAIN, name: link("../x")})

    assert (answer.code, answer.path) == ("manifest-is-a-link", f"/app/{name}")


def test_a_large_lockfile_takes_little_time(ask: Any) -> None:
    entries = "".join(f"  p{n}@1.0.0:\n    resolution: {{integrity: x}}\n\n" for n in range(50_000))
    files = {**PLAIN, "pnpm-lock.yaml": f"{LOCK}\npackages:\n\n{entries}"}

    assert ask(pnpm, "pnpm fetch", files).reads == READS


def test_sources_are_never_opened(ask: Any) -> None:
    assert isinstance(ask(pnpm, "pnpm i", {**WORKSPACE, "packages/a/huge.js": None}), Inputs)


SCRIPTED = {**PLAIN, "package.json": {**SCRIPT, "packageManager": "pnpm@9.15.9"}}


@pytest.mark.parametrize(
    ("command", "files", "step"),
    [
        ("pnpm install --frozen-lockfile", SCRIPTED, "pnpm fetch"),
        ("pnpm i -P --store-dir /s", SCRIPTED, "pnpm fetch --prod --store-dir=/s"),
        ("pnpm -C . i --prefer-offline", SCRIPTED, "pnpm fetch --dir=."),
        ("pnpm --filter web deploy --prod /out", PLAIN, None),
        ("pnpm install", {**PLAIN, "package.json": SCRIPT}, None),
        (
            "pnpm install",
            {**PLAIN, "package.json": {**SCRIPT, "packageManager": "pnpm@10.1.0"}},
            None,
        ),
        ("pnpm install", PLAIN, None),
        ("pnpm install --offline", SCRIPTED, None),
        ("pnpm --filter web install", SCRIPTED, None),
        ("pnpm install --no-optional", SCRIPTED, None),
        ("pnpm install --frobnicate", SCRIPTED, None),
        ("pnpm install", {"package.json": SCRIPT}, None),
        ("pnpm build", SCRIPTED, None),
        ("npm ci", SCRIPTED, None),
    ],
)
def test_an_install_that_needs_sources_fetches_first(
    step_of: Any, command: str, files: dict[str, Any], step: str | None
) -> None:
    found = step_of(pnpm, command, files)

    assert (found.title if isinstance(found, Install) else found) == step
