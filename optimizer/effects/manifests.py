"""COPY lines that bring chosen files of a wider COPY, and nothing else, to the same places."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from posixpath import basename, dirname

from optimizer.cst.nodes import Dockerfile
from optimizer.effects.copies import CopySource, CopyStep, ForeignCopy, StageFiles, is_below
from optimizer.knowledge.installs import Inputs, Obstacle

PLAIN = re.compile(r"^[\w@%+=:,./~-]+$")
"""Names that need no quoting in either form of COPY."""

_ADD_ONLY = frozenset({"checksum", "keep-git-dir", "unpack"})


@dataclass(frozen=True, slots=True)
class _Group:
    """Files that one COPY can bring: same folder in the context, same folder in the image."""

    source: CopySource
    folder: str
    sources: tuple[str, ...]


def unspeakable(paths: Iterable[str]) -> str | None:
    """Returns a context path that COPY cannot name without wildcards or variables, if any."""
    return next((path for path in paths if re.search(r"[*?\[\]\\$\"'\x00-\x1f]", path)), None)


def copy_lines(tree: Dockerfile, copy: CopyStep, files: Sequence[str], trees: Sequence[str]) -> str:
    """Returns the lines that copy the image paths ``files`` and directories ``trees``.

    One COPY a folder, since several sources in one COPY would be flattened into
    its target; flags, form and spelling are those of ``copy``.
    """
    lines = [_line(tree, copy, group.sources, group.folder) for group in _groups(copy, files)]
    for path in trees:
        source = copy.source_of(path)
        assert source is not None, f"{path} is not copied by line {copy.step.instruction.line}"
        named = f"{_spelled(source, path)}/"
        lines.append(_line(tree, copy, (named,), _target(copy, source, path)))
    return "".join(f"{line}\n" for line in lines)


def _groups(copy: CopyStep, files: Sequence[str]) -> list[_Group]:
    found: dict[tuple[int, str], tuple[CopySource, list[str]]] = {}
    for path in sorted(files, key=place_in_list):
        source = copy.source_of(path)
        assert source is not None, f"{path} is not copied by line {copy.step.instruction.line}"
        index = copy.sources.index(source) if source.is_dir else -1
        _, sources = found.setdefault((index, dirname(path)), (source, []))
        sources.append(_spelled(source, path))
    return [
        _Group(source, _target(copy, source, folder), tuple(sources))
        for (_, folder), (source, sources) in found.items()
    ]


def place_in_list(path: str) -> tuple[int, bool, bool, str]:
    """Orders files as people list them: upper folders first, a manifest before the lockfile
    that locks it, settings last."""
    name = basename(path)
    is_lock = re.search(r"lock|shrinkwrap|\.sum$", name) is not None
    return path.count("/"), name.startswith("."), is_lock, path


def _spelled(source: CopySource, image_path: str) -> str:
    """Spells the context path as the author spelled the source it comes from."""
    path = source.context_path(image_path)
    assert path is not None
    written = source.word.value
    if written.startswith("./") and written.strip("./"):
        return f"./{path}"
    return path


def _target(copy: CopyStep, source: CopySource, folder: str) -> str:
    """Spells an image folder below the author's target, with a slash at its end; the author's
    target itself where that is the name of the file (``COPY web/pom.xml pom.xml``)."""
    written = copy.step.instruction.words[-1].value
    if not source.is_dir and source.target == copy.target:
        return written
    base = "./" if written in (".", "./") else f"{written.rstrip('/')}/"
    if not source.is_dir:
        return base
    rest = folder[len(source.target) :].strip("/")
    return f"{base}{rest}/" if rest else base


def _line(tree: Dockerfile, copy: CopyStep, sources: Sequence[str], target: str) -> str:
    instruction = copy.step.instruction
    keyword = "copy" if tree.text(instruction.keyword_span).islower() else "COPY"
    flags = [tree.text(flag.span) for flag in instruction.flags if flag.name not in _ADD_ONLY]
    words = [*sources, target]
    plain = all(PLAIN.match(word) for word in sources) and not re.search(r"\s", target)
    if instruction.exec_form is not None or not plain:
        return " ".join([keyword, *flags, json.dumps(words, ensure_ascii=False)])
    return " ".join([keyword, *flags, *words])


def staying_files(
    above: Sequence[CopyStep | ForeignCopy], moved: Sequence[CopyStep], inputs: Inputs
) -> Mapping[CopyStep, tuple[list[str], list[str]]] | Obstacle:
    """Says which files and directories have to stay above an install when ``moved`` go below it.

    ``above`` are all copies above the install. The answer holds, for each copy in
    ``moved``, the image paths of the inputs that only it brings.
    """
    known = [copy for copy in above if isinstance(copy, CopyStep)]
    files = StageFiles(tuple(known))
    stays: dict[CopyStep, tuple[list[str], list[str]]] = {copy: ([], []) for copy in moved}
    for kind, paths in enumerate((inputs.reads, inputs.trees)):
        for path in paths:
            provider = files.provider(path)
            if provider is None:
                return Obstacle(
                    "manifest-outside-copy",
                    f"{path} is read, and no COPY above the install brings it.",
                    "Copy it from the build context.",
                )
            covering = _covering(above, provider, path)
            if covering is not None:
                return Obstacle(
                    "manifest-outside-copy",
                    f"{path} is read, and line {covering.step.instruction.line} may replace it: "
                    f"{covering.reason}.",
                    "Copy it from the build context alone.",
                )
            entry = provider.find(path)
            if provider not in stays or any(
                copy not in stays and copy.find(path) == entry for copy in known
            ):
                continue
            stays[provider][kind].append(path)
    named = [
        entry.path
        for copy, kinds in stays.items()
        for path in (*kinds[0], *kinds[1])
        if (entry := copy.find(path)) is not None
    ]
    if (odd := unspeakable(named)) is not None:
        return Obstacle(
            "file-name-not-copyable",
            f"COPY cannot name {odd!r} without wildcards or variables.",
            "Rename the file.",
        )
    return stays


def _covering(
    above: Sequence[CopyStep | ForeignCopy], provider: CopyStep, path: str
) -> ForeignCopy | None:
    """Returns a copy of unknown files, below ``provider``, that may write ``path``.

    A target of ``/`` is left out: images copy single tools there, and a
    dependency manifest is none.
    """
    for copy in above[above.index(provider) + 1 :]:
        if isinstance(copy, ForeignCopy) and copy.target not in (None, "/"):
            assert copy.target is not None
            if is_below(path, copy.target):
                return copy
    return None
