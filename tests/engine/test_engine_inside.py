"""The languages of the little applications, asked inside their own images: what the original
passes, it passes again, and what is taken away is named."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TypeAlias

import pytest

from optimizer.context.tree import BuildContext
from optimizer.verify.archive import Reader
from optimizer.verify.builders import Built, Order
from optimizer.verify.buildkit import Buildx
from optimizer.verify.checks import read_manifests
from optimizer.verify.containers import Containers
from optimizer.verify.facts import facts
from optimizer.verify.inside import inside
from optimizer.verify.judge import Builds
from optimizer.verify.promises import Check
from tests.engine.bases import provide, stand_ins_named_in
from tests.engine.daemon import Engine
from tests.engine.measure import write

pytestmark = pytest.mark.engine

APPS = Path(__file__).resolve().parents[2] / "fixtures" / "apps"
Make: TypeAlias = Callable[[str], Built]

COMPOSER = "FROM php:8.2-cli\nRUN apt-get update && apt-get install -y composer\nCOPY . /app\n"

PROBES: Mapping[str, tuple[str, ...]] = {
    "express-native": ("require.resolve",),
    "java-jar": ("java --dry-run",),
    "php-vendored": ("php -m", "vendor/autoload.php"),
    "ruby-bundler": ("bundle check", "Bundler.require"),
    "flask-web": ("pip check", "import"),
    "npm-workspaces": ("require.resolve",),
}
"""What is asked in the image of each application."""

LOST = "libffi.so.8: cannot open shared object file"
WITHOUT_MAIN = (
    "WORKDIR /unpacked\nRUN jar xf /app/tally.jar && rm com/example/tally/Server*.class "
    "&& jar cfm /app/tally.jar META-INF/MANIFEST.MF com\nWORKDIR /app\n"
)
TAKEN = {
    "a-package-of-node": (
        "express-native",
        "RUN rm -r node_modules/express\n",
        "express cannot be resolved: Cannot find module 'express'",
    ),
    "the-main-class": (
        "java-jar",
        WITHOUT_MAIN,
        "java does not find the main class: "
        "Caused by: java.lang.ClassNotFoundException: com.example.tally.Server",
    ),
    "an-extension-of-php": (
        "php-vendored",
        "USER root\nRUN rm /etc/php/8.2/cli/conf.d/*-ctype.ini\nUSER www-data\n",
        "the PHP extension ctype is gone",
    ),
    "a-file-that-php-loads": (
        "php-vendored",
        "USER root\nRUN echo 'require \"gone.php\";' >> vendor/autoload.php\nUSER www-data\n",
        "vendor/autoload.php does not load: ",
    ),
    "a-gem": (
        "ruby-bundler",
        "RUN rm -r vendor/gems/haiku\n",
        "gems are missing: ",
    ),
    "a-library-of-a-gem": (
        "ruby-bundler",
        f"RUN echo \"raise LoadError, '{LOST}'\" > vendor/gems/haiku/lib/haiku.rb\n",
        f"the gems of the Gemfile cannot be loaded: LoadError: {LOST}",
    ),
    "a-package-of-python": (
        "flask-web",
        "RUN pip uninstall --yes itsdangerous\n",
        "requires itsdangerous, which is not installed.",
    ),
}


@pytest.fixture
def make(engine: Engine, context: Path) -> Iterator[Make]:
    """Builds a Dockerfile in the context; the images go at the end."""
    builder = Buildx(Reader(facts), environment=engine.environment)
    with Builds(builder, lambda which: lambda progress: None) as builds:

        def made(text: str) -> Built:
            provide(engine, stand_ins_named_in(text))
            order = Order(text, context, seconds=600, network="host", cold=False)
            built = builds.make(order, "")
            assert built.failed is None, built.failed
            return built

        yield made


def asked(engine: Engine, context: Path) -> Check:
    containers = Containers(("docker", "run"), engine.environment)
    return inside(containers, read_manifests(BuildContext(context)))


@pytest.mark.parametrize("app", PROBES)
def test_an_application_passes_what_it_is_asked(
    app: str, engine: Engine, context: Path, make: Make
) -> None:
    shutil.copytree(APPS / app, context, symlinks=True, dirs_exist_ok=True)
    built = make((context / "Dockerfile").read_text())
    verdict = asked(engine, context)(built, built)
    assert (verdict.outcome, verdict.findings) == ("kept", ())
    assert verdict.notes == tuple(
        f"`{probe}` says the same in both images" for probe in PROBES[app]
    )


@pytest.mark.parametrize("reason", TAKEN)
def test_what_is_taken_away_is_named(
    reason: str, engine: Engine, context: Path, make: Make
) -> None:
    app, lines, message = TAKEN[reason]
    shutil.copytree(APPS / app, context, symlinks=True, dirs_exist_ok=True)
    text = (context / "Dockerfile").read_text()
    verdict = asked(engine, context)(make(text), make(f"{text}{lines}"))
    assert verdict.outcome == "broken"
    assert message in verdict.findings[0].message
    assert "\n" not in verdict.findings[0].message


def test_composer_names_the_requirement(engine: Engine, context: Path, make: Make) -> None:
    required = '{"require": {"php": ">=8", "ext-ctype": "*"}, '
    write("composer.json", required + '"repositories": {"packagist": false}}')(context)
    text = f"{COMPOSER}WORKDIR /app\nRUN composer update --no-interaction\n"
    before = make(text)
    after = make(f"{text}RUN rm /etc/php/8.2/cli/conf.d/*-ctype.ini\n")
    check = asked(engine, context)
    assert check(before, before).findings == ()
    found = [each.message for each in check(before, after).findings]
    assert any(each.startswith("composer check-platform-reqs: ext-ctype") for each in found), found
