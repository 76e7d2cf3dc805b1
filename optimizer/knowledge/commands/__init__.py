"""The commands of RUN steps: which paths they may read and write, and what else decides.

One row per program, with its source, in the module of its subject. A command that is not in a
table, or that has an option which is not known, has no answer: it may do anything. The rows
hold for the GNU tools and for those of busybox, where both exist.

Three things are taken for granted: a program is the one that its name says; the directories
above a path that is written are made on the way where they are missing, and are not listed; and
no path leads through a symbolic link to somewhere else.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from optimizer.knowledge.commands.line import Unknown
from optimizer.knowledge.commands.places import SYSTEM
from optimizer.knowledge.installs import Call, Touch

__all__ = ["SYSTEM", "touch"]

_SUBJECTS: Mapping[str, str] = {
    "shell": ": true false echo printf pwd cd set unset export readonly local declare typeset"
             " umask ulimit exit return shift break continue read wait getopts let hash shopt"
             " sleep seq yes expr basename dirname sync tty alias uname arch hostname nproc"
             " times getconf whoami id groups logname date test [ [[ which command type env"
             " printenv . source trap exec locale lsb_release",
    "files": "cp mv rm unlink shred rmdir mkdir mkfifo ln link install chmod chown chgrp touch"
             " cat tee ls stat du df readlink realpath mktemp truncate split dd dos2unix"
             " unix2dos file",
    "text": "head tail wc cut tac rev nl paste fold od comm join column expand unexpand fmt"
             " strings base64 base32 tr sort shuf uniq cmp diff cksum md5sum sha1sum sha224sum"
             " sha256sum sha384sum sha512sum b2sum grep egrep fgrep sed awk gawk mawk jq",
    "archives": "tar unzip zip gzip xz lzma bzip2 zstd gunzip zcat unxz xzcat unlzma bunzip2"
             " bzcat unzstd zstdcat",
    "search": "find xargs",
    "distributions": "apt-get apt apt-cache apt-config apt-mark apt-key add-apt-repository"
             " apt-add-repository dpkg dpkg-query dpkg-architecture dpkg-buildflags dpkg-divert"
             " dpkg-reconfigure debconf-set-selections apk dnf dnf5 yum microdnf tdnf"
             " yum-config-manager zypper rpm",
    "fetchers": "curl wget aria2c git gpg gpgconf",
    "accounts": "useradd adduser usermod userdel deluser groupadd addgroup groupmod groupdel"
             " delgroup gpasswd chpasswd passwd chsh",
    "system": "ldconfig update-ca-certificates update-ca-trust update-alternatives alternatives"
             " locale-gen localedef update-locale a2enmod a2dismod a2ensite a2dissite a2enconf"
             " a2disconf phpenmod phpdismod setcap getcap strip ldd scanelf nm objdump readelf"
             " fc-cache gosu su-exec",
    "php": "docker-php-source docker-php-ext-install docker-php-ext-configure"
             " docker-php-ext-enable pecl pear",
    "javascript": "yarn yarnpkg pnpm bun",
    "languages": "python python3 pipx uv poetry go cargo rustc rustup rustup-init gem bundle"
             " bundler mix ruby perl php java javac mvn dotnet composer cmake node",
}  # fmt: skip
"""The modules of this package, and the programs that each of them knows; a module is loaded
when one of its programs is met."""
_MODULES = {program: name for name, programs in _SUBJECTS.items() for program in programs.split()}


def subject(program: str) -> str | None:
    """Returns the name of the module that knows ``program``: ``files``, ``accounts``; None for
    one that is in no table."""
    return _MODULES.get(program)


def touch(call: Call) -> Touch | None:
    """Returns what ``call`` may read and write; None for a command that is not known.

    Its directory, its HOME and its words but for the first may hold `HOLE`, each within one word.
    The answer then holds whatever stands there; a path in it may hold `HOLE` too, and is known
    up to the directory that this part lies in.
    """
    name = _MODULES.get(call.program) if call.words else None
    if name is None:
        return None
    module: Any = import_module(f"{__name__}.{name}")
    try:
        found: Touch = module.ROWS[call.program](call)
    except Unknown:
        return None
    return found
