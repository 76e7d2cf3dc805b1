"""`dockopt pr --dry-run`: what would be pushed and opened, as files."""

from __future__ import annotations

from pathlib import Path

from optimizer.forge.forge import Forge
from optimizer.report.pull_request import title
from optimizer.surfaces.pr.clone import Clone
from optimizer.surfaces.pr.publish import Done, text
from optimizer.surfaces.pr.unit import Author, Unit, commits
from optimizer.surfaces.write import write_report


def write_down(clone: Clone, unit: Unit, author: Author, forge: Forge | None, into: Path) -> Done:
    """Writes a folder for ``unit``: one patch for each commit, for `git am`, and the title and
    the text of the pull request. Raises `GitError`, `NotAsStored` and OSError."""
    if not unit.changed:
        return Done(unit.path, unit.branch, "nothing")
    folder = into / unit.branch.rpartition("/")[2]
    folder.mkdir(parents=True, exist_ok=True)
    for stale in folder.glob("[0-9][0-9][0-9][0-9]-*.patch"):
        stale.unlink()
    transforms = [each.transform for outcome in unit.outcomes for each in outcome.applied]
    made = commits(clone, unit, author)
    for at, (commit, transform) in enumerate(zip(made, transforms, strict=True), 1):
        write_report(folder / f"{at:04}-{transform}.patch", clone.patch(commit))
    heading = title(unit.outcomes)
    write_report(folder / "title.txt", f"{heading}\n".encode("utf-8", "backslashreplace"))
    said = text(unit, forge)
    write_report(folder / "body.md", said.encode("utf-8", "backslashreplace"))
    return Done(unit.path, unit.branch, "written", str(folder))
