"""The packages that lockfiles of Node.js name, and which of them are compiled when installed.

Sources: npm's docs (package-lock.json), yarn.lock of Yarn 1 (its headers) and 2 (syml), pnpm's
lockfile (versions 5 to 9), bun's text lockfile.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from optimizer.knowledge.installs import Files
from optimizer.knowledge.manifests import Survey, resolve
from optimizer.knowledge.node.layout import Package
from optimizer.knowledge.node.npm_lock import Lock, read_lock
from optimizer.knowledge.node.options import names

_LONGEST = 20_000_000

COMPILED = names(
    """
    bcrypt argon2 better-sqlite3 sqlite3 canvas node-sass sharp bufferutil utf-8-validate
    unix-dgram re2 node-pty libpq pg-native couchbase kerberos snappy zeromq serialport usb
    node-rdkafka leveldown classic-level sodium-native libxmljs libxmljs2 deasync heapdump
    isolated-vm microtime cpu-features ssh2 farmhash xxhash hiredis integer iconv nodegit
    node-expat gl robotjs ref-napi ffi-napi mongodb-client-encryption oracledb ibm_db odbc
    @discordjs/opus raw-socket pcap epoll i2c-bus onoff node-hid bcrypt-nodejs scrypt fibers
    """
)
"""Their install scripts compile with node-gyp, node-pre-gyp, cmake-js or prebuild-install where no
binary fits (the ``install`` script of each)."""


def locked_packages(files: Files, root: str, packages: Iterable[Package]) -> tuple[str, ...]:
    """Returns the names of the packages that are installed for the run time, as far as a lockfile
    says; else those that the manifests name."""
    survey = Survey(files)
    lock = read_lock(survey, root)
    found: set[str] = set()
    if lock is not None and lock.packages:
        found.update(_of_npm(lock))
    else:
        found.update(_of_text(files, root))
    found.update(name for each in packages for name in each.dependencies)
    return tuple(sorted(found))


def compiled(files: Files, root: str, installed: Iterable[str]) -> bool:
    """Tells whether installing needs a compiler: it is a known one, or one that has an install
    script by the lockfile and builds an addon."""
    lock = read_lock(Survey(files), root)
    scripted = set(lock.packages_with_scripts()) if lock and lock.names_scripts else set()
    known = set(installed)
    return bool((known | scripted) & COMPILED) or "node-gyp" in known or "node-addon-api" in known


def _of_npm(lock: Lock) -> Iterator[str]:
    for location, entry in lock.packages.items():
        if "node_modules/" in location and not entry.get("dev") and not entry.get("link"):
            yield str(entry.get("name") or location.rpartition("node_modules/")[2])


# A header of yarn.lock (`"@babel/core@^7", a@1:`), a key of pnpm-lock.yaml (`/a@1.0.0:`,
# `/a/1.0.0:`, `'@b/c@1.0.0':`), an entry of bun.lock (`"a": ["a@1.0.0"`).
_HEADERS = {
    "yarn.lock": re.compile(r'^"?((?:@[^/@\s"]+/)?[^@\s"#]+)@[^\n]*:\s*$', re.MULTILINE),
    "pnpm-lock.yaml": re.compile(
        r"^  '?/?((?:@[^/@\s']+/)?[^@/\s'()]+)[@/]\d[^\n]*:\s*(?:\{.*)?$", re.MULTILINE
    ),
    "bun.lock": re.compile(r'\["((?:@[^/@"]+/)?[^@"]+)@'),
}


def _of_text(files: Files, root: str) -> Iterator[str]:
    for name, header in _HEADERS.items():
        content = files.read(resolve(root, name))
        if content is not None and len(content) <= _LONGEST:
            yield from header.findall(content.decode("utf-8", "replace"))
