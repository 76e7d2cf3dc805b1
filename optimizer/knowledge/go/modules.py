"""Go modules: which commands download them, and what such a download reads and writes.

Sources: golang/go src/cmd/go/internal (modcmd/download.go, modload/init.go,
modload/modfile.go, modget/get.go), the "Go Modules Reference", and trials with
go 1.15 to 1.26 on a module proxy in a directory.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from optimizer.knowledge.go import gomod
from optimizer.knowledge.installs import (
    HOLE,
    Call,
    DownloadCache,
    Files,
    Inputs,
    Install,
    Obstacle,
    Touch,
)
from optimizer.knowledge.manifests import (
    Held,
    Survey,
    ancestors,
    answer,
    hold,
    homes,
    resolve,
    unreadable,
    within,
)
from optimizer.knowledge.variables import CERTIFICATES, PROXIES, matches

NAME = "go"

# cmd/go/internal/{modcmd,modget,work,test}: the flags of `go mod download`, `go mod verify`,
# `go get` and of the builds that do not change which manifests are read.
_BOOLEANS = frozenset(
    {"x", "v", "json", "n", "a", "u", "d", "t", "fix", "insecure", "modcacherw", "trimpath",
     "race", "w", "modcache", "cache", "testcache", "e"}
)  # fmt: skip
_VALUED = frozenset(
    {"C", "ldflags", "tags", "gcflags", "asmflags", "p", "buildvcs", "buildmode", "installsuffix",
     "o", "pkgdir", "toolexec", "compiler", "gccgoflags", "pgo", "covermode", "coverpkg",
     "coverprofile", "exec", "vettool", "f", "bench", "benchtime", "count", "cpu", "fuzz",
     "fuzztime", "outputdir", "parallel", "run", "shuffle", "skip", "timeout"}
)  # fmt: skip
# `go help build`: flags that make Go read other manifests than go.mod, or none.
_ELSEWHERE = frozenset({"mod", "modfile", "overlay"})
# `go help build`, `go help get`, `go help list`: the commands that load packages and so need
# their modules.
_BUILDS = frozenset(
    ("build", "install", "run", "test", "vet", "generate", "list", "get", "mod tidy", "mod vendor")
)
# `go help environment`: the variables that decide where modules come from and how they are
# checked; the others say what is compiled. GOCACHE and GOBIN are not written by a download.
_DOWNLOADING = (
    "GOPROXY", "GOPRIVATE", "GONOPROXY", "GOINSECURE", "GOVCS", "GOAUTH", "GOSUMDB", "GONOSUMDB",
    "GONOSUMCHECK", "GOFLAGS", "GOENV", "GOPATH", "GOMODCACHE", "GOWORK", "GO111MODULE",
    "GOTOOLCHAIN", "GOROOT", "HOME", "PATH", "GIT_*", "SSH_*", "NETRC", *PROXIES, *CERTIFICATES,
)  # fmt: skip
_HOMES = ("/root",)
# `go help goauth`; git-config(1), FILES; git-credential-store(1); ssh(1), FILES.
_USERS = (".netrc", ".gitconfig", ".config/git/config", ".git-credentials", ".ssh")
_GIT_SETTINGS = ("/etc/gitconfig", "/etc/ssh")
_FETCHES_MORE = (
    "`go mod download` fetches every module that go.mod lists, also those that only tests need; "
    "each has to be there for it."
)
# `go help environment`, `go help build` (cgo), `go help vcs`.
_VARIABLES = (
    "GO*", "CGO_*", "CC", "CXX", "AR", "FC", "PKG_CONFIG*", "GCCGO*", "GIT_*", "SSH_*", "XDG_*",
    "CPATH", "C_INCLUDE_PATH", "LIBRARY_PATH", *PROXIES, *CERTIFICATES,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Command:
    """``go VERB [-OPTION VALUE] ARGUMENT ...``, ``verb`` being ``build`` or ``mod download``;
    ``unknown`` is the first option that no row knows."""

    verb: str
    arguments: tuple[str, ...]
    options: Mapping[str, str]
    unknown: str | None


def read_command(words: Sequence[str]) -> Command:
    """Reads ``go mod download -x``: one dash or two, as Go's flag package does."""
    verb: list[str] = []
    arguments: list[str] = []
    options: dict[str, str] = {}
    unknown = None
    queue = list(reversed(words))
    while queue:
        # What stands behind the program of `go run` belongs to the program.
        if verb == ["run"] and arguments:
            break
        word = queue.pop()
        if not word.startswith("-") or word == "-":
            complete = verb and (verb[0] != "mod" or len(verb) == 2)
            (arguments if complete else verb).append(word)
            continue
        name, equals, value = word.lstrip("-").partition("=")
        if name in _VALUED | _ELSEWHERE and not equals:
            value = queue.pop() if queue else ""
        if name not in _VALUED and name not in _BOOLEANS:
            unknown = unknown or word
        options[name] = value
    return Command(" ".join(verb), tuple(arguments), options, unknown)


def recognise(call: Call) -> Install | Touch | Obstacle | None:
    """Says what ``call`` is; see `optimizer.knowledge.installs.Ecosystem`."""
    if call.program != "go":
        return None
    command = read_command(call.words[1:])
    title = " ".join(("go", *call.words[1:]))
    match command.verb:
        case "mod download" | "mod verify":
            return _unless_unknown(command, Install(NAME, title, call))
        case "get" if not _looks_at_imports(command):
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


def _unless_unknown(command: Command, answer_: Install | Touch) -> Install | Touch | Obstacle:
    return answer_ if command.unknown is None else _unknown_flag(command.verb, command.unknown)


def _unknown_flag(verb: str, flag: str) -> Obstacle:
    return Obstacle(
        "unknown-install-flag",
        f"`go {verb}` has {flag}, which may change what it reads.",
        "Leave the flag out of the download.",
    )


def _looks_at_imports(command: Command) -> bool:
    """Tells whether a command installs what the imports in the sources ask for."""
    if command.verb == "get":
        return not command.arguments or any(map(_is_local, command.arguments))
    return command.verb in ("mod tidy", "mod vendor")


def _is_local(argument: str) -> bool:
    return argument.startswith((".", "/")) or argument in ("all", "std", "cmd", "tool")


def _paths(call: Call) -> tuple[str, ...]:
    """`go help gopath`: GOPATH, else go in the home; the official images set /go."""
    known = call.env.get("GOPATH")
    if known:
        return tuple(resolve("/", path) for path in known.split(":") if path)
    home = call.env.get("HOME")
    return ("/go", *(f"{place}/go" for place in ((home,) if home else _HOMES)))


def _downloads(call: Call) -> tuple[str, ...]:
    """`go help environment`: GOMODCACHE is GOPATH/pkg/mod; telemetry lies in the user's settings.

    Tried with go 1.21 and 1.26: `go mod download` leaves nothing in GOCACHE.
    """
    named = call.env.get("GOMODCACHE")
    home = call.env.get("HOME")
    return (
        *(f"{path}/pkg" for path in _paths(call)),
        *(f"{place}/.config/go" for place in ((home,) if home else _HOMES)),
        *([resolve("/", named)] if named else []),
    )


def _caches(call: Call) -> tuple[str, ...]:
    """`go help environment`: GOCACHE lies in the user's caches."""
    named = call.env.get("GOCACHE")
    home = call.env.get("HOME")
    return (
        *_downloads(call),
        *(f"{place}/.cache" for place in ((home,) if home else _HOMES)),
        *([resolve("/", named)] if named else []),
    )


def _bin(call: Call) -> tuple[str, ...]:
    named = call.env.get("GOBIN")
    return (named,) if named else tuple(f"{path}/bin" for path in _paths(call))


def _user_settings(call: Call) -> tuple[str, ...]:
    named = call.env.get("GOENV")
    home = call.env.get("HOME")
    places = (home,) if home else _HOMES
    return (named,) if named else tuple(f"{place}/.config/go/env" for place in places)


def dependency_step(call: Call, files: Files) -> Install | Obstacle | None:
    """Returns `go mod download` for a command that loads packages of a module or workspace; see
    `optimizer.knowledge.installs.Ecosystem`. It runs where the go.mod or go.work lies.

    ``xx-go`` is the go command of github.com/tonistiigi/xx with variables for another platform.
    """
    if call.program not in ("go", "xx-go"):
        return None
    command = read_command(call.words[1:])
    if not _loads_packages(command) or command.options.get("mod") == "vendor":
        return None
    found = _download_for(call, command, files)
    if found is None and _looks_at_imports(command):
        return Obstacle(
            "install-reads-source",
            f"`{' '.join(('go', *call.words[1:]))}` looks at the imports in the Go sources.",
            "Commit a tidy go.mod and go.sum.",
        )
    return found


def _download_for(call: Call, command: Command, files: Files) -> Install | Obstacle | None:
    if call.env.get("GOPROXY") == "off":
        return None
    for flag in _ELSEWHERE & command.options.keys() - {"mod"}:
        return _unknown_flag("mod download", f"-{flag}")
    directory = resolve(call.directory, command.options.get("C", "."))
    env = {name: value for name, value in call.env.items() if matches(name, _DOWNLOADING)}
    words = ("go", "mod", "download")
    install = Install(NAME, " ".join(words), Call(words, directory, env), (_FETCHES_MORE,))
    try:
        place = _Download(Survey(files), install).place_to_stand()
    except Held as held:
        return held.obstacle
    return None if place is None else replace(install, call=replace(install.call, directory=place))


def _loads_packages(command: Command) -> bool:
    """Tells whether a command needs the modules of the project, as far as its words say."""
    if command.verb not in _BUILDS or any("@" in word for word in command.arguments):
        return False
    if command.verb == "get":
        return _looks_at_imports(command)
    told = (command.options.get(name, "") for name in ("C", *_ELSEWHERE))
    return "m" not in command.options and not any(HOLE in value for value in told)


def download_caches(call: Call) -> tuple[DownloadCache, ...]:
    """Returns the module cache; see `optimizer.knowledge.installs.Ecosystem`.

    go locks what it writes there (cmd/go/internal/modfetch, `lockVersion` and `SideLock`).
    """
    if call.program != "go" or not (call.env.get("GOMODCACHE") or call.env.get("GOPATH")):
        return ()
    if read_command(call.words[1:]).verb not in _BUILDS | {"mod download", "mod verify"}:
        return ()
    named = call.env.get("GOMODCACHE") or f"{_paths(call)[0]}/pkg/mod"
    return (DownloadCache(resolve("/", named), is_locked=True),)


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
    command: Command = field(init=False)
    directory: str = field(init=False)
    env: dict[str, str] = field(init=False)
    requires: dict[str, str] = field(init=False, default_factory=dict)
    replaces: list[tuple[str, gomod.Replacement]] = field(init=False, default_factory=list)
    sums: set[tuple[str, str]] = field(init=False, default_factory=set)

    def __post_init__(self) -> None:
        call = self.install.call
        self.command = read_command(call.words[1:])
        self.directory = resolve(call.directory, self.command.options.get("C", "."))
        self.env = self._environment()

    def place_to_stand(self) -> str | None:
        """Returns the directory of the go.mod or go.work for a download that is not in the file
        yet; None where there is nothing to download. Raises `Held` where it would not be right."""
        work, root = self._work_file(), self._root()
        if (work is None and root is None) or self.env.get("GO111MODULE") == "off":
            return None
        place = resolve(work, "..") if work is not None else root
        assert place is not None
        if self._is_vendored(place, work is not None):
            return None
        self._hold_old_module(place)
        self.look()
        if all(self._summed(module, version) is None for module, version in self.requires.items()):
            return None
        self._hold_unchecked(place)
        return place

    def _hold_old_module(self, place: str) -> None:
        """Go 1.11 and 1.12 leave a module below GOPATH/src alone unless GO111MODULE is on; an
        image of theirs cannot be told from the copied files, a go line of theirs can."""
        inside = any(within(place, f"{path}/src") for path in _paths(self.install.call))
        line = self._go_line(resolve(place, "go.mod")) if self._has(place, "go.mod") else None
        if inside and self.env.get("GO111MODULE") != "on" and (line is None or line < (1, 13)):
            self._hold_gopath(f"{place} lies below GOPATH, and its go.mod is of Go 1.12 or older")

    def _go_line(self, path: str) -> tuple[int, ...] | None:
        """Returns the first two numbers of the go line in a go.mod or go.work, if it has one."""
        lines = (d for d in self._directives(path) if d.verb == "go" and d.words)
        line = next(lines, None)
        if line is None:
            return None
        return tuple(int(part) for part in re.findall(r"\d{1,6}", line.words[0])[:2])

    def _is_vendored(self, place: str, is_workspace: bool) -> bool:
        if "-mod=vendor" in self.env.get("GOFLAGS", "").split():
            return True
        return self._vendored(place, is_workspace) is not None

    def _hold_unchecked(self, place: str) -> None:
        """Holds where no sums came with the sources: the download would leave a file of its own."""
        sums = [path for path in self.survey.reads if path.endswith((".sum", "go.work.sum"))]
        if not sums:
            hold(
                "missing-lockfile",
                f"{resolve(place, 'go.sum')} is not among the files copied from the build context.",
                "Run `go mod tidy` and commit go.sum.",
                resolve(place, "go.mod"),
            )
        kept = resolve(place, "go.work.sum")
        if self._work_file() is not None and kept not in sums and self._has_history():
            hold(
                "build-reads-git-state",
                f"The download would write {kept}, and `go build` puts into the program that git "
                "does not know that file.",
                "Run `go work sync` and commit go.work.sum, or add .git to .dockerignore.",
                kept,
            )

    def _has_history(self) -> bool:
        return any(self.survey.files.kind(resolve(p, ".git")) for p in ancestors(self.directory))

    def _root(self) -> str | None:
        return next((p for p in ancestors(self.directory) if self._has(p, "go.mod")), None)

    def look(self) -> None:
        """Notes everything that the download reads and writes."""
        call = self.install.call
        self._flags()
        written = _caches if self.command.verb == "get" else _downloads
        self.survey.write(*written(Call(call.words, call.directory, self.env)))
        names = ("go.mod", "go.sum", "go.work", "go.work.sum")
        for place in ancestors(self.directory):
            self.survey.settings.update(dict.fromkeys(resolve(place, name) for name in names))
        work, root = self._work_file(), self._root()
        if work is None and root is None:
            self._without_module()
            return
        if self.command.verb == "get":
            self._hold_edit(resolve(root or self.directory, "go.mod"))
        if work is not None:
            self._workspace(work)
        elif root is not None:
            self._hold_vendored(root, is_workspace=False)
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
            self.survey.setting(resolve("/", path))
            if path != "off" and self.survey.has_file(path := resolve("/", path)):
                for line in self.survey.content(path).decode("utf-8", "replace").split("\n"):
                    name, _, value = line.partition("=")
                    found[name.strip()] = value.strip()
        self.survey.setting(*_GIT_SETTINGS, *(f"{h}/{name}" for h in homes_ for name in _USERS))
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
        else:
            self.survey.write(sums)
        self._hold_vendored(root, is_workspace=True)

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

    def _hold_vendored(self, root: str, is_workspace: bool) -> None:
        path = self._vendored(root, is_workspace)
        if path is not None:
            self._hold_vendor(f"{path} was copied", path)

    def _vendored(self, root: str, is_workspace: bool) -> str | None:
        """modload/init.go, setDefaultBuildMod: vendor beside go.mod counts from `go 1.14` on,
        beside go.work from `go 1.22` on; without a go line the first holds, not the second."""
        path = resolve(root, "vendor/modules.txt")
        if not self.survey.has_file(path):
            return None
        name, least = ("go.work", (1, 22)) if is_workspace else ("go.mod", (1, 14))
        line = self._go_line(resolve(root, name))
        if line is None:
            return None if is_workspace else path
        return path if line >= least else None

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
