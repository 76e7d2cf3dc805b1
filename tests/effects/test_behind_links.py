"""What a command touches behind the links that the context brings."""

from __future__ import annotations

import pytest

from optimizer.context.entries import Link
from optimizer.context.tree import BuildContext
from optimizer.cst.parse import parse
from optimizer.cst.source import Source
from optimizer.effects.effects import Effects
from optimizer.journal import ContextAnswer
from optimizer.model.stages import Invocation
from optimizer.view import Build, View

LINKS: dict[str, bytes | Link] = {
    "app/link": Link("data.txt"),
    "app/out": Link("/etc/out"),
    "app/dir": Link("../lib"),
    "app/chain": Link("link"),
    "app/one": Link("two"),
    "app/two": Link("one"),
    "app/up": Link("../../../../etc"),
    "app/data.txt": b"",
    "lib/x": b"",
}


def effects(command: str) -> Effects:
    text = f"FROM debian:12\nWORKDIR /src\nCOPY . .\nWORKDIR /src/app\nRUN {command}\n"
    build = Build(BuildContext.from_listing(LINKS), Invocation(), ContextAnswer(".", "the test"))
    view = View(parse(Source("Dockerfile", text)), build)
    return view.effects(view.stages.stages[0].steps[-1])


@pytest.mark.parametrize(
    ("command", "written"),
    [
        ("touch link", "/src/app/data.txt"),
        ("touch chain", "/src/app/data.txt"),
        ("echo a > out", "/etc/out"),
        ("cp data.txt dir/x", "/src/lib/x"),
        ("touch up/passwd", "/etc/passwd"),
    ],
)
def test_a_write_through_a_link_is_one_to_what_it_leads_to(command: str, written: str) -> None:
    assert effects(command).writes.covers(written)


def test_a_read_through_a_link_is_one_of_what_it_leads_to() -> None:
    assert effects("cat dir/x").reads.covers("/src/lib/x")


def test_a_loop_of_links_and_a_plain_file_stand_for_themselves() -> None:
    assert effects("touch one").writes.prefixes == ("/src/app/one",)
    assert effects("touch data.txt").writes.prefixes == ("/src/app/data.txt",)
