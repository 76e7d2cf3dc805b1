"""Addresses of repositories, the forges behind them, and which token goes where."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.forge.address import BadAddress, kind_of, read_address
from optimizer.forge.connect import Wanted, access, forge
from optimizer.forge.forge import ForgeFault


@pytest.mark.parametrize(
    ("text", "url", "host", "owner", "name"),
    [
        ("https://github.com/a/b.git", "https://github.com/a/b.git", "github.com", "a", "b"),
        ("https://GitHub.com/a/b/", "https://github.com/a/b/", "github.com", "a", "b"),
        ("https://me:pw@h.example:8/g/s/b", "https://h.example:8/g/s/b", "h.example", "g/s", "b"),
        ("https://token@github.com/a/b", "https://github.com/a/b", "github.com", "a", "b"),
        ("git@github.com:a/b.git", "git@github.com:a/b.git", "github.com", "a", "b"),
        ("ssh://git@h.example:22/a/b", "ssh://git@h.example:22/a/b", "h.example", "a", "b"),
        ("ssh://git:pw@h.example/a/b", "ssh://git@h.example/a/b", "h.example", "a", "b"),
        ("file:///srv/a/b.git", "file:///srv/a/b.git", "", "srv/a", "b"),
        ("/srv/a/b.git", "/srv/a/b.git", "", "srv/a", "b"),
        ("http://[::1]:80/a/b", "http://[::1]:80/a/b", "::1", "a", "b"),
    ],
)  # fmt: skip
def test_addresses(text: str, url: str, host: str, owner: str, name: str) -> None:
    found = read_address(text)
    assert (found.url, found.host, found.owner, found.name) == (url, host, owner, name)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "--upload-pack=touch x",
        "-x",
        "ext::sh -c touch% x",
        "fd::3",
        "https::x",
        "ssh://-oProxyCommand=touch/x",
        "ssh://-x@h.example/a",
        "-oProxyCommand=touch:a/b",
        "ftp://h.example/a/b",
        "https://",
        "https://h.example",
        "https://h.example:99999/a",
        "https://h.example\n/a/b",
        "https://a=b.example/a/b",
        "nowhere",
        "http://[x",
    ],
)
def test_what_git_must_not_get(text: str) -> None:
    with pytest.raises(BadAddress) as caught:
        read_address(text)
    assert "\n" not in str(caught.value)


@given(st.text(st.sampled_from(list("abc:/@.-[]=%\n\x00é h")), max_size=20))
def test_any_text_is_an_address_or_is_refused(text: str) -> None:
    try:
        found = read_address(text)
    except BadAddress:
        return
    assert not found.url.startswith("-")
    assert not found.host.startswith("-")
    assert found.url.isprintable()


@given(st.text(st.characters(codec="ascii", exclude_characters="/@?#\n"), min_size=1))
def test_no_password_is_left_in_an_address(password: str) -> None:
    said = ""
    try:
        said = repr(read_address(f"https://user:{password}SECRET@h.example/a/b"))
    except BadAddress as error:
        said = str(error)
    assert "SECRET" not in said


@pytest.mark.parametrize(
    ("address", "environment", "kind"),
    [
        ("git@github.com:a/b", {}, "github"),
        ("https://gitlab.com/a/b", {}, "gitlab"),
        ("https://codeberg.org/a/b", {}, "gitea"),
        ("https://ghe.example/a/b", {}, None),
        ("https://ghe.example/a/b", {"GITHUB_SERVER_URL": "https://ghe.example"}, "github"),
        (
            "https://f.example/a/b",
            {"GITHUB_SERVER_URL": "https://f.example", "GITEA_ACTIONS": "true"},
            "gitea",
        ),
        ("https://gl.example/a/b", {"CI_SERVER_HOST": "gl.example"}, "gitlab"),
        ("/srv/a/b", {"CI_SERVER_HOST": ""}, None),
    ],
)
def test_the_forge_behind_an_address(
    address: str, environment: Mapping[str, str], kind: str | None
) -> None:
    assert kind_of(read_address(address), environment) == kind


def token(address: str, environment: Mapping[str, str], wanted: Wanted | None = None) -> str | None:
    try:
        found = access(read_address(address), wanted or Wanted(), environment, lambda web: None)
    except ForgeFault:
        return None
    return found.token if found else None


def test_the_token_of_one_host_goes_to_no_other() -> None:
    ours = {"GITHUB_TOKEN": "hub", "GITLAB_TOKEN": "lab", "GH_ENTERPRISE_TOKEN": "own"}
    assert token("https://github.com/a/b", ours) == "hub"
    assert token("https://gitlab.com/a/b", ours) == "lab"
    assert token("https://codeberg.org/a/b", ours) is None
    elsewhere = Wanted("github")
    assert token("https://ghe.example/a/b", ours, elsewhere) == "own"
    assert token("https://ghe.example/a/b", {"GITHUB_TOKEN": "hub"}, elsewhere) is None
    runner = {"GITHUB_TOKEN": "runner", "GITHUB_SERVER_URL": "https://ghe.example"}
    assert token("https://ghe.example/a/b", runner) == "runner"
    assert token("https://other.example/a/b", runner, elsewhere) is None


def test_a_host_that_is_no_known_forge_gets_no_token() -> None:
    assert (
        access(read_address("https://x.example/a/b"), Wanted(), {"GITHUB_TOKEN": "x"}, str) is None
    )


def test_a_credential_helper_is_asked_for_the_host() -> None:
    found = access(read_address("git@github.com:a/b"), Wanted(), {}, lambda web: f"of-{web[8:]}")
    assert found is not None
    assert (found.token, found.api) == ("of-github.com", "https://api.github.com")


@pytest.mark.parametrize("bad", ["a b", "a\nX-Evil: 1", "é"])
def test_a_token_is_no_header(bad: str) -> None:
    with pytest.raises(ForgeFault) as caught:
        access(read_address("https://github.com/a/b"), Wanted(), {"GITHUB_TOKEN": bad}, str)
    assert bad not in caught.value.what


@pytest.mark.parametrize(
    ("address", "kind", "api"),
    [
        ("https://ghe.example:8443/a/b", "github", "https://ghe.example:8443/api/v3"),
        ("git@gl.example:a/b", "gitlab", "https://gl.example/api/v4"),
        ("https://f.example/a/b", "gitea", "https://f.example/api/v1"),
    ],
)
def test_where_the_api_is(address: str, kind: str, api: str) -> None:
    wanted = Wanted(kind)  # type: ignore[arg-type]
    found = access(read_address(address), wanted, {"DOCKOPT_TOKEN": "x"}, str)
    assert found is not None
    assert found.api == api
    assert "x" not in repr(found).replace("example", "")


def test_a_path_without_an_owner_is_told() -> None:
    found = access(read_address("https://github.com/a"), Wanted(), {"GITHUB_TOKEN": "x"}, str)
    assert found is not None
    with pytest.raises(ForgeFault):
        forge(found, read_address("https://github.com/a"))
