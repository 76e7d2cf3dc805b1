"""Lifecycle scripts of projects and dependencies: which ones are known, and what they read."""

from __future__ import annotations

from typing import Any

import pytest

from optimizer.knowledge.installs import Inputs, Obstacle
from optimizer.knowledge.node import npm
from optimizer.knowledge.node.scripts import LINK_EVENTS, ROOT_EVENTS, split_script

SCHEMA = 'generator client {\n  provider = "prisma-client-js"\n}\n'


def project(script: str, event: str = "postinstall", **fields: Any) -> dict[str, Any]:
    return {"package.json": {"name": "app", "scripts": {event: script}, **fields}}


@pytest.mark.parametrize(
    "script",
    [
        "echo done", "true", "exit 0", "is-ci || husky install", "husky", "husky install",
        "npx only-allow npm", "npx --yes only-allow@1.2.1 npm", "HUSKY=0 husky", "husky || true",
        "npm run nothing", "cross-env A=b echo ok", "simple-git-hooks", "patch-package",
        "prisma generate", "npx prisma generate --no-engine", "npx -y prisma@5 generate",
        "npm exec -- prisma generate", "opencollective || exit 0", "npm-force-resolutions",
        "echo 'a && b'", "lefthook install", "npx npm-force-resolutions",
    ],
)  # fmt: skip
def test_known_scripts_read_nothing_more_where_nothing_lies(ask: Any, script: str) -> None:
    files = project(script)
    files["package.json"]["scripts"]["nothing"] = "true"
    answer = ask(npm, "npm install", {**files, "src/index.js": ""})

    assert isinstance(answer, Inputs)
    assert answer.reads == ("/app/package.json",)
    assert answer.trees == ()


@pytest.mark.parametrize(
    "script",
    [
        "node scripts/postinstall.js", "npm run build", "tsc", "nuxt prepare", "svelte-kit sync",
        "ngcc", "node-gyp rebuild", "./setup.sh", "sh setup.sh", "prisma migrate deploy",
        "npx tsc -p .", "husky && tsc", "echo $HOME", "echo `ls`", "echo a > b", "(tsc)",
        "patch-package left-pad", "echo 'unclosed", "npm test", "npm run", "bower install",
        "test -f src/x", "tsc & echo", "a | b", "prisma", "npm --prefix x run y", "cd a && tsc",
        "electron-builder install-app-deps", 'node -e "require(\'./x\')"', "npm run gone",
        "prisma generate --config=db.config.ts",
    ],
)  # fmt: skip
def test_other_scripts_are_obstacles(ask: Any, script: str) -> None:
    files = project(script)
    files["package.json"]["scripts"]["build"] = "tsc"
    files["a/x"] = files["prisma/schema.prisma"] = ""
    answer = ask(npm, "npm install", files)

    assert isinstance(answer, Obstacle)
    assert (answer.code, answer.path) == ("install-script-reads-source", "/app/package.json")
    assert "`postinstall` in /app/package.json" in answer.reason or "build" in answer.reason


@pytest.mark.parametrize("event", ROOT_EVENTS)
def test_every_event_of_the_root_counts(ask: Any, event: str) -> None:
    assert isinstance(ask(npm, "npm install", project("tsc", event)), Obstacle)


@pytest.mark.parametrize("event", ["build", "test", "prepack", "prepublishOnly", "start"])
def test_other_events_do_not_count(ask: Any, event: str) -> None:
    assert isinstance(ask(npm, "npm install", project("tsc", event)), Inputs)


@pytest.mark.parametrize("event", LINK_EVENTS)
def test_every_event_of_a_member_counts(ask: Any, event: str) -> None:
    files = {
        "package.json": {"workspaces": ["a"]},
        "a/package.json": {"name": "a", "scripts": {event: "tsc"}},
    }
    answer = ask(npm, "npm install", files)

    assert (answer.code, answer.path) == ("install-script-reads-source", "/app/a/package.json")


def test_scripts_of_a_local_dependency_count(ask: Any) -> None:
    files = {
        "package.json": {"dependencies": {"a": "file:a"}},
        "a/package.json": {"name": "a", "scripts": {"prepare": "tsc -p ../tsconfig.json"}},
    }

    assert ask(npm, "npm install", files).path == "/app/a/package.json"


@pytest.mark.parametrize(
    ("command", "files", "env"),
    [
        ("npm install --ignore-scripts", {}, {}),
        ("npm install", {".npmrc": "ignore-scripts=true"}, {}),
        ("npm install", {".npmrc": "; no\n ignore-scripts = true ; why"}, {}),
        ("npm install", {"/root/.npmrc": "ignore-scripts"}, {}),
        ("npm install", {}, {"npm_config_ignore_scripts": "true"}),
        ("npm install", {}, {"NPM_CONFIG_IGNORE_SCRIPTS": "true"}),
    ],
)  # fmt: skip
def test_ignored_scripts_do_not_count(
    ask: Any, command: str, files: dict[str, str], env: dict[str, str]
) -> None:
    assert isinstance(ask(npm, command, {**project("tsc"), **files}, env=env), Inputs)


@pytest.mark.parametrize(
    ("command", "files"),
    [
        ("npm install --ignore-scripts=false", {".npmrc": "ignore-scripts=true"}),
        ("npm install --no-ignore-scripts", {".npmrc": "ignore-scripts=true"}),
        ("npm install", {".npmrc": "ignore-scripts=false", "/root/.npmrc": "ignore-scripts=true"}),
        ("npm install", {".npmrc": "#ignore-scripts=true"}),
    ],
)  # fmt: skip
def test_the_strongest_setting_decides(ask: Any, command: str, files: dict[str, str]) -> None:
    assert isinstance(ask(npm, command, {**project("tsc"), **files}), Obstacle)


def test_binding_gyp_means_a_compilation(ask: Any) -> None:
    files = {"package.json": {"name": "app"}, "binding.gyp": ""}

    assert ask(npm, "npm install", files).path == "/app/binding.gyp"
    off = {"package.json": {"gypfile": False}, "binding.gyp": ""}
    assert isinstance(ask(npm, "npm install", off), Inputs)
    assert isinstance(ask(npm, "npm install --ignore-scripts", files), Inputs)


@pytest.mark.parametrize(
    ("script", "files", "trees"),
    [
        ("patch-package", {"patches/a.patch": ""}, ("/app/patches",)),
        (
            "patch-package --patch-dir fixes",
            {"fixes/a.patch": "", "patches/b": ""},
            ("/app/fixes",),
        ),
        ("patch-package --patch-dir=fixes", {"fixes/a.patch": ""}, ("/app/fixes",)),
        ("patch-package --error-on-fail", {"patches/dev/a.patch": ""}, ("/app/patches",)),
        (
            "prisma generate",
            {"prisma/schema.prisma": SCHEMA, "prisma/migrations/1": ""},
            ("/app/prisma",),
        ),
        ("prisma generate --schema db/schema.prisma", {"db/schema.prisma": SCHEMA}, ("/app/db",)),
        ("prisma generate --schema=./db", {"db/main.prisma": SCHEMA}, ("/app/db",)),
        ("npm run -s gen", {"prisma/schema.prisma": SCHEMA}, ("/app/prisma",)),
        (
            "patch-package && npm run gen",
            {"prisma/schema/a.prisma": SCHEMA, "patches/x": ""},
            ("/app/patches", "/app/prisma/schema"),
        ),
    ],
)
def test_scripts_with_known_inputs_add_them(
    ask: Any, script: str, files: dict[str, str], trees: tuple[str, ...]
) -> None:
    manifest = project(script)
    manifest["package.json"]["scripts"]["gen"] = "prisma generate"
    answer = ask(npm, "npm install", {**manifest, **files})

    assert isinstance(answer, Inputs)
    assert answer.trees == trees


@pytest.mark.parametrize(
    ("reason", "files", "reads", "trees"),
    [
        ("schema beside the manifest", {"schema.prisma": SCHEMA}, ["schema.prisma"], []),
        (
            "environment files",
            {"prisma/schema.prisma": SCHEMA, ".env": "", "prisma/.env": ""},
            [".env"],
            ["prisma"],
        ),
        (
            "configured in code",
            {
                "prisma.config.ts": 'import "dotenv/config";\n'
                'import { defineConfig } from "prisma/config";\n'
                'export default defineConfig({ schema: "db" });',
                "db/a.prisma": SCHEMA,
            },
            ["prisma.config.ts"],
            ["db"],
        ),
        (
            "joined in code",
            {
                "prisma.config.ts": 'import path from "node:path"\nexport default '
                '{ schema: path.join("db", "schema.prisma") }',
                "db/schema.prisma": SCHEMA,
            },
            ["prisma.config.ts"],
            ["db"],
        ),
        ("no schema at all", {"prisma/seed.ts": ""}, [], []),
        (
            "module format from tsconfig",
            {"prisma/schema.prisma": SCHEMA.replace("-js", ""), "tsconfig.json": "{}"},
            ["tsconfig.json"],
            ["prisma"],
        ),
    ],
)
def test_prisma_generate_reads_schema_and_configuration(
    ask: Any, reason: str, files: dict[str, str], reads: list[str], trees: list[str]
) -> None:
    answer = ask(npm, "npm install", {**project("prisma generate"), **files})

    assert isinstance(answer, Inputs), reason
    assert set(answer.reads) == {"/app/package.json", *(f"/app/{path}" for path in reads)}
    assert answer.trees == tuple(f"/app/{path}" for path in trees)


def test_prisma_reads_the_schema_that_the_manifest_names(ask: Any) -> None:
    files = project("prisma generate", prisma={"schema": "db/main.prisma"})
    answer = ask(npm, "npm install", {**files, "db/main.prisma": SCHEMA})

    assert answer.trees == ("/app/db",)


def test_prisma_writes_where_the_generator_says(ask: Any) -> None:
    schema = SCHEMA.replace("}", '  output = "../src/generated"\n}')
    answer = ask(npm, "npm install", {**project("prisma generate"), "prisma/schema.prisma": schema})

    assert "/app/src/generated" in answer.writes


@pytest.mark.parametrize(
    ("reason", "files", "path", "line"),
    [
        (
            "another generator",
            {"prisma/schema.prisma": SCHEMA + 'generator z {\n provider = "zod"\n}'},
            "/app/prisma/schema.prisma",
            4,
        ),
        (
            "configuration loads sources",
            {"prisma.config.ts": 'import { x } from "./src/x"'},
            "/app/prisma.config.ts",
            None,
        ),
        (
            "configuration opens files",
            {"prisma.config.ts": 'import fs from "node:fs"'},
            "/app/prisma.config.ts",
            None,
        ),
        (
            "computed schema",
            {"prisma.config.ts": "export default {\n schema: where(),\n}"},
            "/app/prisma.config.ts",
            2,
        ),
        (
            "tsconfig extends another",
            {
                "prisma/schema.prisma": SCHEMA.replace("-js", ""),
                "tsconfig.json": '{\n"extends": "../t"}',
            },
            "/app/tsconfig.json",
            2,
        ),
        (
            "schemas all over the project",
            {"prisma.config.ts": 'export default { schema: "." }', "a.prisma": SCHEMA},
            "/app",
            None,
        ),
    ],
)
def test_prisma_with_more_inputs_is_an_obstacle(
    ask: Any, reason: str, files: dict[str, str], path: str, line: int | None
) -> None:
    answer = ask(npm, "npm install", {**project("prisma generate"), **files})

    assert isinstance(answer, Obstacle), reason
    assert (answer.path, answer.line) == (path, line)


@pytest.mark.parametrize(
    "script", ["husky", "husky install", "simple-git-hooks", "lefthook install"]
)
def test_git_hooks_matter_where_git_was_copied(ask: Any, script: str) -> None:
    files = {**project(script, "prepare"), ".git/HEAD": ""}

    assert ask(npm, "npm install", files).code == "install-script-sets-git-hooks"
    assert ask(npm, "npm install", files).path == "/app/.git"


def test_git_hooks_matter_above_the_project_too(ask: Any) -> None:
    files = {**project("husky", "prepare"), "/.git": "gitdir: elsewhere"}

    assert ask(npm, "npm install", files).path == "/.git"


def test_husky_can_be_switched_off(ask: Any) -> None:
    files = {**project("husky", "prepare"), ".git/HEAD": ""}

    assert isinstance(ask(npm, "npm install", files, env={"HUSKY": "0"}), Inputs)


def test_force_resolutions_rewrites_the_lockfile(ask: Any) -> None:
    files = {
        **project("npm-force-resolutions", "preinstall"),
        "package-lock.json": {"lockfileVersion": 1, "dependencies": {}},
    }

    assert ask(npm, "npm ci", files).rewrites == ("/app/package-lock.json",)


def test_an_install_inside_a_script_is_followed(ask: Any) -> None:
    files = {
        **project("cd client && npm install"),
        "client/package.json": {"name": "client", "dependencies": {"x": "file:x"}},
        "client/x/package.json": {"name": "x"},
        "client/src/app.js": "",
    }
    answer = ask(npm, "npm install", files)

    assert answer.reads == ("/app/client/package.json", "/app/package.json")
    assert answer.trees == ("/app/client/x",)
    assert "/app/client/node_modules" in answer.writes


def test_an_install_that_runs_itself_ends(ask: Any) -> None:
    assert isinstance(ask(npm, "npm install", project("npm install")), Inputs)
    assert isinstance(ask(npm, "npm install", project("npm run postinstall")), Obstacle)


def with_dependency(name: str, **files: Any) -> dict[str, Any]:
    entry = {"resolved": "https://r/x", "integrity": "x", "hasInstallScript": True}
    packages = {"": {"dependencies": {name: "1"}}, f"node_modules/{name}": entry}
    lock = {"lockfileVersion": 3, "packages": packages}
    return {"package.json": {"dependencies": {name: "1"}}, "package-lock.json": lock, **files}


@pytest.mark.parametrize(
    ("reason", "name", "files", "reads", "trees"),
    [
        ("prisma's client generates", "@prisma/client", {"prisma/schema.prisma": SCHEMA}, [],
         ["/app/prisma"]),
        ("prisma's client without a schema", "@prisma/client", {"src/x": ""}, [], []),
        ("puppeteer's settings", "puppeteer", {".puppeteerrc.json": "{}"},
         ["/app/.puppeteerrc.json"], []),
        ("puppeteer's settings above", "puppeteer", {"/.puppeteerrc.yaml": ""},
         ["/.puppeteerrc.yaml"], []),
        ("puppeteer's settings as code", "puppeteer",
         {".puppeteerrc.cjs": "const {join} = require('path');\nmodule.exports = "
          "{cacheDirectory: join(__dirname, '.cache', 'puppeteer')};"},
         ["/app/.puppeteerrc.cjs"], []),
        ("msw without a directory", "msw", {"public/mockServiceWorker.js": ""}, [], []),
        ("nx without nx.json", "nx", {"src/x": ""}, [], []),
        ("hooks without git", "yorkie", {"src/x": ""}, [], []),
    ],
)  # fmt: skip
def test_dependencies_with_known_install_scripts(
    ask: Any, reason: str, name: str, files: dict[str, Any], reads: list[str], trees: list[str]
) -> None:
    answer = ask(npm, "npm ci", with_dependency(name, **files))

    assert isinstance(answer, Inputs), reason
    assert set(answer.reads) == {"/app/package.json", "/app/package-lock.json", *reads}
    assert answer.trees == tuple(trees)
    assert answer.assumes == ()


@pytest.mark.parametrize(
    ("name", "files", "code"),
    [
        ("@prisma/client", {"prisma.config.ts": 'import "./x"', "prisma/schema.prisma": SCHEMA},
         "install-script-reads-source"),
        ("puppeteer", {"puppeteer.config.js": "require('./settings')"},
         "install-script-reads-source"),
        ("nx", {"nx.json": "{}"}, "install-script-reads-source"),
        ("husky", {".git/HEAD": ""}, "install-script-sets-git-hooks"),
        ("pre-commit", {".git/HEAD": ""}, "install-script-sets-git-hooks"),
    ],
)  # fmt: skip
def test_dependencies_that_read_the_project_are_obstacles(
    ask: Any, name: str, files: dict[str, Any], code: str
) -> None:
    answer = ask(npm, "npm ci", with_dependency(name, **files))

    assert isinstance(answer, Obstacle)
    assert answer.code == code
    assert name in answer.reason


def test_msw_writes_into_the_directory_that_the_manifest_names(ask: Any) -> None:
    files = with_dependency("msw")
    files["package.json"]["msw"] = {"workerDirectory": "public"}

    assert ask(npm, "npm ci", files).code == "install-script-reads-source"
    assert isinstance(ask(npm, "npm ci --ignore-scripts", files), Inputs)


def test_prisma_client_can_be_told_not_to_generate(ask: Any) -> None:
    files = with_dependency("@prisma/client", **{"prisma/schema.prisma": SCHEMA})
    answer = ask(npm, "npm ci", files, env={"PRISMA_SKIP_POSTINSTALL_GENERATE": "1"})

    assert answer.trees == ()


def test_a_package_without_install_script_is_not_asked_about(ask: Any) -> None:
    files = with_dependency("nx", **{"nx.json": "{}"})
    del files["package-lock.json"]["packages"]["node_modules/nx"]["hasInstallScript"]

    assert isinstance(ask(npm, "npm ci", files), Inputs)


def test_other_install_scripts_are_named_for_the_reviewer(ask: Any) -> None:
    names = ["bcrypt", "esbuild", "sharp", "cypress", "sqlite3", "canvas"]
    files = with_dependency("a")
    for name in names:
        files["package-lock.json"]["packages"][f"node_modules/x/node_modules/{name}"] = {
            "hasInstallScript": True
        }
    answer = ask(npm, "npm ci", files)

    assert answer.assumes == (
        "The install scripts of a, bcrypt, canvas, cypress and 3 more are taken "
        "to read nothing of the project.",
    )


@pytest.mark.parametrize(
    "lockfile",
    [None, {"lockfileVersion": 1, "dependencies": {"a": {"dependencies": {"nx": {}}}, "nx": {}}}],
)
def test_without_a_modern_lockfile_every_known_name_counts(ask: Any, lockfile: Any) -> None:
    files: dict[str, Any] = {"package.json": {"dependencies": {"nx": "1"}}, "nx.json": "{}"}
    if lockfile:
        files["package-lock.json"] = lockfile
    answer = ask(npm, "npm install", files)

    assert (answer.code, answer.path) == ("install-script-reads-source", "/app/nx.json")


@pytest.mark.parametrize(
    ("text", "commands"),
    [
        ("a b && c || d; e", [["a", "b"], ["c"], ["d"], ["e"]]),
        ("a 'b && c' \"d;e\"", [["a", "b && c", "d;e"]]),
        ("a&&b", [["a"], ["b"]]),
        ("", []),
        ("a # b", [["a", "#", "b"]]),
        ("a | b", None),
        ("a & b", None),
        ("a > b", None),
        ("a $b", None),
        ("a `b`", None),
        ("(a)", None),
        ("a '", None),
    ],
)
def test_scripts_are_split_where_the_shell_does(text: str, commands: Any) -> None:
    assert split_script(text) == commands
