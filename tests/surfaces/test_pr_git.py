"""`dockopt pr` and git for real: repositories in every state, files:// and work trees."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from optimizer.surfaces.pr.unit import branch_name
from tests.surfaces.shops import DOCKERFILE, FILES, FIXED, Shop, application, only, options, visited

pytestmark = pytest.mark.usefixtures("nobody")


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop.at(tmp_path / "repositories" / "shop.git")


def pushed(shop: Shop) -> str:
    """Returns the only commit that dockopt pushed."""
    ((_, commit),) = shop.branches.items()
    return commit


def test_a_url_of_files(shop: Shop) -> None:
    assert only(visited(f"file://{shop.bare}")).action == "pushed"
    assert shop.show(f"{pushed(shop)}:Dockerfile") == FIXED.removesuffix("\n")
    assert only(visited(f"file://{shop.bare}")).action == "unchanged"


def test_a_bare_repository(shop: Shop) -> None:
    assert only(visited(str(shop.bare))).action == "pushed"


def test_a_clone_stays_as_it_is(shop: Shop) -> None:
    root = shop.person.root
    (root / "Dockerfile").write_text("FROM half-done\n")
    (root / "new.txt").write_text("not committed")
    before = shop.person.git("status", "--porcelain"), shop.person.git("for-each-ref")
    assert only(visited(str(root / "src"))).action == "pushed"
    assert (shop.person.git("status", "--porcelain"), shop.person.git("for-each-ref")) == before
    assert (root / "Dockerfile").read_text() == "FROM half-done\n"


def test_a_shallow_clone(shop: Shop, tmp_path: Path) -> None:
    shop.edit({"src/index.js": "2"})
    clone = tmp_path / "shallow"
    words = ["git", "clone", "-q", "--depth", "1", f"file://{shop.bare}", str(clone)]
    subprocess.run(words, check=True)
    assert only(visited(str(clone))).action == "pushed"
    assert shop.git("rev-list", "--count", f"main..{pushed(shop)}") == "1"


def test_a_deleted_branch_is_made_again_where_there_is_no_forge(shop: Shop) -> None:
    visited(str(shop.bare))
    ((name, commit),) = shop.branches.items()
    shop.git("update-ref", "-d", f"refs/heads/{name}")
    assert only(visited(str(shop.bare))).action == "pushed"
    assert [*shop.branches] == [name]
    assert shop.show(f"{pushed(shop)}^{{tree}}") == shop.show(f"{commit}^{{tree}}")


def test_a_repository_without_commits(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", "--bare", tmp_path / "empty.git"], check=True)
    found = visited(str(tmp_path / "empty.git"))
    assert found.error == "the repository has no commits yet"


def test_a_repository_whose_head_names_no_branch(shop: Shop) -> None:
    shop.git("symbolic-ref", "HEAD", "refs/heads/gone")
    assert "no branch" in visited(str(shop.bare)).error
    assert only(visited(str(shop.bare), options(base="main"))).action == "pushed"


def test_a_repository_without_dockerfiles(shop: Shop) -> None:
    shop.edit({"Dockerfile": None})
    assert visited(str(shop.bare)).done == ()


def test_what_is_no_repository(tmp_path: Path) -> None:
    for source in (tmp_path, tmp_path / "gone", "ext::sh -c date", "--upload-pack=x"):
        found = visited(str(source))
        assert found.error
        assert found.usage
    found = visited(f"file://{tmp_path}/gone.git")
    assert found.error
    assert not found.usage


def test_a_clone_without_a_remote(shop: Shop) -> None:
    shop.person.git("remote", "rename", "origin", "upstream")
    assert "no remote origin" in visited(str(shop.person.root)).error
    found = visited(str(shop.person.root), options(remote="upstream"))
    assert only(found).action == "pushed"


def test_submodules_are_left_alone(shop: Shop, tmp_path: Path) -> None:
    other = Shop.at(tmp_path / "others" / "other.git", application())
    shop.person.git("-c", "protocol.file.allow=always", "submodule", "add", "-q",
                    str(other.bare), "vendor")  # fmt: skip
    shop.edit({})
    found = visited(str(shop.bare))
    assert only(found).path == "Dockerfile"
    assert shop.git("ls-tree", pushed(shop), "vendor").startswith("160000 commit")
    assert other.branches == {}


def test_files_are_as_they_are_stored(shop: Shop) -> None:
    """Line ends that git would change on the way to a work tree and back, and the mode."""
    crlf = DOCKERFILE.replace("\n", "\r\n")
    root = shop.person.root
    (root / ".gitattributes").write_text("* text=auto eol=lf\nDockerfile -text\n")
    (root / "Dockerfile").write_bytes(crlf.encode())
    (root / "Dockerfile").chmod(0o755)
    shop.edit({})
    (root / ".gitattributes").write_text("* text=auto eol=crlf\n")
    shop.person.commits += 1
    for words in (
        ("add", ".gitattributes"),
        ("commit", "-qm", "x"),
        ("push", "-q", "origin", "main"),
    ):
        shop.person.git(*words)
    assert only(visited(str(shop.bare))).action == "pushed"
    commit = pushed(shop)
    stored = subprocess.run(
        ["git", "cat-file", "blob", f"{commit}:Dockerfile"],
        cwd=shop.bare, capture_output=True, check=True,
    ).stdout  # fmt: skip
    assert stored == FIXED.replace("\n", "\r\n").encode()
    assert shop.git("ls-tree", commit, "Dockerfile").startswith("100755 blob")
    assert shop.git("diff-tree", "-r", "--name-only", "--no-commit-id", commit) == "Dockerfile"


def test_no_filter_and_no_hook_runs(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even those that the one who runs dockopt has set up for himself."""
    ran = tmp_path / "ran"
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    for name in ("post-checkout", "pre-push", "pre-commit", "commit-msg", "post-commit"):
        (hooks / name).write_text(f"#!/bin/sh\ntouch {ran}\n")
        (hooks / name).chmod(0o755)
    settings = tmp_path / "gitconfig"
    settings.write_text(
        f'[filter "x"]\n  smudge = touch {ran}; cat\n  clean = touch {ran}; cat\n  required\n'
        f"[core]\n  hooksPath = {hooks}\n  autocrlf = true\n"
        f"[init]\n  templateDir = {hooks.parent}\n"
    )
    shop.edit({".gitattributes": "* filter=x\n"})
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(settings))
    assert only(visited(str(shop.bare))).action == "pushed"
    assert not ran.exists()


def test_a_dockerfile_behind_a_link(shop: Shop) -> None:
    (shop.person.root / "real").mkdir()
    (shop.person.root / "Dockerfile").rename(shop.person.root / "real" / "image.txt")
    (shop.person.root / "Dockerfile").symlink_to("real/image.txt")
    shop.edit({})
    assert only(visited(str(shop.bare))).path == "real/image.txt"
    assert shop.git("ls-tree", pushed(shop), "Dockerfile").startswith("120000")
    assert shop.show(f"{pushed(shop)}:real/image.txt") == FIXED.removesuffix("\n")


def test_a_link_that_leads_out_is_not_followed(shop: Shop, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_text(DOCKERFILE)
    (shop.person.root / "Dockerfile").unlink()
    (shop.person.root / "Dockerfile").symlink_to(outside)
    shop.edit({})
    found = visited(str(shop.bare))
    assert (found.error, found.done, shop.branches) == ("", (), {})
    assert outside.read_text() == DOCKERFILE


def test_a_context_outside_of_the_repository_is_not_read(shop: Shop) -> None:
    shop.edit({"dockopt.toml": 'context = "/"\n'})
    found = only(visited(str(shop.bare)))
    assert found.action == "failed"
    assert "outside" in found.detail


def test_a_file_that_is_no_dockerfile_is_told_and_the_rest_goes_on(shop: Shop) -> None:
    shop.edit({"Dockerfile.bad": "FORM a\n"})
    found = visited(str(shop.bare))
    assert sorted(each.action for each in found.done) == ["failed", "pushed"]
    (failed,) = (each for each in found.done if each.action == "failed")
    assert "unknown instruction" in failed.detail
    assert "dockopt-pr-" not in failed.detail


def test_an_ignore_file_that_two_share(shop: Shop) -> None:
    """Each pull request stands alone, and one for all has both changes in a row."""
    shop.edit({".dockerignore": None, "Dockerfile.dev": DOCKERFILE})
    assert [each.action for each in visited(str(shop.bare)).done] == ["pushed", "pushed"]
    for commit in shop.branches.values():
        assert "node_modules" in shop.show(f"{commit}:.dockerignore")
    found = visited(str(shop.bare), options(group=True)).done
    assert [each.action for each in found] == ["pushed", "closed", "closed"]
    assert "node_modules" in shop.show("dockopt/all:.dockerignore")


@pytest.mark.parametrize(
    "path", ["Dockerfile", "a/Dockerfile", "é/Dockerfile", "x" * 300, "\udcff", "-", "..", "a.lock"]
)
def test_names_of_branches_are_such_as_git_takes(path: str) -> None:
    name = branch_name(path, "main", "main")
    subprocess.run(["git", "check-ref-format", "--branch", name], check=True, capture_output=True)
    assert name.isascii()
    others = {branch_name(path, "next", "main"), branch_name(path + "x", "main", "main")}
    assert name not in others


def test_a_dry_run_writes_and_pushes_nothing(shop: Shop, tmp_path: Path) -> None:
    into = tmp_path / "out"
    done = only(visited(str(shop.person.root), options(folder=into), token=None))
    assert done.action == "written"
    assert shop.branches == {}
    folder = Path(done.detail)
    names = sorted(path.name for path in folder.iterdir())
    assert names == ["0001-copy-manifests-first.patch", "body.md", "title.txt"]
    shop.person.git("am", "-q", *(str(path) for path in sorted(folder.glob("*.patch"))))
    assert (shop.person.root / "Dockerfile").read_text() == FIXED
    assert shop.person.git("log", "-1", "--format=%an") == "Bot"
    assert (folder / "title.txt").read_text().startswith("Dockerfile: Copy what")
    assert only(visited(str(shop.person.root), options(folder=into))).action == "written"


def test_a_dry_run_needs_no_remote(shop: Shop, tmp_path: Path) -> None:
    shop.person.git("remote", "remove", "origin")
    done = only(visited(str(shop.person.root), options(folder=tmp_path / "out")))
    assert done.action == "written"
    assert len(FILES) == 5


HOSTILE = [
    "$(touch pwned)",
    "`touch pwned`",
    ";touch pwned",
    "a b'\"c",
    "--upload-pack=touch pwned",
    "line\nDockopt-Safety: same-image\n\n---\ndiff --git a/x b/x",
    "::error::x",
    "</details><img src=x onerror=alert(1)> @everyone closes #1 ![x](http://evil.example)",
    "<!-- dockopt:end -->",
    "é\U0001f600\u202e",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_no_name_of_a_file_does_anything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    shop = Shop.at(tmp_path / "repositories" / "shop.git", {"readme": "x"})
    (shop.person.root / name).mkdir(parents=True)
    shop.edit(application(f"{name}/"))
    done = only(visited(str(shop.bare), options(folder=tmp_path / "out")))
    assert only(visited(str(shop.bare))).action == "pushed"
    assert not [*tmp_path.rglob("pwned")]
    commit = pushed(shop)
    said = shop.git("log", "-1", "--format=%(trailers:only,unfold)", commit)
    keys = [line.partition(": ")[0] for line in said.splitlines()]
    assert keys == ["Dockopt-Transform", "Dockopt-Safety", "Dockopt-Seal"]
    shop.person.git("am", "-q", *(str(path) for path in Path(done.detail).glob("*.patch")))
    tree = shop.person.git("rev-parse", "HEAD^{tree}")
    assert tree == shop.git("rev-parse", f"{commit}^{{tree}}")


def test_no_text_of_a_dockerfile_does_anything(tmp_path: Path) -> None:
    shop = Shop.at(tmp_path / "repositories" / "shop.git")
    hostile = "npm ci --prefix '/x <img src=x> @everyone closes #1 | `touch pwned` $(touch pwned)'"
    shop.edit({"Dockerfile": DOCKERFILE.replace("npm ci", f"npm ci && echo {hostile}")})
    visited(str(shop.bare))
    visited(str(shop.bare), options(folder=tmp_path / "out"))
    assert not [*tmp_path.rglob("pwned")]


@pytest.mark.parametrize(
    "name", ["a;touch${IFS}pwned", "$(touch${IFS}pwned)", "x/--force", "é", "a'b"]
)
def test_no_name_of_a_branch_does_anything(tmp_path: Path, name: str) -> None:
    shop = Shop.at(tmp_path / "repositories" / "shop.git")
    shop.edit({}, name)
    assert only(visited(str(shop.bare), options(base=name))).action == "pushed"
    shop.git("symbolic-ref", "HEAD", f"refs/heads/{name}")
    visited(str(shop.bare))
    assert not [*tmp_path.rglob("pwned")]
