"""What a command leaves that a running container needs, and what of it only building needs.

A module beside those of an ecosystem's installs (`optimizer.knowledge.node.products`) answers, for
one command that installs or builds, with a `Product` that names both, or with an `Obstacle` that
says why it cannot know. It never guesses: what it cannot tell apart, it keeps.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, Protocol, TypeAlias

from optimizer.knowledge.installs import Call, Files, Obstacle
from optimizer.knowledge.running import Running

Linking: TypeAlias = Literal["static", "dynamic", "unknown"]
"""Whether a program needs a loader and shared libraries to start; "static" is only said where it is
shown, of all that a command makes."""

Need: TypeAlias = Literal["certificates", "time zones", "users"]
"""What a program may look up in files of the system: the certificates of authorities
(/etc/ssl/certs), time zones (/usr/share/zoneinfo), users and groups (/etc/passwd)."""


@dataclass(frozen=True, slots=True)
class Product:
    """What one command leaves for the run time.

    All paths are absolute paths in the image. ``keeps`` are files and directories that a running
    container needs, ``drops`` those that the command writes and only building needs (they are
    listed for the reviewer). ``prune`` is a command that, run in the builder after all its steps
    and in ``directory``, takes out of ``keeps`` what only building needs (``npm prune``).
    ``interpreter`` is the program that runs it (``node``, ``python3``, ``java``, ``dotnet``), None
    for machine code. ``packages`` are the names of the language's packages that it brings, as its
    registry spells them, where they are known; ``ecosystem`` is that registry's (``pypi``,
    ``npm``, ``rubygems``, ...). ``compiles`` says that making it takes a compiler or development
    files. ``build_only`` are the paths below the copied sources that nothing needs once it is made
    (``tsconfig.json``, ``src/main.go``): with None the running program may read any of them, so all
    stay; they are files, or directories with all that was copied into them, and say nothing of what
    the build leaves there. ``assumes`` are sentences for the reviewer.
    ``again`` says that the command is run in the runtime stage too, in place of copying: it
    replaces or removes what the base image has, and a COPY takes nothing away.

    ``replaces`` are paths that commands above left for the run time and that it no longer needs, or
    that are gone: what `mv` took away, or what `cp` brought from a build's directory to where it is
    run. ``taken_from`` are the paths that it brings elsewhere or works on, whoever left them there.
    ``rewrites`` are files of the context that it may bring up to date, and that a container may as
    well have as the context has them.
    ``needs`` is what machine code may look up in the system, the whole of it where that is not
    shown otherwise. ``framework`` is the runtime of .NET that it starts on: that of web servers
    holds the plain one. ``needs_libc_alone`` says that all machine code that it makes is shown to
    need no shared library but the C library, and to start and load nothing else.
    """

    keeps: tuple[str, ...]
    drops: tuple[str, ...] = ()
    prune: str | None = None
    directory: str = "/"
    interpreter: str | None = None
    linking: Linking = "unknown"
    ecosystem: str | None = None
    packages: tuple[str, ...] = ()
    compiles: bool = False
    build_only: tuple[str, ...] | None = None
    assumes: tuple[str, ...] = ()
    again: bool = False
    replaces: tuple[str, ...] = ()
    taken_from: tuple[str, ...] = ()
    rewrites: tuple[str, ...] = ()
    needs: frozenset[Need] = frozenset()
    framework: Literal["aspnet", "runtime"] | None = None
    needs_libc_alone: bool = False


@dataclass(frozen=True, slots=True)
class Made:
    """What a stage has when a command runs: the ``image`` it starts from, as (familiar name, tag),
    the ``files`` copied from the context, and what a container will be ``running``. ``user`` is
    whom the command runs as, None where that is not known; ``before`` are the commands
    above it in the stage, in order, as far as they are known. ``at_end`` are the files copied from
    the context that lie in the image when it is done, None where something else is copied too."""

    image: tuple[str, str] | None
    files: Files
    running: Running
    made: tuple[str, ...] = field(default=())
    """Paths that commands above the one asked about left, as far as they are known."""
    user: str | None = "root"
    before: tuple[Call, ...] = ()
    """The commands above it in the stage, in order, as far as they are known."""
    at_end: Files | None = None
    products: tuple[Product, ...] = ()
    """What those commands left: what is copied from one of their places is of the same kind."""


@dataclass(frozen=True, slots=True)
class Pruned:
    """A command that takes out of a project's installed packages what is for development alone.

    ``title`` is how people call it, ``root`` the directory of the project, ``modules`` are the
    directories that it takes from. ``reads`` are the files beside these that it may look into, and
    ``variables`` the environment variables, with ``*`` for any characters.
    """

    title: str
    root: str
    modules: tuple[str, ...]
    reads: tuple[str, ...]
    variables: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Precompiled:
    """What a build compiles that is none of the project: ``packages`` of the standard library, none
    of which another one brings along, and the ``flags`` with which they have to be compiled to be
    of use. ``variables`` are those that count, with ``*`` for any characters."""

    flags: tuple[str, ...]
    packages: tuple[str, ...]
    variables: tuple[str, ...]


class Producer(Protocol):
    """What a module of this room offers; the module itself is the object."""

    def product(self, call: Call, made: Made) -> Product | Obstacle | None:
        """Says what ``call`` leaves for the run time.

        `Obstacle`: it installs or builds, and what the run time needs of it cannot be told. None:
        the module knows no such command.
        """
