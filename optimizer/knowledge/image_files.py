"""Which directories base images bring files in, as far as somebody may want one for their own."""

from __future__ import annotations

from collections.abc import Mapping

from optimizer.knowledge.images import base_image

_EMPTY: Mapping[tuple[str, str], str] = {
    ("php", "/var/www/html"):
        "https://github.com/docker-library/php: Dockerfile-linux.template",
    ("composer", "/app"): "https://github.com/composer/docker: latest/Dockerfile",
    ("oven/bun", "/home/bun/app"): "https://github.com/oven-sh/bun: dockerhub/debian/Dockerfile",
}  # fmt: skip
"""Directories that images make and leave empty, with where that is said."""

_TOP = frozenset(
    ("bin", "boot", "dev", "etc", "home", "lib", "lib32", "lib64", "libx32", "lost+found", "media",
     "mnt", "opt", "proc", "root", "run", "sbin", "srv", "sys", "tmp", "usr", "var")
)  # fmt: skip
"""The root directory of a distribution (FHS 3.0, 3.2; Debian's base-files)."""

_OF_IMAGES: Mapping[str, str] = {
    "go": "https://github.com/docker-library/golang: Dockerfile-linux.template, GOPATH",
    "data": "https://github.com/docker-library/redis: Dockerfile.template, WORKDIR",
    "docker-entrypoint.d": "https://github.com/nginxinc/docker-nginx: Dockerfile-debian.template",
}
"""What the images of `optimizer.knowledge.images` have in the root directory besides, with where
that is said."""

_OF_ADD_ONS: Mapping[str, str] = {
    "java": "https://github.com/adoptium/containers: docker_templates/*.j2, JAVA_HOME",
    "gradle": "https://github.com/keeganwitt/docker-gradle: jdk*/Dockerfile, GRADLE_HOME",
    "openjdk": "https://github.com/docker-library/openjdk: Dockerfile-linux.template, JAVA_HOME",
    "yarn": "https://github.com/nodejs/docker-node: Dockerfile-debian.template, "
        "Dockerfile-alpine.template (/opt/yarn-v$YARN_VERSION)",
}  # fmt: skip
"""Directories below /opt, by how they begin, with where that is said."""
_OF_SOURCES: Mapping[str, str] = {
    "php": "https://github.com/docker-library/php: Dockerfile-linux.template, docker-php-source",
    "python": "https://github.com/docker-library/python: Dockerfile-linux.template (it is built "
        "there)",
}  # fmt: skip
"""The same below /usr/src."""


def has_directory(image: str, path: str) -> bool:
    """Tells whether the image with this familiar name has ``path`` as an empty directory."""
    return (image, path) in _EMPTY


def may_hold(image: str, tag: str, path: str) -> bool:
    """Tells whether an image may have something in the absolute directory ``path``, or may have it
    at all where it is not known to be empty. Of an image that is not known it may be anything."""
    row = base_image(image, tag)
    if row is None:
        return True
    if has_directory(image, path):
        return False
    names = path.strip("/").split("/")
    if row.workdir != "/" and f"{row.workdir}/".startswith(f"{path.rstrip('/')}/"):
        return True
    match names:
        case ["usr", "src", name, *_]:
            return name.startswith(tuple(_OF_SOURCES))
        case ["opt", name, *_]:
            return name.startswith(tuple(_OF_ADD_ONS))
        case ["srv", _, *_] | ["home", _, _, *_]:
            return bool(row.workdir != "/" and path.startswith(f"{row.workdir}/"))
        case [name, *_]:
            return name in _TOP or name in _OF_IMAGES or not name
    return True
