"""The ecosystems whose installs dockopt knows, and the installers of all others by name.

`recognise` answers for every command that installs dependencies: with the
ecosystem that knows it, or with an obstacle that says nobody here does.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from importlib import import_module
from typing import Any

from optimizer.knowledge.installs import (
    Call,
    Ecosystem,
    Files,
    Inputs,
    Install,
    Obstacle,
    Touch,
)

ECOSYSTEMS: Mapping[str, re.Pattern[str]] = {
    "npm": re.compile(r"npm|corepack"),
    "pip": re.compile(r"pip[\d.]*|python[\d.]*|pypy[\d.]*|uv"),
    "go": re.compile(r"go"),
}
"""The modules of this room that know an ecosystem, and the programs that each one knows.

A module is loaded when one of its programs is met, so a file that uses one package
manager does not pay for the others.
"""


def ecosystem(name: str) -> Ecosystem:
    """Returns the module that knows the ecosystem ``name``."""
    module: Any = import_module(f"optimizer.knowledge.{name}")
    known: Ecosystem = module
    return known


# Installers whose inputs are not known yet: the verbs that install what a manifest names. An
# empty verb is the bare command. Sources: each tool's own command reference.
_INSTALLERS: Mapping[str, tuple[str, ...]] = {
    "yarn": ("", "install", "workspaces focus", "immutable"),
    "pnpm": ("install", "i", "ci", "fetch", "recursive install", "deploy"),
    "bun": ("install", "i", "ci"),
    "deno": ("install", "cache"),
    "lerna": ("bootstrap", "clean-install"),
    "rush": ("install", "update"),
    "bower": ("install", "i"),
    "poetry": ("install", "sync", "update", "lock"),
    "uv": ("sync", "lock", "export"),
    "pipenv": ("install", "sync", "update", "lock"),
    "pdm": ("install", "sync", "update"),
    "hatch": ("env create", "dep"),
    "rye": ("sync",),
    "conda": ("env create", "env update", "--file", "-f"),
    "mamba": ("env create", "env update", "--file", "-f"),
    "micromamba": ("env create", "env update", "--file", "-f"),
    "pixi": ("install",),
    "cargo": ("fetch", "vendor", "chef cook", "chef prepare"),
    "mvn": ("dependency:go-offline", "dependency:resolve", "dependency:resolve-plugins",
            "dependency:copy-dependencies", "verify", "install", "package"),
    "gradle": ("dependencies", "build", "assemble", "resolveDependencies", "downloadDependencies"),
    "dotnet": ("restore",),
    "nuget": ("restore",),
    "msbuild": ("restore",),
    "paket": ("restore", "install"),
    "composer": ("install", "update", "i", "u", "dump-autoload"),
    "bundle": ("", "install", "update", "package", "cache"),
    "bundler": ("", "install", "update"),
    "mix": ("deps.get", "deps.compile", "setup"),
    "rebar3": ("get-deps", "compile"),
    "sbt": ("update", "compile", "assembly"),
    "stack": ("setup", "build", "install"),
    "cabal": ("build", "install"),
    "dart": ("pub get",),
    "flutter": ("pub get",),
    "swift": ("package resolve",),
    "pod": ("install",),
    "conan": ("install",),
    "vcpkg": ("install",),
    "opam": ("install",),
    "cpanm": ("--installdeps",),
    "carton": ("install",),
    "shards": ("install",),
    "lein": ("deps",),
    "clojure": ("-P",),
    "helm": ("dependency build", "dependency update"),
}  # fmt: skip
_WRAPPERS: Mapping[str, str] = {"mvnw": "mvn", "gradlew": "gradle", "yarnpkg": "yarn"}
# Commands of those installers that name what they install and read no manifest.
_NAMED_ONLY = re.compile(r"(?:^|\s)(?:global|-g|--global|--help|-h|--version|-v)(?=\s|$)")

_NAMES = re.compile(
    "|".join(map(re.escape, sorted({*_INSTALLERS, *_WRAPPERS, *ECOSYSTEMS}))), re.IGNORECASE
)


def names_installer(text: str) -> bool:
    """Tells whether ``text`` names a package manager anywhere; cheap, and never wrongly False
    for a command that `recognise` takes for an install."""
    return _NAMES.search(text) is not None


STEERING = re.compile(r"pip_|npm_config_|uv_|go(?:flags|path|modcache|work|env)$", re.IGNORECASE)
"""Names of variables that change which files an install reads. Sources: pip's user guide
("Environment variables"), npm's config page ("Environment variables"), uv's "Environment
variables", ``go help environment``."""

_ASSIGNMENT = re.compile(r"(?P<name>[A-Za-z_]\w*)=(?P<value>.*)", re.DOTALL)


def recognise(call: Call) -> Install | Touch | Obstacle | None:
    """Says what ``call`` is to the package managers, programs such as ``env`` in front taken off.

    None: no package manager's command that dockopt knows of.
    """
    bare = unwrapped(call)
    if bare is None:
        return None
    for name, programs in ECOSYSTEMS.items():
        if programs.fullmatch(bare.program):
            answer = ecosystem(name).recognise(bare)
            if answer is not None:
                return answer
    return _not_covered(bare)


def inputs(install: Install, files: Files) -> Inputs | Obstacle:
    """Returns what ``install`` reads among ``files``, as its ecosystem knows it."""
    return ecosystem(install.ecosystem).inputs(install, files)


def unwrapped(call: Call) -> Call | None:
    """Returns the command behind env, command, exec, time, nice or sudo; None where none is left.

    Only the forms without options of their own are taken off; sudo starts
    with its own HOME, so the one that is known no longer counts.
    """
    words, env = list(call.words), dict(call.env)
    while words:
        program = words[0].rpartition("/")[2]
        if program in ("command", "exec", "time", "nice", "nohup") and words[1:]:
            words.pop(0)
        elif program == "sudo" and words[1:]:
            words.pop(0)
            env.pop("HOME", None)
        elif program == "env":
            words.pop(0)
            while words and (match := _ASSIGNMENT.fullmatch(words[0])):
                env[match["name"]] = match["value"]
                words.pop(0)
        else:
            break
    if not words or words[0].startswith("-"):
        return None
    return replace(call, words=tuple(words), env=env)


def _not_covered(call: Call) -> Obstacle | None:
    program = _WRAPPERS.get(call.program, call.program)
    verbs = _INSTALLERS.get(program)
    rest = " ".join(call.words[1:])
    if verbs is None or _NAMED_ONLY.search(rest):
        return None
    bare = " ".join(word for word in call.words[1:] if not word.startswith("-"))
    matches = any(
        _starts(bare, verb) or (program in ("mvn", "gradle", "sbt") and verb in bare.split())
        for verb in verbs
        if verb
    )
    flagged = any(verb.startswith("-") and verb in call.words for verb in verbs)
    if not matches and not flagged and not ("" in verbs and not bare):
        return None
    return Obstacle(
        "package-manager-not-covered",
        f"`{' '.join(call.words)}` installs with {program}, whose inputs dockopt does not know.",
        f"Copy the manifests that {program} reads above the command yourself.",
    )


def _starts(text: str, verb: str) -> bool:
    return text == verb or text.startswith(verb + " ")
