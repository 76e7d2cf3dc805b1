"""New texts as edits, held to a client that makes them; and what comments do to offers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lsprotocol import types
from lsprotocol.converters import get_converter

from optimizer.comments import hold, ignore
from optimizer.cst.edit import apply
from optimizer.cst.parse import parse
from optimizer.cst.source import Source
from optimizer.pipeline import MOST_LOOKED, Look, Offer, look
from optimizer.proposal import Answer, Refusal, Safety
from optimizer.surfaces.lsp.client import Client
from optimizer.surfaces.lsp.edits import Changed, workspace_edit
from optimizer.surfaces.lsp.positions import Text
from optimizer.transform import Transform
from optimizer.view import View
from tests.cases import Case, all_cases
from tests.lsp.apply import CODECS, edited, edits_of

URI = "file:///a/Dockerfile"
ABLE = Client(versioned_edits=True, creates_files=True, annotates_edits=True)
LINES = st.lists(st.sampled_from(["a\n", "b\n", "é😀\r\n", "\n", "c\r\n"]), max_size=12)
ASK = types.ChangeAnnotation("Smaller image", needs_confirmation=True)


def as_json(edit: types.WorkspaceEdit | None) -> Any:
    assert edit is not None
    return json.loads(json.dumps(get_converter().unstructure(edit)))


def changed(before: str | None, after: str, encoding: str = "utf-16") -> Changed:
    return Changed(URI, 3, None if before is None else Text(before, encoding), after)


@given(LINES, LINES, st.sampled_from(["", "x", "😀"]), st.sampled_from([*CODECS]))
def test_edits_make_the_new_text(
    before: list[str], after: list[str], end: str, encoding: str
) -> None:
    old, new = "".join(before) + end, "".join(after)
    for client in (ABLE, replace(ABLE, versioned_edits=False)):
        made = as_json(workspace_edit([changed(old, new, encoding)], client, None))
        assert edited(old, edits_of(made, URI), encoding) == new


def test_lines_that_stay_are_not_edited() -> None:
    made = as_json(workspace_edit([changed("a\nb\nc\n", "a\nc\nd\n")], ABLE, None))
    assert [each["newText"] for each in edits_of(made, URI)] == ["", "d\n"]


def test_edits_name_the_version_that_they_are_for() -> None:
    made = as_json(workspace_edit([changed("a", "b")], ABLE, None))
    assert made["documentChanges"][0]["textDocument"] == {"uri": URI, "version": 3}


def test_a_file_is_made_before_it_is_filled() -> None:
    made = as_json(workspace_edit([changed(None, "node_modules\n")], ABLE, None))
    create, fill = made["documentChanges"]
    assert (create["kind"], create["uri"]) == ("create", URI)
    assert create["options"] == {"overwrite": False, "ignoreIfExists": False}
    assert edited("", fill["edits"]) == "node_modules\n"


@pytest.mark.parametrize(
    "client",
    [replace(ABLE, creates_files=False), replace(ABLE, versioned_edits=False)],
    ids=["no new files", "no document changes"],
)
def test_half_an_edit_is_none(client: Client) -> None:
    both = [changed(None, "node_modules\n"), changed("a", "b")]
    assert workspace_edit(both, client, None) is None


def test_a_question_stands_at_every_edit() -> None:
    made = as_json(workspace_edit([changed(None, "x"), changed("a\n", "b\n")], ABLE, ASK))
    (name,) = made["changeAnnotations"]
    assert made["changeAnnotations"][name]["needsConfirmation"] is True
    create, *edits = made["documentChanges"]
    assert create["annotationId"] == name
    assert {each["annotationId"] for change in edits for each in change["edits"]} == {name}


def test_a_client_that_cannot_ask_gets_plain_edits() -> None:
    made = as_json(workspace_edit([changed("a", "b")], replace(ABLE, annotates_edits=False), ASK))
    assert "changeAnnotations" not in made
    assert "annotationId" not in made["documentChanges"][0]["edits"][0]


CASES = [pytest.param(case, id=case.id) for case in all_cases()]


def seen(case: Case, text: str | None = None) -> Look:
    source = Source.from_bytes(case.dockerfile, (case.before / case.dockerfile).read_bytes())
    if text is not None:
        source = Source(case.dockerfile, text)
    return look(parse(source), (case.build,), case.transforms, Safety(1), case.requested)


def same(offer: Offer, found: Look) -> Iterator[Offer]:
    """Yields what is offered in ``found`` of what ``offer`` would do."""
    wanted = (offer.change.transform, offer.change.title)
    for each in found.offers:
        if (each.change.transform, each.change.title) == wanted:
            yield each


@pytest.mark.parametrize("case", CASES)
def test_offers_of_a_case_are_edits_and_end_where_a_comment_says_so(case: Case) -> None:
    found = seen(case)
    for offer in found.offers:
        tree, before = found.tree, found.tree.source.text
        assert offer.change.before == before
        made = as_json(workspace_edit([changed(before, offer.change.after)], ABLE, None))
        assert edited(before, edits_of(made, URI)) == offer.change.after
        number = len([*same(offer, found)])
        if offer.holds is not None:
            held = apply(tree, (hold(tree, offer.holds),))
            assert len([*same(offer, seen(case, held))]) < number
        about = next(each for each in tree.instructions if each.code.start == offer.at.start)
        quiet = apply(tree, (ignore(tree, about, offer.change.transform),))
        assert len([*same(offer, seen(case, quiet))]) < number


def test_the_first_offers_of_a_file_are_its_first_changes() -> None:
    for case in all_cases():
        applied, offers = case.outcome().applied, seen(case).offers
        if applied:
            assert applied[0].after == next(
                each.change.after for each in offers if not each.on_request
            )


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("FROM a\nRUN b\n", "FROM a\n# dockopt: ignore=x\nRUN b\n"),
        ("FROM a\n# why\n  RUN b\n", "FROM a\n# why\n  # dockopt: ignore=x\n  RUN b\n"),
        ("FROM a\n#dockopt: ignore=y\nRUN b\n", "FROM a\n#dockopt: ignore=y,x\nRUN b\n"),
        (
            "FROM a\n# dockopt: ignore=y # why\n# dockopt: keep\nRUN b",
            "FROM a\n# dockopt: ignore=y,x # why\n# dockopt: keep\nRUN b",
        ),
        (
            "FROM a\n# dockopt: ignore=y\n# dockopt: ignore\nRUN b",
            "FROM a\n# dockopt: ignore=y\n# dockopt: ignore\n# dockopt: ignore=x\nRUN b",
        ),
        ("FROM a\r\nRUN b\r\n", "FROM a\r\n# dockopt: ignore=x\r\nRUN b\r\n"),
    ],
)
def test_a_transform_is_turned_off_above_the_instruction(before: str, after: str) -> None:
    tree = parse(Source("Dockerfile", before))
    assert apply(tree, (ignore(tree, tree.instructions[1], "x"),)) == after


def test_an_instruction_below_directives_is_held_below_them() -> None:
    tree = parse(Source("Dockerfile", "# escape=`\nFROM a\n"))
    assert apply(tree, (hold(tree, tree.instructions[0]),)) == (
        "# escape=`\n# dockopt: keep\nFROM a\n"
    )


def test_a_look_ends_where_it_would_take_too_long() -> None:
    text = "FROM node\nWORKDIR /a\n" + "COPY . /a/\nRUN npm ci\n" * 70
    case = next(each for each in all_cases() if each.id.endswith("npm-ci-below-copy-everything"))
    asked: list[int] = []

    class Endless(Transform):
        id = "endless"
        best = Safety(1)

        def propose(self, view: View) -> Iterator[Answer]:
            for number in count():
                asked.append(number)
                yield Refusal("no-gain", view.dockerfile.instructions[0].code, "no", "no")

    tree = parse(Source("Dockerfile", text))
    found = look(tree, (case.build,), (Endless(),), Safety(1))
    assert found.cut == ("endless",)
    assert len(asked) <= MOST_LOOKED // len(tree.instructions) + 1
