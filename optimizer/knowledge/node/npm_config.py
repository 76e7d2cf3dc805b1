"""npm's configuration: its command line, its variables in the environment and its .npmrc files.

Sources: npm/cli, workspaces/config (lib/index.js, lib/definitions, lib/env-replace.js),
lib/utils/cmd-list.js, and nopt (lib/nopt-lib.js) for how a command line is read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from optimizer.knowledge.installs import Call
from optimizer.knowledge.manifests import Survey, hold, homes, resolve

# npm/cli lib/utils/cmd-list.js: names and aliases of the commands that dockopt has to tell apart.
_COMMANDS: Mapping[str, str] = {
    **dict.fromkeys(
        ("install", "i", "in", "ins", "inst", "insta", "instal", "isnt", "isnta", "isntal",
         "isntall", "add"),
        "install",
    ),
    **dict.fromkeys(("ci", "ic", "clean-install", "install-clean", "isntall-clean"), "ci"),
    **dict.fromkeys(("install-test", "it"), "install-test"),
    **dict.fromkeys(
        ("install-ci-test", "cit", "clean-install-test", "sit"), "install-ci-test"
    ),
    **dict.fromkeys(("update", "up", "u", "upgrade", "udpate"), "update"),
    **dict.fromkeys(("uninstall", "un", "unlink", "remove", "rm", "r"), "uninstall"),
    **dict.fromkeys(("dedupe", "ddp"), "dedupe"),
    **dict.fromkeys(("link", "ln"), "link"),
    **dict.fromkeys(("config", "c"), "config"),
    **dict.fromkeys(("run", "run-script", "rum", "urn"), "run"),
    **dict.fromkeys(("exec", "x"), "exec"),
    **dict.fromkeys(("view", "v", "info", "show"), "view"),
    **{name: name for name in ("set", "get", "cache", "shrinkwrap", "root", "prefix", "ping",
                               "whoami", "help")},
}  # fmt: skip

# npm/cli workspaces/config/lib/definitions/definitions.js (npm 11), with the options that npm 6
# had and later versions dropped (docs of npm 6: npm-config, "unsafe-perm" and neighbours).
_BOOLEAN_NAMES = """
    all allow-same-version audit bin-links browser color commit-hooks
    dangerously-allow-all-scripts description dev dry-run engine-strict force foreground-scripts
    format-package-lock fund git-tag-version global global-style if-present ignore-scripts
    include-workspace-root init-private install-links json legacy-bundling legacy-peer-deps link
    long offline omit-lockfile-registry-resolved optional package-lock package-lock-only parseable
    prefer-dedupe prefer-offline prefer-online production progress provenance read-only
    rebuild-bundle save save-bundle save-dev save-exact save-optional save-peer save-prod
    shrinkwrap sign-git-commit sign-git-tag strict-allow-scripts strict-peer-deps strict-ssl timing
    unicode unsafe-perm update-notifier usage version versions workspaces workspaces-update
    yes
"""
_VALUED_NAMES = """
    access allow-directory allow-file allow-git allow-remote allow-scripts also audit-level
    auth-type before ca cache cache-max cache-min cafile call cert cpu depth editor fetch-retries
    fetch-retry-factor fetch-retry-maxtimeout fetch-retry-mintimeout fetch-timeout git globalconfig
    group heading https-proxy include init-module install-strategy key libc local-address location
    lockfile-version loglevel logs-dir logs-max maxsockets message min-release-age
    min-release-age-exclude node-gyp node-options node-version noproxy omit only os otp prefix
    proxy registry replace-registry-host save-prefix scope script-shell searchlimit shell tag
    tag-version-prefix umask user user-agent userconfig workspace
"""
_BOOLEANS = frozenset(_BOOLEAN_NAMES.split())
_VALUED = frozenset(_VALUED_NAMES.split())
# The same file, `shorthands`, and the `short` of each definition.
_SHORTHANDS: Mapping[str, tuple[str, ...]] = {
    "a": ("--all",), "f": ("--force",), "g": ("--global",), "L": ("--location",),
    "l": ("--long",), "p": ("--parseable",), "C": ("--prefix",), "S": ("--save",),
    "B": ("--save-bundle",), "D": ("--save-dev",), "E": ("--save-exact",),
    "O": ("--save-optional",), "P": ("--save-prod",), "h": ("--usage",), "H": ("--usage",),
    "v": ("--version",), "w": ("--workspace",), "y": ("--yes",), "n": ("--no-yes",),
    "no": ("--no-yes",), "s": ("--loglevel", "silent"), "silent": ("--loglevel", "silent"),
    "q": ("--loglevel", "warn"), "quiet": ("--loglevel", "warn"), "d": ("--loglevel", "info"),
    "dd": ("--loglevel", "verbose"), "ddd": ("--loglevel", "silly"),
    "verbose": ("--loglevel", "verbose"), "local": ("--no-global",), "reg": ("--registry",),
    "iwr": ("--include-workspace-root",), "ws": ("--workspaces",), "help": ("--usage",),
    "desc": ("--description",), "porcelain": ("--parseable",), "readonly": ("--read-only",),
    "enjoy-by": ("--before",),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class CommandLine:
    """What stands after ``npm``: ``command`` is its full name, or None for one not known here."""

    command: str | None
    arguments: tuple[str, ...]
    options: Mapping[str, str]
    unknown: tuple[str, ...]

    def on(self, option: str) -> bool:
        """Tells whether a boolean ``option`` is switched on."""
        return self.options.get(option) == "true"

    def off(self, option: str) -> bool:
        """Tells whether a boolean ``option`` is switched off."""
        return self.options.get(option) == "false"

    @property
    def is_global(self) -> bool:
        """Tells whether the command works on the global packages (definitions.js: location)."""
        return self.on("global") or self.options.get("location") == "global"


def read_command_line(words: Sequence[str]) -> CommandLine:
    """Reads the words after ``npm`` as nopt does: a boolean takes ``true``/``false`` only."""
    options: dict[str, str] = {}
    rest: list[str] = []
    unknown: list[str] = []
    queue = list(_without_shorthands(words))
    position = 0
    while position < len(queue):
        word = queue[position]
        position += 1
        if word == "--":
            rest.extend(queue[position:])
            break
        if not word.startswith("-") or word == "-":
            rest.append(word)
            continue
        name, equals, value = word.lstrip("-").partition("=")
        negated = name.startswith("no-") and name not in _BOOLEANS | _VALUED
        name = name.removeprefix("no-") if negated else name
        following = queue[position] if position < len(queue) else None
        if name in _BOOLEANS or negated:
            taken = not equals and following in ("true", "false")
            truth = (value or "true") if equals else (following if taken else "true")
            options[name] = _negate(str(truth)) if negated else str(truth)
            position += taken
        elif name in _VALUED:
            taken = not equals and following is not None and following != "--"
            options[name] = str(following) if taken else value
            position += taken
        if name not in _BOOLEANS and name not in _VALUED:
            unknown.append(word)
    command = _COMMANDS.get(_kebab(rest[0])) if rest else None
    return CommandLine(command, tuple(rest[1:]), options, tuple(unknown))


def _without_shorthands(words: Sequence[str]) -> Iterator[str]:
    for position, word in enumerate(words):
        if word == "--":
            yield from words[position:]
            return
        name, equals, value = word.lstrip("-").partition("=")
        if not word.startswith("-") or not name:
            yield word
        elif name in _SHORTHANDS and name not in _BOOLEANS | _VALUED:
            yield from _SHORTHANDS[name]
            if equals:
                yield value
        elif not word.startswith("--") and all(letter in _SHORTHANDS for letter in name):
            for letter in name:
                yield from _SHORTHANDS[letter]
        else:
            yield word


def _negate(truth: str) -> str:
    return "true" if truth == "false" else "false"


def _kebab(command: str) -> str:
    """npm/cli cmd-list.js, deref: installTest is install-test."""
    return re.sub(r"[A-Z]", lambda match: "-" + match.group().lower(), command)


def settings_in_environment(env: Mapping[str, str]) -> dict[str, str]:
    """Returns the settings that npm_config_* variables make (config/lib/index.js, loadEnv)."""
    return {
        name[11:].lstrip("_").replace("_", "-").lower(): value
        for name, value in env.items()
        if name.lower().startswith("npm_config_") and value
    }


_VARIABLE = re.compile(r"(?<!\\)\$\{([^${}?]+)(\?)?\}")


def read_npmrc(text: str, env: Mapping[str, str]) -> dict[str, str]:
    """Returns the settings of an .npmrc file, its ${VARIABLES} filled in where they are known."""
    settings: dict[str, str] = {}
    for raw in text.removeprefix("\ufeff").split("\n"):
        line = raw.strip()
        if not line or line[0] in ";#[":
            continue
        key, equals, value = line.partition("=")
        value = value.strip() if equals else "true"
        if value[:1] in "\"'" and value[-1:] == value[:1] and len(value) > 1:
            value = value[1:-1]
        else:
            value = re.split(r"(?<!\\)[;#]", value)[0].strip()
        fill = _VARIABLE.sub(lambda match: env.get(match[1], "" if match[2] else match[0]), value)
        settings[key.strip().removesuffix("[]")] = fill
    return settings


@dataclass(frozen=True, slots=True)
class Config:
    """The settings in force, strongest first: command line, environment, project, user, global."""

    layers: tuple[Mapping[str, str], ...]

    def get(self, key: str) -> str | None:
        """Returns the value that counts for ``key``."""
        return next((layer[key] for layer in self.layers if key in layer), None)

    def on(self, key: str, default: bool = False) -> bool:
        """Returns the truth of a boolean ``key``."""
        value = self.get(key)
        return default if value is None else value != "false"


def read_config(
    survey: Survey, call: Call, options: Mapping[str, str], directories: Iterable[str]
) -> Config:
    """Returns the settings in force, and notes the files that they are read from.

    ``options`` are those of the command line, ``directories`` those whose .npmrc counts, nearest
    first. Sources: config/lib/index.js, loadProjectConfig, loadUserConfig, loadGlobalConfig;
    yarn 1.22 registries/npm-registry.js (getPossibleConfigLocations); pnpm's reference, "Settings
    (.npmrc)".
    """
    env = settings_in_environment(call.env)
    user = [env["userconfig"]] if "userconfig" in env else [
        f"{home}/.npmrc" for home in homes(call, survey.files)
    ]  # fmt: skip
    system = [env["globalconfig"]] if "globalconfig" in env else [
        "/usr/local/etc/npmrc", "/usr/etc/npmrc",
    ]  # fmt: skip
    layers: list[Mapping[str, str]] = [options, env]
    named = (*(f"{directory}/.npmrc" for directory in directories), *user, *system)
    for path in dict.fromkeys(resolve(call.directory, name) for name in named):
        if survey.has_file(path):
            layers.append(read_npmrc(survey.content(path).decode("utf-8", "replace"), call.env))
    for layer in layers:
        _check_settings(survey, call, layer)
    return Config(tuple(layers))


# definitions.js, settings of type path; certfile and keyfile: config/lib/definitions/index.js,
# nerfDarts. npm reads each of these files itself.
_FILE_SETTINGS = ("cafile", "certfile", "keyfile", "userconfig", "globalconfig")
# definitions.js: programs that npm runs; and the directory where it keeps what it downloaded.
_PROGRAM_SETTINGS = ("script-shell", "shell", "git", "node-gyp", "onload-script")
_DIRECTORY_SETTINGS = ("cache", "logs-dir")


def _check_settings(survey: Survey, call: Call, settings: Mapping[str, str]) -> None:
    for key, value in settings.items():
        name = key.rpartition(":")[2] if key.startswith("//") else key
        if value in ("true", "false", "null", ""):
            continue
        if name == "node-options" and preloads(value):
            _hold_config(f"node-options={value}", "loads code of the project into npm")
        path = resolve(call.directory, value)
        if name in _FILE_SETTINGS:
            survey.read(path)
        elif name in _PROGRAM_SETTINGS and "/" in value and survey.kind(path):
            _hold_config(f"{name}={value}", "runs a file of the build context", path)
        elif name in _DIRECTORY_SETTINGS:
            survey.write(path)
            if survey.kind(path):
                _hold_config(f"{name}={value}", "uses a directory of the build context", path)


def _hold_config(setting: str, what: str, path: str | None = None) -> None:
    hold(
        "config-reads-source",
        f"npm's setting {setting} {what}.",
        "Take the setting out, or copy what it names above the install yourself.",
        path,
    )


_PRELOAD = re.compile(
    r"(?:^|\s)(?:-r|--require|--import|--loader|--experimental-loader|--env-file\S*)(?=[=\s])"
)


def preloads(node_options: str) -> bool:
    """Tells whether NODE_OPTIONS makes every node program load files (Node.js docs, cli)."""
    return _PRELOAD.search(node_options) is not None
