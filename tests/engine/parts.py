"""The engine's programs: Debian's packages, unpacked into a cache folder and never installed.

bookworm's own engine (20.10) is too old: no here-documents, no ``--check``. sid's needs
only libc 2.34, so its packages are fetched through apt with package lists of their own
and unpacked into a prefix; nothing on the machine is installed, upgraded or refreshed.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

PACKAGES = (
    ("docker.io", "sid"),
    ("docker-cli", "sid"),
    ("docker-buildx", "sid"),
    ("containerd", "sid"),
    ("tini-static", "sid"),
    ("runc", "bookworm"),
    ("mmdebstrap", "bookworm"),
    ("busybox-static", "bookworm"),
)
"""What is unpacked, and the suite it comes from. runc links against the machine's libseccomp,
so it is bookworm's own; sid's iptables is not needed because the engine runs without a bridge."""

PERL_PACKAGES = (("libperl5.36", "bookworm"), ("perl-modules-5.36", "bookworm"))
"""Modules that mmdebstrap uses and that a machine with nothing but ``perl-base`` lacks."""

KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")


class EngineUnavailable(Exception):
    """No engine can run here. ``missing`` says what is missing, ``remedy`` how to get it."""

    def __init__(self, missing: str, remedy: str) -> None:
        super().__init__(f"{missing}\n{remedy}")


@dataclass(frozen=True)
class Parts:
    """The unpacked programs."""

    prefix: Path

    @property
    def path(self) -> str:
        """A search path on which the engine's programs come first."""
        folders = ("bin", "sbin", "libexec/docker/cli-plugins")
        own = [self.prefix / "usr" / name for name in folders]
        system = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"]
        return ":".join([*map(str, own), *system])

    @property
    def perl_library(self) -> str:
        """A ``PERL5LIB`` for mmdebstrap; its folders exist only where perl was unpacked."""
        return ":".join(
            str(folder)
            for folder in (
                self.prefix / "usr/share/perl/5.36",
                *self.prefix.glob("usr/lib/*/perl/5.36"),
            )
        )


def cache_folder() -> Path:
    """Returns the folder for everything that outlives a run (``XDG_CACHE_HOME`` is honoured)."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    folder = Path(base) / "dockopt-engine"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def require_machine() -> None:
    """Raises `EngineUnavailable` unless this is root on Debian 12 with the tools it always has."""
    system = _os_release()
    if (system.get("ID"), system.get("VERSION_ID")) != ("debian", "12"):
        raise EngineUnavailable(
            f"The engine lane needs Debian 12; this is {system.get('PRETTY_NAME', 'unknown')}.",
            "Run it in a Debian 12 machine, virtual machine or privileged container.",
        )
    if os.geteuid() != 0:
        raise EngineUnavailable(
            "The engine lane needs root: an engine mounts file systems and makes namespaces.",
            "Run the same command as root.",
        )
    for program in ("apt-get", "dpkg-deb", "unshare", "setpriv", "perl"):
        if shutil.which(program) is None:
            raise EngineUnavailable(
                f"The engine lane needs the program {program}, which is not on PATH.",
                "Install apt, dpkg, util-linux and perl-base.",
            )
    for file, package in (
        (KEYRING, "debian-archive-keyring"),
        (ca_bundle(), "ca-certificates"),
    ):
        if not file.is_file():
            raise EngineUnavailable(
                f"The engine lane needs {file}.", f"Install it: apt-get install {package}"
            )


def ca_bundle() -> Path:
    """Returns the machine's bundle of certificate authorities."""
    return Path(os.environ.get("SSL_CERT_FILE") or "/etc/ssl/certs/ca-certificates.crt")


def ensure_parts() -> Parts:
    """Returns the programs, fetching and unpacking them the first time (75 MB).

    Raises `EngineUnavailable` where the machine cannot have them.
    """
    require_machine()
    prefix = cache_folder() / "parts"
    with locked(cache_folder() / "parts.lock"):
        if not prefix.is_dir():
            _unpack_into(prefix)
    return Parts(prefix)


def debian_mirror() -> str:
    """Returns the address from which this machine takes Debian's packages."""
    # It prints what an update would fetch, which works on a machine that has no lists yet.
    uris = _run(["apt-get", "--print-uris", "update"])
    found = re.search(r"^'(.+?)/*/dists/bookworm/InRelease'", uris, re.MULTILINE)
    if found is not None:
        return found[1]
    raise EngineUnavailable(
        "The engine lane fetches Debian's packages, and no apt source here is for bookworm.",
        "Add one, for example /etc/apt/sources.list.d/debian.sources.",
    )


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Holds an exclusive lock on ``path``, so that two runs do not make the same thing."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _unpack_into(prefix: Path) -> None:
    with tempfile.TemporaryDirectory(dir=cache_folder()) as name:
        folder = Path(name)
        folder.chmod(0o755)
        options = _apt_options(folder)
        # Download indexes without descriptions or AppStream data: three times less to fetch.
        _run(["apt-get", *options, "-o", "Acquire::Languages=none", "update"])
        packages = PACKAGES if _perl_is_complete() else PACKAGES + PERL_PACKAGES
        archives = folder / "archives"
        archives.mkdir()
        _run(
            ["apt-get", *options, "download", *(f"{name}/{suite}" for name, suite in packages)],
            cwd=archives,
        )
        unpacked = folder / "prefix"
        for archive in sorted(archives.glob("*.deb")):
            _run(["dpkg-deb", "--extract", str(archive), str(unpacked)])
        for program in ("usr/sbin/dockerd", "usr/sbin/runc", "usr/bin/docker"):
            _run([str(unpacked / program), "--version"])
        unpacked.rename(prefix)


def _apt_options(folder: Path) -> list[str]:
    """Makes apt use sources and lists under ``folder`` in place of the machine's."""
    for name in ("sources", "lists/partial", "cache/archives/partial"):
        (folder / name).mkdir(parents=True)
    (folder / "sources/engine.sources").write_text(
        f"Types: deb\nURIs: {debian_mirror()}\nSuites: sid bookworm\nComponents: main\n"
        f"Signed-By: {KEYRING}\n"
    )
    settings = {
        "Dir::Etc::sourcelist": "/dev/null",
        "Dir::Etc::sourceparts": folder / "sources",
        "Dir::State::lists": folder / "lists",
        "Dir::Cache": folder / "cache",
        "APT::Sandbox::User": "root",
        "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled": "false",
        # A frozen mirror of sid outlives its week; its signature is still checked.
        "Acquire::Check-Valid-Until": "false",
        "Acquire::Retries": "3",
    }
    return [part for name, value in settings.items() for part in ("-o", f"{name}={value}")]


def _perl_is_complete() -> bool:
    probe = ["perl", "-MPod::Usage", "-MMath::BigInt", "-MTime::HiRes", "-MEncode", "-e1"]
    return subprocess.run(probe, capture_output=True, check=False).returncode == 0


def _run(command: list[str], cwd: Path | None = None) -> str:
    environment = {**os.environ, "LC_ALL": "C.UTF-8"}
    done = subprocess.run(
        command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    if done.returncode != 0:
        tail = " | ".join((done.stderr or done.stdout).strip().splitlines()[-3:])
        raise EngineUnavailable(
            f"`{command[0]} ...` failed while the engine's packages were fetched: {tail}",
            "The lane needs Debian's package mirror; look at the machine's apt sources.",
        )
    return done.stdout


def _os_release() -> Mapping[str, str]:
    try:
        lines = Path("/etc/os-release").read_text().splitlines()
    except OSError:
        return {}
    pairs = (line.partition("=") for line in lines)
    return {name: value.strip('"') for name, _, value in pairs}
