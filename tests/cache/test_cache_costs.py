"""What a step costs, and how that is known."""

from __future__ import annotations

from optimizer.cache.costs import Costs, StepCost
from optimizer.cache.timings import Timing, Timings
from optimizer.knowledge.costs import estimate
from optimizer.view import View
from tests.views import view

UUID = b"github.com/google/uuid v1.6.0"
MODULE = {
    "go.mod": b"module example.com/app\n\ngo 1.22\n\nrequire " + UUID + b"\n",
    "go.sum": UUID
    + b" h1:NIvaJDMOsjHA8n1jAhLSgzrAzy1Hgr+hNrb57e+94F0=\n"
    + UUID
    + b"/go.mod h1:TIyPZe4MgqvfeYDBFedMoGGpEw/LqOeaOT+nhxU+yHo=\n",
}


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


def test_a_build_costs_less_where_a_step_above_brought_in_its_dependencies() -> None:
    files = {**MODULE, "main.go": b"package main\n"}
    top = "FROM golang:1.24\nWORKDIR /src\n"
    alone = view(f"{top}COPY . .\nRUN go build .\n", files)
    below = view(
        f"{top}COPY go.mod go.sum ./\nRUN go mod download\nCOPY . .\nRUN go build .\n", files
    )

    def last(seen: View) -> float:
        return seen.seconds(seen.stages.stages[0].steps[-1])

    assert last(alone) == estimate(("go", "build", "."))
    assert last(below) == last(alone) - estimate(("go", "mod", "download"))


def test_a_figure_of_the_user_is_left_as_it_is() -> None:
    files = {**MODULE, "main.go": b"package main\n"}
    text = "FROM golang:1.24\nCOPY go.* /go/\nRUN go mod download\nCOPY . /go\nRUN go build .\n"
    seen = view(text, files, costs=Costs(configured={"go build": 7.0}))

    assert seen.seconds(seen.stages.stages[0].steps[-1]) == 7.0
