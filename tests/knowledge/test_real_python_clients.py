"""uv, Poetry, pipenv and PDM themselves: what dockopt says they read is enough, and needed.

The laws: an install that runs on the named files alone, with everything else laid over it
afterwards, leaves what one that ran on everything leaves; and a command that builds the project
leaves the same whether its dependency step ran first or not. No test asks a registry: the
dependency is a wheel beside the project.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from optimizer.knowledge.installs import Call, Inputs, Install
from optimizer.knowledge.python import pdm, pipenv, poetry, uv
from tests.knowledge.python_clients import programs
from tests.knowledge.test_real_clients import DiskFiles, Place, named, wheel

pytestmark = pytest.mark.clients

WHEEL, CONTENT = wheel("one", "1.0")
# Bytecode and uv's record hold times; so do the scripts' caches. PDM's own log is no result.
CHANCE = re.compile(r"\.pyc$|/uv_cache\.json$|/RECORD$|/direct_url\.json$|/\.lock$|/poetry\.lock$")


def place(tmp_path: Path, client: str, env: Mapping[str, str]) -> Place:
    path = f"{programs(client)}:{os.environ['PATH']}"
    found = Place(tmp_path, {"PATH": path, "PIP_NO_INDEX": "1", **env})
    found.env.pop("VIRTUAL_ENV", None)
    found.clear()
    return found


def kept(where: Place) -> dict[str, Any]:
    return {path: seen for path, seen in where.seen().items() if not CHANCE.search(path)}


def run(where: Place, command: str) -> None:
    done = where.run(command)
    assert done.returncode == 0, done.stdout + done.stderr


def law(where: Place, module: Any, command: str, files: Mapping[str, Any]) -> Inputs:
    """The install on the named files alone leaves what the install on everything leaves."""
    answer = where.ask(module, command, files)
    run(where, command)
    whole = kept(where)
    where.clear()
    where.fill(files, only=named(answer))
    run(where, command)
    where.fill(files)
    assert kept(where) == whole
    assert any(path.endswith("/one.py") for path in whole)
    return answer


def step_law(where: Place, module: Any, command: str, files: Mapping[str, Any]) -> Install:
    """With the dependency step first, on its files alone, the command leaves the same."""
    where.clear()
    where.fill(files)
    run(where, command)
    whole = kept(where)
    step = step_alone(where, module, command, files)
    where.fill(files)
    run(where, command)
    assert kept(where) == whole
    return step


def step_alone(where: Place, module: Any, command: str, files: Mapping[str, Any]) -> Install:
    """The dependency step of ``command`` runs on its files alone, and brings in the dependency."""
    where.clear()
    where.fill(files)
    disk = DiskFiles(str(where.app))
    step = module.dependency_step(Call(tuple(command.split()), str(where.app), where.env), disk)
    assert isinstance(step, Install), step
    inputs = module.inputs(step, disk)
    assert isinstance(inputs, Inputs), inputs
    where.clear()
    where.fill(files, only=named(inputs))
    run(where, " ".join(step.call.words))
    assert any(path.endswith("/one.py") for path in kept(where))
    return step


def without(
    where: Place, command: str, files: Mapping[str, Any], left: str, inputs: Inputs
) -> None:
    """Without the file ``left`` the install stops or leaves something else."""
    only = tuple(path for path in named(inputs) if path != str(where.app / left))
    assert len(only) < len(named(inputs))
    where.clear()
    where.fill(files, only=only)
    done = where.run(command)
    assert done.returncode != 0 or not any(path.endswith("/one.py") for path in kept(where))


def locked(where: Place, command: str, files: Mapping[str, Any], lock: str) -> dict[str, Any]:
    where.clear()
    where.fill(files)
    run(where, command)
    return {**files, lock: (where.app / lock).read_text()}


UV_PACKAGE = f"""
[project]
name = "app"
version = "1"
readme = "README.md"
requires-python = ">=3.11"
dependencies = ["one"]
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
[tool.uv.sources]
one = {{ path = "wheels/{WHEEL}" }}
"""
# A backend that needs nothing of the network: it packs the metadata alone.
BACKEND = """
import zipfile
def build_wheel(directory, settings=None, metadata=None):
    assert open("README.md").read() == "read me"
    name = "app-1-py3-none-any.whl"
    with zipfile.ZipFile(f"{directory}/{name}", "w") as archive:
        for path, text in (
            ("METADATA", "Metadata-Version: 2.1\\nName: app\\nVersion: 1\\n"),
            ("WHEEL", "Wheel-Version: 1.0\\nGenerator: x\\nRoot-Is-Purelib: true\\n"
                      "Tag: py3-none-any\\n"),
            ("RECORD", ""),
        ):
            archive.writestr(zipfile.ZipInfo(f"app-1.dist-info/{path}"), text)
    return name
build_editable = build_wheel
"""
UV_FILES = {
    "pyproject.toml": UV_PACKAGE, "README.md": "read me", "backend.py": BACKEND, "app.py": "",
    f"wheels/{WHEEL}": CONTENT, "other.txt": "",
}  # fmt: skip
UV_ENV = {"UV_OFFLINE": "1", "UV_PYTHON_DOWNLOADS": "never", "UV_LINK_MODE": "copy"}


@pytest.fixture
def uv_place(tmp_path: Path) -> Place:
    return place(tmp_path, "uv", {**UV_ENV, "UV_CACHE_DIR": str(tmp_path / "cache")})


def test_uv_without_the_project(uv_place: Place) -> None:
    files = locked(uv_place, "uv lock -q", UV_FILES, "uv.lock")
    command = "uv sync -q --locked --no-install-project"

    inputs = law(uv_place, uv, command, files)
    for left in ("uv.lock", "pyproject.toml", f"wheels/{WHEEL}"):
        without(uv_place, command, files, left, inputs)


def test_uv_dependency_step(uv_place: Place) -> None:
    files = locked(uv_place, "uv lock -q", UV_FILES, "uv.lock")

    step = step_law(uv_place, uv, "uv sync -q --locked", files)
    assert step.title == "uv sync --no-install-project -q --locked"
    step_law(uv_place, uv, "uv sync -q", UV_FILES)


def test_uv_dependencies_that_only_the_build_knows(uv_place: Place) -> None:
    computed = UV_PACKAGE.replace('dependencies = ["one"]', 'dynamic = ["dependencies"]')
    backend = BACKEND.replace("Version: 1\\n", "Version: 1\\nRequires-Dist: one\\n")
    files = {**UV_FILES, "pyproject.toml": computed, "backend.py": backend}
    files = locked(uv_place, "uv lock -q", files, "uv.lock")

    step = step_law(uv_place, uv, "uv sync -q --locked", files)
    assert step.title == "uv sync --no-install-project --frozen -q"


def test_uv_workspace(uv_place: Place) -> None:
    root = UV_PACKAGE + '[tool.uv.workspace]\nmembers = ["packages/*"]\n'
    member = UV_PACKAGE.replace('"app"', '"lib"').split("[tool.uv")[0].replace('"one"', "")
    backend = BACKEND.replace("app", "lib")
    files = {
        **UV_FILES, "pyproject.toml": root, "packages/lib/pyproject.toml": member,
        "packages/lib/README.md": "read me", "packages/lib/backend.py": backend,
        "packages/lib/lib.py": "",
    }  # fmt: skip
    files = locked(uv_place, "uv lock -q", files, "uv.lock")

    step = step_law(uv_place, uv, "uv sync -q --locked --all-packages", files)
    assert "--no-install-workspace" in step.title
    inputs = law(uv_place, uv, "uv sync -q --locked --no-install-workspace", files)
    without(uv_place, "uv sync -q --locked --no-install-workspace", files,
            "packages/lib/pyproject.toml", inputs)  # fmt: skip


def test_uv_project_that_is_no_package(uv_place: Place) -> None:
    head, tail = UV_PACKAGE.split("[build-system]")
    manifest = head + tail[tail.index("[tool.uv.sources]") :]
    files = {**UV_FILES, "pyproject.toml": manifest, ".python-version": "3\n"}
    files = locked(uv_place, "uv lock -q", files, "uv.lock")

    law(uv_place, uv, "uv sync -q --locked", files)


POETRY = f"""
[tool.poetry]
name = "app"
version = "0.1.0"
description = ""
authors = []
readme = "README.md"
[tool.poetry.dependencies]
python = "^3.11"
one = {{ path = "wheels/{WHEEL}" }}
[build-system]
requires = ["poetry-core"]
build-backend = "poetry.core.masonry.api"
"""
POETRY_FILES = {
    "pyproject.toml": POETRY, "README.md": "read me", "app/__init__.py": "", "other.txt": "",
    f"wheels/{WHEEL}": CONTENT, "poetry.toml": "[virtualenvs]\nin-project = true\n",
}  # fmt: skip


@pytest.fixture(params=["poetry-1", "poetry-2"])
def poetry_place(tmp_path: Path, request: pytest.FixtureRequest) -> Place:
    return place(tmp_path, request.param, {"POETRY_CACHE_DIR": str(tmp_path / "cache")})


def test_poetry_without_the_project(poetry_place: Place) -> None:
    files = locked(poetry_place, "poetry lock -q", POETRY_FILES, "poetry.lock")
    command = "poetry install -q --no-root"

    inputs = law(poetry_place, poetry, command, files)
    without(poetry_place, command, files, f"wheels/{WHEEL}", inputs)


def test_poetry_dependency_step(poetry_place: Place) -> None:
    files = locked(poetry_place, "poetry lock -q", POETRY_FILES, "poetry.lock")

    step_law(poetry_place, poetry, "poetry install -q --only main", files)


def test_poetry_directory_is_left_out(poetry_place: Place) -> None:
    manifest = POETRY.replace(
        "[build-system]", 'lib = { path = "lib", develop = true }\n[build-system]'
    )
    lib = POETRY.replace('"app"', '"lib"').replace(f'one = {{ path = "wheels/{WHEEL}" }}', "")
    files = {
        **POETRY_FILES, "pyproject.toml": manifest, "lib/pyproject.toml": lib, "lib/README.md": "",
        "lib/lib/__init__.py": "",
    }  # fmt: skip
    files = locked(poetry_place, "poetry lock -q", files, "poetry.lock")

    # The install itself builds the directory with a backend that it would have to fetch.
    step = step_alone(poetry_place, poetry, "poetry install -q", files)
    assert step.title == "poetry install --no-root --no-directory -q"


def test_pipenv_reads_pipfile_and_lock(tmp_path: Path) -> None:
    env = {"PIPENV_VENV_IN_PROJECT": "1", "PIPENV_NOSPIN": "1"}
    where = place(tmp_path, "pipenv", env)
    files: dict[str, Any] = {
        "Pipfile": f'[packages]\none = {{ path = "./wheels/{WHEEL}" }}\n', "app.py": "",
        f"wheels/{WHEEL}": CONTENT, "setup.py": "raise SystemExit(1)\n",
    }  # fmt: skip
    files = locked(where, "pipenv lock -q", files, "Pipfile.lock")
    (where.app / "Pipfile.lock").unlink()

    inputs = law(where, pipenv, "pipenv sync -q", files)
    without(where, "pipenv sync -q", files, f"wheels/{WHEEL}", inputs)


def test_pdm_without_the_project(tmp_path: Path) -> None:
    where = place(tmp_path, "pdm", {"PDM_CHECK_UPDATE": "0"})
    files: dict[str, Any] = {
        "pyproject.toml": PDM, "README.md": "", "app.py": "", f"wheels/{WHEEL}": CONTENT,
    }  # fmt: skip
    files = locked(where, "pdm lock -q", files, "pdm.lock")

    inputs = law(where, pdm, "pdm sync -q --no-self", files)
    without(where, "pdm sync -q --no-self", files, f"wheels/{WHEEL}", inputs)


PDM = f"""
[project]
name = "app"
version = "1"
readme = "README.md"
requires-python = ">=3.11"
dependencies = ["one @ file:///${{PROJECT_ROOT}}/wheels/{WHEEL}"]
"""
