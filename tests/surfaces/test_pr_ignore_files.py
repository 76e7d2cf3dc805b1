"""`dockopt pr` where changes make or extend an ignore file, alone and together with others."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from optimizer.surfaces.load import Request
from optimizer.verify import judge as judges
from optimizer.verify.builders import Built, Failed, Order, Watch
from optimizer.verify.image import Image
from optimizer.verify.progress import Progress
from tests.forge.server import ForgeServer
from tests.surfaces.shops import DOCKERFILE, FIXED, Shop, application, only, through
from tests.surfaces.test_surfaces_cli import dockopt

Fails = Callable[[Order], bool]

DEV = DOCKERFILE.replace("CMD node", "CMD node --watch")
FIXED_DEV = FIXED.replace("CMD node", "CMD node --watch")
SHARED: Mapping[str, str | None] = {".dockerignore": None, "Dockerfile.dev": DEV}
"""Two Dockerfiles with one context, which has no ignore file."""


@pytest.fixture(autouse=True)
def _nobody(nobody: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """No configuration of the one who runs the tests counts, and no build takes its time."""
    monkeypatch.setattr(judges, "_APART_SECONDS", 0.0)


def rows(shop: Shop, branch: str) -> list[tuple[str, list[str]]]:
    """Returns the commits of a branch, the first one first: transform and changed files."""
    found = []
    for commit in shop.git("rev-list", "--reverse", f"main..{branch}").split():
        transform = shop.git("log", "-1", "--format=%(trailers:key=Dockopt-Transform,valueonly)",
                             commit).strip()  # fmt: skip
        named = shop.git("diff-tree", "-r", "--name-only", "--no-commit-id", commit)
        found.append((transform, named.split("\n")))
    return found


def file_of(shop: Shop, name: str, branch: str) -> str:
    return shop.show(f"{branch}:{name}") + "\n"


def merge(shop: Shop, branch: str) -> None:
    """Lets a person merge a branch into the main one."""
    shop.on(branch)
    shop.person.git("push", "-q", "origin", "HEAD:main")


def test_one_commit_has_both_files_of_a_change(server: ForgeServer, shop: Shop) -> None:
    shop.edit({".dockerignore": None})
    assert only(through(server)).action == "opened"
    ((branch, _),) = shop.branches.items()
    assert rows(shop, branch) == [
        ("ignore-noise", [".dockerignore"]),
        ("copy-manifests-first", [".dockerignore", "Dockerfile"]),
    ]
    assert file_of(shop, ".dockerignore", branch) == ".git\nnode_modules\n"
    assert file_of(shop, "Dockerfile", branch) == FIXED
    assert shop.git("ls-tree", branch, ".dockerignore").startswith("100644 blob")
    assert "`.dockerignore`" in server.pulls[0].body
    assert "FETCH" not in server.pulls[0].body
    writes = server.writes()
    assert only(through(server)).action == "unchanged"
    assert server.writes() == writes


def test_a_change_of_the_ignore_file_alone(server: ForgeServer, shop: Shop) -> None:
    shop.edit({".dockerignore": "node_modules", "Dockerfile": FIXED})
    assert only(through(server)).action == "opened"
    ((branch, _),) = shop.branches.items()
    assert rows(shop, branch) == [("ignore-noise", [".dockerignore"])]
    assert file_of(shop, ".dockerignore", branch) == "node_modules\n.git\n"
    assert only(through(server)).action == "unchanged"
    shop.person.git("checkout", "-q", "main")
    shop.edit({".dockerignore": "node_modules\n# none of our business\n"})
    assert only(through(server)).action == "updated"
    shop.edit({".dockerignore": "node_modules\n.git\n"})
    assert only(through(server)).action == "closed"


def test_two_that_share_one_stand_alone_and_settle(server: ForgeServer, shop: Shop) -> None:
    shop.edit(SHARED)
    assert [each.action for each in through(server).done] == ["opened", "opened"]
    for branch in shop.branches:
        assert [transform for transform, _ in rows(shop, branch)] == [
            "ignore-noise",
            "copy-manifests-first",
        ]
        assert file_of(shop, ".dockerignore", branch) == ".git\nnode_modules\n"
    assert [each.action for each in through(server).done] == ["unchanged", "unchanged"]
    first, second = shop.branches
    merge(shop, first)
    server.pulls[0].state = "merged"
    assert [each.action for each in through(server).done] == ["nothing", "updated"]
    assert rows(shop, second) == [("copy-manifests-first", ["Dockerfile.dev"])]
    assert file_of(shop, ".dockerignore", second) == ".git\nnode_modules\n"
    assert file_of(shop, "Dockerfile.dev", second) == FIXED_DEV
    assert [each.action for each in through(server).done] == ["nothing", "unchanged"]
    assert len(server.pulls) == 2


def test_one_for_all_changes_it_once(server: ForgeServer, shop: Shop, tmp_path: Path) -> None:
    shop.edit(SHARED)
    written = only(through(server, group=True, folder=tmp_path / "out"))
    assert only(through(server, group=True)).action == "opened"
    assert rows(shop, "dockopt/all") == [
        ("ignore-noise", [".dockerignore"]),
        ("copy-manifests-first", [".dockerignore", "Dockerfile"]),
        ("copy-manifests-first", ["Dockerfile.dev"]),
    ]
    assert file_of(shop, ".dockerignore", "dockopt/all") == ".git\nnode_modules\n"
    assert only(through(server, group=True)).action == "unchanged"
    patches = sorted(Path(written.detail).glob("*.patch"))
    shop.person.git("am", "-q", *map(str, patches))
    assert shop.person.git("rev-parse", "HEAD^{tree}") == shop.git(
        "rev-parse", "dockopt/all^{tree}"
    )


def test_contexts_in_folders_have_their_own(server: ForgeServer, shop: Shop) -> None:
    files = application("b/")
    del files["b/.dockerignore"]
    shop.edit({"Dockerfile": FIXED, **files})
    assert [each.action for each in through(server).done] == ["nothing", "opened"]
    ((branch, _),) = shop.branches.items()
    assert [names for _, names in rows(shop, branch)] == [["b/.dockerignore", "b/Dockerfile"]]


def test_an_ignore_file_behind_a_link(server: ForgeServer, shop: Shop) -> None:
    shop.edit({".dockerignore": None, "docker/ignore": "node_modules\n"})
    (shop.person.root / ".dockerignore").symlink_to("docker/ignore")
    shop.edit({})
    assert only(through(server)).action == "opened"
    ((branch, _),) = shop.branches.items()
    assert rows(shop, branch)[0] == ("ignore-noise", ["docker/ignore"])
    assert shop.git("ls-tree", branch, ".dockerignore").startswith("120000")
    assert file_of(shop, "docker/ignore", branch) == "node_modules\n.git\n"


def test_advice_alone_opens_nothing(server: ForgeServer, shop: Shop) -> None:
    text = FIXED.replace("slim\n", "slim AS lint\nRUN true\n\nFROM node:22-slim\n", 1)
    shop.edit({"Dockerfile": text})
    asked = Request(history=0, select=("drop-unreachable-stage",))
    found = only(through(server, request=asked))
    assert (found.action, server.pulls, shop.branches) == ("nothing", [], {})
    shop.edit({"Dockerfile": text.replace(FIXED[18:], DOCKERFILE[18:])})
    assert only(through(server)).action == "opened"
    assert "may-be-a-target" in server.pulls[0].body


@dataclass
class Engine:
    """Builds the same image of everything, but what ``fails``."""

    fails: Fails
    name: str = "pretended"
    run_command: tuple[str, ...] | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    orders: list[Order] = field(default_factory=list)

    def check(self) -> None: ...

    def build(self, order: Order, watch: Watch) -> Built:
        self.orders.append(order)
        watch(Progress())
        if self.fails(order):
            failed = Failed("error", "exit code: 1", "RUN npm ci", ("no",))
            return Built(None, None, 1.0, failed=failed)
        return Built(Image({}, {}), f"image:{len(self.orders)}", 1.0)

    def image_bytes(self, image: str) -> int | None:
        return 1000

    def remove(self, built: Built) -> None: ...


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Callable[[Fails], Engine]:
    def started(fails: Fails) -> Engine:
        found = Engine(fails)
        monkeypatch.setattr("optimizer.surfaces.verify._builder", lambda name: found)
        return found

    return started


def test_the_second_is_built_with_what_the_first_changed(
    server: ForgeServer, shop: Shop, engine: Callable[[Fails], Engine]
) -> None:
    shop.edit(SHARED)
    built = engine(lambda order: False)
    assert only(through(server, group=True, verify="yes")).action == "opened"
    assert len(rows(shop, "dockopt/all")) == 3
    ignores = {order.ignore for order in built.orders if order.dockerfile in (DEV, FIXED_DEV)}
    assert ignores == {".git\nnode_modules\n"}
    assert "Real builds have confirmed" in server.pulls[0].body
    assert only(through(server, group=True, verify="yes")).action == "unchanged"


def test_the_second_does_not_count_on_what_no_build_confirmed(
    server: ForgeServer, shop: Shop, engine: Callable[[Fails], Engine]
) -> None:
    shop.edit(SHARED)
    engine(lambda order: ".git" in (order.ignore or "") and order.dockerfile in (DOCKERFILE, FIXED))
    assert only(through(server, group=True, verify="yes")).action == "opened"
    assert rows(shop, "dockopt/all") == [
        ("copy-manifests-first", [".dockerignore", "Dockerfile"]),
        ("ignore-noise", [".dockerignore"]),
        ("copy-manifests-first", ["Dockerfile.dev"]),
    ]
    assert "build-broke-promise" in server.pulls[0].body


def test_fix_builds_the_second_with_what_is_left_of_the_first(
    shop: Shop, engine: Callable[[Fails], Engine]
) -> None:
    shop.edit(SHARED)
    built = engine(
        lambda order: ".git" in (order.ignore or "") and order.dockerfile in (DOCKERFILE, FIXED)
    )
    words = ("fix", "--verify", "--measure", "0", "--history", "0")
    done = dockopt(shop.person.root, *words)
    assert done.code == 0, done.err
    subprocess.run(["git", "apply", "-"], input=done.out, cwd=shop.person.root, check=True)
    assert (shop.person.root / ".dockerignore").read_text() == "node_modules\n.git\n"
    assert (shop.person.root / "Dockerfile.dev").read_text() == FIXED_DEV
    originals = [order.ignore for order in built.orders if order.dockerfile == DEV]
    assert {*originals} == {"node_modules\n"}
