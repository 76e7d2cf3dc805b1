"""Little applications with the Dockerfiles people write: they build, they work, and whatever
dockopt makes of them keeps its promises.

An application is ``fixtures/apps/<name>/``: a build context with its Dockerfile and a
``dockopt.toml`` whose ``smoke`` starts it and asks it something, within one image.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from optimizer.verify.builders import REPOSITORY
from tests.engine.bases import make_room, provide, stand_ins_named_in
from tests.engine.build import build
from tests.engine.daemon import Engine

pytestmark = pytest.mark.engine

ROOT = Path(__file__).resolve().parents[2]
APPS = ROOT / "fixtures" / "apps"
ANSWERS = {
    "bun-workspaces": "The moon is waxing.",
    "c-make": "3a1b2c1d",
    "cron-shell": "15 3 * * * /app/bin/report > /var/log/report.txt\nBo\t30\nInes\t20\n",
    "django-collectstatic": "<li>Emma</li><li>Middlemarch</li>",
    "express-native": '["one"]',
    "flask-web": "<li>pancakes: flour, milk, eggs</li>",
    "go-embed": "<main><h1>Notes</h1>",
    "go-get-tool": "creme-brulee",
    "go-web": "1.5s 1m2s",
    "go-workspace": "0.3.1: Don't communicate by sharing memory",
    "java-jar": "{one=1, two=2}",
    "maven-modules": "Tide table\n==========",
    "maven-words": "Bread And Butter",
    "npm-typescript": "Hello Ada, after 2 hours.",
    "npm-workspaces": "<tr><td>bread &amp; butter</td><td>3.20</td></tr>",
    "php-vendored": '<a href="/bakery-opens-on-elm-street">Bakery opens on Elm Street</a>',
    "pnpm-catalog-patched": "fortnight is 14 days",
    "pip-psycopg2": "INSERT INTO accounts VALUES ('O''Hara', 1200);",
    "ruby-bundler": "A frog jumps into the pond",
    "vite-static": "<title>Tide table</title>",
    "yarn-berry-patched": "14 days",
    "yarn-classic-workspaces": "<li><time>04:12</time> 3.1 m</li>",
}
"""What each application says, or a part of it."""

REWRITTEN = {
    "cron-shell",
    "bun-workspaces",
    "django-collectstatic",
    "express-native",
    "flask-web",
    "go-embed",
    "go-get-tool",
    "go-workspace",
    "maven-modules",
    "maven-words",
    "npm-typescript",
    "npm-workspaces",
    "pip-psycopg2",
    "pnpm-catalog-patched",
    "vite-static",
    "yarn-berry-patched",
    "yarn-classic-workspaces",
}
"""Those that dockopt changes."""

SAME_BEHAVIOR = {"yarn-classic-workspaces"}
"""Of those, the ones of which no more is promised: their install sets the mode of a program."""

UNCHANGED = {"c-make", "go-web", "java-jar", "php-vendored", "ruby-bundler"}
"""Those that no transform has anything for. They are built as they stand."""

FIX_SECONDS = 900


def fixed(engine: Engine, context: Path) -> dict[str, Any]:
    """Returns what ``dockopt fix --verify`` says of the Dockerfile; what it built stays."""
    command = [*(sys.executable, "-m", "optimizer", "fix", "--verify", "--keep", "--measure", "0")]
    done = subprocess.run(
        [*command, "--format", "json", "--network", "host", str(context / "Dockerfile")],
        cwd=ROOT,
        env=dict(engine.environment),
        capture_output=True,
        timeout=FIX_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode(errors="replace")
    (file,) = json.loads(done.stdout)["files"]
    return dict(file)


def kept_images(engine: Engine) -> Sequence[str]:
    """Returns what builds left because of ``--keep``, the first one first."""
    images = engine.docker("images", "--format={{.Repository}}:{{.Tag}}", REPOSITORY)
    return images.stdout.decode().split()[::-1]


def as_it_stands(engine: Engine, app: str, context: Path) -> str:
    """Builds the application as it stands; returns the name of its image."""
    tag = f"dockopt-app-{app}"
    built = build(engine, context, no_cache=True, tag=tag)
    assert built.ok, built.log
    return tag


def answer(engine: Engine, app: str, image: str) -> str:
    """Runs the application's smoke command in an image without any network; returns its words."""
    command = tomllib.loads((APPS / app / "dockopt.toml").read_text())["smoke"]
    shell = ["--entrypoint", "/bin/sh", image, "-c", command]
    done = engine.docker("run", "--rm", "--network", "none", *shell)
    assert done.returncode == 0, done.stderr.decode(errors="replace")
    return done.stdout.decode()


def test_every_application_has_an_answer() -> None:
    assert {folder.name for folder in APPS.iterdir()} == set(ANSWERS) == REWRITTEN | UNCHANGED


@pytest.mark.parametrize("app", sorted(ANSWERS))
def test_application_works_and_every_promise_holds(app: str, engine: Engine, context: Path) -> None:
    """dockopt builds original and rewrite, compares the images byte for byte, and runs the smoke
    command in both; here it runs in both once more, and has to say what it should."""
    shutil.copytree(APPS / app, context, symlinks=True, dirs_exist_ok=True)
    # A test that failed has left its images.
    engine.docker("image", "rm", "--force", *kept_images(engine))
    make_room(engine)
    provide(engine, stand_ins_named_in((context / "Dockerfile").read_text()))
    file = fixed(engine, context)
    refused = {held["code"] for held in file["held"]}
    assert refused.isdisjoint({"build-broke-promise", "build-could-not-tell"}), file["held"]
    assert all(change["confirmed"] for change in file["applied"])
    if app in REWRITTEN:
        promise = "same-behavior" if app in SAME_BEHAVIOR else "same-image"
        assert {change["safety"] for change in file["applied"]} == {promise}
    images = kept_images(engine)
    # The original twice, and the rewrite.
    assert len(images) >= 3 if file["applied"] else not images
    images = images or [as_it_stands(engine, app, context)]
    try:
        for image in (images[0], images[-1]):
            assert ANSWERS[app] in answer(engine, app, image)
    finally:
        engine.docker("image", "rm", "--force", *images)
