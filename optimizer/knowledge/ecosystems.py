"""The ecosystems whose installs dockopt knows, and the installers of all others by name.

`recognise` answers for every command that installs dependencies: with the
ecosystem that knows it, or with an obstacle that says nobody here does.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib import import_module
from typing import Any

from optimizer.knowledge.installs import (
    Call,
    DownloadCache,
    Ecosystem,
    Files,
    Inputs,
    Install,
    Obstacle,
    Touch,
)


@dataclass(frozen=True, slots=True)
class _Known:
    """A module of this room that knows an ecosystem, and the programs that it knows."""

    module: str
    programs: re.Pattern[str]


ECOSYSTEMS: Mapping[str, _Known] = {
    "npm": _Known("node.npm", re.compile(r"npm|corepack")),
    "yarn": _Known("node.yarn", re.compile(r"yarn|yarnpkg")),
    "pnpm": _Known("node.pnpm", re.compile(r"pnpm")),
    "bun": _Known("node.bun", re.compile(r"bun")),
    "pip": _Known("python.pip", re.compile(r"pip[\d.]*|python[\d.]*|pypy[\d.]*|uv")),
    "go": _Known("go.modules", re.compile(r"(?:xx-)?go")),
    "cargo": _Known("rust.cargo", re.compile(r"cargo")),
    "mvn": _Known("jvm.maven", re.compile(r"mvnw?|(?:ba|da|a)?sh")),
    "gradle": _Known("jvm.gradle", re.compile(r"gradlew?|(?:ba|da|a)?sh")),
    "sbt": _Known("jvm.sbt", re.compile(r"sbt")),
    "bundle": _Known("ruby.bundler", re.compile(r"bundler?")),
    "dotnet": _Known("dotnet.restore", re.compile(r"dotnet")),
    "mix": _Known("elixir.mix", re.compile(r"mix")),
    "composer": _Known("php.composer", re.compile(r"composer(?:\.phar)?|php[\d.]*")),
    "uv": _Known("python.uv", re.compile(r"uv")),
    "poetry": _Known("python.poetry", re.compile(r"poetry")),
    "pipenv": _Known("python.pipenv", re.compile(r"pipenv")),
    "pdm": _Known("python.pdm", re.compile(r"pdm")),
    "conda": _Known("python.conda", re.compile(r"conda|mamba|micromamba")),
}
"""The ecosystems by their module's ``NAME``.

A module is loaded when one of its programs is met, so a file that uses one package
manager does not pay for the others.
"""


def ecosystem(name: str) -> Ecosystem:
    """Returns the module that knows the ecosystem ``name``."""
    module: Any = import_module(f"optimizer.knowledge.{ECOSYSTEMS[name].module}")
    known: Ecosystem = module
    return known


# Installers whose inputs are not known yet: the verbs that install what a manifest names. An
# empty verb is the bare command. Sources: each tool's own command reference.
_INSTALLERS: Mapping[str, tuple[str, ...]] = {
    "deno": ("install", "cache"),
    "lerna": ("bootstrap", "clean-install"),
    "rush": ("install", "update"),
    "bower": ("install", "i"),
    "hatch": ("env create", "dep"),
    "rye": ("sync",),
    "pixi": ("install",),
    "nuget": ("restore",),
    "msbuild": ("restore",),
    "paket": ("restore", "install"),
    "rebar3": ("get-deps", "compile"),
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
# Commands of those installers that name what they install and read no manifest.
_NAMED_ONLY = re.compile(r"(?:^|\s)(?:global|-g|--global|--help|-h|--version|-v)(?=\s|$)")

_NAMES = tuple(sorted(name.casefold() for name in {*_INSTALLERS, *ECOSYSTEMS}))


def names_installer(text: str) -> bool:
    """Tells whether ``text`` names a package manager anywhere; cheap, and never wrongly False
    for a command that `recognise` takes for an install."""
    # One search for each name is ten times faster than one expression with all of them.
    folded = text.casefold()
    return any(name in folded for name in _NAMES)


STEERING = re.compile(
    r"pip_|uv_|poetry_|pipenv_|pdm_|conda_|mamba_|go(?:flags|path|modcache|work|env)$"
    r"|npm_config_(?!(?:target|arch|platform|libc|os|cpu|registry|loglevel|build_from_source|jobs"
    r"|fund|audit|progress|update_notifier|disturl|fetch_\w+|\w*(?:_target|_arch|_host|_token))$)"
    r"|pnpm_config_|bun_(?:install|config)"
    r"|yarn_(?!(?:version|registry|npm_\w+|http_\w+|https_proxy|network_\w+|\w*token)$)"
    r"|cargo_(?:home|source_\w+)$"
    r"|maven_(?:opts|args|config|basedir)$|gradle_(?:opts|user_home)$|sbt_opts$|j(?:ava|vm|dk)_opts$"
    r"|java_tool_options$|jdk_java_options$|_java_options$"
    r"|bundle_(?:gemfile|app_config|path|cache_path|local_.*|user_.*)$|rubyopt$|gem_home$"
    r"|composer(?:$|_home|_vendor_dir|_bin_dir|_cache_dir|_mirror_path_repos)|mix_",
    re.IGNORECASE,
)
"""Names of variables that change which files an install reads. Sources: the pages of each package
manager on its environment variables (pip's user guide, npm's "Config", the settings of Yarn and
pnpm, bun's "bunfig.toml", uv, poetry, ``go help environment``, Cargo's book, Maven's "Configuring
Apache Maven", Gradle's "Build Environment", sbt's "Command line reference", bundle-config(1),
Composer, Mix), and java(1). What native packages are built for and where packages come from
(npm's registry, target, arch; Yarn's npm* and http* settings) names no file."""

_ASSIGNMENT = re.compile(r"(?P<name>[A-Za-z_]\w*)=(?P<value>.*)", re.DOTALL)


def recognise(call: Call) -> Install | Touch | Obstacle | None:
    """Says what ``call`` is to the package managers, programs such as ``env`` in front taken off.

    None: no package manager's command that dockopt knows of.
    """
    bare = unwrapped(call)
    if bare is None:
        return None
    for known in _of(bare):
        answer = known.recognise(bare)
        if answer is not None:
            return answer
    return _not_covered(bare)


def dependency_step(call: Call, files: Files) -> Install | Obstacle | None:
    """Returns the command that brings in the dependencies of what ``call`` builds, as its
    ecosystem knows it; see `Ecosystem.dependency_step`."""
    bare = unwrapped(call)
    answers = (known.dependency_step(bare, files) for known in _of(bare)) if bare else iter(())
    return next((answer for answer in answers if answer is not None), None)


def download_caches(call: Call) -> tuple[DownloadCache, ...]:
    """Returns where ``call`` keeps its downloads; see `Ecosystem.download_caches`."""
    bare = unwrapped(call)
    if bare is None:
        return ()
    return tuple(cache for known in _of(bare) for cache in known.download_caches(bare))


def _of(call: Call) -> Iterator[Ecosystem]:
    """Yields the ecosystems that know the program of ``call``."""
    return map(ecosystem, _names_of(call.program))


@lru_cache(maxsize=1024)
def _names_of(program: str) -> tuple[str, ...]:
    found = ECOSYSTEMS.items()
    return tuple(name for name, known in found if known.programs.fullmatch(program))


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
    program = call.program
    verbs = _INSTALLERS.get(program)
    rest = " ".join(call.words[1:])
    if verbs is None or _NAMED_ONLY.search(rest):
        return None
    bare = " ".join(word for word in call.words[1:] if not word.startswith("-"))
    matches = any(_starts(bare, verb) for verb in verbs if verb)
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
