"""What comments above an instruction say."""

from __future__ import annotations

import pytest

from optimizer.comments import said, says_bust_cache
from optimizer.cst.parse import parse
from optimizer.cst.source import Source

BUST = [
    ("bust the cache on every commit", True),
    ("Bust layer cache when the set of packages changes", True),
    ("invalidate docker's layer cache", True),
    ("cache-bust", True),
    ("always reinstall", True),
    ("so that we don't invalidate the cache of installed dependencies", False),
    ("avoid busting the cache", False),
    ("this does not break the layer cache", False),
    ("install the dependencies", False),
    ("cache the dependencies", False),
]


@pytest.mark.parametrize(("comment", "expected"), BUST, ids=[case[0] for case in BUST])
def test_cache_bust(comment: str, expected: bool) -> None:
    tree = parse(Source("Dockerfile", f"FROM a\n# {comment}\nRUN b\n"))
    assert says_bust_cache(tree, tree.instructions) is expected


def test_said_reads_comments_right_above_an_instruction() -> None:
    text = "FROM a\n# dockopt: keep\nRUN b\n#dockopt:ignore=x,y\nRUN c\n# dockopt: keep\n\nRUN d\n"
    tree = parse(Source("Dockerfile", text))
    assert [(each.instruction.line, each.keep, sorted(each.ignore)) for each in said(tree)] == [
        (3, True, []),
        (5, False, ["x", "y"]),
    ]
