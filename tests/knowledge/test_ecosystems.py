"""All ecosystems together: no install meets silence, and every code is in the table."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import pytest

import optimizer.knowledge
from optimizer.knowledge import ecosystems
from optimizer.knowledge.installs import Call, Inputs, Install, Obstacle, Touch
from optimizer.knowledge.obstacles import CODES

ROOM = Path(optimizer.knowledge.__file__).parent


def recognise(command: str, env: dict[str, str] | None = None) -> Any:
    return ecosystems.recognise(Call(tuple(command.split()), "/app", env or {}))


@pytest.mark.parametrize(
    ("command", "ecosystem"),
    [
        ("npm ci", "npm"), ("pip install -r r.txt", "pip"), ("go mod download", "go"),
        ("env NODE_ENV=production npm ci", "npm"), ("sudo pip3 install -r r.txt", "pip"),
        ("exec npm ci", "npm"), ("command npm ci", "npm"), ("time go mod download", "go"),
        ("sudo env A=b nice npm ci", "npm"), ("/usr/bin/env npm ci", "npm"),
    ],
)  # fmt: skip
def test_installs_find_their_ecosystem(command: str, ecosystem: str) -> None:
    answer = recognise(command)

    assert isinstance(answer, Install)
    assert answer.ecosystem == ecosystem


def test_variables_in_front_count() -> None:
    answer = recognise("env NODE_OPTIONS=--require=./x npm ci")

    assert answer.code == "config-reads-source"


def test_sudo_has_a_home_of_its_own() -> None:
    answer = recognise("sudo npm install -g x", {"HOME": "/home/me"})

    assert isinstance(answer, Touch)
    assert "/root/.npmrc" in answer.reads


@pytest.mark.parametrize(
    "command",
    [
        "yarn",
        "yarn install --frozen-lockfile",
        "yarn --frozen-lockfile",
        "yarn install --immutable",
        "pnpm install --frozen-lockfile",
        "pnpm i",
        "pnpm fetch",
        "bun install",
        "bun i",
        "poetry install --no-root",
        "uv sync --frozen",
        "uv sync",
        "pipenv install --system --deploy",
        "pipenv sync",
        "pdm install --prod",
        "conda env create -f environment.yml",
        "mamba env update --file e.yml",
        "conda install --file r.txt",
        "micromamba env create -f e",
        "cargo fetch",
        "cargo chef cook --release",
        "mvn dependency:go-offline",
        "mvn -B -q dependency:resolve",
        "./mvnw dependency:go-offline",
        "./gradlew dependencies",
        "gradle build --no-daemon",
        "dotnet restore",
        "dotnet restore App.sln",
        "composer install",
        "composer install --no-dev --no-scripts",
        "bundle install --jobs 4",
        "bundle",
        "mix deps.get --only prod",
        "sbt update",
        "dart pub get",
        "flutter pub get",
        "lerna bootstrap",
        "stack setup",
        "pod install",
        "cpanm --installdeps .",
        "lein deps",
        "bower install",
        "env CI=1 yarn",
        "mvn clean package -DskipTests",
    ],
)
def test_other_package_managers_are_not_met_with_silence(command: str) -> None:
    answer = recognise(command)

    assert isinstance(answer, Obstacle)
    assert answer.code == "package-manager-not-covered"


@pytest.mark.parametrize(
    "command",
    [
        "yarn build",
        "yarn run test",
        "yarn global add serve",
        "yarn --version",
        "pnpm build",
        "pnpm add -g serve",
        "pnpm -v",
        "poetry config virtualenvs.create false",
        "poetry build",
        "uv run app.py",
        "uv venv",
        "conda install -y numpy",
        "cargo build --release",
        "make install",
        "cargo install cargo-chef",
        "dotnet build",
        "dotnet publish -c Release",
        "composer config a b",
        "bundle config set deployment true",
        "bundle exec rake",
        "mix compile",
        "gem install rails",
        "echo yarn install",
        "env",
        "sudo",
        "bun run build",
        "env -i npm ci",
        "ls",
        "",
    ],
)
def test_other_commands_are_nobodys(command: str) -> None:
    answer = recognise(command)

    assert answer is None


def test_inputs_ask_the_ecosystem_that_recognised(ask: Any) -> None:
    answer = ask(ecosystems, "go mod download", {"go.mod": "module m\ngo 1.21\n"})

    assert isinstance(answer, Inputs)
    assert answer.reads == ("/app/go.mod",)


def strings(tree: ast.AST) -> set[str]:
    return {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


def codes_in_use() -> set[str]:
    """The first argument of every `hold` and every `Obstacle` in the room."""
    found = set()
    for path in ROOM.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute):
                name = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
                if name in ("hold", "Obstacle") and node.args:
                    found |= strings(node.args[0])
    return found


def test_every_code_in_use_has_a_meaning_and_every_meaning_a_use() -> None:
    used = codes_in_use() & {
        code for code in codes_in_use() if re.fullmatch("[a-z]+(-[a-z]+)+", code)
    }

    assert used == set(CODES)


@pytest.mark.parametrize("code", CODES)
def test_codes_are_words_and_meanings_are_sentences(code: str) -> None:
    assert re.fullmatch(r"[a-z]+(-[a-z]+)+", code)
    assert re.fullmatch(r"[A-Zg][^.]*\.?[^.]*\.", CODES[code])


def test_no_module_of_the_room_opens_files_or_starts_programs() -> None:
    for path in ROOM.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import | ast.ImportFrom):
                names = [alias.name for alias in node.names]
                module = getattr(node, "module", "") or ""
                assert not {module, *names} & {"os", "pathlib", "subprocess", "socket", "shutil"}
