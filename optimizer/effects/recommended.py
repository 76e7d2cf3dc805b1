"""What an install of packages brings only because others recommend it, and whether that is used."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import Final, Protocol

from optimizer.cst.edit import Edit, Replace
from optimizer.cst.nodes import Dockerfile
from optimizer.cst.source import Span
from optimizer.effects.brought import installs, runs_of
from optimizer.effects.commands import short
from optimizer.effects.copies import is_below
from optimizer.effects.effects import CommandEffects, Effects
from optimizer.effects.package_lists import runs_below
from optimizer.effects.taken import chain, taken
from optimizer.effects.version import Version
from optimizer.knowledge.distribution.debian import Index, index
from optimizer.knowledge.distribution.full import image_packages
from optimizer.knowledge.distribution.recommended import (
    ALWAYS_USED,
    ONLY_WITH,
    is_unused,
    programs,
    recommended,
    with_recommended,
)
from optimizer.knowledge.distribution.tags import releases_of
from optimizer.knowledge.ecosystems import unwrapped
from optimizer.knowledge.installs import Call, Obstacle
from optimizer.knowledge.released import Release
from optimizer.knowledge.running import Running
from optimizer.model.stages import ImageBase, Stage, Step

FLAG: Final = "--no-install-recommends"
"""apt-get(8)."""

MOST_RUNS = 500
"""RUNs below an install, at most, that are asked what they use; with more it is held back."""

MOST_EARLIER = 20
"""Installs above one, at most, whose packages count as being there: the nearest ones."""


class Seen(Version, Protocol):
    """What of a view is asked; `optimizer.view.View` is one."""

    @property
    def running(self) -> Callable[[Stage], Running]: ...


@dataclass(frozen=True, slots=True)
class Recommended:
    """An install without the packages that others only recommend.

    ``skipped`` are those that are recommended, ``needed_by_them`` what comes along for them; one
    that several releases, which the image may be of, do not share is among them. ``packages`` and
    ``bytes`` are what the install adds, before and after, in the newest of them. ``edit`` adds the
    flag to ``command``. ``bytes`` is None where the size of one is not known.
    """

    command: CommandEffects
    edit: Edit
    releases: tuple[Release, ...]
    skipped: tuple[str, ...]
    needed_by_them: tuple[str, ...]
    without_row: tuple[str, ...]
    """Those of which it is not known here what they need."""
    packages: tuple[int, int]
    bytes: tuple[int, int] | None

    @property
    def named(self) -> str:
        """The install, in short."""
        return short(self.command.text)


def skipped_recommended(seen: Seen, stage: Stage, step: Step) -> Iterator[Recommended | Obstacle]:
    """Yields what the installs of a RUN bring that is only recommended, one answer each.

    Nothing: the image is not one of Debian whose packages are known, the install has the flag, or
    nothing is recommended that is not there. An `Obstacle` where something uses it, or where that
    cannot be ruled out.
    """
    image = _image_of(stage)
    instruction = step.instruction
    if image is None or instruction.keyword != "RUN" or instruction.exec_form is not None:
        return
    if not _INSTALLS.search(seen.dockerfile.text(instruction.code)):
        return
    above = _texts_until(seen.dockerfile, stage, step)
    if _SETTING.search(above):
        return
    for command in seen.effects(step).commands:
        call = unwrapped(command.call) if command.call is not None else None
        if call is not None and _installs_recommended(call):
            found = _Install(seen, stage, step, command, call, image, above).answer()
            if found is not None:
                yield found


_INSTALLS: Final = re.compile(r"\bapt\b.*\binstall\b", re.DOTALL)

_SETTING: Final = re.compile(r"apt::install-recommends|apt\.conf", re.IGNORECASE)
"""What turns recommended packages off for good (apt.conf(5))."""

_REMOVES: Final = re.compile(r"\b(?:purge|remove|autoremove|autopurge)\b")

_SOURCES: Final = re.compile(
    r"sources\.list|add-apt-repository|nodesource|/etc/apt/|apt-key|/keyrings|extrepo|backports"
)
"""What says that packages may come from elsewhere than from the release's own index."""


@dataclass(frozen=True, slots=True)
class _Image:
    """The image that a stage is made from in the end: its releases, and the packages in each."""

    packages: tuple[tuple[Release, Index, frozenset[str]], ...]


def _image_of(stage: Stage) -> _Image | None:
    base = [*chain(stage)][-1].base
    if not isinstance(base, ImageBase):
        return None
    name, tag = base.reference.familiar, base.reference.tag
    if tag is None and base.reference.digest is not None:
        return None
    found = []
    for release in releases_of(name, tag or "latest"):
        table, packages = index(release), image_packages(name, tag or "latest", release)
        if table is None or packages is None:
            return None
        found.append((release, table, packages))
    return _Image(tuple(found)) if found else None


def _texts_until(tree: Dockerfile, stage: Stage, step: Step) -> str:
    texts = []
    for each in reversed([*chain(stage)]):
        for other in each.steps:
            texts.append(tree.text(other.instruction.code))
            if other is step:
                break
    return "\n".join(texts)


def _installs_recommended(call: Call) -> bool:
    words = call.words[1:]
    bare = [word for word in words if not word.startswith("-")]
    is_set = any("install-recommends" in word.lower() for word in words)
    return call.program in ("apt-get", "apt") and bare[:1] == ["install"] and not is_set


_PACKAGE: Final = re.compile(r"(?P<name>[a-z0-9][a-z0-9+.-]+)(?::[a-z0-9]+)?(?:=[^\s/]+)?")
"""A package, perhaps with an architecture and a version (apt-get(8), install)."""

_WITH_VALUE: Final = re.compile(r"-[a-z]*[tca]|--(?:target|default)-release|--config-file|-[a-z]+o")
"""Options whose value may be the next word and may choose packages (apt-get(8))."""

_PLAIN: Final = frozenset(
    (":", "[", "addgroup", "adduser", "apt", "apt-get", "apt-mark", "cat", "cd", "chgrp", "chmod",
     "chown", "cp", "curl", "echo", "exit", "export", "groupadd", "id", "ldconfig", "ln",
     "locale-gen", "ls", "mkdir", "mv", "printf", "pwd", "rm", "rmdir", "set", "sleep", "test",
     "touch", "true", "umask", "update-ca-certificates", "useradd", "usermod", "wget")
)  # fmt: skip
"""Programs that start no others, or only what comes with them (POSIX.1-2024, GNU coreutils,
shadow-utils, curl(1), wget(1)); apt-get starts scripts of packages, which depend on what they
use (Debian Policy Manual, 7.2)."""

_SYSTEM: Final = ("/bin", "/etc", "/lib", "/sbin", "/usr/bin", "/usr/include", "/usr/lib",
                  "/usr/sbin", "/usr/share", "/var/lib")  # fmt: skip
"""Where packages put their files (Filesystem Hierarchy Standard 3.0)."""


@dataclass
class _Install:
    """One command that installs packages with what they recommend."""

    seen: Seen
    stage: Stage
    step: Step
    command: CommandEffects
    call: Call
    image: _Image
    above: str

    def answer(self) -> Recommended | Obstacle | None:
        names = self._names()
        if names is None or _SOURCES.search(self.above):
            return self._not_known() if names is None or self._may_recommend(names) else None
        lost: dict[str, frozenset[str]] = {}
        for release, table, there in self._packages:
            alone = (table.closure(names) or frozenset()) | there
            more = with_recommended(table, release, names, there) - alone
            for each in more:
                by = {one for one in alone if each in recommended(one, release)}
                lost[each] = lost.get(each, frozenset()) | by
        if not lost:
            return None
        edit = self._edit()
        return None if edit is None else self._used(lost) or self._found(names, lost, edit)

    def _names(self) -> tuple[str, ...] | None:
        """Returns the packages that are named; None where one may be another than its name says,
        or is not in the table of each release."""
        start = self.call.words.index("install")
        before = _without_settings(self.call.words[1:start])
        words = _without_settings(self.call.words[start + 1 :])
        if any(map(_WITH_VALUE.fullmatch, (*before, *words))):
            return None
        found = [_PACKAGE.fullmatch(word) for word in words if not word.startswith("-")]
        names = tuple(match["name"] for match in found if match is not None)
        tables = [table for _, table, _ in self.image.packages]
        is_known = all(name in table for name in names for table in tables)
        return names if is_known and len(names) == len(found) else None

    def _may_recommend(self, names: tuple[str, ...]) -> bool:
        return any(
            with_recommended(table, release, names, there) - (table.closure(names) or frozenset())
            for release, table, there in self._packages
        )

    @cached_property
    def _packages(self) -> tuple[tuple[Release, Index, frozenset[str]], ...]:
        """The releases with the packages that are there when the command runs. Where some are
        removed, none counts but those of the image."""
        if _REMOVES.search(self.above):
            return self.image.packages
        found = []
        for release, table, own in self.image.packages:
            there = own
            for call in self._earlier:
                known = [name for name in installs(call) if name in table]
                alone = table.closure(known) or frozenset()
                more = with_recommended(table, release, known, there)
                there |= more if _installs_recommended(call) else alone - table.minimal
                there |= frozenset(installs(call))
            found.append((release, table, there))
        return tuple(found)

    @cached_property
    def _earlier(self) -> tuple[Call, ...]:
        """The installs above the command."""
        found = []
        for step in runs_of(self.stage):
            for command in self.seen.effects(step).commands:
                if command.span.start >= self.command.span.start and step is self.step:
                    break
                call = unwrapped(command.call) if command.call is not None else None
                if call is not None and call.program in ("apt-get", "apt"):
                    found.append(call)
            if step is self.step:
                break
        return tuple(found[-MOST_EARLIER:])

    @property
    def _shown(self) -> str:
        """The command without settings: where downloads are kept, a change may just have said."""
        return " ".join(_without_settings(self.command.text.split()))

    def _not_known(self) -> Obstacle:
        return Obstacle(
            "recommended-not-known",
            f"What the packages of `{short(self._shown)}` recommend is not known.",
            f"Add {FLAG} and look at what is installed no more.",
        )

    def _edit(self) -> Edit | None:
        """Puts the flag behind the word ``install``; None where that does not stand as it is."""
        text = self.seen.dockerfile.text(self.command.span)
        found = re.search(r"(?<![\w-])install(?=\s)", text)
        if found is None:
            return None
        place = self.command.span.start + found.end()
        return Replace(Span(place, place), f" {FLAG}")

    def _used(self, lost: dict[str, frozenset[str]]) -> Obstacle | None:
        """Returns the first of the packages that something uses, or of which that cannot be ruled
        out. Those that nothing recommends come for others alone, and only their programs count."""
        for name in sorted(lost):
            why = self._use_of(name, lost[name])
            if why is not None:
                by = f", which {min(lost[name])} recommends" if lost[name] else ""
                return Obstacle(
                    "recommended-may-be-used",
                    f"`{name}`{by}, may be used: {why}.",
                    f"Name {name} among the packages that are installed, or add {FLAG} where you "
                    "know better.",
                )
        return self._taken()

    def _use_of(self, name: str, by: frozenset[str]) -> str | None:
        own = programs(name)
        if name in ALWAYS_USED:
            return ALWAYS_USED[name]
        if (named := own & self.words) or name in self.words:
            return f"`{min(named, default=name)}` is named"
        if not by or is_unused(name):
            return None
        if name in ONLY_WITH:
            is_named = re.search(ONLY_WITH[name], self._all_text, re.IGNORECASE)
            return "the file speaks of it" if is_named else self.unknown
        if not own:
            return "nothing shows what needs it"
        return self._by_those(by) or self.unknown

    def _by_those(self, by: frozenset[str]) -> str | None:
        """Says which of the packages that recommend it are at work."""
        for name in sorted(by):
            own = programs(name)
            if not own:
                return f"{name} is for others to use"
            if own & self.words:
                return f"`{min(own & self.words)}` of {name} runs"
        return None

    @cached_property
    def _all_text(self) -> str:
        running = " ".join(
            word for each in self._running for call in each.calls for word in call.words
        )
        return f"{self.seen.dockerfile.source.text} {running}"

    @cached_property
    def _later(self) -> tuple[CommandEffects | Effects, ...]:
        """The commands behind the install; a RUN in place of such that are not known."""
        own = self.seen.effects(self.step).commands
        found: list[CommandEffects | Effects] = [
            each for each in own if each.span.start > self.command.span.start
        ]
        for step in islice(runs_below(self.seen.stages, self.step), MOST_RUNS):
            effects = self.seen.effects(step)
            found += effects.commands
            if effects.obstacle is not None and not effects.commands:
                found.append(effects)
        return tuple(found)

    @cached_property
    def _running(self) -> tuple[Running, ...]:
        """What containers of the images run that are built on the stage."""
        stages = self.seen.stages
        ends = (stages.target, stages.stages[-1])
        made = {each.index: each for each in ends if each is not None}
        return tuple(self.seen.running(each) for each in made.values() if self.stage in chain(each))

    @cached_property
    def words(self) -> frozenset[str]:
        """All words of the commands behind the install, and of what containers run."""
        texts = [_text_of(each) for each in self._later]
        for running in self._running:
            texts += (word for call in running.calls for word in call.words)
        found = {word for text in texts for word in _WORD.findall(text)}
        return frozenset(found.union(*(each.programs for each in self._running)))

    @cached_property
    def unknown(self) -> str | None:
        """Says what may start programs that are not named; None where nothing does."""
        if len(self._later) >= MOST_RUNS:
            return "the file goes on for long"
        for each in self._later:
            call = each.call if isinstance(each, CommandEffects) else None
            call = unwrapped(call) if call is not None else None
            if call is None or call.program not in _PLAIN:
                return f"`{short(_text_of(each))}` may use it"
        for running in self._running:
            if running.opaque is not None:
                return running.opaque
            if not running.is_set:
                return "the file does not say what a container runs"
        return None

    def _taken(self) -> Obstacle | None:
        for other in self.seen.stages.stages:
            for step in other.steps:
                sources = (each for each in step.depends_on if self.stage in chain(each))
                if any(True for _ in sources) and any(map(_is_of_packages, taken(step))):
                    line = step.instruction.line
                    return Obstacle(
                        "recommended-may-be-used",
                        f"Line {line} takes files of packages, and which ones is not known.",
                        f"Add {FLAG} where you know what it takes.",
                    )
        return None

    def _found(
        self, names: tuple[str, ...], lost: dict[str, frozenset[str]], edit: Edit
    ) -> Recommended:
        release, table, there = self._packages[0]
        alone = (table.closure(names) or frozenset()) - table.minimal - there
        with_them = with_recommended(table, release, names, there)
        unknown = [name for name in with_them if name not in table]
        return Recommended(
            self.command,
            edit,
            tuple(each for each, _, _ in self.image.packages),
            tuple(sorted(name for name in lost if lost[name])),
            tuple(sorted(name for name in lost if not lost[name])),
            tuple(sorted(unknown)),
            (len(with_them), len(alone)),
            None if unknown else (table.size(with_them), table.size(alone)),
        )


def _without_settings(words: Sequence[str]) -> list[str]:
    """Returns the words without ``-o NAME=VALUE``: none of these chooses packages, but for what
    `_SETTING` finds."""
    settings = {n for n, word in enumerate(words) if word in ("-o", "--option")}
    return [word for n, word in enumerate(words) if n not in settings and n - 1 not in settings]


_WORD: Final = re.compile(r"[\w.+-]+")


def _text_of(each: CommandEffects | Effects) -> str:
    return each.text if isinstance(each, CommandEffects) else each.step.instruction.arguments


def _is_of_packages(path: str) -> bool:
    return any(is_below(path, folder) or is_below(folder, path) for folder in _SYSTEM)
