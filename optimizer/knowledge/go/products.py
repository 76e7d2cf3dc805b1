"""What the Go command leaves for the run time: programs, and what they look up in the system.

Sources: golang/go src/cmd/go/internal/load/pkg.go (DefaultExecName), work/build.go (runBuild,
InstallPackages), cfg/cfg.go (CGO_ENABLED), src/net, src/os/user, src/crypto/x509/root_linux.go,
src/time/zoneinfo_unix.go; `go help build`, `go help install`, `go help packages`,
`go help environment`; docker-library/golang, Dockerfile-linux.template (Alpine has no C compiler);
trials with go 1.26.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from posixpath import basename

from optimizer.knowledge.artefacts import (
    is_pattern,
    matches,
    named_paths,
    not_known,
    runs,
    runs_sources,
    title,
)
from optimizer.knowledge.build_only import Sources, any_holds, only_for_building, source_files
from optimizer.knowledge.go import gomod
from optimizer.knowledge.go.embedded import embedded
from optimizer.knowledge.go.modules import read_command
from optimizer.knowledge.installs import HOLE, Call, Files, Obstacle
from optimizer.knowledge.manifests import ancestors, resolve, within
from optimizer.knowledge.products import Linking, Made, Need, Product

_SOURCES = Sources(
    # `go help filetype`, `go help packages`; goreleaser, golangci-lint, air: their own files.
    re.compile(
        r".*\.go|go\.(?:mod|sum|work|work\.sum)|\.golangci\.(?:ya?ml|toml)|\.goreleaser\.ya?ml"
        r"|\.air\.toml|\.air\.conf",
    ),
    frozenset(("testdata",)),
    re.compile(rb"\bruntime\.Callers?\b"),
)
_LEAVES_NOTHING = frozenset(
    ("mod download", "mod tidy", "mod vendor", "mod verify", "mod init", "mod edit", "mod graph",
     "vet", "list", "env", "version", "fmt", "clean", "test", "work use", "work sync", "get")
)  # fmt: skip
_VERSION_ELEMENT = re.compile(r"v(?:[2-9]|[1-9]\d+)")
_IGNORED = re.compile(rb"^//\s*(?:go:build\s+ignore|\+build\s+ignore)\b", re.MULTILINE)
_PACKAGE = re.compile(rb"^package[ \t]+(\w+)", re.MULTILINE)
_STRING = re.compile(rb'"([^"\s]+)"|`([^`\s]+)`')
_IMPORTS_C = re.compile(rb'^\s*(?:import\s+)?"C"\s*$', re.MULTILINE)
_NETWORK = re.compile(rb'"(?:net|net/[\w/]+|os/user|crypto/tls|log/syslog|expvar)"')
_CERTIFICATES = re.compile(
    rb"crypto/tls|crypto/x509|https://|net/smtp|/etc/ssl|SSL_CERT"
    rb"|\bhttp\.(?:Get|Head|Post|PostForm|Client|DefaultClient|Transport|DefaultTransport|NewRequest"
    rb"|NewRequestWithContext)\b|httputil\.\w*ReverseProxy"
    # net/http under another name, or without one; C and plug-ins may do anything.
    rb"|(?:^|[(;])[ \t]*(?:import\s+)?(?!import\b)[\w.]+[ \t]+[\"`]net/http(?:/httputil)?[\"`]"
    rb"|[\"`](?:C|plugin)[\"`]",
    re.MULTILINE,
)
_TIME_ZONES = re.compile(rb"\btime\.(?:LoadLocation|Local)\b|\.Local\(\)")
_EMBEDS_ZONES = re.compile(rb'"time/tzdata"')
_USERS = re.compile(rb'"os/user"')
_READS_SOURCES = re.compile(
    rb'"(?:go/parser|go/build|golang\.org/x/tools/go/[\w/]+|github\.com/traefik/yaegi/[\w/]+)"'
)
_ANY_NEED: frozenset[Need] = frozenset(("certificates", "time zones", "users"))
_C_MODULES = frozenset(
    {
        # The README or cgo files of each.
        "github.com/mattn/go-sqlite3", "github.com/confluentinc/confluent-kafka-go",
        "github.com/confluentinc/confluent-kafka-go/v2", "github.com/libgit2/git2go",
        "github.com/libgit2/git2go/v34", "github.com/h2non/bimg",
        "github.com/davidbyttow/govips/v2", "gocv.io/x/gocv", "github.com/pebbe/zmq4",
        "github.com/google/gopacket", "github.com/gographics/imagick", "github.com/godror/godror",
        "github.com/mattn/go-oci8", "github.com/tecbot/gorocksdb", "github.com/linxGnu/grocksdb",
        "github.com/jmhodges/levigo", "github.com/otiai10/gosseract/v2", "github.com/DataDog/zstd",
        "github.com/marcboeker/go-duckdb", "github.com/ibmdb/go_ibm_db",
        "github.com/hajimehoshi/ebiten/v2", "github.com/go-gl/glfw/v3.3/glfw",
        "github.com/faiface/pixel", "github.com/chai2010/webp", "github.com/kolesa-team/go-webp",
    }
)  # fmt: skip
"""Modules whose packages are compiled with a C compiler; most need its libraries at run time."""


def product(call: Call, made: Made) -> Product | Obstacle | None:
    """Says what a `go` command leaves; see `optimizer.knowledge.products.Producer`."""
    if call.program not in ("go", "xx-go"):
        return None
    command = read_command(call.words[1:])
    if command.verb == "install" and any("@" in word for word in command.arguments):
        return _tools(call, command.arguments, made)
    if command.verb in _LEAVES_NOTHING:
        return _nothing(call, command.verb, made)
    if command.verb not in ("build", "install"):
        return None
    blocked = runs_sources(call, made, "go", "air", "gow", "CompileDaemon", "reflex")
    if blocked is not None:
        return blocked
    if any(HOLE in word for word in command.arguments):
        return not_known(call, "the packages that it builds are not known before the build")
    return _Build(call, made, command.verb, command.arguments, command.options).product()


def closure(call: Call, made: Made) -> list[str] | None:
    """Returns the Go files of the packages that ``call``, a ``go build`` or ``go install``, builds,
    and of those of their module that these import; None where the packages are not known."""
    command = read_command(call.words[1:])
    if any(HOLE in word for word in (call.directory, *command.arguments)):
        return None
    return _Build(call, made, command.verb, command.arguments, command.options).closure()


def _nothing(call: Call, verb: str, made: Made) -> Product | Obstacle | None:
    """`go get` installed programs before Go 1.18 (its release notes, "Go command")."""
    words = call.words
    if verb == "get" and "-d" not in words and not is_at_least(made, 1, 18):
        return not_known(
            call,
            "before Go 1.18 `go get` may install programs too",
            "Use `go mod download`, or `go install` for programs.",
        )
    blocked = runs_sources(call, made, "go")
    return blocked or Product((), drops=_caches(call), compiles=False)


def _caches(call: Call) -> tuple[str, ...]:
    """`go help environment`: the cache of modules, that of builds, and telemetry, which the go
    command counts in the user's settings since Go 1.23 (go.dev/doc/telemetry)."""
    home = call.env.get("HOME") or "/root"
    modules = call.env.get("GOMODCACHE") or f"{_gopath(call)}/pkg/mod"
    builds = call.env.get("GOCACHE") or f"{home}/.cache/go-build"
    return tuple(resolve("/", path) for path in (modules, builds, f"{home}/.config/go"))


def _gopath(call: Call) -> str:
    """`go help gopath`: the first one of GOPATH, else go in the home."""
    first = call.env.get("GOPATH", "").partition(":")[0]
    home = call.env.get("HOME")
    return resolve("/", first or f"{home or '/root'}/go")


def _bin(call: Call) -> str | None:
    """`go help install`; None where the place is not known. Programs for another platform lie in
    a directory of their own."""
    if any(HOLE in call.env.get(name, "") for name in ("GOBIN", "GOPATH", "HOME")):
        return None
    if call.env.get("GOARCH") or call.env.get("GOOS", "linux") != "linux":
        return None
    named = call.env.get("GOBIN")
    return resolve("/", named) if named else f"{_gopath(call)}/bin"


def is_at_least(made: Made, *version: int) -> bool:
    """Tells whether the base image has Go of at least this version, as far as its tag says."""
    if made.image is None or made.image[0] != "golang":
        return False
    numbers = re.match(r"(\d+)(?:\.(\d+))?", made.image[1])
    if numbers is None:
        return made.image[1].partition("-")[0] in ("latest", "alpine", "bookworm", "trixie")
    return (int(numbers[1]), int(numbers[2] or 99)) >= version


def _tools(call: Call, arguments: Sequence[str], made: Made) -> Product | Obstacle:
    """`go install PACKAGE@VERSION`: programs that the container starts stay, others are tools of
    the build."""
    place = _bin(call)
    names = [_name_of(word.partition("@")[0]) for word in arguments]
    if place is None or any("..." in word or HOLE in word for word in arguments):
        return not_known(call, "the programs that it installs are not known before the build")
    kept = tuple(f"{place}/{name}" for name in names if runs(made.running, name))
    tools = tuple(f"{place}/{name}" for name in names if not runs(made.running, name))
    dropped = (*tools, *_caches(call))
    if kept:
        linking = _static_or_not(call, {}, uses_libc=False)
        return Product(
            kept, dropped, linking=linking, compiles=True, build_only=(), needs=_ANY_NEED
        )
    return Product((), dropped, compiles=True)


def _name_of(import_path: str) -> str:
    """load/pkg.go, exeFromImportPath."""
    parts = import_path.strip("/").split("/")
    if len(parts) > 1 and _VERSION_ELEMENT.fullmatch(parts[-1]):
        return parts[-2]
    return parts[-1]


@dataclass(frozen=True, slots=True)
class _Package:
    """A directory with Go files: its path, the name of its program, and whether it is one."""

    directory: str
    name: str | None
    is_main: bool


@dataclass(frozen=True, slots=True)
class _Build:
    """One `go build` or `go install` while it is looked at."""

    call: Call
    made: Made
    verb: str
    arguments: tuple[str, ...]
    options: Mapping[str, str]

    @property
    def files(self) -> Files:
        return self.made.files

    @property
    def directory(self) -> str:
        return resolve(self.call.directory, self.options.get("C") or ".")

    def product(self) -> Product | Obstacle:
        """Returns the programs, or why they are not known."""
        if HOLE in self.directory or HOLE in self.options.get("o", ""):
            return not_known(self.call, "where it puts the program is not known before the build")
        found = self._outputs()
        if isinstance(found, Obstacle):
            return found
        if not found:
            return Product((), drops=_caches(self.call), compiles=True)
        return self._described(tuple(dict.fromkeys(found)))

    def _outputs(self) -> list[str] | Obstacle:
        named = self.options.get("o")
        if self.verb == "build" and named == "/dev/null":
            return []
        if self.verb == "build" and named:
            target = resolve(self.directory, named)
            if not named.endswith("/") and not self._is_directory(target):
                return [target]
            return self._in_directory(target)
        if self.verb == "install":
            place = _bin(self.call)
            if place is None:
                return not_known(self.call, "where it installs is not known before the build")
            return self._in_directory(place)
        if self.call.env.get("GOOS", "linux") not in ("linux", ""):
            return not_known(self.call, "the program is for another system, which ends its name")
        packages = self._packages()
        if isinstance(packages, Obstacle) or len(packages) != 1 or not packages[0].is_main:
            return packages if isinstance(packages, Obstacle) else []
        return self._named(packages, self.directory)

    def _is_directory(self, path: str) -> bool:
        """A directory that the command finds: of the distribution, the one it runs in, or one
        that files were copied to."""
        return (
            path in _ALWAYS_THERE
            or within(self.call.directory, path)
            or self.files.kind(path) == "dir"
        )

    def _in_directory(self, place: str) -> list[str] | Obstacle:
        packages = self._packages()
        if isinstance(packages, Obstacle):
            return packages
        return self._named([each for each in packages if each.is_main], place)

    def _named(self, packages: Sequence[_Package], place: str) -> list[str] | Obstacle:
        for each in packages:
            if each.name is None:
                return not_known(
                    self.call,
                    f"the module of {each.directory}, which names the program, is not among the "
                    "copied files",
                    "Name the program: `go build -o PATH`.",
                )
        return [resolve(place, each.name) for each in packages if each.name]

    def _packages(self) -> list[_Package] | Obstacle:
        if self.arguments and all(word.endswith(".go") for word in self.arguments):
            return self._of_files()
        found: list[_Package] = []
        for word in self.arguments or (".",):
            if word.startswith((".", "/")):
                found += self._matching(word)
                continue
            local = self._local(word)
            if local is None:
                return not_known(self.call, f"{word} is not a package of the copied module")
            found += self._matching(local)
        if not found:
            return not_known(
                self.call, "the packages that it builds are not among the copied files"
            )
        return found

    def _of_files(self) -> list[_Package] | Obstacle:
        """exeFromFiles: a program of files is called after the first of them."""
        names = [name for word in self.arguments for name in self._expanded(word)]
        plain = [name for name in names if not name.endswith("_test.go")]
        if not plain:
            return not_known(self.call, "its files are not among the copied ones")
        return [_Package(self.directory, basename(plain[0]).removesuffix(".go"), True)]

    def _expanded(self, word: str) -> list[str]:
        if not is_pattern(word):
            return [word]
        path = resolve(self.directory, word)
        folder = path.rpartition("/")[0] or "/"
        names = (resolve(folder, name) for name in self.files.children(folder))
        return [name for name in names if matches(name, path)]

    def _local(self, word: str) -> str | None:
        """Returns the path of a package that is named by its import path."""
        return _place_of(word, self._module_of(self.directory))

    def _matching(self, word: str) -> list[_Package]:
        path = resolve(self.directory, word.removesuffix("...").rstrip("/") or "/")
        if not word.endswith("/..."):
            return [package] if (package := self._package(path)) is not None else []
        return [p for each in self._folders(path) if (p := self._package(each)) is not None]

    def _folders(self, top: str) -> Iterator[str]:
        """`go help packages`: ``...`` leaves out vendor, testdata, names with a dot or underscore
        in front, and directories of other modules."""
        waiting, seen = [top], 0
        while waiting:
            folder = waiting.pop()
            yield folder
            for name in self.files.children(folder):
                path = resolve(folder, name)
                seen += 1
                skipped = name.startswith((".", "_")) or name in ("testdata", "vendor")
                if skipped or seen > _MOST_NAMES or self.files.kind(path) != "dir":
                    continue
                if self.files.kind(resolve(path, "go.mod")) != "file":
                    waiting.append(path)

    def _package(self, directory: str) -> _Package | None:
        for name in self.files.children(directory):
            if not name.endswith(".go") or name.endswith("_test.go") or name[0] in "._":
                continue
            content = self.files.read(resolve(directory, name)) or b""
            package = _PACKAGE.search(content)
            if package is None or _IGNORED.search(content[: package.start()]):
                continue
            if package[1] == b"documentation":
                continue
            return _Package(directory, self._program_name(directory), package[1] == b"main")
        return None

    def _program_name(self, directory: str) -> str | None:
        found = self._module_of(directory)
        if found is not None:
            root, module = found
            return _name_of(module + directory[len(root.rstrip("/")) :])
        sources = f"{_gopath(self.call)}/src/"
        return basename(directory) if directory.startswith(sources) else None

    def _module_of(self, directory: str) -> tuple[str, str] | None:
        """Returns the directory and the path of the module that ``directory`` belongs to."""
        for place in ancestors(directory):
            content = self.files.read(resolve(place, "go.mod"))
            if content is None:
                continue
            for directive in _directives(content):
                if directive.verb == "module" and directive.words:
                    return place, directive.words[0]
            return None
        return None

    def _described(self, outputs: tuple[str, ...]) -> Product:
        """Returns the product with what can be told from the sources of the module."""
        modules = (p for p in ancestors(self.directory)
                   if self.files.kind(resolve(p, "go.mod")) == "file")  # fmt: skip
        root = next(modules, self.directory)
        sources = source_files(self.files, root, (".go",))
        own = self.closure() if sources is not None else None
        required = self._required(root)
        named = f"`{title(self.call)}` makes {', '.join(outputs)}, named after the package."
        return Product(
            outputs,
            drops=_caches(self.call),
            linking=self._linking(own, required),
            compiles=True,
            build_only=self._build_only(root, sources),
            needs=self._needs(own, required),
            assumes=() if self.options.get("o") else (named,),
        )

    def closure(self) -> list[str] | None:
        """Returns the files of the packages that are built and of those of the module that they
        import; None where the packages are not known."""
        packages = self._packages()
        if isinstance(packages, Obstacle):
            return None
        module = self._module_of(self.directory)
        waiting = [each.directory for each in packages]
        seen: set[str] = set()
        found: list[str] = []
        while waiting:
            directory = waiting.pop()
            if directory in seen:
                continue
            seen.add(directory)
            for name in self.files.children(directory):
                if name.endswith(".go") and not name.endswith("_test.go"):
                    path = resolve(directory, name)
                    found.append(path)
                    waiting += _imported(self.files.read(path) or b"", module)
        return found

    def _required(self, root: str) -> frozenset[str] | None:
        """Returns the modules that go.mod asks for; None where that is not known."""
        content = self.files.read(resolve(root, "go.mod"))
        if content is None:
            return None
        try:
            directives = tuple(_directives(content))
            return frozenset(module for module, _, _ in gomod.requirements(directives))
        except gomod.GoModError:
            return None

    def _linking(self, sources: Sequence[str] | None, required: frozenset[str] | None) -> Linking:
        uses_c = True if sources is None else any_holds(self.files, sources, _IMPORTS_C)
        if required is None or required & _C_MODULES:
            uses_c = True
        has_network = sources is not None and any_holds(self.files, sources, _NETWORK)
        return _static_or_not(self.call, self.options, uses_c or has_network)

    def _needs(
        self, sources: Sequence[str] | None, required: frozenset[str] | None
    ) -> frozenset[Need]:
        """What other modules look up is not known, so a program with any may need all of it."""
        if sources is None or required is None or self._has_other_modules():
            return _ANY_NEED
        found: set[Need] = set()
        if required or any_holds(self.files, sources, _CERTIFICATES):
            found.add("certificates")
        has_zones = any_holds(self.files, sources, _EMBEDS_ZONES)
        tags = re.split(r"[,\s]+", self.options.get("tags", ""))
        if (required or any_holds(self.files, sources, _TIME_ZONES)) and not (
            has_zones or "timetzdata" in tags
        ):
            found.add("time zones")
        if required or any_holds(self.files, sources, _USERS):
            found.add("users")
        return frozenset(found)

    def _has_other_modules(self) -> bool:
        """Whether there may be modules that the go.mod does not ask for (`go help work`,
        `go help build`: -modfile, -overlay)."""
        flags = self.call.env.get("GOFLAGS", "")
        if {"modfile", "overlay"} & {*self.options} or re.search("modfile|overlay", flags):
            return True
        workspace = self.call.env.get("GOWORK")
        if workspace is not None:
            return workspace != "off"
        return any(
            self.files.kind(resolve(place, "go.work")) is not None
            for place in ancestors(self.directory)
        )

    def _is_named(self, path: str) -> bool:
        """Tells whether a command of the container names ``path``, or a variable of one may."""
        running = self.made.running
        if any(within(path, each) or within(each, path) for each in named_paths(running)):
            return True
        values = [value for call in running.calls for value in call.env.values()]
        return any(path in v or v.strip("./") == basename(path) for v in values)

    def _build_only(self, root: str, sources: Sequence[str] | None) -> tuple[str, ...] | None:
        """Programs that read Go sources keep them: those that import a parser of the language."""
        if sources is None or any_holds(self.files, sources, _READS_SOURCES):
            return None
        vendored = resolve(root, "vendor")
        is_vendored = self.files.kind(resolve(vendored, "modules.txt")) == "file"
        own = [path for path in sources if not path.endswith("_test.go")]
        carried = [p for p in embedded(self.files, own) if not self._is_named(p)]
        spare = (*carried, *([vendored] if is_vendored else ()))
        return only_for_building(self.files, root, _SOURCES, self.made.running, spare)


def _place_of(word: str, module: tuple[str, str] | None) -> str | None:
    """Returns where a package of ``module`` (its directory and its path) lies; None for others."""
    if module is None:
        return None
    root, path = module
    bare = word.removesuffix("/...")
    if bare != path and not bare.startswith(path + "/"):
        return None
    return root.rstrip("/") + word.removeprefix(path) or "/"


def _imported(content: bytes, module: tuple[str, str] | None) -> Iterator[str]:
    """Yields the directories of the module's own packages that a file may import: those that its
    strings name."""
    for match in _STRING.finditer(content):
        place = _place_of((match[1] or match[2]).decode("utf-8", "replace"), module)
        if place is not None:
            yield place


def _directives(content: bytes) -> Iterator[gomod.Directive]:
    try:
        yield from gomod.read_directives(content.decode("utf-8", "replace"))
    except gomod.GoModError:
        return


_MOST_NAMES = 20_000
_ALWAYS_THERE = frozenset(
    ("/", "/bin", "/sbin", "/usr", "/usr/bin", "/usr/sbin", "/usr/local", "/usr/local/bin",
     "/usr/local/sbin", "/opt", "/srv", "/tmp", "/var", "/root", "/home", "/etc", "/go", "/go/bin")
)  # fmt: skip
"""Directories of every distribution (FHS 3.0), and of the images for Go."""


def _static_or_not(call: Call, options: Mapping[str, str], uses_libc: bool) -> Linking:
    """Says how a program is linked; ``uses_libc``: one of its packages uses C, or the resolver or
    the users of the C library, where cgo is on.

    cgo is on where CGO_ENABLED says nothing and a C compiler is found (cfg/cfg.go), as in the
    images on Debian. Tried with go 1.26: without cgo a program asks for no loader, but for one
    that is position independent; with cgo ``-extldflags -static`` alone changes nothing, as Go
    links with a linker of its own unless told to take the external one, and what is linked so
    still loads the C library's resolver unless ``netgo`` and ``osusergo`` leave it out.
    """
    flags = f"{options.get('ldflags', '')} {call.env.get('GOFLAGS', '')}"
    mode = options.get("buildmode", "exe")
    if mode not in ("exe", "default") or "buildmode" in flags or "linkshared" in flags:
        return "unknown"
    if "linkshared" in options or "race" in options:
        return "unknown"
    if call.env.get("CGO_ENABLED") == "0":
        return "static"
    tags = frozenset(re.split(r"[,\s]+", options.get("tags", "")))
    if _EXTERNAL.search(flags) and _STATIC.search(flags) and tags >= {"netgo", "osusergo"}:
        return "static"
    return "dynamic" if uses_libc and "CGO_ENABLED" not in call.env else "unknown"


_EXTERNAL = re.compile(r"-linkmode[ =]['\"]?external")
_STATIC = re.compile(r"-extldflags[ =]+['\"]?[^'\"]*-static(?![\w-])")
