"""Which cache mounts a RUN gets, told from what stands around it."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from optimizer.effects.cache_mounts import CacheMounts, Surroundings, cache_mounts
from optimizer.knowledge.caches import NAMES_CACHE
from optimizer.knowledge.frontends import knows_cache_mounts
from optimizer.knowledge.installs import Obstacle
from tests.views import view


def found(text: str, files: dict[str, bytes] | None = None) -> CacheMounts | Obstacle | None:
    """Returns what the last RUN of ``text`` gets."""
    seen = view(text, files)
    steps = [step for stage in seen.stages.stages for step in stage.steps]
    step = [step for step in steps if step.instruction.keyword == "RUN"][-1]
    around = Surroundings(seen.dockerfile, seen.stages)
    return cache_mounts(around, seen.effects(step), lambda: seen.files_above(step))


def flags(text: str) -> tuple[str, ...]:
    answer = found(text)
    assert isinstance(answer, CacheMounts)
    return answer.flags


def code(text: str, files: dict[str, bytes] | None = None) -> str | None:
    answer = found(text, files)
    assert not isinstance(answer, CacheMounts)
    return None if answer is None else answer.code


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("npm install -g pnpm@9", "type=cache,target=/root/.npm"),
        ("python3 -m pip install six", "type=cache,id=pip-python-3.12,target=/root/.cache/pip"),
        ("uv pip install --system six", "type=cache,id=uv-python-3.12,target=/root/.cache/uv"),
        (
            "env PIP_CACHE_DIR=/c pip install six",
            "type=cache,id=pip-python-3.12,target=/c",
        ),
    ],
)
def test_mount_lies_where_the_command_keeps_its_downloads(command: str, expected: str) -> None:
    assert flags(f"FROM python:3.12\nRUN {command}\n") == (f"--mount={expected}",)


@pytest.mark.parametrize("value", ["", "0", "1", "off", "no", "False", "true"])
def test_pip_keeps_nothing_where_its_own_variable_turns_its_cache_off(value: str) -> None:
    ask = [sys.executable, "-m", "pip", "cache", "dir"]
    env = {**os.environ, "PIP_NO_CACHE_DIR": value}
    pip = subprocess.run(ask, env=env, capture_output=True, text=True, check=False)
    answer = found(f'FROM python:3.12\nENV PIP_NO_CACHE_DIR="{value}"\nRUN pip install six\n')
    if isinstance(answer, Obstacle):
        assert answer.code == "cache-turned-off"
        assert "cache is disabled" in pip.stderr
    else:
        assert isinstance(answer, CacheMounts)
        assert pip.returncode == 0, pip.stderr


@pytest.mark.parametrize(
    "command",
    [
        "npm run build",
        "pip list",
        "pip install --no-index --find-links=/wheels six",
        "npm ci --offline",
        "apt-get update",
        "apt-get install -o Dir::Cache::Archives=/elsewhere -y git",
        "go build ./...",
        "cargo build",
        "mvn package",
        "conda install six",
    ],
)
def test_what_downloads_nothing_to_keep_gets_none(command: str) -> None:
    assert code(f"FROM python:3.12\nRUN {command}\n") is None


@pytest.mark.parametrize(
    "cleaning",
    [
        "rm -rf /root",
        "rm -rf /root/.cache/*",
        "rm -rf ~/.cache",
        "find /root -delete",
        "mv /root/.cache/pip /tmp",
    ],
)
def test_cleaning_that_goes_further_holds_the_mount_back(cleaning: str) -> None:
    text = f"FROM python:3.12\nRUN pip install six && {cleaning}\n"
    assert code(text) == "cache-is-cleaned"


@pytest.mark.parametrize(
    "cleaning", ["rm -rf /root/.cache/pip", "rm -rf ~/.cache/pip/*", "pip cache purge"]
)
def test_cleaning_of_the_cache_alone_goes(cleaning: str) -> None:
    answer = found(f"FROM python:3.12\nRUN pip install six && {cleaning} && true\n")
    assert isinstance(answer, CacheMounts)
    assert len(answer.edits) == 2


def test_cleaning_inside_a_condition_stays() -> None:
    text = "FROM python:3.12\nRUN pip install six && if true; then rm -rf /root/.cache/pip; fi\n"
    assert code(text) == "cache-is-cleaned"


def test_several_installs_of_one_run_share_a_mount() -> None:
    text = "FROM python:3.12\nRUN pip install six && pip install --no-cache-dir flask\n"
    assert flags(text) == ("--mount=type=cache,id=pip-python-3.12,target=/root/.cache/pip",)


def test_npm_that_is_told_to_keep_nothing_keeps_it_elsewhere() -> None:
    assert found("FROM node:22\nRUN npm install --no-cache express\n") is None


def test_no_two_mounts_of_a_run_have_one_id() -> None:
    found = flags("FROM python:3.12\nRUN poetry install --only main\n")
    assert found == tuple(
        f"--mount=type=cache,id=poetry-{part}-python-3.12,target=/root/.cache/pypoetry/{part}"
        ",sharing=locked"
        for part in ("artifacts", "cache")
    )


def test_stage_on_a_stage_has_the_image_below_both() -> None:
    text = "FROM python:3.12 AS base\nFROM base\nRUN pip install six\n"
    assert flags(text) == ("--mount=type=cache,id=pip-python-3.12,target=/root/.cache/pip",)


def test_setting_in_a_stage_below_moves_the_cache() -> None:
    text = "FROM node:22 AS base\nRUN npm config set cache /c\nFROM base\nRUN npm ci\n"
    assert code(text) == "cache-moved"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("cache=/tmp/npm", True),
        ("cache-dir = '/tmp'", True),
        ('{"config": {"cache-dir": "/tmp"}}', True),
        ("registry=https://example.com/cache", False),
        ("prefer-offline=true", False),
        ("# the cache lies in ~", False),
    ],
)
def test_settings_that_name_a_cache(content: str, says: bool) -> None:
    assert (NAMES_CACHE.search(content) is not None) is says


@pytest.mark.parametrize(
    ("syntax", "knows"),
    [
        ("docker/dockerfile:1", True),
        ("docker.io/docker/dockerfile:1.2", True),
        ("docker/dockerfile:1.10-labs", True),
        ("docker/dockerfile:1.0-experimental", True),
        ("docker/dockerfile-upstream:master", True),
        ("docker/dockerfile", True),
        ("docker/dockerfile:1.4@sha256:00", True),
        ("docker/dockerfile:1.0", False),
        ("docker/dockerfile:1.1.7", False),
        ("docker/dockerfile@sha256:00", False),
        ("tonistiigi/dockerfile:runmount20180618", False),
        ("docker/dockerfile-evil:1", False),
    ],
)
def test_frontends_that_know_cache_mounts(syntax: str, knows: bool) -> None:
    assert knows_cache_mounts(syntax) is knows
