"""Which package owns a file: what dpkg and apk wrote down, whatever folder they call it by."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from optimizer.verify.closure import newly_missing
from optimizer.verify.image import Entry, Facts
from optimizer.verify.packages import Owner, Packages
from tests.verify.rootfs_images import folder_image, image, link

ELF = Entry("file", 0o755, 0, 0, facts=Facts(machine="EM_X86_64/64"))
LIB = "/usr/lib/x86_64-linux-gnu"


def test_a_library_of_dpkg_is_owned_whatever_its_list_calls_its_folder() -> None:
    packages = Packages(
        image(
            {
                "/lib": link("usr/lib"),
                f"{LIB}/libz.so.1": link("libz.so.1.2"),
                f"{LIB}/libz.so.1.2": ELF,
                "/var/lib/dpkg/info/zlib1g:amd64.list": "/lib/x86_64-linux-gnu/libz.so.1\n",
            }
        )
    )
    assert packages.owner_of_name("libz.so.1") == Owner(f"{LIB}/libz.so.1", "zlib1g")
    assert packages.owner("/lib/x86_64-linux-gnu/libz.so.1") == Owner(
        "/lib/x86_64-linux-gnu/libz.so.1", "zlib1g"
    )


def test_an_alternative_belongs_to_the_package_of_its_target() -> None:
    packages = Packages(
        image(
            {
                "/usr/bin/awk": link("/etc/alternatives/awk"),
                "/etc/alternatives/awk": link("/usr/bin/mawk"),
                "/usr/bin/mawk": ELF,
                "/var/lib/dpkg/info/mawk.list": "/usr/bin/mawk\n",
            }
        )
    )
    assert packages.owner("/usr/bin/awk") == Owner("/usr/bin/awk", "mawk")
    found = packages.owner_of_name("awk")
    assert found is not None
    assert found.package == "mawk"


def test_a_library_of_apk_is_owned() -> None:
    installed = (
        "C:Q1x\nP:libpq\nV:16\nF:usr/lib\nR:libpq.so.5\nZ:Q1y\n\nP:curl\nF:usr/bin\nR:curl\n"
    )
    packages = Packages(
        image(
            {"/usr/lib/libpq.so.5": ELF, "/usr/bin/curl": ELF, "/lib/apk/db/installed": installed}
        )
    )
    assert packages.owner_of_name("libpq.so.5") == Owner("/usr/lib/libpq.so.5", "libpq")
    assert packages.owner_of_name("curl") == Owner("/usr/bin/curl", "curl")


def record(package: str, *lines: str) -> str:
    """A package as apk-tools writes it, with every key that it has (apk-package(5))."""
    head = (
        *("C:Q1wsyuNoZJZZXlL7SBCWnkvu1aLDc=", f"P:{package}", "V:1.2.3-r0", "A:x86_64", "S:1"),
        *("I:2", f"T:What R:{package} is", "U:https://example.org/", "L:MIT", f"o:{package}"),
        *("m:Some One <one@example.org>", "t:1700000000", "c:0a1b", "D:so:libc.musl-x86_64.so.1"),
        *("p:so:libcrypto.so.3=3.1", "i:openssl", "r:other"),
    )
    return "".join(f"{line}\n" for line in (*head, *lines, ""))


INSTALLED = (
    record("alpine-baselayout", "F:", "R:README", "F:lib", "F:var/tmp", "M:0:0:1777")
    + record("libcrypto3", "F:lib", "R:libcrypto.so.3", "a:0:0:755", "Z:Q1x=", "F:usr", "F:usr/lib")
    + record("musl", "F:lib", "R:ld-musl-x86_64.so.1", "a:0:0:755", "R:libc.musl-x86_64.so.1")
    + record("busybox", "F:bin", "R:busybox", "a:0:0:755", "Z:Q1y=", "F:etc", "R:securetty")
)


@pytest.mark.parametrize(
    ("place", "merged"), [("/lib/apk/db/installed", False), ("/usr/lib/apk/db/installed", True)]
)
def test_a_whole_database_of_apk_at_its_old_and_its_new_place(place: str, merged: bool) -> None:
    """Since Alpine 3.22 /lib and /bin may be links into /usr."""
    usr = "/usr" if merged else ""
    links = {"/lib": link("usr/lib"), "/bin": link("usr/bin")} if merged else {}
    packages = Packages(
        image(
            {
                **links,
                place: INSTALLED,
                f"{usr}/lib/libcrypto.so.3": ELF,
                f"{usr}/lib/ld-musl-x86_64.so.1": ELF,
                f"{usr}/lib/libc.musl-x86_64.so.1": link("ld-musl-x86_64.so.1"),
                f"{usr}/bin/busybox": ELF,
                f"{usr}/bin/sh": link("/bin/busybox"),
            }
        )
    )
    for name, package in (
        ("libcrypto.so.3", "libcrypto3"),
        ("libc.musl-x86_64.so.1", "musl"),
        ("ld-musl-x86_64.so.1", "musl"),
        ("sh", "busybox"),
    ):
        found = packages.owner_of_name(name)
        assert found is not None
        assert found.package == package


def test_a_library_of_a_distroless_image_is_owned() -> None:
    sums = "/var/lib/dpkg/status.d/libssl3.md5sums"
    line = f"0123456789abcdef0123456789abcdef  {LIB[1:]}/libssl.so.3\n"
    packages = Packages(image({f"{LIB}/libssl.so.3": ELF, sums: line}))
    assert packages.owner_of_name("libssl.so.3") == Owner(f"{LIB}/libssl.so.3", "libssl3")


def test_what_nobody_packed_lies_where_it_lies() -> None:
    packages = Packages(image({"/usr/local/lib/libx.so": ELF, "/var/lib/dpkg/info/a.list": "/a\n"}))
    assert packages.owner_of_name("libx.so") == Owner("/usr/local/lib/libx.so", None)
    assert packages.owner_of_name("liby.so") is None


def test_a_circle_of_links_has_no_owner() -> None:
    packages = Packages(image({"/bin/a": link("b"), "/bin/b": link("a")}))
    assert packages.owner("/bin/a") is None


def test_that_a_database_is_not_read_is_said() -> None:
    program = Entry("file", 0o755, 0, 0, facts=Facts(("libx.so",), None, (), "EM_X86_64/64"))
    database = "/usr/lib/sysimage/rpm/Packages.db"
    before = image({"/app": program, "/usr/lib64/libx.so": ELF, database: "RpmP"})
    (finding,) = newly_missing(before, image({"/app": program}))
    assert finding.message == (
        "libx.so is missing: /app needs it; in the original image it lies at /usr/lib64/libx.so, "
        f"and {database} is a package database of rpm in the form of SUSE (ndb), which dockopt "
        "does not read"
    )


@pytest.mark.skipif(shutil.which("dpkg-query") is None, reason="this machine is no Debian")
@pytest.mark.parametrize("name", ["libz.so.1", "libpcre2-8.so.0", "libc.so.6"])
def test_the_owner_is_the_one_that_dpkg_names(name: str) -> None:
    """Told by dpkg-query on this machine, from the same lists."""
    path = Path("/usr/lib/x86_64-linux-gnu") / name
    if not path.exists():
        pytest.skip(f"no {name} on this machine")
    command = ["dpkg-query", "--search", f"*/{name}"]
    told = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    owner = {line.partition(":")[0] for line in told.splitlines() if line.endswith(f"gnu/{name}")}
    links = [Path("/lib")] if Path("/lib").is_symlink() else []
    lists = [
        *Path("/var/lib/dpkg/info").glob("lib*.list"),
        *Path("/var/lib/dpkg/info").glob("z*.list"),
    ]
    found = Packages(folder_image([*links, *lists, path, path.resolve()])).owner_of_name(name)
    assert found is not None
    assert {found.package} == owner
