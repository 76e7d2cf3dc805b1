"""The copied files of a test as a dictionary, and questions to a module of the knowledge room."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import pytest

from optimizer.knowledge.installs import Call, Inputs, Install, Kind, Obstacle, Touch


class Link(str):
    """The target of a symbolic link."""

    __slots__ = ()


@dataclass
class MemoryFiles:
    """Files by absolute path; a value of None is a file that is too large to be read."""

    content: Mapping[str, Any]
    opened: list[str] = field(default_factory=list)
    not_executable: frozenset[str] = frozenset()

    def kind(self, path: str) -> Kind | None:
        if path in self.content:
            return "link" if isinstance(self.content[path], Link) else "file"
        folder = path.rstrip("/") + "/"
        return "dir" if any(name.startswith(folder) for name in self.content) else None

    def read(self, path: str) -> bytes | None:
        self.opened.append(path)
        found = self.content.get(path)
        if found is None or isinstance(found, Link):
            return None
        if isinstance(found, bytes):
            return found
        return (found if isinstance(found, str) else json.dumps(found)).encode()

    def is_executable(self, path: str) -> bool:
        return path not in self.not_executable

    def children(self, path: str) -> tuple[str, ...]:
        folder = path.rstrip("/") + "/"
        below = (name.removeprefix(folder) for name in self.content if name.startswith(folder))
        return tuple(sorted({name.partition("/")[0] for name in below}))


def _call(command: str, directory: str, env: Mapping[str, str] | None) -> Call:
    return Call(tuple(command.split()), directory, env or {})


Recognise = Callable[..., Install | Touch | Obstacle | None]
Ask = Callable[..., Inputs | Obstacle]


@pytest.fixture
def recognise() -> Recognise:
    """Asks a module what a command is: ``recognise(npm, "npm ci")``."""

    def asked(
        module: ModuleType, command: str, directory: str = "/app", env: Any = None
    ) -> Install | Touch | Obstacle | None:
        answer: Install | Touch | Obstacle | None = module.recognise(_call(command, directory, env))
        return answer

    return asked


@pytest.fixture
def ask() -> Ask:
    """Asks a module what an install reads; paths without a leading slash lie below /app."""

    def asked(
        module: ModuleType,
        command: str,
        files: Mapping[str, Any],
        directory: str = "/app",
        env: Any = None,
        not_executable: frozenset[str] = frozenset(),
    ) -> Inputs | Obstacle:
        install = module.recognise(_call(command, directory, env))
        if isinstance(install, Obstacle):
            return install
        assert isinstance(install, Install), f"{command} is {install}"
        content = {
            name if name.startswith("/") else f"/app/{name}": text for name, text in files.items()
        }
        answer: Inputs | Obstacle = module.inputs(
            install, MemoryFiles(content, not_executable=not_executable)
        )
        return answer

    return asked


@pytest.fixture
def step_of() -> Callable[..., Install | Obstacle | None]:
    """Asks a module which step a command lacks: ``step_of(pnpm, "pnpm i", files)``."""

    def asked(
        module: ModuleType, command: str, files: Mapping[str, Any], env: Any = None
    ) -> Install | Obstacle | None:
        content = MemoryFiles({f"/app/{name}": text for name, text in files.items()})
        call = _call(command, "/app", env)
        answer: Install | Obstacle | None = module.dependency_step(call, content)
        return answer

    return asked


@pytest.fixture
def link() -> type[Link]:
    """Makes the value of a file that is a symbolic link: ``link("../target")``."""
    return Link
