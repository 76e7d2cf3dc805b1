"""GitHub and GitHub Enterprise: the REST API, version 2022-11-28 (docs.github.com/rest)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar
from urllib.parse import quote

from optimizer.forge.forge import Draft, ForgeFault, PullRequest, State
from optimizer.forge.opening import newest_of, opened
from optimizer.forge.session import Refused, Session

VALIDATION_FAILED = 422
"""Also the answer for a pull request that is there already."""


NOT_FOUND = 404


def headers(token: str) -> Mapping[str, str]:
    """Returns what goes along with every request."""
    return {
        "Accept": "application/vnd.github+json",
        "Authorization": f"Bearer {token}",
        "User-Agent": "dockopt",
        "X-GitHub-Api-Version": "2022-11-28",
    }


@dataclass
class GitHub:
    """One repository."""

    session: Session
    owner: str
    name: str
    longest_body: ClassVar[int] = 65_536

    def newest(self, branch: str, base: str) -> PullRequest | None:
        """Lists pull requests by head and base, the newest first; the open one counts before."""
        query = {
            "state": "all", "head": f"{self.owner}:{branch}", "base": base,
            "sort": "created", "direction": "desc", "per_page": "100",
        }  # fmt: skip
        found = [_pull_request(each) for each in self.session.pages(self._path("/pulls"), query)]
        return newest_of(found)

    def open(self, draft: Draft) -> PullRequest:
        document = {
            "title": draft.title, "body": draft.body, "head": draft.branch, "base": draft.base,
            "draft": draft.draft,
        }  # fmt: skip
        return opened(
            self,
            draft,
            lambda: _pull_request(self.session.post(self._path("/pulls"), document)),
            VALIDATION_FAILED,
        )

    def update(self, number: int, title: str, body: str) -> None:
        self.session.change("PATCH", self._path(f"/pulls/{number}"), {"title": title, "body": body})

    def close(self, number: int, body: str) -> None:
        self.session.change(
            "PATCH", self._path(f"/pulls/{number}"), {"state": "closed", "body": body}
        )

    def dress(self, number: int, draft: Draft) -> None:
        """Adds labels and reviewers: both lists only ever grow by this, so it may be repeated."""
        if draft.labels:
            path = self._path(f"/issues/{number}/labels")
            self.session.post(path, {"labels": [*draft.labels]})
        people = [each for each in draft.reviewers if "/" not in each]
        teams = [each.partition("/")[2] for each in draft.reviewers if "/" in each]
        if people or teams:
            path = self._path(f"/pulls/{number}/requested_reviewers")
            self.session.post(path, {"reviewers": people, "team_reviewers": teams})

    def _path(self, rest: str) -> str:
        return f"/repos/{quote(self.owner, safe='')}/{quote(self.name, safe='')}{rest}"


@dataclass
class GitHubOwner:
    """An organisation or a user."""

    session: Session
    name: str

    def repositories(self) -> Sequence[str]:
        """An organisation shows more to its members than a user's page does."""
        name = quote(self.name, safe="")
        query = {"type": "all", "sort": "full_name", "per_page": "100"}
        try:
            found = [*self.session.pages(f"/orgs/{name}/repos", query)]
        except Refused as fault:
            if fault.status != NOT_FOUND:
                raise
            query["type"] = "owner"
            found = [*self.session.pages(f"/users/{name}/repos", query)]
        return [str(each["clone_url"]) for each in found if not each.get("archived")]


def _pull_request(document: Any) -> PullRequest:
    try:
        state: State = "open" if document["state"] == "open" else "closed"
        if document.get("merged_at"):
            state = "merged"
        return PullRequest(
            int(document["number"]),
            str(document["html_url"]),
            state,
            str(document["title"]),
            str(document["body"] or ""),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ForgeFault(f"the answer holds no pull request ({error})") from None
