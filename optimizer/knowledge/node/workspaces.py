"""The members of a workspace: the directories that patterns in package.json or in
pnpm-workspace.yaml name.

Sources: npm/map-workspaces lib/index.js (appendNegatedPatterns, getPatterns, mapWorkspaces);
yarn 1.22 src/config.js (resolveWorkspaces); yarnpkg/berry Workspace.ts (setup);
pnpm fs/find-packages/src/index.ts; bun's documentation, "Workspaces".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from optimizer.knowledge.manifests import JsonManifest, Survey, hold, resolve


@dataclass(frozen=True, slots=True)
class Patterns:
    """Globs of directories below a root: those wanted, and those that are left out of them."""

    wanted: tuple[str, ...]
    excluded: tuple[str, ...] = ()


def member_directories(survey: Survey, root: str, manifest: JsonManifest) -> tuple[str, ...]:
    """Returns the absolute directories of the members of an npm workspace, sorted."""
    return matching_directories(survey, root, npm_patterns(manifest))


def matching_directories(
    survey: Survey, root: str, patterns: Patterns, manifests: Sequence[str] = ("package.json",)
) -> tuple[str, ...]:
    """Returns the absolute directories below ``root`` that match and have a file that is named
    as one of ``manifests``, sorted.

    The root is not among them. Holds for a member that is a link.
    """
    found = set()
    for pattern in patterns.wanted:
        for alternative in expand_braces(pattern):
            for directory in _matches(survey, root, alternative.strip("/").split("/")):
                relative = directory.removeprefix(root).lstrip("/")
                if relative and not any(_excludes(rule, relative) for rule in patterns.excluded):
                    found.add(directory)
    return tuple(
        sorted(
            directory
            for directory in found
            if any(survey.has_file(resolve(directory, name)) for name in manifests)
        )
    )


def declared_workspaces(manifest: JsonManifest) -> tuple[str, ...]:
    """Returns the patterns that ``workspaces`` of a package.json declares, as they stand there."""
    declared = manifest.data.get("workspaces")
    if isinstance(declared, Mapping):
        declared = declared.get("packages")
    items = declared if isinstance(declared, list) else ()
    return tuple(pattern for pattern in items if isinstance(pattern, str))


def npm_patterns(manifest: JsonManifest) -> Patterns:
    """Reads ``workspaces`` as npm does: a later pattern takes back what it covers of an earlier
    exclusion."""
    wanted: list[str] = []
    excluded: list[str] = []
    line = manifest.line_of_key("workspaces")
    for pattern in declared_workspaces(manifest):
        bare, negated = _bare(pattern, manifest.path, line)
        if negated:
            excluded.append(bare)
        else:
            excluded = [rule for rule in excluded if not _covers(rule, bare)]
            wanted.append(bare)
    return Patterns(tuple(wanted), tuple(excluded))


def unordered_patterns(
    patterns: Iterable[str], path: str, line: int | None, excludes: bool = True
) -> Patterns:
    """Reads patterns where an exclusion holds wherever it stands, as pnpm's fast-glob does; with
    ``excludes`` False exclusions match nothing, as in yarn 1.

    ``path`` and ``line`` say where they are declared.
    """
    read = [_bare(pattern, path, line) for pattern in patterns]
    return Patterns(
        tuple(bare for bare, negated in read if not negated),
        tuple(bare for bare, negated in read if negated and excludes),
    )


def _bare(pattern: str, path: str, line: int | None) -> tuple[str, bool]:
    bangs = len(pattern) - len(pattern.lstrip("!"))
    bare = re.sub(r"^\.?/+", "", pattern[bangs:].replace("\\", "/")).rstrip("/")
    _check(bare, path, line)
    return bare, bangs % 2 == 1


def _check(pattern: str, path: str, line: int | None) -> None:
    if ".." in pattern.split("/"):
        hold(
            "workspace-outside-root",
            f"{path} names the workspace {pattern}, outside its own directory.",
            "Move the workspace below the root.",
            path,
            line,
        )
    # The limits keep a hostile pattern from taking more than linear time.
    excessive = pattern.count("{") > 4 or pattern.count("*") > 8 or "***" in pattern
    if excessive or re.search(r"[@+?*!]\(|\[|\{[^}]*\.\.|\{[^}]*\{", pattern):
        hold(
            "unsupported-workspace-glob",
            f"{path} names workspaces by {pattern}, which dockopt does not read.",
            "List the workspaces with plain * patterns.",
            path,
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
