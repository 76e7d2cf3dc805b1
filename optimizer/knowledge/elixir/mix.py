"""Mix: which commands fetch and compile dependencies, and what they read and write.

Sources: elixir-lang/elixir 1.14 and 1.18, lib/mix/lib/mix/{cli,project,state,dep/loader,
dep/converger,dep/lock}.ex and lib/mix/lib/mix/tasks/{do,deps.get,deps.compile,local.hex,
local.rebar,loadconfig}.ex; the documentation of Mix ("Environment variables"), and trials with
Elixir 1.14.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from posixpath import dirname

from optimizer.knowledge.elixir.code import Program, Script
from optimizer.knowledge.grammars import line_of, text_of
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
from optimizer.knowledge.manifests import Survey, answer, hold, homes, resolve
from optimizer.knowledge.variables import CERTIFICATES, PROXIES

NAME = "mix"

_INSTALLS = frozenset(("deps.get", "deps.compile", "deps"))
_LOCAL = frozenset(("local.hex", "local.rebar", "hex.info"))
_BUILDS = frozenset(
    ("compile", "release", "phx.digest", "assets.deploy", "assets.setup", "escript.build", "test")
)
# tasks/deps.get.ex and deps.compile.ex.
_PLAIN = frozenset(("--force", "--if-missing", "--no-archives-check", "--check-locked", "--all",
                    "--include-children", "--skip-umbrella-children", "--no-compile",
                    "--skip-local-deps"))  # fmt: skip
_VALUED = frozenset(("--only", "--target", "--sha512"))
_VARIABLES = ("MIX_*", "HEX_*", "ERL_*", "ELIXIR_*", "REBAR_*", *PROXIES, *CERTIFICATES)
_MOST_PROJECTS = 200


def _tasks(words: Sequence[str]) -> list[list[str]]:
    """Returns the tasks of ``mix do a, b`` (a plus sign since Elixir 1.14), or the one task."""
    if words[:1] != ["do"]:
        return [list(words)]
    found: list[list[str]] = [[]]
    for word in words[1:]:
        if word in ("+", ","):
            found.append([])
        elif word.endswith(","):
            found[-1].append(word[:-1])
            found.append([])
        else:
            found[-1].append(word)
    return [task for task in found if task]


def recognise(call: Call) -> Install | Touch | Obstacle | None:
    """Says what ``call`` is; see `optimizer.knowledge.installs.Ecosystem`."""
    if call.program != "mix" or len(call.words) < 2:
        return None
    tasks = _tasks(list(call.words[1:]))
    verbs = [task[0] for task in tasks]
    title = " ".join(("mix", *call.words[1:]))
    if all(verb in _LOCAL or verb == "archive.install" for verb in verbs):
        return _local(call, tasks)
    if any(verb in ("deps.update", "deps.unlock", "deps.clean") for verb in verbs):
        return Obstacle(
            "install-edits-manifest",
            f"`{title}` changes mix.lock or takes dependencies away.",
            "Make the change in the project, commit it, and use `mix deps.get`.",
        )
    if "setup" in verbs:
        return Obstacle(
            "install-runs-alias",
            f"`{title}` runs what mix.exs lists under that alias.",
            "Call `mix deps.get` and the other tasks one by one.",
        )
    if not any(verb in _INSTALLS for verb in verbs):
        return None
    other = next((v for v in verbs if v not in _INSTALLS and v not in _LOCAL), None)
    if other is not None:
        return Obstacle(
            "project-install",
            f"`{title}` runs `{other}` too, which reads the sources.",
            "Fetch the dependencies with `mix deps.get` in a RUN of its own.",
        )
    odd = next((w for task in tasks for w in _odd(task)), None)
    if odd is not None:
        return Obstacle(
            "unknown-install-flag",
            f"`{title}` has {odd}, which dockopt does not know.",
            "Leave the word out if Mix ignores it.",
        )
    return Install(NAME, title, call)


def _odd(task: Sequence[str]) -> Iterator[str]:
    """Yields words that no option of the task explains; deps.compile takes names."""
    verb, *words = task
    queue = list(reversed(words))
    while queue:
        word = queue.pop()
        name, equals, _ = word.partition("=")
        if name in _VALUED and not equals and queue:
            queue.pop()
        elif name not in _VALUED | _PLAIN and (word.startswith("-") or verb != "deps.compile"):
            yield word


def _local(call: Call, tasks: Sequence[Sequence[str]]) -> Touch | None:
    """`mix local.hex`, `mix local.rebar`, `mix archive.install hex NAME`: below MIX_HOME.

    Mix loads mix.exs first where there is one, and what is installed does not depend on it.
    """
    for task in tasks:
        if any(word.startswith((".", "/", HOLE)) for word in task[1:]):
            return None
        if task[0] == "archive.install" and task[1:2] != ["hex"]:
            return None
    own = _homes(call)
    return Touch(own, (*own, call.env.get("TMPDIR") or "/tmp"), _VARIABLES, network=True)


def _homes(call: Call, *known: str) -> tuple[str, ...]:
    """The documentation of Mix, "Environment variables", and Hex's ("Configuration")."""
    named = [call.env[name] for name in ("MIX_HOME", "HEX_HOME", "MIX_ARCHIVES", "REBAR_CACHE_DIR",
                                         "MIX_REBAR3") if call.env.get(name)]  # fmt: skip
    home = call.env.get("HOME")
    places = known or ((home,) if home else ("/root",))
    return (
        *(resolve("/", path) for path in named),
        *(
            f"{place}/{part}"
            for place in places
            for part in (".mix", ".hex", ".cache", ".config/rebar3")
        ),
    )


def dependency_step(call: Call, files: Files) -> Install | Obstacle | None:
    """Returns the tasks of ``mix do deps.get, compile`` that need no sources; see
    `optimizer.knowledge.installs.Ecosystem`.

    The dependencies are compiled in the step too, where it is known which configuration they
    are compiled with.
    """
    if call.program != "mix" or not isinstance(recognise(call), Obstacle):
        return None
    tasks = _tasks(list(call.words[1:]))
    fetching = [task for task in tasks if task[0] == "deps.get" and not list(_odd(task))]
    builds = any(task[0] in (*_BUILDS, "deps.compile") for task in tasks)
    if not fetching or any(HOLE in word for word in call.words):
        return None
    joint = _joint(call.words)
    # Without Hex `deps.get` asks whether to install it, and stops where nobody answers.
    setting_up = [task for task in tasks[: tasks.index(fetching[0])] if task[0] in _LOCAL]
    get = _together([*setting_up, fetching[0]], joint)
    both = _together([*setting_up, fetching[0], ["deps.compile"]], joint)
    steps = [
        Install(NAME, " ".join(words), replace(call, words=words))
        for words in ((both, get) if builds else (get,))
    ]
    answers = [(step, inputs(step, files)) for step in steps]
    held = [found for _, found in answers if isinstance(found, Obstacle)]
    known = (step for step, found in answers if isinstance(found, Inputs))
    return next(known, held[-1] if held else None)


def _together(tasks: Sequence[Sequence[str]], joint: str) -> tuple[str, ...]:
    """Returns the command that runs ``tasks``, with the sign between them that the author uses."""
    if len(tasks) == 1:
        return ("mix", *tasks[0])
    words = ["mix", "do", *tasks[0]]
    for task in tasks[1:]:
        if joint == "+":
            words.append("+")
        else:
            words[-1] += joint
        words += task
    return tuple(words)


def _joint(words: Sequence[str]) -> str:
    return "+" if "+" in words else ","


def download_caches(call: Call) -> tuple[DownloadCache, ...]:
    """Returns Hex's cache of packages; see `optimizer.knowledge.installs.Ecosystem`.

    hexpm/hex, lib/hex/state.ex: HEX_HOME/packages below ~/.hex, or XDG_CACHE_HOME/hex. Nothing
    locks it.
    """
    if call.program != "mix":
        return ()
    named, home, xdg = (call.env.get(n) for n in ("HEX_HOME", "HOME", "HEX_USE_XDG"))
    own = named or (f"{home}/.hex" if home and not xdg and not call.env.get("MIX_XDG") else None)
    return (DownloadCache(resolve("/", f"{own}/packages"), is_locked=False),) if own else ()


def inputs(install: Install, files: Files) -> Inputs | Obstacle:
    """Returns what ``install`` reads among ``files``, or why that is not known."""

    def look() -> Inputs:
        survey = Survey(files)
        _Project(survey, install).look()
        return survey.inputs()

    return answer(look)


@dataclass(slots=True)
class _Project:
    """One run of Mix while it is looked at."""

    survey: Survey
    install: Install
    program: Program = field(init=False)
    seen: dict[str, None] = field(init=False, default_factory=dict)

    def look(self) -> None:
        """Notes everything that the tasks read and write."""
        call = self.install.call
        self.program = Program(self.survey, call.env, call.env.get("MIX_ENV") or "dev")
        tasks = _tasks(list(call.words[1:]))
        compiles = any(task[0] == "deps.compile" for task in tasks)
        path = resolve(call.directory, call.env.get("MIX_EXS") or "mix.exs")
        if not self.survey.has_file(path):
            hold(
                "manifest-outside-copy",
                f"{path} is not among the files copied from the build context.",
                "Copy mix.exs from the build context before the install.",
                path,
            )
        script = self._mixfile(path)
        root = dirname(path)
        self._lock(script, root)
        if compiles:
            self._configuration(script, root)
        self._writes(script, root)
        for home in homes(call, self.survey.files):
            for name in (".netrc", ".gitconfig", ".git-credentials", ".hex/hex.config"):
                self.survey.read(f"{home}/{name}")
            if self.survey.files.kind(f"{home}/.ssh") == "dir":
                self.survey.tree(f"{home}/.ssh")

    def _mixfile(self, path: str) -> Script:
        """project.ex: the functions project/0 and cli/0 run; dep/loader.ex: the projects of path
        dependencies and of umbrella applications are loaded too."""
        self.seen[path] = None
        if len(self.seen) > _MOST_PROJECTS:
            hold(
                "config-reads-source",
                f"{path} is one of more than {_MOST_PROJECTS} projects that Mix loads.",
                "Give the application a Dockerfile with fewer projects in its context.",
                path,
            )
        script = Script(self.program, path, dirname(path))
        script.follow(("project", "cli"))
        self._aliases(script)
        self._umbrella(script)
        for folder, line in self._local_dependencies(script):
            self._dependency(script, folder, line)
        return script

    def _aliases(self, script: Script) -> None:
        for name, _, pair in script.pairs:
            if name in ("deps.get", "deps.compile"):
                hold(
                    "install-runs-alias",
                    f"{script.path} gives `{name}` another meaning.",
                    "Take the alias out of mix.exs.",
                    script.path,
                    line_of(pair),
                )

    def _setting(self, script: Script, name: str) -> str | None:
        """Returns a setting of project/0 that names a path."""
        for key, value, pair in script.pairs:
            if key == name and value.type not in ("boolean", "nil"):
                text = script.text(value)
                if text is None:
                    script.refuse(pair, f"computes {name}", "unresolved-variable")
                return text
        return None

    def _umbrella(self, script: Script) -> None:
        apps = self._setting(script, "apps_path")
        if apps is None:
            return
        folder = resolve(dirname(script.path), apps)
        for name in self.survey.files.children(folder):
            path = resolve(folder, f"{name}/mix.exs")
            if path not in self.seen and self.survey.has_file(path):
                self._mixfile(path)

    def _local_dependencies(self, script: Script) -> Iterator[tuple[str, int]]:
        for name, value, pair in script.pairs:
            if name == "in_umbrella" and value.type == "boolean" and text_of(value) == "true":
                yield self._sibling(script, pair), line_of(pair)
            elif name == "path":
                yield from self._path(script, value, pair)
            elif name == "git" and (script.text(value) or "").startswith((".", "/", "file:")):
                hold(
                    "local-dependency",
                    f"{script.path} takes a dependency from a git repository in the image.",
                    "Name the repository by its address on a server.",
                    script.path,
                    line_of(pair),
                )

    def _sibling(self, script: Script, pair: object) -> str:
        """dep/loader.ex: ``in_umbrella: true`` is the folder of that name beside this one."""
        node = getattr(pair, "parent", None)
        while node is not None and node.type != "tuple":
            node = node.parent
        if node is None or not node.named_child_count:
            hold(
                "unresolved-variable",
                f"{script.path} has an umbrella dependency whose name is not known.",
                "Write the dependency down as a tuple.",
                script.path,
            )
        return resolve(script.path, f"../../{text_of(node.named_children[0]).lstrip(':')}")

    def _path(self, script: Script, value: object, pair: object) -> Iterator[tuple[str, int]]:
        """``path:`` in a tuple is a dependency; elsewhere, as in a release, it is where something
        is written to, unless a project lies there."""
        node, parent = pair, getattr(pair, "parent", None)
        text = script.text(value)  # type: ignore[arg-type]
        while parent is not None and parent.type in ("keywords", "list"):
            parent = parent.parent
        if text is not None:
            folder = resolve(dirname(script.path), text)
            if (parent is not None and parent.type == "tuple") or self._is_project(folder):
                yield folder, line_of(node)  # type: ignore[arg-type]
        elif parent is not None and parent.type == "tuple":
            script.refuse(node, "names the path of a dependency", "unresolved-variable")  # type: ignore[arg-type]

    def _is_project(self, folder: str) -> bool:
        return self.survey.files.kind(resolve(folder, "mix.exs")) is not None

    def _dependency(self, script: Script, folder: str, line: int) -> None:
        tasks = _tasks(list(self.install.call.words[1:]))
        if any(task[0] == "deps.compile" for task in tasks):
            hold(
                "local-dependency",
                f"`{self.install.title}` compiles the sources in {folder}.",
                "Fetch with `mix deps.get` above the sources, and compile below them.",
                script.path,
                line,
            )
        for name in ("mix.exs", "rebar.config", "Makefile"):
            path = resolve(folder, name)
            if path in self.seen:
                return
            if self.survey.has_file(path):
                if name == "mix.exs":
                    self._mixfile(path)
                else:
                    self.survey.read(path)
                return
        hold(
            "manifest-outside-copy",
            f"{script.path} has a dependency in {folder}, and no mix.exs is there "
            "among the copied files.",
            "Copy that folder too, and see that .dockerignore does not leave it out.",
            script.path,
            line,
        )

    def _lock(self, script: Script, root: str) -> None:
        """dep/lock.ex: the lockfile is written again where something was fetched anew."""
        path = resolve(root, self._setting(script, "lockfile") or "mix.lock")
        if self.survey.read(path):
            if "--check-locked" not in self.install.call.words:
                self.survey.rewrite(path)
                self.survey.assume(
                    f"Mix brings {path} up to date where mix.exs asks for more, "
                    "and the later copy puts the committed one back."
                )
            return
        self.survey.write(path)
        self.survey.assume(
            "Without a lockfile the install picks versions anew whenever it runs; "
            "after the change it runs when a manifest changes, not at every source edit."
        )

    def _configuration(self, script: Script, root: str) -> None:
        """tasks/loadconfig.ex: dependencies are compiled with config/config.exs in force."""
        path = resolve(root, self._setting(script, "config_path") or "config/config.exs")
        if self.survey.has_file(path):
            Script(self.program, path, root).follow_all()
            self.survey.assume(
                f"The dependencies are compiled with the configuration of the environment "
                f"{self.program.mix_env}."
            )

    def _writes(self, script: Script, root: str) -> None:
        call = self.install.call
        dependencies = call.env.get("MIX_DEPS_PATH") or self._setting(script, "deps_path") or "deps"
        build = (call.env.get("MIX_BUILD_PATH") or call.env.get("MIX_BUILD_ROOT")
                 or self._setting(script, "build_path") or "_build")  # fmt: skip
        self.survey.write(resolve(root, dependencies), resolve(root, build), "/tmp")
        self.survey.write(*_homes(call, *homes(call, self.survey.files)))
