"""cargo and cargo-chef: which commands bring in crates, and what they read and write.

A step that compiles the dependencies alone would need sources that are not those of the project.
Placeholders written for it make cargo keep the placeholder's program where their times are newer
(rust-lang/cargo#7181), so no such step is proposed: `cargo fetch` downloads, and cargo-chef is
left to those who have chosen it.

Sources: the Cargo Book ("Cargo Commands", "Cargo Home", "Environment Variables");
rust-lang/cargo src/ops/cargo_fetch.rs, src/util/cache_lock.rs; LukeMathWalker/cargo-chef
src/{main,recipe}.rs, src/skeleton/mod.rs; trials with cargo 1.95.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from posixpath import dirname
from typing import NoReturn

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
    Held,
    Survey,
    ancestors,
    answer,
    hold,
    homes,
    resolve,
    unreadable,
)
from optimizer.knowledge.rust.config import (
    config_files,
    note_settings,
    note_toolchain,
    toolchain_file,
)
from optimizer.knowledge.rust.manifest import Manifest, read_toml, tables
from optimizer.knowledge.rust.workspace import Workspace
from optimizer.knowledge.variables import CERTIFICATES, PROXIES, matches

NAME = "cargo"

# cargo help build, cargo help fetch, cargo help install; cargo-chef src/main.rs: the options that
# take a value. A value may follow an equals sign, or a short option directly.
_VALUED = frozenset(
    ("--color", "--config", "-Z", "-C", "--package", "-p", "--exclude", "--jobs", "-j", "--bin",
     "--example", "--test", "--bench", "--features", "-F", "--profile", "--target", "--target-dir",
     "--artifact-dir", "--out-dir", "--manifest-path", "--lockfile-path", "--message-format",
     "--path", "--root", "--version", "--vers", "--git", "--branch", "--tag", "--rev", "--index",
     "--registry", "--recipe-path")
)  # fmt: skip
_BUILDS = frozenset(
    ("build", "b", "check", "c", "test", "t", "run", "r", "bench", "doc", "d", "rustc", "rustdoc",
     "clippy", "install")
)  # fmt: skip
_EDITS = frozenset(("update", "generate-lockfile", "add", "remove", "upgrade"))
# "Environment Variables" and "Configuration": where packages come from. The others say what is
# compiled and how.
_DOWNLOADING = (
    "CARGO_HOME", "CARGO_NET_*", "CARGO_HTTP_*", "CARGO_REGISTR*", "CARGO_SOURCE_*",
    "CARGO_UNSTABLE_*", "RUSTC_BOOTSTRAP", "RUSTUP_*", "HOME", "PATH", "GIT_*", "SSH_*",
    *PROXIES, *CERTIFICATES,
)  # fmt: skip
_HOMES = ("/usr/local/cargo", "/usr/local/rustup")
"""CARGO_HOME and RUSTUP_HOME of the official images."""
# "Configuration", "Credentials"; git-config(1), FILES; git-credential-store(1); ssh(1), FILES.
_CARGO_SETTINGS = ("config", "config.toml", "credentials", "credentials.toml")
_USERS = (".netrc", ".gitconfig", ".config/git/config", ".git-credentials", ".ssh")
_MANIFESTS = ("Cargo.toml", "Cargo.lock")
_BESIDE = ("rust-toolchain", "rust-toolchain.toml", ".cargo/config", ".cargo/config.toml")
"""What cargo and rustup look for in a directory and in those above it."""
_KEEPS_DOWNLOADS_ONLY = (
    "The step keeps downloads: an edit of the sources still compiles the dependencies. cargo-chef "
    "would keep those too."
)


@dataclass(frozen=True, slots=True)
class Command:
    """``cargo +nightly build --release``; ``verb`` is ``build``, or ``chef cook``."""

    verb: str
    toolchain: str | None
    options: Mapping[str, tuple[str, ...]]
    arguments: tuple[str, ...]

    def has(self, *names: str) -> bool:
        """Tells whether one of the options is given."""
        return any(name in self.options for name in names)


def read_command(words: Sequence[str]) -> Command:
    """Reads the words behind `cargo`."""
    queue = list(reversed(words))
    toolchain = queue.pop() if queue and queue[-1].startswith("+") else None
    verb: list[str] = []
    options: dict[str, tuple[str, ...]] = {}
    arguments: list[str] = []
    while queue:
        word = queue.pop()
        if word == "--":
            break
        if not word.startswith("-"):
            complete = verb and (verb != ["chef"])
            (arguments if complete else verb).append(word)
            continue
        name, equals, value = word.partition("=")
        if not word.startswith("--") and name[:2] in _VALUED and len(word) > 2:
            name, equals, value = word[:2], "=", word[2:].removeprefix("=")
        if name in _VALUED and not equals:
            value = queue.pop() if queue else ""
        options[name] = (*options.get(name, ()), value)
    return Command(" ".join(verb), toolchain, options, tuple(arguments))


def recognise(call: Call) -> Install | Touch | Obstacle | None:
    """Says what ``call`` is; see `optimizer.knowledge.installs.Ecosystem`."""
    if call.program != "cargo":
        return None
    command = read_command(call.words[1:])
    title = " ".join(("cargo", *call.words[1:]))
    match command.verb:
        case "fetch" if not any(HOLE in word for word in call.words):
            return _elsewhere(command) or Install(NAME, title, call)
        case "chef cook":
            return Install(NAME, title, call)
        case "chef prepare":
            return _prepare(call, command)
        case "vendor":
            return Obstacle(
                "package-manager-not-covered",
                f"`{title}` writes the packages beside the sources.",
                "Commit what it writes, or use `cargo fetch`.",
            )
        case verb if verb in _EDITS:
            return Obstacle(
                "install-edits-manifest",
                f"`{title}` writes Cargo.toml or Cargo.lock.",
                "Run it on your machine and commit both.",
            )
    return None


def _elsewhere(command: Command) -> Obstacle | None:
    """Returns an obstacle for an option that makes cargo read settings from somewhere else."""
    for name in ("--config", "-C", "--lockfile-path"):
        if name in command.options:
            return Obstacle(
                "unknown-install-flag",
                f"`cargo {command.verb}` has {name}, which may change what it reads.",
                "Set the same in .cargo/config.toml, or run cargo in the directory itself.",
            )
    return None


def _prepare(call: Call, command: Command) -> Touch:
    """cargo-chef src/skeleton/mod.rs, Skeleton::derive: it looks for every manifest of the tree
    and asks cargo about them."""
    recipe = command.options.get("--recipe-path", ("recipe.json",))[-1]
    home = (*cargo_homes(call), *_rustup_homes(call))
    lock = resolve(call.directory, "Cargo.lock")
    return Touch(
        (call.directory, *home),
        (resolve(call.directory, recipe), lock, *home),
        ("*",),
        network=True,
    )


def cargo_homes(call: Call) -> tuple[str, ...]:
    """Returns where CARGO_HOME may be: as it is set, else that of the images and the user's."""
    named = call.env.get("CARGO_HOME")
    return (resolve("/", named),) if named else (_HOMES[0], *_user_homes(call, ".cargo"))


def _rustup_homes(call: Call) -> tuple[str, ...]:
    named = call.env.get("RUSTUP_HOME")
    return (resolve("/", named),) if named else (_HOMES[1], *_user_homes(call, ".rustup"))


def _user_homes(call: Call, name: str) -> tuple[str, ...]:
    return (resolve(call.env.get("HOME") or "/root", name),)


def dependency_step(call: Call, files: Files) -> Install | Obstacle | None:
    """Returns `cargo fetch` for a command that builds packages of the project; see
    `optimizer.knowledge.installs.Ecosystem`. It runs in the directory of the Cargo.lock."""
    if call.program != "cargo":
        return None
    command = read_command(call.words[1:])
    if not _builds_project(command) or call.env.get("CARGO_NET_OFFLINE", "false") != "false":
        return None
    if (elsewhere := _elsewhere(command)) is not None:
        return elsewhere
    try:
        return _fetch(call, command, Survey(files))
    except Held as held:
        return None if held.obstacle.code == "vendored-dependencies" else held.obstacle
    except RecursionError:
        return None


def _builds_project(command: Command) -> bool:
    if command.verb not in _BUILDS or command.has("--offline", "--frozen"):
        return False
    if command.verb == "install" and (command.arguments or not command.has("--path")):
        return False
    told = (
        value for name in ("--manifest-path", "--path") for value in command.options.get(name, ())
    )
    return not any(HOLE in value for value in told)


def _fetch(call: Call, command: Command, survey: Survey) -> Install | None:
    """Returns the download for a build. Raises `Held` where it would not be right."""
    start = start_of(call.directory, command)
    loading = Workspace(survey, start)
    path = loading.manifest_path()
    if path is None:
        return None
    top = loading.load(path)
    _hold_other_settings(survey, call.directory, (start, top.directory))
    tuple(note_settings(survey, top.directory))
    lock = _lock_of(survey, top)
    if command.verb == "install" and not command.has("--locked"):
        hold(
            "lockfile-ignored",
            "`cargo install` chooses new versions of everything and looks at no Cargo.lock.",
            "Add `--locked` to it.",
            lock,
        )
    if not _has_downloads(survey, lock):
        return None
    entries = sorted(path for path in survey.reads if path.endswith(".rs"))
    if entries and not _has_more_sources(survey, loading):
        _hold_entry(entries[0])
    _hold_many(survey, loading)
    words = ("cargo", *_carried(command))
    env = {name: value for name, value in call.env.items() if matches(name, _DOWNLOADING)}
    told = (_KEEPS_DOWNLOADS_ONLY, *_entries_told(entries))
    return Install(NAME, " ".join(words), Call(words, top.directory, env), told)


def _hold_other_settings(survey: Survey, directory: str, places: Sequence[str]) -> None:
    """Holds where a download in one of ``places`` would find other settings than the build."""
    for place in places:
        if config_files(survey, place) != config_files(survey, directory) or (
            toolchain_file(survey, place) != toolchain_file(survey, directory)
        ):
            hold(
                "config-reads-source",
                f"cargo finds other settings in {place} than in {directory}.",
                "Put .cargo and rust-toolchain.toml beside Cargo.lock.",
                place,
            )


def start_of(directory: str, command: Command) -> str:
    """Returns the directory in which cargo starts to look for a Cargo.toml."""
    if named := command.options.get("--manifest-path"):
        return resolve(resolve(directory, named[-1]), "..")
    return resolve(directory, command.options.get("--path", (".",))[-1])


def _carried(command: Command) -> tuple[str, ...]:
    """Returns the words of the download that a build gives it: its toolchain, its platforms, and
    the unstable features that its manifests may need to be read."""
    targets = command.options.get("--target", ())
    plain = [each for each in targets if re.fullmatch(r"[\w.-]+", each, re.ASCII)]
    platforms = () if len(plain) < len(targets) else plain
    return (
        *([command.toolchain] if command.toolchain else ()),
        "fetch",
        *(["--locked"] if command.has("--locked") else ()),
        *(word for each in platforms if not each.endswith(".json") for word in ("--target", each)),
        *(word for each in command.options.get("-Z", ()) for word in ("-Z", each)),
    )


def _lock_of(survey: Survey, top: Manifest) -> str:
    path = resolve(top.directory, "Cargo.lock")
    if not survey.has_file(path):
        hold(
            "missing-lockfile",
            f"{path} is not among the files copied from the build context.",
            "Commit Cargo.lock, and take it out of .dockerignore.",
            top.path,
        )
    return path


def _has_downloads(survey: Survey, lock: str) -> bool:
    """Tells whether any package of the lockfile comes from somewhere else."""
    return any("source" in package for package in tables(read_toml(survey, lock), "package"))


def _hold_entry(entry: str) -> NoReturn:
    hold(
        "install-reads-source",
        f"cargo takes no Cargo.toml without {entry}, and there are no other sources, so every "
        "edit would run the download again.",
        "Use cargo-chef, or a cache mount for the registry in CARGO_HOME; or name the path of "
        "each target in Cargo.toml.",
        entry,
    )


def _hold_many(survey: Survey, loading: Workspace) -> None:
    """Holds where the step would fill a Dockerfile with COPY lines, one for each directory."""
    folders = {dirname(path) for path in survey.reads}
    if len(folders) > _MOST_LINES:
        hold(
            "too-many-manifests",
            f"A download of its own would need {len(folders)} COPY lines for "
            f"{len(loading.manifests)} packages, and more for each new one.",
            "Use cargo-chef, or a cache mount for the registry in CARGO_HOME.",
        )


def _has_more_sources(survey: Survey, loading: Workspace) -> bool:
    """Looks for a Rust file that the download does not need, in the packages' directories."""
    queue = [manifest.directory for manifest in loading.manifests.values()]
    for _ in range(_MOST_FOLDERS):
        if not queue:
            return False
        folder = queue.pop()
        for name in survey.files.children(folder):
            path = resolve(folder, name)
            if name.endswith(".rs") and path not in survey.reads and name != "build.rs":
                return True
            if name not in ("target", ".git", "tests", "examples", "benches") and (
                survey.files.kind(path) == "dir"
            ):
                queue.append(path)
    return True


_MOST_LINES = 8
"""COPY lines that people would take for a download alone."""
_MOST_FOLDERS = 500
"""Directories that are searched for a second source file."""


def _entries_told(entries: Sequence[str]) -> tuple[str, ...]:
    """Says why source files are copied above the download, and what would spare it."""
    if not entries:
        return ()
    named = entries[0] if len(entries) == 1 else f"{entries[0]} and {entries[1]}"
    if len(entries) > 2:
        named = f"{entries[0]}, {entries[1]} and {len(entries) - 2} more"
    return (
        f"cargo takes no Cargo.toml for a package without a source file, so {named} "
        f"{'is' if len(entries) == 1 else 'are'} copied too, and edits of "
        f"{'it' if len(entries) == 1 else 'them'} run the step again; a `path` in [lib] or [[bin]] "
        "would spare that.",
    )


def download_caches(call: Call) -> tuple[DownloadCache, ...]:
    """Returns the registries' and the repositories' directory; see
    `optimizer.knowledge.installs.Ecosystem`.

    cargo's lock lies beside them, in CARGO_HOME itself (src/util/cache_lock.rs,
    ``.package-cache``), so it guards no mount of theirs. ``target`` holds results, no downloads.
    """
    home = call.env.get("CARGO_HOME")
    if call.program != "cargo" or not home:
        return ()
    verb = read_command(call.words[1:]).verb
    if verb not in _BUILDS | {"fetch", "vendor", "chef cook", "chef prepare"}:
        return ()
    places = (resolve(resolve("/", home), name) for name in ("registry", "git"))
    return tuple(DownloadCache(place, is_locked=False) for place in places)


def inputs(install: Install, files: Files) -> Inputs | Obstacle:
    """Returns what ``install`` reads among ``files``, or why that is not known."""
    return answer(lambda: _survey(install, Survey(files)))


def _survey(install: Install, survey: Survey) -> Inputs:
    call = install.call
    command = read_command(call.words[1:])
    for home in cargo_homes(call):
        survey.setting(*(f"{home}/{name}" for name in _CARGO_SETTINGS))
        survey.write(*(f"{home}/{name}" for name in ("registry", "git", ".package-cache")))
        survey.write(f"{home}/.global-cache")
    for home in homes(call, survey.files):
        survey.setting(*(f"{home}/{name}" for name in _USERS))
    survey.setting("/etc/gitconfig", "/etc/ssh")
    survey.settings.update(dict.fromkeys(_rustup_homes(call)))
    if command.verb == "chef cook":
        _survey_cook(survey, call, command)
    else:
        _survey_fetch(survey, call.directory, command)
    if command.toolchain or any("rust-toolchain" in path for path in survey.reads):
        survey.write(*_rustup_homes(call))
    return survey.inputs()


def _survey_fetch(survey: Survey, directory: str, command: Command) -> None:
    for place in ancestors(directory):
        survey.settings.update(dict.fromkeys(resolve(place, name) for name in _MANIFESTS + _BESIDE))
    if command.toolchain is None:
        note_toolchain(survey, directory)
    start = start_of(directory, command)
    loading = Workspace(survey, start)
    path = loading.manifest_path()
    if path is None:
        hold(
            "manifest-outside-copy",
            f"{resolve(start, 'Cargo.toml')} is not among the files copied from the build context.",
            "Copy Cargo.toml from the build context before the download.",
            resolve(start, "Cargo.toml"),
        )
    top = loading.load(path)
    for place in note_settings(survey, directory):
        loading.load(resolve(place, "Cargo.toml"))
    lock = resolve(top.directory, "Cargo.lock")
    if survey.read(lock):
        _check_lock(survey, lock)
    if not command.has("--locked", "--frozen"):
        _may_write_lock(survey, lock)


def _check_lock(survey: Survey, lock: str) -> None:
    packages = read_toml(survey, lock).get("package", [])
    if not isinstance(packages, list):
        unreadable(lock, "does not list packages", 1)


def _may_write_lock(survey: Survey, lock: str) -> None:
    if lock in survey.reads:
        survey.rewrite(lock)
    else:
        survey.write(lock)
        survey.assume(
            f"{lock} does not exist; the download writes one with the versions of that day, "
            "as it does today."
        )


def _survey_cook(survey: Survey, call: Call, command: Command) -> None:
    """cargo-chef src/skeleton/mod.rs, build_minimum_project: the recipe's manifests and
    placeholders for all sources are written over whatever is there."""
    top = resolve(call.directory, "Cargo.toml")
    if survey.has_file(top):
        hold(
            "sources-overwritten",
            f"`{' '.join(call.words)}` writes placeholders over {top} and the sources beside it.",
            "Copy only the recipe above it, and the sources below it.",
            top,
        )
    recipe = command.options.get("--recipe-path", ("recipe.json",))[-1]
    survey.setting(resolve(call.directory, recipe))
    for place in ancestors(call.directory):
        survey.setting(*(resolve(place, name) for name in _BESIDE))
    survey.write(call.directory)
    named = command.options.get("--target-dir", (call.env.get("CARGO_TARGET_DIR", "target"),))
    survey.write(resolve(call.directory, named[-1]))
