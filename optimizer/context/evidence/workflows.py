"""GitHub workflows (and Gitea's and Forgejo's): build actions and ``run`` scripts.

Matrices are expanded, and local reusable workflows and composite actions are
read with the inputs that their callers give.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice, product
from typing import Final

from optimizer.context.evidence.build import (
    ROOT,
    UNKNOWN,
    Build,
    Evidence,
    Files,
    Found,
    ImageUse,
    Strength,
    Unread,
    default_dockerfiles,
    is_known,
    is_remote,
    join,
    placed,
)
from optimizer.context.evidence.command_line import (
    Script,
    build_arguments,
    builds_of,
    mentions_build,
    named_contexts,
    platform_list,
)
from optimizer.context.evidence.github_expressions import Scope
from optimizer.context.evidence.runs import is_told
from optimizer.context.evidence.yaml_text import (
    Scalar,
    Value,
    YamlError,
    YamlMapping,
    YamlSequence,
    read_yaml,
    scalars,
)

_MOST_COMBINATIONS: Final = 256
"""GitHub's own limit for the jobs of one matrix."""
_DEEPEST_CALL: Final = 4
"""GitHub's own limit for workflows that call workflows, the top one included."""
_MOST_TEXT: Final = 2_000_000
"""Characters of scripts that are read on behalf of one workflow, with all its combinations; a
step counts as `_COST_OF_STEP` of them."""

_COST_OF_STEP: Final = 50
_MOST_INSIDE: Final = 100
"""Steps of one job in a container that are looked at."""

_BUILT_IN: Final[Mapping[str, str]] = {"workspace": ROOT}
_ENVIRONMENT: Final[Mapping[str, str]] = {"GITHUB_WORKSPACE": ROOT}
_DEFAULT_CONTEXT: Final = "{{defaultContext}}"


@dataclass(frozen=True, slots=True)
class _Action:
    """Which inputs of an action say what is built."""

    context: str = "context"
    file: str = "file"
    args: str = "build-args"
    file_is_in_context: bool = False
    tags: str = ""
    git_context: bool = False
    """Without a context the action builds the repository as fetched by BuildKit."""


_BUILDX: Final = _Action(tags="tags", git_context=True)
_ACTIONS: Final[Mapping[str, _Action]] = {
    # docker/build-push-action, README.md and action.yml; the next two take the same inputs.
    "docker/build-push-action": _BUILDX,
    "depot/build-push-action": _BUILDX,
    "useblacksmith/build-push-action": _BUILDX,
    # redhat-actions/buildah-build, action.yml.
    "redhat-actions/buildah-build": _Action(file="containerfiles"),
    # mr-smithers-excellent/docker-build-push, action.yml.
    "mr-smithers-excellent/docker-build-push": _Action("directory", "dockerfile", "buildArgs"),
    # whoan/docker-build-with-cache-action, action.yml: the Dockerfile is looked for in the context.
    "whoan/docker-build-with-cache-action": _Action(
        file="dockerfile", args="", file_is_in_context=True
    ),
    # elgohr/Publish-Docker-Github-Action, action.yml.
    "elgohr/publish-docker-github-action": _Action(file="dockerfile", args="buildargs"),
    # int128/kaniko-action, action.yml.
    "int128/kaniko-action": _Action(),
    # aevea/action-kaniko, action.yml.
    "aevea/action-kaniko": _Action("path", "build_file", "", file_is_in_context=True),
}


@dataclass(frozen=True, slots=True)
class _Place:
    """Where steps stand, and what is in force there."""

    path: str
    name: str
    """Of the job, as reports spell it: ``jobs.build``."""
    scope: Scope
    environment: Mapping[str, str]
    folder: str
    depth: int

    def with_environment(self, env: YamlMapping) -> _Place:
        if not env.items:
            return self
        given = {
            name: self.scope.expand(value) if value is not None else UNKNOWN
            for name, value in ((name, env.text(name)) for name in env.items)
        }
        environment = {**self.environment, **given}
        contexts = {**self.scope.contexts, "env": environment}
        return replace(self, environment=environment, scope=replace(self.scope, contexts=contexts))

    def in_folder(self, folder: str | None) -> _Place:
        return (
            self if folder is None else replace(self, folder=join(ROOT, self.scope.expand(folder)))
        )


def read(path: str, text: str, files: Files) -> Iterator[Evidence]:
    """Lists the builds of one workflow."""
    try:
        yield from _Reader(files).workflow(path, text)
    except YamlError as error:
        yield Unread(path, f"is no YAML that can be read: {error}")


class _Reader:
    """Reads one workflow with what it calls."""

    def __init__(self, files: Files) -> None:
        self._files = files
        self._budget = _MOST_TEXT
        self._documents: dict[str, YamlMapping | None] = {}

    def workflow(self, path: str, text: str) -> Iterator[Evidence]:
        document = _first_mapping(text)
        if document is None:
            return
        callable_only = _triggers(document) == {"workflow_call"}
        for build in self._jobs(path, document, None, 0):
            # Those who call it fill in what is unknown here, and are read on their own.
            if not callable_only or _is_settled(build):
                yield build
        if self._budget < 0:
            yield Unread(path, "calls more scripts than can be read")

    def _open(self, path: str) -> YamlMapping | None:
        if path not in self._documents:
            text = self._files.text(path)
            self._documents[path] = _first_mapping(text) if text is not None else None
        return self._documents[path]

    def _jobs(
        self, path: str, document: YamlMapping, inputs: Mapping[str, str] | None, depth: int
    ) -> Iterator[Found]:
        declared = document.mapping("on", "workflow_call", "inputs")
        by_hand = document.mapping("on", "workflow_dispatch", "inputs")
        missing = UNKNOWN if inputs is None else ""
        given = {**_defaults(by_hand, UNKNOWN), **_defaults(declared, missing), **(inputs or {})}
        scope = Scope({"inputs": given, "github": _BUILT_IN, "env": {}})
        start = _Place(path, "", scope, _ENVIRONMENT, ROOT, depth)
        start = start.with_environment(document.mapping("env"))
        start = start.in_folder(document.text("defaults", "run", "working-directory"))
        jobs = document.mapping("jobs")
        for name in jobs.items:
            job = jobs.mapping(name)
            combinations = _combinations(job.get("strategy", "matrix"), start.scope)
            self._budget -= len(combinations) * len(combinations)
            for combination in combinations:
                if self._budget < 0:
                    return
                yield from self._job(job, replace(start, name=f"jobs.{name}"), combination)

    def _job(
        self, job: YamlMapping, place: _Place, combination: YamlMapping | None
    ) -> Iterator[Found]:
        if combination is not None:
            contexts = {**place.scope.contexts, "matrix": combination}
            place = replace(place, scope=Scope(contexts, frozenset({"matrix"})))
        place = place.with_environment(job.mapping("env"))
        if called := job.text("uses"):
            yield from self._call(called, job.mapping("with"), place)
            return
        place = place.in_folder(job.text("defaults", "run", "working-directory"))
        steps = job.get("steps")
        checkout = _checkout(steps)
        if checkout is not None:
            container = job.text("container") or job.text("container", "image")
            if container:
                yield from _inside(place.scope.expand(container), steps, place)
            for build in self._steps(steps, place):
                if relocated := _relocated(build, checkout):
                    yield relocated

    def _call(self, called: str, given: YamlMapping, place: _Place) -> Iterator[Found]:
        target = _local(called)
        if target is None or place.depth + 1 >= _DEEPEST_CALL:
            return
        document = self._open(target)
        if document is not None:
            inputs = _expanded(given, place.scope)
            for build in self._jobs(target, document, inputs, place.depth + 1):
                yield _called_from(build, place)

    def _steps(self, steps: Value | None, place: _Place) -> Iterator[Found]:
        items = steps.items if isinstance(steps, YamlSequence) else []
        for index, step in enumerate(items):
            self._budget -= _COST_OF_STEP
            if isinstance(step, YamlMapping) and self._budget >= 0:
                yield from self._step(step, place, f"{place.path}:{place.name}.steps[{index}]")

    def _step(self, step: YamlMapping, place: _Place, found_by: str) -> Iterator[Found]:
        uses, script = step.text("uses"), step.text("run")
        if uses is not None and uses.startswith("./"):
            yield from self._composite(uses, step.mapping("with"), place)
        elif uses is not None:
            action = _ACTIONS.get(uses.partition("@")[0].lower())
            if action is not None:
                place = place.with_environment(step.mapping("env"))
                if build := _action_build(action, step.mapping("with"), place.scope, found_by):
                    yield build
        elif script is not None and mentions_build(script):
            place = place.with_environment(step.mapping("env"))
            place = place.in_folder(step.text("working-directory"))
            expanded = place.scope.expand(script)
            self._budget -= len(expanded)
            yield from builds_of(
                Script(
                    expanded,
                    lambda line: found_by,
                    Strength.WORKFLOW,
                    folder=place.folder,
                    variables=place.environment,
                )
            )

    def _composite(self, uses: str, given: YamlMapping, place: _Place) -> Iterator[Found]:
        folder = posixpath.normpath(uses)
        for name in ("action.yml", "action.yaml"):
            path = posixpath.join(folder, name)
            document = self._open(path)
            if document is None or place.depth >= _DEEPEST_CALL:
                continue
            defaults = _defaults(document.mapping("inputs"), "")
            inputs = {**defaults, **_expanded(given, place.scope)}
            scope = Scope({**place.scope.contexts, "inputs": inputs}, place.scope.complete)
            inner = _Place(path, "runs", scope, place.environment, ROOT, place.depth + 1)
            for build in self._steps(document.get("runs", "steps"), inner):
                yield _called_from(build, place)
            return


def _inside(image: str, steps: Value | None, place: _Place) -> Iterator[ImageUse]:
    """Source: docs.github.com/actions, jobs.<job_id>.container: steps run in that image."""
    items = steps.items if isinstance(steps, YamlSequence) else []
    for index, step in enumerate(items[:_MOST_INSIDE]):
        script = step.text("run") if isinstance(step, YamlMapping) else None
        if script is not None and is_told((script,)):
            words = ("/bin/sh", "-c", script)
            yield ImageUse(f"{place.path}:{place.name}.steps[{index}]", image, words)


def _first_mapping(text: str) -> YamlMapping | None:
    documents = read_yaml(text)
    return documents[0] if documents and isinstance(documents[0], YamlMapping) else None


def _is_settled(found: Found) -> bool:
    if isinstance(found, ImageUse):
        return is_known(found.image)
    return is_known(found.context) and is_known(found.dockerfiles[0])


def _triggers(document: YamlMapping) -> set[str]:
    on = document.get("on")
    if isinstance(on, YamlMapping):
        return set(on.items)
    return {str(on)} if isinstance(on, Scalar) else set(scalars(on))


def _defaults(declared: YamlMapping, missing: str) -> dict[str, str]:
    """Returns the inputs with what they are when nobody gives them; ``missing`` without default."""
    return {name: declared.text(name, "default") or missing for name in declared.items}


def _expanded(given: YamlMapping, scope: Scope) -> dict[str, str]:
    texts = ((name, given.text(name)) for name in given.items)
    return {name: scope.expand(text) if text is not None else "" for name, text in texts}


def _local(uses: str) -> str | None:
    """Returns the path of a workflow of this repository."""
    return posixpath.normpath(uses) if uses.startswith("./") else None


def _called_from(build: Found, place: _Place) -> Found:
    return replace(build, found_by=f"{build.found_by} (called from {place.path}:{place.name})")


# Matrices


def _combinations(matrix: Value | None, scope: Scope) -> Sequence[YamlMapping | None]:
    """Lists the combinations of a matrix; None stands for one of which nothing is known.

    Source: docs.github.com/actions, "Running variations of jobs in a workflow".
    """
    matrix = scope.value_of(matrix)
    if matrix is None:
        return [YamlMapping({})]
    if not isinstance(matrix, YamlMapping):
        return [None]
    axes = {
        name: _axis(scope.value_of(value))
        for name, value in matrix.items.items()
        if name not in ("include", "exclude")
    }
    combinations = [
        dict(zip(axes, values, strict=True))
        for values in islice(product(*axes.values()), _MOST_COMBINATIONS)
        if axes
    ]
    excluded = _mappings(matrix.get("exclude"))
    kept = [c for c in combinations if not any(_agrees(e.items, c) for e in excluded)]
    included = scope.value_of(matrix.get("include"))
    combinations = _with_included(kept, _mappings(included), set(axes))
    unknown = [None] if isinstance(included, Scalar) else []
    return [*map(YamlMapping, combinations[:_MOST_COMBINATIONS]), *unknown]


def _axis(value: Value | None) -> Sequence[Value]:
    return value.items if isinstance(value, YamlSequence) else [Scalar.of(UNKNOWN)]


def _mappings(value: Value | None) -> list[YamlMapping]:
    items = value.items if isinstance(value, YamlSequence) else []
    return [item for item in items if isinstance(item, YamlMapping)][:_MOST_COMBINATIONS]


def _agrees(some: Mapping[str, Value], combination: Mapping[str, Value]) -> bool:
    """Compares texts only: values in values may be endless to compare."""
    return all(
        isinstance(value, Scalar) and combination.get(name) == value for name, value in some.items()
    )


def _with_included(
    combinations: list[dict[str, Value]], included: Sequence[YamlMapping], axes: set[str]
) -> list[dict[str, Value]]:
    """Adds to each combination that an entry does not contradict, else makes a new one."""
    result = [dict(combination) for combination in combinations]
    alone: list[dict[str, Value]] = []
    for entry in included:
        fixed = {name: value for name, value in entry.items.items() if name in axes}
        fitting = [
            result[at] for at, original in enumerate(combinations) if _agrees(fixed, original)
        ]
        for combination in fitting:
            combination.update(entry.items)
        if not fitting:
            alone.append(dict(entry.items))
    return result + alone


# Checkouts


def _checkout(steps: Value | None) -> str | None:
    """Returns the folder of the workspace into which a job checks this repository out; None: it
    works on another repository only."""
    places: list[str] = []
    foreign = False
    for step in _mappings(steps):
        if not (step.text("uses") or "").lower().startswith("actions/checkout"):
            continue
        repository = step.text("with", "repository")
        if repository is None or "github.repository" in repository:
            places.append(posixpath.normpath(step.text("with", "path") or "."))
        else:
            foreign = True
    if not places:
        return None if foreign else "."
    return "." if "." in places else places[0]


def _relocated(build: Found, checkout: str) -> Found | None:
    """Sees a build from the repository's root, where that is a folder of the workspace."""
    if checkout == "." or isinstance(build, ImageUse):
        return build
    context = _below(build.context, checkout)
    dockerfiles = tuple(filter(None, (_below(file, checkout) for file in build.dockerfiles)))
    if context is None or not dockerfiles:
        return None
    return replace(build, context=context, dockerfiles=dockerfiles)


def _below(path: str, folder: str) -> str | None:
    place = placed(path, "")
    if place is None or not f"{place}/".startswith(f"{folder}/"):
        return None
    return f"{ROOT}/{place[len(folder) :].lstrip('/')}"


# Actions


def _action_build(
    action: _Action, inputs: YamlMapping, scope: Scope, found_by: str
) -> Build | None:
    def given(name: str) -> str:
        return scope.expand(inputs.text(name) or "").strip()

    context = given(action.context)
    in_context = action.file_is_in_context
    if action.git_context and (not context or context.startswith(_DEFAULT_CONTEXT)):
        in_context = True
        context = context.removeprefix(_DEFAULT_CONTEXT).removeprefix(":")
    if is_remote(context):
        return None
    context = join(ROOT, context or ".")
    file = given(action.file).split("\n")[0].strip()
    return Build(
        found_by=found_by,
        strength=Strength.WORKFLOW,
        context=context,
        dockerfiles=(
            (join(context if in_context else ROOT, file),) if file else default_dockerfiles(context)
        ),
        target=given("target") or None,
        build_args=build_arguments(_lines(given(action.args))) if action.args else {},
        platforms=platform_list(given("platforms")),
        named_contexts=named_contexts(_lines(given("build-contexts"))),
        names=tuple(_lines(given(action.tags).replace(",", "\n"))) if action.tags else (),
    )


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.split("\n") if line.strip()]
