"""The users that base images bring, beside root."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ImageUser:
    """A user of an image: its numbers, its home directory, and where that is said."""

    uid: int
    gid: int
    home: str
    source: str


_USERS: Mapping[tuple[str, str], ImageUser] = {
    ("node", "node"): ImageUser(
        1000, 1000, "/home/node",
        "https://github.com/nodejs/docker-node: Dockerfile-debian.template, "
        "Dockerfile-alpine.template",
    ),
    ("oven/bun", "bun"): ImageUser(
        1000, 1000, "/home/bun", "https://github.com/oven-sh/bun: dockerhub/debian/Dockerfile"
    ),
}  # fmt: skip


def image_user(image: str, user: str) -> ImageUser | None:
    """Returns the user ``user`` of the image with the familiar name ``image``, None where it is not
    known."""
    return _USERS.get((image, user))
