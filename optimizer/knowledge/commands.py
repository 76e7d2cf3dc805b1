"""The ordinary commands of RUN steps: which paths they may read and write.

One row per program, with its source. A command that is not in the table, or
that has a flag which is not known, has no answer: it may do anything.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from optimizer.knowledge.installs import Call, Touch
from optimizer.knowledge.manifests import resolve

# Where packages of a distribution put files (Filesystem Hierarchy Standard 3.0; Debian policy
# 9.1.1). /home, /root and /srv belong to the site, /opt to add-on software, which keeps to
# directories of its vendor's name (FHS 3.13), and below /usr/src packages keep to directories of
# their own names.
SYSTEM = (
    "/bin", "/boot", "/etc", "/lib", "/lib32", "/lib64", "/run", "/sbin",
    "/usr/bin", "/usr/games", "/usr/include", "/usr/lib", "/usr/lib32", "/usr/lib64",
    "/usr/libexec", "/usr/local", "/usr/sbin", "/usr/share", "/var",
)  # fmt: skip
# useradd(8), groupadd(8), FILES.
_ACCOUNTS = tuple(
    f"/etc/{name}{suffix}"
    for name in ("passwd", "group", "shadow", "gshadow", "subuid", "subgid")
    for suffix in ("", "-")
)


def touch(call: Call) -> Touch | None:
    """Returns the paths that ``call`` may read and write; None for a command not known."""
    row = _ROWS.get(call.program)
    if row is None:
        return None
    try:
        return row(call)
    except _Unknown:
        return None


class _Unknown(Exception):
    pass


@dataclass(frozen=True, slots=True)
class _Line:
    """A command line: ``operands`` without flags, ``values`` of the flags that take one."""

    operands: tuple[str, ...]
    flags: frozenset[str]
    values: Mapping[str, tuple[str, ...]]

    def value(self, *names: str) -> str | None:
        return next((self.values[name][-1] for name in names if name in self.values), None)


def _read(call: Call, valued: str = "", flags: str | None = None) -> _Line:
    """Splits the words of ``call``; ``valued`` and ``flags`` name the flags that are known.

    Without ``flags`` any flag that takes no value is, which holds for the file
    utilities: their flags say how, not where. Raises `_Unknown`.
    """
    takes_value = set(valued.split())
    known = None if flags is None else set(flags.split())
    operands: list[str] = []
    found: set[str] = set()
    values: dict[str, tuple[str, ...]] = {}
    queue = list(reversed(call.words[1:]))
    while queue:
        word = queue.pop()
        if word == "--":
            operands.extend(reversed(queue))
            break
        if not word.startswith("-") or word == "-":
            operands.append(word)
            continue
        name, equals, value = word.partition("=")
        if not word.startswith("--") and len(word) > 2:
            name, equals, value = word[:2], "=" if word[:2] in takes_value else "", word[2:]
            if not equals:
                queue.append("-" + value)
        if name in takes_value:
            if not equals:
                if not queue:
                    raise _Unknown
                value = queue.pop()
            values[name] = (*values.get(name, ()), value)
        elif equals or (known is not None and name not in known):
            raise _Unknown
        else:
            found.add(name)
    return _Line(tuple(operands), frozenset(found), values)


def _place(call: Call, word: str) -> str:
    """Returns the absolute path, or for a pattern the directory that all its matches lie in."""
    if word.startswith("~"):
        home = call.env.get("HOME")
        if home is None or not (word == "~" or word.startswith("~/")):
            raise _Unknown
        word = home + word[1:]
    path = resolve(call.directory, word)
    if re.search(r"[*?\[]", path):
        path = posixpath.dirname(re.split(r"[*?\[]", path)[0] + "x")
    return path


def _places(call: Call, words: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_place(call, word) for word in words if word != "-"))


def _home(call: Call, *names: str) -> tuple[str, ...]:
    home = call.env.get("HOME", "/root")
    return tuple(f"{home.rstrip('/')}/{name}" for name in names)


def _nothing(call: Call) -> Touch:
    return Touch()


def _operands_are_read(call: Call) -> Touch:
    return Touch(reads=_places(call, _read(call).operands))


def _tested(call: Call) -> Touch:
    """test(1): every word that is no operator may be the name of a file."""
    words = (w for w in call.words[1:] if not re.fullmatch(r"-\w+|[][=!()<>]+|\d+|", w))
    return Touch(reads=_places(call, words))


def _listed(call: Call) -> Touch:
    operands = _read(call, "-I -T -w --color --format --sort --time").operands
    return Touch(reads=_places(call, operands or (".",)))


def _operands_are_written(valued: str) -> Callable[[Call], Touch]:
    def row(call: Call) -> Touch:
        line = _read(call, valued)
        written = _places(call, line.operands)
        reference = [v for name in ("-r", "--reference") for v in line.values.get(name, ())]
        return Touch(reads=_places(call, reference), writes=written)

    return row


def _attributes(call: Call) -> Touch:
    """chmod(1), chown(1), chgrp(1): the first operand is the mode or owner."""
    line = _read(call, "--reference --from")
    reference = line.values.get("--reference", ())
    changed = _places(call, line.operands if reference else line.operands[1:])
    return Touch(
        reads=(*changed, *_places(call, reference), "/etc/passwd", "/etc/group"), writes=changed
    )


def _copied(call: Call) -> Touch:
    """cp(1), mv(1), install(1), ln(1): the last operand, or -t, is where the others go."""
    valued = "-t --target-directory -S --suffix -m --mode -o --owner -g --group --preserve --backup"
    no_preserve = " --no-preserve --reflink --sparse --strip-program -Z --context"
    line = _read(call, valued + no_preserve)
    target = line.value("-t", "--target-directory")
    if call.program == "install" and line.flags & {"-d", "--directory"}:
        return Touch(writes=_places(call, line.operands))
    sources = list(line.operands)
    if target is None:
        target = sources.pop() if len(sources) > 1 else "."
    goal = _place(call, target)
    if call.program == "ln" and line.flags & {"-s", "--symbolic"}:
        read: tuple[str, ...] = ()
    else:
        read = _places(call, sources)
    moved = read if call.program == "mv" else ()
    if len(line.operands) == 1 and call.program == "ln":
        goal = resolve(goal, posixpath.basename(sources[0]))
    return Touch(reads=(*read, goal), writes=(goal, *moved))


def _packages(verbs: str, valued: str, ending: str) -> Callable[[Call], Touch]:
    def row(call: Call) -> Touch:
        line = _read(call, valued)
        if not line.operands or line.operands[0] not in verbs.split():
            raise _Unknown
        local = [w for w in line.operands[1:] if w.endswith(ending) or w.startswith((".", "/"))]
        read = [w for w in local if not re.match(r"\w+://", w)]
        return Touch(reads=(*SYSTEM, *_places(call, read)), writes=SYSTEM)

    return row


def _download(call: Call) -> Touch:
    """curl(1): -o and -O write; ~/.curlrc and ~/.netrc are read; @FILE would read others."""
    line = _read(
        call,
        "-o --output --output-dir -H --header -A --user-agent -e --referer -m --max-time -u --user"
        " --connect-timeout --retry --retry-delay --retry-max-time --proto --proto-default -X"
        " --request --tlsv1 --ciphers -x --proxy --noproxy -w --write-out --url -r --range"
        " --max-redirs --speed-time --speed-limit -d --data --data-raw",
        "-f --fail -s --silent -S --show-error -L --location -O --remote-name -k --insecure -g"
        " --create-dirs --compressed -# --progress-bar --no-progress-meter -v --verbose --tlsv1.2"
        " --tlsv1.3 -1 -4 -6 --retry-connrefused --retry-all-errors --fail-with-body -R"
        " --remote-time --http1.1 --http2 -J --remote-header-name -i --include -I --head -N"
        " --no-buffer -q --location-trusted --remote-name-all -Z --parallel --globoff",
    )
    if any(v.startswith("@") for values in line.values.values() for v in values):
        raise _Unknown
    written = [v for name in ("-o", "--output") for v in line.values.get(name, ())]
    folder = line.value("--output-dir")
    if folder is not None or line.flags & {"-O", "--remote-name", "--remote-name-all", "-J"}:
        written.append(folder or ".")
    return Touch(
        reads=(*_home(call, ".curlrc", ".netrc", ".config/curlrc"), "/etc/ssl", "/etc/hosts"),
        writes=_places(call, written),
    )


def _wget(call: Call) -> Touch:
    """wget(1): -O or the name in the URL, below -P; /etc/wgetrc and ~/.wgetrc are read."""
    line = _read(
        call,
        "-O --output-document -P --directory-prefix -t --tries -T --timeout --header -U"
        " --user-agent --user --password --progress -e --execute -Y --waitretry --read-timeout"
        " --connect-timeout --dns-timeout --retry-on-http-error --secure-protocol",
        "-q --quiet -v -nv --no-verbose -c --continue --no-check-certificate -S --show-progress"
        " --no-cache -4 -6 --inet4-only --https-only --retry-connrefused -N --timestamping -n"
        " --content-disposition --trust-server-names --no-hsts --no-cookies --no-clobber",
    )
    written = line.value("-O", "--output-document")
    folder = line.value("-P", "--directory-prefix") or "."
    return Touch(
        reads=(*_home(call, ".wgetrc", ".netrc", ".wget-hsts"), "/etc/wgetrc", "/etc/ssl"),
        writes=(*_places(call, [folder if written is None else written]),
                *_home(call, ".wget-hsts")),
    )  # fmt: skip


def _account(call: Call) -> Touch:
    """useradd(8), adduser(8), usermod(8), busybox adduser: accounts, and the home directory."""
    line = _read(
        call,
        "-u --uid -g --gid -G --groups -s --shell -d --home-dir --home -c --comment -h -k --skel"
        " -b --base-dir -p --password -K --key -e --expiredate -f --inactive --ingroup --gecos"
        " -l --login -a --append" if call.program != "usermod" else
        "-u --uid -g --gid -G --groups -s --shell -d --home -c --comment -p --password -l --login"
        " -e --expiredate -f --inactive",
    )  # fmt: skip
    name = line.operands[0] if line.operands else ""
    home = line.value("-d", "--home-dir", "--home", "-h") or f"/home/{name}"
    return Touch(
        reads=(*_ACCOUNTS, "/etc/skel", "/etc/login.defs", "/etc/adduser.conf", "/etc/default"),
        writes=(*_ACCOUNTS, *_places(call, [home]), f"/var/mail/{name}", f"/var/spool/mail/{name}",
                "/var/log"),
    )  # fmt: skip


def _group(call: Call) -> Touch:
    return Touch(reads=(*_ACCOUNTS, "/etc/login.defs"), writes=_ACCOUNTS)


def _loader_cache(call: Call) -> Touch:
    libraries = ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib")
    return Touch(
        reads=(*libraries, "/etc/ld.so.conf", "/etc/ld.so.conf.d"),
        writes=(*libraries, "/etc/ld.so.cache", "/var/cache/ldconfig"),
    )


def _certificates(call: Call) -> Touch:
    stores = ("/usr/local/share/ca-certificates", "/usr/share/ca-certificates", "/etc/ssl/certs")
    return Touch(reads=(*stores, "/etc/ca-certificates.conf", "/etc/ca-certificates"),
                 writes=("/etc/ssl/certs",))  # fmt: skip


def _git(call: Call) -> Touch:
    """git-config(1), git-clone(1); both read the user's and the system's settings."""
    settings = (*_home(call, ".gitconfig", ".config/git/config"), "/etc/gitconfig")
    words = call.words[1:]
    if words[:1] == ("config",) and any(w in ("--global", "--system") for w in words):
        return Touch(reads=settings, writes=settings)
    if words[:1] != ("clone",):
        raise _Unknown
    line = _read(
        Call(("git", *words[1:]), call.directory, call.env),
        "-b --branch --depth -o --origin -j --jobs --filter --shallow-since -c --config",
        "--single-branch --no-single-branch --recursive --recurse-submodules --shallow-submodules"
        " -q --quiet -v --verbose --no-tags --progress -n --no-checkout --bare --mirror",
    )
    if not line.operands or len(line.operands) > 2:
        raise _Unknown
    address = line.operands[0].rstrip("/")
    name = re.sub(r"\.git$", "", re.split(r"[/:]", address)[-1])
    goal = _place(call, line.operands[1] if len(line.operands) == 2 else name)
    local = () if re.match(r"\w+://|[^/]+:", address) else _places(call, [address])
    credentials = _home(call, ".ssh", ".netrc", ".git-credentials")
    return Touch(reads=(*settings, *credentials, *local, goal), writes=(goal,))


_APT = "update install upgrade dist-upgrade full-upgrade remove purge autoremove clean autoclean"
_DNF = "install update upgrade remove erase clean makecache autoremove reinstall groupinstall"

_ROWS: Mapping[str, Callable[[Call], Touch]] = {
    # POSIX.1-2024, special built-ins and utilities that change the shell or print.
    **dict.fromkeys(
        (":", "true", "false", "echo", "printf", "pwd", "sleep", "cd", "set", "unset", "export",
         "readonly", "umask", "ulimit", "exit", "whoami", "id", "uname", "date", "hostname"),
        _nothing,
    ),
    "test": _tested,
    "[": _tested,  # test(1)
    "ls": _listed,  # ls(1)
    "cat": _operands_are_read,  # cat(1)
    "mkdir": _operands_are_written("-m --mode -Z --context"),  # mkdir(1)
    "rm": _operands_are_written(""),  # rm(1)
    "rmdir": _operands_are_written(""),  # rmdir(1)
    "touch": _operands_are_written("-d --date -r --reference -t --time"),  # touch(1)
    "chmod": _attributes,  # chmod(1)
    "chown": _attributes,  # chown(1)
    "chgrp": _attributes,  # chgrp(1)
    "cp": _copied,  # cp(1)
    "mv": _copied,  # mv(1)
    "ln": _copied,  # ln(1)
    "install": _copied,  # install(1)
    # apt-get(8), apt(8): names of files end in .deb or have a slash.
    "apt-get": _packages(_APT, "-o --option -t --target-release -c --config-file", ".deb"),
    "apt": _packages(_APT, "-o --option -t --target-release -c --config-file", ".deb"),
    # apk(8)
    "apk": _packages(
        "add del update upgrade fix cache",
        "-t --virtual -X --repository --arch --progress-fd --wait --cache-max-age", ".apk",
    ),
    # dnf(8), yum(8), microdnf(8)
    **dict.fromkeys(
        ("dnf", "yum", "microdnf", "tdnf"),
        _packages(_DNF, "--setopt --enablerepo --disablerepo --repo --repoid -x --exclude"
                  " --releasever", ".rpm"),
    ),
    "curl": _download,
    "wget": _wget,
    **dict.fromkeys(("useradd", "adduser", "usermod"), _account),
    **dict.fromkeys(("groupadd", "addgroup", "groupmod"), _group),  # groupadd(8)
    "ldconfig": _loader_cache,  # ldconfig(8)
    "update-ca-certificates": _certificates,  # update-ca-certificates(8)
    "git": _git,
}  # fmt: skip
