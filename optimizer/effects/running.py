"""What a container of a stage runs: the entry command, followed as far as the files tell.

How ENTRYPOINT and CMD are put together: https://docs.docker.com/reference/dockerfile, "Understand
how CMD and ENTRYPOINT interact"; BuildKit, dockerfile2llb/convert.go (dispatchEntrypoint).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from posixpath import basename, splitext
from typing import Final

from optimizer.context.service import Service
from optimizer.cst.nodes import Dockerfile, Instruction
from optimizer.cst.source import Span
from optimizer.effects.own_code import OwnCode
from optimizer.effects.shipped import Shipped
from optimizer.knowledge.images import DEFAULT_PATH
from optimizer.knowledge.installs import HOLE, Call
from optimizer.knowledge.launchers import SUPERVISORS, TEST_RUNNERS, launched
from optimizer.knowledge.manifests import resolve
from optimizer.knowledge.node.package_scripts import PackageScript, scripts_run
from optimizer.knowledge.process_files import procfile_commands, supervised
from optimizer.knowledge.running import Running
from optimizer.knowledge.started import LANGUAGES, Started, started, suffix_of
from optimizer.model.stages import ImageBase, Stage
from optimizer.model.state import State
from optimizer.model.values import Known
from optimizer.shell.interpreter import read_shell_call
from optimizer.shell.parse import parse_script
from optimizer.shell.run import DEFAULT_SHELL
from optimizer.shell.script import OpaqueScript, ShellOptions
from optimizer.shell.walk import Visit, walk
from optimizer.shell.words import ShellWord, part_value

MOST_COMMANDS: Final = 2_000
"""Commands of one image that are followed."""
MOST_ARGUMENTS: Final = 16
"""Lists of arguments that one script may have, by what it does to them itself."""
_DEEPEST: Final = 12
_LARGEST_SCRIPT: Final = 32 * 1024

_BUILTINS: Final = frozenset(
    (":", ".", "[", "[[", "alias", "bg", "bind", "break", "builtin", "caller", "cd", "command",
     "compgen", "complete", "continue", "declare", "dirs", "disown", "echo", "enable", "eval",
     "exec", "exit", "export", "false", "fc", "fg", "getopts", "hash", "help", "history", "jobs",
     "kill", "let", "local", "logout", "mapfile", "popd", "printf", "pushd", "pwd", "read",
     "readarray", "readonly", "return", "set", "shift", "shopt", "source", "suspend", "test",
     "times", "trap", "true", "type", "typeset", "ulimit", "umask", "unalias", "unset", "wait")
)  # fmt: skip
"""What bash or dash run themselves (bash(1), SHELL BUILTIN COMMANDS; dash(1), Builtins)."""

_HARMLESS: Final = re.compile(
    r"(?:.*/)?(?:bin/activate|etc/profile|etc/os-release|etc/environment|etc/apache2/envvars"
    r"|\.bashrc|\.profile|\.env|[^/]+\.env|conda\.sh|nvm\.sh|environment)"
)
"""Files that scripts read to set variables, which packages or the user put there."""

_ALL_ARGUMENTS: Final = frozenset(('"$@"', "$@", '"${@}"', "${@}", "$*", '"$*"'))
_ONE_ARGUMENT: Final = re.compile(r"\"?\$\{?([1-9])\}?\"?")

# The ENTRYPOINT of official images that take over a CMD; all are shell scripts that end in
# `exec "$@"`. https://github.com/docker-library: the images' own Dockerfiles.
_ENTRYPOINTS: Final[Mapping[str, str]] = {
    "node": "docker-entrypoint.sh",
    "php": "docker-php-entrypoint",
    "nginx": "/docker-entrypoint.sh",
    **dict.fromkeys(
        ("postgres", "mysql", "mariadb", "redis", "mongo", "rabbitmq", "memcached", "ghost",
         "wordpress", "drupal", "traefik", "haproxy"),
        "docker-entrypoint.sh",
    ),
}  # fmt: skip

_BASE_PLACE: Final = "the ENTRYPOINT of the base image"
_NOT_A_PROGRAM: Final = re.compile(r"-.*|.*\.[cm]?js").fullmatch

_INLINE: Final[Mapping[str, tuple[str, ...]]] = {
    ".py": ("-c",),
    ".ts": ("-e", "--eval", "-p", "--print", "-pe"),
    ".rb": ("-e",),
    ".php": ("-r",),
    ".pl": ("-e", "-E", "-ne", "-pe"),
}
"""The options of interpreters behind which code stands."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What starts a container: ``words`` for ENTRYPOINT and CMD together, ``texts`` for a shell;
    ``place`` says where it stands."""

    place: str
    words: tuple[str, ...] = ()


def running(
    tree: Dockerfile,
    stage: Stage,
    files: Shipped,
    services: Sequence[Service] = (),
    code: OwnCode | None = None,
) -> Running:
    """Returns what a container of ``stage`` runs.

    ``files`` are those of the context that lie in it at the end; ``services`` say how Compose
    starts it otherwise, ``code`` holds the sources that were read before. Never raises, whatever
    the files hold; what cannot be followed is `Running.opaque`.
    """
    commands, is_set = _entries(tree, files, services)
    follower = _Follower(
        files, _environment(stage.end), _directory(stage.end), _base_entrypoint(files)
    )
    for entry in commands:
        follower.command(entry.words, follower.directory, follower.env, entry.place)
    follower.own_code(code or OwnCode())
    return Running(
        calls=tuple(call for call, _ in follower.calls.values()),
        shown_by=tuple(place for _, place in follower.calls.values()),
        programs=frozenset(follower.programs),
        needs_shell=follower.needs_shell,
        opaque=follower.opaque,
        is_set=is_set,
    )


def _environment(state: State) -> dict[str, str]:
    """Arguments of the build are not there any more."""
    values = state.env.items()
    return {name: value.text for name, value in values if isinstance(value, Known)}


def _directory(state: State) -> str:
    return state.workdir.text if isinstance(state.workdir, Known) else f"/{HOLE}"


def _entries(
    tree: Dockerfile, files: Shipped, services: Sequence[Service]
) -> tuple[list[Entry], bool]:
    """Returns the commands that start a container, and whether the file sets any."""
    entrypoint: Entry | None = None
    command: Entry | None = None
    health: Entry | None = None
    for stage in files.chain:
        has_command = False
        for step in stage.steps:
            instruction, shell = step.instruction, step.state.shell
            words = shell if isinstance(shell, tuple) else DEFAULT_SHELL
            match instruction.keyword:
                case "ENTRYPOINT":
                    entrypoint = _entry(instruction, words)
                    command = command if has_command else None
                case "CMD":
                    command, has_command = _entry(instruction, words), True
                case "HEALTHCHECK":
                    health = _health(instruction, words)
    is_set = entrypoint is not None or command is not None
    found = [_joined(_of_base(files) if entrypoint is None else entrypoint, command)]
    for service in services:
        found += _of_service(service, entrypoint or _of_base(files), command)
        found += [Entry(service.place("healthcheck"), service.health or ())]
    return [each for each in (*found, health) if each is not None and each.words], is_set


def _of_base(files: Shipped) -> Entry | None:
    entrypoint = _base_entrypoint(files)
    return None if entrypoint is None else Entry(_BASE_PLACE, (entrypoint,))


def _base_entrypoint(files: Shipped) -> str | None:
    base = files.chain[0].base
    return _ENTRYPOINTS.get(base.reference.familiar) if isinstance(base, ImageBase) else None


def _entry(instruction: Instruction, shell: Sequence[str]) -> Entry:
    place = f"{instruction.keyword} in line {instruction.line}"
    words = instruction.exec_form
    if words is not None:
        return Entry(place, tuple(word.value for word in words))
    return Entry(place, (*shell, instruction.arguments)) if instruction.arguments else Entry(place)


def _health(instruction: Instruction, shell: Sequence[str]) -> Entry | None:
    words = [word.value for word in instruction.words]
    if not words or words[0].upper() != "CMD" or len(words) < 2:
        return None
    place = f"HEALTHCHECK in line {instruction.line}"
    if instruction.exec_form is not None:
        return Entry(place, tuple(words[1:]))
    return Entry(place, (*shell, " ".join(words[1:])))


def _joined(entrypoint: Entry | None, command: Entry | None) -> Entry | None:
    if entrypoint is None or not entrypoint.words:
        return command
    if command is None:
        return entrypoint
    place = command.place if entrypoint.place == _BASE_PLACE else entrypoint.place
    return Entry(place, (*entrypoint.words, *command.words))


def _of_service(
    service: Service, entrypoint: Entry | None, command: Entry | None
) -> Iterator[Entry]:
    """An ``entrypoint`` of Compose takes the CMD away, as that of the command line does."""
    if service.entrypoint is None and service.command is None:
        return
    own = service.entrypoint
    place = service.place("entrypoint" if service.command is None else "command")
    first = entrypoint if own is None else Entry(place, own)
    behind = command if own is None else None
    if service.command is not None:
        behind = Entry(place, service.command)
    joined = _joined(first, behind)
    if joined is not None:
        yield replace(joined, place=place)


@dataclass
class _Follower:
    """Follows commands, and notes what they start."""

    files: Shipped
    env: dict[str, str]
    directory: str
    base_entrypoint: str | None = None
    calls: dict[tuple[tuple[str, ...], str], tuple[Call, str]] = field(default_factory=dict)
    """The commands with their places, those in the project's own code left out."""
    programs: set[str] = field(default_factory=set)
    needs_shell: bool = False
    opaque: str | None = None
    named: set[str] = field(default_factory=set)
    """Paths in the context of the sources that commands name."""
    runs_tests: bool = False
    built: str | None = None
    """A program that is started by its path and that no step copied from the context."""
    made: str | None = None
    """A source that an interpreter is given and that no step copied from the context."""
    in_code: bool = False
    """Whether what is followed stands in the project's own code."""
    depth: int = 0
    _seen: set[object] = field(default_factory=set)

    def unknown(self, why: str) -> None:
        """Notes why programs may be started that are not named."""
        self.opaque = self.opaque or why

    def command(
        self, words: Sequence[str], directory: str, env: Mapping[str, str], place: str
    ) -> None:
        """Follows one command; ``place`` says where it stands."""
        words = tuple(words)
        if not words or (words, directory) in self._seen:
            return
        self._seen.add((words, directory))
        if len(self._seen) > MOST_COMMANDS or self.depth > _DEEPEST:
            self.unknown(f"{place} starts more than is followed")
            return
        program = words[0].rpartition("/")[2]
        if HOLE in program or not program:
            self.unknown(f"{place} starts a program whose name is not known")
            return
        self.depth += 1
        call = Call(words, directory, env)
        if not self.in_code:
            self.calls.setdefault((words, directory), (call, place))
        self._started(call, place)
        self.depth -= 1

    def _started(self, call: Call, place: str) -> None:
        self.runs_tests = self.runs_tests or TEST_RUNNERS.fullmatch(call.program) is not None
        script = self._project_file(call, place)
        if script is not None:
            self._run_file(script, call, place)
            return
        if call.words[0] not in (self.built, self.base_entrypoint):
            self.programs.add(call.program)
        if self._launched(call, place) or self._shell(call, place):
            return
        if not self._listed(call, place):
            self._interpreted(call, place)

    def _launched(self, call: Call, place: str) -> bool:
        if self.base_entrypoint is not None and call.program == basename(self.base_entrypoint):
            self.needs_shell = True
            inner: tuple[str, ...] | None = call.words[1:]
            if call.program == "docker-entrypoint.sh" and inner and _NOT_A_PROGRAM(inner[0]):
                # docker-node's own: what is no program is handed to node.
                inner = ("node", *inner)
        else:
            inner = launched(call.words)
        if inner is None:
            return False
        self.command(inner, call.directory, call.env, place)
        return True

    # Files of the project

    def _project_file(self, call: Call, place: str) -> str | None:
        """Returns the path of the file of the context that a command starts by its name."""
        word = call.words[0]
        if HOLE in word:
            return None
        if word == self.base_entrypoint:
            return None
        if "/" in word:
            path = self.files.behind_links(resolve(call.directory, word))
            if self.files.kind(path) == "file":
                return path
            self.built = self.built or (word if _is_own_place(path) else None)
            return None
        folders = call.env.get("PATH", DEFAULT_PATH)
        for folder in folders.split(":")[:30]:
            path = self.files.behind_links(resolve(folder or call.directory, word))
            if folder.startswith("/") and self.files.kind(path) == "file":
                return path
        if word.endswith((".sh", ".bash")) and word != self.base_entrypoint:
            self.unknown(f"{place} starts {word}, which is not copied from the build context")
        return None

    def _run_file(self, path: str, call: Call, place: str) -> None:
        data = self.files.read(path)
        first = (data or b"")[:200].partition(b"\n")[0].decode("utf-8", "replace").strip("\r ")
        if data is None or data.startswith(b"\x7fELF") or b"\0" in data[:1024]:
            self.unknown(f"{path} is no text, so what it starts is not known")
            return
        # A script without a first line of that kind is run by /bin/sh (execvp(3)).
        interpreter = tuple(first[2:].split()) if first.startswith("#!") else ("/bin/sh",)
        if interpreter and interpreter[0].rpartition("/")[2] == "env":
            interpreter = tuple(word for word in interpreter[1:] if not word.startswith("-"))
        if interpreter:
            self.command((*interpreter, path, *call.words[1:]), call.directory, call.env, place)

    # Shells

    def _shell(self, call: Call, place: str) -> bool:
        read = read_shell_call(call.words)
        if read is None:
            return False
        self.needs_shell = True
        if read.command is not None:
            self.script(
                call.words[read.command],
                call.words[read.command + 2 :],
                read.options,
                call,
                place,
            )
        elif read.file is not None:
            path = resolve(call.directory, call.words[read.file])
            self._script_file(path, call.words[read.file + 1 :], read.options, call, place)
        return True

    def _script_file(
        self,
        path: str,
        arguments: tuple[str, ...],
        options: ShellOptions,
        call: Call,
        place: str,
    ) -> None:
        path = self.files.behind_links(path)
        data = self.files.read(path)
        if data is None:
            self.unknown(f"{place} runs {path}, which is not copied from the build context")
            return
        text = data.decode("utf-8", "replace").replace("\r\n", "\n")
        self.script(text, arguments, options, call, path)

    def script(
        self,
        text: str,
        arguments: tuple[str, ...],
        options: ShellOptions,
        call: Call,
        place: str,
    ) -> None:
        """Follows the commands of a shell script."""
        if HOLE in text:
            self.unknown(f"{place} hands a text to a shell that is not known")
            return
        script = parse_script(text, Span, options)
        if isinstance(script, OpaqueScript):
            at = "" if script.span is None else f":{text.count(chr(10), 0, script.span.start) + 1}"
            self.unknown(f"{place}{at} cannot be followed: {script.reason}")
            return
        env: dict[str, str | None] = {**call.env}
        directory = None if HOLE in call.directory else call.directory
        lists = [arguments]
        for visit in walk(script, directory, env):
            self._visit(visit, lists, call, place)

    def _visit(self, visit: Visit, lists: list[tuple[str, ...]], call: Call, place: str) -> None:
        for wrapper in visit.unwrapped.wrappers:
            self.programs.update([wrapper] if wrapper not in _BUILTINS else ())
        if not visit.words or visit.redefined:
            return
        name = visit.words[0].literal
        line = visit.command.source.text.count("\n", 0, visit.command.start) + 1
        at = f"{place}:{line}" if "\n" in visit.command.source.text else place
        if name in _BUILTINS:
            self._builtin(name, visit, lists, call, at)
            return
        # The script itself may have changed what its options leave of a directory or a variable.
        known = {key: value for key, value in visit.environment.items() if value is not None}
        directory = visit.cwd or f"/{HOLE}"
        for arguments in lists[:MOST_ARGUMENTS]:
            words = _words(visit.words, visit.env, arguments)
            if words is None:
                self.unknown(f"{at} runs `{_short(visit.command.text)}`, which is not known")
            else:
                self.command(words, directory, {**call.env, **known}, at)

    def _builtin(
        self, name: str, visit: Visit, lists: list[tuple[str, ...]], call: Call, place: str
    ) -> None:
        words = visit.words[1:]
        if name in ("set", "shift"):
            lists += _changed(name, words, visit.env, lists)
            del lists[MOST_ARGUMENTS:]
        elif name in (".", "source") and words:
            self._sourced(words[0], visit, lists, call, place)
        elif name in ("eval", "trap"):
            text = words[0].literal if words else ""
            if text is None or (name == "eval" and len(words) > 1):
                self.unknown(f"{place} evaluates a text that is not known")
            elif text and text != "-" and not text.isdigit():
                self.depth += 1
                if self.depth <= _DEEPEST:
                    self.script(text, lists[0], ShellOptions(), call, place)
                self.depth -= 1
        elif name in ("command", "type", "hash"):
            found = (word.literal for word in words)
            self.programs.update(word for word in found if word and _is_program_name(word))

    def _sourced(
        self,
        word: ShellWord,
        visit: Visit,
        lists: Sequence[tuple[str, ...]],
        call: Call,
        place: str,
    ) -> None:
        text = word.expand(visit.env)
        shown = word.text.strip("\"'")
        path = None if text is None else resolve(visit.cwd or call.directory, text)
        if path is not None and self.files.kind(self.files.behind_links(path)) == "file":
            if ("sourced", path) in self._seen or self.depth > _DEEPEST:
                return
            self._seen.add(("sourced", path))
            self.depth += 1
            self._script_file(path, lists[0], ShellOptions(), call, place)
            self.depth -= 1
        elif not _HARMLESS.fullmatch(text or shown):
            self.unknown(f"{place} reads {shown}, which is not copied from the build context")

    # Programs that read what to start from files

    def _listed(self, call: Call, place: str) -> bool:
        """Follows what package managers and process managers start, as their files say."""
        scripts = scripts_run(call, self.files)
        if isinstance(scripts, str):
            self.unknown(f"{place}: {scripts}")
            return True
        if scripts is not None:
            for script in scripts:
                if isinstance(script, PackageScript):
                    self._package_script(script, call)
                else:
                    self.command(script.words, script.directory, call.env, place)
            return True
        texts = procfile_commands(call, self.files)
        for text in texts or ():
            self.shell_text(text, call.directory, call.env, "Procfile")
        if texts is not None:
            return True
        if call.program == "supervisord":
            commands = supervised(call, self.files)
            if commands is None:
                self.unknown(f"{place} starts what supervisord's settings say, which are not known")
            for words in commands or ():
                self.command(words, call.directory, call.env, "supervisord.conf")
            return True
        if call.program in SUPERVISORS:
            self.unknown(f"{place} starts what the files of {call.program} say")
            return True
        return False

    def _package_script(self, script: PackageScript, call: Call) -> None:
        if (script, "script") in self._seen:
            return
        self._seen.add((script, "script"))
        arguments = "".join(f" {word}" for word in script.arguments if word.isalnum())
        path = "/".join((script.directory, "node_modules/.bin"))
        env = {**call.env, "PATH": f"{path}:{call.env.get('PATH', DEFAULT_PATH)}"}
        place = f"the script {script.name} of {script.path}"
        self.shell_text(script.text + arguments, script.directory, env, place)

    def shell_text(self, text: str, directory: str, env: Mapping[str, str], place: str) -> None:
        """Follows a text that goes to ``/bin/sh``."""
        self.command(("/bin/sh", "-c", text), directory, env, place)

    # Interpreters

    def _interpreted(self, call: Call, place: str) -> None:
        """Notes the sources that an interpreter is given; its options are those that take no
        value, or one that is no file."""
        suffix = suffix_of(call.program)
        if suffix is None:
            return
        options = _INLINE.get(suffix, ())
        for at, word in enumerate(call.words[1:], 1):
            if word in options:
                code = call.words[at + 1] if at + 1 < len(call.words) else ""
                self.started(started(suffix, code.encode("utf-8", "replace")), place)
                return
            if not word.startswith("-") and HOLE not in word:
                self._source(word, call)

    def _source(self, word: str, call: Call) -> None:
        found = self.files.place(self.files.behind_links(resolve(call.directory, word)))
        if found is not None:
            self.named.add(found.path)
        elif splitext(word)[1] in LANGUAGES and "/node_modules/" not in f"/{word}":
            self.made = self.made or word

    def started(self, found: Started, place: str) -> None:
        """Follows what a source starts; where it runs is not known."""
        if found.opaque is not None:
            self.unknown(
                f"{place}:{found.opaque.line} starts a program that is not named: "
                f"`{found.opaque.text}`"
            )
        for words in found.commands:
            self.command(words, self.directory, self.env, place)
        for text in found.scripts:
            self.shell_text(text, self.directory, self.env, place)

    def own_code(self, code: OwnCode) -> None:
        """Follows what the project's own sources start."""
        survey = code.of(
            self.files.context, self.files.sources(), frozenset(self.named), self.runs_tests
        )
        self.in_code = True
        for each in survey.codes:
            self.started(each.started, each.path)
        for why in (survey.cut, self.files.unread):
            if why is not None:
                self.unknown(why)
        if self.made is not None and not survey.has_sources:
            self.unknown(f"{self.made} is not copied from the build context, nor are its sources")
        if self.built is not None and not survey.is_compiled:
            self.unknown(f"{self.built} is not copied from the build context, nor are its sources")


_OWN_PLACES: Final = re.compile(
    r"/(?:usr/)?s?bin/[^/]+|/usr/(?:lib|libexec|share)/.*|/usr/local/(?:s?bin|lib|bundle|cargo|go)/.*"
    r"|.*/node_modules/.*|(?:.*/)?\.?(?:venv|env|virtualenv|\.local|site-packages)/.*"
    r"|/opt/(?:java|venv|conda|miniconda3?|jdk)[^/]*/.*|.*/bin/(?:python[\d.]*|java|node|ruby|php)"
)


def _is_own_place(path: str) -> bool:
    """Tells whether what lies at ``path`` is likely made by a build, not installed by a package
    manager."""
    return HOLE not in path and _OWN_PLACES.fullmatch(path) is None


def _is_program_name(word: str) -> bool:
    return re.fullmatch(r"[\w.+/-]+", word) is not None and not word.startswith("-")


def _words(
    words: Iterable[ShellWord], env: Mapping[str, str | None], arguments: tuple[str, ...]
) -> tuple[str, ...] | None:
    """Returns the words of a command, with `HOLE` for what is not known in one; None where what
    the first one is is not known. ``arguments`` are those of the script."""
    found: list[str] = []
    for word in words:
        if word.text in _ALL_ARGUMENTS:
            found += arguments
            continue
        one = _ONE_ARGUMENT.fullmatch(word.text)
        if one is not None and int(one[1]) <= len(arguments):
            found.append(arguments[int(one[1]) - 1])
            continue
        fields = word.fields(env)
        if fields is not None:
            found += fields
            continue
        text = _partly(word, env)
        if not found and HOLE in text.rpartition("/")[2]:
            return None
        found.append(text)
    return tuple(found)


def _partly(word: ShellWord, env: Mapping[str, str | None]) -> str:
    parts = (part_value(part, env) for part in word.parts)
    return "".join(HOLE if value is None else value for value in parts)


def _changed(
    name: str,
    words: Sequence[ShellWord],
    env: Mapping[str, str | None],
    lists: Sequence[tuple[str, ...]],
) -> list[tuple[str, ...]]:
    """Returns what ``set --`` and ``shift`` make of lists of arguments."""
    if name == "shift":
        return [arguments[1:] for arguments in lists if arguments]
    if not words or words[0].text != "--":
        return []
    found = (_words(words[1:], env, arguments) for arguments in lists)
    return [each for each in found if each is not None and each not in lists]


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 60 else line[:59] + "…"
