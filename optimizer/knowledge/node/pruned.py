"""Commands that take development dependencies out of what is installed, and builds beside them.

Sources: npm's docs (npm-prune, config: omit, production), the references of pnpm (`pnpm prune`),
Yarn 1 (`yarn install --production`) and Yarn 4 (`yarn workspaces focus`). Which scripts they run
was tried, see `optimizer.knowledge.node.pruning`.
"""

from __future__ import annotations

from collections.abc import Sequence

from optimizer.knowledge.commands.javascript import VARIABLES, settings
from optimizer.knowledge.commands.line import Unknown
from optimizer.knowledge.installs import HOLE, Call, Files, Obstacle
from optimizer.knowledge.manifests import Held, resolve, within
from optimizer.knowledge.node.build_scripts import Unfollowed, leaves
from optimizer.knowledge.node.layout import Package, packages_of, root_of
from optimizer.knowledge.node.options import names
from optimizer.knowledge.node.outputs import TAKERS, output_of
from optimizer.knowledge.products import Pruned

_MUTE = names("--no-audit --no-fund --silent -s --quiet -q --no-progress --loglevel=error")
_OF_NPM = _MUTE | names("--omit=dev --production --ignore-scripts --legacy-peer-deps --force -f")
_OF_PNPM = _MUTE | names(
    "--prod -P --production --ignore-scripts --config.confirmModulesPurge=false"
)
_OF_YARN = _MUTE | names(
    "install --production --production=true --prod --ignore-scripts --prefer-offline --offline"
    " --frozen-lockfile --pure-lockfile --non-interactive --ignore-engines --no-lockfile"
)
_OF_BERRY = _MUTE | names("workspaces focus --production --all -A")
_DEVELOPMENT = names("--omit=dev --production --production=true --prod -P")
"""The words that leave development dependencies out."""

_BESIDE = ("package-lock.json", "npm-shrinkwrap.json", "yarn.lock", "pnpm-lock.yaml",
           ".pnpmfile.cjs")  # fmt: skip
_INSTALLING = ("preinstall", "install", "postinstall", "prepublish", "preprepare", "prepare",
               "postprepare")  # fmt: skip
_CHANGED = ("predependencies", "dependencies", "postdependencies")

_CHANGES_PACKAGES = names("prisma patch-package ngcc npm-force-resolutions")
"""Programs that write into installed packages (Prisma's docs, "Generators"; the READMEs of
patch-package, ngcc and npm-force-resolutions)."""


def pruned(call: Call, files: Files) -> Pruned | Obstacle | None:
    """Says out of which project ``call`` takes what is for development alone. None: it is no such
    command. `Obstacle`: it is, and it runs scripts of the project, which may read anything."""
    if HOLE in call.directory or any(HOLE in word for word in call.words):
        return None
    words = call.words[1:]
    if not _takes_out(call.program, words, call.env.get("NODE_ENV") == "production"):
        return None
    try:
        root = root_of(files, call.directory)
        packages = packages_of(files, root) if root is not None else ()
        looks = settings(call)
    except (Held, Unknown):
        return None
    if root is None or not packages:
        return None
    if "--ignore-scripts" not in words and (script := _runs(call.program, packages)) is not None:
        return Obstacle(
            "prune-runs-scripts",
            f"`{' '.join(call.words)}` runs {script}, which may read any file of the project.",
            "Prune with --ignore-scripts.",
        )
    beside = tuple(resolve(root, name) for name in _BESIDE)
    manifests = (*(each.path for each in packages), *beside)
    modules = tuple(resolve(each.directory, "node_modules") for each in packages)
    return Pruned(" ".join(call.words), root, modules, (*looks, *manifests), VARIABLES)


def _takes_out(program: str, words: Sequence[str], in_production: bool) -> bool:
    given = {*words}
    match program:
        case "npm":
            named = words[:1] == ("prune",) and given <= {"prune"} | _OF_NPM
            return named and (bool(given & _DEVELOPMENT) or in_production)
        case "pnpm":
            named = words[:1] == ("prune",) and given <= {"prune"} | _OF_PNPM
            return named and bool(given & _DEVELOPMENT)
        case "yarn" | "yarnpkg":
            if words[:2] == ("workspaces", "focus"):
                return "--production" in given and given <= _OF_BERRY
            return given <= _OF_YARN and bool(given & _DEVELOPMENT)
    return False


def _runs(program: str, packages: Sequence[Package]) -> str | None:
    """Returns a script that pruning runs: npm those of members and of `dependencies`, pnpm and Yarn
    those of installs."""
    for package in packages:
        events = _INSTALLING if program != "npm" or package is not packages[0] else _CHANGED
        for event in (each for each in events if each in package.scripts):
            return f"`{event}` of {package.path}"
    return None


def spares(call: Call, files: Files, modules: Sequence[str]) -> bool:
    """Tells whether a build is known to leave what lies in ``modules`` as it is: it is followed to
    tools that write elsewhere, as their configuration says."""
    try:
        commands = leaves(call, files)
    except Unfollowed:
        return False
    return all(_leaves_alone(each, files, modules) for each in commands)


def _leaves_alone(call: Call, files: Files, modules: Sequence[str]) -> bool:
    output = output_of(call, files)
    if output.unknown is not None or output.outside is not None:
        return False
    places = [*output.keeps]
    if call.program in TAKERS:
        plain = (word for word in call.words[1:] if not word.startswith("-"))
        places += [resolve(call.directory, word.partition("*")[0] or ".") for word in plain]
    if any(within(at, each) or within(each, at) for at in places for each in modules):
        return False
    return call.program not in _CHANGES_PACKAGES
