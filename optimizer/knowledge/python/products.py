"""What pip leaves for the run time, and programs that make virtual environments.

Where environments lie is for `optimizer.knowledge.python.places` to say; what commands of
frameworks write is in `optimizer.knowledge.python.written`, and what the tools with lockfiles leave
in `optimizer.knowledge.python.project_products`.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator

from optimizer.knowledge.installs import HOLE, Call, Obstacle
from optimizer.knowledge.manifests import resolve
from optimizer.knowledge.products import Made, Product
from optimizer.knowledge.python import requirements, written
from optimizer.knowledge.python.pip import PipCommand, read_command
from optimizer.knowledge.python.pip_options import Settings, in_force
from optimizer.knowledge.python.places import (
    BESIDE_PACKAGES,
    active_environment,
    cache,
    compiled_by_running,
    has_preinstalled,
    home,
    is_on,
    other_python,
    system,
    unknown,
    uv_locks,
)

_WITH_DATA = re.compile(
    r"jupyter|notebook|ipykernel|voila|nbconvert|nbclassic|ipywidgets|bash.kernel"
)
"""Packages whose data lie below share and etc of the prefix, where Jupyter looks for kernels and
extensions (Jupyter's documentation, "Common Directories and File Locations")."""

_WITH_LIBRARIES = re.compile(r"intel|^(?:mkl|tbb|daal|onedal|dpnp|impi|openvino)")
"""Packages whose shared libraries lie in lib of the prefix, beside Python's own directory (Intel's
packages on PyPI, their RECORD files)."""
_BESIDE = "No package puts what it reads when it runs below share, etc or lib of /usr/local."

_UPGRADES = frozenset({"-U", "--upgrade", "--force-reinstall", "-I", "--ignore-installed"})


def product(call: Call, made: Made) -> Product | Obstacle | None:
    """Says what ``call`` leaves; see `optimizer.knowledge.products.Producer`."""
    if any(HOLE in word for word in call.words[:3]):
        return None
    command = read_command(call)
    if command is not None:
        return _pip(call, command, made)
    return _venv(call, made) or written.product(call, made)


# pip and uv pip


def _pip(call: Call, command: PipCommand, made: Made) -> Product | Obstacle | None:
    settings = in_force(command.options, call, command.uv)
    if command.verb in ("wheel", "download"):
        outputs = settings.all("output") or ["."]
        return Product((), tuple(resolve(call.directory, path) for path in outputs))
    if command.verb not in ("install", "sync", "uninstall"):
        return None
    if command.options.unknown and command.verb != "uninstall":
        what = command.options.unknown[0]
        return unknown(call, f"it has {what}, which dockopt does not know")
    places = _pip_places(call, command, settings, made)
    if isinstance(places, Obstacle):
        return places
    names = tuple(dict.fromkeys(_names(call, settings, made)))
    compiling = next((name for name in names if name in _COMPILING), None)
    if compiling is not None:
        return unknown(call, f"{compiling} compiles while it runs")
    is_system = "/usr/local/bin" in places
    if is_system and any(map(_WITH_LIBRARIES.search, names)):
        places = ("/usr/local/lib", "/usr/local/bin")
    if is_system and (answer := _over_the_base(call, command, settings, made)) is not None:
        return answer
    return Product(
        keeps=(*places, *_data(names, made, is_system), *_in_place(call, settings)),
        drops=(
            *_pip_cache(call, command),
            *(uv_locks(call) if command.uv else ()),
            *(BESIDE_PACKAGES if is_system else ()),
            *compiled_by_running(made.image),
        ),
        interpreter="python3",
        ecosystem="pypi",
        packages=names,
        assumes=(_BESIDE,) if is_system else (),
    )


_COMPILING = frozenset(
    ("theano", "theano-pymc", "aesara", "pytensor", "pymc", "pymc3", "cmdstanpy", "pystan",
     "httpstan", "cppyy", "deepspeed", "vllm", "pycuda", "pyopencl", "pyjit", "dace")
)  # fmt: skip
"""Packages that start a compiler when programs use them: the installation page of each."""


def _pip_places(
    call: Call, command: PipCommand, settings: Settings, made: Made
) -> tuple[str, ...] | Obstacle:
    if settings.all("root") or settings.all("python") or settings.all("directory"):
        return unknown(call, "it installs for another root, Python or directory")
    chosen = [*settings.all("target"), *settings.all("prefix")]
    if chosen:
        return tuple(resolve(call.directory, path) for path in chosen)
    if "--user" in settings.flags:
        at = home(call)
        return (f"{at}/.local",) if at else unknown(call, "the home of the user is not known")
    environment = _uv_environment(call, command, made) if command.uv else None
    environment = environment or active_environment(call, made)
    return (environment,) if environment else system(call, made)


def _uv_environment(call: Call, command: PipCommand, made: Made) -> str | None:
    """uv's docs, "Using Python environments": the active one, else .venv, but for --system."""
    if "--system" in command.options.flags or is_on(call.env.get("UV_SYSTEM_PYTHON")):
        return None
    named = call.env.get("VIRTUAL_ENV")
    if named:
        return resolve(call.directory, named)
    beside = resolve(call.directory, ".venv")
    return beside if beside in made.made else None


def _over_the_base(
    call: Call, command: PipCommand, settings: Settings, made: Made
) -> Product | Obstacle | None:
    """Answers for an install that replaces packages of the base image: a COPY of the directory
    would leave parts of the old ones beside the new."""
    there = has_preinstalled(made.image)
    named = [*_all_requirements(call, settings, made)]
    fresh = bool(_UPGRADES & settings.flags) or command.verb == "uninstall"
    over = [r for r in named if _name_of(r) in there and (fresh or re.search(r"[=<>~!]", r))]
    if not over:
        return None
    if len(over) == len(named) and not settings.all("requirement"):
        return Product((), again=True)
    return Obstacle(
        "replaces-base-files",
        f"It installs {_name_of(over[0])} in place of the one that the base image has, and a COPY "
        "of the packages would leave parts of the old one beside it.",
        f"Install {_name_of(over[0])} by a command of its own, or install into a virtual "
        "environment.",
    )


def _data(names: Iterable[str], made: Made, is_system: bool) -> tuple[str, ...]:
    """Returns where packages have data beside their modules, of directories that are there."""
    if not is_system or not any(map(_WITH_DATA.match, names)):
        return ()
    is_alpine = made.image is not None and "alpine" in made.image[1]
    return ("/usr/local/share",) if is_alpine else ("/usr/local/share", "/usr/local/etc")


def _pip_cache(call: Call, command: PipCommand) -> tuple[str, ...]:
    flags = command.options.flags
    # pip keeps nothing whatever its variable says (`_handle_no_cache_dir`, cli/cmdoptions.py).
    off = is_on(call.env.get("UV_NO_CACHE")) if command.uv else call.env.get("PIP_NO_CACHE_DIR")
    if off or flags & {"--no-cache-dir", "--no-cache", "-n"}:
        return ()
    return cache(call, "uv" if command.uv else "pip")


def _in_place(call: Call, settings: Settings) -> Iterator[str]:
    """Yields the directories of projects that are installed in place (``-e .``): the packages are
    links to them, and builds leave files in them (setuptools, "Development Mode")."""
    for word in settings.all("editable"):
        local = requirements.local_path(word)
        if local is not None:
            yield resolve(call.directory, local)
        elif requirements.is_address(word):
            yield resolve(call.directory, requirements.clone_directory(word))


def _names(call: Call, settings: Settings, made: Made) -> Iterator[str]:
    """Yields the names of packages that the command and its requirements files name."""
    found = map(_name_of, _all_requirements(call, settings, made))
    return (name for name in found if name)


def _all_requirements(call: Call, settings: Settings, made: Made) -> Iterator[str]:
    yield from settings.words
    seen: set[str] = set()
    pending = [resolve(call.directory, path) for path in settings.all("requirement")]
    while pending:
        path = pending.pop()
        content = made.files.read(path) if path not in seen else None
        seen.add(path)
        if content is None:
            continue
        try:
            lines = [*requirements.read_lines(requirements.decode(content), call.env)]
        except requirements.RequirementsError:
            continue
        yield from (line.value for line in lines if line.kind == "requirement")
        included = (line.value for line in lines if line.kind == "requirements")
        pending += (resolve(posixpath.dirname(path), value) for value in included)


def _name_of(requirement: str) -> str:
    """Returns the name in a requirement (PEP 508), in the form that PEP 503 makes of it; "" for
    a path or an address."""
    found = re.match(r"[A-Za-z0-9][\w.-]*", requirement)
    if found is None or requirements.local_path(requirement) is not None:
        return ""
    if requirements.is_address(requirement):
        return ""
    return re.sub(r"[-_.]+", "-", found[0]).lower()


def _venv(call: Call, made: Made) -> Product | Obstacle | None:
    """python -m venv DIR, virtualenv DIR, uv venv DIR: links to the Python that runs it."""
    words = list(call.words[1:])
    if re.fullmatch(r"python[\d.]*", call.program):
        if words[:2] not in (["-m", "venv"], ["-m", "virtualenv"]):
            return None
        words = words[2:]
    elif call.program == "uv":
        if words[:1] != ["venv"]:
            return None
        if (held := other_python(call, made)) is not None:
            return held
        words = words[1:]
    elif call.program != "virtualenv":
        return None
    operands = [word for word in words if not word.startswith("-")]
    if any(re.match(r"-p|--python|--prompt$", word) for word in words) or len(operands) > 1:
        return unknown(call, "its options are not understood")
    path = operands[0] if operands else call.env.get("UV_PROJECT_ENVIRONMENT", ".venv")
    if not operands and call.program != "uv":
        return None
    return Product((resolve(call.directory, path),), interpreter="python3", ecosystem="pypi")
