"""What the commands of a RUN do, one by one, each where it runs."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache

from optimizer.cst.nodes import Dockerfile
from optimizer.effects.copies import StageFiles
from optimizer.effects.effects import CommandEffects, Variables
from optimizer.effects.paths import Paths
from optimizer.knowledge.commands import touch
from optimizer.knowledge.ecosystems import STEERING, inputs, recognise
from optimizer.knowledge.installs import HOLE, Call, Install, Obstacle, Touch
from optimizer.knowledge.manifests import resolve
from optimizer.knowledge.variables import paths_read
from optimizer.model.stages import Step
from optimizer.model.values import Known
from optimizer.shell.run import read_run
from optimizer.shell.script import OpaqueScript
from optimizer.shell.walk import Visit, walk
from optimizer.shell.words import Computed, Parameter, ShellWord, Text, part_value

PROGRAMS = (
    "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/usr/bin", "/usr/sbin", "/usr/lib", "/usr/lib32",
    "/usr/lib64", "/usr/libexec", "/usr/local/bin", "/usr/local/sbin", "/usr/local/lib",
    "/etc/ld.so.cache", "/etc/ld.so.preload", "/etc/ld-musl-x86_64.path", "/etc/nsswitch.conf",
)  # fmt: skip
"""What a RUN reads before its first command does anything: the shell, the programs that its
commands name or start, and what loads them (FHS 3.0, 3.4, 3.9, 4.4 to 4.9; ld.so(8), FILES)."""

BUILTINS = frozenset(
    (":", ".", "alias", "cd", "command", "echo", "eval", "exec", "exit", "export", "false", "local",
     "printf", "pwd", "read", "readonly", "return", "set", "shift", "test", "[", "times", "trap",
     "true", "type", "ulimit", "umask", "unset", "wait")
)  # fmt: skip
"""Commands that a shell carries out itself (POSIX.1-2024, 2.15; dash(1), Builtins)."""

_SAY_NOTHING = frozenset(
    (":", "echo", "exit", "export", "false", "local", "printf", "pwd", "readonly", "return", "set",
     "shift", "sleep", "true", "umask", "unset", "ulimit")
)  # fmt: skip
"""Commands that touch no file, whatever their words are (POSIX.1-2024, 2.15 and 4)."""

_PROGRAM_FOLDERS = frozenset(
    ("/bin", "/sbin", "/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin")
)
_RUNTIMES = re.compile(
    r"(python|pypy|pip)[\d.]*|uv|poetry|node|npm|npx|yarn|pnpm|go|cargo|rustup|ruby|gem|bundle"
    r"|perl|php|java|conda|mamba|micromamba"
)
"""Programs that people install outside the system's folders and call by path."""
_PATTERN = frozenset("\0*?[~")

_SOME_HOME = f"/{HOLE}home"
_HOMES = ("/root", "/home")
"""Where the home directory lies of a user that is not root or not known (FHS 3.0, 3.8 and 3.14)."""

_NOWHERE = f"/{HOLE}" * 40
"""The working directory where none is known: no ``..`` of a real script leads out of it."""

_NAMES = re.compile(r"\$\{?[#!]?([A-Za-z_][A-Za-z0-9_]*)")
_IDENTIFIERS = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_ANY = re.compile(r"\(\(|\beval\b|\bprintenv\b|\benvsubst\b|\b(?:declare|typeset) -p\b|\bcompgen\b")
"""Texts that read variables without a dollar sign in front of their names."""


def read_commands(
    tree: Dockerfile, step: Step, files: Callable[[], StageFiles]
) -> tuple[CommandEffects, ...] | Obstacle:
    """Returns what each command of the RUN ``step`` does, in order; an obstacle where they
    cannot be listed. ``files`` returns what was copied above; it is asked at most once."""
    state = step.state
    if not isinstance(state.shell, tuple):
        return _opaque_step(state.shell.reason)
    script = read_run(tree, step.instruction, state.shell)
    if isinstance(script, OpaqueScript):
        return _opaque_step(script.reason)
    env = {
        name: value.text if isinstance(value, Known) else None
        for name, value in state.variables.items()
        if isinstance(value, Known) or STEERING.match(name)
    }
    env.setdefault("HOME", _home(step))
    directory = state.workdir.text if isinstance(state.workdir, Known) else None
    environments, copied = _Environments(), cache(files)
    visits = walk(script, directory, env)
    return tuple(_effects(visit, environments.of(visit), copied) for visit in visits)


def variables_named(text: str) -> frozenset[str]:
    """Returns the variables that a script may name; of arithmetic, every word."""
    found = _IDENTIFIERS if "((" in text else _NAMES
    return frozenset(found.findall(text))


def reads_any_variable(text: str) -> str | None:
    """Says why a script may read variables that it does not name, None where it does not."""
    found = _ANY.search(text)
    return None if found is None or found[0] == "((" else f"`{found[0]}` reads any variable"


def short(text: str, limit: int = 60) -> str:
    """Returns a command in one line that is no longer than ``limit`` characters."""
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def _home(step: Step) -> str:
    """Returns HOME as BuildKit sets it where nothing else does: that of the user in the image's
    passwd (executor/oci/user.go), which is /root for root; for others it is `_SOME_HOME`."""
    user = step.state.user
    root = isinstance(user, Known) and user.text.partition(":")[0] in ("", "0", "root")
    return "/root" if root else _SOME_HOME


def _opaque_step(reason: str) -> Obstacle:
    return Obstacle(
        "opaque-command",
        f"What this RUN does is not known: {reason}.",
        "Say what it touches in a comment above it: `# dockopt: reads=PATH,...` and "
        "`# dockopt: writes=PATH,...`.",
    )


def _opaque(text: str, why: str) -> Obstacle:
    return Obstacle(
        "opaque-command",
        f"`{short(text)}` may read or write any file: {why}.",
        "Say what the RUN touches in a comment above it: `# dockopt: reads=PATH,...` and "
        "`# dockopt: writes=PATH,...`.",
    )


@dataclass(frozen=True, slots=True)
class _Environment:
    """What a program gets: the variables with known values, and one that is not known and may
    steer an install, if any."""

    known: Mapping[str, str]
    steered_by: str | None


@dataclass
class _Environments:
    """The environments of the commands of one RUN, most of which share one."""

    _known: dict[tuple[int, int, int], tuple[Visit, _Environment]] = field(default_factory=dict)

    def of(self, visit: Visit) -> _Environment:
        """Returns the environment of one command."""
        if visit.command.assignments or visit.unwrapped.wrappers:
            return _environment(visit)
        # The visit is kept so that no other object gets the ids that it holds.
        key = (id(visit.env), id(visit.exported), id(visit.perhaps_exported))
        if key not in self._known:
            self._known[key] = visit, _environment(visit)
        return self._known[key][1]


def _environment(visit: Visit) -> _Environment:
    found = visit.environment
    return _Environment(
        {name: value for name, value in found.items() if value is not None},
        next((n for n, value in found.items() if value is None and STEERING.match(n)), None),
    )


def _effects(
    visit: Visit, environment: _Environment, files: Callable[[], StageFiles]
) -> CommandEffects:
    """Says what one command does, what it is redirected to and from included."""
    text = visit.command.text
    call = _call(visit, environment)
    words = _known_words(call, visit)
    verdict = _verdict(call, visit, environment)
    if isinstance(verdict, Install):
        found = _installed(text, words, verdict, files)
    elif isinstance(verdict, Touch):
        found = _touched(text, words, verdict)
    elif isinstance(verdict, Obstacle):
        rough = touch(call) if call is not None else None
        found = _touched(text, words, rough) if rough else _unknown(text, words, verdict)
        found = replace(found, refused=verdict)
    else:
        found = _unknown(text, words, _opaque(text, _why_unknown(visit, call, environment)))
    reads = found.reads
    if call is not None and found.obstacle is None and call.words[0] not in BUILTINS:
        programs = tuple(_programs(call))
        reads = reads.with_prefixes(programs) if programs else reads
    whole = None if environment.steered_by is not None else _whole_call(visit)
    enters, span = tuple(_entered(visit, call)), visit.command.span
    found = replace(found, reads=reads, enters=enters, call=whole, span=span)
    return _behind_links(_redirected(found, visit), files)


def _behind_links(found: CommandEffects, files: Callable[[], StageFiles]) -> CommandEffects:
    """Adds what a command really reads and writes where it names links that were copied."""
    if found.obstacle is not None or not (here := files()).copies:
        return found

    def led(paths: Paths) -> Paths:
        ends = ((path, here.behind_links(path)) for path in paths.prefixes)
        more = tuple(end for path, end in ends if end != path)
        return paths.with_prefixes(more) if more else paths

    return replace(found, reads=led(found.reads), writes=led(found.writes))


def _known_words(call: Call | None, visit: Visit) -> tuple[str, ...] | None:
    if call is None:
        return None if visit.words or visit.redefined else ()
    return None if any(HOLE in word for word in call.words) else call.words


def _verdict(
    call: Call | None, visit: Visit, environment: _Environment
) -> Install | Touch | Obstacle | None:
    if not visit.words:
        return Touch(repeatable=True)
    name = visit.words[0].literal
    if name in _SAY_NOTHING and not visit.redefined:
        return Touch(repeatable=True)
    if call is None:
        return None
    if environment.steered_by is not None:
        return _steered(environment.steered_by, recognise(call))
    return recognise(call) or (touch(call) if _is_what_it_says(call) else None)


def _steered(by: str, answer: Install | Touch | Obstacle | None) -> Obstacle | None:
    """Says of an install that what it reads hangs on the variable ``by``."""
    if not isinstance(answer, Install):
        return None
    return Obstacle(
        "unresolved-variable",
        f"The value of {by} is not known, and it may change which files `{answer.title}` reads.",
        f"Give {by} a value in the Dockerfile, or set it after the install.",
    )


def _is_what_it_says(call: Call) -> bool:
    """Tells whether a program may be taken for the one of its name: ``./install`` is a script of
    somebody's, ``/opt/venv/bin/python`` is Python."""
    folder = posixpath.dirname(call.words[0])
    if not folder or folder in _PROGRAM_FOLDERS:
        return True
    return posixpath.basename(folder) == "bin" and _RUNTIMES.fullmatch(call.program) is not None


def _entered(visit: Visit, call: Call | None) -> Iterator[str]:
    """Yields the directory that a command starts in, and the one that ``cd`` goes to."""
    if visit.cwd is not None and HOLE not in visit.cwd:
        yield visit.cwd
    if call is None or call.words[0] not in ("cd", "pushd"):
        return
    operands = [word for word in call.words[1:] if not word.startswith("-")]
    if operands and _PATTERN.isdisjoint(call.directory + operands[0]):
        yield resolve(call.directory, operands[0])


def _why_unknown(visit: Visit, call: Call | None, environment: _Environment) -> str:
    if visit.redefined:
        return "the script defines a command of that name itself"
    if call is None:
        return "its words are not known before it runs"
    if environment.steered_by is not None:
        return "a variable that steers it has a value that is not known"
    return "what it does with these words is not known"


def _call(visit: Visit, environment: _Environment) -> Call | None:
    """Returns the command with `HOLE` in place of what is not known inside a word.

    A word counts only where something that is no dash stands in front of the unknown part:
    then it is one word and no option, as long as the value holds no blank.
    """
    if visit.redefined:
        return None
    words: list[str] = []
    for word in visit.words:
        fields = word.fields(visit.env)
        if fields is None:
            partly = _partly(word, visit.env)
            if partly is None or not words:
                return None
            fields = (partly,)
        words += fields
    if not words:
        return None
    directory = visit.cwd if visit.cwd is not None else _NOWHERE
    return Call(tuple(words), directory, environment.known)


def _whole_call(visit: Visit) -> Call | None:
    """Returns the command with `HOLE` for every part of a word and every variable set by the
    script that is not known; None where it may have other words than these."""
    if visit.redefined:
        return None
    words: list[str] = []
    for word in visit.words:
        fields = word.fields(visit.env)
        if fields is None:
            partly = _quoted(word, visit.env) or _partly(word, visit.env)
            if partly is None:
                return None
            fields = (partly,)
        words += fields
    if not words or HOLE in words[0]:
        return None
    env = {name: HOLE if value is None else value for name, value in visit.environment.items()}
    return Call(tuple(words), _NOWHERE if visit.cwd is None else visit.cwd, env)


def _quoted(word: ShellWord, env: Mapping[str, str | None]) -> str | None:
    """Returns a word with `HOLE` for what is not known, where quotes keep it one word."""
    if word.has_braces or word.has_glob:
        return None
    found: list[str] = []
    for part in word.parts:
        value = part_value(part, env)
        if value is None and not part.quoted:
            return None
        found.append(HOLE if value is None else value)
    return "".join(found)


def _partly(word: ShellWord, env: Mapping[str, str | None]) -> str | None:
    """Returns a word with `HOLE` for its variables that are not known."""
    if word.has_braces or word.has_glob:
        return None
    found: list[str] = []
    for part in word.parts:
        if isinstance(part, Text):
            found.append(part.value)
        elif isinstance(part, Parameter) and not part.operator:
            found.append(env.get(part.name) or HOLE)
        elif isinstance(part, Computed | Parameter):
            found.append(HOLE)
    text = "".join(found)
    starts_plain = text[:1] not in ("", "-", "~", HOLE) and HOLE in text
    return text if starts_plain else None


def _programs(call: Call) -> Iterator[str]:
    """Yields where its program may lie outside `PROGRAMS`, and what variables make it load."""
    for path in paths_read(call):
        if not path.startswith(PROGRAMS):
            yield path


def _installed(
    text: str, words: tuple[str, ...] | None, install: Install, files: Callable[[], StageFiles]
) -> CommandEffects:
    """An install of dependencies; its packages' own scripts may look at any variable."""
    found = _nowhere(text, install) or inputs(install, files())
    if isinstance(found, Obstacle):
        return replace(_unknown(text, words, found), install=install, refused=found)
    read = (*found.reads, *found.trees, *found.settings)
    places = settle(read), settle((*found.writes, *found.rewrites))
    return CommandEffects(
        text,
        words,
        Paths(places[0] or ()),
        Paths(places[1] or ()),
        Variables(opaque=f"`{install.title}` may run scripts of packages"),
        network=True,
        install=install,
        inputs=found,
    )


def _nowhere(text: str, install: Install) -> Obstacle | None:
    if install.call.directory != _NOWHERE:
        return None
    return Obstacle(
        "unknown-directory",
        f"`{short(text)}` installs, but the directory it runs in is not known.",
        "Set an absolute WORKDIR above it, and give the install a RUN of its own.",
    )


def _touched(text: str, words: tuple[str, ...] | None, found: Touch) -> CommandEffects:
    reads, writes = settle(found.reads), settle(found.writes)
    if reads is None or writes is None:
        return _unknown(text, words, _opaque(text, "where its files lie is not known"))
    return CommandEffects(
        text,
        words,
        Paths(reads),
        Paths(writes),
        Variables(patterns=frozenset(found.variables)),
        found.network,
        found.repeatable,
    )


def settle(paths: Iterable[str]) -> tuple[str, ...] | None:
    """Cuts every path where it is not known any more; None where nothing of one is known."""
    paths = tuple(paths)
    if not any(HOLE in path for path in paths):
        return tuple(dict.fromkeys(paths))
    settled: dict[str, None] = {}
    for path in paths:
        at = path.find(HOLE)
        known = path if at < 0 else path[:at].rpartition("/")[0]
        if not known and not path.startswith(_SOME_HOME):
            return None
        settled.update(dict.fromkeys([known] if known else _HOMES))
    return tuple(settled)


def _unknown(text: str, words: tuple[str, ...] | None, why: Obstacle) -> CommandEffects:
    anything = Paths(opaque=why.reason)
    return CommandEffects(
        text, words, anything, anything, Variables(opaque=why.reason), network=True, obstacle=why
    )


def _lost(found: CommandEffects) -> CommandEffects:
    why = _opaque(found.text, "where it is redirected to is not known")
    return replace(_unknown(found.text, found.words, why), refused=found.refused)


def _redirected(found: CommandEffects, visit: Visit) -> CommandEffects:
    """Adds the files that the command, or a compound command around it, is redirected to and
    from. What goes to a device lands in no layer."""
    if found.obstacle is not None or not (visit.writes or visit.reads):
        return found
    if None in visit.writes or None in visit.reads:
        return _lost(found)
    written = settle(path for path in visit.writes if path and not path.startswith("/dev/"))
    read = settle(path for path in visit.reads if path and not path.startswith("/dev/"))
    if written is None or read is None:
        return _lost(found)
    return replace(
        found, reads=found.reads.with_prefixes(read), writes=found.writes.with_prefixes(written)
    )
