"""Commands whose words, directory or HOME are not known, or known in part."""

from __future__ import annotations

import pytest

from optimizer.knowledge.commands import touch
from optimizer.knowledge.installs import HOLE, Call


def ask(words: list[str], directory: str = "/w", home: str | None = None) -> object:
    env = {} if home is None else {"HOME": home}
    found = touch(Call(tuple(word.replace("?", HOLE) for word in words), directory, env))
    return None if found is None else tuple(path.replace(HOLE, "?") for path in found.writes)


@pytest.mark.parametrize(
    ("command", "writes"),
    [
        ("echo ?", ()),
        ("[ -n ? ]", ()),
        ("[ ? = x ]", ()),
        ("mkdir /a/b-?", ("/a/b-?",)),
        ("rm -rf /a/?/c", ("/a/?/c",)),
        ("curl -fsSL -o /a/b https://h/?.tgz", ("/a/b",)),
        ("apt-mark auto ?", ("/var/lib/apt", "/var/cache/apt", "/var/cache/debconf",
                             "/var/lib/dpkg")),
        ("xargs apt-mark manual", ("/var/lib/apt", "/var/cache/apt", "/var/cache/debconf",
                                   "/var/lib/dpkg")),
    ],
)  # fmt: skip
def test_what_is_not_known_may_not_matter(command: str, writes: tuple[str, ...]) -> None:
    assert ask(command.split()) == writes


@pytest.mark.parametrize(
    "command",
    [
        "rm -rf ?", "rm -?f x", "mkdir /a/?/../c", "xargs rm -rf", "xargs -I{} cp {} /x",
        "[ -f ? ]",
        "[ a ? b ]", "cp ? /a", "sed -i ? x", "sed -i s/?/b/ x", "awk ? x", "curl ?", "git ? x",
        "find / -exec ? {} +", "pip install ?", "tar xf a -C ?", "useradd ?", "cargo install ?",
    ],
)  # fmt: skip
def test_what_is_not_known_matters(command: str) -> None:
    assert ask(command.split()) is None


def test_an_unknown_directory_shows_in_the_paths() -> None:
    assert ask(["mkdir", "x"], f"/{HOLE}") == ("/?/x",)
    assert ask(["mkdir", "../x"], f"/{HOLE}") is None
    assert ask(["mkdir", "/x"], f"/{HOLE}") == ("/x",)
    assert ask(["git", "fetch"], f"/{HOLE}") is None


def test_an_unknown_home_shows_in_the_paths() -> None:
    assert ask(["wget", "-O", "/x", "https://h"], home=f"/{HOLE}") == ("/x", "/?/.wget-hsts")
