"""Which packages of a language a command installs, as far as manifests and lockfiles tell.

A module such as `optimizer.knowledge.python.brings` answers for the commands of its ecosystem.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Final, Protocol

from optimizer.knowledge.installs import Call, Files


@dataclass(frozen=True, slots=True)
class LanguagePackage:
    """One package: the ``ecosystem`` of its registry (``pypi``, ``npm``, ``rubygems``) and its
    ``name`` there. ``is_plain`` says that the lockfile, or the manifest of a package of the project
    itself, shows that nothing of it is compiled or fetched by a script when it is installed: it is
    no machine code, or brings what it links."""

    ecosystem: str
    name: str
    is_plain: bool = False


@dataclass(frozen=True, slots=True)
class Brings:
    """What one command installs. ``unknown`` says why there may be packages that are not named,
    None where that is ruled out. ``is_built`` says that it only puts in place what was built
    before, in another stage or when it was released."""

    packages: tuple[LanguagePackage, ...] = ()
    unknown: str | None = None
    is_built: bool = False


class Module(Protocol):
    """What a module of this room offers; the module itself is the object."""

    def brings(self, call: Call, files: Files) -> Brings | None:
        """Says what ``call`` installs; None where it is no install of the ecosystem."""


_MODULES: Final[Mapping[str, re.Pattern[str]]] = {
    "python.brings": re.compile(
        r"(?:python|pypy|pip)[\d.]*|uv|poetry|pipenv|pdm|conda|mamba|micromamba|easy_install"
    ),
    "node.brings": re.compile(r"npm|npx|yarn|yarnpkg|pnpm|bun|corepack"),
    "ruby.brings": re.compile(r"bundle|bundler|gem"),
}
"""By the module's name below `optimizer.knowledge`, the programs that it knows."""


def brings(call: Call, files: Callable[[], Files]) -> Brings | None:
    """Says what ``call`` installs among packages of a language; None where it installs none.

    ``files`` returns what was copied above it; it is asked only for the programs of this room.
    """
    for name, programs in _MODULES.items():
        if programs.fullmatch(call.program):
            module: Any = import_module(f"optimizer.knowledge.{name}")
            known: Module = module
            return known.brings(call, files())
    return None
