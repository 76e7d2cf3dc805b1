"""What can be reached in a graph of numbered nodes, and whether it has a circle."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

Edges = Mapping[int, Sequence[int]]


def reachable(edges: Edges, start: int) -> frozenset[int]:
    """Returns ``start`` and every node that edges lead to from there."""
    found = {start}
    pending = [start]
    while pending:
        for node in edges.get(pending.pop(), ()):
            if node not in found:
                found.add(node)
                pending.append(node)
    return frozenset(found)


def circle(edges: Edges, nodes: Sequence[int]) -> tuple[int, int, int] | None:
    """Looks for a circle, depth first from each of ``nodes``.

    Returns where the search began and the edge that closes the circle, as a node
    and the position of its edge; None where there is no circle.
    """
    done: set[int] = set()
    for root in nodes:
        path = {root}
        pending = [(root, 0)]
        while pending:
            node, at = pending.pop()
            targets = edges.get(node, ())
            if at == len(targets):
                path.discard(node)
                done.add(node)
                continue
            pending.append((node, at + 1))
            target = targets[at]
            if target in path:
                return root, node, at
            if target not in done:
                path.add(target)
                pending.append((target, 0))
    return None
