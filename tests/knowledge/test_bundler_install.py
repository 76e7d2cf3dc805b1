"""Bundler: which commands install, and what the Gemfile makes them read."""

from __future__ import annotations

from typing import Any

import pytest

from optimizer.knowledge.installs import Inputs, Install, Obstacle
from optimizer.knowledge.ruby import bundler

LOCK = "GEM\n  specs:\n    rack (3.0.0)\n"
PLAIN = {"Gemfile": 'source "https://gems.example.org"\ngem "rack"\n', "Gemfile.lock": LOCK}
FROZEN = {"BUNDLE_FROZEN": "true"}
GEMSPEC = """Gem::Specification.new do |spec|
  spec.name = "x"
  spec.version = "1"
  spec.files = `git ls-files -z`.split("\\x0").reject { |f| f.match(%r{^test/}) }
  spec.add_dependency "rack", "~> 3.0"
end
"""


def gemfile(text: str, **more: Any) -> dict[str, Any]:
    return {"Gemfile": text, "Gemfile.lock": LOCK, "app.rb": "", **more}


@pytest.mark.parametrize(
    "command",
    ["bundle", "bundle install", "bundler install", "bundle i -j4", "bundle install --jobs=4",
     "bundle install --without development test --jobs 4", "bundle check", "bundle --jobs 4",
     "bundle install --path vendor/bundle --retry 3", "bundle install --local --quiet",
     "/usr/local/bin/bundle install"],
)  # fmt: skip
def test_installs_are_recognised(recognise: Any, command: str) -> None:
    assert isinstance(recognise(bundler, command), Install)


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("bundle update", "install-edits-manifest"),
        ("bundle lock --add-platform x86_64-linux", "install-edits-manifest"),
        ("bundle add rack", "install-edits-manifest"),
        ("bundle cache", "vendored-dependencies"),
        ("bin/bundle install", "config-reads-source"),
        ("bundle install --surprise", "unknown-install-flag"),
    ],
)
def test_commands_that_do_more_are_obstacles(recognise: Any, command: str, code: str) -> None:
    answer = recognise(bundler, command)

    assert isinstance(answer, Obstacle)
    assert answer.code == code


@pytest.mark.parametrize(
    "command",
    ["bundle exec rake", "bundle config set frozen true", "bundle --version", "bundle info rack",
     "gem install rack", "bundle binstubs rack"],
)  # fmt: skip
def test_other_commands_are_not_ours(recognise: Any, command: str) -> None:
    assert recognise(bundler, command) is None


def test_ruby_that_loads_the_project_first_is_an_obstacle(recognise: Any) -> None:
    answer = recognise(bundler, "bundle install", env={"RUBYOPT": "-r./boot"})

    assert answer.code == "config-reads-source"


@pytest.mark.parametrize(
    ("reason", "files", "reads"),
    [
        ("plain", PLAIN, ["Gemfile", "Gemfile.lock"]),
        ("others", {"gems.rb": 'gem "rack"\n', "gems.locked": LOCK}, ["gems.rb", "gems.locked"]),
        (
            "a version in a file",
            gemfile('ruby file: ".tool-versions"\n', **{".tool-versions": "ruby 3.3\n"}),
            ["Gemfile", "Gemfile.lock", ".tool-versions"],
        ),
        (
            "a version that is read",
            gemfile('ruby File.read(".ruby-version").strip\n', **{".ruby-version": "3.3\n"}),
            ["Gemfile", "Gemfile.lock", ".ruby-version"],
        ),
        (
            "paths put together",
            gemfile(
                'base = File.join(__dir__, "gems")\n'
                'eval_gemfile File.expand_path("common", base) if File.exist?("gems/common")\n',
                **{"gems/common": 'gem "rake"\n', "gems/other": ""},
            ),
            ["Gemfile", "Gemfile.lock", "gems/common"],
        ),
        (
            "evaluated text",
            gemfile('instance_eval File.read("Gemfile.local")\n', **{"Gemfile.local": "\n"}),
            ["Gemfile", "Gemfile.lock", "Gemfile.local"],
        ),
        (
            "a gem by path",
            gemfile(
                'gem "x", path: "gems/x", group: :test\n',
                **{"gems/x/x.gemspec": GEMSPEC, "gems/x/lib/x.rb": "", "gems/y/y.gemspec": "x("},
            ),
            ["Gemfile", "Gemfile.lock", "gems/x/x.gemspec"],
        ),
        (
            "gems below a path",
            gemfile(
                'path "gems" do\n  gem "x"\nend\n',
                **{"gems/x/x.gemspec": GEMSPEC, "gems/y/y.gemspec": GEMSPEC},
            ),
            ["Gemfile", "Gemfile.lock", "gems/x/x.gemspec", "gems/y/y.gemspec"],
        ),
        (
            "the gem itself",
            gemfile(
                "gemspec\n",
                **{
                    "x.gemspec": '$:.push File.expand_path("lib", __dir__)\n'
                    'require "x/version"\n' + GEMSPEC.replace('"1"', "X::VERSION"),
                    "lib/x/version.rb": 'module X\n  VERSION = "1"\nend\n',
                    "lib/x.rb": "",
                },
            ),
            ["Gemfile", "Gemfile.lock", "x.gemspec", "lib/x/version.rb"],
        ),
        (
            "settings and credentials",
            {**PLAIN, ".bundle/config": '---\nBUNDLE_JOBS: "4"\n', "/root/.netrc": ""},
            ["Gemfile", "Gemfile.lock", ".bundle/config", "/root/.netrc"],
        ),
        (
            "what is ordinary in a Gemfile",
            gemfile(
                'git_source(:github) { |repo| "https://github.com/#{repo}.git" }\n'
                'def next? = File.basename(__FILE__) == "Gemfile.next"\n'
                'gem "a", github: "b/c", branch: "main"\n'
                'gem "d", "~> 1", ">= 1.2", require: false, platforms: %i[mri windows]\n'
                'rails = ENV.fetch("RAILS", "7.1")\n'
                'gem "rails", rails == "edge" ? { github: "rails/rails" } : "~> #{rails}.0"\n'
                "%w[e f].each { |name| gem name }\n"
                'group :test do\n  gem "g" unless ENV["CI"].nil?\nend\n'
                'if RUBY_VERSION >= "3.1"\n  gem "h"\nend\n'
                'gem "i", install_if: -> { RUBY_PLATFORM =~ /linux/ }\n'
                'plugin "bundler-graph"\n'
            ),
            ["Gemfile", "Gemfile.lock"],
        ),
    ],
)  # fmt: skip
def test_files_that_the_install_reads(
    ask: Any, reason: str, files: dict[str, Any], reads: list[str]
) -> None:
    answer = ask(bundler, "bundle install", files, env=FROZEN)

    assert isinstance(answer, Inputs), (reason, answer)
    assert set(answer.reads) == {p if p.startswith("/") else f"/app/{p}" for p in reads}


@pytest.mark.parametrize(
    ("text", "code", "line"),
    [
        ('gem "a"\nDir["gems/*"].each { |d| gem d }\n', "config-reads-source", 2),
        ('\ngem "a", `uname`.strip\n', "config-reads-source", 2),
        ('system("make")\n', "config-reads-source", 1),
        ('File.write("x", "y")\n', "config-reads-source", 1),
        ('Open3.capture2("ls")\n', "config-reads-source", 1),
        ('Kernel.send(:system, "ls")\n', "config-reads-source", 1),
        ('"x".public_send(:instance_eval, "1")\n', "config-reads-source", 1),
        ("%w[ls].each(&method(:system))\n", "config-reads-source", 1),
        ("x = <<~`CMD`\n  ls\nCMD\n", "config-reads-source", 1),
        ("class Bundler::Dsl\nend\n", "config-reads-source", 1),
        ('eval(ENV["X"])\n', "config-reads-source", 1),
        ('eval_gemfile ENV["X"]\n', "unresolved-variable", 1),
        ('gem "a", path: ENV["X"]\n', "unresolved-variable", 1),
        ("File.read(x = ARGV[0])\n", "unresolved-variable", 1),
        ('gem "a", path: "gone"\n', "manifest-outside-copy", 1),
        ('gem "a", git: "../a"\n', "local-dependency", 1),
        ('ruby file: ".ruby-version"\n', "manifest-outside-copy", 1),
        ('gem "a"\ngemspec\n', "local-dependency", 2),
        ("gem 'a'\nif\n", "unreadable-manifest", None),
        ('ruby `git describe`\n', "version-from-git", 1),
    ],
)  # fmt: skip
def test_a_gemfile_that_does_more_is_an_obstacle(
    ask: Any, text: str, code: str, line: int | None
) -> None:
    answer = ask(bundler, "bundle install", gemfile(text), env=FROZEN)

    assert isinstance(answer, Obstacle), answer
    assert answer.code == code
    assert answer.path == "/app/Gemfile"
    assert line is None or answer.line == line


def test_a_gemspec_that_builds_or_lists_programs_is_an_obstacle(ask: Any) -> None:
    lines = {
        'spec.extensions = ["ext/extconf.rb"]': "local-dependency",
        "spec.executables = spec.files.grep(/^exe/) { |f| File.basename(f) }": "local-dependency",
        'spec.version = `git describe`.strip': "version-from-git",
        "spec.version = File.read(ARGV[0])": "unresolved-variable",
    }  # fmt: skip
    for line, code in lines.items():
        spec = GEMSPEC.replace("end\n", f"  {line}\nend\n")
        files = gemfile("gemspec\n", **{"x.gemspec": spec, "exe/x": "", "ext/extconf.rb": ""})
        answer = ask(bundler, "bundle install", files, env=FROZEN)
        assert isinstance(answer, Obstacle), line
        assert answer.code == code, line


def test_programs_that_no_file_stands_for_are_none(ask: Any) -> None:
    line = "spec.executables = spec.files.grep(%r{^exe/}) { |f| File.basename(f) }"
    spec = GEMSPEC.replace("end\n", f"  {line}\nend\n")

    answer = ask(bundler, "bundle install", gemfile("gemspec\n", **{"x.gemspec": spec}), env=FROZEN)

    assert isinstance(answer, Inputs)


def test_the_gemfile_is_found_above_by_option_and_by_variable(ask: Any) -> None:
    files = {f"web/{name}": text for name, text in PLAIN.items()}
    reads = ("/app/web/Gemfile", "/app/web/Gemfile.lock")

    assert ask(bundler, "bundle", files, directory="/app/web/lib", env=FROZEN).reads == reads
    assert ask(bundler, "bundle install --gemfile web/Gemfile", files, env=FROZEN).reads == reads
    env = {**FROZEN, "BUNDLE_GEMFILE": "/app/web/Gemfile"}
    assert ask(bundler, "bundle", files, env=env).reads == reads


def test_a_lockfile_may_be_rewritten_unless_it_is_frozen(ask: Any) -> None:
    assert ask(bundler, "bundle", PLAIN).rewrites == ("/app/Gemfile.lock",)
    assert ask(bundler, "bundle install --frozen", PLAIN).rewrites == ()
    assert ask(bundler, "bundle", PLAIN, env=FROZEN).rewrites == ()
    settings = {**PLAIN, ".bundle/config": '---\nBUNDLE_DEPLOYMENT: "true"\n'}
    assert ask(bundler, "bundle", settings).rewrites == ()


def test_a_missing_lockfile_counts_where_it_is_frozen(ask: Any) -> None:
    alone = {"Gemfile": PLAIN["Gemfile"]}

    assert ask(bundler, "bundle install --deployment", alone).code == "missing-lockfile"
    assert "/app/Gemfile.lock" in ask(bundler, "bundle install", alone).writes


def test_gems_in_vendor_cache_are_read_whole(ask: Any) -> None:
    files = {**PLAIN, "vendor/cache/rack.gem": ""}

    assert ask(bundler, "bundle", files, env=FROZEN).trees == ("/app/vendor/cache",)
    assert ask(bundler, "bundle install", files).code == "vendored-dependencies"


def test_options_that_bundler_keeps_would_be_covered(ask: Any) -> None:
    files = {**PLAIN, ".bundle/config": '---\nBUNDLE_JOBS: "4"\n'}

    assert ask(bundler, "bundle install --without test", files).code == "install-edits-manifest"
    kept = ask(bundler, "bundle install --without test", PLAIN)
    assert "/app/.bundle/config" in kept.writes


@pytest.mark.parametrize("text", ["x" * 200_000, "(" * 3000, "[" * 3000 + "]" * 3000, "\0\n"])
def test_hostile_gemfiles_get_an_answer(ask: Any, text: str) -> None:
    answer = ask(bundler, "bundle install", gemfile(text))

    assert isinstance(answer, Obstacle)
    assert answer.path is None or answer.path == "/app/Gemfile"
