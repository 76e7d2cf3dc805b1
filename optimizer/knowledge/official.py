"""Where official images lie: Docker Hub, and registries that are known to hold all of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

_COPIES: Final = {
    # gallery.ecr.aws/docker: "Docker Official Images on Amazon ECR Public".
    "public.ecr.aws/docker/library/": "",
}
"""Repositories of whole copies, each with what its names are called on Docker Hub."""


@dataclass(frozen=True, slots=True)
class Place:
    """An image as it is written: ``prefix`` stands in front of its familiar ``name``."""

    prefix: str
    name: str


def place_of(text: str, familiar: str) -> Place | None:
    """Returns where the image ``text`` (a reference without tag and digest) lies, None for a
    registry of which it is not known what it holds.

    ``familiar`` is its familiar name. Images of Docker Hub and of Microsoft's registry are where
    their publishers put them.
    """
    for repository, called in _COPIES.items():
        if text.startswith(repository):
            return Place(repository, called + text.removeprefix(repository))
    host = familiar.split("/")[0]
    is_hub = "." not in host and ":" not in host and host != "localhost"
    if is_hub or familiar.startswith("mcr.microsoft.com/") or "/" not in familiar:
        return Place(text.removesuffix(familiar), familiar)
    return None
