"""setup.py read without running it: what it opens, where it stops, and that it never crashes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.knowledge.python.setup_script import (
    NotFollowed,
    is_only_constants,
    read_setup_script,
)

HEAD = "from setuptools import setup, find_packages\n"
PLAIN = HEAD + 'setup(name="a", version="1", packages=find_packages(), install_requires=["six"])\n'
HERE = "import os\nhere = os.path.abspath(os.path.dirname(__file__))\n"


@pytest.mark.parametrize(
    ("reason", "text", "opened"),
    [
        ("nothing", PLAIN, []),
        ("open", HEAD + 'setup(long_description=open("README.md").read())', ["README.md"]),
        ("with", HEAD + 'with open("README.md") as f, open("C") as g:\n    x = f.read()\nsetup()',
         ["README.md", "C"]),
        ("join", HEAD + HERE + 'x = open(os.path.join(here, "a", "b")).read()', ["a/b"]),
        ("added", HEAD + HERE + 'x = open(here + "/a").read()', ["a"]),
        ("formatted", HEAD + HERE + 'x = open(f"{here}/a").read()', ["a"]),
        ("path", "from pathlib import Path\nhere = Path(__file__).resolve().parent\n"
         'x = (here / "a" / "b").read_text(encoding="utf-8")', ["a/b"]),
        ("joined path", "import pathlib\nx = pathlib.Path(__file__).parent.joinpath('a').open()",
         ["a"]),
        ("codecs", 'import codecs\nx = codecs.open("a", encoding="utf-8").read()', ["a"]),
        ("imported path", "from os import path\nx = open(path.join(path.dirname(__file__), 'a'))",
         ["a"]),
        ("a function", HERE + "def read(*parts):\n    return open(os.path.join(here, *parts))\n"
         'x = read("a", "b")\ny = read("c")', ["a/b", "c"]),
        ("a function that is not called", "def read(name):\n    return open(name).read()\n", []),
        ("a function with a default", 'def read(name="a"):\n    return open(name).read()\nread()',
         ["a"]),
        ("a version by a pattern", "import re\nwith open('p/__init__.py') as f:\n"
         "    v = re.search('x', f.read()).group(1)\n", ["p/__init__.py"]),
        ("both branches", "import sys\nif sys.version_info < (3,):\n    x = open('a')\n"
         "else:\n    x = open('b')\n", ["a", "b"]),
        ("try", "try:\n    x = open('a').read()\nexcept IOError:\n    x = open('b').read()\n",
         ["a", "b"]),
        ("code that is executed", "d = {}\nwith open('v.py') as f:\n    exec(f.read(), d)\n",
         ["v.py"]),
        ("compiled code", "exec(compile(open('v.py').read(), 'v.py', 'exec'))", ["v.py"]),
        ("a lambda", "read = lambda: open('a')\n", ["a"]),
        ("mapped", "def read(name='a'):\n    return open('b')\nx = list(map(read, []))\n", ["b"]),
        ("main", PLAIN.replace("setup(", "if __name__ == '__main__':\n    setup("), []),
    ],
)  # fmt: skip
def test_opened(reason: str, text: str, opened: list[str]) -> None:
    assert list(read_setup_script(text).opened) == opened


@pytest.mark.parametrize(
    ("reason", "text", "line", "said"),
    [
        ("a program", "import subprocess\n", 1, "imports subprocess"),
        ("a shell", "import os\n\nos.system('x')\n", 3, "os.system"),
        ("a shell, imported", "from os import system\n", 1, "system"),
        ("code of the project", HEAD + "from app import __version__\n", 2, "imports app"),
        ("code beside it", "from . import x\n", 1, "of the project"),
        ("an unknown name", "import sys\nopen(sys.argv[1])\n", 2, "name is not known"),
        ("one of two names", "n = 'a'\nif n:\n    n = 'b'\nopen(n)\n", 4, "name is not known"),
        ("outside", "open('../a')", 1, "outside"),
        ("absolute", "open('/etc/passwd')", 1, "outside"),
        ("outside by a package", HEAD + "setup(package_dir={'': '../src'})", 2, "outside"),
        ("packages outside", HEAD + "find_packages('../src')", 2, "outside"),
        ("written", "open('a', 'w')", 1, "writes a"),
        ("own commands", HEAD + "setup(cmdclass={})", 2, ""),
        ("own commands, given", HEAD + "class B: pass\nsetup(cmdclass={'x': B})", 3, "cmdclass"),
        ("other packages", HEAD + "setup(setup_requires=['numpy'])", 2, "setup_requires"),
        ("unknown keywords", HEAD + "import json\nsetup(**json.loads('{}'))", 3, "keywords"),
        ("evaluated", "eval('1')", 1, "eval"),
        ("executed", "exec('x')", 1, "runs code"),
        ("imported by name", "__import__('x')", 1, "__import__"),
        ("decorated", "@print\ndef f():\n    pass\n", 2, "decorates"),
        ("in a class", "import os\nclass A:\n    x = os.system('y')\n", 3, "os.system"),
        ("handed on", "import os\ndef f(x):\n    os.system(x)\nlist(map(f, []))", 3, "os.system"),
        ("never ends", "def f():\n    f()\nf()\n", 1, "followed"),
        ("set elsewhere", "import os\nos.path = None\n", 2, "sets os.path"),
    ],
)  # fmt: skip
def test_stops(reason: str, text: str, line: int, said: str) -> None:
    if not said:
        read_setup_script(text)
        return
    with pytest.raises(NotFollowed, match=said) as caught:
        read_setup_script(text)
    if reason != "never ends":
        assert caught.value.line == line
    assert not caught.value.is_git


@pytest.mark.parametrize(
    "text",
    ["import versioneer\n", "from setuptools_scm import get_version\n",
     HEAD + "setup(use_scm_version=True)", HEAD + "setup(use_scm_version={'root': '..'})",
     HEAD + "setup(setup_requires=['setuptools_scm'])", HEAD + "setup(pbr=True)",
     HEAD + "setup(setup_requires=['pbr'], pbr=True)"],
)  # fmt: skip
def test_versions_from_git_are_named(text: str) -> None:
    with pytest.raises(NotFollowed) as caught:
        read_setup_script(text)
    assert caught.value.is_git


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("r = open('r.txt').read().splitlines()", "r.txt"),
        ("r = open('r.txt').readlines()", "r.txt"),
        ("r = open('r.txt').read().strip().split('\\n')", "r.txt"),
        ("with open('r.txt') as f:\n    r = f.read().splitlines()", "r.txt"),
        ("r = [l.strip() for l in open('r.txt')]", "r.txt"),
        ("r = [l for l in open('r.txt').readlines() if l and not l.startswith('#')]", "r.txt"),
        ("r = list(open('r.txt').read().splitlines())", "r.txt"),
        ("import pathlib\nr = pathlib.Path('r.txt').read_text().splitlines()", "r.txt"),
        ("def f(n):\n    with open(n) as g:\n        return g.read().splitlines()\nr = f('r.txt')",
         "r.txt"),
        ("r = [l for l in open('r.txt') if 'torch' not in l]", None),
        ("r = [l.split('=')[0] for l in open('r.txt')]", None),
        ("r = open('r.txt').read().split(',')", None),
        ("r = open('r.txt').readlines()\nr.append('x')", None),
        ("r = open('r.txt').readlines()\nif r:\n    r = open('s.txt').readlines()", None),
        ("r = open('r.txt').readlines()\nr += ['x']", None),
        ("r = open('r.txt').readlines() + ['x']", None),
        ("r = ['six']", None),
    ],
)  # fmt: skip
def test_requirements_that_stand_in_a_file(text: str, expected: str | None) -> None:
    found = read_setup_script(f"{HEAD}{text}\nsetup(name='a', install_requires=r)\n")

    assert found.requirements == expected


def test_keywords_in_a_dictionary_count() -> None:
    text = HEAD + "k = dict()\nk = {'install_requires': open('r').readlines()}\nsetup(**k)\n"

    assert read_setup_script(text).requirements == "r"


def test_a_dictionary_that_is_changed_is_not_known() -> None:
    text = HEAD + "k = {'a': 1}\nk['install_requires'] = ['x']\nsetup(**k)\n"

    with pytest.raises(NotFollowed, match="keywords"):
        read_setup_script(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("", True), ('"""x"""\n__version__ = "1"\nA: int = 1\nB = (1, [2])\n', True),
     ("x = f()", False), ("import os", False), ("x = 1\nx()", False), ("(", False)],
)  # fmt: skip
def test_constants(text: str, expected: bool) -> None:
    assert is_only_constants(text) == expected


@pytest.mark.parametrize(
    "text",
    ["x = " + "(" * 20000 + "1" + ")" * 20000, "x = " + "not " * 20000 + "1",
     "x = a" + ".b" * 20000,
     "x = f" + "()" * 20000, "x = " + "1+" * 20000 + "1", "x = [" + "1," * 50000 + "]",
     "if 1:\n pass\n" + "elif 1:\n pass\n" * 9000, "x = " + "-" * 20000 + "1",
     "\n".join(f"def f{n}():\n    f{n + 1}(); f{n + 1}()" for n in range(300)) + "\nf0()"],
)  # fmt: skip
def test_hostile_text_ends_soon_and_in_peace(text: str, tmp_path: Path) -> None:
    """In a process of its own: a parser that overflows takes its process with it."""
    (tmp_path / "setup.py").write_text(text)
    script = (
        "import sys, pathlib\n"
        "from optimizer.knowledge.python.setup_script import *\n"
        "try:\n    read_setup_script(pathlib.Path(sys.argv[1]).read_text())\n"
        "except (NotFollowed, SyntaxError) as error:\n    print('held')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "setup.py")],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip

    assert (done.returncode, done.stdout) == (0, "held\n"), done.stderr[-500:]


@given(st.text(alphabet="ab=()[]'\":\n ,.+#*fopenwithasf", max_size=60))
def test_any_text_is_read_or_held(text: str) -> None:
    try:
        read_setup_script(text)
    except (NotFollowed, SyntaxError):
        return
