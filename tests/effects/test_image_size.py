"""Predicted sizes: the layers of the target, by what its steps bring."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.effects import sizes
from optimizer.effects.sizes import Size
from optimizer.knowledge.amounts.measured import NPM_CACHE, SMALL_NPM, SMALL_PYPI, npm_bytes
from optimizer.knowledge.image_sizes import image_bytes
from optimizer.view import View
from tests.views import view

SLIM = image_bytes("node", "22-slim") or 0


def size(text: str, files: Mapping[str, bytes] | None = None) -> Size:
    found = view(text, files).image_size
    assert found is not None
    return found


def with_base(text: str, files: Mapping[str, bytes], base_bytes: Mapping[str, int]) -> Size | None:
    seen = view(text, files)
    return View(seen.dockerfile, replace(seen.build, base_bytes=base_bytes)).image_size


class TestBase:
    def test_official_image(self) -> None:
        assert size("FROM node:22-slim\n") == Size(SLIM)

    def test_nothing_at_all(self) -> None:
        assert size("FROM scratch\nCOPY a /a\n", {"a": b"12345"}) == Size(5)

    @pytest.mark.parametrize(
        "text",
        [
            "FROM example.org/own/image\n",
            "ARG BASE\nFROM ${BASE}\n",
            "FROM node@sha256:" + 64 * "0" + "\n",
            "FROM node:22-slim AS one\nCOPY --from=two / /\nFROM one AS two\nCOPY --from=one / /\n",
        ],
    )
    def test_unknown_image(self, text: str) -> None:
        assert view(text).image_size is None

    def test_engine_knows_better(self) -> None:
        found = with_base("FROM own:1\nCOPY a /a\n", {"a": b"123"}, {"own:1": 1000})
        assert found == Size(1003)


class TestCopies:
    def test_ignore_file_counts(self) -> None:
        files = {
            "a": b"1",
            "big": 1000 * b"x",
            ".dockerignore": b"big\n.dockerignore\nDockerfile\n",
        }
        assert size("FROM scratch\nCOPY . /app/\n", files) == Size(1)

    def test_same_file_twice_lies_in_two_layers(self) -> None:
        assert size("FROM scratch\nCOPY a /a\nCOPY a /a\n", {"a": b"12345"}) == Size(10)

    def test_files_of_another_stage(self) -> None:
        text = (
            "FROM scratch AS made\nCOPY src /src/\nCOPY big /big\n"
            "FROM scratch\nCOPY --from=made /src /app\n"
        )
        files = {"src/a": b"123", "src/b": b"45", "big": 99 * b"x"}
        assert size(text, files) == Size(5)

    def test_file_of_another_stage_is_found_where_it_was_copied_to(self) -> None:
        text = (
            "FROM scratch AS one\nCOPY a /x/a\n"
            "FROM scratch AS two\nCOPY --from=one /x /y\n"
            "FROM scratch\nCOPY --from=two /y/a /a\n"
        )
        assert size(text, {"a": b"123"}) == Size(3)

    def test_what_is_not_there_is_named(self) -> None:
        text = "FROM scratch AS made\nFROM scratch\nCOPY --from=made /nothing /x\n"
        assert size(text) == Size(0, ("1/1",))

    def test_address_is_named(self) -> None:
        text = "FROM scratch\nADD https://example.org/a /a\n"
        assert size(text).unknown == ("0/1",)

    def test_too_many_files_are_named(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sizes, "MOST_ENTRIES", 3)
        files = {f"src/{number}": b"1" for number in range(5)}
        found = size("FROM scratch\nCOPY src /src/\nCOPY src /again/\n", files)
        assert found.unknown == ("0/1", "0/2")

    def test_work_of_many_commands_comes_to_an_end(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sizes, "MOST_ENTRIES", 100)
        files = {f"src/{number}": b"1" for number in range(20)}
        text = f"FROM scratch\nCOPY src /src/\nRUN {' && '.join(50 * ['rm -f /src/none'])}\n"
        assert size(text, files) == Size(20, ("0/2",))

    def test_large_copy_counts_as_one_directory(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sizes, "_MOST_FILES", 2)
        text = "FROM scratch AS made\nCOPY src /src/\nFROM scratch\nCOPY --from=made /src/1 /one\n"
        assert size(text, {f"src/{number}": b"1" for number in range(4)}) == Size(4)

    @given(st.lists(st.binary(max_size=9), max_size=5))
    def test_sum_of_the_files(self, contents: list[bytes]) -> None:
        files = {f"src/{number}": content for number, content in enumerate(contents)}
        total = sum(map(len, contents))
        assert size("FROM scratch\nCOPY src /src/\n", {**files, "src/x": b""}) == Size(total)


def lock(*packages: tuple[str, bool]) -> bytes:
    entries = {f"node_modules/{name}": {"dev": True} if dev else {} for name, dev in packages}
    return json.dumps({"lockfileVersion": 3, "packages": {"": {}, **entries}}).encode()


class TestInstalls:
    FILES: Mapping[str, bytes] = {
        "package.json": b"{}",
        "package-lock.json": lock(("small", False), ("typescript", True)),
    }

    def test_lockfile_and_cache(self) -> None:
        found = size("FROM node:22-slim\nWORKDIR /app\nCOPY *.json ./\nRUN npm ci\n", self.FILES)
        both = SMALL_NPM + npm_bytes("typescript")
        copied = sum(map(len, self.FILES.values()))
        assert found == Size(SLIM + copied + both + round(both * NPM_CACHE))

    @pytest.mark.parametrize("run", ["npm ci --omit=dev", "npm ci --omit dev"])
    def test_production_alone(self, run: str) -> None:
        text = f"FROM node:22-slim\nWORKDIR /app\nCOPY *.json ./\nRUN {run} && rm -rf /root/.npm\n"
        copied = sum(map(len, self.FILES.values()))
        assert size(text, self.FILES) == Size(SLIM + copied + SMALL_NPM)

    def test_environment_says_production(self) -> None:
        text = (
            "FROM node:22-slim\nENV NODE_ENV=production\nWORKDIR /app\nCOPY *.json ./\n"
            "RUN --mount=type=cache,target=/root/.npm npm ci\n"
        )
        copied = sum(map(len, self.FILES.values()))
        assert size(text, self.FILES) == Size(SLIM + copied + SMALL_NPM)

    def test_pruned_modules_are_what_another_stage_takes(self) -> None:
        text = (
            "FROM node:22 AS builder\nWORKDIR /app\nCOPY *.json ./\nRUN npm ci\n"
            "RUN npm prune --omit=dev\n"
            "FROM node:22-slim\nCOPY --from=builder /app/node_modules /app/node_modules\n"
        )
        assert size(text, self.FILES) == Size(SLIM + SMALL_NPM)

    def test_pruning_takes_nothing_from_the_image_itself(self) -> None:
        above = "FROM node:22-slim\nWORKDIR /app\nCOPY *.json ./\nRUN npm ci\n"
        pruned = f"{above}RUN npm prune --omit=dev\n"
        assert size(pruned, self.FILES) == size(above, self.FILES)

    def test_package_for_another_system_is_left_out(self) -> None:
        entries = {
            "node_modules/a": {"os": ["darwin"]},
            "node_modules/b": {"cpu": ["arm64"]},
            "node_modules/c": {"os": ["!win32"]},
        }
        data = json.dumps({"lockfileVersion": 3, "packages": entries}).encode()
        text = (
            "FROM node:22-slim\nCOPY package-lock.json ./\nRUN npm ci && rm -rf ~/.npm /root/.npm\n"
        )
        assert size(text, {"package-lock.json": data}).bytes == SLIM + len(data) + SMALL_NPM

    @pytest.mark.parametrize(
        ("name", "content"),
        [
            ("yarn.lock", b'ms@^2.1.3:\n  version "2.1.3"\n'),
            ("yarn.lock", b'"ms@npm:^2.1.3":\n  version: 2.1.3\n'),
            ("pnpm-lock.yaml", b"packages:\n\n  ms@2.1.3:\n    resolution: {integrity: x}\n"),
        ],
    )
    def test_lockfiles_of_other_installers(self, name: str, content: bytes) -> None:
        installer = name.partition("-")[0].removesuffix(".lock")
        text = (
            f"FROM node:22-slim\nWORKDIR /app\nCOPY {name} ./\n"
            f"RUN {installer} install && rm -rf /usr/local/share/.cache\n"
        )
        assert size(text, {name: content}).bytes == SLIM + len(content) + SMALL_NPM

    def test_virtual_environment_of_another_stage(self) -> None:
        text = (
            "FROM python:3.12 AS builder\nRUN python -m venv /opt/venv\n"
            "COPY requirements.txt .\n"
            "RUN /opt/venv/bin/pip install --no-cache-dir -r requirements.txt\n"
            "FROM scratch\nCOPY --from=builder /opt/venv /opt/venv\n"
        )
        found = size(text, {"requirements.txt": b"one==1\n# no\ntwo>=2\n"})
        assert 2 * SMALL_PYPI < found.bytes < 60 * SMALL_PYPI
        assert found.unknown == ()

    def test_list_of_packages_is_gone(self) -> None:
        kept = size("FROM debian:bookworm-slim\nRUN apt-get update\n")
        gone = size(
            "FROM debian:bookworm-slim\nRUN apt-get update && rm -rf /var/lib/apt/lists/*\n"
        )
        assert gone.bytes < kept.bytes

    def test_unknown_command_is_named(self) -> None:
        assert size("FROM node:22-slim\nRUN ./build.sh\n") == Size(SLIM, ("0/1",))


class TestOwners:
    def test_changing_the_owner_copies_what_lies_there(self) -> None:
        text = 'FROM scratch\nCOPY src /src/\nRUN ["chown", "-R", "1:1", "/src"]\n'
        assert size(text, {"src/a": b"123", "src/b": b"45"}) == Size(10)

    def test_removing_takes_nothing_from_the_layer_below(self) -> None:
        text = 'FROM scratch\nCOPY a /a\nRUN ["rm", "/a"]\n'
        assert size(text, {"a": b"123"}) == Size(3)
