"""Ordinary commands: which paths they may read and write, and which commands have no answer."""

from __future__ import annotations

import shlex
from collections.abc import Mapping

import pytest

from optimizer.knowledge.commands import SYSTEM, touch
from optimizer.knowledge.installs import Call, Touch


def ask(command: str, env: Mapping[str, str] | None = None) -> Touch | None:
    return touch(Call(tuple(shlex.split(command)), "/app", env or {}))


@pytest.mark.parametrize(
    ("command", "reads", "writes"),
    [
        ("mkdir -p a /b/c", [], ["/app/a", "/b/c"]),
        ("mkdir -m 755 x", [], ["/app/x"]),
        ("rm -rf /var/lib/apt/lists/*", [], ["/var/lib/apt/lists"]),
        ("rm -f -- -x", [], ["/app/-x"]),
        ("rm -rf ../x", [], ["/x"]),
        ("rmdir x", [], ["/app/x"]),
        ("touch -r ref x", ["/app/ref"], ["/app/x"]),
        ("chmod +x run.sh", ["/app/run.sh"], ["/app/run.sh"]),
        ("chmod -R 755 /opt/x y", ["/opt/x", "/app/y"], ["/opt/x", "/app/y"]),
        ("chown -R node:node .", ["/app", "/etc/passwd"], ["/app"]),
        ("chown --reference=r x", ["/app/r"], ["/app/x"]),
        ("cp a b", ["/app/a"], ["/app/b"]),
        ("cp -r src/ /dst", ["/app/src"], ["/dst"]),
        ("cp -t /dst a b", ["/app/a", "/app/b"], ["/dst/a", "/dst/b"]),
        ("cp --target-directory=/dst a", ["/app/a"], ["/dst/a"]),
        ("cp conf/*.ini /etc/", ["/app/conf"], ["/etc"]),
        ("mv a b /c", ["/app/a", "/app/b"], ["/app/a", "/app/b", "/c/a", "/c/b"]),
        ("ln -sf /usr/bin/python3 /usr/bin/python", [], ["/usr/bin/python"]),
        ("ln a b", ["/app/a"], ["/app/b"]),
        ("ln -s ../x/y", [], ["/app/y"]),
        ("install -d -m 0755 /data", [], ["/data"]),
        ("install -m 755 a /usr/local/bin/", ["/app/a"], ["/usr/local/bin/a"]),
        ("ls", ["/app"], []),
        ("ls -la /x", ["/x"], []),
        ("cat a - b", ["/app/a", "/app/b"], []),
        ("echo a b > c", [], []),
        ("printf %s x", [], []),
        ("test -f x", ["/app/x"], []),
        ("[ -z x ]", [], []),
        ("[ -e x ]", ["/app/x"], []),
        ("[ ! -d /x ]", ["/x"], []),
        ("[ a = b -o -f x ]", ["/app/x"], []),
        ("[[ -f x && -s y ]]", ["/app/x", "/app/y"], []),
        ("true", [], []),
        (":", [], []),
        ("set -eux", [], []),
        ("export A=b", [], []),
        ("cd /x", [], []),
        ("curl -fsSL https://h/x -o /var/x", [], ["/var/x"]),
        ("curl -sSLO https://h/x", [], ["/app/x"]),
        ("curl -sSLOJ https://h/x", [], ["/app"]),
        ("curl -sSLO https://h/x?y=z", [], ["/app/x"]),
        ("curl -sSLO https://h/", [], ["/app"]),
        ("curl -o '/a/#1' https://h/{b,c}", [], ["/a"]),
        ("curl --output-dir /d -O https://h/x", [], ["/d/x"]),
        ("curl -fsSL https://h/x", ["/root/.curlrc"], []),
        ("wget -q https://h/x", [], ["/app"]),
        ("wget -qO- https://h/x", [], []),
        ("wget -O /var/x https://h/x", [], ["/var/x"]),
        ("wget -P /d https://h/x", [], ["/d"]),
        ("apt-get update", ["/etc", "/var"], ["/var"]),
        ("apt-get install -y --no-install-recommends git", [], ["/usr/bin", "/etc", "/var"]),
        ("apt-get -qq -o Dpkg::Use-Pty=0 install git", [], ["/usr/lib"]),
        ("apt install ./x.deb", ["/app/x.deb"], ["/usr/bin"]),
        ("apk add --no-cache --virtual .build gcc", [], ["/lib"]),
        ("dnf install -y /app/x.rpm", ["/app/x.rpm"], ["/usr/bin"]),
        ("microdnf clean all", [], ["/var"]),
        ("git config user.name x", ["/app/.git"], ["/app/.git", "/.git"]),
        ("git pull", ["/root/.ssh"], ["/app"]),
        ("apt-get download x", ["/etc"], ["/app"]),
        ("apk info", ["/lib/apk"], []),
        ("dnf repoquery x", ["/etc"], ["/var"]),
        ("tar xf x", ["/app/x"], ["/app"]),
        ("sed -i s/a/b/ x", ["/app/x"], ["/app/x"]),
        ("useradd -m -u 1000 me", ["/etc/skel"], ["/etc/passwd", "/home/me"]),
        ("useradd -r -d /srv/me me", [], ["/srv/me"]),
        ("adduser -D me", [], ["/home/me"]),
        ("groupadd -g 1000 me", [], ["/etc/group"]),
        ("ldconfig", ["/usr/lib"], ["/etc/ld.so.cache"]),
        ("update-ca-certificates", ["/usr/local/share/ca-certificates"], ["/etc/ssl"]),
        ("git config --global safe.directory /app", [], ["/root/.gitconfig"]),
        ("git clone --depth 1 -b v1 https://h/a/b.git /src", [], ["/src"]),
        ("git clone https://h/a/b.git", [], ["/app/b"]),
        ("git clone git@h:a/b.git", [], ["/app/b"]),
        ("git clone ./mirror x", ["/app/mirror"], ["/app/x"]),
    ],
)
def test_known_commands(command: str, reads: list[str], writes: list[str]) -> None:
    found = ask(command)

    assert found is not None
    assert set(reads) <= set(found.reads)
    assert set(writes) <= set(found.writes)
    if not writes:
        assert set(found.writes) <= {"/root/.wget-hsts", "/home/node/.wget-hsts"}


@pytest.mark.parametrize(
    "command",
    [
        "make", "npm ci", "./setup.sh", "sh -c ls", "python x.py", "git clone --reference x https://h/y",
        "curl -K file https://h", "curl -T x https://h", "curl -d @x https://h", "wget -i list",
        "curl --data @x https://h", "apt-get", "dnf frob x",
        "cp --frobnicate=x a b", "rm --frobnicate=x", "mkdir -m", "ln --target=x y",
        "wget --mirror https://h", "unknown", "git frob", "curl --cookie-jar x https://h",
        "chmod --frob=1 x", "rm -rf ~/x", "git clone", "usermod -m -d /x me y --move=1",
    ],
)  # fmt: skip
def test_other_commands_have_no_answer(command: str) -> None:
    assert ask(command) is None


def test_a_known_home_is_used() -> None:
    found = ask("rm -rf ~/.cache", {"HOME": "/home/me"})

    assert found is not None
    assert found.writes == ("/home/me/.cache", "/app/~/.cache")


def test_packages_do_not_write_where_sites_keep_sources() -> None:
    for sources in (
        "/app",
        "/usr/src/app",
        "/home/node/app",
        "/srv/app",
        "/root/app",
        "/workspace",
    ):
        assert not any(sources == path or sources.startswith(f"{path}/") for path in SYSTEM)
