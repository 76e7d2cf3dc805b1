"""Archives are read as the standard library reads them, and images as an engine unpacks them."""

from __future__ import annotations

import contextlib
import hashlib
import io
import tarfile
from collections.abc import Callable
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.verify.archive import Reader
from optimizer.verify.image import Entry, Facts, Image
from optimizer.verify.tar import ArchiveError, Readable, members, unpacked
from tests.verify.archives import (
    PACKED,
    Row,
    capable,
    docker_save,
    file,
    folder,
    hard_link,
    link,
    oci_layout,
    old_docker_save,
    tar,
)

CONFIG = {"Env": ["A=1"], "Cmd": ["sh"], "Unheard": 1}

NAMES = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1)
ROWS = st.lists(
    st.builds(
        lambda name, content, mode, owner: file(name, content, mode=mode, uid=owner, gid=owner),
        NAMES.map(lambda name: "a/" + name.strip("/")),
        st.binary(max_size=2000),
        st.integers(0, 0o7777),
        st.integers(0, 1 << 40),
    ),
    max_size=8,
)


def read(*layers: bytes) -> Image:
    return Reader().read(io.BytesIO(docker_save(layers, CONFIG)))


def files(*layers: list[Row]) -> dict[str, Entry]:
    return {path: entry for path, entry in read(*map(tar, layers)).files.items() if path != "/"}


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@given(ROWS, st.sampled_from([tarfile.PAX_FORMAT, tarfile.GNU_FORMAT]), st.sampled_from([*PACKED]))
def test_members_are_those_of_the_standard_library(rows: list[Row], form: int, packed: str) -> None:
    data = tar(rows, form)
    found = [
        (member.name, member.mode, member.uid, member.gid, content.read())
        for member, content in members(unpacked(io.BytesIO(PACKED[packed](data))))
    ]
    with tarfile.open(fileobj=io.BytesIO(data), encoding="utf-8") as archive:
        expected = [
            (each.name, each.mode, each.uid, each.gid, archive.extractfile(each).read())  # type: ignore[union-attr]
            for each in archive
        ]
    assert found == expected


@given(ROWS, st.data())
def test_what_is_not_read_of_a_member_is_passed_over(rows: list[Row], data: st.DataObject) -> None:
    names = []
    for member, content in members(io.BytesIO(tar(rows))):
        content.read(data.draw(st.integers(0, member.size)))
        names.append(member.name)
    assert names == [row[0] for row in rows]


def damaged(data: bytes, random: Random) -> bytes:
    changed = bytearray(data)
    for _ in range(random.randint(1, 4)):
        changed[random.randrange(len(changed))] = random.randrange(256)
    return bytes(changed[: random.choice([len(changed), random.randrange(len(changed) + 1)])])


@given(ROWS, st.sampled_from([*PACKED]), st.randoms(use_true_random=False))
def test_a_damaged_archive_is_an_error_at_worst(
    rows: list[Row], packed: str, random: Random
) -> None:
    layer = PACKED[packed](tar([*rows, folder("d"), link("l", "d"), hard_link("h", "a/x")]))
    for make in (docker_save, oci_layout, old_docker_save):
        with contextlib.suppress(ArchiveError):
            Reader().read(io.BytesIO(damaged(make([damaged(layer, random)]), random)))
        with contextlib.suppress(ArchiveError):
            Reader().read(io.BytesIO(make([damaged(layer, random)])))


@given(st.binary(max_size=3000))
def test_any_bytes_are_an_error_at_worst(data: bytes) -> None:
    with contextlib.suppress(ArchiveError):
        Reader().read(io.BytesIO(data))
    with contextlib.suppress(ArchiveError):
        Reader().read(io.BytesIO(docker_save([data])))


@pytest.mark.parametrize("packed", PACKED)
@pytest.mark.parametrize("make", [docker_save, old_docker_save, oci_layout])
def test_every_form_of_export_is_the_same_image(make: Callable[..., bytes], packed: str) -> None:
    lower, upper = [file("a", b"1"), folder("d")], [file("d/b", b"2"), file(".wh.a")]
    layers = [PACKED[packed](tar(rows)) for rows in (lower, upper)]
    image = Reader().read(io.BytesIO(make(layers, CONFIG)))
    assert image.files.keys() == {"/", "/d", "/d/b"}
    assert image.files["/d/b"].digest == sha(b"2")
    assert (image.config["Env"], image.config["Cmd"]) == (["A=1"], ["sh"])
    assert [*image.layers.values()] == [len(layer) for layer in layers]


def test_manifests_may_come_before_and_layers_in_any_order() -> None:
    layers = [tar([file("a", b"1")]), tar([file("a", b"2")])]
    data = docker_save(layers, backwards=True)
    assert Reader().read(io.BytesIO(data)).files["/a"].digest == sha(b"2")


def test_every_field_of_an_entry_is_read() -> None:
    found = files(
        [
            folder("d/", mode=0o1777),
            file("./d/f", b"abc", mode=0o4755, uid=1000, gid=3_000_000),
            link("l", "../d/f"),
            hard_link("h", "d/f"),
            ("p", {"type": tarfile.FIFOTYPE, "mode": 0o600}, b""),
            ("c", {"type": tarfile.CHRTYPE, "devmajor": 1, "devminor": 3}, b""),
            capable("ping", "\x01\x02"),
        ]
    )
    assert found["/d"] == Entry("dir", 0o1777, 0, 0)
    assert found["/d/f"] == Entry("file", 0o4755, 1000, 3_000_000, digest=sha(b"abc"), size=3)
    assert found["/l"] == Entry("link", 0o777, 0, 0, target="../d/f")
    assert found["/h"] == found["/d/f"]
    assert found["/p"].kind == "pipe"
    assert (found["/c"].kind, found["/c"].device) == ("device", (1, 3))
    assert found["/ping"].xattrs == (("security.capability", "\x01\x02"),)


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        pytest.param([[file("a")], [file(".wh.a")]], [], id="whiteout"),
        pytest.param([[folder("d"), file("d/a")], [file(".wh.d")]], [], id="whiteout-of-a-folder"),
        pytest.param(
            [[folder("d"), file("d/a")], [file("d/.wh..wh..opq"), file("d/b")]],
            ["/d", "/d/b"],
            id="opaque",
        ),
        pytest.param(
            [[folder("d"), file("d/a")], [file("d/b"), file("d/.wh..wh..opq")]],
            ["/d", "/d/b"],
            id="opaque-comes-late",
        ),
        pytest.param(
            [[file("a")], [file(".wh.a"), file("a")]], ["/a"], id="whiteout-is-of-lower-layers"
        ),
        pytest.param([[folder("d"), file("d/a")], [file("d")]], ["/d"], id="file-over-folder"),
        pytest.param(
            [[folder("d"), file("d/a")], [folder("d")]], ["/d", "/d/a"], id="folder-over-folder"
        ),
        pytest.param(
            [[folder("usr"), link("lib", "usr")], [file("lib/x")]],
            ["/lib", "/usr", "/usr/x"],
            id="through-a-link",
        ),
        pytest.param([[file("d/.wh..wh.plnk")]], [], id="aufs"),
        pytest.param([[file(".wh.nothing")]], [], id="whiteout-of-nothing"),
        pytest.param([[file("../../etc/x")]], ["/etc/x"], id="no-way-out"),
        pytest.param(
            [[link("a", "b"), link("b", "a")], [file("a/x")]], ["/a", "/b"], id="links-in-a-circle"
        ),
        pytest.param([[hard_link("h", "gone")]], ["/h"], id="hard-link-to-nothing"),
    ],
)
def test_layers_are_laid_over_each_other(layers: list[list[Row]], expected: list[str]) -> None:
    assert [path for path in files(*layers) if not path.endswith("/a/x")] == expected


def test_hard_link_reaches_a_lower_layer() -> None:
    found = files([file("a", b"1", mode=0o700)], [hard_link("b", "a")])
    assert found["/b"] == found["/a"]


def test_a_deep_path_is_no_trouble() -> None:
    assert len(files([file("d/" * 2000 + "f")])) == 1


def test_the_hook_sees_every_file_and_need_not_read() -> None:
    seen: dict[str, bytes] = {}

    def hook(path: str, size: int, stream: Readable) -> Facts | None:
        seen[path] = stream.read(2)
        return Facts(text=seen[path]) if size > 2 else None

    data = docker_save(
        [tar([file("a", b"abcd"), file("b", b"x"), folder("d"), hard_link("h", "a")])]
    )
    image = Reader(hook).read(io.BytesIO(data))
    assert seen == {"/a": b"ab", "/b": b"x"}
    assert image.files["/a"].digest == sha(b"abcd")
    assert image.files["/a"].facts == image.files["/h"].facts == Facts(text=b"ab")
    assert image.files["/b"].facts is None


def test_a_shared_layer_is_read_once() -> None:
    seen: list[str] = []

    def hook(path: str, _: int, __: Readable) -> None:
        seen.append(path)

    reader = Reader(hook)
    base = tar([file("a", b"1")])
    images = [
        reader.read(io.BytesIO(docker_save([base, tar([file(name)])]))) for name in ("b", "c")
    ]
    assert seen == ["/a", "/b", "/c"]
    assert [image.files.keys() for image in images] == [{"/", "/a", "/b"}, {"/", "/a", "/c"}]


def test_images_are_found_by_name_and_by_digest() -> None:
    data = docker_save([tar([])], CONFIG, ["x:1", "y:2"])
    found = Reader().read_all(io.BytesIO(data))
    assert {"x:1", "y:2"} < found.keys()
    (digest,) = found.keys() - {"x:1", "y:2"}
    assert digest.startswith("sha256:")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        pytest.param(b"", "holds 0 images", id="nothing"),
        pytest.param(b"<html>" + b"x" * 600, "no tar archive", id="no-archive"),
        pytest.param(docker_save([tar([])])[:700], "ends in the middle", id="half-of-it"),
        pytest.param(tar([file("manifest.json", b'[{"Config": 1}]')]), "broken manifest", id="lie"),
        pytest.param(
            tar([file("manifest.json", b'[{"Config": "c", "Layers": ["l"]}]')]),
            "lacks the layer l",
            id="missing-layer",
        ),
    ],
)
def test_what_is_no_image_is_told(data: bytes, message: str) -> None:
    with pytest.raises(ArchiveError, match=message):
        Reader().read(io.BytesIO(data))


class Zeros:
    """An archive with one file of zeros, made while it is read."""

    def __init__(self, size: int) -> None:
        info = tarfile.TarInfo("big")
        info.size = size
        self._head = info.tobuf()
        self._left = size + -size % 512 + 1024

    def read(self, size: int = -1, /) -> bytes:
        if self._head:
            head, self._head = self._head, b""
            return head
        size = min(size, self._left)
        self._left -= size
        return bytes(size)


def test_memory_does_not_grow_with_the_size_of_files() -> None:
    import tracemalloc

    def peak(size: int) -> int:
        tracemalloc.start()
        sizes = [member.size for member, _ in members(Zeros(size))]
        assert sizes == [size]
        result = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return result

    assert peak(200 << 20) < peak(8 << 20) + (1 << 20)
