"""Judges whether a configuration file written in JavaScript or TypeScript stands alone.

Such a file is never run. It stands alone when every module it imports comes
from a package, and when it neither opens files nor starts programs.
"""

from __future__ import annotations

import re

_COMMENT = re.compile(r"/\*.*?\*/|(?<![:\"'`\\])//[^\n]*", re.DOTALL)
_IMPORT = re.compile(
    r"""(?:\bfrom|\bimport|\brequire(?:\.resolve)?|\bimport)\s*\(?\s*(["'`])(?P<module>[^"'`]*)\1"""
)
_COMPUTED = re.compile(r"\b(?:require|import)\s*\(\s*(?![\"'`])")
# Node.js docs: the modules through which code reads files, lists directories or starts programs.
_ACTS = re.compile(
    r"\b(?:node:)?(?:fs(?:/promises)?|child_process|module|worker_threads|vm)[\"'`]"
    r"|\b(?:readFile|readdir|existsSync|loadEnvFile|execSync|spawn|globSync|Deno|Bun)\w*\b"
)


def stands_alone(text: str) -> bool:
    """Tells whether the code in ``text`` reads nothing besides itself and installed packages.

    A text longer than any configuration that people write is not looked at.
    """
    if len(text) > 100_000:
        return False
    code = _COMMENT.sub(" ", text)
    if _COMPUTED.search(code) or _ACTS.search(code):
        return False
    modules = (match["module"] for match in _IMPORT.finditer(code))
    return not any(module.startswith((".", "/", "~", "#", "@/")) for module in modules)
