"""Packages of Alpine: libraries behind its development packages, and programs.

Alpine's names of packages hardly differ between its releases, and its indexes name what a package
needs by the names of files (``so:libpq.so.5``), so that an installed library brings what it needs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

# Source, where none is named: github.com/mlocati/docker-php-extension-installer at e50aeb2f5425,
# install-php-extensions: what it installs for good beside what it installs to build. The others:
# the APKBUILD of the package in github.com/alpinelinux/aports (main, community): depends_dev,
# subpackages. The libraries of musl and of zlib are in every image (alpine-baselayout, apk-tools).
_BEHIND: Final[Mapping[str, str]] = {
    "aom-dev": "aom-libs",
    "aspell-dev": "aspell-libs",
    "brotli-dev": "brotli-libs",
    "bzip2-dev": "libbz2",
    "c-ares-dev": "c-ares",
    "cairo-dev": "cairo cairo-gobject",
    "curl-dev": "libcurl",
    "cyrus-sasl-dev": "libsasl",
    "dav1d-dev": "libdav1d",
    "db-dev": "db",
    "enchant2-dev": "enchant2",
    "expat-dev": "libexpat",
    "fontconfig-dev": "fontconfig",
    "freetds-dev": "freetds",
    "freetype-dev": "freetype",
    "geos-dev": "geos",
    "gettext-dev": "libintl",
    "glib-dev": "glib",
    "gmp-dev": "gmp",
    "gpgme-dev": "gpgme",
    "harfbuzz-dev": "harfbuzz",
    "icu-dev": "icu-libs icu-data-full",
    "imagemagick-dev": "imagemagick libgomp",
    "imap-dev": "c-client",
    "jpeg-dev": "libjpeg-turbo",
    "krb5-dev": "krb5-libs",
    "lcms2-dev": "lcms2",
    "leveldb-dev": "leveldb",
    "libavif-dev": "libavif",
    "libevent-dev": "libevent",
    "libffi-dev": "libffi",
    "libidn-dev": "libidn",
    "libjpeg-turbo-dev": "libjpeg-turbo",
    "libmaxminddb-dev": "libmaxminddb-libs",
    "libmcrypt-dev": "libmcrypt",
    "libmemcached-dev": "libmemcached-libs",
    "libpng-dev": "libpng",
    "libpq-dev": "libpq",
    "librdkafka-dev": "librdkafka",
    "libsodium-dev": "libsodium",
    "libssh2-dev": "libssh2",
    "libuv-dev": "libuv",
    "libwebp-dev": "libwebp",
    "libxml2-dev": "libxml2",
    "libxpm-dev": "libxpm",
    "libxslt-dev": "libxslt",
    "libzip-dev": "libzip",
    "lz4-dev": "lz4-libs",
    "mariadb-connector-c-dev": "mariadb-connector-c",
    "mariadb-dev": "mariadb-connector-c",
    "mysql-dev": "mariadb-connector-c",
    "ncurses-dev": "ncurses-libs",
    "net-snmp-dev": "net-snmp-libs",
    "oniguruma-dev": "oniguruma",
    "openblas-dev": "openblas",
    "openjpeg-dev": "openjpeg",
    "openldap-dev": "libldap",
    "pango-dev": "pango",
    "pcre-dev": "pcre",
    "pcre2-dev": "pcre2",
    "postgresql-dev": "libpq",
    "python3-dev": "python3",
    "rabbitmq-c-dev": "rabbitmq-c",
    "re2-dev": "re2",
    "readline-dev": "readline",
    "snappy-dev": "snappy",
    "sqlite-dev": "sqlite-libs",
    "tidyhtml-dev": "tidyhtml-libs",
    "tiff-dev": "tiff",
    "unixodbc-dev": "unixodbc",
    "util-linux-dev": "libuuid libblkid libmount",
    "vips-dev": "vips",
    "xmlsec-dev": "xmlsec",
    "xz-dev": "xz-libs",
    "yaml-dev": "yaml",
    "zeromq-dev": "libzmq",
    "zstd-dev": "zstd-libs",
}
_COMPILERS: Final = frozenset(("build-base", "gcc", "g++", "clang", "gfortran"))
_BUILD_ONLY: Final = frozenset(
    [
        "alpine-sdk",
        "abuild",
        "autoconf",
        "automake",
        "binutils",
        "bison",
        "build-base",
        "clang",
        "cmake",
        "cmake-extras",
        "dpkg-dev",
        "file-dev",
        "flex",
        "fortify-headers",
        "g++",
        "gcc",
        "gfortran",
        "gperf",
        "libc-dev",
        "libtool",
        "linux-headers",
        "m4",
        "make",
        "meson",
        "musl-dev",
        "nasm",
        "ninja",
        "ninja-build",
        "patch",
        "patchelf",
        "pkgconf",
        "pkgconfig",
        "py3-setuptools-dev",
        "re2c",
        "samurai",
        "swig",
        "yasm",
        "openssl-dev",
        "libressl-dev",
        "zlib-dev",
        "libc6-compat-dev",
        "boost-dev",
    ]
)
"""Compilers, tools of builds, and development packages whose libraries every image has (libssl3
and zlib: apk-tools needs them)."""

_LIBRARIES: Final = ("libgcc", "libstdc++", "libgomp")
"""What gcc links unasked; Alpine's image has none of them (apk-tools is linked without)."""

_PROGRAMS: Final[Mapping[str, str]] = {
    "bash": "bash", "curl": "curl", "git": "git", "jq": "jq", "tini": "tini", "gosu": "gosu",
    "su-exec": "su-exec", "dumb-init": "dumb-init", "ffmpeg": "ffmpeg", "ffprobe": "ffmpeg",
    "convert": "imagemagick", "magick": "imagemagick", "identify": "imagemagick",
    "mogrify": "imagemagick", "psql": "postgresql-client", "pg_dump": "postgresql-client",
    "pg_isready": "postgresql-client", "mysql": "mariadb-client", "mysqldump": "mariadb-client",
    "mariadb": "mariadb-client", "redis-cli": "redis", "ssh": "openssh-client-default",
    "ssh-keygen": "openssh-keygen", "rsync": "rsync", "openssl": "openssl", "python3": "python3",
    "node": "nodejs", "npm": "npm", "php": "php", "ruby": "ruby", "perl": "perl", "make": "make",
    "gcc": "gcc", "zip": "zip", "sqlite3": "sqlite", "gs": "ghostscript", "pdftotext":
    "poppler-utils", "pdftoppm": "poppler-utils", "tesseract": "tesseract-ocr", "dot": "graphviz",
    "aws": "aws-cli", "envsubst": "gettext-envsubst", "gpg": "gnupg", "htop": "htop",
    "supervisord": "supervisor", "nginx": "nginx", "chromium-browser": "chromium", "docker":
    "docker-cli", "sudo": "sudo", "socat": "socat", "xmllint": "libxml2-utils",
}  # fmt: skip
_BUSYBOX: Final = frozenset(
    [
        "wget",
        "nc",
        "ping",
        "ps",
        "sh",
        "unzip",
        "tar",
        "gzip",
        "gunzip",
        "vi",
        "awk",
        "sed",
        "grep",
        "find",
        "xargs",
        "head",
        "tail",
        "cut",
        "sort",
        "uniq",
        "wc",
        "date",
        "env",
        "id",
        "whoami",
        "hostname",
        "nslookup",
        "telnet",
        "traceroute",
        "top",
        "kill",
        "killall",
        "pgrep",
        "pkill",
        "su",
        "adduser",
        "addgroup",
        "chown",
        "chmod",
        "mkdir",
        "cp",
        "mv",
        "rm",
        "ls",
        "cat",
        "echo",
        "sleep",
        "test",
        "true",
        "false",
        "touch",
        "tee",
        "basename",
        "dirname",
        "stat",
        "timeout",
        "which",
        "less",
        "crontab",
        "crond",
    ]
)
"""Source: busybox's applets as aports/main/busybox/busyboxconfig builds them."""


def runtime_packages(package: str) -> tuple[str, ...] | None:
    """Returns the packages that a program built with ``package`` needs when it runs; None where it
    is not known. Compilers answer with the libraries that they link unasked."""
    name = package.lstrip(".").partition("=")[0].partition("~")[0]
    if name in _COMPILERS:
        return _LIBRARIES
    if name in _BUILD_ONLY:
        return ()
    if name in _BEHIND:
        return tuple(_BEHIND[name].split())
    return None if name.endswith("-dev") else (name,)


def provider(program: str) -> str | None:
    """Returns the package that has the program, None where that is not known."""
    return "busybox" if program in _BUSYBOX else _PROGRAMS.get(program)


# Source: the same, where both distributions package one library.
_OF_DEBIAN: Final[Mapping[str, str]] = {
    "ffmpeg": "ffmpeg", "git": "git", "ghostscript": "ghostscript", "graphviz": "graphviz",
    "imagemagick": "imagemagick", "graphicsmagick": "graphicsmagick", "libbz2-1.0": "libbz2",
    "libcairo2": "cairo", "libcurl4": "libcurl", "libffi7": "libffi", "libffi8": "libffi",
    "libfreetype6": "freetype", "libgeos-c1v5": "geos", "libgmp10": "gmp", "libgomp1": "libgomp",
    "libicu72": "icu-libs", "libjpeg62-turbo": "libjpeg-turbo", "libldap2": "libldap",
    "libmagic1": "libmagic", "libmariadb3": "mariadb-connector-c", "libmaxminddb0":
    "libmaxminddb-libs", "libodbc2": "unixodbc", "libonig5": "oniguruma", "libpango-1.0-0":
    "pango", "libpng16-16": "libpng", "libpq5": "libpq", "librdkafka1": "librdkafka",
    "libsasl2-2": "libsasl", "libsnappy1v5": "snappy", "libsodium23": "libsodium",
    "libsqlite3-0": "sqlite-libs", "libssl3": "libssl3", "libtiff6": "tiff", "libvips42": "vips",
    "libwebp7": "libwebp", "libxml2": "libxml2", "libxslt1.1": "libxslt", "libyaml-0-2": "yaml",
    "libzip4": "libzip", "libzmq5": "libzmq", "openssh-client": "openssh-client-default",
    "openssl": "openssl", "poppler-utils": "poppler-utils", "tesseract-ocr": "tesseract-ocr",
    "libzbar0": "zbar", "libsybdb5": "freetds", "libglib2.0-0": "glib",
}  # fmt: skip


def of_debian(package: str) -> tuple[str, ...] | None:
    """Returns Alpine's packages with what a package of Debian has, None where it is not known."""
    name = _OF_DEBIAN.get(package) or _OF_DEBIAN.get(package.removesuffix("t64"))
    return (name,) if name is not None else None
