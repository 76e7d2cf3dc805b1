"""Ordinary commands, run for real: what changed on the disk is what `touch` says is written.

Every command is run in a scratch tree, by the tools of this machine and by busybox where it is
installed. What it left is compared with the tree before; a command that `touch` calls repeatable
is run a second time on a fresh tree and must leave the same.
"""

from __future__ import annotations

import gzip
import os
import shutil
import stat
import subprocess
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from optimizer.knowledge.commands import touch
from optimizer.knowledge.installs import Call, Touch

Seen = dict[str, tuple[str, int, bytes]]

FILES: Mapping[str, str | None] = {
    "a.txt": "one\ntwo\n",
    "b": "b\n",
    "dir/c.txt": "c\nw x\n",
    "dir/sub/d": "d",
    "dir/link": None,
    "other/e": "e",
    "-x": "dash",
    "sp ace/f": "f",
}


def archives(app: Path) -> None:
    """Writes one archive of each kind, with a file, a folder and a member two levels down."""
    members = {"t/one": b"1", "t/u/two": b"2", "three": b"3"}
    with tarfile.open(app / "x.tar", "w") as tar, zipfile.ZipFile(app / "x.zip", "w") as zip_:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, BytesIO(data))
            zip_.writestr(zipfile.ZipInfo(name), data)
    for name in ("x.tar.gz", "x.tgz"):
        (app / name).write_bytes(gzip.compress((app / "x.tar").read_bytes(), mtime=0))
    (app / "y.gz").write_bytes(gzip.compress(b"y\n", mtime=0))


class Scratch:
    """A tree below a temporary folder; the commands run in its folder ``app``."""

    def __init__(self, base: Path) -> None:
        self.base = base
        self.app = base / "app"
        self.home = base / "home"
        self.env = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home),
            "TMPDIR": str(base / "tmp"),
            "LC_ALL": "C",
        }

    def fill(self) -> None:
        shutil.rmtree(self.base, ignore_errors=True)
        for folder in (self.app / "dir/empty", self.home, self.base / "tmp", self.base / "out"):
            folder.mkdir(parents=True)
        for name, text in FILES.items():
            path = self.app / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.symlink_to("c.txt") if text is None else path.write_text(text)
        (self.base / "out/a.txt").write_text("old\n")
        archives(self.app)

    def run(self, words: list[str], stdin: str = "b\n") -> int:
        done = subprocess.run(
            words, cwd=self.app, env=self.env, input=stdin.encode(), capture_output=True,
            timeout=20, check=False,
        )  # fmt: skip
        return done.returncode

    def seen(self) -> Seen:
        return dict(_seen(self.base))

    def touch(self, words: list[str]) -> Touch | None:
        return touch(Call(tuple(words), str(self.app), self.env))


def _seen(base: Path) -> Iterator[tuple[str, tuple[str, int, bytes]]]:
    for folder, folders, files in os.walk(base):
        for name in [*folders, *files]:
            path = Path(folder, name)
            mode = path.lstat().st_mode
            if stat.S_ISLNK(mode):
                yield str(path), ("link", 0, os.fsencode(path.readlink()))
            elif stat.S_ISREG(mode):
                path.chmod(mode | 0o400)
                yield str(path), ("file", stat.S_IMODE(mode), path.read_bytes())
            else:
                yield str(path), ("dir", stat.S_IMODE(mode), b"")


def behind_links(path: str, seen: Seen) -> str:
    kind, _, target = seen.get(path, ("", 0, b""))
    return str(Path(path).parent / os.fsdecode(target)) if kind == "link" else path


def covered(path: str, writes: tuple[str, ...], before: Seen, after: Seen) -> bool:
    """Tells whether a change at ``path`` was foretold: below a prefix, or a folder made above."""
    if any(path == prefix or path.startswith(prefix.rstrip("/") + "/") for prefix in writes):
        return True
    made = path not in before and after.get(path, ("",))[0] == "dir"
    return made and any(prefix.startswith(path + "/") for prefix in writes)


def law(scratch: Scratch, tool: list[str], words: list[str]) -> None:
    found = scratch.touch(words)
    assume(found is not None and shutil.which((*tool, *words)[0]) is not None)
    assert found is not None
    scratch.fill()
    before = scratch.seen()
    code = scratch.run([*tool, *words])
    after = scratch.seen()
    changed = [p for p in before.keys() | after.keys() if before.get(p) != after.get(p)]
    # What lies behind a link is for those who know the files: `StageFiles.behind_links`.
    named = tuple(behind_links(path, before) for path in found.writes)
    missed = [path for path in changed if not covered(path, found.writes + named, before, after)]
    assert not missed, (tool, words, found.writes)
    if found.repeatable and changed:
        scratch.fill()
        assert scratch.run([*tool, *words]) == code
        assert scratch.seen() == after, (tool, words)


@pytest.fixture(scope="module")
def scratch() -> Iterator[Scratch]:
    with tempfile.TemporaryDirectory(prefix="dockopt-commands-") as folder:
        yield Scratch(Path(folder) / "root")


@pytest.fixture(params=["this machine", "busybox"], scope="module")
def tool(request: pytest.FixtureRequest) -> list[str]:
    if request.param == "this machine":
        return []
    found = shutil.which("busybox")
    if found is None:
        pytest.skip("busybox is not installed")
    return [found]


NAMES = [*FILES, "dir", "other", "new", "dir/new", ".", "./b", "dir/", "other/", "dir/sub",
         "../out", "../out/", "../out/a.txt", "new/deep", "nowhere/x", "*.txt",
         "dir/."]  # fmt: skip


def options(*choices: str) -> st.SearchStrategy[list[str]]:
    """Up to three of the options; those with a blank are an option and its value."""
    chosen = st.lists(st.sampled_from(choices), max_size=3, unique=True)
    return chosen.map(lambda words: [part for word in words for part in word.split(" ")])


def operands(least: int, most: int, names: list[str] | None = None) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(names or NAMES), min_size=least, max_size=most)


def line(
    program: str, choices: str, words: st.SearchStrategy[list[str]]
) -> st.SearchStrategy[list[str]]:
    return st.tuples(options(*choices.split(",")), words).map(lambda pair: [program, *pair[0],
                                                                            *pair[1]])  # fmt: skip


def first(words: list[str], rest: st.SearchStrategy[list[str]]) -> st.SearchStrategy[list[str]]:
    return st.tuples(st.sampled_from(words), rest).map(lambda pair: [pair[0], *pair[1]])


FILE_TOOLS = st.one_of(
    line("cp", "-r,-a,-R,-f,-p,-n,-T,-t other,-t ../out,--parents,-b,--backup=numbered,-S .old,-u,"
               "-l,-s,-P,--,-v,-d", operands(1, 3)),
    line("mv", "-f,-n,-T,-t other,-t ../out,-b,-v,--,-S .old", operands(1, 3)),
    line("ln", "-s,-f,-n,-T,-v,-b,-t other,-r,--", operands(1, 3)),
    line("install", "-d,-D,-m 755,-v,-t other,-T,-p,-b,-C,--", operands(1, 3)),
    line("rm", "-r,-f,-rf,-v,-d,--", operands(1, 3)),
    line("rmdir", "-p,-v,--ignore-fail-on-non-empty,--", operands(1, 2)),
    line("mkdir", "-p,-m 700,-v,--", operands(1, 3)),
    line("touch", "-c,-a,-m,-d 2020-01-01,-r b,--", operands(1, 3)),
    line("chmod", "-R,-v,-f", first(["755", "u+x", "-x", "a=r", "-w", "0600"], operands(1, 3))),
    line("chown", "-R,-h,-v", first(["0", "0:0", ":0", "root"], operands(1, 3))),
    line("tee", "-a,-i,--", operands(0, 2)),
    line("cat", "-n,-A,--", operands(0, 3)),
    line("truncate", "-s 0,-s 10,-c", operands(1, 2)),
    line("split", "-b 1,-l 1,-d,-a 3", operands(0, 2)),
    line("mktemp", "-d,-q,-t,-p other,-u", operands(0, 1, ["fooXXXXXX", "other/xXXXXXX"])),
    line("dos2unix", "-q", operands(1, 2)),
    line("ls", "-l,-a,-R,-1,-d", operands(0, 2)),
    line("stat", "-c %s,-c %n,-t", operands(1, 2)),
    line("readlink", "-f,-n", operands(1, 1)),
    line("realpath", "", operands(1, 1)).map(lambda words: [w for w in words if w]),
    line("du", "-s,-h,-a", operands(0, 2)),
)  # fmt: skip

SED_SCRIPTS = [
    "s/o/0/", "s/o/0/g;p", "/two/d", "$d", "1,2p", "s|o|0|w new", "w dir/new", "/o/w new",
    "/o/{s/o/0/;w new\n}", "a hello", "i\\\nhello", "1r b", "y/o/0/", "s/\\//x/", "s/[/]/x/",
    "s#a#b#;s,c,d,w other/new", "n;d", "$!N;P;D", ":a;s/x/y/;ta", "=", "/a/,/b/s/x/w new/",
    "s/a/w new/", "s/x/\\\n/", "c\\\nw new", "/w new/d", "s/;w new/x/", "# w new\np", "2q",
    "s/a/b/e",
]  # fmt: skip
TEXT_TOOLS = st.one_of(
    st.tuples(
        options("-n", "-E", "-i", "-i.bak", "-r", "-s", "-z"),
        st.lists(st.sampled_from(SED_SCRIPTS), min_size=1, max_size=3),
        st.booleans(),
        operands(0, 2, ["a.txt", "b", "dir/c.txt", "dir/link"]),
    ).map(
        lambda given: ["sed", *given[0],
                       *([part for script in given[1] for part in ("-e", script)] if given[2]
                         else given[1][:1]), *given[3]]
    ),
    line("sort", "-u,-r,-n,-o new,-o b,-k 1,-t x,-c,-oother/new", operands(0, 2)),
    line("uniq", "-c,-d,-u,-i", operands(0, 2)),
    line("grep", "-r,-q,-i,-v,-n,-c,-l,-e o,-E,-w,-o", first(["o", "x"], operands(0, 2))),
    line("head", "-n 1,-c 1,-1,-q", operands(0, 2)),
    line("tail", "-n 1,-n +1,-c 1", operands(0, 2)),
    line("cut", "-d x,-f 1,-c 1,-s", operands(0, 2)),
    line("wc", "-l,-c,-w", operands(0, 2)),
    line("base64", "-d,-w 0", operands(0, 1)),
    line("sha256sum", "-b", operands(0, 2)).map(lambda words: [w for w in words if w != "-b"]),
    st.sampled_from(["{print $1}", "/o/ { n++ } END { print n }", '{ print > "new" }',
                     '{ print $1 " > new" }', '/[/"]/ { print > "new" }', 'BEGIN { system("id") }',
                     '/=>/ { print }', '{ print | "cat > new" }', '{gsub(/o/, "0"); print}',
                     '/a"/ { print > "new" }', '{ x = 4 / 2; print "/" x }',
                     '{ x = 4 / 2 } /"/ { print > "new" }']).map(lambda p: ["awk", p, "a.txt"]),
    st.sampled_from(["new", "b", "dir/c.txt"]).map(lambda name: ["dd", f"of={name}", "bs=1",
                                                                 "count=1"]),
)  # fmt: skip

ARCHIVE_TOOLS = st.one_of(
    st.tuples(
        st.sampled_from(["xf", "xzf", "-xf", "-xzf", "-x -f", "tf", "-tf", "--extract --file",
                         "-xvf", "xvzf"]),
        st.sampled_from(["x.tar", "x.tar.gz", "x.tgz"]),
        options("-C other", "-C ../out", "--strip-components=1", "--strip-components 1", "-O", "-m",
                "-k", "-v", "-p", "--exclude=three", "--no-same-owner", "--one-top-level",
                "--overwrite", "-C dir", "--strip=1", "--one-top-level=new"),
        operands(0, 1, ["three", "t", "t/u"]),
    ).map(lambda given: ["tar", *given[0].split(), given[1], *given[2], *given[3]]),
    st.tuples(
        st.sampled_from(["cf", "czf", "-cf", "-czf", "-cvf"]),
        st.sampled_from(["new.tar", "other/new.tgz", "-"]),
        options("-C dir", "-C ..", "--exclude=c.txt", "-v"),
        operands(1, 2, ["b", "dir", ".", "sub"]),
    ).map(lambda given: ["tar", given[0], given[1], *given[2], *given[3]]),
    line("unzip", "-o,-q,-j,-n,-d other,-d ../out,-p,-l,-dnew",
         operands(1, 2, ["x.zip", "x", "three", "t/*"])),
    line("gzip", "-k,-f,-c,-d,-9,-n,-v,-r,-t", operands(0, 2, ["b", "y.gz", "dir", "x.tgz"])),
    line("gunzip", "-k,-f,-c,-t", operands(0, 2, ["y.gz", "x.tgz", "y", "x.tar.gz"])),
    line("zcat", "-f", operands(0, 2, ["y.gz", "x.tgz", "y"])).map(
        lambda words: [w for w in words if w != "-f"]),
    line("xz", "-k,-f,-c,-d,-9", operands(0, 2, ["b", "a.txt", "dir/c.txt"])),
    line("bzip2", "-k,-f,-c,-d,-9", operands(0, 2, ["b", "a.txt", "dir/c.txt"])),
    line("zip", "-r,-q,-j,-m,-1", first(["new.zip", "new", "x.zip"], operands(1, 2))),
)  # fmt: skip

ACTIONS = ["-delete", "-exec rm -rf {} +", "-exec rm {} ;", "-exec cp {} ../out ;", "-print",
           "-exec mv {} {}.old ;", "-exec chmod 600 {} ;", "-exec touch {}/new ;", "-newer b",
           "-exec sed -i s/o/0/ {} +", "-exec echo {} ;", "-execdir rm {} ;", "-prune",
           "-exec cp {} {}/../copy ;", "-exec touch new{} ;", "-exec sh -c :>new ;"]  # fmt: skip
TESTS = ["-type f", "-type d", "-name *.txt", "! -name b", "-maxdepth 1", "-mindepth 1", "-empty",
         "-depth", "( -name a -o -name b )"]  # fmt: skip
SEARCHES = st.one_of(
    st.tuples(
        operands(0, 2, ["dir", "other", ".", "../out", "dir/sub", "b"]),
        st.lists(st.sampled_from(TESTS), max_size=2),
        st.sampled_from(ACTIONS),
    ).map(
        lambda given: ["find", *given[0], *(w for test in given[1] for w in test.split()),
                       *given[2].split()]
    ),
    st.sampled_from(["xargs", "xargs -0 echo", "xargs cat", "xargs rm", "xargs -I{} cp {} new",
                     "xargs -n 1 mkdir -p", "xargs -r true"]).map(str.split),
)  # fmt: skip


GIT_TOOLS = st.sampled_from(
    ["git init -q", "git init -q new", "git config --global a.b c", "git config --file new a.b c",
     "git clone -q ../src", "git clone -q ../src new", "git clone -q --bare ../src",
     "git clone -q --depth 1 ../src new/deep", "git -C dir init -q", "git status",
     "git clone -q -c user.name=x ../src/ other/src", "git clone -q --mirror ../src/.git"]
).map(str.split)  # fmt: skip
FETCHES = st.tuples(
    options("-o new", "-O", "-fsSL", "--output-dir other", "-o dir/new", "--create-dirs -o n/e/w",
            "-J", "-R", "-I", "-o -"),
    st.sampled_from(["a.txt", "dir/c.txt", "none"]),
).map(lambda given: ["curl", *given[0], given[1]])  # fmt: skip

EXAMPLES = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.filter_too_much,
                           HealthCheck.too_slow],
)  # fmt: skip


@EXAMPLES
@given(words=FILE_TOOLS)
def test_file_tools(scratch: Scratch, tool: list[str], words: list[str]) -> None:
    law(scratch, tool, words)


@EXAMPLES
@given(words=TEXT_TOOLS)
def test_text_tools(scratch: Scratch, tool: list[str], words: list[str]) -> None:
    law(scratch, tool, words)


@EXAMPLES
@given(words=ARCHIVE_TOOLS)
def test_archive_tools(scratch: Scratch, tool: list[str], words: list[str]) -> None:
    if tool and words[0] in ("xz", "bzip2", "zip"):
        tool = []
    if shutil.which(words[0]) is None and not tool:
        return
    law(scratch, tool, words)


@EXAMPLES
@given(words=SEARCHES)
def test_searches(scratch: Scratch, tool: list[str], words: list[str]) -> None:
    law(scratch, tool, words)


@settings(max_examples=20, deadline=None)
@given(words=GIT_TOOLS)
def test_git(scratch: Scratch, words: list[str]) -> None:
    source = scratch.base / "src"
    fill = scratch.fill

    def with_repository() -> None:
        fill()
        dates = {"GIT_AUTHOR_DATE": "@0 +0000", "GIT_COMMITTER_DATE": "@0 +0000"}
        name = ["git", "-C", str(source), "-c", "user.name=x", "-c", "user.email=x@x"]
        for words in (["git", "init", "-q", str(source)],
                      [*name, "commit", "-q", "--allow-empty", "-m", "x"]):  # fmt: skip
            subprocess.run(words, env={**scratch.env, **dates}, check=True, timeout=20)

    scratch.fill = with_repository  # type: ignore[method-assign]
    try:
        law(scratch, [], words)
    finally:
        scratch.fill = fill  # type: ignore[method-assign]


@settings(max_examples=20, deadline=None)
@given(words=FETCHES)
def test_curl_of_files(scratch: Scratch, words: list[str]) -> None:
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    law(scratch, [], [*words[:-1], f"file://{scratch.app}/{words[-1]}"])
