"""What keeps two steps from changing places."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optimizer.effects.conflict import conflict
from optimizer.effects.obstacles import CODES
from optimizer.effects.paths import Paths
from tests.effects.views import pair

FILES = {
    "package.json": b"{}",
    "src/a.js": b"",
    "src/sub/b.js": b"",
    "docs/x.md": b"",
    "app.py": b"",
}


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("RUN touch /a", "RUN touch /b"),
        ("RUN touch /a", "LABEL a=b"),
        ("COPY src /src", "RUN touch /b"),
        ("COPY src /src", "COPY docs /docs"),
        ("COPY . /src", "COPY . /src"),
        ("RUN cat /etc/hostname", "RUN cat /etc/hostname"),
        ("RUN mystery", "LABEL a=b"),
        ("ENV A=1", "ENV B=2"),
        ("ENV UNUSED=1", "RUN touch /a"),
        ("ARG UNUSED=1", "RUN touch /a"),
        ("COPY src /usr/src/app", "RUN useradd app"),
        ("RUN mkdir /opt/x", "COPY --chown=1000 src /srv/y"),
        ("LABEL a=b", "LABEL c=d"),
    ],
)
def test_may_pass(first: str, second: str) -> None:
    assert conflict(*pair(first, second, FILES)) is None


@pytest.mark.parametrize(
    ("first", "second", "condition", "at"),
    [
        ("RUN touch /a", "RUN cat /a", "read-after-write", "/a"),
        ("RUN cat /a", "RUN touch /a", "write-after-read", "/a"),
        ("RUN touch /a", "RUN rm /a", "write-after-write", "/a"),
        ("RUN touch /bin/a", "RUN rm /usr/bin/a", "read-after-write", "/bin/a"),
        ("COPY src /src", "RUN cat /src/a.js", "read-after-write", "/src/a.js"),
        ("COPY src /src", "RUN rm -rf /src", "write-after-write", "/src"),
        ("RUN rm -rf /src", "COPY src /src", "write-after-write", "/src"),
        ("COPY src /x", "COPY docs/x.md /x/a.js", "write-after-write", "/x/a.js"),
        ("COPY src /x", "COPY --chown=1 src /x", "write-after-write", "/x/a.js"),
        ("COPY src /src", "RUN cd /src && touch new", "read-after-write", "/src"),
        ("COPY src /srv/x/src", "RUN touch /srv/x/new", "read-after-write", "/srv/x"),
        ("RUN mkdir -p /srv/x", "RUN cd /srv/x && true", "read-after-write", "/srv/x"),
        ("COPY a* /usr/local/bin/", "RUN tool", "opaque-command", "/"),
        ("RUN mystery", "RUN touch /a", "opaque-command", "/"),
        ("RUN touch /a", "RUN mystery", "opaque-command", "/"),
        ("RUN mystery", "COPY src /src", "opaque-command", "/"),
        ("RUN useradd app", "COPY --chown=app src /src", "read-after-write", "/etc/passwd"),
        ("ENV A=1", "RUN echo $A", "state-between", "$A"),
        ("RUN echo $A", "ENV A=1", "state-between", "$A"),
        ("RUN echo $((A + 1))", "ENV A=1", "state-between", "$A"),
        ("ENV PATH=/x:$PATH", "RUN touch /a", "state-between", "$PATH"),
        ("ENV NODE_ENV=production", "RUN npm install -g x", "state-between", "$NODE_ENV"),
        ("ENV A=1", "RUN mystery", "state-between", "$A"),
        ("ENV A=1", "ENV A=2", "state-between", "$A"),
        ("ENV A=1", "ARG A=2", "state-between", "$A"),
        ("ENV A=1", "ENV B=$A", "state-between", "$A"),
        ("ENV A=1", "COPY src /$A", "state-between", "$A"),
        ("ARG A", "RUN echo ${A:-x}", "state-between", "$A"),
        ("WORKDIR /x", "RUN true", "state-between", "WORKDIR"),
        ("WORKDIR /x", "COPY src .", "state-between", "WORKDIR"),
        ("WORKDIR /x", "WORKDIR y", "state-between", "WORKDIR"),
        ("USER app", "RUN touch /a", "state-between", "USER"),
        ("USER app", "WORKDIR /x", "state-between", "USER"),
        ('SHELL ["/bin/bash", "-c"]', "RUN touch /a", "state-between", "SHELL"),
        ('SHELL ["/bin/bash", "-c"]', "CMD run", "state-between", "SHELL"),
        ("CMD a", "CMD b", "state-between", "CMD"),
        ("LABEL a=b", "LABEL a=c", "state-between", "LABEL a"),
        ("RUN mkdir -p /data/x", "COPY --chown=7 src /data/y", "made-directory", "/data"),
        ("COPY --from=debian:12 /x /src", "COPY src /src", "write-after-write", "/src"),
    ],
)
def test_may_not_pass(first: str, second: str, condition: str, at: str) -> None:
    found = conflict(*pair(first, second, FILES))
    assert found is not None
    assert (found.condition, found.at) == (condition, at)
    assert found.as_obstacle().code in CODES


def test_files_that_stay_in_place_do_not_count_where_they_are_read() -> None:
    copy, run = pair("COPY . /app/", "RUN cat /app/package.json", FILES)
    assert conflict(copy, run) is not None
    assert conflict(copy, run, frozenset({"/app/package.json"})) is None


def test_an_exec_form_needs_no_shell() -> None:
    assert conflict(*pair('SHELL ["/bin/bash", "-c"]', 'RUN ["touch", "/a"]')) is None


_PATHS = st.sampled_from(["/", "/a", "/a/b", "/a/b/c", "/ab", "/bin", "/usr/bin/x", "/var/run/y"])
_SETS = st.builds(
    Paths, st.lists(_PATHS, max_size=3).map(tuple), opaque=st.sampled_from([None, None, "why"])
)


@settings(deadline=None)
@given(_SETS, _SETS)
def test_meeting_is_symmetric(one: Paths, other: Paths) -> None:
    assert (one.meets(other) is None) == (other.meets(one) is None)


@settings(deadline=None)
@given(_SETS, _SETS, _SETS)
def test_meeting_is_monotone(one: Paths, other: Paths, more: Paths) -> None:
    bigger = Paths((*one.prefixes, *more.prefixes), opaque=one.opaque or more.opaque)
    if one.meets(other) is not None:
        assert bigger.meets(other) is not None


@settings(deadline=None)
@given(_SETS, _PATHS)
def test_what_is_covered_is_met(one: Paths, path: str) -> None:
    if one.covers(path):
        assert one.meets(Paths((path,))) is not None


@settings(deadline=None)
@given(_SETS)
def test_opaque_meets_whatever_there_is(one: Paths) -> None:
    assert (Paths(opaque="why").meets(one) is not None) == bool(one)


_COMMANDS = st.sampled_from(
    ["touch /a", "cat /a", "rm -rf /a/b", "cd /a && touch x", "echo x > /b", "true",
     "mkdir -p /c/d", "apt-get install -y x", "useradd u", "cp /a /b", "ls /c", "echo $V"]
)  # fmt: skip
_OTHERS = st.sampled_from(
    ["COPY src /a", "COPY . /srv", "RUN touch /b", "RUN cat /c/d", "ENV V=1", "WORKDIR /w",
     "USER u", "LABEL a=b", "RUN mystery", "ENV OTHER=1", "COPY --from=debian:12 /x /c"]
)  # fmt: skip


@settings(deadline=None)
@given(st.lists(_COMMANDS, min_size=1, max_size=4), st.data(), _OTHERS, st.booleans())
def test_an_unknown_command_never_makes_it_more_willing(
    commands: list[str], data: st.DataObject, other: str, below: bool
) -> None:
    at = data.draw(st.integers(0, len(commands) - 1))
    unknown = [*commands[:at], "mystery", *commands[at + 1 :]]

    def found(which: list[str]) -> bool:
        run = f"RUN {' ; '.join(which)}"
        first, second = (other, run) if below else (run, other)
        return conflict(*pair(first, second, FILES)) is not None

    assert not found(commands) or found(unknown)


@settings(deadline=None)
@given(_OTHERS, _OTHERS)
def test_no_conflict_means_that_nothing_is_shared(first: str, second: str) -> None:
    one, other = pair(first, second, FILES)
    if conflict(one, other) is None:
        assert one.writes.meets(other.reads) is None
        assert one.writes.meets(other.writes) is None
        assert one.reads.meets(other.writes) is None
        assert not set(one.assigns) & set(other.assigns)
        assert not one.sets & other.inherits
        assert not other.sets & one.inherits


@pytest.mark.parametrize("path", ["//a/b", "///a/b", "/a//b"])
def test_more_slashes_are_the_same_place(path: str) -> None:
    assert Paths(("/a",)).covers(path)
    assert not Paths(("/b",)).covers(path)


@pytest.mark.parametrize("path", ["", "a", "a/b"])
def test_what_is_no_absolute_path_is_in_no_place(path: str) -> None:
    assert not Paths(("/a",)).covers(path)
