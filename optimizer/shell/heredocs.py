"""Here-documents of a script, found before the grammar sees it.

tree-sitter-bash knows one here-document a line, and only behind a command. The rules
are POSIX.1-2024, Shell Command Language, 2.7.4. What is found here is checked against
the grammar's tree: a redirection has to begin at each ``<<``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from optimizer.shell.grammar import UnreadableError

MOST: Final = 50
"""More here-documents than this in one script are not read."""


@dataclass(frozen=True, slots=True)
class ShellHeredoc:
    """One here-document, as offsets in the script.

    ``start`` is where ``<<`` stands, ``delimiter`` the slice of the word behind it,
    ``body`` the slice of its lines; its last line ends at ``end``.
    """

    start: int
    operator: str
    delimiter: tuple[int, int]
    body: tuple[int, int]
    end: int


_REASON = "a here-document that is not understood"

_State: TypeAlias = Literal["list", "string", "arithmetic", "braces", "backticks"]

_TOKEN = re.compile(
    r"\\."
    r"|\$'(?:[^'\\]|\\.)*'"
    r"|'[^']*'"
    r'|"'
    r"|\$?\(\("
    r"|\$\{"
    r"|\("
    r"|\)\)?"
    r"|\}"
    r"|`"
    r"|(?<![^ \t\n;|&()])\#[^\n]*"
    r"|<<<"
    r"|<<-?"
    r"|\n",
    re.DOTALL,
)
_TOKEN_IN_STRING = re.compile(r'\\.|"|\$\(\(|\$\(|\$\{|`', re.DOTALL)
_DELIMITER = re.compile(r"[ \t]*((?:\\.|'[^'\n]*'|\"(?:[^\"\\\n]|\\.)*\"|[^ \t\n;|&<>()'\"\\])+)")
_QUOTES = re.compile(r"'([^']*)'|\"([^\"]*)\"|\\(.)")


def find_heredocs(text: str) -> list[ShellHeredoc]:
    """Returns the here-documents of a script in the order of their operators.

    Raises `UnreadableError`.
    """
    scan = _Scan(text)
    scan.run()
    return scan.found


def without_heredocs(text: str, heredocs: list[ShellHeredoc]) -> str:
    """Returns a text of the same length in which each here-document is a redirection of
    input from a file called like its delimiter, and its lines are blank."""
    if not heredocs:
        return text
    pieces: list[str] = []
    position = 0
    cuts = [(found.start + 1, found.start + len(found.operator)) for found in heredocs]
    cuts += [(found.body[0], found.end) for found in heredocs]
    for start, end in sorted(cuts):
        pieces += (text[position:start], " " * (end - start))
        position = end
    return "".join(pieces) + text[position:]


class _Scan:
    """Walks over the tokens of a script that quote, nest or open a here-document."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.found: list[ShellHeredoc] = []
        self.states: list[_State] = ["list"]
        self.pending: list[tuple[int, str, tuple[int, int]]] = []
        self.at = 0

    def run(self) -> None:
        while True:
            in_string = self.states[-1] == "string"
            token = (_TOKEN_IN_STRING if in_string else _TOKEN).search(self.text, self.at)
            if token is None:
                break
            self.at = token.end()
            self._token(token[0], token.start())
        if self.pending:
            raise UnreadableError(_REASON, self.pending[0][0])

    def _token(self, token: str, start: int) -> None:
        state = self.states[-1]
        if token == '"':
            self._toggle("string")
        elif token == "`":
            self._toggle("backticks")
        elif token.endswith("(("):
            self.states.append("arithmetic")
        elif token.endswith("("):
            self.states.append("list")
        elif token == "${":
            self.states.append("braces")
        elif token.startswith(")"):
            self._close(len(token))
        elif token == "}":
            if state == "braces":
                self.states.pop()
        elif token in ("<<", "<<-") and state in ("list", "backticks"):
            self._open(token, start)
        elif token == "\n" and self.pending:
            self._read_bodies()

    def _toggle(self, state: _State) -> None:
        if self.states[-1] == state:
            self.states.pop()
        else:
            self.states.append(state)

    def _close(self, count: int) -> None:
        if self.states[-1] == "arithmetic":
            if count == 2:
                self.states.pop()
            return
        for _ in range(count):
            if self.states[-1] == "list" and len(self.states) > 1:
                self.states.pop()

    def _open(self, operator: str, start: int) -> None:
        word = _DELIMITER.match(self.text, self.at)
        if word is None or len(self.found) + len(self.pending) == MOST:
            raise UnreadableError(_REASON, start)
        self.at = word.end()
        self.pending.append((start, operator, word.span(1)))

    def _read_bodies(self) -> None:
        for start, operator, delimiter in self.pending:
            body = self.at
            word = self.text[slice(*delimiter)]
            last, end = self._last_line(_unquoted(word), operator == "<<-", start)
            self.found.append(ShellHeredoc(start, operator, delimiter, (body, last), end))
            self.at = end + 1
        self.at -= 1
        self.pending = []

    def _last_line(self, delimiter: str, tabs: bool, opened: int) -> tuple[int, int]:
        """Returns where the line of the delimiter begins and ends."""
        start = self.at
        while start <= len(self.text):
            end = self.text.find("\n", start)
            end = len(self.text) if end < 0 else end
            line = self.text[start:end]
            if (line.lstrip("\t") if tabs else line) == delimiter:
                return start, end
            start = end + 1
        raise UnreadableError(_REASON, opened)


def _unquoted(word: str) -> str:
    return _QUOTES.sub(lambda quote: quote[1] or quote[2] or quote[3] or "", word)
