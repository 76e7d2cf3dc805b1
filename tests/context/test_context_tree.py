"""The build context is what a build would send, and is read only as far as it is asked for."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.context.tree import BuildContext, ContextError, Link

needs_permissions = pytest.mark.skipif(
    os.geteuid() == 0, reason="root reads everything, whatever the permissions say"
)


def plant(root: Path, files: Mapping[str, bytes | Link]) -> Path:
    """Writes a listing to disk."""
    for path, content in files.items():
        place = root / path
        if path.endswith("/"):
            place.mkdir(parents=True, exist_ok=True)
            continue
        place.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, Link):
            place.symlink_to(content.target)
        else:
            place.write_bytes(content)
    return root


def paths(context: BuildContext, prefix: str = "") -> list[str]:
    return [entry.path for entry in context.files(prefix)]


def refusing(call: Callable[..., object], ends: tuple[str, ...]) -> Callable[..., object]:
    """Returns a system call that refuses the paths with one of these ends."""

    def refuse(path: str, *rest: object) -> object:
        if path.endswith(ends):
            raise PermissionError(13, "Permission denied", path)
        return call(path, *rest)

    return refuse


@pytest.fixture
def scanned(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the directories that were listed."""
    seen: list[str] = []
    scandir = os.scandir

    def watch(path: str) -> os._ScandirIterator[str]:
        seen.append(os.path.basename(path))  # noqa: PTH119 - scandir gets text
        return scandir(path)

    monkeypatch.setattr(os, "scandir", watch)
    return seen


SHOP: dict[str, bytes | Link] = {
    "Dockerfile": b"FROM scratch\n",
    "package.json": b"{}",
    "package-lock.json": b"{}\n",
    "src/index.js": b"",
    "src/lib/a.js": b"a",
    "src/lib/b.js": b"b",
    "src/lib/c.ts": b"c",
    "src.old/index.js": b"",
    "node_modules/x/package.json": b"{}",
    "docs/": b"",
    ".git/HEAD": b"ref",
    ".env": b"",
}


class TestEntries:
    def test_everything_is_sent_directories_before_their_content(self, tmp_path: Path) -> None:
        context = BuildContext(plant(tmp_path, SHOP))
        assert [(entry.path, entry.kind) for entry in context.files()] == [
            (".env", "file"),
            (".git", "dir"),
            (".git/HEAD", "file"),
            ("Dockerfile", "file"),
            ("docs", "dir"),
            ("node_modules", "dir"),
            ("node_modules/x", "dir"),
            ("node_modules/x/package.json", "file"),
            ("package-lock.json", "file"),
            ("package.json", "file"),
            ("src", "dir"),
            ("src/index.js", "file"),
            ("src/lib", "dir"),
            ("src/lib/a.js", "file"),
            ("src/lib/b.js", "file"),
            ("src/lib/c.ts", "file"),
            ("src.old", "dir"),
            ("src.old/index.js", "file"),
        ]

    def test_prefix_is_a_path_and_no_beginning_of_a_name(self) -> None:
        context = BuildContext.from_listing(SHOP)
        assert paths(context, "src/lib") == ["src/lib/a.js", "src/lib/b.js", "src/lib/c.ts"]
        assert paths(context, "/src/lib/") == paths(context, "src/lib")
        assert paths(context, "src/index.js") == ["src/index.js"]
        assert paths(context, "pack") == []
        assert paths(context, "docs") == []

    def test_one_entry(self, tmp_path: Path) -> None:
        context = BuildContext(plant(tmp_path, SHOP))
        entry = context.get("package-lock.json")
        assert entry is not None
        assert (entry.path, entry.kind, entry.size, entry.target) == (
            "package-lock.json",
            "file",
            3,
            None,
        )

    @pytest.mark.parametrize(
        ("path", "found"),
        [
            ("", ""),
            (".", ""),
            ("/", ""),
            ("src", "src"),
            ("./src/", "src"),
            ("/src//lib/../index.js", "src/index.js"),
            ("../../package.json", "package.json"),
            ("Package.json", None),
            ("src/none", None),
            ("package.json/x", None),
            ("package.json/x/y", None),
            ("a\0b", None),
            ("\ud800", None),
            ("x" * 5000, None),
        ],
    )
    def test_paths_never_leave_the_context(
        self, tmp_path: Path, path: str, found: str | None
    ) -> None:
        for context in (BuildContext(plant(tmp_path, SHOP)), BuildContext.from_listing(SHOP)):
            entry = context.get(path)
            assert (entry and entry.path) == found

    def test_children_of_a_directory(self, tmp_path: Path) -> None:
        context = BuildContext(plant(tmp_path, SHOP))
        assert [entry.path for entry in context.children("src")] == ["src/index.js", "src/lib"]
        assert context.children("docs") == ()
        assert context.children("package.json") == ()
        assert context.children("none") == ()

    def test_content(self, tmp_path: Path) -> None:
        for context in (BuildContext(plant(tmp_path, SHOP)), BuildContext.from_listing(SHOP)):
            assert context.read_bytes("package-lock.json") == b"{}\n"
            assert context.read_bytes("./src/lib/a.js", limit=1) == b"a"

    @pytest.mark.parametrize(
        ("path", "limit", "message"),
        [
            ("none", 9, "no such file in the build context"),
            ("node_modules/x/package.json", 9, "no such file in the build context"),
            ("src", 9, "a directory, not a file"),
            ("package-lock.json", 2, "longer than 2 bytes"),
        ],
    )
    def test_no_content(self, tmp_path: Path, path: str, limit: int, message: str) -> None:
        files = {**SHOP, ".dockerignore": b"node_modules"}
        for context in (BuildContext(plant(tmp_path, files)), BuildContext.from_listing(files)):
            with pytest.raises(ContextError) as error:
                context.read_bytes(path, limit=limit)
            assert (error.value.path, error.value.message) == (path, message)

    def test_no_context_at_all(self, tmp_path: Path) -> None:
        context = BuildContext(tmp_path / "none")
        assert context.get("a") is None
        with pytest.raises(ContextError, match=r"^\.: No such file or directory$"):
            paths(context)

    def test_a_file_for_a_context(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_bytes(b"")
        with pytest.raises(ContextError, match="Not a directory"):
            BuildContext(tmp_path / "file").children("")

    def test_listing_contradicts_itself(self) -> None:
        with pytest.raises(ValueError, match="a is no directory"):
            BuildContext.from_listing({"a": b"", "a/b": b""})
        with pytest.raises(ValueError, match="a is no directory"):
            BuildContext.from_listing({"a/b": b"", "a": b""})


class TestLaziness:
    def test_nothing_is_read_before_it_is_asked_for(
        self, tmp_path: Path, scanned: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        plant(tmp_path, SHOP)
        monkeypatch.setattr(os, "lstat", lambda path: pytest.fail(f"asked for {path}"))
        BuildContext(tmp_path, tmp_path / "Dockerfile")
        assert scanned == []

    def test_a_few_paths_list_no_directory(self, tmp_path: Path, scanned: list[str]) -> None:
        plant(tmp_path, {**SHOP, ".dockerignore": b"node_modules\n"})
        context = BuildContext(tmp_path, tmp_path / "Dockerfile")
        assert context.get("package.json") is not None
        assert context.excluded("node_modules/x")
        assert context.read_bytes("src/lib/a.js") == b"a"
        assert context.glob("src/lib") != ()
        assert scanned == []

    def test_what_is_left_out_is_not_listed(self, tmp_path: Path, scanned: list[str]) -> None:
        ignore = b"**/node_modules\n.git\n!src/keep\n"
        plant(tmp_path, {**SHOP, "src/node_modules/y": b"", ".dockerignore": ignore})
        assert "src/lib/a.js" in paths(BuildContext(tmp_path))
        assert sorted(scanned) == sorted([tmp_path.name, "docs", "src", "lib", "src.old"])

    def test_a_directory_is_listed_once(self, tmp_path: Path, scanned: list[str]) -> None:
        context = BuildContext(plant(tmp_path, SHOP))
        context.children("src")
        context.children("src")
        context.glob("src/*")
        paths(context, "src")
        paths(context.with_file("src/new.js", b""), "src")
        assert sorted(scanned) == ["lib", "src"]

    def test_wildcards_list_only_where_they_look(self, tmp_path: Path, scanned: list[str]) -> None:
        context = BuildContext(plant(tmp_path, SHOP))
        assert [entry.path for entry in context.glob("src/*/a.js")] == ["src/lib/a.js"]
        assert scanned == ["src", "lib"]


class TestIgnored:
    def test_left_out(self) -> None:
        context = BuildContext.from_listing({**SHOP, ".dockerignore": b"node_modules\n.git\nsrc*"})
        assert paths(context) == [
            ".dockerignore",
            ".env",
            "Dockerfile",
            "docs",
            "package-lock.json",
            "package.json",
        ]
        assert context.get("src/index.js") is None
        assert context.children("src") == ()
        assert context.excluded("src/anything")
        assert context.excluded("/node_modules/")
        assert not context.excluded("other")

    def test_directory_is_sent_for_what_is_brought_back(self, tmp_path: Path) -> None:
        files = {**SHOP, ".dockerignore": b"*\n!src/lib/b.js\n!docs/*.md\n"}
        for context in (BuildContext(plant(tmp_path, files)), BuildContext.from_listing(files)):
            assert paths(context) == ["src", "src/lib", "src/lib/b.js"]
            assert [entry.path for entry in context.children("")] == ["src"]
            assert [entry.path for entry in context.children("src")] == ["src/lib"]
            assert context.get("src/lib") is not None
            assert context.excluded("src/lib")
            assert context.get("docs") is None
            assert [entry.path for entry in context.glob("s*/*/*")] == ["src/lib/b.js"]

    def test_held_directories_do_not_leak_into_their_neighbours(self) -> None:
        files = {"a/b/c/x": b"", "a/b/d/y": b"", "a/e/y": b"", "f/x": b""}
        context = BuildContext.from_listing({**files, ".dockerignore": b"*\n!**/y"})
        assert paths(context) == ["a", "a/b", "a/b/d", "a/b/d/y", "a/e", "a/e/y"]

    def test_dockerfile_and_ignore_file_may_be_left_out(self) -> None:
        files = {"Dockerfile": b"", ".dockerignore": b"Dockerfile\n.dockerignore\n", "a": b""}
        context = BuildContext.from_listing(files)
        assert paths(context) == ["a"]
        assert context.ignore_file == Path(".dockerignore")


class TestIgnoreFile:
    def test_none(self, tmp_path: Path) -> None:
        context = BuildContext(plant(tmp_path, SHOP), tmp_path / "Dockerfile")
        assert context.ignore_file is None
        assert context.ignore_path == ".dockerignore"
        assert context.ignore_text is None
        assert not context.excluded("a")

    @pytest.mark.parametrize(
        ("dockerfile", "files", "path"),
        [
            ("Dockerfile", {".dockerignore": b"a"}, ".dockerignore"),
            ("Dockerfile", {".dockerignore": b"b", "Dockerfile.dockerignore": b"a"}, None),
            ("dev.Dockerfile", {".dockerignore": b"b", "dev.Dockerfile.dockerignore": b"a"}, None),
            ("dev.Dockerfile", {".dockerignore": b"a", "Dockerfile.dockerignore": b"b"}, ""),
            ("docker/app", {".dockerignore": b"b", "docker/app.dockerignore": b"a"}, None),
            ("docker/app", {".dockerignore": b"a", "docker/.dockerignore": b"b"}, ""),
        ],
        ids=[
            "the root's",
            "the Dockerfile's own wins",
            "the Dockerfile's own, by its whole name",
            "another Dockerfile's does not count",
            "the Dockerfile's own in its folder",
            "one in the Dockerfile's folder does not count",
        ],
    )
    def test_precedence(
        self,
        tmp_path: Path,
        dockerfile: str,
        files: dict[str, bytes | Link],
        path: str | None,
    ) -> None:
        wanted = f"{dockerfile}.dockerignore" if path is None else ".dockerignore"
        tree: dict[str, bytes | Link] = {dockerfile: b"", **files}
        on_disk = BuildContext(plant(tmp_path, tree), tmp_path / dockerfile)
        in_memory = BuildContext.from_listing(tree, dockerfile)
        assert on_disk.ignore_file == tmp_path / wanted
        assert in_memory.ignore_file == Path(wanted)
        for context in (on_disk, in_memory):
            assert context.ignore_path == wanted
            assert context.ignore_text == "a"
            assert context.excluded("a")

    def test_dockerfile_from_standard_input(self, tmp_path: Path) -> None:
        plant(tmp_path, {".dockerignore": b"a", "Dockerfile.dockerignore": b"b"})
        assert BuildContext(tmp_path).excluded("a")

    def test_dockerfile_outside_of_the_context(self, tmp_path: Path) -> None:
        plant(tmp_path, {"docker/app": b"", "docker/app.dockerignore": b"a", "shop/a": b""})
        (tmp_path / "shop" / ".dockerignore").write_bytes(b"b")
        context = BuildContext(tmp_path / "shop", tmp_path / "docker" / "app")
        assert context.ignore_file == tmp_path / "docker" / "app.dockerignore"
        assert context.ignore_path == "../docker/app.dockerignore"
        assert context.get("a") is None
        changed = context.with_file("../docker/app.dockerignore", b"b")
        assert changed.get("a") is not None
        assert changed.excluded("b")

    def test_context_reached_through_a_link(self, tmp_path: Path) -> None:
        plant(tmp_path, {"real/Dockerfile": b"", "real/Dockerfile.dockerignore": b"a"})
        (tmp_path / "alias").symlink_to("real")
        context = BuildContext(tmp_path / "alias", tmp_path / "real" / "Dockerfile")
        assert context.ignore_path == "Dockerfile.dockerignore"
        assert context.excluded("a")

    def test_empty_file_of_the_dockerfile_wins(self) -> None:
        context = BuildContext.from_listing({".dockerignore": b"a", "Dockerfile.dockerignore": b""})
        assert context.ignore_path == "Dockerfile.dockerignore"
        assert context.ignore_text == ""
        assert not context.excluded("a")

    def test_directory_of_that_name_counts_as_missing(self) -> None:
        context = BuildContext.from_listing(
            {".dockerignore": b"a", "Dockerfile.dockerignore/": b""}
        )
        assert context.excluded("a")
        assert BuildContext.from_listing({".dockerignore/x": b"a"}).ignore_file is None

    def test_link_within_the_context_is_read(self, tmp_path: Path) -> None:
        files: dict[str, bytes | Link] = {
            ".dockerignore": Link("conf/ignore"),
            "conf/ignore": b"a",
        }
        for context in (BuildContext(plant(tmp_path, files)), BuildContext.from_listing(files)):
            assert context.ignore_path == ".dockerignore"
            assert context.excluded("a")

    def test_link_out_of_the_context_is_not_read(self, tmp_path: Path) -> None:
        plant(tmp_path, {"secret": b"a", "shop/.dockerignore": Link("../secret")})
        assert BuildContext(tmp_path / "shop").ignore_file is None

    def test_refused_file(self) -> None:
        context = BuildContext.from_listing({"Dockerfile": b"", ".dockerignore": b"a\n[b\n"})
        asks: list[Callable[[], object]] = [
            lambda: list(context.files()),
            lambda: context.children(""),
            lambda: context.get("Dockerfile"),
            lambda: context.glob("*"),
            lambda: context.excluded("a"),
            lambda: context.ignore_file,
        ]
        for ask in asks:
            with pytest.raises(ContextError) as error:
                ask()
            assert error.value.path == ".dockerignore"
            assert error.value.message == "line 2: syntax error in pattern"


class TestWithFile:
    def test_new_file_with_new_directories(self, tmp_path: Path) -> None:
        for old in (BuildContext(plant(tmp_path, SHOP)), BuildContext.from_listing(SHOP)):
            new = old.with_file("src/deep/er/x", b"xyz")
            entry = new.get("src/deep/er/x")
            assert entry is not None
            assert (entry.kind, entry.size) == ("file", 3)
            assert new.read_bytes("src/deep/er/x") == b"xyz"
            assert [child.path for child in new.children("src")] == [
                "src/deep",
                "src/index.js",
                "src/lib",
            ]
            assert paths(new, "src/deep") == ["src/deep/er", "src/deep/er/x"]
            assert set(paths(new)) - set(paths(old)) == {
                "src/deep",
                "src/deep/er",
                "src/deep/er/x",
            }
            assert old.get("src/deep") is None
        assert not (tmp_path / "src" / "deep").exists()

    def test_replaced_file(self) -> None:
        old = BuildContext.from_listing(SHOP)
        new = old.with_file("package.json", b"[]")
        assert (old.read_bytes("package.json"), new.read_bytes("package.json")) == (b"{}", b"[]")
        assert paths(new) == paths(old)
        assert new.read_bytes("src/lib/a.js") == b"a"

    def test_ignore_file_takes_effect(self, tmp_path: Path) -> None:
        old = BuildContext(plant(tmp_path, SHOP), tmp_path / "Dockerfile")
        assert old.get("node_modules/x") is not None
        new = old.with_file(".dockerignore", b"node_modules\n")
        assert new.get("node_modules/x") is None
        assert new.ignore_text == "node_modules\n"
        assert new.ignore_file == tmp_path / ".dockerignore"
        assert old.get("node_modules/x") is not None
        newer = new.with_file("Dockerfile.dockerignore", b"src\n")
        assert newer.get("src") is None
        assert newer.get("node_modules/x") is not None

    def test_links_around_it_are_kept(self) -> None:
        new = BuildContext.from_listing({"l": Link("a"), "a": b""}).with_file("b", b"")
        assert new.follow("l") == "a"


class TestLinks:
    FILES: Mapping[str, bytes | Link] = {
        "real/file": b"content",
        "real/deep/file": b"",
        "to-file": Link("real/file"),
        "to-dir": Link("real"),
        "real/up": Link("../real/deep"),
        "chain": Link("to-dir/up"),
        "absolute": Link("/real/file"),
        "outside": Link("../../etc/passwd"),
        "out-and-back": Link("../real/file"),
        "dangling": Link("real/none"),
        "loop-a": Link("loop-b"),
        "loop-b": Link("loop-a"),
        "self": Link("self"),
        "grows": Link("grows/x"),
        "root": Link("."),
        "above": Link(".."),
        "tidy": Link("./real/../real//file"),
    }

    @pytest.fixture(params=["disk", "memory"])
    def context(self, request: pytest.FixtureRequest, tmp_path: Path) -> BuildContext:
        if request.param == "memory":
            return BuildContext.from_listing(self.FILES)
        return BuildContext(plant(tmp_path, self.FILES))

    def test_links_are_sent_as_links(self, context: BuildContext) -> None:
        links = {entry.path: entry.target for entry in context.files() if entry.kind == "link"}
        assert links == {
            path: content.target
            for path, content in self.FILES.items()
            if isinstance(content, Link)
        }

    def test_nothing_lies_below_a_link(self, context: BuildContext) -> None:
        assert context.get("to-dir/file") is None
        assert context.children("to-dir") == ()
        assert not any(path.startswith("to-dir/") for path in paths(context))
        entry = context.get("to-dir")
        assert entry is not None
        assert entry.size == 0

    def test_content_is_not_read_through_a_link(self, context: BuildContext) -> None:
        with pytest.raises(ContextError, match="a link, not a file"):
            context.read_bytes("to-file")
        with pytest.raises(ContextError, match="no such file"):
            context.read_bytes("to-dir/file")

    @pytest.mark.parametrize(
        ("path", "leads_to", "inside"),
        [
            ("real/file", "real/file", True),
            ("none", "none", True),
            ("to-file", "real/file", True),
            ("to-dir/file", "real/file", True),
            ("to-dir/none/x", "real/none/x", True),
            ("chain/file", "real/deep/file", True),
            ("tidy", "real/file", True),
            ("root/to-file", "real/file", True),
            ("absolute", "real/file", False),
            ("outside", "etc/passwd", False),
            ("out-and-back", "real/file", False),
            ("above", "", False),
            ("above/real/file", "real/file", False),
            ("dangling", "real/none", True),
            ("loop-a", None, False),
            ("loop-b/x", None, False),
            ("self", None, False),
            ("grows", None, False),
            ("../to-file", "real/file", True),
            ("", "", True),
        ],
    )
    def test_where_a_link_leads(
        self, context: BuildContext, path: str, leads_to: str | None, inside: bool
    ) -> None:
        assert context.follow(path) == leads_to
        assert context.stays_inside(path) is inside

    def test_a_link_that_is_left_out_is_no_link(self) -> None:
        context = BuildContext.from_listing({**self.FILES, ".dockerignore": b"to-dir"})
        assert context.follow("to-dir/file") == "to-dir/file"
        assert context.glob("to-dir/file") == ()

    def test_copy_sources_follow_links_in_front(self, context: BuildContext) -> None:
        assert [entry.path for entry in context.glob("to-dir/file")] == ["real/file"]
        assert [entry.path for entry in context.glob("to-dir/f*")] == ["real/file"]
        assert [entry.path for entry in context.glob("chain/*")] == ["real/deep/file"]
        assert [entry.path for entry in context.glob("outside/*")] == []
        assert [entry.path for entry in context.glob("self/*")] == []
        assert [entry.path for entry in context.glob("self/x")] == []

    def test_wildcards_find_links_but_do_not_enter_them(self, context: BuildContext) -> None:
        assert [(e.path, e.kind) for e in context.glob("to-*")] == [
            ("to-dir", "link"),
            ("to-file", "link"),
        ]
        assert [entry.path for entry in context.glob("*/file")] == ["real/file"]


class TestCopySources:
    FILES: Mapping[str, bytes | Link] = {
        "package.json": b"",
        "package-lock.json": b"",
        "Package.md": b"",
        ".npmrc": b"",
        "src/a.js": b"",
        "src/b.js": b"",
        "src/c/a.js": b"",
        "src/c/d/a.js": b"",
        "test/a.js": b"",
        "star*name": b"",
        "back\\slash": b"",
        "[x]": b"",
        "é": b"",
        "世": b"",
        "skipped/a.js": b"",
        ".dockerignore": b"skipped\n.dockerignore",
    }

    @pytest.mark.parametrize(
        ("pattern", "found"),
        [
            ("package.json", ["package.json"]),
            ("/package.json", ["package.json"]),
            ("./package.json", ["package.json"]),
            ("../../package.json", ["package.json"]),
            ("src/../package.json", ["package.json"]),
            ("package.json/", ["package.json"]),
            ("none", []),
            ("skipped", []),
            (".", [""]),
            ("/", [""]),
            ("..", [""]),
            ("", [""]),
            ("src", ["src"]),
            ("src/.", ["src"]),
            ("package*.json", ["package-lock.json", "package.json"]),
            ("package.json*", ["package.json"]),
            ("[pP]ackage.*", ["Package.md", "package.json"]),
            ("package[^\\-]*", ["package.json"]),
            ("*.npmrc", [".npmrc"]),
            ("src/*", ["src/a.js", "src/b.js", "src/c"]),
            ("src/*.js", ["src/a.js", "src/b.js"]),
            ("*/a.js", ["src/a.js", "test/a.js"]),
            ("**/a.js", ["src/a.js", "test/a.js"]),
            ("*/*/a.js", ["src/c/a.js"]),
            ("src/**", ["src/a.js", "src/b.js", "src/c"]),
            ("s*/c/*/a.js", ["src/c/d/a.js"]),
            ("?rc/?.js", ["src/a.js", "src/b.js"]),
            ("src?a.js", []),
            ("src[^x]a.js", ["src/a.js"]),
            ("src[.-0]c[.-0]*.js", ["src/c/a.js"]),
            ("star\\*name*", ["star*name"]),
            ("star\\*name", []),
            ("star*name", ["star*name"]),
            ("back\\slash", ["back\\slash"]),
            ("back\\\\slash*", ["back\\slash"]),
            ("back?slash", ["back\\slash"]),
            ("\\[x]*", ["[x]"]),
            ("[[]x]", ["[x]"]),
            ("src\\/*.js", []),
            ("?", ["é", "世"]),
            ("[é世]", ["é", "世"]),
            ("??", []),
            ("skipped/*", []),
            ("none/*", []),
            ("package.json/*", []),
            ("s*/", ["src", "star*name"]),
        ],
    )
    def test_pattern(self, pattern: str, found: list[str]) -> None:
        context = BuildContext.from_listing(self.FILES)
        matches = [entry.path for entry in context.glob(pattern)]
        assert matches == found

    def test_star_may_end_within_a_character(self) -> None:
        # Go's filepath.Match moves a star on by bytes, and counts each byte that is left as one.
        context = BuildContext.from_listing({"世": b"", "é": b"", "ab": b""})
        assert [entry.path for entry in context.glob("*??")] == ["ab", "世"]

    @pytest.mark.parametrize("pattern", ["[", "a*[", "[]a]*", "src/*/[a-]", "*\\"])
    def test_malformed(self, pattern: str) -> None:
        with pytest.raises(ContextError, match="syntax error in pattern"):
            BuildContext.from_listing(self.FILES).glob(pattern)

    def test_order_is_that_of_bytes(self, tmp_path: Path) -> None:
        names = ["b", "B", "a-", "a", "a.b", "é", "世", "\udcff", "😀", "\ufb01"]
        plant(tmp_path, {f"{name}/x": b"" for name in names})
        wanted = sorted(name.encode("utf-8", "surrogateescape") for name in names)
        found = BuildContext(tmp_path).glob("*/x")
        assert [entry.path.encode("utf-8", "surrogateescape") for entry in found] == [
            name + b"/x" for name in wanted
        ]


class TestOddEntries:
    def test_pipes_and_sockets_are_other(self, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "pipe")
        with socket.socket(socket.AF_UNIX) as listener:
            where = Path.cwd()
            os.chdir(tmp_path)  # the address of a socket must be short
            try:
                listener.bind("socket")
            finally:
                os.chdir(where)
            context = BuildContext(tmp_path)
            assert {entry.path: entry.kind for entry in context.files()} == {
                "pipe": "other",
                "socket": "other",
            }
            assert context.get("pipe") == context.children("")[0]
            with pytest.raises(ContextError, match="a socket, pipe or device, not a file"):
                context.read_bytes("pipe")

    def test_names_with_any_bytes(self, tmp_path: Path) -> None:
        names = [b"line\nfeed", b"\xff\xfe", b"caf\xe9", b" ", b"-", b"tab\t", b"\xe4\xb8"]
        for name in names:
            Path(os.fsdecode(bytes(tmp_path) + b"/" + name)).write_bytes(name)
        context = BuildContext(tmp_path)
        assert [os.fsencode(entry.path) for entry in context.files()] == sorted(names)
        for name in names:
            assert context.read_bytes(os.fsdecode(name)) == name
        ignoring = context.with_file(".dockerignore", b"*\n!line*\n!caf?\n")
        assert paths(ignoring) == ["caf\udce9", "line\nfeed"]

    def test_deep_tree_on_disk(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        depth = 1_200
        monkeypatch.chdir(tmp_path)
        for _ in range(depth):
            Path("d").mkdir()
            os.chdir("d")
        Path("x").write_bytes(b"")
        deepest = "d/" * depth + "x"
        try:
            context = BuildContext(tmp_path).with_file(".dockerignore", b"**/y\n!**/z\n")
            found = paths(context)
            assert found[-1] == deepest
            assert len(found) == depth + 2
            assert context.get(deepest) is not None
            assert context.follow(deepest) == deepest
        finally:
            # Removing the tree at once would recurse.
            Path("x").unlink()
            for _ in range(depth):
                os.chdir("..")
                Path("d").rmdir()

    def test_deep_tree_that_is_left_out_but_for_the_end(self) -> None:
        deepest = "d/" * 3_000 + "x"
        context = BuildContext.from_listing({deepest: b"", ".dockerignore": b"*\n!**/x\n"})
        assert len(paths(context)) == 3_001
        assert [entry.path for entry in context.children("")] == ["d"]

    @needs_permissions
    def test_unreadable_directory(self, tmp_path: Path) -> None:
        plant(tmp_path, {"a": b"", "closed/x": b"", "open/x": b""})
        (tmp_path / "closed").chmod(0)
        try:
            context = BuildContext(tmp_path)
            with pytest.raises(ContextError, match="closed: Permission denied"):
                paths(context)
            with pytest.raises(ContextError, match="closed/x: Permission denied"):
                context.get("closed/x")
            assert [entry.path for entry in context.glob("*/x")] == ["open/x"]
            assert [entry.path for entry in context.children("")] == ["a", "closed", "open"]
            assert paths(context.with_file(".dockerignore", b"closed\n"))[-1] == "open/x"
            assert paths(context.with_file(".dockerignore", b"closed\n!**/y"))[-1] == "open/x"
        finally:
            (tmp_path / "closed").chmod(0o700)

    @needs_permissions
    def test_unreadable_file(self, tmp_path: Path) -> None:
        plant(tmp_path, {"a": b"x", ".dockerignore": b"y"})
        (tmp_path / "a").chmod(0)
        (tmp_path / ".dockerignore").chmod(0)
        context = BuildContext(tmp_path)
        with pytest.raises(ContextError, match=r"\.dockerignore: Permission denied"):
            context.get("a")
        with pytest.raises(ContextError, match="a: Permission denied"):
            context.with_file(".dockerignore", b"").read_bytes("a")

    def test_unreadable_places_are_errors_with_a_path(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        # What root never meets: the same errors, from the system calls themselves.
        plant(tmp_path, {"a": b"", "closed/x": b"", "open/x": b"", "link": Link("a")})
        context = BuildContext(tmp_path)
        entries = {entry.path: entry for entry in context.children("")}
        for name in ("scandir", "open", "readlink", "lstat"):
            monkeypatch.setattr(os, name, refusing(getattr(os, name), ("closed", "/a", "link")))
        with pytest.raises(ContextError, match=r"^closed: Permission denied$"):
            paths(context)
        assert [entry.path for entry in context.glob("*/x")] == ["open/x"]
        with pytest.raises(ContextError, match=r"^a: Permission denied$"):
            _ = entries["a"].size
        with pytest.raises(ContextError, match=r"^link: Permission denied$"):
            _ = entries["link"].target
        with pytest.raises(ContextError, match=r"^closed: Permission denied$"):
            context.get("closed")

    def test_file_that_turned_into_a_link_is_not_followed(self, tmp_path: Path) -> None:
        plant(tmp_path, {"secret": b"s", "shop/a": b"a"})
        context = BuildContext(tmp_path / "shop")
        assert context.get("a") is not None
        (tmp_path / "shop" / "a").unlink()
        (tmp_path / "shop" / "a").symlink_to("../secret")
        with pytest.raises(ContextError, match=r"^a: Too many levels of symbolic links$"):
            context.read_bytes("a")

    def test_fifty_thousand_files(self) -> None:
        files: dict[str, bytes | Link] = {
            f"{'node_modules' if i % 2 else 'src'}/p{i % 500}/lib/file{i}.js": b""
            for i in range(50_000)
        }
        context = BuildContext.from_listing({**files, ".dockerignore": b"node_modules\n**/*.log\n"})
        started = time.process_time()
        assert sum(entry.kind == "file" for entry in context.files()) == 25_001
        assert time.process_time() - started < 1


names = st.sampled_from(["a", "b", "ab", "a.b", ".a", "a-b", "é"])
listed = st.lists(names, min_size=1, max_size=4).map("/".join)
targets = st.sampled_from(["a", "../a", "/a", "..", "a/b", "ab/../a", "."])
contents: st.SearchStrategy[bytes | Link] = st.one_of(st.binary(max_size=3), targets.map(Link))
sources = st.lists(
    st.one_of(names, st.sampled_from(["*", "a*", "?", "*.b", "[ab]", "[^b]*", ".."])),
    min_size=1,
    max_size=3,
).map("/".join)
ignored = st.lists(
    st.builds(
        "{}{}".format,
        st.sampled_from(["", "", "!"]),
        st.lists(st.one_of(names, st.sampled_from(["*", "**", "a*"])), min_size=1, max_size=3).map(
            "/".join
        ),
    ),
    max_size=4,
).map("\n".join)


def without_contradictions(files: dict[str, bytes | Link]) -> dict[str, bytes | Link]:
    """Drops the paths below other paths."""
    return {
        path: content
        for path, content in files.items()
        if not any(path != other and path.startswith(other + "/") for other in files)
    }


listings = st.dictionaries(listed, contents, max_size=10).map(without_contradictions)


@given(listings, ignored)
def test_what_is_sent_is_what_is_not_left_out(files: dict[str, bytes | Link], ignore: str) -> None:
    context = BuildContext.from_listing({**files, ".dockerignore": ignore.encode()})
    kept = [path for path in (*files, ".dockerignore") if not context.excluded(path)]
    sent = {entry.path for entry in context.files()}
    assert {path for path in sent if path in files or path == ".dockerignore"} == set(kept)
    above = {path[:at] for path in kept for at, char in enumerate(path) if char == "/"}
    directories = sent - set(kept)
    assert above <= sent
    assert all(path in above or not context.excluded(path) for path in directories)
    for path in sent:
        assert context.get(path) is not None
        assert path in {entry.path for entry in context.children(path.rpartition("/")[0])}


@given(files=listings, ignore=ignored, pattern=sources)
def test_disk_and_memory_agree(
    tmp_path_factory: pytest.TempPathFactory,
    files: dict[str, bytes | Link],
    ignore: str,
    pattern: str,
) -> None:
    tree = {**files, ".dockerignore": ignore.encode()}
    root = plant(tmp_path_factory.mktemp("context"), tree)
    on_disk, in_memory = BuildContext(root), BuildContext.from_listing(tree)
    found = list(in_memory.files())
    assert list(on_disk.files()) == found
    assert on_disk.glob(pattern) == in_memory.glob(pattern)
    assert on_disk.follow(pattern) == in_memory.follow(pattern)
    for entry in found:
        assert on_disk.get(entry.path) == in_memory.get(entry.path)
        if entry.kind == "file":
            assert on_disk.read_bytes(entry.path) == in_memory.read_bytes(entry.path)


@given(listings, listed, st.binary(max_size=3))
def test_written_file_is_like_a_listed_one(
    files: dict[str, bytes | Link], path: str, content: bytes
) -> None:
    listing = without_contradictions({**files, path: content})
    kept = {p: c for p, c in files.items() if p in listing and not p.startswith(path + "/")}
    if path not in listing:
        return
    written = BuildContext.from_listing(kept).with_file(path, content)
    direct = BuildContext.from_listing({**kept, path: content})
    assert list(written.files()) == list(direct.files())
    assert written.read_bytes(path) == content
