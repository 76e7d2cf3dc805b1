"""What a step's cache key depends on: change one thing, build again, see which steps ran.

The table is the judge of the cache model. Every row was measured, none deduced.
"""

from __future__ import annotations

import io
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.engine.daemon import Engine
from tests.engine.measure import (
    Change,
    chmod,
    chown,
    edit,
    mkdir,
    nothing,
    rebuild,
    rename,
    touch,
    write,
)

pytestmark = pytest.mark.engine

FILES = {
    "dir/a": "a",
    "dir/sub/b": "b",
    "dir/ignored": "i",
    "same/a": "a",
    "same/sub/b": "b",
    "other": "o",
    "elsewhere": "e",
    ".dockerignore": "**/ignored\n.dockerignore\n",
}
"""The build context of every row."""


def slot(text: str) -> str:
    """Returns a Dockerfile with ``text`` above a COPY, a RUN, and a COPY below that RUN.

    What the next stage copies out of that stage is always the same.
    """
    return f"""\
FROM busybox:1.35 AS builder
{text}
COPY dir /dir
RUN echo built > /out
COPY other /other
FROM busybox:1.35
COPY --from=builder /out /out
RUN echo last
"""


def alone(text: str) -> str:
    """Returns a one-stage Dockerfile."""
    return f"FROM busybox:1.35\n{text}\n"


COPY, RUN, COPY_BELOW_RUN = "COPY dir /dir", "RUN echo built > /out", "COPY other /other"
EVERYTHING = frozenset({COPY, RUN, COPY_BELOW_RUN})
"""The steps that `slot` puts below its text in the same stage."""

FROM_RUN_ON = frozenset({RUN, COPY_BELOW_RUN})
"""What a change of something that only a RUN's key holds runs again: a COPY directly below
is cached, a COPY below a RUN is not, because what it lies on is another state."""

NONE: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Row:
    """A Dockerfile, a change, and exactly the steps that run in the second build."""

    dockerfile: str
    change: Change
    ran: frozenset[str] = NONE
    before: Mapping[str, Any] = field(default_factory=dict)
    after: Mapping[str, Any] = field(default_factory=dict)


def at(old: str, new: str, ran: frozenset[str]) -> Row:
    """Makes a row in which one text of `slot` takes another's place."""
    return Row(slot(old), edit(old, new), ran)


def steps(*texts: str) -> frozenset[str]:
    return frozenset(texts)


def tarball(content: str, mtime: int = 1) -> Change:
    """Makes the archive ``x.tar`` with one file in it."""

    def change(context: Path) -> None:
        with tarfile.open(context / "x.tar", "w") as archive:
            member = tarfile.TarInfo("file")
            member.size, member.mtime = len(content), mtime
            archive.addfile(member, io.BytesIO(content.encode()))

    return change


def link(path: Path, target: str) -> None:
    path.unlink()
    path.symlink_to(target)


def args(**values: str) -> dict[str, Any]:
    return {"build_args": values}


CONTENT_ROWS = {
    "nothing": Row(slot(""), nothing),
    "content-of-a-copied-file": Row(slot(""), write("dir/a", "new"), EVERYTHING),
    "mode-of-a-copied-file": Row(slot(""), chmod("dir/a", 0o755), EVERYTHING),
    "mode-of-a-copied-directory-is-overlooked": Row(slot(""), chmod("dir/sub", 0o700)),
    "mode-of-the-directory-whose-content-is-copied": Row(slot(""), chmod("dir", 0o700)),
    "mtime-of-a-copied-file": Row(slot(""), touch("dir/a")),
    "owner-of-a-copied-file": Row(slot(""), chown("dir/a", 1000)),
    "ignored-file": Row(slot(""), write("dir/ignored", "new")),
    "dockerignore-without-effect-on-what-is-sent": Row(
        slot(""), write(".dockerignore", "**/ignored\n.dockerignore\nnowhere\n")
    ),
    "dockerignore-takes-a-copied-file-away": Row(
        slot(""), write(".dockerignore", "**/ignored\n.dockerignore\ndir/a\n"), EVERYTHING
    ),
    "file-outside-what-is-copied": Row(slot(""), write("elsewhere", "new")),
    "new-empty-directory": Row(slot(""), mkdir("dir/empty"), EVERYTHING),
    "file-renamed": Row(slot(""), rename("dir/a", "dir/z"), EVERYTHING),
    "file-becomes-a-link": Row(
        slot(""), lambda context: link(context / "dir/a", "../elsewhere"), EVERYTHING
    ),
    "dockerfile-comment-when-the-whole-context-is-copied": Row(
        alone("COPY . /x\nRUN echo last"),
        edit("RUN", "# comment\nRUN"),
        steps("COPY . /x", "RUN echo last"),
    ),
    "new-match-of-a-wildcard": Row(
        slot("COPY o* /x/"), write("other2", "2"), EVERYTHING | {"COPY o* /x/"}
    ),
    "new-file-beside-a-wildcard": Row(slot("COPY o* /x/"), write("unmatched", "2")),
    "excluded-file": Row(
        alone("COPY --exclude=sub dir /x\nRUN echo last"), write("dir/sub/b", "new")
    ),
    "another-file-beside-a-copied-file": Row(
        alone("COPY dir/a /x\nRUN echo last"), write("dir/sub/b", "new")
    ),
}

COPY_ROWS = {
    "another-source-with-the-same-content": at(
        "COPY dir /x", "COPY same /x", EVERYTHING | {"COPY same /x"}
    ),
    "source-spelled-with-a-dot": at("COPY ./same /x", "COPY same /x", NONE),
    "source-spelled-with-a-slash": at("COPY same/ /x", "COPY same /x", NONE),
    "wildcard-for-the-same-file": at(
        "COPY othe[r] /x/", "COPY other /x/", EVERYTHING | {"COPY other /x/"}
    ),
    "order-of-sources": at(
        "COPY other elsewhere /x/",
        "COPY elsewhere other /x/",
        EVERYTHING | {"COPY elsewhere other /x/"},
    ),
    "one-copy-split-in-two": at(
        "COPY other elsewhere /x/",
        "COPY other /x/\nCOPY elsewhere /x/",
        EVERYTHING | {"COPY other /x/", "COPY elsewhere /x/"},
    ),
    "destination": at("COPY other /x", "COPY other /y", EVERYTHING | {"COPY other /y"}),
    "relative-destination-spelled-out": at(
        "WORKDIR /w\nCOPY other x", "WORKDIR /w\nCOPY other /w/x", NONE
    ),
    "chmod": at(
        "COPY --chmod=644 other /x",
        "COPY --chmod=600 other /x",
        EVERYTHING | {"COPY --chmod=600 other /x"},
    ),
    "chown": at(
        "COPY --chown=1 other /x",
        "COPY --chown=2 other /x",
        EVERYTHING | {"COPY --chown=2 other /x"},
    ),
    "chown-of-the-same-user-by-name": at(
        "COPY --chown=1000:1000 other /x",
        "COPY --chown=app:app other /x",
        EVERYTHING | {"COPY --chown=app:app other /x"},
    ),
    "chown-root-spelled-out": at(
        "COPY elsewhere /x",
        "COPY --chown=0:0 elsewhere /x",
        EVERYTHING | {"COPY --chown=0:0 elsewhere /x"},
    ),
    "variable-with-another-value-of-the-same-content": at(
        "ARG A=dir\nCOPY $A /x", "ARG A=same\nCOPY $A /x", EVERYTHING | {"COPY same /x"}
    ),
    "heredoc-text": at("COPY <<E /x\na\nE", "COPY <<E /x\nb\nE", EVERYTHING | {"COPY <<E /x"}),
    "heredoc-name": at("COPY <<E /x\na\nE", "COPY <<F /x\na\nF", EVERYTHING | {"COPY <<F /x"}),
    "add-in-place-of-copy": at("ADD other /x", "COPY other /x", EVERYTHING | {"COPY other /x"}),
    "add-content": Row(
        alone("ADD other /x\nRUN echo last"),
        write("other", "new"),
        steps("ADD other /x", "RUN echo last"),
    ),
}

RUN_ROWS = {
    "white-space-in-a-continuation": at(
        "RUN echo a \\\n  b", "RUN echo a \\\n   b", EVERYTHING | {"RUN echo a    b"}
    ),
    "comment-in-a-continuation": at("RUN echo a \\\n# one\n  b", "RUN echo a \\\n# two\n  b", NONE),
    "comment-in-a-heredoc": at(
        "RUN <<E\n# one\necho a\nE",
        "RUN <<E\n# two\necho a\nE",
        EVERYTHING | {"RUN <<E (# two...)"},
    ),
    "comments-and-blank-lines-between": at("# one", "# two\n\n# three\n", NONE),
    "exec-form-of-the-same-shell-call": at("RUN echo a", 'RUN ["/bin/sh","-c","echo a"]', NONE),
    "default-network-spelled-out": at("RUN echo a", "RUN --network=default echo a", NONE),
    "network": at(
        "RUN echo a", "RUN --network=none echo a", EVERYTHING | {"RUN --network=none echo a"}
    ),
    "cache-mount-id": at(
        "RUN --mount=type=cache,id=a,target=/c ls /c",
        "RUN --mount=type=cache,id=b,target=/c ls /c",
        NONE,
    ),
    "cache-mount-sharing-with-an-id": at(
        "RUN --mount=type=cache,id=a,target=/c ls /c",
        "RUN --mount=type=cache,id=a,target=/c,sharing=locked ls /c",
        NONE,
    ),
    "cache-mount-default-id-spelled-out": at(
        "RUN --mount=type=cache,target=/c ls /c",
        "RUN --mount=type=cache,target=/c,id=/c ls /c",
        NONE,
    ),
    "cache-mount-default-gets-an-id": at(
        "RUN --mount=type=cache,target=/c ls /c",
        "RUN --mount=type=cache,target=/c,id=a ls /c",
        EVERYTHING | {"RUN --mount=type=cache,target=/c,id=a ls /c"},
    ),
    "cache-mount-default-gets-another-sharing": at(
        "RUN --mount=type=cache,target=/c ls /c",
        "RUN --mount=type=cache,target=/c,sharing=locked ls /c",
        EVERYTHING | {"RUN --mount=type=cache,target=/c,sharing=locked ls /c"},
    ),
    "cache-mount-target": at(
        "RUN --mount=type=cache,id=a,target=/c ls",
        "RUN --mount=type=cache,id=a,target=/d ls",
        EVERYTHING | {"RUN --mount=type=cache,id=a,target=/d ls"},
    ),
    "cache-mount-added": at(
        "RUN ls",
        "RUN --mount=type=cache,target=/c ls",
        EVERYTHING | {"RUN --mount=type=cache,target=/c ls"},
    ),
    "tmpfs-mount-added": at(
        "RUN ls",
        "RUN --mount=type=tmpfs,target=/c ls",
        EVERYTHING | {"RUN --mount=type=tmpfs,target=/c ls"},
    ),
    "secret-mount-added": at(
        "RUN ls",
        "RUN --mount=type=secret,id=a ls",
        EVERYTHING | {"RUN --mount=type=secret,id=a ls"},
    ),
    "bind-mount-source-content": Row(
        slot("RUN --mount=type=bind,source=same,target=/m ls /m"),
        write("same/a", "new"),
        EVERYTHING | {"RUN --mount=type=bind,source=same,target=/m ls /m"},
    ),
    "bind-mount-source-mode": Row(
        slot("RUN --mount=type=bind,source=same,target=/m ls /m"),
        chmod("same/a", 0o755),
        EVERYTHING | {"RUN --mount=type=bind,source=same,target=/m ls /m"},
    ),
    "bind-mount-source-mtime": Row(
        slot("RUN --mount=type=bind,source=same,target=/m ls /m"), touch("same/a")
    ),
    "bind-mount-of-another-folder": Row(
        slot("RUN --mount=type=bind,source=same,target=/m ls /m"), write("elsewhere", "new")
    ),
    "bind-mount-of-another-file": Row(
        slot("RUN --mount=type=bind,source=same/a,target=/m ls /m"), write("same/sub/b", "new")
    ),
    "bind-mount-of-the-whole-context": Row(
        slot("RUN --mount=type=bind,target=/m ls /m"),
        write("elsewhere", "new"),
        EVERYTHING | {"RUN --mount=type=bind,target=/m ls /m"},
    ),
    "bind-mount-of-the-whole-context-ignored-file": Row(
        slot("RUN --mount=type=bind,target=/m ls /m"), write("dir/ignored", "new")
    ),
    "bind-mount-made-writable": at(
        "RUN --mount=type=bind,source=dir,target=/m ls /m",
        "RUN --mount=type=bind,source=dir,target=/m,rw ls /m",
        EVERYTHING | {"RUN --mount=type=bind,source=dir,target=/m,rw ls /m"},
    ),
    "order-of-two-runs": Row(
        alone("RUN echo a\nRUN echo b"),
        edit("RUN echo a\nRUN echo b", "RUN echo b\nRUN echo a"),
        steps("RUN echo a", "RUN echo b"),
    ),
}

STATE_ROWS = {
    "env-value": at("ENV A=1", "ENV A=2", FROM_RUN_ON),
    "env-pair-added": at("ENV A=1", "ENV A=1 B=2", FROM_RUN_ON),
    "env-order": at("ENV A=1 B=2", "ENV B=2 A=1", FROM_RUN_ON),
    "env-in-the-old-spelling": at("ENV A=1", "ENV A 1", NONE),
    "env-split-in-two": at("ENV A=1 B=2", "ENV A=1\nENV B=2", NONE),
    "env-value-below-a-run": at("RUN echo a\nENV A=1", "RUN echo a\nENV A=2", FROM_RUN_ON),
    "env-value-with-only-copies-below": Row(
        alone("RUN echo a\nENV A=1\nCOPY dir /dir"), edit("A=1", "A=2")
    ),
    "arg-default-unused": at("ARG A=1", "ARG A=2", FROM_RUN_ON),
    "arg-default-below-a-run": at("RUN echo a\nARG A=1", "RUN echo a\nARG A=2", FROM_RUN_ON),
    "arg-declared-below": Row(
        alone("RUN echo a\nCOPY dir /dir\nARG A=1"), edit("ARG A=1", "ARG A=2")
    ),
    "arg-of-an-earlier-stage": Row(
        "FROM busybox:1.35 AS a\nARG A=1\nRUN echo a\nFROM busybox:1.35\nRUN echo b\n"
        "COPY --from=a /etc/passwd /p\n",
        edit("A=1", "A=2"),
        steps("RUN echo a"),
    ),
    "arg-hidden-by-env": Row(alone("ARG A=1\nENV A=9\nRUN echo a"), edit("ARG A=1", "ARG A=2")),
    "arg-without-a-value-added": Row(alone("RUN echo a"), edit("RUN", "ARG NEW\nRUN")),
    "arg-of-the-platform-added": Row(
        alone("RUN echo a"), edit("RUN", "ARG TARGETARCH\nRUN"), steps("RUN echo a")
    ),
    "arg-before-from-put-in-place": Row(
        "ARG B=busybox\nFROM ${B}:1.35\nRUN echo a\n", edit("${B}", "busybox")
    ),
    "build-arg": Row(slot("ARG A=1"), nothing, FROM_RUN_ON, args(A="2"), args(A="3")),
    "build-arg-that-says-the-default": Row(slot("ARG A=1"), nothing, NONE, {}, args(A="1")),
    "build-arg-undeclared": Row(slot(""), nothing, NONE, args(A="2"), args(A="3")),
    "build-arg-declared-before-from-only": Row(
        f"ARG A=1\n{slot('')}", nothing, NONE, args(A="2"), args(A="3")
    ),
    "proxy-build-arg": Row(
        slot(""), nothing, NONE, args(HTTP_PROXY="http://a"), args(HTTP_PROXY="http://b")
    ),
    "proxy-build-arg-declared": Row(
        slot("ARG HTTP_PROXY"),
        nothing,
        FROM_RUN_ON,
        args(HTTP_PROXY="http://a"),
        args(HTTP_PROXY="http://b"),
    ),
    "label": at("LABEL a=1", "LABEL a=2", NONE),
    "expose": at("EXPOSE 1", "EXPOSE 2", NONE),
    "cmd": at('CMD ["a"]', 'CMD ["b"]', NONE),
    "entrypoint": at('ENTRYPOINT ["a"]', 'ENTRYPOINT ["b"]', NONE),
    "stopsignal": at("STOPSIGNAL 9", "STOPSIGNAL 15", NONE),
    "healthcheck": at("HEALTHCHECK CMD a", "HEALTHCHECK CMD b", NONE),
    "volume": at("VOLUME /v", "VOLUME /w", NONE),
    "maintainer": at("MAINTAINER a", "MAINTAINER b", NONE),
    "onbuild": at("ONBUILD RUN a", "ONBUILD RUN b", NONE),
    "user": at("USER root", "USER 0", FROM_RUN_ON),
    "user-below-a-run": at("RUN echo a\nUSER root", "RUN echo a\nUSER 0", FROM_RUN_ON),
    "workdir": at("WORKDIR /a", "WORKDIR /b", EVERYTHING | {"WORKDIR /b"}),
    "workdir-with-a-slash-behind": at("WORKDIR /a/b", "WORKDIR /a/b/", FROM_RUN_ON),
    "shell": at('SHELL ["/bin/sh","-c"]', 'SHELL ["/bin/ash","-c"]', FROM_RUN_ON),
    "shell-with-only-copies-below": Row(
        alone('RUN echo a\nSHELL ["/bin/sh","-c"]\nCOPY dir /dir'),
        edit('"/bin/sh"', '"/bin/ash"'),
    ),
}

STAGE_ROWS = {
    "name-of-a-stage": Row(slot(""), edit("builder", "maker")),
    "stage-nothing-needs": Row(
        "FROM busybox:1.35 AS a\nRUN echo a\nFROM busybox:1.35\nRUN echo b\n",
        edit("RUN echo a", "RUN echo changed"),
    ),
    "what-is-copied-out-differs": Row(
        slot("").replace("echo built >", "cp /dir/a"),
        write("dir/a", "new"),
        steps(
            COPY,
            "RUN cp /dir/a /out",
            COPY_BELOW_RUN,
            "COPY --from=builder /out /out",
            "RUN echo last",
        ),
    ),
    "what-is-copied-out-has-another-mtime-only": Row(
        "FROM busybox:1.35 AS a\nCOPY dir/a /in\nRUN mkdir /o && touch /o/x\n"
        "FROM busybox:1.35\nCOPY --from=a /o /o\nRUN echo last\n",
        write("dir/a", "new"),
        steps("COPY dir/a /in", "RUN mkdir /o && touch /o/x"),
    ),
    "what-is-not-copied-out-differs": Row(
        "FROM busybox:1.35 AS a\nCOPY dir /d\n"
        "FROM busybox:1.35\nCOPY --from=a /d/a /a\nRUN echo last\n",
        write("dir/sub/b", "new"),
        steps("COPY dir /d"),
    ),
    "what-is-copied-out-has-another-mode": Row(
        "FROM busybox:1.35 AS a\nCOPY dir /d\n"
        "FROM busybox:1.35\nCOPY --from=a /d /d\nRUN echo last\n",
        chmod("dir/a", 0o755),
        steps("COPY dir /d", "COPY --from=a /d /d", "RUN echo last"),
    ),
    "bind-mount-from-a-stage-with-the-same-content": Row(
        "FROM busybox:1.35 AS a\nCOPY dir/a /in\nRUN mkdir /o && touch /o/x\n"
        "FROM busybox:1.35\nRUN --mount=from=a,source=/o,target=/o ls /o\n",
        write("dir/a", "new"),
        steps("COPY dir/a /in", "RUN mkdir /o && touch /o/x"),
    ),
    "from-a-stage-whose-run-runs-again": Row(
        "FROM busybox:1.35 AS a\nCOPY dir/a /in\nRUN echo a\n"
        "FROM a\nCOPY other /o\nRUN echo last\n",
        write("dir/a", "new"),
        steps("COPY dir/a /in", "RUN echo a", "COPY other /o", "RUN echo last"),
    ),
    "from-a-stage-whose-label-changed": Row(
        "FROM busybox:1.35 AS a\nLABEL a=1\nFROM a\nRUN echo last\n", edit("a=1", "a=2")
    ),
    "from-a-stage-whose-env-changed": Row(
        "FROM busybox:1.35 AS a\nENV a=1\nFROM a\nRUN echo last\n",
        edit("a=1", "a=2"),
        steps("RUN echo last"),
    ),
    "onbuild-copy-of-a-parent-stage": Row(
        "FROM busybox:1.35 AS a\nONBUILD COPY dir /d\nONBUILD RUN echo o\nFROM a\nRUN echo last\n",
        write("dir/a", "new"),
        steps("ONBUILD COPY dir /d", "ONBUILD RUN echo o", "RUN echo last"),
    ),
    "onbuild-run-of-a-parent-stage": Row(
        "FROM busybox:1.35 AS a\nONBUILD COPY dir /d\nONBUILD RUN echo o\nFROM a\nRUN echo last\n",
        edit("RUN echo o", "RUN echo p"),
        steps("ONBUILD RUN echo p", "RUN echo last"),
    ),
}

TAR_ROWS = {
    "content-of-an-unpacked-archive": Row(
        alone("ADD x.tar /t/\nRUN echo last"),
        tarball("2"),
        steps("ADD x.tar /t/", "RUN echo last"),
    ),
    "mtime-inside-an-unpacked-archive": Row(
        alone("ADD x.tar /t/\nRUN echo last"),
        tarball("1", mtime=2),
        steps("ADD x.tar /t/", "RUN echo last"),
    ),
    "mtime-of-the-archive": Row(alone("ADD x.tar /t/\nRUN echo last"), touch("x.tar")),
}
"""The archive's own bytes count, not what is unpacked from it."""

ROWS = CONTENT_ROWS | COPY_ROWS | RUN_ROWS | STATE_ROWS | STAGE_ROWS | TAR_ROWS

MERGED = steps("LINK COPY --link other /y", "LINK COPY --link elsewhere /z")
LINK_ROWS = {
    "content-of-a-linked-copy": Row(
        alone("COPY --link dir /x\nRUN echo last"),
        write("dir/a", "new"),
        steps("COPY --link dir /x", "LINK COPY --link dir /x", "RUN echo last"),
    ),
    "below-a-copy-that-runs-again": Row(
        alone("COPY dir /x\nCOPY --link other /y\nCOPY --link elsewhere /z\nRUN echo last"),
        write("dir/a", "new"),
        steps("COPY dir /x", "RUN echo last") | MERGED,
    ),
    "below-a-run-that-runs-again": Row(
        alone("RUN echo 1\nCOPY --link other /y\nCOPY --link elsewhere /z"),
        edit("echo 1", "echo 2"),
        steps("RUN echo 2") | MERGED,
    ),
    "from-a-stage-below-a-step-that-runs-again": Row(
        "FROM busybox:1.35 AS a\nRUN echo 1 > /o\nFROM busybox:1.35\nCOPY dir /x\n"
        "COPY --link --from=a /o /o\nRUN echo last\n",
        write("dir/a", "new"),
        steps("COPY dir /x", "LINK COPY --link --from=a /o /o", "RUN echo last"),
    ),
    "on-another-base": Row(
        "FROM busybox:1.35 AS a\nRUN echo 1 > /o\nFROM a\nCOPY --link other /y\n",
        edit("echo 1", "echo 2"),
        steps("RUN echo 2 > /o", "LINK COPY --link other /y"),
    ),
}
"""With the containerd store: the copy itself is always cached; only the merge is made anew."""


def prepare(context: Path, row: Row) -> None:
    tarball("1")(context)
    for path, text in {**FILES, "Dockerfile": row.dockerfile}.items():
        write(path, text)(context)


@pytest.mark.usefixtures("busybox")
@pytest.mark.parametrize("reason", ROWS)
def test_these_steps_run_again(reason: str, engine: Engine, context: Path) -> None:
    row = ROWS[reason]
    prepare(context, row)
    measured = rebuild(engine, context, row.change, before=row.before, after=row.after)
    assert measured.ran == row.ran
    assert not measured.cached & measured.ran


@pytest.mark.parametrize("reason", LINK_ROWS)
def test_linked_copies_stand_alone(reason: str, containerd_engine: Engine, context: Path) -> None:
    row = LINK_ROWS[reason]
    prepare(context, row)
    measured = rebuild(containerd_engine, context, row.change, before=row.before, after=row.after)
    assert measured.ran == row.ran


@pytest.mark.usefixtures("busybox")
@pytest.mark.parametrize("reason", LINK_ROWS)
def test_graph_driver_copies_linked_steps_like_any_other(
    reason: str, engine: Engine, context: Path
) -> None:
    row = LINK_ROWS[reason]
    prepare(context, row)
    linked = rebuild(engine, context, row.change)
    prepare(context, row)
    edit("--link ", "")(context)
    plain = rebuild(engine, context, row.change)
    assert {step.replace("--link ", "") for step in linked.ran} == plain.ran


NAMED = "FROM busybox:1.35\nCOPY --from=extra f /f\nRUN echo last\n"


@pytest.mark.usefixtures("busybox")
@pytest.mark.parametrize(
    ("change", "ran"),
    [
        pytest.param(
            write("f", "2"), steps("COPY --from=extra f /f", "RUN echo last"), id="content"
        ),
        pytest.param(touch("f"), NONE, id="mtime"),
        pytest.param(write("g", "2"), NONE, id="another-file"),
    ],
)
def test_named_context_is_judged_like_the_main_one(
    change: Change, ran: frozenset[str], engine: Engine, context: Path, tmp_path: Path
) -> None:
    extra = tmp_path / "extra"
    write("f", "1")(extra)
    write("Dockerfile", NAMED)(context)
    options = {"contexts": {"extra": extra}}
    measured = rebuild(engine, context, lambda _: change(extra), before=options, after=options)
    assert measured.ran == ran


@pytest.mark.usefixtures("busybox")
def test_named_context_in_another_folder_with_the_same_content_is_the_same(
    engine: Engine, context: Path, tmp_path: Path
) -> None:
    write("Dockerfile", NAMED)(context)
    options = []
    for name in ("one", "two"):
        write("f", "1")(tmp_path / name)
        options.append({"contexts": {"extra": tmp_path / name}})
    measured = rebuild(engine, context, nothing, before=options[0], after=options[1])
    assert measured.ran == NONE


def test_parents_flag_is_not_in_the_built_in_frontend(engine: Engine, context: Path) -> None:
    prepare(context, Row("FROM scratch\nCOPY --parents dir/a /x/\n", nothing))
    with pytest.raises(RuntimeError, match="unknown flag: --parents"):
        rebuild(engine, context, nothing)
