"""The table of base images answers for the tags it knows and is silent on the others."""

from __future__ import annotations

import pytest

from optimizer.knowledge.images import base_image, family, is_windows

WORKDIRS = [
    ("node", "latest", "/"),
    ("node", "22-bookworm-slim", "/"),
    ("golang", "1.22-alpine3.20", "/go"),
    ("golang", "latest", "/go"),
    ("golang", "1", "/go"),
    ("golang", "1.5", "/go"),
    ("php", "8.3-apache", "/var/www/html"),
    ("php", "8.3-fpm-alpine3.20", "/var/www/html"),
    ("php", "8.3-cli", "/"),
    ("composer", "2", "/app"),
    ("gradle", "8.5-jdk21", "/home/gradle"),
    ("gradle", "jdk17", "/home/gradle"),
    ("httpd", "2.4", "/usr/local/apache2"),
    ("oven/bun", "1-alpine", "/home/bun/app"),
    ("mcr.microsoft.com/dotnet/sdk", "8.0", "/"),
]


@pytest.mark.parametrize(("name", "tag", "workdir"), WORKDIRS)
def test_known(name: str, tag: str, workdir: str) -> None:
    row = base_image(name, tag)
    assert row is not None
    assert row.workdir == workdir
    assert row.user == "root"
    assert row.source.startswith("https://github.com/")


SILENT = [
    ("another image", "mynode", "latest"),
    ("image of the same last name", "bitnami/node", "latest"),
    ("onbuild", "node", "8-onbuild"),
    ("Windows", "golang", "1.22-windowsservercore-ltsc2022"),
    ("older than the row", "golang", "1.4"),
    ("much older", "gradle", "4.10.3-jdk8"),
    ("other vendors", "maven", "3.9-ibm-semeru-17-focal"),
    ("not for root", "mcr.microsoft.com/dotnet/aspnet", "8.0-jammy-chiseled"),
    ("without a system", "composer", "2-bin"),
    ("not released", "oven/bun", "0.8"),
]


@pytest.mark.parametrize(
    ("name", "tag"), [row[1:] for row in SILENT], ids=[row[0] for row in SILENT]
)
def test_silent(name: str, tag: str) -> None:
    assert base_image(name, tag) is None


FAMILIES = [
    ("alpine", "3.20", "alpine"),
    ("node", "20-alpine3.20", "alpine"),
    ("node", "20", "debian"),
    ("python", "3.12-slim-bookworm", "debian"),
    ("ubuntu", "noble", "debian"),
    ("openjdk", "17", None),
    ("openjdk", "11-jre-slim-bullseye", "debian"),
    ("busybox", "latest", None),
    ("maven", "3.9-eclipse-temurin-21-alpine", "alpine"),
]


@pytest.mark.parametrize(("name", "tag", "wanted"), FAMILIES)
def test_family(name: str, tag: str, wanted: str | None) -> None:
    row = base_image(name, tag)
    assert row is not None
    assert family(row, tag) == wanted


WINDOWS = [
    ("mcr.microsoft.com/windows/nanoserver", "ltsc2022", True),
    ("mcr.microsoft.com/windows", "1809", True),
    ("mcr.microsoft.com/windows/servercore", "", True),
    ("microsoft/windowsservercore", "", True),
    ("mcr.microsoft.com/dotnet/sdk", "8.0-nanoserver-ltsc2022", True),
    ("golang", "nanoserver", True),
    ("golang", "1.22", False),
    ("example.com/windowsill", "latest", False),
]


@pytest.mark.parametrize(("name", "tag", "wanted"), WINDOWS)
def test_is_windows(name: str, tag: str, wanted: bool) -> None:
    assert is_windows(name, tag) is wanted


@pytest.mark.parametrize("tag", ["", "9" * 5000, "-", "1..2", "1.-alpine", "\udcff"])
def test_strange_tags(tag: str) -> None:
    assert base_image("node", tag) is not None
