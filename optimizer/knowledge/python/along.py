"""What packages of PyPI bring along that has to be compiled, and what their extras bring.

A lockfile lists everything; requirements name packages alone, and a package that is source text
may depend on one that is not. Only such dependencies are rows here. Source: ``requires_dist`` of
each package on PyPI (its project metadata, seen 2026-11-26), and the documentation that is named.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

BRINGS: Final[Mapping[str, tuple[str, ...]]] = {
    "django-auth-ldap": ("python-ldap",),
    "flask-mysqldb": ("mysqlclient",),
    "python3-saml": ("xmlsec",),
    "requests-gssapi": ("gssapi",),
    "requests-kerberos": ("gssapi",),
    "rlpycairo": ("pycairo",),
    "svglib": ("pycairo",),
    "xhtml2pdf": ("pycairo",),
}
"""Packages with what they depend on in any case."""

EXTRAS: Final[Mapping[tuple[str, str], tuple[str, ...]]] = {
    # docs.celeryq.dev: Bundles; kombu: requirements/extras.
    ("celery", "librabbitmq"): ("librabbitmq",),
    ("celery", "memcache"): ("pylibmc",),
    ("celery", "sqs"): ("pycurl",),
    ("kombu", "sqs"): ("pycurl",),
    # psycopg.org/psycopg3/docs/basic/install.html
    ("psycopg", "binary"): ("psycopg-binary",),
    ("psycopg", "c"): ("psycopg-c",),
    # docs.sqlalchemy.org: dialects; pyproject.toml, optional-dependencies.
    ("sqlalchemy", "mariadb-connector"): ("mariadb",),
    ("sqlalchemy", "mssql"): ("pyodbc",),
    ("sqlalchemy", "mssql-pyodbc"): ("pyodbc",),
    ("sqlalchemy", "mysql"): ("mysqlclient",),
    ("sqlalchemy", "postgresql"): ("psycopg2",),
    ("sqlalchemy", "postgresql-psycopg2binary"): ("psycopg2-binary",),
}
"""Extras with what they add."""

INSTEAD: Final = frozenset((("psycopg", "binary"),))
"""Extras that bring what the package itself looks for on the machine otherwise."""

_PLAIN_NAMES: Final = """
aiohttp aiomysql aiosqlite argon2 async asyncio asyncpg bcrypt boto3 brotli cli crypto cryptography
django dotenv email fastapi filecache flask http http2 jwt msgpack otel pandas pool
postgresql-asyncpg pymysql redis requests s3 security socks speedups standard starlette timezone
tls tracing yaml zstd
"""
PLAIN: Final = frozenset(_PLAIN_NAMES.split())
"""Extras that add source text, or packages with wheels, in the packages that people ask for them
(uvicorn[standard], celery[redis], passlib[bcrypt], httpx[http2], fastapi[standard])."""

_EXTRA: Final = re.compile(r"[A-Za-z0-9._-]+\s*\[(?P<extras>[^\]]*)\]")


def extras_of(requirement: str) -> tuple[str, ...]:
    """Returns the names between brackets, spelled as PEP 685 compares them."""
    match = _EXTRA.match(requirement)
    names = match["extras"].split(",") if match is not None else ()
    return tuple(re.sub(r"[-_.]+", "-", name.strip()).lower() for name in names if name.strip())
