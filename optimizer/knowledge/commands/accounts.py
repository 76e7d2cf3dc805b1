"""Users and groups, in the dialect of shadow, that of Debian's adduser, and that of busybox.

Sources: the manuals of shadow 4.13, adduser 3.134 (Debian), ``busybox adduser --help`` and its
kin. The two dialects share names, so a row knows the options of both.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from optimizer.knowledge.commands.line import Line, Syntax, Unknown, places
from optimizer.knowledge.installs import HOLE, Call, Touch

_FILES = tuple(
    f"/etc/{name}{suffix}"
    for name in ("passwd", "group", "shadow", "gshadow", "subuid", "subgid")
    for suffix in ("", "-", ".lock", "+")
)
_RULES = ("/etc/login.defs", "/etc/default", "/etc/adduser.conf", "/etc/deluser.conf",
          "/etc/nsswitch.conf", "/etc/pam.d", "/etc/security", "/etc/skel", "/etc/shells",
          "/etc/adduser.conf.d", "/usr/etc", "/etc/pam.conf", "/etc/adduser-pool.d")  # fmt: skip
# /run/adduser: the lock of Debian's adduser and deluser (AdduserCommon.pm, acquire_lock).
_LOGS = ("/var/log", "/var/lib/sss", "/var/cache/nscd", "/run/adduser")
_VARIABLES = ("SOURCE_DATE_EPOCH", "PERL*", "DEBUG", "ADDUSER_*")

_USER = Syntax(
    "-u|--uid= -g|--gid= -G|--groups= -s|--shell= -d|--home-dir|--home= -c|--comment|--gecos= -h="
    " -k|--skel= -b|--base-dir= -p|--password= -K|--key= -e|--expiredate= -f|--inactive= --ingroup="
    " --firstuid= --lastuid= --conf= --firstgid= --lastgid= -m|--create-home -M|--no-create-home -r"
    "|--system -S -D -H -N|--no-user-group -U|--user-group -o|--non-unique -l|--no-log-init -q"
    "|--quiet --disabled-password --disabled-login --group --force-badname --allow-badname"
    " --allow-bad-names --badname --allow-all-names --add_extra_groups --add-extra-groups --debug"
    " --verbose --stdoutmsglevel= --comment-gecos= --no-add-extra-groups --selinux-user|-Z="
)


def _user_added(call: Call) -> Touch:
    """useradd(8), adduser(8): the accounts, the home from the skeleton, the mail spool.

    /etc/shadow holds the day of the last change, so this does not repeat.
    """
    line = _USER.read(call.words[1:])
    changes_defaults = call.program == "useradd" and line.has("-D")
    if not line.operands or line.has("-K", "--conf") or changes_defaults:
        raise Unknown
    name = line.operands[0]
    homes = _homes(call, line, name)
    skeletons = places(call, line.values("-k"))
    mail = (f"/var/mail/{name}", f"/var/spool/mail/{name}") if HOLE not in name else (
        "/var/mail", "/var/spool/mail"
    )  # fmt: skip
    return Touch((*_FILES, *_RULES, *skeletons), (*_FILES, *homes, *mail, *_LOGS), _VARIABLES)


def _homes(call: Call, line: Line, name: str) -> tuple[str, ...]:
    """Returns the homes that may be made; adding a user to a group makes none."""
    if call.program == "adduser" and len(line.operands) > 1:
        return ()
    named = [value for option in ("-d", "-h") for value in line.values(option)]
    if call.program == "useradd" and line.has("-M"):
        return ()
    if named:
        return places(call, named)
    if "/" in name or name in (".", "..") or name.startswith(HOLE):
        raise Unknown
    bases = line.values("-b") or ("/home",)
    return places(call, (f"{base}/{name}" for base in bases))


_USERMOD = Syntax(
    "-u|--uid= -g|--gid= -G|--groups= -s|--shell= -c|--comment= -p|--password= -l|--login= -a"
    "|--append -e|--expiredate= -f|--inactive= -L|--lock -U|--unlock -o|--non-unique -r|--remove"
    " -d|--home= -v|--add-subuids= -w|--add-subgids= -V|--del-subuids= -W|--del-subgids="
    " -m|--move-home"
)


# Homes of users that a fresh system or image has: base-passwd's passwd.master (Debian), the
# Dockerfiles of the official images node, ubuntu and gradle, and of circleci's.
_KNOWN_HOMES: Mapping[str, str] = {
    "root": "/root", "www-data": "/var/www", "nobody": "/nonexistent", "games": "/usr/games",
    "backup": "/var/backups", "node": "/home/node", "ubuntu": "/home/ubuntu",
    "gradle": "/home/gradle", "circleci": "/home/circleci",
}  # fmt: skip


def _known_home(line: Line) -> str:
    """Returns the home of the user that the last operand names. Raises `Unknown`."""
    if not line.operands or line.operands[-1] not in _KNOWN_HOMES:
        raise Unknown
    return _KNOWN_HOMES[line.operands[-1]]


def _user_changed(call: Call) -> Touch:
    """usermod(8): files in the home get a new uid or group, and -m moves the home."""
    line = _USERMOD.read(call.words[1:])
    if line.has("-m"):
        raise Unknown
    homes: tuple[str, ...] = ()
    if line.has("-u", "-g"):
        homes = (_known_home(line), *places(call, line.values("-d")))
    mail = ("/var/mail", "/var/spool/mail") if line.has("-l", "-u") else ()
    dated = line.has("-p", "-e", "-f", "-L", "-U")
    return Touch((*_FILES, *_RULES, *homes), (*_FILES, *homes, *mail, *_LOGS), _VARIABLES,
                 repeatable=not dated and not line.has("-l", "-u"))  # fmt: skip


_GROUP = Syntax(
    "-g|--gid= -n|--new-name= -r|--system -S -f|--force -o|--non-unique -p|--password= -K|--key="
    " -q|--quiet --force-badname --allow-badname --allow-bad-names -U|--users= -a|--append"
    " --only-if-empty --group --firstgid= --lastgid= --debug --verbose -d|--delete= -M|--members="
    " -A|--administrators= -R|--restrict"
)


def _group_changed(call: Call) -> Touch:
    """groupadd(8) and its kin, gpasswd(1); ``addgroup USER GROUP`` adds a user to a group.

    adduser(8) as addgroup writes a log; shadow writes to syslog alone.
    """
    if call.program == "gpasswd":
        words = list(call.words[1:])
        if len(words) < 3 or words[0] not in ("-a", "--add", "-d", "--delete", "-M", "-A"):
            raise Unknown
        return Touch((*_FILES, *_RULES), (*_FILES, *_LOGS), _VARIABLES, repeatable=True)
    line = _GROUP.read(call.words[1:])
    if line.has("-K", "-p"):
        raise Unknown
    plain = call.program in ("groupadd", "groupmod", "groupdel")
    return Touch((*_FILES, *_RULES), (*_FILES, *_LOGS), _VARIABLES, repeatable=plain)


_DELETE = Syntax("-f|--force -q|--quiet --system --only-if-empty --group -r|--remove"
                 " --remove-home --backup --remove-all-files -Z")  # fmt: skip


def _user_deleted(call: Call) -> Touch:
    """userdel(8), deluser(8): with -r the home, which passwd names, goes too."""
    line = _DELETE.read(call.words[1:])
    if line.has("--backup", "--remove-all-files") or not line.operands:
        raise Unknown
    removed: tuple[str, ...] = ()
    if line.has("-r", "--remove-home"):
        home = _known_home(line)
        name = line.operands[-1]
        removed = (home, f"/var/mail/{name}", f"/var/spool/mail/{name}")
    written = (*_FILES, *removed, "/var/spool/cron", *_LOGS)
    return Touch((*_FILES, *_RULES, *removed), written, _VARIABLES)


def _password(call: Call) -> Touch:
    """chpasswd(8), passwd(1), chsh(1): a new salt and the day of the change."""
    known = Syntax("-e|--encrypted -m|--md5 -c|--crypt-method= -s|--sha-rounds|--shell= -d|--delete"
                   " -l|--lock -u|--unlock -x|--maxdays= -n|--mindays= -q|--quiet --stdin -f"
                   " -a=")  # fmt: skip
    known.read(call.words[1:])
    return Touch((*_FILES, *_RULES), (*_FILES, *_LOGS, "/etc/.pwd.lock"), _VARIABLES,
                 repeatable=call.program == "chsh")  # fmt: skip


ROWS: Mapping[str, Callable[[Call], Touch]] = {
    "useradd": _user_added,
    "adduser": _user_added,
    "usermod": _user_changed,
    "userdel": _user_deleted,
    "deluser": _user_deleted,
    **dict.fromkeys(
        ("groupadd", "addgroup", "groupmod", "groupdel", "delgroup", "gpasswd"), _group_changed
    ),
    "chpasswd": _password,
    "passwd": _password,
    "chsh": _password,
}
