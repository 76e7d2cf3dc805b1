"""Built-in utilities of the shell, and programs that only print or test something.

Sources: POSIX.1-2024, Shell Command Language 2.15 and the pages of the utilities; the manuals of
bash and GNU coreutils 9.1; ``busybox APPLET --help``; other tools beside their rows.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from optimizer.knowledge.commands.line import Syntax, Unknown, names, place, places
from optimizer.knowledge.commands.places import ACCOUNTS
from optimizer.knowledge.installs import HOLE, Call, Touch

# The default of BuildKit for images that set no PATH (util/system/path.go), which is what the
# official images have, too.
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def _nothing(call: Call) -> Touch:
    """Whatever the words are, no file is read or written, and the same words print the same."""
    return Touch(repeatable=True)


def _of_the_machine(call: Call) -> Touch:
    """Prints what differs between machines or from one run to the next."""
    return Touch()


def _of_the_user(call: Call) -> Touch:
    return Touch(reads=ACCOUNTS, repeatable=True)


def _times(call: Call) -> Touch:
    """date(1): the clock, or the time of a file; setting the clock fails in a container."""
    line = _DATE.read([w for w in call.words[1:] if not w.startswith("+")])
    return Touch(reads=places(call, line.values("-r")), variables=("SOURCE_DATE_EPOCH",))


_DATE = Syntax(
    "-d|--date= --debug -I|--iso-8601[=] -R|--rfc-email|--rfc-2822 --rfc-3339= -r|--reference="
    " -u|--utc|--universal -D= --help --version"
)

_FILE_TESTS = names("-b -c -d -e -f -g -h -k -p -r -s -u -w -x -G -L -N -O -S -a")
_STRING_TESTS = frozenset(("-n", "-z"))
_STRING_PAIRS = frozenset(
    ("=", "==", "!=", "=~", "<", ">", "-eq", "-ne", "-gt", "-ge", "-lt", "-le")
)
_FILE_PAIRS = frozenset(("-nt", "-ot", "-ef"))


def _tested(call: Call) -> Touch:
    """test(1), and bash's ``[[``: POSIX decides by the number of words; beyond that any word
    may be a file."""
    words = list(call.words[1:])
    if call.program in ("[", "[[") and words[-1:] in (["]"], ["]]"]):
        words.pop()
    while words[:1] == ["!"] and len(words) > 1:
        words.pop(0)
    return Touch(reads=_tested_files(call, words), repeatable=not _FILE_PAIRS.intersection(words))


def _tested_files(call: Call, words: Sequence[str]) -> tuple[str, ...]:
    match words:
        case [] | [_]:
            return ()
        case [operator, _] if operator in _STRING_TESTS:
            return ()
        case [operator, path] if operator in _FILE_TESTS:
            return places(call, [path])
        case [_, operator, _] if operator in _STRING_PAIRS:
            return ()
    return places(call, (w for w in words if not re.fullmatch(r"-\w+|[][=!()<>&|~]+|\d*", w)))


def _found_on_path(call: Call) -> Touch:
    """which(1), command -v, type: whether a file with the name is in a directory of PATH."""
    if call.program == "command" and not call.words[1:2]:
        return Touch(repeatable=True)
    if call.program == "command" and call.words[1] not in ("-v", "-V"):
        raise Unknown
    names = [word for word in call.words[1:] if not word.startswith("-")]
    if any(HOLE in name for name in names):
        raise Unknown
    folders = (call.env.get("PATH") or _PATH).split(":")
    paths = [n if "/" in n else f"{folder or '.'}/{n}" for n in names for folder in folders]
    return Touch(reads=places(call, paths), variables=("PATH",), repeatable=True)


def _environment(call: Call) -> Touch:
    """env(1) and printenv(1) without a command print every variable."""
    if call.program == "env" and any(not re.match(r"\w+=", word) for word in call.words[1:]):
        raise Unknown
    return Touch(variables=("*",))


# os-release(5): assignments that a shell can read, without expansions; lsb_release's file has the
# same form. No other script is known.
_ASSIGNMENTS = frozenset(("/etc/os-release", "/usr/lib/os-release", "/etc/lsb-release"))


def _sourced(call: Call) -> Touch:
    if len(call.words) != 2 or place(call, call.words[1]) not in _ASSIGNMENTS:
        raise Unknown
    return Touch(reads=(place(call, call.words[1]),), repeatable=True)


def _trapped(call: Call) -> Touch:
    """trap: the words that run later are a script of their own."""
    if len(call.words) > 1 and call.words[1] not in ("-", "", "--") and len(call.words) != 2:
        raise Unknown
    return Touch(repeatable=True)


def _executed(call: Call) -> Touch:
    """exec without a command only redirects."""
    if len(call.words) > 1:
        raise Unknown
    return Touch(repeatable=True)


def _distribution(call: Call) -> Touch:
    """lsb_release(1)."""
    return Touch(reads=("/etc/os-release", "/usr/lib/os-release", "/etc/lsb-release",
                        "/usr/share/distro-info", "/etc/debian_version", "/etc/dpkg"),
                 variables=("PYTHON*", "LSB_OS_RELEASE"), repeatable=True)  # fmt: skip


ROWS: Mapping[str, Callable[[Call], Touch]] = {
    **dict.fromkeys(
        (":", "true", "false", "echo", "printf", "pwd", "cd", "set", "unset", "export", "readonly",
         "local", "declare", "typeset", "umask", "ulimit", "exit", "return", "shift", "break",
         "continue", "read", "wait", "getopts", "let", "hash", "shopt", "sleep", "seq", "yes",
         "expr", "basename", "dirname", "sync", "tty", "alias"),
        _nothing,
    ),
    **dict.fromkeys(("uname", "arch", "hostname", "nproc", "times", "getconf"), _of_the_machine),
    **dict.fromkeys(("whoami", "id", "groups", "logname"), _of_the_user),
    "date": _times,
    **dict.fromkeys(("test", "[", "[["), _tested),
    **dict.fromkeys(("which", "command", "type"), _found_on_path),
    **dict.fromkeys(("env", "printenv"), _environment),
    **dict.fromkeys((".", "source"), _sourced),
    "trap": _trapped,
    "exec": _executed,
    # locale(1): prints settings or the list of locales.
    "locale": lambda call: Touch(("/usr/lib/locale", "/usr/share/i18n"), repeatable=True),
    "lsb_release": _distribution,
}  # fmt: skip
