"""The command line, through real processes: streams, exit codes, files."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import chdir
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import pytest
from typer.testing import CliRunner

from optimizer.surfaces.commands import app

ROOT = Path(__file__).resolve().parents[2]

INSTALL = "RUN --mount=type=cache,target=/root/.npm npm ci"
"""An install to which no transform but those of the order has anything to say."""
DOCKERFILE = f'FROM node:22-slim\nWORKDIR /app\nCOPY . .\n{INSTALL}\nCMD ["node", "src/index.js"]\n'
FIXED = (
    f"FROM node:22-slim\nWORKDIR /app\nCOPY package.json package-lock.json ./\n{INSTALL}\n"
    'COPY . .\nCMD ["node", "src/index.js"]\n'
)
MANIFEST = '{"name": "app", "version": "1.0.0"}'
LOCKFILE = (
    '{"name": "app", "version": "1.0.0", "lockfileVersion": 3, '
    '"packages": {"": {"name": "app", "version": "1.0.0"}}}'
)
BLIND = {"NO_COLOR", "FORCE_COLOR", "TERM", "DOCKOPT_DEBUG"}


class Snapshot(Protocol):
    """The part of pytest-snapshot's fixture that is used here; the package has no types."""

    snapshot_dir: Path

    def assert_match(self, value: bytes, snapshot_name: str) -> None: ...


@dataclass(frozen=True)
class Done:
    code: int
    out: bytes
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def environment(more: Mapping[str, str]) -> dict[str, str]:
    return {**{k: v for k, v in os.environ.items() if k not in BLIND}, **more}


def dockopt(folder: Path, *arguments: str, stdin: bytes = b"", **more: str) -> Done:
    """Runs a command in this process, which takes a fraction of the time of a new one."""
    with chdir(folder):
        result = CliRunner().invoke(
            app,
            arguments,
            input=stdin,
            env={**dict.fromkeys(BLIND), **more},
            prog_name="dockopt",
            catch_exceptions=False,
        )
    return Done(result.exit_code, result.stdout_bytes, result.stderr)


def process(folder: Path, *arguments: str | Path, stdin: bytes = b"", **more: str) -> Done:
    """Runs a command in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "optimizer", *arguments],
        cwd=folder,
        input=stdin,
        capture_output=True,
        check=False,
        env=environment(more),
    )
    err = done.stderr.decode()
    assert "Traceback" not in err
    return Done(done.returncode, done.stdout, err)


def application(
    folder: Path, dockerfile: str = DOCKERFILE, ignore: str | None = "node_modules\n"
) -> None:
    """Makes a build context in which the install can go above the sources."""
    (folder / "src").mkdir(parents=True, exist_ok=True)
    (folder / "src" / "index.js").write_text("")
    (folder / "package.json").write_text(MANIFEST)
    (folder / "package-lock.json").write_text(LOCKFILE)
    (folder / "Dockerfile").write_bytes(dockerfile.encode())
    if ignore is not None:
        (folder / ".dockerignore").write_text(ignore)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with one application in a folder of its own, that builds on its folder."""
    root = tmp_path / "repository"
    (root / ".git").mkdir(parents=True)
    application(root / "api")
    return root


def apply(root: Path, data: bytes) -> None:
    subprocess.run(["git", "apply"], cwd=root, input=data, check=True)


def test_standard_output_is_one_patch(repository: Path) -> None:
    done = process(repository, "fix")
    assert done.code == 0
    assert b"\n--- a/api/Dockerfile\n+++ b/api/Dockerfile\n@@ " in done.out
    assert "copy-manifests-first" not in done.err.partition("\n")[0]
    assert "api/Dockerfile  1 change" in done.err
    assert "1 of 1 file would change (1 change)" in done.err
    apply(repository, done.out)
    assert (repository / "api" / "Dockerfile").read_text() == FIXED


def test_a_second_run_has_nothing_to_say(repository: Path) -> None:
    assert dockopt(repository, "fix", "--write").code == 0
    done = dockopt(repository, "fix")
    assert (done.code, done.out) == (0, b"")
    assert "nothing to change" in done.err


@pytest.mark.parametrize("start", ["", "api", "api/src"])
def test_paths_start_at_the_repository_wherever_one_stands(repository: Path, start: str) -> None:
    done = dockopt(repository / start, "fix", str(repository / "api"))
    assert b"--- a/api/Dockerfile\n" in done.out


def test_paths_start_at_the_folder_where_there_is_no_repository(tmp_path: Path) -> None:
    application(tmp_path / "api")
    done = dockopt(tmp_path, "fix", "api")
    assert b"--- a/Dockerfile\n" in done.out


def test_files_of_two_places_have_two_names(tmp_path: Path) -> None:
    application(tmp_path / "a")
    application(tmp_path / "b")
    done = dockopt(tmp_path, "fix", "a", "b/Dockerfile")
    assert [line for line in done.out.split(b"\n") if line.startswith(b"+++ ")] == [
        b"+++ b/a/Dockerfile",
        b"+++ b/b/Dockerfile",
    ]


def test_write_writes_what_would_have_been_printed(repository: Path, tmp_path: Path) -> None:
    application(repository, ignore=None)
    copy = tmp_path / "copy"
    shutil.copytree(repository, copy)
    apply(copy, process(repository, "fix").out)
    done = process(repository, "fix", "--write")
    assert (done.code, done.out) == (0, b"")
    assert "2 of 2 files changed (2 changes)" in done.err
    assert contents(repository) == contents(copy)


def contents(root: Path) -> dict[str, bytes]:
    files = (path for path in root.rglob("*") if path.is_file())
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in files}


def test_two_files_with_one_ignore_file_make_one_patch(repository: Path) -> None:
    application(repository, ignore=None)
    (repository / "dev.Dockerfile").write_text(DOCKERFILE)
    done = dockopt(repository, "fix")
    assert done.out.count(b"+++ b/.dockerignore\n") == 1
    apply(repository, done.out)
    assert (repository / "dev.Dockerfile").read_text() == FIXED
    assert "node_modules" in (repository / ".dockerignore").read_text()


@pytest.mark.parametrize(
    ("text", "code"), [(DOCKERFILE, 1), (FIXED, 0)], ids=["would", "would-not"]
)
def test_check_says_whether_something_would_change(tmp_path: Path, text: str, code: int) -> None:
    application(tmp_path, text)
    done = process(tmp_path, "fix", "--check")
    assert (done.code, done.out) == (code, b"")
    assert (tmp_path / "Dockerfile").read_text() == text


@pytest.mark.parametrize("mode", [[], ["--write"], ["--check"]], ids=str)
def test_json_is_printed_in_every_mode(repository: Path, mode: list[str]) -> None:
    done = dockopt(repository, "fix", "--format", "json", *mode)
    (file,) = done.json["files"]
    assert file["path"] == "api/Dockerfile"
    assert file["status"] == "changed"
    assert (file["before"], file["after"]) == (DOCKERFILE, FIXED)
    assert file["context"]["path"] == "api"
    assert done.json["summary"] == {"files": 1, "changed": 1, "held": 0, "errors": 0}


def test_json_has_the_fields_of_the_contract_in_order(repository: Path) -> None:
    report = dockopt(repository, "fix", "--format", "json").json
    assert list(report) == ["schema_version", "tool", "files", "summary"]
    assert report["schema_version"] == 1
    (file,) = report["files"]
    assert list(file) == [
        *("path", "context", "status", "error", "before", "after", "patch", "other_files"),
        *("applied", "held", "skipped", "timing_ms"),
    ]
    (applied,) = file["applied"]
    assert list(applied) == [
        *("transform", "safety", "title", "line", "end_line", "reason", "drops", "assumes"),
        *("evidence", "patch"),
    ]
    assert applied["safety"] == "same-image"
    assert applied["evidence"][0]["metric"] == "steps_rerun"
    assert applied["patch"] == file["patch"]


@pytest.mark.parametrize("mode", [[], ["--check"], ["--write"]], ids=str)
def test_output_goes_into_a_file(repository: Path, tmp_path: Path, mode: list[str]) -> None:
    printed = dockopt(repository, "fix").out
    report = tmp_path / "report.patch"
    done = dockopt(repository, "fix", "--output", str(report), *mode)
    assert done.out == b""
    assert report.read_bytes() == printed


def test_output_that_cannot_be_written(repository: Path) -> None:
    done = dockopt(repository, "fix", "--output", "no/such/folder/report")
    assert done.code == 2
    assert "cannot write no/such/folder/report: No such file or directory" in done.err


def make_fifo(path: Path) -> None:
    os.mkfifo(path)


def make_large(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate((64 << 20) + 1)


def make_loop(path: Path) -> None:
    path.symlink_to(path.name)


BAD = [
    ("missing", lambda path: None, "1:1: error: cannot read: No such file or directory"),
    ("folder", Path.mkdir, "1:1: error: no Dockerfile in this folder"),
    ("pipe", make_fifo, "1:1: error: is not a regular file"),
    ("device", lambda path: path.symlink_to("/dev/zero"), "1:1: error: a link leads out of"),
    ("outside", lambda path: path.symlink_to("../../x"), "1:1: error: "),
    ("loop", make_loop, "1:1: error: cannot read: "),
    ("large", make_large, "1:1: error: is larger than 64 MB"),
    ("empty", Path.touch, "1:1: error: file with no instructions"),
    ("only-comments", lambda path: path.write_text("# x\n\n"), "2:1: error: file with no instr"),
    ("no-from", lambda path: path.write_text("RUN x\n"), "1:1: error: "),
    (
        "only-arg",
        lambda path: path.write_text("ARG x\n"),
        "1:1: error: dockerfile contains no stages",
    ),
    ("unknown", lambda path: path.write_text("FROM a\n\nFORM b\n"), "3:1: error: unknown instr"),
    ("binary", lambda path: path.write_bytes(b"FROM a\n\x7fELF\0\0"), "2:5: error: a NUL byte"),
    ("utf-16", lambda path: path.write_bytes("FROM a\n".encode("utf-16")), "1:4: error: a NUL"),
]


@pytest.mark.parametrize(("make", "message"), [b[1:] for b in BAD], ids=[b[0] for b in BAD])
def test_bad_input_is_an_error_at_a_place_and_the_others_are_handled(
    repository: Path, make: Any, message: str
) -> None:
    bad = repository / "bad.Dockerfile"
    make(bad)
    done = dockopt(repository, "fix", "bad.Dockerfile", "api")
    assert done.code == 2
    assert f"bad.Dockerfile:{message}" in done.err
    assert b"+++ b/api/Dockerfile\n" in done.out
    report = dockopt(repository, "fix", "--format", "json", "bad.Dockerfile", "api").json
    wrong, good = report["files"]
    assert (wrong["status"], good["status"]) == ("error", "changed")
    assert wrong["error"] in done.err
    assert report["summary"]["errors"] == 1


def test_no_permission(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.open

    def refuse(path: Any, *arguments: Any, **more: Any) -> int:
        # Root may read everything, so the answer of the system is given here.
        if str(path).endswith("api/Dockerfile"):
            raise PermissionError(13, "Permission denied")
        return real(path, *arguments, **more)

    monkeypatch.setattr(os, "open", refuse)
    done = dockopt(repository, "fix")
    assert done.code == 2
    assert "api/Dockerfile:1:1: error: cannot read: Permission denied" in done.err


def test_broken_ignore_file_is_an_error_of_its_dockerfile(repository: Path) -> None:
    (repository / "api" / ".dockerignore").write_text("a\n[\n")
    application(repository / "web")
    done = dockopt(repository, "fix")
    assert b"+++ b/web/Dockerfile\n" in done.out
    assert b"api" not in done.out


@pytest.mark.parametrize(
    "arguments",
    [
        ["--format", "xml"],
        ["--safety", "safe"],
        ["--select", "no-such-transform"],
        ["--without", "copy-manifests-first,no-such-transform"],
        ["--context", "no-such-folder"],
        ["--context", "api/Dockerfile"],
        ["--build-arg", "=x"],
        ["--jobs", "0"],
        ["--write", "--check"],
        ["-", "api"],
        ["-", "--write"],
        ["--no-such-option"],
        ["--history", "-1"],
        ["--timings", "no-such-file"],
    ],
    ids=str,
)
def test_bad_usage(repository: Path, arguments: list[str]) -> None:
    done = dockopt(repository, "fix", *arguments)
    assert (done.code, done.out) == (2, b"")
    assert "Error: " in done.err


def test_unknown_format_names_the_known_ones(repository: Path) -> None:
    assert "'diff', 'json'" in dockopt(repository, "fix", "--format", "xml").err


def test_standard_input_without_a_context_skips_what_needs_one(tmp_path: Path) -> None:
    done = dockopt(tmp_path, "fix", "-", stdin=DOCKERFILE.encode())
    assert (done.code, done.out) == (0, b"")
    skipped = "split-builder-stage, swap-slim-base, copy-manifests-first, complete-manifests"
    assert "not tried without context: " in done.err
    assert skipped in done.err


def test_standard_input_with_a_context(repository: Path) -> None:
    done = dockopt(
        repository, "fix", "-", "--context", "api", "--format", "json", stdin=DOCKERFILE.encode()
    )
    (file,) = done.json["files"]
    assert (file["path"], file["after"]) == ("-", FIXED)
    assert file["context"] == {"path": "api", "found_by": "--context"}


def test_bad_standard_input(tmp_path: Path) -> None:
    done = dockopt(tmp_path, "fix", "-", stdin=b"FORM a\n")
    assert done.code == 2
    assert "-:1:1: error: unknown instruction: FORM" in done.err


def test_explicit_context_may_lie_above_the_file(tmp_path: Path) -> None:
    application(tmp_path)
    (tmp_path / "docker").mkdir()
    (tmp_path / "Dockerfile").rename(tmp_path / "docker" / "Dockerfile")
    done = dockopt(tmp_path, "fix", "docker/Dockerfile", "--context", ".")
    assert b"+++ b/docker/Dockerfile\n" in done.out
    assert "context ., from --context" in done.err


def test_ignore_file_of_a_dockerfile_outside_its_context(repository: Path) -> None:
    application(repository / "api", ignore=None)
    (repository / "docker").mkdir()
    (repository / "api" / "Dockerfile").rename(repository / "docker" / "Dockerfile")
    (repository / "docker" / "Dockerfile.dockerignore").write_text("dist\n")
    done = dockopt(repository, "fix", "docker/Dockerfile", "--context", "api")
    assert b"\n+++ b/docker/Dockerfile.dockerignore\n" in done.out
    apply(repository, done.out)
    assert "node_modules" in (repository / "docker" / "Dockerfile.dockerignore").read_text()


def test_select_without_and_safety(repository: Path) -> None:
    assert dockopt(repository, "fix", "--without", "copy-manifests-first").out == b""
    assert dockopt(repository, "fix", "--select", "copy-manifests-first").out != b""
    assert dockopt(repository, "fix", "--safety", "same-image").out != b""


@pytest.mark.parametrize(
    ("config", "arguments", "is_asked_for"),
    [
        ("", [], False),
        ("", ["--select", "serve-static-with-nginx"], True),
        ("", ["--select", "copy-manifests-first,serve-static-with-nginx"], True),
        ("select = ['serve-static-with-nginx']", [], True),
        ("select = ['serve-static-with-nginx']", ["--select", "copy-manifests-first"], False),
    ],
)
def test_a_transform_on_request_waits_to_be_named(
    repository: Path, config: str, arguments: list[str], is_asked_for: bool
) -> None:
    case = ROOT / "fixtures" / "cases" / "serve-static-with-nginx" / "serve-on-a-port-of-its-own"
    shutil.copytree(case / "before", repository / "web")
    (repository / "dockopt.toml").write_text(config)
    done = dockopt(repository, "fix", "web", *arguments)
    assert (b"FROM nginx:" in done.out) == is_asked_for
    offers = ", on-request\n" in done.err
    assert offers == (not is_asked_for and not arguments)


@pytest.mark.parametrize(
    ("config", "arguments", "changes"),
    [
        ("", [], True),
        ("without = ['copy-manifests-first']", [], False),
        ("without = ['copy-manifests-first']", ["--without", ""], False),
        ("select = ['copy-manifests-first']", [], True),
        ("select = ['copy-manifests-first']", ["--without", "copy-manifests-first"], False),
        ("exclude = ['api/']", [], False),
        ("exclude = ['/Dockerfile']", [], True),
        ("exclude = ['*', '!api/', '!api/Dockerfile']", [], True),
        ("context = 'api/src'", [], False),
        ("context = 'api/src'", ["--context", "api"], True),
        ("smoke = 'true'\ncosts = {'npm ci' = 3}", [], True),
        ("smoke = ['/app', '--version']", [], True),
    ],
    ids=str,
)
def test_configuration(repository: Path, config: str, arguments: list[str], changes: bool) -> None:
    (repository / "dockopt.toml").write_text(config)
    done = dockopt(repository, "fix", "--check", *arguments)
    assert done.code == (1 if changes else 0)


def test_excluded_file_is_handled_when_it_is_named(repository: Path) -> None:
    (repository / "dockopt.toml").write_text("exclude = ['api/']")
    assert dockopt(repository, "fix", "--check", "api/Dockerfile").code == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[tool.dockopt]\nselct = []\n", "2:1: error: unknown key 'selct'"),
        ("[tool.dockopt]\nselect = ['nope']\n", "2:1: error: select names an unknown transform"),
        ("[tool.dockopt]\ncontext = 'nope'\n", "2:1: error: context is no folder"),
        ("[tool.dockopt]\nsmoke = ''\n", "2:1: error: smoke has to be a command"),
        ("[tool.dockopt]\nsmoke = ['sh', 1]\n", "2:1: error: smoke has to be a command"),
        ("[tool.dockopt\n", "1:14: error: "),
    ],
)
def test_broken_configuration_is_told_once_and_stops_its_files_only(
    repository: Path, text: str, message: str
) -> None:
    application(repository / "api" / "sub")
    application(repository / "web")
    (repository / "api" / "pyproject.toml").write_text(text)
    done = dockopt(repository, "fix")
    assert done.code == 2
    assert done.err.count(f"pyproject.toml:{message}") == 1
    assert done.out.count(b"+++ ") == 1
    assert b"+++ b/web/Dockerfile\n" in done.out


def test_reader_that_goes_away_is_no_error(repository: Path) -> None:
    for number in range(40):
        application(repository / f"app-{number}")
    with subprocess.Popen(
        [sys.executable, "-m", "optimizer", "fix"],
        cwd=repository,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment({}),
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        err = process.stderr.read().decode()
    assert process.returncode == 0
    assert "Traceback" not in err
    assert "Broken pipe" not in err
    assert "41 of 41 files would change" in err


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_full_disk_is_an_error(repository: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "optimizer", "fix"],
            cwd=repository,
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
            env=environment({}),
        )
    assert done.returncode == 2
    assert done.stderr.decode().startswith("dockopt: error: cannot write to standard output: No sp")


def test_streams_may_be_closed(repository: Path) -> None:
    command = [sys.executable, "-m", "optimizer", "fix"]
    for closed in (">&-", "2>&-", "<&-", ">&- 2>&- <&-"):
        done = subprocess.run(
            ["sh", "-c", f'"$@" {closed}', "sh", *command],
            cwd=repository,
            capture_output=True,
            check=False,
            env=environment({}),
        )
        assert done.returncode == 0
        assert b"Traceback" not in done.stderr


def test_interrupt_is_silent(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "optimizer", "fix", "-"],
        cwd=tmp_path,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment({}),
    ) as process:
        assert process.stdin is not None
        # More than a pipe holds: once it is written, the command reads.
        process.stdin.write(b"#" * 200_000)
        process.stdin.flush()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate()
    assert (process.returncode, out, err) == (130, b"", b"")


def test_names_of_any_bytes(repository: Path) -> None:
    odd = Path(os.fsdecode(os.fsencode(repository) + b'/od\xff d\n"name'))
    application(odd)
    done = process(repository, "fix", odd)
    assert done.code == 0
    assert b'+++ "b/od\\377 d\\n\\"name/Dockerfile"\t\n' in done.out
    assert 'od\\xff d\\n"name/Dockerfile  1 change' in done.err
    apply(repository, done.out)
    assert (odd / "Dockerfile").read_text() == FIXED


def test_file_behind_two_names_is_handled_once(repository: Path) -> None:
    (repository / "link.Dockerfile").symlink_to("api/Dockerfile")
    done = dockopt(repository, "fix", "link.Dockerfile", "api/Dockerfile", "--format", "json")
    (file,) = done.json["files"]
    assert file["path"] == "api/Dockerfile"


def test_several_processes_give_the_same_answer_in_the_same_order(repository: Path) -> None:
    for number in range(18):
        application(repository / f"app-{number}")
    (repository / "app-7" / "Dockerfile").write_text("FORM\n")
    application(repository, ignore=None)
    (repository / "dev.Dockerfile").write_text(DOCKERFILE)
    one, two = (process(repository, "fix", "--jobs", jobs) for jobs in ("1", "2"))
    assert one == two
    assert one.code == 2
    assert one.out.count(b"+++ b/") == 21


def test_colour_is_for_terminals(repository: Path) -> None:
    plain = dockopt(repository, "fix")
    assert "\x1b" not in plain.err
    forced = dockopt(repository, "fix", FORCE_COLOR="1")
    assert forced.out == plain.out
    assert "\x1b[" in forced.err
    assert "\x1b" not in dockopt(repository, "fix", FORCE_COLOR="1", NO_COLOR="1").err


def on_a_terminal(folder: Path, *arguments: str, **more: str) -> str:
    """Runs with all streams on one pseudo-terminal and returns what it shows."""
    pty = pytest.importorskip("pty")
    leader, follower = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "optimizer", *arguments],
        cwd=folder,
        stdin=follower,
        stdout=follower,
        stderr=follower,
        env=environment({"COLUMNS": "90", **more}),
    ):
        os.close(follower)
        shown = b""
        try:
            while block := os.read(leader, 65536):
                shown += block
        except OSError:
            pass  # Linux says so when the other end is closed.
    os.close(leader)
    return shown.decode().replace("\r\n", "\n")


def test_terminal_shows_the_report_in_colour(repository: Path) -> None:
    shown = on_a_terminal(repository, "fix", TERM="xterm")
    assert "\x1b[32m+COPY package.json package-lock.json ./\x1b[0m" in shown
    assert "promise" in shown
    assert "`dockopt fix --write` applies it" in shown
    for quiet in ({"TERM": "dumb"}, {"TERM": "xterm", "NO_COLOR": "1"}):
        plain = on_a_terminal(repository, "fix", **quiet)
        assert "\x1b" not in plain
        assert "    +COPY package.json package-lock.json ./\n" in plain


def test_terminal_shows_a_bar_over_many_files(repository: Path) -> None:
    for number in range(25):
        application(repository / f"app-{number}", FIXED)
    shown = on_a_terminal(repository, "fix", "--check", TERM="xterm")
    assert "26/26" in shown


def test_explain_lists_and_prints_pages(tmp_path: Path) -> None:
    listing = dockopt(tmp_path, "explain")
    assert listing.code == 0
    assert b"  copy-manifests-first\n      Copy the dependency manifests before" in listing.out
    assert b"  gate-failed\n" in listing.out
    page = dockopt(tmp_path, "explain", "copy-manifests-first")
    assert b"\nWhy it pays\n===========\n" in page.out
    assert b"```dockerfile after\n" in page.out


def test_explain_says_what_is_left_out_on_purpose(tmp_path: Path) -> None:
    page = dockopt(tmp_path, "explain", "left-out")
    assert page.code == 0
    for what in ("Merging RUNs", "here-document", "Pinning", "WORKDIR", "musl", "LABEL"):
        assert what in page.out.decode()
    assert "left-out" in dockopt(tmp_path, "explain").out.decode()


def test_explain_says_who_gives_a_refusal_code(tmp_path: Path) -> None:
    own = dockopt(tmp_path, "explain", "intended-cache-bust")
    assert own.out.endswith(b"\n\nGiven by: copy-manifests-first, order-by-volatility\n")
    everybody = dockopt(tmp_path, "explain", "gate-failed")
    assert everybody.out.endswith(b"\n\nGiven by: any transform\n")


def test_explain_knows_what_was_meant(tmp_path: Path) -> None:
    done = dockopt(tmp_path, "explain", "copy-manifest-first")
    assert (done.code, done.out) == (2, b"")
    assert "close to it: copy-manifests-first" in done.err
    assert "close to it" not in dockopt(tmp_path, "explain", "zzzzzz").err


@pytest.mark.parametrize("what", ["instructions", "stages"])
def test_print(repository: Path, what: str) -> None:
    text = dockopt(repository, "print", what, "api/Dockerfile")
    assert text.code == 0
    assert b"node:22-slim" in text.out
    values = dockopt(repository, "print", what, "api/Dockerfile", "--format", "json").json
    assert values["schema_version"] == 1
    assert values["path"] == "api/Dockerfile"


def test_print_shows_what_buildkit_would_refuse_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM a\nFORM b\n")
    done = dockopt(tmp_path, "print", "instructions", "Dockerfile", "--format", "json")
    assert done.code == 2
    assert "Dockerfile:2:1: error: unknown instruction: FORM" in done.err
    assert [each["keyword"] for each in done.json["instructions"]] == ["FROM", "FORM"]


def test_print_takes_the_words_of_the_build(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("ARG V=1\nFROM a:$V AS one\nFROM b AS two\n")
    done = dockopt(
        tmp_path, "print", "stages", "Dockerfile", "--target", "one", "--build-arg", "V", V="7"
    )
    assert b"target: stage one" in done.out
    assert b"image a:7" in done.out


def test_version(tmp_path: Path) -> None:
    done = dockopt(tmp_path, "--version")
    assert done.code == 0
    assert done.out.startswith(b"dockopt ")


def test_no_command_is_a_question_for_help(tmp_path: Path) -> None:
    done = dockopt(tmp_path)
    assert done.code == 2
    assert "fix" in done.err + done.out.decode()


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["dockopt", "fix", "--select", "copy-m"], "copy-manifests-first"),
        (["dockopt", "explain", "intended"], "intended-cache-bust"),
        (["dockopt", "explain", "left"], "left-out"),
        (["dockopt", "ex"], "explain"),
    ],
)
def test_shell_completion(tmp_path: Path, words: Sequence[str], offered: str) -> None:
    done = process(
        tmp_path,
        _DOCKOPT_COMPLETE="complete_bash",
        COMP_WORDS=" ".join(words),
        COMP_CWORD=str(len(words) - 1),
    )
    assert offered in done.out.decode().split()


HEAVY = {
    *("yaml", "hcl2", "rich", "pathspec", "libcst", "multiprocessing", "concurrent.futures"),
    *("asyncio", "json.tool", "importlib.metadata", "tomllib", "http", "email", "secrets"),
}


def test_small_file_loads_nothing_heavy(repository: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "optimizer", "fix", "api/Dockerfile"],
        cwd=repository,
        capture_output=True,
        text=True,
        check=True,
        env=environment({}),
    )
    lines = [line for line in done.stderr.splitlines() if line.startswith("import time:")]
    loaded = {line.rpartition("|")[2].strip() for line in lines}
    assert "optimizer.pipeline" in loaded
    assert loaded & HEAVY == set()


@pytest.mark.parametrize("face", ["patch", "json", "summary", "terminal"])
def test_example_of_the_readme(tmp_path: Path, snapshot: Snapshot, face: str) -> None:
    """The whole way from files to bytes, on the example that a newcomer sees first."""
    root = tmp_path / "shop"
    shutil.copytree(ROOT / "fixtures" / "examples" / "shop", root)
    (root / ".git").mkdir()
    snapshot.snapshot_dir = ROOT / "fixtures" / "surfaces"
    if face == "terminal":
        shown = on_a_terminal(root, "fix", TERM="xterm").encode()
    elif face == "json":
        out = dockopt(root, "fix", "--format", "json").out
        out = re.sub(rb'"timing_ms": [0-9.]+', b'"timing_ms": 0.0', out)
        shown = re.sub(rb'"version": "[^"]+"', b'"version": "0"', out)
    else:
        done = dockopt(root, "fix")
        shown = done.out if face == "patch" else done.err.encode()
    snapshot.assert_match(shown, f"shop.{face}")


@pytest.mark.parametrize("words", [("fix",), ("cache", "Dockerfile")])
def test_stages_that_take_files_from_each_other_are_an_error(
    words: tuple[str, ...], tmp_path: Path
) -> None:
    (tmp_path / "Dockerfile").write_text(
        "FROM debian AS a\nCOPY --from=b /x /x\nFROM debian AS b\nCOPY --from=a /y /y\n"
        "FROM debian\nCOPY . .\nRUN apt-get update && apt-get install -y make\n"
    )
    done = dockopt(tmp_path, *words)
    assert done.code == 2
    assert "Dockerfile:4:1: error: circular dependency detected on stage: a" in done.err
    assert b"@@" not in done.out


@pytest.mark.parametrize(
    ("form", "start"),
    [
        ("sarif", b'{\n  "$schema"'),
        ("rdjson", b'{\n  "source"'),
        ("github", b"::notice file=Dockerfile,line=3,"),
        ("markdown", b"## dockopt: 1 of 1 file would change"),
    ],
)
def test_every_face_is_printed(tmp_path: Path, form: str, start: bytes) -> None:
    application(tmp_path)
    done = dockopt(tmp_path, "fix", "--format", form)
    assert done.code == 0
    assert done.out.startswith(start)
    assert done.out.decode("utf-8").endswith("\n")
