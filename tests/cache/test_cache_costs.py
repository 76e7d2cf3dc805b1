"""What a step costs, and how that is known."""

from __future__ import annotations

from optimizer.cache.costs import Costs, StepCost
from optimizer.cache.timings import Timing, Timings
from optimizer.knowledge.costs import estimate
from tests.views import view


def costs(text: str, known: Costs | None = None, **files: bytes) -> list[StepCost]:
    found = view(f"FROM node:22\n{text}", files, costs=known)
    return [found.cost(step) for stage in found.stages.stages for step in stage.steps]


def test_a_run_is_the_sum_of_its_commands() -> None:
    expected = estimate(("apt-get", "update")) + estimate(("apt-get", "install", "-y", "git"))
    assert costs("RUN apt-get update && apt-get install -y git\n") == [
        StepCost(expected, "estimate")
    ]


def test_measured_goes_before_configured_and_configured_before_estimated() -> None:
    own = {"npm": 1.0, "npm ci": 70.0}
    log = Timings((Timing(None, 1, "RUN npm ci", 12.5),))
    assert costs("RUN npm ci\n", Costs(log, own)) == [StepCost(12.5, "measured")]
    assert costs("RUN npm ci --omit=dev\n", Costs(None, own)) == [StepCost(70.0, "configured")]
    assert costs("RUN npm cit\n", Costs(None, own)) == [StepCost(1.0, "configured")]
    assert costs("RUN npmx\n", Costs(None, own))[0].basis == "estimate"


def test_a_run_that_cannot_be_read_has_a_cost() -> None:
    assert costs('SHELL ["pwsh", "-c"]\nRUN Get-Item | Remove-Item\n')[-1].seconds > 0


def test_what_is_no_work_costs_nothing() -> None:
    text = "ENV A=1\nLABEL b=c\nUSER node\nEXPOSE 80\nCMD true\n"
    assert {cost.seconds for cost in costs(text)} == {0.0}


def test_a_copy_of_more_files_costs_more() -> None:
    files = {f"{number}": b"" for number in range(1000)}
    few, many = costs("COPY 1 /x/\nCOPY . /y/\n", None, **files)
    assert few.seconds < many.seconds
