"""Tools that set up the system: libraries, certificates, alternatives, locales, web servers."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace

from optimizer.knowledge.commands.line import Syntax, Unknown, homes, places, together
from optimizer.knowledge.commands.places import ACCOUNTS, LIBRARIES
from optimizer.knowledge.commands.search import run
from optimizer.knowledge.installs import Call, Touch
from optimizer.knowledge.variables import PERL


def _loader_cache(call: Call) -> Touch:
    """ldconfig(8): links beside the libraries, the cache, and a second one that holds times."""
    line = Syntax("-v|--verbose -n -N -X -p -l -i|--ignore-aux-cache").read(call.words[1:])
    named = places(call, line.operands)
    written = named if line.has("-n") else (
        *LIBRARIES, *named, "/etc/ld.so.cache", "/var/cache/ldconfig"
    )  # fmt: skip
    read = (*LIBRARIES, *named, "/etc/ld.so.conf", "/etc/ld.so.conf.d", "/etc/ld.so.cache")
    return Touch(read, () if line.has("-p") else written)


def _certificates(call: Call) -> Touch:
    """update-ca-certificates(8): the bundle, the links to it, and the hooks of packages, of which
    ca-certificates-java and p11-kit write stores of their own."""
    Syntax("-f|--fresh -v|--verbose -h|--help").read(call.words[1:])
    stores = ("/usr/local/share/ca-certificates", "/usr/share/ca-certificates", "/etc/ssl",
              "/etc/ca-certificates.conf", "/etc/ca-certificates", "/etc/default/cacerts",
              "/etc/pki/trust", "/usr/share/pki/trust", "/var/lib/ca-certificates")  # fmt: skip
    written = ("/etc/ssl", "/etc/ca-certificates", "/var/lib/ca-certificates", "/etc/pki",
               "/tmp/hsperfdata_root")  # fmt: skip
    return Touch(stores, written, ("JAVA_*", "TMPDIR", "OPENSSL_*"))


def _trust(call: Call) -> Touch:
    """update-ca-trust(8): extracts the bundles below /etc/pki."""
    if call.words[1:] not in ((), ("extract",), ("enable",), ("force-enable",)):
        raise Unknown
    stores = ("/etc/pki", "/usr/share/pki", "/etc/ssl")
    return Touch(stores, stores)


_ALTERNATIVES = Syntax(
    "--install --slave --set --set-all --auto --remove --remove-all|--all --config --display --list"
    " --query --force --quiet --verbose --skip-auto --log= --family= --initscript= --follower"
    " --get-selections --keep-missing"
)


def _alternatives(call: Call) -> Touch:
    """update-alternatives(1), alternatives(8): the links, their targets, the log with times."""
    line = _ALTERNATIVES.read(call.words[1:])
    kept = ("/etc/alternatives", "/var/lib/dpkg/alternatives", "/var/lib/alternatives")
    if line.has("--display", "--list", "--query", "--get-selections") or not line.options:
        return Touch(kept, repeatable=True)
    if line.has("--config", "--set-all", "--all", "--log"):
        raise Unknown
    named = places(call, (w for w in line.operands if "/" in w))
    # The links of a group that exists already are named in its own records.
    links = () if line.has("--install") else ("/usr/bin", "/usr/local/bin", "/usr/sbin", "/etc",
                                             "/usr/share", "/usr/lib", "/bin", "/sbin")  # fmt: skip
    written = (*kept, *named, *links, "/var/log/alternatives.log")
    return Touch((*kept, *named), written, ("DPKG_*",))


_LOCALES = ("/usr/lib/locale", "/usr/share/locale", "/usr/share/i18n", "/etc/locale.gen",
            "/etc/locale.alias", "/usr/local/share/i18n", "/var/lib/locales",
            "/usr/share/locale-langpack")  # fmt: skip


def _locales_made(call: Call) -> Touch:
    """locale-gen(8), Debian's and Ubuntu's; Ubuntu's takes names, and notes them."""
    words = call.words[1:]
    if not all(re.fullmatch(r"[A-Za-z][\w.@-]*|--(?:no-archive|keep-existing|purge|lang)", w)
               for w in words):  # fmt: skip
        raise Unknown
    written = ("/usr/lib/locale", "/var/lib/locales", "/etc/locale.gen")
    return Touch(_LOCALES, written, ("I18NPATH",), repeatable=True)


def _locale_made(call: Call) -> Touch:
    """localedef(1): into the archive of locales, or a directory of its own."""
    line = Syntax(
        "-i|--inputfile= -f|--charmap= -A|--alias-file= -c|--force -v|--verbose --quiet"
        " --no-archive"
        " --replace --posix --delete-from-archive --add-to-archive --list-archive -u="
        " --no-warnings="
        " --warnings= --no-hard-links"
    ).read(call.words[1:])
    given = [*line.values("-i", "-f", "-A"), *line.operands]
    files = places(call, (word for word in given if "/" in word))
    # A name without a slash is that of a file in the directory, too.
    here = places(call, (word for word in line.values("-i", "-f") if "/" not in word))
    return Touch((*_LOCALES, *files, *here), ("/usr/lib/locale", *files), ("I18NPATH",),
                 repeatable=True)  # fmt: skip


def _locale_set(call: Call) -> Touch:
    """update-locale(8): /etc/default/locale, after asking the locales."""
    if any(re.match(r"--locale-file", word) for word in call.words):
        raise Unknown
    kept = ("/etc/default/locale", "/etc/locale.conf")
    return Touch((*_LOCALES, *kept), kept, PERL, repeatable=True)


def _apache(call: Call) -> Touch:
    """a2enmod(8) and its kin: links in /etc/apache2 and records in /var/lib/apache2."""
    if not all(re.fullmatch(r"[\w.*?-]+", word) for word in call.words[1:]):
        raise Unknown
    kept = ("/etc/apache2", "/var/lib/apache2")
    return Touch((*kept, "/usr/share/apache2"), kept, (*PERL, "APACHE_*"), repeatable=True)


def _php_module(call: Call) -> Touch:
    """phpenmod(8): links in /etc/php and records in /var/lib/php."""
    if not all(re.fullmatch(r"[\w./-]+", word) for word in call.words[1:]):
        raise Unknown
    kept = ("/etc/php", "/var/lib/php")
    return Touch((*kept, "/usr/share/php", "/usr/lib/php"), kept, ("PHP*",), repeatable=True)


def _capabilities(call: Call) -> Touch:
    """setcap(8): pairs of capabilities and a file; getcap(8) reads files."""
    words = [word for word in call.words[1:] if not re.fullmatch(r"-[qnvr]+", word)]
    if call.program == "getcap":
        return Touch(places(call, words), repeatable=True)
    if not words or len(words) % 2 or any(word.startswith("-") for word in words[1::2]):
        raise Unknown
    files = places(call, words[1::2])
    return Touch(files, files, repeatable=True)


# strip(1), GNU binutils 2.40
_STRIP = Syntax(
    "-s|--strip-all -S|-g|-d|--strip-debug --strip-unneeded --strip-dwo -R|--remove-section="
    " -K|--keep-symbol= -N|--strip-symbol= -x|--discard-all -X|--discard-locals -p|--preserve-dates"
    " -D|--enable-deterministic-archives -U|--disable-deterministic-archives -w|--wildcard -v"
    "|--verbose -o= -I|--input-target= -O|--output-target= -F|--target= -M|--merge-notes"
    " --only-keep-debug --keep-file-symbols --no-merge-notes"
)


def _stripped(call: Call) -> Touch:
    line = _STRIP.read(call.words[1:])
    files = places(call, line.operands)
    written = places(call, line.values("-o")) if line.has("-o") else files
    return Touch(files, written, repeatable=not line.has("-U"))


def _objects_told(call: Call) -> Touch:
    """ldd(1), scanelf(1), nm(1), objdump(1), readelf(1): files, and the libraries they name.

    ldd lets the loader load them, so the program itself may run.
    """
    if call.program == "scanelf" and any(
        re.match(r"--(?:file|from|fix|setpax|cache|use-ldpath)|-\w*[oXzlC]", word)
        for word in call.words[1:]
    ):
        raise Unknown
    words = [word for word in call.words[1:] if not word.startswith("-")]
    if call.program == "scanelf":
        words = [word for word in words if "/" in word or word == "."]
    files = places(call, words)
    return Touch((*files, *LIBRARIES, "/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d"),
                 repeatable=call.program != "ldd")  # fmt: skip


def _fonts(call: Call) -> Touch:
    """fc-cache(1): caches of fonts, which hold the times of directories."""
    line = Syntax(
        "-f|--force -r|--really-force -s|--system-only -v|--verbose -e|--error-on-no-fonts -V -h"
    ).read(call.words[1:])
    folders = places(call, line.operands)
    caches = (*homes(call, ".cache/fontconfig", ".fontconfig"), "/var/cache/fontconfig",
              "/usr/lib/fontconfig/cache")  # fmt: skip
    fonts = ("/usr/share/fonts", "/usr/local/share/fonts", "/etc/fonts", "/usr/share/fontconfig",
             *homes(call, ".fonts", ".local/share/fonts"))  # fmt: skip
    # Versions before 2.14 write a file .uuid into every directory of fonts.
    return Touch(
        (*folders, *fonts, *caches), (*caches, *folders, *fonts), ("FONTCONFIG_*", "XDG_*", "FC_*")
    )


def _as_user(call: Call) -> Touch:
    """gosu and su-exec: USER, then a command, which runs with the HOME that passwd names."""
    if call.words[1:] in (("--version",), ("--help",)) or len(call.words) == 1:
        return Touch(repeatable=True)
    if call.words[1].startswith("-") or len(call.words) < 3:
        raise Unknown
    env = {name: value for name, value in call.env.items() if name != "HOME"}
    inner = run(replace(call, words=call.words[2:], env=env))
    if any(path.startswith(("/root", "/home")) for path in (*inner.reads, *inner.writes)):
        raise Unknown
    return together(inner, Touch(reads=ACCOUNTS, repeatable=True))


ROWS: Mapping[str, Callable[[Call], Touch]] = {
    "ldconfig": _loader_cache,
    "update-ca-certificates": _certificates,
    "update-ca-trust": _trust,
    "update-alternatives": _alternatives,
    "alternatives": _alternatives,
    "locale-gen": _locales_made,
    "localedef": _locale_made,
    "update-locale": _locale_set,
    **dict.fromkeys(
        ("a2enmod", "a2dismod", "a2ensite", "a2dissite", "a2enconf", "a2disconf"), _apache
    ),
    "phpenmod": _php_module,
    "phpdismod": _php_module,
    "setcap": _capabilities,
    "getcap": _capabilities,
    "strip": _stripped,
    **dict.fromkeys(("ldd", "scanelf", "nm", "objdump", "readelf"), _objects_told),
    "fc-cache": _fonts,
    "gosu": _as_user,
    "su-exec": _as_user,
}
