"""What cargo leaves for the run time: the programs of packages, and where they lie.

Sources: the Cargo Book ("cargo build", "cargo install", "Cargo Targets", "Build Cache",
"Configuration", "Profiles"); the Rust Reference ("Linkage": static and dynamic C runtimes);
trials with cargo 1.95.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from optimizer.knowledge.artefacts import not_known, runs, runs_sources
from optimizer.knowledge.build_only import Sources, any_holds, only_for_building, source_files
from optimizer.knowledge.installs import HOLE, Call, Obstacle
from optimizer.knowledge.manifests import Held, Survey, resolve, within
from optimizer.knowledge.products import Linking, Made, Need, Product
from optimizer.knowledge.rust.cargo import Command, cargo_homes, read_command, start_of
from optimizer.knowledge.rust.config import config_files
from optimizer.knowledge.rust.manifest import Manifest, read_toml, strings, table, tables
from optimizer.knowledge.rust.native import NATIVE
from optimizer.knowledge.rust.workspace import Workspace

_SOURCES = Sources(
    # "Package Layout", "Configuration"; rustup's "Overrides"; rustfmt, clippy, cargo-deny and
    # sqlx-cli (what its query macros read at compile time): their own files.
    re.compile(
        r".*\.rs|Cargo\.(?:toml|lock)|rust-toolchain(?:\.toml)?|\.?rustfmt\.toml"
        r"|\.?clippy\.toml|deny\.toml|sqlx-data\.json|\.cargo-ok"
    ),
    frozenset((".cargo", ".sqlx")),
    re.compile(rb"CARGO_MANIFEST_DIR|\bfile!|OUT_DIR"),
)
_LEAVES_NOTHING = frozenset(
    ("fetch", "check", "c", "clippy", "test", "t", "bench", "doc", "d", "fmt", "update", "tree",
     "metadata", "generate-lockfile", "clean", "vendor", "new", "init", "add", "remove", "audit",
     "chef prepare", "chef cook", "deny", "nextest")
)  # fmt: skip
_BUILDS = frozenset(("build", "b", "rustc", "install"))
_NO_PROGRAMS = ("--lib", "--example", "--examples", "--test", "--tests", "--bench", "--benches")
"""Options that leave the programs out ("Target Selection")."""
_PROFILES: Mapping[str, str] = {"dev": "debug", "test": "debug", "bench": "release"}
"""The directories of the built-in profiles ("Build Cache"); others have their own names."""
_ENDINGS: Mapping[str, str] = {"wasm32": ".wasm", "wasm64": ".wasm"}
"""What the names of programs end in, by the first part of the platform (rustc's target
specifications, exe_suffix)."""
_SPEAKS_TLS = re.compile(
    r"tls|ssl|webpki|x509|cert|boring|(?:^|[-_])(?:http|https|ws|grpc|smtp|ldap|mqtt|quic)(?:$|[-_])"
    r"|^(?:curl|ureq|reqwest|isahc|surf|attohttpc|minreq|hyper|quinn|s2n|git2|lettre|tonic|redis"
    r"|tungstenite|pkg-config|cc|cmake|vcpkg|bindgen|libloading|libc-?loader|dlopen2?|wasmtime)"
    r"(?:$|[-_])"
    r"|(?<!^linux-raw)(?<!^js)(?<!^web)(?<!^windows)[-_]sys$|^schannel$|^security-framework$"
)
"""Crates that speak TLS or are made for what does, and those that bring in C, which may
(crates.io, the keywords tls, http and ffi)."""
_LINKS_OR_NAMES = re.compile(
    rb"\blink\s*\(\s*(?:name|kind)|rustc-link-lib|rustc-link-arg|/etc/ssl|SSL_CERT"
)
_TOOLS: Mapping[str, tuple[str, ...]] = {
    # The [[bin]] names in each one's Cargo.toml.
    "diesel_cli": ("diesel",), "sqlx-cli": ("sqlx", "cargo-sqlx"), "ripgrep": ("rg",),
    "fd-find": ("fd",), "cargo-make": ("cargo-make", "makers"), "sea-orm-cli": ("sea-orm-cli",),
    "sea-orm-migration": (), "refinery_cli": ("refinery",), "tokei": ("tokei",), "just": ("just",),
    "wasm-pack": ("wasm-pack",), "trunk": ("trunk",), "sccache": ("sccache",), "bat": ("bat",),
    "mdbook": ("mdbook",), "cross": ("cross", "cross-util"), "bindgen-cli": ("bindgen",),
    "wasm-bindgen-cli": ("wasm-bindgen", "wasm-bindgen-test-runner", "wasm2es6js"),
}  # fmt: skip


def product(call: Call, made: Made) -> Product | Obstacle | None:
    """Says what a `cargo` command leaves; see `optimizer.knowledge.products.Producer`."""
    if call.program != "cargo":
        return None
    command = read_command(call.words[1:])
    if command.verb in _LEAVES_NOTHING:
        blocked = runs_sources(call, made, "cargo", "rustc")
        return blocked or Product((), drops=_downloads(call), compiles=command.verb == "chef cook")
    if command.verb not in _BUILDS:
        return None
    if command.verb == "install" and not command.has("--path"):
        return _tools(call, command, made)
    blocked = runs_sources(call, made, "cargo", "rustc", "cargo-watch", "bacon", "systemfd")
    if blocked is not None:
        return blocked
    try:
        return _Build(call, made, command).product()
    except Held as held:
        return held.obstacle
    except RecursionError:
        return not_known(call, "a manifest is nested more deeply than can be followed")


_LEFT_AT_HOME = ("registry", "git", ".package-cache", ".package-cache-mutate", ".global-cache")
"""What cargo keeps below CARGO_HOME: downloads, the locks on them and when they were last used
(src/cargo/core/global_cache_tracker.rs, util/cache_lock.rs)."""


def _downloads(call: Call) -> tuple[str, ...]:
    return tuple(f"{place}/{name}" for place in cargo_homes(call)[:1] for name in _LEFT_AT_HOME)


def _root(call: Call, command: Command) -> str | None:
    """`cargo install --root`, CARGO_INSTALL_ROOT, else CARGO_HOME; None where it is not known."""
    named = command.options.get("--root", ())
    place = named[-1] if named else call.env.get("CARGO_INSTALL_ROOT")
    if place is not None:
        return None if HOLE in place else resolve(call.directory, place)
    home = call.env.get("CARGO_HOME")
    if home is not None:
        return None if HOLE in home else resolve("/", home)
    user = call.env.get("HOME")
    return None if not user or HOLE in user else resolve(user, ".cargo")


def _tools(call: Call, command: Command, made: Made) -> Product | Obstacle:
    """`cargo install CRATE`: what the container starts stays, other programs are for the build."""
    blocked = runs_sources(call, made, "cargo", "rustc")
    if blocked is not None:
        return blocked
    root = _root(call, command)
    kept: list[str] = []
    dropped: list[str] = []
    for crate in command.arguments or (HOLE,):
        name = crate.partition("@")[0]
        programs = _TOOLS.get(name, (name,))
        is_tool = name.startswith("cargo-") or not any(runs(made.running, p) for p in programs)
        if is_tool and (name in _TOOLS or made.running.opaque is None) and HOLE not in name:
            dropped += [f"{root or '/usr/local/cargo'}/bin/{program}" for program in programs]
        elif root is None or name not in _TOOLS:
            return not_known(call, "the programs that it installs are not known before the build")
        else:
            kept += [f"{root}/bin/{p}" for p in programs if runs(made.running, p)]
    return Product(tuple(kept), tuple(dropped), compiles=True, build_only=())


@dataclass(slots=True)
class _Build:
    """One build of the project's packages while it is looked at."""

    call: Call
    made: Made
    command: Command
    survey: Survey = field(init=False)
    top: Manifest = field(init=False)

    def product(self) -> Product | Obstacle:
        """Returns the programs; raises `Held` where a manifest cannot be read."""
        self.survey = Survey(self.made.files)
        start = start_of(self.call.directory, self.command)
        if HOLE in start:
            return not_known(self.call, "the directory of the package is not known")
        loading = Workspace(self.survey, start)
        path = loading.manifest_path()
        if path is None:
            return not_known(self.call, f"no Cargo.toml was copied to {start} or above it")
        self.top = loading.load(path)
        programs = self._programs(loading, path)
        if isinstance(programs, Obstacle):
            return programs
        place = self._place()
        if place is None:
            return not_known(self.call, "where it puts the programs is not known before the build")
        ending = _ENDINGS.get((self.platform() or "").partition("-")[0], "")
        if "windows" in (self.platform() or ""):
            ending = ".exe"
        built = [f"{place}/{name}{ending}" for name in programs]
        if self.command.verb != "install":
            built += [f"{place}/{name}" for name in self._libraries(loading, path, ending)]
        return self._described(tuple(built))

    def _programs(self, loading: Workspace, path: str) -> list[str] | Obstacle:
        named = self.command.options.get("--bin", ())
        if any(HOLE in name for name in named):
            return not_known(self.call, "the programs that it builds are not known")
        if named:
            return list(dict.fromkeys(named))
        if self.command.has(*_NO_PROGRAMS) and not self.command.has("--bins", "--all-targets"):
            return []
        members = self._selected(loading, path)
        if isinstance(members, Obstacle):
            return members
        found: dict[str, None] = {}
        for manifest in members:
            for name, needed in self._bins(manifest):
                if needed <= self._features(manifest):
                    found[name] = None
        return list(found)

    def _libraries(self, loading: Workspace, path: str, ending: str) -> Iterator[str]:
        """ "Cargo Targets", crate-type: libraries that other programs load."""
        members = self._selected(loading, path)
        named = self.command.has("--bin", "--bins", "--example", "--test")
        for manifest in () if named or isinstance(members, Obstacle) else members:
            library = table(manifest.data, "lib")
            kinds = (*strings(library, "crate-type"), *strings(library, "crate_type"))
            own = str((manifest.package or {}).get("name")).replace("-", "_")
            name = str(library.get("name", own))
            if {"cdylib", "dylib"} & {*kinds} and ending != ".exe":
                yield f"{name}.wasm" if ending == ".wasm" else f"lib{name}.so"

    def _selected(self, loading: Workspace, path: str) -> list[Manifest] | Obstacle:
        """ "Package selection": `-p`, `--workspace`, else the package here, else the default
        members, else all."""
        members = [each for each in loading.manifests.values() if each.package is not None]
        named = (*self.command.options.get("-p", ()), *self.command.options.get("--package", ()))
        if any(HOLE in name or re.search(r"[*?\[:#@]", name) for name in named):
            return not_known(self.call, "the packages that it builds are not known")
        if named:
            return [each for each in members if (each.package or {}).get("name") in named]
        inside = [each for each in members if within(each.directory, self.top.directory)]
        if self.command.has("--workspace", "--all"):
            left_out = self.command.options.get("--exclude", ())
            return [each for each in inside if (each.package or {}).get("name") not in left_out]
        here = loading.manifests[path]
        defaults = strings(self.top.workspace or {}, "default-members")
        if here is not self.top or (here.package is not None and not defaults):
            return [here] if here.package is not None else inside
        if any(re.search(r"[*?\[]", each) for each in defaults):
            return not_known(self.call, "the default members are named by a pattern")
        places = {resolve(self.top.directory, each) for each in defaults}
        return [each for each in inside if not places or each.directory in places]

    def _bins(self, manifest: Manifest) -> Iterator[tuple[str, frozenset[str]]]:
        """ "Cargo Targets": named ones, and unless `autobins` is off those found by place; each
        with the features that it requires."""
        package = manifest.package or {}
        named: set[str] = set()
        for target in tables(manifest.data, "bin"):
            name = target.get("name")
            if isinstance(name, str):
                named.add(name)
                yield name, frozenset(strings(target, "required-features"))
        if package.get("autobins") is False:
            return
        sources = resolve(manifest.directory, "src")
        own = package.get("name")
        paths = {str(t.get("path")) for t in tables(manifest.data, "bin")}
        if isinstance(own, str) and own not in named and "src/main.rs" not in paths and (
            self.survey.files.kind(resolve(sources, "main.rs")) == "file"
        ):  # fmt: skip
            yield own, frozenset()
        for name in self.survey.files.children(resolve(sources, "bin")):
            inner = resolve(sources, f"bin/{name}/main.rs")
            found = name[:-3] if name.endswith(".rs") else name
            is_one = name.endswith(".rs") or self.survey.files.kind(inner) == "file"
            if is_one and found not in named and not name.startswith(".") and not (
                {f"src/bin/{name}", f"src/bin/{name}/main.rs"} & paths
            ):  # fmt: skip
                yield found, frozenset()

    def _features(self, manifest: Manifest) -> frozenset[str]:
        """Returns the features that are on for a package, as its own table and the command say."""
        known = table(manifest.data, "features")
        if self.command.has("--all-features"):
            return frozenset(known)
        words = (*self.command.options.get("--features", ()), *self.command.options.get("-F", ()))
        queue = [part.rpartition("/")[2] for word in words for part in re.split(r"[,\s]+", word)]
        if not self.command.has("--no-default-features"):
            queue.append("default")
        found: set[str] = set()
        while queue:
            name = queue.pop()
            if name not in found:
                found.add(name)
                queue += strings(known, name)
        return frozenset(found)

    def _place(self) -> str | None:
        if self.command.verb == "install":
            root = _root(self.call, self.command)
            return None if root is None or self._setting("install", "root") else f"{root}/bin"
        if self.command.has("--artifact-dir", "--out-dir", "-Z"):
            return None
        target = self._target_directory()
        platform = self.platform()
        parts = (target, platform, self._profile())
        if any(part is None or HOLE in part for part in parts):
            return None
        return resolve("/", "/".join(part for part in parts if part))

    def _target_directory(self) -> str | None:
        """ "Build Cache": `--target-dir`, CARGO_TARGET_DIR, `build.target-dir`, else target beside
        the manifest of the workspace."""
        env = self.call.env
        named = self.command.options.get("--target-dir", ())
        for value in (*named[-1:], env.get("CARGO_TARGET_DIR"), env.get("CARGO_BUILD_TARGET_DIR")):
            if value:
                return resolve(self.call.directory, value)
        configured = self._setting("build", "target-dir")
        if configured is not None:
            path, told = configured
            return resolve(resolve(path, "../.."), told) if isinstance(told, str) else None
        return resolve(self.top.directory, "target")

    def platform(self) -> str | None:
        """Returns the platform that is named, "" for that of the machine, None for several."""
        named = self.command.options.get("--target", ())
        if len(named) > 1:
            return None
        found = named[0] if named else self.call.env.get("CARGO_BUILD_TARGET")
        if found is None:
            configured = self._setting("build", "target")
            told = configured[1] if configured else ""
            if not isinstance(told, str):
                return None
            found = told
        if found is not None and found.endswith(".json"):
            return found.rpartition("/")[2].removesuffix(".json")
        return found

    def _profile(self) -> str:
        if named := self.command.options.get("--profile", ()):
            return _PROFILES.get(named[-1], named[-1])
        return "release" if self.command.has("--release", "-r") else "debug"

    def _setting(self, section: str, key: str) -> tuple[str, object] | None:
        """Returns the nearest settings file that has ``key``, and its value."""
        for path in config_files(self.survey, self.call.directory):
            found = table(read_toml(self.survey, path), section)
            if key in found:
                return path, found[key]
        return None

    def _described(self, outputs: tuple[str, ...]) -> Product:
        crates = self._crates()
        target = self._target_directory()
        return Product(
            outputs,
            drops=(*_downloads(self.call), *((target,) if target is not None else ())),
            linking=self._linking(crates),
            ecosystem="crates",
            packages=crates or (),
            compiles=True,
            build_only=only_for_building(
                self.made.files,
                self.top.directory,
                _SOURCES,
                self.made.running,
                (target,) if target is not None else (),
            ),
            needs=self._needs(crates),
        )

    def _needs(self, crates: tuple[str, ...] | None) -> frozenset[Need]:
        """The standard library speaks no TLS (doc.rust-lang.org/std), so no program does that has
        no crate for it, links nothing of C on its own, and does not name certificates."""
        sources = source_files(self.made.files, self.top.directory, (".rs",))
        if (
            crates is None
            or any(map(_SPEAKS_TLS.search, crates))
            or sources is None
            or any_holds(self.made.files, sources, _LINKS_OR_NAMES)
        ):
            return frozenset(("certificates", "time zones", "users"))
        return frozenset(("time zones", "users"))

    def _crates(self) -> tuple[str, ...] | None:
        """Returns the names of the packages in Cargo.lock; None where there is none."""
        lock = resolve(self.top.directory, "Cargo.lock")
        if not self.survey.has_file(lock):
            return None
        named = (each.get("name") for each in tables(read_toml(self.survey, lock), "package"))
        return tuple(sorted({name for name in named if isinstance(name, str)}))

    def _linking(self, crates: tuple[str, ...] | None) -> Linking:
        """The Rust Reference, "Linkage": programs for musl hold the C library unless told not to;
        what else they hold of C is only known where no package links a library of the system."""
        platform = self.platform()
        image = self.made.image
        flags = " ".join(self.call.env.get(n, "") for n in ("RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS"))
        told = self._setting("build", "rustflags") or self._setting("target", platform or "")
        if platform is None or "crt-static" in flags or HOLE in flags or told:
            return "unknown"
        on_alpine = image is None or "alpine" in image[1].split("-")
        if platform.endswith("-gnu") or (not platform and not on_alpine):
            return "dynamic"
        if "musl" not in platform or crates is None:
            return "unknown"
        return "unknown" if any(c in NATIVE or c.endswith("-sys") for c in crates) else "static"
