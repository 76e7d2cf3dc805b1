"""``${{ }}`` in GitHub workflows, as far as the file itself decides it.

Source: docs.github.com/actions, "Evaluate expressions in workflows and actions".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from optimizer.context.evidence.build import UNKNOWN, bounded
from optimizer.context.evidence.yaml_text import Scalar, Value, YamlMapping, YamlSequence

Result = str | YamlMapping | YamlSequence
"""The value of an expression: the empty text for null and for what is missing."""

_LONGEST: Final = 1000
_DEEPEST: Final = 20
_MOST_EXPANDED: Final = 1_000_000
"""Characters that expressions may put into one text."""
_OPENING: Final = "${{"
_CLOSING: Final = "}}"
_TOKEN: Final = re.compile(
    r"""\s*(?:
    '(?P<text>(?:[^']|'')*)'
    | (?P<operator>\|\||&&|==|!=|[!(),])
    | (?P<path>[A-Za-z_][\w-]*(?:\.[\w*-]+|\['[^']*'\]|\[\d+\])*)
    | (?P<number>-?\d[\w.]*)
    )""",
    re.VERBOSE,
)
_STEP: Final = re.compile(r"\.?([\w*-]+)|\['([^']*)'\]|\[(\d+)\]")
_FALSE: Final = frozenset({"", "false", "0", "null"})


@dataclass(frozen=True, slots=True)
class Scope:
    """What the contexts of one step hold (``matrix``, ``inputs``, ``env``, ``github``).

    In a context that is ``complete`` a name that is missing is empty; in the
    others somebody may set it, so it is unknown.
    """

    contexts: Mapping[str, Value | Mapping[str, str]]
    complete: frozenset[str] = frozenset()

    def expand(self, text: str) -> str:
        """Replaces every expression in a text by its value."""
        if _OPENING not in text:
            return text
        head, *rest = text.split(_OPENING)
        parts = [head]
        room = _MOST_EXPANDED
        for piece in rest:
            body, _, after = piece.partition(_CLOSING)
            value = self.evaluate(body)
            known = bounded(value) if isinstance(value, str) and room > 0 else UNKNOWN
            room -= len(known)
            parts.extend((known, after))
        return "".join(parts)

    def value_of(self, value: Value | None) -> Value | None:
        """Returns what a whole value stands for: where it is one expression, that one's."""
        if not isinstance(value, Scalar):
            return value
        text = value.strip()
        if text.startswith(_OPENING) and text.find(_CLOSING) == len(text) - 2:
            result = self.evaluate(text[3:-2])
            return Scalar.of(result) if isinstance(result, str) else result
        return Scalar.of(self.expand(value))

    def evaluate(self, expression: str) -> Result:
        """Returns the value of an expression, or `UNKNOWN`."""
        if len(expression) > _LONGEST:
            return UNKNOWN
        return _Evaluator(expression, self).whole()

    def look_up(self, path: str) -> Result:
        """Returns what ``matrix.image['name']`` stands for."""
        names = [a or b or c for a, b, c in _STEP.findall(path)]
        value: Value | Mapping[str, str] | str | None = self.contexts.get(names[0].lower())
        if value is None:
            return UNKNOWN
        for name in names[1:]:
            if isinstance(value, YamlMapping):
                value = value.get(name)
            elif isinstance(value, YamlSequence):
                index = int(name) if name.isdigit() else len(value.items)
                value = value.items[index] if index < len(value.items) else None
            elif isinstance(value, Mapping):
                value = value.get(name)
            else:
                return UNKNOWN
            if value is None:
                return "" if names[0].lower() in self.complete else UNKNOWN
        if isinstance(value, Scalar):
            return "" if value.is_null else str(value)
        return value if isinstance(value, str | YamlMapping | YamlSequence) else UNKNOWN


class _Evaluator:
    """One expression, read by operator precedence; whatever is not understood is unknown."""

    def __init__(self, text: str, scope: Scope) -> None:
        self._text = text
        self._at = 0
        self._scope = scope
        self._depth = 0

    def whole(self) -> Result:
        value = self._either()
        return value if not self._text[self._at :].strip() else UNKNOWN

    def _peek(self) -> str | None:
        match = _TOKEN.match(self._text, self._at)
        return match["operator"] if match else None

    def _takes(self, *operators: str) -> str | None:
        operator = self._peek()
        if operator in operators:
            match = _TOKEN.match(self._text, self._at)
            self._at = match.end() if match else self._at
            return operator
        return None

    def _either(self) -> Result:
        value = self._both()
        while self._takes("||"):
            other = self._both()
            if value != UNKNOWN and not _is_true(value):
                value = other
        return value

    def _both(self) -> Result:
        value = self._comparison()
        while self._takes("&&"):
            other = self._comparison()
            if value != UNKNOWN and _is_true(value):
                value = other
        return value

    def _comparison(self) -> Result:
        value = self._single()
        while operator := self._takes("==", "!="):
            value = _compared(value, operator, self._single())
        return value

    def _single(self) -> Result:
        match = _TOKEN.match(self._text, self._at)
        if match is None or self._depth > _DEEPEST:
            self._at = len(self._text)
            return UNKNOWN
        self._at = match.end()
        if match["text"] is not None:
            return match["text"].replace("''", "'")
        if match["number"] is not None:
            return match["number"]
        if match["path"] is not None:
            return self._call(match["path"])
        return self._operated(match["operator"])

    def _operated(self, operator: str) -> Result:
        self._depth += 1
        value: Result = UNKNOWN
        if operator == "(":
            value = self._either()
            self._takes(")")
        elif operator == "!":
            value = self._single()
            if value != UNKNOWN:
                value = "false" if _is_true(value) else "true"
        self._depth -= 1
        return value

    def _call(self, path: str) -> Result:
        if path in ("true", "false", "null"):
            return "" if path == "null" else path
        if not self._takes("("):
            return self._scope.look_up(path)
        self._depth += 1
        while self._peek() != ")" and self._at < len(self._text):
            self._either()
            if not self._takes(","):
                break
        self._takes(")")
        self._depth -= 1
        return UNKNOWN


def _is_true(value: Result) -> bool:
    return not isinstance(value, str) or value not in _FALSE


def _compared(left: Result, operator: str, right: Result) -> Result:
    if not isinstance(left, str) or not isinstance(right, str):
        return UNKNOWN
    if UNKNOWN in left or UNKNOWN in right:
        return UNKNOWN
    # GitHub ignores case when it compares strings.
    equal = left.lower() == right.lower()
    return "true" if equal == (operator == "==") else "false"
