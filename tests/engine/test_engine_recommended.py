"""What the tables say that packages recommend is what apt-get installs in an image of the release,
and leaves out with ``--no-install-recommends``."""

from __future__ import annotations

from pathlib import Path

import pytest

from optimizer.knowledge.distribution import debian
from optimizer.knowledge.distribution.recommended import recommended, with_recommended
from optimizer.knowledge.released import Release
from tests.engine.bases import BOOKWORM, provide
from tests.engine.build import build
from tests.engine.daemon import Engine

pytestmark = pytest.mark.engine

RELEASE = Release("debian", "bookworm")
WHOLE = "cron curl git gnupg libpq-dev openssh-client wget"
"""Packages that recommend, through however many others, what the table knows whole."""
IN_PART = "build-essential gcc imagemagick python3-pip"
"""Packages that recommend some of which the table does not know what they need."""
SIMULATION = f"""\
FROM {BOOKWORM}
RUN apt-get update >/dev/null; for name in {WHOLE} {IN_PART}; do \\
    for option in yes no; do \\
        apt-get -s -o APT::Install-Recommends=$option install $name \\
            | sed -n "s/^Inst /$name $option Inst /p"; \\
    done; \\
done
"""


def installed(log: str, package: str, option: str) -> set[str]:
    """Returns what apt-get would add; not those of the image that it would bring up to date, whose
    old version stands behind the name in brackets (apt-get(8), --simulate)."""
    mark = f" {package} {option} Inst "
    found = [line.partition(mark)[2].split() for line in log.splitlines() if mark in line]
    return {name for name, version, *_ in found if not version.startswith("[")}


def test_apt_get_installs_what_the_tables_say(engine: Engine, context: Path) -> None:
    provide(engine, [BOOKWORM])
    (context / "Dockerfile").write_text(SIMULATION)
    index = debian.index(RELEASE)
    assert index is not None

    done = build(engine, context)

    assert done.ok, done.log
    for package in f"{WHOLE} {IN_PART}".split():
        more, less = (installed(done.log, package, option) for option in ("yes", "no"))
        assert {*(index.closure([package]) or ())} == less, package
        said = with_recommended(index, RELEASE, [package]) - less
        assert {*recommended(package, RELEASE)} - less <= said <= more - less, package
        assert (said == more - less) == (package in WHOLE.split()), package
        assert said, package
