"""Where the environment of a Python install lies, as absolute paths that exist once it has run.

Sources: sysconfig's schemes (posix_prefix, posix_user, venv, and Debian's posix_local); the
official images' Dockerfile-linux.template for Python below /usr/local; the documentation of each
tool for the environment that it chooses, named at its function.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping

from optimizer.knowledge.installs import HOLE, Call, Obstacle
from optimizer.knowledge.manifests import resolve
from optimizer.knowledge.products import Made

_MINOR = re.compile(r"3\.\d+(?=[.-]|$|[a-z])")
# The python3 of each release: packages.debian.org/python3, packages.ubuntu.com/python3.
_OF_RELEASE: Mapping[str, str] = {
    "buster": "3.7", "bullseye": "3.9", "bookworm": "3.11", "trixie": "3.13",
    "bionic": "3.6", "focal": "3.8", "jammy": "3.10", "noble": "3.12",
    "18.04": "3.6", "20.04": "3.8", "22.04": "3.10", "24.04": "3.12",
    "10": "3.7", "11": "3.9", "12": "3.11", "13": "3.13",
}  # fmt: skip
_UV_IMAGE = re.compile(r"(?:[\d.]+-)?python(3\.\d+)")
"""The tags of uv's images that are built on those of python (uv's docs, "Using uv in Docker")."""

BESIDE_PACKAGES = ("/usr/local/include", "/usr/local/share", "/usr/local/etc")
"""Where packages may put more than modules and programs (sysconfig's schemes: headers, data)."""


def minor_version(image: tuple[str, str] | None) -> str | None:
    """Returns the version of the Python below /usr/local of an image, ``3.12``; None where there
    is none, or where the tag does not tell."""
    if image is None:
        return None
    name, tag = image
    if name.rpartition("/")[2] == "python":
        found = _MINOR.match(tag)
        return found[0] if found else None
    named = _UV_IMAGE.match(tag) if name == "ghcr.io/astral-sh/uv" else None
    return named[1] if named else None


def compiled_by_running(image: tuple[str, str] | None) -> tuple[str, ...]:
    """Returns the pattern of what Python itself leaves when root runs it: the official images take
    the compiled files of its library out (Dockerfile-linux.template)."""
    minor = minor_version(image)
    return () if minor is None else (f"/usr/local/lib/python{minor}*/__pycache__",)


def has_preinstalled(image: tuple[str, str] | None) -> frozenset[str]:
    """Returns the packages that the system's Python of an image brings (docker-library/python:
    setuptools and wheel up to 3.11)."""
    minor = minor_version(image)
    if minor is not None and int(minor.partition(".")[2]) >= 12:
        return frozenset({"pip"})
    return frozenset({"pip", "setuptools", "wheel"})


def system(call: Call, made: Made) -> tuple[str, ...] | Obstacle:
    """Returns where packages of the system's Python and their programs lie, as the tag tells."""
    if made.user is None:
        return unknown(call, "the user that the base image sets is not known")
    if made.user != "root":
        # pip's user guide, "User Installs": where site-packages is not writable.
        return unknown(call, "as a user that is not root it may install below the home")
    name, tag = made.image or ("", "")
    minor = minor_version(made.image)
    if minor is not None:
        return (f"/usr/local/lib/python{minor}/site-packages", "/usr/local/bin")
    if name.rpartition("/")[2] == "python":
        # All of Python's own files lie there too: they are the same in both stages.
        return ("/usr/local/lib", "/usr/local/bin")
    if name in ("debian", "ubuntu"):
        for word in tag.split("-"):
            if word in _OF_RELEASE:
                found = _OF_RELEASE[word]
                return (f"/usr/local/lib/python{found}/dist-packages", "/usr/local/bin")
    return Obstacle(
        "unknown-product",
        f"Which Python `{title(call)}` installs for is not known, so neither is where the packages "
        "lie.",
        "Install into a virtual environment with a path of its own, or start from a tag of python "
        "that names the version.",
    )


def active_environment(call: Call, made: Made) -> str | None:
    """Returns the virtual environment whose Python runs, None where it is the system's.

    It is the one whose program is called by its path, or the first on PATH (venv's documentation,
    "How venvs work").
    """
    folder = posixpath.dirname(call.words[0])
    if folder:
        prefix = posixpath.dirname(resolve(call.directory, folder))
        return None if prefix in ("/usr", "/usr/local", "/") else prefix
    named = call.env.get("VIRTUAL_ENV")
    for place in call.env.get("PATH", "").split(":"):
        prefix = place.removesuffix("/bin")
        if place in ("/usr/local/bin", "/usr/bin"):
            return None
        if place.endswith("/bin") and prefix in (*made.made, named):
            return resolve("/", prefix)
    return None


def home(call: Call) -> str | None:
    """Returns the home of the user, None where it is not known."""
    found = call.env.get("HOME")
    return found if found and HOLE not in found else None


def uv_locks(call: Call) -> tuple[str, ...]:
    """Returns what uv leaves when it has locked an environment (crates/uv-python,
    ``PythonEnvironment::lock``: ``uv-HASH.lock`` among temporary files)."""
    return (f"{call.env.get('TMPDIR') or '/tmp'}/uv-*.lock",)


def cache(call: Call, name: str) -> tuple[str, ...]:
    """Returns the directory below the user's cache that a tool called ``name`` keeps."""
    base = call.env.get("XDG_CACHE_HOME")
    if base is None and (at := home(call)) is not None:
        base = f"{at}/.cache"
    return () if base is None or HOLE in base else (f"{base}/{name}",)


def is_on(value: str | None) -> bool:
    """Tells whether a variable switches something on, as the tools of Python read it."""
    return value is not None and value.lower() not in ("", "0", "false", "no", "off")


def title(call: Call) -> str:
    """Returns how a sentence calls the command."""
    words = " ".join((call.program, *call.words[1:])).replace(HOLE, "…")
    line = " ".join(words.split())
    return line if len(line) <= 60 else line[:59] + "…"


def unknown(call: Call, why: str) -> Obstacle:
    """Returns the obstacle of an install whose place is not known."""
    return Obstacle(
        "unknown-product",
        f"Where `{title(call)}` puts the packages is not known: {why}.",
        "Install into a virtual environment with a path of its own.",
    )


def other_python(call: Call, made: Made) -> Obstacle | None:
    """Returns why uv may fetch a Python of its own, which the environment would be a link to
    (uv's docs, "Python versions")."""
    minor = minor_version(made.image)
    pinned = made.files.read(resolve(call.directory, ".python-version"))
    wanted = pinned.decode("utf-8", "replace").strip() if pinned is not None else None
    if (
        minor is None
        or call.env.get("UV_PYTHON")
        or any(w in ("-p", "--python") for w in call.words)
    ):
        return unknown(call, "uv may fetch a Python of its own for it")
    if wanted is not None and wanted != minor and not minor.startswith(f"{wanted}."):
        return unknown(call, f".python-version asks for {wanted}, and the image has {minor}")
    manifest = made.files.read(resolve(call.directory, "pyproject.toml")) or b""
    asked = re.search(rb'requires-python\s*=\s*"\s*(>=|==|~=)\s*3\.(\d+)', manifest)
    have = int(minor.partition(".")[2])
    if asked is not None and (
        int(asked[2]) > have or (asked[1] == b"==" and int(asked[2]) != have)
    ):
        return unknown(call, f"the project asks for another Python than {minor}")
    return None
