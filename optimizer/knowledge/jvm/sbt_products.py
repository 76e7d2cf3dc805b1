"""What sbt leaves for the run time: staged programs and assembled archives.

Sources: the documentation of sbt-native-packager ("Universal Plugin": stage writes
target/universal/stage) and of sbt-assembly.
"""

from __future__ import annotations

import re

from optimizer.knowledge.artefacts import is_pattern, not_known, runs_sources
from optimizer.knowledge.installs import Call, Obstacle
from optimizer.knowledge.jvm import archives
from optimizer.knowledge.manifests import resolve
from optimizer.knowledge.products import Made, Product

_LEAVES_NOTHING = re.compile(
    r"(?:.*/)?(?:update|clean|reload|compile|test|evicted|[a-z]+:compile|scalafmt\w*)"
)
_STAGES = re.compile(r"(?:(?P<project>[\w-]+)/)?(?:[A-Z]\w*/|universal:)?stage")


def product(call: Call, made: Made) -> Product | Obstacle | None:
    """Says what an `sbt` command leaves; see `optimizer.knowledge.products.Producer`."""
    blocked = runs_sources(call, made, "sbt")
    if blocked is not None:
        return blocked
    commands = [word for word in call.words[1:] if not word.startswith("-")]
    building = [command for command in commands if not _LEAVES_NOTHING.fullmatch(command)]
    if not building:
        return Product((), drops=_homes(call)) if commands else None
    named = archives.named_in(made, [call.directory])
    staged = [_STAGES.fullmatch(command) for command in building]
    if all(match is not None and match["project"] is None for match in staged):
        return _described(call, made, (resolve(call.directory, "target/universal/stage"),))
    inside = tuple(p for p in named if re.search(r"/target/", p) and not is_pattern(p))
    trees = tuple(
        re.sub(r"(/target/universal/stage|/target/pack)/.*", r"\1", path) for path in inside
    )
    if trees:
        return _described(call, made, trees)
    return not_known(
        call,
        "the build definition names the archive",
        "Let CMD name the archive in target, or use `sbt stage`.",
    )


def _homes(call: Call) -> tuple[str, ...]:
    home = call.env.get("HOME") or "/root"
    return tuple(f"{home}/{name}" for name in (".cache/coursier", ".ivy2", ".sbt"))


def _described(call: Call, made: Made, kept: tuple[str, ...]) -> Product:
    outputs = [resolve(call.directory, name) for name in ("target", "project")]
    return Product(
        tuple(dict.fromkeys(kept)),
        drops=_homes(call),
        interpreter="java",
        ecosystem="maven",
        compiles=True,
        build_only=archives.build_only(made, call.directory, outputs),
        assumes=archives.jdk_programs(made),
    )
