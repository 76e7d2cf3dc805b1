"""The sizes of base images: every row can be met, and twins are smaller."""

from __future__ import annotations

import pytest

from optimizer.knowledge.image_sizes import image_bytes


@pytest.mark.parametrize(
    ("name", "full", "small"),
    [
        ("python", "3.12", "3.12-slim"),
        ("python", "3.12-bookworm", "3.12-slim-bookworm"),
        ("python", "latest", "alpine"),
        ("node", "22", "22-bookworm-slim"),
        ("node", "lts", "lts-alpine3.20"),
        ("ruby", "3.4", "3.4-slim"),
        ("rust", "1.85", "1.85-slim"),
        ("debian", "bookworm", "bookworm-slim"),
        ("eclipse-temurin", "17", "17-jre"),
        ("eclipse-temurin", "17-jdk-noble", "17-jre-noble"),
        ("eclipse-temurin", "17-jre", "17-jre-alpine"),
        ("golang", "1.24", "1.24-alpine"),
    ],
)
def test_twin_is_smaller(name: str, full: str, small: str) -> None:
    assert (image_bytes(name, small) or 0) < (image_bytes(name, full) or 0)


def test_version_is_no_variant() -> None:
    assert image_bytes("node", "18.20.4") == image_bytes("node", "latest")


@pytest.mark.parametrize("name", ["example.org/python", "pythons", "", "gcr.io/distroless/none"])
def test_image_without_a_row(name: str) -> None:
    assert image_bytes(name, "latest") is None
