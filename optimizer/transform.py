r"""What a transform is, and how its page is read.

A transform's module docstring is its page: what it does, why it pays, examples
and refusals. `dockopt explain` prints it and the tests run its examples, so it
cannot go stale. An example is a ```` ```dockerfile before ```` block followed
by ```` ```dockerfile after ````, or one ```` ```dockerfile unchanged CODE ````
block; a ```` ```tree ```` block above it lists the build context, one file per
line, ``name=content`` giving a file its content.
"""

from __future__ import annotations

import re
import sys
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from inspect import cleandoc
from types import MappingProxyType
from typing import ClassVar

from optimizer.proposal import Answer, Safety
from optimizer.view import View


class Transform(ABC):
    """One rewrite. Its answers are judged one by one on the file as it is now."""

    id: ClassVar[str]
    best: ClassVar[Safety | None]
    """The strongest promise any of its proposals makes; tests hold it to that. None: it makes no
    proposals, and only says what a person may want to do."""
    codes: ClassVar[Mapping[str, str]] = MappingProxyType({})
    """Its own refusal codes with their meaning, beside those of the rooms below."""
    on_request: ClassVar[bool] = False
    """Whether its changes are made only where somebody names it; else they are said, not made."""

    @abstractmethod
    def propose(self, view: View) -> Iterator[Answer]:
        """Yields what it would change in ``view`` and what it holds back, in file order."""

    @property
    def page(self) -> str:
        """The page: the docstring of the module that defines the transform."""
        return cleandoc(sys.modules[type(self).__module__].__doc__ or "")

    @property
    def summary(self) -> str:
        """The first line of the page."""
        return self.page.partition("\n")[0]

    @property
    def examples(self) -> tuple[Example, ...]:
        """The examples of the page, in order."""
        return read_examples(self.page)


@dataclass(frozen=True, slots=True)
class Example:
    """An example of a page. ``after`` is None where the transform holds back with ``code``."""

    tree: dict[str, str]
    before: str
    after: str | None
    code: str | None


_BLOCK = re.compile(r"^```(?P<info>[^\n`]+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)


def read_examples(page: str) -> tuple[Example, ...]:
    """Returns the examples of ``page``. Raises ValueError on blocks that do not pair up."""
    examples: list[Example] = []
    tree: dict[str, str] = {}
    before: str | None = None
    for block in _BLOCK.finditer(page):
        info, text = block["info"].split(), block["text"]
        match info:
            case ["tree"]:
                tree = _read_tree(text)
            case ["dockerfile", "before"] if before is None:
                before = text
            case ["dockerfile", "after"] if before is not None:
                examples.append(Example(tree, before, text, None))
                before = None
            case ["dockerfile", "unchanged", code] if before is None:
                examples.append(Example(tree, text, None, code))
            case _:
                raise ValueError(f"a block ```{' '.join(info)} does not fit where it stands")
    if before is not None:
        raise ValueError("a ```dockerfile before block has no ```dockerfile after block")
    return tuple(examples)


def _read_tree(text: str) -> dict[str, str]:
    """Reads ``name`` and ``name=content`` lines; ``\\n`` in a content is a line end."""
    files: dict[str, str] = {}
    for line in text.splitlines():
        name, _, content = line.strip().partition("=")
        files[name] = content.replace("\\n", "\n")
    return files
