"""What the names of build arguments say."""

from __future__ import annotations

import pytest

from optimizer.knowledge.arguments import (
    busts_cache,
    changes_per_build,
    follows_a_branch,
    pins_version,
    watches,
)

PER_BUILD = [
    ("GIT_SHA", None), ("GIT_COMMIT", "unknown"), ("BUILD_DATE", None), ("VCS_REF", None),
    ("VERSION", None), ("COMMIT", "none"), ("GITHUB_SHA", None), ("CI_COMMIT_SHORT_SHA", None),
    ("BUILD_NUMBER", "0"), ("APP_VERSION", "dev"), ("COMMIT_SHA", ""), ("git_commit", None),
    ("BUILD_VERSION", "0.0.0-dev"), ("SHORT_SHA", None), ("GITHUB_RUN_ID", None),
    ("REVISION", None),
]  # fmt: skip
NOT_PER_BUILD = [
    ("NODE_VERSION", None), ("NODE_VERSION", "18"), ("VERSION", "1.2.3"), ("GO_VERSION", None),
    ("TARGETARCH", None), ("HTTP_PROXY", None), ("UID", "1000"), ("DEBIAN_FRONTEND", None),
    ("BASE_IMAGE", None), ("NPM_TOKEN", None), ("REDIS_SHA256", None), ("PLATFORM", None),
    ("NODE_ENV", "production"), ("CUDA_VERSION", None), ("OS_VERSION", None), ("BUILD_ENV", None),
    ("TINI_VERSION", None), ("ALPINE_VERSION", None), ("BUILD_TYPE", None),
]  # fmt: skip


@pytest.mark.parametrize(("name", "default"), PER_BUILD)
def test_changes_per_build(name: str, default: str | None) -> None:
    assert changes_per_build(name, default)


@pytest.mark.parametrize(("name", "default"), NOT_PER_BUILD)
def test_does_not_change_per_build(name: str, default: str | None) -> None:
    assert not changes_per_build(name, default)


BUST = [
    "CACHEBUST", "CACHE_BUST", "CACHE_BUSTER", "BUST_CACHE", "REBUILD", "FORCE_REBUILD", "NOCACHE",
    "NO_CACHE", "INVALIDATE_CACHE", "CACHE_DATE", "cachebust", "APT_CACHE_BUST", "CACHEBREAKER",
]  # fmt: skip
NO_BUST = [
    "CACHE_DIR", "XDG_CACHE_HOME", "VERSION", "GIT_SHA", "NODE_ENV", "PIP_CACHE_DIR",
    "MEMCACHED_TAG", "UPDATER", "BUILD",
]  # fmt: skip


@pytest.mark.parametrize("name", BUST)
def test_busts_cache(name: str) -> None:
    assert busts_cache(name)


@pytest.mark.parametrize("name", NO_BUST)
def test_does_not_bust_cache(name: str) -> None:
    assert not busts_cache(name)


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("https://api.github.com/repos/o/r/commits/main", True),
        ("https://api.github.com/repos/o/r/git/refs/heads/master", True),
        ("https://www.random.org/strings/?num=10", True),
        ("https://example.com/tool-1.2.3.tar.gz", False),
        ("https://github.com/o/r/releases/download/v1.0/tool", False),
    ],
)
def test_watches(address: str, expected: bool) -> None:
    assert watches(address) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("curl -fsSLO https://example.com/tool-1.2.3.tar.gz", True),
        ("curl -fsSLo /usr/bin/tool https://example.com/v3/tool", True),
        ("wget https://example.com/tool-$TOOL_VERSION.tar.gz", True),
        ("wget -qO /t https://example.com/t && echo abc /t | sha256sum -c", True),
        ("git clone --branch v2 https://example.com/r", True),
        ("git clone https://github.com/o/r", False),
        ("curl -o /tool https://example.com/latest/tool", False),
    ],
)
def test_pins_version(text: str, expected: bool) -> None:
    assert pins_version(text) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("go install example.com/tool@latest", True),
        ("npm install -g npm@latest", True),
        ("pip install git+https://example.com/o/r.git", True),
        ("pip install git+https://example.com/o/r.git@v1", False),
        ("pip install 'git+https://example.com/o/r.git@${REF}'", False),
        ("pip install flask", False),
        ("npm install -g @scope/tool@1.2", False),
        ("npm install -g @main-org/tool@1.2", False),
    ],
)
def test_follows_a_branch(text: str, expected: bool) -> None:
    assert follows_a_branch(text) is expected
