"""Stand-in base images, made on demand from Debian's packages and kept as archives.

A stand-in carries the name of the official image it stands for, the configuration that
image has (ENV, WORKDIR, CMD, ENTRYPOINT, users), and a label that says it is a stand-in. A
full image has the toolchain that its ``-slim`` twin lacks. Each holds the machine's
certificate authorities and points clients at them, and no address of any registry.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.engine.build import build
from tests.engine.daemon import Engine
from tests.engine.parts import ca_bundle, cache_folder, debian_mirror, locked

LABEL = "dockopt.stand-in-for"
RECIPES = Path(__file__).parent / "images"
MAKE_SECONDS = 1200
MOST_FULL = 0.5
"""The part of their place that the engine's files may take when a test begins."""
SMALLEST = "busybox:1.35"
"""Tests of all modules share this one, so it stays."""
EXTRA_AUTHORITIES = Path("/usr/local/share/ca-certificates")
"""Where Debian keeps a machine's own authorities (update-ca-certificates(8))."""

BUILDKIT = "moby/buildkit:v0.25.2"
BOOKWORM = "debian:bookworm-slim"
TRIXIE = "debian:trixie-slim"
SUITES = {BOOKWORM: "bookworm", TRIXIE: "trixie"}
"""What mmdebstrap makes; every other stand-in is built on top of these, or on nothing."""


@dataclass(frozen=True)
class StandIn:
    """A recipe in `RECIPES`, the image below it and the recipe's other arguments."""

    recipe: str
    base: str | None
    arguments: Mapping[str, str] = field(default_factory=dict)

    @property
    def dockerfile(self) -> str:
        return (RECIPES / f"{self.recipe}.Dockerfile").read_text()


STAND_INS = {
    "busybox:1.35": StandIn("busybox", None),
    "buildpack-deps:bookworm": StandIn("buildpack", BOOKWORM),
    "buildpack-deps:trixie": StandIn("buildpack", TRIXIE),
    "gcr.io/distroless/static-debian12": StandIn("distroless", BOOKWORM),
    "node:18-slim": StandIn("node", BOOKWORM, {"VERSION": "18", "NPM": "10.8.2"}),
    "node:18": StandIn(
        "node", "buildpack-deps:bookworm", {"VERSION": "18", "NPM": "10.8.2", "MORE": "libnode-dev"}
    ),
    "node:20-slim": StandIn("node", TRIXIE, {"VERSION": "20", "NPM": "10.8.2"}),
    "node:20": StandIn(
        "node", "buildpack-deps:trixie", {"VERSION": "20", "NPM": "10.8.2", "MORE": "libnode-dev"}
    ),
    "python:3.11-slim": StandIn("python", BOOKWORM, {"VERSION": "3.11"}),
    "python:3.11": StandIn("python", "buildpack-deps:bookworm", {"VERSION": "3.11"}),
    "python:3.13-slim": StandIn("python", TRIXIE, {"VERSION": "3.13"}),
    "python:3.13": StandIn("python", "buildpack-deps:trixie", {"VERSION": "3.13"}),
    "golang:1.19": StandIn("golang", BOOKWORM, {"VERSION": "1.19"}),
    "golang:1.24": StandIn("golang", TRIXIE, {"VERSION": "1.24"}),
    "rust:1.85": StandIn("rust", TRIXIE, {"VERSION": "1.85"}),
    "rust:1-trixie": StandIn("rust", TRIXIE, {"VERSION": "1.85"}),
    "gcc:12": StandIn("gcc", "buildpack-deps:bookworm", {"VERSION": "12"}),
    "php:8.2-cli": StandIn("php", BOOKWORM, {"VERSION": "8.2"}),
    "ruby:3.1-slim": StandIn("ruby", BOOKWORM, {"VERSION": "3.1"}),
    "ruby:3.1": StandIn("ruby", "buildpack-deps:bookworm", {"VERSION": "3.1", "MORE": "ruby-dev"}),
    "openjdk:17-slim": StandIn("java", BOOKWORM, {"PACKAGE": "openjdk-17-jdk-headless"}),
    "maven:3.8-openjdk-17-slim": StandIn("maven", "openjdk:17-slim"),
    "eclipse-temurin:17-jre": StandIn("temurin", BOOKWORM, {"PACKAGE": "openjdk-17-jre-headless"}),
    "eclipse-temurin:17-jre-noble": StandIn(
        "temurin", BOOKWORM, {"PACKAGE": "openjdk-17-jre-headless"}
    ),
    "eclipse-temurin:17": StandIn(
        "temurin", "eclipse-temurin:17-jre", {"PACKAGE": "openjdk-17-jdk-headless"}
    ),
    "maven:3.9-eclipse-temurin-17": StandIn("maven", "eclipse-temurin:17"),
    "nginx:1.22": StandIn("nginx", BOOKWORM, {"VERSION": "1.22"}),
    "registry:2": StandIn("registry", BOOKWORM),
    BUILDKIT: StandIn("buildkit", "golang:1.24", {"VERSION": "0.25.2"}),
}
"""bookworm has Node 18, Python 3.11, Go 1.19, GCC 12, PHP 8.2, Ruby 3.1, OpenJDK 17, Maven 3.8
and nginx 1.22; trixie has Node 20, Python 3.13, Go 1.24 and Rust 1.85 (packages nodejs, python3,
golang-go, cargo, gcc, php-cli, ruby, openjdk-17-jdk-headless, maven and nginx of each suite).
The full images of Node, Python, Ruby and GCC lie on the one of buildpack-deps, as the official
ones do. Debian's OpenJDK stands for Temurin's, whatever distribution the tag names. busybox is
Debian's busybox-static. The registry is Debian's docker-registry. BuildKit alone is in no package:
it is compiled, in the version that the engine has inside (docker.io 28.5.2, vendor.mod)."""


def provide(engine: Engine, images: Iterable[str]) -> None:
    """Makes sure that the engine has these stand-ins. Raises KeyError for one without a recipe."""
    for image in images:
        if engine.docker("image", "inspect", image).returncode == 0:
            continue
        archive = _archive(image)
        with locked(archive.with_suffix(".lock")):
            if archive.is_file():
                _docker(engine, "load", "--input", str(archive))
            else:
                _make(engine, image)
                _save(engine, image, archive)


def make_room(engine: Engine, most_full: float = MOST_FULL) -> None:
    """Drops the build cache, images without a name and the stand-ins where the engine's files take
    more than ``most_full`` of their place, by default half of it, so that the next test has the
    rest. No other test may be using them."""
    if engine.fullness < most_full:
        return
    engine.forget_builds()
    _docker(engine, "image", "prune", "--force")
    names = engine.docker("images", "--format={{.Repository}}:{{.Tag}}").stdout.decode().split()
    loaded = [name for name in names if name in STAND_INS.keys() - {SMALLEST} | SUITES.keys()]
    if loaded:
        _docker(engine, "image", "rm", *loaded)


def stand_ins_named_in(dockerfile: str) -> tuple[str, ...]:
    """Returns the stand-ins that a Dockerfile names in ``FROM`` or ``--from=``."""
    words = re.findall(r"(?im)^\s*FROM\s+(?:--\S+\s+)*(\S+)|\bfrom=([^\s,]+)", dockerfile)
    named = {first or second for first, second in words}
    return tuple(sorted(named & (STAND_INS.keys() | SUITES.keys())))


def _make(engine: Engine, image: str) -> None:
    with tempfile.TemporaryDirectory(dir=cache_folder()) as name:
        folder = Path(name)
        if image in SUITES:
            rootfs = f"{image}-rootfs"
            _bootstrap(engine, SUITES[image], folder, rootfs)
            made = StandIn("debian", rootfs)
            _build(engine, image, folder, made, {"trust": _trust(folder / "trust")})
            _docker(engine, "image", "rm", rootfs)
            return
        stand_in = STAND_INS[image]
        if stand_in.base is not None:
            provide(engine, [stand_in.base])
        _build(engine, image, folder, stand_in, {"parts": engine.parts.prefix})


def _bootstrap(engine: Engine, suite: str, folder: Path, name: str) -> None:
    """Imports a minimal Debian as image ``name``."""
    archive = folder / "rootfs.tar"
    command = [
        *("unshare", "--mount", "--propagation", "private", "mmdebstrap"),
        *("--mode=root", "--variant=minbase", "--format=tar"),
        # Without these, bookworm brings the whole of perl to merge /usr.
        f"--hook-dir={engine.parts.prefix / 'usr/share/mmdebstrap/hooks/merged-usr'}",
        "--include=usr-is-merged",
        *(
            f"--dpkgopt=path-exclude=/usr/share/{name}/*"
            for name in ("man", "doc", "locale", "info")
        ),
        *("--aptopt=Acquire::Languages none", suite, str(archive), debian_mirror()),
    ]
    environment = {
        **os.environ,
        "PATH": engine.parts.path,
        "PERL5LIB": engine.parts.perl_library,
        "TMPDIR": str(folder),
    }
    folder.chmod(0o755)
    done = subprocess.run(
        command, env=environment, capture_output=True, timeout=MAKE_SECONDS, check=False
    )
    if done.returncode != 0:
        raise RuntimeError(f"mmdebstrap {suite}: {done.stderr.decode(errors='replace')[-2000:]}")
    _docker(engine, "import", str(archive), name)
    archive.unlink()


def _trust(folder: Path) -> Path:
    (folder / "extra").mkdir(parents=True)
    shutil.copy(ca_bundle(), folder / "ca-certificates.crt")
    for authority in EXTRA_AUTHORITIES.glob("**/*.crt"):
        shutil.copy(authority, folder / "extra")
    return folder


def _build(
    engine: Engine, image: str, folder: Path, stand_in: StandIn, contexts: Mapping[str, Path]
) -> None:
    context = folder / "context"
    context.mkdir()
    (context / "Dockerfile").write_text(f"{stand_in.dockerfile}LABEL {LABEL}={image}\n")
    made = build(
        engine,
        context,
        build_args={"BASE": stand_in.base or "scratch", **stand_in.arguments},
        contexts=contexts,
        tag=image,
        seconds=MAKE_SECONDS,
    )
    if not made.ok:
        raise RuntimeError(f"the stand-in for {image} could not be built:\n{made.log[-3000:]}")


def _save(engine: Engine, image: str, archive: Path) -> None:
    """Writes the archive beside its place and renames it, so that half a file is never loaded."""
    part = archive.with_suffix(".part")
    _docker(engine, "save", "--output", str(part), image)
    for old in archive.parent.glob(f"{archive.name.rpartition('-')[0]}-????????????.*"):
        if old.suffix == ".tar":
            old.unlink()
    part.rename(archive)


def _archive(image: str) -> Path:
    folder = cache_folder() / "images"
    folder.mkdir(exist_ok=True)
    key = hashlib.sha256("\0".join(_ingredients(image)).encode()).hexdigest()[:12]
    return folder / f"{re.sub('[:/]', '-', image)}-{key}.tar"


def _ingredients(image: str) -> list[str]:
    """Everything a stand-in is made from, so that a change of it makes a new archive."""
    if image in SUITES:
        return [SUITES[image], StandIn("debian", None).dockerfile, ca_bundle().read_text()]
    stand_in = STAND_INS[image]
    below = [] if stand_in.base is None else _ingredients(stand_in.base)
    return [stand_in.dockerfile, repr(sorted(stand_in.arguments.items())), *below]


def _docker(engine: Engine, *arguments: str) -> None:
    done = engine.docker(*arguments, timeout=MAKE_SECONDS)
    if done.returncode != 0:
        raise RuntimeError(f"docker {arguments[0]}: {done.stderr.decode(errors='replace')}")
