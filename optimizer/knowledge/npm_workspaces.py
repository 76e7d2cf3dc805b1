"""The members of an npm workspace: the directories that `workspaces` in package.json names.

Source: npm/map-workspaces lib/index.js (appendNegatedPatterns, getPatterns, mapWorkspaces).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache

from optimizer.knowledge.manifests import JsonManifest, Survey, hold, resolve


def member_directories(survey: Survey, root: str, manifest: JsonManifest) -> tuple[str, ...]:
    """Returns the absolute directories of the members that have a package.json, sorted."""
    patterns, negated = _patterns(manifest)
    found = set()
    for pattern in patterns:
        for alternative in expand_braces(pattern):
            for directory in _matches(survey, root, alternative.strip("/").split("/")):
                relative = directory.removeprefix(root).lstrip("/")
                if relative and not any(_excludes(rule, relative) for rule in negated):
                    found.add(directory)
    return tuple(
        sorted(found_ for found_ in found if survey.has_file(resolve(found_, "package.json")))
    )


def _patterns(manifest: JsonManifest) -> tuple[list[str], list[str]]:
    declared = manifest.data.get("workspaces")
    if isinstance(declared, Mapping):
        declared = declared.get("packages")
    patterns: list[str] = []
    negated: list[str] = []
    for pattern in declared if isinstance(declared, list) else ():
        if not isinstance(pattern, str):
            continue
        bangs = len(pattern) - len(pattern.lstrip("!"))
        bare = re.sub(r"^\.?/+", "", pattern[bangs:].replace("\\", "/")).rstrip("/")
        _check(bare, manifest)
        if bangs % 2:
            negated.append(bare)
        else:
            negated = [rule for rule in negated if not _covers(rule, bare)]
            patterns.append(bare)
    return patterns, negated


def _check(pattern: str, manifest: JsonManifest) -> None:
    line = manifest.line_of_key("workspaces")
    if ".." in pattern.split("/"):
        hold(
            "workspace-outside-root",
            f"{manifest.path} names the workspace {pattern}, outside its own directory.",
            "Move the workspace below the root.",
            manifest.path,
            line,
        )
    # The limits keep a hostile pattern from taking more than linear time.
    excessive = pattern.count("{") > 4 or pattern.count("*") > 8 or "***" in pattern
    if excessive or re.search(r"[@+?*!]\(|\[|\{[^}]*\.\.|\{[^}]*\{", pattern):
        hold(
            "unsupported-workspace-glob",
            f"{manifest.path} names workspaces by {pattern}, which dockopt does not read.",
            "List the workspaces with plain * patterns.",
            manifest.path,
            line,
        )


def expand_braces(pattern: str) -> Iterator[str]:
    """Yields the alternatives of ``a/{b,c}``; braces that stand in braces are not expanded."""
    match = re.search(r"\{([^{}]*,[^{}]*)\}", pattern)
    if match is None:
        yield pattern
        return
    for choice in match[1].split(","):
        yield from expand_braces(pattern[: match.start()] + choice + pattern[match.end() :])


def _matches(survey: Survey, directory: str, segments: Sequence[str]) -> Iterator[str]:
    if not segments:
        yield directory
        return
    first, rest = segments[0], segments[1:]
    if first == "**":
        while rest[:1] == ["**"]:
            rest = rest[1:]
        yield from _matches(survey, directory, rest)
        for child in _directories(survey, directory, links=False):
            yield from _matches(survey, child, [first, *rest])
    elif "*" in first or "?" in first:
        rule = _segment_regex(first)
        for child in _directories(survey, directory, hidden=first.startswith(".")):
            if rule.fullmatch(child.rpartition("/")[2]):
                yield from _matches(survey, child, rest)
    elif first == ".":
        yield from _matches(survey, directory, rest)
    elif survey.has_dir(resolve(directory, first)):
        yield from _matches(survey, resolve(directory, first), rest)


def _directories(
    survey: Survey, directory: str, links: bool = True, hidden: bool = False
) -> Iterator[str]:
    """Yields the directories that a glob walks into: no node_modules, no hidden ones by default.

    ``**`` does not follow links (glob docs, "Glob Primer"), so there a link is passed over;
    elsewhere it holds the survey.
    """
    for name in survey.files.children(directory):
        path = resolve(directory, name)
        if name == "node_modules" or (name.startswith(".") and not hidden):
            continue
        if not links and survey.files.kind(path) == "link":
            continue
        if survey.has_dir(path):
            yield path


@lru_cache(maxsize=256)
def _segment_regex(segment: str) -> re.Pattern[str]:
    parts = {"*": "[^/]*", "?": "[^/]"}
    return re.compile("".join(parts.get(char, re.escape(char)) for char in segment))


def _covers(rule: str, path: str) -> bool:
    """minimatch: ``a/**`` matches what lies below ``a``, not ``a``."""
    return any(_path_regex(choice).fullmatch(path) for choice in expand_braces(rule))


def _excludes(rule: str, directory: str) -> bool:
    """glob's ignore rules are tried on a directory with and without its final slash."""
    return _covers(rule, directory) or _covers(rule, directory + "/")


@lru_cache(maxsize=256)
def _path_regex(rule: str) -> re.Pattern[str]:
    text = re.escape(rule).replace(r"\*\*/", "(?:[^/]+/)*").replace(r"/\*\*", "/.*")
    return re.compile(text.replace(r"\*", "[^/]*").replace(r"\?", "[^/]"))
