"""npm: which commands install, and what they read, write, rewrite, or why that is not known."""

from __future__ import annotations

import json
from typing import Any

import pytest

from optimizer.knowledge.installs import Inputs, Install, Obstacle, Touch
from optimizer.knowledge.node import npm


def lock(*packages: tuple[str, dict[str, Any]], form: int = 3, **root: Any) -> dict[str, Any]:
    return {"lockfileVersion": form, "packages": {"": {"name": "app", **root}, **dict(packages)}}


def package(name: str, **fields: Any) -> tuple[str, dict[str, Any]]:
    entry = {"version": "1.0.0", "resolved": f"https://r/{name}.tgz", "integrity": "sha512-x"}
    return f"node_modules/{name}", {**entry, **fields}


def linked(name: str, target: str, **fields: Any) -> tuple[tuple[str, Any], tuple[str, Any]]:
    return (f"node_modules/{name}", {"resolved": target, "link": True}), (target, fields)


PLAIN = {"package.json": {"name": "app"}, "package-lock.json": lock(), "src/index.js": ""}
MANIFESTS = ("/app/package-lock.json", "/app/package.json")


@pytest.mark.parametrize(
    "command",
    [
        "npm ci", "npm clean-install", "npm install-clean", "npm isntall-clean", "npm ic",
        "npm i", "npm install", "npm isntall", "npm add", "npm in", "/usr/local/bin/npm ci",
        "npm ci --omit=dev", "npm ci --only=production", "npm install --production",
        "npm install --production=false", "npm ci --ignore-scripts", "npm --prefix web ci",
        "npm ci --prefix web", "npm -C web ci", "npm ci --legacy-peer-deps --no-audit --silent",
        "npm ci -s", "npm install --unsafe-perm", "npm install --workspaces", "npm install -w a",
        "npm install --no-save", "npm install --package-lock-only", "npm install --no-package-lock",
        "npm install --only=dev", "npm install --loglevel=error --force", "npm install -f",
        "npm ci --cache /var/empty --omit=optional --force", "npm ci --omit dev", "npm i -Sf",
        "npm install left-pad --no-save", "npm install --save-dev cypress --ignore-scripts",
        "npm ci --no-progress --no-fund --prefer-offline", "npm cleanInstall",
    ],
)  # fmt: skip
def test_installs_are_recognised(recognise: Any, command: str) -> None:
    answer = recognise(npm, command)

    assert isinstance(answer, Install)
    assert (answer.ecosystem, answer.title.split()[0]) == ("npm", "npm")


@pytest.mark.parametrize(
    "command",
    [
        "npm install -g npm@latest", "npm i -g @nestjs/cli typescript ts-node", "npm i -gf yarn",
        "npm install --global --production x", "npm install gulp gulp-cli -g",
        "npm install --location=global x", "npm install x --location global",
        "npm uninstall -g yarn", "npm update -g npm", "npm config set registry https://r",
        "npm set progress=false", "npm cache clean --force", "npm -v", "npm --version",
        "npm root -g", "npm view left-pad version", "corepack enable", "corepack enable pnpm",
        "corepack prepare pnpm@9.1.0 --activate", "corepack disable", "npm i -g user/repo",
        "npm install -g git+https://github.com/a/b.git", "npm install --help",
    ],
)  # fmt: skip
def test_commands_that_leave_the_project_alone_are_touches(recognise: Any, command: str) -> None:
    assert isinstance(recognise(npm, command), Touch)


@pytest.mark.parametrize(
    "command",
    [
        "npm run build", "npm test", "npm start", "npm rebuild", "npm prune --production",
        "npm audit fix", "npm exec tsc", "npm", "npm pack", "npm publish", "yarn install",
        "npx tsc", "npmrc default", "corepack", "npm ls", "npm pkg set a=b",
    ],
)  # fmt: skip
def test_other_commands_are_not_ours(recognise: Any, command: str) -> None:
    assert not isinstance(recognise(npm, command), Install | Obstacle)


@pytest.mark.parametrize(
    ("command", "env", "code"),
    [
        ("npm install -g", {}, "project-install"),
        ("npm install -g .", {}, "project-install"),
        ("npm i -g ./tools/cli", {}, "project-install"),
        ("npm i -g /src/x.tgz", {}, "project-install"),
        ("npm i -g file:../x", {}, "project-install"),
        ("npm i -g a/b/c", {}, "project-install"),
        ("npm link", {}, "project-install"),
        ("npm it", {}, "install-runs-tests"),
        ("npm cit", {}, "install-runs-tests"),
        ("npm update", {}, "install-edits-manifest"),
        ("npm uninstall left-pad", {}, "install-edits-manifest"),
        ("npm dedupe", {}, "install-edits-manifest"),
        ("npm ci --frobnicate", {}, "unknown-install-flag"),
        ("npm install --frobnicate=yes", {}, "unknown-install-flag"),
        ("corepack use yarn@4", {}, "install-edits-manifest"),
        ("corepack prepare ./yarn.tgz", {}, "install-edits-manifest"),
        ("npm ci", {"NODE_OPTIONS": "--require ./trace.js"}, "config-reads-source"),
        ("npm ci", {"NODE_OPTIONS": "-r ./trace.js"}, "config-reads-source"),
        ("npm ci", {"NODE_OPTIONS": "--import=./trace.mjs"}, "config-reads-source"),
        ("npm i -g x", {"NODE_OPTIONS": "--env-file=.env"}, "config-reads-source"),
    ],
)  # fmt: skip
def test_commands_that_read_more_are_obstacles(
    recognise: Any, command: str, env: dict[str, str], code: str
) -> None:
    answer = recognise(npm, command, env=env)

    assert isinstance(answer, Obstacle)
    assert answer.code == code


def test_ordinary_node_options_do_not_matter(recognise: Any) -> None:
    env = {"NODE_OPTIONS": "--max-old-space-size=4096 --report-on-signal"}

    assert isinstance(recognise(npm, "npm ci", env=env), Install)


def test_a_plain_project_reads_manifest_and_lockfile(ask: Any) -> None:
    answer = ask(npm, "npm ci", PLAIN)

    assert isinstance(answer, Inputs)
    assert answer.reads == MANIFESTS
    assert answer.trees == answer.rewrites == answer.assumes == ()
    assert "/app/node_modules" in answer.writes


@pytest.mark.parametrize(
    ("reason", "command", "files", "reads"),
    [
        ("project .npmrc", "npm ci", {".npmrc": "registry=https://r\n"}, ["/app/.npmrc"]),
        ("user .npmrc", "npm ci", {"/root/.npmrc": "//r/:_authToken=${T}"}, ["/root/.npmrc"]),
        ("every home counts", "npm ci", {"/home/n/.npmrc": ""}, ["/home/n/.npmrc"]),
        ("certificates", "npm ci", {".npmrc": "cafile=certs/ca.pem", "certs/ca.pem": ""},
         ["/app/.npmrc", "/app/certs/ca.pem"]),
        ("client certificates", "npm ci", {".npmrc": "//r/:certfile=c.pem", "c.pem": ""},
         ["/app/.npmrc", "/app/c.pem"]),
        ("shrinkwrap wins", "npm ci", {"npm-shrinkwrap.json": lock()},
         ["/app/npm-shrinkwrap.json"]),
        ("yarn.lock steers npm install", "npm install", {"yarn.lock": ""}, ["/app/yarn.lock"]),
        (".nvmrc and sources are not read", "npm ci", {".nvmrc": "20", "tsconfig.json": ""}, []),
        ("yarn.lock does not steer npm ci", "npm ci", {"yarn.lock": ""}, []),
    ],
)  # fmt: skip
def test_configuration_is_read_where_it_is(
    ask: Any, reason: str, command: str, files: dict[str, Any], reads: list[str]
) -> None:
    answer = ask(npm, command, {**PLAIN, **files})

    assert isinstance(answer, Inputs), reason
    assert set(answer.reads) == {*MANIFESTS, *reads}


WORKSPACES = {
    "package.json": {"name": "app", "workspaces": ["packages/*", "apps/{web,api}", "!packages/x"]},
    "packages/a/package.json": {"name": "a", "version": "1.0.0"},
    "packages/a/src/index.js": "",
    "packages/x/package.json": {"name": "x"},
    "packages/.hidden/package.json": {"name": "h"},
    "packages/README.md": "",
    "packages/empty/notes.txt": "",
    "apps/web/package.json": {"name": "web", "version": "1.0.0"},
    "apps/api/package.json": {"name": "api", "version": "1.0.0"},
    "apps/other/package.json": {"name": "other"},
}


def test_workspaces_read_the_manifest_of_every_member(ask: Any) -> None:
    answer = ask(npm, "npm install", WORKSPACES)

    assert isinstance(answer, Inputs)
    assert answer.reads == (
        "/app/apps/api/package.json",
        "/app/apps/web/package.json",
        "/app/package.json",
        "/app/packages/a/package.json",
    )
    assert {"/app/node_modules", "/app/apps/web/node_modules"} <= set(answer.writes)


@pytest.mark.parametrize(
    ("patterns", "members"),
    [
        (["packages/**"], ["packages/a", "packages/a/deep/b"]),
        (["./packages/a"], ["packages/a"]),
        (["/packages/a/"], ["packages/a"]),
        (["packages/*/"], ["packages/a"]),
        (["packages/?"], ["packages/a"]),
        (["packages/**", "!packages/a/**"], []),
        (["packages/**", "!packages/a/**", "packages/a/deep/b"],
         ["packages/a", "packages/a/deep/b"]),
        (["!packages/a", "packages/*"], []),
        (["nowhere/*"], []),
        ({"packages": ["packages/a"]}, ["packages/a"]),
        ([], []),
    ],
)  # fmt: skip
def test_workspace_patterns(ask: Any, patterns: Any, members: list[str]) -> None:
    files = {
        "package.json": {"name": "app", "workspaces": patterns},
        "packages/a/package.json": {"name": "a"},
        "packages/a/deep/b/package.json": {"name": "b"},
    }
    answer = ask(npm, "npm install", files)

    assert isinstance(answer, Inputs)
    assert set(answer.reads) == {
        "/app/package.json",
        *(f"/app/{member}/package.json" for member in members),
    }


def test_a_member_installs_from_its_workspace_root(ask: Any) -> None:
    answer = ask(npm, "npm install", WORKSPACES, directory="/app/packages/a")

    assert isinstance(answer, Inputs)
    assert "/app/package.json" in answer.reads
    assert "/app/node_modules" in answer.writes


def test_a_directory_that_is_no_member_is_its_own_project(ask: Any) -> None:
    answer = ask(npm, "npm install", WORKSPACES, directory="/app/apps/other")

    assert isinstance(answer, Inputs)
    assert answer.reads == ("/app/apps/other/package.json",)


def test_prefix_names_the_project(ask: Any) -> None:
    files = {f"web/{name}": text for name, text in PLAIN.items()}
    answer = ask(npm, "npm --prefix web ci", {**PLAIN, **files})

    assert isinstance(answer, Inputs)
    assert answer.reads == ("/app/web/package-lock.json", "/app/web/package.json")


def test_a_subdirectory_without_manifest_belongs_to_the_project_above(ask: Any) -> None:
    answer = ask(npm, "npm ci", PLAIN, directory="/app/src")

    assert isinstance(answer, Inputs)
    assert answer.reads == MANIFESTS


def test_programs_of_members_are_read_and_made_executable(ask: Any) -> None:
    files = {
        "package.json": {"name": "app", "workspaces": ["a", "b", "c"], "bin": "root.js"},
        "root.js": "",
        "a/package.json": {"name": "a", "bin": "cli.js"},
        "a/cli.js": "",
        "b/package.json": {"name": "b", "bin": {"one": "./one.js", "built": "dist/two.js"}},
        "b/one.js": "",
        "c/package.json": {"name": "c", "directories": {"bin": "bin"}},
        "c/bin/three": "",
    }
    answer = ask(npm, "npm install", files)

    assert isinstance(answer, Inputs)
    programs = ("/app/a/cli.js", "/app/b/one.js", "/app/c/bin/three")
    assert answer.rewrites == programs
    assert set(programs) < set(answer.reads)
    assert "/app/root.js" not in answer.reads


@pytest.mark.parametrize(
    ("text", "not_executable"),
    [("#!/usr/bin/env node\n", {"/app/a/cli.js"}), ("#!/usr/bin/env node\r\nx\r\n", set())],
    ids=["mode", "line ends"],
)
def test_a_program_that_the_install_readies_stays_below_the_copy(
    ask: Any, text: str, not_executable: set[str]
) -> None:
    files = {
        "package.json": {"name": "app", "workspaces": ["a"]},
        "a/package.json": {"name": "a", "bin": "cli.js"},
        "a/cli.js": text,
    }

    answer = ask(npm, "npm install", files, not_executable=frozenset(not_executable))

    assert isinstance(answer, Obstacle)
    assert (answer.code, answer.path) == ("program-not-executable", "/app/a/cli.js")


def test_local_dependencies_are_read(ask: Any) -> None:
    files = {
        "package.json": {
            "name": "app",
            "dependencies": {"lib": "file:./lib", "t": "file:vendor/t.tgz", "gone": "file:gone"},
            "overrides": {"deep": {"er": "file:vendor/er.tgz"}},
        },
        "lib/package.json": {"name": "lib", "dependencies": {"two": "../two"}},
        "lib/index.js": "",
        "two/package.json": {"name": "two"},
        "vendor/t.tgz": b"\x1f\x8b",
        "vendor/er.tgz": b"\x1f\x8b",
        "vendor/other.tgz": b"",
    }
    answer = ask(npm, "npm install", files)

    assert isinstance(answer, Inputs)
    assert answer.trees == ("/app/lib", "/app/two")
    assert answer.reads == ("/app/package.json", "/app/vendor/er.tgz", "/app/vendor/t.tgz")
    assert "/app/lib/node_modules" in answer.writes


def test_local_paths_that_only_the_lockfile_knows_are_read(ask: Any) -> None:
    entries = (package("a", resolved="file:vendor/a.tgz"), *linked("b", "libs/b"))
    files = {
        "package.json": {"name": "app"},
        "package-lock.json": lock(*entries),
        "vendor/a.tgz": b"",
        "libs/b/package.json": {"name": "b"},
    }
    answer = ask(npm, "npm ci", files)

    assert isinstance(answer, Inputs)
    assert "/app/vendor/a.tgz" in answer.reads
    assert answer.trees == ("/app/libs/b",)


@pytest.mark.parametrize(
    ("reason", "manifest", "locked", "rewritten"),
    [
        (
            "current, version 3",
            {"dependencies": {"a": "^1"}},
            lock(package("a"), dependencies={"a": "^1"}),
            False,
        ),
        (
            "current, version 2",
            {"dependencies": {"a": "^1"}},
            lock(package("a"), form=2, dependencies={"a": "^1"}),
            False,
        ),
        ("same licence as an object", {"license": {"type": "MIT"}}, lock(license="MIT"), False),
        ("empty fields", {"dependencies": {}, "engines": {}}, lock(), False),
        (
            "optional counts once",
            {"optionalDependencies": {"a": "1"}, "dependencies": {"a": "1"}},
            lock(package("a"), optionalDependencies={"a": "1"}),
            False,
        ),
        ("program with ./", {"bin": {"x": "./x.js"}}, lock(bin={"x": "x.js"}), False),
        (
            "install script",
            {"scripts": {"postinstall": "echo"}},
            lock(hasInstallScript=True),
            False,
        ),
        (
            "bundled packages have no origin",
            {},
            lock(("node_modules/a", {"inBundle": True})),
            False,
        ),
        ("version 1", {}, {"lockfileVersion": 1, "dependencies": {}}, True),
        ("version unknown", {}, lock(form=4), True),
        ("new dependency", {"dependencies": {"a": "^1"}}, lock(), True),
        (
            "other range",
            {"dependencies": {"a": "^2"}},
            lock(package("a"), dependencies={"a": "^1"}),
            True,
        ),
        ("dependency gone", {}, lock(package("a"), dependencies={"a": "^1"}), True),
        ("new version of the project", {"version": "2.0.0"}, lock(version="1.0.0"), True),
        ("new engines", {"engines": {"node": ">=20"}}, lock(), True),
        ("renamed", {"name": "other"}, lock(), True),
        ("script added", {"scripts": {"install": "echo"}}, lock(), True),
        ("leftover package", {}, lock(package("a", extraneous=True)), True),
        ("no checksum", {}, lock(package("a", integrity="")), True),
        ("no origin", {}, lock(package("a", resolved="")), True),
    ],
)
def test_npm_install_rewrites_the_lockfile_and_says_how(
    ask: Any, reason: str, manifest: dict[str, Any], locked: dict[str, Any], rewritten: bool
) -> None:
    files = {"package.json": {"name": "app", **manifest}, "package-lock.json": locked}
    answer = ask(npm, "npm install", files)

    assert isinstance(answer, Inputs), reason
    assert answer.rewrites == ("/app/package-lock.json",)
    said = next(text for text in answer.assumes if text.startswith("/app/package-lock.json"))
    assert ("brings it up to date" in said) == rewritten
    assert ("agrees with the manifests" in said) != rewritten


STALE = {"package.json": {"name": "app"}, "package-lock.json": {"lockfileVersion": 1}}


@pytest.mark.parametrize(
    ("command", "files", "env"),
    [
        ("npm install --no-save", STALE, {}),
        ("npm install --no-package-lock", STALE, {}),
        ("npm install --package-lock=false", STALE, {}),
        ("npm install", {**STALE, ".npmrc": "package-lock=false"}, {}),
        ("npm install", STALE, {"NPM_CONFIG_PACKAGE_LOCK": "false"}),
        ("npm install", STALE, {"npm_config_save": "false"}),
        ("npm ci", STALE, {}),
    ],
)
def test_without_saving_no_lockfile_is_rewritten(
    ask: Any, command: str, files: dict[str, Any], env: dict[str, str]
) -> None:
    answer = ask(npm, command, files, env=env)

    assert isinstance(answer, Inputs)
    assert answer.rewrites == ()


def test_npm_install_rewrites_yarn_lock(ask: Any) -> None:
    answer = ask(npm, "npm install", {"package.json": {}, "yarn.lock": "x"})

    assert answer.rewrites == ("/app/yarn.lock",)


def test_a_missing_lockfile_is_said_and_written(ask: Any) -> None:
    answer = ask(npm, "npm install", {"package.json": {"name": "app"}})

    assert answer.rewrites == ()
    assert "/app/package-lock.json" in answer.writes
    assert any("Without a lockfile" in sentence for sentence in answer.assumes)


SCRIPTED = {"name": "app", "scripts": {"postinstall": "node build.js"}}


@pytest.mark.parametrize(
    ("reason", "command", "files", "code", "place"),
    [
        ("no lockfile", "npm ci", {"package.json": {}}, "missing-lockfile",
         ("/app/package-lock.json", None)),
        ("dependency not locked", "npm ci",
         {"package.json": '{\n "dependencies": {\n  "a": "^1"\n }\n}', "package-lock.json": lock()},
         "lockfile-out-of-sync", ("/app/package.json", 3)),
        ("other range locked", "npm ci",
         {"package.json": {"dependencies": {"a": "^2"}},
          "package-lock.json": lock(package("a"), dependencies={"a": "^1"})},
         "lockfile-out-of-sync", ("/app/package.json", 1)),
        ("dependency not in an old lock", "npm ci",
         {"package.json": {"dependencies": {"a": "^1"}},
          "package-lock.json": {"lockfileVersion": 1, "dependencies": {}}},
         "lockfile-out-of-sync", ("/app/package.json", 1)),
        ("no manifest", "npm ci", {"src/x.js": ""}, "manifest-outside-copy",
         ("/app/package.json", None)),
        ("truncated", "npm ci", {**PLAIN, "package.json": '{\n "name": "app",\n'},
         "unreadable-manifest", ("/app/package.json", 3)),
        ("truncated lockfile", "npm ci", {**PLAIN, "package-lock.json": "{\n\n\n"},
         "unreadable-manifest", ("/app/package-lock.json", 4)),
        ("merge conflict", "npm install", {**PLAIN, "package-lock.json": "{\n<<<<<<< ours\n}"},
         "unreadable-manifest", ("/app/package-lock.json", 2)),
        ("key twice", "npm ci", {**PLAIN, "package.json": '{"a": 1,\n"b": 2,\n"a": 3}'},
         "unreadable-manifest", ("/app/package.json", 3)),
        ("no object", "npm ci", {**PLAIN, "package.json": "[]"}, "unreadable-manifest",
         ("/app/package.json", 1)),
        ("not a number", "npm ci", {**PLAIN, "package.json": '{"a": NaN}'}, "unreadable-manifest",
         ("/app/package.json", 1)),
        ("deeper than anyone reads", "npm ci", {**PLAIN, "package.json": "[" * 100_000},
         "unreadable-manifest", ("/app/package.json", 1)),
        ("too large", "npm ci", {**PLAIN, "package.json": None}, "unreadable-manifest",
         ("/app/package.json", None)),
        ("empty", "npm ci", {**PLAIN, "package.json": ""}, "unreadable-manifest",
         ("/app/package.json", 1)),
        ("too large a lockfile", "npm ci", {**PLAIN, "package-lock.json": None},
         "unreadable-manifest", ("/app/package-lock.json", None)),
        ("host packages", "npm ci", {**PLAIN, "node_modules/a/index.js": ""},
         "installed-packages-in-context", ("/app/node_modules", None)),
        ("host packages of a member", "npm install",
         {**WORKSPACES, "apps/web/node_modules/a/index.js": ""},
         "installed-packages-in-context", ("/app/apps/web/node_modules", None)),
        ("host packages above", "npm ci", {**PLAIN, "/node_modules/a/index.js": ""},
         "installed-packages-in-context", ("/node_modules", None)),
        ("saves into the manifest", "npm install left-pad", PLAIN, "install-edits-manifest",
         ("/app/package.json", None)),
        ("a path as argument", "npm install ./lib --no-save", PLAIN, "local-dependency",
         (None, None)),
        ("member above", "npm install", {"package.json": {"workspaces": ["../other"]}},
         "workspace-outside-root", ("/app/package.json", 1)),
        ("extended glob", "npm install", {"package.json": {"workspaces": ["@(a|b)/*"]}},
         "unsupported-workspace-glob", ("/app/package.json", 1)),
        ("depends on the project", "npm install",
         {"package.json": {"dependencies": {"a": "file:.."}}, "/x": ""}, "local-dependency",
         ("/app/package.json", None)),
        ("local directory without manifest", "npm install",
         {"package.json": {"dependencies": {"a": "file:a"}}, "a/index.js": ""}, "local-dependency",
         ("/app/package.json", None)),
        ("script in .npmrc", "npm ci", {**PLAIN, ".npmrc": "script-shell=./sh", "sh": ""},
         "config-reads-source", ("/app/sh", None)),
        ("preload in .npmrc", "npm ci", {**PLAIN, ".npmrc": "node-options=--require ./x"},
         "config-reads-source", (None, None)),
        ("cache in the context", "npm ci", {**PLAIN, ".npmrc": "cache=.cache", ".cache/a": ""},
         "config-reads-source", ("/app/.cache", None)),
        ("script of the project", "npm install", {"package.json": SCRIPTED},
         "install-script-reads-source", ("/app/package.json", 1)),
    ],
)  # fmt: skip
def test_obstacles_name_file_and_line(
    ask: Any, reason: str, command: str, files: dict[str, Any], code: str,
    place: tuple[str | None, int | None],
) -> None:  # fmt: skip
    answer = ask(npm, command, files)

    assert isinstance(answer, Obstacle), reason
    assert (answer.code, (answer.path, answer.line)) == (code, place)
    assert answer.reason.endswith(".")
    assert answer.unblock.endswith(".")


@pytest.mark.parametrize("name", ["package.json", "package-lock.json", ".npmrc"])
def test_a_linked_manifest_is_an_obstacle(ask: Any, link: Any, name: str) -> None:
    answer = ask(npm, "npm ci", {**PLAIN, name: link("../x")})

    assert (answer.code, answer.path) == ("manifest-is-a-link", f"/app/{name}")


def test_a_linked_member_is_an_obstacle(ask: Any, link: Any) -> None:
    files = {**WORKSPACES, "packages/linked": link("../elsewhere")}

    assert ask(npm, "npm install", files).path == "/app/packages/linked"


def test_a_byte_order_mark_does_no_harm(ask: Any) -> None:
    files = {**PLAIN, "package.json": b"\xef\xbb\xbf" + json.dumps({"name": "app"}).encode()}

    assert ask(npm, "npm ci", files).reads == MANIFESTS


def test_npm_install_of_a_name_where_no_manifest_was_copied_reads_nothing(ask: Any) -> None:
    answer = ask(npm, "npm install grunt", {"/src/package.json": {}}, directory="/tools")

    assert isinstance(answer, Inputs)
    assert answer.reads == answer.trees == ()
    assert "/tools/node_modules" in answer.writes


def test_sources_are_never_opened(ask: Any) -> None:
    files = {**PLAIN, "src/huge.js": None, "src/link.js": ""}

    assert isinstance(ask(npm, "npm ci", files), Inputs)


@pytest.mark.parametrize(
    "pattern", ["{a,b}" * 30, "*a" * 40, "packages/***/x", "{a,{b,c}}", "{1..9}", "[a-c]/*"]
)
def test_patterns_that_could_take_long_are_not_read(ask: Any, pattern: str) -> None:
    files = {"package.json": {"workspaces": [pattern]}, f"{'a' * 200}/package.json": {}}

    assert ask(npm, "npm install", files).code == "unsupported-workspace-glob"


def test_repeated_stars_take_linear_time(ask: Any) -> None:
    deep = "/".join("d" * 60)
    files = {"package.json": {"workspaces": ["**/**/**/**"]}, f"{deep}/package.json": {"name": "d"}}

    assert f"/app/{deep}/package.json" in ask(npm, "npm install", files).reads


@pytest.mark.parametrize("depth", [300, 900, 100_000])
def test_deep_manifests_are_read_or_refused(ask: Any, depth: int) -> None:
    text = '{"overrides":' + '{"a":' * depth + '"file:x.tgz"' + "}" * depth + "}"
    answer = ask(npm, "npm install", {"package.json": text, "x.tgz": b""})

    if isinstance(answer, Inputs):
        assert "/app/x.tgz" in answer.reads
    else:
        assert answer.code == "unreadable-manifest"


def test_a_large_lockfile_takes_little_time(ask: Any) -> None:
    packages = (package(f"p{number}", hasInstallScript=True) for number in range(20_000))
    answer = ask(npm, "npm ci", {"package.json": {}, "package-lock.json": lock(*packages)})

    assert answer.reads == MANIFESTS
