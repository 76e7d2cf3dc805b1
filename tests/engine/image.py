"""The images of a private engine, read with dockopt's own reader."""

from __future__ import annotations

import io
import posixpath
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from optimizer.verify.archive import Layer, Reader, merge
from optimizer.verify.image import Image
from optimizer.verify.tar import ArchiveError, Buffered, members
from tests.engine.daemon import Engine

SAVE_SECONDS = 120


@dataclass(frozen=True)
class StepChanges:
    """One instruction as the history of an image gives it, and the absolute paths that its layer
    adds, removes or changes in content, mode or owner."""

    created_by: str
    paths: frozenset[str]


class ImageReader:
    """Reads images of one engine. Layers that several images share are parsed once."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._reader = Reader()

    def read(self, image: str) -> Image:
        """Returns the image with that id or name. Raises RuntimeError where there is none."""
        return self.read_all([image])[0]

    def read_all(self, images: Sequence[str]) -> tuple[Image, ...]:
        """Returns several images, whose shared layers then cross the pipe once.

        Raises RuntimeError with docker's message where one does not exist.
        """
        process = subprocess.Popen(
            ["docker", "save", *images],
            env=dict(self._engine.environment),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        assert process.stdout is not None
        with process:
            try:
                found = self._reader.read_all(process.stdout)
            except ArchiveError:
                found = {}
            finally:
                _, errors = process.communicate(timeout=SAVE_SECONDS)
        if not found:
            raise RuntimeError(f"docker save {' '.join(images)}: {errors.decode(errors='replace')}")
        return tuple(found[image] for image in images)

    def read_steps(self, image: str) -> tuple[StepChanges, ...]:
        """Returns what each instruction of the image with that id changed, the oldest first;
        those without a layer are left out. Raises RuntimeError where there is no such image."""
        process = subprocess.run(
            ["docker", "save", image],
            env=dict(self._engine.environment),
            capture_output=True,
            timeout=SAVE_SECONDS,
            check=False,
        )
        if process.returncode:
            raise RuntimeError(f"docker save {image}: {process.stderr.decode(errors='replace')}")
        documents, parts = _Parts().read_parts(process.stdout)
        (manifest,) = documents["manifest.json"]
        history = [
            row.get("created_by", "")
            for row in documents[manifest["Config"]]["history"]
            if not row.get("empty_layer")
        ]
        layers = [parts[name] for name in manifest["Layers"]]
        states = [merge(layers[:count]) for count in range(len(layers) + 1)]
        return tuple(
            StepChanges(
                created_by,
                frozenset(p for p in old.keys() | new.keys() if old.get(p) != new.get(p)),
            )
            for created_by, old, new in zip(history, states, states[1:], strict=False)
        )


class _Parts(Reader):
    """Gives the documents and layers of an export by their names in it."""

    def read_parts(self, data: bytes) -> tuple[dict[str, Any], dict[str, Layer]]:
        documents: dict[str, Any] = {}
        layers: dict[str, Layer] = {}
        for member, content in members(Buffered(io.BytesIO(data))):
            if member.kind == "file":
                name = posixpath.normpath(member.name)
                self._take(name, member, content, documents, layers)
        return documents, layers
