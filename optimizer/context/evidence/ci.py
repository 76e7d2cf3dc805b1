"""Pipelines of other CI services: what their YAML gives to a shell, a builder or a builder task.

GitLab's inheritance is followed. Of the others (CircleCI, Azure Pipelines,
Travis, Bitbucket, Drone, Woodpecker, Cloud Build, CodeBuild, Buildkite, ...)
every list of commands counts as one script called in the repository's root.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
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
    join,
)
from optimizer.context.evidence.command_line import (
    Script,
    build_arguments,
    build_of,
    builds_of,
    mentions_build,
    platform_list,
)
from optimizer.context.evidence.runs import is_told
from optimizer.context.evidence.shell import read_commands
from optimizer.context.evidence.yaml_text import (
    Scalar,
    Value,
    YamlError,
    YamlMapping,
    YamlSequence,
    read_yaml,
)

_DEEPEST: Final = 8
_MOST_COMBINATIONS: Final = 200
"""GitLab's own limit for the jobs of one matrix."""
_MOST_TEXT: Final = 2_000_000
"""Characters of scripts that are read on behalf of one file, with all its combinations."""
_MOST_LINES: Final = 10_000
_LONGEST_PATH: Final = 200

# docs.gitlab.com/ci/variables/predefined_variables; circleci.com/docs/variables;
# docs.travis-ci.com; learn.microsoft.com/azure/devops/pipelines/build/variables;
# support.atlassian.com/bitbucket-cloud (variables and secrets); docs.drone.io;
# docs.aws.amazon.com/codebuild; buildkite.com/docs.
_ENVIRONMENT: Final[Mapping[str, str]] = dict.fromkeys(
    (
        "CI_PROJECT_DIR",
        "CIRCLE_WORKING_DIRECTORY",
        "TRAVIS_BUILD_DIR",
        "BUILD_SOURCESDIRECTORY",
        "SYSTEM_DEFAULTWORKINGDIRECTORY",
        "BITBUCKET_CLONE_DIR",
        "DRONE_WORKSPACE",
        "CI_WORKSPACE",
        "CODEBUILD_SRC_DIR",
        "BUILDKITE_BUILD_CHECKOUT_PATH",
    ),
    ROOT,
)
_IMAGES: Final[Mapping[str, str]] = {"CI_REGISTRY_IMAGE": f"CI_REGISTRY_IMAGE{UNKNOWN}"}
"""What is not known, and yet the same wherever it stands."""
_ROOT_VARIABLE: Final = re.compile(
    rf"\$(?:(?:{'|'.join(_ENVIRONMENT)})\b|\{{(?:{'|'.join(_ENVIRONMENT)})\}})"
)
_AZURE_ROOT: Final = re.compile(
    r"(?i)\$\((?:Build\.SourcesDirectory|System\.DefaultWorkingDirectory"
    r"|Build\.Repository\.LocalPath|Pipeline\.Workspace/s)\)"
)
_OTHER_TEMPLATE: Final = re.compile(r"<<\s*[\w.]+\s*>>|\$\(\w+\.[\w.]+\)|\$\[\[[^\]]{0,200}\]\]")
"""What CircleCI, Azure Pipelines and GitLab put in before a shell sees the text."""

_FOLDER_KEYS: Final = ("working_directory", "workingDirectory", "working-directory", "dir")
_DRONE_PLUGINS: Final = frozenset(
    {"docker", "kaniko", "drone-docker", "drone-kaniko", "plugin-docker-buildx", "plugin-kaniko"}
)
_GITLAB_FILE: Final = re.compile(r"(?:.*\.)?gitlab-ci\.ya?ml")
_GITLAB_GLOBALS: Final = frozenset(
    {"default", "include", "stages", "variables", "workflow", "spec", "image", "services", "cache"}
)


def read(path: str, text: str, files: Files) -> Iterator[Evidence]:
    """Lists the builds of one pipeline."""
    try:
        documents = read_yaml(text)
    except YamlError as error:
        yield Unread(path, f"is no YAML that can be read: {error}")
        return
    is_gitlab = _GITLAB_FILE.fullmatch(posixpath.basename(path)) or path.startswith(".gitlab/")
    for document in documents:
        if isinstance(document, YamlMapping):
            reader = _Pipeline(path, document)
            yield from reader.gitlab_jobs() if is_gitlab else reader.everything()


class _Pipeline:
    """Reads one document."""

    def __init__(self, path: str, document: YamlMapping) -> None:
        self._path = path
        self._document = document
        self._budget = _MOST_TEXT

    # GitLab

    def gitlab_jobs(self) -> Iterator[Found]:
        """Source: docs.gitlab.com/ci/yaml."""
        shared = {**_ENVIRONMENT, **_IMAGES, **_texts(self._document.mapping("variables"))}
        for name in self._document.items:
            if name in _GITLAB_GLOBALS or name.startswith(".") or self._budget < 0:
                continue
            job = self._inherited(name, 0)
            script = "\n".join(
                line
                for key in ("before_script", "script", "after_script")
                for line in _lines(self._of_job(job, key))
            )
            variables = {**shared, **_texts(job.mapping("variables"))}
            yield from self._inside(job, name, script, variables)
            for combination in _combinations(job.get("parallel", "matrix")):
                yield from self._script(
                    script, f"{name}.script", {**variables, **combination}, ROOT
                )

    def _inside(
        self, job: YamlMapping, name: str, script: str, variables: Mapping[str, str]
    ) -> Iterator[Found]:
        """Source: docs.gitlab.com/ci/yaml, image: a job's script runs in that image."""
        said = self._of_job(job, "image")
        image = said if isinstance(said, Scalar) else job.text("image", "name")
        self._budget -= len(script)
        if not image or not is_told((script,)) or self._budget < 0:
            return
        for command in read_commands(f"image {image}", variables=variables):
            if len(command.words) == 2:
                words = ("/bin/sh", "-c", script)
                yield ImageUse(f"{self._path}:{name}.script", command.words[1], words)

    def _inherited(self, name: str, depth: int) -> YamlMapping:
        """Merges a job over what it extends: the deepest mapping is ``variables``."""
        job = self._document.mapping(name)
        merged: dict[str, Value] = {}
        for parent in job.texts("extends")[:_DEEPEST] if depth < _DEEPEST else []:
            inherited = self._document.mapping(parent)
            self._budget -= 1 + len(inherited.items) + len(inherited.mapping("variables").items)
            if self._budget > 0:
                _lay_over(merged, self._inherited(parent, depth + 1))
        _lay_over(merged, job)
        return YamlMapping(merged)

    def _of_job(self, job: YamlMapping, key: str) -> Value | None:
        if key in job.items:
            return job.get(key)
        inherited = self._document.get("default", key)
        return self._document.get(key) if inherited is None else inherited

    # Everything else

    def everything(self) -> Iterator[Found]:
        variables = dict(_ENVIRONMENT)
        for key in ("variables", "env", "environment", "substitutions"):
            variables.update(_texts(self._document.mapping(key)))
        seen: set[int] = set()
        stack: list[tuple[Value, str]] = [(self._document, "")]
        while stack:
            value, place = stack.pop()
            if isinstance(value, Scalar) or id(value) in seen:
                continue
            seen.add(id(value))
            if isinstance(value, YamlSequence):
                yield from self._commands(value, place, variables)
                children = [(item, f"{place}[{at}]") for at, item in enumerate(value.items)]
            else:
                yield from self._mapping(value, place, variables)
                children = [
                    (item, f"{place}.{key}".removeprefix(".")) for key, item in value.items.items()
                ]
            stack.extend((item, _shortened(name)) for item, name in reversed(children))

    def _commands(
        self, value: YamlSequence, place: str, variables: Mapping[str, str]
    ) -> Iterator[Found]:
        lines = [str(item) for item in value.items if isinstance(item, Scalar)]
        if not any(mentions_build(line) for line in lines):
            return
        yield from self._script("\n".join(lines), place, variables, ROOT)

    def _mapping(
        self, value: YamlMapping, place: str, variables: Mapping[str, str]
    ) -> Iterator[Found]:
        folder = next(filter(None, map(value.text, _FOLDER_KEYS)), ".")
        folder = join(ROOT, self._prepared(folder))
        if (value.text("task") or "").startswith("Docker@"):
            yield from self._azure_task(value.mapping("inputs"), place)
        if image := value.text("image"):
            yield from self._drone_plugin(image, value.mapping("settings"), place)
        if arguments := value.texts("args"):
            yield from self._cloud_build_step(value, arguments, place, folder)
        for key, item in value.items.items():
            if isinstance(item, Scalar) and mentions_build(item):
                yield from self._script(item, f"{place}.{key}".removeprefix("."), variables, folder)

    def _script(
        self, text: str, place: str, variables: Mapping[str, str], folder: str
    ) -> Iterator[Found]:
        self._budget -= len(text)
        if self._budget < 0 or not mentions_build(text):
            return
        found_by = f"{self._path}:{place}"
        yield from builds_of(
            Script(
                self._prepared(text),
                lambda line: found_by,
                Strength.WORKFLOW,
                folder=folder,
                variables=variables,
            )
        )

    def _prepared(self, text: str) -> str:
        return _OTHER_TEMPLATE.sub(UNKNOWN, _AZURE_ROOT.sub(ROOT, text))

    def _azure_task(self, inputs: YamlMapping, place: str) -> Iterator[Found]:
        """Source: learn.microsoft.com/azure/devops/pipelines/tasks/reference, Docker@2: a context
        of ``**`` is the Dockerfile's folder."""
        file = self._prepared(inputs.text("Dockerfile") or inputs.text("dockerFile") or "**")
        if (inputs.text("command") or "buildAndPush") not in (
            "build",
            "buildAndPush",
        ) or "*" in file:
            return
        context = self._prepared(inputs.text("buildContext") or "**")
        file = join(ROOT, file)
        yield Build(
            found_by=f"{self._path}:{place}",
            strength=Strength.WORKFLOW,
            context=posixpath.dirname(file) if "*" in context else join(ROOT, context),
            dockerfiles=(file,),
        )

    def _drone_plugin(self, image: str, settings: YamlMapping, place: str) -> Iterator[Found]:
        """Source: plugins.drone.io (docker, kaniko) and woodpecker-ci.org/plugins."""
        name = image.rpartition("/")[2].partition(":")[0]
        if name not in _DRONE_PLUGINS or not settings.items:
            return
        context = join(ROOT, settings.text("context") or ".")
        file = settings.text("dockerfile")
        yield Build(
            found_by=f"{self._path}:{place}",
            strength=Strength.WORKFLOW,
            context=context,
            dockerfiles=default_dockerfiles(context) if file is None else (join(ROOT, file),),
            target=settings.text("target"),
            build_args=build_arguments(settings.texts("build_args")),
            platforms=platform_list(",".join(settings.texts("platforms"))),
        )

    def _cloud_build_step(
        self, step: YamlMapping, arguments: list[str], place: str, folder: str
    ) -> Iterator[Found]:
        """Source: cloud.google.com/build/docs/build-config-file-schema: the builder's name stands
        for its entry point."""
        name = step.text("name") or step.text("image") or ""
        engine = "docker" if "docker" in name else "kaniko" if "kaniko" in name else None
        if engine is None or step.text("entrypoint") not in (None, "docker"):
            return
        script = Script("", lambda line: "", Strength.WORKFLOW)
        words = [engine, *map(self._prepared, arguments)]
        if build := build_of(words, folder, f"{self._path}:{place}", script):
            yield build


def _texts(mapping: YamlMapping) -> dict[str, str]:
    """Returns the variables of a section; a value that names another one is unknown."""
    texts = ((name, mapping.text(name) or mapping.text(name, "value")) for name in mapping.items)
    known = ((name, _ROOT_VARIABLE.sub(ROOT, text)) for name, text in texts if text is not None)
    return {name: UNKNOWN if "$" in text else text for name, text in known}


def _lines(value: Value | None) -> list[str]:
    """Flattens a script as GitLab does (lists in lists), up to `_MOST_LINES`."""
    lines: list[str] = []
    stack = [value]
    for _ in range(_MOST_LINES):
        if not stack:
            break
        item = stack.pop()
        if isinstance(item, Scalar):
            lines.append(str(item))
        elif isinstance(item, YamlSequence) and not item.tag:
            stack.extend(reversed(item.items))
    return lines


def _lay_over(merged: dict[str, Value], job: YamlMapping) -> None:
    for key, value in job.items.items():
        below = merged.get(key)
        if isinstance(value, YamlMapping) and isinstance(below, YamlMapping):
            merged[key] = YamlMapping({**below.items, **value.items})
        else:
            merged[key] = value


def _combinations(matrix: Value | None) -> list[dict[str, str]]:
    """Source: docs.gitlab.com/ci/yaml, parallel:matrix."""
    if not isinstance(matrix, YamlSequence):
        return [{}]
    combinations: list[dict[str, str]] = []
    for entry in matrix.items[:_MOST_COMBINATIONS]:
        if isinstance(entry, YamlMapping):
            values = [entry.texts(name) for name in entry.items]
            combinations.extend(
                dict(zip(entry.items, each, strict=True))
                for each in islice(product(*values), _MOST_COMBINATIONS)
            )
    return combinations[:_MOST_COMBINATIONS] or [{}]


def _shortened(place: str) -> str:
    return place if len(place) <= _LONGEST_PATH else f"{place[:_LONGEST_PATH]}..."
