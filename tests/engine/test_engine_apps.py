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

from tests.engine.bases import provide, stand_ins_named_in
from tests.engine.build import build
from tests.engine.daemon import Engine

pytestmark = pytest.mark.engine

ROOT = Path(__file__).resolve().parents[2]
APPS = ROOT / "fixtures" / "apps"
ANSWERS = {
    "c-make": "3a1b2c1d",
    "cron-shell": "15 3 * * * /app/bin/report > /var/log/report.txt\nBo\t30\nInes\t20\n",
    "django-collectstatic": "<li>Emma</li><li>Middlemarch</li>",
    "express-native": '["one"]',
    "flask-web": "<li>pancakes: flour, milk, eggs</li>",
    "go-embed": "<main><h1>Notes</h1>",
    "go-web": "1.5s 1m2s",
    "java-jar": "{one=1, two=2}",
    "npm-typescript": "Hello Ada, after 2 hours.",
    "npm-workspaces": "<tr><td>bread &amp; butter</td><td>3.20</td></tr>",
    "php-vendored": '<a href="/bakery-opens-on-elm-street">Bakery opens on Elm Street</a>',
    "pip-psycopg2": "INSERT INTO accounts VALUES ('O''Hara', 1200);",
    "ruby-bundler": "A frog jumps into the pond",
    "vite-static": "<title>Tide table</title>",
}
"""What each application says, or a part of it."""

REWRITTEN = {
    "django-collectstatic",
    "express-native",
    "flask-web",
    "go-embed",
    "npm-typescript",
    "npm-workspaces",
    "pip-psycopg2",
    "vite-static",
}
"""Those in which dockopt copies the manifests first, at least."""

VERIFY_SECONDS = 900


def smoke(engine: Engine, app: str, image: str) -> str:
    """Runs the application's smoke command in an image without any network; returns its words."""
    command = tomllib.loads((APPS / app / "dockopt.toml").read_text())["smoke"]
    shell = ["--entrypoint", "/bin/sh", image, "-c", command]
    done = engine.docker("run", "--rm", "--network", "none", *shell)
    assert done.returncode == 0, done.stderr.decode(errors="replace")
    return done.stdout.decode()


def verified(engine: Engine, context: Path) -> Sequence[dict[str, Any]]:
    """Returns what ``dockopt verify`` says of the Dockerfile; what it built is still there."""
    command = [*(sys.executable, "-m", "optimizer", "verify", "--format", "json", "--keep")]
    done = subprocess.run(
        [*command, "--network", "host", str(context / "Dockerfile")],
        cwd=ROOT,
        env=dict(engine.environment),
        capture_output=True,
        timeout=VERIFY_SECONDS,
        check=False,
    )
    assert done.returncode in (0, 1), done.stderr.decode(errors="replace")
    found: Sequence[dict[str, Any]] = json.loads(done.stdout)["verified"]
    return found


def as_it_stands(engine: Engine, app: str, context: Path) -> str:
    """Builds the application as it stands; returns the name of its image."""
    tag = f"dockopt-app-{app}"
    built = build(engine, context, no_cache=True, tag=tag)
    assert built.ok, built.log
    return tag


def test_every_application_has_an_answer() -> None:
    assert {folder.name for folder in APPS.iterdir()} == set(ANSWERS)


@pytest.mark.parametrize("app", sorted(ANSWERS))
def test_application_works_and_every_promise_holds(app: str, engine: Engine, context: Path) -> None:
    shutil.copytree(APPS / app, context, symlinks=True, dirs_exist_ok=True)
    provide(engine, stand_ins_named_in((context / "Dockerfile").read_text()))
    found = verified(engine, context)
    changes = [change for each in found for change in each["changes"]]
    assert [change for change in changes if change["verdict"] != "kept"] == []
    assert bool(changes) or app not in REWRITTEN
    images = [name for each in found for name in each["kept_images"]]
    images = images or [as_it_stands(engine, app, context)]
    try:
        said = {smoke(engine, app, images[0]), smoke(engine, app, images[-1])}
        assert len(said) == 1
        assert ANSWERS[app] in said.pop()
    finally:
        engine.docker("image", "rm", "--force", *images)
