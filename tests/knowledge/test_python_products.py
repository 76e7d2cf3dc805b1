"""Where the package managers of Python leave what a container needs."""

from __future__ import annotations

import shlex
from collections.abc import Mapping

import pytest

from optimizer.context.tree import BuildContext
from optimizer.effects.copies import StageFiles
from optimizer.knowledge import producers
from optimizer.knowledge.installs import Call, Obstacle
from optimizer.knowledge.products import Made, Product
from optimizer.knowledge.running import Running
from tests.effects.views import view_of

SLIM = ("python", "3.12-slim")
SYSTEM = ("/usr/local/lib/python3.12/site-packages", "/usr/local/bin")
PATH = "/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin"


def answer(
    line: str,
    image: tuple[str, str] | None = SLIM,
    files: Mapping[str, bytes] | None = None,
    env: Mapping[str, str] | None = None,
    above: tuple[str, ...] = (),
    made: tuple[str, ...] = (),
    user: str | None = "root",
) -> Product | Obstacle | None:
    view = view_of("FROM python:3.12\nCOPY . /app/\nRUN true\n", files or {"x": b""})
    copied = view.files_above(view.stages.stages[0].steps[1])
    assert isinstance(copied, StageFiles)
    assert isinstance(view.context, BuildContext)
    base = {"PATH": PATH, "HOME": "/root" if user == "root" else "/\0home", **(env or {})}
    before = tuple(Call(tuple(shlex.split(each)), "/app", base) for each in above)
    has = Made(image, copied, Running(), made, user, before)
    return producers.product(Call(tuple(shlex.split(line)), "/app", base), has)


PLACES = [
    ("pip install flask", SLIM, {}, SYSTEM),
    ("pip3 install flask", ("python", "3.9.1-alpine3.13"), {},
     ("/usr/local/lib/python3.9/site-packages", "/usr/local/bin")),
    ("pip install flask", ("python", "latest"), {}, ("/usr/local/lib", "/usr/local/bin")),
    ("pip3 install flask", ("ubuntu", "22.04"), {},
     ("/usr/local/lib/python3.10/dist-packages", "/usr/local/bin")),
    ("python -m pip install flask", ("registry.example.com/python", "3.12-slim"), {}, SYSTEM),
    ("/opt/venv/bin/pip install flask", ("debian", "12"), {}, ("/opt/venv",)),
    ("pip install flask", ("debian", "12"),
     {"VIRTUAL_ENV": "/opt/venv", "PATH": f"/opt/venv/bin:{PATH}"}, ("/opt/venv",)),
    ("pip install --user flask", SLIM, {}, ("/root/.local",)),
    ("pip install --target=lib flask", SLIM, {}, ("/app/lib",)),
    ("pip install --prefix /install flask", SLIM, {}, ("/install",)),
    ("pip install -e .", SLIM, {}, (*SYSTEM, "/app")),
    ("python3 -m venv env", SLIM, {}, ("/app/env",)),
    ("uv venv /opt/venv", SLIM, {}, ("/opt/venv",)),
    ("uv pip install --system flask", SLIM, {}, SYSTEM),
    ("uv pip install flask", SLIM, {"VIRTUAL_ENV": "/v"}, ("/v",)),
    ("uv sync --frozen", SLIM, {}, ("/app/.venv",)),
    ("uv sync --frozen", ("ghcr.io/astral-sh/uv", "python3.12-bookworm-slim"), {}, ("/app/.venv",)),
    ("uv sync", SLIM, {"UV_PROJECT_ENVIRONMENT": "/venv"}, ("/venv",)),
    ("uv sync", SLIM, {"UV_PROJECT_ENVIRONMENT": "/usr/local"}, SYSTEM),
    ("poetry install", SLIM, {"POETRY_VIRTUALENVS_CREATE": "false"}, SYSTEM),
    ("poetry install", SLIM, {"POETRY_VIRTUALENVS_IN_PROJECT": "1"}, ("/app/.venv",)),
    ("poetry install", SLIM, {}, ("/root/.cache/pypoetry/virtualenvs",)),
    ("poetry install", SLIM, {"POETRY_CACHE_DIR": "/c"}, ("/c/virtualenvs",)),
    ("pipenv install --system", SLIM, {}, SYSTEM),
    ("pipenv sync", SLIM, {"PIPENV_VENV_IN_PROJECT": "1"}, ("/app/.venv",)),
    ("pipenv sync", SLIM, {}, ("/root/.local/share/virtualenvs",)),
    ("pipenv sync", SLIM, {"WORKON_HOME": "/envs"}, ("/envs",)),
    ("pdm sync --prod", SLIM, {}, ("/app/.venv",)),
    ("conda env create -n shop -f environment.yml", None, {}, ("/opt/conda/envs/shop",)),
    ("conda create -p /env -y python=3.12", None, {}, ("/env",)),
    ("python -m spacy download en_core_web_sm", SLIM, {}, SYSTEM),
    ("python -m nltk.downloader -d /data punkt", SLIM, {}, ("/data",)),
    ("python -c \"import nltk; nltk.download('punkt')\"", SLIM, {}, ("/root/nltk_data",)),
    ("python -m compileall -q src lib", SLIM, {}, ("/app/src", "/app/lib")),
    ("python manage.py compilemessages", SLIM, {}, ("/app",)),
    ("pybabel compile -d translations", SLIM, {}, ("/app/translations",)),
]  # fmt: skip


@pytest.mark.parametrize(("line", "image", "env", "keeps"), PLACES)
def test_what_is_kept_lies_where_the_tool_puts_it(
    line: str, image: tuple[str, str] | None, env: Mapping[str, str], keeps: tuple[str, ...]
) -> None:
    found = answer(line, image, env=env)
    assert isinstance(found, Product), found
    assert found.keeps == keeps


def test_an_environment_that_was_made_above_is_the_one_on_path() -> None:
    env = {"PATH": f"/opt/venv/bin:{PATH}"}
    found = answer("pip install flask", ("debian", "12"), env=env, made=("/opt/venv",))
    assert isinstance(found, Product)
    assert found.keeps == ("/opt/venv",)


def test_settings_of_poetry_count_by_where_they_stand() -> None:
    told = ("poetry config virtualenvs.create false",)
    for files, env, keeps in (
        ({"x": b""}, {}, SYSTEM),
        ({"poetry.toml": b"[virtualenvs]\nin-project = true\n"}, {}, SYSTEM),
        ({"x": b""}, {"POETRY_VIRTUALENVS_CREATE": "true"}, ("/root/.cache/pypoetry/virtualenvs",)),
    ):
        found = answer("poetry install", files=files, env=env, above=told)
        assert isinstance(found, Product)
        assert found.keeps == keeps


NOT_KNOWN = [
    ("pip install flask", ("example.com/team/base", "1"), {}, "unknown-product"),
    ("pip install flask", ("debian", "sid-slim"), {}, "unknown-product"),
    ("pip install --root /x flask", SLIM, {}, "unknown-product"),
    ("pip install --frobnicate flask", SLIM, {}, "unknown-product"),
    ("pip install -U pip flask", SLIM, {}, "replaces-base-files"),
    ("pip install setuptools==69 flask", ("python", "3.11"), {}, "replaces-base-files"),
    ("uv sync", ("debian", "12"), {}, "unknown-product"),
    ("uv sync", SLIM, {"UV_PYTHON": "3.13"}, "unknown-product"),
    ("uv sync --active", SLIM, {}, "unknown-product"),
    ("poetry install -C sub", SLIM, {}, "unknown-product"),
    ("pdm sync", SLIM, {"PDM_USE_VENV": "0"}, "unknown-product"),
    ("conda install numpy", None, {}, "unknown-product"),
    ("python manage.py collectstatic", SLIM, {}, "unknown-product"),
    ("python -m compileall", SLIM, {}, "unknown-product"),
]


@pytest.mark.parametrize(("line", "image", "env", "code"), NOT_KNOWN)
def test_it_says_what_it_cannot_know(
    line: str, image: tuple[str, str] | None, env: Mapping[str, str], code: str
) -> None:
    found = answer(line, image, env=env)
    assert isinstance(found, Obstacle), found
    assert found.code == code


def test_another_user_may_install_below_a_home_that_nobody_knows() -> None:
    for user in ("app", None):
        assert isinstance(answer("pip install flask", user=user), Obstacle)


@pytest.mark.parametrize(
    "line",
    ["pip install --upgrade pip", "pip install -U pip setuptools wheel", "pip uninstall -y pip"],
)
def test_what_replaces_the_bases_own_packages_is_run_again(line: str) -> None:
    found = answer(line, ("python", "3.11"))
    assert isinstance(found, Product)
    assert found.again
    assert found.keeps == ()


def test_the_python_of_the_project_has_to_be_that_of_the_image() -> None:
    for files in (
        {".python-version": b"3.11\n"},
        {"pyproject.toml": b'[project]\nrequires-python = ">=3.13"\n'},
        {"pyproject.toml": b'[project]\nrequires-python = "==3.11.*"\n'},
    ):
        assert isinstance(answer("uv sync", files=files), Obstacle)
    fits = {"pyproject.toml": b'[project]\nrequires-python = ">=3.11"\n'}
    assert isinstance(answer("uv sync", files=fits), Product)


def test_packages_are_named_as_the_index_spells_them() -> None:
    files = {
        "requirements.txt": b"Flask[async]>=2  # web\n-r more/base.txt\nPsycopg2_Binary\n./local\n",
        "more/base.txt": b"ruamel.yaml==0.18\n",
    }
    found = answer("pip install -r requirements.txt gunicorn", files=files)
    assert isinstance(found, Product)
    assert set(found.packages) == {"gunicorn", "flask", "psycopg2-binary", "ruamel-yaml"}


def test_jupyter_keeps_its_data() -> None:
    found = answer("pip install jupyterlab")
    assert isinstance(found, Product)
    assert {"/usr/local/share", "/usr/local/etc"} <= set(found.keeps)


STATIC = [
    (b'STATIC_ROOT = "/var/www/static/"\n', "/var/www/static"),
    (b'STATIC_ROOT = BASE_DIR / "static"  # all of it\n', "/app"),
    (b'STATIC_ROOT = os.path.join(BASE_DIR, "staticfiles")\n', "/app"),
    (b"STATIC_ROOT = env('STATIC_ROOT')\n", None),
    (b'STATIC_ROOT = BASE_DIR / "a"\nif DEBUG:\n    STATIC_ROOT = "/b"\n', None),
]


@pytest.mark.parametrize(("settings", "keeps"), STATIC)
def test_static_files_lie_where_the_settings_say(settings: bytes, keeps: str | None) -> None:
    files = {"manage.py": b"", "shop/settings/base.py": settings}
    found = answer("python manage.py collectstatic --noinput", files=files)
    if keeps is None:
        assert isinstance(found, Obstacle)
    else:
        assert isinstance(found, Product)
        assert found.keeps == (keeps,)


MANAGE = b"""import os
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings.local")
"""
BASE = b"from pathlib import Path\nimport os\nBASE_DIR = Path(__file__).resolve().parents[2]\n"
LOCAL = b"from .base import *\nDEBUG = True\n"
ALONE = [
    (b"BASE_DIR / 'static'", LOCAL, "/app/static"),
    (b"str(BASE_DIR.joinpath('out', 'static'))", LOCAL, "/app/out/static"),
    (b"os.path.join(BASE_DIR, 'static')", LOCAL, "/app/static"),
    (b"os.path.join(os.path.dirname(os.path.dirname(__file__)), 's')", LOCAL, "/app/shop/s"),
    (b"Path(__file__).parent / 'static'", LOCAL, "/app/shop/settings/static"),
    (b"BASE_DIR / 'static'", b"from .base import *\nBASE_DIR = BASE_DIR / 'a'\n", "/app/static"),
    (b"BASE_DIR / 'static'", LOCAL + b"from other.settings import *\n", "/app"),
    (b"BASE_DIR / 'static'", LOCAL + b"(BASE_DIR / 'logs').mkdir(exist_ok=True)\n", "/app"),
    (b"BASE_DIR / 'static'", LOCAL + b"import django_heroku\nset_up(locals())\n", "/app"),
    (b"BASE_DIR / 'static'", LOCAL + b"exec(open('more.py').read())\n", "/app"),
    (b"BASE_DIR / 'static'", LOCAL + b"STATIC_ROOT += '/more'\n", "/app"),
    (b"BASE_DIR / 'static'", b"from .base import\n", "/app"),
    (b"BASE_DIR / 'shop'", LOCAL, "/app"),
]


@pytest.mark.parametrize(("root", "local", "keeps"), ALONE)
def test_a_folder_of_static_files_is_kept_alone(root: bytes, local: bytes, keeps: str) -> None:
    files = {
        "manage.py": MANAGE,
        "shop/settings/base.py": BASE + b"STATIC_ROOT = " + root + b"\n",
        "shop/settings/local.py": local,
    }
    found = answer("python manage.py collectstatic --noinput", files=files)
    assert isinstance(found, Product)
    assert found.keeps == (keeps,)


@pytest.mark.parametrize(
    ("line", "manage", "env"),
    [
        ("python manage.py collectstatic --settings=shop.other", MANAGE, {}),
        ("python manage.py collectstatic", MANAGE + b"import dotenv\ndotenv.load_dotenv()\n", {}),
        ("python manage.py collectstatic", MANAGE, {"DJANGO_SETTINGS_MODULE": "shop.other"}),
        ("python manage.py collectstatic", MANAGE, {"DJANGO_SETTINGS_MODULE": "\0"}),
    ],
)
def test_which_settings_count_has_to_be_known(
    line: str, manage: bytes, env: Mapping[str, str]
) -> None:
    local = BASE + b"STATIC_ROOT = BASE_DIR / 'static'\n"
    files = {"manage.py": manage, "shop/settings/local.py": local}
    found = answer(line, files=files, env=env)
    assert isinstance(found, Product)
    assert found.keeps == ("/app",)


def test_a_command_of_the_project_may_collect_elsewhere() -> None:
    files = {
        "manage.py": MANAGE,
        "shop/settings/local.py": BASE + b"STATIC_ROOT = BASE_DIR / 'static'\n",
        "shop/management/commands/collectstatic.py": b"",
    }
    assert isinstance(answer("python manage.py collectstatic", files=files), Obstacle)


def test_libraries_beside_pythons_own_directory_are_kept() -> None:
    found = answer("pip install scikit-learn-intelex")
    assert isinstance(found, Product)
    assert found.keeps == ("/usr/local/lib", "/usr/local/bin")
