"""Sizes of packages of npm and PyPI, and of what builds leave, as measured.

Measured on 2026-11-26 on linux/amd64: each of some fifty well-known packages was installed into an
empty folder (``npm install``, npm 9; ``pip install --target``, CPython 3.11, which compiles to
``.pyc``), and for each of the 1991 and 296 packages that came with them the bytes of its own files
were added up, without those in a ``node_modules`` of its own. Those of more than 2 MB have a row
here; the others stand together as `SMALL_NPM` and `SMALL_PYPI`, their mean. The rows of
``typescript`` (5.4), ``torch``, ``tensorflow``, ``opencv-python``, ``uv`` and ``psycopg2`` are
estimates: from the size of the archive that the registry has, or from that of a sister package.
"""

from __future__ import annotations

from collections.abc import Mapping

SMALL_NPM = 115_000
"""Bytes of an npm package that has no row."""

SMALL_PYPI = 540_000
"""Bytes of a PyPI package that has no row."""

NPM_CACHE = 0.4
"""Bytes in npm's download cache (~/.npm/_cacache) for each byte that it installs: 0.94 GB for
2.2 GB."""

PIP_CACHE = 0.3
"""Bytes in pip's download cache (~/.cache/pip) for each byte that it installs: a wheel is an
archive of the same files, without ``.pyc``; an estimate."""

PER_NPM_DEPENDENCY = 30
"""Packages that come for one that a package.json names, itself included, where no lockfile says:
the median of the installs above."""

PER_PYPI_REQUIREMENT = 1.5
"""Packages that come for one that a requirements file names, itself included: most files name what
others bring, too; an estimate between 1 (all named) and 5 (the median of the installs above)."""

APT_LISTS = 20_000_000
"""What ``apt-get update`` leaves in /var/lib/apt/lists on Debian 12."""

_NPM_MEGABYTES: Mapping[str, float] = {
    "@algolia/client-search": 3.3, "@algolia/ingestion": 2.4, "@angular/core": 6.8,
    "@babel/parser": 1.8, "@babel/types": 2.4, "@electric-sql/pglite": 23.3,
    "@esbuild/linux-x64": 11.4, "@firebase/database": 8.6, "@firebase/database-compat": 2.4,
    "@google-cloud/firestore": 5.6, "@grpc/grpc-js": 2.6, "@img/sharp-libvips-linux-x64": 18.7,
    "@modelcontextprotocol/sdk": 4.5, "@next/swc-linux-x64-gnu": 100.9, "@nuxt/devtools": 8.1,
    "@nuxt/vite-builder": 2.4, "@oxc-minify/binding-linux-x64-gnu": 3.0,
    "@oxc-parser/binding-linux-x64-gnu": 2.9, "@oxc-resolver/binding-linux-x64-gnu": 2.4,
    "@oxc-transform/binding-linux-x64-gnu": 4.8, "@pnpm/exe.linux-x64": 64.6,
    "@prisma/client": 74.5, "@prisma/dev": 19.0, "@prisma/query-plan-executor": 5.2,
    "@prisma/studio-core": 44.1, "@rolldown/binding-linux-x64-gnu": 21.1,
    "@rollup/rollup-linux-x64-gnu": 2.2, "@schematics/angular": 10.6,
    "@swc/core-linux-x64-gnu": 10.8, "@testing-library/dom": 2.5, "@turbo/linux-64": 45.7,
    "@types/node": 2.6, "@typescript-eslint/eslint-plugin": 2.4,
    "@typescript/typescript-linux-x64": 27.9, "@unrs/resolver-binding-linux-x64-gnu": 2.1,
    "@vue/compiler-sfc": 2.7, "aws-sdk": 98.2, "axe-core": 3.4, "axios": 2.2, "bare-url": 3.7,
    "better-sqlite3": 10.4, "bson": 2.2, "chromium-bidi": 13.2, "date-fns": 10.9,
    "devtools-protocol": 3.7, "effect": 27.1, "elkjs": 8.0, "es-abstract": 2.8, "eslint": 3.0,
    "fastify": 3.0, "google-gax": 3.3, "googleapis": 213.1, "jiti": 1.8, "jsdom": 2.8,
    "lightningcss-linux-x64-gnu": 10.0, "lru-cache": 1.3, "moment": 4.5, "mongodb": 3.5,
    "mongoose": 2.2, "next": 192.3, "oxc-parser": 2.2, "playwright-core": 14.0, "prettier": 11.4,
    "prisma": 42.0, "protobufjs": 3.1, "puppeteer-core": 8.9, "react-dom": 8.1, "remeda": 3.3,
    "rollup": 4.2, "rollup-plugin-visualizer": 2.4, "rxjs": 4.5, "sass": 6.1, "storybook": 22.2,
    "svelte": 2.9, "tailwindcss": 3.2, "tar": 1.7, "terser": 2.4, "typescript": 32.4, "vite": 2.3,
    "vite-plugin-inspect": 3.9, "vue": 2.6, "web-streams-polyfill": 9.0, "webpack": 15.5,
    "xml2js": 3.4, "yarn": 5.3, "zod": 4.9,
}  # fmt: skip

_PYPI_MEGABYTES: Mapping[str, float] = {
    "aiohttp": 8.4, "alembic": 2.6, "altair": 12.5, "anyio": 1.8, "ast-serialize": 2.9,
    "babel": 31.7, "black": 6.3, "blis": 35.9, "botocore": 22.1, "celery": 4.3,
    "cryptography": 13.7, "dash": 34.0, "debugpy": 22.4, "django": 30.9,
    "djangorestframework": 3.4, "dulwich": 10.2, "filelock": 2.2, "fonttools": 29.4,
    "fsspec": 2.3, "google-auth": 2.4, "google-cloud-storage": 4.3, "greenlet": 2.6,
    "grpcio": 18.9, "gunicorn": 2.2, "hf-xet": 8.6, "huggingface-hub": 8.0, "ipython": 5.9,
    "jedi": 14.1, "joblib": 2.4, "jupyter-builder": 2.8, "jupyter-server": 3.4,
    "jupyterlab": 23.4, "kiwisolver": 4.6, "kombu": 2.3, "langchain-core": 6.5, "langgraph": 2.8,
    "langsmith": 10.7, "lxml": 11.9, "matplotlib": 39.7, "mypy": 59.8, "narwhals": 6.7,
    "nltk": 13.5, "notebook": 15.6, "numpy": 71.3, "openai": 19.3, "opencv-python": 170.4,
    "opencv-python-headless": 150.4, "pandas": 96.7, "pillow": 20.8, "pip": 13.5, "pipenv": 18.7,
    "playwright": 171.2, "plotly": 60.8, "poetry": 3.0, "poetry-core": 4.2, "polars": 14.0,
    "polars-runtime-32": 173.5, "preshed": 2.7, "prompt-toolkit": 3.9, "protobuf": 2.9,
    "psycopg2": 1.2, "psycopg2-binary": 11.9, "pyarrow": 168.7, "pyasn1-modules": 2.4,
    "pydantic": 4.9, "pydantic-core": 4.5, "pydeck": 21.4, "pygments": 10.0, "pytest": 3.5,
    "pyyaml": 2.9, "pyzmq": 3.0, "rapidfuzz": 10.2, "redis": 5.8, "regex": 3.1, "rich": 3.3,
    "scikit-learn": 53.0, "scipy": 140.9, "selenium": 32.5, "sentry-sdk": 4.9, "setuptools": 7.5,
    "spacy": 115.8, "sqlalchemy": 28.2, "srsly": 7.2, "streamlit": 39.2, "tensorflow": 1800.0,
    "thinc": 16.6, "tokenizers": 8.7, "torch": 1700.0, "tornado": 7.1, "transformers": 131.9,
    "trio": 5.6, "uv": 55.0, "uvloop": 12.4, "virtualenv": 7.1, "wcwidth": 6.5, "websockets": 2.2,
    "werkzeug": 2.0, "zstandard": 19.2,
}  # fmt: skip


def npm_bytes(name: str) -> int:
    """Returns the bytes of the npm package ``name``."""
    megabytes = _NPM_MEGABYTES.get(name)
    return SMALL_NPM if megabytes is None else round(megabytes * 1_000_000)


def pypi_bytes(name: str) -> int:
    """Returns the bytes of the PyPI package with the normalised (PEP 503) ``name``."""
    megabytes = _PYPI_MEGABYTES.get(name)
    return SMALL_PYPI if megabytes is None else round(megabytes * 1_000_000)


GO_PROGRAM = 8_000_000
"""A Go program that serves HTTP, with symbols: measured 6.8 to 9.5 MB."""

GO_CACHE = 90_000_000
"""~/.cache/go-build once the standard library's packages behind a server are compiled."""

GO_MODULE = 3_000_000
"""A module in GOMODCACHE: its files and its zip."""

CARGO_CRATE = 6_000_000
"""Object files and metadata of one crate in ``target``."""

CARGO_REGISTRY_CRATE = 1_200_000
"""A crate in cargo's registry folder: its archive and its sources."""

RUST_PROGRAM = 4_000_000
"""A Rust program built for release, not stripped."""

C_PROGRAM = 200_000
"""Objects and program of a small C project."""

M2_PLUGINS = 60_000_000
"""The plugins that ``mvn package`` downloads, of a project that adds none."""

M2_DEPENDENCY = 1_000_000
"""A jar that a pom names, and those behind it."""

JAR = 300_000
"""Classes and jar of a small project."""
