"""pip and uv pip: which commands install, and what they read and write."""

from __future__ import annotations

from typing import Any

import pytest

from optimizer.knowledge.installs import Call, Inputs, Install, Obstacle, Touch
from optimizer.knowledge.python import pip
from tests.knowledge.conftest import MemoryFiles

PLAIN = {"requirements.txt": "flask==3.0.0\n", "app.py": ""}


@pytest.mark.parametrize(
    "command",
    [
        "pip install -r requirements.txt", "pip3 install -r requirements.txt",
        "pip3.11 install -r requirements.txt", "/opt/venv/bin/pip install -r requirements.txt",
        "python -m pip install -r requirements.txt", "python3 -m pip install -r requirements.txt",
        "python3.12 -u -m pip install -r requirements.txt",
        "/usr/bin/python3 -X utf8 -m pip install -r requirements.txt",
        "pip install --no-cache-dir -r requirements.txt", "pip install -rrequirements.txt",
        "pip install --requirement=requirements.txt", "pip install --requirement requirements.txt",
        "pip install -Ur requirements.txt", "pip install -qr requirements.txt",
        "pip --no-cache-dir install -r requirements.txt",
        "pip --disable-pip-version-check --no-cache-dir install -r requirements.txt",
        "pip install --no-deps --require-hashes -r requirements.txt",
        "pip install --user -r requirements.txt", "pip install -t lib -r requirements.txt",
        "pip install --prefix=/install -r requirements.txt gunicorn==21.2",
        "pip install --upgrade pip -r requirements.txt", "pip install -r requirements.txt .x/y.whl",
        "pip wheel --no-deps --wheel-dir /wheels -r requirements.txt", "pip install flask -c c.txt",
        "pip download -d /dl -r requirements.txt", "pip install dist/*.whl", "pip install ./lib",
        "pip install --no-index --find-links=wheels flask", "pip install -e ./lib",
        "pip install --group dev", "uv pip install --system -r requirements.txt",
        "uv pip install --system --no-cache -r requirements.txt", "uv pip sync requirements.txt",
        "uv pip install --system flask", "pip install --req-uirements x -r y",
    ],
)  # fmt: skip
def test_installs_are_recognised(recognise: Any, command: str) -> None:
    answer = recognise(pip, command)
    if "--req-" in command:
        assert isinstance(answer, Obstacle)
        return

    assert isinstance(answer, Install)
    assert answer.ecosystem == "pip"


@pytest.mark.parametrize(
    "command",
    [
        "pip install flask==3.0", "pip install --upgrade pip setuptools wheel", "pip3 install",
        "python -m pip install --upgrade pip", "pip install -U pip", "pip install poetry uv",
        "pip install black[colorama,d,uvloop]", "pip install git+https://h/a/b.git@v1#egg=b",
        "pip install https://h/x-1.0-py3-none-any.whl", "pip install --user pipenv",
        "pip install -e git+https://h/a/b.git#egg=b", "pip install -f https://h/wheels flask",
        "pip config set global.index-url https://h", "pip cache purge", "pip --version",
        "pip list", "pip freeze", "pip uninstall -y flask", "pip check", "pip install --help",
        "pip install awscli==1.*", "pip install -i https://h/simple flask", "pip",
        "pip install 'flask>=2'", "pip install foo@https://h/foo.tar.gz",
    ],
)  # fmt: skip
def test_commands_that_name_packages_are_touches(recognise: Any, command: str) -> None:
    assert isinstance(recognise(pip, command), Touch)


@pytest.mark.parametrize(
    "command",
    ["python app.py", "python -m venv /opt/venv", "python -c import", "python", "pipenv install",
     "pipx install black", "uv sync", "uv run pip install x", "uv venv", "python -m build",
     "poetry install", "python script.py -m pip install -r x", "pip-compile", "uv",
     "pip install --no-deps .", "pip install --no-deps -e ./", "uv pip install --no-deps /app"],
)  # fmt: skip
def test_other_commands_are_not_ours(recognise: Any, command: str) -> None:
    assert recognise(pip, command) is None


@pytest.mark.parametrize(
    ("command", "directory", "code"),
    [
        ("pip install .", "/app", "project-install"),
        ("pip install -e .", "/app", "project-install"),
        ("pip install -e .[dev,security]", "/app", "project-install"),
        ("pip install .[ssh,docs]", "/app", "project-install"),
        ("pip install ./", "/app", "project-install"),
        ("pip install /app", "/app", "project-install"),
        ("pip install ..", "/app/src", "project-install"),
        ("pip install -r requirements.txt -e .", "/app", "project-install"),
        ("pip wheel .", "/app", "project-install"),
        ("uv pip install -e .[dev]", "/app", "project-install"),
        ("python -m pip install --editable=.", "/app", "project-install"),
        ("pip install --frobnicate -r requirements.txt", "/app", "unknown-install-flag"),
        ("uv pip install --frobnicate flask", "/app", "unknown-install-flag"),
    ],
)
def test_commands_that_read_more_are_obstacles(
    recognise: Any, command: str, directory: str, code: str
) -> None:
    answer = recognise(pip, command, directory=directory)

    assert isinstance(answer, Obstacle)
    assert answer.code == code


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PIP_REQUIREMENT", "base.txt"),
        ("PIP_CONSTRAINT", "base.txt"),
        ("PIP_BUILD_CONSTRAINT", "base.txt"),
    ],
)
def test_variables_name_files_too(recognise: Any, ask: Any, name: str, value: str) -> None:
    env = {name: value}

    assert isinstance(recognise(pip, "pip install flask", env=env), Install)
    answer = ask(pip, "pip install flask", {"base.txt": ""}, env=env)
    assert answer.reads == ("/app/base.txt",)


@pytest.mark.parametrize(
    ("reason", "command", "files", "reads"),
    [
        ("one file", "pip install -r requirements.txt", PLAIN, ["requirements.txt"]),
        ("several files", "pip install -r a.txt -r b.txt -c c.txt",
         {"a.txt": "", "b.txt": "", "c.txt": "", "d.txt": ""}, ["a.txt", "b.txt", "c.txt"]),
        ("nested, relative to the file", "pip install -r req/prod.txt",
         {"req/prod.txt": "-r base.txt\n-c ../c.txt", "req/base.txt": "", "c.txt": "",
          "base.txt": ""}, ["req/prod.txt", "req/base.txt", "c.txt"]),
        ("constraints include files", "pip install flask -c c.txt",
         {"c.txt": "-c d.txt", "d.txt": ""}, ["c.txt", "d.txt"]),
        ("absolute", "pip install -r /app/r.txt", {"r.txt": "-r /app/s.txt", "s.txt": ""},
         ["r.txt", "s.txt"]),
        ("all spellings", "pip install -r r.txt",
         {"r.txt": '-r"a.txt"\n--requirement b.txt\n--requirement=c.txt\n-cd.txt\n'
          "--constraint e.txt\n  -r   f.txt  # why\n",

          **dict.fromkeys(["a.txt", "b.txt", "c.txt", "d.txt", "e.txt", "f.txt"], "")},
         ["r.txt", "a.txt", "b.txt", "c.txt", "d.txt", "e.txt", "f.txt"]),
        ("comments and continuations", "pip install -r r.txt",
         {"r.txt": "# -r a.txt\nflask \\\n  ==1 \\\n  --hash=sha256:aa\n-r \\\nb.txt\nx#-r a.txt\n",
          "a.txt": "", "b.txt": ""}, ["r.txt", "b.txt"]),
        ("markers, extras, addresses", "pip install -r r.txt",
         {"r.txt": 'a[x]>=1; python_version < "3"\nb @ https://h/b.whl\ngit+https://h/c.git\n'
          "-e git+https://h/d.git#egg=d\n-i https://h\n--extra-index-url https://h\n--no-index\n"
          "https://h/e.tar.gz\n--trusted-host h\n"}, ["r.txt"]),
        ("known variable", "pip install -r r.txt", {"r.txt": "-r ${WHICH}.txt", "dev.txt": ""},
         ["r.txt", "dev.txt"]),
        ("unknown variable in an address", "pip install -r r.txt",
         {"r.txt": "--index-url https://${TOKEN}@h\na==${VERSION}\n"}, ["r.txt"]),
        ("remote files", "pip install -r https://h/r.txt -r r.txt",
         {"r.txt": "-c https://h/c.txt"}, ["r.txt"]),
        ("pattern", "pip install -r requirements*.txt",
         {"requirements-dev.txt": "", "requirements.txt": "", ".requirements.txt": ""},
         ["requirements-dev.txt", "requirements.txt"]),
        ("wheel", "pip install dist/*.whl", {"dist/a-1-py3-none-any.whl": b"", "dist/x.txt": ""},
         ["dist/a-1-py3-none-any.whl"]),
        ("archive in a file", "pip install -r r.txt",
         {"r.txt": "./v/a.tar.gz\nb.whl\nc @ file:///app/v/c.zip\nfile:///app/d%20d.whl\n",
          "v/a.tar.gz": b"", "b.whl": b"", "v/c.zip": b"", "d d.whl": b""},
         ["r.txt", "v/a.tar.gz", "b.whl", "v/c.zip", "d d.whl"]),
        ("pip.conf of the user", "pip install -r requirements.txt",
         {**PLAIN, "/root/.config/pip/pip.conf": "[global]\nindex-url = https://h\n",
          "/root/.netrc": ""}, ["requirements.txt", "/root/.config/pip/pip.conf", "/root/.netrc"]),
        ("pip.conf names constraints", "pip install -r requirements.txt",
         {**PLAIN, "/etc/pip.conf": "[install]\nconstraint = c.txt\n[list]\nfind-links = x\n",
          "c.txt": ""}, ["requirements.txt", "/etc/pip.conf", "c.txt"]),
        ("setup.cfg moves the install", "pip install -r requirements.txt",
         {**PLAIN, "setup.cfg": "[install]\nprefix=/x\n"}, ["requirements.txt", "setup.cfg"]),
        ("setup.cfg without such a section", "pip install -r requirements.txt",
         {**PLAIN, "setup.cfg": "[metadata]\nname = x\n"}, ["requirements.txt"]),
        ("encoding by mark", "pip install -r r.txt",
         {"r.txt": "-r b.txt".encode("utf-16"), "b.txt": b"\xef\xbb\xbf-r c.txt", "c.txt": ""},
         ["r.txt", "b.txt", "c.txt"]),
        ("encoding by comment", "pip install -r r.txt",
         {"r.txt": "# -*- coding: latin-1 -*-\n# \xe4\n-r b.txt\n".encode("latin-1"), "b.txt": ""},
         ["r.txt", "b.txt"]),
        ("bytes that are no text", "pip install -r r.txt", {"r.txt": b"# \xff\nflask\n"},
         ["r.txt"]),
        ("group", "pip install --group dev", {"pyproject.toml": "[dependency-groups]\ndev = []"},
         ["pyproject.toml"]),
        ("group elsewhere", "pip install --group sub/pyproject.toml:dev",
         {"sub/pyproject.toml": ""}, ["sub/pyproject.toml"]),
        ("lock file", "pip install -r pylock.toml",
         {"pylock.toml": '[[packages]]\nname = "a"\nwheels = [{path = "w/a.whl"}]\n',
          "w/a.whl": b""}, ["pylock.toml", "w/a.whl"]),
        ("certificate", "pip install --cert ca.pem -r requirements.txt", {**PLAIN, "ca.pem": ""},
         ["requirements.txt", "ca.pem"]),
        ("uv's settings", "uv pip install --system -r requirements.txt",
         {**PLAIN, "pyproject.toml": "[tool.uv]\n", "/uv.toml": ""},
         ["requirements.txt", "pyproject.toml", "/uv.toml"]),
        ("uv without a file", "uv pip install flask", {"pyproject.toml": ""}, ["pyproject.toml"]),
        ("uv sync", "uv pip sync a.txt b.txt", {"a.txt": "", "b.txt": ""}, ["a.txt", "b.txt"]),
        ("uv overrides", "uv pip install flask --override o.txt", {"o.txt": ""}, ["o.txt"]),
        ("uv reads static metadata", "uv pip install -r pyproject.toml",
         {"pyproject.toml": '[project]\nname = "x"\ndependencies = ["flask"]\n'},
         ["pyproject.toml"]),
        ("a vcs clone", "pip install -r r.txt", {"r.txt": "-e git+https://h/a.git#egg=a"},
         ["r.txt"]),
    ],
)  # fmt: skip
def test_files_that_the_install_reads(
    ask: Any, reason: str, command: str, files: dict[str, Any], reads: list[str]
) -> None:
    answer = ask(pip, command, files, env={"WHICH": "dev"})

    assert isinstance(answer, Inputs), (reason, answer)
    expected = {path if path.startswith("/") else f"/app/{path}" for path in reads}
    assert set(answer.reads) == expected
    assert answer.trees == answer.rewrites == ()


STATIC = '[project]\nname = "my-lib"\nversion = "1"\n'


@pytest.mark.parametrize(
    ("reason", "command", "files", "trees"),
    [
        ("links on the command line", "pip install --no-index --find-links wheels flask",
         {"wheels/flask.whl": b""}, ["wheels"]),
        ("links beside the file", "pip install -r req/r.txt",
         {"req/r.txt": "--find-links wheels\nflask", "req/wheels/a.whl": b"", "wheels/b.whl": b""},
         ["req/wheels"]),
        ("links where pip runs", "pip install -r req/r.txt",
         {"req/r.txt": "-f wheels\nflask", "wheels/b.whl": b""}, ["wheels"]),
        ("links that were not copied", "pip install -r r.txt", {"r.txt": "-f /wheels\nflask"}, []),
        ("an index in a directory", "pip install -r r.txt -i file:///app/index",
         {"r.txt": "", "index/flask/index.html": ""}, ["index"]),
        ("a static project", "pip install -r r.txt",
         {"r.txt": "./lib\n", "lib/pyproject.toml": STATIC, "lib/my_lib.py": ""}, ["lib"]),
        ("a static project, editable", "pip install -e lib", {"lib/pyproject.toml": STATIC},
         ["lib"]),
        ("a static project with extras", "pip install ./lib[x]", {"lib/pyproject.toml": STATIC},
         ["lib"]),
        ("relative to where pip runs", "pip install -r req/r.txt",
         {"req/r.txt": "./lib\n", "lib/pyproject.toml": STATIC, "req/lib/pyproject.toml": STATIC},
         ["lib"]),
    ],
)  # fmt: skip
def test_directories_that_the_install_reads(
    ask: Any, reason: str, command: str, files: dict[str, Any], trees: list[str]
) -> None:
    answer = ask(pip, command, files)

    assert isinstance(answer, Inputs), (reason, answer)
    assert answer.trees == tuple(f"/app/{tree}" for tree in trees)


def test_a_build_in_the_directory_leaves_its_files_there(ask: Any) -> None:
    answer = ask(pip, "pip install ./lib", {"lib/pyproject.toml": STATIC})

    assert {"/app/lib/build", "/app/lib/my_lib.egg-info"} <= set(answer.writes)


@pytest.mark.parametrize(
    ("reason", "files"),
    [
        ("code decides", {"lib/setup.py": "import x", "lib/pyproject.toml": STATIC}),
        ("code decides, without a manifest", {"lib/setup.py": "import subprocess"}),
        ("code of the project is executed", {"lib/setup.py": "exec(open('v.py').read())",
                                             "lib/v.py": "import os"}),
        ("settings that name code", {"lib/setup.cfg": "[metadata]\nversion = attr: x.v"}),
        ("settings that name files above",
         {"lib/setup.cfg": "[options]\npackage_dir =\n  =../src"}),
        ("a name that is not known", {"lib/setup.py": ""}),
        ("no manifest", {"lib/x.py": ""}),
        ("hatchling looks above", {"lib/pyproject.toml": STATIC + "[build-system]\n"
                                   'requires = ["hatchling"]\nbuild-backend = "hatchling.build"'}),
        ("version from git", {"lib/pyproject.toml": STATIC + "[build-system]\n"
                              'requires = ["setuptools>=64", "setuptools_scm[toml]>=8"]'}),
        ("own backend", {"lib/pyproject.toml": STATIC + "[build-system]\nrequires = []\n"
                         'backend-path = ["b"]\nbuild-backend = "setuptools.build_meta"'}),
        ("path above", {"lib/pyproject.toml": STATIC + 'readme = "../README.md"'}),
        ("computed version", {"lib/pyproject.toml": '[project]\nname="x"\ndynamic=["version"]\n'
                              '[tool.setuptools.dynamic]\nversion = {attr = "x.v"}'}),
        ("path dependency", {"lib/pyproject.toml": STATIC + 'dependencies = ["a @ file:///x"]'}),
        ("old build", {"lib/pyproject.toml": STATIC, "lib/build/lib/x.py": ""}),
    ],
)  # fmt: skip
def test_projects_that_may_read_more_are_obstacles(
    ask: Any, reason: str, files: dict[str, str]
) -> None:
    answer = ask(pip, "pip install -r r.txt", {"r.txt": "\n./lib", **files})

    assert isinstance(answer, Obstacle), reason
    assert answer.code == "local-dependency"
    assert "line 2" in answer.reason


@pytest.mark.parametrize(
    "files",
    [
        {"lib/setup.py": "from setuptools import setup\nsetup(name='x', version='1')"},
        {"lib/setup.py": "from setuptools import setup\nsetup()", "lib/pyproject.toml": STATIC},
        {"lib/setup.cfg": "[metadata]\nname = x\nversion = 1\n[options]\npackages = find:"},
        {"lib/setup.py": "from setuptools import setup\nd = {}\nexec(open('v.py').read(), d)\n"
         "setup(name='x', version=d['v'], long_description=open('README').read())",
         "lib/v.py": "v = '1'", "lib/README": ""},
        {"lib/setup.py": "from setuptools import setup\nsetup()",
         "lib/pyproject.toml": "[build-system]\nrequires = ['setuptools']",
         "lib/setup.cfg": "[metadata]\nname = x"},
    ],
)  # fmt: skip
def test_projects_whose_setup_can_be_followed_are_trees(ask: Any, files: dict[str, str]) -> None:
    answer = ask(pip, "pip install -r r.txt", {"r.txt": "./lib", **files})

    assert isinstance(answer, Inputs), answer
    assert answer.trees == ("/app/lib",)
    assert answer.reads == ("/app/r.txt",)


def test_a_setup_that_cannot_be_followed_is_named_with_its_line(ask: Any) -> None:
    files = {"r.txt": "./lib", "lib/setup.py": "import os\nimport subprocess\n"}
    answer = ask(pip, "pip install -r r.txt", files)

    assert (answer.path, answer.line) == ("/app/lib/setup.py", 2)


@pytest.mark.parametrize(
    "files",
    [
        {"lib/setup.py": "import versioneer"},
        {"lib/setup.py": "from setuptools import setup\nsetup(use_scm_version=True)"},
        {"lib/setup.cfg": "[metadata]\nname = x\n[pbr]\nx = 1"},
    ],
)
def test_versions_that_git_says_are_held(ask: Any, files: dict[str, str]) -> None:
    answer = ask(pip, "pip install -r r.txt", {"r.txt": "./lib", **files})

    assert isinstance(answer, Obstacle), answer
    assert answer.code == "version-from-git"


DYNAMIC = (
    '[project]\nname = "app"\ndynamic = ["dependencies"]\n'
    '[tool.setuptools.dynamic]\ndependencies = {file = ["requirements.txt"]}\n'
)
READS = "from setuptools import setup\nsetup(install_requires=open('requirements.txt').readlines())"
R = {"requirements.txt": "six"}


def step(command: str, files: dict[str, str]) -> Install | Obstacle | None:
    content = MemoryFiles({f"/app/{name}": text for name, text in files.items()})
    return pip.dependency_step(Call(tuple(command.split()), "/app", {}), content)


@pytest.mark.parametrize(
    ("command", "files", "expected"),
    [
        ("pip install .", {**R, "pyproject.toml": DYNAMIC}, "pip install -r requirements.txt"),
        ("pip install --no-cache-dir -e .[dev] gunicorn", {**R, "pyproject.toml": DYNAMIC},
         "pip install --no-cache-dir -r requirements.txt gunicorn"),
        ("python -m pip install --editable=.", {**R, "setup.py": READS},
         "python -m pip install -r requirements.txt"),
        ("pip install .", {**R, "setup.cfg": "[options]\ninstall_requires = file: requirements.txt",
                           "setup.py": "from setuptools import setup\nsetup()"},
         "pip install -r requirements.txt"),
        ("uv pip install --system .", {"pyproject.toml": STATIC},
         "uv pip install --system -r pyproject.toml"),
        ("uv pip install --system -e .[a,b]", {"pyproject.toml": STATIC},
         "uv pip install --system -r pyproject.toml --extra a --extra b"),
        ("pip install --no-deps .", {**R, "setup.py": READS}, None),
        ("pip install --force-reinstall .", {**R, "setup.py": READS}, None),
        ("pip install --target /x .", {**R, "setup.py": READS}, None),
        ("pip install -r requirements.txt", R, None),
        ("pip install six", {**R, "setup.py": READS}, None),
        ("python setup.py develop", {**R, "setup.py": READS}, None),
    ],
)  # fmt: skip
def test_dependency_step(command: str, files: dict[str, str], expected: str | None) -> None:
    found = step(command, files)

    assert (found.title if isinstance(found, Install) else found) == expected


@pytest.mark.parametrize(
    ("files", "code"),
    [
        ({"pyproject.toml": STATIC}, "project-install"),
        ({"setup.py": "from setuptools import setup\nsetup(install_requires=['six'])"},
         "project-install"),
        ({"setup.py": "import versioneer"}, "version-from-git"),
        ({"pyproject.toml": STATIC + '[build-system]\nrequires = ["hatch-vcs"]'},
         "version-from-git"),
        ({"setup.py": "import x"}, "local-dependency"),
        ({"setup.py": "print 'x'"}, "unreadable-manifest"),
        ({"setup.cfg": "name"}, "unreadable-manifest"),
    ],
)  # fmt: skip
def test_why_there_is_no_dependency_step(files: dict[str, str], code: str) -> None:
    found = step("pip install .", files)

    assert isinstance(found, Obstacle)
    assert found.code == code


def test_setup_commands_install_the_project(recognise: Any) -> None:
    for command in ("python setup.py install", "python3 setup.py -q develop"):
        answer = recognise(pip, command)
        assert isinstance(answer, Obstacle)
        assert answer.code == "project-install"
    assert recognise(pip, "python setup.py sdist") is None


@pytest.mark.parametrize(
    ("reason", "command", "files", "code", "place"),
    [
        ("file not copied", "pip install -r requirements.txt", {"x": ""}, "manifest-outside-copy",
         ("/app/requirements.txt", None)),
        ("included file not copied", "pip install -r r.txt", {"r.txt": "\n-r gone.txt"},
         "manifest-outside-copy", ("/app/gone.txt", None)),
        ("archive not copied", "pip install /wheels/*.whl", {}, "manifest-outside-copy",
         ("/wheels/*.whl", None)),
        ("the project in a file", "pip install -r r.txt", {"r.txt": "flask\n-e .\n"},
         "project-install", ("/app/r.txt", 2)),
        ("the project by address", "pip install -r r.txt", {"r.txt": "file:///app"},
         "project-install", ("/app/r.txt", 1)),
        ("unknown variable", "pip install -r r.txt", {"r.txt": "\n\n-r ${WHICH}.txt"},
         "unresolved-variable", ("/app/r.txt", 3)),
        ("unknown variable in a path", "pip install -r r.txt", {"r.txt": "./${WHICH}/x.whl"},
         "unresolved-variable", ("/app/r.txt", 1)),
        ("includes itself", "pip install -r r.txt", {"r.txt": "-r r.txt"}, "unreadable-manifest",
         ("/app/r.txt", None)),
        ("a ring of files", "pip install -r a.txt", {"a.txt": "-r b.txt", "b.txt": "-c a.txt"},
         "unreadable-manifest", ("/app/b.txt", None)),
        ("too large", "pip install -r r.txt", {"r.txt": None}, "unreadable-manifest",
         ("/app/r.txt", None)),
        ("open quotation mark", "pip install -r r.txt", {"r.txt": "a\n-r 'b.txt"},
         "unreadable-manifest", ("/app/r.txt", 2)),
        ("option without value", "pip install -r r.txt", {"r.txt": "a\n\n-r"},
         "unreadable-manifest", ("/app/r.txt", 3)),
        ("unknown encoding", "pip install -r r.txt", {"r.txt": b"# coding: klingon\n"},
         "unreadable-manifest", ("/app/r.txt", 1)),
        ("TOML with an error", "pip install --group d", {"pyproject.toml": "[a]\nb = \n"},
         "unreadable-manifest", ("/app/pyproject.toml", 2)),
        ("pip.conf with an error", "pip install -r r.txt", {"r.txt": "", "/etc/pip.conf": "\nx"},
         "unreadable-manifest", ("/etc/pip.conf", 2)),
        ("pattern over directories", "pip install -r */r.txt", {"a/r.txt": ""},
         "unresolved-variable", (None, None)),
        ("links to the project", "pip install -f . flask", {"a.whl": b""}, "local-dependency",
         (None, None)),
        ("page of links", "pip install -r r.txt", {"r.txt": "-f links.html", "links.html": ""},
         "local-dependency", ("/app/r.txt", 1)),
        ("no build isolation", "pip install --no-build-isolation -r r.txt",
         {"r.txt": "./lib", "lib/pyproject.toml": STATIC}, "local-dependency", ("/app/r.txt", 1)),
        ("uv and a local project", "uv pip install ./lib", {"lib/pyproject.toml": STATIC},
         "local-dependency", (None, None)),
        ("uv in another directory", "uv pip install --directory x -r r.txt", {"r.txt": ""},
         "unknown-install-flag", (None, None)),
        ("uv and a virtual environment in the context", "uv pip install flask",
         {".venv/pyvenv.cfg": ""}, "installed-packages-in-context", ("/app/.venv", None)),
        ("uv and dynamic metadata", "uv pip install -r pyproject.toml",
         {"pyproject.toml": '[project]\nname = "x"\ndynamic = ["dependencies"]'},
         "project-install", ("/app/pyproject.toml", None)),
        ("uv and path sources", "uv pip install -r pyproject.toml",
         {"pyproject.toml": '[project]\nname = "x"\n[tool.uv.sources]\na = {path = "a"}'},
         "local-dependency", ("/app/pyproject.toml", None)),
        ("uv looks for packages here", "uv pip install flask",
         {"uv.toml": 'find-links = ["./wheels"]'}, "config-reads-source", ("/app/uv.toml", None)),
        ("uv has an index here", "uv pip install flask",
         {"pyproject.toml": '[[tool.uv.index]]\nurl = "./index"'}, "config-reads-source",
         ("/app/pyproject.toml", None)),
        ("pip does not read pyproject.toml", "pip install -r pyproject.toml",
         {"pyproject.toml": '[project]\nname = "x"'}, "project-install",
         ("/app/pyproject.toml", None)),
        ("package from a directory in a lock file", "pip install -r pylock.toml",
         {"pylock.toml": '[[packages]]\nname = "a"\ndirectory = {path = "a"}'}, "local-dependency",
         ("/app/pylock.toml", None)),
        ("target in the context", "pip install -t lib -r r.txt", {"r.txt": "", "lib/a.py": ""},
         "installed-packages-in-context", ("/app/lib", None)),
    ],
)  # fmt: skip
def test_obstacles_name_file_and_line(
    ask: Any, reason: str, command: str, files: dict[str, Any], code: str,
    place: tuple[str | None, int | None],
) -> None:  # fmt: skip
    answer = ask(pip, command, files)

    assert isinstance(answer, Obstacle), (reason, answer)
    assert (answer.code, (answer.path, answer.line)) == (code, place)
    assert answer.reason.endswith(".")
    assert answer.unblock.endswith(".")


@pytest.mark.parametrize(
    ("files", "path"),
    [
        ({"logging.py": ""}, "/app/logging.py"),
        ({"email/__init__.py": ""}, "/app/email"),
        ({"sitecustomize.py": ""}, "/app/sitecustomize.py"),
        ({"pip/__init__.py": ""}, "/app/pip"),
        ({"flask.egg-info/PKG-INFO": ""}, "/app/flask.egg-info"),
        ({"flask-3.dist-info/METADATA": ""}, "/app/flask-3.dist-info"),
    ],
)
@pytest.mark.parametrize("paths", ["/app", "/lib:/app", ":/lib", "."])
def test_modules_on_pythonpath_can_change_the_install(
    ask: Any, files: dict[str, str], path: str, paths: str
) -> None:
    answer = ask(pip, "pip install -r requirements.txt", {**PLAIN, **files},
                 env={"PYTHONPATH": paths})  # fmt: skip

    assert (answer.code, answer.path) == ("shadowed-module", path)


@pytest.mark.parametrize(
    "files",
    [{"app/main.py": ""}, {"test/__init__.py": ""}, {"logging/notes.md": ""}, {"x.pyc": ""}],
)
def test_other_modules_on_pythonpath_do_not(ask: Any, files: dict[str, str]) -> None:
    env = {"PYTHONPATH": "/app"}

    assert isinstance(
        ask(pip, "pip install -r requirements.txt", {**PLAIN, **files}, env=env), Inputs
    )


def test_a_module_named_pip_stands_before_pip(ask: Any) -> None:
    files = {**PLAIN, "pip.py": ""}

    assert ask(pip, "python -m pip install -r requirements.txt", files).code == "shadowed-module"
    assert isinstance(ask(pip, "pip install -r requirements.txt", files), Inputs)


def test_a_linked_file_is_an_obstacle(ask: Any, link: Any) -> None:
    answer = ask(pip, "pip install -r req/r.txt", {"req": link("elsewhere")})

    assert (answer.code, answer.path) == ("manifest-is-a-link", "/app/req")


@pytest.mark.parametrize(
    ("command", "env", "path"),
    [
        ("/opt/venv/bin/pip install -r requirements.txt", {}, "/opt/venv/lib"),
        ("pip install -r requirements.txt", {"PATH": "/venv/bin:/usr/bin"}, "/venv/lib"),
        ("pip install -r requirements.txt", {"VIRTUAL_ENV": "/v"}, "/v/bin"),
        ("pip install -r requirements.txt", {}, "/usr/local/lib"),
        ("pip install -t out -r requirements.txt", {}, "/app/out"),
        ("pip install -r requirements.txt", {"PIP_TARGET": "out"}, "/app/out"),
        ("pip install --prefix=/install -r requirements.txt", {}, "/install"),
        ("pip install --root /r -r requirements.txt", {}, "/r"),
        ("pip wheel -w /wheels -r requirements.txt", {}, "/wheels"),
        ("pip wheel -r requirements.txt", {}, "/app"),
        ("pip install --user -r requirements.txt", {"HOME": "/home/me"}, "/home/me/.local"),
        ("pip install -r requirements.txt", {"PIP_CACHE_DIR": "/cache"}, "/cache"),
    ],
)
def test_places_that_the_install_writes_to(
    ask: Any, command: str, env: dict[str, str], path: str
) -> None:
    assert path in ask(pip, command, PLAIN, env=env).writes


@pytest.mark.parametrize(
    ("requirement", "path"),
    [
        ("git+https://h/a.git#egg=My-Lib", "/app/src/my-lib"),
        ("git+https://h/a.git@v1#subdirectory=x&egg=lib", "/app/src/lib"),
        ("'Lib[x] @ git+https://h/a.git'", "/app/src/lib"),
        ("git+https://h/a.git#egg=my_lib", "/app/src"),
        ("git+https://h/a.git", "/app/src"),
    ],
)
def test_clones_lie_below_src(ask: Any, requirement: str, path: str) -> None:
    answer = ask(pip, "pip install -r r.txt", {"r.txt": f"-e {requirement}\n"})

    assert isinstance(answer, Inputs)
    assert path in answer.writes


def test_the_usual_places_do_not_hold_the_sources(ask: Any) -> None:
    writes = ask(pip, "pip install -r requirements.txt", PLAIN, directory="/app").writes

    for sources in ("/app", "/usr/src/app", "/opt/app", "/srv", "/home/me/app"):
        assert not any(sources.startswith(f"{path}/") or sources == path for path in writes)
