"""What the full official images have that the slim ones lack."""

from __future__ import annotations

from typing import Final

from optimizer.knowledge.distribution.compilers import is_build_only
from optimizer.knowledge.distribution.debian import Index, index
from optimizer.knowledge.distribution.tags import releases_of
from optimizer.knowledge.released import Release

# Source: github.com/docker-library/buildpack-deps, debian/{bullseye,bookworm,trixie}/Dockerfile,
# scm/Dockerfile and curl/Dockerfile at 8330ca1d2319 (2025-11-13): the three lists are the same,
# but for sq, which bullseye lacks. All are installed with --no-install-recommends.
CURL: Final = ("ca-certificates", "curl", "gnupg", "netbase", "sq", "wget")
SCM: Final = ("git", "mercurial", "openssh-client", "subversion", "procps")
BUILD: Final = (
    "autoconf", "automake", "bzip2", "default-libmysqlclient-dev", "dpkg-dev", "file", "g++",
    "gcc", "imagemagick", "libbz2-dev", "libc6-dev", "libcurl4-openssl-dev", "libdb-dev",
    "libevent-dev", "libffi-dev", "libgdbm-dev", "libglib2.0-dev", "libgmp-dev", "libjpeg-dev",
    "libkrb5-dev", "liblzma-dev", "libmagickcore-dev", "libmagickwand-dev", "libmaxminddb-dev",
    "libncurses5-dev", "libncursesw5-dev", "libpng-dev", "libpq-dev", "libreadline-dev",
    "libsqlite3-dev", "libssl-dev", "libtool", "libwebp-dev", "libxml2-dev", "libxslt-dev",
    "libyaml-dev", "make", "patch", "unzip", "xz-utils", "zlib1g-dev",
)  # fmt: skip
FULL: Final = CURL + SCM + BUILD
"""What ``buildpack-deps`` installs, which the full images of languages start from."""


# Source: github.com/docker-library/python at 4f070595, Dockerfile-linux.template: what it adds to
# buildpack-deps.
_ADDED: Final = {"python": ("libbluetooth-dev", "tk-dev", "uuid-dev")}

# Source: the Dockerfile templates of github.com/docker-library/python at 4f070595 and
# docker-library/ruby at d55e25ae7: what slim images install, and the libraries of their build
# dependencies that the language's own modules link (they stay: apt-mark manual of what ldd says);
# github.com/nodejs/docker-node: Dockerfile-slim.template purges all that it installs.
_SLIM: Final[dict[str, tuple[str, ...]]] = {
    "python": (
        "ca-certificates", "netbase", "tzdata", "libbz2-dev", "libffi-dev", "libgdbm-dev",
        "liblzma-dev", "libncursesw5-dev", "libreadline-dev", "libsqlite3-dev", "libssl-dev",
        "uuid-dev", "zlib1g-dev",
    ),
    "ruby": (
        "ca-certificates", "libffi-dev", "libgmp-dev", "libssl-dev", "libyaml-dev", "zlib1g-dev",
    ),
    "node": (),
}  # fmt: skip


def full_packages(release: Release, name: str = "buildpack-deps") -> frozenset[str]:
    """Returns the packages that a full image of a release has and a minimal image has not, as far
    as a running program may need them: libraries and programs, no compilers and no headers.

    ``name`` is the image's; those of languages have what ``buildpack-deps`` has and a little more.
    Empty where the release has no table.
    """
    table = index(release)
    if table is None:
        return frozenset()
    wanted = (each for each in (*FULL, *_ADDED.get(name, ())) if each in table)
    added = table.added(wanted) or frozenset()
    return frozenset(each for each in added if _may_run(table, each))


def slim_packages(name: str, release: Release) -> frozenset[str]:
    """Returns the packages that the slim image of a language (``python``) has and a minimal image
    of its release has not, as far as they are known."""
    table = index(release)
    if table is None:
        return frozenset()
    found: set[str] = set()
    for each in _SLIM.get(name, ()):
        found.update(table.libraries(each) or ((each,) if not each.endswith("-dev") else ()))
    return table.added(found) or frozenset()


def image_packages(name: str, tag: str, release: Release) -> frozenset[str] | None:
    """Returns all packages that an official image (familiar name, tag) has and a minimal image of
    its release has not; None where they are not known."""
    table = index(release)
    words = {*tag.split("-")}
    if table is None or "alpine" in words:
        return None
    if name == "debian":
        return frozenset()
    if "slim" in words:
        return slim_packages(name, release) if name in _SLIM else None
    if name not in _ON_BUILDPACK or name == "buildpack-deps":
        return None
    # docker-library/golang, Dockerfile-linux.template: it starts from ``buildpack-deps:*-scm``.
    installed = CURL + SCM if name == "golang" else FULL + _ADDED.get(name, ())
    return table.added(each for each in installed if each in table)


_ON_BUILDPACK: Final = frozenset(
    ("buildpack-deps", "gcc", "golang", "node", "perl", "pypy", "python", "ruby", "rust")
)
"""Images whose full forms start from a form of buildpack-deps (docker-library/official-images,
library/NAME), each of which has what `CURL` names."""


def has_authorities(name: str, tag: str) -> bool:
    """Tells whether an image (familiar name, tag) is of Debian and has the certificates of
    authorities, as a list in /etc/ssl/certs."""
    releases = releases_of(name, tag)
    is_full = name in _ON_BUILDPACK and not {"slim", "alpine"} & {*tag.split("-")}
    return is_full and bool(releases) and all(r.distribution == "debian" for r in releases)


def _may_run(table: Index, name: str) -> bool:
    row = table.package(name)
    return row is not None and row.kind in "lp" and not is_build_only(name)
