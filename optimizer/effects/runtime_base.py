"""Which smaller image a stage could start from, and what it would have to bring then."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from posixpath import basename
from typing import Final, Protocol

from optimizer.comments import needs
from optimizer.context.tree import BuildContext, ContextFile
from optimizer.effects.authorities import AUTHORITIES, copied_list, may_look_for_authorities
from optimizer.effects.brought import Brought, Here, brought
from optimizer.effects.commands import short
from optimizer.effects.copies import READ_LIMIT, StageFiles, is_below
from optimizer.effects.own_runs import OwnRuns, check_runs
from optimizer.effects.taken import chain
from optimizer.effects.version import Version
from optimizer.knowledge.distribution.packages import (
    needs_of,
    provider,
    releases_of,
    runtime_packages,
)
from optimizer.knowledge.images import DEFAULT_PATH, base_image
from optimizer.knowledge.installs import HOLE, Call, Obstacle
from optimizer.knowledge.jvm.started import SOURCES, may_use_the_jdk
from optimizer.knowledge.official import Place, place_of
from optimizer.knowledge.released import Release
from optimizer.knowledge.running import Running
from optimizer.knowledge.twins import Twin, twins
from optimizer.model.stages import ImageBase, Stage, StageBase, Stages, Step


@dataclass(frozen=True, slots=True)
class RuntimeBase:
    """What a stage can start from instead of its image.

    ``image`` is the reference as it belongs behind FROM, registry and mirror kept. ``packages``
    are packages of the distribution that have to be installed in it, ``lists`` the stage whose list
    of authorities is copied in their place (`optimizer.effects.authorities`). ``settings`` are
    instructions (``WORKDIR /go``) that say again what only the larger image set. ``assumes`` are
    sentences for the reviewer. ``stage`` is the one whose FROM names the image: the stage that was
    asked about, or the one that it is built on.
    """

    image: str
    twin: Twin
    stage: Stage
    packages: tuple[str, ...] = ()
    lists: str | None = None
    settings: tuple[str, ...] = ()
    assumes: tuple[str, ...] = ()


class Seen(Version, Protocol):
    """What of a view is asked; `optimizer.view.View` is one."""

    @property
    def files_above(self) -> Callable[[Step], StageFiles]: ...

    @property
    def files_at_end(self) -> Callable[[Stage], StageFiles]: ...

    @property
    def running(self) -> Callable[[Stage], Running]: ...

    @property
    def shown_needed(self) -> tuple[str, ...]: ...

    @property
    def context(self) -> BuildContext: ...


def runtime_twin(seen: Seen, stage: Stage) -> RuntimeBase | Obstacle | None:
    """Returns the smallest image that ``stage`` can start from: same family, same release, and
    nothing that runs in it or is built in it lacks anything.

    An `Obstacle` where its image has a smaller twin and something stands in the way; None where
    there is none.
    """
    found = _twins_of(stage)
    if not isinstance(found, _Twins):
        return found
    others = _also_built_on(seen.stages, stage)
    if others is not None:
        return _shared(others, found)
    held: Obstacle | None = None
    question = _Question(seen, stage, found)
    for twin in reversed(found.twins):
        answer = question.answer(twin)
        if isinstance(answer, RuntimeBase):
            return answer
        held = answer
    return held


@dataclass(frozen=True, slots=True)
class _Twins:
    """The image that a stage starts from in the end, and its twins, the smallest last."""

    base: ImageBase
    place: Place
    tag: str
    twins: tuple[Twin, ...]

    @property
    def releases(self) -> tuple[Release, ...]:
        return releases_of(self.place.name, self.tag)


def _twins_of(stage: Stage) -> _Twins | Obstacle | None:
    base = [*chain(stage)][-1].base
    if not isinstance(base, ImageBase):
        return None
    reference = base.reference
    if reference.tag is None and reference.digest is not None:
        return None
    tag = reference.tag or "latest"
    bare = base.text.partition("@")[0].removesuffix(f":{tag}")
    place = place_of(bare, reference.familiar)
    if place is None:
        return _unknown_mirror(base, reference.familiar.rpartition("/")[2], tag)
    found = twins(place.name, tag)
    if place.prefix:
        # A name with a registry of its own does not lie in a copy of Docker Hub.
        found = tuple(twin for twin in found if "." not in twin.name.split("/")[0])
    if not found:
        return None
    if reference.digest is not None:
        return Obstacle(
            "pinned-by-digest",
            f"{base.text} is pinned by its digest, and that of {found[-1].name}:{found[-1].tag} "
            "is not known here.",
            f"Write {place.prefix}{found[-1].name}:{found[-1].tag} with its own digest "
            "(`docker buildx imagetools inspect` prints it).",
        )
    return _Twins(base, place, tag, found)


def _unknown_mirror(base: ImageBase, name: str, tag: str) -> Obstacle | None:
    """An image that is called like an official one, in a registry of somebody's."""
    if not twins(name, tag):
        return None
    return Obstacle(
        "unknown-mirror",
        f"Whether the registry of {base.text} holds a smaller image of the same release is not "
        "known.",
        "Look for the slim tag there, and write it in the FROM yourself.",
    )


def _also_built_on(stages: Stages, stage: Stage) -> Stage | None:
    """Returns another stage that starts from one that ``stage`` is built on, None for none."""
    own = [*chain(stage)]
    for other in stages.stages:
        if isinstance(other.base, StageBase) and other.base.stage in own[1:] and other not in own:
            return other
    return None


def _shared(other: Stage, found: _Twins) -> Obstacle:
    called = other.name or f"stage {other.index}"
    return Obstacle(
        "shared-base",
        f"The stage that {found.base.text} is named in is also what {called} is built on.",
        "Let the final stage start from a FROM of its own.",
    )


_TKINTER: Final = re.compile(rb"^[ \t]*(?:import|from)[ \t]+(?:tkinter|Tkinter|turtle)\b", re.M)

_LOADS: Final = re.compile(
    rb"\b(?:(?:C|Py)DLL|LoadLibrary|find_library|dlopen)\s*\(\s*"
    rb"""(?:None\b|r?(["'])(?P<name>.*?)\1|(?P<other>))"""
)
"""What loads a library by its name (Python's library reference, ctypes; cffi's docs, dlopen)."""

_OWN: Final = re.compile(
    rb"\.{0,2}/(?!usr/|lib).*|(?:lib)?(?:c|m|dl|rt|pthread|util)(?:\.so(?:\.\d)?)?|.*\.(?:dll|dylib)"
)
"""Libraries of the project, by a path, those of the C library, which every image has, and those of
other systems."""

_SAY_NEEDS: Final = (
    "Say above the FROM which packages a container needs: `# dockopt: needs=PACKAGE,...`, or "
    "`# dockopt: needs=` for none."
)
"""What unblocks a stage of which it is not known what it needs."""

MOST_SOURCES: Final = 5000
"""Python files that are searched for modules of the language that want more libraries."""
MOST_FILES: Final = 20_000
"""Files of the context, at most, among which the sources of a Java program are looked for."""

_TLS: Final = frozenset(
    ("aria2", "aria2c", "curl", "git", "hg", "lftp", "mercurial", "php", "ruby", "subversion",
     "svn", "wget")
)  # fmt: skip
"""Programs, and packages of that name, that look for certificates in /etc/ssl/certs; their packages
only recommend ca-certificates (Debian's control files)."""


class _Held(Exception):
    """Something stands in the way of a twin; ``args[0]`` is the `Obstacle`."""


@dataclass
class _Question:
    """Whether one stage can start from a twin of its image."""

    seen: Seen
    stage: Stage
    found: _Twins

    def answer(self, twin: Twin) -> RuntimeBase | Obstacle:
        try:
            return self._base(twin)
        except _Held as held:
            obstacle: Obstacle = held.args[0]
            return obstacle

    def _base(self, twin: Twin) -> RuntimeBase:
        self._check_shell(twin)
        runs = self._runs(twin)
        installed = runs.installed
        self._check_start(twin)
        self._check_accounts(twin)
        needed = dict.fromkeys(
            (
                *runs.wanted,
                *self._of_what_runs(twin, installed),
                *self._of_what_lies_there(twin),
                *self._of_imports(twin),
                *(self.said or ()),
                *self.seen.shown_needed,
            )
        )
        if self._speaks_tls(installed) and "ca-certificates" in twin.lacks:
            needed.setdefault("ca-certificates")
        lists = None
        if self._looks_things_up(twin, needed, installed):
            lists = self._copied_list(twin, needed, installed)
            needed.update(dict.fromkeys(() if lists is not None else twin.brings))
        packages = tuple(sorted(name for name in needed if name not in installed))
        self._check_packages(twin, packages)
        return RuntimeBase(
            image=f"{self.found.place.prefix}{twin.name}:{twin.tag}",
            twin=twin,
            stage=self.root,
            packages=packages,
            lists=lists,
            settings=tuple(self._settings(twin)),
            assumes=(*self._assumes(twin), *_of_lists(lists)),
        )

    def _looks_things_up(
        self, twin: Twin, needed: Collection[str], installed: Collection[str]
    ) -> bool:
        """Whether what runs may need the files of ``twin.brings``: unless it is nothing but
        programs of which it is known that they look for none."""
        if twin.brings != _LIST_ALONE or needed or installed or self.running.opaque is not None:
            return bool(twin.brings)
        return may_look_for_authorities(self.seen, self.stage, self.brought)

    def _copied_list(
        self, twin: Twin, needed: Collection[str], installed: Collection[str]
    ) -> str | None:
        """Returns the stage to copy the certificates from where nothing else is to be added."""
        if twin.brings != _LIST_ALONE or needed or installed or self.running.opaque is not None:
            return None
        return copied_list(self.seen, self.stage, self.brought)

    @cached_property
    def root(self) -> Stage:
        return [*chain(self.stage)][-1]

    @cached_property
    def running(self) -> Running:
        return self.seen.running(self.stage)

    @cached_property
    def brought(self) -> Brought:
        return brought(self.seen, self.stage)

    @cached_property
    def said(self) -> tuple[str, ...] | None:
        """The packages that the author says are needed, None where nothing is said."""
        for each in chain(self.stage):
            found = needs(self.seen.dockerfile, each.instruction)
            if found is not None:
                return found
        return None

    def _runs(self, twin: Twin) -> OwnRuns:
        checked = check_runs(self.seen, self.stage, twin, self.found.releases, self.said)
        if isinstance(checked, Obstacle):
            raise _Held(checked)
        return checked

    def _check_shell(self, twin: Twin) -> None:
        if twin.has_shell:
            return
        steps = [step for each in chain(self.stage) for step in each.steps]
        brought = {basename(path) for step in steps for path in _put(step)}
        others = self.running.programs - brought
        if any(map(_wants_shell, steps)) or self.running.needs_shell or others:
            raise _Held(
                Obstacle(
                    "needs-a-shell",
                    f"{twin.name} has no shell, and this stage or what it starts needs one.",
                    "Write ENTRYPOINT, CMD and HEALTHCHECK as lists of words.",
                )
            )

    def _check_accounts(self, twin: Twin) -> None:
        for step in (step for each in chain(self.stage) for step in each.steps):
            named = set(_names_of_accounts(step)) & twin.accounts
            if named:
                raise _Held(
                    Obstacle(
                        "account-not-in-twin",
                        f"Line {step.instruction.line} names {min(named)}, an account that "
                        f"{self.found.base.text} has and {twin.name}:{twin.tag} has not.",
                        "Use a number, or make the account in this stage.",
                    )
                )

    def _check_start(self, twin: Twin) -> None:
        """What the twin starts must be all that a container does."""
        if twin.starts == "all":
            return
        if not self.running.is_set:
            raise _Held(
                Obstacle(
                    "starts-what-the-image-starts",
                    f"The file sets neither ENTRYPOINT nor CMD, and {twin.name} starts something "
                    f"else than {self.found.place.name}.",
                    "Say with CMD what a container starts.",
                )
            )
        if twin.starts == "dotnet":
            self._check_dotnet(twin)
        if twin.starts in ("machine code", "libc", "static"):
            self._check_machine_code(twin)

    def _check_dotnet(self, twin: Twin) -> None:
        for call in self.running.calls:
            if call.program == "dotnet" and not _starts_an_assembly(call):
                raise _Held(
                    _lacks_program(f"dotnet {' '.join(call.words[1:2])}", twin, "a container runs")
                )
        frameworks = {each.framework for each in self.brought.products if each.framework}
        if twin.name.endswith("/runtime") and frameworks != {"runtime"}:
            raise _Held(
                Obstacle(
                    "needs-the-web-framework",
                    "That no program wants the framework for web servers is not shown.",
                    "Nothing: the image with the framework is right.",
                )
            )

    def _check_archives(self, twin: Twin) -> None:
        """Holds where a program comes ready made from the build context, and its sources, which
        would say what it uses of the JDK, are not there or say that it uses some."""
        steps = (step for each in chain(self.stage) for step in each.steps)
        brought = next((found for step in steps for found in _archives(step)), None)
        if brought is None:
            return
        context = self.seen.context
        files = [*islice(context.files(), MOST_FILES)]
        sources = [each for each in files if each.path.endswith(SOURCES)]
        why = None if sources else f"the build context has no source of {brought}"
        if len(files) == MOST_FILES:
            why = "the build context has more files than are looked at"
        for each in sources if why is None else ():
            if each.size > READ_LIMIT or may_use_the_jdk(context.read_bytes(each.path)):
                why = f"{each.path} may use them"
                break
        if why is not None:
            lacks = f"A container may use tools of the JDK that {twin.name}:{twin.tag} lacks"
            raise _Held(Obstacle("runs-unknown-programs", f"{lacks}: {why}.", _SAY_NEEDS))

    def _check_machine_code(self, twin: Twin) -> None:
        code = [each for each in self.brought.found if each.linking is not None]
        if not code:
            raise _Held(_not_static("What runs here is built by no step that is known, and", twin))
        for each in code:
            if each.linking == "static" or (twin.starts != "static" and each.needs_libc_alone):
                continue
            is_known = each.builds_on is not None or self.said is not None
            if twin.starts != "machine code" or not is_known:
                raise _Held(_not_static(f"What line {each.step.instruction.line} builds", twin))

    def _of_what_runs(self, twin: Twin, installed: frozenset[str]) -> Iterator[str]:
        """Yields the packages of the programs that a container runs and the twin lacks."""
        if self.running.opaque is not None and self.said is None:
            raise _Held(
                Obstacle(
                    "runs-unknown-programs",
                    f"A container may start programs that {twin.name}:{twin.tag} lacks: "
                    f"{self.running.opaque}.",
                    _SAY_NEEDS,
                )
            )
        for program in sorted(self.running.programs):
            if not twin.lacks_program(program):
                continue
            package = provider(program, self.found.releases)
            if package is None or not _adds_packages(twin, self.found.releases):
                raise _Held(_lacks_program(program, twin, "a container runs"))
            if package not in installed:
                yield package
        if twin.starts == "java" and self.said is None:
            self._check_archives(twin)

    def _of_what_lies_there(self, twin: Twin) -> Iterator[str]:
        """Yields the packages that installed packages and machine code need."""
        if twin.starts in ("java", "dotnet") or not (twin.lacks or not twin.are_lacks_known):
            return
        unknown = next(iter(self.brought.unknown), None)
        if unknown is not None and self.said is None:
            raise _Held(self._not_known(unknown.what, unknown.step))
        for each in self.brought.found:
            yield from self._needed_by(each, twin)

    def _of_imports(self, twin: Twin) -> Iterator[str]:
        """Yields what stands behind a module of Python's own that the slim image has without its
        libraries (docker-library/python, Dockerfile-linux.template: ``*_tkinter*``). Holds where
        the code loads a library by its name: which package has it is not known."""
        if twin.name != "python":
            return
        copies = self.seen.files_at_end(self.stage).copies
        sources = ((copy, file) for copy in copies for _, file in copy.files())
        python = ((copy, file) for copy, file in sources if _is_python(file))
        for copy, file in islice(python, MOST_SOURCES):
            content = copy.context.read_bytes(file.path, limit=READ_LIMIT)
            loaded = next(_loaded(content), None) if self.said is None else None
            if loaded is not None:
                raise _Held(_loads(file.path, loaded))
            if _TKINTER.search(content):
                yield "tk"
                return

    def _needed_by(self, each: Here, twin: Twin) -> Iterator[str]:
        package = each.package
        if package is None:
            yield from self._linked_by(each, twin)
            return
        known = needs_of(package.ecosystem, package.name, self.found.releases)
        if known.unknown is not None:
            if not package.is_plain and self.said is None:
                raise _Held(self._not_known(f"what {package.name} needs", each.step))
            return
        yield from self._lacking(known.packages, twin)
        if known.compiled == () or package.is_plain:
            return
        if not self._takes_wheels(each):
            if known.compiled is None:
                raise _Held(self._not_known(f"what {package.name} needs", each.step))
            yield from self._lacking(known.compiled, twin)

    def _lacking(self, packages: Iterable[str], twin: Twin) -> Iterator[str]:
        for name in packages:
            if name in twin.lacks or not twin.are_lacks_known:
                yield name

    def _takes_wheels(self, each: Here) -> bool:
        """Whether pip takes what was built for manylinux, which there is for CPython alone and not
        on every machine (PEP 599, PEP 600)."""
        texts = (each.command.text, str(each.step.state.env.get("PIP_NO_BINARY", "")))
        on_odd_machine = self.root.platform is not None and not re.search(
            "amd64|arm64", str(self.root.platform)
        )
        return (
            "no-binary" not in texts[0]
            and not texts[1]
            and self.found.place.name != "pypy"
            and not on_odd_machine
        )

    def _taken_as_wheels(self, twin: Twin) -> Iterator[str]:
        """Yields the packages that would need more if they were compiled on the spot."""
        if twin.starts in ("java", "dotnet"):
            return
        for each in self.brought.found:
            package = each.package
            if package is not None and not package.is_plain and self._takes_wheels(each):
                known = needs_of(package.ecosystem, package.name, self.found.releases)
                if known.unknown is None and known.compiled != ():
                    yield package.name

    def _linked_by(self, each: Here, twin: Twin) -> Iterator[str]:
        """Yields what stands behind the development packages that machine code may link."""
        if each.linking == "static":
            return
        for name in each.builds_on or ():
            found = runtime_packages(name, self.found.releases)
            if found is None:
                raise _Held(self._not_known(f"what stands behind {name}", each.step))
            yield from found
        if each.builds_on is None and self.said is None:
            what = f"what machine code of `{short(each.command.text)}` links"
            raise _Held(self._not_known(what, each.step))

    def _not_known(self, what: str, step: Step) -> Obstacle:
        return Obstacle(
            "runtime-needs-not-known",
            f"It is not known {what} of the libraries and programs of {self.found.base.text} "
            f"(line {step.instruction.line})."
            if not what.startswith("what ")
            else f"{what[0].upper()}{what[1:]} of the distribution is not known "
            f"(line {step.instruction.line}).",
            _SAY_NEEDS,
        )

    def _speaks_tls(self, installed: frozenset[str]) -> bool:
        return bool(_TLS & (self.running.programs | installed))

    def _check_packages(self, twin: Twin, packages: tuple[str, ...]) -> None:
        if not packages or _adds_packages(twin, self.found.releases):
            return
        archived = next((each.name for each in self.found.releases if each.name in _ARCHIVED), None)
        why = f"{archived} has left Debian's mirrors" if archived else "it has no package manager"
        raise _Held(
            Obstacle(
                "packages-cannot-be-added",
                f"{twin.name}:{twin.tag} lacks {', '.join(packages)}, and {why}.",
                "Start from a release that is still kept up.",
            )
        )

    def _settings(self, twin: Twin) -> Iterator[str]:
        """Yields what only the larger image set and this stage stands on."""
        is_web = not twin.name.endswith("/runtime")
        for name, value in twin.variables.items() if is_web else ():
            if name not in self._file_sets() and not self._chooses_addresses():
                yield f"ENV {name}={value}"
        if twin.name == self.found.place.name:
            return
        old = base_image(self.found.place.name, self.found.tag)
        new = base_image(twin.name, twin.tag)
        if old is None:
            return
        kept = new.env if new is not None else {"PATH": DEFAULT_PATH}
        for name, value in old.env.items():
            if kept.get(name) != value and self._stands_on(name, value):
                yield f"ENV {name}={value}"
        if (new.workdir if new is not None else "/") != old.workdir and self._stands_on_workdir():
            yield f"WORKDIR {old.workdir}"

    def _file_sets(self) -> frozenset[str]:
        return frozenset(
            pair.name.value
            for each in chain(self.stage)
            for step in each.steps
            if step.instruction.keyword == "ENV"
            for pair in step.instruction.pairs
        )

    def _chooses_addresses(self) -> bool:
        words = [word for call in self.running.calls for word in call.words]
        return bool(
            {"ASPNETCORE_URLS", "ASPNETCORE_HTTP_PORTS", "ASPNETCORE_HTTPS_PORTS", "URLS"}
            & self._file_sets()
        ) or any(word.startswith("--urls") for word in words)

    def _stands_on(self, name: str, value: str) -> bool:
        """Whether the file names the variable, or puts something where only this PATH leads."""
        texts = [
            self.seen.dockerfile.text(step.instruction.code)
            for each in chain(self.stage)
            for step in each.steps
        ]
        if name != "PATH":
            return any(re.search(rf"\$\{{?{name}\b", text) for text in texts)
        folders = set(value.split(":")) - set(DEFAULT_PATH.split(":"))
        return any(folder in text for folder in folders for text in texts) or any(
            is_below(path, folder) or (path in self._copied and is_below(folder, path))
            for folder in folders
            for path in self._written
        )

    @cached_property
    def _written(self) -> tuple[str, ...]:
        """Where the steps of the stage put something."""
        steps = [step for each in chain(self.stage) for step in each.steps]
        writes = (self.seen.effects(step).writes for step in steps)
        return tuple(path for each in writes for path in each.prefixes)

    @cached_property
    def _copied(self) -> frozenset[str]:
        """Where COPY and ADD put something: a RUN that writes somewhere below /usr or /usr/local
        is not meant to write where the toolchain lies."""
        steps = [step for each in chain(self.stage) for step in each.steps]
        copies = (step for step in steps if step.instruction.keyword in ("ADD", "COPY"))
        return frozenset(
            path for step in copies for path in self.seen.effects(step).writes.prefixes
        )

    def _stands_on_workdir(self) -> bool:
        """Whether any instruction finds the working directory of the image."""
        steps = [step for each in reversed([*chain(self.stage)]) for step in each.steps]
        for step in steps:
            instruction = step.instruction
            if instruction.keyword == "WORKDIR":
                return not instruction.arguments.startswith("/")
            if (instruction.keyword == "RUN" and not self._works_anywhere(step)) or (
                instruction.keyword in ("ADD", "COPY")
                and not instruction.words[-1].value.startswith("/")
            ):
                return True
        return True

    def _works_anywhere(self, step: Step) -> bool:
        """Tells whether a RUN does nothing but install packages by their names, and tidy up."""
        calls = [command.call for command in self.seen.effects(step).commands]
        return bool(calls) and all(call is not None and _is_anywhere(call) for call in calls)

    def _assumes(self, twin: Twin) -> Iterator[str]:
        wheels = tuple(dict.fromkeys(self._taken_as_wheels(twin)))
        if wheels:
            yield f"There are wheels of {', '.join(wheels)} for this version of Python."
        if self.said is not None:
            yield "A container needs no other packages than those of the comment above FROM."
        if twin.starts == "java":
            yield "Nothing that runs uses the compiler or the tools of the JDK (`javax.tools`)."
            if not twin.is_release_known:
                yield "The Java program uses nothing of one release of the distribution."
        if twin.starts == "static":
            yield "Nobody opens a shell in the container."


_LIST_ALONE: Final = ("ca-certificates",)


def _of_lists(stage: str | None) -> Iterator[str]:
    if stage is not None:
        yield f"The build in {stage} leaves {AUTHORITIES} as its image has it."
        yield "Of ca-certificates, what runs reads nothing but that list."


_ARCHIVED: Final = frozenset(("wheezy", "jessie", "stretch", "buster"))
"""Releases that moved to archive.debian.org, so that apt finds nothing any more
(https://www.debian.org/distrib/archive)."""


def _adds_packages(twin: Twin, releases: Iterable[Release]) -> bool:
    """Tells whether packages can be installed in ``twin``."""
    known = tuple(releases)
    if not twin.has_shell or not known or "ubi" in twin.tag or twin.name == "amazoncorretto":
        return False
    return all(each.name not in _ARCHIVED for each in known)


def _loaded(content: bytes) -> Iterator[str]:
    """Yields the names of libraries that a source loads and that may lie anywhere."""
    if b"ctypes" not in content and b"dlopen" not in content:
        return
    for match in _LOADS.finditer(content):
        name = match["name"] or b""
        if match["other"] is not None or (name and not _OWN.fullmatch(name)):
            yield name.decode("utf-8", "replace")


def _loads(path: str, library: str) -> Obstacle:
    named = f"the library {library}" if library else "a library"
    return Obstacle(
        "runtime-needs-not-known",
        f"{path} loads {named} by its name, and which package has it is not known.",
        _SAY_NEEDS,
    )


def _is_python(file: ContextFile) -> bool:
    is_named = file.path.endswith((".py", ".pyw"))
    return is_named and file.kind == "file" and file.size <= READ_LIMIT


def _put(step: Step) -> tuple[str, ...]:
    """The words of a COPY, one of which names the file that it brings, where it brings one."""
    if step.instruction.keyword not in ("ADD", "COPY"):
        return ()
    return tuple(word.value for word in step.instruction.words)


def _wants_shell(step: Step) -> bool:
    instruction = step.instruction
    if instruction.keyword == "RUN":
        return True
    named = instruction.flag("chown") if instruction.keyword in ("COPY", "ADD") else None
    return named is not None and not re.fullmatch(r"\d+(?::\d+)?", named)


def _names_of_accounts(step: Step) -> list[str]:
    """Returns the words of an instruction that may name users or groups."""
    instruction = step.instruction
    if instruction.keyword == "RUN":
        return re.findall(r"(?<![\w/.-])[\w-]+(?![\w/.-])", instruction.arguments)
    named = instruction.flag("chown") if instruction.keyword in ("COPY", "ADD") else None
    if instruction.keyword == "USER":
        named = instruction.arguments
    return (named or "").strip().split(":")


def _is_anywhere(call: Call) -> bool:
    if call.program in ("apt-get", "apt", "apk", "update-ca-certificates"):
        return not any("/" in word and not word.startswith(("-", "/")) for word in call.words[1:])
    return call.program == "rm" and all(word.startswith(("-", "/")) for word in call.words[1:])


def _starts_an_assembly(call: Call) -> bool:
    """`dotnet app.dll`, which the runtime does itself (docs of `dotnet`, "Run a command")."""
    first = next((word for word in call.words[1:] if not word.startswith("-")), "")
    return HOLE not in first and first.endswith(".dll")


def _not_static(what: str, twin: Twin) -> Obstacle:
    return Obstacle(
        "not-shown-to-be-static",
        f"{what} may need shared libraries that {twin.name}:{twin.tag} lacks.",
        "Build it statically (`CGO_ENABLED=0`, a target of musl).",
    )


def _archives(step: Step) -> Iterator[str]:
    """Yields the programs for the JVM that a step copies from the build context."""
    instruction = step.instruction
    if instruction.keyword in ("COPY", "ADD") and instruction.flag("from") is None:
        for word in instruction.words[:-1]:
            if word.value.endswith((".jar", ".war", ".ear")) and "wrapper" not in word.value:
                yield word.value


def _lacks_program(program: str, twin: Twin, who: str) -> Obstacle:
    return Obstacle(
        "program-not-in-twin",
        f"`{program}`, which {who}, is not in {twin.name}:{twin.tag}.",
        "Install it in this stage, or do without it.",
    )
