"""The cache mounts that a RUN lacks, and what of it would fight them.

A cache mount is a directory of the builder's that lies in the RUN while it runs and is no part of
the image. Its key is its id, by default its target, and nothing else: neither the image nor the
platform is part of it (BuildKit, solver/llbsolver/mounts/mount.go, getRefCacheDir, and
frontend/dockerfile/dockerfile2llb/convert_runmount.go, dispatchRunMounts).
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import islice

from optimizer.cst.edit import Edit, Replace
from optimizer.cst.nodes import Dockerfile
from optimizer.cst.source import Span
from optimizer.effects.commands import short
from optimizer.effects.copies import StageFiles, is_below
from optimizer.effects.effects import CommandEffects, Effects
from optimizer.effects.paths import Paths
from optimizer.effects.taken import chain, taken
from optimizer.knowledge.caches import (
    APT_ARCHIVES,
    MOVES_CACHE,
    NAMES_CACHE,
    Keeping,
    keeping,
    manager,
)
from optimizer.knowledge.cleaning import cleans_downloads, cleans_up
from optimizer.knowledge.frontends import knows_cache_mounts
from optimizer.knowledge.image_users import image_user
from optimizer.knowledge.images import base_image
from optimizer.knowledge.installs import HOLE, DownloadCache, Obstacle
from optimizer.model.stages import ImageBase, Stage, StageBase, Stages, Step
from optimizer.model.values import Known

_PLAIN = re.compile(r"/[\w./@+-]+")
"""Targets that a flag can hold without quotes."""
_AND_BEFORE = re.compile(r"[ \t]*(?:\\\r?\n[ \t]*)*&&[ \t]*(?:\\\r?\n[ \t]*)*\Z")
_AND_BEHIND = re.compile(r"\s*(?:(?:\\\r?\n[ \t]*)*&&|\Z)")
_LONGEST_GAP = 200
"""Characters between two commands, at most, of which one is taken out."""
_LONGEST_LINE = 100
_APT_OPTION = f"-o Dir::Cache::Archives={APT_ARCHIVES}"
_APT_LEAVES = "/var/cache/apt/archives"
_USER_EDITS = re.compile(r"\b(?:usermod|userdel|deluser|groupmod)\b")


@dataclass(frozen=True, slots=True)
class CacheMounts:
    """What gives a RUN its cache mounts.

    ``commands`` are those that download, ``flags`` the mounts. ``left`` are the paths at which the
    layer has downloads today.
    """

    commands: tuple[CommandEffects, ...]
    flags: tuple[str, ...]
    edits: tuple[Edit, ...]
    left: tuple[str, ...]

    @property
    def named(self) -> str:
        """The first of the commands, in short."""
        return short(self.commands[0].text)


@dataclass(frozen=True, slots=True)
class _Account:
    """Who runs a step. ``uid`` is None for root, ``gid`` where it is not known."""

    uid: int | None
    gid: int | None
    home: str


_ROOT = _Account(None, None, "/root")


@dataclass(frozen=True, slots=True)
class _Download:
    command: CommandEffects
    keeping: Keeping


def _is_apt(download: _Download) -> bool:
    """Whoever runs the step, apt-get installs as root or not at all (apt-get(8))."""
    return download.keeping.manager == "apt-get"


@dataclass(frozen=True)
class Surroundings:
    """The whole file, and what is asked of it for every RUN but worked out once."""

    tree: Dockerfile
    stages: Stages
    _going_on: dict[re.Pattern[str], tuple[tuple[Step, str], ...]] = field(
        default_factory=dict, repr=False
    )

    def text(self, step: Step) -> str:
        """Returns what a RUN runs, behind its flags."""
        instruction = step.instruction
        return self.tree.source.text[instruction.locate(0, 0).start : instruction.code.end]

    @cached_property
    def text_of_runs(self) -> str:
        """What all RUNs run that have no cache mount, one behind the other."""
        return "\n".join(self.text(step) for step in self._runs if not _has_cache(step))

    def other_that(self, goes_on: re.Pattern[str], step: Step) -> str | None:
        """Returns the first text of a RUN but ``step`` that ``goes_on`` finds."""
        if goes_on not in self._going_on:
            texts = ((each, goes_on.search(self.text(each))) for each in self._runs)
            found = ((each, match[0]) for each, match in texts if match is not None)
            # Of two one is another than the step, whichever that is.
            self._going_on[goes_on] = tuple(islice(found, 2))
        return next((text for each, text in self._going_on[goes_on] if each is not step), None)

    @cached_property
    def offline(self) -> Step | None:
        """A RUN that wants to find downloads in the image."""
        return next((step for step in self._runs if "--offline" in self.text(step)), None)

    @cached_property
    def edits_users(self) -> bool:
        """Whether a RUN changes users that were there before."""
        return any(_USER_EDITS.search(self.text(step)) for step in self._runs)

    @cached_property
    def taken(self) -> tuple[tuple[Step, str], ...]:
        """The paths that steps take from other stages and images, with the steps."""
        return tuple(
            (step, path)
            for stage in self.stages.stages
            for step in stage.steps
            if step.sources
            for path in taken(step)
        )

    @cached_property
    def moved_by(self) -> tuple[Step | None, ...]:
        """For each stage the first RUN, of it or of one that it is built on, that says where a
        cache lies."""
        found: list[Step | None] = []
        for stage in self.stages.stages:
            below = found[stage.base.stage.index] if isinstance(stage.base, StageBase) else None
            runs = (step for step in stage.steps if step.instruction.keyword == "RUN")
            moving = (step for step in runs if MOVES_CACHE.search(self.text(step)))
            found.append(below or next(moving, None))
        return tuple(found)

    @cached_property
    def _runs(self) -> tuple[Step, ...]:
        steps = (step for stage in self.stages.stages for step in stage.steps)
        return tuple(step for step in steps if step.instruction.keyword == "RUN")

    @cached_property
    def frontend(self) -> Obstacle | None:
        """Why the frontend that the file names may not take cache mounts."""
        found = (each.value for each in self.tree.directives if each.name == "syntax")
        named = next(found, None)
        if named is None or knows_cache_mounts(named):
            return None
        return Obstacle(
            "frontend-too-old",
            f"The file is read by the frontend {named}, which is not known to take cache mounts.",
            "Name docker/dockerfile:1 in the `# syntax=` line, or none.",
        )


def _has_cache(step: Step) -> bool:
    return any(mount.type == "cache" for mount in step.instruction.mounts)


def cache_mounts(
    around: Surroundings, effects: Effects, files: Callable[[], StageFiles]
) -> CacheMounts | Obstacle | None:
    """Returns the cache mounts that the RUN with these ``effects`` lacks.

    ``files`` returns what was copied above it. None: it downloads nothing that could be kept, has
    no network, or its author gave it cache mounts. An `Obstacle` says why it gets none.
    """
    step = effects.step
    instruction = step.instruction
    if _has_cache(step) or instruction.flag("network") == "none" or step.state.is_windows:
        return None
    stage = around.stages.stages[step.stage_index]
    account = _account(around, stage, step)
    downloads = _downloads(effects, account)
    if downloads is None:
        return None
    if isinstance(downloads, tuple) and all(_is_apt(each) for each in downloads):
        account = _ROOT
    if account is None:
        return _unknown_user(step)
    if isinstance(downloads, Obstacle):
        return downloads
    return (
        around.frontend
        or _base_in_the_way(stage, downloads)
        or _opaque_beside(effects, downloads)
        or _other_place(around, stage, downloads, files())
        or _made_by_root(downloads, account)
        or _used_elsewhere(around, step, downloads)
        or _mounted(around.tree, effects, downloads, account, _image(stage))
    )


def _downloads(
    effects: Effects, account: _Account | None
) -> tuple[_Download, ...] | Obstacle | None:
    found: list[_Download] = []
    for command in effects.commands:
        if command.call is None:
            continue
        env = dict(command.call.env)
        if account is not None and HOLE in env.get("HOME", HOLE):
            env["HOME"] = account.home
        kept = keeping(replace(command.call, env=env))
        if isinstance(kept, Obstacle):
            return kept
        if kept is not None:
            found.append(_Download(command, kept))
    return tuple(found) or None


def _account(around: Surroundings, stage: Stage, step: Step) -> _Account | None:
    """Returns who runs ``step``; None where the number or the home is not known."""
    if not isinstance(step.state.user, Known):
        return None
    name, _, group = step.state.user.text.partition(":")
    home = step.state.lookup("HOME")
    if name in ("", "0", "root"):
        return _Account(None, None, home.text if isinstance(home, Known) else "/root")
    image = _image(stage)
    row = image_user(image.reference.familiar, name) if image is not None else None
    if row is not None and group in ("", name) and not around.edits_users:
        return _Account(row.uid, row.gid, home.text if isinstance(home, Known) else row.home)
    if name.isdecimal() and isinstance(home, Known):
        return _Account(int(name), int(group) if group.isdecimal() else None, home.text)
    return None


def _unknown_user(step: Step) -> Obstacle:
    user = step.state.user
    who = f"the user {user.text}" if isinstance(user, Known) else "the user of the base image"
    return Obstacle(
        "user-unknown",
        f"The command runs as {who}, and a cache mount has to belong to it by number.",
        "Name the user by number (`USER 1000:1000`) and set its HOME with ENV.",
    )


def _image(stage: Stage) -> ImageBase | None:
    """Returns the image that ``stage`` starts from in the end."""
    *_, first = chain(stage)
    return first.base if isinstance(first.base, ImageBase) else None


def _base_in_the_way(stage: Stage, downloads: Sequence[_Download]) -> Obstacle | None:
    *_, first = chain(stage)
    image = _image(stage)
    of_image = next((each for each in downloads if each.keeping.is_of_image), None)
    if of_image is not None and (image is None or "$" in first.instruction.words[0].value):
        return Obstacle(
            "base-image-varies",
            f"What `{short(of_image.command.text)}` keeps fits one image alone, and which one it "
            "is hangs on an argument.",
            "Name the image in FROM, or give the RUN a cache mount with an id of your own.",
        )
    is_known = image is not None and base_image(
        image.reference.familiar, image.reference.tag or "latest"
    )
    if not is_known and not all(_is_apt(each) for each in downloads):
        return Obstacle(
            "cache-place-unknown",
            "The base image may set HOME or a variable that moves the cache.",
            "Give the RUN a cache mount by hand.",
        )
    return None


def _opaque_beside(effects: Effects, downloads: Sequence[_Download]) -> Obstacle | None:
    own = [each.command for each in downloads]
    for command in effects.commands:
        if command.obstacle is not None and not any(command is each for each in own):
            return Obstacle(
                "install-inside-longer-run",
                f"`{short(command.text)}` runs in the same RUN as `{short(own[0].text)}`, and what "
                "it does to the cache is not known.",
                f"Give `{short(own[0].text)}` a RUN of its own.",
            )
    return None


def _other_place(
    around: Surroundings, stage: Stage, downloads: Sequence[_Download], files: StageFiles
) -> Obstacle | None:
    """Returns what says that the cache lies somewhere else, or that it holds files already."""
    for each in downloads:
        for path in each.keeping.settings:
            content = files.read(path) if files.kind(path) == "file" else None
            if content and NAMES_CACHE.search(content.decode("utf-8", "replace")):
                return _moved(each, path)
        if (found := _another_version(each, files)) is not None:
            return found
        for target in _targets([each]):
            if files.kind(target) is not None:
                return Obstacle(
                    "cache-is-populated",
                    f"A COPY brings files to {target}, which a cache mount would hide.",
                    "Copy them somewhere else, or leave the RUN as it is.",
                )
        if (mover := around.moved_by[stage.index]) is not None:
            return _moved(each, f"line {mover.instruction.line}")
    return None


def _another_version(download: _Download, files: StageFiles) -> Obstacle | None:
    """Returns an obstacle where another version of the manager may run, with another place."""
    if (lock := download.keeping.lock) is None:
        return None
    content = files.read(lock[0]) if files.kind(lock[0]) == "file" else None
    if content is not None and lock[1].encode() in content:
        return None
    name = download.keeping.manager
    return Obstacle(
        "cache-place-unknown",
        f"Versions of {name} keep downloads in different places, and no"
        f" {posixpath.basename(lock[0])} with `{lock[1]}` shows which one runs.",
        "Give the RUN a cache mount by hand.",
    )


def _moved(download: _Download, who: str) -> Obstacle:
    return Obstacle(
        "cache-moved",
        f"`{short(download.command.text)}` may keep its downloads somewhere else: {who} says so.",
        "Give the RUN a cache mount at that place by hand.",
    )


def _made_by_root(downloads: Sequence[_Download], account: _Account) -> Obstacle | None:
    """runc makes missing directories above a mount as root: another program of the user that
    wants to write there then fails."""
    if account.uid in (None, 0):
        return None
    for target in _targets(downloads):
        if posixpath.dirname(target) != account.home.rstrip("/"):
            return Obstacle(
                "mount-parent-is-roots",
                f"{posixpath.dirname(target)} would come to be for the mount at {target}, and "
                "belong to root.",
                f"Make {posixpath.dirname(target)} for the user in a step above, and add the mount "
                "by hand.",
            )
    return None


def _used_elsewhere(
    around: Surroundings, step: Step, downloads: Sequence[_Download]
) -> Obstacle | None:
    """Returns what takes downloads out of the image, or wants them there without asking the
    network."""
    own = around.text(step)
    if around.offline is not None and around.offline is not step:
        return _used(downloads[0], f"Line {around.offline.instruction.line}")
    for target in _targets(downloads):
        if around.text_of_runs.count(target) > own.count(target):
            return _used(downloads[0], f"Another RUN names {target}; it")
        for other, path in around.taken:
            if is_below(path, target):
                return _used(downloads[0], f"Line {other.instruction.line}")
    for each in downloads:
        goes_on = each.keeping.goes_on
        if goes_on is not None and (found := around.other_that(goes_on, step)) is not None:
            return _used(each, f"`{found}`")
    return None


def _used(download: _Download, who: str) -> Obstacle:
    return Obstacle(
        "cache-is-used-later",
        f"{who} may take what `{short(download.command.text)}` keeps.",
        "Leave it as it is, or let that step mount the same cache.",
    )


def _targets(downloads: Sequence[_Download]) -> tuple[str, ...]:
    found = (cache.path for each in downloads for cache in each.keeping.caches)
    return tuple(dict.fromkeys(found))


def _mounted(
    tree: Dockerfile,
    effects: Effects,
    downloads: Sequence[_Download],
    account: _Account,
    image: ImageBase | None,
) -> CacheMounts | Obstacle:
    targets = _targets(downloads)
    odd = next((target for target in targets if not _PLAIN.fullmatch(target)), None)
    cleaned = _Cleaning(tree, effects, downloads).look()
    if odd is not None or cleaned is None:
        return _not_cleaned(downloads[0], targets)
    edits: list[Edit] = list(cleaned.edits)
    for each in downloads:
        changes = _turned_on(tree, each)
        if changes is None:
            return _not_cleaned(downloads[0], targets)
        edits += changes
    flags = tuple(dict.fromkeys(_flags(downloads, account, image)))
    return CacheMounts(
        tuple(each.command for each in downloads),
        flags,
        (_inserted(tree, effects.step, flags), *edits),
        tuple(dict.fromkeys(_left(downloads, cleaned.gone))),
    )


def _left(downloads: Sequence[_Download], gone: frozenset[str]) -> Iterator[str]:
    """Yields where the layer has downloads today."""
    for each in downloads:
        if _is_apt(each):
            yield _APT_LEAVES
        elif not each.keeping.off:
            yield from (path for path in _targets([each]) if path not in gone)


def _not_cleaned(download: _Download, targets: Sequence[str]) -> Obstacle:
    return Obstacle(
        "cache-is-cleaned",
        f"Something in the RUN of `{short(download.command.text)}` would empty or remove "
        f"{targets[0]}, and cannot be taken out without changing what else it does.",
        "Take the cleaning out by hand, and add the cache mount.",
    )


def _flags(
    downloads: Sequence[_Download], account: _Account, image: ImageBase | None
) -> Iterator[str]:
    for each in downloads:
        for cache in each.keeping.caches:
            yield _flag(cache, each.keeping, account, image)


def _flag(cache: DownloadCache, kept: Keeping, account: _Account, image: ImageBase | None) -> str:
    options = ["type=cache"]
    if kept.is_of_image and image is not None:
        # Two mounts with one id would be one directory.
        part = [posixpath.basename(cache.path)] if len(kept.caches) > 1 else []
        options.append(f"id={'-'.join((kept.manager, *part, _slug(image.text)))}")
    options.append(f"target={cache.path}")
    options += [f"uid={account.uid}"] if account.uid is not None else []
    options += [f"gid={account.gid}"] if account.gid is not None else []
    options += [] if cache.is_locked else ["sharing=locked"]
    return f"--mount={','.join(options)}"


def _slug(image: str) -> str:
    return re.sub(r"[^\w.]+", "-", image.partition("@")[0])


def _inserted(tree: Dockerfile, step: Step, flags: Sequence[str]) -> Edit:
    """Puts ``flags`` in front of what the RUN runs, on lines of their own where one gets long."""
    instruction = step.instruction
    at = instruction.locate(0, 0).start
    text = tree.source.text
    line = text.rfind("\n", 0, at) + 1
    end = text.find("\n", at)
    rest = text[line : len(text) if end < 0 else end]
    one = " ".join(flags)
    if instruction.heredocs or (len(flags) == 1 and len(rest) + len(one) < _LONGEST_LINE):
        return Replace(Span(at, at), f"{one} ")
    indent = text[line:at] if not text[line:at].strip() else "    "
    behind = f" {instruction.escape}\n{indent}"
    return Replace(Span(at, at), behind.join((*flags, "")))


def _turned_on(tree: Dockerfile, download: _Download) -> tuple[Edit, ...] | None:
    """Takes out the words that turn the cache off, and tells apt-get where to keep packages."""
    command = download.command
    if _is_apt(download):
        verb = _word(tree, command.span, "install")
        return None if verb is None else (Replace(Span(verb.end, verb.end), f" {_APT_OPTION}"),)
    words = [_without_word(tree, command.span, word) for word in download.keeping.off]
    found = tuple(edit for edit in words if edit is not None)
    return found if len(found) == len(words) else None


def _word(tree: Dockerfile, span: Span, word: str) -> Span | None:
    """Returns where ``word`` stands in ``span`` as it is, None where that is not just one place."""
    found = list(re.finditer(rf"(?<!\S){re.escape(word)}(?!\S)", tree.text(span)))
    if len(found) != 1:
        return None
    return Span(span.start + found[0].start(), span.start + found[0].end())


def _without_word(tree: Dockerfile, span: Span, word: str) -> Edit | None:
    """Takes one word out, and its line where it stands alone on it."""
    place = _word(tree, span, word)
    if place is None:
        return None
    text = tree.source.text
    behind = re.compile(r"[ \t]+(?![ \t\r\n\\])").match(text, place.end)
    if behind is not None:
        return Replace(Span(place.start, behind.end()), "")
    start = place.start
    while text[start - 1] in " \t":
        start -= 1
    whole = re.compile(r"[ \t]*\\\r?\n").match(text, place.end)
    if text[start - 1] == "\n" and whole is not None:
        return Replace(Span(start, whole.end()), "")
    return Replace(Span(start, place.end), "") if text[start - 1] != "\n" else None


@dataclass(frozen=True, slots=True)
class _Cleaned:
    """``edits`` take the cleaning out; ``gone`` are targets that it removes today."""

    edits: tuple[Edit, ...]
    gone: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Cleaning:
    """The commands of a RUN that would empty its cache mounts."""

    tree: Dockerfile
    effects: Effects
    downloads: Sequence[_Download]

    def look(self) -> _Cleaned | None:
        """Returns what takes them out, None where one cannot be taken out."""
        edits: list[Edit] = []
        gone: set[str] = set()
        for command in self.effects.commands:
            found = self._command(command, gone)
            if found is None:
                return None
            edits += found
        return _Cleaned(tuple(edits), frozenset(gone))

    def _command(self, command: CommandEffects, gone: set[str]) -> tuple[Edit, ...] | None:
        call = command.call
        if call is None or any(command is each.command for each in self.downloads):
            return ()
        managers = {each.keeping.manager for each in self.downloads} - {"apt-get"}
        if cleans_downloads(call):
            return self._without(command) if manager(call) in managers else ()
        if call.program == "rm":
            return self._removing(command, gone)
        removes = cleans_up(call) or call.program in ("find", "mv")
        own = manager(call) == "apt-get"
        meets = command.writes.meets(Paths(_targets(self.downloads))) is not None
        return None if removes and meets and not own else ()

    def _removing(self, command: CommandEffects, gone: set[str]) -> tuple[Edit, ...] | None:
        """Takes the operands of `rm` out that lie in a cache."""
        assert command.call is not None
        operands = [word for word in command.call.words[1:] if not word.startswith("-")]
        ours = []
        for word in operands:
            path = self._place(command, word)
            plain = re.split(r"[*?\[]", path, maxsplit=1)[0]
            for target in _targets(self.downloads):
                if is_below(plain.rstrip("/") or "/", target):
                    ours.append(word)
                    gone.update({target} if path.rstrip("/") == target else ())
                elif is_below(target, plain.rstrip("/") or "/") or (
                    plain != path and target.startswith(plain)
                ):
                    return None
        if not ours:
            return ()
        if len(ours) == len(operands):
            return self._without(command)
        words = [_without_word(self.tree, command.span, word) for word in ours]
        found = tuple(edit for edit in words if edit is not None)
        return found if len(found) == len(words) else None

    def _place(self, command: CommandEffects, word: str) -> str:
        assert command.call is not None
        home = next((cache.path for cache in self.downloads[0].keeping.caches), "/root")
        if word.startswith("~/"):
            word = posixpath.join(command.call.env.get("HOME", posixpath.dirname(home)), word[2:])
        return posixpath.normpath(posixpath.join(command.call.directory, word))

    def _without(self, command: CommandEffects) -> tuple[Edit, ...] | None:
        """Takes a command of a chain out, with the ``&&`` in front of it."""
        text = self.tree.source.text
        instruction = self.effects.step.instruction
        start = instruction.locate(0, 0).start
        begin = max(start, command.span.start - _LONGEST_GAP)
        before = _AND_BEFORE.search(text[begin : command.span.start])
        behind = _AND_BEHIND.match(text[command.span.end : instruction.code.end])
        if before is None or behind is None:
            return None
        return (Replace(Span(begin + before.start(), command.span.end), ""),)
