"""Cheap checks of a language, run inside both images: what the original passes, the other must.

Each probe names what fails, one line each; only what fails in the second image alone counts.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from posixpath import basename
from typing import Any, Final, TypeAlias

from optimizer.verify.builders import Built
from optimizer.verify.containers import Completed, Run
from optimizer.verify.entrypoint import calls
from optimizer.verify.image import Image
from optimizer.verify.promises import Check
from optimizer.verify.rootfs import Root
from optimizer.verify.verdict import Finding, Verdict

Said: TypeAlias = Callable[[Completed], Mapping[str, str]]
"""Reads what a probe said: what failed by name, each with a sentence about it."""

Lost: TypeAlias = Callable[[Completed, Completed], Sequence[str]]
"""Returns sentences about what the first answer has and the second has not."""

MARK: Final = "dockopt:"
"""Starts the lines of our own probes; packages print what they like when they are imported."""

MANIFESTS: Final = ("requirements*.txt", "requirements*.in", "pyproject.toml", "package.json")
"""Names of the dependency manifests that are read, as a COPY source would name them."""

_MOST_NAMES = 200

_PYTHON = """
import importlib, importlib.metadata, pathlib, sys

def tops(dist):
    text = dist.read_text("top_level.txt")
    if text:
        return text.split()
    files = [pathlib.PurePosixPath(str(path)) for path in dist.files or ()]
    return sorted({path.parts[0].partition(".")[0] for path in files if path.suffix == ".py"})

for name in sys.argv[1:]:
    try:
        for top in tops(importlib.metadata.distribution(name)):
            if top.isidentifier() and not top.startswith("_"):
                importlib.import_module(top)
    except BaseException as error:
        told = " ".join(str(error).split())
        print(f"\\ndockopt:{name}\\t{type(error).__name__}: {told}", flush=True)
"""
"""Imports the top-level packages of distributions (packaging.python.org, "Recording installed
projects": RECORD, and setuptools' top_level.txt)."""

_NODE = """
const {createRequire} = require('module');
const load = createRequire(process.cwd() + '/package.json');
for (const name of process.argv.slice(1)) {
  try {
    load.resolve(name);
  } catch (error) {
    // A package for import alone is there all the same.
    if (error.code === 'ERR_PACKAGE_PATH_NOT_EXPORTED') continue;
    console.log('\\ndockopt:' + name + '\\t' + String(error.message).split('\\n')[0]);
  }
}
"""
"""Resolves packages from the working directory, running none (nodejs.org/api/modules.html)."""


@dataclass(frozen=True, slots=True)
class Probe:
    """One command for inside an image; ``label`` is what notes call it."""

    label: str
    argv: tuple[str, ...]
    lost: Lost


def inside(run: Run, manifests: Mapping[str, str]) -> Check:
    """Returns the check that asks the languages of an image about what they need.

    ``manifests`` are the dependency manifests of the build context, text by path; they say
    which packages are imported or resolved. Nothing is asked where images cannot be run.
    """

    def check(before: Built, after: Built) -> Verdict:
        if before.reference is None or after.reference is None or before.image is None:
            return Verdict("kept", (), ("no checks inside the image: the builder keeps it",))
        findings: list[Finding] = []
        notes: list[str] = []
        for probe in probes(before.image, manifests):
            found = _ask(run, probe, before.reference, after.reference)
            if isinstance(found, str):
                notes.append(found)
            else:
                findings += found
        return Verdict("broken" if findings else "kept", tuple(findings), tuple(notes))

    return check


def probes(image: Image, manifests: Mapping[str, str]) -> tuple[Probe, ...]:
    """Returns what can be asked inside an image: of the languages on its PATH."""
    root = Root(image)
    return (
        *_python(root, manifests),
        *_node(root, manifests),
        *_java(root),
        *_php(root),
        *_ruby(root),
    )


def _ask(run: Run, probe: Probe, before: str, after: str) -> list[Finding] | str:
    """Returns what fails in ``after`` alone, or what the probe says where nothing does."""
    first = run(before, probe.argv)
    if first.timed_out or not first.started:
        return f"`{probe.label}` does not run in the original image"
    second = run(after, probe.argv)
    if second.timed_out:
        return [Finding(probe.label, f"`{probe.label}` has no end")]
    if not second.started:
        return [Finding(probe.label, f"`{probe.label}` does not start any more")]
    if lost := probe.lost(first, second):
        return [Finding(probe.label, sentence) for sentence in lost]
    if first.code != 0:
        return f"`{probe.label}` fails in the original image too: {_last(first)}"
    return f"`{probe.label}` says the same in both images"


def _python(root: Root, manifests: Mapping[str, str]) -> Iterator[Probe]:
    python = next((name for name in ("python", "python3") if root.which(name)), None)
    if python is None:
        return
    if any(_PIP.search(path) for path in root.files):
        yield Probe("pip check", (python, "-m", "pip", "check"), _new(_pip_lines))
    names = tuple(sorted({*_requirements(manifests), *_project_names(manifests)}))[:_MOST_NAMES]
    if names:
        yield Probe("import", (python, "-c", _PYTHON, *names), _marked("{name} cannot be imported"))


_PIP: Final = re.compile("-packages/pip/__main__[.]py$")
"""pip as a module, in ``site-packages`` or in Debian's ``dist-packages``."""


def _node(root: Root, manifests: Mapping[str, str]) -> Iterator[Probe]:
    names = tuple(sorted(_node_names(manifests)))[:_MOST_NAMES]
    if names and root.which("node") is not None:
        argv = ("node", "-e", _NODE, "--", *names)
        yield Probe("require.resolve", argv, _marked("{name} cannot be resolved"))


def _java(root: Root) -> Iterator[Probe]:
    """``--dry-run`` loads the main class and does not run it (java(1), since 9)."""
    for call in calls(root.image):
        if call.field != "HEALTHCHECK" and basename(call.argv[0]) == "java":
            argv = (call.argv[0], "--dry-run", *call.argv[1:])
            yield Probe("java --dry-run", argv, _exit("java does not find the main class"))


def _php(root: Root) -> Iterator[Probe]:
    if root.which("php") is None:
        return
    yield Probe("php -m", ("php", "-r", _EXTENSIONS), _lost_extensions)
    autoload = root.absolute("vendor/autoload.php")
    if root.entry(autoload) is not None:
        argv = ("php", "-r", "require $argv[1];", "--", autoload)
        yield Probe("vendor/autoload.php", argv, _exit("vendor/autoload.php does not load"))
    if root.which("composer") is not None and root.entry(root.absolute("composer.json")):
        yield Probe("composer check-platform-reqs", _COMPOSER, _new(_platform_lines))


_COMPOSER = ("composer", "check-platform-reqs", "--no-dev", "--no-plugins", "--no-interaction")

_EXTENSIONS = f'foreach (get_loaded_extensions() as $name) echo "{MARK}$name\\n";'


def _ruby(root: Root) -> Iterator[Probe]:
    lock = root.absolute("Gemfile.lock")
    if root.which("bundle") is not None and root.entry(lock) is not None:
        yield Probe("bundle check", ("bundle", "check"), _exit("gems are missing"))
        argv = ("ruby", "-e", _REQUIRE)
        yield Probe("Bundler.require", argv, _marked("the gems of the {name} cannot be loaded"))


_REQUIRE = f"""
begin
  require 'bundler'
  Bundler.require(:default)
rescue Exception => error
  puts "\\n{MARK}Gemfile\\t#{{error.class}}: #{{error.message.split.join(' ')}}"
end
"""
"""Loads the gems of the Gemfile as an application does that starts (bundler.io, groups)."""


def _pip_lines(completed: Completed) -> Mapping[str, str]:
    """``pip check`` prints one sentence for each conflict and exits with 1. An image without pip
    says nothing about its packages."""
    if completed.code == 0 or "No module named pip" in completed.errors:
        return {}
    lines = [line.strip() for line in completed.output.splitlines() if line.strip()]
    return {line: f"pip check: {line}" for line in lines or [_last(completed)]}


def _platform_lines(completed: Completed) -> Mapping[str, str]:
    """Composer prints a line for each requirement, which ends in ``success``, ``missing`` or
    ``failed`` (composer/composer src/Composer/Command/CheckPlatformReqsCommand.php)."""
    rows = [line.split() for line in completed.output.splitlines()]
    wrong = [row for row in rows if len(row) > 1 and row[-1] in ("missing", "failed")]
    return {row[0]: f"composer check-platform-reqs: {' '.join(row)}" for row in wrong}


def _new(said: Said) -> Lost:
    """What fails in the first answer too does not count."""

    def lost(before: Completed, after: Completed) -> Sequence[str]:
        old, new = said(before), said(after)
        return [sentence for name, sentence in new.items() if name not in old]

    return lost


def _marked(sentence: str) -> Lost:
    def said(completed: Completed) -> Mapping[str, str]:
        rows = [line.split("\t", 1) for line in _own_lines(completed)]
        found = {row[0]: f"{sentence.format(name=row[0])}: {row[-1]}" for row in rows}
        if completed.code != 0:
            found["exit code"] = f"{sentence.format(name='a package')}: {_last(completed)}"
        return found

    return _new(said)


def _exit(sentence: str) -> Lost:
    def said(completed: Completed) -> Mapping[str, str]:
        return {} if completed.code == 0 else {"exit code": f"{sentence}: {_last(completed)}"}

    return _new(said)


def _lost_extensions(before: Completed, after: Completed) -> Sequence[str]:
    gone = sorted({*_own_lines(before)} - {*_own_lines(after)})
    return [f"the PHP extension {name} is gone" for name in gone]


def _own_lines(completed: Completed) -> list[str]:
    rows = completed.output.splitlines()
    return [line.removeprefix(MARK) for line in rows if line.startswith(MARK)]


def _last(completed: Completed) -> str:
    lines = f"{completed.output}\n{completed.errors}".splitlines()
    said = next((line.strip() for line in reversed(lines) if line.strip()), "")
    return said[:300] or f"exit code {completed.code}"


def _requirements(manifests: Mapping[str, str]) -> Iterator[str]:
    """Names in requirements files (pip.pypa.io, "Requirements File Format")."""
    for path, text in manifests.items():
        if basename(path).startswith("requirements"):
            for line in text.splitlines():
                if match := _NAME.match(line):
                    yield match["name"]


def _project_names(manifests: Mapping[str, str]) -> Iterator[str]:
    """``project.dependencies`` of pyproject.toml (packaging.python.org, pyproject.toml)."""
    for path, text in manifests.items():
        if basename(path) != "pyproject.toml":
            continue
        try:
            project = tomllib.loads(text).get("project")
        except (tomllib.TOMLDecodeError, RecursionError):
            continue
        listed = project.get("dependencies") if isinstance(project, Mapping) else None
        for line in listed if isinstance(listed, list) else ():
            if isinstance(line, str) and (match := _NAME.match(line)):
                yield match["name"]


def _node_names(manifests: Mapping[str, str]) -> set[str]:
    """``dependencies`` of package.json: those that an installation for production has."""
    found: set[str] = set()
    for path, text in manifests.items():
        if basename(path) != "package.json":
            continue
        try:
            data: Any = json.loads(text)
        except (ValueError, RecursionError):
            continue
        names = data.get("dependencies") if isinstance(data, Mapping) else None
        found |= {str(name) for name in names} if isinstance(names, Mapping) else set()
    return found


_NAME = re.compile(r"\s*(?P<name>[A-Za-z0-9](?:[\w.-]*[A-Za-z0-9])?)\s*(?:[\[<>=!~;@#,(]|$)")
"""A distribution's name at the start of a requirement (packaging.python.org, "Names and
normalization", "Dependency specifiers")."""
