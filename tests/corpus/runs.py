"""One corpus file through the whole pipeline, and everything that must hold of the result."""

from __future__ import annotations

import json
import os
import posixpath
import re
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from optimizer.catalog import transforms
from optimizer.context.tree import BuildContext
from optimizer.cst.parse import parse
from optimizer.cst.source import Source
from optimizer.journal import ContextAnswer, Outcome
from optimizer.model.stages import Invocation, read_stages
from optimizer.model.values import Known
from optimizer.pipeline import run
from optimizer.proposal import Safety
from optimizer.transform import Transform
from optimizer.view import Build

VARIABLE = "DOCKOPT_CORPUS"
ORDERING = (
    "split-builder-stage",
    "copy-manifests-first",
    "complete-manifests",
    "order-by-volatility",
)
"""The transforms that decide on what a step stands. What they move keeps its text, by which a step
is found again."""

_PACKAGE = {"name": "app", "version": "1.0.0"}
GENEROUS: Mapping[str, bytes] = {
    "package.json": json.dumps(_PACKAGE).encode(),
    "package-lock.json": json.dumps(
        {**_PACKAGE, "lockfileVersion": 3, "packages": {"": _PACKAGE}}
    ).encode(),
    "requirements.txt": b"six==1.16.0\n",
    "go.mod": b"module example.com/app\n\ngo 1.21\n\nrequire h.c/a v1.0.0\n",
    "go.sum": b"h.c/a v1.0.0 h1:x=\nh.c/a v1.0.0/go.mod h1:y=\n",
    "Cargo.toml": b'[package]\nname = "app"\nversion = "0.1.0"\n',
    "Cargo.lock": b'[[package]]\nname = "x"\nversion = "1.0.0"\nsource = "registry+https://h"\n',
    "src/main.rs": b"",
    "src/web.rs": b"",
    "src/index.js": b"",
    "app.py": b"",
    "main.go": b"package main\n",
    ".dockerignore": b"node_modules\n",
}
"""A context that has the manifests of every ecosystem, so that rewrites happen."""


KINDS = ("empty", "generous", "fitting")
"""The contexts that every file is read with."""


def corpus_files() -> Iterator[Path]:
    """Yields the Dockerfiles of the corpus; raises KeyError where `VARIABLE` is not set."""
    yield from sorted((Path(os.environ[VARIABLE]) / "dockerfiles").iterdir())


def is_at_hand() -> bool:
    """Says whether `VARIABLE` names a corpus."""
    return VARIABLE in os.environ


@dataclass(frozen=True)
class Rewritten:
    """A corpus file that the catalogue changes in a context of the kind in its ``name``, with the
    text of the ignore file."""

    name: str
    before: bytes
    after: bytes
    ignored_before: bytes
    ignored_after: bytes


def rewritten_files() -> Iterator[Rewritten]:
    """Yields the files of the corpus that change in a generous or a fitting context, each text
    once."""
    for path in corpus_files():
        source = Source.from_bytes(path.name, path.read_bytes())
        seen: set[tuple[bytes, bytes]] = set()
        for kind in ("generous", "fitting"):
            context = context_of(kind, source)
            outcome = rewrite(source, context)
            after = Source(source.path, outcome.after).data
            ignored = _ignore_of(with_files(context, outcome))
            if outcome.changed and (after, ignored) not in seen:
                seen.add((after, ignored))
                yield Rewritten(
                    f"{path.name} ({kind})", source.data, after, _ignore_of(context), ignored
                )


def _ignore_of(context: BuildContext) -> bytes:
    return (context.ignore_text or "").encode("utf-8", "surrogateescape")


def rewrite(
    source: Source, context: BuildContext, chosen: Sequence[Transform] | None = None
) -> Outcome:
    """Runs the whole catalogue on ``source``, or the transforms ``chosen``, in their order."""
    build = Build(context, Invocation(), ContextAnswer(".", "the corpus run"))
    return run(
        source.path,
        source,
        (build,),
        transforms() if chosen is None else chosen,
        Safety.CHANGES_IMAGE,
    )


def context_of(kind: str, source: Source) -> BuildContext:
    """Returns a context with ``source`` as its Dockerfile: an ``empty`` one, a ``generous`` one,
    or one that is ``fitting``, which is generous and has whatever else the file copies."""
    files = {} if kind == "empty" else dict(GENEROUS)
    if kind == "fitting":
        paths = {*files, *_copied(source)}
        folders = {parent for path in paths for parent in _parents(path)}
        files = {path: files.get(path, b"") for path in sorted(paths - folders)}
    return BuildContext.from_listing({**files, "Dockerfile": source.data})


def _parents(path: str) -> Iterator[str]:
    while path := posixpath.dirname(path):
        yield path


def _copied(source: Source) -> Iterator[str]:
    """Yields a file for each source of a COPY or ADD: itself where its name has an ending or
    begins with a capital letter, else one in a directory of that name."""
    stages = read_stages(parse(source), Invocation()).stages
    for step in (step for stage in stages for step in stage.steps):
        instruction = step.instruction
        if instruction.keyword not in ("COPY", "ADD") or instruction.flag("from"):
            continue
        for word in instruction.words[:-1]:
            value = step.state.expand(word.value)
            path = posixpath.normpath(value.text.lstrip("/")) if isinstance(value, Known) else "."
            if path.startswith(".") or ":" in path or any(mark in path for mark in "*?[\\"):
                continue
            name = posixpath.basename(path)
            is_file = "." in name or (name[:1].isupper() and not word.value.endswith("/"))
            yield path if is_file else f"{path}/file.txt"


@dataclass(frozen=True)
class Finding:
    """Something that must not be."""

    path: str
    what: str


def findings(source: Source, outcome: Outcome, context: BuildContext) -> Iterator[Finding]:
    """Yields what is wrong with ``outcome``."""
    if outcome.before != source.text:
        yield Finding(source.path, "the text before is not the file")
    tree = parse(Source(source.path, outcome.after))
    if tree.diagnostics != parse(source).diagnostics:
        yield Finding(source.path, f"the result has diagnostics: {tree.diagnostics}")
    if not outcome.changed:
        return
    again = rewrite(Source(source.path, outcome.after), with_files(context, outcome))
    if again.changed:
        yield Finding(source.path, "a second run changes the result")
    lost = _words(outcome.before) - _words(outcome.after)
    # Two RUNs that are joined leave one.
    lost -= Counter("RUN" for each in outcome.applied if each.transform == "join-apt-update")
    for each in outcome.applied:
        if each.transform in ("copy-with-chmod", "copy-with-chown"):
            # The command is a flag now, and its RUN is gone where it had no other.
            run = each.before.splitlines()[each.line - 1 : each.end_line]
            lost -= _words("\n".join(run))
    if any(applied.transform == "swap-slim-base" for applied in outcome.applied):
        lost -= _words_that_name_images(source)
    if lost:
        yield Finding(source.path, f"words are lost: {sorted(lost)}")


def _words_that_name_images(source: Source) -> Counter[str]:
    """Counts the words of FROM, and of the ARG instructions above it: another base changes them."""
    tree = parse(source)
    stages = read_stages(tree, Invocation())
    named = [*stages.preamble, *(stage.instruction for stage in stages.stages)]
    return _words(" ".join(tree.text(instruction.code) for instruction in named))


def with_files(context: BuildContext, outcome: Outcome) -> BuildContext:
    """Returns ``context`` with the files that ``outcome`` changes beside the Dockerfile."""
    for file in outcome.files:
        context = context.with_file(file.path, file.after.encode())
    return context


_FIGHTS_A_CACHE = re.compile(
    r"(?<=\s)(?:--no-cache(?:-dir)?|npm cache clean(?: --force| -f)?|pip3? cache purge"
    r"|(?:rm -\w+ )?(?:/root|~)/(?:\.npm|\.cache/pip)\S*)(?=[\s;])"
)


def _words(text: str) -> Counter[str]:
    """Counts the words of a file. A RUN that is cut loses what joined its commands, and a way
    there and back that its second half need not go; one with a cache mount what would fight it."""
    text = _FIGHTS_A_CACHE.sub(" ", text)
    words = re.sub(r"&& cd (\.\.(/\.\.)*)(?=\s)|&&|;|\\$", " ", text, flags=re.MULTILINE)
    return Counter(words.split())


def applies(patch: bytes, path: str, before: bytes, after: bytes) -> bool:
    """Tells whether ``git apply`` turns ``before`` into ``after``."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(before)
        done = subprocess.run(
            ["git", "apply", "--unsafe-paths", "-"], cwd=folder, input=patch, check=False
        )
        return done.returncode == 0 and (folder / path).read_bytes() == after
