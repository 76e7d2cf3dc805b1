"""Composer: which commands install, and what the manifests make them read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from optimizer.knowledge.installs import Call, Inputs, Install, Obstacle, Touch
from optimizer.knowledge.php import composer
from tests.knowledge.conftest import MemoryFiles

NO_LINKS = {"symlink": False}
LOCK: dict[str, Any] = {"packages": [], "packages-dev": []}


def project(manifest: Any = None, **more: Any) -> dict[str, Any]:
    return {
        "composer.json": {"name": "a/b", "require": {}, **(manifest or {})},
        "composer.lock": LOCK,
        "src/App.php": "<?php",
        **more,
    }


def plugin(name: str, **row: Any) -> dict[str, Any]:
    return {"packages": [{"name": name, "type": "composer-plugin", **row}], "packages-dev": []}


def step(command: str, files: Mapping[str, Any]) -> Install | Obstacle | None:
    content = {f"/app/{name}": text for name, text in files.items()}
    call = Call(tuple(command.split()), "/app")
    return composer.dependency_step(call, MemoryFiles(content))


@pytest.mark.parametrize(
    "command",
    ["composer install", "composer i --no-dev -o", "composer --no-dev --prefer-dist install",
     "php composer.phar install", "php -d memory_limit=-1 /usr/bin/composer install -n",
     "composer install --ignore-platform-req=ext-gd --ignore-platform-req php",
     "composer.phar install -d web", "composer install --working-dir=web -vvv --no-suggest"],
)  # fmt: skip
def test_installs_are_recognised(recognise: Any, command: str) -> None:
    assert isinstance(recognise(composer, command), Install)


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("composer update", "install-edits-manifest"),
        ("composer require a/b", "install-edits-manifest"),
        ("composer install a/b", "unknown-install-flag"),
        ("composer install --surprise", "unknown-install-flag"),
    ],
)
def test_commands_that_do_more_are_obstacles(recognise: Any, command: str, code: str) -> None:
    answer = recognise(composer, command)

    assert isinstance(answer, Obstacle)
    assert answer.code == code


@pytest.mark.parametrize(
    "command",
    ["composer global require a/b", "composer config -g github-oauth.github.com x",
     "composer config platform.php 8.2", "composer clear-cache", "composer self-update --2"],
)  # fmt: skip
def test_commands_beside_the_install_are_touches(recognise: Any, command: str) -> None:
    assert isinstance(recognise(composer, command), Touch)


@pytest.mark.parametrize(
    "command",
    ["composer dump-autoload -o", "composer dump-env prod", "php artisan config:cache",
     "php -r 1;", "composer run-script build", "composer --version", "php composer-setup.php"],
)  # fmt: skip
def test_other_commands_are_not_ours(recognise: Any, command: str) -> None:
    assert recognise(composer, command) is None


def test_settings_of_the_project_are_written_where_they_are(recognise: Any) -> None:
    local = recognise(composer, "composer config platform.php 8.2")
    assert "/app/composer.json" in local.writes
    assert "/app/composer.json" not in recognise(composer, "composer config -g a b").writes


PATCHES = {"patches": {"a/b": {"why": "patches/a.patch", "net": "https://example.org/b.patch"}}}


@pytest.mark.parametrize(
    ("reason", "files", "reads", "trees"),
    [
        ("plain", project(), [], []),
        ("psr-4 is no list of files", project({"autoload": {"psr-4": {"A\\": "src/"}}}), [], []),
        ("credentials", project(**{"auth.json": {}}), ["auth.json"], []),
        (
            "packages by path",
            project(
                {"repositories": [{"type": "path", "url": "../packages/*"}]},
                **{
                    "../packages/x/composer.json": {"name": "a/x", "bin": "cli"},
                    "../packages/x/cli": "",
                    "../packages/x/src/X.php": "",
                    "../packages/y/readme": "",
                },
            ),
            ["/packages/x/composer.json", "/packages/x/cli"],
            [],
        ),
        (
            "packages by path that are copied",
            project(
                {"repositories": {"x": {"type": "path", "url": "x", "options": NO_LINKS}}},
                **{"x/composer.json": {"name": "a/x"}, "x/X.php": ""},
            ),
            [],
            ["x"],
        ),
        (
            "archives",
            project({"repositories": [{"type": "artifact", "url": "zip/"}]}, **{"zip/a.zip": ""}),
            [],
            ["zip"],
        ),
        (
            "patches",
            project(
                {"extra": {**PATCHES, "patches-file": "more.json"}},
                **{
                    "composer.lock": plugin("cweagans/composer-patches"),
                    "patches/a.patch": "",
                    "patches/unused.patch": "",
                    "more.json": {"patches": {"a/c": ["c.diff"]}},
                    "c.diff": "",
                },
            ),
            ["patches/a.patch", "more.json", "c.diff"],
            [],
        ),
        (
            "merged manifests",
            project(
                {"extra": {"merge-plugin": {"include": ["modules/*/composer.json"]}}},
                **{
                    "composer.lock": plugin("wikimedia/composer-merge-plugin"),
                    "modules/a/composer.json": {"require": {}},
                    "modules/a/A.php": "",
                },
            ),
            ["modules/a/composer.json"],
            [],
        ),
        (
            "recipes of Symfony",
            project(
                {"require": {"symfony/flex": "*"}},
                **{"composer.lock": plugin("symfony/flex"), "symfony.lock": {}},
            ),
            ["symfony.lock"],
            [],
        ),
        (
            "a plugin that is turned off",
            project(
                {"config": {"allow-plugins": {"acme/p": False}}},
                **{"composer.lock": plugin("acme/p")},
            ),
            [],
            [],
        ),
        ("a phar of the project", project(**{"composer.phar": ""}), ["composer.phar"], []),
    ],
)  # fmt: skip
def test_files_that_the_install_reads(
    ask: Any, reason: str, files: dict[str, Any], reads: list[str], trees: list[str]
) -> None:
    files = {name.replace("../", "/"): text for name, text in files.items()}
    command = "php composer.phar install" if "composer.phar" in files else "composer install"

    answer = ask(composer, command, files)

    assert isinstance(answer, Inputs), (reason, answer)
    expected = {"composer.json", "composer.lock", *reads}
    assert set(answer.reads) == {p if p.startswith("/") else f"/app/{p}" for p in expected}
    assert answer.trees == tuple(f"/app/{tree}" for tree in trees)


@pytest.mark.parametrize(
    ("reason", "files", "code"),
    [
        ("classmap", project({"autoload": {"classmap": ["src"]}}), "install-reads-source"),
        ("dev classmap", project({"autoload-dev": {"classmap": ["t"]}}), "install-reads-source"),
        (
            "optimized",
            project({"autoload": {"psr-4": {"A\\": ""}}, "config": {"optimize-autoloader": True}}),
            "install-reads-source",
        ),
        (
            "script",
            project({"scripts": {"post-install-cmd": "make"}}),
            "install-script-reads-source",
        ),
        ("plugin", project(**{"composer.lock": plugin("acme/p")}), "install-script-reads-source"),
        (
            "recipes without a lockfile",
            project(**{"composer.lock": plugin("symfony/flex")}),
            "missing-lockfile",
        ),
        (
            "a patch that is not sent",
            project({"extra": PATCHES}, **{"composer.lock": plugin("cweagans/composer-patches")}),
            "manifest-outside-copy",
        ),
        (
            "a package that is not sent",
            project({"repositories": [{"type": "path", "url": "gone"}]}),
            "manifest-outside-copy",
        ),
        (
            "a path from a variable",
            project({"repositories": [{"type": "path", "url": "${HOME}/x"}]}),
            "unresolved-variable",
        ),
        (
            "a repository of the project",
            project({"repositories": [{"type": "vcs", "url": "./x"}]}),
            "local-dependency",
        ),
        ("version from git", project(**{".git/HEAD": "x"}), "version-from-git"),
        ("truncated", project(**{"composer.lock": '{\n  "packages": [\n'}), "unreadable-manifest"),
        ("no object", project(**{"composer.json": "[]"}), "unreadable-manifest"),
        ("too large", project(**{"composer.lock": None}), "unreadable-manifest"),
        ("nothing", {"src/App.php": ""}, "manifest-outside-copy"),
    ],
)  # fmt: skip
def test_installs_that_read_more_are_obstacles(
    ask: Any, reason: str, files: dict[str, Any], code: str
) -> None:
    answer = ask(composer, "composer install", files)

    assert isinstance(answer, Obstacle), (reason, answer)
    assert answer.code == code


def test_a_broken_lockfile_is_named_with_its_line(ask: Any) -> None:
    files = project(**{"composer.lock": '{\n  "packages": [\n    {,\n'})

    answer = ask(composer, "composer install", files)

    assert (answer.path, answer.line) == ("/app/composer.lock", 3)


def test_without_dev_packages_their_plugins_and_classes_do_not_count(ask: Any) -> None:
    lock = {"packages": [], "packages-dev": plugin("acme/p")["packages"]}
    manifest = {"autoload-dev": {"classmap": ["tests"]}}

    answer = ask(
        composer, "composer install --no-dev", project(manifest, **{"composer.lock": lock})
    )

    assert isinstance(answer, Inputs)


def test_the_step_leaves_scripts_and_autoloader_to_the_author() -> None:
    manifest = {"autoload": {"classmap": ["src"]}, "scripts": {"post-autoload-dump": "@php x"}}

    found = step("composer install --no-dev -o -n", project(manifest))

    assert isinstance(found, Install)
    assert found.title == "composer install --no-dev -n --no-scripts --no-autoloader"


@pytest.mark.parametrize(
    ("command", "files", "code"),
    [
        (
            "composer install",
            project({"scripts": {"pre-package-install": "x"}}),
            "install-script-reads-source",
        ),
        (
            "composer install",
            {k: v for k, v in project().items() if k != "composer.lock"},
            "missing-lockfile",
        ),
        (
            "composer install",
            project(**{"composer.lock": plugin("acme/p")}),
            "install-script-reads-source",
        ),
    ],
)
def test_the_step_is_held_back(command: str, files: dict[str, Any], code: str) -> None:
    found = step(command, files)

    assert isinstance(found, Obstacle)
    assert found.code == code


@pytest.mark.parametrize(
    "command", ["composer dump-autoload", "composer install --dry-run", "php x"]
)
def test_other_commands_have_no_step(command: str) -> None:
    assert step(command, project()) is None
