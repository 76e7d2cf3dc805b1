"""shfmt as a second reader of shell scripts.

``shfmt --to-json`` (mvdan.cc/sh) prints a syntax tree; what the tests compare is taken
out of it here.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from optimizer.shell.script import Script

SHFMT = Path(sys.executable).with_name("shfmt")

Tree = Any


class Seen(NamedTuple):
    """One simple command, as offsets in the script. ``words`` is None for ``[[``."""

    start: int
    words: tuple[tuple[int, int], ...] | None
    assignments: tuple[int, ...]
    redirections: tuple[tuple[str, int], ...]
    context: frozenset[str]


def seen_by_dockopt(script: Script) -> list[Seen]:
    return [
        Seen(
            command.start,
            None
            if command.words and command.words[0].text == "[["
            else tuple((word.start, _end(script.text, word.end)) for word in command.words),
            tuple(each.start for each in command.assignments),
            tuple((each.operator.rstrip("-"), each.start) for each in command.redirections)
            if not any(each.operator == "<<-" for each in command.redirections)
            else tuple((each.operator, each.start) for each in command.redirections),
            command.context,
        )
        for command in script.commands
    ]


def _end(text: str, end: int) -> int:
    """shfmt counts a continuation right behind a word into the word."""
    while text.endswith("\\\n", 0, end):
        end -= 2
    return end


def seen_by_shfmt(text: str) -> list[Seen] | None:
    """Returns what shfmt sees, None for a script that it refuses."""
    tree = _tree(text)
    return None if tree is None else sorted(_Reader(text).statements(tree, frozenset()))


def seen_by_shfmt_in_each(texts: Sequence[str]) -> list[list[Seen]] | None:
    """Like `seen_by_shfmt` for several scripts that it accepts, in one process."""
    whole = "".join(f"{text}\n\n" for text in texts)
    found = seen_by_shfmt(whole)
    if found is None:
        return None
    sorted_in: list[list[Seen]] = []
    start = 0
    for text in texts:
        end = start + len(text)
        sorted_in.append([_moved(seen, -start) for seen in found if start <= seen.start < end])
        start = end + 2
    return sorted_in


def _moved(seen: Seen, by: int) -> Seen:
    return Seen(
        seen.start + by,
        seen.words and tuple((start + by, end + by) for start, end in seen.words),
        tuple(start + by for start in seen.assignments),
        tuple((operator, start + by) for operator, start in seen.redirections),
        seen.context,
    )


def _tree(text: str) -> Tree:
    done = subprocess.run(
        [SHFMT, "-ln", "bash", "--to-json"],
        input=text.encode("utf-8", "surrogatepass"),
        capture_output=True,
        check=False,
    )
    return json.loads(done.stdout).get("Stmts", []) if done.returncode == 0 else None


class _Reader:
    """Takes the simple commands out of shfmt's tree."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.offsets: list[int] | None = None
        if not text.isascii():
            self.offsets = []
            for number, char in enumerate(text):
                self.offsets += [number] * len(char.encode("utf-8", "surrogatepass"))
            self.offsets.append(len(text))

    def at(self, position: Tree) -> int:
        offset = int(position["Offset"])
        return offset if self.offsets is None else self.offsets[offset]

    def statements(self, node: Tree, context: frozenset[str]) -> Iterator[Seen]:
        """Yields the commands of all statements below ``node``."""
        if isinstance(node, list):
            for child in node:
                yield from self.statements(child, context)
        elif isinstance(node, dict):
            if "Position" in node and ("Cmd" in node or "Redirs" in node):
                yield from self.statement(node, context)
            elif node.get("Type") in ("CmdSubst", "ProcSubst"):
                inside = context | {"command-substitution"}
                yield from self.statements(node.get("Stmts", []), inside)
            else:
                for child in node.values():
                    yield from self.statements(child, context)

    def statement(self, node: Tree, context: frozenset[str]) -> Iterator[Seen]:
        if node.get("Negated"):
            context |= {"negated"}
        if node.get("Background"):
            context |= {"background"}
        command = node.get("Cmd", {})
        redirections = node.get("Redirs", [])
        simple = self.simple(command)
        if simple is not None:
            words, assignments = simple
            operators = tuple((each["Op"], self.at(each["Pos"])) for each in redirections)
            starts = [start for start, _ in words or ()]
            if words is None:
                starts = [self.at(command["Pos"])]
            start = min(*starts, *assignments, *(at for _, at in operators), len(self.text))
            yield Seen(start, words, assignments, operators, context)
            yield from self.statements(list(command.values()), context)
        else:
            yield from self.compound(command, context)
        yield from self.statements(redirections, context)

    def simple(
        self, command: Tree
    ) -> tuple[tuple[tuple[int, int], ...] | None, tuple[int, ...]] | None:
        """Returns words and assignments of a simple command, None for a compound one."""
        if not command:
            return (), ()
        kind = command["Type"]
        if kind == "TestClause":
            return None, ()
        if kind == "CallExpr":
            assigns = tuple(self.at(each["Pos"]) for each in command.get("Assigns", []))
            return self.words(command.get("Args", [])), assigns
        if kind == "DeclClause":
            return self.words([command["Variant"], *command.get("Args", [])]), ()
        return None

    def words(self, nodes: Tree) -> tuple[tuple[int, int], ...]:
        return tuple((self.at(node["Pos"]), self.end(self.at(node["End"]))) for node in nodes)

    def end(self, end: int) -> int:
        return _end(self.text, end)

    def compound(self, command: Tree, context: frozenset[str]) -> Iterator[Seen]:
        kind = command["Type"]
        blocks = {
            "Subshell": {"Stmts": "subshell"},
            "WhileClause": {"Cond": "condition", "Do": "loop"},
            "ForClause": {"Do": "loop"},
            "FuncDecl": {"Body": "function"},
        }
        if kind == "BinaryCmd":
            joint = {"|": "pipe", "|&": "pipe", "||": "alternative"}.get(command["Op"])
            right = context | {joint} if joint else context
            left = right if joint == "pipe" else context
            yield from self.statement(command["X"], left)
            yield from self.statement(command["Y"], right)
        elif kind == "IfClause":
            yield from self.statements(command.get("Cond", []), context | {"condition"})
            yield from self.statements(command.get("Then", []), context | {"branch"})
            if "Else" in command:
                yield from self.compound({"Type": "IfClause", **command["Else"]}, context)
        elif kind == "CaseClause":
            yield from self.statements(command["Word"], context)
            for item in command.get("Items", []):
                yield from self.statements(item["Patterns"], context)
                yield from self.statements(item.get("Stmts", []), context | {"branch"})
        else:
            added = blocks.get(kind, {})
            for name, child in command.items():
                inside = context | {added[name]} if name in added else context
                yield from self.statements(child, inside)
