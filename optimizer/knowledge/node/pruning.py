"""Whether development dependencies can be taken out of a built project, and by which command.

Tried with npm 6 to 11, Yarn 1, 3 and 4, pnpm 8 to 10 and Bun 1 (tests/knowledge/test_real_pruning):

- npm keeps what install scripts built and what lies in ``node_modules/.NAME``, and takes away other
  directories that no lockfile names. It runs `dependencies` scripts, and the scripts of workspace
  members, with the development dependencies gone already.
- pnpm keeps what was built; `prepare` fails without ``--ignore-scripts`` where it runs a
  development dependency. It does not prune workspaces.
- Yarn 1 keeps what was built, but takes back every other change inside a package.
- Yarn 2 and later run the project's own install scripts again.
- Bun does not take packages away, and loses what was built.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from optimizer.knowledge.installs import HOLE, Call, Files
from optimizer.knowledge.manifests import Survey, resolve
from optimizer.knowledge.node.build_scripts import Unfollowed, leaves
from optimizer.knowledge.node.layout import Package
from optimizer.knowledge.node.npm_lock import read_lock
from optimizer.knowledge.node.options import names
from optimizer.knowledge.node.yaml_files import read_yaml
from optimizer.knowledge.running import Running

MOST_SOURCES: Final = 4_000
"""Files that are searched for names of development dependencies."""
_MOST_BYTES: Final = 30_000_000
_DEEPEST: Final = 40

# What programs are called where that is not the name of their package (the `bin` of each).
PROGRAMS: Mapping[str, tuple[str, ...]] = {
    "typescript": ("tsc", "tsserver"),
    "@nestjs/cli": ("nest",),
    "@angular/cli": ("ng",),
    "@vue/cli-service": ("vue-cli-service",),
    "@babel/cli": ("babel",),
    "@babel/node": ("babel-node",),
    "@swc/cli": ("swc",),
    "@remix-run/dev": ("remix",),
    "@react-router/dev": ("react-router",),
    "@react-router/serve": ("react-router-serve",),
    "@remix-run/serve": ("remix-serve",),
    "@sveltejs/kit": ("svelte-kit",),
    "@11ty/eleventy": ("eleventy",),
    "@docusaurus/core": ("docusaurus",),
    "ts-node": ("ts-node", "ts-node-esm", "ts-script", "ts-node-script"),
    "ts-node-dev": ("ts-node-dev", "tsnd"),
    "pm2": ("pm2", "pm2-runtime", "pm2-docker", "pm2-dev"),
    "cross-env": ("cross-env", "cross-env-shell"),
    "dotenv-cli": ("dotenv",),
    "npm-run-all": ("npm-run-all", "run-s", "run-p"),
    "sequelize-cli": ("sequelize", "sequelize-cli"),
    "nuxt": ("nuxt", "nuxi"),
    "http-server": ("http-server",),
    "concurrently": ("concurrently", "conc"),
    "@nrwl/cli": ("nx",),
    "webpack-cli": ("webpack", "webpack-cli"),
    "knex": ("knex",),
    "typeorm": ("typeorm", "typeorm-ts-node-commonjs", "typeorm-ts-node-esm"),
    "drizzle-kit": ("drizzle-kit",),
    "@dotenvx/dotenvx": ("dotenvx",),
}
# Programs that are there without any package: those of Node.js, its managers and of every base.
_OF_THE_IMAGE = names(
    """
    node npm npx yarn yarnpkg pnpm pnpx bun bunx sh bash ash dash env exec echo printf
    cat ls cd export set test [ [[ sleep true false mkdir rm cp mv ln chmod chown touch
    grep sed awk cut head tail tr wait exit source . su gosu su-exec tini dumb-init
    catatonit curl wget nc until while for if id whoami hostname date kill trap find
    xargs sort dockerize wait-for-it.sh wait-for nginx ps docker-entrypoint.sh command
    type eval read shift return ulimit umask
    """
)

# What packages look for at run time by names of their own, although nobody imports it: drivers of
# databases (the docs of knex, TypeORM, Sequelize, MikroORM), template engines (Express'
# "Using template engines"), and what NestJS loads where it is there (its docs, "Validation",
# "OpenAPI", "Microservices").
_LOOKED_FOR = names(
    """
    pg pg-native pg-hstore pg-query-stream mysql mysql2 mariadb sqlite3 better-sqlite3
    sql.js mssql tedious oracledb mongodb mongoose redis ioredis @prisma/client pug ejs
    hbs handlebars nunjucks eta liquidjs mustache twig class-validator class-transformer
    reflect-metadata swagger-ui-express @fastify/static @fastify/view pino-pretty
    amqplib kafkajs nats mqtt @grpc/grpc-js @grpc/proto-loader source-map-support dotenv
    sharp ws bufferutil utf-8-validate @nestjs/platform-express @nestjs/platform-fastify
    tslib
    """
)

_CODE = re.compile(r"\.(?:[cm]?[jt]sx?|vue|svelte|astro|mdx?|ejs|pug|hbs)$")
_TYPED = re.compile(r"\.(?:[cm]?tsx?|vue|svelte|astro)$")
_TYPE_IMPORT = re.compile(
    rb"""\b(?:import|export)\s+type\b[^;"'`]{0,4000}?\bfrom\s*["'][^"'\n]*["']"""
)
# Settings of tools that only build or look at code (the file names in their own docs), and tests.
BUILD_FILES = re.compile(
    r"(?:vite|vitest|jest|webpack|rollup|rspack|babel|postcss|tailwind|eslint|prettier|svelte|tsup"
    r"|esbuild|playwright|cypress|commitlint|lint-staged|stylelint|release|karma|craco|vue|astro"
    r"|unbuild|build|wdio|protractor|metro|vetur|uno|windi|swagger-codegen|codegen|orval|typedoc"
    r"|size-limit|docusaurus|gridsome|quasar|rsbuild|ladle|histoire)(?:[.-][\w-]+)*\.(?:config|conf)"
    r"(?:\.[\w-]+)*\.[cm]?[jt]s|webpack[.-][\w.-]+\.[cm]?[jt]s|\.?(?:eslintrc|prettierrc|babelrc"
    r"|stylelintrc|mocharc|lintstagedrc|commitlintrc|huskyrc)(?:\.[cm]?js|\.json)?|Gruntfile\.[jt]s"
    r"|[Gg]ulpfile(?:\.babel)?\.[cm]?[jt]s|karma\.conf\.[jt]s|jest\.(?:setup|preset|global)[\w.-]*"
    r"|vitest\.(?:setup|workspace)[\w.-]*|setupTests\.[jt]sx?"
    r"|.+[.-](?:test|spec|e2e-spec|stories|story|cy)\.[cm]?[jt]sx?|.+\.d\.[cm]?ts|.+\.mdx?"
)
_BUILD_FOLDERS = frozenset(
    ("node_modules", ".git", "__tests__", "__mocks__", "test", "tests", "e2e", "cypress",
     "playwright", ".storybook", "stories", ".husky", ".github", ".next", ".nuxt", ".output",
     "coverage")
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Pruning:
    """The answer: a ``command`` for ``directory``, or why there is none (``kept``); neither where
    there is nothing to take out."""

    command: str | None = None
    directory: str = "/"
    kept: str | None = None

    @property
    def drops(self) -> tuple[str, ...]:
        """The paths in which something is taken away."""
        return (resolve(self.directory, "node_modules"),) if self.command else ()


def development(packages: Sequence[Package]) -> frozenset[str]:
    """Returns the names of what ``packages`` depend on for development alone."""
    needed = {name for package in packages for name in package.dependencies}
    needed |= {package.name for package in packages if package.name}
    found = {name for package in packages for name in package.dev_dependencies}
    return frozenset(found - needed)


def runs_one(
    packages: Sequence[Package],
    running: Running,
    files: Files,
    root: str,
    elsewhere: frozenset[str] = frozenset(),
) -> str | None:
    """Returns why a container may start a development dependency, None where that is ruled out.

    ``elsewhere`` are programs that are installed for all of the image."""
    names = development(packages)
    if not running.is_set:
        return "the file does not say what a container runs"
    if running.opaque is not None:
        return f"what a container runs is not known: {running.opaque}"
    for call in running.calls:
        for word in (*call.words, call.env.get("NODE_OPTIONS", "")):
            if (name := _named(word, names)) is not None:
                return f"a container runs `{_shown(call)}`, which uses {name}"
    known = _programs_of(packages, files, root)
    try:
        started = {leaf.program for call in running.calls for leaf in _leaves(call, files)}
    except Unfollowed as why:
        return f"what a container runs is not known: {why.args[0]}"
    all_of_them = {name.rpartition("/")[2] for name in running.programs} | started
    for program in sorted(all_of_them - _OF_THE_IMAGE - elsewhere):
        owners = known.get(program, frozenset())
        if owners & names:
            return f"a container runs {program}, which comes from {min(owners & names)}"
        if not owners:
            return f"a container runs {program}, and which package brings that is not known"
    return None


def _leaves(call: Call, files: Files) -> tuple[Call, ...]:
    """Returns the programs that a running command comes to; none for one at a place of the image,
    such as an entry script."""
    if not call.words or ("/" in call.words[0] and "node_modules" not in call.words[0]):
        return ()
    return leaves(call, files)


def _shown(call: Call) -> str:
    return " ".join(call.words).replace(HOLE, "…")


def _named(word: str, names: frozenset[str]) -> str | None:
    """Returns the development dependency that a word of a command names."""
    for part in re.split(r"[\s=,]+", word):
        bare = part.partition("node_modules/")[2].removeprefix(".bin/") or part
        match = re.match(r"((?:@[\w.-]+/)?[\w.-]+)", bare)
        if match and match[1] in names:
            return match[1]
    return None


def _programs_of(
    packages: Sequence[Package], files: Files, root: str
) -> Mapping[str, frozenset[str]]:
    """Returns, by the names of programs, the packages that bring them."""
    found: dict[str, set[str]] = {}
    direct = {name for each in packages for name in (*each.dependencies, *each.dev_dependencies)}
    for name in (each for each in direct if not each.startswith("@types/")):
        for program in PROGRAMS.get(name, (name.rpartition("/")[2],)):
            found.setdefault(program, set()).add(name)
    lock = read_lock(Survey(files), root)
    for location, entry in lock.packages.items() if lock else ():
        name = location.rpartition("node_modules/")[2]
        programs = entry.get("bin")
        if location.count("node_modules/") == 1 and isinstance(programs, Mapping):
            for program in programs:
                found.setdefault(program, set()).add(name)
    return {program: frozenset(owners) for program, owners in found.items()}


def uses_one(packages: Sequence[Package], files: Files, root: str) -> str | None:
    """Returns why the project's own code may need a development dependency when it runs, None where
    that is ruled out.

    Every text between quotes counts that is the name of one, or begins with it: so do names that
    other packages load (``transport: 'pino-pretty'``).
    """
    names = development(packages)
    if not names:
        return None
    for package in packages:
        for name in ("next.config.ts", "next.config.mts"):
            if files.kind(path := resolve(package.directory, name)) is not None:
                return f"Next.js reads {path} with TypeScript when it starts"
    if looked_for := sorted(names & _LOOKED_FOR):
        return f"{looked_for[0]} is one of them, and other packages load it by its name"
    either = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))
    pattern = re.compile(rf"""["'`](?P<name>{either})(?:/[^"'`\n]*)?["'`]""".encode())
    left = _MOST_BYTES
    for number, path in enumerate(_sources(files, root), 1):
        content = files.read(path)
        left -= len(content or b"")
        if content is None or left < 0 or number > MOST_SOURCES:
            return f"{path} is more code than is searched for what it imports"
        if _TYPED.search(path):
            content = _TYPE_IMPORT.sub(b"", content)
        if (match := pattern.search(content)) is not None:
            return f"{path} names {match['name'].decode()}, which is one of them"
    return None


def has_code(files: Files, root: str) -> bool:
    """Tells whether code of the project lies in ``root`` already, so that `uses_one` can tell."""
    return next(_sources(files, root), None) is not None


def _sources(files: Files, root: str) -> Iterator[str]:
    """Yields the files of code below ``root`` that may be loaded when the project runs."""
    queue = [(root, 0)]
    while queue:
        directory, depth = queue.pop()
        for name in files.children(directory):
            path = resolve(directory, name)
            kind = files.kind(path)
            if kind == "file" and _CODE.search(name) and not BUILD_FILES.fullmatch(name):
                yield path
            elif kind == "dir" and name not in _BUILD_FOLDERS and depth < _DEEPEST:
                queue.append((path, depth + 1))


def prune_of(
    manager: str, major: int | None, call: Call, packages: Sequence[Package], files: Files
) -> Pruning:
    """Returns how ``manager`` takes development dependencies out of what ``call`` installed.

    ``major`` is the manager's version where it is known.
    """
    root = packages[0].directory
    if (kept := _changed_inside(manager == "yarn" and major == 1, packages, files)) is not None:
        return Pruning(kept=kept)
    if manager == "npm":
        return _npm(major, call, packages)
    if manager == "pnpm":
        if len(packages) > 1:
            return Pruning(kept="`pnpm prune` does not work in a workspace")
        return Pruning("pnpm prune --prod --ignore-scripts", root)
    if manager == "yarn" and major == 1:
        if len(packages) > 1:
            return Pruning(kept="Yarn 1 may link the members of a workspace anew")
        frozen = " --frozen-lockfile" if {"--frozen-lockfile", "--pure-lockfile"} & {
            *call.words
        } else ""  # fmt: skip
        command = f"yarn install --production --ignore-scripts --prefer-offline{frozen}"
        return Pruning(command, root)
    if manager == "yarn":
        return _berry(major, packages, files)
    return Pruning(kept=f"{manager} has no command that takes them out again")


_CARRIED = frozenset(("--legacy-peer-deps", "--force", "-f", "--install-links"))
"""Flags of npm that say what a valid tree is (npm's docs, config)."""


def _npm(major: int | None, call: Call, packages: Sequence[Package]) -> Pruning:
    for package in packages[1:]:
        for event in ("preinstall", "install", "postinstall", "prepare"):
            if event in package.scripts:
                return Pruning(
                    kept=f"`npm prune` runs `{event}` of {package.path} when they are gone already"
                )
    scripts = packages[0].scripts
    words = ["npm", "prune", "--production" if major is None or major < 7 else "--omit=dev"]
    if any(f"{when}dependencies" in scripts for when in ("pre", "", "post")):
        words.append("--ignore-scripts")
    words += [word for word in call.words if word in _CARRIED]
    return Pruning(" ".join(words), packages[0].directory)


def _berry(major: int | None, packages: Sequence[Package], files: Files) -> Pruning:
    root = packages[0].directory
    settings = read_yaml(Survey(files), path) if files.kind(
        path := resolve(root, ".yarnrc.yml")
    ) == "file" else {}  # fmt: skip
    if settings.get("nodeLinker") != "node-modules":
        return Pruning(kept="Yarn leaves them in its archives")
    plugins = str(settings.get("plugins"))
    if major is None or (major < 4 and "workspace-tools" not in plugins):
        return Pruning(kept="`yarn workspaces focus` needs Yarn 4, or its plugin workspace-tools")
    for package in packages:
        for event in ("preinstall", "install", "postinstall"):
            if event in package.scripts:
                return Pruning(kept=f"Yarn runs `{event}` of {package.path} again without them")
    everywhere = "--all " if len(packages) > 1 else ""
    return Pruning(f"yarn workspaces focus {everywhere}--production", root)


_GENERATED = re.compile(rb'^[ \t]*output[ \t]*=[ \t]*"[^"\n]*node_modules/(?!\.)', re.MULTILINE)


def _changed_inside(takes_back: bool, packages: Sequence[Package], files: Files) -> str | None:
    """Returns what was changed inside installed packages and would be lost, None for nothing;
    ``takes_back`` says that the package manager takes back what others changed there."""
    names = {name for each in packages for name in (*each.dependencies, *each.dev_dependencies)}
    for package in packages:
        for schema in ("prisma/schema.prisma", "schema.prisma"):
            content = files.read(resolve(package.directory, schema))
            if content is not None and _GENERATED.search(content):
                return f"{schema} generates code into node_modules, which would go with them"
    if not takes_back:
        return None
    for name in ("patch-package", "@prisma/client", "prisma", "custom-patch"):
        if name in names:
            return f"Yarn would take back what {name} changed in installed packages"
    own = [e for e in ("postinstall", "install", "prepare") if e in packages[0].scripts]
    if own:
        return f"Yarn would take back what `{own[0]}` changed in installed packages"
    return None
