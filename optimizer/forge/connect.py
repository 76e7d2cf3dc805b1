"""From an address to a forge that can be asked: where its API is, and with which token.

A token belongs to one host. Variables that are made for one service (``GITHUB_TOKEN``) are used
for that service; git's credential helpers are asked for the host itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from optimizer.forge.address import Address, Kind, kind_of
from optimizer.forge.forge import Forge, ForgeFault, Owner
from optimizer.forge.gitea import Gitea, GiteaOwner
from optimizer.forge.gitea import headers as gitea_headers
from optimizer.forge.github import GitHub, GitHubOwner
from optimizer.forge.github import headers as github_headers
from optimizer.forge.gitlab import GitLab, GitLabOwner
from optimizer.forge.gitlab import headers as gitlab_headers
from optimizer.forge.session import Session

VARIABLES: Final[Mapping[Kind, tuple[str, ...]]] = {
    "github": ("DOCKOPT_TOKEN", "GH_TOKEN", "GITHUB_TOKEN"),
    "gitlab": ("DOCKOPT_TOKEN", "GITLAB_TOKEN"),
    "gitea": ("DOCKOPT_TOKEN", "GITEA_TOKEN", "FORGEJO_TOKEN"),
}
"""The variables that hold a token, the first that is set counts."""

ENTERPRISE: Final = ("DOCKOPT_TOKEN", "GH_ENTERPRISE_TOKEN", "GITHUB_ENTERPRISE_TOKEN")
"""Those of GitHub elsewhere than at github.com (cli.github.com/manual, gh help environment);
``GITHUB_TOKEN`` is one of them where that server's own runner set it."""

USERS: Final[Mapping[Kind, str]] = {
    "github": "x-access-token",
    "gitlab": "oauth2",
    "gitea": "dockopt",
}
"""The names that go with a token when git asks for a password."""


@dataclass(frozen=True, slots=True)
class Access:
    """One host of one kind: where its API is, and the token for it."""

    kind: Kind
    api: str
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the user says of the forge; None where nothing is said."""

    kind: Kind | None = None
    api: str | None = None


def access(
    address: Address,
    wanted: Wanted,
    environment: Mapping[str, str],
    ask: Callable[[str], str | None],
) -> Access | None:
    """Returns how to reach the forge behind ``address``, None where it is none that is known.

    ``ask`` asks git's credential helpers. Raises `ForgeFault` where there is no token.
    """
    kind = wanted.kind or kind_of(address, environment)
    if kind is None or (not address.host and wanted.api is None):
        return None
    token = _token(kind, address, environment) or (ask(address.web) if address.host else None)
    if token is None:
        names = ENTERPRISE if _is_enterprise(kind, address) else VARIABLES[kind]
        raise ForgeFault(
            f"there is no token for {address.host or wanted.api}",
            f"Set {' or '.join(names)}, or store one with a credential helper of git.",
        )
    if not token.isascii() or not token.isprintable() or " " in token:
        raise ForgeFault("the token holds characters that no token has", "Check how it is set.")
    return Access(kind, wanted.api or _api(kind, address), token)


def forge(found: Access, address: Address, **session: Callable[..., object]) -> Forge:
    """Returns the repository at ``address``; ``session`` goes to `Session`."""
    speaks = _session(found, **session)
    if found.kind == "gitlab":
        return GitLab(speaks, address.path)
    if not address.owner or "/" in address.owner:
        raise ForgeFault(f"{address.path} is no repository of an owner", "Check its address.")
    return (GitHub if found.kind == "github" else Gitea)(speaks, address.owner, address.name)


def owner(found: Access, name: str, **session: Callable[..., object]) -> Owner:
    """Returns an organisation, a group or a user."""
    kinds: Mapping[Kind, Callable[[Session, str], Owner]] = {
        "github": GitHubOwner,
        "gitlab": GitLabOwner,
        "gitea": GiteaOwner,
    }
    return kinds[found.kind](_session(found, **session), name)


_BETWEEN_WRITES: Final[Mapping[Kind, float]] = {"github": 1.0, "gitlab": 0.0, "gitea": 0.0}
"""Seconds (docs.github.com, "Best practices for using the REST API": pause between mutative
requests)."""


def _session(found: Access, **more: Callable[..., object]) -> Session:
    made = {"github": github_headers, "gitlab": gitlab_headers, "gitea": gitea_headers}
    session = Session(found.api, made[found.kind](found.token), **more)  # type: ignore[arg-type]
    session.between_writes = _BETWEEN_WRITES[found.kind]
    return session


def _token(kind: Kind, address: Address, environment: Mapping[str, str]) -> str | None:
    names: tuple[str, ...] = VARIABLES[kind]
    if _is_enterprise(kind, address):
        runner = environment.get("GITHUB_SERVER_URL", "").lower().rstrip("/")
        own = runner.rpartition("//")[2].partition(":")[0] == address.host
        names = (*ENTERPRISE, "GITHUB_TOKEN") if own else ENTERPRISE
    return next((environment[name] for name in names if environment.get(name)), None)


def _is_enterprise(kind: Kind, address: Address) -> bool:
    return kind == "github" and address.host not in ("github.com", "")


def _api(kind: Kind, address: Address) -> str:
    if kind == "github":
        if address.host == "github.com":
            return "https://api.github.com"
        return f"{address.web}/api/v3"
    return f"{address.web}/api/{'v4' if kind == 'gitlab' else 'v1'}"
