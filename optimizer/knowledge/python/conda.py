"""conda, mamba and micromamba: which commands install, and what they read and write.

Sources: conda/conda, conda/env/{env,pip_util,installers/pip}.py and cli/main_env_*.py; the
documentation of conda ("Managing environments", "conda create") and of micromamba ("User Guide").
Neither client could be had for a trial.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from optimizer.knowledge.installs import (
    Call,
    DownloadCache,
    Files,
    Inputs,
    Install,
    Obstacle,
    Touch,
)
from optimizer.knowledge.manifests import Survey, answer, hold, homes, resolve, unreadable
from optimizer.knowledge.python import pip
from optimizer.knowledge.python.command_line import CommandLine, options, read
from optimizer.knowledge.python.environments import VARIABLES, title_of
from optimizer.knowledge.python.project import outside_of_copy

NAME = "conda"

# `conda create|install|env create|env update --help`; `micromamba create|install --help`.
_VALUED = options(
    """
    -f --file -n --name -p --prefix -c --channel --platform --subdir --solver --experimental
    --repodata-fn --extra-safety-checks --root-prefix -r --rc-file --log-level --category
    --default-channel --channel-priority --freeze --pyc-compilation-concurrency --clone
    --environment-specifier --env-spec --format
    """
)
_FLAGS = options(
    """
    -y --yes -q --quiet -v --verbose --debug --json --force --prune --dry-run -d --download-only
    --override-channels --strict-channel-priority --no-channel-priority --no-deps --only-deps
    --no-pin --copy --offline --no-default-packages --use-local --show-channel-urls --insecure -k
    --no-rc --no-env --no-py-pin --allow-softlinks --always-softlink --no-pyc --use-uv
    --force-reinstall --freeze-installed --update-all --update-deps --update-specs --no-update-deps
    --satisfied-skip-solve --skip-existing -S -h --help --all -a -i --revision --rc -t -l
    --index-cache --packages --tarballs --force-pkgs-dirs -m --mkdir --no-update-dependencies
    --unregister-envs --no-extra-safety-checks
    """
)
_PAIRS = frozenset({"env"})
_FROM_FILES = frozenset({"create", "install", "update", "env create", "env update"})
_VARIABLES = ("CONDA_*", "MAMBA_*", *VARIABLES)
# Where installers of conda put it: docker.io/{continuumio,condaforge,mambaorg}, and by hand.
_ROOTS = (
    "/opt/conda", "/opt/mamba", "/opt/miniconda", "/opt/miniconda3", "/opt/miniforge3",
    "/opt/mambaforge", "/usr/local/miniconda", "/usr/local/conda", "/usr/local/micromamba",
)  # fmt: skip
_HOME_PARTS = (
    ".conda", ".mamba", ".condarc", ".mambarc", ".cache", ".config", ".local", "miniconda3",
    "anaconda3", "miniforge3", "mambaforge", "micromamba", ".bashrc", ".bash_profile",
)  # fmt: skip


def recognise(call: Call) -> Install | Touch | Obstacle | None:
    """Says what ``call`` is; see `optimizer.knowledge.installs.Ecosystem`."""
    if call.program not in ("conda", "mamba", "micromamba"):
        return None
    line = read_line(call)
    if line.has("-h", "--help") or not line.verb:
        return Touch(variables=_VARIABLES, repeatable=True)
    if line.verb in _FROM_FILES:
        if line.unknown is not None:
            return Obstacle(
                "unknown-install-flag",
                f"`{title_of(call)}` has {line.unknown}, a flag that dockopt does not know.",
                "Take the flag out.",
            )
        if _files_of(line):
            return Install(NAME, title_of(call), call)
        if line.verb.startswith("env ") or any(map(_is_path, line.operands)):
            return Install(NAME, title_of(call), call)
        return Touch((*_roots(call),), _roots(call), ("*",), network=True)
    if line.verb in ("clean", "config", "init", "info", "list", "remove", "shell", "self-update"):
        return Touch(_roots(call), _roots(call), _VARIABLES, network=line.verb == "self-update")
    return None


def read_line(call: Call) -> CommandLine:
    """Reads the words behind the program."""
    return read(call.words[1:], _VALUED, _FLAGS, _PAIRS)


def _is_path(word: str) -> bool:
    """A package may be an archive in a directory (conda's docs, "Managing packages")."""
    return word.endswith((".conda", ".tar.bz2")) and re.match(r"https?:", word) is None


def _files_of(line: CommandLine) -> tuple[str, ...]:
    """conda env create also takes the file as its only operand (cli/main_env_create.py)."""
    named = line.all("-f", "--file", "--environment-specifier", "--env-spec")
    if line.verb.startswith("env ") and not named:
        operands = tuple(w for w in line.operands if w.endswith((".yml", ".yaml", ".txt")))
        return operands[:1] or ("environment.yml",)
    return named


def _roots(call: Call) -> tuple[str, ...]:
    """Returns the prefixes of conda and its environments that are likely or set."""
    home = call.env.get("HOME")
    places = (home,) if home else ("/root",)
    names = ("CONDA_DIR", "CONDA_PREFIX", "MAMBA_ROOT_PREFIX", "CONDA_ROOT", "CONDA_PKGS_DIRS")
    found = [call.env[name] for name in names if call.env.get(name)]
    on_path = re.findall(r"[^:]*(?:conda|mamba|miniforge)[^:/]*(?=/)", call.env.get("PATH", ""))
    line = read_line(call)
    found += [p for p in line.all("-p", "--prefix", "-r", "--root-prefix") if p]
    if "/" in call.words[0]:
        found.append(posixpath.dirname(posixpath.dirname(resolve(call.directory, call.words[0]))))
    parts = (f"{place}/{part}" for place in places for part in _HOME_PARTS)
    every = (*(resolve(call.directory, path) for path in (*found, *on_path)), *_ROOTS, *parts)
    return tuple(dict.fromkeys((*every, call.env.get("TMPDIR") or "/tmp")))


def dependency_step(call: Call, files: Files) -> Install | Obstacle | None:
    """Returns None: an environment file that names the project has to be split by its author."""
    return None


def download_caches(call: Call) -> tuple[DownloadCache, ...]:
    """Returns nothing: the package cache of conda is where environments hard-link their files from
    (docs, "pkgs_dirs"), and outside of a mount they would be copies."""
    return ()


def inputs(install: Install, files: Files) -> Inputs | Obstacle:
    """Returns what ``install`` reads among ``files``, or why that is not known."""
    return answer(lambda: _survey(install, Survey(files)))


def _survey(install: Install, survey: Survey) -> Inputs:
    _Environment(survey, install.call, read_line(install.call)).look()
    return survey.inputs()


@dataclass(slots=True)
class _Environment:
    """One command of conda while it is looked at."""

    survey: Survey
    call: Call
    line: CommandLine
    pip_lines: list[str] = field(init=False, default_factory=list)

    @property
    def title(self) -> str:
        return title_of(self.call)

    def look(self) -> None:
        """Notes everything that the install reads and writes."""
        for home in homes(self.call, self.survey.files):
            for name in (".condarc", ".mambarc", ".netrc"):
                self.survey.read(f"{home}/{name}")
        for word in filter(_is_path, self.line.operands):
            self._needed(resolve(self.call.directory, word))
        for word in _files_of(self.line):
            if re.match(r"(?:https?|ftp)://", word) is None:
                self._file(resolve(self.call.directory, word))
        self._channels(self.line.all("-c", "--channel"), self.title)
        self.survey.write(*_roots(self.call))

    def _needed(self, path: str) -> None:
        if not self.survey.read(path):
            outside_of_copy(
                path,
                f"`{self.title}` reads {path}, "
                "which is not among the files copied from the build context.",
            )

    def _file(self, path: str) -> None:
        self._needed(path)
        if path.endswith((".yml", ".yaml")):
            self._yaml(path)
        else:
            self._list(path)

    def _list(self, path: str) -> None:
        """conda's docs, "conda create --file": a package in a line, or @EXPLICIT and addresses."""
        text = self.survey.content(path).decode("utf-8", "replace")
        for number, line in enumerate(text.split("\n"), start=1):
            word = line.partition("#")[0].strip()
            if word.startswith(("/", "./", "../", "file:")):
                if word.startswith("file:"):
                    word = word.removeprefix("file:").removeprefix("//")
                target = resolve(posixpath.dirname(path), word)
                if not self.survey.read(target) and not target.startswith(_ROOTS):
                    hold(
                        "manifest-outside-copy",
                        f"{path} installs {word}, which is not among the copied files.",
                        "Copy it from the build context before the install.",
                        path,
                        number,
                    )

    def _yaml(self, path: str) -> None:
        data = read_yaml(self.survey, path)
        self._channels([str(c) for c in _list_of(data.get("channels"))], path)
        for entry in _list_of(data.get("dependencies")):
            if isinstance(entry, str) and _is_path(entry):
                self._needed(resolve(posixpath.dirname(path), entry))
            elif isinstance(entry, Mapping) and "pip" in entry:
                self._pip(path, [str(each) for each in _list_of(entry["pip"])])

    def _channels(self, channels: tuple[str, ...] | list[str], named: str) -> None:
        for channel in channels:
            if channel.startswith(("file:", "/", "./", "../")):
                hold(
                    "config-reads-source",
                    f"{named} makes conda look for packages in {channel}.",
                    "Name a channel on the network.",
                )

    def _pip(self, path: str, lines: list[str]) -> None:
        """conda/env/installers/pip.py: pip reads the lines from a file beside ``path``, and runs
        there (get_pip_workdir). micromamba does the same (libmamba, api/install.cpp)."""
        directory = posixpath.dirname(path)
        name = resolve(directory, "condaenv.requirements.txt")
        call = Call(("pip", "install", "-U", "-r", name), directory, self.call.env)
        written = _WithFile(self.survey.files, name, "\n".join(lines).encode())
        found = pip.inputs(Install(pip.NAME, f"pip of {path}", call), written)
        if isinstance(found, Obstacle):
            line = None if found.path == name else found.line
            reason = found.reason.replace(f"{name}, line", f"{path}, pip line")
            at = path if found.path == name else found.path
            hold(found.code, reason, found.unblock, at, line)
        for read_ in found.reads:
            if read_ != name:
                self.survey.read(read_)
        for tree in found.trees:
            self.survey.tree(tree)
        self.survey.write(*found.writes)
        self.survey.assume(*found.assumes)


@dataclass(frozen=True, slots=True)
class _WithFile:
    """``files`` and one more, which the install writes before pip reads it."""

    files: Files
    path: str
    content: bytes

    def kind(self, path: str) -> Any:
        """See `optimizer.knowledge.installs.Files`."""
        return "file" if path == self.path else self.files.kind(path)

    def read(self, path: str) -> bytes | None:
        """See `optimizer.knowledge.installs.Files`."""
        return self.content if path == self.path else self.files.read(path)

    def children(self, path: str) -> tuple[str, ...]:
        """See `optimizer.knowledge.installs.Files`."""
        return self.files.children(path)

    def is_executable(self, path: str) -> bool:
        """See `optimizer.knowledge.installs.Files`."""
        return path != self.path and self.files.is_executable(path)


def read_yaml(survey: Survey, path: str) -> Mapping[str, Any]:
    """Returns the mapping in a YAML file that the install reads. Holds where it is none."""
    import yaml

    content = survey.content(path)
    try:
        data = yaml.load(content, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        line = mark.line + 1 if mark else None
        unreadable(path, f"is not valid YAML: {error.problem}", line)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        unreadable(path, f"is not valid YAML: {error}", 1)
    if not isinstance(data, dict):
        unreadable(path, "does not hold a mapping", 1)
    return data


def _list_of(value: object) -> Iterator[Any]:
    yield from value if isinstance(value, list) else []
