"""Shell scripts, package.json scripts, Taskfiles, and commands that are written for people."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Callable, Iterator
from typing import Final

from optimizer.context.evidence.build import (
    ROOT,
    START,
    UNKNOWN,
    Evidence,
    Files,
    Strength,
    Unread,
    folders_up,
    join,
    without_marks,
)
from optimizer.context.evidence.command_line import Script, builds_of, mentions_build
from optimizer.context.evidence.yaml_text import Scalar, YamlError, YamlMapping, read_yaml

_SHEBANG: Final = re.compile(r"#![^\n]*\b(?:sh|bash|dash|zsh|ash|ksh)\b")
_FENCE: Final = re.compile(r"[ \t]*(?:[-*>][ \t]+)?(`{3,}|~{3,})[ \t]*([\w.+-]*)")
_SHELL_FENCES: Final = frozenset(
    {"", "sh", "bash", "shell", "console", "zsh", "shell-session", "terminal", "text", "docker"}
)
_PROMPT: Final = re.compile(r"[ \t]*(?:[\w@:~/.-]*[$%#>][ \t]+)?")
_GO_TEMPLATE: Final = re.compile(r"\{\{([^{}]{0,200})\}\}")
_FIELD: Final = re.compile(r"-?\s*\.(\w+)\s*-?")

_LONGEST_INSERTED: Final = 256

_NPM_ROOTS: Final = {"INIT_CWD": START, "PWD": START}
"""Source: docs.npmjs.com/cli/using-npm/scripts: scripts run in the package's folder."""


def read_shell(path: str, text: str, files: Files) -> Iterator[Evidence]:
    """Lists the builds of a shell script; a file without ``.sh`` needs a shell's shebang."""
    if not mentions_build(text):
        return
    if "." not in posixpath.basename(path) and not _SHEBANG.match(text):
        return
    yield from builds_of(
        Script(
            text,
            _by_line(path),
            Strength.SCRIPT,
            starts=folders_up(posixpath.dirname(path)),
            path=f"{ROOT}/{path}",
        )
    )


def read_package_json(path: str, text: str, files: Files) -> Iterator[Evidence]:
    """Lists the builds that ``scripts`` of a package.json call."""
    if not mentions_build(text):
        return
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        yield Unread(path, "is no JSON that can be read", posixpath.dirname(path))
        return
    scripts = document.get("scripts") if isinstance(document, dict) else None
    for name, script in scripts.items() if isinstance(scripts, dict) else ():
        if isinstance(script, str) and mentions_build(script):
            yield from builds_of(
                Script(
                    without_marks(script),
                    _always(f"{path}:scripts.{without_marks(name)}"),
                    Strength.SCRIPT,
                    starts=(posixpath.dirname(path),),
                    variables=_NPM_ROOTS,
                )
            )


def read_taskfile(path: str, text: str, files: Files) -> Iterator[Evidence]:
    """Lists the builds of a Taskfile. Source: taskfile.dev/reference/schema."""
    if not mentions_build(text):
        return
    folder = posixpath.dirname(path)
    try:
        documents = read_yaml(text)
    except YamlError as error:
        yield Unread(path, f"is no YAML that can be read: {error}", folder)
        return
    for document in documents:
        if isinstance(document, YamlMapping):
            yield from _tasks(path, folder, document)


def _tasks(path: str, folder: str, document: YamlMapping) -> Iterator[Evidence]:
    here = f"{ROOT}/{folder}"
    built_in = {"ROOT_DIR": here, "TASKFILE_DIR": here, "USER_WORKING_DIR": START}
    shared = {**built_in, **_task_variables(document.mapping("vars"))}
    tasks = document.mapping("tasks")
    for name in tasks.items:
        task = tasks.mapping(name)
        variables = {**shared, **_task_variables(task.mapping("vars"))}
        start = join(here, _filled(task.text("dir") or ".", variables))
        for at, command in enumerate(_task_commands(tasks, name)):
            if mentions_build(command):
                yield from builds_of(
                    Script(
                        _filled(command, variables),
                        _always(f"{path}:tasks.{name}.cmds[{at}]"),
                        Strength.SCRIPT,
                        folder=start,
                        starts=(folder,),
                    )
                )


def _task_commands(tasks: YamlMapping, name: str) -> list[str]:
    task = tasks.get(name)
    if isinstance(task, Scalar):
        return [task]
    commands = tasks.get(name, "cmds") or tasks.get(name, "cmd") or task
    if isinstance(commands, Scalar):
        return [commands]
    if commands is None or isinstance(commands, YamlMapping):
        return []
    return [
        (item.text("cmd") or "") if isinstance(item, YamlMapping) else str(item)
        for item in commands.items
        if isinstance(item, Scalar | YamlMapping)
    ]


def _task_variables(mapping: YamlMapping) -> dict[str, str]:
    texts = ((name, mapping.text(name)) for name in mapping.items)
    return {name: text if text is not None and _is_plain(text) else UNKNOWN for name, text in texts}


def _is_plain(text: str) -> bool:
    return "{{" not in text and "$" not in text and len(text) <= _LONGEST_INSERTED


def _filled(text: str, variables: dict[str, str]) -> str:
    def value(match: re.Match[str]) -> str:
        field = _FIELD.fullmatch(match[1].strip())
        return variables.get(field[1], UNKNOWN) if field else UNKNOWN

    return _GO_TEMPLATE.sub(value, text)


def read_readme(path: str, text: str, files: Files) -> Iterator[Evidence]:
    """Lists the builds that the fenced commands of a Markdown file call, each block on its own."""
    if not mentions_build(text):
        return
    for line, block in _fenced(text):
        if mentions_build(block):
            yield from builds_of(
                Script(
                    block,
                    _by_line(path),
                    Strength.PROSE,
                    starts=folders_up(posixpath.dirname(path)),
                    line=line,
                )
            )


def _fenced(text: str) -> Iterator[tuple[int, str]]:
    """Lists the shell blocks with the number of their first line, prompts taken off."""
    fence = ""
    start = 0
    block: list[str] = []
    for number, line in enumerate(text.split("\n"), 1):
        match = _FENCE.match(line)
        if not fence:
            if match:
                fence, start = match[1], number + 1
                is_shell = match[2].lower() in _SHELL_FENCES
                block = []
        elif match and match[1].startswith(fence) and not match[2]:
            if is_shell:
                yield start, "\n".join(block)
            fence = ""
        else:
            block.append(_PROMPT.sub("", line, count=1))


def read_comments(path: str, text: str, files: Files) -> Iterator[Evidence]:
    """Lists the builds in the comments of a Dockerfile, each line on its own: they are prose, and
    prose has apostrophes."""
    if not mentions_build(text):
        return
    parts: list[str] = []
    for number, raw in enumerate(text.split("\n"), 1):
        comment = raw.strip(" \t\r").startswith("#")
        line = _PROMPT.sub("", raw.strip("# \t\r").strip("`"), count=1) if comment else ""
        parts.append(line.removesuffix("\\"))
        if line.endswith("\\"):
            continue
        command = " ".join(parts)
        if comment and mentions_build(command):
            yield from builds_of(
                Script(
                    command,
                    _by_line(path),
                    Strength.PROSE,
                    starts=folders_up(posixpath.dirname(path)),
                    line=number + 1 - len(parts),
                )
            )
        parts = []


def _by_line(path: str) -> Callable[[int], str]:
    return lambda line: f"{path}:{line}"


def _always(place: str) -> Callable[[int], str]:
    return lambda line: place
