"""What real images lack: stand-ins lack nothing, and what is taken away is named."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping

import pytest

from optimizer.verify.archive import Reader
from optimizer.verify.builders import Built
from optimizer.verify.closure import missing, newly_missing
from optimizer.verify.containers import Containers
from optimizer.verify.facts import facts
from optimizer.verify.image import Image
from optimizer.verify.inside import inside
from optimizer.verify.smoke import smoke
from tests.engine.bases import provide
from tests.engine.build import build
from tests.engine.daemon import Engine

pytestmark = pytest.mark.engine

SLIM, FULL = "python:3.11-slim", "python:3.11"

DATABASE = """\
#define PY_SSIZE_T_CLEAN
#include <Python.h>
extern int PQlibVersion(void);
static PyObject *version(PyObject *self, PyObject *args) { return PyLong_FromLong(PQlibVersion()); }
static PyMethodDef methods[] = {{"version", version, METH_NOARGS, ""}, {0}};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "shopdb", "", -1, methods};
PyMODINIT_FUNC PyInit_shopdb(void) { return PyModule_Create(&module); }
"""

DOCKERFILE = """\
FROM python:3.11 AS builder
RUN apt-get update && apt-get install -y --no-install-recommends libpq-dev
COPY shopdb.c /src/
RUN gcc -shared -fPIC $(python3-config --includes) /src/shopdb.c -lpq -o /src/shopdb.so

FROM python:3.11-slim AS before
RUN apt-get update && apt-get install -y --no-install-recommends libpq5 libcap2-bin curl \
 && rm -rf /var/lib/apt/lists/*
RUN useradd --system shop && cp /bin/true /usr/local/bin/listen \
 && setcap cap_net_bind_service+ep /usr/local/bin/listen
WORKDIR /app
COPY --from=builder /src/shopdb.so .
COPY --chmod=755 run main.py ./
COPY dist /usr/local/lib/python3.11/dist-packages/
USER shop
HEALTHCHECK CMD curl -f http://localhost || exit 1
ENTRYPOINT ["./run"]
CMD ["main.py"]

FROM before AS library
USER root
RUN dpkg --remove --force-depends libpq5
USER shop

FROM before AS interpreter
USER root
RUN rm /usr/bin/python3 /usr/local/bin/python*
USER shop

FROM before AS tool
USER root
RUN dpkg --remove --force-depends curl
USER shop

FROM before AS mode
USER root
RUN chmod 700 /app/run
USER shop

FROM before AS capability
USER root
RUN cp /bin/true /usr/local/bin/listen
USER shop

FROM before AS user
USER root
RUN userdel shop
USER shop

FROM before AS file
USER root
RUN rm main.py
USER shop
"""

FILES = {
    "Dockerfile": DOCKERFILE,
    "shopdb.c": DATABASE,
    "main.py": "import shopdb\nprint(shopdb.version() > 0, 'ready ')\n",
    "run": "#!/usr/bin/env python3\nimport runpy, sys\nrunpy.run_path(sys.argv[1])\n",
    "dist/shop/__init__.py": "import sys\nsys.path.insert(0, '/app')\nimport shopdb\n",
    "dist/shop-1.dist-info/METADATA": "Metadata-Version: 2.1\nName: shop\nVersion: 1\n",
    "dist/shop-1.dist-info/RECORD": "shop/__init__.py,,\nshop-1.dist-info/METADATA,,\n",
}

Make = Callable[[str], Built]


@pytest.fixture(scope="module")
def make(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Make:
    """Builds a target of the Dockerfile above and reads the image with everything it needs."""
    provide(engine, [SLIM, FULL])
    context = tmp_path_factory.mktemp("closure")
    for path, text in FILES.items():
        (context / path).parent.mkdir(parents=True, exist_ok=True)
        (context / path).write_text(text)
    reader = Reader(facts)
    made: dict[str, Built] = {}

    def run(target: str) -> Built:
        if target not in made:
            result = build(engine, context, target=target, tag=f"closure:{target}")
            assert result.ok, result.log
            image = read(engine, f"closure:{target}", reader)
            made[target] = Built(image, f"closure:{target}", 1.0)
        return made[target]

    return run


def read(engine: Engine, name: str, reader: Reader) -> Image:
    process = subprocess.Popen(
        ["docker", "save", name], env=dict(engine.environment), stdout=subprocess.PIPE
    )
    with process:
        assert process.stdout is not None
        return reader.read(process.stdout)


def image_of(built: Built) -> Image:
    assert built.image is not None
    return built.image


@pytest.fixture(scope="module")
def containers(engine: Engine) -> Containers:
    return Containers(("docker", "run"), engine.environment, seconds=60)


NOT_ASKED_FOR = {
    "libsvn_auth_gnome_keyring-1.so": {"libsecret-1.so.0"},
    "libsvn_auth_kwallet-1.so": {
        *("libKF5Wallet.so.5", "libKF5I18n.so.5", "libKF5CoreAddons.so.5"),
        *("libQt5Core.so.5", "libdbus-1.so.3"),
    },
    "hgk": {"wish"},
}
"""What files of packages of buildpack-deps want and no dependency of theirs brings: Subversion's
plugins for the keyrings of desktops, and Mercurial's browser of changes (Depends of libsvn1 and
mercurial in bookworm's index). The official image has the same packages."""


@pytest.mark.parametrize("name", ["debian:bookworm-slim", SLIM, "node:18-slim", "busybox:1.35"])
def test_a_stand_in_lacks_nothing(engine: Engine, name: str) -> None:
    provide(engine, [name])
    found = missing(read(engine, name, Reader(facts)))
    # npm brings build scripts for a Python that its slim image has not.
    assert [one for one in found if not one.optional] == []


def test_a_full_stand_in_lacks_only_what_its_packages_do_not_ask_for(engine: Engine) -> None:
    provide(engine, [FULL])
    lacks: dict[str, set[str]] = {}
    for one in missing(read(engine, FULL, Reader(facts))):
        if not one.optional:
            name = one.path.rsplit("/", 1)[-1]
            lacks.setdefault(name.removesuffix(".1.0.0"), set()).add(one.name)
    assert lacks == NOT_ASKED_FOR


def test_a_whole_image_lacks_nothing(make: Make) -> None:
    assert missing(image_of(make("before"))) == ()


TAKEN = {
    "library": (
        "libpq.so.5 is missing: /app/shopdb.so needs it; in the builder image the package "
        "libpq5 owns it"
    ),
    "interpreter": "the interpreter python3 is missing: /app/run",
    "tool": "curl is missing: HEALTHCHECK runs it; in the original image the package curl owns it",
    "mode": "./run may not be run by the image's user: ENTRYPOINT runs it",
    "capability": "/usr/local/bin/listen has lost its file capabilities (setcap)",
    "user": "USER shop is missing in /etc/passwd",
    "file": "main.py is missing: ENTRYPOINT names it",
}


@pytest.mark.parametrize("target", TAKEN)
def test_what_is_taken_away_is_named(make: Make, target: str) -> None:
    references: Mapping[str, Image] = {"the builder image": image_of(make("builder"))}
    if target == "tool":
        references = {}
    found = newly_missing(image_of(make("before")), image_of(make(target)), references)
    assert any(finding.message.startswith(TAKEN[target]) for finding in found), found


def test_answers_of_both_images_are_compared(make: Make, containers: Containers) -> None:
    check = smoke(containers, ["/bin/sh", "-c", "./run main.py"])
    assert check(make("before"), make("before")).outcome == "kept"
    broken = check(make("before"), make("library"))
    assert broken.outcome == "broken"
    assert "exit code 1 instead of 0: ImportError: libpq.so.5" in broken.findings[0].message


def test_packages_of_the_manifest_are_imported_inside(make: Make, containers: Containers) -> None:
    check = inside(containers, {"requirements.txt": "shop==1\nabsent\n"})
    kept = check(make("before"), make("before"))
    assert (kept.outcome, kept.findings) == ("kept", ())
    broken = check(make("before"), make("library"))
    assert broken.outcome == "broken"
    assert broken.findings[0].message.startswith("shop cannot be imported: ImportError: libpq.so.5")


def test_a_command_without_an_end_is_ended_and_leaves_no_container(
    engine: Engine, busybox: str
) -> None:
    containers = Containers(("docker", "run"), engine.environment, seconds=3)
    assert containers(busybox, ["/bin/busybox", "sleep", "1000"]).timed_out
    left = engine.docker("ps", "--all", "--quiet", "--filter", "name=dockopt-verify")
    assert left.stdout.split() == []


def test_a_container_has_no_network_but_its_own(engine: Engine, busybox: str) -> None:
    containers = Containers(("docker", "run"), engine.environment, seconds=60)
    told = containers(busybox, ["/bin/busybox", "cat", "/proc/net/dev"])
    assert told.code == 0
    names = [line.partition(":")[0].strip() for line in told.output.splitlines()[2:]]
    assert "lo" in names
    assert "eth0" not in names


def test_a_program_that_is_not_there_did_not_start(engine: Engine, busybox: str) -> None:
    containers = Containers(("docker", "run"), engine.environment, seconds=60)
    assert not containers(busybox, ["/nowhere"]).started
