"""A stage that builds a static site and serves it: what a web server needs to serve the same."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from posixpath import dirname
from typing import Final

from optimizer.context.tree import BuildContext
from optimizer.effects.copies import CopyStep, ForeignCopy, StageFiles, is_below, join
from optimizer.effects.effects import Effects
from optimizer.knowledge.ecosystems import unwrapped
from optimizer.knowledge.installs import HOLE, Call, Files, Kind, Obstacle
from optimizer.knowledge.manifests import Held, resolve
from optimizer.knowledge.node.build_scripts import MANAGERS, Unfollowed, leaves
from optimizer.knowledge.node.layout import root_of
from optimizer.knowledge.node.outputs import BUILDS, Output, finds_its_sources, joined, output_of
from optimizer.knowledge.node.servers import Served, served
from optimizer.knowledge.running import Running
from optimizer.model.stages import ImageBase, Stage, StageBase, Stages, Step
from optimizer.model.values import Known

WORKDIR: Final = "/app"
"""Where a project goes that the author put into the root of the file system."""

_LOCKS: Final = ("package-lock.json", "npm-shrinkwrap.json", "yarn.lock", "pnpm-lock.yaml")
_PROBES: Final = frozenset(("curl", "wget"))
_AROUND: Final = frozenset(
    ("npm", "npx", "yarn", "pnpm", "bun", "sh", "bash", "ash", "dash", "exec", "cd", "echo",
     "docker-entrypoint.sh", "tini", "dumb-init", "env")
)  # fmt: skip
_SERVERS: Final = frozenset(("serve", "http-server"))


@dataclass(frozen=True, slots=True)
class StaticSite:
    """A site and how it is served.

    ``builder`` is a name that is free for the stage that builds it; ``output`` is the directory
    there that holds it, ``base`` the path below which its
    pages expect to be. ``stays_in_root`` says that the stage has no WORKDIR, so that `WORKDIR` is
    to be set. ``broadened`` is a COPY that leaves out what the build needs, so that it has to bring
    the whole context; ``locks`` are lockfiles of the context that belong beside the manifest that
    ``manifest`` copies. ``installers`` are steps that only install the server.
    """

    stage: Stage
    builder: str
    output: str
    base: str
    served: Served
    is_alpine: bool
    stays_in_root: bool
    broadened: CopyStep | None
    manifest: CopyStep | None
    locks: tuple[str, ...]
    installers: tuple[Step, ...]


@dataclass(frozen=True)
class Look:
    """What is known of the stage: see the methods of `optimizer.view.View` of these names."""

    stages: Stages
    stage: Stage
    builder: str
    running: Running
    context: BuildContext
    effects: Callable[[Step], Effects]
    copy: Callable[[Step], CopyStep | ForeignCopy]
    files_above: Callable[[Step], StageFiles]
    files_at_end: StageFiles


@dataclass(frozen=True, slots=True)
class _ContextAt:
    """The build context as it would lie in an image that gets it whole, in one directory."""

    context: BuildContext
    directory: str

    def _path(self, path: str) -> str | None:
        if not is_below(path, self.directory):
            return None
        return path[len(self.directory) :].lstrip("/")

    def kind(self, path: str) -> Kind | None:
        own = self._path(path)
        entry = self.context.get(own) if own is not None else None
        return entry.kind if entry is not None else None

    def read(self, path: str) -> bytes | None:
        own = self._path(path)
        if own is None or self.kind(path) != "file":
            return None
        return self.context.read_bytes(own)

    def children(self, path: str) -> tuple[str, ...]:
        own = self._path(path)
        found = self.context.children(own) if own is not None else ()
        return tuple(sorted(entry.path.rpartition("/")[2] for entry in found))

    def is_executable(self, path: str) -> bool:
        own = self._path(path)
        entry = self.context.get(own) if own is not None else None
        return entry is not None and entry.is_executable


def static_site(look: Look) -> StaticSite | Obstacle | None:
    """Returns the site that the stage builds and serves. `Obstacle`: it serves pages, and a web
    server alone would not do the same. None: it does not, or from another stage."""
    if not isinstance(look.stage.base, ImageBase):
        return None
    server = _server(look)
    if server is None or isinstance(server, Obstacle):
        return server
    found = _built(look)
    if found is None or isinstance(found, Obstacle):
        return found
    output, broadened = found
    held = (
        _elsewhere(server, output)
        or _based(server, output)
        or _not_alone(look, look.stage.base)
        or _settings(look)
    )
    if held is not None or output.site is None:
        return held
    install = next(_installs(look), None)
    manifest, locks = (None, ()) if install is None else _locks(look, install)
    in_root = _is_in_root(look)
    return StaticSite(
        look.stage,
        look.builder,
        join(WORKDIR, output.site.lstrip("/")) if in_root else output.site,
        output.base,
        server,
        _is_alpine(look.stage.base),
        in_root,
        broadened,
        manifest,
        locks,
        tuple(_installers(look)),
    )


def _is_alpine(base: ImageBase) -> bool:
    return "alpine" in (base.reference.tag or "")


def _held(code: str, reason: str, unblock: str) -> Obstacle:
    return Obstacle(code, reason, unblock)


# What is served


def _server(look: Look) -> Served | Obstacle | None:
    """Returns the one server that a container starts, None where it starts none."""
    found: dict[Served, None] = {}
    held: Obstacle | None = None
    others: list[str] = []
    for call in look.running.calls:
        if call.program in _PROBES or not call.words:
            continue
        try:
            commands = leaves(call, look.files_at_end)
        except Unfollowed:
            return None
        for leaf in commands:
            answer = served(leaf, look.files_at_end)
            if isinstance(answer, Obstacle):
                held = held or answer
            elif answer is not None:
                found[answer] = None
            elif leaf.program not in _AROUND and not _is_checking(look, leaf):
                others.append(" ".join(leaf.words).replace(HOLE, "…"))
    if not found:
        return held
    if others or len(found) > 1:
        more = others[0] if others else "another server"
        return _held(
            "container-does-more",
            f"A container runs `{more}` beside {next(iter(found)).title}.",
            "Do that while the image is built, or configure a web server by hand.",
        )
    return held or next(iter(found))


def _is_checking(look: Look, call: Call) -> bool:
    """Tells whether a HEALTHCHECK runs ``call``, for which `_settings` answers."""
    checks = (s.instruction for s in look.stage.steps if s.instruction.keyword == "HEALTHCHECK")
    return any(call.words[0] in check.arguments for check in checks)


def _elsewhere(server: Served, output: Output) -> Obstacle | None:
    if server.folder is None or server.folder == output.site:
        return None
    return _held(
        "serves-other-files",
        f"The server serves {server.folder}, and the build leaves its pages in {output.site}.",
        "Let the server serve what the build leaves.",
    )


def _based(server: Served, output: Output) -> Obstacle | None:
    base = output.base
    if base in ("", "/", ".", "./"):
        return None
    plain = re.fullmatch(r"/(?:[\w.~-]+/?)+", base)
    if plain and server.title.startswith("vite") and ".." not in base:
        return None
    shown = "is computed" if base == HOLE else f"is {base}"
    return _held(
        "site-has-a-base",
        f"The path below which the pages expect to be {shown}, and the server serves them at /.",
        "Build the site for /, or configure a web server by hand.",
    )


# What is built


def _built(look: Look) -> tuple[Output, CopyStep | None] | Obstacle | None:
    """Returns what the last build of the stage leaves, and the COPY that leaves out what it needs,
    if one does."""
    held: Obstacle | None = None
    for step in reversed(look.stage.steps):
        if step.instruction.keyword != "RUN":
            continue
        for command in reversed(look.effects(step).commands):
            call = unwrapped(command.call) if command.call is not None else None
            if call is None or not call.words or command.install is not None:
                continue
            answer = _output(look, call, step)
            if isinstance(answer, tuple):
                return answer
            held = held or answer
    return held


def _output(look: Look, call: Call, step: Step) -> tuple[Output, CopyStep | None] | Obstacle | None:
    files: Files = look.files_above(step)
    found = _followed(call, files)
    if found is None:
        return None
    commands, output = found
    if output.site is None or not all(finds_its_sources(each, files) for each in commands):
        broadened = _narrow_copy(look, call, step)
        if broadened is not None:
            again = _followed(call, _ContextAt(look.context, broadened.target))
            if again is not None and again[1].site is not None:
                return again[1], broadened
    if output.site is not None:
        return output, None
    if not output.keeps and output.unknown is None:
        return None
    why = output.unknown or f"it leaves {output.keeps[0]}, which needs a server to make pages"
    return _held(
        "not-a-static-site",
        f"Where `{' '.join(call.words)}` leaves a site is not known: {why}.",
        "Keep the server, or name the folder in the configuration of the build tool.",
    )


def _followed(call: Call, files: Files) -> tuple[Sequence[Call], Output] | None:
    """Returns the tools of a build and what they leave; None where ``call`` builds nothing."""
    try:
        if call.program not in BUILDS or root_of(files, call.directory) is None:
            return None
        commands = leaves(call, files)
    except Unfollowed as why:
        return (), Output(unknown=str(why.args[0]))
    except Held:
        return None
    if commands == (call,) and call.program in MANAGERS:
        return None
    return commands, joined([output_of(each, files) for each in commands], commands)


def _narrow_copy(look: Look, call: Call, step: Step) -> CopyStep | None:
    """Returns a COPY of one folder of the project into the project's own directory, where the
    whole context belongs: the manifest lies at the context's root."""
    files = look.files_above(step)
    package = files.provider(resolve(call.directory, "package.json"))
    entry = files.entry(resolve(call.directory, "package.json"))
    if package is None or entry is None or entry.path != "package.json":
        return None
    for copy in reversed(files.copies):
        own = copy.step.stage_index == look.stage.index and copy.target == call.directory
        plain = len(copy.sources) == 1 and copy.sources[0].is_dir and copy.sources[0].entry.path
        if own and plain and copy.step.instruction.exec_form is None:
            hidden = look.context.get("node_modules")
            return copy if hidden is None else None
    return None


def _is_in_root(look: Look) -> bool:
    """Tells whether the project lies in the root of the file system because no WORKDIR says where
    else, so that a WORKDIR can be put above everything."""
    keywords = [step.instruction.keyword for step in look.stage.steps]
    start = look.stage.start.workdir
    if "WORKDIR" in keywords or not isinstance(start, Known) or start.text != "/":
        return False
    copies = (s.instruction for s in look.stage.steps if s.instruction.keyword in ("COPY", "ADD"))
    targets = [each.words[-1].value for each in copies if each.words]
    return all(not target.startswith(("/", "$")) for target in targets)


# What goes along


def _settings(look: Look) -> Obstacle | None:
    """Returns a setting of the image that a web server would not have."""
    user = look.stage.end.user
    if not isinstance(user, Known) or user.text.partition(":")[0] not in ("", "root", "0"):
        return _held(
            "runs-as-a-user",
            "The container runs as a user of its own, and the image of nginx starts as root.",
            "Move to nginxinc/nginx-unprivileged by hand.",
        )
    for step in look.stage.steps:
        instruction = step.instruction
        if instruction.keyword in ("VOLUME", "ONBUILD", "STOPSIGNAL"):
            return _held(
                "setting-not-kept",
                f"Line {instruction.line} sets {instruction.keyword}, which is about the server "
                "that goes.",
                "Take the instruction out, or split the file by hand.",
            )
        if instruction.keyword == "HEALTHCHECK" and not _can_be_checked(look, step):
            return _held(
                "healthcheck-needs-a-program",
                f"The HEALTHCHECK in line {instruction.line} runs a program that the image of "
                "nginx may not have.",
                "Check with curl on Debian, with wget and 127.0.0.1 on Alpine.",
            )
    return None


def _can_be_checked(look: Look, step: Step) -> bool:
    """nginx's images: curl in the Debian one (it is among the packages that are kept), BusyBox'
    wget in the Alpine one, which does not try a second address of localhost."""
    text = step.instruction.arguments
    base = look.stage.base
    assert isinstance(base, ImageBase)
    if text.strip().upper() == "NONE":
        return True
    programs = set(re.findall(r"\b(?:curl|wget|node|nc|npx|pgrep|python3?)\b", text))
    if _is_alpine(base):
        return programs == {"wget"} and "localhost" not in text
    return programs == {"curl"}


def _not_alone(look: Look, base: ImageBase) -> Obstacle | None:
    """Returns what else the file does with the stage."""
    if base.reference.domain != "docker.io":
        return _held(
            "base-from-another-registry",
            f"{base.text} comes from another registry, and whether that has nginx is not known.",
            "Write the runtime stage by hand.",
        )
    if look.stage is not look.stages.stages[-1]:
        return _held(
            "stage-is-not-last",
            "Stages follow below the one that serves.",
            "Put the stage at the end of the file.",
        )
    used = any(
        (isinstance(other.base, StageBase) and other.base.stage is look.stage)
        or any(look.stage in step.depends_on for step in other.steps)
        for other in look.stages.stages
    )
    if used or look.stage.triggers:
        return _held(
            "stage-is-not-last", "Another stage takes files of this one.", "Split it by hand."
        )
    return None


def _installs(look: Look) -> Iterator[Step]:
    for step in look.stage.steps:
        commands = look.effects(step).commands if step.instruction.keyword == "RUN" else ()
        if any(command.install is not None or command.refused for command in commands):
            yield step


def _locks(look: Look, install: Step) -> tuple[CopyStep | None, tuple[str, ...]]:
    """Returns the COPY that brings package.json to ``install``, and the lockfiles beside that
    which no COPY above brings."""
    files = look.files_above(install)
    for copy in files.copies:
        for source in copy.sources:
            path = source.entry.path
            if source.is_dir or path.rpartition("/")[2] != "package.json":
                continue
            if copy.step.stage_index != look.stage.index or copy.step.instruction.exec_form:
                continue
            found = [join(dirname(path), name).lstrip("/") for name in _LOCKS]
            there = [name for name in found if look.context.get(name) is not None]
            folder = dirname(source.target)
            missing = [n for n in there if files.kind(join(folder, n.rpartition("/")[2])) is None]
            return (copy, tuple(missing)) if missing else (None, ())
    return None, ()


def _installers(look: Look) -> Iterator[Step]:
    """Yields the RUNs that do nothing but install the server for everybody."""
    for step in look.stage.steps:
        commands = look.effects(step).commands if step.instruction.keyword == "RUN" else ()
        calls = [command.call for command in commands]
        if calls and all(call is not None and _installs_a_server(call) for call in calls):
            yield step


def _installs_a_server(call: Call) -> bool:
    words = [word for word in call.words[1:] if not word.startswith("-")]
    is_global = {"-g", "--global"} & {*call.words} or words[:1] == ["global"]
    named = {re.sub(r"(?<=.)@.*", "", word) for word in words} - {
        "install", "i", "add", "global"
    }  # fmt: skip
    return bool(is_global) and bool(named) and named <= _SERVERS
