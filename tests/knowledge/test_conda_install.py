"""conda, mamba and micromamba: which commands install, and what they read."""

from __future__ import annotations

from typing import Any

import pytest

from optimizer.knowledge.installs import Inputs, Install, Obstacle, Touch
from optimizer.knowledge.python import conda

CREATE = "conda env create -f environment.yml"
ENVIRONMENT = "name: app\nchannels: [conda-forge]\ndependencies:\n  - python=3.11\n  - pip\n"
PIP = ENVIRONMENT + "  - pip:\n"


@pytest.mark.parametrize(
    ("command", "kind"),
    [
        (CREATE, Install), ("conda env create", Install),
        ("mamba env update -n base -f e.yml", Install),
        ("micromamba install -y -n base -f e.yml", Install),
        ("micromamba create -f e.lock", Install),
        ("conda install --yes --file requirements.txt", Install),
        ("conda create -n a ./x.conda", Install),
        ("conda install -y numpy", Touch), ("mamba install --yes 'x'", Touch),
        ("conda clean -afy", Touch),
        ("conda config --add channels x", Touch), ("conda init bash", Touch), ("conda", Touch),
        ("conda update -n base -y conda", Touch), ("conda env create --frobnicate", Obstacle),
        ("conda run -n x python a.py", type(None)), ("conda activate x", type(None)),
    ],
)  # fmt: skip
def test_commands(recognise: Any, command: str, kind: type) -> None:
    assert isinstance(recognise(conda, command), kind)


@pytest.mark.parametrize(
    ("reason", "command", "files", "reads"),
    [
        ("one file", CREATE, {"environment.yml": ENVIRONMENT, "a.py": ""}, ["environment.yml"]),
        ("the default", "conda env create", {"environment.yml": ENVIRONMENT}, ["environment.yml"]),
        ("an operand", "conda env create dev.yml", {"dev.yml": ENVIRONMENT}, ["dev.yml"]),
        ("packages of pip", CREATE, {"environment.yml": PIP + "    - flask==3\n"},
         ["environment.yml"]),
        ("requirements of pip lie beside the file", "conda env create -f env/e.yml",
         {"env/e.yml": PIP + "    - -r ../r.txt\n    - -c c.txt\n", "r.txt": "-r s.txt",
          "s.txt": "", "env/c.txt": "", "env/r.txt": ""},
         ["env/c.txt", "env/e.yml", "r.txt", "s.txt"]),
        ("a list", "conda install --file r.txt", {"r.txt": "numpy=1\n# ./x\nscipy\n"}, ["r.txt"]),
        ("two lists", "conda install --file r.txt --file=s.txt", {"r.txt": "", "s.txt": ""},
         ["r.txt", "s.txt"]),
        ("an explicit list", "conda create -n a --file e.txt",
         {"e.txt": "@EXPLICIT\nhttps://h/x.conda\n./y.conda\n", "y.conda": b""},
         ["e.txt", "y.conda"]),
        ("an archive", "conda install -y ./x.conda", {"x.conda": b""}, ["x.conda"]),
        ("on the network", "conda env create -f https://h/e.yml", {"a.py": ""}, []),
    ],
)  # fmt: skip
def test_reads(ask: Any, reason: str, command: str, files: Any, reads: list[str]) -> None:
    answer = ask(conda, command, files)

    assert isinstance(answer, Inputs), answer
    assert answer.reads == tuple(f"/app/{name}" for name in reads)
    assert answer.trees == ()


def test_a_static_project_beside_the_file_is_read_whole(ask: Any) -> None:
    files = {
        "environment.yml": PIP + "    - -e ./lib\n", "a.py": "", "lib/lib.py": "",
        "lib/pyproject.toml": '[project]\nname = "lib"\nversion = "1"\n',
    }  # fmt: skip
    answer = ask(conda, CREATE, files)

    assert answer.trees == ("/app/lib",)


@pytest.mark.parametrize(
    ("reason", "command", "files", "code"),
    [
        ("nothing", CREATE, {"a.py": ""}, "manifest-outside-copy"),
        ("the project", CREATE, {"environment.yml": PIP + "    - -e .\n"}, "project-install"),
        ("the project, plainly", CREATE, {"environment.yml": PIP + "    - .\n"}, "project-install"),
        ("a project with a setup.py", CREATE, {"environment.yml": PIP + "    - -e ./lib\n",
         "lib/setup.py": "print()"}, "local-dependency"),
        ("a list that is not there", CREATE, {"environment.yml": PIP + "    - -r r.txt\n"},
         "manifest-outside-copy"),
        ("a channel in the project", CREATE, {"environment.yml":
         ENVIRONMENT.replace("conda-forge", "./channel")}, "config-reads-source"),
        ("truncated", CREATE, {"environment.yml": "dependencies: [a, b"}, "unreadable-manifest"),
        ("no mapping", CREATE, {"environment.yml": "- a"}, "unreadable-manifest"),
        ("too large", CREATE, {"environment.yml": None}, "unreadable-manifest"),
        ("missing archive", "conda create --file e.txt", {"e.txt": "@EXPLICIT\n./y.conda\n"},
         "manifest-outside-copy"),
    ],
)  # fmt: skip
def test_holds(ask: Any, reason: str, command: str, files: Any, code: str) -> None:
    answer = ask(conda, command, files)

    assert isinstance(answer, Obstacle), answer
    assert answer.code == code


def test_a_truncated_file_is_named_with_its_line(ask: Any) -> None:
    answer = ask(conda, CREATE, {"environment.yml": "name: a\ndependencies:\n  - [\n"})

    assert (answer.path, answer.line) == ("/app/environment.yml", 4)
