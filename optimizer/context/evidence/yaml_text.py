"""YAML as plain values, whoever wrote it.

Every scalar stays the text that it was, with the tag it carries or would get,
so nothing is turned into a date or an octal number. Tags never construct
anything; an alias is the same value again; ``<<`` is merged.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from yaml.events import Event, ScalarEvent

_DEEPEST_FLOW: Final = 100
_MOST_MERGED: Final = 100_000
_BRACKETS: Final = re.compile(r"[\[\]{}]")
_NULL: Final = frozenset({"", "~", "null", "Null", "NULL"})
_MERGE: Final = "<<"


class YamlError(ValueError):
    """The text is not YAML, or nests or merges more than any real file does."""


class Scalar(str):
    """A scalar's text; ``plain`` says that no quotes stand around it, ``line`` is the one on which
    it begins, from 1."""

    __slots__ = ("line", "plain", "tag")
    plain: bool
    tag: str
    line: int

    @classmethod
    def of(cls, text: str, *, plain: bool = False, tag: str = "", line: int = 1) -> Scalar:
        """Makes a scalar; without more it is as good as quoted."""
        scalar = cls(text)
        scalar.plain = plain
        scalar.tag = tag
        scalar.line = line
        return scalar

    @property
    def is_null(self) -> bool:
        """Says whether this is YAML's null."""
        return self.plain and not self.tag and str(self) in _NULL


@dataclass(slots=True)
class YamlSequence:
    """A list of values, with its tag (``!override``) or an empty text."""

    items: list[Value]
    tag: str = ""


@dataclass(slots=True)
class YamlMapping:
    """Values by the text of their keys, in order; the last of equal keys counts."""

    items: dict[str, Value]
    tag: str = ""
    lines: dict[str, int] = field(default_factory=dict)
    """The lines of the keys, from 1."""

    def get(self, *path: str) -> Value | None:
        """Returns the value at a path of keys, or None where a step is missing or null."""
        value: Value | None = self
        for key in path:
            if not isinstance(value, YamlMapping):
                return None
            value = value.items.get(key)
        return None if isinstance(value, Scalar) and value.is_null else value

    def mapping(self, *path: str) -> YamlMapping:
        """Returns the mapping at a path, or an empty one where there is none."""
        value = self.get(*path)
        return value if isinstance(value, YamlMapping) else YamlMapping({})

    def text(self, *path: str) -> str | None:
        """Returns the scalar at a path, or None where there is none or null."""
        value = self.get(*path)
        return value if isinstance(value, Scalar) else None

    def texts(self, *path: str) -> list[str]:
        """Returns the scalars of the list at a path, or the one scalar there."""
        value = self.get(*path)
        if isinstance(value, Scalar):
            return [str(value)]
        return scalars(value)


Value = Scalar | YamlSequence | YamlMapping


def scalars(value: Value | None) -> list[str]:
    """Returns the texts of a list, without what is no scalar or null."""
    if not isinstance(value, YamlSequence):
        return []
    return [str(item) for item in value.items if isinstance(item, Scalar) and not item.is_null]


def read_yaml(text: str) -> list[Value]:
    """Reads all documents; raises `YamlError` with the line of the first fault."""
    import yaml

    if _deepest_flow(text) > _DEEPEST_FLOW:
        raise YamlError("is nested too deeply")
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    builder = _Builder()
    try:
        for event in yaml.parse(text, Loader=loader):
            builder.take(event)
    except yaml.MarkedYAMLError as error:
        line = f"line {error.problem_mark.line + 1}: " if error.problem_mark else ""
        raise YamlError(f"{line}{error.problem}") from error
    except (yaml.YAMLError, UnicodeError) as error:
        raise YamlError("holds characters that YAML does not allow") from error
    return builder.documents


def _deepest_flow(text: str) -> int:
    """Bounds how deeply brackets nest: libyaml takes quadratic time there."""
    depth = deepest = 0
    for bracket in _BRACKETS.findall(text):
        depth = depth + 1 if bracket in "[{" else max(depth - 1, 0)
        deepest = max(deepest, depth)
    return deepest


@dataclass(slots=True)
class _Open:
    """A collection that is being read."""

    value: YamlSequence | YamlMapping
    anchor: str | None
    keys: list[Value | None] = field(default_factory=list)
    merged: list[YamlMapping] = field(default_factory=list)


class _Builder:
    """Turns events into values without recursion."""

    def __init__(self) -> None:
        self.documents: list[Value] = []
        self._stack: list[_Open] = []
        self._anchors: dict[str, Value] = {}
        self._merged = 0

    def take(self, event: Event) -> None:
        import yaml

        if isinstance(event, yaml.ScalarEvent):
            self._add(_scalar(event), event.anchor)
        elif isinstance(event, yaml.MappingStartEvent):
            self._stack.append(_Open(YamlMapping({}, _tag(event.tag)), event.anchor))
        elif isinstance(event, yaml.SequenceStartEvent):
            self._stack.append(_Open(YamlSequence([], _tag(event.tag)), event.anchor))
        elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
            self._close()
        elif isinstance(event, yaml.AliasEvent):
            if event.anchor not in self._anchors:
                raise YamlError(f"found undefined alias {event.anchor}")
            self._add(self._anchors[event.anchor], None)
        elif isinstance(event, yaml.DocumentStartEvent):
            self._anchors = {}

    def _add(self, value: Value, anchor: str | None) -> None:
        if anchor is not None:
            self._anchors[anchor] = value
        if not self._stack:
            self.documents.append(value)
            return
        parent = self._stack[-1]
        if isinstance(parent.value, YamlSequence):
            parent.value.items.append(value)
        elif not parent.keys:
            parent.keys.append(value)
        else:
            self._set(parent, parent.value, parent.keys.pop(), value)

    def _set(self, parent: _Open, mapping: YamlMapping, key: Value | None, value: Value) -> None:
        if not isinstance(key, Scalar):
            return
        if key == _MERGE and key.plain:
            sources = value.items if isinstance(value, YamlSequence) else [value]
            parent.merged.extend(s for s in sources if isinstance(s, YamlMapping))
        else:
            mapping.items[str(key)] = value
            mapping.lines[str(key)] = key.line

    def _close(self) -> None:
        closed = self._stack.pop()
        if isinstance(closed.value, YamlMapping):
            for source in closed.merged:
                self._merge(closed.value, source)
        self._add(closed.value, closed.anchor)

    def _merge(self, mapping: YamlMapping, source: YamlMapping) -> None:
        self._merged += len(source.items)
        if self._merged > _MOST_MERGED:
            raise YamlError("merges too much")
        for key, value in source.items.items():
            mapping.items.setdefault(key, value)
            mapping.lines.setdefault(key, source.lines.get(key, 1))


def _scalar(event: ScalarEvent) -> Scalar:
    plain, mark = bool(event.implicit[0]), event.start_mark
    line = mark.line + 1 if mark is not None else 1
    return Scalar.of(event.value, plain=plain, tag=_tag(event.tag), line=line)


def _tag(tag: str | None) -> str:
    """Returns an application's own tag; the standard ones say nothing that is needed here."""
    return tag if tag is not None and tag.startswith("!") and tag != "!" else ""
