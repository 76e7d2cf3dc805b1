r"""Remove apt's package lists in the RUN that fetched them.

What it does
============
Puts `rm -rf /var/lib/apt/lists/*` at the end of a RUN that fetches the lists of Debian's
or Ubuntu's packages, installs by them and leaves them in its layer.

Why it pays
===========
The lists are tens of megabytes in every image, and of no use: they are out of date the
next day, and whoever installs a package by old lists asks the mirrors for versions that
they have no longer. Removed in a later RUN they would still lie in the layer below.

Example
=======
```dockerfile before
FROM debian:12
RUN apt-get update && apt-get install -y --no-install-recommends git
CMD ["git"]
```
```dockerfile after
FROM debian:12
RUN apt-get update && apt-get install -y --no-install-recommends git && rm -rf /var/lib/apt/lists/*
CMD ["git"]
```

When it holds back
==================
Where a later RUN installs by the same lists, or runs something that may.
```dockerfile unchanged lists-are-used-later
FROM debian:12
RUN apt-get update && apt-get install -y git
RUN apt-get install -y curl
```

Or where the user of the RUN fetches them as root, and cannot remove them.
```dockerfile unchanged lists-belong-to-root
FROM ubuntu:24.04
USER ubuntu
RUN sudo apt-get update && sudo apt-get install -y git
```

It says nothing of stages that are no part of the image, of a RUN whose lists lie in a
cache mount, and of one that names the directory itself.

Safety
======
same-behavior: the lists are named as what goes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import ClassVar

from optimizer.facade import (
    PACKAGE_LISTS,
    Evidence,
    KeptLists,
    Obstacle,
    Proposal,
    Refusal,
    Safety,
    Step,
    Transform,
    View,
    kept_lists,
    lists_copied,
    lists_wanted_later,
    runs_below,
)

MOST_LATER = 500
"""RUNs below one, at most, that are asked whether they want its lists. In a file of more of them
those further down fetch their own."""


class DropPackageLists(Transform):
    id = "drop-package-lists"
    best = Safety.SAME_BEHAVIOR
    codes: ClassVar[Mapping[str, str]] = {
        "lists-are-used-later": "A later step may use the package lists of this one.",
        "lists-belong-to-root": "Root fetches the package lists, and another user runs the RUN.",
        "no-place-behind": "Nothing can be put behind the last command of the RUN.",
    }

    def propose(self, view: View) -> Iterator[Proposal | Refusal]:
        for stage in view.stages.stages:
            if not view.reach_the_image(stage, (PACKAGE_LISTS,)):
                continue
            for step in stage.steps:
                found = _looked_at(view, step) if step.instruction.keyword == "RUN" else None
                if isinstance(found, Obstacle):
                    yield Refusal.of(found, step.instruction.code)
                elif found is not None:
                    yield _proposal(step, found)


def _looked_at(view: View, step: Step) -> KeptLists | Obstacle | None:
    found = kept_lists(view.dockerfile, view.effects(step))
    if not isinstance(found, KeptLists):
        return found
    later = (view.effects(each) for each in islice(runs_below(view.stages, step), MOST_LATER))
    return lists_wanted_later(step, later) or lists_copied(view.stages, step) or found


def _proposal(step: Step, found: KeptLists) -> Proposal:
    return Proposal(
        title=f"Remove what `{found.named}` fetched",
        at=step.instruction.code,
        edits=(found.edit,),
        safety=Safety.SAME_BEHAVIOR,
        reason=f"The lists of `{found.named}` stay in the layer, and are out of date tomorrow.",
        evidence=(Evidence("kept_lists", "the layer", 1, 0, "text"),),
        drops=(PACKAGE_LISTS,),
        assumes=(
            "Nothing that runs in the container, and no image that is built on it, installs by "
            "these lists.",
        ),
    )
