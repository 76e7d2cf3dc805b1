"""Keeping files of the host out of the context, where a COPY would put them over installed ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from posixpath import basename

from optimizer.context.file_edit import FileEdit
from optimizer.context.ignore import with_pattern
from optimizer.context.tree import BuildContext
from optimizer.cst.nodes import Dockerfile
from optimizer.effects.copies import CopyStep, is_below
from optimizer.knowledge.installs import Obstacle

HOST_DIRECTORIES = frozenset({"node_modules", ".venv", "__pypackages__"})
"""Directories that an install makes on a developer's machine as well as in the image, so
that a context holds them sooner or later even where a fresh clone does not."""
HOST_FILES = frozenset({".pnp.cjs", ".pnp.loader.mjs", "unplugged", "install-state.gz"})
"""Files and directories of the kind that some projects commit and build with, so that only those
that are not there are hidden (Yarn's documentation, "Which files should be gitignored?")."""


def covered(copy: CopyStep, written: str) -> str | Obstacle | None:
    """Says whether ``copy``, below an install, would cover the image path ``written``.

    Returns the context path to ignore; None where nothing can be covered; an
    `Obstacle` where ignoring cannot help.
    """
    for source in copy.sources:
        if source.target == written or is_below(source.target, written):
            return Obstacle(
                "write-after-write",
                f"The install writes {written}, and so does line {copy.step.instruction.line}.",
                "Let the install write to a directory of its own.",
            )
        path = source.context_path(written)
        if path is None or copy.context.excluded(path):
            continue
        if basename(path) in HOST_DIRECTORIES:
            return path
        if basename(path) in HOST_FILES and copy.context.get(path) is None:
            return path
        if copy.context.get(path) is not None:
            return Obstacle(
                "host-files-over-installed",
                f"{path} in the build context would land on top of what the install writes.",
                f"Add `{path}` to .dockerignore.",
            )
    return None


def ignoring(
    context: BuildContext,
    tree: Dockerfile,
    neighbours: Callable[[], Sequence[Dockerfile]],
    paths: Sequence[str],
    otherwise: str,
) -> FileEdit | Obstacle:
    """Returns the ignore file with ``paths`` added.

    An `Obstacle` where ``tree``, or another of the ``neighbours`` that are built with the same
    file, copies one of them, or where adding lines cannot hide them; ``otherwise`` says what they
    would do: "would land on top of what `npm ci` installs".
    """
    for path in paths:
        if copies_from_host(tree, path):
            return Obstacle(
                "ignored-path-is-copied",
                f"{path} would have to be ignored, but a step of this file copies it.",
                f"Leave {path} to the install.",
            )
        if any(copies_from_host(other, path) for other in neighbours()):
            return Obstacle(
                "shared-ignore-file",
                f"{path} would have to be ignored, but another Dockerfile copies it.",
                f"Add `{path}` to an ignore file of this Dockerfile alone.",
            )
    return hide(context, paths) or Obstacle(
        "host-files-over-installed",
        f"{paths[0]} {otherwise}, and the ignore file brings it back.",
        f"Ignore {paths[0]}.",
    )


def hide(context: BuildContext, paths: Sequence[str]) -> FileEdit | None:
    """Returns the ignore file with ``paths`` added, or None where adding lines cannot hide them."""
    before = context.ignore_text
    after = before or ""
    for path in paths:
        after = with_pattern(after, path)
    edit = FileEdit(context.ignore_path, before, after)
    hidden = context.with_file(edit.path, after.encode("utf-8", "surrogateescape"))
    return edit if all(hidden.excluded(path) for path in paths) else None


def copies_from_host(tree: Dockerfile, name: str) -> bool:
    """Tells whether a COPY or ADD of ``tree`` names a context path with the component ``name``."""
    return any(
        name in word.value.split("/")
        for instruction in tree.instructions
        if instruction.keyword in ("COPY", "ADD") and instruction.flag("from") is None
        for word in instruction.words[:-1]
    ) or any(
        name in mount.options.get("source", "").split("/")
        for instruction in tree.instructions
        for mount in instruction.mounts
        if mount.type == "bind" and "from" not in mount.options
    )
