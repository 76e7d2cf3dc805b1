"""What uv, Poetry, pipenv, PDM and conda leave for the run time: the environment of a project.

All that they installed is kept, groups for development too: which of them the code needs cannot
be told from the files.
"""

from __future__ import annotations

import re
from dataclasses import replace

from optimizer.knowledge.installs import HOLE, Call, Obstacle
from optimizer.knowledge.manifests import resolve
from optimizer.knowledge.products import Made, Product
from optimizer.knowledge.python import conda, pdm, pipenv, poetry, uv
from optimizer.knowledge.python.command_line import CommandLine
from optimizer.knowledge.python.places import (
    BESIDE_PACKAGES,
    active_environment,
    cache,
    home,
    is_on,
    other_python,
    system,
    unknown,
    uv_locks,
)


def product(call: Call, made: Made) -> Product | Obstacle | None:
    """Says what ``call`` leaves; see `optimizer.knowledge.products.Producer`."""
    knows = _TOOLS.get(call.program)
    if knows is None or any(HOLE in word for word in call.words):
        return None
    return knows(call, made)


def _uv(call: Call, made: Made) -> Product | Obstacle | None:
    """uv's docs, "Locking and syncing" and UV_PROJECT_ENVIRONMENT."""
    if uv.recognise(call) is None:
        return None
    line = uv.read_line(call)
    if line.verb in ("lock", "export"):
        return None
    if line.verb != "sync" or line.unknown or line.has("--directory", "--project", "--script"):
        return unknown(call, "its words are not understood")
    if line.has("--active"):
        return unknown(call, "it installs into the active environment")
    if (held := other_python(call, made)) is not None:
        return held
    environment = call.env.get("UV_PROJECT_ENVIRONMENT", ".venv")
    path = resolve(call.directory, environment)
    if path in ("/usr/local", "/usr"):
        places = system(call, made)
        return (
            places
            if isinstance(places, Obstacle)
            else _environment(call, places, "uv", BESIDE_PACKAGES)
        )
    return _environment(call, (path,), "uv")


def _poetry(call: Call, made: Made) -> Product | Obstacle | None:
    """Poetry's documentation, "Configuration", virtualenvs; "Managing environments"."""
    line = poetry.read_line(call)
    if line.verb == "config":
        return _poetry_config(call)
    if line.verb not in ("install", "sync"):
        return None
    if line.unknown or line.has("-C", "--directory", "-P", "--project"):
        return unknown(call, "its words are not understood")
    active = active_environment(replace(call, words=("python", *call.words[1:])), made)
    if active is not None:
        return _environment(call, (active,), "pypoetry")
    settings = _poetry_settings(call, made)
    if settings.get("create") is False:
        return _in_system(call, made, "pypoetry")
    if settings.get("in-project"):
        return _environment(call, (resolve(call.directory, ".venv"),), "pypoetry")
    named = call.env.get("POETRY_VIRTUALENVS_PATH")
    if named:
        return _environment(call, (resolve("/", named),), "pypoetry")
    kept = call.env.get("POETRY_CACHE_DIR") or next(iter(cache(call, "pypoetry")), None)
    if kept is None:
        return unknown(call, "the home of the user is not known")
    made_at = _environment(call, (f"{resolve('/', kept)}/virtualenvs",), "")
    return replace(
        made_at, drops=(f"{resolve('/', kept)}/cache", f"{resolve('/', kept)}/artifacts")
    )


def _poetry_config(call: Call) -> Product | Obstacle:
    """Poetry's documentation, "Configuration": the user's settings, or with --local poetry.toml."""
    if "--local" in call.words:
        return Product((resolve(call.directory, "poetry.toml"),))
    at = call.env.get("POETRY_CONFIG_DIR") or home(call)
    if at is None:
        return unknown(call, "the home of the user is not known")
    return Product((at if at != home(call) else f"{at}/.config/pypoetry",))


def _poetry_settings(call: Call, made: Made) -> dict[str, bool]:
    """Returns what is said of virtual environments: by poetry.toml, by ``poetry config`` above,
    and by variables, which come first (config/config.py)."""
    found: dict[str, bool] = {}
    local = made.files.read(resolve(call.directory, "poetry.toml")) or b""
    for name in ("create", "in-project"):
        said = re.search(rb"^\s*" + name.encode() + rb"\s*=\s*(true|false)", local, re.MULTILINE)
        for word in [said[1].decode()] if said else []:
            found[name] = word == "true"
        for other in made.before:
            words = [word for word in other.words[1:] if not word.startswith("-")]
            if other.program == "poetry" and words[:2] == ["config", f"virtualenvs.{name}"]:
                found[name] = words[2:3] == ["true"]
        variable = call.env.get(f"POETRY_VIRTUALENVS_{name.replace('-', '_').upper()}")
        if variable is not None:
            found[name] = is_on(variable)
    return found


def _pipenv(call: Call, made: Made) -> Product | Obstacle | None:
    """pipenv's documentation, "Configuration": PIPENV_VENV_IN_PROJECT, WORKON_HOME."""
    line = pipenv.read_line(call)
    if line.verb not in ("install", "sync"):
        return None
    if line.unknown or call.env.get("PIPENV_PIPFILE"):
        return unknown(call, "its words are not understood")
    if line.has("--system"):
        places = system(call, made)
        return (
            places
            if isinstance(places, Obstacle)
            else _environment(call, places, "pipenv", BESIDE_PACKAGES)
        )
    active = active_environment(replace(call, words=("python", *call.words[1:])), made)
    if active is not None:
        return _environment(call, (active,), "pipenv")
    if is_on(call.env.get("PIPENV_VENV_IN_PROJECT")):
        return _environment(call, (resolve(call.directory, ".venv"),), "pipenv")
    named = call.env.get("WORKON_HOME")
    at = home(call)
    if named or at:
        place = resolve("/", named) if named else f"{at}/.local/share/virtualenvs"
        return _environment(call, (place,), "pipenv")
    return unknown(call, "the home of the user is not known")


def _pdm(call: Call, made: Made) -> Product | Obstacle | None:
    """PDM's documentation, "Working with virtual environments"."""
    line = pdm.read_line(call)
    if line.verb not in ("install", "sync"):
        return None
    configured = any(
        other.program == "pdm" and {"python.use_venv", "venv.in_project"} & set(other.words)
        for other in made.before
    )
    chosen = any(name.startswith(("PDM_USE", "PDM_PYTHON", "PDM_IGNORE")) for name in call.env)
    if line.unknown or configured or chosen or line.has("-p", "--project", "-g", "--global"):
        return unknown(call, "which environment PDM uses is not known")
    if active_environment(replace(call, words=("python", *call.words[1:])), made) is not None:
        return unknown(call, "which environment PDM uses is not known")
    return _environment(call, (resolve(call.directory, ".venv"),), "pdm")


def _conda(call: Call, made: Made) -> Product | Obstacle | None:
    """conda's documentation, "Managing environments": one by name lies below envs of its root."""
    line = conda.read_line(call)
    if line.verb in ("clean", "config", "init", "info"):
        return None
    if line.verb not in ("create", "env create") or line.unknown:
        return unknown(call, "it changes an environment that the base image has")
    named = line.last("-p", "--prefix")
    if named:
        return _environment(call, (resolve(call.directory, named),), "")
    name = line.last("-n", "--name") or _named_in_file(call, line, made)
    root = "/opt/conda" if call.program != "micromamba" else call.env.get("MAMBA_ROOT_PREFIX")
    if not name or not root:
        return unknown(call, "its name is not known")
    found = _environment(call, (f"{root}/envs/{name}",), "")
    return replace(found, drops=(f"{root}/pkgs",))


def _named_in_file(call: Call, line: CommandLine, made: Made) -> str | None:
    path = line.last("-f", "--file") or "environment.yml"
    content = made.files.read(resolve(call.directory, path)) or b""
    found = re.search(rb"^name:\s*[\"']?([\w.-]+)", content, re.MULTILINE)
    return found[1].decode() if found else None


def _in_system(call: Call, made: Made, cached: str) -> Product | Obstacle:
    places = system(call, made)
    if isinstance(places, Obstacle):
        return places
    return _environment(call, places, cached, BESIDE_PACKAGES)


def _environment(
    call: Call, places: tuple[str, ...], cached: str, also: tuple[str, ...] = ()
) -> Product:
    """Returns an environment at ``places``; ``cached`` is the name of the tool's cache."""
    left = cache(call, cached) if cached else ()
    also = (*also, *(uv_locks(call) if cached == "uv" else ()))
    return Product(
        keeps=places,
        drops=(*left, *also),
        interpreter="python3",
        ecosystem="pypi",
    )


_TOOLS = {
    "uv": _uv,
    "poetry": _poetry,
    "pipenv": _pipenv,
    "pdm": _pdm,
    "conda": _conda,
    "mamba": _conda,
    "micromamba": _conda,
}
