"""Account tools, run for real on a root file system of their own: shadow's with its --prefix, and
busybox's behind chroot."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from optimizer.knowledge.commands import touch
from optimizer.knowledge.installs import Call


@pytest.fixture
def root(tmp_path: Path) -> Path:
    if os.geteuid() != 0:
        pytest.skip("accounts are changed by root alone")
    for folder in ("etc/default", "etc/skel", "home", "root", "tmp", "var/mail", "bin", "dev"):
        (tmp_path / folder).mkdir(parents=True)
    for name, text in (
        ("passwd", "root:x:0:0:root:/root:/bin/sh\nnode:x:1000:1000::/home/node:/bin/sh\n"),
        ("group", "root:x:0:\nnode:x:1000:\nstaff:x:50:\n"),
        ("shadow", "root:*:1:0:99999:7:::\nnode:!:1:0:99999:7:::\n"),
        ("gshadow", "root:*::\nnode:!::\nstaff:*::\n"),
        ("login.defs", "UID_MIN 1000\nGID_MIN 1000\nCREATE_HOME no\nUSERGROUPS_ENAB yes\n"),
        ("skel/.profile", "\n"),
    ):
        (tmp_path / "etc" / name).write_text(text)
    (tmp_path / "home/node").mkdir()
    return tmp_path


def contents(root: Path) -> Iterator[tuple[str, tuple[int, bytes]]]:
    for folder, folders, files in os.walk(root):
        for name in [*folders, *files]:
            path = Path(folder, name)
            data = path.read_bytes() if path.is_file() and name != "busybox" else b""
            yield "/" + str(path.relative_to(root)), (path.lstat().st_mode, data)


def law(root: Path, words: list[str], command: list[str]) -> None:
    found = touch(Call(tuple(words), "/", {}))
    assert found is not None, words
    before = dict(contents(root))
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    after = dict(contents(root))
    changed = [path for path in before.keys() | after.keys() if before.get(path) != after.get(path)]
    above = {p for p in changed if p not in before and any(w.startswith(p + "/")
                                                          for w in found.writes)}  # fmt: skip
    missed = [p for p in changed if p not in above
              and not any(p == w or p.startswith(w + "/") for w in found.writes)]  # fmt: skip
    assert changed, (done.stdout, done.stderr)
    assert not missed


@pytest.mark.parametrize(
    "line",
    [
        "useradd me", "useradd -m me", "useradd -r -s /bin/false me", "useradd -m -d /srv/me me",
        "useradd -m -u 1234 -g staff -G node -c Me me", "useradd -M me", "useradd -m -b /opt me",
        "useradd --create-home --user-group --shell /bin/bash me", "groupadd g", "groupadd -r g",
        "groupadd --gid 4321 g", "groupmod -g 77 staff", "groupmod -n crew staff", "groupdel staff",
        "usermod -aG staff node", "usermod -s /bin/false node", "usermod -l nodejs node",
        "usermod -u 1001 node", "usermod -L node", "userdel node", "userdel -r node",
    ],
)  # fmt: skip
def test_shadow(root: Path, line: str) -> None:
    words = line.split()
    if shutil.which(words[0]) is None:
        pytest.skip(f"{words[0]} is not installed")
    law(root, words, [words[0], "--prefix", str(root), *words[1:]])


@pytest.mark.parametrize(
    "line",
    [
        "adduser -D me", "adduser -S -D -H me", "adduser -D -h /srv/me me",
        "adduser -D -G staff me",
        "adduser -D -u 1234 -s /bin/false -g Me me", "adduser node staff", "addgroup g",
        "addgroup -S g", "addgroup -g 4321 g", "addgroup node staff", "delgroup staff",
        "deluser node", "deluser --remove-home node", "passwd -l root", "passwd -d node",
    ],
)  # fmt: skip
def test_busybox(root: Path, line: str) -> None:
    busybox = shutil.which("busybox")
    if busybox is None:
        pytest.skip("busybox is not installed")
    words = line.split()
    listed = subprocess.run([busybox, "--list"], capture_output=True, text=True, check=True).stdout
    if words[0] not in listed.split():
        pytest.skip(f"this busybox has no {words[0]}")
    shutil.copy(busybox, root / "bin/busybox")
    law(root, words, ["chroot", str(root), "/bin/busybox", *words])
