"""Go's answers where Python's differ.

BuildKit is written in Go, and what counts as white space, as a number or as a
printable character there decides what a Dockerfile means. Each function names
the function of Go's standard library that it stands for.
"""

from __future__ import annotations

import re

from optimizer.cst.lex import go_quote

SPACE = (
    "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009"
    "\u200a\u2028\u2029\u202f\u205f\u3000"
)
"""unicode.IsSpace. `str.isspace` also takes U+001C to U+001F, so hand this to `str.strip`."""

_BOOLEANS = frozenset(
    ("1", "t", "T", "TRUE", "true", "True", "0", "f", "F", "FALSE", "false", "False")
)
_NANOSECONDS = {
    "ns": 1,
    "us": 10**3,
    "\u00b5s": 10**3,
    "\u03bcs": 10**3,
    "ms": 10**6,
    "s": 10**9,
    "m": 60 * 10**9,
    "h": 3600 * 10**9,
}
_DURATION_PART = re.compile(r"([0-9]*)(?:\.([0-9]*))?([^0-9.]*)")
_INTEGER = re.compile(r"([+-]?)([0-9]*)")


class GoValueError(ValueError):
    """Go's parsing function returned an error; its text is the message."""


def lower(text: str) -> str:
    """strings.ToLower: one code point for one code point, so U+0130 becomes a plain i."""
    return text.lower() if text.isascii() else text.replace("\u0130", "i").lower()


def is_bool(text: str) -> bool:
    """Tells whether strconv.ParseBool accepts ``text``."""
    return text in _BOOLEANS


def parse_int32(text: str) -> int:
    """strconv.ParseInt with base 10 and 32 bits; raises `GoValueError`.

    The digits are checked from the left, so a number that is too large is
    reported as such even where something else than a digit follows.
    """
    match = _INTEGER.match(text)
    assert match is not None
    sign, digits = match.groups()
    significant = digits.lstrip("0")
    magnitude = int(significant[:11] or "0")
    if magnitude > 0xFFFFFFFF:
        raise GoValueError(f"strconv.ParseInt: parsing {go_quote(text)}: value out of range")
    if not digits or match.end() != len(text):
        raise GoValueError(f"strconv.ParseInt: parsing {go_quote(text)}: invalid syntax")
    value = -magnitude if sign == "-" else magnitude
    if not -(2**31) <= value < 2**31:
        raise GoValueError(f"strconv.ParseInt: parsing {go_quote(text)}: value out of range")
    return value


def parse_duration(text: str) -> int:
    """time.ParseDuration, in nanoseconds; raises `GoValueError`."""
    rest = text[1:] if text[:1] in ("-", "+") else text
    if rest == "0":
        return 0
    if not rest:
        raise _invalid_duration(text)
    total, at = 0, 0
    while at < len(rest):
        match = _DURATION_PART.match(rest, at)
        assert match is not None
        whole, fraction, unit = match.groups()
        if not whole and not fraction:
            raise _invalid_duration(text)
        total += _duration_part(text, whole, fraction or "", unit)
        if total > 2**63:
            raise _invalid_duration(text)
        at = match.end()
    if text[0] == "-":
        return -total
    if total == 2**63:
        raise _invalid_duration(text)
    return total


def _duration_part(text: str, whole: str, fraction: str, unit: str) -> int:
    significant = whole.lstrip("0")
    value = int(significant[:20] or "0")
    if value > 2**63:
        raise _invalid_duration(text)
    if not unit:
        raise GoValueError(f"time: missing unit in duration {_quote_time(text)}")
    if unit not in _NANOSECONDS:
        raise GoValueError(
            f"time: unknown unit {_quote_time(unit)} in duration {_quote_time(text)}"
        )
    scale = _NANOSECONDS[unit]
    value *= scale
    if value > 2**63:
        raise _invalid_duration(text)
    numerator, denominator = _leading_fraction(fraction)
    return value + int(numerator * (scale / denominator))


def _leading_fraction(digits: str) -> tuple[int, float]:
    """time.leadingFraction: the digits that fit into 63 bits, and what to divide them by."""
    value, scale = 0, 1.0
    for digit in digits:
        if value > (2**63 - 1) // 10:
            break
        value = value * 10 + int(digit)
        scale *= 10
    return value, scale


def _invalid_duration(text: str) -> GoValueError:
    return GoValueError(f"time: invalid duration {_quote_time(text)}")


def _quote_time(text: str) -> str:
    """time.quote: every byte outside ASCII's printable range as ``\\x..``."""
    out = ['"']
    for char in text:
        code = ord(char)
        if 0x20 <= code < 0x80:
            out.append(("\\" if char in '"\\' else "") + char)
        elif 0xDC80 <= code <= 0xDCFF:
            out.append(f"\\x{code - 0xDC00:02x}")
        else:
            out.extend(f"\\x{byte:02x}" for byte in char.encode("utf-8", "surrogatepass"))
    return "".join(out) + '"'
