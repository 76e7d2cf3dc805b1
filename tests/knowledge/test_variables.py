"""Environment variables that every program reads, and those that name paths."""

from __future__ import annotations

import pytest

from optimizer.knowledge.installs import Call
from optimizer.knowledge.variables import ALWAYS_READ, PATHS_IN, always_read, paths_read


@pytest.mark.parametrize(
    "name", ["LD_PRELOAD", "LC_ALL", "TZ", "PATH", "BASH_ENV", "BASH_FUNC_ls%%", "HOME"]
)
def test_variables_of_every_program(name: str) -> None:
    assert always_read(name)


@pytest.mark.parametrize("name", ["NODE_ENV", "PORT", "APP_HOME", "LDFLAGS", "path", "MY_PATH"])
def test_variables_of_some_programs(name: str) -> None:
    assert not always_read(name)


def test_variables_that_name_paths_are_read() -> None:
    assert all(always_read(name) for name in PATHS_IN)
    assert "*" not in ALWAYS_READ


@pytest.mark.parametrize(
    ("words", "env", "paths"),
    [
        ("mkdir x", {}, ()),
        ("mkdir x", {"PATH": "/app/bin:/usr/bin:"}, ("/app/bin/mkdir", "/usr/bin/mkdir",
                                                     "/w/mkdir")),
        ("./mkdir x", {"PATH": "/usr/bin"}, ("/w/mkdir",)),
        ("mkdir x", {"LD_PRELOAD": "/a.so /b.so", "PYTHONPATH": "/app"}, ("/a.so", "/b.so")),
        ("pip list", {"PYTHONPATH": "/app:lib"}, ("/app", "/w/lib")),
        ("python3.12 -V", {"PYTHONPATH": "/app"}, ("/app",)),
        ("npm -v", {"NODE_PATH": "/app/lib", "PYTHONPATH": "/x"}, ("/app/lib",)),
        ("date", {"TZ": "Europe/Paris"}, ()),
        ("date", {"TZ": ":/app/zone"}, ("/app/zone",)),
    ],
)  # fmt: skip
def test_paths_that_variables_name(words: str, env: dict[str, str], paths: tuple[str, ...]) -> None:
    assert paths_read(Call(tuple(words.split()), "/w", env)) == paths
