"""Composer, Bundler, Mix and dotnet themselves: what dockopt says they read is enough, and needed.

The law is that of `tests.knowledge.test_real_clients`. No test here needs a registry: packages
lie beside the project, or are served from this machine.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import threading
from collections.abc import Iterator, Mapping
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from optimizer.knowledge.dotnet import restore
from optimizer.knowledge.elixir import mix
from optimizer.knowledge.installs import Call, Inputs, Install, Obstacle
from optimizer.knowledge.php import composer
from optimizer.knowledge.ruby import bundler
from tests.knowledge.test_real_clients import (
    DiskFiles,
    Place,
    Seen,
    law,
    named,
    needed,
    program,
)

pytestmark = pytest.mark.clients


def stepped(place: Place, module: Any, command: str, files: Mapping[str, Any]) -> Install:
    """The dependency step on what it reads, and ``command`` below the rest, leave the files that
    ``command`` alone leaves."""
    place.clear()
    place.fill(files)
    call = Call(tuple(command.split()), str(place.app), place.env)
    step = module.dependency_step(call, DiskFiles(str(place.app)))
    assert isinstance(step, Install), step
    answer = module.inputs(step, DiskFiles(str(place.app)))
    assert isinstance(answer, Inputs), answer
    whole = place.whole(command, files)

    place.clear()
    place.fill(files, only=named(answer))
    done = place.run(step.title)
    assert done.returncode == 0, done.stderr
    place.fill(files)
    done = place.run(command)
    assert done.returncode == 0, done.stderr
    assert place.seen() == whole
    return step


def refused(place: Place, module: Any, command: str, files: Mapping[str, Any]) -> Obstacle:
    place.clear()
    place.fill(files)
    install = module.recognise(Call(tuple(command.split()), str(place.app), place.env))
    assert isinstance(install, Install)
    answer = module.inputs(install, DiskFiles(str(place.app)))
    assert isinstance(answer, Obstacle), answer
    return answer


def without_tree(
    place: Place, command: str, files: Mapping[str, Any], found: tuple[Inputs, Seen]
) -> None:
    """Without the directory that it reads whole, the install leaves something else."""
    answer, whole = found
    assert len(answer.trees) == 1
    split = place.split(command, files, answer.reads)
    assert {path: split.get(path) for path in whole} != whole


@pytest.fixture
def php(tmp_path: Path) -> Place:
    program("composer")
    return Place(
        tmp_path,
        {
            "COMPOSER_DISABLE_NETWORK": "1",
            "COMPOSER_ALLOW_SUPERUSER": "1",
            "COMPOSER_HOME": f"{tmp_path}/home/.composer",
        },
    )


def php_project(config: Mapping[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    # Composer 2.5 names the class of its autoloader at random unless told how.
    suffix = {"autoloader-suffix": "Same"}
    return {
        "composer.json": {
            "name": "my/app",
            "repositories": [
                {"type": "path", "url": "packages/*"},
                {"packagist": False},
            ],
            "require": {"my/lib": "*"},
            "autoload": {"psr-4": {"App\\": "src/"}, "files": ["src/functions.php"]},
            "config": {**suffix, **(config or {})},
            **more,
        },
        "packages/lib/composer.json": {
            "name": "my/lib",
            "version": "1.0.0",
            "bin": ["bin/lib"],
            "autoload": {"psr-4": {"Lib\\": "src/"}},
        },
        "packages/lib/bin/lib": "#!/usr/bin/env php\n<?php echo 1;\n",
        "packages/lib/src/Lib.php": "<?php namespace Lib; class Lib {}\n",
        "src/App.php": "<?php namespace App; class App {}\n",
        "src/functions.php": "<?php function f() {}\n",
        "database/Seeder.php": "<?php class Seeder {}\n",
        "artisan": "<?php file_put_contents('vendor/found', file_exists('src/App.php'));\n",
    }


def with_composer_lock(place: Place, files: Mapping[str, Any]) -> dict[str, Any]:
    place.clear()
    place.fill(files)
    done = place.run("composer update --no-install --no-scripts --quiet")
    assert done.returncode == 0, done.stderr
    return {**files, "composer.lock": (place.app / "composer.lock").read_text()}


def test_composer_install_with_packages_by_path(php: Place) -> None:
    files = with_composer_lock(php, php_project())

    found = law(php, composer, "composer install", files)
    needed(php, "composer install", files, "packages/lib/bin/lib", found)


def test_composer_copies_packages_where_links_are_off(php: Place) -> None:
    files = php_project()
    files["composer.json"]["repositories"][0]["options"] = {"symlink": False}
    files = with_composer_lock(php, files)

    found = law(php, composer, "composer install --no-dev --no-interaction", files)
    without_tree(php, "composer install", files, found)


CLASSMAP = {"autoload": {"classmap": ["database"], "psr-4": {"App\\": "src/"}}}
SCRIPTS = {"scripts": {"post-autoload-dump": ["@php artisan"]}}


@pytest.mark.parametrize(
    ("command", "more", "code"),
    [
        ("composer install", CLASSMAP, "install-reads-source"),
        ("composer install --optimize-autoloader", {}, "install-reads-source"),
        ("composer install", {"config": {"classmap-authoritative": True}}, "install-reads-source"),
        ("composer install", SCRIPTS, "install-script-reads-source"),
    ],
)
def test_composer_needs_the_sources_where_it_is_held_back(
    php: Place, command: str, more: dict[str, Any], code: str
) -> None:
    files = with_composer_lock(php, php_project(**more))

    assert refused(php, composer, command, files).code == code
    manifests = ("composer.json", "composer.lock", "packages/lib/composer.json", "packages/lib/bin")
    only = tuple(f"{php.app}/{name}" for name in manifests)
    assert php.split(command, files, only) != php.whole(command, files)


@pytest.mark.parametrize(
    ("command", "more"),
    [
        ("composer install", {**CLASSMAP, **SCRIPTS}),
        ("composer install -o --no-dev -n", SCRIPTS),
        ("composer install", {"config": {"optimize-autoloader": True}}),
    ],
)
def test_composer_without_scripts_and_autoloader_comes_first(
    php: Place, command: str, more: dict[str, Any]
) -> None:
    files = with_composer_lock(php, php_project(**more))

    del files["packages/lib/bin/lib"]

    step = stepped(php, composer, command, files)

    assert step.title.endswith("--no-scripts --no-autoloader")


def test_composer_takes_packages_from_archives(php: Place) -> None:
    files = php_project()
    files["composer.json"]["repositories"][0] = {"type": "artifact", "url": "archives"}
    source = php.base / "lib"
    source.mkdir()
    (source / "composer.json").write_text(json.dumps(files.pop("packages/lib/composer.json")))
    (source / "bin").mkdir()
    (source / "bin/lib").write_text(files.pop("packages/lib/bin/lib"))
    del files["packages/lib/src/Lib.php"]
    archive = shutil.make_archive(str(php.base / "lib"), "zip", source)
    files["archives/my-lib-1.0.0.zip"] = Path(archive).read_bytes()
    files = with_composer_lock(php, files)

    found = law(php, composer, "composer install", files)
    without_tree(php, "composer install", files, found)


@pytest.fixture
def ruby(tmp_path: Path) -> Place:
    program("bundle")
    return Place(
        tmp_path,
        {
            "BUNDLE_PATH": f"{tmp_path}/out/bundle",
            "BUNDLE_SILENCE_ROOT_WARNING": "true",
            "BUNDLE_DISABLE_VERSION_CHECK": "true",
            "SOURCE_DATE_EPOCH": "1700000000",
        },
    )


GEMSPEC = """require_relative "lib/engine/version"

Gem::Specification.new do |spec|
  spec.name = "engine"
  spec.version = Engine::VERSION
  spec.summary = File.read(File.expand_path("README.md", __dir__)).lines.first.strip
  spec.authors = ["me"]
  spec.files = Dir["lib/**/*"]
  spec.bindir = "exe"
  spec.executables = %w[engine]
  spec.add_dependency "hola"
end
"""
RUBY_FILES = {
    "Gemfile": """source "https://gems.example.org"
ruby file: ".ruby-version" if false
eval_gemfile "gems/common.rb"
gem "engine", path: "engines/engine"
puts File.read("gems/note.txt") if File.exist?("gems/note.txt")
""",
    ".ruby-version": "3.1\n",
    "gems/common.rb": 'gem "hola", "~> 1.0"\n',
    "gems/note.txt": "note\n",
    "engines/engine/engine.gemspec": GEMSPEC,
    "engines/engine/lib/engine/version.rb": 'module Engine\n  VERSION = "0.1.0"\nend\n',
    "engines/engine/lib/engine.rb": "module Engine\nend\n",
    "engines/engine/exe/engine": "#!/usr/bin/env ruby\n",
    "engines/engine/README.md": "An engine\n",
    "app.rb": "",
}


def gem(place: Place) -> bytes:
    """One gem as `gem build` makes it."""
    source = place.base / "hola"
    (source / "lib").mkdir(parents=True)
    (source / "lib/hola.rb").write_text("module Hola\nend\n")
    (source / "hola.gemspec").write_text(
        'Gem::Specification.new { |s| s.name = "hola"; s.version = "1.0.0"; s.summary = "x"\n'
        's.authors = ["me"]; s.files = ["lib/hola.rb"] }\n'
    )
    subprocess.run(
        ["gem", "build", "hola.gemspec"], cwd=source, env=place.env, capture_output=True, check=True
    )
    return (source / "hola-1.0.0.gem").read_bytes()


def with_gems(place: Place) -> dict[str, Any]:
    files: dict[str, Any] = {**RUBY_FILES, "vendor/cache/hola-1.0.0.gem": gem(place)}
    place.clear()
    place.fill(files)
    done = place.run("bundle install --local --no-cache")
    assert done.returncode == 0, done.stdout + done.stderr
    return {**files, "Gemfile.lock": (place.app / "Gemfile.lock").read_text()}


def test_bundler_reads_what_the_gemfile_loads(ruby: Place) -> None:
    files = with_gems(ruby)
    ruby.env["BUNDLE_FROZEN"] = "true"
    command = "bundle install --local --jobs 2"

    found = law(ruby, bundler, command, files)

    read = {path.removeprefix(f"{ruby.app}/") for path in found[0].reads}
    assert read == {
        "Gemfile", "Gemfile.lock", "gems/common.rb", "gems/note.txt", ".ruby-version",
        "engines/engine/engine.gemspec", "engines/engine/lib/engine/version.rb",
        "engines/engine/README.md", "engines/engine/exe/engine",
    }  # fmt: skip
    for left in ("gems/common.rb", "engines/engine/lib/engine/version.rb",
                 "engines/engine/exe/engine", "engines/engine/README.md"):  # fmt: skip
        needed(ruby, command, files, left, found)


def test_bundler_brings_the_lockfile_up_to_date_as_foretold(ruby: Place) -> None:
    files = with_gems(ruby)
    old = {**files, "Gemfile.lock": files["Gemfile.lock"].replace("~> 1.0", ">= 0.9")}

    answer = ruby.ask(bundler, "bundle install --local --no-cache", old)
    assert f"{ruby.app}/Gemfile.lock" in answer.rewrites
    assert ruby.run("bundle install --local --no-cache").returncode == 0
    assert (ruby.app / "Gemfile.lock").read_text() == files["Gemfile.lock"]


def test_bundler_lists_programs_by_files_where_it_is_held_back(ruby: Place) -> None:
    listing = 'Dir["exe/*"].map { |f| File.basename(f) }'
    files = with_gems(ruby)
    files["engines/engine/engine.gemspec"] = GEMSPEC.replace("%w[engine]", listing)
    ruby.env["BUNDLE_FROZEN"] = "true"

    assert refused(ruby, bundler, "bundle install --local", files).code == "local-dependency"
    only = tuple(f"{ruby.app}/{name}" for name in files if "exe/" not in name and name != "app.rb")
    command = "bundle install --local"
    assert ruby.split(command, files, only) != ruby.whole(command, files)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    """Serves ``tmp_path/served`` on the loopback address."""
    folder = tmp_path / "served"
    folder.mkdir()

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            pass

    serving = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    thread = threading.Thread(target=serving.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{serving.server_port}"
    serving.shutdown()
    serving.server_close()


class MixPlace(Place):
    """A project of Mix; what git and the compiler note about times is left out."""

    def seen(self) -> Seen:
        return {
            path: found
            for path, found in super().seen().items()
            if "/.git/" not in path and "/.mix/" not in path and not path.endswith(".fetch")
        }


@pytest.fixture
def elixir(tmp_path: Path) -> MixPlace:
    program("mix")
    return MixPlace(
        tmp_path,
        {
            "MIX_ENV": "prod",
            "GIT_CONFIG_NOSYSTEM": "1",
            "LC_ALL": "C.UTF-8",
            "ERL_COMPILER_OPTIONS": "deterministic",
        },
    )


def library(base: Path) -> None:
    """A git repository with an Elixir library that looks at its configuration when compiled."""
    work, bare = base / "work", base / "served/lib.git"
    (work / "lib").mkdir(parents=True)
    (work / "mix.exs").write_text(
        "defmodule Lib.MixProject do\n  use Mix.Project\n"
        '  def project, do: [app: :lib, version: "1.0.0"]\nend\n'
    )
    (work / "lib/lib.ex").write_text(
        "defmodule Lib do\n  @value Application.compile_env(:lib, :value, 0)\n"
        "  def value, do: @value\nend\n"
    )
    git = partial(subprocess.run, cwd=work, capture_output=True, check=True)
    git(["git", "init", "-q", "-b", "main"])
    git(["git", "add", "."])
    git(["git", "-c", "user.name=me", "-c", "user.email=me@example.org", "commit", "-qm", "1"])
    git(["git", "clone", "-q", "--bare", str(work), str(bare)])
    git(["git", "-C", str(bare), "update-server-info"])


def umbrella(address: str) -> dict[str, Any]:
    return {
        "mix.exs": f"""defmodule App.MixProject do
  use Mix.Project
  @version File.read!("VERSION") |> String.trim()

  def project do
    [app: :app, version: @version, deps: deps(), aliases: aliases(), releases: releases()]
  end

  defp deps do
    [{{:lib, git: "{address}/lib.git"}}] ++ local(Mix.env())
  end

  defp local(:test), do: []
  defp local(_), do: [{{:near, path: "near", compile: false}}]
  defp aliases, do: [clean: &System.cmd("rm", ["-rf", &1])]
  defp releases, do: [app: [steps: [:assemble, &copy/1]]]
  defp copy(release), do: File.cp_r!("x", release.path)
end
""",
        "VERSION": "1.2.3\n",
        "near/mix.exs": "defmodule Near.MixProject do\n  use Mix.Project\n"
        '  def project, do: [app: :near, version: "0.1.0"]\nend\n',
        "near/lib/near.ex": "defmodule Near do\nend\n",
        "config/config.exs": 'import Config\nimport_config "#{config_env()}.exs"\n',
        "config/prod.exs": "import Config\nconfig :lib, value: 42\n",
        "config/dev.exs": "import Config\n",
        "lib/app.ex": "defmodule App do\nend\n",
    }


def with_mix_lock(place: Place, files: Mapping[str, Any]) -> dict[str, Any]:
    place.clear()
    place.fill(files)
    done = place.run("mix deps.get")
    assert done.returncode == 0, done.stdout + done.stderr
    return {**files, "mix.lock": (place.app / "mix.lock").read_text()}


def test_mix_reads_the_projects_that_it_loads(elixir: MixPlace, server: str) -> None:
    library(elixir.base)
    files = umbrella(server)
    fetched = f'{{:lib, git: "{server}/lib.git"}}'
    files["mix.exs"] = files["mix.exs"].replace(f"[{fetched}] ++ ", "")
    files["near/mix.exs"] = files["near/mix.exs"].replace('0.1.0"]', f'0.1.0", deps: [{fetched}]]')
    files = with_mix_lock(elixir, files)

    found = law(elixir, mix, "mix deps.get", files)

    read = {path.removeprefix(f"{elixir.app}/") for path in found[0].reads}
    assert read == {"mix.exs", "mix.lock", "VERSION", "near/mix.exs"}
    needed(elixir, "mix deps.get", files, "near/mix.exs", found)
    for left in ("VERSION", "mix.exs"):
        only = [path for path in named(found[0]) if path != f"{elixir.app}/{left}"]
        elixir.clear()
        elixir.fill(files, only=only)
        assert elixir.run("mix deps.get").returncode != 0, left


def test_mix_compiles_dependencies_with_the_configuration(elixir: MixPlace, server: str) -> None:
    library(elixir.base)
    files = umbrella(server)
    files["mix.exs"] = files["mix.exs"].replace(" ++ local(Mix.env())", "")
    files["mix.exs"] = files["mix.exs"].replace('path: "near", ', "")
    files = with_mix_lock(elixir, files)
    command = "mix do deps.get --only prod, deps.compile"

    found = law(elixir, mix, command, files)

    read = {path.removeprefix(f"{elixir.app}/") for path in found[0].reads}
    assert read == {"mix.exs", "mix.lock", "VERSION", "config/config.exs", "config/prod.exs"}
    needed(elixir, command, files, "config/prod.exs", found)


def test_mix_fetches_and_compiles_before_the_sources(elixir: MixPlace, server: str) -> None:
    library(elixir.base)
    files = umbrella(server)
    files["mix.exs"] = files["mix.exs"].replace(" ++ local(Mix.env())", "")
    files["mix.exs"] = files["mix.exs"].replace('path: "near", ', "")
    files = with_mix_lock(elixir, files)

    step = stepped(elixir, mix, "mix do deps.get --only prod, compile", files)

    assert step.title == "mix do deps.get --only prod, deps.compile"


@pytest.fixture
def dotnet(tmp_path: Path) -> Place:
    program("dotnet")
    return Place(tmp_path, {"DOTNET_CLI_TELEMETRY_OPTOUT": "1", "DOTNET_NOLOGO": "1"})


PROPERTIES = (
    "<TargetFramework>netstandard2.0</TargetFramework>"
    "<DisableImplicitFrameworkReferences>true</DisableImplicitFrameworkReferences>"
)


def dotnet_project(items: str = "", properties: str = PROPERTIES) -> str:
    return (
        '<Project Sdk="Microsoft.NET.Sdk">\n'
        f"  <PropertyGroup>{properties}</PropertyGroup>\n  <ItemGroup>{items}</ItemGroup>\n"
        "</Project>\n"
    )


DOTNET_FILES = {
    "nuget.config": '<configuration><packageSources><clear/><add key="l" value="feed"/>'
    "</packageSources></configuration>\n",
    "feed/readme.txt": "",
    "Directory.Build.props": f"<Project><PropertyGroup>{PROPERTIES}</PropertyGroup></Project>\n",
    "build/common.props": "<Project><PropertyGroup><Authors>me</Authors></PropertyGroup></Project>",
    "src/App/App.csproj": dotnet_project(
        r'<ProjectReference Include="..\Lib\Lib.csproj" />', ""
    ).replace("<PropertyGroup>", '<Import Project="..\\..\\build\\common.props" /><PropertyGroup>'),
    "src/App/Program.cs": "class P { static void Main() {} }\n",
    "src/Lib/Lib.csproj": dotnet_project("", ""),
    "src/Lib/Lib.cs": "class L {}\n",
    "src/Other/Other.csproj": dotnet_project("", ""),
}


def test_dotnet_restore_of_projects_that_refer_to_each_other(dotnet: Place) -> None:
    command = "dotnet restore src/App/App.csproj"

    found = law(dotnet, restore, command, DOTNET_FILES)

    read = {path.removeprefix(f"{dotnet.app}/") for path in found[0].reads}
    assert read == {
        "nuget.config", "Directory.Build.props", "build/common.props", "src/App/App.csproj",
        "src/Lib/Lib.csproj",
    }  # fmt: skip
    for left in ("src/Lib/Lib.csproj", "Directory.Build.props", "nuget.config"):
        needed(dotnet, command, DOTNET_FILES, left, found)
