"""Values that are known, and values that are not, with the reason."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Known:
    """A value that every build of this file with this invocation sees."""

    text: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """A value that the file does not settle. ``reason`` names what it comes from."""

    reason: str


Value: TypeAlias = Known | Unknown


def given_args(build_args: Mapping[str, str | None]) -> dict[str, Value]:
    """Returns the values of build arguments; None stands for one that is not known."""
    return {
        name: Unknown(f"${name} is given to the build with a value that is not known")
        if text is None
        else Known(text)
        for name, text in build_args.items()
    }


_Node: TypeAlias = "tuple[int, str, Value, _Node, _Node] | None"


class Bindings(Mapping[str, Value]):
    """Names with their values; never changes, and shares almost everything with its successors.

    A search tree ordered by hash, so a file with 100,000 ENV instructions takes
    no more than a logarithm's worth of memory for each of them.
    """

    __slots__ = ("_root",)

    def __init__(self, values: Mapping[str, Value] | None = None) -> None:
        self._root: _Node = None
        for name, value in (values or {}).items():
            self._root = _put(self._root, hash(name), name, value)

    def having(self, name: str, value: Value) -> Bindings:
        """Returns these bindings with ``name`` bound to ``value``."""
        bindings = Bindings()
        bindings._root = _put(self._root, hash(name), name, value)
        return bindings

    def __getitem__(self, name: str) -> Value:
        code, node = hash(name), self._root
        while node is not None:
            if node[1] == name:
                return node[2]
            node = node[3] if (code, name) < (node[0], node[1]) else node[4]
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        """Yields the names in alphabetical order."""
        names = []
        pending = [self._root]
        while pending:
            node = pending.pop()
            if node is not None:
                names.append(node[1])
                pending += node[3:]
        return iter(sorted(names))

    def __len__(self) -> int:
        return sum(1 for _ in self)


def _put(node: _Node, code: int, name: str, value: Value) -> _Node:
    if node is None:
        return (code, name, value, None, None)
    node_code, node_name, old, left, right = node
    if node_name == name:
        return (code, name, value, left, right)
    if (code, name) < (node_code, node_name):
        return (node_code, node_name, old, _put(left, code, name, value), right)
    return (node_code, node_name, old, left, _put(right, code, name, value))
