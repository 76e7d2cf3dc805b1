"""The ignore file means what moby says it means."""

from __future__ import annotations

import time

import pytest
from e2b_dockerfile_utils.dockerignore import PatternMatcher
from hypothesis import example, given, settings
from hypothesis import strategies as st

from optimizer.context.ignore import IgnoreRules, IgnoreSyntaxError, with_pattern

# (reason, ignore file, path, whether the path is left out)
CASES = [
    # plain names
    ("empty file", "", "a", False),
    ("a name", "a", "a", True),
    ("a name is not a prefix", "a", "ab", False),
    ("a name is not a suffix", "b", "ab", False),
    ("a name is anchored at the root", "a", "x/a", False),
    ("a name takes what is below it", "a", "a/b/c", True),
    ("a path", "a/b", "a/b", True),
    ("a path leaves its directory alone", "a/b", "a", False),
    ("a path leaves its neighbours alone", "a/b", "a/c", False),
    ("a path takes what is below it", "a/b", "a/b/c", True),
    ("names are case sensitive", "readme.md", "README.md", False),
    ("one of several lines", "x\na\ny", "a", True),
    ("none of several lines", "x\ny", "a", False),
    ("a dot is a dot", "a.b", "axb", False),
    ("a plus is a plus", "a+b*", "a+bc", True),
    ("parentheses are themselves", "a(b)*", "a(b)c", True),
    ("a dollar is itself", "a$*", "a$b", True),
    ("the context itself is never left out", "*", "", False),
    ("the context named by a dot", ".", "a", False),
    ("a parent of the context", "..", "a", False),
    ("a place outside of the context", "../a", "a", False),
    # how a line is read
    ("blanks around a pattern", "  a\t", "a", True),
    ("a blank within a pattern", "a b", "a b", True),
    ("CRLF line ends", "a\r\nb\r\n", "b", True),
    ("blank lines", "\n\n \na\n", "a", True),
    ("a comment", "# a\na", "# a", False),
    ("a comment needs the first column", " #a", "#a", True),
    ("a number sign further on", "a#b", "a#b", True),
    ("a slash makes a number sign a name", "/#a", "#a", True),
    ("byte order mark", "\ufeffa\n", "a", True),
    ("byte order mark before a comment", "\ufeff#a\n", "#a", False),
    ("a second byte order mark belongs to the name", "\ufeff\ufeffa\n", "a", False),
    ("no-break space is a blank", "\u00a0a\u00a0", "a", True),
    ("next line is a blank", "\x85a", "a", True),
    ("file separator is no blank", "\x1ca", "a", False),
    ("file separator belongs to the name", "\x1ca", "\x1ca", True),
    ("leading slash", "/a", "a", True),
    ("several leading slashes", "//a", "a", True),
    ("leading slash before a wildcard", "/*.md", "a.md", True),
    ("a slash alone", "/", "a", False),
    ("blank behind a leading slash", "/ a", "a", True),
    ("trailing slash", "a/", "a", True),
    ("trailing slash takes files as well", "a/", "a/b", True),
    ("leading dot", "./a", "a", True),
    ("doubled slash", "a//b", "a/b", True),
    ("dot within", "a/./b", "a/b", True),
    ("dots within", "a/x/../b", "a/b", True),
    ("dots lead above the root", "/../a", "a", True),
    ("dots behind a wildcard", "*/../a", "a", True),
    # one star
    ("star", "*", "a", True),
    ("star takes what is below", "*", "a/b/c", True),
    ("star takes hidden names", "*", ".a", True),
    ("star may be nothing", "a*", "a", True),
    ("star may be much", "a*", "abcdef", True),
    ("star stops at a slash", "a*b", "a/b", False),
    ("star in front", "*.md", "README.md", True),
    ("star in front stays in the root", "*.md", "docs/README.md", False),
    ("star in the middle", "a*c", "abbbc", True),
    ("star in the middle needs the end", "a*c", "abbb", False),
    ("several stars", "*a*b*", "xaybz", True),
    ("several stars keep the order", "*a*b*", "xbya", False),
    ("a star names a directory", "*/temp", "x/temp", True),
    ("a star names one directory", "*/temp", "x/y/temp", False),
    ("two stars name two directories", "*/*/temp", "x/y/temp", True),
    ("a star as the last name", "a/*", "a/b", True),
    ("a star as the last name spares the directory", "a/*", "a", False),
    ("a star as the last name takes what is below", "a/*", "a/b/c", True),
    ("star takes a line feed", "a*", "a\nb", True),
    # question mark
    ("question mark", "a?", "ab", True),
    ("question mark needs one", "a?", "a", False),
    ("question mark takes one only", "a?", "abc", False),
    ("question mark stops at a slash", "a?b", "a/b", False),
    ("question mark takes one character of any script", "a?", "a世", True),
    ("question mark takes an undecodable byte", "a?", "a\udcff", True),
    ("question mark takes one byte of them", "a?", "a\udce4\udcb8", False),
    # two stars
    ("two stars", "**", "a", True),
    ("two stars and below", "**", "a/b", True),
    ("two stars and a slash", "**/", "a/b", True),
    ("two stars twice", "**/**", "a", True),
    ("any directory", "**/a", "x/y/a", True),
    ("any directory, and none", "**/a", "a", True),
    ("any directory takes whole names", "**/a", "xa", False),
    ("any directory takes what is below", "**/a", "x/a/b", True),
    ("any directory of a path", "**/a/b", "x/a/b", True),
    ("any directory of a path, and none", "**/a/b", "a/b", True),
    ("two stars glued to a name", "**a", "xa", True),
    ("two stars glued to a name, deeper", "**a", "x/ya", True),
    ("two stars glued to a name and no more", "**a", "ab", False),
    ("everything below", "a/**", "a/b", True),
    ("everything below, deeper", "a/**", "a/b/c", True),
    ("everything below spares the directory", "a/**", "a", False),
    ("everything with a prefix", "a**", "ab/c", True),
    ("everything with a prefix, the name alone", "a**", "a", True),
    ("extension anywhere", "**/*.go", "x/y/a.go", True),
    ("extension anywhere, root", "**/*.go", "a.go", True),
    ("extension anywhere needs the extension", "**/*.go", "a.gox", False),
    ("directories within a path", "a/**/b", "a/x/y/b", True),
    ("directories within a path, none", "a/**/b", "a/b", True),
    ("directories within a path are whole names", "a/**/b", "a/xb", False),
    ("two stars behind a name", "a**/b", "a/b", True),
    ("two stars behind a name need a slash", "a**/b", "ax/b", True),
    ("two stars behind a name, nothing between", "a**b", "ab", True),
    ("two stars behind a name, no part of a name", "a**b", "axb", False),
    ("two stars and one", "**/*", "a/b", True),
    ("three stars", "***", "a/b", True),
    ("three stars within", "a***b", "axb", True),
    ("two stars on both sides", "**/a/**", "x/a/y", True),
    ("two stars on both sides spare the directory", "**/a/**", "x/a", False),
    ("two stars stop at a line feed", "**/*a", "x\ny/a", False),
    ("two stars at the end take a line feed", "a/**", "a/x\ny", True),
    ("version directories", "**/[0-9]*/**", "x/1.2/y", True),
    # brackets
    ("brackets", "a[bc]d", "acd", True),
    ("brackets take one", "a[bc]d", "abcd", False),
    ("brackets need one", "a[bc]d", "ad", False),
    ("range", "a[b-d]", "ac", True),
    ("outside of a range", "a[b-d]", "ae", False),
    ("range of another script", "[à-ü]", "é", True),
    ("negated brackets", "a[^b-d]", "ae", True),
    ("negated brackets refuse", "a[^b-d]", "ac", False),
    ("an exclamation mark negates nothing", "a[!b]", "ac", False),
    ("an exclamation mark in brackets is itself", "a[!b]", "a!", True),
    ("negated brackets take a slash", "a[^b]c", "a/c", True),
    ("a range takes a slash", "a[.-0]c", "a/c", True),
    ("negated brackets take an undecodable byte", "a[^b]", "a\udcff", True),
    ("escaped bracket", "[\\]]", "]", True),
    ("escaped hyphen", "[a\\-c]", "-", True),
    ("escaped hyphen makes no range", "[a\\-c]", "b", False),
    ("closing bracket alone", "a]*", "a]b", True),
    ("caret within brackets", "[a^]", "^", True),
    ("two brackets", "[ab][cd]", "bd", True),
    ("python's compiled files", "**/*.py[cod]", "x/a.pyc", True),
    # escapes
    ("escaped star", "a\\*b", "a*b", True),
    ("escaped star is no star", "a\\*b", "axb", False),
    ("escaped question mark", "\\?", "?", True),
    ("escaped backslash", "a\\\\b", "a\\b", True),
    ("escaped exclamation mark", "\\!a", "!a", True),
    ("escaped number sign", "\\#a", "#a", True),
    ("escaped blank at the end is cut off first", "a*\\_ ", "a_", True),
    # the regular expression behind a pattern
    ("escaped d is a digit", "a\\d", "a7", True),
    ("escaped d is no letter", "a\\d", "ad", False),
    ("escaped D takes anything else", "bin\\Debug", "bin/ebug", True),
    ("a path of Windows is no path", "bin\\Debug", "bin/Debug", False),
    ("escaped w", "\\w*", "_a", True),
    ("escaped s", "a\\sb", "a b", True),
    ("escaped b is a word boundary", "foo\\bar", "foobar", False),
    ("word boundary that holds", "a\\b-*", "a-b", True),
    ("no word boundary", "a\\Bb", "ab", True),
    ("category", "\\pL*", "世1", True),
    ("category refuses", "\\pL*", "1a", False),
    ("negated category", "\\PL", "1", True),
    ("category in braces", "\\p{Lu}", "A", True),
    ("hexadecimal escape", "\\x61", "a", True),
    ("octal escape", "\\141", "a", True),
    ("escaped t is a tab", "a\\tb", "a\tb", True),
    ("quoted text", "\\Qa*\\Eb*", "a[^/]*bc", True),
    ("quoted text swallows the end", "\\Qab", "ab$", True),
    ("quoted text swallows the end and more follows", "\\Qab", "ab$c", True),
    ("named class", "[[:digit:]]a", "1a", True),
    ("negated named class", "[[:^digit:]]a", "1a", False),
    ("named class needs a second bracket", "[:digit:]a", "1a", False),
    ("escaped d within brackets", "[\\d_]", "5", True),
    ("star within brackets closes them", "[a*b]", "aab]", True),
    ("question mark within brackets closes them", "[a?b]", "^b]", True),
    ("caret outside of brackets is an anchor", "a^*", "a^b", False),
    ("caret in front", "^*", "a", True),
    ("caret without a wildcard", "a^b", "a^b", True),
    ("bar without a wildcard", "a|b", "a|b", True),
    ("bar beside a wildcard is an alternative", "a*|b", "a|b", True),
    ("first alternative has an open end", "a*.log|*.tmp", "a.logs", True),
    ("last alternative has an open start", "*.log|tmp", "x-tmp", True),
    ("braces are themselves", "*.{js,ts}", "a.{js,ts}", True),
    ("braces are no list", "*.{js,ts}", "a.js", False),
    ("braces with a number repeat", "a{2}*", "aab", True),
    ("braces with a number are not themselves", "a{2}*", "a{2}", False),
    ("braces with two numbers", "*.{1,2}", "a..", True),
    ("braces with one end", "[ab]{2,}", "abab", True),
    ("braces with a leading zero are themselves", "a{02}*", "a{02}", True),
    ("trailing backslash behind a mismatch", "abc*\\", "abcd$e", True),
    ("byte order mark within a pattern", "x\n\ufeff*.md", "a.md", True),
    # bytes that are not UTF-8
    ("undecodable byte in a name", "a\udcff", "a\udcff", False),
    ("undecodable byte beside a wildcard", "a\udcff*", "a\udcff", True),
    ("undecodable byte takes any other", "a\udcff*", "a\udcfe", True),
    ("undecodable byte is the replacement character", "a\udcff", "a\ufffd", True),
    # exceptions
    ("exception", "*.md\n!README.md", "README.md", False),
    ("exception spares the others", "*.md\n!README.md", "a.md", True),
    ("exception comes too early", "!README.md\n*.md", "README.md", True),
    ("exception alone", "!a", "a", False),
    ("last match wins", "*.md\n!README*.md\nREADME-secret.md", "README-secret.md", True),
    ("last match wins, again", "*.md\nREADME-secret.md\n!README*.md", "README-secret.md", False),
    ("exception below a directory", "docs\n!docs/README.md", "docs/README.md", False),
    ("exception below a directory spares others", "docs\n!docs/README.md", "docs/a", True),
    ("the directory itself stays out", "docs\n!docs/README.md", "docs", True),
    ("exception far below", "a\n!a/b/c", "a/b/c/d", False),
    ("exception far below, on the way", "a\n!a/b/c", "a/b", True),
    ("exception of a directory", "*\n!src", "src/a.js", False),
    ("exception of a directory, the rest", "*\n!src", "a.js", True),
    ("exception of two stars", "**\n!a/b", "a/b/c", False),
    ("exception with a wildcard", "*\n!*.json", "package.json", False),
    ("exception with a wildcard stays in the root", "*\n!*.json", "a/package.json", True),
    ("exception anywhere", "**\n!**/*.json", "a/package.json", False),
    ("exclusion below an exception", "*\n!src\nsrc/test", "src/test/a", True),
    ("exclusion anywhere below an exception", "*\n!src\n**/*.test.js", "src/a.test.js", True),
    ("exception below that again", "*\n!src\nsrc/test\n!src/test/a", "src/test/a", False),
    ("blank behind the mark", "*\n! a", "a", False),
    ("slash behind the mark", "*\n!/a", "a", False),
    ("blank before the mark", "*\n  !a", "a", False),
    ("dots behind the mark", "*\n!x/../a", "a", False),
    ("trailing slash of an exception", "*\n!a/", "a/b", False),
    ("two marks are a name", "*\n!!a", "!a", False),
    ("two marks are no exception for the name", "*\n!!a", "a", True),
    ("a slash before the mark", "*\n/!a", "a", False),
    ("blank behind mark and slash", "*\n!/ a", "a", True),
    ("exception of the directory that a pattern below needs", "a/b\n!a", "a/b", True),
    ("a pattern that is repeated behind its exception", "a\n!a/b\na", "a/b", False),
    ("repeated, with another in between", "a\n!a/b\nx\na", "a/b/c", False),
    ("an exception does not reach into an excluded child", "*\n!a\na/*", "a/b", True),
    ("an exception of the parent is inherited", "*\n!a\nx", "a/b/c", False),
    # files in front of everyone's eyes
    ("the Dockerfile may be left out", "Dockerfile*", "Dockerfile", True),
    ("the ignore file may be left out", ".dockerignore", ".dockerignore", True),
    ("git's folder", ".git", ".git/HEAD", True),
    ("git's folder is not its neighbours", ".git", ".gitignore", False),
    ("environment files", ".env*", ".env.local", True),
    ("installed packages, root only", "node_modules", "web/node_modules/a", False),
    ("installed packages, anywhere", "**/node_modules", "web/node_modules/a", True),
    ("project files of Visual Studio", "**/*.*proj.user", "x/a.csproj.user", True),
]


@pytest.mark.parametrize(
    ("text", "path", "left_out"),
    [pytest.param(*case[1:], id=case[0]) for case in CASES],
)
def test_path_is_left_out(text: str, path: str, left_out: bool) -> None:
    rules = IgnoreRules.parse(text.encode("utf-8", "surrogateescape"))
    assert rules.excludes(path) is left_out


BAD = "syntax error in pattern"
ALONE = 'illegal exclusion pattern: "!"'
TOO_LONG = "bufio.Scanner: token too long"

# (reason, ignore file, line, message)
REFUSED = [
    ("mark alone", "!", 1, ALONE),
    ("mark and blanks", "a\n!  \n", 2, ALONE),
    ("mark and slash", "!/", 1, ALONE),
    ("mark behind a slash", "/!", 1, ALONE),
    ("open bracket", "[", 1, BAD),
    ("open bracket behind a name", "a[", 1, BAD),
    ("brackets without an end", "[ab", 1, BAD),
    ("negated brackets without an end", "[^ab", 1, BAD),
    ("caret and no more", "[^", 1, BAD),
    ("empty brackets", "[]a]", 1, BAD),
    ("hyphen alone", "[-]", 1, BAD),
    ("hyphen in front", "[-x]", 1, BAD),
    ("hyphen at the end", "[x-]", 1, BAD),
    ("chained ranges", "[a-b-c]", 1, BAD),
    ("trailing backslash", "a\\", 1, BAD),
    ("trailing backslash within brackets", "[\\", 1, BAD),
    ("backslash before the end of brackets", "[a\\]", 1, BAD),
    ("an exception is checked as well", "*\n![", 2, BAD),
    ("range backwards", "[z-a]", 1, BAD),
    ("range backwards by case", "[Local-Only]/", 1, BAD),
    ("range backwards in an exception that is never compared", "![z-a]", 1, BAD),
    ("bracket behind the first mismatch", "abc*[", 1, BAD),
    ("escaped letter without a meaning", "docs\\output", 1, BAD),
    ("escaped letter of another script", "\\é", 1, BAD),
    ("escaped C", "\\Ca", 1, BAD),
    ("escaped E without Q", "a\\E", 1, BAD),
    ("back reference", "\\1", 1, BAD),
    ("hexadecimal escape that is too short", "\\x6", 1, BAD),
    ("hexadecimal escape that is too large", "\\x{110000}", 1, BAD),
    ("category that does not exist", "\\pX", 1, BAD),
    ("named class that does not exist", "[[:letter:]]", 1, BAD),
    ("word boundary within brackets", "[\\b]", 1, BAD),
    ("range that ends in a class", "[a-\\d]", 1, BAD),
    ("range that a star makes backwards", "[a-**]", 1, BAD),
    ("repeated repetition", "a{2}{3}*", 1, BAD),
    ("repeated star", "*{2}", 1, BAD),
    ("repetition of nothing", "|{2}*", 1, BAD),
    ("repetition that is too large", "a{1001}*", 1, BAD),
    ("repetition backwards", "a{3,2}*", 1, BAD),
    ("repetition with thousands of digits", "a{" + "9" * 5000 + "}*", 1, BAD),
    ("line that is too long", "a\n" + "b" * 65_536, 2, TOO_LONG),
    ("comment that is too long", "#" * 65_536 + "\na", 1, TOO_LONG),
    ("line that is too long in bytes", "é" * 32_768, 1, TOO_LONG),
    ("lines are read before patterns", "[\n" + "b" * 65_536, 2, TOO_LONG),
    ("patterns are checked before expressions", "[z-a]\n!\n", 2, ALONE),
    ("comments and blank lines count", "# a\n\n[\n", 3, BAD),
]


@pytest.mark.parametrize(
    ("text", "line", "message"), [pytest.param(*case[1:], id=case[0]) for case in REFUSED]
)
def test_file_is_refused(text: str, line: int, message: str) -> None:
    with pytest.raises(IgnoreSyntaxError) as refused:
        IgnoreRules.parse(text.encode())
    assert (refused.value.line, refused.value.message) == (line, message)
    assert str(refused.value) == f"line {line}: {message}"


def test_longest_line_is_read() -> None:
    name = "a" * 65_535
    assert IgnoreRules.parse(name.encode()).excludes(name)


def test_patterns_are_those_that_moby_compares() -> None:
    rules = IgnoreRules.parse(b"\xef\xbb\xbf# all\n\n /a/../b/ \n! /c\n")
    assert [(p.line, p.text, p.exception) for p in rules.patterns] == [
        (3, "b", False),
        (4, "c", True),
    ]


def test_text_is_kept() -> None:
    data = b"\xef\xbb\xbfa\r\n\xff\n#x"
    assert IgnoreRules.parse(data).text.encode("utf-8", "surrogateescape") == data


def test_no_file_leaves_nothing_out() -> None:
    assert not IgnoreRules.EMPTY.excludes("a/b")
    assert not IgnoreRules.EMPTY.prunes("a")
    assert IgnoreRules.EMPTY.text == ""


# (reason, ignore file, directory, whether nothing below it can come back)
PRUNED = [
    ("not left out", "b", "a", False),
    ("left out", "a", "a", True),
    ("below what is left out", "a", "a/b/c", True),
    ("exception elsewhere", "a\n!b/c", "a", True),
    ("exception below", "a\n!a/b/c", "a", False),
    ("exception further below", "a\n!a/b/c", "a/b", False),
    ("exception of a neighbour", "a\n!a/b/c", "a/x", True),
    ("exception with a prefix", "a\n!a/b**", "a", False),
    ("exception of everything below", "*\n!src/**", "src", False),
    ("exception with a wildcard below", "a\n!a/*.md", "a", False),
    ("exception with a wildcard that cannot reach", "a\n!*.md", "a", True),
    ("exception with a wildcard one level up", "a\n!a/*.md", "a/b", True),
    ("exception anywhere", "a\n!**/*.md", "a", False),
    ("exception by suffix", "a\n!**/b", "a/x", False),
    ("exception that was overruled", "*\n!src/**\n**/node_modules", "src/node_modules", True),
    ("exception that comes too early", "!a/b\na", "a", False),
]


@pytest.mark.parametrize(
    ("text", "directory", "pruned"), [pytest.param(*case[1:], id=case[0]) for case in PRUNED]
)
def test_directory_is_pruned(text: str, directory: str, pruned: bool) -> None:
    assert IgnoreRules.parse(text.encode()).prunes(directory) is pruned


# (reason, text before, text after adding "dist")
ADDED = [
    ("empty file", "", "dist\n"),
    ("byte order mark only", "\ufeff", "\ufeffdist\n"),
    ("final line feed", "a\n", "a\ndist\n"),
    ("no final line feed", "a", "a\ndist"),
    ("CRLF", "a\r\nb\r\n", "a\r\nb\r\ndist\r\n"),
    ("CRLF without a final one", "a\r\nb\r\nc", "a\r\nb\r\nc\r\ndist"),
    ("mostly LF", "a\nb\nc\r\n", "a\nb\nc\r\ndist\n"),
    ("blank line at the end", "a\n\n", "a\n\ndist\n"),
    ("comment at the end", "a\n# end", "a\n# end\ndist"),
    ("undecodable bytes", "\udcff\n", "\udcff\ndist\n"),
]


@pytest.mark.parametrize(
    ("before", "after"), [pytest.param(*case[1:], id=case[0]) for case in ADDED]
)
def test_pattern_is_added_in_the_style_of_the_file(before: str, after: str) -> None:
    assert with_pattern(before, "dist") == after


names = st.sampled_from(["a", "b", "ab", "a.b", ".a", "ba", "c", "a-b", "é"])
paths = st.lists(names, min_size=1, max_size=5).map("/".join)
stars = ["*", "**", "***", "a*", "*b", "*a*b", "*.b", ".*", "**a", "a**", "a**b"]
others = ["a", "b", "?", "a?b", "[ab]", "[^a]", "[a-b]c", "\\*", "a\\.b", "é", "-", "(", "."]
wild_names = st.sampled_from([*stars, *others])
patterns = st.builds(
    "{}{}{}{}".format,
    st.sampled_from(["", "", "!", "! "]),
    st.sampled_from(["", "", "", "/"]),
    st.lists(wild_names, min_size=1, max_size=4).map("/".join),
    st.sampled_from(["", "", "/"]),
)
files = st.builds(
    lambda lines, newline, end: newline.join(lines) + end,
    st.lists(patterns, max_size=6),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from(["", "\n"]),
)


def is_accepted(text: str) -> bool:
    """Says whether moby reads the file: ``!/.`` among the patterns stops it."""
    try:
        IgnoreRules.parse(text.encode())
    except IgnoreSyntaxError:
        return False
    return True


# What e2b-dockerfile-utils reads in another way than moby, and why: (ignore file, path, answer
# of moby, reason). All of it was put to moby's own matcher.
OTHER_READINGS = [
    ("*\n/!a", "a", False, "a mark behind the leading slash counts, since the slash goes first"),
    ("\x1ca", "\x1ca", True, "str.strip() takes U+001C for white space"),
    ("a\\d", "a1", True, "an escaped letter keeps its meaning in the regular expression"),
    ("^*", "a", True, "a caret outside of brackets is not escaped"),
    ("[[:digit:]]a", "1a", True, "named classes are those of RE2"),
    ("[a*b]", "aab]", True, "wildcards are translated within brackets too"),
    ("a*|b", "a", True, "the bar is not escaped"),
    ("a{2}*", "aab", True, "braces are not escaped"),
    ("x\n\ufeff*.md", "a.md", True, "the scanner drops a byte order mark"),
    ("a\udcff*", "a\udcfe", True, "undecodable bytes are one and the same character"),
]


@pytest.mark.filterwarnings("ignore:Possible nested set:FutureWarning")
@pytest.mark.parametrize(
    ("text", "path", "left_out"),
    [pytest.param(*case[:3], id=case[3]) for case in OTHER_READINGS],
)
def test_another_matcher_reads_it_differently(text: str, path: str, left_out: bool) -> None:
    assert IgnoreRules.parse(text.encode("utf-8", "surrogateescape")).excludes(path) is left_out
    try:
        other = PatternMatcher(text.removeprefix("\ufeff").split("\n")).matches(path)
    except ValueError:
        return
    assert other is not left_out, "it agrees now: move this to CASES"


@settings(max_examples=400)
@given(files.filter(is_accepted), paths)
@example("a\n!a/b\na", "a/b")
@example("*\n!src\n**/*.test.js", "src/a.test.js")
def test_another_matcher_agrees(text: str, path: str) -> None:
    lines = text.removeprefix("\ufeff").split("\n")
    assert IgnoreRules.parse(text.encode()).excludes(path) is PatternMatcher(lines).matches(path)


@given(files.filter(is_accepted), paths, paths)
def test_nothing_comes_back_below_a_pruned_directory(text: str, directory: str, rest: str) -> None:
    text = "*\n" + text
    if IgnoreRules.parse(text.encode()).prunes(directory):
        # The other matcher prunes nothing.
        assert PatternMatcher(text.split("\n")).matches(f"{directory}/{rest}")


@given(files.filter(is_accepted), st.lists(paths, min_size=1, max_size=8))
def test_answers_do_not_depend_on_what_was_asked_before(text: str, asked: list[str]) -> None:
    rules = IgnoreRules.parse(text.encode())
    answers = [rules.excludes(path) for path in asked]
    assert answers == [IgnoreRules.parse(text.encode()).excludes(path) for path in asked]
    assert answers == [rules.excludes(path) for path in asked]


@given(st.one_of(files, st.text(max_size=40)), paths)
def test_added_pattern_leaves_out_its_path(text: str, path: str) -> None:
    added = with_pattern(text, path)
    assert added.startswith(text)
    try:
        rules = IgnoreRules.parse(added.encode("utf-8", "surrogatepass"))
    except IgnoreSyntaxError:
        return
    assert rules.excludes(path)


@given(st.text(alphabet="ab/*?[]^-!\\.{}|$()+,12 \n", max_size=30), paths)
def test_any_text_is_read_or_refused(text: str, path: str) -> None:
    lines = text.count("\n") + 1
    try:
        rules = IgnoreRules.parse(text.encode())
    except IgnoreSyntaxError as error:
        refused = error.line
    else:
        assert rules.excludes(path) in (True, False)
        refused = 1
    assert 1 <= refused <= lines


HOSTILE = [
    ("many stars in one name", "**/*a*a*a*a*b"),
    ("many directories", "**/a/**/a/**/a/**/a/**/b"),
    ("stars only", "*" * 60_000),
    ("directories only", "**/" * 20_000 + "b"),
    ("brackets that take a slash", "[^b]*a" * 9_000 + "b"),
    ("stars with nothing between them", "*\\Q\\E" * 9_000 + "b"),
    ("repetitions", "a{1000}" * 90 + "*"),
    ("thousands of patterns", "\n".join(f"**/*a{i}*b*c" for i in range(2_000))),
    ("alternating exceptions", "\n".join(f"x{i}*\n!y{i}*" for i in range(2_000))),
    ("every pattern matches", "\n".join(["*", "!*"] * 1_000)),
]


@pytest.mark.parametrize("text", [pytest.param(case[1], id=case[0]) for case in HOSTILE])
def test_time_stays_in_proportion(text: str) -> None:
    started = time.process_time()
    rules = IgnoreRules.parse(text.encode())
    for path in ("a" * 255, "/".join(["a" * 250] * 16), "/".join("a" * 2_000)):
        rules.excludes(path)
    assert time.process_time() - started < 3


def test_many_thousand_paths_are_fast() -> None:
    rules = IgnoreRules.parse(
        b"**/.git\n**/*.*proj.user\n**/*.py[cod]\n**/*~\n*.log\ndist/\n**/Dockerfile*\n!**/x/keep\n"
    )
    paths = [f"src/package{i % 500}/lib/module{i}.js" for i in range(50_000)]
    started = time.process_time()
    assert not any(map(rules.excludes, paths))
    assert time.process_time() - started < 1.5
