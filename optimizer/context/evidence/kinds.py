"""Which reader a file of the repository is for, told by its path and by a word it must hold."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Final, cast

from optimizer.context.dockerfiles import has_dockerfile_name
from optimizer.context.evidence.build import Evidence, Files, Reader

_ENGINE: Final = r"(?i)docker|podman|nerdctl|buildah|buildx|kaniko|depot|finch|\bimg\b"
_DECLARED: Final = r"build|extends|include"


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of file."""

    paths: str
    """A pattern of paths; where no folder stands in it, of names."""
    words: str
    """A pattern that a file must hold somewhere to be worth reading."""
    reader: str
    """Module and function, imported when the first file holds such a word."""

    def read(self, path: str, text: str, files: Files) -> Iterator[Evidence]:
        """Lists what the file says."""
        if _pattern(self.words).search(text):
            yield from _imported(self.reader)(path, text, files)

    def fits(self, path: str, name: str) -> bool:
        """Says whether the file at ``path``, called ``name``, is of this kind."""
        subject = path if "/" in self.paths.replace("[^/]", "") else name
        return _pattern(self.paths).fullmatch(subject) is not None


# The first kind that fits counts. The paths are those that each tool's own documentation names
# as its defaults.
_YAML: Final = (
    Kind(r"[^/]*compose[^/]*", _DECLARED, "compose.read"),
    Kind(r"skaffold[^/]*", "artifacts", "declared.read_skaffold"),
    Kind(r"[Tt]askfile(?:\.dist)?\.[^/]*", _ENGINE, "scripts.read_taskfile"),
    Kind(
        r"\.(?:github|gitea|forgejo)/workflows/[^/]+",
        rf"{_ENGINE}|uses:\s*['\"]?\./|container:",
        "workflows.read",
    ),
    Kind(r"(?:[^/]*\.)?gitlab-ci\.[^/]+", _ENGINE, "ci.read"),
    Kind(r"(?:\.gitlab|\.?azure-pipelines)/.+", _ENGINE, "ci.read"),
    Kind(r"\.(?:circleci|buildkite|semaphore|woodpecker)/[^/]+", _ENGINE, "ci.read"),
    Kind(r"\.?(?:azure-pipelines|cloudbuild|buildspec)[^/]*", _ENGINE, "ci.read"),
    Kind(r"\.(?:travis|drone|woodpecker|cirrus)\.[^/]+", _ENGINE, "ci.read"),
    Kind(r"(?:\.?appveyor|codefresh|bitbucket-pipelines)\.[^/]+", _ENGINE, "ci.read"),
)
_SHELL: Final = Kind(r"[^/]+", _ENGINE, "scripts.read_shell")
_BAKE: Final = Kind(r"[^/]*bake[^/]*", "target", "bake.read")
_KINDS: Final = {
    "yml": _YAML,
    "yaml": _YAML,
    "hcl": (_BAKE,),
    "json": (
        Kind(r"package\.json", _ENGINE, "scripts.read_package_json"),
        _BAKE,
        Kind(
            r"(?:.*/)?\.devcontainer/(?:[^/]+/)?devcontainer\.json",
            "ocker",
            "declared.read_devcontainer",
        ),
        Kind(r"\.devcontainer\.json", "ocker", "declared.read_devcontainer"),
    ),
    "sh": (_SHELL,),
    "bash": (_SHELL,),
    "zsh": (_SHELL,),
    "mk": (Kind(r"[^/]+", _ENGINE, "makefiles.read_makefile"),),
    "mak": (Kind(r"[^/]+", _ENGINE, "makefiles.read_makefile"),),
    "just": (Kind(r"[^/]+", _ENGINE, "makefiles.read_justfile"),),
    "jenkinsfile": (Kind(r"[^/]+", _ENGINE, "jenkins.read"),),
    "md": (
        Kind(
            r"(?i:readme|building|contributing|development|install)[^/]*",
            _ENGINE,
            "scripts.read_readme",
        ),
    ),
    "": (
        Kind(
            r"(?:.*/)?(?:bin|build|ci|dev|hack|scripts?|tools?)/[^/]+|(?:docker-)?build[^/]*",
            _ENGINE,
            "scripts.read_shell",
        ),
    ),
}
_FILES: Final = (
    Kind(r"(?:GNUm|[Mm])akefile(?:\.[^/]+)?", _ENGINE, "makefiles.read_makefile"),
    Kind(r"\.?[Jj]ustfile", _ENGINE, "makefiles.read_justfile"),
    Kind(r"Jenkinsfile[^/]*", _ENGINE, "jenkins.read"),
)
_DOCKERFILE: Final = Kind(r"", r"(?i)from|build", "bases.read_dockerfile")


@cache
def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(text)


@cache
def _imported(reader: str) -> Reader:
    module, _, function = reader.partition(".")
    return cast(Reader, getattr(importlib.import_module(f"{__package__}.{module}"), function))


def kind_of(path: str) -> Kind | None:
    """Returns the kind of the file at ``path``, relative to the root; None: it tells nothing."""
    name = path.rpartition("/")[2]
    end = name.rpartition(".")[2].lower() if "." in name else ""
    is_called_file = "ile" in name
    if end not in _KINDS and not is_called_file:
        return None
    for kind in (*_FILES, *_KINDS.get(end, ())) if is_called_file else _KINDS[end]:
        if kind.fits(path, name):
            return kind
    return _DOCKERFILE if is_called_file and has_dockerfile_name(name) else None
