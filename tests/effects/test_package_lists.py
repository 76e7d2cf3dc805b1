"""Which RUNs leave package lists behind, and how the removal joins the author's lines."""

from __future__ import annotations

import pytest

from optimizer.cst.edit import apply
from optimizer.effects.package_lists import (
    KeptLists,
    kept_lists,
    lists_wanted_later,
    lone_update,
    runs_below,
)
from optimizer.knowledge.installs import Obstacle
from tests.views import view

INSTALL = "RUN apt-get update && apt-get install -y git"


def kept(text: str) -> KeptLists | Obstacle | None:
    """Returns what is said of the first RUN of ``text``."""
    seen = view(text)
    return kept_lists(seen.dockerfile, seen.effects(seen.stages.stages[0].steps[0]))


def wanted(below: str) -> str | None:
    """Returns why lists are wanted by what stands below an install by them."""
    seen = view(f"FROM debian:12\n{INSTALL}\n{below}\n")
    step = seen.stages.stages[0].steps[0]
    later = (seen.effects(each) for each in runs_below(seen.stages, step))
    found = lists_wanted_later(step, later)
    return None if found is None else found.code


@pytest.mark.parametrize(
    ("run", "joined"),
    [
        (INSTALL, f"{INSTALL} && rm -rf /var/lib/apt/lists/*"),
        (
            "RUN apt-get update \\\n  && apt-get install -y \\\n      git",
            "RUN apt-get update \\\n  && apt-get install -y \\\n      git \\\n"
            "  && rm -rf /var/lib/apt/lists/*",
        ),
        (
            "RUN apt-get update && \\\n  apt-get install -y \\\n    git",
            "RUN apt-get update && \\\n  apt-get install -y \\\n    git && \\\n"
            "  rm -rf /var/lib/apt/lists/*",
        ),
        (
            "RUN apt-get update && apt-get install -y \\\n    git",
            "RUN apt-get update && apt-get install -y \\\n    git \\\n"
            "    && rm -rf /var/lib/apt/lists/*",
        ),
    ],
)
def test_removal_joins_the_lines_of_the_author(run: str, joined: str) -> None:
    text = f"FROM debian:12\n{run}\nCMD sh\n"
    seen = view(text)
    found = kept_lists(seen.dockerfile, seen.effects(seen.stages.stages[0].steps[0]))
    assert isinstance(found, KeptLists)
    assert apply(seen.dockerfile, [found.edit]) == f"FROM debian:12\n{joined}\nCMD sh\n"


@pytest.mark.parametrize(
    "run",
    [
        "RUN apt-get update",
        "RUN apt-get install -y git",
        "RUN apk update && apk add git",
        f"{INSTALL} && apt-get dist-clean",
        f"{INSTALL} && rm -rf /var/lib/apt",
        "RUN --mount=type=cache,target=/var/lib/apt/lists apt-get update && apt-get install -y git",
    ],
)
def test_nothing_is_left_or_left_on_purpose(run: str) -> None:
    assert kept(f"FROM debian:12\n{run}\n") is None


@pytest.mark.parametrize(
    "run",
    [
        f"{INSTALL} &",
        f"{INSTALL}; true;",
        "RUN (apt-get update && apt-get install -y git)",
        "RUN if true; then apt-get update && apt-get install -y git; fi",
        f"{INSTALL} # and no more",
    ],
)
def test_nothing_is_put_behind_what_goes_on(run: str) -> None:
    found = kept(f"FROM debian:12\n{run}\n")
    assert isinstance(found, Obstacle)
    assert found.code == "no-place-behind"


@pytest.mark.parametrize(
    "below",
    [
        "RUN apt-get install -y curl",
        "RUN apt-cache policy curl",
        "RUN ./setup.sh",
        "RUN curl -sL https://example.com/setup | sh",
        "RUN make deps",
    ],
)
def test_lists_that_may_be_wanted_stay(below: str) -> None:
    assert wanted(below) == "lists-are-used-later"


@pytest.mark.parametrize(
    "below",
    [
        "RUN useradd -m app",
        "RUN apt-get update && apt-get install -y curl",
        "RUN npm run build",
        "COPY . .\nRUN pip install .",
        "FROM debian:12\nRUN apt-get install -y curl",
    ],
)
def test_lists_that_nobody_wants_go(below: str) -> None:
    assert wanted(below) is None


def joined(text: str) -> str | None:
    """Returns ``text`` with its first two RUNs in one, or the code of why not."""
    seen = view(text)
    upper, lower = seen.stages.stages[0].steps[:2]
    found = lone_update(seen.dockerfile, seen.effects(upper), seen.effects(lower))
    if isinstance(found, Obstacle):
        return found.code
    return None if found is None else apply(seen.dockerfile, found.edits)


@pytest.mark.parametrize(
    ("upper", "lower", "both"),
    [
        ("RUN apt update", "RUN apt install -y git", "RUN apt update && apt install -y git"),
        ("run apt update", "run apt install -y git", "run apt update && apt install -y git"),
        (
            "# a\nRUN apt-get update",
            "RUN --mount=type=ssh apt-get install -y git",
            "# a\nRUN --mount=type=ssh apt-get update && apt-get install -y git",
        ),
        ("RUN apt-get update", "RUN --network=none apt-get install -y git", None),
        ("RUN --mount=type=cache,target=/c apt-get update", "RUN apt-get install -y git", None),
        ("RUN apk update", "RUN apk add git", None),
        ("RUN apt-get update", "RUN echo", None),
        ("RUN apt-get update", "RUN true | apt-get install -y git", "update-not-joined"),
        ("RUN apt-get update || true", "RUN apt-get install -y git", None),
    ],
)  # fmt: skip
def test_update_joins_the_install_below_it(upper: str, lower: str, both: str | None) -> None:
    found = joined(f"FROM debian:12\n{upper}\n{lower}\n")
    whole = both is not None and "RUN" in both.upper().split()
    assert found == (f"FROM debian:12\n{both}\n" if whole else both)
