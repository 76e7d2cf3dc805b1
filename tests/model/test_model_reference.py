"""Image references are read as the distribution project reads them."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.model.reference import ImageReference, ReferenceError_, parse_reference

SHA256 = "sha256:" + "0a" * 32
SHA512 = "sha512:" + "0a" * 64

ACCEPTED = [
    ("official name", "ubuntu", ("docker.io", "library/ubuntu", None, None), "ubuntu"),
    ("tag", "ubuntu:24.04", ("docker.io", "library/ubuntu", "24.04", None), "ubuntu"),
    ("digest", f"ubuntu@{SHA256}", ("docker.io", "library/ubuntu", None, SHA256), "ubuntu"),
    ("both", f"a:b@{SHA512}", ("docker.io", "library/a", "b", SHA512), "a"),
    ("tag with capitals", "a:Latest_1.x-Y", ("docker.io", "library/a", "Latest_1.x-Y", None), "a"),
    ("tag of 128", f"a:{'t' * 128}", ("docker.io", "library/a", "t" * 128, None), "a"),
    ("user's image", "bitnami/redis", ("docker.io", "bitnami/redis", None, None), "bitnami/redis"),
    ("hub by name", "docker.io/alpine", ("docker.io", "library/alpine", None, None), "alpine"),
    ("old hub", "index.docker.io/alpine", ("docker.io", "library/alpine", None, None), "alpine"),
    ("written out", "library/alpine", ("docker.io", "library/alpine", None, None), "alpine"),
    ("deep official", "library/a/b", ("docker.io", "library/a/b", None, None), "library/a/b"),
    ("other registry", "ghcr.io/a/b:1", ("ghcr.io", "a/b", "1", None), "ghcr.io/a/b"),
    ("registry, one part", "quay.io/a", ("quay.io", "a", None, None), "quay.io/a"),
    ("port", "reg:5000/a:1", ("reg:5000", "a", "1", None), "reg:5000/a"),
    ("localhost", "localhost/a", ("localhost", "a", None, None), "localhost/a"),
    (
        "localhost alone is a name",
        "localhost",
        ("docker.io", "library/localhost", None, None),
        "localhost",
    ),
    ("name with a dot alone", "a.com", ("docker.io", "library/a.com", None, None), "a.com"),
    ("IPv4", "10.0.0.1/a", ("10.0.0.1", "a", None, None), "10.0.0.1/a"),
    ("IPv6", "[::1]:80/a", ("[::1]:80", "a", None, None), "[::1]:80/a"),
    ("capitals make a domain", "Reg/a", ("Reg", "a", None, None), "Reg/a"),
    ("no domain after all", "a_b.com/c", ("", "a_b.com/c", None, None), "a_b.com/c"),
    (
        "separators",
        "a--b/c__d/e.f_g",
        ("docker.io", "a--b/c__d/e.f_g", None, None),
        "a--b/c__d/e.f_g",
    ),
    ("port alone is a tag", "reg:5000", ("docker.io", "library/reg", "5000", None), "reg"),
]


@pytest.mark.parametrize(
    ("text", "parts", "familiar"), [row[1:] for row in ACCEPTED], ids=[row[0] for row in ACCEPTED]
)
def test_accepted(text: str, parts: tuple[str, str, str | None, str | None], familiar: str) -> None:
    reference = parse_reference(text)
    assert reference == ImageReference(*parts)
    assert reference.familiar == familiar
    assert parse_reference(str(reference)) == reference


REFUSED = [
    ("nothing", "", "invalid reference format"),
    ("blank", "a b", "invalid reference format"),
    ("line feed", "ubuntu:22.04\n", "invalid reference format"),
    ("variable", "node:${VERSION}", "invalid reference format"),
    ("empty tag", "a:", "invalid reference format"),
    ("tag starts with a dot", "a:.1", "invalid reference format"),
    ("tag starts with a dash", "a:-1", "invalid reference format"),
    ("tag of 129", f"a:{'t' * 129}", "invalid reference format"),
    ("two tags", "a:b:c", "invalid reference format"),
    ("tag behind a digest", f"a@{SHA256}:b", "invalid reference format"),
    ("separator at the end", "a-", "invalid reference format"),
    ("separator in front", "_a", "invalid reference format"),
    ("two dots", "a..b", "invalid reference format"),
    ("three underscores", "a___b", "invalid reference format"),
    ("slash in front", "/a", "invalid reference format"),
    ("slash at the end", "a/", "invalid reference format"),
    ("two slashes", "a//b", "invalid reference format"),
    ("scheme", "https://ghcr.io/a", "invalid reference format"),
    ("letters of other scripts", "é", "invalid reference format"),
    ("capitals", "Ubuntu", "repository name (library/Ubuntu) must be lowercase"),
    ("capitals in the path", "ghcr.io/A/b", "repository name (A/b) must be lowercase"),
    ("undecodable", "a\udcff", "repository name (library/a\udcff) must be lowercase"),
    ("image id", "ab" * 32, "cannot specify 64-byte hexadecimal strings"),
    ("digest without text", "a@", "invalid reference format"),
    ("short digest", "a@sha256:" + "a" * 31, "invalid reference format"),
    ("wrong length", "a@sha256:" + "a" * 63, "invalid checksum digest length"),
    ("capital digits", "a@sha256:" + "A" * 64, "invalid checksum digest format"),
    ("unknown algorithm", "a@md5:" + "a" * 32, "unsupported digest algorithm"),
    ("capital algorithm", "a@SHA256:" + "a" * 64, "(library/a@SHA256) must be lowercase"),
    ("behind a tag", "a:b@SHA256:" + "a" * 64, "invalid checksum digest format"),
    ("path of 256", "a.b/" + "c" * 256, "repository name must not be more than 255 characters"),
]


@pytest.mark.parametrize(
    ("text", "message"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED]
)
def test_refused(text: str, message: str) -> None:
    with pytest.raises(ReferenceError_) as caught:
        parse_reference(text)
    assert caught.value.message.endswith(message)


@pytest.mark.parametrize(
    "text",
    ["a" * 10**5, "a." * 10**5, "a-" * 10**5, "a/" * 10**5, "A." * 10**5 + "/", "a:" * 10**5],
    ids=["letters", "dots", "dashes", "slashes", "domain", "colons"],
)
def test_hostile_references_take_linear_time(text: str) -> None:
    start = time.process_time()
    with pytest.raises(ReferenceError_):
        parse_reference(text)
    assert time.process_time() - start < 2


@given(st.text(alphabet="abA01./:@-_[]é\n", max_size=20))
def test_what_is_accepted_reads_the_same_when_written_out(text: str) -> None:
    try:
        reference = parse_reference(text)
    except ReferenceError_:
        return
    assert str(reference).endswith(text.partition("/")[2] or text)
    assert parse_reference(str(reference)) == reference
    assert parse_reference(reference.familiar).name == reference.name
