"""Compose files: ``services.*.build``, with what they extend, include and override.

Source: compose-spec (05-services.md, build.md, 11-extension, 13-merge.md,
14-include.md) and compose-go, which settles what the text leaves open.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from optimizer.context.evidence.build import (
    LONGEST_VALUE,
    ROOT,
    UNKNOWN,
    Build,
    Evidence,
    Files,
    Strength,
    Unread,
    bounded,
    default_dockerfiles,
    is_known,
    is_remote,
    join,
    placed,
)
from optimizer.context.evidence.command_line import build_arguments, named_contexts
from optimizer.context.evidence.compose_service import read_service
from optimizer.context.evidence.yaml_text import (
    Scalar,
    Value,
    YamlError,
    YamlMapping,
    YamlSequence,
    read_yaml,
    scalars,
)
from optimizer.context.service import Service

# compose-go, cli/options.go, DefaultFileNames and DefaultOverrideFileNames, in their order.
_BASES: Final = ("compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml")
_OVERRIDES: Final = frozenset(name.replace(".y", ".override.y") for name in _BASES)

_DEEPEST: Final = 8
_MOST_INCLUDED: Final = 100
_MOST_SAME: Final = 20
"""Services that are looked at for running the image of one that is built."""
_FLOAT: Final = re.compile(r"[-+]?\d+\.\d+")
_PLAIN_INTEGER: Final = re.compile(r"-?(?:0|[1-9]\d*)")
_NUMBER: Final = re.compile(r"[-+]?\.?\d[\d_.eExXoO+-]*")
_VARIABLE: Final = re.compile(r"\$(?:\$|([A-Za-z_]\w*)|\{)")
_BRACED: Final = re.compile(r"([A-Za-z_]\w*)(:?[-?+])?(.*)", re.DOTALL)
_BRACE: Final = re.compile(r"\$\{|\}")
_ENV_LINE: Final = re.compile(r"[ \t]*(?:export[ \t]+)?([A-Za-z_][\w.]*)[ \t]*=[ \t]*(.*)")


@dataclass(frozen=True, slots=True)
class _Spec:
    """A ``build`` section, with paths seen from the root; None: left to another file."""

    context: str | None = None
    dockerfile: str | None = None
    is_inline: bool = False
    target: str | None = None
    arguments: Mapping[str, str | None] = field(default_factory=dict)
    platforms: tuple[str, ...] = ()
    named_contexts: Mapping[str, str] = field(default_factory=dict)
    removed: frozenset[str] = frozenset()
    """Keys under ``!reset``."""
    replaces: bool = False
    """It stands under ``!override``."""

    def over(self, base: _Spec) -> _Spec:
        """Merges as compose-go does (override/merge.go): scalars replace, mappings join."""
        if self.replaces:
            return self
        arguments = {} if "args" in self.removed else base.arguments
        return _Spec(
            context=self.context
            if self.context is not None
            else self._left("context", base.context),
            dockerfile=self.dockerfile or self._left("dockerfile", base.dockerfile),
            is_inline=self.is_inline or (base.is_inline and self.dockerfile is None),
            target=self.target or self._left("target", base.target),
            arguments={**arguments, **self.arguments},
            platforms=self.platforms or base.platforms,
            named_contexts={**base.named_contexts, **self.named_contexts},
        )

    def _left(self, key: str, value: str | None) -> str | None:
        return None if key in self.removed else value


@dataclass(frozen=True, slots=True)
class _Project:
    """One file, and the folder from which its paths are seen."""

    path: str
    folder: str
    document: YamlMapping
    loader: _Loader
    dot_env: Mapping[str, str]

    @property
    def services(self) -> YamlMapping:
        return self.document.mapping("services")

    def expand(self, text: str | None) -> str | None:
        """Puts in what variables are set to beside the file, or by default."""
        if text is None:
            return None
        return _interpolated(text, {"PWD": self.folder, **self.dot_env})

    def expand_argument(self, text: str) -> str:
        """The same, but what ``.env`` says stays unknown: it is the user's, and may be secret."""
        return _interpolated(text, dict.fromkeys(self.dot_env, UNKNOWN))


class _Loader:
    """Opens files of the repository, each of them once."""

    def __init__(self, files: Files) -> None:
        self._files = files
        self._documents: dict[str, YamlMapping | None] = {}
        self._dot_envs: dict[str, Mapping[str, str]] = {}

    def project(self, path: str, folder: str | None = None) -> _Project | None:
        """Opens a file whose paths are seen from ``folder``, else from where it lies; raises
        `YamlError`. None: there is no such file, or no mapping in it."""
        if path not in self._documents:
            text = self._files.text(path)
            documents = read_yaml(text) if text is not None else []
            first = documents[0] if documents else None
            self._documents[path] = first if isinstance(first, YamlMapping) else None
        document = self._documents[path]
        folder = posixpath.dirname(path) if folder is None else folder
        return None if document is None else self.with_document(path, folder, document)

    def with_document(self, path: str, folder: str, document: YamlMapping) -> _Project:
        if folder not in self._dot_envs:
            text = self._files.text(posixpath.join(folder, ".env"))
            self._dot_envs[folder] = _read_dot_env(text or "")
        return _Project(path, f"{ROOT}/{folder}", document, self, self._dot_envs[folder])


def read(path: str, text: str, files: Files) -> Iterator[Evidence]:
    """Lists the builds of one Compose file. A file that is laid over another one in the same
    folder takes from there what it leaves out."""
    folder, _, name = path.rpartition("/")
    loader = _Loader(files)
    try:
        documents = read_yaml(text)
        base = None if name in _BASES else _base(folder, loader)
    except YamlError as error:
        yield Unread(path, f"is no YAML that can be read: {error}", folder)
        return
    for document in documents:
        if isinstance(document, YamlMapping):
            project = loader.with_document(path, folder, document)
            yield from _builds(project, base, name in _OVERRIDES)
            yield from _included(project, {path})


def _base(folder: str, loader: _Loader) -> _Project | None:
    for name in _BASES:
        if project := loader.project(posixpath.join(folder, name)):
            return project
    return None


def _builds(project: _Project, base: _Project | None, always_over_base: bool) -> Iterator[Evidence]:
    for name in project.services.items:
        found_by = f"{project.path}:services.{name}.build"
        try:
            spec = _spec(project, name, 0)
            below = _spec(base, name, 0) if base else None
        except YamlError as error:
            yield Unread(found_by, f"extends a file that cannot be read: {error}")
            continue
        if spec is None:
            continue
        if below is not None and (always_over_base or spec.context is None):
            spec = spec.over(below)
        if build := _build(spec, project.folder, found_by):
            image = project.expand(project.services.text(name, "image"))
            yield replace(
                build,
                services=_services(project, name, base, always_over_base),
                names=(image,) if image else (),
            )


def _services(
    project: _Project, name: str, base: _Project | None, always_over_base: bool
) -> tuple[Service, ...]:
    """Returns how the service ``name`` runs its image, and how others that are built nowhere and
    name the same image run it."""
    image = project.services.text(name, "image")
    same = [
        other
        for other in (project.services.items if image else ())
        if other != name
        and project.services.get(other, "build") is None
        and project.services.text(other, "image") == image
    ]
    found = []
    for each in (name, *same[:_MOST_SAME]):
        service = _service(project, each, 0)
        below = _service(base, each, 0) if base and always_over_base else None
        if service is not None:
            found.append(service if below is None else service.over(below))
    return tuple(found)


def _service(project: _Project, name: str, depth: int) -> Service | None:
    """Reads how a service runs, with what it extends; raises `YamlError`."""
    mapping = project.services.get(name)
    if not isinstance(mapping, YamlMapping) or depth > _DEEPEST:
        return None
    found_by = f"{project.path}:services.{name}"
    own = read_service(mapping, found_by, project.services.lines.get(name, 1), project.expand)
    place = _extends(project, mapping)
    below = None if place is None else _service(*place, depth + 1)
    return own if below is None else own.over(below)


def _included(project: _Project, seen: set[str]) -> Iterator[Evidence]:
    """Reads the files under ``include``, each a project of its own."""
    include = project.document.get("include")
    items = include.items if isinstance(include, YamlSequence) else []
    for item in items:
        paths = [str(item)] if isinstance(item, Scalar) else []
        folder = None
        if isinstance(item, YamlMapping):
            paths = item.texts("path")
            folder = item.text("project_directory")
        for path in paths:
            yield from _include(project, path, folder, seen)


def _include(
    project: _Project, path: str, folder: str | None, seen: set[str]
) -> Iterator[Evidence]:
    place = _place(project, path)
    if place is None or place in seen or len(seen) > _MOST_INCLUDED:
        return
    seen.add(place)
    try:
        included = project.loader.project(
            place, None if folder is None else _place(project, folder)
        )
    except YamlError as error:
        yield Unread(place, f"is no YAML that can be read: {error}", posixpath.dirname(place))
        return
    if included is not None:
        yield from _builds(included, None, False)
        yield from _included(included, seen)


def _place(project: _Project, path: str) -> str | None:
    """Returns where a path of the file leads, relative to the root."""
    expanded = project.expand(path) or ""
    place = placed(join(project.folder, expanded), "")
    return place if place is not None and is_known(place) else None


def _spec(project: _Project, name: str, depth: int) -> _Spec | None:
    """Reads the build of a service with what it extends; raises `YamlError`."""
    service = project.services.get(name)
    if not isinstance(service, YamlMapping) or depth > _DEEPEST:
        return None
    own = _own_spec(project, service)
    extended = _extended(project, service, depth)
    if own is None or extended is None:
        return own or extended
    return own.over(extended)


def _extended(project: _Project, service: YamlMapping, depth: int) -> _Spec | None:
    place = _extends(project, service)
    return None if place is None else _spec(*place, depth + 1)


def _extends(project: _Project, service: YamlMapping) -> tuple[_Project, str] | None:
    """Returns the service that another one extends, as its project and its name."""
    extends = service.get("extends")
    if isinstance(extends, Scalar):
        return project, extends
    name = service.text("extends", "service")
    if name is None:
        return None
    file = service.text("extends", "file")
    if file is None:
        return project, name
    place = _place(project, file)
    other = project.loader.project(place) if place is not None else None
    return (other, name) if other else None


def _own_spec(project: _Project, service: YamlMapping) -> _Spec | None:
    build = service.get("build")
    platform = project.expand(service.text("platform"))
    if isinstance(build, Scalar) and not build.tag:
        spec = _Spec(context=_path(project, build, project.folder))
    elif isinstance(build, YamlMapping) and build.tag != "!reset":
        spec = _section(project, build)
    else:
        return None
    if platform and is_known(platform) and not spec.platforms:
        return replace(spec, platforms=(platform,))
    return spec


def _section(project: _Project, build: YamlMapping) -> _Spec:
    removed = {key for key, value in build.items.items() if value.tag == "!reset"}
    kept = YamlMapping({key: v for key, v in build.items.items() if key not in removed})
    context = kept.text("context")
    dockerfile = kept.text("dockerfile")
    return _Spec(
        context=None if context is None else _path(project, context, project.folder),
        dockerfile=None if dockerfile is None else _path(project, dockerfile, ""),
        is_inline=kept.get("dockerfile_inline") is not None,
        target=project.expand(kept.text("target")),
        arguments=_arguments(project, kept.get("args")),
        platforms=tuple(
            p for p in map(project.expand, kept.texts("platforms")) if p and is_known(p)
        ),
        named_contexts=_named_contexts(project, kept.get("additional_contexts")),
        removed=frozenset(removed),
        replaces=build.tag == "!override",
    )


def _path(project: _Project, text: str, folder: str) -> str:
    """Expands a path; Compose on Windows takes backslashes, and some files are written there."""
    path = project.expand(text) or "."
    return path if is_remote(path) else join(folder, path.replace("\\", "/"))


def _build(spec: _Spec, folder: str, found_by: str) -> Build | None:
    context = folder if spec.context is None else spec.context
    if spec.is_inline or is_remote(context):
        return None
    return Build(
        found_by=found_by,
        strength=Strength.DECLARED,
        context=context,
        dockerfiles=(
            (join(context, spec.dockerfile),)
            if spec.dockerfile is not None
            else default_dockerfiles(context)
        ),
        target=spec.target or None,
        build_args=spec.arguments,
        platforms=spec.platforms,
        named_contexts=spec.named_contexts,
    )


def _arguments(project: _Project, value: Value | None) -> dict[str, str | None]:
    if not isinstance(value, YamlMapping):
        return build_arguments([project.expand_argument(item) for item in scalars(value)])
    arguments: dict[str, str | None] = {}
    for name, item in value.items.items():
        if isinstance(item, Scalar):
            text = None if item.is_null else project.expand_argument(_go_text(item))
            arguments[name] = text if text is not None and is_known(text) else None
    return arguments


def _named_contexts(project: _Project, value: Value | None) -> dict[str, str]:
    if not isinstance(value, YamlMapping):
        return named_contexts([project.expand(item) or "" for item in scalars(value)])
    pairs = ((name, value.text(name)) for name in value.items)
    return {name: project.expand(text) or "" for name, text in pairs if text is not None}


def _go_text(scalar: Scalar) -> str:
    """Returns what a number becomes on its way through Go: ``3.10`` is the float 3.1 and
    printed as such (compose-go, fmt.Sprint in its mapping transformer)."""
    text = str(scalar)
    if not scalar.plain or not _NUMBER.fullmatch(text) or _PLAIN_INTEGER.fullmatch(text):
        return text
    if _FLOAT.fullmatch(text) and len(text) < 16:
        return f"{float(text):.15g}"
    return text if text.count(".") > 1 else UNKNOWN


def _read_dot_env(text: str) -> dict[str, str]:
    variables: dict[str, str] = {}
    for line in text.split("\n"):
        if match := _ENV_LINE.fullmatch(line.rstrip("\r")):
            variables[match[1]] = _dot_env_value(match[2])
    return variables


def _dot_env_value(text: str) -> str:
    quote = text[:1]
    if quote in ('"', "'") and text.find(quote, 1) > 0:
        value = text[1 : text.find(quote, 1)]
    else:
        value = re.split(r"(?:^|\s)#", text, maxsplit=1)[0].strip()
    return UNKNOWN if "$" in value and quote != "'" else bounded(value)


def _interpolated(text: str, variables: Mapping[str, str], depth: int = 0) -> str:
    """Expands variables; source: compose-spec, 12-interpolation.md. What nothing sets is unknown:
    it would be empty, but only if nobody's environment has it."""
    parts: list[str] = []
    at = length = 0
    while match := _VARIABLE.search(text, at):
        parts.append(text[at : match.start()])
        at = match.end()
        if match[0] == "$$":
            parts.append("$")
        elif match[1]:
            parts.append(variables.get(match[1], UNKNOWN))
        else:
            end = _brace_end(text, at)
            parts.append(_braced(text[at:end], variables, depth))
            at = end + 1
        length += len(parts[-1])
        if length > LONGEST_VALUE:
            return UNKNOWN
    parts.append(text[at:])
    return "".join(parts)


def _brace_end(text: str, at: int) -> int:
    depth = 1
    for brace in _BRACE.finditer(text, at):
        depth += 1 if brace[0] == "${" else -1
        if not depth:
            return brace.start()
    return len(text)


def _braced(body: str, variables: Mapping[str, str], depth: int) -> str:
    match = _BRACED.fullmatch(body)
    if match is None or depth == _DEEPEST:
        return UNKNOWN
    name, operator, word = match.groups()
    value = variables.get(name)
    if operator is None:
        return UNKNOWN if value is None or word else value
    if operator in (":-", "-"):
        is_missing = value is None or (operator == ":-" and not value)
        return _interpolated(word, variables, depth + 1) if is_missing else value or ""
    if operator in (":?", "?"):
        return value or UNKNOWN
    return UNKNOWN
