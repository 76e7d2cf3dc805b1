"""find and xargs: what they look through, and the command that they run on what they find.

Sources: the manual of GNU findutils 4.9; ``busybox find --help``, ``busybox xargs --help``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from optimizer.knowledge.commands.line import Syntax, Unknown, names, place, places, together
from optimizer.knowledge.commands.places import ACCOUNTS
from optimizer.knowledge.installs import HOLE, Call, Touch

# Words of an expression by the number of arguments that follow; -files0-from, -ok and -L are left
# out: they take names from a file, ask, and follow links.
_ALONE = names(
    "-a -and -o -or -not ! ( ) , -daystart -depth -d -empty -executable -false -ignore_readdir_race"
    " -mount -xdev -nogroup -noleaf -nouser -nowarn -warn -print -print0 -prune -quit -readable"
    " -true -writable -ls -noignore_readdir_race"
)
_ONE = names(
    "-amin -atime -cmin -ctime -fstype -gid -group -ilname -iname -inum -ipath -iregex -iwholename"
    " -links -lname -maxdepth -mindepth -mmin -mtime -name -path -perm -printf -regex -regextype"
    " -size -type -uid -used -user -wholename -xtype -newermt"
)
_FILE = frozenset(("-newer", "-anewer", "-cnewer", "-samefile"))
# Outcomes that hang on times or on how the file system keeps files.
_VARIES = frozenset(
    ("-amin", "-atime", "-cmin", "-ctime", "-mmin", "-mtime", "-newermt", "-inum", "-used", "-ls",
     "-newer", "-anewer", "-cnewer", "-fstype")
)  # fmt: skip
_PRINTS = frozenset(("-print", "-print0", "-printf", "-ls"))


def _find(call: Call) -> Touch:
    words = list(call.words[1:])
    while words[:1] in (["-H"], ["-P"]):
        words.pop(0)
    roots = []
    while words and not words[0].startswith(("-", "(", "!", ",")):
        roots.append(words.pop(0))
    looked = places(call, roots or ["."])
    if not looked:
        raise Unknown
    found = Touch(reads=(*looked, *ACCOUNTS), repeatable=True)
    acts = False
    for name, arguments in _expression(words):
        if name in _FILE:
            found = together(found, Touch(reads=places(call, arguments), repeatable=True))
        elif name == "-delete":
            found, acts = together(found, Touch(writes=looked, repeatable=True)), True
        elif name in ("-exec", "-execdir"):
            acts = True
            for root in roots or ["."]:
                found = together(found, _on_each(call, name, arguments, root))
    stable = acts and not any(word in _VARIES or word in _PRINTS for word in words)
    return replace(found, repeatable=found.repeatable and stable)


def _expression(words: list[str]) -> Iterator[tuple[str, Sequence[str]]]:
    """Yields the words of the expression with their arguments."""
    queue = list(reversed(words))
    while queue:
        name = queue.pop()
        if name in ("-exec", "-execdir"):
            command: list[str] = []
            while queue and queue[-1] != ";" and not (queue[-1] == "+" and command[-1:] == ["{}"]):
                command.append(queue.pop())
            if not queue or not command:
                raise Unknown
            queue.pop()
            yield name, command
        elif name in _ONE or name in _FILE:
            if not queue:
                raise Unknown
            yield name, [queue.pop()]
        elif name in _ALONE or name == "-delete":
            yield name, ()
        else:
            raise Unknown


def _on_each(call: Call, name: str, command: Sequence[str], root: str) -> Touch:
    """The command on the root itself and on anything below it, which a pattern stands for.

    -execdir runs it in the directory of each file, so other words are paths from there.
    """
    directory = call.directory
    if name == "-execdir":
        if any("{}" in word and word != "{}" for word in command):
            raise Unknown
        root, directory = place(call, root), HOLE
    found = [
        run(Call(tuple(word.replace("{}", path) for word in command), directory, call.env))
        for path in (root, f"{root.rstrip('/')}/*")
    ]
    return together(*found)


def run(call: Call) -> Touch:
    """Returns what another command touches. Raises `Unknown`."""
    from optimizer.knowledge.commands import touch

    found = touch(call)
    if found is None or call.program in ("cd", "find", "xargs", "exec", ".", "source"):
        raise Unknown
    return found


_XARGS = Syntax(
    "-0|--null -a|--arg-file= -d|--delimiter= -E= -e|--eof[=] -I= -i|--replace[=] -L= -l"
    " --max-lines[=] -n|--max-args= -P|--max-procs= -r|--no-run-if-empty -s|--max-chars="
    " -t|--verbose -x|--exit --show-limits --help --version",
    stops=True,
)


def _xargs(call: Call) -> Touch:
    """xargs: nobody knows the words that it adds to its command."""
    line = _XARGS.read(call.words[1:])
    words = list(line.operands) or ["echo"]
    mark = line.value("-I") or (line.value("-i") or "{}" if line.has("-i") else None)
    added = [word.replace(mark, HOLE) for word in words] if mark else [*words, HOLE]
    inner = run(Call(tuple(added), call.directory, call.env))
    listed = Touch(reads=places(call, line.values("-a")), repeatable=not line.has("-P"))
    return together(inner, listed)


ROWS: Mapping[str, Callable[[Call], Touch]] = {"find": _find, "xargs": _xargs}
