"""YAML that package managers of Node.js read: their settings, and the heads of their lockfiles."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from optimizer.knowledge.manifests import Survey, unreadable

_LONGEST = 2_000_000
"""Characters of YAML that are parsed at once; settings and the parts of lockfiles that are asked
for are far shorter."""


def read_yaml(survey: Survey, path: str, note: bool = True) -> Mapping[str, Any]:
    """Returns the mapping in the YAML file at ``path``, empty for an empty file.

    Notes the file as read unless told otherwise. Holds where it is no mapping of YAML.
    """
    text = survey.content(path, note).decode("utf-8", "replace").removeprefix("\ufeff")
    return _parsed(text, path, 1)


def read_section(text: str, key: str, path: str) -> Mapping[str, Any]:
    """Returns what stands under the top-level ``key`` of a lockfile, without parsing the rest.

    Lockfiles are written in block style, so a section ends where a line starts another one
    (pnpm: lockfile/fs/src/write.ts; Yarn: @yarnpkg/parsers, syml). Empty where there is none.
    """
    match = re.search(rf"^{re.escape(key)}:[ \t]*\r?\n(?P<body>(?:[ \t\r#].*\n|\n)*)", text, re.M)
    if match is None:
        return {}
    line = text.count("\n", 0, match.start("body")) + 1
    return _parsed(match["body"], path, line)


def hold_for_conflicts(text: str, path: str) -> None:
    """Holds where a merge left both versions in the file."""
    match = re.search(r"^(?:<{7}|>{7}) ", text, re.M)
    if match is not None:
        line = text.count("\n", 0, match.start()) + 1
        unreadable(path, "has the marks of an unresolved merge", line)


def _parsed(text: str, path: str, first: int) -> Mapping[str, Any]:
    import yaml

    if len(text) > _LONGEST:
        unreadable(path, "is longer than dockopt parses", first)
    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        found = yaml.load(text, loader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        what = getattr(error, "problem", None) or "it cannot be parsed"
        unreadable(path, f"is not valid YAML: {what}", first + mark.line if mark else first)
    except (ValueError, RecursionError) as error:
        unreadable(path, f"cannot be parsed: {error}", first)
    if found is None:
        return {}
    if not isinstance(found, dict):
        unreadable(path, "does not hold a mapping", first)
    return found
