"""Mix: which commands fetch dependencies, and what mix.exs makes them read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from optimizer.knowledge.elixir import mix
from optimizer.knowledge.installs import Call, Inputs, Install, Obstacle, Touch
from tests.knowledge.conftest import MemoryFiles


def mixfile(deps: str = "", project: str = "", more: str = "", module: str = "A") -> str:
    return f"""defmodule {module}.MixProject do
  use Mix.Project

  def project do
    [app: :a, version: "1.0.0", deps: deps(){project}]
  end

  def application, do: [extra_applications: [:logger]]

  defp deps do
    [{deps}]
  end
{more}
end
"""


def app(text: str, **more: Any) -> dict[str, Any]:
    return {"mix.exs": text, "mix.lock": "%{}\n", "lib/a.ex": "", **more}


def step(command: str, files: Mapping[str, Any], env: Any = None) -> Install | Obstacle | None:
    content = {f"/app/{name}": text for name, text in files.items()}
    call = Call(tuple(command.split()), "/app", env or {})
    return mix.dependency_step(call, MemoryFiles(content))


@pytest.mark.parametrize(
    "command",
    ["mix deps.get", "mix deps.get --only prod", "mix deps.compile", "mix deps.compile plug jason",
     "mix do deps.get, deps.compile", "mix do deps.get --only prod + deps.compile",
     "mix do local.hex --force, local.rebar --force, deps.get"],
)  # fmt: skip
def test_installs_are_recognised(recognise: Any, command: str) -> None:
    assert isinstance(recognise(mix, command), Install)


@pytest.mark.parametrize(
    "command",
    ["mix local.hex --force", "mix do local.hex --force, local.rebar --force",
     "mix archive.install hex phx_new --force", "mix local.rebar --force --if-missing"],
)  # fmt: skip
def test_commands_beside_the_install_are_touches(recognise: Any, command: str) -> None:
    answer = recognise(mix, command)

    assert isinstance(answer, Touch)
    assert not any(path.startswith("/app") for path in (*answer.reads, *answer.writes))


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("mix do deps.get, compile", "project-install"),
        ("mix setup", "install-runs-alias"),
        ("mix deps.update --all", "install-edits-manifest"),
        ("mix deps.get --surprise", "unknown-install-flag"),
    ],
)
def test_commands_that_do_more_are_obstacles(recognise: Any, command: str, code: str) -> None:
    answer = recognise(mix, command)

    assert isinstance(answer, Obstacle)
    assert answer.code == code


@pytest.mark.parametrize(
    "command", ["mix compile", "mix release", "mix", "mix phx.digest", "elixir"]
)
def test_other_commands_are_not_ours(recognise: Any, command: str) -> None:
    assert recognise(mix, command) is None


@pytest.mark.parametrize(
    ("reason", "files", "reads"),
    [
        ("plain", app(mixfile('{:plug, "~> 1.16"}, {:b, github: "b/b"}')), []),
        (
            "a version in a file",
            app(
                mixfile(
                    project=", version: @version",
                    more='  @external_resource "VERSION"\n'
                    '  @version "VERSION" |> File.read!() |> String.trim()\n'
                    '  @other File.read!(Path.join(__DIR__, "OTHER"))',
                ).replace('"VERSION" |> File.read!()', 'File.read!("VERSION")'),
                VERSION="1",
                OTHER="2",
            ),
            ["VERSION", "OTHER"],
        ),
        (
            "projects by path",
            app(
                mixfile('{:b, path: "b"}, {:c, "~> 1.0", path: "../c", only: :dev}'),
                **{
                    "b/mix.exs": mixfile('{:d, path: "../d"}', module="B"),
                    "/c/mix.exs": mixfile(module="C"),
                    "d/rebar.config": "{deps, []}.",
                    "e/mix.exs": "x(",
                },
            ),
            ["b/mix.exs", "/c/mix.exs", "d/rebar.config"],
        ),
        (
            "an umbrella",
            app(
                mixfile(project=', apps_path: "apps"'),
                **{
                    "apps/b/mix.exs": mixfile("{:c, in_umbrella: true}", module="B"),
                    "apps/c/mix.exs": mixfile(module="C"),
                    "apps/c/lib/c.ex": "",
                },
            ),
            ["apps/b/mix.exs", "apps/c/mix.exs"],
        ),
        (
            "functions that run later open nothing now",
            app(
                mixfile(
                    project=', aliases: aliases(), releases: [a: [steps: [:assemble, &copy/1]]], '
                    'docs: &docs/0',
                    more='  defp aliases, do: [clean: &wipe/1, setup: ["deps.get", "x"]]\n'
                    '  defp copy(release), do: File.cp_r!("x", release.path)\n'
                    '  defp wipe(_), do: System.cmd("rm", ["x"])\n  def docs, do: File.ls!("docs")',
                )
            ),
            [],
        ),
        (
            "another file is loaded",
            app(
                'Code.require_file("version.exs", __DIR__)\n' + mixfile(),
                **{"version.exs": "defmodule V do\n  def v, do: File.read!(\"VERSION\")\nend\n",
                   "VERSION": "1"},
            ),
            ["version.exs", "VERSION"],
        ),
        (
            "what is ordinary in a project",
            app(
                mixfile(
                    "{:plug, version()} | more(Mix.env())",
                    project=', elixirc_paths: paths(Mix.env()), build_embedded: Mix.env() == :prod',
                    more='  defp paths(:test), do: ["lib", "test"]\n  defp paths(_), do: ["lib"]\n'
                    '  defp version, do: System.get_env("PLUG", "~> 1.0")\n'
                    '  defp more(env) when env in [:dev, :test], do: [{:ex_doc, "> 0.0.0"}]\n'
                    "  defp more(_env) do\n"
                    '    if System.get_env("CI"), do: [], else: Enum.map([:c], &{&1, "1.0"})\n'
                    "  end",
                )
            ),
            [],
        ),
    ],
)  # fmt: skip
def test_files_that_fetching_reads(
    ask: Any, reason: str, files: dict[str, Any], reads: list[str]
) -> None:
    answer = ask(mix, "mix deps.get", files)

    assert isinstance(answer, Inputs), (reason, answer)
    expected = {"mix.exs", "mix.lock", *reads}
    assert set(answer.reads) == {p if p.startswith("/") else f"/app/{p}" for p in expected}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (mixfile(project=', x: System.cmd("ls", [])'), "config-reads-source"),
        (mixfile(project=', x: :os.cmd(~c"ls")'), "config-reads-source"),
        (mixfile(project=', x: System.cmd("git", ["describe"])'), "version-from-git"),
        (mixfile(project=', x: File.ls!("lib")'), "config-reads-source"),
        (mixfile(project=', x: Path.wildcard("lib/**")'), "config-reads-source"),
        (mixfile(project=', x: File.read!(System.get_env("X"))'), "unresolved-variable"),
        (mixfile(project=", x: Some.Module.call()"), "config-reads-source"),
        (mixfile(project=", x: apply(File, :ls!, [])"), "config-reads-source"),
        (mixfile(project=', x: Enum.map(["x"], &File.read!/1)'), "config-reads-source"),
        (mixfile(project=", x: Enum.map([1], &copy/1)",
                 more='  defp copy(_), do: File.ls!(".")'), "config-reads-source"),
        (mixfile('{:b, path: "gone"}'), "manifest-outside-copy"),
        (mixfile('{:b, path: System.get_env("X")}'), "unresolved-variable"),
        (mixfile('{:b, git: "../b"}'), "local-dependency"),
        (mixfile(project=', aliases: ["deps.get": ["x"]]'), "install-runs-alias"),
        (mixfile() + "  use Some.Macro\n", "config-reads-source"),
        ('Code.require_file("gone.exs")\n' + mixfile(), "manifest-outside-copy"),
        ('Code.eval_string("1")\n' + mixfile(), "config-reads-source"),
        ("defmodule A do\n", "unreadable-manifest"),
    ],
)  # fmt: skip
def test_a_project_that_does_more_is_an_obstacle(ask: Any, text: str, code: str) -> None:
    answer = ask(mix, "mix deps.get", app(text))

    assert isinstance(answer, Obstacle), answer
    assert answer.code == code
    assert answer.path == "/app/mix.exs"
    assert answer.line is not None


CONFIG = {
    "config/config.exs": 'import Config\nconfig :a, b: 1\nimport_config "#{config_env()}.exs"\n',
    "config/prod.exs": 'import Config\n\nconfig :a, url: [host: System.get_env("HOST") || "x"]\n',
    "config/dev.exs": "import Config\n",
    "config/runtime.exs": "import Config\n",
}


def test_compiling_reads_the_configuration_of_its_environment(ask: Any) -> None:
    files = app(mixfile(), **CONFIG)
    command = "mix do deps.get, deps.compile"

    prod = ask(mix, command, files, env={"MIX_ENV": "prod"})
    dev = ask(mix, command, files)

    always = ["/app/config/config.exs", "/app/mix.exs", "/app/mix.lock"]
    assert sorted(prod.reads) == sorted(["/app/config/prod.exs", *always])
    assert sorted(dev.reads) == sorted(["/app/config/dev.exs", *always])
    assert "/app/config/config.exs" not in ask(mix, "mix deps.get", files).reads


def test_compiling_needs_the_sources_of_projects_by_path(ask: Any) -> None:
    files = app(mixfile('{:b, path: "b"}'), **{"b/mix.exs": mixfile(module="B")})

    assert ask(mix, "mix deps.compile", files).code == "local-dependency"


def test_settings_say_where_things_lie(ask: Any) -> None:
    text = mixfile(project=', deps_path: "../deps", build_path: "../b", lockfile: "../mix.lock"')
    files = {"mix.exs": text, "/mix.lock": "%{}", "/deps/x": ""}

    answer = ask(mix, "mix deps.get", files)

    assert answer.reads == ("/app/mix.exs", "/mix.lock")
    assert {"/deps", "/b"} <= set(answer.writes)
    assert answer.rewrites == ("/mix.lock",)
    assert ask(mix, "mix deps.get --check-locked", files).rewrites == ()


@pytest.mark.parametrize(
    ("command", "title"),
    [
        ("mix do deps.get --only prod, compile", "mix do deps.get --only prod, deps.compile"),
        ("mix do deps.get + compile", "mix do deps.get + deps.compile"),
        ("mix do deps.get, phx.gen.x", "mix deps.get"),
        (
            "mix do local.hex --force, deps.get, release",
            "mix do local.hex --force, deps.get, deps.compile",
        ),
        ("mix compile", None),
        ("mix deps.get", None),
    ],
)
def test_the_step_takes_what_needs_no_sources(command: str, title: str | None) -> None:
    found = step(command, app(mixfile(), **CONFIG))

    assert (found.title if isinstance(found, Install) else found) == title


def test_the_step_only_fetches_where_the_configuration_is_not_known() -> None:
    odd = {"config/config.exs": 'import Config\nconfig :a, b: System.cmd("x", [])\n'}

    found = step("mix do deps.get, compile", app(mixfile(), **odd))

    assert isinstance(found, Install)
    assert found.title == "mix deps.get"


@pytest.mark.parametrize("text", ["x " * 200_000, "(" * 3000, "[" * 3000 + "]" * 3000, "\0", ""])
def test_hostile_projects_get_an_answer(ask: Any, text: str) -> None:
    answer = ask(mix, "mix deps.get", app(text))

    assert isinstance(answer, Obstacle | Inputs)
