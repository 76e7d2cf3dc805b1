"""Images that get no fixes any more."""

from __future__ import annotations

import pytest

from optimizer.knowledge.end_of_life import end_of_life

ENDED = [
    ("python", "3.8-slim", "2024-10-07"),
    ("python", "2.7", "2020-01-01"),
    ("node", "16-alpine", "2023-09-11"),
    ("node", "16.20.2", "2023-09-11"),
    ("debian", "buster-slim", "2024-06-30"),
    ("debian", "10", "2024-06-30"),
    ("python", "3.12-slim-buster", "2024-06-30"),
    ("ubuntu", "18.04", "2023-05-31"),
    ("alpine", "3.18.4", "2025-05-09"),
    ("golang", "1.20-alpine", "2024-02-06"),
    ("openjdk", "17-slim", "2022-07-01"),
    ("mcr.microsoft.com/dotnet/aspnet", "6.0", "2024-11-12"),
    ("rust", "1.60-buster", "2024-06-30"),
]


@pytest.mark.parametrize(("name", "tag", "day"), ENDED)
def test_ended(name: str, tag: str, day: str) -> None:
    assert end_of_life(name, tag) == day


@pytest.mark.parametrize(
    ("name", "tag"),
    [
        ("python", "3.12"),
        ("python", "latest"),
        ("python", "3"),
        ("node", "lts"),
        ("node", "24"),
        ("debian", "bookworm"),
        ("ubuntu", "24.04"),
        ("postgres", "9.6"),
        ("somebody/python", "3.6"),
        ("golang", "1"),
    ],
)
def test_not_ended_or_not_known(name: str, tag: str) -> None:
    assert end_of_life(name, tag) is None
