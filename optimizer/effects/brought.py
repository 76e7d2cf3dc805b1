"""Which packages of a language, and which machine code, lie in a stage when it is done.

What counts is what its own steps and those of the stages it is built on install, and what a COPY
takes from other stages where something was installed or built.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

from optimizer.effects.commands import short
from optimizer.effects.copies import StageFiles, is_below
from optimizer.effects.effects import CommandEffects, Effects
from optimizer.effects.taken import chain, taken
from optimizer.knowledge.brings import LanguagePackage, brings
from optimizer.knowledge.ecosystems import unwrapped
from optimizer.knowledge.installs import HOLE, Call
from optimizer.knowledge.producers import PRODUCERS, product
from optimizer.knowledge.products import Linking, Made, Need, Product
from optimizer.knowledge.running import Running
from optimizer.knowledge.rust.native import NATIVE
from optimizer.model.stages import ImageBase, Stage, StageBase, Step
from optimizer.model.values import Known


class Seen(Protocol):
    """What of a view is asked; `optimizer.view.View` is one."""

    @property
    def effects(self) -> Callable[[Step], Effects]: ...

    @property
    def files_above(self) -> Callable[[Step], StageFiles]: ...

    @property
    def running(self) -> Callable[[Stage], Running]: ...


@dataclass(frozen=True, slots=True)
class Here:
    """One thing that a command brings: a package, or machine code. ``step`` is the RUN, ``is_own``
    says that it is one of the stage itself or of a stage it is built on. ``builds_on`` are the
    development packages of the distribution that machine code may link, None where it may link
    others. ``needs_libc_alone`` is as in `Product`. ``needs`` is what machine code may look up in
    the system, None where that is not known."""

    step: Step
    command: CommandEffects
    is_own: bool
    package: LanguagePackage | None = None
    linking: Linking | None = None
    builds_on: tuple[str, ...] | None = None
    needs_libc_alone: bool = False
    needs: frozenset[Need] | None = None


@dataclass(frozen=True, slots=True)
class Unknown:
    """A step that may bring more than can be named, and why."""

    step: Step
    what: str


@dataclass(slots=True)
class Brought:
    """What lies in a stage, each thing once, and the steps of which that is not known."""

    found: list[Here] = field(default_factory=list)
    unknown: list[Unknown] = field(default_factory=list)
    products: list[Product] = field(default_factory=list)

    @property
    def packages(self) -> tuple[LanguagePackage, ...]:
        """The packages, in the order in which they come."""
        named = (each.package for each in self.found if each.package is not None)
        return tuple(dict.fromkeys(named))

    @property
    def is_static(self) -> bool:
        """Whether all machine code is shown to need no shared library."""
        return all(each.linking in (None, "static") for each in self.found)


def brought(seen: Seen, stage: Stage) -> Brought:
    """Returns what lies in ``stage`` when it is done."""
    reading = _Reading(seen, stage)
    for each in reversed([*chain(stage)]):
        reading.stage(each, ("/",), is_own=True)
    return reading.found


MOST_STEPS = 20_000
"""Steps that are looked at for one stage; of more it is not known what lies there."""

MOST_COMMANDS = 2000
"""Commands of one stage that are asked what they leave; of more it is not known."""

DEEPEST = 100
"""Stages that take files from each other, one behind the other, as far as they are followed."""

_PLAIN_PROGRAMS = frozenset(
    ("node", "python", "python3", "php", "ruby", "java", "dotnet", "tsc", "vite", "webpack", "next",
     "nuxt", "ng", "npx", "pnpx", "bunx", "npm", "yarn", "pnpm", "bun", "rake", "rails", "bundle",
     "django-admin", "gulp", "grunt", "rollup", "esbuild", "mvn", "mvnw", "gradle", "gradlew",
     "composer", "hugo")
)  # fmt: skip
"""Programs that write code for an interpreter or pages; what they fetch on the way is installed by
commands that `brings` knows."""

_COMPILERS = frozenset(
    ("cargo", "cc", "clang", "clang++", "cmake", "g++", "gcc", "ghc", "go", "ld", "make", "meson",
     "ninja", "rustc", "stack", "swift", "zig")
)  # fmt: skip


_CARRIERS = frozenset(("cp", "install", "ln", "mv"))
"""Programs that bring files elsewhere as they are (POSIX.1-2024; coreutils' install(1))."""


@dataclass
class _Left:
    """What the commands of a stage leave, from top to bottom: ``products`` by the step and the
    place of the command in it, their ``paths``, and the ``calls``."""

    products: dict[tuple[Step, int], Product] = field(default_factory=dict)
    calls: list[Call] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)


@dataclass
class _Reading:
    """One walk through a stage and those that it takes files from."""

    seen: Seen
    asked: Stage
    found: Brought = field(default_factory=Brought)
    _asked: set[tuple[int, tuple[str, ...]]] = field(default_factory=set)
    _lefts: dict[int, _Left] = field(default_factory=dict)
    """By the number of the stage."""

    _steps: int = 0
    _depth: int = 0

    def stage(self, stage: Stage, paths: tuple[str, ...], is_own: bool) -> None:
        """Adds what the steps of ``stage`` bring below ``paths``."""
        if (stage.index, paths) in self._asked:
            return
        self._asked.add((stage.index, paths))
        self._steps += len(stage.steps)
        if stage.steps and (self._steps > MOST_STEPS or self._depth > DEEPEST):
            self.found.unknown.append(Unknown(stage.steps[0], "what the many stages leave"))
            return
        self._depth += 1
        for step in stage.steps:
            keyword = step.instruction.keyword
            if keyword == "RUN":
                self._run(step, stage, paths, is_own)
            elif keyword in ("COPY", "ADD"):
                self._copy(step, paths)
        self._depth -= 1

    def _copy(self, step: Step, paths: tuple[str, ...]) -> None:
        target = _target(step)
        if target is not None and not any(_meet(target, path) for path in paths):
            return
        self._sources(step)
        if step.instruction.keyword == "ADD" and _fetches(step):
            self.found.unknown.append(Unknown(step, "what it downloads"))

    def _sources(self, step: Step) -> None:
        """Follows what a COPY, or a mount of a RUN, takes from other stages and images."""
        named = tuple(dict.fromkeys(taken(step)))
        for source in step.sources:
            wanted = named
            if isinstance(source, StageBase):
                wanted = self._with_origins(source.stage, named)
                self._base_of(step, source.stage, wanted)
                for each in chain(source.stage):
                    self.stage(each, wanted, is_own=False)
            elif isinstance(source, ImageBase):
                are_data = all(path.startswith(_DATA) for path in wanted)
                if not _brings_its_own(source) and not are_data:
                    self.found.unknown.append(Unknown(step, f"what {source.text} brings"))
            else:
                self.found.unknown.append(Unknown(step, "what it copies"))

    def _with_origins(self, stage: Stage, paths: tuple[str, ...]) -> tuple[str, ...]:
        """Adds to ``paths`` where commands of ``stage`` carried them from (`cp`, `mv`)."""
        found = dict.fromkeys(paths)
        for step in reversed([*runs_of(stage)]):
            for command in reversed(self.seen.effects(step).commands):
                call = unwrapped(command.call) if command.call is not None else None
                if call is None or call.program not in _CARRIERS:
                    continue
                self._steps += len(found)
                if self._steps > MOST_STEPS:
                    return tuple(found)
                if _writes_below(command, found):
                    found.update(dict.fromkeys(command.reads.prefixes))
        return tuple(found)

    def _base_of(self, step: Step, stage: Stage, paths: tuple[str, ...]) -> None:
        """Notes a copy of what no step of ``stage`` made, so that its image has it."""
        base = _image_of(stage)
        if base is None or _brings_its_own(base):
            return
        self._steps += len(paths) * sum(len(each.steps) for each in chain(stage))
        if self._steps > MOST_STEPS:
            self.found.unknown.append(Unknown(step, "what the many steps leave"))
            return
        for path in paths:
            if not path.startswith(_DATA) and not self._is_made(stage, path):
                self.found.unknown.append(Unknown(step, f"what {path} of {base.text} links"))
                return

    def _is_made(self, stage: Stage, path: str) -> bool:
        for step in (step for each in chain(stage) for step in each.steps):
            target = _target(step) if step.instruction.keyword in ("COPY", "ADD") else None
            if target is not None and _meet(target, path):
                return True
            if step.instruction.keyword == "RUN":
                effects = self.seen.effects(step)
                if effects.obstacle is not None or effects.writes.opaque is not None:
                    return True
                if any(_meet(prefix, path) for prefix in effects.writes.prefixes):
                    return True
        return False

    def _run(self, step: Step, stage: Stage, paths: tuple[str, ...], is_own: bool) -> None:
        self._sources(step)
        effects = self.seen.effects(step)
        if not effects.commands and effects.obstacle is not None:
            self.found.unknown.append(Unknown(step, "what it leaves"))
        left = self._left(stage).products
        for index, command in enumerate(effects.commands):
            self._command(step, stage, command, paths, is_own, left.get((step, index)))

    def _command(
        self,
        step: Step,
        stage: Stage,
        command: CommandEffects,
        paths: tuple[str, ...],
        own: bool,
        made: Product | None,
    ) -> None:
        call = unwrapped(command.call) if command.call is not None else None
        if call is None:
            if command.obstacle is not None and _may_write(command, paths):
                self.found.unknown.append(Unknown(step, f"what `{short(command.text)}` leaves"))
            return
        if made is not None:
            self.found.products.append(made)
            if made.taken_from:
                return
        left = (*made.keeps, *made.drops) if made is not None else ()
        if left and not any(_meet(each, path) for each in left for path in paths):
            return
        installed = brings(call, lambda: self.seen.files_above(step))
        if installed is not None:
            if made is None and not _may_write(command, paths):
                return
            if installed.unknown is not None:
                self.found.unknown.append(
                    Unknown(step, f"what `{short(command.text)}` installs ({installed.unknown})")
                )
            for package in installed.packages:
                self.found.found.append(Here(step, command, own, package=package))
        elif made is not None and (made.interpreter is not None or not made.keeps):
            return
        elif made is not None or call.program in _COMPILERS:
            linking = made.linking if made is not None else _linking(call)
            libraries = self._builds_on(call, stage, made)
            alone = made is not None and made.needs_libc_alone
            self.found.found.append(
                Here(
                    step,
                    command,
                    own,
                    linking=linking,
                    builds_on=() if alone else libraries,
                    needs_libc_alone=alone,
                    needs=made.needs if made is not None else None,
                )
            )
        elif (
            command.obstacle is not None
            and call.program not in _PLAIN_PROGRAMS
            and _may_write(command, paths)
        ):
            self.found.unknown.append(Unknown(step, f"what `{short(command.text)}` leaves"))

    def _left(self, stage: Stage) -> _Left:
        """Returns what the commands of ``stage`` leave, and of those that it is built on."""
        left = _Left()
        for each in reversed([*chain(stage)]):
            if each.index not in self._lefts:
                self._lefts[each.index] = self._read(each, left)
            left = self._lefts[each.index]
        return left

    def _read(self, stage: Stage, above: _Left) -> _Left:
        """Returns what ``above`` has and what the commands of ``stage`` itself leave."""
        left = _Left({**above.products}, [*above.calls], [*above.paths])
        for step in (each for each in stage.steps if each.instruction.keyword == "RUN"):
            for index, command in enumerate(self.seen.effects(step).commands):
                call = unwrapped(command.call) if command.call is not None else None
                if call is None or not call.words:
                    continue
                if len(left.calls) == MOST_COMMANDS:
                    self.found.unknown.append(Unknown(step, "what the many commands leave"))
                    return left
                answer = self._product(call, stage, step, left)
                left.calls.append(call)
                if answer is not None:
                    left.products[step, index] = answer
                    left.paths += answer.keeps
        return left

    def _product(self, call: Call, stage: Stage, step: Step, left: _Left) -> Product | None:
        if not any(programs.fullmatch(call.program) for programs in PRODUCERS.values()):
            return None
        base = _image_of(stage)
        image = (base.reference.familiar, base.reference.tag or "latest") if base else None
        state = Made(
            image,
            self.seen.files_above(step),
            self.seen.running(self.asked),
            tuple(left.paths),
            before=tuple(left.calls),
            products=tuple(left.products.values()),
        )
        answer = product(call, state)
        return answer if isinstance(answer, Product) else None

    def _builds_on(self, call: Call, stage: Stage, made: Product | None) -> tuple[str, ...] | None:
        """Returns the development packages that machine code of ``call`` may link, None where that
        is not known: where the image brings some, or where commands may have installed more."""
        base = _image_of(stage)
        if base is None or call.program not in ("go", "cargo"):
            return None
        if any("linkshared" in word or "buildmode" in word for word in call.words):
            return None
        named = tuple(self._development_packages(stage))
        if None in named:
            return None
        installed = tuple(name for name in named if name is not None)
        if call.program == "go":
            return installed if _brings_no_headers(base) else None
        crates = _of_crates(made.packages if made is not None else ())
        return None if crates is None else (*installed, *crates)

    def _development_packages(self, stage: Stage) -> Iterator[str | None]:
        """Yields what the RUNs of ``stage`` install of the distribution to link with; None for a
        command that may install other libraries."""
        for step in runs_of(stage):
            effects = self.seen.effects(step)
            if effects.obstacle is not None and not effects.commands:
                yield None
            for command in effects.commands:
                call = unwrapped(command.call) if command.call is not None else None
                if call is None or (call.program in _INSTALL_LIBRARIES):
                    yield None
                    continue
                yield from (name for name in installs(call) if name.endswith("-dev"))


def _linking(call: Call) -> Linking:
    """What is known without more: Go links nothing dynamically without cgo (`go help environment`,
    CGO_ENABLED), Rust nothing for a target of musl (rustc's docs, "Static and dynamic C
    runtimes")."""
    if call.program == "go" and call.env.get("CGO_ENABLED") == "0":
        return "static"
    if call.program in ("cargo", "rustc") and any("-musl" in word for word in call.words):
        return "static"
    return "dynamic" if call.program in ("go", "cargo", "rustc") else "unknown"


_INSTALL_LIBRARIES = frozenset(("cmake", "dpkg", "ldconfig", "make", "meson", "ninja", "pkexec"))
"""Programs that may put libraries among those of the system."""

_WITHOUT_HEADERS = frozenset(("golang", "debian", "ubuntu", "alpine"))
"""Images that have no headers of any library but the C library (docker-library/golang,
Dockerfile-linux.template: ``buildpack-deps:scm`` and a compiler)."""


def _brings_no_headers(base: ImageBase) -> bool:
    name = base.reference.familiar.rpartition("/")[2]
    return name in _WITHOUT_HEADERS or "slim" in (base.reference.tag or "")


_PLAIN_SYS = frozenset(
    ("aws-lc-fips-sys", "aws-lc-sys", "core-foundation-sys", "coreaudio-sys", "dirs-sys",
     "dirs-sys-next", "fsevent-sys", "inotify-sys", "io-kit-sys", "jemalloc-sys", "js-sys",
     "kqueue-sys", "libmdbx-sys", "libmimalloc-sys", "librocksdb-sys", "libwebp-sys",
     "linux-raw-sys", "lmdb-master-sys", "lmdb-rkv-sys", "mozjpeg-sys", "objc-sys", "onig_sys",
     "security-framework-sys", "system-configuration-sys", "tikv-jemalloc-sys", "web-sys",
     "windows-sys")
)  # fmt: skip
"""Crates whose name says that they bind something, and that compile a copy of their own of it in,
are for other systems, or bind the kernel alone (their build scripts, on docs.rs)."""


def _of_crates(names: Iterable[str]) -> tuple[str, ...] | None:
    """Returns the development packages that crates link; None where one of them may link what is
    not known. By the Cargo Book ("The links Manifest Key"), a crate that links a library of the
    system is called ``NAME-sys``."""
    listed = tuple(names)
    if not listed:
        return None
    found: list[str] = []
    for name in listed:
        if name in NATIVE:
            found += NATIVE[name]
        elif re.search(r"[-_]sys$", name) and name not in _PLAIN_SYS:
            return None
    return tuple(dict.fromkeys(found))


def _image_of(stage: Stage) -> ImageBase | None:
    base = [*chain(stage)][-1].base
    return base if isinstance(base, ImageBase) else None


_SELF_CONTAINED = {
    "ghcr.io/astral-sh/uv": "docs.astral.sh/uv, guides/integration/docker: a static binary",
    "composer": "getcomposer.org/doc/00-intro.md: one file of PHP",
    "busybox": "docker-library/busybox: linked statically",
    "ghcr.io/grpc-ecosystem/grpc-health-probe": "grpc-ecosystem/grpc-health-probe: CGO_ENABLED=0",
    "public.ecr.aws/awsguru/aws-lambda-adapter": "awslabs/aws-lambda-web-adapter: built for musl",
}
"""Images whose programs link nothing of a distribution."""


_DATA = ("/etc/", "/usr/share/", "/usr/local/share/", "/usr/local/go/lib/time/", "/var/lib/")
"""Where images have files that link nothing: settings, certificates, time zones (FHS 3.0, 3.7,
4.11, 5.8; golang/go: lib/time)."""


def _brings_its_own(source: ImageBase) -> bool:
    return source.reference.familiar in _SELF_CONTAINED


def _fetches(step: Step) -> bool:
    return any("://" in word.value for word in step.instruction.words[:-1])


def _target(step: Step) -> str | None:
    words = step.instruction.words
    written = step.state.expand(words[-1].value) if words else None
    if not isinstance(written, Known):
        return None
    resolved = step.state.resolve(written.text)
    return resolved.text.rstrip("/") or "/" if isinstance(resolved, Known) else None


def _may_write(command: CommandEffects, paths: Iterable[str]) -> bool:
    """Tells whether a command may write below ``paths``; one that is opaque may."""
    if command.obstacle is not None or command.writes.opaque is not None:
        return True
    return _writes_below(command, paths)


def _writes_below(command: CommandEffects, paths: Iterable[str]) -> bool:
    """Tells whether a command whose effects are known writes below ``paths``."""
    return any(_meet(prefix, path) for prefix in command.writes.prefixes for path in paths)


def _meet(one: str, other: str) -> bool:
    return HOLE in one or is_below(one, other) or is_below(other, one)


def installs(call: Call | None) -> Iterator[str]:
    """Yields the packages that ``apt-get install`` or ``apk add`` names."""
    if call is None or call.program not in ("apt-get", "apt", "aptitude", "apk"):
        return
    words = [word for word in call.words[1:] if not word.startswith("-") and HOLE not in word]
    if words[:1] == ["add" if call.program == "apk" else "install"]:
        yield from (re.split(r"[=<>~:/]", word)[0] for word in words[1:])


def runs_of(stage: Stage) -> Iterator[Step]:
    """Yields the RUNs of ``stage`` and of those that it is built on, in their order."""
    for each in reversed([*chain(stage)]):
        yield from (step for step in each.steps if step.instruction.keyword == "RUN")
