"""What words say: quotes taken off, variables put in, split into arguments."""

from __future__ import annotations

import pytest

from optimizer.cst.source import Span
from optimizer.shell.words import ShellText, ShellWord, TornWordError, literal_text, read_parts
from tests.shell.reading import command, script, word

# id, word, its literal value
LITERALS: list[tuple[str, str, str | None]] = [
    ("plain", "npm", "npm"),
    ("path", "/usr/bin/x-1.2_3", "/usr/bin/x-1.2_3"),
    ("single-quotes", "'a b'", "a b"),
    ("double-quotes", '"a b"', "a b"),
    ("joined-quotes", "a'b'\"c\"d", "abcd"),
    ("empty-single", "''", ""),
    ("empty-double", '""', ""),
    ("backslash", "a\\ b\\$c\\\\", "a b$c\\"),
    ("backslash-before-letter", "\\a", "a"),
    ("backslash-in-single-quotes", "'a\\b'", "a\\b"),
    ("backslash-in-double-quotes", '"\\a \\$ \\` \\" \\\\"', '\\a $ ` " \\'),
    ("single-in-double", '"it\'s"', "it's"),
    ("double-in-single", "'say \"x\"'", 'say "x"'),
    ("dollar-in-single", "'$x'", "$x"),
    ("escaped-dollar", "\\$x", "$x"),
    ("lone-dollar", "$", "$"),
    ("dollar-before-blank-in-quotes", '"$ x"', "$ x"),
    ("percent-dollar", '"100$"', "100$"),
    ("continued", "a\\\nb", "ab"),
    ("continued-in-quotes", '"a\\\nb"', "ab"),
    ("line-end-in-quotes", '"a\nb"', "a\nb"),
    ("glob", "*.txt", "*.txt"),
    ("tilde-inside", "a~b", "a~b"),
    ("quoted-tilde", '"~"/x', "~/x"),
    ("home", "~/x", None),
    ("home-of-someone", "~www/x", None),
    ("tilde-in-assignment", "a=~/b", None),
    ("empty-braces", "{}", "{}"),
    ("braces-around-one", "{a}", "{a}"),
    ("brace-list", "{a,b}", None),
    ("brace-range", "x{1..3}", None),
    ("brace-list-across-quotes", "{'a',b}", None),
    ("quoted-braces", "'{a,b}'", "{a,b}"),
    ("variable", "$x", None),
    ("variable-in-quotes", '"a$x"', None),
    ("braced-variable", "${x}", None),
    ("default", "${x:-y}", None),
    ("positional", "$1", None),
    ("status", "$?", None),
    ("substitution", "a$(b)c", None),
    ("substitution-in-quotes", '"$(b "c")"', None),
    ("backticks", "`a`", None),
    ("arithmetic", "$((1+1))", None),
    ("ansi-quotes", "$'a\\n'", None),
    ("locale-quotes", '$"a"', None),
    ("process-substitution", "<(a)", None),
    ("non-ascii", "'ä'é😀", "äé😀"),
    ("surrogate", "a\udc80'\udcff'", "a\udc80\udcff"),
    ("no-break-space", "a\u00a0b", "a\u00a0b"),
]


@pytest.mark.parametrize(
    ("text", "expected"), [case[1:] for case in LITERALS], ids=[case[0] for case in LITERALS]
)
def test_literal(text: str, expected: str | None) -> None:
    assert word(text).literal == expected


ENV = {
    "x": "1",
    "empty": "",
    "blank": "a b",
    "around": " a ",
    "star": "*",
    "unknown": None,
    "HOME": "/root",
}

# id, word, the text for an assignment, the arguments
EXPANSIONS: list[tuple[str, str, str | None, tuple[str, ...] | None]] = [
    ("plain", "a", "a", ("a",)),
    ("known", "$x", "1", ("1",)),
    ("known-in-braces", "a${x}b", "a1b", ("a1b",)),
    ("missing", "$nope", None, None),
    ("unknown", "$unknown", None, None),
    ("unknown-in-the-middle", '"a$unknown"', None, None),
    ("quoted-empty", '"$empty"', "", ("",)),
    ("unquoted-empty-vanishes", "$empty", "", ()),
    ("unquoted-empties-beside-text", "$empty$x$empty", "1", ("1",)),
    ("empty-beside-empty-quotes", "$empty''", "", ("",)),
    ("quoted-blank", '"$blank"', "a b", ("a b",)),
    ("unquoted-blank-is-split", "$blank", "a b", ("a", "b")),
    ("split-and-joined", "x$blank'y'", "xa by", ("xa", "by")),
    ("blanks-at-both-ends", "x${around}y", "x a y", ("x", "a", "y")),
    ("glob-in-value", "$star", "*", None),
    ("glob-in-quoted-value", '"$star"', "*", ("*",)),
    ("two-variables", "$x/$x", "1/1", ("1/1",)),
    ("home", "~", "/root", ("/root",)),
    ("below-home", "~/a", "/root/a", ("/root/a",)),
    ("home-then-variable", "~/$x", "/root/1", ("/root/1",)),
    ("home-of-variable", "~$x", None, None),
    ("default-not-needed", "${x:-y}", "1", ("1",)),
    ("default-for-empty", "${empty:-y}", "y", ("y",)),
    ("default-for-unset-only", "${empty-y}", "", ()),
    ("default-of-unknown", "${unknown:-y}", None, None),
    ("default-is-expanded", "${empty:-a$x}", "a1", ("a1",)),
    ("default-is-split", "${empty:-a b}", "a b", ("a", "b")),
    ("default-in-quotes-is-not-split", '"${empty:-a b}"', "a b", ("a b",)),
    ("default-with-quotes", "${empty:-'a'}", None, None),
    ("nested-default", "${empty:-${x}}", "1", ("1",)),
    ("alternative", "${x:+y}", "y", ("y",)),
    ("alternative-for-empty", "${empty:+y}", "", ()),
    ("alternative-for-set", "${empty+y}", "y", ("y",)),
    ("assigning-default-not-needed", "${x:=y}", "1", ("1",)),
    ("assigning-default", "${empty:=y}", None, None),
    ("error-not-raised", "${x:?no}", "1", ("1",)),
    ("error-raised", "${empty:?no}", None, None),
    ("prefix", "${x#a}", None, None),
    ("replacement", "${x/a/b}", None, None),
    ("length", "${#x}", None, None),
    ("indirect", "${!x}", None, None),
    ("name-goes-on-in-next-line", "$x\\\ny", None, None),
    ("dollar-before-line-end", "$\\\nx", None, None),
    ("split-beside-lone-dollar", "$blank$", "a b$", None),
    ("substitution", "$x$(a)", None, None),
]


@pytest.mark.parametrize(
    ("text", "one", "many"), [case[1:] for case in EXPANSIONS], ids=[case[0] for case in EXPANSIONS]
)
def test_expansion(text: str, one: str | None, many: tuple[str, ...] | None) -> None:
    assert word(text).expand(ENV) == one
    assert word(text).fields(ENV) == many


def test_changed_field_separator_leaves_fields_unknown() -> None:
    assert word("$blank").fields({**ENV, "IFS": ","}) is None
    assert word("$blank").fields({**ENV, "IFS": None}) is None
    assert word("'a b'").fields({**ENV, "IFS": ","}) == ("a b",)


def test_command_fields() -> None:
    found = command("npm $empty install '' $blank")
    assert found.fields(ENV) == ("npm", "install", "", "a", "b")
    assert found.fields({}) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [("*", True), ("a?b", True), ("[ab]", True), ("'*'", False), ("\\*", False), ("a", False)],
)
def test_glob(text: str, expected: bool) -> None:
    assert word(text).has_glob is expected


def test_value_that_doubles_is_given_up() -> None:
    env = {"a": "x" * 60_000}
    assert word("$a").expand(env) == env["a"]
    assert word("$a$a").expand(env) is None
    assert word("$a$a").fields(env) is None


def test_verbatim_word_is_not_read() -> None:
    source = ShellText("$x '*' ~", Span)
    found = ShellWord(source, 0, len(source.text), verbatim=True)
    assert found.literal == found.expand(ENV) == "$x '*' ~"
    assert found.fields({}) == ("$x '*' ~",)
    assert not found.has_glob


@pytest.mark.parametrize("text", ["a b", "a;b", "'a", '"a', '"a\\"', "a(b)", "a>b", "a\nb"])
def test_torn_word(text: str) -> None:
    with pytest.raises(TornWordError):
        read_parts(text, 0)


def test_literal_text_leads_back_to_the_file() -> None:
    text = 'sh -c \'ab \'"c \\"d\\" "e\\ f'
    inner = literal_text(script(text).commands[0].words[2])
    assert inner is not None
    assert inner.text == 'ab c "d" e f'
    for part, written in (("ab", "ab"), ("c", "c"), ('"d"', '"d\\"'), ("e f", "e\\ f")):
        start = inner.text.index(part)
        span = inner.at(start, start + len(part))
        assert text[span.start : span.end] == written


def test_literal_text_of_expanded_word() -> None:
    assert literal_text(word('"a $x"')) is None
