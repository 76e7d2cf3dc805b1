"""What installs and builds of Node.js leave for the run time, and what of it only building needs.

Installs leave node_modules, out of which development dependencies can be taken where nothing needs
them (`optimizer.knowledge.node.pruning`). Builds are package scripts, which are followed to the
tools that they run (`build_scripts`), and those leave what their configuration says (`outputs`).
Where it does not say, the whole project is kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from optimizer.knowledge.installs import HOLE, Call, Files, Install, Obstacle, Touch
from optimizer.knowledge.manifests import Held, Survey, resolve, within
from optimizer.knowledge.node import bun, npm, pnpm, yarn
from optimizer.knowledge.node.build_scripts import Unfollowed, leaves
from optimizer.knowledge.node.layout import Package, package_at, packages_of, root_of
from optimizer.knowledge.node.locked import compiled, locked_packages
from optimizer.knowledge.node.npm_config import read_command_line
from optimizer.knowledge.node.npm_lock import read_lock
from optimizer.knowledge.node.options import names
from optimizer.knowledge.node.outputs import Output, joined, output_of
from optimizer.knowledge.node.own_sources import sources_of
from optimizer.knowledge.node.pruning import (
    PROGRAMS,
    Pruning,
    development,
    has_code,
    prune_of,
    runs_one,
    uses_one,
)
from optimizer.knowledge.products import Made, Product

_MANAGERS: Mapping[str, Any] = {
    "npm": npm, "corepack": npm, "yarn": yarn, "yarnpkg": yarn, "pnpm": pnpm, "bun": bun,
}  # fmt: skip
_LOCKS: Mapping[str, str] = {
    "package-lock.json": "npm", "npm-shrinkwrap.json": "npm", "yarn.lock": "yarn",
    "pnpm-lock.yaml": "pnpm", "bun.lock": "bun", "bun.lockb": "bun",
}  # fmt: skip

NEVER_WHOLE: Final = names("/ /bin /etc /home /lib /opt /root /sbin /usr /usr/bin /usr/lib "
                           "/usr/local /usr/local/bin /usr/local/lib /var /tmp")  # fmt: skip
"""Directories that hold more than a project, so that they are never kept whole."""

_LEFT_BY_NODE_GYP = ("/usr/local/lib/node_modules/*/gyp*/__pycache__",)
"""What Python keeps of the scripts of node-gyp, which npm and pnpm bring along, when an addon is
compiled (nodejs/node-gyp, gyp/pylib; seen in node:18)."""

# nodejs.org, "Previous releases": the names of the lines of long-term support.
_NODE_LINES = {"argon": 4, "boron": 6, "carbon": 8, "dubnium": 10, "erbium": 12, "fermium": 14}


def product(call: Call, made: Made) -> Product | Obstacle | None:
    """Says what ``call`` leaves for the run time; see `optimizer.knowledge.products.Producer`."""
    if HOLE in call.directory or any(HOLE in word for word in call.words[:2]):
        return None
    try:
        return _product(call, made)
    except Held as held:
        return _not_known(call, held.obstacle.reason, held.obstacle.unblock)


def _product(call: Call, made: Made) -> Product | Obstacle | None:
    manager = _MANAGERS.get(call.program)
    if manager is not None:
        found = manager.recognise(call)
        if isinstance(found, Install) and call.program != "corepack":
            return _installed(call, found, manager, made)
        if isinstance(found, Touch | Install):
            return _set_up(call, found, made)
        if isinstance(found, Obstacle):
            return _not_known(call, found.reason, found.unblock)
    if call.program == "node" and (len(call.words) < 2 or call.words[1].startswith("-")):
        return None
    return _built(call, made)


def _not_known(call: Call, why: str, unblock: str | None = None) -> Obstacle:
    return Obstacle(
        "unknown-product",
        f"What `{_title(call)}` leaves for the run time is not known: {why}",
        unblock or "Say what it leaves in a comment above it: `# dockopt: writes=PATH,...`.",
    )


def _title(call: Call) -> str:
    return " ".join(call.words).replace(HOLE, "…")


# Installs


def _directory(call: Call) -> str:
    """Returns where a package manager works: --prefix of npm, --cwd of yarn, -C of pnpm."""
    for position, word in enumerate(call.words):
        name, equals, value = word.partition("=")
        if name in ("--prefix", "--cwd", "-C", "--dir"):
            following = call.words[position + 1 : position + 2]
            return resolve(call.directory, value if equals else following[0] if following else ".")
    return call.directory


def _installed(call: Call, install: Install, manager: Any, made: Made) -> Product | Obstacle:
    directory = _directory(call)
    root = root_of(made.files, directory)
    surveyed = manager.inputs(install, made.files)
    if root is None:
        return _added(call, directory)
    if _is_fetched_by_corepack(call, made):
        return _not_known(
            call,
            f"corepack brings {call.program}, which a container starts, to the user's cache.",
            "Install it above with `corepack prepare NAME@VERSION --activate`, or with npm -g.",
        )
    packages = packages_of(made.files, root)
    generated = _generated(call, made.files, packages)
    if isinstance(generated, Obstacle):
        return generated
    modules = _module_directories(call, made.files, root, packages)
    keeps = (root,) if modules is None or root in generated else (*modules, *generated)
    if root in NEVER_WHOLE and keeps == (root,):
        return _not_known(
            call, f"the project lies in {root}.", "Give it a directory: WORKDIR /app."
        )
    if isinstance(surveyed, Obstacle):
        written = tuple(cache.path for cache in manager.download_caches(call))
    else:
        written = (*surveyed.writes, *surveyed.rewrites)
    bundled = locked_packages(made.files, root, packages)
    compiles = compiled(made.files, root, bundled)
    written = (*written, *(_LEFT_BY_NODE_GYP if compiles else ()))
    left = [path for path in written if not any(within(path, kept) for kept in keeps)]
    # A build that follows prunes when it is done.
    builds = any("build" in each.scripts for each in packages)
    pruning = Pruning() if builds else _pruning(call, made, packages)
    return Product(
        keeps,
        drops=(*left, *pruning.drops),
        prune=pruning.command,
        directory=pruning.directory,
        interpreter="bun" if call.program == "bun" else "node",
        ecosystem="npm",
        packages=bundled,
        compiles=compiles,
        build_only=() if builds else None,
        assumes=_said(pruning),
    )


_SHIMS = ("yarn", "yarnpkg", "pnpm", "pnpx")


def _is_fetched_by_corepack(call: Call, made: Made) -> bool:
    """Tells whether the package manager that a container starts is fetched by the install alone
    (README of corepack, "corepack enable")."""
    verbs = {each.words[1] for each in made.before if each.program == "corepack" and each.words[1:]}
    started = made.running.programs | {each.program for each in made.running.calls if each.words}
    is_shim = call.program in _SHIMS and bool(started & set(_SHIMS))
    return is_shim and "enable" in verbs and not verbs & {"prepare", "install", "use", "up"}


_EVENTS = ("preinstall", "install", "postinstall", "prepublish", "preprepare", "prepare",
           "postprepare", "predependencies", "dependencies", "postdependencies")  # fmt: skip
"""The scripts that installs run, see `optimizer.knowledge.node.scripts`."""

_BROWSERS = frozenset(("puppeteer",))
"""Packages whose install script brings something to the user's cache that they need when they run
(Puppeteer's docs, "Configuration"), unless a variable such as PUPPETEER_SKIP_DOWNLOAD is set."""


def _generated(call: Call, files: Files, packages: Sequence[Package]) -> tuple[str, ...] | Obstacle:
    """Returns what the scripts that an install runs leave outside node_modules, the root of the
    project where that is not known."""
    if "--ignore-scripts" in call.words:
        return ()
    skips = any(name.startswith("PUPPETEER_SKIP") for name in call.env)
    needed = {name for each in packages for name in each.dependencies}
    if needed & _BROWSERS and not skips:
        return _not_known(call, "puppeteer brings a browser to the user's cache.")
    found: dict[str, None] = {}
    for package in packages:
        for event in (each for each in _EVENTS if each in package.scripts):
            run = Call(("npm", "run", event), package.directory, call.env)
            try:
                commands = leaves(run, files)
            except Unfollowed:
                return (packages[0].directory,)
            output = joined([output_of(each, files) for each in commands], commands)
            if output.outside is not None:
                return _not_known(call, f"`{event}` in {package.path}: {output.outside}.")
            if output.unknown is not None:
                return (packages[0].directory,)
            found.update(dict.fromkeys(output.keeps))
    return tuple(found)


def _said(pruning: Pruning) -> tuple[str, ...]:
    if pruning.kept is None:
        return ()
    return (f"Development dependencies stay in the image: {pruning.kept}.",)


def _added(call: Call, directory: str) -> Product | Obstacle:
    """`npm install NAME` where no package.json was copied: the package manager makes one."""
    plain = [word for word in call.words[2:] if not word.startswith("-")]
    if not plain or call.program not in ("npm", "yarn", "pnpm", "bun"):
        return _not_known(call, f"no package.json was copied to {directory}.")
    return Product(
        (resolve(directory, "node_modules"), resolve(directory, "package.json")),
        interpreter="node",
        ecosystem="npm",
        packages=tuple(sorted(_bare(word) for word in plain)),
        compiles=True,
    )


def _bare(spec: str) -> str:
    return spec[: spec.index("@", 1)] if "@" in spec[1:] else spec


def _leaves_out_development(call: Call) -> bool:
    """Tells whether an install brings no development dependencies: --omit, --production and their
    kin, or NODE_ENV (npm's docs, config, omit; the references of Yarn 1, pnpm and Bun)."""
    words = {word.partition("=")[0]: word.partition("=")[2] for word in call.words}
    if {"--production", "--prod", "-P"} & {*words} or "dev" in (
        words.get("--omit"), words.get("--only-not")
    ):  # fmt: skip
        return words.get("--production") != "false"
    line = read_command_line(call.words[1:]) if call.program == "npm" else None
    if line is not None and line.options.get("omit") == "dev":
        return True
    if words.get("--only") in ("prod", "production"):
        return True
    asked = "--include=dev" in call.words or "--production=false" in call.words
    classic = call.program in ("npm", "yarn", "yarnpkg", "pnpm")
    return classic and call.env.get("NODE_ENV") == "production" and not asked


def _module_directories(
    call: Call, files: Files, root: str, packages: Sequence[Package]
) -> tuple[str, ...] | None:
    """Returns the node_modules that the install leaves for sure; None where it cannot be told which
    they are."""
    if call.program in ("yarn", "yarnpkg") and _plugs_and_plays(call, files, root):
        return None
    without = _leaves_out_development(call)
    wanted = [
        name
        for each in packages
        for name in (*each.dependencies, *(() if without else each.dev_dependencies))
    ]
    if len(packages) == 1 and not packages[0].manifest.data.get("workspaces"):
        return (resolve(root, "node_modules"),) if wanted else ()
    lock = read_lock(Survey(files), root) if call.program == "npm" else None
    if lock is None or not lock.packages:
        return None
    found: dict[str, None] = {}
    unsure: set[str] = set()
    for location, entry in lock.packages.items():
        place = location.partition("node_modules/")[0]
        if "node_modules/" not in location or (without and entry.get("dev")):
            continue
        path = resolve(root, f"{place}node_modules")
        if entry.get("optional") or entry.get("devOptional") or (place and entry.get("dev")):
            unsure.add(path)
        else:
            found[path] = None
    return None if unsure - found.keys() else tuple(sorted(found))


def _plugs_and_plays(call: Call, files: Files, root: str) -> bool:
    """Tells whether Yarn may leave archives and a loader in the place of node_modules."""
    if not yarn.is_berry(Survey(files), _directory(call), yarn.command_words(call)):
        return False
    settings = files.read(resolve(root, ".yarnrc.yml")) or b""
    return re.search(rb"nodeLinker:\s*[\"']?node-modules", settings) is None


# Setting up the package manager


def _set_up(call: Call, found: Touch | Install, made: Made) -> Product | None:
    """A package manager itself, its settings, or packages for everybody: done again in the runtime
    stage, unless it is sure that only building needs them."""
    writes = found.writes if isinstance(found, Touch) else ()
    if (not writes and isinstance(found, Touch)) or call.words[1:2] in (("cache",), ("store",)):
        return None
    if call.program == "corepack":
        caches = [path for path in writes if not path.startswith("/usr")]
        shown = tuple(f"/usr/local/bin/{shim}" for shim in _SHIMS)
        return _unless_started(call, made, _SHIMS, (*shown, *caches))
    if "config" in call.words[1:2] or "set" in call.words[1:2]:
        return Product((), again=True)
    named, programs = _named(call), _for_everybody(call)
    places = tuple(f"/usr/local/lib/node_modules/{_bare(word)}" for word in named)
    links = tuple(f"/usr/local/bin/{program}" for program in programs)
    # An image of Node.js has an npm of its own.
    own = [program for program in programs if program not in ("npm", "npx")]
    return _unless_started(call, made, own, (*places, *links))


def _named(call: Call) -> list[str]:
    return [word for word in call.words[2:] if not word.startswith("-") and word != "add"]


def _for_everybody(call: Call) -> list[str]:
    """Returns the programs of the packages that ``call`` installs for all of the image."""
    if not {"-g", "--global", "global"} & {*call.words} or call.program not in _MANAGERS:
        return []
    return [program for word in _named(call) for program in _programs(_bare(word))]


def _programs(name: str) -> tuple[str, ...]:
    more = {"npm": ("npm", "npx"), "pnpm": ("pnpm", "pnpx"), "yarn": ("yarn", "yarnpkg")}
    return more.get(name) or PROGRAMS.get(name) or (name.rpartition("/")[2],)


def _unless_started(
    call: Call, made: Made, programs: Sequence[str], writes: Sequence[str]
) -> Product:
    running = made.running
    started = running.programs | {each.program for each in running.calls if each.words}
    if started & set(programs) or running.opaque is not None or not running.is_set:
        return Product((), interpreter="node", again=True)
    return Product((), drops=tuple(writes))


# Builds


_TAKES_AWAY = names("prune dedupe ddp audit ls list outdated")
"""Commands of package managers that take away from node_modules, or only look into it."""


def _built(call: Call, made: Made) -> Product | Obstacle | None:
    files = made.files
    root = root_of(files, _directory(call))
    if root is None:
        return None
    if call.program in _MANAGERS or call.program in ("npx", "pnpx", "bunx"):
        own = package_at(files, _directory(call))
        if own is None:
            return None
    try:
        commands = leaves(call, files)
    except Unfollowed as why:
        return _whole(call, made, root, str(why.args[0]))
    if commands == (call,) and call.program in _MANAGERS:
        return Product(()) if {*call.words[1:2]} & _TAKES_AWAY else None
    output = joined([output_of(each, files) for each in commands], commands)
    if output.outside is not None:
        return _not_known(call, f"{output.outside}.", "Split the stage by hand.")
    if output.unknown is not None:
        return _whole(call, made, root, output.unknown)
    if NEVER_WHOLE & {*output.keeps}:
        return _not_known(call, "it writes into a directory of the system.")
    if any(within(root, path) for path in output.keeps):
        return _whole(call, made, root, "it writes beside its sources")
    return _output(call, made, root, output, commands)


def _output(call: Call, made: Made, root: str, output: Output, commands: Sequence[Call]) -> Product:
    pruning = _pruning(call, made, packages_of(made.files, root))
    caches = [c for c in output.caches if any(within(c, kept) for kept in output.keeps)]
    return Product(
        output.keeps,
        drops=(*output.caches, *pruning.drops),
        prune=_cleaned(pruning, root, caches),
        directory=pruning.directory if pruning.command else root,
        interpreter="node",
        build_only=sources_of(made, root, output, commands),
        assumes=_said(pruning),
    )


def _cleaned(pruning: Pruning, root: str, caches: Sequence[str]) -> str | None:
    """Returns the command that takes out development dependencies and what only the next build
    looks into."""
    there = [cache.removeprefix(f"{root.rstrip('/')}/") for cache in caches]
    parts = [pruning.command] if pruning.command else []
    parts += [f"rm -rf {path}" for path in there if re.fullmatch(r"[\w./@-]+", path)]
    return " && ".join(parts) or None


def _whole(call: Call, made: Made, root: str, why: str) -> Product | Obstacle:
    """The project as it is when the build is done."""
    if root in NEVER_WHOLE:
        return _not_known(call, f"{why}, and the project lies in {root}.", "Set a WORKDIR.")
    pruning = _pruning(call, made, packages_of(made.files, root))
    return Product(
        (root,),
        drops=pruning.drops,
        prune=pruning.command,
        directory=pruning.directory,
        interpreter="node",
        assumes=(
            f"What `{_title(call)}` leaves for the run time lies in {root}: {why}.",
            *_said(pruning),
        ),
    )


# Pruning


def _pruning(call: Call, made: Made, packages: Sequence[Package]) -> Pruning:
    """Returns how development dependencies go when all is built; ``call`` installs or builds."""
    if not packages or not development(packages):
        return Pruning()
    root, files = packages[0].directory, made.at_end or made.files
    install = next((each for each in reversed(made.before) if _is_install(each)), call)
    if _leaves_out_development(install):
        return Pruning()
    if not has_code(files, root):
        # The step that builds is asked again, with the sources.
        return Pruning()
    elsewhere = frozenset(program for each in made.before for program in _for_everybody(each))
    if (why := runs_one(packages, made.running, files, root, elsewhere)) is not None:
        return Pruning(kept=why)
    if (why := uses_one(packages, files, root)) is not None:
        return Pruning(kept=why)
    if made.user != "root" and install is not call:
        return Pruning(kept="the build runs as a user who may not own what was installed")
    manager, major = _manager(install, made, root)
    if manager is None:
        return Pruning(kept=f"it is not known which package manager installs {root}")
    return prune_of(manager, major, install, packages, made.files)


def _is_install(call: Call) -> bool:
    manager = _MANAGERS.get(call.program)
    return (
        manager is not None
        and call.program != "corepack"
        and isinstance(manager.recognise(call), Install)
    )


def _manager(call: Call, made: Made, root: str) -> tuple[str | None, int | None]:
    """Returns the package manager that installs, and its major version where that is known."""
    found = [*_locks(made.files, root)]
    name = call.program if call.program in ("npm", "pnpm", "bun", "yarn", "yarnpkg") else None
    if name is None and len(found) == 1:
        name = found[0]
    if name in ("yarn", "yarnpkg"):
        return "yarn", _yarn_major(call, made.files, root)
    return name, _npm_major(made.image) if name == "npm" else None


def _locks(files: Files, root: str) -> Iterator[str]:
    yield from dict.fromkeys(
        manager for name, manager in _LOCKS.items() if files.kind(resolve(root, name)) == "file"
    )


def _yarn_major(call: Call, files: Files, root: str) -> int | None:
    words = yarn.command_words(Call(("yarn",), root, call.env))
    if not yarn.is_berry(Survey(files), root, words):
        return 1
    package = package_at(files, root)
    manager = package.manifest.data.get("packageManager") if package else None
    settings = files.read(resolve(root, ".yarnrc.yml")) or b""
    named = re.search(r"yarn[@-](\d{1,3})\.", f"{manager} {settings.decode('utf-8', 'replace')}")
    return int(named[1]) if named else None


def _npm_major(image: tuple[str, str] | None) -> int | None:
    """Returns the major version of npm in an official node image: 6 up to Node.js 14, at least 7
    since (nodejs.org, "Previous releases"); None for other images."""
    if image is None or image[0] != "node":
        return None
    match = re.match(r"(\d{1,3})(?:[.-]|$)", image[1])
    line = _NODE_LINES.get(image[1].partition("-")[0])
    node = int(match[1]) if match else line if line is not None else 18
    return 6 if node < 15 else 7
