"""Which directories of a base image somebody may take for their own."""

from __future__ import annotations

import pytest

from optimizer.knowledge.image_files import has_directory, may_hold


@pytest.mark.parametrize(
    ("image", "tag", "path"),
    [
        ("debian", "bookworm-slim", "/app"),
        ("node", "22", "/usr/src/app"),
        ("node", "22", "/home/node/app"),
        ("python", "3.12", "/opt/app"),
        ("debian", "12", "/srv/app"),
        ("php", "8.4-apache", "/var/www/html"),
    ],
)
def test_nothing_is_there(image: str, tag: str, path: str) -> None:
    assert not may_hold(image, tag, path)


@pytest.mark.parametrize(
    ("image", "tag", "path"),
    [
        ("nginx", "1.28", "/usr/share/nginx/html"),
        ("node", "22", "/home/node"),
        ("node", "22", "/home"),
        ("node", "22", "/opt/yarn-v1.22.22"),
        ("node", "22", "/"),
        ("golang", "1.24", "/go"),
        ("golang", "1.24", "/go/src"),
        ("eclipse-temurin", "21", "/opt/java"),
        ("redis", "7", "/data"),
        ("debian", "12", "/var/www"),
        ("php", "8.4-apache", "/var/www"),
        ("php", "8.4-apache", "/usr/src/php"),
        ("gradle", "8", "/home/gradle/project"),
        ("example.org/base", "1", "/app"),
        ("node", "22-onbuild", "/usr/src/app"),
    ],
)
def test_something_may_be_there(image: str, tag: str, path: str) -> None:
    assert may_hold(image, tag, path)


def test_a_directory_without_files_is_there_all_the_same() -> None:
    assert has_directory("php", "/var/www/html")
    assert not has_directory("debian", "/app")
