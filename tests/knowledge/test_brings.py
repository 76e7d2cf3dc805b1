"""Which packages of a language a command installs."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest

from optimizer.knowledge.brings import Brings, brings
from optimizer.knowledge.installs import HOLE, Call, Kind


class Copied:
    """Files that were copied, by their absolute path."""

    def __init__(self, files: Mapping[str, str]) -> None:
        self.files = files

    def kind(self, path: str) -> Kind | None:
        if path in self.files:
            return "file"
        return "dir" if any(name.startswith(path + "/") for name in self.files) else None

    def read(self, path: str) -> bytes | None:
        return self.files[path].encode() if path in self.files else None

    def children(self, path: str) -> tuple[str, ...]:
        inner = (n[len(path) + 1 :] for n in self.files if n.startswith(path + "/"))
        return tuple(sorted({name.partition("/")[0] for name in inner}))

    def is_executable(self, path: str) -> bool:
        return False


def ask(command: str, files: Mapping[str, str] | None = None) -> Brings | None:
    copied = Copied(files or {})
    return brings(Call(tuple(command.split()), "/app", {}), lambda: copied)


def names(found: Brings | None) -> dict[str, bool]:
    assert found is not None
    assert found.unknown is None
    return {package.name: package.is_plain for package in found.packages}


PIP = [
    ("pip install Flask==3.0 zope.interface", ["flask", "zope-interface"]),
    ("python3 -m pip install --no-cache-dir uvicorn[standard]>=0.30", ["uvicorn"]),
    ("pip install sqlalchemy[asyncio,postgresql]", ["sqlalchemy", "psycopg2"]),
    ("pip install psycopg[binary,pool]==3.2", ["psycopg-binary"]),
    ("pip install django-auth-ldap", ["django-auth-ldap", "python-ldap"]),
    ("uv pip install --system gunicorn", ["gunicorn"]),
    ("pip install -r requirements.txt", ["flask", "celery", "redis"]),
    ("uv pip sync requirements.txt", ["flask", "celery", "redis"]),
    ("pip wheel --wheel-dir /wheels psycopg2", ["psycopg2"]),
    ("pip install .", ["httpx"]),
    ("pip install -e .[dev]", ["httpx", "pytest"]),
    ("pip install dist/frob_x-1.0-py3-none-any.whl", ["frob-x"]),
    ("uv tool install ruff", ["ruff"]),
]
FILES = {
    "/app/requirements.txt": "flask==3.0 --hash=sha256:00\n-r more/celery.txt\n-c pins.txt\n",
    "/app/more/celery.txt": "celery[redis] ; python_version > '3'\nredis\n",
    "/app/pyproject.toml": (
        '[build-system]\nrequires = ["hatchling"]\n[project]\nname = "app"\nversion = "1"\n'
        'dependencies = ["httpx>=0.27"]\n[project.optional-dependencies]\ndev = ["pytest"]\n'
    ),
    "/app/dist/frob_x-1.0-py3-none-any.whl": "",
}


@pytest.mark.parametrize(("command", "wanted"), PIP, ids=[row[0] for row in PIP])
def test_pip(command: str, wanted: list[str]) -> None:
    assert sorted(names(ask(command, FILES))) == sorted(wanted)


NOT_KNOWN = [
    "pip install git+https://example.com/x.git",
    "pip install ./vendored",
    "pip install -r missing.txt",
    "pip install x[whatever]",
    "poetry install",
    "uv sync",
    "conda install numpy",
    "npm ci",
    "yarn install",
    "bundle install",
    f"pip install x=={HOLE}",
    f"npm install {HOLE}",
]


@pytest.mark.parametrize("command", NOT_KNOWN)
def test_not_known(command: str) -> None:
    found = ask(command)
    assert found is not None
    assert found.unknown


@pytest.mark.parametrize(
    "command", ["pip --version", "pip uninstall x", "npm run build", "gem list", "ls", "uv --help"]
)
def test_no_install(command: str) -> None:
    assert ask(command) is None


def test_files_that_include_each_other_come_to_an_end() -> None:
    files = {"/app/a.txt": "-r b.txt\nx\n", "/app/b.txt": "-r a.txt\ny\n"}
    assert sorted(names(ask("pip install -r a.txt", files))) == ["x", "y"]


def test_a_compiled_project_is_not_known() -> None:
    files = {
        "/app/pyproject.toml": '[build-system]\nrequires = ["maturin"]\n[project]\nname = "a"\n'
    }
    found = ask("pip install .", files)
    assert found is not None
    assert found.unknown


def test_wheels_that_lie_there_are_built() -> None:
    found = ask("pip install --no-cache-dir /wheels/*")
    assert found is not None
    assert found.is_built
    assert found.unknown is None
    found = ask("pip install --no-index --find-links=/wheels psycopg2")
    assert found is not None
    assert found.is_built
    found = ask("pip install psycopg2")
    assert found is not None
    assert not found.is_built


def test_lockfiles_say_which_packages_have_wheels() -> None:
    lock = (
        '[[package]]\nname = "app"\nversion = "1"\nsource = { virtual = "." }\n'
        '[[package]]\nname = "pure"\nversion = "1"\n'
        'wheels = [{ url = "https://x/pure-1-py3-none-any.whl" }]\n'
        '[[package]]\nname = "mac-only"\nversion = "1"\n'
        'wheels = [{ url = "https://x/mac_only-1-cp312-cp312-macosx_11_0_arm64.whl" }]\n'
        'sdist = { url = "https://x/mac_only-1.tar.gz" }\n'
    )
    assert names(ask("uv sync --frozen", {"/app/uv.lock": lock})) == {
        "pure": True,
        "mac-only": False,
    }
    lock = (
        '[[package]]\nname = "Both"\nversion = "1"\nfiles = [\n'
        ' {file = "both-1-cp312-cp312-manylinux_2_17_x86_64.whl", hash = "sha256:0"},\n'
        ' {file = "both-1.tar.gz", hash = "sha256:0"},\n]\n'
    )
    assert names(ask("poetry install", {"/app/poetry.lock": lock})) == {"both": True}
    assert names(ask("pipenv sync", {"/app/Pipfile.lock": '{"default": {"x": {}}}'})) == {
        "x": False
    }


def test_npm_lists_scripts_and_helpers() -> None:
    lock = {
        "lockfileVersion": 3,
        "packages": {
            "": {},
            "node_modules/ms": {},
            "node_modules/@scope/x": {"hasInstallScript": True},
            "node_modules/bcrypt": {"dependencies": {"node-addon-api": "^5"}},
            "node_modules/fsevents": {"os": ["darwin"], "hasInstallScript": True},
            "member": {"version": "1"},
        },
    }
    found = ask("npm ci --omit=dev", {"/app/package-lock.json": json.dumps(lock)})
    assert names(found) == {"ms": True, "@scope/x": False, "bcrypt": False}


def test_npm_of_old_lists_no_scripts() -> None:
    lock = {"lockfileVersion": 1, "dependencies": {"ms": {"version": "1"}}}
    found = ask("npm ci", {"/app/package-lock.json": json.dumps(lock)})
    assert found is not None
    assert found.unknown


def test_yarn_of_both_kinds() -> None:
    classic = (
        "# yarn lockfile v1\n\n\n"
        '"@scope/x@^1.0.0", "@scope/x@^1.1.0":\n  version "1.1.0"\n  dependencies:\n'
        '    nan "^2"\n\nms@2.1.3:\n  version "2.1.3"\n'
    )
    wanted = {"@scope/x": False, "ms": True}
    assert names(ask("yarn install --frozen-lockfile", {"/app/yarn.lock": classic})) == wanted
    assert names(ask("yarn", {"/app/yarn.lock": classic})) == wanted
    berry = (
        '__metadata:\n  version: 8\n\n"@scope/x@npm:^1.0.0":\n  version: 1.1.0\n'
        '  dependencies:\n    node-gyp: "npm:latest"\n  linkType: hard\n\n'
        '"ms@npm:2.1.3":\n  version: 2.1.3\n'
    )
    assert names(ask("yarn install", {"/app/yarn.lock": berry})) == wanted


@pytest.mark.parametrize(
    ("command", "lock", "text"),
    [
        ("yarn", "yarn.lock", '# yarn lockfile v1\n\n\nfibers@^5.0.3:\n  version "5.0.3"\n'),
        ("pnpm i", "pnpm-lock.yaml", "lockfileVersion: '9.0'\npackages:\n  fibers@5.0.3: {}\n"),
    ],
)
def test_packages_that_are_known_to_compile_count_by_their_names(
    command: str, lock: str, text: str
) -> None:
    assert names(ask(command, {f"/app/{lock}": text})) == {"fibers": False}


def test_pnpm_of_both_kinds() -> None:
    six = (
        "lockfileVersion: '6.0'\npackages:\n\n  /ms@2.1.3:\n    dev: false\n\n"
        "  /@scope/x@1.1.0(y@2):\n    requiresBuild: true\n"
    )
    wanted = {"@scope/x": False, "ms": True}
    assert names(ask("pnpm install --frozen-lockfile", {"/app/pnpm-lock.yaml": six})) == wanted
    nine = (
        "lockfileVersion: '9.0'\npackages:\n\n  ms@2.1.3:\n    resolution: {}\n\n"
        "  '@scope/x@1.1.0':\n    resolution: {}\n\nsnapshots:\n\n  ms@2.1.3: {}\n\n"
        "  '@scope/x@1.1.0':\n    dependencies:\n      bindings: 1.5.0\n"
    )
    assert names(ask("pnpm i", {"/app/pnpm-lock.yaml": nine})) == wanted


def test_named_packages() -> None:
    assert names(ask("npm install -g @scope/x@1 pm2")) == {"@scope/x": False, "pm2": False}
    assert names(ask("yarn global add serve@14")) == {"serve": False}
    assert names(ask("gem install bundler:2.4 rake -N")) == {"bundler": False, "rake": False}


GEMSPEC = """Gem::Specification.new do |spec|
  spec.name = "haiku"
  spec.files = ["lib/haiku.rb"]
end
"""
PATH_LOCK = """PATH
  remote: vendor/gems/haiku
  specs:
    haiku (0.2.0)
      rack

GEM
  remote: https://gems.example.org/
  specs:
    rack (3.1.0)
"""


@pytest.mark.parametrize(
    ("gemspec", "is_plain"),
    [
        (GEMSPEC, True),
        (GEMSPEC.replace("files", "extensions"), False),
        (GEMSPEC.replace('["lib/haiku.rb"]', "`git ls-files`.split"), False),
        (GEMSPEC + 'eval File.read("more.rb")\n', False),
        (None, False),
    ],
)
def test_a_gem_of_the_project_is_plain_by_its_gemspec(gemspec: str | None, is_plain: bool) -> None:
    files = {"/app/Gemfile.lock": PATH_LOCK}
    if gemspec is not None:
        files["/app/vendor/gems/haiku/haiku.gemspec"] = gemspec
    expected = {"haiku": is_plain, "rack": False}
    assert names(ask("bundle install", files)) == expected
    windows = {path: text.replace("\n", "\r\n") for path, text in files.items()}
    assert names(ask("bundle install", windows)) == expected


def test_gems_for_the_platform_are_built() -> None:
    lock = (
        "GEM\n  remote: https://gems.example.org/\n  specs:\n    nokogiri (1.16.2-x86_64-linux)\n"
        "      racc (~> 1.4)\n    pg (1.5.6)\n    racc (1.7.3)\n\nPLATFORMS\n  ruby\n"
    )
    assert names(ask("bundle install", {"/app/Gemfile.lock": lock})) == {
        "nokogiri": True,
        "pg": False,
        "racc": False,
    }


@pytest.mark.parametrize(
    ("command", "name", "text"),
    [
        ("npm ci", "package-lock.json", "{"),
        ("npm ci", "package-lock.json", '{"packages": {"node_modules/x": 3}}'),
        ("npm ci", "package-lock.json", "[" * 100_000),
        ("pnpm i", "pnpm-lock.yaml", "packages:\n  a: [\n"),
        ("pnpm i", "pnpm-lock.yaml", "packages:\n  - a\n"),
        ("uv sync", "uv.lock", "[[package]\n"),
        ("uv sync", "uv.lock", "package = 3\n"),
        ("poetry install", "poetry.lock", "\x00"),
        ("pipenv sync", "Pipfile.lock", "[1]"),
        ("pip install -r r.txt", "r.txt", "\\\n" * 1000),
        ("pip install .", "pyproject.toml", "project = 1\n"),
        ("bundle install", "Gemfile.lock", "    x (" * 1000),
    ],
)
def test_broken_files_are_no_crash(command: str, name: str, text: str) -> None:
    ask(command, {f"/app/{name}": text})
