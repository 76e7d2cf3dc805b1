"""Which commands a script has, what they consist of, and how they are connected."""

from __future__ import annotations

import pytest

from optimizer.cst.source import Span
from optimizer.shell.parse import LONGEST, parse_script
from optimizer.shell.script import ChainItem, Command, Compound, OpaqueScript, Pipeline
from tests.shell.reading import command, script

# id, script, the words of its commands
COMMANDS: list[tuple[str, str, list[str]]] = [
    ("nothing", "", []),
    ("only-blanks", " \t\n ", []),
    ("only-a-comment", "# npm ci", []),
    ("one-command", "npm ci", ["npm ci"]),
    ("and-list", "a 1 && b 2", ["a 1", "b 2"]),
    ("and-list-without-blanks", "a&&b", ["a", "b"]),
    ("or-list", "a || b", ["a", "b"]),
    ("semicolons", "a; b;c ;", ["a", "b", "c"]),
    ("pipe", "a | b", ["a", "b"]),
    ("pipe-with-errors", "a |& b", ["a", "b"]),
    ("background", "a & b", ["a", "b"]),
    ("lines", "a\nb\n\n\nc\n", ["a", "b", "c"]),
    ("list-over-lines", "a &&\n\n b", ["a", "b"]),
    ("blanks-around", "   a   b   ;   c   ", ["a b", "c"]),
    ("tabs", "\ta\tb\t&&\tc", ["a b", "c"]),
    ("comment-behind", "a b # c && d", ["a b"]),
    ("comment-between-lines", "a # x\n# y\nb", ["a", "b"]),
    ("comment-ends-at-line-end-with-backslash", "a # x \\\nb", ["a", "b"]),
    ("hash-inside-word", "a b#c", ["a b#c"]),
    ("hash-in-quotes", "a '#' \"#\"", ["a '#' \"#\""]),
    ("continued-line", "a \\\n  b", ["a b"]),
    ("continued-word", "a b\\\nc", ["a b\\\nc"]),
    ("quoted-operators", "a '&&' \"; |\" \\& x\\;y", ["a '&&' \"; |\" \\& x\\;y"]),
    ("quoted-line-end", "a 'b\nc' d", ["a 'b\nc' d"]),
    ("empty-words", "a '' \"\"", ["a '' \"\""]),
    ("number-alone", "a 2 3", ["a 2 3"]),
    ("equals-sign-as-argument", "a b=c = ==", ["a b=c = =="]),
    ("option-with-equals-sign", "a --b=c", ["a --b=c"]),
    ("command-that-looks-like-an-option", "--a=b c", ["--a=b c"]),
    ("expansions", 'a $b ${c} "$d" ${e:-f} ${g##*/}', ['a $b ${c} "$d" ${e:-f} ${g##*/}']),
    ("command-from-variable", "$CMD a", ["$CMD a"]),
    ("quoted-command-name", "'a' \"b\"", ["'a' \"b\""]),
    ("lone-dollar", "a $ b$", ["a $ b$"]),
    ("bang-inside-word", "a b!c", ["a b!c"]),
    ("bang-as-argument", "find . ! -name x", ["find . ! -name x"]),
    ("braces-as-arguments", "find . -exec a {} +", ["find . -exec a {} +"]),
    ("find-exec-semicolon", "find . -exec a {} \\; && b", ["find . -exec a {} \\;", "b"]),
    ("brace-expansion", "mkdir {a,b}/{1..3}", ["mkdir {a,b}/{1..3}"]),
    ("reserved-words-as-arguments", "a if then do done fi in", ["a if then do done fi in"]),
    ("url-with-ampersand-quoted", "curl 'x?a=1&b=2'", ["curl 'x?a=1&b=2'"]),
    ("percent-and-at", "a %s x@1.2 ^1", ["a %s x@1.2 ^1"]),
    ("awk-program", "awk '{print $1}' f", ["awk '{print $1}' f"]),
    ("subshell", "(a; b) && c", ["a", "b", "c"]),
    ("nested-subshells", "( (a); b )", ["a", "b"]),
    ("group", "{ a; b; } && c", ["a", "b", "c"]),
    ("group-over-lines", "{\n a\n b\n}\nc", ["a", "b", "c"]),
    ("negation", "! a && b", ["a", "b"]),
    ("negated-group", "! { a x | b y; }", ["a x", "b y"]),
    ("negated-group-in-list", "a && ! { b; } || c", ["a", "b", "c"]),
    ("negated-subshell", "! (a)", ["a"]),
    ("if", "if a; then b; fi", ["a", "b"]),
    ("if-else", "if a; then b; else c; fi; d", ["a", "b", "c", "d"]),
    ("if-elif", "if a; then b; elif c; then d; else e; fi", ["a", "b", "c", "d", "e"]),
    ("if-over-lines", "if a\nthen\n b\nfi", ["a", "b"]),
    ("while", "while a; do b; done", ["a", "b"]),
    ("until", "until a; do b; done", ["a", "b"]),
    ("for", "for x in a b; do c $x; done", ["c $x"]),
    ("for-over-lines", "for x in a b\ndo\n c $x\ndone", ["c $x"]),
    ("for-without-list", "for x; do a; done", ["a"]),
    ("for-with-arithmetic", "for ((i=0;i<3;i++)); do a; done", ["a"]),
    ("case", "case x in a|b) c;; (d) e ;; *) f; esac", ["c", "e", "f"]),
    ("empty-case-branch", "case x in a) ;; b) c;; esac", ["c"]),
    ("function", "f() { a; }; f b", ["a", "f b"]),
    ("function-with-keyword", "function f { a; }; f", ["a", "f"]),
    ("function-is-not-its-right-side", "f() { a; } && b", ["a", "b"]),
    ("arithmetic-command", "(( i++ )); a", ["a"]),
    ("test-brackets", '[ -f "$x" ] && a', ['[ -f "$x" ]', "a"]),
    ("test-with-parentheses", "[ \\( a = b \\) -o c ]", ["[ \\( a = b \\) -o c ]"]),
    ("test-with-bang", "[ ! -d x ] || a", ["[ ! -d x ]", "a"]),
    ("test-with-double-equals", '[ "$x" == y ] && a', ['[ "$x" == y ]', "a"]),
    ("test-words-over-lines", "[ a = \\\n b ]", ["[ a = b ]"]),
    ("double-brackets", "[[ $a == b* && c =~ ^d(e|f)$ ]]", ["[[ $a == b* && c =~ ^d(e|f)$ ]]"]),
    ("bracket-glob", "rm [ab]* [!c]", ["rm [ab]* [!c]"]),
    ("substitution", "a $(b c)", ["a $(b c)", "b c"]),
    ("substitution-in-string", 'a "x $(b "y z") w"', ['a "x $(b "y z") w"', 'b "y z"']),
    ("nested-substitutions", "a $(b $(c))", ["a $(b $(c))", "b $(c)", "c"]),
    ("two-substitutions", "a $(b) $(c)", ["a $(b) $(c)", "b", "c"]),
    ("backticks", "a `b c`", ["a `b c`", "b c"]),
    ("backticks-in-string", 'a "`b`" "`c`"', ['a "`b`" "`c`"', "b", "c"]),
    ("process-substitution", "a <(b) >(c)", ["a <(b) >(c)", "b", "c"]),
    ("substitution-in-arithmetic", "a $((1 + $(b)))", ["a $((1 + $(b)))", "b"]),
    ("substitution-in-assignment", "A=$(b) c", ["c", "b"]),
    ("substitution-in-target", "a > $(b) c", ["a c", "b"]),
    ("substitution-in-for", "for x in $(a); do b; done", ["a", "b"]),
    ("substitution-in-case", "case $(a) in $(b)) c;; esac", ["a", "b", "c"]),
    ("substitution-that-reads-a-file", "a $(< f)", ["a $(< f)", ""]),
    ("list-in-substitution", "a $(b && c; d)", ["a $(b && c; d)", "b", "c", "d"]),
    ("declarations", "export A=1 B && unset C", ["export A=1 B", "unset C"]),
    ("export-with-string", 'export "A=$x" B="y z"', ['export "A=$x" B="y z"']),
    ("words-behind-redirection", "a > f b c", ["a b c"]),
    ("redirection-first", "> f a b", ["a b"]),
    ("redirection-alone", "> f", [""]),
    ("assignment-alone", "A=1", [""]),
    ("assignment-before-command", "A=1 B= c d", ["c d"]),
    ("time", "time a b", ["time a b"]),
    ("non-ascii", "äpfel é😀 'ß'", ["äpfel é😀 'ß'"]),
    ("no-break-space-is-no-blank", "a\u00a0b c", ["a\u00a0b c"]),
    ("form-feed-and-return-are-no-blanks", "a\x0cb c\r", ["a\x0cb c\r"]),
    ("surrogates", "a \udcff b", ["a \udcff b"]),
    ("control-characters", "a \x01 \x7f", ["a \x01 \x7f"]),
    ("heredoc", "cat <<E\nx y\nE\n", ["cat"]),
    ("heredoc-and-more-in-its-line", "cat <<E > f && b c\nx\nE\nd", ["cat", "b c", "d"]),
    ("heredoc-and-semicolon", "cat <<E; b\nx\nE\nc", ["cat", "b", "c"]),
    ("heredoc-before-pipe", "cat <<E | b\nx\nE\n", ["cat", "b"]),
    ("heredoc-before-command", "<<E bash -x\na\nE", ["bash -x"]),
    ("two-heredocs", "a <<A 3<<-B\nx\nA\n\ty\n\tB\nc", ["a", "c"]),
    ("heredoc-with-substitution", "cat <<E\n$(a b) $x\nE\nc", ["cat", "a b", "c"]),
    (
        "nested-substitution-in-heredoc",
        "cat <<E\n$(a $(b\n c))\nE",
        ["cat", "a $(b\n c)", "b", "c"],
    ),
    ("quoted-heredoc", "cat <<'E'\n$(a) `b`\nE\nc", ["cat", "c"]),
    ("empty-heredoc", "cat <<E\nE\nb", ["cat", "b"]),
    ("heredoc-in-substitution", "a $(cat <<E\nx\nE\n)", ["a $(cat <<E\nx\nE\n)", "cat"]),
    ("heredoc-delimiter-with-blank", "cat <<'E F'\nx\nE F\nb", ["cat", "b"]),
    ("shift-is-no-heredoc", "a $((1<<3)) && b", ["a $((1<<3))", "b"]),
    ("here-string", "a <<< b c", ["a c"]),
    ("heredoc-operator-in-quotes", "a '<<E' \"<<F\"", ["a '<<E' \"<<F\""]),
]


@pytest.mark.parametrize(
    ("text", "expected"),
    [case[1:] for case in COMMANDS],
    ids=[case[0] for case in COMMANDS],
)
def test_commands(text: str, expected: list[str]) -> None:
    found = script(text).commands
    assert [" ".join(word.text for word in each.words) for each in found] == expected
    for each in found:
        for word in each.words:
            assert text[word.span.start : word.span.end] == word.text


# id, script, a part of the reason, the text that the place points at
OPAQUE: list[tuple[str, str, str, str]] = [
    ("open-single-quote", "a 'b", "syntax", " "),
    ("open-double-quote", 'a "b', "syntax", '"'),
    ("open-subshell", "(a", "syntax", ""),
    ("stray-parenthesis", "a )", "syntax", ")"),
    ("then-without-if", "then a", "name", "t"),
    ("if-without-fi", "if a; then b", "syntax", "i"),
    ("two-semicolons", "a ;; b", "piece", ";"),
    ("list-without-end", "a &&", "syntax", ""),
    ("nul", "a \0 b", "NUL", "\0"),
    ("brace-group-behind-time", "time { a; }", "name", "}"),
    ("word-behind-group", "{ a; } b", "syntax", "{"),
    ("keyword-glued-to-word", "for x inp a; do b; done", "keyword", "p"),
    ("brace-glued-to-word", "a || {] b; }", "keyword", "]"),
    ("command-ended-by-esac", "case x in a) b esac", "keyword", "e"),
    ("nested-parentheses-or-arithmetic", "((a); b)", "", "("),
    ("negated-arithmetic", "! (( i++ ))", "arithmetic", "("),
    ("coproc", "coproc a", "name", "c"),
    ("descriptor-with-a-name", "a {fd}>f", "descriptor", ">"),
    ("open-heredoc", "cat <<E\nx", "here-document", "<"),
    ("heredoc-without-delimiter", "cat <<\nx\n", "here-document", "<"),
    ("backticks-in-heredoc", "cat <<E\n`a`\nE", "backticks", "`"),
    ("escape-inside-backticks", "a `b \\`c\\``", "escape", "b"),
    ("maven-property", "a ${b.c}", "syntax", "$"),
    ("cmd-for-loop", "FOR /f \"t=*\" %i IN ('a') DO b %i", "syntax", " "),
    ("target-in-next-line", "a >\nb", "skipped", "\n"),
    ("words-of-for-in-next-line", "for x in\n a; do b; done", "skipped", "\n"),
    ("comment-inside-word", "''\\\n#x", "", "\\"),
]


@pytest.mark.parametrize(
    ("text", "reason", "place"), [case[1:] for case in OPAQUE], ids=[case[0] for case in OPAQUE]
)
def test_opaque(text: str, reason: str, place: str) -> None:
    read = parse_script(text, Span)
    assert isinstance(read, OpaqueScript)
    assert reason in read.reason
    assert read.span is not None
    assert text[read.span.start : read.span.end] == place


def test_long_script_is_opaque() -> None:
    text = "a" + " b" * (LONGEST // 2)
    assert isinstance(parse_script(text, Span), OpaqueScript)
    script(text[:LONGEST])


def test_deep_nesting_is_opaque() -> None:
    script("( " * 30 + "a" + " )" * 30)
    read = parse_script("( " * 60 + "a" + " )" * 60, Span)
    assert isinstance(read, OpaqueScript)
    assert "nested too deeply" in read.reason


# id, script, (operator, descriptor, target, whether it writes)
REDIRECTIONS: list[tuple[str, str, list[tuple[str, int | None, str | None, bool]]]] = [
    ("output", "a > f", [(">", None, "f", True)]),
    ("output-without-blank", "a >f", [(">", None, "f", True)]),
    ("append", "a >> f", [(">>", None, "f", True)]),
    ("clobber", "a >| f", [(">|", None, "f", True)]),
    ("input", "a < f", [("<", None, "f", False)]),
    ("errors-to-output", "a 2>&1", [(">&", 2, "1", False)]),
    ("output-to-errors", "a >&2", [(">&", None, "2", False)]),
    ("both-to-file", "a &> f", [("&>", None, "f", True)]),
    ("both-to-file-old-form", "a >& f", [(">&", None, "f", True)]),
    ("both-appended", "a &>> f", [("&>>", None, "f", True)]),
    ("descriptor", "a 3> f", [(">", 3, "f", True)]),
    ("closed", "a 2>&-", [(">&-", 2, None, False)]),
    ("word-before-operator-is-no-descriptor", "a b2>f", [(">", None, "f", True)]),
    ("number-behind-blank-is-no-descriptor", "a 2 >f", [(">", None, "f", True)]),
    (
        "several",
        "a > f 2>&1 < g",
        [(">", None, "f", True), (">&", 2, "1", False), ("<", None, "g", False)],
    ),
    ("quoted-target", 'a > "f g"', [(">", None, '"f g"', True)]),
    ("expanded-target", "a > $x/f", [(">", None, "$x/f", True)]),
    ("here-string", 'a <<< "b c"', [("<<<", None, '"b c"', False)]),
    ("heredoc", "a <<E\nx\nE", [("<<", None, "E", False)]),
    ("heredoc-with-descriptor", "a 4<<-'E'\nx\n\tE", [("<<-", 4, "'E'", False)]),
    ("only-the-last-command-of-a-list", "a; b > f", []),
]


@pytest.mark.parametrize(
    ("text", "expected"),
    [case[1:] for case in REDIRECTIONS],
    ids=[case[0] for case in REDIRECTIONS],
)
def test_redirections(text: str, expected: list[tuple[str, int | None, str | None, bool]]) -> None:
    first = script(text).commands[0]
    found = [
        (found.operator, found.descriptor, found.target and found.target.text, found.writes)
        for found in first.redirections
    ]
    assert found == expected
    for redirection in first.redirections:
        assert text[redirection.span.start : redirection.span.end] == redirection.text


def test_redirection_belongs_to_the_command_before_it() -> None:
    first, second = script("a && b > f").commands
    assert not first.redirections
    assert [found.text for found in second.redirections] == ["> f"]


def test_redirection_of_a_group_is_the_groups() -> None:
    read = script("{ a; } > f")
    group = read.chain[0].body
    assert isinstance(group, Compound)
    assert [found.text for found in group.redirections] == ["> f"]
    assert not read.commands[0].redirections


def test_heredoc_text() -> None:
    (plain,) = command("cat <<E\na\n b\nE").redirections
    assert plain.document == "a\n b\n"
    (expanded,) = command("cat <<E\n$a\nE").redirections
    assert expanded.document is None
    (quoted,) = command("cat <<\\E\n$a\nE").redirections
    assert quoted.document == "$a\n"
    (output,) = command("cat > f").redirections
    assert output.document is None


def test_assignments() -> None:
    found = command('A=1 B="x y" C= D+=z E=$v F[1]=2 G=(a b) cmd')
    assert [
        (each.name, each.value and each.value.text, each.append) for each in found.assignments
    ] == [
        ("A", "1", False),
        ("B", '"x y"', False),
        ("C", "", False),
        ("D", "z", True),
        ("E", "$v", False),
        ("F", None, False),
        ("G", None, False),
    ]
    assert [each.expand({"v": "1 2"}) for each in found.assignments] == [
        *("1", "x y", "", None, "1 2", None, None)
    ]
    assert [each.text for each in found.assignments][-2:] == ["F[1]=2", "G=(a b)"]


def test_tilde_in_assignment_is_not_known() -> None:
    (found,) = command("PATH=/a:~/b").assignments
    assert found.expand({"HOME": "/root"}) is None
    (found,) = command("A=~/b").assignments
    assert found.expand({"HOME": "/root"}) == "/root/b"


# id, script, the contexts of its commands
CONTEXTS: list[tuple[str, str, list[set[str]]]] = [
    ("top-level", "a && b; c", [set(), set(), set()]),
    ("right-of-or", "a || b && c", [set(), {"alternative"}, set()]),
    ("pipe", "a | b && c", [{"pipe"}, {"pipe"}, set()]),
    ("negated", "! a && b", [{"negated"}, set()]),
    ("negated-pipe", "! a | b", [{"negated", "pipe"}, {"negated", "pipe"}]),
    (
        "background-takes-the-whole-list",
        "a; b && c & d",
        [set(), {"background"}, {"background"}, set()],
    ),
    ("subshell", "(a); b", [{"subshell"}, set()]),
    ("if", "if a; then b; else c; fi", [{"condition"}, {"branch"}, {"branch"}]),
    ("while", "while a; do b; done", [{"condition"}, {"loop"}]),
    ("for", "for x in y; do a; done", [{"loop"}]),
    ("case", "case x in a) b;; esac", [{"branch"}]),
    ("function", "f() { a; }; f", [{"function"}, set()]),
    (
        "substitution",
        "a $(b | c)",
        [set(), {"command-substitution", "pipe"}, {"command-substitution", "pipe"}],
    ),
    (
        "outer-contexts-stay",
        "a || (b; $(c))",
        [
            set(),
            {"alternative", "subshell"},
            {"alternative", "subshell"},
            {"alternative", "subshell", "command-substitution"},
        ],
    ),
]


@pytest.mark.parametrize(
    ("text", "expected"), [case[1:] for case in CONTEXTS], ids=[case[0] for case in CONTEXTS]
)
def test_contexts(text: str, expected: list[set[str]]) -> None:
    assert [set(command.context) for command in script(text).commands] == expected


def test_chain_keeps_operators() -> None:
    chain = script("a && b || c; d\ne & f | g").chain
    assert [item.operator for item in chain] == ["", "&&", "||", ";", "\n", "&"]
    assert [item.background for item in chain] == [False, False, False, False, True, False]
    assert isinstance(chain[-1].body, Pipeline)


def shape(item: ChainItem) -> object:
    body = item.body
    if isinstance(body, Command):
        return body.text
    if isinstance(body, Pipeline):
        return ("!" * body.negated, *(shape(ChainItem("", part)) for part in body.items))
    return (body.kind, *((block.role, *map(shape, block.chain)) for block in body.blocks))


# id, script, its structure
SHAPES: list[tuple[str, str, list[object]]] = [
    ("pipeline", "a | b | c", [("", "a", "b", "c")]),
    ("negated-command", "! a", [("!", "a")]),
    ("group", "{ a; b; }", [("group", ("body", "a", "b"))]),
    (
        "group-in-pipe",
        "{ a; } | (b)",
        [("", ("group", ("body", "a")), ("subshell", ("body", "b")))],
    ),
    (
        "if",
        "if a; then b; elif c; then d; else e; fi",
        [
            (
                "if",
                ("condition", "a"),
                ("branch", "b"),
                ("condition", "c"),
                ("branch", "d"),
                ("branch", "e"),
            )
        ],
    ),
    ("while", "while a; do b; c; done", [("while", ("condition", "a"), ("loop", "b", "c"))]),
    ("until", "until a; do b; done", [("until", ("condition", "a"), ("loop", "b"))]),
    ("for", "for x in y; do a; done", [("for", ("loop", "a"))]),
    ("select", "select x in y; do a; done", [("select", ("loop", "a"))]),
    ("case", "case x in a) b;; *) c;; esac", [("case", ("branch", "b"), ("branch", "c"))]),
    ("function", "f() { a; }", [("function", ("body", ("group", ("body", "a"))))]),
    ("arithmetic", "(( a ))", [("arithmetic",)]),
    ("negated-group", "! { a; }", [("!", ("group", ("body", "a")))]),
]


@pytest.mark.parametrize(
    ("text", "expected"), [case[1:] for case in SHAPES], ids=[case[0] for case in SHAPES]
)
def test_shapes(text: str, expected: list[object]) -> None:
    assert [shape(item) for item in script(text).chain] == expected


def test_names_of_compounds() -> None:
    loop, function = (item.body for item in script("for x in y; do a; done; f() { b; }").chain)
    assert isinstance(loop, Compound)
    assert isinstance(function, Compound)
    assert (loop.name, function.name) == ("x", "f")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("if a; then b; fi", False),
        ("if a; then b; else c; fi", True),
        ("case x in a) b;; esac", False),
        ("case x in a) b;; *) c;; esac", True),
    ],
)
def test_default_branch(text: str, expected: bool) -> None:
    body = script(text).chain[0].body
    assert isinstance(body, Compound)
    assert body.has_default is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a ${x:=1} ${y=2} ${z:-3}", {"x", "y"}),
        ("a $((x += 1)) $((y++)) $((--z)) $((w == 1))", {"x", "y", "z"}),
        ("(( x = 1 ))", {"x"}),
        ("let x=1", {"x"}),
        ("x=1; a", set()),
    ],
)
def test_reassigned_variables(text: str, expected: set[str]) -> None:
    assert script(text).reassigned == expected


def test_commands_know_their_substitutions() -> None:
    outer, *_ = script("A=$(a) b $(c) > $(d) <<E\n$(e)\nE").commands
    inner = [item.body for chain in outer.substitutions for item in chain]
    assert [body.text for body in inner if isinstance(body, Command)] == ["a", "c", "d", "e"]
