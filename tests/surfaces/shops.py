"""Repositories on this machine that `dockopt pr` may visit, and what is in them afterwards."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from optimizer.forge.connect import Wanted
from optimizer.surfaces.load import Request
from optimizer.surfaces.pr.publish import Done
from optimizer.surfaces.pr.visit import Options, Visit, visit
from tests.forge.server import TOKEN, ForgeServer
from tests.history.repository import Repository

DOCKERFILE = (
    "FROM node:22-slim\nWORKDIR /app\nCOPY . .\n"
    "RUN --mount=type=cache,target=/root/.npm npm ci\nCMD node src/index.js\n"
)
FIXED = (
    "FROM node:22-slim\nWORKDIR /app\nCOPY package.json package-lock.json ./\n"
    "RUN --mount=type=cache,target=/root/.npm npm ci\nCOPY . .\nCMD node src/index.js\n"
)
FILES: Mapping[str, str | None] = {
    "package.json": '{"name": "app", "version": "1.0.0"}',
    "package-lock.json": '{"name": "app", "version": "1.0.0", "lockfileVersion": 3, '
    '"packages": {"": {"name": "app", "version": "1.0.0"}}}',
    "src/index.js": "",
    ".dockerignore": ".git\nnode_modules\n",
    "Dockerfile": DOCKERFILE,
}
"""An application whose install can go above the sources, and no other change."""


def application(folder: str = "") -> dict[str, str | None]:
    """Returns the files of an application in ``folder``."""
    return {f"{folder}{name}": text for name, text in FILES.items()}


@dataclass
class Shop:
    """A bare repository, and the work tree of somebody who pushes to it."""

    person: Repository
    bare: Path

    @classmethod
    def at(cls, bare: Path, files: Mapping[str, str | None] = FILES) -> Shop:
        """Makes both, with one commit of ``files`` on ``main``."""
        bare.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(["git", "init", "-q", "--bare", "-b", "main", bare], check=True)
        person = Repository(bare.parent.parent / f"{bare.parent.name}-person")
        person.git("remote", "add", "origin", str(bare))
        shop = cls(person, bare)
        shop.edit(files)
        return shop

    def edit(self, files: Mapping[str, str | None], branch: str = "main") -> str:
        """Commits ``files`` and pushes them to ``branch``."""
        commit = self.person.commit(files)
        self.person.git("push", "-q", "--force", "origin", f"HEAD:refs/heads/{branch}")
        return commit

    def git(self, *words: str) -> str:
        done = subprocess.run(
            ["git", *words], cwd=self.bare, capture_output=True, check=True, env=_ENVIRONMENT
        )
        return os.fsdecode(done.stdout).removesuffix("\n")

    @property
    def branches(self) -> dict[str, str]:
        """The branches of dockopt with their commits."""
        listed = self.git("for-each-ref", "--format=%(refname:short) %(objectname)", "refs/heads")
        pairs = [line.split(" ") for line in listed.splitlines()]
        return {name: commit for name, commit in pairs if name.startswith("dockopt/")}

    def on(self, branch: str) -> None:
        """Lets the person work on a branch as it is now."""
        self.person.git("fetch", "-q", "origin")
        self.person.git("checkout", "-q", "-B", "work", f"origin/{branch}")

    def show(self, what: str) -> str:
        return self.git("cat-file", "-p", what)


_ENVIRONMENT = {
    **{name: value for name, value in os.environ.items() if not name.startswith("GIT_")},
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
}

AUTHOR = ("Bot", "bot@example.com")


def options(**more: object) -> Options:
    """Returns what most tests ask for: no builds, no history."""
    asked = {"request": Request(history=0), "author": AUTHOR, "verify": "no", **more}
    return Options(**asked)  # type: ignore[arg-type]


def visited(source: str, asked: Options | None = None, token: str | None = TOKEN) -> Visit:
    """Visits a repository with no more of an environment than a token."""
    environment = {"DOCKOPT_TOKEN": token} if token else {}
    said: list[str] = []
    found = visit(
        source, asked or options(), said.append, lambda which: lambda _: None, environment
    )
    for text in (*said, found.error, found.remedy, *(str(each) for each in found.done)):
        assert TOKEN not in text
        assert "Traceback" not in text
    return found


def through(server: ForgeServer, **more: object) -> Visit:
    """Visits the repository of a forge."""
    return visited(server.address, options(wanted=Wanted(server.kind, server.api), **more))  # type: ignore[arg-type]


def only(found: Visit) -> Done:
    """Returns what became of the only Dockerfile."""
    assert found.error == ""
    (done,) = found.done
    return done
