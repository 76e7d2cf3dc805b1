"""What Composer, the scripts of PHP's images, Bundler and Rails leave for the run time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from optimizer.knowledge.installs import Call, Obstacle
from optimizer.knowledge.producers import product
from optimizer.knowledge.products import Made, Product
from optimizer.knowledge.running import Running
from tests.knowledge.conftest import MemoryFiles

RUBY = {"GEM_HOME": "/usr/local/bundle", "BUNDLE_APP_CONFIG": "/usr/local/bundle", "HOME": "/root"}


def asked(
    command: str,
    files: Mapping[str, Any] | None = None,
    env: Mapping[str, str] | None = None,
    directory: str = "/var/www/html",
    opaque: str | None = None,
    made: tuple[str, ...] = (),
) -> Product | Obstacle | None:
    content = {f"{directory}/{name}": text for name, text in (files or {}).items()}
    call = Call(tuple(command.split()), directory, env or {"HOME": "/root"})
    running = Running((Call(("php", "x.php"), directory),), frozenset({"php"}), opaque=opaque)
    return product(call, Made(None, MemoryFiles(content), running, made))


def left(command: str, *arguments: Any, **options: Any) -> Product:
    found = asked(command, *arguments, **options)
    assert isinstance(found, Product), found
    return found


# PHP

COMPOSER: Mapping[str, Any] = {
    "composer.json": {"require": {"monolog/monolog": "3.7.0"}},
    "composer.lock": {
        "packages": [{"name": "monolog/monolog", "version": "3.7.0"}], "packages-dev": [],
    },
    "index.php": "<?php\n",
}  # fmt: skip
DEV: Mapping[str, Any] = {
    "composer.json": {"require": {"a/b": "1"}, "require-dev": {"dev/tool": "1"}},
    "composer.lock": {
        "packages": [{"name": "a/b"}],
        "packages-dev": [{"name": "dev/tool", "autoload": {"psr-4": {"Dev\\Tool\\": "src"}}}],
    },
    "index.php": "<?php\n",
}  # fmt: skip


def test_composer_leaves_vendor() -> None:
    found = left("composer install --no-dev", COMPOSER)
    assert found.keeps == ("/var/www/html/vendor",)
    assert (found.interpreter, found.ecosystem, found.packages) == (
        "php", "packagist", ("monolog/monolog",),
    )  # fmt: skip
    assert "/root/.cache/composer" in found.drops
    assert found.prune is None


@pytest.mark.parametrize(
    ("manifest", "command", "keeps"),
    [
        ({"config": {"vendor-dir": "lib"}}, "composer install", "/var/www/html/lib"),
        ({"scripts": {"post-install-cmd": "x"}}, "composer install", "/var/www/html"),
        ({"scripts": {"post-install-cmd": "x"}}, "composer install --no-scripts",
         "/var/www/html/vendor"),
        ({"extra": {"installer-paths": {"web/core": []}}}, "composer install", "/var/www/html"),
        ({"config": {"allow-plugins": {"a/b": True}}}, "composer install", "/var/www/html"),
    ],
)  # fmt: skip
def test_scripts_and_plugins_may_write_elsewhere(
    manifest: dict[str, Any], command: str, keeps: str
) -> None:
    files = {**COMPOSER, "composer.json": {**COMPOSER["composer.json"], **manifest}}
    assert left(command, files).keeps == (keeps,)


def test_development_packages_are_taken_out_of_vendor() -> None:
    found = left("composer install -o --no-interaction", DEV)
    assert found.prune == "composer install --no-dev --no-scripts -o --no-interaction"
    assert "/var/www/html/vendor" in found.drops


@pytest.mark.parametrize(
    ("files", "why"),
    [
        ({"src/a.php": "<?php use Dev\\Tool\\Thing;"}, "src/a.php names Dev\\Tool\\"),
        ({"config/bundles.yaml": "'Dev\\\\Tool\\\\Bundle'"}, "bundles.yaml names Dev"),
        ({"composer.json": {**DEV["composer.json"], "scripts": {"post-install-cmd": "x"}}},
         "may have registered them"),
        ({"composer.lock": {"packages": [], "packages-dev": [
            {"name": "dev/functions", "autoload": {"files": ["f.php"]}}]}}, "under any name"),
    ],
)  # fmt: skip
def test_development_packages_stay_where_code_may_load_one(files: Any, why: str) -> None:
    found = left("composer install", {**DEV, **files})
    assert found.prune is None
    assert why in found.assumes[0]


def test_tests_may_load_them() -> None:
    files = {**DEV, "tests/a.php": "<?php use Dev\\Tool\\Thing;"}
    assert left("composer install", files).prune is not None
    assert left("composer install", files, opaque="a script").prune is None


def test_extensions_of_php() -> None:
    found = left("docker-php-ext-install -j4 pdo_pgsql intl")
    assert found.keeps == ("/usr/local/lib/php/extensions", "/usr/local/etc/php/conf.d")
    assert (found.ecosystem, found.packages) == ("php-ext", ("intl", "pdo_pgsql"))
    assert found.compiles
    assert left("docker-php-ext-install -j\0 gd").packages == ("gd",)
    assert left("docker-php-ext-install -j \0 gd").packages == ("gd",)
    assert asked("docker-php-ext-install \0") is None
    assert left("docker-php-ext-configure gd --with-jpeg").keeps == ()
    assert left("docker-php-ext-configure gd --with-jpeg=\0").keeps == ()
    assert left("docker-php-ext-enable redis").keeps == ("/usr/local/etc/php/conf.d",)
    assert left("pecl install redis-5.3.7 xdebug").packages == ("redis", "xdebug")
    assert asked("pecl list") is None


def test_an_installer_of_extensions_runs_again() -> None:
    found = left("install-php-extensions gd pdo_mysql-stable @composer")
    assert found.again
    assert found.packages == ("gd", "pdo_mysql")


def test_a_program_of_the_project_keeps_it_whole() -> None:
    assert left("php artisan config:cache", {"artisan": "", "composer.json": {}}).keeps == (
        "/var/www/html",
    )  # fmt: skip
    assert left("composer dump-autoload -o", COMPOSER).keeps == ("/var/www/html",)
    assert asked("php -v") is None
    unsafe = asked("php artisan optimize", {"artisan": "", "composer.json": {}}, directory="/srv")
    assert isinstance(unsafe, Obstacle)


def test_broken_files_are_obstacles() -> None:
    assert isinstance(asked("composer install", {"composer.json": "{"}), Obstacle)
    assert isinstance(asked("composer install"), Obstacle)
    assert isinstance(asked("composer update", COMPOSER), Obstacle)


# Ruby

LOCK = """\
GEM
  specs:
    nokogiri (1.16.7-x86_64-linux)
    pg (1.5.9)
    rack (3.1.8)
      webrick (>= 1)
"""


def test_bundle_install_leaves_gems() -> None:
    found = left("bundle install", {"Gemfile": "", "Gemfile.lock": LOCK}, RUBY, "/app")
    assert found.keeps == ("/usr/local/bundle",)
    assert found.prune == "rm -rf /usr/local/bundle/cache"
    assert "/usr/local/bundle/cache" in found.drops
    assert found.packages == ("nokogiri", "pg", "rack")
    assert (found.ecosystem, found.compiles) == ("rubygems", True)


def test_gems_with_a_binary_are_not_compiled() -> None:
    lock = LOCK.replace("    pg (1.5.9)\n", "")
    assert not left("bundle install", {"Gemfile.lock": lock}, RUBY, "/app").compiles


@pytest.mark.parametrize(
    ("command", "env", "keeps"),
    [
        ("bundle install --path vendor/bundle", RUBY, ("/app/vendor/bundle",)),
        ("bundle install --deployment", RUBY, ("/app/vendor/bundle",)),
        ("bundle install", {**RUBY, "BUNDLE_PATH": "/gems"}, ("/gems",)),
        ("bundle install", {**RUBY, "BUNDLE_DEPLOYMENT": "1"}, ("/app/vendor/bundle",)),
        ("gem install bundler -v 2.5.0", RUBY, ("/usr/local/bundle",)),
        ("bundle config set --local without development", RUBY, ("/usr/local/bundle",)),
        ("bundle config set --local path vendor/bundle", {"HOME": "/root"},
         ("/app/.bundle", "/app/vendor/bundle")),
        ("bundle config --global frozen 1", RUBY, ("/root/.bundle",)),
        ("bundle check", RUBY, ()),
    ],
)  # fmt: skip
def test_gems_lie_where_bundler_is_told(
    command: str, env: dict[str, str], keeps: tuple[str, ...]
) -> None:
    files = {"Gemfile": "", "Gemfile.lock": ""}
    assert left(command, files, env, "/app").keeps == keeps


def test_a_lockfile_that_bundler_writes_is_kept() -> None:
    found = left("bundle install", {"Gemfile": ""}, RUBY, "/app")
    assert found.keeps == ("/usr/local/bundle", "/app/Gemfile.lock")
    frozen = left("bundle install", {"Gemfile": ""}, {**RUBY, "BUNDLE_FROZEN": "1"}, "/app")
    assert frozen.keeps == ("/usr/local/bundle",)


def test_a_lockfile_that_is_there_may_be_brought_up_to_date() -> None:
    files = {"Gemfile": "", "Gemfile.lock": LOCK}
    assert left("bundle install", files, RUBY, "/app").rewrites == ("/app/Gemfile.lock",)
    assert left("bundle install --frozen", files, RUBY, "/app").rewrites == ()


PATH_LOCK = "PATH\n  remote: gems/a\n  specs:\n    a (1.0)\n\nGEM\n  specs:\n"


def test_a_gem_of_the_project_is_compiled_where_it_lies() -> None:
    files = {"Gemfile": "", "Gemfile.lock": PATH_LOCK, "gems/a/a.gemspec": "Gem.new { }"}
    assert left("bundle install", files, RUBY, "/app").keeps == ("/usr/local/bundle",)
    compiled = {**files, "gems/a/a.gemspec": 's.extensions = ["ext/extconf.rb"]'}
    keeps = left("bundle install", compiled, RUBY, "/app").keeps
    assert keeps == ("/usr/local/bundle", "/app/gems/a")
    outside = {**compiled, "Gemfile.lock": PATH_LOCK.replace("gems/a", "..")}
    assert isinstance(asked("bundle install", outside, RUBY, "/app"), Obstacle)


@pytest.mark.parametrize("gemfile", ['gem "a", path: "gems/a"', "gemspec"])
def test_gems_of_the_project_want_a_lockfile(gemfile: str) -> None:
    assert isinstance(asked("bundle install", {"Gemfile": gemfile}, RUBY, "/app"), Obstacle)


def test_gems_of_an_unknown_place_are_an_obstacle() -> None:
    assert isinstance(asked("bundle install", {"Gemfile": ""}, directory="/app"), Obstacle)
    files = {"Gemfile": "", "Gemfile.lock": ""}
    told = left("bundle install", files, directory="/app", made=("/app/vendor/bundle",))
    assert told.keeps == ("/app/vendor/bundle",)
    assert isinstance(asked("gem install rails", env={"HOME": "/root"}), Obstacle)
    assert isinstance(asked("gem update --system", env=RUBY), Obstacle)


@pytest.mark.parametrize(
    ("command", "more", "keeps"),
    [
        ("bundle exec rake assets:precompile", {}, "/app/public/assets"),
        ("bin/rails assets:precompile", {}, "/app/public/assets"),
        ("bundle exec rails assets:precompile", {"package.json": {}}, "/app"),
        ("bundle exec bootsnap precompile app/ lib/", {}, "/app/tmp/cache"),
        ("bundle exec rake site:build", {}, "/app"),
    ],
)
def test_tasks_of_rails(command: str, more: dict[str, Any], keeps: str) -> None:
    assert left(command, {"Gemfile": "", **more}, RUBY, "/app").keeps == (keeps,)


def test_commands_that_leave_nothing() -> None:
    assert left("bundle exec rubocop", {"Gemfile": ""}, RUBY, "/app").keeps == ()
    assert asked("bundle --version", {"Gemfile": ""}, RUBY, "/app") is None
    assert asked("gem list", env=RUBY) is None
    assert asked("rake x", env=RUBY) is None
