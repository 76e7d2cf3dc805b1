"""Stages that are meant to be fat: for development, for tests, for work in a container."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence

from optimizer.context.evidence.build import UNKNOWN
from optimizer.context.service import Bind, Service
from optimizer.context.tree import BuildContext
from optimizer.effects.copies import StageFiles, is_below
from optimizer.knowledge.installs import Obstacle
from optimizer.knowledge.running import Running
from optimizer.knowledge.sources import SOURCE_SUFFIXES
from optimizer.knowledge.workbenches import (
    Use,
    is_development_image,
    is_front_end_server,
    may_compile_packages,
    starts_a_prompt,
    use_of_command,
    use_of_name,
)
from optimizer.model.stages import ImageBase, Stage, StageBase
from optimizer.model.values import Known

_MOST_STAGES = 100
_MOST_NAMES = 200
"""Names in a mounted folder that are looked at to tell whether it holds sources."""

_FOR: dict[Use, str] = {
    "development": "is for development",
    "test": "is for running tests",
    "toolbox": "is for working in it",
}
_UNBLOCK: dict[Use, str] = {
    "development": "Give development a stage of its own, and name it as `target` where it is "
    "built for that.",
    "test": "Give the tests a stage of their own, and name it as `target` where they run.",
    "toolbox": "Say in CMD or ENTRYPOINT what a container of the image runs.",
}


def meant_to_be_fat(
    stage: Stage,
    context: BuildContext,
    running: Running,
    files: StageFiles,
    services: Sequence[Service] = (),
    places: Sequence[str] = (),
    dependents: Sequence[str] = (),
    *,
    is_top: bool = False,
) -> Obstacle | None:
    """Returns why the image of ``stage`` is meant to keep its tools, None where nothing says so.

    ``files`` are those of the context that lie in it at the end, ``services`` the Compose services
    and the commands of CI that run it, ``places`` those that say how it is built, ``dependents``
    those where other Dockerfiles start from it. ``is_top`` says that the context is the whole of
    the repository, whose own name says nothing. The reason names the place that shows it.
    """
    found = (
        _by_places(context, places)
        or _by_names(stage, context, is_top=is_top)
        or _by_base(stage)
        or next(_by_services(stage, files, services), None)
        or next(_by_commands(stage, running), None)
        or _by_installs(running)
        or _by_dependents(dependents)
    )
    return found or _by_missing_command(stage, running, services)


def _obstacle(use: Use, shown: str, path: str | None = None, line: int | None = None) -> Obstacle:
    return Obstacle(f"{use}-image", f"{shown}: the image {_FOR[use]}.", _UNBLOCK[use], path, line)


def _by_places(context: BuildContext, places: Sequence[str]) -> Obstacle | None:
    for place in places:
        if place.partition(":")[0].endswith("devcontainer.json"):
            return _obstacle("development", f"{place} makes a dev container of it")
    folder = "" if context.dockerfile is None else context.dockerfile.parent.name
    if folder == ".devcontainer":
        return _obstacle("development", "The Dockerfile lies in .devcontainer")
    return None


def _by_names(stage: Stage, context: BuildContext, *, is_top: bool) -> Obstacle | None:
    if stage.name is not None and not stage.name.isdecimal():
        use = use_of_name(stage.name)
        if use is not None:
            shown = f"Line {stage.instruction.line} calls the stage {stage.name}"
            return _obstacle(use, shown, line=stage.instruction.line)
    if context.dockerfile is None:
        return None
    name, folder = context.dockerfile.name, context.dockerfile.parent.name
    if is_top and context.dockerfile.parent == context.root:
        folder = ""
    word = re.sub(r"(?i)(?:docker|container)file", "", name)
    use = use_of_name(word) or (use_of_name(folder) if re.fullmatch(r"\.?\w+", folder) else None)
    if use is None:
        return None
    shown = name if use_of_name(word) else f"{folder}/{name}"
    return _obstacle(use, f"The file is called {shown}")


def _by_base(stage: Stage) -> Obstacle | None:
    first = _first(stage)
    name = _image(first)
    if not is_development_image(name):
        return None
    line = first.instruction.line
    return _obstacle("development", f"Line {line} starts from {name}", line=line)


def _first(stage: Stage) -> Stage:
    for _ in range(_MOST_STAGES):
        if not isinstance(stage.base, StageBase):
            break
        stage = stage.base.stage
    return stage


def _image(stage: Stage) -> str:
    return stage.base.reference.familiar if isinstance(stage.base, ImageBase) else ""


def _by_services(
    stage: Stage, files: StageFiles, services: Sequence[Service]
) -> Iterator[Obstacle]:
    workdir = stage.end.workdir.text if isinstance(stage.end.workdir, Known) else None
    for service in services:
        for bind in service.binds:
            if _covers_sources(bind, workdir, files):
                shown = f"{service.place('volumes')} mounts {bind.source} over {bind.target}"
                yield _obstacle("development", shown.replace(UNKNOWN, "…"))
        if service.watches:
            shown = f"{service.place('develop')} copies sources into the running container"
            yield _obstacle("development", shown)


def _covers_sources(bind: Bind, workdir: str | None, files: StageFiles) -> bool:
    """Tells whether a folder of the host hides the sources that were copied: the working directory
    or one above it, or a folder in it that has sources."""
    target = "/" + posixpath.normpath(bind.target).lstrip("/")
    if target == "/" or UNKNOWN in target or files.kind(target) == "file":
        return False
    if workdir is not None and workdir != "/" and is_below(workdir, target):
        return True
    names = files.children(target)[:_MOST_NAMES]
    return any(posixpath.splitext(name)[1] in SOURCE_SUFFIXES for name in names)


def _by_commands(stage: Stage, running: Running) -> Iterator[Obstacle]:
    """Commands of entry scripts are left out: which branch of theirs runs is not known."""
    for call, place in zip(running.calls, running.shown_by, strict=True):
        if place.startswith("/") or place.startswith("HEALTHCHECK"):
            continue
        use = use_of_command(call.words)
        if use is None and is_front_end_server(call.words) and not _builds(stage):
            use = "development"
        if use is not None:
            line = int(place.rpartition(" ")[2]) if " in line " in place else None
            words = " ".join(call.words).replace(UNKNOWN, "…")
            shown = f"{place[0].upper()}{place[1:]} runs `{words}`"
            yield _obstacle(use, shown, line=line)


def _by_installs(running: Running) -> Obstacle | None:
    """A branch of an entry script counts: nobody says that it is never taken."""
    if "cc" in running.programs:
        return Obstacle(
            "compiles-when-it-runs",
            "A program of the image compiles with the C compiler while it runs.",
            "Split the stage by hand, and keep the compiler and the header files.",
        )
    for call, place in zip(running.calls, running.shown_by, strict=True):
        if may_compile_packages(call.words):
            words = " ".join(call.words).replace(UNKNOWN, "…")
            return Obstacle(
                "installs-when-it-starts",
                f"{place[0].upper()}{place[1:]} runs `{words}` in the container, which may need "
                "compilers and header files.",
                "Install in a RUN.",
            )
    return None


def _by_dependents(dependents: Sequence[str]) -> Obstacle | None:
    if not dependents:
        return None
    also = f" (and so does {dependents[1]})" if len(dependents) > 1 else ""
    return Obstacle(
        "base-of-other-images",
        f"{dependents[0]} starts from this image or copies from it{also}: what is built on it may "
        "need anything that is in it.",
        "Give the other images a base of their own.",
    )


def _builds(stage: Stage) -> bool:
    """Tells whether a RUN builds the front end, so that the server is not the point of it."""
    runs = (step.instruction for step in stage.steps if step.instruction.keyword == "RUN")
    return any(re.search(r"\bbuild\b", run.arguments) for run in runs)


def _by_missing_command(
    stage: Stage, running: Running, services: Sequence[Service]
) -> Obstacle | None:
    commanded = any(s.command or s.entrypoint for s in services if s.is_of_compose)
    name = _image(_first(stage))
    if running.is_set or commanded or not starts_a_prompt(name):
        return None
    shown = f"Nothing sets a CMD or ENTRYPOINT, and that of {name} is a prompt"
    return _obstacle("toolbox", shown, line=stage.instruction.line)
