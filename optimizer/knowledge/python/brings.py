"""Which packages of PyPI a command installs.

Sources: pip's docs, "Requirements File Format"; the lockfiles of uv (docs, "Locking and syncing"),
Poetry, PDM (PEP 751's forerunners: ``[[package]]`` with ``files``) and Pipenv. A wheel that is for
any platform or for manylinux brings the libraries that it links, but for those of a minimal
system (PEP 513, PEP 600).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from optimizer.knowledge.brings import Brings, LanguagePackage
from optimizer.knowledge.installs import HOLE, Call, Files
from optimizer.knowledge.manifests import ancestors, resolve
from optimizer.knowledge.python import requirements
from optimizer.knowledge.python.along import BRINGS, EXTRAS, INSTEAD, PLAIN, extras_of
from optimizer.knowledge.python.pip_options import Options, read_options

_PIP = re.compile(r"pip[\d.]*")
_PYTHON = re.compile(r"(?:python|pypy)[\d.]*")
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")
_FITTING_WHEEL = re.compile(r"-(?:none-any|[^-]*manylinux[^-]*)\.whl$")
_ARE_WHEELS = re.compile(r"\.whl$|/\*(?:\.whl)?$")
_MOST_FILES = 50
"""Requirements files that one command may include."""


class _Unknown(Exception):
    """The packages cannot be named; ``args[0]`` says why."""


def brings(call: Call, files: Files) -> Brings | None:
    """Says what ``call`` installs; see `optimizer.knowledge.brings.Module`."""
    words = _pip_words(call)
    try:
        if words is not None:
            return _pip(call, files, words)
        return _other(call, files)
    except _Unknown as unknown:
        return Brings(unknown=str(unknown.args[0]))


def _pip_words(call: Call) -> Options | None:
    """Returns what stands behind ``pip install``, None where that is not what runs."""
    words = list(call.words[1:])
    is_uv = call.program == "uv"
    if _PYTHON.fullmatch(call.program):
        if words[:1] == ["-m"] and words[1:2] == ["pip"]:
            words = words[2:]
        else:
            return None
    elif not is_uv and not _PIP.fullmatch(call.program):
        return None
    options = read_options(words, uv=is_uv)
    tool = ["pip"] if is_uv else []
    verb = list(options.words[: len(tool) + 1])
    if verb in ([*tool, "install"], [*tool, "wheel"]):
        rest = options.words[len(verb) :]
    elif list(options.words[:2]) == ["pip", "sync"] and is_uv:
        # Its operands are requirements files.
        values = {**options.values, "requirement": options.words[2:]}
        return Options((), values, options.flags, options.unknown)
    else:
        return None
    return Options(rest, options.values, options.flags, options.unknown)


def _pip(call: Call, files: Files, options: Options) -> Brings:
    found = dict.fromkeys(_named_by(options.words, call, files))
    for name in options.all("requirement"):
        found.update(dict.fromkeys(_in_file(resolve(call.directory, name), call, files, set())))
    for path in options.all("editable"):
        found.update(dict.fromkeys(_of_project(path, call, files)))
    packages = tuple(LanguagePackage("pypi", name) for name in found)
    return Brings(packages, is_built=_is_built(options))


def _is_built(options: Options) -> bool:
    """Whether pip gets nothing but wheels: files of them, or what a directory holds alone."""
    files = [word for word in options.words if _ARE_WHEELS.search(word)]
    named = options.all("requirement") or options.all("editable")
    if files:
        return len(files) == len(options.words) and not named
    return "--no-index" in options.flags and bool(options.all("find-links"))


def _wheels(word: str, call: Call, files: Files) -> Iterator[str]:
    """Yields the names of the wheels that were copied from the context. What another stage built
    is named by the command that built it."""
    path = resolve(call.directory, word)
    folder, _, last = path.rpartition("/")
    listed = files.children(folder) if "*" in last else (last,)
    for name in listed:
        if name.endswith(".whl") and files.kind(f"{folder}/{name}") == "file":
            yield _name(name.partition("-")[0])


def _named_by(words: Iterable[str], call: Call, files: Files) -> Iterator[str]:
    for word in words:
        if HOLE in word:
            raise _Unknown("a requirement holds a variable whose value is not known")
        path = requirements.local_path(word)
        if _ARE_WHEELS.search(word):
            yield from _wheels(word, call, files)
        elif path is not None and not _NAME.fullmatch(word):
            yield from _of_project(path, call, files)
        else:
            yield from _names(word)


def _names(requirement: str) -> Iterator[str]:
    """Yields the package of a requirement, and what it brings along that is no source text."""
    name = _name(requirement)
    extras = extras_of(requirement)
    for extra in extras:
        if (name, extra) not in EXTRAS and extra not in PLAIN:
            raise _Unknown(f"what {name}[{extra}] adds is not known")
        yield from EXTRAS.get((name, extra), ())
    if not any((name, extra) in INSTEAD for extra in extras):
        yield name
    yield from BRINGS.get(name, ())


def _name(requirement: str) -> str:
    match = _NAME.match(requirement)
    if match is None or "://" in requirement or requirements.is_archive(requirement):
        raise _Unknown(f"`{requirement}` is not a name of PyPI")
    return re.sub(r"[-_.]+", "-", match[0]).lower()


def _in_file(path: str, call: Call, files: Files, seen: set[str]) -> Iterator[str]:
    """Yields the names in a requirements file and in those that it includes."""
    if path in seen:
        return
    seen.add(path)
    content = files.read(path)
    if content is None or len(seen) > _MOST_FILES:
        raise _Unknown(f"{path} was not copied from the build context")
    try:
        lines = list(requirements.read_lines(requirements.decode(content), call.env))
    except requirements.RequirementsError as error:
        raise _Unknown(f"{path} {error}") from error
    folder = path.rpartition("/")[0] or "/"
    for line in lines:
        if line.kind == "requirements":
            yield from _in_file(resolve(folder, line.value), call, files, seen)
        elif line.kind in ("requirement", "editable"):
            local = requirements.local_path(line.value)
            if local is not None and not _NAME.fullmatch(line.value):
                yield from _of_project(local, call, files)
            else:
                yield from _names(line.value)


def _of_project(path: str, call: Call, files: Files) -> Iterator[str]:
    """Yields what the project at ``path`` depends on, where its pyproject.toml says it all."""
    bare = requirements.without_extras(path)
    folder = resolve(call.directory, bare)
    data = _toml(files, resolve(folder, "pyproject.toml"))
    project = data.get("project")
    if not isinstance(project, Mapping) or "dependencies" in _list(project.get("dynamic")):
        raise _Unknown(f"what the project in {folder} depends on is not in its pyproject.toml")
    if data.get("build-system") and _compiles(data["build-system"]):
        raise _Unknown(f"the project in {folder} is compiled")
    groups = project.get("optional-dependencies")
    optional = groups.values() if isinstance(groups, Mapping) and bare != path else ()
    for requirement in (
        *_list(project.get("dependencies")),
        *(each for g in optional for each in g),
    ):
        yield from _names(str(requirement))


def _compiles(build_system: object) -> bool:
    """Whether a build backend compiles machine code, or lets the project do so."""
    if not isinstance(build_system, Mapping):
        return False
    wanted = {_name(str(each)) for each in _list(build_system.get("requires"))}
    plain = {"hatchling", "hatch-vcs", "flit-core", "poetry-core", "pdm-backend", "uv-build",
             "setuptools", "wheel", "setuptools-scm"}  # fmt: skip
    return not wanted <= plain


def _other(call: Call, files: Files) -> Brings | None:
    program, verbs = call.program, [word for word in call.words[1:] if not word.startswith("-")]
    verb = verbs[0] if verbs else ""
    if program == "poetry" and verb in ("install", "sync"):
        return _locked(call, files, "poetry.lock")
    if program == "uv" and verb in ("sync", "run"):
        return _locked(call, files, "uv.lock")
    if program == "pdm" and verb in ("install", "sync"):
        return _locked(call, files, "pdm.lock")
    if program == "pipenv" and verb in ("install", "sync"):
        return _pipfile(call, files)
    if program == "uv" and verbs[:2] == ["tool", "install"]:
        return Brings(tuple(LanguagePackage("pypi", _name(word)) for word in verbs[2:]))
    if program in ("conda", "mamba", "micromamba", "easy_install"):
        return Brings(unknown=f"what {program} installs is not known")
    if program in ("poetry", "pdm") and verb in ("add", "update"):
        return Brings(unknown=f"`{program} {verb}` chooses versions itself")
    if _PYTHON.fullmatch(program) and any(word.endswith("setup.py") for word in verbs):
        return Brings(unknown="a setup.py may compile anything")
    return None


def _locked(call: Call, files: Files, name: str) -> Brings:
    """Reads a lockfile that lists ``[[package]]`` with the files of each."""
    path = _nearest(call, files, name)
    found: dict[str, bool] = {}
    for package in _list(_toml(files, path).get("package")):
        if isinstance(package, Mapping) and not _is_own(package):
            plain = _has_fitting_wheel(package)
            key = _name(str(package.get("name") or "?"))
            found[key] = found.get(key, True) and plain
    return Brings(tuple(LanguagePackage("pypi", key, plain) for key, plain in found.items()))


def _is_own(package: Mapping[str, Any]) -> bool:
    """Whether it is the project itself, or a member of its workspace, that nothing is built of."""
    source = package.get("source")
    return isinstance(source, Mapping) and bool({"virtual", "editable"} & source.keys())


def _has_fitting_wheel(package: Mapping[str, Any]) -> bool:
    listed = [*_list(package.get("wheels")), *_list(package.get("files"))]
    named = (each for each in listed if isinstance(each, Mapping))
    texts = (
        str(each.get("file") or each.get("filename") or each.get("url") or "") for each in named
    )
    return any(_FITTING_WHEEL.search(text) for text in texts)


def _pipfile(call: Call, files: Files) -> Brings:
    path = _nearest(call, files, "Pipfile.lock")
    try:
        data = json.loads(files.read(path) or b"")
    except (ValueError, RecursionError) as error:
        raise _Unknown(f"{path} is no JSON") from error
    sections = [data.get(name) for name in ("default", "develop")] if isinstance(data, dict) else []
    names = (_name(name) for each in sections if isinstance(each, Mapping) for name in each)
    return Brings(tuple(LanguagePackage("pypi", name) for name in dict.fromkeys(names)))


def _nearest(call: Call, files: Files, name: str) -> str:
    for folder in (call.directory, *ancestors(call.directory)):
        if files.kind(path := resolve(folder, name)) == "file":
            return path
    raise _Unknown(f"there is no {name} among the copied files")


def _toml(files: Files, path: str) -> Mapping[str, Any]:
    content = files.read(path)
    if content is None:
        raise _Unknown(f"{path} was not copied from the build context")
    import tomllib

    try:
        return tomllib.loads(content.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise _Unknown(f"{path} is no TOML") from error


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
