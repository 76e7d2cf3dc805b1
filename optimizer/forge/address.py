"""The address of a repository, and which forge stands behind it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias
from urllib.parse import unquote, urlsplit

Kind: TypeAlias = Literal["github", "gitlab", "gitea"]

HOSTS: Final[Mapping[str, Kind]] = {
    "github.com": "github",
    "gitlab.com": "gitlab",
    "gitea.com": "gitea",
    "codeberg.org": "gitea",
}
"""Hosts that are known; for others the user says what they are."""

_SCHEMES: Final = ("https", "http", "ssh", "git", "file")

_SCP: Final = re.compile(r"(?P<user>\w[\w.\-]*@)?(?P<host>\w[\w.\-]*):(?P<path>(?!//).+)", re.ASCII)
"""``git@host:owner/name.git`` (git-fetch(1), "GIT URLS")."""

_HOST: Final = re.compile(r"(?!-)[\w.\-:]+", re.ASCII)


class BadAddress(ValueError):
    """The text is no address that dockopt hands to git; the message is one sentence."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a repository is. ``url`` is what git gets and holds no password, ``host`` is ""
    for files of this machine, ``path`` is the one behind the host without ``.git``."""

    url: str
    scheme: str
    host: str
    port: int | None
    path: str

    @property
    def owner(self) -> str:
        """All but the last part of the path."""
        return self.path.rpartition("/")[0]

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rpartition("/")[2]

    @property
    def web(self) -> str:
        """The address of the host for browsers and APIs."""
        scheme = self.scheme if self.scheme in ("http", "https") else "https"
        port = f":{self.port}" if self.port and self.scheme in ("http", "https") else ""
        return f"{scheme}://{self.host}{port}"


def read_address(text: str) -> Address:
    """Reads a URL, ``user@host:path`` or an absolute path. Raises `BadAddress`.

    Names and passwords of http addresses are left out: dockopt takes tokens from the environment
    and from git's credential helpers. Words that git would take for an option or for a program
    to run (``ext::``) are refused.
    """
    if not text or text.startswith("-") or not text.isprintable() or "::" in text.split("/")[0]:
        raise BadAddress("that is no address of a repository")
    if text.startswith("/"):
        return Address(text, "file", "", None, _path(text))
    if "://" not in text:
        found = _SCP.fullmatch(text)
        if found is None:
            raise BadAddress("that is neither a folder nor an address of a repository")
        return Address(text, "ssh", found["host"].lower(), None, _path(found["path"]))
    return _url(text)


def _url(text: str) -> Address:
    try:
        parts = urlsplit(text)
        host, port = (parts.hostname or "").lower(), parts.port
    except ValueError:
        raise BadAddress("that is no address of a repository") from None
    if parts.scheme not in _SCHEMES:
        raise BadAddress(f"addresses of {', '.join(_SCHEMES)} are understood")
    if parts.scheme == "file":
        return Address(text, "file", "", None, _path(unquote(parts.path)))
    if not _HOST.fullmatch(host) or not parts.path.strip("/"):
        raise BadAddress("the address names no repository")
    shown = f"{f'[{host}]' if ':' in host else host}{f':{port}' if port else ''}"
    name = parts.username if parts.scheme == "ssh" else None
    if name is not None and not _HOST.fullmatch(name):
        raise BadAddress("that is no address of a repository")
    user = f"{name}@" if name else ""
    url = f"{parts.scheme}://{user}{shown}{parts.path}"
    return Address(url, parts.scheme, host, port, _path(unquote(parts.path)))


def _path(path: str) -> str:
    return path.strip("/").removesuffix(".git")


def kind_of(address: Address, environment: Mapping[str, str]) -> Kind | None:
    """Returns the forge behind an address: a known host, or the one whose CI this is."""
    if address.host in HOSTS:
        return HOSTS[address.host]
    if environment.get("CI_SERVER_HOST", "").lower() == address.host != "":
        return "gitlab"
    server = urlsplit(environment.get("GITHUB_SERVER_URL", ""))
    if server.hostname and server.hostname.lower() == address.host:
        # Runners of Gitea and Forgejo set the variables of GitHub, and one of their own.
        ours = {"GITEA_ACTIONS", "FORGEJO_ACTIONS"}
        return "gitea" if any(environment.get(each) == "true" for each in ours) else "github"
    return None
