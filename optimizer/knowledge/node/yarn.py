"""yarn: which commands install, and which of the two programs of that name answers for them.

Yarn 1 (classic) and Yarn 2 and later (berry) share a name and a lockfile's name, and little else:
`optimizer.knowledge.node.yarn_classic` and `optimizer.knowledge.node.yarn_berry`.

Sources: yarn 1.22 src/cli/index.js; yarnpkg/berry plugin-essentials (install.ts),
plugin-workspace-tools (focus.ts), Configuration.ts; trials with yarn 1.22, 3.8 and 4.
"""

from __future__ import annotations

import re

from optimizer.knowledge.installs import (
    Call,
    DownloadCache,
    Files,
    Inputs,
    Install,
    Obstacle,
    Touch,
)
from optimizer.knowledge.manifests import Held, Survey, ancestors, answer, hold, resolve
from optimizer.knowledge.node.npm_config import preloads
from optimizer.knowledge.node.options import OptionTable, Words, names, read_words
from optimizer.knowledge.node.project import package_manager
from optimizer.knowledge.variables import CERTIFICATES, NODE, PROXIES

NAME = "yarn"

_VARIABLES = ("npm_*", "NPM_*", "YARN_*", "COREPACK_*", "XDG_*", *NODE, *PROXIES, *CERTIFICATES)

# yarn 1.22 src/cli/index.js and cli/commands/install.js (setFlags); yarnpkg/berry install.ts and
# focus.ts. Of the last line Yarn 2 and later take what yarn 1 had.
_OPTIONS = OptionTable(
    booleans=names(
        """
        no-default-rc verbose offline prefer-offline enable-pnp pnp disable-pnp strict-semver json
        ignore-scripts har ignore-platform ignore-engines ignore-optional force
        skip-integrity-check check-files no-bin-links flat no-lockfile lockfile pure-lockfile
        frozen-lockfile update-checksums link-duplicates silent no-progress progress
        non-interactive interactive no-node-version-check focus audit bin-links dev
        immutable immutable-cache check-cache check-resolutions refresh-lockfile inline-builds
        skip-builds clean-cache all ignore-workspace-root-check version help
        """
    ),
    valued=names(
        """
        use-yarnrc link-folder global-folder modules-folder preferred-cache-folder cache-folder
        mutex cwd proxy https-proxy registry network-concurrency network-timeout otp mode
        """
    ),
    short={"s": "silent", "f": "force", "v": "version", "h": "help", "A": "all",
           "W": "ignore-workspace-root-check"},
    optional=frozenset(("prod", "production", "emoji", "scripts-prepend-node-path")),
)  # fmt: skip

_EDITS = frozenset(("add", "remove", "upgrade", "up", "dedupe", "import", "upgrade-interactive"))


def recognise(call: Call) -> Install | Touch | Obstacle | None:
    """Says what ``call`` is; see `optimizer.knowledge.installs.Ecosystem`."""
    if call.program not in ("yarn", "yarnpkg"):
        return None
    words = command_words(call)
    if words.on("version") or words.on("help"):
        return None
    title = _title(call)
    match words.plain:
        case () | ("install", *_) | ("workspaces", "focus", *_) | ("add", *_):
            return _unless_odd(call, words, title)
        case (verb, *_) if verb in _EDITS:
            return _edits(title)
        case ("link" | "unlink", *_):
            return Obstacle(
                "project-install",
                f"`{title}` links the project itself.",
                "Link the project after the sources are copied.",
            )
        case ("set", "version", *_) | ("policies", "set-version", *_) | ("plugin", "import", *_):
            return _sets_up_the_project(call)
    return None


def command_words(call: Call) -> Words:
    """Returns the words of a yarn command."""
    return read_words(call.words[1:], _OPTIONS)


def _title(call: Call) -> str:
    return " ".join(("yarn", *call.words[1:]))


def _unless_odd(call: Call, words: Words, title: str) -> Install | Obstacle:
    if preloads(call.env.get("NODE_OPTIONS", "")):
        return Obstacle(
            "config-reads-source",
            f"NODE_OPTIONS is {call.env['NODE_OPTIONS']}, so yarn itself loads code of the "
            "project.",
            "Set NODE_OPTIONS after the install.",
        )
    if words.unknown and words.plain[:1] != ("add",):
        return Obstacle(
            "unknown-install-flag",
            f"`{title}` has {words.unknown[0]}, a flag that dockopt does not know.",
            "Take the flag out if yarn ignores it.",
        )
    return Install(NAME, title, call)


def _edits(title: str) -> Obstacle:
    return Obstacle(
        "install-edits-manifest",
        f"`{title}` writes into package.json or the lockfile.",
        "Make the change in the project, commit it, and install with a frozen lockfile.",
    )


def _sets_up_the_project(call: Call) -> Touch:
    """`yarn set version`, `yarn plugin import`: plugin-essentials/sources/commands; they write
    into the project that the directory belongs to."""
    names = (".yarnrc.yml", ".yarnrc", ".yarn", "package.json")
    places = tuple(resolve(folder, name) for folder in ancestors(call.directory) for name in names)
    return Touch(places, (*places, *_left_behind(call)), _VARIABLES, network=True)


def _left_behind(call: Call) -> tuple[str, ...]:
    home = call.env.get("HOME") or "/root"
    return (*(f"{home}/{name}" for name in (".yarn", ".cache")), call.env.get("TMPDIR") or "/tmp")


# Why an install needs sources although one that builds nothing does not.
_SCRIPTS = ("install-script-reads-source", "install-script-sets-git-hooks")


def dependency_step(call: Call, files: Files) -> Install | Obstacle | None:
    """Returns `yarn install --mode=skip-build` for an install of Yarn 3 or later whose scripts need
    the sources.

    The install below it then builds what is not built yet (install.ts); tried with Yarn 3 and 4,
    it leaves the same files.
    """
    if call.program not in ("yarn", "yarnpkg"):
        return None
    words = command_words(call)
    if words.plain not in ((), ("install",)) or words.unknown:
        return None
    if not {*words.options} <= {"immutable", "cwd", "inline-builds", "silent"}:
        return None
    found = inputs(Install(NAME, _title(call), call), files)
    if not isinstance(found, Obstacle) or found.code not in _SCRIPTS:
        return None
    return _without_builds(call, words, files)


def _without_builds(call: Call, words: Words, files: Files) -> Install | None:
    directory = resolve(call.directory, words.options.get("cwd", "."))
    try:
        named = package_manager(Survey(files), directory) or ""
    except Held:
        return None
    if (major := re.match(r"yarn@(\d+)\.", named)) is None or int(major[1]) < 3:
        return None
    place = [f"--cwd={words.options['cwd']}"] if "cwd" in words.options else []
    frozen = ["--immutable"] if words.on("immutable") else []
    skip = ("yarn", *place, "install", *frozen, "--mode=skip-build")
    step = Install(NAME, " ".join(skip), Call(skip, call.directory, call.env))
    return None if isinstance(inputs(step, files), Obstacle) else step


def download_caches(call: Call) -> tuple[DownloadCache, ...]:
    """Returns where yarn keeps archives, of whichever of the two; see `Ecosystem`.

    Yarn 1 as root keeps them in /usr/local/share/.cache (util/user-home-dir.js), and does not
    guard them against others (its reference, "--mutex"); Yarn 2 and later in ~/.yarn/berry
    (folderUtils.ts), where files come into being by renaming (Cache.ts).
    """
    if call.program not in ("yarn", "yarnpkg"):
        return ()
    named = command_words(call).options.get("cache-folder") or call.env.get("YARN_CACHE_FOLDER")
    home = call.env.get("HOME")
    if named:
        return (DownloadCache(resolve(call.directory, named), is_locked=False),)
    if not home:
        return ()
    classic = "/usr/local/share/.cache/yarn" if home == "/root" else f"{home}/.cache/yarn"
    berry = call.env.get("YARN_GLOBAL_FOLDER") or f"{home}/.yarn/berry"
    return (
        DownloadCache(classic, is_locked=False),
        DownloadCache(resolve("/", f"{berry}/cache"), is_locked=True),
    )


def inputs(install: Install, files: Files) -> Inputs | Obstacle:
    """Returns what ``install`` reads among ``files``, or why that is not known."""

    def survey() -> Inputs:
        found = Survey(files)
        look(install.call, found, frozenset())
        return found.inputs()

    return answer(survey)


def look(call: Call, survey: Survey, above: frozenset[str]) -> None:
    """Notes what the install ``call`` reads and writes; ``above`` are those that run it."""
    from optimizer.knowledge.node import yarn_berry, yarn_classic

    words = command_words(call)
    directory = resolve(call.directory, words.options.get("cwd", "."))
    if words.plain[:1] == ("add",):
        _look_at_added(survey, directory, words, _title(call))
    elif is_berry(survey, directory, words):
        yarn_berry.look(call, words, directory, survey, above)
    else:
        yarn_classic.look(call, words, directory, survey, above)


def _look_at_added(survey: Survey, directory: str, words: Words, title: str) -> None:
    """`yarn add NAME` is harmless where the context has no project for it to write into."""
    found = next(
        (p for at in ancestors(directory) if survey.has_file(p := resolve(at, "package.json"))),
        None,
    )
    local = next((w for w in words.plain[1:] if re.search(r"^(?:[a-z]+:|[./~])|\.tgz$", w)), None)
    if found is not None or local is not None or words.unknown:
        hold(
            "install-edits-manifest",
            f"`{title}` writes into package.json and the lockfile.",
            "Make the change in the project, commit it, and install with a frozen lockfile.",
            found,
        )
    survey.write(*(resolve(directory, n) for n in ("package.json", "yarn.lock", "node_modules")))


def is_berry(survey: Survey, directory: str, words: Words) -> bool:
    """Tells which yarn runs, as far as the project says.

    corepack and Yarn go by packageManager; a yarn of either kind goes by yarnPath in .yarnrc.yml
    (yarn 1.22 rc.js); and either refuses the other's lockfile or converts it. Yarn 1 reads nothing
    else of .yarnrc.yml, which editors and others may want.
    """
    named = package_manager(survey, directory)
    if named is not None and named.startswith("yarn@"):
        return re.match(r"yarn@[01](?:\.|$)", named) is None
    if words.plain[:2] == ("workspaces", "focus") or words.options.keys() & _BERRY_ONLY:
        return True
    for place in ancestors(directory):
        settings, lock = resolve(place, ".yarnrc.yml"), resolve(place, "yarn.lock")
        has_settings = survey.has_file(settings)
        if has_settings and b"yarnPath" in survey.content(settings, note=False):
            return True
        if survey.has_file(lock):
            text = survey.content(lock, note=False)
            # An empty one is how Yarn 2 and later are told where a project begins.
            return b"# yarn lockfile v1" not in text if has_settings else b"\n__metadata:" in text
        if has_settings:
            return True
    return False


_BERRY_ONLY = frozenset(
    ("immutable", "immutable-cache", "check-cache", "inline-builds", "mode", "refresh-lockfile",
     "check-resolutions", "skip-builds")
)  # fmt: skip
