"""Which of the copied files of a Node.js project only building needs.

A server that was compiled runs from what the compiler left, a static site is served from one
folder; whatever else a container may read, stays.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from posixpath import basename
from typing import Final

from optimizer.knowledge.build_only import (
    MOST_FILES,
    Sources,
    any_holds,
    only_for_building,
    source_files,
)
from optimizer.knowledge.installs import Call, Files
from optimizer.knowledge.manifests import resolve, within
from optimizer.knowledge.node.options import names
from optimizer.knowledge.node.outputs import BUILDS, Output
from optimizer.knowledge.node.pruning import BUILD_FILES
from optimizer.knowledge.node.servers import Served, served
from optimizer.knowledge.products import Made
from optimizer.knowledge.running import Running

# Servers that TypeScript or Babel builds, so that the sources are of no use when they run.
_COMPILES = names("tsc nest tsup unbuild babel swc esbuild webpack webpack-cli rollup tsc-alias")
# The handbook of TypeScript (tsconfig.json), and the file names in the docs of each tool.
_SOURCES = Sources(
    re.compile(
        r"tsconfig(?:[.-][\w.-]+)?\.json|tslint\.json|nest-cli\.json|nodemon\.json|\.swcrc"
        r"|\.eslint(?:rc(?:\.\w+)?|ignore)|eslint\.config\.[cm]?[jt]s|\.prettier(?:rc(?:\.\w+)?|ignore)"
        r"|prettier\.config\.[cm]?js|\.babelrc(?:\.\w+)?|babel\.config\.(?:[cm]?js|json)|\.nycrc(?:\.json)?"
        r"|jest\.config\.(?:[cm]?[jt]s|json)|\.mocharc\.\w+|\.lintstagedrc(?:\.\w+)?|typedoc\.json"
        r"|commitlint\.config\.[cm]?[jt]s|\.commitlintrc(?:\.\w+)?|\.nvmrc|\.node-version"
        r"|(?!.*\.config\.)(?!knexfile|ormconfig|data-source).+\.[cm]?tsx?"
    ),
    frozenset(("__tests__", "__mocks__", "e2e")),
)

_TYPED: Final = (
    rb"""(?:\.[cm]?tsx?|[{(\[|,.]\.?[cm]?tsx?[\w.,|?]{0,20}[})\]]|\[jt\]sx?"""
    rb"""|\{[jt],[jt]\}sx?)["'`]"""
)
"""How names and globs of files of TypeScript end."""

# What code says that reads sources or settings of tools when it runs: swagger-jsdoc ("apis"),
# MikroORM ("Metadata Providers", entitiesTs), tsconfig-paths, ts-node, tsx, jiti, @babel/register
# and @swc-node/register (their READMEs); and code that shows one of the project's own documents.
# Globs below `__dirname` (TypeORM's "entities") look into what was compiled.
_READS: Final = re.compile(
    rb"""["'`/](?i:README|CHANGELOG|LICENSE|SECURITY|CONTRIBUTING)"""
    rb"""|["'`](?:ts-node|tsx|jiti|sucrase|esbuild-register|@babel/register|@swc-node)\b"""
    rb"""|["'`][^"'`\n]{0,200}tsconfig"""
    rb"""|(?<!from )(?<!from)(?<!import\()(?<!import )(?<!require\()["'`][./]{0,9}src"""
    rb"""(?:/[^"'`\n]{0,200})?["'`]"""
    rb"""|["'`](?=[^"'`\n]{0,200}\.\.)[^"'`\n]{0,200}""" + _TYPED + rb"""|(?<!__dirname \+ )"""
    rb"""(?<!__dirname\+)(?<!__dirname, )["'`](?!\$\{__dirname\}/)[^"'`\n]{0,200}""" + _TYPED
)

_LOADED: Final = re.compile(
    rb"""["](?:main|module|exports|import|require|node|default|[.#][^"\n]{0,200})"\s{0,20}:\s{0,20}"""
    rb""""[^"\n]{0,200}\.[cm]?tsx?\""""
)
"""Entries of a package.json that load TypeScript as it is, which Node.js can since 22.18 (its docs,
"Packages", "Modules: TypeScript")."""

# Programs that bring containers up and read no file of the project but package.json and what they
# are told to run: those of the base images, of docker-library/node, and the package managers.
_STARTS: Final = names(
    """
    node nodejs npm yarn yarnpkg pnpm sh bash ash dash env exec docker-entrypoint.sh tini dumb-init
    catatonit su-exec gosu cd echo test [ sleep true false curl wget nc cross-env
    """
)
_LOADERS: Final = re.compile(
    r"-r|--require(?:=.*)?|--import(?:=.*)?|--(?:experimental-)?loader(?:=.*)?"
    r"|--experimental-(?:strip|transform)-types|--enable-source-maps|--env-file(?:=.*)?"
)
"""Options of node that load code of others first, or read sources (Node.js' docs, "CLI")."""

_NEEDED_TO_START: Final = re.compile(
    r"package\.json|\.npmrc|\.yarnrc(?:\.yml)?|\.yarn|\.pnp\..*|pnpm-workspace\.yaml|bunfig\.toml"
    r"|package-lock\.json|npm-shrinkwrap\.json|yarn\.lock|pnpm-lock\.yaml|bun\.lockb?|node_modules"
    r"|\.env(?:\..*)?"
)
"""What package managers look at when they start a program of the project."""


def sources_of(
    made: Made, root: str, output: Output, commands: Sequence[Call]
) -> tuple[str, ...] | None:
    """Returns the copied files below ``root`` that a container does not need, where it runs from
    ``output``, which ``commands`` leave, alone. None where it may read any of them."""
    running = made.running
    if running.opaque is not None or not running.is_set:
        return None
    if output.site is not None:
        return _of_site(made.files, root, output.site, running)
    tools = {each.program for each in commands} & BUILDS
    if not tools or tools - _COMPILES or not _runs_output(running, output):
        return None
    code = source_files(made.files, root, (".ts", ".js", ".tsx", ".jsx", ".mjs", ".cjs", ".mts",
                                           ".cts"))  # fmt: skip
    if code is None:
        return None
    loaded = [path for path in code if not BUILD_FILES.fullmatch(basename(path))]
    manifests = source_files(made.files, root, ("package.json",)) or ()
    if any_holds(made.files, loaded, _READS) or any_holds(made.files, manifests, _LOADED):
        return None
    return only_for_building(made.files, root, _SOURCES, running, output.keeps)


def _runs_output(running: Running, output: Output) -> bool:
    """Tells whether all that is started is what the build left."""
    for call in running.calls:
        if call.program not in _STARTS or "NODE_OPTIONS" in call.env:
            return False
        if call.program not in ("node", "nodejs"):
            continue
        if any(_LOADERS.fullmatch(word) for word in call.words):
            return False
        named = (resolve(call.directory, word) for word in call.words[1:])
        if not any(within(path, kept) for path in named for kept in output.keeps):
            return False
    return True


def _of_site(files: Files, root: str, site: str, running: Running) -> tuple[str, ...] | None:
    """Returns all but what starts the server, where a container serves ``site`` and does nothing
    else."""
    servers = [call for call in running.calls if call.program not in {*_STARTS, "npx"}]
    if not servers or any(call.program in ("node", "nodejs") for call in running.calls):
        return None
    for call in servers:
        answer = served(call, files)
        if not isinstance(answer, Served) or answer.folder != site or answer.is_development:
            return None
    children = files.children(root)
    if len(children) > MOST_FILES:
        return None
    left = (name for name in children if not _NEEDED_TO_START.fullmatch(name))
    found = tuple(resolve(root, name) for name in left)
    named = [resolve(call.directory, word) for call in running.calls for word in call.words[1:]]
    return tuple(
        path
        for path in found
        if path == site or not any(within(each, path) and files.kind(each) for each in named)
    )
