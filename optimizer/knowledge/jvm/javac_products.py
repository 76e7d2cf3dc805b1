"""What the tools of the JDK leave for the run time: classes and archives.

Source: the JDK tool specifications of javac (-d) and jar (--file, f).
"""

from __future__ import annotations

import re

from optimizer.knowledge.artefacts import is_pattern, not_known
from optimizer.knowledge.installs import HOLE, Call, Obstacle
from optimizer.knowledge.jvm import archives
from optimizer.knowledge.manifests import resolve
from optimizer.knowledge.products import Made, Product


def product(call: Call, made: Made) -> Product | Obstacle | None:
    """Says what `javac` or `jar` leaves; see `optimizer.knowledge.products.Producer`."""
    if any(word in ("-version", "--version", "-help", "--help") for word in call.words[1:]):
        return Product(())
    return _classes(call, made) if call.program == "javac" else _archive(call)


def _classes(call: Call, made: Made) -> Product | Obstacle:
    """With ``-d`` all classes go to one directory; without each lies beside its source, under
    names that the sources decide, so the directories of the sources stay whole."""
    words = call.words
    if "-d" in words[:-1]:
        place = words[words.index("-d") + 1]
        if HOLE in place:
            return not_known(call, "the directory of the classes is not known")
        kept: tuple[str, ...] = (resolve(call.directory, place),)
        sources = archives.build_only(made, call.directory, ())
    else:
        named = [word for word in words[1:] if word.endswith(".java")]
        if not named or any(HOLE in word or "**" in word for word in named):
            return not_known(call, "the directories of the classes", "Give javac `-d DIR`.")
        folders = {resolve(call.directory, word).rpartition("/")[0] or "/" for word in named}
        if any(is_pattern(folder) or folder == "/" for folder in folders):
            return not_known(call, "the directories of the classes", "Give javac `-d DIR`.")
        kept, sources = tuple(sorted(folders)), None
    return Product(kept, interpreter="java", compiles=True, build_only=sources,
                   assumes=archives.jdk_programs(made))  # fmt: skip


def _archive(call: Call) -> Product | Obstacle | None:
    """``jar cfe x.jar ...``, ``jar --create --file=x.jar``."""
    words = call.words[1:]
    mode = words[0].lstrip("-") if words else ""
    named = next((w.partition("=")[2] for w in words if w.startswith("--file=")), None)
    if named is None and re.fullmatch(r"[cuvmfe0Mi]*", mode) and "f" in mode and "c" in mode:
        taking = [letter for letter in mode if letter in "fme"]
        index = 1 + taking.index("f")
        named = words[index] if index < len(words) else None
    if named is None and "--create" in words and "--file" in words[:-1]:
        named = words[words.index("--file") + 1]
    if named is None:
        return None
    if HOLE in named:
        return not_known(call, "the name of the archive is not known")
    kept = (resolve(call.directory, named),)
    return Product(kept, interpreter="java", compiles=True, build_only=())
