"""Which copied files everybody may run."""

from __future__ import annotations

from pathlib import Path

import pytest

from optimizer.context.tree import BuildContext
from optimizer.cst.parse import parse
from optimizer.cst.source import Source
from optimizer.journal import ContextAnswer
from optimizer.model.stages import Invocation
from optimizer.view import Build, View


@pytest.mark.parametrize(
    ("mode", "flag", "executable"),
    [
        (0o644, "", False),
        (0o755, "", True),
        (0o744, "", False),
        (0o644, "--chmod=755 ", True),
        (0o755, "--chmod=0644 ", False),
        (0o755, "--chmod=u=rwx ", False),
    ],
)
def test_the_mode_of_the_context_counts_unless_chmod_is_given(
    tmp_path: Path, mode: int, flag: str, executable: bool
) -> None:
    (tmp_path / "run").write_text("#!/bin/sh\n")
    (tmp_path / "run").chmod(mode)
    text = f"FROM debian:12\nCOPY {flag}. /app/\nRUN true\n"
    build = Build(BuildContext(tmp_path), Invocation(), ContextAnswer(".", "the test"))
    view = View(parse(Source("Dockerfile", text)), build)

    files = view.files_above(view.stages.stages[0].steps[-1])

    assert files.is_executable("/app/run") == executable
    assert not files.is_executable("/app/none")
    assert not files.is_executable("/app")
