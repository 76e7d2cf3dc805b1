"""From stages to vertices with symbolic keys, as dockerfile2llb makes them.

Sources: BuildKit ``frontend/dockerfile/dockerfile2llb/convert.go`` for what an instruction
becomes, ``solver/llbsolver/ops/exec.go`` and ``file.go`` (``CacheMap``) for what a key holds;
where versions differ, the table of measurements in ``tests/engine/test_engine_cache.py``.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from posixpath import basename

from optimizer.cache.contents import base_token
from optimizer.cache.keys import Above, Part, Selection, StageFiles, Value, Vertex
from optimizer.cache.printed import printed
from optimizer.context.gopath import inside
from optimizer.cst.heredocs import read_opening
from optimizer.cst.lex import LexError
from optimizer.cst.nodes import Dockerfile, Instruction, Mount
from optimizer.effects.copies import is_remote
from optimizer.model.predefined import NOT_IN_ENVIRONMENT
from optimizer.model.stages import (
    Base,
    ImageBase,
    Invocation,
    ScratchBase,
    Stage,
    StageBase,
    Stages,
    Step,
)
from optimizer.model.state import Scope, State, after
from optimizer.model.values import Known, Unknown

SHOWN = 20
"""Variables that the words of a key look at."""

_NAMED = re.compile(r"\$\{?([A-Za-z_][A-Za-z0-9_]*)")
_OCTAL = re.compile("[0-7]+")


class Environment(tuple[tuple[str, Value], ...]):
    """Variables with their values, hashed once however many steps have them in their keys."""

    def __hash__(self) -> int:
        return self._hash

    @cached_property
    def _hash(self) -> int:
        return tuple.__hash__(self)


@dataclass
class _Chain:
    """What stands above the next step of a stage.

    ``env`` are the variables that a RUN gets, in the order of their last assignment;
    ``image_env`` those that are part of the image, in the order of their first (convert.go,
    addEnv). ``directory`` is the text that a RUN gets for its working directory.
    """

    top: Part
    env: dict[str, Value] = field(default_factory=dict)
    image_env: dict[str, Value] = field(default_factory=dict)
    directory: Value = None
    image_directory: Value = None
    user: Value = None
    environment: Part | None = None

    def assign(self, name: str, value: Value) -> None:
        self.env.pop(name, None)
        self.env[name] = value
        self.environment = None

    def below(self) -> _Chain:
        """Returns the start of a stage that is built on this one (convert.go, dispatchStages)."""
        chain = replace(self, env=dict(self.env), image_env=dict(self.image_env))
        for name, value in chain.image_env.items():
            chain.assign(name, value)
        if chain.image_directory is not None:
            chain.directory = chain.image_directory
        return chain


class Builder:
    """Makes the vertices of the stages that the target needs."""

    def __init__(
        self, dockerfile: Dockerfile, stages: Stages, invocation: Invocation, merges: bool
    ) -> None:
        self.dockerfile = dockerfile
        self.stages = stages
        self.invocation = invocation
        self.merges = merges
        self.vertices: list[Vertex] = []
        self.layers: dict[int, list[Vertex]] = {}
        self._ends: dict[int, _Chain] = {}
        self._scope = Scope(invocation.build_args, stages.global_args)
        self._globals = {
            pair.name.value
            for instruction in stages.preamble
            if instruction.keyword == "ARG"
            for pair in instruction.pairs
            if pair.value is not None
        }

    def build(self) -> tuple[Vertex, ...]:
        """Returns the vertices in build order."""
        for stage in self.stages.needed:
            self._stage(stage)
        return tuple(self.vertices)

    def _stage(self, stage: Stage) -> None:
        self.layers[stage.index] = []
        chain = self._start(stage)
        for step, behind in self._triggered(stage):
            self._step(stage, chain, step, behind)
        for number, step in enumerate(stage.steps, 1):
            is_last = number == len(stage.steps)
            behind = stage.end if is_last else stage.steps[number].state
            self._step(stage, chain, step, behind)
        self._ends[stage.index] = chain

    def _start(self, stage: Stage) -> _Chain:
        base = stage.base
        if isinstance(base, StageBase):
            end = self._ends.get(base.stage.index)
            return end.below() if end is not None else _Chain(_base_part(base))
        chain = _Chain(_base_part(base, self._platform(stage)))
        start = stage.start
        known = {name: value for name, value in start.env.items() if isinstance(value, Known)}
        for name, value in known.items():
            chain.image_env[name] = value
            chain.assign(name, value)
        if isinstance(start.workdir, Known):
            chain.directory = start.workdir.text
        return chain

    def _platform(self, stage: Stage) -> Value:
        return stage.platform if stage.platform is not None else self.invocation.platform

    def _triggered(self, stage: Stage) -> Iterator[tuple[Step, State]]:
        """Yields the triggers of the stage below as steps of this one."""
        if not stage.triggers or not isinstance(stage.base, StageBase):
            return
        state = _trigger_start(stage.base.stage.end)
        for number, instruction in enumerate(stage.triggers, 1):
            try:
                behind = after(state, instruction, self._scope)
            except LexError:
                behind = state
            sources = tuple(self._trigger_sources(stage, instruction))
            step_id = f"{stage.label}/onbuild-{number}"
            yield Step(step_id, stage.index, 0, instruction, state, sources), behind
            state = behind

    def _trigger_sources(self, stage: Stage, instruction: Instruction) -> Iterator[Base]:
        names = [instruction.flag("from")] if instruction.keyword == "COPY" else []
        names += [mount.options.get("from") for mount in instruction.mounts]
        for name in filter(None, names):
            found = self.stages.stage_named(name)
            if found is None and name.isdigit() and int(name) < stage.index:
                found = self.stages.stages[int(name)]
            if found is not None and found.index < stage.index:
                yield StageBase(found)
            else:
                from optimizer.model.stages import UnknownBase

                yield UnknownBase(name)

    def _step(self, stage: Stage, chain: _Chain, step: Step, behind: State) -> None:
        instruction = step.instruction
        match instruction.keyword:
            case "ENV":
                _assign_env(chain, instruction, step.state, behind)
            case "ARG":
                self._assign_args(chain, instruction, behind)
            case "USER":
                chain.user = _token(behind.user, instruction.arguments)
            case "WORKDIR" if instruction.arguments:
                self._workdir(stage, chain, step, behind)
            case "RUN":
                self._add(stage, chain, step, self._run(stage, chain, step))
            case "COPY" | "ADD" if len(instruction.words) + len(instruction.heredocs) > 1:
                self._copy(stage, chain, step)

    def _assign_args(self, chain: _Chain, instruction: Instruction, behind: State) -> None:
        for pair in instruction.pairs:
            name = pair.name.value
            value = behind.args.get(name)
            if value is None or name in NOT_IN_ENVIRONMENT:
                continue
            given = name in self.invocation.build_args or pair.value is not None
            if not given and not self._is_global(name):
                continue
            chain.assign(name, _token(value, pair.value.value if pair.value else ""))

    def _is_global(self, name: str) -> bool:
        return name in self._globals or (
            name.startswith(("BUILD", "TARGET")) and (name in self.stages.global_args)
        )

    def _workdir(self, stage: Stage, chain: _Chain, step: Step, behind: State) -> None:
        arguments = step.instruction.arguments
        path = _token(behind.workdir, arguments)
        written = step.state.expand(arguments)
        chain.image_directory = path
        chain.directory = _directory(chain.directory, written, arguments)
        if path == "/":
            return
        key = [chain.top, Part("path", path, f"directory {_said(path)}")]
        if chain.user is not None:
            key.append(Part("user", chain.user, f"user {_said(chain.user)}"))
        self._add(stage, chain, step, key)

    def _add(self, stage: Stage, chain: _Chain, step: Step, key: list[Part]) -> Vertex:
        text = printed(self.dockerfile, step.instruction, step.state)
        vertex = Vertex(len(self.vertices), step, stage, text, tuple(key))
        self._append(stage, chain, vertex)
        return vertex

    def _append(self, stage: Stage, chain: _Chain, vertex: Vertex) -> None:
        self.vertices.append(vertex)
        self.layers[stage.index].append(vertex)
        chain.top = Part("parent", Above(vertex.number), f"below {_short(vertex.text)}")

    def _run(self, stage: Stage, chain: _Chain, step: Step) -> list[Part]:
        instruction, state = step.instruction, step.state
        words = _command(self.dockerfile, instruction, state)
        key = [Part("command", words, f"command {_short(' '.join(map(str, words)))}")]
        if not self._mounts_what_it_stands_on(chain, step):
            key.insert(0, chain.top)
        key.append(_environment(chain))
        if chain.user is not None:
            key.append(Part("user", chain.user, f"user {_said(chain.user)}"))
        directory = "/" if chain.directory is None else chain.directory
        key.append(Part("workdir", directory, f"working directory {_said(directory)}"))
        network = instruction.flag("network") or "default"
        rights = instruction.flag("security") or "sandbox"
        if (network, rights) != ("default", "sandbox"):
            key.append(Part("network", (network, rights), f"network {network}, security {rights}"))
        platform = self._platform(stage)
        if platform is not None:
            key.append(Part("platform", platform, f"platform {_said(platform)}"))
        return [*key, *self._mounts(step)]

    def _mounts_what_it_stands_on(self, chain: _Chain, step: Step) -> bool:
        """Tells whether the RUN stands on the end of a stage and mounts files of it as well: the
        two are one input then, of which BuildKit compares the mounted files alone (exec.go,
        getMountDeps; measured on Engine 28.5.2)."""
        sources = iter(step.sources)
        for mount in step.instruction.mounts:
            base = next(sources, None) if mount.options.get("from") else None
            written = mount.options.get("readwrite") not in (None, "false")
            if mount.type != "bind" or written or not isinstance(base, StageBase):
                continue
            end = self._ends.get(base.stage.index)
            if end is not None and end.top.value == chain.top.value:
                return True
        return False

    def _mounts(self, step: Step) -> Iterator[Part]:
        mounts = step.instruction.mounts
        if not mounts:
            return
        sources = iter(step.sources)
        described: list[Value] = []
        taken: list[Part] = []
        for mount in mounts:
            base = next(sources, None) if mount.options.get("from") else None
            described.append(_mount(mount, step.state))
            if mount.type == "bind" or base is not None:
                taken.append(_mounted(mount, base, step.state))
        yield Part("mounts", tuple(described), f"mounts {len(described)}")
        yield from taken

    def _copy(self, stage: Stage, chain: _Chain, step: Step) -> None:
        key = list(self._copied(step))
        link = step.instruction.flag("link")
        is_linked = link is not None and link.lower() not in ("false", "0", "f")
        if not (self.merges and is_linked and not step.instruction.flag("chmod")):
            self._add(stage, chain, step, [chain.top, *key])
            return
        under = chain.top
        empty = Part("parent", ("scratch",), "below nothing")
        copy = self._add(stage, chain, step, [empty, *key])
        if under.value == ("scratch",):
            return
        layer = Part("layer", Above(copy.number), f"the layer of {_short(copy.text)}")
        self.layers[stage.index].pop()
        vertex = Vertex(len(self.vertices), step, stage, f"LINK {copy.text}", (under, *key, layer))
        vertex = replace(vertex, key=(under, layer))
        self._append(stage, chain, vertex)

    def _copied(self, step: Step) -> Iterator[Part]:
        """Yields the parts of a COPY or ADD, what is below it left out."""
        instruction, state = step.instruction, step.state
        *written, last = instruction.words
        target = _target(state, last.value)
        yield Part("target", target, f"to {_said(target)}")
        sources = [_expanded(state, word.value) for word in written]
        files = [source for source in sources if not _is_document(source, instruction)]
        names = tuple(_source_name(source) for source in files)
        documents = tuple(document.name for document in instruction.heredocs)
        excludes = tuple(
            str(_expanded(state, flag.value or ""))
            for flag in instruction.flags
            if flag.name == "exclude"
        )
        how = (instruction.keyword == "ADD", instruction.flag("unpack"), excludes)
        options = (
            instruction.flag("parents"),
            instruction.flag("checksum"),
            instruction.flag("keep-git-dir"),
        )
        said = ", ".join(_said(each) or "." for each in (*names, *documents))
        yield Part("sources", (names, documents, how, options), f"names {said}")
        for name, part_name in (("chown", "owner"), ("chmod", "mode")):
            given = instruction.flag(name)
            if given:
                value = _expanded(state, given)
                shown = _mode(value) if name == "chmod" else value
                yield Part(
                    "owner" if part_name == "owner" else "mode", shown, f"{name} {_said(shown)}"
                )
        for document in instruction.heredocs:
            yield _document(self.dockerfile, document, state)
        yield from _contents(step, files, excludes)


def _contents(step: Step, files: list[Value], excludes: tuple[str, ...]) -> Iterator[Part]:
    if step.instruction.flag("from") and step.instruction.keyword == "COPY":
        base = step.sources[0] if step.sources else None
        yield _taken(base, tuple(_image_path(source) for source in files))
        return
    remote = tuple(source for source in files if isinstance(source, str) and is_remote(source))
    local = tuple(source for source in files if source not in remote)
    for source in remote:
        yield Part("remote", source, f"what {_said(source)} answers")
    if local:
        patterns = tuple(inside(s) if isinstance(s, str) else repr(s) for s in local)
        yield _from_context(Selection(patterns, excludes))


def _from_context(selection: Selection) -> Part:
    said = ", ".join(pattern or "." for pattern in selection.patterns)
    return Part("context", selection, f"files of the context: {_short(said)}")


def _taken(base: Base | None, paths: tuple[str, ...]) -> Part:
    said = _short(", ".join(paths))
    if isinstance(base, StageBase):
        files = StageFiles(base.stage.index, paths)
        return Part("stage", files, f"content of {said} in stage {base.stage.label}")
    token = base_token(base) if base is not None else None
    return Part("image", (token, paths), f"content of {said} in {_said(token)}")


def _base_part(base: Base, platform: Value = None) -> Part:
    if isinstance(base, ScratchBase):
        return Part("parent", ("scratch",), "below nothing")
    if isinstance(base, ImageBase):
        return Part("parent", ("image", str(base.reference), platform), f"below image {base.text}")
    return Part("parent", ("unknown", base_token(base)), "below an image that is not known")


def _trigger_start(end: State) -> State:
    from optimizer.model.state import inherited

    return inherited(end)


def _token(value: object, word: str) -> Value:
    """Returns what is compared of a value; one that is not known is the same in every build
    of one invocation, as far as its text is the same."""
    return value.text if isinstance(value, Known) else (value, word)


def _expanded(state: State, word: str) -> Value:
    return _token(state.expand(word), word)


def _assign_env(chain: _Chain, instruction: Instruction, state: State, behind: State) -> None:
    for pair in instruction.pairs:
        name = state.expand(pair.name.value)
        word = pair.value.value if pair.value else ""
        if not isinstance(name, Known):
            chain.assign(f"${pair.name.value}", (name, word))
            continue
        value = _token(behind.env.get(name.text) or Unknown("unset"), word)
        chain.assign(name.text, value)
        chain.image_env[name.text] = value


def _environment(chain: _Chain) -> Part:
    if chain.environment is None:
        pairs = Environment(chain.env.items())
        shown = ", ".join(map(_pair, pairs[:SHOWN]))
        chain.environment = Part("environment", pairs, f"variables {_short(shown) or 'none'}")
    return chain.environment


def _pair(pair: tuple[str, Value]) -> str:
    return f"{pair[0]}={_said(pair[1])}"


def _directory(above: Value, written: object, word: str) -> Value:
    if not isinstance(written, Known):
        return (above, _token(written, word))
    if written.text.startswith("/"):
        return written.text
    if above is None or isinstance(above, str):
        return _clean(posixpath.join(above or "/", written.text))
    return (above, written.text)


def _clean(path: str) -> str:
    return "/" + posixpath.normpath(path).lstrip("/")


def _command(dockerfile: Dockerfile, instruction: Instruction, state: State) -> tuple[Value, ...]:
    """Returns the words that run (convert.go, dispatchRun and withShell)."""
    if instruction.exec_form is not None:
        return tuple(word.value for word in instruction.exec_form)
    shell = state.shell if isinstance(state.shell, tuple) else (state.shell.reason,)
    documents = instruction.heredocs
    bodies = [dockerfile.text(document.body) for document in documents]
    if len(documents) == 1 and read_opening(instruction.arguments) is not None:
        body = bodies[0]
        if documents[0].chomp:
            body = re.sub(r"^\t+", "", body, flags=re.MULTILINE)
        if body.startswith("#!"):
            return ("a program", documents[0].name, body)
        return (*shell, body)
    rest = "".join(f"\n{body}{each.name}" for body, each in zip(bodies, documents, strict=True))
    return (*shell, instruction.arguments + rest)


def _mount(mount: Mount, state: State) -> Value:
    """Returns what the key holds of a mount, sources aside (exec.go, CacheMap)."""
    options = {name: _expanded(state, word) for name, word in mount.options.items()}
    target = options.get("target", "")
    placed = _absolute(target, state)
    readonly = _readonly(mount, options)
    if mount.type == "cache":
        named = options.get("id") or target
        default = named == target or (
            isinstance(named, str) and isinstance(target, str) and _plain(named) == _plain(target)
        )
        shared = str(options.get("sharing", "shared")).lower() == "shared"
        made = tuple(options.get(name) for name in ("uid", "gid", "mode"))
        return ("cache", placed, readonly, "default" if default and shared else "", made)
    if mount.type in ("secret", "ssh"):
        rest = tuple(sorted((k, repr(v)) for k, v in options.items() if k != "type"))
        return (mount.type, rest)
    if mount.type == "tmpfs":
        return ("tmpfs", placed, readonly, options.get("size"))
    return ("bind", placed, readonly, "from" in options)


def _plain(path: str) -> str:
    return posixpath.normpath(path)


def _readonly(mount: Mount, options: Mapping[str, Value]) -> bool:
    for name, meaning in (("readonly", True), ("readwrite", False)):
        if name in options:
            said = str(options[name]).lower() not in ("false", "0", "f")
            return said is meaning
    return mount.type == "bind"


def _absolute(target: Value, state: State) -> Value:
    if not isinstance(target, str) or target.startswith("/"):
        return target
    placed = state.resolve(target)
    return _token(placed, target)


def _mounted(mount: Mount, base: Base | None, state: State) -> Part:
    source = _expanded(state, mount.options.get("source", ""))
    if base is not None:
        return _taken(base, (_image_path(source),))
    pattern = inside(source) if isinstance(source, str) else repr(source)
    return _from_context(Selection((pattern,)))


def _image_path(source: Value) -> str:
    return "/" + inside(source) if isinstance(source, str) else repr(source)


def _source_name(source: Value) -> Value:
    """Returns the last name of a source; the rest of its path is no part of the key (file.go)."""
    if not isinstance(source, str):
        return source
    return source if is_remote(source) else basename(inside(source))


def _is_document(source: Value, instruction: Instruction) -> bool:
    return bool(instruction.heredocs) and isinstance(source, str) and "<<" in source


def _document(dockerfile: Dockerfile, document: object, state: State) -> Part:
    from optimizer.cst.nodes import Heredoc

    assert isinstance(document, Heredoc)
    body = dockerfile.text(document.body)
    if document.chomp:
        body = re.sub(r"^\t+", "", body, flags=re.MULTILINE)
    names = sorted(set(_NAMED.findall(body))) if document.expand else []
    values = tuple((name, repr(state.lookup(name))) for name in names)
    return Part("text", (body, values), f"text of {document.name}")


def _target(state: State, word: str) -> Value:
    written = state.expand(word)
    if not isinstance(written, Known):
        return (written, word)
    text = written.text
    place = state.resolve(text)
    if not isinstance(place, Known):
        return (place, text)
    is_folder = text in ("", ".") or text.endswith(("/", "/."))
    return place.text.rstrip("/") + "/" if is_folder else place.text


def _mode(value: Value) -> Value:
    if isinstance(value, str) and _OCTAL.fullmatch(value):
        return oct(int(value, 8))[2:]
    return value


def _said(value: Value) -> str:
    if isinstance(value, str):
        return value
    if value is None:
        return "not set"
    if isinstance(value, tuple) and len(value) == 2 and isinstance(value[1], str):
        return value[1]
    return str(getattr(value, "text", value))


def _short(text: str, width: int = 60) -> str:
    line = " ".join(text[: 4 * width].split())
    return line if len(line) <= width else line[: width - 3] + "..."
