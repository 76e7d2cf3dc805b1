"""Filters: commands that read text and print text, and sed, which may edit files in place.

Sources: the manuals of GNU coreutils 9.1 (the options are held to ``--help`` by a test), grep
3.8, sed 4.9 and gawk 5.2, POSIX.1-2024, and ``busybox APPLET --help``; others beside their rows.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from optimizer.knowledge.commands.line import (
    Line,
    Syntax,
    Unknown,
    place,
    places,
    unless_set,
)
from optimizer.knowledge.commands.sed import script_files
from optimizer.knowledge.installs import HOLE, Call, Touch

_HELP = " --help --version"
_SUMS = (
    "-b|--binary -c|--check --tag -t|--text -z|--zero --ignore-missing --quiet --status --strict"
    " -w|--warn -s -l|--length= -a|--algorithm= --untagged --raw"
)
_GREP = (
    "-E|--extended-regexp -F|--fixed-strings -G|--basic-regexp -P|--perl-regexp -e|--regexp="
    " -f|--file= -i|--ignore-case|-y --no-ignore-case -w|--word-regexp -x|--line-regexp"
    " -z|--null-data -s|--no-messages -v|--invert-match -V -m|--max-count= -b|--byte-offset"
    " -n|--line-number --line-buffered -H|--with-filename -h|--no-filename --label="
    " -o|--only-matching -q|--quiet|--silent --binary-files= -a|--text -I -d|--directories="
    " -D|--devices= -r|--recursive --include= --exclude= --exclude-from= --exclude-dir="
    " -L|--files-without-match -l|--files-with-matches -c|--count -T|--initial-tab -Z|--null"
    " -B|--before-context= -A|--after-context= -C|--context= -# --group-separator="
    " --no-group-separator --color|--colour[=] -U|--binary"
)
_SPECS: Mapping[str, str] = {
    "head": "-c|--bytes= -n|--lines= -q|--quiet|--silent -v|--verbose -z|--zero-terminated -#",
    "tail": "-c|--bytes= -n|--lines= -q|--quiet|--silent -v|--verbose -z|--zero-terminated -#"
            " --max-unchanged-stats= --pid= --retry -s|--sleep-interval=",
    "sort": "-b|--ignore-leading-blanks -d|--dictionary-order -f|--ignore-case"
            " -g|--general-numeric-sort -i|--ignore-nonprinting -M|--month-sort"
            " -h|--human-numeric-sort -n|--numeric-sort -R|--random-sort --random-source="
            " -r|--reverse --sort= -V|--version-sort --batch-size= -c --check[=] -C --debug"
            " -k|--key= -m|--merge -o|--output= -s|--stable -S|--buffer-size="
            " -t|--field-separator= -T|--temporary-directory= --parallel= -u|--unique"
            " -z|--zero-terminated",
    "uniq": "-c|--count -d|--repeated -D --all-repeated[=] -f|--skip-fields= --group[=]"
            " -i|--ignore-case -s|--skip-chars= -u|--unique -z|--zero-terminated -w|--check-chars=",
    "wc": "-c|--bytes -m|--chars -l|--lines -L|--max-line-length -w|--words --total=",
    "cut": "-b|--bytes= -c|--characters= -d|--delimiter= -f|--fields= -n --complement"
           " -s|--only-delimited --output-delimiter= -z|--zero-terminated",
    "tr": "-c|-C|--complement -d|--delete -s|--squeeze-repeats -t|--truncate-set1",
    "tac": "-b|--before -r|--regex -s|--separator=",
    "rev": "-h -V",
    "nl": "-b|--body-numbering= -d|--section-delimiter= -f|--footer-numbering="
          " -h|--header-numbering= -i|--line-increment= -l|--join-blank-lines= -n|--number-format="
          " -p|--no-renumber -s|--number-separator= -v|--starting-line-number= -w|--number-width=",
    "paste": "-d|--delimiters= -s|--serial -z|--zero-terminated",
    "fold": "-b|--bytes -s|--spaces -w|--width=",
    "od": "-A|--address-radix= --endian= -j|--skip-bytes= -N|--read-bytes= -t|--format="
          " -v|--output-duplicates -w[=] --width[=] -a -b -c -d -f -i -l -o -s -x",
    "base64": "-d|--decode|-D -i|--ignore-garbage -w|--wrap=",
    "cksum": _SUMS + " --debug",
    "cmp": "-b|--print-bytes -i|--ignore-initial= -l|--verbose -n|--bytes= -s|--quiet|--silent -v",
    "diff": "--normal -q|--brief -s|--report-identical-files -c -C= --context[=] -u -U="
            " --unified[=] -e|--ed -n|--rcs -y|--side-by-side -W|--width= --left-column"
            " --suppress-common-lines -p|--show-c-function -F|--show-function-line= --label=|-L="
            " -t|--expand-tabs -T|--initial-tab --tabsize= --suppress-blank-empty -r|--recursive"
            " --no-dereference -N|--new-file --unidirectional-new-file --ignore-file-name-case"
            " --no-ignore-file-name-case -x|--exclude= -X|--exclude-from= -S|--starting-file="
            " --from-file= --to-file= -i|--ignore-case -E|--ignore-tab-expansion"
            " -Z|--ignore-trailing-space -b|--ignore-space-change -w|--ignore-all-space"
            " -B|--ignore-blank-lines -I|--ignore-matching-lines= -a|--text --strip-trailing-cr"
            " -d|--minimal --horizon-lines= --speed-large-files --color[=] --palette= -v",
    "comm": "-1 -2 -3 --check-order --nocheck-order --output-delimiter= --total"
            " -z|--zero-terminated",
    "join": "-a= -e= -i|--ignore-case -j= -o= -t= -v= -1= -2= --check-order --nocheck-order"
            " --header -z|--zero-terminated",
    "sed": "-n|--quiet|--silent --debug -e|--expression= -f|--file= --follow-symlinks"
           " -i|--in-place[=] -l|--line-length= --posix -E|-r|--regexp-extended -s|--separate"
           " --sandbox -u|--unbuffered -z|--null-data -b|--binary",
    "awk": "-F|--field-separator= -v|--assign= -f|--file= -b|--characters-as-bytes -P|--posix"
           " -c|--traditional -S|--sandbox -n|--non-decimal-data -O|--optimize -t|--lint-old"
           " -r|--re-interval -M|--bignum -W=",
    # jq 1.6, manual, "Invoking jq".
    "jq": "-c|--compact-output -n|--null-input -e|--exit-status -s|--slurp -r|--raw-output"
          " -R|--raw-input -C|--color-output -M|--monochrome-output -S|--sort-keys --tab"
          " -j|--join-output -a|--ascii-output --indent=",
    # column(1) of util-linux 2.38; the others: coreutils.
    "column": "-t|--table -s|--separator= -o|--output-separator= -n|--table-name= -J|--json -x"
              " -c|--output-width= -N|--table-columns=",
    "expand": "-i|--initial -t|--tabs=",
    "unexpand": "-a|--all --first-only -t|--tabs=",
    "fmt": "-c|--crown-margin -p|--prefix= -s|--split-only -t|--tagged-paragraph"
           " -u|--uniform-spacing -w|--width= -g|--goal=",
    "shuf": "-e|--echo -i|--input-range= -n|--head-count= -o|--output= --random-source="
            " -r|--repeat -z|--zero-terminated",
    "strings": "-a|--all -f|--print-file-name -n|--bytes= -t|--radix= -o -e|--encoding= -#"
               " -w|--include-all-whitespace",
}  # fmt: skip
SYNTAX: Mapping[str, Syntax] = {
    **{name: Syntax(spec + _HELP) for name, spec in _SPECS.items()},
    "grep": Syntax(_GREP + _HELP),
}
"""Options that are known; those that follow files, run a program, follow links or take the names
of files from a file are left out."""


def _line(call: Call, program: str | None = None) -> Line:
    return SYNTAX[program or call.program].read(call.words[1:])


def _filter(call: Call) -> Touch:
    line = _line(call)
    return Touch(reads=places(call, line.operands), repeatable=True)


def _translated(call: Call) -> Touch:
    _line(call)
    return Touch(repeatable=True)


def _sorted(call: Call) -> Touch:
    """sort and shuf: -o may name one of the inputs."""
    line = _line(call)
    operands = () if line.has("-e", "--echo") else line.operands
    return Touch(
        reads=places(call, (*operands, *line.values("--random-source"))),
        writes=places(call, line.values("-o")),
        variables=("TMPDIR", "_POSIX2_VERSION"),
        repeatable=call.program == "sort" and not line.has("-R"),
    )


def _uniq(call: Call) -> Touch:
    line = _line(call)
    if len(line.operands) > 2:
        raise Unknown
    return Touch(places(call, line.operands[:1]), places(call, line.operands[1:]), repeatable=True)


def _compared(call: Call) -> Touch:
    """diff prints times in the heads of its parts."""
    line = _line(call)
    operands = line.operands[:2] if call.program == "cmp" else line.operands
    named = line.values("-X", "--from-file", "--to-file")
    return Touch(reads=places(call, (*operands, *named)), repeatable=call.program != "diff")


def _summed(call: Call) -> Touch:
    """md5sum and its kin; with -c the list names files, which may be any."""
    line = _line(call, "cksum")
    if line.has("-c"):
        return Touch(reads=("/",), repeatable=True)
    return Touch(reads=places(call, line.operands), repeatable=True)


def _searched(call: Call) -> Touch:
    """grep: the first operand is the pattern, unless -e or -f gives one; -R follows links."""
    unless_set(call, "GREP_OPTIONS")
    line = _line(call, "grep")
    recursive = line.has("-r") or line.value("-d") == "recurse"
    operands = line.operands if line.has("-e", "-f") else line.operands[1:]
    if recursive and not operands:
        operands = (".",)
    return Touch(
        reads=places(call, (*operands, *line.values("-f", "--exclude-from"))),
        variables=("GREP_*",),
        repeatable=not recursive or line.has("-q"),
    )


def _edited(call: Call) -> Touch:
    """sed: what its script writes, and with -i the files themselves and their backups."""
    line = _line(call)
    operands = list(line.operands)
    if line.has("-f"):
        raise Unknown
    scripts = line.values("-e") or tuple(operands[:1])
    if not line.has("-e"):
        operands = operands[1:]
    if not scripts or HOLE in "".join(scripts):
        raise Unknown
    reads, writes = script_files("\n".join(scripts))
    files = places(call, operands)
    changed: tuple[str, ...] = ()
    if line.has("-i"):
        changed = files
        suffix = line.value("-i")
        if suffix and re.search(r"[*/\0]", suffix):
            raise Unknown
        if suffix:
            changed += tuple(f"{path}{suffix}" for path in files)
    return Touch(
        reads=(*files, *places(call, reads)),
        writes=(*changed, *places(call, writes)),
        variables=("COLS", "POSIXLY_CORRECT"),
        repeatable=True,
    )


_AWK_STRING = re.compile(r'"(?:[^"\\\n]|\\.)*"')
_AWK_REGEXP = re.compile(r'/(?:[^/\\\["\n]|\\[^\n]|\[\^?\]?[^\]/"\\\n]*\])*/')
# gawk's manual, 5.6 "Redirecting Output", 4.10 "getline", 9.1.4 "system"; -l and @ load more.
_AWK_ACTS = re.compile(r"[>|@#`]|\b(?:getline|system|close|fflush|ARGV|ARGC|include|load)\b")
_AWK_VARIES = re.compile(r"\b(?:rand|srand|systime|strftime|PROCINFO)\b|\bin\b")


def _awk(call: Call) -> Touch:
    """awk: a program that only computes and prints; a program that may write or run has no
    answer."""
    unless_set(call, "AWKPATH", "AWKLIBPATH", "GAWK_EXT")
    line = SYNTAX["awk"].read(_awk_words(call))
    if line.has("-f", "-W") or not line.operands or HOLE in line.operands[0]:
        raise Unknown
    bare = _bare_awk(line.operands[0])
    if _AWK_ACTS.search(bare.replace("||", " ")):
        raise Unknown
    files = [word for word in line.operands[1:] if not re.match(r"[A-Za-z_]\w*=", word)]
    return Touch(
        reads=places(call, files),
        variables=("*",) if "ENVIRON" in bare else ("AWK*", "GAWK*", "POSIXLY_CORRECT"),
        repeatable=not _AWK_VARIES.search(bare),
    )


def _awk_words(call: Call) -> list[str]:
    """Options of awk end at the program text (POSIX), so ``-`` words behind it are files."""
    words = list(call.words[1:])
    at = 0
    while at < len(words) and words[at].startswith("-") and words[at] not in ("-", "--"):
        at += 2 if re.fullmatch(r"-[Fvf]|--(field-separator|assign|file)", words[at]) else 1
    if words[at : at + 1] == ["--"]:
        del words[at]
    return [*words[:at], "--", *words[at:]]


def _bare_awk(program: str) -> str:
    """Returns the program without its strings and regular expressions. Raises `Unknown` where a
    slash may be either the one or the other."""
    found: list[str] = []
    position, last = 0, ""
    while position < len(program):
        char = program[position]
        pattern = _AWK_STRING if char == '"' else None
        if char == "/" and last in "({,;!~&|\n}":
            pattern = _AWK_REGEXP
        elif char == "/" and '"' in program[position:]:
            raise Unknown
        if pattern is not None:
            match = pattern.match(program, position)
            if match is None:
                raise Unknown
            position, last, char = match.end(), "0", "0"
        else:
            position += 1
            last = last if char in " \t" else char
        found.append(char)
    return "".join(found)


def _jq(call: Call) -> Touch:
    """jq: the first operand is the filter, the others are files; modules lie in ~/.jq."""
    line = _line(call)
    filter_ = line.operands[0] if line.operands else "."
    if re.search(r"\b(?:import|include|input_filename|env|now)\b|\$ENV|\0", filter_):
        raise Unknown
    home = call.env.get("HOME")
    modules = [place(call, f"{home}/.jq")] if home else ["/root/.jq"]
    reads = (*places(call, line.operands[1:]), *modules)
    return Touch(reads, variables=("JQ_COLORS", "NO_COLOR"), repeatable=True)


ROWS: Mapping[str, Callable[[Call], Touch]] = {
    **dict.fromkeys(
        ("head", "tail", "wc", "cut", "tac", "rev", "nl", "paste", "fold", "od", "comm", "join",
         "column", "expand", "unexpand", "fmt", "strings"),
        _filter,
    ),
    "base64": _filter,
    "base32": lambda call: Touch(
        places(call, _line(call, "base64").operands), repeatable=True
    ),
    "tr": _translated,
    "sort": _sorted,
    "shuf": _sorted,
    "uniq": _uniq,
    "cmp": _compared,
    "diff": _compared,
    **dict.fromkeys(
        ("cksum", "md5sum", "sha1sum", "sha224sum", "sha256sum", "sha384sum", "sha512sum",
         "b2sum"),
        _summed,
    ),
    **dict.fromkeys(("grep", "egrep", "fgrep"), _searched),
    "sed": _edited,
    **dict.fromkeys(("awk", "gawk", "mawk"), _awk),
    "jq": _jq,
}  # fmt: skip
