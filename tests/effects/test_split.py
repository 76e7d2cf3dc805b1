"""What becomes of the steps of a stage that is split, and of the packages in its RUNs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from types import ModuleType
from unittest.mock import patch

import pytest

from optimizer.effects.split.plan import Plan
from optimizer.knowledge import producers
from optimizer.knowledge.installs import Call, Obstacle
from optimizer.knowledge.products import Made, Product
from tests.effects.views import view_of

_FILES = {"requirements.txt": b"flask\n", "app.py": b"", "go.mod": b"module x\n", "main.go": b""}


def plan_of(text: str, files: Mapping[str, bytes] = _FILES) -> Plan | Obstacle | None:
    view = view_of(text, files)
    assert view.stages.target is not None
    return view.split(view.stages.target)


def split(text: str, files: Mapping[str, bytes] = _FILES) -> str:
    """Returns the file after the split of its target."""
    view = view_of(text, files)
    stage = view.stages.target
    assert stage is not None
    plan = view.split(stage)
    assert isinstance(plan, Plan), plan
    return view.edited(view.split_edits(stage, plan)).source.text


def runtime(text: str, files: Mapping[str, bytes] = _FILES) -> list[str]:
    """Returns the lines of the runtime stage."""
    lines = split(text, files).splitlines()
    last = max(number for number, line in enumerate(lines) if re.match("from ", line, re.I))
    return [line for line in lines[last:] if line]


SITE = "/usr/local/lib/python3.12/site-packages"
COPIES = [f"COPY --from=builder {path} {path}" for path in (SITE, "/usr/local/bin")]


def test_each_step_has_its_place_and_its_reason() -> None:
    plan = plan_of(
        "FROM python:3.12-slim\n"
        "WORKDIR /app\n"
        "LABEL a=b\n"
        "ARG INDEX\n"
        "COPY requirements.txt .\n"
        "RUN pip install -i https://$INDEX/simple -r requirements.txt\n"
        "COPY . .\n"
        "CMD python app.py\n"
    )
    assert isinstance(plan, Plan)
    found = [(p.step.instruction.keyword, p.fate) for p in plan.parts]
    assert found == [
        ("WORKDIR", "both"),
        ("LABEL", "runtime"),
        ("ARG", "builder"),
        ("COPY", "builder"),
        ("RUN", "builder"),
    ]
    assert all(part.reason for part in plan.parts)


@pytest.mark.parametrize(
    ("taken", "name"),
    [
        ("FROM alpine AS builder", "build"),
        ("FROM builder AS x", "build"),
        ("FROM alpine AS build\nCOPY --from=builder /a /b", "build-stage"),
        ("FROM alpine AS build\nRUN --mount=from=BUILDER true", "build-stage"),
    ],
)
def test_the_builder_takes_a_name_that_means_nothing_yet(taken: str, name: str) -> None:
    text = split(f"{taken}\nFROM python:3.12\nRUN pip install flask\n")
    assert f"FROM python:3.12 AS {name}\n" in text
    assert f"COPY --from={name} " in text


def test_a_stage_keeps_its_name() -> None:
    text = split("FROM python:3.12 AS app\nRUN pip install flask\nCMD a\n")
    assert re.findall("FROM .*", text) == ["FROM python:3.12 AS builder", "FROM python:3.12 AS app"]


def test_numbers_of_stages_move_on() -> None:
    view = view_of(
        "FROM alpine\nFROM python:3.12 AS app\nRUN pip install flask\n"
        "FROM alpine\nFROM alpine\nCOPY --from=0 /a /b\nCOPY --from=2 /a /b\n"
    )
    stage = view.stages.stages[1]
    plan = view.split(stage)
    assert isinstance(plan, Plan)
    text = view.edited(view.split_edits(stage, plan)).source.text
    assert re.findall("--from=[0-9]", text) == ["--from=0", "--from=3"]


PACKAGES = [
    ("apt-get install -y gcc", None),
    ("apt-get update && apt-get install -y gcc git", "apt-get update && apt-get install -y git"),
    (
        "apt-get install -y libpq-dev libpq5 && rm -rf /var/lib/apt/lists/*",
        "apt-get install -y libpq5 && rm -rf /var/lib/apt/lists/*",
    ),
    ("apt-get install -y gcc && useradd app", "useradd app"),
    ("set -e; apt-get install -y gcc; useradd app", "set -e; useradd app"),
    ("apt-get install gcc git && pip install x && apt-get purge gcc", "apt-get install git"),
    ("apt-get install -y gcc=4:12.2.0-3 git=1:2.39", "apt-get install -y git=1:2.39"),
    ("apt-get install -t sid gcc git", "apt-get install -t sid git"),
]  # fmt: skip

_STANDS_FOR = {"gcc": (), "libpq-dev": ("libpq5",), "git": ("git",), "libpq5": ("libpq5",)}


@pytest.fixture
def _packages() -> Iterator[None]:
    def known(package: str, releases: object) -> tuple[str, ...] | None:
        return _STANDS_FOR.get(package)

    with patch("optimizer.effects.split.packages.runtime_packages", known):
        yield


@pytest.mark.usefixtures("_packages")
@pytest.mark.parametrize(("script", "left"), PACKAGES)
def test_packages_that_only_building_needs_go(script: str, left: str | None) -> None:
    found = runtime(f"FROM python:3.12-slim\nRUN {script}\nRUN pip install flask\n")
    expected = [] if left is None else [f"RUN {left}"]
    assert found == ["FROM python:3.12-slim", *expected, *COPIES]


@pytest.mark.usefixtures("_packages")
def test_words_go_with_their_line() -> None:
    found = runtime(
        "FROM python:3.12-slim\n"
        "RUN apt-get install -y \\\n    gcc \\\n    # for clones\n    git \\\n    libpq-dev \\\n"
        "  && echo done\n"
        "RUN pip install flask\n"
    )
    assert found[1:6] == [
        "RUN apt-get install -y \\",
        "    # for clones",
        "    git \\",
        "    libpq5",
        *COPIES[:1],
    ]


AGAIN = [
    # Files that a COPY of the runtime stage brings go again.
    ("COPY requirements.txt /tmp/r.txt\nRUN pip install -r /tmp/r.txt\nRUN rm /tmp/r.txt\n"
     "RUN pip install x\n",
     ["COPY requirements.txt /tmp/r.txt", "RUN rm /tmp/r.txt", *COPIES]),
    # Lists are fetched for the packages that stay, and taken away behind them.
    ("RUN apt-get update\nRUN apt-get install -y git\nRUN rm -rf /var/lib/apt/lists/*\n"
     "RUN pip install x && rm -rf /tmp/x\n",
     ["RUN apt-get update", "RUN apt-get install -y git", "RUN rm -rf /var/lib/apt/lists/*",
      *COPIES]),
    ("RUN apt-get update\nRUN apt-get install -y gcc\nRUN rm -rf /var/lib/apt/lists/*\n"
     "RUN pip install x\n",
     COPIES),
    # A COPY keeps what is in a directory, but not how that one was made.
    ("RUN mkdir -m 700 /venv && python -m venv /venv\n",
     ["RUN mkdir -m 700 /venv", "COPY --from=builder /venv /venv"]),
    ("RUN python -m venv /venv && chown -R 5:5 /venv\n",
     ["COPY --from=builder /venv /venv", "RUN chown -R 5:5 /venv"]),
    ("RUN python -m venv /venv && chown -R 5:5 /venv/lib\n",
     ["COPY --from=builder /venv /venv"]),
    # What only reads is not done again.
    ("RUN python --version && ls /\nRUN pip install x\n", COPIES),
    # Directories that the base has may hold more than what is left out.
    ("RUN mkdir -p /usr/local/share/ca && update-ca-certificates\nRUN pip install x\n",
     ["RUN mkdir -p /usr/local/share/ca && update-ca-certificates", *COPIES]),
    # The shell's state goes along with what needs it, and only so.
    ("RUN cd /srv && mkdir a && pip install x\n", ["RUN cd /srv && mkdir a", *COPIES]),
    ("RUN cd /srv && pip install x\n", COPIES),
]  # fmt: skip


@pytest.mark.usefixtures("_packages")
@pytest.mark.parametrize(("above", "expected"), AGAIN)
def test_what_the_runtime_stage_does_again(above: str, expected: list[str]) -> None:
    assert runtime(f"FROM python:3.12-slim\n{above}")[1:] == expected


OWNED = [
    ("USER app\nRUN python -m venv /venv\n", "--from=builder --chown=app /venv"),
    ("USER 5:6\nRUN python -m venv /venv\n", "--from=builder --chown=5:6 /venv"),
    ("USER root\nRUN python -m venv /venv\n", "--from=builder /venv"),
    ("WORKDIR /venv\nUSER app\nRUN python -m venv /venv\n", "--from=builder /venv"),
]


@pytest.mark.parametrize(("steps", "flags"), OWNED)
def test_owners_are_kept(steps: str, flags: str) -> None:
    assert f"COPY {flags} /venv" in runtime(f"FROM python:3.12-slim\n{steps}")


class _Maker(ModuleType):
    """A producer: ``make-it`` leaves /out, and nobody knows what ``make-that`` leaves."""

    @staticmethod
    def product(call: Call, made: Made) -> Product | Obstacle | None:
        if call.program == "make-that":
            return Obstacle("unknown-product", "why", "unblock")
        return Product(("/out",), drops=("/cache",), prune="prune-it", directory="/src")


@pytest.fixture
def _maker() -> Iterator[None]:
    known = {"maker": re.compile("make-.*")}
    with (
        patch.dict(producers.PRODUCERS, known, clear=True),
        patch("optimizer.knowledge.producers.import_module", _Maker),
    ):
        yield


@pytest.mark.usefixtures("_maker")
def test_what_a_producer_names_is_copied_and_pruned() -> None:
    text = split("FROM debian:12\nWORKDIR /src\nRUN make-it\nRUN ls /out\nCMD /out/app\n")
    assert text == (
        "FROM debian:12 AS builder\nWORKDIR /src\nRUN make-it\nRUN prune-it\n\n"
        "FROM debian:12\nWORKDIR /src\nCOPY --from=builder /out /out\nRUN ls /out\nCMD /out/app\n"
    )


@pytest.mark.usefixtures("_maker")
def test_an_obstacle_of_a_producer_is_the_answer() -> None:
    found = plan_of("FROM debian:12\nRUN make-that\n")
    assert isinstance(found, Obstacle)
    assert found.code == "unknown-product"


@pytest.mark.usefixtures("_maker")
def test_a_command_that_goes_on_with_what_is_left_out_holds() -> None:
    found = plan_of("FROM debian:12\nRUN make-it\nRUN cp /cache/a /b\n")
    assert isinstance(found, Obstacle)
    assert found.code == "build-output-moved"


def test_a_stage_that_builds_nothing_has_no_plan() -> None:
    assert plan_of("FROM python:3.12\nRUN pip download -d /wheels flask\nCMD a\n") is None
    assert plan_of("FROM python:3.12\nRUN apt-get install -y gcc\nCOPY . .\nCMD a\n") is None
    assert plan_of("FROM python:3.12 AS a\nRUN pip install x\nFROM a\nCMD b\n") is None
