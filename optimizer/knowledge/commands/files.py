"""Files and directories: making, copying, moving, removing, and looking at them.

Sources: the manual of GNU coreutils 9.1 (the options are held to ``--help`` by a test) and
``busybox APPLET --help`` 1.35 to 1.37; other tools beside their rows.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterable, Mapping

from optimizer.knowledge.commands.line import (
    Line,
    Syntax,
    Unknown,
    place,
    places,
    temporary,
    unless_set,
)
from optimizer.knowledge.commands.places import ACCOUNTS
from optimizer.knowledge.installs import Call, Touch

_BACKUPS = ("VERSION_CONTROL", "SIMPLE_BACKUP_SUFFIX")
_HELP = " --help --version"


def _spec(text: str, **how: bool) -> Syntax:
    return Syntax(text + _HELP, **how)


SYNTAX: Mapping[str, Syntax] = {
    "cp": _spec(
        "-a|--archive --attributes-only --backup[=] -b --copy-contents -d -f|--force"
        " -i|--interactive -H -l|--link -L|--dereference -n|--no-clobber -P|--no-dereference -p"
        " --preserve[=] --no-preserve= --parents -R|-r|--recursive --reflink[=]"
        " --remove-destination --sparse= --strip-trailing-slashes -s|--symbolic-link -S|--suffix="
        " -t|--target-directory= -T|--no-target-directory -u --update[=] -v|--verbose"
        " -x|--one-file-system -Z --context[=] --debug"
    ),
    "mv": _spec(
        "--backup[=] -b -f|--force -i|--interactive -n|--no-clobber --strip-trailing-slashes"
        " -S|--suffix= -t|--target-directory= -T|--no-target-directory -u --update[=] -v|--verbose"
        " -Z|--context --debug"
    ),
    "rm": _spec(
        "-f|--force -i -I --interactive[=] --one-file-system --no-preserve-root --preserve-root[=]"
        " -r|-R|--recursive -d|--dir -v|--verbose"
    ),
    "rmdir": _spec("--ignore-fail-on-non-empty -p|--parents -v|--verbose"),
    "mkdir": _spec("-m|--mode= -p|--parents -v|--verbose -Z --context[=]"),
    "ln": _spec(
        "--backup[=] -b -d|-F|--directory -f|--force -i|--interactive -L|--logical"
        " -n|--no-dereference -P|--physical -r|--relative -s|--symbolic -S|--suffix="
        " -t|--target-directory= -T|--no-target-directory -v|--verbose"
    ),
    "install": _spec(
        "--backup[=] -b -c -C|--compare -d|--directory -D -g|--group= -m|--mode= -o|--owner="
        " -p|--preserve-timestamps -s|--strip -S|--suffix= -t|--target-directory="
        " -T|--no-target-directory -v|--verbose --preserve-context -Z --context[=] --debug"
    ),
    "chmod": _spec(
        "-c|--changes -f|--silent|--quiet -v|--verbose --no-preserve-root --preserve-root"
        " --reference= -R|--recursive"
    ),
    "chown": _spec(
        "-c|--changes -f|--silent|--quiet -v|--verbose --dereference -h|--no-dereference --from="
        " --no-preserve-root --preserve-root --reference= -R|--recursive -H -L -P"
    ),
    "touch": _spec(
        "-a -c|--no-create -d|--date= -f -h|--no-dereference -m -r|--reference= -t= --time="
    ),
    "cat": _spec(
        "-A|--show-all -b|--number-nonblank -e -E|--show-ends -n|--number -s|--squeeze-blank -t"
        " -T|--show-tabs -u -v|--show-nonprinting"
    ),
    "tee": _spec("-a|--append -i|--ignore-interrupts -p --output-error[=]"),
    "ls": _spec(
        "-a|--all -A|--almost-all --author -b|--escape --block-size= -B|--ignore-backups -c -C"
        " --color[=] -d|--directory -D|--dired -f -F --classify[=] --file-type --format="
        " --full-time -g --group-directories-first -G|--no-group -h|--human-readable --si"
        " --hide= --hyperlink[=] --indicator-style= -i|--inode -I|--ignore= -k|--kibibytes -l -m"
        " -n|--numeric-uid-gid -N|--literal -o -p -q|--hide-control-chars --show-control-chars"
        " -Q|--quote-name --quoting-style= -r|--reverse -R|--recursive -s|--size -S --sort="
        " --time= --time-style= -t -T|--tabsize= -u -U -v -w|--width= -x -X -Z|--context --zero -1"
    ),
    "stat": _spec("-L|--dereference -f|--file-system --cached= -c|--format= --printf= -t|--terse"),
    "du": _spec(
        "-0|--null -a|--all --apparent-size -B|--block-size= -b|--bytes -c|--total"
        " -D|-H|--dereference-args -d|--max-depth= -h|--human-readable --inodes -k"
        " -l|--count-links -m -P|--no-dereference -S|--separate-dirs --si -s|--summarize"
        " -t|--threshold= --time[=] --time-style= -X|--exclude-from= --exclude="
        " -x|--one-file-system"
    ),
    "df": _spec(
        "-a|--all -B|--block-size= -h|--human-readable -H|--si -i|--inodes -k -l|--local --no-sync"
        " --output[=] -P|--portability --sync --total -t|--type= -T|--print-type"
        " -x|--exclude-type= -v -m"
    ),
    "readlink": _spec(
        "-f|--canonicalize -e|--canonicalize-existing -m|--canonicalize-missing -n|--no-newline"
        " -q|--quiet -s|--silent -v|--verbose -z|--zero"
    ),
    "realpath": _spec(
        "-e|--canonicalize-existing -m|--canonicalize-missing -L|--logical -P|--physical -q|--quiet"
        " --relative-to= --relative-base= -s|--strip|--no-symlinks -z|--zero"
    ),
    "mktemp": _spec("-d|--directory -u|--dry-run -q|--quiet --suffix= -p= --tmpdir[=] -t"),
    "truncate": _spec("-c|--no-create -o|--io-blocks -r|--reference= -s|--size="),
    "split": _spec(
        "-a|--suffix-length= --additional-suffix= -b|--bytes= -C|--line-bytes= -d"
        " --numeric-suffixes[=] -x --hex-suffixes[=] -e|--elide-empty-files -l|--lines="
        " -n|--number= -t|--separator= -u|--unbuffered --verbose -#"
    ),
    "shred": _spec(
        "-f|--force -n|--iterations= -s|--size= -u --remove[=] -v|--verbose -x|--exact -z|--zero"
    ),
    "mkfifo": _spec("-m|--mode= -Z --context[=]"),
    "link": _spec(""),
    "unlink": _spec(""),
}
"""Options that are known; those that make a command follow links, run a program or take the
names of files from a file are left out where they change which paths count."""


def _line(call: Call, program: str | None = None) -> Line:
    return SYNTAX[program or call.program].read(call.words[1:])


def _removed(call: Call) -> Touch:
    return Touch(writes=places(call, _line(call).operands), repeatable=True)


def _removed_directories(call: Call) -> Touch:
    """rmdir -p removes the directories above, too, as far as the operand names them."""
    line = _line(call)
    writes = places(call, line.operands)
    if line.has("-p"):
        tops = (re.match(r"/*[^/]*", word) for word in line.operands)
        writes += places(call, (top[0] for top in tops if top))
    return Touch(writes=writes, repeatable=True)


def _made(call: Call) -> Touch:
    return Touch(writes=places(call, _line(call).operands), repeatable=True)


def _touched(call: Call) -> Touch:
    line = _line(call)
    return Touch(
        reads=places(call, line.values("-r")),
        writes=places(call, line.operands),
        repeatable=True,
    )


def _reads(call: Call) -> Touch:
    return Touch(reads=places(call, _line(call).operands), repeatable=True)


_MODE = re.compile(r"-[rwxXstugoa,+=0-7-]*[rwxXstugo0-7]")


def _mode_changed(call: Call) -> Touch:
    """chmod: the mode may look like an option (``chmod -x FILE``)."""
    words = call.words[1:]
    rest = [word for word in words if not _MODE.fullmatch(word)]
    line = SYNTAX["chmod"].read(rest)
    given = len(rest) < len(words) or line.has("--reference")
    changed = places(call, line.operands if given else line.operands[1:])
    return Touch(
        reads=(*changed, *places(call, line.values("--reference"))),
        writes=changed,
        repeatable=True,
    )


def _owner_changed(call: Call) -> Touch:
    line = _line(call, "chown")
    if line.has("-R") and line.has("-L"):
        raise Unknown
    changed = places(call, line.operands if line.has("--reference") else line.operands[1:])
    return Touch(
        reads=(*changed, *places(call, line.values("--reference")), *ACCOUNTS),
        writes=changed,
        repeatable=True,
    )


def _goals(call: Call, line: Line, sources: Iterable[str], target: str | None) -> tuple[str, ...]:
    """Returns what cp, mv, install and ln write: the target, or the files in it by name.

    A target with a slash at its end that is no directory yet becomes the copy of a directory,
    so names count only where there is a directory for sure.
    """
    named = list(sources)
    folder = line.value("-t")
    if folder is None and target is None:
        raise Unknown
    goal = place(call, folder if folder is not None else target or ".")
    plain = not any(re.search(r"[*?\[]|(^|/)\.{0,2}/*$", word) for word in named)
    certain = folder is not None or len(named) > 1 or not line.has("-R", "-a")
    inside = folder is not None or len(named) > 1 or (target or "").endswith("/")
    goals: tuple[str, ...] = (goal,)
    if plain and certain and inside and not line.has("--parents", "-T"):
        goals = tuple(
            f"{goal.rstrip('/')}/{posixpath.basename(word.rstrip('/'))}" for word in named
        )
    if line.has("-b", "--backup", "-S"):
        goals += tuple(posixpath.dirname(path) for path in goals)
    return goals


def _split_target(line: Line) -> tuple[tuple[str, ...], str | None]:
    if line.has("-t"):
        return line.operands, None
    if len(line.operands) < 2:
        raise Unknown
    return line.operands[:-1], line.operands[-1]


def _copied(call: Call) -> Touch:
    line = _line(call)
    sources, target = _split_target(line)
    if line.has("-R", "-a") and line.has("-L", "-H"):
        raise Unknown
    return Touch(
        reads=places(call, sources),
        writes=_goals(call, line, sources, target),
        variables=_BACKUPS,
        repeatable=not line.has("-u", "--update"),
    )


def _moved(call: Call) -> Touch:
    line = _line(call)
    sources, target = _split_target(line)
    moved = places(call, sources)
    return Touch(
        reads=moved,
        writes=(*moved, *_goals(call, line, sources, target)),
        variables=_BACKUPS,
        repeatable=not line.has("-u", "--update"),
    )


def _linked(call: Call) -> Touch:
    line = _line(call)
    if len(line.operands) == 1 and not line.has("-t"):
        sources, target = line.operands, "./"
    else:
        sources, target = _split_target(line)  # type: ignore[assignment]
    reads = () if line.has("-s") else places(call, sources)
    writes = _goals(call, line, sources, target)
    return Touch(reads=reads, writes=writes, variables=_BACKUPS, repeatable=True)


def _installed(call: Call) -> Touch:
    line = _line(call)
    if line.has("-d"):
        return Touch(reads=ACCOUNTS, writes=places(call, line.operands), repeatable=True)
    sources, target = _split_target(line)
    return Touch(
        reads=(*places(call, sources), *ACCOUNTS),
        writes=_goals(call, line, sources, target),
        variables=_BACKUPS,
        repeatable=True,
    )


def _teed(call: Call) -> Touch:
    written = places(call, _line(call).operands)
    return Touch(reads=written, writes=written, repeatable=True)


def _listed(call: Call) -> Touch:
    """ls prints times and, with -f and -U, the order of the file system."""
    line = _line(call)
    timed = line.has("-l", "-g", "-n", "-o", "-t", "-f", "-U", "-i", "-c", "-u", "--full-time",
                     "-s", "--sort", "--format", "--time")  # fmt: skip
    return Touch(
        reads=(*places(call, line.operands or (".",)), *ACCOUNTS),
        variables=("LS_COLORS", "LS_BLOCK_SIZE", "BLOCK_SIZE", "BLOCKSIZE", "QUOTING_STYLE",
                   "TIME_STYLE", "TABSIZE", "CLICOLOR", "COLORTERM"),
        repeatable=not timed,
    )  # fmt: skip


_STABLE = re.compile(r"(?:%[aAfFgGhnsuU%]|[^%])*")


def _described(call: Call) -> Touch:
    """stat: modes, owners and sizes repeat; times, inodes and devices do not."""
    line = _line(call)
    if line.has("-L"):
        raise Unknown
    formats = line.values("-c", "--printf")
    return Touch(
        reads=(*places(call, line.operands), *ACCOUNTS),
        variables=("QUOTING_STYLE",),
        repeatable=bool(formats) and all(map(_STABLE.fullmatch, formats)),
    )


def _measured(call: Call) -> Touch:
    """du, df: sizes on the disk differ from machine to machine."""
    line = _line(call)
    operands = line.operands or ((".",) if call.program == "du" else ())
    return Touch(
        reads=places(call, (*operands, *line.values("-X"))),
        variables=("DU_BLOCK_SIZE", "DF_BLOCK_SIZE", "BLOCK_SIZE", "BLOCKSIZE", "TIME_STYLE"),
    )


def _resolved(call: Call) -> Touch:
    line = _line(call)
    named = line.values("--relative-to", "--relative-base")
    return Touch(reads=places(call, (*line.operands, *named)), repeatable=True)


def _temporary(call: Call) -> Touch:
    """mktemp: a new name at every run, in TMPDIR, in -p or where the template says."""
    line = _line(call)
    if line.has("-u"):
        return Touch(variables=("TMPDIR",))
    folders = [*line.values("-p"), *(v for v in line.values("--tmpdir") if v)]
    inside = bool(folders) or line.has("-t", "--tmpdir") or not line.operands
    templates = [word for word in line.operands if not inside]
    written = places(call, folders or [posixpath.dirname(w) or "." for w in templates])
    # With -t, TMPDIR goes before -p.
    if line.has("-t") or not written:
        written += temporary(call)
    return Touch(writes=written, variables=("TMPDIR",))


def _truncated(call: Call) -> Touch:
    line = _line(call)
    written = places(call, line.operands)
    return Touch((*written, *places(call, line.values("-r"))), written, repeatable=True)


def _split(call: Call) -> Touch:
    """split: files beside one another, whose names begin with the second operand."""
    line = _line(call)
    prefix = line.operands[1] if len(line.operands) > 1 else "x"
    folder = posixpath.dirname(place(call, prefix))
    return Touch(places(call, line.operands[:1]), (folder,), repeatable=True)


def _dd(call: Call) -> Touch:
    """dd: operands are names with values; of devices only those that repeat count as such."""
    named = dict(word.partition("=")[::2] for word in call.words[1:])
    known = {"if", "of", "bs", "ibs", "obs", "count", "skip", "seek", "conv", "status", "iflag",
             "oflag", "cbs"}  # fmt: skip
    if not named.keys() <= known:
        raise Unknown
    source = [named["if"]] if "if" in named else []
    return Touch(
        reads=places(call, source),
        writes=places(call, [named["of"]] if "of" in named else []),
        repeatable=not any(re.match(r"/dev/(?!zero|null)", path) for path in source),
    )


# dos2unix(1) 7.4; busybox dos2unix --help.
_LINE_ENDS = Syntax("-q|--quiet -k|--keepdate -u -d -f|--force -s|--safe -o|--oldfile -V|--version"
                    " -l|--newline -b|--keep-bom -r|--remove-bom --help -ascii")  # fmt: skip


def _line_ends_changed(call: Call) -> Touch:
    changed = places(call, _LINE_ENDS.read(call.words[1:]).operands)
    # What it leaves of a directory or of a file it cannot replace lies beside that, under a random
    # name.
    beside = tuple(posixpath.dirname(path) for path in changed)
    return Touch(changed, (*changed, *beside), variables=("DOS2UNIX_LOCALEDIR",))


# file(1) 5.44
_KINDS = Syntax("-b|--brief -i|--mime --mime-type --mime-encoding -E -k|--keep-going -N|--no-pad"
                " -n|--no-buffer -p|--preserve-date -r|--raw -s|--special-files -0|--print0"
                " -v|--version --help -h|--no-dereference -L|--dereference")  # fmt: skip


def _kind_told(call: Call) -> Touch:
    unless_set(call, "MAGIC")
    magic = ("/etc/magic", "/usr/share/misc", "/usr/share/file", "/usr/lib/file")
    reads = (*places(call, _KINDS.read(call.words[1:]).operands), *magic)
    return Touch(reads, variables=("MAGIC",))


ROWS: Mapping[str, Callable[[Call], Touch]] = {
    "cp": _copied,
    "mv": _moved,
    "rm": _removed,
    "unlink": _removed,
    "shred": lambda call: Touch(writes=places(call, _line(call).operands)),
    "rmdir": _removed_directories,
    "mkdir": _made,
    "mkfifo": _made,
    "ln": _linked,
    "link": lambda call: Touch(
        places(call, _line(call).operands[:1]),
        places(call, _line(call).operands[1:]),
        repeatable=True,
    ),
    "install": _installed,
    "chmod": _mode_changed,
    "chown": _owner_changed,
    "chgrp": _owner_changed,
    "touch": _touched,
    "cat": _reads,
    "tee": _teed,
    "ls": _listed,
    "stat": _described,
    "du": _measured,
    "df": _measured,
    "readlink": _resolved,
    "realpath": _resolved,
    "mktemp": _temporary,
    "truncate": _truncated,
    "split": _split,
    "dd": _dd,
    "dos2unix": _line_ends_changed,
    "unix2dos": _line_ends_changed,
    "file": _kind_told,
}
