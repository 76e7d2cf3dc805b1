"""HTTP as forges want it: one request at a time, waits that they ask for, and few tries.

What counts for waiting is GitHub's "Best practices for using the REST API": ``retry-after`` in
seconds, else ``x-ratelimit-reset`` where nothing remains, else a minute and then twice as long.
GitLab and Gitea answer 429 with ``retry-after`` (docs.gitlab.com, "Rate limits").
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urljoin, urlsplit

from optimizer.forge.forge import ForgeFault

if TYPE_CHECKING:
    import httpx

TRIES: Final = 5
"""Times that one request is sent at most."""

LONGEST_WAIT: Final = 900.0
"""Seconds that one request waits for a forge at most."""

MOST_PAGES: Final = 100

SECONDS: Final = 30.0
"""Seconds until a forge counts as one that does not answer."""

LARGEST: Final = 64 << 20
"""Bytes of an answer that is read."""

_PASSING: Final = frozenset({500, 502, 503, 504})
_REPEATABLE: Final = frozenset({"GET", "PUT", "PATCH", "DELETE"})
"""Methods whose request may be sent again when nobody knows whether the first one arrived; what
dockopt sends with PATCH says how things are to be, not what to add."""

_MINUTE: Final = 60.0


class Refused(ForgeFault):
    """An answer that is no success; ``status`` is its code."""

    def __init__(self, what: str, remedy: str, status: int) -> None:
        super().__init__(what, remedy)
        self.status = status


class Unclear(ForgeFault):
    """A request that may have been carried out: its answer did not come."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a forge said: the document, and where the next page of it is."""

    document: Any
    next_page: str | None


@dataclass
class Session:
    """The API of one forge. ``headers`` hold the token; ``clock`` gives seconds since the epoch,
    ``sleep`` waits, ``tell`` is told in a sentence why. ``between_writes`` are the seconds that
    the forge wants between two requests that change something."""

    base: str
    headers: Mapping[str, str] = field(repr=False)
    clock: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep
    tell: Callable[[str], None] = lambda sentence: None
    between_writes: float = 0.0
    _client: httpx.Client | None = field(default=None, repr=False)
    _wrote: float | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        """Raises `ForgeFault` where a token would go over the network in the clear."""
        try:
            parts = urlsplit(self.base)
        except ValueError:
            raise ForgeFault("the address of the API is no address", "Check --api.") from None
        if parts.scheme != "https" and not _is_this_machine(parts.hostname or ""):
            raise ForgeFault(
                f"the API at {self._host} is not reached by https, and a token would be read by "
                "everybody on the way",
                "Give its https address with --api.",
            )

    def get(self, path: str, query: Mapping[str, str] | None = None) -> Any:
        """Returns the document at ``path``. Raises `ForgeFault`."""
        return self._send("GET", self._url(path), query, None).document

    def pages(self, path: str, query: Mapping[str, str]) -> Iterator[Any]:
        """Yields the members of a list, page by page as the ``Link`` header says (RFC 8288)."""
        answer = self._send("GET", self._url(path), query, None)
        for _ in range(MOST_PAGES):
            yield from answer.document if isinstance(answer.document, list) else ()
            if answer.next_page is None:
                return
            answer = self._send("GET", answer.next_page, None, None)

    def post(self, path: str, document: object) -> Any:
        """Raises `Unclear` where nobody knows whether it was carried out, else `ForgeFault`."""
        return self._send("POST", self._url(path), None, document).document

    def change(self, method: str, path: str, document: object) -> Any:
        """Sends what may be sent twice. Raises `ForgeFault`."""
        return self._send(method, self._url(path), None, document).document

    @property
    def _host(self) -> str:
        return urlsplit(self.base).netloc.rpartition("@")[2]

    def _url(self, path: str) -> str:
        return self.base.rstrip("/") + path

    def _send(
        self, method: str, url: str, query: Mapping[str, str] | None, document: object
    ) -> Answer:
        waited = 0.0
        self._keep_distance(method)
        for attempt in range(1, TRIES + 1):
            response = self._once(method, url, query, document, last=attempt == TRIES)
            if response is not None and response.is_success:
                return self._answer(response)
            if response is not None and response.is_redirect:
                url, query = self._redirected(response, method), None
                continue
            pause = self._pause(response, method, attempt)
            if pause is None or attempt == TRIES:
                assert response is not None
                raise self._refused(method, response)
            waited += pause
            if waited > LONGEST_WAIT:
                raise ForgeFault(
                    f"{self._host} asks to wait {pause:.0f} seconds more, which is too long",
                    "Run dockopt again later; it goes on where it stopped.",
                )
            self.tell(f"waiting {pause:.0f} s for {self._host}")
            self.sleep(pause)
        raise ForgeFault(f"{self._host} sends the request from one address to another")

    def _keep_distance(self, method: str) -> None:
        if method == "GET":
            return
        since = None if self._wrote is None else self.clock() - self._wrote
        if since is not None and 0 <= since < self.between_writes:
            self.sleep(self.between_writes - since)
        self._wrote = self.clock()

    def _once(
        self,
        method: str,
        url: str,
        query: Mapping[str, str] | None,
        document: object,
        *,
        last: bool,
    ) -> httpx.Response | None:
        """Sends one request; None where no answer came and it may be sent again."""
        import httpx

        if self._client is None:
            self._client = httpx.Client(timeout=SECONDS, follow_redirects=False)
        try:
            return self._client.request(
                method, url, params=query, json=document, headers=dict(self.headers)
            )
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            if last:
                raise ForgeFault(
                    f"{self._host} cannot be reached ({type(error).__name__})",
                    "Check the network, and the address of the API (--api).",
                ) from None
            return None
        except httpx.InvalidURL:
            raise ForgeFault("the address of the API is no address", "Check --api.") from None
        except httpx.HTTPError as error:
            what = f"{self._host} broke the connection off ({type(error).__name__})"
            if method not in _REPEATABLE:
                raise Unclear(what, "Run dockopt again; it goes on where it stopped.") from None
            if last:
                raise ForgeFault(what, "Run dockopt again later.") from None
            return None

    def _answer(self, response: httpx.Response) -> Answer:
        if len(response.content) > LARGEST:
            raise ForgeFault(f"{self._host} answers with more than can be read")
        try:
            document = response.json() if response.content else None
        except ValueError:
            raise ForgeFault(
                f"{self._host} answers with something that is no JSON",
                "Check the address of the API (--api).",
            ) from None
        following = response.links.get("next", {}).get("url")
        return Answer(document, self._same_host(following) if following else None)

    def _redirected(self, response: httpx.Response, method: str) -> str:
        """Follows a repository that was renamed, on the same host: the token goes along."""
        target = self._same_host(response.headers.get("location", ""), str(response.url))
        if response.status_code not in (307, 308) and method != "GET":
            raise ForgeFault(
                f"{self._host} says that the repository has another address",
                "Use its new address.",
            )
        return target

    def _same_host(self, url: str, seen_from: str = "") -> str:
        ours = urlsplit(self.base)
        try:
            there = urljoin(seen_from or self.base, url)
            theirs = urlsplit(there)
        except ValueError:
            raise ForgeFault(
                f"{self._host} sends dockopt to something that is no address"
            ) from None
        if (theirs.scheme, theirs.netloc) != (ours.scheme, ours.netloc):
            raise ForgeFault(f"{self._host} sends dockopt to another host; the token stays here")
        return there

    def _pause(self, response: httpx.Response | None, method: str, attempt: int) -> float | None:
        """Returns the seconds to wait before the next try; None where no try would help."""
        if response is None:
            return float(2**attempt)
        after = _seconds(response.headers.get("retry-after"))
        if _is_limit(response):
            reset = _seconds(response.headers.get("x-ratelimit-reset"))
            if after is None and response.headers.get("x-ratelimit-remaining") == "0" and reset:
                after = reset - self.clock() + 1
            return max(after, 1.0) if after is not None else _MINUTE * 2 ** (attempt - 1)
        if response.status_code not in _PASSING:
            return None
        if method not in _REPEATABLE and after is None:
            return None
        return after if after is not None else float(2**attempt)

    def _refused(self, method: str, response: httpx.Response) -> ForgeFault:
        status = response.status_code
        if status in _PASSING and method not in _REPEATABLE:
            return Unclear(f"{self._host} answers {status}", "Run dockopt again later.")
        remedy = {
            401: "The token is not accepted: make a new one.",
            403: "The token may not do this: give it the right to write pull requests.",
            404: "The repository is not there, or the token may not see it.",
        }.get(status, "")
        return Refused(f"{self._host} answers {status}: {_message(response)}", remedy, status)


def _is_limit(response: httpx.Response) -> bool:
    if response.status_code == 429:
        return True
    return response.status_code == 403 and (
        "retry-after" in response.headers
        or response.headers.get("x-ratelimit-remaining") == "0"
        or "rate limit" in response.text[:2000].lower()
    )


def _seconds(value: str | None) -> float | None:
    return float(value) if value is not None and value.isascii() and value.isdigit() else None


def _message(response: httpx.Response) -> str:
    """Returns what the forge says is wrong, in at most a line."""
    try:
        document = response.json()
    except ValueError:
        return response.reason_phrase
    found = document.get("message", document.get("error")) if isinstance(document, dict) else None
    text = found if isinstance(found, str) else str(found or response.reason_phrase)
    return " ".join(text.split())[:300]


def _is_this_machine(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
