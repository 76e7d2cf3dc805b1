"""Archives and compressed files.

Sources: the manuals of GNU tar 1.34, gzip 1.12, xz 5.4, bzip2 1.0.8, zstd 1.5 and Info-ZIP's
unzip 6.0 and zip 3.0; ``busybox APPLET --help``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from posixpath import dirname, join

from optimizer.knowledge.commands.line import Line, Syntax, Unknown, place, places, unless_set
from optimizer.knowledge.commands.places import ACCOUNTS
from optimizer.knowledge.installs import Call, Touch

# Options that leave it at: members go below -C, names are made relative. Left out are those that
# run programs, keep absolute names, or take options and names from files.
_TAR = Syntax(
    "-c|--create -x|--extract|--get -t|--list -f|--file= -C|--directory="
    " -z|--gzip|--gunzip|--ungzip"
    " -j|--bzip2 -J|--xz --lzip --lzma --lzop --zstd -Z|--compress|--uncompress -a|--auto-compress"
    " --no-auto-compress -v|--verbose -p|--preserve-permissions|--same-permissions -m|--touch"
    " -o --no-same-owner --no-same-permissions --same-owner --numeric-owner --owner= --group="
    " --mode= --mtime= --sort= --strip-components|--strip= --exclude= -X|--exclude-from="
    " --exclude-vcs --exclude-vcs-ignores --exclude-backups --exclude-caches --exclude-tag="
    " --wildcards --no-wildcards --anchored --no-anchored --wildcards-match-slash"
    " --no-wildcards-match-slash --ignore-case --no-ignore-case --no-recursion --recursion"
    " -k|--keep-old-files --keep-newer-files --skip-old-files --overwrite --overwrite-dir"
    " --no-overwrite-dir -U|--unlink-first --recursive-unlink -O|--to-stdout -h|--dereference"
    " --hard-dereference -S|--sparse -s|--preserve-order -i|--ignore-zeros --ignore-failed-read"
    " -b|--blocking-factor= --record-size= -B|--read-full-records -H|--format= --old-archive"
    " --portability --posix --pax-option= -V|--label= -W|--verify --acls --no-acls --selinux"
    " --no-selinux --xattrs --no-xattrs --xattrs-include= --xattrs-exclude= --totals[=]"
    " --checkpoint[=] --warning= --quoting-style= --full-time --utc -l|--check-links"
    " -n|--seek --no-seek --one-file-system --force-local --delay-directory-restore"
    " --no-delay-directory-restore --no-ignore-command-error --clamp-mtime --newer-mtime="
    " -N|--newer= --remove-files --show-transformed-names --show-omitted-dirs -w -R"
    " -I|--use-compress-program= --one-top-level[=] --help --version"
)
_TAR_VALUED = frozenset("fCXbHVNI")
_COMPRESSORS = re.compile(r"(?:/usr/bin/)?(?:zstd|pigz|pixz|gzip|xz|bzip2|pbzip2|lz4|lzip)( -\w+)*")


def _tar(call: Call) -> Touch:
    unless_set(call, "TAR_OPTIONS", "TAPE")
    line = _TAR.read(_dashed(call.words[1:]))
    programs = line.values("-I")
    archives = [name for name in line.values("-f") if name != "-"]
    remote = any(":" in name for name in archives) and not line.has("--force-local")
    if not all(map(_COMPRESSORS.fullmatch, programs)) or remote:
        raise Unknown
    modes = [mode for mode in ("-c", "-x", "-t") if line.has(mode)]
    read = places(call, (*archives, *line.values("-X")))
    variables = ("TAR_OPTIONS", "TAPE", "GZIP", "XZ_*", "BZIP*", "ZSTD_*", "TAR_*")
    match modes:
        case ["-t"]:
            return Touch(read, variables=variables)
        case ["-x"] if line.has("-O"):
            return Touch(read, variables=variables, repeatable=True)
        case ["-x"]:
            return Touch((*read, *ACCOUNTS), _extracted(call, line), variables, repeatable=True)
        case ["-c"] if not line.has("-h"):
            members, folders = _members(call, line)
            removed = members if line.has("--remove-files") else ()
            written = (*places(call, archives), *removed)
            return Touch((*members, *folders, *read, *ACCOUNTS), written, variables)
    raise Unknown


def _dashed(words: tuple[str, ...]) -> list[str]:
    """tar's old style (``tar xzf FILE -C DIR``): letters first, then their values in order."""
    if not words or words[0].startswith("-"):
        return list(words)
    rest = list(words[1:])
    found: list[str] = []
    for letter in words[0]:
        found.append(f"-{letter}")
        if letter in _TAR_VALUED:
            if not rest:
                raise Unknown
            found.append(rest.pop(0))
    return [*found, *rest]


def _extracted(call: Call, line: Line) -> tuple[str, ...]:
    """With several -C GNU tar takes each from the one before it, busybox takes the last alone."""
    folders = line.values("-C")
    if len(folders) > 1 and not all(name.startswith("/") for name in folders):
        raise Unknown
    for name in line.values("--one-top-level"):
        if name.startswith("/") or ".." in name.split("/"):
            raise Unknown
    return places(call, folders or (".",))


def _members(call: Call, line: Line) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Returns the paths that go into the archive, and the directories they are named from."""
    at, named, folders = call, [], []
    for name, word in line.sequence:
        if name == "-C":
            at = Call(call.words, place(at, word), call.env)
            folders.append(at.directory)
        elif not name:
            named.append(place(at, word))
    return tuple(named), tuple(folders)


# unzip(1) 6.0, OPTIONS; busybox unzip --help. ":" lets members leave the directory.
_UNZIP = Syntax("-d= -f -u -n -o -j -q -p -c -l -t -v -z -a -b -B -C -K -L -M -U -X -D -V -W -x")


def _unzip(call: Call) -> Touch:
    """unzip: an archive, then the members, after -x those to leave out."""
    unless_set(call, "UNZIP", "UNZIPOPT", "ZIPINFO", "ZIPINFOOPT")
    line = _UNZIP.read(call.words[1:])
    if not line.operands:
        raise Unknown
    archive = line.operands[0]
    names = [archive] if archive.lower().endswith(".zip") else [
        archive, f"{archive}.zip", f"{archive}.ZIP"
    ]  # fmt: skip
    quiet = line.has("-p", "-c", "-l", "-t", "-v", "-z")
    # busybox makes the directory of -d even where it only prints.
    folder = line.value("-d") or "."
    quiet = quiet and not line.has("-d")
    return Touch(
        reads=places(call, names),
        writes=() if quiet else places(call, [folder]),
        variables=("UNZIP", "UNZIPOPT", "ZIPINFO", "ZIPINFOOPT"),
        repeatable=not line.has("-f", "-u"),
    )


# zip(1) 3.0: the common options that name no file and run no program.
_ZIP = Syntax("-r -q -v -y -j -X -D -u -f -m -o -0 -1 -2 -3 -4 -5 -6 -7 -8 -9 -g -A -J -l -ll -S"
              " -x= -i= -n= --recurse-paths --quiet --symlinks")  # fmt: skip


def _zip(call: Call) -> Touch:
    """zip: the archive holds times of files."""
    unless_set(call, "ZIPOPT", "ZIP")
    line = _ZIP.read(call.words[1:])
    if not line.operands or line.has("-x", "-i"):
        raise Unknown
    archive = line.operands[0]
    names = [archive, f"{archive}.zip"]
    members = places(call, line.operands[1:])
    moved = members if line.has("-m") else ()
    return Touch((*places(call, names), *members), (*places(call, names), *moved),
                 variables=("ZIPOPT", "ZIP"))  # fmt: skip


_GZIP = Syntax(
    "-a|--ascii -c|--stdout|--to-stdout -d|--decompress|--uncompress -f|--force -h|--help -k|--keep"
    " -l|--list -L|--license -n|--no-name -N|--name -q|--quiet -r|--recursive --rsyncable"
    " -S|--suffix= --synchronous -t|--test -v|--verbose -V|--version -# -1|--fast -9|--best -2 -3"
    " -4 -5 -6 -7 -8 -0"
)
_XZ = Syntax(
    "-z|--compress -d|--decompress|--uncompress -t|--test -l|--list -k|--keep -f|--force"
    " -c|--stdout|--to-stdout -0 -1 -2 -3 -4 -5 -6 -7 -8 -9 -e|--extreme -T|--threads= -q|--quiet"
    " -v|--verbose -h|--help -H|--long-help -V|--version -F|--format= -C|--check= -M|--memlimit="
    " --fast --best -Q|--no-warn --no-sparse --single-stream --ignore-check -#"
)
_BZIP2 = Syntax(
    "-h|--help -d|--decompress -z|--compress -k|--keep -f|--force -t|--test -c|--stdout -q|--quiet"
    " -v|--verbose -L|--license -V|--version -s|--small -1|--fast -9|--best -2 -3 -4 -5 -6 -7 -8"
)
_ZSTD = Syntax(
    "-d|--decompress|--uncompress -z|--compress -f|--force -k|--keep -c|--stdout -q|--quiet"
    " -v|--verbose -t|--test -l|--list -T|--threads= --rm -# --ultra --long[=] -o= -V|--version"
    " -h|--help --no-progress --fast[=] --check --no-check"
)
# Suffixes: gzip(1), xz(1), bzip2(1), zstd(1).
_SUFFIXES: Mapping[str, tuple[Syntax, str, Mapping[str, str]]] = {
    "gzip": (_GZIP, ".gz", {".gz": "", ".tgz": ".tar", ".taz": ".tar", ".Z": "", ".z": "",
                            "-gz": "", "-z": "", "_z": ""}),
    "xz": (_XZ, ".xz", {".xz": "", ".txz": ".tar", ".lzma": "", ".tlz": ".tar"}),
    "lzma": (_XZ, ".lzma", {".xz": "", ".txz": ".tar", ".lzma": "", ".tlz": ".tar"}),
    "bzip2": (_BZIP2, ".bz2", {".bz2": "", ".bz": "", ".tbz2": ".tar", ".tbz": ".tar"}),
    "zstd": (_ZSTD, ".zst", {".zst": "", ".tzst": ".tar"}),
}  # fmt: skip
_OPENERS: Mapping[str, tuple[str, bool]] = {
    "gunzip": ("gzip", False), "zcat": ("gzip", True), "unxz": ("xz", False),
    "xzcat": ("xz", True), "unlzma": ("lzma", False), "bunzip2": ("bzip2", False),
    "bzcat": ("bzip2", True), "unzstd": ("zstd", False), "zstdcat": ("zstd", True),
}  # fmt: skip


def _compressed(call: Call) -> Touch:
    """gzip, xz, bzip2, zstd: a file is replaced by one with another suffix; gzip and zip keep
    the file's time."""
    unless_set(call, "GZIP", "XZ_OPT", "XZ_DEFAULTS", "BZIP", "BZIP2", "ZSTD_CLEVEL")
    opener, prints = _OPENERS.get(call.program, (call.program, False))
    syntax, suffix, endings = _SUFFIXES[opener]
    line = syntax.read(call.words[1:])
    opens = call.program in _OPENERS or line.has("-d")
    if line.has("-S", "-o") or (line.has("-N") and opens):
        raise Unknown
    read = places(call, line.operands)
    if opens:
        read += places(call, (f"{word}{end}" for word in line.operands for end in endings))
    if prints or line.has("-c", "-t", "-l", "-V", "-h", "-L"):
        written: tuple[str, ...] = ()
    elif line.has("-r"):
        written = tuple(dirname(path) for path in read)
    else:
        written = (*read, *_others(places(call, line.operands), opens, suffix, endings))
    timed = opener == "gzip" and not opens and not line.has("-n") and bool(written)
    return Touch(
        read,
        written,
        variables=("GZIP", "XZ_*", "BZIP*", "ZSTD_*"),
        repeatable=not timed and not line.has("-l"),
    )


def _others(
    paths: tuple[str, ...], opens: bool, suffix: str, endings: Mapping[str, str]
) -> tuple[str, ...]:
    """Returns the names that take the place of ``paths``, as far as they can be told."""
    if not opens:
        return tuple(f"{path}{suffix}" for path in paths)
    found: list[str] = []
    for path in paths:
        names = [path[: -len(end)] + new for end, new in endings.items() if path.endswith(end)]
        found += names or [join(dirname(path), "")]
    return tuple(name.rstrip("/") or "/" for name in found)


ROWS: Mapping[str, Callable[[Call], Touch]] = {
    "tar": _tar,
    "unzip": _unzip,
    "zip": _zip,
    **dict.fromkeys((*_SUFFIXES, *_OPENERS), _compressed),
}
