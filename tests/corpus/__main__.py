"""``python -m tests.corpus``: what dockopt makes of a folder of real Dockerfiles.

Every file goes through the whole catalogue with an empty context, with one that has the
manifests of every ecosystem, and with one that has whatever the file copies; with
``--repositories DIR`` every Dockerfile of the clones below ``DIR`` with its real context too. It
prints how many changed and what was held back, by code, then everything that must not be: a
crash, a lost line, a result that does not parse or does not settle. It ends with 1 where there is
any.

``python -m tests.corpus replay --repositories DIR`` says how many rebuilds of installs the
rewrites would have saved in the real histories of clones that the corpus' list of repositories
names (``dev_repos.tsv``).

``python -m tests.corpus humans --repositories DIR`` compares dockopt's answers with what people
did to the order of the same files (``dev_human_edits.tsv``).
"""

from __future__ import annotations

import argparse
import os
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from optimizer.context.dockerfiles import find_dockerfiles
from optimizer.context.find import RepositoryEvidence
from optimizer.context.tree import BuildContext
from optimizer.cst.source import Source
from tests.corpus import humans, replay
from tests.corpus.runs import KINDS, VARIABLE, Finding, context_of, corpus_files, findings, rewrite


def sources(folder: Path | None) -> Iterator[tuple[str, Source, BuildContext]]:
    """Yields ``(kind of context, file, context)``."""
    for path in corpus_files():
        source = Source.from_bytes(path.name, path.read_bytes())
        for kind in KINDS:
            yield kind, source, context_of(kind, source)
    for root in sorted(folder.iterdir()) if folder else ():
        evidence = RepositoryEvidence(root.resolve())
        for path in find_dockerfiles(root):
            source = Source.from_bytes(str(path), path.read_bytes())
            context = evidence.contexts_of(path.resolve()).found[0].path
            yield "real", source, BuildContext(context, dockerfile=path)


def main() -> int:
    options = argparse.ArgumentParser(prog="python -m tests.corpus", description=__doc__)
    options.add_argument("--repositories", type=Path, help="a folder of cloned repositories")
    options.add_argument("--show", action="store_true", help="list every answer")
    options.add_argument(
        "what",
        nargs="?",
        choices=("answers", "replay", "humans"),
        default="answers",
        help=argparse.SUPPRESS,
    )
    options.add_argument("--count", type=int, default=10, help="repositories that are replayed")
    options.add_argument("--commits", type=int, default=2000, help="commits of each (replay)")
    given = options.parse_args()
    if VARIABLE not in os.environ:
        print(f"{VARIABLE} is not set: it names the folder that holds dockerfiles/")
        return 2
    if given.what == "replay":
        if given.repositories is None:
            options.error("replay wants --repositories, a folder of clones")
        return replay.main(given.repositories, given.count, given.commits)
    if given.what == "humans":
        if given.repositories is None:
            options.error("humans wants --repositories, a folder of clones")
        return humans.main(given.repositories)
    counts: Counter[tuple[str, str]] = Counter()
    wrong: list[Finding] = []
    for kind, source, context in sources(given.repositories):
        try:
            outcome = rewrite(source, context)
            wrong += findings(source, outcome, context)
        except Exception as error:
            wrong.append(Finding(source.path, f"crashed: {error!r}"))
            continue
        counts[kind, "files"] += 1
        counts[kind, "changed"] += outcome.changed
        counts[kind, "refused by BuildKit"] += bool(outcome.diagnostics)
        for held in outcome.held:
            counts[kind, f"held back: {held.code}"] += 1
        if given.show:
            said = [f"{change.title} ({change.safety.label})" for change in outcome.applied]
            said += [f"held back: {held.code}: {held.reason}" for held in outcome.held]
            print("".join(f"{kind} {source.path}: {each}\n" for each in said), end="")
    for (kind, what), count in sorted(counts.items()):
        print(f"{kind:<9}{count:6d}  {what}")
    print(f"\n{len(wrong)} things that must not be")
    for finding in wrong:
        print(f"  {finding.path}: {finding.what}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
