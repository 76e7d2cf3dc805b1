"""The commands that an image starts by itself, and the tools and files that they name.

Forms: moby api ``container.Config`` (Entrypoint, Cmd, Healthcheck, Shell, User), and
https://docs.docker.com/reference/dockerfile/ for how ENTRYPOINT and CMD are joined.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from posixpath import basename
from typing import Literal, TypeAlias

from optimizer.cst.source import Span
from optimizer.shell.interpreter import read_shell_call
from optimizer.shell.parse import parse_script
from optimizer.shell.script import Script
from optimizer.shell.walk import walk
from optimizer.verify.image import Image
from optimizer.verify.rootfs import Person, Root, environment, words

Field: TypeAlias = Literal["ENTRYPOINT", "CMD", "HEALTHCHECK"]

DEFAULT_SHELL = ("/bin/sh", "-c")

_BUILTIN_NAMES = """
. : [ [[ alias bg bind break builtin caller cd command compgen complete continue declare dirs
disown echo enable eval exec exit export false fc fg getopts hash help history jobs kill let
local logout mapfile popd printf pushd pwd read readarray readonly return set shift shopt
source suspend test times trap true type typeset ulimit umask unalias unset wait
"""
_BUILTINS = frozenset(("", *_BUILTIN_NAMES.split()))
"""What bash or dash run themselves (bash(1), SHELL BUILTIN COMMANDS; dash(1), Builtins)."""

_SCRIPT_RUNNERS = re.compile(
    r"(node|nodejs|bun|deno|python[\d.]*|pypy[\d.]*|ruby[\d.]*|perl|php[\d.]*|(ba|da|a)?sh)"
)
_PATH_LIKE = re.compile(r"(?:--?[\w-]+=)?(?P<path>[^=\s]*[/.][^=\s]*)")


@dataclass(frozen=True, slots=True)
class Call:
    """A command that the image starts: ``argv`` as a container gets it."""

    field: Field
    argv: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Tool:
    """A program that must be there: ``name`` as ``field`` names it; ``script`` is the path of
    the script in between, if there is one."""

    field: Field
    name: str
    script: str | None = None


def calls(image: Image) -> tuple[Call, ...]:
    """Returns what the image starts: its entry command and its health check."""
    entrypoint, command = words(image.config, "Entrypoint"), words(image.config, "Cmd")
    found: list[Call] = []
    if entrypoint or command:
        field: Field = "ENTRYPOINT" if entrypoint else "CMD"
        found.append(Call(field, (*entrypoint, *command)))
    health = image.config.get("Healthcheck")
    test = words(health, "Test") if isinstance(health, Mapping) else []
    if test[:1] == ["CMD"] and len(test) > 1:
        found.append(Call("HEALTHCHECK", tuple(test[1:])))
    if test[:1] == ["CMD-SHELL"]:
        shell = words(image.config, "Shell") or [*DEFAULT_SHELL]
        found.append(Call("HEALTHCHECK", (*shell, *test[1:])))
    return tuple(call for call in found if call.argv[0])


def tools(root: Root, call: Call) -> tuple[Tool, ...]:
    """Returns the programs that ``call`` runs for sure: its first word, the commands of a
    script handed to a shell, and those of a short shell script outside of the distribution's
    folders. What only runs on a condition is left out, and so is what is not known."""
    found = [Tool(call.field, call.argv[0])]
    read = read_shell_call(call.argv)
    path: str | None = None
    if read is not None and read.command is not None:
        found += [Tool(call.field, name) for name in _commands(root, call.argv[read.command])]
    elif read is not None and read.file is not None:
        path = root.absolute(call.argv[read.file])
    else:
        path = root.which(call.argv[0])
    if path is not None:
        found += [Tool(call.field, name, path) for name in _commands(root, _script(root, path))]
    return tuple(dict.fromkeys(found))


def arguments(call: Call) -> tuple[str, ...]:
    """Returns the words behind the program that may be paths: those with a slash or a dot,
    and the first operand of an interpreter."""
    found = [match["path"] for word in call.argv[1:] if (match := _PATH_LIKE.fullmatch(word))]
    if _SCRIPT_RUNNERS.fullmatch(basename(call.argv[0])) and len(call.argv) > 1:
        found += [word for word in call.argv[1:2] if not word.startswith("-")]
    return tuple(dict.fromkeys(found))


def person(root: Root) -> Person | None:
    """Returns who the image runs as; None where it names someone that it does not know."""
    user, _, group = str(root.image.config.get("User") or "").partition(":")
    uid, own = _find_user(root, user or "0")
    gid = _find_group(root, group) if group else own
    if uid is None or gid is None:
        return None
    return Person(uid, frozenset({gid, *_further_groups(root, user)}))


def unknown_names(root: Root) -> tuple[tuple[str, str], ...]:
    """Returns the names in USER that no file of the image knows, each with that file."""
    user, _, group = str(root.image.config.get("User") or "").partition(":")
    found = []
    if user and _find_user(root, user)[0] is None:
        found.append((user, "/etc/passwd"))
    if group and _find_group(root, group) is None:
        found.append((group, "/etc/group"))
    return tuple(found)


def _commands(root: Root, text: str) -> Iterator[str]:
    script = parse_script(text, Span)
    if not isinstance(script, Script):
        return
    env: dict[str, str | None] = {**environment(root.image)}
    for visit in walk(script, root.absolute(""), env):
        if visit.conditional or visit.redefined or not visit.words:
            continue
        name = (visit.words[0].fields(visit.env) or ("",))[0]
        # A PATH of the script's own is not followed.
        if name not in _BUILTINS and ("/" in name or visit.env.get("PATH") == env["PATH"]):
            yield name


def _script(root: Root, path: str) -> str:
    entry = root.entry(path)
    text = entry.facts.text if entry is not None and entry.facts is not None else None
    return "" if text is None else text.decode("utf-8", "replace")


def _find_user(root: Root, user: str) -> tuple[int | None, int]:
    """Returns the user's number and group: by name, else as a number, as moby does
    (github.com/moby/sys/user, GetExecUser)."""
    for fields in _rows(root, "/etc/passwd", 4):
        if user in (fields[0], fields[2]):
            return _number(fields[2]), _number(fields[3]) or 0
    return _number(user), 0


def _find_group(root: Root, group: str) -> int | None:
    for fields in _rows(root, "/etc/group", 3):
        if group in (fields[0], fields[2]):
            return _number(fields[2])
    return _number(group)


def _further_groups(root: Root, user: str) -> Iterator[int]:
    for fields in _rows(root, "/etc/group", 4):
        number = _number(fields[2])
        if number is not None and user in fields[3].split(","):
            yield number


def _rows(root: Root, path: str, least: int) -> Iterator[list[str]]:
    entry = root.entry(path)
    data = entry.facts.text if entry is not None and entry.facts is not None else None
    for line in (data or b"").decode("utf-8", "replace").splitlines():
        fields = line.split(":")
        if len(fields) >= least:
            yield fields


def _number(text: str) -> int | None:
    return int(text) if re.fullmatch(r"[0-9]{1,10}", text) else None
