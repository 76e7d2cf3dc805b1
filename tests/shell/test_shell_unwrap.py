"""Commands that run another command."""

from __future__ import annotations

import pytest

from optimizer.shell.interpreter import read_set
from optimizer.shell.unwrap import unwrap
from tests.shell.reading import command

# id, command, the words that remain, the wrappers taken off
WRAPPED: list[tuple[str, str, str, list[str]]] = [
    ("nothing", "npm ci", "npm ci", []),
    ("sudo", "sudo npm ci", "npm ci", ["sudo"]),
    ("sudo-keeping-variables", "sudo -E -H npm ci", "npm ci", ["sudo"]),
    ("sudo-with-assignment", "sudo A=1 npm ci", "npm ci", ["sudo"]),
    ("sudo-as-someone", "sudo -u www npm ci", "sudo -u www npm ci", []),
    ("sudo-shell", "sudo -i npm ci", "sudo -i npm ci", []),
    ("sudo-alone", "sudo", "sudo", []),
    ("env", "env A=1 B=2 npm ci", "npm ci", ["env"]),
    ("env-without-assignment", "env npm ci", "npm ci", ["env"]),
    ("env-cleared", "env -i npm ci", "env -i npm ci", []),
    ("env-that-prints", "env A=1", "env A=1", []),
    ("env-with-unknown-assignment", "env A=$x npm ci", "env A=$x npm ci", []),
    ("exec", "exec npm ci", "npm ci", ["exec"]),
    ("exec-with-name", "exec -a x npm", "exec -a x npm", []),
    ("time", "time npm ci", "npm ci", ["time"]),
    ("time-portable", "time -p npm ci", "npm ci", ["time"]),
    ("time-program", "/usr/bin/time -v -o f npm ci", "npm ci", ["time"]),
    ("nice", "nice npm ci", "npm ci", ["nice"]),
    ("nice-with-value", "nice -n 10 npm ci", "npm ci", ["nice"]),
    ("nice-with-glued-value", "nice -n10 npm ci", "npm ci", ["nice"]),
    ("nohup", "nohup npm ci", "npm ci", ["nohup"]),
    ("command", "command npm ci", "npm ci", ["command"]),
    ("command-lookup", "command -v npm", "command -v npm", []),
    ("builtin", "builtin cd x", "cd x", ["builtin"]),
    ("timeout", "timeout 10 npm ci", "npm ci", ["timeout"]),
    ("timeout-options", "timeout -k 5 -s KILL --foreground 10m npm ci", "npm ci", ["timeout"]),
    ("timeout-long-value", "timeout --signal=9 10 npm", "timeout --signal=9 10 npm", []),
    ("ionice", "ionice -c 3 npm ci", "npm ci", ["ionice"]),
    ("stdbuf", "stdbuf -oL npm ci", "npm ci", ["stdbuf"]),
    ("end-of-options", "sudo -- npm ci", "npm ci", ["sudo"]),
    ("several", "sudo env A=1 nice timeout 5 npm ci", "npm ci", ["sudo", "env", "nice", "timeout"]),
    ("by-path", "/usr/bin/sudo npm ci", "npm ci", ["sudo"]),
    ("quoted-name", "'sudo' npm ci", "npm ci", ["sudo"]),
    ("xargs", "xargs npm ci", "xargs npm ci", []),
    ("su", "su -c 'npm ci'", "su -c 'npm ci'", []),
    ("unknown-name", "$x npm ci", "$x npm ci", []),
]


@pytest.mark.parametrize(
    ("text", "expected", "wrappers"),
    [case[1:] for case in WRAPPED],
    ids=[case[0] for case in WRAPPED],
)
def test_unwrap(text: str, expected: str, wrappers: list[str]) -> None:
    found = unwrap(command(text).words, {})
    assert " ".join(word.text for word in found.words) == expected
    assert list(found.wrappers) == wrappers


def test_assignments_of_wrappers() -> None:
    found = unwrap(command("env A=1 B=$x sudo C=3 npm").words, {"x": "2"})
    assert found.assignments == (("A", "1"), ("B", "2"), ("C", "3"))
    assert not found.keeps_environment
    assert unwrap(command("env A=1 npm").words, {}).keeps_environment


@pytest.mark.parametrize(
    ("words", "errexit", "pipefail"),
    [
        (["-e"], True, None),
        (["-eux"], True, None),
        (["+e"], False, None),
        (["-o", "errexit"], True, None),
        (["-o", "pipefail"], None, True),
        (["-euo", "pipefail"], True, True),
        (["+o", "pipefail"], None, False),
        (["-x"], None, None),
        (["--", "-e"], None, None),
        (["a", "-e"], None, None),
        ([], None, None),
        ([None], False, False),
    ],
)
def test_set(words: list[str | None], errexit: bool | None, pipefail: bool | None) -> None:
    found = read_set(words)
    assert (found.errexit, found.pipefail) == (errexit, pipefail)
