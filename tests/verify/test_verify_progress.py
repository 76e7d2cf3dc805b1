"""Progress of builds, as BuildKit and podman reported it, and as it may come broken."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.verify.podman import TextProgress
from optimizer.verify.progress import LOG_LINES, Progress, as_left

BUILDS = Path(__file__).resolve().parents[2] / "fixtures" / "builds"
KEYS = ["vertexes", "logs", "vertex", "data", "digest", "name", "started", "completed", "error"]
RECORDED = sorted(BUILDS.glob("*.rawjson"))


def replay(name: str, progress: Progress | None = None) -> Progress:
    progress = progress or Progress()
    for line in (BUILDS / name).read_bytes().splitlines(keepends=True):
        progress.feed(line)
    return progress


def test_steps_have_names_logs_and_times() -> None:
    progress = replay("two-stages.rawjson")
    steps = {each.step: each for each in progress.vertexes if each.step is not None}
    assert {*steps} == {
        "FROM docker.io/library/busybox:1.35",
        'RUN echo "one"; echo two >&2; sleep 0.2',
        "COPY src /src",
        "COPY --from=builder /src /src",
        'RUN printf "no end of line"',
    }
    first = steps['RUN echo "one"; echo two >&2; sleep 0.2']
    assert first.name == '[builder 2/3] RUN echo "one"; echo two >&2; sleep 0.2'
    assert sorted(first.log) == ["one", "two"]
    assert first.seconds > 0.2
    assert steps['RUN printf "no end of line"'].log == ("no end of line",)
    assert progress.running == ()
    assert progress.failed is None


def test_what_comes_from_the_cache_says_so() -> None:
    cached = {each.step for each in replay("from-the-cache.rawjson").vertexes if each.cached}
    assert "COPY --from=builder /src /src" in cached


def test_the_steps_at_work_are_known_at_every_moment() -> None:
    progress, seen = Progress(), []
    for line in (BUILDS / "two-stages.rawjson").read_bytes().splitlines():
        progress.feed(line)
        seen += [each.step for each in progress.running if each.step is not None]
    assert "COPY src /src" in seen


@pytest.mark.parametrize(
    ("name", "step", "error"),
    [
        (
            "a-step-fails.rawjson",
            "RUN echo why >&2; sleep 1; exit 7",
            'process "/bin/sh -c echo why >&2; sleep 1; exit 7" did not complete successfully: '
            "exit code: 7",
        ),
        (
            "a-source-is-missing.rawjson",
            "COPY gone /",
            "failed to calculate checksum of ref",
        ),
    ],
)
def test_the_step_that_failed_is_named_and_not_those_that_it_cancelled(
    name: str, step: str, error: str
) -> None:
    failed = replay(name).failed
    assert failed is not None
    assert failed.step == step
    assert failed.error.startswith(error)


def test_words_of_the_client_are_messages() -> None:
    progress = replay("no-dockerfile.rawjson")
    assert progress.messages[-1] == (
        "ERROR: failed to build: failed to solve: dockerfile parse error on line 1: "
        "unknown instruction: FORM (did you mean FROM?)"
    )


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.stem)
@given(data=st.data())
def test_damaged_progress_is_taken_as_it_comes(path: Path, data: st.DataObject) -> None:
    lines = path.read_bytes().splitlines()
    progress = Progress()
    for line in lines:
        cut = data.draw(st.integers(0, len(line)))
        progress.feed(line[:cut] if data.draw(st.booleans()) else line)
    assert len(progress.vertexes) >= len(progress.running)
    assert all(len(each.log) <= LOG_LINES + 1 for each in progress.vertexes)


@given(st.lists(st.binary()))
def test_any_bytes_are_messages_at_worst(lines: list[bytes]) -> None:
    progress, text = Progress(), TextProgress()
    for line in lines:
        progress.feed(line)
        text.feed(line)
    assert progress.vertexes == ()


@given(
    st.lists(
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(),
            lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(KEYS), inner),
        )
    )
)
def test_json_of_any_form_is_taken(values: list[object]) -> None:
    import json

    progress = Progress()
    for value in values:
        progress.feed(json.dumps(value).encode())
    assert isinstance(progress.vertexes, tuple)


def test_a_long_log_keeps_its_end() -> None:
    import base64
    import json

    progress = Progress()
    progress.feed(json.dumps({"vertexes": [{"digest": "d", "name": "[1/1] RUN x"}]}).encode())
    for number in range(1000):
        data = base64.b64encode(f"line {number}\n".encode()).decode()
        progress.feed(json.dumps({"logs": [{"vertex": "d", "data": data}]}).encode())
    (vertex,) = progress.vertexes
    assert vertex.log[-1] == "line 999"
    assert len(vertex.log) == LOG_LINES


def test_plain_text_of_podman() -> None:
    progress = replay("a-step-fails.podman.txt", TextProgress())
    assert [each.step for each in progress.vertexes] == [
        "FROM busybox:1.35 AS a",
        "RUN echo one",
        "FROM busybox:1.35",
        "COPY --from=a /bin/sh /x",
        "RUN echo why >&2; exit 7",
    ]
    failed = progress.failed
    assert failed is not None
    assert failed.step == "RUN echo why >&2; exit 7"
    assert failed.log[0] == "why"
    assert "exit status 7" in failed.error


@pytest.mark.parametrize(
    ("line", "left"),
    [
        ("plain", "plain"),
        ("\x1b[31mred\x1b[0m and \x1b[1;38;5;200mbold", "red and bold"),
        ("10%\r20%\r30%", "30%"),
        ("windows\r", "windows"),
        ("\x1b]0;title\x07text", "text"),
        ("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1b[2K\x1b[1Gover\x1b(B", "over"),
        ("an end \x1b", "an end \x1b"),
    ],
)
def test_only_what_a_terminal_would_show_is_kept(line: str, left: str) -> None:
    assert as_left(line) == left


def test_the_time_of_the_export_is_told_apart() -> None:
    progress = Progress()
    rows = [
        ("[2/2] RUN make", "00:00:00", "00:00:09"),
        ("exporting to docker image format", "00:00:10", "00:00:14"),
        ("importing to docker", "00:00:11", "00:00:17"),
    ]
    for number, (name, started, completed) in enumerate(rows):
        row = {"digest": str(number), "name": name}
        row |= {"started": f"2026-01-01T{started}Z", "completed": f"2026-01-01T{completed}Z"}
        progress.feed(json.dumps({"vertexes": [row]}).encode())
    assert progress.export_seconds == 7
    assert Progress().export_seconds == 0


def test_an_image_that_is_asked_for_is_known_until_the_registry_answers() -> None:
    progress = Progress()
    row = {"digest": "1", "name": "[internal] load metadata for docker.io/library/x:1"}
    progress.feed(json.dumps({"vertexes": [row]}).encode())
    assert progress.asking is None
    row["started"] = "2026-01-01T00:00:00Z"
    progress.feed(json.dumps({"vertexes": [row]}).encode())
    assert progress.asking is not None
    assert progress.asking.image == "docker.io/library/x:1"
    row["completed"] = "2026-01-01T00:00:01Z"
    progress.feed(json.dumps({"vertexes": [row]}).encode())
    assert progress.asking is None
