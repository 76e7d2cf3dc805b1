"""The lane's command: which of pytest's arguments say where tests lie."""

from __future__ import annotations

from pathlib import Path

from tests.engine.__main__ import names_tests

HERE = Path(__file__).resolve()


def test_file_or_a_test_in_it_takes_the_place_of_the_lane() -> None:
    assert names_tests([str(HERE)])
    assert names_tests(["-x", f"{HERE}::test_of_some_name"])


def test_options_alone_do_not() -> None:
    assert not names_tests([])
    assert not names_tests(["-x", "-k", "not (npm or pip)", "--ignore=tests/engine/image.py"])


def test_expression_longer_than_a_name_can_be_is_no_path() -> None:
    assert not names_tests(["-k", " or ".join(["a-case-with-a-name-of-its-own"] * 40)])
