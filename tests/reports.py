"""Reports made by hand, for the tests of their faces."""

from __future__ import annotations

from optimizer.journal import ContextAnswer
from optimizer.report.cache import CacheReport
from optimizer.step_table import StepRow, StepTable


def cache_report() -> CacheReport:
    """A report of two steps with long texts, the second of which runs again in most commits."""
    rows = (
        StepRow("0/1", 2, "COPY " + "a-long-name " * 9 + "./", ("a-long-name",) * 9, None,
                (), 3, 3, None, 0.1, "estimate", False),
        StepRow("0/2", 3, "RUN " + "make && " * 30 + "true", (), None,
                ("VERSION",), 0, 187, 2, 20.0, "measured", True),
    )  # fmt: skip
    table = StepTable(rows, "history", 200, 190, "the last 200 commits", "a shallow clone: all")
    return CacheReport("Dockerfile", ContextAnswer(".", "its own folder"), table, table,
                       ("order-by-volatility",))  # fmt: skip
