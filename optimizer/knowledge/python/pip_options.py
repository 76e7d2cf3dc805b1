"""The command lines of pip and uv pip, and the settings that variables and pip.conf add to them.

Sources: pypa/pip src/pip/_internal/cli/cmdoptions.py, commands/{install,wheel,download}.py,
configuration.py; `uv pip install --help` and `uv pip sync --help` of uv 0.13.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from optimizer.knowledge.installs import Call

# Options whose values say what is read or written; one name for pip's and uv's spellings.
_NAMED: Mapping[str, str] = {
    "-r": "requirement", "--requirement": "requirement", "--requirements": "requirement",
    "-c": "constraint", "--constraint": "constraint", "--constraints": "constraint",
    "--build-constraint": "constraint", "--build-constraints": "constraint",
    "--override": "constraint", "--overrides": "constraint",
    "--exclude": "constraint", "--excludes": "constraint",
    "--requirements-from-script": "script", "-e": "editable", "--editable": "editable",
    "--group": "group", "-f": "find-links", "--find-links": "find-links",
    "-i": "index", "--index-url": "index", "--pypi-url": "index", "--extra-index-url": "index",
    "--index": "index", "--default-index": "index",
    "-t": "target", "--target": "target", "--prefix": "prefix", "--root": "root",
    "--src": "src", "--source": "src", "--source-dir": "src", "--source-directory": "src",
    "--cert": "file", "--client-cert": "file", "--config-file": "file",
    "--cache-dir": "cache", "--log": "output", "--log-file": "output", "--local-log": "output",
    "--report": "output", "-w": "output", "--wheel-dir": "output", "-d": "output",
    "--dest": "output", "--download-dir": "output",
    "--python": "python", "--directory": "directory", "--project": "directory",
}  # fmt: skip
_UV_SPELLINGS = frozenset(
    ("--requirements", "--constraints", "--build-constraints", "--override", "--overrides",
     "--exclude", "--excludes", "--index", "--default-index", "--config-file", "--directory",
     "--project")
)  # fmt: skip
_PIP_VALUED_NAMES = """
    --platform --python-version --implementation --abi --upgrade-strategy -C --config-settings
    --progress-bar --root-user-action --all-releases --only-final --no-binary --only-binary
    --refresh-package --uploaded-prior-to --keyring-provider --proxy --retries --timeout
    --default-timeout --exists-action --trusted-host --use-feature --use-deprecated
    --resume-retries --global-option --install-option --build-option
"""
_PIP_BOOLEANS_NAMES = """
    --no-deps --no-dependencies --only-deps --only-dependencies --dry-run --user --no-user -U
    --upgrade --force-reinstall -I --ignore-installed --ignore-requires-python
    --no-build-isolation --use-pep517 --no-use-pep517 --check-build-dependencies
    --break-system-packages --compile --no-compile --no-warn-script-location --no-warn-conflicts
    --require-hashes --no-require-hashes --no-clean --pre --prefer-binary --no-index -h --help
    --debug --isolated --require-virtualenv --require-venv -v --verbose -q --quiet --no-input
    --no-proxy-env --no-cache-dir --disable-pip-version-check --no-color
    --no-python-version-warning -V --version --process-dependency-links --allow-all-external
    --no-verify
"""
_UV_VALUED_NAMES = """
    --extra --no-editable-package --no-binary --only-binary --python-version --python-platform
    --output-format --torch-backend --index-strategy --keyring-provider -P --upgrade-package
    --upgrade-group --resolution --prerelease --prerelease-package --fork-strategy
    --exclude-newer --exclude-newer-package --no-sources-package --reinstall-package --link-mode
    -C --config-setting --config-settings --config-settings-package --no-build-isolation-package
    --refresh-package -p --color --allow-insecure-host --trusted-host --python-preference
    --python-fetch
"""
_UV_BOOLEANS_NAMES = """
    --no-editable --all-extras --no-deps --require-hashes --no-require-hashes --verify-hashes
    --no-verify-hashes --require-build-hashes --system --no-system --break-system-packages
    --no-break-system-packages --no-build --build --exact --inexact --strict --dry-run --check
    --user --no-index -U --upgrade --no-upgrade --no-sources --reinstall --force-reinstall
    --compile-bytecode --compile --no-compile-bytecode --no-compile --no-build-isolation
    --build-isolation -n --no-cache --no-cache-dir --refresh --managed-python
    --no-managed-python --no-python-downloads -q --quiet -v --verbose --system-certs
    --native-tls --offline --no-offline --no-progress --no-config --isolated --pre
    --disable-pip-version-check -h --help -V --version --allow-empty-requirements --preview
    --no-preview
"""
_PIP_VALUED = frozenset(_PIP_VALUED_NAMES.split())
_PIP_BOOLEANS = frozenset(_PIP_BOOLEANS_NAMES.split())
_UV_VALUED = frozenset(_UV_VALUED_NAMES.split())
_UV_BOOLEANS = frozenset(_UV_BOOLEANS_NAMES.split())


@dataclass(frozen=True, slots=True)
class Options:
    """A command line: ``values`` of named options in order, ``words`` that stand alone."""

    words: tuple[str, ...]
    values: Mapping[str, tuple[str, ...]]
    flags: frozenset[str] = frozenset()
    unknown: tuple[str, ...] = ()

    def all(self, name: str) -> tuple[str, ...]:
        """Returns every value of the option ``name``."""
        return self.values.get(name, ())


def read_options(words: Sequence[str], uv: bool) -> Options:
    """Reads the words after ``pip`` or ``uv``; for pip, long options may be abbreviated."""
    booleans, valued = (_UV_BOOLEANS, _UV_VALUED) if uv else (_PIP_BOOLEANS, _PIP_VALUED)
    known = booleans | valued | (_NAMED.keys() - (() if uv else _UV_SPELLINGS))
    rest: list[str] = []
    values: dict[str, list[str]] = {}
    flags: set[str] = set()
    unknown: list[str] = []
    queue = list(reversed(words))
    while queue:
        word = queue.pop()
        if word == "--":
            rest.extend(reversed(queue))
            break
        if not word.startswith("-") or word == "-":
            rest.append(word)
            continue
        name, equals, value = word.partition("=")
        if word[:2] != "--" and len(word) > 2:
            # A cluster of short options: the first takes the rest as its value, or is switched on.
            name, equals, value = word[:2], "=", word[2:].removeprefix("=")
            if name in booleans:
                queue.append("-" + value)
                equals = ""
        name = name if uv else _full_name(name, known)
        if name in booleans:
            flags.add(name)
        elif name in known:
            if not equals:
                value = queue.pop() if queue else ""
            values.setdefault(_NAMED.get(name, name), []).append(value)
        else:
            unknown.append(word)
    return Options(
        tuple(rest),
        {name: tuple(found) for name, found in values.items()},
        frozenset(flags),
        tuple(unknown),
    )


def _full_name(name: str, known: frozenset[str] | set[str]) -> str:
    if name in known or not name.startswith("--") or len(name) < 4:
        return name
    fitting = [option for option in known if option.startswith(name)]
    return fitting[0] if len(fitting) == 1 else name


# configuration.py: PIP_<OPTION>; `uv pip` reads UV_<OPTION> (docs: "Environment variables").
_FROM_ENVIRONMENT: Mapping[str, str] = {
    "requirement": "requirement", "constraint": "constraint", "build-constraint": "constraint",
    "override": "constraint", "editable": "editable", "group": "group",
    "find-links": "find-links", "index-url": "index", "extra-index-url": "index",
    "index": "index", "default-index": "index", "target": "target", "prefix": "prefix",
    "root": "root", "src": "src", "cert": "file", "client-cert": "file", "config-file": "file",
    "cache-dir": "cache", "log": "output", "python": "python", "project": "directory",
    "working-directory": "directory", "requirements-from-script": "script",
}  # fmt: skip
_FLAGS_FROM_ENVIRONMENT = ("user", "no-build-isolation")


@dataclass(slots=True)
class Settings:
    """What the command line, the environment and the configuration files say together."""

    words: tuple[str, ...]
    values: dict[str, list[str]] = field(default_factory=dict)
    flags: set[str] = field(default_factory=set)

    def all(self, name: str) -> list[str]:
        """Returns every value of the option ``name``, from all places."""
        return self.values.get(name, [])

    def add(self, pairs: Iterator[tuple[str, str]]) -> None:
        """Takes over settings such as ``("find-links", "wheels more")``."""
        for key, value in pairs:
            if (name := _FROM_ENVIRONMENT.get(key)) is not None:
                self.values.setdefault(name, []).extend(value.split())
            elif key in _FLAGS_FROM_ENVIRONMENT and value.lower() not in ("0", "false", "no", ""):
                self.flags.add(f"--{key}")


def in_force(options: Options, call: Call, uv: bool) -> Settings:
    """Returns the settings of the command line and of the variables in the environment."""
    settings = Settings(options.words, {k: [*v] for k, v in options.values.items()})
    settings.flags.update(options.flags)
    prefix = "UV_" if uv else "PIP_"
    settings.add(
        (name.removeprefix(prefix).replace("_", "-").lower(), value)
        for name, value in call.env.items()
        if name.startswith(prefix)
    )
    return settings


def read_pip_conf(text: str, command: str) -> Iterator[tuple[str, str]]:
    """Yields the settings of a pip.conf for ``command``; raises `configparser.Error`.

    configuration.py: RawConfigParser, sections [global] and [<command>].
    """
    import configparser

    parser = configparser.RawConfigParser()
    parser.read_string(text)
    for section in ("global", command):
        if parser.has_section(section):
            for key, value in parser.items(section):
                yield re.sub("_", "-", key).removeprefix("--"), value
