"""The plain part of shell scripts: which commands stand in them, called from which folder.

Enough to follow ``cd``, assignments, ``${X:-default}`` and ``$(dirname "$0")``.
Whatever a script decides when it runs is `UNKNOWN` here: what conditions, loops
and functions assign, arguments, the environment, the output of programs.
Reading is linear in the text: what is nested deeper than people nest is not read.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from optimizer.context.evidence.build import ROOT, START, UNKNOWN, join
from optimizer.context.evidence.shell_state import State, TooDeepError

_DEEPEST_SUBSTITUTION: Final = 4
_MOST_EXPANDED: Final = 1_000_000
"""Characters that the variables of one script may put in, all together."""

_TOKEN: Final = re.compile(
    r"""
    (?P<blank>[ \t\r\f\v]+)
    | (?P<plain>[^\s'"\\$`;&|()<>#]+)
    | (?P<newline>\n)
    | (?P<escape>\\(?:\r?\n|.|\Z))
    | (?P<single>'[^']*')
    | (?P<double>")
    | (?P<expansion>[$`])
    | (?P<comment>\#)
    | (?P<redirection>&>>?|<<<|<<-?|>>|>\||<>|[<>]&|[<>])
    | (?P<operator>;;&|;;|;&|&&|\|\||\|&|[;&|()])
    | (?P<other>.)
    """,
    re.VERBOSE | re.DOTALL,
)
_IN_DOUBLE_QUOTES: Final = re.compile(r"""[^"\\$`]+|\\.|["\\$`]""", re.DOTALL)
_ASSIGNMENT: Final = re.compile(r"([A-Za-z_]\w*)(\+?)=(.*)", re.DOTALL)
_PARAMETER: Final = re.compile(r"([A-Za-z_]\w*|\d+|[@*#?$!-])(\[[^\]]*\])?(.*)", re.DOTALL)
_NAME: Final = re.compile(r"[A-Za-z_]\w*|[\d@*#?$!-]")
_NO_ARGUMENTS: Final = re.compile(r"\(\s*\)")
_CLOSING: Final = re.compile(r"""\\.|["'(){}]""", re.DOTALL)

_OPENS: Final = {"if": "if", "while": "loop", "until": "loop", "for": "loop", "select": "loop"}
_CLOSES: Final = {"fi": ("if",), "done": ("loop",), "esac": ("case",), "}": ("{", "function")}
_KEYWORDS: Final = frozenset(
    {*_OPENS, *_CLOSES, "then", "do", "else", "elif", "{", "!", "time"} - {"for", "select"}
)
_DECLARES: Final = frozenset({"export", "local", "readonly", "declare", "typeset"})
_TESTS: Final = frozenset({"[", "[[", "test", "command", "which", "type", "hash"})
_ENDS_LIST: Final = frozenset({"\n", ";", "&", ";;", ";&", ";;&", ")", ""})


@dataclass(frozen=True, slots=True)
class Command:
    """A simple command, expanded and split as far as that can be known."""

    words: tuple[str, ...]
    folder: str
    line: int


def read_commands(
    text: str,
    *,
    folder: str = START,
    variables: Mapping[str, str] | None = None,
    script: str = UNKNOWN,
    line: int = 1,
) -> Iterator[Command]:
    """Lists the simple commands of a script; ``cd`` and assignments are followed, not listed.

    ``folder`` is where the script is called, ``variables`` what is set in its
    environment, ``script`` its own path (``$0``), ``line`` the number of its first line.
    """
    state = State(text, folder, dict(variables or {}), script)
    try:
        yield from _Shell(text, state, line).commands()
    except TooDeepError:
        return


@dataclass(slots=True)
class _Room:
    """How much may still be put in; a script shares it with its command substitutions."""

    left: int


class _Shell:
    """Reads one text from its start to its end."""

    def __init__(self, text: str, state: State, line: int) -> None:
        self._text = text
        self._state = state
        self._depth = 0
        self._room = _Room(_MOST_EXPANDED)
        self._line = line
        self._line_known_at = 0
        self._start = 0
        self._words: list[str] = []
        self._word: list[str] | None = None
        self._array: tuple[str, list[str]] | None = None
        self._redirection = ""
        self._heredocs: list[tuple[str, bool]] = []
        self._function_follows = False

    def commands(self) -> Iterator[Command]:
        at = 0
        while token := _TOKEN.match(self._text, at):
            kind = token.lastgroup
            at = token.end()
            if kind == "plain" or kind == "other":
                self._add(token[0], token.start())
            elif kind == "blank":
                self._end_word()
            elif kind == "escape":
                if not token[0].endswith("\n"):
                    self._add(token[0][1:], token.start())
            elif kind == "single":
                self._add(token[0][1:-1], token.start())
            elif kind == "double":
                at = self._read_quoted(token.start())
            elif kind == "expansion":
                at = self._read_expansion(token.start())
            elif kind == "comment":
                at = self._read_comment(token.start())
            elif kind == "redirection":
                at = self._read_redirection(token[0], at)
            elif self._array is not None:
                self._read_in_array(token[0])
            elif kind == "newline":
                yield from self._end_command("\n")
                at = self._after_heredocs(at)
            else:
                at = yield from self._read_operator(token[0], at)
        yield from self._end_command("")

    # Words

    def _add(self, text: str, at: int) -> None:
        if self._word is None:
            self._word = []
            if not self._words:
                self._start = at
        self._word.append(text)

    def _end_word(self) -> None:
        if self._word is None:
            return
        text = "".join(self._word)
        self._word = None
        if self._redirection:
            if self._redirection.startswith("<<") and self._redirection != "<<<":
                self._heredocs.append((text, self._redirection == "<<-"))
            self._redirection = ""
        elif self._array is not None:
            self._array[1].append(text)
        else:
            self._words.append(text)
            # A keyword counts before the words behind it are expanded.
            is_keyword = len(self._words) == 1 and text in _KEYWORDS
            if is_keyword or (text == "{" and self._words[0] == "function"):
                self._words = self._without_keywords(self._words)

    def _read_comment(self, at: int) -> int:
        if self._word is not None:
            self._add("#", at)
            return at + 1
        end = self._text.find("\n", at)
        return len(self._text) if end < 0 else end

    def _read_quoted(self, at: int) -> int:
        self._add("", at)
        at += 1
        while token := _IN_DOUBLE_QUOTES.match(self._text, at):
            part = token[0]
            at = token.end()
            if part == '"':
                break
            if part in ("$", "`"):
                value, at = self._expansion(token.start())
                if self._text.endswith("[@]}", token.start(), at):
                    self._add_split(value, at)
                else:
                    self._add(value, at)
            elif part == "\\\n":
                continue
            elif part[0] == "\\" and part[1:] in ("$", "`", '"', "\\"):
                self._add(part[1:], at)
            else:
                self._add(part, at)
        return at

    def _read_expansion(self, at: int) -> int:
        """Reads an expansion outside quotes, whose value is split at its blanks."""
        if self._text.startswith("$'", at):
            end = self._text.find("'", at + 2)
            end = len(self._text) if end < 0 else end
            self._add(self._text[at + 2 : end], at)
            return end + 1
        value, end = self._expansion(at)
        self._add_split(value, at)
        return end

    def _add_split(self, value: str, at: int) -> None:
        parts = value.split()
        if len(parts) < 2 and value == value.strip():
            self._add(value, at)
            return
        for index, part in enumerate(parts):
            if index or value[0].isspace():
                self._end_word()
            self._add(part, at)
        if value[-1].isspace():
            self._end_word()

    def _read_redirection(self, operator: str, at: int) -> int:
        if self._word is not None and "".join(self._word).isdigit():
            self._word = None
        self._end_word()
        if self._text.startswith("(", at):
            self._add(UNKNOWN, at)
            return self._closed(at + 1, ")") + 1
        self._redirection = operator
        return at

    def _after_heredocs(self, at: int) -> int:
        for delimiter, strips_tabs in self._heredocs:
            while at < len(self._text):
                end = self._text.find("\n", at)
                end = len(self._text) if end < 0 else end
                body = self._text[at:end].removesuffix("\r")
                at = end + 1
                if (body.lstrip("\t") if strips_tabs else body) == delimiter:
                    break
        self._heredocs.clear()
        return at

    def _read_in_array(self, token: str) -> None:
        self._end_word()
        if token != ")" or self._array is None:
            return
        name, members = self._array
        self._array = None
        # Members with blanks in them could not be told apart once they are one text.
        whole = " ".join(members)
        self._word = [name, UNKNOWN if any(" " in member for member in members) else whole]

    # Operators and compound commands

    def _read_operator(self, operator: str, at: int) -> Generator[Command, None, int]:
        if operator == "(":
            return self._open_parenthesis(at)
        innermost = self._state.innermost_but_list()
        if operator != ")" or innermost == "(":
            yield from self._end_command(operator)
        elif innermost == "word(":
            self._state.leave("word(")
        else:
            self._end_pattern()
        return at

    def _open_parenthesis(self, at: int) -> int:
        if self._word is not None and self._word[-1].endswith("="):
            self._array = ("".join(self._word), [])
            self._word = None
        elif header := _NO_ARGUMENTS.match(self._text, at - 1):
            self._drop_command()
            self._function_follows = True
            return header.end()
        elif self._text.startswith("(", at) and self._words in ([], ["for"]):
            return self._closed(at + 1, ")") + 2
        elif self._words or self._word is not None:
            self._state.enter("word(")
        else:
            self._function_follows = False
            self._state.enter("(")
        return at

    def _end_pattern(self) -> None:
        """Ends the pattern of a ``case`` branch, and with the first one the header."""
        self._end_word()
        self._without_keywords(self._words)
        self._drop_command()

    def _drop_command(self) -> None:
        self._words.clear()
        self._word = None
        self._redirection = ""

    def _end_command(self, operator: str) -> Iterator[Command]:
        self._end_word()
        self._redirection = ""
        if words := self._words:
            self._words = []
            yield from self._simple(words)
        if operator in ("&&", "||") and not self._state.is_in("list"):
            if operator == "||" or (words and words[0] in _TESTS):
                self._state.enter("list")
        elif operator in _ENDS_LIST:
            self._state.leave("list")
        if operator in (";;", ";&", ";;&"):
            self._state.next_branch("case")
        elif operator == ")":
            self._state.leave("(")

    def _simple(self, words: list[str]) -> Iterator[Command]:
        words = self._without_keywords(words)
        while words and (assignment := _ASSIGNMENT.fullmatch(words[0])):
            # In front of a command it is for that command alone.
            if len(words) == 1 or _ASSIGNMENT.fullmatch(words[1]):
                self._assign(assignment)
            words = words[1:]
        if not words:
            return
        name = posixpath.basename(words[0])
        if name in ("cd", "pushd", "popd"):
            plain = [word for word in words[1:] if word not in ("-P", "-L", "--")]
            self._state.change_folder(name, plain)
        elif name in _DECLARES:
            self._declare(words[1:])
        elif name in ("read", "unset"):
            for word in words[1:]:
                self._state.set(word, UNKNOWN)
        else:
            yield Command(tuple(words), self._state.folder, self._line_at(self._start))

    def _assign(self, assignment: re.Match[str]) -> None:
        name, appends, value = assignment.groups()
        if appends:
            self._state.append(name, value)
        else:
            self._state.set(name, value)

    def _declare(self, words: list[str]) -> None:
        for word in words:
            if assignment := _ASSIGNMENT.fullmatch(word):
                self._assign(assignment)
            elif not word.startswith("-"):
                self._state.declare(word)

    def _without_keywords(self, words: list[str]) -> list[str]:
        at = 0
        while at < len(words):
            word = words[at]
            at += 1
            if word in ("for", "select", "case", "function"):
                return self._open_header(word, words[at:])
            if word in _OPENS:
                self._state.enter(_OPENS[word])
            elif word in _CLOSES:
                any(map(self._state.leave, _CLOSES[word]))
            elif word in ("else", "elif"):
                self._state.next_branch("if")
            elif word == "{":
                self._state.enter("function" if self._function_follows else "{")
                self._function_follows = False
            elif word not in ("then", "do", "!", "time"):
                return words[at - 1 :]
        return []

    def _open_header(self, keyword: str, words: list[str]) -> list[str]:
        if keyword == "function":
            self._function_follows = True
            return self._without_keywords(words[1:])
        self._state.enter("case" if keyword == "case" else "loop")
        if keyword != "case" and words:
            self._state.set(words[0], UNKNOWN)
        return []

    def _line_at(self, at: int) -> int:
        self._line += self._text.count("\n", self._line_known_at, at)
        self._line_known_at = at
        return self._line

    # Expansion

    def _expansion(self, at: int) -> tuple[str, int]:
        """Expands what starts at ``at``, a ``$`` or a backquote; returns its value and its end."""
        value, end = self._read_value(at)
        self._room.left -= len(value)
        return value if self._room.left > 0 else UNKNOWN, end

    def _read_value(self, at: int) -> tuple[str, int]:
        text = self._text
        if text[at] == "`":
            end = text.find("`", at + 1)
            end = len(text) if end < 0 else end
            return self._output(text[at + 1 : end]), end + 1
        if text.startswith("((", at + 1):
            return UNKNOWN, self._closed(at + 3, ")") + 2
        if text.startswith("(", at + 1):
            end = self._closed(at + 2, ")")
            return self._output(text[at + 2 : end]), end + 1
        if text.startswith("{", at + 1):
            end = self._closed(at + 2, "}")
            return self._parameter(text[at + 2 : end]), end + 1
        if name := _NAME.match(text, at + 1):
            value = self._state.value(name[0])
            return UNKNOWN if value is None else value, name.end()
        return "$", at + 1

    def _closed(self, at: int, closer: str) -> int:
        """Returns where the bracket closes that is open at ``at``: its end, or the text's."""
        opener = "(" if closer == ")" else "{"
        depth = 1
        in_quotes = False
        while token := _CLOSING.search(self._text, at):
            at = token.end()
            if token[0] == '"':
                in_quotes = not in_quotes
            elif token[0] == "'" and not in_quotes:
                at = self._text.find("'", at) + 1 or at
            elif token[0] == opener:
                depth += 1
            elif token[0] == closer:
                depth -= 1
                if not depth:
                    return token.start()
        return len(self._text)

    def _parameter(self, body: str) -> str:
        parameter = _PARAMETER.fullmatch(body)
        if parameter is None:
            return UNKNOWN
        name, _, rest = parameter.groups()
        value = self._state.value(name)
        operator = rest[:2] if rest.startswith(":") else rest[:1]
        word = rest[len(operator) :]
        if not rest:
            return UNKNOWN if value is None else value
        if rest == "%/*":
            return _folder_of(value) if value else UNKNOWN
        if operator in (":-", "-", ":=", "="):
            if value is None or (not value and ":" in operator):
                value = self._expanded(word)
                if "=" in operator:
                    self._state.set(name, value)
            return value
        if operator in (":?", "?"):
            return value or UNKNOWN
        return UNKNOWN

    def _expanded(self, text: str) -> str:
        if not re.search(r"""["'$`\\]""", text):
            return text
        if self._depth == _DEEPEST_SUBSTITUTION:
            return UNKNOWN
        commands = list(self._inner(f"echo {text}").commands())
        return " ".join(commands[0].words[1:]) if len(commands) == 1 else UNKNOWN

    def _output(self, text: str) -> str:
        """Returns what a command substitution prints, where that is a matter of paths."""
        if self._depth == _DEEPEST_SUBSTITUTION:
            return UNKNOWN
        commands = list(self._inner(text).commands())
        return _printed(commands[0]) if len(commands) == 1 else UNKNOWN

    def _inner(self, text: str) -> _Shell:
        inner = _Shell(text, self._state.of_substitution(text), 1)
        inner._depth = self._depth + 1
        inner._room = self._room
        return inner


def _printed(command: Command) -> str:
    name, *words = command.words
    paths = [word for word in words if not word.startswith("-")]
    if name == "pwd":
        return command.folder
    if command.words == ("git", "rev-parse", "--show-toplevel"):
        return ROOT
    if len(paths) != 1:
        return UNKNOWN
    if name == "dirname":
        return _folder_of(paths[0])
    if name == "basename":
        return posixpath.basename(paths[0])
    if name in ("realpath", "readlink"):
        return join(command.folder, paths[0])
    return paths[0] if name == "echo" else UNKNOWN


def _folder_of(path: str) -> str:
    if path in (ROOT, START, UNKNOWN):
        return UNKNOWN
    return posixpath.dirname(path) or "."
