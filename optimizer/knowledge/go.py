"""Go modules: which commands download them, and what such a download reads and writes.

Sources: golang/go src/cmd/go/internal (modcmd/download.go, modload/init.go,
modload/modfile.go, modget/get.go), the "Go Modules Reference", and trials with
go 1.15 to 1.26 on a module proxy in a directory.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from optimizer.knowledge import gomod
from optimizer.knowledge.installs import Call, Files, Inputs, Install, Obstacle, Touch
from optimizer.knowledge.manifests import (
    Survey,
    ancestors,
    answer,
    hold,
    homes,
    resolve,
    unreadable,
    within,
)
from optimizer.knowledge.variables import CERTIFICATES, PROXIES

NAME = "go"

# cmd/go/internal/{modcmd,modget,work}: the flags of `go mod download`, `go mod verify`, `go get`
# and `go install` that do not change which files are read.
_BOOLEANS = frozenset(
    {"x", "v", "json", "n", "a", "u", "d", "t", "fix", "insecure", "modcacherw", "trimpath",
     "race", "w", "modcache", "cache", "testcache", "e"}
)  # fmt: skip
_VALUED = frozenset(
    {"C", "ldflags", "tags", "gcflags", "asmflags", "p", "buildvcs", "buildmode", "installsuffix"}
)
_HOMES = ("/root",)
# `go help environment`, `go help build` (cgo), `go help vcs`.
_VARIABLES = (
    "GO*", "CGO_*", "CC", "CXX", "AR", "FC", "PKG_CONFIG*", "GCCGO*", "GIT_*", "SSH_*", "XDG_*",
    "CPATH", "C_INCLUDE_PATH", "LIBRARY_PATH", *PROXIES, *CERTIFICATES,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Command:
    verb: str
    arguments: tuple[str, ...]
    options: Mapping[str, str]
    unknown: str | None


def _read_command(words: Sequence[str]) -> _Command:
    """Reads ``go mod download -x``: one dash or two, as Go's flag package does."""
    verb: list[str] = []
    arguments: list[str] = []
    options: dict[str, str] = {}
    unknown = None
    queue = list(reversed(words))
    while queue:
        word = queue.pop()
        if not word.startswith("-") or word == "-":
            complete = verb and (verb[0] != "mod" or len(verb) == 2)
            (arguments if complete else verb).append(word)
            continue
        name, equals, value = word.lstrip("-").partition("=")
        if name in _VALUED and not equals:
            value = queue.pop() if queue else ""
        elif name not in _VALUED and name not in _BOOLEANS:
            unknown = unknown or word
        options[name] = value
    return _Command(" ".join(verb), tuple(arguments), options, unknown)


def recognise(call: Call) -> Install | Touch | Obstacle | None:
    """Says what ``call`` is; see `optimizer.knowledge.installs.Ecosystem`."""
    if call.program != "go":
        return None
    command = _read_command(call.words[1:])
    title = " ".join(("go", *call.words[1:]))
    match command.verb:
        case "mod download" | "mod verify":
            return _unless_unknown(command, Install(NAME, title, call))
        case "mod tidy" | "mod vendor":
            return _reads_source(title)
        case "get" if not command.arguments or any(map(_is_local, command.arguments)):
            return _reads_source(title)
        case "get":
            return _unless_unknown(command, Install(NAME, title, call))
        case "install" if command.arguments and all("@" in a for a in command.arguments):
            written = (*_caches(call), *_bin(call))
            return _unless_unknown(command, Touch((), written, _VARIABLES, network=True))
        case "env":
            changes = command.options.keys() & {"w", "u"}
            return Touch(
                reads=_user_settings(call),
                writes=_user_settings(call) if changes else (),
                variables=_VARIABLES,
                repeatable=bool(changes),
            )
        case "clean" if not command.arguments:
            return Touch(writes=_caches(call), variables=_VARIABLES)
        case "version":
            return Touch(variables=_VARIABLES, repeatable=True)
    return None


def _unless_unknown(command: _Command, answer_: Install | Touch) -> Install | Touch | Obstacle:
    if command.unknown is None:
        return answer_
    return Obstacle(
        "unknown-install-flag",
        f"`go {command.verb}` has {command.unknown}, which may change what it reads.",
        "Leave the flag out of the download.",
    )


def _reads_source(title: str) -> Obstacle:
    return Obstacle(
        "install-reads-source",
        f"`{title}` looks at the imports in the Go sources.",
        "Commit a tidy go.mod and go.sum and use `go mod download`.",
    )


def _is_local(argument: str) -> bool:
    return argument.startswith((".", "/")) or argument in ("all", "std", "cmd", "tool")


def _paths(call: Call) -> tuple[str, ...]:
    """`go help gopath`: GOPATH, else go in the home; the official images set /go."""
    known = call.env.get("GOPATH")
    if known:
        return tuple(resolve("/", path) for path in known.split(":") if path)
    home = call.env.get("HOME")
    return ("/go", *(f"{place}/go" for place in ((home,) if home else _HOMES)))


def _caches(call: Call) -> tuple[str, ...]:
    """`go help environment`: GOMODCACHE is GOPATH/pkg/mod, GOCACHE lies in the user's caches."""
    named = [call.env[name] for name in ("GOMODCACHE", "GOCACHE") if call.env.get(name)]
    home = call.env.get("HOME")
    places = (home,) if home else _HOMES
    return (
        *(f"{path}/pkg" for path in _paths(call)),
        *(f"{place}/{part}" for place in places for part in (".cache", ".config/go")),
        *(resolve("/", path) for path in named),
    )


def _bin(call: Call) -> tuple[str, ...]:
    named = call.env.get("GOBIN")
    return (named,) if named else tuple(f"{path}/bin" for path in _paths(call))


def _user_settings(call: Call) -> tuple[str, ...]:
    named = call.env.get("GOENV")
    home = call.env.get("HOME")
    places = (home,) if home else _HOMES
    return (named,) if named else tuple(f"{place}/.config/go/env" for place in places)


def inputs(install: Install, files: Files) -> Inputs | Obstacle:
    """Returns what ``install`` reads among ``files``, or why that is not known."""
    return answer(lambda: _survey(install, Survey(files)))


def _survey(install: Install, survey: Survey) -> Inputs:
    _Download(survey, install).look()
    return survey.inputs()


@dataclass(slots=True)
class _Download:
    """One download while it is looked at."""

    survey: Survey
    install: Install
    command: _Command = field(init=False)
    directory: str = field(init=False)
    env: dict[str, str] = field(init=False)
    requires: dict[str, str] = field(init=False, default_factory=dict)
    replaces: list[tuple[str, gomod.Replacement]] = field(init=False, default_factory=list)
    sums: set[tuple[str, str]] = field(init=False, default_factory=set)

    def look(self) -> None:
        """Notes everything that the download reads and writes."""
        call = self.install.call
        self.command = _read_command(call.words[1:])
        self.directory = resolve(call.directory, self.command.options.get("C", "."))
        self.env = self._environment()
        self._flags()
        self.survey.write(*_caches(Call(call.words, call.directory, self.env)))
        work = self._work_file()
        root = next((p for p in ancestors(self.directory) if self._has(p, "go.mod")), None)
        if work is None and root is None:
            self._without_module()
            return
        if self.command.verb == "get":
            self._hold_edit(resolve(root or self.directory, "go.mod"))
        if work is not None:
            self._workspace(work)
        elif root is not None:
            self._module(root)
            self._sum_file(root)
        self._local_replacements()
        if work is None and root is not None:
            self._complete_sums(root)

    def _has(self, directory: str, name: str) -> bool:
        return self.survey.has_file(resolve(directory, name))

    def _environment(self) -> dict[str, str]:
        """`go help environment`: the user's file of settings comes below the environment."""
        call = self.install.call
        found: dict[str, str] = {}
        named = call.env.get("GOENV")
        homes_ = homes(call, self.survey.files)
        for path in [named] if named else [f"{home}/.config/go/env" for home in homes_]:
            if path != "off" and self.survey.has_file(path := resolve("/", path)):
                for line in self.survey.content(path).decode("utf-8", "replace").split("\n"):
                    name, _, value = line.partition("=")
                    found[name.strip()] = value.strip()
        for home in homes_:
            for name in (".netrc", ".gitconfig", ".config/git/config", ".git-credentials"):
                self.survey.read(f"{home}/{name}")
            if self.survey.files.kind(f"{home}/.ssh") == "dir":
                self.survey.tree(f"{home}/.ssh")
        return {**found, **call.env}

    def _flags(self) -> None:
        flags = self.env.get("GOFLAGS", "").split()
        for flag in flags:
            name, _, value = flag.lstrip("-").partition("=")
            if name in ("modfile", "overlay"):
                hold(
                    "unknown-install-flag",
                    f"GOFLAGS has {flag}, which makes Go read {value}.",
                    "Take the flag out of GOFLAGS for the download.",
                )
            if name == "mod" and value == "vendor":
                self._hold_vendor("GOFLAGS has -mod=vendor", None)
        if self.env.get("GO111MODULE") == "off":
            self._hold_gopath("GO111MODULE is off")
        for entry in re.split(r"[,|]", self.env.get("GOPROXY", "")):
            path = resolve("/", entry.removeprefix("file://"))
            if entry.startswith("file://") and self.survey.has_dir(path):
                self.survey.tree(path)
        cache = self.env.get("GOMODCACHE")
        if cache and self.survey.kind(resolve("/", cache)):
            hold(
                "installed-packages-in-context",
                f"{cache} is Go's module cache and comes with the build context.",
                "Add the directory to .dockerignore.",
                cache,
            )

    def _hold_vendor(self, why: str, path: str | None) -> None:
        hold(
            "vendored-dependencies",
            f"{why}, so the build takes the modules from there, not from the download.",
            "Take the download out of the Dockerfile, or the vendor directory out of the context.",
            path,
        )

    def _hold_gopath(self, why: str, path: str | None = None) -> None:
        hold(
            "gopath-mode",
            f"{why}, so `{self.install.title}` works on the sources below GOPATH.",
            "Add a go.mod.",
            path,
        )

    def _hold_edit(self, path: str) -> None:
        hold(
            "install-edits-manifest",
            f"`{self.install.title}` writes the modules into {path} and go.sum.",
            "Commit go.mod and go.sum with the modules, or install tools with `go install X@v1`.",
            path,
        )

    def _without_module(self) -> None:
        """`go get NAME` and `go mod download NAME@v1` work outside of a module too."""
        if not self.command.arguments:
            path = resolve(self.directory, "go.mod")
            hold(
                "manifest-outside-copy",
                f"{path} is not among the files copied from the build context.",
                "Copy go.mod from the build context before the download.",
                path,
            )
        for path in _paths(self.install.call):
            if self.survey.files.kind(f"{path}/src"):
                self._hold_gopath(f"{path}/src was copied", f"{path}/src")
            self.survey.write(f"{path}/src", f"{path}/bin")

    def _work_file(self) -> str | None:
        """modload/init.go, FindGoWork: GOWORK, else go.work here or above."""
        named = self.env.get("GOWORK", "")
        if named == "off":
            return None
        if named and named != "auto":
            return resolve(self.directory, named)
        return next(
            (
                path
                for place in ancestors(self.directory)
                if self.survey.has_file(path := resolve(place, "go.work"))
            ),
            None,
        )

    def _directives(self, path: str) -> tuple[gomod.Directive, ...]:
        try:
            text = self.survey.content(path).decode("utf-8", "surrogateescape")
            return gomod.read_directives(text)
        except gomod.GoModError as error:
            unreadable(path, str(error), error.line)

    def _workspace(self, path: str) -> None:
        """modload/init.go: the go.mod and go.sum of every module that go.work uses.

        Tried: sums that no used go.sum has go to go.work.sum.
        """
        if not self.survey.has_file(path):
            hold("manifest-outside-copy", f"GOWORK names {path}, which was not copied.",
                 "Copy go.work from the build context.", path)  # fmt: skip
        root = resolve(path, "..")
        directives = self._directives(path)
        self._note_replacements(directives, root, path)
        for directive in directives:
            if directive.verb == "use" and directive.words:
                self._module(resolve(root, directive.words[0]), path, directive.line)
                self.survey.read(resolve(root, f"{directive.words[0]}/go.sum"))
        sums = resolve(root, "go.work.sum")
        if self.survey.read(sums):
            self.survey.rewrite(sums)
            self.survey.assume(f"{sums} may get sums added that no go.sum of the workspace has.")
        self.survey.write(sums)
        self._vendor(root)

    def _module(self, root: str, named_in: str | None = None, line: int | None = None) -> None:
        path = resolve(root, "go.mod")
        if not self.survey.has_file(path):
            hold(
                "manifest-outside-copy",
                f"{named_in} uses {root}, and {path} is not among the copied files.",
                "Copy that module too, or take it out of go.work.",
                named_in,
                line,
            )
        directives = self._directives(path)
        self._vendor(root)
        self._note_replacements(directives, root, path)
        try:
            for module, version, line in gomod.requirements(directives):
                if not re.match(r"v\d+\.\d+\.\d+", version):
                    hold(
                        "install-edits-manifest",
                        f"{path} asks for {module} {version}, which Go turns into a version.",
                        "Run `go mod tidy` and commit go.mod.",
                        path,
                        line,
                    )
                self.requires[module] = version
        except gomod.GoModError as error:
            unreadable(path, str(error), error.line)
        if not any(directive.verb == "go" for directive in directives):
            self.survey.rewrite(path)
            self.survey.assume(f"{path} has no go line, and newer versions of Go add one.")

    def _note_replacements(
        self, directives: Iterable[gomod.Directive], root: str, path: str
    ) -> None:
        try:
            for replacement in gomod.replacements(tuple(directives)):
                self.replaces.append((root, replacement))
        except gomod.GoModError as error:
            unreadable(path, str(error), error.line)

    def _vendor(self, root: str) -> None:
        path = resolve(root, "vendor/modules.txt")
        if self.survey.has_file(path):
            self._hold_vendor(f"{path} was copied", path)

    def _sum_file(self, root: str) -> None:
        path = resolve(root, "go.sum")
        if not self.survey.read(path):
            self.survey.write(path)
            return
        try:
            text = self.survey.content(path).decode("utf-8", "surrogateescape")
            self.sums.update(gomod.read_sums(text))
        except gomod.GoModError as error:
            unreadable(path, str(error), error.line)

    def _local_replacements(self) -> None:
        """Tried: of a module that a directory replaces Go reads the go.mod, not go.sum or sources.

        A replacement of a module that nothing requires is not looked at; the
        replacements inside of a replaced module do not count (Go Modules
        Reference, "replace directive").
        """
        for root, replacement in self.replaces:
            if not replacement.is_local:
                continue
            path = resolve(resolve(root, replacement.new), "go.mod")
            needed = replacement.old in self.requires
            if not self.survey.read(path) and needed:
                hold(
                    "manifest-outside-copy",
                    f"{resolve(root, 'go.mod')} replaces {replacement.old} by {replacement.new}, "
                    f"and {path} is not among the copied files.",
                    "Copy that module from the build context before the download.",
                    path,
                )

    def _complete_sums(self, root: str) -> None:
        """modcmd/download.go: without arguments only hashes of go.mod files are added to go.sum.

        Tried: go 1.16.15 to 1.26 do so, and `go build` then stops at a missing
        hash; with arguments the hashes of the archives are added as well.
        """
        path = resolve(root, "go.sum")
        needed = [self._summed(module, version) for module, version in self.requires.items()]
        modules = [pair for pair in needed if pair is not None]
        if not self.survey.has_file(path):
            if modules:
                self.survey.assume(
                    f"{path} does not exist; the download writes one with the hashes of go.mod "
                    "files only, as it does today."
                )
            return
        for module, version in modules:
            if (module, f"{version}/go.mod") not in self.sums:
                self._hold_sum(path, f"the go.mod of {module} {version}")
            if self._downloads(module) and (module, version) not in self.sums:
                self._hold_sum(path, f"{module} {version}")

    def _summed(self, module: str, version: str) -> tuple[str, str] | None:
        for _, replacement in self.replaces:
            if replacement.old == module and replacement.version in (None, version):
                if replacement.is_local:
                    return None
                return replacement.new, replacement.new_version or version
        return module, version

    def _downloads(self, module: str) -> bool:
        named = [argument.partition("@")[0] for argument in self.command.arguments]
        return any(name in (module, "all") or within(module, name.rstrip("./")) for name in named)

    def _hold_sum(self, path: str, what: str) -> None:
        hold(
            "incomplete-go-sum",
            f"{path} has no hash of {what}: the download adds it, "
            "and the later copy takes it away again.",
            "Run `go mod tidy` and commit go.sum.",
            path,
        )
