"""Commands and images that people develop, test and work with, by what they are called.

What is here tells that an image is meant to keep its tools. A server that serves as well in
production as in development (``manage.py runserver``, ``flask run``, ``rails server``) is no sign.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final, Literal, TypeAlias

from optimizer.knowledge.launchers import TEST_RUNNERS

Use: TypeAlias = Literal["development", "test", "toolbox"]

_WATCHERS: Final = (
    # Documentation of each: they start a program again when a source changes.
    r"nodemon|ts-node-dev|tsnd|air|realize|gow|CompileDaemon|reflex|watchexec|entr|watchmedo|guard"
    r"|fresh|modd|skaffold|tilt|webpack-dev-server|browser-sync|livereload|hupper"
)
_EDITORS: Final = r"jupyter|jupyter-(?:lab|notebook)|code-server|openvscode-server|rstudio-server"
_SHELLS: Final = r"(?:ba|da|a|z|fi|k)?sh"
_INTERPRETERS: Final = (
    r"python[\d.]*|ipython|bpython|pypy[\d.]*|node|nodejs|ruby|irb|php[\d.]*|perl|lua|julia|jshell"
    r"|iex|ghci|R|deno|bun"
)

_LINES: Final[Mapping[Use, tuple[str, ...]]] = {
    # The documentation of each: it starts a program again when a source changes, or is made to be
    # worked in. The second line keeps a container alive for `docker exec`.
    "development": (
        rf"(?:{_WATCHERS}|{_EDITORS})(?: .*)?",
        r"sleep (?:infinity|inf|\d{5,}|\d+d)|tail -[fF] /dev/null",
        r"(?:npm|pnpm|yarn|bun)(?: run)?(?: -\S+)* (?:dev|develop|watch|debug|(?:start|serve):dev)"
        r"(?:[: ].*)?",
        r"(?:tsx|node|bun|deno run)(?: \S+)*? (?:--)?watch(?:[ =].*)?",
        r"(?:nest start|tsc|webpack|rollup)(?: \S+)*? (?:--watch|-w|watch)(?: .*)?",
        r"(?:uvicorn|gunicorn|hypercorn|granian|sanic|puma)(?: \S+)*? --(?:reload|dev|debug)"
        r"(?:[ =].*)?",
        r"fastapi dev(?: .*)?|flask(?: \S+)*? --(?:debug|reload)(?: .*)?",
        r"(?:cargo|dotnet) watch(?: .*)?|(?:foreman|honcho) start -f \S*dev\S*",
        r"(?:mvnw?|gradlew?) (?:.* )?(?:spring-boot:run|quarkus:dev|quarkusDev|--continuous|-t)"
        r"(?: .*)?",
    ),
    # Each tool's own command reference.
    "test": (
        rf"(?:{TEST_RUNNERS.pattern})(?: .*)?",
        r"(?:npm|pnpm|yarn|bun)(?: run)?(?: -\S+)* (?:t|tst|test|tests|e2e|lint|coverage)"
        r"(?:[: ].*)?",
        r"(?:go|cargo|mvnw?|gradlew?|dotnet|mix|swift|sbt|make|rake|composer|deno|bazel|rails)"
        r"(?: -\S+)* (?:test|tests|spec|verify|check)(?: .*)?",
        r"python[\d.]* -m (?:pytest|unittest|tox|nox|coverage|behave)(?: .*)?",
        r"(?:python[\d.]* |php )?\S*(?:manage\.py|artisan) test(?: .*)?",
    ),
    # Prompts for whoever starts the container.
    "toolbox": (
        rf"(?:{_SHELLS})(?: -(?:i|l|il|li|-login|-interactive))*",
        rf"(?:{_INTERPRETERS})(?: -[iuO])?",
    ),
}
_PATTERNS: Final = tuple((use, re.compile("|".join(lines))) for use, lines in _LINES.items())
_LONGEST: Final = 1_000

_SERVERS: Final = re.compile(
    r"(?:react-scripts|react-app-rewired|craco) start(?: .*)?|ng serve(?: .*)?"
    r"|vue-cli-service serve(?: .*)?|vite(?: (?:dev|serve|-.*))?|next dev(?: .*)?"
    r"|nuxi? dev(?: .*)?|nuxt dev(?: .*)?|gatsby develop(?: .*)?|astro dev(?: .*)?"
    r"|webpack serve(?: .*)?|parcel(?: serve)?(?: \S+\.html.*)?|ember serve(?: .*)?"
)
"""Development servers of front ends: they watch the sources and build in memory."""

_INSTALLS: Final = re.compile(
    # Each tool's own command reference.
    r"(?:python[\d.]* -m )?(?:pip[\d.]*|pipx)(?: -\S+)* (?:install|wheel)(?: .*)?"
    r"|uv(?: -\S+)* (?:sync|add|pip (?:install|sync))(?: .*)?"
    r"|(?:poetry|pdm|pipenv)(?: -\S+)* (?:install|sync|add|update)(?: .*)?"
    r"|(?:conda|mamba|micromamba)(?: -\S+)* (?:install|update|env (?:update|create))(?: .*)?"
    r"|(?:npm|pnpm|yarn|yarnpkg|bun)(?: -\S+)*"
    r" (?:i|in|install|ci|clean-install|add|rb|rebuild|up|update|upgrade)(?: .*)?"
    r"|yarn|node-gyp(?: .*)?|node-pre-gyp(?: .*)?|electron-rebuild(?: .*)?"
    r"|(?:npx|yarn|pnpm exec) (?:-\S+ )*(?:node-gyp|node-pre-gyp)(?: .*)?"
    r"|bundle(?:r)?(?: (?:install|update)(?: .*)?)?|gem install(?: .*)?"
    r"|(?:pecl|pear) install(?: .*)?|docker-php-ext-install(?: .*)?|phpize"
    r"|luarocks install(?: .*)?|cpanm?(?: .*)?|(?:mix|rebar3?) (?:deps\.\w+|compile)(?: .*)?"
)
"""Commands that install packages from sources where no finished ones fit, or compile them anew."""

_NAME_WORDS: Final[dict[str, Use]] = {
    **dict.fromkeys(
        ("dev", "devel", "develop", "development", "devcontainer", "debug", "local", "workspace"),
        "development",
    ),
    **dict.fromkeys(("test", "tests", "testing", "tester", "e2e", "lint", "unittest"), "test"),
    **dict.fromkeys(("ci", "toolbox", "tools", "toolchain", "devtools"), "toolbox"),
}

_DEV_IMAGES: Final = re.compile(
    r"mcr\.microsoft\.com/(?:vscode/)?devcontainers/.+|gitpod/workspace-.+"
    r"|codercom/.+|jupyter/.+-notebook|quay\.io/jupyter/.+|cimg/.+|circleci/.+"
    r"|ghcr\.io/catthehacker/.+"
)
"""Images that are made to be worked in: containers.dev, gitpod.io, coder.com, jupyter's docker
stacks, and CircleCI's convenience images."""

_PROMPT_IMAGES: Final = frozenset(
    ("debian", "ubuntu", "alpine", "fedora", "centos", "amazonlinux", "almalinux", "rockylinux",
     "archlinux", "busybox", "buildpack-deps", "python", "node", "ruby", "golang", "rust",
     "openjdk",
     "eclipse-temurin", "amazoncorretto", "maven", "gradle", "elixir", "perl", "gcc", "swift",
     "composer", "oven/bun", "mcr.microsoft.com/dotnet/sdk", "mcr.microsoft.com/dotnet/runtime",
     "mcr.microsoft.com/dotnet/aspnet")
)  # fmt: skip
"""Images whose own CMD is a shell or an interpreter (their Dockerfiles, docker-library and each
publisher's)."""


def use_of_command(words: Sequence[str]) -> Use | None:
    """Returns what a command is for where it is not for running the program."""
    line = _line(words)
    return next((use for use, pattern in _PATTERNS if pattern.fullmatch(line)), None)


def is_front_end_server(words: Sequence[str]) -> bool:
    """Tells whether a command starts the development server of a front end."""
    return _SERVERS.fullmatch(_line(words)) is not None


def may_compile_packages(words: Sequence[str]) -> bool:
    """Tells whether a command installs packages of a language, which may be compiled then."""
    return _INSTALLS.fullmatch(_line(words)) is not None


def _line(words: Sequence[str]) -> str:
    program = words[0].rpartition("/")[2] if words else ""
    return " ".join((program, *words[1:]))[:_LONGEST]


def use_of_name(name: str) -> Use | None:
    """Returns what a Dockerfile, folder or stage is for by a word of its name."""
    for word in re.split(r"[._-]", name.lower()):
        if word in _NAME_WORDS:
            return _NAME_WORDS[word]
    return None


def is_development_image(name: str) -> bool:
    """Tells whether an image (familiar name) is made to be worked in."""
    return _DEV_IMAGES.fullmatch(name) is not None


def starts_a_prompt(name: str) -> bool:
    """Tells whether an image (familiar name) starts a shell or an interpreter by itself."""
    return name in _PROMPT_IMAGES
