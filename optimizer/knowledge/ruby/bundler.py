"""Bundler: which commands install gems, and what such an install reads and writes.

Sources: Bundler 2.3 and 2.6, lib/bundler/{cli,cli/install,cli/cache,shared_helpers,settings}.rb,
bundle-install(1), bundle-config(1), and trials with Bundler 2.3.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from posixpath import basename

from optimizer.knowledge.installs import (
    HOLE,
    Call,
    DownloadCache,
    Files,
    Inputs,
    Install,
    Obstacle,
    Touch,
)
from optimizer.knowledge.manifests import (
    Survey,
    ancestors,
    answer,
    hold,
    homes,
    resolve,
    unreadable,
)
from optimizer.knowledge.ruby.gemfile import lockfile_of, survey_gemfile

NAME = "bundle"

# cli.rb, `install`, `check` and the options of every command: those without a value, with one,
# and with several words.
_PLAIN = frozenset(
    ("--clean", "--deployment", "--frozen", "--full-index", "--local", "--no-cache", "--no-prune",
     "--quiet", "--system", "--redownload", "--force", "--prefer-local", "--no-color", "--verbose",
     "--no-deployment", "--no-clean", "--dry-run", "--no-install", "--no-quiet", "-q", "-V",
     "--no-verbose", "--no-frozen", "--no-system", "--no-local", "--color")
)  # fmt: skip
_VALUED = frozenset(
    ("--gemfile", "--jobs", "-j", "--path", "--retry", "-r", "--shebang", "--trust-policy", "-P",
     "--target-rbconfig", "--binstubs", "--standalone")
)  # fmt: skip
_LISTS = frozenset(("--without", "--with"))
_OPTIONAL = frozenset(("--binstubs", "--standalone"))
# Options that Bundler 2 keeps in the project's .bundle/config (settings.rb, set_command_option).
_KEPT = frozenset(
    ("--clean", "--deployment", "--frozen", "--path", "--shebang", "--system", "--without",
     "--with", "--binstubs", "--no-prune", "--no-deployment", "--trust-policy", "-P",
     "--standalone")
)  # fmt: skip
_INSTALLS = frozenset(("install", "i", "check", "clean"))
# gem environment of Debian, Alpine and the official images (see the rows of `gem`).
_GEMS = (
    "/usr/local/bundle", "/usr/local/lib/ruby", "/usr/local/bin", "/usr/lib/ruby", "/usr/lib64",
    "/usr/bin", "/var/lib/gems", "/usr/local/share/gems", "/usr/share/gems", "/usr/share/rubygems",
)  # fmt: skip
_OF_THE_USER = (".bundle", ".gem", ".cache/gem", ".local/share/gem", ".local/state/gem")
# bundle-config(1): settings that name files or folders.
_STEERING_SETTINGS = re.compile(r"BUNDLE_(?:GEMFILE|LOCAL__.*|CACHE_PATH|PLUGINS|RUBY)")


@dataclass(frozen=True, slots=True)
class _Command:
    verb: str
    options: Mapping[str, str]
    unknown: str | None

    def has(self, *names: str) -> bool:
        """Tells whether one of the options is given."""
        return any(name in self.options for name in names)


def _read_command(words: Sequence[str]) -> _Command:
    """Reads ``bundle install --jobs 4 --without development test``, as Thor does."""
    operands: list[str] = []
    options: dict[str, str] = {}
    unknown = None
    queue = list(words)
    while queue:
        word = queue.pop(0)
        if not word.startswith("-"):
            operands.append(word)
            continue
        name, equals, value = word.partition("=")
        if re.fullmatch(r"-[jrP].+", word):
            name, equals, value = word[:2], "=", word[2:]
        if name in _LISTS:
            while not equals and queue and not queue[0].startswith("-"):
                value = f"{value} {queue.pop(0)}".strip()
        elif name in _VALUED and not equals:
            if queue and not queue[0].startswith("-"):
                value = queue.pop(0)
        elif name not in _PLAIN | _VALUED:
            unknown = unknown or word
        options[name] = value
    verb = operands[0] if operands else "install"
    if len(operands) > 1 and verb in _INSTALLS:
        unknown = unknown or operands[1]
    return _Command(verb, options, unknown)


def recognise(call: Call) -> Install | Touch | Obstacle | None:
    """Says what ``call`` is; see `optimizer.knowledge.installs.Ecosystem`."""
    if call.program not in ("bundle", "bundler"):
        return None
    if any(
        word in ("--version", "-v", "--help", "-h", "help", "version") for word in call.words[1:3]
    ):
        return None
    command = _read_command(call.words[1:])
    title = " ".join(("bundle", *call.words[1:]))
    match command.verb:
        case "update" | "lock" | "add" | "remove" | "inject":
            return Obstacle(
                "install-edits-manifest",
                f"`{title}` writes into the Gemfile or its lockfile.",
                "Make the change in the project, commit it, and use `bundle install`.",
            )
        case "package" | "pack" | "cache":
            return Obstacle(
                "vendored-dependencies",
                f"`{title}` fills vendor/cache of the project.",
                "Use `bundle install`.",
            )
        case verb if verb not in _INSTALLS:
            return None
    if "/" in call.words[0] and not re.search(r"(?:^|/)bin/bundler?$", call.words[0]):
        return None
    if call.words[0] in ("bin/bundle", "./bin/bundle"):
        return Obstacle(
            "config-reads-source",
            f"`{title}` runs {call.words[0]}, a program of the project.",
            "Call `bundle`.",
        )
    if command.unknown is not None:
        return Obstacle(
            "unknown-install-flag",
            f"`{title}` has {command.unknown}, which dockopt does not know.",
            "Leave the word out if Bundler ignores it.",
        )
    loaded = call.env.get("RUBYOPT", "")
    if re.search(r"(?:^|\s)-(?:r|I)\s*\.{0,2}/|-r\s*\./", loaded):
        return Obstacle(
            "config-reads-source",
            f"RUBYOPT is {loaded}, so Bundler itself loads code of the project.",
            "Set RUBYOPT after the install.",
        )
    return Install(NAME, title, call)


def dependency_step(call: Call, files: Files) -> Install | Obstacle | None:
    """Returns None: Bundler has no command that builds and installs gems in one."""
    return None


def download_caches(call: Call) -> tuple[DownloadCache, ...]:
    """Returns the user's cache, where the lists of the servers are and, with the setting
    ``global_gem_cache``, gems; see `optimizer.knowledge.installs.Ecosystem`.

    bundle-config(1): BUNDLE_USER_CACHE, BUNDLE_USER_HOME. Nothing locks it.
    """
    if call.program not in ("bundle", "bundler"):
        return ()
    home = call.env.get("HOME")
    own = call.env.get("BUNDLE_USER_HOME") or (f"{home}/.bundle" if home else None)
    path = call.env.get("BUNDLE_USER_CACHE") or (f"{own}/cache" if own else None)
    return (DownloadCache(resolve("/", path), is_locked=False),) if path else ()


def inputs(install: Install, files: Files) -> Inputs | Obstacle:
    """Returns what ``install`` reads among ``files``, or why that is not known."""
    return answer(lambda: _survey(install, Survey(files)))


def _survey(install: Install, survey: Survey) -> Inputs:
    command = _read_command(install.call.words[1:])
    gemfile = _gemfile(survey, install, command)
    root = resolve(gemfile, "..")
    settings = _settings(survey, install, root)
    survey_gemfile(survey, gemfile, install.call.directory, install.call.env)
    frozen = _is_frozen(command, settings)
    _lock(survey, install, gemfile, frozen)
    _vendored(survey, install, command, root, settings, frozen)
    _kept_options(survey, install, command, root)
    _writes(survey, install, command, root, settings)
    return survey.inputs()


def _gemfile(survey: Survey, install: Install, command: _Command) -> str:
    """shared_helpers.rb, find_gemfile: the option, BUNDLE_GEMFILE, or the nearest one above."""
    call = install.call
    named = command.options.get("--gemfile") or call.env.get("BUNDLE_GEMFILE")
    if named is not None and HOLE in named:
        hold(
            "unresolved-variable",
            f"`{install.title}` reads a Gemfile whose name is not known before the build.",
            "Write its path down in the Dockerfile.",
        )
    candidates = [resolve(call.directory, named)] if named else [
        resolve(place, name)
        for place in ancestors(call.directory)
        for name in ("gems.rb", "Gemfile")
    ]  # fmt: skip
    found = next((path for path in candidates if survey.has_file(path)), None)
    if found is None:
        path = candidates[0] if named else resolve(call.directory, "Gemfile")
        hold(
            "manifest-outside-copy",
            f"{path} is not among the files copied from the build context.",
            "Copy the Gemfile from the build context before the install.",
            path,
        )
    return found


def _settings(survey: Survey, install: Install, root: str) -> dict[str, str]:
    """settings.rb: the project's file, the environment, the user's file, the first counts."""
    call = install.call
    found: dict[str, str] = {}
    user = call.env.get("BUNDLE_USER_CONFIG")
    for path in (
        [user] if user else [f"{home}/.bundle/config" for home in homes(call, survey.files)]
    ):
        found.update(_settings_file(survey, resolve(call.directory, path)))
    found.update({name: value for name, value in call.env.items() if name.startswith("BUNDLE_")})
    own = call.env.get("BUNDLE_APP_CONFIG") or ".bundle"
    found.update(_settings_file(survey, resolve(root, f"{own}/config")))
    for name in found:
        if _STEERING_SETTINGS.fullmatch(name) and name not in call.env:
            hold(
                "config-reads-source",
                f"A Bundler setting of the project names {name}={found[name]}.",
                "Take the setting out of .bundle/config.",
            )
    for home in homes(call, survey.files):
        for name in (".netrc", ".gitconfig", ".gemrc", ".config/git/config", ".git-credentials"):
            survey.read(f"{home}/{name}")
        if survey.files.kind(f"{home}/.ssh") == "dir":
            survey.tree(f"{home}/.ssh")
    return found


def _settings_file(survey: Survey, path: str) -> dict[str, str]:
    """settings.rb, load_config: a file of ``---`` and lines ``KEY: "value"``."""
    if not survey.read(path):
        return {}
    import yaml

    try:
        data = yaml.safe_load(survey.content(path).decode("utf-8", "replace"))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        unreadable(path, "is not valid YAML", mark.line + 1 if mark is not None else 1)
    except (RecursionError, ValueError) as error:
        unreadable(path, f"cannot be parsed: {error}", 1)
    if not isinstance(data, Mapping):
        return {}
    return {str(key): str(value).lower() if isinstance(value, bool) else str(value)
            for key, value in data.items()}  # fmt: skip


def _is_frozen(command: _Command, settings: Mapping[str, str]) -> bool:
    if command.has("--frozen", "--deployment"):
        return True
    return any(
        settings.get(name, "").lower() in ("true", "1", "t", "yes", "y")
        for name in ("BUNDLE_FROZEN", "BUNDLE_DEPLOYMENT")
    )


def _lock(survey: Survey, install: Install, gemfile: str, frozen: bool) -> None:
    path = lockfile_of(gemfile)
    if survey.read(path):
        if b"\n<<<<<<<" in survey.content(path):
            unreadable(path, "has conflict marks of git", None)
        if not frozen:
            survey.rewrite(path)
            survey.assume(
                f"Bundler brings {path} up to date where it does not fit the Gemfile or the "
                "platform, and the later copy puts the committed one back."
            )
        return
    if frozen:
        hold(
            "missing-lockfile",
            f"`{install.title}` needs {path}, and it is not among the copied files.",
            f"Commit {basename(path)}, and see that .dockerignore does not leave it out.",
            path,
        )
    survey.write(path)
    survey.assume(
        "Without a lockfile the install picks versions anew whenever it runs; "
        "after the change it runs when a manifest changes, not at every source edit."
    )


def _vendored(
    survey: Survey,
    install: Install,
    command: _Command,
    root: str,
    settings: Mapping[str, str],
    frozen: bool,
) -> None:
    """cli/install.rb: gems in vendor/cache are taken from there; unless the lockfile is frozen,
    the install then adds what is missing and takes out what is not needed (runtime.rb, cache)."""
    cache = resolve(root, "vendor/cache")
    if not survey.has_dir(cache):
        return
    survey.tree(cache)
    if not frozen and not command.has("--no-cache"):
        hold(
            "vendored-dependencies",
            f"`{install.title}` brings {cache} up to date, and a later copy would put the "
            "context's files back.",
            "Install with BUNDLE_FROZEN=true or BUNDLE_DEPLOYMENT=true, or with --no-cache.",
            cache,
        )


def _kept_options(survey: Survey, install: Install, command: _Command, root: str) -> None:
    kept = next((name for name in command.options if name in _KEPT), None)
    path = resolve(root, ".bundle/config")
    if kept is None or install.call.env.get("BUNDLE_APP_CONFIG"):
        return
    if survey.has_file(path):
        hold(
            "install-edits-manifest",
            f"`{install.title}` keeps {kept} in {path}, and the later copy would put the "
            "context's file back.",
            "Use `bundle config set` or a variable such as BUNDLE_WITHOUT instead of the option.",
            path,
        )
    survey.write(path)


def _writes(
    survey: Survey, install: Install, command: _Command, root: str, settings: Mapping[str, str]
) -> None:
    """bundle-config(1), "path": where gems go; Ruby's own folders where nothing is set."""
    call = install.call
    named = [
        resolve(root, value)
        for value in (
            command.options.get("--path"),
            settings.get("BUNDLE_PATH"),
            settings.get("BUNDLE_BIN"),
            command.options.get("--binstubs"),
            command.options.get("--standalone") and "bundle",
            call.env.get("GEM_HOME"),
        )
        if value
    ]
    survey.write(*named, *_GEMS, "/tmp")
    if not named:
        # `bundle config set path`, which another step may have run, is not seen from here.
        survey.write(resolve(root, "vendor/bundle"))
    if command.has("--binstubs") and not command.options["--binstubs"]:
        survey.write(resolve(root, "bin"))
    for home in homes(call, survey.files):
        survey.write(*(f"{home}/{name}" for name in _OF_THE_USER))
