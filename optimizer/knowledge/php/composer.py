"""Composer: which commands install packages, and what such an install reads and writes.

Sources: composer/composer 2.5 and 2.8, src/Composer/{Installer,Factory,Command/InstallCommand,
Autoload/AutoloadGenerator,Repository/PathRepository,Downloader/PathDownloader,
Package/Loader/RootPackageLoader,EventDispatcher/EventDispatcher}.php, the Composer reference
("composer.json schema", "Scripts", "Repositories"), and trials with Composer 2.5.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

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
    JsonManifest,
    Survey,
    ancestors,
    answer,
    hold,
    homes,
    line_of,
    resolve,
)
from optimizer.knowledge.patterns import is_folder, is_pattern, matching
from optimizer.knowledge.php import plugins
from optimizer.knowledge.variables import CERTIFICATES, PROXIES

NAME = "composer"

# Command/InstallCommand.php, Console/Application.php and Symfony's Application: options without a
# value, and with one.
_PLAIN = frozenset(
    ("--prefer-source", "--prefer-dist", "--dry-run", "--download-only", "--dev", "--no-suggest",
     "--no-dev", "--no-autoloader", "--no-scripts", "--no-progress", "--audit", "--no-audit",
     "--no-security-blocking", "--verbose", "-v", "-vv", "-vvv", "--optimize-autoloader", "-o",
     "--classmap-authoritative", "-a", "--apcu-autoloader", "--ignore-platform-reqs", "--quiet",
     "-q", "--no-interaction", "-n", "--no-plugins", "--no-cache", "--profile", "--ansi",
     "--no-ansi", "--source-fallback", "--no-source-fallback", "--strict-psr", "--optimize",
     "--strict-ambiguous")
)  # fmt: skip
_VALUED = frozenset(
    ("--prefer-install", "--audit-format", "--apcu-autoloader-prefix", "--ignore-platform-req",
     "--working-dir", "-d")
)  # fmt: skip
_AUTOLOADER = frozenset(
    ("--no-autoloader", "--no-scripts", "--optimize-autoloader", "-o", "--classmap-authoritative",
     "-a", "--apcu-autoloader", "--optimize", "--strict-psr", "--strict-ambiguous")
)  # fmt: skip
"""Options that only matter when the autoloader is made."""

# "Scripts" in the reference: the events of an install, and those that come before its packages.
_EVENTS = frozenset(
    ("init", "command", "pre-install-cmd", "post-install-cmd", "pre-autoload-dump",
     "post-autoload-dump", "pre-operations-exec", "pre-package-install", "post-package-install",
     "pre-package-update", "post-package-update", "pre-package-uninstall",
     "post-package-uninstall", "pre-file-download", "post-file-download", "pre-command-run",
     "pre-pool-create", "install")
)  # fmt: skip
_UPDATE_EVENTS = frozenset(("pre-update-cmd", "post-update-cmd"))
_BEFORE_PACKAGES = _EVENTS - {"post-install-cmd", "pre-autoload-dump", "post-autoload-dump"}
_VARIABLES = ("COMPOSER*", "PHP*", "XDG_*", "GIT_*", "SSH_*", *PROXIES, *CERTIFICATES)


@dataclass(frozen=True, slots=True)
class _Command:
    verb: str
    arguments: tuple[str, ...]
    options: Mapping[str, str]
    unknown: str | None

    def has(self, *names: str) -> bool:
        """Tells whether one of the options is given."""
        return any(name in self.options for name in names)


def _words(call: Call) -> tuple[str, ...] | None:
    """Returns the words behind the program: ``php -d memory_limit=-1 composer.phar install``."""
    words = list(call.words)
    if not re.fullmatch(r"php[\d.]*", call.program):
        return tuple(words[1:])
    words.pop(0)
    while words and words[0].startswith("-"):
        flag = words.pop(0)
        if flag in ("-d", "-c", "-n") and flag == "-d" and words:
            words.pop(0)
        elif not flag.startswith("-d"):
            return None
    if not words or words[0].rpartition("/")[2] not in ("composer", "composer.phar"):
        return None
    return tuple(words[1:])


def _read_command(words: Sequence[str]) -> _Command:
    operands: list[str] = []
    options: dict[str, str] = {}
    unknown = None
    queue = list(reversed(words))
    while queue:
        word = queue.pop()
        if not word.startswith("-"):
            operands.append(word)
            continue
        name, equals, value = word.partition("=")
        if re.fullmatch(r"-d.+", word):
            name, equals, value = "-d", "=", word[2:].lstrip("=")
        if name in _VALUED and not equals:
            value = queue.pop() if queue else ""
        elif name not in _VALUED | _PLAIN:
            unknown = unknown or word
        options[name] = value
    verb = operands[0] if operands else ""
    return _Command(verb, tuple(operands[1:]), options, unknown)


def recognise(call: Call) -> Install | Touch | Obstacle | None:
    """Says what ``call`` is; see `optimizer.knowledge.installs.Ecosystem`."""
    words = _words(call)
    if words is None:
        return None
    command = _read_command(words)
    title = " ".join(("composer", *words))
    match command.verb:
        case "install" | "i":
            if command.unknown or command.arguments:
                odd = command.unknown or command.arguments[0]
                return Obstacle(
                    "unknown-install-flag",
                    f"`{title}` has {odd}, which dockopt does not know.",
                    "Leave the word out if Composer ignores it.",
                )
            return Install(NAME, title, call)
        case "update" | "u" | "upgrade" | "require" | "r" | "remove" | "reinstall" | "bump":
            return Obstacle(
                "install-edits-manifest",
                f"`{title}` writes into composer.json or composer.lock.",
                "Make the change in the project, commit it, and use `composer install`.",
            )
        case "global":
            return _global(call, command)
        case "config":
            return _settings_command(call, command)
        case "self-update" | "selfupdate" | "clear-cache" | "clearcache" | "cc" | "diagnose":
            own = (*_homes(call), "/usr/local/bin", "/usr/bin", "/opt")
            return Touch(own, (*own, "/tmp"), _VARIABLES, network=True)
    return None


def _global(call: Call, command: _Command) -> Touch | None:
    """`composer global require NAME`: a project of its own in COMPOSER_HOME."""
    verb, *packages = command.arguments or ("",)
    if verb not in ("require", "config", "remove", "update") or any("/." in p for p in packages):
        return None
    # Packages may be plugins and bring scripts, so any variable may count.
    return Touch(_homes(call), (*_homes(call), "/tmp"), ("*",), network=True)


def _settings_command(call: Call, command: _Command) -> Touch:
    """`composer config`: composer.json and auth.json of the project, or with -g of the user."""
    is_global = command.unknown in ("-g", "--global") or "--global" in call.words
    at = resolve(
        call.directory, command.options.get("-d", command.options.get("--working-dir", "."))
    )
    own = [resolve(at, name) for name in ("composer.json", "auth.json")]
    kept = (*_homes(call), *(() if is_global else own))
    return Touch((*_homes(call), *own), kept, _VARIABLES, repeatable=True)


def _homes(call: Call) -> tuple[str, ...]:
    """Factory.php, getHomeDir and getCacheDir."""
    named = [
        call.env[name] for name in ("COMPOSER_HOME", "COMPOSER_CACHE_DIR") if call.env.get(name)
    ]
    home = call.env.get("HOME")
    places = (home,) if home else ("/root",)
    user = (f"{place}/{part}" for place in places for part in (".composer", ".config/composer",
                                                               ".cache/composer"))  # fmt: skip
    return (*(resolve("/", path) for path in named), *user, "/tmp/cache")


def dependency_step(call: Call, files: Files) -> Install | Obstacle | None:
    """Returns the install without scripts and autoloader, which need the sources; see
    `optimizer.knowledge.installs.Ecosystem`.

    The author's `composer install` finds every package installed, makes the autoloader and
    runs the scripts (Installer.php, run and doInstall).
    """
    words = _words(call)
    command = _read_command(words) if words is not None else None
    if words is None or command is None or command.verb not in ("install", "i"):
        return None
    if command.unknown or command.has("--dry-run", "--download-only"):
        return None
    if any(HOLE in word for word in call.words):
        return Obstacle(
            "unresolved-variable",
            f"`composer {' '.join(words)}` has a word whose value is not known before the build.",
            "Write the value down in the Dockerfile.",
        )
    program = call.words[: len(call.words) - len(words)]
    kept = (word for word in words if word.partition("=")[0] not in _AUTOLOADER)
    step = (*program, *kept, "--no-scripts", "--no-autoloader")
    install = Install(
        NAME, " ".join(("composer", *step[len(program) :])), Call(step, call.directory, call.env)
    )
    return _held_step(install, files) or install


def _held_step(install: Install, files: Files) -> Obstacle | None:
    """Says why the packages cannot be installed in a step of their own, before the scripts."""

    def look() -> Inputs:
        project = _Project(Survey(files), install)
        project.look()
        early = next((name for name in project.scripts() if name in _BEFORE_PACKAGES), None)
        if early is not None:
            hold(
                "install-script-reads-source",
                f"{project.path} has a script for `{early}`, which runs before or between the "
                "packages.",
                "Run what the script does in a step of its own.",
                project.path,
                project.manifest.line_of_key(early),
            )
        if project.lock is None:
            hold(
                "missing-lockfile",
                f"{project.path} has no lockfile, so a second install would be an update.",
                "Commit composer.lock, and see that .dockerignore does not leave it out.",
                project.path,
            )
        return project.survey.inputs()

    found = answer(look)
    return found if isinstance(found, Obstacle) else None


def download_caches(call: Call) -> tuple[DownloadCache, ...]:
    """Returns Composer's cache; see `optimizer.knowledge.installs.Ecosystem`.

    Factory.php, getCacheDir: COMPOSER_CACHE_DIR, COMPOSER_HOME/cache, or the user's caches.
    Nothing locks it.
    """
    if _words(call) is None or call.program.startswith("php"):
        return ()
    named, own, home = (call.env.get(n) for n in ("COMPOSER_CACHE_DIR", "COMPOSER_HOME", "HOME"))
    path = named or (f"{own}/cache" if own else None)
    if path is None and home:
        path = f"{call.env.get('XDG_CACHE_HOME') or f'{home}/.cache'}/composer"
    return (DownloadCache(resolve("/", path), is_locked=False),) if path else ()


def inputs(install: Install, files: Files) -> Inputs | Obstacle:
    """Returns what ``install`` reads among ``files``, or why that is not known."""

    def look() -> Inputs:
        project = _Project(Survey(files), install)
        project.look()
        project.hold_scripts()
        project.hold_autoloader()
        return project.survey.inputs()

    return answer(look)


@dataclass(slots=True)
class _Project:
    """One install while it is looked at."""

    survey: Survey
    install: Install
    command: _Command = field(init=False)
    root: str = field(init=False)
    path: str = field(init=False)
    manifest: JsonManifest = field(init=False)
    lock: JsonManifest | None = field(init=False, default=None)

    def look(self) -> None:
        """Notes what the packages are installed from, and where they go."""
        call = self.install.call
        self.command = _read_command(_words(call) or ())
        options = self.command.options
        named = options.get("-d", options.get("--working-dir", "."))
        if HOLE in named or HOLE in call.env.get("COMPOSER", ""):
            self._hold_unknown(f"`{self.install.title}` runs in a folder that is not known.")
        self.root = resolve(call.directory, named)
        self.path = resolve(self.root, call.env.get("COMPOSER") or "composer.json")
        self._program()
        if not self.survey.has_file(self.path):
            hold(
                "manifest-outside-copy",
                f"{self.path} is not among the files copied from the build context.",
                "Copy composer.json from the build context before the install.",
                self.path,
            )
        self.manifest = self.survey.json(self.path)
        self._lockfile()
        self._interpreter()
        self._settings()
        self._repositories()
        self._plugins()
        self._writes()

    def _hold_unknown(self, what: str) -> None:
        hold("unresolved-variable", what, "Write the value down in the Dockerfile.")

    def _program(self) -> None:
        """A composer.phar of the project is read too."""
        for word in self.install.call.words[:4]:
            if word.endswith("composer.phar") or word.endswith("/composer"):
                self.survey.read(resolve(self.install.call.directory, word))

    def _interpreter(self) -> None:
        """php.net, "The configuration file": limits, extensions and functions that are switched
        off, of the official image, of Debian's packages and of Alpine's."""
        env = self.install.call.env
        named = (env.get("PHP_INI_DIR"), *env.get("PHP_INI_SCAN_DIR", "").split(":"))
        own = (resolve("/", path) for path in named if path and HOLE not in path)
        self.survey.setting(*own, "/usr/local/etc/php", "/usr/local/lib/php.ini", "/etc/php")

    def _lockfile(self) -> None:
        """Factory.php, getLockFile."""
        lock = re.sub(r"\.json$", "", self.path) + ".lock"
        if self.survey.has_file(lock) and self._section("config").get("lock") is not False:
            self.lock = self.survey.json(lock)
            return
        self.survey.write(lock)
        self.survey.assume(
            "Without a lockfile the install picks versions anew whenever it runs; "
            "after the change it runs when a manifest changes, not at every source edit."
        )

    def _section(self, name: str) -> Mapping[str, object]:
        found = self.manifest.data.get(name)
        return found if isinstance(found, Mapping) else {}

    def _settings(self) -> None:
        """Factory.php, createConfig and createComposer: the user's settings, and auth.json."""
        call, survey = self.install.call, self.survey
        own = call.env.get("COMPOSER_HOME")
        folders = [resolve("/", own)] if own else [
            f"{home}/{part}"
            for home in homes(call, survey.files)
            for part in (".composer", ".config/composer")
        ]  # fmt: skip
        for folder in folders:
            for name in ("config.json", "auth.json", "composer.json", "composer.lock"):
                survey.read(f"{folder}/{name}")
            if survey.files.kind(f"{folder}/vendor") is not None:
                survey.tree(f"{folder}/vendor")
        survey.read(resolve(self.root, "auth.json"))
        for home in homes(call, survey.files):
            for name in (".netrc", ".gitconfig", ".git-credentials"):
                survey.read(f"{home}/{name}")
            if survey.files.kind(f"{home}/.ssh") == "dir":
                survey.tree(f"{home}/.ssh")

    def packages(self) -> Iterator[Mapping[str, object]]:
        """Yields the packages of the lockfile that the install takes."""
        names = ("packages",) if self.command.has("--no-dev") else ("packages", "packages-dev")
        for name in names:
            found = self.lock.data.get(name) if self.lock is not None else None
            for package in found if isinstance(found, list) else []:
                if isinstance(package, Mapping):
                    yield package

    def _repositories(self) -> None:
        found = self.manifest.data.get("repositories")
        rows = found.values() if isinstance(found, Mapping) else found
        for row in rows if rows is not None and not isinstance(rows, str | int | float) else ():
            if not isinstance(row, Mapping):
                continue
            url = row.get("url")
            line = self._line_of_text(url)
            if row.get("type") == "path" and isinstance(url, str):
                self._path_repository(row, url, line)
            elif row.get("type") == "artifact" and isinstance(url, str):
                place = resolve(self.root, url)
                self._demand(place, line)
                self.survey.tree(place)
            elif isinstance(url, str) and re.match(r"\.|/|file:", url):
                hold(
                    "local-dependency",
                    f"{self.path} takes packages from {url}.",
                    "Name the repository by its address on a server.",
                    self.path,
                    line,
                )

    def _line_of_text(self, url: object) -> int | None:
        import json

        return line_of(self.manifest.text, re.escape(json.dumps(url, ensure_ascii=False)))

    def _demand(self, place: str, line: int | None) -> None:
        if not is_folder(self.survey, place):
            hold(
                "manifest-outside-copy",
                f"{self.path} takes packages from {place}, which is not among the copied files.",
                "Copy that folder too, and see that .dockerignore does not leave it out.",
                self.path,
                line,
            )

    def _path_repository(self, row: Mapping[str, object], url: str, line: int | None) -> None:
        """PathRepository.php: the composer.json of each folder; PathDownloader.php: a link to the
        folder, or a copy where links are turned off."""
        if "$" in url or url.startswith("~") or "%" in url:
            hold(
                "unresolved-variable",
                f"{self.path} names the folder {url}, which a variable decides.",
                "Write the path down.",
                self.path,
                line,
            )
        options = row.get("options")
        wanted = options.get("symlink") if isinstance(options, Mapping) else None
        mirrored = wanted is False or bool(self.install.call.env.get("COMPOSER_MIRROR_PATH_REPOS"))
        if is_pattern(url):
            folders = matching(self.survey, self.root, url.rstrip("/"), self.path, line)
        else:
            folders = [resolve(self.root, url)]
            self._demand(folders[0], line)
        for folder in folders:
            manifest = resolve(folder, "composer.json")
            if not self.survey.has_file(manifest):
                continue
            data = self.survey.json(manifest)
            if mirrored:
                self.survey.tree(folder)
            self._binaries(folder, data, mirrored)

    def _binaries(self, folder: str, manifest: JsonManifest, mirrored: bool) -> None:
        """Installer/BinaryInstaller.php: a program is put into vendor/bin if its file is there,
        and made executable."""
        found = manifest.data.get("bin")
        for name in [found] if isinstance(found, str) else found if isinstance(found, list) else []:
            path = resolve(folder, str(name))
            if self.survey.read(path) and not mirrored:
                self.survey.rewrite(path)
                self.survey.assume(
                    f"Composer makes {path} executable, and the later copy gives it the mode "
                    "that it has in the context."
                )

    def _plugins(self) -> None:
        if self.command.has("--no-plugins"):
            return
        allowed = self._section("config").get("allow-plugins")
        denied = allowed is False
        listed = allowed if isinstance(allowed, Mapping) else {}
        locked = {
            str(package.get("name")).lower(): package
            for package in self.packages()
            if package.get("type") == "composer-plugin"
        }
        names = set(locked) if self.lock is not None else {
            str(name).lower() for name, value in listed.items() if value
        } | {name for name in self._required() if name in plugins.ROWS}  # fmt: skip
        for name in sorted(names):
            if not denied and listed.get(name) is not False:
                plugins.survey_plugin(
                    plugins.Project(self.survey, self.root, self.manifest, self.lock), name
                )

    def _required(self) -> set[str]:
        sections = ("require",) if self.command.has("--no-dev") else ("require", "require-dev")
        return {name.lower() for section in sections for name in self._section(section)}

    def _writes(self) -> None:
        settings = self._section("config")
        vendor = self.install.call.env.get("COMPOSER_VENDOR_DIR") or settings.get("vendor-dir")
        binaries = self.install.call.env.get("COMPOSER_BIN_DIR") or settings.get("bin-dir")
        for named in (vendor or "vendor", binaries):
            if isinstance(named, str):
                if re.search(r"[$~{]", named):
                    self._hold_unknown(f"{self.path} installs into {named}.")
                self.survey.write(resolve(self.root, named))
        self.survey.write(*_homes(self.install.call), "/tmp")
        for home in homes(self.install.call, self.survey.files):
            self.survey.write(*(f"{home}/{part}" for part in (".composer", ".config/composer",
                                                              ".cache/composer")))  # fmt: skip

    def scripts(self) -> Iterator[str]:
        """Yields the events that have a script."""
        events = _EVENTS if self.lock is not None else _EVENTS | _UPDATE_EVENTS
        for name, value in self._section("scripts").items():
            if name in events and value:
                yield name

    def hold_scripts(self) -> None:
        """Holds where a script of the project runs."""
        if self.command.has("--no-scripts"):
            return
        for name in self.scripts():
            hold(
                "install-script-reads-source",
                f"{self.path} runs a script at `{name}`, which may read any file of the project.",
                "Install with --no-scripts and --no-autoloader, and run `composer dump-autoload` "
                "below the COPY of the sources.",
                self.path,
                self.manifest.line_of_key(name),
            )

    def hold_autoloader(self) -> None:
        """Holds where the autoloader is made from the sources (AutoloadGenerator.php, dump), or
        the version of the project is taken from git (RootPackageLoader.php, load)."""
        if self.command.has("--no-autoloader"):
            return
        sections = ["autoload"] if self.command.has("--no-dev") else ["autoload", "autoload-dev"]
        for section in sections:
            self._hold_section(section)
        self._hold_optimized()
        self._hold_version()

    def _hold_section(self, section: str) -> None:
        if self._section(section).get("classmap"):
            hold(
                "install-reads-source",
                f"{self.path} has a classmap in {section}, for which Composer looks at the "
                "classes of the project.",
                "Install with --no-scripts and --no-autoloader, and run `composer dump-autoload` "
                "below the COPY of the sources.",
                self.path,
                self.manifest.line_of_key("classmap"),
            )

    def _hold_optimized(self) -> None:
        settings = self._section("config")
        wanted = next(
            (name for name in ("optimize-autoloader", "classmap-authoritative")
             if settings.get(name)), None
        )  # fmt: skip
        given = self.command.has("-o", "--optimize-autoloader", "-a", "--classmap-authoritative",
                                 "--optimize")  # fmt: skip
        loads = any(self._section(s).get(k) for s in ("autoload", "autoload-dev")
                    for k in ("psr-4", "psr-0"))  # fmt: skip
        if (wanted or given) and loads:
            hold(
                "install-reads-source",
                f"`{self.install.title}` optimizes the autoloader, for which Composer looks at "
                "the classes of the project.",
                "Install with --no-scripts and --no-autoloader, and run "
                "`composer dump-autoload --optimize` below the COPY of the sources.",
                self.path,
                self.manifest.line_of_key(wanted) if wanted else None,
            )

    def _hold_version(self) -> None:
        if self.manifest.data.get("version") or self.install.call.env.get("COMPOSER_ROOT_VERSION"):
            return
        for place in ancestors(self.root):
            if self.survey.files.kind(resolve(place, ".git")) is not None:
                hold(
                    "version-from-git",
                    f"Composer writes the commit of {resolve(place, '.git')} into "
                    "vendor/composer/installed.php.",
                    "Add .git to .dockerignore, or give a version in composer.json.",
                    resolve(place, ".git"),
                )
