"""Two images are equal to themselves, and every planted change is found and said in one line."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.verify.archive import CONFIG_FIELDS
from optimizer.verify.compare import Chance, changed, compare, covers, finding
from optimizer.verify.image import Entry, Facts, Image

KINDS = st.sampled_from(["file", "dir", "link", "device", "pipe"])
ENTRIES = st.builds(
    Entry,
    kind=KINDS,
    mode=st.integers(0, 0o7777),
    uid=st.integers(0, 9),
    gid=st.integers(0, 9),
    target=st.sampled_from(["", "/a"]),
    digest=st.sampled_from(["", "1", "2"]),
    device=st.tuples(st.integers(0, 2), st.integers(0, 2)),
    xattrs=st.sampled_from([(), (("security.capability", "x"),)]),
)
CONFIGS: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {
        name: st.sampled_from([None, [], ["A=1"], ["A=1", "B=2"], {"80/tcp": {}}, "x"])
        for name in CONFIG_FIELDS
    }
)
PATHS = st.lists(st.sampled_from("abc"), min_size=1, max_size=3).map(
    lambda names: "/" + "/".join(names)
)
IMAGES = st.builds(Image, CONFIGS, st.dictionaries(PATHS, ENTRIES, max_size=8))

PLAIN = Entry("file", 0o644, 0, 0, digest="1", size=12)


@given(IMAGES)
def test_an_image_is_equal_to_itself(image: Image) -> None:
    assert compare(image, image) == ()
    assert compare(image, replace(image, layers={"sha256:1": 1})) == ()


@given(IMAGES, IMAGES)
def test_no_difference_means_equal_and_the_other_way_round(one: Image, other: Image) -> None:
    same = one.config == other.config and one.files == other.files
    assert (compare(one, other) == ()) is same
    assert {each.where for each in compare(one, other)} == {
        each.where for each in compare(other, one)
    }


@given(IMAGES, PATHS, ENTRIES)
def test_a_planted_path_is_found(image: Image, path: str, entry: Entry) -> None:
    after = replace(image, files={**image.files, path: entry})
    expected = [] if image.files.get(path) == entry else [path]
    assert sorted({each.where for each in compare(image, after)}) == expected


PLANTED: dict[str, Any] = {
    "kind": "dir",
    "mode": 0o755,
    "uid": 1,
    "gid": 1,
    "target": "/b",
    "digest": "2",
    "device": (1, 3),
    "xattrs": (("user.x", "y"),),
}


@pytest.mark.parametrize("field", [each.name for each in fields(Entry)])
def test_every_field_of_an_entry_is_compared_or_follows_from_one(field: str) -> None:
    assert (field in PLANTED) is (field not in ("size", "facts"))
    if field in PLANTED:
        before, after = (
            Image({}, {"/a": entry}) for entry in (PLAIN, replace(PLAIN, **{field: PLANTED[field]}))
        )
        assert [each.field for each in compare(before, after)] == [field]


@pytest.mark.parametrize("name", CONFIG_FIELDS)
def test_every_field_of_a_configuration_is_compared(name: str) -> None:
    before, after = Image({}, {}), Image({name: ["x"]}, {})
    assert [each.where for each in compare(before, after)] == [f"config {name}"]


def test_what_is_read_out_of_content_is_not_compared() -> None:
    one, other = (
        Image({}, {"/a": replace(PLAIN, facts=facts)}) for facts in (None, Facts(machine="x"))
    )
    assert compare(one, other) == ()


def test_chance_is_taken_out_by_path_and_field() -> None:
    before = Image({}, {"/log": PLAIN, "/b": PLAIN})
    control = Image({}, {"/log": replace(PLAIN, digest="2"), "/b": PLAIN})
    after = Image(
        {}, {"/log": replace(PLAIN, digest="3", mode=0o600), "/b": replace(PLAIN, digest="3")}
    )
    found = changed(before, after, Chance.of([before, control]))
    assert [(each.where, each.field) for each in found] == [("/b", "digest"), ("/log", "mode")]


def test_a_file_with_the_time_in_its_name_is_chance() -> None:
    before, control, after = (
        Image({}, {f"/logs/2026-{number}.log": PLAIN, **more})
        for number, more in ((1, {}), (2, {}), (3, {"/logs/x.log": PLAIN}))
    )
    found = changed(before, after, Chance.of([before, control]))
    assert [each.where for each in found] == ["/logs/x.log"]


def test_a_name_drawn_by_lot_is_chance_and_what_every_build_has_is_not() -> None:
    kept = {"/uv/archive-v0/KeptByAll-9": PLAIN, "/uv/archive-v0/lock": PLAIN}
    before, control, after = (
        Image({}, {f"/uv/archive-v0/{name}": PLAIN, f"/uv/archive-v0/{name}/a.py": PLAIN, **more})
        for name, more in (
            ("2BDT2uMRd5J", kept),
            ("-3yETTprXv6", kept),
            ("vjn22f-FEHx", {"/uv/other": PLAIN, "/uv/archive-v0/short1": PLAIN}),
        )
    )
    found = changed(before, after, Chance.of([before, control]))
    assert [each.where for each in found] == [
        "/uv/archive-v0/KeptByAll-9",
        "/uv/archive-v0/lock",
        "/uv/archive-v0/short1",
        "/uv/other",
    ]


def test_a_file_that_comes_and_goes_says_nothing() -> None:
    before, control = Image({}, {"/a": PLAIN}), Image({}, {})
    after = Image({}, {"/a": replace(PLAIN, digest="2")})
    assert changed(before, after, Chance.of([before, control])) == ()


@given(IMAGES, IMAGES)
def test_without_a_control_nothing_is_chance(one: Image, other: Image) -> None:
    assert changed(one, other, Chance.of([one, one])) == compare(one, other)


def config(**values: Any) -> Image:
    return Image(values, {})


def entry(**values: Any) -> Image:
    return Image({}, {"/a/run.sh": replace(PLAIN, **values)})


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        (config(Env=["A=1", "B=2"]), config(Env=["B=2"]), "Env lost A=1"),
        (config(Env=["A=1"]), config(Env=["A=2"]), 'Env A is "2", it was "1"'),
        (config(Env=None), config(Env=["A=2"]), "Env has A=2, which the original has not"),
        (
            config(Env=["A=1", "B=2"]),
            config(Env=["B=2", "A=1"]),
            "Env has the same settings in another order",
        ),
        (config(Cmd=["a"]), config(Cmd=["b"]), 'Cmd is ["b"], it was ["a"]'),
        (config(User="app"), config(User=None), 'User is not set, it was "app"'),
        (config(ExposedPorts={"80/tcp": {}}), config(), "ExposedPorts lost 80/tcp"),
        (config(Labels={"a": "1"}), config(Labels={"a": "2"}), 'Labels a is "2", it was "1"'),
        (
            config(Healthcheck={"Test": ["CMD", "x"]}),
            config(),
            'Healthcheck is not set, it was {"Test": ["CMD", "x"]}',
        ),
        (entry(), Image({}, {}), "/a/run.sh is missing: a file of 12 bytes in the original"),
        (
            Image({}, {}),
            entry(),
            "/a/run.sh is new: a file of 12 bytes that the original does not have",
        ),
        (entry(), entry(kind="dir"), "/a/run.sh was a file and is a directory"),
        (entry(mode=0o755), entry(), "/a/run.sh has mode 0644, it had 0755"),
        (entry(uid=1000), entry(), "/a/run.sh belongs to 0:0, it belonged to 1000:0"),
        (entry(), entry(digest="2"), "/a/run.sh has other content (12 bytes)"),
        (entry(), entry(digest="2", size=1), "/a/run.sh has other content (12 bytes, now 1)"),
        (
            entry(kind="link", target="a"),
            entry(kind="link", target="b"),
            "/a/run.sh leads to b, it led to a",
        ),
        (
            entry(xattrs=(("security.capability", "x"),)),
            entry(),
            "/a/run.sh lost its file capabilities (setcap)",
        ),
        (
            entry(),
            entry(xattrs=(("user.a", "x"),)),
            "/a/run.sh has the attribute user.a that the original has not",
        ),
    ],
)
def test_a_difference_is_said_in_one_line(before: Image, after: Image, message: str) -> None:
    (first, *_) = compare(before, after)
    assert finding(first, before, after).message == message


@given(IMAGES, IMAGES)
def test_every_difference_has_a_sentence(one: Image, other: Image) -> None:
    for difference in compare(one, other):
        said = finding(difference, one, other)
        assert said.where == difference.where
        assert said.message
        assert "\n" not in said.message


@pytest.mark.parametrize(
    ("dropped", "path", "expected"),
    [
        ("/app/test", "/app/test", True),
        ("app/test/", "/app/test/x/y", True),
        ("/app/test", "/app/test2", False),
        ("/app/*.md", "/app/README.md", True),
        ("/app/*.md", "/app/README.txt", False),
        ("/", "/a", True),
    ],
)
def test_what_a_drop_covers(dropped: str, path: str, expected: bool) -> None:
    assert covers(dropped, path) is expected
