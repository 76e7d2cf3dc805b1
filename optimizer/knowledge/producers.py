"""The modules that know what commands leave for the run time.

A module is loaded when one of its programs is met, so a file pays only for what it uses.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any

from optimizer.knowledge.installs import Call, Files, Obstacle
from optimizer.knowledge.products import Made, Precompiled, Producer, Product, Pruned

PRODUCERS: Mapping[str, re.Pattern[str]] = {
    "python.products": re.compile(r"pip[\d.]*|python[\d.]*|uv|virtualenv|pybabel"),
    "python.project_products": re.compile(r"uv|poetry|pipenv|pdm|conda|mamba|micromamba"),
    "go.products": re.compile(r"(?:xx-)?go"),
    "rust.products": re.compile(r"cargo"),
    "c.products": re.compile(
        r"g?make|cmake|configure|meson|ninja|autoreconf"
        r"|(?:.*-)?(?:gcc|g\+\+|c\+\+|cc|clang|clang\+\+|c99)(?:-\d+(?:\.\d+)?)?"
    ),
    "jvm.products": re.compile(r"mvnw?|gradlew?|sbt|javac|jar|(?:ba|da|a)?sh"),
    "dotnet.products": re.compile(r"dotnet"),
    "elixir.products": re.compile(r"mix"),
    "carried": re.compile(r"cp|mv|install|ln|strip|upx|rm"),
    "node.products": re.compile(
        r"npm|npx|yarn|yarnpkg|pnpm|pnpx|bun|bunx|corepack|node|tsc|vite|webpack|webpack-cli|rspack"
        r"|rollup|esbuild|tsup|unbuild|parcel|next|nuxt|nuxi|react-scripts|craco|vue-cli-service|ng"
        r"|nest|astro|gatsby|docusaurus|vitepress|eleventy|ember|remix|react-router|prisma|turbo"
        r"|lerna|nx|gulp|grunt|babel|swc|tailwindcss|run-s|run-p|npm-run-all|cross-env"
    ),
    "php.products": re.compile(
        r"composer(?:\.phar)?|php[\d.]*|docker-php-ext-(?:install|configure|enable)"
        r"|docker-php-source|pecl|install-php-extensions"
    ),
    "ruby.products": re.compile(r"bundle|bundler|gem|rails|rake|bootsnap"),
}
"""By the module's name below `optimizer.knowledge`, the programs that it knows."""


def product(call: Call, made: Made) -> Product | Obstacle | None:
    """Says what ``call`` leaves for the run time, as the first module that knows it does."""
    for name, programs in PRODUCERS.items():
        if programs.fullmatch(call.program):
            module: Any = import_module(f"optimizer.knowledge.{name}")
            producer: Producer = module
            answer = producer.product(call, made)
            if answer is not None:
                return answer
    return None


def pruned(call: Call, files: Files) -> Pruned | Obstacle | None:
    """Says out of which project ``call`` takes what is for development alone, as
    `optimizer.knowledge.node.pruned` does."""
    if call.program not in ("npm", "pnpm", "yarn", "yarnpkg"):
        return None
    module: Any = import_module("optimizer.knowledge.node.pruned")
    answer: Pruned | Obstacle | None = module.pruned(call, files)
    return answer


def spares(call: Call, files: Files, modules: Sequence[str]) -> bool:
    """Tells whether a build of Node.js is known to leave what lies in ``modules`` as it is."""
    if not PRODUCERS["node.products"].fullmatch(call.program):
        return False
    module: Any = import_module("optimizer.knowledge.node.pruned")
    answer: bool = module.spares(call, files, modules)
    return answer


def precompiled(call: Call, made: Made) -> Precompiled | Obstacle | None:
    """Says what ``call`` compiles of the standard library of Go, as
    `optimizer.knowledge.go.standard_library` does."""
    if call.program != "go":
        return None
    module: Any = import_module("optimizer.knowledge.go.standard_library")
    answer: Precompiled | Obstacle | None = module.precompiled(call, made)
    return answer


def together(found: Sequence[Precompiled]) -> Precompiled:
    """Returns what builds with the same flags compile together."""
    module: Any = import_module("optimizer.knowledge.go.standard_library")
    answer: Precompiled = module.together(found)
    return answer


def is_precompiling(call: Call) -> bool:
    """Tells whether ``call`` compiles packages of the standard library of Go alone."""
    if call.program != "go" or "build" not in call.words:
        return False
    module: Any = import_module("optimizer.knowledge.go.standard_library")
    answer: bool = module.is_precompiling(call)
    return answer
