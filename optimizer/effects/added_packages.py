"""A line that installs packages of the distribution, or more words in one that is there."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from optimizer.cst.edit import Edit, Insert, Replace
from optimizer.cst.nodes import Dockerfile
from optimizer.cst.source import Span
from optimizer.effects.effects import CommandEffects, Effects
from optimizer.model.stages import Stage, Step


def added_packages(
    tree: Dockerfile,
    stage: Stage,
    effects: Iterable[Effects],
    packages: Sequence[str],
    is_alpine: bool,
) -> Edit:
    """Returns the edit that installs ``packages`` in ``stage``.

    ``effects`` are those of its RUNs from the top on, as far as nothing above them needs the
    packages. The first of them that installs packages takes the names; else a line right below
    FROM does it, where the user is still the image's.
    """
    for each in effects:
        place = _list_of(each)
        if place is not None:
            return _longer(tree, each.step, place, packages)
    keyword = "run" if tree.text(stage.instruction.keyword_span).islower() else "RUN"
    line = _line(packages, is_alpine, tree.escape)
    return Insert(f"{keyword} {line}\n", after=stage.instruction)


def _line(packages: Sequence[str], is_alpine: bool, escape: str) -> str:
    words = " ".join(packages)
    if is_alpine:
        return f"apk add --no-cache {words}"
    return (
        f"apt-get update && apt-get install -y --no-install-recommends {words} {escape}\n"
        "    && rm -rf /var/lib/apt/lists/*"
    )


def _list_of(effects: Effects) -> CommandEffects | None:
    """Returns the command of a RUN that installs packages, None where there is none, or where it
    may see lists of packages that are too old."""
    is_fresh = False
    for command in effects.commands:
        words = command.words or ()
        bare = [word for word in words if not word.startswith("-")]
        if bare[:2] in (["apt-get", "update"], ["apt", "update"]):
            is_fresh = True
        if bare[:2] in (["apt-get", "install"], ["apt", "install"]) and bare[2:] and is_fresh:
            return command
        if bare[:2] == ["apk", "add"] and bare[2:]:
            return command
    return None


def _longer(tree: Dockerfile, step: Step, command: CommandEffects, packages: Sequence[str]) -> Edit:
    """Puts the packages in front of the first one, each on a line of its own where that one is."""
    assert command.words is not None
    text = tree.text(command.span)
    at, line_start = _first_package(text, command.words)
    if line_start is None:
        new = "".join(f"{name} " for name in packages)
    else:
        between = text[line_start:at]
        end = f"{tree.escape}{tree.source.newline}{between}"
        new = "".join(f"{name} {end}" for name in packages)
    place = command.span.start + at
    return Replace(Span(place, place), new)


def _first_package(text: str, words: Sequence[str]) -> tuple[int, int | None]:
    """Returns where the first package stands, and where its line begins if it is first there."""
    verb = next(i for i, word in enumerate(words) if word in ("install", "add"))
    first = next(word for word in words[verb + 1 :] if not word.startswith("-"))
    start = re.search(r"\b(?:install|add)\b", text)
    pattern = re.compile(rf"(?<!\S){re.escape(first)}(?!\S)")
    match = pattern.search(text, start.end() if start else 0)
    at = match.start() if match is not None else len(text)
    before = text.rfind("\n", 0, at) + 1
    alone = before > 0 and not text[before:at].strip()
    return at, before if alone else None
