"""Scripts inside a command: ``sh -c 'script'`` and ``bash <<EOF``."""

from __future__ import annotations

from collections.abc import Sequence

from optimizer.cst.source import Span
from optimizer.shell.interpreter import ShellCall, read_shell_call, starts_shell
from optimizer.shell.parse import parse_script
from optimizer.shell.script import OpaqueScript, Redirection, Script
from optimizer.shell.words import ShellWord, literal_text


def nested_script(
    words: Sequence[ShellWord], redirections: Sequence[Redirection]
) -> Script | OpaqueScript | None:
    """Returns the script that a command hands to a POSIX shell.

    Its spans lie in the same file. Opaque where the outer shell puts the script
    together; None where the command is no shell, or its script is in a file or comes
    through a pipe.
    """
    if not starts_shell([word.literal for word in words[:2]]):
        return None
    # A word that is not literal can only be the script itself: no option begins with "?".
    call = read_shell_call([word.literal or "?" for word in words])
    if call is None:
        return None
    if call.command is not None:
        return _argument(words[call.command], call)
    return None if call.file is not None else _standard_input(redirections, call)


def _argument(word: ShellWord, call: ShellCall) -> Script | OpaqueScript:
    inner = literal_text(word)
    if inner is None:
        return OpaqueScript("a script that the outer shell puts together", word.span)
    return parse_script(inner.text, inner.at, call.options)


def _standard_input(
    redirections: Sequence[Redirection], call: ShellCall
) -> Script | OpaqueScript | None:
    inputs = [
        redirection
        for redirection in redirections
        if redirection.operator.startswith("<") and redirection.descriptor in (None, 0)
    ]
    if not inputs or inputs[-1].body is None:
        return None
    document = inputs[-1]
    text, (start, _) = document.document, inputs[-1].body
    if text is None:
        return OpaqueScript("a script that the outer shell puts together", document.span)

    def at(first: int, last: int) -> Span:
        return document.source.at(start + first, start + last)

    return parse_script(text, at, call.options)
