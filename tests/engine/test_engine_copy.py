"""What COPY, WORKDIR and USER leave in an image: what a rewrite that moves them relies on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from optimizer.verify.compare import compare
from optimizer.verify.image import Entry, Image
from tests.engine.build import BuildResult, build
from tests.engine.daemon import Engine
from tests.engine.image import ImageReader
from tests.engine.measure import chmod, rebuild, write

pytestmark = [pytest.mark.engine, pytest.mark.usefixtures("busybox")]

FILES = (
    "package.json",
    "main.js",
    "sub/package.json",
    "sub/x.js",
    "sub/deep/package.json",
    "sub/deep/x.js",
)
FLAGS = ["", "--chown=1000:1000 ", "--chmod=0640 ", "--chmod=u=rwX,go= ", "--link "]

Make = Callable[[str], Image]
"""Builds the lines below FROM on the test's context and reads the image."""


@pytest.fixture
def tree(context: Path) -> Path:
    """A context with files in three levels, each file's content its own path."""
    for path in FILES:
        write(path, path)(context)
    return context


@pytest.fixture
def attempt(engine: Engine, tree: Path, tmp_path: Path) -> Callable[[str], BuildResult]:
    """Builds with the Dockerfile outside the context, so that only its effects differ, and
    without the cache, which would give back directories with the modes of another test."""

    def run(lines: str) -> BuildResult:
        dockerfile = tmp_path / "Dockerfile"
        dockerfile.write_text(f"FROM busybox:1.35\n{lines}\n")
        return build(engine, tree, dockerfile, no_cache=True)

    return run


@pytest.fixture
def make(attempt: Callable[[str], BuildResult], images: ImageReader) -> Make:
    def run(lines: str) -> Image:
        result = attempt(lines)
        assert result.ok, result.log
        assert result.image_id is not None
        return images.read(result.image_id)

    return run


def differing(make: Make, before: str, after: str) -> list[str]:
    """Returns the places at which the images of two Dockerfiles differ."""
    return sorted({difference.where for difference in compare(make(before), make(after))})


def owner(entry: Entry) -> tuple[int, int]:
    return entry.uid, entry.gid


@pytest.mark.parametrize("flag", FLAGS)
@pytest.mark.parametrize("mode", [0o700, 0o755, 0o777])
def test_manifest_first_leaves_a_destination_like_the_whole_copy_does(
    mode: int, flag: str, tree: Path, make: Make
) -> None:
    tree.chmod(mode)
    whole = f"COPY {flag}. /app"
    assert differing(make, whole, f"COPY {flag}package.json /app/\n{whole}") == []


@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param("", "--chown=1000:1000 ", id="chown-only-on-the-whole-copy"),
        pytest.param("--chown=1000:1000 ", "", id="chown-only-on-the-manifest"),
        pytest.param("", "--chmod=0640 ", id="chmod-only-on-the-whole-copy"),
        pytest.param("--chmod=0640 ", "", id="chmod-only-on-the-manifest"),
    ],
)
def test_manifest_with_other_flags_leaves_another_destination(
    first: str, second: str, make: Make
) -> None:
    whole = f"COPY {second}. /app"
    assert differing(make, whole, f"COPY {first}package.json /app/\n{whole}") == ["/app"]


@pytest.mark.parametrize(
    ("flag", "directory", "destination", "file"),
    [
        ("", 0o775, 0o755, 0o600),
        ("--chmod=0640 ", 0o640, 0o640, 0o640),
        ("--chmod=u=rwX,go= ", 0o700, 0o755, 0o600),
    ],
)
def test_modes_of_what_a_copy_makes(
    flag: str, directory: int, destination: int, file: int, tree: Path, make: Make
) -> None:
    (tree / "sub").chmod(0o775)
    (tree / "main.js").chmod(0o600)
    files = make(f"COPY {flag}. /app").files
    assert files["/app"].mode == destination
    assert files["/app/sub"].mode == directory
    assert files["/app/main.js"].mode == file


@pytest.mark.parametrize("flag", FLAGS)
@pytest.mark.parametrize("mode", [0o700, 0o775, 0o2775])
@pytest.mark.parametrize("folder", ["sub", "sub/deep"])
def test_manifest_of_a_subfolder_first_leaves_the_subfolder_as_it_was(
    folder: str, mode: int, flag: str, tree: Path, make: Make
) -> None:
    (tree / "sub").chmod(mode)
    (tree / "sub/deep").chmod(mode)
    whole = f"COPY {flag}. /app"
    assert differing(make, whole, f"COPY {flag}{folder}/package.json /app/{folder}/\n{whole}") == []


def test_parent_of_an_included_file_in_an_ignored_folder_keeps_its_mode(
    tree: Path, make: Make
) -> None:
    write(".dockerignore", "sub/*\n!sub/package.json\n")(tree)
    (tree / "sub").chmod(0o700)
    whole = "COPY . /app"
    assert make(whole).files["/app/sub"].mode == 0o700
    assert differing(make, whole, f"COPY sub/package.json /app/sub/\n{whole}") == []


def test_whole_copy_sets_directories_below_its_destination_but_not_the_destination(
    make: Make,
) -> None:
    files = make(
        "RUN mkdir -m 711 /app && mkdir -m 700 /app/sub && chown 1000:1000 /app /app/sub\n"
        "COPY --chown=7:7 . /app"
    ).files
    assert (files["/app"].mode, owner(files["/app"])) == (0o711, (1000, 1000))
    assert (files["/app/sub"].mode, owner(files["/app/sub"])) == (0o755, (7, 7))


def test_copy_of_files_leaves_directories_alone(make: Make) -> None:
    files = make("RUN mkdir -m 700 -p /app/sub\nCOPY --chown=7:7 sub/x.js /app/sub/").files
    assert (files["/app/sub"].mode, owner(files["/app/sub"])) == (0o700, (0, 0))


def test_manifest_without_a_slash_behind_the_destination_makes_a_file(
    attempt: Callable[[str], BuildResult],
) -> None:
    result = attempt("COPY package.json /app\nCOPY . /app")
    assert "cannot copy to non-directory" in result.log


class TestLinksInTheContext:
    """A link that COPY names is followed; a link in a directory that COPY names is kept."""

    @pytest.fixture(autouse=True)
    def links(self, tree: Path) -> None:
        (tree / "link.json").symlink_to("package.json")
        (tree / "folder").symlink_to("sub")

    @pytest.mark.parametrize("source", ["link.json", "link.jso[n]"])
    def test_named_link_is_followed(self, source: str, make: Make) -> None:
        files = make(f"COPY {source} /app/").files
        assert files["/app/link.json"].kind == "file"
        assert files["/app/link.json"] == make("COPY package.json /app/").files["/app/package.json"]

    def test_named_link_to_a_folder_gives_the_content(self, make: Make) -> None:
        assert differing(make, "COPY sub /app/", "COPY folder /app/") == []

    def test_whole_copy_keeps_links(self, tree: Path, make: Make) -> None:
        for name, target in {"abs": "/etc/passwd", "gone": "nowhere", "out": "../../x"}.items():
            (tree / name).symlink_to(target)
        files = make("COPY . /app").files
        kept = {"link.json": "package.json", "folder": "sub", "abs": "/etc/passwd"}
        kept |= {"gone": "nowhere", "out": "../../x"}
        for name, target in kept.items():
            assert (files[f"/app/{name}"].kind, files[f"/app/{name}"].target) == ("link", target)

    @pytest.mark.parametrize("target", ["/etc/passwd", "nowhere", "../../x"])
    def test_named_link_to_nothing_in_the_context_fails(
        self, target: str, tree: Path, attempt: Callable[[str], BuildResult]
    ) -> None:
        (tree / "bad").symlink_to(target)
        assert '"/bad": not found' in attempt("COPY bad /app/").log

    def test_exclude_flag_fails_on_a_link_to_nothing(
        self, tree: Path, attempt: Callable[[str], BuildResult]
    ) -> None:
        (tree / "gone").symlink_to("nowhere")
        assert attempt("COPY . /app").ok
        assert not attempt("COPY --exclude=sub . /app").ok

    def test_linked_manifest_first_is_replaced_by_the_link(self, make: Make) -> None:
        whole = "COPY . /app"
        assert differing(make, whole, f"COPY link.json /app/\n{whole}") == []

    def test_manifest_below_a_linked_folder_breaks_the_whole_copy(
        self, attempt: Callable[[str], BuildResult]
    ) -> None:
        result = attempt("COPY folder/package.json /app/folder/\nCOPY . /app")
        assert "cannot replace to directory" in result.log


class TestLinksInTheImage:
    """A destination is followed; a link below it is replaced by a file and refuses a directory."""

    @pytest.mark.parametrize("flag", FLAGS[:2])
    def test_destination_that_is_a_link_is_followed(self, flag: str, make: Make) -> None:
        files = make(f"RUN mkdir /real && ln -s /real /lnk\nCOPY {flag}. /lnk").files
        assert files["/lnk"].kind == "link"
        assert files["/real/sub/x.js"].kind == "file"

    def test_folder_of_the_source_does_not_go_through_a_link(
        self, attempt: Callable[[str], BuildResult]
    ) -> None:
        result = attempt("RUN mkdir /real /app && ln -s /real /app/sub\nCOPY . /app")
        assert "cannot copy to non-directory" in result.log

    def test_file_in_a_copied_folder_replaces_a_link(self, make: Make) -> None:
        files = make(
            "RUN mkdir /real /app && touch /real/f && ln -s /real/f /app/main.js\nCOPY . /app"
        ).files
        assert files["/app/main.js"].kind == "file"
        assert files["/real/f"].digest != files["/app/main.js"].digest

    def test_named_destination_file_is_written_through_a_link(self, make: Make) -> None:
        files = make(
            "RUN mkdir /real /app && touch /real/f && ln -s /real/f /app/main.js\n"
            "COPY main.js /app/main.js"
        ).files
        assert files["/app/main.js"].kind == "link"
        assert files["/real/f"] == make("COPY main.js /f").files["/f"]

    @pytest.mark.parametrize(
        "prepared",
        [
            pytest.param("RUN mkdir -p /app/main.js", id="directory-where-a-file-comes"),
            pytest.param("RUN mkdir /app && touch /app/sub", id="file-where-a-directory-comes"),
        ],
    )
    def test_kinds_are_never_exchanged(
        self, prepared: str, attempt: Callable[[str], BuildResult]
    ) -> None:
        assert not attempt(f"{prepared}\nCOPY . /app").ok


class TestUser:
    """WORKDIR makes directories for the user in force; COPY makes root's."""

    @pytest.mark.parametrize(
        ("user", "expected"),
        [
            ("root", (0, 0)),
            ("app", (1000, 1000)),
            ("1000", (1000, 1000)),
            ("1000:2000", (1000, 2000)),
            ("app:root", (1000, 0)),
        ],
    )
    def test_workdir_is_the_users(self, user: str, expected: tuple[int, int], make: Make) -> None:
        files = make(f"USER {user}\nWORKDIR /app/x\nCOPY main.js .").files
        assert (files["/app"].mode, owner(files["/app"])) == (0o755, expected)
        assert owner(files["/app/x"]) == expected
        assert owner(files["/app/x/main.js"]) == (0, 0)

    def test_copied_directory_is_roots(self, make: Make) -> None:
        assert owner(make("USER app\nCOPY main.js /app/").files["/app"]) == (0, 0)

    def test_workdir_leaves_an_existing_directory_alone(self, make: Make) -> None:
        files = make("RUN mkdir -m 700 /app && chown 5:6 /app\nUSER app\nWORKDIR /app").files
        assert (files["/app"].mode, owner(files["/app"])) == (0o700, (5, 6))

    @pytest.mark.parametrize("owners", ["1000", "app", "app:app", "1000:1000"])
    def test_chown_alone_takes_the_group_along(self, owners: str, make: Make) -> None:
        assert owner(make(f"COPY --chown={owners} main.js /app/").files["/app/main.js"]) == (
            1000,
            1000,
        )

    @pytest.mark.parametrize(
        ("moved", "expected"),
        [
            pytest.param("USER app\nWORKDIR /app\nCOPY package.json .\nCOPY . .", [], id="below"),
            pytest.param(
                "COPY package.json /app/\nUSER app\nWORKDIR /app\nCOPY . .",
                ["/app"],
                id="above",
            ),
            pytest.param("WORKDIR /app\nUSER app\nCOPY . .", ["/app"], id="workdir-above-user"),
        ],
    )
    def test_manifest_first_under_a_user(self, moved: str, expected: list[str], make: Make) -> None:
        written = "USER app\nWORKDIR /app\nCOPY . ."
        assert [
            where for where in differing(make, written, moved) if "config" not in where
        ] == expected


def test_changed_mode_of_a_directory_reaches_an_image_only_with_another_change(
    engine: Engine, images: ImageReader, context: Path
) -> None:
    """The cache key of COPY holds no directory's mode: a cached image keeps the old one."""
    write("dir/sub/a", "a")(context)
    write("Dockerfile", "FROM scratch\nCOPY dir /dir\n")(context)

    def mode_after(change: Callable[[Path], object]) -> int:
        image = rebuild(engine, context, change).second.image_id
        assert image is not None
        return images.read(image).files["/dir/sub"].mode

    assert mode_after(chmod("dir/sub", 0o700)) == 0o755
    assert mode_after(write("dir/sub/a", "b")) == 0o700
