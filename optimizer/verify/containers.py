"""Runs one command in a container of an image and takes the container away again."""

from __future__ import annotations

import secrets
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import IO, TypeAlias

from optimizer.verify.processes import run

LONGEST_OUTPUT = 1 << 20
"""Bytes of each stream that are kept."""

_REMOVE_SECONDS = 60
_NAME = "dockopt-verify-"


@dataclass(frozen=True, slots=True)
class Completed:
    """How a command in a container ended: exit code, output (1 MiB of each stream at most)."""

    code: int
    output: str
    errors: str = ""
    timed_out: bool = False

    @property
    def started(self) -> bool:
        """Whether the command ran at all: 125 to 127 are the engine's word for no container,
        no right to run it, and no such program (docker run, "Exit status")."""
        return self.timed_out or self.code not in (125, 126, 127)


Run: TypeAlias = Callable[[str, Sequence[str]], Completed]
"""Runs the words of a command in a fresh container of an image, given by reference."""


@dataclass(frozen=True, slots=True)
class Containers:
    """Runs commands with an engine's ``run``: ``docker run`` or ``podman run``.

    A container gets no network (the loopback device it has), so that what a check finds does
    not hang on another machine's answer and nothing of an analysed project reaches out.
    ``seconds`` is the time that each command may take.
    """

    command: tuple[str, ...]
    environment: Mapping[str, str]
    seconds: float = 120
    network: str = "none"

    def __call__(self, image: str, argv: Sequence[str]) -> Completed:
        """Runs ``argv`` in place of the image's own command, as its user, in its working
        directory. Raises OSError where the engine's client cannot be started."""
        name = f"{_NAME}{secrets.token_hex(8)}"
        words = [
            *(*self.command, "--rm", "--pull=never", f"--network={self.network}"),
            *(f"--name={name}", f"--entrypoint={argv[0]}", image, *argv[1:]),
        ]
        output, errors = _Kept(), _Kept()
        try:
            ended = run(words, self.environment, self.seconds, errors.add, output.read)
        except BaseException:
            self._remove(name)
            raise
        if ended.timed_out:
            self._remove(name)
        return Completed(ended.code, output.text, errors.text, ended.timed_out)

    def _remove(self, name: str) -> None:
        """Ends a container whose client is gone: the engine lets it run on."""
        subprocess.run(
            [self.command[0], "rm", "--force", name],
            env=dict(self.environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_REMOVE_SECONDS,
            check=False,
        )


class _Kept:
    """The start of a stream."""

    def __init__(self) -> None:
        self._data = bytearray()

    def add(self, data: bytes) -> None:
        self._data += data[: max(0, LONGEST_OUTPUT - len(self._data))]

    def read(self, stream: IO[bytes]) -> None:
        while data := stream.read(1 << 16):
            self.add(data)

    @property
    def text(self) -> str:
        return self._data.decode("utf-8", "replace")
