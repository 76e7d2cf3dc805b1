"""How large base images are: the sum of their layers, unpacked, for linux/amd64.

Looked up on 2026-11-26. Where a row says so, the figure is the "Virtual Size" that
docker-library/repo-info records in ``repos/NAME/local/TAG.md`` (two digits after the point of a
GB or MB of 1000). Sizes move by some percent from release to release; a row holds for all tags
that it admits. An engine that has the image knows better.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ImageSize:
    """One row: images called ``name`` whose tag has a part (between dashes, without version) that
    ``part`` matches; None takes every tag. The first row that fits counts."""

    name: str
    part: str | None
    megabytes: float
    source: str


def _info(name: str, tag: str, day: str) -> str:
    return f"docker-library/repo-info, repos/{name}/local/{tag}.md, {day}"


_DERIVED = "derived"

_ROWS = (
    ImageSize("debian", "slim", 74.8, _info("debian", "bookworm-slim", "2026-09-18")),
    ImageSize("debian", None, 116.6, _info("debian", "bookworm", "2026-07-13")),
    ImageSize("buildpack-deps", "curl", 155, f"{_DERIVED}: debian, curl, wget and gnupg"),
    ImageSize("buildpack-deps", "scm", 290, f"{_DERIVED}: curl, git, mercurial and subversion"),
    ImageSize("buildpack-deps", None, 912, _info("buildpack-deps", "bookworm", "2023-01-11")),
    ImageSize("ubuntu", None, 78, f"{_DERIVED}: eclipse-temurin's JRE image without its JRE"),
    ImageSize("alpine", None, 8, f"{_DERIVED}: python's alpine image without Python"),
    ImageSize("busybox", None, 4.5, f"{_DERIVED}: one static program"),
    ImageSize("python", "alpine", 51.8, _info("python", "3.13-alpine3.24", "2026-09-01")),
    ImageSize("python", "slim", 130, _info("python", "3.11-slim-bookworm", "2026-08-13")),
    ImageSize("python", None, 1010, _info("python", "3.11-bookworm", "2026-08-13")),
    ImageSize("node", "alpine", 166.9, _info("node", "24-alpine3.24", "2026-08-03")),
    ImageSize("node", "slim", 227.3, _info("node", "22-bookworm-slim", "2026-07-14")),
    ImageSize("node", None, 1220, _info("node", "22-trixie", "2026-06-24")),
    ImageSize("ruby", "alpine", 95, f"{_DERIVED}: the slim image on another base"),
    ImageSize("ruby", "slim", 157.8, _info("ruby", "3.4-slim-bookworm", "2026-07-14")),
    ImageSize("ruby", None, 1000, _info("ruby", "3.4-bookworm", "2026-07-01")),
    ImageSize("golang", "alpine", 241.4, _info("golang", "1.26-alpine3.23", "2026-08-13")),
    ImageSize("golang", None, 833.5, _info("golang", "1.26-bookworm", "2026-08-19")),
    ImageSize("rust", "alpine", 850, f"{_DERIVED}: the slim image on another base"),
    ImageSize("rust", "slim", 902.5, _info("rust", "slim-bookworm", "2026-06-30")),
    ImageSize("rust", None, 1570, _info("rust", "bookworm", "2026-07-16")),
    ImageSize("php", "alpine", 115, f"{_DERIVED}: the same PHP without Debian's compiler"),
    ImageSize("php", "apache", 505.8, _info("php", "8.3-apache-bookworm", "2026-09-19")),
    ImageSize("php", None, 535.5, _info("php", "8.3-cli-bookworm", "2026-08-25")),
    ImageSize("gcc", None, 1380, _info("gcc", "12-bookworm", "2026-07-14")),
    ImageSize("nginx", "alpine", 40.7, _info("nginx", "alpine", "2023-01-09")),
    ImageSize("nginx", None, 190, f"{_DERIVED}: debian slim, nginx, modules, libraries"),
    ImageSize("eclipse-temurin", "jre-alpine", 183.9,
              _info("eclipse-temurin", "17-jre-alpine-3.23", "2026-09-17")),
    ImageSize("eclipse-temurin", "jre", 294.4, _info("eclipse-temurin", "17-jre", "2026-08-21")),
    ImageSize("eclipse-temurin", "alpine", 330, f"{_DERIVED}: the JDK on another base"),
    ImageSize("eclipse-temurin", None, 448, _info("eclipse-temurin", "17-jdk", "2026-07-16")),
    ImageSize("openjdk", "alpine", 330, f"{_DERIVED}: as eclipse-temurin"),
    ImageSize("openjdk", "slim", 408, f"{_DERIVED}: debian slim and the JDK of eclipse-temurin"),
    ImageSize("openjdk", None, 471, f"{_DERIVED}: the slim image, git and fonts"),
    ImageSize("maven", None, 504.4, _info("maven", "3.9-eclipse-temurin-17", "2026-08-21")),
    ImageSize("gradle", None, 700, f"{_DERIVED}: eclipse-temurin's JDK, Gradle and git"),
    ImageSize("mcr.microsoft.com/dotnet/aspnet", None, 217,
              "dotnet/dotnet-docker, documentation/sample-image-size-report.md (8.0, with an app)"),
    ImageSize("mcr.microsoft.com/dotnet/runtime", None, 193, f"{_DERIVED}: from aspnet"),
    ImageSize("mcr.microsoft.com/dotnet/runtime-deps", None, 117, f"{_DERIVED}: debian, ICU"),
    ImageSize("mcr.microsoft.com/dotnet/sdk", "alpine", 650, f"{_DERIVED}: on another base"),
    ImageSize("mcr.microsoft.com/dotnet/sdk", None, 860, f"{_DERIVED}: aspnet and the SDK, .NET 8"),
    *(
        ImageSize(f"gcr.io/distroless/{name}-debian{release}", None, megabytes, source)
        for release in (11, 12, 13)
        for name, megabytes, source in (
            ("static", 2, "GoogleContainerTools/distroless, README.md: around 2 MiB"),
            ("base", 20.5, f"{_DERIVED}: static, glibc and libssl of Debian"),
            ("cc", 23.5, f"{_DERIVED}: base, libgcc and libstdc++ of Debian"),
        )
    ),
)  # fmt: skip
"""Sizes in MB of 10^6 bytes; "derived" figures are set beside those of a row with a source and are
estimates."""

_BY_NAME: dict[str, list[ImageSize]] = {}
for _row in _ROWS:
    _BY_NAME.setdefault(_row.name, []).append(_row)


def image_bytes(name: str, tag: str) -> int | None:
    """Returns the bytes of an image (familiar name, tag), None where its name has no row."""
    words = "-".join(re.sub(r"^[\d.]+|[\d.]+$", "", part) for part in tag.split("-"))
    for row in _BY_NAME.get(name, ()):
        if row.part is None or re.search(rf"(?:^|-){row.part}(?:$|-)", words):
            return round(row.megabytes * 1_000_000)
    return None
