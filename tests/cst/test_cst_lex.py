"""The word lexer gives BuildKit's answers."""

from __future__ import annotations

import fnmatch
import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.cst.lex import (
    MAX_DEPTH,
    MAX_GROWTH,
    Expansion,
    Lexer,
    LexError,
    LexLimitError,
    go_quote,
)

ENV = {
    "APP": "shop",
    "DIR": "/srv/shop/api",
    "EMPTY": "",
    "LINES": "one\ntwo",
    "LIST": "a b  c",
    "FILE": "shop-1.2.3.tar.gz",
    "STARS": "a*b?c",
    "BRACE": "a}b",
    "BACK": "c:\\app\\bin",
    "BYTE": "x\udcffy",
    "ü": "umlaut",
    "1": "one",
    "10": "ten",
    "$": "pid",
    "0": "zero",
    "_": "low",
}

WORDS = [
    ("plain text is kept", "app/main.py", "app/main.py"),
    ("nothing stays nothing", "", ""),
    ("blanks are kept", " a \t b ", " a \t b "),
    ("name", "$APP", "shop"),
    ("name ends at a dash", "$APP-x", "shop-x"),
    ("name takes digits and underscores", "$APP_1", ""),
    ("name may start with an underscore", "$_", "low"),
    ("name takes letters of any script", "$ü!", "umlaut!"),
    ("digits are a name of their own", "$1APP", "oneAPP"),
    ("all digits belong to it", "$10", "ten"),
    ("zero too", "$0", "zero"),
    ("names are case sensitive", "$app", ""),
    ("two names", "$APP$DIR", "shop/srv/shop/api"),
    ("dollar at the end", "a$", "a$"),
    ("dollar before a dot", "$.", "$."),
    ("dollar before a blank", "$ APP", "$ APP"),
    ("dollar before a quote", "$'x'", "$x"),
    ("two dollars ask for the parameter $", "$$", "pid"),
    ("three dollars", "$$$APP", "pidshop"),
    ("special parameters are unset", "[$@$*$#$?$-$!]", "[]"),
    ("superscript two is no digit", "$²", "$²"),
    ("braces", "${APP}", "shop"),
    ("braces end a name", "${APP}x", "shopx"),
    ("braces around an unset name", "[${NO}]", "[]"),
    ("values are not expanded again", "${STARS}", "a*b?c"),
    ("single quotes keep dollars", "'$APP'", "$APP"),
    ("single quotes keep backslashes", "'a\\b'", "a\\b"),
    ("single quotes keep double quotes", "'\"'", '"'),
    ("double quotes expand", '"$APP"', "shop"),
    ("double quotes keep single quotes", '"it\'s"', "it's"),
    ("double quotes keep blanks", '"a  b"', "a  b"),
    ("quotes inside a word", "a'b c'd\"e f\"", "ab cde f"),
    ("empty quotes vanish", "a''\"\"b", "ab"),
    ("escaped dollar", "\\$APP", "$APP"),
    ("escaped letter", "\\a", "a"),
    ("escaped escape", "\\\\", "\\"),
    ("escaped quote", "\\'a\\\"", "'a\""),
    ("escape at the end vanishes", "a\\", "a"),
    ("escaped dollar in double quotes", '"\\$APP"', "$APP"),
    ("escaped quote in double quotes", '"a\\"b"', 'a"b'),
    ("escaped escape in double quotes", '"a\\\\b"', "a\\b"),
    ("other escapes stay in double quotes", '"a\\nb"', "a\\nb"),
    ("escaped single quote stays in double quotes", '"\\\'"', "\\'"),
    ("default for an unset name", "${NO:-x}", "x"),
    ("no default for a set name", "${APP:-x}", "shop"),
    ("colon takes empty for unset", "${EMPTY:-x}", "x"),
    ("without colon empty is a value", "[${EMPTY-x}]", "[]"),
    ("default without colon for an unset name", "${NO-x}", "x"),
    ("empty default", "[${NO:-}]", "[]"),
    ("default is expanded", "${NO:-$APP}", "shop"),
    ("default in default", "${NO:-${NOT:-x}}", "x"),
    ("default with quotes", "${NO:-'a}b'}", "a}b"),
    ("default with an escaped brace", "${NO:-a\\}b}", "a}b"),
    ("default with a colon", "${NO:-a:b}", "a:b"),
    ("default with dashes", "${NO:--}", "-"),
    ("alternative for a set name", "${APP:+x}", "x"),
    ("no alternative for an unset name", "[${NO:+x}]", "[]"),
    ("no alternative for an empty value", "[${EMPTY:+x}]", "[]"),
    ("alternative for an empty value without colon", "${EMPTY+x}", "x"),
    ("required and there", "${APP:?no app}", "shop"),
    ("required and empty is fine without colon", "[${EMPTY?no}]", "[]"),
    ("shortest prefix", "${DIR#*/}", "srv/shop/api"),
    ("longest prefix", "${DIR##*/}", "api"),
    ("shortest suffix", "${DIR%/*}", "/srv/shop"),
    ("longest suffix", "${DIR%%/*}", ""),
    ("literal prefix", "${APP#sh}", "op"),
    ("literal suffix", "${FILE%.gz}", "shop-1.2.3.tar"),
    ("prefix that does not match", "${APP#x}", "shop"),
    ("suffix that does not match", "${APP%x}", "shop"),
    ("prefix of an unset name", "[${NO#x}]", "[]"),
    ("empty prefix", "${APP#}", "shop"),
    ("empty suffix", "${APP%}", "shop"),
    ("question mark is one character", "${APP#?}", "hop"),
    ("two question marks in a suffix", "${APP%??}", "sh"),
    ("brackets are literal", "${APP#[s]}", "shop"),
    ("dot is literal", "${FILE##*.}", "gz"),
    ("shortest of two stars", "${FILE#*-*.}", "2.3.tar.gz"),
    ("longest of two stars", "${FILE##*-*.}", "gz"),
    ("star does not cross a line", "${LINES#*t}", "one\ntwo"),
    ("question mark is no line feed", "${LINES#one?}", "one\ntwo"),
    ("longest suffix stays on its line", "${LINES%%*}", "one\n"),
    ("escaped star", "${STARS#a\\*}", "b?c"),
    ("escaped question mark", "${STARS%\\?c}", "a*b"),
    ("escaped backslash", "${BACK#*\\\\}", "app\\bin"),
    ("escaped brace in a pattern", "${APP#\\}}", "shop"),
    ("quoted star is still a star", '${APP#"s*"}', "hop"),
    ("quoted backslash is a backslash", "${BACK#'c:\\'}", "app\\bin"),
    ("backslash in double quotes too", '${BACK#"c:\\app"}', "\\bin"),
    ("pattern from a variable", "${DIR#/srv/$APP}", "/api"),
    ("second hash asks for the longest", "${NO##a}", ""),
    ("replace the first", "${DIR/shop/x}", "/srv/x/api"),
    ("replace slashes", "${DIR//\\//-}", "-srv-shop-api"),
    ("replace the first slash", "${DIR/\\//}", "srv/shop/api"),
    ("replace by nothing", "${FILE//./}", "shop-123targz"),
    ("replace what is not there", "${APP/x/y}", "shop"),
    ("replace in an unset name", "[${NO/x/y}]", "[]"),
    ("replace takes the longest", "${FILE/.*/}", "shop-1"),
    ("replace from the first place", "${APP/?/S}", "Shop"),
    ("replace each character", "${APP//?/x}", "xxxx"),
    ("replace nothing before each character", "${APP///-}", "-s-h-o-p-"),
    ("brace in a replaced pattern", "${BRACE//}/x}", "axb"),
    ("star takes everything once", "${APP//*/x}", "x"),
    ("star takes each line", "${LINES//*/x}", "x\nx"),
    ("replacement is expanded", "${APP/shop/$DIR}", "/srv/shop/api"),
    ("replacement keeps escapes", "${APP/s/\\}}", "\\}hop"),
    ("dollar zero in a replacement of all is the match", "${APP//[a-z]/'$0'}", "shop"),
    ("dollar zero of a letter", "${APP//o/'<$0>'}", "sh<o>p"),
    ("other numbers are nothing", "${APP//o/'<$1>'}", "sh<>p"),
    ("dollar zero is text in a single replacement", "${APP/o/'$0'}", "sh$0p"),
    ("two dollars in a replacement of all", "${APP//o/'$$'}", "sh$p"),
    ("braced zero", "${APP//o/'${0}${0}'}", "shoop"),
    ("zero zero is another name", "${APP//o/'$00'}", "shp"),
    ("lone dollar in a replacement of all", "${APP//o/'$'}", "sh$p"),
    ("less than", "a<b", "a<b"),
    ("two less than", "<< EOF", "<< EOF"),
    ("undecodable byte becomes U+FFFD", "a\udcff", "a\ufffd"),
    ("undecodable byte of a value is kept", "$BYTE", "x\udcffy"),
    ("undecodable byte is one character", "${BYTE#x?}", "y"),
    ("suffix of an undecodable value", "${BYTE%y}", "x\ufffd"),
    ("byte order mark in front vanishes", "\ufeffa", "a"),
    ("byte order mark inside stays", "a\ufeff", "a\ufeff"),
    ("NUL is a character", "a\0b", "a\0b"),
    ("line feed is a character", "a\nb", "a\nb"),
]


@pytest.mark.parametrize(
    ("word", "text"), [row[1:] for row in WORDS], ids=[row[0] for row in WORDS]
)
def test_word(word: str, text: str) -> None:
    assert Lexer().process_word(word, ENV).text == text


ERRORS = [
    ("open single quote", "'a", "while looking for matching single-quote"),
    ("open double quote", '"a', "while looking for matching double-quote"),
    ("open quote behind an escape", '"a\\', "while looking for matching double-quote"),
    ("brace at the end", "${", "syntax error: missing '}'"),
    ("empty braces", "${}", "syntax error: bad substitution"),
    ("two braces", "${{A}}", "syntax error: bad substitution"),
    ("colon without a name", "${:-x}", "syntax error: bad substitution"),
    ("name without an end", "${APP", "unsupported modifier (\ufffd) in substitution"),
    ("colon at the end", "${APP:", "syntax error: missing '}'"),
    ("colon and brace at the end", "${APP:}", "syntax error: missing '}'"),
    ("default without an end", "${APP:-x", "syntax error: missing '}'"),
    ("quote in a default without an end", "${APP:-'x}", "syntax error: missing '}'"),
    ("case modifier", "${APP^^}", "unsupported modifier (^) in substitution"),
    ("length", "${#APP}", "unsupported modifier (A) in substitution"),
    ("substring", "${APP:1:2}", "unsupported modifier (:1) in substitution"),
    ("colon and hash", "${APP:#x}", "unsupported modifier (:#) in substitution"),
    ("maven property", "${app.name}", "unsupported modifier (.) in substitution"),
    ("blank in braces", "${APP }", "unsupported modifier ( ) in substitution"),
    ("pattern without an end", "${APP/x", "syntax error: missing '/' in ${}"),
    ("replacement without an end", "${APP/x/y", "syntax error: missing '}'"),
    ("escaped letter in a pattern", "${APP#\\s}", "invalid escape '\\s'"),
    ("pattern is read backwards for suffixes", "${APP%a\\sb}", "invalid pattern (b\\sa)"),
    ("pattern of an unset name is still checked", "${NO#\\s}", "invalid escape '\\s'"),
    ("required and unset", "${NO:?}", "NO: is not allowed to be unset"),
    ("required and unset with a message", "${NO?say $APP}", "NO: say shop"),
    ("required and empty", "${EMPTY:?}", "EMPTY: is not allowed to be empty"),
    ("required and empty with a message", "${EMPTY:?fill it}", "EMPTY: fill it"),
    ("error inside a default", "${NO:-${a^}}", "unsupported modifier (^) in substitution"),
]


@pytest.mark.parametrize(
    ("word", "reason"), [row[1:] for row in ERRORS], ids=[row[0] for row in ERRORS]
)
def test_error(word: str, reason: str) -> None:
    with pytest.raises(LexError) as caught:
        Lexer().process_word(word, ENV)
    assert reason in caught.value.reason
    assert caught.value.message == f"failed to process {go_quote(word)}: {caught.value.reason}"
    with pytest.raises(LexError) as again:
        Lexer().process_words(word, ENV)
    assert again.value.message == caught.value.message


SPLITS = [
    ("blanks of every kind", " a\tb\nc\r\fd\ve ", ["a", "b", "c", "d", "e"]),
    ("no-break and thin spaces split", "a\u00a0b\u2009c", ["a", "b", "c"]),
    ("file separators do not split", "a\x1cb", ["a\x1cb"]),
    ("quotes hold a word together", "a 'b c' \"d e\"f", ["a", "b c", "d ef"]),
    ("an escaped blank does too", "a\\ b c", ["a b", "c"]),
    ("values are split", "x$LIST", ["xa", "b", "c"]),
    ("quoted values are not", 'x"$LIST"', ["xa b  c"]),
    ("empty quotes make no word", "'' \"\"", []),
    ("nothing makes no word", " \t", []),
    ("an operand wipes what the word held", "x${NO:-y}z", ["yz"]),
    ("finished words stay", "x ${NO:-y}z", ["x", "yz"]),
    ("a plain brace does not wipe", "x${APP}z", ["xshopz"]),
    ("two less than bind the blanks", "cat << EOF", ["cat", "<< EOF"]),
    ("one less than does not", "cat < EOF", ["cat", "<", "EOF"]),
    ("a here-string", "cat <<< x", ["cat", "<<<", "x"]),
    ("undecodable bytes of a value", "$BYTE", ["x\ufffdy"]),
    ("quoted undecodable bytes of a value", '"$BYTE"', ["x\udcffy"]),
]


@pytest.mark.parametrize(
    ("word", "words"), [row[1:] for row in SPLITS], ids=[row[0] for row in SPLITS]
)
def test_split(word: str, words: list[str]) -> None:
    assert Lexer().process_words(word, ENV) == words


SWITCHES = [
    ("backtick escapes", Lexer("`"), "`$APP", "$APP"),
    ("backslash is text under a backtick", Lexer("`"), "c:\\$APP", "c:\\shop"),
    ("backtick in double quotes", Lexer("`"), '"`"`$"', '"$'),
    ("patterns escape with a backslash under a backtick", Lexer("`"), "${BACK#c:\\\\}", "app\\bin"),
    ("raw quotes", Lexer(raw_quotes=True), "'a'\"$APP\"", "'a'\"shop\""),
    ("raw escapes", Lexer(raw_escapes=True), "\\a\\", "\\a\\"),
    ("raw escapes in double quotes", Lexer(raw_escapes=True), '"\\$"', "\\$"),
    ("raw escapes double what is no escape", Lexer(raw_escapes=True), '"\\n"', "\\\\n"),
    ("but not with raw quotes", Lexer(raw_escapes=True, raw_quotes=True), '"\\n"', '"\\n"'),
    ("a default drops escapes all the same", Lexer(raw_escapes=True), "${NO:-\\a}\\b", "a\\b"),
    ("unset stays", Lexer(skip_unset=True), "$NO${NO}", "$NO${NO}"),
    ("unset with a default stays", Lexer(skip_unset=True), "${NO:-$APP}", "${NO:-shop}"),
    ("unset with a pattern stays", Lexer(skip_unset=True), "${NO##a*}", "${NO##a*}"),
    ("unset with a replacement stays", Lexer(skip_unset=True), "${NO//a/b}", "${NO/a/b}"),
    ("required and unset stays", Lexer(skip_unset=True), "${NO:?x}", "${NO:?x}"),
    ("set does not", Lexer(skip_unset=True), "$APP", "shop"),
    ("quotes are text", Lexer(skip_quotes=True), "it's \"$APP", "it's \"shop"),
]


@pytest.mark.parametrize(
    ("lexer", "word", "text"), [row[1:] for row in SWITCHES], ids=[row[0] for row in SWITCHES]
)
def test_switch(lexer: Lexer, word: str, text: str) -> None:
    assert lexer.process_word(word, ENV).text == text


ASKED = [
    ("set and unset", "$APP$NO", {"APP"}, {"NO"}),
    ("an empty value is set", "$EMPTY", {"EMPTY"}, set()),
    ("names in an unused default count", "${APP:-$DIR$NO}", {"APP", "DIR"}, {"NO"}),
    ("single-quoted names do not", "'$APP'", set(), set()),
    ("escaped names do not", "\\$APP", set(), set()),
    ("names in patterns and replacements", "${APP/$DIR/$NO}", {"APP", "DIR"}, {"NO"}),
    ("special parameters", "$@$$", {"$"}, {"@"}),
]


@pytest.mark.parametrize(
    ("word", "used", "unset"), [row[1:] for row in ASKED], ids=[row[0] for row in ASKED]
)
def test_names_that_were_asked_for(word: str, used: set[str], unset: set[str]) -> None:
    expansion = Lexer().process_word(word, ENV)
    assert set(expansion.used) == used
    assert set(expansion.unset) == unset


QUOTED = [
    ("plain", "a b", '"a b"'),
    ("quote and backslash", '"\\', '"\\"\\\\"'),
    ("named control characters", "\a\b\f\n\r\t\v", r'"\a\b\f\n\r\t\v"'),
    ("other control characters", "\0\x1f\x7f", r'"\x00\x1f\x7f"'),
    ("undecodable byte", "\udcff", r'"\xff"'),
    ("not printable", "\u00a0\U000e0001", r'"\u00a0\U000e0001"'),
    ("printable", "é😀", '"é😀"'),
]


@pytest.mark.parametrize(
    ("text", "quoted"), [row[1:] for row in QUOTED], ids=[row[0] for row in QUOTED]
)
def test_go_quote(text: str, quoted: str) -> None:
    assert go_quote(text) == quoted


def nested(depth: int) -> str:
    return "${NO:-" * depth + "x" + "}" * depth


def test_operands_nest_up_to_the_limit() -> None:
    assert Lexer().process_word(nested(MAX_DEPTH), {}).text == "x"
    with pytest.raises(LexLimitError, match="nest deeper"):
        Lexer().process_word(nested(MAX_DEPTH + 1), {})


def test_open_operands_without_end_are_an_error() -> None:
    with pytest.raises(LexLimitError, match="nest deeper"):
        Lexer().process_word("${a:-" * 100_000, {})


def test_variables_add_text_up_to_the_limit() -> None:
    env = {"A": "x" * (MAX_GROWTH // 4)}
    assert len(Lexer().process_word("$A" * 4, env).text) == MAX_GROWTH
    with pytest.raises(LexLimitError, match="variables add more"):
        Lexer().process_word("$A" * 5, env)


def test_replacements_add_text_up_to_the_limit() -> None:
    with pytest.raises(LexLimitError, match="variables add more"):
        Lexer().process_word("${A//a/" + "y" * 1000 + "}", {"A": "a" * 100_000})


HOSTILE = [
    ("many references", "$A" * 200_000),
    ("many quotes", "'a'\"b\"" * 100_000),
    ("many escapes", "\\a" * 200_000),
    ("many blanks", "a " * 200_000),
    ("many stars", "${A%%" + "*a" * 200 + "b}"),
    ("many question marks", "${A//" + "*?" * 200 + "b/x}"),
    ("stars that fail everywhere", "${A//a*b/x}"),
    ("a replacement at each place", "${A///x}"),
]


@pytest.mark.parametrize("word", [row[1] for row in HOSTILE], ids=[row[0] for row in HOSTILE])
def test_hostile_words_take_linear_time(word: str) -> None:
    env = {"A": "a" * 5_000} if "{" in word else {"A": "a"}
    start = time.process_time()
    Lexer().process_word(word, env)
    Lexer().process_words(word, env)
    assert time.process_time() - start < 5


ALPHABET = st.sampled_from([*"aB1_.-/*?{}[]:+#%<$'\"\\` \n", "é", "\udcff", "\ufeff", "\0", "NO"])
TEXTS = st.lists(ALPHABET, max_size=25).map("".join)
LEXERS = st.builds(
    Lexer, st.sampled_from("\\`"), st.booleans(), st.booleans(), st.booleans(), st.booleans()
)
ENVS = st.dictionaries(st.sampled_from(["a", "B", "NO", "_", "1", "$"]), TEXTS)


def expand(lexer: Lexer, word: str, env: dict[str, str]) -> Expansion | LexError:
    try:
        return lexer.process_word(word, env)
    except LexError as error:
        return error


@given(LEXERS, TEXTS, ENVS)
def test_only_lex_errors_are_raised(lexer: Lexer, word: str, env: dict[str, str]) -> None:
    expansion = expand(lexer, word, env)
    if isinstance(expansion, LexError):
        assert expansion.word == word
    else:
        assert expansion.used <= env.keys()
        assert not expansion.unset & env.keys()
        lexer.process_words(word, env)


@given(TEXTS)
def test_raw_words_without_variables_are_kept(word: str) -> None:
    word = word.replace("$", "").replace("\ufeff", "").replace("\udcff", "")
    expansion = expand(Lexer(raw_quotes=True, raw_escapes=True), word, {})
    if isinstance(expansion, LexError):
        assert "quote" in expansion.reason
    else:
        assert expansion.text == word


@given(st.text(st.characters(codec="utf-8", exclude_characters="\ufeff")))
def test_single_quotes_keep_everything(text: str) -> None:
    quoted = "'" + text.replace("'", "'\\''") + "'"
    assert Lexer().process_word(quoted, {}).text == text


@given(st.text(alphabet="ab\n", max_size=12), st.text(alphabet="ab*?", max_size=6))
def test_patterns_cut_what_a_regular_expression_cuts(value: str, pattern: str) -> None:
    lines = re.compile(fnmatch.translate(pattern).replace("(?s:", "(?:"))
    ends = [end for end in range(len(value) + 1) if lines.match(value[:end])]
    starts = [at for at in range(len(value) + 1) if lines.match(value[at:])]

    def cut(operator: str) -> str:
        return Lexer().process_word("${A" + operator + pattern + "}", {"A": value}).text

    if not pattern.startswith(("#", "%")):
        assert cut("#") == value[min(ends, default=0) :]
        assert cut("##") == value[max(ends, default=0) :]
        assert cut("%") == value[: max(starts, default=len(value))]
        assert cut("%%") == value[: min(starts, default=len(value))]


@given(st.text(alphabet="ab\n", max_size=12), st.text(alphabet="ab*?", min_size=1, max_size=6))
def test_replacements_replace_what_a_regular_expression_replaces(value: str, pattern: str) -> None:
    wanted = re.compile(pattern.replace("*", ".*").replace("?", "."))
    found = Lexer().process_word("${A/" + pattern + "/<x>}", {"A": value}).text
    assert found == wanted.sub("<x>", value, count=1)
