"""What an install of dependencies reads and writes: the form that every ecosystem module has.

A module such as `optimizer.knowledge.node.npm` recognises its commands and answers,
for one of them in one file tree, which files the install reads. It answers
with `Inputs`, or with an `Obstacle` that says why it cannot know and what
would change that. It never guesses.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, Protocol, TypeAlias

Kind: TypeAlias = Literal["file", "dir", "link", "other"]

HOLE: Final = "\0"
"""Stands in a `Call` for text that is not known; no word or path of a program holds this
character (execve(2))."""


@dataclass(frozen=True, slots=True)
class Call:
    """One command as it runs in a step.

    ``words`` are expanded and without quotes; ``words[0]`` is the program as
    written. ``directory`` is the absolute working directory in the image.
    ``env`` holds the variables whose values are known. For `optimizer.knowledge.commands` words,
    directory and values may hold `HOLE`.
    """

    words: tuple[str, ...]
    directory: str
    env: Mapping[str, str] = field(default_factory=dict)

    @property
    def program(self) -> str:
        """The program's name without its folder."""
        return self.words[0].rpartition("/")[2]


class Files(Protocol):
    """The files that the steps above copied from the build context, by absolute image path."""

    def kind(self, path: str) -> Kind | None:
        """Returns what lies at ``path``, or None where nothing was copied there."""

    def read(self, path: str) -> bytes | None:
        """Returns the content of the file at ``path``; None for no file or one too large."""

    def children(self, path: str) -> tuple[str, ...]:
        """Returns the names in the directory at ``path``, sorted; empty where there is none."""

    def is_executable(self, path: str) -> bool:
        """Tells whether everybody may run the file at ``path``."""


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why an install cannot be moved above the sources.

    ``code`` is one of the refusal codes that `dockopt explain` lists; ``path``
    is the image path of the file that shows it, ``line`` the line in that file.
    """

    code: str
    reason: str
    unblock: str
    path: str | None = None
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Inputs:
    """What one install reads from the copied files, and what it leaves behind.

    All paths are absolute paths in the image. ``reads`` are files that exist;
    ``trees`` are directories that are read whole; ``writes`` are prefixes that
    the install creates or replaces; ``rewrites`` are files of the context that
    the install may change in place, so that a later copy of the same file puts
    the context's version back. ``settings`` are prefixes where it looks for manifests,
    settings and credentials whoever put them there, a RUN or another stage.
    ``assumes`` are sentences for the reviewer.
    """

    reads: tuple[str, ...]
    writes: tuple[str, ...]
    trees: tuple[str, ...] = ()
    rewrites: tuple[str, ...] = ()
    assumes: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    """Those of ``reads`` and ``trees`` that projects leave to a later step on purpose: the install
    takes them where they are there and does as well without them."""
    settings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Install:
    """A recognised install of dependencies. ``title`` is how people call it: ``npm ci``;
    ``assumes`` are sentences for the reviewer of one that is not in the file yet. ``fetches`` says
    what it downloads: a wrapper script that is only asked for its version brings the build tool."""

    ecosystem: str
    title: str
    call: Call
    assumes: tuple[str, ...] = ()
    fetches: Literal["dependencies", "build tool"] = "dependencies"


@dataclass(frozen=True, slots=True)
class Touch:
    """What one command may do.

    ``reads`` and ``writes`` are absolute prefixes in the image; its own program and libraries
    are not among them. ``variables`` are the environment variables that change what it does,
    beside those that every program reads; a ``*`` stands for any characters, so ``*`` alone
    for any variable. Directories above a written path are made where they are missing.
    ``network`` says that it may ask other machines. ``repeatable`` says that it leaves the same
    contents, modes and owners whenever it runs on the same inputs.
    """

    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    variables: tuple[str, ...] = ()
    network: bool = False
    repeatable: bool = False


@dataclass(frozen=True, slots=True)
class DownloadCache:
    """A directory that holds nothing but what a package manager downloaded, so that it may live
    in a cache mount.

    ``path`` is absolute in the image. ``is_locked`` says that the package manager guards it
    against others of its kind that run at the same time; else the mount has to.
    """

    path: str
    is_locked: bool


class Ecosystem(Protocol):
    """What a module of this room offers; the module itself is the object."""

    NAME: str

    def recognise(self, call: Call) -> Install | Touch | Obstacle | None:
        """Says what ``call`` is.

        `Install`: installs the dependencies that manifests of the project name.
        `Touch`: belongs to the ecosystem, but reads nothing of the project
        beyond these paths (``npm install -g x``, ``pip install --upgrade pip``).
        `Obstacle`: installs, but reads more than manifests (``pip install .``).
        None: not a command of this ecosystem, or one that is no install.
        """

    def inputs(self, install: Install, files: Files) -> Inputs | Obstacle:
        """Returns what ``install`` reads among ``files``."""

    def dependency_step(self, call: Call, files: Files) -> Install | Obstacle | None:
        """Returns the command that brings in what ``call`` needs besides the sources, to run in
        a step of its own above it.

        ``call`` builds or installs the project itself, so it needs the sources (``go build``,
        ``uv sync``); its words and values may hold `HOLE`. The answer stands on manifests alone
        (``go mod download``, ``uv sync --no-install-project``), and ``call`` still works below
        it, offline or by fetching no more than what little the step cannot bring in. Among
        ``files`` is everything that was copied. `Obstacle`: there is such a step, but here it
        would not be right. None: ``call`` is no such command, its ecosystem has no such step, or
        there is nothing to bring in.
        """

    def download_caches(self, call: Call) -> tuple[DownloadCache, ...]:
        """Returns where ``call`` keeps its downloads, given its HOME and its variables.

        Empty where it downloads nothing, or where the place is not known.
        """
