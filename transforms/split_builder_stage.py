r"""Build in a stage of its own, and start containers from one without the tools.

What it does
============
Makes the stage that builds a builder stage, and puts a runtime stage below it that does the rest
again from the same base: the configuration, the setup of the system, the packages that a
container needs, the sources that it may read. What the builder made is copied to the same paths.

Why it pays
===========
Compilers, header files, caches and dependencies for development are in no image that is shipped,
and the runtime stage can start from a smaller base.

Example
=======
```tree
requirements.txt=flask==3.0.0\npsycopg2==2.9.9
app.py
.dockerignore=.git
```
```dockerfile before
FROM python:3.12-slim
WORKDIR /app
RUN apt-get update \
 && apt-get install -y --no-install-recommends build-essential libpq-dev \
 && rm -rf /var/lib/apt/lists/*
COPY requirements.txt .
RUN pip install --no-cache-dir -r requirements.txt
COPY . .
EXPOSE 5000
CMD ["python", "app.py"]
```
```dockerfile after
FROM python:3.12-slim AS builder
WORKDIR /app
RUN apt-get update \
 && apt-get install -y --no-install-recommends build-essential libpq-dev \
 && rm -rf /var/lib/apt/lists/*
COPY requirements.txt .
RUN pip install --no-cache-dir -r requirements.txt

FROM python:3.12-slim
WORKDIR /app
RUN apt-get update \
 && apt-get install -y --no-install-recommends libatomic1 libgomp1 libpq5 \
 && rm -rf /var/lib/apt/lists/*
COPY --from=builder /usr/local/lib/python3.12/site-packages /usr/local/lib/python3.12/site-packages
COPY --from=builder /usr/local/bin /usr/local/bin
COPY . .
EXPOSE 5000
CMD ["python", "app.py"]
```

When it holds back
==================
A command that may write any file leaves what only it knows.
```tree
requirements.txt=flask==3.0.0
install.sh
```
```dockerfile unchanged opaque-command
FROM python:3.12-slim
WORKDIR /app
RUN apt-get update && apt-get install -y build-essential
COPY requirements.txt install.sh ./
RUN pip install -r requirements.txt
RUN ./install.sh
CMD ["python", "-m", "flask", "run"]
```

It says nothing of a stage that builds nothing, or that starts from another stage.

Safety
======
same-behavior: the configuration is the same, and every file that a container needs lies where it
lay, with its owner and its mode. `drops` names the places that lose files, `assumes` what was
concluded of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import ClassVar

from optimizer.facade import (
    CopyStep,
    Evidence,
    FileEdit,
    ImageBase,
    Obstacle,
    Proposal,
    Refusal,
    RuntimeBase,
    Safety,
    SplitPlan,
    Stage,
    StageBase,
    Step,
    Transform,
    View,
    covered,
    ignoring,
    image_bytes,
    renamed_base,
    runs_triggers,
    said,
)

LEAST_SAVED = 0.1
"""The part of an image, at least, that has to go for a second stage to be worth its lines."""


class SplitBuilderStage(Transform):
    id = "split-builder-stage"
    best = Safety.SAME_BEHAVIOR
    codes: ClassVar[Mapping[str, str]] = {
        "ignored-path-is-copied": "A step copies the files that would have to be ignored.",
        "onbuild-base": "The base image runs instructions of its own that are not in the file.",
        "shared-ignore-file": "Another Dockerfile copies the files that would have to be ignored.",
        "stage-is-built-upon": "Another stage starts from this one or takes files of it.",
        "wins-little": "The image would hardly be smaller.",
    }

    def propose(self, view: View) -> Iterator[Proposal | Refusal]:
        stage = view.stages.target
        if stage is None or _is_ignored(view, stage):
            return
        plan = view.split(stage)
        answer = _judged(view, stage, plan) if isinstance(plan, SplitPlan) else plan
        if isinstance(answer, Obstacle | Proposal) and (held := _held(view, stage)) is not None:
            answer = held
        if isinstance(answer, Obstacle):
            yield Refusal.of(answer, stage.instruction.code)
        elif answer is not None:
            yield answer


def _is_ignored(view: View, stage: Stage) -> bool:
    """Tells whether a comment of one of the stage's instructions turns the transform off."""
    own = {stage.instruction, *(step.instruction for step in stage.steps)}
    return any(
        each.instruction in own and SplitBuilderStage.id in each.ignore
        for each in said(view.dockerfile)
    )


def _held(view: View, stage: Stage) -> Obstacle | None:
    """Returns what stands against any split of ``stage``."""
    if runs_triggers(stage):
        return Obstacle(
            "onbuild-base",
            "The base image runs ONBUILD instructions that this file does not show.",
            "Use a base image without ONBUILD.",
        )
    if any(step.instruction.keyword == "ONBUILD" for step in stage.steps):
        return Obstacle(
            "onbuild-base",
            "Images built on this one run its ONBUILD instructions, and may need its tools.",
            "Split the stage by hand.",
        )
    for other in view.stages.stages:
        starts = isinstance(other.base, StageBase) and other.base.stage is stage
        if starts or any(stage in step.depends_on for step in other.steps):
            return Obstacle(
                "stage-is-built-upon",
                f"Line {other.instruction.line} starts a stage that needs what this one builds "
                "with.",
                "Let it start from the builder stage, and split by hand.",
            )
    return _kept(view, stage) or view.meant_to_be_fat(stage)


def _kept(view: View, stage: Stage) -> Obstacle | None:
    own = {step.instruction for step in stage.steps}
    for each in said(view.dockerfile):
        if each.keep and each.instruction in own:
            return Obstacle(
                "kept-by-comment",
                f"Line {each.instruction.line} is marked `# dockopt: keep`.",
                "Take the comment away.",
            )
    return None


def _host_directories(view: View, plan: SplitPlan) -> FileEdit | Obstacle | None:
    """Returns the ignore file that keeps the host's own installs out of the runtime stage: the
    author's install took them away again, and no COPY from the builder does."""
    paths: dict[str, None] = {}
    copies = [view.copy(p.step) for p in plan.parts if p.fate != "builder" and _is_copy(p.step)]
    for part in plan.parts:
        for copy in copies:
            if not isinstance(copy, CopyStep) or copy.step.number > part.step.number:
                continue
            found = (covered(copy, kept.path) for kept in part.kept)
            paths.update(dict.fromkeys(path for path in found if isinstance(path, str)))
    if not paths:
        return None
    tree, neighbours = view.dockerfile, view.build.neighbours
    otherwise = "would land among what the builder installs"
    return ignoring(view.context, tree, neighbours, tuple(paths), otherwise)


def _is_copy(step: Step) -> bool:
    return step.instruction.keyword in ("COPY", "ADD")


def _judged(view: View, stage: Stage, plan: SplitPlan) -> Proposal | Obstacle | None:
    """Returns the split, or that it is not worth it; None where nobody would have thought so."""
    ignored = _host_directories(view, plan)
    if isinstance(ignored, Obstacle):
        return ignored
    proposal = _proposal(view, stage, plan, ignored)
    after = view.after(view.edited(proposal.edits), proposal)
    sizes = _sizes(view, after)
    twin = _twin(after)
    if isinstance(twin, RuntimeBase):
        return replace(proposal, evidence=tuple(_smaller(stage, twin, sizes)))
    # Nobody expects a split where nothing is made that a container could do without.
    expected = plan.left_out or plan.prunes or any(product.compiles for product in plan.products)
    if sizes is not None and sizes[1] > sizes[0] * (1 - LEAST_SAVED):
        why = f"from {sizes[0]:,} bytes to {sizes[1]:,}, as predicted"
        return _wins_little(why) if expected else None
    if sizes is not None:
        shown = Evidence("image_bytes", "the image", *sizes, basis="estimate")
        return replace(proposal, evidence=(shown,))
    if plan.left_out:
        shown = Evidence("build_packages", "in the image", len(plan.left_out), 0, basis="text")
        return replace(proposal, evidence=(shown,))
    pruned = [command for command, _ in plan.prunes if not command.startswith("rm ")]
    if pruned:
        shown = Evidence("unpruned_directories", "in the image", len(pruned), 0, basis="text")
        return replace(proposal, evidence=(shown,))
    if not expected:
        return None
    if isinstance(twin, Obstacle):
        why = f"it would start from the same base. {twin.reason.rstrip('.')}"
        return replace(_wins_little(why), unblock=twin.unblock)
    return _wins_little("the base has no tools to leave behind, and no smaller twin")


def _twin(view: View) -> RuntimeBase | Obstacle | None:
    """Returns the smaller image that the runtime stage could start from, or why it cannot."""
    target = view.stages.target
    twin = None if target is None else view.runtime_twin(target)
    if not isinstance(twin, RuntimeBase):
        return twin
    given = frozenset(view.build.invocation.build_args)
    edits = renamed_base(view.dockerfile, view.stages, twin.stage, twin.image, given)
    return edits if isinstance(edits, Obstacle) else twin


def _smaller(stage: Stage, twin: RuntimeBase, sizes: tuple[int, int] | None) -> Iterator[Evidence]:
    """Yields what starting from ``twin`` wins."""
    assert isinstance(stage.base, ImageBase), "only a stage that starts from an image has a twin"
    reference = stage.base.reference
    base = image_bytes(reference.familiar, reference.tag or "latest")
    small = image_bytes(twin.twin.name, twin.twin.tag)
    scenario = f"from {twin.image}"
    if base is None or small is None:
        yield Evidence("bases_with_tools", scenario, 1, 0, basis="text")
    elif sizes is not None:
        after = sizes[1] - base + small
        yield Evidence("image_bytes", scenario, sizes[0], after, basis="estimate")
    else:
        yield Evidence("base_image_bytes", scenario, base, small, basis="estimate")


def _sizes(before: View, after: View) -> tuple[int, int] | None:
    """Returns the predicted bytes of both images, None where they are not known."""
    sizes = (before.image_size, after.image_size)
    if sizes[0] is None or sizes[1] is None or sizes[0].unknown or sizes[1].unknown:
        return None
    return sizes[0].bytes, sizes[1].bytes


def _wins_little(why: str) -> Obstacle:
    return Obstacle(
        "wins-little",
        f"A builder stage would make the image hardly smaller: {why}.",
        "Leave the file as it is.",
    )


def _proposal(view: View, stage: Stage, plan: SplitPlan, ignored: FileEdit | None) -> Proposal:
    return Proposal(
        title="Build in a stage of its own",
        at=stage.instruction.code,
        edits=view.split_edits(stage, plan),
        safety=Safety.SAME_BEHAVIOR,
        reason=_reason(plan),
        files=() if ignored is None else (ignored,),
        drops=plan.drops,
        assumes=plan.assumes,
    )


def _reason(plan: SplitPlan) -> str:
    if plan.left_out:
        names = ", ".join(plan.left_out[:3]) + (" and more" if plan.left_out[3:] else "")
        return f"Only building needs {names}, and no container does."
    if plan.prunes:
        return "Only building needs some of the packages, and no container does."
    return "What it builds runs from a smaller base too."
