r"""Fetch apt's package lists in the RUN that installs by them.

What it does
============
Joins a RUN that does nothing but `apt-get update` with the RUN right below it that
installs packages.

Why it pays
===========
BuildKit keeps the layer of a lone `apt-get update` for as long as nothing above it
changes, which may be months. When the list of packages changes then, the install asks the
mirrors for versions that they have no longer, and the build fails. In one RUN the lists are
as fresh as the install.

Example
=======
```dockerfile before
FROM debian:12
RUN apt-get update
RUN apt-get install -y --no-install-recommends git
```
```dockerfile after
FROM debian:12
RUN apt-get update && apt-get install -y --no-install-recommends git
```

When it holds back
==================
Where a RUN cannot take a command in front without another meaning.
```dockerfile unchanged update-not-joined
FROM debian:12
RUN apt-get update
RUN apt-get install -y git || apt-get install -y git-core
```

It says nothing where another instruction stands in between: what it changes, such as a
repository or a proxy, may be meant for one of the two. No version is ever pinned:
repositories drop old ones.

Safety
======
same-image: a build from scratch runs the same commands in the same order.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import ClassVar

from optimizer.facade import (
    Evidence,
    LoneUpdate,
    Obstacle,
    Proposal,
    Refusal,
    Safety,
    Transform,
    View,
    lone_update,
)


class JoinAptUpdate(Transform):
    id = "join-apt-update"
    best = Safety.SAME_IMAGE
    codes: ClassVar[Mapping[str, str]] = {
        "update-not-joined": "The update and the install below it cannot be one RUN as they are.",
    }

    def propose(self, view: View) -> Iterator[Proposal | Refusal]:
        for stage in view.stages.stages:
            for upper, lower in pairwise(stage.steps):
                if {upper.instruction.keyword, lower.instruction.keyword} != {"RUN"}:
                    continue
                found = lone_update(view.dockerfile, view.effects(upper), view.effects(lower))
                if isinstance(found, Obstacle):
                    yield Refusal.of(found, upper.instruction.code)
                elif found is not None:
                    yield _proposal(found)


def _proposal(found: LoneUpdate) -> Proposal:
    return Proposal(
        title=f"Fetch the package lists in the RUN of `{found.named}`",
        at=found.install.instruction.code,
        edits=found.edits,
        safety=Safety.SAME_IMAGE,
        reason=f"`{found.named}` may run by lists that are months old, and then asks for packages "
        "that are gone.",
        evidence=(Evidence("stale_lists", f"a change of `{found.named}`", 1, 0, "text"),),
    )
