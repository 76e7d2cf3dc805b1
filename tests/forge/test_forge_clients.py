"""The clients of the forges, against a server that speaks their documented APIs."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from optimizer.forge.address import read_address
from optimizer.forge.connect import Access, forge, owner
from optimizer.forge.forge import Draft, Forge, ForgeFault
from optimizer.forge.session import LONGEST_WAIT, TRIES, Refused, Session, Unclear
from tests.forge.server import APIS, TOKEN, Fault, ForgeServer, Pull, forge_server

DRAFT = Draft("dockopt/x", "main", "A title", "A text")


@dataclass
class Clock:
    """Time that passes while somebody sleeps."""

    now: float = 1_000_000.0
    slept: list[float] = field(default_factory=list)

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@dataclass
class Case:
    server: ForgeServer
    forge: Forge
    clock: Clock


@pytest.fixture(scope="module")
def repositories(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with the branches that pull requests lead between."""
    root = tmp_path_factory.mktemp("repositories")
    bare = root / "team" / "shop.git"
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", bare], check=True)
    tree = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
    words = ["git", "-c", "user.name=a", "-c", "user.email=a@example.com", "commit-tree", tree]
    subprocess.run(["git", "hash-object", "-w", "-t", "tree", "/dev/null"], cwd=bare, check=True)
    commit = subprocess.run(
        [*words, "-m", "x"], cwd=bare, check=True, capture_output=True, text=True
    ).stdout.strip()
    for branch in ("main", "dockopt/x", "dockopt/y"):
        subprocess.run(["git", "update-ref", f"refs/heads/{branch}", commit], cwd=bare, check=True)
    return root


@pytest.fixture(params=sorted(APIS))
def case(request: pytest.FixtureRequest, repositories: Path) -> Iterator[Case]:
    with forge_server(repositories, request.param) as server:
        yield connected(server)


@pytest.fixture
def github(repositories: Path) -> Iterator[Case]:
    with forge_server(repositories, "github") as server:
        yield connected(server)


def connected(server: ForgeServer) -> Case:
    clock = Clock()
    found = Access(server.kind, server.api, TOKEN)  # type: ignore[arg-type]
    speaks = forge(found, read_address(server.address), clock=clock, sleep=clock.sleep)
    return Case(server, speaks, clock)


def test_from_opening_to_closing(case: Case) -> None:
    assert case.forge.newest("dockopt/x", "main") is None
    opened = case.forge.open(DRAFT)
    assert (opened.number, opened.state, opened.title, opened.body) == (
        1, "open", "A title", "A text",
    )  # fmt: skip
    assert case.forge.newest("dockopt/x", "main") == opened
    assert case.forge.newest("dockopt/y", "main") is None
    assert case.forge.newest("dockopt/x", "next") is None
    case.forge.update(1, "Another", "Other")
    updated = case.forge.newest("dockopt/x", "main")
    assert updated is not None
    assert (updated.title, updated.body) == ("Another", "Other")
    case.forge.close(1, "Closed")
    closed = case.forge.newest("dockopt/x", "main")
    assert closed is not None
    assert (closed.state, closed.body) == ("closed", "Closed")


def test_merged_is_not_closed(case: Case) -> None:
    case.forge.open(DRAFT)
    case.server.pulls[0].state = "merged"
    found = case.forge.newest("dockopt/x", "main")
    assert found is not None
    assert found.state == "merged"


def test_the_open_one_counts_before_a_newer_closed_one(case: Case) -> None:
    case.server.pulls += [
        Pull(1, "first", "", "dockopt/x", "main"),
        Pull(2, "second", "", "dockopt/x", "main", "closed"),
    ]
    found = case.forge.newest("dockopt/x", "main")
    assert found is not None
    assert found.number == 1


def test_what_stands_on_a_later_page_is_found(case: Case) -> None:
    case.server.page = 2
    case.server.pulls += [
        Pull(number, "x", "", "dockopt/x" if number < 6 else "dockopt/y", "main",
             "open" if number == 1 else "closed")
        for number in range(1, 12)
    ]  # fmt: skip
    found = case.forge.newest("dockopt/x", "main")
    assert found is not None
    assert (found.number, found.state) == (1, "open")


def test_one_from_a_fork_is_somebody_elses(case: Case) -> None:
    case.server.pulls.append(Pull(1, "theirs", "", "dockopt/x", "main", is_from_fork=True))
    assert case.forge.newest("dockopt/x", "main") is None


def test_drafts_labels_and_reviewers(case: Case) -> None:
    reviewers = ("ann",) if case.server.kind != "github" else ("ann", "team/docker")
    draft = Draft("dockopt/x", "main", "A title", "A text", True, ("docker", "bot"), reviewers)
    opened = case.forge.open(draft)
    case.forge.dress(opened.number, draft)
    (pull,) = case.server.pulls
    expected = {
        "github": (["docker", "bot"], ["ann", "docker"], "A title"),
        "gitlab": (["docker", "bot"], [41], "Draft: A title"),
        "gitea": ([7, 8], ["ann"], "WIP: A title"),
    }
    assert (pull.labels, pull.reviewers, pull.title) == expected[case.server.kind]
    assert opened.title == "A title"
    case.forge.update(1, "Another", "Other")
    assert pull.title == expected[case.server.kind][2].replace("A title", "Another")


def test_one_that_is_open_already_is_the_answer(case: Case) -> None:
    first = case.forge.open(DRAFT)
    assert case.forge.open(DRAFT) == first
    assert len(case.server.pulls) == 1


def test_a_branch_that_is_not_there_is_refused(case: Case) -> None:
    with pytest.raises(Refused) as caught:
        case.forge.open(Draft("gone", "main", "x", "x"))
    assert caught.value.status == 422


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_what_may_be_repeated_is_repeated(case: Case, status: int) -> None:
    case.forge.open(DRAFT)
    for method in ("GET", "PATCH", "PUT"):
        case.server.faults += [Fault(method, "", status), Fault(method, "")]
    case.forge.update(1, "Another", "Other")
    assert case.server.pulls[0].title == "Another"
    assert case.forge.newest("dockopt/x", "main") is not None
    assert all(seconds <= 60 for seconds in case.clock.slept)


def test_an_answer_that_does_not_come_opens_no_second_one(case: Case) -> None:
    case.server.faults.append(Fault("POST", "", late=True))
    assert case.forge.open(DRAFT).number == 1
    assert len(case.server.pulls) == 1


def test_a_request_that_did_not_arrive_is_told(case: Case) -> None:
    case.server.faults.append(Fault("POST", ""))
    with pytest.raises(Unclear):
        case.forge.open(DRAFT)
    assert case.server.pulls == []
    case.server.faults.append(Fault("POST", "", 502))
    with pytest.raises(Unclear):
        case.forge.open(DRAFT)
    assert case.forge.open(DRAFT).number == 1


def test_tries_come_to_an_end(case: Case) -> None:
    case.server.faults += [Fault("GET", "", 503)] * 99
    with pytest.raises(ForgeFault, match="503"):
        case.forge.newest("dockopt/x", "main")
    assert len(case.server.requests) == TRIES


@pytest.mark.parametrize(
    ("fault", "pauses"),
    [
        (Fault("GET", "", 429, {"Retry-After": "7"}), [7.0]),
        (Fault("GET", "", 403, {"Retry-After": "3"}), [3.0]),
        (
            Fault("GET", "", 403, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1000040"}),
            [41.0],
        ),
        (Fault("GET", "", 403, body='{"message": "You hit a secondary rate limit"}'), [60.0]),
        (Fault("GET", "", 429), [60.0]),
        (Fault("GET", "", 503, {"Retry-After": "9"}), [9.0]),
    ],
    ids=["429", "403-after", "reset", "secondary", "429-bare", "503-after"],
)
def test_limits_are_waited_for(case: Case, fault: Fault, pauses: list[float]) -> None:
    case.server.faults.append(fault)
    assert case.forge.newest("dockopt/x", "main") is None
    assert case.clock.slept == pauses


def test_a_limited_post_was_not_carried_out_and_is_sent_again(case: Case) -> None:
    case.server.faults.append(Fault("POST", "", 429, {"Retry-After": "5"}))
    assert case.forge.open(DRAFT).number == 1
    assert case.clock.slept == [5.0]


def test_writes_keep_the_distance_that_the_forge_wants(case: Case) -> None:
    case.forge.open(DRAFT)
    case.forge.newest("dockopt/x", "main")
    case.clock.now += 0.25
    case.forge.close(1, "x")
    assert case.clock.slept == ([0.75] if case.server.kind == "github" else [])


def test_nobody_waits_for_ever(case: Case) -> None:
    far = str(int(case.clock.now + LONGEST_WAIT + 1))
    headers = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": far}
    case.server.faults.append(Fault("GET", "", 403, headers))
    with pytest.raises(ForgeFault, match="too long"):
        case.forge.newest("dockopt/x", "main")
    assert case.clock.slept == []


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 451])
def test_a_refusal_is_told_and_not_tried_again(case: Case, status: int) -> None:
    case.server.faults.append(Fault("GET", "", status, body='{"message": "no\\n::error::x"}'))
    with pytest.raises(Refused) as caught:
        case.forge.newest("dockopt/x", "main")
    assert caught.value.status == status
    assert "\n" not in caught.value.what
    assert len(case.server.requests) == 1


@pytest.mark.parametrize("body", ["<html>", "[1]", '{"number": "x"}', "null", ""])
def test_answers_that_make_no_sense_are_told(case: Case, body: str) -> None:
    case.server.faults.append(Fault("POST", "", 201, body=body))
    with pytest.raises(ForgeFault):
        case.forge.open(DRAFT)


def test_no_message_holds_the_token(case: Case) -> None:
    for status in (401, 404, 500, 500, 500, 500, 500):
        case.server.faults.append(Fault("GET", "", status, body=f'{{"message": "{status}"}}'))
    for _ in range(3):
        with pytest.raises(ForgeFault) as caught:
            case.forge.newest("dockopt/x", "main")
        assert TOKEN not in f"{caught.value!r} {caught.value.what} {caught.value.remedy}"
        case.server.faults = case.server.faults or [Fault("GET", "", 404)]
    assert TOKEN not in repr(case.forge)


def test_a_wrong_token_is_told(repositories: Path) -> None:
    with forge_server(repositories) as server:
        found = Access("github", server.api, "wrong")
        with pytest.raises(Refused, match="Bad credentials") as caught:
            forge(found, read_address(server.address)).newest("dockopt/x", "main")
        assert "new one" in caught.value.remedy


def test_a_renamed_repository_is_followed_on_its_host(github: Case) -> None:
    path = "/api/v3/repos/team/shop/pulls?state=all&head=team:dockopt/x&base=main"
    github.server.faults.append(Fault("GET", "", 301, {"Location": github.server.web + path}))
    assert github.forge.newest("dockopt/x", "main") is None


@pytest.mark.parametrize("location", ["https://evil.example/repos", "//evil.example/", "http://[x"])
def test_the_token_goes_to_no_other_host(github: Case, location: str) -> None:
    github.server.faults.append(Fault("GET", "", 302, {"Location": location}))
    with pytest.raises(ForgeFault):
        github.forge.newest("dockopt/x", "main")
    link = {"Link": f'<{location}>; rel="next"'}
    github.server.faults.append(Fault("GET", "", 200, link, body="[]"))
    with pytest.raises(ForgeFault):
        github.forge.newest("dockopt/x", "main")


def test_redirects_in_a_circle_end(github: Case) -> None:
    here = {"Location": "/api/v3/repos/team/shop/pulls"}
    github.server.faults += [Fault("GET", "", 302, here)] * 99
    with pytest.raises(ForgeFault):
        github.forge.newest("dockopt/x", "main")
    assert len(github.server.requests) == TRIES


def test_a_token_is_not_sent_in_the_clear() -> None:
    with pytest.raises(ForgeFault, match="https"):
        Session("http://forge.example/api", {})


def test_a_forge_that_is_not_there_is_told() -> None:
    clock = Clock()
    session = Session("http://127.0.0.1:9", {}, clock, clock.sleep)
    with pytest.raises(ForgeFault, match="cannot be reached"):
        session.get("/x")
    assert len(clock.slept) == TRIES - 1


def test_the_repositories_of_an_organisation(case: Case) -> None:
    case.server.page = 2
    case.server.owned = [f"https://forge.example/team/{n}.git" for n in ("a", "b", "c")]
    found = owner(Access(case.server.kind, case.server.api, TOKEN), "team")  # type: ignore[arg-type]
    assert found.repositories() == case.server.owned


def test_a_user_has_repositories_too_and_archived_ones_are_left_out(github: Case) -> None:
    github.server.owned = ["https://f.example/ann/a.git", "https://f.example/ann/archived.git"]
    found = owner(Access("github", github.server.api, TOKEN), "ann")
    assert found.repositories() == github.server.owned[:1]
