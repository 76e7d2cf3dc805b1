"""``docker build`` and its relatives, as they stand in scripts."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from optimizer.context.evidence.build import (
    START,
    UNKNOWN,
    Build,
    Found,
    Strength,
    default_dockerfiles,
    is_known,
    is_remote,
    join,
)
from optimizer.context.evidence.runs import run_of
from optimizer.context.evidence.shell import Command, read_commands

_ENGINE: Final = re.compile(
    r"docker|podman|nerdctl|buildx|depot|finch|\bimg\b|buildah|kaniko", re.I
)
_VERB: Final = re.compile(
    r"build|\bbud\b|kaniko"
    r"|(?:docker|podman|nerdctl|finch|compose)[ \t](?:[^\n;|&]{0,200}[ \t])?(?:run|exec)\b"
)

_BUILD_VERBS: Final[Mapping[str, tuple[tuple[str, ...], ...]]] = {
    # docs.docker.com/reference/cli/docker: build, image build, builder build, buildx build (b).
    "docker": (
        ("build",),
        ("image", "build"),
        ("builder", "build"),
        ("buildx", "build"),
        ("buildx", "b"),
    ),
    "docker-buildx": (("build",), ("b",)),
    # podman-build(1), podman-image(1): buildx is an alias that ends at build.
    "podman": (("build",), ("image", "build"), ("buildx", "build")),
    # buildah-build(1): bud and build-using-dockerfile are aliases.
    "buildah": (("build",), ("bud",), ("build-using-dockerfile",)),
    # nerdctl, docs/command-reference.md.
    "nerdctl": (("build",), ("image", "build"), ("builder", "build")),
    # finch is nerdctl with another name; depot build takes the options of buildx build.
    "finch": (("build",), ("image", "build")),
    "depot": (("build",),),
    # genuinetools/img, README.md.
    "img": (("build",),),
}

_WRAPPERS: Final = frozenset(
    {
        "command", "env", "eval", "exec", "ionice", "nice", "nohup", "retry", "run", "sudo", "then",
        "time", "timeout", "travis_retry", "travis_wait", "winpty", "xargs",
    }
)  # fmt: skip
_WRAPPER_WORD: Final = re.compile(r"-.*|\d+[smh]?|[A-Za-z_]\w*=.*", re.DOTALL)
_SHELLS: Final = frozenset({"sh", "bash", "dash", "zsh", "ash", "ksh"})
_DEEPEST_SHELL: Final = 2

_FLAGS: Final = frozenset(
    {
        # docker/cli, cli/command/image/build.go; docker/buildx, commands/build.go.
        "check", "compress", "debug", "disable-content-trust", "force-rm", "help", "load",
        "no-cache", "pull", "push", "quiet", "rm", "squash", "stream",
        # containers/buildah, docs/buildah-build.1.md (podman build takes the same).
        "all-platforms", "compat-volumes", "created-annotation", "disable-compression",
        "http-proxy", "identity-label", "inherit-annotations", "inherit-labels", "layers",
        "no-hostname", "no-hosts", "omit-history", "pull-always", "pull-never",
        "rewrite-timestamp", "skip-unused-stages", "squash-all", "stdin", "tls-verify",
        # depot.dev/docs/cli/reference, depot build.
        "lint", "save",
    }
)  # fmt: skip
"""Options that take no value as a word of its own."""

_GLOBAL_FLAGS: Final = frozenset({"debug", "tls", "tlsverify", "remote"})
"""The same, in front of the verb (docker(1), podman(1))."""

_SHORT: Final = {"f": "file", "t": "tag", "o": "output", "m": "memory", "v": "volume",
                 "c": "cpu-shares", "H": "host", "l": "log-level"}  # fmt: skip
"""Short options that take a value."""

_KANIKO: Final = {"c": "context", "f": "dockerfile"}
"""Source: GoogleContainerTools/kaniko, cmd/executor/cmd/root.go."""


@dataclass(frozen=True, slots=True)
class Script:
    """Shell text of a file, and where and how it is called."""

    text: str
    found_by: Callable[[int], str]
    """From the number of a line to what reports call the place."""
    strength: Strength
    folder: str = START
    starts: tuple[str, ...] = ("",)
    variables: Mapping[str, str] = field(default_factory=dict)
    path: str = UNKNOWN
    """What ``$0`` is."""
    line: int = 1


def mentions_build(text: str) -> bool:
    """Says whether reading ``text`` for commands that build or run images can pay."""
    return _ENGINE.search(text) is not None and _VERB.search(text) is not None


def builds_of(script: Script) -> Iterator[Found]:
    """Lists the builds that a script calls, and what it runs in images; what prose tells people to
    run is no sign of what an image is for."""
    commands = read_commands(
        script.text,
        folder=script.folder,
        variables=script.variables,
        script=script.path,
        line=script.line,
    )
    for command in commands:
        yield from _builds(command, script, 0)


def build_of(words: Sequence[str], folder: str, found_by: str, script: Script) -> Build | None:
    """Reads one command that is already split into words; None: it builds nothing from here."""
    call = _without_wrappers(words)
    if not call:
        return None
    engine = posixpath.basename(call[0])
    if engine in ("executor", "kaniko"):
        return _kaniko(call[1:], folder, found_by, script)
    rest = _behind_verb(engine, call[1:])
    if rest is None:
        return None
    return _build(engine, _Options.of(rest, _FLAGS, _SHORT), folder, found_by, script)


def build_arguments(items: Sequence[str]) -> dict[str, str | None]:
    """Reads ``NAME=value`` and ``NAME``; the latter, and what is not known here, are None."""
    arguments: dict[str, str | None] = {}
    for item in items:
        name, equals, value = item.partition("=")
        if name and is_known(name):
            arguments[name] = value if equals and is_known(value) else None
    return arguments


def platform_list(text: str) -> tuple[str, ...]:
    """Splits ``linux/amd64,linux/arm64``; leaves out what is not known here."""
    parts = (part.strip() for part in text.replace("\n", ",").split(","))
    return tuple(part for part in parts if part and is_known(part))


def named_contexts(items: Sequence[str]) -> dict[str, str]:
    """Reads ``name=where``."""
    pairs = (item.partition("=") for item in items)
    return {name: value for name, equals, value in pairs if equals and is_known(name)}


def _builds(command: Command, script: Script, depth: int) -> Iterator[Found]:
    found_by = script.found_by(command.line)
    if inner := _shell_text(command.words):
        if depth < _DEEPEST_SHELL:
            for each in read_commands(inner, folder=command.folder, line=command.line):
                yield from _builds(each, script, depth + 1)
        return
    if build := build_of(command.words, command.folder, found_by, script):
        yield build
    elif script.strength < Strength.PROSE:
        yield from run_of(_without_wrappers(command.words), found_by, command.folder)


def _shell_text(words: Sequence[str]) -> str | None:
    """Returns what ``sh -c`` or ``eval`` is given to run."""
    call = _without_wrappers(words)
    if len(words) == 2 and words[0] == "eval":
        return words[1]
    if len(call) < 3 or posixpath.basename(call[0]) not in _SHELLS:
        return None
    for at, word in enumerate(call[1:-1], 1):
        if re.fullmatch(r"-[a-z]*c", word):
            return call[at + 1]
        if not word.startswith("-"):
            return None
    return None


def _without_wrappers(words: Sequence[str]) -> Sequence[str]:
    at = 0
    while at < len(words) and (
        words[at] in _WRAPPERS or (at and _WRAPPER_WORD.fullmatch(words[at]))
    ):
        at += 1
    return words[at:]


def _behind_verb(engine: str, words: Sequence[str]) -> Sequence[str] | None:
    """Returns what follows ``build``, or None where the engine does something else."""
    verbs = _BUILD_VERBS.get(engine)
    if verbs is None:
        return None
    words = _without_global_options(words)
    for verb in verbs:
        head = words[:1]
        rest = words[1:] if len(verb) == 1 else _without_global_options(words[1:])
        if len(verb) == 2:
            head = [*head, *rest[:1]]
            rest = rest[1:]
        if tuple(head) == verb:
            return rest
    return None


def _without_global_options(words: Sequence[str]) -> Sequence[str]:
    at = 0
    while at < len(words) and (words[at].startswith("-") or words[at] == UNKNOWN):
        word = words[at]
        name = word.lstrip("-")
        takes_value = word != UNKNOWN and "=" not in word and name not in _GLOBAL_FLAGS
        at += 2 if takes_value and word != "-D" else 1
    return words[at:]


@dataclass(frozen=True, slots=True)
class _Options:
    values: Mapping[str, Sequence[str]]
    positional: Sequence[str]
    has_unknown_words: bool
    """Words stand among the options that only the call decides."""

    @classmethod
    def of(cls, words: Sequence[str], flags: frozenset[str], short: Mapping[str, str]) -> _Options:
        """Reads options as Go's pflag does: ``--name value``, ``--name=value``, ``-nvalue``."""
        values: dict[str, list[str]] = {}
        positional: list[str] = []
        unknown = False
        rest = iter(words)
        for word in rest:
            if word == "--":
                positional.extend(rest)
            elif word == UNKNOWN:
                unknown = True
            elif word.startswith("--"):
                name, equals, value = word[2:].partition("=")
                if not equals and name not in flags:
                    value = next(rest, "")
                values.setdefault(name, []).append(value)
            elif word.startswith("-") and word != "-":
                _read_short(word[1:], rest, short, values)
            else:
                positional.append(word)
        return cls(values, positional, unknown)

    def last(self, name: str) -> str | None:
        given = self.values.get(name)
        return given[-1] if given else None

    def all(self, name: str) -> Sequence[str]:
        return self.values.get(name, ())


def _read_short(
    cluster: str, rest: Iterator[str], short: Mapping[str, str], values: dict[str, list[str]]
) -> None:
    for at, letter in enumerate(cluster):
        if letter in short:
            value = cluster[at + 1 :].removeprefix("=") or next(rest, "")
            values.setdefault(short[letter], []).append(value)
            return


def _build(
    engine: str, options: _Options, folder: str, found_by: str, script: Script
) -> Build | None:
    context = _context(engine, options)
    file = options.last("file")
    if context is None or is_remote(context) or (file is not None and is_remote(file)):
        return None
    context = join(folder, context)
    return Build(
        found_by=found_by,
        strength=script.strength,
        context=context,
        dockerfiles=_dockerfiles(engine, context, file, folder),
        target=options.last("target"),
        build_args=build_arguments(options.all("build-arg")),
        platforms=platform_list(",".join(options.all("platform"))),
        named_contexts=named_contexts(options.all("build-context")),
        starts=script.starts,
        names=tuple(options.all("tag")),
    )


def _context(engine: str, options: _Options) -> str | None:
    if len(options.positional) == 1:
        return options.positional[0]
    if options.positional:
        return None
    if options.has_unknown_words:
        return UNKNOWN
    # buildah-build(1): the current working directory where no context is given.
    return "." if engine in ("podman", "buildah") else None


def _dockerfiles(engine: str, context: str, file: str | None, folder: str) -> tuple[str, ...]:
    """Source: buildx, build/opt.go (relative to the current folder); podman-build(1), which also
    looks into the context; nerdctl, docs/command-reference.md."""
    if file is not None:
        given = join(folder, file)
        return (given, join(context, file)) if engine in ("podman", "buildah") else (given,)
    if engine in ("podman", "buildah"):
        return (join(context, "Containerfile"), *default_dockerfiles(context))
    return default_dockerfiles(context)


def _kaniko(words: Sequence[str], folder: str, found_by: str, script: Script) -> Build | None:
    """Source: GoogleContainerTools/kaniko, cmd/executor/cmd/root.go (resolveDockerfilePath: the
    current folder first, then the context)."""
    options = _Options.of(words, frozenset({"no-push", "cache", "cleanup", "insecure"}), _KANIKO)
    context = options.last("context")
    if context is None:
        return None
    context = context.removeprefix("dir://")
    if is_remote(context):
        return None
    context = join(join(folder, context), options.last("context-sub-path") or ".")
    file = options.last("dockerfile") or "Dockerfile"
    return Build(
        found_by=found_by,
        strength=script.strength,
        context=context,
        dockerfiles=(join(folder, file), join(context, file)),
        target=options.last("target"),
        build_args=build_arguments(options.all("build-arg")),
        platforms=platform_list(",".join(options.all("custom-platform"))),
        starts=script.starts,
        names=tuple(options.all("destination")),
    )
