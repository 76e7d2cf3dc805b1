"""Image references, with the answers of the distribution project's grammar.

``ubuntu``, ``docker.io/library/ubuntu:24.04`` and ``ghcr.io/a/b@sha256:…`` are
read as ``ParseNormalizedNamed`` of github.com/distribution/reference reads them
(normalize.go, regexp.go), errors included.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from optimizer.cst import golang
from optimizer.cst.glob import decodable

_DEFAULT_DOMAIN = "docker.io"
_LEGACY_DOMAIN = "index.docker.io"
_OFFICIAL = "library/"
_LONGEST_PATH = 255

_LABEL = "(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])"
_DOMAIN = rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?"
_COMPONENT = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_PATH = f"{_COMPONENT}(?:/{_COMPONENT})*"
_ALGORITHM = r"[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*"

_REFERENCE = re.compile(
    rf"(?:(?P<domain>{_DOMAIN})/)?(?P<path>{_PATH})"
    rf"(?::(?P<tag>[\w][\w.-]{{0,127}}))?"
    rf"(?:@(?P<digest>{_ALGORITHM}:[0-9a-fA-F]{{32,}}))?",
    re.ASCII,
)
_IDENTIFIER = re.compile("[a-f0-9]{64}")

# github.com/opencontainers/go-digest: the algorithms and how many digits each has.
_DIGITS = {"sha256": 64, "sha384": 96, "sha512": 128}
_HEX = re.compile("[a-f0-9]*")
_ANY_DIGEST = re.compile("[a-z0-9]+(?:[.+_-][a-z0-9]+)*:[a-zA-Z0-9=_-]+")


class ReferenceError_(Exception):  # noqa: N801 - the plain name is Python's own
    """A reference that the grammar refuses; ``message`` is the distribution project's."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


@dataclass(frozen=True, slots=True)
class ImageReference:
    """A reference with the defaults filled in, except that no tag stays no tag.

    ``domain`` is empty for a name such as ``my_host.example/app``, whose first
    part looks like a domain but cannot be one.
    """

    domain: str
    path: str
    tag: str | None
    digest: str | None

    @property
    def name(self) -> str:
        """The full name, without tag and digest: ``docker.io/library/ubuntu``."""
        return f"{self.domain}/{self.path}" if self.domain else self.path

    @property
    def familiar(self) -> str:
        """The name as people write it: ``ubuntu`` for ``docker.io/library/ubuntu``."""
        if self.domain != _DEFAULT_DOMAIN:
            return self.name
        official = self.path.removeprefix(_OFFICIAL)
        return self.path if "/" in official else official

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag is not None else ""
        digest = f"@{self.digest}" if self.digest is not None else ""
        return f"{self.name}{tag}{digest}"


def parse_reference(text: str) -> ImageReference:
    """Reads a reference as people write it; raises `ReferenceError_`."""
    if _IDENTIFIER.fullmatch(text):
        raise ReferenceError_(
            f"invalid repository name ({text}), cannot specify 64-byte hexadecimal strings"
        )
    domain, rest = _split_domain(text)
    name = rest.partition(":")[0]
    if _has_capitals(name):
        raise ReferenceError_(
            f"invalid reference format: repository name ({name}) must be lowercase"
        )
    full = f"{domain}/{rest}"
    match = _REFERENCE.fullmatch(full)
    if not match:
        lower = golang.lower(full)
        if lower != full and _REFERENCE.fullmatch(lower):
            raise ReferenceError_("repository name must be lowercase")
        raise ReferenceError_("invalid reference format")
    if len(match["path"]) > _LONGEST_PATH:
        raise ReferenceError_(f"repository name must not be more than {_LONGEST_PATH} characters")
    if match["digest"]:
        _check_digest(match["digest"])
    return ImageReference(match["domain"] or "", match["path"], match["tag"], match["digest"])


def _split_domain(text: str) -> tuple[str, str]:
    first, slash, rest = text.partition("/")
    if not slash:
        return _DEFAULT_DOMAIN, _OFFICIAL + text
    if first == _LEGACY_DOMAIN:
        domain = _DEFAULT_DOMAIN
    elif first == "localhost" or "." in first or ":" in first or _has_capitals(first):
        domain = first
    else:
        domain, rest = _DEFAULT_DOMAIN, text
    if domain == _DEFAULT_DOMAIN and "/" not in rest:
        rest = _OFFICIAL + rest
    return domain, rest


def _has_capitals(text: str) -> bool:
    """Go's lower case differs, which is also true of undecodable bytes."""
    return golang.lower(decodable(text)) != text


def _check_digest(digest: str) -> None:
    algorithm, _, encoded = digest.partition(":")
    digits = _DIGITS.get(algorithm)
    if digits is None:
        known = "unsupported digest algorithm"
        raise ReferenceError_(
            known if _ANY_DIGEST.fullmatch(digest) else "invalid checksum digest format"
        )
    if len(encoded) != digits:
        raise ReferenceError_("invalid checksum digest length")
    if not _HEX.fullmatch(encoded):
        raise ReferenceError_("invalid checksum digest format")
