"""What people did to their Dockerfiles, beside what dockopt makes of the same trees.

The corpus lists commits (``dev_human_edits.tsv``) that moved the sources of a Dockerfile below an
install, added the dependency step that a build lacked, moved system packages above the sources, or
took one of these back. For an edit that was made, dockopt is asked about the tree before it; for
one that was taken back, about the tree that people went back to, where it must not propose what
they had given up.
"""

from __future__ import annotations

import csv
import io
import os
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from optimizer.catalog import transforms
from optimizer.context.find import RepositoryEvidence
from optimizer.context.tree import BuildContext
from optimizer.cst.parse import parse
from optimizer.cst.source import Source
from optimizer.history.read import read_history
from optimizer.history.versions import past_changes
from optimizer.journal import ContextAnswer, Outcome
from optimizer.model.stages import Invocation
from optimizer.pipeline import run
from optimizer.proposal import Safety
from optimizer.taken_back import Order, orders
from optimizer.view import Build
from tests.corpus.replay import clone
from tests.corpus.runs import ORDERING, VARIABLE

ORDERS = frozenset({"copyall-before-install", "copyall-build-no-dep-step", "syspkg-after-copyall"})
"""What the corpus calls files whose order costs rebuilds."""

COMMITS = 500
"""Commits of the history that dockopt is given, as by the command line."""

Answer: TypeAlias = Literal["proposed", "held back", "as they had it", "silent", "no tree"]


@dataclass(frozen=True)
class HumanEdit:
    """One commit that changed the order of one Dockerfile.

    ``asked`` is where dockopt is asked (commit and path), ``theirs`` where the file has the
    better order.
    """

    repository: str
    root: Path
    smell: str
    was_made: bool
    asked: tuple[str, str]
    theirs: tuple[str, str]
    subject: str


@dataclass(frozen=True)
class Compared:
    """What dockopt answers about the tree of one edit, and why."""

    edit: HumanEdit
    answer: Answer
    why: str


def human_edits(folder: Path) -> Iterator[HumanEdit]:
    """Yields the edits of order whose repository has a clone below ``folder``."""
    table = Path(os.environ[VARIABLE]) / "dev_human_edits.tsv"
    with table.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines, delimiter="\t"):
            root = clone(folder, row["repo"])
            before = (row["before_commit"], row["before_path"])
            after = (row["after_commit"], row["path"])
            for kind in row["kinds"].split(";"):
                verb, _, smell = kind.partition(":")
                if root is None or smell not in ORDERS:
                    continue
                made = verb == "fixed"
                asked, theirs = (before, after) if made else (after, before)
                yield HumanEdit(row["repo"], root, smell, made, asked, theirs, row["subject"])


def compared(edit: HumanEdit) -> Compared:
    """Asks dockopt about the tree of ``edit``."""
    theirs = _show(edit.root, *edit.theirs)
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder).resolve()
        problem = _check_out(edit.root, edit.asked[0], tree)
        file = tree / edit.asked[1]
        if problem is not None or theirs is None or not file.is_file():
            return Compared(edit, "no tree", problem or "the file is not in the commit")
        outcome = _rewrite(tree, file)
    if not outcome.changed:
        held = dict.fromkeys(f"{each.code} (line {each.line})" for each in outcome.held)
        return Compared(edit, "held back" if held else "silent", ", ".join(held))
    titles = "; ".join(f"{each.title} [{each.safety.label}]" for each in outcome.applied)
    new = _orders(outcome.after) - _orders(outcome.before)
    if not edit.was_made and new & _orders(theirs):
        return Compared(edit, "as they had it", titles)
    return Compared(edit, "proposed", titles)


def _rewrite(tree: Path, file: Path) -> Outcome:
    source = Source.from_bytes(file.relative_to(tree).as_posix(), file.read_bytes())
    context = RepositoryEvidence(tree).contexts_of(file).found[0].path
    answer = ContextAnswer(context.relative_to(tree).as_posix(), "the repository")
    history = read_history(tree, COMMITS)
    build = Build(
        BuildContext(context, dockerfile=file),
        Invocation(),
        answer,
        history=lambda: history,
        past=lambda: past_changes(history, source.path),
    )
    return run(source.path, source, (build,), transforms(select=ORDERING), Safety.CHANGES_IMAGE)


def _orders(text: str) -> frozenset[Order]:
    return orders(parse(Source("Dockerfile", text)))


def _show(root: Path, commit: str, path: str) -> str | None:
    shown = subprocess.run(
        ["git", "-C", str(root), "show", f"{commit}:{path}"], capture_output=True, check=False
    )
    return shown.stdout.decode("utf-8", "replace") if shown.returncode == 0 else None


def _check_out(root: Path, commit: str, into: Path) -> str | None:
    """Makes ``into`` a repository of the clone ``root`` at ``commit``; says why it cannot.

    A file that the clone does not hold is left out, and so is a link.
    """
    git = ["git", "-C", str(into)]
    for words in (["init", "-q"], ["update-ref", "--no-deref", "HEAD", commit]):
        if words[0] == "update-ref":
            alternates = into / ".git/objects/info/alternates"
            alternates.write_text(f"{_git_folder(root)}/objects\n", "utf-8")
        made = subprocess.run([*git, *words], capture_output=True, check=False)
        if made.returncode:
            return made.stderr.decode("utf-8", "replace").strip().splitlines()[-1]
    listed = subprocess.run(
        [*git, "ls-tree", "-r", "-z", "HEAD"], capture_output=True, check=True
    ).stdout
    files = [line.partition(b"\t") for line in listed.split(b"\0") if line.startswith(b"100")]
    asked = b"".join(head.split()[2] + b"\n" for head, _, _ in files)
    answers = io.BytesIO(
        subprocess.run(
            [*git, "cat-file", "--batch"], input=asked, capture_output=True, check=True
        ).stdout
    )
    for _, _, name in files:
        *_, size = answers.readline().split()
        if size.isdigit():
            path = into / os.fsdecode(name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(answers.read(int(size)))
            answers.read(1)
    return None


def _git_folder(root: Path) -> str:
    words = ["git", "-C", str(root), "rev-parse", "--path-format=absolute", "--git-common-dir"]
    return subprocess.run(words, capture_output=True, check=True, text=True).stdout.strip()


def report(found: Sequence[Compared]) -> Iterator[str]:
    """Yields the lines of a report: every edit, then how many of each answer."""
    for each in found:
        verb = "made" if each.edit.was_made else "taken back"
        yield f"{each.answer:15} {verb:10} {each.edit.smell:26} {each.edit.repository}"
        yield f"    {each.edit.asked[0][:10]} {each.edit.asked[1]}: {each.edit.subject}"
        if each.why:
            yield f"    {each.why}"
    for made in (True, False):
        counts = Counter(each.answer for each in found if each.edit.was_made == made)
        asked = sum(counts.values()) - counts["no tree"]
        counted = ", ".join(f"{count} {answer}" for answer, count in counts.most_common())
        if made:
            agreed = counts["proposed"]
            yield f"edits that people made: agreement {agreed} of {asked} ({counted})"
        else:
            wrong = counts["as they had it"]
            yield f"edits that people took back: {wrong} of {asked} proposed again ({counted})"


def main(folder: Path) -> int:
    """Prints the report; ends with 1 where an edit that was taken back is proposed again."""
    found = [compared(edit) for edit in human_edits(folder)]
    if not found:
        print(f"no clone of a repository of dev_human_edits.tsv lies below {folder}")
        return 2
    for line in report(found):
        print(line)
    return int(any(each.answer == "as they had it" for each in found))
