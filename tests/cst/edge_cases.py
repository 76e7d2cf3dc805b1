"""Texts at the edges of the Dockerfile language, and what BuildKit sees in them.

A case says what BuildKit's parser makes of a text: keyword, first and last line,
arguments, flags, JSON form and here-documents of each instruction. The arguments
of ENV and LABEL come as name, value and separator.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Here:
    """A here-document."""

    name: str
    body: str
    expand: bool = True
    chomp: bool = False
    descriptor: int = 0


@dataclass(frozen=True)
class Seen:
    """An instruction; the one that ONBUILD holds has the lines 0 and 0."""

    keyword: str
    line: int
    end_line: int
    arguments: tuple[str, ...]
    flags: tuple[str, ...] = ()
    json: bool = False
    heredocs: tuple[Here, ...] = ()
    inner: Seen | None = None


@dataclass(frozen=True)
class Edge:
    """One text. ``refused`` is line and message of the first thing that BuildKit refuses."""

    id: str
    text: str
    seen: tuple[Seen, ...]
    refused: tuple[int, str] | None


def seen(
    keyword: str,
    line: int,
    end_line: int,
    *arguments: str,
    flags: tuple[str, ...] = (),
    json: bool = False,
    heredocs: tuple[Here, ...] = (),
    inner: Seen | None = None,
) -> Seen:
    """An instruction that BuildKit sees on the lines from ``line`` to ``end_line``."""
    return Seen(keyword, line, end_line, arguments, flags, json, heredocs, inner)


def inner(keyword: str, *arguments: str, flags: tuple[str, ...] = (), json: bool = False) -> Seen:
    """The instruction that ONBUILD holds."""
    return Seen(keyword, 0, 0, arguments, flags, json)


def whole(
    reason: str, text: str, *instructions: Seen, refused: tuple[int, str] | None = None
) -> Edge:
    """A whole file."""
    return Edge(reason, text, instructions, refused)


def stage(
    reason: str, text: str, *instructions: Seen, refused: tuple[int, str] | None = None
) -> Edge:
    """A file whose first line is ``FROM a``; ``text`` begins on the second."""
    return whole(reason, "FROM a\n" + text, seen("FROM", 1, 1, "a"), *instructions, refused=refused)


EDGES = (
    # Lines
    stage("Lines: one line", "RUN a\n", seen("RUN", 2, 2, "a")),
    stage("Lines: no line end at the end", "RUN a", seen("RUN", 2, 2, "a")),
    stage(
        "Lines: blank lines between instructions",
        "\n\nRUN a\n\n\nUSER b\n\n",
        seen("RUN", 4, 4, "a"),
        seen("USER", 7, 7, "b"),
    ),
    stage("Lines: a line of blanks is blank", " \t \nRUN a\n", seen("RUN", 3, 3, "a")),
    stage("Lines: a line of a no-break space is blank", "\u00a0\nRUN a\n", seen("RUN", 3, 3, "a")),
    stage(
        "Lines: a line of U+001C is an instruction without a name in the reference",
        "\x1c\nRUN a\n",
        seen("\x1c", 2, 2),
        seen("RUN", 3, 3, "a"),
        refused=(2, "unknown instruction: \x1c"),
    ),
    stage("Lines: a line of a vertical tab is blank", "\v\nRUN a\n", seen("RUN", 3, 3, "a")),
    stage("Lines: indented instruction", "  \tRUN a\n", seen("RUN", 2, 2, "a")),
    stage(
        "Lines: instruction indented with a no-break space", "\u00a0RUN a\n", seen("RUN", 2, 2, "a")
    ),
    stage("Lines: CRLF", "RUN a\r\nUSER b\r\n", seen("RUN", 2, 2, "a"), seen("USER", 3, 3, "b")),
    stage(
        "Lines: several carriage returns before the line feed",
        "RUN a\r\r\nUSER b\n",
        seen("RUN", 2, 2, "a"),
        seen("USER", 3, 3, "b"),
    ),
    stage(
        "Lines: a carriage return alone ends no line",
        "RUN a\rUSER b\n",
        seen("RUN", 2, 2, "a\rUSER b"),
    ),
    stage("Lines: a carriage return at the end of the file", "RUN a\r", seen("RUN", 2, 2, "a")),
    stage(
        "Lines: form feed and U+2028 end no line",
        "RUN a\fb\u2028c\n",
        seen("RUN", 2, 2, "a\fb\u2028c"),
    ),
    stage("Lines: blanks at the end are trimmed", "RUN a  \t\n", seen("RUN", 2, 2, "a")),
    stage("Lines: no-break space at the end is trimmed", "RUN a\u00a0\n", seen("RUN", 2, 2, "a")),
    stage("Lines: U+001F at the end stays", "RUN a\x1f\n", seen("RUN", 2, 2, "a\x1f")),
    stage("Lines: NUL inside a line", "RUN a\x00b\n", seen("RUN", 2, 2, "a\x00b")),
    stage("Lines: undecodable bytes", "RUN caf\udce9\n", seen("RUN", 2, 2, "caf\udce9")),
    whole("Lines: byte order mark", "\ufeffFROM a\n", seen("FROM", 1, 1, "a")),
    whole(
        "Lines: byte order mark and CRLF",
        "\ufeffFROM a\r\nRUN b\r\n",
        seen("FROM", 1, 1, "a"),
        seen("RUN", 2, 2, "b"),
    ),
    whole(
        "Lines: byte order mark on the second line belongs to the keyword",
        "FROM a\n\ufeffRUN b\n",
        seen("FROM", 1, 1, "a"),
        seen("\ufeffRUN", 2, 2),
        refused=(2, "unknown instruction: \ufeffRUN"),
    ),
    whole(
        "Lines: only the first of two byte order marks goes",
        "\ufeff\ufeffFROM a\n",
        seen("\ufeffFROM", 1, 1),
        refused=(1, "unknown instruction: \ufeffFROM"),
    ),
    whole(
        "Lines: byte order mark in front of a directive",
        "\ufeff# escape=`\nFROM a\nRUN b `\n c\n",
        seen("FROM", 2, 2, "a"),
        seen("RUN", 3, 4, "b  c"),
    ),
    # Keywords
    stage("Keywords: lower case", "run a\n", seen("RUN", 2, 2, "a")),
    stage("Keywords: mixed case", "rUn a\n", seen("RUN", 2, 2, "a")),
    stage("Keywords: tab behind the keyword", "RUN\ta\n", seen("RUN", 2, 2, "a")),
    stage("Keywords: several blanks behind the keyword", "RUN \t\v\f a\n", seen("RUN", 2, 2, "a")),
    stage(
        "Keywords: no-break space does not end a keyword",
        "RUN\u00a0a\n",
        seen("RUN\u00a0a", 2, 2),
        refused=(2, "unknown instruction: RUN\u00a0a"),
    ),
    stage("Keywords: keyword alone", "RUN\n", seen("RUN", 2, 2)),
    stage("Keywords: keyword split by a continuation", "RU\\\nN a\n", seen("RUN", 2, 3, "a")),
    stage(
        "Keywords: keyword right before a continuation joins the next line",
        "RUN\\\na\n",
        seen("RUNA", 2, 3),
        refused=(2, "unknown instruction: RUNa"),
    ),
    stage(
        "Keywords: keyword before a continuation and an indented line",
        "RUN\\\n  a\n",
        seen("RUN", 2, 3, "a"),
    ),
    stage(
        "Keywords: instruction that begins on a continuation", "\\\nRUN a\n", seen("RUN", 2, 3, "a")
    ),
    stage(
        "Keywords: instruction that begins on an indented line behind a continuation",
        "\\\n   RUN a\n",
        seen("RUN", 2, 3, "a"),
    ),
    stage(
        "Keywords: keyword with a Kelvin sign for a K",
        "WOR\u212aDIR /a\n",
        seen("WORKDIR", 2, 2, "/a"),
    ),
    stage(
        "Keywords: keyword with a dotted capital I",
        "WORKD\u0130R /a\n",
        seen("WORKDIR", 2, 2, "/a"),
    ),
    stage(
        "Keywords: keyword with a dotless i is unknown",
        "WORKD\u0131R /a\n",
        seen("WORKD\u0131R", 2, 2),
        refused=(2, "unknown instruction: WORKD\u0131R"),
    ),
    stage(
        "Keywords: unknown keyword keeps its line",
        "FORM a\n",
        seen("FORM", 2, 2),
        refused=(2, "unknown instruction: FORM"),
    ),
    stage(
        "Keywords: quoted keyword is unknown",
        '"RUN" a\n',
        seen('"RUN"', 2, 2),
        refused=(2, 'unknown instruction: "RUN"'),
    ),
    # Comments
    stage("Comments: comment between instructions", "# c\nRUN a\n", seen("RUN", 3, 3, "a")),
    stage("Comments: indented comment", "  # c\nRUN a\n", seen("RUN", 3, 3, "a")),
    stage(
        "Comments: comment indented with a no-break space",
        "\u00a0# c\nRUN a\n",
        seen("RUN", 3, 3, "a"),
    ),
    stage("Comments: comment at the end of the file", "RUN a\n# c", seen("RUN", 2, 2, "a")),
    stage(
        "Comments: hash behind an instruction is no comment",
        "RUN a # c\n",
        seen("RUN", 2, 2, "a # c"),
    ),
    stage(
        "Comments: comment that ends in a continuation character",
        "# c \\\nRUN a\n",
        seen("RUN", 3, 3, "a"),
    ),
    stage("Comments: empty comment", "#\nRUN a\n", seen("RUN", 3, 3, "a")),
    stage(
        "Comments: comment inside a continuation",
        "RUN a \\\n  # c\n  b\n",
        seen("RUN", 2, 4, "a   b"),
    ),
    stage(
        "Comments: comment inside a continuation that ends in a backslash",
        "RUN a \\\n# c \\\n  b\n",
        seen("RUN", 2, 4, "a   b"),
    ),
    stage(
        "Comments: comment as the last line of a continuation",
        "RUN a \\\n# c\n",
        seen("RUN", 2, 3, "a"),
    ),
    stage(
        "Comments: comments and blank lines at the end of a continuation",
        "RUN a \\\n\n# c\n\n",
        seen("RUN", 2, 5, "a"),
    ),
    stage(
        "Comments: hash at the start of a continued line is a comment even inside quotes",
        "RUN echo 'a \\\n# b' \\\nc'\n",
        seen("RUN", 2, 4, "echo 'a c'"),
    ),
    # Continuations
    stage("Continuations: continuation", "RUN a \\\n b\n", seen("RUN", 2, 3, "a  b")),
    stage(
        "Continuations: continuation keeps the white space of the next line",
        "RUN a\\\n\t  b\n",
        seen("RUN", 2, 3, "a\t  b"),
    ),
    stage(
        "Continuations: blanks behind the backslash", "RUN a \\ \t\n b\n", seen("RUN", 2, 3, "a  b")
    ),
    stage(
        "Continuations: carriage return behind the backslash",
        "RUN a \\\r\n b\r\n",
        seen("RUN", 2, 3, "a  b"),
    ),
    stage(
        "Continuations: blank and carriage return behind the backslash",
        "RUN a \\ \r\n b\r\n",
        seen("RUN", 2, 3, "a  b"),
    ),
    stage(
        "Continuations: carriage return and blank behind the backslash end the line",
        "RUN a \\\r \nRUN b\n",
        seen("RUN", 2, 2, "a \\"),
        seen("RUN", 3, 3, "b"),
    ),
    stage(
        "Continuations: vertical tab behind the backslash ends the line",
        "RUN a \\\v\nRUN b\n",
        seen("RUN", 2, 2, "a \\"),
        seen("RUN", 3, 3, "b"),
    ),
    stage(
        "Continuations: no-break space behind the backslash ends the line",
        "RUN a \\\u00a0\nRUN b\n",
        seen("RUN", 2, 2, "a \\"),
        seen("RUN", 3, 3, "b"),
    ),
    stage(
        "Continuations: two backslashes end the line",
        "RUN a \\\\\nRUN b\n",
        seen("RUN", 2, 2, "a \\\\"),
        seen("RUN", 3, 3, "b"),
    ),
    stage(
        "Continuations: three backslashes end the line",
        "RUN a \\\\\\\nRUN b\n",
        seen("RUN", 2, 2, "a \\\\\\"),
        seen("RUN", 3, 3, "b"),
    ),
    stage(
        "Continuations: backslash behind a blank behind a backslash goes on",
        "RUN a \\ \\\n b\n",
        seen("RUN", 2, 3, "a \\  b"),
    ),
    stage(
        "Continuations: backslash in the middle of a line", "RUN a\\b\n", seen("RUN", 2, 2, "a\\b")
    ),
    stage(
        "Continuations: blank line inside a continuation",
        "RUN a \\\n\n b\n",
        seen("RUN", 2, 4, "a  b"),
    ),
    stage(
        "Continuations: line of a no-break space inside a continuation",
        "RUN a \\\n\u00a0\n b\n",
        seen("RUN", 2, 4, "a  b"),
    ),
    stage(
        "Continuations: line of U+001C inside a continuation counts",
        "RUN a \\\n\x1c\nUSER b\n",
        seen("RUN", 2, 3, "a \x1c"),
        seen("USER", 4, 4, "b"),
    ),
    stage("Continuations: continuation at the end of the file", "RUN a \\", seen("RUN", 2, 2, "a")),
    stage(
        "Continuations: continuation at the end of the file with a line end",
        "RUN a \\\n",
        seen("RUN", 2, 2, "a"),
    ),
    stage(
        "Continuations: continued line that is a backslash alone",
        "RUN a \\\n\\\n b\n",
        seen("RUN", 2, 4, "a  b"),
    ),
    stage(
        "Continuations: lines that are backslashes alone and nothing else",
        "RUN a \\\n\\\n\\\n",
        seen("RUN", 2, 4, "a"),
    ),
    stage(
        "Continuations: continuation without a blank joins words",
        "COPY a\\\nb c\n",
        seen("COPY", 2, 3, "ab", "c"),
    ),
    stage(
        "Continuations: continuation inside a quoted word",
        'ENV a="b \\\n  c"\n',
        seen("ENV", 2, 3, "a", '"b   c"', "="),
    ),
    stage(
        "Continuations: backtick is no continuation by default",
        "RUN a `\nRUN b\n",
        seen("RUN", 2, 2, "a `"),
        seen("RUN", 3, 3, "b"),
    ),
    stage(
        "Continuations: instruction behind a blank line behind a continuation belongs to it",
        "RUN a \\\n\nUSER b\n",
        seen("RUN", 2, 4, "a USER b"),
    ),
    # Directives
    whole(
        "Directives: escape",
        "# escape=`\nFROM a\nRUN b `\n c\n",
        seen("FROM", 2, 2, "a"),
        seen("RUN", 3, 4, "b  c"),
    ),
    whole(
        "Directives: backslash is no continuation then",
        "# escape=`\nFROM a\nRUN b \\\nRUN c\n",
        seen("FROM", 2, 2, "a"),
        seen("RUN", 3, 3, "b \\"),
        seen("RUN", 4, 4, "c"),
    ),
    whole(
        "Directives: escape set to what it is",
        "# escape=\\\nFROM a\nRUN b \\\n c\n",
        seen("FROM", 2, 2, "a"),
        seen("RUN", 3, 4, "b  c"),
    ),
    whole(
        "Directives: spacing and case are free",
        "#\tEsCaPe  =  `  \nFROM a\nRUN b `\n c\n",
        seen("FROM", 2, 2, "a"),
        seen("RUN", 3, 4, "b  c"),
    ),
    whole(
        "Directives: no blank behind the hash",
        "#escape=`\nFROM a\nRUN b `\n c\n",
        seen("FROM", 2, 2, "a"),
        seen("RUN", 3, 4, "b  c"),
    ),
    whole(
        "Directives: indented directive",
        "  # escape=`\nFROM a\nRUN b `\n c\n",
        seen("FROM", 2, 2, "a"),
        seen("RUN", 3, 4, "b  c"),
    ),
    whole(
        "Directives: CRLF behind a directive",
        "# escape=`\r\nFROM a\r\nRUN b `\r\n c\r\n",
        seen("FROM", 2, 2, "a"),
        seen("RUN", 3, 4, "b  c"),
    ),
    whole(
        "Directives: syntax first",
        "# syntax=docker/dockerfile:1\n# escape=`\nFROM a\nRUN b `\n c\n",
        seen("FROM", 3, 3, "a"),
        seen("RUN", 4, 5, "b  c"),
    ),
    whole(
        "Directives: check first",
        "# check=skip=all\n# escape=`\nFROM a\nRUN b `\n c\n",
        seen("FROM", 3, 3, "a"),
        seen("RUN", 4, 5, "b  c"),
    ),
    whole(
        "Directives: not behind a comment",
        "# c\n# escape=`\nFROM a\nRUN b `\nRUN c\n",
        seen("FROM", 3, 3, "a"),
        seen("RUN", 4, 4, "b `"),
        seen("RUN", 5, 5, "c"),
    ),
    whole(
        "Directives: not behind a blank line",
        "\n# escape=`\nFROM a\nRUN b `\nRUN c\n",
        seen("FROM", 3, 3, "a"),
        seen("RUN", 4, 4, "b `"),
        seen("RUN", 5, 5, "c"),
    ),
    whole(
        "Directives: not behind an unknown directive",
        "# foo=bar\n# escape=`\nFROM a\nRUN b `\nRUN c\n",
        seen("FROM", 3, 3, "a"),
        seen("RUN", 4, 4, "b `"),
        seen("RUN", 5, 5, "c"),
    ),
    whole(
        "Directives: not behind an instruction",
        "FROM a\n# escape=`\nRUN b `\nRUN c\n",
        seen("FROM", 1, 1, "a"),
        seen("RUN", 3, 3, "b `"),
        seen("RUN", 4, 4, "c"),
    ),
    whole(
        "Directives: not without a value",
        "# syntax=\n# escape=`\nFROM a\nRUN b `\nRUN c\n",
        seen("FROM", 3, 3, "a"),
        seen("RUN", 4, 4, "b `"),
        seen("RUN", 5, 5, "c"),
    ),
    whole(
        "Directives: value of blanks is a blank",
        "# syntax= \n# escape=`\nFROM a\nRUN b `\n c\n",
        seen("FROM", 3, 3, "a"),
        seen("RUN", 4, 5, "b  c"),
    ),
    whole(
        "Directives: name that has a dash is none",
        "# es-cape=`\n# escape=`\nFROM a\nRUN b `\nRUN c\n",
        seen("FROM", 3, 3, "a"),
        seen("RUN", 4, 4, "b `"),
        seen("RUN", 5, 5, "c"),
    ),
    whole(
        "Directives: value with blanks inside",
        "# syntax = a b  c \n# escape=`\nFROM a\nRUN b `\n c\n",
        seen("FROM", 3, 3, "a"),
        seen("RUN", 4, 5, "b  c"),
    ),
    whole(
        "Directives: no-break space before the equals sign is none",
        "# escape\u00a0=`\nFROM a\nRUN b `\nRUN c\n",
        seen("FROM", 2, 2, "a"),
        seen("RUN", 3, 3, "b `"),
        seen("RUN", 4, 4, "c"),
    ),
    whole(
        "Directives: no-break space behind the hash",
        "#\u00a0escape=`\nFROM a\nRUN b `\n c\n",
        seen("FROM", 2, 2, "a"),
        seen("RUN", 3, 4, "b  c"),
    ),
    whole(
        "Directives: backtick in words",
        '# escape=`\nFROM a\nENV a=b` c d="e`"f" g=\'h`\'\nCOPY a`b c\\d /e\n',
        seen("FROM", 2, 2, "a"),
        seen("ENV", 3, 3, "a", "b` c", "=", "d", '"e`"f"', "=", "g", "'h`'", "="),
        seen("COPY", 4, 4, "a`b", "c\\d", "/e"),
    ),
    whole(
        "Directives: two backticks end the line",
        "# escape=`\nFROM a\nRUN b ``\nRUN c\n",
        seen("FROM", 2, 2, "a"),
        seen("RUN", 3, 3, "b ``"),
        seen("RUN", 4, 4, "c"),
    ),
    # Flags
    stage("Flags: flag", "COPY --from=b c d\n", seen("COPY", 2, 2, "c", "d", flags=("--from=b",))),
    stage(
        "Flags: flag without a value",
        "COPY --link a b\n",
        seen("COPY", 2, 2, "a", "b", flags=("--link",)),
    ),
    stage(
        "Flags: several flags",
        "RUN --mount=type=cache,target=/a --network=none b\n",
        seen("RUN", 2, 2, "b", flags=("--mount=type=cache,target=/a", "--network=none")),
    ),
    stage(
        "Flags: flags only in front",
        "RUN a --network=none\n",
        seen("RUN", 2, 2, "a --network=none"),
    ),
    stage("Flags: one dash is no flag", "COPY -a b\n", seen("COPY", 2, 2, "-a", "b")),
    stage(
        "Flags: two dashes end the flags",
        "RUN -- --network=none\n",
        seen("RUN", 2, 2, "--network=none"),
    ),
    stage(
        "Flags: two dashes behind a flag",
        "RUN --network=none -- --mount=a\n",
        seen("RUN", 2, 2, "--mount=a", flags=("--network=none",)),
    ),
    stage("Flags: two dashes alone", "RUN --\n", seen("RUN", 2, 2)),
    stage(
        "Flags: quoted value",
        'COPY --chown="a b" c d\n',
        seen("COPY", 2, 2, "c", "d", flags=("--chown=a b",)),
    ),
    stage(
        "Flags: quote in the middle of a value",
        "COPY --chown=a'b c'd e f\n",
        seen("COPY", 2, 2, "e", "f", flags=("--chown=ab cd",)),
    ),
    stage(
        "Flags: quotes inside other quotes",
        'COPY --chown="it\'s" a b\n',
        seen("COPY", 2, 2, "a", "b", flags=("--chown=it's",)),
    ),
    stage(
        "Flags: escaped blank in a value",
        "COPY --chown=a\\ b c d\n",
        seen("COPY", 2, 2, "c", "d", flags=("--chown=a b",)),
    ),
    stage(
        "Flags: escaped quote inside quotes",
        'COPY --chown="a\\"b" c d\n',
        seen("COPY", 2, 2, "c", "d", flags=('--chown=a"b',)),
    ),
    stage(
        "Flags: backslash escapes in single quotes, too",
        "COPY --chown='a\\'b' c d\n",
        seen("COPY", 2, 2, "c", "d", flags=("--chown=a'b",)),
    ),
    stage(
        "Flags: quoted flag is no flag",
        'COPY "--chown=a" b c\n',
        seen("COPY", 2, 2, '"--chown=a"', "b", "c"),
    ),
    stage(
        "Flags: flag with an empty quoted value",
        'COPY --chown="" a b\n',
        seen("COPY", 2, 2, "a", "b", flags=("--chown=",)),
    ),
    stage(
        "Flags: flag that is nothing but dashes and quotes ends the flags",
        'RUN --"" --network=none\n',
        seen("RUN", 2, 2, "--network=none"),
    ),
    stage(
        "Flags: tabs between flags",
        "RUN\t--network=none\t--security=sandbox\ta\n",
        seen("RUN", 2, 2, "a", flags=("--network=none", "--security=sandbox")),
    ),
    stage(
        "Flags: flag on a continued line",
        "RUN --network=none \\\n    --mount=type=tmpfs,target=/a \\\n    b\n",
        seen("RUN", 2, 4, "b", flags=("--network=none", "--mount=type=tmpfs,target=/a")),
    ),
    stage(
        "Flags: flag split by a continuation",
        "RUN --net\\\nwork=none b\n",
        seen("RUN", 2, 3, "b", flags=("--network=none",)),
    ),
    stage(
        "Flags: flag in front of a JSON array",
        'COPY --from=a ["b", "c"]\n',
        seen("COPY", 2, 2, "b", "c", flags=("--from=a",), json=True),
    ),
    stage(
        "Flags: comment between flags",
        "RUN --network=none \\\n# why\n    --security=sandbox a\n",
        seen("RUN", 2, 4, "a", flags=("--network=none", "--security=sandbox")),
    ),
    whole(
        "Flags: backtick in a flag's value",
        "# escape=`\nFROM a\nCOPY --chown=a` b c d\n",
        seen("FROM", 2, 2, "a"),
        seen("COPY", 3, 3, "c", "d", flags=("--chown=a b",)),
    ),
    stage(
        "Flags: flags of an instruction that takes none are flags all the same",
        "STOPSIGNAL --a=b 9\n",
        seen("STOPSIGNAL", 2, 2, "9", flags=("--a=b",)),
    ),
    stage(
        "Flags: flag of FROM",
        "FROM --platform=$BUILDPLATFORM b AS c\n",
        seen("FROM", 2, 2, "b", "AS", "c", flags=("--platform=$BUILDPLATFORM",)),
    ),
    stage(
        "Flags: flags of HEALTHCHECK",
        "HEALTHCHECK --interval=5s --retries=3 CMD a b\n",
        seen("HEALTHCHECK", 2, 2, "CMD", "a b", flags=("--interval=5s", "--retries=3")),
    ),
    stage(
        "Flags: undecodable no-break space ends a flag and stands between flags",
        "COPY --link\udca0\udc85--from=a\udc85b c\n",
        seen("COPY", 2, 2, "b", "c", flags=("--link", "--from=a")),
    ),
    stage(
        "Flags: undecodable no-break space in front of a flag",
        "COPY \udca0--link a b\n",
        seen("COPY", 2, 2, "a", "b", flags=("--link",)),
    ),
    stage(
        "Flags: no-break space in front of a flag",
        "RUN \u00a0--network=none\n",
        seen("RUN", 2, 2, "--network=none"),
    ),
    # JSON form
    stage("JSON form: exec form", 'RUN ["a", "b c"]\n', seen("RUN", 2, 2, "a", "b c", json=True)),
    stage(
        "JSON form: blanks inside", 'CMD [ "a" , "b" ]  \n', seen("CMD", 2, 2, "a", "b", json=True)
    ),
    stage("JSON form: empty array", "CMD []\n", seen("CMD", 2, 2, json=True)),
    stage(
        "JSON form: array over several lines",
        'CMD ["a", \\\n     "b"]\n',
        seen("CMD", 2, 3, "a", "b", json=True),
    ),
    stage(
        "JSON form: escapes",
        'CMD ["a\\n\\t\\"\\\\\\/b", "\\u00e9\\ud83d\\ude00"]\n',
        seen("CMD", 2, 2, 'a\n\t"\\/b', "\u00e9\U0001f600", json=True),
    ),
    stage(
        "JSON form: surrogate that stands alone",
        'CMD ["\\ud800a"]\n',
        seen("CMD", 2, 2, "\ufffda", json=True),
    ),
    stage(
        "JSON form: escape that JSON does not know is the shell form",
        'CMD ["a\\$b"]\n',
        seen("CMD", 2, 2, '["a\\$b"]'),
    ),
    stage(
        "JSON form: single quotes are the shell form",
        "CMD ['a', 'b']\n",
        seen("CMD", 2, 2, "['a', 'b']"),
    ),
    stage(
        "JSON form: trailing comma is the shell form", 'CMD ["a",]\n', seen("CMD", 2, 2, '["a",]')
    ),
    stage(
        "JSON form: text behind the array is the shell form",
        'CMD ["a"] b\n',
        seen("CMD", 2, 2, '["a"] b'),
    ),
    stage(
        "JSON form: tab inside a string is the shell form",
        'CMD ["a\tb"]\n',
        seen("CMD", 2, 2, '["a\tb"]'),
    ),
    stage(
        "JSON form: test command is the shell form",
        "RUN [ -e a ] && b\n",
        seen("RUN", 2, 2, "[ -e a ] && b"),
    ),
    stage("JSON form: NaN is the shell form", "CMD [NaN]\n", seen("CMD", 2, 2, "[NaN]")),
    stage(
        "JSON form: number that is too large is the shell form",
        "CMD [1e999]\n",
        seen("CMD", 2, 2, "[1e999]"),
    ),
    stage(
        "JSON form: object with half a member is the shell form",
        'CMD [{"a": 1, 2}]\n',
        seen("CMD", 2, 2, '[{"a": 1, 2}]'),
    ),
    stage(
        "JSON form: no-break space in front of the array",
        'CMD \u00a0["a"]\n',
        seen("CMD", 2, 2, "a", json=True),
    ),
    stage(
        "JSON form: no-break space inside the array is the shell form",
        'CMD ["a",\u00a0"b"]\n',
        seen("CMD", 2, 2, '["a",\u00a0"b"]'),
    ),
    stage("JSON form: COPY", 'COPY ["a b", "c"]\n', seen("COPY", 2, 2, "a b", "c", json=True)),
    stage(
        "JSON form: ADD in broken JSON splits at blanks",
        'ADD ["a", b]\n',
        seen("ADD", 2, 2, '["a",', "b]"),
    ),
    stage(
        "JSON form: VOLUME", 'VOLUME ["/a", "/b"]\n', seen("VOLUME", 2, 2, "/a", "/b", json=True)
    ),
    stage("JSON form: VOLUME at blanks", "VOLUME /a  /b\n", seen("VOLUME", 2, 2, "/a", "/b")),
    stage(
        "JSON form: SHELL",
        'SHELL ["/bin/bash", "-c"]\n',
        seen("SHELL", 2, 2, "/bin/bash", "-c", json=True),
    ),
    stage("JSON form: ENTRYPOINT", 'ENTRYPOINT ["a"]\n', seen("ENTRYPOINT", 2, 2, "a", json=True)),
    stage(
        "JSON form: HEALTHCHECK",
        'HEALTHCHECK CMD ["a", "b"]\n',
        seen("HEALTHCHECK", 2, 2, "CMD", "a", "b", json=True),
    ),
    stage(
        "JSON form: HEALTHCHECK in lower case, blanks between",
        "HEALTHCHECK cmd \t a  b\n",
        seen("HEALTHCHECK", 2, 2, "cmd", "a  b"),
    ),
    stage("JSON form: HEALTHCHECK NONE", "HEALTHCHECK NONE\n", seen("HEALTHCHECK", 2, 2, "NONE")),
    stage("JSON form: EXPOSE is never JSON", 'EXPOSE ["80"]\n', seen("EXPOSE", 2, 2, '["80"]')),
    stage("JSON form: USER is never JSON", 'USER ["a"]\n', seen("USER", 2, 2, '["a"]')),
    # Words
    stage(
        "Words: quotes do not hold COPY's words together",
        'COPY "a b" c\n',
        seen("COPY", 2, 2, '"a', 'b"', "c"),
    ),
    stage(
        "Words: tabs and form feeds split",
        "EXPOSE 80\t81\f82\v83\r84\n",
        seen("EXPOSE", 2, 2, "80", "81", "82", "83", "84"),
    ),
    stage(
        "Words: no-break space does not split",
        "EXPOSE 80\u00a081\n",
        seen("EXPOSE", 2, 2, "80\u00a081"),
    ),
    stage("Words: WORKDIR is one word", "WORKDIR /a b\n", seen("WORKDIR", 2, 2, "/a b")),
    stage("Words: USER is one word", "USER a b\n", seen("USER", 2, 2, "a b")),
    stage(
        "Words: MAINTAINER is one word",
        "MAINTAINER A B <c@d>\n",
        seen("MAINTAINER", 2, 2, "A B <c@d>"),
    ),
    stage(
        "Words: STOPSIGNAL is one word", "STOPSIGNAL SIGTERM\n", seen("STOPSIGNAL", 2, 2, "SIGTERM")
    ),
    stage("Words: ARG without a value", "ARG a\n", seen("ARG", 2, 2, "a")),
    stage(
        "Words: ARG with several",
        'ARG a b=c d="e f" g=\n',
        seen("ARG", 2, 2, "a", "b=c", 'd="e f"', "g="),
    ),
    stage("Words: ARG in quotes", "ARG 'a=b c' \"d\"=e\n", seen("ARG", 2, 2, "'a=b c'", '"d"=e')),
    stage(
        "Words: ENV",
        "ENV a=b c=\"d e\" f='g h' i=\n",
        seen("ENV", 2, 2, "a", "b", "=", "c", '"d e"', "=", "f", "'g h'", "=", "i", "", "="),
    ),
    stage(
        "Words: ENV with escaped blanks",
        'ENV a=b\\ c d=e\\"f\n',
        seen("ENV", 2, 2, "a", "b\\ c", "=", "d", 'e\\"f', "="),
    ),
    stage(
        "Words: ENV with an escape at the end of the word",
        "ENV a=b\\\\ c=d\n",
        seen("ENV", 2, 2, "a", "b\\\\", "=", "c", "d", "="),
    ),
    stage(
        "Words: ENV with a backslash in single quotes",
        "ENV a='b\\' c=d\n",
        seen("ENV", 2, 2, "a", "'b\\'", "=", "c", "d", "="),
    ),
    stage(
        "Words: ENV with a quote that is not closed",
        'ENV a="b c=d\n',
        seen("ENV", 2, 2, "a", '"b c=d', "="),
    ),
    stage(
        "Words: ENV with several equals signs", "ENV a=b=c\n", seen("ENV", 2, 2, "a", "b=c", "=")
    ),
    stage("Words: ENV in the old spelling", "ENV a b  c=d\n", seen("ENV", 2, 2, "a", "b  c=d", "")),
    stage(
        "Words: ENV in the old spelling with quotes",
        'ENV a "b c"\n',
        seen("ENV", 2, 2, "a", '"b c"', ""),
    ),
    stage(
        "Words: ENV in the old spelling with a tab", "ENV a\t b\n", seen("ENV", 2, 2, "a", "b", "")
    ),
    stage(
        "Words: ENV whose quoted name holds a blank",
        'ENV "a b" c\n',
        seen("ENV", 2, 2, '"a', 'b" c', ""),
    ),
    stage(
        "Words: ENV whose quoted name holds an equals sign",
        'ENV "a=b"=c\n',
        seen("ENV", 2, 2, '"a', 'b"=c', "="),
    ),
    stage(
        "Words: ENV splits at a no-break space",
        "ENV a=b\u00a0c=d\n",
        seen("ENV", 2, 2, "a", "b", "=", "c", "d", "="),
    ),
    stage(
        "Words: ENV over several lines",
        'ENV a=b \\\n    # c\n    d="e \\\n  f"\n',
        seen("ENV", 2, 5, "a", "b", "=", "d", '"e   f"', "="),
    ),
    stage(
        "Words: ENV whose last word is a lone backslash",
        "ENV a=b \\\u00a0\n",
        seen("ENV", 2, 2, "a", "b", "="),
    ),
    stage(
        "Words: LABEL",
        "LABEL a.b=\"c\" d='e'\n",
        seen("LABEL", 2, 2, "a.b", '"c"', "=", "d", "'e'", "="),
    ),
    stage("Words: LABEL in the old spelling", "LABEL a b c\n", seen("LABEL", 2, 2, "a", "b c", "")),
    stage(
        "Words: ENV with a hash", "ENV a=b #c=d\n", seen("ENV", 2, 2, "a", "b", "=", "#c", "d", "=")
    ),
    # Here-documents
    stage(
        "Here-documents: RUN",
        "RUN <<EOF\na\nb\nEOF\nUSER c\n",
        seen("RUN", 2, 5, "<<EOF", heredocs=(Here("EOF", "a\nb\n"),)),
        seen("USER", 6, 6, "c"),
    ),
    stage(
        "Here-documents: empty body",
        "RUN <<EOF\nEOF\n",
        seen("RUN", 2, 3, "<<EOF", heredocs=(Here("EOF", ""),)),
    ),
    stage(
        "Here-documents: COPY",
        "COPY <<EOF /a\nb\nEOF\n",
        seen("COPY", 2, 4, "<<EOF", "/a", heredocs=(Here("EOF", "b\n"),)),
    ),
    stage(
        "Here-documents: ADD",
        "ADD <<EOF /a\nb\nEOF\n",
        seen("ADD", 2, 4, "<<EOF", "/a", heredocs=(Here("EOF", "b\n"),)),
    ),
    stage(
        "Here-documents: two on one line",
        "COPY <<A <<B /c/\na\nA\nb\nB\n",
        seen("COPY", 2, 6, "<<A", "<<B", "/c/", heredocs=(Here("A", "a\n"), Here("B", "b\n"))),
    ),
    stage(
        "Here-documents: instructions, comments and continuations inside are text",
        "RUN <<EOF\nRUN a\n# c\nb \\\nEOF\nUSER c\n",
        seen("RUN", 2, 6, "<<EOF", heredocs=(Here("EOF", "RUN a\n# c\nb \\\n"),)),
        seen("USER", 7, 7, "c"),
    ),
    stage(
        "Here-documents: leading tabs with a dash",
        "RUN <<-EOF\n\t\ta\n\t\tEOF\n",
        seen("RUN", 2, 4, "<<-EOF", heredocs=(Here("EOF", "\t\ta\n", chomp=True),)),
    ),
    stage(
        "Here-documents: tabs before the end without a dash",
        "RUN <<EOF\n\tEOF\nEOF\n",
        seen("RUN", 2, 4, "<<EOF", heredocs=(Here("EOF", "\tEOF\n"),)),
    ),
    stage(
        "Here-documents: blanks before the end with a dash",
        "RUN <<-EOF\n  EOF\n\tEOF\n",
        seen("RUN", 2, 4, "<<-EOF", heredocs=(Here("EOF", "  EOF\n", chomp=True),)),
    ),
    stage(
        "Here-documents: blanks behind the end",
        "RUN <<EOF\nEOF \nEOF\n",
        seen("RUN", 2, 4, "<<EOF", heredocs=(Here("EOF", "EOF \n"),)),
    ),
    stage(
        "Here-documents: quoted",
        'RUN <<"EOF"\n$a\nEOF\n',
        seen("RUN", 2, 4, '<<"EOF"', heredocs=(Here("EOF", "$a\n", expand=False),)),
    ),
    stage(
        "Here-documents: quoted with apostrophes",
        "RUN <<'EOF'\n$a\nEOF\n",
        seen("RUN", 2, 4, "<<'EOF'", heredocs=(Here("EOF", "$a\n", expand=False),)),
    ),
    stage(
        "Here-documents: quoted in part",
        'RUN <<E"O"F\n$a\nEOF\n',
        seen("RUN", 2, 4, '<<E"O"F', heredocs=(Here("EOF", "$a\n", expand=False),)),
    ),
    stage(
        "Here-documents: escaped is not quoted",
        "RUN <<E\\OF\n$a\nEOF\n",
        seen("RUN", 2, 4, "<<E\\OF", heredocs=(Here("EOF", "$a\n"),)),
    ),
    stage(
        "Here-documents: name with a blank in quotes",
        "RUN <<'a b'\nc\na b\n",
        seen("RUN", 2, 4, "<<'a b'", heredocs=(Here("a b", "c\n", expand=False),)),
    ),
    stage(
        "Here-documents: blanks in front of the name",
        "RUN <<  EOF\na\nEOF\n",
        seen("RUN", 2, 4, "<<  EOF", heredocs=(Here("EOF", "a\n"),)),
    ),
    stage(
        "Here-documents: blanks behind the dash make it none",
        "RUN <<- EOF\nUSER a\n",
        seen("RUN", 2, 2, "<<- EOF"),
        seen("USER", 3, 3, "a"),
    ),
    stage(
        "Here-documents: file descriptor",
        "RUN 3<<EOF a\nb\nEOF\n",
        seen("RUN", 2, 4, "3<<EOF a", heredocs=(Here("EOF", "b\n", descriptor=3),)),
    ),
    stage(
        "Here-documents: file descriptor that is too large",
        "RUN 99999999999999999999999<<EOF\nEOF\n",
        seen(
            "RUN",
            2,
            3,
            "99999999999999999999999<<EOF",
            heredocs=(Here("EOF", "", descriptor=18446744073709551615),),
        ),
    ),
    stage(
        "Here-documents: number apart is no descriptor",
        "RUN 3 <<EOF\nEOF\n",
        seen("RUN", 2, 3, "3 <<EOF", heredocs=(Here("EOF", ""),)),
    ),
    stage(
        "Here-documents: with a command in front",
        "RUN python3 - <<EOF a\nb\nEOF\n",
        seen("RUN", 2, 4, "python3 - <<EOF a", heredocs=(Here("EOF", "b\n"),)),
    ),
    stage(
        "Here-documents: inside a word is none",
        "RUN a<<EOF\nUSER b\n",
        seen("RUN", 2, 2, "a<<EOF"),
        seen("USER", 3, 3, "b"),
    ),
    stage(
        "Here-documents: three less-than signs are none",
        "RUN cat <<<EOF\nUSER b\n",
        seen("RUN", 2, 2, "cat <<<EOF"),
        seen("USER", 3, 3, "b"),
    ),
    stage(
        "Here-documents: shift that touches is none",
        "RUN echo $((1<<3))\nUSER b\n",
        seen("RUN", 2, 2, "echo $((1<<3))"),
        seen("USER", 3, 3, "b"),
    ),
    stage(
        "Here-documents: variable in the name stays",
        "RUN <<$EOF\na\n$EOF\n",
        seen("RUN", 2, 4, "<<$EOF", heredocs=(Here("$EOF", "a\n"),)),
    ),
    stage(
        "Here-documents: braced variable in the name stays",
        "RUN <<${EOF}\na\n${EOF}\n",
        seen("RUN", 2, 4, "<<${EOF}", heredocs=(Here("${EOF}", "a\n"),)),
    ),
    stage(
        "Here-documents: default value in the name makes it none",
        "RUN <<${EOF:-x}\nUSER a\n",
        seen("RUN", 2, 2, "<<${EOF:-x}"),
        seen("USER", 3, 3, "a"),
    ),
    stage(
        "Here-documents: default value between words loses what stands in front",
        "RUN echo ${a:-b} <<EOF\nc\nEOF\n",
        seen("RUN", 2, 4, "echo ${a:-b} <<EOF", heredocs=(Here("EOF", "c\n"),)),
    ),
    stage(
        "Here-documents: lexer error hides it: apostrophe",
        "RUN echo don't <<EOF\nUSER b\n",
        seen("RUN", 2, 2, "echo don't <<EOF"),
        seen("USER", 3, 3, "b"),
    ),
    stage(
        "Here-documents: lexer error hides it: unknown modifier",
        "RUN echo ${a^^} <<EOF\nUSER b\n",
        seen("RUN", 2, 2, "echo ${a^^} <<EOF"),
        seen("USER", 3, 3, "b"),
    ),
    stage(
        "Here-documents: lexer error hides it: brace that is not closed",
        "RUN echo ${a <<EOF\nUSER b\n",
        seen("RUN", 2, 2, "echo ${a <<EOF"),
        seen("USER", 3, 3, "b"),
    ),
    stage(
        "Here-documents: CMD has none",
        "CMD <<EOF\nUSER b\n",
        seen("CMD", 2, 2, "<<EOF"),
        seen("USER", 3, 3, "b"),
    ),
    stage(
        "Here-documents: ENV has none",
        "ENV a=<<EOF\nUSER b\n",
        seen("ENV", 2, 2, "a", "<<EOF", "="),
        seen("USER", 3, 3, "b"),
    ),
    stage(
        "Here-documents: JSON form has none",
        'RUN ["<<EOF"]\nUSER b\n',
        seen("RUN", 2, 2, "<<EOF", json=True),
        seen("USER", 3, 3, "b"),
    ),
    stage(
        "Here-documents: on a continued line",
        "RUN a \\\n  <<EOF\nb\nEOF\n",
        seen("RUN", 2, 5, "a   <<EOF", heredocs=(Here("EOF", "b\n"),)),
    ),
    stage(
        "Here-documents: name split by a continuation",
        "RUN <<E\\\nOF\nb\nEOF\n",
        seen("RUN", 2, 5, "<<EOF", heredocs=(Here("EOF", "b\n"),)),
    ),
    stage(
        "Here-documents: CRLF",
        "RUN <<EOF\r\na\r\nEOF\r\nUSER b\r\n",
        seen("RUN", 2, 4, "<<EOF", heredocs=(Here("EOF", "a\r\n"),)),
        seen("USER", 5, 5, "b"),
    ),
    stage(
        "Here-documents: end without a line end",
        "RUN <<EOF\na\nEOF",
        seen("RUN", 2, 4, "<<EOF", heredocs=(Here("EOF", "a\n"),)),
    ),
    stage(
        "Here-documents: flag in front",
        "RUN --network=none <<EOF\na\nEOF\n",
        seen("RUN", 2, 4, "<<EOF", flags=("--network=none",), heredocs=(Here("EOF", "a\n"),)),
    ),
    stage(
        "Here-documents: dash and quotes",
        'COPY <<-"EOF" /a\n\tb\n\tEOF\n',
        seen(
            "COPY",
            2,
            4,
            '<<-"EOF"',
            "/a",
            heredocs=(Here("EOF", "\tb\n", expand=False, chomp=True),),
        ),
    ),
    stage(
        "Here-documents: same name twice",
        "COPY <<A <<A /c/\na\nA\nb\nA\n",
        seen("COPY", 2, 6, "<<A", "<<A", "/c/", heredocs=(Here("A", "a\n"), Here("A", "b\n"))),
    ),
    stage(
        "Here-documents: under ONBUILD",
        "ONBUILD RUN <<EOF\na\nEOF\nUSER b\n",
        seen("ONBUILD", 2, 4, heredocs=(Here("EOF", "a\n"),), inner=inner("RUN", "<<EOF")),
        seen("USER", 5, 5, "b"),
    ),
    stage(
        "Here-documents: under ONBUILD in a COPY",
        "ONBUILD COPY --chown=a <<EOF /b\na\nEOF\n",
        seen(
            "ONBUILD",
            2,
            4,
            heredocs=(Here("EOF", "a\n"),),
            inner=inner("COPY", "<<EOF", "/b", flags=("--chown=a",)),
        ),
    ),
    stage(
        "Here-documents: under ONBUILD in an ENV is none",
        "ONBUILD ENV a=<<EOF\nUSER b\n",
        seen("ONBUILD", 2, 2, inner=inner("ENV", "a", "<<EOF", "=")),
        seen("USER", 3, 3, "b"),
    ),
    whole(
        "Here-documents: backslash counts even under a backtick",
        '# escape=`\nFROM a\nRUN <<E\\"F\na\nE"F\n',
        seen("FROM", 2, 2, "a"),
        seen("RUN", 3, 5, '<<E\\"F', heredocs=(Here('E"F', "a\n"),)),
    ),
    stage(
        "Here-documents: undecodable name is read as U+FFFD",
        "RUN <<E\udcff\nb\nE\ufffd\n",
        seen("RUN", 2, 4, "<<E\udcff", heredocs=(Here("E\ufffd", "b\n"),)),
    ),
    stage(
        "Here-documents: arguments that only look like it",
        "RUN echo '<<EOF'\nUSER b\n",
        seen("RUN", 2, 2, "echo '<<EOF'"),
        seen("USER", 3, 3, "b"),
    ),
    stage(
        "Here-documents: quoted less-than sign in front of another is none",
        'RUN "<"<EOF\nUSER b\n',
        seen("RUN", 2, 2, '"<"<EOF'),
        seen("USER", 3, 3, "b"),
    ),
    stage(
        "Here-documents: less-than signs with a blank between are none",
        "RUN < <EOF\nUSER b\n",
        seen("RUN", 2, 2, "< <EOF"),
        seen("USER", 3, 3, "b"),
    ),
    # ONBUILD
    stage("ONBUILD: ONBUILD", "ONBUILD RUN a\n", seen("ONBUILD", 2, 2, inner=inner("RUN", "a"))),
    stage("ONBUILD: lower case", "onbuild run a\n", seen("ONBUILD", 2, 2, inner=inner("RUN", "a"))),
    stage(
        "ONBUILD: flags of the inner instruction",
        "ONBUILD COPY --from=a --link b c\n",
        seen("ONBUILD", 2, 2, inner=inner("COPY", "b", "c", flags=("--from=a", "--link"))),
    ),
    stage(
        "ONBUILD: inner JSON form",
        'ONBUILD CMD ["a", "b"]\n',
        seen("ONBUILD", 2, 2, inner=inner("CMD", "a", "b", json=True)),
    ),
    stage(
        "ONBUILD: inner pairs",
        "ONBUILD ENV a=b c=d\n",
        seen("ONBUILD", 2, 2, inner=inner("ENV", "a", "b", "=", "c", "d", "=")),
    ),
    stage(
        "ONBUILD: continuation",
        "ONBUILD \\\n  RUN a \\\n  b\n",
        seen("ONBUILD", 2, 4, inner=inner("RUN", "a   b")),
    ),
    stage(
        "ONBUILD: inner instruction that is unknown",
        "ONBUILD FORM a\n",
        seen("ONBUILD", 2, 2, inner=inner("FORM")),
    ),
)
