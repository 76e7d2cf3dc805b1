"""What an image lacks is found by its loader's rules, and only what is newly missing counts."""

from __future__ import annotations

import re
import shutil
import struct
import subprocess
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.verify.closure import missing, newly_missing, newly_missing_options
from optimizer.verify.image import Entry, Facts, Image
from tests.verify.rootfs_images import file, folder_image, image, link, without

MACHINE = "EM_X86_64/64"
GLIBC = "/lib64/ld-linux-x86-64.so.2"
MUSL = "/lib/ld-musl-x86_64.so.1"
LIB = "/usr/lib/x86_64-linux-gnu"


def elf(
    *needs: str,
    loader: str | None = None,
    search: tuple[str, ...] = (),
    rpath: bool = False,
    soname: str | None = None,
    machine: str = MACHINE,
) -> Entry:
    facts = Facts(needs, loader, search, machine, soname=soname, rpath=rpath)
    return Entry("file", 0o755, 0, 0, facts=facts)


def debian(
    more: Mapping[str, bytes | str | Entry], config: Mapping[str, Any] | None = None
) -> Image:
    """A small image with glibc and a shell, as Debian lays it out."""
    base: dict[str, bytes | str | Entry] = {
        "/lib": link("usr/lib"),
        "/lib64": link("usr/lib64"),
        "/bin": link("usr/bin"),
        "/usr/lib64/ld-linux-x86-64.so.2": link(f"{LIB}/ld-linux-x86-64.so.2"),
        f"{LIB}/ld-linux-x86-64.so.2": elf(),
        f"{LIB}/libc.so.6": elf("ld-linux-x86-64.so.2", soname="libc.so.6"),
        "/usr/bin/sh": link("dash"),
        "/usr/bin/dash": elf("libc.so.6", loader=GLIBC),
        "/usr/bin/env": elf("libc.so.6", loader=GLIBC),
        "/etc/passwd": "root:x:0:0:root:/root:/bin/sh\nwww:x:33:33::/:/bin/sh\n",
        "/etc/group": "root:x:0:\nwww:x:33:\n",
    }
    return image({**base, **more}, config)


def alpine(more: Mapping[str, bytes | str | Entry]) -> Image:
    base: dict[str, bytes | str | Entry] = {
        MUSL: elf(soname="libc.musl-x86_64.so.1"),
        "/lib/libc.musl-x86_64.so.1": link("ld-musl-x86_64.so.1"),
        "/bin/busybox": elf("libc.musl-x86_64.so.1", loader=MUSL),
        "/bin/sh": link("/bin/busybox"),
    }
    return image({**base, **more})


def lacks(of: Image) -> list[tuple[str, str]]:
    return [(one.path, one.name) for one in missing(of)]


def cache(**paths: str) -> bytes:
    """/etc/ld.so.cache as ldconfig of glibc 2.32 and newer writes it."""
    strings, entries = b"", b""
    start = 48 + 24 * len(paths)
    for name, path in paths.items():
        key, value = start + len(strings), start + len(strings) + len(name) + 1
        strings += name.encode() + b"\0" + path.encode() + b"\0"
        entries += struct.pack("<iIIIQ", 0x0303, key, value, 0, 0)
    head = struct.pack("<IIB3xI12x", len(paths), len(strings), 2, 0)
    return b"glibc-ld.so.cache1.1" + head + entries + strings


PROGRAM = "/app/bin/x"


def program(*needs: str, **kinds: Any) -> Entry:
    return elf(*needs, "libc.so.6", loader=GLIBC, **kinds)


HAVE = {
    "in the default folder": debian({PROGRAM: program("libx.so"), f"{LIB}/libx.so": elf()}),
    "through a link": debian(
        {
            PROGRAM: program("libx.so"),
            f"{LIB}/libx.so": link("libx.so.1"),
            f"{LIB}/libx.so.1": elf(),
        }
    ),
    "by RUNPATH and ORIGIN": debian(
        {PROGRAM: program("libx.so", search=("$ORIGIN/../lib",)), "/app/lib/libx.so": elf()}
    ),
    "by LIB in RUNPATH": debian(
        {
            PROGRAM: program("libx.so", search=("/app/${LIB}",)),
            "/app/lib/x86_64-linux-gnu/libx.so": elf(),
        }
    ),
    "by the RPATH of the program that loads what needs it": debian(
        {
            PROGRAM: program("liby.so", search=("/o",), rpath=True),
            "/o/liby.so": elf("libx.so"),
            "/o/libx.so": elf(),
        }
    ),
    "loaded already by its soname": debian(
        {
            PROGRAM: program("liby.so", "libz.so", search=("/o",)),
            "/o/liby.so": elf(soname="libx.so"),
            "/o/libz.so": elf("libx.so"),
        }
    ),
    "by LD_LIBRARY_PATH": debian(
        {PROGRAM: program("libx.so"), "/o/libx.so": elf()}, {"Env": ["LD_LIBRARY_PATH=/n:/o"]}
    ),
    "by the cache of ldconfig": debian(
        {
            PROGRAM: program("libx.so"),
            "/usr/local/lib/libx.so": elf(),
            "/etc/ld.so.cache": cache(**{"libx.so": "/usr/local/lib/libx.so"}),
        }
    ),
    "by a path": debian({PROGRAM: program("/o/libx.so"), "/o/libx.so": elf()}),
    "behind one for another processor": debian(
        {
            PROGRAM: program("libx.so", search=("/n", "/o")),
            "/n/libx.so": elf(machine="EM_AARCH64/64"),
            "/o/libx.so": elf(),
        }
    ),
    "of musl in /usr/local/lib": alpine(
        {PROGRAM: elf("libx.so", loader=MUSL), "/usr/local/lib/libx.so": elf()}
    ),
    "of musl by the path file": alpine(
        {
            PROGRAM: elf("libx.so", loader=MUSL),
            "/o/libx.so": elf(),
            "/etc/ld-musl-x86_64.path": "/lib\n/o\n",
        }
    ),
    "of musl itself": alpine({PROGRAM: elf("libpthread.so.0", "libm.so.6", loader=MUSL)}),
    "of musl by the RUNPATH of what loads it": alpine(
        {
            PROGRAM: elf("liby.so", loader=MUSL, search=("/o",)),
            "/o/liby.so": elf("libx.so"),
            "/o/libx.so": elf(),
        }
    ),
}


@pytest.mark.parametrize("reason", HAVE)
def test_a_library_is_found(reason: str) -> None:
    assert lacks(HAVE[reason]) == []


LACK = {
    "nowhere": debian({PROGRAM: program("libx.so")}),
    "at the end of a dead link": debian(
        {PROGRAM: program("libx.so"), f"{LIB}/libx.so": link("libx.so.1")}
    ),
    "at the end of a circle of links": debian(
        {PROGRAM: program("libx.so"), f"{LIB}/libx.so": link("libx.so")}
    ),
    "in /usr/local/lib before ldconfig ran": debian(
        {
            PROGRAM: program("libx.so"),
            "/usr/local/lib/libx.so": elf(),
            "/etc/ld.so.conf.d/libc.conf": "/usr/local/lib\n",
            "/etc/ld.so.cache": cache(),
        }
    ),
    "in the cache but gone": debian(
        {PROGRAM: program("libx.so"), "/etc/ld.so.cache": cache(**{"libx.so": "/o/libx.so"})}
    ),
    "no ELF file": debian({PROGRAM: program("libx.so"), f"{LIB}/libx.so": "GROUP ( libc.so.6 )"}),
    "for another processor": debian(
        {PROGRAM: program("libx.so"), f"{LIB}/libx.so": elf(machine="EM_AARCH64/64")}
    ),
    "in a path that musl's file does not name": alpine(
        {
            PROGRAM: elf("libx.so", loader=MUSL),
            "/lib/libx.so": elf(),
            "/etc/ld-musl-x86_64.path": "/o",
        }
    ),
}


@pytest.mark.parametrize("reason", LACK)
def test_a_library_is_missing(reason: str) -> None:
    assert lacks(LACK[reason]) == [(PROGRAM, "libx.so")]


def test_runpath_does_not_hold_for_what_a_library_loads() -> None:
    libraries = {"/o/liby.so": elf("libx.so"), "/o/libx.so": elf()}
    lacking = lacks(debian({PROGRAM: program("liby.so", search=("/o",)), **libraries}))
    assert lacking == [("/o/liby.so", "libx.so")]


def test_an_extension_module_is_held_to_the_same() -> None:
    path = "/usr/lib/python3/dist-packages/_psycopg.so"
    assert lacks(debian({path: elf("libpq.so.5", "libc.so.6")})) == [(path, "libpq.so.5")]


def test_a_program_for_glibc_says_so_on_musl() -> None:
    after = alpine({PROGRAM: elf("libz.so.1", loader=GLIBC)})
    before = debian({PROGRAM: program("libz.so.1"), f"{LIB}/libz.so.1": elf()})
    found = {finding.message.partition(":")[0] for finding in newly_missing(before, after)}
    assert f"the program loader {GLIBC} is missing" in found


def test_a_removed_library_is_named_with_its_package() -> None:
    path = "/app/venv/lib/python3.11/site-packages/psycopg2/_psycopg.so"
    listed = file(f"{LIB}/libpq.so.5\n", "/var/lib/dpkg/info/libpq5:amd64.list")
    before = debian(
        {
            path: elf("libpq.so.5", "libc.so.6"),
            f"{LIB}/libpq.so.5": link("libpq.so.5.15"),
            f"{LIB}/libpq.so.5.15": elf("libc.so.6"),
            "/var/lib/dpkg/info/libpq5:amd64.list": listed,
        }
    )
    after = without(before, f"{LIB}/libpq.so.5")
    (finding,) = newly_missing(before, after, {"the builder image": before})
    assert finding.package == "libpq5"
    assert finding.message == (
        f"libpq.so.5 is missing: {path} needs it; in the builder image the package libpq5 owns it"
    )


def test_a_library_that_lies_elsewhere_is_pointed_at() -> None:
    before = debian({PROGRAM: program("libx.so"), f"{LIB}/libx.so": elf()})
    after = debian({PROGRAM: program("libx.so"), "/usr/local/lib/libx.so": elf()})
    (finding,) = newly_missing(before, after)
    assert "it lies at /usr/local/lib/libx.so, where the loader does not look" in finding.message


def test_what_was_missing_before_is_no_finding() -> None:
    before = debian({PROGRAM: program("libx.so")})
    assert missing(before)
    assert newly_missing(before, before) == ()
    moved = without(before, PROGRAM)
    digest = "sha256:1"
    one = Entry("file", 0o755, 0, 0, digest=digest, facts=program("libx.so").facts)
    before = Image({}, {**moved.files, "/a": one})
    after = Image({}, {**moved.files, "/b": one})
    assert newly_missing(before, after) == ()


def test_a_plugin_whose_program_brings_the_library_is_only_noted() -> None:
    plugin = "/usr/lib/jvm/lib/libjava.so"
    after = debian({plugin: elf("libjvm.so"), "/usr/lib/jvm/lib/server/libjvm.so": elf()})
    assert newly_missing(debian({}), after) == ()
    (note,) = newly_missing_options(debian({}), after)
    assert "libjvm.so" in note


SCRIPTS = {
    "a removed interpreter": ("#!/usr/bin/perl -w", "/usr/bin/perl"),
    "a program that env does not find": ("#!/usr/bin/env node", "node"),
    "behind options of env": ("#!/usr/bin/env -S A=1 node --x", "node"),
    "a carriage return behind the shell": ("#!/bin/sh\r", "/bin/sh\r"),
}


@pytest.mark.parametrize("reason", SCRIPTS)
def test_a_script_lacks_its_interpreter(reason: str) -> None:
    line, name = SCRIPTS[reason]
    assert lacks(debian({"/app/bin/run": f"{line}\n"})) == [("/app/bin/run", name)]


@pytest.mark.parametrize("line", ["#!/bin/sh", "#!/usr/bin/env sh", "#!/usr/bin/env -S sh -e"])
def test_a_script_has_its_interpreter(line: str) -> None:
    assert lacks(debian({"/app/bin/run": f"{line}\n"})) == []


def test_a_script_that_nobody_may_run_needs_no_interpreter() -> None:
    assert lacks(debian({"/app/run": file("#!/usr/bin/perl\n", "/app/run", 0o644)})) == []


def test_a_build_script_of_a_dependency_is_only_noted() -> None:
    path = "/app/node_modules/node-gyp/bin/gyp_main.py"
    before = debian({path: "#!/usr/bin/env python3\n", "/usr/bin/python3": elf(loader=GLIBC)})
    after = without(before, "/usr/bin/python3")
    assert newly_missing(before, after) == ()
    assert newly_missing_options(before, after) == (
        f"the interpreter python3 is missing: {path} names it behind #!",
    )


CURL = {"/usr/bin/curl": program()}
ENTRY: dict[str, tuple[dict[str, Any], str, str]] = {
    "exec form on PATH": ({"Cmd": ["curl", "x"]}, "/usr/bin/curl", "CMD"),
    "shell form": ({"Cmd": ["/bin/sh", "-c", "curl x"]}, "/usr/bin/curl", "CMD"),
    "no shell for the shell form": (
        {"Entrypoint": ["/bin/sh", "-c", "curl x"]},
        "/usr/bin/sh",
        "ENTRYPOINT",
    ),
    "relative to the working directory": (
        {"Entrypoint": ["./curl"], "WorkingDir": "/usr/bin"},
        "/usr/bin/curl",
        "ENTRYPOINT",
    ),
    "behind exec in the shell form": (
        {"Cmd": ["/bin/sh", "-c", "cd / && exec curl x"]},
        "/usr/bin/curl",
        "CMD",
    ),
    "a health check in shell form": (
        {"Healthcheck": {"Test": ["CMD-SHELL", "curl -f http://localhost || exit 1"]}},
        "/usr/bin/curl",
        "HEALTHCHECK",
    ),
    "a health check in exec form": (
        {"Healthcheck": {"Test": ["CMD", "curl", "-f", "http://localhost"]}},
        "/usr/bin/curl",
        "HEALTHCHECK",
    ),
    "a PATH of the image": (
        {"Cmd": ["curl"], "Env": ["PATH=/nowhere:/usr/bin"]},
        "/usr/bin/curl",
        "CMD",
    ),
}


@pytest.mark.parametrize("reason", ENTRY)
def test_a_removed_tool_of_the_configuration_is_found(reason: str) -> None:
    config, path, field = ENTRY[reason]
    before = debian(CURL, config)
    assert missing(before) == ()
    found = newly_missing(before, without(before, path))
    assert field in [finding.where for finding in found]


def test_tools_that_an_entry_script_runs_are_found() -> None:
    script = '#!/bin/sh\nset -e\nif [ -n "$X" ]; then perhaps; fi\nexec gosu www "$@"\n'
    run = file(script, "/entrypoint.sh", 0o755)
    before = debian(
        {"/entrypoint.sh": run, "/usr/bin/gosu": program()}, {"Entrypoint": ["/entrypoint.sh"]}
    )
    assert missing(before) == ()
    (finding,) = newly_missing(before, without(before, "/usr/bin/gosu"))
    assert finding.message.startswith("gosu is missing: /entrypoint.sh runs it;")


def test_a_lost_execute_bit_is_found() -> None:
    config = {"Cmd": ["/app/run"]}
    before = debian({"/app/run": file("#!/bin/sh\n", "/app/run", 0o755)}, config)
    after = debian({"/app/run": file("#!/bin/sh\n", "/app/run", 0o644)}, config)
    (finding,) = newly_missing(before, after)
    assert finding.message == "/app/run may not be run by the image's user: CMD runs it"


@pytest.mark.parametrize("user", ["www", "33", "www:www", "65000:33"])
def test_a_user_without_the_right_to_run_it_is_found(user: str) -> None:
    config = {"Cmd": ["/app/run"], "User": user}
    before = debian({"/app/run": file("#!/bin/sh\n", "/app/run", 0o750, 33, 33)}, config)
    after = debian({"/app/run": file("#!/bin/sh\n", "/app/run", 0o750, 0, 0)}, config)
    assert missing(before) == ()
    (finding,) = newly_missing(before, after)
    assert "may not be run" in finding.message


def test_lost_file_capabilities_are_found() -> None:
    able = replace(program(), xattrs=(("security.capability", "AQAAAg=="),))
    before, after = debian({PROGRAM: able}), debian({PROGRAM: program()})
    (finding,) = newly_missing(before, after)
    assert finding.message == f"{PROGRAM} has lost its file capabilities (setcap)"
    assert newly_missing(before, before) == ()


def test_a_lost_user_is_found() -> None:
    before = debian({}, {"User": "www"})
    after = debian({"/etc/passwd": "root:x:0:0::/:/bin/sh\n"}, {"User": "www"})
    (finding,) = newly_missing(before, after)
    assert finding.message == "USER www is missing in /etc/passwd"


def test_a_numeric_user_needs_no_line() -> None:
    assert missing(debian({"/etc/passwd": ""}, {"User": "1000:1000"})) == ()


def test_a_lost_file_of_the_entry_command_is_found() -> None:
    config = {"Cmd": ["node", "dist/server.js"], "WorkingDir": "/app"}
    before = debian({"/usr/bin/node": program(), "/app/dist/server.js": ""}, config)
    (finding,) = newly_missing(before, without(before, "/app/dist/server.js"))
    assert finding.message == "dist/server.js is missing: CMD names it"


def test_an_address_is_no_file() -> None:
    before = debian({"/usr/bin/x": program()}, {"Cmd": ["x", "0.0.0.0:80", "app.main:app"]})
    assert newly_missing(before, before) == ()


def test_a_static_program_on_nothing_needs_nothing() -> None:
    assert missing(image({"/app": elf()}, {"Entrypoint": ["/app"]})) == ()


def test_an_empty_image_needs_nothing() -> None:
    assert missing(Image({}, {})) == ()


NAMES = [f"lib{letter}.so" for letter in "abcdef"]


@st.composite
def programs(draw: st.DrawFn) -> Image:
    needs = st.lists(st.sampled_from(NAMES), max_size=3, unique=True)
    libraries = {f"{LIB}/{name}": elf(*draw(needs), soname=name) for name in NAMES}
    return debian({PROGRAM: program(*draw(needs)), **libraries})


@given(programs(), st.sampled_from(NAMES))
def test_a_removed_library_is_always_found(before: Image, name: str) -> None:
    path = f"{LIB}/{name}"
    assert missing(before) == ()
    needed = any(
        name in entry.facts.needs
        for other, entry in before.files.items()
        if entry.facts is not None and other != path
    )
    found = newly_missing(before, without(before, path))
    assert bool(found) == needed
    assert all(name in finding.message for finding in found)


@given(programs(), st.sets(st.sampled_from(NAMES)), st.data())
def test_plain_files_more_never_make_more_missing(
    before: Image, removed: set[str], data: st.DataObject
) -> None:
    after = without(before, *(f"{LIB}/{name}" for name in removed))
    folders = st.sampled_from(["/lib/x", "/app", "/usr/local/lib", "/o"])
    paths = data.draw(st.lists(st.tuples(folders, st.sampled_from(NAMES)), max_size=4))
    more = {f"{folder}/{name}": file("text", f"{folder}/{name}") for folder, name in paths}
    names = {(one.path, one.name) for one in missing(after)}
    assert {(one.path, one.name) for one in missing(Image({}, {**after.files, **more}))} == names


@pytest.mark.skipif(shutil.which("ldd") is None, reason="this machine has no ldd")
@pytest.mark.parametrize("name", ["bash", "tar", "git", "gcc"])
def test_a_program_of_this_machine_finds_what_ldd_finds(name: str) -> None:
    """The machine works, so nothing is missing; without one of its libraries, that one is."""
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"no {name} on this machine")
    told = subprocess.run(["ldd", found], capture_output=True, text=True, check=True).stdout
    libraries = [Path(path) for path in re.findall(r"(/\S+) \(0x", told)]
    links = [path for path in map(Path, ("/bin", "/lib", "/lib64")) if path.is_symlink()]
    files = [*libraries, Path(found), Path("/etc/ld.so.cache")]
    real = [path.resolve() for path in files]
    whole = folder_image([*links, *files, *_links_of(files), *real])
    assert lacks(whole) == []
    for library in (path.resolve() for path in libraries):
        assert newly_missing(whole, without(whole, str(library))) != ()


def _links_of(files: list[Path]) -> list[Path]:
    """The links at the real places of files that are reached through linked folders."""
    return [path.parent.resolve() / path.name for path in files]
