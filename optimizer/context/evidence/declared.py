"""Skaffold and Dev Container files, which declare the Dockerfiles they build."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from optimizer.context.evidence.build import (
    ROOT,
    UNKNOWN,
    Build,
    Evidence,
    Files,
    Strength,
    Unread,
    default_dockerfiles,
    is_known,
    join,
)
from optimizer.context.evidence.yaml_text import (
    YamlError,
    YamlMapping,
    YamlSequence,
    read_yaml,
)

_TEMPLATE: Final = re.compile(r"\{\{[^{}]{0,200}\}\}")
_JSON_PART: Final = re.compile(
    r'"(?:[^"\\]|\\.)*+"|//[^\n]*+|/\*.*?(?:\*/|\Z)|,(?=\s*[}\]])', re.DOTALL
)
_VARIABLE: Final = re.compile(r"\$\{([^{}]{0,200})\}")
_DEV_FOLDER: Final = ".devcontainer"


def read_skaffold(path: str, text: str, files: Files) -> Iterator[Evidence]:
    """Lists the builds of a Skaffold file. Source: skaffold.dev/docs/references/yaml."""
    folder = posixpath.dirname(path)
    try:
        documents = read_yaml(text)
    except YamlError as error:
        yield Unread(path, f"is no YAML that can be read: {error}", folder)
        return
    for document in documents:
        if isinstance(document, YamlMapping):
            yield from _artifacts(document, f"{path}:build", folder)
            profiles = document.get("profiles")
            for profile in profiles.items if isinstance(profiles, YamlSequence) else []:
                if isinstance(profile, YamlMapping):
                    yield from _artifacts(profile, f"{path}:profiles.build", folder)


def _artifacts(document: YamlMapping, place: str, folder: str) -> Iterator[Build]:
    artifacts = document.get("build", "artifacts")
    for at, artifact in enumerate(artifacts.items if isinstance(artifacts, YamlSequence) else []):
        if not isinstance(artifact, YamlMapping):
            continue
        builders = [key for key in ("docker", "kaniko") if key in artifact.items]
        if not builders and artifact.items.keys() & {"buildpacks", "jib", "ko", "bazel", "custom"}:
            continue
        builder = artifact.mapping(builders[0]) if builders else YamlMapping({})
        context = join(f"{ROOT}/{folder}", _filled(artifact.text("context") or "."))
        file = builder.text("dockerfile")
        arguments = builder.mapping("buildArgs")
        yield Build(
            found_by=f"{place}.artifacts[{at}]",
            strength=Strength.DECLARED,
            context=context,
            dockerfiles=(
                default_dockerfiles(context) if file is None else (join(context, _filled(file)),)
            ),
            target=builder.text("target"),
            build_args={name: _known(arguments.text(name) or "") for name in arguments.items},
            platforms=tuple(artifact.texts("platforms")),
        )


def _filled(text: str) -> str:
    return _TEMPLATE.sub(UNKNOWN, text)


def _known(text: str) -> str | None:
    filled = _filled(text)
    return filled if is_known(filled) else None


def read_devcontainer(path: str, text: str, files: Files) -> Iterator[Evidence]:
    """Lists the build of a devcontainer.json. Source: containers.dev/implementors/json_reference:
    both paths are relative to the file."""
    folder = posixpath.dirname(path)
    try:
        document = json.loads(_without_comments(text))
    except (ValueError, RecursionError):
        yield Unread(path, "is no JSON that can be read", folder)
        return
    if not isinstance(document, dict):
        return
    build = document.get("build")
    section: Mapping[str, Any] = build if isinstance(build, dict) else {}
    file = section.get("dockerfile") or document.get("dockerFile")
    if not isinstance(file, str):
        return
    given = section.get("context") or document.get("context") or "."
    here = f"{ROOT}/{folder}"
    workspace = f"{ROOT}/{folder.partition(_DEV_FOLDER)[0]}"
    target = section.get("target")
    arguments = section.get("args")
    yield Build(
        found_by=f"{path}:build",
        strength=Strength.DECLARED,
        context=join(here, _expanded(str(given), workspace)),
        dockerfiles=(join(here, _expanded(file, workspace)),),
        target=target if isinstance(target, str) and target else None,
        build_args={
            name: value if isinstance(value, str) and "${" not in value else None
            for name, value in (arguments.items() if isinstance(arguments, dict) else ())
        },
    )


def _without_comments(text: str) -> str:
    """Makes JSON of JSON with comments and trailing commas."""
    return _JSON_PART.sub(lambda m: m[0] if m[0].startswith('"') else " ", text)


def _expanded(text: str, workspace: str) -> str:
    return _VARIABLE.sub(
        lambda m: workspace if m[1] == "localWorkspaceFolder" else UNKNOWN, text
    ).replace("\\", "/")
