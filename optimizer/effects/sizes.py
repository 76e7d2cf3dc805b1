"""How large an image will be, predicted from what its steps bring.

The size of an image is that of all its layers (``docker image inspect``, ``Size``): a file that
a later step replaces, removes or gives another owner counts in the layer below all the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from posixpath import normpath

from optimizer.effects.copies import CopyStep, ForeignCopy, is_below, join
from optimizer.effects.effects import CommandEffects, Effects
from optimizer.knowledge.amounts import Amount, Setting, written
from optimizer.knowledge.image_sizes import image_bytes
from optimizer.knowledge.installs import HOLE, Call, Files
from optimizer.model.stages import ImageBase, ScratchBase, Stage, StageBase, Stages, Step
from optimizer.model.values import Known

MOST_ENTRIES = 1_000_000
"""Files of all copies together that are looked at; what is beyond is named as unknown."""

_MOST_FILES = 20_000
"""Files of one copy that are told apart; those of a larger one count as one directory."""


@dataclass(frozen=True, slots=True)
class Size:
    """A predicted size. ``bytes`` is the sum over base image and layers, ``unknown`` names the
    steps (by id; ``builder/0`` is the FROM of a stage) whose share is not known and counts as
    nothing."""

    bytes: int
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True)
class Facts:
    """What the sizes are worked out from: ``effects``, ``copy`` and ``files`` (those above a step)
    answer for a step; ``base_bytes`` are sizes of base images that an engine gave, by the
    reference as it stands in FROM."""

    effects: Callable[[Step], Effects]
    copy: Callable[[Step], CopyStep | ForeignCopy]
    files: Callable[[Step], Files]
    base_bytes: Mapping[str, int]


@dataclass
class _Contents:
    """What a stage has: ``layers`` is the sum over all of them, ``visible`` the bytes by path of
    what a COPY of another stage would find."""

    layers: int = 0
    visible: dict[str, int] = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)

    def below(self, path: str) -> dict[str, int]:
        """Returns what lies at ``path`` and below; a directory of which only the sum is known and
        that ``path`` lies in counts whole, but for /usr/local: the packages that fill /usr leave
        it alone (FHS 3.0, 4.9)."""
        return {
            each: size
            for each, size in self.visible.items()
            if is_below(each, path)
            or (size and is_below(path, each) and not (each == "/usr" and _is_local(path)))
        }

    def take_away(self, path: str) -> None:
        for each in [each for each in self.visible if is_below(each, path)]:
            del self.visible[each]


def image_size(stages: Stages, facts: Facts) -> Size | None:
    """Returns how large the image of the target will be; None where there is no target, or its
    base image is not known by size."""
    if stages.target is None or stages.circle is not None:
        return None
    sizes = _Sizes(facts)
    for stage in stages.needed:
        sizes.read(stage)
    found = sizes.contents[stages.target.index]
    if any(step.endswith("/0") for step in found.unknown):
        return None
    return Size(found.layers, tuple(dict.fromkeys(found.unknown)))


class _Sizes:
    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self.contents: dict[int, _Contents] = {}
        self.entries = 0
        """Entries of all `_Contents` that were looked at or taken over."""

    def read(self, stage: Stage) -> None:
        contents = self.contents[stage.index] = self._start(stage)
        for step in stage.steps:
            if self.entries > MOST_ENTRIES:
                contents.unknown.append(step.id)
                continue
            keyword = step.instruction.keyword
            if keyword in ("COPY", "ADD"):
                self._copy(contents, step)
            elif keyword == "RUN":
                self._run(contents, stage, step)

    def _start(self, stage: Stage) -> _Contents:
        base = stage.base
        if isinstance(base, StageBase):
            below = self.contents[base.stage.index]
            self.entries += len(below.visible)
            return _Contents(below.layers, dict(below.visible), list(below.unknown))
        if isinstance(base, ScratchBase):
            return _Contents()
        known = None
        if isinstance(base, ImageBase):
            known = self.facts.base_bytes.get(base.text)
            if known is None and base.reference.digest is None:
                known = image_bytes(base.reference.familiar, base.reference.tag or "latest")
        if known is None:
            return _Contents(unknown=[f"{stage.label}/0"])
        return _Contents(known)

    def _copy(self, contents: _Contents, step: Step) -> None:
        copy = self.facts.copy(step)
        if isinstance(copy, CopyStep):
            self._copy_files(contents, copy)
        elif len(step.depends_on) == 1:
            self._copy_stage(contents, step, self.contents[step.depends_on[0].index])
        elif not step.instruction.heredocs:
            contents.unknown.append(step.id)

    def _copy_files(self, contents: _Contents, copy: CopyStep) -> None:
        room = max(MOST_ENTRIES - self.entries, 0)
        found = [(path, file.size) for path, file in islice(copy.files(), room + 1)]
        self.entries += len(found)
        if len(found) > room:
            contents.unknown.append(copy.step.id)
        if len(found) > _MOST_FILES:
            found = [(copy.target, sum(size for _, size in found))]
        contents.visible.update(found)
        contents.layers += sum(size for _, size in found)

    def _copy_stage(self, contents: _Contents, step: Step, source: _Contents) -> None:
        """Brings files of another stage: what lies at the path of each source lands at the target,
        under its own name where the target is a directory and the source is not."""
        target = _path(step, step.instruction.words[-1].value) if step.instruction.words else None
        for word in step.instruction.words[:-1]:
            taken = _path(step, word.value, "/")
            if taken is None or target is None:
                contents.unknown.append(step.id)
                continue
            self.entries += len(source.visible)
            found = source.below(taken)
            if not found:
                contents.unknown.append(step.id)
            contents.layers += sum(found.values())
            contents.visible.update(_moved(found, taken, target))

    def _run(self, contents: _Contents, stage: Stage, step: Step) -> None:
        effects = self.facts.effects(step)
        layer = _Layer(contents, self)
        setting = _setting(stage, step, effects)
        files = self.facts.files(step)
        for command in effects.commands:
            self.entries += 1
            if command.call is None or any(HOLE in word for word in command.call.words):
                layer.is_unknown |= command.obstacle is not None
            elif not layer.remove_or_change(command.call):
                layer.add(written(command.call, files, setting), command)
        if not effects.commands and effects.obstacle is not None:
            layer.is_unknown = True
        if layer.is_unknown:
            contents.unknown.append(step.id)
        contents.layers += sum(layer.own.values())


class _Layer:
    """What one RUN writes: ``own`` are the bytes that its layer has, by path."""

    def __init__(self, contents: _Contents, sizes: _Sizes) -> None:
        self.contents = contents
        self.sizes = sizes
        self.own: dict[str, int] = {}
        self.is_unknown = False

    def add(self, amounts: Sequence[Amount] | None, command: CommandEffects) -> None:
        """Adds what a command writes; None is not known, unless its effects say that it writes
        little."""
        if amounts is None:
            self.is_unknown |= command.obstacle is not None
            return
        for amount in amounts:
            if amount.bytes is None:
                self.is_unknown = True
                continue
            if amount.adds:
                self.own[amount.path] = self.own.get(amount.path, 0) + amount.bytes
            else:
                self.contents.take_away(amount.path)
            self.contents.visible[amount.path] = amount.bytes

    def remove_or_change(self, call: Call) -> bool:
        """Carries out ``rm``, and ``chown`` and ``chmod`` which copy files into this layer."""
        if call.program not in ("rm", "chown", "chmod", "mv"):
            return False
        if call.program == "mv":
            return True
        operands = [word for word in call.words[1:] if not word.startswith("-")]
        if call.program != "rm":
            operands = operands[1:]
        for operand in operands:
            self.sizes.entries += len(self.contents.visible) + len(self.own)
            if self.sizes.entries > MOST_ENTRIES:
                self.is_unknown = True
                break
            path = normpath(join(call.directory, operand)) if operand[:1] != "/" else operand
            path = path[:-2] if path.endswith("/*") else path
            if call.program == "rm":
                self._remove(normpath(path) if path else "/")
            else:
                self._copy_up(normpath(path))
        return True

    def _remove(self, path: str) -> None:
        self.contents.take_away(path)
        for each in [each for each in self.own if is_below(each, path)]:
            del self.own[each]

    def _copy_up(self, path: str) -> None:
        for each, size in self.contents.visible.items():
            if is_below(each, path):
                self.own.setdefault(each, size)


def _setting(stage: Stage, step: Step, effects: Effects) -> Setting:
    base = stage.base
    while isinstance(base, StageBase):
        base = base.stage.base
    image = None
    if isinstance(base, ImageBase) and base.reference.digest is None:
        image = (base.reference.familiar, base.reference.tag or "latest")
    mounts = tuple(
        mount.options.get("target", "")
        for mount in step.instruction.mounts
        if mount.options.get("type") in ("cache", "tmpfs")
    )
    return Setting(image, mounts, any(_clears_lists(each) for each in effects.commands))


def _clears_lists(command: CommandEffects) -> bool:
    """Tells whether a command empties apt's package lists."""
    words = command.call.words if command.call is not None else ()
    return words[:1] == ("rm",) and any(word.startswith("/var/lib/apt") for word in words)


def _path(step: Step, word: str, above: str | None = None) -> str | None:
    """Returns the absolute path that ``word`` names, cut at the first wildcard; relative ones start
    at ``above``, the WORKDIR without that."""
    written_path = step.state.expand(word)
    if not isinstance(written_path, Known):
        return None
    plain = written_path.text
    for mark in "*?[":
        if mark in plain:
            plain = plain.partition(mark)[0].rpartition("/")[0] or "/"
    if above is not None:
        return normpath("/" + plain.lstrip("/"))
    resolved = step.state.resolve(plain)
    return normpath(resolved.text) if isinstance(resolved, Known) else None


def _is_local(path: str) -> bool:
    return is_below(path, "/usr/local")


def _moved(found: Mapping[str, int], taken: str, target: str) -> Iterator[tuple[str, int]]:
    for path, size in found.items():
        rest = path[len(taken) :].lstrip("/") if is_below(path, taken) else ""
        yield join(target, rest), size
