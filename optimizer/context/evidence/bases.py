"""Dockerfiles: the images that they start from or copy from, and builds in their comments."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from optimizer.context.evidence.build import UNKNOWN, Evidence, Files, ImageUse, bounded

_LINE: Final = re.compile(
    r"(?i)[ \t]*(?:ARG[ \t]+(?P<name>\w+)=(?P<value>[^\s'\"]+|\"[^\"\n]*\")[ \t\r]*"
    r"|FROM[ \t]+(?:--\S+[ \t]+)*(?P<base>\S+)(?:[ \t]+AS[ \t]+(?P<stage>\S+))?[ \t\r]*"
    r"|(?:COPY|ADD)[ \t](?:--\S+[ \t]+)*?--from=(?P<other>\S+)[ \t].*)"
)
_COMMENT: Final = re.compile(r"(?:docker|podman|nerdctl|buildx|image)[ \t]+build\b|buildah[ \t]")
_LONGEST_LINE: Final = 1000
_VARIABLE: Final = re.compile(r"\$(?:\{(\w+)(?::?-([^}]*))?\}|(\w+))")


def read_dockerfile(path: str, text: str, files: Files) -> Iterator[Evidence]:
    """Lists the images that a Dockerfile needs and does not make, and the builds in comments."""
    if _COMMENT.search(text):
        # Few Dockerfiles speak of builds, and reading commands takes a while to load.
        from optimizer.context.evidence.scripts import read_comments

        yield from read_comments(path, text, files)
    values: dict[str, str] = {}
    stages: set[str] = set()
    for number, line in enumerate(text.split("\n"), 1):
        said = _LINE.fullmatch(line) if len(line) <= _LONGEST_LINE else None
        if said is None:
            continue
        if said["name"]:
            values[said["name"]] = said["value"].strip('"')
            continue
        image = _expanded(said["base"] or said["other"], values)
        if image.lower() not in stages and not image.isdecimal():
            yield ImageUse(f"{path}:{number}", image, is_base=True)
        if said["stage"]:
            stages.add(said["stage"].lower())


def _expanded(text: str, values: dict[str, str]) -> str:
    """Puts in the defaults of arguments, each once."""
    return bounded(_VARIABLE.sub(lambda m: values.get(m[1] or m[3], m[2] or UNKNOWN), text))
