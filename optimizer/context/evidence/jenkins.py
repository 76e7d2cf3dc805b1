"""Jenkinsfiles: ``sh`` steps, ``docker.build`` and Dockerfile agents.

Source: jenkins.io/doc/book/pipeline/syntax and .../pipeline/docker. Only the
strings of the Groovy text are read, and the braces around them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from optimizer.context.evidence.build import (
    ROOT,
    UNKNOWN,
    Build,
    Evidence,
    Files,
    Found,
    Strength,
    default_dockerfiles,
    join,
)
from optimizer.context.evidence.command_line import Script, builds_of, mentions_build

_TOKEN: Final = re.compile(
    r"""
    //[^\n]*+
    | /\*[^*]*+(?:\*(?!/)[^*]*+)*+(?:\*/|\Z)
    | '''(?P<raw>(?:[^'\\]|\\.|'(?!''))*+)(?:'''|\Z)
    | \"\"\"(?P<long>(?:[^"\\]|\\.|"(?!""))*+)(?:\"\"\"|\Z)
    | '(?P<single>(?:[^'\\\n]|\\.)*+)'
    | "(?P<double>(?:[^"\\\n]|\\.)*+)"
    | (?P<word>[A-Za-z_][\w.]*)
    | (?P<mark>[{}\n;])
    """,
    re.VERBOSE | re.DOTALL,
)
_INTERPOLATION: Final = re.compile(r"\$(?:\{([^{}]{0,200})\}|([A-Za-z_][\w.]*))")
_ESCAPE: Final = re.compile(r"\\(.)", re.DOTALL)
_WORKSPACE: Final = frozenset({"WORKSPACE", "env.WORKSPACE", "pwd()"})
_DEEPEST: Final = 200


@dataclass(slots=True)
class _Block:
    """A pair of braces: the word in front of it, the folder in force, and its strings."""

    name: str
    folder: str
    strings: dict[str, str] = field(default_factory=dict)


def read(path: str, text: str, files: Files) -> Iterator[Evidence]:
    """Lists the builds of a Jenkinsfile."""
    yield from _Reader(path).builds(text)


class _Reader:
    def __init__(self, path: str) -> None:
        self._path = path
        self._blocks = [_Block("", ROOT)]
        self._words: list[str] = []
        self._strings: list[str] = []
        self._line = 1

    def builds(self, text: str) -> Iterator[Found]:
        at = 0
        for token in _TOKEN.finditer(text):
            self._line += text.count("\n", at, token.start())
            at = token.start()
            kind = token.lastgroup
            if kind == "word":
                self._words.append(token[0])
            elif kind == "mark":
                yield from self._mark(token[0])
            elif kind is not None:
                yield from self._string(token[kind], kind in ("long", "double"))

    def _string(self, body: str, interpolated: bool) -> Iterator[Found]:
        if interpolated:
            body = _INTERPOLATION.sub(_interpolated, body)
        text = _ESCAPE.sub(lambda m: "" if m[1] == "\n" else m[1], body)
        self._strings.append(text)
        if "sh" in self._words and mentions_build(text):
            yield from self._script(text)
        elif self._words and self._blocks[-1].name == "dockerfile":
            self._blocks[-1].strings[self._words[-1]] = text

    def _mark(self, mark: str) -> Iterator[Found]:
        opened = self._block()
        yield from self._statement()
        if mark == "{" and len(self._blocks) < _DEEPEST:
            self._blocks.append(opened)
        elif mark == "}" and len(self._blocks) > 1:
            block = self._blocks.pop()
            if block.name == "dockerfile":
                yield self._agent(block)

    def _block(self) -> _Block:
        """Returns what a brace would open here."""
        folder = self._blocks[-1].folder
        if self._words[:1] == ["dir"] and len(self._strings) == 1:
            folder = join(folder, self._strings[0])
        return _Block(self._words[-1] if self._words else "", folder)

    def _statement(self) -> Iterator[Found]:
        words, strings = self._words, self._strings
        if "docker.build" in words and strings:
            arguments = strings[1] if len(strings) > 1 else "."
            yield from self._script(f"docker build -t '{strings[0]}' {arguments}")
        elif words[-2:] == ["dockerfile", "true"]:
            yield self._agent(_Block("dockerfile", ROOT))
        words.clear()
        strings.clear()

    def _script(self, text: str) -> Iterator[Found]:
        found_by = f"{self._path}:{self._line}"
        return builds_of(
            Script(
                text,
                lambda line: found_by,
                Strength.WORKFLOW,
                folder=self._blocks[-1].folder,
                variables={"WORKSPACE": ROOT},
            )
        )

    def _agent(self, block: _Block) -> Build:
        context = join(ROOT, block.strings.get("dir", "."))
        file = block.strings.get("filename")
        return Build(
            found_by=f"{self._path}:{self._line}",
            strength=Strength.WORKFLOW,
            context=context,
            dockerfiles=default_dockerfiles(context) if file is None else (join(context, file),),
        )


def _interpolated(match: re.Match[str]) -> str:
    return ROOT if (match[1] or match[2]).strip() in _WORKSPACE else UNKNOWN
