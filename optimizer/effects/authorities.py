"""Whether what runs in a stage looks for the certificates of authorities, and where it can take
their list from.

Debian's ca-certificates is one list of authorities, and links for programs that look for one of
them by its hash, as OpenSSL does. Programs that bring their own TLS read the list alone
(golang/go, src/crypto/x509/root_linux.go: certFiles; crates openssl-probe and
rustls-native-certs), so a file from a builder stage is all that they need.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final, Protocol

from optimizer.effects.brought import Brought
from optimizer.effects.copies import StageFiles
from optimizer.effects.effects import CommandEffects, Effects
from optimizer.effects.taken import chain
from optimizer.effects.version import Version
from optimizer.knowledge.distribution.full import has_authorities
from optimizer.knowledge.ecosystems import unwrapped
from optimizer.knowledge.official import place_of
from optimizer.model.stages import ImageBase, Stage, StageBase

AUTHORITIES: Final = "/etc/ssl/certs/ca-certificates.crt"
"""The list of Debian's ca-certificates (update-ca-certificates(8))."""

_OF_AUTHORITIES: Final = re.compile(r"ca-certificates|/etc/ssl|/usr/lib/ssl|SSL_CERT|CA_BUNDLE")
_PLACES: Final = ("/etc/ssl", "/etc/ca-certificates", "/usr/local/share/ca-certificates")
_LEAVE_IT: Final = frozenset(("apt", "apt-get", "cargo", "go", "rustc", "rustup"))
"""Programs that leave the list as it is, unless they are told to install ca-certificates; what
the build scripts of a project do besides is what the reviewer is told."""


class Seen(Version, Protocol):
    """What of a view is asked; `optimizer.view.View` is one."""

    @property
    def files_at_end(self) -> Callable[[Stage], StageFiles]: ...


def may_look_for_authorities(seen: Seen, stage: Stage, lies_there: Brought) -> bool:
    """Tells whether anything that ``lies_there`` in ``stage`` may look for certificates; programs
    of the distribution are for the caller."""
    if lies_there.unknown or _names_authorities(seen, stage):
        return True
    steps = (step for each in seen.stages.needed for step in each.steps)
    if any(isinstance(source, ImageBase) for step in steps for source in step.sources):
        return True
    return any(each.needs is None or "certificates" in each.needs for each in lies_there.found)


def copied_list(seen: Seen, stage: Stage, lies_there: Brought) -> str | None:
    """Returns the name of a stage, as ``stage`` writes it behind ``--from``, whose list of
    authorities serves all that ``lies_there``; None where there is none.

    That is where all of it is machine code that links no library of the distribution but the C
    library, so that its TLS is its own, and where the list is as the stage's image has it.
    """
    if lies_there.unknown or _names_authorities(seen, stage):
        return None
    if any(each.package is not None or each.builds_on != () for each in lies_there.found):
        return None
    named = dict(_copied_from(stage))
    return next((name for name, source in named.items() if _has_the_list(seen, source)), None)


def _copied_from(stage: Stage) -> Iterator[tuple[str, Stage]]:
    """Yields the stages that ``stage`` copies from and that stand above its FROM, by what it calls
    them."""
    root = [*chain(stage)][-1]
    for step in (step for each in chain(stage) for step in each.steps):
        name = step.instruction.flag("from") if step.instruction.keyword == "COPY" else None
        if name is not None and re.fullmatch(r"[\w.-]+", name):
            sources = (each.stage for each in step.sources if isinstance(each, StageBase))
            yield from ((name, source) for source in sources if source.index < root.index)


def _names_authorities(seen: Seen, stage: Stage) -> bool:
    steps = (step for each in chain(stage) for step in each.steps)
    return any(_OF_AUTHORITIES.search(seen.dockerfile.text(s.instruction.code)) for s in steps)


def _has_the_list(seen: Seen, stage: Stage) -> bool:
    """Whether the image of ``stage`` has the list, and the stage leaves it as it is."""
    base = [*chain(stage)][-1].base
    if not isinstance(base, ImageBase) or _names_authorities(seen, stage):
        return False
    tag = base.reference.tag or "latest"
    bare = base.text.partition("@")[0].removesuffix(f":{tag}")
    place = place_of(bare, base.reference.familiar)
    if place is None or not has_authorities(place.name, tag):
        return False
    files = seen.files_at_end(stage)
    if any(files.kind(path) is not None for path in _PLACES):
        return False
    return not any(_may_change(each) for each in _commands(seen, stage))


def _commands(seen: Seen, stage: Stage) -> Iterator[CommandEffects | Effects]:
    for step in (step for each in chain(stage) for step in each.steps):
        if step.instruction.keyword == "RUN":
            effects = seen.effects(step)
            if effects.obstacle is not None and not effects.commands:
                yield effects
            yield from effects.commands


def _may_change(effects: CommandEffects | Effects) -> bool:
    if isinstance(effects, CommandEffects) and effects.call is not None:
        call = unwrapped(effects.call)
        if call is not None and call.program in _LEAVE_IT:
            return False
    return any(effects.writes.covers(path) for path in _PLACES)
