"""What is known of base images: where they start, as whom, and with which variables.

A row holds for every tag it admits, old and new; what differs between versions
is left out, so a name that a row does not list may still be set by the image.
Windows variants, ``onbuild`` variants and references by digest alone are never
in the table.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""BuildKit util/system/path.go, DefaultPathEnvUnix; also what Debian, Ubuntu and Alpine set."""


@dataclass(frozen=True, slots=True)
class BaseImage:
    """One row.

    ``family`` is "debian" (Ubuntu included), "alpine" or None where neither or both
    are possible. A row is taken for tags with at least one word of ``only``, none of
    ``never`` and no version below ``oldest``.
    """

    name: str
    source: str
    workdir: str = "/"
    user: str = "root"
    env: Mapping[str, str] = field(default_factory=dict)
    family: str | None = "debian"
    oldest: tuple[int, ...] = ()
    only: frozenset[str] = frozenset()
    never: frozenset[str] = frozenset()


_PATH = {"PATH": DEFAULT_PATH}
_OTHER_JAVA = frozenset(
    ("ubi", "centos", "oracle", "oraclelinux", "ibmjava", "openj9", "adoptopenjdk", "graalvm",
     "graal", "azulzulu", "sapmachine", "liberica", "semeru", "ibm", "microsoft")
)  # fmt: skip
_NOT_ROOT = frozenset(("chiseled", "distroless"))

_ROWS = (
    BaseImage(
        "alpine", "https://github.com/alpinelinux/docker-alpine: Dockerfile", env=_PATH,
        family="alpine",
    ),
    BaseImage(
        "debian", "https://github.com/debuerreotype/docker-debian-artifacts: image-config.json",
        env=_PATH,
    ),
    BaseImage(
        "ubuntu", "https://github.com/docker-library/repo-info: repos/ubuntu/local", env=_PATH
    ),
    BaseImage(
        "buildpack-deps", "https://github.com/docker-library/buildpack-deps: Dockerfile.template",
        env=_PATH,
    ),
    BaseImage(
        "busybox", "https://github.com/docker-library/busybox: latest/*/Dockerfile", env=_PATH,
        family=None,
    ),
    BaseImage(
        "node", "https://github.com/nodejs/docker-node: Dockerfile-debian.template, "
        "Dockerfile-alpine.template", env=_PATH,
    ),
    BaseImage(
        "python", "https://github.com/docker-library/python: Dockerfile-linux.template",
        env={"PATH": f"/usr/local/bin:{DEFAULT_PATH}"},
    ),
    BaseImage(
        "golang", "https://github.com/docker-library/golang: Dockerfile-linux.template",
        workdir="/go",
        env={"GOPATH": "/go", "PATH": f"/go/bin:/usr/local/go/bin:{DEFAULT_PATH}"},
        oldest=(1, 5),
    ),
    BaseImage(
        "rust", "https://github.com/rust-lang/docker-rust: Dockerfile-debian.template",
        env={
            "RUSTUP_HOME": "/usr/local/rustup",
            "CARGO_HOME": "/usr/local/cargo",
            "PATH": f"/usr/local/cargo/bin:{DEFAULT_PATH}",
        },
        oldest=(1, 20),
    ),
    BaseImage(
        "ruby", "https://github.com/docker-library/ruby: Dockerfile.template",
        env={"GEM_HOME": "/usr/local/bundle", "BUNDLE_APP_CONFIG": "/usr/local/bundle"},
    ),
    BaseImage(
        "elixir", "https://github.com/erlef/docker-elixir: 1.18/Dockerfile, 1.18/alpine/Dockerfile",
    ),
    BaseImage(
        "hexpm/elixir", "https://github.com/hexpm/bob: priv/scripts/docker/elixir-*.dockerfile",
        family=None,
    ),
    BaseImage(
        "php", "https://github.com/docker-library/php: Dockerfile-linux.template, apache and fpm",
        workdir="/var/www/html", env={"PHP_INI_DIR": "/usr/local/etc/php"},
        only=frozenset(("apache", "fpm")),
    ),
    BaseImage(
        "php", "https://github.com/docker-library/php: Dockerfile-linux.template, cli and zts",
        env={"PHP_INI_DIR": "/usr/local/etc/php"},
    ),
    BaseImage(
        "composer", "https://github.com/composer/docker: latest/Dockerfile", workdir="/app",
        env={"COMPOSER_ALLOW_SUPERUSER": "1", "COMPOSER_HOME": "/tmp"}, family="alpine",
        never=frozenset(("bin",)),
    ),
    BaseImage(
        "openjdk", "https://github.com/docker-library/openjdk: Dockerfile-linux.template",
        family=None, never=_OTHER_JAVA,
    ),
    BaseImage(
        "eclipse-temurin", "https://github.com/adoptium/containers: docker_templates/*.j2",
        env={
            "JAVA_HOME": "/opt/java/openjdk",
            "PATH": f"/opt/java/openjdk/bin:{DEFAULT_PATH}",
        },
        never=_OTHER_JAVA,
    ),
    BaseImage(
        "amazoncorretto", "https://github.com/corretto/corretto-docker: */Dockerfile",
        family=None,
    ),
    BaseImage(
        "maven", "https://github.com/carlossg/docker-maven: eclipse-temurin-*/Dockerfile",
        env={"MAVEN_HOME": "/usr/share/maven", "MAVEN_CONFIG": "/root/.m2"}, family=None,
        never=_OTHER_JAVA,
    ),
    BaseImage(
        "gradle", "https://github.com/keeganwitt/docker-gradle: jdk*/Dockerfile",
        workdir="/home/gradle", env={"GRADLE_HOME": "/opt/gradle"}, family=None, oldest=(6,),
        never=_OTHER_JAVA,
    ),
    BaseImage(
        "nginx", "https://github.com/nginxinc/docker-nginx: Dockerfile-debian.template, "
        "Dockerfile-alpine.template", env=_PATH,
    ),
    BaseImage(
        "httpd", "https://github.com/docker-library/httpd: 2.4/Dockerfile",
        workdir="/usr/local/apache2",
        env={
            "HTTPD_PREFIX": "/usr/local/apache2",
            "PATH": f"/usr/local/apache2/bin:{DEFAULT_PATH}",
        },
    ),
    BaseImage(
        "tomcat", "https://github.com/docker-library/tomcat: Dockerfile.template",
        workdir="/usr/local/tomcat", env={"CATALINA_HOME": "/usr/local/tomcat"}, family=None,
        never=_OTHER_JAVA,
    ),
    BaseImage(
        "redis", "https://github.com/docker-library/redis: Dockerfile.template", workdir="/data",
        env=_PATH,
    ),
    BaseImage(
        "oven/bun", "https://github.com/oven-sh/bun: dockerhub/debian/Dockerfile, alpine, "
        "debian-slim", workdir="/home/bun/app", oldest=(1,), never=_NOT_ROOT,
    ),
    *(
        BaseImage(
            f"mcr.microsoft.com/dotnet/{name}",
            f"https://github.com/dotnet/dotnet-docker: src/{name}/*/Dockerfile",
            env={"DOTNET_RUNNING_IN_CONTAINER": "true"},
            never=_NOT_ROOT | {"cbl", "azurelinux"},
        )
        for name in ("sdk", "aspnet", "runtime", "runtime-deps")
    ),
)  # fmt: skip

_BY_NAME: dict[str, list[BaseImage]] = {}
for _row in _ROWS:
    _BY_NAME.setdefault(_row.name, []).append(_row)

_WINDOWS = frozenset(("windowsservercore", "nanoserver", "windows", "ltsc"))
_DEBIAN = frozenset(
    ("wheezy", "jessie", "stretch", "buster", "bullseye", "bookworm", "trixie", "forky", "sid",
     "trusty", "xenial", "bionic", "focal", "jammy", "noble", "resolute")
)  # fmt: skip
_VERSION = re.compile(r"[0-9]+(?:\.[0-9]+)*", re.ASCII)


def base_image(name: str, tag: str) -> BaseImage | None:
    """Returns the row for an image, None where nothing certain is known.

    ``name`` is the familiar name (``node``, ``mcr.microsoft.com/dotnet/sdk``) and
    ``tag`` the tag, ``latest`` where none is written.
    """
    words = _words(tag)
    if "onbuild" in words or is_windows(name, tag):
        return None
    version = _VERSION.match(tag)
    number = tuple(int(part[:9]) for part in version[0].split(".")) if version else ()
    for row in _BY_NAME.get(name, ()):
        is_old = bool(number) and number < row.oldest[: len(number)]
        if not is_old and not words & row.never and (not row.only or words & row.only):
            return row
    return None


def family(row: BaseImage, tag: str) -> str | None:
    """Returns "debian" or "alpine", or None where it is something else or not certain."""
    words = _words(tag)
    if "alpine" in words:
        return "alpine"
    return "debian" if words & _DEBIAN else row.family


def is_windows(name: str, tag: str) -> bool:
    """Whether an image is one for Windows, as far as its name tells."""
    parts = re.split("[/-]", name)
    return bool(_WINDOWS & _words(tag)) or any(
        part in _WINDOWS or part == "servercore" for part in parts
    )


def _words(tag: str) -> frozenset[str]:
    """The parts of a tag between dashes, without the versions behind them."""
    return frozenset(part.rstrip("0123456789.") for part in tag.split("-"))
