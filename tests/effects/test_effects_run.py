"""What a RUN writes, reads and takes."""

from __future__ import annotations

import pytest

from optimizer.effects.effects import Effects
from tests.effects.views import effects_of


def run(arguments: str, above: str = "WORKDIR /app") -> Effects:
    return effects_of(f"FROM debian:bookworm-slim\n{above}\nRUN {arguments}\n")[-1]


@pytest.mark.parametrize(
    ("arguments", "writes"),
    [
        ("true", []),
        ("echo hi > out", ["/app/out"]),
        ("echo hi >> /x 2> err", ["/app/err", "/x"]),
        ("echo hi > /dev/null 2>&1", []),
        ("cd /a && touch b && cd c && touch d", ["/a/b", "/a/c/d"]),
        ("cd /a; touch b || touch c", ["/a/b", "/a/c"]),
        ("(cd /a && touch b) && touch c", ["/a/b", "/app/c"]),
        ("{ touch a; touch b; } > log", ["/app/a", "/app/b", "/app/log"]),
        ("touch a | tee b", ["/app/a", "/app/b"]),
        ("if true; then touch a; else touch b; fi", ["/app/a", "/app/b"]),
        ("case $X in a) touch a;; *) touch b;; esac", ["/app/a", "/app/b"]),
        ("while false; do touch a; done", ["/app/a"]),
        ('D=/d; mkdir $D; touch "$D/x"', ["/d", "/d/x"]),
        ("sh -c 'touch a && touch b'", ["/app/a", "/app/b"]),
        ('["touch", "/a"]'.strip(), ["/a"]),
        ("echo $(touch inner)", ["/app/inner"]),
        ("for f in 1 2; do touch x; done", ["/app/x"]),
        ("--mount=type=cache,target=/c touch /c/x /d", ["/d"]),
        ("--mount=type=cache,target=c touch c/x /d", ["/d"]),
    ],
)
def test_writes(arguments: str, writes: list[str]) -> None:
    found = run(arguments)
    assert found.writes.opaque is None
    assert sorted(found.writes.prefixes) == writes


@pytest.mark.parametrize(
    "arguments",
    [
        "mystery",
        "./build.sh",
        "/app/x.sh",
        "bash x.sh",
        "./install",
        "bin/test",
        "make && touch a",
        'eval "$X"',
        ". ./env.sh && touch a",
        "$TOOL a",
        "rm -rf $WHERE",
        "echo a > $WHERE",
        "trap 'rm -rf /x' EXIT",
        "alias ls=rm; ls /x",
        "touch a; f() { rm -rf $1; }; f /x",
        "xargs rm -rf < list",
        "find / -exec mystery {} +",
    ],
)
def test_what_is_not_known_is_opaque(arguments: str) -> None:
    found = run(arguments)
    assert found.writes.opaque is not None
    assert found.reads.opaque is not None
    assert found.obstacle is not None
    assert found.variables.reads("ANY")


def test_windows_is_opaque() -> None:
    found = effects_of("# escape=`\nFROM mcr.microsoft.com/windows:ltsc2022\nRUN dir\n")[-1]
    assert found.obstacle is not None
    assert found.obstacle.code == "opaque-command"


def test_redirected_input_is_read() -> None:
    assert run("cat < list").reads.covers("/app/list")
    assert not run("cat < list").reads.covers("/app/other")


def test_every_run_reads_programs_and_libraries() -> None:
    assert run("touch a").reads.covers("/usr/lib/x86_64-linux-gnu/libc.so.6")
    assert run("touch a").reads.covers("/lib/ld-musl-x86_64.so.1")


def test_a_known_variable_that_names_paths_is_read() -> None:
    found = run("touch a", "ENV LD_LIBRARY_PATH=/opt/lib:/srv/lib")
    assert found.reads.covers("/opt/lib/x")
    assert found.reads.covers("/srv/lib/x")


def test_declared_effects_stand_for_opaque_ones() -> None:
    found = effects_of(
        "FROM debian\nWORKDIR /app\n# dockopt: reads=src\n# dockopt: writes=dist,/x\n"
        "RUN mystery && touch /y\n"
    )[-1]
    assert found.obstacle is None
    assert sorted(found.writes.prefixes) == ["/app/dist", "/x", "/y"]
    assert found.reads.covers("/app/src/a")
    assert not found.reads.covers("/app/other")
    assert found.variables.reads("ANY")


@pytest.mark.parametrize("path", ["/app/*", "$HOME", "a,,b"])
def test_a_declaration_that_names_no_path_changes_nothing(path: str) -> None:
    found = effects_of(
        f"FROM debian\n# dockopt: reads=/a\n# dockopt: writes={path}\nRUN mystery\n"
    )[-1]
    assert found.writes.opaque is not None
    assert found.obstacle is not None
    assert found.obstacle.code == "unreadable-declaration"


def test_half_a_declaration_leaves_the_other_half_unknown() -> None:
    found = effects_of("FROM debian\n# dockopt: writes=/a\nRUN mystery\n")[-1]
    assert found.writes.opaque is None
    assert found.reads.opaque is not None
    assert found.obstacle is not None


@pytest.mark.parametrize(
    "arguments",
    [
        " && ".join(["touch a"] * 10_000),
        " && ".join(["touch a"] * 2_900),
        "(" * 2_000 + "touch a" + ")" * 2_000,
        "if true; then " * 500 + "touch a" + "; fi" * 500,
        " && ".join(f"A{n}=$A{n - 1}x; export A{n}" for n in range(1, 1_000)) + " && touch a",
        "$(" * 500 + "touch a" + ")" * 500,
        "touch " + " ".join(f"/d{n}/x" for n in range(10_000)),
    ],
    ids=[
        "commands",
        "as-many-as-are-read",
        "subshells",
        "ifs",
        "variables",
        "substitutions",
        "words",
    ],
)
def test_hostile_scripts_end(arguments: str) -> None:
    assert run(arguments).writes


def test_npm_leaves_a_log_of_every_run() -> None:
    assert run("npm config set fund false").writes.covers("/root/.npm/_logs/x-debug-0.log")


def test_a_path_of_any_depth_is_compared() -> None:
    deep = run("touch /a" + "/b" * 10_000).writes
    assert deep.meets(deep) is not None
    assert deep.covers("/a" + "/b" * 10_000)
    assert deep.meets(run("touch /c").writes) is None


@pytest.mark.parametrize("text", ["echo a > ~/x", "touch ~/x", "cd ~ && touch x", "cp /a $HOME"])
def test_the_home_of_another_user_lies_where_homes_lie(text: str) -> None:
    found = run(text, "USER app")
    assert found.writes.covers("/home/app/x")
    assert all("\0" not in path for path in (*found.writes.prefixes, *found.needs))


def test_adduser_leaves_its_lock() -> None:
    assert run("adduser --system app").writes.covers("/run/adduser")
