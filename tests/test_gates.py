"""What every change has to pass, whatever its transform believes."""

from __future__ import annotations

import pytest

from optimizer.context.tree import BuildContext
from optimizer.cst.parse import parse
from optimizer.cst.source import Source
from optimizer.gates import keeps_target
from optimizer.journal import ContextAnswer
from optimizer.model.stages import Invocation
from optimizer.proposal import Proposal, Safety
from optimizer.view import Build, View

KEEPS = [
    ("FROM a\nENV b=c\nWORKDIR /d\n", "FROM a\nWORKDIR /d\nENV b=c\n", True),
    ("FROM a\nCMD b\nENV c=d\n", "FROM a\nENV c=d\nCMD b\n", True),
    ("FROM a\nENV b=c\nENV d=e\n", "FROM a\nENV d=e\nENV b=c\n", False),
    ("FROM a\nARG b=1\nENV c=$b\n", "FROM a\nENV c=$b\nARG b=1\n", False),
    ("FROM a\nENV b=/c\nWORKDIR $b\n", "FROM a\nWORKDIR $b\nENV b=/c\n", False),
    ("FROM a\nUSER b\nUSER c\n", "FROM a\nUSER c\nUSER b\n", False),
    ("FROM a\nLABEL b=c\n", "FROM a\n", False),
]


@pytest.mark.parametrize(("before", "after", "kept"), KEEPS)
def test_keeps_target(before: str, after: str, kept: bool) -> None:
    old, new = view(before), view(after)
    at = old.dockerfile.instructions[0].code
    proposal = Proposal("title", at, (), Safety.SAME_IMAGE, "reason")
    assert (keeps_target(old, new, proposal) is None) is kept


def view(text: str) -> View:
    build = Build(BuildContext.from_listing({}), Invocation(), ContextAnswer(".", "the test"))
    return View(parse(Source("Dockerfile", text)), build)
