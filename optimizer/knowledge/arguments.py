"""Build arguments and variables whose names say what their values do."""

from __future__ import annotations

import re

# The three arguments of the image labels of label-schema.org ("build-date", "vcs-ref",
# "version") and of the OCI image spec (annotations.md: created, revision, version); the variables
# of GitHub Actions (GITHUB_SHA, GITHUB_RUN_ID), GitLab (CI_COMMIT_SHA, CI_PIPELINE_ID) and Jenkins
# (BUILD_NUMBER, BUILD_ID, GIT_COMMIT), as they are handed on to builds.
_PER_BUILD = re.compile(
    r"""
    (\w+_)?(GIT|VCS|SOURCE|SCM|CI|GITHUB|APP|SRC|HEAD)_?(SHORT_?)?
        (SHA\d*|COMMIT(_?\w*)?|REF|REV|REVISION|HASH|DESCRIBE)
    | (SHORT_?)?(SHA|COMMIT|REVISION)(_?(SHA|HASH|ID|REF|REV|DATE|TIME))?
    | (\w+_)?(BUILD|CI|IMAGE|RELEASE|COMMIT|CREATED)_?
        (DATE|TIME|DATETIME|TIMESTAMP|NUMBER|ID|NUM|SHA|REVISION|COMMIT|HASH)
    | (GITHUB_RUN|CI_PIPELINE|CI_JOB)_(ID|NUMBER|IID)
    | (BUILD|APP|IMAGE|PROJECT|PACKAGE|RELEASE)_?VERSION
    | VERSION | TIMESTAMP | DATE | CREATED
    """,
    re.IGNORECASE | re.VERBOSE,
)
_PLACEHOLDER = re.compile(
    r"(|0|1|0\.0\.0\S*|unknown|dev\w*|local|none|n/?a|null|unset|undefined|unspecified|"
    r"not.?set|dirty|master|main|head|snapshot|test\w*|xxx+|today|now)",
    re.IGNORECASE,
)
"""Defaults that stand for a value which a real build gives."""

# The practice comes from github.com/moby/moby/issues/1996 (`ARG CACHEBUST=1`, then `git clone`);
# the spellings are those of public Dockerfiles.
_BUST = re.compile(
    r"(\w+_)?((CACHE|LAYER)_?(BUST\w*|BREAK\w*|KILL\w*|INVALIDAT\w*|DATE|SALT|EPOCH|NONCE)"
    r"|(BUST|BREAK|INVALIDATE|SKIP|DISABLE)\w*_?CACHE\w*|NO_?CACHE\w*"
    r"|(FORCE_?)?(REBUILD|REFRESH|REFETCH|REINSTALL|UPGRADE|UPDATE)(_?(DATE|AT|TIME|ALL|ID|NUMBER))?"
    r"|RANDOM\w*|NONCE)",
    re.IGNORECASE,
)


def changes_per_build(name: str, default: str | None) -> bool:
    """Tells whether an argument is one that every build gives another value, by its name and
    its default (None where there is none)."""
    if default is not None and not _PLACEHOLDER.fullmatch(default.strip("\"'")):
        return False
    return _PER_BUILD.fullmatch(name) is not None


def busts_cache(name: str) -> bool:
    """Tells whether a variable is there to have what is below it built again."""
    return _BUST.fullmatch(name) is not None


_POINTS_AT_HEAD = re.compile(
    r"/(commits?|heads|branches)(/|$)|/refs/heads/|random\.org|[?&](t|time|ts|cachebust)=|uuid",
    re.IGNORECASE,
)
"""Addresses that are fetched for what they say of a branch (api.github.com/repos/O/R/commits/B,
.../git/refs/heads/B), or to get something else each time (random.org)."""


def watches(address: str) -> bool:
    """Tells whether an ADD of ``address`` is there to have what is below it built again when a
    branch moves."""
    return _POINTS_AT_HEAD.search(address) is not None


_PIN = re.compile(
    r"v?\d+[._]\d+|\bv\d+\b|[0-9a-f]{7,64}\b|\$\{?\w*(VERSION|TAG|REF|SHA|COMMIT|REV)\w*|@\d",
    re.IGNORECASE,
)


def pins_version(text: str) -> bool:
    """Tells whether the text of a download names the version that it fetches, or checks what it
    got: the same command then brings the same files."""
    return (
        _PIN.search(text) is not None or re.search(r"sha\d+sum|gpg\b.*--verify", text) is not None
    )


_HEAD = re.compile(r"@(latest|main|master|head|nightly)(?![\w/-])", re.IGNORECASE)
_CLONED = re.compile(r"\bgit\+[a-z]+://[^\s'\"@]+(?![^\s'\"]*@)")


def follows_a_branch(text: str) -> bool:
    """Tells whether a command asks for whatever is newest: a package ``@latest``, or one from
    a git repository without a revision behind it (pip, "VCS Support"; npm-dist-tag)."""
    return _HEAD.search(text) is not None or _CLONED.search(text) is not None
