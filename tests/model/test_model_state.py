"""The state in force: variables, working directory, user and shell, as BuildKit keeps them."""

from __future__ import annotations

import posixpath
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.cst.parse import parse
from optimizer.cst.source import Source
from optimizer.model.stages import Invocation, Stages, read_stages
from optimizer.model.state import LONGEST_VALUE, MOST_TEXT, State
from optimizer.model.values import Bindings, Known, Unknown, Value


def stages(text: str, invocation: Invocation | None = None) -> Stages:
    return read_stages(parse(Source("Dockerfile", text)), invocation or Invocation())


def end(text: str, invocation: Invocation | None = None) -> State:
    """The state behind the last line of ``text``."""
    return stages(text, invocation).stages[-1].end


SCRATCH = "FROM scratch\n"

VARIABLES = [
    ("ENV", SCRATCH + "ENV A=1", "$A", "1"),
    ("ENV in the old spelling", SCRATCH + "ENV A 1  2", "$A", "1  2"),
    ("quotes are taken off", SCRATCH + "ENV A='1 2' B=\"3\"", "$A$B", "1 23"),
    ("one ENV sees the values from before it", SCRATCH + "ENV A=1\nENV A=2 B=$A", "$B", "1"),
    ("the next ENV sees the new ones", SCRATCH + "ENV A=1\nENV A=2\nENV B=$A", "$B", "2"),
    ("one ARG sees what stands before", SCRATCH + "ARG A=1 B=$A", "$B", "1"),
    ("the name of an ENV is expanded", SCRATCH + "ARG N=A\nENV $N=1", "$A", "1"),
    ("unset is empty", SCRATCH, "[$A]", "[]"),
    ("default", SCRATCH + "ENV A=${B:-x}", "$A", "x"),
    ("ARG with a default", SCRATCH + "ARG A=1", "$A", "1"),
    ("ENV behind ARG wins", SCRATCH + "ARG A=1\nENV A=2", "$A", "2"),
    ("ARG behind ENV wins, too", SCRATCH + "ENV A=1\nARG A=2", "$A", "2"),
    ("and loses to the next ENV", SCRATCH + "ENV A=1\nARG A=2\nENV A=3", "$A", "3"),
    ("ARG without a default keeps ENV", SCRATCH + "ENV A=1\nARG A", "$A", "1"),
    ("a global ARG is out of sight", "ARG A=1\n" + SCRATCH, "[$A]", "[]"),
    ("until it is declared", "ARG A=1\n" + SCRATCH + "ARG A", "$A", "1"),
    ("declared with another default", "ARG A=1\n" + SCRATCH + "ARG A=2", "$A", "2"),
    ("a global default sees global arguments", "ARG A=1\nARG B=$A\nFROM scratch\nARG B", "$B", "1"),
    ("PATH of scratch", SCRATCH, "${PATH%%:*}", "/usr/local/sbin"),
    ("a stage takes over ENV", "FROM scratch AS a\nENV A=1\nFROM a", "$A", "1"),
    ("and the arguments", "FROM scratch AS a\nARG A=1\nFROM a", "$A", "1"),
    ("but sets ENV again", "FROM scratch AS a\nENV A=1\nARG A=2\nFROM a", "$A", "1"),
    ("another stage does not", "FROM scratch AS a\nENV A=1\nFROM scratch", "[$A]", "[]"),
    ("ONBUILD leaves its own stage alone", SCRATCH + "ONBUILD ENV A=1", "[$A]", "[]"),
    ("ONBUILD runs in the stage above", "FROM scratch AS a\nONBUILD ENV A=1\nFROM a", "$A", "1"),
    ("but only there", "FROM scratch AS a\nONBUILD ENV A=1\nFROM a AS b\nFROM b", "$A", "1"),
    ("ONBUILD runs first", "FROM scratch AS a\nONBUILD ENV A=1\nFROM a\nENV A=2", "$A", "2"),
    ("a here-document sets nothing", SCRATCH + "RUN <<E\nENV A=1\nE\n", "[$A]", "[]"),
    ("the escape directive", "# escape=`\nFROM golang\nENV A=`$A", "$A", "$A"),
    ("a known image", "FROM golang:1.22", "$GOPATH", "/go"),
    ("ENV of a known image", "FROM python\nENV PATH=/x:$PATH", "${PATH%%:*}", "/x"),
    ("target stage without a name", "FROM scratch\nARG TARGETSTAGE", "$TARGETSTAGE", "default"),
    ("target stage", "FROM scratch AS a\nARG TARGETSTAGE", "$TARGETSTAGE", "a"),
    ("arguments that are no variables", SCRATCH + "ARG BUILDKIT_SBOM_SCAN_STAGE=1",
     "[$BUILDKIT_SBOM_SCAN_STAGE]", "[]"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "word", "value"), [row[1:] for row in VARIABLES], ids=[row[0] for row in VARIABLES]
)
def test_variable(text: str, word: str, value: str) -> None:
    assert end(text).expand(word) == Known(value)


UNKNOWN = [
    ("ARG without a default", SCRATCH + "ARG A", "$A", "$A has no default"),
    ("global ARG without a default", "ARG A\n" + SCRATCH + "ARG A", "$A", "$A has no default"),
    ("proxy", SCRATCH + "ARG HTTP_PROXY", "$HTTP_PROXY", "the machine that builds"),
    ("platform", SCRATCH + "ARG TARGETARCH", "$TARGETARCH", "the platform that the image is"),
    ("platform of the builder", SCRATCH + "ARG BUILDARCH", "$BUILDARCH", "machine that builds"),
    ("name that the image may set", "FROM x", "$A", "$A is not set in this file, but x may set it"),
    ("known images may, too", "FROM node:20", "$A", "$A is not set in this file, but node:20 may"),
    ("PATH of an image", "FROM x", "$PATH", "the PATH of x is not known"),
    ("what is made of it", "FROM x\nENV A=1$PATH", "-$A-", "the PATH of x is not known"),
    ("a default does not help", "FROM x", "${A:-1}", "$A is not set in this file"),
    ("base from an argument", "ARG B\nFROM $B", "$PATH", "the PATH of the base image is not known"),
    ("name of an ENV", SCRATCH + "ARG N\nENV $N=1", "$A", "an ENV sets a variable whose name"),
    ("refused word", SCRATCH, "${A^^}", "unsupported modifier (^) in substitution"),
    ("Windows variables", "FROM x:nanoserver", "$A", "x:nanoserver may set it"),
]


@pytest.mark.parametrize(
    ("text", "word", "reason"), [row[1:] for row in UNKNOWN], ids=[row[0] for row in UNKNOWN]
)
def test_unknown_variable(text: str, word: str, reason: str) -> None:
    value = end(text).expand(word)
    assert isinstance(value, Unknown)
    assert reason in value.reason


GIVEN = [
    ("argument", SCRATCH + "ARG A=1", {"A": "2"}, "$A", "2"),
    ("as it is", SCRATCH + "ARG A=1", {"A": "$B'"}, "$A", "$B'"),
    ("empty", SCRATCH + "ARG A=1", {"A": ""}, "[$A]", "[]"),
    ("only where declared", SCRATCH, {"A": "2"}, "[$A]", "[]"),
    ("ENV wins behind it", SCRATCH + "ARG A\nENV A=${A:-3}", {"A": "2"}, "$A", "2"),
    ("ARG behind ENV", SCRATCH + "ENV A=1\nARG A", {"A": "2"}, "$A", "2"),
    ("global", "ARG A=1\n" + SCRATCH + "ARG A", {"A": "2"}, "$A", "2"),
    ("stage default", "ARG A=1\n" + SCRATCH + "ARG A=3", {"A": "2"}, "$A", "2"),
    ("proxy", SCRATCH + "ARG HTTP_PROXY", {"HTTP_PROXY": "p"}, "$HTTP_PROXY", "p"),
    ("platform", SCRATCH + "ARG TARGETOS", {"TARGETOS": "x"}, "$TARGETOS", "x"),
]


@pytest.mark.parametrize(
    ("text", "build_args", "word", "value"),
    [row[1:] for row in GIVEN],
    ids=[row[0] for row in GIVEN],
)
def test_given_argument(text: str, build_args: dict[str, str], word: str, value: str) -> None:
    assert end(text, Invocation(build_args=build_args)).expand(word) == Known(value)


@pytest.mark.parametrize(
    "text",
    [
        "FROM a\nARG V=default\n",
        "ARG V=default\nFROM a\nARG V\n",
        "ARG V=default\nFROM a\nARG V=other\n",
        "FROM a\nARG TARGETARCH\nARG V\n",
    ],
)
def test_argument_that_is_given_with_an_unknown_value_has_no_default(text: str) -> None:
    value = end(text, Invocation(build_args={"V": None})).expand("$V")
    assert value == Unknown("$V is given to the build with a value that is not known")


PLATFORMS = [
    ("linux/amd64", "linux/amd64|linux|amd64||"),
    ("linux/amd64/v3", "linux/amd64/v3|linux|amd64|v3|"),
    ("linux/arm64", "linux/arm64|linux|arm64||"),
    ("linux/arm64/v8", "linux/arm64|linux|arm64||"),
    ("linux/arm", "linux/arm/v7|linux|arm|v7|"),
    ("linux/arm/v6", "linux/arm/v6|linux|arm|v6|"),
]


@pytest.mark.parametrize(("platform", "value"), PLATFORMS)
def test_platform(platform: str, value: str) -> None:
    names = ["TARGETPLATFORM", "TARGETOS", "TARGETARCH", "TARGETVARIANT", "TARGETOSVERSION"]
    text = SCRATCH + "ARG " + " ".join(names)
    word = "|".join(f"${name}" for name in names)
    assert end(text, Invocation(platform=platform)).expand(word) == Known(value)


@pytest.mark.parametrize("platform", ["linux", "amd64", "linux/x", "linux/arm64/v1", "a/b/c/d", ""])
def test_platform_that_is_not_understood(platform: str) -> None:
    state = end(SCRATCH + "ARG TARGETARCH", Invocation(platform=platform))
    assert isinstance(state.expand("$TARGETARCH"), Unknown)


WORKDIRS = [
    ("scratch", SCRATCH, "/"),
    ("absolute", SCRATCH + "WORKDIR /a", "/a"),
    ("relative", SCRATCH + "WORKDIR /a\nWORKDIR b", "/a/b"),
    ("relative to the root", SCRATCH + "WORKDIR b", "/b"),
    ("upwards", SCRATCH + "WORKDIR /a/b\nWORKDIR ../c", "/a/c"),
    ("above the root", SCRATCH + "WORKDIR ../../c", "/c"),
    ("slashes", SCRATCH + "WORKDIR //a//b/", "/a/b"),
    ("dot", SCRATCH + "WORKDIR /a\nWORKDIR .", "/a"),
    ("blank inside", SCRATCH + "WORKDIR /a b", "/a b"),
    ("quotes", SCRATCH + 'WORKDIR "/a b"', "/a b"),
    ("variable", SCRATCH + "ENV A=/x\nWORKDIR $A/y", "/x/y"),
    ("empty variable", SCRATCH + "WORKDIR /a\nWORKDIR $A", "/a"),
    ("taken over", "FROM scratch AS a\nWORKDIR /a\nFROM a\nWORKDIR b", "/a/b"),
    ("known image", "FROM golang:1.22-alpine", "/go"),
    ("relative to that of a known image", "FROM golang\nWORKDIR src", "/go/src"),
    ("php for a server", "FROM php:8.3-fpm-alpine", "/var/www/html"),
    ("php for the command line", "FROM php:8.3", "/"),
    ("absolute in an image that is not known", "FROM x\nWORKDIR /a", "/a"),
    ("ONBUILD", "FROM scratch AS a\nONBUILD WORKDIR /a\nFROM a\nWORKDIR b", "/a/b"),
    ("cd is no WORKDIR", SCRATCH + "RUN cd /a", "/"),
]


@pytest.mark.parametrize(
    ("text", "workdir"), [row[1:] for row in WORKDIRS], ids=[row[0] for row in WORKDIRS]
)
def test_workdir(text: str, workdir: str) -> None:
    assert end(text).workdir == Known(workdir)


UNKNOWN_WORKDIRS = [
    ("image that is not known", "FROM x", "the working directory of x is not known"),
    ("relative to that", "FROM x\nWORKDIR a", "the working directory of x is not known"),
    ("variable", SCRATCH + "ARG A\nWORKDIR $A", "$A has no default"),
    ("relative to a variable", SCRATCH + "ARG A\nWORKDIR $A\nWORKDIR b", "$A has no default"),
    ("digest without a tag", f"FROM node@sha256:{'a' * 64}", "the working directory of node@"),
    ("onbuild variant", "FROM node:onbuild", "the working directory of node:onbuild"),
    ("old variant", "FROM gradle:4.10", "the working directory of gradle:4.10"),
    ("Windows image", "FROM golang:windowsservercore\nWORKDIR /a", "Windows"),
    ("Windows server", "FROM mcr.microsoft.com/windows/servercore:ltsc2022\nWORKDIR /a", "Windows"),
    ("Windows path", "FROM x\nWORKDIR C:\\\\app\nWORKDIR /a", "Windows"),
    ("backtick escapes", "# escape=`\nFROM x\nWORKDIR /a", "Windows"),
    ("Windows platform", "FROM --platform=windows/amd64 x\nWORKDIR /a", "Windows"),
]


@pytest.mark.parametrize(
    ("text", "reason"),
    [row[1:] for row in UNKNOWN_WORKDIRS],
    ids=[row[0] for row in UNKNOWN_WORKDIRS],
)
def test_unknown_workdir(text: str, reason: str) -> None:
    workdir = end(text).workdir
    assert isinstance(workdir, Unknown)
    assert reason in workdir.reason


USERS_AND_SHELLS: list[tuple[str, str, Value | None, tuple[str, ...] | None]] = [
    ("scratch", SCRATCH, Known("root"), ("/bin/sh", "-c")),
    ("USER", SCRATCH + "USER a:b", Known("a:b"), None),
    ("USER with a variable", SCRATCH + "ENV U=a\nUSER $U", Known("a"), None),
    ("USER taken over", "FROM scratch AS a\nUSER a\nFROM a", Known("a"), None),
    ("known image", "FROM node:20", Known("root"), ("/bin/sh", "-c")),
    ("SHELL", SCRATCH + 'SHELL ["/bin/bash", "-c"]', None, ("/bin/bash", "-c")),
    ("SHELL keeps variables", SCRATCH + 'SHELL ["$A"]', None, ("$A",)),
    ("SHELL taken over", 'FROM scratch AS a\nSHELL ["a"]\nFROM a', None, ("a",)),
    ("SHELL that is refused", SCRATCH + "SHELL a", None, ("/bin/sh", "-c")),
    ("image that is not known", "FROM x", None, ("/bin/sh", "-c")),
    ("CMD is no SHELL", SCRATCH + 'CMD ["a"]', None, ("/bin/sh", "-c")),
]


@pytest.mark.parametrize(
    ("text", "user", "shell"),
    [row[1:] for row in USERS_AND_SHELLS],
    ids=[row[0] for row in USERS_AND_SHELLS],
)
def test_user_and_shell(text: str, user: Value | None, shell: tuple[str, ...] | None) -> None:
    state = end(text)
    assert user is None or state.user == user
    assert shell is None or state.shell == shell


def test_users_and_shells_that_are_not_known() -> None:
    assert isinstance(end("FROM x").user, Unknown)
    assert isinstance(end("FROM x:nanoserver").shell, Unknown)


def test_the_state_of_a_step_is_the_one_before_it() -> None:
    steps = stages(SCRATCH + "ENV A=1\nENV A=2\nWORKDIR /a\nUSER u\n").stages[0].steps
    assert [step.state.lookup("A") for step in steps[:3]] == [None, Known("1"), Known("2")]
    assert [step.state.workdir for step in steps[2:]] == [Known("/"), Known("/a")]
    assert steps[3].state.user == Known("root")


def test_env_and_args_are_kept_apart() -> None:
    state = end(SCRATCH + "ARG A=1\nENV B=2 C=3\nARG C=4\n")
    assert {**state.env} == {"B": Known("2"), "C": Known("3"), "PATH": state.env["PATH"]}
    assert {**state.args} == {"A": Known("1"), "C": Known("4")}
    assert state.variables["C"] == Known("4")


RESOLVED = [
    ("relative", "x", "/w/x"),
    ("dot", ".", "/w"),
    ("slash at the end", "./", "/w"),
    ("upwards", "../x", "/x"),
    ("above the root", "../../../x", "/x"),
    ("absolute", "/x//y/./z/..", "/x/y"),
    ("two slashes in front", "//x", "/x"),
    ("root", "/", "/"),
]


@pytest.mark.parametrize(
    ("path", "resolved"), [row[1:] for row in RESOLVED], ids=[row[0] for row in RESOLVED]
)
def test_resolve(path: str, resolved: str) -> None:
    assert end(SCRATCH + "WORKDIR /w").resolve(path) == Known(resolved)


def test_resolve_needs_the_workdir_for_relative_paths_only() -> None:
    state = end("FROM x")
    assert state.resolve("/a/../b") == Known("/b")
    assert state.resolve("b") == state.workdir


@given(st.text(alphabet="ab./", max_size=12), st.text(alphabet="ab./", max_size=12))
def test_workdirs_join_as_the_shell_joins_them(first: str, second: str) -> None:
    state = end(f"{SCRATCH}ENV A={first} B={second}\nWORKDIR /$A\nWORKDIR $B\n")
    assert isinstance(state.workdir, Known)
    joined = posixpath.normpath(posixpath.join("/", first, second))
    assert state.workdir.text == "/" + joined.lstrip("/")


def test_values_that_grow_without_end_are_cut_off() -> None:
    text = SCRATCH + "ENV A=x\n" + "ENV A=$A$A$A\n" * 100
    value = end(text).lookup("A")
    assert value == Unknown(f"$A grows beyond {LONGEST_VALUE} characters")


def test_values_may_be_long() -> None:
    text = f"{SCRATCH}ENV A={'x' * LONGEST_VALUE}\nENV B=x$A\n"
    state = end(text)
    assert state.lookup("A") == Known("x" * LONGEST_VALUE)
    assert state.lookup("B") == Unknown(f"$B grows beyond {LONGEST_VALUE} characters")


def test_all_values_together_are_cut_off() -> None:
    big = LONGEST_VALUE - 10
    text = f"{SCRATCH}ENV A={'x' * big}\n" + "".join(f"ENV B{n}=$A{n}\n" for n in range(50))
    text = text.replace("$A", "${A}")
    value = end(text).lookup("B49")
    assert value == Unknown(f"$B49: the variables take more than {MOST_TEXT} characters")


@pytest.mark.parametrize(
    "text",
    [
        SCRATCH + "".join(f"ENV A{n}=$A{n - 1}x\n" for n in range(6_000)),
        SCRATCH + "".join(f"ARG A{n}\nENV A{n}=1\n" for n in range(3_000)),
        SCRATCH + "ENV A=x\n" + "ENV A=$A$A\n" * 6_000,
        "".join(f"FROM a{n} AS a{n + 1}\nENV A{n}=$A{n - 1}x\nARG B{n}\n" for n in range(2_000)),
        "FROM x AS a\n" + "ONBUILD ENV A=1\n" * 3_000 + "FROM a\n" * 3_000,
        SCRATCH + "".join(f"COPY --from=a{n} x y\n" for n in range(6_000)),
        "".join(f"FROM scratch AS a{n}\nCOPY --from=a{n + 1} x y\n" for n in range(3_000)),
        "".join(f"FROM scratch AS a\nCOPY --from={n} x y\n" for n in range(3_000)),
    ],
    ids=["ENV", "ARG", "growing", "stages", "ONBUILD", "images", "forward", "backward"],
)
def test_hostile_files_take_linear_time(text: str) -> None:
    tree = parse(Source("Dockerfile", text))
    start = time.process_time()
    read_stages(tree, Invocation())
    assert time.process_time() - start < 3


@given(st.lists(st.tuples(st.text(max_size=3), st.text(max_size=3)), max_size=30))
def test_bindings_are_dictionaries(pairs: list[tuple[str, str]]) -> None:
    bindings = Bindings()
    earlier: list[tuple[Bindings, dict[str, Value]]] = []
    wanted: dict[str, Value] = {}
    for name, text in pairs:
        earlier.append((bindings, dict(wanted)))
        bindings = bindings.having(name, Known(text))
        wanted[name] = Known(text)
    assert all({**older} == values for older, values in earlier)
    assert {**bindings} == wanted
    assert list(bindings) == sorted(wanted)
    assert len(bindings) == len(wanted)
    assert Bindings(wanted) == bindings
    assert bindings.get("not a name") is None
