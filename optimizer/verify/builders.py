"""What the judge wants of a builder: build this text with this context, and give the image.

A driver builds in a way of its own (`optimizer.verify.buildkit`, `optimizer.verify.podman`).
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Literal, Protocol, TypeAlias

from optimizer.model.stages import Invocation
from optimizer.verify.archive import Reader
from optimizer.verify.image import Image
from optimizer.verify.processes import Ended, run
from optimizer.verify.progress import Progress, Vertex
from optimizer.verify.tar import ArchiveError

REPOSITORY = "dockopt-verify"
"""The name of the images that are made; the tag is by chance."""

ASK_SECONDS = 30
SAVE_SECONDS = 1800

START = "Start the engine, or choose another builder: --builder NAME."
_NO_REGISTRY = "the registry does not answer"
_SEE_TO_REGISTRY = "Pull the base image by hand, or see to the network, the login or the proxy."
_FAULTS = (
    (r"(?i)no space left on device", "the disk is full", "Make room: docker system prune."),
    (
        r"failed to resolve source metadata|failed to do request|failed to authorize|"
        r"failed to fetch (?:anonymous|oauth) token|toomanyrequests|"
        r"initializing source docker://|pinging container registry",
        _NO_REGISTRY,
        _SEE_TO_REGISTRY,
    ),
    (
        r"Cannot connect to the Docker daemon|error reading from server|transport is closing|"
        r"code = Unavailable|failed to receive status|graceful_stop",
        "the engine went away",
        START,
    ),
    (
        r"granting entitlement network\.host is not allowed",
        "the builder has no host's network to give",
        "Leave --network out, or let the builder give it (insecure-entitlements of BuildKit).",
    ),
)
"""What a failed build says when it is not the Dockerfile's doing, what that means, what helps."""

_NOT_FOUND = re.compile(r": not found$|manifest unknown|does not exist or no pull access")
"""The registry did answer: there is no such image."""

Watch: TypeAlias = Callable[[Progress], None]
"""Is called whenever a build has said something."""


class EngineFault(Exception):
    """The engine is missing, or failed at something that is not the Dockerfile's doing.

    ``what`` is one line that names it, ``remedy`` one that says what helps.
    """

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(what, remedy)
        self.what = what
        self.remedy = remedy


@dataclass(frozen=True, slots=True)
class Order:
    """One build.

    ``dockerfile`` is its text, ``ignore`` that of the ignore file that counts, None where there
    is none beside the Dockerfile and the context's own counts. ``files`` are other files of the
    context with other content than they have. ``seconds`` is the time it may take; ``network``
    is what RUN steps get (``host``, ``none``; the builder's default for None). ``secrets`` and
    ``ssh`` are what ``--secret`` and ``--ssh`` say, in the words of the builder. A ``cold`` build
    reuses nothing: no layer, no cache mount.
    """

    dockerfile: str
    context: Path
    invocation: Invocation = field(default_factory=Invocation)
    ignore: str | None = None
    files: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 1800
    network: str | None = None
    secrets: tuple[str, ...] = ()
    ssh: tuple[str, ...] = ()
    cold: bool = True

    @property
    def credentials(self) -> list[str]:
        """The options for ``secrets`` and ``ssh``, the same for every builder."""
        return [f"--secret={each}" for each in self.secrets] + [
            f"--ssh={each}" for each in self.ssh
        ]


@dataclass(frozen=True, slots=True)
class Failed:
    """Why there is no image. ``step`` is the text of the step that broke, where one did."""

    why: Literal["error", "time"]
    message: str
    step: str | None = None
    log: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Built:
    """What came of a build: an image or a failure.

    ``reference`` is the name under which the local engine can run it, None where only the
    builder has it. ``seconds`` is how long the build took, without the export.
    """

    image: Image | None
    reference: str | None
    seconds: float
    vertexes: tuple[Vertex, ...] = ()
    failed: Failed | None = None


class Builder(Protocol):
    """A driver. Every method raises `EngineFault`."""

    @property
    def name(self) -> str:
        """What reports call it: ``docker buildx (default)``."""
        ...

    @property
    def run_command(self) -> tuple[str, ...] | None:
        """The words before the options of ``run``: ``docker run``; None where images cannot
        be run from here."""
        ...

    @property
    def environment(self) -> Mapping[str, str]:
        """The environment that `run_command` wants."""
        ...

    def check(self) -> None:
        """Finds out whether it can build at all."""
        ...

    def build(self, order: Order, watch: Watch) -> Built:
        """Builds, and reads the image. A build that fails or takes too long is an answer."""
        ...

    def remove(self, built: Built) -> None:
        """Takes the image of a build away from the engine."""
        ...

    def image_bytes(self, image: str) -> int | None:
        """Returns the size of an image that the engine has: the sum of its layers; None where it
        has none of that name. Nothing is pulled."""
        ...


def size_said(done: subprocess.CompletedProcess[bytes]) -> int | None:
    """Returns the number that ``image inspect --format={{.Size}}`` printed, None for none."""
    said = done.stdout.strip()
    return int(said) if done.returncode == 0 and re.fullmatch(rb"\d{1,18}", said) else None


def blame_engine(name: str, said: str) -> None:
    """Raises `EngineFault` where what a failed build said is not the Dockerfile's doing."""
    for pattern, what, remedy in _FAULTS:
        if (match := re.search(pattern, said)) is None:
            continue
        line = next(line for line in said.splitlines() if match[0] in line).strip()
        if not _NOT_FOUND.search(line):
            raise EngineFault(f"{name}: {what}: {line[:300]}", remedy)


def silent_registry(name: str, image: str, ended: Ended) -> EngineFault:
    """Returns what is to be said of a build that was ended while it waited for a registry."""
    what = f"{_NO_REGISTRY} about {image} within {ended.seconds:.0f} s"
    return EngineFault(f"{name}: {what}", _SEE_TO_REGISTRY)


def ask(
    command: Sequence[str],
    environment: Mapping[str, str],
    remedy: str,
    seconds: float = ASK_SECONDS,
) -> subprocess.CompletedProcess[bytes]:
    """Runs a short command of an engine's client. Raises `EngineFault` with ``remedy`` where
    the program is missing, and where it does not end in time."""
    try:
        return subprocess.run(
            command,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=seconds,
            check=False,
        )
    except OSError:
        raise EngineFault(f"{command[0]} is not installed", remedy) from None
    except subprocess.TimeoutExpired:
        raise EngineFault(f"{' '.join(command[:3])} does not answer", START) from None


def exported(
    command: Sequence[str], environment: Mapping[str, str], reader: Reader, remedy: str
) -> Image:
    """Reads the image that ``command`` writes on standard output. Raises `EngineFault`."""
    images: list[Image] = []
    errors: list[bytes] = []
    unreadable: ArchiveError | None = None

    def read(stream: IO[bytes]) -> None:
        nonlocal unreadable
        try:
            images.append(reader.read(stream))
        except ArchiveError as error:
            unreadable = error

    ended = run(command, environment, SAVE_SECONDS, errors.append, read)
    client = " ".join(command[:2])
    # A client that fails leaves half an archive, which says less than its own words.
    if ended.code != 0:
        said = b"".join(errors).decode("utf-8", "replace").strip()
        blame_engine(command[0], said)
        raise EngineFault(f"{client} failed: {said}", remedy)
    if unreadable is not None:
        raise EngineFault(f"{client} gave no image: {unreadable}", remedy) from unreadable
    return images[0]


@contextmanager
def laid_out(order: Order) -> Iterator[tuple[Path, Path]]:
    """Gives the paths of a Dockerfile and of a context for ``order``; nothing is written into
    the context itself.

    The Dockerfile lies alone in a temporary folder with the ignore file under the name that
    counts first (moby/buildkit frontend/dockerui, DefaultDockerignoreName). Where other files
    of the context change, the context is a copy, of links where the disk takes them. Raises
    `EngineFault` where there is no room.
    """
    with ExitStack() as stack:
        try:
            dockerfile, context = _lay_out(order, _temporary_folder(stack))
        except (OSError, shutil.Error) as error:
            what = f"nothing can be written for the build: {_why(error)}"
            raise EngineFault(what, "Make room, or name another folder: TMPDIR.") from error
        yield dockerfile, context


def _temporary_folder(stack: ExitStack) -> Path:
    """Makes a folder that goes when ``stack`` ends, also where the run is told to end just as it
    is made: `tempfile.TemporaryDirectory` takes charge of it only afterwards."""
    path = Path(tempfile.gettempdir(), f"dockopt-verify-{secrets.token_hex(8)}")
    stack.callback(shutil.rmtree, path, ignore_errors=True)
    path.mkdir(0o700)
    return path


def _lay_out(order: Order, folder: Path) -> tuple[Path, Path]:
    dockerfile = folder / "Dockerfile"
    dockerfile.write_bytes(_bytes(order.dockerfile))
    if order.ignore is not None:
        (folder / "Dockerfile.dockerignore").write_bytes(_bytes(order.ignore))
    if not order.files:
        return dockerfile, order.context
    context = folder / "context"
    _copy(order.context, context, order.files)
    return dockerfile, context


def _why(error: OSError) -> str:
    """Returns the reason in one line. Copying a tree collects the reasons of all its files."""
    if isinstance(error, shutil.Error) and error.args and error.args[0]:
        return str(error.args[0][0][2])
    return error.strerror or str(error)


def _copy(context: Path, copy: Path, files: Mapping[str, str]) -> None:
    shutil.copytree(
        context, copy, symlinks=True, copy_function=_link, ignore_dangling_symlinks=True
    )
    for path, text in files.items():
        target = copy / path
        target.parent.mkdir(parents=True, exist_ok=True)
        like = target.stat() if target.exists() else None
        # A link to the user's file must not be written through.
        target.unlink(missing_ok=True)
        target.write_bytes(_bytes(text))
        if like is not None:
            target.chmod(like.st_mode & 0o7777)


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:
        shutil.copy2(source, target, follow_symlinks=False)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
