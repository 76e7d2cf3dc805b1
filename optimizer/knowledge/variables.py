"""Environment variables that programs read whoever they are, and those that name paths.

A row of `optimizer.knowledge.commands` names the variables of its own program only; those of
`ALWAYS_READ` count for every command beside them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from fnmatch import fnmatchcase
from functools import lru_cache

from optimizer.knowledge.installs import Call
from optimizer.knowledge.manifests import resolve

# ld.so(8), ENVIRONMENT; ld-musl(8) reads LD_PRELOAD and LD_LIBRARY_PATH of them. The tunables
# are those of the GNU C Library manual, 39 "Tunables", and mallopt(3).
_LOADER = ("LD_*", "GLIBC_TUNABLES", "MALLOC_*")
# environ(7); locale(7), ENVIRONMENT; tzset(3); gettext(3), LANGUAGE; catopen(3), NLSPATH;
# iconv_open(3), GCONV_PATH; getconf(1), GETCONF_DIR; resolv.conf(5), LOCALDOMAIN, RES_OPTIONS;
# gethostbyname(3), HOSTALIASES; tempnam(3), TMPDIR; POSIX.1-2024, 8.3, COLUMNS, LINES, TERM;
# the GNU coding standards, 4.6, POSIXLY_CORRECT; musl's manual, MUSL_LOCPATH.
_LIBC = (
    "HOME", "PATH", "TMPDIR", "LANG", "LANGUAGE", "LC_*", "LOCPATH", "MUSL_LOCPATH", "NLSPATH",
    "GCONV_PATH", "GETCONF_DIR", "TZ", "TZDIR", "LOCALDOMAIN", "RES_OPTIONS", "HOSTALIASES",
    "RESOLV_*", "POSIXLY_CORRECT", "COLUMNS", "LINES", "TERM", "USER", "LOGNAME", "SHELL",
)  # fmt: skip
# POSIX.1-2024, Shell Command Language, 2.5.3; dash(1), ENVIRONMENT; bash(1), "Shell Variables"
# and "INVOCATION" (BASH_ENV, SHELLOPTS, BASHOPTS), and "FUNCTIONS" (exported as BASH_FUNC_f%%).
_SHELL = (
    "ENV", "IFS", "CDPATH", "PWD", "OLDPWD", "PS4", "OPTIND", "BASH_ENV", "SHELLOPTS", "BASHOPTS",
    "BASH_FUNC_*", "BASH_COMPAT", "BASH_XTRACEFD", "FIGNORE", "GLOBIGNORE", "EXECIGNORE",
    "FUNCNEST", "HISTFILE",
)  # fmt: skip

ALWAYS_READ: frozenset[str] = frozenset((*_LOADER, *_LIBC, *_SHELL))
"""Variables that the dynamic loader, the C library or the shell read for any command; a ``*``
stands for any characters."""

PATHS_IN: frozenset[str] = frozenset(
    {
        # ld.so(8), ENVIRONMENT: lists with colons; blanks separate the names of LD_PRELOAD too.
        "LD_PRELOAD", "LD_LIBRARY_PATH", "LD_AUDIT",
        # locale(7), iconv_open(3), catopen(3), tzset(3), gethostbyname(3), getconf(1).
        "LOCPATH", "MUSL_LOCPATH", "GCONV_PATH", "NLSPATH", "TZDIR", "TZ", "HOSTALIASES",
        "GETCONF_DIR",
        # bash(1), INVOCATION; POSIX.1-2024, Shell Command Language, 2.5.3.
        "BASH_ENV", "ENV",
    }
)  # fmt: skip
"""Variables of `ALWAYS_READ` whose value names files or directories that any command reads,
separated by colons. PATH is not among them: of its directories only the file with the
program's name is read; `paths_read` answers for both."""

PROXIES = ("*_proxy", "*_PROXY")
"""curl(1), ENVIRONMENT; wget(1), ENVIRONMENT; Python's urllib.request, getproxies."""
CERTIFICATES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "OPENSSL_*", "SSLKEYLOGFILE")
"""openssl-env(7); SSLKEYLOGFILE: curl(1), ENVIRONMENT."""
PYTHON = ("PYTHON*", "VIRTUAL_ENV", "__PYVENV_LAUNCHER__")
"""python(1), ENVIRONMENT VARIABLES; site.py; the documentation of venv."""
NODE = ("NODE_*", "OPENSSL_*", "SSL_CERT_*", "UV_THREADPOOL_SIZE", "NO_COLOR", "FORCE_COLOR", "CI")
"""node(1), ENVIRONMENT; the libraries that tell a CI by its variable."""
PERL = ("PERL*",)
"""perlrun(1), ENVIRONMENT."""
RUBY = ("RUBY*", "GEM_*", "BUNDLE_*", "BUNDLER_*")
"""ruby(1), ENVIRONMENT; the RubyGems guides, "Command reference"; bundle-config(1)."""
JAVA = ("JAVA_*", "JDK_*", "_JAVA_OPTIONS", "CLASSPATH")
"""java(1), "Using the JDK_JAVA_OPTIONS environment variable"; the JVM TI reference."""

_LISTS_OF: tuple[tuple[re.Pattern[str], frozenset[str]], ...] = (
    # Programs that are Python scripts or run one (python(1), ENVIRONMENT VARIABLES; requests'
    # manual, "SSL Cert Verification"; openssl-env(7)).
    (
        re.compile(r"(python|pypy|pip)[\d.]*|pipx|uv|uvx|poetry|pdm|pipenv|conda|mamba|"
                   r"add-apt-repository|dnf|yum|aws|gsutil|gcloud"),
        frozenset({"PYTHONPATH", "PYTHONHOME", "PYTHONUSERBASE", "PYTHONPYCACHEPREFIX",
                   "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR",
                   "PIP_CONFIG_FILE", "VIRTUAL_ENV"}),
    ),
    # node(1), ENVIRONMENT; npm's config page.
    (
        re.compile(r"node|nodejs|npm|npx|yarn|yarnpkg|pnpm|pnpx|corepack"),
        frozenset({"NODE_PATH", "NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE", "SSL_CERT_DIR"}),
    ),
    (re.compile(r"perl|cpanm?|debconf-.*|dpkg-reconfigure|a2en.*"),
     frozenset({"PERL5LIB", "PERLLIB"})),  # perlrun(1)
    (re.compile(r"ruby|gem|bundle|bundler|rake"), frozenset({"RUBYLIB", "GEM_PATH", "GEM_HOME"})),
    (re.compile(r"java|mvnw?|gradlew?|sbt"), frozenset({"CLASSPATH", "JAVA_HOME"})),  # java(1)
    # curl(1), wget(1), git(1), ENVIRONMENT.
    (
        re.compile(r"curl|wget|git|apt|apt-get"),
        frozenset({"CURL_CA_BUNDLE", "CURL_HOME", "SSL_CERT_FILE", "SSL_CERT_DIR", "WGETRC",
                   "OPENSSL_CONF", "GIT_SSL_CAINFO", "GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM",
                   "GIT_TEMPLATE_DIR", "GIT_EXEC_PATH", "GNUPGHOME", "APT_CONFIG"}),
    ),
)  # fmt: skip


def always_read(name: str) -> bool:
    """Tells whether any command may depend on the variable ``name``."""
    return matches(name, ALWAYS_READ)


def matches(name: str, patterns: Iterable[str]) -> bool:
    """Tells whether the variable ``name`` is one of ``patterns``, where ``*`` is any characters."""
    return any(name == pattern or fnmatchcase(name, pattern) for pattern in patterns)


def paths_read(call: Call) -> tuple[str, ...]:
    """Returns the prefixes that ``call`` reads because a known variable names them.

    For PATH these are the places where its program may lie (POSIX.1-2024, 8.3), for the others
    what the loader, the libraries and the language runtime of its program look at.
    """
    found = [resolve(call.directory, path) for path in _named(call)]
    program = call.words[0]
    if "/" in program:
        found.append(resolve(call.directory, program))
    elif path := call.env.get("PATH"):
        plain = _PLAIN_NAME.fullmatch(program) is not None
        for folder, is_clean in _folders(path):
            place = f"{folder or '.'}/{program}"
            found.append(place if plain and is_clean else resolve(call.directory, place))
    return tuple(dict.fromkeys(found))


@lru_cache(64)
def _folders(path: str) -> tuple[tuple[str, bool], ...]:
    """Returns the folders of a PATH, each with whether `resolve` would leave it as it is."""
    return tuple((each, _CLEAN_FOLDER.fullmatch(each) is not None) for each in path.split(":"))


_PLAIN_NAME = re.compile(r"[\w+-][\w.+-]*", re.ASCII)
_CLEAN_FOLDER = re.compile(r"(?:/[\w+-][\w.+-]*)+", re.ASCII)
"""Names that are as `resolve` leaves them."""


@lru_cache(256)
def _names_of(program: str) -> tuple[str, ...]:
    """Returns the variables that name paths which ``program`` reads."""
    lists = next((names for pattern, names in _LISTS_OF if pattern.fullmatch(program)), ())
    return tuple(sorted({*PATHS_IN, *lists}))


def _named(call: Call) -> Iterable[str]:
    for name in _names_of(call.program):
        value = call.env.get(name)
        if not value:
            continue
        if name == "TZ" and not value.startswith((":/", "/")):
            continue
        yield from (path for path in re.split(r"[:\s]+", value) if path)
