"""Programs that start another one which stands behind them: ``tini -- node server.js``."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from optimizer.knowledge.installs import HOLE


@dataclass(frozen=True, slots=True)
class _Launcher:
    """``verbs`` are the words of which one stands first; ``valued`` options take the next word;
    ``operands`` words stand in front of the program, then assignments. With ``separator`` the
    program stands behind ``--`` and nowhere else."""

    source: str
    verbs: tuple[str, ...] = ()
    valued: frozenset[str] = frozenset()
    operands: int = 0
    separator: bool = False


def _row(
    source: str, verbs: str = "", valued: str = "", operands: int = 0, separator: bool = False
) -> _Launcher:
    return _Launcher(source, tuple(verbs.split()), frozenset(valued.split()), operands, separator)


_TINI: Final = _row("https://github.com/krallin/tini: README", valued="-p -e")
_UTIL_LINUX: Final = "util-linux and coreutils, manual pages"

LAUNCHERS: Final[Mapping[str, _Launcher]] = {
    **dict.fromkeys(("tini", "tini-static", "docker-init"), _TINI),
    "dumb-init": _row("https://github.com/Yelp/dumb-init: README", valued="-r --rewrite"),
    "catatonit": _row("https://github.com/openSUSE/catatonit: README"),
    "gosu": _row("https://github.com/tianon/gosu: README", operands=1),
    "su-exec": _row("https://github.com/ncopa/su-exec: README", operands=1),
    "chpst": _row("runit, chpst(8)", valued="-u -U -b -e -/ -n -l -L -m -d -o -p -f -c -t"),
    "s6-setuidgid": _row("https://skarnet.org/software/s6/s6-setuidgid.html", operands=1),
    "with-contenv": _row("https://github.com/just-containers/s6-overlay: README"),
    "fixuid": _row("https://github.com/boxboat/fixuid: README"),
    "setpriv": _row(
        _UTIL_LINUX,
        valued="--reuid --regid --groups --inh-caps --ambient-caps --bounding-set --securebits",
    ),
    "env": _row(_UTIL_LINUX, valued="-u --unset -C --chdir"),
    "exec": _row("POSIX.1-2024, 2.15"),
    "nice": _row(_UTIL_LINUX, valued="-n"),
    "ionice": _row(_UTIL_LINUX, valued="-c -n"),
    "nohup": _row(_UTIL_LINUX),
    "setsid": _row(_UTIL_LINUX),
    "stdbuf": _row(_UTIL_LINUX, valued="-i -o -e"),
    "time": _row(_UTIL_LINUX, valued="-f -o"),
    "timeout": _row(_UTIL_LINUX, valued="-k -s", operands=1),
    "xargs": _row("findutils, xargs(1)", valued="-a -d -E -I -L -n -P -s"),
    "sudo": _row("sudo(8)", valued="-u -g -h -p -C -r -t -T -U -D"),
    "chroot": _row(_UTIL_LINUX, operands=1),
    "xvfb-run": _row("xvfb-run(1)", valued="-n -e -f -p -s --server-num --server-args"),
    "strace": _row("strace(1)", valued="-e -o -p -s -u"),
    "unbuffer": _row("expect, unbuffer(1)"),
    "dbus-run-session": _row("dbus-run-session(1)"),
    "wait-for-it.sh": _row("https://github.com/vishnubob/wait-for-it: README", separator=True),
    "wait-for-it": _row("https://github.com/vishnubob/wait-for-it: README", separator=True),
    "wait-for": _row("https://github.com/eficode/wait-for: README", separator=True),
    "wait-for.sh": _row("https://github.com/eficode/wait-for: README", separator=True),
    "dockerize": _row(
        "https://github.com/jwilder/dockerize: README",
        valued="-wait -template -timeout -wait-retry-interval -stdout -stderr -wait-http-header "
        "-delims",
    ),
    "poetry": _row("https://python-poetry.org/docs/cli: run", "run"),
    "pipenv": _row("https://pipenv.pypa.io: run", "run"),
    "pdm": _row("https://pdm-project.org: run", "run", "-p --project -s --site-packages"),
    "uv": _row(
        "https://docs.astral.sh/uv/reference/cli: run",
        "run",
        "--with --extra --group --python -p --env-file --project --directory --package --no-group "
        "--only-group --with-requirements",
    ),
    "hatch": _row("https://hatch.pypa.io: run", "run"),
    "rye": _row("https://rye.astral.sh: run", "run"),
    "conda": _row("https://docs.conda.io: conda run", "run", "-n --name -p --prefix --cwd"),
    "mamba": _row("https://docs.conda.io: conda run", "run", "-n --name -p --prefix --cwd"),
    "micromamba": _row("https://mamba.readthedocs.io: micromamba run", "run", "-n -p --cwd -e"),
    "bundle": _row("https://bundler.io/man/bundle-exec.1.html", "exec", "--gemfile"),
    "npx": _row("https://docs.npmjs.com/cli: npm exec", valued="-p --package -c"),
    "bunx": _row("https://bun.sh/docs/cli/bunx"),
    "cross-env": _row("https://github.com/kentcdodds/cross-env: README"),
    "cross-env-shell": _row("https://github.com/kentcdodds/cross-env: README"),
    "dotenv": _row("https://github.com/entropitor/dotenv-cli: README", valued="-e -p -v -c -f"),
    "env-cmd": _row("https://github.com/toddbluhm/env-cmd: README", valued="-f -e -r"),
    "doppler": _row("https://docs.doppler.com: run", "run", separator=True),
    "infisical": _row("https://infisical.com/docs/cli: run", "run", separator=True),
    "op": _row("https://developer.1password.com: op run", "run", separator=True),
    "chamber": _row("https://github.com/segmentio/chamber: exec", "exec", separator=True),
    "ddtrace-run": _row("https://ddtrace.readthedocs.io: ddtrace-run"),
    "newrelic-admin": _row("https://docs.newrelic.com: newrelic-admin", "run-program run-python"),
    "opentelemetry-instrument": _row(
        "https://opentelemetry.io/docs: auto-instrumentation",
        valued="--traces_exporter --metrics_exporter --service_name --exporter_otlp_endpoint",
    ),
    "scl": _row("scl(1)", "enable", separator=True),
    "watchexec": _row("https://github.com/watchexec/watchexec: watchexec(1)", separator=True),
    "reflex": _row("https://github.com/cespare/reflex: README", separator=True),
    "watchmedo": _row("https://github.com/gorakhargosh/watchdog: README", "auto-restart",
                      separator=True),
}  # fmt: skip
"""The launchers by name. Options that are not listed take no value."""

_ASSIGNMENT: Final = re.compile(r"[A-Za-z_]\w*=", re.ASCII)


def launched(words: Sequence[str]) -> tuple[str, ...] | None:
    """Returns the words of the program that ``words`` start behind a launcher, none where it
    starts nothing; None where ``words`` are no launcher's."""
    launcher = LAUNCHERS.get(words[0].rpartition("/")[2])
    if launcher is None:
        return None
    rest = list(words[1:])
    if launcher.verbs and (not rest or rest.pop(0) not in launcher.verbs):
        return None
    if launcher.separator:
        return tuple(rest[rest.index("--") + 1 :]) if "--" in rest else ()
    while rest and rest[0].startswith("-") and len(rest[0]) > 1:
        option = rest.pop(0)
        if option == "--":
            break
        if option in launcher.valued and rest:
            rest.pop(0)
    del rest[: launcher.operands]
    while rest and (rest[0] == "--" or _ASSIGNMENT.match(rest[0])):
        rest.pop(0)
    return tuple(rest)


SUPERVISORS: Final = frozenset(
    ("init", "s6-svscan", "runsvdir", "runit", "my_init", "systemd", "openrc", "monit", "circusd",
     "cron", "crond", "supercronic", "incrond", "atd", "anacron")
)  # fmt: skip
"""Programs that start what files of their own say, which are not read here: runit(8), s6-svscan,
systemd(1), cron(8) and their like."""

TEST_RUNNERS: Final = re.compile(
    r"pytest|py\.test|tox|nox|nosetests|jest|vitest|mocha|ava|karma|cypress|playwright|rspec"
    r"|phpunit|pest|behat|ctest|bats|newman|k6"
)
"""Programs whose job is to run tests: the documentation of each."""


def is_shown(word: str) -> bool:
    """Tells whether a word has a part that is known."""
    return word.strip(HOLE) != ""
