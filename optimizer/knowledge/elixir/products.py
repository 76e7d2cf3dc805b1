"""What Mix leaves for the run time: releases.

Source: the documentation of `mix release` (":path", "Structure": ``_build/ENV/rel/NAME``) and of
Mix ("Environment variables": MIX_ENV, MIX_BUILD_PATH, MIX_BUILD_ROOT).
"""

from __future__ import annotations

import re

from optimizer.knowledge.artefacts import not_known, runs_sources
from optimizer.knowledge.build_only import Sources, only_for_building
from optimizer.knowledge.installs import HOLE, Call, Obstacle
from optimizer.knowledge.manifests import resolve
from optimizer.knowledge.products import Made, Product

_SOURCES = Sources(
    # Mix's own names, and those of the templates that Phoenix compiles ("Directory structure").
    re.compile(r".*\.(?:ex|exs|heex|eex|leex|erl|hrl)|mix\.lock|\.formatter\.exs|\.credo\.exs"),
    frozenset(("_build", "deps", "test")),
    re.compile(rb"__DIR__|__ENV__|File\.cwd"),
)
_LEAVES_NOTHING = re.compile(
    r"local\.(?:hex|rebar)|deps\.(?:get|compile|clean)|compile|test|phx\.digest|assets\.\w+|format"
    r"|esbuild\S*|tailwind\S*|sass\S*|archive\.install|phx\.gen\.release|hex\.\w+|deps"
)
_APP = re.compile(r"\bapp:\s*:(?P<name>\w+)")
_RELEASES = re.compile(r"\breleases:\s*(?:\[\s*(?P<name>\w+):)?")
_PATH = re.compile(r"\bpath:")


def product(call: Call, made: Made) -> Product | Obstacle | None:
    """Says what a `mix` command leaves; see `optimizer.knowledge.products.Producer`."""
    verb = next((word for word in call.words[1:] if not word.startswith("-")), "")
    blocked = runs_sources(call, made, "mix", "iex", "elixir")
    if verb != "release":
        known = _LEAVES_NOTHING.fullmatch(verb)
        return (blocked or Product((), compiles=verb != "deps.get")) if known else None
    return blocked or _release(call, made)


def _release(call: Call, made: Made) -> Product | Obstacle:
    if any(HOLE in word for word in call.words):
        return not_known(call, "which release it makes is not known before the build")
    place = _option(call, "--path")
    if place is None:
        place = _default(call, made)
    if place is None:
        return not_known(
            call,
            "mix.exs does not say in plain words where the release goes",
            "Name the folder: `mix release --path DIR`.",
            resolve(call.directory, "mix.exs"),
        )
    return Product(
        (resolve(call.directory, place),),
        linking="dynamic",
        ecosystem="hex",
        compiles=True,
        build_only=only_for_building(made.files, call.directory, _SOURCES, made.running),
    )


def _option(call: Call, name: str) -> str | None:
    for index, word in enumerate(call.words):
        if word.startswith(f"{name}="):
            return word.partition("=")[2]
        if word == name and index + 1 < len(call.words):
            return call.words[index + 1]
    return None


def _default(call: Call, made: Made) -> str | None:
    """Returns the folder of the release that is named, of the only one, or of the application."""
    env = call.env.get("MIX_ENV", "dev")
    if any(call.env.get(name) for name in ("MIX_BUILD_PATH", "MIX_BUILD_ROOT")) or HOLE in env:
        return None
    content = made.files.read(resolve(call.directory, "mix.exs"))
    text = re.sub(r"#[^\n]*", "", (content or b"").decode("utf-8", "replace"))
    release, app = _RELEASES.search(text), _APP.search(text)
    behind = call.words[call.words.index("release") + 1 :]
    named = next((word for word in behind if not word.startswith("-")), None)
    if release is not None and (_PATH.search(text, release.start()) or not release["name"]):
        return None
    name = named or (release["name"] if release else app["name"] if app else None)
    return f"_build/{env}/rel/{name}" if name else None
