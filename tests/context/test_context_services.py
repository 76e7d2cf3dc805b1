"""How Compose files run the images that they build."""

from __future__ import annotations

from pathlib import Path

import pytest

from optimizer.context.evidence.build import UNKNOWN
from optimizer.context.find import find_contexts
from optimizer.context.service import Bind, Service
from tests.context.repositories import lay_out


def services(tmp_path: Path, text: str) -> tuple[Service, ...]:
    """Returns the services of the only way in which the Dockerfile is built."""
    lay_out(tmp_path, text + "\n== Dockerfile\nFROM debian\n")
    (found,) = find_contexts(tmp_path / "Dockerfile", tmp_path).found
    return found.services


def service(tmp_path: Path, lines: str) -> Service:
    indented = "".join(f"    {line}\n" for line in lines.splitlines())
    (found,) = services(tmp_path, f"== compose.yaml\nservices:\n  a:\n    build: .\n{indented}")
    return found


SAID = {
    "a command as a text": ("command: npm run 'a b'", Service("", command=("npm", "run", "a b"))),
    "a command as a list": ("command: [npm, 'run', x]", Service("", command=("npm", "run", "x"))),
    "a command with variables": ("command: run $X ${Y:-z}",
                                 Service("", command=("run", UNKNOWN, "z"))),
    "an entry point": ("entrypoint: [a, b]", Service("", entrypoint=("a", "b"))),
    "an entry point that is taken away": ("entrypoint: []", Service("", entrypoint=())),
    "a check by a shell": ("healthcheck: {test: curl x || exit 1}",
                           Service("", health=("/bin/sh", "-c", "curl x || exit 1"))),
    "a check by a shell in a list": ("healthcheck: {test: [CMD-SHELL, curl x]}",
                                     Service("", health=("/bin/sh", "-c", "curl x"))),
    "a check": ("healthcheck: {test: [CMD, curl, x]}", Service("", health=("curl", "x"))),
    "a check that is turned off": ("healthcheck: {disable: true}", Service("", health=())),
    "no check": ("healthcheck: {test: [NONE]}", Service("", health=())),
    "folders of the host": ("volumes:\n  - .:/app\n  - ./a:/b:ro\n  - data:/c\n  - /d",
                            Service("", binds=(Bind(".", "/app"), Bind("./a", "/b")))),
    "folders in the long form": (
        "volumes:\n  - {type: bind, source: ./a, target: /b}\n  - {type: volume, target: /c}",
        Service("", binds=(Bind("./a", "/b"),)),
    ),
    "a terminal": ("tty: true\nstdin_open: true", Service("", is_interactive=True)),
    "a terminal without input": ("tty: true", Service("")),
    "watch": ("develop: {watch: [{action: sync, path: ., target: /a}]}", Service("", watches=True)),
    "watch that builds again": ("develop: {watch: [{action: rebuild, path: .}]}", Service("")),
    "quotes that are open": ("command: \"a 'b\"", Service("", command=(UNKNOWN,))),
    "nonsense": ("command: {a: b}\nvolumes: 1\nhealthcheck: [x]\ntty: [1]", Service("")),
}  # fmt: skip


@pytest.mark.parametrize(("lines", "expected"), SAID.values(), ids=SAID)
def test_what_a_service_says(tmp_path: Path, lines: str, expected: Service) -> None:
    found = service(tmp_path, lines)

    assert found == Service(
        "compose.yaml:services.a",
        2,
        expected.entrypoint,
        expected.command,
        expected.health,
        expected.binds,
        expected.is_interactive,
        expected.watches,
    )


def test_the_lines_of_its_keys_are_known(tmp_path: Path) -> None:
    found = service(tmp_path, "command: a\nvolumes:\n  - .:/a")

    assert found.place("command") == "compose.yaml:4"
    assert found.place("volumes") == "compose.yaml:5"
    assert found.place("entrypoint") == "compose.yaml:2"


def test_an_override_is_laid_over_its_base(tmp_path: Path) -> None:
    found = services(
        tmp_path,
        "== compose.yaml\nservices:\n  a:\n    build: .\n    command: a\n    volumes: [./x:/x]\n"
        "== compose.override.yaml\nservices:\n  a:\n    build: .\n    entrypoint: e\n"
        "    volumes: [./y:/x, ./z:/z]\n",
    )

    said = {(each.entrypoint, each.command, each.binds) for each in found}
    assert said == {
        (("e",), ("a",), (Bind("./y", "/x"), Bind("./z", "/z"))),
        (None, ("a",), (Bind("./x", "/x"),)),
    }


def test_a_service_takes_from_the_one_that_it_extends(tmp_path: Path) -> None:
    found = services(
        tmp_path,
        "== compose.yaml\nservices:\n  a:\n    extends: {file: base.yml, service: b}\n"
        "    build: .\n    tty: true\n"
        "== base.yml\nservices:\n  b:\n    image: x\n    command: b c\n    stdin_open: true\n",
    )

    assert [each.command for each in found] == [("b", "c")]


def test_services_that_share_the_image_are_among_them(tmp_path: Path) -> None:
    found = services(
        tmp_path,
        "== compose.yaml\nservices:\n  a:\n    build: .\n    image: app\n"
        "  worker:\n    image: app\n    command: celery\n  db:\n    image: postgres\n",
    )

    assert [each.command for each in found] == [None, ("celery",)]


def test_all_services_that_build_it_alike_are_known(tmp_path: Path) -> None:
    found = services(
        tmp_path,
        "== compose.yaml\nservices:\n  a:\n    build: .\n    command: a\n"
        "  b:\n    build: .\n    command: b\n",
    )

    assert [each.command for each in found] == [("a",), ("b",)]
