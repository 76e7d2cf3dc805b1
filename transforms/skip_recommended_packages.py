r"""Install packages without those that they only recommend.

What it does
============
Adds `--no-install-recommends` to an `apt-get install` on Debian where the packages that come
along only because others recommend them are known, and nothing uses them.

Why it pays
===========
They are manuals, tools for work on packages of Debian, settings for desktops: often more than
what was asked for. All of it is downloaded, pulled, stored, scanned and kept up to date.

Example
=======
```tree
main.c=int main(void) { return 0; }
```
```dockerfile before
FROM debian:12
RUN apt-get update && apt-get install -y gcc libc6-dev
COPY main.c .
RUN gcc -o /usr/local/bin/main main.c
CMD ["main"]
```
```dockerfile after
FROM debian:12
RUN apt-get update && apt-get install --no-install-recommends -y gcc libc6-dev
COPY main.c .
RUN gcc -o /usr/local/bin/main main.c
CMD ["main"]
```

When it holds back
==================
Where something that runs uses a recommended package, or may. Certificates of authorities are
used by whatever speaks TLS.
```dockerfile unchanged recommended-may-be-used
FROM debian:12
RUN apt-get update && apt-get install -y wget
CMD ["wget", "https://example.org"]
```

Where it is not known what a package recommends, because it comes from another repository.
```dockerfile unchanged recommended-not-known
FROM debian:12
RUN apt-get update && apt-get install -y google-chrome-stable
```

It says nothing of images whose packages are not known, and of Ubuntu.

Safety
======
changes-image: the packages are no longer there; each is named.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import ClassVar

from optimizer.facade import (
    Evidence,
    Obstacle,
    Proposal,
    Recommended,
    Refusal,
    Safety,
    Step,
    Transform,
    View,
    recommended_source,
)

MOST_INSTALLS = 100
"""Installs of a file that are answered, the first ones."""

MOST_NAMED = 5
"""Packages that the reason names; all of them stand in what is assumed."""


class SkipRecommendedPackages(Transform):
    id = "skip-recommended-packages"
    best = Safety.CHANGES_IMAGE
    codes: ClassVar[Mapping[str, str]] = {
        "recommended-may-be-used": "Something may use a package that comes only as recommended.",
        "recommended-not-known": "It is not known what the packages of an install recommend.",
    }

    def propose(self, view: View) -> Iterator[Proposal | Refusal]:
        for step, found in islice(_installs(view), MOST_INSTALLS):
            if isinstance(found, Obstacle):
                yield Refusal.of(found, step.instruction.code)
            else:
                yield _proposal(step, found)


def _installs(view: View) -> Iterator[tuple[Step, Recommended | Obstacle]]:
    for stage in view.stages.needed:
        for step in stage.steps:
            yield from ((step, found) for found in view.recommended(stage, step))


def _proposal(step: Step, found: Recommended) -> Proposal:
    return Proposal(
        title=f"Install by `{found.named}` only what is needed",
        at=step.instruction.code,
        edits=(found.edit,),
        safety=Safety.CHANGES_IMAGE,
        reason=_reason(found),
        evidence=tuple(_evidence(found)),
        assumes=tuple(_assumes(found)),
    )


def _reason(found: Recommended) -> str:
    named = ", ".join(found.skipped[:MOST_NAMED])
    more = len(found.skipped) - MOST_NAMED
    rest = f" and {more} more" if more > 0 else ""
    return f"{named}{rest} come along only because other packages recommend them."


def _evidence(found: Recommended) -> Iterator[Evidence]:
    yield Evidence("installed_packages", "the install", *found.packages, basis="estimate")
    if found.bytes is not None:
        yield Evidence("installed_bytes", "the install", *found.bytes, basis="estimate")


def _assumes(found: Recommended) -> Iterator[str]:
    yield f"Nothing uses {', '.join(found.skipped)}, which is not installed any more."
    if found.needed_by_them:
        yield f"Nothing uses what came along for these: {', '.join(found.needed_by_them)}."
    if found.without_row:
        yield f"Nothing uses what {', '.join(found.without_row)} may have brought in turn."
    yield f"The mirrors have what their indexes said: {recommended_source()}"
