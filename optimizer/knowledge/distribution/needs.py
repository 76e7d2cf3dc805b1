"""What packages of languages need from the distribution when they run.

Two sources: Debian's own packages of the same libraries (`tests.distribution.languages` makes that
table), and below it the rows of this module for what Debian does not ship or ships otherwise. A row
of this module counts before the table.

How a package is installed decides what it needs. A wheel for manylinux brings its libraries along,
all but those that PEP 600 expects of every machine (github.com/pypa/auditwheel:
src/auditwheel/policy/manylinux-policy.json, lib_whitelist): of these a slim image lacks libX11,
libXext, libXrender, libICE, libSM, libGL, libglib-2.0 with its kin and libexpat.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

from optimizer.knowledge.distribution import alpine, debian, stored
from optimizer.knowledge.released import Release


@dataclass(frozen=True, slots=True)
class Needs:
    """What a package of a language needs from the distribution when it runs.

    ``packages`` are packages of the distribution; ``unknown`` says why others may be needed, None
    where that is ruled out. ``compiled`` are those that it needs as well where it was compiled on
    the spot, because no wheel fits (an old version under a new Python, ``--no-binary``); None where
    they are not known. ``is_plain`` says that nothing of it is ever compiled where it is installed:
    it is source text, or brings the program that was released; what it needs are programs that it
    starts.
    """

    packages: tuple[str, ...] = ()
    unknown: str | None = None
    compiled: tuple[str, ...] | None = ()
    is_plain: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """What is said of a package in words that hold for every release: ``needs`` name packages of
    Debian, ``a|b`` the one of them that a release has. ``unknown`` and ``is_plain`` as in `Needs`.
    """

    source: str
    needs: tuple[str, ...] = ()
    unknown: str | None = None
    is_plain: bool = False


_GL: Final = ("libgl1", "libglib2.0-0|libglib2.0-0t64")
_OPENCV: Final = (*_GL, "libsm6", "libxext6")
_QT: Final = (
    *_GL, "libegl1", "libxkbcommon0", "libdbus-1-3", "libfontconfig1", "libxcb-cursor0",
    "libxkbcommon-x11-0",
)  # fmt: skip
_BROWSER: Final = "it drives a browser, which needs many libraries"


def _rows(
    source: str, *names: str, needs: str = "", unknown: str | None = None, is_plain: bool = False
) -> dict[str, Row]:
    return dict.fromkeys(names, Row(source, tuple(needs.split()), unknown, is_plain))


_PYPI: Final[Mapping[str, Row]] = {
    **_rows(
        "github.com/opencv/opencv-python/issues/370, /203; the programs in the wheel 5.0.0.93 name "
        "libGL, libglib-2.0, libSM, libICE, libX11, libXext", "opencv-python",
        "opencv-contrib-python", needs=" ".join(_OPENCV),
    ),
    **_rows(
        "github.com/opencv/opencv-python: README, packages for servers without GUI libraries",
        "opencv-python-headless", "opencv-contrib-python-headless",
    ),
    **_rows(
        "github.com/lightgbm-org/LightGBM/issues/2223; the wheel 4.7.0 names libgomp",
        "lightgbm", needs="libgomp1",
    ),
    **_rows(
        "psycopg.org/docs/install.html: psycopg2-binary comes with its own libpq",
        "psycopg2-binary", "psycopg-binary",
    ),
    **_rows(
        "doc.courtbouillon.org/weasyprint/stable/first_steps.html: Debian, with wheels",
        "weasyprint", needs="libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0|libharfbuzz0b",
    ),
    **_rows("cairosvg.org/documentation: needs cairo", "cairosvg", "cairocffi", needs="libcairo2"),
    **_rows("pycairo.readthedocs.io: built against cairo", "pycairo", needs="libcairo2"),
    **_rows("github.com/Belval/pdf2image: README", "pdf2image", needs="poppler-utils"),
    **_rows("github.com/madmaze/pytesseract: README", "pytesseract", needs="tesseract-ocr"),
    **_rows(
        "github.com/kkroening/ffmpeg-python, github.com/jiaaro/pydub: READMEs: start ffmpeg",
        "ffmpeg-python", "pydub", "openai-whisper", "ffmpy", needs="ffmpeg",
    ),
    **_rows("github.com/imageio/imageio-ffmpeg: its wheel has ffmpeg", "imageio-ffmpeg", "moviepy"),
    **_rows(
        "github.com/JazzCore/python-pdfkit, github.com/jarrekk/imgkit: READMEs",
        "pdfkit", "imgkit", "django-wkhtmltopdf", needs="wkhtmltopdf",
    ),
    **_rows("camelot-py.readthedocs.io: install-deps", "camelot-py", needs="ghostscript"),
    **_rows("github.com/chezou/tabula-py: README: needs Java", "tabula-py",
            needs="default-jre-headless"),
    **_rows("spark.apache.org/docs/latest/api/python: needs Java", "pyspark",
            unknown="it needs a Java runtime, which may come from anywhere"),
    **_rows(
        "github.com/SeleniumHQ/selenium, playwright.dev/python/docs/browsers", "selenium",
        "playwright", "pyppeteer", "requests-html", "undetected-chromedriver", "kaleido",
        "webdriver-manager", "browser-use", "crawl4ai", unknown=_BROWSER,
    ),
    **_rows(
        "docs.unstructured.io: full installation", "unstructured", "textract", "docling",
        unknown="it starts programs that read documents, by the kind of the document",
    ),
    **_rows(
        "doc.qt.io/qt-6/linux-requirements.html", "pyqt5", "pyqt6", "pyside2", "pyside6",
        "pyside6-essentials", "pyqt5-qt5", "pyqt6-qt6", needs=" ".join(_QT),
    ),
    **_rows(
        "the programs in the wheel 2026.9.1 name libX11, libXext, libXrender and libexpat",
        "rdkit", "rdkit-pypi", needs="libxrender1 libxext6 libexpat1",
    ),
    **_rows(
        "docs.vtk.org: the wheel renders through X11 and OpenGL", "vtk", "pyvista", "mayavi",
        needs="libgl1 libxrender1",
    ),
    **_rows("open3d.org/docs: needs OpenGL and OpenMP", "open3d", needs="libgl1 libgomp1 libx11-6"),
    **_rows(
        "ai.google.dev/edge/mediapipe: comes with OpenCV", "mediapipe", "ultralytics",
        "paddleocr", "supervision", "albumentations", "imgaug", needs=" ".join(_OPENCV),
    ),
    **_rows(
        "github.com/mkleehammer/pyodbc: the program in the wheel 5.5.0 names libodbc.so.2",
        "pyodbc", "aioodbc", needs="libodbc2|libodbc1",
        unknown="the ODBC driver that it loads may need other libraries",
    ),
    **_rows("python-soundfile.readthedocs.io: wheels have libsndfile since 0.11",
            "soundfile", needs="libsndfile1"),
    **_rows("python-sounddevice.readthedocs.io: needs PortAudio", "sounddevice", "pyaudio",
            needs="libportaudio2"),
    **_rows("uwsgi-docs.readthedocs.io/en/latest/Install.html: links what it finds", "uwsgi",
            "pyuwsgi", needs="libpcre2-8-0 libxml2 libssl3|libssl3t64|libssl1.1"),
    **_rows("github.com/jcupitt/pyvips: README", "pyvips", needs="libvips42|libvips42t64"),
    **_rows("github.com/libvips/pyvips: pyvips-binary has the library", "pyvips-binary"),
    **_rows("www.python-ldap.org: links OpenLDAP and SASL", "python-ldap",
            needs="libldap2|libldap-2.5-0|libldap-2.4-2 libsasl2-2"),
    **_rows(
        "github.com/pytorch/pytorch: .ci/manywheel; github.com/tensorflow/tensorflow: wheels with "
        "all but PEP 600's libraries", "torch", "torchvision", "torchaudio", "tensorflow",
        "tensorflow-cpu", "jaxlib", "faiss-cpu", "catboost",
    ),
    **_rows("github.com/docker/docker-py: speaks to the engine's socket", "docker"),
    **_rows("github.com/mhammond/pywin32: has nothing for Linux", "pywin32"),
    **_rows("distro.readthedocs.io: reads os-release first", "distro"),
    **_rows("github.com/asweigart/pyautogui, pyperclip: need a desktop", "pyautogui", "pyperclip",
            "pynput", unknown="it needs a desktop"),
    **_rows("github.com/ocrmypdf/OCRmyPDF: docs/installation.md", "ocrmypdf",
            needs="ghostscript tesseract-ocr"),
    **_rows("docs.djangoproject.com: GeoDjango alone loads GDAL and GEOS, if it is used",
            "django"),
    **_rows("github.com/yt-dlp/yt-dlp: README: ffmpeg is strongly recommended", "yt-dlp",
            "youtube-dl", needs="ffmpeg"),
    **_rows("github.com/docker/compose, ansible: reach machines by ssh", "ansible",
            "ansible-core", "ansible-runner", needs="openssh-client"),
}  # fmt: skip

# Source: the repositories of these families (googleapis/google-cloud-python, Azure/azure-sdk-for-
# python, open-telemetry/opentelemetry-python-contrib, python/typeshed, apache/airflow: providers,
# langchain-ai/langchain, run-llama/llama_index): clients and plug-ins of source text alone.
_PURE_FAMILIES: Final = re.compile(
    r"(?:google-cloud|azure|opentelemetry|mypy-boto3|types|apache-airflow-providers|langchain"
    r"|llama-index)-.*|.*-stubs"
)

_NPM: Final[Mapping[str, Row]] = {
    **_rows(
        "github.com/Automattic/node-canvas: readme: prebuilt binaries have cairo and pango; "
        "compiled on the spot it links the machine's", "canvas",
        unknown="built from source it links cairo, pango, libjpeg, giflib and librsvg",
    ),
    **_rows("sharp.pixelplumbing.com/install: prebuilt libvips", "sharp", "@img/sharp-linux-x64",
            is_plain=True),
    **_rows("github.com/kelektiv/node.bcrypt.js: links nothing but the C++ library", "bcrypt",
            "argon2", "bufferutil", "utf-8-validate", "node-pty",
            "cpu-features", "ssh2", "farmhash", "xxhash", "leveldown", "classic-level",
            "re2", "iconv",
            "isolated-vm", "deasync", "fsevents", "usocket", "kerberos-prebuilt", "unix-dgram",
            "keytar-prebuilt", "node-expat", "libxmljs", "libxmljs2",
            "snappy", "bigint-buffer", "secp256k1", "keccak", "blake-hash", "tree-sitter"),
    **_rows("github.com/kriszyp/msgpackr-extract, kriszyp/lmdb-js, parcel-bundler/watcher: package."
            "json: the addon of each machine is an optional package of its own", "msgpackr-extract",
            "lmdb", "@parcel/watcher", is_plain=True),
    **_rows("github.com/TryGhost/node-sqlite3, WiseLibs/better-sqlite3: SQLite is compiled in",
            "sqlite3", "better-sqlite3"),
    **_rows("github.com/sass/node-sass: libsass is compiled in", "node-sass"),
    **_rows("github.com/brianc/node-libpq: links libpq", "libpq", "pg-native", needs="libpq5"),
    **_rows("github.com/Blizzard/node-rdkafka: librdkafka is compiled in, with the machine's SSL "
            "and SASL", "node-rdkafka", needs="libsasl2-2",
            unknown="it links what SSL, SASL and compression libraries its build finds"),
    **_rows("github.com/oracle/node-oracledb: thin by default", "oracledb"),
    **_rows("github.com/mongodb-js/kerberos", "kerberos", needs="libgssapi-krb5-2"),
    **_rows("pptr.dev/troubleshooting, playwright.dev/docs/browsers", "puppeteer",
            "puppeteer-core", "playwright", "playwright-core", "@playwright/test",
            "playwright-chromium", "chrome-aws-lambda", "@sparticuz/chromium", "electron",
            "nightmare", "selenium-webdriver", "cypress", "phantomjs", "phantomjs-prebuilt",
            unknown=_BROWSER),
    **_rows("github.com/fluent-ffmpeg/node-fluent-ffmpeg: starts ffmpeg", "fluent-ffmpeg",
            needs="ffmpeg"),
    **_rows("github.com/eugeneware/ffmpeg-static: has ffmpeg", "ffmpeg-static",
            "@ffmpeg-installer/ffmpeg"),
    **_rows("github.com/aheckmann/gm: starts GraphicsMagick or ImageMagick", "gm",
            needs="graphicsmagick imagemagick"),
    **_rows("github.com/steveukx/git-js: starts git", "simple-git", "nodegit-cli", needs="git"),
    **_rows("www.nodegit.org: links libcurl and krb5", "nodegit",
            needs="libgssapi-krb5-2", unknown="it links SSL and Kerberos libraries"),
    **_rows("github.com/websockets, prisma: engines find OpenSSL",
            "prisma", "@prisma/client", "@prisma/engines", needs="openssl", is_plain=True),
    **_rows("esbuild.github.io, swc.rs: one static program or addon", "esbuild", "@swc/core",
            "esbuild-wasm", "rollup", "lightningcss", "@tailwindcss/oxide", "turbo",
            "@biomejs/biome", "@esbuild/linux-x64", "next", "@next/swc-linux-x64-gnu",
            is_plain=True),
    # Each with all that it depends on: no package with an install script or a helper of node-gyp
    # among it (npm install --package-lock-only, of the versions that are named).
    **_rows("github.com/npm/cli: npm 11.21 has node-gyp, and compiles nothing of its own", "npm",
            is_plain=True),
    **_rows("github.com/pnpm/pnpm: pnpm 9 is one file of JavaScript; pnpm 12 puts a program in "
            "place that was released", "pnpm", is_plain=True),
    **_rows("github.com/yarnpkg/yarn: yarn 1.22 is JavaScript, and its preinstall is a script of "
            "Node.js", "yarn", is_plain=True),
    **_rows("github.com/microsoft/TypeScript: typescript 5 is JavaScript; typescript 7 has "
            "programs that were released", "typescript", is_plain=True),
    **_rows("github.com/TypeStrong/ts-node: ts-node 10.9", "ts-node", is_plain=True),
    **_rows("github.com/vercel/serve: serve 14.2", "serve", is_plain=True),
    **_rows("github.com/http-party/http-server: http-server 14.1", "http-server", is_plain=True),
    **_rows("github.com/remy/nodemon: nodemon 3.1; pstree.remy does without ps", "nodemon",
            is_plain=True),
    **_rows("github.com/isaacs/rimraf: rimraf 6.1", "rimraf", is_plain=True),
    **_rows("github.com/open-cli-tools/concurrently: concurrently 9.2", "concurrently",
            is_plain=True),
    **_rows("github.com/kentcdodds/cross-env: cross-env 10.1", "cross-env", is_plain=True),
    **_rows("github.com/nestjs/nest-cli: @nestjs/cli 12.0", "@nestjs/cli", is_plain=True),
    **_rows("github.com/gulpjs/gulp-cli: gulp-cli 3.1", "gulp-cli", is_plain=True),
    **_rows("github.com/gruntjs/grunt-cli: grunt-cli 1.5", "grunt-cli", is_plain=True),
    **_rows("github.com/typicode/json-server: json-server 0.17", "json-server", is_plain=True),
    **_rows("github.com/keymetrics/docker-pm2/issues/73: pm2 7.0 stops programs with ps", "pm2",
            needs="procps", is_plain=True),
}  # fmt: skip

_RUBYGEMS: Final[Mapping[str, Row]] = {
    **_rows("nokogiri.org/tutorials/installing_nokogiri.html: has libxml2 and libxslt, native or "
            "compiled", "nokogiri"),
    **_rows("github.com/sparklemotion/sqlite3-ruby: INSTALLATION.md: has SQLite since 1.5",
            "sqlite3", needs="libsqlite3-0"),
    **_rows("github.com/libvips/ruby-vips: README", "ruby-vips", "image_processing",
            needs="libvips42|libvips42t64"),
    **_rows("github.com/rmagick/rmagick: README", "rmagick",
            needs="libmagickwand-6.q16-6|libmagickwand-7.q16-10"),
    **_rows("github.com/minimagick/minimagick: README", "mini_magick", needs="imagemagick"),
    **_rows("github.com/grpc/grpc, protocolbuffers: compiled whole", "grpc", "google-protobuf"),
    **_rows("github.com/mileszs/wicked_pdf: README", "wicked_pdf", "pdfkit", needs="wkhtmltopdf"),
    **_rows("github.com/zakird/wkhtmltopdf_binary_gem: has the program", "wkhtmltopdf-binary",
            unknown="its program links X11 and font libraries"),
    **_rows("github.com/ffi/ffi: has libffi or links the machine's", "ffi",
            needs="libffi8|libffi7"),
    **_rows("github.com/typhoeus/ethon: loads libcurl", "ethon", "typhoeus",
            needs="libcurl4|libcurl4t64"),
    **_rows("github.com/SeleniumHQ/selenium, rubycdp/ferrum", "selenium-webdriver", "ferrum",
            "cuprite", "grover", "watir", unknown=_BROWSER),
    **_rows("github.com/rubyjs/mini_racer, libv8-node: has V8", "mini_racer", "libv8-node"),
    **_rows("github.com/rails/execjs: finds a JavaScript runtime", "execjs", "uglifier", "terser",
            unknown="it needs a JavaScript runtime while assets are compiled"),
    **_rows("github.com/oracle/ruby-oci8", "ruby-oci8", unknown="it links Oracle's client"),
    **_rows("github.com/rails-sqlserver/tiny_tds", "tiny_tds", needs="libsybdb5"),
}  # fmt: skip

# Source: github.com/mlocati/docker-php-extension-installer: install-php-extensions at e50aeb2f5425,
# the lists of persistent packages; extensions with none there need nothing but PHP.
_PHP: Final[Mapping[str, Row]] = {
    name: Row("mlocati/docker-php-extension-installer e50aeb2f5425", tuple(needs.split()))
    for name, needs in {
        "amqp": "librabbitmq4", "apcu": "", "bcmath": "", "bz2": "", "calendar": "", "ctype": "",
        "curl": "libcurl4|libcurl4t64", "dom": "libxml2", "ds": "", "exif": "", "ffi": "",
        "enchant": "libenchant-2-2", "event": "libevent-2.1-7|libevent-2.1-7t64 "
        "libevent-openssl-2.1-7|libevent-openssl-2.1-7t64 libevent-extra-2.1-7|"
        "libevent-extra-2.1-7t64 libevent-pthreads-2.1-7|libevent-pthreads-2.1-7t64",
        "fileinfo": "", "filter": "", "gd": "libpng16-16|libpng16-16t64", "gettext": "", "gmp": "",
        "gnupg": "libgpgme11|libgpgme11t64", "hash": "", "iconv": "", "igbinary": "",
        "imagick": "libmagickwand-6.q16-6|libmagickwand-7.q16-10 "
        "libmagickcore-6.q16-6-extra|libmagickcore-7.q16-10-extra",
        "imap": "libc-client2007e", "intl": "libicu67|libicu72|libicu76", "json": "",
        "ldap": "libldap2|libldap-2.5-0|libldap-2.4-2", "maxminddb": "libmaxminddb0",
        "mbstring": "libonig5", "mcrypt": "libmcrypt4", "memcached": "libmemcachedutil2|"
        "libmemcachedutil2t64 libmemcached11|libmemcached11t64", "mongodb": "", "msgpack": "",
        "mysqli": "", "oauth": "", "opcache": "", "openswoole": "", "pcntl": "", "pcov": "",
        "pdo": "", "pdo_dblib": "libsybdb5", "pdo_mysql": "", "pdo_odbc": "libodbc2|libodbc1",
        "pdo_pgsql": "libpq5", "pdo_sqlite": "libsqlite3-0", "pgsql": "libpq5", "phar": "",
        "posix": "", "pspell": "libaspell15", "rdkafka": "librdkafka1", "redis": "", "session": "",
        "shmop": "", "simplexml": "libxml2", "snmp": "libsnmp40|libsnmp40t64", "soap": "libxml2",
        "sockets": "", "sodium": "libsodium23", "sqlsrv": "libodbc2|libodbc1",
        "ssh2": "libssh2-1|libssh2-1t64", "sysvmsg": "", "sysvsem": "", "sysvshm": "",
        "tidy": "libtidy5deb1|libtidy58", "tokenizer": "", "uuid": "", "xdebug": "",
        "xml": "libxml2", "xmlreader": "libxml2", "xmlrpc": "libxml2", "xmlwriter": "libxml2",
        "xsl": "libxslt1.1", "yaml": "libyaml-0-2", "zip": "libzip4|libzip4t64|libzip5",
        "zmq": "libzmq5", "dba": "", "ftp": "libssl3|libssl3t64|libssl1.1", "grpc": "",
        "protobuf": "", "excimer": "", "ast": "", "inotify": "", "raphf": "",
    }.items()
}  # fmt: skip

_CURATED: Final = {"pypi": _PYPI, "npm": _NPM, "rubygems": _RUBYGEMS, "php": _PHP}


def needs_of(ecosystem: str, package: str, releases: Sequence[Release]) -> Needs:
    """Returns what a package of a language needs from the distribution.

    ``ecosystem`` is ``pypi``, ``npm``, ``rubygems``, or ``php`` for an extension that
    docker-php-ext-install or PECL builds (``gd``). ``unknown`` says so where nothing is known of
    the package, or where the ``releases`` differ.
    """
    name = _normal(ecosystem, package)
    if not releases and not _is_needless(ecosystem, name):
        return Needs(unknown="the distribution's release is not known")
    answers = needs_by_release(ecosystem, package, releases)
    unknown = next((each for each in answers.values() if each.unknown), None)
    if unknown is not None or not answers:
        return unknown or Needs()
    packages = debian.in_all({release: each.packages for release, each in answers.items()})
    compiled = debian.in_all({release: each.compiled for release, each in answers.items()})
    if packages is None:
        names = ", ".join(release.name for release in releases)
        return Needs(unknown=f"what {package} needs is not the same in {names}", compiled=None)
    are_plain = all(each.is_plain for each in answers.values())
    return Needs(packages, compiled=compiled, is_plain=are_plain)


def needs_by_release(
    ecosystem: str, package: str, releases: Sequence[Release]
) -> Mapping[Release, Needs]:
    """Returns what `needs_of` answers for each of the releases alone."""
    name = _normal(ecosystem, package)
    return {release: _needs_in(ecosystem, name, release) for release in releases}


def _normal(ecosystem: str, package: str) -> str:
    if ecosystem == "pypi":
        return re.sub(r"[-_.]+", "-", package.partition("[")[0]).lower()
    return package if ecosystem == "rubygems" else package.lower()


def _is_needless(ecosystem: str, name: str) -> bool:
    """Whether it needs nothing in whatever release, so that none has to be known."""
    row = _CURATED.get(ecosystem, {}).get(name)
    if row is not None:
        return not row.needs and row.unknown is None
    known = _table().get((ecosystem, name))
    if known is not None:
        return not known.has_needs or (known.is_compiled and _has_wheel(ecosystem, name))
    return _is_source_text(ecosystem, name)


def _needs_in(ecosystem: str, name: str, release: Release) -> Needs:
    row = _CURATED.get(ecosystem, {}).get(name)
    if row is not None:
        needs = _named(row.needs, release)
        return replace(needs, unknown=row.unknown or needs.unknown, is_plain=row.is_plain)
    known = _table().get((ecosystem, name))
    if known is None:
        if _is_source_text(ecosystem, name):
            return Needs()
        return Needs(unknown=f"nothing is known of {name}")
    found = _found(known, release)
    if known.is_compiled and _has_wheel(ecosystem, name):
        return Needs(compiled=found)
    if found is None:
        return Needs(unknown=f"what {name} needs in {release.name} is not known")
    # Debian puts what is compiled of some Python packages into a package of its own.
    return Needs(found, is_plain=not known.is_compiled and ecosystem != "pypi")


def _has_wheel(ecosystem: str, name: str) -> bool:
    return ecosystem == "pypi" and _wheels().get(name) in ("wheel", "pure")


def _is_source_text(ecosystem: str, name: str) -> bool:
    """Whether it needs nothing though Debian does not have it: a wheel brings what it needs."""
    if ecosystem != "pypi":
        return False
    kind = _wheels().get(name)
    return kind in ("wheel", "pure") or (kind is None and bool(_PURE_FAMILIES.fullmatch(name)))


def _named(needs: tuple[str, ...], release: Release) -> Needs:
    """Returns the packages of the release that a row's words stand for."""
    if not needs:
        return Needs()
    if release.distribution == "alpine":
        names = [alpine.of_debian(each.split("|")[0]) for each in needs]
        known = tuple(sorted({name for each in names if each is not None for name in each}))
        missing = None in names
        return Needs(known, "Alpine's name of a library is not known" if missing else None)
    index = debian.index(release)
    if index is None:
        return Needs(unknown=f"the packages of {release.name} are not known")
    found = [next((name for name in each.split("|") if name in index), None) for each in needs]
    if None in found:
        return Needs(unknown=f"{release.name} has no {' or '.join(needs)}")
    return Needs(index.leading(name for name in found if name is not None))


@dataclass(frozen=True, slots=True)
class _Known:
    """A row of the table: by release (``*`` for all) the packages; none for source text alone."""

    by_release: Mapping[str, tuple[str, ...]]
    is_compiled: bool = False

    @property
    def has_needs(self) -> bool:
        return any(self.by_release.values())


def _found(known: _Known, release: Release) -> tuple[str, ...] | None:
    if not known.has_needs:
        return ()
    if release.distribution == "alpine":
        first = next(iter(known.by_release.values()))
        names = [alpine.of_debian(name) for name in first]
        if None in names:
            return None
        return tuple(sorted({name for each in names if each is not None for name in each}))
    if release.distribution != "debian" or release.name not in debian.TABLES:
        return None
    return known.by_release.get(release.name, known.by_release.get("*"))


@lru_cache(maxsize=1)
def _table() -> Mapping[tuple[str, str], _Known]:
    table: dict[tuple[str, str], _Known] = {}
    pure = _Known({})
    for line in stored.lines("languages"):
        ecosystem, kind, *words = line.split(" ")
        if kind == "pure":
            table.update(dict.fromkeys(((ecosystem, word) for word in words), pure))
        else:
            by_release = {}
            for word in words[1:]:
                release, _, names = word.partition(":")
                by_release[release] = tuple(name for name in names.split(",") if name)
            table[ecosystem, words[0]] = _Known(by_release, kind == "links")
    return table


@lru_cache(maxsize=1)
def _wheels() -> Mapping[str, str]:
    """What pip finds for a package of Python: ``pure``, ``wheel`` or ``sdist``."""
    rows = (line.split(" ") for line in stored.lines("wheels"))
    return {name: kind for kind, *names in rows for name in names}
