"""`dockopt pr` against a forge of ours and git's own HTTP server: what a second run finds."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from optimizer.forge.connect import Wanted
from optimizer.journal import Outcome
from optimizer.surfaces.pr import clone as clones
from tests.forge.server import APIS, TOKEN, Fault, ForgeServer, forge_server
from tests.surfaces.shops import (
    DOCKERFILE,
    FIXED,
    Shop,
    application,
    only,
    options,
    through,
    visited,
)

pytestmark = pytest.mark.usefixtures("nobody")


def branch_of(shop: Shop) -> tuple[str, str]:
    ((name, commit),) = shop.branches.items()
    return name, commit


@pytest.mark.parametrize("kind", sorted(APIS))
def test_the_first_run_opens_one_and_the_second_leaves_it(tmp_path: Path, kind: str) -> None:
    with forge_server(tmp_path / "repositories", kind) as server:
        shop = Shop.at(server.bare)
        first = only(through(server))
        assert first.action == "opened"
        (pull,) = server.pulls
        name, commit = branch_of(shop)
        assert (pull.head, pull.base, first.url) == (
            name,
            "main",
            f"{server.web}/team/shop/pulls/1",
        )
        assert shop.show(f"{commit}:Dockerfile") == FIXED.removesuffix("\n")
        assert shop.git("rev-list", "--count", f"main..{name}") == "1"
        assert "Predicted" in pull.body
        writes = server.writes()
        assert only(through(server)).action == "unchanged"
        assert server.writes() == writes
        assert branch_of(shop) == (name, commit)


def test_a_commit_says_which_transform_made_it_and_what_it_promises(
    server: ForgeServer, shop: Shop
) -> None:
    through(server, signs_off=True)
    _, commit = branch_of(shop)
    said = shop.git("log", "-1", "--format=%an <%ae>|%cn|%s|%(trailers:only,unfold)", commit)
    author, committer, subject, trailers = said.split("|")
    assert (author, committer) == ("Bot <bot@example.com>", "Bot")
    assert subject == "Copy what `npm ci` reads before the sources"
    keys = [line.partition(": ")[0] for line in trailers.splitlines()]
    assert keys == ["Dockopt-Transform", "Dockopt-Safety", "Signed-off-by", "Dockopt-Seal"]
    assert "Signed-off-by: Bot <bot@example.com>" in trailers


def test_a_commit_to_the_base_that_leaves_the_file_alone_pushes_nothing(
    server: ForgeServer, shop: Shop
) -> None:
    through(server)
    before = branch_of(shop)
    shop.edit({"src/index.js": "1"})
    assert only(through(server)).action == "unchanged"
    assert branch_of(shop) == before


def test_a_dockerfile_that_changed_updates_the_same_one(server: ForgeServer, shop: Shop) -> None:
    through(server)
    before = branch_of(shop)
    main = shop.edit({"Dockerfile": DOCKERFILE.replace("/app", "/srv")})
    assert only(through(server)).action == "updated"
    after = branch_of(shop)
    assert before[0] == after[0]
    assert shop.git("rev-parse", f"{after[1]}^") == main
    assert len(server.pulls) == 1
    assert only(through(server)).action == "unchanged"


def test_what_people_wrote_into_the_text_stays(server: ForgeServer, shop: Shop) -> None:
    through(server)
    (pull,) = server.pulls
    pull.body = f"Mine above.\r\n{pull.body}\r\nMine below."
    shop.edit({"Dockerfile": DOCKERFILE.replace("RUN --", "RUN  --")})
    assert only(through(server)).action == "updated"
    assert pull.body.startswith("Mine above.")
    assert pull.body.endswith("Mine below.")
    assert pull.body.count("dockopt:begin") == 1
    pull.body = pull.body.replace("\n", "\r\n")
    assert only(through(server)).action == "unchanged"


def test_a_title_that_a_person_gave_stays(server: ForgeServer, shop: Shop) -> None:
    through(server)
    ours = server.pulls[0].title
    server.pulls[0].title = "build: cache npm ci"
    shop.edit({"Dockerfile": DOCKERFILE.replace("RUN --", "RUN  --")})
    assert only(through(server)).action == "updated"
    assert server.pulls[0].title == "build: cache npm ci"
    assert only(through(server)).action == "unchanged"
    server.pulls[0].title = ours
    assert only(through(server)).action == "unchanged"


def test_an_emptied_text_gets_ours_again(server: ForgeServer, shop: Shop) -> None:
    through(server)
    server.pulls[0].body = "I took it all out."
    through(server)
    assert server.pulls[0].body.startswith("I took it all out.")
    assert server.pulls[0].body.count("dockopt:begin") == 1


def on_top(shop: Shop, name: str) -> None:
    shop.on(name)
    shop.edit({"notes.txt": "mine"}, name)


def amended(shop: Shop, name: str) -> None:
    shop.on(name)
    (shop.person.root / "Dockerfile").write_text("FROM scratch\n")
    shop.person.git("commit", "-q", "-a", "--amend", "--no-edit")
    shop.person.git("push", "-q", "--force", "origin", f"HEAD:refs/heads/{name}")


def reworded(shop: Shop, name: str) -> None:
    shop.on(name)
    text = shop.person.git("log", "-1", "--format=%B").replace("npm", "pnpm", 1)
    shop.person.git("commit", "-q", "--amend", "-m", text)
    shop.person.git("push", "-q", "--force", "origin", f"HEAD:refs/heads/{name}")


def merged_the_base_in(shop: Shop, name: str) -> None:
    shop.person.git("checkout", "-q", "-B", "work", "main")
    shop.edit({"src/index.js": "2"})
    shop.on(name)
    shop.person.git("merge", "-q", "--no-edit", "origin/main")
    shop.person.git("push", "-q", "origin", f"HEAD:refs/heads/{name}")


def rebased(shop: Shop, name: str) -> None:
    shop.edit({"src/index.js": "3"})
    shop.on(name)
    shop.person.git("rebase", "-q", "origin/main")
    shop.person.git("push", "-q", "--force", "origin", f"HEAD:refs/heads/{name}")


@pytest.mark.parametrize("work", [on_top, amended, reworded, merged_the_base_in, rebased])
def test_the_work_of_people_is_never_overwritten(
    server: ForgeServer, shop: Shop, work: Callable[[Shop, str], None]
) -> None:
    through(server)
    work(shop, branch_of(shop)[0])
    before = branch_of(shop)
    shop.person.git("checkout", "-q", "-B", "main", "origin/main")
    shop.edit({"Dockerfile": DOCKERFILE.replace("/app", "/srv")})
    body = server.pulls[0].body
    found = only(through(server))
    assert (found.action, found.url) == ("left-alone", f"{server.web}/team/shop/pulls/1")
    assert branch_of(shop) == before
    assert (server.pulls[0].state, server.pulls[0].body) == ("open", body)
    shop.edit({"Dockerfile": FIXED})
    assert only(through(server)).action == "left-alone"
    assert branch_of(shop) == before
    assert server.pulls[0].state == "open"


def test_a_base_that_was_rewritten_gets_a_branch_of_its_own_again(
    server: ForgeServer, shop: Shop
) -> None:
    shop.edit({"secret.txt": "x"})
    through(server)
    shop.person.git("reset", "-q", "--hard", "HEAD^")
    main = shop.edit({"other.txt": "y"})
    assert only(through(server)).action == "updated"
    _, commit = branch_of(shop)
    assert shop.git("rev-parse", f"{commit}^") == main
    assert "secret.txt" not in shop.git("ls-tree", "-r", "--name-only", commit)
    assert len(server.pulls) == 1


def test_closed_by_a_person_is_a_no_until_the_dockerfile_changes(
    server: ForgeServer, shop: Shop
) -> None:
    through(server)
    server.pulls[0].state = "closed"
    before = branch_of(shop)
    found = only(through(server))
    assert found.action == "left-alone"
    assert "closed" in found.detail
    shop.edit({"src/index.js": "4"})
    assert only(through(server)).action == "left-alone"
    assert (len(server.pulls), branch_of(shop)) == (1, before)
    shop.edit({"Dockerfile": DOCKERFILE.replace("/app", "/srv")})
    assert only(through(server)).action == "opened"
    assert [each.state for each in server.pulls] == ["closed", "open"]


def test_a_no_whose_text_is_gone_stays_a_no(server: ForgeServer, shop: Shop) -> None:
    through(server)
    server.pulls[0].state, server.pulls[0].body = "closed", ""
    shop.edit({"Dockerfile": DOCKERFILE.replace("/app", "/srv")})
    assert only(through(server)).action == "left-alone"
    assert len(server.pulls) == 1


def test_a_deleted_branch_with_a_closed_request_is_a_no(server: ForgeServer, shop: Shop) -> None:
    through(server)
    name, _ = branch_of(shop)
    shop.git("update-ref", "-d", f"refs/heads/{name}")
    server.pulls[0].state = "closed"
    assert only(through(server)).action == "left-alone"
    assert shop.branches == {}


def test_a_merged_one_leaves_room_for_the_next(server: ForgeServer, shop: Shop) -> None:
    through(server)
    _, commit = branch_of(shop)
    shop.person.git("fetch", "-q", "origin")
    shop.person.git("merge", "-q", "--ff-only", commit)
    shop.person.git("push", "-q", "origin", "HEAD:main")
    server.pulls[0].state = "merged"
    assert only(through(server)).action == "nothing"
    shop.edit({"Dockerfile": DOCKERFILE.replace("/app", "/srv")})
    assert only(through(server)).action == "opened"
    assert [each.state for each in server.pulls] == ["merged", "open"]


def test_where_nothing_is_left_it_is_closed_and_may_come_back(
    server: ForgeServer, shop: Shop
) -> None:
    through(server)
    shop.edit({"Dockerfile": FIXED})
    assert only(through(server)).action == "closed"
    assert server.pulls[0].state == "closed"
    assert "closed this pull request" in server.pulls[0].body
    assert shop.branches == {}
    assert only(through(server)).action == "nothing"
    shop.edit({"Dockerfile": DOCKERFILE})
    assert only(through(server)).action == "opened"
    assert [each.state for each in server.pulls] == ["closed", "open"]


def test_where_the_dockerfile_is_gone_it_is_closed(server: ForgeServer, shop: Shop) -> None:
    shop.edit(application("b/"))
    through(server)
    assert len(server.open_pulls()) == 2
    shop.edit({"Dockerfile": None})
    assert sorted(each.action for each in through(server).done) == ["closed", "unchanged"]
    assert [each.title[:13] for each in server.open_pulls()] == ["b/Dockerfile:"]
    assert len(shop.branches) == 1


def test_one_for_each_dockerfile_or_one_for_all(server: ForgeServer, shop: Shop) -> None:
    shop.edit(application("b/"))
    assert [each.action for each in through(server).done] == ["opened", "opened"]
    found = through(server, group=True).done[0]
    assert found.action == "opened"
    assert shop.git("rev-list", "--count", "main..dockopt/all") == "2"
    assert len(server.pulls) == 3
    assert only(through(server, group=True)).action == "unchanged"


def test_where_the_last_dockerfile_of_all_is_gone_it_is_closed(
    server: ForgeServer, shop: Shop
) -> None:
    through(server, group=True)
    shop.edit({"Dockerfile": None})
    assert only(through(server, group=True)).action == "closed"
    assert "nothing to change" in server.pulls[0].body
    assert (shop.branches, server.open_pulls()) == ({}, [])
    assert through(server, group=True).done == ()


def test_one_for_all_takes_the_place_of_those_for_each_and_back(
    server: ForgeServer, shop: Shop
) -> None:
    shop.edit(application("b/"))
    assert [each.action for each in through(server).done] == ["opened", "opened"]
    found = through(server, group=True).done
    assert [each.action for each in found] == ["opened", "closed", "closed"]
    assert [each.head for each in server.open_pulls()] == ["dockopt/all"]
    assert "in another pull request now" in server.pulls[0].body
    assert list(shop.branches) == ["dockopt/all"]
    assert only(through(server, group=True)).action == "unchanged"
    found = through(server).done
    assert sorted(each.action for each in found) == ["closed", "opened", "opened"]
    assert len(server.open_pulls()) == len(shop.branches) == 2
    assert "dockopt/all" not in shop.branches


def test_those_for_each_stay_where_people_refused_the_one_for_all(
    server: ForgeServer, shop: Shop
) -> None:
    through(server, group=True)
    server.pulls[0].state = "closed"
    shop.git("branch", "-D", "dockopt/all")
    assert only(through(server)).action == "opened"
    assert only(through(server, group=True)).action == "left-alone"
    assert [each.head != "dockopt/all" for each in server.open_pulls()] == [True]


def test_the_one_for_all_stays_where_one_of_them_cannot_be_read(
    server: ForgeServer, shop: Shop
) -> None:
    shop.edit(application("b/"))
    through(server, group=True)
    shop.edit({"b/Dockerfile": "FROM\n"})
    assert sorted(each.action for each in through(server).done) == ["failed", "opened"]
    assert server.open_pulls()[0].head == "dockopt/all"


def test_another_base_has_branches_of_its_own(server: ForgeServer, shop: Shop) -> None:
    shop.edit({"src/index.js": "5"}, "release")
    through(server)
    assert only(through(server, base="release")).action == "opened"
    assert [each.base for each in server.pulls] == ["main", "release"]
    assert len(shop.branches) == 2
    gone = through(server, base="gone")
    assert gone.usage
    assert "no branch gone" in gone.error


def test_a_branch_that_the_server_protects_opens_nothing(server: ForgeServer, shop: Shop) -> None:
    hook = shop.bare / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho no bots here >&2\nexit 1\n")
    hook.chmod(0o755)
    found = through(server)
    assert only(found).action == "failed"
    assert "pre-receive hook declined" in only(found).detail
    assert found.failed
    assert (server.pulls, shop.branches) == ([], {})


def test_a_dry_run_asks_the_forge_nothing(server: ForgeServer, shop: Shop, tmp_path: Path) -> None:
    assert only(through(server, folder=tmp_path / "out")).action == "written"
    assert (server.requests, shop.branches) == ([], {})
    server.open_to_all = True
    asked = options(folder=tmp_path / "other", wanted=Wanted("github", server.api))
    assert only(visited(server.address, asked, token=None)).action == "written"


def test_who_is_not_let_in_is_told(server: ForgeServer, shop: Shop) -> None:
    found = visited(server.address, options(), token=None)
    assert found.error
    assert "could not read Username" in found.error or "Authentication" in found.error


class Killed(BaseException):
    """The end of a process, at one point of it."""


POINTS = [("push", False), ("push", True), ("POST", False), ("POST", True), ("PATCH", False),
          ("PATCH", True)]  # fmt: skip


@pytest.mark.parametrize(("point", "late"), POINTS)
def test_a_run_that_was_killed_is_continued(
    server: ForgeServer, shop: Shop, monkeypatch: pytest.MonkeyPatch, point: str, late: bool
) -> None:
    from optimizer.forge.session import Session

    if point == "PATCH":
        through(server)
        shop.edit({"Dockerfile": DOCKERFILE.replace("/app", "/srv")})
    original = clones.Clone.push if point == "push" else Session._once

    def dies(*words: object, **named: object) -> None:
        if point not in ("push", *words):
            return original(*words, **named)  # type: ignore[arg-type, return-value]
        if late:
            original(*words, **named)  # type: ignore[arg-type]
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(clones.Clone if point == "push" else Session,
                        "push" if point == "push" else "_once", dies)  # fmt: skip
        with pytest.raises(Killed):
            through(server)
    through(server)
    assert len(server.pulls) == len(server.open_pulls()) == len(shop.branches) == 1
    _, commit = branch_of(shop)
    main = shop.git("rev-parse", "main")
    assert shop.git("rev-parse", f"{commit}^") == main
    writes = server.writes()
    assert only(through(server)).action == "unchanged"
    assert server.writes() == writes


def test_a_process_that_is_killed_leaves_nothing_half(server: ForgeServer, shop: Shop) -> None:
    """The forge ends the process itself, before it answers."""
    words = ["pr", server.address, "--no-verify", "--history", "0", "--forge", "github", "--api",
             server.api]  # fmt: skip
    environment = {**os.environ, "DOCKOPT_TOKEN": TOKEN}
    server.faults.append(Fault("POST", "", late=True))
    process = subprocess.Popen(
        [sys.executable, "-m", "optimizer", *words], env=environment,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    while not any(method == "POST" for method, _ in server.requests):
        assert process.poll() is None
    process.kill()
    out, err = process.communicate()
    assert TOKEN.encode() not in out + err
    through(server)
    assert len(server.pulls) == len(shop.branches) == 1


def test_two_runs_at_once_do_not_overwrite_each_other(
    server: ForgeServer, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = clones.Clone.push

    def somebody_was_faster(clone: clones.Clone, branch: str, commit: str, expected: str) -> None:
        monkeypatch.setattr(clones.Clone, "push", original)
        shop.edit({"notes.txt": "mine"}, branch)
        original(clone, branch, commit, expected)

    monkeypatch.setattr(clones.Clone, "push", somebody_was_faster)
    found = only(through(server))
    assert found.action == "failed"
    assert "stale info" in found.detail
    assert server.pulls == []


def nothing_left(*words: object) -> Outcome:
    outcome = next(each for each in words if isinstance(each, Outcome))
    return Outcome(outcome.path, outcome.contexts, outcome.before, outcome.before)


def breaks(*words: object) -> Outcome:
    from optimizer.verify.builders import EngineFault

    raise EngineFault("the engine went away", "start it")


@pytest.mark.parametrize(("judge", "error"), [(nothing_left, ""), (breaks, "the engine went away")])
def test_nothing_is_pushed_that_no_build_confirmed(
    server: ForgeServer,
    shop: Shop,
    monkeypatch: pytest.MonkeyPatch,
    judge: Callable[..., Outcome],
    error: str,
) -> None:
    monkeypatch.setattr("optimizer.surfaces.verify.missing", lambda engine: None)
    monkeypatch.setattr("optimizer.surfaces.verify.confirmed", judge)
    assert through(server, verify="auto").error == error
    assert (server.pulls, shop.branches) == ([], {})
    through(server)
    shop.edit({"Dockerfile": DOCKERFILE.replace("/app", "/srv")})
    before = branch_of(shop)
    through(server, verify="auto")
    assert branch_of(shop) == before
    assert server.pulls[0].state == "open"


def test_an_engine_that_goes_away_leaves_what_was_done(
    server: ForgeServer, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.edit(application("b/"))

    def confirms_the_first(*words: object) -> Outcome:
        outcome = next(each for each in words if isinstance(each, Outcome))
        return outcome if outcome.path == "Dockerfile" else breaks()

    monkeypatch.setattr("optimizer.surfaces.verify.missing", lambda engine: None)
    monkeypatch.setattr("optimizer.surfaces.verify.confirmed", confirms_the_first)
    found = through(server, verify="auto")
    assert [(each.path, each.action) for each in found.done] == [("Dockerfile", "opened")]
    assert found.error == "the engine went away"
    assert len(shop.branches) == 1


def test_an_engine_that_is_asked_for_has_to_be_there(
    server: ForgeServer, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    from optimizer.verify.builders import EngineFault

    fault = EngineFault("there is no engine", "get one")
    monkeypatch.setattr("optimizer.surfaces.verify.missing", lambda engine: fault)
    found = through(server, verify="yes")
    assert (found.error, found.remedy) == (fault.what, fault.remedy)
    assert shop.branches == {}
    assert only(through(server, verify="auto")).action == "opened"
    assert "no engine" in server.pulls[0].body


def test_nothing_is_built_where_that_is_not_wanted(
    server: ForgeServer, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("optimizer.surfaces.verify.missing", breaks)
    monkeypatch.setattr("optimizer.surfaces.verify.confirmed", breaks)
    assert only(through(server, verify="no")).action == "opened"
    assert "No build has confirmed this" in server.pulls[0].body


@pytest.mark.parametrize("point", ["labels", "requested_reviewers"])
def test_a_run_that_dies_before_it_labels_is_continued(
    server: ForgeServer, shop: Shop, point: str
) -> None:
    from optimizer.surfaces.pr.publish import Looks

    looks = Looks(labels=("docker",), reviewers=("ann",))
    server.faults.append(Fault("POST", point, 403))
    assert only(through(server, looks=looks)).action == "failed"
    assert only(through(server, looks=looks)).action == "updated"
    (pull,) = server.pulls
    assert ({*pull.labels}, pull.reviewers) == ({"docker"}, ["ann"])
    pull.labels = []
    assert only(through(server, looks=looks)).action == "unchanged"
    assert pull.labels == []


@pytest.mark.parametrize("kind", sorted(APIS))
def test_labels_and_reviewers_are_peoples_once_it_is_open(tmp_path: Path, kind: str) -> None:
    from optimizer.surfaces.pr.publish import Looks

    looks = Looks(labels=("docker",), reviewers=("ann",))
    with forge_server(tmp_path / "repositories", kind) as server:
        shop = Shop.at(server.bare)
        through(server, looks=looks)
        (pull,) = server.pulls
        assert (len(pull.labels), len(pull.reviewers)) == (1, 1)
        pull.labels, pull.reviewers = [], []
        shop.edit({"Dockerfile": DOCKERFILE.replace("/app", "/srv")})
        assert only(through(server, looks=looks)).action == "updated"
        assert (pull.labels, pull.reviewers) == ([], [])


def test_an_existing_label_is_needed_on_gitea(tmp_path: Path) -> None:
    from optimizer.surfaces.pr.publish import Looks

    with forge_server(tmp_path / "repositories", "gitea") as server:
        Shop.at(server.bare)
        looks = Looks(labels=("gone",))
        for _ in range(2):
            found = only(through(server, looks=looks))
            assert found.action == "failed"
            assert "no label gone" in found.detail
        server.labels["gone"] = 9
        assert only(through(server, looks=looks)).action == "updated"
        assert server.pulls[0].labels == [9]
        assert only(through(server, looks=looks)).action == "unchanged"


def test_a_forge_that_fails_is_told_and_the_rest_goes_on(server: ForgeServer, shop: Shop) -> None:
    shop.edit(application("b/"))
    server.faults += [Fault("POST", "", 403, body='{"message": "Resource not accessible"}')]
    found = through(server)
    assert [each.action for each in found.done] == ["failed", "opened"]
    assert "Resource not accessible" in found.done[0].detail
    assert [each.action for each in through(server).done] == ["opened", "unchanged"]
