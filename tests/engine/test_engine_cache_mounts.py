"""With the cache mounts that dockopt adds, a changed line of dependencies downloads what is new;
without them, everything. Package managers say themselves what they download."""

from __future__ import annotations

import io
import json
import random
import re
import secrets
import threading
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from optimizer.catalog import transforms
from optimizer.context.tree import BuildContext
from optimizer.cst.source import Source
from optimizer.journal import ContextAnswer
from optimizer.model.stages import Invocation
from optimizer.pipeline import run
from optimizer.proposal import Safety
from optimizer.view import Build
from tests.engine.bases import BOOKWORM, provide
from tests.engine.build import build
from tests.engine.daemon import Engine

pytestmark = pytest.mark.engine

Files = Mapping[str, str]
"""The text of a build context's files, the Dockerfile's too."""


def mounted(files: Files) -> Files:
    """Returns ``files`` with the Dockerfile's cache mounts."""
    context = BuildContext.from_listing({path: text.encode() for path, text in files.items()})
    way = Build(context, Invocation(), ContextAnswer(".", "the test"))
    source = Source("Dockerfile", files["Dockerfile"])
    chosen = transforms(select=("mount-package-cache",))
    outcome = run("Dockerfile", source, (way,), chosen, Safety.CHANGES_IMAGE)
    assert outcome.applied
    return {**files, "Dockerfile": outcome.after}


class Builder:
    """Builds one context after the other with the same, at first empty, cache mounts."""

    def __init__(self, engine: Engine, folder: Path) -> None:
        self.engine, self.folder = engine, folder
        self.namespace = secrets.token_hex(8)

    def log(self, files: Files) -> str:
        # Not with --no-cache, which takes empty cache mounts too (measured on Engine 28.5.2).
        for path, text in files.items():
            (self.folder / path).write_text(text)
        arguments = {"BUILDKIT_CACHE_MOUNT_NS": self.namespace}
        done = build(self.engine, self.folder, build_args=arguments)
        assert done.ok, done.log
        return done.log


def second_logs(
    engine: Engine, folder: Path, first: Files, second: Files
) -> tuple[tuple[str, str], tuple[str, str]]:
    """Builds ``first``, then ``second``; both as they stand, then both with cache mounts."""
    engine.forget_builds()
    plain, with_mounts = Builder(engine, folder), Builder(engine, folder)
    return (
        (plain.log(first), plain.log(second)),
        (with_mounts.log(mounted(first)), with_mounts.log(mounted(second))),
    )


def archives(log: str) -> tuple[float, float]:
    """Returns what apt-get downloads and what it needs, in kilobytes."""
    found = re.search(r"Need to get (?:([\d.]+) k?B/)?([\d.]+) kB of archives", log)
    assert found is not None, log
    return float(found[1] or found[2]), float(found[2])


def test_apt_get_downloads_only_the_package_that_is_new(engine: Engine, context: Path) -> None:
    provide(engine, [BOOKWORM])
    install = "apt-get update && apt-get install -y --no-install-recommends"
    first, second = (
        {"Dockerfile": f"FROM {BOOKWORM}\nRUN {install} {names}\n"}
        for names in ("hello", "hello sl")
    )

    plain, with_mounts = second_logs(engine, context, first, second)

    (hello, _), (everything, _) = map(archives, plain)
    assert 0 < hello < everything
    assert archives(with_mounts[0]) == (hello, hello)
    # In kilobytes with one decimal or none.
    downloaded, needed = archives(with_mounts[1])
    assert downloaded == pytest.approx(everything - hello, abs=0.2)
    assert needed == everything


class Index(ThreadingHTTPServer):
    """A package index with wheels of a few kilobytes, which may be kept for a while as those of
    public ones may: a proxy in front of such a one can take that word out of its answers."""

    def __init__(self, wheels: Iterable[str]) -> None:
        super().__init__(("127.0.0.1", 0), _Answers)
        self.wheels = {f"{name}-py3-none-any.whl": wheel(*name.split("-")) for name in wheels}

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.server_port}"

    @property
    def address(self) -> str:
        return f"http://{self.host}/simple/"


class _Answers(BaseHTTPRequestHandler):
    server: Index

    def do_GET(self) -> None:
        name = self.path.strip("/").rpartition("/")[2]
        found = self.server.wheels.get(name)
        if found is None:
            links = (each for each in self.server.wheels if each.startswith(f"{name}-"))
            found = "".join(f'<a href="/{each}">{each}</a>' for each in links).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(found)))
        if name.endswith(".whl"):
            self.send_header("Cache-Control", "max-age=86400, public")
        else:
            self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(found)

    def log_message(self, *words: object) -> None:
        """Says nothing."""


def wheel(name: str, version: str) -> bytes:
    """Returns a wheel with one module, full of what does not get smaller (PEP 427)."""
    about = f"{name}-{version}.dist-info"
    files = {
        f"{name}.py": f"NOISE = {random.Random(version).randbytes(9_000).hex()!r}\n",
        f"{about}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{about}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{about}/RECORD": "",
    }
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)
    return written.getvalue()


@pytest.fixture
def index() -> Iterator[Index]:
    with Index(("shelf-1.0", "shelf-1.1", "lamp-2.0")) as served:
        thread = threading.Thread(target=served.serve_forever)
        thread.start()
        yield served
        served.shutdown()
        thread.join()


def downloaded(log: str) -> dict[str, float]:
    """Returns the kilobytes of every wheel that pip downloads, by name and version."""
    found = re.findall(r"Downloading \S*?(\w+-[\d.]+)-\S+\.whl \(([\d.]+) kB\)", log)
    return {name: float(size) for name, size in found}


def test_pip_downloads_only_the_package_that_is_new(
    engine: Engine, context: Path, index: Index
) -> None:
    provide(engine, ["python:3.11-slim"])
    # pip keeps what it gets over plain HTTP from trusted hosts alone.
    options = f"--index-url {index.address} --trusted-host {index.host}"
    install = f"pip install --no-cache-dir {options} -r requirements.txt"
    first, second = (
        {
            "Dockerfile": f"FROM python:3.11-slim\nCOPY requirements.txt ./\nRUN {install}\n",
            "requirements.txt": f"shelf=={version}\nlamp==2.0\n",
        }
        for version in ("1.0", "1.1")
    )

    plain, with_mounts = second_logs(engine, context, first, second)

    old, new = map(downloaded, plain)
    assert (set(old), set(new)) == ({"shelf-1.0", "lamp-2.0"}, {"shelf-1.1", "lamp-2.0"})
    assert downloaded(with_mounts[0]) == old
    assert downloaded(with_mounts[1]) == {"shelf-1.1": new["shelf-1.1"]}
    assert re.search(r"Using cached \S*lamp-2.0", with_mounts[1]) is not None


def node_project(version: str) -> Files:
    """Returns a project that wants ``version`` of ms, and another package."""
    wanted = {"escape-html": "1.0.3", "ms": version}
    return {
        "Dockerfile": "FROM node:20-slim\nWORKDIR /app\nCOPY package.json ./\n"
        "RUN npm install --loglevel=http\n",
        "package.json": json.dumps({"name": "app", "version": "1.0.0", "dependencies": wanted}),
    }


def tarballs(log: str) -> set[str]:
    """Returns the packages for which npm asked the network and got the whole answer."""
    lines = (line for line in log.splitlines() if "http fetch GET 200" in line)
    asked = " ".join(line for line in lines if "cache hit" not in line)
    return set(re.findall(r"/([\w-]+-[\d.]+)\.tgz", asked))


def test_npm_downloads_only_the_package_that_is_new(engine: Engine, context: Path) -> None:
    provide(engine, ["node:20-slim"])

    plain, with_mounts = second_logs(engine, context, node_project("2.1.2"), node_project("2.1.3"))

    assert list(map(tarballs, plain)) == [
        {"escape-html-1.0.3", "ms-2.1.2"},
        {"escape-html-1.0.3", "ms-2.1.3"},
    ]
    assert list(map(tarballs, with_mounts)) == [{"escape-html-1.0.3", "ms-2.1.2"}, {"ms-2.1.3"}]
