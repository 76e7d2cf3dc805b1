"""Where Python packages come to lie: the system's site-packages, and virtual environments."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator

from optimizer.knowledge.installs import Call
from optimizer.knowledge.manifests import Survey, hold, homes, resolve
from optimizer.knowledge.variables import CERTIFICATES, PROXIES, PYTHON

VARIABLES = ("PIP_*", "UV_*", "XDG_*", "NETRC", *PYTHON, *PROXIES, *CERTIFICATES)
"""pip's user guide, "Environment variables"; uv's "Environment variables"; python(1)."""

_PARTS = ("bin", "lib", "lib64", "include", "share", "etc", "man")


def site_directories(prefixes: Iterable[str]) -> Iterator[str]:
    """Yields the directories of ``prefixes`` that an install writes below (sysconfig's schemes
    posix_prefix and venv)."""
    for prefix in dict.fromkeys(prefixes):
        yield from (f"{prefix}/{part}" for part in _PARTS)


def likely_prefixes(call: Call) -> list[str]:
    """Returns the prefixes of all Pythons that may run, since the base image is not known."""
    on_path = [p for p in call.env.get("PATH", "").split(":") if p.endswith("/bin")]
    prefixes = [p.removesuffix("/bin") for p in on_path if p not in ("/bin", "/usr/bin")]
    prefixes += ["/usr/local", "/usr", "/opt/venv", "/opt/conda"]
    if environment := call.env.get("VIRTUAL_ENV"):
        prefixes.append(resolve(call.directory, environment))
    return prefixes


def survey_user(survey: Survey, call: Call) -> None:
    """Notes what an installer reads and writes in the user's home: credentials, caches, tools."""
    for home in homes(call, survey.files):
        survey.read(f"{home}/.netrc")
        survey.write(f"{home}/.cache", f"{home}/.local", f"{home}/.config")
    if cache := call.env.get("XDG_CACHE_HOME"):
        survey.write(resolve(call.directory, cache))


def survey_environment(survey: Survey, path: str) -> None:
    """Notes that the install writes the virtual environment at ``path``. Holds where the context
    brings one: the tool would take it for its own."""
    if survey.files.kind(path):
        hold(
            "installed-packages-in-context",
            f"{path} comes with the build context, and the command installs into it.",
            "Add the directory to .dockerignore.",
            path,
        )
    survey.write(path)


def title_of(call: Call) -> str:
    """Returns how people call the command: its words, the program without its folder."""
    return " ".join((posixpath.basename(call.words[0]), *call.words[1:]))
