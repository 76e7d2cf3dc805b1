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
from tests.knowledge.conftest import MemoryFiles

ROOM = Path(optimizer.knowledge.__file__).parent


BUILT = {
    "/app/Cargo.toml": '[package]\nname = "app"\n[lib]\npath = "l.rs"\n',
    "/app/Cargo.lock": '[[package]]\nname = "x"\nversion = "1.0.0"\nsource = "registry+https://h"\n',
    "/app/go.mod": "module m\ngo 1.21\nrequire h.c/a v1.0.0\n",
    "/app/go.sum": "h.c/a v1.0.0 h1:x=\nh.c/a v1.0.0/go.mod h1:y=\n",
}


def recognise(command: str, env: dict[str, str] | None = None) -> Any:
    return ecosystems.recognise(Call(tuple(command.split()), "/app", env or {}))


@pytest.mark.parametrize(
    ("command", "ecosystem"),
    [
        ("npm ci", "npm"), ("pip install -r r.txt", "pip"), ("go mod download", "go"),
        ("cargo fetch", "cargo"), ("env CI=1 cargo chef cook", "cargo"),
        ("env NODE_ENV=production npm ci", "npm"), ("sudo pip3 install -r r.txt", "pip"),
        ("exec npm ci", "npm"), ("command npm ci", "npm"), ("time go mod download", "go"),
        ("sudo env A=b nice npm ci", "npm"), ("/usr/bin/env npm ci", "npm"),
        ("yarn", "yarn"), ("yarn install --immutable", "yarn"), ("env CI=1 yarn", "yarn"),
        ("yarnpkg --frozen-lockfile", "yarn"), ("yarn workspaces focus --all", "yarn"),
        ("pnpm i", "pnpm"), ("pnpm fetch --prod", "pnpm"), ("pnpm -r install", "pnpm"),
        ("bun install", "bun"), ("bun i -p", "bun"), ("corepack install", "npm"),
        ("dotnet restore App.sln", "dotnet"), ("dotnet tool restore", "dotnet"),
        ("composer install --no-dev", "composer"), ("php composer.phar i", "composer"),
        ("bundle install --jobs 4", "bundle"), ("bundle", "bundle"), ("bundler i", "bundle"),
        ("mix deps.get --only prod", "mix"), ("mix do deps.get, deps.compile", "mix"),
        ("poetry install --no-root", "poetry"), ("/root/.local/bin/poetry install", "poetry"),
        ("uv sync --frozen", "uv"), ("/root/.local/bin/uv sync", "uv"), ("uv pip sync r", "pip"),
        ("pipenv install --system --deploy", "pipenv"), ("pipenv sync", "pipenv"),
        ("pdm install --prod", "pdm"), ("conda env create -f environment.yml", "conda"),
        ("mamba env update --file e.yml", "conda"), ("conda install --file r.txt", "conda"),
        ("micromamba env create -f e", "conda"), ("micromamba create -y -f e.yml", "conda"),
    ],
)  # fmt: skip
def test_installs_find_their_ecosystem(command: str, ecosystem: str) -> None:
    answer = recognise(command)

    assert isinstance(answer, Install)
    assert answer.ecosystem == ecosystem


@pytest.mark.parametrize(
    ("command", "step"),
    [
        ("go build ./...", "go mod download"),
        ("env CGO_ENABLED=0 go build -o /app/server .", "go mod download"),
        ("go install ./cmd/server", "go mod download"),
        ("go install golang.org/x/tools/cmd/stringer@v0.30.0", None),
        ("go version", None),
        ("cargo build --release", "cargo fetch"),
        ("cargo install ripgrep", None),
        ("npm run build", None),
        ("uv run app.py", None),
        ("poetry build", None),
        ("pipenv install --deploy", None),
        ("conda env create", None),
        ("pip install six", None),
        ("make", None),
    ],
)
def test_a_build_names_the_step_that_brings_in_its_dependencies(
    command: str, step: str | None
) -> None:
    call = Call(tuple(command.split()), "/app")

    found = ecosystems.dependency_step(call, MemoryFiles(BUILT))

    assert (found.title if isinstance(found, Install) else found) == step


@pytest.mark.parametrize(
    ("command", "env", "paths"),
    [
        ("go mod download", {"GOPATH": "/go"}, ["/go/pkg/mod"]),
        ("go build ./...", {"GOPATH": "/go"}, ["/go/pkg/mod"]),
        ("go version", {"GOPATH": "/go"}, []),
        ("cargo build", {"CARGO_HOME": "/c"}, ["/c/registry", "/c/git"]),
        ("go mod download", {"GOMODCACHE": "/modules", "GOPATH": "/go"}, ["/modules"]),
        ("go mod download", {}, []),
        ("npm ci", {"HOME": "/root"}, ["/root/.npm"]),
        ("npm ci", {"npm_config_cache": "/cache"}, ["/cache"]),
        ("npm ci", {}, []),
        ("pip install -r r.txt", {"HOME": "/root"}, ["/root/.cache/pip"]),
        ("python3 -m pip install x", {"PIP_CACHE_DIR": "/pip"}, ["/pip"]),
        ("uv pip install x", {"XDG_CACHE_HOME": "/x", "HOME": "/root"}, ["/x/uv"]),
        ("uv sync", {"UV_CACHE_DIR": "/u"}, ["/u"]),
        ("poetry install", {"HOME": "/root"},
         ["/root/.cache/pypoetry/artifacts", "/root/.cache/pypoetry/cache"]),
        ("poetry install", {"POETRY_CACHE_DIR": "/p"}, ["/p/artifacts", "/p/cache"]),
        ("poetry install", {}, []),
        ("pipenv sync", {"HOME": "/root"}, ["/root/.cache/pipenv", "/root/.cache/pip"]),
        ("pdm sync", {"PDM_CACHE_DIR": "/pdm"}, ["/pdm"]),
        ("conda env create", {"HOME": "/root"}, []),
        ("yarn", {"HOME": "/root"}, ["/usr/local/share/.cache/yarn", "/root/.yarn/berry/cache"]),
        ("yarn", {"HOME": "/home/u"}, ["/home/u/.cache/yarn", "/home/u/.yarn/berry/cache"]),
        ("yarn --cache-folder .c", {"HOME": "/root"}, ["/app/.c"]),
        ("yarn", {"YARN_CACHE_FOLDER": "/c"}, ["/c"]),
        ("pnpm i", {"HOME": "/root"}, ["/root/.local/share/pnpm/store"]),
        ("pnpm i", {"PNPM_HOME": "/pnpm", "HOME": "/root"}, ["/pnpm/store"]),
        ("pnpm i --store-dir /s", {}, ["/s"]),
        ("pnpm i", {"npm_config_store_dir": "/s", "HOME": "/root"}, ["/s"]),
        ("pnpm i", {}, []),
        ("bun install", {"HOME": "/root"}, ["/root/.bun/install/cache"]),
        ("bun install", {"BUN_INSTALL_CACHE_DIR": "/b"}, ["/b"]),
        ("bun install", {}, []),
        ("make", {"HOME": "/root"}, []),
        ("bundle install", {"HOME": "/root"}, ["/root/.bundle/cache"]),
        ("composer install", {"HOME": "/root"}, ["/root/.cache/composer"]),
        ("composer install", {"COMPOSER_CACHE_DIR": "/c"}, ["/c"]),
        ("mix deps.get", {"HOME": "/root"}, ["/root/.hex/packages"]),
        ("dotnet restore", {"HOME": "/root"}, ["/root/.local/share/NuGet/http-cache"]),
    ],
)  # fmt: skip
def test_downloads_lie_where_the_variables_say(
    command: str, env: dict[str, str], paths: list[str]
) -> None:
    caches = ecosystems.download_caches(Call(tuple(command.split()), "/app", env))

    assert [cache.path for cache in caches] == paths


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
        "dart pub get",
        "flutter pub get",
        "lerna bootstrap",
        "deno install",
        "stack setup",
        "pod install",
        "cpanm --installdeps .",
        "lein deps",
        "bower install",
        "env CI=1 lerna bootstrap",
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
        "cargo build --release",
        "make install",
        "cargo install cargo-chef",
        "dotnet build",
        "dotnet publish -c Release",
        "bundle config set deployment true",
        "bundle exec rake",
        "mix compile",
        "gem install rails",
        "composer dump-autoload -o",
        "php artisan optimize",
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
    for path in ROOM.rglob("*.py"):
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
    for path in ROOM.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import | ast.ImportFrom):
                names = [alias.name for alias in node.names]
                module = getattr(node, "module", "") or ""
                assert not {module, *names} & {"os", "pathlib", "subprocess", "socket", "shutil"}
