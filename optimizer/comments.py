"""What authors tell dockopt in comments above an instruction.

``# dockopt: keep`` holds the instruction where it stands;
``# dockopt: ignore=ID,...`` turns transforms off for it; ``# dockopt: reads=PATH,...`` and
``# dockopt: writes=PATH,...`` say what a RUN touches whose commands dockopt does not know;
``# dockopt: needs=PACKAGE,...`` above a FROM names all packages of the distribution that a
container needs beside what dockopt knows of (none where nothing stands behind the equals sign).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from optimizer.cst.edit import Edit, Replace
from optimizer.cst.nodes import Dockerfile, Instruction
from optimizer.cst.source import Span

_COMMENT = re.compile(r"#\s*dockopt:\s*(?P<word>[a-z]+)\s*(?:=\s*(?P<values>\S+))?")


@dataclass(frozen=True, slots=True)
class Said:
    """What the comments above one instruction say."""

    instruction: Instruction
    keep: bool
    ignore: frozenset[str]


def said(tree: Dockerfile) -> tuple[Said, ...]:
    """Returns what the author says, for each instruction about which something is said."""
    if "dockopt:" not in tree.source.text:
        return ()
    found: list[Said] = []
    for instruction in tree.instructions:
        words = dict(_words(tree, instruction))
        if words:
            ignore = frozenset(words.get("ignore", "").split(",")) - {""}
            found.append(Said(instruction, "keep" in words, ignore))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Declared:
    """The paths that the author says a RUN reads and writes; None where nothing is said."""

    reads: tuple[str, ...] | None = None
    writes: tuple[str, ...] | None = None


_NOTHING_DECLARED = Declared()


def declared(tree: Dockerfile, instruction: Instruction) -> Declared:
    """Returns what the comments above ``instruction`` say of its effects."""
    if not instruction.comments:
        return _NOTHING_DECLARED
    words = dict(_words(tree, instruction))

    def paths(word: str) -> tuple[str, ...] | None:
        if word not in words:
            return None
        return tuple(words[word].split(",")) if words[word] else ()

    return Declared(paths("reads"), paths("writes"))


def needs(tree: Dockerfile, instruction: Instruction) -> tuple[str, ...] | None:
    """Returns the packages of the distribution that the comments above the FROM ``instruction``
    say its stage needs, None where they say nothing of it."""
    words = dict(_words(tree, instruction)) if instruction.comments else {}
    if "needs" not in words:
        return None
    return tuple(name for name in words["needs"].split(",") if name)


def effect_comments(tree: Dockerfile, instruction: Instruction) -> tuple[str, ...]:
    """Returns the comment lines above ``instruction`` that count for each part of it: what it
    touches, and which transforms leave it alone."""
    lines = (tree.text(comment).strip() for comment in instruction.comments)
    return tuple(
        line
        for line in lines
        if (match := _COMMENT.match(line)) is not None and match["word"] != "keep"
    )


def _words(tree: Dockerfile, instruction: Instruction) -> Iterator[tuple[str, str]]:
    for comment in instruction.comments:
        match = _COMMENT.match(tree.text(comment).strip())
        if match is not None:
            yield match["word"], match["values"] or ""


def hold(tree: Dockerfile, instruction: Instruction) -> Edit:
    """Returns the edit that holds ``instruction`` where it stands."""
    return _comment_above(tree, instruction, "# dockopt: keep")


def ignore(tree: Dockerfile, instruction: Instruction, transform: str) -> Edit:
    """Returns the edit that turns ``transform`` off for ``instruction``. A comment that turns
    others off gets it added, for of several of them only the last one counts."""
    for comment in reversed(instruction.comments):
        match = _COMMENT.match(tree.text(comment))
        if match is None or match["word"] != "ignore":
            continue
        if match["values"]:
            end = comment.start + match.end()
            return Replace(Span(end, end), f",{transform}")
        break
    return _comment_above(tree, instruction, f"# dockopt: ignore={transform}")


def _comment_above(tree: Dockerfile, instruction: Instruction, comment: str) -> Edit:
    """Puts a comment between ``instruction`` and those that it has, as far in as it is itself."""
    at = instruction.code.start
    text = tree.source.text
    lead = text[text.rfind("\n", 0, at) + 1 : at]
    return Replace(Span(at, at), f"{comment}\n{lead if lead.isspace() else ''}")


_BUST = re.compile(
    r"(bust|invalidate|break|bypass|skip|disable)\w*\s+(the\s+|docker'?s?\s+|layer\s+|build\s+)*cach"
    r"|cache[ -_]?bust|\bno[ -]cache\b|always\s+re-?(install|build|run)",
    re.IGNORECASE,
)


_DENIED = re.compile(
    r"(?:n't|\bnot|\bnever|\bavoid\w*|\bwithout|\binstead of|\bprevent\w*)\s+(?:\w+\s+){0,3}$",
    re.IGNORECASE,
)
"""Words in front that turn the meaning round: "so that we don't invalidate the cache"."""


def says_bust_cache(tree: Dockerfile, instructions: Sequence[Instruction]) -> bool:
    """Tells whether a comment above one of ``instructions`` says to leave the cache unused."""
    for instruction in instructions:
        for comment in instruction.comments:
            text = tree.text(comment)
            found = _BUST.search(text)
            if found is not None and not _DENIED.search(text, 0, found.start()):
                return True
    return False


def blank_line_above(tree: Dockerfile, instruction: Instruction) -> bool:
    """Tells whether the author left a blank line above ``instruction`` and its comments."""
    return tree.source.text.endswith(("\n\n", "\n\r\n"), 0, instruction.span.start)


def is_set_apart(tree: Dockerfile, instruction: Instruction) -> bool:
    """Tells whether blank lines stand above and below ``instruction``, so that taking it away
    would leave two of them together."""
    below = tree.source.text.startswith(("\n", "\r\n"), instruction.span.end)
    return below and blank_line_above(tree, instruction)


def line_below(tree: Dockerfile, instruction: Instruction) -> Span:
    """Returns the line below ``instruction``, its line end included."""
    end = tree.source.text.find("\n", instruction.span.end)
    return Span(instruction.span.end, len(tree.source.text) if end < 0 else end + 1)


def without_blank_line_below(tree: Dockerfile, instruction: Instruction) -> Iterator[Edit]:
    """Yields the edit that takes away the line below ``instruction``, where that is blank."""
    below = line_below(tree, instruction)
    text = tree.text(below)
    if text and not text.strip("\r\n"):
        yield Replace(below, "")
