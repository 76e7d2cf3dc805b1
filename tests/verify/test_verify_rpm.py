"""What rpm's database says of owners: its own form, hostile forms, and what rpm itself says."""

from __future__ import annotations

import io
import shutil
import sqlite3
import struct
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.verify import rpm
from optimizer.verify.facts import facts
from optimizer.verify.image import Entry, Facts
from optimizer.verify.packages import Owner, Packages
from tests.verify.rootfs_images import image, link

ELF = Entry("file", 0o755, 0, 0, facts=Facts(machine="EM_X86_64/64"))
PLACES = ("/var/lib/rpm", "/usr/lib/sysimage/rpm", "/usr/share/rpm")
INT32, STRING, STRING_ARRAY = 4, 6, 8


def header(name: str, files: Mapping[str, Sequence[str]]) -> bytes:
    """A header as rpm writes it (docs/manual/format_header.md), with tags nobody asks for."""
    pairs = [(index, file) for index, folder in enumerate(files) for file in files[folder]]
    values: list[tuple[int, int, list[bytes]]] = [
        (1000, STRING, [name.encode()]),
        (1001, STRING, [b"1.0"]),
        (1116, INT32, [struct.pack(">I", index) for index, _ in pairs]),
        (1117, STRING_ARRAY, [file.encode() for _, file in pairs]),
        (1118, STRING_ARRAY, [folder.encode() for folder in files]),
    ]
    entries, data = b"", b""
    for tag, kind, texts in values:
        data += bytes(-len(data) % 4)
        entries += struct.pack(">IIII", tag, kind, len(data), len(texts))
        data += b"".join(text if kind == INT32 else text + b"\0" for text in texts)
    return struct.pack(">II", len(values), len(data)) + entries + data


def database(folder: Path, *headers: bytes, sql: str = "") -> bytes:
    path = folder / "rpmdb.sqlite"
    path.unlink(missing_ok=True)
    with closing(sqlite3.connect(path)) as connection:
        made = "CREATE TABLE 'Packages' (hnum INTEGER PRIMARY KEY AUTOINCREMENT,blob BLOB NOT NULL)"
        connection.executescript(sql or made)
        for each in headers:
            connection.execute("INSERT INTO Packages (blob) VALUES (?)", (each,))
        connection.commit()
    return path.read_bytes()


GLIBC = header("glibc", {"/usr/lib64/": ["libc.so.6", "libm.so.6"], "/usr/share/doc/": ["README"]})
CURL = header("curl", {"/usr/bin/": ["curl"], "/usr/lib64/": ["libcurl.so.4.8.0"]})
EMPTY = header("filesystem", {})


@pytest.mark.parametrize("place", PLACES)
def test_owners_are_known_wherever_the_database_lies(place: str, tmp_path: Path) -> None:
    packages = Packages(
        image(
            {
                f"{place}/rpmdb.sqlite": database(tmp_path, GLIBC, EMPTY, CURL),
                "/lib64": link("usr/lib64"),
                "/usr/lib64/libm.so.6": ELF,
                "/usr/lib64/libcurl.so.4": link("libcurl.so.4.8.0"),
                "/usr/lib64/libcurl.so.4.8.0": ELF,
                "/usr/bin/curl": ELF,
                "/usr/local/lib/libown.so": ELF,
            }
        )
    )
    assert packages.owner_of_name("libm.so.6") == Owner("/usr/lib64/libm.so.6", "glibc")
    assert packages.owner_of_name("libcurl.so.4") == Owner("/usr/lib64/libcurl.so.4", "curl")
    assert packages.owner("/lib64/libcurl.so.4") == Owner("/lib64/libcurl.so.4", "curl")
    assert packages.owner_of_name("curl") == Owner("/usr/bin/curl", "curl")
    assert packages.owner_of_name("libown.so") == Owner("/usr/local/lib/libown.so", None)
    assert packages.unread is None


def test_only_libraries_and_tools_are_kept(tmp_path: Path) -> None:
    data = database(tmp_path, GLIBC)
    found = facts("/var/lib/rpm/rpmdb.sqlite", len(data), io.BytesIO(data))
    assert found == Facts(text=b"P:glibc\nF:usr/lib64\nR:libc.so.6\nR:libm.so.6")


@pytest.mark.parametrize(
    ("name", "words"), [("Packages", "Berkeley DB"), ("Packages.db", "the form of SUSE (ndb)")]
)
def test_older_forms_are_said_to_be_unread(name: str, words: str) -> None:
    packages = Packages(image({f"/var/lib/rpm/{name}": "x"}))
    assert packages.unread is not None
    assert words in packages.unread
    assert packages.unread.endswith("which dockopt does not read")


LOOPING = """
CREATE TABLE t (x);
CREATE VIEW Packages AS
WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT x AS blob FROM n;
"""


def unread(data: bytes) -> str:
    found = facts("/var/lib/rpm/rpmdb.sqlite", len(data), io.BytesIO(data))
    assert found is not None
    return found.unread


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        (LOOPING, "without a table of packages"),
        ("CREATE TABLE other (x)", "without a table of packages"),
        ("CREATE TABLE Packages (x)", "no such column: blob"),
        ("CREATE TABLE Packages (blob); INSERT INTO Packages VALUES (7)", "broken"),
    ],
)
def test_another_database_is_not_read(sql: str, words: str, tmp_path: Path) -> None:
    assert words in unread(database(tmp_path, sql=sql))


def test_a_scan_without_an_end_is_cut_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rpm, "_MOST_STEPS", 0)
    monkeypatch.setattr(rpm, "_STEPS_AT_ONCE", 1)
    assert "interrupted" in unread(database(tmp_path, GLIBC))


def test_a_file_that_is_too_long_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rpm, "LARGEST", 3)
    assert "longer than" in unread(b"1234")


@given(st.binary(max_size=200))
def test_no_header_crashes(data: bytes) -> None:
    try:
        list(rpm._lines(data, lambda path: True))
    except (struct.error, IndexError, ValueError):
        return


@given(st.integers(0, 8191), st.binary(min_size=1, max_size=64))
def test_no_damage_crashes(at: int, noise: bytes) -> None:
    data = bytearray(DAMAGED)
    data[at : at + len(noise)] = noise
    facts("/var/lib/rpm/rpmdb.sqlite", len(data), io.BytesIO(bytes(data)))


def _sound() -> bytes:
    with sqlite3.connect(":memory:") as connection:
        connection.execute("CREATE TABLE Packages (hnum INTEGER PRIMARY KEY, blob BLOB NOT NULL)")
        connection.executemany("INSERT INTO Packages (blob) VALUES (?)", [(GLIBC,), (CURL,)])
        connection.commit()
        return connection.serialize()


DAMAGED = _sound()

SPEC = """
Name: libwheel
Version: 1
Release: 1
Summary: A wheel
License: none
%description
A wheel.
%install
mkdir -p %{buildroot}/usr/lib64 %{buildroot}/usr/bin %{buildroot}/usr/share/wheel
touch %{buildroot}/usr/lib64/libwheel.so.1 %{buildroot}/usr/bin/wheel
touch %{buildroot}/usr/share/wheel/README
%files
/usr/lib64/libwheel.so.1
/usr/bin/wheel
/usr/share/wheel/README
"""


@pytest.mark.skipif(shutil.which("rpmbuild") is None, reason="this machine has no rpm tools")
def test_the_database_that_rpm_itself_makes(tmp_path: Path) -> None:
    (tmp_path / "wheel.spec").write_text(SPEC)
    build = ["rpmbuild", "--quiet", "-bb", "--define", f"_topdir {tmp_path}"]
    plain = ["--define", "_build_id_links none", "--define", "__spec_install_post %{nil}"]
    subprocess.run([*build, *plain, tmp_path / "wheel.spec"], check=True, capture_output=True)
    (package,) = tmp_path.glob("RPMS/*/*.rpm")
    command = ["rpm", "--dbpath", f"{tmp_path}/db", "--install", "--justdb", "--nodeps"]
    subprocess.run([*command, str(package)], check=True, capture_output=True)
    data = (tmp_path / "db" / "rpmdb.sqlite").read_bytes()
    found = facts("/var/lib/rpm/rpmdb.sqlite", len(data), io.BytesIO(data))
    assert found == Facts(text=b"P:libwheel\nF:usr/bin\nR:wheel\nF:usr/lib64\nR:libwheel.so.1")
