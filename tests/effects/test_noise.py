"""What of a build context is noise, and what has to stay since something reads it."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from optimizer.catalog import transforms
from optimizer.context.tree import BuildContext
from optimizer.cst.parse import parse
from optimizer.cst.source import Source
from optimizer.effects import noise
from optimizer.journal import ContextAnswer, Outcome
from optimizer.knowledge.noise import git_reader, holds_secret, may_be_secret
from optimizer.model.stages import Invocation
from optimizer.pipeline import run
from optimizer.proposal import Safety
from optimizer.view import Build
from tests.cases import all_cases

NODE = "FROM node:22\nWORKDIR /app\nCOPY . .\nRUN npm ci\n"
GIT = {".git/HEAD": "ref: refs/heads/main\n", ".git/index": "x" * 100}


def outcome(text: str, files: Mapping[str, str], *others: str) -> Outcome:
    listing = {name: content.encode() for name, content in {**files, "Dockerfile": text}.items()}
    trees = tuple(parse(Source(f"{n}.Dockerfile", other)) for n, other in enumerate(others))
    build = Build(
        BuildContext.from_listing(listing),
        Invocation(),
        ContextAnswer(".", "the test"),
        neighbours=lambda: trees,
    )
    chosen = transforms(select=("ignore-noise",))
    return run("Dockerfile", Source("Dockerfile", text), (build,), chosen, Safety(1))


def lines(found: Outcome) -> list[str]:
    return [line for file in found.files for line in file.after.splitlines()]


def test_version_control_data_that_nothing_reads_is_ignored() -> None:
    found = outcome(NODE, {**GIT, "server.js": "", "package.json": "{}"})
    assert lines(found) == [".git"]
    assert found.after == found.before
    (change,) = found.applied
    assert change.drops == ("/app/.git",)
    told = {each.metric: (each.before, each.after) for each in change.evidence}
    assert told["steps_rerun"] == (2, 0)
    before, after = told["context_bytes"]
    assert before - after == sum(map(len, GIT.values()))


@pytest.mark.parametrize(
    "files",
    [
        {"pyproject.toml": '[build-system]\nrequires = ["hatchling", "hatch-vcs"]\n'},
        {"setup.cfg": "[metadata]\nversion = attr: versioneer\n"},
        {"setup.py": "setup(setup_requires=['pbr'], pbr=True)\n"},
        {"package.json": '{"scripts": {"build": "git rev-parse HEAD > public/version"}}'},
        {"vite.config.ts": 'const rev = execSync("git log -1 --format=%h")\n'},
        {"build.js": 'spawnSync("git", ["describe"])\n'},
        {"Makefile": "VERSION := $(shell git describe --tags)\n"},
        {"scripts/version": "git -C . describe\n"},
        {"web/app.gemspec": "spec.files = `git ls-files -z`.split\n"},
        {"pom.xml": "<artifactId>git-commit-id-maven-plugin</artifactId>"},
        {"build.gradle": 'plugins { id "com.gorylenko.gradle-git-properties" }\n'},
        {"App.csproj": '<PackageReference Include="MinVer" />'},
        {"build.rs": "fn main() { vergen::EmitBuilder::builder().all_git() }\n"},
        {"mix.exs": 'System.cmd("git", ["rev-parse", "HEAD"])\n'},
        {"CMakeLists.txt": "find_package(Git QUIET)\n"},
        {"read.py": 'open(".git/HEAD").read()\n'},
    ],
    ids=lambda files: next(iter(files)),
)
def test_what_reads_the_work_tree_keeps_it(files: dict[str, str]) -> None:
    found = outcome(NODE, {**GIT, **files})
    assert not found.files
    assert [held.code for held in found.held] == ["version-control-is-read"]
    assert next(iter(files)) in found.held[0].reason


@pytest.mark.parametrize(
    "files",
    [
        {"package.json": '{"repository": {"type": "git", "url": "git+https://h.example/a.git"}}'},
        {"README.md": "Run `git log` to see what changed.\n"},
        {".gitignore": ".git/\n"},
        {"a.js": "const minVersion = next(); lastUpdated = nx\n"},
        {"compose.yaml": "environment:\n  REV: $(git rev-parse HEAD)\n"},
    ],
    ids=lambda files: next(iter(files)),
)
def test_what_only_speaks_of_git_keeps_nothing(files: dict[str, str]) -> None:
    assert lines(outcome(NODE, {**GIT, **files})) == [".git"]


@pytest.mark.parametrize(
    "run_text",
    [
        "git describe --tags > version",
        "apk add --no-cache make git",
        "apt-get update && apt-get install -y git",
        "go build -o /app .",
        "git submodule update --init",
        "cat .git/HEAD",
        "rm -r .git",
        "rm -rf $(git ls-files)",
        "rm -rf `git ls-files`",
        "rm -rf lists; git describe",
        "rm -f lists | git describe",
    ],
)
def test_a_step_that_reads_it_keeps_it(run_text: str) -> None:
    text = f"FROM golang:1.24\nWORKDIR /src\nCOPY . .\nRUN {run_text}\n"
    found = outcome(text, {**GIT, "main.go": "package main\n"})
    assert [held.code for held in found.held] == ["version-control-is-read"]
    assert not found.files


@pytest.mark.parametrize(
    "run_text",
    [
        "rm -rf .git",
        "rm -rf /src/.git && \\\n    rm -rf ${HOME}/.npm",
        "--mount=type=cache,target=/root/.cache \\\n    make && rm -fr 'docs' \".git\" .gitignore",
    ],
)
def test_a_step_that_removes_it_anyway_lets_it_go(run_text: str) -> None:
    text = f"FROM golang:1.24\nWORKDIR /src\nCOPY . .\nRUN {run_text}\n"
    assert lines(outcome(text, {**GIT, "main.c": ""})) == [".git"]


def test_a_build_that_stamps_nothing_lets_it_go() -> None:
    text = "FROM golang:1.24\nWORKDIR /src\nCOPY . .\nRUN go build -buildvcs=false -o /app .\n"
    assert lines(outcome(text, {**GIT, "main.go": "package main\n"})) == [".git"]


GO = "FROM golang:1.25\nWORKDIR /app\nCOPY . .\nRUN go build .\n"
KEPT = {".github/workflows/ci.yml": "on: push", ".vscode/settings.json": "{}"}


def test_what_git_keeps_stays_where_git_may_be_asked_for_changes() -> None:
    ignored = {".gitignore": "*.log\n", "yarn-error.log": "", "npm-debug.log": ""}
    found = outcome(GO, {**GIT, **KEPT, **ignored, "main.go": ""})
    assert lines(found) == ["**/npm-debug.log*", "**/yarn-error.log*"]
    reasons = [each.reason for each in found.held]
    assert len(reasons) == 2
    assert any("calls the sources changed, and `go build` in line 4" in each for each in reasons)


@pytest.mark.parametrize("rules", [".git\n", ".git/*\n", ".git/**\n"])
def test_where_git_is_left_out_it_cannot_be_asked(rules: str) -> None:
    found = outcome(GO, {**GIT, **KEPT, ".dockerignore": rules, "main.go": ""})
    assert lines(found) == [rules.strip(), ".github", "**/.vscode"]
    assert not found.held


def test_an_address_with_a_variable_names_nothing_of_the_context() -> None:
    text = "FROM debian:12\nARG V\nADD https://example.org/v$V/a.tar.xz /tmp/\nCOPY . /app\n"
    assert lines(outcome(text, {**KEPT, "main.c": ""})) == [".github", "**/.vscode"]
    assert not outcome(text.replace("https://example.org/v", ""), KEPT).files


def test_the_address_of_a_repository_reads_none_here() -> None:
    gemfile = 'git_source(:github) { |repo| "https://github.com/#{repo}.git" }\n'
    assert git_reader(gemfile) is None
    assert git_reader('"git@example.org:team/shop.git"') is None
    assert git_reader("File.read('.git/HEAD')") == ".git/"
    assert git_reader('path.join(root, ".git")') == ".git"


def test_another_dockerfile_counts_too() -> None:
    other = "FROM alpine:3.22\nCOPY . /src\nRUN cd /src && git describe > /version\n"
    assert outcome(NODE, GIT, other).held[0].code == "version-control-is-read"
    named = "FROM alpine:3.22\nCOPY .git /src/.git\n"
    assert outcome(NODE, GIT, named).held[0].code == "noise-is-copied"


def test_more_files_than_are_looked_at_keep_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(noise, "MOST_ENTRIES", 3)
    found = outcome(NODE, {**GIT, "a.js": "", "b.js": "", "c.js": "", "d.js": ""})
    assert not found.files
    assert "more files than are looked at" in found.held[0].reason


def test_the_commits_show_what_it_saves() -> None:
    (case,) = (c for c in all_cases() if c.id == "ignore-noise/editor-files-are-committed")
    (change,) = case.outcome().applied
    runs = [each for each in change.evidence if each.metric == "runs"]
    assert [(each.before, each.after) for each in runs] == [(30, 20)]


def test_numbers_over_other_commits_than_before_are_none() -> None:
    (case,) = (c for c in all_cases() if c.id == "ignore-noise/few-commits-touch-the-rest")
    (change,) = case.outcome().applied
    assert {each.metric for each in change.evidence} == {"steps_rerun", "context_bytes"}


@pytest.mark.parametrize(
    ("name", "content", "is_one"),
    [
        (".env", b"A=b\n", True),
        (".env.production", b"A=b\n", True),
        (".env", b"# nothing\n\n", False),
        (".npmrc", b"//h.example/:_authToken=npm_0123456789\n", True),
        (".npmrc", b"//h.example/:_authToken=${NPM_TOKEN}\n", False),
        (".npmrc", b"save-exact=true\n", False),
        (".netrc", b"machine h.example login a password 0123456789\n", True),
        ("auth.json", b'{"github-oauth": {"token": "0123456789"}}', True),
        ("server.key", b"-----BEGIN RSA PRIVATE KEY-----\n", True),
        ("ca.pem", b"-----BEGIN CERTIFICATE-----\n", False),
    ],
)
def test_a_secret_is_told_by_what_is_in_it(name: str, content: bytes, is_one: bool) -> None:
    assert may_be_secret(name)
    assert holds_secret(name, content) is is_one


@pytest.mark.parametrize("name", [".env.example", ".env.sample", "env", "main.py", "key.txt"])
def test_other_files_are_not_looked_into(name: str) -> None:
    assert not may_be_secret(name)


def test_a_long_line_is_searched_in_linear_time() -> None:
    for part in ("git ", "git -C x ", "apk add ", '("git', "git  \t", "git -", ".git.", "nx "):
        assert git_reader(part * 100_000) is None


def test_the_copy_that_brings_it_is_named() -> None:
    text = "FROM debian:bookworm-slim\nWORKDIR /app\nCOPY src ./src\nCOPY . .\nRUN cat src/a.txt\n"
    found = outcome(text, {"src/a.txt": "", ".vscode/settings.json": "{}"})
    assert [change.reason.split(",")[0] for change in found.applied] == [
        "`COPY . .` brings .vscode"
    ]


def test_only_what_the_named_copy_brings_is_listed() -> None:
    text = "FROM debian:bookworm-slim\nCOPY b ./b\nCOPY a ./a\nRUN cat a/x b/x\n"
    files = {"a/x": "", "a/.vscode/s": "", "a/.tox/t": "", "b/x": "", "b/.idea/i": ""}
    (change,) = outcome(text, files).applied
    assert change.reason.startswith("`COPY a ./a` brings a/.tox, a/.vscode, and")
