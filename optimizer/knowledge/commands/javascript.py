"""npm's kin: what yarn, pnpm and bun do beside installing the project.

`optimizer.knowledge.node.npm` answers for npm and corepack. Scripts of the project have no answer;
packages that are installed by name run their own scripts, which are taken to keep to the places
of the tool, to temporary files and to the user's caches.

Sources: the command references of Yarn 1 and 4, pnpm 10 and Bun 1.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from optimizer.knowledge.commands.line import Unknown, homes, places, temporary
from optimizer.knowledge.installs import HOLE, Call, Touch
from optimizer.knowledge.manifests import ancestors, resolve
from optimizer.knowledge.variables import CERTIFICATES, NODE, PROXIES

VARIABLES = ("npm_*", "NPM_*", "YARN_*", "PNPM_*", "XDG_*", "BUN_*", "COREPACK_*", *NODE,
              *PROXIES, *CERTIFICATES)  # fmt: skip
# docs of npm, "folders": the prefix of a Node.js in /usr/local (node images) or /usr (packages).
_PREFIXES = ("/usr/local/bin", "/usr/local/lib/node_modules", "/usr/local/share", "/usr/bin",
             "/usr/lib/node_modules", "/usr/share/man")  # fmt: skip


def settings(call: Call) -> tuple[str, ...]:
    """Returns the files of settings in the directory and above it, and the user's. Raises `Unknown`
    where the directory is not known."""
    if HOLE in call.directory:
        raise Unknown
    names = (".npmrc", ".yarnrc", ".yarnrc.yml", ".yarn", "package.json", "pnpm-workspace.yaml",
             ".pnp.cjs", "bunfig.toml")  # fmt: skip
    above = (resolve(folder, name) for folder in ancestors(call.directory) for name in names)
    user = homes(call, ".npmrc", ".yarnrc", ".yarnrc.yml", ".config/yarn", ".config/pnpm")
    return (*above, *user, "/usr/local/etc", "/etc/npmrc", "/usr/etc")


_USER = (".npm", ".yarn", ".cache", ".config", ".local", ".yarnrc", ".npmrc", ".pnpm-store",
         ".bun", ".node-gyp", "node_modules")  # fmt: skip


def _packages(call: Call, words: tuple[str, ...]) -> Touch:
    """Packages by name, installed for all projects."""
    if any(re.match(r"[./~\0]|(?:file|link|portal|workspace):", w) for w in words if w[:1] != "-"):
        raise Unknown
    kept = tuple(
        path
        for name in ("PNPM_HOME", "npm_config_prefix", "NPM_CONFIG_PREFIX", "BUN_INSTALL")
        if call.env.get(name)
        for path in places(call, [call.env[name]])
    )
    written = (*_PREFIXES, *homes(call, *_USER), *kept, *temporary(call))
    return Touch((*settings(call), *written), written, ("*",), network=True)


def _config(call: Call, files: tuple[str, ...]) -> Touch:
    return Touch((*settings(call), *files), files, VARIABLES, repeatable=True)


def _yarn(call: Call) -> Touch:
    """yarn: a directory with .yarnrc.yml or .yarn may bring a yarn of its own, which counts as
    read."""
    words = tuple(word for word in call.words[1:] if word not in ("--silent", "-s"))
    caches = (*homes(call, ".cache", ".yarn"), "/usr/local/share/.cache")
    named = call.env.get("YARN_CACHE_FOLDER")
    caches += places(call, [named]) if named else ()
    match words:
        case ("--version" | "-v",):
            return Touch(settings(call), (), VARIABLES, repeatable=True)
        case ("cache", "clean", *rest) if set(rest) <= {"--force", "--all", "--mirror"}:
            # Yarn 4 keeps a cache in the project, too.
            own = places(call, [".yarn", "node_modules/.cache"])
            return Touch((*settings(call), *caches, *own), (*caches, *own), VARIABLES)
        case ("config", "set", *rest) if not any("cafile" in word for word in rest):
            files = (*homes(call, ".yarnrc", ".yarnrc.yml", ".config/yarn"),
                     *places(call, [".yarnrc.yml"]), "/usr/local/share/.yarnrc")  # fmt: skip
            return _config(call, files)
        case ("global", "add", *packages):
            return _packages(call, tuple(packages))
    raise Unknown


def _pnpm(call: Call) -> Touch:
    words = call.words[1:]
    match words:
        case ("--version" | "-v",):
            return Touch(settings(call), (), VARIABLES, repeatable=True)
        case ("config" | "c", "set", *_):
            files = (*homes(call, ".npmrc", ".config/pnpm"), *places(call, [".npmrc"]),
                     *places(call, ["pnpm-workspace.yaml"]))  # fmt: skip
            return _config(call, files)
        case ("store", "prune"):
            caches = (*homes(call, ".local/share/pnpm", ".pnpm-store", ".cache/pnpm"),
                      *(places(call, [call.env["PNPM_HOME"]]) if call.env.get("PNPM_HOME")
                        else ()))  # fmt: skip
            return Touch((*settings(call), *caches), caches, VARIABLES)
        case ("add" | "install" | "i", *packages) if {"-g", "--global"} & set(packages):
            known = {"-g", "--global", "--ignore-scripts", "--silent"}
            if not {word for word in packages if word.startswith("-")} <= known:
                raise Unknown
            return _packages(call, tuple(packages))
    raise Unknown


def _bun(call: Call) -> Touch:
    words = call.words[1:]
    match words:
        case ("--version" | "-v" | "--revision",):
            return Touch((), (), VARIABLES, repeatable=True)
        case ("add" | "install" | "i", *packages) if {"-g", "--global"} & set(packages):
            if not {word for word in packages if word.startswith("-")} <= {"-g", "--global"}:
                raise Unknown
            return _packages(call, tuple(packages))
    raise Unknown


ROWS: Mapping[str, Callable[[Call], Touch]] = {
    "yarn": _yarn,
    "yarnpkg": _yarn,
    "pnpm": _pnpm,
    "bun": _bun,
}
