"""yarn of both kinds: which commands install, and what they read, write, rewrite."""

from __future__ import annotations

import json
from typing import Any

import pytest

from optimizer.knowledge.installs import Inputs, Install, Obstacle, Touch
from optimizer.knowledge.node import yarn

V1 = '# yarn lockfile v1\n\n\na@^1.0.0, "a@^1.2.0":\n  version "1.2.0"\n'
BERRY = '# generated\n\n__metadata:\n  version: 8\n\n"app@workspace:.":\n  version: 0.0.0\n'


def formed(**manifest: Any) -> str:
    """A manifest in the form that Yarn writes."""
    return json.dumps(manifest, indent=2) + "\n"


CLASSIC = {"package.json": {"name": "app"}, "yarn.lock": V1, "src/index.js": ""}
MODULES = {
    "package.json": formed(name="app", packageManager="yarn@4.5.0"),
    "yarn.lock": BERRY,
    ".yarnrc.yml": "nodeLinker: node-modules\n",
    "src/index.js": "",
}
PNP = {**MODULES, ".yarnrc.yml": "enableTelemetry: false\n"}
READS = ("/app/package.json", "/app/yarn.lock")


@pytest.mark.parametrize(
    "command",
    [
        "yarn", "yarn install", "yarnpkg", "yarn --frozen-lockfile", "yarn install --immutable",
        "yarn install --production --frozen-lockfile --silent", "yarn -s --pure-lockfile",
        "yarn --network-timeout 600000", "yarn install --production=true --non-interactive",
        "yarn --cwd web install", "yarn --prod", "yarn install --immutable --inline-builds",
        "yarn workspaces focus --all --production", "yarn workspaces focus app",
        "yarn install --mode=skip-build", "yarn install --immutable --immutable-cache",
        "yarn install --check-cache",
        "yarn install --ignore-optional --no-progress --cache-folder /c", "yarn add left-pad",
    ],
)  # fmt: skip
def test_installs_are_recognised(recognise: Any, command: str) -> None:
    answer = recognise(yarn, command)

    assert isinstance(answer, Install)
    assert answer.ecosystem == "yarn"


@pytest.mark.parametrize(
    "command",
    ["yarn build", "yarn run build", "yarn test", "yarn --version", "yarn global add serve",
     "yarn config set registry https://r", "yarn cache clean", "yarn dlx x", "npm ci", "yarn -v"],
)  # fmt: skip
def test_other_commands_are_not_ours(recognise: Any, command: str) -> None:
    assert recognise(yarn, command) is None


@pytest.mark.parametrize("command", ["yarn set version 4.3.1", "yarn plugin import constraints"])
def test_commands_that_set_yarn_up_touch_the_project(recognise: Any, command: str) -> None:
    answer = recognise(yarn, command)

    assert isinstance(answer, Touch)
    assert {"/app/.yarnrc.yml", "/app/package.json"} <= {*answer.reads} & {*answer.writes}


@pytest.mark.parametrize(
    ("command", "env", "code"),
    [
        ("yarn --frobnicate", {}, "unknown-install-flag"),
        ("yarn remove x", {}, "install-edits-manifest"),
        ("yarn upgrade", {}, "install-edits-manifest"),
        ("yarn dedupe", {}, "install-edits-manifest"),
        ("yarn link", {}, "project-install"),
        ("yarn", {"NODE_OPTIONS": "--require ./x.js"}, "config-reads-source"),
    ],
)
def test_commands_that_read_more_are_obstacles(
    recognise: Any, command: str, env: dict[str, str], code: str
) -> None:
    answer = recognise(yarn, command, env=env)

    assert isinstance(answer, Obstacle)
    assert answer.code == code


@pytest.mark.parametrize(
    ("reason", "base", "command", "files", "more"),
    [
        ("plain", CLASSIC, "yarn", {}, []),
        (".npmrc and .yarnrc", CLASSIC, "yarn", {".npmrc": "", ".yarnrc": ""},
         [".npmrc", ".yarnrc"]),
        ("settings above", CLASSIC, "yarn", {"/.npmrc": "", "/root/.yarnrc": ""},
         ["/.npmrc", "/root/.yarnrc"]),
        ("named settings", CLASSIC, "yarn --use-yarnrc conf/y", {"conf/y": ""}, ["conf/y"]),
        ("a program of the project", CLASSIC, "yarn",
         {".yarnrc": 'yarn-path ".yarn/releases/yarn-1.22.19.cjs"\n',
          ".yarn/releases/yarn-1.22.19.cjs": "", ".yarn/releases/other.cjs": ""},
         [".yarnrc", ".yarn/releases/yarn-1.22.19.cjs"]),
        ("what autoclean deletes", CLASSIC, "yarn", {".yarnclean": ""}, [".yarnclean"]),
        ("a link needs the manifest alone", CLASSIC, "yarn",
         {"package.json": {"dependencies": {"l": "link:l"}}, "l/package.json": {"bin": "x.js"},
          "l/x.js": ""}, ["l/package.json"]),
        ("an archive", CLASSIC, "yarn",
         {"package.json": {"dependencies": {"t": "./t.tgz"}}, "t.tgz": b""}, ["t.tgz"]),
        ("the other kind's settings are not read", CLASSIC, "yarn",
         {"bunfig.toml": "", "pnpm-workspace.yaml": "", ".yarnrc.yml": ""}, []),
        ("berry", MODULES, "yarn install --immutable", {}, [".yarnrc.yml"]),
        ("a release, a plugin, patches", MODULES, "yarn",
         {"package.json": formed(
             name="app",
             dependencies={"a": "patch:a@npm%3A1.0.0#~/.yarn/patches/a.patch::version=1",
                           "b": "patch:b@1#./b.patch&builtin<compat/b>"},
             resolutions={"c@^1": "patch:c@npm:1#optional!.yarn/patches/c.patch",
                          "d": "patch:d@patch%3Ad@1%23.yarn/patches/e.patch#d.patch"}),
          ".yarnrc.yml": "nodeLinker: node-modules\nyarnPath: .yarn/releases/yarn-4.5.0.cjs\n"
                         "plugins:\n  - path: .yarn/plugins/@yarnpkg/plugin-version.cjs\n"
                         "    spec: '@yarnpkg/plugin-version'\n",
          ".yarn/releases/yarn-4.5.0.cjs": "", ".yarn/plugins/@yarnpkg/plugin-version.cjs": "",
          ".yarn/patches/a.patch": "", "b.patch": "", ".yarn/patches/c.patch": "",
          ".yarn/patches/e.patch": "", "d.patch": "", ".yarn/patches/unused.patch": ""},
         [".yarnrc.yml", ".yarn/releases/yarn-4.5.0.cjs",
          ".yarn/plugins/@yarnpkg/plugin-version.cjs", ".yarn/patches/a.patch", "b.patch",
          ".yarn/patches/c.patch", ".yarn/patches/e.patch", "d.patch"]),
        ("certificates", MODULES, "yarn",
         {".yarnrc.yml": "nodeLinker: node-modules\nhttpsCaFilePath: ca.pem\n", "ca.pem": ""},
         [".yarnrc.yml", "ca.pem"]),
        ("environment files", MODULES, "yarn", {".env.yarn": "", ".env": ""},
         [".yarnrc.yml", ".env.yarn"]),
        ("constraints that are checked", MODULES, "yarn",
         {".yarnrc.yml": "nodeLinker: node-modules\nenableConstraintsChecks: true\n",
          "yarn.config.cjs": "module.exports = {constraints: async ({Yarn}) => {}}"},
         [".yarnrc.yml", "yarn.config.cjs"]),
        ("constraints that are not", MODULES, "yarn", {"yarn.config.cjs": "require('./x')"},
         [".yarnrc.yml"]),
    ],
)  # fmt: skip
def test_reads(
    ask: Any, reason: str, base: dict[str, Any], command: str, files: dict[str, Any],
    more: list[str],
) -> None:  # fmt: skip
    answer = ask(yarn, command, {**base, **files})

    assert isinstance(answer, Inputs), answer
    assert set(answer.reads) == {
        *READS, *(path if path.startswith("/") else f"/app/{path}" for path in more)
    }, reason  # fmt: skip


WORKSPACE = {
    "package.json": formed(
        name="app", private=True, workspaces=["packages/*"], packageManager="yarn@4.0.0"
    ),
    "yarn.lock": BERRY,
    "packages/a/package.json": formed(name="a", workspaces=["deep/*"]),
    "packages/a/deep/x/package.json": formed(name="x"),
    "packages/a/cli.js": "",
    "packages/a/src.js": "",
}


def test_berry_has_workspaces_in_workspaces(ask: Any) -> None:
    answer = ask(yarn, "yarn", {**WORKSPACE, ".yarnrc.yml": "nodeLinker: node-modules\n"})

    assert {"/app/packages/a/package.json", "/app/packages/a/deep/x/package.json"} <= {
        *answer.reads
    }
    assert "/app/packages/a/deep/x/node_modules" in answer.writes


def test_classic_has_not_and_knows_no_exclusions(ask: Any) -> None:
    root = {"workspaces": {"packages": ["packages/*", "!packages/a"]}, "private": True}
    answer = ask(yarn, "yarn", {**WORKSPACE, "package.json": root, "yarn.lock": V1})

    assert "/app/packages/a/package.json" in answer.reads
    assert "/app/packages/a/deep/x/package.json" not in answer.reads


@pytest.mark.parametrize("lock", [V1, BERRY])
def test_a_member_installs_from_its_root(ask: Any, lock: str) -> None:
    manifest = formed(name="app", workspaces=["packages/*"])
    member = {"packages/a/package.json": formed(name="a")}
    files = {**WORKSPACE, **member, "package.json": manifest, "yarn.lock": lock}
    answer = ask(yarn, "yarn", files, directory="/app/packages/a")

    assert set(READS) <= {*answer.reads}


def test_a_directory_of_its_own_is_named_by_cwd(ask: Any) -> None:
    files = {f"web/{name}": text for name, text in CLASSIC.items()}
    answer = ask(yarn, "yarn --cwd web --frozen-lockfile", {**files, "package.json": {}})

    assert answer.reads == ("/app/web/package.json", "/app/web/yarn.lock")


@pytest.mark.parametrize(
    ("reason", "files", "berry"),
    [
        ("packageManager says so", {"package.json": {"packageManager": "yarn@3.2.1"}}, True),
        ("packageManager, old", {"package.json": {"packageManager": "yarn@1.22.19"}}, False),
        ("settings", {"package.json": {}, ".yarnrc.yml": ""}, True),
        # Yarn 1 leaves them unread, and Yarn 2 would have converted the lockfile.
        ("settings, old lockfile", {"package.json": {}, ".yarnrc.yml": "", "yarn.lock": V1}, False),
        (
            "settings that name the program",
            {
                "package.json": {},
                ".yarnrc.yml": "yarnPath: .yarn/releases/yarn-4.5.0.cjs\n",
                ".yarn/releases/yarn-4.5.0.cjs": "",
                "yarn.lock": V1,
            },
            True,
        ),
        ("lockfile", {"package.json": {}, "yarn.lock": BERRY}, True),
        ("old lockfile", {"package.json": {}, "yarn.lock": V1}, False),
        ("nothing", {"package.json": {}}, False),
    ],
)
def test_which_yarn_it_is(ask: Any, reason: str, files: dict[str, Any], berry: bool) -> None:
    answer = ask(yarn, "yarn", files)

    assert ("/app/.pnp.cjs" in answer.writes) == berry, reason


@pytest.mark.parametrize(
    ("base", "command", "env", "rewrites"),
    [
        (CLASSIC, "yarn", {}, ["/app/yarn.lock"]),
        (CLASSIC, "yarn --frozen-lockfile", {}, []),
        (CLASSIC, "yarn --pure-lockfile", {}, []),
        (CLASSIC, "yarn --no-lockfile", {}, []),
        ({**CLASSIC, ".yarnrc": "--install.frozen-lockfile true\n"}, "yarn", {}, []),
        (MODULES, "yarn", {}, ["/app/yarn.lock"]),
        (MODULES, "yarn", {"CI": "1"}, []),
        (MODULES, "yarn --immutable", {}, []),
        (MODULES, "yarn workspaces focus", {}, []),
        ({**MODULES, "package.json": {"name": "app", "packageManager": "yarn@4.5.0"}},
         "yarn --immutable", {}, ["/app/package.json"]),
        ({**MODULES, "package.json": formed(dependencies={"b": "1", "a": "1"},
                                            packageManager="yarn@4.5.0")},
         "yarn --immutable", {}, ["/app/package.json"]),
    ],
)  # fmt: skip
def test_what_an_install_writes_anew(
    ask: Any, base: dict[str, Any], command: str, env: dict[str, str], rewrites: list[str]
) -> None:
    answer = ask(yarn, command, base, env=env)

    assert isinstance(answer, Inputs), answer
    assert list(answer.rewrites) == rewrites


@pytest.mark.parametrize(
    ("settings", "manager", "tree"),
    [
        ("enableGlobalCache: false\n", "yarn@4.0.0", True),
        ("", "yarn@3.6.0", True),
        ("", "yarn@4.0.0", False),
        ("enableGlobalCache: true\n", "yarn@3.6.0", False),
    ],
)
def test_archives_in_the_project_are_read_whole(
    ask: Any, settings: str, manager: str, tree: bool
) -> None:
    files = {
        **PNP, "package.json": formed(packageManager=manager), ".yarnrc.yml": settings,
        ".yarn/cache/a-npm-1.zip": b"",
    }  # fmt: skip
    answer = ask(yarn, "yarn --immutable", files)

    assert answer.trees == (("/app/.yarn/cache",) if tree else ())
    assert ("/app/.yarn/cache" in answer.rewrites) == tree


def test_plug_and_play_reads_no_programs_and_writes_its_loader(ask: Any) -> None:
    member = {"packages/a/package.json": formed(name="a", bin={"a": "cli.js"})}
    pnp = ask(yarn, "yarn", {**WORKSPACE, **member})
    modules = ask(yarn, "yarn", {**WORKSPACE, **member, ".yarnrc.yml": "nodeLinker: node-modules"})

    assert "/app/packages/a/cli.js" not in pnp.reads
    assert "/app/packages/a/cli.js" in {*modules.reads} & {*modules.rewrites}
    assert "/app/.pnp.cjs" in pnp.writes
    assert "/app/node_modules" not in pnp.writes
    assert "/app/.pnp.cjs" not in modules.writes


def test_a_project_that_does_not_say_which_yarn_may_get_modules(ask: Any) -> None:
    unsaid = {"package.json": formed(name="app"), "yarn.lock": BERRY, ".yarnrc.yml": ""}
    answer = ask(yarn, "yarn", unsaid)

    assert {"/app/.pnp.cjs", "/app/node_modules"} <= {*answer.writes}
    assert "/app/node_modules" not in ask(yarn, "yarn", PNP).writes


SCRIPT = {"prepare": "node build.js"}


@pytest.mark.parametrize(
    ("reason", "command", "env", "files", "held"),
    [
        ("prepare runs", "yarn", {}, {**CLASSIC, "package.json": {"scripts": SCRIPT}}, True),
        ("not in production", "yarn --production", {},
         {**CLASSIC, "package.json": {"scripts": SCRIPT}}, False),
        ("by variable", "yarn", {"NODE_ENV": "production"},
         {**CLASSIC, "package.json": {"scripts": SCRIPT}}, False),
        ("unless told otherwise", "yarn --production=false", {"NODE_ENV": "production"},
         {**CLASSIC, "package.json": {"scripts": SCRIPT}}, True),
        ("left out", "yarn --ignore-scripts", {},
         {**CLASSIC, "package.json": {"scripts": SCRIPT}}, False),
        ("classic runs none of members", "yarn", {},
         {**CLASSIC, "package.json": {"workspaces": ["a"]},
          "a/package.json": {"scripts": {"postinstall": "node x.js"}}}, False),
        ("berry does", "yarn", {},
         {**MODULES, "package.json": formed(packageManager="yarn@4.0.0", workspaces=["a"]),
          "a/package.json": formed(scripts={"postinstall": "node x.js"})}, True),
        ("berry knows no prepare", "yarn", {},
         {**MODULES, "package.json": formed(packageManager="yarn@4.0.0", scripts=SCRIPT)}, False),
        ("berry without builds", "yarn install --mode=skip-build", {},
         {**MODULES, "package.json": formed(packageManager="yarn@4.0.0",
                                            scripts={"postinstall": "node x.js"})}, False),
        ("known scripts", "yarn", {},
         {**CLASSIC, "package.json": {"scripts": {"postinstall": "yarn fix", "fix": "patch-package",
                                                  "prepare": "yarn husky install"}}}, False),
        ("scripts that run themselves", "yarn", {},
         {**CLASSIC, "package.json": {"scripts": {"postinstall": "yarn postinstall"}}}, True),
    ],
)  # fmt: skip
def test_scripts(
    ask: Any, reason: str, command: str, env: dict[str, str], files: dict[str, Any], held: bool
) -> None:
    answer = ask(yarn, command, files, env=env)

    assert (getattr(answer, "code", None) == "install-script-reads-source") == held, answer


def test_a_script_may_install_elsewhere(ask: Any) -> None:
    files = {
        **CLASSIC,
        "package.json": {"scripts": {"postinstall": "cd web && yarn && cd ../api && pnpm i"}},
        "web/package.json": {"scripts": {"postinstall": "cd .. && yarn"}},
        "web/yarn.lock": V1,
        "api/package.json": {},
        "api/pnpm-lock.yaml": "",
        "api/index.js": "",
    }
    answer = ask(yarn, "yarn", files)

    assert set(answer.reads) == {
        *READS, "/app/web/package.json", "/app/web/yarn.lock", "/app/api/package.json",
        "/app/api/pnpm-lock.yaml",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("reason", "command", "files", "code", "place"),
    [
        ("no manifest", "yarn", {"src/x.js": ""}, "manifest-outside-copy",
         ("/app/package.json", None)),
        ("truncated", "yarn", {**CLASSIC, "package.json": '{\n "name":\n'}, "unreadable-manifest",
         ("/app/package.json", 3)),
        ("merge left open", "yarn", {**CLASSIC, "yarn.lock": "a:\n<<<<<<< ours\nb:\n"},
         "unreadable-manifest", ("/app/yarn.lock", 2)),
        ("too large", "yarn", {**CLASSIC, "yarn.lock": None}, "unreadable-manifest",
         ("/app/yarn.lock", None)),
        ("not locked", "yarn --frozen-lockfile",
         {**CLASSIC, "package.json": '{"dependencies": {\n"a": "^1.0.0",\n"b": "^1"}}'},
         "lockfile-out-of-sync", ("/app/package.json", 3)),
        ("immutable without a lockfile", "yarn --immutable",
         {"package.json": {"packageManager": "yarn@4.0.0"}}, "missing-lockfile",
         ("/app/yarn.lock", None)),
        ("settings are no YAML", "yarn", {**MODULES, ".yarnrc.yml": "a: b\nc: {d\n"},
         "unreadable-manifest", ("/app/.yarnrc.yml", 3)),
        ("settings are no mapping", "yarn", {**MODULES, ".yarnrc.yml": "- a\n"},
         "unreadable-manifest", ("/app/.yarnrc.yml", 1)),
        ("a plugin of somebody's", "yarn",
         {**MODULES, ".yarnrc.yml": "plugins:\n  - path: .yarn/plugins/p.cjs\n    spec: https://h/p\n",
          ".yarn/plugins/p.cjs": ""}, "config-reads-source", ("/app/.yarn/plugins/p.cjs", None)),
        ("constraints that load more", "yarn",
         {**MODULES, ".yarnrc.yml": "enableConstraintsChecks: true\n",
          "yarn.config.cjs": "require('./rules')"},
         "config-reads-source", ("/app/yarn.config.cjs", None)),
        ("a generated package", "yarn",
         {**MODULES, "package.json": formed(packageManager="yarn@4.0.0",
                                            dependencies={"g": "exec:./g.js"}), "g.js": ""},
         "local-dependency", ("/app/package.json", None)),
        ("a directory that holds the project", "yarn",
         {**CLASSIC, "package.json": {"dependencies": {"up": "file:.."}},
          "/package.json": {"name": "up"}}, "local-dependency", ("/app/package.json", None)),
        ("host packages", "yarn", {**CLASSIC, "node_modules/a/x.js": ""},
         "installed-packages-in-context", ("/app/node_modules", None)),
        ("host packages, berry", "yarn", {**MODULES, "node_modules/a/x.js": ""},
         "installed-packages-in-context", ("/app/node_modules", None)),
        ("writes into a manifest", "yarn add left-pad", CLASSIC, "install-edits-manifest",
         ("/app/package.json", None)),
        ("compiles", "yarn", {**CLASSIC, "binding.gyp": ""}, "install-script-reads-source",
         ("/app/binding.gyp", None)),
        ("workspace above", "yarn", {**CLASSIC, "package.json": {"workspaces": ["../x"]}},
         "workspace-outside-root", ("/app/package.json", 1)),
    ],
)  # fmt: skip
def test_obstacles_name_file_and_line(
    ask: Any, reason: str, command: str, files: dict[str, Any], code: str,
    place: tuple[str | None, int | None],
) -> None:  # fmt: skip
    answer = ask(yarn, command, files)

    assert isinstance(answer, Obstacle), reason
    assert (answer.code, (answer.path, answer.line)) == (code, place), answer.reason
    assert answer.reason.endswith(".")
    assert answer.unblock.endswith(".")


@pytest.mark.parametrize("name", ["package.json", "yarn.lock", ".yarnrc.yml", ".npmrc"])
def test_a_linked_manifest_is_an_obstacle(ask: Any, link: Any, name: str) -> None:
    base = MODULES if name == ".yarnrc.yml" else CLASSIC

    answer = ask(yarn, "yarn", {**base, name: link("../x")})

    assert (answer.code, answer.path) == ("manifest-is-a-link", f"/app/{name}")


def test_yarn_add_where_no_manifest_was_copied_reads_nothing(ask: Any) -> None:
    answer = ask(yarn, "yarn add grunt", {"/src/package.json": {}}, directory="/tools")

    assert isinstance(answer, Inputs)
    assert answer.reads == ()


def test_sources_are_never_opened(ask: Any) -> None:
    for base in (CLASSIC, MODULES, PNP):
        assert isinstance(ask(yarn, "yarn", {**base, "src/huge.js": None}), Inputs)


def test_a_large_lockfile_takes_little_time(ask: Any) -> None:
    lock = V1 + "".join(f'"p{n}@^1.0.0", "p{n}@^1.2.0":\n  version "1"\n' for n in range(30_000))
    manifest = {"dependencies": {f"p{n}": "^1.0.0" for n in range(5_000)}}
    files = {"package.json": manifest, "yarn.lock": lock}

    assert ask(yarn, "yarn --frozen-lockfile", files).reads == READS


SCRIPTED = {
    **MODULES,
    "package.json": formed(packageManager="yarn@4.5.0", scripts={"postinstall": "node x.js"}),
}
OLD = {**CLASSIC, "package.json": {"scripts": {"postinstall": "node x.js"}}}


@pytest.mark.parametrize(
    ("command", "files", "step"),
    [
        ("yarn", SCRIPTED, "yarn install --mode=skip-build"),
        ("yarn install --immutable --inline-builds", SCRIPTED,
         "yarn install --immutable --mode=skip-build"),
        ("yarn", MODULES, None),
        ("yarn", OLD, None),
        ("yarn install --mode=skip-build", SCRIPTED, None),
        ("yarn workspaces focus", SCRIPTED, None),
        ("yarn", {**SCRIPTED, "package.json": formed(packageManager="yarn@2.4.3")}, None),
        ("yarn build", SCRIPTED, None),
    ],
)  # fmt: skip
def test_an_install_that_needs_sources_links_first(
    step_of: Any, command: str, files: dict[str, Any], step: str | None
) -> None:
    found = step_of(yarn, command, files)

    assert (found.title if isinstance(found, Install) else found) == step
