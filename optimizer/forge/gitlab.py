"""GitLab: the REST API, version 4 (docs.gitlab.com/api/merge_requests)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar
from urllib.parse import quote

from optimizer.forge.forge import Draft, ForgeFault, PullRequest, State
from optimizer.forge.opening import newest_of, opened
from optimizer.forge.session import Session

CONFLICT = 409
"""The answer for a merge request that is there already."""

_STATES: Mapping[str, State] = {"opened": "open", "locked": "open", "merged": "merged"}

_DRAFT = "Draft: "
"""What makes a title one of a draft (docs.gitlab.com, "Draft merge requests")."""


def headers(token: str) -> Mapping[str, str]:
    """Returns what goes along with every request."""
    return {"PRIVATE-TOKEN": token, "User-Agent": "dockopt"}


@dataclass
class GitLab:
    """One project; ``project`` is its path with all groups."""

    session: Session
    project: str
    longest_body: ClassVar[int] = 1_048_576

    def newest(self, branch: str, base: str) -> PullRequest | None:
        """Leaves out those from a fork, whose branch may be called the same."""
        query = {
            "state": "all", "source_branch": branch, "target_branch": base,
            "order_by": "created_at", "sort": "desc", "per_page": "100",
        }  # fmt: skip
        found = [
            _pull_request(each)
            for each in self.session.pages(self._path(""), query)
            if each.get("source_project_id") == each.get("target_project_id")
        ]
        return newest_of(found)

    def open(self, draft: Draft) -> PullRequest:
        document = {
            "source_branch": draft.branch,
            "target_branch": draft.base,
            "title": (_DRAFT if draft.draft else "") + draft.title,
            "description": draft.body,
            "remove_source_branch": True,
            "labels": ",".join(draft.labels),
            "reviewer_ids": [self._user(each) for each in draft.reviewers],
        }
        return opened(
            self,
            draft,
            lambda: _pull_request(self.session.post(self._path(""), document)),
            CONFLICT,
        )

    def dress(self, number: int, draft: Draft) -> None:
        """GitLab takes both where a merge request is opened, so nothing is left to add."""

    def update(self, number: int, title: str, body: str) -> None:
        """Keeps the word that makes it a draft, as long as it is one."""
        now = self.session.get(self._path(f"/{number}"))
        prefix = _DRAFT if isinstance(now, dict) and now.get("draft") else ""
        self.session.change(
            "PUT", self._path(f"/{number}"), {"title": prefix + title, "description": body}
        )

    def close(self, number: int, body: str) -> None:
        self.session.change(
            "PUT", self._path(f"/{number}"), {"state_event": "close", "description": body}
        )

    def _user(self, name: str) -> int:
        found = self.session.get("/users", {"username": name})
        if not isinstance(found, list) or not found:
            raise ForgeFault(f"no user is called {name}", "Check --reviewers.")
        return int(found[0]["id"])

    def _path(self, rest: str) -> str:
        return f"/projects/{quote(self.project, safe='')}/merge_requests{rest}"


@dataclass
class GitLabOwner:
    """A group with its subgroups."""

    session: Session
    name: str

    def repositories(self) -> Sequence[str]:
        found = self.session.pages(
            f"/groups/{quote(self.name, safe='')}/projects",
            {"include_subgroups": "true", "archived": "false", "order_by": "path",
             "per_page": "100"},
        )  # fmt: skip
        return [str(each["http_url_to_repo"]) for each in found]


def _pull_request(document: Any) -> PullRequest:
    try:
        title = str(document["title"])
        return PullRequest(
            int(document["iid"]),
            str(document["web_url"]),
            _STATES.get(document["state"], "closed"),
            title.removeprefix(_DRAFT),
            str(document.get("description") or ""),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ForgeFault(f"the answer holds no merge request ({error})") from None
