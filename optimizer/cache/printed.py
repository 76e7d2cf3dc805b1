"""How BuildKit prints a step in its progress log, without the ``[stage n/m]`` in front."""

from __future__ import annotations

import re

from optimizer.cst.heredocs import read_opening
from optimizer.cst.lex import Lexer, LexError
from optimizer.cst.nodes import Dockerfile, Instruction
from optimizer.model.state import State
from optimizer.model.values import Known

LONGEST = 4096
"""Characters of a step that are printed with their variables put in; a longer one stays."""


class _Names:
    """Answers the lexer; a variable whose value is not known stays as it is written."""

    def __init__(self, state: State) -> None:
        self._state = state

    def get(self, name: str, /) -> str | None:
        value = self._state.lookup(name)
        if value is None:
            return None
        return value.text if isinstance(value, Known) else f"${{{name}}}"


_BRACES = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


def printed(dockerfile: Dockerfile, instruction: Instruction, state: State) -> str:
    """Returns the text of one step (convert.go, processCmdEnv and uppercaseCmd)."""
    text = instruction.logical.text
    documents = instruction.heredocs if instruction.keyword == "RUN" else ()
    if len(documents) == 1 and read_opening(instruction.arguments) is not None:
        text += f" ({_summary(dockerfile.text(documents[0].body))})"
    keyword, blank, rest = _expanded(text, instruction, state).partition(" ")
    return keyword.upper() + blank + rest


def _expanded(text: str, instruction: Instruction, state: State) -> str:
    if ("$" not in text and not any(mark in text for mark in "'\"\\`")) or len(text) > LONGEST:
        return text
    is_run = instruction.keyword == "RUN"
    lexer = Lexer(instruction.escape, raw_quotes=is_run, skip_unset=is_run)
    try:
        expanded = lexer.process_word(text, _Names(state)).text
    except LexError:
        return text
    # What is not set loses its braces in the name of a vertex (measured on Engine 28.5.2).
    return _BRACES.sub(r"$\1", expanded) if is_run else expanded


def _summary(body: str) -> str:
    first, *others = body.strip().replace("\r\n", "\n").split("\n")
    return first + ("..." if others else "")
