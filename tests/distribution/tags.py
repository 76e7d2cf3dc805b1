"""Cuts the history of the official images' library down to the table of floating tags."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from optimizer.knowledge.distribution.tags import newest_first, release_in
from optimizer.knowledge.released import Release

IMAGES = (
    "alpine", "buildpack-deps", "caddy", "clojure", "composer", "debian", "eclipse-temurin",
    "elixir", "erlang", "gcc", "golang", "gradle", "groovy", "haproxy", "haskell", "httpd", "julia",
    "mariadb", "maven", "memcached", "mysql", "nginx", "node", "openjdk", "perl", "php",
    "postgres", "pypy", "python", "rabbitmq", "redis", "ruby", "rust", "swift", "tomcat",
    "ubuntu",
)  # fmt: skip
WINDOW = timedelta(days=730)
"""How long ago a tag may have stood for another release and still be taken for it: mirrors and
engines keep what they once pulled."""


_PREVIEW = re.compile(r"onbuild|\d(?:a|b|rc|alpha|beta|RC)\d|-rc\b|-ea\b|nightly|milestone")


@dataclass(frozen=True, slots=True)
class Meaning:
    """Since when a tag stands for a release; None for one that has no codename."""

    since: datetime
    release: Release | None


def source(repository: Path) -> str:
    """Says for the head of the table what it is made of."""
    commit, day = _git(repository, "log", "-1", "--format=%h %cs").split()
    return (
        "Image, releases, floating tags made of them; with several releases the tags stood for "
        f"each within two years before {day}. From the history of library/* in "
        f"github.com/docker-library/official-images at {commit}."
    )


def table(repository: Path) -> Iterator[str]:
    """Yields the lines of the table, from the history of a clone of official-images."""
    today = _date(_git(repository, "log", "-1", "--format=%ct"))
    for image in IMAGES:
        groups: dict[tuple[Release, ...], list[str]] = {}
        for tag, meanings in sorted(history(repository, image).items()):
            releases = candidates(meanings, today)
            if releases and release_in(tag) is None and not _PREVIEW.search(tag):
                groups.setdefault(releases, []).append(tag)
        for releases, tags in groups.items():
            yield " ".join((image, ",".join(map(_word, releases)), *tags))


def candidates(meanings: list[Meaning], today: datetime) -> tuple[Release, ...]:
    """Returns what a tag may stand for; none where what it stands for now is not known."""
    if meanings[-1].release is None:
        return ()
    ended = [*(later.since for later in meanings[1:]), today]
    recent = {
        meaning.release
        for meaning, end in zip(meanings, ended, strict=True)
        if end > today - WINDOW and meaning.release is not None
    }
    return newest_first(frozenset(recent | {meanings[-1].release}))


def history(repository: Path, image: str) -> Mapping[str, list[Meaning]]:
    """Returns what each tag stood for, one after the other."""
    log = _git(repository, "log", "--reverse", "--format=%H %ct", "--", f"library/{image}")
    meanings: dict[str, list[Meaning]] = {}
    for line in log.splitlines():
        commit, seconds = line.split()
        done = subprocess.run(
            ["git", "-C", str(repository), "show", f"{commit}:library/{image}"],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        for tag, release in tags(done.stdout).items():
            known = meanings.setdefault(tag, [])
            if not known or known[-1].release != release:
                known.append(Meaning(_date(seconds), release))
    return meanings


def tags(text: str) -> Mapping[str, Release | None]:
    """Returns the tags in a file of official-images and what they stand for on Linux."""
    found: dict[str, Release | None] = {}
    for block in re.split(r"\n\s*\n", re.sub(r"\n[ \t]+", " ", text)):
        fields = {
            name: value.strip()
            for name, colon, value in (line.partition(":") for line in block.splitlines())
            if colon and name[:1] != "#"
        }
        own = [tag for tag in re.split(r"[,\s]+", fields.get("Tags", "")) if tag]
        shared = [tag for tag in re.split(r"[,\s]+", fields.get("SharedTags", "")) if tag]
        if "windows" in fields.get("Architectures", "") or "windows" in fields.get("Directory", ""):
            continue
        release = _of_alpine(fields) or _release(own, fields.get("Directory", ""))
        for tag in (*own, *shared):
            found[tag] = release or found.get(tag)
    return found


def _of_alpine(fields: Mapping[str, str]) -> Release | None:
    """What a branch of github.com/alpinelinux/docker-alpine holds."""
    branch = re.fullmatch(r"refs/heads/v(\d+\.\d+)", fields.get("GitFetch", ""))
    is_alpine = fields.get("amd64-Directory", "").startswith("x86_64")
    return Release("alpine", branch[1]) if branch and is_alpine else None


def _release(own: list[str], directory: str) -> Release | None:
    place = directory.replace("/alpine/", "/alpine").replace("/", "-")
    named = {release_in(tag) for tag in (*own, place)} - {None}
    return named.pop() if len(named) == 1 else None


def _word(release: Release) -> str:
    return f"alpine{release.name}" if release.distribution == "alpine" else release.name


def _git(repository: Path, *arguments: str) -> str:
    command = ["git", "-C", str(repository), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def _date(seconds: str) -> datetime:
    return datetime.fromtimestamp(int(seconds), UTC)
