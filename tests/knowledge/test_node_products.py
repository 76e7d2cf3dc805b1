"""What installs and builds of Node.js leave for the run time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from optimizer.knowledge.installs import Call, Obstacle
from optimizer.knowledge.producers import product
from optimizer.knowledge.products import Made, Product
from optimizer.knowledge.running import Running
from optimizer.verify.compare import covers
from tests.knowledge.conftest import MemoryFiles

LOCK = {
    "name": "app", "version": "1.0.0", "lockfileVersion": 3,
    "packages": {
        "": {"name": "app", "version": "1.0.0", "dependencies": {"express": "4.21.0"},
             "devDependencies": {"typescript": "5.4.5"}},
        "node_modules/express": {"version": "4.21.0"},
        "node_modules/typescript": {"version": "5.4.5", "dev": True, "bin": {"tsc": "bin/tsc"}},
    },
}  # fmt: skip
APP: Mapping[str, Any] = {
    "package.json": {
        "name": "app", "version": "1.0.0",
        "scripts": {"build": "tsc -p tsconfig.json", "start": "node dist/server.js"},
        "dependencies": {"express": "4.21.0"}, "devDependencies": {"typescript": "5.4.5"},
    },
    "package-lock.json": LOCK,
    "tsconfig.json": '{"compilerOptions": {"outDir": "dist"}} // where it goes',
    "src/server.ts": "import express from 'express'",
}  # fmt: skip


def asked(
    command: str,
    files: Mapping[str, Any] = APP,
    runs: str | None = "node dist/server.js",
    image: tuple[str, str] = ("node", "20-slim"),
    env: Mapping[str, str] | None = None,
    directory: str = "/app",
) -> Product | Obstacle | None:
    calls = (Call(tuple(runs.split()), directory),) if runs is not None else ()
    running = Running(
        calls, frozenset(call.program for call in calls), is_set=bool(calls), opaque=None
    )
    content = {f"{directory.rstrip('/')}/{name}": text for name, text in files.items()}
    call = Call(tuple(command.split()), directory, env or {"HOME": "/root"})
    return product(call, Made(image, MemoryFiles(content), running))


def left(command: str, *arguments: Any, **options: Any) -> Product:
    found = asked(command, *arguments, **options)
    assert isinstance(found, Product), found
    return found


def package(**changes: Any) -> dict[str, Any]:
    """Returns the files of the project with other things in its package.json."""
    return {**APP, "package.json": {**APP["package.json"], **changes}}


def script(build: str, **more: Any) -> dict[str, Any]:
    files = package(scripts={"build": build})
    return {**files, **more}


PLAIN = package(scripts={"compile": "tsc -p tsconfig.json", "start": "node dist/server.js"})
"""The project without a script called build, which would prune when it is done."""


def plain(**changes: Any) -> dict[str, Any]:
    return {**PLAIN, "package.json": {**PLAIN["package.json"], **changes}}


# Installs


def test_npm_ci_leaves_packages_and_its_cache() -> None:
    found = left("npm ci")
    assert found.keeps == ("/app/node_modules",)
    assert "/root/.npm" in found.drops
    assert (found.interpreter, found.ecosystem, found.packages) == ("node", "npm", ("express",))
    assert not found.compiles


def test_an_addon_that_is_compiled_leaves_what_python_keeps_of_node_gyp() -> None:
    lock = dict(APP["package-lock.json"])
    lock["packages"] = {
        **lock["packages"],
        "node_modules/bcrypt": {"version": "5.1.1", "hasInstallScript": True},
    }
    changed = package(dependencies={"express": "4.19.2", "bcrypt": "5.1.1"})
    found = left("npm ci", {**changed, "package-lock.json": lock})
    kept = "/usr/local/lib/node_modules/npm/node_modules/node-gyp/gyp/pylib/gyp/__pycache__/a.pyc"
    assert found.compiles
    assert any(covers(drop, kept) for drop in found.drops)
    assert not any(covers(drop, kept) for drop in left("npm ci").drops)


@pytest.mark.parametrize(
    ("changes", "command"),
    [
        ({"dependencies": {}, "devDependencies": {}}, "npm install"),
        ({"dependencies": {}}, "npm install --omit=dev"),
    ],
)
def test_what_installs_nothing_leaves_nothing(changes: Any, command: str) -> None:
    files = {k: v for k, v in package(**changes).items() if k != "package-lock.json"}
    assert left(command, files).keeps == ()


@pytest.mark.parametrize(
    ("locations", "keeps"),
    [
        (["node_modules/x"], ("/app/node_modules",)),
        (["node_modules/x", "packages/a/node_modules/x"],
         ("/app/node_modules", "/app/packages/a/node_modules")),
    ],
)  # fmt: skip
def test_members_of_a_workspace_have_packages_where_the_lockfile_says(
    locations: list[str], keeps: tuple[str, ...]
) -> None:
    files = {
        "package.json": {"workspaces": ["packages/*"]},
        "packages/a/package.json": {"name": "a", "dependencies": {"x": "1.0.0"}},
        "package-lock.json": {
            "lockfileVersion": 3,
            "packages": {"": {"workspaces": ["packages/*"]}, "packages/a": {"name": "a"},
                         **{each: {"version": "1.0.0"} for each in locations}},
        },
    }  # fmt: skip
    assert left("npm ci", files).keeps == keeps


@pytest.mark.parametrize("command", ["yarn install", "pnpm install", "bun install"])
def test_other_workspaces_are_kept_whole(command: str) -> None:
    files = {
        "package.json": {"workspaces": ["packages/*"]},
        "pnpm-workspace.yaml": "packages: [packages/*]",
        "packages/a/package.json": {"name": "a", "dependencies": {"x": "1.0.0"}},
    }
    assert left(command, files).keeps == ("/app",)
    assert isinstance(asked(command, files, directory="/"), Obstacle)


def test_plug_and_play_keeps_the_project_whole() -> None:
    files = package(packageManager="yarn@4.1.0")
    assert left("yarn install --immutable", {**files, "yarn.lock": ""}).keeps == ("/app",)
    modules = {**files, "yarn.lock": "", ".yarnrc.yml": "nodeLinker: node-modules\n"}
    assert left("yarn install --immutable", modules).keeps == ("/app/node_modules",)


@pytest.mark.parametrize(
    ("scripts", "files", "keeps"),
    [
        ({"postinstall": "patch-package"}, {}, ("/app/node_modules",)),
        ({"prepare": "husky || true"}, {}, ("/app/node_modules",)),
        ({"prepare": "tsc"}, {}, ("/app/node_modules", "/app/dist")),
        ({"postinstall": "node scripts/generate.js"}, {}, ("/app",)),
        ({"postinstall": "prisma generate"},
         {"prisma/schema.prisma": 'generator client {\n  output = "../generated"\n}\n'},
         ("/app/node_modules", "/app/generated")),
        ({"postinstall": "prisma generate"},
         {"prisma/schema.prisma": 'generator client {\n  output = env("OUT")\n}\n'}, ("/app",)),
    ],
)  # fmt: skip
def test_scripts_of_an_install_leave_something_too(
    scripts: dict[str, str], files: dict[str, str], keeps: tuple[str, ...]
) -> None:
    everything = {**package(scripts=scripts), **files}
    assert left("npm ci", everything).keeps == keeps
    assert left("npm ci --ignore-scripts", everything).keeps == ("/app/node_modules",)


def test_browsers_in_the_cache_of_the_user_are_an_obstacle() -> None:
    files = package(dependencies={"puppeteer": "23.0.0"})
    assert isinstance(asked("npm ci", files), Obstacle)
    assert isinstance(asked("npm ci", files, env={"PUPPETEER_SKIP_DOWNLOAD": "true"}), Product)
    assert isinstance(asked("npx playwright install --with-deps chromium"), Obstacle)
    assert isinstance(
        asked("npm ci", package(scripts={"postinstall": "cypress install"})), Obstacle
    )


def test_what_takes_away_from_node_modules_leaves_nothing() -> None:
    for command in ("npm prune --omit=dev", "pnpm prune --prod", "npm dedupe"):
        found = asked(command)
        assert found is None or isinstance(found, Obstacle) or found.keeps == ()
    assert left("npm prune --production").keeps == ()


# Pruning


@pytest.mark.parametrize(
    ("command", "files", "prune"),
    [
        ("npm ci", {}, "npm prune --omit=dev"),
        ("npm ci --legacy-peer-deps", {}, "npm prune --omit=dev --legacy-peer-deps"),
        ("yarn --frozen-lockfile", {"yarn.lock": "# yarn lockfile v1\n"},
         "yarn install --production --ignore-scripts --prefer-offline --frozen-lockfile"),
        ("pnpm i --frozen-lockfile", {"pnpm-lock.yaml": "lockfileVersion: '9.0'\n"},
         "pnpm prune --prod --ignore-scripts"),
    ],
)  # fmt: skip
def test_development_dependencies_are_taken_out(
    command: str, files: dict[str, Any], prune: str
) -> None:
    base = {name: text for name, text in PLAIN.items() if not files or name != "package-lock.json"}
    found = left(command, {**base, **files})
    assert (found.prune, found.directory) == (prune, "/app")
    assert "/app/node_modules" in found.drops


def test_yarn_4_focuses_and_yarn_3_needs_its_plugin() -> None:
    rows = (
        ("4.1.0", "nodeLinker: node-modules\n", "yarn workspaces focus --production"),
        ("3.8.7", "nodeLinker: node-modules\n", None),
        ("3.8.7", "nodeLinker: node-modules\nplugins:\n  - path: plugin-workspace-tools.cjs\n",
         "yarn workspaces focus --production"),
        ("4.1.0", "nodeLinker: pnpm\n", None),
    )  # fmt: skip
    for version, settings, prune in rows:
        files = plain(packageManager=f"yarn@{version}")
        del files["package-lock.json"]
        files |= {"yarn.lock": "__metadata:\n", ".yarnrc.yml": settings}
        assert left("yarn install", files).prune == prune


@pytest.mark.parametrize(
    ("image", "flag"),
    [(("node", "14-alpine"), "--production"), (("node", "fermium"), "--production"),
     (("node", "16"), "--omit=dev"), (("node", "lts-slim"), "--omit=dev"),
     (("example/node", "20"), "--production")],
)  # fmt: skip
def test_old_npm_knows_another_flag(image: tuple[str, str], flag: str) -> None:
    assert left("npm ci", PLAIN, image=image).prune == f"npm prune {flag}"


@pytest.mark.parametrize(
    "command", ["npm ci --omit=dev", "npm ci --production", "npm i --only=prod"]
)
def test_nothing_is_taken_out_of_an_install_without_them(command: str) -> None:
    assert left(command, PLAIN).prune is None
    assert not any("Development" in each for each in left(command, PLAIN).assumes)


def test_production_mode_installs_without_them() -> None:
    assert left("npm ci", PLAIN, env={"NODE_ENV": "production"}).prune is None
    assert left("npm ci --include=dev", PLAIN, env={"NODE_ENV": "production"}).prune is not None


@pytest.mark.parametrize(
    ("runs", "why"),
    [
        ("tsc -w", "tsc, which comes from typescript"),
        ("npx tsc", "which comes from typescript"),
        ("node -r typescript/register src/server.ts", "uses typescript"),
        ("node --require=typescript x.js", "uses typescript"),
        ("node ./node_modules/typescript/lib/tsc.js", "uses typescript"),
        ("npm run compile", "which comes from typescript"),
        ("nodemon src/server.js", "which package brings that is not known"),
        ("npm run missing", "is not known"),
        (None, "does not say what a container runs"),
    ],
)
def test_they_stay_where_a_container_may_run_one(runs: str | None, why: str) -> None:
    found = left("npm ci", PLAIN, runs=runs)
    assert found.prune is None
    assert why in found.assumes[0]


@pytest.mark.parametrize(
    ("source", "prune"),
    [
        ("import ts from 'typescript'", False),
        ("const ts = require('typescript/lib/x')", False),
        ("await import(`typescript`)", False),
        ("import type { Node } from 'typescript'", True),
        ("import type ts from 'typescript'; import x from 'typescript'", False),
        ("import x from 'typescript-thing'", True),
    ],
)
def test_they_stay_where_code_names_one(source: str, prune: bool) -> None:
    found = left("npm ci", {**PLAIN, "src/server.ts": source})
    assert (found.prune is not None) == prune


@pytest.mark.parametrize(
    ("name", "prune"),
    [
        ("src/a.test.ts", True), ("tests/a.ts", True), ("vite.config.ts", True),
        ("webpack.prod.js", True), (".eslintrc.js", True), ("types/x.d.ts", True),
        ("next.config.js", False), ("knexfile.js", False), ("src/config.ts", False),
        ("prisma.config.ts", False), ("ecosystem.config.js", False),
    ],
)  # fmt: skip
def test_code_that_only_building_and_testing_load_does_not_count(name: str, prune: bool) -> None:
    found = left("npm ci", {**PLAIN, name: "require('typescript')"})
    assert (found.prune is not None) == prune


def test_they_stay_where_no_code_is_there_yet() -> None:
    files = {name: text for name, text in PLAIN.items() if not name.startswith("src/")}
    assert left("npm ci", files).prune is None


def test_next_reads_its_configuration_with_typescript() -> None:
    assert left("npm ci", {**PLAIN, "next.config.ts": "export default {}"}).prune is None


def test_who_builds_may_not_own_what_was_installed() -> None:
    files = MemoryFiles({f"/app/{name}": text for name, text in APP.items()})
    running = Running((Call(("node", "dist/server.js"), "/app"),), frozenset({"node"}))
    install = (Call(("npm", "ci"), "/app"),)
    for user, prunes in (("root", True), ("node", False), (None, False)):
        made = Made(("node", "20"), files, running, user=user, before=install)
        found = product(Call(("npm", "run", "build"), "/app"), made)
        assert isinstance(found, Product)
        assert (found.prune is not None) == prunes


def test_drivers_that_other_packages_load_stay() -> None:
    assert left("npm ci", plain(devDependencies={"pg": "8.0.0"})).prune is None


def test_scripts_of_members_would_fail() -> None:
    files = plain(workspaces=["packages/*"])
    files["packages/a/package.json"] = {"name": "a", "scripts": {"prepare": "tsc"}}
    assert "`prepare` of /app/packages/a/package.json" in left("npm ci", files).assumes[0]


def test_scripts_that_follow_a_change_of_dependencies_are_left_out() -> None:
    files = package(scripts={"dependencies": "husky"})
    assert left("npm ci", files).prune == "npm prune --omit=dev --ignore-scripts"


def test_generated_packages_would_go_too() -> None:
    schema = 'generator client {\n  output = "../node_modules/@generated/client"\n}\n'
    assert left("npm ci", {**PLAIN, "prisma/schema.prisma": schema}).prune is None
    inside = schema.replace("@generated/client", ".prisma/client")
    assert left("npm ci", {**PLAIN, "prisma/schema.prisma": inside}).prune is not None


def test_yarn_1_takes_patches_back_and_bun_cannot_prune() -> None:
    files = plain(dependencies={"patch-package": "8.0.0"})
    del files["package-lock.json"]
    assert left("yarn install", {**files, "yarn.lock": "# yarn lockfile v1\n"}).prune is None
    assert left("bun install", files).prune is None


# For everybody


def test_package_managers_and_tools_of_the_build_stay_in_the_builder() -> None:
    assert left("npm install -g pnpm@9").keeps == ()
    assert left("npm install -g @angular/cli").drops == (
        "/usr/local/lib/node_modules/@angular/cli", "/usr/local/bin/ng",
    )  # fmt: skip
    assert left("npm install -g pm2", runs="pm2-runtime dist/server.js").again
    assert left("npm install -g serve", runs=None).again
    assert left("corepack enable", runs="pnpm start").again
    assert not left("corepack enable").again


def test_a_program_for_everybody_is_no_development_dependency() -> None:
    above = (Call(("npm", "install", "-g", "pm2@5"), "/app"),)
    running = Running(
        (Call(("pm2-runtime", "dist/server.js"), "/app"),), frozenset({"pm2-runtime"})
    )
    files = MemoryFiles({f"/app/{name}": text for name, text in APP.items()})
    call = Call(("npm", "run", "build"), "/app")
    for before, prunes in ((above, True), ((), False)):
        found = product(call, Made(("node", "20"), files, running, before=before))
        assert isinstance(found, Product)
        assert (found.prune is not None) == prunes


def test_a_build_prunes_as_the_install_was_called() -> None:
    files = MemoryFiles({f"/app/{name}": text for name, text in APP.items()})
    running = Running((Call(("node", "dist/server.js"), "/app"),), frozenset({"node"}))
    for words, prune in (
        ("npm ci --legacy-peer-deps", "npm prune --omit=dev --legacy-peer-deps"),
        ("npm ci --omit=dev", None),
    ):
        before = (Call(tuple(words.split()), "/app"),)
        made = Made(("node", "20"), files, running, before=before)
        found = product(Call(("npm", "run", "build"), "/app"), made)
        assert isinstance(found, Product)
        assert found.prune == prune


def test_an_install_above_the_sources_prunes_by_what_is_there_in_the_end() -> None:
    manifests = {"package.json": PLAIN["package.json"], "package-lock.json": LOCK}
    above, at_end, importing = (
        MemoryFiles({f"/app/{name}": text for name, text in files.items()})
        for files in (manifests, PLAIN, {**PLAIN, "a.js": "require('typescript')"})
    )
    running = asked_of("node dist/server.js")
    call, image = Call(("npm", "ci"), "/app"), ("node", "20")
    answers = [
        product(call, Made(image, above, running, at_end=files))
        for files in (at_end, importing, None)
    ]
    prunes = [each.prune for each in answers if isinstance(each, Product)]
    assert prunes == ["npm prune --omit=dev", None, None]


def asked_of(runs: str) -> Running:
    call = Call(tuple(runs.split()), "/app")
    return Running((call,), frozenset((call.program,)), is_set=True, opaque=None)


def test_an_install_leaves_the_pruning_to_the_build() -> None:
    assert left("npm ci").prune is None
    assert left("npm run build").prune == "npm prune --omit=dev"


@pytest.mark.parametrize(
    ("runs", "stays"),
    [("node dist/server.js", False), ("node src/server.js", True), ("npx ts-node x.ts", True)],
)
def test_sources_of_a_compiled_server_are_for_building(runs: str, stays: bool) -> None:
    files = {**APP, "views/a.html": "", "prisma.config.ts": "", "README.md": ""}
    found = left("npm run build", files, runs=runs).build_only
    if stays:
        assert found is None
    else:
        assert found is not None
        assert {"/app/src", "/app/tsconfig.json"} <= {*found}
        assert not {"/app/views", "/app/prisma.config.ts", "/app/package.json"} & {*found}


@pytest.mark.parametrize(
    "more",
    [
        {"src/docs.ts": "swaggerJsdoc({ apis: ['./src/routes/*.ts'] })"},
        {"src/docs.ts": 'swaggerJsdoc({ apis: ["./**/*.ts"] })'},
        {"src/docs.ts": "const all = glob(__dirname + '/../routes/*.{ts,js}')"},
        {"src/docs.ts": "const all = glob('routes/*.{js,ts}')"},
        {"src/orm.ts": "MikroORM.init({ entitiesTs: ['./src/entities'] })"},
        {"src/server.ts": "import 'ts-node/register'"},
        {"src/server.ts": "const c = load(path.join(process.cwd(), 'tsconfig.json'))"},
        {"src/server.ts": "app.use(express.static(path.join(root, 'src')))"},
        {"src/server.ts": "app.set('view engine', 'tsx')"},
        {"src/server.ts": "readFileSync('README.md')"},
        {"packages/a/package.json": {"name": "a", "main": "src/index.ts"}},
        {"packages/a/package.json": {"name": "a", "exports": {".": "./src/index.ts"}}},
    ],
)
def test_sources_stay_where_code_may_read_them(more: Mapping[str, Any]) -> None:
    assert left("npm run build", {**APP, **more}).build_only is None


@pytest.mark.parametrize(
    "more",
    [
        {"src/a.ts": "import { b } from 'src/b'; export * from './c'"},
        {"src/a.ts": "const { b } = require('./src/b'), c = await import('../src/c')"},
        {"src/a.ts": "x({ entities: [__dirname + '/**/*.entity{.ts,.js}'] })"},
        {"src/a.ts": "x({ entities: [join(__dirname, '**', '*.entity.js')] })"},
        {"jest.config.ts": "export default { testMatch: ['src/**/*.test.ts'] }"},
        {"src/a.spec.ts": "read('src/a.ts')"},
        {"package.json": {**APP["package.json"], "types": "src/index.ts"}},
    ],
)
def test_sources_go_where_code_only_imports_them(more: Mapping[str, Any]) -> None:
    found = left("npm run build", {**APP, **more}).build_only
    assert found is not None
    assert "/app/src" in found


@pytest.mark.parametrize(
    ("runs", "env"),
    [
        ("node -r tsconfig-paths/register dist/server.js", {}),
        ("node --import=tsx dist/server.js", {}),
        ("node --enable-source-maps dist/server.js", {}),
        ("node dist/server.js", {"NODE_OPTIONS": "--require ts-node/register"}),
        ("knex migrate:latest", {}),
    ],
)
def test_sources_stay_where_something_else_is_started(runs: str, env: Mapping[str, str]) -> None:
    calls = (
        Call(("node", "dist/server.js"), "/app"),
        Call(tuple(runs.split()), "/app", env),
    )
    running = Running(calls, frozenset(call.program for call in calls), is_set=True, opaque=None)
    files = MemoryFiles({f"/app/{name}": text for name, text in APP.items()})
    found = product(Call(("npm", "run", "build"), "/app"), Made(("node", "20"), files, running))
    assert isinstance(found, Product)
    assert found.build_only is None


SITE = script("vite build", **{"index.html": "", "public/a.svg": "", ".env": "", "dist/old.js": ""})


@pytest.mark.parametrize("runs", ["serve -s dist", "npx serve dist", "http-server dist -p 80"])
def test_a_site_is_served_without_its_sources(runs: str) -> None:
    calls = [Call(tuple(runs.split()), "/app")]
    if runs.startswith("npx"):
        calls.append(Call(calls[0].words[1:], "/app"))
    found = of_site(SITE, *calls)
    assert found.build_only is not None
    gone = {"/app/index.html", "/app/public", "/app/src", "/app/tsconfig.json", "/app/dist"}
    assert gone <= {*found.build_only}
    assert not {"/app/package.json", "/app/package-lock.json", "/app/.env"} & {*found.build_only}


@pytest.mark.parametrize(
    ("runs", "more"),
    [
        ("serve", {}),
        ("serve .", {}),
        ("serve -s public", {}),
        ("serve -s dist", {"serve.json": "{}"}),
        ("serve -s dist -c rules.json", {"rules.json": "{}"}),
        ("vite preview", {}),
        ("node server.js", {"server.js": ""}),
        ("npm start", {}),
    ],
)
def test_sources_of_a_site_stay_where_more_is_served(runs: str, more: Mapping[str, Any]) -> None:
    assert of_site({**SITE, **more}, Call(tuple(runs.split()), "/app")).build_only is None


def of_site(files: Mapping[str, Any], *calls: Call) -> Product:
    running = Running(calls, frozenset(call.program for call in calls), is_set=True, opaque=None)
    memory = MemoryFiles({f"/app/{name}": text for name, text in files.items()})
    found = product(Call(("npm", "run", "build"), "/app"), Made(("node", "20"), memory, running))
    assert isinstance(found, Product)
    return found


def test_what_only_looks_leaves_nothing() -> None:
    assert asked("npm cache clean --force") is None
    assert asked("npm --version") is None


def test_unknown_words_have_no_answer() -> None:
    assert asked("npm run \0") is not None
    assert asked("\0 ci") is None


# Builds

VITE = "export default defineConfig({ build: { outDir: 'build' }, base: '/x/' })"
NEXT = "module.exports = { distDir: 'made' }"


@pytest.mark.parametrize(
    ("files", "keeps"),
    [
        (APP, ("/app/dist",)),
        (script("tsc --outDir out"), ("/app/out",)),
        (script("tsc -p ."), ("/app/dist",)),
        (script("tsc --project ./"), ("/app/dist",)),
        (script("tsc", **{"tsconfig.json": '{"extends": "./base.json"}',
                          "base.json": '{"compilerOptions": {"outDir": "./lib"}}'}), ("/app/lib",)),
        (script("tsc && vite build"), ("/app/dist",)),
        (script("tsc --noEmit && vite build", **{"vite.config.ts": VITE}), ("/app/build",)),
        (script("vite build web", **{"web/index.html": ""}), ("/app/web/dist",)),
        (script("webpack --mode production"), ("/app/dist",)),
        (script("webpack", **{"webpack.config.js":
                "module.exports = {output: {path: path.resolve(__dirname, 'public')}}"}),
         ("/app/public",)),
        (script("next build"), ("/app/.next",)),
        (script("next build", **{"next.config.js": NEXT}), ("/app/made",)),
        (script("react-scripts build"), ("/app/build",)),
        (script("cross-env BUILD_PATH=out react-scripts build"), ("/app/out",)),
        (script("vue-cli-service build"), ("/app/dist",)),
        (script("nest build", **{"tsconfig.json":
                                 '{"compilerOptions": {"outDir": "./dist"}}'}), ("/app/dist",)),
        (script("astro build"), ("/app/dist",)),
        (script("gatsby build"), ("/app/public",)),
        (script("esbuild src/x.ts --bundle --outfile=out/x.js"), ("/app/out/x.js",)),
        (script("babel src -d lib"), ("/app/lib",)),
        (script("rimraf dist && tsc && cp -r src/views dist/views"), ("/app/dist",)),
        (script("vite build", **{"vite.config.ts": "export default {build: {outDir: '../web'}}"}),
         ("/web",)),
        (script("eslint . && prettier --check ."), ()),
        (script("ng build", **{"angular.json": {"projects": {"web": {"architect": {"build": {
            "builder": "@angular-devkit/build-angular:application", "options": {}}}}}}}),
         ("/app/dist/web",)),
    ],
)  # fmt: skip
def test_a_build_leaves_what_its_configuration_says(
    files: Mapping[str, Any], keeps: tuple[str, ...]
) -> None:
    found = left("npm run build", files)
    assert found.keeps == keeps
    assert not any("leaves" in each for each in found.assumes)


@pytest.mark.parametrize(
    "files",
    [
        script("tsc", **{"tsconfig.json": "{}"}),
        script("tsc", **{"tsconfig.json": "{ broken"}),
        script("node build.js"),
        script("make all"),
        script("tsc > log.txt"),
        script("vite build", **{"vite.config.ts": "export default {build: {outDir: where()}}"}),
        script("vite build", **{"vite.config.ts": "export default {...base}"}),
        script("tsc && rm -rf dist"),
        script("tsc && mv dist server"),
        script("npm run build"),
        script("rollup -c"),
        script("nx build web"),
    ],
)
def test_the_project_is_kept_whole_where_it_does_not_say(files: Mapping[str, Any]) -> None:
    found = left("npm run build", files)
    assert found.keeps == ("/app",)
    assert "lies in /app" in found.assumes[0]
    assert isinstance(asked("npm run build", files, directory="/"), Obstacle)


def test_a_build_takes_development_dependencies_out_and_what_the_next_one_would_use() -> None:
    found = left("npm run build", script("next build"), runs="node server.js")
    assert found.prune == "npm prune --omit=dev && rm -rf .next/cache"
    assert found.drops == ("/app/.next/cache", "/app/node_modules")
    started = left("npm run build", script("next build"), runs="next start")
    assert started.prune == "rm -rf .next/cache"


@pytest.mark.parametrize(
    "command",
    ["yarn build", "yarn run build", "pnpm build", "pnpm run build", "bun run build", "npx tsc",
     "npm run-script build", "node node_modules/.bin/tsc"],
)  # fmt: skip
def test_a_script_is_called_in_many_ways(command: str) -> None:
    assert left(command).keeps == ("/app/dist",)


def test_scripts_of_members_are_followed() -> None:
    files = {
        "package.json": {"workspaces": ["packages/*"], "scripts": {
            "all": "npm run build --workspaces", "one": "npm run build -w a",
            "t": "turbo run build",
        }},
        "packages/a/package.json": {"name": "a", "scripts": {"build": "vite build"}},
        "packages/b/package.json": {"name": "b", "scripts": {"build": "tsc"}},
        "packages/b/tsconfig.json": '{"compilerOptions": {"outDir": "out"}}',
    }  # fmt: skip
    both = ("/app/packages/a/dist", "/app/packages/b/out")
    assert left("npm run all", files).keeps == both
    assert left("npm run t", files).keeps == both
    assert left("npm run one", files).keeps == both[:1]
    assert left("pnpm --filter b build", {**files, "pnpm-workspace.yaml": "packages: [packages/*]"}
                ).keeps == both[1:]  # fmt: skip
