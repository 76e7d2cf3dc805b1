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
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import pytest

from optimizer.verify.builders import REPOSITORY
from tests.engine.bases import LABEL, make_room, provide, stand_ins_named_in
from tests.engine.build import build
from tests.engine.daemon import Engine
from tests.engine.sizes import image_bytes, predicted, rewritten

pytestmark = pytest.mark.engine

ROOT = Path(__file__).resolve().parents[2]
APPS = ROOT / "fixtures" / "apps"
ANSWERS = {
    "bun-workspaces": "The moon is waxing.",
    "c-make": "3a1b2c1d",
    "c-png": " 211   P   N   G  \\r  \\n 032  \\n",
    "cmake-yaml": "monday: lentil soup\ntuesday: dumplings",
    "cron-shell": "15 3 * * * /app/bin/report > /var/log/report.txt\nBo\t30\nInes\t20\n",
    "django-collectstatic": "<li>Emma</li><li>Middlemarch</li>",
    "express-native": '["one"]',
    "fastapi-uv": '{"place":"Lisboa","sunrise":"06:11 WEST"}',
    "flask-postgres": "<code>SELECT * FROM books WHERE title = 'Emma'</code>",
    "flask-web": "<li>pancakes: flour, milk, eggs</li>",
    "go-almanac": "<time>14:00 CEST</time>",
    "go-embed": "<main><h1>Notes</h1>",
    "go-get-tool": "creme-brulee",
    "go-sqlite": "wren 2",
    "go-web": "1.5s 1m2s",
    "go-workspace": "0.3.1: Don't communicate by sharing memory",
    "java-jar": "{one=1, two=2}",
    "maven-jar": "09:12",
    "maven-modules": "Tide table\n==========",
    "maven-words": "Bread And Butter",
    "npm-typescript": "Hello Ada, after 2 hours.",
    "npm-views": "<li><b>Amira</b>: Thank you &amp; see you soon</li>",
    "npm-workspaces": "<tr><td>bread &amp; butter</td><td>3.20</td></tr>",
    "php-vendored": '<a href="/bakery-opens-on-elm-street">Bakery opens on Elm Street</a>',
    "pip-psycopg2": "INSERT INTO accounts VALUES ('O''Hara', 1200);",
    "pip-report": "bread       21\ncake         3",
    "pnpm-catalog-patched": "fortnight is 14 days",
    "pnpm-typescript": '{"metres":1.829}',
    "ruby-bundler": "A frog jumps into the pond",
    "rust-quotes": "Make each program do one thing well.",
    "vite-serve": "<title>Moon phases</title>",
    "vite-static": "<title>Tide table</title>",
    "yarn-berry-patched": "14 days",
    "yarn-classic-workspaces": "<li><time>04:12</time> 3.1 m</li>",
}
"""What each application says, or a part of it."""

Change = tuple[str, str]
"""A transform and what it promises."""

SPLIT, SWAP = ("split-builder-stage", "same-behavior"), ("swap-slim-base", "changes-image")
MANIFESTS, ORDER = ("copy-manifests-first", "same-image"), ("order-by-volatility", "same-image")
MANIFESTS_OF_WRITERS = ("copy-manifests-first", "same-behavior")
"""Their install sets the mode of a program, or changes the lockfile."""
NOISE, LISTS = ("ignore-noise", "same-behavior"), ("drop-package-lists", "same-behavior")
LIBRARY, PRUNE = (
    ("compile-standard-library-first", "same-image"),
    ("prune-in-own-stage", "same-behavior"),
)
SKIP = ("skip-recommended-packages", "changes-image")
MOUNT = ("mount-package-cache", "same-image")
MOUNT_IN_IMAGE = ("mount-package-cache", "same-behavior")
"""The downloads, or what the package manager writes beside them, were in the final image."""
CHANGES: Mapping[str, tuple[Change, ...]] = {
    "bun-workspaces": (MANIFESTS, MOUNT_IN_IMAGE),
    "c-make": (SPLIT, SWAP),
    "c-png": (),
    "cmake-yaml": (SPLIT, MOUNT, MOUNT_IN_IMAGE),
    "cron-shell": (ORDER, LISTS, MOUNT_IN_IMAGE),
    "django-collectstatic": (NOISE, SPLIT, SWAP, MANIFESTS, MOUNT),
    "express-native": (SPLIT, SWAP, MOUNT),
    "fastapi-uv": (SPLIT, SWAP, MOUNT, MOUNT),
    "flask-postgres": (SPLIT, SWAP, SKIP, MOUNT, MOUNT, MOUNT_IN_IMAGE),
    "flask-web": (MANIFESTS, MOUNT),
    "go-almanac": (SPLIT, SWAP, LIBRARY),
    "go-embed": (SPLIT, SWAP, MANIFESTS, LIBRARY),
    "go-get-tool": (MANIFESTS,),
    "go-sqlite": (SPLIT, SWAP, MANIFESTS, LIBRARY, MOUNT, MOUNT_IN_IMAGE),
    "go-web": (SPLIT, SWAP, LIBRARY),
    "go-workspace": (MANIFESTS, LIBRARY),
    "java-jar": (),
    "maven-jar": (NOISE, SPLIT, SWAP, MANIFESTS),
    "maven-modules": (MANIFESTS,),
    "maven-words": (MANIFESTS,),
    "npm-typescript": (SPLIT, SWAP, MANIFESTS, PRUNE, MOUNT),
    "npm-views": (SPLIT, SWAP, MANIFESTS_OF_WRITERS, PRUNE, MOUNT, MOUNT_IN_IMAGE),
    "npm-workspaces": (SPLIT, SWAP, MOUNT),
    "php-vendored": (),
    "pip-psycopg2": (NOISE, SPLIT, SWAP, MOUNT, MOUNT_IN_IMAGE),
    "pip-report": (MANIFESTS, MOUNT_IN_IMAGE),
    "pnpm-catalog-patched": (MANIFESTS, MOUNT_IN_IMAGE, MOUNT_IN_IMAGE),
    "pnpm-typescript": (SPLIT, SWAP, MANIFESTS, PRUNE, MOUNT),
    "ruby-bundler": (SPLIT, SWAP),
    "rust-quotes": (SPLIT, SWAP),
    # The build shows that the xsel which `serve` brings along wants libx11-6.
    "vite-serve": (SPLIT, SWAP, MANIFESTS_OF_WRITERS, PRUNE, MOUNT, MOUNT_IN_IMAGE),
    "vite-static": (MANIFESTS, MOUNT),
    "yarn-berry-patched": (MANIFESTS, MOUNT_IN_IMAGE),
    "yarn-classic-workspaces": (MANIFESTS_OF_WRITERS, MOUNT_IN_IMAGE, MOUNT_IN_IMAGE),
}
"""What dockopt does to each of them, in order; those with nothing are built as they stand."""

FEWEST = 15
"""So many applications that are made smaller have to be built before their median says anything."""

LEAST_SMALLER = 0.7
"""The part of the image that has to be gone, at the median of those that are split or swapped."""

LARGEST_ERROR = 2
"""How many times a predicted size may be the measured one, or the other way round."""

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


@dataclass(frozen=True)
class Weight:
    """The bytes of an application's image before and after, as predicted and as measured."""

    predicted: tuple[int | None, int | None]
    measured: tuple[int, int]


@pytest.fixture(scope="module")
def weights() -> dict[str, Weight]:
    """What the applications weigh that were built so far."""
    return {}


def weight(engine: Engine, context: Path, file: Mapping[str, Any], images: Sequence[str]) -> Weight:
    guesses = [predicted(engine, context, file[side]) for side in ("before", "after")]
    sizes = [image_bytes(engine, image) or 0 for image in (images[0], images[-1])]
    return Weight((guesses[0], guesses[1]), (sizes[0], sizes[1]))


def settings(engine: Engine, image: str) -> Mapping[str, Any]:
    """Returns the configuration of an image but for its variables, which a smaller base does not
    have all of (the version of a compiler), and the label that names a stand-in."""
    inspected = engine.docker("image", "inspect", "--format={{json .Config}}", image)
    config: dict[str, Any] = json.loads(inspected.stdout)
    labels = {name: value for name, value in (config.get("Labels") or {}).items() if name != LABEL}
    return {**config, "Env": None, "Labels": labels}


def test_every_application_has_an_answer() -> None:
    assert {folder.name for folder in APPS.iterdir()} == set(ANSWERS) == set(CHANGES)


@pytest.mark.parametrize("app", sorted(ANSWERS))
def test_application_works_and_every_promise_holds(
    app: str, engine: Engine, context: Path, weights: dict[str, Weight]
) -> None:
    """dockopt builds original and rewrite, compares the images byte for byte, and runs the smoke
    command in both; here it runs in both once more, and has to say what it should."""
    shutil.copytree(APPS / app, context, symlinks=True, dirs_exist_ok=True)
    # A test that failed has left its images.
    engine.docker("image", "rm", "--force", *kept_images(engine))
    make_room(engine)
    provide(engine, stand_ins_named_in((context / "Dockerfile").read_text()))
    provide(engine, stand_ins_named_in(rewritten(context)["after"]))
    file = fixed(engine, context)
    refused = {held["code"] for held in file["held"]}
    assert refused.isdisjoint({"build-broke-promise", "build-could-not-tell"}), file["held"]
    assert all(change["confirmed"] for change in file["applied"])
    applied = [(change["transform"], change["safety"]) for change in file["applied"]]
    assert applied == list(CHANGES[app])
    images = kept_images(engine)
    # The original twice, and the rewrite.
    assert len(images) >= 3 if file["applied"] else not images
    images = images or [as_it_stands(engine, app, context)]
    try:
        for image in (images[0], images[-1]):
            assert ANSWERS[app] in answer(engine, app, image)
        if {SPLIT, SWAP} & set(CHANGES[app]):
            weights[app] = weight(engine, context, file, images)
            assert settings(engine, images[0]) == settings(engine, images[-1])
    finally:
        engine.docker("image", "rm", "--force", *images)


def test_images_are_smaller_and_as_large_as_predicted(weights: Mapping[str, Weight]) -> None:
    """Holds the applications above to the floors; the command ``sizes`` prints the table."""
    if len(weights) < FEWEST:
        pytest.skip("too few of the applications were built")
    gone = [1 - each.measured[1] / each.measured[0] for each in weights.values()]
    assert median(gone) >= LEAST_SMALLER
    for app, each in weights.items():
        for guess, size in zip(each.predicted, each.measured, strict=True):
            assert guess is not None, app
            assert size / LARGEST_ERROR <= guess <= size * LARGEST_ERROR, app
