"""How two images differ, and which of it is chance: what two builds of one file differ in."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from optimizer.verify.archive import CONFIG_FIELDS
from optimizer.verify.image import Entry, Image
from optimizer.verify.verdict import Finding

ABSENT = "absent"
_NUMBER = re.compile(r"\d+")
_FIELDS = ("mode", "uid", "gid", "target", "digest", "device", "xattrs")
"""What is compared of two entries of one kind. Size and facts follow from the content."""


@dataclass(frozen=True, order=True, slots=True)
class Difference:
    """One thing that two images disagree on.

    ``where`` is ``config Env`` or an absolute path; ``field`` is the field of the entry, empty
    for a configuration and for a path that only one of the images has.
    """

    where: str
    field: str
    before: str
    after: str

    @property
    def one_sided(self) -> bool:
        """Whether only one of the images has it at all."""
        return not self.field and ABSENT in (self.before, self.after)

    @property
    def path(self) -> str | None:
        """The image path, None for a configuration."""
        return self.where if self.where.startswith("/") else None

    def __str__(self) -> str:
        return f"{self.where} {self.field}: {self.before} -> {self.after}"


def compare(before: Image, after: Image) -> tuple[Difference, ...]:
    """Returns everything in which two images differ: the configuration, then paths, sorted.

    Times are no part of an image: of files, of the image itself, and its history.
    """
    paths = sorted(before.files.keys() | after.files.keys())
    return (
        *_config_differences(before, after),
        *(
            difference
            for path in paths
            for difference in _entry_differences(
                path, before.files.get(path), after.files.get(path)
            )
        ),
    )


@dataclass(frozen=True)
class Chance:
    """What builds of one and the same file differ in, so that it says nothing of a rewrite.

    ``places`` are pairs of place and field; ``names`` are paths with ``#`` for every number,
    of files that only one of the builds has (a log with the time in its name). ``drawn`` are
    directories in which each build has an entry of its own whose name is drawn by lot, with the
    length of such names (uv's ``archive-v0``); ``stable`` are the entries there with such names
    that all builds have.
    """

    places: frozenset[tuple[str, str]] = frozenset()
    names: frozenset[str] = frozenset()
    drawn: frozenset[tuple[str, int]] = frozenset()
    stable: frozenset[str] = frozenset()

    @classmethod
    def of(cls, builds: Sequence[Image]) -> Chance:
        """Returns what the first of several builds of one file differs in from the others."""
        found = [each for other in builds[1:] for each in compare(builds[0], other)]
        drawn = _drawn([each for each in found if each.one_sided])
        folders = {folder for folder, _ in drawn}
        everywhere = set.intersection(*(set(each.files) for each in builds)) if drawn else set()
        return cls(
            frozenset((each.where, each.field) for each in found),
            frozenset(_NUMBER.sub("#", each.where) for each in found if each.one_sided),
            drawn,
            frozenset(each for each in everywhere if posixpath.dirname(each) in folders),
        )

    def joined(self, other: Chance) -> Chance:
        """Returns what differs in the builds of either file."""
        return Chance(
            self.places | other.places,
            self.names | other.names,
            self.drawn | other.drawn,
            self.stable | other.stable,
        )

    def explains(self, difference: Difference) -> bool:
        """Tells whether a difference is one that the same file's own builds show."""
        if (difference.where, difference.field) in self.places:
            return True
        if (difference.where, "") in self.places and difference.path is not None:
            return True
        if not difference.one_sided:
            return False
        return _NUMBER.sub("#", difference.where) in self.names or self._is_drawn(difference.where)

    def _is_drawn(self, path: str) -> bool:
        """Tells whether ``path`` is, or lies in, an entry whose name was drawn by lot."""
        while self.drawn and path != "/" and path.startswith("/"):
            folder, name = posixpath.split(path)
            if (folder, len(name)) in self.drawn and _LOT.fullmatch(name):
                return path not in self.stable
            path = folder
        return False


_LOT = re.compile(r"(?=.*[\dA-Z_-])[\w-]{8,}", re.ASCII)
"""A name that may have been drawn by lot."""


def _drawn(found: Sequence[Difference]) -> frozenset[tuple[str, int]]:
    """Returns the directories, and the length of names, of which either build has its own."""
    sides: tuple[set[tuple[str, int]], ...] = (set(), set())
    for each in found:
        folder, name = posixpath.split(each.where)
        if _LOT.fullmatch(name):
            sides[each.before == ABSENT].add((folder, len(name)))
    return frozenset(sides[0] & sides[1])


def changed(before: Image, after: Image, chance: Chance) -> tuple[Difference, ...]:
    """Returns the differences between two images that are not mere chance."""
    return tuple(each for each in compare(before, after) if not chance.explains(each))


def finding(difference: Difference, before: Image, after: Image) -> Finding:
    """Says in one line what a difference is."""
    if difference.path is None:
        name = difference.where.removeprefix("config ")
        message = _config_message(name, before.config.get(name), after.config.get(name))
        return Finding(difference.where, message)
    path = difference.path
    old, new = before.files.get(path), after.files.get(path)
    return Finding(path, f"{path} {_path_message(difference.field, old, new)}")


def _config_differences(before: Image, after: Image) -> Iterator[Difference]:
    names = (*CONFIG_FIELDS, *sorted((before.config.keys() | after.config.keys()) - _KNOWN))
    for name in names:
        old, new = before.config.get(name), after.config.get(name)
        if old != new:
            yield Difference(f"config {name}", "", _shown(old), _shown(new))


_KNOWN = {*CONFIG_FIELDS}


def _entry_differences(path: str, old: Entry | None, new: Entry | None) -> Iterator[Difference]:
    if old is None or new is None:
        yield Difference(path, "", _whole(old), _whole(new))
        return
    if old.kind != new.kind:
        yield Difference(path, "kind", old.kind, new.kind)
        return
    for name in _FIELDS if old != new else ():
        first, second = getattr(old, name), getattr(new, name)
        if first != second:
            shown = (f"{each:04o}" if name == "mode" else str(each) for each in (first, second))
            yield Difference(path, name, *shown)


def _shown(value: object) -> str:
    return ABSENT if value is None else json.dumps(value, sort_keys=True)


def _whole(entry: Entry | None) -> str:
    return ABSENT if entry is None else f"{entry.kind} {entry.mode:04o} {entry.uid}:{entry.gid}"


_KINDS = {
    "file": "a file",
    "dir": "a directory",
    "link": "a link",
    "device": "a device",
    "pipe": "a named pipe",
}


def _path_message(field: str, old: Entry | None, new: Entry | None) -> str:
    if new is None:
        assert old is not None
        return f"is missing: {_described(old)} in the original"
    if old is None:
        return f"is new: {_described(new)} that the original does not have"
    if field == "kind":
        return f"was {_KINDS[old.kind]} and is {_KINDS[new.kind]}"
    if field == "mode":
        return f"has mode {new.mode:04o}, it had {old.mode:04o}"
    if field in ("uid", "gid"):
        return f"belongs to {new.uid}:{new.gid}, it belonged to {old.uid}:{old.gid}"
    if field == "target":
        return f"leads to {new.target}, it led to {old.target}"
    if field == "digest":
        sizes = f"{old.size} bytes, now {new.size}" if old.size != new.size else f"{old.size} bytes"
        return f"has other content ({sizes})"
    if field == "xattrs":
        return _xattr_message(dict(old.xattrs), dict(new.xattrs))
    return f"is another device: {new.device}, it was {old.device}"


def _described(entry: Entry) -> str:
    if entry.kind == "link":
        return f"a link to {entry.target}"
    return f"{_KINDS[entry.kind]} of {entry.size} bytes" if entry.size else _KINDS[entry.kind]


_CAPABILITIES = "its file capabilities (setcap)"


def _xattr_message(old: dict[str, str], new: dict[str, str]) -> str:
    for name in sorted(old.keys() | new.keys()):
        what = _CAPABILITIES if name == "security.capability" else f"the attribute {name}"
        if name not in new:
            return f"lost {what}"
        if name not in old:
            return f"has {what.replace('its ', '')} that the original has not"
        if old[name] != new[name]:
            return f"has another value of {what}"
    return "has other attributes"


def _config_message(name: str, old: object, new: object) -> str:
    """Says what happened to a field: of Env, of labels and the like only what is not the same."""
    first, second = _settings(name, old), _settings(name, new)
    if first is None or second is None:
        return f"{name} is {_said(new)}, it was {_said(old)}"
    for key, value in first.items():
        if key not in second:
            return f"{name} lost {_setting(name, key, value)}"
        if second[key] != value:
            return f"{name} {key} is {_said(second[key])}, it was {_said(value)}"
    for key, value in second.items():
        if key not in first:
            return f"{name} has {_setting(name, key, value)}, which the original has not"
    return f"{name} has the same settings in another order"


def _settings(name: str, value: object) -> dict[str, object] | None:
    if value is None and name in ("Env", "Labels", "ExposedPorts", "Volumes"):
        return {}
    if name == "Env" and isinstance(value, list):
        pairs = [str(each).partition("=") for each in value]
        return {key: content for key, _, content in pairs}
    return dict(value) if isinstance(value, dict) and name != "Healthcheck" else None


def _setting(name: str, key: str, value: object) -> str:
    return f"{key}={value}" if name in ("Env", "Labels") else key


def _said(value: object) -> str:
    return "not set" if value is None else json.dumps(value, sort_keys=True)


def covers(dropped: str, path: str) -> bool:
    """Tells whether a change that drops ``dropped`` (a path of the image, or a pattern of
    ``fnmatch``) said that ``path`` would differ: that path itself or one above it."""
    whole = posixpath.normpath("/" + dropped.strip("/"))
    above = [path]
    while above[-1] != "/":
        above.append(posixpath.dirname(above[-1]))
    return any(each == whole or fnmatchcase(each, whole) for each in above)
