"""The patch is accepted by git and by patch, exactly, whatever the files hold."""

from __future__ import annotations

import os
import shutil
import subprocess
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from optimizer.context.file_edit import FileEdit
from optimizer.cst.source import Source
from optimizer.journal import Applied, ContextAnswer, Held, Outcome
from optimizer.proposal import Evidence, Safety
from optimizer.report.hunks import Change, hunks
from optimizer.report.patch import applied_diff, file_diff, patch, quoted

TOOLS = {
    "git": ["git", "apply", "--whitespace=nowarn"],
    "patch": ["patch", "-p1", "--force", "--no-backup-if-mismatch", "--silent"],
}

needs_tools = pytest.mark.skipif(
    not all(map(shutil.which, TOOLS)), reason="git and patch are not both installed"
)


def applied(before: str, after: str, transform: str = "one", **more: Any) -> Applied:
    fields: dict[str, Any] = {
        "title": "Title",
        "safety": Safety.SAME_IMAGE,
        "reason": "reason",
        "line": 1,
        "end_line": 1,
        "evidence": (),
        "drops": (),
        "assumes": (),
        "files": (),
    }
    return Applied(transform=transform, before=before, after=after, **{**fields, **more})


def outcome(path: str, *texts: str, **more: Any) -> Outcome:
    changes = tuple(applied(a, b, f"t{i}") for i, (a, b) in enumerate(pairwise(texts)))
    return Outcome(path, (), texts[0], texts[-1], applied=changes, **more)


def apply(tool: str, root: Path, text: str) -> None:
    data = Source("", text).data
    done = subprocess.run(TOOLS[tool], cwd=root, input=data, capture_output=True, check=False)
    assert done.returncode == 0, (done.stdout, done.stderr, data)


def check(outcomes: list[Outcome], tool: str) -> None:
    """Applies the patch of ``outcomes`` to their old files and compares with the new ones."""
    with TemporaryDirectory() as folder:
        root = Path(folder)
        new: dict[str, str] = {}
        for each in outcomes:
            place(root, each.path, each.before)
            new[each.path] = each.after
        for each in outcomes:
            for file in each.files:
                if file.before is not None and file.path not in new:
                    place(root, file.path, file.before)
                new[file.path] = file.after
        apply(tool, root, patch(outcomes))
        found = {os.fsencode(p.relative_to(root)): p.read_bytes() for p in files(root)}
        assert found == {os.fsencode(p): Source("", text).data for p, text in new.items()}


def place(root: Path, path: str, text: str) -> None:
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(Source("", text).data)


def files(root: Path) -> list[Path]:
    return [path for path in root.rglob("*") if path.is_file()]


LINES = st.sampled_from(
    [
        "FROM a",
        "RUN b",
        "COPY . .",
        "",
        " ",
        "RUN \f x",
        "RUN \u2028 y",
        "RUN \x85\x1c",
        "RUN z\r",
        "\r",
        "RUN a\rb",
        "-- x",
        "++ y",
        "--- a/x",
        "+++ b/x",
        "@@ -1 +1 @@",
        "diff --git a/x b/x",
        "\\ No newline at end of file",
        "Index: x",
        "RUN \udcff",
        "# é😀",
    ]
)
TEXTS = st.builds(
    lambda lines, end: "\n".join(lines) + (end if lines else ""),
    st.lists(LINES, max_size=30),
    st.sampled_from(["", "\n", "\n", "\r\n"]),
)
NAMES = st.sampled_from(
    [
        "Dockerfile",
        "a/b/Dockerfile",
        "with blank/Docker file",
        " lead",
        'quo"te\\back/Dockerfile',
        "é/Dockerfile",
        "\udcff/Dockerfile",
        "tab\there",
        "new\nline",
        "a b/\u2028c",
        "-dash",
        "dev/null",
        "\x1b[31m",
    ]
)


@st.composite
def chains(draw: st.DrawFn) -> list[str]:
    """Texts where each is the one before with a few lines moved, added or removed."""
    texts = [draw(TEXTS)]
    for _ in range(draw(st.integers(1, 3))):
        lines = texts[-1].split("\n")
        for _ in range(draw(st.integers(1, 3))):
            at = draw(st.integers(0, len(lines)))
            kind = draw(st.sampled_from(["insert", "remove", "move", "first", "last"]))
            if kind == "insert":
                lines.insert(at, draw(LINES))
            elif kind == "remove":
                del lines[at : at + 1]
            elif kind == "move" and lines:
                lines.insert(at, lines.pop(min(at, len(lines) - 1)))
            elif kind == "first" and lines:
                lines[0] = draw(LINES)
            elif lines:
                lines[-1] = draw(LINES)
        texts.append("\n".join(lines))
    return texts


@needs_tools
@pytest.mark.parametrize("tool", TOOLS)
@settings(max_examples=60, deadline=None)
@given(texts=chains(), name=NAMES)
@example(texts=["FROM a", "FROM b"], name="Dockerfile")
@example(texts=["FROM a\n", "FROM a"], name="Dockerfile")
@example(texts=["FROM a", "FROM a\n"], name="Dockerfile")
@example(texts=["FROM a\r\nRUN b\r\n", "RUN b\r\nFROM a\r\n"], name="Dockerfile")
def test_tools_make_the_new_text_exactly(tool: str, texts: list[str], name: str) -> None:
    assume(texts[0] and texts[-1] and texts[0] != texts[-1])
    check([outcome(name, *texts)], tool)


@needs_tools
@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize("name", [".dockerignore", "a b/.dockerignore", "é/.dockerignore"])
def test_a_file_is_made(tool: str, name: str) -> None:
    change = applied("FROM a\n", "FROM b\n", files=(FileEdit(name, None, "node_modules\n"),))
    check([Outcome("Dockerfile", (), "FROM a\n", "FROM b\n", (change,))], tool)


@needs_tools
@pytest.mark.parametrize("tool", TOOLS)
def test_an_empty_file_is_filled(tool: str) -> None:
    change = applied("FROM a\n", "FROM b\n", files=(FileEdit(".dockerignore", "", "x\n"),))
    check([Outcome("Dockerfile", (), "FROM a\n", "FROM b\n", (change,))], tool)


@needs_tools
@pytest.mark.parametrize("tool", TOOLS)
def test_a_second_dockerfile_goes_on_with_the_ignore_file_of_the_first(tool: str) -> None:
    made = applied("FROM a\n", "FROM b\n", files=(FileEdit(".dockerignore", None, "x\n"),))
    longer = applied("FROM c\n", "FROM d\n", files=(FileEdit(".dockerignore", "x\n", "x\ny\n"),))
    check(
        [
            Outcome("Dockerfile", (), "FROM a\n", "FROM b\n", (made,)),
            Outcome("dev.Dockerfile", (), "FROM c\n", "FROM d\n", (longer,)),
        ],
        tool,
    )


@needs_tools
@pytest.mark.parametrize("tool", TOOLS)
@settings(max_examples=15, deadline=None)
@given(texts=chains())
def test_the_single_patches_applied_in_turn_make_the_same(tool: str, texts: list[str]) -> None:
    assume(all(texts))
    with TemporaryDirectory() as folder:
        place(Path(folder), "Dockerfile", texts[0])
        for change in outcome("Dockerfile", *texts).applied:
            if change.before != change.after:
                apply(tool, Path(folder), applied_diff("Dockerfile", change))
        assert (Path(folder) / "Dockerfile").read_bytes() == Source("", texts[-1]).data


HOSTILE = "x\n--- a/victim\n+++ b/victim\n@@ -1 +1 @@\n-old\n+new\ndiff --git a/v b/v\nIndex: v\n"


@needs_tools
@pytest.mark.parametrize("tool", TOOLS)
def test_no_word_from_a_file_becomes_a_part_of_the_patch(tool: str) -> None:
    change = applied(
        "FROM a\n",
        "FROM b\n",
        title=HOSTILE,
        reason=HOSTILE,
        drops=(HOSTILE,),
        assumes=(HOSTILE, "\x1b[2J"),
        evidence=(Evidence("steps_rerun", HOSTILE, 2, 1, "model"),),
    )
    held = Held("t", "code", 1, HOSTILE, HOSTILE)
    report = Outcome(
        "Dockerfile",
        (ContextAnswer(HOSTILE, HOSTILE),),
        "FROM a\n",
        "FROM b\n",
        (change,),
        (held,),
        notes=(HOSTILE,),
    )
    check([report], tool)
    notes = patch([report]).partition("diff --git a/Docker")[0].splitlines()
    assert all(line.startswith("#") and line.isprintable() for line in notes)


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("a b", "a b"),
        ("a'b", "a'b"),
        ('a"b', r'"a\"b"'),
        ("a\\b", r'"a\\b"'),
        ("a\nb\tc\x07", r'"a\nb\tc\a"'),
        ("\x01\x7f", r'"\001\177"'),
        ("é", r'"\303\251"'),
        ("\udcff", r'"\377"'),
    ],
)
def test_names_are_quoted_as_git_quotes_them(path: str, shown: str) -> None:
    assert quoted(path) == shown


@needs_tools
@settings(max_examples=25, deadline=None)
@given(name=st.text(st.characters(exclude_characters="\0/", codec="utf-8"), min_size=1, max_size=5))
def test_names_are_quoted_as_the_installed_git_quotes_them(name: str) -> None:
    # git takes a file called .git for the way to a repository, and stops.
    assume(name not in (".", "..", "-", ".git"))
    with TemporaryDirectory() as folder:
        (Path(folder) / name).write_text("x\n")
        done = subprocess.run(
            ["git", "-c", "core.quotePath=true", "diff", "--no-index", "--", os.devnull, name],
            cwd=folder,
            capture_output=True,
            check=False,
        )
        head, _, _ = done.stdout.partition(b"\nnew file")
        assert head == f"diff --git {quoted(f'a/{name}')} {quoted(f'b/{name}')}".encode()


@needs_tools
@pytest.mark.parametrize("tool", TOOLS)
def test_real_dockerfiles_take_edits_at_both_ends(tool: str) -> None:
    folder = os.environ.get("DOCKOPT_CORPUS")
    if folder is None:
        pytest.skip("DOCKOPT_CORPUS is not set: it names a folder that holds dockerfiles/")
    corpus = sorted((Path(folder) / "dockerfiles").iterdir())[::20]
    outcomes = []
    for index, file in enumerate(corpus):
        text = Source.from_bytes("", file.read_bytes()).text
        lines = text.split("\n")
        middle = len(lines) // 2
        moved = "\n".join([*lines[:middle], "# first", *lines[middle + 1 :]])
        outcomes.append(outcome(f"{index}/Dockerfile", text, moved, f"# x\n{moved}# no end"))
    check(outcomes, tool)


def test_a_hunk_names_those_who_made_it_in_their_order() -> None:
    lines = [f"RUN {n}\n" for n in range(40)]
    first = [*lines]
    first[2] = "RUN first\n"
    second = [*first]
    second[2:2] = ["RUN second\n"]
    third = [*second]
    del third[30]
    chain = [
        Change("b", "".join(lines), "".join(first)),
        Change("a", "".join(first), "".join(second)),
        Change("c", "".join(second), "".join(third)),
    ]
    assert [hunk.transforms for hunk in hunks(chain)] == [("b", "a"), ("c",)]


def test_a_line_that_comes_back_is_no_change() -> None:
    chain = [Change("a", "x\ny\nz\n", "y\nz\n"), Change("b", "y\nz\n", "x\ny\nq\n")]
    (hunk,) = hunks(chain)
    assert hunk.transforms == ("b",)
    assert [line for line in hunk.lines if line[0] != " "] == [("-", "z\n"), ("+", "q\n")]


def test_a_change_and_its_reverse_are_no_patch() -> None:
    assert file_diff("f", [Change("a", "x\n", "y\n"), Change("b", "y\n", "x\n")]) == ""


@given(texts=chains())
def test_hunks_lead_from_the_first_text_to_the_last(texts: list[str]) -> None:
    changes = [Change(f"t{i}", a, b) for i, (a, b) in enumerate(pairwise(texts))]
    old = texts[0].split("\n")
    old, end = [line + "\n" for line in old[:-1]], old[-1]
    old += [end] if end else []
    result: list[str] = []
    at = 0
    for hunk in hunks(changes):
        result += old[at : hunk.old_start]
        assert len(result) == hunk.new_start
        was = [line for tag, line in hunk.lines if tag != "+"]
        assert was == old[hunk.old_start : hunk.old_start + hunk.old_count]
        result += [line for tag, line in hunk.lines if tag != "-"]
        assert len(result) == hunk.new_start + hunk.new_count
        assert hunk.transforms
        at = hunk.old_start + hunk.old_count
    assert "".join([*result, *old[at:]]) == texts[-1]
