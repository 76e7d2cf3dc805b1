"""Maven's command line: options, goals and phases.

Source: maven-embedder, org.apache.maven.cli.CLIManager of 3.8 and 3.9 (`mvn --help`), with the
options that 4.0 adds (org.apache.maven.cling.invoker.mvn.CommonsCliMavenOptions).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_VALUED: Mapping[str, str] = {
    "b": "builder", "color": "color", "D": "define", "f": "file", "gs": "global-settings",
    "gt": "global-toolchains", "l": "log-file", "P": "activate-profiles", "pl": "projects",
    "rf": "resume-from", "s": "settings", "t": "toolchains", "T": "threads",
    "ps": "project-settings", "is": "install-settings", "it": "install-toolchains",
    "emp": "encrypt-master-password", "ep": "encrypt-password",
}  # fmt: skip
_PLAIN: Mapping[str, str] = {
    "am": "also-make", "amd": "also-make-dependents", "B": "batch-mode", "C": "strict-checksums",
    "c": "lax-checksums", "cpu": "check-plugin-updates", "e": "errors", "fae": "fail-at-end",
    "ff": "fail-fast", "fn": "fail-never", "h": "help", "itr": "ignore-transitive-repositories",
    "llr": "legacy-local-repository", "N": "non-recursive", "npr": "no-plugin-registry",
    "npu": "no-plugin-updates", "nsu": "no-snapshot-updates", "ntp": "no-transfer-progress",
    "o": "offline", "q": "quiet", "U": "update-snapshots", "up": "update-plugins",
    "v": "version", "V": "show-version", "X": "debug", "cs": "cache-artifact-not-found",
    "r": "resume", "sadp": "strict-artifact-descriptor-policy", "ni": "non-interactive",
}  # fmt: skip
_LONG_VALUED = frozenset(_VALUED.values())
_LONG_PLAIN = frozenset((*_PLAIN.values(), "verbose", "force-interactive", "raw-streams"))
_PROPERTY = re.compile(r"-D(?P<text>.+)", re.DOTALL)
_ATTACHED = re.compile(r"-(?P<name>gs|gt|pl|rf|[blPstTf])=?(?P<value>.+)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Option:
    """One option by its long name, with its value ("" where it takes none), as it was written."""

    name: str
    value: str
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Line:
    """What stands behind `mvn`: ``goals`` are goals and phases; ``unknown`` is the first option
    that no Maven has."""

    options: tuple[Option, ...]
    goals: tuple[str, ...]
    unknown: str | None

    def has(self, *names: str) -> bool:
        """Tells whether one of the options ``names`` is given."""
        return any(option.name in names for option in self.options)

    def value(self, name: str) -> str | None:
        """Returns the value of the option ``name``; the first counts, as in commons-cli."""
        return next((option.value for option in self.options if option.name == name), None)

    @property
    def properties(self) -> dict[str, str]:
        """The properties that ``-D`` sets; one without a value is ``true``."""
        found = {}
        for option in self.options:
            if option.name == "define":
                name, equals, value = option.value.partition("=")
                found[name.strip()] = value if equals else "true"
        return found


def read_line(words: Sequence[str]) -> Line:
    """Reads the words behind the program."""
    options: list[Option] = []
    goals: list[str] = []
    unknown = None
    queue = list(reversed(words))
    while queue:
        word = queue.pop()
        if not word.startswith("-") or word == "-":
            goals.append(word)
            continue
        found = _option(word, queue)
        if found is None:
            unknown = unknown or word
        else:
            options.append(found)
    return Line(tuple(options), tuple(goals), unknown)


def _option(word: str, queue: list[str]) -> Option | None:
    """Reads one option; its value may be the next of ``queue``, whose end is its front."""
    bare, equals, attached = word.lstrip("-").partition("=")
    if match := _PROPERTY.fullmatch(word):
        return Option("define", match["text"], (word,))
    name = bare if bare in _LONG_VALUED else _VALUED.get(bare)
    if name is not None:
        if equals:
            return Option(name, attached, (word,))
        value = queue.pop() if queue else ""
        return Option(name, value, (word, value))
    if bare in _LONG_PLAIN or bare in _PLAIN:
        return Option(_PLAIN.get(bare, bare), attached, (word,))
    if not word.startswith("--") and (match := _ATTACHED.fullmatch(word)):
        return Option(_VALUED[match["name"]], match["value"], (word,))
    return None


LIFECYCLE = frozenset(
    {
        "validate", "initialize", "generate-sources", "process-sources", "generate-resources",
        "process-resources", "compile", "process-classes", "generate-test-sources",
        "process-test-sources", "generate-test-resources", "process-test-resources",
        "test-compile", "process-test-classes", "test", "prepare-package", "package",
        "pre-integration-test", "integration-test", "post-integration-test", "verify", "install",
        "deploy", "pre-clean", "clean", "post-clean", "pre-site", "site", "post-site",
        "site-deploy",
    }
)  # fmt: skip
"""The phases ("Introduction to the Build Lifecycle", Lifecycle Reference)."""
