"""Compound commands: which lists they hold, and what decides whether these run.

By POSIX.1-2024, Shell Command Language, 2.9.4 and 2.9.5.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from optimizer.shell.grammar import RESERVED, WORDS, UnreadableError
from optimizer.shell.script import Block, Context, Kind, Role

if TYPE_CHECKING:
    from tree_sitter import Node

    from optimizer.shell.parse import Reader

_Contexts: TypeAlias = frozenset[Context]

_CLAUSES = frozenset(("do_group", "elif_clause", "else_clause", "case_item"))
_METACHARACTERS = frozenset(";&|<>()")


class Frame(NamedTuple):
    """What a compound command consists of; ``headers`` are nodes outside its blocks."""

    kind: Kind
    blocks: tuple[Block, ...]
    headers: Sequence[Node] = ()
    name: str | None = None
    has_default: bool = False


def read_frame(reader: Reader, node: Node, context: _Contexts) -> Frame:
    """Builds the blocks of a compound command.

    Raises `UnreadableError`, and `TornWordError` for a word in its header.
    """
    _require_blanks(reader, node)
    frame = _READERS[node.type](reader, node, context)
    if frame.kind in ("for", "select", "case") and node.type != "c_style_for_statement":
        for header in frame.headers:
            if header.is_named:
                reader.word(header.start_byte, header.end_byte)
    return frame


def _require_blanks(reader: Reader, node: Node) -> None:
    """Checks that nothing lies between the pieces of a compound command, that its keywords
    are words of their own, and that the words behind ``for`` stand in one line."""
    position = node.start_byte
    one_line = node.type in ("for_statement", "case_statement")
    before = ""
    for child in node.children:
        kind, start = child.type, child.start_byte
        gap = reader.gap_in_line(position, start)
        if gap.strip(" \t" if one_line and kind in WORDS else " \t\n"):
            raise UnreadableError("text that the grammar skipped", position)
        if not gap and before in RESERVED and reader.text[start] not in _METACHARACTERS:
            raise UnreadableError("a keyword that is not understood", start)
        if kind in _CLAUSES:
            _require_blanks(reader, child)
        position, before = child.end_byte, kind


def _between(
    reader: Reader,
    nodes: Sequence[Node],
    role: Role,
    context: _Contexts,
    added: Context | None = None,
) -> Block:
    """Builds the block between the first and the last of ``nodes``, which are keywords."""
    first, *inside, last = nodes
    if added is not None:
        context = context.union((added,))
    return Block(role, reader.chain(inside, first.end_byte, last.start_byte, context))


def _subshell(reader: Reader, node: Node, context: _Contexts) -> Frame:
    if reader.text.startswith("((", node.start_byte):
        raise UnreadableError("arithmetic that is not understood", node.start_byte)
    return Frame("subshell", (_between(reader, node.children, "body", context, "subshell"),))


def _group(reader: Reader, node: Node, context: _Contexts) -> Frame:
    if node.children[0].type == "((":
        return Frame("arithmetic", (), node.children)
    return Frame("group", (_between(reader, node.children, "body", context),))


def _if(reader: Reader, node: Node, context: _Contexts) -> Frame:
    blocks: list[Block] = []
    nodes: list[Node] = []
    has_default = False
    for child in _spread_clauses(node):
        if nodes and child.type in ("then", "elif", "else", "fi"):
            nodes.append(child)
            if nodes[0].type in ("if", "elif"):
                blocks.append(_between(reader, nodes, "condition", context, "condition"))
            else:
                blocks.append(_between(reader, nodes, "branch", context, "branch"))
            has_default = has_default or nodes[0].type == "else"
            nodes = []
        nodes.append(child)
    return Frame("if", tuple(blocks), has_default=has_default)


def _spread_clauses(node: Node) -> Iterator[Node]:
    """Yields the children of an ``if``, and in place of its clauses their children."""
    for child in node.children:
        if child.type in ("elif_clause", "else_clause"):
            yield from child.children
        else:
            yield child


def _while(reader: Reader, node: Node, context: _Contexts) -> Frame:
    keyword, *_, body = node.children
    condition = _between(reader, node.children, "condition", context, "condition")
    loop = _between(reader, body.children, "loop", context, "loop")
    return Frame("until" if keyword.type == "until" else "while", (condition, loop))


def _for(reader: Reader, node: Node, context: _Contexts) -> Frame:
    keyword, *header, body = node.children
    name = next((child for child in header if child.type == "variable_name"), None)
    return Frame(
        "select" if keyword.type == "select" else "for",
        (_between(reader, body.children, "loop", context, "loop"),),
        header,
        None if name is None else reader.text[name.start_byte : name.end_byte],
    )


def _case(reader: Reader, node: Node, context: _Contexts) -> Frame:
    blocks: list[Block] = []
    headers: list[Node] = []
    has_default = False
    for child in node.children:
        if child.type != "case_item":
            headers.append(child)
            continue
        patterns, branch = _case_item(reader, child, context)
        headers += patterns
        blocks.append(branch)
        shown = [reader.text[part.start_byte : part.end_byte] for part in patterns]
        has_default = has_default or "*" in shown
    _require_end(reader, node)
    return Frame("case", tuple(blocks), headers, has_default=has_default)


def _require_end(reader: Reader, node: Node) -> None:
    """Checks that the last command before ``esac`` has ended: ``esac`` is no word of it."""
    *_, item, keyword = node.children
    before = reader.text[item.start_byte : keyword.start_byte]
    ended = before.rstrip(" \t\n")
    if "\n" not in before[len(ended) :] and not ended.endswith((";", "&", ")", "in")):
        raise UnreadableError("a keyword that is not understood", keyword.start_byte)


def _case_item(reader: Reader, node: Node, context: _Contexts) -> tuple[list[Node], Block]:
    children = node.children
    closing = next(n for n, child in enumerate(children) if child.type == ")")
    end = node.end_byte
    inside = children[closing + 1 :]
    if inside and inside[-1].type in (";;", ";&", ";;&"):
        end = inside.pop().start_byte
    inner: _Contexts = context.union(("branch",))
    chain = reader.chain(inside, children[closing].end_byte, end, inner)
    return children[:closing], Block("branch", chain)


def _function(reader: Reader, node: Node, context: _Contexts) -> Frame:
    children = node.children
    at = next(n for n, child in enumerate(children) if child.type == "word")
    body = [child for child in children[at + 1 :] if child.type not in ("(", ")")]
    inner: _Contexts = context.union(("function",))
    chain = reader.chain(body, body[0].start_byte, node.end_byte, inner)
    name = reader.text[children[at].start_byte : children[at].end_byte]
    return Frame("function", (Block("body", chain),), name=name)


_READERS: Final[dict[str, Callable[[Reader, Node, _Contexts], Frame]]] = {
    "subshell": _subshell,
    "compound_statement": _group,
    "if_statement": _if,
    "while_statement": _while,
    "for_statement": _for,
    "c_style_for_statement": _for,
    "case_statement": _case,
    "function_definition": _function,
}
