"""pip and `uv pip`: which commands install, and what such an install reads and writes.

Sources: pypa/pip (26.3.dev), src/pip/_internal; the functions name the file
they follow. uv: documentation ("Configuration files", "The pip interface"),
and trials with uv 0.13.
"""

from __future__ import annotations

import fnmatch
import posixpath
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from optimizer.knowledge.installs import (
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
    within,
)
from optimizer.knowledge.python import requirements
from optimizer.knowledge.python.environments import (
    VARIABLES,
    likely_prefixes,
    site_directories,
    title_of,
)
from optimizer.knowledge.python.pip_options import (
    Options,
    Settings,
    in_force,
    read_options,
    read_pip_conf,
)
from optimizer.knowledge.python.project import (
    is_static,
    read_toml,
    requirements_files,
    survey_project,
)
from optimizer.knowledge.python.uv_settings import is_local, survey_settings

NAME = "pip"

_PYTHON = re.compile(r"(?:python|pypy)(?:\d+(?:\.\d+)*)?$")
_PIP = re.compile(r"pip(?:\d+(?:\.\d+)*)?$")
# Commands that leave the project's files alone (pip's docs, "Commands").
_HARMLESS = frozenset(
    {"config", "cache", "list", "freeze", "show", "check", "debug", "index", "inspect",
     "help", "uninstall", "tree"}
)  # fmt: skip
_INSTALLS = {"pip": ("install", "wheel", "download"), "uv pip": ("install", "sync")}
_HOMES = ("/root",)


@dataclass(frozen=True, slots=True)
class PipCommand:
    """A call taken apart: ``tool`` is "pip" or "uv pip", ``verb`` its command."""

    tool: str
    verb: str
    options: Options
    as_module: bool = False

    @property
    def uv(self) -> bool:
        return self.tool == "uv pip"


def read_command(call: Call) -> PipCommand | None:
    words, as_module = list(call.words[1:]), False
    if _PYTHON.match(call.program):
        words = _words_of_module(words)
        as_module = True
    elif call.program == "uv":
        options = read_options(words, uv=True)
        if options.words[:1] != ("pip",):
            return None
        verb = options.words[1] if len(options.words) > 1 else ""
        return PipCommand("uv pip", verb, replace(options, words=options.words[2:]))
    elif not _PIP.match(call.program):
        return None
    if as_module and not words:
        return None
    options = read_options(words[as_module:], uv=False)
    verb = options.words[0] if options.words else ""
    return PipCommand("pip", verb, replace(options, words=options.words[1:]), as_module)


def _words_of_module(words: list[str]) -> list[str]:
    """Returns ``pip`` and what follows of ``python -m pip ...``; empty for anything else."""
    position = 0
    while position < len(words) and words[position].startswith("-"):
        word = words[position]
        if word == "-m":
            rest = words[position + 1 :]
            return rest if rest[:1] == ["pip"] else []
        if word == "-mpip":
            return ["pip", *words[position + 1 :]]
        if word.startswith("-c"):
            return []
        # python --help: these two take a value of their own.
        position += 2 if word in ("-X", "-W") else 1
    return []


def recognise(call: Call) -> Install | Touch | Obstacle | None:
    """Says what ``call`` is; see `optimizer.knowledge.installs.Ecosystem`."""
    command = read_command(call)
    if command is None:
        return _setup_command(call)
    options = command.options
    if options.flags & {"-h", "--help", "-V", "--version"} or not command.verb:
        return Touch(variables=VARIABLES, repeatable=True)
    if command.verb in _HARMLESS and not options.all("requirement"):
        return _touch(call, command)
    if command.verb not in _INSTALLS[command.tool]:
        return None
    title = title_of(call)
    if options.unknown:
        return Obstacle(
            "unknown-install-flag",
            f"`{title}` has {options.unknown[0]}, a flag that dockopt does not know.",
            "Take the flag out, or install from requirements files with known flags.",
        )
    settings = in_force(options, call, command.uv)
    if _installs_project_alone(call, settings):
        return None
    if obstacle := _whole_project(call, command, settings, title):
        return obstacle
    if _names_files(command, settings):
        return Install(NAME, title, call)
    return _touch(call, command)


def _setup_command(call: Call) -> Obstacle | None:
    """setuptools' documentation, "Command Reference": ``python setup.py develop`` and ``install``
    install the project and, by easy_install, what it needs."""
    words = [word for word in call.words[1:] if not word.startswith("-")]
    if not _PYTHON.match(call.program) or words[:1] != ["setup.py"]:
        return None
    if not {"develop", "install"} & set(words[1:]):
        return None
    return Obstacle(
        "project-install",
        f"`{title_of(call)}` installs the project itself, so it reads its sources.",
        "Install the dependencies with pip from a requirements file above the sources, "
        "and the project with `pip install --no-deps .` below them.",
    )


def _installs_project_alone(call: Call, settings: Settings) -> bool:
    """Tells whether a command installs the project that it runs in and no dependency: it has to
    stand below the sources, and moving it would save nothing."""
    named = [*settings.words, *settings.all("editable")]
    return (
        bool(named)
        and bool(settings.flags & {"--no-deps", "--no-dependencies"})
        and not settings.all("requirement")
        and all(_own_project(call, word) is not None for word in named)
    )


def _whole_project(
    call: Call, command: PipCommand, settings: Settings, title: str
) -> Obstacle | None:
    """`pip install .`, `-e .` and their like: the project that the command runs in."""
    if command.verb == "sync":
        return None
    for word in (*settings.words, *settings.all("editable")):
        path = requirements.local_path(word)
        if path is not None and within(call.directory, resolve(call.directory, path)):
            return Obstacle(
                "project-install",
                f"`{title}` installs the project itself ({word}), so it reads its sources.",
                "Install the dependencies from a requirements file in a step of its own, "
                "and the project with --no-deps after the sources are copied.",
            )
    return None


def _names_files(command: PipCommand, settings: Settings) -> bool:
    if command.uv or command.verb == "sync":
        # uv takes settings from pyproject.toml and uv.toml (docs, "Configuration files").
        return True
    named = ("requirement", "constraint", "script", "group", "file")
    return (
        any(settings.all(name) for name in named)
        or any(requirements.local_path(word) is not None for word in settings.words)
        or any(not requirements.is_address(word) for word in settings.all("editable"))
        or any(is_local(value) for value in settings.all("find-links"))
        or any(is_local(value) for value in settings.all("index"))
    )


def _may_be_a_file(line: requirements.Line) -> bool:
    """Tells whether what the line names lies in the image, whatever its variables hold.

    The address of an index is taken to be one on the network.
    """
    match line.kind:
        case "requirements" | "constraints" | "editable":
            return not requirements.is_address(line.value)
        case "find-links":
            return is_local(line.value)
        case "requirement":
            return requirements.local_path(line.value) is not None
    return False


def _touch(call: Call, command: PipCommand) -> Touch:
    home = call.env.get("HOME")
    places = (home,) if home else _HOMES
    configs = tuple(path for place in places for path in _user_configs(place))
    settings = in_force(command.options, call, command.uv)
    outputs = [*settings.all("output"), *settings.all("cache"), *settings.all("src")]
    outputs += map(requirements.clone_directory, settings.all("editable"))
    written = tuple(resolve(call.directory, path) for path in outputs)
    # Builds of packages run their own scripts.
    builds = command.verb in _INSTALLS[command.tool]
    left: tuple[str, ...] = (call.env.get("TMPDIR") or "/tmp",) if builds else ()
    if builds and command.verb in ("wheel", "download") and not settings.all("output"):
        left += (call.directory,)
    caches = tuple(f"{place}/{part}" for place in places for part in (".cache", ".local"))
    return Touch(
        reads=(*configs, *_site_configs(call)),
        writes=(*_sites(call, settings), *caches, *(configs if command.verb == "config" else ()),
                *written, *left),
        variables=("*",) if builds else VARIABLES,
        network=builds or command.verb in ("index", "search"),
        repeatable=command.verb in ("config", "freeze", "list", "check"),
    )  # fmt: skip


def _user_configs(home: str) -> tuple[str, ...]:
    """configuration.py, get_configuration_files; .netrc is read by requests."""
    return (f"{home}/.config/pip/pip.conf", f"{home}/.pip/pip.conf", f"{home}/.netrc")


def _site_configs(call: Call) -> tuple[str, ...]:
    environment = call.env.get("VIRTUAL_ENV")
    found = ("/etc/pip.conf", "/etc/xdg/pip/pip.conf")
    return (*found, f"{environment}/pip.conf") if environment else found


def _sites(call: Call, settings: Settings) -> tuple[str, ...]:
    """Returns prefixes that an install writes below (sysconfig's schemes posix_prefix, venv).

    Without the base image it is not known which Python runs, so all likely ones count.
    """
    chosen = [*settings.all("target"), *settings.all("prefix"), *settings.all("root")]
    if chosen:
        return tuple(resolve(call.directory, path) for path in chosen)
    if "/" in call.words[0]:
        return tuple(
            site_directories(
                [posixpath.dirname(posixpath.dirname(resolve(call.directory, call.words[0])))]
            )
        )
    return tuple(site_directories(likely_prefixes(call)))


def dependency_step(call: Call, files: Files) -> Install | Obstacle | None:
    """Returns the install of the requirements files that hold what the project needs; for uv, of
    its pyproject.toml; see `optimizer.knowledge.installs.Ecosystem`."""
    command = read_command(call)
    if command is None or command.verb != "install" or command.options.unknown:
        return None
    settings = in_force(command.options, call, command.uv)
    named = [*settings.words, *settings.all("editable")]
    projects = {word: path for word in named if (path := _own_project(call, word)) is not None}
    if not projects or settings.flags & _STARTS_ANEW or any(map(settings.all, _OTHER_PLACES)):
        return None
    title = title_of(call)
    try:
        added = [
            word
            for each, path in projects.items()
            for word in _dependency_words(Survey(files), call, command.uv, each, path, title)
        ]
    except Held as held:
        return held.obstacle
    changed = replace(call, words=tuple(_instead_of(projects, call.words, added)))
    return Install(NAME, title_of(changed), changed)


# Options with which an install fetches again what is there, or leaves out dependencies.
_STARTS_ANEW = frozenset({"--no-deps", "--no-dependencies", "--force-reinstall", "-I",
                          "--ignore-installed", "--reinstall", "--only-deps"})  # fmt: skip
_OTHER_PLACES = ("target", "prefix", "root")


def _own_project(call: Call, word: str) -> str | None:
    """Returns the directory of the project that ``call`` runs in, where ``word`` names it."""
    path = requirements.local_path(word)
    if path is None or not within(call.directory, resolve(call.directory, path)):
        return None
    return resolve(call.directory, path)


def _dependency_words(
    survey: Survey, call: Call, uv: bool, word: str, directory: str, title: str
) -> Iterator[str]:
    manifest = resolve(directory, "pyproject.toml")
    extras = re.search(r"\[([^\]]*)\]$", word)
    if uv and survey.has_file(manifest) and is_static(read_toml(survey, manifest)):
        yield from ("-r", posixpath.relpath(manifest, call.directory))
        for extra in re.split(r"[\s,]+", extras[1].strip()) if extras else ():
            yield from ("--extra", extra)
        return
    for path in requirements_files(survey, directory, title):
        yield from ("-r", posixpath.relpath(path, call.directory))


def _instead_of(
    projects: Mapping[str, str], words: tuple[str, ...], added: list[str]
) -> Iterator[str]:
    """Yields ``words`` with ``added`` in place of those that name the project, and no -e there."""
    pending = ""
    for word in words:
        named = re.sub(r"^(?:--editable=|-e=?)", "", word)
        if named in projects:
            yield from added
            added, pending = [], ""
            continue
        if pending:
            yield pending
        pending = word if word in ("-e", "--editable") else ""
        if not pending:
            yield word
    if pending:
        yield pending


def download_caches(call: Call) -> tuple[DownloadCache, ...]:
    """Returns pip's or uv's cache; see `optimizer.knowledge.installs.Ecosystem`.

    pip writes files whole under their final names (_internal/network/cache.py), uv locks its
    cache (its docs, "Caching", "Cache safety"). Both look into XDG_CACHE_HOME first (platformdirs).
    """
    name = "uv" if call.program == "uv" else "pip"
    named = call.env.get(f"{name.upper()}_CACHE_DIR")
    home = call.env.get("XDG_CACHE_HOME") or (
        f"{call.env['HOME']}/.cache" if call.env.get("HOME") else None
    )
    path = named or (f"{home}/{name}" if home else None)
    return (DownloadCache(resolve("/", path), is_locked=True),) if path else ()


def inputs(install: Install, files: Files) -> Inputs | Obstacle:
    """Returns what ``install`` reads among ``files``, or why that is not known."""
    return answer(lambda: _survey(install, Survey(files)))


def _survey(install: Install, survey: Survey) -> Inputs:
    command = read_command(install.call)
    assert command is not None, "an install that recognise answered is a command"
    _Requirements(survey, install, command).look()
    return survey.inputs()


@dataclass(slots=True)
class _Requirements:
    """One pip install while it is looked at."""

    survey: Survey
    install: Install
    command: PipCommand
    settings: Settings = field(init=False)
    pending: list[tuple[str, bool]] = field(init=False, default_factory=list)

    @property
    def call(self) -> Call:
        return self.install.call

    def look(self) -> None:
        """Notes everything that the install reads and writes."""
        self.settings = in_force(self.command.options, self.call, self.command.uv)
        self._imports()
        self._uv_settings() if self.command.uv else self._pip_settings()
        self._directory_options()
        sources = list(self.settings.words if self.command.verb == "sync" else ())
        for word in (*self.settings.all("requirement"), *sources):
            self._requirements_file(word)
        for word in self.settings.all("constraint"):
            self._requirements_file(word)
        for word in self.settings.all("script"):
            self._needed(self._path(word))
        for word in self.settings.all("group"):
            path = word.rpartition(":")[0] or "pyproject.toml"
            read_toml(self.survey, self._needed(self._path(path)))
        for word in self.settings.words if self.command.verb != "sync" else ():
            self._requirement(word, self.install.title)
        for word in self.settings.all("editable"):
            self._editable(word, self.install.title)
        for word in (*self.settings.all("find-links"), *self.settings.all("index")):
            self._links(word, self.call.directory, self.install.title)
        for word in self.settings.all("file"):
            self.survey.read(self._path(word))
        self._writes()

    def _path(self, word: str) -> str:
        return resolve(self.call.directory, word)

    def _directory_options(self) -> None:
        for word in self.settings.all("directory"):
            hold(
                "unknown-install-flag",
                f"`{self.install.title}` works in the directory {word}.",
                "Use WORKDIR instead.",
            )

    def _needed(self, path: str) -> str:
        """Notes a file that the install cannot do without."""
        if not self.survey.read(path):
            hold(
                "manifest-outside-copy",
                f"`{self.install.title}` reads {path}, "
                "which is not among the files copied from the build context.",
                "Copy the file from the build context before the install.",
                path,
            )
        return path

    def _requirements_file(self, word: str) -> None:
        for path in self._expand(word):
            if requirements.is_remote(path):
                continue
            start = requirements.local_path(path) if path.startswith("file:") else path
            self._file(self._path(start or path), ())

    def _expand(self, word: str) -> Iterator[str]:
        """What the shell makes of a word with * ? or []: the copied files that match, or itself."""
        if not re.search(r"[*?\[]", word):
            yield word
            return
        path = self._path(word)
        folder, pattern = posixpath.split(path)
        if re.search(r"[*?\[]", folder):
            hold(
                "unresolved-variable",
                f"`{self.install.title}` names files by {word}, a pattern over directories.",
                "Name the files.",
            )
        names = [n for n in self.survey.files.children(folder) if _shell_match(n, pattern)]
        yield from (f"{folder.rstrip('/')}/{name}" for name in names) if names else (word,)

    def _file(self, path: str, above: tuple[str, ...]) -> None:
        """req_file.py, _parse_and_recurse; a file that includes itself makes pip stop."""
        if path in above:
            unreadable(above[-1], f"includes {path}, which includes itself again", None)
        if re.fullmatch(r"pylock(?:\.[^.]+)?\.toml", posixpath.basename(path)):
            self._lock_file(self._needed(path))
            return
        if path.endswith(("pyproject.toml", "setup.py", "setup.cfg")):
            self._project_file(path)
            return
        try:
            text = requirements.decode(self.survey.content(self._needed(path)))
            for line in requirements.read_lines(text, self.call.env):
                self._line(line, path, (*above, path))
        except requirements.RequirementsError as error:
            unreadable(path, str(error), error.line)

    def _line(self, line: requirements.Line, path: str, above: tuple[str, ...]) -> None:
        named = f"{path}, line {line.number},"
        folder = posixpath.dirname(path)
        if requirements.has_variable(line.value) and _may_be_a_file(line):
            hold(
                "unresolved-variable",
                f"{named} names {line.value}, and the value of that variable is not known.",
                "Set the variable with ENV, or write the path out.",
                path,
                line.number,
            )
        match line.kind:
            case "requirements" | "constraints" if not requirements.is_remote(line.value):
                self._file(resolve(folder, line.value), above)
            case "editable":
                self._editable(line.value, named, path, line.number)
            case "requirement":
                self._requirement(line.value, named, path, line.number)
            case "find-links" | "index":
                self._links(line.value, folder, named, path, line.number)

    def _requirement(
        self, word: str, named: str, path: str | None = None, line: int | None = None
    ) -> None:
        """constructors.py, parse_req_from_line: relative paths start at the current directory."""
        written = path is not None or requirements.is_address(word)
        for choice in (word,) if written else self._expand(word):
            local = requirements.local_path(choice)
            if local is None:
                continue
            target = self._path(local)
            if self.survey.has_dir(target):
                self._directory(target, named, path, line)
            elif requirements.is_archive(target) or "/" in local:
                self._needed(target)

    def _editable(
        self, word: str, named: str, path: str | None = None, line: int | None = None
    ) -> None:
        """constructors.py, parse_editable; a VCS address is cloned into ./src outside of a venv."""
        local = requirements.local_path(word)
        bare = requirements.without_extras(word)
        if local is None and self.survey.has_dir(self._path(bare)):
            local = bare
        if local is None:
            self.survey.write(self._path(requirements.clone_directory(word)))
            return
        target = self._path(local)
        if not self.survey.has_dir(target):
            self._needed(target)
        self._directory(target, named, path, line)

    def _directory(self, target: str, named: str, path: str | None, line: int | None) -> None:
        if within(self.call.directory, target):
            hold(
                "project-install",
                f"{named} installs the project itself ({target}), so it reads its sources.",
                "Install the project with --no-deps after the sources are copied.",
                path,
                line,
            )
        if self.command.uv or "--no-build-isolation" in self.settings.flags:
            hold(
                "local-dependency",
                f"{named} installs the project in {target}, and what its build reads is not known.",
                "Install the local project in a step of its own, after the sources are copied.",
                path,
                line,
            )
        survey_project(self.survey, target, named)

    def _links(
        self, word: str, folder: str, named: str, path: str | None = None, line: int | None = None
    ) -> None:
        """req_file.py, handle_option_line: beside the file if it is there, else where pip runs."""
        if not is_local(word) or requirements.has_variable(word):
            return
        word = requirements.local_path(word) or word if word.startswith("file:") else word
        target = resolve(folder, word)
        if not self.survey.kind(target):
            target = self._path(word)
        if self.survey.has_dir(target):
            if within(self.call.directory, target):
                hold(
                    "local-dependency",
                    f"{named} looks for packages in {target}, which holds the sources.",
                    "Keep the packages in a directory of their own.",
                    path,
                    line,
                )
            self.survey.tree(target)
        elif self.survey.read(target):
            hold(
                "local-dependency",
                f"{named} looks for packages in {target}, whose links are not followed here.",
                "Name a directory instead.",
                path,
                line,
            )

    def _lock_file(self, path: str) -> None:
        """utils/pylock.py: packages may be archives or directories beside the file."""
        for package in read_toml(self.survey, path).get("packages", ()):
            entry = package if isinstance(package, Mapping) else {}
            archives = [entry.get("archive"), entry.get("sdist"), *entry.get("wheels", ())]
            local = [a["path"] for a in archives if isinstance(a, Mapping) and "path" in a]
            for name in local:
                self._needed(resolve(posixpath.dirname(path), str(name)))
            if "directory" in entry:
                hold(
                    "local-dependency",
                    f"{path} installs {entry.get('name')} from a directory.",
                    "Install that package in a step of its own.",
                    path,
                )

    def _project_file(self, path: str) -> None:
        """uv's docs, "Using files as requirements": static metadata is read, other is built."""
        named = posixpath.basename(path)
        data = read_toml(self.survey, self._needed(path)) if named == "pyproject.toml" else {}
        project = data.get("project", {})
        sources = data.get("tool", {}).get("uv", {}).get("sources", {})
        dynamic = set(project.get("dynamic", ())) & {"dependencies", "optional-dependencies"}
        if not self.command.uv or not project or dynamic or "file:" in str(project):
            hold(
                "project-install",
                f"`{self.install.title}` takes the dependencies from {path}, "
                "which needs a build of the project.",
                "List the dependencies in a requirements file.",
                path,
            )
        if any(key in str(sources) for key in ("'path'", "'workspace'")):
            hold(
                "local-dependency",
                f"{path} takes dependencies from the project (tool.uv.sources).",
                "Install those in a step of their own, after the sources are copied.",
                path,
            )

    def _uv_settings(self) -> None:
        survey_settings(self.survey, self.call)
        for place in ancestors(self.call.directory):
            if self.survey.kind(resolve(place, ".venv")):
                self._packages_in_context(resolve(place, ".venv"))

    def _pip_settings(self) -> None:
        """configuration.py: pip.conf of the system, the user and the environment."""
        user = [p for h in homes(self.call, self.survey.files) for p in _user_configs(h)]
        named = self.call.env.get("PIP_CONFIG_FILE")
        paths = [*_site_configs(self.call), *user, *([self._path(named)] if named else [])]
        for path in paths:
            if self.survey.read(path) and path.endswith(".conf"):
                self._pip_conf(path)
        # locations/_distutils.py (pip before 23.1 or Python before 3.10): setup.cfg may move an
        # install.
        path = self._path("setup.cfg")
        if self.survey.has_file(path) and b"[install" in self.survey.content(path, note=False):
            self.survey.read(path)

    def _pip_conf(self, path: str) -> None:
        import configparser

        text = self.survey.content(path).decode("utf-8", "surrogateescape")
        try:
            self.settings.add(read_pip_conf(text, self.command.verb))
        except configparser.Error as error:
            line = getattr(error, "lineno", 1)
            unreadable(path, f"is no pip.conf: {error.message}", line)

    def _imports(self) -> None:
        """Python imports from PYTHONPATH, and `python -m` from the current directory, first.

        docs of Python, PYTHONPATH, site (sitecustomize) and -m; pip/__main__.py takes the
        current directory out again, but only once pip itself is found.
        """
        if self.command.as_module:
            for name in ("pip", "pip.py"):
                path = self._path(name)
                if self.survey.files.kind(path):
                    self._shadowed(path, "is imported in place of pip")
        paths = self.call.env.get("PYTHONPATH")
        for place in paths.split(":") if paths else ():
            for name in self.survey.files.children(self._path(place)):
                path = resolve(self._path(place), name)
                if name.endswith((".egg-info", ".dist-info", ".egg-link", ".pth")):
                    self._shadowed(path, "makes pip take a package for installed")
                if name.removesuffix(".py") in _SHADOWED and not self._is_plain_directory(path):
                    self._shadowed(path, f"lies on PYTHONPATH ({place}) and is imported by Python")

    def _is_plain_directory(self, path: str) -> bool:
        """A directory without __init__.py loses against a module of the same name (PEP 420)."""
        return self.survey.has_dir(path) and not self.survey.has_file(f"{path}/__init__.py")

    def _shadowed(self, path: str, what: str) -> None:
        hold(
            "shadowed-module",
            f"{path} {what}.",
            "Rename the file, or set PYTHONPATH after the install.",
            path,
        )

    def _packages_in_context(self, path: str) -> None:
        hold(
            "installed-packages-in-context",
            f"{path} comes with the build context, and the command installs into it.",
            "Add the directory to .dockerignore.",
            path,
        )

    def _writes(self) -> None:
        for home in homes(self.call, self.survey.files):
            self.survey.write(f"{home}/.cache", f"{home}/.local")
        self.survey.write(*_sites(self.call, self.settings))
        if self.command.verb in ("wheel", "download") and not self.settings.all("output"):
            self.survey.write(self.call.directory)
        for name in ("output", "cache", "src"):
            self.survey.write(*(self._path(word) for word in self.settings.all(name)))
        # uv's "Environment variables"; pip's are settings.
        if self.command.uv and (cache := self.call.env.get("UV_CACHE_DIR")):
            self.survey.write(self._path(cache))
        environment = self.call.env.get("VIRTUAL_ENV")
        for path in filter(None, (environment, *self.settings.all("target"))):
            if self.survey.kind(self._path(path)):
                self._packages_in_context(self._path(path))


def _shell_match(name: str, pattern: str) -> bool:
    hidden = name.startswith(".") and not pattern.startswith(".")
    return not hidden and fnmatch.fnmatchcase(name, pattern)


# Modules that Python, pip and builds import; site.py loads the last two at every start. The ones
# taken out are demonstrations, graphics and Python's own tests.
_SHADOWED = frozenset(sys.stdlib_module_names) - {
    "antigravity", "idlelib", "test", "this", "tkinter", "turtle", "turtledemo",
} | {
    "pip", "setuptools", "wheel", "pkg_resources", "distutils", "sitecustomize", "usercustomize",
}  # fmt: skip
