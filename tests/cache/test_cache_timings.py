"""How long steps took, from the logs of real builds."""

from __future__ import annotations

import json

import pytest

from optimizer.cache.timings import LogError, Timing, Timings, read_timings
from tests.views import view

FILE = """FROM node:22 AS deps
WORKDIR /app
COPY package.json ./
RUN   npm   ci
FROM nginx:1
ARG NAME=app
COPY --from=deps /app/$NAME /srv
RUN <<EOF
true
id
EOF
RUN npm ci
"""

PLAIN = """#0 building with "default" instance using docker driver

#1 [internal] load build definition from Dockerfile
#1 transferring dockerfile: 231B done
#1 DONE 0.0s

#5 [deps 1/4] FROM docker.io/library/node:22
#5 DONE 3.1s

#6 [deps 2/4] WORKDIR /app
#6 CACHED

#7 [deps 3/4] COPY package.json ./
#7 DONE 0.1s

#8 [deps 4/4] RUN   npm   ci
#8 12.41 added 312 packages
#8 12.50 DONE 1.0s is what the program says
#8 DONE 12.6s

#9 [stage-1 2/4] COPY --from=deps /app/app /srv
#9 DONE 0.2s

#10 [stage-1 3/4] RUN <<EOF (true...)
#10 DONE 1.5s

#11 [stage-1 4/4] RUN npm ci
#11 DONE 4.0s

#12 exporting to image
#12 DONE 0.3s
"""


def vertex(name: str, seconds: float | None, **more: object) -> str:
    """One record as ``--progress=rawjson`` prints it, with Go's nanoseconds."""
    started = {"started": "2024-05-01T10:00:00.123456789Z"} if seconds is not None else {}
    if seconds:
        whole, part = divmod(round(seconds * 10), 10)
        started["completed"] = f"2024-05-01T10:00:{whole:02d}.{123456789 + part * 10**8:09d}Z"
    return json.dumps({"vertexes": [{"digest": "sha256:1", "name": name, **started, **more}]})


RAW = "\n".join(
    [
        vertex("[internal] load build definition from Dockerfile", 1.0),
        vertex("[deps 2/4] WORKDIR /app", 1.0, cached=True),
        vertex("[deps 4/4] RUN   npm   ci", None),
        vertex("[deps 4/4] RUN   npm   ci", 0.0),
        json.dumps({"logs": [{"vertex": "sha256:1", "data": "aGVsbG8="}]}),
        vertex("[deps 4/4] RUN   npm   ci", 12.6),
        vertex("[linux/amd64 stage-1 4/4] RUN npm ci", 4.0),
        "",
    ]
)


def seconds_by_line(timings: Timings) -> dict[int, float]:
    found = view(FILE)
    named = {
        step.instruction.line: timings.seconds(found.dockerfile, stage, step)
        for stage in found.stages.stages
        for step in stage.steps
    }
    return {line: seconds for line, seconds in named.items() if seconds is not None}


def test_a_plain_log() -> None:
    assert seconds_by_line(read_timings(PLAIN)) == {3: 0.1, 4: 12.6, 7: 0.2, 8: 1.5, 12: 4.0}


def test_a_plain_log_in_the_log_of_something_else() -> None:
    lines = [f"2024-05-01T10:00:00.1Z {line}\r" for line in PLAIN.split("\n")]
    assert read_timings("\n".join(lines)).steps == read_timings(PLAIN).steps


def test_a_rawjson_log() -> None:
    found = seconds_by_line(read_timings(RAW))
    assert {line: round(seconds, 3) for line, seconds in found.items()} == {4: 12.6, 12: 4.0}


def test_variables_are_filled_in_and_quotes_stay() -> None:
    text = "FROM a\nARG V=1\nRUN echo \"$V\" ${V} $W 'x'\n"
    log = Timings((Timing(None, 2, "RUN echo \"1\" 1 $W 'x'", 3.0),))
    found = view(text)
    stage = found.stages.stages[0]
    assert log.seconds(found.dockerfile, stage, stage.steps[1]) == 3.0


def test_a_step_of_another_stage_stands_in() -> None:
    only = Timings((Timing("deps", 4, "RUN npm ci", 12.0),))
    assert seconds_by_line(only) == {4: 12.0, 12: 12.0}


def test_the_last_build_of_several_counts() -> None:
    again = PLAIN.replace("#8 DONE 12.6s", "#8 DONE 9.0s")
    assert seconds_by_line(read_timings(PLAIN + again))[4] == 9.0


def test_what_is_not_in_the_file() -> None:
    found = view("FROM a\nRUN one\n")
    steps = found.stages.stages[0].steps
    log = Timings((Timing(None, 1, "RUN one", 1.0), Timing(None, 2, "RUN two", 1.0)))
    assert [timing.text for timing in log.unknown(found.dockerfile, steps)] == ["RUN two"]


def test_the_pull_of_a_base_image_is_no_step() -> None:
    assert all(not timing.text.startswith("FROM") for timing in read_timings(PLAIN).steps)


NO_LOGS = [
    ("", 1),
    ("hello\nworld\n", 1),
    ("#1 [internal] load\n#1 DONE 0.1s\n", 1),
    ("#8 [1/1] RUN x\n#8 CACHED\n", 1),
    (vertex("[1/2] RUN a", 1.0) + "\nwarning: something\n", 2),
    ("{}\n{\n", 2),
    ('{"vertexes": 1}\n', 1),
    ('{"vertexes": [1]}\n', 1),
    ('{"vertexes": [{"started": "x", "completed": "y", "name": "z"}]}\n', 1),
    ('{"vertexes": [{"started": 1, "completed": 2, "name": "z"}]}\n', 1),
    ("[" * 100_000, 1),
    ('{"a":' * 100_000, 1),
    (vertex("[1/2] RUN a", 1.0).replace('"[1/2] RUN a"', "5"), 1),
    ("\0\1\2", 1),
]


@pytest.mark.parametrize(("text", "line"), NO_LOGS, ids=range(len(NO_LOGS)))
def test_what_is_no_log(text: str, line: int) -> None:
    with pytest.raises(LogError) as caught:
        read_timings(text)
    assert caught.value.line == line
