"""sed scripts: which files their commands read and write.

Source: the manual of GNU sed 4.9, 3 "sed scripts" and 4.3 "selecting lines by text matching";
POSIX.1-2024, sed.
"""

from __future__ import annotations

import re

from optimizer.knowledge.commands.line import Unknown

_ADDRESS = re.compile(r"\d+(?:~\d+)?|\$")
_PLAIN = frozenset("=dDgGhHnNpPxFz")


def script_files(script: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Returns the files that ``script`` reads and those that it writes, as they are written.

    Raises `Unknown` for a script that runs commands, or that cannot be followed.
    """
    reader = _Reader(script)
    while reader.more():
        reader.command()
    return tuple(reader.reads), tuple(reader.writes)


class _Reader:
    def __init__(self, script: str) -> None:
        self.text = script
        self.at = 0
        self.reads: list[str] = []
        self.writes: list[str] = []

    def more(self) -> bool:
        while self.at < len(self.text) and self.text[self.at] in " \t\n;}":
            self.at += 1
        return self.at < len(self.text)

    def command(self) -> None:
        self._addresses()
        name = self._next()
        if name in _PLAIN or name == "{":
            return
        if name == "#":
            self._to_line_end()
        elif name == "s":
            self._substitute()
        elif name == "y":
            mark = self._next()
            self._until(mark)
            self._until(mark)
        elif name in "aic":
            self._text()
        elif name in "btT:v":
            self._match(r"[^\n;]*")
        elif name in "qQlL":
            self._match(r"[ \t]*\d*")
        elif name in "rR":
            self.reads.append(self._to_line_end().strip())
        elif name in "wW":
            self._written(self._to_line_end().strip())
        else:
            raise Unknown

    def _next(self) -> str:
        if self.at >= len(self.text):
            raise Unknown
        self.at += 1
        return self.text[self.at - 1]

    def _match(self, pattern: str) -> str:
        found = re.compile(pattern).match(self.text, self.at)
        assert found is not None, f"{pattern} matches the empty text"
        self.at = found.end()
        return found[0]

    def _to_line_end(self) -> str:
        return self._match(r"[^\n]*")

    def _addresses(self) -> None:
        self._address()
        self._match(r"[ \t]*")
        while self.text[self.at : self.at + 1] == ",":
            self._match(r",[ \t]*[+~]?")
            self._address()
            self._match(r"[ \t]*")
        self._match(r"[ \t!]*")

    def _address(self) -> None:
        number = _ADDRESS.match(self.text, self.at)
        if number is not None:
            self.at = number.end()
            return
        char = self.text[self.at : self.at + 1]
        if char == "\\":
            self.at += 1
            char = self._next()
        elif char == "/":
            self.at += 1
        else:
            return
        self._until(char, brackets=True)
        self._match(r"[IM]*")

    def _until(self, mark: str, brackets: bool = False) -> None:
        """Moves behind the next ``mark`` that no backslash protects.

        sed ends a part at a mark inside brackets in some versions and not in others.
        """
        if mark in "\n\\":
            raise Unknown
        open_bracket = False
        while True:
            char = self._next()
            if char == "\\":
                self._next()
            elif char == mark:
                if open_bracket:
                    raise Unknown
                return
            elif brackets and char == "[" and not open_bracket:
                open_bracket = "]" in self.text[self.at :]
                self._match(r"\^?\]?")
            elif char == "]":
                open_bracket = False

    def _substitute(self) -> None:
        mark = self._next()
        self._until(mark, brackets=True)
        self._until(mark)
        self._match(r"[gpiImM\d]*")
        following = self.text[self.at : self.at + 1]
        if following == "w":
            self.at += 1
            self._written(self._to_line_end().strip())
        elif following == "e" or (following and following not in " \t\n;}#"):
            raise Unknown

    def _written(self, name: str) -> None:
        if name not in ("/dev/stdout", "/dev/stderr"):
            self.writes.append(name)

    def _text(self) -> None:
        """a, i, c: the text goes on to the first line end without a backslash before it."""
        self._match(r"[ \t]*(?:\\[ \t]*\n)?")
        self._match(r"(?:[^\\\n]|\\(?:.|\n))*")
