"""Gitea and Forgejo: the API, version 1 (both serve its description at /swagger.v1.json)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar
from urllib.parse import quote

from optimizer.forge.forge import Draft, ForgeFault, PullRequest, State
from optimizer.forge.opening import opened
from optimizer.forge.session import Session

CONFLICT = 409
"""The answer for a pull request that is there already."""

_DRAFT = "WIP: "
"""What makes a title one of a draft (docs.gitea.com, "Pull request", work in progress)."""


def headers(token: str) -> Mapping[str, str]:
    """Returns what goes along with every request."""
    return {"Authorization": f"token {token}", "User-Agent": "dockopt"}


@dataclass
class Gitea:
    """One repository."""

    session: Session
    owner: str
    name: str
    longest_body: ClassVar[int] = 65_536

    def newest(self, branch: str, base: str) -> PullRequest | None:
        """Goes through the list, the open ones first: it cannot be asked for one branch. Those
        from a fork have its branch, which may be called the same."""
        for state in ("open", "closed"):
            query = {"state": state, "sort": "recentupdate", "limit": "50", "page": "1"}
            for each in self.session.pages(self._path("/pulls"), query):
                head, onto = _side(each, "head"), _side(each, "base")
                is_ours = head.get("repo_id") == onto.get("repo_id")
                if is_ours and (head.get("ref"), onto.get("ref")) == (branch, base):
                    return _pull_request(each)
        return None

    def open(self, draft: Draft) -> PullRequest:
        document = {
            "head": draft.branch,
            "base": draft.base,
            "title": (_DRAFT if draft.draft else "") + draft.title,
            "body": draft.body,
        }
        return opened(
            self,
            draft,
            lambda: _pull_request(self.session.post(self._path("/pulls"), document)),
            CONFLICT,
        )

    def update(self, number: int, title: str, body: str) -> None:
        """Keeps the word that makes it a draft, as long as it is one."""
        now = self.session.get(self._path(f"/pulls/{number}"))
        prefix = _DRAFT if str(now.get("title", "")).startswith(_DRAFT) else ""
        self.session.change(
            "PATCH", self._path(f"/pulls/{number}"), {"title": prefix + title, "body": body}
        )

    def close(self, number: int, body: str) -> None:
        self.session.change(
            "PATCH", self._path(f"/pulls/{number}"), {"state": "closed", "body": body}
        )

    def dress(self, number: int, draft: Draft) -> None:
        if draft.labels:
            known = {
                str(each["name"]): int(each["id"])
                for each in self.session.pages(self._path("/labels"), {"limit": "50"})
            }
            if missing := [each for each in draft.labels if each not in known]:
                raise ForgeFault(
                    f"the repository has no label {', '.join(missing)}", "Make it, or leave it out."
                )
            path = self._path(f"/issues/{number}/labels")
            self.session.post(path, {"labels": [known[each] for each in draft.labels]})
        if draft.reviewers:
            path = self._path(f"/pulls/{number}/requested_reviewers")
            self.session.post(path, {"reviewers": [*draft.reviewers]})

    def _path(self, rest: str) -> str:
        return f"/repos/{quote(self.owner, safe='')}/{quote(self.name, safe='')}{rest}"


@dataclass
class GiteaOwner:
    """An organisation."""

    session: Session
    name: str

    def repositories(self) -> Sequence[str]:
        found = self.session.pages(f"/orgs/{quote(self.name, safe='')}/repos", {"limit": "50"})
        return [str(each["clone_url"]) for each in found if not each.get("archived")]


def _side(document: Any, name: str) -> Mapping[str, Any]:
    found = document.get(name) if isinstance(document, dict) else None
    return found if isinstance(found, dict) else {}


def _pull_request(document: Any) -> PullRequest:
    try:
        state: State = "open" if document["state"] == "open" else "closed"
        if document.get("merged"):
            state = "merged"
        return PullRequest(
            int(document["number"]),
            str(document["html_url"]),
            state,
            str(document["title"]).removeprefix(_DRAFT),
            str(document.get("body") or ""),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ForgeFault(f"the answer holds no pull request ({error})") from None
